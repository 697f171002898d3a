//! What a rule says of one buffer, as a program: contents, expressions, numbers read from bytes, sizes.
//!
//! Tests run in the rule's order, each from where the one before left off. When a test that counts from the last match
//! fails, what that match found is searched on from its next occurrence, as Suricata does, for at most
//! [`MAX_STEPS`] tests.

mod asn1;
mod base64;
mod compile;
mod content;
mod entropy;
mod number;
mod pcre;
mod transform;

use crate::rules::Comparison;
use crate::rules::ast::{Asn1, ByteExtract, ByteJump, ByteMath, ByteTest, DatasetCommand, IsDataAt, NumberAt, Value};
pub(super) use base64::decode_strictly as decode_base64;
pub(super) use entropy::thousandths as entropy;

pub use compile::{Fault, Registry};
pub use pcre::{Engine, Expression};
pub use transform::{Transforms, Work};

/// Most tests of one look into a buffer, those that are tried again among them (Suricata's
/// `detect.inspection-recursion-limit`). Past it the buffer does not match.
pub const MAX_STEPS: u32 = 3000;
/// Most numbers of a rule, which `byte_extract` and `byte_math` leave to later options.
pub const MAX_VARIABLES: usize = 32;
/// Most bytes that are kept of what groups of expressions matched, in one look at a rule.
pub const MAX_CAPTURED: usize = 64 << 10;
/// Most bytes that `base64_decode` gives.
pub const MAX_DECODED: usize = 65_535;

/// All that a rule says of one of its buffers.
#[derive(Debug)]
pub struct Chain {
    steps: Box<[Step]>,
    absent: Absent,
}

/// What is done where a transaction does not have the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    /// It does not match.
    Fails,
    /// It matches, and nothing else does.
    Only,
    /// It matches, as does what the rest says.
    OrElse,
}

/// One option.
#[derive(Debug)]
struct Step {
    /// Index into [`Rule::options`](crate::rules::ast::Rule::options).
    option: u16,
    /// Where it matched matters to a later one: another occurrence may do where this one did not.
    retried: bool,
    /// What came before it does not matter any more.
    cut: bool,
    /// No other occurrence of anything before it could make it match.
    fixed: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Content(content::Content),
    Pcre(Box<PcreTest>),
    Number(Box<ByteTest>),
    Jump(Box<ByteJump>),
    Extract(Box<ByteExtract>),
    Math(Box<ByteMath>),
    IsDataAt(IsDataAt),
    Size(Comparison),
    Base64 { bytes: Option<u32>, offset: u32, relative: bool, inner: Option<Box<Chain>> },
    Dataset { set: u32, command: DatasetCommand },
    Datarep { set: u32, value: Comparison },
    Entropy { bytes: Option<u32>, offset: u32, value: Comparison },
    Asn1(Asn1),
}

#[derive(Debug)]
struct PcreTest {
    expression: Expression,
    negated: bool,
    relative: bool,
    /// What groups are kept as: numbers that the [`Registry`] gave.
    captures: Box<[u32]>,
}

/// What a look into buffers needs beside them, kept from rule to rule so that nothing is allocated.
#[derive(Debug, Default)]
pub struct State {
    /// Numbers that options of the rule have read. They stay from one buffer of a rule to the next.
    pub variables: [u64; MAX_VARIABLES],
    /// What groups of expressions matched.
    pub captured: Captured,
    /// What went past a bound.
    pub counts: Counts,
    choices: Vec<Choice>,
    decoded: Vec<u8>,
    matcher: pcre::Memory,
    /// Steps of expressions, and of searches for contents, that are left in this look.
    work: usize,
}

impl State {
    /// Before a rule's first buffer.
    pub fn begin(&mut self) {
        self.variables = [0; MAX_VARIABLES];
        self.captured.clear();
    }
}

/// How often a bound ended a look early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// [`MAX_STEPS`] were not enough, or contents had no steps left.
    pub steps: u64,
    /// An expression was given up: it took more steps than a search has, or than all searches of a look have.
    pub pcre: u64,
    /// Groups found no room.
    pub captures: u64,
}

/// Values for the variables of flows, packets and alerts.
#[derive(Debug, Default)]
pub struct Captured {
    entries: Vec<(u32, usize)>,
    bytes: Vec<u8>,
}

impl Captured {
    /// Variables as the [`Registry`] numbers them, and their values, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut start = 0;
        self.entries.iter().map(move |(variable, end)| {
            let value = self.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            (*variable, value)
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
        self.bytes.truncate(self.entries.last().map_or(0, |(_, end)| *end));
    }

    fn push(&mut self, variable: u32, value: &[u8]) -> bool {
        if self.bytes.len().saturating_add(value.len()) > MAX_CAPTURED {
            return false;
        }
        self.bytes.extend_from_slice(value);
        self.entries.push((variable, self.bytes.len()));
        true
    }
}

/// Data sets, while rules run. Sets have the numbers that the [`Registry`] gave.
pub trait Sets {
    /// Does to the set what the command says; whether the option matches.
    fn dataset(&mut self, set: u32, command: DatasetCommand, data: &[u8]) -> bool;

    /// The reputation of the data; `None` if it is not in the set.
    fn reputation(&mut self, set: u32, data: &[u8]) -> Option<u16>;
}

/// No sets: nothing is in any.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSets;

impl Sets for NoSets {
    fn dataset(&mut self, _: u32, command: DatasetCommand, _: &[u8]) -> bool {
        command == DatasetCommand::IsNotSet
    }

    fn reputation(&mut self, _: u32, _: &[u8]) -> Option<u16> {
        None
    }
}

/// Where the data that is looked into stands, and what is around it.
pub struct Cx<'a> {
    /// Room, and what options leave to each other.
    pub state: &'a mut State,
    /// Data sets.
    pub sets: &'a mut dyn Sets,
    /// Where the data begins in its buffer or stream: depth and offset count from that one's start.
    pub start: u64,
    /// Whether the data goes to the buffer's end, which more may not follow. Sizes ask.
    pub ends: bool,
    /// Numbers of the `dce` kind have their lowest byte first.
    pub dce_little: bool,
}

impl<'a> Cx<'a> {
    /// For data that is a whole buffer.
    pub fn new(state: &'a mut State, sets: &'a mut dyn Sets) -> Cx<'a> {
        Cx { state, sets, start: 0, ends: true, dce_little: false }
    }
}

/// Hears how the options of a rule fared, for those who ask why a rule did not match.
pub trait Trace {
    /// An option was tried. The same one may come again.
    fn tried(&mut self, tried: &Tried<'_>);
}

/// How an option fared.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// Index into [`Rule::options`](crate::rules::ast::Rule::options).
    pub option: usize,
    /// Where it matched; `None` if it failed.
    pub at: Option<Span>,
    /// What was looked into: for `base64_data` what was decoded.
    pub data: &'a [u8],
    /// Where the data begins in its buffer or stream.
    pub start: u64,
    /// Where the last match had ended before it.
    pub position: usize,
    /// Numbers that options before it, or it, have read.
    pub variables: &'a [u64; MAX_VARIABLES],
    /// Numbers of the `dce` kind have their lowest byte first.
    pub dce_little: bool,
}

impl Tried<'_> {
    /// The number that an option reads there, its bitmask applied; `None` where the data has none.
    #[must_use]
    pub fn number(&self, at: &NumberAt) -> Option<(Span, u64)> {
        number::masked_at(at, self)
    }

    /// What an option's number is: one that it says itself, or that another has read.
    #[must_use]
    pub fn value(&self, value: Value) -> i128 {
        number::value(value, self.variables)
    }
}

/// Part of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub offset: usize,
    /// How long it is; 0 for what matches without being anywhere.
    pub len: usize,
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Trace for NoTrace {
    #[inline]
    fn tried(&mut self, _: &Tried<'_>) {}
}

/// An occurrence that may be searched on.
#[derive(Clone, Copy, Debug)]
struct Choice {
    step: usize,
    /// Where the last match had ended before it.
    position: usize,
    /// From where to search.
    resume: usize,
    /// How many groups had been kept before it.
    captured: usize,
}

/// What came of a test.
enum Outcome {
    Failed,
    /// Where it matched, where what is relative counts from, and from where it could be searched on.
    Matched {
        span: Span,
        position: usize,
        resume: Option<usize>,
    },
}

impl Chain {
    /// Whether the data matches. Variables and groups that it reads are left in the state, also where it does not.
    pub fn matches(&self, data: &[u8], cx: &mut Cx<'_>) -> bool {
        self.traced(data, cx, &mut NoTrace)
    }

    /// Whether it matches where there is no such buffer.
    #[must_use]
    pub fn matches_absent(&self) -> bool {
        self.absent != Absent::Fails
    }

    /// How many tests it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it asks nothing of the data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.steps
            .iter()
            .filter_map(|step| if let Test::Pcre(pcre) = &step.test { Some(&pcre.expression) } else { None })
    }

    /// As [`Chain::matches`], and tells of each option how it fared.
    pub fn traced<T: Trace>(&self, data: &[u8], cx: &mut Cx<'_>, trace: &mut T) -> bool {
        if self.absent == Absent::Only {
            return false;
        }
        let mut left = MAX_STEPS;
        // One that is tried again at each place must not take its whole bound there each time.
        cx.state.work = pcre::LOOK_STEPS.saturating_add(data.len().saturating_mul(pcre::LOOK_STEPS_A_BYTE));
        self.run(data, cx, &mut left, trace)
    }

    fn run<T: Trace>(&self, data: &[u8], cx: &mut Cx<'_>, left: &mut u32, trace: &mut T) -> bool {
        let base = cx.state.choices.len();
        let captured = cx.state.captured.entries.len();
        let matched = self.search(data, cx, left, base, trace);
        if !matched {
            cx.state.captured.truncate(captured);
        }
        cx.state.choices.truncate(base);
        matched
    }

    fn search<T: Trace>(&self, data: &[u8], cx: &mut Cx<'_>, left: &mut u32, base: usize, trace: &mut T) -> bool {
        let (mut at, mut position, mut from) = (0, 0, None);
        while let Some(step) = self.steps.get(at) {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => {
                    cx.state.counts.steps += 1;
                    return false;
                }
            }
            if step.cut {
                cx.state.choices.truncate(base);
            }
            let captured = cx.state.captured.entries.len();
            let outcome = step.test.run(data, position, from, cx, left, trace);
            trace.tried(&Tried {
                option: usize::from(step.option),
                at: if let Outcome::Matched { span, .. } = outcome { Some(span) } else { None },
                data,
                start: cx.start,
                position,
                variables: &cx.state.variables,
                dce_little: cx.dce_little,
            });
            match outcome {
                Outcome::Matched { position: next, resume, .. } => {
                    if step.retried
                        && let Some(resume) = resume
                    {
                        cx.state.choices.push(Choice { step: at, position, resume, captured });
                    }
                    (at, position, from) = (at + 1, next, None);
                }
                Outcome::Failed => {
                    if step.fixed || cx.state.choices.len() <= base {
                        return false;
                    }
                    let Some(choice) = cx.state.choices.pop() else { return false };
                    cx.state.captured.truncate(choice.captured);
                    (at, position, from) = (choice.step, choice.position, Some(choice.resume));
                }
            }
        }
        true
    }
}

impl Test {
    fn run<T: Trace>(
        &self,
        data: &[u8],
        position: usize,
        from: Option<usize>,
        cx: &mut Cx<'_>,
        left: &mut u32,
        trace: &mut T,
    ) -> Outcome {
        let holds = |holds: bool| {
            if holds {
                Outcome::Matched { span: Span { offset: position, len: 0 }, position, resume: None }
            } else {
                Outcome::Failed
            }
        };
        let read = |read: Option<number::Read>| match read {
            None => Outcome::Failed,
            Some(number::Read { span, position }) => Outcome::Matched { span, position, resume: None },
        };
        let variables = &mut cx.state.variables;
        match self {
            Test::Content(content) => {
                if cx.state.work == 0 {
                    cx.state.counts.steps += 1;
                }
                content.run(data, position, from, cx.start, &cx.state.variables, &mut cx.state.work)
            }
            Test::Pcre(pcre) => pcre.run(data, position, from, cx),
            Test::Number(test) => read(number::test(test, data, position, variables, cx.dce_little)),
            Test::Jump(jump) => read(number::jump(jump, data, position, variables, cx.dce_little)),
            Test::Extract(extract) => read(number::extract(extract, data, position, variables, cx.dce_little)),
            Test::Math(math) => read(number::math(math, data, position, variables, cx.dce_little)),
            Test::IsDataAt(test) => {
                let bytes = number::value(test.bytes, variables);
                let len = i128::try_from(data.len()).unwrap_or(i128::MAX);
                // Counted from the start it is the index of a byte, from the last match a number of bytes.
                let there = if test.relative {
                    i128::try_from(position).unwrap_or(i128::MAX) + bytes <= len
                } else {
                    bytes < len
                };
                holds(there != test.negated)
            }
            Test::Size(comparison) => {
                let size = cx.start.saturating_add(data.len() as u64);
                // More may come, so only what stays true is.
                let settled = cx.ends || matches!(comparison, Comparison::Greater(_) | Comparison::GreaterOrEqual(_));
                holds(settled && comparison.holds(size))
            }
            Test::Base64 { bytes, offset, relative, inner } => {
                let mut decoded = std::mem::take(&mut cx.state.decoded);
                decoded.clear();
                let start = if *relative { position } else { 0 }.saturating_add(*offset as usize);
                let source = data.get(start..).unwrap_or_default();
                let source = source.get(..bytes.map_or(usize::MAX, |bytes| bytes as usize)).unwrap_or(source);
                base64::decode_loosely(source, MAX_DECODED, &mut decoded);
                let (start, ends) = (std::mem::take(&mut cx.start), std::mem::replace(&mut cx.ends, true));
                let matched =
                    !decoded.is_empty() && inner.as_ref().is_none_or(|inner| inner.run(&decoded, cx, left, trace));
                (cx.start, cx.ends) = (start, ends);
                cx.state.decoded = decoded;
                holds(matched)
            }
            Test::Dataset { set, command } => holds(cx.sets.dataset(*set, *command, data)),
            Test::Datarep { set, value } => {
                holds(cx.sets.reputation(*set, data).is_some_and(|reputation| value.holds(u64::from(reputation))))
            }
            Test::Entropy { bytes, offset, value } => {
                let part = data.get(*offset as usize..).unwrap_or_default();
                let part = part.get(..bytes.map_or(usize::MAX, |bytes| bytes as usize)).unwrap_or(part);
                holds(!part.is_empty() && value.holds(entropy::thousandths(part)))
            }
            Test::Asn1(asn1) => holds(asn1::matches(asn1, data, position)),
        }
    }
}

impl PcreTest {
    fn run(&self, data: &[u8], position: usize, from: Option<usize>, cx: &mut Cx<'_>) -> Outcome {
        // Anchors and what looks back see nothing before the last match.
        let base = if self.relative { position.min(data.len()) } else { 0 };
        let part = data.get(base..).unwrap_or_default();
        let from = from.unwrap_or(base).saturating_sub(base);
        let state = &mut *cx.state;
        match self.expression.find_within(part, from, &mut state.matcher, &mut state.work) {
            pcre::Found::Limit => {
                state.counts.pcre += 1;
                Outcome::Failed
            }
            pcre::Found::No if self.negated => {
                Outcome::Matched { span: Span { offset: base, len: 0 }, position, resume: None }
            }
            pcre::Found::No => Outcome::Failed,
            pcre::Found::At(..) if self.negated => Outcome::Failed,
            pcre::Found::At(start, end) => {
                for (group, variable) in self.captures.iter().enumerate() {
                    let Some((start, end)) = state.matcher.group(group + 1) else { continue };
                    if !state.captured.push(*variable, part.get(start..end).unwrap_or_default()) {
                        state.counts.captures += 1;
                    }
                }
                Outcome::Matched {
                    span: Span { offset: base + start, len: end - start },
                    position: base + end,
                    resume: Some(base + start + 1),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
