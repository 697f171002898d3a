//! SIP (RFC 3261) in datagrams and streams. Each message is a transaction of its side, as in Suricata 8.

mod message;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, EventSet, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side, Transport};
use crate::rules::Buffer;
use message::Message;

/// SIP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Sip,
    parser: |_| Box::new(Sip::default()),
    events: &["invalid_data"],
    ready,
    complete: [1, 1],
    eve: Some("sip"),
};

/// Place of `invalid_data` in [`Protocol::events`].
const INVALID_DATA: u8 = 0;
/// Bytes of a message's head in a stream.
const MAX_HEAD: usize = 64 << 10;
/// Bytes of a body that are kept of a stream; the rest is passed over.
const MAX_BODY: usize = 64 << 10;

/// A message is complete as soon as it is there.
fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// Reads a flow.
#[derive(Debug, Default)]
struct Sip {
    live: Live<Message>,
    halves: [Half; 2],
    events: EventSet,
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Half {
    open: Vec<u8>,
    /// Bytes of it that are known to hold no end of a head.
    scanned: usize,
    /// Bytes left of a body that is passed over.
    skip: u64,
    lost: bool,
}

impl Sip {
    fn half(&mut self, side: Side) -> &mut Half {
        let [to_server, to_client] = &mut self.halves;
        if side == Side::ToServer { to_server } else { to_client }
    }

    fn odd(&mut self) {
        match self.live.last_mut() {
            Some(last) => last.odd(INVALID_DATA),
            None => self.events.add(INVALID_DATA),
        }
    }

    /// Takes a whole message; false if it is none.
    fn message(&mut self, side: Side, head: &[u8], body: &[u8], most: usize) -> bool {
        let Some(message) = Message::parse(side, head, body) else {
            self.odd();
            return false;
        };
        let ids = self.live.ids();
        if ids.end - ids.start >= most.max(1) as u64 {
            self.live.remove(ids.start);
        }
        self.live.push(message);
        true
    }

    fn datagram(&mut self, side: Side, bytes: &[u8], most: usize) {
        let bytes = behind_empty_lines(bytes);
        // What keeps a binding alive (RFC 5626, section 4.4) is no message.
        if bytes.iter().all(|byte| matches!(byte, 0 | b' ')) {
            return;
        }
        let end = end_of_head(bytes, 0).unwrap_or(bytes.len());
        let (head, body) = bytes.split_at(end);
        self.message(side, head, body, most);
    }

    /// Reads whole messages of a stream; `None` if it is no SIP.
    fn stream(&mut self, side: Side, most: usize) -> Option<()> {
        let half = self.half(side);
        let (mut open, mut scanned) = (std::mem::take(&mut half.open), half.scanned);
        let (mut at, mut skip) = (0, 0);
        let waits = loop {
            let rest = open.get(at..)?;
            let lead = rest.len() - behind_empty_lines(rest).len();
            at += lead;
            let rest = rest.get(lead..)?;
            let Some(end) = end_of_head(rest, scanned.saturating_sub(lead)) else {
                scanned = rest.len().saturating_sub(3);
                break rest.len() <= MAX_HEAD;
            };
            let (head, behind) = rest.split_at(end);
            let length = message::content_length(head);
            let Some(body) = behind.get(..length.min(MAX_BODY)) else {
                scanned = end.saturating_sub(4);
                break true;
            };
            if !self.message(side, head, body, most) {
                break false;
            }
            scanned = 0;
            let here = length.min(behind.len());
            at += end + here;
            skip = (length - here) as u64;
            if at >= open.len() {
                break true;
            }
        };
        open.drain(..at.min(open.len()));
        let half = self.half(side);
        (half.open, half.scanned, half.skip) = (open, scanned, skip);
        waits.then_some(())
    }
}

fn behind_empty_lines(bytes: &[u8]) -> &[u8] {
    let lead = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    bytes.get(lead..).unwrap_or_default()
}

/// Where a head ends, behind its empty line.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    memchr::memchr_iter(b'\n', rest).find_map(|at| {
        let behind = rest.get(at + 1..)?;
        match behind {
            [b'\n', ..] => Some(from + at + 2),
            [b'\r', b'\n', ..] => Some(from + at + 3),
            _ => None,
        }
    })
}

impl Parser for Sip {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let most = cx.settings.transactions;
        if cx.transport == Transport::Udp {
            self.datagram(side, bytes, most);
            return Parsed::More;
        }
        let half = self.half(side);
        if half.lost {
            return Parsed::Enough;
        }
        let skipped = half.skip.min(bytes.len() as u64);
        half.skip -= skipped;
        let bytes = bytes.get(skipped as usize..).unwrap_or_default();
        if bytes.is_empty() {
            return Parsed::More;
        }
        half.open.extend_from_slice(bytes);
        if self.stream(side, most).is_none() {
            *self.half(side) = Half { lost: true, ..Half::default() };
            self.odd();
            return Parsed::Failed;
        }
        Parsed::More
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let half = self.half(side);
        if len <= half.skip {
            half.skip -= len;
            return Parsed::More;
        }
        *half = Half { lost: true, ..Half::default() };
        Parsed::Enough
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.live.get(id).map(|message| message as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn bytes(&self) -> usize {
        self.halves.iter().map(|half| half.open.capacity()).sum::<usize>()
            + self.live.iter().map(Message::bytes).sum::<usize>()
    }
}
