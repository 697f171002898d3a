use super::*;
use crate::applayer::datagrams::tests::{buffer, feed, told, torture};
use serde_json::json;

fn ber(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[tag, body.len() as u8][..], &body].concat()
}

fn variables() -> Vec<u8> {
    ber(0x30, &[&ber(0x30, &[&[6, 8, 0x2b, 6, 1, 2, 1, 1, 5, 0], &[5, 0]])])
}

fn version_2c(kind: u8, status: u8) -> Vec<u8> {
    let pdu = ber(0xa0 + kind, &[&[2, 1, 9], &[2, 1, status], &[2, 1, 0], &variables()]);
    ber(0x30, &[&[2, 1, 1], b"\x04\x06public", &pdu])
}

fn version_3(flags: u8, model: u8, data: &[u8]) -> Vec<u8> {
    let head = ber(0x30, &[&[2, 1, 1], &[2, 2, 5, 0xdc], &[4, 1, flags], &[2, 1, model]]);
    let usm = ber(0x30, &[&[4, 1, 7], &[2, 1, 0], &[2, 1, 0], b"\x04\x03ann", &[4, 0], &[4, 0]]);
    ber(0x30, &[&[2, 1, 3], &head, &ber(4, &[&usm]), data])
}

#[test]
fn version_2c_is_read_on_its_side() {
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &version_2c(1, 0)), (Side::ToClient, &version_2c(2, 2))]);
    let vars = ["1.3.6.1.2.1.1.5.0"];
    let expected = [
        json!({"version": 2, "pdu_type": "get_next_request", "vars": vars, "community": "public"}),
        json!({"version": 2, "pdu_type": "response", "error": "NoSuchName", "vars": vars, "community": "public"}),
    ];
    assert_eq!(told(parser.as_ref()), expected);
    let community = |side| buffer(parser.as_ref(), 0, Buffer::SnmpCommunity, side, 0);
    assert_eq!((community(Side::ToServer), community(Side::ToClient)), (Some(b"public".to_vec()), None));
    let number = |field| parser.transaction(1).unwrap().number(field, Side::ToClient, 0);
    assert_eq!([Field::SnmpVersion, Field::SnmpPduType].map(number), [Some(2), Some(2)]);
    torture(&PROTOCOL, &version_2c(1, 0));
}

#[test]
fn traps_of_version_1_name_their_source() {
    let trap =
        ber(0xa4, &[&[6, 3, 0x2b, 6, 1], &[0x40, 4, 10, 0, 0, 9], &[2, 1, 3], &[2, 1, 0], &[0x43, 1, 5], &variables()]);
    let message = ber(0x30, &[&[2, 1, 0], b"\x04\x01c", &trap]);
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &message)]);
    let line = &told(parser.as_ref())[0];
    assert_eq!((&line["version"], &line["trap_type"]), (&1.into(), &"LinkUp".into()));
    assert_eq!((&line["trap_oid"], &line["trap_address"]), (&"1.3.6.1".into(), &"10.0.0.9".into()));
    assert_eq!(parser.transaction(0).unwrap().number(Field::SnmpTrapType, Side::ToServer, 0), Some(3));
    torture(&PROTOCOL, &message);
}

#[test]
fn version_3_tells_its_user_and_whether_it_is_encrypted() {
    let clear = ber(0x30, &[&[4, 0], &[4, 0], &ber(0xa8, &[&[2, 1, 1], &[2, 1, 0], &[2, 1, 0], &variables()])]);
    let messages = [version_3(3, 3, b"\x04\x02xx"), version_3(0, 3, &clear), version_3(0, 9, &clear)];
    let parser = feed(&PROTOCOL, &messages.each_ref().map(|message| (Side::ToServer, &message[..])));
    let lines = told(parser.as_ref());
    assert_eq!(lines[0], json!({"version": 3, "pdu_type": "encrypted", "usm": "ann"}));
    assert_eq!((&lines[1]["pdu_type"], &lines[1]["usm"]), (&"report".into(), &"ann".into()));
    assert!(parser.transaction(2).unwrap().events().has(event::UNKNOWN_SECURITY_MODEL));
    assert_eq!(buffer(parser.as_ref(), 0, Buffer::SnmpUsm, Side::ToServer, 0), Some(b"ann".to_vec()));
    torture(&PROTOCOL, &messages[1]);
}

#[test]
fn what_is_odd_is_told() {
    let whole = version_2c(0, 0);
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &whole), (Side::ToServer, &version_3(3, 3, b"\x04\x02xx")[..])]);
    assert!(parser.transaction(1).unwrap().events().has(event::VERSION_MISMATCH));
    assert!(feed(&PROTOCOL, &[(Side::ToServer, &whole[..20])]).events().has(event::MALFORMED_DATA));
    let list: Vec<u8> = std::iter::repeat_n(ber(0x30, &[&[6, 1, 0x2b], &[5, 0]]), 500).flatten().collect();
    let long = |tag: u8, body: &[u8]| [&[tag, 0x82][..], &(body.len() as u16).to_be_bytes(), body].concat();
    let pdu = long(0xa0, &[&[2, 1, 9, 2, 1, 0, 2, 1, 0][..], &long(0x30, &list)].concat());
    let many = long(0x30, &[&[2, 1, 0, 4, 1, b'c'][..], &pdu].concat());
    assert_eq!(told(feed(&PROTOCOL, &[(Side::ToServer, &many)]).as_ref())[0]["vars"].as_array().unwrap().len(), 128);
}
