//! Rule files, and the files beside them, read, compiled and run over a few packets.

use std::fmt::Write;
use std::sync::Arc;

use sensor_core::applayer::{parser, protocols};
use sensor_core::detect::{Compiled, Rules};
use sensor_core::engine::{Alerted, Config};
use sensor_core::flow::Flow;
use sensor_core::rules::{Kind, Ruleset, Variables};
use sensor_core::{Engine, FlowSink, Frame};

use crate::frames::BEGIN;

/// Every rule is loaded or refused with its place and a reason, what it is compiled to grows with its text, and what
/// matches is a rule of the set.
///
/// The input is text, so that a dictionary and edits keep to its form: rules, then behind a zero byte each
/// `threshold.config`, `classification.config`, variables as lines `NAME=value` (`NAME:=value` for ports), and a file
/// that rules name.
pub fn run(data: &[u8]) {
    run_in(data, || 0);
}

/// The same, with a way to ask how many bytes are allocated.
pub fn run_in(data: &[u8], allocated: fn() -> usize) {
    let before = allocated();
    let mut parts = data.split(|byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (text, thresholds, classes, variables, file) = (next(), next(), next(), next(), next());
    let mut set = Ruleset::new(read_variables(variables));
    set.read_classes("classification.config", classes);
    set.read_thresholds("threshold.config", thresholds);
    let beside = set.refused();
    set.read("fuzz.rules", text);
    let wanted: Vec<String> = set.wanted().iter().map(|(name, _)| (*name).to_owned()).collect();
    wanted.iter().for_each(|name| set.provide(name, file.to_vec()));
    check_read(&set, text, beside);

    let (rules, refusals) = Rules::compile(&set, protocols::all());
    assert_eq!(rules.rules().len() + refusals.len(), set.loaded(), "{refusals:?}");
    for refusal in &refusals {
        assert!(refusal.enabled && refusal.line > 0 && refusal.column > 0 && !refusal.reason.is_empty(), "{refusal:?}");
        assert!(set.rules().iter().any(|rule| Some(rule.sid) == refusal.sid), "{refusal:?}");
    }
    let held = allocated().saturating_sub(before);
    assert!(held <= FIXED + data.len() * A_BYTE, "{held} bytes are held for {} of text", data.len());
    packets(rules, set, text);
}

/// What is printed of a rule is read as the same; each line that holds a rule is counted once.
fn check_read(set: &Ruleset, text: &[u8], beside: usize) {
    assert_eq!(set.left_out(), 0);
    assert_eq!(set.loaded() + set.refused() - beside, lines(text));
    let enabled = set.rules().iter().filter(|rule| rule.enabled).count();
    assert_eq!(enabled, set.loaded());
    for refusal in set.refusals() {
        assert!(set.files().get(refusal.file as usize).is_some(), "{refusal:?}");
        assert!(refusal.line > 0 && refusal.column > 0 && !refusal.reason.is_empty(), "{refusal:?}");
    }
    for rule in set.rules() {
        let printed = rule.to_string();
        let mut again = Ruleset::new(set.variables().clone());
        again.read("again", printed.as_bytes());
        assert!(again.refusals().is_empty(), "{printed}: {:?}", again.refusals());
        assert!(again.rules()[0].same(rule), "{printed}\n{rule:?}\n{:?}", again.rules()[0]);
    }
}

/// How many rules a file asks to be run: its lines that are neither empty nor comments, continued ones joined.
fn lines(text: &[u8]) -> usize {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let (mut count, mut joined, mut continued) = (0, Vec::new(), false);
    let physical: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    for (at, line) in physical.iter().enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let comment = !continued && line.trim_ascii_start().starts_with(b"#");
        let more = line.strip_suffix(b"\\").filter(|_| !comment);
        joined.extend_from_slice(more.unwrap_or(line));
        continued = more.is_some() && at + 1 < physical.len();
        if !continued {
            count += usize::from(!joined.trim_ascii().is_empty() && !joined.trim_ascii_start().starts_with(b"#"));
            joined.clear();
        }
    }
    count
}

fn read_variables(text: &[u8]) -> Variables {
    let mut variables = Variables::default();
    for line in String::from_utf8_lossy(text).lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let (kind, name) = name.strip_suffix(':').map_or((Kind::Address, name), |name| (Kind::Port, name));
        variables.set(kind, name.trim(), value);
    }
    variables
}

/// Shows the rules their own text: what a rule looks for stands in it.
fn packets(rules: Rules, set: Ruleset, text: &[u8]) {
    let (rules, ruleset) = (Arc::new(rules), Arc::new(set));
    let mut sink = Known { rules: Arc::clone(&rules), ruleset: Arc::clone(&ruleset), frames: 0, told: 0 };
    let config = Config {
        parse: Some(parser::Settings::default()),
        rules: Some(rules),
        ruleset,
        discover: None,
        ..Config::default()
    };
    let mut engine = Engine::new(config);
    let text = text.get(..1200).unwrap_or(text);
    let mut request = String::from("POST /");
    for byte in text.iter().take(200) {
        let _ = write!(request, "%{byte:02x}");
    }
    let _ = write!(request, "?a=b HTTP/1.1\r\nHost: example.com\r\nContent-Length: {}\r\n\r\n", text.len());
    let posted = [request.as_bytes(), text].concat();
    let answered = [b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\n", text].concat();
    let frames = [
        segment(false, 2, 99, 0, b""),
        segment(true, 0x12, 499, 100, b""),
        segment(false, 0x10, 100, 500, b""),
        segment(false, 0x18, 100, 500, &posted),
        segment(true, 0x18, 500, 100 + posted.len() as u32, &answered),
        segment(false, 0x11, 100 + posted.len() as u32, 500 + answered.len() as u32, b""),
        segment(true, 0x11, 500 + answered.len() as u32, 101 + posted.len() as u32, b""),
        datagram(text),
        ip(1, false, &[&[8, 0, 0, 0, 0, 1, 0, 2], text].concat()),
    ];
    for (data, time) in frames.iter().zip(BEGIN..) {
        sink.frames += 1;
        engine.ingest([Frame { time, link: 101, wire: data.len() as u32, data }], &mut sink);
    }
    engine.finish(&mut sink);
    assert_eq!(engine.stats().packets, sink.frames);
}

/// Takes only alerts of rules that there are.
struct Known {
    rules: Arc<Rules>,
    ruleset: Arc<Ruleset>,
    frames: u64,
    told: u64,
}

impl FlowSink for Known {
    fn flow(&mut self, _: &Flow) {}

    fn alert(&mut self, alert: &Alerted<'_>) {
        let Compiled { rule, gid, sid, .. } = *alert.rule;
        let rule = &self.ruleset.rules()[rule as usize];
        assert!((rule.gid, rule.sid) == (gid, sid) && rule.enabled);
        assert!(self.rules.rules().iter().any(|known| (known.gid, known.sid) == (gid, sid)));
        self.told += 1;
    }
}

fn ip(proto: u8, from_server: bool, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + rest.len() as u16).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, proto, 0, 0]);
    let ends = [[10, 0, 0, 1], [192, 0, 2, 1]];
    packet.extend(ends[usize::from(from_server)]);
    packet.extend(ends[usize::from(!from_server)]);
    packet.extend(rest);
    packet
}

fn datagram(payload: &[u8]) -> Vec<u8> {
    let mut udp = vec![0xc0, 0, 0, 53];
    udp.extend((8 + payload.len() as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(payload);
    ip(17, false, &udp)
}

fn segment(from_server: bool, flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let ports = [0xc000_u16, 80];
    let mut tcp = Vec::new();
    tcp.extend(ports[usize::from(from_server)].to_be_bytes());
    tcp.extend(ports[usize::from(!from_server)].to_be_bytes());
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    tcp.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    tcp.extend(payload);
    ip(6, from_server, &tcp)
}

/// What compiled rules may hold: tables of patterns for each kind of packets, and so much for each byte of text.
const FIXED: usize = 16 << 20;
const A_BYTE: usize = 4096;
