//! What is known of a host, in words. Pure.

use std::fmt::Write;

use sensor_wire::Timestamp;
use sensor_wire::host::{HostRecord, NameRecord, ProductRecord, ServiceRecord, SystemRecord};
use sensor_wire::view::{self, HostKey, ViewHost};

use crate::format;

/// Where a name stood.
pub fn name_source(source: &str) -> &str {
    match source {
        "dns" => "DNS",
        "dns_ptr" => "DNS pointer",
        "mdns" => "mDNS",
        "llmnr" => "LLMNR",
        "netbios" => "NetBIOS",
        "dhcp" => "DHCP",
        "smb" => "SMB",
        "krb5" => "Kerberos",
        "smtp" => "SMTP",
        "sni" => "TLS SNI",
        "certificate" => "TLS certificate",
        "http_host" => "HTTP Host",
        other => other,
    }
}

/// By what a system was told.
pub fn evidence(evidence: &str) -> &str {
    match evidence {
        "syn" => "its SYN",
        "syn_ack" => "its SYN-ACK",
        "dhcp" => "DHCP",
        "user_agent" => "User-Agent",
        "banner" => "a banner",
        "smb" => "SMB",
        other => other,
    }
}

/// `YYYY-MM-DD HH:MM:SS`, `utc_offset` seconds east of UTC.
pub fn moment(at: Timestamp, utc_offset: i32) -> String {
    let clock = format::clock_millis(at, utc_offset);
    let seconds = clock.split_once('.').map_or(clock.as_str(), |(seconds, _)| seconds);
    format!("{} {seconds}", format::date(at, utc_offset))
}

/// A time of a host's record, in the zone.
pub fn time(host: &ViewHost, at: Timestamp) -> String {
    moment(at, host.utc_offset(at))
}

/// A time of a host's record with the zone's offset then.
pub fn time_in_zone(host: &ViewHost, at: Timestamp) -> String {
    let offset = host.utc_offset(at);
    format!("{} {}", moment(at, offset), format::offset(offset))
}

/// `by DNS, valid until 2024-03-31 04:00:00`; `by TLS SNI` where nothing was told of how long it holds.
pub fn name_basis(host: &ViewHost, name: &NameRecord) -> String {
    let by = name_source(&name.source);
    match name.until {
        Some(until) => format!("by {by}, valid until {}", time(host, until)),
        None => format!("by {by}"),
    }
}

/// `Linux Ubuntu`.
pub fn system(seen: &SystemRecord) -> String {
    if seen.version.is_empty() { seen.family.clone() } else { format!("{} {}", seen.family, seen.version) }
}

/// `by its SYN, 70 %`.
pub fn system_basis(seen: &SystemRecord) -> String {
    format!("by {}, {} % sure", evidence(&seen.evidence), seen.confidence)
}

/// `22/tcp`.
pub fn port(service: &ServiceRecord) -> String {
    match service.proto {
        6 => format!("{}/tcp", service.port),
        17 => format!("{}/udp", service.port),
        132 => format!("{}/sctp", service.port),
        other => format!("{} of protocol {other}", service.port),
    }
}

/// What a service or a client is called, in any case.
pub fn program(product: &ProductRecord) -> String {
    match view::program(product) {
        title if title.is_empty() => "unknown".into(),
        title => title,
    }
}

/// The names of a host, best first; a name that stood in several places is one, with all of them.
pub fn names(record: &HostRecord) -> Vec<Vec<&NameRecord>> {
    let mut names: Vec<Vec<&NameRecord>> = Vec::new();
    for name in &record.names {
        let same =
            |known: &&mut Vec<&NameRecord>| known.iter().any(|other| other.name.eq_ignore_ascii_case(&name.name));
        match names.iter_mut().find(same) {
            Some(known) => known.push(name),
            None => names.push(vec![name]),
        }
    }
    names
}

/// `10.0.0.1`, `10.0.0.1 on VLAN 7`.
pub fn address(key: &HostKey) -> String {
    match key.vlan {
        0 => key.address.to_string(),
        vlan => format!("{} on VLAN {vlan}", key.address),
    }
}

/// A host as it is copied: a line for each thing that is known.
pub fn text(host: &ViewHost) -> String {
    let record = &host.record;
    let span = |first, last| format!("{} to {}", time(host, first), time(host, last));
    let mut text = format!("{} (seen by {})\n", address(&host.key), host.sensor);
    let mut line = |what: &str, words: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{what}: {words}");
    };
    line("First seen", time_in_zone(host, record.first));
    line("Last seen", time_in_zone(host, record.last));
    for name in &record.names {
        line("Name", format!("{}, {}", name.name, name_basis(host, name)));
    }
    for mac in &record.macs {
        let maker = if mac.maker.is_empty() { String::new() } else { format!(" ({})", mac.maker) };
        line("MAC", format!("{}{maker}, {}", mac.address, span(mac.first, mac.last)));
    }
    for seen in &record.systems {
        line("System", format!("{}, {}", system(seen), system_basis(seen)));
    }
    for service in &record.services {
        let extra = [("banner", &service.product.banner), ("HASSH", &service.product.hassh)];
        line(
            "Service",
            format!(
                "{} {}{}, {}",
                port(service),
                program(&service.product),
                named(&extra),
                span(service.first, service.last)
            ),
        );
    }
    for client in &record.clients {
        let product = &client.product;
        let extra = [("banner", &product.banner), ("JA4", &product.ja4), ("HASSH", &product.hassh)];
        line("Client", format!("{}{}, {}", program(product), named(&extra), span(client.first, client.last)));
    }
    text
}

fn named(texts: &[(&str, &String)]) -> String {
    texts.iter().filter(|(_, text)| !text.is_empty()).map(|(what, text)| format!(", {what} {text}")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use sensor_wire::host::MacRecord;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// A host whose record spans 2024-03-31T01:00:00Z, when Berlin's clocks go forward.
    pub(crate) fn host() -> ViewHost {
        let change = 1_711_846_800 * SECOND;
        let (first, last) = (change - SECOND, change);
        let address = sensor_wire::Addr("10.0.0.1".parse().unwrap());
        let product = ProductRecord {
            protocol: "ssh".into(),
            product: "OpenSSH".into(),
            version: "8.2p1".into(),
            banner: "SSH-2.0-OpenSSH_8.2p1".into(),
            ..ProductRecord::default()
        };
        let record = HostRecord {
            address,
            vlan: 7,
            first,
            last,
            macs: vec![MacRecord { address: "00:0c:29:01:02:03".into(), maker: "VMware, Inc.".into(), first, last }],
            names: vec![NameRecord {
                name: "files.example".into(),
                source: "dns".into(),
                first,
                last,
                until: Some(last),
            }],
            systems: vec![SystemRecord {
                family: "Linux".into(),
                version: String::new(),
                evidence: "syn".into(),
                confidence: 70,
                last,
            }],
            services: vec![ServiceRecord { port: 22, proto: 6, product, first, last }],
            services_total: 1,
            clients: Vec::new(),
        };
        let key = HostKey { source: 1, address, vlan: 7 };
        ViewHost { key, sensor: "lab".into(), record, utc_offsets: vec![(first, 3_600), (last, 7_200)] }
    }

    #[test]
    fn a_name_says_where_it_stood_and_until_when_it_holds_in_the_zone() {
        let host = host();
        let name = &host.record.names[0];
        assert_eq!(name_basis(&host, name), "by DNS, valid until 2024-03-31 03:00:00");
        assert_eq!(name_basis(&host, &NameRecord { until: None, source: "sni".into(), ..name.clone() }), "by TLS SNI");
    }

    #[test]
    fn a_name_that_stood_in_several_places_is_told_once() {
        let name =
            |name: &str, source: &str| NameRecord { name: name.into(), source: source.into(), ..NameRecord::default() };
        let names = vec![name("a.example", "dns"), name("b", "mdns"), name("A.example", "sni")];
        let record = HostRecord { names, ..HostRecord::default() };
        let told: Vec<Vec<&str>> =
            super::names(&record).iter().map(|same| same.iter().map(|name| name.source.as_str()).collect()).collect();
        assert_eq!(told, [vec!["dns", "sni"], vec!["mdns"]]);
    }

    #[test]
    fn a_copy_tells_all_with_each_time_at_its_own_offset() {
        let lines: Vec<String> = text(&host()).lines().map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "10.0.0.1 on VLAN 7 (seen by lab)",
                "First seen: 2024-03-31 01:59:59 UTC+1",
                "Last seen: 2024-03-31 03:00:00 UTC+2",
                "Name: files.example, by DNS, valid until 2024-03-31 03:00:00",
                "MAC: 00:0c:29:01:02:03 (VMware, Inc.), 2024-03-31 01:59:59 to 2024-03-31 03:00:00",
                "System: Linux, by its SYN, 70 % sure",
                "Service: 22/tcp OpenSSH 8.2p1, banner SSH-2.0-OpenSSH_8.2p1, 2024-03-31 01:59:59 to 2024-03-31 03:00:00",
            ]
        );
    }
}
