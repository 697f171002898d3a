//! BitTorrent's distributed hash table (BEP 5, BEP 32). Each message is a transaction.

mod bencode;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::datagrams::{self, Datagrams};
use super::parser::{self, EventSet, Protocol};
use super::{AppProto, Side};
use crate::json::Object;
use crate::rules::Buffer;
use bencode::Item;

/// The distributed table.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::BittorrentDht,
    parser: |_| Box::new(Datagrams::<Message>::default()),
    events: &["malformed_packet"],
    ready: datagrams::ready,
    complete: [1, 1],
    eve: Some("bittorrent_dht"),
};

/// Place of `malformed_packet` in [`Protocol::events`].
const MALFORMED_PACKET: u8 = 0;

/// Nodes and peers of a message that are kept: a table's bucket holds eight, and datagrams a few hundred.
const MOST_PEERS: usize = 128;

/// A question, an answer or an error.
#[derive(Debug, Default)]
pub struct Message {
    side: Option<Side>,
    id: Vec<u8>,
    version: Option<Vec<u8>>,
    kind: Option<Vec<u8>>,
    /// Members of the question or the answer, as they are named there.
    fields: Vec<(&'static str, Vec<u8>)>,
    numbers: Vec<(&'static str, i64)>,
    /// Nodes, of IPv6 in the second list.
    nodes: [Vec<Node>; 2],
    values: Vec<(IpAddr, u16)>,
    error: Option<(i64, Vec<u8>)>,
    answer: bool,
    events: EventSet,
}

/// A node's id and where it is.
type Node = ([u8; 20], IpAddr, u16);

impl datagrams::Message for Message {
    type Flow = ();

    fn read(bytes: &[u8], side: Side, (): &mut ()) -> Result<Message, u8> {
        let message = Message::parse(bytes).ok_or(MALFORMED_PACKET)?;
        Ok(Message { side: Some(side), ..message })
    }

    fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(_, bytes)| 40 + bytes.len()).sum();
        let nodes = self.nodes.iter().map(Vec::len).sum::<usize>() * size_of::<Node>();
        let texts = [&self.version, &self.kind].into_iter().flatten().map(Vec::len).sum::<usize>();
        self.id.len() + texts + fields + nodes + 32 * self.values.len()
    }
}

impl Message {
    fn parse(bytes: &[u8]) -> Option<Message> {
        let mut message = Message::default();
        let (mut kind, mut known, mut id) = (None, false, None);
        bencode::members(bytes, |key, item| {
            match (key, item) {
                (b"t", Item::Text(text)) => id = Some(text.to_vec()),
                (b"v", Item::Text(text)) => message.version = Some(text.to_vec()),
                (b"q", Item::Text(text)) => message.kind = Some(text.to_vec()),
                (b"y", Item::Text(text)) => kind = Some(text.to_vec()),
                (b"a", Item::Dictionary(body)) => {
                    known = true;
                    message.arguments(body)?;
                }
                (b"r", Item::Dictionary(body)) => {
                    (known, message.answer) = (true, true);
                    message.answers(body)?;
                }
                (b"e", Item::List(body)) => {
                    known = true;
                    let mut error = (0, Vec::new());
                    bencode::elements(body, |item| {
                        match item {
                            Item::Number(number) => error.0 = number,
                            Item::Text(text) => error.1 = text.to_vec(),
                            Item::List(_) | Item::Dictionary(_) => return None,
                        }
                        Some(())
                    })?;
                    message.error = Some(error);
                }
                _ => {}
            }
            Some(())
        })?;
        message.id = id?;
        // A question names what it asks.
        let named = kind? != b"q" || message.kind.is_some();
        (known && named).then_some(message)
    }

    fn arguments(&mut self, body: &[u8]) -> Option<()> {
        bencode::members(body, |key, item| {
            match (key, item) {
                (b"id", Item::Text(text)) => self.fields.push(("id", text.to_vec())),
                (b"target", Item::Text(text)) => self.fields.push(("target", text.to_vec())),
                (b"info_hash", Item::Text(text)) => self.fields.push(("info_hash", text.to_vec())),
                (b"token", Item::Text(text)) => self.fields.push(("token", text.to_vec())),
                (b"implied_port", Item::Number(number)) => self.numbers.push(("implied_port", number)),
                (b"port", Item::Number(number)) => self.numbers.push(("port", number)),
                _ => {}
            }
            (self.fields.len() + self.numbers.len() <= MOST_FIELDS).then_some(())
        })
    }

    fn answers(&mut self, body: &[u8]) -> Option<()> {
        bencode::members(body, |key, item| {
            match (key, item) {
                (b"id", Item::Text(text)) => self.fields.push(("id", text.to_vec())),
                (b"token", Item::Text(text)) => self.fields.push(("token", text.to_vec())),
                (b"nodes", Item::Text(text)) => self.nodes[0] = nodes(text, 26),
                (b"nodes6", Item::Text(text)) => self.nodes[1] = nodes(text, 38),
                (b"values", Item::List(list)) => bencode::elements(list, |item| {
                    if let Item::Text(text) = item
                        && self.values.len() < MOST_PEERS
                    {
                        self.values.extend(place(text));
                    }
                    Some(())
                })?,
                _ => {}
            }
            (self.fields.len() <= MOST_FIELDS).then_some(())
        })
    }

    fn peer(object: &mut Object<'_>, (address, port): (IpAddr, u16)) {
        object.display("ip", address).number("port", port);
    }
}

/// Members of a question or an answer; BEP 5 knows at most six.
const MOST_FIELDS: usize = 16;

/// Compact node info: an id, then where it is.
fn nodes(text: &[u8], size: usize) -> Vec<Node> {
    let node = |bytes: &[u8]| {
        let (id, rest) = bytes.split_first_chunk()?;
        let (address, port) = place(rest)?;
        Some((*id, address, port))
    };
    text.chunks_exact(size).take(MOST_PEERS).filter_map(node).collect()
}

/// An address and a port.
fn place(bytes: &[u8]) -> Option<(IpAddr, u16)> {
    let (address, port) = bytes.split_last_chunk::<2>()?;
    let address = match address.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?)),
        _ => return None,
    };
    Some((address, u16::from_be_bytes(*port)))
}

impl parser::Transaction for Message {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        self.side
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.hex("transaction_id", &self.id);
        if let Some(version) = &self.version {
            object.hex("client_version", version);
        }
        object.text_if("request_type", self.kind.as_ref());
        if let Some((number, text)) = &self.error {
            object.object("error", |object| _ = object.number("num", *number).text("msg", text));
        }
        if self.fields.is_empty() && self.numbers.is_empty() {
            return;
        }
        object.object(if self.answer { "response" } else { "request" }, |object| {
            let mut seen = Vec::new();
            for (key, bytes) in &self.fields {
                if !seen.contains(key) {
                    object.hex(key, bytes);
                    seen.push(*key);
                }
            }
            for (key, number) in &self.numbers {
                if !seen.contains(key) {
                    object.number(key, *number);
                    seen.push(*key);
                }
            }
            for (key, nodes) in ["nodes", "nodes6"].into_iter().zip(&self.nodes).filter(|(_, list)| !list.is_empty()) {
                object.array(key, |array| {
                    for (id, address, port) in nodes {
                        array.object(|object| Self::peer(object.hex("id", id), (*address, *port)));
                    }
                });
            }
            if !self.values.is_empty() {
                object.array("values", |array| {
                    self.values.iter().for_each(|peer| _ = array.object(|object| Self::peer(object, *peer)));
                });
            }
        });
    }
}
