//! As much as a gibibyte through the kernel's TLS of both proxies. On demand, since an emulated machine takes minutes:
//! `cargo xtask test vm --kernel uml,6.12 --program proxy --timeout 3600 -- --ignored gibibyte`.

use super::bytes::{both, expect, expect_part, narrow, send};
use super::kernel_tls::carried;
use super::scene::{PATIENCE, Scene};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const LEN: usize = 1 << 30;
/// Chunks are of random sizes up to this; none of a buffer's.
const LARGEST: usize = 300_000;
/// A socket's buffers where they are to be small: still more than a record, so that no timer sets the pace.
const SMALL: usize = 100_000;
/// How often a reader stalls on its way.
const STALLS: usize = 16;

#[test]
#[ignore = "takes minutes: see the head of this file"]
fn a_gibibyte_goes_both_ways_at_once() {
    let here = |_: &Scene, stream: &TcpStream| both(stream, 1, 2, LEN, LARGEST);
    carried("a_gibibyte_goes_both_ways_at_once", here, |stream| both(&stream, 2, 1, LEN, LARGEST));
}

/// The question has ended long before its answer has; each socket holds little. The kernel takes over no connection
/// that has half ended, so that the question waits for a word of the other side.
#[test]
#[ignore = "takes minutes: see the head of this file"]
fn a_gibibyte_answers_a_half_closed_question() {
    let here = |_: &Scene, mut stream: &TcpStream| {
        narrow(stream, SMALL, SMALL);
        stream.read_exact(&mut [0]).unwrap();
        stream.write_all(b"?").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        expect(stream, 2, LEN, LARGEST);
    };
    carried("a_gibibyte_answers_a_half_closed_question", here, |mut stream| {
        narrow(&stream, SMALL, SMALL);
        stream.write_all(b"!").unwrap();
        let mut question = Vec::new();
        stream.read_to_end(&mut question).unwrap();
        assert_eq!(question, b"?");
        send(&stream, 2, 0, LEN, LARGEST);
    });
}

#[test]
#[ignore = "takes minutes: see the head of this file"]
fn a_gibibyte_waits_for_a_reader_that_stalls_again_and_again() {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let here = |scene: &Scene, mut stream: &TcpStream| {
        thread::scope(|scope| {
            scope.spawn(|| send(stream, 1, 0, LEN, LARGEST));
            for _ in 0..STALLS {
                stands_still(scene);
                go.send(()).unwrap();
            }
        });
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    };
    carried("a_gibibyte_waits_for_a_reader_that_stalls_again_and_again", here, move |stream| {
        for part in 0..STALLS {
            wait.lock().unwrap().recv_timeout(*PATIENCE).unwrap();
            expect_part(&stream, 1, part * (LEN / STALLS)..(part + 1) * (LEN / STALLS), LARGEST);
        }
        assert_eq!((&stream).read(&mut [0; 8]).unwrap(), 0);
    });
}

/// Until nothing has moved for a while: all queues on the way are full.
fn stands_still(scene: &Scene) {
    let carried = || scene.counters().bytes_to_peers;
    let (mut last, mut since, begun) = (carried(), Instant::now(), Instant::now());
    while since.elapsed() < Duration::from_millis(300) {
        if carried() != last {
            (last, since) = (carried(), Instant::now());
        }
        assert!(begun.elapsed() < *PATIENCE * 30, "it never stands still");
        thread::park_timeout(Duration::from_millis(10));
    }
}
