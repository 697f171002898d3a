//! Frames spelled out field by field, and captures of the corpus, against what is in them.

mod build;
mod corpus;
mod events;

use build::*;

use super::*;
use crate::Anomaly;

const DEPTHS: Depths = Depths { vlans: 4, extensions: 16, tunnels: 8 };

/// What the tests look at in a packet.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    proto: u8,
    source: String,
    destination: String,
    tunnels: u8,
    payload: usize,
}

struct Decoded {
    seen: Vec<Seen>,
    arps: Vec<Arp>,
    counts: Counts,
}

fn decode_all(link: u16, frames: &[Vec<u8>], verify: bool) -> Decoded {
    let settings = Settings { depths: DEPTHS, verify_checksums: verify, defrag: DefragLimits::default() };
    let mut decoder = Decoder::new(settings, 0);
    let mut counts = Counts::default();
    let (mut seen, mut arps) = (Vec::new(), Vec::new());
    for data in frames {
        let mut packets = Packets::default();
        let frame = Frame { time: 1, link, wire: data.len() as u32, data };
        decoder.frame(&frame, &mut packets, &mut counts);
        seen.extend(packets.list().iter().map(look));
        arps.extend_from_slice(packets.arps());
        while let Some(datagram) = decoder.take_datagram() {
            let mut packets = Packets::default();
            decoder.datagram(&datagram, &mut packets, &mut counts);
            seen.extend(packets.list().iter().map(look));
        }
    }
    Decoded { seen, arps, counts }
}

fn look(packet: &Packet<'_>) -> Seen {
    let end = |address, port| {
        let ip = crate::flow::ip_of(address, packet.v6);
        if port == 0 { ip.to_string() } else { std::net::SocketAddr::new(ip, port).to_string() }
    };
    assert!(packet.payload.len() <= packet.payload_len as usize);
    Seen {
        proto: packet.proto,
        source: end(packet.source, packet.source_port),
        destination: end(packet.destination, packet.destination_port),
        tunnels: packet.tunnels,
        payload: packet.payload_len as usize,
    }
}

/// The inner packet of every tunnel below: DNS-sized UDP in IPv4.
fn inner() -> Vec<u8> {
    ipv4([10, 9, 0, 1], [10, 9, 0, 2], ip_proto::UDP, &udp(4001, 53, b"question"))
}

/// Asserts that frames give the inner packet in `tunnels` tunnels, last, and no anomaly.
fn holds_inner(name: &str, link: u16, frame: Vec<u8>, tunnels: u8) {
    let decoded = decode_all(link, &[frame], true);
    let expected = Seen {
        proto: ip_proto::UDP,
        source: "10.9.0.1:4001".into(),
        destination: "10.9.0.2:53".into(),
        tunnels,
        payload: 8,
    };
    assert_eq!(decoded.seen.last(), Some(&expected), "{name}");
    assert_eq!(decoded.seen.len(), usize::from(tunnels) + 1, "{name}: each tunnel's own packet");
    assert_eq!(decoded.counts.ranked(), [], "{name}");
}

fn in_ip(proto: u8, body: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4([192, 0, 2, 1], [192, 0, 2, 2], proto, body))
}

fn in_udp(source: u16, destination: u16, body: &[u8]) -> Vec<u8> {
    in_ip(ip_proto::UDP, &udp(source, destination, body))
}

#[test]
fn every_tunnel_leads_to_the_packet_in_it() {
    let ip = inner();
    let frame = ethernet(0x0800, &ip);
    let ppp = [&[0xff, 0x03, 0x00, 0x21][..], &ip].concat();
    holds_inner("plain", 1, frame.clone(), 0);
    holds_inner("IP in IP", 1, in_ip(4, &ip), 1);
    holds_inner("GRE", 1, in_ip(47, &[&[0, 0, 0x08, 0x00][..], &ip].concat()), 1);
    // Checksum, key and sequence number.
    let gre = [&[0xb0, 0, 0x65, 0x58][..], &[0; 12], &frame].concat();
    holds_inner("GRE with all options and Ethernet", 1, in_ip(47, &gre), 1);
    let routed = [&[0x40, 0, 0x08, 0x00][..], &[0; 4], &[0, 2, 0, 4, 1, 2, 3, 4], &[0; 4], &ip].concat();
    holds_inner("GRE with source routes", 1, in_ip(47, &routed), 1);
    // Version 1: key (payload length, call), sequence and acknowledgement numbers.
    let len = (ppp.len() as u16).to_be_bytes();
    let pptp = [&[0x30, 0x81, 0x88, 0x0b][..], &len, &[0; 10], &ppp].concat();
    holds_inner("PPTP", 1, in_ip(47, &pptp), 1);
    holds_inner("ERSPAN I", 1, in_ip(47, &[&[0, 0, 0x88, 0xbe][..], &frame].concat()), 1);
    let erspan = [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0][..], &frame].concat();
    holds_inner("ERSPAN II", 1, in_ip(47, &erspan), 1);
    let third = [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20][..], &[0; 10], &[1], &[0; 8], &frame].concat();
    holds_inner("ERSPAN III with a subheader", 1, in_ip(47, &third), 1);
    holds_inner("VXLAN", 1, in_udp(5, 4789, &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &frame].concat()), 1);
    holds_inner("VXLAN-GPE", 1, in_udp(5, 4790, &[&[0x0c, 0, 0, 1, 0, 0, 9, 0][..], &ip].concat()), 1);
    let nsh = [&[0x0c, 0, 0, 4, 0, 0, 9, 0][..], &[0, 2, 1, 1, 0, 0, 1, 255], &ip].concat();
    holds_inner("NSH in VXLAN-GPE", 1, in_udp(5, 4790, &nsh), 1);
    let geneve = [&[0x01, 0, 0x65, 0x58, 0, 0, 9, 0][..], &[0; 4], &frame].concat();
    holds_inner("Geneve with an option", 1, in_udp(5, 6081, &geneve), 1);
    let gtp = [&[0x34, 255][..], &(ip.len() as u16 + 8).to_be_bytes(), &[0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0], &ip];
    holds_inner("GTP-U with an extension", 1, in_udp(2152, 5, &gtp.concat()), 1);
    // Length, sequence numbers and an offset of two bytes.
    let l2tp = [&[0x4a, 0x02][..], &[0; 10], &[0, 2, 0, 0], &ppp].concat();
    holds_inner("L2TPv2", 1, in_udp(1701, 1701, &l2tp), 1);
    let third = [&[0, 3, 0, 0, 0, 0, 0, 7][..], &[0xcc; 8], &frame].concat();
    holds_inner("L2TPv3 over UDP with a cookie", 1, in_udp(1701, 1701, &third), 1);
    holds_inner("L2TPv3 over IP", 1, in_ip(115, &[&[0, 0, 0, 7][..], &frame].concat()), 1);
    holds_inner("EtherIP", 1, in_ip(97, &[&[0x30, 0][..], &frame].concat()), 1);
    holds_inner("MPLS over IP", 1, in_ip(137, &[&[0, 0x10, 0x01, 64][..], &ip].concat()), 1);
    holds_inner("MPLS over UDP", 1, in_udp(5, 6635, &[&[0, 0x10, 0x01, 64][..], &ip].concat()), 1);
    holds_inner("TZSP", 1, in_udp(5, 37008, &[&[1, 0, 0, 1, 10, 1, 0, 1][..], &frame].concat()), 1);
    let twice = in_ip(4, &ipv4([172, 16, 0, 1], [172, 16, 0, 2], 4, &ip));
    holds_inner("IP in IP in IP", 1, twice, 2);
}

#[test]
fn every_link_layer_leads_to_the_packet_in_it() {
    let ip = inner();
    let frame = ethernet(0x0800, &ip);
    let len = (ip.len() as u16 + 2).to_be_bytes();
    let llc = [&[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00][..], &ip].concat();
    holds_inner("MPLS, two labels", 1, ethernet(0x8847, &[&[0, 0, 0x10, 1, 0, 1, 0x11, 1][..], &ip].concat()), 0);
    let wire = [&[0, 0x10, 0x01, 64, 0, 0, 0, 0][..], &frame].concat();
    holds_inner("MPLS pseudowire with control word", 1, ethernet(0x8847, &wire), 0);
    let pppoe = [&[0x11, 0, 0, 1][..], &len, &[0x00, 0x21], &ip].concat();
    holds_inner("PPPoE", 1, ethernet(0x8864, &pppoe), 0);
    holds_inner("802.1ah", 1, ethernet(0x88e7, &[&[0, 0, 0, 9][..], &frame].concat()), 0);
    holds_inner("VN-Tag", 1, ethernet(0x8926, &[&[0, 0, 0, 0, 0x08, 0x00][..], &ip].concat()), 0);
    holds_inner("E-Tag", 1, ethernet(0x893f, &[&[0, 0, 0, 0, 0, 0, 0x08, 0x00][..], &ip].concat()), 0);
    holds_inner("raw", 101, ip.clone(), 0);
    holds_inner("PPP", 9, [&[0xff, 0x03, 0x00, 0x21][..], &ip].concat(), 0);
    holds_inner("PPP, all compressed", 50, [&[0x21][..], &ip].concat(), 0);
    holds_inner("PPP with direction", 204, [&[0, 0xff, 0x03, 0x00, 0x21][..], &ip].concat(), 0);
    holds_inner("Cisco HDLC", 104, [&[0x0f, 0, 0x08, 0x00][..], &ip].concat(), 0);
    holds_inner("Cisco HDLC as PPP", 9, [&[0x0f, 0, 0x08, 0x00][..], &ip].concat(), 0);
    holds_inner("PPI", 192, [&[0, 0, 8, 0, 1, 0, 0, 0][..], &frame].concat(), 0);
    let nflog = [&[2, 0, 0, 40][..], &[6, 0, 10, 0, 1, 0, 0, 0], &(ip.len() as u16 + 4).to_le_bytes(), &[9, 0], &ip];
    holds_inner("NFLOG", 239, nflog.concat(), 0);
    // Data from the distribution system, with QoS control; a radiotap header that announces flags and says "FCS".
    let wlan = [&[0x88, 0x02][..], &[0; 22], &[0, 0], &llc].concat();
    holds_inner("802.11", 105, wlan.clone(), 0);
    let tap = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x10][..], &wlan, &[1, 2, 3, 4]].concat();
    holds_inner("radiotap", 127, tap, 0);
    holds_inner("prism", 119, [&[0, 0, 0, 0x44, 144, 0, 0, 0][..], &[0; 136], &wlan].concat(), 0);
    holds_inner("AVS", 163, [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], &wlan].concat(), 0);
}

#[test]
fn an_aggregate_gives_every_packet_in_it() {
    let llc = [&[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00][..], &inner()].concat();
    let mut part = [&[0; 12][..], &(llc.len() as u16).to_be_bytes(), &llc].concat();
    part.resize(part.len().next_multiple_of(4), 0);
    let frame = [&[0x88, 0x02][..], &[0; 22], &[0x80, 0], &part, &part, &part].concat();
    let decoded = decode_all(105, &[frame], false);
    assert_eq!(decoded.seen.len(), 3);
    assert!(decoded.seen.iter().all(|s| s.destination == "10.9.0.2:53"));
    assert_eq!(decoded.counts.ranked(), []);
}

#[test]
fn ipv6_tunnels() {
    let v6 = ipv6([0xfd; 16], [0xfe; 16], ip_proto::UDP, &udp(7, 9, b"abc"));
    let own = decode_all(1, &[in_ip(41, &v6)], false).seen;
    assert_eq!((own[0].proto, own[1].tunnels, own[1].payload), (41, 1, 3));
    // Teredo on its port, after an origin indication; elsewhere only with its prefix.
    let origin = [&[0, 0, 1, 2, 3, 4, 5, 6][..], &v6].concat();
    assert_eq!(decode_all(1, &[in_udp(3544, 9000, &origin)], false).seen.len(), 2);
    assert_eq!(decode_all(1, &[in_udp(9001, 9000, &v6)], false).seen.len(), 1);
    let mut prefix = [0; 16];
    prefix[..4].copy_from_slice(&[0x20, 1, 0, 0]);
    let teredo = ipv6(prefix, [0xfe; 16], ip_proto::UDP, &udp(7, 9, b"abc"));
    assert_eq!(decode_all(1, &[in_udp(9001, 9000, &teredo)], false).seen.len(), 2);
}

#[test]
fn what_only_looks_like_a_tunnel_stays_one_packet_without_anomaly() {
    for port in [1701, 2152, 3544, 4789, 4790, 5072, 5247, 6081, 37008] {
        for body in [&b""[..], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &[0xff; 200], &[0x80; 60]] {
            let decoded = decode_all(1, &[in_udp(50_000, port, body)], false);
            assert_eq!(decoded.seen.len(), 1, "{port} {body:?}");
            assert_eq!(decoded.counts.ranked(), [], "{port} {body:?}");
        }
    }
}

#[test]
fn depth_has_an_end_and_a_name() {
    let mut ip = inner();
    for _ in 0..12 {
        ip = ipv4([192, 0, 2, 1], [192, 0, 2, 2], 4, &ip);
    }
    let decoded = decode_all(101, &[ip], false);
    assert_eq!(decoded.seen.len(), 9);
    assert_eq!(decoded.counts.ranked(), [("tunnels.too_many_layers", 1)]);

    let mut frame = ethernet(0x0800, &inner());
    for _ in 0..60 {
        frame = ethernet(0x88e7, &[&[0, 0, 0, 9][..], &frame].concat());
    }
    let decoded = decode_all(1, &[frame], false);
    assert_eq!((decoded.seen.len(), decoded.counts.get(Anomaly::TooManyLayers)), (0, 1));

    let labels = [[0, 0, 0x10, 1].repeat(20), inner()].concat();
    assert_eq!(decode_all(1, &[ethernet(0x8847, &labels)], false).counts.get(Anomaly::TooManyLayers), 1);
}

#[test]
fn more_packets_than_a_frame_may_hold_are_counted_and_left_out() {
    let llc =
        [&[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00][..], &in_ip(4, &ipv4([1; 4], [2; 4], 4, &inner()))[14..]].concat();
    let mut part = [&[0; 12][..], &(llc.len() as u16).to_be_bytes(), &llc].concat();
    part.resize(part.len().next_multiple_of(4), 0);
    let frame = [&[0x88, 0x02][..], &[0; 22], &[0x80, 0], &part.repeat(23)].concat();
    let decoded = decode_all(105, &[frame], false);
    assert_eq!(decoded.seen.len(), 64);
    assert_eq!(decoded.counts.ranked(), [("too_many_layers", 2)]);
}

#[test]
fn arp_is_read() {
    let body = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &[1; 6], &[10, 0, 0, 1], &[2; 6], &[10, 0, 0, 2]].concat();
    let decoded = decode_all(1, &[ethernet(0x8100, &[&[0, 5, 0x08, 0x06][..], &body].concat())], false);
    let expected = Arp {
        time: 1,
        operation: 2,
        sender_mac: [1; 6],
        sender_ip: [10, 0, 0, 1],
        target_mac: [2; 6],
        target_ip: [10, 0, 0, 2],
        vlans: [5, 0],
        number: 1,
        macs: [[2; 6], [1; 6]],
    };
    assert_eq!(decoded.arps, [expected]);
    assert_eq!(decode_all(1, &[ethernet(0x0806, &body[..20])], false).counts.ranked(), [("arp.pkt_too_small", 1)]);
}

#[test]
fn ah_is_walked_through_and_esp_is_noted() {
    let ah = [&[ip_proto::UDP, 4, 0, 0][..], &[0; 20], &udp(7, 9, b"abc")].concat();
    let seen = decode_all(1, &[in_ip(51, &ah)], false).seen;
    assert_eq!((seen[0].proto, seen[0].destination.as_str()), (17, "192.0.2.2:9"));
    let decoded = decode_all(1, &[in_ip(50, &[1; 40])], false);
    assert_eq!((decoded.seen.len(), decoded.counts.ranked()), (1, vec![("not_decoded.esp", 1)]));
}

#[test]
fn fragments_give_one_packet_and_a_tunnel_in_them_is_followed() {
    let body = udp(7, 4789, &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &ethernet(0x0800, &inner())].concat());
    let whole = ipv4([192, 0, 2, 1], [192, 0, 2, 2], 17, &body);
    let fragments: Vec<_> = [(24, body.len(), false), (0, 24, true)]
        .map(|(from, to, more)| {
            let mut ip = ipv4([192, 0, 2, 1], [192, 0, 2, 2], 255, &body[from..to]);
            ip[9] = 17;
            ip[6..8].copy_from_slice(&((from / 8) as u16 | if more { 0x2000 } else { 0 }).to_be_bytes());
            ethernet(0x0800, &ip)
        })
        .into();
    let apart = decode_all(1, &fragments, false);
    assert_eq!(apart.seen, decode_all(1, &[ethernet(0x0800, &whole)], false).seen);
    assert_eq!(apart.seen.len(), 2);
    assert_eq!(apart.counts.ranked(), [("ipv4.fragment", 2)]);
}

#[test]
fn checksums_are_told_right_wrong_and_offloaded() {
    let good = in_udp(7, 9, b"odd");
    for (at, name) in [(24, "ipv4.invalid_checksum"), (40, "udp.invalid_checksum")] {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        assert_eq!(decode_all(1, std::slice::from_ref(&bad), true).counts.ranked(), [(name, 1)]);
        assert_eq!(decode_all(1, &[bad], false).counts.ranked(), []);
    }
    let mut offloaded = good.clone();
    offloaded[40..42].fill(0);
    offloaded[24..26].fill(0);
    assert_eq!(decode_all(1, &[good, offloaded], true).counts.ranked(), []);
}

#[test]
fn an_icmp_error_tells_whom_it_is_about() {
    let icmp = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &inner()[..28]].concat();
    let data = in_ip(1, &icmp);
    let settings = Settings { depths: DEPTHS, verify_checksums: false, defrag: DefragLimits::default() };
    let mut packets = Packets::default();
    let frame = Frame { time: 1, link: 1, wire: data.len() as u32, data: &data };
    Decoder::new(settings, 0).frame(&frame, &mut packets, &mut Counts::default());
    let about = quoted(&packets.list()[0]).unwrap();
    assert_eq!((about.source_port, about.destination_port, about.proto), (4001, 53, 17));
    assert_eq!(packets.list()[0].macs, [[2; 6], [1; 6]]);
}
