//! QUIC (RFC 9000) as far as it can be opened: the client's hello, and Google's former CHLO. A datagram with a long
//! header is a transaction of its side; one with a part of a hello waits for the rest.

mod google;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::discover::extract::quic::{Initial, LongHeader};
use crate::rules::Buffer;
pub use transaction::Transaction;

/// QUIC.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Quic,
    parser: |_| Box::new(Quic::default()),
    events: &["failed_decrypt", "error_on_data", "crypto_frag_too_long"],
    ready,
    complete: [1, 1],
    eve: Some("quic"),
};

/// Place of `failed_decrypt` in [`Protocol::events`].
const FAILED_DECRYPT: u8 = 0;

/// A datagram is complete as soon as it is there.
fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// Reads a flow.
#[derive(Debug, Default)]
struct Quic {
    live: Live<Transaction>,
    initial: Initial,
    /// The server's side, once it sent something that its client's keys open.
    answer: Option<Initial>,
}

impl Quic {
    /// A server's Initial: its hello, if that is in it.
    fn answer(&mut self, bytes: &[u8], transaction: &mut Transaction) {
        let answer = self.answer.get_or_insert_with(|| Initial::answering(&self.initial));
        answer.datagram(bytes);
        if let Some(body) = answer.hello_body() {
            transaction.server_hello(body);
            answer.restart();
        }
    }
}

impl Parser for Quic {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let header = LongHeader::parse(bytes).filter(LongHeader::is_known);
        let version = google::version(bytes).or_else(|| LongHeader::parse(bytes).map(|header| header.version));
        let Some(version) = version else { return Parsed::More };
        let mut transaction = Transaction::new(side, version);
        if let Some(header) = header.filter(|_| side == Side::ToServer) {
            self.answer = None;
            let opened = self.initial.opened();
            self.initial.datagram(bytes);
            if let Some(body) = self.initial.hello_body() {
                transaction.hello(body);
                self.initial.restart();
            } else if self.initial.is_open() && self.initial.opened() > opened {
                // The rest of the hello comes with others.
                return Parsed::More;
            } else if header.is_initial() && self.initial.opened() == opened {
                transaction.odd(FAILED_DECRYPT);
            }
        } else if side == Side::ToClient && header.is_some_and(|header| header.is_initial()) {
            self.answer(bytes, &mut transaction);
        } else if side == Side::ToServer {
            transaction.google(bytes);
        }
        if self.live.len() >= cx.settings.transactions.max(1) {
            self.live.remove(self.live.ids().start);
        }
        self.live.push(transaction);
        Parsed::More
    }

    fn gap(&mut self, _: Side, _: u64, _: &mut Context<'_>) -> Parsed {
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

    fn bytes(&self) -> usize {
        self.initial.allocated()
            + self.answer.as_ref().map_or(0, Initial::allocated)
            + self.live.iter().map(Transaction::bytes).sum::<usize>()
    }
}
