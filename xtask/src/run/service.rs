//! The two services of the demonstration. They know nothing of the mesh.

use anyhow::{Context, Result};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

pub const WEB_PORT: u16 = 9001;
pub const API_PORT: u16 = 9002;

/// Where web reaches api: its sidecar listens there.
pub const UPSTREAM_PORT: u16 = 12000;

const PATIENCE: Duration = Duration::from_secs(5);

pub fn start_both() -> Result<()> {
    start(API_PORT, |_| "hello from api\n".to_owned())?;
    start(WEB_PORT, |path| if path == "/health" { "well\n".to_owned() } else { page_of_web() })
}

/// web is an ordinary program: it asks api on a local port and shows what comes.
fn page_of_web() -> String {
    match get(UPSTREAM_PORT, "/") {
        Ok(text) => format!("web asked api, and heard: {text}"),
        Err(error) => format!("web asked api, and was refused: {error}\n"),
    }
}

/// The body of what a port of this machine answers.
pub fn get(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    body.ok_or_else(|| {
        io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed without an answer")
    })
}

fn start(port: u16, page: fn(&str) -> String) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).with_context(|| {
        format!("a demo service cannot listen on port {port}: is another demonstration running?")
    })?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up is its own concern.
            std::thread::spawn(move || answer(stream, page).ok());
        }
    });
    Ok(())
}

fn answer(mut stream: TcpStream, page: fn(&str) -> String) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.try_clone()?).take(64 * 1024).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let body = page(request.split(' ').nth(1).unwrap_or("/"));
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes())
}
