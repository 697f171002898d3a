//! Discovery: which hosts there are, what they are called, what they run and offer.
//!
//! [`Discovery`] is the way in. It takes plain values from the engine, at these moments:
//!
//! - each SYN and SYN-ACK: [`Discovery::syn`]; the ACK that ends a handshake: [`Discovery::established`];
//! - the ordered first bytes of each direction of a TCP connection, while it asks for more: [`Discovery::stream`]. Each
//!   call reads the prefix from its start, so the caller stops after some 64 calls a direction: nobody honest needs more;
//! - UDP payloads: [`Discovery::datagram`]. The first eight or so of a flow's direction are enough, but for ports 53,
//!   67, 137, 5353 and 5355, where each message may name somebody;
//! - ARP and neighbour discovery: [`Discovery::hardware`].
//!
//! Nothing else of a flow costs anything. Events come out of [`Assets::take_events`], names out of [`Names`].
#![warn(clippy::indexing_slicing)]

pub mod assets;
pub mod change;
pub mod datagram;
pub mod extract;
pub mod fact;
pub mod host;
pub mod maker;
pub mod names;
pub mod os;
pub mod read;
mod recent;
mod record;

use std::net::IpAddr;

pub use assets::{AssetLimits, AssetStats, Assets};
pub use change::{Change, Event};
pub use fact::{Evidence, Fact, NameSource, Product, Whose};
pub use host::{Host, HostKey};
pub use names::{Name, NameLimits, NameStats, Names};
pub use record::product_record;

use os::{Origin, Signatures, Syn};
use recent::Recent;

/// Who sent a packet to whom, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// Outer VLAN id, 0 for none.
    pub vlan: u16,
    /// Sender.
    pub source: IpAddr,
    /// Sender's port.
    pub source_port: u16,
    /// Receiver.
    pub destination: IpAddr,
    /// Receiver's port.
    pub destination_port: u16,
    /// The frame's source address, where the sender is on this link: the TTL was not lowered.
    pub mac: Option<[u8; 6]>,
    /// The sender was seen in the same flow and direction before: nothing about it but what the payload tells is new.
    pub again: bool,
}

/// Bounds of [`Discovery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoverLimits {
    /// Of the hosts.
    pub assets: AssetLimits,
    /// Of the names.
    pub names: NameLimits,
    /// QUIC connections whose ClientHello is not whole yet, some KiB each; the oldest gives way (`flights_evicted`).
    pub flights: usize,
}

impl Default for DiscoverLimits {
    fn default() -> Self {
        DiscoverLimits { assets: AssetLimits::default(), names: NameLimits::default(), flights: 1024 }
    }
}

/// Everything known of the hosts on the wire.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The hosts.
    pub assets: Assets,
    /// Their names.
    pub names: Names,
    signatures: Signatures,
    flights: Recent<(IpAddr, u16, IpAddr, u16), extract::quic::Initial>,
    most_flights: usize,
    flights_evicted: u64,
}

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Discovery {
    /// Nothing known yet.
    pub fn new(limits: DiscoverLimits) -> Self {
        Discovery {
            assets: Assets::new(limits.assets),
            names: Names::new(limits.names),
            signatures: Signatures::new(),
            flights: Recent::new(),
            most_flights: limits.flights,
            flights_evicted: 0,
        }
    }

    /// QUIC connections given up because others began.
    pub fn flights_evicted(&self) -> u64 {
        self.flights_evicted
    }

    /// A SYN or a SYN-ACK. `asked`: it is a SYN-ACK that acknowledges a SYN that was seen; only then it shows a
    /// service, others may be backscatter of a flood with spoofed addresses.
    pub fn syn(&mut self, seen: &Seen, syn: &Syn<'_>, asked: bool) {
        if syn.answer && asked {
            self.exchanged(seen);
            self.assets.service(seen.time, seen.sender(), seen.source_port, TCP, Product::default());
        } else {
            self.sent(seen);
        }
        match self.signatures.look_up(syn) {
            Some(Origin::System(system)) => {
                let evidence = if syn.answer { Evidence::SynAck } else { Evidence::Syn };
                self.assets.system(seen.time, seen.sender(), system, evidence);
            }
            Some(Origin::Scanner(scanner)) => {
                let product = Product { product: Some(scanner.name().to_owned()), ..Product::default() };
                self.assets.client(seen.time, seen.sender(), product);
            }
            None => {}
        }
    }

    /// The client's ACK that ends a TCP handshake, or the answer to an echo request: the address was not spoofed.
    pub fn established(&mut self, seen: &Seen) {
        self.exchanged(seen);
    }

    /// The first bytes that one side of a TCP connection sent, in order from its first; true asks for a longer prefix
    /// (up to [`read::MAX_PREFIX`]). `from_server` tells which side it is.
    pub fn stream(&mut self, seen: &Seen, from_server: bool, prefix: &[u8]) -> bool {
        let port = if from_server { seen.source_port } else { seen.destination_port };
        let reading = read::stream(prefix, from_server, port);
        if !prefix.is_empty() && !seen.again {
            self.exchanged(seen);
            if from_server {
                self.assets.service(seen.time, seen.sender(), seen.source_port, TCP, Product::default());
            }
        }
        self.learn(seen, TCP, reading.facts);
        reading.more
    }

    /// A UDP payload. `from_server`: the receiver has sent to the sender before, in the flow that it began.
    pub fn datagram(&mut self, seen: &Seen, from_server: bool, payload: &[u8]) {
        match (seen.again, from_server) {
            (true, _) => {}
            (false, true) => self.exchanged(seen),
            (false, false) => self.sent(seen),
        }
        let mut facts = datagram::read(payload, from_server, seen.source, (seen.source_port, seen.destination_port));
        if facts.is_empty() {
            facts = self.quic(seen, from_server, payload);
        }
        // An answer shows a service though its protocol is not known, if its port is a server's.
        if facts.is_empty()
            && from_server
            && !seen.again
            && seen.source_port < seen.destination_port
            && seen.source_port < 32_768
        {
            facts.push(Fact::Service(Product::default()));
        }
        self.learn(seen, UDP, facts);
    }

    /// The protocol of a flow whose server has answered, told by the content of both sides: of services that told
    /// nothing else of themselves it is what is known.
    pub fn protocol(&mut self, time: i64, server: HostKey, port: u16, proto: u8, protocol: &'static str) {
        self.assets.service(time, server, port, proto, Product::of(protocol));
    }

    /// An address and its hardware address, as ARP or neighbour discovery tell them.
    pub fn hardware(&mut self, time: i64, vlan: u16, address: IpAddr, mac: [u8; 6]) {
        let key = HostKey { address, vlan };
        self.assets.sent(time, key);
        self.assets.mac(time, key, mac);
        self.assets.exchanged(time, key);
    }

    /// QUIC by its long headers: a client's hello once it is whole, a server by its answer.
    fn quic(&mut self, seen: &Seen, from_server: bool, payload: &[u8]) -> Vec<Fact> {
        let known = extract::quic::LongHeader::parse(payload).is_some_and(|header| header.is_known());
        if from_server {
            return if known { vec![Fact::Service(Product::of("quic"))] } else { Vec::new() };
        }
        if !known || self.most_flights == 0 {
            return Vec::new();
        }
        let key = (seen.source, seen.source_port, seen.destination, seen.destination_port);
        if self.flights.touch(&key).is_none() {
            self.flights.insert(key, extract::quic::Initial::default());
            if self.flights.len() > self.most_flights && self.flights.pop_oldest().is_some() {
                self.flights_evicted += 1;
            }
        }
        let Some(hello) = self.flights.touch(&key).and_then(|flight| flight.datagram(payload)) else {
            return Vec::new();
        };
        self.flights.remove(&key);
        read::tls_hello(hello, "quic")
    }

    fn sent(&mut self, seen: &Seen) {
        self.assets.sent(seen.time, seen.sender());
        if let Some(mac) = seen.mac {
            self.assets.mac(seen.time, seen.sender(), mac);
        }
    }

    fn exchanged(&mut self, seen: &Seen) {
        // First its hardware address, so that a new host is told with it.
        if seen.mac.is_some() {
            self.sent(seen);
        }
        self.assets.exchanged(seen.time, seen.sender());
    }

    fn learn(&mut self, seen: &Seen, proto: u8, facts: Vec<Fact>) {
        for fact in facts {
            match fact {
                Fact::Service(product) => {
                    self.assets.service(seen.time, seen.sender(), seen.source_port, proto, product);
                }
                Fact::Client(product) => self.assets.client(seen.time, seen.sender(), product),
                Fact::System { system, evidence } => self.assets.system(seen.time, seen.sender(), system, evidence),
                Fact::Hardware { address, mac } => self.hardware(seen.time, seen.vlan, address, mac),
                Fact::Name { whose, name, source, ttl } => {
                    let address = match whose {
                        Whose::Sender => seen.source,
                        Whose::Receiver => seen.destination,
                        Whose::Address(address) => address,
                    };
                    let new = self.names.learn(seen.time, address, &name, source, ttl);
                    if new {
                        self.assets.named(seen.time, HostKey { address, vlan: seen.vlan }, &name, source);
                    }
                }
            }
        }
    }
}

impl Seen {
    fn sender(&self) -> HostKey {
        HostKey { address: self.source, vlan: self.vlan }
    }
}

#[cfg(test)]
mod tests;
