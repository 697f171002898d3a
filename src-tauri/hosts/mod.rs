//! The host table: what the sensors know of hosts, each in its newest record.
//!
//! Bound: a number of hosts, and the bytes of their texts. Policy when full: the host that has not changed for the
//! longest gives way. Counter: [`Hosts::evicted`].

mod note;
mod query;

use std::collections::BTreeMap;

use sensor_wire::host::{HostRecord, ProductRecord};
use sensor_wire::view::{HostKey, HostSort, SourceId};
use sensor_wire::{Addr, Timestamp};

pub use query::MAX_WINDOW;

/// Hosts kept unless told otherwise.
pub const DEFAULT_CAP: usize = 100_000;

/// Bytes of all records, about. A record as large as a sensor makes them has some 80 KiB, a usual one 500 bytes.
pub const MAX_BYTES: usize = 256 << 20;

/// The hosts of all sources.
#[derive(Debug)]
pub struct Hosts {
    hosts: BTreeMap<HostKey, Host>,
    /// In order of change: [`Host::changed`] to its key.
    changes: BTreeMap<u64, HostKey>,
    last_change: u64,
    cap: usize,
    max_bytes: usize,
    bytes: usize,
    evicted: u64,
    order: Order,
}

#[derive(Debug)]
struct Host {
    record: HostRecord,
    /// All that a search looks into, in lower case.
    text: Box<str>,
    changed: u64,
    bytes: usize,
}

/// The list as it was asked for last: scrolling asks for another window of the same order.
#[derive(Debug, Default)]
struct Order {
    /// Anything it hangs on may have changed.
    stale: bool,
    search: String,
    sort: HostSort,
    keys: Vec<HostKey>,
    /// When any host was seen last.
    newest: Option<Timestamp>,
}

impl Hosts {
    /// No hosts, and never more than `cap` (at least one).
    pub fn new(cap: usize) -> Hosts {
        Hosts {
            hosts: BTreeMap::new(),
            changes: BTreeMap::new(),
            last_change: 0,
            cap: cap.max(1),
            max_bytes: MAX_BYTES,
            bytes: 0,
            evicted: 0,
            order: Order::default(),
        }
    }

    /// Hosts kept.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// No hosts are kept.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Hosts that gave way.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Takes in hosts of a source that are new or changed, each whole.
    pub fn apply(&mut self, source: SourceId, records: Vec<HostRecord>) {
        for record in records {
            self.last_change += 1;
            let key = HostKey { source, address: record.address, vlan: record.vlan };
            let text = search_text(&record).into_boxed_str();
            let bytes = text.len() + weight(&record);
            self.changes.insert(self.last_change, key);
            self.bytes += bytes;
            let host = Host { record, text, changed: self.last_change, bytes };
            if let Some(old) = self.hosts.insert(key, host) {
                self.changes.remove(&old.changed);
                self.bytes -= old.bytes;
            }
            while self.hosts.len() > self.cap || (self.bytes > self.max_bytes && self.hosts.len() > 1) {
                let Some((_, oldest)) = self.changes.pop_first() else { break };
                self.forget(oldest);
                self.evicted += 1;
            }
        }
        self.order.stale = true;
    }

    /// Takes away all hosts of a source.
    pub fn close(&mut self, source: SourceId) {
        let keys: Vec<HostKey> = self.hosts.keys().filter(|key| key.source == source).copied().collect();
        for key in keys {
            if let Some(changed) = self.forget(key) {
                self.changes.remove(&changed);
            }
        }
        self.order.stale = true;
    }

    /// The names of sources changed, or which there are.
    pub fn renamed(&mut self) {
        self.order.stale = true;
    }

    /// An address of a source, on the VLAN on which it was seen last unless one is named.
    fn find(&self, source: SourceId, address: Addr, vlan: Option<u16>) -> Option<(&HostKey, &Host)> {
        let key = |vlan| HostKey { source, address, vlan };
        match vlan {
            Some(vlan) => self.hosts.get_key_value(&key(vlan)),
            None => self.hosts.range(key(0)..=key(u16::MAX)).max_by_key(|(_, host)| host.record.last),
        }
    }

    /// Tells when it changed last.
    fn forget(&mut self, key: HostKey) -> Option<u64> {
        let host = self.hosts.remove(&key)?;
        self.bytes -= host.bytes;
        Some(host.changed)
    }
}

/// About what a record takes in memory.
fn weight(record: &HostRecord) -> usize {
    let macs = record.macs.iter().map(|mac| 64 + mac.address.len() + mac.maker.len());
    let names = record.names.iter().map(|name| 96 + name.name.len() + name.source.len());
    let systems = record.systems.iter().map(|seen| 96 + seen.family.len() + seen.version.len() + seen.evidence.len());
    let products = record.services.iter().map(|service| &service.product);
    let products = products.chain(record.clients.iter().map(|client| &client.product));
    let products = products.map(|product| 176 + texts(product).iter().map(|text| text.len()).sum::<usize>());
    // The record itself, its key twice and what the two trees add.
    400 + macs.chain(names).chain(systems).chain(products).sum::<usize>()
}

/// What a search looks into: a line for each thing that is known.
fn search_text(record: &HostRecord) -> String {
    let mut lines = vec![record.address.to_string()];
    if record.vlan != 0 {
        lines.push(format!("vlan {}", record.vlan));
    }
    lines.extend(record.names.iter().map(|name| name.name.clone()));
    lines.extend(record.macs.iter().map(|mac| format!("{} {}", mac.address, mac.maker)));
    lines.extend(record.systems.iter().map(|seen| format!("{} {}", seen.family, seen.version)));
    let services = record.services.iter();
    lines.extend(services.map(|service| format!("{} {}", service.port, texts(&service.product).join(" "))));
    lines.extend(record.clients.iter().map(|client| texts(&client.product).join(" ")));
    lines.join("\n").to_lowercase()
}

fn texts(product: &ProductRecord) -> [&str; 6] {
    let ProductRecord { protocol, product, version, banner, ja4, hassh } = product;
    [protocol, product, version, banner, ja4, hassh].map(String::as_str)
}

#[cfg(test)]
pub(crate) mod testing {
    use sensor_wire::host::{ClientRecord, MacRecord, NameRecord, ServiceRecord, SystemRecord};

    use super::*;

    /// A host of which nothing is known.
    pub fn host(address: &str) -> HostRecord {
        HostRecord { address: Addr(address.parse().expect("an address")), ..HostRecord::default() }
    }

    /// A host with one of everything.
    pub fn server(address: &str) -> HostRecord {
        let ssh = ProductRecord {
            protocol: "ssh".into(),
            product: "OpenSSH".into(),
            version: "8.2p1".into(),
            banner: "SSH-2.0-OpenSSH_8.2p1 Ubuntu-4".into(),
            hassh: "b12d2871a1189eff20364cf5333619ee".into(),
            ..ProductRecord::default()
        };
        let http = ProductRecord { protocol: "http".into(), ..ProductRecord::default() };
        let curl = ProductRecord {
            protocol: "tls".into(),
            product: "curl".into(),
            version: "7.68".into(),
            ja4: "t13d1516h2_8daaf6152771_b186095e22b6".into(),
            ..ProductRecord::default()
        };
        let service = |port, product| ServiceRecord { port, proto: 6, product, first: 10, last: 20 };
        HostRecord {
            first: 10,
            last: 20,
            macs: vec![MacRecord {
                address: "00:0c:29:01:02:03".into(),
                maker: "VMware, Inc.".into(),
                first: 10,
                last: 20,
            }],
            names: vec![NameRecord {
                name: "Files.example".into(),
                source: "dns".into(),
                first: 10,
                last: 20,
                until: Some(99),
            }],
            systems: vec![SystemRecord {
                family: "Linux".into(),
                version: "Ubuntu".into(),
                evidence: "banner".into(),
                confidence: 90,
                last: 20,
            }],
            services: vec![service(22, ssh), service(80, http)],
            services_total: 2,
            clients: vec![ClientRecord { product: curl, first: 11, last: 12 }],
            ..host(address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{host, server};
    use super::*;

    fn addresses(hosts: &Hosts) -> Vec<String> {
        hosts.hosts.keys().map(|key| key.address.to_string()).collect()
    }

    fn is_sound(hosts: &Hosts) -> bool {
        let order =
            hosts.changes.iter().all(|(changed, key)| hosts.hosts.get(key).is_some_and(|h| h.changed == *changed));
        order
            && hosts.changes.len() == hosts.hosts.len()
            && hosts.bytes == hosts.hosts.values().map(|host| host.bytes).sum::<usize>()
    }

    #[test]
    fn the_host_that_has_not_changed_for_the_longest_gives_way_and_is_counted() {
        let mut hosts = Hosts::new(3);
        hosts.apply(1, vec![host("10.0.0.1"), host("10.0.0.2"), host("10.0.0.3")]);
        hosts.apply(1, vec![host("10.0.0.1"), host("10.0.0.4")]);
        assert_eq!(addresses(&hosts), ["10.0.0.1", "10.0.0.3", "10.0.0.4"]);
        assert_eq!((hosts.len(), hosts.evicted()), (3, 1));
        assert!(is_sound(&hosts));
    }

    #[test]
    fn large_records_give_way_by_their_bytes() {
        let mut hosts = Hosts::new(1000);
        let one = weight(&server("10.0.0.1")) + search_text(&server("10.0.0.1")).len();
        hosts.max_bytes = 2 * one;
        hosts.apply(1, vec![server("10.0.0.1"), server("10.0.0.2"), server("10.0.0.3")]);
        assert_eq!(addresses(&hosts), ["10.0.0.2", "10.0.0.3"]);
        assert_eq!((hosts.bytes, hosts.evicted()), (2 * one, 1));
        let mut huge = server("10.0.0.9");
        huge.names[0].name = "x".repeat(10 * one);
        hosts.apply(1, vec![huge]);
        assert_eq!(addresses(&hosts), ["10.0.0.9"], "the newest stays, whatever its size");
        assert!(is_sound(&hosts));
    }

    #[test]
    fn a_close_takes_the_hosts_of_its_source_only() {
        let mut hosts = Hosts::new(100);
        hosts.apply(1, vec![host("10.0.0.1")]);
        hosts.apply(2, vec![host("10.0.0.1"), host("10.0.0.2")]);
        hosts.close(2);
        assert_eq!(addresses(&hosts), ["10.0.0.1"]);
        assert!(is_sound(&hosts));
        hosts.close(1);
        assert_eq!((hosts.len(), hosts.bytes, hosts.evicted()), (0, 0, 0));
    }

    #[test]
    fn an_address_is_found_on_the_vlan_on_which_it_was_seen_last() {
        let mut hosts = Hosts::new(100);
        let on = |vlan, last| HostRecord { vlan, last, ..host("10.0.0.1") };
        hosts.apply(1, vec![on(0, 5), on(7, 9), on(4094, 8)]);
        let address = host("10.0.0.1").address;
        let vlan = |source, vlan| hosts.find(source, address, vlan).map(|(key, _)| key.vlan);
        assert_eq!((vlan(1, None), vlan(1, Some(0)), vlan(1, Some(1)), vlan(2, None)), (Some(7), Some(0), None, None));
    }
}
