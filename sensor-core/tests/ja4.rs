//! JA4 of the corpus: every value that its authors' two programs print is found, at its addresses and ports.
#![allow(clippy::print_stdout)]

mod captures;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use captures::{Stream, packets};
use sensor_core::discover::extract::{quic, tls};
use serde_json::Value;

type Ends = (IpAddr, u16, IpAddr, u16);

/// A hello's JA4, JA3 and server name.
type Hash = (String, String, Option<String>);

/// Hashes of each client's hellos by its ends.
fn hashes(path: &std::path::Path) -> BTreeMap<Ends, Vec<Hash>> {
    let mut streams: HashMap<Ends, Stream> = HashMap::new();
    let mut flights: HashMap<Ends, quic::Initial> = HashMap::new();
    let mut found: BTreeMap<Ends, Vec<Hash>> = BTreeMap::new();
    for packet in packets(path) {
        let ends = (packet.source, packet.source_port, packet.destination, packet.destination_port);
        let hellos = match packet.proto {
            6 => {
                let stream = streams.entry(ends).or_default();
                stream.segment(&packet.tcp, &packet.payload);
                tls_hellos(&stream.bytes)
            }
            17 => match tls::dtls(&packet.payload) {
                Some(tls::Dtls::Client(hello)) => vec![hello],
                _ => flights.entry(ends).or_default().datagram(&packet.payload).into_iter().collect(),
            },
            _ => Vec::new(),
        };
        for hello in hellos {
            let list = found.entry(ends).or_default();
            let entry = (hello.ja4, hello.ja3, hello.server_name);
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
    }
    found
}

/// The hellos of a stream, also behind a proxy's handshake.
fn tls_hellos(stream: &[u8]) -> Vec<tls::Client> {
    let Some(start) = stream.windows(6).take(256).position(|window| window[..2] == [22, 3] && window[5] == 1) else {
        return Vec::new();
    };
    let messages = tls::messages(&stream[start..]).0.into_iter();
    messages
        .filter_map(|message| match message {
            tls::Message::ClientHello(hello) => Some(hello),
            tls::Message::ServerHello(_) | tls::Message::Certificate(_) => None,
        })
        .collect()
}

#[test]
fn ja4_equals_its_authors_programs() {
    let Some(corpus) = captures::corpus() else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(corpus.join("ja4/expected.json")).unwrap()).unwrap();
    let (mut equal, mut wrong) = (0, Vec::new());
    for (capture, programs) in expected.as_object().unwrap() {
        let ours = hashes(&corpus.join(capture));
        for (program, flows) in programs.as_object().unwrap() {
            for flow in flows.as_array().unwrap() {
                let address = |key: &str| flow[key].as_str().unwrap().parse::<IpAddr>().unwrap();
                let port = |key: &str| flow[key].as_u64().unwrap() as u16;
                let ends = (address("src"), port("src_port"), address("dst"), port("dst_port"));
                let wanted: Vec<&str> = match &flow["ja4"] {
                    Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
                    Value::String(value) => vec![value],
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => continue,
                };
                let names: Vec<&str> =
                    ["tls_server_name", "server_name"].iter().filter_map(|key| flow[*key].as_str()).collect();
                for ja4 in wanted {
                    let hit = ours.get(&ends).is_some_and(|list| {
                        list.iter().any(|(ours, _, name)| {
                            ours == ja4 && (names.is_empty() || name.as_deref() == names.first().copied())
                        })
                    });
                    if hit {
                        equal += 1;
                    } else {
                        wrong
                            .push(format!("{capture} {program} {ends:?}: {ja4} {names:?}, ours {:?}", ours.get(&ends)));
                    }
                }
            }
        }
    }
    println!("{equal} equal");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(equal > 100, "{equal}");
}

/// nDPI computes the same hashes over its own captures, which have QUIC of many versions and odd hellos.
#[test]
fn hashes_equal_ndpis() {
    let Some(corpus) = captures::corpus() else { return };
    let (mut ja4, mut ja3, mut names) = ((0, 0), (0, 0), (0, 0));
    for case in std::fs::read_dir(corpus.join("ndpi/cases")).unwrap() {
        let case: Value = serde_json::from_slice(&std::fs::read(case.unwrap().path()).unwrap()).unwrap();
        let flows = case["flows"].as_array().unwrap();
        if flows.iter().all(|flow| flow["ja4"].is_null()) {
            continue;
        }
        let ours = hashes(&corpus.join("ndpi/cases").join(case["capture"].as_str().unwrap()));
        for flow in flows.iter().filter(|flow| flow["ja4"].is_string()) {
            let Ok(source) = flow["src"].as_str().unwrap().parse::<IpAddr>() else { continue };
            let Ok(destination) = flow["dst"].as_str().unwrap().parse::<IpAddr>() else { continue };
            let (from, to) = (flow["sport"].as_u64().unwrap() as u16, flow["dport"].as_u64().unwrap() as u16);
            let both = [(source, from, destination, to), (destination, to, source, from)];
            let found: Vec<&Hash> = both.iter().filter_map(|ends| ours.get(ends)).flatten().collect();
            let compare = |what: &str, tally: &mut (u32, u32), hit: bool| {
                tally.0 += u32::from(hit);
                tally.1 += 1;
                if !hit {
                    println!(
                        "{what} {} {both:?} {} {} {}: ours {found:?}",
                        case["capture"], flow["ja4"], flow["ja3"], flow["hostname"]
                    );
                }
            };
            let wanted = comparable(flow["ja4"].as_str().unwrap());
            compare("ja4", &mut ja4, found.iter().any(|(ours, _, _)| comparable(ours) == wanted));
            compare("ja3", &mut ja3, found.iter().any(|(_, ours, _)| Some(ours.as_str()) == flow["ja3"].as_str()));
            if let Some(name) = flow["hostname"].as_str() {
                let hit =
                    found.iter().any(|(_, _, ours)| ours.as_deref().is_some_and(|o| o.eq_ignore_ascii_case(name)));
                compare("name", &mut names, hit);
            }
        }
    }
    println!("ja4 {ja4:?}, ja3 {ja3:?}, names {names:?} (equal, of)");
    // Six flows lie in VXLAN, CAPWAP and TURN channels, which this reader of captures does not open. nDPI takes DTLS
    // 1.3 for 1.2 in one and an unknown version for SSL 3 in another, and names a mail server by its greeting in a third.
    assert!(ja4.1 > 80 && ja4.1 - ja4.0 <= 8, "ja4 {ja4:?}");
    assert!(ja3.1 - ja3.0 <= 6 && names.1 - names.0 <= 6, "ja3 {ja3:?}, names {names:?}");
}

/// A JA4 without what nDPI does otherwise than the hash's authors: it takes the first two characters of the protocol
/// where they take first and last, `d` where there is no server name and `i` where it is an address, and the hash of
/// nothing where they write zeros.
fn comparable(ja4: &str) -> String {
    let parts = [&ja4[..3], &ja4[4..8], &ja4[10..]];
    parts.concat().replace("e3b0c44298fc", "000000000000")
}
