//! A real little web service.

use crate::wait::here;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Answers every HTTP request with one text, until it is dropped.
pub struct DemoService {
    port: u16,
    connections: Arc<AtomicUsize>,
    broken: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DemoService {
    /// # Panics
    /// The port is taken.
    pub fn start(port: u16, text: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the demo service's port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        let (connections, broken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (connections, broken, stop) = (connections.clone(), broken.clone(), stop.clone());
            std::thread::spawn(move || serve(&listener, text, &connections, &broken, &stop))
        };
        Self { port, connections, broken, stop, thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections it has had.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many of them ended before there was a whole request.
    pub fn broken(&self) -> usize {
        self.broken.load(Ordering::SeqCst)
    }
}

impl Drop for DemoService {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The listener looks at the flag when it is woken.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    listener: &TcpListener,
    text: &'static str,
    connections: &AtomicUsize,
    broken: &Arc<AtomicUsize>,
    stop: &AtomicBool,
) {
    for stream in listener.incoming().flatten() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        connections.fetch_add(1, Ordering::SeqCst);
        let broken = broken.clone();
        std::thread::spawn(move || {
            if answer(stream, text).is_none() {
                broken.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
}

/// `None` where no whole request came.
fn answer(mut stream: TcpStream, text: &str) -> Option<()> {
    let _ = stream.set_read_timeout(Some(here(Duration::from_secs(30))));
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
    let length = text.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close";
    let _ = stream.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n{text}").as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    Some(())
}
