//! Every byte arrives, in order, whatever the sizes.

use super::scene::{PATIENCE, Scene, app, echo, eventually, options};
use crate::proxy::EngineOptions;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The content of every stream repeats this; its length has no factor in common with any buffer's.
static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut content = vec![0; 65_537];
    SmallRng::seed_from_u64(7).fill_bytes(&mut content);
    content
});

/// At most `most` bytes of stream `seed` from position `at`.
fn content(seed: u64, at: usize, most: usize) -> &'static [u8] {
    let start = (at + seed as usize * 7_919) % CONTENT.len();
    &CONTENT[start..(start + most).min(CONTENT.len())]
}

/// Writes the bytes `from..len` in chunks of random size, then ends the stream.
pub fn send(mut stream: &TcpStream, seed: u64, from: usize, len: usize, largest: usize) {
    let mut sizes = SmallRng::seed_from_u64(seed);
    let mut at = from;
    while at < len {
        let chunk = content(seed, at, sizes.random_range(1..=largest).min(len - at));
        stream.write_all(chunk).unwrap();
        at += chunk.len();
    }
    stream.shutdown(Shutdown::Write).unwrap();
}

/// Reads until the end and compares with what [`send`] sends.
pub fn expect(mut stream: &TcpStream, seed: u64, len: usize, largest: usize) {
    expect_part(stream, seed, 0..len, largest);
    assert_eq!(stream.read(&mut [0; 64]).unwrap(), 0, "more than {len} bytes came");
}

/// Reads as much and compares.
pub fn expect_part(mut stream: &TcpStream, seed: u64, part: Range<usize>, largest: usize) {
    let mut sizes = SmallRng::seed_from_u64(seed + 1);
    let mut chunk = vec![0; largest];
    let mut got = part.start;
    while got < part.end {
        let room = sizes.random_range(1..=largest).min(part.end - got);
        let count = stream.read(&mut chunk[..room]).unwrap();
        assert_ne!(count, 0, "the stream ended at {got}");
        let mut compared = 0;
        while compared < count {
            let expected = content(seed, got, count - compared);
            assert!(chunk[compared..compared + expected.len()] == *expected, "bytes differ behind {got}");
            compared += expected.len();
            got += expected.len();
        }
    }
}

/// Both directions at once, each with its own content.
fn exchange(len: usize, largest: usize) {
    exchange_with(len, largest, |_| {});
}

/// The same over sockets that are changed first.
fn exchange_with(len: usize, largest: usize, narrow: fn(&TcpStream)) {
    let scene = Scene::new();
    let path = scene.path(app(move |stream| {
        narrow(&stream);
        both(&stream, 2, 1, len, largest);
    }));
    let stream = path.connect();
    narrow(&stream);
    both(&stream, 1, 2, len, largest);
    let both = 2 * len as u64;
    eventually("every byte is counted", || {
        let counters = scene.counters();
        (counters.bytes_to_apps, counters.bytes_to_peers) == (both, both)
    });
}

/// Gives it small socket buffers, in bytes.
pub fn narrow(stream: &TcpStream, receive: usize, send: usize) {
    SockRef::from(stream).set_recv_buffer_size(receive).unwrap();
    SockRef::from(stream).set_send_buffer_size(send).unwrap();
}

pub fn both(stream: &TcpStream, sent: u64, expected: u64, len: usize, largest: usize) {
    thread::scope(|scope| {
        scope.spawn(|| send(stream, sent, 0, len, largest));
        expect(stream, expected, len, largest);
    });
}

#[test]
fn few_bytes_arrive_both_ways() {
    for len in [0, 1, 2, 64, 4_095] {
        exchange(len, 7);
    }
}

#[test]
fn sizes_around_a_record_and_a_buffer_arrive_both_ways() {
    for len in [16_383, 16_384, 16_385, 32 * 16_384 - 1, 32 * 16_384 + 1, 1 << 20] {
        exchange(len, 40_000);
    }
}

#[test]
fn many_bytes_arrive_both_ways_at_once() {
    exchange(64 << 20, 300_000);
}

#[test]
fn small_socket_buffers_lose_nothing() {
    exchange_with(1 << 20, 9_000, |stream| narrow(stream, 40_000, 4_096));
}

/// Slowly: such a window is smaller than a segment, and TCP sends less than one when a timer says so.
#[test]
fn socket_buffers_of_a_page_lose_nothing() {
    exchange_with(64 << 10, 9_000, |stream| narrow(stream, 4_096, 4_096));
}

/// Writes without waiting until nothing has been taken for a while. Gives how many bytes were taken.
fn fill(mut stream: &TcpStream, seed: u64) -> usize {
    stream.set_nonblocking(true).unwrap();
    let (mut taken, mut last) = (0, Instant::now());
    while last.elapsed() < Duration::from_millis(300) {
        if let Ok(count) = stream.write(content(seed, taken, 60_000)) {
            taken += count;
            last = Instant::now();
        }
    }
    stream.set_nonblocking(false).unwrap();
    taken
}

#[test]
fn a_stalled_reader_stops_its_writer_and_nothing_is_lost() {
    let scene = Scene::new();
    let len = 96 << 20;
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let path = scene.path(app(move |stream| {
        wait.lock().unwrap().recv_timeout(*PATIENCE).unwrap();
        expect(&stream, 1, len, 100_000);
    }));
    let stream = path.connect();
    let taken = fill(&stream, 1);
    assert!(taken < len, "back-pressure does not reach the writer: {taken} bytes were taken");
    go.send(()).unwrap();
    send(&stream, 1, taken, len, 100_000);
    assert_eq!((&stream).read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn many_connections_at_once_are_kept_apart() {
    let patient = EngineOptions { handshake_timeout: *PATIENCE, ..options() }; // An emulated machine takes its time.
    let scene = Scene::with(patient);
    let path = scene.path(echo());
    thread::scope(|scope| {
        for seed in 1..=24 {
            let path = &path;
            scope.spawn(move || both(&path.connect(), seed, seed, 700_000, 50_000));
        }
    });
}
