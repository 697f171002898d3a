//! Options of IPv4, IPv6 and TCP: told where they are odd, never a reason to drop their packet.

use crate::Anomaly;
use crate::anomaly::Counts;

/// Looks at IPv4 options (RFC 791 section 3.1), each kind told twice once.
#[cold]
pub fn ipv4(mut rest: &[u8], anomalies: &mut Counts) {
    let mut seen = Seen::default();
    loop {
        let (kind, len) = match *rest {
            [] => return,
            [END, ..] => {
                if rest.iter().any(|byte| *byte != 0) {
                    anomalies.add(Anomaly::Ipv4OptionPadding);
                }
                return;
            }
            [NOTHING, ref following @ ..] => {
                rest = following;
                continue;
            }
            [_] => return anomalies.add(Anomaly::Ipv4OptionEnd),
            [kind, len, ..] => (kind, usize::from(len)),
        };
        let Some((option, following)) = rest.split_at_checked(len).filter(|_| len >= 2) else {
            return anomalies.add(Anomaly::Ipv4OptionLength);
        };
        if let Some(odd) = ipv4_option(option) {
            anomalies.add(odd);
        }
        if seen.twice(kind) {
            anomalies.add(Anomaly::Ipv4OptionTwice);
        }
        rest = following;
    }
}

/// What is wrong with one option, its kind and length included.
fn ipv4_option(option: &[u8]) -> Option<Anomaly> {
    match *option {
        // Record route, loose and strict source route: a pointer, from 4 on, into addresses.
        [7 | 131 | 137, _, pointer, ref route @ ..] => {
            (pointer < 4 || pointer % 4 != 0 || route.len() % 4 != 0).then_some(Anomaly::Ipv4OptionMalformed)
        }
        // Time stamps: a pointer, from 5 on; their form is 0, 1 or 3.
        [68, _, pointer, form, ..] => match form & 0x0f {
            0 | 1 | 3 => (pointer < 5).then_some(Anomaly::Ipv4OptionMalformed),
            _ => Some(Anomaly::Ipv4OptionInvalid),
        },
        // Security (RFC 1108), commercial security with one tag at least, stream, router alert (RFC 2113).
        [130 | 133, _, _, ..] | [134, _, _, _, _, _, _, _, ..] | [136 | 148, _, _, _] => None,
        [7 | 68 | 130 | 131 | 133 | 134 | 136 | 137 | 148, ..] => Some(Anomaly::Ipv4OptionLength),
        _ => Some(Anomaly::Ipv4OptionUnknown),
    }
}

/// Looks at TCP options (RFC 9293 section 3.1).
#[inline]
pub fn tcp(options: &[u8], anomalies: &mut Counts) {
    match options {
        // Time stamps after two bytes of nothing, as most systems send in all but their first segment.
        [] | [NOTHING, NOTHING, 8, 10, _, _, _, _, _, _, _, _] => {}
        _ => tcp_each(options, anomalies),
    }
}

#[inline(never)]
fn tcp_each(mut rest: &[u8], anomalies: &mut Counts) {
    let mut seen = Seen::default();
    loop {
        let (kind, len) = match *rest {
            [] | [END, ..] => return,
            [NOTHING, ref following @ ..] => {
                rest = following;
                continue;
            }
            // No room for a length: nothing can be in it.
            [_] => return,
            [kind, len, ..] => (kind, usize::from(len)),
        };
        let Some((option, following)) = rest.split_at_checked(len).filter(|_| len >= 2) else {
            return anomalies.add(Anomaly::TcpOptionLength);
        };
        if !tcp_length_is_good(option) {
            anomalies.add(Anomaly::TcpOptionLength);
        }
        if matches!(kind, 2..=5 | 8 | 34) && seen.twice(kind) {
            anomalies.add(Anomaly::TcpOptionTwice);
        }
        rest = following;
    }
}

/// The option has a length that its kind may have.
fn tcp_length_is_good(option: &[u8]) -> bool {
    match (option, option.len()) {
        ([2, ..], len) => len == 4,
        ([3, ..], len) => len == 3,
        ([4, ..], len) => len == 2,
        // RFC 2018 section 3: up to four blocks of 8 bytes.
        ([5, ..], len) => matches!(len, 10 | 18 | 26 | 34),
        ([8, ..], len) => len == 10,
        // RFC 2385 section 3.0, RFC 5925 section 2.2, RFC 8684 section 3.
        ([19, ..], len) => len == 18,
        ([29, ..], len) => len >= 4,
        ([30, ..], len) => len >= 3,
        // RFC 7413 section 4.1.1: none, or a cookie of 4 to 16 bytes.
        ([34, ..], len) => len == 2 || (matches!(len, 6..=18) && len % 2 == 0),
        // The same under its experimental number, of which Suricata knows cookies of 8 bytes alone.
        ([253 | 254, _, 0xf9, 0x89, ..], len) => matches!(len, 4 | 12),
        _ => true,
    }
}

/// Whose options they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv6Options {
    /// Hop by hop.
    Hop,
    /// For the destination.
    Destination,
}

/// Looks at the options of an IPv6 extension header (RFC 8200 section 4.2).
#[inline(never)]
pub fn ipv6(which: Ipv6Options, mut rest: &[u8], anomalies: &mut Counts) {
    let (unknown, only_padding) = match which {
        Ipv6Options::Hop => (Anomaly::Ipv6HopOptionUnknown, Anomaly::Ipv6HopOptionsPadding),
        Ipv6Options::Destination => (Anomaly::Ipv6DestinationOptionUnknown, Anomaly::Ipv6DestinationOptionsPadding),
    };
    let (mut options, mut padding) = (false, false);
    loop {
        let (kind, len) = match *rest {
            [] => break,
            [0, ref following @ ..] => {
                padding = true;
                rest = following;
                continue;
            }
            [kind, len, ..] => (kind, usize::from(len)),
            [_] => {
                anomalies.add(Anomaly::Ipv6OptionLength);
                break;
            }
        };
        let Some(following) = rest.get(2 + len..) else {
            anomalies.add(Anomaly::Ipv6OptionLength);
            break;
        };
        match (kind, len) {
            (1, _) => {
                // At the end it fills up two bytes, as RFC 8200 has it.
                if len == 0 && matches!(following, [0 | 1, ..]) {
                    anomalies.add(Anomaly::Ipv6EmptyPadding);
                }
                padding = true;
            }
            // Router alert (RFC 2711), jumbo payload (RFC 2675), home address (RFC 6275).
            (5, 2) | (0xc2, 4) | (0xc9, 16) => options = true,
            (5 | 0xc2 | 0xc9, _) => {
                anomalies.add(Anomaly::Ipv6OptionLength);
                break;
            }
            _ => {
                options = true;
                if !IPV6_OPTIONS.contains(&kind) {
                    anomalies.add(unknown);
                }
            }
        }
        rest = following;
    }
    if padding && !options {
        anomalies.add(only_padding);
    }
}

/// Kinds that were seen.
#[derive(Default)]
struct Seen([u64; 4]);

impl Seen {
    /// Whether it was there before.
    fn twice(&mut self, kind: u8) -> bool {
        let bit = 1 << (kind & 63);
        let Some(word) = self.0.get_mut(usize::from(kind >> 6)) else { return false };
        let twice = *word & bit != 0;
        *word |= bit;
        twice
    }
}

const END: u8 = 0;
const NOTHING: u8 = 1;

/// Options of IPv6 from the IANA registry, but those whose length is checked.
const IPV6_OPTIONS: [u8; 15] =
    [0x04, 0x07, 0x08, 0x11, 0x12, 0x13, 0x23, 0x26, 0x30, 0x31, 0x63, 0x6d, 0x8a, 0x8b, 0x8c];
