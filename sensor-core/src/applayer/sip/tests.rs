use super::*;
use crate::applayer::parser::Settings;

fn feed(transport: Transport, bytes: &[u8], size: usize) -> (Sip, Parsed) {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut parser = Sip::default();
    let mut cx = Context { time: 0, transport, ports: (5060, 5060), settings: &settings, next: None, announced: None };
    let mut last = Parsed::More;
    for piece in bytes.chunks(size) {
        if last == Parsed::More {
            last = parser.data(Side::ToServer, piece, &mut cx);
        }
    }
    (parser, last)
}

const INVITE: &[u8] = b"INVITE sip:b@x SIP/2.0\r\nv: SIP/2.0/UDP a\r\nVia: second\r\n one\r\nf: <sip:a@x>\r\n\
    Content-Type: application/sdp; q=1\r\nl: 9\r\n\r\nv=0\ns=abc";

#[test]
fn messages_are_read_whole_and_in_pieces() {
    let two = [&b"\r\n\r\n"[..], INVITE, b"SIP/2.0 180 Ringing now\r\n\r\n"].concat();
    for size in [1, 7, 999] {
        let (parser, _) = feed(Transport::Tcp, &two, size);
        assert_eq!(parser.ids(), 0..2, "{size}");
        let text = |id, buffer, index| {
            let mut scratch = Vec::new();
            let message = parser.transaction(id).unwrap();
            message
                .buffer(buffer, Side::ToServer, index, &mut scratch)
                .map(|text| String::from_utf8_lossy(text).into_owned())
        };
        assert_eq!(text(0, Buffer::SipMethod, 0).as_deref(), Some("INVITE"));
        assert_eq!(text(0, Buffer::SipVia, 1).as_deref(), Some("second one"));
        assert_eq!(text(0, Buffer::SipFrom, 0).as_deref(), Some("<sip:a@x>"));
        assert_eq!(text(0, Buffer::SdpSessionName, 0).as_deref(), Some("abc"));
        assert_eq!(text(0, Buffer::SipRequestLine, 0).as_deref(), Some("INVITE sip:b@x SIP/2.0"));
        assert_eq!(text(1, Buffer::SipStatMsg, 0).as_deref(), Some("Ringing now"));
        assert_eq!(text(1, Buffer::SipMethod, 0), None);
    }
    let (parser, _) = feed(Transport::Udp, INVITE, 9999);
    assert_eq!(parser.ids(), 0..1);
}

#[test]
fn bodies_and_messages_are_bounded_and_junk_is_an_event() {
    let long = [&b"OPTIONS a SIP/2.0\r\nl: 200000\r\n\r\n"[..], &[b'x'; 200_000], INVITE].concat();
    for size in [999, 1 << 20] {
        let (parser, parsed) = feed(Transport::Tcp, &long, size);
        assert_eq!((parser.ids(), parsed), (0..2, Parsed::More));
    }
    assert_eq!(feed(Transport::Tcp, &INVITE.repeat(20), 33).0.ids(), 16..20);
    let (parser, parsed) = feed(Transport::Tcp, b"nothing of it\r\n\r\n", 5);
    assert_eq!((parsed, parser.events.has(INVALID_DATA)), (Parsed::Failed, true));
    assert_eq!(feed(Transport::Tcp, &[b'a'; 200_000], 999).1, Parsed::Failed);
    let (parser, parsed) = feed(Transport::Udp, b"nothing of it", 99);
    assert_eq!((parsed, parser.events.has(INVALID_DATA)), (Parsed::More, true));
    assert!(feed(Transport::Udp, b"\0\0\0\0", 99).0.events.is_empty());
}
