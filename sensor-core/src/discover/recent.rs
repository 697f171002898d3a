//! A map that knows which entry was touched longest ago, or nearly so.

use std::hash::Hash;

use hashbrown::HashMap;

/// Entries by key, in the order of their last touch. The caller bounds it with [`Recent::pop_oldest`].
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V> {
    places: HashMap<K, usize, foldhash::fast::RandomState>,
    slots: Vec<Slot<K, V>>,
    free: Vec<usize>,
    oldest: usize,
    newest: usize,
    /// Entries that were made the newest so far.
    clock: usize,
}

#[derive(Clone, Debug)]
struct Slot<K, V> {
    entry: Option<(K, V)>,
    /// The clock when this was made the newest.
    stamp: usize,
    older: usize,
    newer: usize,
}

const NONE: usize = usize::MAX;

/// Below this the order is exact: such a table lies in the cache.
const SMALL: usize = 1024;

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    pub(crate) fn new() -> Self {
        Recent { places: HashMap::default(), slots: Vec::new(), free: Vec::new(), oldest: NONE, newest: NONE, clock: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let slot = self.slots.get(*self.places.get(key)?)?;
        slot.entry.as_ref().map(|(_, value)| value)
    }

    /// The entry, untouched.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let slot = self.slots.get_mut(*self.places.get(key)?)?;
        slot.entry.as_mut().map(|(_, value)| value)
    }

    /// The entry, which becomes the newest. In a large table one that is among the newest quarter stays where it is:
    /// its neighbours are cache misses.
    pub(crate) fn touch(&mut self, key: &K) -> Option<&mut V> {
        let place = *self.places.get(key)?;
        let age = self.clock - self.slots.get(place)?.stamp;
        if age > 0 && (age > self.places.len() / 4 || self.places.len() < SMALL) {
            self.unlink(place);
            self.link(place);
        }
        self.slots.get_mut(place)?.entry.as_mut().map(|(_, value)| value)
    }

    /// Puts an entry in as the newest; what was under the key before is dropped.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        let slot = Slot { entry: Some((key, value)), stamp: 0, older: NONE, newer: NONE };
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(free) = self.slots.get_mut(place) {
                    *free = slot;
                }
                place
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.places.insert(key, place);
        self.link(place);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.places.remove(key)?;
        self.unlink(place);
        self.free.push(place);
        self.slots.get_mut(place)?.entry.take().map(|(_, value)| value)
    }

    pub(crate) fn pop_oldest(&mut self) -> Option<(K, V)> {
        let key = self.slots.get(self.oldest)?.entry.as_ref()?.0;
        self.remove(&key).map(|value| (key, value))
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref()).map(|(key, value)| (key, value))
    }

    fn link(&mut self, place: usize) {
        let before = self.newest;
        self.clock += 1;
        if let Some(slot) = self.slots.get_mut(place) {
            (slot.older, slot.newer, slot.stamp) = (before, NONE, self.clock);
        }
        match self.slots.get_mut(before) {
            Some(slot) => slot.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }

    fn unlink(&mut self, place: usize) {
        let Some((older, newer)) = self.slots.get(place).map(|slot| (slot.older, slot.newer)) else { return };
        match self.slots.get_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_with_an_order(steps in prop::collection::vec((0u8..4, 0u8..16), 0..200)) {
            let mut recent = Recent::new();
            // Oldest first.
            let mut model: Vec<(u8, usize)> = Vec::new();
            for (i, (what, key)) in steps.into_iter().enumerate() {
                let at = model.iter().position(|(k, _)| *k == key);
                match what {
                    0 => {
                        at.map(|at| model.remove(at));
                        model.push((key, i));
                        recent.insert(key, i);
                    }
                    1 => {
                        let expected = at.map(|at| model.remove(at));
                        model.extend(expected);
                        prop_assert_eq!(recent.touch(&key).copied(), expected.map(|(_, value)| value));
                    }
                    2 => {
                        let expected = at.map(|at| model.remove(at).1);
                        prop_assert_eq!(recent.remove(&key), expected);
                    }
                    _ => {
                        let expected = if model.is_empty() { None } else { Some(model.remove(0)) };
                        prop_assert_eq!(recent.pop_oldest(), expected);
                    }
                }
                prop_assert_eq!(recent.len(), model.len());
                prop_assert_eq!(recent.iter().count(), model.len());
            }
        }
    }

    #[test]
    fn in_a_large_table_what_is_touched_outlives_most_of_what_comes_after_it() {
        let mut recent = Recent::new();
        for key in 0..10_000 {
            recent.insert(key, ());
        }
        // Touched while new, so it stays where it is; then others come until it is the oldest.
        recent.touch(&9_000);
        let mut next = 10_000;
        while recent.get(&9_000).is_some() {
            recent.insert(next, ());
            recent.pop_oldest();
            next += 1;
        }
        assert!(next - 10_000 > 7_500, "gone after {} others", next - 10_000);
        // And the order is kept where it is touched when old.
        recent.touch(&(next - 9_990));
        for _ in 0..9_000 {
            recent.insert(next, ());
            recent.pop_oldest();
            next += 1;
        }
        assert!(recent.get(&(next - 18_990)).is_some());
    }
}
