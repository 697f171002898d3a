//! Discovery in EVE: `event_type` "discovery", what Suricata has no name for. One line a change.

use sensor_core::discover::maker::{format_mac, maker};
use sensor_core::discover::{Change, Event, Product};
use serde::Serialize;

use super::proto_name;

#[derive(Serialize)]
struct Line {
    timestamp: String,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<[u16; 1]>,
    src_ip: String,
    discovery: Told,
}

/// What changed; which of the fields are there depends on it.
#[derive(Default, Serialize)]
struct Told {
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_vendor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_mac: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    banner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ja4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hassh: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_evidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_confidence: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_source: Option<&'static str>,
}

/// Appends an event's line.
pub(super) fn write(line: &mut Vec<u8>, event: &Event) {
    let mut timestamp = Vec::with_capacity(32);
    super::time(&mut timestamp, event.time);
    let told = Line {
        timestamp: String::from_utf8(timestamp).unwrap_or_default(),
        event_type: "discovery",
        vlan: (event.vlan != 0).then_some([event.vlan]),
        src_ip: event.address.to_string(),
        discovery: told(&event.change),
    };
    // Strings and numbers into memory: nothing that could fail.
    let _ = serde_json::to_writer(&mut *line, &told);
    line.push(b'\n');
}

fn told(change: &Change) -> Told {
    let told = Told { change: change.name(), ..Told::default() };
    let card = |mac: [u8; 6], told: Told| Told { mac: Some(format_mac(mac)), mac_vendor: maker(mac), ..told };
    match change {
        Change::Host { mac: None } => told,
        Change::Host { mac: Some(mac) } => card(*mac, told),
        Change::MacChanged { from, to } => card(*to, Told { previous_mac: Some(format_mac(*from)), ..told }),
        Change::Service { port, proto, product } | Change::ServiceChanged { port, proto, product } => {
            let proto = proto_name(*proto).map_or_else(|| proto.to_string(), str::to_owned);
            with_product(product, Told { port: Some(*port), proto: Some(proto), ..told })
        }
        Change::Client { product } => with_product(product, told),
        Change::System { system, evidence } => Told {
            os: Some(system.family),
            os_version: Some(system.version).filter(|version| !version.is_empty()),
            os_evidence: Some(evidence.name()),
            os_confidence: Some(system.confidence),
            ..told
        },
        Change::Name { name, source } => Told { name: Some(name.clone()), name_source: Some(source.name()), ..told },
    }
}

fn with_product(known: &Product, told: Told) -> Told {
    Told {
        app_proto: known.protocol,
        product: known.product.clone(),
        version: known.version.clone(),
        banner: known.banner.clone(),
        ja4: known.ja4.clone(),
        hassh: known.hassh.clone(),
        ..told
    }
}
