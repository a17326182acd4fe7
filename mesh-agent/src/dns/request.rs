use hickory_proto::op::{Edns, OpCode, Query, ResponseCode};
use hickory_proto::rr::DNSClass;
use hickory_server::server::Request;

/// The one question of a request.
///
/// # Errors
/// The code that its sender is told instead.
pub(super) fn question(request: &Request) -> Result<&Query, ResponseCode> {
    if request.metadata.op_code != OpCode::Query {
        return Err(ResponseCode::NotImp);
    }
    let [query] = request.queries.queries() else { return Err(ResponseCode::FormErr) };
    if !(request.answers.is_empty() && request.authorities.is_empty()) {
        return Err(ResponseCode::FormErr);
    }
    if request.version() > 0 {
        return Err(ResponseCode::BADVERS);
    }
    match query.query_class() {
        DNSClass::IN | DNSClass::ANY => Ok(query.original()),
        _ => Err(ResponseCode::Refused),
    }
}

/// The payload that the client takes over UDP, where it speaks EDNS.
pub(super) fn payload(request: &Request) -> Option<u16> {
    request.edns.as_ref().map(Edns::max_payload)
}

/// Whether the client wants signatures, which only a recursor could have.
pub(super) fn wants_signatures(request: &Request) -> bool {
    request.edns.as_ref().is_some_and(|e| e.flags().dnssec_ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::{Message, MessageType};
    use hickory_proto::rr::{Name, RData, Record, RecordType, rdata::A};
    use hickory_server::net::xfer::Protocol;
    use rand::{RngExt, SeedableRng, rngs::SmallRng};
    use std::str::FromStr;

    const HEADER: usize = 12;

    fn message() -> Message {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(Name::from_str("web.service.consul.").unwrap(), RecordType::A));
        message
    }

    fn decode(packet: Vec<u8>) -> Option<Request> {
        Request::from_bytes(packet, ([127, 0, 0, 1], 5353).into(), Protocol::Udp).ok()
    }

    fn code_of(message: &Message) -> ResponseCode {
        question(&decode(message.to_vec().unwrap()).unwrap()).unwrap_err()
    }

    #[test]
    fn a_question_is_read_with_what_its_options_say() {
        let mut asked = message();
        let mut edns = Edns::new();
        edns.set_max_payload(4096).set_dnssec_ok(true);
        asked.set_edns(edns);
        let request = decode(asked.to_vec().unwrap()).unwrap();
        assert_eq!((payload(&request), wants_signatures(&request)), (Some(4096), true));
        assert_eq!(question(&request).unwrap(), &asked.queries[0]);
    }

    #[test]
    fn what_is_no_question_is_refused_by_code() {
        let mut none = message();
        none.queries.clear();
        assert_eq!(code_of(&none), ResponseCode::FormErr);

        let mut two = message();
        two.add_query(Query::query(Name::root(), RecordType::A));
        assert_eq!(code_of(&two), ResponseCode::FormErr);

        let mut answered = message();
        answered.add_answer(Record::from_rdata(Name::root(), 0, RData::A(A::new(1, 2, 3, 4))));
        assert_eq!(code_of(&answered), ResponseCode::FormErr);

        let mut update = message();
        update.metadata.op_code = OpCode::Update;
        assert_eq!(code_of(&update), ResponseCode::NotImp);

        let mut chaos = message();
        chaos.queries[0].set_query_class(DNSClass::CH);
        assert_eq!(code_of(&chaos), ResponseCode::Refused);

        let mut future = message();
        let mut edns = Edns::new();
        edns.set_version(1);
        future.set_edns(edns);
        assert_eq!(code_of(&future), ResponseCode::BADVERS);
    }

    #[test]
    fn scraps_and_compression_loops_do_not_decode() {
        let whole = message().to_vec().unwrap();
        for size in 0..whole.len() {
            assert!(decode(whole[..size].to_vec()).is_none(), "{size}");
        }
        let mut ring = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        ring.extend([0xc0, 12, 0, 1, 0, 1]);
        assert!(decode(ring).is_none());
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
            if let Some(request) = decode(packet) {
                let _ = question(&request);
            }
        }
    }

    #[test]
    fn flipped_bits_of_a_true_question_are_survived() {
        let mut asked = message();
        asked.set_edns(Edns::new());
        let whole = asked.to_vec().unwrap();
        for bit in 0..whole.len() * 8 {
            let mut packet = whole.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            if let Some(request) = decode(packet) {
                let _ = question(&request);
            }
        }
    }
}
