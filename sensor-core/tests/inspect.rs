//! The engine tells which protocol a flow carries, and holds to its bound while it finds out.

use std::sync::Arc;

use sensor_core::applayer::parser::Settings;
use sensor_core::applayer::{AppProto, protocols};
use sensor_core::detect::Rules;
use sensor_core::engine::Config;
use sensor_core::flow::Flow;
use sensor_core::rules::Ruleset;
use sensor_core::{Alerted, Engine, FlowSink, Frame, Limits};

#[derive(Default)]
struct Protocols(Vec<Option<AppProto>>);

impl FlowSink for Protocols {
    fn flow(&mut self, flow: &Flow) {
        self.0.push(flow.app);
    }
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const SYN_ACK: u8 = SYN | ACK;
const PSH_ACK: u8 = 8 | ACK;
const FIRST: u32 = 1_000;
const ANSWER: u32 = 9_000;

/// A TCP packet of a connection between 10.0.0.1:`port` and 10.0.0.2:7777, which is no protocol's port.
fn tcp(port: u16, from_client: bool, flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let ends = [([10, 0, 0, 1], port), ([10, 0, 0, 2], 7777)];
    let [from, to] = if from_client { ends } else { [ends[1], ends[0]] };
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((40 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(from.0);
    frame.extend(to.0);
    frame.extend(from.1.to_be_bytes());
    frame.extend(to.1.to_be_bytes());
    frame.extend(seq.to_be_bytes());
    frame.extend(ack.to_be_bytes());
    frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

fn handshake(port: u16) -> [Vec<u8>; 3] {
    [
        tcp(port, true, SYN, FIRST, 0, b""),
        tcp(port, false, SYN_ACK, ANSWER, FIRST + 1, b""),
        tcp(port, true, ACK, FIRST + 1, ANSWER + 1, b""),
    ]
}

fn engine(inspections: usize) -> Engine {
    let limits = Limits { inspections, ..Limits::default() };
    Engine::new(Config { limits, window_ns: None, ..Config::default() })
}

fn ingest(engine: &mut Engine, frames: &[Vec<u8>], sink: &mut Protocols) {
    let frames = frames.iter().zip(1_700_000_000_000_000_000..);
    engine.ingest(frames.map(|(data, time)| Frame { time, link: 1, wire: data.len() as u32, data }), sink);
}

#[test]
fn a_protocol_is_told_from_pieces_in_the_wrong_order_on_a_port_that_is_nobodys() {
    let request = b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
    let (head, tail) = request.split_at(3);
    let mut frames = handshake(40_000).to_vec();
    frames.push(tcp(40_000, true, PSH_ACK, FIRST + 1 + 3, ANSWER + 1, tail));
    let mut engine = engine(10);
    let mut sink = Protocols::default();
    ingest(&mut engine, &frames, &mut sink);
    assert_eq!(engine.inspections(), 1);
    ingest(&mut engine, &[tcp(40_000, true, PSH_ACK, FIRST + 1, ANSWER + 1, head)], &mut sink);
    ingest(
        &mut engine,
        &[tcp(40_000, false, PSH_ACK, ANSWER + 1, FIRST + 1 + request.len() as u32, b"HTTP/1.1 200 OK\r\n\r\n")],
        &mut sink,
    );
    assert_eq!(engine.inspections(), 0, "what is known is not read any further");
    engine.finish(&mut sink);
    assert_eq!(sink.0, [Some(AppProto::Http)]);
}

/// Sids of alerts.
#[derive(Default)]
struct Sids(Vec<u32>);

impl FlowSink for Sids {
    fn flow(&mut self, _: &Flow) {}

    fn alert(&mut self, alert: &Alerted<'_>) {
        self.0.push(alert.rule.sid);
    }
}

#[test]
fn what_is_added_to_a_body_that_was_complete_is_searched_too() {
    let text = br#"
alert http any any -> any any (http.request_body; content:"evil"; sid:1;)
alert http any any -> any any (http.request_body; content:"good"; sid:2;)
alert http any any -> any any (http.request_body; content:"33rd"; sid:3;)
"#;
    let mut set = Ruleset::default();
    set.read("t.rules", text);
    let (rules, refusals) = Rules::compile(&set, protocols::all());
    assert_eq!((set.refusals(), refusals), (&[][..], vec![]));
    let parse = Some(Settings::default());
    let config =
        Config { rules: Some(Arc::new(rules)), ruleset: Arc::new(set), parse, window_ns: None, ..Config::default() };
    let mut engine = Engine::new(config);
    let mut frames = handshake(40_000).to_vec();
    let mut seq = FIRST + 1;
    let mut late = vec![b"=evil\r\n".to_vec()];
    late.extend((0..40).map(|line| if line == 32 { b"=33rd\r\n".to_vec() } else { b"=more\r\n".to_vec() }));
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ngood".to_vec();
    for data in std::iter::once(post).chain(late) {
        frames.push(tcp(40_000, true, PSH_ACK, seq, ANSWER + 1, &data));
        seq += data.len() as u32;
        frames.push(tcp(40_000, false, ACK, ANSWER + 1, seq, b""));
    }
    let mut sink = Sids::default();
    let frames = frames.iter().zip(1_700_000_000_000_000_000..);
    engine.ingest(frames.map(|(data, time)| Frame { time, link: 1, wire: data.len() as u32, data }), &mut sink);
    engine.finish(&mut sink);
    // It is not searched with each line without end, but once more in the end.
    assert_eq!(sink.0, [2, 1, 3]);
}

#[test]
fn a_flood_of_handshakes_that_never_end_takes_no_place() {
    let mut engine = engine(4);
    let syns: Vec<_> = (1_000..2_000).map(|port| tcp(port, true, SYN, FIRST, 0, b"")).collect();
    ingest(&mut engine, &syns, &mut Protocols::default());
    assert_eq!((engine.open_flows(), engine.inspections(), engine.inspections_refused()), (1_000, 0, 0));
}

#[test]
fn past_the_bound_flows_stay_without_their_protocol_and_are_counted() {
    let mut engine = engine(4);
    let mut sink = Protocols::default();
    let frames: Vec<_> = (1_000..1_010).flat_map(handshake).collect();
    ingest(&mut engine, &frames, &mut sink);
    assert_eq!((engine.inspections(), engine.inspections_refused()), (4, 6));
    let greetings: Vec<_> = (1_000..1_010)
        .map(|port| tcp(port, false, PSH_ACK, ANSWER + 1, FIRST + 1, b"SSH-2.0-OpenSSH_9.2\r\n"))
        .collect();
    ingest(&mut engine, &greetings, &mut sink);
    engine.finish(&mut sink);
    assert_eq!(sink.0.iter().filter(|app| **app == Some(AppProto::Ssh)).count(), 4);
    assert_eq!(sink.0.iter().filter(|app| app.is_none()).count(), 6);
    assert_eq!(engine.inspections(), 0);
}

/// A request's second fragment is lost, and the others are given up for a stranger's before it is sent again.
#[test]
fn regression_fragments_that_never_became_whole_are_in_no_stream() {
    let request = b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
    let whole = tcp(40_000, true, PSH_ACK, FIRST + 1, ANSWER + 1, request);
    // Parts of the TCP segment: an offset in units of 8 bytes, more fragments follow, bytes.
    let fragment = |offset: u8, more: bool, bytes: &[u8]| {
        let mut frame = [&whole[..34], bytes].concat();
        frame[16..22].copy_from_slice(&[0, 20 + bytes.len() as u8, 0, 1, u8::from(more) << 5, offset]);
        frame
    };
    let segment = &whole[34..];
    let (head, tail) = (fragment(0, true, &segment[..24]), fragment(4, false, &segment[32..]));
    let mut stranger = head.clone();
    stranger[29] = 9;
    let defrag = sensor_core::decode::DefragLimits { datagrams: 1, ..Default::default() };
    let limits = Limits { defrag, ..Limits::default() };
    let mut engine = Engine::new(Config { limits, window_ns: None, ..Config::default() });
    let mut sink = Protocols::default();
    ingest(&mut engine, &handshake(40_000), &mut sink);
    ingest(&mut engine, &[head, tail, stranger, whole.clone()], &mut sink);
    assert_eq!(engine.stats().anomalies.get(sensor_core::Anomaly::DefragTrackers), 1);
    engine.finish(&mut sink);
    assert!(sink.0.contains(&Some(AppProto::Http)), "{:?}", sink.0);
}
