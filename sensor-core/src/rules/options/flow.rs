//! Options about flows, their bits and numbers, and how often is told.

use super::{first_word, one_of};
use crate::rules::ast::{
    BitCommand, Bits, Body, Flow, FlowState, Flowint, FlowintOperand, FlowintOperation, HostSide, Scope, StreamScope,
    StreamSide, Tag, TagUnit, Threshold, ThresholdKind, Track, Unique, Xbits,
};
use crate::rules::buffer::Side;
use crate::rules::builder::Builder;
use crate::rules::fault::{Fault, Parsed};
use crate::rules::lexer::{pattern, quoted};
use crate::rules::number::{Comparison, bounded};

/// Most names of one `flowbits`.
const MAX_NAMES: usize = 128;

/// `flow:word[,word...]`
pub(super) fn flow(builder: &mut Builder, value: &str) -> Parsed<()> {
    if builder.has(|body| matches!(body, Body::Flow(_))) {
        return Err(Fault::here("flow is given twice"));
    }
    fn set<T: PartialEq>(slot: &mut Option<T>, value: T, word: &str) -> Parsed<()> {
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(Fault::at(word, format!("{word} contradicts or repeats what stands before it"))),
        }
    }
    let mut flow = Flow::default();
    for word in value.split(',').map(str::trim) {
        match word.to_ascii_lowercase().as_str() {
            "to_server" | "from_client" => set(&mut flow.side, Side::ToServer, word)?,
            "to_client" | "from_server" => set(&mut flow.side, Side::ToClient, word)?,
            "established" => set(&mut flow.state, FlowState::Established, word)?,
            "not_established" => set(&mut flow.state, FlowState::NotEstablished, word)?,
            "stateless" => set(&mut flow.state, FlowState::Stateless, word)?,
            "only_stream" => set(&mut flow.stream, StreamScope::Only, word)?,
            "no_stream" => set(&mut flow.stream, StreamScope::Never, word)?,
            "only_frag" => set(&mut flow.reassembled, true, word)?,
            "no_frag" => set(&mut flow.reassembled, false, word)?,
            _ => return Err(Fault::at(word, format!("{word:?} says nothing about a flow"))),
        }
    }
    builder.push(Body::Flow(flow))
}

const COMMANDS: [(&str, BitCommand); 6] = [
    ("set", BitCommand::Set),
    ("unset", BitCommand::Unset),
    ("toggle", BitCommand::Toggle),
    ("isset", BitCommand::IsSet),
    ("isnotset", BitCommand::IsNotSet),
    ("noalert", BitCommand::NoAlert),
];

fn name(text: &str) -> Parsed<Box<str>> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(Fault::at(text, "a name is needed, without blanks"));
    }
    Ok(text.into())
}

fn bits(command: BitCommand, names: Option<&str>, whole: &str) -> Parsed<Bits> {
    match (command, names) {
        (BitCommand::NoAlert, None) => Ok(Bits { command, names: Box::default() }),
        (BitCommand::NoAlert, Some(names)) => Err(Fault::at(names, "noalert has no name")),
        (_, None) => Err(Fault::at(whole, "the bit's name is missing")),
        (_, Some(names)) => {
            let names: Vec<_> = names.split('|').map(name).collect::<Parsed<_>>()?;
            if names.len() > MAX_NAMES {
                return Err(Fault::at(whole, "more than 128 names"));
            }
            if names.len() > 1 && !matches!(command, BitCommand::IsSet | BitCommand::IsNotSet) {
                return Err(Fault::at(whole, "only isset and isnotset can have several names"));
            }
            Ok(Bits { command, names: names.into() })
        }
    }
}

/// `flowbits:command[,name[|name...]]`
pub(super) fn flowbits(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (command, names) = match value.split_once(',') {
        None => (value, None),
        Some((command, names)) => (command, Some(names)),
    };
    builder.push(Body::Flowbits(bits(one_of(command, &COMMANDS)?, names, value)?))
}

/// `hostbits:command[,name[,side]]`
pub(super) fn hostbits(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let command = one_of(parts.next().unwrap_or_default(), &COMMANDS)?;
    let bits = bits(command, parts.next(), value)?;
    let side = match parts.next() {
        None => HostSide::Source,
        Some(side) => {
            one_of(side, &[("src", HostSide::Source), ("dst", HostSide::Destination), ("both", HostSide::Both)])?
        }
    };
    builder.push(Body::Hostbits(bits, side))
}

/// `xbits:command,name,track by[,expire seconds]`
pub(super) fn xbits(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let command = one_of(parts.next().unwrap_or_default(), &COMMANDS)?;
    let (mut bit, mut track, mut expire) = (Box::default(), None, 30);
    if command != BitCommand::NoAlert {
        bit = name(parts.next().ok_or_else(|| Fault::at(value, "the bit's name is missing"))?)?;
    }
    for part in parts {
        match first_word(part) {
            ("track", by) => {
                let known = [
                    ("ip_src", Track::Source),
                    ("ip_dst", Track::Destination),
                    ("ip_pair", Track::Both),
                    ("tx", Track::Transaction),
                ];
                track = Some(one_of(by, &known)?);
            }
            ("expire", seconds) => expire = bounded(seconds, 1, u32::MAX)?,
            (word, _) => return Err(Fault::at(word, format!("{word:?} is neither track nor expire"))),
        }
    }
    let track = match track {
        Some(track) => track,
        None if command == BitCommand::NoAlert => Track::Source,
        None => return Err(Fault::at(value, "track is missing")),
    };
    builder.push(Body::Xbits(Xbits { command, name: bit, track, expire }))
}

/// `flowint:name,operation[,operand]`
pub(super) fn flowint(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let of = name(parts.next().unwrap_or_default())?;
    let known = [
        ("=", FlowintOperation::Assign),
        ("+", FlowintOperation::Add),
        ("-", FlowintOperation::Subtract),
        ("==", FlowintOperation::Equal),
        ("!=", FlowintOperation::NotEqual),
        ("<", FlowintOperation::Less),
        ("<=", FlowintOperation::LessOrEqual),
        (">", FlowintOperation::Greater),
        (">=", FlowintOperation::GreaterOrEqual),
        ("isset", FlowintOperation::IsSet),
        ("notset", FlowintOperation::IsNotSet),
        ("isnotset", FlowintOperation::IsNotSet),
    ];
    let operation = one_of(parts.next().unwrap_or_default(), &known)?;
    let alone = matches!(operation, FlowintOperation::IsSet | FlowintOperation::IsNotSet);
    let operand = match parts.next() {
        None if alone => FlowintOperand::None,
        None => return Err(Fault::at(value, "the operand is missing")),
        Some(operand) if alone => return Err(Fault::at(operand, "isset and notset have no operand")),
        Some(number) if number.starts_with(|first: char| first.is_ascii_digit()) => {
            FlowintOperand::Number(bounded(number, 0, u32::MAX)?)
        }
        Some(other) => FlowintOperand::Name(name(other)?),
    };
    builder.push(Body::Flowint(Flowint { name: of, operation, operand }))
}

pub(super) fn flowvar(builder: &mut Builder, value: &str) -> Parsed<()> {
    captured(builder, value, Scope::Flow)
}

pub(super) fn pktvar(builder: &mut Builder, value: &str) -> Parsed<()> {
    captured(builder, value, Scope::Packet)
}

fn captured(builder: &mut Builder, value: &str, scope: Scope) -> Parsed<()> {
    let (variable, text) = value.split_once(',').ok_or_else(|| Fault::at(value, "written name,\"pattern\""))?;
    let name = name(variable)?;
    let text = text.trim();
    let (negated, inner) = if text.starts_with(['"', '!']) { quoted(text)? } else { (false, text) };
    if negated {
        return Err(Fault::at(text, "cannot be negated"));
    }
    builder.push(Body::Captured { scope, name, pattern: pattern(inner)? })
}

/// What `threshold`, `detection_filter` and `threshold.config` have in common.
#[derive(Default)]
pub(in crate::rules) struct Limit {
    kind: Option<ThresholdKind>,
    track: Option<Track>,
    count: Option<u32>,
    seconds: Option<u32>,
    multiplier: Option<u32>,
    unique: Option<Unique>,
}

impl Limit {
    /// Takes `key value`; whether the key is one of these.
    pub(in crate::rules) fn take(&mut self, part: &str) -> Parsed<bool> {
        let (key, value) = first_word(part);
        match key {
            "type" => {
                let known = [
                    ("limit", ThresholdKind::Limit),
                    ("threshold", ThresholdKind::Threshold),
                    ("both", ThresholdKind::Both),
                    ("backoff", ThresholdKind::Backoff),
                ];
                self.kind = Some(one_of(value, &known)?);
            }
            "track" => {
                let known = [
                    ("by_src", Track::Source),
                    ("by_dst", Track::Destination),
                    ("by_both", Track::Both),
                    ("by_rule", Track::Rule),
                    ("by_flow", Track::Flow),
                ];
                self.track = Some(one_of(value, &known)?);
            }
            "count" => self.count = Some(bounded(value, 1, u32::MAX)?),
            "seconds" => self.seconds = Some(bounded(value, 1, u32::MAX)?),
            "multiplier" => self.multiplier = Some(bounded(value, 1, u32::MAX)?),
            "unique_on" => {
                let known = [("src_port", Unique::SourcePort), ("dst_port", Unique::DestinationPort)];
                self.unique = Some(one_of(value, &known)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// All of it, of the kind given or the one said.
    pub(in crate::rules) fn done(self, whole: &str, kind: Option<ThresholdKind>) -> Parsed<Threshold> {
        let missing = |what: &str| Fault::at(whole, format!("{what} is missing"));
        if kind.is_some() && self.kind.is_some() {
            return Err(Fault::at(whole, "type is of threshold only"));
        }
        let kind = kind.or(self.kind).ok_or_else(|| missing("type"))?;
        let track = self.track.ok_or_else(|| missing("track"))?;
        let count = self.count.ok_or_else(|| missing("count"))?;
        let backoff = kind == ThresholdKind::Backoff;
        if backoff && track != Track::Flow {
            return Err(Fault::at(whole, "backoff is by_flow only"));
        }
        if backoff == self.multiplier.is_none() {
            return Err(Fault::at(whole, "backoff, and only it, has a multiplier"));
        }
        let seconds = match self.seconds {
            Some(seconds) => seconds,
            None if backoff => 0,
            None => return Err(missing("seconds")),
        };
        Ok(Threshold { kind, track, count, seconds, multiplier: self.multiplier.unwrap_or(1), unique: self.unique })
    }
}

fn limit(value: &str, kind: Option<ThresholdKind>) -> Parsed<Threshold> {
    let mut limit = Limit::default();
    for part in value.split(',').map(str::trim) {
        if !limit.take(part)? {
            return Err(Fault::at(part, format!("{part:?} is nothing that limits")));
        }
    }
    limit.done(value, kind)
}

fn only_one(builder: &Builder) -> Parsed<()> {
    if builder.has(|body| matches!(body, Body::Threshold(_) | Body::DetectionFilter(_))) {
        return Err(Fault::here("a rule has one threshold or detection_filter"));
    }
    Ok(())
}

pub(super) fn threshold(builder: &mut Builder, value: &str) -> Parsed<()> {
    only_one(builder)?;
    builder.push(Body::Threshold(limit(value, None)?))
}

pub(super) fn detection_filter(builder: &mut Builder, value: &str) -> Parsed<()> {
    only_one(builder)?;
    builder.push(Body::DetectionFilter(limit(value, Some(ThresholdKind::Filter))?))
}

/// `tag[:session|host[,count,unit[,side]]]`
pub(super) fn tag(builder: &mut Builder, value: &str) -> Parsed<()> {
    let mut parts = value.split(',').map(str::trim);
    let host = match parts.next().unwrap_or_default() {
        "" | "session" => false,
        "host" => true,
        other => return Err(Fault::at(other, "session or host can be tagged")),
    };
    let (mut count, mut unit, mut side) = (256, TagUnit::Packets, None);
    if let Some(number) = parts.next() {
        count = bounded(number, 1, u32::MAX)?;
        let word = parts.next().ok_or_else(|| Fault::at(value, "packets, seconds or bytes is missing"))?;
        unit =
            one_of(word, &[("packets", TagUnit::Packets), ("seconds", TagUnit::Seconds), ("bytes", TagUnit::Bytes)])?;
    }
    if let Some(word) = parts.next() {
        if !host {
            return Err(Fault::at(word, "a side is for host only"));
        }
        side = Some(one_of(word, &[("src", HostSide::Source), ("dst", HostSide::Destination)])?);
    }
    if let Some(more) = parts.next() {
        return Err(Fault::at(more, "too many values"));
    }
    builder.push(Body::Tag(Tag { host: host.then(|| side.unwrap_or(HostSide::Source)), count, unit }))
}

/// `stream_size:side,operator,bytes`
pub(super) fn stream_size(builder: &mut Builder, value: &str) -> Parsed<()> {
    let (side, rest) = value.split_once(',').ok_or_else(|| Fault::at(value, "written side,operator,bytes"))?;
    let known = [
        ("server", StreamSide::Server),
        ("client", StreamSide::Client),
        ("both", StreamSide::Both),
        ("either", StreamSide::Either),
    ];
    let side = one_of(side, &known)?;
    let bytes = match rest.split_once(',') {
        None => Comparison::parse(rest, u64::from(u32::MAX), &[])?,
        Some((operator, number)) => {
            let bytes = u64::from(bounded(number, 0, u32::MAX)?);
            match operator.trim() {
                "=" | "==" => Comparison::Equal(bytes),
                "!=" | "!" => Comparison::NotEqual(bytes),
                "<" => Comparison::Less(bytes),
                "<=" => Comparison::LessOrEqual(bytes),
                ">" => Comparison::Greater(bytes),
                ">=" => Comparison::GreaterOrEqual(bytes),
                other => return Err(Fault::at(operator, format!("{other:?} is no operator"))),
            }
        }
    };
    builder.push(Body::StreamSize { side, bytes })
}
