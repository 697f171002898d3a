//! Flows of which the answer was seen first: who sent it is the server.

use crate::decode::{Packet, ip_proto};

/// Whether a flow's first packet carries an answer, by what it says and where it comes from.
pub(super) fn is_answer(packet: &Packet<'_>) -> bool {
    match packet.proto {
        ip_proto::UDP => {
            NAMES.contains(&packet.source_port)
                && !NAMES.contains(&packet.destination_port)
                && is_answer_of_names(packet.payload)
        }
        ip_proto::TCP => packet.payload.starts_with(b"HTTP/1."),
        _ => false,
    }
}

/// Ports of DNS, mDNS and LLMNR.
const NAMES: [u16; 3] = [53, 5353, 5355];

/// A header of DNS (RFC 1035, section 4.1.1) that says it answers one question of the usual kind.
fn is_answer_of_names(payload: &[u8]) -> bool {
    let Some([_, _, flags, _, 0, questions, ..]) = payload.first_chunk::<12>() else { return false };
    flags & 0xf8 == 0x80 && *questions <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_questions() {
        let says = |source_port, destination_port, flags: u8| {
            let payload = [1, 2, flags, 0, 0, 1, 0, 1, 0, 0, 0, 0];
            let packet = Packet { proto: ip_proto::UDP, source_port, destination_port, ..Packet::default() };
            is_answer(&Packet { payload: &payload, ..packet })
        };
        assert!(says(53, 40000, 0x85) && says(5355, 40000, 0x80));
        // A question, one server to another, and what only looks alike.
        assert!(!says(53, 40000, 1) && !says(53, 53, 0x80) && !says(40000, 40001, 0x80));
        let packet = Packet { proto: ip_proto::TCP, payload: b"HTTP/1.1 200 OK\r\n", ..Packet::default() };
        assert!(is_answer(&packet));
        assert!(!is_answer(&Packet { payload: b"GET / HTTP/1.1\r\n", ..packet }));
    }
}
