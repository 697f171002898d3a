use super::*;
use crate::applayer::datagrams::tests::{buffer, feed, told, torture};
use serde_json::json;

/// A payload; `next` is the type of the one behind it.
fn payload(next: u8, body: &[u8]) -> Vec<u8> {
    [&[next, 0][..], &(body.len() as u16 + 4).to_be_bytes(), body].concat()
}

fn message(first: u8, version: u8, exchange: u8, flags: u8, responder: u8, body: &[u8]) -> Vec<u8> {
    let head = [&[1; 8][..], &[responder; 8], &[first, version, exchange, flags, 0, 0, 0, 0]].concat();
    [head, (body.len() as u32 + 28).to_be_bytes().to_vec(), body.to_vec()].concat()
}

/// AES of 128 bits, SHA, a pre-shared key, group 2, a day in seconds.
const ATTRIBUTES: [u8; 32] = [
    0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 2, 0x80, 11, 0, 1, 0, 12, 0, 4, 0, 1,
    0x51, 0x80,
];

fn version1(next: u8, transforms: usize) -> Vec<u8> {
    let transform =
        |place: usize| payload(if place + 1 < transforms { 3 } else { 0 }, &[&[1, 1, 0, 0][..], &ATTRIBUTES].concat());
    let list: Vec<u8> = (0..transforms).flat_map(transform).collect();
    let proposal = payload(0, &[&[1, 1, 0, transforms as u8][..], &list].concat());
    payload(next, &[&[0, 0, 0, 1, 0, 0, 0, 1][..], &proposal].concat())
}

#[test]
fn version_1_collects_what_both_sides_say() {
    let offer = message(1, 0x10, 2, 0, 0, &[version1(13, 2), payload(0, b"vendor")].concat());
    let choice = message(1, 0x10, 2, 0, 2, &version1(0, 1));
    let nonce = message(4, 0x10, 2, 0, 2, &[payload(10, b"key"), payload(0, b"nonce")].concat());
    let hidden = message(5, 0x10, 2, 1, 2, b"what nobody can read");
    let steps =
        [(Side::ToServer, &offer[..]), (Side::ToClient, &choice), (Side::ToServer, &nonce), (Side::ToClient, &hidden)];
    let parser = feed(&PROTOCOL, &steps);
    let lines = told(parser.as_ref());
    assert_eq!(lines[0]["ikev1"]["client"]["proposals"].as_array().unwrap().len(), 2);
    assert_eq!(lines[0]["payload"], json!(["SecurityAssociation", "Proposal", "Transform", "VendorID"]));
    assert_eq!((&lines[0]["alg_enc"], &lines[1]["alg_enc"]), (&json!(null), &json!("EncAesCbc")));
    let line = &lines[2];
    assert_eq!((&line["sa_life_duration"], &line["sa_life_duration_raw"]), (&json!("Unknown"), &json!(86400)));
    assert_eq!((&line["alg_dh"], &line["sa_key_length_raw"]), (&json!("GroupAlternate1024BitModpGroup"), &json!(128)));
    let client = &line["ikev1"]["client"];
    assert_eq!((&client["nonce_payload"], &client["key_exchange_payload_length"]), (&json!("6e6f6e6365"), &json!(3)));
    assert_eq!(line["ikev1"]["vendor_ids"], json!(["76656e646f72"]));
    assert_eq!(lines[3]["ikev1"], json!({"doi": 1, "encrypted_payloads": true}));
    assert!(parser.transaction(0).unwrap().events().is_empty());

    let found = |id, which, side| buffer(parser.as_ref(), id, which, side, 0);
    assert_eq!(found(0, Buffer::IkeInitSpi, Side::ToServer), Some(b"0101010101010101".to_vec()));
    assert_eq!(found(1, Buffer::IkeInitSpi, Side::ToClient), None);
    assert_eq!(found(1, Buffer::IkeRespSpi, Side::ToClient), Some(b"0202020202020202".to_vec()));
    assert_eq!(found(0, Buffer::IkeVendor, Side::ToServer), Some(b"76656e646f72".to_vec()));
    assert_eq!(found(2, Buffer::IkeNonce, Side::ToServer), Some(b"nonce".to_vec()));
    assert_eq!(found(2, Buffer::IkeKeyExchange, Side::ToClient), None);
    let number = |field| parser.transaction(2).unwrap().number(field, Side::ToServer, 0);
    assert_eq!(
        [Field::IkeExchType, Field::IkeNonceLen, Field::IkeKeyExchangeLen].map(number),
        [Some(2), Some(5), Some(3)]
    );
    let chosen = |id: u64, name: &str, value| {
        parser.transaction(id).unwrap().holds(&Body::IkeAttribute(name.into(), value), Side::ToClient)
    };
    assert!(chosen(1, "sa_life_duration", 86400) && chosen(1, "alg_hash", 2));
    assert!(!chosen(1, "alg_hash", 1) && !chosen(2, "alg_hash", 2));
    torture(&PROTOCOL, &offer);
}

#[test]
fn a_responder_that_chooses_several_is_told() {
    let choice = message(1, 0x10, 2, 0, 2, &version1(0, 2));
    let parser = feed(&PROTOCOL, &[(Side::ToClient, &choice)]);
    assert!(parser.transaction(0).unwrap().events().has(event::MULTIPLE_SERVER_PROPOSAL));
}

fn version2(protocol: u8, transforms: &[(u8, u16)]) -> Vec<u8> {
    let list = transforms.iter().enumerate().flat_map(|(place, (kind, number))| {
        let next = if place + 1 < transforms.len() { 3 } else { 0 };
        payload(next, &[&[*kind, 0][..], &number.to_be_bytes()].concat())
    });
    let head = [1, protocol, 0, transforms.len() as u8];
    payload(0, &[&head[..], &list.collect::<Vec<_>>()].concat())
}

/// A protocol, the transforms proposed for it, and what is to be said of them.
type Case = (u8, &'static [(u8, u16)], &'static [u8]);

#[test]
fn version_2_tells_what_is_weak() {
    let cases: [Case; 5] = [
        (1, &[(1, 12), (2, 5), (3, 12), (4, 14)], &[]),
        (1, &[(1, 20), (2, 5), (4, 31)], &[]),
        (
            1,
            &[(1, 3), (2, 2), (3, 2), (4, 2)],
            &[event::WEAK_ENCRYPTION, event::WEAK_PRF, event::WEAK_DH, event::WEAK_AUTH],
        ),
        (2, &[(1, 12), (9, 1)], &[event::NO_ENCRYPTION, event::NO_DH, event::NO_AUTH, event::UNKNOWN_PROPOSAL]),
        (1, &[], &[event::NO_DH, event::NO_AUTH]),
    ];
    for (protocol, transforms, expected) in cases {
        let offer = message(33, 0x20, 34, 8, 0, &payload(0, &version2(protocol, transforms)));
        let parser = feed(&PROTOCOL, &[(Side::ToServer, &offer)]);
        let events: Vec<u8> = parser.transaction(0).unwrap().events().iter().collect();
        assert_eq!(events, expected, "{transforms:?}");
    }
}

#[test]
fn version_2_names_what_was_chosen_and_notified() {
    let chosen = version2(1, &[(1, 12), (2, 5), (3, 12), (4, 14)]);
    let body = [payload(41, &chosen), payload(46, &[0, 0, 0, 14]), payload(35, b"sealed")].concat();
    let answer = message(33, 0x20, 34, 0x20, 2, &body);
    let parser = feed(&PROTOCOL, &[(Side::ToClient, &answer)]);
    let line = &told(parser.as_ref())[0];
    assert_eq!(line["payload"], json!(["SecurityAssociation", "Notify", "EncryptedAndAuthenticated"]));
    assert_eq!((&line["role"], &line["alg_enc"]), (&json!("responder"), &json!("ENCR_AES_CBC")));
    assert_eq!((&line["alg_auth"], &line["alg_dh"]), (&json!("AUTH_HMAC_SHA2_256_128"), &json!("Modp2048")));
    assert_eq!((&line["notify"], &line["ikev2"]["errors"]), (&json!(["NO_PROPOSAL_CHOSEN"]), &json!(1)));
    let holds =
        |number| parser.transaction(0).unwrap().holds(&Body::IkeAttribute("alg_dh".into(), number), Side::ToClient);
    assert!(holds(14) && !holds(2));
    torture(&PROTOCOL, &answer);
}

#[test]
fn what_cannot_be_read_is_told_and_what_is_kept_is_bounded() {
    let cut = message(33, 0x20, 34, 8, 0, &[0, 0, 0, 9]);
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &cut)]);
    assert!(parser.transaction(0).unwrap().events().has(event::MALFORMED_DATA));
    assert!(feed(&PROTOCOL, &[(Side::ToServer, &cut[..27])]).events().has(event::MALFORMED_DATA));
    let invalid = message(33, 0x20, 34, 8, 0, &payload(0, &payload(0, &[1, 1, 0, 9])));
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &invalid)]);
    assert!(parser.transaction(0).unwrap().events().has(event::INVALID_PROPOSAL));
    let vendors: Vec<u8> = (0..500_u16).flat_map(|place| payload(13, &place.to_be_bytes())).collect();
    let many = message(13, 0x10, 2, 0, 0, &vendors);
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &many)]);
    assert_eq!(told(parser.as_ref())[0]["ikev1"]["vendor_ids"].as_array().unwrap().len(), 32);
}
