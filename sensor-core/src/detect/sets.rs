//! Sets of addresses and ports, as rules' headers mean them with their variables resolved.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::rules::{Address, Item, Kind, List, PortRange, Variables};

/// Numbers in sorted, disjoint ranges, ends in. Looked up by bisection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ranges<T>(Box<[(T, T)]>);

/// IPv4 stands as `::ffff:a.b.c.d`, as in packets.
pub(super) type Addresses = Ranges<u128>;
pub(super) type Ports = Ranges<u16>;

impl<T: Bound> Ranges<T> {
    /// Everything.
    pub(super) fn all() -> Self {
        Ranges([(T::MIN, T::MAX)].into())
    }

    pub(super) fn contains(&self, value: T) -> bool {
        match &*self.0 {
            [] => false,
            [(first, last)] => *first <= value && value <= *last,
            list => {
                let at = list.partition_point(|(_, last)| *last < value);
                list.get(at).is_some_and(|(first, _)| *first <= value)
            }
        }
    }

    pub(super) fn is_all(&self) -> bool {
        *self.0 == [(T::MIN, T::MAX)]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (T, T)> {
        self.0.iter().copied()
    }

    fn union(mut all: Vec<(T, T)>) -> Self {
        all.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match merged.last_mut() {
                Some((_, end)) if *end == T::MAX || first <= end.next() => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Ranges(merged.into())
    }

    /// What is in none of these.
    fn complement(&self) -> Self {
        let (mut gaps, mut from) = (Vec::new(), Some(T::MIN));
        for (first, last) in self.iter() {
            if let Some(from) = from
                && from < first
            {
                gaps.push((from, first.before()));
            }
            from = (last < T::MAX).then(|| last.next());
        }
        gaps.extend(from.map(|from| (from, T::MAX)));
        Ranges(gaps.into())
    }

    fn intersection(&self, other: &Self) -> Self {
        Self::union(self.complement().iter().chain(other.complement().iter()).collect()).complement()
    }
}

/// What ranges are of.
pub(super) trait Bound: Copy + Ord + Hash {
    const MIN: Self;
    const MAX: Self;

    /// The one after; of the last one, that itself.
    fn next(self) -> Self;

    /// The one before; of the first one, that itself.
    fn before(self) -> Self;
}

macro_rules! bound {
    ($($number:ty)*) => {
        $(impl Bound for $number {
            const MIN: Self = 0;
            const MAX: Self = <$number>::MAX;

            fn next(self) -> Self {
                self.saturating_add(1)
            }

            fn before(self) -> Self {
                self.saturating_sub(1)
            }
        })*
    };
}

bound! { u16 u128 }

/// What rules' lists are of.
pub(super) trait Element: Copy {
    type Bound: Bound;
    const KIND: Kind;

    fn range(self) -> (Self::Bound, Self::Bound);
    fn parse(text: &str, variables: &Variables) -> Result<List<Self>, String>;
}

impl Element for Address {
    type Bound = u128;
    const KIND: Kind = Kind::Address;

    fn range(self) -> (u128, u128) {
        (bits(self.first), bits(self.last))
    }

    fn parse(text: &str, variables: &Variables) -> Result<List<Self>, String> {
        List::<Address>::parse(text, variables).map_err(|fault| fault.reason)
    }
}

impl Element for PortRange {
    type Bound = u16;
    const KIND: Kind = Kind::Port;

    fn range(self) -> (u16, u16) {
        (self.first, self.last)
    }

    fn parse(text: &str, variables: &Variables) -> Result<List<Self>, String> {
        List::<PortRange>::parse(text, variables).map_err(|fault| fault.reason)
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

/// Resolves lists; each variable once, equal sets into one.
#[derive(Debug)]
pub(super) struct Resolver<'a, T: Element> {
    variables: &'a Variables,
    known: HashMap<Box<str>, Result<Ranges<T::Bound>, String>, RandomState>,
    numbers: HashMap<Ranges<T::Bound>, u32, RandomState>,
    sets: Vec<Ranges<T::Bound>>,
}

impl<'a, T: Element> Resolver<'a, T> {
    pub(super) fn new(variables: &'a Variables) -> Self {
        Resolver { variables, known: HashMap::default(), numbers: HashMap::default(), sets: Vec::new() }
    }

    /// The place of a list's set among [`Resolver::sets`].
    pub(super) fn set(&mut self, list: &List<T>) -> Result<u32, String> {
        let ranges = self.list(list, 0)?;
        if ranges.is_empty() {
            return Err("everything is excluded, so this can never match".into());
        }
        if let Some(known) = self.numbers.get(&ranges) {
            return Ok(*known);
        }
        let number = u32::try_from(self.sets.len()).map_err(|_| "too many sets")?;
        self.sets.push(ranges.clone());
        self.numbers.insert(ranges, number);
        Ok(number)
    }

    pub(super) fn get(&self, set: u32) -> Option<&Ranges<T::Bound>> {
        self.sets.get(set as usize)
    }

    pub(super) fn sets(self) -> Box<[Ranges<T::Bound>]> {
        self.sets.into()
    }

    fn list(&mut self, list: &List<T>, depth: usize) -> Result<Ranges<T::Bound>, String> {
        let List::Entries(entries) = list else { return Ok(Ranges::all()) };
        let (mut inside, mut outside, mut any) = (Gathered::default(), Gathered::default(), false);
        let mut named = HashSet::<(bool, &str), RandomState>::default();
        for entry in entries {
            // A variable can be long, and to name it again adds nothing.
            if let Item::Variable(name) = &entry.item
                && !named.insert((entry.negated, name))
            {
                continue;
            }
            let ranges = match &entry.item {
                Item::One(one) => Ranges([one.range()].into()),
                Item::List(list) => self.list(list, depth)?,
                Item::Variable(name) => self.variable(name, depth)?,
            };
            if entry.negated {
                outside.extend(ranges.iter());
            } else {
                any = true;
                inside.extend(ranges.iter());
            }
        }
        let inside = if any { inside.union() } else { Ranges::all() };
        let outside = outside.union();
        if outside.is_empty() {
            return Ok(inside);
        }
        Ok(inside.intersection(&outside.complement()))
    }

    fn variable(&mut self, name: &str, depth: usize) -> Result<Ranges<T::Bound>, String> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        if depth >= MAX_DEPTH {
            return Err(format!("${name} stands for itself, or for variables in more than {MAX_DEPTH} layers"));
        }
        let value = self.variables.get(T::KIND, name).ok_or_else(|| format!("${name} is not defined"))?;
        let list = T::parse(value, self.variables).map_err(|reason| format!("${name}: {reason}"));
        let ranges = list.and_then(|list| self.list(&list, depth + 1));
        self.known.insert(name.into(), ranges.clone());
        ranges
    }
}

/// Ranges that are put together, united whenever they have become twice as many.
#[derive(Debug)]
struct Gathered<T> {
    all: Vec<(T, T)>,
    room: usize,
}

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Gathered { all: Vec::new(), room: 4096 }
    }
}

impl<T: Bound> Gathered<T> {
    fn extend(&mut self, ranges: impl Iterator<Item = (T, T)>) {
        self.all.extend(ranges);
        if self.all.len() > self.room {
            self.all = Ranges::union(std::mem::take(&mut self.all)).0.into_vec();
            self.room = self.room.max(2 * self.all.len());
        }
    }

    fn union(self) -> Ranges<T> {
        Ranges::union(self.all)
    }
}

/// How deep variables may stand for variables.
const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(text: &str) -> Result<Vec<(u16, u16)>, String> {
        let mut variables = Variables::default();
        variables.set(Kind::Port, "LOOP", "$LOOP");
        let mut resolver = Resolver::<PortRange>::new(&variables);
        let set = resolver.set(&PortRange::parse(text, &variables)?)?;
        Ok(resolver.get(set).unwrap().iter().collect())
    }

    #[test]
    fn lists_become_ranges() {
        assert_eq!(ports("[80,81,90:100,95:110]").unwrap(), [(80, 81), (90, 110)]);
        assert_eq!(ports("!80").unwrap(), [(0, 79), (81, u16::MAX)]);
        assert_eq!(ports("[1:100,![10:20,30]]").unwrap(), [(1, 9), (21, 29), (31, 100)]);
        assert_eq!(ports("![0:65534]").unwrap(), [(65535, 65535)]);
        assert_eq!(ports("$SHELLCODE_PORTS").unwrap(), [(0, 79), (81, u16::MAX)]);
        assert!(ports("[80,!$HTTP_PORTS]").is_err());
        assert!(ports("$LOOP").unwrap_err().contains("itself"));
    }

    #[test]
    fn variables_of_addresses() {
        let variables = Variables::default();
        let mut resolver = Resolver::<Address>::new(&variables);
        let mut set = |text: &str| resolver.set(&Address::parse(text, &variables).unwrap()).unwrap();
        let (home, away, home_again) = (set("$HOME_NET"), set("$EXTERNAL_NET"), set("[$HTTP_SERVERS]"));
        assert_eq!(home, home_again);
        let of = |text: &str| bits(text.parse().unwrap());
        for (address, inside) in
            [("10.1.2.3", true), ("11.0.0.0", false), ("192.168.255.255", true), ("fe80::1", false)]
        {
            assert_eq!(resolver.get(home).unwrap().contains(of(address)), inside, "{address}");
            assert_eq!(resolver.get(away).unwrap().contains(of(address)), !inside, "{address}");
        }
    }

    /// A list may name a variable 8192 times, and that another as often.
    #[test]
    fn variables_that_are_named_again_and_again_take_no_room() {
        let mut variables = Variables::default();
        let many = |name: &str| format!("[{}]", vec![name; 8000].join(","));
        let ports: Vec<String> = (0..8000).map(|port| (port * 2).to_string()).collect();
        variables.set(Kind::Port, "A", &format!("[{}]", ports.join(",")));
        for (name, of) in [("B", "$A"), ("C", "$B"), ("D", "$C"), ("E", "$D")] {
            variables.set(Kind::Port, name, &many(of));
        }
        let mut resolver = Resolver::<PortRange>::new(&variables);
        for list in ["$E", "![$E,$A,$E]", "[!$D,$A,1:60000]"] {
            let set = resolver.set(&PortRange::parse(list, &variables).unwrap()).unwrap();
            assert!((8000..=8001).contains(&resolver.get(set).unwrap().iter().count()), "{list}");
        }
    }
}
