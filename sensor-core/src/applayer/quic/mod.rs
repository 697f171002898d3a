//! QUIC (RFC 9000) as far as it can be opened: both hellos, and Google's former CHLO. A datagram that begins with an
//! Initial or a Retry is a transaction of its side, as in Suricata 8, and so is one with a long header of a version that
//! can't be opened; after the server's hello nothing more is read.

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
    /// Both hellos were seen.
    done: bool,
}

impl Quic {
    /// A server's Initial: its hello, if that is in it.
    fn answer(&mut self, bytes: &[u8], transaction: &mut Transaction) {
        let answer = self.answer.get_or_insert_with(|| Initial::answering(&self.initial));
        answer.datagram(bytes);
        if let Some(body) = answer.hello_body() {
            transaction.server_hello(body);
            answer.restart();
            self.done = true;
        }
    }
}

impl Parser for Quic {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        if self.done {
            return Parsed::Enough;
        }
        let header = LongHeader::parse(bytes).filter(LongHeader::is_known);
        if header.is_some_and(|header| !header.is_initial() && !header.is_retry()) {
            // What follows the hellos, or goes before them as 0-RTT, can't be opened.
            return Parsed::More;
        }
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
        if self.done { Parsed::Enough } else { Parsed::More }
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
