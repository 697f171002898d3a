//! Which content of a rule is searched for first.

use crate::rules::Rule;
use crate::rules::ast::{Body, Content, FastPattern, Inspect, Value};

/// A pattern that has to be in a buffer for a rule to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fast {
    /// Index into [`Rule::buffers`].
    pub(super) buffer: u16,
    /// In lower case.
    pub(super) lower: Box<[u8]>,
    /// As written, where letters' case counts and there are letters.
    pub(super) exact: Option<Box<[u8]>>,
    /// Where it can start at the earliest and end at the latest, counted from the buffer's start.
    pub(super) start: u32,
    pub(super) end: u32,
}

/// The pattern to search first among the buffers that `rank` gives a rank, the highest first; `None` if there is none
/// in which a content has to be.
pub(super) fn choose(rule: &Rule, rank: impl Fn(u16) -> Option<u8>) -> Option<Fast> {
    let contents = rule.options.iter().filter_map(|option| match_content(&option.body));
    let alternative = |buffer: u16| {
        rule.options
            .iter()
            .any(|option| matches!(&option.body, Body::Inspect(of, Inspect::Absent { or_else: true }) if *of == buffer))
    };
    let mut best: Option<((bool, u8, u32), u16, &Content)> = None;
    for (buffer, content) in contents {
        // What need not be there cannot be searched for first.
        if content.negated || alternative(buffer) {
            continue;
        }
        let Some(rank) = rank(buffer) else { continue };
        let score = (content.fast_pattern != FastPattern::No, rank, strength(part(content)));
        if best.as_ref().is_none_or(|(known, ..)| score > *known) {
            best = Some((score, buffer, content));
        }
    }
    let (_, buffer, content) = best?;
    let bytes = part(content);
    let lower = bytes.to_ascii_lowercase();
    let exact = (!content.nocase && bytes.iter().any(u8::is_ascii_alphabetic)).then(|| bytes.into());
    let (mut start, mut end) = (0, u32::MAX);
    if !content.is_relative() {
        let skipped = match content.fast_pattern {
            FastPattern::Chop { offset, .. } => u32::from(offset),
            FastPattern::No | FastPattern::Whole | FastPattern::Only => 0,
        };
        let len = u32::try_from(content.bytes.len()).unwrap_or(u32::MAX);
        let rest = len.saturating_sub(skipped).saturating_sub(u32::try_from(bytes.len()).unwrap_or(0));
        let offset = number(content.offset).unwrap_or(0);
        if content.startswith {
            end = len.saturating_sub(rest);
        } else if let Some(depth) = number(content.depth)
            && !matches!(content.offset, Some(Value::Variable(_)))
        {
            end = offset.saturating_add(depth).saturating_sub(rest);
        }
        start = offset.saturating_add(skipped);
    }
    Some(Fast { buffer, lower: lower.into(), exact, start, end })
}

fn match_content(body: &Body) -> Option<(u16, &Content)> {
    if let Body::Inspect(buffer, Inspect::Content(content)) = body { Some((*buffer, content)) } else { None }
}

fn number(value: Option<Value>) -> Option<u32> {
    if let Some(Value::Number(number)) = value { u32::try_from(number).ok() } else { None }
}

/// The bytes that are searched for.
fn part(content: &Content) -> &[u8] {
    match content.fast_pattern {
        FastPattern::Chop { offset, len } => {
            let (offset, len) = (usize::from(offset), usize::from(len));
            content.bytes.get(offset..offset + len).unwrap_or(&content.bytes)
        }
        FastPattern::No | FastPattern::Whole | FastPattern::Only => &content.bytes,
    }
}

/// How seldom a pattern is met by chance: each byte counts the more the seldomer it is in traffic, one that is a
/// repetition hardly.
fn strength(bytes: &[u8]) -> u32 {
    let mut seen = [false; 256];
    bytes.iter().fold(0, |sum, byte| {
        let again = seen.get_mut(usize::from(*byte)).is_some_and(|seen| std::mem::replace(seen, true));
        sum + match byte {
            _ if again => 1,
            0 | 0x20 | 0xff => 2,
            byte if byte.is_ascii_alphabetic() => 3,
            byte if byte.is_ascii_graphic() => 4,
            _ => 6,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Ruleset, Variables};

    fn fast(options: &str) -> Option<Fast> {
        let mut set = Ruleset::new(Variables::default());
        set.read("t", format!("alert tcp any any -> any any ({options} sid:1;)").as_bytes());
        assert_eq!(set.refusals(), []);
        choose(&set.rules()[0], |_| Some(0))
    }

    #[test]
    fn the_seldomest_is_chosen_unless_the_author_said() {
        assert_eq!(*fast("content:\"aaaaaaaa\"; content:\"wxyz\";").unwrap().lower, *b"wxyz");
        assert_eq!(*fast("content:\"wxyz\"; content:\"ab\"; fast_pattern;").unwrap().lower, *b"ab");
        assert_eq!(fast("content:!\"wxyz\";"), None);
    }

    #[test]
    fn the_place_is_known_where_it_is_fixed() {
        let placed = |options| fast(options).map(|fast| (fast.start, fast.end)).unwrap();
        assert_eq!(placed("content:\"GET\"; offset:2; depth:5;"), (2, 7));
        assert_eq!(placed("content:\"GET\"; startswith;"), (0, 3));
        assert_eq!(placed("content:\"abcdef\"; offset:1; depth:6; fast_pattern:2,3;"), (3, 6));
        assert_eq!(placed("content:\"x\"; content:\"abcdef\"; distance:1; fast_pattern;"), (0, u32::MAX));
        assert_eq!(fast("content:\"GeT\";").unwrap().exact.as_deref(), Some(&b"GeT"[..]));
        assert_eq!(fast("content:\"GeT\"; nocase;").unwrap().exact, None);
    }
}
