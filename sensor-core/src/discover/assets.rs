//! The hosts that were seen to speak, and what is known of each. Bounded by hosts and by bytes; the host that has been
//! silent longest gives way.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::change::{Change, Event};
use super::fact::{Evidence, NameSource, Product};
use super::host::{Client, Host, HostKey, Mac, Service, SystemSeen};
use super::os::System;
use super::recent::Recent;
use crate::networks::Networks;

/// Bounds of [`Assets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetLimits {
    /// Hosts; past it the one silent longest goes (`hosts_evicted`).
    pub hosts: usize,
    /// Addresses that sent something nobody answered: they may be spoofed, and have a small table of their own
    /// (`trials_evicted`) so that a flood of them displaces no host.
    pub trials: usize,
    /// Services of a host; past it the one silent longest goes (`services_evicted`).
    pub services: usize,
    /// Client programs of a host, likewise (`clients_evicted`).
    pub clients: usize,
    /// Bytes of all hosts by estimate; past it hosts go.
    pub bytes: usize,
    /// Events nobody took yet; past it the oldest goes (`events_lost`).
    pub events: usize,
}

impl Default for AssetLimits {
    fn default() -> Self {
        AssetLimits { hosts: 100_000, trials: 8_192, services: 128, clients: 32, bytes: 96 << 20, events: 16_384 }
    }
}

/// What was lost to the bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetStats {
    /// Hosts forgotten.
    pub hosts_evicted: u64,
    /// Addresses on trial forgotten.
    pub trials_evicted: u64,
    /// Services forgotten.
    pub services_evicted: u64,
    /// Client programs forgotten.
    pub clients_evicted: u64,
    /// Events that nobody took in time.
    pub events_lost: u64,
}

/// Most hardware addresses kept of a host: routers with redundancy show two or three.
pub const MAX_MACS: usize = 4;

/// Client programs kept of an address on trial: spoofed datagrams may claim any number. With texts of at most 255 bytes
/// the trials stay below 4 KiB each, beside the bytes counted for hosts.
const TRIAL_CLIENTS: usize = 2;

/// How much later a host that is seen again counts as changed.
const SEEN_AGAIN: i64 = 60 * 1_000_000_000;

/// The table of hosts.
#[derive(Clone, Debug)]
pub struct Assets {
    hosts: Recent<HostKey, Host>,
    trials: Recent<HostKey, Host>,
    limits: AssetLimits,
    home: Networks,
    bytes: usize,
    events: VecDeque<Event>,
    /// Changes in their order; an entry whose number is no longer its host's own is stale.
    order: VecDeque<(u64, HostKey)>,
    changes: u64,
    stats: AssetStats,
}

impl Assets {
    /// An empty table.
    pub fn new(limits: AssetLimits) -> Self {
        Assets {
            home: Networks::any(),
            hosts: Recent::new(),
            trials: Recent::new(),
            limits,
            bytes: 0,
            events: VecDeque::new(),
            order: VecDeque::new(),
            changes: 0,
            stats: AssetStats::default(),
        }
    }

    /// Tells only of hosts in these networks, and of those on the sensor's own link. All others are known too.
    pub fn tell_of(&mut self, home: Networks) {
        self.home = home;
    }

    /// The host, once it has exchanged something with another.
    pub fn host(&self, key: HostKey) -> Option<&Host> {
        self.hosts.get(&key)
    }

    /// An address that sent something but was not seen in an exchange.
    pub fn trial(&self, key: HostKey) -> Option<&Host> {
        self.trials.get(&key)
    }

    /// All hosts, in no order.
    pub fn hosts(&self) -> impl Iterator<Item = (&HostKey, &Host)> {
        self.hosts.iter()
    }

    /// All addresses on trial, in no order.
    pub fn trials(&self) -> impl Iterator<Item = (&HostKey, &Host)> {
        self.trials.iter()
    }

    /// Hosts held.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// No host was seen yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held by hosts, by estimate.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was lost to the bounds.
    pub fn stats(&self) -> AssetStats {
        self.stats
    }

    /// There are events to be taken.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Hosts that changed after a viewer's place, the longest unchanged first, each with its place. That one was seen
    /// again counts as a change once a minute.
    pub fn changed_after(&self, after: u64) -> impl Iterator<Item = (u64, &HostKey, &Host)> {
        let from = self.order.partition_point(|(seq, _)| *seq <= after);
        let changed = self.order.range(from..).filter_map(|(seq, key)| Some((*seq, key, self.hosts.get(key)?)));
        changed.filter(|(seq, _, host)| host.changed == *seq)
    }

    /// Takes the events since the last time, oldest first.
    pub fn take_events(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.events.drain(..)
    }

    /// The address sent something, alone. Known hosts are touched.
    pub fn sent(&mut self, time: i64, key: HostKey) {
        if self.seen(time, key) {
        } else if let Some(host) = self.trials.touch(&key) {
            host.last = host.last.max(time);
        } else if plausible(key.address) && self.limits.trials > 0 {
            self.trials.insert(key, Host::new(time));
            if self.trials.len() > self.limits.trials && self.trials.pop_oldest().is_some() {
                self.stats.trials_evicted += 1;
            }
        }
    }

    /// The address took part in an exchange: it is a host.
    pub fn exchanged(&mut self, time: i64, key: HostKey) {
        if self.seen(time, key) {
            return;
        }
        if !plausible(key.address) || self.limits.hosts == 0 {
            return;
        }
        let mut host = self.trials.remove(&key).unwrap_or_else(|| Host::new(time));
        host.last = host.last.max(time);
        host.bytes = host.measure();
        self.bytes += host.bytes;
        let mac = host.macs.last().map(|mac| mac.address);
        let system = host.system().copied();
        let clients: Vec<Product> = host.clients.iter().map(|client| client.product.clone()).collect();
        self.hosts.insert(key, host);
        self.tell(time, key, Change::Host { mac });
        if let Some(SystemSeen { system, evidence, .. }) = system {
            self.tell(time, key, Change::System { system, evidence });
        }
        for product in clients {
            self.tell(time, key, Change::Client { product });
        }
        self.shrink();
    }

    /// Notes that a host is there; false if it is not known.
    fn seen(&mut self, time: i64, key: HostKey) -> bool {
        let Some(host) = self.hosts.touch(&key) else { return false };
        host.last = host.last.max(time);
        if host.last.saturating_sub(host.told) >= SEEN_AGAIN {
            self.mark(key);
        }
        true
    }

    /// A host's hardware address was seen.
    pub fn mac(&mut self, time: i64, key: HostKey, address: [u8; 6]) {
        // Group addresses and zero are nobody's.
        if address.first().is_none_or(|first| first & 1 != 0) || address == [0; 6] {
            return;
        }
        if let Some(host) = self.either(&key)
            && let Some(latest) = host.macs.last_mut().filter(|latest| latest.address == address)
        {
            latest.last = latest.last.max(time);
            return;
        }
        let changed = self.update(key, |host| {
            if let Some(at) = host.macs.iter().position(|mac| mac.address == address) {
                let mut mac = host.macs.remove(at);
                mac.last = mac.last.max(time);
                host.macs.push(mac);
                return None;
            }
            let from = host.macs.last().map(|mac| mac.address);
            if host.macs.len() >= MAX_MACS {
                host.macs.remove(0);
            }
            host.macs.push(Mac { address, first: time, last: time });
            Some(from)
        });
        match changed.flatten() {
            Some(Some(from)) => self.tell(time, key, Change::MacChanged { from, to: address }),
            Some(None) => self.mark(key),
            None => {}
        }
    }

    /// A host's system was seen by some evidence. A weaker claim of the same kind does not displace a stronger one of
    /// the same family, another family does: machines are reinstalled, addresses pass on.
    pub fn system(&mut self, time: i64, key: HostKey, system: System, evidence: Evidence) {
        if let Some(host) = self.either(&key)
            && let Some(known) = host.systems.iter_mut().find(|known| known.evidence == evidence)
            && known.system == system
        {
            known.last = known.last.max(time);
            return;
        }
        let changed = self.update(key, |host| {
            let before = host.system().map(|seen| seen.system.family);
            let seen = SystemSeen { system, evidence, last: time };
            match host.systems.iter_mut().find(|seen| seen.evidence == evidence) {
                Some(known) if known.system.family == system.family && known.system.confidence > system.confidence => {
                    known.last = time;
                    return None;
                }
                Some(known) => *known = seen,
                None => host.systems.push(seen),
            }
            Some(host.system().copied().filter(|now| before != Some(now.system.family)))
        });
        match changed.flatten() {
            Some(Some(SystemSeen { system, evidence, .. })) => {
                self.tell(time, key, Change::System { system, evidence });
            }
            Some(None) => self.mark(key),
            None => {}
        }
    }

    /// A host answered on a port.
    pub fn service(&mut self, time: i64, key: HostKey, port: u16, proto: u8, product: Product) {
        self.exchanged(time, key);
        if let Some(host) = self.hosts.get_mut(&key)
            && let Some(known) = host.services.iter_mut().find(|known| (known.port, known.proto) == (port, proto))
            && !known.product.learns_from(&product)
        {
            known.last = known.last.max(time);
            return;
        }
        let most = self.limits.services;
        let outcome = self.update(key, |host| {
            if let Some(known) = host.services.iter_mut().find(|known| (known.port, known.proto) == (port, proto)) {
                known.last = known.last.max(time);
                return (known.product.take_over(product).then(|| known.product.clone()), false, false);
            }
            let full = host.services.len() >= most;
            if full && let Some(oldest) = (0..host.services.len()).min_by_key(|i| host.services.get(*i).map(|s| s.last))
            {
                host.services.swap_remove(oldest);
            }
            host.services.push(Service { port, proto, product: product.clone(), first: time, last: time });
            (Some(product), true, full)
        });
        let Some((Some(product), new, evicted)) = outcome else { return };
        self.stats.services_evicted += u64::from(evicted);
        let change = if new {
            Change::Service { port, proto, product }
        } else {
            Change::ServiceChanged { port, proto, product }
        };
        self.tell(time, key, change);
    }

    /// A host was seen to run a client program.
    pub fn client(&mut self, time: i64, key: HostKey, product: Product) {
        let on_trial = self.hosts.get(&key).is_none();
        let most = if on_trial { self.limits.clients.min(TRIAL_CLIENTS) } else { self.limits.clients };
        if most == 0 {
            return;
        }
        let outcome = self.update(key, |host| {
            let mut known = host.clients.iter_mut();
            if let Some(known) = known.find(|known| known.product.is_same_client(&product)) {
                known.last = known.last.max(time);
                return known.product.take_over(product).then_some(None);
            }
            let full = host.clients.len() >= most;
            if full && let Some(oldest) = (0..host.clients.len()).min_by_key(|i| host.clients.get(*i).map(|c| c.last)) {
                host.clients.swap_remove(oldest);
            }
            host.clients.push(Client { product: product.clone(), first: time, last: time });
            Some(Some((product, full)))
        });
        let (product, evicted) = match outcome.flatten() {
            Some(Some(new)) => new,
            Some(None) => return self.mark(key),
            None => return,
        };
        self.stats.clients_evicted += u64::from(evicted);
        self.tell(time, key, Change::Client { product });
    }

    /// A name of a host became known; the name itself is kept in [`super::Names`]. Only what hosts call themselves is
    /// an event.
    pub(crate) fn named(&mut self, time: i64, key: HostKey, name: &str, source: NameSource) {
        if source >= NameSource::Smtp {
            self.tell(time, key, Change::Name { name: name.to_owned(), source });
        } else {
            self.mark(key);
        }
    }

    /// Gives a host the newest place in the order of changes.
    fn mark(&mut self, key: HostKey) {
        let Some(host) = self.hosts.get_mut(&key) else { return };
        self.changes += 1;
        (host.changed, host.told) = (self.changes, host.last);
        self.order.push_back((self.changes, key));
        if self.order.len() > 2 * self.hosts.len() + 1024 {
            let hosts = &self.hosts;
            self.order.retain(|(seq, key)| hosts.get(key).is_some_and(|host| host.changed == *seq));
        }
    }

    /// A host, or an address on trial.
    fn either(&mut self, key: &HostKey) -> Option<&mut Host> {
        // Two steps, since the borrow of the first lasts as long as what is returned.
        if self.hosts.get(key).is_some() { self.hosts.get_mut(key) } else { self.trials.get_mut(key) }
    }

    /// Changes a host, or an address on trial, and keeps the count of bytes.
    fn update<R>(&mut self, key: HostKey, change: impl FnOnce(&mut Host) -> R) -> Option<R> {
        let Some(host) = self.hosts.touch(&key) else { return self.trials.touch(&key).map(change) };
        let result = change(host);
        let now = host.measure();
        self.bytes = self.bytes - host.bytes + now;
        host.bytes = now;
        self.shrink();
        Some(result)
    }

    fn shrink(&mut self) {
        while self.hosts.len() > self.limits.hosts || (self.bytes > self.limits.bytes && self.hosts.len() > 1) {
            let Some((_, host)) = self.hosts.pop_oldest() else { break };
            self.bytes -= host.bytes;
            self.stats.hosts_evicted += 1;
        }
    }

    /// Events are about hosts only.
    fn tell(&mut self, time: i64, key: HostKey, change: Change) {
        self.mark(key);
        let Some(host) = self.hosts.get(&key) else { return };
        if self.limits.events == 0 || host.macs.is_empty() && !self.home.contains(key.address) {
            return;
        }
        if self.events.len() >= self.limits.events {
            self.events.pop_front();
            self.stats.events_lost += 1;
        }
        self.events.push_back(Event { time, address: key.address, vlan: key.vlan, change });
    }
}

/// An address that can be a single host's.
fn plausible(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0),
        IpAddr::V6(v6) => !(v6.is_unspecified() || v6.is_multicast()),
    }
}

#[cfg(test)]
mod tests;
