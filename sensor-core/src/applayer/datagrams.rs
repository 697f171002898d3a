//! Protocols of datagrams in which each message is a transaction by itself: what their parsers have in common.

use std::fmt::Debug;
use std::ops::Range;

use super::Side;
use super::parser::{self, Context, EventSet, Live, Parsed, Parser};
use crate::rules::Buffer;

/// A message that is a transaction.
pub(super) trait Message: parser::Transaction + Send + Sized + 'static {
    /// What has to be known of the messages before.
    type Flow: Debug + Default + Send;

    /// Reads a datagram; the event of one that cannot be read.
    fn read(bytes: &[u8], side: Side, flow: &mut Self::Flow) -> Result<Self, u8>;

    /// Something else was odd.
    fn odd(&mut self, event: u8);

    /// Bytes on the heap, about.
    fn bytes(&self) -> usize;
}

/// Reads a flow of messages.
#[derive(Debug)]
pub(super) struct Datagrams<M: Message> {
    live: Live<M>,
    flow: M::Flow,
    events: EventSet,
}

impl<M: Message> Default for Datagrams<M> {
    fn default() -> Self {
        Datagrams { live: Live::default(), flow: M::Flow::default(), events: EventSet::NONE }
    }
}

/// A message is complete as soon as it is there.
pub(super) fn ready(_: Buffer, _: Side) -> u8 {
    1
}

impl<M: Message> Parser for Datagrams<M> {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        match M::read(bytes, side, &mut self.flow) {
            Ok(message) => {
                if self.live.len() >= cx.settings.transactions.max(1) {
                    self.live.remove(self.live.ids().start);
                }
                self.live.push(message);
            }
            // What cannot be read is passed over, so that junk hides nothing.
            Err(event) => match self.live.last_mut() {
                Some(last) => last.odd(event),
                None => self.events.add(event),
            },
        }
        Parsed::More
    }

    fn gap(&mut self, _: Side, _: u64, _: &mut Context<'_>) -> Parsed {
        Parsed::More
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn parser::Transaction> {
        self.live.get(id).map(|message| message as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn bytes(&self) -> usize {
        self.live.iter().map(|message| size_of::<M>() + message.bytes()).sum()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::applayer::Transport;
    use crate::applayer::parser::{Protocol, Settings};
    use crate::json::Object;
    use serde_json::Value;

    /// What a parser makes of datagrams, four transactions at most.
    pub fn feed(protocol: &Protocol, datagrams: &[(Side, &[u8])]) -> Box<dyn Parser> {
        let settings = Settings { transactions: 4, ..Settings::default() };
        let mut parser = (protocol.parser)(&settings);
        let mut cx = Context {
            time: 0,
            transport: Transport::Udp,
            ports: (40000, 40001),
            settings: &settings,
            next: None,
            announced: None,
        };
        for (side, datagram) in datagrams {
            assert_eq!(parser.data(*side, datagram, &mut cx), Parsed::More);
        }
        parser
    }

    /// EVE objects of all transactions.
    pub fn told(parser: &dyn Parser) -> Vec<Value> {
        let transactions = parser.ids().filter_map(|id| parser.transaction(id));
        let lines = transactions.map(|transaction| {
            let mut line = Vec::new();
            Object::write(&mut line, |object| transaction.eve(object));
            serde_json::from_slice(&line).unwrap_or_else(|error| panic!("{error}: {}", line.escape_ascii()))
        });
        lines.collect()
    }

    /// A buffer of a transaction.
    pub fn buffer(parser: &dyn Parser, id: u64, buffer: Buffer, side: Side, index: usize) -> Option<Vec<u8>> {
        let mut scratch = Vec::new();
        parser.transaction(id)?.buffer(buffer, side, index, &mut scratch).map(<[u8]>::to_vec)
    }

    /// Cuts a datagram everywhere and changes each of its bytes: nothing panics, and no more is kept than there was.
    pub fn torture(protocol: &Protocol, datagram: &[u8]) {
        let mut bytes = datagram.to_vec();
        for side in [Side::ToServer, Side::ToClient] {
            for cut in 0..datagram.len() {
                told(feed(protocol, &[(side, &datagram[..cut])]).as_ref());
            }
            for at in 0..bytes.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let before = std::mem::replace(&mut bytes[at], value);
                    let parser = feed(protocol, &[(side, &bytes)]);
                    told(parser.as_ref());
                    assert!(parser.bytes() <= 8192 + 64 * datagram.len());
                    bytes[at] = before;
                }
            }
        }
        let parser = feed(protocol, &[(Side::ToServer, datagram); 9]);
        assert_eq!(parser.ids(), 5..9);
    }
}
