//! Alerts of flows, and what rows tell of them.
//!
//! A flow that a rule matched is in the window of that alert, not in the one in which it started; where a rule that is
//! new for it matches in a later window it goes there. So what is new stands among what is new, and a flow is still in
//! one row only. Flows are grouped with those that the same rules matched.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use foldhash::{HashMap, HashMapExt};
use sensor_wire::Timestamp;
use sensor_wire::row::{EventMessage, RuleAction, RuleNote};
use slab::Slab;

use super::Summary;
use crate::flow::{FlowIndex, FlowTable};
use crate::rules::{Action, Rule};

/// An alert of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// Where the flow is in the table.
    pub index: FlowIndex,
    /// Its id: a place is taken again.
    pub flow: u64,
    /// Time of the packet that brought it.
    pub time: Timestamp,
    /// Group of the rule.
    pub gid: u32,
    /// Its number.
    pub sid: u32,
    /// What the sensor did.
    pub action: Action,
    /// The rule as it was read and its priority, where that is known.
    pub rule: Option<(&'a Rule, u32)>,
}

/// The alerts of all flows that are kept.
#[derive(Debug)]
pub(super) struct Alerts {
    signatures: Vec<Signature>,
    by_rule: HashMap<(u32, u32, u32), u32>,
    flows: Slab<OfFlow>,
    /// Counts of all flows, and the most there may be.
    counts: usize,
    most: usize,
    refused: u64,
}

/// What is told of a rule that matched.
#[derive(Debug)]
struct Signature {
    gid: u32,
    sid: u32,
    rev: u32,
    message: Box<str>,
    class: Box<str>,
    severity: u8,
    action: RuleAction,
}

/// The alerts of a flow.
#[derive(Debug)]
struct OfFlow {
    /// Time of the alert that brought it into its window.
    since: Timestamp,
    /// One for each rule.
    counts: Vec<Count>,
    /// Stands for the rules.
    set: u64,
}

/// How often a rule matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    signature: u32,
    count: u32,
    first: Timestamp,
    last: Timestamp,
}

/// Where a flow's alerts are: 0 while it has none.
pub(super) type Place = u32;

impl Alerts {
    /// None, and never more than `most` rules of flows.
    pub(super) fn new(most: usize) -> Alerts {
        Alerts { signatures: Vec::new(), by_rule: HashMap::new(), flows: Slab::new(), counts: 0, most, refused: 0 }
    }

    /// Counts an alert; whether its rule is new for the flow, or `None` where it found no room.
    fn count(&mut self, place: &mut Place, hit: &Hit<'_>) -> Option<bool> {
        let signature = self.signature(hit)?;
        if let Some(flow) = self.flows.get_mut((*place as usize).wrapping_sub(1)) {
            if let Some(known) = flow.counts.iter_mut().find(|count| count.signature == signature) {
                known.add(1, hit.time, hit.time);
                return Some(false);
            }
            if flow.counts.len() >= MOST_RULES {
                return None;
            }
        }
        if self.counts >= self.most {
            return None;
        }
        if *place == 0 {
            let flow = OfFlow { since: hit.time, counts: Vec::new(), set: 0 };
            *place = self.flows.insert(flow) as Place + 1;
        }
        let flow = self.flows.get_mut((*place as usize).wrapping_sub(1))?;
        flow.counts.push(Count { signature, count: 1, first: hit.time, last: hit.time });
        self.counts += 1;
        // Of unordered rules: the sum of what stands for each.
        flow.set = flow.set.wrapping_add(mark(hit));
        Some(true)
    }

    fn signature(&mut self, hit: &Hit<'_>) -> Option<u32> {
        let rule = hit.rule.map(|(rule, _)| rule);
        let rev = rule.map_or(0, |rule| rule.rev);
        let id = (hit.gid, hit.sid, rev);
        if let Some(known) = self.by_rule.get(&id) {
            return Some(*known);
        }
        if self.signatures.len() >= MOST_SIGNATURES {
            return None;
        }
        let message = match rule {
            Some(rule) if !rule.msg.is_empty() => rule.msg.clone(),
            _ => format!("rule {}:{}", hit.gid, hit.sid).into(),
        };
        let number = self.signatures.len() as u32;
        self.signatures.push(Signature {
            gid: hit.gid,
            sid: hit.sid,
            rev,
            message,
            class: rule.and_then(|rule| rule.classtype.clone()).unwrap_or_default(),
            severity: hit.rule.map_or(USUAL, |(_, priority)| u8::try_from(priority).unwrap_or(u8::MAX)),
            action: rule_action(hit.action),
        });
        self.by_rule.insert(id, number);
        Some(number)
    }

    /// Forgets those of a flow.
    pub(super) fn forget(&mut self, place: &mut Place) {
        if let Some(flow) = self.flows.try_remove((std::mem::take(place) as usize).wrapping_sub(1)) {
            self.counts -= flow.counts.len();
        }
    }

    /// What stands for the rules that matched a flow; 0 where none did.
    pub(super) fn set(&self, place: Place) -> u64 {
        self.of(place).map_or(0, |flow| flow.set)
    }

    /// The time at which a flow came into its window, if an alert brought it there.
    pub(super) fn since(&self, place: Place) -> Option<Timestamp> {
        self.of(place).map(|flow| flow.since)
    }

    /// Alerts of a flow.
    pub(super) fn total(&self, place: Place) -> u64 {
        self.of(place).map_or(0, |flow| flow.counts.iter().map(|count| u64::from(count.count)).sum())
    }

    /// Alerts that found no room.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    fn of(&self, place: Place) -> Option<&OfFlow> {
        self.flows.get((place as usize).wrapping_sub(1))
    }

    /// The messages of flows: each once with its count, the most severe first.
    pub(super) fn messages(&self, places: impl Iterator<Item = Place>) -> Vec<EventMessage> {
        let mut all: Vec<Count> = Vec::new();
        let mut more = 0u32;
        for count in places.filter_map(|place| self.of(place)).flat_map(|flow| &flow.counts) {
            if let Some(known) = all.iter_mut().find(|known| known.signature == count.signature) {
                known.add(count.count, count.first, count.last);
            } else if all.len() < MOST_RULES {
                all.push(*count);
            } else {
                more = more.saturating_add(count.count);
            }
        }
        let mut messages: Vec<EventMessage> = all.iter().filter_map(|count| self.message(count)).collect();
        messages.sort_by(|a, b| {
            let time = |event: &EventMessage| event.rule.as_ref().map(|rule| (rule.first, rule.gid, rule.sid));
            a.severity.cmp(&b.severity).then_with(|| time(a).cmp(&time(b)))
        });
        if more > 0 {
            messages.push(EventMessage { count: more, ..EventMessage::new(LEAST, "further alerts".to_owned()) });
        }
        messages
    }

    fn message(&self, count: &Count) -> Option<EventMessage> {
        let signature = self.signatures.get(count.signature as usize)?;
        Some(EventMessage {
            severity: signature.severity,
            message: signature.message.to_string(),
            count: count.count,
            rule: Some(Box::new(RuleNote {
                gid: signature.gid,
                sid: signature.sid,
                rev: signature.rev,
                class: signature.class.to_string(),
                action: signature.action,
                first: count.first,
                last: count.last,
            })),
        })
    }
}

impl Count {
    fn add(&mut self, count: u32, first: Timestamp, last: Timestamp) {
        self.count = self.count.saturating_add(count);
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

impl Summary {
    /// Takes in an alert: its flow moves into the open window, unless it is there or the rule is known of it.
    pub fn alerted(&mut self, hit: &Hit<'_>, table: &mut FlowTable) {
        self.roll(hit.time, table);
        let Some(flow) = table.get_mut(hit.index).filter(|flow| flow.id() == hit.flow) else {
            self.alerts.refused += 1;
            return;
        };
        if !flow.kept {
            if flow.end.is_some() {
                self.alerts.refused += 1;
                return;
            }
            // Its row gave way, but it goes on: it comes back.
            flow.kept = true;
            self.enter(hit.index, hit.time);
        }
        if !std::mem::replace(&mut flow.dirty, true) {
            self.changed(hit.index);
        }
        let Some(member) = self.members.get_mut(hit.index as usize) else { return };
        match self.alerts.count(&mut member.alerts, hit) {
            None => self.alerts.refused += 1,
            Some(false) => {}
            Some(true) => self.depart(hit.index, hit.time),
        }
    }

    /// A flow leaves its row, for one of the open window.
    fn depart(&mut self, index: FlowIndex, time: Timestamp) {
        let Some(member) = self.members.get_mut(index as usize) else { return };
        // One without a row waits for one in the open window.
        let Some(row) = member.row.take() else { return };
        let closed = self.rows.get(row as usize).is_none_or(|slot| slot.closed);
        self.left.insert(row);
        if closed {
            if let Some(flow) = self.alerts.flows.get_mut((member.alerts as usize).wrapping_sub(1)) {
                flow.since = time;
            }
            self.window(time).flows.push(index);
        } else {
            self.window(time).loose.push(index);
        }
    }

    /// Takes those that left out of the rows they left.
    pub(super) fn settle_left(&mut self, table: &FlowTable) {
        if self.left.is_empty() {
            return;
        }
        let mut left: Vec<_> = self.left.drain().collect();
        // In an order that is the same on every run.
        left.sort_unstable();
        let mut emptied = false;
        for row in left {
            let Some(slot) = self.rows.get(row as usize).filter(|slot| slot.alive) else { continue };
            let is_its = |index: &FlowIndex| self.members.get(*index as usize).is_some_and(|it| it.row == Some(row));
            let staying: Vec<FlowIndex> = self.members_of(slot).filter(is_its).collect();
            if staying.is_empty() {
                self.remove_row(row, true);
                emptied = true;
                continue;
            }
            if let Some(slot) = self.rows.get_mut(row as usize) {
                slot.clear_members();
            }
            for index in staying {
                self.append(row, index, table);
            }
            self.refresh(row, table);
        }
        if emptied && let Some(window) = &mut self.open {
            let rows = &self.rows;
            window.rows.retain(|row| rows.get(*row as usize).is_some_and(|slot| slot.alive));
        }
    }

    /// Alerts that no row tells of: too many others are told, or their flow's row had given way.
    pub fn alerts_refused(&self) -> u64 {
        self.alerts.refused()
    }
}

/// What stands for a rule in the set of those that matched a flow.
fn mark(hit: &Hit<'_>) -> u64 {
    let mut hasher = FixedState::with_seed(SET_SEED).build_hasher();
    hasher.write_u32(hit.gid);
    hasher.write_u32(hit.sid);
    hasher.finish()
}

/// What the sensor did, as it is told over the link.
#[must_use]
pub fn rule_action(action: Action) -> RuleAction {
    match action {
        Action::Alert | Action::Config => RuleAction::Alert,
        Action::Pass => RuleAction::Pass,
        Action::Drop => RuleAction::Drop,
        Action::Reject | Action::RejectDestination | Action::RejectBoth => RuleAction::Reject,
    }
}

/// Rules whose alerts are told of a flow, and of a row.
const MOST_RULES: usize = 31;

/// Rules whose alerts are told at all: about as many as are ever loaded, since a reload may bring others.
const MOST_SIGNATURES: usize = 262_144;

/// Rules of all flows whose alerts are told, 24 bytes each and some for the flow.
pub(super) const MOST_COUNTS: usize = 2_000_000;

/// The severity of rules that have none, as in EVE.
const USUAL: u8 = 3;

/// The severity of what only tells.
const LEAST: u8 = 4;

const SET_SEED: u64 = 0x616c_6572_7473;
