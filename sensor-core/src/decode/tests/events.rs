//! Each decode event raised by the bytes that deserve it, and by none that do not.

use super::corpus::capture;
use super::*;

/// Names of the anomalies of one Ethernet frame, each with how many packets it gave.
fn told(frame: Vec<u8>) -> (Vec<&'static str>, usize) {
    let decoded = decode_all(1, &[frame], false);
    let mut names: Vec<_> = decoded.counts.ranked().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    (names, decoded.seen.len())
}

/// Asserts what a frame is told for, and that it gives that many packets.
fn tells(frame: Vec<u8>, names: &[&str], packets: usize) {
    assert_eq!(told(frame.clone()), (names.to_vec(), packets), "{frame:02x?}");
}

fn with_options(options: &[u8]) -> Vec<u8> {
    let mut ip = ipv4([192, 0, 2, 1], [192, 0, 2, 2], ip_proto::UDP, &udp(7, 9, b"abc"));
    ip[0] = 0x45 + (options.len() / 4) as u8;
    let total = (ip.len() + options.len()) as u16;
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    ip.splice(20..20, options.iter().copied());
    ethernet(0x0800, &ip)
}

fn with_tcp_options(options: &[u8]) -> Vec<u8> {
    let offset = ((20 + options.len()) / 4) as u8;
    let tcp = [&[0, 7, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, offset << 4, 2, 1, 0, 0, 0, 0, 0][..], options].concat();
    in_ip(ip_proto::TCP, &tcp)
}

fn in_v6(next: u8, body: &[u8]) -> Vec<u8> {
    ethernet(0x86dd, &ipv6([0xfd; 16], [0xfe; 16], next, body))
}

/// An extension header of 8 bytes before a datagram.
fn extended(kind: u8, eight: [u8; 8]) -> Vec<u8> {
    in_v6(kind, &[&eight[..], &udp(7, 9, b"abc")].concat())
}

#[test]
fn options_of_ipv4() {
    for (options, names) in [
        // Router alert; record route with one free place; end and padding.
        (&[148, 4, 0, 0][..], &[][..]),
        (&[7, 7, 4, 0, 0, 0, 0, 0], &[]),
        (&[1, 1, 0, 0], &[]),
        (&[0, 0, 0, 9], &["ipv4.opt_pad_required"]),
        (&[1, 1, 1, 148], &["ipv4.opt_eol_required"]),
        (&[148, 9, 0, 0], &["ipv4.opt_invalid_len"]),
        (&[148, 1, 0, 0], &["ipv4.opt_invalid_len"]),
        (&[148, 3, 0, 0], &["ipv4.opt_invalid_len"]),
        (&[7, 7, 3, 0, 0, 0, 0, 0], &["ipv4.opt_malformed"]),
        (&[68, 8, 5, 2, 0, 0, 0, 0], &["ipv4.opt_invalid"]),
        (&[68, 8, 4, 0, 0, 0, 0, 0], &["ipv4.opt_malformed"]),
        (&[148, 4, 0, 0, 148, 4, 0, 0], &["ipv4.opt_duplicate"]),
        (&[99, 4, 0, 0], &["ipv4.opt_unknown"]),
    ] {
        tells(with_options(options), names, 1);
    }
}

#[test]
fn options_of_tcp() {
    for (options, names) in [
        (&[2, 4, 5, 180, 4, 2, 1, 1][..], &[][..]),
        (&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0], &[]),
        (&[0xfe, 4, 0xf9, 0x89], &[]),
        (&[34, 6, 1, 2, 3, 4, 1, 1], &[]),
        (&[34, 5, 1, 2, 3, 1, 1, 1], &["tcp.opt_invalid_len"]),
        (&[29, 3, 0x61, 0], &["tcp.opt_invalid_len"]),
        (&[2, 0x89, 5, 180], &["tcp.opt_invalid_len"]),
        (&[1, 1, 2, 1], &["tcp.opt_invalid_len"]),
        (&[3, 3, 7, 1, 3, 3, 7, 1], &["tcp.opt_duplicate"]),
    ] {
        tells(with_tcp_options(options), names, 1);
    }
}

#[test]
fn extension_headers_of_ipv6() {
    const UDP: u8 = ip_proto::UDP;
    for (kind, eight, names) in [
        (0, [UDP, 0, 5, 2, 0, 0, 1, 0], &[][..]),
        (0, [UDP, 0, 1, 4, 0, 0, 0, 0], &["ipv6.hopopts_only_padding"][..]),
        (60, [UDP, 0, 1, 4, 0, 0, 0, 0], &["ipv6.dstopts_only_padding"]),
        (0, [UDP, 0, 0x3e, 4, 0, 0, 0, 0], &["ipv6.hopopts_unknown_opt"]),
        (60, [UDP, 0, 0x3e, 4, 0, 0, 0, 0], &["ipv6.dstopts_unknown_opt"]),
        (60, [UDP, 0, 0x3e, 5, 0, 0, 0, 0], &["ipv6.exthdr_invalid_optlen"]),
        (60, [UDP, 0, 5, 4, 0, 0, 0, 0], &["ipv6.exthdr_invalid_optlen"]),
        (60, [UDP, 0, 1, 0, 5, 2, 0, 0], &[]),
        (0, [UDP, 0, 1, 0, 1, 2, 0, 0], &["ipv6.hopopts_only_padding", "ipv6.zero_len_padn"]),
        (43, [UDP, 0, 0, 0, 0, 0, 0, 0], &["ipv6.rh_type_0"]),
        (43, [UDP, 0, 4, 0, 0, 0, 0, 0], &[]),
        (44, [UDP, 1, 0, 0, 0, 0, 0, 1], &["ipv6.exthdr_useless_fh", "ipv6.fh_non_zero_reserved_field"]),
        (44, [UDP, 0, 0, 4, 0, 0, 0, 1], &["ipv6.exthdr_useless_fh", "ipv6.fh_non_zero_reserved_field"]),
        (51, [UDP, 0, 0, 1, 0, 0, 0, 1], &["ipv6.exthdr_ah_res_not_null"]),
    ] {
        tells(extended(kind, eight), names, 1);
    }
    // The same twice; of destination options three.
    for (kind, inside, names) in [
        (0, [5, 2, 0, 0, 1, 0], &["ipv6.exthdr_dupl_hh"][..]),
        (43, [4, 0, 0, 0, 0, 0], &["ipv6.exthdr_dupl_rh"]),
        (44, [0, 0, 0, 0, 0, 1], &["ipv6.exthdr_dupl_fh", "ipv6.exthdr_useless_fh"]),
        (51, [0, 0, 0, 0, 0, 1], &["ipv6.exthdr_dupl_ah"]),
        (60, [5, 2, 0, 0, 1, 0], &[]),
    ] {
        let [first, second] = [kind, UDP].map(|next| [&[next, 0][..], &inside].concat());
        tells(in_v6(kind, &[&first[..], &second, &udp(7, 9, b"abc")].concat()), names, 1);
        if kind == 60 {
            let body = [&first[..], &first, &second, &udp(7, 9, b"abc")].concat();
            tells(in_v6(kind, &body), &["ipv6.exthdr_dupl_dh"], 1);
        }
    }
    // Nothing behind the last header.
    tells(in_v6(0, &[UDP, 0, 5, 2, 0, 0, 1, 0]), &["ipv6.trunc_exthdr"], 0);
}

#[test]
fn what_ip_carries() {
    tells(in_ip(89, &[0; 24]), &["ipv4.unknown_protocol"], 1);
    tells(in_v6(89, &[0; 24]), &["ipv6.unknown_next_header"], 1);
    tells(in_v6(59, b"a"), &["ipv6.data_after_none_header"], 1);
    tells(in_v6(59, b""), &[], 1);
    tells(in_ip(58, &[128, 0, 0, 0, 0, 0, 0, 0]), &["ipv4.icmpv6"], 1);
    tells(in_v6(1, &[8, 0, 0, 0, 0, 0, 0, 0]), &["ipv6.icmpv4"], 1);
    tells(in_v6(4, &inner()), &[], 2);
    tells(in_v6(4, &inner()[..19]), &["ipv6.ipv4_in_ipv6_too_small"], 1);
    let six = ipv6([1; 16], [2; 16], ip_proto::UDP, &udp(7, 9, b"abc"));
    tells(in_v6(4, &six), &["ipv6.ipv4_in_ipv6_wrong_version"], 1);
    tells(in_v6(41, &six), &[], 2);
    tells(in_v6(41, &six[..39]), &["ipv6.ipv6_in_ipv6_too_small"], 1);
    tells(in_v6(41, &[inner(), inner()].concat()), &["ipv6.ipv6_in_ipv6_wrong_version"], 1);
    let mut short = udp(7, 9, b"abc");
    short[5] = 7;
    tells(in_ip(17, &short), &["udp.hlen_too_small"], 1);
    short[5] = 12;
    tells(in_ip(17, &short), &["udp.len_invalid"], 1);
    tells(in_ip(17, &short[..4]), &["udp.hlen_too_small"], 0);
}

#[test]
fn icmp_types_codes_and_quotes() {
    let quote = inner();
    for (kind, code, quote, names) in [
        (8, 0, &quote[..], &[][..]),
        (9, 16, &quote, &[]),
        (8, 1, &quote, &["icmpv4.unknown_code"]),
        (10, 0, &quote, &["icmpv4.unknown_type"]),
        (165, 0, &quote, &["icmpv4.unknown_type"]),
        (3, 3, &quote, &[]),
        (3, 3, &quote[..19], &["icmpv4.ipv4_trunc_pkt"]),
        (11, 0, &[0x60; 20], &["icmpv4.ipv4_unknown_ver"]),
    ] {
        tells(in_ip(1, &[&[kind, code, 0, 0, 0, 0, 0, 0][..], quote].concat()), names, 1);
    }
    let quote = ipv6([1; 16], [2; 16], ip_proto::UDP, &udp(7, 9, b"abc"));
    for (kind, code, quote, names) in [
        (128, 0, &quote[..], &[][..]),
        (128, 1, &quote, &["icmpv6.unknown_code"]),
        (0, 0, &quote, &["icmpv6.unknown_type"]),
        (5, 0, &quote, &["icmpv6.unassigned_type"]),
        (220, 0, &quote, &["icmpv6.unassigned_type"]),
        (200, 0, &quote, &["icmpv6.experimentation_type"]),
        (1, 4, &quote, &[]),
        (1, 4, &quote[..39], &["icmpv6.ipv6_trunc_pkt"]),
        (3, 0, &[0x45; 40], &["icmpv6.ipv6_unknown_version"]),
        // The builder's hop limit is 64.
        (131, 0, &quote, &["icmpv6.mld_message_with_invalid_hl"]),
    ] {
        tells(in_v6(58, &[&[kind, code, 0, 0, 0, 0, 0, 0][..], quote].concat()), names, 1);
    }
}

#[test]
fn igmp_messages() {
    for (message, names) in [
        (&[0x16, 0, 0, 0, 224, 0, 0, 9][..], &[][..]),
        (&[0x16, 0, 0, 0, 224, 0, 0], &["igmp.pkt_too_small"]),
        // A query of version 3: group, flags, interval, number of sources.
        (&[0x11, 0, 0, 0, 0, 0, 0, 0, 2, 20, 0, 0], &[]),
        (&[0x11, 0, 0, 0, 0, 0, 0, 0, 2, 20], &["igmp.v3_pkt_too_small"]),
        (&[0x11, 0, 0, 0, 0, 0, 0, 0, 2, 20, 0, 1], &["igmp.malformed"]),
        // A report with one record.
        (&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 224, 0, 0, 9], &[]),
        (&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 1, 224, 0, 0, 9], &["igmp.malformed"]),
        (&[0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 224, 0, 0, 9], &["igmp.malformed"]),
    ] {
        tells(in_ip(2, message), names, 1);
    }
    let wrong = in_ip(2, &[0x16, 0, 9, 9, 224, 0, 0, 9]);
    assert_eq!(decode_all(1, &[wrong], true).counts.ranked(), [("igmp.invalid_checksum", 1)]);
}

#[test]
fn sctp_chunks() {
    let packet = |tag: u8, chunks: &[u8]| in_ip(132, &[&[0, 7, 0, 9, 0, 0, 0, tag, 0, 0, 0, 0][..], chunks].concat());
    let (init, data) = ([1, 0, 0, 4], [0, 3, 0, 5, 9, 0, 0, 0]);
    tells(packet(0, &init), &[], 1);
    // The last chunk is not filled up.
    tells(packet(1, &data[..5]), &[], 1);
    tells(packet(1, &init), &["sctp.init_with_non_zero_vtag"], 1);
    tells(packet(0, &[&init[..], &[10, 0, 0, 4]].concat()), &["sctp.init_chunk_bundled"], 1);
    tells(packet(0, &data), &["sctp.data_with_zero_vtag"], 1);
    tells(packet(1, &[0, 3, 0]), &["sctp.chunk_too_small"], 1);
    tells(packet(1, &[0, 3, 0, 9, 0, 0, 0, 0]), &["sctp.chunk_len_invalid"], 1);
    tells(packet(1, &[0, 3, 0, 3]), &["sctp.chunk_len_invalid"], 1);
    tells(packet(1, &data.repeat(64)), &[], 1);
    tells(packet(1, &data.repeat(65)), &["sctp.too_many_chunks", "sctp.too_many_data_chunks"], 1);
    tells(packet(1, &[10, 0, 0, 4].repeat(65)), &["sctp.too_many_chunks"], 1);
}

#[test]
fn gre_flags_are_told_and_the_packet_in_it_is_followed() {
    let gre = |header: &[u8]| in_ip(47, &[header, &inner()].concat());
    tells(gre(&[0x01, 0, 8, 0]), &["gre.version0_recur"], 2);
    tells(gre(&[0, 8, 8, 0]), &["gre.version0_flags"], 2);
    tells(in_ip(47, &[0x20, 0, 8, 0]), &["gre.version0_hdr_too_big"], 1);
    tells(in_ip(47, &[0, 0]), &["gre.pkt_too_small"], 1);
    let one = |flags: u8, version: u8| in_ip(47, &[flags, version, 0x88, 0x0b, 0, 0, 0, 7]);
    for (flags, version, names) in [
        (0x20, 1, &[][..]),
        (0xa0, 1, &["gre.version1_chksum"]),
        (0x60, 1, &["gre.version1_route"]),
        (0x28, 1, &["gre.version1_ssr"]),
        (0x21, 1, &["gre.version1_recur"]),
        (0x20, 9, &["gre.version1_flags"]),
        (0x30, 1, &["gre.version1_hdr_too_big"]),
    ] {
        tells(one(flags, version), names, 1);
    }
}

#[test]
fn labels_and_tags() {
    let mpls = |label: u8, body: &[u8]| ethernet(0x8847, &[&[0, 0, label << 4 | 1, 64][..], body].concat());
    tells(mpls(0, &inner()), &[], 1);
    tells(mpls(1, &inner()), &["mpls.bad_label_router_alert"], 1);
    tells(mpls(3, &inner()), &["mpls.bad_label_implicit_null"], 1);
    tells(mpls(8, &inner()), &["mpls.bad_label_reserved"], 1);
    tells(mpls(0, &inner()[..19]), &["mpls.pkt_too_small"], 0);
    tells(ethernet(0x9000, &[0; 46]), &["ethernet.unknown_ethertype"], 0);
    tells(ethernet(0x8100, &[0, 5, 0x90, 0, 0, 0]), &["vlan.unknown_type"], 0);
    tells(ethernet(0x8926, &[0, 0, 0, 0, 0x90, 0, 0, 0]), &["vntag.unknown_type"], 0);
    tells(ethernet(0x893f, &[0, 0, 0, 0, 0, 0, 0x90, 0, 0, 0]), &["etag.unknown_type"], 0);
    tells(ethernet(0x8903, &[&[0, 9][..], &ethernet(0x0800, &inner())].concat()), &[], 1);
    tells(ethernet(0x8903, &[0; 15]), &["dce.pkt_too_small"], 0);
    // Suricata takes a length for an EtherType; what follows it is decoded here.
    let llc = [&[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00][..], &inner()].concat();
    tells(ethernet(llc.len() as u16, &llc), &["ethernet.unknown_ethertype"], 1);
}

#[test]
fn ppp_and_its_discovery() {
    let ppp = |protocol: [u8; 2], body: &[u8]| {
        let len = (body.len() as u16 + 2).to_be_bytes();
        ethernet(0x8864, &[&[0x11, 0, 0, 1][..], &len, &protocol, body].concat())
    };
    tells(ppp([0, 0x21], &inner()), &[], 1);
    tells(ppp([0, 0x21], &inner()[..19]), &["ppp.ip4_pkt_too_small"], 0);
    tells(ppp([0, 0x57], &[0x60; 39]), &["ppp.ip6_pkt_too_small"], 0);
    tells(ppp([0, 0x2f], &[0x45; 19]), &["ppp.vju_pkt_too_small"], 0);
    tells(ppp([0xc0, 0x21], &[1, 1, 0, 4]), &["ppp.wrong_type"], 0);
    tells(ppp([8, 0], &[0; 40]), &["ppp.unsup_proto"], 0);
    let discovery = |code: u8, tags: &[u8]| {
        let len = (tags.len() as u16).to_be_bytes();
        ethernet(0x8863, &[&[0x11, code, 0, 0][..], &len, tags].concat())
    };
    tells(discovery(0x09, &[1, 1, 0, 0]), &["not_decoded.pppoe_discovery"], 0);
    tells(discovery(0x09, &[1, 1, 0, 1]), &["pppoe.malformed_tags"], 0);
    tells(discovery(0x09, &[1, 1, 0]), &["pppoe.malformed_tags"], 0);
    tells(discovery(0x05, &[]), &["pppoe.wrong_code"], 0);
}

#[test]
fn events_of_the_corpus_are_those_that_suricata_gave() {
    for (name, event, expected) in [
        ("ndpi/captures/malformed_icmp.pcap", Anomaly::Icmp4Type, 1),
        ("pcap/tcp/tfo-5c1fa7f9ae91.pcap", Anomaly::TcpOptionLength, 3),
        ("suricata-verify/pcaps/590c70fd0335210c.pcap", Anomaly::Ipv6TwoFragmentHeaders, 1),
        ("suricata-verify/pcaps/5d46ce7f1182f93b.pcap", Anomaly::Ipv6ExtensionTruncated, 1),
        ("zeek/captures/ipv6-mobility-dst-opts.pcap", Anomaly::Ipv6OptionLength, 2),
        ("zeek/captures/ipv6-mobility-dst-opts.pcap", Anomaly::Ipv6DestinationOptionsPadding, 2),
        ("suricata-verify/pcaps/e999ac505b931235.pcap", Anomaly::Ipv6In6WrongVersion, 1),
        ("pcap/frag/ip4_bad_fragment.pcap", Anomaly::MplsReserved, 1),
        ("pcap/link/llc_vlan.pcap", Anomaly::VlanUnknown, 1),
        ("arkime/captures/ospf.pcap", Anomaly::EtherType, 74),
    ] {
        let Some((link, frames)) = capture(name) else { return };
        assert_eq!(decode_all(link, &frames, false).counts.get(event), expected, "{name} {}", event.name());
    }
}
