use super::*;
use crate::applayer::parser::Transaction as _;
use crate::rules::Field;
use proptest::prelude::*;

/// A DNS header: id, flags, counts.
fn header(flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let mut out = vec![0x12, 0x34];
    out.extend(flags.to_be_bytes());
    out.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    out
}

fn labels(name: &str) -> Vec<u8> {
    let mut out: Vec<u8> =
        name.split('.').flat_map(|part| [vec![part.len() as u8], part.as_bytes().to_vec()].concat()).collect();
    out.push(0);
    out
}

fn query(name: &str, kind: u16) -> Vec<u8> {
    [header(0x0100, [1, 0, 0, 0]), labels(name), kind.to_be_bytes().to_vec(), vec![0, 1]].concat()
}

fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    // c0 0c points to the question's name; class IN; TTL 300.
    let mut out = vec![0xc0, 12];
    out.extend(kind.to_be_bytes());
    out.extend([0, 1, 0, 0, 1, 44]);
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

fn response(name: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let question = [labels(name), kind.to_be_bytes().to_vec(), vec![0, 1]].concat();
    [header(0x8180, [1, records.len() as u16, 0, 0]), question, records.concat()].concat()
}

/// What all transactions say, in one text.
fn feed(kind: Kind, transport: Transport, settings: &Settings, parts: &[(Side, &[u8])]) -> (Dns, Vec<Parsed>) {
    let mut parser = Dns::new(kind);
    let mut cx = Context { time: 0, transport, ports: (40000, 53), settings, next: None, announced: None };
    let parsed = parts.iter().map(|(side, bytes)| parser.data(*side, bytes, &mut cx)).collect();
    (parser, parsed)
}

fn lines(parser: &Dns) -> Vec<serde_json::Value> {
    parser
        .live
        .iter()
        .map(|transaction| {
            let mut line = Vec::new();
            Object::write(&mut line, |object| transaction.eve(object));
            serde_json::from_slice(&line).unwrap()
        })
        .collect()
}

use crate::json::Object;

#[test]
fn a_query_and_its_response_are_transactions_of_their_sides() {
    let settings = Settings::default();
    let answer = response("www.example.com", 1, &[record(1, &[192, 0, 2, 7]), record(5, &labels("cdn.example.net"))]);
    let query = query("www.example.com", 1);
    let (parser, _) =
        feed(Kind::Dns, Transport::Udp, &settings, &[(Side::ToServer, &query), (Side::ToClient, &answer)]);
    let (asked, told) = (parser.live.get(0).unwrap(), parser.live.get(1).unwrap());
    let mut scratch = Vec::new();
    assert_eq!(asked.buffer(Buffer::DnsQuery, Side::ToServer, 0, &mut scratch), Some(&b"www.example.com"[..]));
    assert_eq!(asked.buffer(Buffer::DnsQuery, Side::ToServer, 1, &mut scratch), None);
    assert_eq!(asked.buffer(Buffer::DnsQuery, Side::ToClient, 0, &mut scratch), None);
    assert_eq!(told.buffer(Buffer::DnsQuery, Side::ToClient, 0, &mut scratch), None);
    assert_eq!(told.buffer(Buffer::DnsQueriesRrname, Side::ToClient, 0, &mut scratch), Some(&b"www.example.com"[..]));
    assert_eq!(told.buffer(Buffer::DnsResponseRrname, Side::ToClient, 3, &mut scratch), Some(&b"cdn.example.net"[..]));
    assert_eq!(told.number(Field::DnsRrtype, Side::ToClient, 1), Some(5));
    assert_eq!((asked.only(), told.only()), (Some(Side::ToServer), Some(Side::ToClient)));
    let lines = lines(&parser);
    assert_eq!(lines[0]["queries"][0], serde_json::json!({"rrname": "www.example.com", "rrtype": "A"}));
    assert_eq!(
        (&lines[0]["type"], &lines[0]["flags"], &lines[0]["rd"]),
        (&"request".into(), &"100".into(), &true.into())
    );
    assert_eq!(lines[1]["tx_id"], 1);
    assert_eq!(lines[1]["grouped"], serde_json::json!({"A": ["192.0.2.7"], "CNAME": ["cdn.example.net"]}));
}

#[test]
fn each_type_of_record_is_told() {
    let soa = [labels("ns.example"), labels("host.example"), (1..=5_u32).flat_map(u32::to_be_bytes).collect()].concat();
    let srv = [vec![0, 20, 0, 1, 0x13, 0xc4], labels("sip.example")].concat();
    let records = [
        record(16, b"\x01a\x02bc"),
        record(6, &soa),
        record(33, &srv),
        record(44, &[1, 2, 0xab, 0xcd]),
        record(28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        record(15, &[vec![0, 10], labels("mx.example")].concat()),
        record(9999, &[1]),
    ];
    let settings = Settings::default();
    let answer = response("example", 255, &records);
    let (parser, _) = feed(Kind::Dns, Transport::Udp, &settings, &[(Side::ToClient, &answer)]);
    let line = &lines(&parser)[0];
    let answers = &line["answers"];
    assert_eq!((&answers[0]["rdata"], &answers[1]["rdata"]), (&"a".into(), &"bc".into()));
    assert_eq!((&answers[2]["soa"]["minimum"], &answers[3]["srv"]["port"]), (&5.into(), &5060.into()));
    assert_eq!(answers[4]["sshfp"], serde_json::json!({"fingerprint": "ab:cd", "algo": 1, "type": 2}));
    assert_eq!((&answers[5]["rdata"], &answers[6]["rdata"]), (&"2001:db8::1".into(), &"mx.example".into()));
    assert_eq!((&answers[7]["rrtype"], &line["grouped"]["TXT"][1]), (&"9999".into(), &"bc".into()));
    let (parser, _) = feed(Kind::Mdns, Transport::Udp, &settings, &[(Side::ToServer, &answer)]);
    let line = &lines(&parser)[0];
    assert_eq!(
        (&line["answers"][0]["txt"], &line["answers"][0]["rrtype"]),
        (&serde_json::json!(["a", "bc"]), &"txt".into())
    );
    assert_eq!(line["answers"][4]["aaaa"], "2001:db8::1");
}

#[test]
fn oddities_are_events() {
    let settings = Settings::default();
    let events = |message: &[u8]| {
        let (parser, _) = feed(Kind::Dns, Transport::Udp, &settings, &[(Side::ToServer, message)]);
        let set = parser.live.get(0).map_or(parser.events, super::super::parser::Transaction::events);
        set.iter().map(|event| EVENTS[usize::from(event)]).collect::<Vec<_>>()
    };
    let mut odd = query("a.example", 1);
    odd[2] |= 9 << 3;
    odd[3] |= 0x40;
    assert_eq!(events(&odd), ["z_flag_set", "invalid_opcode"]);
    assert_eq!(events(&response("a", 1, &[])), ["not_request"]);
    let looped = [header(0x0100, [1, 0, 0, 0]), vec![0xc0, 12, 0, 1, 0, 1]].concat();
    assert_eq!(events(&looped), ["infinite_loop"]);
    let long = query(&vec!["x".repeat(63); 20].join("."), 1);
    assert_eq!(events(&long), ["name_too_long"]);
    let cut = query("a.example", 1);
    assert_eq!(events(&cut[..cut.len() - 1]), ["malformed_data"]);
    let mut additional = query("a.example", 1);
    additional[11] = 1;
    assert_eq!(events(&additional), ["invalid_additionals"]);
    let many = [header(0x0100, [1, 0, 0, 0]), [1, b'a'].repeat(300), vec![0, 0, 1, 0, 1]].concat();
    assert_eq!(events(&many), ["too_many_labels"]);
    assert_eq!(events(b"junk"), [""; 0]);
}

#[test]
fn names_of_a_hostile_message_stay_within_their_bound() {
    let long = labels(&vec!["x".repeat(63); 16].join("."));
    let records: Vec<_> = (0..5000).map(|_| record(1, &[])).collect();
    let question = [long, vec![0, 1, 0, 1]].concat();
    let message = [header(0x8180, [1, 5000, 0, 0]), question, records.concat()].concat();
    let parsed = Message::parse(&message).unwrap();
    let names: usize = parsed.answers.iter().map(|record| record.name.text.len()).sum();
    assert!(parsed.answers.len() == 5000 && names <= 256 * 1024);
    let settings = Settings { transactions: 3, ..Settings::default() };
    let query = query("a", 1);
    let (parser, _) = feed(Kind::Dns, Transport::Udp, &settings, &[(Side::ToServer, &query[..]); 9]);
    assert_eq!((parser.live.len(), parser.ids()), (3, 6..9));
}

fn stream(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|m| [(m.len() as u16).to_be_bytes().to_vec(), m.clone()].concat()).collect()
}

#[test]
fn a_gap_in_a_message_costs_that_message_only() {
    let settings = Settings::default();
    let stream = stream(&[query("one", 1), query("two", 1), query("three", 1)]);
    let mut parser = Dns::new(Kind::Dns);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (1, 53),
        settings: &settings,
        next: None,
        announced: None,
    };
    parser.data(Side::ToServer, &stream[..10], &mut cx);
    parser.gap(Side::ToServer, 5, &mut cx);
    parser.data(Side::ToServer, &stream[15..], &mut cx);
    assert_eq!(lines(&parser).iter().map(|l| l["queries"][0]["rrname"].clone()).collect::<Vec<_>>(), ["two", "three"]);
    // Into the next message: what follows is no beginning, until one comes.
    let mut parser = Dns::new(Kind::Dns);
    parser.data(Side::ToServer, &stream[..10], &mut cx);
    parser.gap(Side::ToServer, 20, &mut cx);
    parser.data(Side::ToServer, &stream[30..46], &mut cx);
    parser.data(Side::ToServer, &stream[46..], &mut cx);
    assert_eq!(lines(&parser).len(), 1);
}

proptest! {
    #[test]
    fn a_stream_in_any_pieces_says_the_same(cuts in proptest::collection::vec(1_usize..40, 0..80)) {
        let settings = Settings::default();
        let stream = stream(&[query("one.example", 1), query("two.example", 28), query("three", 16)]);
        let (whole, _) = feed(Kind::Dns, Transport::Tcp, &settings, &[(Side::ToServer, &stream)]);
        let mut parts = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts {
            let (part, tail) = rest.split_at(cut.min(rest.len()));
            parts.push((Side::ToServer, part));
            rest = tail;
        }
        parts.push((Side::ToServer, rest));
        let (pieces, _) = feed(Kind::Dns, Transport::Tcp, &settings, &parts);
        prop_assert_eq!(lines(&whole).len(), 3);
        prop_assert_eq!(lines(&whole), lines(&pieces));
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
        let settings = Settings::default();
        let mut message = response("a.example", 1, &[record(16, b"\x01a"), record(6, &[0; 22])]);
        for (to, from) in message.iter_mut().skip(cut).zip(&bytes) {
            *to = *from;
        }
        for transport in [Transport::Udp, Transport::Tcp] {
            let (parser, _) = feed(Kind::Dns, transport, &settings, &[(Side::ToClient, &message), (Side::ToClient, &bytes)]);
            let _ = lines(&parser);
        }
    }
}
