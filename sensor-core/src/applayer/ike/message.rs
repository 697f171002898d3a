//! What a message says, and what its flow has said before.

use std::sync::Arc;

use super::{event, version1, version2};
use crate::applayer::parser::EventSet;
use crate::applayer::{Side, datagrams};
use crate::discover::extract::reader::Reader;

/// A message.
#[derive(Debug)]
pub struct Message {
    pub(super) side: Side,
    pub(super) initiator: [u8; 8],
    pub(super) responder: [u8; 8],
    pub(super) version: (u8, u8),
    pub(super) exchange: u8,
    pub(super) flags: u8,
    pub(super) id: u32,
    /// Version 1: the payloads are encrypted.
    pub(super) encrypted: bool,
    /// Types of payloads in order, and in version 1 of proposals and transforms.
    pub(super) payloads: Vec<u8>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) key_exchange: Option<Vec<u8>>,
    pub(super) vendors: Vec<Vec<u8>>,
    /// The names and numbers of what a responder chose.
    pub(super) chosen: Vec<(&'static str, Option<u32>)>,
    /// Version 2: types of notifications.
    pub(super) notifications: Vec<u16>,
    /// What both sides have said so far.
    pub(super) seen: Arc<Seen>,
    pub(super) events: EventSet,
}

/// What a flow's messages have said so far; a message that adds to it has a copy of its own.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The domain of interpretation (version 1).
    pub(super) domain: Option<u32>,
    /// By side.
    pub(super) peers: [Peer; 2],
    /// Vendors, each once.
    pub(super) vendors: Vec<Vec<u8>>,
    /// What the responder chose, of version 2: encryption, function, integrity, group, sequence numbers.
    pub(super) transforms: version2::Chosen,
}

/// What one side has said.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    pub nonce: Vec<u8>,
    pub key_exchange: Vec<u8>,
    /// Transforms of version 1.
    pub proposals: Vec<version1::Transform>,
}

/// Payloads of a message that are read.
pub(super) const MOST_PAYLOADS: usize = 64;

/// Transforms of a side that are kept.
pub(super) const MOST_TRANSFORMS: usize = 32;

/// Vendors that are kept.
pub(super) const MOST_VENDORS: usize = 32;

/// Bytes of a nonce, a key or a vendor that are kept: the longest group has 8,192 bits.
pub(super) const MOST_BYTES: usize = 1024;

impl datagrams::Message for Message {
    type Flow = Arc<Seen>;

    fn read(bytes: &[u8], side: Side, flow: &mut Arc<Seen>) -> Result<Message, u8> {
        // Behind NAT four zeros come first (RFC 3948 section 2.2).
        let bytes = bytes.strip_prefix(&[0; 4]).unwrap_or(bytes);
        let (next, mut message, body) = Message::head(bytes, side).ok_or(event::MALFORMED_DATA)?;
        let whole = match message.version.0 {
            1 => version1::read(&mut message, next, body, flow),
            _ => version2::read(&mut message, next, body, flow),
        };
        if whole.is_none() {
            message.events.add(event::MALFORMED_DATA);
        }
        message.seen = Arc::clone(flow);
        Ok(message)
    }

    fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    fn bytes(&self) -> usize {
        let vendors = |list: &[Vec<u8>]| list.iter().map(|vendor| 24 + vendor.len()).sum::<usize>();
        let own = self.nonce.iter().chain(&self.key_exchange).map(Vec::len).sum::<usize>() + vendors(&self.vendors);
        let peers = self.seen.peers.iter().map(|peer| {
            let transforms: usize = peer.proposals.iter().map(|list| 24 + list.len() * 32).sum();
            peer.nonce.len() + peer.key_exchange.len() + transforms
        });
        own + peers.sum::<usize>() + vendors(&self.seen.vendors) + self.payloads.len() + self.chosen.len() * 24
    }
}

impl Message {
    /// The header (RFC 7296 section 3.1, RFC 2408 section 3.1): the first payload's type, and what follows.
    fn head(bytes: &[u8], side: Side) -> Option<(u8, Message, &[u8])> {
        let mut reader = Reader::new(bytes);
        let (initiator, responder) = (reader.array()?, reader.array()?);
        let (next, version, exchange, flags) = (reader.u8()?, reader.u8()?, reader.u8()?, reader.u8()?);
        let (id, length) = (reader.u32()?, reader.u32()?);
        let body = usize::try_from(length).ok()?.checked_sub(28)?;
        if !matches!(version >> 4, 1 | 2) {
            return None;
        }
        let mut events = EventSet::NONE;
        if body < reader.rest().len() {
            events.add(event::PAYLOAD_EXTRA_DATA);
        }
        let message = Message {
            side,
            initiator,
            responder,
            version: (version >> 4, version & 15),
            exchange,
            flags,
            id,
            encrypted: false,
            payloads: Vec::new(),
            nonce: None,
            key_exchange: None,
            vendors: Vec::new(),
            chosen: Vec::new(),
            notifications: Vec::new(),
            seen: Arc::default(),
            events,
        };
        Some((next, message, reader.take(body)?))
    }
}

/// The next payload of a chain: the type of the one behind it, and what it holds.
pub(super) fn payload<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let next = reader.u8()?;
    reader.skip(1)?;
    let length = usize::from(reader.u16()?).checked_sub(4)?;
    Some((next, reader.take(length)?))
}

/// As much of a payload as is kept.
pub(super) fn kept(bytes: &[u8]) -> Vec<u8> {
    bytes.get(..MOST_BYTES).unwrap_or(bytes).to_vec()
}
