//! Hosts for viewers.

use std::cmp::Reverse;

use sensor_wire::Addr;
use sensor_wire::host::{
    ClientRecord, HostRecord, Hosts, MOST_PRODUCTS, MacRecord, NameRecord, ProductRecord, ServiceRecord, SystemRecord,
};

use super::maker::{format_mac, maker};
use super::{Discovery, Host, HostKey, Product};

impl Discovery {
    /// Hosts that changed after a viewer's place, at most `budget`.
    pub fn changed_after(&self, after: u64, budget: usize) -> Hosts {
        let mut answer = Hosts { seq: after, hosts: Vec::new() };
        for (seq, key, host) in self.assets.changed_after(after).take(budget) {
            answer.seq = seq;
            answer.hosts.push(self.record(key, host));
        }
        answer
    }

    fn record(&self, key: &HostKey, host: &Host) -> HostRecord {
        let mut names: Vec<_> = self.names.of(key.address).iter().collect();
        names.sort_by_key(|name| Reverse((name.valid_at(host.last), name.source, name.last)));
        let mut systems = host.systems.clone();
        let likeliest = host.system().map(|seen| seen.system.family);
        systems.sort_by_key(|seen| Reverse((Some(seen.system.family) == likeliest, seen.system.confidence, seen.last)));
        let mut services: Vec<_> = host.services.iter().collect();
        services.sort_by_key(|service| (service.proto, service.port));
        let mut clients: Vec<_> = host.clients.iter().collect();
        clients.sort_by_key(|client| Reverse(client.last));
        HostRecord {
            address: Addr(key.address),
            vlan: key.vlan,
            first: host.first,
            last: host.last,
            macs: host
                .macs
                .iter()
                .rev()
                .map(|mac| MacRecord {
                    address: format_mac(mac.address),
                    maker: maker(mac.address).unwrap_or_default(),
                    first: mac.first,
                    last: mac.last,
                })
                .collect(),
            names: names
                .into_iter()
                .map(|name| NameRecord {
                    name: name.name.to_string(),
                    source: name.source.name().to_owned(),
                    first: name.first,
                    last: name.last,
                    until: name.until,
                })
                .collect(),
            systems: systems
                .iter()
                .map(|seen| SystemRecord {
                    family: seen.system.family.to_owned(),
                    version: seen.system.version.to_owned(),
                    evidence: seen.evidence.name().to_owned(),
                    confidence: seen.system.confidence,
                    last: seen.last,
                })
                .collect(),
            services: services
                .into_iter()
                .take(MOST_PRODUCTS)
                .map(|service| ServiceRecord {
                    port: service.port,
                    proto: service.proto,
                    product: product_record(&service.product),
                    first: service.first,
                    last: service.last,
                })
                .collect(),
            services_total: host.services.len() as u32,
            clients: clients
                .into_iter()
                .take(MOST_PRODUCTS)
                .map(|client| ClientRecord {
                    product: product_record(&client.product),
                    first: client.first,
                    last: client.last,
                })
                .collect(),
        }
    }
}

/// A product as it is told over the link.
#[must_use]
pub fn product_record(product: &Product) -> ProductRecord {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    ProductRecord {
        protocol: product.protocol.unwrap_or_default().to_owned(),
        product: text(&product.product),
        version: text(&product.version),
        banner: text(&product.banner),
        ja4: text(&product.ja4),
        hassh: text(&product.hassh),
    }
}
