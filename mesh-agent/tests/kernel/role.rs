//! What the processes in a test's cgroup do. They are this test binary, started again with a role.

use mesh_agent::dataplane::kernel::origin_of;
use std::io::{self, BufRead, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

pub const ROLE: &str = "MESH_KERNEL_ROLE";

/// Not a test: the entrance of the processes that tests start.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let words: Vec<&str> = role.split(' ').collect();
    let result = match words[..] {
        ["serve", address] => serve(address, |_| "server".to_owned()),
        ["leg", address] => serve(address, told),
        ["connect", address] => connect(address, TcpStream::connect),
        ["mapped", address] => connect(address, connect_mapped),
        ["padded", address] => connect(address, connect_padded),
        ["apart", address] => connect(address, connect_apart),
        ["many", address, count] => many(address, count.parse().expect("a count")),
        ["ceaselessly", address] => ceaselessly(address),
        ["late", address] => late(address),
        ["echo", address] => listen(address, |stream| std::io::copy(&mut &*stream, &mut &*stream).map(drop)),
        ["late-echo", address] => listen(address, late_echo),
        ["part", address] => part(address),
        ["mute", address] => mute(address),
        ["watch", address] => watch(address),
        ["hold", address] => hold(address, TcpStream::connect),
        ["hold-mapped", address] => hold(address, connect_mapped),
        ["peek", address] => peek(address),
        ["hoard", address, size] => hoard(address, number(size)),
        ["bursts", address, burst, size] => bursts(address, number(burst), number(size)),
        ["turns", address, count, size, pieces] => {
            turns(address, number(count), number(size), number(pieces))
        }
        ["stuff", address, size] => stuff(address, number(size)),
        _ => panic!("no such role: {role}"),
    };
    result.expect("the role is played to its end");
    std::process::exit(0); // Nothing of the test harness belongs into the answer.
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n> {text}")?;
    out.flush()
}

/// Says where it listens, and does with each connection what it is told.
fn listen(address: &str, mut with: impl FnMut(&TcpStream) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    say(&listener.local_addr()?.to_string())?;
    for stream in listener.incoming() {
        let _ = with(&stream?); // One client's end is not the server's.
    }
    Ok(())
}

/// Tells each that connects what `answer` says of the connection.
fn serve(address: &str, answer: impl Fn(&TcpStream) -> String) -> io::Result<()> {
    listen(address, |mut stream| stream.write_all(answer(stream).as_bytes()))
}

/// Answers when all was said, and well after that was acknowledged.
fn late_echo(mut stream: &TcpStream) -> io::Result<()> {
    let mut question = Vec::new();
    stream.read_to_end(&mut question)?;
    nap(Duration::from_millis(100));
    stream.write_all(&question)
}

/// It is the time that passes that is tested.
#[allow(clippy::disallowed_methods)]
fn nap(time: Duration) {
    std::thread::sleep(time);
}

/// Says all it has to say, and waits in a read; says what it read, and what kept it from waiting.
fn part(address: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"parting")?;
    stream.shutdown(Shutdown::Write)?;
    let (mut told, mut answer) = (String::new(), [0; 7]);
    loop {
        match stream.read_exact(&mut answer) {
            Ok(()) => return say(&format!("{told}{}", String::from_utf8_lossy(&answer))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => told = "WouldBlock, then ".to_owned(),
            Err(error) => return Err(error),
        }
    }
}

/// Keeps every connection and never reads.
fn mute(address: &str) -> io::Result<()> {
    let mut kept = Vec::new();
    listen(address, |stream| {
        kept.push(stream.try_clone()?);
        Ok(())
    })
}

/// Looks at what came, again and again, and never takes it.
fn peek(address: &str) -> io::Result<()> {
    listen(address, |stream| {
        let stream = stream.try_clone()?;
        std::thread::spawn(move || while stream.peek(&mut [0; 65_536]).is_ok_and(|found| found > 0) {});
        Ok(())
    })
}

/// Reads so much whenever it is told to, and says so; nothing meanwhile.
fn hoard(address: &str, size: usize) -> io::Result<()> {
    let mut told = io::stdin().lines();
    listen(address, |mut stream| {
        while told.next().is_some() {
            stream.read_exact(&mut vec![0; size])?;
            say("read")?;
        }
        Ok(())
    })
}

/// Writes so much at once, in messages of a size, and says so; again whenever it is told to.
fn bursts(address: &str, burst: usize, size: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut told = io::stdin().lines();
    loop {
        for _ in 0..burst / size {
            stream.write_all(&vec![7; size])?;
        }
        say("written")?;
        if told.next().is_none() {
            return Ok(());
        }
    }
}

/// What leg F hears of a connection, by our own option and by the one that proxies know.
fn told(stream: &TcpStream) -> String {
    match origin_of(stream.as_fd()) {
        Ok(Some(origin)) => {
            let known = crate::lab::original_destination(stream).expect("both options are answered");
            assert_eq!(known, origin.endpoint.socket_addr());
            format!("{}>{} {}", origin.source, origin.destination, origin.endpoint.socket_addr())
        }
        Ok(None) => "nobody was sent".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

/// Says what the peer answered and how it is called, or why there is none.
fn connect(address: &str, dial: impl Fn(SocketAddr) -> io::Result<TcpStream>) -> io::Result<()> {
    say(&attempt(dial(address.parse().expect("an address"))))
}

fn attempt(stream: io::Result<TcpStream>) -> String {
    let answered = stream.and_then(|mut stream| {
        let peer = stream.peer_addr()?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(format!("{text} @ {peer}"))
    });
    answered.unwrap_or_else(|error| format!("{:?}", error.kind()))
}

/// As a JVM does: an IPv4 destination through an IPv6 socket.
fn connect_mapped(address: SocketAddr) -> io::Result<TcpStream> {
    use socket2::{Domain, Socket, Type};
    let SocketAddr::V4(v4) = address else { panic!("only IPv4 has a mapped spelling") };
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    socket.connect(&SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())).into())?;
    Ok(socket.into())
}

/// With an extension header that says nothing before every TCP header.
fn connect_padded(address: SocketAddr) -> io::Result<TcpStream> {
    use socket2::{Domain, Socket, Type};
    use std::os::fd::AsRawFd;
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    let padding = [0_u8, 0, 1, 4, 0, 0, 0, 0];
    let length = libc::socklen_t::try_from(padding.len()).expect("it is small");
    let (level, option) = (libc::IPPROTO_IPV6, libc::IPV6_DSTOPTS);
    // SAFETY: the buffer is as long as said, and outlives the call.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, padding.as_ptr().cast(), length) };
    assert_eq!(set, 0, "root may send extension headers");
    socket.connect(&address.into())?;
    Ok(socket.into())
}

/// From a network namespace of its own, in which nobody listens.
fn connect_apart(address: SocketAddr) -> io::Result<TcpStream> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)?;
    TcpStream::connect(address)
}

/// Reads all that each connection brings; says how it ended.
fn watch(address: &str) -> io::Result<()> {
    listen(address, |stream| {
        let mut stream = stream.try_clone()?;
        stream.write_all(b"!")?;
        std::thread::spawn(move || say(&how_it_ends(&mut stream)));
        Ok(())
    })
}

/// Connects, and says so once the server has said a word; then, how the connection ended.
fn hold(address: &str, dial: impl Fn(SocketAddr) -> io::Result<TcpStream>) -> io::Result<()> {
    let mut stream = dial(address.parse().expect("an address"))?;
    stream.read_exact(&mut [0; 1])?;
    say("held")?;
    say(&how_it_ends(&mut stream))
}

fn how_it_ends(stream: &mut TcpStream) -> String {
    match std::io::copy(stream, &mut io::sink()) {
        Ok(_) => "closed".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn many(address: &str, count: usize) -> io::Result<()> {
    let address: SocketAddr = address.parse().expect("an address");
    let found = (0..count).map(|_| attempt(TcpStream::connect(address)));
    let good = found.inspect(|found| tell_failed(found)).filter(|found| found.contains('@')).count();
    say(&good.to_string())
}

/// To whoever looks for why a test failed.
fn tell_failed(found: &str) {
    if !found.contains('@') {
        eprintln!("a connect found: {found}");
    }
}

/// Connects again and again until told to stop; says how often it could not.
fn ceaselessly(address: &str) -> io::Result<()> {
    let address: SocketAddr = address.parse().expect("an address");
    let told = std::thread::spawn(|| io::stdin().lock().read_line(&mut String::new()));
    let mut failed = 0;
    while !told.is_finished() {
        failed += usize::from(!attempt(TcpStream::connect(address)).contains('@'));
    }
    say(&failed.to_string())
}

/// Makes its socket at once, and connects it when told to.
fn late(address: &str) -> io::Result<()> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    say("ready")?;
    io::stdin().lock().read_line(&mut String::new())?;
    let address: SocketAddr = address.parse().expect("an address");
    let connected = socket.connect(&address.into());
    say(&attempt(connected.map(|()| socket.into())))
}

/// Sends a message, in so many writes, and reads it back, in turns; says how many came back as they were.
fn turns(address: &str, count: usize, size: usize, pieces: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut good = 0;
    for turn in 0..count {
        let message = vec![u8::try_from(turn % 251).expect("it is small"); size];
        for piece in message.chunks(size.div_ceil(pieces)) {
            stream.write_all(piece)?;
        }
        let mut back = vec![0; size];
        stream.read_exact(&mut back)?;
        good += usize::from(back == message);
    }
    say(&good.to_string())
}

/// Writes until the kernel takes no more for a while; says how many bytes it took.
fn stuff(address: &str, size: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(std::time::Duration::from_millis(500)))?;
    let message = vec![7; size];
    let mut taken = 0;
    while taken < 256 << 20 {
        match stream.write(&message) {
            Ok(written) => taken += written,
            Err(_) => break,
        }
    }
    say(&taken.to_string())
}
