//! The engine's discovery beside prads and p0f: of the services, clients and systems that they name over the corpus, how many does
//! Nightjar find? `DISCOVER_MISSES=1` prints each miss.
#![allow(clippy::print_stdout)]

mod captures;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use sensor_core::discover::{Host, HostKey};
use sensor_core::engine::Config;
use sensor_core::{Engine, Frame};
use serde_json::Value;

/// Runs a capture through the engine.
fn discover(path: &Path) -> Engine {
    let mut engine = Engine::new(Config { window_ns: None, ..Config::default() });
    let data = std::fs::read(path).unwrap_or_default();
    captures::frames(&data, &mut |time, link, data| {
        engine.ingest([Frame { time, link, wire: data.len() as u32, data }], &mut ());
    });
    engine.finish(&mut ());
    engine
}

#[derive(Default)]
struct Tally {
    found: u32,
    missed: BTreeMap<String, u32>,
}

impl Tally {
    fn count(&mut self, hit: bool, cause: impl FnOnce() -> String) {
        if hit {
            self.found += 1;
        } else {
            *self.missed.entry(cause()).or_default() += 1;
        }
    }

    fn share(&self, what: &str) -> f64 {
        let missed: u32 = self.missed.values().sum();
        let share = 100.0 * f64::from(self.found) / f64::from((self.found + missed).max(1));
        println!("{what}: {} of {} found, {share:.1} %", self.found, self.found + missed);
        let mut causes: Vec<_> = self.missed.iter().collect();
        causes.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        for (cause, n) in causes {
            println!("    {n:4} {cause}");
        }
        share
    }
}

fn family(name: &str) -> Option<&'static str> {
    const FAMILIES: [(&str, &str); 14] = [
        ("Linux", "Linux"),
        ("Windows", "Windows"),
        ("MacOS", "macOS"),
        ("Mac OS", "macOS"),
        ("iOS", "macOS"),
        ("FreeBSD", "FreeBSD"),
        ("OpenBSD", "OpenBSD"),
        ("NetBSD", "NetBSD"),
        ("Solaris", "Solaris"),
        ("SunOS", "SunOS"),
        ("HP-UX", "HP-UX"),
        ("Tru64", "Tru64"),
        ("Novell", "Novell"),
        ("Cisco", "Cisco IOS"),
    ];
    FAMILIES.iter().find(|(mark, _)| name.starts_with(mark)).map(|(_, family)| *family)
}

/// Ours in their words: Android is Linux to p0f, iOS the same stack as macOS.
fn ours(family: &str) -> &str {
    match family {
        "Android" | "ChromeOS" => "Linux",
        "iOS" => "macOS",
        other => other,
    }
}

fn protocol(theirs: &str) -> Option<&'static str> {
    Some(match theirs {
        "http" => "http",
        "ssl" => "tls",
        "ssh" => "ssh",
        "smtp" => "smtp",
        "ftp" => "ftp",
        "domain" => "dns",
        "vnc" => "vnc",
        "smb" => "smb",
        "bit" => "bittorrent-dht",
        _ => return None,
    })
}

#[test]
fn what_prads_and_p0f_name_is_found() {
    let Some(corpus) = captures::corpus() else { return };
    let each = std::env::var_os("DISCOVER_MISSES").is_some();
    let (mut services, mut products, mut clients, mut systems) =
        (Tally::default(), Tally::default(), Tally::default(), Tally::default());
    let mut extra: BTreeMap<String, u32> = BTreeMap::new();
    let (mut extra_systems, mut agreed, mut crafted) = (0u32, 0u32, 0u32);
    for (set, folder) in [("arkime", "arkime"), ("ndpi", "ndpi"), ("zeek", "zeek"), ("pcap", "pcap")] {
        let lines = std::fs::read_to_string(corpus.join(format!("peer/prads-p0f-{set}.jsonl"))).unwrap();
        for line in lines.lines() {
            let peer: Value = serde_json::from_str(line).unwrap();
            let name = peer["capture"].as_str().unwrap();
            let engine = discover(&corpus.join(folder).join(name));
            let found = engine.discovery().unwrap();
            let host = |address: IpAddr, vlan: u16| -> Option<&Host> {
                let key = HostKey { address, vlan };
                let plain = HostKey { address, vlan: 0 };
                found
                    .assets
                    .host(key)
                    .or(found.assets.trial(key))
                    .or(found.assets.host(plain))
                    .or(found.assets.trial(plain))
                    .or_else(|| found.assets.hosts().find(|(key, _)| key.address == address).map(|(_, host)| host))
            };
            let mut families: BTreeMap<IpAddr, BTreeSet<(&str, String)>> = BTreeMap::new();
            let mut theirs: BTreeSet<(IpAddr, u16)> = BTreeSet::new();
            for asset in peer["prads"].as_array().unwrap() {
                let Ok(address) = asset["asset"].as_str().unwrap().parse::<IpAddr>() else { continue };
                let vlan = asset["vlan"].as_u64().unwrap_or(0) as u16;
                let port = asset["port"].as_u64().unwrap() as u16;
                let proto = asset["proto"].as_u64().unwrap() as u8;
                let info = asset["info"].as_str().unwrap();
                let (kind, rest) = info.split_once(':').unwrap_or((info, ""));
                match asset["service"].as_str().unwrap() {
                    "SERVER" => {
                        theirs.insert((address, port));
                        let service = host(address, vlan).and_then(|host| {
                            host.services.iter().find(|service| service.port == port && service.proto == proto)
                        });
                        services.count(service.is_some(), || format!("{proto} {info}"));
                        if each && service.is_none() {
                            println!("service {name} {address} {port}/{proto} {info}");
                        }
                        if let Some(wanted) = protocol(kind) {
                            let same = service.is_some_and(|service| service.product.protocol == Some(wanted));
                            products.count(same, || {
                                format!("{info}: ours {:?}", service.map(|service| service.product.protocol))
                            });
                            if each && !same {
                                println!("product {name} {address} {port} {info}");
                            }
                        }
                    }
                    "CLIENT" => {
                        if let Some(wanted) = protocol(kind) {
                            let same = host(address, vlan).is_some_and(|host| {
                                host.clients.iter().any(|client| client.product.protocol == Some(wanted))
                            });
                            clients.count(same, || info.to_owned());
                            if each && !same {
                                println!("client {name} {address} {port} {info}");
                            }
                        }
                    }
                    what @ ("SYN" | "SYNACK") => {
                        if what == "SYNACK" {
                            theirs.insert((address, port));
                        }
                        // window:ttl:df:length:options:quirks:family:version
                        let parts: Vec<&str> = rest.split(':').collect();
                        if let Some(family) = parts.get(5).and_then(|os| family(os)) {
                            families.entry(address).or_default().insert((family, format!("prads {what} {info}")));
                        }
                    }
                    _ => {}
                }
            }
            for entry in peer["p0f"].as_array().unwrap() {
                let Some(address) = entry["host"].as_str().and_then(|host| host.parse::<IpAddr>().ok()) else {
                    continue;
                };
                let module = entry["mod"].as_str().unwrap_or_default();
                if let Some(family) = entry["os"].as_str().and_then(family) {
                    let note = format!("p0f {module} {} {}", entry["os"], entry["raw_sig"]);
                    families.entry(address).or_default().insert((family, note));
                }
                if module == "http response" {
                    let port = entry["srv"].as_str().and_then(|srv| srv.rsplit_once('/')?.1.parse::<u16>().ok());
                    let port = port.unwrap_or(0);
                    theirs.insert((address, port));
                    let service = host(address, 0).and_then(|host| {
                        host.services.iter().find(|service| service.port == port && service.proto == 6)
                    });
                    services.count(service.is_some(), || format!("p0f http response {}", entry["app"]));
                    products.count(service.is_some_and(|service| service.product.protocol == Some("http")), || {
                        format!("p0f http {}: ours {:?}", entry["app"], service.map(|service| service.product.protocol))
                    });
                }
            }
            for (address, wanted) in &families {
                let known: BTreeSet<&str> = host(*address, 0)
                    .map(|host| host.systems.iter().map(|seen| ours(seen.system.family)).collect())
                    .unwrap_or_default();
                // prads takes crafted SYNs without options for a Linux; we name the tool.
                let scapy = host(*address, 0).is_some_and(|host| {
                    host.clients.iter().any(|client| client.product.product.as_deref() == Some("Scapy"))
                });
                if scapy && wanted.iter().all(|(_, note)| note.starts_with("prads SYN 8192:")) {
                    crafted += 1;
                    continue;
                }
                let best = host(*address, 0).and_then(Host::system).map(|seen| ours(seen.system.family));
                let hit = best.is_some_and(|best| wanted.iter().any(|(family, _)| *family == best));
                agreed += u32::from(hit);
                systems.count(hit, || {
                    let (family, note) = wanted.first().unwrap();
                    if each {
                        println!("system {name} {address} {wanted:?} ours {best:?} of {known:?}");
                    }
                    format!("{family}, ours {best:?} ({})", note.chars().take(110).collect::<String>())
                });
            }
            for (key, host) in found.assets.hosts() {
                extra_systems += u32::from(host.system().is_some() && !families.contains_key(&key.address));
                for service in &host.services {
                    if !theirs.contains(&(key.address, service.port)) {
                        let what = service.product.protocol.unwrap_or("unknown");
                        if each {
                            println!("extra {name} {} {}/{} {what}", key.address, service.port, service.proto);
                        }
                        *extra.entry(format!("{} {what}", service.proto)).or_default() += 1;
                    }
                }
            }
        }
    }
    let services = services.share("services");
    let products = products.share("services with their protocol");
    let clients = clients.share("clients with their protocol");
    let systems = systems.share("hosts with their system's family");
    println!(
        "systems: {agreed} agree, {crafted} left aside (crafted by Scapy), {extra_systems} hosts have one that neither names"
    );
    let mut extra: Vec<_> = extra.into_iter().collect();
    extra.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    println!("services that neither names: {extra:?}");
    // Crafted ones as misses.
    let strict = 100.0 * f64::from(agreed) / (f64::from(agreed) * 100.0 / systems + f64::from(crafted));
    println!("systems with the crafted ones as misses: {strict:.1} %");
    assert!(services >= 95.0 && systems >= 80.0, "services {services:.1}, systems {systems:.1}");
    assert!(products >= 95.0 && clients >= 90.0, "protocols {products:.1}, clients {clients:.1}");
}
