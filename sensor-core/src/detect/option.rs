//! What the options of a rule ask for, sorted.

use super::compile::Compiler;
use super::compiled::{Condition, Effect, NameTest};
use super::test::Test;
use crate::applayer::{AppProto, Side};
use crate::rules::ast::{
    BitCommand, Body, EventKind, FileText, FlowState, FlowintOperation, Hash, NumberTest, StreamScope, Tag, Threshold,
    ThresholdKind,
};
use crate::rules::{self, Field};

/// A rule's options, sorted.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) side: Option<Side>,
    pub(super) state: Option<FlowState>,
    pub(super) scope: Option<StreamScope>,
    pub(super) has_flow: bool,
    pub(super) tests: Vec<Test>,
    pub(super) conditions: Vec<Condition>,
    pub(super) effects: Vec<Effect>,
    pub(super) numbers: Vec<NumberTest>,
    pub(super) own: Vec<Body>,
    pub(super) names: Vec<NameTest>,
    pub(super) hashes: Vec<(Hash, bool, u32)>,
    pub(super) events: Vec<(AppProto, u8)>,
    pub(super) threshold: Option<Threshold>,
    pub(super) filter: Option<Threshold>,
    pub(super) tag: Option<Tag>,
    pub(super) quiet: bool,
    pub(super) bypass: bool,
    pub(super) filestore: bool,
}

impl Parts {
    /// Whether something is asked of transactions, buffers aside.
    pub(super) fn asks_transactions(&self) -> bool {
        !(self.numbers.is_empty()
            && self.own.is_empty()
            && self.names.is_empty()
            && self.hashes.is_empty()
            && self.events.is_empty())
    }
}

impl<'a> Compiler<'a> {
    /// Takes in one option; an error says why it cannot be run.
    pub(super) fn option(&mut self, body: &'a Body, parts: &mut Parts) -> Result<(), String> {
        if let Some(test) = Test::of(body)? {
            if matches!(test, Test::Number(Field::VxlanVni, _)) {
                return Err("the network of a VXLAN is not kept in this version".into());
            }
            parts.tests.push(test);
            return Ok(());
        }
        let unable = |what: &str| Err(format!("{what} in this version"));
        match body {
            Body::Inspect(..) | Body::Asn1(_) | Body::Prefilter => {}
            Body::Number(test) => parts.numbers.push(test.clone()),
            Body::Flow(flow) => {
                parts.side = match flow.side {
                    Some(rules::Side::ToServer) => Some(Side::ToServer),
                    Some(rules::Side::ToClient) => Some(Side::ToClient),
                    Some(rules::Side::Both) | None => None,
                };
                parts.state = flow.state;
                parts.scope = flow.stream;
                parts.has_flow = true;
                if flow.reassembled == Some(false) {
                    return unable("fragments are looked at only as the datagrams they make");
                }
            }
            Body::Flowbits(bits) => {
                let names: Box<[u32]> = bits.names.iter().map(|name| self.name(name)).collect();
                match bits.command {
                    BitCommand::IsSet => parts.conditions.push(Condition::Bits(names, true)),
                    BitCommand::IsNotSet => parts.conditions.push(Condition::Bits(names, false)),
                    BitCommand::NoAlert => parts.quiet = true,
                    command @ (BitCommand::Set | BitCommand::Unset | BitCommand::Toggle) => {
                        parts.effects.extend(names.iter().map(|name| Effect::Bit(*name, command)));
                    }
                }
            }
            Body::Hostbits(bits, of) => {
                let names: Box<[u32]> = bits.names.iter().map(|name| self.name(name)).collect();
                match bits.command {
                    BitCommand::IsSet => parts.conditions.push(Condition::HostBits(names, *of, true)),
                    BitCommand::IsNotSet => parts.conditions.push(Condition::HostBits(names, *of, false)),
                    BitCommand::NoAlert => parts.quiet = true,
                    command @ (BitCommand::Set | BitCommand::Unset | BitCommand::Toggle) => {
                        parts.effects.extend(names.iter().map(|name| Effect::HostBit(*name, *of, command)));
                    }
                }
            }
            Body::Xbits(bits) => {
                let name = self.name(&bits.name);
                match bits.command {
                    BitCommand::IsSet => parts.conditions.push(Condition::PairBit(name, bits.track, true)),
                    BitCommand::IsNotSet => parts.conditions.push(Condition::PairBit(name, bits.track, false)),
                    BitCommand::NoAlert => parts.quiet = true,
                    command @ (BitCommand::Set | BitCommand::Unset | BitCommand::Toggle) => {
                        parts.effects.push(Effect::PairBit(name, bits.track, command, bits.expire));
                    }
                }
            }
            Body::Flowint(int) => {
                let (name, operand) = (self.name(&int.name), self.operand(&int.operand));
                let changes = matches!(
                    int.operation,
                    FlowintOperation::Assign | FlowintOperation::Add | FlowintOperation::Subtract
                );
                if changes {
                    parts.effects.push(Effect::Int(name, int.operation, operand));
                } else {
                    parts.conditions.push(Condition::Int(name, int.operation, operand));
                }
            }
            Body::AppLayerProtocol { negated, protocol, .. } => {
                parts.conditions.push(Condition::App { negated: *negated, protocol: *protocol });
            }
            Body::Event(EventKind::AppLayer, name) => {
                let (protocol, event) = name.split_once('.').unwrap_or((name, ""));
                // IKE's name before its first version was read, too.
                let of = AppProto::from_name(if protocol == "ikev2" { "ike" } else { protocol });
                let parser = self.parsers.iter().find(|parser| Some(parser.app) == of);
                let parser = parser.ok_or_else(|| format!("no parser for {protocol} in this version"))?;
                let place = parser.events.iter().position(|known| *known == event);
                let place = place.and_then(|place| u8::try_from(place).ok());
                let place = place.ok_or_else(|| format!("{protocol} has no event {event} in this version"))?;
                parts.events.push((parser.app, place));
            }
            Body::Words(_)
            | Body::TlsVersion(..)
            | Body::TlsDate(..)
            | Body::TlsExpired
            | Body::TlsValid
            | Body::DceIface { .. }
            | Body::DceOpnums(_)
            | Body::IkeAttribute(..)
            | Body::Modbus(_)
            | Body::Dnp3Function(_)
            | Body::Dnp3Object(..)
            | Body::CipService(..) => parts.own.push(body.clone()),
            Body::FileText { what: FileText::Magic, .. } => return unable("what a file is is not told"),
            Body::FileText { what, negated, pattern } => parts.names.push((*what, *negated, pattern.clone())),
            Body::FileStore(..) => parts.filestore = true,
            Body::Threshold(threshold) => parts.threshold = Some(*threshold),
            Body::DetectionFilter(filter) => {
                let mut filter = *filter;
                filter.kind = ThresholdKind::Filter;
                parts.filter = Some(filter);
            }
            Body::Tag(tag) => parts.tag = Some(*tag),
            Body::NoAlert => parts.quiet = true,
            Body::AlertToo => parts.quiet = false,
            Body::Bypass => parts.bypass = true,
            // Only an inline sensor does what these say; what the rule tells is the same.
            Body::TlsStore | Body::NfqSetMark(..) => {}
            Body::Geoip { .. } => return unable("there are no countries of addresses"),
            Body::Iprep { which, category, test, set } => {
                let known = self.set.reputations().ok_or("there are no lists: set reputation-categories-file")?;
                let number = known.category(category).ok_or_else(|| format!("no list has the category {category}"))?;
                parts.conditions.push(Condition::Reputation {
                    which: *which,
                    category: number,
                    test: *test,
                    set: *set,
                });
            }
            Body::FileHash(hash, negated, list) => parts.hashes.push((*hash, *negated, self.hashes(*hash, list)?)),
            Body::Captured { scope, name, pattern } => {
                parts.conditions.push(Condition::Value(self.capture(*scope, name)?, pattern.clone()));
            }
            Body::Rpc(..) | Body::FtpBounce | Body::AppLayerState(_) | Body::Config(_) => {
                return unable("the keyword is not run");
            }
            Body::Event(EventKind::Engine, _) => return unable("engine events are not told"),
            Body::Event(EventKind::Decode | EventKind::Stream, _)
            | Body::TcpFlags(_)
            | Body::FragBits(_)
            | Body::IpOption(_)
            | Body::IpProto(_)
            | Body::SameIp
            | Body::IpVersion(_)
            | Body::Checksum(..)
            | Body::StreamSize { .. } => {}
        }
        Ok(())
    }
}
