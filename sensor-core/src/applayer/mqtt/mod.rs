//! MQTT 3.1, 3.1.1 and 5.0. A message and those that answer it are a transaction, as in Suricata 8.

mod message;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, EventSet, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::rules::Buffer;
use message::{Head, Message, kind};
use transaction::Exchange;

/// MQTT.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Mqtt,
    parser: |_| Box::new(Mqtt::default()),
    events: &EVENTS,
    ready,
    complete: [1, 1],
    eve: Some("mqtt"),
};

/// What rules look into comes with a transaction's first message.
fn ready(_: Buffer, _: Side) -> u8 {
    0
}

const EVENTS: [&str; 12] = [
    "missing_connect",
    "missing_publish",
    "missing_subscribe",
    "missing_unsubscribe",
    "double_connect",
    "unintroduced_message",
    "invalid_qos_level",
    "missing_msg_id",
    "unassigned_msg_type",
    "too_many_transactions",
    "malformed_traffic",
    "too_many_messages",
];

/// Places in [`EVENTS`].
mod event {
    pub const MISSING_CONNECT: u8 = 0;
    pub const MISSING_PUBLISH: u8 = 1;
    pub const MISSING_SUBSCRIBE: u8 = 2;
    pub const MISSING_UNSUBSCRIBE: u8 = 3;
    pub const DOUBLE_CONNECT: u8 = 4;
    pub const UNINTRODUCED_MESSAGE: u8 = 5;
    pub const INVALID_QOS_LEVEL: u8 = 6;
    pub const UNASSIGNED_MSG_TYPE: u8 = 8;
    pub const TOO_MANY_TRANSACTIONS: u8 = 9;
    pub const MALFORMED_TRAFFIC: u8 = 10;
    pub const TOO_MANY_MESSAGES: u8 = 11;
}

/// Bytes of a message that is read; longer ones are passed over (`app-layer.protocols.mqtt.max-msg-length`).
const MAX_MESSAGE: u32 = 1 << 20;
/// Messages of a transaction: PUBLISH at QoS 2 has four, and may be repeated.
const MAX_MESSAGES: usize = 16;

/// Reads a connection.
#[derive(Debug, Default)]
struct Mqtt {
    live: Live<Exchange>,
    halves: [Half; 2],
    events: EventSet,
    version: u8,
    /// CONNECT was answered.
    connected: bool,
}

#[derive(Debug, Default)]
struct Half {
    /// What came of a message.
    open: Vec<u8>,
    /// Bytes left of one that is passed over.
    skip: u64,
    lost: bool,
}

/// Type, length and where the content begins, as far as a message's beginning tells; `Err` if its length is none
/// (section 2.1.4).
fn fixed(bytes: &[u8]) -> Result<Option<(Head, u32, usize)>, ()> {
    let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
    let mut length = 0;
    for (place, byte) in rest.iter().take(4).enumerate() {
        length |= u32::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((Head::of(*first), length, place + 2)));
        }
    }
    if rest.len() < 4 { Ok(None) } else { Err(()) }
}

impl Mqtt {
    fn half(&mut self, side: Side) -> &mut Half {
        let [to_server, to_client] = &mut self.halves;
        if side == Side::ToServer { to_server } else { to_client }
    }

    /// Takes a whole message.
    fn message(&mut self, side: Side, head: Head, message: Message, most: usize) {
        let connected = self.connected || matches!(head.kind, kind::CONNECT | kind::CONNACK | kind::AUTH);
        let other = if side == Side::ToServer { Side::ToClient } else { Side::ToServer };
        let id = message.id;
        // What it answers, and the event if that was not seen.
        let answered: Option<(&[u8], u8)> = match head.kind {
            kind::CONNACK => Some((&[kind::CONNECT], event::MISSING_CONNECT)),
            kind::PUBACK | kind::PUBREC | kind::PUBCOMP => Some((&[kind::PUBLISH], event::MISSING_PUBLISH)),
            kind::PUBREL => Some((&[kind::PUBLISH], event::MISSING_PUBLISH)),
            kind::SUBACK => Some((&[kind::SUBSCRIBE], event::MISSING_SUBSCRIBE)),
            kind::UNSUBACK => Some((&[kind::UNSUBSCRIBE], event::MISSING_UNSUBSCRIBE)),
            _ => None,
        };
        // The one who released is the one who published.
        let from = if head.kind == kind::PUBREL { side } else { other };
        let ends = match head.kind {
            kind::CONNECT | kind::SUBSCRIBE | kind::UNSUBSCRIBE | kind::PUBREC | kind::PUBREL => false,
            kind::PUBLISH => head.qos == 0,
            _ => true,
        };
        if head.kind == kind::CONNACK && message.codes.first() == Some(&0) {
            self.connected = true;
        }
        if let Some((kinds, missing)) = answered {
            let known = self.live.iter_mut().find(|known| {
                !known.done && known.starts(kinds, from) && (head.kind == kind::CONNACK || known.id() == id)
            });
            if let Some(known) = known {
                known.done |= ends;
                if !known.add(side, head, message) {
                    known.odd(event::TOO_MANY_MESSAGES);
                }
                return;
            }
            let mut added = Exchange::new(side, head, message);
            added.odd(missing);
            if !connected {
                added.odd(event::UNINTRODUCED_MESSAGE);
            }
            added.done = true;
            self.push(added, most);
            return;
        }
        let twice = head.kind == kind::CONNECT && self.connected;
        // The rest of one that was passed over does not say which answers it.
        let done = ends || message.skipped.is_some() && head.kind != kind::CONNECT;
        let mut added = Exchange::new(side, head, message);
        added.done = done || head.qos == 3;
        for (is, event) in [
            (twice, event::DOUBLE_CONNECT),
            (!connected, event::UNINTRODUCED_MESSAGE),
            (head.kind == kind::PUBLISH && head.qos == 3, event::INVALID_QOS_LEVEL),
            (head.kind == 0, event::UNASSIGNED_MSG_TYPE),
        ] {
            if is {
                added.odd(event);
            }
        }
        self.push(added, most);
    }

    fn push(&mut self, exchange: Exchange, most: usize) {
        let ids = self.live.ids();
        if ids.end - ids.start >= most.max(1) as u64 {
            self.live.remove(ids.start);
            self.events.add(event::TOO_MANY_TRANSACTIONS);
        }
        self.live.push(exchange);
    }

    /// Reads whole messages; returns how much that took, or `None` if it is no MQTT.
    fn read(&mut self, side: Side, bytes: &[u8], most: usize) -> Option<usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            let Some((head, length, start)) = fixed(rest).ok()? else { break };
            if length > MAX_MESSAGE {
                self.half(side).skip = u64::from(length);
                let skipped = Message { skipped: Some(length), ..Message::default() };
                self.message(side, head, skipped, most);
                at += start;
                let now = (bytes.len() - at).min(length as usize);
                self.half(side).skip -= now as u64;
                at += now;
                continue;
            }
            let Some(body) = rest.get(start..start + length as usize) else { break };
            let message = Message::parse(head, self.version, body)?;
            if let Some(connect) = &message.connect {
                self.version = connect.version;
            } else if head.kind == kind::CONNACK && self.version == 0 {
                self.version = if body.len() > 2 { 5 } else { 4 };
            }
            self.message(side, head, message, most);
            at += start + body.len();
        }
        Some(at)
    }
}

impl Parser for Mqtt {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let most = cx.settings.transactions;
        let half = self.half(side);
        if half.lost {
            return Parsed::Enough;
        }
        let skipped = half.skip.min(bytes.len() as u64);
        half.skip -= skipped;
        let bytes = bytes.get(skipped as usize..).unwrap_or_default();
        let mut open = std::mem::take(&mut half.open);
        let read = if open.is_empty() {
            let read = self.read(side, bytes, most);
            open.extend_from_slice(read.and_then(|read| bytes.get(read..)).unwrap_or_default());
            read
        } else {
            open.extend_from_slice(bytes);
            // Not looked at until it is whole: a message may come byte by byte.
            let waits = matches!(fixed(&open), Ok(Some((_, length, start)))
                if length <= MAX_MESSAGE && open.len() < start + length as usize);
            let read = if waits { Some(0) } else { self.read(side, &open, most) };
            open.drain(..read.unwrap_or(0));
            read
        };
        if read.is_none() {
            match self.live.last_mut() {
                Some(last) => last.odd(event::MALFORMED_TRAFFIC),
                None => self.events.add(event::MALFORMED_TRAFFIC),
            }
            return Parsed::Failed;
        }
        self.half(side).open = open;
        Parsed::More
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let half = self.half(side);
        if len <= half.skip {
            half.skip -= len;
            return Parsed::More;
        }
        // Where a message begins is not known any more.
        *half = Half { lost: true, ..Half::default() };
        Parsed::Enough
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.live.get(id).map(|exchange| exchange as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn bytes(&self) -> usize {
        self.halves.iter().map(|half| half.open.capacity()).sum::<usize>()
            + self.live.iter().map(Exchange::bytes).sum::<usize>()
    }
}
