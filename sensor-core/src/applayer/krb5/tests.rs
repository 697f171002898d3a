use super::*;
use crate::applayer::parser::{Settings, Transaction as _};
use crate::rules::ast::WordTest;

fn der(tag: u8, body: &[u8]) -> Vec<u8> {
    match body.len() {
        short @ ..128 => [&[tag, short as u8][..], body].concat(),
        long => [&[tag, 0x82, (long >> 8) as u8, long as u8][..], body].concat(),
    }
}

fn name(parts: &[&str]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|part| der(0x1b, part.as_bytes())).collect();
    der(0x30, &[der(0xa0, &[2, 1, 1]), der(0xa1, &der(0x30, &parts))].concat())
}

fn request() -> Vec<u8> {
    let body = [
        der(0xa0, &der(3, &[0; 5])), // options
        der(0xa1, &name(&["alice"])),
        der(0xa2, &der(0x1b, b"CORP")),
        der(0xa3, &name(&["krbtgt", "CORP"])),
    ];
    let fields = [der(0xa1, &[2, 1, 5]), der(0xa2, &[2, 1, 10]), der(0xa4, &der(0x30, &body.concat()))];
    der(0x6a, &der(0x30, &fields.concat()))
}

fn reply(encryption: u8, ticket: u8) -> Vec<u8> {
    let encrypted = |kind| der(0x30, &[der(0xa0, &[2, 1, kind]), der(0xa2, &der(4, &[7; 200]))].concat());
    let ticket = [
        der(0xa0, &[2, 1, 5]),
        der(0xa1, &der(0x1b, b"CORP")),
        der(0xa2, &name(&["cifs", "fs1"])),
        der(0xa3, &encrypted(ticket)),
    ];
    let fields = [
        der(0xa0, &[2, 1, 5]),
        der(0xa1, &[2, 1, 11]),
        der(0xa3, &der(0x1b, b"CORP")),
        der(0xa4, &name(&["alice"])),
        der(0xa5, &der(0x61, &der(0x30, &ticket.concat()))),
        der(0xa6, &encrypted(encryption)),
    ];
    der(0x6b, &der(0x30, &fields.concat()))
}

fn failure() -> Vec<u8> {
    let fields = [
        der(0xa0, &[2, 1, 5]),
        der(0xa1, &[2, 1, 30]),
        der(0xa6, &[2, 1, 25]),
        der(0xa9, &der(0x1b, b"CORP")),
        der(0xaa, &name(&["krbtgt", "CORP"])),
    ];
    der(0x7e, &der(0x30, &fields.concat()))
}

fn feed(transport: Transport, parts: &[(Side, &[u8])]) -> Krb5 {
    let (settings, mut parser) = (Settings::default(), Krb5::default());
    let mut cx = Context { time: 0, transport, ports: (40000, 88), settings: &settings, next: None, announced: None };
    parts.iter().for_each(|(side, bytes)| _ = parser.data(*side, bytes, &mut cx));
    parser
}

fn eve(parser: &Krb5, id: u64) -> serde_json::Value {
    let mut line = Vec::new();
    Object::write(&mut line, |object| parser.transaction(id).unwrap().eve(object));
    serde_json::from_slice(&line).unwrap()
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

#[test]
fn messages_read_the_same_in_any_pieces_and_in_datagrams() {
    let messages = [(Side::ToServer, request()), (Side::ToClient, failure()), (Side::ToServer, request())];
    let last = (Side::ToClient, reply(23, 18));
    let all: Vec<_> = messages.into_iter().chain([last]).collect();
    let streams: Vec<_> = all.iter().map(|(side, message)| (*side, framed(message))).collect();
    let datagrams = feed(Transport::Udp, &all.iter().map(|(side, all)| (*side, all.as_slice())).collect::<Vec<_>>());
    for size in [1, 9, 4000] {
        let parts: Vec<_> = streams.iter().flat_map(|(side, all)| all.chunks(size).map(|part| (*side, part))).collect();
        let parser = feed(Transport::Tcp, &parts);
        assert_eq!((parser.ids(), datagrams.ids()), (0..4, 0..4));
        (0..4).for_each(|id| assert_eq!(eve(&parser, id), eve(&datagrams, id)));
    }
    let line = eve(&datagrams, 0);
    assert_eq!((&line["msg_type"], &line["cname"]), (&"KRB_AS_REQ".into(), &"alice".into()));
    assert_eq!((&line["sname"], &line["encryption"]), (&"krbtgt/CORP".into(), &"<none>".into()));
    let line = eve(&datagrams, 1);
    assert_eq!(
        (&line["failed_request"], &line["error_code"]),
        (&"KRB_AS_REQ".into(), &"KDC_ERR_PREAUTH_REQUIRED".into())
    );
    assert_eq!((&line["cname"], &line["realm"]), (&"<empty>".into(), &"<empty>".into()));
    let line = eve(&datagrams, 3);
    assert_eq!((&line["encryption"], &line["weak_encryption"]), (&"rc4-hmac".into(), &true.into()));
    assert_eq!(line["ticket_encryption"], "aes256-cts-hmac-sha1-96");
}

#[test]
fn rules_see_names_numbers_and_encryption() {
    let parser = feed(Transport::Udp, &[(Side::ToClient, &reply(18, 23))]);
    let transaction = parser.messages.live.get(0).unwrap();
    let mut scratch = Vec::new();
    assert_eq!(transaction.buffer(Buffer::Krb5Sname, Side::ToClient, 1, &mut scratch), Some(&b"fs1"[..]));
    assert_eq!(transaction.buffer(Buffer::Krb5Sname, Side::ToClient, 2, &mut scratch), None);
    assert_eq!(transaction.number(Field::Krb5MsgType, Side::ToClient, 0), Some(11));
    let holds = |words: &[(bool, &str)]| {
        let words = words.iter().map(|(negated, word)| (*negated, (*word).into())).collect();
        transaction.holds(&Body::Words(WordTest { field: WordField::Krb5TicketEncryption, words }), Side::ToClient)
    };
    assert!(holds(&[(false, "weak")]) && holds(&[(false, "23")]) && holds(&[(false, "1"), (false, "rc4-hmac")]));
    assert!(!holds(&[(false, "des-cbc-crc")]) && !holds(&[(true, "weak")]) && holds(&[(true, "18")]));
    assert!(transaction.events.is_empty());
}

#[test]
fn what_is_odd_is_an_event_and_all_is_bounded() {
    let whole = reply(23, 23);
    for cut in 0..whole.len() {
        let parser = feed(Transport::Udp, &[(Side::ToClient, &whole[..cut])]);
        assert!(parser.events().has(event::MALFORMED_DATA) && parser.ids() == (0..0));
    }
    let parser = feed(Transport::Udp, &[(Side::ToClient, &whole)]);
    assert!(parser.transaction(0).unwrap().events().has(event::WEAK_ENCRYPTION));
    assert!(feed(Transport::Tcp, &[(Side::ToServer, &[0xff; 9])]).events().has(event::MALFORMED_DATA));
    let many = framed(&request()).repeat(600);
    let parser = feed(Transport::Tcp, &[(Side::ToServer, &many)]);
    assert_eq!(parser.messages.live.len(), 500);
    let parser = feed(Transport::Tcp, &[(Side::ToServer, &[0, 0xff, 0, 0, 0x6a]), (Side::ToServer, &[1; 1 << 20])]);
    assert!(parser.bytes() < 256 << 10, "{}", parser.bytes());
}

#[test]
fn after_a_gap_the_next_message_is_read() {
    let (settings, mut parser) = (Settings::default(), Krb5::default());
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 88),
        settings: &settings,
        next: None,
        announced: None,
    };
    parser.data(Side::ToServer, &framed(&request())[..30], &mut cx);
    parser.gap(Side::ToServer, 40, &mut cx);
    parser.data(Side::ToServer, &[b"rest".to_vec(), framed(&request())].concat(), &mut cx);
    assert_eq!(parser.ids(), 0..1);
}
