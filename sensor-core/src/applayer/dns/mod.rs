//! DNS over datagrams and streams, and its kin of the local link: mDNS (RFC 6762) and LLMNR (RFC 4795). Each message is
//! a transaction of its own side, as in Suricata 8.

mod eve;
mod message;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, EventSet, Live, Parsed, Parser, Protocol, Settings};
use super::{AppProto, Side, Transport};
use crate::rules::Buffer;
use message::Message;
pub use transaction::Transaction;

/// DNS.
pub static PROTOCOL: Protocol = of(AppProto::Dns, |_| Box::new(Dns::new(Kind::Dns)), "dns");
/// Multicast DNS.
pub static MDNS: Protocol = of(AppProto::Mdns, |_| Box::new(Dns::new(Kind::Mdns)), "mdns");
/// Link-local multicast name resolution.
pub static LLMNR: Protocol = of(AppProto::Llmnr, |_| Box::new(Dns::new(Kind::Llmnr)), "llmnr");

const fn of(app: AppProto, parser: fn(&Settings) -> Box<dyn Parser>, eve: &'static str) -> Protocol {
    Protocol { app, parser, events: &EVENTS, ready, complete: [1, 1], eve: Some(eve) }
}

/// A message is complete as soon as it is there.
fn ready(_: Buffer, _: Side) -> u8 {
    1
}

const EVENTS: [&str; 10] = [
    "malformed_data",
    "not_request",
    "not_response",
    "z_flag_set",
    "invalid_opcode",
    "name_too_long",
    "infinite_loop",
    "too_many_labels",
    "invalid_additionals",
    "invalid_authorities",
];

/// Places in [`EVENTS`].
pub(super) mod event {
    pub(in crate::applayer) const MALFORMED_DATA: u8 = 0;
    pub(in crate::applayer) const NOT_REQUEST: u8 = 1;
    pub(in crate::applayer) const NOT_RESPONSE: u8 = 2;
    pub(in crate::applayer) const Z_FLAG_SET: u8 = 3;
    pub(in crate::applayer) const INVALID_OPCODE: u8 = 4;
    pub(in crate::applayer) const NAME_TOO_LONG: u8 = 5;
    pub(in crate::applayer) const INFINITE_LOOP: u8 = 6;
    pub(in crate::applayer) const TOO_MANY_LABELS: u8 = 7;
    pub(in crate::applayer) const INVALID_ADDITIONALS: u8 = 8;
    pub(in crate::applayer) const INVALID_AUTHORITIES: u8 = 9;
}

/// Which of the kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// DNS.
    Dns,
    /// Multicast DNS: queries and responses go both ways.
    Mdns,
    /// LLMNR.
    Llmnr,
}

/// A message of another protocol's body, of a side; `None` if it is none.
pub(in crate::applayer) fn read(side: Side, bytes: &[u8], id: u64) -> Option<Transaction> {
    let message = Some(bytes).filter(|bytes| Message::plausible(bytes, bytes.len())).and_then(Message::parse)?;
    Some(Transaction::new(Kind::Dns, id, side, message))
}

/// Reads the messages of a flow.
#[derive(Debug)]
struct Dns {
    kind: Kind,
    live: Live<Transaction>,
    events: EventSet,
    halves: [Half; 2],
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Half {
    /// A message that is not whole yet, with its length before it: 64 KiB at most.
    open: Vec<u8>,
    /// Bytes left of a message that was cut by a gap.
    skip: usize,
    /// Where a message begins is not known, after a gap.
    lost: bool,
}

impl Dns {
    fn new(kind: Kind) -> Dns {
        Dns { kind, live: Live::default(), events: EventSet::NONE, halves: [Half::default(), Half::default()] }
    }

    /// Takes a whole message. Returns whether it could be one.
    fn message(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) -> bool {
        if !Message::plausible(bytes, bytes.len()) {
            return false;
        }
        let Some(message) = Message::parse(bytes) else {
            self.odd(event::MALFORMED_DATA);
            return true;
        };
        if self.kind == Kind::Dns && message.is_response() != (side == Side::ToClient) {
            self.odd(if message.is_response() { event::NOT_REQUEST } else { event::NOT_RESPONSE });
            return true;
        }
        if self.live.len() >= cx.settings.transactions.max(1) {
            self.live.remove(self.live.ids().start);
        }
        let id = self.live.ids().end;
        self.live.push(Transaction::new(self.kind, id, side, message));
        true
    }

    /// What belongs to no message is noted at the last one, else at the flow.
    fn odd(&mut self, event: u8) {
        match self.live.last_mut() {
            Some(transaction) => transaction.odd(event),
            None => self.events.add(event),
        }
    }

    fn stream(&mut self, side: Side, mut bytes: &[u8], cx: &Context<'_>) -> Parsed {
        while !bytes.is_empty() {
            let half = match side {
                Side::ToServer => &mut self.halves[0],
                Side::ToClient => &mut self.halves[1],
            };
            if half.skip > 0 {
                let skipped = half.skip.min(bytes.len());
                half.skip -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            if std::mem::take(&mut half.lost) && !begins(bytes) {
                half.lost = true;
                return Parsed::More;
            }
            if half.open.is_empty()
                && let Some((message, rest)) = framed(bytes)
            {
                bytes = rest;
                if !self.message(side, message, cx) {
                    self.odd(event::MALFORMED_DATA);
                    return Parsed::Failed;
                }
                continue;
            }
            let wanted = wanted(&half.open, bytes) - half.open.len();
            let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
            half.open.extend_from_slice(taken);
            bytes = rest;
            if framed(&half.open).is_some() {
                let open = std::mem::take(&mut half.open);
                let whole = framed(&open).is_some_and(|(message, _)| self.message(side, message, cx));
                if !whole {
                    self.odd(event::MALFORMED_DATA);
                    return Parsed::Failed;
                }
            }
        }
        Parsed::More
    }
}

/// A message behind its length (RFC 1035, section 4.2.2), and what follows it.
fn framed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

/// How many bytes a message needs with its length, as far as that is known.
fn wanted(open: &[u8], bytes: &[u8]) -> usize {
    let mut head = open.iter().chain(bytes).take(2);
    match (head.next(), head.next()) {
        (Some(high), Some(low)) => 2 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    }
}

/// Whether a message seems to begin here.
fn begins(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk::<2>().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    let message = bytes.get(2..).unwrap_or_default();
    let opcode = message.get(2).map_or(15, |byte| byte >> 3 & 15);
    opcode < 7 && length >= 12 && Message::plausible(message, length)
}

impl Parser for Dns {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        match cx.transport {
            Transport::Udp => {
                // What is no message is passed over: junk before a request hides none.
                self.message(side, bytes, cx);
                Parsed::More
            }
            Transport::Tcp | Transport::TcpMidstream => self.stream(side, bytes, cx),
        }
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let half = match side {
            Side::ToServer => &mut self.halves[0],
            Side::ToClient => &mut self.halves[1],
        };
        let open = std::mem::take(&mut half.open);
        let left = if half.skip > 0 {
            half.skip
        } else if open.len() >= 2 {
            wanted(&open, &[]) - open.len()
        } else {
            0
        };
        match usize::try_from(len).ok().and_then(|len| left.checked_sub(len)) {
            Some(left) => half.skip = left,
            None => (half.skip, half.lost) = (0, true),
        }
        Parsed::More
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.live.get(id).map(|transaction| transaction as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn bytes(&self) -> usize {
        self.halves.iter().map(|half| half.open.capacity()).sum::<usize>()
            + self.live.iter().map(|transaction| size_of::<Transaction>() + transaction.message.bytes()).sum::<usize>()
    }
}
