//! What the processes in a test's cgroup do. They are this test binary, started again with a role.

use mesh_agent::dataplane::kernel::origin_of;
use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

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
        ["many", address, count] => many(address, count.parse().expect("a count")),
        ["late", address] => late(address),
        _ => panic!("no such role: {role}"),
    };
    result.expect("the role is played to its end");
    std::process::exit(0); // Nothing of the test harness belongs into the answer.
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n> {text}")?;
    out.flush()
}

/// Says where it listens, and tells each that connects what `answer` says of the connection.
fn serve(address: &str, answer: impl Fn(&TcpStream) -> String) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    say(&listener.local_addr()?.to_string())?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        let text = answer(&stream);
        let _ = stream.write_all(text.as_bytes());
    }
    Ok(())
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

fn many(address: &str, count: usize) -> io::Result<()> {
    let address: SocketAddr = address.parse().expect("an address");
    let good = (0..count).filter(|_| attempt(TcpStream::connect(address)).contains('@')).count();
    say(&good.to_string())
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
