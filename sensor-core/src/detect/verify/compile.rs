//! A rule's options about one buffer as a [`Chain`].

use super::content::Content;
use super::pcre::Expression;
use super::{Absent, Chain, PcreTest, Step, Test};
use crate::rules::Buffer;
use crate::rules::ast::{Body, Dataset, Inspect, NumberAt, Rule, Scope, Value};

/// Why an option cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Fault {
    /// Index into [`Rule::options`].
    pub option: usize,
    /// For people.
    pub reason: String,
}

/// Gives numbers to what rules share by name.
pub trait Registry {
    /// The number of a data set, or why there can't be one.
    ///
    /// # Errors
    /// If the set cannot be had.
    fn dataset(&mut self, set: &Dataset) -> Result<u32, String>;

    /// The number of a variable that an expression's group is kept as.
    ///
    /// # Errors
    /// If there are too many.
    fn variable(&mut self, scope: Scope, name: &str) -> Result<u32, String>;

    /// There is one more expression, of about so many states.
    ///
    /// # Errors
    /// If there is no room for it.
    fn expression(&mut self, _states: usize) -> Result<(), String> {
        Ok(())
    }
}

impl Chain {
    /// What the rule says of that one of its [buffers](Rule::buffers). What `base64_data` is asked belongs to the chain
    /// of the buffer that `base64_decode` reads, so that buffer needs no chain of its own; `asn1` belongs to the
    /// payload's, or to [`Chain::of_packet`].
    ///
    /// # Errors
    /// The option that can't be run, and why.
    pub fn compile(rule: &Rule, buffer: u16, registry: &mut dyn Registry) -> Result<Chain, Fault> {
        let payload = rule.buffers.get(usize::from(buffer)).is_some_and(|it| it.buffer == Buffer::Payload);
        build(rule, Some(buffer), payload, registry)
    }

    /// Of a rule that looks into no payload what it says of it all the same (`asn1`); `None` if that is nothing.
    #[must_use]
    pub fn of_packet(rule: &Rule) -> Option<Chain> {
        if rule.buffers.iter().any(|it| it.buffer == Buffer::Payload) {
            return None;
        }
        build(rule, None, true, &mut NoRegistry).ok().filter(|chain| !chain.is_empty())
    }
}

/// Of chains without sets and groups.
struct NoRegistry;

impl Registry for NoRegistry {
    fn dataset(&mut self, _: &Dataset) -> Result<u32, String> {
        Err("no data sets here".into())
    }

    fn variable(&mut self, _: Scope, _: &str) -> Result<u32, String> {
        Err("no variables here".into())
    }
}

fn build(rule: &Rule, buffer: Option<u16>, payload: bool, registry: &mut dyn Registry) -> Result<Chain, Fault> {
    let mut steps = Vec::new();
    let mut absent = Absent::Fails;
    let decoded = rule.buffers.iter().position(|it| it.buffer == Buffer::Base64Data);
    for (index, option) in rule.options.iter().enumerate() {
        let fault = |reason: String| Fault { option: index, reason };
        if let Body::Asn1(asn1) = &option.body
            && payload
        {
            steps.push(step(index, Test::Asn1(*asn1)));
        }
        let Body::Inspect(of, inspect) = &option.body else { continue };
        if Some(*of) != buffer {
            continue;
        }
        let test = match inspect {
            Inspect::Absent { or_else } => {
                absent = if *or_else { Absent::OrElse } else { Absent::Only };
                continue;
            }
            Inspect::Base64Decode { bytes, offset, relative } => {
                let inner = match decoded.and_then(|at| u16::try_from(at).ok()) {
                    Some(at) if Some(at) != buffer => Some(Box::new(build(rule, Some(at), false, registry)?)),
                    _ => None,
                };
                Test::Base64 { bytes: *bytes, offset: *offset, relative: *relative, inner }
            }
            Inspect::Pcre(pcre) => {
                let captures: Result<Box<[u32]>, String> =
                    pcre.captures.iter().map(|capture| registry.variable(capture.scope, &capture.name)).collect();
                let captures = captures.map_err(fault)?;
                let expression = Expression::new(pcre).map_err(fault)?;
                registry.expression(expression.states()).map_err(fault)?;
                Test::Pcre(Box::new(PcreTest { expression, negated: pcre.negated, relative: pcre.relative, captures }))
            }
            Inspect::Content(content) => Test::Content(Content::new(content)),
            Inspect::ByteTest(test) => Test::Number(Box::new(test.clone())),
            Inspect::ByteJump(jump) => Test::Jump(Box::new(jump.clone())),
            Inspect::ByteExtract(extract) => Test::Extract(Box::new(extract.clone())),
            Inspect::ByteMath(math) => Test::Math(Box::new(math.clone())),
            Inspect::IsDataAt(test) => Test::IsDataAt(test.clone()),
            Inspect::Size(comparison) => Test::Size(*comparison),
            Inspect::Dataset(set) => Test::Dataset { set: registry.dataset(set).map_err(fault)?, command: set.command },
            Inspect::Datarep(set, value) => Test::Datarep { set: registry.dataset(set).map_err(fault)?, value: *value },
            Inspect::Entropy { bytes, offset, value } => {
                Test::Entropy { bytes: *bytes, offset: *offset, value: *value }
            }
        };
        steps.push(step(index, test));
    }
    link(&mut steps);
    Ok(Chain { steps: steps.into(), absent })
}

fn step(option: usize, test: Test) -> Step {
    // Rules have at most 1024 options.
    let option = u16::try_from(option).unwrap_or(u16::MAX);
    Step { option, retried: false, cut: false, fixed: false, test }
}

/// Finds out which steps depend on which.
fn link(steps: &mut [Step]) {
    let relative: Vec<bool> = steps.iter().map(|step| step.test.is_relative()).collect();
    let moves: Vec<bool> = steps.iter().map(|step| step.test.moves()).collect();
    let reads: Vec<bool> = steps.iter().map(|step| step.test.reads_variables()).collect();
    // The last place that reads a variable: all before may still be tried again for its sake.
    let last_read = reads.iter().rposition(|reads| *reads);
    let defines = |steps: &[Step]| steps.iter().any(|step| step.test.defines_variable());
    let first_defined = (0..steps.len()).find(|at| defines(steps.get(*at..=*at).unwrap_or_default()));
    for at in 0..steps.len() {
        let behind = relative.iter().zip(&moves).skip(at + 1);
        let mut matters = false;
        for (relative, moves) in behind {
            if *relative {
                matters = true;
                break;
            }
            if *moves {
                break;
            }
        }
        let open = first_defined.is_some_and(|defined| defined < at) && last_read.is_some_and(|read| read >= at);
        let is_relative = relative.get(at).copied().unwrap_or(false);
        let moves = moves.get(at).copied().unwrap_or(false);
        if let Some(step) = steps.get_mut(at) {
            step.retried = matters;
            if let Test::Pcre(pcre) = &mut step.test {
                pcre.expression.ends_exactly(matters);
            }
            step.cut = !is_relative && moves && !open;
            step.fixed = !is_relative && !open;
        }
    }
}

impl Test {
    /// Whether it counts from the last match.
    fn is_relative(&self) -> bool {
        match self {
            Test::Content(content) => content.is_relative(),
            Test::Pcre(pcre) => pcre.relative,
            Test::Number(test) => test.number.relative,
            Test::Jump(jump) => jump.number.relative,
            Test::Extract(extract) => extract.number.relative,
            Test::Math(math) => math.number.relative,
            Test::IsDataAt(test) => test.relative,
            Test::Base64 { relative, .. } => *relative,
            Test::Asn1(asn1) => asn1.relative_offset.is_some(),
            Test::Size(_) | Test::Dataset { .. } | Test::Datarep { .. } | Test::Entropy { .. } => false,
        }
    }

    /// Whether what is relative counts from it.
    fn moves(&self) -> bool {
        match self {
            Test::Content(content) => !content.is_negated(),
            Test::Pcre(pcre) => !pcre.negated,
            Test::Jump(_) | Test::Extract(_) | Test::Math(_) => true,
            Test::Number(_)
            | Test::IsDataAt(_)
            | Test::Base64 { .. }
            | Test::Asn1(_)
            | Test::Size(_)
            | Test::Dataset { .. }
            | Test::Datarep { .. }
            | Test::Entropy { .. } => false,
        }
    }

    fn defines_variable(&self) -> bool {
        matches!(self, Test::Extract(_) | Test::Math(_))
    }

    fn reads_variables(&self) -> bool {
        let is = |value: Value| matches!(value, Value::Variable(_));
        let number = |number: &NumberAt| is(number.bytes) || is(number.offset);
        match self {
            Test::Content(content) => content.reads_variables(),
            Test::Number(test) => number(&test.number) || is(test.value),
            Test::Jump(jump) => number(&jump.number) || is(jump.post_offset),
            Test::Extract(extract) => number(&extract.number),
            Test::Math(math) => number(&math.number) || is(math.operand),
            Test::IsDataAt(test) => is(test.bytes),
            Test::Base64 { inner, .. } => {
                inner.as_ref().is_some_and(|inner| inner.steps.iter().any(|step| step.test.reads_variables()))
            }
            Test::Pcre(_)
            | Test::Asn1(_)
            | Test::Size(_)
            | Test::Dataset { .. }
            | Test::Datarep { .. }
            | Test::Entropy { .. } => false,
        }
    }
}
