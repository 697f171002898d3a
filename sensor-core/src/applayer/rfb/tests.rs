use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::Settings;

use Side::{ToClient, ToServer};

fn feed(pieces: &[(Side, &[u8])], size: usize) -> (Rfb, Parsed) {
    let settings = Settings::default();
    let mut parser = Rfb { there: true, ..Rfb::default() };
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 5900),
        settings: &settings,
        next: None,
        announced: None,
    };
    let mut last = Parsed::More;
    for (side, bytes) in pieces {
        for piece in bytes.chunks(size) {
            if last == Parsed::More {
                last = parser.data(*side, piece, &mut cx);
            }
        }
    }
    (parser, last)
}

/// Width, height, pixel format, name.
const INIT: &[u8] = b"\x05\0\x03\x20\x20\x18\0\x01\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\0\0\0\x04desk";

#[test]
fn handshakes_of_all_versions_are_read() {
    let newest: &[(Side, &[u8])] = &[
        (ToClient, b"RFB 003.008\n"),
        (ToServer, b"RFB 003.008\n"),
        (ToClient, b"\x02\x01\x02"),
        (ToServer, b"\x02"),
        (ToClient, &[7; 16]),
        (ToServer, &[8; 16]),
        (ToClient, b"\0\0\0\0"),
        (ToServer, b"\x01"),
        (ToClient, INIT),
    ];
    let oldest: &[(Side, &[u8])] = &[
        (ToClient, b"RFB 003.003\n"),
        (ToServer, b"RFB 003.003\n"),
        (ToClient, b"\0\0\0\x01"),
        (ToServer, b"\x01"),
        (ToClient, INIT),
    ];
    for (pieces, security, result) in [(newest, 2, Some(0)), (oldest, 1, None)] {
        for size in [1, 999] {
            let (parser, parsed) = feed(pieces, size);
            let session = parser.transaction(0).unwrap();
            let mut scratch = Vec::new();
            assert_eq!(session.buffer(Buffer::RfbName, ToClient, 0, &mut scratch), Some(&b"desk"[..]));
            assert_eq!(session.number(Field::RfbSecType, ToClient, 0), Some(security));
            assert_eq!(session.number(Field::RfbSecResult, ToClient, 0), result);
            assert!(parsed == Parsed::Enough && session.events().is_empty() && session.progress(ToServer) == 1);
        }
    }
}

#[test]
fn what_is_odd_is_an_event_and_what_waits_is_bounded() {
    let event = |pieces: &[(Side, &[u8])]| {
        let (parser, parsed) = feed(pieces, 500);
        assert_eq!(parsed, Parsed::Failed);
        assert!(parser.bytes() < 32 << 10);
        parser.session.events.iter().collect::<Vec<_>>()
    };
    let both = [(ToClient, &b"RFB 003.008\n"[..]), (ToServer, b"RFB 003.008\n")];
    let with = |more: &[(Side, &'static [u8])]| event(&[&both[..], more].concat());
    assert_eq!(event(&[(ToClient, b"RFB 003,008\n")]), [MALFORMED_MESSAGE]);
    assert_eq!(with(&[(ToClient, b"\x01\x1e"), (ToServer, b"\x1e")]), [UNIMPLEMENTED_SECURITY_TYPE]);
    assert_eq!(
        with(&[(ToClient, b"\x01\x01"), (ToServer, b"\x01"), (ToClient, b"\0\0\0\x09")]),
        [UNKNOWN_SECURITY_RESULT]
    );
    assert_eq!(with(&[(ToClient, b"\0\xff\xff\xff\xff")]), [MALFORMED_MESSAGE]);
    assert_eq!(event(&[(ToServer, &[0; 20_000])]), [CONFUSED_STATE]);
}
