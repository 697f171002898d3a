//! Kerberos 5 (RFC 4120) over TCP and in datagrams. Each message is a transaction of its own side, as in Suricata 8.

#![expect(clippy::wildcard_enum_match_arm, reason = "most buffers and numbers are of other protocols")]

mod message;
mod names;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::frames::{Framing, Length, Piece, Rules};
use super::parser::{self, Context, EventSet, Live, Parsed, Parser, Protocol};
use super::{AppProto, Side, Transport};
use crate::json::Object;
use crate::rules::ast::{Body, WordField};
use crate::rules::{Buffer, Field};
use message::{Message, kind};

/// Kerberos 5.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Krb5,
    parser: |_| Box::new(Krb5::default()),
    events: &["malformed_data", "weak_encryption"],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("krb5"),
};

/// Places in [`Protocol::events`].
mod event {
    pub(super) const MALFORMED_DATA: u8 = 0;
    pub(super) const WEAK_ENCRYPTION: u8 = 1;
}

/// Messages behind their length (RFC 4120, section 7.2.2).
const FRAMING: Rules = Rules {
    length: |bytes| match bytes.first_chunk::<4>() {
        None => Length::Needs(4),
        // The highest bit is kept for extensions.
        Some([0x80..=0xff, ..]) => Length::Bad,
        Some(length) => Length::Is(4 + u32::from_be_bytes(*length) as usize),
    },
    most: 64 << 10,
    begins: |bytes| matches!(bytes, [0, _, _, _, 0x6a..=0x6f | 0x74..=0x76 | 0x7e, ..]),
    begins_in: 5,
};

/// Reads a flow.
#[derive(Debug, Default)]
struct Krb5 {
    framing: [Framing; 2],
    messages: Messages,
}

#[derive(Debug, Default)]
struct Messages {
    live: Live<Transaction>,
    events: EventSet,
    /// The request that was not answered.
    asked: Option<u8>,
}

/// A message.
#[derive(Debug)]
struct Transaction {
    side: Side,
    message: Message,
    /// What an error is the answer to.
    asked: Option<u8>,
    events: EventSet,
}

impl Messages {
    /// Takes a message without its length.
    fn take(&mut self, side: Side, bytes: &[u8], cx: &Context<'_>) {
        let mut events = EventSet::NONE;
        let message = match Message::read(bytes) {
            Some(message) if message.is_told() => message,
            // Those in which applications speak are no transactions.
            Some(message) => {
                self.asked = (message.kind == kind::AP_REQ).then_some(message.kind);
                return;
            }
            None => {
                events.add(event::MALFORMED_DATA);
                match self.live.last_mut() {
                    Some(last) => last.events.add(event::MALFORMED_DATA),
                    None => self.events.add(event::MALFORMED_DATA),
                }
                return;
            }
        };
        if message.encryption.is_some_and(names::is_weak) {
            events.add(event::WEAK_ENCRYPTION);
        }
        let asked = self.asked.take();
        if matches!(message.kind, kind::AS_REQ | kind::TGS_REQ) {
            self.asked = Some(message.kind);
        }
        if self.live.len() >= cx.settings.transactions.max(1) {
            self.live.remove(self.live.ids().start);
        }
        self.live.push(Transaction { side, message, asked, events });
    }
}

impl Parser for Krb5 {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let Krb5 { framing: [client, server], messages } = self;
        if cx.transport == Transport::Udp {
            messages.take(side, bytes, cx);
            return Parsed::More;
        }
        let framing = if side == Side::ToServer { client } else { server };
        let fine = framing.feed(bytes, &FRAMING, &mut |piece| {
            if let Piece::Whole(record) = piece
                && let Some(message) = record.get(4..)
            {
                messages.take(side, message, cx);
            }
            true
        });
        if fine {
            return Parsed::More;
        }
        messages.events.add(event::MALFORMED_DATA);
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
        let messages = self.messages.live.iter().map(|it| size_of::<Transaction>() + it.message.bytes());
        messages.sum::<usize>() + self.framing.iter().map(Framing::bytes).sum::<usize>()
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let name = match buffer {
            Buffer::Krb5Cname if side == self.side => self.message.client.as_ref()?,
            Buffer::Krb5Sname if side == self.side => self.message.service.as_ref()?,
            _ => return None,
        };
        name.get(index).map(Vec::as_slice)
    }

    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        match field {
            _ if index > 0 || side != self.side => None,
            Field::Krb5MsgType => Some(self.message.kind.into()),
            Field::Krb5ErrCode => self.message.error.map(i64::from),
            _ => None,
        }
    }

    fn holds(&self, test: &Body, side: Side) -> bool {
        let Body::Words(words) = test else { return false };
        let Some(number) = self.message.ticket_encryption else { return false };
        if words.field != WordField::Krb5TicketEncryption || side != self.side {
            return false;
        }
        let is = |word: &str| match word {
            "weak" => names::is_weak(number),
            _ => names::encryption(number) == Some(word) || word.parse() == Ok(number),
        };
        let (mut any, mut asked) = (false, false);
        for (negated, word) in &words.words {
            match (negated, is(word)) {
                (true, true) => return false,
                (true, false) => {}
                (false, held) => (any, asked) = (any || held, true),
            }
        }
        any || !asked
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        let message = &self.message;
        object.text("msg_type", names::message(message.kind));
        if let Some(error) = message.error {
            match self.asked {
                Some(asked) => object.text("failed_request", names::message(asked)),
                None => object.text("failed_request", "UNKNOWN"),
            };
            match names::error(error) {
                Some(name) => object.text("error_code", name),
                None => object.display("error_code", error),
            };
        }
        object.text("cname", joined(message.client.as_deref()));
        object.text("realm", message.realm.as_deref().unwrap_or(b"<empty>"));
        object.text("sname", joined(message.service.as_deref()));
        match message.encryption {
            Some(number) => encryption(object, "encryption", number),
            None => _ = object.text("encryption", "<none>"),
        }
        object.boolean("weak_encryption", message.encryption.is_some_and(names::is_weak));
        if let Some(number) = message.ticket_encryption {
            encryption(object, "ticket_encryption", number);
            object.boolean("ticket_weak_encryption", names::is_weak(number));
        }
    }
}

fn encryption(object: &mut Object<'_>, key: &str, number: i32) {
    match names::encryption(number) {
        Some(name) => object.text(key, name),
        None => object.display(key, number),
    };
}

/// A name's parts as they are written.
fn joined(name: Option<&[Vec<u8>]>) -> Vec<u8> {
    name.map_or_else(|| b"<empty>".to_vec(), |parts| parts.join(&b'/'))
}
