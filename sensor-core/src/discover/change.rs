//! What discovery tells the sensor: something new, or something that changed.

use std::fmt;
use std::net::IpAddr;

use super::HostKey;
use super::fact::{Evidence, NameSource, Product};
use super::maker::{format_mac, maker};
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

impl Event {
    /// The host.
    pub fn host(&self) -> HostKey {
        HostKey { address: self.address, vlan: self.vlan }
    }
}

impl Change {
    /// 1 is the highest, as in rules: another hardware address may be an attack on ARP, services are worth a look, the
    /// rest only tells.
    pub fn severity(&self) -> u8 {
        match self {
            Change::MacChanged { .. } => 2,
            Change::Service { .. } | Change::ServiceChanged { .. } => 3,
            Change::Host { .. } | Change::Client { .. } | Change::System { .. } | Change::Name { .. } => 4,
        }
    }

    /// Port and IP protocol of the service that it is about.
    pub fn service(&self) -> Option<(u16, u8)> {
        if let Change::Service { port, proto, .. } | Change::ServiceChanged { port, proto, .. } = *self {
            Some((port, proto))
        } else {
            None
        }
    }

    /// A change of a service that is itself new still.
    pub fn as_new(&self) -> Change {
        if let Change::ServiceChanged { port, proto, product } = self {
            Change::Service { port: *port, proto: *proto, product: product.clone() }
        } else {
            self.clone()
        }
    }

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

/// As the grid tells it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Host { mac: None } => write!(f, "new host"),
            Change::Host { mac: Some(mac) } => write!(f, "new host, {}", card(*mac)),
            Change::Service { port, proto, product } => {
                write!(f, "new service {port}/{}{}", transport(*proto), Words(product))
            }
            Change::ServiceChanged { port, proto, product } => {
                write!(f, "service changed {port}/{}{}", transport(*proto), Words(product))
            }
            Change::Client { product } => write!(f, "new client{}", Words(product)),
            Change::MacChanged { from, to } => write!(f, "MAC changed from {} to {}", card(*from), card(*to)),
            Change::System { system, evidence } => {
                let space = if system.version.is_empty() { "" } else { " " };
                write!(f, "system {}{space}{} (by {})", system.family, system.version, evidence.name())
            }
            Change::Name { name, source } => write!(f, "name {name} ({})", source.name()),
        }
    }
}

/// Protocol, program and version, or what stands for them.
struct Words<'a>(&'a Product);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Product { protocol, product, version, ja4, hassh, .. } = self.0;
        if let Some(protocol) = protocol {
            write!(f, " {protocol}")?;
        }
        match (product, version) {
            (Some(product), Some(version)) => write!(f, ": {product} {version}"),
            (Some(product), None) => write!(f, ": {product}"),
            // TLS has a version where no program is known.
            (None, Some(version)) => write!(f, " {version}"),
            (None, None) => match (ja4, hassh) {
                (Some(ja4), _) => write!(f, ": JA4 {ja4}"),
                (None, Some(hassh)) => write!(f, ": HASSH {hassh}"),
                (None, None) => Ok(()),
            },
        }
    }
}

fn card(mac: [u8; 6]) -> String {
    match maker(mac) {
        Some(maker) => format!("{} ({maker})", format_mac(mac)),
        None => format_mac(mac),
    }
}

fn transport(proto: u8) -> &'static str {
    match proto {
        6 => "tcp",
        17 => "udp",
        _ => "ip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_in_one_line() {
        let product = Product::slashed("http", "nginx/1.18.0 (Ubuntu)");
        let system = System { family: "Linux", version: "", confidence: 75 };
        for (change, line) in [
            (Change::Host { mac: None }, "new host"),
            (Change::Service { port: 80, proto: 6, product: product.clone() }, "new service 80/tcp http: nginx 1.18.0"),
            (Change::ServiceChanged { port: 80, proto: 6, product }, "service changed 80/tcp http: nginx 1.18.0"),
            (Change::Service { port: 9, proto: 17, product: Product::default() }, "new service 9/udp"),
            (Change::Client { product: Product::of("dns") }, "new client dns"),
            (Change::System { system, evidence: Evidence::Syn }, "system Linux (by syn)"),
            (Change::Name { name: "p3".into(), source: NameSource::Mdns }, "name p3 (mdns)"),
            (
                Change::MacChanged { from: [2, 0, 0, 0, 0, 1], to: [2, 0, 0, 0, 0, 2] },
                "MAC changed from 02:00:00:00:00:01 to 02:00:00:00:00:02",
            ),
        ] {
            assert_eq!(change.to_string(), line);
        }
    }
}
