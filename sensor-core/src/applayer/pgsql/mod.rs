//! PostgreSQL's frontend and backend protocol 3 (its documentation, "Frontend/Backend Protocol"): a request with what
//! answers it is a transaction.

mod message;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::framing::{Framed, Framing};
use super::parser::{Context, EventSet, Live, Next, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use crate::rules::Buffer;
use message::{Auth, Back, Front};
pub use transaction::Transaction;

/// PostgreSQL.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Pgsql,
    parser: |_| Box::new(Pgsql::default()),
    events: &["invalid_length", "malformed_request", "malformed_response", "too_many_transactions"],
    ready,
    complete: [1, 1],
    eve: Some("pgsql"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const INVALID_LENGTH: u8 = 0;
    pub(super) const MALFORMED_REQUEST: u8 = 1;
    pub(super) const MALFORMED_RESPONSE: u8 = 2;
    pub(super) const TOO_MANY_TRANSACTIONS: u8 = 3;
}

/// A query is there once its request is complete.
fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// Bytes of a message that are read; the rest of it is passed over.
const MOST_MESSAGE: usize = 64 << 10;

/// Reads a flow.
#[derive(Debug, Default)]
struct Pgsql {
    live: Live<Transaction>,
    events: EventSet,
    sides: [Framing; 2],
    /// What the server has asked for to let the client in: it says how the client's next `p` is read.
    auth: Auth,
    /// The transaction that the server's next message is for.
    answering: u64,
}

impl Pgsql {
    fn framing(&mut self, side: Side) -> &mut Framing {
        let [to_server, to_client] = &mut self.sides;
        if side == Side::ToServer { to_server } else { to_client }
    }

    /// The transaction that the server answers now.
    fn answered(&mut self) -> Option<&mut Transaction> {
        self.answering = self.answering.max(self.live.ids().start);
        while self.answering < self.live.ids().end {
            if self.live.get(self.answering).is_some_and(|transaction| !transaction.is_answered()) {
                break;
            }
            self.answering += 1;
        }
        self.live.get_mut(self.answering)
    }

    fn open(&mut self, cx: &Context<'_>) -> Option<&mut Transaction> {
        if self.live.len() >= cx.settings.transactions.max(1) {
            self.live.remove(self.live.ids().start);
            self.live.push(Transaction::new(self.live.ids().end));
            self.live.last_mut()?.odd(event::TOO_MANY_TRANSACTIONS);
        } else {
            self.live.push(Transaction::new(self.live.ids().end));
        }
        self.live.last_mut()
    }

    fn request(&mut self, front: Front, cx: &Context<'_>) {
        let goes_on = self.live.last_mut().is_some_and(|last| last.goes_on(&front));
        let transaction = if goes_on { self.live.last_mut() } else { self.open(cx) };
        if let Some(transaction) = transaction {
            transaction.request(front);
        }
    }

    fn response(&mut self, back: Back, cx: &Context<'_>) {
        if let Back::Auth(auth) = &back {
            self.auth = *auth;
        } else if let Back::Salt(_) = &back {
            self.auth = Auth::Md5;
        }
        if self.answered().is_none() {
            // A server that speaks unasked, or whose client was not seen.
            if back.is_aside() {
                return;
            }
            if let Some(transaction) = self.open(cx) {
                transaction.unasked();
            }
        }
        if let Some(transaction) = self.answered() {
            transaction.response(back);
        }
    }

    fn requests(&mut self, mut bytes: &[u8], cx: &Context<'_>) -> Parsed {
        loop {
            let [framing, _] = &mut self.sides;
            let front = match framing.next(&mut bytes, MOST_MESSAGE, message::front_length) {
                Framed::Open => return Parsed::More,
                Framed::Message(message, total) => Front::parse(message, total, self.auth),
                Framed::Wrong => return self.fail(event::INVALID_LENGTH, cx),
            };
            match front {
                Some(front) => self.request(front, cx),
                None => return self.fail(event::MALFORMED_REQUEST, cx),
            }
        }
    }

    fn responses(&mut self, mut bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        loop {
            let asked = self.answered().is_some_and(|transaction| transaction.asks_for_encryption());
            let [_, framing] = &mut self.sides;
            let length = |bytes: &[u8]| message::back_length(bytes, asked);
            let back = match framing.next(&mut bytes, MOST_MESSAGE, length) {
                Framed::Open => return Parsed::More,
                Framed::Message(message, total) => Back::parse(message, total),
                Framed::Wrong => return self.fail(event::INVALID_LENGTH, cx),
            };
            let Some(back) = back else { return self.fail(event::MALFORMED_RESPONSE, cx) };
            let encrypted = back == Back::Encryption(true);
            self.response(back, cx);
            if encrypted {
                cx.next = Some(Next::Is(AppProto::Tls));
                return Parsed::Enough;
            }
        }
    }

    /// What cannot be read ends the parsing; a transaction tells it.
    fn fail(&mut self, event: u8, cx: &Context<'_>) -> Parsed {
        let transaction = if event == event::MALFORMED_REQUEST { self.open(cx) } else { self.live.last_mut() };
        match transaction {
            Some(transaction) => transaction.odd(event),
            None => self.events.add(event),
        }
        self.live.iter_mut().for_each(Transaction::end);
        Parsed::Failed
    }
}

impl Parser for Pgsql {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        match side {
            Side::ToServer => self.requests(bytes, cx),
            Side::ToClient => self.responses(bytes, cx),
        }
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        match side {
            Side::ToServer => self.framing(side).gap(len, message::front_length),
            Side::ToClient => self.framing(side).gap(len, |bytes| message::back_length(bytes, false)),
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
