//! Rules on several threads: all that comes out is the same as on one, whatever is shared between flows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Replay, in_repository, replay_with};

/// What flows of other hosts have to be known for: how often rules matched, bits of hosts and pairs, rates.
const RULES: &str = r#"alert tcp any any -> any any (msg:"opens"; flags:S; sid:1;)
alert tcp any any -> any any (msg:"every third"; flags:S; threshold:type threshold, track by_src, count 3, seconds 600; sid:2;)
alert tcp any any -> any any (msg:"first of a server"; flags:S; threshold:type limit, track by_dst, count 1, seconds 600; sid:3;)
alert tcp any any -> any any (msg:"many"; flags:S; detection_filter:track by_rule, count 4, seconds 600; sid:4;)
alert tcp any any -> any any (msg:"marks"; flags:S; xbits:set,seen,track ip_src,expire 600; noalert; sid:5;)
alert udp any any -> any any (msg:"marked"; xbits:isset,seen,track ip_src; sid:6;)
alert udp any any -> any 53 (msg:"asks"; hostbits:set,asked,src; noalert; sid:7;)
alert tcp any any -> any any (msg:"asked before"; flags:S; hostbits:isset,asked,src; sid:8;)
alert tcp any any -> any any (msg:"of a pair"; flags:S; xbits:set,pair,track ip_pair,expire 600; sid:9;)
alert tcp any any -> any any (msg:"again"; flags:SA; xbits:isset,pair,track ip_pair; sid:10;)
pass http any any -> any any (msg:"let go"; http.host; content:"pass."; sid:11;)
alert http any any -> any any (msg:"asked for"; flow:to_server; http.method; content:"GET"; sid:12;)
"#;

fn with(workers: &str, capture: &Path, rules: &str) -> Replay {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.rules");
    std::fs::write(&file, rules).unwrap();
    let replay = replay_with(capture, &["--rules", file.to_str().unwrap(), "--workers", workers]);
    assert_eq!(replay.code, Some(0), "{}", replay.said);
    replay
}

/// All records, in an order of their own: those of one frame may change places.
fn records(replay: &Replay) -> Vec<String> {
    let all = [&replay.events, &replay.found, &replay.others].into_iter().flatten();
    let mut all: Vec<String> = all.map(ToString::to_string).collect();
    all.sort();
    all
}

fn alerts(replay: &Replay) -> BTreeMap<u64, usize> {
    let sids = replay.others.iter().filter_map(|record| record["alert"]["signature_id"].as_u64());
    sids.fold(BTreeMap::new(), |mut counts, sid| {
        *counts.entry(sid).or_default() += 1;
        counts
    })
}

fn captures() -> Vec<PathBuf> {
    let folder = in_repository("tests/data/flows");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut captures: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|it| it == "pcap")).collect();
    captures.push(in_repository("tests/data/sample.pcap"));
    captures.sort();
    captures
}

#[test]
fn any_number_of_workers_gives_the_same_records() {
    let mut told: BTreeMap<u64, usize> = BTreeMap::new();
    for capture in captures() {
        let one = with("1", &capture, RULES);
        for workers in ["2", "5"] {
            let several = with(workers, &capture, RULES);
            assert_eq!(several.said, one.said, "{}", capture.display());
            let (several, one) = (records(&several), records(&one));
            let differ = several.iter().zip(&one).find(|(several, one)| several != one);
            assert_eq!(differ, None, "{} with {workers}", capture.display());
            assert_eq!(several.len(), one.len(), "{} with {workers}", capture.display());
        }
        for (sid, count) in alerts(&one) {
            *told.entry(sid).or_default() += count;
        }
    }
    // Each kind of what is shared was asked for.
    let told_of: Vec<u64> = told.into_keys().collect();
    assert_eq!(told_of, [1, 2, 3, 4, 6, 8, 9, 10, 12]);
}

#[test]
fn rules_that_cannot_be_shared_run_on_one_thread_and_are_named() {
    let sample = in_repository("tests/data/sample.pcap");
    let run = |rule: &str, said: &str| {
        let several = with("3", &sample, rule);
        assert!(several.said.contains(&format!("all flows are looked at on one thread: {said}")), "{}", several.said);
        assert_eq!(records(&several), records(&with("1", &sample, rule)));
        alerts(&several)
    };
    let told = run(
        r#"alert dns any any -> any any (msg:"new name"; dns.query; dataset:set,names,type string; sid:1;)"#,
        "rule 1:1: it changes a data set",
    );
    assert!(told[&1] > 0);
    run(
        r#"pass tcp any any -> any any (msg:"a few"; threshold:type limit, track by_src, count 1, seconds 60; sid:2;)"#,
        "rule 1:2: what it lets pass depends on other flows",
    );
    run(
        r#"alert tcp any any -> any any (msg:"both"; xbits:isset,a,track ip_src; flowbits:set,b; sid:3;)"#,
        "rule 1:3: what it keeps of a flow depends on other flows",
    );
}

#[test]
fn rows_are_the_same_for_any_number_of_workers() {
    let rows = |workers: &str| {
        let sample = in_repository("tests/data/sample.pcap");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sensord"));
        let output = command.arg("watch").arg(sample).args(["--workers", workers]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let one = rows("1");
    assert!(one.lines().count() > 20);
    assert_eq!(rows("3"), one);
}

#[test]
fn only_the_types_asked_for_are_written() {
    let sample = in_repository("tests/data/sample.pcap");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.rules");
    std::fs::write(&file, "alert http any any -> any any (msg:\"asked\"; http.method; content:\"GET\"; sid:1;)")
        .unwrap();
    let rules = ["--rules", file.to_str().unwrap()];
    let all = replay_with(&sample, &rules);
    let of = |all: &Replay, name: &str| records(all).into_iter().filter(|it| it.contains(name)).collect::<Vec<_>>();
    for workers in ["1", "2"] {
        let some = replay_with(&sample, &[&rules[..], &["--eve-types", "alert,dns", "--workers", workers]].concat());
        let (alerts, dns) = ("\"event_type\":\"alert\"", "\"event_type\":\"dns\"");
        let mut wanted = [of(&all, alerts), of(&all, dns)].concat();
        wanted.sort();
        assert!(!of(&all, alerts).is_empty() && !of(&all, dns).is_empty());
        assert_eq!(records(&some), wanted, "{workers} workers");
    }
    let unknown = replay_with(&sample, &["--eve-types", "alert,dnz"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.said.contains("no event type is called \"dnz\""), "{}", unknown.said);
}
