//! Which rules an address concerns, of those that ask for nothing but addresses.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;

use super::sets::Addresses;

/// Rules by one of their sets of addresses, the one that holds less.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    sources: Index,
    destinations: Index,
    /// Those that may match either way round.
    always: Box<[u32]>,
}

/// A rule and its sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) rule: u32,
    pub(super) sources: &'a Addresses,
    pub(super) destinations: &'a Addresses,
    pub(super) both: bool,
}

/// Rules by address.
#[derive(Debug, Default)]
struct Index {
    /// From which address on which list holds; sorted.
    firsts: Box<[(u128, u32)]>,
    lists: Box<[Box<[u32]>]>,
}

impl Concerned {
    pub(super) fn new(members: &[Member<'_>]) -> Concerned {
        let (mut sources, mut destinations, mut always) = (Vec::new(), Vec::new(), Vec::new());
        for member in members {
            if member.both {
                always.push(member.rule);
            } else if size(member.sources) <= size(member.destinations) {
                sources.push((member.rule, member.sources));
            } else {
                destinations.push((member.rule, member.destinations));
            }
        }
        Concerned { sources: Index::new(&sources), destinations: Index::new(&destinations), always: always.into() }
    }

    /// The rules that may match a packet between two addresses.
    pub(super) fn of(&self, source: u128, destination: u128) -> [&[u32]; 3] {
        [self.sources.of(source), self.destinations.of(destination), &self.always]
    }

    pub(super) fn bytes(&self) -> usize {
        self.sources.bytes() + self.destinations.bytes() + self.always.len() * 4
    }
}

impl Index {
    fn new(members: &[(u32, &Addresses)]) -> Index {
        // From each edge on another list of rules holds, up to the next.
        let mut edges: Vec<(u128, bool, u32)> = Vec::new();
        for (rule, set) in members {
            for (first, last) in set.iter() {
                edges.push((first, true, *rule));
                edges.extend(last.checked_add(1).map(|after| (after, false, *rule)));
            }
        }
        edges.sort_unstable();
        let mut known: HashMap<Box<[u32]>, u32, RandomState> = HashMap::default();
        let (mut firsts, mut lists, mut open) = (Vec::new(), Vec::<Box<[u32]>>::new(), Vec::<u32>::new());
        let mut edges = edges.into_iter().peekable();
        while let Some((at, begins, rule)) = edges.next() {
            match open.binary_search(&rule) {
                Err(place) if begins => open.insert(place, rule),
                Ok(place) if !begins => drop(open.remove(place)),
                Ok(_) | Err(_) => {}
            }
            if edges.peek().is_some_and(|(next, ..)| *next == at) {
                continue;
            }
            let list = match known.entry(open.as_slice().into()) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    lists.push(open.as_slice().into());
                    *entry.insert(lists.len() as u32 - 1)
                }
            };
            firsts.push((at, list));
        }
        Index { firsts: firsts.into(), lists: lists.into() }
    }

    fn of(&self, address: u128) -> &[u32] {
        let after = self.firsts.partition_point(|(first, _)| *first <= address);
        let list = after.checked_sub(1).and_then(|at| self.firsts.get(at));
        list.and_then(|(_, list)| self.lists.get(*list as usize)).map_or(&[], |list| list)
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.firsts) + self.lists.iter().map(|list| list.len() * 4 + 16).sum::<usize>()
    }
}

/// How many addresses there are in a set, less one for each range.
fn size(set: &Addresses) -> u128 {
    set.iter().fold(0, |sum, (first, last)| sum.saturating_add(last - first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sets::{Element as _, Resolver};
    use super::*;
    use crate::rules::{Address, Variables};

    proptest! {
        /// A rule is among those of two addresses if both its sets hold them, and not if the smaller one does not.
        #[test]
        fn rules_of_addresses(lists in prop::collection::vec((list(), list()), 1..12), ends in (0_u8..30, 0_u8..30)) {
            let variables = Variables::default();
            let mut resolver = Resolver::<Address>::new(&variables);
            let mut set = |text: &str| resolver.set(&Address::parse(text, &variables).unwrap()).unwrap();
            let sets: Vec<_> = lists.iter().map(|(sources, destinations)| (set(sources), set(destinations))).collect();
            let get = |set: u32| resolver.get(set).unwrap();
            let members: Vec<_> = (0..)
                .zip(&sets)
                .map(|(rule, (a, b))| Member { rule, sources: get(*a), destinations: get(*b), both: false })
                .collect();
            let concerned = Concerned::new(&members);
            let address = |last: u8| u128::from(std::net::Ipv4Addr::from([10, 0, 0, last]).to_ipv6_mapped());
            let (source, destination) = (address(ends.0), address(ends.1));
            let mut found = concerned.of(source, destination).concat();
            found.sort_unstable();
            let wanted: Vec<u32> = members
                .iter()
                .filter(|it| {
                    if size(it.sources) <= size(it.destinations) {
                        it.sources.contains(source)
                    } else {
                        it.destinations.contains(destination)
                    }
                })
                .map(|it| it.rule)
                .collect();
            prop_assert_eq!(found, wanted);
        }
    }

    fn list() -> impl Strategy<Value = String> {
        let one = (0_u8..30, prop::sample::select(vec![27_u8, 28, 30, 32]));
        prop::collection::vec(one, 0..4).prop_map(|list| {
            let list: Vec<_> = list.iter().map(|(last, bits)| format!("10.0.0.{last}/{bits}")).collect();
            if list.is_empty() { "any".to_string() } else { format!("[{}]", list.join(",")) }
        })
    }
}
