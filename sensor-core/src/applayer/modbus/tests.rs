use super::*;
use crate::applayer::Transport;
use crate::applayer::datagrams::tests::told;
use crate::applayer::parser::Settings;
use crate::rules::Comparison;
use crate::rules::ast::{self, Body, ModbusOf};
use serde_json::json;

/// A message to or from unit 9.
fn message(transaction: u16, pdu: &[u8]) -> Vec<u8> {
    let length = pdu.len() as u16 + 1;
    [&transaction.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), &[9], pdu].concat()
}

fn feed(steps: &[(Side, Vec<u8>)], piece: usize) -> Box<dyn Parser> {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut parser = (PROTOCOL.parser)(&settings);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 502),
        settings: &settings,
        next: None,
        announced: None,
    };
    for (side, bytes) in steps {
        for part in bytes.chunks(piece) {
            assert_eq!(parser.data(*side, part, &mut cx), Parsed::More);
        }
    }
    parser
}

fn events(parser: &dyn Parser, id: u64) -> Vec<u8> {
    parser.transaction(id).unwrap().events().iter().collect()
}

#[test]
fn requests_meet_their_responses_in_any_pieces() {
    let steps = [
        (Side::ToServer, [message(1, &[1, 0, 19, 0, 10]), message(2, &[16, 0, 1, 0, 2, 4, 0, 10, 1, 2])].concat()),
        (Side::ToClient, [message(2, &[16, 0, 1, 0, 2]), message(1, &[1, 2, 0xcd, 1])].concat()),
        (Side::ToServer, message(3, &[3, 0, 0, 0, 1])),
        (Side::ToClient, message(3, &[0x83, 2])),
    ];
    let lines = told(feed(&steps, usize::MAX).as_ref());
    let common = |transaction: u16, raw: u8, code: &str, access: &str| {
        json!({"transaction_id": transaction, "protocol_id": 0, "unit_id": 9, "function_raw": raw,
            "function_code": code, "access_type": access, "category": "PUBLIC_ASSIGNED", "error_flags": "NONE"})
    };
    let with = |mut common: serde_json::Value, key: &str, value: serde_json::Value| {
        common[key] = value;
        common
    };
    let coils = common(1, 1, "RdCoils", "READ | COILS");
    let registers = common(2, 16, "WrMultRegs", "WRITE | HOLDING | MULTIPLE");
    let expected = [
        json!({"id": 1, "request": with(coils.clone(), "read", json!({"address": 19, "quantity": 10})),
            "response": with(coils, "read", json!({"data": "\\xcd\u{1}"}))}),
        json!({"id": 2,
            "request": with(registers.clone(), "write", json!({"address": 1, "quantity": 2, "data": "\0\n\u{1}\u{2}"})),
            "response": with(registers, "write", json!({"address": 1, "data": 2}))}),
        json!({"id": 3,
            "request": with(common(3, 3, "RdHoldRegs", "READ | HOLDING"), "read", json!({"address": 0, "quantity": 1})),
            "response": with(common(3, 0x83, "RdHoldRegs", "READ | HOLDING"), "exception",
                json!({"raw": 2, "code": "IllegalDataAddr"}))}),
    ];
    assert_eq!(lines, expected);
    for piece in 1..20 {
        let parser = feed(&steps, piece);
        assert_eq!(told(parser.as_ref()), lines, "{piece}");
        assert!((0..3).all(|id| events(parser.as_ref(), id).is_empty()));
    }
}

#[test]
fn what_is_odd_is_told() {
    let ask = |pdu: &[u8]| vec![(Side::ToServer, message(1, pdu))];
    let exchange =
        |asked: &[u8], told: &[u8]| vec![(Side::ToServer, message(1, asked)), (Side::ToClient, message(1, told))];
    let mut version = message(1, &[3, 0, 0, 0, 1]);
    version[3] = 1;
    for (steps, expected) in [
        (ask(&[0, 1]), event::INVALID_FUNCTION_CODE),
        (ask(&[1, 0, 0, 0, 0]), event::INVALID_VALUE),
        (ask(&[3, 0, 0, 0, 126]), event::INVALID_VALUE),
        (ask(&[5, 0, 0, 1, 0]), event::INVALID_VALUE),
        (ask(&[16, 0, 1, 0, 2, 3, 0, 1, 2]), event::INVALID_VALUE),
        (ask(&[3, 0]), event::INVALID_LENGTH),
        (ask(&[65; 300]), event::INVALID_LENGTH),
        (vec![(Side::ToServer, version)], event::INVALID_PROTOCOL_ID),
        (exchange(&[3, 0, 0, 0, 1], &[0x83, 9]), event::INVALID_EXCEPTION_CODE),
        (exchange(&[3, 0, 0, 0, 1], &[3, 4, 0, 1, 0, 2]), event::VALUE_MISMATCH),
        (exchange(&[6, 0, 1, 0, 2], &[6, 0, 1, 0, 3]), event::VALUE_MISMATCH),
        (exchange(&[3, 0, 0, 0, 1], &[4, 2, 0, 1]), event::VALUE_MISMATCH),
        (vec![(Side::ToClient, message(7, &[3, 2, 0, 1]))], event::UNSOLICITED_RESPONSE),
    ] {
        assert_eq!(events(feed(&steps, 100).as_ref(), 0), [expected], "{steps:?}");
    }
    let flood = vec![(Side::ToServer, message(1, &[7])); 9];
    let parser = feed(&flood, 100);
    assert_eq!((parser.ids(), events(parser.as_ref(), 8)), (5..9, vec![event::FLOODED]));
}

#[test]
fn rules_ask_for_functions_and_access() {
    let holds = |pdu: &[u8], test: ast::Modbus| {
        let parser = feed(&[(Side::ToServer, message(1, pdu))], 100);
        let transaction = parser.transaction(0).unwrap();
        let body = Body::Modbus(test);
        assert!(!transaction.holds(&body, Side::ToClient));
        transaction.holds(&body, Side::ToServer)
    };
    let of = |of| ast::Modbus { unit: None, of: Some(of) };
    let unit = |number| ast::Modbus { unit: Some(Comparison::Equal(number)), of: None };
    let category = |negated, word: &str| of(ModbusOf::Category(negated, word.into()));
    let access = |write, table: Option<&str>, address, value| {
        of(ModbusOf::Access { write, table: table.map(Into::into), address, value })
    };
    assert!(holds(&[3, 0, 0, 0, 1], unit(9)) && !holds(&[3, 0, 0, 0, 1], unit(8)));
    assert!(holds(&[8, 0, 4, 0, 0], of(ModbusOf::Function(8, Some(4)))));
    assert!(!holds(&[8, 0, 4, 0, 0], of(ModbusOf::Function(8, Some(5)))));
    assert!(holds(&[100], category(false, "user")) && holds(&[100], category(true, "public")));
    assert!(holds(&[90], category(false, "reserved")) && holds(&[25], category(false, "unassigned")));
    assert!(holds(&[3, 0, 0, 0, 1], access(false, None, None, None)));
    assert!(!holds(&[3, 0, 0, 0, 1], access(true, None, None, None)));
    // Two registers from address 2 on, as rules count.
    let write = [16, 0, 1, 0, 2, 4, 0, 10, 1, 2];
    let holding = |address, value| access(true, Some("holding"), Some(Comparison::Equal(address)), value);
    assert!(holds(&write, holding(3, Some(Comparison::Equal(0x102)))));
    assert!(!holds(&write, holding(2, Some(Comparison::Equal(0x102)))) && !holds(&write, holding(4, None)));
    assert!(!holds(&write, access(true, Some("coils"), None, None)));
    // Ten coils, the third is on.
    let coils = [15, 0, 0, 0, 10, 2, 4, 0];
    let coil = |address| access(true, Some("coils"), Some(Comparison::Equal(address)), Some(Comparison::Equal(1)));
    assert!(holds(&coils, coil(3)) && !holds(&coils, coil(4)));
}

#[test]
fn hostile_bytes_do_no_harm() {
    let pdus: [&[u8]; 5] = [
        &[1, 0, 19, 0, 10],
        &[16, 0, 1, 0, 2, 4, 0, 10, 1, 2],
        &[23, 0, 3, 0, 6, 0, 14, 0, 1, 2, 0, 255],
        &[8, 0, 1],
        &[43, 14, 1, 0],
    ];
    for pdu in pdus {
        let bytes = message(1, pdu);
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                let steps = [(Side::ToServer, bytes.clone()), (Side::ToClient, bytes)];
                let parser = feed(&steps, 5);
                told(parser.as_ref());
                assert!(parser.bytes() < 8192);
            }
        }
    }
}

#[test]
fn a_gap_costs_the_message_that_it_cuts() {
    let settings = Settings::default();
    let bytes = message(1, &[3, 0, 0, 0, 1]);
    let mut parser = feed(&[(Side::ToServer, bytes[..8].to_vec())], 100);
    let mut cx = Context {
        time: 0,
        transport: Transport::Tcp,
        ports: (40000, 502),
        settings: &settings,
        next: None,
        announced: None,
    };
    parser.gap(Side::ToServer, 4, &mut cx);
    parser.data(Side::ToServer, &message(2, &[7]), &mut cx);
    assert_eq!(told(parser.as_ref())[0]["request"]["transaction_id"], 2);
}
