//! The search for patterns changes no alert: with it the same rules match as when each rule is looked at.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what is not in a test's body is still for tests alone")]

#[path = "captures/mod.rs"]
mod captures;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use proptest::prelude::*;
use sensor_core::applayer::{Side, parser, protocols};
use sensor_core::decode::{Packet, Tcp, TcpFlags};
use sensor_core::detect::{Detector, FlowState, FlowView, Output, PacketView, Place, Rules, Settings};
use sensor_core::engine::{Alerted, Config};
use sensor_core::flow::Flow;
use sensor_core::rules::{Ruleset, Variables};
use sensor_core::stream::Events;
use sensor_core::{Engine, FlowSink, Frame};

/// What happens to a flow.
#[derive(Debug, Clone)]
enum Step {
    Packet(Side, Vec<u8>),
    Data(Side, Vec<u8>),
    Flush(Side),
    Gap(Side, u64),
}

/// Alerts: the step, the rule and what it matched in.
fn run(rules: Rules, steps: &[Step], proto: u8) -> Vec<(usize, u32, Side, Place)> {
    let mut detector = Detector::new(Arc::new(rules), Settings { alerts: usize::MAX, ..Settings::default() });
    let address = |last: u8| u128::from(std::net::Ipv4Addr::from([10, 0, 0, last]).to_ipv6_mapped());
    let flow = FlowView {
        id: 1,
        addresses: [address(1), address(2)],
        ports: [40_000, 80],
        proto,
        app: None,
        established: true,
        first: 0,
        packets: [0, 0],
        bytes: [0, 0],
        payload: [0, 0],
    };
    let (mut state, mut out, mut told) = (FlowState::default(), Output::default(), Vec::new());
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Packet(side, payload) => {
                let [client, server] = flow.addresses;
                let to_server = *side == Side::ToServer;
                let packet = Packet {
                    source: if to_server { client } else { server },
                    destination: if to_server { server } else { client },
                    payload,
                    payload_len: payload.len() as u32,
                    proto,
                    tcp: Tcp { flags: TcpFlags(0x18), ..Tcp::default() },
                    ..Packet::default()
                };
                let view = PacketView {
                    packet: &packet,
                    side: *side,
                    streamed: proto == 6,
                    app_told: true,
                    anomalies: &[],
                    events: Events::NONE,
                };
                detector.packet(&flow, &mut state, view, &mut out);
            }
            Step::Data(side, bytes) => detector.data(&flow, &mut state, *side, 0, bytes, &mut out),
            Step::Flush(side) => detector.flush(&flow, &mut state, *side, 0, &mut out),
            Step::Gap(side, len) => detector.gap(&flow, &mut state, *side, 0, *len, &mut out),
        }
        detector.conclude(&mut state, 0, &mut out);
        told.extend(out.alerts.iter().map(|alert| (at, alert.rule, alert.side, alert.place)));
    }
    told
}

fn content() -> impl Strategy<Value = String> {
    let text = prop::collection::vec(prop::sample::select(vec!["a", "A", "b", "|00|", "[", "{"]), 1..7);
    let place = prop_oneof![
        Just(String::new()),
        Just("nocase;".to_string()),
        Just("startswith;".to_string()),
        (0_u8..6).prop_map(|offset| format!("offset:{offset};")),
        (0_u8..6, 7_u8..20).prop_map(|(offset, depth)| format!("nocase; offset:{offset}; depth:{depth};")),
        Just("fast_pattern;".to_string()),
    ];
    (prop::bool::weighted(0.15), text, place).prop_map(|(negated, text, place)| {
        let (not, place) = if negated { ("!", place.replace("fast_pattern;", "")) } else { ("", place) };
        format!("content:{not}\"{}\"; {place}", text.concat())
    })
}

fn rule() -> impl Strategy<Value = String> {
    let head = prop::sample::select(vec![
        "ip any any -> any any",
        "tcp any any -> any any",
        "udp any any -> any 80",
        "tcp any any -> any [80,90]",
        "tcp any 80 -> any any",
        "tcp-pkt any any <> any 80",
        "tcp-stream any any -> any !81",
        "tcp any any -> any 81",
    ]);
    (head, prop::collection::vec(content(), 0..3)).prop_map(|(head, contents)| format!("{head} ({}", contents.concat()))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = |most: usize| prop::collection::vec(prop::sample::select(b"aAbB\0[{".to_vec()), 1..most);
    let side = || prop_oneof![Just(Side::ToServer), Just(Side::ToClient)];
    let step = prop_oneof![
        (side(), bytes(40)).prop_map(|(side, bytes)| Step::Packet(side, bytes)),
        (side(), bytes(400)).prop_map(|(side, bytes)| Step::Data(side, bytes)),
        side().prop_map(Step::Flush),
        (side(), 1_u64..100).prop_map(|(side, len)| Step::Gap(side, len)),
    ];
    prop::collection::vec(step, 1..12)
}

proptest! {
    #[test]
    fn random_rules_match_as_without_it(
        rules in prop::collection::vec(rule(), 1..30), steps in steps(), tcp in any::<bool>()
    ) {
        let text: String =
            rules.iter().enumerate().map(|(sid, rule)| format!("alert {rule} sid:{};)\n", sid + 1)).collect();
        let mut set = Ruleset::new(Variables::default());
        set.read("t.rules", text.as_bytes());
        let proto = if tcp { 6 } else { 17 };
        let searched = run(Rules::compile(&set, &[]).0, &steps, proto);
        let all = run(Rules::compile_unsearched(&set, &[]).0, &steps, proto);
        prop_assert_eq!(searched, all, "{}", text);
    }
}

#[derive(Default)]
struct Alerts(Vec<(i64, u32, Side, Place)>);

impl FlowSink for Alerts {
    fn flow(&mut self, _: &Flow) {}

    fn alert(&mut self, alert: &Alerted<'_>) {
        self.0.push((alert.time, alert.rule.sid, alert.side, alert.place));
    }
}

fn alerts(rules: &Arc<Rules>, path: &Path) -> Alerts {
    let config = Config {
        parse: Some(parser::Settings::default()),
        rules: Some(Arc::clone(rules)),
        packet_alerts: usize::MAX,
        discover: None,
        window_ns: None,
        ..Config::default()
    };
    let (mut engine, mut alerts) = (Engine::new(config), Alerts::default());
    let data = std::fs::read(path).unwrap();
    captures::frames(&data, &mut |time, link, data| {
        engine.ingest([Frame { time, link, wire: data.len() as u32, data }], &mut alerts);
    });
    engine.finish(&mut alerts);
    alerts
}

fn small_captures(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            small_captures(&entry.path(), out);
        } else if entry.metadata().is_ok_and(|it| it.len() <= MOST_BYTES)
            && entry.path().extension().is_some_and(|it| it == "pcap" || it == "pcapng")
        {
            out.push(entry.path());
        }
    }
}

#[test]
fn published_rules_match_as_without_it() {
    let Some(corpus) = captures::corpus() else { return };
    let mut archive = Vec::new();
    let file = std::fs::File::open(corpus.join("rules/et-open/emerging.rules.tar.gz")).unwrap();
    GzDecoder::new(file).read_to_end(&mut archive).unwrap();
    let mut set = Ruleset::new(Variables::default());
    set.read("et-open", &archive);
    let searched = Arc::new(Rules::compile(&set, protocols::all()).0);
    let all = Arc::new(Rules::compile_unsearched(&set, protocols::all()).0);
    let mut files = Vec::new();
    small_captures(&corpus.join("pcap"), &mut files);
    files.sort_unstable();
    let mut told = 0;
    for path in files {
        let found = alerts(&searched, &path);
        told += found.0.len();
        assert_eq!(found.0, alerts(&all, &path).0, "{}", path.display());
    }
    assert!(told > 10, "{told} alerts");
}

/// Looking at every rule takes its time.
const MOST_BYTES: u64 = 20_000;
