//! Probing against what other programs say about the shared corpus, if it lies beside the repository.
//!
//! Frames are taken apart here by etherparse alone and TCP is followed by a plain check of sequence numbers, so that a
//! disagreement is the probers' and nobody else's. Flows inside tunnels are therefore not compared.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test's helpers"
)]

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use sensor_core::applayer::{AppProto, Ctx, Expectations, Prefixes, Probe, Side, Transport, Verdict};
use sensord::capture::Batch;
use sensord::capture::file::CaptureReader;
use serde_json::Value;

type End = (IpAddr, u16);
type Key = (bool, End, End);

#[derive(Default)]
struct Seen {
    probe: Probe,
    originator: Option<End>,
    midstream: bool,
    /// The next sequence number of each side, once one is known.
    next: [Option<u32>; 2],
    expected_asked: bool,
    /// How each side begins, for the eye.
    begins: [Vec<u8>; 2],
}

/// What is said of a flow.
#[derive(Default, Clone)]
struct Said {
    proto: Option<AppProto>,
    begins: String,
}

/// What the probers say of each flow of a capture.
fn probe(capture: &Path) -> HashMap<Key, Said> {
    let mut flows: HashMap<Key, Seen> = HashMap::new();
    let mut named: HashMap<Key, Said> = HashMap::new();
    let (mut prefixes, mut expectations) = (Prefixes::new(1024), Expectations::new(1024));
    let Ok(mut reader) = CaptureReader::open(capture) else { return named };
    let mut batch = Batch::default();
    while let Ok(more) = reader.fill(&mut batch) {
        for frame in &batch.frames {
            let data = &batch.arena[frame.offset as usize..(frame.offset + frame.captured) as usize];
            let Some(packet) = take_apart(frame.link, data) else { continue };
            let key = key(packet.udp, packet.from, packet.to);
            if packet.syn && !packet.ack {
                // A new connection between the same ends; what was said of the last one is kept unless it said nothing.
                if let Some(old) = flows.remove(&key) {
                    say(&mut named, key, &old);
                }
            }
            let fresh = !flows.contains_key(&key);
            let seen = flows.entry(key).or_default();
            if fresh {
                let swapped = packet.syn && packet.ack;
                seen.originator = Some(if swapped { packet.to } else { packet.from });
                seen.midstream = !packet.udp && !packet.syn;
            }
            let side = if seen.originator == Some(packet.from) { Side::ToServer } else { Side::ToClient };
            let originator = seen.originator.unwrap();
            let responder = if originator == packet.from { packet.to } else { packet.from };
            let flow = sensor_core::applayer::Flow {
                udp: packet.udp,
                originator: (wide(originator.0), originator.1),
                responder: (wide(responder.0), responder.1),
            };
            if !seen.expected_asked {
                seen.expected_asked = true;
                if let Some(proto) = expectations.take(flow, frame.time) {
                    seen.probe = Probe::expected(proto);
                }
            }
            let mut payload = packet.payload;
            if !packet.udp {
                let next = &mut seen.next[side as usize];
                let sequence = if packet.syn { packet.sequence.wrapping_add(1) } else { packet.sequence };
                if packet.syn || next.is_none() {
                    *next = Some(sequence);
                }
                let ahead = sequence.wrapping_sub(next.unwrap()) as i32;
                if ahead > 0 && seen.probe.verdict() == Verdict::NeedMore {
                    continue;
                }
                payload = payload.get((-ahead).max(0) as usize..).unwrap_or_default();
                *next = Some(next.unwrap().max(sequence.wrapping_add(packet.payload.len() as u32)));
            }
            let transport = match (packet.udp, seen.midstream) {
                (true, _) => Transport::Udp,
                (false, true) => Transport::TcpMidstream,
                (false, false) => Transport::Tcp,
            };
            let ctx = Ctx { transport, ports: (originator.1, responder.1) };
            if seen.begins[side as usize].is_empty() {
                seen.begins[side as usize] = payload.iter().take(40).copied().collect();
            }
            if let Verdict::Is(proto) = seen.probe.data(ctx, side, payload, &mut prefixes)
                && Expectations::wants(proto)
            {
                expectations.learn(proto, flow, side, payload, frame.time);
            }
        }
        if !more {
            break;
        }
        batch.clear();
    }
    for (key, seen) in &flows {
        say(&mut named, *key, seen);
    }
    named
}

fn say(named: &mut HashMap<Key, Said>, key: Key, seen: &Seen) {
    let proto = match seen.probe.verdict() {
        Verdict::Is(proto) => Some(proto),
        Verdict::NeedMore | Verdict::GiveUp => None,
    };
    let slot = named.entry(key).or_default();
    slot.proto = slot.proto.or(proto);
    slot.begins = format!("{} | {}", seen.begins[0].escape_ascii(), seen.begins[1].escape_ascii());
}

struct Taken<'a> {
    udp: bool,
    from: End,
    to: End,
    syn: bool,
    ack: bool,
    sequence: u32,
    payload: &'a [u8],
}

fn take_apart(link: u16, data: &[u8]) -> Option<Taken<'_>> {
    let sliced = match link {
        1 => LaxSlicedPacket::from_ethernet(data).ok()?,
        0 | 108 => LaxSlicedPacket::from_ip(data.get(4..)?).ok()?,
        113 => LaxSlicedPacket::from_ip(data.get(16..)?).ok()?,
        276 => LaxSlicedPacket::from_ip(data.get(20..)?).ok()?,
        12 | 14 | 101 | 228 | 229 => LaxSlicedPacket::from_ip(data).ok()?,
        _ => return None,
    };
    let (from, to) = match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        _ => return None,
    };
    match sliced.transport? {
        TransportSlice::Udp(udp) => Some(Taken {
            udp: true,
            from: (from, udp.source_port()),
            to: (to, udp.destination_port()),
            syn: false,
            ack: false,
            sequence: 0,
            payload: udp.payload(),
        }),
        TransportSlice::Tcp(tcp) => Some(Taken {
            udp: false,
            from: (from, tcp.source_port()),
            to: (to, tcp.destination_port()),
            syn: tcp.syn(),
            ack: tcp.ack(),
            sequence: tcp.sequence_number(),
            payload: tcp.payload(),
        }),
        _ => None,
    }
}

fn key(udp: bool, a: End, b: End) -> Key {
    if a <= b { (udp, a, b) } else { (udp, b, a) }
}

fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

/// A flow another program names, and its name in our spelling; `None` where it is one we do not name.
struct Expected {
    capture: PathBuf,
    key: Key,
    /// Any of these will do.
    names: Vec<String>,
}

fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if corpus.is_dir() {
        return Some(corpus);
    }
    eprintln!("skipped: no corpus beside the repository");
    None
}

fn end(value: &Value, address: &str, port: &str) -> Option<End> {
    let port = &value[port];
    let port = port.as_u64().or_else(|| port.as_str()?.parse().ok())?;
    Some((value[address].as_str()?.parse().ok()?, u16::try_from(port).ok()?))
}

fn cases(folder: &Path) -> Vec<(PathBuf, Value)> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder.join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path.parent().unwrap().join(case["capture"].as_str().unwrap()), case)
        })
        .collect()
}

fn zeek(corpus: &Path) -> Vec<Expected> {
    let mut all = Vec::new();
    for (capture, case) in cases(&corpus.join("zeek")) {
        for conn in case["logs"]["conn"].as_array().into_iter().flatten() {
            let (Some(proto), Some(service)) = (conn["proto"].as_str(), conn["service"].as_str()) else { continue };
            let (Some(a), Some(b)) = (end(conn, "id.orig_h", "id.orig_p"), end(conn, "id.resp_h", "id.resp_p")) else {
                continue;
            };
            if matches!(proto, "tcp" | "udp") {
                let names = service.split(',').map(|name| ours(name).to_owned()).collect();
                all.push(Expected { capture: capture.clone(), key: key(proto == "udp", a, b), names });
            }
        }
    }
    all
}

fn ndpi(corpus: &Path) -> Vec<Expected> {
    let mut all = Vec::new();
    for (capture, case) in cases(&corpus.join("ndpi")) {
        for flow in case["flows"].as_array().into_iter().flatten() {
            let Some(service) = flow["service"].as_str() else { continue };
            let udp = match (flow["l4"].as_str(), flow["ip_proto"].as_u64()) {
                (Some("tcp" | "TCP"), _) | (None, Some(6)) => false,
                (Some("udp" | "UDP"), _) | (None, Some(17)) => true,
                _ => continue,
            };
            let (Some(a), Some(b)) = (end(flow, "src", "sport"), end(flow, "dst", "dport")) else { continue };
            let names = service.split('.').take(1).map(|name| ours(&name.to_lowercase()).to_owned()).collect();
            all.push(Expected { capture: capture.clone(), key: key(udp, a, b), names });
        }
    }
    all
}

fn suricata(corpus: &Path, set: &str) -> Vec<Expected> {
    let mut all = Vec::new();
    let lines = std::fs::read_to_string(corpus.join(format!("peer/suricata-et-{set}.jsonl"))).unwrap();
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(capture) = case["capture"].as_str() else { continue };
        for flow in case["flows"].as_array().into_iter().flatten() {
            let (Some(proto), Some(app)) = (flow["proto"].as_str(), flow["app"].as_str()) else { continue };
            let (Some(a), Some(b)) = (end(flow, "src", "sport"), end(flow, "dst", "dport")) else { continue };
            if matches!(proto, "TCP" | "UDP") && app != "failed" {
                let names = vec![app.to_owned()];
                all.push(Expected { capture: corpus.join(set).join(capture), key: key(proto == "UDP", a, b), names });
            }
        }
    }
    all
}

/// Other programs' names in our spelling.
fn ours(name: &str) -> &str {
    match name {
        "ssl" | "smtps" | "imaps" | "pops" | "doh_dot" => "tls",
        "krb" | "krb_tcp" | "kerberos" => "krb5",
        "gssapi" | "ntlm" | "netbios.smbv1" | "smbv1" | "smbv23" => "smb",
        "dce_rpc" => "dcerpc",
        "ldap_tcp" | "ldap_udp" => "ldap",
        "syslog_tcp" => "syslog",
        "ftp_control" => "ftp",
        "ftp_data" => "ftp-data",
        "ipsec" => "ike",
        "vnc" => "rfb",
        "postgresql" => "pgsql",
        "mssql-tds" => "mssql",
        "iec60870" => "iec104",
        "ethernetip" => "enip",
        "ieee-c37118" => "synchrophasor",
        "ciscoskinny" => "skinny",
        "netbios" => "nbns",
        "gtp" => "gtpv1",
        "usenet" => "nntp",
        "s7commplus" => "s7comm",
        "someip" => "someip",
        "wsd" => "ws-discovery",
        other => other,
    }
}

/// Names that say the same at another depth, or where programs draw the line elsewhere.
fn agrees(wanted: &str, got: &str) -> bool {
    wanted == got
        || matches!(
            (wanted, got),
            ("dns", "mdns" | "llmnr" | "nbns")
                | ("gtpv1", "gtpv2" | "gtp-prime")
                | ("nbns", "nbdgm" | "smb")
                | ("nfs", "rpc")
                | ("bittorrent", "bittorrent-dht")
                | ("http2" | "doh2", "tls")
                | ("rdp", "rdpeudp")
                | ("rtp", "rtcp")
        )
}

/// Compares and prints a table; the share that agrees, in per cent, of the flows whose name is one of ours.
fn compare(title: &str, expected: &[Expected]) -> f64 {
    let mut probed: HashMap<&Path, HashMap<Key, Said>> = HashMap::new();
    let mut rows: BTreeMap<String, (u32, u32, BTreeMap<String, u32>)> = BTreeMap::new();
    let (mut good, mut all) = (0, 0);
    for flow in expected {
        let flows = probed.entry(&flow.capture).or_insert_with(|| probe(&flow.capture));
        let Some(got) = flows.get(&flow.key) else { continue };
        let known = flow.names.iter().any(|name| AppProto::from_name(name).is_some());
        let begins = &got.begins;
        let got = got.proto.map_or("-", AppProto::name);
        let same = flow.names.iter().any(|name| agrees(name, got));
        let row = rows.entry(flow.names.join(",")).or_default();
        row.0 += 1;
        if same {
            row.1 += 1;
        } else {
            let file = flow.capture.file_name().unwrap().to_string_lossy();
            *row.2.entry(format!("{got} in {file}: {begins}")).or_default() += 1;
        }
        if known {
            all += 1;
            good += u32::from(same);
        }
    }
    println!("{title}: {good} of {all} flows with a name of ours agree");
    for (name, (n, same, others)) in &rows {
        let others: Vec<_> = others.iter().map(|(other, n)| format!("\n      {n} {other}")).collect();
        println!("  {name}: {same}/{n}{}", others.concat());
    }
    100.0 * f64::from(good) / f64::from(all.max(1))
}

#[test]
fn zeek_agrees() {
    let Some(corpus) = corpus() else { return };
    assert!(compare("zeek", &zeek(&corpus)) >= 97.0);
}

#[test]
fn ndpi_agrees() {
    let Some(corpus) = corpus() else { return };
    assert!(compare("ndpi", &ndpi(&corpus)) >= 90.0);
}

#[test]
fn suricata_agrees() {
    let Some(corpus) = corpus() else { return };
    for set in ["pcap", "suricata-verify", "zeek", "ndpi", "arkime"] {
        assert!(compare(&format!("suricata on {set}"), &suricata(&corpus, set)) >= 92.0);
    }
}
