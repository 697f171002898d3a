//! A peer of the link that sends what it likes: first messages, frames that were changed on the way, pairing strings.

use std::time::Duration;

use sensor_link::frame::{Deframer, MAX_FRAME};
use sensor_link::handshake::{Initiator, Responder};
use sensor_link::session::{Opened, RekeyPolicy, Session};
use sensor_link::{KeyPair, PairingString, Token};

/// The first byte says what the rest is.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
        0 => text(rest),
        1 => stranger(rest),
        _ => changed(rest),
    }
}

/// What can be read as a pairing string is written so that it reads the same again.
fn text(bytes: &[u8]) {
    let Ok(read) = std::str::from_utf8(bytes).unwrap_or_default().parse::<PairingString>() else { return };
    let again: PairingString = read.to_string().parse().unwrap();
    assert_eq!(again.to_string(), read.to_string());
    assert_eq!(again.key, read.key);
}

/// Any bytes, in pieces: nothing but a first message that is meant for the key begins a handshake.
fn stranger(bytes: &[u8]) {
    let keys = keys(1);
    let mut frames = Deframer::new(1024);
    for piece in bytes.chunks(61) {
        let mut piece = piece;
        while !piece.is_empty() {
            let space = frames.space();
            let count = piece.len().min(space.len());
            space[..count].copy_from_slice(&piece[..count]);
            frames.filled(count);
            piece = &piece[count..];
            loop {
                match frames.next_frame() {
                    Ok(Some(frame)) => assert!(Responder::begin(&keys, frame).is_err()),
                    Ok(None) => break,
                    Err(error) => return assert!(error.length > 1024),
                }
            }
        }
    }
}

/// A handshake and records after it, one byte of which is changed where the input says so: what was changed is refused,
/// and everything before it arrives as it was sent.
fn changed(script: &[u8]) {
    let [pairs, at_low, at_high, change, records, script @ ..] = script else { return };
    // Counted over all that goes over the wire; mostly past its end.
    let mut left = usize::from(u16::from_le_bytes([*at_low, *at_high]));
    let mut pass = |bytes: &mut [u8]| {
        let there = bytes.get_mut(left).filter(|_| *change != 0).map(|byte| *byte ^= change).is_some();
        left = left.saturating_sub(bytes.len());
        if there {
            left = usize::MAX;
        }
        there
    };
    let policy = RekeyPolicy { records: u64::from(*records % 8) + 2, age: Duration::from_secs(10) };
    let (app, sensor) = (keys(2), keys(1));
    let token = (pairs % 2 == 1).then(|| Token::from_bytes([7; 32]));
    let (initiator, mut first) = Initiator::begin(&app, &sensor.public(), token.as_ref()).unwrap();
    let altered = pass(&mut first);
    let responder = match Responder::begin(&sensor, &first) {
        Ok(responder) => responder,
        Err(_) => return assert!(altered),
    };
    assert!(!altered);
    assert_eq!(responder.peer(), app.public());
    assert_eq!(responder.token().map(Token::digest), token.as_ref().map(Token::digest));
    let (mut answer, mut theirs) = responder.answer(policy).unwrap();
    let altered = pass(&mut answer);
    let mut ours = match initiator.finish(&answer, policy) {
        Ok(session) => session,
        Err(_) => return assert!(altered),
    };
    assert!(!altered);
    for (number, len) in script.iter().take(64).enumerate() {
        let (from, to) = if len & 1 == 0 { (&mut ours, &mut theirs) } else { (&mut theirs, &mut ours) };
        from.tick(Duration::from_secs(number as u64));
        let content = vec![*len; usize::from(*len) * 3];
        let mut wire = Vec::new();
        from.seal(&content, &mut wire).unwrap();
        let altered = pass(&mut wire);
        match open(to, &wire) {
            Some(arrived) if !altered => assert_eq!(arrived, content),
            Some(arrived) => {
                assert!(content.starts_with(&arrived) && arrived.len() < content.len() || content.is_empty())
            }
            None => return assert!(altered),
        }
        if altered {
            return;
        }
    }
}

/// What frames hold; `None` where one was refused.
fn open(session: &mut Session, mut wire: &[u8]) -> Option<Vec<u8>> {
    let mut frames = Deframer::new(MAX_FRAME);
    let mut arrived = Vec::new();
    while !wire.is_empty() {
        let space = frames.space();
        let count = wire.len().min(space.len());
        space[..count].copy_from_slice(&wire[..count]);
        frames.filled(count);
        wire = &wire[count..];
        while let Some(frame) = frames.next_frame().ok()? {
            match session.open(frame).ok()? {
                Opened::Data => arrived.extend_from_slice(session.content()),
                Opened::Close | Opened::Rekey => {}
            }
        }
    }
    Some(arrived)
}

fn keys(seed: u8) -> KeyPair {
    KeyPair::from_bytes([seed; 32]).unwrap()
}
