//! What matches come to where several engines look at the flows of one capture.
//!
//! Such engines know nothing of each other. What depends on the flows of others (how often a rule matched, bits of
//! hosts) they leave out: a match is a [`Claim`] to them, and one [`Judge`] takes the claims of all, in the order of the
//! packets. So what is told does not depend on how many there are.

use std::sync::Arc;

use super::compile::Rules;
use super::compiled::{Compiled, Condition, Effect};
use super::detector::{HOSTBIT_SECONDS, Settings, hosts};
use super::reload::Renumbered;
use super::shared::{Ends, Judged, Shared};
use crate::rules::ast::{Body, DatasetCommand, Inspect, Rule, Track};
use crate::rules::{Action, ast};

/// A match that is yet to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    pub(super) rule: u32,
    pub(super) ends: Ends,
    pub(super) time: i64,
    /// The first of its packet.
    pub(super) first: bool,
}

/// Judges what engines that share a capture found.
#[derive(Debug)]
pub struct Judge {
    rules: Arc<Rules>,
    shared: Shared,
    settings: Settings,
    /// Alerts of the packet at hand.
    told: usize,
    refused: u64,
}

impl Judge {
    /// Of rules.
    #[must_use]
    pub fn new(rules: Arc<Rules>, settings: Settings) -> Judge {
        Judge { rules, shared: Shared::new(settings.shared), settings, told: 0, refused: 0 }
    }

    /// Judges claims of other rules from here on.
    pub fn replace(&mut self, rules: Arc<Rules>) {
        self.shared.renumber(&Renumbered::of(&self.rules, &rules));
        self.rules = rules;
    }

    /// Whether a match is told. Claims are taken in the order of their packets.
    pub fn judge(&mut self, claim: &Claim) -> bool {
        let Claim { rule: number, ends, time, first } = *claim;
        if first {
            self.told = 0;
        }
        let Judge { rules, shared, settings, told, refused } = self;
        let Some(rule) = rules.get(number) else { return false };
        if !rule.conditions.iter().all(|condition| shared.allows(condition, &ends, time)) {
            return false;
        }
        rule.effects.iter().for_each(|effect| shared.leave(effect, &ends, time));
        let is_told = matches!(shared.judge(number, rule, &ends, time), Judged::Told | Judged::As(_)) && !rule.quiet;
        if is_told && *told >= settings.alerts {
            *refused += 1;
            return false;
        }
        *told += usize::from(is_told);
        is_told
    }

    /// Alerts past the most of a packet.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Shared {
    /// Whether a condition holds, as far as it asks for what is shared between flows.
    fn allows(&self, condition: &Condition, ends: &Ends, now: i64) -> bool {
        match condition {
            Condition::HostBits(names, of, set) => {
                let holds =
                    |name| hosts(*of, ends).into_iter().flatten().all(|key| self.has_bit(name, key, now) == *set);
                names.iter().any(|name| holds(*name))
            }
            Condition::PairBit(name, track, set) if !is_of_pair(*track) => {
                self.has_bit(*name, ends.key(*track), now) == *set
            }
            Condition::PairBit(..)
            | Condition::Bits(..)
            | Condition::Int(..)
            | Condition::Value(..)
            | Condition::Reputation { .. }
            | Condition::App { .. } => true,
        }
    }

    /// Leaves behind what is shared between flows.
    fn leave(&mut self, effect: &Effect, ends: &Ends, now: i64) {
        match effect {
            Effect::HostBit(name, of, command) => {
                for key in hosts(*of, ends).into_iter().flatten() {
                    self.change_bit(*name, key, *command, HOSTBIT_SECONDS, now);
                }
            }
            Effect::PairBit(name, track, command, expire) if !is_of_pair(*track) => {
                self.change_bit(*name, ends.key(*track), *command, *expire, now);
            }
            Effect::PairBit(..) | Effect::Bit(..) | Effect::Int(..) => {}
        }
    }
}

/// All flows of a pair of hosts are looked at by one engine: what is kept of a pair is nothing shared.
pub(super) fn is_of_pair(track: Track) -> bool {
    track == Track::Both
}

impl Condition {
    /// Whether it asks for what flows of other engines left behind.
    fn is_shared(&self) -> bool {
        match self {
            Condition::HostBits(..) => true,
            Condition::PairBit(_, track, _) => !is_of_pair(*track),
            Condition::Bits(..)
            | Condition::Int(..)
            | Condition::Value(..)
            | Condition::Reputation { .. }
            | Condition::App { .. } => false,
        }
    }
}

impl Effect {
    /// Whether flows of other engines may ask for it.
    fn is_shared(&self) -> bool {
        match self {
            Effect::HostBit(..) => true,
            Effect::PairBit(_, track, ..) => !is_of_pair(*track),
            Effect::Bit(..) | Effect::Int(..) => false,
        }
    }
}

impl Compiled {
    /// Whether a judge has anything to do with its matches.
    pub(super) fn is_claimed(&self) -> bool {
        !self.quiet || self.effects.iter().any(Effect::is_shared)
    }
}

/// Why what a rule does to its own flow can't wait for a judge: then one engine has to look at all flows.
pub(super) fn obstacle(rule: &Compiled, source: &Rule) -> Option<&'static str> {
    let writes = |option: &ast::RuleOption| {
        matches!(&option.body, Body::Inspect(_, Inspect::Dataset(set))
            if matches!(set.command, DatasetCommand::Set | DatasetCommand::Unset))
    };
    let waits = rule.conditions.iter().any(Condition::is_shared);
    let limited = waits || rule.threshold.is_some() || rule.filter.is_some();
    if source.options.iter().any(writes) {
        Some("it changes a data set")
    } else if (limited && (rule.action == Action::Pass || rule.bypass))
        || rule.rate.is_some_and(|(_, action, _)| action == Action::Pass)
    {
        Some("what it lets pass depends on other flows")
    } else if waits && (rule.captures || !rule.effects.iter().all(Effect::is_shared)) {
        Some("what it keeps of a flow depends on other flows")
    } else {
        None
    }
}
