//! One search for the patterns of many rules.

use super::fast::Fast;
use super::filter::{Filter, Told};

/// Finds which rules' patterns are in data. Case and place are checked at each hit, so that only rules whose pattern is
/// really there are told.
#[derive(Debug)]
pub(super) struct Matcher {
    /// Patterns that can be anywhere.
    anywhere: Option<Part>,
    /// Those that can only be near the beginning, and up to where.
    beginning: Option<(Part, u32)>,
}

/// Patterns that are searched for together.
#[derive(Debug)]
struct Part {
    filter: Filter,
    /// By the filter's pattern: where its entries begin in `entries`; one more at the end.
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
    pub(super) fn new(patterns: Vec<(Fast, u32)>) -> Option<Matcher> {
        let (near, far): (Vec<_>, Vec<_>) = patterns.into_iter().partition(|(fast, _)| fast.end <= NEAR);
        let reach = near.iter().map(|(fast, _)| fast.end).max().unwrap_or(0);
        let (anywhere, beginning) = (Part::new(far), Part::new(near).map(|part| (part, reach)));
        (anywhere.is_some() || beginning.is_some()).then_some(Matcher { anywhere, beginning })
    }

    /// Tells the rules whose pattern is in `data`, some of them several times. `at` is how far behind the buffer's start
    /// it begins.
    #[inline]
    pub(super) fn scan(&self, data: &[u8], at: u64, mut found: impl FnMut(u32)) {
        if let Some((part, reach)) = &self.beginning
            && let Ok(gone) = u32::try_from(at)
            && let Some(left) = reach.checked_sub(gone)
        {
            part.scan(data.get(..left as usize).unwrap_or(data), at, data, &mut found);
        }
        if let Some(part) = &self.anywhere {
            part.scan(data, at, data, &mut found);
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let parts = self.anywhere.iter().chain(self.beginning.iter().map(|(part, _)| part));
        parts.map(Part::bytes).sum()
    }
}

impl Part {
    fn new(mut patterns: Vec<(Fast, u32)>) -> Option<Part> {
        if patterns.is_empty() {
            return None;
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
        let filter = Filter::new(distinct.iter().map(|pattern| &**pattern));
        Some(Part { filter, starts: starts.into(), entries: entries.into() })
    }

    #[inline]
    fn scan(&self, part: &[u8], at: u64, data: &[u8], found: &mut impl FnMut(u32)) {
        self.filter.scan(part, |pattern, start, len| {
            let pattern = pattern as usize;
            let (Some(from), Some(to)) = (self.starts.get(pattern), self.starts.get(pattern + 1)) else {
                return Told::Enough;
            };
            let mut told = Told::Enough;
            for entry in self.entries.get(*from as usize..*to as usize).unwrap_or_default() {
                if at + (start as u64) < u64::from(entry.start)
                    || (entry.end != u32::MAX && at + (start + len) as u64 > u64::from(entry.end))
                    || entry.exact.as_deref().is_some_and(|exact| data.get(start..start + len) != Some(exact))
                {
                    told = Told::More;
                    continue;
                }
                found(entry.rule);
            }
            told
        });
    }

    fn bytes(&self) -> usize {
        let exact: usize = self.entries.iter().filter_map(|entry| entry.exact.as_deref()).map(<[u8]>::len).sum();
        self.filter.bytes() + exact + self.entries.len() * size_of::<Entry>() + self.starts.len() * 4
    }
}

/// Where a pattern has to end at the latest to count as one of the beginning.
const NEAR: u32 = 128;
