//! Flows from packets: which give way, when they end, what fragments, ICMP errors and wrong checksums count for.

use sensor_core::engine::Config;
use sensor_core::flow::{CLIENT, Flow};
use sensor_core::{Engine, FlowSink, Frame, Limits};
use sensor_wire::flow::{EndReason, FlowState};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;
const SYN: u8 = 2;
const ACK: u8 = 16;
const RST: u8 = 4;

#[derive(Default)]
struct Ended(Vec<Flow>);

impl FlowSink for Ended {
    fn flow(&mut self, flow: &Flow) {
        self.0.push(flow.clone());
    }
}

impl Ended {
    fn client_ports(&self, reason: EndReason) -> Vec<u16> {
        self.0.iter().filter(|f| f.end == Some(reason)).map(Flow::client_port).collect()
    }
}

fn ipv4(source: [u8; 4], destination: [u8; 4], proto: u8, fragment: u16, body: &[u8]) -> Vec<u8> {
    let total = (20 + body.len() as u16).to_be_bytes();
    let fragment = fragment.to_be_bytes();
    [&[1; 12][..], &[0x08, 0x00, 0x45, 0], &total, &[0, 7], &fragment, &[64, proto, 0, 0], &source, &destination, body]
        .concat()
}

/// TCP from 10.0.0.1:`port` to 10.0.0.2:80, or back; with a wrong checksum if told.
fn tcp(port: u16, back: bool, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (ends, ports) =
        if back { (([10, 0, 0, 2], [10, 0, 0, 1]), (80, port)) } else { (([10, 0, 0, 1], [10, 0, 0, 2]), (port, 80)) };
    let seq = seq.to_be_bytes();
    let header =
        [&u16::to_be_bytes(ports.0)[..], &u16::to_be_bytes(ports.1), &seq, &[0; 4], &[0x50, flags, 1, 0, 0, 0, 0, 0]];
    ipv4(ends.0, ends.1, 6, 0, &[&header.concat()[..], payload].concat())
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = 8 + payload.len() as u16;
    let body = [&port.to_be_bytes()[..], &53u16.to_be_bytes(), &len.to_be_bytes(), &[0, 0], payload].concat();
    ipv4([10, 0, 0, 1], [10, 0, 0, 2], 17, 0, &body)
}

fn ingest(engine: &mut Engine, sink: &mut Ended, time: i64, data: &[u8]) {
    engine.ingest([Frame { time, link: 1, wire: data.len() as u32, data }], sink);
}

fn engine(flows: usize) -> Engine {
    let limits = Limits { flows, ..Limits::default() };
    Engine::new(Config { limits, window_ns: None, ..Config::default() })
}

#[test]
fn a_full_table_gives_up_the_flow_closed_longest_then_the_one_idle_longest() {
    let (mut engine, mut sink) = (engine(32), Ended::default());
    let mut time = START;
    let mut step = |engine: &mut Engine, sink: &mut Ended, data: Vec<u8>| {
        time += 1_000_000;
        ingest(engine, sink, time, &data);
    };
    for port in 2000..2032 {
        // Half of them UDP, whose timeout is shorter: the timer is not what decides.
        let frame = if port % 2 == 0 { udp(port, b"x") } else { tcp(port, false, 1, SYN, b"") };
        step(&mut engine, &mut sink, frame);
    }
    // The oldest is active again; two close, the later opened first.
    step(&mut engine, &mut sink, udp(2000, b"x"));
    step(&mut engine, &mut sink, tcp(2021, true, 1, RST, b""));
    step(&mut engine, &mut sink, tcp(2011, true, 1, RST, b""));
    assert_eq!(engine.flows_forced(), 0);
    for port in 3000..3006 {
        step(&mut engine, &mut sink, tcp(port, false, 1, SYN, b""));
    }
    assert_eq!(sink.client_ports(EndReason::Forced), [2021, 2011, 2001, 2002, 2003, 2004]);
    assert_eq!((engine.flows_forced(), engine.open_flows()), (6, 32));
}

/// More flows than a slab holds and than the first slots; opened and counted in one lot, so that what was read ahead is of
/// the table before the lot.
#[test]
fn each_packet_finds_its_flow_while_the_table_grows_and_places_are_taken_again() {
    let (mut engine, mut sink) = (engine(20_000), Ended::default());
    for round in 0..2 {
        // After an hour the first round's flows have ended and given their places back.
        let start = START + round * 3_600 * SECOND;
        let frames: Vec<Vec<u8>> = (1..=10_000).flat_map(|port| [udp(port, b"x"), udp(port, b"yy")]).collect();
        let frames = frames.iter().zip(start..);
        engine.ingest(frames.map(|(data, time)| Frame { time, link: 1, wire: data.len() as u32, data }), &mut sink);
        assert_eq!(engine.open_flows(), 10_000);
    }
    engine.finish(&mut sink);
    assert_eq!((engine.open_flows(), sink.0.len()), (0, 20_000));
    for (reason, flows) in [(EndReason::Timeout, &sink.0[..10_000]), (EndReason::Shutdown, &sink.0[10_000..])] {
        let mut ports: Vec<u16> = flows.iter().map(Flow::client_port).collect();
        ports.sort_unstable();
        assert!(ports.iter().copied().eq(1..=10_000));
        assert!(flows.iter().all(|f| f.end == Some(reason) && (f.packets(), f.payload_bytes()) == (2, 3)));
    }
}

#[test]
fn a_nearly_full_table_shortens_timeouts_until_there_is_room() {
    let (mut engine, mut sink) = (engine(100), Ended::default());
    for port in 2000..2080 {
        ingest(&mut engine, &mut sink, START, &udp(port, b"x"));
    }
    // 15 seconds are less than the timeout of 30, and more than the 10 of an emergency.
    for port in 3000..3010 {
        ingest(&mut engine, &mut sink, START + 15 * SECOND, &udp(port, b"x"));
    }
    assert_eq!((engine.flow_emergencies(), sink.0.len()), (0, 0));
    ingest(&mut engine, &mut sink, START + 15 * SECOND, &udp(4000, b"x"));
    assert_eq!((engine.flow_emergencies(), engine.flows_forced(), engine.open_flows()), (1, 0, 11));
    assert_eq!(sink.client_ports(EndReason::Timeout).len(), 80);
    // With room again the usual timeouts hold.
    ingest(&mut engine, &mut sink, START + 16 * SECOND, &udp(4001, b"x"));
    ingest(&mut engine, &mut sink, START + 40 * SECOND, &udp(4002, b"x"));
    assert_eq!((sink.0.len(), engine.open_flows()), (80, 13));
    ingest(&mut engine, &mut sink, START + 46 * SECOND, &udp(4003, b"x"));
    assert_eq!(sink.0.len(), 80 + 12);
}

#[test]
fn regression_flows_end_after_time_has_jumped_far_back() {
    let (mut engine, mut sink) = (engine(1000), Ended::default());
    ingest(&mut engine, &mut sink, START, &udp(2000, b"x"));
    let past = START - 86_400 * SECOND;
    for second in 0..5 {
        ingest(&mut engine, &mut sink, past + second * SECOND, &udp(3000, b"x"));
    }
    assert_eq!(engine.open_flows(), 2);
    ingest(&mut engine, &mut sink, past + 60 * SECOND, &udp(3001, b"x"));
    assert_eq!(sink.client_ports(EndReason::Timeout), [2000, 3000]);
    assert!(sink.0.iter().all(|f| f.first <= f.last));
}

#[test]
fn a_stray_from_the_past_ends_nothing() {
    let (mut engine, mut sink) = (engine(1000), Ended::default());
    ingest(&mut engine, &mut sink, START, &udp(2000, b"x"));
    ingest(&mut engine, &mut sink, 0, &udp(3000, b"x"));
    ingest(&mut engine, &mut sink, START + SECOND, &udp(2000, b"x"));
    assert_eq!((sink.0.len(), engine.open_flows()), (0, 2));
}

#[test]
fn an_icmp_error_belongs_to_the_open_flow_it_quotes() {
    let (mut engine, mut sink) = (engine(1000), Ended::default());
    let question = udp(2000, b"question");
    ingest(&mut engine, &mut sink, START, &question);
    let unreachable = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &question[14..42]].concat();
    // From the server, and from a router on the way.
    ingest(&mut engine, &mut sink, START, &ipv4([10, 0, 0, 2], [10, 0, 0, 1], 1, 0, &unreachable));
    ingest(&mut engine, &mut sink, START, &ipv4([10, 0, 0, 254], [10, 0, 0, 1], 1, 0, &unreachable));
    assert_eq!(engine.open_flows(), 1);
    // What quotes no open flow has its own.
    let other = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &udp(2001, b"question")[14..42]].concat();
    ingest(&mut engine, &mut sink, START, &ipv4([10, 0, 0, 2], [10, 0, 0, 1], 1, 0, &other));
    engine.finish(&mut sink);
    assert_eq!(sink.0.len(), 2);
    let flow = sink.0.iter().find(|f| f.key.proto == 17).unwrap();
    assert_eq!(flow.icmp_errors, [2, 0]);
    assert_eq!((flow.packets(), flow.frame_bytes()), (1, question.len() as u64));
}

#[test]
fn fragments_count_as_the_datagram_that_they_are() {
    let (mut engine, mut sink) = (engine(1000), Ended::default());
    let whole = udp(2000, &[7; 40]);
    let body = &whole[34..];
    for (at, end, more) in [(24, 48, false), (0, 24, true)] {
        let flags = (at / 8) as u16 | if more { 0x2000 } else { 0 };
        ingest(&mut engine, &mut sink, START, &ipv4([10, 0, 0, 1], [10, 0, 0, 2], 17, flags, &body[at..end]));
    }
    // A first fragment alone, of another flow's datagram: its ports are known, and its frame is not lost.
    let alone = ipv4([10, 0, 0, 3], [10, 0, 0, 2], 17, 0x2000, &body[..24]);
    ingest(&mut engine, &mut sink, START, &alone);
    engine.finish(&mut sink);
    let counts = |source: &str| {
        let flow = sink.0.iter().find(|f| f.client().0.to_string() == source).unwrap();
        (flow.client_port(), flow.packets(), flow.frame_bytes(), flow.payload_bytes())
    };
    assert_eq!(sink.0.len(), 2);
    assert_eq!(counts("10.0.0.1"), (2000, 1, whole.len() as u64, 40));
    assert_eq!(counts("10.0.0.3"), (2000, 1, alone.len() as u64, 16));
}

#[test]
fn a_packet_with_a_wrong_checksum_is_traffic_and_changes_no_state() {
    for (verify, state, payload) in [(true, "syn_sent", 0), (false, "closed", 4)] {
        let config = Config { verify_checksums: verify, window_ns: None, ..Config::default() };
        let (mut engine, mut sink) = (Engine::new(config), Ended::default());
        // A checksum of 0 was left to the network card.
        ingest(&mut engine, &mut sink, START, &tcp(2000, false, 1, SYN, b""));
        let mut evil = tcp(2000, false, 2, ACK, b"evil");
        evil[50] = 1;
        ingest(&mut engine, &mut sink, START, &evil);
        let mut reset = tcp(2000, true, 1, RST, b"");
        reset[50] = 1;
        ingest(&mut engine, &mut sink, START, &reset);
        engine.finish(&mut sink);
        let flow = &sink.0[0];
        assert_eq!((flow.tcp_state.name(), flow.payload_bytes(), flow.packets()), (state, payload, 3));
        let wrong = engine.stats().anomalies.ranked().into_iter().find(|(name, _)| *name == "tcp.invalid_checksum");
        assert_eq!(wrong.map_or(0, |(_, n)| n), if verify { 2 } else { 0 });
    }
}

/// A reset of which a fragment is missing: its receiver waits for the rest and keeps the connection.
#[test]
fn regression_a_reset_that_never_became_whole_resets_nothing() {
    let (mut engine, mut sink) = (engine(10), Ended::default());
    for (back, seq, flags) in [(false, 1, SYN), (true, 1, SYN | ACK), (false, 2, ACK)] {
        ingest(&mut engine, &mut sink, START, &tcp(1000, back, seq, flags, b""));
    }
    let reset = tcp(1000, false, 2, RST, &[0; 12]);
    // More fragments follow the first 24 bytes of TCP.
    ingest(&mut engine, &mut sink, START, &ipv4([10, 0, 0, 1], [10, 0, 0, 2], 6, 0x2000, &reset[34..58]));
    engine.finish(&mut sink);
    let [flow] = sink.0.as_slice() else { panic!("{:?}", sink.0) };
    assert_eq!((flow.state, flow.sides[CLIENT].packets), (FlowState::Established, 3));
}
