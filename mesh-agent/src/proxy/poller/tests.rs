//! What a worker relies on, asked of each kind of poller that can run here.

macro_rules! promises {
    ($kind:ident) => {
        mod $kind {
            use super::super::$kind::{Bell, Event, Poller};
            use std::io::{self, Read, Write};
            use std::net::{Shutdown, TcpListener, TcpStream};
            use std::time::{Duration, Instant};

            const SOON: Duration = Duration::from_secs(10);

            fn pair() -> (TcpStream, TcpStream) {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let far = listener.accept().unwrap().0;
                near.set_nonblocking(true).unwrap();
                (near, far)
            }

            /// Waits until an event of this key is as expected.
            fn expect(poller: &mut Poller, key: u64, what: impl Fn(Event) -> bool) -> Event {
                let end = Instant::now() + SOON;
                while Instant::now() < end {
                    let count = poller.wait(Some(end - Instant::now())).unwrap();
                    let found = (0..count).map(|i| poller.event(i)).find(|e| e.key == key && what(*e));
                    if let Some(event) = found {
                        return event;
                    }
                }
                panic!("no such event came");
            }

            fn nothing(poller: &mut Poller) -> bool {
                poller.wait(Some(Duration::ZERO)).unwrap() == 0
            }

            #[test]
            fn a_connection_is_told_of_once_each_time_something_changes() {
                let (near, mut far) = pair();
                let mut poller = Poller::new().unwrap();
                let key = u64::MAX - 7; // Every bit of a key comes back.
                poller.watch_stream(&near, key).unwrap();
                expect(&mut poller, key, Event::writable);
                far.write_all(b"one").unwrap();
                expect(&mut poller, key, Event::readable);
                assert!(nothing(&mut poller), "nothing has changed since");
                far.write_all(b"two").unwrap();
                expect(&mut poller, key, Event::readable);
            }

            #[test]
            fn an_end_behind_data_is_readable_to_the_end() {
                let (mut near, mut far) = pair();
                let mut poller = Poller::new().unwrap();
                far.write_all(b"last words").unwrap();
                far.shutdown(Shutdown::Write).unwrap();
                poller.watch_stream(&near, 1).unwrap();
                let event = expect(&mut poller, 1, Event::readable);
                assert!(event.read_until_empty() && !event.broken());
                let mut told = Vec::new();
                near.read_to_end(&mut told).unwrap();
                assert_eq!(told, b"last words");
            }

            #[test]
            fn room_to_write_is_told_of_after_there_was_none() {
                let (mut near, mut far) = pair();
                let mut poller = Poller::new().unwrap();
                poller.watch_stream(&near, 1).unwrap();
                expect(&mut poller, 1, Event::writable);
                let block = [0; 65_536];
                while near.write(&block).is_ok() {}
                far.set_nonblocking(true).unwrap();
                let (mut sink, end) = (vec![0; 1 << 20], Instant::now() + SOON);
                loop {
                    while far.read(&mut sink).is_ok() {}
                    let count = poller.wait(Some(Duration::from_millis(10))).unwrap();
                    if (0..count).any(|index| poller.event(index).writable()) {
                        return;
                    }
                    assert!(Instant::now() < end, "nobody told that there is room");
                }
            }

            #[test]
            fn a_connection_that_is_refused_is_broken() {
                let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
                let stream = crate::proxy::leg::dial(closed).unwrap();
                let mut poller = Poller::new().unwrap();
                poller.watch_stream(&stream, 1).unwrap();
                expect(&mut poller, 1, Event::broken);
                assert_eq!(stream.take_error().unwrap().unwrap().kind(), io::ErrorKind::ConnectionRefused);
            }

            #[test]
            fn a_listener_is_told_of_as_long_as_somebody_waits() {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                let mut poller = Poller::new().unwrap();
                poller.watch_listener(&listener, 2).unwrap();
                let _callers = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
                for _ in 0..2 {
                    expect(&mut poller, 2, Event::readable);
                    listener.accept().unwrap();
                }
                assert!(nothing(&mut poller), "nobody waits");
            }

            #[test]
            fn what_is_forgotten_is_not_told_of() {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let mut poller = Poller::new().unwrap();
                poller.watch_listener(&listener, 2).unwrap();
                let _caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                expect(&mut poller, 2, Event::readable);
                poller.forget(&listener);
                assert!(nothing(&mut poller));
                poller.watch_listener(&listener, 3).unwrap();
                expect(&mut poller, 3, Event::readable);
            }

            #[test]
            fn a_bell_rings_until_it_is_silenced_however_often_it_was_rung() {
                let (bell, mut poller) = (Bell::new().unwrap(), Poller::new().unwrap());
                poller.watch_bell(&bell, 9).unwrap();
                assert!(nothing(&mut poller));
                for _ in 0..200 {
                    bell.ring();
                }
                expect(&mut poller, 9, Event::readable);
                expect(&mut poller, 9, Event::readable);
                bell.silence();
                assert!(nothing(&mut poller));
                bell.ring();
                expect(&mut poller, 9, Event::readable);
            }

            #[test]
            fn a_wait_ends_not_before_its_time() {
                let (mut poller, begun) = (Poller::new().unwrap(), Instant::now());
                assert_eq!(poller.wait(Some(Duration::from_micros(1_500))).unwrap(), 0);
                assert!(begun.elapsed() >= Duration::from_micros(1_500));
            }
        }
    };
}

#[cfg(target_os = "linux")]
promises!(epoll);
promises!(portable);
