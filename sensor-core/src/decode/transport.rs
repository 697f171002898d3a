//! TCP, UDP, ICMP and ICMPv6, and the ports of SCTP.

use etherparse::{TcpHeaderSlice, UdpHeaderSlice, err};

use super::ip::{Body, cut_or, undecoded};
use super::{Packet, be16, ip_proto};
use crate::Anomaly;
use crate::anomaly::Counts;

/// The fields of a TCP header that the flow table reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
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

/// Decodes what the IP header carries. Unknown protocols are tracked by their addresses alone.
#[inline]
pub fn decode(body: Body<'_>, packet: &mut Packet, anomalies: &mut Counts) -> Result<(), Anomaly> {
    packet.payload = u32::try_from(body.len).unwrap_or(u32::MAX);
    if body.later_fragment {
        anomalies.add(Anomaly::Fragment);
        return Ok(());
    }
    match packet.proto {
        ip_proto::TCP => tcp(body, packet),
        ip_proto::UDP => udp(body, packet, anomalies),
        ip_proto::ICMP => icmp(body, packet, &ICMP4_ANSWERS, Anomaly::Icmp4TooSmall),
        ip_proto::ICMPV6 => icmp(body, packet, &ICMP6_ANSWERS, Anomaly::Icmp6TooSmall),
        ip_proto::SCTP => {
            if let (Some(source), Some(destination)) = (be16(body.data, 0), be16(body.data, 2)) {
                packet.source_port = source;
                packet.destination_port = destination;
                packet.payload = packet.payload.saturating_sub(SCTP_HEADER);
            }
            Ok(())
        }
        other => {
            anomalies.add(undecoded(other).unwrap_or(Anomaly::IpProtocol));
            Ok(())
        }
    }
}

#[inline]
fn tcp(body: Body<'_>, packet: &mut Packet) -> Result<(), Anomaly> {
    use err::tcp::{HeaderError, HeaderSliceError};
    let missing = body.len.saturating_sub(body.data.len());
    let header = match TcpHeaderSlice::from_slice(body.data) {
        Ok(header) => header,
        Err(HeaderSliceError::Content(HeaderError::DataOffsetTooSmall { .. })) => return Err(Anomaly::TcpHeaderLength),
        // The fixed part is there and only options are cut off: all that is needed was read.
        Err(HeaderSliceError::Len(_)) => return tcp_fixed_part(body, packet, missing),
    };
    packet.source_port = header.source_port();
    packet.destination_port = header.destination_port();
    let flags = header.slice().get(13).copied().unwrap_or(0);
    packet.tcp = Tcp { seq: header.sequence_number(), ack: header.acknowledgment_number(), flags: TcpFlags(flags) };
    packet.payload = len_after(&body, header.slice().len());
    Ok(())
}

/// A TCP header whose options the capture cut off still tells everything but them.
#[cold]
fn tcp_fixed_part(body: Body<'_>, packet: &mut Packet, missing: usize) -> Result<(), Anomaly> {
    let Some(fixed) = body.data.first_chunk::<20>() else {
        return Err(cut_or(missing, Anomaly::TcpTooSmall));
    };
    let header_len = usize::from(fixed[12] >> 4) * 4;
    if missing == 0 || header_len > body.len {
        return Err(Anomaly::TcpOptionsTruncated);
    }
    packet.source_port = u16::from_be_bytes([fixed[0], fixed[1]]);
    packet.destination_port = u16::from_be_bytes([fixed[2], fixed[3]]);
    packet.tcp = Tcp {
        seq: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ack: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        flags: TcpFlags(fixed[13]),
    };
    packet.payload = len_after(&body, header_len);
    Ok(())
}

#[inline]
fn udp(body: Body<'_>, packet: &mut Packet, anomalies: &mut Counts) -> Result<(), Anomaly> {
    let missing = body.len.saturating_sub(body.data.len());
    let header = UdpHeaderSlice::from_slice(body.data).map_err(|_| cut_or(missing, Anomaly::UdpTooSmall))?;
    packet.source_port = header.source_port();
    packet.destination_port = header.destination_port();
    packet.payload = len_after(&body, UDP_HEADER);
    // 0 stands for a jumbogram (RFC 2675 section 4). A first fragment says the length of the whole datagram.
    let says = usize::from(header.length());
    if says != 0 && !body.fragmented {
        if says < UDP_HEADER || says > body.len {
            anomalies.add(Anomaly::UdpLength);
        } else {
            packet.payload = packet.payload.min((says - UDP_HEADER) as u32);
        }
    }
    Ok(())
}

/// ICMP has no ports: an exchange is told by its type and the type of its answer, as the community id does it.
#[inline]
fn icmp(body: Body<'_>, packet: &mut Packet, answers: &[(u8, u8)], too_small: Anomaly) -> Result<(), Anomaly> {
    let missing = body.len.saturating_sub(body.data.len());
    let [kind, code, _, _] = *body.data.first_chunk::<4>().ok_or(cut_or(missing, too_small))?;
    packet.icmp = (kind, code);
    packet.source_port = u16::from(kind);
    match answers.iter().find(|(ask, _)| *ask == kind) {
        Some((_, answer)) => packet.destination_port = u16::from(*answer),
        None => {
            packet.destination_port = u16::from(code);
            packet.one_way = true;
        }
    }
    packet.payload = len_after(&body, ICMP_HEADER);
    Ok(())
}

fn len_after(body: &Body<'_>, header: usize) -> u32 {
    u32::try_from(body.len.saturating_sub(header)).unwrap_or(u32::MAX)
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

const UDP_HEADER: usize = 8;
const ICMP_HEADER: usize = 8;
/// RFC 9260 section 3.1: ports, verification tag, checksum.
const SCTP_HEADER: u32 = 12;
