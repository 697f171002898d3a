//! Other rules take the place of those that run, between two packets.
#![allow(clippy::unwrap_used, reason = "what is not in a test's body is still for tests alone")]

use std::fmt::Write as _;
use std::sync::Arc;

use sensor_core::applayer::parser::Settings;
use sensor_core::applayer::protocols;
use sensor_core::detect::Rules;
use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::rules::{Ruleset, Variables};
use sensor_core::{Alerted, Engine, FlowSink, Frame};

const MILLISECOND: i64 = 1_000_000;

type Loaded = (Arc<Rules>, Arc<Ruleset>);

fn load(text: &str) -> Loaded {
    let mut set = Ruleset::new(Variables::default());
    set.read("t.rules", text.as_bytes());
    assert_eq!(set.refusals(), []);
    let (rules, refusals) = Rules::compile(&set, &[]);
    assert_eq!(refusals, []);
    (Arc::new(rules), Arc::new(set))
}

#[derive(Default)]
struct Told {
    flows: Vec<u64>,
    sids: Vec<u32>,
    rules: usize,
}

impl FlowSink for Told {
    fn flow(&mut self, flow: &Flow) {
        self.flows.push(flow.id());
    }

    fn alert(&mut self, alert: &Alerted<'_>) {
        self.sids.push(alert.rule.sid);
    }

    fn rules(&mut self, rules: &Arc<Ruleset>) {
        self.rules = rules.rules().len();
    }
}

struct Bed {
    engine: Engine,
    told: Told,
    time: i64,
}

impl Bed {
    fn new(first: Option<Loaded>) -> Bed {
        let (rules, ruleset) = first.map_or((None, Arc::default()), |(rules, set)| (Some(rules), set));
        let config = Config { rules, ruleset, discover: None, seed: 7, ..Config::default() };
        Bed { engine: Engine::new(config), told: Told::default(), time: 1_700_000_000_000_000_000 }
    }

    /// A UDP datagram from 10.0.0.1, whose port says which flow it is of; what it alerted.
    fn packet(&mut self, port: u16, payload: &str) -> Vec<u32> {
        let len = 8 + payload.len() as u16;
        let mut frame = vec![0u8; 12];
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend((20 + len).to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1]);
        frame.extend(port.to_be_bytes());
        frame.extend(53_000_u16.to_be_bytes());
        frame.extend(len.to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(payload.as_bytes());
        self.time += MILLISECOND;
        self.engine
            .ingest([Frame { time: self.time, link: 1, wire: frame.len() as u32, data: &frame }], &mut self.told);
        std::mem::take(&mut self.told.sids)
    }

    fn set(&mut self, (rules, set): Loaded) {
        self.engine.set_rules(rules, set, &mut self.told);
    }
}

#[test]
fn alerts_are_those_of_the_rules_that_run() {
    let mut bed = Bed::new(Some(load("alert udp any any -> any any (content:\"a\"; sid:1;)")));
    assert_eq!(bed.packet(1, "ab"), [1]);
    bed.set(load(
        "alert udp any any -> any any (content:\"b\"; sid:2;)\nalert udp any any -> any any (content:\"c\"; sid:3;)",
    ));
    assert_eq!(bed.told.rules, 2);
    assert_eq!(bed.packet(1, "ab"), [2]);
    assert_eq!(bed.packet(2, "abc"), [2, 3]);
    bed.set(load(""));
    assert_eq!(bed.packet(1, "abc"), [] as [u32; 0]);
    let rows = bed.engine.changed_after(0, 100).rows;
    let sids = rows.iter().flat_map(|row| &row.events).filter_map(|event| event.rule.as_ref());
    let mut sids: Vec<u32> = sids.map(|rule| rule.sid).collect();
    sids.sort_unstable();
    assert_eq!(sids, [1, 2, 2, 3], "rows keep what the rules before said");
}

#[test]
fn rules_may_come_to_an_engine_that_had_none() {
    let mut bed = Bed::new(None);
    assert_eq!(bed.packet(1, "a"), [] as [u32; 0]);
    bed.set(load("alert udp any any -> any any (content:\"a\"; sid:1;)"));
    assert_eq!((bed.packet(1, "a"), bed.packet(2, "a")), (vec![1], vec![1]));
}

#[test]
fn what_rules_keep_of_flows_and_hosts_goes_on() {
    let set = "alert udp any any -> any any (content:\"set\"; flowbits:set,seen; flowbits:noalert; sid:1;)\n";
    let ask = "alert udp any any -> any any (content:\"ask\"; flowbits:isset,seen; sid:2;)\n";
    let limit = "alert udp any any -> any any (content:\"often\"; threshold:type limit,track by_src,count 1,seconds 60; sid:3;)\n";
    // Others before and between, so that all numbers change.
    let other = "alert udp any any -> any any (content:\"zzz\"; flowbits:isset,other; priority:1; sid:4;)\n";
    let mut bed = Bed::new(Some(load(&format!("{set}{ask}{limit}"))));
    assert_eq!((bed.packet(1, "set"), bed.packet(1, "ask"), bed.packet(1, "often")), (vec![], vec![2], vec![3]));
    bed.set(load(&format!("{other}{limit}{ask}{set}")));
    assert_eq!((bed.packet(1, "ask"), bed.packet(2, "ask"), bed.packet(2, "often")), (vec![2], vec![], vec![]));
    // A rule that is gone takes what was kept of it along.
    bed.set(load(other));
    bed.set(load(&format!("{other}{limit}{ask}{set}")));
    assert_eq!((bed.packet(1, "ask"), bed.packet(1, "often")), (vec![], vec![3]));
}

#[test]
fn tens_of_thousands_of_rules_come_and_go_and_no_packet_or_flow_is_lost() {
    let many = |letter: char, sid: u32| {
        let mut text = format!("alert udp any any -> any any (content:\"mark-{letter}\"; sid:{sid};)\n");
        for n in 0..32_000_u32 {
            writeln!(text, "alert udp any any -> any any (content:\"{letter}{n:08}\"; sid:{};)", 1000 + n).unwrap();
        }
        load(&text)
    };
    let (first, second) = (many('x', 1), many('y', 2));
    let mut still = Bed::new(None);
    let mut bed = Bed::new(Some(first.clone()));
    let (mut before, mut after) = (0, 0);
    for n in 0..6_000_u16 {
        if n % 500 == 499 {
            let other = if n / 500 % 2 == 0 { second.clone() } else { first.clone() };
            bed.set(other);
        }
        let payload = if n % 2 == 0 { "mark-x" } else { "mark-y" };
        let sids = bed.packet(n % 700, payload);
        let first_runs = (n + 1) / 500 % 2 == 0;
        let expected: &[u32] = match (n % 2 == 0, first_runs) {
            (true, true) => &[1],
            (false, false) => &[2],
            _ => &[],
        };
        assert_eq!(sids, expected, "packet {n}");
        before += usize::from(sids == [1]);
        after += usize::from(sids == [2]);
        still.packet(n % 700, payload);
    }
    assert_eq!((before, after), (1500, 1500));
    bed.engine.finish(&mut bed.told);
    still.engine.finish(&mut still.told);
    let (stats, wanted) = (bed.engine.stats(), still.engine.stats());
    assert_eq!((stats.packets, stats.flows), (wanted.packets, wanted.flows));
    bed.told.flows.sort_unstable();
    still.told.flows.sort_unstable();
    assert_eq!(bed.told.flows, still.told.flows);
}

/// Files are hashed only if some rule asks for it: rules that come later ask too.
#[test]
fn hashes_of_files_asked_for_by_rules_that_came_later() {
    let mut set = Ruleset::new(Variables::default());
    set.read("t.rules", b"alert http any any -> any any (filemd5:known.md5; sid:1;)");
    set.provide("known.md5", b"5d41402abc4b2a76b9719d911017c592\n".to_vec());
    let (rules, refusals) = Rules::compile(&set, protocols::all());
    assert_eq!(refusals, []);
    let parse = Some(Settings::default());
    let config = Config { parse, midstream: true, discover: None, ..Config::default() };
    let mut engine = Engine::new(config);
    let mut told = Told::default();
    engine.set_rules(Arc::new(rules), Arc::new(set), &mut told);
    for (at, (request, payload)) in
        [(true, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"), (false, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
            .into_iter()
            .enumerate()
    {
        let (client, server) = (([10, 0, 0, 1], 40_000_u16), ([192, 0, 2, 1], 80_u16));
        let (from, to) = if request { (client, server) } else { (server, client) };
        let (seq, ack) = if request { (1_u32, 1_u32) } else { (1, 29) };
        let mut frame = vec![0u8; 12];
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend((40 + payload.len() as u16).to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        frame.extend(from.0.into_iter().chain(to.0));
        frame.extend(from.1.to_be_bytes().into_iter().chain(to.1.to_be_bytes()));
        frame.extend(seq.to_be_bytes().into_iter().chain(ack.to_be_bytes()));
        frame.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(payload.as_bytes());
        let time = 1_700_000_000_000_000_000 + at as i64 * MILLISECOND;
        engine.ingest([Frame { time, link: 1, wire: frame.len() as u32, data: &frame }], &mut told);
    }
    engine.finish(&mut told);
    assert_eq!(told.sids, [1]);
}
