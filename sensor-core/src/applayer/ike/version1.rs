//! Payloads of version 1 (RFC 2408 section 3).

use std::sync::Arc;

use super::event;
use super::message::{MOST_PAYLOADS, MOST_TRANSFORMS, MOST_VENDORS, Message, Seen, kept, payload};
use super::names::{ATTRIBUTES, Attribute};
use crate::applayer::Side;
use crate::discover::extract::reader::Reader;

/// The attributes of a transform: which, and its number where four bytes hold it.
pub(super) type Transform = Vec<(&'static Attribute, Option<u32>)>;

/// Attributes of a transform that are kept: there are sixteen kinds.
const MOST_ATTRIBUTES: usize = 16;

/// The domain of interpretation of IPsec (RFC 2407).
const IPSEC: u32 = 1;

/// Reads the payloads; `None` if they cannot be read.
pub(super) fn read(message: &mut Message, mut next: u8, body: &[u8], flow: &mut Arc<Seen>) -> Option<()> {
    message.encrypted = message.flags & 1 != 0;
    if message.encrypted {
        return Some(());
    }
    let mut reader = Reader::new(body);
    while next != 0 && message.payloads.len() < MOST_PAYLOADS {
        let kind = next;
        let inside;
        (next, inside) = payload(&mut reader)?;
        message.payloads.push(kind);
        match kind {
            1 => association(message, inside, flow)?,
            4 => {
                Arc::make_mut(flow).peer(message.side).key_exchange = kept(inside);
                message.key_exchange = Some(kept(inside));
            }
            10 => {
                Arc::make_mut(flow).peer(message.side).nonce = kept(inside);
                message.nonce = Some(kept(inside));
            }
            13 => {
                let vendor = kept(inside);
                if message.vendors.len() < MOST_VENDORS {
                    if flow.vendors.len() < MOST_VENDORS && !flow.vendors.contains(&vendor) {
                        Arc::make_mut(flow).vendors.push(vendor.clone());
                    }
                    message.vendors.push(vendor);
                }
            }
            _ => {}
        }
    }
    Some(())
}

impl Seen {
    fn peer(&mut self, side: Side) -> &mut super::message::Peer {
        let [to_server, to_client] = &mut self.peers;
        if side == Side::ToServer { to_server } else { to_client }
    }
}

/// A security association: a domain, a situation, proposals, in them transforms.
fn association(message: &mut Message, body: &[u8], flow: &mut Arc<Seen>) -> Option<()> {
    let mut reader = Reader::new(body);
    let domain = reader.u32()?;
    let seen = Arc::make_mut(flow);
    seen.domain = Some(domain);
    if domain != IPSEC {
        return Some(());
    }
    reader.skip(4)?;
    seen.peer(message.side).proposals.clear();
    let (mut count, mut more) = (0_usize, true);
    while more && !reader.is_empty() {
        let (next, proposal) = payload(&mut reader)?;
        more = next != 0;
        note(message, 2);
        let mut inside = Reader::new(proposal);
        // Its number, the protocol, an index's length, how many transforms.
        inside.skip(2)?;
        let index = inside.u8()?;
        inside.skip(1)?;
        inside.skip(index.into())?;
        let mut another = true;
        while another && !inside.is_empty() {
            let (next, body) = payload(&mut inside)?;
            another = next != 0;
            note(message, 3);
            let attributes = transform(body)?;
            count += 1;
            if count == 1 && message.side == Side::ToClient {
                message.chosen = attributes.iter().map(|(attribute, number)| (attribute.name, *number)).collect();
            }
            let proposals = &mut seen.peer(message.side).proposals;
            if proposals.len() < MOST_TRANSFORMS {
                proposals.push(attributes);
            }
        }
    }
    if message.side == Side::ToClient && count > 1 {
        message.events.add(event::MULTIPLE_SERVER_PROPOSAL);
    }
    Some(())
}

fn note(message: &mut Message, kind: u8) {
    if !message.payloads.contains(&kind) {
        message.payloads.push(kind);
    }
}

/// A transform's attributes (RFC 2408 section 3.3).
fn transform(body: &[u8]) -> Option<Transform> {
    let mut reader = Reader::new(body);
    reader.skip(4)?;
    let mut attributes = Transform::new();
    while !reader.is_empty() {
        let kind = reader.u16()?;
        let number = if kind & 0x8000 != 0 {
            Some(reader.u16()?.into())
        } else {
            let value = reader.vec16()?;
            (value.len() <= 4).then(|| value.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
        };
        let known = ATTRIBUTES.iter().find(|attribute| attribute.kind == kind & 0x7fff);
        if let Some(known) = known.filter(|_| attributes.len() < MOST_ATTRIBUTES) {
            attributes.push((known, number));
        }
    }
    Some(attributes)
}
