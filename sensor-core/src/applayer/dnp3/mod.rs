//! DNP3 (IEEE 1815): frames of the link layer, segments of the transport function in them, and the application's
//! fragments that those make. Each fragment is a transaction.

mod eve;
mod fields;
mod layouts;
mod link;
mod objects;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::framing::{Framed, Framing};
use super::parser::{Context, EventSet, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side, Transport};
use crate::rules::Buffer;
use link::Frame;
pub use transaction::Transaction;

/// DNP3.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Dnp3,
    parser: |_| Box::new(Dnp3::default()),
    events: &[
        "flooded",
        "len_too_small",
        "bad_link_crc",
        "bad_transport_crc",
        "unknown_object",
        "too_many_points",
        "too_many_objects",
        "too_long_reassembly",
        "max_points_per_object",
    ],
    ready,
    complete: [1, 1],
    eve: Some("dnp3"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const FLOODED: u8 = 0;
    pub(super) const LEN_TOO_SMALL: u8 = 1;
    pub(super) const BAD_LINK_CRC: u8 = 2;
    pub(super) const BAD_TRANSPORT_CRC: u8 = 3;
    pub(super) const UNKNOWN_OBJECT: u8 = 4;
    pub(super) const TOO_MANY_POINTS: u8 = 5;
    pub(super) const TOO_MANY_OBJECTS: u8 = 6;
    pub(super) const TOO_LONG_REASSEMBLY: u8 = 7;
    pub(super) const MAX_POINTS_PER_OBJECT: u8 = 8;
}

/// A fragment is looked into once it is whole.
fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// The longest frame: 250 bytes of data, their checks and a header (IEEE 1815 section 9.2).
const MOST_FRAME: usize = 292;

/// Requests in a row without a response past which it is a flood: Suricata's.
const MOST_UNREPLIED: u32 = 32;

/// Reads a flow.
#[derive(Debug, Default)]
struct Dnp3 {
    live: Live<Transaction>,
    events: EventSet,
    sides: [Framing; 2],
    /// The fragment of a side that is not whole yet.
    open: [Option<u64>; 2],
    unreplied: u32,
}

impl Dnp3 {
    /// What is odd about a frame is noted at the last fragment, else at the flow.
    fn odd(&mut self, event: u8) {
        match self.live.last_mut() {
            Some(last) => last.odd(event),
            None => self.events.add(event),
        }
    }

    fn frame(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) {
        let frame = match Frame::parse(bytes) {
            Ok(frame) => frame,
            Err(event) => return self.odd(event),
        };
        // Only data has more than a header.
        if !frame.is_data() {
            return;
        }
        let mut data = Vec::with_capacity(bytes.len());
        if !frame.data(&mut data) {
            return self.odd(event::BAD_TRANSPORT_CRC);
        }
        let Some((transport, segment)) = data.split_first() else { return self.odd(event::LEN_TOO_SMALL) };
        let (first, last, sequence) = (transport & 0x40 != 0, transport & 0x80 != 0, transport & 0x3f);
        let place = side as usize;
        let open = self.open.get(place).copied().flatten();
        let id = if first {
            if let Some(id) = open
                && let Some(broken) = self.live.get_mut(id)
            {
                broken.end();
            }
            self.begin(side, &frame, cx)
        } else {
            // What follows nothing is passed over.
            let Some(id) = open else { return };
            id
        };
        let Some(transaction) = self.live.get_mut(id) else { return };
        transaction.segment(segment, sequence, first, last);
        if let Some(open) = self.open.get_mut(place) {
            *open = (!last && !transaction.is_complete()).then_some(id);
        }
    }

    fn begin(&mut self, side: Side, frame: &Frame<'_>, cx: &Context<'_>) -> u64 {
        if self.live.len() >= cx.settings.transactions.max(1) {
            self.live.remove(self.live.ids().start);
        }
        let mut transaction = Transaction::new(side, frame);
        if side == Side::ToServer {
            self.unreplied = self.unreplied.saturating_add(1);
            if self.unreplied == MOST_UNREPLIED + 1 {
                transaction.odd(event::FLOODED);
            }
        } else {
            self.unreplied = 0;
        }
        self.live.push(transaction)
    }

    fn stream(&mut self, side: Side, mut bytes: &[u8], cx: &Context<'_>) -> Parsed {
        loop {
            let [to_server, to_client] = &mut self.sides;
            let framing = if side == Side::ToServer { to_server } else { to_client };
            match framing.next(&mut bytes, MOST_FRAME, link::length) {
                Framed::Open => return Parsed::More,
                Framed::Message(frame, _) => {
                    let frame = frame.to_vec();
                    self.frame(side, &frame, cx);
                }
                Framed::Wrong => {
                    self.odd(event::LEN_TOO_SMALL);
                    self.live.iter_mut().for_each(Transaction::end);
                    return Parsed::Failed;
                }
            }
        }
    }
}

impl Parser for Dnp3 {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        match cx.transport {
            Transport::Tcp | Transport::TcpMidstream => self.stream(side, bytes, cx),
            Transport::Udp => {
                let mut rest = bytes;
                while let link::Length::Bytes(length) = link::length(rest) {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    let Some((frame, after)) = rest.split_at_checked(length) else { break };
                    self.frame(side, frame, cx);
                    rest = after;
                }
                Parsed::More
            }
        }
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let [to_server, to_client] = &mut self.sides;
        let framing = if side == Side::ToServer { to_server } else { to_client };
        framing.gap(len, link::length);
        // A fragment that misses a segment is as whole as it will be.
        if let Some(id) = self.open.get_mut(side as usize).and_then(Option::take)
            && let Some(transaction) = self.live.get_mut(id)
        {
            transaction.end();
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
        let open: usize = self.sides.iter().map(Framing::bytes).sum();
        open + self.live.iter().map(Transaction::bytes).sum::<usize>()
    }
}
