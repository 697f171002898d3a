//! What a finite automaton can do, in the spelling of the `regex` crate.

use std::fmt::Write;

use super::syntax::{Greed, Node, Place, Tree};

/// Whether an automaton finds the same; `exact`: the match's end and its groups matter.
pub(super) fn is_regular(tree: &Tree, exact: bool) -> bool {
    !tree.anchored && regular(&tree.root, Behind { consumes: false, last: true }, exact)
}

/// What comes behind a part.
#[derive(Clone, Copy)]
struct Behind {
    /// At least one byte.
    consumes: bool,
    /// Nothing.
    last: bool,
}

fn regular(node: &Node, behind: Behind, exact: bool) -> bool {
    match node {
        Node::Class(_) => true,
        Node::Concat(all) => {
            let mut behind = behind;
            for node in all.iter().rev() {
                if !regular(node, behind, exact) {
                    return false;
                }
                behind = Behind { consumes: behind.consumes || least(node) > 0, last: false };
            }
            true
        }
        Node::Alternatives(all) => all.iter().all(|node| regular(node, behind, exact)),
        Node::Repeat(node, _, most, greed) => {
            let last = behind.last && *most == Some(1);
            // A repetition of what can be empty ends differently in both.
            let empty = *most != Some(1) && least(node) == 0;
            *greed != Greed::Possessive && !empty && regular(node, Behind { last, ..behind }, exact)
        }
        Node::Group(_, node) => regular(node, Behind { last: behind.last && !exact, ..behind }, exact),
        Node::At(place) => match place {
            Place::Start | Place::End | Place::LineEnd | Place::WordEdge | Place::NoWordEdge => true,
            // PCRE begins no line behind the last newline: the same where something has to follow.
            Place::LineStart => behind.consumes,
            // Written as a newline that may be there, which is then part of the match: only at the end.
            Place::EndOrNewline => behind.last && !exact,
            Place::SearchStart => false,
        },
        Node::Atomic(_) | Node::Ahead(..) | Node::Behind(..) | Node::Same(..) => false,
    }
}

/// The fewest bytes it matches.
fn least(node: &Node) -> u64 {
    match node {
        Node::Class(_) => 1,
        Node::Concat(all) => all.iter().fold(0, |sum, node| least(node).saturating_add(sum)),
        Node::Alternatives(all) => all.iter().map(least).min().unwrap_or(0),
        Node::Repeat(node, count, _, _) => least(node).saturating_mul(u64::from(*count)),
        Node::Group(_, node) | Node::Atomic(node) => least(node),
        Node::Ahead(..) | Node::Behind(..) | Node::Same(..) | Node::At(_) => 0,
    }
}

/// How many states an automaton has, about: repetitions stand as often as they may come.
pub(super) fn states(node: &Node) -> usize {
    match node {
        Node::Class(_) | Node::Same(..) | Node::At(_) => 1,
        Node::Concat(all) | Node::Alternatives(all) => {
            all.iter().fold(0, |sum: usize, node| sum.saturating_add(states(node)))
        }
        Node::Repeat(node, least, most, _) => {
            let times = most.unwrap_or(least.saturating_add(1)).max(1);
            states(node).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        Node::Group(_, node) | Node::Atomic(node) | Node::Ahead(node, _) | Node::Behind(node, _) => states(node),
    }
}

/// The expression for the `regex` crate without Unicode.
pub(super) fn regex(tree: &Tree) -> String {
    let mut out = String::new();
    write(&tree.root, &mut out);
    out
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Class(set) => {
            let ranges = set.ranges();
            match ranges.as_slice() {
                // Nothing is in it.
                [] => out.push_str("[^\\x00-\\xff]"),
                [(low, high)] if low == high => {
                    let _ = write!(out, "\\x{low:02x}");
                }
                _ => {
                    out.push('[');
                    for (low, high) in ranges {
                        let _ = write!(out, "\\x{low:02x}-\\x{high:02x}");
                    }
                    out.push(']');
                }
            }
        }
        Node::Concat(all) => all.iter().for_each(|node| write(node, out)),
        Node::Alternatives(all) => {
            out.push_str("(?:");
            for (number, node) in all.iter().enumerate() {
                if number > 0 {
                    out.push('|');
                }
                write(node, out);
            }
            out.push(')');
        }
        Node::Repeat(node, least, most, greed) => {
            out.push_str("(?:");
            write(node, out);
            out.push(')');
            let _ = match most {
                None => write!(out, "{{{least},}}"),
                Some(most) => write!(out, "{{{least},{most}}}"),
            };
            if *greed == Greed::Lazy {
                out.push('?');
            }
        }
        Node::Group(_, node) => {
            out.push('(');
            write(node, out);
            out.push(')');
        }
        Node::At(place) => out.push_str(match place {
            Place::Start | Place::SearchStart => "\\A",
            Place::LineStart => "(?m:^)",
            Place::EndOrNewline => "\\n??\\z",
            Place::End => "\\z",
            Place::LineEnd => "(?m:$)",
            Place::WordEdge => "\\b",
            Place::NoWordEdge => "\\B",
        }),
        // Not regular: never written.
        Node::Atomic(_) | Node::Ahead(..) | Node::Behind(..) | Node::Same(..) => {}
    }
}
