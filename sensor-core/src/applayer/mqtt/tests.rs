use super::*;
use crate::applayer::Transport;
use crate::applayer::parser::{Settings, Transaction as _};
use crate::rules::Field;

use Side::{ToClient, ToServer};

fn feed(pieces: &[(Side, &[u8])], size: usize) -> (Mqtt, Parsed) {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut parser = Mqtt::default();
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 1883),
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

fn told(parser: &Mqtt) -> Vec<String> {
    let eve = |id| {
        let mut line = Vec::new();
        crate::json::Object::write(&mut line, |object| parser.transaction(id).unwrap().eve(object));
        String::from_utf8(line).unwrap()
    };
    parser.ids().map(eve).collect()
}

/// Type and flags, length, name, level, flags, keep alive, client.
const CONNECT: &[u8] = b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04test";
const CONNACK: &[u8] = b"\x20\x02\0\0";

#[test]
fn messages_and_their_answers_are_one_transaction_however_they_are_cut() {
    // QoS 2 with identifier 7, and its three answers.
    let pieces: [(Side, &[u8]); 6] = [
        (ToServer, CONNECT),
        (ToClient, CONNACK),
        (ToServer, b"\x34\x07\0\x01a\0\x07hi"),
        (ToClient, b"\x50\x02\0\x07"),
        (ToServer, b"\x62\x02\0\x07"),
        (ToClient, b"\x70\x02\0\x07"),
    ];
    let (parser, _) = feed(&pieces, 999);
    assert_eq!(told(&feed(&pieces, 1).0), told(&parser));
    assert_eq!(parser.ids(), 0..2);
    let publish = parser.live.get(1).unwrap();
    let kinds: Vec<_> = (0..9).map_while(|index| publish.number(Field::MqttType, ToServer, index)).collect();
    assert_eq!((kinds, publish.done, publish.events().is_empty()), (vec![3, 5, 6, 7], true, true));
    let mut scratch = Vec::new();
    assert_eq!(publish.buffer(Buffer::MqttPublishMessage, ToServer, 0, &mut scratch), Some(&b"hi"[..]));
    assert_eq!(publish.buffer(Buffer::MqttPublishMessage, ToClient, 0, &mut scratch), None);
    assert!(told(&parser)[0].contains(r#""client_id":"test""#));
}

#[test]
fn what_is_odd_is_an_event() {
    let of = |pieces: &[(Side, &[u8])]| {
        let (parser, _) = feed(pieces, 3);
        let mut all = parser.events;
        parser.live.iter().for_each(|known| all.0 |= known.events().0);
        all.iter().map(|event| EVENTS[usize::from(event)]).collect::<Vec<_>>()
    };
    assert_eq!(of(&[(ToClient, CONNACK)]), ["missing_connect"]);
    assert_eq!(of(&[(ToServer, b"\xc0\0")]), ["unintroduced_message"]);
    let with = |side, bytes| of(&[(ToServer, CONNECT), (ToClient, CONNACK), (side, bytes)]);
    assert_eq!(with(ToServer, CONNECT), ["double_connect"]);
    assert_eq!(with(ToClient, b"\x40\x02\0\x07"), ["missing_publish"]);
    assert_eq!(with(ToClient, b"\x90\x03\0\x07\0"), ["missing_subscribe"]);
    assert_eq!(with(ToClient, b"\xb0\x02\0\x07"), ["missing_unsubscribe"]);
    assert_eq!(with(ToServer, b"\x36\x05\0\x01a\0\x07"), ["invalid_qos_level"]);
    assert_eq!(with(ToServer, b"\0\0"), ["unassigned_msg_type"]);
    assert_eq!(with(ToServer, b"\x82\x04\0\x07\0\x09"), ["malformed_traffic"]);
    assert_eq!(with(ToServer, b"\xc0\xff\xff\xff\xff\x01"), ["malformed_traffic"]);
}

#[test]
fn what_is_too_long_is_passed_over_and_transactions_are_bounded() {
    // PUBLISH of 2 MiB, then PINGREQ.
    let long = [&b"\x30\x80\x80\x80\x01"[..], &vec![0; 2 << 20], b"\xc0\0"].concat();
    let (parser, parsed) = feed(&[(ToServer, CONNECT), (ToClient, CONNACK), (ToServer, &long)], 9999);
    assert_eq!((parsed, parser.ids()), (Parsed::More, 0..3));
    assert!(told(&parser)[1].contains(r#""truncated":true,"skipped_length":2097152"#));
    assert!(parser.bytes() < 10_000);
    let (parser, _) = feed(&[(ToServer, &[0xc0, 0].repeat(50))], 7);
    assert!(parser.live.len() == 4 && parser.events.has(event::TOO_MANY_TRANSACTIONS));
    let mut settings = (feed(&[(ToServer, CONNECT)], 9).0, Settings::default());
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (1, 1883),
        settings: &settings.1,
        next: None,
        announced: None,
    };
    assert_eq!(settings.0.gap(ToServer, 5, &mut cx), Parsed::Enough);
}
