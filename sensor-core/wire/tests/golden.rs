//! The bytes of protocol 1. A released sensor or app writes exactly these, so they never change; a message that grows
//! gets a new line beside the old one, and both have to be read.

#![allow(clippy::unwrap_used, reason = "clippy allows it in the bodies of tests alone")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use sensor_wire::codec::{decode, encode};
use sensor_wire::event::{self, AlertEvent, DiscoveryEvent, Event, EventBody, Events, Gap, LogId, SystemSeen};
use sensor_wire::explain::{
    Asked, Attempt, Beside, Counts, Excluded, Excluding, ExplainAnswer, Explanation, FlowTried, Found, Outcome, Place,
    Step, StepState, Unexplained, unexplained,
};
use sensor_wire::flow::{Counters, EndReason, FlowState};
use sensor_wire::hello::{Hello, Limits, PROTOCOL};
use sensor_wire::host::{
    ClientRecord, HostRecord, Hosts, MacRecord, NameRecord, ProductRecord, ServiceRecord, SystemRecord,
};
use sensor_wire::live::{CaptureFailure, CaptureStatus, Live, SourceState, Status, failure};
use sensor_wire::request::{Done, FlowsAnswer, Request, Value, ValueColumn, ValueCount, ValuesAnswer};
use sensor_wire::row::{EventMessage, RuleAction, RuleNote};
use sensor_wire::rules::{
    RuleChecked, RuleCounts, RuleLine, RuleNeed, RuleNeeds, RulePart, RuleSetup, RuleState, RuleText, RuleVariable,
    RulesAnswer, RulesAsked,
};
use sensor_wire::{Addr, Few, FlowRecord, Row, RowKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

const GOLDEN: &str = include_str!("golden/protocol-1.txt");

/// Set to write the file from what is encoded now: for a new message, never for the bytes of a released version.
const REWRITE: &str = "NIGHTJAR_WRITE_GOLDEN";

#[test]
fn messages_are_written_and_read_as_ever() {
    let mut check = Check { golden: lines(), seen: BTreeMap::new() };
    check.message("hello", &hello());
    check.message("request live", &Request::Live { after: 300 });
    check.message("request flows", &Request::Flows { row: 7, offset: 1000, limit: 250 });
    check.message("request values", &Request::Values { row: 7, column: ValueColumn::ClientPort });
    check.message("request stop", &Request::Stop);
    let setup = RuleSetup {
        gives: true,
        starter: false,
        addresses: vec![("HOME_NET".into(), "10.0.0.0/8".into())],
        ports: vec![("HTTP_PORTS".into(), "[80,8080]".into())],
        off: vec![(1, 2_027_397)],
        on: vec![(1, 7)],
    };
    check.message("request set rules", &Request::SetRules(setup));
    let (search, state) = ("beacon".to_owned(), Some(RuleState::Refused));
    check.message("request rules", &Request::Rules(RulesAsked { search, state, offset: 200, limit: 100 }));
    check.message("request rule", &Request::Rule { gid: 1, sid: 2_027_397 });
    check.message("request check rules", &Request::CheckRules { text: "alert ip any any -> any any (sid:1;)".into() });
    let (addresses, ports) = (vec![("HOME_NET".into(), "10.0.0.0/8".into())], Vec::new());
    check.message("request check variables", &Request::CheckVariables { addresses, ports });
    let need = RuleNeed { name: "bad.lst".into(), beside: "a.rules".into() };
    check.message("rule needs", &RuleNeeds { files: vec![need] });
    check.message("rule part", &RulePart { name: "a.rules".into(), bytes: b"# a".to_vec(), last: true });
    let counts = RuleCounts { running: 3, refused: 1, disabled: 2, unreadable: vec!["b.rules: no such file".into()] };
    check.message("rule counts", &counts);
    let line = RuleLine {
        state: RuleState::Refused,
        gid: 1,
        sid: 7,
        rev: 2,
        severity: 1,
        message: "luajit: no scripts are run".into(),
        class: "trojan-activity".into(),
        file: "a.rules".into(),
        line: 12,
        column: 40,
    };
    let variables = vec![RuleVariable {
        port: true,
        name: "HTTP_PORTS".into(),
        value: "[80,8080]".into(),
        default: "80".into(),
        fault: String::new(),
    }];
    check.message("rules answer", &RulesAnswer { counts, total: 1, rules: vec![line.clone()], variables });
    let text = RuleText {
        line: line.clone(),
        text: "alert ip any any -> any any (sid:7;)".into(),
        class: "A Network Trojan was detected".into(),
        metadata: vec![("created_at".into(), "2019_01_01".into())],
        references: vec![("url".into(), "example.com".into())],
        without_effect: Vec::new(),
    };
    check.message("rule text", &vec![text.clone()]);
    check.message("rules checked", &RuleChecked { good: vec![text], bad: vec![line] });
    check.message("request hosts", &Request::Hosts { after: 9 });
    check.message("hosts", &hosts());
    check.message("request explain", &Request::Explain { gid: 1, sid: 2_027_397, flow: Some(1 << 52) });
    check.message("explain answer reading", &ExplainAnswer { read: 300, total: 70_000, ..ExplainAnswer::default() });
    check.message("explain answer told", &explained());
    let refused = Unexplained { code: unexplained::NO_PACKETS.into(), message: "No packets are kept.".into() };
    let refused = ExplainAnswer { refused: Some(refused), done: true, ..ExplainAnswer::default() };
    check.message("explain answer refused", &refused);
    check.message("live", &live());
    check.message("live alert", &Live { rows: vec![alert()], ..Live::default() });
    check.message("live reset", &Live { reset: true, ..Live::default() });
    for (name, state) in [
        ("status starting", SourceState::Starting),
        ("status ended", SourceState::Ended),
        ("status stopped", SourceState::Stopped),
        ("status failed", SourceState::Failed("a.pcap: cut at byte 9".into())),
    ] {
        check.message(name, &Status { state, ..Status::default() });
    }
    check.message("status capture", &capture());
    check.message("flows answer", &FlowsAnswer { total: 2, flows: vec![tcp(), icmp6()], gone: false, done: true });
    check.message("flows gone", &FlowsAnswer { gone: true, done: true, ..FlowsAnswer::default() });
    check.message("values answer", &values());
    check.message("done", &Done {});
    check.message("request events", &Request::Events { after: 70_000, log: Some(LogId([7; 16])) });
    check.message("request all events", &Request::Events { after: 0, log: None });
    check.message("events", &events());
    check.message("events none", &Events::default());
    check.message("event alert", &alert_event());
    check.message("event alert of no flow", &AlertEvent::default());
    check.message("event discovery", &discovery_event());
    check.message("event discovery bare", &DiscoveryEvent::default());
    if std::env::var_os(REWRITE).is_some() {
        let text: String = check.seen.iter().map(|(name, hex)| format!("{name}: {hex}\n")).collect();
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/protocol-1.txt"), text).unwrap();
        return;
    }
    let (golden, seen): (Vec<_>, Vec<_>) = (check.golden.keys().collect(), check.seen.keys().collect());
    assert_eq!(golden, seen, "each golden line is checked and each message has one");
}

/// Compares each message with its line, in both directions, and with a field that a newer peer might add.
struct Check {
    golden: BTreeMap<String, String>,
    seen: BTreeMap<String, String>,
}

impl Check {
    fn message<T: Serialize + DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, message: &T) {
        let bytes = encode(message).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.seen.insert(name.into(), hex.clone());
        if std::env::var_os(REWRITE).is_some() {
            return;
        }
        let golden = self.golden.get(name).unwrap_or_else(|| panic!("{name}: no golden line"));
        assert_eq!(&hex, golden, "{name}: the bytes have changed");
        assert_eq!(&decode::<T>(&unhex(golden)).unwrap(), message, "{name}");
        if let Some(longer) = with_one_more_field(&bytes) {
            assert_eq!(&decode::<T>(&longer).unwrap(), message, "{name}: with a field of a newer version");
        }
        assert!(decode::<T>(&bytes[..bytes.len() - 1]).is_err(), "{name}: cut short");
    }
}

/// `name: hex` per line.
fn lines() -> BTreeMap<String, String> {
    GOLDEN.lines().filter_map(|line| line.split_once(": ")).map(|(name, hex)| (name.into(), hex.into())).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The same map with the pair `"news": {"why": [1, nil]}` behind its last one; `None` for what isn't a map of fields.
fn with_one_more_field(map: &[u8]) -> Option<Vec<u8>> {
    const NEWS: &[u8] = b"\xa4news\x81\xa3why\x92\x01\xc0";
    let (count, rest) = match map {
        // The one-entry map of an enum's variant is no place for a field.
        [0x81, ..] if map.get(2).is_some_and(u8::is_ascii_uppercase) => return None,
        [head @ 0x80..=0x8f, rest @ ..] => (u16::from(head & 0x0f), rest),
        [0xde, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return None,
    };
    Some([&[0xde][..], &(count + 1).to_be_bytes(), rest, NEWS].concat())
}

#[test]
fn a_field_of_a_newer_version_is_passed_over_inside_a_variant_too() {
    #[derive(Serialize)]
    enum Newer {
        Live { after: u64, only: &'static str },
    }
    let bytes = encode(&Newer::Live { after: 3, only: "alerts" }).unwrap();
    assert_eq!(decode::<Request>(&bytes).unwrap(), Request::Live { after: 3 });
}

#[test]
fn what_an_older_version_does_not_write_has_its_default() {
    #[derive(Serialize)]
    struct OldHello {
        protocol: u32,
        name: &'static str,
        version: &'static str,
    }
    let old = decode::<Hello>(&encode(&OldHello { protocol: 1, name: "a", version: "b" }).unwrap()).unwrap();
    assert_eq!((old.protocol, old.time, old.zone.as_str(), old.limits), (1, 0, "", Limits::default()));

    #[derive(Serialize)]
    struct OldAnswer {
        total: u32,
        flows: [u8; 0],
        done: bool,
    }
    let old = decode::<FlowsAnswer>(&encode(&OldAnswer { total: 0, flows: [], done: true }).unwrap()).unwrap();
    assert!(!old.gone && old.done);

    // Records whose every field has a default: an empty map.
    assert_eq!(decode::<FlowRecord>(&[0x80]).unwrap(), FlowRecord::default());
    assert_eq!(decode::<Status>(&[0x80]).unwrap(), Status::default());
    assert_eq!(decode::<Limits>(&[0x80]).unwrap(), Limits::default());
    assert_eq!(decode::<Counters>(&[0x80]).unwrap(), Counters::default());
}

#[test]
fn a_row_of_an_older_version_is_read() {
    #[derive(Serialize)]
    struct OldRow {
        id: u64,
        rev: u32,
        kind: RowKind,
        first: i64,
        last: i64,
        proto: u8,
        bytes: u64,
        frame_bytes: u64,
        estimate: bool,
        packets: u64,
        flows: u32,
        open: u32,
        servers: Few<Addr>,
        clients: Few<Addr>,
        server_ports: Few<u16>,
        client_ports: Few<u16>,
    }
    let row = row();
    let old = OldRow {
        id: row.id,
        rev: row.rev,
        kind: row.kind,
        first: row.first,
        last: row.last,
        proto: row.proto,
        bytes: row.bytes,
        frame_bytes: row.frame_bytes,
        estimate: row.estimate,
        packets: row.packets,
        flows: row.flows,
        open: row.open,
        servers: row.servers,
        clients: row.clients,
        server_ports: row.server_ports,
        client_ports: row.client_ports,
    };
    let read = decode::<Row>(&encode(&old).unwrap()).unwrap();
    let expected = Row { app_protos: Vec::new(), states: [0; 3], events: Vec::new(), rank: None, ..row };
    assert_eq!(read, expected);
}

#[test]
fn what_is_needed_has_to_be_there() {
    assert!(decode::<Hello>(&[0x80]).is_err());
    assert!(decode::<Row>(&[0x80]).is_err());
    assert!(decode::<Request>(b"\xa6Unheard").is_err());
    assert!(decode::<Addr>(b"\xc4\x05\x01\x02\x03\x04\x05").is_err(), "an address has 4 or 16 bytes");
}

fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        name: "alpha".into(),
        version: "0.1.0".into(),
        time: 1_700_000_000_123_456_789,
        zone: "Europe/Berlin".into(),
        features: vec!["one".into(), "two".into()],
        limits: Limits { rows: 200_000, message: 4 << 20 },
    }
}

fn hosts() -> Hosts {
    let product = ProductRecord {
        protocol: "ssh".into(),
        product: "OpenSSH".into(),
        version: "9.2p1".into(),
        banner: "SSH-2.0-OpenSSH_9.2p1".into(),
        ja4: String::new(),
        hassh: "b12d2871a1189eff20364cf5333619ee".into(),
    };
    let host = HostRecord {
        address: Addr("192.0.2.7".parse().unwrap()),
        vlan: 12,
        first: 1,
        last: 9,
        macs: vec![MacRecord { address: "02:00:00:00:00:07".into(), maker: "Example".into(), first: 1, last: 8 }],
        names: vec![NameRecord {
            name: "seven.example".into(),
            source: "dns".into(),
            first: 2,
            last: 3,
            until: Some(60),
        }],
        systems: vec![SystemRecord {
            family: "Linux".into(),
            version: "5.x".into(),
            evidence: "syn".into(),
            confidence: 75,
            last: 4,
        }],
        services: vec![ServiceRecord { port: 22, proto: 6, product: product.clone(), first: 5, last: 6 }],
        services_total: 1,
        clients: vec![ClientRecord { product, first: 6, last: 7 }],
    };
    Hosts { seq: 300, hosts: vec![host, HostRecord::default()] }
}

fn events() -> Events {
    let event = |seq, kind, body| Event { seq, time: 1_700_000_000_000_000_000, kind, body };
    Events {
        log: LogId([7; 16]),
        first_available: 300,
        last: 70_002,
        events: vec![
            event(70_001, event::kind::ALERT, alert_event().body().unwrap()),
            event(70_002, event::kind::DISCOVERY, discovery_event().body().unwrap()),
        ],
        gaps: vec![Gap { first: 1, last: 70_000, reason: event::gap::EXPIRED.into() }],
        caught_up: true,
        unrecorded: 5,
        fault: "no room".into(),
    }
}

fn alert_event() -> AlertEvent {
    AlertEvent {
        gid: 1,
        sid: 2_027_397,
        rev: 4,
        message: "ET MALWARE Beacon".into(),
        class: "trojan-activity".into(),
        category: "A Network Trojan was detected".into(),
        severity: 1,
        action: RuleAction::Drop,
        frame: Some(300),
        place: event::place::TRANSACTION.into(),
        transaction: Some(2),
        flow: Some(0x0123_4567_89ab_cdef),
        client: Some(addr("198.51.100.7")),
        server: Some(addr("2001:db8::1")),
        client_port: 49_152,
        server_port: 443,
        to_client: true,
        proto: 6,
        vlans: vec![100, 7],
        app_proto: "tls".into(),
        community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=".into(),
    }
}

fn discovery_event() -> DiscoveryEvent {
    DiscoveryEvent {
        address: addr("192.0.2.7"),
        vlan: 12,
        change: "service".into(),
        severity: 3,
        mac: "02:00:00:00:00:07".into(),
        maker: "Example".into(),
        previous_mac: "02:00:00:00:00:08".into(),
        service: Some((22, 6)),
        product: Some(ProductRecord { protocol: "ssh".into(), ..ProductRecord::default() }),
        system: Some(SystemSeen {
            family: "Linux".into(),
            version: "5.x".into(),
            evidence: "syn".into(),
            confidence: 75,
        }),
        name: "seven.example".into(),
        name_source: "dns".into(),
    }
}

#[test]
fn an_event_of_a_newer_kind_is_passed_on() {
    let newer = Event { seq: 9, time: 5, kind: 250, body: b"\x93 of any form".to_vec() };
    let passed: Event = decode(&encode(&newer).unwrap()).unwrap();
    assert_eq!((passed.read().unwrap(), &passed), (EventBody::Unknown, &newer));
    let [alert, discovery] = events().events.try_into().unwrap();
    assert_eq!(alert.read().unwrap(), EventBody::Alert(Box::new(alert_event())));
    assert_eq!(discovery.read().unwrap(), EventBody::Discovery(Box::new(discovery_event())));
    assert!(Event { kind: event::kind::ALERT, ..discovery }.read().is_ok(), "maps tell their fields by name");
    assert!(Event { body: b"\xc1".to_vec(), ..alert }.read().is_err());
}

/// With every kind of step, place and outcome.
fn explained() -> ExplainAnswer {
    let step = |state, why: &str| Step { state, at: None, why: why.into() };
    let found =
        Found { buffer: "http.uri".into(), place: 1, size: 300, offset: 20, len: 3, from: 4, hex: "2f612f62".into() };
    let steps = vec![
        Step { state: StepState::Held, at: Some(found), why: String::new() },
        step(StepState::Failed, "is not there"),
        step(StepState::Waiting, ""),
        step(StepState::Untried, ""),
        step(StepState::Aside, ""),
    ];
    let best = Attempt {
        frame: Some(70_000),
        time: 1_700_000_000_000_000_000,
        to_client: true,
        place: Place::Transaction(3),
        outcome: Outcome::Failed,
        why: "suppressed".into(),
        header: step(StepState::Held, ""),
        steps,
    };
    let flow = |best, excluded| FlowTried {
        id: 1 << 52,
        client: "192.0.2.7".into(),
        client_port: 49_152,
        server: "2001:db8::1".into(),
        server_port: 80,
        proto: 6,
        app: "http".into(),
        first: 1,
        attempts: 4,
        matched: 2,
        alerts: 1,
        best,
        excluded,
    };
    let other = |place, outcome| Some(Attempt { place, outcome, ..Attempt::default() });
    let excluded = Excluded { by: Excluding::DestinationPort, flows: 9, why: "the server's port is 80".into() };
    let told = Explanation {
        gid: 1,
        sid: 2_027_397,
        rev: 3,
        message: "ET MALWARE Beacon".into(),
        file: "a.rules".into(),
        line: 12,
        off: true,
        header: "alert http any any -> any any".into(),
        options: vec![Asked { text: "content:\"a\"".into(), buffer: "http.uri".into() }],
        beside: vec![Beside { gid: 1, sid: 7, why: "sets flowbits seen".into(), refused: "lua".into() }],
        counts: Counts { flows: 9, met: 8, matched: 7, told: 6, alerts: 300, left_out: 5 },
        excluded: vec![excluded.clone()],
        flows: vec![
            flow(Some(best), None),
            flow(None, Some(excluded)),
            flow(other(Place::Packet, Outcome::Told), None),
            flow(other(Place::Stream, Outcome::Silent), None),
            flow(other(Place::Frame(7), Outcome::Failed), None),
        ],
    };
    let (read, total) = (70_000, 70_000);
    ExplainAnswer { read, total, told: Some(told.into()), refused: None, cut: "cut at byte 9".into(), done: true }
}

fn live() -> Live {
    Live {
        seq: 70_000,
        rows: vec![row(), no_ports()],
        reset: false,
        removed: vec![1, 300],
        status: Status {
            state: SourceState::Running,
            packet_time: 1_700_000_001_000_000_000,
            first_packet_time: 1_700_000_000_000_000_000,
            packets: 1_000_000,
            bytes_read: 5_000_000_000,
            bytes_total: 6_000_000_000,
            flows: 70_000,
            open_flows: 300,
            rows: 900,
            rows_evicted: 1,
            flows_forced: 2,
            drops: 3,
            anomalies: vec![("ipv4.truncated".into(), 4)],
            capture: None,
        },
    }
}

/// Of a live capture.
fn capture() -> Status {
    let failure = CaptureFailure {
        code: failure::INTERFACE_GONE.into(),
        message: "eth0 went away".into(),
        advice: String::new(),
    };
    let capture = CaptureStatus {
        interface: "eth0".into(),
        filter: "tcp".into(),
        received: 70_000,
        kernel_drops: 300,
        interface_drops: 2,
        queue_drops: 1,
        confinement: "confined".into(),
        failure: Some(failure),
    };
    Status { capture: Some(capture), drops: 303, ..Status::default() }
}

#[test]
fn a_status_of_a_capture_is_read_by_the_ui_too() {
    use sensor_wire::codec::{decode_compact, encode_compact};
    for status in [capture(), Status { drops: 7, ..Status::default() }] {
        // Arrays: the field that a replay leaves out is the last one.
        assert_eq!(decode_compact::<Status>(&encode_compact(&status).unwrap()).unwrap(), status);
        // And in the midst of others, as the app passes it on.
        let pair = (status.clone(), 5u8);
        assert_eq!(decode_compact::<(Status, u8)>(&encode_compact(&pair).unwrap()).unwrap(), pair);
    }
}

fn row() -> Row {
    Row {
        id: 300,
        rev: 2,
        kind: RowKind::Alert,
        first: 1_700_000_000_000_000_000,
        last: 1_700_000_000_500_000_000,
        proto: 6,
        bytes: 123_456,
        frame_bytes: 130_000,
        estimate: true,
        packets: 200,
        flows: 3,
        open: 1,
        servers: Few::One(addr("192.0.2.1")),
        clients: Few::Many(3),
        server_ports: Few::One(443),
        client_ports: Few::Many(2),
        app_protos: vec!["tls".into()],
        states: [0, 1, 2],
        events: vec![EventMessage { count: 2, ..EventMessage::new(1, "ET MALWARE Beacon".into()) }],
        rank: Some(-40),
    }
}

fn alert() -> Row {
    let note = RuleNote {
        gid: 1,
        sid: 2_027_397,
        rev: 4,
        class: "trojan-activity".into(),
        action: RuleAction::Drop,
        first: 1_700_000_000_100_000_000,
        last: 1_700_000_000_500_000_000,
    };
    let message = EventMessage::new(1, "ET MALWARE Beacon".into());
    Row { events: vec![EventMessage { count: 2, rule: Some(Box::new(note)), ..message }], ..row() }
}

fn no_ports() -> Row {
    Row {
        kind: RowKind::Flow,
        proto: 58,
        servers: Few::One(addr("2001:db8::1")),
        server_ports: Few::None,
        client_ports: Few::None,
        app_protos: Vec::new(),
        events: Vec::new(),
        rank: None,
        ..row()
    }
}

fn tcp() -> FlowRecord {
    FlowRecord {
        id: 0x0123_4567_89ab_cdef,
        client: addr("198.51.100.7"),
        server: addr("192.0.2.1"),
        client_port: 49_152,
        server_port: 443,
        proto: 6,
        icmp: None,
        vlans: vec![100, 7],
        first: 1_700_000_000_000_000_000,
        last: 1_700_000_000_500_000_000,
        to_server: Counters { packets: 5, frame_bytes: 700, payload_bytes: 300 },
        to_client: Counters { packets: 4, frame_bytes: 5_000, payload_bytes: 4_600 },
        estimate: true,
        midstream: true,
        state: FlowState::Closed,
        end: Some(EndReason::Timeout),
        tcp_flags: Some((0x1b, 0x1a)),
        tcp_state: "closed".into(),
        app_proto: "tls".into(),
        community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=".into(),
    }
}

fn icmp6() -> FlowRecord {
    FlowRecord {
        id: 2,
        client: addr("2001:db8::2"),
        server: addr("2001:db8::1"),
        proto: 58,
        icmp: Some((128, 0)),
        state: FlowState::New,
        ..FlowRecord::default()
    }
}

fn values() -> ValuesAnswer {
    let count = |value| ValueCount { value, flows: 1, packets: 2, bytes: 300 };
    ValuesAnswer {
        total: 3,
        values: vec![
            count(Value::Addr(addr("192.0.2.1"))),
            count(Value::Addr(addr("2001:db8::1"))),
            count(Value::Port(65_535)),
        ],
        gone: false,
        done: true,
    }
}

fn addr(text: &str) -> Addr {
    Addr(text.parse().unwrap())
}
