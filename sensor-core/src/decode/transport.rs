//! What an IP header carries: TCP, UDP, ICMP, SCTP, and the tunnels below IP.

use etherparse::{TcpHeaderSlice, UdpHeaderSlice, err};

use super::ip::Ip;
use super::span::Span;
use super::walk::{Layer, Next, Walk};
use super::{Packet, checksum, gre, icmp, igmp, ip_proto, options, sctp, udp_tunnel};
use crate::Anomaly;
use crate::anomaly::Counts;

/// The fields of a TCP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Window, not scaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Flags.
    pub flags: TcpFlags,
}

/// TCP flags, in the bits of the header's 14th byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// Urgent pointer counts.
    pub const URG: u8 = 0x20;
    /// ECN echo.
    pub const ECE: u8 = 0x40;
    /// Congestion window reduced.
    pub const CWR: u8 = 0x80;

    /// All bits of `mask` are set.
    #[inline]
    pub fn has(self, mask: u8) -> bool {
        self.0 & mask == mask
    }

    /// Any bit of `mask` is set.
    #[inline]
    pub fn any(self, mask: u8) -> bool {
        self.0 & mask != 0
    }
}

/// Decodes what the IP header carries, and gives the packet out. Unknown protocols are tracked by their addresses
/// alone.
#[inline]
pub fn decode<'a>(walk: &mut Walk<'_, 'a>, ip: &Ip, proto: u8, body: Span<'a>) -> Next<'a> {
    let context = &walk.context;
    let Some(packet) = walk.packets.place() else { return Err(Anomaly::TooManyLayers) };
    *packet = Packet {
        source: ip.source,
        destination: ip.destination,
        payload: body.data,
        ip_header: walk.ip_header,
        transport: body.data,
        tcp_options: &[],
        time: context.time,
        number: context.number,
        wire: context.wire,
        packets: context.packets,
        payload_len: length(body),
        tcp: Tcp::default(),
        source_port: 0,
        destination_port: 0,
        vlans: context.vlans,
        third_vlan: context.third_vlan,
        tags: context.tags,
        ip_id: ip.id,
        proto,
        ttl: ip.ttl,
        icmp: (0, 0),
        tunnels: context.tunnels,
        macs: context.macs,
        v6: ip.v6,
        dont_fragment: ip.dont_fragment,
        one_way: false,
        icmp_error: false,
        bad_checksum: ip.bad_checksum,
        partial: ip.partial,
        carrier: false,
    };
    let verify = walk.settings.verify_checksums;
    let tunnel = match proto {
        ip_proto::TCP if !ip.headless => tcp(ip, body, packet, verify, walk.anomalies),
        ip_proto::UDP if !ip.headless => udp(ip, body, packet, verify, walk.anomalies),
        _ if ip.headless => Ok(None),
        _ => other(ip, body, packet, verify, walk.anomalies),
    };
    let tunnel = match tunnel {
        Ok(tunnel) => tunnel,
        Err(anomaly) => {
            walk.packets.cut();
            return Err(anomaly);
        }
    };
    packet.carrier = tunnel.is_some();
    walk.packets.keep();
    match tunnel {
        None => Ok(None),
        Some((layer, span)) => walk.enter(layer, span),
    }
}

/// The rest of the protocols. Those that are not decoded are counted and tracked nonetheless.
#[inline(never)]
fn other<'a>(ip: &Ip, body: Span<'a>, packet: &mut Packet<'a>, verify: bool, anomalies: &mut Counts) -> Next<'a> {
    let tunnel = match packet.proto {
        ip_proto::ICMP | ip_proto::ICMPV6 => return icmp_message(ip, body, packet, verify, anomalies),
        ip_proto::SCTP | ip_proto::UDPLITE => {
            let header = if packet.proto == ip_proto::SCTP { SCTP_HEADER } else { UDP_HEADER };
            let Some(payload) = body.after(header) else { return Err(body.short(Anomaly::SctpTooSmall)) };
            packet.source_port = body.be16(0).unwrap_or(0);
            packet.destination_port = body.be16(2).unwrap_or(0);
            set_payload(packet, payload);
            if let Ok([a, b, c, d]) = body.past(4, Anomaly::SctpTooSmall)?.head::<4>(Anomaly::SctpTooSmall)
                && packet.proto == ip_proto::SCTP
                && !ip.partial
            {
                sctp::chunks(u32::from_be_bytes([*a, *b, *c, *d]), payload, anomalies);
            }
            return Ok(None);
        }
        _ if ip.partial => Ok(None),
        ip_proto::IPV4 if ip.v6 => in_ipv6(Layer::Ipv4, body),
        ip_proto::IPV6 if ip.v6 => in_ipv6(Layer::Ipv6, body),
        ip_proto::IPV4 => Ok(Some((Layer::Ipv4, body))),
        ip_proto::IPV6 => Ok(Some((Layer::Ipv6, body))),
        ip_proto::GRE => gre::decode(body, anomalies),
        ip_proto::MPLS => Ok(Some((Layer::Mpls, body))),
        // RFC 3378 section 3: version 3 and twelve zero bits before the frame.
        ip_proto::ETHERIP => body.past(2, Anomaly::EtherIpTooSmall).map(|frame| Some((Layer::Ethernet, frame))),
        ip_proto::L2TP => Ok(udp_tunnel::l2tp_session(body)),
        ip_proto::ESP => Err(Anomaly::Esp),
        ip_proto::IGMP => {
            igmp::message(body, verify, anomalies);
            Ok(None)
        }
        ip_proto::NONE if ip.v6 && body.len > 0 => Err(Anomaly::Ipv6DataAfterNone),
        ip_proto::NONE => Ok(None),
        _ if ip.v6 => Err(Anomaly::Ipv6NextHeader),
        _ => Err(Anomaly::Ipv4Protocol),
    };
    Ok(tunnel.unwrap_or_else(|anomaly| {
        anomalies.add(anomaly);
        None
    }))
}

/// IP in IPv6, of which the outer header has said the version.
fn in_ipv6(layer: Layer, body: Span<'_>) -> Next<'_> {
    let (version, header, too_small, wrong) = if matches!(layer, Layer::Ipv4) {
        (4, 20, Anomaly::Ipv4In6TooSmall, Anomaly::Ipv4In6WrongVersion)
    } else {
        (6, 40, Anomaly::Ipv6In6TooSmall, Anomaly::Ipv6In6WrongVersion)
    };
    if body.len < header {
        return Err(too_small);
    }
    match body.byte(0) {
        Some(first) if first >> 4 != version => Err(wrong),
        _ => Ok(Some((layer, body))),
    }
}

#[inline]
fn tcp<'a>(ip: &Ip, body: Span<'a>, packet: &mut Packet<'a>, verify: bool, anomalies: &mut Counts) -> Next<'a> {
    use err::tcp::{HeaderError, HeaderSliceError};
    let header = match TcpHeaderSlice::from_slice(body.data) {
        Ok(header) => header,
        Err(HeaderSliceError::Content(HeaderError::DataOffsetTooSmall { .. })) => return Err(Anomaly::TcpHeaderLength),
        // The fixed part is there and only options are cut off: all that is needed was read.
        Err(HeaderSliceError::Len(_)) => return tcp_fixed_part(body, packet),
    };
    packet.source_port = header.source_port();
    packet.destination_port = header.destination_port();
    packet.tcp = Tcp {
        seq: header.sequence_number(),
        ack: header.acknowledgment_number(),
        window: header.window_size(),
        urgent: header.urgent_pointer(),
        flags: TcpFlags(header.slice().get(13).copied().unwrap_or(0)),
    };
    let header_len = header.slice().len();
    packet.tcp_options = body.data.get(TCP_HEADER..header_len).unwrap_or_default();
    options::tcp(packet.tcp_options, anomalies);
    set_payload(packet, body.after(header_len).unwrap_or_default());
    if verify && !checksum::is_good(ip, ip_proto::TCP, body, 16) {
        anomalies.add(Anomaly::TcpChecksum);
        packet.bad_checksum = true;
    }
    Ok(None)
}

/// A TCP header whose options the capture cut off still tells everything but them.
#[cold]
fn tcp_fixed_part<'a>(body: Span<'a>, packet: &mut Packet<'a>) -> Next<'a> {
    let fixed = body.head::<20>(Anomaly::TcpTooSmall)?;
    let header_len = usize::from(fixed[12] >> 4) * 4;
    if !body.is_cut() || header_len > body.len {
        return Err(Anomaly::TcpOptionsTruncated);
    }
    packet.source_port = u16::from_be_bytes([fixed[0], fixed[1]]);
    packet.destination_port = u16::from_be_bytes([fixed[2], fixed[3]]);
    packet.tcp = Tcp {
        seq: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ack: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        window: u16::from_be_bytes([fixed[14], fixed[15]]),
        urgent: u16::from_be_bytes([fixed[18], fixed[19]]),
        flags: TcpFlags(fixed[13]),
    };
    packet.tcp_options = body.data.get(TCP_HEADER..).unwrap_or_default();
    set_payload(packet, Span { data: &[], len: body.len - header_len });
    Ok(None)
}

#[inline]
fn udp<'a>(ip: &Ip, body: Span<'a>, packet: &mut Packet<'a>, verify: bool, anomalies: &mut Counts) -> Next<'a> {
    let header = UdpHeaderSlice::from_slice(body.data).map_err(|_| body.short(Anomaly::UdpHeaderLength))?;
    packet.source_port = header.source_port();
    packet.destination_port = header.destination_port();
    let mut payload = body.after(UDP_HEADER).unwrap_or_default();
    // 0 stands for a jumbogram (RFC 2675 section 4). Of a datagram that never became whole it says the whole length.
    let says = usize::from(header.length());
    if says != 0 && !ip.partial {
        if says < UDP_HEADER || says > body.len {
            anomalies.add(if says < UDP_HEADER { Anomaly::UdpHeaderLength } else { Anomaly::UdpLength });
        } else {
            payload = payload.first(says - UDP_HEADER);
        }
    }
    set_payload(packet, payload);
    if verify && !checksum::is_good(ip, ip_proto::UDP, body.first(if says == 0 { body.len } else { says }), 6) {
        anomalies.add(Anomaly::UdpChecksum);
        packet.bad_checksum = true;
    }
    Ok(match packet.bad_checksum || ip.partial {
        true => None,
        false => udp_tunnel::inside(packet.source_port, packet.destination_port, payload),
    })
}

/// ICMP has no ports: an exchange is told by its type and the type of its answer, as the community id does it.
fn icmp_message<'a>(
    ip: &Ip,
    body: Span<'a>,
    packet: &mut Packet<'a>,
    verify: bool,
    anomalies: &mut Counts,
) -> Next<'a> {
    let v6 = packet.proto == ip_proto::ICMPV6;
    let (answers, too_small, bad): (&[_], _, _) = match v6 {
        false => (&ICMP4_ANSWERS, Anomaly::Icmp4TooSmall, Anomaly::Icmp4Checksum),
        true => (&ICMP6_ANSWERS, Anomaly::Icmp6TooSmall, Anomaly::Icmp6Checksum),
    };
    let [kind, code, _, _] = *body.head::<4>(too_small)?;
    set_icmp(packet, kind, code, answers);
    packet.icmp_error = !ip.partial && if v6 { matches!(kind, 1..=4) } else { matches!(kind, 3 | 4 | 11 | 12) };
    set_payload(packet, body.after(ICMP_HEADER).unwrap_or_default());
    if verify && !checksum::is_good(ip, packet.proto, body, 2) {
        anomalies.add(bad);
        packet.bad_checksum = true;
        packet.icmp_error = false;
    }
    if v6 != ip.v6 {
        anomalies.add(if ip.v6 { Anomaly::Ipv6Icmp4 } else { Anomaly::Ipv4Icmp6 });
    } else if !ip.partial && v6 {
        icmp::v6(kind, code, ip.ttl, body, anomalies);
    } else if !ip.partial {
        icmp::v4(kind, code, body, anomalies);
    }
    Ok(None)
}

fn set_icmp(packet: &mut Packet<'_>, kind: u8, code: u8, answers: &[(u8, u8)]) {
    packet.icmp = (kind, code);
    packet.source_port = u16::from(kind);
    match answers.iter().find(|(ask, _)| *ask == kind) {
        Some((_, answer)) => packet.destination_port = u16::from(*answer),
        None => {
            packet.destination_port = u16::from(code);
            packet.one_way = true;
        }
    }
}

/// The packet that an ICMP error quotes, as its sender sent it: addresses, protocol and ports. `None` where the quote
/// does not reach to the ports, or is a later fragment.
pub fn quoted<'a>(error: &Packet<'a>) -> Option<Packet<'a>> {
    let quote = Span { data: error.payload, len: error.payload.len() };
    let mut packet = Packet { vlans: error.vlans, tunnels: error.tunnels, ..Packet::default() };
    let header = match quote.byte(0)? >> 4 {
        4 => {
            let h = quote.data.first_chunk::<20>()?;
            // The offset of a fragment.
            if u16::from_be_bytes([h[6], h[7]]) & 0x1fff != 0 {
                return None;
            }
            let address = |at: [u8; 4]| u128::from(std::net::Ipv4Addr::from(at).to_ipv6_mapped());
            packet.source = address([h[12], h[13], h[14], h[15]]);
            packet.destination = address([h[16], h[17], h[18], h[19]]);
            packet.proto = h[9];
            usize::from(h[0] & 15) * 4
        }
        6 => {
            let h = quote.data.first_chunk::<40>()?;
            packet.v6 = true;
            packet.source = u128::from_be_bytes(*h.get(8..)?.first_chunk()?);
            packet.destination = u128::from_be_bytes(*h.get(24..)?.first_chunk()?);
            packet.proto = h[6];
            40
        }
        _ => return None,
    };
    let rest = quote.after(header)?;
    match packet.proto {
        ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP | ip_proto::UDPLITE => {
            packet.source_port = rest.be16(0)?;
            packet.destination_port = rest.be16(2)?;
        }
        ip_proto::ICMP => set_icmp(&mut packet, rest.byte(0)?, rest.byte(1)?, &ICMP4_ANSWERS),
        ip_proto::ICMPV6 => set_icmp(&mut packet, rest.byte(0)?, rest.byte(1)?, &ICMP6_ANSWERS),
        _ => return None,
    }
    Some(packet)
}

#[inline]
fn set_payload<'a>(packet: &mut Packet<'a>, payload: Span<'a>) {
    packet.payload = payload.data;
    packet.payload_len = length(payload);
}

#[inline]
fn length(span: Span<'_>) -> u32 {
    u32::try_from(span.len).unwrap_or(u32::MAX)
}

/// ICMP types that ask and are answered, both ways, from the community id specification.
const ICMP4_ANSWERS: [(u8, u8); 10] =
    [(0, 8), (8, 0), (9, 10), (10, 9), (13, 14), (14, 13), (15, 16), (16, 15), (17, 18), (18, 17)];

/// The same for ICMPv6.
const ICMP6_ANSWERS: [(u8, u8); 12] = [
    (128, 129),
    (129, 128),
    (130, 131),
    (131, 130),
    (133, 134),
    (134, 133),
    (135, 136),
    (136, 135),
    (139, 140),
    (140, 139),
    (144, 145),
    (145, 144),
];

const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const ICMP_HEADER: usize = 8;
/// RFC 9260 section 3.1: ports, verification tag, checksum.
const SCTP_HEADER: usize = 12;
