use super::*;
use crate::applayer::datagrams::tests::{feed, told, torture};
use serde_json::json;

/// Examples of BEP 5.
const QUESTION: &[u8] = b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe";

#[test]
fn questions_answers_and_errors_are_read() {
    let answer = [
        &b"d1:rd2:id20:abcdefghij01234567895:nodes26:mnopqrstuvwxyz123456"[..],
        &[10, 0, 0, 1, 0x1a, 0xe1],
        b"5:token2:xy6:valuesl6:",
        &[10, 0, 0, 2, 0, 80],
        b"ee1:t2:aa1:v4:LT\x01\x021:y1:re",
    ]
    .concat();
    let error = b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee";
    let parser = feed(&PROTOCOL, &[(Side::ToServer, QUESTION), (Side::ToClient, &answer), (Side::ToClient, error)]);
    let id = "6162636465666768696a30313233343536373839";
    let other = "6d6e6f707172737475767778797a313233343536";
    let expected = [
        json!({"transaction_id": "6161", "request_type": "announce_peer",
            "request": {"id": id, "info_hash": other, "token": "616f6575736e7468", "port": 6881}}),
        json!({"transaction_id": "6161", "client_version": "4c540102",
            "response": {"id": id, "token": "7879", "nodes": [{"id": other, "ip": "10.0.0.1", "port": 6881}],
                "values": [{"ip": "10.0.0.2", "port": 80}]}}),
        json!({"transaction_id": "6161", "error": {"num": 201, "msg": "A Generic Error Ocurred"}}),
    ];
    assert_eq!(told(parser.as_ref()), expected);
    assert_eq!(parser.transaction(1).unwrap().only(), Some(Side::ToClient));
    torture(&PROTOCOL, &answer);
}

#[test]
fn what_cannot_be_read_is_told() {
    for bytes in [&QUESTION[..50], b"d1:ad2:id1:ae1:y1:qe", b"d1:ad2:id1:ae1:t1:a1:y1:qe", b"d1:t1:a1:y1:re"] {
        let parser = feed(&PROTOCOL, &[(Side::ToServer, bytes)]);
        assert!(parser.events().has(MALFORMED_PACKET) && parser.ids().is_empty(), "{}", bytes.escape_ascii());
    }
    let many = [&b"d1:rd2:id1:a6:valuesl"[..], &b"6:abcdef".repeat(500), b"ee1:t1:a1:y1:re"].concat();
    assert_eq!(
        told(feed(&PROTOCOL, &[(Side::ToClient, &many)]).as_ref())[0]["response"]["values"].as_array().unwrap().len(),
        128
    );
}
