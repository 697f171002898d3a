//! HTTP as captures hold it, against what their cases say.
#![allow(clippy::unwrap_used)]

mod captures;

use std::collections::HashMap;
use std::path::Path;

use sensor_core::applayer::http1::PROTOCOL;
use sensor_core::applayer::parser::{Context, FileState, Parser, Settings};
use sensor_core::applayer::{Side, Transport};
use sensor_core::rules::Buffer;

/// Each connection of a capture as it is parsed.
fn connections(path: &Path, settings: &Settings) -> Vec<Box<dyn Parser>> {
    type Connection = (Box<dyn Parser>, [captures::Stream; 2]);
    let mut list: Vec<Connection> = Vec::new();
    let mut places = HashMap::new();
    for packet in captures::packets(path).into_iter().filter(|packet| packet.proto == 6) {
        let (from, to) = ((packet.source, packet.source_port), (packet.destination, packet.destination_port));
        let (place, side) = match (places.get(&(from, to)), places.get(&(to, from))) {
            (Some(place), _) => (*place, Side::ToServer),
            (_, Some(place)) => (*place, Side::ToClient),
            _ => {
                let is_answer = packet.tcp.flags & 0x12 == 0x12;
                list.push(((PROTOCOL.parser)(settings), Default::default()));
                places.insert(if is_answer { (to, from) } else { (from, to) }, list.len() - 1);
                (list.len() - 1, if is_answer { Side::ToClient } else { Side::ToServer })
            }
        };
        let (parser, streams) = &mut list[place];
        let stream = &mut streams[usize::from(side == Side::ToClient)];
        let before = stream.bytes.len();
        stream.segment(&packet.tcp, &packet.payload);
        let port = if side == Side::ToServer { packet.destination_port } else { packet.source_port };
        let mut cx = Context {
            time: packet.time,
            transport: Transport::Tcp,
            ports: (0, port),
            settings,
            next: None,
            announced: None,
        };
        parser.data(side, &stream.bytes[before..], &mut cx);
    }
    let mut cx = Context { time: 0, transport: Transport::Tcp, ports: (0, 80), settings, next: None, announced: None };
    list.into_iter()
        .map(|(mut parser, _)| {
            parser.end(Side::ToServer, &mut cx);
            parser.end(Side::ToClient, &mut cx);
            parser
        })
        .collect()
}

/// What 254 kinds of broken responses hide is found, and their file named.
#[test]
fn evasions_are_seen_through() {
    let Some(corpus) = captures::corpus() else { return };
    let cases = corpus.join("suricata-verify/cases");
    let mut settings = Settings::default();
    settings.http.decompress_layers = 3;
    let (mut seen, mut missed) = (0, Vec::new());
    for entry in std::fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("http-evader") || name.ends_with("lzma") {
            continue;
        }
        let case: serde_json::Value = serde_json::from_slice(&std::fs::read(entry.join("case.json")).unwrap()).unwrap();
        let mut found = false;
        let expected =
            case["checks"].as_array().unwrap().iter().find_map(|check| check["match"]["fileinfo.filename"].as_str());
        for parser in connections(&entry.join(case["pcap"].as_str().unwrap()), &settings) {
            for transaction in parser.ids().filter_map(|id| parser.transaction(id)) {
                let mut scratch = Vec::new();
                let body = transaction.buffer(Buffer::FileData, Side::ToClient, 0, &mut scratch).unwrap_or_default();
                let has = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
                let named =
                    expected.is_none_or(|name| transaction.files().iter().any(|file| file.name == name.as_bytes()));
                found |= has(b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE") && has(b"X5O!P%@AP[4") && named;
            }
        }
        seen += 1;
        if !found {
            missed.push(name);
        }
    }
    missed.sort();
    assert!(seen > 100, "{seen}");
    assert_eq!(missed, Vec::<String>::new());
}

/// Records of transactions hold what Suricata's hold.
#[test]
fn records_are_as_cases_say() {
    let Some(corpus) = captures::corpus() else { return };
    let (mut checked, mut wrong) = (0, Vec::new());
    for name in ["http-ipv6", "http-options-method", "http-async", "http-protocol-nodup"] {
        let entry = corpus.join("suricata-verify/cases").join(name);
        let case: serde_json::Value = serde_json::from_slice(&std::fs::read(entry.join("case.json")).unwrap()).unwrap();
        let mut records = Vec::new();
        for parser in connections(&entry.join(case["pcap"].as_str().unwrap()), &Settings::default()) {
            for transaction in parser.ids().filter_map(|id| parser.transaction(id)) {
                let mut line = Vec::new();
                sensor_core::json::Object::write(&mut line, |object| transaction.eve(object));
                records.push(serde_json::from_slice::<serde_json::Value>(&line).unwrap());
            }
        }
        for check in case["checks"].as_array().unwrap() {
            let fields: Vec<_> = check["match"]
                .as_object()
                .unwrap()
                .iter()
                .filter_map(|(key, value)| Some((key.strip_prefix("http.")?, value)))
                .collect();
            if fields.is_empty() || check["match"]["event_type"] != "http" {
                continue;
            }
            checked += 1;
            if !records.iter().any(|record| fields.iter().all(|(key, value)| record[*key] == **value)) {
                wrong.push((name, format!("{fields:?} {records:?}")));
            }
        }
    }
    assert!(checked >= 4, "{checked}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Bytes that were not captured are missing from one file, and nothing else is.
#[test]
fn gaps_are_skipped() {
    let Some(corpus) = captures::corpus() else { return };
    for name in ["http-gap-simple", "http-gap-double"] {
        let entry = corpus.join("suricata-verify/cases").join(name);
        let case: serde_json::Value = serde_json::from_slice(&std::fs::read(entry.join("case.json")).unwrap()).unwrap();
        let packets = captures::packets(&entry.join(case["pcap"].as_str().unwrap()));
        let settings = Settings::default();
        let mut cx = Context {
            time: 0,
            transport: Transport::Tcp,
            ports: (0, 80),
            settings: &settings,
            next: None,
            announced: None,
        };
        let mut parser = (PROTOCOL.parser)(&settings);
        let client = packets[0].source_port;
        for side in [Side::ToServer, Side::ToClient] {
            let ours = packets.iter().filter(|packet| (packet.source_port == client) == (side == Side::ToServer));
            let mut segments: Vec<_> = ours.filter(|packet| !packet.payload.is_empty()).collect();
            let Some(mut next) = segments.first().map(|first| first.tcp.seq) else { continue };
            segments.sort_by_key(|packet| packet.tcp.seq.wrapping_sub(next));
            for packet in segments {
                let ahead = packet.tcp.seq.wrapping_sub(next) as i32;
                if ahead > 0 {
                    parser.gap(side, ahead as u64, &mut cx);
                    next = packet.tcp.seq;
                }
                let known = next.wrapping_sub(packet.tcp.seq) as usize;
                let fresh = packet.payload.get(known..).unwrap_or_default();
                parser.data(side, fresh, &mut cx);
                next = next.wrapping_add(fresh.len() as u32);
            }
        }
        parser.end(Side::ToServer, &mut cx);
        parser.end(Side::ToClient, &mut cx);
        let mut files: Vec<_> = parser
            .ids()
            .filter_map(|id| parser.transaction(id))
            .flat_map(|transaction| transaction.files().iter().map(|file| (file.size, file.state, file.gaps)))
            .collect();
        files.sort_by_key(|file| file.0);
        let whole = (14, FileState::Closed, false);
        assert_eq!(files, [whole, whole, (70, FileState::Truncated, true)], "{name}");
    }
}
