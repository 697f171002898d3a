//! Passive DNS and its kin: what addresses were called, by whom, and how long that holds.

use std::net::IpAddr;

use super::fact::NameSource;
use super::recent::Recent;

/// A name of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name, lower case for DNS.
    pub name: Box<str>,
    /// Where it was seen.
    pub source: NameSource,
    /// First and last time seen, nanoseconds since 1970.
    pub first: i64,
    /// Last time seen.
    pub last: i64,
    /// The end of its validity by the longest TTL told; `None` where the source tells none.
    pub until: Option<i64>,
}

/// Bounds of [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameLimits {
    /// Addresses; past it the one touched longest ago goes (`addresses_evicted`).
    pub addresses: usize,
    /// Names of one address; past it the weakest, then oldest goes (`names_evicted`).
    pub names: usize,
    /// Bytes in all; past it addresses go.
    pub bytes: usize,
}

impl Default for NameLimits {
    fn default() -> Self {
        NameLimits { addresses: 200_000, names: 12, bytes: 64 << 20 }
    }
}

/// What was lost to the bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameStats {
    /// Addresses forgotten.
    pub addresses_evicted: u64,
    /// Names of crowded addresses forgotten.
    pub names_evicted: u64,
}

/// Names by address.
#[derive(Clone, Debug)]
pub struct Names {
    table: Recent<IpAddr, Vec<Name>>,
    limits: NameLimits,
    bytes: usize,
    stats: NameStats,
}

/// An address's entry in map, slot and order, beside its names.
const ENTRY: usize = 128;

impl Names {
    /// An empty table.
    pub fn new(limits: NameLimits) -> Self {
        Names { table: Recent::new(), limits, bytes: 0, stats: NameStats::default() }
    }

    /// Learns a name; tells whether the address was not called so by this source before. `ttl` is in seconds.
    pub fn learn(&mut self, time: i64, address: IpAddr, name: &str, source: NameSource, ttl: Option<u32>) -> bool {
        let name = name.trim_end_matches('.');
        if name.is_empty() || name.len() > 255 || self.limits.addresses == 0 || self.limits.names == 0 {
            return false;
        }
        let until = ttl.map(|ttl| time.saturating_add(i64::from(ttl) * 1_000_000_000));
        if self.table.get(&address).is_none() {
            self.table.insert(address, Vec::new());
            self.bytes += ENTRY;
        }
        let Some(names) = self.table.touch(&address) else { return false };
        let known = names.iter_mut().find(|known| known.source == source && known.name.eq_ignore_ascii_case(name));
        if let Some(known) = known {
            known.last = known.last.max(time);
            known.until = known.until.max(until);
            return false;
        }
        if names.len() >= self.limits.names
            && let Some(weakest) = (0..names.len()).min_by_key(|i| names.get(*i).map(|name| (name.source, name.last)))
        {
            self.bytes -= cost(&names.swap_remove(weakest));
            self.stats.names_evicted += 1;
        }
        let name = Name { name: name.to_ascii_lowercase().into(), source, first: time, last: time, until };
        self.bytes += cost(&name);
        names.push(name);
        while self.table.len() > self.limits.addresses || (self.bytes > self.limits.bytes && self.table.len() > 1) {
            let Some((_, names)) = self.table.pop_oldest() else { break };
            self.bytes -= ENTRY + names.iter().map(cost).sum::<usize>();
            self.stats.addresses_evicted += 1;
        }
        true
    }

    /// All names of an address, in the order they were first seen.
    pub fn of(&self, address: IpAddr) -> &[Name] {
        self.table.get(&address).map_or(&[], Vec::as_slice)
    }

    /// The name to show for an address at a time: a valid one before an expired one, then the source that knows
    /// best, then the one seen last.
    pub fn best(&self, address: IpAddr, time: i64) -> Option<&Name> {
        self.of(address).iter().max_by_key(|name| (name.valid_at(time), name.source, name.last))
    }

    /// Addresses held.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Nothing was learned yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held, by estimate.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was lost to the bounds.
    pub fn stats(&self) -> NameStats {
        self.stats
    }
}

impl Name {
    /// Whether it holds at a time; names without a TTL hold.
    pub fn valid_at(&self, time: i64) -> bool {
        self.until.is_none_or(|until| time <= until)
    }
}

fn cost(name: &Name) -> usize {
    size_of::<Name>() + name.name.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from(0xc000_0200 + n))
    }

    #[test]
    fn names_hold_for_their_ttl_and_the_best_source_wins() {
        let mut names = Names::new(NameLimits::default());
        assert!(names.learn(0, address(1), "WWW.Example.com.", NameSource::Dns, Some(60)));
        assert!(!names.learn(10 * SECOND, address(1), "www.example.com", NameSource::Dns, Some(60)));
        assert!(names.learn(0, address(1), "rev.example.net", NameSource::DnsPointer, Some(86_400)));
        let best = |names: &Names, at| names.best(address(1), at * SECOND).map(|name| name.name.to_string());
        assert_eq!(best(&names, 70).as_deref(), Some("www.example.com"));
        assert_eq!(best(&names, 71).as_deref(), Some("rev.example.net"));
        let name = &names.of(address(1))[0];
        assert_eq!((name.first, name.last, name.until), (0, 10 * SECOND, Some(70 * SECOND)));
        assert_eq!(names.best(address(2), 0), None);
    }

    #[test]
    fn every_bound_holds_and_is_counted() {
        let mut names = Names::new(NameLimits { addresses: 10, names: 3, bytes: usize::MAX });
        for n in 0..25 {
            names.learn(i64::from(n), address(n), "a.example", NameSource::Dns, None);
        }
        assert_eq!((names.len(), names.stats().addresses_evicted), (10, 15));
        assert!(names.of(address(14)).is_empty() && !names.of(address(15)).is_empty());
        names.learn(30, address(20), "own", NameSource::Dhcp, None);
        for n in 0..50 {
            names.learn(31 + n, address(20), &format!("n{n}"), NameSource::Dns, None);
        }
        assert_eq!(names.of(address(20)).len(), 3);
        assert!(names.of(address(20)).iter().any(|name| &*name.name == "own"), "the weak give way first");
        assert_eq!(names.stats().names_evicted, 49);

        let mut names = Names::new(NameLimits { addresses: 1000, names: 8, bytes: 10_000 });
        for n in 0..1000 {
            names.learn(0, address(n), &"x".repeat(200), NameSource::Dns, None);
            assert!(names.bytes() <= 10_000 + 400);
        }
        assert!(names.stats().addresses_evicted > 900);
    }
}
