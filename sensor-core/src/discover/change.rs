//! What discovery tells the sensor: something new, or something that changed.

use std::net::IpAddr;

use super::fact::{Evidence, NameSource, Product};
use super::os::System;

/// An event about a host.
///
/// In EVE it is `event_type: "discovery"` with `timestamp` (from `time`), `src_ip` (the host), `vlan`, and an object
/// `discovery` with `change` ([`Change::name`]) and, by change: `mac`, `mac_vendor`, `previous_mac`; `port`, `proto`,
/// `app_proto`, `product`, `version`, `banner`, `ja4`, `hassh`; `os`, `os_version`, `os_evidence`, `os_confidence`;
/// `name`, `name_source`. The grid shows it as a record of kind `SVC` with the host as server (services) or client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Time of the packet that told it, nanoseconds since 1970.
    pub time: i64,
    /// The host.
    pub address: IpAddr,
    /// VLAN, 0 for none.
    pub vlan: u16,
    /// What is new.
    pub change: Change,
}

/// What is new about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A host that was not known.
    Host {
        /// Its hardware address, where known.
        mac: Option<[u8; 6]>,
    },
    /// A service that was not known.
    Service {
        /// Server's port.
        port: u16,
        /// IP protocol.
        proto: u8,
        /// What is known of it.
        product: Product,
    },
    /// More about a known service, or another program or version on its port.
    ServiceChanged {
        /// Server's port.
        port: u16,
        /// IP protocol.
        proto: u8,
        /// What is known now.
        product: Product,
    },
    /// A client program that was not known.
    Client {
        /// The program.
        product: Product,
    },
    /// Another hardware address for an address.
    MacChanged {
        /// Before.
        from: [u8; 6],
        /// Now.
        to: [u8; 6],
    },
    /// The operating system became known, or another family is more likely now.
    System {
        /// The likeliest system.
        system: System,
        /// What it was seen by.
        evidence: Evidence,
    },
    /// The host's own name became known.
    Name {
        /// The name.
        name: String,
        /// Where it stood.
        source: NameSource,
    },
}

impl Change {
    /// The stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Change::Host { .. } => "new_host",
            Change::Service { .. } => "new_service",
            Change::ServiceChanged { .. } => "service_changed",
            Change::Client { .. } => "new_client",
            Change::MacChanged { .. } => "mac_changed",
            Change::System { .. } => "new_os",
            Change::Name { .. } => "new_name",
        }
    }
}
