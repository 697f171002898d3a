//! Rules of an application protocol, by the buffer they are found in.

use super::compiled::{Compiled, Kind, is_app};
use super::fast::Fast;
use super::group::{Bucket, Member};
use super::verify::Transforms;
use super::view::{SIDES, index};
use crate::applayer::parser::Protocol;
use crate::applayer::{AppProto, Side};
use crate::rules::ast::{BufferArgument, BufferUse};
use crate::rules::{self, Direction};

/// Rules for the transactions of a protocol.
#[derive(Debug)]
pub(super) struct AppRules {
    pub(super) app: AppProto,
    /// By the direction a rule is for.
    pub(super) sides: [SideRules; 2],
    /// An event, and a rule that asks for it.
    pub(super) events: Box<[(u8, u32)]>,
}

/// Rules for transactions as one direction shows them.
#[derive(Debug, Default)]
pub(super) struct SideRules {
    pub(super) slots: Box<[Slot]>,
    /// Rules without a pattern, in order.
    pub(super) always: Box<[u32]>,
}

/// A buffer that is searched for patterns.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) buffer: BufferUse,
    pub(super) transforms: Transforms,
    /// Whose data is in it.
    pub(super) side: Side,
    /// The progress of that side from which on it is looked into.
    pub(super) ready: u8,
    pub(super) bucket: Bucket,
}

/// A pattern and the buffer it is looked for in.
pub(super) type Pattern = (Option<BufferUse>, Fast);

impl AppRules {
    pub(super) fn new<'a>(
        parser: &Protocol,
        all: &[Compiled],
        pattern: impl Fn(u32) -> Option<&'a Pattern>,
    ) -> Result<AppRules, String> {
        let mut slots: [Vec<(BufferUse, Side, Vec<Member>)>; 2] = Default::default();
        let mut always: [Vec<u32>; 2] = Default::default();
        let mut events = Vec::new();
        for (number, rule) in (0..).zip(all) {
            if rule.kind != Kind::Transaction || !is_of(rule, parser.app) {
                continue;
            }
            if let Some((_, event)) = rule.events.first() {
                events.push((*event, number));
                continue;
            }
            for ((side, slots), always) in SIDES.into_iter().zip(&mut slots).zip(&mut always) {
                let (only, both_ways) = (rule.side, rule.direction == Direction::Transaction);
                if only.is_some_and(|only| only != side) || (both_ways && side == Side::ToClient) {
                    continue;
                }
                let Some((Some(buffer), fast)) = pattern(number) else {
                    always.push(number);
                    continue;
                };
                let of = side_of(buffer).unwrap_or(side);
                let member = Member { rule: number, fast: Some(fast.clone()), ports: u32::MAX };
                match slots.iter_mut().find(|(known, known_side, _)| known == buffer && *known_side == of) {
                    Some((.., members)) => members.push(member),
                    None => slots.push((buffer.clone(), of, vec![member])),
                }
            }
        }
        let mut sides: [SideRules; 2] = Default::default();
        for ((side, slots), always) in sides.iter_mut().zip(slots).zip(always) {
            let slots = slots.into_iter().map(|(buffer, side, members)| {
                let ready = (parser.ready)(buffer.buffer, side);
                let transforms = Transforms::new(&buffer.transforms).map_err(|(_, reason)| reason)?;
                Ok(Slot { ready, bucket: Bucket::new(members), transforms, buffer, side })
            });
            *side = SideRules { slots: slots.collect::<Result<_, String>>()?, always: always.into() };
        }
        Ok(AppRules { app: parser.app, sides, events: events.into() })
    }

    pub(super) fn side(&self, side: Side) -> Option<&SideRules> {
        self.sides.get(index(side))
    }

    pub(super) fn bytes(&self) -> usize {
        self.sides.iter().flat_map(|side| &side.slots).map(|slot| slot.bucket.bytes()).sum()
    }
}

/// Whether a protocol's transactions can match a rule.
fn is_of(rule: &Compiled, app: AppProto) -> bool {
    (!rule.head.protocol.is_app() || is_app(rule.head.protocol, app) || rule.is_of_carrier(app))
        && rule.events.iter().all(|(of, _)| *of == app)
        && rule.looks.iter().all(|look| look.buffer.buffer.owner().is_none_or(|owner| owner.contains(&app.name())))
}

/// Whose data a buffer holds; `None` if either's.
pub(super) fn side_of(buffer: &BufferUse) -> Option<Side> {
    let side = match buffer.argument {
        BufferArgument::Side(side) => side,
        BufferArgument::None | BufferArgument::Frame(_) => buffer.buffer.side(),
    };
    match side {
        rules::Side::ToServer => Some(Side::ToServer),
        rules::Side::ToClient => Some(Side::ToClient),
        rules::Side::Both => None,
    }
}
