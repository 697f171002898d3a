//! ICMP: which types and codes there are, and the packets that errors quote.

use super::span::Span;
use crate::Anomaly;
use crate::anomaly::Counts;

/// Looks at an ICMP message (RFC 792, the IANA registry). `body` starts with its header.
pub fn v4(kind: u8, code: u8, body: Span<'_>, anomalies: &mut Counts) {
    let codes = match kind {
        0 | 4 | 8 | 13..=18 => 0,
        3 => 15,
        5 => 3,
        // RFC 5944 section 2.1.1: 16 is an agent that routes nothing else.
        9 => 16,
        11 => 1,
        12 => 2,
        // Router solicitations (10) are unknown to Suricata.
        _ => return anomalies.add(Anomaly::Icmp4Type),
    };
    if code > codes {
        anomalies.add(Anomaly::Icmp4Code);
    }
    if matches!(kind, 3 | 4 | 5 | 11 | 12) {
        match quoted_version(body, IPV4_HEADER) {
            Quoted::Version(4) | Quoted::NotCaptured => {}
            Quoted::Version(_) => anomalies.add(Anomaly::Icmp4QuoteVersion),
            Quoted::TooSmall => anomalies.add(Anomaly::Icmp4QuoteTooSmall),
        }
    }
}

/// Looks at an ICMPv6 message (RFC 4443, the IANA registry) with this hop limit.
pub fn v6(kind: u8, code: u8, hop_limit: u8, body: Span<'_>, anomalies: &mut Counts) {
    let codes = match kind {
        1 => 8,
        3 => 1,
        4 => 10,
        2 | 128..=137 | 141..=154 | 157..=159 => 0,
        // RFC 2894 section 3.1 numbers commands and results, and resets by 255.
        138 => 255,
        // RFC 4620 section 4.
        139 | 140 => 2,
        155 => 255,
        156 => 4,
        160 => 0,
        161 => 4,
        100 | 101 | 200 | 201 => return anomalies.add(Anomaly::Icmp6Experiment),
        0 | 127 | 255 => return anomalies.add(Anomaly::Icmp6Type),
        _ => return anomalies.add(Anomaly::Icmp6Unassigned),
    };
    if code > codes {
        anomalies.add(Anomaly::Icmp6Code);
    }
    match kind {
        1..=4 => match quoted_version(body, IPV6_HEADER) {
            Quoted::Version(6) | Quoted::NotCaptured => {}
            Quoted::Version(_) => anomalies.add(Anomaly::Icmp6QuoteVersion),
            Quoted::TooSmall => anomalies.add(Anomaly::Icmp6QuoteTooSmall),
        },
        // RFC 3810 section 5 and RFC 2710 section 3.
        130..=132 | 143 if hop_limit != 1 => anomalies.add(Anomaly::MldHopLimit),
        _ => {}
    }
}

enum Quoted {
    Version(u8),
    TooSmall,
    NotCaptured,
}

fn quoted_version(body: Span<'_>, header: usize) -> Quoted {
    if body.len < ICMP_HEADER + header {
        return Quoted::TooSmall;
    }
    body.byte(ICMP_HEADER).map_or(Quoted::NotCaptured, |first| Quoted::Version(first >> 4))
}

const ICMP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
