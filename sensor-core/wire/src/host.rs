//! A host as discovery knows it: what it is called, made by, runs and offers.

use serde::{Deserialize, Serialize};

use crate::{Addr, Timestamp};

/// A part of the answer to [`crate::request::Request::Hosts`]: hosts that are new or changed, each whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosts {
    /// Order of change; the app asks for what comes after it.
    pub seq: u64,
    /// Hosts, the longest unchanged first. A host that the sensor had to forget is not told: the app keeps its own bound.
    pub hosts: Vec<HostRecord>,
}

/// A host: an address on a VLAN that was seen in an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostRecord {
    /// The address.
    pub address: Addr,
    /// Outer VLAN id, 0 for none.
    pub vlan: u16,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen, to a minute; exact where something else changed too.
    pub last: Timestamp,
    /// Hardware addresses, the latest first; at most four.
    pub macs: Vec<MacRecord>,
    /// Names, the one to show first.
    pub names: Vec<NameRecord>,
    /// Operating system by each kind of evidence, the likeliest first.
    pub systems: Vec<SystemRecord>,
    /// What it offers, by protocol and port; at most [`MOST_PRODUCTS`], `services_total` tells of more.
    pub services: Vec<ServiceRecord>,
    /// Services in all.
    pub services_total: u32,
    /// What it runs, the latest first; at most [`MOST_PRODUCTS`].
    pub clients: Vec<ClientRecord>,
}

/// Services, and client programs, that are told of one host.
pub const MOST_PRODUCTS: usize = 32;

/// A hardware address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacRecord {
    /// `02:00:00:00:00:01`.
    pub address: String,
    /// Who made the card; empty where that is not known, or the address was made up.
    pub maker: String,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
}

/// A name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRecord {
    /// The name, without a final dot.
    pub name: String,
    /// Where it stood: `dns`, `mdns`, `dhcp`, `sni`, ...
    pub source: String,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// Until when it holds, by the time to live that was told; `None` where none was.
    pub until: Option<Timestamp>,
}

/// An operating system, as one kind of evidence has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemRecord {
    /// `Linux`, `Windows`, ...
    pub family: String,
    /// Version or kind; may be empty.
    pub version: String,
    /// What it was seen by: `syn`, `dhcp`, `user_agent`, ...
    pub evidence: String,
    /// 0-100.
    pub confidence: u8,
    /// When it was last seen.
    pub last: Timestamp,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRecord {
    /// Port.
    pub port: u16,
    /// IP protocol number.
    pub proto: u8,
    /// What is known of it.
    pub product: ProductRecord,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
}

/// A client program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRecord {
    /// What is known of it.
    pub product: ProductRecord,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
}

/// A protocol and the program that speaks it; empty texts are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRecord {
    /// The protocol by EVE's `app_proto` name.
    pub protocol: String,
    /// Program.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The text it was read from.
    pub banner: String,
    /// JA4 of a TLS or QUIC client: <https://github.com/FoxIO-LLC/ja4>.
    pub ja4: String,
    /// HASSH of an SSH client or server: <https://github.com/salesforce/hassh>.
    pub hassh: String,
}

impl Default for HostRecord {
    fn default() -> Self {
        HostRecord {
            address: Addr::NONE,
            vlan: 0,
            first: 0,
            last: 0,
            macs: Vec::new(),
            names: Vec::new(),
            systems: Vec::new(),
            services: Vec::new(),
            services_total: 0,
            clients: Vec::new(),
        }
    }
}

impl ProductRecord {
    /// Program and version, or else the protocol: `OpenSSH 8.2p1`, `http`; empty where nothing is known.
    pub fn title(&self) -> String {
        match (self.product.is_empty(), self.version.is_empty()) {
            (true, _) => self.protocol.clone(),
            (false, true) => self.product.clone(),
            (false, false) => format!("{} {}", self.product, self.version),
        }
    }
}
