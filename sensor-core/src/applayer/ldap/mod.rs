//! LDAP (RFC 4511) over TCP and in datagrams. A transaction is a request with all that answers it.

#![expect(clippy::wildcard_enum_match_arm, reason = "each place is about one or two kinds of many")]

mod eve;
mod message;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::frames::{Framing, Length, Piece, Rules};
use super::parser::{self, Context, EventSet, Live, Next, Parsed, Parser, Protocol};
use super::{AppProto, Side, Transport};
use crate::json::Object;
use crate::rules::{Buffer, Field};
use message::{Detail, Message, operation};

/// LDAP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Ldap,
    parser: |_| Box::new(Ldap::default()),
    events: &["too_many_transactions", "invalid_data", "request_not_found", "too_many_responses"],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("ldap"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const TOO_MANY_TRANSACTIONS: u8 = 0;
    pub(super) const INVALID_DATA: u8 = 1;
    pub(super) const REQUEST_NOT_FOUND: u8 = 2;
    pub(super) const TOO_MANY_RESPONSES: u8 = 3;
}

/// Answers to one request that are kept.
const MOST_RESPONSES: usize = 256;

/// The extended operation that turns to TLS (section 4.14.1).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// Messages are sequences; a long one is read for its operation alone.
const FRAMING: Rules = Rules {
    length: |bytes| match bytes {
        [] | [0x30] => Length::Needs(2),
        // A security layer's length (RFC 4422, section 3.7).
        [0, a, b, c, ..] => Length::Is(4 + u32::from_be_bytes([0, *a, *b, *c]) as usize),
        [0, ..] => Length::Needs(4),
        [0x30, length @ ..=0x7f, ..] => Length::Is(2 + usize::from(*length)),
        [0x30, size @ 0x81..=0x84, rest @ ..] => match rest.get(..usize::from(size & 0x7f)) {
            Some(digits) => {
                let length = digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                Length::Is(2 + digits.len() + length)
            }
            None => Length::Needs(2 + usize::from(size & 0x7f)),
        },
        _ => Length::Bad,
    },
    most: 64 << 10,
    begins: |bytes| {
        let body = match bytes {
            [0x30, ..=0x7f, body @ ..]
            | [0x30, 0x81, _, body @ ..]
            | [0x30, 0x82, _, _, body @ ..]
            | [0x30, 0x84, _, _, _, _, body @ ..] => body,
            _ => return false,
        };
        matches!(body, [2, 1, _, 0x40..=0x7f, ..] | [2, 2, _, _, 0x40..=0x7f, ..] | [2, 3, _, _, _, 0x40..=0x7f, ..])
    },
    begins_in: 12,
};

/// Reads a flow.
#[derive(Debug, Default)]
struct Ldap {
    framing: [Framing; 2],
    messages: Messages,
}

#[derive(Debug, Default)]
struct Messages {
    live: Live<Transaction>,
    events: EventSet,
    /// The client binds by SASL: a security layer may follow.
    sasl: bool,
}

/// A request and what answers it.
#[derive(Debug, Default)]
struct Transaction {
    request: Option<Message>,
    responses: Vec<Message>,
    complete: bool,
    events: EventSet,
}

impl Messages {
    fn odd(&mut self, event: u8) {
        match self.live.last_mut() {
            Some(transaction) => transaction.events.add(event),
            None => self.events.add(event),
        }
    }

    /// Takes a message. Tells whether TLS begins behind it.
    fn take(&mut self, side: Side, bytes: &[u8], whole: bool, cx: &Context<'_>) -> bool {
        let Some(message) = Message::read(bytes, whole) else {
            self.odd(event::INVALID_DATA);
            return false;
        };
        if side == Side::ToServer {
            self.sasl |= matches!(message.detail, Detail::Bind { sasl: Some(_), .. });
            // Nobody answers these (sections 4.3 and 4.11).
            let complete = matches!(message.operation, operation::UNBIND_REQUEST | operation::ABANDON_REQUEST);
            self.push(Transaction { request: Some(message), complete, ..Transaction::default() }, cx);
            return false;
        }
        let is_last = !matches!(
            message.operation,
            operation::SEARCH_RESULT_ENTRY | operation::SEARCH_RESULT_REFERENCE | operation::INTERMEDIATE_RESPONSE
        );
        let open = |transaction: &&mut Transaction| {
            let open = !transaction.complete || transaction.responses.len() >= MOST_RESPONSES;
            open && transaction.request.as_ref().is_some_and(|asked| asked.id == message.id)
        };
        let Some(transaction) = self.live.iter_mut().rev().find(open) else {
            let mut events = EventSet::NONE;
            // A notice of disconnection answers nothing (section 4.4).
            if message.id != 0 || message.operation != operation::EXTENDED_RESPONSE {
                events.add(event::REQUEST_NOT_FOUND);
            }
            self.push(Transaction { request: None, responses: vec![message], complete: true, events }, cx);
            return false;
        };
        let secure = transaction.starts_tls(&message);
        if transaction.responses.len() >= MOST_RESPONSES {
            transaction.events.add(event::TOO_MANY_RESPONSES);
            transaction.complete = true;
        } else {
            transaction.responses.push(message);
            transaction.complete = is_last;
        }
        secure
    }

    /// Takes what a security layer holds: messages in Kerberos' tokens that are not sealed (RFC 4121, section 4.2.6.2).
    fn wrapped(&mut self, side: Side, token: &[u8], cx: &Context<'_>) {
        if !self.sasl {
            return self.odd(event::INVALID_DATA);
        }
        let [5, 4, flags, 0xff, e, c, r, r2, _, _, _, _, _, _, _, _, rest @ ..] = token else { return };
        let (checksum, rotation) = (u16::from_be_bytes([*e, *c]), u16::from_be_bytes([*r, *r2]));
        // Rotated by its length the checksum comes first; any other rotation nobody uses.
        if flags & 2 != 0 || checksum != rotation {
            return;
        }
        let mut rest = rest.get(usize::from(checksum)..).unwrap_or_default();
        while let Length::Is(length) = (FRAMING.length)(rest)
            && let Some((message, after)) = rest.split_at_checked(length)
            && message.first() == Some(&0x30)
        {
            self.take(side, message, true, cx);
            rest = after;
        }
    }

    /// Adds a transaction; of too many the oldest is complete as it is.
    fn push(&mut self, mut transaction: Transaction, cx: &Context<'_>) {
        let most = cx.settings.transactions.max(1);
        if self.live.len() >= most {
            transaction.events.add(event::TOO_MANY_TRANSACTIONS);
            if let Some(oldest) = self.live.iter_mut().find(|transaction| !transaction.complete) {
                oldest.complete = true;
            }
            // Nobody has read them.
            if self.live.len() >= 2 * most {
                self.live.remove(self.live.ids().start);
            }
        }
        self.live.push(transaction);
    }
}

impl Parser for Ldap {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let Ldap { framing: [client, server], messages } = self;
        if cx.transport == Transport::Udp {
            messages.take(side, bytes, true, cx);
            return Parsed::More;
        }
        let framing = if side == Side::ToServer { client } else { server };
        let mut secure = false;
        let fine = framing.feed(bytes, &FRAMING, &mut |piece| {
            secure |= match piece {
                Piece::Whole([0, _, _, _, token @ ..]) => {
                    messages.wrapped(side, token, cx);
                    false
                }
                // A sealed one, or one that is too long.
                Piece::Head([0, ..], _) => false,
                Piece::Whole(message) => messages.take(side, message, true, cx),
                Piece::Head(head, _) => messages.take(side, head, false, cx),
                Piece::Rest(..) | Piece::Missing(..) => false,
            };
            !secure
        });
        if secure {
            cx.next = Some(Next::Is(AppProto::Tls));
            return Parsed::Enough;
        }
        if fine {
            return Parsed::More;
        }
        messages.odd(event::INVALID_DATA);
        Parsed::Failed
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let [client, server] = &mut self.framing;
        let framing = if side == Side::ToServer { client } else { server };
        framing.gap(len, &mut |_| true);
        Parsed::More
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.messages.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn parser::Transaction> {
        self.messages.live.get(id).map(|transaction| transaction as _)
    }

    fn release(&mut self, id: u64) {
        self.messages.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.messages.events
    }

    fn bytes(&self) -> usize {
        let messages = self.messages.live.iter().map(|transaction| {
            let messages = transaction.request.iter().chain(&transaction.responses);
            size_of::<Transaction>() + messages.map(Message::bytes).sum::<usize>()
        });
        messages.sum::<usize>() + self.framing.iter().map(Framing::bytes).sum::<usize>()
    }
}

impl Transaction {
    /// Whether an answer lets TLS begin.
    fn starts_tls(&self, answer: &Message) -> bool {
        let asked = self.request.as_ref().map(|request| &request.detail);
        let fine = matches!(&answer.detail, Detail::Result(outcome) if outcome.code == 0);
        fine && matches!(asked, Some(Detail::Extended { name: Some(name), .. }) if **name == *START_TLS)
    }

    /// The texts of all answers, in order.
    fn answered<'a>(&'a self, index: usize, text: impl Fn(&'a Message) -> Option<&'a [u8]> + 'a) -> Option<&'a [u8]> {
        self.responses.iter().filter_map(text).nth(index)
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        match side {
            Side::ToServer => 1,
            Side::ToClient => self.complete.into(),
        }
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        match (buffer, side) {
            (Buffer::LdapRequestDn, Side::ToServer) if index == 0 => self.request.as_ref()?.name(),
            (Buffer::LdapRequestAttributeType, Side::ToServer) => self.request.as_ref()?.attribute(index),
            (Buffer::LdapResponsesDn, Side::ToClient) => self.answered(index, Message::name),
            (Buffer::LdapResponsesMessage, Side::ToClient) => self.answered(index, |message| match &message.detail {
                Detail::Result(outcome) => Some(&outcome.message),
                _ => None,
            }),
            (Buffer::LdapResponsesAttributeType, Side::ToClient) => {
                let mut names = self.responses.iter().flat_map(|response| (0..).map_while(|at| response.attribute(at)));
                names.nth(index)
            }
            _ => None,
        }
    }

    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        match (field, side) {
            (Field::LdapRequestOperation, Side::ToServer) if index == 0 => {
                self.request.as_ref().map(|request| request.operation.into())
            }
            (Field::LdapResponsesOperation, Side::ToClient) => {
                self.responses.get(index).map(|response| response.operation.into())
            }
            (Field::LdapResponsesCount, Side::ToClient) if index == 0 => i64::try_from(self.responses.len()).ok(),
            (Field::LdapResponsesResultCode, Side::ToClient) => {
                let mut codes = self.responses.iter().filter_map(|response| match &response.detail {
                    Detail::Result(outcome) => Some(outcome.code.into()),
                    _ => None,
                });
                codes.nth(index)
            }
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        eve::write(self, object);
    }
}
