//! What the UI asks of the hosts: a window of the list, one host whole.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use sensor_wire::Timestamp;
use sensor_wire::host::{HostRecord, ProductRecord, ServiceRecord, SystemRecord};
use sensor_wire::view::{
    HostAsked, HostColumn, HostKey, HostLine, HostSort, HostWindow, HostsAsked, SourceId, ViewHost, program,
};

use super::{Host, Hosts, Order};
use crate::zone::Zone;

/// Most hosts of one answer.
pub const MAX_WINDOW: u32 = 200;

/// Longest search, in characters.
const MAX_SEARCH: usize = 200;

/// Services and client programs that a line names.
const NAMED: usize = 4;

impl Hosts {
    /// A window of the list. What the controller knows alone (`revision`) is left at 0.
    ///
    /// An offset past the end gives the last hosts, so that a view whose hosts have gone has something to stand on.
    pub fn window(
        &mut self,
        asked: &HostsAsked,
        names: &BTreeMap<SourceId, String>,
        zone: Zone,
        now: Timestamp,
    ) -> HostWindow {
        self.bring_in_order(asked, names);
        let keys = &self.order.keys;
        let (total, count) = (keys.len(), asked.count.min(MAX_WINDOW) as usize);
        let held = asked.anchor.and_then(|(key, at)| {
            let place = keys.iter().position(|other| *other == key)?;
            Some(place.saturating_sub(at as usize))
        });
        let mut offset = held.unwrap_or(usize::try_from(asked.offset).unwrap_or(usize::MAX));
        if offset >= total {
            offset = total.saturating_sub(count);
        }
        let shown = keys.iter().skip(offset).take(count);
        let hosts = shown.filter_map(|key| Some(line(key, self.hosts.get(key)?, names, zone))).collect();
        HostWindow {
            revision: 0,
            total: total as u64,
            unfiltered: self.hosts.len() as u64,
            offset: offset as u64,
            zone: zone.abbreviation_at(self.order.newest.unwrap_or(now)),
            hosts,
        }
    }

    /// A host whole, if it is known.
    pub fn view(&self, asked: HostAsked, sensor: &str, zone: Zone) -> Option<ViewHost> {
        let (&key, host) = self.find(asked.source, asked.address, asked.vlan)?;
        let record = host.record.clone();
        let mut utc_offsets: Vec<_> = times(&record).map(|time| (time, zone.offset_at(time))).collect();
        utc_offsets.sort_unstable();
        utc_offsets.dedup_by_key(|(_, offset)| *offset);
        Some(ViewHost { key, sensor: sensor.to_owned(), record, utc_offsets })
    }

    fn bring_in_order(&mut self, asked: &HostsAsked, names: &BTreeMap<SourceId, String>) {
        let search: String = asked.search.chars().take(MAX_SEARCH).collect::<String>().to_lowercase();
        if !self.order.stale && self.order.search == search && self.order.sort == asked.sort {
            return;
        }
        let words: Vec<&str> = search.split_whitespace().collect();
        let found = |host: &Host| words.iter().all(|word| host.text.contains(word));
        let mut listed: Vec<(&HostKey, &Host)> = self.hosts.iter().filter(|(_, host)| found(host)).collect();
        listed.sort_unstable_by(|a, b| compare(asked.sort, names, *a, *b));
        let keys = listed.into_iter().map(|(key, _)| *key).collect();
        let newest = self.hosts.values().map(|host| host.record.last).max();
        self.order = Order { stale: false, search, sort: asked.sort, keys, newest };
    }
}

fn compare(sort: HostSort, names: &BTreeMap<SourceId, String>, a: (&HostKey, &Host), b: (&HostKey, &Host)) -> Ordering {
    let (one, two) = (&a.1.record, &b.1.record);
    let turned = |order: Ordering| if sort.descending { order.reverse() } else { order };
    let texts = |one: &str, two: &str| one.is_empty().cmp(&two.is_empty()).then_with(|| turned(by_letters(one, two)));
    let counts = |one: usize, two: usize| (one == 0).cmp(&(two == 0)).then_with(|| turned(one.cmp(&two)));
    let sensor = |key: &HostKey| names.get(&key.source).map_or("", String::as_str);
    let place = |key: &HostKey| (key.address, key.vlan, key.source);
    let order = match sort.column {
        HostColumn::Address => turned(place(a.0).cmp(&place(b.0))),
        HostColumn::Sensor => texts(sensor(a.0), sensor(b.0)),
        HostColumn::Name => texts(name(one), name(two)),
        HostColumn::Mac => texts(maker(one), maker(two)).then_with(|| texts(mac(one), mac(two))),
        HostColumn::System => {
            let (one, two) = (one.systems.first(), two.systems.first());
            texts(one.map_or("", |s| &s.family), two.map_or("", |s| &s.family))
                .then_with(|| texts(one.map_or("", |s| &s.version), two.map_or("", |s| &s.version)))
        }
        HostColumn::Services => counts(one.services_total as usize, two.services_total as usize),
        HostColumn::Clients => counts(one.clients.len(), two.clients.len()),
        HostColumn::First => turned(one.first.cmp(&two.first)),
        HostColumn::Last => turned(one.last.cmp(&two.last)),
    };
    order.then_with(|| place(a.0).cmp(&place(b.0)))
}

/// In the order of letters whatever their case, as host names are.
fn by_letters(one: &str, two: &str) -> Ordering {
    one.bytes().map(|b| b.to_ascii_lowercase()).cmp(two.bytes().map(|b| b.to_ascii_lowercase()))
}

fn line(key: &HostKey, host: &Host, names: &BTreeMap<SourceId, String>, zone: Zone) -> HostLine {
    let record = &host.record;
    let at = |time: Timestamp| (time, zone.offset_at(time));
    HostLine {
        key: *key,
        sensor: names.get(&key.source).cloned().unwrap_or_default(),
        name: name(record).to_owned(),
        more_names: count(others(record)),
        mac: mac(record).to_owned(),
        maker: maker(record).to_owned(),
        system: record.systems.first().map(system).unwrap_or_default(),
        services: record.services_total,
        first_services: named(record.services.iter().map(service)),
        clients: count(record.clients.len()),
        last_clients: named(record.clients.iter().map(|client| program(&client.product))),
        first: at(record.first),
        last: at(record.last),
    }
}

fn name(record: &HostRecord) -> &str {
    record.names.first().map_or("", |name| &name.name)
}

/// Names beside the best one, each once.
fn others(record: &HostRecord) -> usize {
    let unique: BTreeSet<String> = record.names.iter().map(|name| name.name.to_lowercase()).collect();
    unique.len().saturating_sub(1)
}

fn mac(record: &HostRecord) -> &str {
    record.macs.first().map_or("", |mac| &mac.address)
}

fn maker(record: &HostRecord) -> &str {
    record.macs.first().map_or("", |mac| &mac.maker)
}

fn system(seen: &SystemRecord) -> String {
    if seen.version.is_empty() { seen.family.clone() } else { format!("{} {}", seen.family, seen.version) }
}

/// `22 ssh: OpenSSH 8.2p1`, `445 smb 2.1`, `53/udp dns`.
fn service(service: &ServiceRecord) -> String {
    let ProductRecord { protocol, product, .. } = &service.product;
    let proto = if service.proto == 17 { "/udp" } else { "" };
    let of = if protocol.is_empty() || product.is_empty() { String::new() } else { format!("{protocol}: ") };
    format!("{}{proto} {of}{}", service.port, program(&service.product)).trim_end().to_owned()
}

/// The first few, each once.
fn named(all: impl Iterator<Item = String>) -> String {
    let mut few: Vec<String> = Vec::with_capacity(NAMED);
    for text in all.filter(|text| !text.is_empty()) {
        if few.len() == NAMED {
            few.push("…".into());
            break;
        }
        if !few.contains(&text) {
            few.push(text);
        }
    }
    few.join(", ")
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Every time of a record.
fn times(record: &HostRecord) -> impl Iterator<Item = Timestamp> + '_ {
    let macs = record.macs.iter().flat_map(|mac| [mac.first, mac.last]);
    let names = record.names.iter().flat_map(|name| [name.first, name.last, name.until.unwrap_or(name.last)]);
    let systems = record.systems.iter().map(|seen| seen.last);
    let services = record.services.iter().flat_map(|service| [service.first, service.last]);
    let clients = record.clients.iter().flat_map(|client| [client.first, client.last]);
    [record.first, record.last].into_iter().chain(macs).chain(names).chain(systems).chain(services).chain(clients)
}

#[cfg(test)]
mod tests {
    use sensor_wire::host::NameRecord;

    use super::super::testing::{host, server};
    use super::*;

    fn asked(search: &str, column: HostColumn, descending: bool) -> HostsAsked {
        let sort = HostSort { column, descending };
        HostsAsked { search: search.into(), sort, offset: 0, count: 200, anchor: None }
    }

    fn shown(hosts: &mut Hosts, asked: &HostsAsked) -> Vec<String> {
        let window = hosts.window(asked, &BTreeMap::new(), Zone::UTC, 0);
        window.hosts.iter().map(|line| line.key.address.to_string()).collect()
    }

    fn named_host(address: &str, name: &str) -> HostRecord {
        HostRecord { names: vec![NameRecord { name: name.into(), ..NameRecord::default() }], ..host(address) }
    }

    #[test]
    fn every_word_of_a_search_has_to_be_known_of_a_host() {
        let mut hosts = Hosts::new(100);
        hosts.apply(1, vec![server("10.0.0.1"), host("10.0.0.2"), HostRecord { vlan: 30, ..host("192.0.2.1") }]);
        for (search, found) in [
            ("", vec!["10.0.0.1", "10.0.0.2", "192.0.2.1"]),
            ("10.0.0", vec!["10.0.0.1", "10.0.0.2"]),
            ("FILES.Example", vec!["10.0.0.1"]),
            ("00:0c:29", vec!["10.0.0.1"]),
            ("vmware openssh", vec!["10.0.0.1"]),
            ("80 http", vec!["10.0.0.1"]),
            ("t13d1516h2", vec!["10.0.0.1"]),
            ("vlan 30", vec!["192.0.2.1"]),
            ("vmware 10.0.0.2", vec![]),
        ] {
            assert_eq!(shown(&mut hosts, &asked(search, HostColumn::Address, false)), found, "{search:?}");
        }
    }

    #[test]
    fn addresses_sort_as_numbers_and_what_is_not_known_comes_last_either_way() {
        let mut hosts = Hosts::new(100);
        let named = [("10.0.0.10", "beta"), ("10.0.0.9", "Alpha"), ("fe80::1", "gamma")];
        hosts.apply(1, named.map(|(address, name)| named_host(address, name)).to_vec());
        hosts.apply(1, vec![host("9.9.9.9")]);
        let mut order = |column, descending| shown(&mut hosts, &asked("", column, descending));
        assert_eq!(order(HostColumn::Address, false), ["9.9.9.9", "10.0.0.9", "10.0.0.10", "fe80::1"]);
        assert_eq!(order(HostColumn::Address, true), ["fe80::1", "10.0.0.10", "10.0.0.9", "9.9.9.9"]);
        assert_eq!(order(HostColumn::Name, false), ["10.0.0.9", "10.0.0.10", "fe80::1", "9.9.9.9"]);
        assert_eq!(order(HostColumn::Name, true), ["fe80::1", "10.0.0.10", "10.0.0.9", "9.9.9.9"]);
    }

    #[test]
    fn counts_and_times_sort_as_numbers() {
        let mut hosts = Hosts::new(100);
        let with = |address, services_total, last| HostRecord { services_total, last, ..host(address) };
        hosts.apply(1, vec![with("10.0.0.1", 2, 5), with("10.0.0.2", 10, 9), with("10.0.0.3", 0, 7)]);
        let mut order = |column, descending| shown(&mut hosts, &asked("", column, descending));
        assert_eq!(order(HostColumn::Services, true), ["10.0.0.2", "10.0.0.1", "10.0.0.3"]);
        assert_eq!(order(HostColumn::Services, false), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(order(HostColumn::Last, true), ["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
    }

    #[test]
    fn a_window_holds_still_at_its_anchor_and_ends_at_the_end() {
        let mut hosts = Hosts::new(1000);
        let many = |range: std::ops::Range<u8>| range.map(|n| host(&format!("10.0.0.{n}"))).collect::<Vec<_>>();
        hosts.apply(1, many(100..200));
        let anchor = |hosts: &Hosts| hosts.find(1, host("10.0.0.150").address, None).map(|(key, _)| (*key, 3));
        let held = HostsAsked { anchor: anchor(&hosts), count: 10, ..asked("", HostColumn::Address, false) };
        let names = BTreeMap::new();
        assert_eq!(hosts.window(&held, &names, Zone::UTC, 0).offset, 47);
        hosts.apply(1, many(0..50));
        let window = hosts.window(&held, &names, Zone::UTC, 0);
        assert_eq!((window.offset, window.hosts[3].key.address), (97, host("10.0.0.150").address));
        let past = HostsAsked { offset: 10_000, anchor: None, ..held };
        let window = hosts.window(&past, &names, Zone::UTC, 0);
        assert_eq!((window.offset, window.hosts.len(), window.total), (140, 10, 150));
    }

    #[test]
    fn a_line_says_what_is_known_and_its_times_in_the_zone() {
        let mut hosts = Hosts::new(100);
        // Either side of 2024-03-31T01:00:00Z, when Berlin's clocks go forward.
        let change = 1_711_846_800_000_000_000;
        hosts.apply(4, vec![HostRecord { first: change - 1, last: change, ..server("10.0.0.1") }]);
        let names = BTreeMap::from([(4, "lab".to_owned())]);
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let window = hosts.window(&asked("", HostColumn::Address, false), &names, berlin, 0);
        let line = &window.hosts[0];
        assert_eq!((line.sensor.as_str(), line.name.as_str(), line.more_names), ("lab", "Files.example", 0));
        assert_eq!((line.mac.as_str(), line.maker.as_str()), ("00:0c:29:01:02:03", "VMware, Inc."));
        assert_eq!((line.system.as_str(), line.services), ("Linux Ubuntu", 2));
        assert_eq!(line.first_services, "22 ssh: OpenSSH 8.2p1, 80 http");
        assert_eq!((line.clients, line.last_clients.as_str()), (1, "curl 7.68"));
        assert_eq!((line.first, line.last), ((change - 1, 3600), (change, 7200)));
        assert_eq!(window.zone, "CEST");
        let whole = hosts.view(line.key.into(), "lab", berlin).unwrap();
        assert_eq!((whole.utc_offset(change - 1), whole.utc_offset(change)), (3600, 7200));
        assert_eq!(whole.utc_offset(20), 3600, "of 1970");
    }

    #[test]
    fn a_change_is_in_the_next_window() {
        let mut hosts = Hosts::new(100);
        let all = asked("", HostColumn::Address, false);
        hosts.apply(1, vec![host("10.0.0.1")]);
        assert_eq!(shown(&mut hosts, &all), ["10.0.0.1"]);
        hosts.apply(1, vec![host("10.0.0.2")]);
        assert_eq!(shown(&mut hosts, &all), ["10.0.0.1", "10.0.0.2"]);
        hosts.close(1);
        assert!(shown(&mut hosts, &all).is_empty());
    }

    #[test]
    fn a_service_is_told_by_program_or_by_protocol_and_version() {
        let smb = ProductRecord { protocol: "smb".into(), version: "2.1".into(), ..ProductRecord::default() };
        let told = |port, proto, product| service(&ServiceRecord { port, proto, product, ..ServiceRecord::default() });
        assert_eq!(told(445, 6, smb), "445 smb 2.1");
        assert_eq!(told(53, 17, ProductRecord { protocol: "dns".into(), ..ProductRecord::default() }), "53/udp dns");
        assert_eq!(told(443, 6, ProductRecord::default()), "443");
        assert_eq!(told(22, 6, server("10.0.0.1").services[0].product.clone()), "22 ssh: OpenSSH 8.2p1");
    }

    #[test]
    fn a_name_that_stood_in_several_places_counts_once() {
        let name = |name: &str| NameRecord { name: name.into(), ..NameRecord::default() };
        let record = HostRecord { names: vec![name("a.example"), name("A.example"), name("b")], ..host("10.0.0.1") };
        assert_eq!((others(&record), others(&host("10.0.0.1"))), (1, 0));
    }

    #[test]
    fn a_line_names_a_few_each_once() {
        let texts = |list: &[&str]| named(list.iter().map(|&text| text.to_owned()));
        assert_eq!(texts(&["a", "", "a", "b"]), "a, b");
        assert_eq!(texts(&["a", "b", "c", "d", "e"]), "a, b, c, d, …");
    }
}
