//! Payloads of version 2 (RFC 7296 section 3).

use std::sync::Arc;

use super::event;
use super::message::{MOST_PAYLOADS, Message, Seen, payload};
use super::names;
use crate::applayer::Side;
use crate::discover::extract::reader::Reader;

/// Numbers of the transforms that a responder chose.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chosen {
    pub encryption: Option<u16>,
    pub prf: Option<u16>,
    pub integrity: Option<u16>,
    pub group: Option<u16>,
    pub sequence: Option<u16>,
}

/// Reads the payloads; `None` if they cannot be read.
pub(super) fn read(message: &mut Message, mut next: u8, body: &[u8], flow: &mut Arc<Seen>) -> Option<()> {
    let mut reader = Reader::new(body);
    while message.payloads.len() < MOST_PAYLOADS {
        let kind = next;
        message.payloads.push(kind);
        if kind == 0 {
            break;
        }
        let inside;
        (next, inside) = payload(&mut reader)?;
        match kind {
            33 if association(message, inside, flow).is_none() => message.events.add(event::INVALID_PROPOSAL),
            41 => {
                let mut notification = Reader::new(inside);
                notification.skip(2)?;
                message.notifications.push(notification.u16()?);
            }
            // What follows is encrypted in it.
            46 | 53 => break,
            _ => {}
        }
    }
    Some(())
}

/// A transform: its type and its number.
type Transform = (u8, u16);

fn association(message: &mut Message, body: &[u8], flow: &mut Arc<Seen>) -> Option<()> {
    let mut reader = Reader::new(body);
    let mut more = true;
    while more && !reader.is_empty() {
        let (next, proposal) = payload(&mut reader)?;
        more = next != 0;
        let mut inside = Reader::new(proposal);
        inside.skip(1)?;
        let (protocol, index, count) = (inside.u8()?, inside.u8()?, inside.u8()?);
        inside.skip(index.into())?;
        let mut transforms: Vec<Transform> = Vec::new();
        for _ in 0..count {
            let (_, body) = payload(&mut inside)?;
            let mut body = Reader::new(body);
            let kind = body.u8()?;
            body.skip(1)?;
            transforms.push((kind, body.u16()?));
        }
        judge(message, protocol, &transforms);
        if message.side == Side::ToClient {
            choose(message, &transforms, &mut Arc::make_mut(flow).transforms);
        }
    }
    Some(())
}

/// What is weak or missing in a proposal.
fn judge(message: &mut Message, protocol: u8, transforms: &[Transform]) {
    let events = &mut message.events;
    let has = |kind: u8| transforms.iter().any(|(known, _)| *known == kind);
    for transform in transforms {
        match transform {
            (1, 1..=9 | 11) => events.add(event::WEAK_ENCRYPTION),
            (2, 0..=2) => events.add(event::WEAK_PRF),
            (3, 1..=4 | 6 | 7) => events.add(event::WEAK_AUTH),
            // Groups of at most 1,536 bits, and the one of 1,024 with a small subgroup.
            (4, 0..=2 | 5 | 22) => events.add(event::WEAK_DH),
            (1..=5, _) => {}
            _ => events.add(event::UNKNOWN_PROPOSAL),
        }
    }
    // AH and ESP need no group of their own; IKE does.
    if !has(4) {
        events.add(event::NO_DH);
    }
    if protocol == 2 {
        events.add(event::NO_ENCRYPTION);
    }
    let authenticates = |(kind, number): &Transform| match kind {
        3 => *number != 0,
        1 => names::is_aead(*number),
        _ => false,
    };
    if !transforms.iter().any(authenticates) {
        events.add(event::NO_AUTH);
    }
}

fn choose(message: &mut Message, transforms: &[Transform], chosen: &mut Chosen) {
    *chosen = Chosen::default();
    message.chosen.clear();
    for (kind, number) in transforms {
        let (name, slot) = match kind {
            1 => ("alg_enc", &mut chosen.encryption),
            2 => ("alg_prf", &mut chosen.prf),
            3 => ("alg_auth", &mut chosen.integrity),
            4 => ("alg_dh", &mut chosen.group),
            5 => ("alg_esn", &mut chosen.sequence),
            _ => continue,
        };
        if slot.is_none() {
            *slot = Some(*number);
            message.chosen.push((name, Some((*number).into())));
        }
    }
}
