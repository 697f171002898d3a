use proptest::prelude::*;

use super::*;
use crate::KeyPair;
use crate::frame::Deframer;
use crate::handshake::{Initiator, Responder};

fn pair(policy: RekeyPolicy) -> (Session, Session) {
    pair_with(policy, policy)
}

fn pair_with(app: RekeyPolicy, sensor: RekeyPolicy) -> (Session, Session) {
    let (app_keys, sensor_keys) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (ours, first) = Initiator::begin(&app_keys, &sensor_keys.public(), None).unwrap();
    let (answer, theirs) = Responder::begin(&sensor_keys, &first).unwrap().answer(sensor).unwrap();
    (ours.finish(&answer, app).unwrap(), theirs)
}

fn every(records: u64) -> RekeyPolicy {
    RekeyPolicy { records, ..RekeyPolicy::default() }
}

/// The frames in `bytes`, opened one by one; content and what each frame was.
fn open_all(session: &mut Session, bytes: &[u8]) -> Result<(Vec<u8>, Vec<Opened>), SessionError> {
    let (mut content, mut kinds) = (Vec::new(), Vec::new());
    for frame in frames(bytes) {
        kinds.push(session.open(&frame)?);
        content.extend_from_slice(session.content());
    }
    Ok((content, kinds))
}

fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut deframer = Deframer::new(MAX_FRAME);
    let (mut rest, mut frames) = (bytes, Vec::new());
    while !rest.is_empty() {
        let space = deframer.space();
        let count = space.len().min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        deframer.filled(count);
        rest = &rest[count..];
        while let Some(frame) = deframer.next_frame().unwrap() {
            frames.push(frame.to_vec());
        }
    }
    frames
}

#[test]
fn content_longer_than_a_frame_is_cut_and_comes_whole() {
    let (mut app, mut sensor) = pair(RekeyPolicy::default());
    let content: Vec<u8> = (0..3 * MAX_CONTENT + 7).map(|n| (n % 251) as u8).collect();
    let mut wire = Vec::new();
    app.seal(&content, &mut wire).unwrap();
    assert_eq!(frames(&wire).iter().map(Vec::len).collect::<Vec<_>>(), [MAX_FRAME, MAX_FRAME, MAX_FRAME, 7 + 1 + TAG]);
    let (opened, kinds) = open_all(&mut sensor, &wire).unwrap();
    assert_eq!(opened, content);
    assert_eq!(kinds, [Opened::Data; 4]);
}

#[test]
fn content_is_taken_in_pieces() {
    let (mut app, mut sensor) = pair(RekeyPolicy::default());
    let mut wire = Vec::new();
    app.seal(b"abcdef", &mut wire).unwrap();
    sensor.open(&frames(&wire)[0]).unwrap();
    sensor.consume(2);
    assert_eq!(sensor.content(), b"cdef");
    sensor.consume(9);
    assert_eq!(sensor.content(), b"");
}

#[test]
fn keys_are_renewed_by_count_in_both_directions() {
    let (mut app, mut sensor) = pair(every(4));
    for round in 0..25u8 {
        let mut wire = Vec::new();
        app.seal(&[round], &mut wire).unwrap();
        // Three records of data under each key, then the renewal.
        let renewed = round > 0 && round % 3 == 0;
        let (content, kinds) = open_all(&mut sensor, &wire).unwrap();
        assert_eq!(content, [round]);
        assert_eq!(kinds.first() == Some(&Opened::Rekey), renewed, "round {round}");
        let mut back = Vec::new();
        sensor.seal(&[round, round], &mut back).unwrap();
        assert_eq!(open_all(&mut app, &back).unwrap().0, [round, round]);
    }
}

#[test]
fn keys_are_renewed_by_age() {
    let policy = RekeyPolicy { age: Duration::from_secs(60), ..RekeyPolicy::default() };
    let (mut app, mut sensor) = pair(policy);
    let mut renewals = |seconds| {
        let mut wire = Vec::new();
        app.tick(Duration::from_secs(seconds));
        app.seal(b"x", &mut wire).unwrap();
        open_all(&mut sensor, &wire).unwrap().1.contains(&Opened::Rekey)
    };
    let seen = [0, 59, 60, 61, 119, 120, 100, 181].map(&mut renewals);
    assert_eq!(seen, [false, false, true, false, false, true, false, true]);
}

#[test]
fn a_sender_that_keeps_its_key_too_long_is_cut_off() {
    let (mut app, mut sensor) = pair_with(every(100), every(4));
    let mut wire = Vec::new();
    (0..3).for_each(|_| app.seal(b"x", &mut wire).unwrap());
    assert!(open_all(&mut sensor, &wire).is_ok());
    wire.clear();
    app.seal(b"x", &mut wire).unwrap();
    assert_eq!(open_all(&mut sensor, &wire), Err(SessionError::RekeyOverdue));
}

#[test]
fn repeated_lost_and_swapped_records_do_not_open() {
    let mut wire = Vec::new();
    let (mut app, _) = pair(RekeyPolicy::default());
    (0..3u8).for_each(|n| app.seal(&[n], &mut wire).unwrap());
    for order in [&[0usize, 0][..], &[1], &[0, 2], &[1, 0]] {
        let (mut app, mut sensor) = pair(RekeyPolicy::default());
        let mut wire = Vec::new();
        (0..3u8).for_each(|n| app.seal(&[n], &mut wire).unwrap());
        let frames = frames(&wire);
        let result = order.iter().try_for_each(|&n| sensor.open(&frames[n]).map(drop));
        assert_eq!(result, Err(SessionError::Tampered), "{order:?}");
    }
}

#[test]
fn nothing_follows_a_goodbye() {
    let (mut app, mut sensor) = pair(RekeyPolicy::default());
    let mut wire = Vec::new();
    app.seal_close(&mut wire).unwrap();
    let once = wire.len();
    app.seal_close(&mut wire).unwrap();
    assert_eq!(wire.len(), once, "said once");
    assert_eq!(app.seal(b"x", &mut wire), Err(SessionError::Seal));
    assert!(!sensor.is_closed_by_peer());
    assert_eq!(open_all(&mut sensor, &wire).unwrap().1, [Opened::Close]);
    assert!(sensor.is_closed_by_peer());
    assert_eq!(sensor.open(&[0; 40]), Err(SessionError::AfterClose));
}

#[test]
fn malformed_records_are_refused() {
    for (record, kind) in [(&[][..], None), (&[3, 0], Some(3)), (&[1, 0], Some(1)), (&[2, 0], Some(2))] {
        let (mut app, mut sensor) = pair(RekeyPolicy::default());
        let mut frame = vec![0; record.len() + TAG];
        app.noise.write_message(record, &mut frame).unwrap();
        assert_eq!(sensor.open(&frame), Err(SessionError::Malformed(kind)), "{record:?}");
    }
}

proptest! {
    #[test]
    fn no_changed_or_shortened_frame_opens(
        content in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut app, mut sensor) = pair(RekeyPolicy::default());
        let mut wire = Vec::new();
        app.seal(&content, &mut wire).unwrap();
        let frame = &wire[LENGTH..];
        let mut changed = frame.to_vec();
        changed[at.index(frame.len())] ^= 1 << bit;
        prop_assert_eq!(sensor.open(&changed), Err(SessionError::Tampered));
        let (mut app, mut sensor) = pair(RekeyPolicy::default());
        let mut wire = Vec::new();
        app.seal(&content, &mut wire).unwrap();
        let frame = &wire[LENGTH..];
        prop_assert_eq!(sensor.open(&frame[..cut.index(frame.len())]), Err(SessionError::Tampered));
        prop_assert_eq!(sensor.content(), b"");
    }
}
