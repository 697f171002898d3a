//! Other rules take the place of those that run: what is kept of flows and between them goes on where both know it.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::compile::Rules;
use super::detector::{Detector, Found};
use super::state::FlowState;
use crate::rules::ast::Capture;

/// What the numbers of old rules are in the new ones; what is not in there is gone.
#[derive(Debug, Default)]
pub struct Renumbered {
    rules: HashMap<u32, u32, RandomState>,
    names: HashMap<u32, u32, RandomState>,
    captures: HashMap<u32, u32, RandomState>,
    datasets: HashMap<u32, u32, RandomState>,
}

/// Names that rules give to bits and numbers of flows and hosts, and to data sets, by their number.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) variables: Box<[Box<str>]>,
    pub(super) datasets: Box<[Box<str>]>,
}

impl Names {
    /// In the order of their numbers.
    pub(super) fn ordered<T: AsRef<str>>(numbers: HashMap<T, u32, RandomState>) -> Box<[Box<str>]> {
        let mut names: Vec<(u32, Box<str>)> =
            numbers.into_iter().map(|(name, number)| (number, name.as_ref().into())).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }
}

impl Renumbered {
    pub(super) fn of(old: &Rules, new: &Rules) -> Renumbered {
        let places: HashMap<(u32, u32), u32, RandomState> =
            (0..).zip(&new.all).map(|(place, rule)| ((rule.gid, rule.sid), place)).collect();
        let rules = (0..).zip(&old.all).filter_map(|(place, rule)| Some((place, *places.get(&(rule.gid, rule.sid))?)));
        Renumbered {
            rules: rules.collect(),
            names: by_name(&old.names.variables, &new.names.variables),
            captures: captures(&old.captures, &new.captures),
            datasets: by_name(&old.names.datasets, &new.names.datasets),
        }
    }

    pub(super) fn rule(&self, number: u32) -> Option<u32> {
        self.rules.get(&number).copied()
    }

    pub(super) fn name(&self, number: u32) -> Option<u32> {
        self.names.get(&number).copied()
    }

    pub(super) fn dataset(&self, number: u32) -> Option<u32> {
        self.datasets.get(&number).copied()
    }
}

fn captures(old: &[Capture], new: &[Capture]) -> HashMap<u32, u32, RandomState> {
    let place = |capture: &Capture| new.iter().position(|other| other == capture);
    (0..).zip(old).filter_map(|(number, capture)| Some((number, u32::try_from(place(capture)?).ok()?))).collect()
}

fn by_name(old: &[Box<str>], new: &[Box<str>]) -> HashMap<u32, u32, RandomState> {
    let places: HashMap<&str, u32, RandomState> = new.iter().map(|name| &**name).zip(0..).collect();
    (0..).zip(old).filter_map(|(place, name)| Some((place, *places.get(&**name)?))).collect()
}

impl Detector {
    /// Runs other rules from here on. The states of flows have to be told of it: [`FlowState::renumber`]. Not to be
    /// called between a packet and its conclusion.
    #[must_use]
    pub fn replace(&mut self, rules: Arc<Rules>) -> Renumbered {
        let renumbered = Renumbered::of(&self.rules, &rules);
        self.work.found = Found::new(rules.all.len());
        self.work.shared.renumber(&renumbered);
        self.work.sets.replace(&rules.lists, &renumbered);
        self.rules = rules;
        renumbered
    }
}

impl FlowState {
    /// What is kept of a flow goes on under the numbers of other rules.
    pub fn renumber(&mut self, to: &Renumbered) {
        if let Some(variables) = &mut self.variables {
            variables.bits.retain_mut(|bit| to.name(*bit).map(|new| *bit = new).is_some());
            variables.ints.retain_mut(|(name, _)| to.name(*name).map(|new| *name = new).is_some());
            variables.values.retain_mut(|(rule, (variable, _))| {
                let new = to.rule(*rule).zip(to.captures.get(variable).copied());
                new.map(|new| (*rule, *variable) = new).is_some()
            });
            variables.found.retain_mut(|rule| to.rule(*rule).map(|new| *rule = new).is_some());
        }
        for window in self.windows.iter_mut().flatten() {
            window.told.retain_mut(|(rule, _)| to.rule(*rule).map(|new| *rule = new).is_some());
        }
        self.progress.iter_mut().for_each(|progress| progress.renumber(to));
    }
}
