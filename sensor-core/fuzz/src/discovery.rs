//! What discovery is told of a handful of hosts: handshakes, first bytes, datagrams, hardware addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use sensor_core::discover::assets::MAX_MACS;
use sensor_core::discover::os::Syn;
use sensor_core::discover::{AssetLimits, DiscoverLimits, Discovery, Fact, NameLimits, Product, Seen, read};

use crate::frames::BEGIN;
use crate::input::Input;

/// Tables stay within their bounds, texts are short and without control characters, names can be asked for any time.
pub fn run(data: &[u8]) {
    // The signatures are read once.
    static EMPTY: OnceLock<Discovery> = OnceLock::new();
    let mut discovery = EMPTY.get_or_init(|| Discovery::new(LIMITS)).clone();
    let mut input = Input::new(data);
    let mut time = BEGIN;
    while !input.is_empty() {
        let (what, hosts) = (input.u8(), input.u8());
        time += i64::from(hosts >> 6) * 10_000_000_000;
        let from_server = what & 8 != 0;
        let ports = (port(&mut input), port(&mut input));
        let mut seen = Seen {
            time,
            vlan: u16::from(what >> 4 & 1),
            source: host(hosts & 7),
            source_port: ports.0,
            destination: host(hosts >> 3 & 7),
            destination_port: ports.1,
            mac: (what & 0x20 != 0).then_some([2, 0, 0, 0, 0, hosts & 7]),
            again: what & 0x40 != 0,
        };
        if from_server {
            (seen.source_port, seen.destination_port) = (ports.1, ports.0);
        }
        match what & 7 {
            0 | 1 => {
                let bytes = input.block();
                discovery.datagram(&seen, from_server, bytes);
            }
            2..=5 => stream(&mut discovery, &seen, from_server, &mut input),
            6 => {
                let mut mac = [0; 6];
                mac.iter_mut().zip(input.bytes(6)).for_each(|(to, from)| *to = *from);
                discovery.hardware(time, seen.vlan, seen.source, mac);
            }
            _ => {
                let (ttl, window, identification) = (input.u8(), input.u16(), input.u16());
                let n = usize::from(input.u8() & 63).min(40);
                let options = input.bytes(n);
                let v6 = seen.source.is_ipv6();
                let dont_fragment = what & 0x40 != 0;
                let syn = Syn { answer: from_server, v6, ttl, identification, dont_fragment, window, options };
                discovery.syn(&seen, &syn, what & 0x80 != 0);
                discovery.established(&seen);
            }
        }
        check(&discovery);
        if what & 0x80 != 0 {
            assert!(discovery.assets.take_events().count() <= LIMITS.assets.events);
        }
        discovery.names.best(seen.destination, time);
    }
}

/// The first bytes of a side, in prefixes that grow as its segments come.
fn stream(discovery: &mut Discovery, seen: &Seen, from_server: bool, input: &mut Input<'_>) {
    let step = usize::from(input.u8()).max(1) * 16;
    let bytes = input.block();
    let mut end = 0;
    for _ in 0..64 {
        end = (end + step).min(bytes.len());
        let prefix = &bytes[..end];
        let reading = read::stream(prefix, from_server, seen.destination_port);
        reading.facts.iter().for_each(check_fact);
        if !discovery.stream(seen, from_server, prefix) || end == bytes.len() {
            return;
        }
    }
}

fn check(discovery: &Discovery) {
    let Discovery { assets, names, .. } = discovery;
    assert!(assets.len() <= LIMITS.assets.hosts && assets.trials().count() <= LIMITS.assets.trials);
    assert!(assets.bytes() <= LIMITS.assets.bytes || assets.len() == 1, "{} bytes", assets.bytes());
    assert!(names.len() <= LIMITS.names.addresses);
    assert!(names.bytes() <= LIMITS.names.bytes || names.len() == 1, "{} bytes", names.bytes());
    for (_, host) in assets.hosts().chain(assets.trials()) {
        assert!(host.macs.len() <= MAX_MACS && host.last >= host.first);
        assert!(host.services.len() <= LIMITS.assets.services && host.clients.len() <= LIMITS.assets.clients);
        host.services.iter().for_each(|service| check_product(&service.product));
        host.clients.iter().for_each(|client| check_product(&client.product));
    }
    for address in (0..8).map(host) {
        let names = names.of(address);
        assert!(names.len() <= LIMITS.names.names);
        names.iter().for_each(|name| check_text(&name.name));
    }
}

fn check_fact(fact: &Fact) {
    match fact {
        Fact::Service(product) | Fact::Client(product) => check_product(product),
        Fact::Name { name, .. } => check_text(name),
        Fact::System { .. } | Fact::Hardware { .. } => {}
    }
}

fn check_product(product: &Product) {
    let Product { product: name, version, banner, .. } = product;
    [name, version, banner].into_iter().flatten().for_each(|text| check_text(text));
}

fn check_text(text: &str) {
    assert!(text.len() <= 255, "{} bytes: {text:?}", text.len());
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
}

/// Ports whose protocols are read, by a byte; or any.
fn port(input: &mut Input<'_>) -> u16 {
    match input.u8() {
        0xff => input.u16(),
        n => PORTS.get(usize::from(n)).copied().unwrap_or(40_000 + u16::from(n)),
    }
}

/// Writes a port as [`port`] reads it.
#[allow(dead_code, reason = "the maker of seeds uses it, the replay of the corpus does not")]
pub fn write_port(out: &mut Vec<u8>, port: u16) {
    match PORTS.iter().position(|known| *known == port) {
        Some(n) => out.push(n as u8),
        None => {
            out.push(0xff);
            out.extend(port.to_be_bytes());
        }
    }
}

fn host(n: u8) -> IpAddr {
    if n & 4 == 0 {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, n))
    } else {
        IpAddr::V6(Ipv6Addr::from(0xfe80_u128 << 112 | u128::from(n)))
    }
}

const PORTS: [u16; 28] = [
    53, 67, 68, 137, 138, 5353, 5355, 443, 80, 22, 25, 21, 110, 143, 445, 139, 88, 389, 3389, 3306, 1433, 5432, 6379,
    1900, 161, 123, 5060, 8080,
];

const LIMITS: DiscoverLimits = DiscoverLimits {
    assets: AssetLimits { hosts: 4, trials: 2, services: 3, clients: 3, bytes: 8192, events: 8 },
    names: NameLimits { addresses: 4, names: 3, bytes: 2048 },
    flights: 2,
};
