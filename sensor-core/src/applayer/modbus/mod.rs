//! Modbus over TCP (MODBUS Messaging on TCP/IP Implementation Guide V1.0b): a request and its response are a
//! transaction.

mod eve;
mod message;
mod names;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::framing::{Framed, Framing, Length};
use super::parser::{Context, EventSet, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::rules::Buffer;
use message::Message;
pub use transaction::Transaction;

/// Modbus.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Modbus,
    parser: |_| Box::new(Modbus::default()),
    events: &[
        "unsolicited_response",
        "invalid_length",
        "invalid_unit_identifier",
        "invalid_function_code",
        "invalid_value",
        "invalid_exception_code",
        "value_mismatch",
        "flooded",
        "invalid_protocol_id",
    ],
    ready,
    complete: [1, 1],
    eve: Some("modbus"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const UNSOLICITED_RESPONSE: u8 = 0;
    pub(super) const INVALID_LENGTH: u8 = 1;
    pub(super) const INVALID_FUNCTION_CODE: u8 = 3;
    pub(super) const INVALID_VALUE: u8 = 4;
    pub(super) const INVALID_EXCEPTION_CODE: u8 = 5;
    pub(super) const VALUE_MISMATCH: u8 = 6;
    pub(super) const FLOODED: u8 = 7;
    pub(super) const INVALID_PROTOCOL_ID: u8 = 8;
}

fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// Bytes of a message that are read: a PDU has 253 at most (section 4.1), but lengths of more are told as such.
const MOST_MESSAGE: usize = 1024;

/// Reads a flow.
#[derive(Debug, Default)]
struct Modbus {
    live: Live<Transaction>,
    events: EventSet,
    sides: [Framing; 2],
}

/// The header's length counts the unit and what follows.
fn length(bytes: &[u8]) -> Length {
    match bytes.get(4..).and_then(|bytes| bytes.first_chunk::<2>()) {
        None => Length::Short,
        // A length of nothing is told where the message is read.
        Some(length) => Length::Bytes(6 + u64::from(u16::from_be_bytes(*length))),
    }
}

impl Modbus {
    fn message(&mut self, side: Side, message: Message, cx: &Context<'_>) {
        if side == Side::ToClient
            && let Some(waiting) = self.live.iter_mut().find(|transaction| transaction.waits_for(&message))
        {
            return waiting.answer(message);
        }
        let full = self.live.len() >= cx.settings.transactions.max(1);
        if full {
            self.live.remove(self.live.ids().start);
        }
        let id = self.live.ids().end;
        let mut transaction = match side {
            Side::ToServer => Transaction::asked(id, message),
            Side::ToClient => Transaction::unasked(id, message),
        };
        if full && side == Side::ToServer {
            transaction.odd(event::FLOODED);
        }
        self.live.push(transaction);
    }
}

impl Parser for Modbus {
    fn data(&mut self, side: Side, mut bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        loop {
            let [to_server, to_client] = &mut self.sides;
            let framing = if side == Side::ToServer { to_server } else { to_client };
            match framing.next(&mut bytes, MOST_MESSAGE, length) {
                Framed::Open => return Parsed::More,
                Framed::Message(frame, total) => {
                    if let Some(message) = Message::parse(frame, total, side) {
                        self.message(side, message, cx);
                    }
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
