//! What rules keep of what they saw: parts of messages that groups of expressions took, and how alerts tell of all that
//! is kept of a flow.

use super::compile::Rules;
use super::compiled::Compiled;
use super::state::{FlowState, Variables};
use super::verify::Captured;
use crate::rules::ast::{Capture, Scope};

/// What a group took: whose variable it is (a number of [`Rules`]) and its value.
pub(super) type Value = (u32, Box<[u8]>);

/// Bits, numbers and values that rules have kept of a flow and of the packet at hand.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    rules: &'a Rules,
    variables: Option<&'a Variables>,
    rule: u32,
}

impl<'a> Kept<'a> {
    /// As the rule at `rule` tells it.
    pub(crate) fn new(rules: &'a Rules, state: Option<&'a FlowState>, rule: u32) -> Kept<'a> {
        Kept { rules, variables: state.and_then(|state| state.variables.as_deref()), rule }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variables.is_none_or(|it| it.bits.is_empty() && it.ints.is_empty() && it.values.is_empty())
    }

    /// Names of the flow's bits that are set, in the order in which they were.
    pub fn bits(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let names = &self.rules.names.variables;
        let bits = self.variables.map_or(&[][..], |it| &it.bits);
        bits.iter().filter_map(|bit| names.get(*bit as usize)).map(|name| &**name)
    }

    /// Names of the flow's numbers, and their values.
    pub fn ints(&self) -> impl Iterator<Item = (&'a str, u32)> + use<'a> {
        let names = &self.rules.names.variables;
        let ints = self.variables.map_or(&[][..], |it| &it.ints);
        ints.iter().filter_map(|(name, value)| Some((&**names.get(*name as usize)?, *value)))
    }

    /// What groups took, by whose it is: of alerts that of this one only.
    pub fn values(&self, scope: Scope) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let (captures, rule) = (&self.rules.captures, self.rule);
        let values = self.variables.map_or(&[][..], |it| &it.values);
        values.iter().filter_map(move |(of, (variable, value))| {
            let capture = captures.get(*variable as usize)?;
            (capture.scope == scope && (scope != Scope::Alert || *of == rule)).then_some((&*capture.name, &**value))
        })
    }
}

impl Rules {
    fn scope(&self, variable: u32) -> Option<Scope> {
        self.captures.get(variable as usize).map(|capture| capture.scope)
    }
}

impl FlowState {
    /// Keeps what a rule's groups took. How many found no room.
    pub(super) fn keep(&mut self, rules: &Rules, number: u32, rule: &Compiled, captured: &Captured) -> u64 {
        if !rule.captures || captured.is_empty() {
            return 0;
        }
        let values = &mut self.variables.get_or_insert_default().values;
        let mut refused = 0;
        for (variable, value) in captured.iter() {
            let of_alerts = rules.scope(variable) == Some(Scope::Alert);
            let is_it = |of: &u32, known: &u32| *known == variable && (!of_alerts || *of == number);
            let value = value.get(..MOST_VALUE).unwrap_or(value);
            if let Some((_, (_, slot))) = values.iter_mut().find(|(of, (known, _))| is_it(of, known)) {
                *slot = value.into();
            } else if values.len() < MOST_VALUES {
                values.push((number, (variable, value.into())));
            } else {
                refused += 1;
            }
        }
        refused
    }

    /// Whether the flow, or the packet, has a value of that name with `part` in it.
    pub(super) fn has_value(&self, variable: u32, part: &[u8]) -> bool {
        let values = self.variables.as_ref().map_or(&[][..], |it| &it.values);
        values.iter().any(|(_, (known, value))| *known == variable && memchr::memmem::find(value, part).is_some())
    }

    /// What is of a packet, or of an alert, ends with it.
    pub(crate) fn forget(&mut self, rules: &Rules) {
        if let Some(variables) = &mut self.variables {
            variables.values.retain(|(_, (variable, _))| rules.scope(*variable) == Some(Scope::Flow));
        }
    }
}

/// The number of a variable among `captures`, which it is put into if it is new.
pub(super) fn number(captures: &mut Vec<Capture>, scope: Scope, name: &str) -> Result<u32, String> {
    let known = captures.iter().position(|known| known.scope == scope && *known.name == *name);
    let place = known.unwrap_or(captures.len());
    if known.is_none() {
        if place >= MOST_CAPTURES {
            return Err(format!("rules keep more than {MOST_CAPTURES} variables"));
        }
        captures.push(Capture { scope, name: name.into() });
    }
    u32::try_from(place).map_err(|_| "too many variables".into())
}

/// Variables that all rules keep what groups took in; they are looked for one by one while rules are compiled.
const MOST_CAPTURES: usize = 4096;
/// Values of one flow.
const MOST_VALUES: usize = 64;
/// Bytes of one value; what is longer is cut.
const MOST_VALUE: usize = 1024;
