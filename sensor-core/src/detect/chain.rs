//! The tests of one buffer of a rule: contents in order, each searched on where a later one fails.

use crate::rules::Comparison;
use crate::rules::Rule;
use crate::rules::ast::{Body, Content, Inspect, IsDataAt, Value};

/// What a rule asks of one buffer.
#[derive(Debug)]
pub(super) struct Chain(Box<[Test]>);

/// Why a rule's option cannot be run.
#[derive(Debug)]
pub(super) struct Fault {
    /// Place in [`Rule::options`].
    pub(super) option: usize,
    pub(super) reason: &'static str,
}

#[derive(Debug)]
enum Test {
    Content(Content, Box<[u8]>),
    IsDataAt(IsDataAt),
    Size(Comparison),
}

impl Chain {
    /// All that a rule asks of a buffer.
    pub(super) fn compile(rule: &Rule, buffer: u16) -> Result<Chain, Fault> {
        let mut tests = Vec::new();
        for (option, it) in rule.options.iter().enumerate() {
            let Body::Inspect(of, test) = &it.body else { continue };
            if *of != buffer {
                continue;
            }
            tests.push(match test {
                Inspect::Content(content) => {
                    let sought =
                        if content.nocase { content.bytes.to_ascii_lowercase().into() } else { content.bytes.clone() };
                    Test::Content(content.clone(), sought)
                }
                Inspect::IsDataAt(at) => Test::IsDataAt(at.clone()),
                Inspect::Size(size) => Test::Size(*size),
                Inspect::Pcre(_)
                | Inspect::ByteTest(_)
                | Inspect::ByteJump(_)
                | Inspect::ByteExtract(_)
                | Inspect::ByteMath(_)
                | Inspect::Absent { .. }
                | Inspect::Base64Decode { .. }
                | Inspect::Dataset(_)
                | Inspect::Datarep(..)
                | Inspect::Entropy { .. } => {
                    return Err(Fault { option, reason: "this test of a buffer cannot be run yet" });
                }
            });
        }
        Ok(Chain(tests.into()))
    }

    /// Whether all holds of data that begins `at` bytes behind the buffer's start.
    pub(super) fn matches(&self, data: &[u8], at: u64) -> bool {
        let mut budget = MAX_STEPS;
        self.from(0, data, at, 0, &mut budget)
    }

    /// Whether the tests from `index` on hold, the last match having ended at `end`.
    fn from(&self, index: usize, data: &[u8], at: u64, end: usize, budget: &mut u32) -> bool {
        let Some(left) = budget.checked_sub(1) else { return false };
        *budget = left;
        let Some(test) = self.0.get(index) else { return true };
        match test {
            Test::Size(size) => size.holds(data.len() as u64) && self.from(index + 1, data, at, end, budget),
            Test::IsDataAt(test) => {
                let from = if test.relative { end } else { 0 };
                let there = (data.len() as i64) > from as i64 + number(Some(test.bytes));
                there != test.negated && self.from(index + 1, data, at, end, budget)
            }
            Test::Content(content, sought) => {
                let (mut from, to) = bounds(content, data.len(), at, end);
                if content.negated {
                    return find(content, sought, data, from, to).is_none()
                        && self.from(index + 1, data, at, end, budget);
                }
                while let Some(start) = find(content, sought, data, from, to) {
                    if self.from(index + 1, data, at, start + sought.len(), budget) {
                        return true;
                    }
                    if *budget == 0 {
                        return false;
                    }
                    from = start + 1;
                }
                false
            }
        }
    }
}

/// Between which places of the data a content has to lie.
fn bounds(content: &Content, len: usize, at: u64, end: usize) -> (usize, usize) {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    let len = len as i64;
    let (from, to) = if content.is_relative() {
        let from = end as i64 + number(content.distance);
        (from, content.within.map_or(len, |within| from + number(Some(within))))
    } else {
        let from = number(content.offset) - at;
        let depth = if content.startswith {
            Some(content.bytes.len() as i64)
        } else {
            content.depth.map(|it| number(Some(it)))
        };
        (from, depth.map_or(len, |depth| from + depth))
    };
    (usize::try_from(from).unwrap_or(0), usize::try_from(to.min(len)).unwrap_or(0))
}

fn find(content: &Content, sought: &[u8], data: &[u8], from: usize, to: usize) -> Option<usize> {
    let from = if content.endswith { from.max(data.len().checked_sub(sought.len())?) } else { from };
    let window = data.get(from..to)?;
    let place = if content.nocase {
        window.windows(sought.len()).position(|part| part.eq_ignore_ascii_case(sought))
    } else {
        window.windows(sought.len()).position(|part| part == sought)
    };
    place.map(|place| from + place)
}

fn number(value: Option<Value>) -> i64 {
    if let Some(Value::Number(number)) = value { number } else { 0 }
}

/// Suricata's `inspection-recursion-limit`.
const MAX_STEPS: u32 = 3000;
