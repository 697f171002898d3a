use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::Transaction as _;

use Side::{ToClient, ToServer};

fn feed(side: Side, bytes: &[u8], size: usize) -> WebSocket {
    let settings = Settings { transactions: 8, ..Settings::default() };
    let mut parser = WebSocket::new(&settings);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 80),
        settings: &settings,
        next: None,
        announced: None,
    };
    for piece in bytes.chunks(size) {
        assert_eq!(parser.data(side, piece, &mut cx), Parsed::More);
    }
    parser
}

fn payloads(parser: &WebSocket) -> Vec<(u8, bool, String)> {
    let text = |frame: &Frame| String::from_utf8_lossy(&frame.payload).into_owned();
    parser.live.iter().map(|frame| (frame.opcode, frame.fin, text(frame))).collect()
}

#[test]
fn frames_of_the_specification_are_read() {
    // RFC 6455, section 5.7: masked; in two pieces, with a ping between them.
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let pieces = b"\x01\x03Hel\x89\x01p\x80\x02lo";
    for size in [1, 2, 99] {
        let parser = feed(ToServer, masked, size);
        assert_eq!(payloads(&parser), [(1, true, "Hello".into())]);
        assert_eq!(parser.live.get(0).unwrap().number(Field::WebsocketMask, ToServer, 0), Some(0x37fa_213d));
        let parser = feed(ToClient, pieces, size);
        let all = [(1, false, "Hel".into()), (9, true, "p".into()), (0, true, "Hello".into())];
        assert_eq!(payloads(&parser), all);
    }
}

#[test]
fn compressed_messages_share_a_window() {
    // RFC 7692, section 7.2.3.2: the second refers to the first.
    let parser = feed(ToClient, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00", 4);
    assert_eq!(payloads(&parser), [(1, true, "Hello".into()), (1, true, "Hello".into())]);
}

#[test]
fn payloads_and_frames_are_bounded() {
    let long = [&b"\x82\x7f\0\0\0\0\0\x02\0\0"[..], &[7; 0x20000], b"\x8a\0"].concat();
    let parser = feed(ToClient, &long, 1000);
    let first = parser.live.get(0).unwrap();
    assert_eq!((first.payload.len(), first.events().has(SKIP_END_OF_PAYLOAD), parser.ids()), (MAX_PAYLOAD, true, 0..2));
    let pieces = [&b"\x02\x7e\xff\xff"[..], &[7; 0xffff], b"\x80\x02ab"].concat();
    assert!(feed(ToClient, &pieces, 1000).live.get(1).unwrap().events().has(REASSEMBLY_LIMIT_REACHED));
    assert_eq!(feed(ToClient, &[0x8a, 0].repeat(50), 3).ids(), 42..50);
}
