//! One search for the patterns of many rules.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::fast::Fast;

/// Finds which rules' patterns are in data. Searches in lower case; case and place are checked at each hit, so that
/// only rules whose pattern is really there are told.
#[derive(Debug)]
pub(super) struct Matcher {
    automaton: AhoCorasick,
    /// By the automaton's pattern: where its entries begin in `entries`; one more at the end.
    starts: Box<[u32]>,
    entries: Box<[Entry]>,
}

#[derive(Debug, Clone)]
struct Entry {
    rule: u32,
    start: u32,
    end: u32,
    exact: Option<Box<[u8]>>,
}

impl Matcher {
    /// Of rules' numbers and patterns; `None` of none.
    pub(super) fn new(mut patterns: Vec<(Fast, u32)>) -> Result<Option<Matcher>, String> {
        if patterns.is_empty() {
            return Ok(None);
        }
        patterns.sort_by(|a, b| a.0.lower.cmp(&b.0.lower).then(a.1.cmp(&b.1)));
        let (mut starts, mut entries, mut distinct) = (Vec::new(), Vec::new(), Vec::<Box<[u8]>>::new());
        for (Fast { lower, exact, start, end, .. }, rule) in patterns {
            if distinct.last() != Some(&lower) {
                starts.push(u32::try_from(entries.len()).unwrap_or(u32::MAX));
                distinct.push(lower);
            }
            entries.push(Entry { rule, start, end, exact });
        }
        starts.push(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let bytes: usize = distinct.iter().map(|pattern| pattern.len()).sum();
        let kind = if bytes <= DENSE { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(kind)).build(&distinct);
        let automaton = automaton.map_err(|error| error.to_string())?;
        Ok(Some(Matcher { automaton, starts: starts.into(), entries: entries.into() }))
    }

    /// Tells the rules whose pattern is in `data`, some of them several times. `lower` is `data` in lower case, `at`
    /// how far behind the buffer's start it begins.
    #[inline]
    pub(super) fn scan(&self, data: &[u8], lower: &[u8], at: u64, mut found: impl FnMut(u32)) {
        for hit in self.automaton.find_overlapping_iter(lower) {
            let pattern = hit.pattern().as_usize();
            let (Some(from), Some(to)) = (self.starts.get(pattern), self.starts.get(pattern + 1)) else { continue };
            for entry in self.entries.get(*from as usize..*to as usize).unwrap_or_default() {
                if at + (hit.start() as u64) < u64::from(entry.start)
                    || (entry.end != u32::MAX && at + hit.end() as u64 > u64::from(entry.end))
                {
                    continue;
                }
                if entry.exact.as_deref().is_some_and(|exact| data.get(hit.range()) != Some(exact)) {
                    continue;
                }
                found(entry.rule);
            }
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let exact: usize = self.entries.iter().filter_map(|entry| entry.exact.as_deref()).map(<[u8]>::len).sum();
        self.automaton.memory_usage() + exact + self.entries.len() * size_of::<Entry>() + self.starts.len() * 4
    }
}

/// Bytes of patterns up to which each state of the automaton has a table of all its successors.
const DENSE: usize = 4 << 10;
