use hickory_proto::op::{Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::DNSClass;

/// A well-formed question.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub metadata: Metadata,
    pub query: Query,
    /// The payload that the client takes over UDP, where it speaks EDNS.
    pub payload: Option<u16>,
    /// The client wants signatures, which only a recursor could have.
    pub dnssec: bool,
    /// The size of the question, in bytes.
    pub size: usize,
}

/// Why a packet is not answered by its question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Malformed {
    /// Noise, or somebody's answer: whoever answers that may start a quarrel that never ends.
    Silent,
    /// The sender is told by the bare header of `id`.
    Told { id: u16, op_code: OpCode, code: ResponseCode },
}

const HEADER: usize = 12;

impl Request {
    /// # Errors
    /// [`Malformed`] says what to do with the packet instead.
    pub(super) fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let header = Header::read(packet).ok_or(Malformed::Silent)?;
        if header.is_response {
            return Err(Malformed::Silent);
        }
        let told = |code| Malformed::Told { id: header.id, op_code: header.op_code, code };
        if header.op_code != OpCode::Query {
            return Err(told(ResponseCode::NotImp));
        }
        // Checked before the body is decoded: nothing but a question and its options is read.
        if header.counts[..3] != [1, 0, 0] {
            return Err(told(ResponseCode::FormErr));
        }
        let message = Message::from_vec(packet).map_err(|_| told(ResponseCode::FormErr))?;
        Self::of(message, packet.len()).map_err(told)
    }

    fn of(mut message: Message, size: usize) -> Result<Self, ResponseCode> {
        let edns = message.edns.take();
        if edns.as_ref().is_some_and(|e| e.version() > 0) {
            return Err(ResponseCode::BADVERS);
        }
        let query = message.queries.pop().ok_or(ResponseCode::FormErr)?;
        match query.query_class() {
            DNSClass::IN | DNSClass::ANY => {}
            _ => return Err(ResponseCode::Refused),
        }
        Ok(Self {
            metadata: message.metadata,
            query,
            payload: edns.as_ref().map(hickory_proto::op::Edns::max_payload),
            dnssec: edns.is_some_and(|e| e.flags().dnssec_ok),
            size,
        })
    }
}

/// What is read of a packet before it is decoded.
struct Header {
    id: u16,
    is_response: bool,
    op_code: OpCode,
    /// Questions, answers, authorities, additionals.
    counts: [u16; 4],
}

impl Header {
    fn read(packet: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER] = packet.first_chunk()?;
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        Some(Self {
            id: word(0),
            is_response: bytes[2] & 0x80 != 0,
            op_code: OpCode::from_u8((bytes[2] >> 3) & 0x0f),
            counts: [word(4), word(6), word(8), word(10)],
        })
    }
}

impl Malformed {
    /// The answer to send, if there is one.
    pub(super) fn reply(&self) -> Option<Vec<u8>> {
        let Self::Told { id, op_code, code } = *self else { return None };
        let mut message = Message::new(id, MessageType::Response, op_code);
        message.metadata.response_code = code;
        if code == ResponseCode::BADVERS {
            message.set_edns(hickory_proto::op::Edns::new());
        }
        message.to_vec().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Edns;
    use hickory_proto::rr::{Name, RecordType};
    use rand::{RngExt, SeedableRng, rngs::SmallRng};
    use std::str::FromStr;

    fn question() -> Message {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(Name::from_str("web.service.consul.").unwrap(), RecordType::A));
        message
    }

    fn code_of(packet: &[u8]) -> ResponseCode {
        match Request::parse(packet) {
            Err(Malformed::Told { id: 7, code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_is_read_with_what_its_options_say() {
        let mut message = question();
        let mut edns = Edns::new();
        edns.set_max_payload(4096).set_dnssec_ok(true);
        message.set_edns(edns);
        let request = Request::parse(&message.to_vec().unwrap()).unwrap();
        assert_eq!((request.payload, request.dnssec), (Some(4096), true));
        assert_eq!(request.query.name().to_string(), "web.service.consul.");
    }

    #[test]
    fn what_is_no_question_is_refused_by_code() {
        let mut two = question();
        two.add_query(Query::query(Name::root(), RecordType::A));
        assert_eq!(code_of(&two.to_vec().unwrap()), ResponseCode::FormErr);

        let mut update = question();
        update.metadata.op_code = OpCode::Update;
        assert_eq!(code_of(&update.to_vec().unwrap()), ResponseCode::NotImp);

        let mut chaos = question();
        chaos.queries[0].set_query_class(DNSClass::CH);
        assert_eq!(code_of(&chaos.to_vec().unwrap()), ResponseCode::Refused);

        let mut future = question();
        let mut edns = Edns::new();
        edns.set_version(1);
        future.set_edns(edns);
        assert_eq!(code_of(&future.to_vec().unwrap()), ResponseCode::BADVERS);

        let whole = question().to_vec().unwrap();
        assert_eq!(code_of(&whole[..whole.len() - 3]), ResponseCode::FormErr);
    }

    #[test]
    fn answers_and_scraps_get_no_reply() {
        let mut answer = question();
        answer.metadata.message_type = MessageType::Response;
        assert_eq!(Request::parse(&answer.to_vec().unwrap()).unwrap_err(), Malformed::Silent);
        for size in 0..HEADER {
            assert_eq!(Request::parse(&vec![0; size]).unwrap_err(), Malformed::Silent);
        }
    }

    #[test]
    fn a_compression_loop_is_refused() {
        let mut packet = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        packet.extend([0xc0, 12, 0, 1, 0, 1]);
        assert_eq!(code_of(&packet), ResponseCode::FormErr);
    }

    #[test]
    fn noise_of_every_size_is_survived() {
        let mut rng = SmallRng::seed_from_u64(1);
        for round in 0..20_000_usize {
            let size = if round % 100 == 0 { rng.random_range(0..65_536) } else { rng.random_range(0..300) };
            let mut packet: Vec<u8> = (0..size).map(|_| rng.random()).collect();
            // Half of the noise looks like a question, so that the decoder is reached.
            if round % 2 == 0 && size >= HEADER {
                packet[..HEADER].copy_from_slice(&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 9]);
            }
            if let Err(malformed) = Request::parse(&packet) {
                assert!(malformed.reply().is_none_or(|r| r.len() <= 23));
            }
        }
    }

    #[test]
    fn flipped_bits_of_a_true_question_are_survived() {
        let mut message = question();
        message.set_edns(Edns::new());
        let whole = message.to_vec().unwrap();
        for bit in 0..whole.len() * 8 {
            let mut packet = whole.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            let _ = Request::parse(&packet);
        }
    }
}
