use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::Transaction as _;
use crate::rules::{Buffer, Field};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

fn feed(pieces: &[(Side, Vec<u8>)], size: usize) -> (Http2, Parsed) {
    let settings = Settings { transactions: 8, ..Settings::default() };
    let mut parser = Http2::new(&settings);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 80),
        settings: &settings,
        next: None,
        announced: None,
    };
    let mut last = Parsed::More;
    for (side, bytes) in pieces {
        for piece in bytes.chunks(size) {
            last = parser.data(*side, piece, &mut cx);
        }
    }
    (parser, last)
}

fn told(parser: &Http2) -> Vec<String> {
    let eve = |id| {
        let mut line = Vec::new();
        crate::json::Object::write(&mut line, |object| parser.transaction(id).unwrap().eve(object));
        String::from_utf8(line).unwrap()
    };
    parser.ids().map(eve).collect()
}

/// A request with a body in padded DATA, and its response.
fn exchange() -> Vec<(Side, Vec<u8>)> {
    let request = b"\x83\x86\x44\x05/dns?\x41\x0bA.example:8\x5f\x0atext/plain";
    let client = [
        MAGIC.to_vec(),
        frame(kind::SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 0]),
        frame(kind::HEADERS, frame::END_HEADERS | frame::PRIORITY, 1, &[&[0, 0, 0, 0, 15], &request[..]].concat()),
        frame(kind::DATA, frame::PADDED | frame::END_STREAM, 1, b"\x03abc\0\0\0"),
    ];
    let server = [
        frame(kind::SETTINGS, 0, 0, &[]),
        frame(kind::HEADERS, 0, 1, b"\x88"),
        frame(kind::CONTINUATION, frame::END_HEADERS, 1, b"\x76\x01x"),
        frame(kind::DATA, 0, 1, b"hello "),
        frame(kind::DATA, frame::END_STREAM, 1, b"world"),
    ];
    vec![(Side::ToServer, client.concat()), (Side::ToClient, server.concat())]
}

#[test]
fn a_stream_is_a_transaction_however_it_is_cut() {
    let whole = told(&feed(&exchange(), 9999).0);
    for size in [1, 2, 3, 7, 50] {
        assert_eq!(told(&feed(&exchange(), size).0), whole, "{size}");
    }
    let (parser, _) = feed(&exchange(), 5);
    assert_eq!(parser.ids(), 0..3);
    let stream = parser.transaction(1).unwrap();
    assert_eq!((stream.progress(Side::ToServer), stream.progress(Side::ToClient)), (3, 3));
    let text = |buffer, side| {
        let mut scratch = Vec::new();
        stream.buffer(buffer, side, 0, &mut scratch).map(|text| String::from_utf8_lossy(text).into_owned())
    };
    assert_eq!(text(Buffer::HttpUri, Side::ToServer).as_deref(), Some("/dns?"));
    assert_eq!(text(Buffer::HttpHost, Side::ToServer).as_deref(), Some("a.example"));
    assert_eq!(text(Buffer::HttpRequestBody, Side::ToServer).as_deref(), Some("abc"));
    assert_eq!(text(Buffer::HttpResponseBody, Side::ToClient).as_deref(), Some("hello world"));
    assert_eq!(text(Buffer::HttpHeader, Side::ToClient).as_deref(), Some(":status: 200\r\nserver: x\r\n"));
    assert_eq!(stream.number(Field::Http2Priority, Side::ToServer, 0), Some(15));
    assert_eq!(stream.number(Field::Http2FrameType, Side::ToClient, 1), Some(9));
    assert_eq!(stream.files().len(), 2);
    assert_eq!(stream.record("http"), Some("http"));
    assert_eq!(parser.transaction(2).unwrap().record("http"), None, "an empty frame");
    assert!(whole[0].contains(r#""settings":[{"settings_id":"SETTINGSENABLEPUSH","settings_value":0}]"#));
}

#[test]
fn dns_in_a_body_is_read() {
    let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x02de\0\0\x01\0\x01";
    let header = b"\x83\x86\x84\x0f\x10\x17application/dns-message";
    let client = [
        MAGIC.to_vec(),
        frame(kind::HEADERS, frame::END_HEADERS, 1, header),
        frame(kind::DATA, frame::END_STREAM, 1, question),
    ];
    let (parser, _) = feed(&[(Side::ToServer, client.concat())], 3);
    let stream = parser.transaction(0).unwrap();
    let mut scratch = Vec::new();
    assert_eq!(stream.buffer(Buffer::DnsQuery, Side::ToServer, 0, &mut scratch), Some(&b"a.de"[..]));
    assert_eq!(stream.record("http"), Some("dns"));
    assert!(told(&parser)[0].contains(r#""rrname":"a.de""#));
}

#[test]
fn streams_and_frames_are_bounded_and_faults_are_events() {
    let mut client = MAGIC.to_vec();
    for id in 0..40 {
        client.extend(frame(kind::HEADERS, frame::END_HEADERS, id * 2 + 1, b"\x82\x84"));
    }
    let (parser, _) = feed(&[(Side::ToServer, client)], 1000);
    assert!(parser.live.len() <= 16);
    assert!(parser.live.iter().any(|stream| stream.events().has(Event::TooManyStreams as u8)));

    let odd = |frames: Vec<u8>| {
        let (parser, _) = feed(&[(Side::ToServer, [MAGIC.to_vec(), frames].concat())], 4);
        let mut all = parser.events;
        parser.live.iter().for_each(|stream| all.0 |= stream.events().0);
        all.iter().map(|event| event::NAMES[usize::from(event)]).collect::<Vec<_>>()
    };
    assert_eq!(odd(frame(kind::DATA, 0, 0, b"x")), ["data_stream_zero"]);
    assert_eq!(odd(frame(kind::PING, 0, 0, b"x")), ["invalid_frame_length"]);
    assert_eq!(odd(frame(kind::HEADERS, frame::END_HEADERS, 1, b"\xbe")), ["invalid_header"]);
    assert_eq!(
        odd(frame(kind::HEADERS, frame::END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\x7f")),
        ["header_integer_overflow"]
    );
    assert_eq!(odd(frame(kind::HEADERS, frame::PADDED, 1, b"\x09")), ["invalid_frame_data"]);
    assert_eq!(odd(frame(kind::PING, 0, 0, &[0; 70_000])), ["long_frame_data"]);
    let names = b"\x41\x03u@a\x66\x01b";
    assert_eq!(odd(frame(kind::HEADERS, frame::END_HEADERS, 1, names)), ["authority_host_mismatch", "userinfo_in_uri"]);
    let mut long = frame(kind::HEADERS, 0, 1, b"\x82");
    for _ in 0..3 {
        long.extend(frame(kind::CONTINUATION, 0, 1, &[0; 50_000]));
    }
    assert_eq!(odd(long), ["reassembly_limit_reached"]);
    assert_eq!(feed(&[(Side::ToServer, b"PRI * HTTP/1.1".to_vec())], 3).1, Parsed::Failed);
}
