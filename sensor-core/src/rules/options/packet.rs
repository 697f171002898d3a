//! Options about headers, addresses and events.

use super::{first_word, one_of};
use crate::rules::ast::{Body, Checksum, EventKind, FlagMode, FragBits, GeoSide, ProtocolOf, RepSide, TcpFlags};
use crate::rules::builder::Builder;
use crate::rules::fault::{Fault, Parsed};
use crate::rules::header::Protocol;
use crate::rules::lexer::negation;
use crate::rules::number::{Comparison, bounded};

/// How the set is compared, by the sign before or behind it.
fn mode(text: &str) -> (FlagMode, &str) {
    for (sign, mode) in [('+', FlagMode::All), ('*', FlagMode::Any), ('!', FlagMode::None)] {
        if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return (mode, rest.trim());
        }
    }
    (FlagMode::Exactly, text)
}

fn letters(text: &str, known: &[(char, u8)], none: Option<char>) -> Parsed<u8> {
    let mut set = 0;
    for (at, letter) in text.char_indices().filter(|(_, letter)| !letter.is_whitespace()) {
        match known.iter().find(|(name, _)| name.eq_ignore_ascii_case(&letter)) {
            Some((_, bit)) => set |= bit,
            None if none == Some(letter) => {}
            None => {
                return Err(Fault::at(text.get(at..).unwrap_or_default(), format!("{letter:?} is no flag")));
            }
        }
    }
    Ok(set)
}

/// RFC 9293 section 3.1, in the order of the bits.
const TCP_FLAGS: [(char, u8); 10] = [
    ('F', 0x01),
    ('S', 0x02),
    ('R', 0x04),
    ('P', 0x08),
    ('A', 0x10),
    ('U', 0x20),
    ('E', 0x40),
    ('C', 0x80),
    // The two were reserved when Snort named them.
    ('2', 0x40),
    ('1', 0x80),
];

/// `tcp.flags:[mode]flags[,ignored]`
pub(super) fn tcp_flags(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (set, ignored) = value.split_once(',').unwrap_or((value, ""));
    let (mode, set) = mode(set.trim());
    if set.is_empty() {
        return Err(Fault::at(value, "flags are missing"));
    }
    let flags = letters(set, &TCP_FLAGS, Some('0'))?;
    let ignored = letters(ignored.trim(), &TCP_FLAGS, Some('0'))?;
    builder.push(Body::TcpFlags(TcpFlags { mode, flags, ignored }))
}

/// `fragbits:[mode]bits`
pub(super) fn fragbits(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (mode, set) = mode(value);
    let bits = letters(set, &[('M', 1), ('D', 2), ('R', 4)], None)?;
    if bits == 0 {
        return Err(Fault::at(value, "bits are missing"));
    }
    builder.push(Body::FragBits(FragBits { mode, bits }))
}

/// Names of IP options, and `any`.
const IP_OPTIONS: [&str; 14] =
    ["rr", "lsrr", "eol", "nop", "ts", "sec", "esec", "ssrr", "satid", "rtralt", "qs", "cipso", "lsrre", "any"];

pub(super) fn ipopts(builder: &mut Builder, value: &str) -> Parsed<()> {
    if !IP_OPTIONS.contains(&value) {
        return Err(Fault::at(value, format!("{value:?} is none of {}", IP_OPTIONS.join(", "))));
    }
    builder.push(Body::IpOption(value.into()))
}

/// IANA, Assigned Internet Protocol Numbers: those that rules name.
const IP_PROTOCOLS: [(&str, u64); 24] = [
    ("ip", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("ipip", 4),
    ("st", 5),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("rdp", 27),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("eigrp", 88),
    ("ospf", 89),
    ("pim", 103),
    ("sctp", 132),
];

pub(super) fn ip_proto(builder: &mut Builder, value: &str) -> Parsed<()> {
    builder.push(Body::IpProto(Comparison::parse(value, 255, &IP_PROTOCOLS)?))
}

pub(super) fn l3_proto(builder: &mut Builder, value: &str) -> Parsed<()> {
    let version = one_of(value, &[("ip4", 4), ("ipv4", 4), ("ip6", 6), ("ipv6", 6)])?;
    builder.push(Body::IpVersion(version))
}

pub(super) fn same_ip(builder: &mut Builder, _: &str) -> Parsed<()> {
    builder.push(Body::SameIp)
}

/// Most countries of one `geoip`.
const MAX_COUNTRIES: usize = 64;

/// `geoip:[which,]country[,country...]`
pub(super) fn geoip(builder: &mut Builder, value: &str) -> Parsed<()> {
    let sides =
        [("any", GeoSide::Any), ("both", GeoSide::Both), ("src", GeoSide::Source), ("dst", GeoSide::Destination)];
    let (which, list) = match value.split_once(',') {
        Some((side, rest)) => match sides.into_iter().find(|(name, _)| *name == side.trim()) {
            Some((_, which)) => (which, rest),
            None => (GeoSide::Any, value),
        },
        None => (GeoSide::Any, value),
    };
    let mut countries = Vec::new();
    for part in list.split(',').map(str::trim) {
        let (negated, country) = negation(part);
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Fault::at(country, "a country has two letters"));
        }
        countries.push((negated, country.to_ascii_uppercase().into()));
        if countries.len() > MAX_COUNTRIES {
            return Err(Fault::at(part, "more than 64 countries"));
        }
    }
    builder.push(Body::Geoip { which, countries: countries.into() })
}

/// `iprep:which,category,operator,value` or `iprep:which,category,isset`
pub(super) fn iprep(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let known =
        [("any", RepSide::Any), ("src", RepSide::Source), ("dst", RepSide::Destination), ("both", RepSide::Both)];
    let which = one_of(parts.next().unwrap_or_default(), &known)?;
    let category = parts.next().unwrap_or_default();
    if category.is_empty() {
        return Err(Fault::at(value, "the category is missing"));
    }
    let operator = parts.next().unwrap_or_default();
    let (test, set) = match (operator, parts.next()) {
        ("isset", None) => (None, true),
        ("isnotset", None) => (None, false),
        ("isset" | "isnotset", Some(more)) => return Err(Fault::at(more, "isset has no value")),
        (_, None) => (Some(Comparison::parse(operator, 127, &[])?), true),
        (_, Some(number)) => {
            let number = u64::from(bounded(number, 0, 127)?);
            let test = match operator {
                ">" => Comparison::Greater(number),
                ">=" => Comparison::GreaterOrEqual(number),
                "<" => Comparison::Less(number),
                "<=" => Comparison::LessOrEqual(number),
                "=" | "==" => Comparison::Equal(number),
                _ => return Err(Fault::at(operator, format!("{operator:?} is no operator"))),
            };
            (Some(test), true)
        }
    };
    builder.push(Body::Iprep { which, category: category.into(), test, set })
}

/// `rpc:program[,version|*[,procedure|*]]`
pub(super) fn rpc(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let program = bounded(parts.next().unwrap_or_default(), 0, u32::MAX)?;
    let mut more = || match parts.next() {
        None | Some("*") => Ok(None),
        Some(number) => bounded(number, 0, u32::MAX).map(Some),
    };
    let (version, procedure) = (more()?, more()?);
    builder.push(Body::Rpc(program, version, procedure))
}

macro_rules! checksums {
    ($($reader:ident $checksum:ident;)*) => {
        $(pub(super) fn $reader(builder: &mut Builder, value: &str) -> Parsed<()> {
            let valid = one_of(value.trim_matches('"'), &[("valid", true), ("invalid", false)])?;
            builder.push(Body::Checksum(Checksum::$checksum, valid))
        })*
    };
}

checksums! {
    csum_ipv4 Ipv4;
    csum_tcp4 TcpV4;
    csum_tcp6 TcpV6;
    csum_udp4 UdpV4;
    csum_udp6 UdpV6;
    csum_icmp4 IcmpV4;
    csum_icmp6 IcmpV6;
    csum_igmp Igmp;
}

/// `nfq_set_mark:value[/mask]`
pub(super) fn nfq_set_mark(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (mark, mask) = value.split_once('/').unwrap_or((value, "0xffffffff"));
    let (mark, mask) = (bounded(mark, 0, u32::MAX)?, bounded(mask, 0, u32::MAX)?);
    builder.push(Body::NfqSetMark(mark, mask))
}

fn event(builder: &mut Builder, kind: EventKind, value: &str) -> Parsed<()> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if !value.bytes().all(valid) {
        return Err(Fault::at(value, format!("{value:?} is no name of an event")));
    }
    builder.push(Body::Event(kind, value.to_ascii_lowercase().into()))
}

pub(super) fn decode_event(builder: &mut Builder, value: &str) -> Parsed<()> {
    event(builder, EventKind::Decode, value.strip_prefix("decoder.").unwrap_or(value))
}

pub(super) fn stream_event(builder: &mut Builder, value: &str) -> Parsed<()> {
    event(builder, EventKind::Stream, value.strip_prefix("stream.").unwrap_or(value))
}

pub(super) fn engine_event(builder: &mut Builder, value: &str) -> Parsed<()> {
    event(builder, EventKind::Engine, value)
}

/// `app-layer-event:protocol.name`; events that are of every protocol stand alone.
pub(super) fn app_layer_event(builder: &mut Builder, value: &str) -> Parsed<()> {
    match value.split_once('.') {
        Some((protocol, _)) if Protocol::from_name(protocol).is_none() && protocol != "file" => {
            Err(Fault::at(value, format!("{protocol} is no protocol that has events")))
        }
        None if !value.starts_with("applayer_") => Err(Fault::at(value, "written protocol.event")),
        _ => event(builder, EventKind::AppLayer, value),
    }
}

/// `app-layer-protocol:[!]protocol[,of]`
pub(super) fn app_layer_protocol(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (negated, rest) = negation(value);
    let (name, of) = rest.split_once(',').unwrap_or((rest, "direction"));
    let known = [
        ("direction", ProtocolOf::Direction),
        ("final", ProtocolOf::Final),
        ("either", ProtocolOf::Either),
        ("to_server", ProtocolOf::ToServer),
        ("toserver", ProtocolOf::ToServer),
        ("to_client", ProtocolOf::ToClient),
        ("toclient", ProtocolOf::ToClient),
    ];
    let of = one_of(of, &known)?;
    let name = name.trim();
    let protocol = match name {
        "failed" | "unknown" => None,
        _ => match Protocol::from_name(name).filter(|protocol| protocol.is_app()) {
            Some(protocol) => Some(protocol),
            None => return Err(Fault::at(name, format!("{name} is no application protocol"))),
        },
    };
    if builder.header.protocol.is_app() {
        return Err(Fault::here("the rule's header names the application protocol already"));
    }
    let positive =
        builder.options.iter().any(|option| matches!(option.body, Body::AppLayerProtocol { negated: false, .. }));
    let any = builder.has(|body| matches!(body, Body::AppLayerProtocol { .. }));
    if positive || (any && !negated) {
        return Err(Fault::here("only negated protocols can stand beside each other"));
    }
    builder.push(Body::AppLayerProtocol { negated, protocol, name: name.into(), of })
}

pub(super) fn app_layer_state(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (word, more) = first_word(value);
    if !more.is_empty() {
        return Err(Fault::at(more, "one state can be named"));
    }
    builder.push(Body::AppLayerState(word.into()))
}
