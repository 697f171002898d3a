//! Rules by the port they are for.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::fast::Fast;
use super::matcher::Matcher;
use super::sets::Ports;

/// Rules for payloads of one protocol and direction.
#[derive(Debug, Default)]
pub(super) struct Group {
    any: Bucket,
    /// Ports from, to, and the bucket; sorted.
    ranges: Box<[(u16, u16, u16)]>,
    buckets: Box<[Bucket]>,
}

/// Rules of the same ports.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) matcher: Option<Matcher>,
    /// Those without a pattern, in order.
    pub(super) always: Box<[u32]>,
    /// The rules of all ports are among them.
    whole: bool,
}

/// A rule that is to go into a group.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) rule: u32,
    pub(super) fast: Option<Fast>,
    /// Its ports, as a place among the sets.
    pub(super) ports: u32,
}

impl Group {
    /// Where rules share their ports in so many ways that lists of them would take more than [`A_RULE`] places a rule,
    /// only those of fewer ports have lists, and the others are looked at with every port.
    pub(super) fn new<'a>(members: &[Member], ports: impl Fn(u32) -> Option<&'a Ports>) -> Group {
        let room = ROOM.saturating_add(members.len().saturating_mul(A_RULE));
        let mut most = MOST_PORTS;
        loop {
            match Group::of(members, &ports, most, room) {
                Some(group) => return group,
                None => most /= 4,
            }
        }
    }

    /// With lists of their own for rules of at most so many ports; `None` if these would need more room.
    fn of<'a>(
        members: &[Member],
        ports: &impl Fn(u32) -> Option<&'a Ports>,
        most: u32,
        mut room: usize,
    ) -> Option<Group> {
        let narrow = |member: &Member| {
            ports(member.ports)
                .is_some_and(|set| set.iter().map(|(first, last)| u32::from(last - first) + 1).sum::<u32>() <= most)
        };
        let (narrow, wide): (Vec<_>, Vec<_>) = members.iter().cloned().partition(narrow);
        // From each edge on another list of rules holds, up to the next.
        let mut edges: Vec<(u32, bool, u32)> = Vec::new();
        for (at, member) in (0..).zip(&narrow) {
            for (first, last) in ports(member.ports).into_iter().flat_map(Ports::iter) {
                edges.push((first.into(), true, at));
                edges.push((u32::from(last) + 1, false, at));
            }
        }
        edges.sort_unstable();
        let mut known: HashMap<Vec<u32>, u16, RandomState> = HashMap::default();
        let (mut ranges, mut lists, mut open) = (Vec::new(), Vec::<(Vec<u32>, bool)>::new(), Vec::<u32>::new());
        let mut edges = edges.into_iter().peekable();
        while let Some((at, begins, member)) = edges.next() {
            match open.binary_search(&member) {
                Err(place) if begins => open.insert(place, member),
                Ok(place) if !begins => drop(open.remove(place)),
                Ok(_) | Err(_) => {}
            }
            let Some((next, ..)) = edges.peek() else { break };
            if *next == at || open.is_empty() {
                continue;
            }
            let bucket = match known.get(&open) {
                Some(bucket) => *bucket,
                None => {
                    let bucket = u16::try_from(lists.len()).ok()?;
                    room = room.checked_sub(open.len())?;
                    lists.push((open.clone(), false));
                    known.insert(open.clone(), bucket);
                    bucket
                }
            };
            // Both ends are ports: the edge after the last is one more than 65535 at most.
            let (first, last) = (at as u16, (next - 1) as u16);
            if let Some((_, whole)) = lists.get_mut(usize::from(bucket)) {
                *whole |= BUSY.iter().any(|port| (first..=last).contains(port));
            }
            ranges.push((first, last, bucket));
        }
        let bucket = |(list, whole): (Vec<u32>, bool)| {
            let own = list.iter().filter_map(|place| narrow.get(*place as usize));
            let all = if whole { wide.as_slice() } else { &[] };
            Bucket { whole, ..Bucket::new(own.chain(all).cloned().collect()) }
        };
        let buckets = lists.into_iter().map(bucket).collect();
        Some(Group { any: Bucket::new(wide), ranges: ranges.into(), buckets })
    }

    /// The rules for a port: those of all ports, and those of this one.
    #[inline]
    pub(super) fn buckets(&self, port: u16) -> [Option<&Bucket>; 2] {
        let at = self.ranges.partition_point(|(_, last, _)| *last < port);
        let own = self.ranges.get(at).filter(|(first, ..)| *first <= port);
        let own = own.and_then(|(.., bucket)| self.buckets.get(usize::from(*bucket)));
        [own.is_none_or(|own| !own.whole).then_some(&self.any), own]
    }

    pub(super) fn bytes(&self) -> usize {
        self.any.bytes() + self.buckets.iter().map(Bucket::bytes).sum::<usize>() + self.ranges.len() * 6
    }
}

impl Bucket {
    pub(super) fn new(members: Vec<Member>) -> Bucket {
        let (mut patterns, mut always) = (Vec::new(), Vec::new());
        for Member { rule, fast, .. } in members {
            match fast {
                Some(fast) => patterns.push((fast, rule)),
                None => always.push(rule),
            }
        }
        always.sort_unstable();
        Bucket { matcher: Matcher::new(patterns), always: always.into(), whole: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.matcher.is_none() && self.always.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.matcher.as_ref().map_or(0, Matcher::bytes) + self.always.len() * 4
    }
}

/// Ports up to which a rule stands in the groups of its ports; one of more is looked at with every port.
const MOST_PORTS: u32 = 1024;

/// Places in the lists of a group: so many for each rule, and these.
const A_RULE: usize = 16;
const ROOM: usize = 1 << 16;

/// Ports with much traffic.
const BUSY: [u16; 12] = [21, 22, 25, 53, 80, 139, 443, 445, 587, 993, 3389, 8080];

#[cfg(test)]
mod tests {
    use super::super::sets::{Element, Resolver};
    use super::*;
    use crate::rules::{PortRange, Variables};

    #[test]
    fn ports_that_share_their_rules_share_a_bucket() {
        let variables = Variables::default();
        let mut resolver = Resolver::<PortRange>::new(&variables);
        let lists = ["[80,90]", "any", "80:85", "!80"];
        let member = |(rule, list): (u32, &str), resolver: &mut Resolver<'_, PortRange>| {
            let ports = resolver.set(&PortRange::parse(list, &variables).unwrap()).unwrap();
            Member { rule, fast: None, ports }
        };
        let members: Vec<_> = (0..).zip(lists).map(|it| member(it, &mut resolver)).collect();
        let group = Group::new(&members, |set| resolver.get(set));
        let of = |port| group.buckets(port).into_iter().flatten().flat_map(|it| it.always.iter().copied()).collect();
        let rules: [Vec<u32>; 4] = [of(80), of(81), of(90), of(86)];
        assert_eq!(rules, [vec![0, 1, 2, 3], vec![1, 3, 2], vec![1, 3, 0], vec![1, 3]]);
        assert_eq!(group.buckets.len(), 3);
    }

    /// Each rule begins one port later than the one before: every port has another list, of a thousand rules.
    #[test]
    fn ranges_that_are_staggered_take_no_more_room_than_rules_are() {
        let variables = Variables::default();
        let mut resolver = Resolver::<PortRange>::new(&variables);
        let members: Vec<Member> = (0..4000)
            .map(|rule| {
                let list = format!("{}:{}", rule + 1, rule + 1000);
                let ports = resolver.set(&PortRange::parse(&list, &variables).unwrap()).unwrap();
                Member { rule, fast: None, ports }
            })
            .collect();
        let group = Group::new(&members, |set| resolver.get(set));
        assert!(group.bytes() <= 4 * (ROOM + 4000 * A_RULE + 4000) + group.ranges.len() * 6, "{}", group.bytes());
        // Each rule is still looked at with each of its ports.
        for port in [1, 1000, 2500, 4999] {
            let of: Vec<u32> = group.buckets(port).into_iter().flatten().flat_map(|it| it.always.to_vec()).collect();
            let own = (0..4000).filter(|rule| (rule + 1..=rule + 1000).contains(&u32::from(port)));
            assert!(own.into_iter().all(|rule| of.contains(&rule)), "{port}");
        }
    }
}
