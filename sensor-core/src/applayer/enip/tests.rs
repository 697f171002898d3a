use super::*;
use crate::applayer::datagrams::tests::{buffer, told};
use crate::applayer::parser::Settings;
use crate::rules::Field;
use crate::rules::ast::Body;
use serde_json::json;

fn message(command: u16, status: u8, context: u8, body: &[u8]) -> Vec<u8> {
    let head = [&command.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), &[7, 0, 0, 0, status, 0, 0, 0]];
    [&head.concat()[..], &[context; 8], &[0; 4], body].concat()
}

fn item(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), body].concat()
}

/// CIP without a connection, and with one.
fn unconnected(context: u8, cip: &[u8]) -> Vec<u8> {
    message(0x6f, 0, context, &[&[0, 0, 0, 0, 0, 0, 2, 0][..], &item(0, &[]), &item(0xb2, cip)].concat())
}

fn connected(sequence: u16, cip: &[u8]) -> Vec<u8> {
    let data = [&sequence.to_le_bytes()[..], cip].concat();
    message(0x70, 0, 0, &[&[0, 0, 0, 0, 0, 0, 2, 0][..], &item(0xa1, &[1, 0, 0, 0]), &item(0xb1, &data)].concat())
}

fn feed(steps: &[(Side, Vec<u8>)], transport: Transport, piece: usize) -> Box<dyn Parser> {
    let settings = Settings { transactions: 4, ..Settings::default() };
    let mut parser = (PROTOCOL.parser)(&settings);
    let mut cx =
        Context { time: 0, transport, ports: (40000, 44818), settings: &settings, next: None, announced: None };
    for (side, bytes) in steps {
        for part in bytes.chunks(piece) {
            assert_eq!(parser.data(*side, part, &mut cx), Parsed::More);
        }
    }
    parser
}

fn numbers(parser: &dyn Parser, id: u64, side: Side, field: Field) -> Vec<i64> {
    (0..).map_while(|index| parser.transaction(id).unwrap().number(field, side, index)).collect()
}

#[test]
fn sessions_and_messages_are_read_in_any_pieces() {
    let get = [0x0e, 3, 0x20, 1, 0x24, 1, 0x30, 7];
    let steps = [
        (Side::ToServer, message(0x65, 0, 1, &[1, 0, 0, 0])),
        (Side::ToClient, message(0x65, 0, 1, &[1, 0, 0, 0])),
        (Side::ToServer, [unconnected(2, &get), connected(5, &get)].concat()),
        (Side::ToClient, [connected(5, &[0x8e, 0, 8, 1, 3, 0]), unconnected(2, &[0x8e, 0, 0, 0, 9])].concat()),
    ];
    let lines = told(feed(&steps, Transport::Tcp, usize::MAX).as_ref());
    let register = json!({"command": "register_session", "status": "success",
        "register_session": {"protocol_version": 1, "options": 0}});
    let request = |command: &str| {
        json!({"command": command, "status": "success", "cip": {"service": "get_attr_single", "class_name": "Identity",
            "path": [{"segment_type": "class", "value": 1}, {"segment_type": "instance", "value": 1},
                {"segment_type": "attribute", "value": 7}]}})
    };
    let expected = [
        json!({"request": register, "response": register}),
        json!({"request": request("send_rr_data"), "response": {"command": "send_rr_data", "status": "success",
            "cip": {"service": "get_attr_single", "status": "success"}}}),
        json!({"request": request("send_unit_data"), "response": {"command": "send_unit_data", "status": "success",
            "cip": {"service": "get_attr_single", "status": "service_not_supported", "status_extended": 3}}}),
    ];
    assert_eq!(lines, expected);
    for piece in 1..60 {
        assert_eq!(told(feed(&steps, Transport::Tcp, piece).as_ref()), lines, "{piece}");
    }
    let parser = feed(&steps, Transport::Tcp, 9);
    let found = |side, field| numbers(parser.as_ref(), 2, side, field);
    assert_eq!(found(Side::ToServer, Field::EnipCipClass), [1]);
    assert_eq!(found(Side::ToServer, Field::EnipCipAttribute), [7]);
    assert!(found(Side::ToServer, Field::EnipCipStatus).is_empty());
    assert_eq!(found(Side::ToClient, Field::EnipCipStatus), [8]);
    assert_eq!(found(Side::ToClient, Field::EnipCipExtendedStatus), [3]);
    assert_eq!(found(Side::ToClient, Field::EnipCommand), [0x70]);
    let holds = |class, attribute| {
        parser.transaction(1).unwrap().holds(&Body::CipService(0x0e, class, attribute), Side::ToServer)
    };
    assert!(holds(None, None) && holds(Some(1), None) && holds(Some(1), Some((false, 7))));
    assert!(!holds(Some(2), None) && !holds(Some(1), Some((true, 7))) && holds(Some(1), Some((true, 8))));
}

#[test]
fn services_and_identities_are_read() {
    let services = [&[1, 0][..], &item(0x100, &[&[1, 0, 0x20, 1][..], b"Communications\0\0"].concat())].concat();
    let identity =
        [&[1, 0][..], &[0; 16], &[1, 0, 14, 0, 55, 0, 20, 11, 0x60, 0x31, 0x78, 0x56, 0x34, 0x12], b"\x041756", &[3]]
            .concat();
    let identity = [&[1, 0][..], &item(0x0c, &identity)].concat();
    let steps = [
        (Side::ToServer, message(0x04, 0, 1, &[])),
        (Side::ToClient, message(0x04, 0, 1, &services)),
        (Side::ToServer, message(0x63, 0, 2, &[])),
        (Side::ToClient, message(0x63, 0, 2, &identity)),
    ];
    let parser = feed(&steps, Transport::Udp, usize::MAX);
    let lines = told(parser.as_ref());
    assert_eq!(
        lines[0]["response"]["list_services"],
        json!({"protocol_version": 1, "capabilities": 288, "service_name": "Communications"})
    );
    assert_eq!(
        lines[1]["response"]["identity"],
        json!({"protocol_version": 1, "revision": "20.11", "vendor_id": 1, "device_type": 14, "product_code": 55,
            "status": 0x3160, "serial": 0x1234_5678, "product_name": "1756", "state": 3})
    );
    let found = |field| numbers(parser.as_ref(), 1, Side::ToClient, field);
    let fields = [
        (Field::EnipProtocolVersion, 1),
        (Field::EnipVendorId, 1),
        (Field::EnipDeviceType, 14),
        (Field::EnipProductCode, 55),
        (Field::EnipRevision, 0x140b),
        (Field::EnipIdentityStatus, 0x3160),
        (Field::EnipSerial, 0x1234_5678),
        (Field::EnipState, 3),
        (Field::EnipStatus, 0),
    ];
    for (field, expected) in fields {
        assert_eq!(found(field), [expected], "{field:?}");
    }
    assert_eq!(numbers(parser.as_ref(), 0, Side::ToClient, Field::EnipCapabilities), [288]);
    let text = |id, which| buffer(parser.as_ref(), id, which, Side::ToClient, 0);
    assert_eq!(text(1, Buffer::EnipProductName), Some(b"1756".to_vec()));
    assert_eq!(text(0, Buffer::EnipServiceName), Some(b"Communications".to_vec()));
}

#[test]
fn messages_in_messages_count_each() {
    let first = [0x03, 2, 0x20, 0xf6, 0x24, 1, 2, 0, 6, 0, 9, 0];
    let second = [0x4c, 4, 0x91, 3, b'a', b'b', b'c', 0, 0x28, 1];
    let offsets = [2, 0, 6, 0, 18, 0];
    let cip = [&[0x0a, 2, 0x20, 2, 0x24, 1][..], &offsets, &first, &second].concat();
    let parser = feed(&[(Side::ToServer, unconnected(1, &cip))], Transport::Tcp, 100);
    let line = &told(parser.as_ref())[0]["request"]["cip"];
    assert_eq!((&line["service"], &line["multiple"][1]["service"]), (&json!("multiple_service"), &json!("read_data")));
    assert_eq!(numbers(parser.as_ref(), 0, Side::ToServer, Field::EnipCipClass), [2, 0xf6]);
    assert_eq!(numbers(parser.as_ref(), 0, Side::ToServer, Field::EnipCipAttribute), [6, 9]);
    assert_eq!(numbers(parser.as_ref(), 0, Side::ToServer, Field::EnipCipInstance), [1, 1]);
}

#[test]
fn what_is_odd_is_told_and_what_is_kept_is_bounded() {
    let odd = |bytes: Vec<u8>| {
        let parser = feed(&[(Side::ToServer, bytes)], Transport::Tcp, 100);
        parser.transaction(0).unwrap().events().has(event::INVALID_PDU)
    };
    assert!(odd(message(0x65, 0, 1, &[1])) && odd(unconnected(1, &[0x0e, 9, 0x20])));
    assert!(odd(message(0x70, 0, 1, &[0, 0, 0, 0, 0, 0, 2, 0, 0xb1, 0, 9, 0])));
    assert!(!odd(message(0x65, 3, 1, &[])));
    assert!(feed(&[(Side::ToServer, vec![0x63])], Transport::Udp, 9).events().has(event::INVALID_PDU));
    let many = vec![(Side::ToServer, message(0x63, 0, 1, &[])); 9];
    let parser = feed(&many, Transport::Tcp, 100);
    assert_eq!(parser.ids(), 5..9);
    assert!(parser.transaction(8).unwrap().events().has(event::TOO_MANY_TRANSACTIONS));
    let offsets: Vec<u8> = std::iter::repeat_n([202, 0], 100).flatten().collect();
    let cip = [&[0x0a, 0, 100, 0][..], &offsets, &[0x01, 0]].concat();
    assert!(feed(&[(Side::ToServer, unconnected(1, &cip))], Transport::Tcp, 1000).bytes() < 20_000);
}

#[test]
fn hostile_bytes_do_no_harm() {
    let bytes = unconnected(1, &[0x0a, 1, 0x20, 2, 2, 0, 6, 0, 10, 0, 0x0e, 1, 0x20, 1, 0x8e, 0, 0, 0]);
    for at in 0..bytes.len() {
        for value in 0..=255 {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            for side in [Side::ToServer, Side::ToClient] {
                told(feed(&[(side, bytes.clone())], Transport::Tcp, 7).as_ref());
                told(feed(&[(side, bytes.clone())], Transport::Udp, 70).as_ref());
            }
        }
    }
}
