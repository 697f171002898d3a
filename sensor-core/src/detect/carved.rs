//! Rules run over parts of messages, which they name with `frame`.

use super::app::Pattern;
use super::compile::Rules;
use super::compiled::{Compiled, Kind};
use super::detector::{Detector, Output, Place};
use super::explain::Subject;
use super::group::{Bucket, Member};
use super::state::FlowState;
use super::transaction::transformed;
use super::verify::{Cx, Transforms};
use super::view::{FlowView, PacketView, SIDES, Scene, index};
use crate::applayer::AppProto;
use crate::applayer::carve::{self, Carver};
use crate::rules::ast::{BufferArgument, BufferUse, Transform};
use crate::rules::{Protocol, Rule};

/// What a rule's `frame` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// A part of a protocol's messages, by its number.
    Part(AppProto, u8),
    /// All that a side says.
    Stream,
}

/// Rules for the parts of a protocol's messages.
#[derive(Debug)]
pub(super) struct CarvedRules {
    pub(super) app: AppProto,
    slots: Box<[Slot]>,
}

/// Those for one kind of part, seen alike.
#[derive(Debug)]
struct Slot {
    kind: u8,
    transforms: Transforms,
    /// By direction.
    buckets: [Bucket; 2],
}

/// What a slot is made of: the kind of part, its transforms, and the rules by direction.
type Gathered<'a> = (u8, &'a [Transform], [Vec<Member>; 2]);

/// What is named by a buffer, if it is a frame. The name is `protocol.part`, or the part alone where the rule's header
/// names the protocol.
pub(super) fn sought(rule: &Rule, buffer: &BufferUse) -> Result<Option<Sought>, String> {
    let BufferArgument::Frame(name) = &buffer.argument else { return Ok(None) };
    let of_header = if rule.header.protocol == Protocol::Http {
        Some(AppProto::Http)
    } else {
        AppProto::ALL.iter().copied().find(|app| Protocol::App(*app) == rule.header.protocol)
    };
    let part = |app: AppProto, name: &str| {
        if name == "stream" {
            return (of_header == Some(app)).then_some(Sought::Stream);
        }
        let names = carve::layout(app)?.names;
        let kind = names.iter().position(|known| *known == name)?;
        Some(Sought::Part(app, u8::try_from(kind).ok()?))
    };
    let prefixed = name.split_once('.').and_then(|(app, name)| {
        let app = if app == "http1" { AppProto::Http } else { AppProto::from_name(app)? };
        part(app, name)
    });
    let found = prefixed.or_else(|| part(of_header?, name));
    found.map(Some).ok_or_else(|| format!("frames {name} are not told in this version"))
}

impl CarvedRules {
    /// Of all rules that look into parts of messages.
    pub(super) fn all<'a>(
        all: &[Compiled],
        pattern: impl Fn(u32) -> Option<&'a Pattern>,
    ) -> Result<Box<[CarvedRules]>, String> {
        let mut of_apps: Vec<(AppProto, Vec<Gathered<'_>>)> = Vec::new();
        for (number, rule) in (0..).zip(all) {
            let (Kind::Carved(app, kind), [look]) = (rule.kind, &*rule.looks) else { continue };
            let at = of_apps.iter().position(|(known, _)| *known == app).unwrap_or_else(|| {
                of_apps.push((app, Vec::new()));
                of_apps.len() - 1
            });
            let Some((_, slots)) = of_apps.get_mut(at) else { continue };
            let transforms: &[Transform] = &look.buffer.transforms;
            let at = slots.iter().position(|(known, same, _)| *known == kind && *same == transforms);
            let at = at.unwrap_or_else(|| {
                slots.push((kind, transforms, Default::default()));
                slots.len() - 1
            });
            let Some((.., members)) = slots.get_mut(at) else { continue };
            for (side, members) in SIDES.into_iter().zip(members) {
                if rule.side.is_none_or(|only| only == side) {
                    let fast = pattern(number).map(|(_, fast)| fast.clone());
                    members.push(Member { rule: number, fast, ports: u32::MAX });
                }
            }
        }
        let slot = |(kind, transforms, members): Gathered<'_>| {
            let transforms = Transforms::new(transforms).map_err(|(_, reason)| reason)?;
            Ok(Slot { kind, transforms, buckets: members.map(Bucket::new) })
        };
        of_apps
            .into_iter()
            .map(|(app, slots)| {
                let slots = slots.into_iter().map(slot).collect::<Result<_, String>>()?;
                Ok(CarvedRules { app, slots })
            })
            .collect()
    }
}

impl Detector {
    /// Looks at the parts of messages that were cut out of what a flow brought. `packet` is the one that brought it.
    pub fn carved(
        &mut self,
        flow: &FlowView,
        state: &mut FlowState,
        time: i64,
        packet: Option<PacketView<'_>>,
        carver: &Carver,
        out: &mut Output,
    ) {
        let Detector { rules, work, .. } = self;
        let rules: &Rules = rules;
        let Some(of_app) = rules.carved.iter().find(|known| known.app == carver.app()) else { return };
        for (piece, bytes) in carver.pieces() {
            for slot in of_app.slots.iter().filter(|slot| slot.kind == piece.kind) {
                if state.is_passed() {
                    return;
                }
                let Some(bucket) = slot.buckets.get(index(piece.side)) else { continue };
                work.found.begin();
                if let Some(matcher) = &bucket.matcher {
                    let data = transformed(&slot.transforms, bytes, &work.verify, &mut work.transforms);
                    matcher.scan(data, piece.start, |rule| work.found.add(rule));
                }
                work.found.extend(&bucket.always);
                let packet = packet.filter(|packet| packet.side == piece.side);
                let scene = Scene { flow, side: piece.side, time, packet };
                let list = work.found.take();
                for number in &list {
                    let Some(rule) = rules.get(*number) else { continue };
                    if *number == work.asked {
                        work.explain(rules, &scene, state, Subject::Frame(piece.id, bytes, piece.start, piece.ends));
                    }
                    if !work.holds(rules, rule, &scene, state) {
                        continue;
                    }
                    work.verify.begin();
                    let data = transformed(&slot.transforms, bytes, &work.verify, &mut work.transforms);
                    let mut cx =
                        Cx { start: piece.start, ends: piece.ends, ..Cx::new(&mut work.verify, &mut work.sets) };
                    if rule.looks.iter().all(|look| look.chain.matches(data, &mut cx)) {
                        work.matched(rules, *number, &scene, state, Place::Frame(piece.id), out);
                    }
                }
                work.found.give(list);
            }
        }
    }
}
