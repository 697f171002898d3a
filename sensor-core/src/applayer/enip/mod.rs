//! EtherNet/IP's encapsulation and CIP in it (CIP Networks Library, volumes 1 and 2): a request and its reply are a
//! transaction.

mod cip;
mod eve;
mod message;
mod names;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::framing::{Framed, Framing, Length};
use super::parser::{Context, EventSet, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side, Transport};
use crate::rules::Buffer;
use message::{HEADER, Message};
pub use transaction::Transaction;

/// EtherNet/IP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Enip,
    parser: |_| Box::new(Enip::default()),
    events: &["too_many_transactions", "invalid_pdu"],
    ready,
    complete: [1, 1],
    eve: Some("enip"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const TOO_MANY_TRANSACTIONS: u8 = 0;
    pub(super) const INVALID_PDU: u8 = 1;
}

fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// Bytes of a message that are read.
const MOST_MESSAGE: usize = 4096;

/// Reads a flow.
#[derive(Debug, Default)]
struct Enip {
    live: Live<Transaction>,
    events: EventSet,
    sides: [Framing; 2],
}

/// A header's length counts what follows it.
fn length(bytes: &[u8]) -> Length {
    match bytes.get(2..).and_then(|bytes| bytes.first_chunk::<2>()) {
        None => Length::Short,
        Some(length) => Length::Bytes(HEADER as u64 + u64::from(u16::from_le_bytes(*length))),
    }
}

impl Enip {
    fn message(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) {
        let Some(message) = Message::parse(bytes, side) else {
            match self.live.last_mut() {
                Some(last) => last.odd(event::INVALID_PDU),
                None => self.events.add(event::INVALID_PDU),
            }
            return;
        };
        if side == Side::ToClient
            && let Some(waiting) = self.live.iter_mut().find(|transaction| transaction.waits_for(&message))
        {
            return waiting.answer(message);
        }
        let full = self.live.len() >= cx.settings.transactions.max(1);
        if full {
            self.live.remove(self.live.ids().start);
        }
        let mut transaction = Transaction::new(side, message);
        if full {
            transaction.odd(event::TOO_MANY_TRANSACTIONS);
        }
        self.live.push(transaction);
    }
}

impl Parser for Enip {
    fn data(&mut self, side: Side, mut bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        if cx.transport == Transport::Udp {
            self.message(side, bytes, cx);
            return Parsed::More;
        }
        loop {
            let [to_server, to_client] = &mut self.sides;
            let framing = if side == Side::ToServer { to_server } else { to_client };
            match framing.next(&mut bytes, MOST_MESSAGE, length) {
                Framed::Open => return Parsed::More,
                Framed::Message(frame, _) => {
                    let frame = frame.to_vec();
                    self.message(side, &frame, cx);
                }
                Framed::Wrong => return Parsed::Failed,
            }
        }
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let [to_server, to_client] = &mut self.sides;
        let framing = if side == Side::ToServer { to_server } else { to_client };
        framing.gap(len, length);
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
