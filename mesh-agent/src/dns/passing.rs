//! Questions and answers as bytes, on their way to another server and back.

use super::framing;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;
use tokio::time::timeout;

const HEADER: usize = 12;
const LARGEST: usize = 65_535;
/// The bit that makes a message an answer, in its third byte.
const ANSWER: u8 = 0x80;
const SERVER_FAILURE: u8 = 2;

/// Answers are answered by nobody: two servers could do so for ever.
pub(super) fn is_question(message: &[u8]) -> bool {
    message.len() >= HEADER && message[2] & ANSWER == 0
}

/// From a port of its own; what comes back under another number is somebody else's or forged.
pub(super) async fn over_udp(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut answer = vec![0; LARGEST];
    loop {
        let size = socket.recv(&mut answer).await?;
        if size >= HEADER && answer[..2] == question[..2] {
            answer.truncate(size);
            return Ok(answer);
        }
    }
}

/// What a server says that cannot help.
pub(super) fn failure(question: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= ANSWER;
    answer[3] = answer[3] & 0xf0 | SERVER_FAILURE;
    answer
}

/// Every answer of the server, once it is known which that is, until it has no more or is silent for too long.
pub(super) async fn bring_back(
    mut server: mpsc::Receiver<OwnedReadHalf>,
    answers: mpsc::Sender<Vec<u8>>,
    deadline: Duration,
) {
    let Some(mut server) = server.recv().await else { return };
    while let Ok(Ok(Some(answer))) = timeout(deadline, framing::read(&mut server)).await {
        if answers.send(answer).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: [u8; HEADER] = [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];

    #[test]
    fn a_failure_is_an_answer_to_its_question() {
        let answer = failure(&QUESTION);
        assert!(is_question(&QUESTION) && !is_question(&answer) && !is_question(&QUESTION[..11]));
        assert_eq!((&answer[..2], answer[3] & 0x0f), (&QUESTION[..2], SERVER_FAILURE));
    }

    #[tokio::test]
    async fn an_answer_under_another_number_is_not_taken() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let serve = async {
            let mut question = [0; 64];
            let (size, client) = server.recv_from(&mut question).await.unwrap();
            assert_eq!(question[..size], QUESTION, "byte for byte");
            let forged = [9, 9, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            server.send_to(&forged, client).await.unwrap();
            server.send_to(&failure(&QUESTION), client).await.unwrap();
        };
        let (answer, ()) = tokio::join!(over_udp(address, &QUESTION), serve);
        assert_eq!(answer.unwrap(), failure(&QUESTION));
    }
}
