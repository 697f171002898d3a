//! Tests of a packet's headers and of its flow's numbers.

use super::view::{FlowView, PacketView, Scene};
use crate::Anomaly;
use crate::decode::{Packet, ip_proto};
use crate::rules::ast::{Body, Checksum, EventKind, FlagMode, FragBits, NumberTest, StreamSide, TcpFlags, Which};
use crate::rules::{Comparison, Field};
use crate::stream::Event;

/// A test of a packet.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Number(Field, Comparison),
    /// Of the VLAN ids those.
    Vlan(Which, Comparison),
    Flags(TcpFlags),
    FragBits(FragBits),
    /// IPv4 option by its number; any.
    IpOption(Option<u8>),
    IpProto(Comparison),
    SameIp,
    IpVersion(u8),
    Checksum(Checksum, bool),
    StreamSize(StreamSide, Comparison),
    Anomaly(Anomaly),
    Event(Event),
}

impl Test {
    /// Of an option; `None` if it is about something else. The error is a reason.
    pub(super) fn of(body: &Body) -> Result<Option<Test>, &'static str> {
        if let Body::Number(NumberTest { field: Field::VlanId, which, comparison, .. }) = body {
            return Ok(Some(Test::Vlan(*which, *comparison)));
        }
        if let Body::Number(test) = body {
            return Ok(is_packet_field(test.field).then_some(Test::Number(test.field, test.comparison)));
        }
        Ok(Some(if let Body::TcpFlags(flags) = body {
            Test::Flags(*flags)
        } else if let Body::FragBits(bits) = body {
            Test::FragBits(*bits)
        } else if let Body::IpOption(name) = body {
            if &**name == "any" {
                return Ok(Some(Test::IpOption(None)));
            }
            let known = IP_OPTIONS.iter().find(|(known, _)| **known == **name);
            Test::IpOption(Some(known.ok_or("no IP option of that name is known")?.1))
        } else if let Body::IpProto(comparison) = body {
            Test::IpProto(*comparison)
        } else if let Body::SameIp = body {
            Test::SameIp
        } else if let Body::IpVersion(version) = body {
            Test::IpVersion(*version)
        } else if let Body::Checksum(which, good) = body {
            Test::Checksum(*which, *good)
        } else if let Body::StreamSize { side, bytes } = body {
            Test::StreamSize(*side, *bytes)
        } else if let Body::Event(EventKind::Decode, name) = body {
            let known = Anomaly::ALL.iter().find(|anomaly| anomaly.name() == &**name);
            Test::Anomaly(*known.ok_or("no decode-event of that name is told in this version")?)
        } else if let Body::Event(EventKind::Stream, name) = body {
            let known = Event::ALL.iter().find(|event| event.name().strip_prefix("stream.") == Some(name));
            Test::Event(*known.ok_or("no stream-event of that name is told in this version")?)
        } else {
            return Ok(None);
        }))
    }

    /// Whether it asks what decoding found odd.
    pub(super) fn asks_frames(&self) -> bool {
        matches!(self, Test::Anomaly(_))
    }

    /// Whether it asks if a checksum is right.
    pub(super) fn asks_checksums(&self) -> bool {
        matches!(self, Test::Checksum(..))
    }

    /// Whether it asks what is odd about a connection.
    pub(super) fn asks_streams(&self) -> bool {
        matches!(self, Test::Event(_))
    }

    /// Whether it makes a rule of TCP look at packets rather than the stream.
    pub(super) fn needs_packets(&self) -> bool {
        match self {
            Test::Number(field, _) => !is_flow_field(*field),
            Test::StreamSize(..) | Test::IpVersion(_) | Test::IpProto(_) | Test::SameIp => false,
            Test::Flags(_)
            | Test::FragBits(_)
            | Test::IpOption(_)
            | Test::Checksum(..)
            | Test::Vlan(..)
            | Test::Anomaly(_)
            | Test::Event(_) => true,
        }
    }

    pub(super) fn holds(&self, scene: &Scene<'_>) -> bool {
        let flow = scene.flow;
        match self {
            Test::Number(field, comparison) if is_flow_field(*field) => {
                flow_number(*field, flow, scene.time).is_some_and(|number| comparison.holds(number))
            }
            Test::StreamSize(side, bytes) => {
                let [client, server] = flow.payload;
                flow.proto == ip_proto::TCP
                    && match side {
                        StreamSide::Client => bytes.holds(client),
                        StreamSide::Server => bytes.holds(server),
                        StreamSide::Both => bytes.holds(client) && bytes.holds(server),
                        StreamSide::Either => bytes.holds(client) || bytes.holds(server),
                    }
            }
            Test::SameIp => scene.addresses().0 == scene.addresses().1,
            Test::IpProto(comparison) => comparison.holds(flow.proto.into()),
            Test::Number(..)
            | Test::Vlan(..)
            | Test::Flags(_)
            | Test::FragBits(_)
            | Test::IpOption(_)
            | Test::IpVersion(_)
            | Test::Checksum(..)
            | Test::Anomaly(_)
            | Test::Event(_) => scene.packet.is_some_and(|view| self.holds_of(&view)),
        }
    }

    /// What there is of what it asks for, in words.
    pub(super) fn there(&self, scene: &Scene<'_>) -> String {
        let flow = scene.flow;
        let is = |field: Field, number: Option<u64>| match number {
            Some(number) => format!("{} is {number}", field.name()),
            None => format!("there is no {}", field.name()),
        };
        match self {
            Test::Number(field, _) if is_flow_field(*field) => is(*field, flow_number(*field, flow, scene.time)),
            Test::StreamSize(..) => {
                let [client, server] = flow.payload;
                format!("client sent {client} bytes, server {server}")
            }
            Test::SameIp if self.holds(scene) => "the addresses are the same".into(),
            Test::SameIp => "the addresses differ".into(),
            Test::IpProto(_) => format!("IP protocol {}", flow.proto),
            Test::Number(..)
            | Test::Vlan(..)
            | Test::Flags(_)
            | Test::FragBits(_)
            | Test::IpOption(_)
            | Test::IpVersion(_)
            | Test::Checksum(..)
            | Test::Anomaly(_)
            | Test::Event(_) => match scene.packet {
                None => "no packet is at hand, only what came of several".into(),
                Some(view) => self.there_of(&view, is),
            },
        }
    }

    fn there_of(&self, view: &PacketView<'_>, is: impl Fn(Field, Option<u64>) -> String) -> String {
        let packet = view.packet;
        match self {
            Test::Number(field, _) => is(*field, number(*field, packet)),
            Test::Flags(_) if packet.proto == ip_proto::TCP => {
                let flags = packet.tcp.flags.0;
                let set = (0..8).zip("FSRPAUEC".chars()).filter(|(bit, _)| flags & (1 << bit) != 0);
                format!("flags are {}", set.map(|(_, letter)| letter).collect::<String>())
            }
            Test::Vlan(..) => format!("{} VLAN tags", packet.tags),
            Test::IpVersion(_) => format!("IP version {}", if packet.v6 { 6 } else { 4 }),
            Test::Event(_) | Test::Anomaly(_) if !self.holds_of(view) => "the packet is not odd in this way".into(),
            Test::Flags(_)
            | Test::FragBits(_)
            | Test::IpOption(_)
            | Test::Checksum(..)
            | Test::Anomaly(_)
            | Test::Event(_)
            | Test::StreamSize(..)
            | Test::SameIp
            | Test::IpProto(_) => String::new(),
        }
    }

    fn holds_of(&self, view: &PacketView<'_>) -> bool {
        let packet = view.packet;
        match self {
            Test::Number(field, comparison) => number(*field, packet).is_some_and(|number| comparison.holds(number)),
            Test::Vlan(which, comparison) => {
                let [first, second] = packet.vlans;
                let ids = [first, second, packet.third_vlan];
                let ids = ids.get(..usize::from(packet.tags).min(ids.len())).unwrap_or_default();
                let holds = |id: &u16| comparison.holds(u64::from(*id));
                match which {
                    Which::Any => ids.iter().any(holds),
                    Which::All | Which::AllOfSome => !ids.is_empty() && ids.iter().all(holds),
                    Which::AnyOrNone => ids.is_empty() || ids.iter().any(holds),
                    Which::At(at) => {
                        let at =
                            usize::try_from(*at).ok().or_else(|| ids.len().checked_sub(at.unsigned_abs() as usize));
                        at.and_then(|at| ids.get(at)).is_some_and(holds)
                    }
                }
            }
            Test::Flags(test) => {
                let flags = packet.tcp.flags.0 & !test.ignored;
                packet.proto == ip_proto::TCP && compare(test.mode, flags, test.flags)
            }
            Test::FragBits(test) => ipv4(packet).is_some_and(|header| compare(test.mode, header[6] >> 5, test.bits)),
            Test::IpOption(kind) => has_option(packet, *kind),
            Test::IpVersion(version) => *version == if packet.v6 { 6 } else { 4 },
            Test::Checksum(which, good) => {
                let (proto, v6) = match which {
                    Checksum::Ipv4 => (packet.proto, false),
                    Checksum::TcpV4 => (ip_proto::TCP, false),
                    Checksum::TcpV6 => (ip_proto::TCP, true),
                    Checksum::UdpV4 => (ip_proto::UDP, false),
                    Checksum::UdpV6 => (ip_proto::UDP, true),
                    Checksum::IcmpV4 => (ip_proto::ICMP, false),
                    Checksum::IcmpV6 => (ip_proto::ICMPV6, true),
                    Checksum::Igmp => (ip_proto::IGMP, false),
                };
                let wrong = view.anomalies.iter().any(|anomaly| {
                    matches!(
                        (which, anomaly),
                        (Checksum::Ipv4, Anomaly::Ipv4Checksum)
                            | (Checksum::TcpV4 | Checksum::TcpV6, Anomaly::TcpChecksum)
                            | (Checksum::UdpV4 | Checksum::UdpV6, Anomaly::UdpChecksum)
                            | (Checksum::IcmpV4, Anomaly::Icmp4Checksum)
                            | (Checksum::IcmpV6, Anomaly::Icmp6Checksum)
                            | (Checksum::Igmp, Anomaly::IgmpChecksum)
                    )
                });
                packet.proto == proto && packet.v6 == v6 && wrong != *good
            }
            Test::Anomaly(anomaly) => view.anomalies.contains(anomaly),
            Test::Event(event) => view.events.has(*event),
            Test::StreamSize(..) | Test::SameIp | Test::IpProto(_) => false,
        }
    }
}

fn compare(mode: FlagMode, is: u8, asked: u8) -> bool {
    match mode {
        FlagMode::Exactly => is == asked,
        FlagMode::All => is & asked == asked,
        FlagMode::Any => is & asked != 0,
        FlagMode::None => is & asked == 0,
    }
}

fn ipv4<'a>(packet: &Packet<'a>) -> Option<&'a [u8; 20]> {
    if packet.v6 { None } else { packet.ip_header.first_chunk() }
}

/// Options of IPv4 (RFC 791 section 3.1): one byte each for end and padding, else number and length.
fn has_option(packet: &Packet<'_>, kind: Option<u8>) -> bool {
    let mut rest = if packet.v6 { &[] } else { packet.ip_header.get(20..).unwrap_or_default() };
    while let [number, after @ ..] = rest {
        if kind.is_none_or(|kind| kind == *number) {
            return true;
        }
        rest = match (number, after) {
            (0, _) => &[],
            (1, _) => after,
            (_, [len, ..]) => rest.get(usize::from(*len).max(2)..).unwrap_or_default(),
            (_, []) => &[],
        };
    }
    false
}

fn tcp_option(packet: &Packet<'_>, kind: u8) -> Option<u64> {
    let mut rest = packet.tcp_options;
    while let [number, after @ ..] = rest {
        match (number, after) {
            (0, _) | (_, []) => return None,
            (1, _) => rest = after,
            (number, [len, value @ ..]) => {
                let value = value.get(..usize::from(*len).checked_sub(2)?)?;
                if *number == kind {
                    return Some(value.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
                }
                rest = rest.get(usize::from(*len)..)?;
            }
        }
    }
    None
}

fn is_packet_field(field: Field) -> bool {
    field <= Field::FlowBytesToClient
}

fn is_flow_field(field: Field) -> bool {
    (Field::FlowAge..=Field::FlowBytesToClient).contains(&field)
}

fn flow_number(field: Field, flow: &FlowView, time: i64) -> Option<u64> {
    let ([client, server], [sent, answered]) = (flow.packets, flow.bytes);
    let seconds = time.saturating_sub(flow.first) / 1_000_000_000;
    [
        (Field::FlowAge, u64::try_from(seconds).unwrap_or(0)),
        (Field::FlowPackets, client + server),
        (Field::FlowPacketsToServer, client),
        (Field::FlowPacketsToClient, server),
        (Field::FlowBytes, sent + answered),
        (Field::FlowBytesToServer, sent),
        (Field::FlowBytesToClient, answered),
    ]
    .into_iter()
    .find_map(|(known, number)| (known == field).then_some(number))
}

fn number(field: Field, packet: &Packet<'_>) -> Option<u64> {
    let be16 = |at: usize| Some(u64::from(u16::from_be_bytes(*packet.transport.get(at..)?.first_chunk()?)));
    let tcp = packet.proto == ip_proto::TCP;
    let icmp = matches!(packet.proto, ip_proto::ICMP | ip_proto::ICMPV6);
    // Types that carry an identifier and a sequence number: RFC 792, RFC 4443 section 4.
    let echo = icmp && matches!(packet.icmp.0, 0 | 8 | 13..=18 | 128 | 129);
    let of = |holds: bool, number: u64| holds.then_some(number);
    if field == Field::Dsize {
        // All of an IGMP message is its header.
        Some(if packet.proto == ip_proto::IGMP { 0 } else { packet.payload_len.into() })
    } else if field == Field::Ttl {
        Some(packet.ttl.into())
    } else if field == Field::Tos {
        ipv4(packet).map(|header| header[1].into())
    } else if field == Field::IpId {
        of(!packet.v6, packet.ip_id.into())
    } else if field == Field::FragOffset {
        ipv4(packet).map(|header| (u16::from_be_bytes([header[6], header[7]]) & 0x1fff).into())
    } else if field == Field::TcpSeq {
        of(tcp, packet.tcp.seq.into())
    } else if field == Field::TcpAck {
        of(tcp, packet.tcp.ack.into())
    } else if field == Field::TcpWindow {
        of(tcp, packet.tcp.window.into())
    } else if field == Field::TcpMss {
        tcp_option(packet, 2)
    } else if field == Field::TcpWscale {
        tcp_option(packet, 3)
    } else if field == Field::IcmpType {
        of(icmp, packet.icmp.0.into())
    } else if field == Field::IcmpCode {
        of(icmp, packet.icmp.1.into())
    } else if field == Field::IcmpId {
        if echo { be16(4) } else { None }
    } else if field == Field::IcmpSeq {
        if echo { be16(6) } else { None }
    } else if field == Field::Icmpv6Mtu {
        let too_big = packet.proto == ip_proto::ICMPV6 && packet.icmp.0 == 2;
        if too_big { Some(be16(4)? << 16 | be16(6)?) } else { None }
    } else if field == Field::IgmpType {
        if packet.proto == ip_proto::IGMP { packet.transport.first().map(|kind| (*kind).into()) } else { None }
    } else if field == Field::VlanLayers {
        Some(packet.tags.into())
    } else {
        None
    }
}

/// RFC 791 section 3.1, RFC 1108, RFC 2113, RFC 4782 and FIPS 188, by the names that rules use.
const IP_OPTIONS: [(&str, u8); 13] = [
    ("eol", 0),
    ("nop", 1),
    ("rr", 7),
    ("qs", 25),
    ("ts", 68),
    ("sec", 130),
    ("lsrr", 131),
    ("lsrre", 131),
    ("esec", 133),
    ("cipso", 134),
    ("satid", 136),
    ("ssrr", 137),
    ("rtralt", 148),
];
