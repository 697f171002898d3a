//! Internet checksums (RFC 1071), verified on request.

use super::ip::Ip;
use super::ip_proto;
use super::span::Span;

/// An IPv4 header's checksum is right, or was left to the network card of the capturing host, which shows as 0.
pub fn header_is_good(header: &[u8]) -> bool {
    matches!(header, [_, _, _, _, _, _, _, _, _, _, 0, 0, ..]) || fold(sum(header)) == 0xffff
}

/// Words sum up, their checksum among them.
pub fn sums_up(data: &[u8]) -> bool {
    fold(sum(data)) == 0xffff
}

/// A transport header's checksum, at `at`, is right or can't be told: the segment was not captured whole, or its
/// checksum was left to the network card of the capturing host. That shows as 0, or as the sum of the pseudo header
/// alone (Linux).
pub fn is_good(ip: &Ip, proto: u8, segment: Span<'_>, at: usize) -> bool {
    let Some(field) = segment.be16(at) else { return true };
    if segment.is_cut() || ip.partial || (field == 0 && proto != ip_proto::ICMP && proto != ip_proto::ICMPV6) {
        return true;
    }
    let pseudo = if proto == ip_proto::ICMP { 0 } else { pseudo_header(ip, proto, segment.len) };
    fold(pseudo + sum(segment.data)) == 0xffff || (pseudo != 0 && fold(pseudo) == field)
}

/// RFC 9293 section 3.1 and RFC 8200 section 8.1: addresses, length and protocol.
fn pseudo_header(ip: &Ip, proto: u8, len: usize) -> u64 {
    // The prefix of a mapped IPv4 address sums up to 0xffff each, which is zero in ones' complement; it is left out
    // so that a sum of the pseudo header alone compares as a number.
    let address = |a: u128| if ip.v6 { sum(&a.to_be_bytes()) } else { sum(&(a as u32).to_be_bytes()) };
    address(ip.source) + address(ip.destination) + u64::from(proto) + len as u64
}

fn sum(data: &[u8]) -> u64 {
    let mut words = data.chunks_exact(2);
    let even: u64 = words.by_ref().map(|w| u64::from(w.first_chunk::<2>().map_or(0, |w| u16::from_be_bytes(*w)))).sum();
    even + words.remainder().first().map_or(0, |last| u64::from(*last) << 8)
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
