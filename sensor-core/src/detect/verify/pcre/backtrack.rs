//! A matcher that tries alternatives in turn, as PCRE does, for what a finite automaton can't do.
//!
//! Its steps are counted: no expression runs away, whatever it is shown.

use super::Found;
use super::set::{Set, is_word};
use super::syntax::{Greed, Node, Place, Tree, length};

/// Most steps of a search: this, and so many for each byte of the data. It stands for Suricata's `pcre.match-limit` of
/// 3500, which counts larger steps.
const STEPS: usize = 50_000;
const STEPS_A_BYTE: usize = 4;
/// Most places at a time that may be gone back to.
const MAX_STACK: usize = 16_384;
/// Most instructions of a program.
const MAX_PROGRAM: usize = 65_536;

/// An expression as instructions.
#[derive(Debug, Default)]
pub(super) struct Program {
    code: Vec<Instruction>,
    /// Groups' starts and ends, then where rounds of loops began.
    slots: usize,
    /// What a match can begin with, if it begins with a byte.
    first: Option<Set>,
    /// It matches only where the search begins; only at the data's start.
    anchored: bool,
    at_start: bool,
}

#[derive(Debug)]
enum Instruction {
    Class(Set),
    /// So many bytes of a set, the most or the fewest first.
    Run {
        set: Set,
        least: usize,
        most: usize,
        lazy: bool,
    },
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    /// Goes there unless a byte was matched since the slot was saved.
    Progress {
        slot: usize,
        or: usize,
    },
    At(Place),
    Same {
        group: usize,
        caseless: bool,
    },
    /// What follows up to its end, without going back into it; then there.
    Atomic {
        then: usize,
    },
    Ahead {
        negated: bool,
        then: usize,
    },
    Behind {
        negated: bool,
        ways: Box<[(usize, usize)]>,
        then: usize,
    },
    Accept,
}

/// Room for searches.
#[derive(Debug, Default)]
pub(super) struct Memory {
    slots: Vec<usize>,
    stack: Vec<Frame>,
}

/// No place.
const NONE: usize = usize::MAX;

impl Memory {
    /// What a group of the last match matched; the first is 1.
    pub(super) fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (*self.slots.get(group * 2)?, *self.slots.get(group * 2 + 1)?);
        (start != NONE && end != NONE && start <= end).then_some((start, end))
    }
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    /// Go on there.
    Branch(usize, usize),
    /// Put back what a slot held.
    Restore(usize, usize),
    /// Go on there with the last but one place down to the first.
    Fewer { next: usize, first: usize, last: usize },
    /// One byte more of a set.
    More { at: usize, position: usize, left: usize },
}

impl Program {
    /// # Errors
    /// If it would be too large.
    pub(super) fn new(tree: &Tree) -> Result<Program, String> {
        let slots = 2 * (tree.groups as usize + 1);
        let mut compiler = Compiler { code: Vec::new(), slots, left: 4 * MAX_PROGRAM };
        compiler.node(&tree.root)?;
        compiler.emit(Instruction::Accept)?;
        let (set, empty) = first(&tree.root);
        let first = (!empty).then_some(set);
        let at_start = begins_at_start(&tree.root);
        Ok(Program { code: compiler.code, slots: compiler.slots, first, anchored: tree.anchored, at_start })
    }

    /// The first match at `from` or behind it. Takes its steps from those that are `left`.
    pub(super) fn find(&self, data: &[u8], from: usize, memory: &mut Memory, left: &mut usize) -> Found {
        let most = STEPS.saturating_add(data.len().saturating_mul(STEPS_A_BYTE)).min(*left);
        let mut search = Search { code: &self.code, data, from, left: most, memory };
        let found = self.search(&mut search).unwrap_or(Found::Limit);
        *left = left.saturating_sub(most.saturating_sub(search.left));
        found
    }

    fn search(&self, search: &mut Search<'_>) -> Result<Found, Spent> {
        let (data, mut start) = (search.data, search.from);
        loop {
            // Slots are emptied for each place, and an expression can have many.
            search.spend(self.slots / 8)?;
            if let Some(first) = &self.first {
                let skipped = data.get(start..).unwrap_or_default().iter().position(|byte| first.has(*byte));
                match skipped {
                    Some(skipped) if skipped == 0 || !self.anchored => {
                        search.spend(skipped / 8)?;
                        start += skipped;
                    }
                    _ => return Ok(Found::No),
                }
            }
            if self.at_start && start > 0 {
                return Ok(Found::No);
            }
            search.memory.slots.clear();
            search.memory.slots.resize(self.slots, NONE);
            search.memory.stack.clear();
            match search.run(0, start)? {
                Some(end) => {
                    if let [first, last, ..] = search.memory.slots.as_mut_slice() {
                        (*first, *last) = (start, end);
                    }
                    return Ok(Found::At(start, end));
                }
                None if self.anchored || start >= data.len() => return Ok(Found::No),
                None => start += 1,
            }
        }
    }
}

/// No steps are left.
struct Spent;

struct Search<'a> {
    code: &'a [Instruction],
    data: &'a [u8],
    from: usize,
    left: usize,
    memory: &'a mut Memory,
}

impl Search<'_> {
    /// Runs from an instruction to its `Accept`; where it ended.
    fn run(&mut self, mut at: usize, mut position: usize) -> Result<Option<usize>, Spent> {
        let base = self.memory.stack.len();
        loop {
            self.spend(1)?;
            let Some(instruction) = self.code.get(at) else { return Ok(None) };
            let went_on = match instruction {
                Instruction::Accept => return Ok(Some(position)),
                Instruction::Class(set) => {
                    let matched = self.data.get(position).is_some_and(|byte| set.has(*byte));
                    matched.then(|| (at + 1, position + 1))
                }
                Instruction::Run { set, least, most, lazy } => {
                    self.repeat(at, position, set, *least, *most, *lazy)?.map(|position| (at + 1, position))
                }
                Instruction::Split(first, second) => {
                    self.push(Frame::Branch(*second, position))?;
                    Some((*first, position))
                }
                Instruction::Jump(to) => Some((*to, position)),
                Instruction::Save(slot) => {
                    self.save(*slot, position)?;
                    Some((at + 1, position))
                }
                Instruction::Progress { slot, or } => {
                    let moved = self.memory.slots.get(*slot) != Some(&position);
                    Some((if moved { at + 1 } else { *or }, position))
                }
                Instruction::At(place) => self.is_at(*place, position).then_some((at + 1, position)),
                Instruction::Same { group, caseless } => {
                    let part = self.memory.group(*group).and_then(|(start, end)| self.data.get(start..end));
                    let there = part.and_then(|part| Some((part, self.data.get(position..position + part.len())?)));
                    match there {
                        Some((part, there)) if part == there || *caseless && part.eq_ignore_ascii_case(there) => {
                            let len = part.len();
                            self.spend(len / 8)?;
                            Some((at + 1, position + len))
                        }
                        _ => None,
                    }
                }
                Instruction::Atomic { then } => {
                    let kept = self.memory.stack.len();
                    match self.run(at + 1, position)? {
                        Some(end) => {
                            self.forget(kept);
                            Some((*then, end))
                        }
                        None => None,
                    }
                }
                Instruction::Ahead { negated, then } => {
                    let matched = self.look(at + 1, position, *negated)?.is_some();
                    (matched != *negated).then_some((*then, position))
                }
                Instruction::Behind { negated, ways, then } => {
                    let mut matched = false;
                    for (len, way) in ways {
                        let Some(start) = position.checked_sub(*len) else { continue };
                        if self.look(*way, start, *negated)? == Some(position) {
                            matched = true;
                            break;
                        }
                    }
                    (matched != *negated).then_some((*then, position))
                }
            };
            match went_on.or_else(|| self.back(base)) {
                Some(next) => (at, position) = next,
                None => return Ok(None),
            }
        }
    }

    /// Looks from there without taking anything; groups stay set only if it is not negated.
    fn look(&mut self, at: usize, position: usize, negated: bool) -> Result<Option<usize>, Spent> {
        let kept = self.memory.stack.len();
        let end = self.run(at, position)?;
        if end.is_some() && !negated {
            self.forget(kept);
        } else {
            self.undo(kept);
        }
        Ok(end)
    }

    /// The place behind as many bytes of the set as are tried first.
    fn repeat(
        &mut self,
        at: usize,
        position: usize,
        set: &Set,
        least: usize,
        most: usize,
        lazy: bool,
    ) -> Result<Option<usize>, Spent> {
        let rest = self.data.get(position..).unwrap_or_default();
        let wanted = if lazy { least } else { most };
        let rest = rest.get(..wanted).unwrap_or(rest);
        let count = rest.iter().position(|byte| !set.has(*byte)).unwrap_or(rest.len());
        self.spend(count / 8)?;
        if count < least {
            return Ok(None);
        }
        if lazy && most > least {
            self.push(Frame::More { at, position: position + count, left: most - least })?;
        } else if count > least {
            self.push(Frame::Fewer { next: at + 1, first: position + least, last: position + count })?;
        }
        Ok(Some(position + count))
    }

    /// The last place that was left open.
    fn back(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.memory.stack.len() > base {
            match self.memory.stack.pop()? {
                Frame::Branch(at, position) => return Some((at, position)),
                Frame::Restore(slot, was) => {
                    if let Some(slot) = self.memory.slots.get_mut(slot) {
                        *slot = was;
                    }
                }
                Frame::Fewer { next, first, last } => {
                    let last = last.saturating_sub(1);
                    if last > first {
                        self.memory.stack.push(Frame::Fewer { next, first, last });
                    }
                    return Some((next, last));
                }
                Frame::More { at, position, left } => {
                    let Some(Instruction::Run { set, .. }) = self.code.get(at) else { return None };
                    if self.data.get(position).is_some_and(|byte| set.has(*byte)) {
                        if left > 1 {
                            self.memory.stack.push(Frame::More { at, position: position + 1, left: left - 1 });
                        }
                        return Some((at + 1, position + 1));
                    }
                }
            }
        }
        None
    }

    /// Takes away what was left open since; what groups held before stays noted, for those who go back further.
    fn forget(&mut self, kept: usize) {
        let mut to = kept;
        for from in kept..self.memory.stack.len() {
            if let Some(frame @ Frame::Restore(..)) = self.memory.stack.get(from).copied()
                && let Some(place) = self.memory.stack.get_mut(to)
            {
                *place = frame;
                to += 1;
            }
        }
        self.memory.stack.truncate(to);
    }

    /// Puts back all that was changed since.
    fn undo(&mut self, kept: usize) {
        while self.memory.stack.len() > kept {
            if let Some(Frame::Restore(slot, was)) = self.memory.stack.pop()
                && let Some(slot) = self.memory.slots.get_mut(slot)
            {
                *slot = was;
            }
        }
    }

    fn save(&mut self, slot: usize, position: usize) -> Result<(), Spent> {
        let Some(place) = self.memory.slots.get_mut(slot) else { return Ok(()) };
        let was = std::mem::replace(place, position);
        self.push(Frame::Restore(slot, was))
    }

    fn push(&mut self, frame: Frame) -> Result<(), Spent> {
        if self.memory.stack.len() >= MAX_STACK {
            return Err(Spent);
        }
        self.memory.stack.push(frame);
        Ok(())
    }

    fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        self.left = self.left.checked_sub(steps).ok_or(Spent)?;
        Ok(())
    }

    fn is_at(&self, place: Place, position: usize) -> bool {
        let before = position.checked_sub(1).and_then(|before| self.data.get(before)).copied();
        let behind = self.data.get(position).copied();
        let edge = before.is_some_and(is_word) != behind.is_some_and(is_word);
        match place {
            Place::Start => position == 0,
            Place::LineStart => position == 0 || before == Some(b'\n') && behind.is_some(),
            Place::End => behind.is_none(),
            Place::EndOrNewline => behind.is_none() || behind == Some(b'\n') && position + 1 == self.data.len(),
            Place::LineEnd => behind.is_none() || behind == Some(b'\n'),
            Place::WordEdge => edge,
            Place::NoWordEdge => !edge,
            Place::SearchStart => position == self.from,
        }
    }
}

struct Compiler {
    code: Vec<Instruction>,
    slots: usize,
    /// Visits of nodes that are left.
    left: usize,
}

impl Compiler {
    fn emit(&mut self, instruction: Instruction) -> Result<usize, String> {
        if self.code.len() >= MAX_PROGRAM {
            return Err("the expression is too large".into());
        }
        self.code.push(instruction);
        Ok(self.code.len() - 1)
    }

    fn here(&self) -> usize {
        self.code.len()
    }

    fn patch(&mut self, at: usize, instruction: Instruction) {
        if let Some(place) = self.code.get_mut(at) {
            *place = instruction;
        }
    }

    fn node(&mut self, node: &Node) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("the expression is too large")?;
        match node {
            Node::Class(set) => self.emit(Instruction::Class(*set)).map(drop),
            Node::Concat(all) => all.iter().try_for_each(|node| self.node(node)),
            Node::Alternatives(all) => self.alternatives(all),
            Node::Repeat(inner, least, most, Greed::Possessive) => {
                let atomic = self.emit(Instruction::Accept)?;
                self.repeat(inner, *least, *most, Greed::Greedy)?;
                self.emit(Instruction::Accept)?;
                let then = self.here();
                self.patch(atomic, Instruction::Atomic { then });
                Ok(())
            }
            Node::Repeat(inner, least, most, greed) => self.repeat(inner, *least, *most, *greed),
            Node::Group(group, inner) => {
                let slot = *group as usize * 2;
                self.emit(Instruction::Save(slot))?;
                self.node(inner)?;
                self.emit(Instruction::Save(slot + 1)).map(drop)
            }
            Node::Atomic(inner) => {
                let at = self.inside(inner)?;
                let then = self.here();
                self.patch(at, Instruction::Atomic { then });
                Ok(())
            }
            Node::Ahead(inner, negated) => {
                let at = self.inside(inner)?;
                let then = self.here();
                self.patch(at, Instruction::Ahead { negated: *negated, then });
                Ok(())
            }
            Node::Behind(inner, negated) => {
                let at = self.emit(Instruction::Accept)?;
                let ways: &[Node] =
                    if let Node::Alternatives(ways) = &**inner { ways } else { std::slice::from_ref(inner) };
                let mut starts = Vec::new();
                for way in ways {
                    let len = length(way).ok_or("what is looked for backwards has to be of fixed length")?;
                    starts.push((len, self.here()));
                    self.node(way)?;
                    self.emit(Instruction::Accept)?;
                }
                let then = self.here();
                self.patch(at, Instruction::Behind { negated: *negated, ways: starts.into(), then });
                Ok(())
            }
            Node::Same(group, caseless) => {
                self.emit(Instruction::Same { group: *group as usize, caseless: *caseless }).map(drop)
            }
            Node::At(place) => self.emit(Instruction::At(*place)).map(drop),
        }
    }

    /// A place for an instruction, and behind it what it runs.
    fn inside(&mut self, inner: &Node) -> Result<usize, String> {
        let at = self.emit(Instruction::Accept)?;
        self.node(inner)?;
        self.emit(Instruction::Accept)?;
        Ok(at)
    }

    fn alternatives(&mut self, all: &[Node]) -> Result<(), String> {
        let mut jumps = Vec::new();
        for (number, node) in all.iter().enumerate() {
            if number + 1 == all.len() {
                self.node(node)?;
            } else {
                let split = self.emit(Instruction::Accept)?;
                self.node(node)?;
                jumps.push(self.emit(Instruction::Accept)?);
                let next = self.here();
                self.patch(split, Instruction::Split(split + 1, next));
            }
        }
        let end = self.here();
        jumps.into_iter().for_each(|jump| self.patch(jump, Instruction::Jump(end)));
        Ok(())
    }

    fn repeat(&mut self, inner: &Node, least: u32, most: Option<u32>, greed: Greed) -> Result<(), String> {
        let lazy = greed == Greed::Lazy;
        if let Node::Class(set) = inner {
            let most = most.map_or(usize::MAX, |most| most as usize);
            return self.emit(Instruction::Run { set: *set, least: least as usize, most, lazy }).map(drop);
        }
        for _ in 0..least {
            self.node(inner)?;
        }
        let split =
            |first, second| if lazy { Instruction::Split(second, first) } else { Instruction::Split(first, second) };
        let Some(most) = most else {
            let slot = self.slots;
            self.slots += 1;
            let top = self.emit(Instruction::Accept)?;
            self.emit(Instruction::Save(slot))?;
            self.node(inner)?;
            let progress = self.emit(Instruction::Accept)?;
            self.emit(Instruction::Jump(top))?;
            let end = self.here();
            self.patch(top, split(top + 1, end));
            self.patch(progress, Instruction::Progress { slot, or: end });
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.emit(Instruction::Accept)?);
            self.node(inner)?;
        }
        let end = self.here();
        splits.into_iter().for_each(|at| self.patch(at, split(at + 1, end)));
        Ok(())
    }
}

/// The bytes with which a match can begin, and whether it can be without any.
fn first(node: &Node) -> (Set, bool) {
    match node {
        Node::Class(set) => (*set, false),
        Node::Concat(all) => {
            let mut set = Set::default();
            for node in all {
                let (more, empty) = first(node);
                set = set.join(more);
                if !empty {
                    return (set, false);
                }
            }
            (set, true)
        }
        Node::Alternatives(all) => all
            .iter()
            .map(first)
            .fold((Set::default(), false), |(set, empty), (more, another)| (set.join(more), empty || another)),
        Node::Repeat(node, least, _, _) => {
            let (set, empty) = first(node);
            (set, empty || *least == 0)
        }
        Node::Group(_, node) | Node::Atomic(node) => first(node),
        Node::Same(..) => (Set::ALL, true),
        Node::Ahead(..) | Node::Behind(..) | Node::At(_) => (Set::default(), true),
    }
}

fn begins_at_start(node: &Node) -> bool {
    match node {
        Node::At(Place::Start) => true,
        Node::Concat(all) => all.first().is_some_and(begins_at_start),
        Node::Alternatives(all) => all.iter().all(begins_at_start),
        Node::Group(_, node) | Node::Atomic(node) => begins_at_start(node),
        Node::Class(_) | Node::Repeat(..) | Node::Ahead(..) | Node::Behind(..) | Node::Same(..) | Node::At(_) => false,
    }
}
