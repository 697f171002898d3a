//! The hash table that finds a flow's index: open addressing with linear probing.

use super::FlowIndex;

/// Hashes and indices, at most half of the places taken. Eight bytes a place, so that a cache line has eight candidates,
/// and a flow is looked at only if all 32 bits of its hash are equal. The hash lies in the place, so that neither growing
/// nor taking out looks at any flow.
#[derive(Debug)]
pub struct Slots {
    /// A power of two.
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u32,
    /// Index of the flow plus one; 0 is empty.
    flow: u32,
}

impl Slots {
    /// None taken.
    pub fn new() -> Slots {
        Slots { slots: vec![Slot::default(); FIRST_SLOTS], taken: 0 }
    }

    /// Reads where candidates begin; see [`FlowTable::touch`](super::FlowTable::touch).
    #[inline]
    pub fn touch(&self, hash: u32) -> u32 {
        self.slots.get(self.home(hash)).map_or(0, |slot| slot.flow)
    }

    /// The first flow that has this hash.
    #[inline]
    pub fn first(&self, hash: u32) -> Option<FlowIndex> {
        let mask = self.slots.len() - 1;
        let mut at = self.home(hash);
        loop {
            let slot = self.slots.get(at)?;
            if slot.flow == 0 || slot.hash == hash {
                return slot.flow.checked_sub(1);
            }
            at = (at + 1) & mask;
        }
    }

    /// The flows that have this hash.
    #[inline]
    pub fn all(&self, hash: u32) -> impl Iterator<Item = FlowIndex> + '_ {
        let mask = self.slots.len() - 1;
        let from = self.home(hash);
        (0..=mask)
            .map_while(move |n| self.slots.get((from + n) & mask).filter(|slot| slot.flow != 0))
            .filter(move |slot| slot.hash == hash)
            .map(|slot| slot.flow - 1)
    }

    /// Puts a flow in.
    pub fn insert(&mut self, hash: u32, flow: FlowIndex) {
        if (self.taken + 1) * 2 > self.slots.len() {
            self.grow();
        }
        self.taken += 1;
        self.put(Slot { hash, flow: flow + 1 });
    }

    /// Takes a flow out, if it is in, and moves the ones behind it forward, so that no tombstones are left (Knuth, vol. 3,
    /// 6.4 R).
    pub fn remove(&mut self, hash: u32, flow: FlowIndex) {
        let mask = self.slots.len() - 1;
        let mut hole = self.home(hash);
        let is_it = |slot: &Slot| slot.flow == flow + 1 && slot.hash == hash;
        while let Some(slot) = self.slots.get(hole).filter(|slot| !is_it(slot)) {
            if slot.flow == 0 {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.taken -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(slot) = self.slots.get(at).copied().filter(|slot| slot.flow != 0) else { break };
            // Movable unless its home lies cyclically behind the hole.
            if at.wrapping_sub(self.home(slot.hash)) & mask >= at.wrapping_sub(hole) & mask {
                if let Some(place) = self.slots.get_mut(hole) {
                    *place = slot;
                }
                hole = at;
            }
        }
        if let Some(place) = self.slots.get_mut(hole) {
            *place = Slot::default();
        }
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.slots.fill(Slot::default());
        self.taken = 0;
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn put(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = self.home(slot.hash);
        while let Some(place) = self.slots.get_mut(at) {
            if place.flow == 0 {
                *place = slot;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| slot.flow != 0) {
            self.put(slot);
        }
    }
}

const FIRST_SLOTS: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes that meet at few homes, and some at the table's end: what is in is found, what is out is not.
        #[test]
        fn it_holds_what_a_set_holds(steps in prop::collection::vec((any::<bool>(), 0u32..6, 0u32..40), 0..400)) {
            let mut slots = Slots::new();
            let mut set = BTreeSet::new();
            for (insert, hash, flow) in steps {
                // Homes 4094, 4095 and 0; two hashes at each.
                let hash = (4094 + hash % 3) % 4096 + (hash / 3) * 4096;
                match insert {
                    true if !set.contains(&(hash, flow)) && set.iter().all(|(_, f)| *f != flow) => {
                        set.insert((hash, flow));
                        slots.insert(hash, flow);
                    }
                    true => {}
                    false => {
                        set.remove(&(hash, flow));
                        slots.remove(hash, flow);
                    }
                }
                for hash in [4094, 4095, 0, 8190, 8191, 4096] {
                    let found: BTreeSet<_> = slots.all(hash).map(|flow| (hash, flow)).collect();
                    let wanted: BTreeSet<_> = set.iter().filter(|(h, _)| *h == hash).copied().collect();
                    prop_assert_eq!(found, wanted);
                }
            }
            prop_assert_eq!(slots.taken, set.len());
        }
    }

    #[test]
    fn it_grows_and_is_emptied() {
        let mut slots = Slots::new();
        let hash = |flow: u32| flow.wrapping_mul(0x9e37_79b1);
        for flow in 0..100_000 {
            slots.insert(hash(flow), flow);
        }
        assert!((0..100_000).all(|flow| slots.first(hash(flow)) == Some(flow)));
        assert_eq!(slots.slots.len(), 1 << 18);
        slots.clear();
        assert!((0..100_000).all(|flow| slots.first(hash(flow)).is_none()));
    }
}
