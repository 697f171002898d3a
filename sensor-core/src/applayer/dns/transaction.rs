//! A message as rules see it.

use super::message::{Data, Message, Name};
use super::{Kind, event};
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::json::Object;
use crate::rules::{Buffer, Field};

/// A query or a response.
#[derive(Debug)]
pub struct Transaction {
    pub(super) kind: Kind,
    pub(super) id: u64,
    pub(super) side: Side,
    pub(super) message: Message,
    events: EventSet,
}

impl Transaction {
    pub(super) fn new(kind: Kind, id: u64, side: Side, message: Message) -> Transaction {
        let odd = message.odd;
        let mut events = EventSet::NONE;
        let told = [
            (message.flags & 0x0040 != 0, event::Z_FLAG_SET),
            (message.opcode() >= 7, event::INVALID_OPCODE),
            (odd.long, event::NAME_TOO_LONG),
            (odd.looped, event::INFINITE_LOOP),
            (odd.labels, event::TOO_MANY_LABELS),
            (odd.authorities, event::INVALID_AUTHORITIES),
            (odd.additionals, event::INVALID_ADDITIONALS),
        ];
        for (_, event) in told.iter().filter(|(is, _)| *is) {
            events.add(*event);
        }
        Transaction { kind, id, side, message, events }
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    /// The names of a response in order: of questions, records and the names that records give.
    fn response_name(&self, index: usize) -> Option<&Name> {
        let message = Some(&self.message).filter(|message| message.is_response())?;
        let queries = message.queries.iter().map(|query| &query.name);
        let records = message.records().flat_map(|record| std::iter::once(&record.name).chain(record.data.names()));
        queries.chain(records).nth(index)
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if side != self.side {
            return None;
        }
        use Buffer::*;
        let message = &self.message;
        let name = match buffer {
            DnsQuery if message.is_response() => return None,
            DnsQuery | DnsQueryName | DnsQueriesRrname | MdnsQueriesRrname | LlmnrQueriesRrname => {
                &message.queries.get(index)?.name
            }
            DnsAnswerName | DnsAnswersRrname | MdnsAnswersRrname | LlmnrAnswersRrname => {
                &message.answers.get(index)?.name
            }
            DnsAuthoritiesRrname | MdnsAuthoritiesRrname | LlmnrAuthoritiesRrname => {
                &message.authorities.get(index)?.name
            }
            DnsAdditionalsRrname | MdnsAdditionalsRrname | LlmnrAdditionalsRrname => {
                &message.additionals.get(index)?.name
            }
            DnsResponseRrname | MdnsResponseRrname | LlmnrResponseRrname => self.response_name(index)?,
            _ => return None,
        };
        Some(&name.text)
    }

    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        if side != self.side {
            return None;
        }
        match (field, index) {
            (Field::DnsOpcode, 0) => Some(self.message.opcode().into()),
            (Field::DnsRcode, 0) => Some(self.message.rcode().into()),
            (Field::DnsRrtype, _) if self.message.is_response() => {
                self.message.answers.get(index).map(|record| record.kind.into())
            }
            (Field::DnsRrtype, _) => self.message.queries.get(index).map(|query| query.kind.into()),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        super::eve::write(self, object);
    }
}

/// Text of a record that Suricata shows once for each string of it.
pub(super) fn texts(data: &Data) -> &[Box<[u8]>] {
    if let Data::Text(texts) = data { texts } else { &[] }
}
