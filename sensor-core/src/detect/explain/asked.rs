//! The rule that is asked about, and which part of the compiled rule each of its options became.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::detect::carved::{self, Sought};
use crate::detect::compile::{Compiler, is_of_packet};
use crate::detect::option::Parts;
use crate::rules::ast::{Body, Rule};
use crate::rules::{Action, Buffer};

/// The rule that is asked about.
#[derive(Debug)]
pub(in crate::detect) struct Asked {
    /// Place among the compiled rules, once it is there.
    pub(in crate::detect) number: u32,
    /// As it was read.
    pub(super) rule: Rule,
    /// By option.
    pub(super) parts: Box<[Part]>,
    /// By buffer.
    pub(super) homes: Box<[Home]>,
}

/// What an option became: places in the lists of the compiled rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It asks for nothing.
    Aside,
    Flow,
    Test(usize),
    Condition(usize),
    Number(usize),
    Own(usize),
    Name(usize),
    Hash(usize),
    Event(usize),
    /// A step of the chain of that buffer.
    Buffer(usize),
    /// A step of the payload's chain that names no buffer.
    Packet,
    Threshold,
    Filter,
}

/// Where what is asked of a buffer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Payload,
    Header(usize),
    Look(usize),
    /// In the chain of the buffer that is decoded.
    Inner,
}

impl Asked {
    /// Takes the rule's options in as the compiler does. Of a rule that cannot be run what comes of it is never used.
    pub(in crate::detect) fn new<'a>(rule: &'a Rule, compiler: &mut Compiler<'a>) -> Asked {
        let mut parts = Parts { quiet: rule.header.action == Action::Pass, ..Parts::default() };
        let part = |option: &'a crate::rules::ast::RuleOption| {
            let before = Lens::of(&parts);
            if compiler.option(&option.body, &mut parts).is_err() {
                return Part::Aside;
            }
            Lens::of(&parts).since(before).unwrap_or_else(|| of_body(&option.body))
        };
        let parts = rule.options.iter().map(part).collect();
        let (mut headers, mut looks) = (0, 0);
        let homes = rule.buffers.iter().map(|it| {
            if it.buffer == Buffer::Base64Data {
                Home::Inner
            } else if (it.buffer == Buffer::Payload && it.transforms.is_empty())
                || matches!(carved::sought(rule, it), Ok(Some(Sought::Stream)))
            {
                Home::Payload
            } else if is_of_packet(it.buffer) {
                headers += 1;
                Home::Header(headers - 1)
            } else {
                looks += 1;
                Home::Look(looks - 1)
            }
        });
        Asked { number: u32::MAX, homes: homes.collect(), rule: rule.clone(), parts }
    }

    /// The same with its place among the compiled rules.
    pub(in crate::detect) fn at(self, number: u32) -> Asked {
        Asked { number, ..self }
    }

    /// Options of one buffer.
    pub(super) fn options_of(&self, buffer: usize) -> impl Iterator<Item = usize> {
        (0..).zip(&self.parts).filter(move |(_, part)| **part == Part::Buffer(buffer)).map(|(option, _)| option)
    }

    /// The buffer that went there.
    pub(super) fn buffer_at(&self, home: Home) -> Option<usize> {
        self.homes.iter().position(|it| *it == home)
    }
}

/// Lengths of a rule's lists, to see which of them an option is in.
#[derive(Clone, Copy)]
struct Lens([usize; 7]);

impl Lens {
    fn of(parts: &Parts) -> Lens {
        let Parts { tests, conditions, numbers, own, names, hashes, events, .. } = parts;
        Lens([tests.len(), conditions.len(), numbers.len(), own.len(), names.len(), hashes.len(), events.len()])
    }

    fn since(self, before: Lens) -> Option<Part> {
        let of = [Part::Test, Part::Condition, Part::Number, Part::Own, Part::Name, Part::Hash, Part::Event];
        let mut grown = self.0.into_iter().zip(before.0).zip(of);
        grown.find_map(|((now, before), part)| (now > before).then(|| part(before)))
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "all others are in a list, or ask for nothing")]
fn of_body(body: &Body) -> Part {
    match body {
        Body::Flow(_) => Part::Flow,
        Body::Inspect(buffer, _) => Part::Buffer(usize::from(*buffer)),
        Body::Asn1(_) => Part::Packet,
        Body::Threshold(_) => Part::Threshold,
        Body::DetectionFilter(_) => Part::Filter,
        _ => Part::Aside,
    }
}

/// Places of rules in their set.
pub(in crate::detect) type Places = HashSet<u32, RandomState>;
