//! Captures of the corpus against what other programs make of them.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use sensor_core::stream::{Event, Settings, Side};

use super::capture::{Found, connections, corpus};
use super::conversation::Told;

type Ends = [(IpAddr, u16); 2];

/// What `tshark` gives for following the first streams of a capture: the ends, what each sent. `None` without tshark.
fn followed(file: &Path, streams: usize) -> Option<Vec<(Ends, [Vec<u8>; 2])>> {
    let mut command = Command::new("tshark");
    command.args(["-q", "-o", "tcp.desegment_tcp_streams:true", "-r"]).arg(file);
    for i in 0..streams {
        command.arg("-z").arg(format!("follow,tcp,raw,{i}"));
    }
    let text = String::from_utf8(command.output().ok()?.stdout).unwrap();
    let mut found = Vec::new();
    let node = |line: &str| {
        let (address, port) = line.rsplit_once(':')?;
        Some((address.trim().parse::<IpAddr>().ok()?, port.parse::<u16>().ok()?))
    };
    let mut lines = text.lines();
    let mut number = 0;
    while let Some(line) = lines.next() {
        if let Some(stream) = line.strip_prefix("Filter: tcp.stream eq ") {
            number = stream.trim().parse::<usize>().unwrap();
        }
        let Some(first) = line.strip_prefix("Node 0: ").and_then(node) else { continue };
        let Some(second) = lines.next().and_then(|line| line.strip_prefix("Node 1: ")).and_then(node) else { continue };
        let mut sent = [String::new(), String::new()];
        for line in lines.by_ref().take_while(|line| !line.starts_with("===")) {
            match line.strip_prefix('\t') {
                Some(hex) => sent[1].push_str(hex),
                None => sent[0].push_str(line),
            }
        }
        found.push((number, [first, second], sent.map(|hex| bytes(&hex))));
    }
    // It prints them in an order of its own.
    found.sort_by_key(|(number, ..)| *number);
    Some(found.into_iter().map(|(_, ends, sent)| (ends, sent)).collect())
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A side as tshark writes it: gaps are words.
fn as_followed(found: &Found, side: Side) -> Vec<u8> {
    let mut all = Vec::new();
    let told = &found.keeper.sides[side as usize];
    // Nothing after the last byte that was seen.
    let seen = told.iter().rposition(|told| matches!(told, Told::Data(_))).map_or(0, |last| last + 1);
    for told in &told[..seen] {
        match told {
            Told::Data(data) => all.extend(data),
            Told::Gap(len) => all.extend(format!("[{len} bytes missing in capture file]\0").bytes()),
            Told::End(_) => {}
        }
    }
    all
}

/// tshark differs where only one side was captured: without acknowledgements it shows nothing behind a hole.
fn agrees(ours: &[u8], theirs: &[u8], peer_seen: bool) -> bool {
    ours == theirs || (!peer_seen && ours.starts_with(theirs))
}

#[test]
fn streams_are_those_that_tshark_follows() {
    let Some(corpus) = corpus() else { return };
    let settings = Settings { depth: 0, midstream: true, one_sided: true, ..Settings::default() };
    let mut compared = 0;
    for folder in ["tcp", "http", "tls"] {
        for file in files(&corpus.join("pcap").join(folder)) {
            let Some(streams) = followed(&file, 40) else {
                println!("skipped: there is no tshark");
                return;
            };
            let mut ours: HashMap<Ends, Vec<Found>> = HashMap::new();
            for one in connections(&file, settings) {
                ours.entry(sorted(one.ends)).or_default().push(one);
            }
            for (ends, theirs) in streams {
                // Tunnels are not this test's affair.
                let Some(list) = ours.get_mut(&sorted(ends)) else { continue };
                assert!(!list.is_empty(), "{} {ends:?}", file.display());
                let one = list.remove(0);
                let mut mine = [Side::Client, Side::Server].map(|side| as_followed(&one, side));
                let mut seen = [1, 0].map(|side: usize| one.packets[side] > 0);
                if one.ends != ends {
                    mine.reverse();
                    seen.reverse();
                }
                for ((mine, theirs), peer_seen) in mine.iter().zip(&theirs).zip(seen) {
                    assert!(agrees(mine, theirs, peer_seen), "{} {ends:?} {:?}", file.display(), one.events);
                }
                compared += 1;
            }
        }
    }
    println!("{compared} connections compared");
    assert!(compared >= 150, "only {compared} connections compared");
}

fn sorted(mut ends: Ends) -> Ends {
    ends.sort();
    ends
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Suricata's names of alerts by the number of its rule, for those that its set has switched on and that alert.
fn stream_rules(corpus: &Path) -> HashMap<String, String> {
    let rules = std::fs::read_to_string(corpus.join("rules/suricata/stream-events.rules")).unwrap();
    let field = |rule: &str, key: &str| Some(rule.split_once(key)?.1.split(';').next()?.trim().to_owned());
    let alerting = rules.lines().filter(|rule| rule.starts_with("alert") && !rule.contains("noalert"));
    alerting
        .filter_map(|rule| Some((field(rule, "sid:")?, format!("stream.{}", field(rule, "stream-event:")?))))
        .collect()
}

/// Where Suricata 8.0.7 tells something else of a capture, and why.
const DIFFERENT: &[(&str, &[&str], &[&str], &str)] = &[
    (
        "pcaps/e1c6247ea40f84b2.pcap",
        &["stream.reassembly_overlap_different_data"],
        &[],
        "it keeps data until it is acknowledged and compares what is sent again; here it is with the reader at once",
    ),
    (
        "captures/pppoe-over-qinq.pcap",
        &["stream.closewait_fin_out_of_window", "stream.reassembly_overlap_different_data"],
        &[],
        "the same; and a FIN with data that was sent before is in the window for hosts (RFC 9293 section 3.10.7.4)",
    ),
    (
        "attack/sql_injection.pcap",
        &["stream.pkt_invalid_timestamp"],
        &[],
        "the SYN-ACK was captured before its SYN, so no timestamps were agreed on",
    ),
    (
        "captures/fuzz-2006-09-29-28586.pcap",
        &["stream.3whs_wrong_seq_wrong_ack"],
        &[],
        "the answering side's next data is taken as a sign that the handshake's ACK was missed",
    ),
    (
        "captures/smtp-decrypted.pcap",
        &["stream.fin_out_of_window", "stream.timewait_ack_wrong_seq"],
        &[],
        "made from two directions out of step: FINs that came twice are inside the window",
    ),
];

#[test]
fn stream_events_are_those_of_suricata() {
    let Some(corpus) = corpus() else { return };
    let rules = stream_rules(&corpus);
    let mut told = BTreeSet::new();
    let mut captures = 0;
    for set in ["suricata-verify", "pcap", "zeek", "ndpi", "arkime"] {
        let peer = std::fs::read_to_string(corpus.join(format!("peer/suricata-et-{set}.jsonl"))).unwrap();
        for line in peer.lines().filter(|line| !line.contains("\"error\":")) {
            let name = line.split_once("\"capture\": \"").unwrap().1.split('"').next().unwrap();
            let rule_hit = |sid: &String| line.contains(&format!("\"{sid}\": {{"));
            let theirs: BTreeSet<&str> =
                rules.iter().filter(|(sid, _)| rule_hit(sid)).map(|(_, event)| event.as_str()).collect();
            let found = connections(&corpus.join(set).join(name), Settings::default());
            let ours: BTreeSet<&str> = found
                .iter()
                .flat_map(|one| one.events.iter().map(|event| event.name()))
                .filter(|name| rules.values().any(|rule| rule == name))
                .collect();
            let explained = DIFFERENT.iter().find(|different| different.0 == name);
            let (missing, more) = explained.map_or((&[][..], &[][..]), |(_, missing, more, _)| (*missing, *more));
            assert_eq!(theirs.difference(&ours).copied().collect::<Vec<_>>(), missing, "{set}: {name}");
            assert_eq!(ours.difference(&theirs).copied().collect::<Vec<_>>(), more, "{set}: {name}");
            told.extend(ours.iter().map(|name| name.to_string()));
            captures += 1;
        }
    }
    println!("{captures} captures, events: {told:?}");
    assert!(captures > 1000 && told.len() >= 10);
}

#[test]
fn every_stream_event_of_suricatas_rules_has_its_name() {
    let Some(corpus) = corpus() else { return };
    let rules = std::fs::read_to_string(corpus.join("rules/suricata/stream-events.rules")).unwrap();
    let mut names = 0;
    for rule in rules.lines().filter_map(|line| line.split_once("stream-event:")) {
        let name = format!("stream.{}", rule.1.split(';').next().unwrap());
        assert!(Event::ALL.iter().any(|event| event.name() == name), "{name}");
        names += 1;
    }
    assert!(names > 60);
}
