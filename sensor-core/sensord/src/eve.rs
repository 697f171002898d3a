//! EVE JSON lines: flow records as Suricata writes them, and what discovery finds.

mod alert;
mod app;
mod discovery;
mod types;

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use sensor_core::decode::{TcpFlags, ip_proto};
use sensor_core::discover::Event;
use sensor_core::flow::{CLIENT, Flow, SERVER, community_id};
use sensor_core::rules::Ruleset;
use sensor_core::{Alerted, Dropped, FlowSink, Told};

pub use types::Types;

use crate::crew::Output;

/// Writes records as EVE lines. The first failing write is kept and nothing is written after it.
#[derive(Debug)]
pub struct EveWriter<W: Write> {
    out: Option<W>,
    types: Types,
    line: Vec<u8>,
    rules: Arc<Ruleset>,
    error: Option<io::Error>,
}

impl<W: Write> EveWriter<W> {
    /// Writes events of `types` to `out`; `None` writes nothing. `rules` are those that alerts come of.
    pub fn new(out: Option<W>, types: Types, rules: Arc<Ruleset>) -> EveWriter<W> {
        EveWriter { out, types, line: Vec::with_capacity(1024), rules, error: None }
    }

    /// Writes an event of a type, if it is wanted.
    #[inline]
    fn write(&mut self, name: &str, event: impl FnOnce(&mut Vec<u8>)) {
        if self.types.has(name) {
            self.lines_of(event);
        }
    }

    #[inline]
    fn lines_of(&mut self, record: impl FnOnce(&mut Vec<u8>)) {
        let Some(out) = &mut self.out else { return };
        if self.error.is_some() {
            return;
        }
        self.line.clear();
        record(&mut self.line);
        if let Err(error) = out.write_all(&self.line) {
            self.error = Some(error);
        }
    }

    /// What it writes to.
    pub fn out(&mut self) -> Option<&mut W> {
        self.out.as_mut()
    }

    /// Flushes, and tells the first write that failed.
    pub fn finish(&mut self) -> io::Result<()> {
        match (self.error.take(), &mut self.out) {
            (Some(error), _) => Err(error),
            (None, Some(out)) => out.flush(),
            (None, None) => Ok(()),
        }
    }
}

impl<W: Write> Output for EveWriter<W> {
    fn wants(&self) -> Types {
        if self.out.is_some() { self.types.clone() } else { Types::none() }
    }

    fn lines(&mut self, lines: &[u8]) {
        if !lines.is_empty() {
            self.lines_of(|line| line.extend_from_slice(lines));
        }
    }
}

impl<W: Write> FlowSink for EveWriter<W> {
    fn flow(&mut self, flow: &Flow) {
        self.write("flow", |line| write_flow(line, flow));
    }

    fn discovered(&mut self, event: &Event) {
        self.write("discovery", |line| discovery::write(line, event));
    }

    fn alert(&mut self, alert: &Alerted<'_>) {
        let rules = Arc::clone(&self.rules);
        if let Some(rule) = rules.rules().get(alert.rule.rule as usize) {
            self.write("alert", |line| alert::write(line, alert, rule, &rules));
        }
    }

    fn rules(&mut self, rules: &Arc<Ruleset>) {
        self.rules = Arc::clone(rules);
    }

    fn dropped(&mut self, dropped: &Dropped<'_>) {
        let rules = Arc::clone(&self.rules);
        self.write("drop", |line| alert::dropped(line, dropped, &rules));
    }

    fn transaction(&mut self, told: &Told<'_>) {
        if let Some(name) = told.protocol.eve.and_then(|usual| told.transaction.record(usual)) {
            self.write(name, |line| app::transaction(line, told, name));
        }
        if !told.transaction.files().is_empty() {
            let name = told.protocol.eve.unwrap_or_else(|| told.protocol.app.name());
            self.write("fileinfo", |line| app::files(line, told, name));
        }
        if !told.transaction.events().is_empty() {
            self.write("anomaly", |line| app::anomalies(line, told));
        }
    }
}

fn write_flow(line: &mut Vec<u8>, flow: &Flow) {
    let (source, source_port) = flow.client();
    let (destination, destination_port) = flow.server();
    line.extend_from_slice(b"{\"timestamp\":\"");
    let last = line.len();
    time(line, flow.last);
    let last = last..line.len();
    line.extend_from_slice(b"\",\"flow_id\":");
    number(line, flow.id());
    line.extend_from_slice(b",\"event_type\":\"flow\"");
    let vlans = flow.key.vlans.iter().filter(|v| **v != 0);
    for (i, vlan) in vlans.clone().enumerate() {
        line.extend_from_slice(if i == 0 { b",\"vlan\":[" } else { b"," });
        number(line, u64::from(*vlan));
    }
    if vlans.count() > 0 {
        line.push(b']');
    }
    line.extend_from_slice(b",\"src_ip\":\"");
    address(line, source);
    line.push(b'"');
    if flow.has_ports() {
        field(line, b",\"src_port\":", u64::from(source_port));
    }
    line.extend_from_slice(b",\"dest_ip\":\"");
    address(line, destination);
    line.push(b'"');
    if flow.has_ports() {
        field(line, b",\"dest_port\":", u64::from(destination_port));
    }
    field(line, b",\"ip_v\":", if flow.key.v6 { 6 } else { 4 });
    line.extend_from_slice(b",\"proto\":\"");
    match proto_name(flow.key.proto) {
        Some(name) => line.extend_from_slice(name.as_bytes()),
        None => number(line, u64::from(flow.key.proto)),
    }
    line.push(b'"');
    if flow.is_icmp() {
        field(line, b",\"icmp_type\":", u64::from(flow.icmp.0));
        field(line, b",\"icmp_code\":", u64::from(flow.icmp.1));
    }
    line.extend_from_slice(b",\"app_proto\":\"");
    line.extend_from_slice(flow.app.map_or("unknown", |app| app.name()).as_bytes());
    line.extend_from_slice(b"\",\"flow\":{\"pkts_toserver\":");
    let [client, server] = [&flow.sides[CLIENT], &flow.sides[SERVER]];
    number(line, client.packets);
    field(line, b",\"pkts_toclient\":", server.packets);
    field(line, b",\"bytes_toserver\":", client.frame_bytes);
    field(line, b",\"bytes_toclient\":", server.frame_bytes);
    field(line, b",\"payload_bytes_toserver\":", client.payload.bytes());
    field(line, b",\"payload_bytes_toclient\":", server.payload.bytes());
    boolean(line, b",\"payload_estimate\":", flow.estimate());
    // Named by the way the errors went.
    let [to_client, to_server] = flow.icmp_errors;
    for (name, errors) in [(&b",\"icmp_errors_toserver\":"[..], to_server), (b",\"icmp_errors_toclient\":", to_client)]
    {
        if errors > 0 {
            field(line, name, u64::from(errors));
        }
    }
    boolean(line, b",\"midstream\":", flow.midstream);
    line.extend_from_slice(b",\"start\":\"");
    time(line, flow.first);
    line.extend_from_slice(b"\",\"end\":\"");
    line.extend_from_within(last);
    let age = flow.last.div_euclid(SECOND) - flow.first.div_euclid(SECOND);
    field(line, b"\",\"age\":", age.max(0) as u64);
    line.extend_from_slice(b",\"state\":\"");
    line.extend_from_slice(if flow.bypassed() { "bypassed" } else { flow.state.name() }.as_bytes());
    line.extend_from_slice(if flow.bypassed() { &b"\",\"bypass\":\"local"[..] } else { b"" });
    line.extend_from_slice(b"\",\"reason\":\"");
    line.extend_from_slice(flow.end.map_or("", |r| r.name()).as_bytes());
    line.push(b'"');
    boolean(line, b",\"alerted\":", flow.alerted());
    if let Some(action) = flow.action() {
        line.extend_from_slice(b",\"action\":\"");
        line.extend_from_slice(action.as_bytes());
        line.push(b'"');
    }
    line.extend_from_slice(b"},\"community_id\":\"");
    line.extend_from_slice(&community_id(flow));
    line.push(b'"');
    if flow.key.proto == ip_proto::TCP {
        tcp(line, flow);
    }
    line.extend_from_slice(b"}\n");
}

fn tcp(line: &mut Vec<u8>, flow: &Flow) {
    let (ts, tc) = (flow.sides[CLIENT].payload.flags(), flow.sides[SERVER].payload.flags());
    let all = TcpFlags(ts.0 | tc.0);
    for (name, flags) in
        [(&b",\"tcp\":{\"tcp_flags\":\""[..], all), (b",\"tcp_flags_ts\":\"", ts), (b",\"tcp_flags_tc\":\"", tc)]
    {
        line.extend_from_slice(name);
        hex(line, flags.0);
        line.push(b'"');
    }
    for (name, bit) in TCP_FLAG_NAMES {
        if all.has(*bit) {
            line.extend_from_slice(b",\"");
            line.extend_from_slice(name.as_bytes());
            line.extend_from_slice(b"\":true");
        }
    }
    line.extend_from_slice(b",\"state\":\"");
    line.extend_from_slice(flow.tcp_state.name().as_bytes());
    line.extend_from_slice(b"\"}");
}

/// The name of an IP protocol in EVE.
pub fn proto_name(proto: u8) -> Option<&'static str> {
    Some(match proto {
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        17 => "UDP",
        33 => "DCCP",
        41 => "IPv6",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "IPv6-ICMP",
        88 => "EIGRP",
        89 => "OSPF",
        103 => "PIM",
        112 => "VRRP",
        132 => "SCTP",
        _ => return None,
    })
}

fn field(line: &mut Vec<u8>, name: &[u8], value: u64) {
    line.extend_from_slice(name);
    number(line, value);
}

fn boolean(line: &mut Vec<u8>, name: &[u8], value: bool) {
    line.extend_from_slice(name);
    line.extend_from_slice(if value { b"true" } else { b"false" });
}

fn number(line: &mut Vec<u8>, value: u64) {
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn address(line: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(v4) => {
            for (i, octet) in v4.octets().into_iter().enumerate() {
                if i > 0 {
                    line.push(b'.');
                }
                number(line, u64::from(octet));
            }
        }
        // A write to a Vec cannot fail.
        IpAddr::V6(v6) => drop(write!(line, "{v6}")),
    }
}

fn hex(line: &mut Vec<u8>, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        line.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }
}

/// `2026-11-24T06:07:08.000009+0000`: UTC, microseconds.
pub(crate) fn time(line: &mut Vec<u8>, ns: i64) {
    let (year, month, day, second) = civil(ns);
    let mut text = *b"0000-00-00T00:00:00.000000+0000";
    for (place, value) in [
        (0..4, year.max(0) as u64),
        (5..7, month),
        (8..10, day),
        (11..13, second / 3600),
        (14..16, second / 60 % 60),
        (17..19, second % 60),
        (20..26, ns.rem_euclid(SECOND) as u64 / 1000),
    ] {
        digits(text.get_mut(place).unwrap_or_default(), value);
    }
    line.extend_from_slice(&text);
}

/// The last decimal digits of a number, as many as there is room for.
fn digits(room: &mut [u8], mut value: u64) {
    for place in room.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month, day and second of the day (UTC), by the proleptic Gregorian calendar, counted in 400-year eras that
/// start on a first of March.
pub(crate) fn civil(ns: i64) -> (i64, u64, u64, u64) {
    let seconds = ns.div_euclid(SECOND);
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u64, day as u64, seconds.rem_euclid(86_400) as u64)
}

const TCP_FLAG_NAMES: &[(&str, u8)] = &[
    ("syn", TcpFlags::SYN),
    ("fin", TcpFlags::FIN),
    ("rst", TcpFlags::RST),
    ("psh", TcpFlags::PSH),
    ("ack", TcpFlags::ACK),
    ("urg", TcpFlags::URG),
    ("ecn", TcpFlags::ECE),
    ("cwr", TcpFlags::CWR),
];

const SECOND: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_microseconds() {
        let text = |ns| {
            let mut line = Vec::new();
            time(&mut line, ns);
            String::from_utf8(line).unwrap()
        };
        assert_eq!(text(0), "1970-01-01T00:00:00.000000+0000");
        assert_eq!(text(951_782_400_000_001_999), "2000-02-29T00:00:00.000001+0000");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999999+0000");
        assert_eq!(text(4_294_967_296_000_000_000), "2106-02-07T06:28:16.000000+0000");
        assert_eq!(text(i64::MAX), "2262-04-11T23:47:16.854775+0000");
        assert_eq!(text(i64::MIN), "1677-09-21T00:12:43.145224+0000");
    }

    #[test]
    fn flags_are_two_hexadecimal_digits() {
        let mut line = Vec::new();
        [0x00, 0x09, 0x1a, 0xff].into_iter().for_each(|byte| hex(&mut line, byte));
        assert_eq!(line, b"00091aff");
    }
}
