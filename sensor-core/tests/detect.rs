//! Rules over packets and streams made by hand, through the public API; and published sets of rules.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what is not in a test's body is still for tests alone")]

use std::path::Path;
use std::sync::Arc;

use sensor_core::Anomaly;
use sensor_core::applayer::carve::{self, Carver};
use sensor_core::applayer::parser::{self, Context, Parser};
use sensor_core::applayer::{AppProto, Side, Transport, protocols};
use sensor_core::decode::{Packet, Tcp, TcpFlags};
use sensor_core::detect::{Alert, Detector, FlowState, FlowView, Output, PacketView, Place, Rules, Settings};
use sensor_core::rules::{Action, Refusal, Ruleset, Variables};
use sensor_core::stream::Events;

const SECOND: i64 = 1_000_000_000;

/// 10.0.0.1:40000 to 192.0.2.1:80.
struct Bed {
    detector: Detector,
    flow: FlowView,
    state: FlowState,
    out: Output,
    time: i64,
}

fn v4(address: [u8; 4]) -> u128 {
    u128::from(std::net::Ipv4Addr::from(address).to_ipv6_mapped())
}

fn ruleset(text: &str) -> Ruleset {
    let mut set = Ruleset::new(Variables::default());
    set.read("t.rules", text.as_bytes());
    assert_eq!(set.refusals(), []);
    set
}

impl Bed {
    fn new(text: &str) -> Bed {
        let (rules, refusals) = Rules::compile(&ruleset(text), protocols::all());
        assert_eq!(refusals, []);
        let flow = FlowView {
            id: 1,
            addresses: [v4([10, 0, 0, 1]), v4([192, 0, 2, 1])],
            ports: [40_000, 80],
            proto: 6,
            app: None,
            established: true,
            first: 0,
            packets: [0, 0],
            bytes: [0, 0],
            payload: [0, 0],
        };
        let detector = Detector::new(Arc::new(rules), Settings { shared: 100, ..Settings::default() });
        Bed { detector, flow, state: FlowState::default(), out: Output::default(), time: 0 }
    }

    fn udp(text: &str) -> Bed {
        let mut bed = Bed::new(text);
        bed.flow.proto = 17;
        bed
    }

    /// sids of what a packet made.
    fn packet(&mut self, side: Side, payload: &[u8]) -> Vec<u32> {
        self.packet_with(side, payload, |_| {}, false)
    }

    fn packet_with(
        &mut self,
        side: Side,
        payload: &[u8],
        change: impl FnOnce(&mut Packet<'_>),
        streamed: bool,
    ) -> Vec<u32> {
        let [client, server] = self.flow.addresses;
        let (source, destination) = if side == Side::ToServer { (client, server) } else { (server, client) };
        let mut packet = Packet {
            source,
            destination,
            payload,
            payload_len: payload.len() as u32,
            time: self.time,
            proto: self.flow.proto,
            ttl: 64,
            tcp: Tcp { flags: TcpFlags(0x18), ..Tcp::default() },
            ..Packet::default()
        };
        change(&mut packet);
        let view = PacketView { packet: &packet, side, streamed, app_told: true, anomalies: &[], events: Events::NONE };
        self.detector.packet(&self.flow, &mut self.state, view, &mut self.out);
        self.sids()
    }

    fn data(&mut self, side: Side, bytes: &[u8]) -> Vec<u32> {
        self.detector.data(&self.flow, &mut self.state, side, self.time, bytes, &mut self.out);
        self.sids()
    }

    fn flush(&mut self, side: Side) -> Vec<u32> {
        self.detector.flush(&self.flow, &mut self.state, side, self.time, &mut self.out);
        self.sids()
    }

    /// Tells what matched.
    fn sids(&mut self) -> Vec<u32> {
        self.detector.conclude(&mut self.state, self.time, &mut self.out);
        let sid = |alert: Alert| self.detector.rules().rules()[alert.rule as usize].sid;
        self.out.alerts.drain(..).map(sid).collect()
    }
}

#[test]
fn contents_of_packets_in_the_order_of_rules() {
    let mut bed = Bed::udp(
        "alert udp any any -> any any (content:\"abc\"; nocase; content:\"def\"; distance:1; within:4; sid:1;)\n\
         alert udp any any -> any 80 (content:\"def\"; priority:1; sid:2;)\n\
         alert udp any any -> any 81 (content:\"def\"; sid:3;)\n\
         alert udp !$HOME_NET any -> any any (content:\"def\"; sid:4;)\n\
         alert udp any 80 -> any any (content:\"def\"; sid:5;)\n\
         alert udp any any <> any 40000 (content:\"def\"; sid:6;)\n\
         alert tcp any any -> any any (content:\"def\"; sid:7;)\n",
    );
    assert_eq!(bed.packet(Side::ToServer, b"..ABC.def"), [2, 1, 6]);
    assert_eq!(bed.packet(Side::ToServer, b"..ABCdef"), [2, 6]);
    assert_eq!(bed.packet(Side::ToClient, b"def"), [4, 5, 6]);
    assert_eq!(bed.packet(Side::ToClient, b"DEF"), [] as [u32; 0]);
}

#[test]
fn numbers_of_headers() {
    let mut bed = Bed::new(
        "alert tcp any any -> any any (flags:S; flow:stateless; sid:1;)\n\
         alert tcp any any -> any any (flags:SA,12; ttl:>60; sid:2;)\n\
         alert tcp any any -> any any (dsize:2<>5; sid:3;)\n\
         alert tcp any any -> any any (window:77; seq:5; ack:6; sid:4;)\n\
         alert ip any any -> any any (ip_proto:6; id:9; tos:4; fragbits:D; sid:5;)\n\
         alert ip any any -> any any (ipopts:rr; sid:6;)\n\
         alert tcp any any -> any any (tcp.mss:<1400; sid:7;)\n\
         alert tcp any any -> any any (flow:not_established; dsize:0; sid:8;)\n",
    );
    let flags = |flags: u8| move |packet: &mut Packet<'_>| packet.tcp.flags = TcpFlags(flags);
    assert_eq!(bed.packet_with(Side::ToServer, b"", flags(2), false), [1]);
    assert_eq!(bed.packet_with(Side::ToClient, b"", flags(0x52), false), [2]);
    assert_eq!(bed.packet(Side::ToServer, b"abc"), [3]);
    let numbers = |packet: &mut Packet<'_>| {
        packet.tcp = Tcp { seq: 5, ack: 6, window: 77, ..Tcp::default() };
        packet.tcp_options = &[1, 2, 4, 0x05, 0x00];
    };
    assert_eq!(bed.packet_with(Side::ToServer, b"", numbers, false), [4, 7]);
    let header = |packet: &mut Packet<'_>| {
        packet.ip_id = 9;
        packet.ip_header = &[0x46, 4, 0, 44, 0, 9, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1, 7, 3, 4, 0];
    };
    assert_eq!(bed.packet_with(Side::ToServer, b"", header, false), [5, 6]);
    bed.flow.established = false;
    assert_eq!(bed.packet(Side::ToServer, b""), [8]);
}

#[test]
fn streams_are_looked_into_across_packets_and_once() {
    let mut bed = Bed::new(
        "alert tcp any any -> any any (flow:established,to_server; content:\"split\"; sid:1;)\n\
         alert tcp any any -> any any (content:\"GET\"; depth:3; sid:2;)\n\
         alert tcp any any -> any any (flow:no_stream; content:\"split\"; sid:3;)\n\
         alert tcp-stream any any -> any any (content:\"late\"; offset:4000; depth:10; sid:4;)\n",
    );
    // What goes to the stream is not looked into as a packet, unless its place was asked for.
    assert_eq!(bed.packet_with(Side::ToServer, b"GET sp", |_| {}, true), [2]);
    assert_eq!(bed.data(Side::ToServer, b"GET sp"), [] as [u32; 0]);
    assert_eq!(bed.packet_with(Side::ToServer, b"split", |_| {}, true), [3]);
    assert_eq!(bed.data(Side::ToServer, b"lit"), [] as [u32; 0]);
    // The stream tells again of a place that its packet told of, as Suricata does.
    assert_eq!(bed.flush(Side::ToServer), [1, 2]);
    assert_eq!(bed.flush(Side::ToServer), [] as [u32; 0]);
    // The pattern is still in what the next window begins with.
    bed.data(Side::ToServer, b"more");
    assert_eq!(bed.flush(Side::ToServer), [] as [u32; 0]);
    // Windows by themselves, and places counted from the stream's start: 13 bytes so far.
    assert_eq!(bed.data(Side::ToServer, &[b'.'; 2560]), [] as [u32; 0]);
    let mut rest = vec![b'.'; 4003 - 13 - 2560];
    rest.extend(b"late");
    rest.resize(2560, b'.');
    assert_eq!(bed.data(Side::ToServer, &rest), [4]);
    let mut bed = Bed::new("alert tcp-stream any any -> any any (content:\"late\"; offset:4000; depth:10; sid:4;)\n");
    let mut bytes = vec![b'.'; 4004];
    bytes.extend(b"late");
    bed.data(Side::ToServer, &bytes);
    assert_eq!(bed.flush(Side::ToServer), [4]);
    // A pattern over the edge of a window.
    let mut bed = Bed::new("alert tcp any any -> any any (content:\"across\"; sid:5;)\n");
    let mut bytes = vec![b'.'; 2557];
    bytes.extend(b"across");
    bed.data(Side::ToServer, &bytes);
    assert_eq!(bed.flush(Side::ToServer), [5]);
    // A packet that did not go to the stream is looked into by itself.
    assert_eq!(bed.packet(Side::ToServer, b"across"), [5]);
}

#[test]
fn a_gap_parts_windows() {
    let mut bed = Bed::new("alert tcp any any -> any any (content:\"across\"; sid:5;)\n");
    bed.data(Side::ToServer, b"acr");
    bed.detector.gap(&bed.flow, &mut bed.state, Side::ToServer, 0, 10, &mut bed.out);
    bed.data(Side::ToServer, b"oss");
    assert_eq!(bed.flush(Side::ToServer), [] as [u32; 0]);
}

#[test]
fn bits_and_numbers_chain_within_a_packet_and_a_flow() {
    let mut bed = Bed::udp(
        "alert udp any any -> any any (content:\"b\"; flowbits:isset,one; sid:1;)\n\
         alert udp any any -> any any (content:\"a\"; flowbits:set,one; flowbits:noalert; sid:2;)\n\
         alert udp any any -> any any (content:\"n\"; flowint:count,>=,2; sid:3;)\n\
         alert udp any any -> any any (content:\"n\"; flowint:count,+,1; noalert; sid:4;)\n\
         alert udp any any -> any any (content:\"x\"; xbits:set,bit,track ip_pair,expire 5; noalert; sid:5;)\n\
         alert udp any any -> any any (content:\"y\"; xbits:isset,bit,track ip_pair; sid:6;)\n",
    );
    assert_eq!(bed.packet(Side::ToServer, b"b"), [] as [u32; 0]);
    assert_eq!(bed.packet(Side::ToServer, b"ab"), [1]);
    assert_eq!(bed.packet(Side::ToClient, b"b"), [1]);
    assert_eq!(bed.packet(Side::ToServer, b"n"), [] as [u32; 0]);
    assert_eq!(bed.packet(Side::ToServer, b"n"), [3]);
    bed.state = FlowState::default();
    assert_eq!(bed.packet(Side::ToServer, b"b"), [] as [u32; 0]);
    bed.packet(Side::ToServer, b"x");
    bed.time = 4 * SECOND;
    assert_eq!(bed.packet(Side::ToClient, b"y"), [6]);
    bed.time = 6 * SECOND;
    assert_eq!(bed.packet(Side::ToClient, b"y"), [] as [u32; 0]);
}

#[test]
fn pass_thresholds_and_filters() {
    let mut bed = Bed::udp(
        "alert udp any any -> any any (content:\"a\"; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)\n\
         pass udp any any -> any any (content:\"pass\"; sid:2;)\n\
         alert udp any any -> any any (content:\"f\"; detection_filter:track by_dst, count 2, seconds 10; sid:3;)\n",
    );
    assert_eq!(bed.packet(Side::ToServer, b"a"), [1]);
    assert_eq!(bed.packet(Side::ToServer, b"a"), [] as [u32; 0]);
    bed.time = 61 * SECOND;
    assert_eq!(bed.packet(Side::ToServer, b"pass a"), [] as [u32; 0]);
    assert_eq!(bed.packet(Side::ToServer, b"a"), [1]);
    let told: Vec<_> = (0..4).map(|_| bed.packet(Side::ToServer, b"f").len()).collect();
    assert_eq!(told, [0, 0, 1, 1]);
}

#[test]
fn rules_of_addresses_and_protocols_tell_once_for_each_direction() {
    let mut bed = Bed::new(
        "alert ip [192.0.2.1,198.51.100.0/24] any -> $HOME_NET any (sid:1;)\n\
         alert ip any any -> [192.0.2.0/24,!192.0.2.7] any (sid:2;)\n\
         alert tls any any -> any any (flow:to_server; sid:3;)\n\
         alert tcp any any -> any any (app-layer-protocol:!tls; sid:4;)\n\
         pass ip 203.0.113.1 any -> any any (sid:5;)\n",
    );
    assert_eq!(bed.packet(Side::ToServer, b""), [2]);
    assert_eq!(bed.packet(Side::ToClient, b""), [1]);
    bed.flow.app = Some(AppProto::Tls);
    // What names a protocol alone is told of each packet.
    assert_eq!(bed.packet(Side::ToServer, b""), [3]);
    assert_eq!(bed.packet(Side::ToServer, b""), [3]);
    assert_eq!(bed.packet(Side::ToClient, b""), [] as [u32; 0]);
    bed.state = FlowState::default();
    bed.flow.app = Some(AppProto::Ssh);
    assert_eq!(bed.packet(Side::ToServer, b""), [2, 4]);
    bed.state = FlowState::default();
    bed.flow.addresses[0] = v4([203, 0, 113, 1]);
    assert_eq!(bed.packet(Side::ToServer, b""), [] as [u32; 0]);
    assert!(bed.state.is_passed());
}

#[test]
fn what_lets_pass_ends_what_is_told_of_a_packet() {
    let mut bed = Bed::udp(
        "pass udp any any -> any any (content:\"ok\"; sid:1;)\n\
         alert udp any any -> any any (content:\"a\"; sid:2;)\n\
         pass udp any any -> any any (alert; content:\"said\"; sid:3;)\n\
         drop udp any any -> any any (content:\"a\"; noalert; sid:4;)\n",
    );
    assert_eq!(bed.packet(Side::ToServer, b"a"), [2]);
    assert_eq!(bed.packet(Side::ToServer, b"a ok"), [] as [u32; 0]);
    assert_eq!(bed.packet(Side::ToServer, b"a said"), [3]);
    // A content of one packet passes that packet alone.
    assert!(!bed.state.is_passed());
    assert_eq!(bed.packet(Side::ToServer, b"a"), [2]);
    // Nothing is dropped by a sensor that only listens.
    assert_eq!(bed.out.verdict, None);
}

#[test]
fn a_sensor_in_the_way_drops_packets_or_flows() {
    let text = "drop tcp any any -> any 80 (dsize:3; sid:1;)\n\
                drop tcp any any -> any 80 (content:\"bad\"; sid:2;)\n\
                alert tcp any any -> any 80 (content:\"bad\"; sid:3;)\n";
    let mut bed = Bed::new(text);
    let (rules, _) = Rules::compile(&ruleset(text), &[]);
    bed.detector = Detector::new(Arc::new(rules), Settings { inline: true, ..Settings::default() });
    assert_eq!(bed.packet_with(Side::ToServer, b"abc", |_| {}, true), [1]);
    let verdict = bed.out.verdict.unwrap();
    assert_eq!((verdict.action, verdict.flow), (Action::Drop, false));
    bed.data(Side::ToServer, b"so bad");
    assert_eq!(bed.flush(Side::ToServer), [2, 3]);
    let verdict = bed.out.verdict.unwrap();
    assert_eq!((verdict.action, verdict.flow), (Action::Drop, true));
}

#[test]
fn files_say_how_often_a_rule_is_told_and_what_it_does() {
    let mut set = ruleset(
        "alert udp any any -> any any (content:\"a\"; sid:1;)\n\
         alert udp any any -> any any (content:\"a\"; threshold:type limit, track by_src, count 1, seconds 60; sid:2;)\n\
         alert udp any any -> any any (content:\"a\"; sid:3;)\n\
         alert udp any any -> any any (content:\"a\"; sid:4;)\n",
    );
    set.read_thresholds(
        "threshold.config",
        b"suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.0/24\n\
          threshold gen_id 1, sig_id 2, type limit, track by_src, count 2, seconds 60\n\
          rate_filter gen_id 1, sig_id 3, track by_rule, count 2, seconds 60, new_action pass, timeout 5\n\
          threshold gen_id 0, sig_id 0, type threshold, track by_src, count 2, seconds 60\n",
    );
    assert_eq!(set.refusals(), []);
    let (rules, refused) = Rules::compile(&set, &[]);
    assert_eq!(refused, []);
    let mut bed = Bed::udp("");
    bed.detector = Detector::new(Arc::new(rules), Settings::default());
    let mut told = |time: i64| {
        bed.time = time * SECOND;
        bed.packet(Side::ToServer, b"a")
    };
    // 1 is told of others only. 3 and 4 have no limit of their own: each second match is told.
    assert_eq!(told(0), [2]);
    assert_eq!(told(1), [2, 3, 4]);
    assert_eq!(told(2), [] as [u32; 0]);
    assert_eq!(told(3), [3, 4]);
    assert_eq!(told(4), [] as [u32; 0]);
    // What 3 is told of comes too often now: it lets pass, before 4 is told.
    assert_eq!(told(5), [] as [u32; 0]);
    bed.flow.addresses[0] = v4([10, 0, 1, 1]);
    // All are counted anew for another source, but for the rate of 3.
    assert_eq!(bed.packet(Side::ToServer, b"a"), [2]);
    assert_eq!(bed.packet(Side::ToServer, b"a"), [1, 2]);
}

#[test]
fn headers_are_buffers() {
    let mut bed = Bed::new(
        "alert tcp any any -> any any (tcp.hdr; content:\"|50 18|\"; offset:12; depth:2; sid:1;)\n\
         alert ip any any -> any any (ipv4.hdr; content:\"|45|\"; startswith; sid:2;)\n\
         alert ip any any -> any any (ip.dst; content:\"|c0 00 02 01|\"; bsize:4; sid:3;)\n\
         alert ip any any -> any any (udp.hdr; content:\"|00|\"; sid:4;)\n\
         alert ip any any -> any any (vlan.id:7,1; vlan.layers:2; sid:5;)\n\
         alert ip any any -> any any (vlan.id:9,-1; sid:6;)\n",
    );
    let told = bed.packet_with(
        Side::ToServer,
        b"",
        |packet| {
            packet.ip_header = &[0x45; 20];
            packet.transport = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0];
            (packet.vlans, packet.tags) = ([5, 7], 2);
        },
        true,
    );
    assert_eq!(told, [1, 2, 3, 5]);
}

#[test]
fn events_of_decoding() {
    let text = "alert pkthdr any any -> any any (decode-event:ipv4.iplen_smaller_than_hlen; sid:1;)\n";
    let mut bed = Bed::new(text);
    let mut told = |anomalies: &[Anomaly]| {
        bed.detector.frame(&Packet::default(), anomalies, &mut bed.out);
        bed.out.alerts.drain(..).map(|alert| alert.place).collect::<Vec<_>>()
    };
    assert_eq!(told(&[Anomaly::Ipv4LengthBelowHeader]), [Place::Packet]);
    assert_eq!(told(&[Anomaly::Ipv4TooSmall]), []);
}

#[test]
fn what_cannot_be_run_is_refused_with_its_place() {
    let text = "alert tcp any any -> any any (msg:\"x\"; geoip:src,DE; sid:1;)\n\
        alert dns any any -> any any (dns.query; content:\"x\"; sid:2;)\n\
        alert tcp any any -> any any (stream-event:no_such_event; sid:3;)\n\
        alert tcp any any -> any any (app-layer-event:dns.z_flag_set; sid:4;)\n";
    let (rules, refusals) = Rules::compile(&ruleset(text), &[]);
    assert_eq!(rules.rules().len(), 0);
    let said: Vec<_> = refusals.iter().map(|it| (it.line, it.column, it.sid, &*it.reason)).collect();
    assert_eq!(said[0], (1, 40, Some(1), "there are no countries of addresses in this version"));
    assert_eq!(said[1], (2, 42, Some(2), "no parser for dns in this version"));
    assert_eq!((said[2].2, said[3].3), (Some(3), "no parser for dns in this version"));
}

/// et-open as packed in the corpus.
fn et_open() -> Option<Ruleset> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/rules/et-open");
    let Ok(packed) = std::fs::read(folder.join("emerging.rules.tar.gz")) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let mut archive = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed), &mut archive).unwrap();
    let mut set = Ruleset::new(Variables::default());
    let mut rest = archive.as_slice();
    while rest.len() > 512 && rest[0] != 0 {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&rest[range]).trim_end_matches(['\0', ' ']).to_owned()
        };
        let (member, size) = (text(0..100), usize::from_str_radix(&text(124..136), 8).unwrap());
        if member.ends_with(".rules") {
            set.read(&member, &rest[512..512 + size]);
        }
        rest = &rest[512 + size.next_multiple_of(512)..];
    }
    Some(set)
}

#[test]
fn et_open_compiles_but_for_what_has_no_parser() {
    let Some(set) = et_open() else { return };
    let (rules, refusals) = Rules::compile(&set, &[]);
    let mut reasons = std::collections::BTreeMap::new();
    for Refusal { keyword, reason, .. } in &refusals {
        *reasons.entry(format!("{keyword}: {reason}")).or_insert(0) += 1;
    }
    println!("{} rules, automata {} MB\n{reasons:#?}", rules.rules().len(), rules.automata_bytes() >> 20);
    assert_eq!(rules.rules().len() + refusals.len(), set.loaded());
}

#[test]
fn rules_look_into_the_parts_of_messages() {
    let text = "alert tls any any -> any any (flow:to_client; frame:tls.pdu; content:\"|17 03 03|\"; startswith; sid:1;)\n\
                alert tcp any any -> any any (frame:tls.data; content:\"ab\"; startswith; content:\"cd\"; endswith; sid:2;)\n\
                alert tls any any -> any any (frame:hdr; content:\"ab\"; sid:3;)\n\
                alert tls any any -> any any (frame:data; content:!\"ab\"; bsize:1; sid:4;)\n";
    let mut bed = Bed::new(text);
    bed.flow.app = Some(AppProto::Tls);
    let mut told = |side, stream: &[u8]| {
        let mut carver = Carver::new(carve::layout(AppProto::Tls).unwrap());
        carver.data(side, stream, Transport::Tcp);
        bed.detector.carved(&bed.flow, &mut bed.state, 0, None, &carver, &mut bed.out);
        bed.sids()
    };
    let records = b"\x17\x03\x03\0\x04abcd\x17\x03\x03\0\x01x";
    // Each part that matches is told.
    assert_eq!(told(Side::ToClient, records), [1, 1, 2, 4]);
    assert_eq!(told(Side::ToServer, records), [2, 4]);
    assert_eq!(told(Side::ToServer, b"\x17\x03\x03\0\x05abcde"), [] as [u32; 0]);
}

#[test]
fn frames_that_are_not_told_are_refused() {
    let refused = |options: &str| {
        let text = format!("alert tls any any -> any any ({options} content:\"a\"; sid:1;)\n");
        let (_, refusals) = Rules::compile(&ruleset(&text), protocols::all());
        refusals.first().map(|refusal| refusal.reason.to_string())
    };
    assert_eq!(refused("frame:pdu;"), None);
    assert_eq!(refused("frame:tls.nothing;").unwrap(), "frames tls.nothing are not told in this version");
    assert_eq!(refused("frame:smb2.pdu;").unwrap(), "frames smb2.pdu are not told in this version");
    let two = refused("content:\"b\"; frame:pdu;").unwrap();
    assert_eq!(two, "frames and other buffers are not looked into in one rule");
}

#[test]
fn arp_is_looked_at_by_its_frame() {
    let text = "alert arp any any -> any any (sid:1;)\n\
                alert ether any any -> any any (ether.hdr; content:\"|08 06|\"; offset:12; depth:2; sid:2;)\n\
                alert ip any any -> any any (sid:3;)\n";
    let mut bed = Bed::new(text);
    let packet = Packet { macs: [[1; 6], [2; 6]], ..Packet::default() };
    bed.detector.arp(&packet, &mut bed.out);
    let sid = |alert: Alert| bed.detector.rules().rules()[alert.rule as usize].sid;
    assert_eq!(bed.out.alerts.drain(..).map(sid).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn an_igmp_message_is_all_header() {
    let text = "alert igmp any any -> any any (ipopts:rtralt; dsize:0; sid:1;)\n\
                alert igmp any any -> any any (ipopts:qs; sid:2;)\n\
                alert igmp any any -> any any (dsize:>0; sid:3;)\n";
    let mut bed = Bed::new(text);
    bed.flow.proto = 2;
    const HEADER: &[u8] = &[0x46, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 148, 4, 0, 0];
    assert_eq!(bed.packet_with(Side::ToServer, &[0x11; 8], |packet| packet.ip_header = HEADER, false), [1]);
}

/// A flow whose messages are parsed, one protocol after the other.
struct Talk {
    detector: Detector,
    state: FlowState,
    app: AppProto,
    parser: Box<dyn Parser>,
}

impl Talk {
    fn new(text: &str, app: AppProto) -> Talk {
        let detector = Detector::new(Talk::rules(text), Settings { shared: 100, ..Settings::default() });
        let parser = Talk::parser(app);
        Talk { detector, state: FlowState::default(), app, parser }
    }

    fn rules(text: &str) -> Arc<Rules> {
        let (rules, refusals) = Rules::compile(&ruleset(text), protocols::all());
        assert_eq!(refusals, []);
        Arc::new(rules)
    }

    fn parser(app: AppProto) -> Box<dyn Parser> {
        (protocols::protocol(app).unwrap().parser)(&parser::Settings::default())
    }

    /// The flow goes on with another protocol.
    fn go_on_with(&mut self, app: AppProto) {
        (self.app, self.parser) = (app, Talk::parser(app));
    }

    fn say(&mut self, side: Side, bytes: &[u8]) -> Vec<u32> {
        let settings = parser::Settings::default();
        let ports = (40_000, 80);
        let mut cx =
            Context { time: 0, transport: Transport::Tcp, ports, settings: &settings, next: None, announced: None };
        self.parser.data(side, bytes, &mut cx);
        let flow = FlowView {
            id: 1,
            addresses: [v4([10, 0, 0, 1]), v4([192, 0, 2, 1])],
            ports: [40_000, 80],
            proto: 6,
            app: Some(self.app),
            established: true,
            first: 0,
            packets: [1, 1],
            bytes: [1, 1],
            payload: [1, 1],
        };
        let protocol = protocols::protocol(self.app).unwrap();
        let mut out = Output::default();
        let parser = self.parser.as_ref();
        self.detector.transactions(&flow, &mut self.state, 0, None, protocol, parser, false, &mut out);
        self.detector.conclude(&mut self.state, 0, &mut out);
        let sid = |alert: Alert| self.detector.rules().rules()[alert.rule as usize].sid;
        out.alerts.drain(..).map(sid).collect()
    }
}

/// Its transaction has the number of SMTP's that was under way.
#[test]
fn what_follows_starttls_is_looked_at() {
    let mut talk = Talk::new(
        "alert smtp any any -> any any (smtp.helo; content:\"client\"; sid:1;)\n\
         alert tls any any -> any any (ja3.string; content:\"771,4865,\"; sid:2;)",
        AppProto::Smtp,
    );
    talk.say(Side::ToClient, b"220 ready\r\n");
    assert_eq!(talk.say(Side::ToServer, b"EHLO client\r\n"), [1]);
    talk.go_on_with(AppProto::Tls);
    let hello: &[&[u8]] = &[
        b"\x16\x03\x01\x00\x2f", // handshake, record version, length
        b"\x01\x00\x00\x2b",     // client hello, length
        b"\x03\x03",             // version
        &[0x5a; 32],             // random
        b"\x00",                 // session id
        b"\x00\x02\x13\x01",     // cipher suites
        b"\x01\x00",             // compression
        b"\x00\x00",             // extensions
    ];
    assert_eq!(talk.say(Side::ToServer, &hello.concat()), [2]);
}

#[test]
fn the_name_of_a_file_whose_body_comes_behind_its_head_is_found() {
    let mut talk = Talk::new("alert http any any -> any any (file.name; content:\"b.exe\"; sid:1;)", AppProto::Http);
    talk.say(Side::ToServer, b"GET /a/b.exe HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(talk.say(Side::ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"), [] as [u32; 0]);
    assert_eq!(talk.say(Side::ToClient, b"MZ\0\0"), [1]);
}

#[test]
fn rules_that_come_while_a_transaction_is_under_way_look_at_it() {
    let mut talk = Talk::new("alert http any any -> any any (http.uri; content:\"/a\"; sid:1;)", AppProto::Http);
    assert_eq!(talk.say(Side::ToServer, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"), [1]);
    let renumbered = talk.detector.replace(Talk::rules(
        "alert http any any -> any any (http.uri; content:\"/a\"; sid:1;)\n\
         alert http any any -> any any (http.host; content:\"a\"; sid:2;)",
    ));
    talk.state.renumber(&renumbered);
    // What was told is not told again.
    assert_eq!(talk.say(Side::ToClient, b"HTTP/1.1 204 No\r\n\r\n"), [2]);
}
