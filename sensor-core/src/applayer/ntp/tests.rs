use super::*;
use crate::applayer::datagrams::tests::{buffer, feed, told, torture};
use serde_json::json;

fn message(first: u8, stratum: u8, reference: &[u8; 4]) -> Vec<u8> {
    [&[first, stratum, 6, 0xec][..], &[0; 8], reference, &[0; 32]].concat()
}

#[test]
fn question_and_answer_are_two_transactions() {
    let (asked, answer) = (message(0x23, 0, &[0; 4]), message(0x24, 1, b"GPS\0"));
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &asked), (Side::ToClient, &answer)]);
    let expected = [
        json!({"version": 4, "mode": "client", "stratum": 0, "reference_id": "00000000"}),
        json!({"version": 4, "mode": "server", "stratum": 1, "reference_id": "47505300"}),
    ];
    assert_eq!(told(parser.as_ref()), expected);
    let reference = |side| buffer(parser.as_ref(), 1, Buffer::NtpReferenceId, side, 0);
    assert_eq!((reference(Side::ToClient), reference(Side::ToServer)), (Some(b"GPS\0".to_vec()), None));
    let number = |field| parser.transaction(1).unwrap().number(field, Side::ToClient, 0);
    assert_eq!([Field::NtpVersion, Field::NtpMode, Field::NtpStratum].map(number), [Some(4), Some(4), Some(1)]);
    torture(&PROTOCOL, &answer);
}

#[test]
fn control_messages_have_no_clock() {
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &[0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])]);
    assert_eq!(told(parser.as_ref()), [json!({"version": 2, "mode": "control"})]);
    assert_eq!(parser.transaction(0).unwrap().number(Field::NtpStratum, Side::ToServer, 0), None);
}

#[test]
fn what_is_too_short_is_told() {
    let whole = message(0x23, 0, &[0; 4]);
    assert!(feed(&PROTOCOL, &[(Side::ToServer, &whole[..47])]).events().has(MALFORMED_DATA));
    let parser = feed(&PROTOCOL, &[(Side::ToServer, &whole), (Side::ToClient, &whole[..47])]);
    assert!(parser.transaction(0).unwrap().events().has(MALFORMED_DATA));
}
