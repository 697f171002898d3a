use super::*;
use crate::applayer::datagrams::tests::{feed, told, torture};
use serde_json::json;

/// A message with options behind the cookie; `file` and `name` are the fields before it.
fn message(op: u8, file: &[u8], name: &[u8], options: &[u8]) -> Vec<u8> {
    let mut out = vec![op, 1, 6, 0, 0, 0, 0, 7, 0, 0, 0, 0];
    for address in [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3], [10, 0, 0, 4]] {
        out.extend(address);
    }
    out.extend([2, 0, 0, 0, 0, 9]);
    out.extend([0; 10]);
    let mut field = |bytes: &[u8], length: usize| {
        out.extend(bytes);
        out.extend(vec![0; length - bytes.len()]);
    };
    field(name, 64);
    field(file, 128);
    out.extend([0x63, 0x82, 0x53, 0x63]);
    out.extend(options);
    out
}

#[test]
fn a_reply_reads_as_it_is_written() {
    let options = [
        &[53, 1, 5][..],
        &[51, 4, 0, 0, 14, 16],
        &[58, 4, 0, 0, 7, 8],
        &[59, 4, 0, 0, 12, 78],
        &[1, 4, 255, 255, 255, 0],
        &[3, 8, 10, 0, 0, 1, 10, 0, 0, 2],
        &[61, 7, 1, 2, 0, 0, 0, 0, 9],
        &[55, 3, 1, 99, 6],
        &[255],
    ]
    .concat();
    let reply = message(2, b"", b"", &options);
    let parser = feed(&PROTOCOL, &[(Side::ToClient, &reply)]);
    let expected = json!({"type": "reply", "id": 7, "client_mac": "02:00:00:00:00:09", "assigned_ip": "10.0.0.2",
        "client_ip": "10.0.0.1", "relay_ip": "10.0.0.4", "next_server_ip": "10.0.0.3", "dhcp_type": "ack",
        "lease_time": 3600, "renewal_time": 1800, "rebinding_time": 3150, "subnet_mask": "255.255.255.0",
        "routers": ["10.0.0.1", "10.0.0.2"], "client_id": "02:00:00:00:00:09", "params": ["subnet_mask", "dns_server"]});
    assert_eq!(told(parser.as_ref()), [expected]);
    let transaction = parser.transaction(0).unwrap();
    let number = |field, side| transaction.number(field, side, 0);
    assert_eq!(number(Field::DhcpLeaseTime, Side::ToClient), Some(3600));
    assert_eq!(number(Field::DhcpRenewalTime, Side::ToClient), Some(1800));
    assert_eq!(number(Field::DhcpRebindingTime, Side::ToClient), Some(3150));
    assert_eq!(number(Field::DhcpLeaseTime, Side::ToServer), None);
    assert!(transaction.events().is_empty());
    torture(&PROTOCOL, &reply);
}

#[test]
fn options_may_stand_where_names_do() {
    let reply = message(2, &[3, 4, 10, 0, 0, 9, 255], &[6, 4, 10, 0, 0, 8, 255], &[52, 1, 3, 53, 1, 2, 255]);
    let line = &told(feed(&PROTOCOL, &[(Side::ToClient, &reply)]).as_ref())[0];
    assert_eq!((&line["routers"], &line["dns_servers"]), (&json!(["10.0.0.9"]), &json!(["10.0.0.8"])));
}

#[test]
fn options_that_cannot_be_read_are_told() {
    for (options, event) in [
        (&[53, 1, 1][..], event::TRUNCATED_OPTIONS),
        (&[53, 9, 1], event::TRUNCATED_OPTIONS),
        (&[61, 1, 1, 255], event::MALFORMED_OPTIONS),
        (&[51, 2, 0, 0, 255], event::MALFORMED_OPTIONS),
    ] {
        let request = message(1, b"", b"", options);
        let parser = feed(&PROTOCOL, &[(Side::ToServer, &request)]);
        assert!(parser.transaction(0).unwrap().events().has(event), "{options:?}");
    }
    assert!(feed(&PROTOCOL, &[(Side::ToServer, &[1, 1, 6])]).events().has(event::MALFORMED_OPTIONS));
    let many = message(1, b"", b"", &[12, 1, b'a'].repeat(400));
    assert!(feed(&PROTOCOL, &[(Side::ToServer, &many)]).bytes() < 4096);
}
