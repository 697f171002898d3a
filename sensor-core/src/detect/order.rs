//! The order in which rules are looked at.

use std::cmp::Reverse;

use crate::rules::ast::{BitCommand, Body, FlowintOperation, Inspect, Scope};
use crate::rules::{Action, Rule};

/// The order in which rules are looked at, as Suricata's: by action, then those that set what others ask for, then by
/// priority.
#[allow(clippy::wildcard_enum_match_arm, reason = "what is named is the exception")]
pub(super) fn rank(rule: &Rule, priority: u32) -> (u8, [Reverse<u8>; 6], u32) {
    let action = match rule.header.action {
        Action::Pass => 0,
        Action::Drop => 1,
        Action::Reject | Action::RejectDestination | Action::RejectBoth => 2,
        Action::Alert => 3,
        Action::Config => 4,
    };
    let class = |sets: bool, reads: bool| {
        Reverse(match (sets, reads) {
            (true, false) => 3,
            (true, true) => 2,
            (false, true) => 1,
            (false, false) => 0,
        })
    };
    let commands = |pick: fn(&Body) -> Option<BitCommand>| {
        let of = |wanted: &[BitCommand]| {
            rule.options.iter().filter_map(|it| pick(&it.body)).any(|command| wanted.contains(&command))
        };
        class(
            of(&[BitCommand::Set, BitCommand::Unset, BitCommand::Toggle]),
            of(&[BitCommand::IsSet, BitCommand::IsNotSet]),
        )
    };
    let ints = |changing: bool| {
        rule.options.iter().any(|it| {
            if let Body::Flowint(int) = &it.body {
                let changes = [FlowintOperation::Assign, FlowintOperation::Add, FlowintOperation::Subtract];
                changes.contains(&int.operation) == changing
            } else {
                false
            }
        })
    };
    let captures = |scope: Scope| {
        let sets = rule.options.iter().any(|it| match &it.body {
            Body::Inspect(_, Inspect::Pcre(pcre)) => pcre.captures.iter().any(|capture| capture.scope == scope),
            _ => false,
        });
        let reads = rule.options.iter().any(|it| matches!(&it.body, Body::Captured { scope: of, .. } if *of == scope));
        class(sets, reads)
    };
    let order = [
        commands(|body| if let Body::Flowbits(bits) = body { Some(bits.command) } else { None }),
        class(ints(true), ints(false)),
        captures(Scope::Flow),
        captures(Scope::Packet),
        commands(|body| if let Body::Hostbits(bits, _) = body { Some(bits.command) } else { None }),
        commands(|body| if let Body::Xbits(bits) = body { Some(bits.command) } else { None }),
    ];
    (action, order, priority)
}
