//! Expressions of `pcre` and `pcrexform`.
//!
//! An expression is read by [`syntax`] with PCRE's meaning into a tree over bytes, so that nothing of its spelling is
//! left. What a finite automaton can do goes to the `regex` crate, whose time grows with the data's length alone; what
//! it can't (looking around, back references, atomic groups, repetitions that are too large for it) is done by the
//! matcher of [`backtrack`], whose steps are counted. The `pcre2` crate would need a C compiler for each system that the
//! sensor is checked for, and `fancy-regex` reads only valid UTF-8.

mod backtrack;
mod class;
mod set;
mod syntax;
mod translate;

use std::sync::OnceLock;

use crate::rules::ast::Pcre;

use backtrack::Program;
use syntax::{Flags, Tree};

/// Most bytes of an automaton's program, and of its cache.
const MAX_AUTOMATON: usize = 1 << 20;
const MAX_CACHE: usize = 256 << 10;

/// Steps of all searches of a look into a buffer: these, and so many for each byte of it.
pub(super) const LOOK_STEPS: usize = 1 << 20;
pub(super) const LOOK_STEPS_A_BYTE: usize = 64;

/// So many states of an automaton count as one step for each byte. Mostly they are one state of a DFA; but on data that
/// is made for it each is visited at each byte, which takes about 20 ns: `x[^z]{1,500}z` needs a second for 100 KiB.
const STATES_A_STEP: usize = 4;

/// Most groups that are told of, the whole match among them.
const MAX_GROUPS: usize = 9;

/// An expression, made ready when it is first needed.
#[derive(Debug)]
pub struct Expression {
    pattern: Box<str>,
    flags: Flags,
    /// Groups are asked for.
    groups: bool,
    engine: Engine,
    /// The one to be used if where a match ends matters.
    exact: Engine,
    /// States of an automaton, about.
    states: usize,
    ready: OnceLock<Ready>,
}

/// What runs an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// A finite automaton: linear in the data.
    Automaton,
    /// A search that tries alternatives in turn, with a bound on its steps.
    Backtracking,
}

#[derive(Debug)]
enum Ready {
    Automaton(Box<regex::bytes::Regex>),
    Backtracking(Box<Program>),
}

/// What came of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    No,
    /// From here to there.
    At(usize, usize),
    /// It was given up.
    Limit,
}

/// Room for searching, kept from one to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    groups: [Option<(usize, usize)>; MAX_GROUPS],
    backtrack: backtrack::Memory,
}

impl Memory {
    /// What a group of the last match matched; the first is 1.
    pub(super) fn group(&self, group: usize) -> Option<(usize, usize)> {
        self.groups.get(group).copied().flatten()
    }
}

impl Expression {
    /// Reads the expression of a rule.
    ///
    /// # Errors
    /// What is wrong with it, or not supported.
    pub fn new(pcre: &Pcre) -> Result<Expression, String> {
        let flags = Flags {
            caseless: pcre.caseless,
            multiline: pcre.multiline,
            dot_all: pcre.dot_all,
            extended: pcre.extended,
            anchored: pcre.anchored,
            dollar_end_only: pcre.dollar_end_only,
            ungreedy: pcre.ungreedy,
        };
        Expression::with(&pcre.pattern, flags, !pcre.captures.is_empty())
    }

    /// Reads an expression without flags, of which the first group will be asked for.
    pub(super) fn of_transform(pattern: &str) -> Result<Expression, String> {
        Expression::with(pattern, Flags::default(), true)
    }

    fn with(pattern: &str, flags: Flags, groups: bool) -> Result<Expression, String> {
        let tree = syntax::parse(pattern, flags)?;
        let (engine, exact) = (engine(&tree, groups), engine(&tree, true));
        // All are tried now, since the automaton may turn out too large later.
        Program::new(&tree)?;
        let states = translate::states(&tree.root).max(1);
        Ok(Expression { pattern: pattern.into(), flags, groups, engine, exact, states, ready: OnceLock::new() })
    }

    /// What runs it, unless an automaton turns out too large.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// How many states an automaton has, about: what it costs grows with them.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states
    }

    /// Says whether something counts from where a match ends.
    pub(super) fn ends_exactly(&mut self, matters: bool) {
        if matters {
            self.engine = self.exact;
        }
    }

    /// The first match that begins at `from` or behind it. What stands before `from` can be looked back to.
    pub(super) fn find(&self, data: &[u8], from: usize, memory: &mut Memory) -> Found {
        let mut left = LOOK_STEPS.saturating_add(data.len().saturating_mul(LOOK_STEPS_A_BYTE));
        self.find_within(data, from, memory, &mut left)
    }

    /// The same with the steps that are `left` to a look, of which it takes what it needs.
    pub(super) fn find_within(&self, data: &[u8], from: usize, memory: &mut Memory, left: &mut usize) -> Found {
        memory.groups = [None; MAX_GROUPS];
        if from > data.len() {
            return Found::No;
        }
        let ready = self.ready.get_or_init(|| self.prepare());
        if let Ready::Backtracking(program) = ready {
            let found = program.find(data, from, &mut memory.backtrack, left);
            if let Found::At(..) = found {
                for (group, slot) in memory.groups.iter_mut().enumerate() {
                    *slot = memory.backtrack.group(group);
                }
            }
            return found;
        }
        let reach = left.saturating_mul(STATES_A_STEP) / self.states;
        let part = data.get(..from.saturating_add(reach)).unwrap_or(data);
        let found = match ready {
            Ready::Automaton(regex) if self.groups => {
                if let Some(captures) = regex.captures_at(part, from) {
                    for (slot, group) in memory.groups.iter_mut().zip(captures.iter()) {
                        *slot = group.map(|group| (group.start(), group.end()));
                    }
                }
                memory.groups[0]
            }
            Ready::Automaton(regex) => regex.find_at(part, from).map(|found| (found.start(), found.end())),
            Ready::Backtracking(_) => None,
        };
        let scanned = found.map_or(part.len(), |(_, end)| end).saturating_sub(from);
        *left = left.saturating_sub(1 + scanned.saturating_mul(self.states) / STATES_A_STEP);
        match found {
            // Where the data was cut may look like its end.
            Some((_, end)) if end == part.len() && part.len() < data.len() => Found::Limit,
            None if part.len() < data.len() => Found::Limit,
            Some((start, end)) => Found::At(start, end),
            None => Found::No,
        }
    }

    fn prepare(&self) -> Ready {
        // It was read before, so this can't fail; an empty tree stands in all the same.
        let tree = syntax::parse(&self.pattern, self.flags).unwrap_or_else(|_| Tree::nothing());
        if self.engine == Engine::Automaton {
            let text = translate::regex(&tree);
            let mut builder = regex::bytes::RegexBuilder::new(&text);
            builder.unicode(false).size_limit(MAX_AUTOMATON).dfa_size_limit(MAX_CACHE);
            if let Ok(regex) = builder.build() {
                return Ready::Automaton(Box::new(regex));
            }
        }
        Ready::Backtracking(Box::new(Program::new(&tree).unwrap_or_default()))
    }
}

fn engine(tree: &Tree, exact: bool) -> Engine {
    if translate::is_regular(tree, exact) { Engine::Automaton } else { Engine::Backtracking }
}
