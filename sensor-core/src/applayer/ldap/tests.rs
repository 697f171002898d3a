use super::*;
use crate::applayer::parser::{Settings, Transaction as _};

fn ber(tag: u8, body: &[u8]) -> Vec<u8> {
    match body.len() {
        short @ ..128 => [&[tag, short as u8][..], body].concat(),
        long => [&[tag, 0x84, 0, (long >> 16) as u8, (long >> 8) as u8, long as u8][..], body].concat(),
    }
}

fn message(id: u8, operation: Vec<u8>) -> Vec<u8> {
    ber(0x30, &[ber(2, &[id]), operation].concat())
}

fn search(id: u8) -> Vec<u8> {
    let fields = [
        ber(4, b"dc=corp"),
        ber(10, &[2]),      // scope: the whole subtree
        ber(10, &[0]),      // aliases
        ber(2, &[3, 0xe8]), // at most 1,000 entries
        ber(2, &[0]),
        ber(1, &[0]),
        ber(0x87, b"objectClass"),
        ber(0x30, &[ber(4, b"cn"), ber(4, b"mail")].concat()),
    ];
    message(id, ber(0x63, &fields.concat()))
}

fn entry(id: u8, value: &[u8]) -> Vec<u8> {
    let attribute = ber(0x30, &[ber(4, b"cn"), ber(0x31, &ber(4, value))].concat());
    message(id, ber(0x64, &[ber(4, b"cn=a,dc=corp"), ber(0x30, &attribute)].concat()))
}

fn result(id: u8, tag: u8, code: u8) -> Vec<u8> {
    message(id, ber(tag, &[ber(10, &[code]), ber(4, b"dc=corp"), ber(4, b"told")].concat()))
}

fn context(settings: &Settings, transport: Transport) -> Context<'_> {
    Context { time: 0, transport, ports: (40000, 389), settings, next: None, announced: None }
}

fn feed(parts: &[(Side, &[u8])]) -> Ldap {
    let (settings, mut parser) = (Settings::default(), Ldap::default());
    let mut cx = context(&settings, Transport::Tcp);
    parts.iter().for_each(|(side, bytes)| _ = parser.data(*side, bytes, &mut cx));
    parser
}

fn eve(parser: &Ldap, id: u64) -> serde_json::Value {
    let mut line = Vec::new();
    Object::write(&mut line, |object| parser.transaction(id).unwrap().eve(object));
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn a_search_and_all_its_answers_are_one_transaction_in_any_pieces() {
    let asked = search(7);
    let told = [entry(7, b"a"), entry(7, &[b'b'; 300]), result(7, 0x65, 0)].concat();
    for size in [1, 11, 4000] {
        let parts: Vec<_> = asked.chunks(size).map(|part| (Side::ToServer, part)).collect();
        let answers = told.chunks(size).map(|part| (Side::ToClient, part));
        let parser = feed(&parts.into_iter().chain(answers).collect::<Vec<_>>());
        assert_eq!(parser.ids(), 0..1);
        let line = eve(&parser, 0);
        let request = &line["request"];
        assert_eq!((&request["message_id"], &request["operation"]), (&7.into(), &"search_request".into()));
        let search = &request["search_request"];
        assert_eq!((&search["base_object"], &search["size_limit"]), (&"dc=corp".into(), &1000.into()));
        assert_eq!((&search["filter"]["value"], &search["attributes"][1]), (&"objectClass".into(), &"mail".into()));
        assert_eq!(line["responses"][0]["search_result_entry"]["attributes"][0]["values"][0], "a");
        assert_eq!(line["responses"][2]["search_result_done"]["result_code"], "success");
        let transaction = parser.messages.live.get(0).unwrap();
        assert_eq!((transaction.progress(Side::ToClient), transaction.events.is_empty()), (1, true));
        let mut scratch = Vec::new();
        let mut text = |buffer, side, at| transaction.buffer(buffer, side, at, &mut scratch).map(<[u8]>::to_vec);
        assert_eq!(text(Buffer::LdapRequestDn, Side::ToServer, 0), Some(b"dc=corp".to_vec()));
        assert_eq!(text(Buffer::LdapRequestAttributeType, Side::ToServer, 1), Some(b"mail".to_vec()));
        assert_eq!(text(Buffer::LdapResponsesDn, Side::ToClient, 2), Some(b"dc=corp".to_vec()));
        assert_eq!(text(Buffer::LdapResponsesMessage, Side::ToClient, 0), Some(b"told".to_vec()));
        assert_eq!(text(Buffer::LdapResponsesAttributeType, Side::ToClient, 2), None);
        let number = |field, at| transaction.number(field, Side::ToClient, at);
        assert_eq!(
            (number(Field::LdapResponsesCount, 0), number(Field::LdapResponsesOperation, 2)),
            (Some(3), Some(5))
        );
        assert_eq!(number(Field::LdapResponsesResultCode, 0), Some(0));
    }
}

#[test]
fn each_request_says_what_it_asks() {
    let attribute = ber(0x30, &[ber(4, b"sn"), ber(0x31, &ber(4, b"x"))].concat());
    let sasl = ber(0xa3, &[ber(4, b"GSSAPI"), ber(4, b"token")].concat());
    let change = ber(0x30, &[ber(10, &[2]), attribute.clone()].concat());
    let compare = ber(0x30, &[ber(4, b"sn"), ber(4, b"y")].concat());
    let requests = [
        message(1, ber(0x60, &[ber(2, &[3]), ber(4, b"cn=me"), sasl].concat())),
        message(2, ber(0x66, &[ber(4, b"cn=a"), ber(0x30, &change)].concat())),
        message(3, ber(0x68, &[ber(4, b"cn=b"), ber(0x30, &attribute)].concat())),
        message(4, ber(0x4a, b"cn=c")),
        message(5, ber(0x6c, &[ber(4, b"cn=d"), ber(4, b"cn=e"), ber(1, &[0xff]), ber(0x80, b"dc=f")].concat())),
        message(6, ber(0x6e, &[ber(4, b"cn=g"), compare].concat())),
        message(7, ber(0x50, &[4])),
        message(8, ber(0x42, &[])),
    ];
    let parser = feed(&[(Side::ToServer, &requests.concat())]);
    assert_eq!(parser.ids(), 0..8);
    let request = |id: u64| eve(&parser, id)["request"].clone();
    assert_eq!(request(0)["bind_request"]["sasl"]["mechanism"], "GSSAPI");
    let change = &request(1)["modify_request"]["changes"][0];
    assert_eq!(
        (&change["operation"], &change["modification"]["attribute_values"][0]),
        (&"replace".into(), &"x".into())
    );
    assert_eq!(request(2)["add_request"]["attributes"][0]["name"], "sn");
    assert_eq!(request(3)["del_request"]["dn"], "cn=c");
    let renamed = &request(4)["mod_dn_request"];
    assert_eq!((&renamed["new_rdn"], &renamed["delete_old_rdn"]), (&"cn=e".into(), &true.into()));
    assert_eq!(request(5)["compare_request"]["attribute_value_assertion"]["value"], "y");
    assert_eq!(request(6)["abandon_request"]["message_id"], 4);
    let complete: Vec<_> = (0..8).map(|id| parser.transaction(id).unwrap().progress(Side::ToClient)).collect();
    assert_eq!(complete, [0, 0, 0, 0, 0, 0, 1, 1]);
}

#[test]
fn tls_begins_behind_its_answer() {
    let (settings, mut parser) = (Settings::default(), Ldap::default());
    let mut cx = context(&settings, Transport::Tcp);
    parser.data(Side::ToServer, &message(1, ber(0x77, &ber(0x80, START_TLS))), &mut cx);
    assert_eq!(cx.next, None);
    parser.data(Side::ToClient, &result(1, 0x78, 0), &mut cx);
    assert_eq!(cx.next, Some(Next::Is(AppProto::Tls)));
}

#[test]
fn signed_messages_are_read_and_sealed_ones_passed_over() {
    let token = |flags: u8, message: &[u8]| {
        // Kind, flags, filler, length of the checksum, rotation, number, checksum.
        let body = [&[5, 4, flags, 0xff, 0, 12, 0, 12][..], &[0; 8], &[7; 12], message].concat();
        [&(body.len() as u32).to_be_bytes()[..], &body].concat()
    };
    let sasl = ber(0xa3, &[ber(4, b"GSS-SPNEGO"), ber(4, b"token")].concat());
    let bind = message(1, ber(0x60, &[ber(2, &[3]), ber(4, b""), sasl].concat()));
    let asked = [bind, token(4, &search(2)), token(6, b"sealed")].concat();
    let told = [result(1, 0x61, 0), token(5, &[entry(2, b"x"), result(2, 0x65, 0)].concat())].concat();
    for size in [1, 4000] {
        let parts: Vec<_> = asked.chunks(size).map(|part| (Side::ToServer, part)).collect();
        let answers = told.chunks(size).map(|part| (Side::ToClient, part));
        let parser = feed(&parts.into_iter().chain(answers).collect::<Vec<_>>());
        assert_eq!(parser.ids(), 0..2);
        assert_eq!(eve(&parser, 1)["responses"][1]["operation"], "search_result_done");
        assert!(parser.messages.live.iter().all(|transaction| transaction.events.is_empty()));
    }
    assert!(feed(&[(Side::ToServer, &token(4, &search(2)))]).events().has(event::INVALID_DATA));
}

#[test]
fn what_is_odd_is_an_event() {
    let of = |parts: &[(Side, &[u8])]| {
        let parser = feed(parts);
        let events = parser.transaction(0).map_or(parser.events(), |transaction| transaction.events());
        events.iter().map(|event| PROTOCOL.events[usize::from(event)]).collect::<Vec<_>>()
    };
    assert_eq!(of(&[(Side::ToClient, &result(9, 0x65, 0))]), ["request_not_found"]);
    assert!(of(&[(Side::ToClient, &result(0, 0x78, 52))]).is_empty());
    assert_eq!(of(&[(Side::ToServer, b"\x01rubbish")]), ["invalid_data"]);
    assert_eq!(of(&[(Side::ToServer, &message(1, ber(0x63, b"short")))]), ["invalid_data"]);
    let many = entry(1, b"x").repeat(300);
    let parser = feed(&[(Side::ToServer, &search(1)), (Side::ToClient, &many)]);
    assert_eq!(parser.messages.live.get(0).unwrap().responses.len(), MOST_RESPONSES);
    assert!(parser.messages.live.get(0).unwrap().events.has(event::TOO_MANY_RESPONSES));
}

#[test]
fn hostile_messages_stay_within_bounds() {
    let parser = feed(&[(Side::ToServer, &search(1).repeat(5000))]);
    assert!(parser.messages.live.len() <= 1000);
    let long = [&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 1, 0x64][..], &[0; 1 << 20]].concat();
    let parser = feed(&[(Side::ToServer, &search(1)), (Side::ToClient, &long)]);
    assert_eq!(eve(&parser, 0)["responses"][0]["operation"], "search_result_entry");
    assert!(parser.bytes() < 128 << 10);
    let whole = [search(1), entry(1, b"x")].concat();
    (0..whole.len()).for_each(|cut| _ = feed(&[(Side::ToServer, &whole[..cut]), (Side::ToClient, &whole[cut..])]));
}

#[test]
fn after_a_gap_the_next_message_is_read() {
    let (settings, mut parser) = (Settings::default(), Ldap::default());
    let mut cx = context(&settings, Transport::Tcp);
    parser.data(Side::ToServer, &search(1)[..10], &mut cx);
    parser.gap(Side::ToServer, 20, &mut cx);
    parser.data(Side::ToServer, &[b"left".to_vec(), search(2)].concat(), &mut cx);
    assert_eq!(eve(&parser, 0)["request"]["message_id"], 2);
}
