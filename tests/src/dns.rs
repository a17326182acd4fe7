//! Asking DNS questions.

use crate::wait::here;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::str::FromStr;
use std::time::Duration;

/// A question as it goes over the wire.
pub fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_str(name).expect("a test asks for valid names"), kind));
    message.to_vec().expect("a question can be written")
}

/// Sends bytes over UDP and reads what comes back, for a while.
pub fn exchange_udp(port: u16, bytes: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.set_read_timeout(Some(patience)).ok()?;
    socket.send_to(bytes, ("127.0.0.1", port)).ok()?;
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

/// The answer over UDP.
#[track_caller]
pub fn ask(port: u16, name: &str, kind: RecordType) -> Message {
    let answer = exchange_udp(port, &question(name, kind), here(Duration::from_secs(5)));
    let answer = answer.unwrap_or_else(|| panic!("no answer to {name} {kind}"));
    Message::from_vec(&answer).expect("an answer is a DNS message")
}

/// The addresses in an answer, in their order there.
pub fn addresses(answer: &Message) -> Vec<Ipv4Addr> {
    let address = |data: &RData| if let RData::A(address) = data { Some(address.0) } else { None };
    answer.answers.iter().filter_map(|record| address(&record.data)).collect()
}

/// The ports in an answer, in their order there.
pub fn ports(answer: &Message) -> Vec<u16> {
    let port = |data: &RData| if let RData::SRV(srv) = data { Some(srv.port) } else { None };
    answer.answers.iter().filter_map(|record| port(&record.data)).collect()
}

/// The answer over TCP.
///
/// # Errors
/// The connection fails or ends early.
pub fn ask_tcp(port: u16, name: &str, kind: RecordType) -> std::io::Result<Message> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(here(Duration::from_secs(5))))?;
    let question = question(name, kind);
    let length = u16::try_from(question.len()).expect("a question is short");
    stream.write_all(&[&length.to_be_bytes()[..], &question].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Message::from_vec(&answer).map_err(std::io::Error::other)
}
