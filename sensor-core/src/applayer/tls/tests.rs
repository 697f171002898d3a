use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{Settings, Transaction as _};
use crate::discover::extract::tls::tests::{hello_body, records};
use crate::json::Object;

fn feed(parts: &[(Side, &[u8])]) -> (Tls, Vec<Parsed>) {
    let (settings, mut parser) = (Settings::default(), Tls::default());
    let mut cx = Context {
        time: 1_500_000_000_000_000_000,
        transport: Transport::Tcp,
        ports: (40000, 443),
        settings: &settings,
        next: None,
        announced: None,
    };
    let parsed = parts.iter().map(|(side, bytes)| parser.data(*side, bytes, &mut cx)).collect();
    (parser, parsed)
}

fn line(parser: &Tls) -> serde_json::Value {
    let mut line = Vec::new();
    Object::write(&mut line, |object| parser.live.get(0).unwrap().eve(object));
    serde_json::from_slice(&line).unwrap()
}

fn events(parser: &Tls) -> Vec<&'static str> {
    parser.live.get(0).unwrap().events().iter().map(|event| EVENTS[usize::from(event)]).collect()
}

#[test]
fn a_client_hello_in_any_pieces_fills_the_same_buffers() {
    for size in [7, 4000] {
        let stream = records(&hello_body(), size);
        for piece in [1, 3, stream.len()] {
            let parts: Vec<_> = stream.chunks(piece).map(|part| (Side::ToServer, part)).collect();
            let (parser, _) = feed(&parts);
            let transaction = parser.live.get(0).unwrap();
            let mut scratch = Vec::new();
            let mut told = |buffer| {
                transaction.buffer(buffer, Side::ToServer, 0, &mut scratch).map(|bytes| bytes.to_vec()).unwrap()
            };
            assert_eq!(told(Buffer::TlsSni), b"a.local");
            assert_eq!(told(Buffer::TlsAlpn), b"h2");
            assert_eq!(told(Buffer::TlsRandomBytes), [7; 28]);
            assert_eq!(told(Buffer::Ja3String), b"771,4866-4865,0-16-43-13,,");
            assert!(told(Buffer::Ja4Hash).starts_with(b"t13d0204h2_"));
            assert_eq!(transaction.progress(Side::ToServer), progress::HELLO);
            assert!(events(&parser).is_empty());
        }
    }
}

#[test]
fn what_is_encrypted_is_not_read() {
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.extend([0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    let mut server = vec![22, 3, 3, 0, 4 + body.len() as u8, 2, 0, 0, body.len() as u8];
    server.extend(&body);
    server.extend([23, 3, 3, 0, 100, 1, 2, 3]);
    let (parser, parsed) = feed(&[(Side::ToServer, &records(&hello_body(), 4000)), (Side::ToClient, &server)]);
    assert_eq!(parsed, [Parsed::More, Parsed::Enough]);
    assert_eq!(parser.live.get(0).unwrap().progress(Side::ToClient), progress::FINISHED);
    assert!(parser.is_encrypted());
    assert_eq!(line(&parser)["version"], "TLS 1.3");
    assert_eq!(line(&parser)["ja3s"]["string"], "771,4865,43");
}

#[test]
fn early_data_alone_settles_nothing() {
    let early = [records(&hello_body(), 4000), vec![23, 3, 3, 0, 4, 1, 2, 3, 4]].concat();
    assert!(!feed(&[(Side::ToServer, &early)]).0.is_encrypted());
    assert!(feed(&[(Side::ToServer, &early), (Side::ToClient, &[22, 3, 3, 0, 2, 2, 0])]).0.is_encrypted());
    assert!(!feed(&[(Side::ToServer, &early), (Side::ToClient, &[])]).0.is_encrypted());
}

#[test]
fn what_is_odd_is_an_event() {
    let first = |bytes: &[u8]| {
        let (parser, parsed) = feed(&[(Side::ToServer, bytes)]);
        (events(&parser), parsed[0])
    };
    assert_eq!(first(&[99, 3, 1, 0, 1, 0]), (vec!["invalid_record_type", "invalid_ssl_record"], Parsed::Failed));
    assert_eq!(first(&[22, 9, 1, 0, 1, 0]), (vec!["invalid_tls_header", "invalid_ssl_record"], Parsed::Failed));
    assert_eq!(first(&[22, 3, 1, 0xff, 0xff]), (vec!["invalid_record_length", "invalid_ssl_record"], Parsed::Failed));
    assert_eq!(first(&[22, 3, 1, 0, 4, 99, 0, 0, 0]), (vec!["invalid_handshake_message"], Parsed::More));
    assert_eq!(first(&[21, 3, 1, 0, 2, 7, 0]), (vec!["invalid_alert_message"], Parsed::More));
    let bleed = [24, 3, 2, 0, 3, 1, 0x40, 0];
    assert_eq!(first(&bleed).0, ["heartbeat_message", "overflow_heartbeat_message"]);
    // A message of 16 MiB is stepped over, not kept.
    let (parser, _) =
        feed(&[(Side::ToServer, &[22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]), (Side::ToServer, &[0; 16_380])]);
    assert_eq!(events(&parser), ["handshake_invalid_length"]);
    assert!(parser.halves[0].bytes() < 1024);
    assert_eq!(first(&[21, 3, 1, 0, 2, 1, 0].repeat(300)).0, ["too_many_records_in_packet", "invalid_ssl_record"]);
}

#[test]
fn records_follow_an_ssl_2_hello() {
    // Length, kind, version and what is stepped over; then an alert.
    let hello = [&[0x80, 46, 1, 3, 1][..], &[0; 43]].concat();
    let (parser, parsed) = feed(&[(Side::ToServer, &[&hello[..], &[21, 3, 1, 0, 2, 1, 0]].concat())]);
    assert_eq!((events(&parser), parsed[0]), (vec![], Parsed::More));
}

#[test]
fn a_certificate_that_is_longer_than_its_message_is_none() {
    let certificates = |der: &[u8]| {
        let len = der.len() as u8;
        let message = [&[11, 0, 0, len + 6, 0, 0, len + 3, 0, 0, len][..], der].concat();
        let record = [&[22, 3, 3, 0, message.len() as u8][..], &message].concat();
        events(&feed(&[(Side::ToClient, &record)]).0)
    };
    let cut = certificates(&[0x30, 6, 0x30, 0x84, 0xff, 0xff, 0xff, 0xfa]);
    assert_eq!(cut, ["invalid_handshake_message", "invalid_certificate"]);
    assert_eq!(certificates(&[0x30, 2, 4, 0]), ["certificate_invalid_der"]);
}
