//! Rules that have to run beside the one that is asked about: what they leave behind is what it asks for.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::asked::Places;
use crate::rules::ast::{
    BitCommand, Body, DatasetCommand, FlowintOperand, FlowintOperation, Inspect, Rule, RuleOption, Scope,
};
use crate::rules::{Action, Ruleset};

/// A rule that has to run too, by its place in the set, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed {
    pub(super) place: u32,
    pub(super) why: String,
}

/// Enabled rules that change what the rule at a place reads, those that change what these read, and so on; and those
/// that let pass. In the order of the set.
pub(super) fn beside(set: &Ruleset, asked: u32) -> Vec<Needed> {
    let rules = || (0_u32..).zip(set.rules()).filter(|(place, rule)| rule.enabled && *place != asked);
    let mut writers: HashMap<Shared<'_>, Vec<u32>, RandomState> = HashMap::default();
    for (place, rule) in rules() {
        for shared in writes(rule) {
            writers.entry(shared).or_default().push(place);
        }
    }
    let rule = |place: u32| set.rules().get(place as usize);
    let mut known = Places::default();
    let (mut open, mut needed) = (vec![asked], Vec::new());
    while let Some(place) = open.pop() {
        for shared in rule(place).into_iter().flat_map(reads) {
            for writer in writers.get(&shared).into_iter().flatten() {
                if *writer != asked && known.insert(*writer) {
                    needed.push(Needed { place: *writer, why: format!("changes {} {}", shared.0, shared.1) });
                    open.push(*writer);
                }
            }
        }
    }
    for (place, _) in rules().filter(|(_, rule)| rule.header.action == Action::Pass) {
        if known.insert(place) {
            needed.push(Needed { place, why: "lets pass".into() });
        }
    }
    needed.sort_by_key(|it| it.place);
    needed
}

/// What rules leave to each other: the keyword, and the name.
type Shared<'a> = (&'static str, &'a str);

fn reads(rule: &Rule) -> impl Iterator<Item = Shared<'_>> {
    rule.options.iter().flat_map(uses).filter(|(reads, _)| *reads).map(|(_, shared)| shared)
}

fn writes(rule: &Rule) -> impl Iterator<Item = Shared<'_>> {
    rule.options.iter().flat_map(uses).filter(|(reads, _)| !*reads).map(|(_, shared)| shared)
}

/// What an option reads (`true`) and writes of what rules share.
#[allow(clippy::wildcard_enum_match_arm, reason = "all others share nothing")]
fn uses(option: &RuleOption) -> Vec<(bool, Shared<'_>)> {
    match &option.body {
        Body::Flowbits(bits) => bits.names.iter().map(|name| (is_read(bits.command), ("flowbits", &**name))).collect(),
        Body::Hostbits(bits, _) => {
            bits.names.iter().map(|name| (is_read(bits.command), ("hostbits", &**name))).collect()
        }
        Body::Xbits(bits) => vec![(is_read(bits.command), ("xbits", &*bits.name))],
        Body::Flowint(int) => {
            let own = ("flowint", &*int.name);
            let mut uses = match int.operation {
                FlowintOperation::Assign => vec![(false, own)],
                // What comes of it is up to what was there.
                FlowintOperation::Add | FlowintOperation::Subtract => vec![(false, own), (true, own)],
                _ => vec![(true, own)],
            };
            if let FlowintOperand::Name(name) = &int.operand {
                uses.push((true, ("flowint", &**name)));
            }
            uses
        }
        Body::Inspect(_, Inspect::Dataset(set)) => match set.command {
            // What is in a set already is not put in again, and does not match.
            DatasetCommand::Set | DatasetCommand::Unset => {
                vec![(false, ("dataset", &*set.name)), (true, ("dataset", &*set.name))]
            }
            DatasetCommand::IsSet | DatasetCommand::IsNotSet => vec![(true, ("dataset", &*set.name))],
        },
        Body::Captured { scope: Scope::Flow, name, .. } => vec![(true, ("flowvar", &**name))],
        Body::Inspect(_, Inspect::Pcre(pcre)) => {
            let of_flow = pcre.captures.iter().filter(|capture| capture.scope == Scope::Flow);
            of_flow.map(|capture| (false, ("flowvar", &*capture.name))).collect()
        }
        Body::Inspect(_, Inspect::Datarep(set, _)) => vec![(true, ("dataset", &*set.name))],
        _ => Vec::new(),
    }
}

fn is_read(command: BitCommand) -> bool {
    matches!(command, BitCommand::IsSet | BitCommand::IsNotSet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Variables;

    #[test]
    fn setters_are_followed_to_their_own_setters_and_nothing_else_runs() {
        let mut set = Ruleset::new(Variables::default());
        let rule = |action: &str, options: &str, sid| format!("{action} tcp any any -> any any ({options} sid:{sid};)");
        let text = [
            rule("alert", "flowbits:isset,b;", 1),
            rule("alert", "content:\"x\"; flowbits:isset,a; flowbits:set,b; noalert;", 2),
            rule("alert", "content:\"y\"; flowbits:set,a;", 3),
            rule("alert", "content:\"z\"; flowbits:set,c;", 4),
            rule("alert", "content:\"z\"; xbits:set,b,track ip_src;", 5),
            rule("# alert", "content:\"z\"; flowbits:set,b;", 6),
            rule("pass", "content:\"z\";", 7),
            rule("alert", "flowint:n,+,1;", 8),
            rule("alert", "flowint:n,>,3;", 9),
            rule("alert", "content:\"z\"; flowbits:unset,b;", 10),
        ];
        set.read("t", text.join("\n").as_bytes());
        assert_eq!(set.refusals(), []);
        let of = |sid: u32| {
            let place = set.rules().iter().position(|rule| rule.sid == sid).unwrap();
            let needed = beside(&set, u32::try_from(place).unwrap());
            needed.iter().map(|it| set.rules()[it.place as usize].sid).collect::<Vec<_>>()
        };
        assert_eq!(of(1), [2, 3, 7, 10]);
        assert_eq!(of(3), [7]);
        assert_eq!(of(9), [7, 8]);
    }
}
