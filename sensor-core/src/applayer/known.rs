//! What a flow's messages refer to later: open files, reads that wait.

use std::collections::VecDeque;

/// What is known under keys, at most [`MOST_KNOWN`]: the oldest give way.
#[derive(Debug)]
pub(super) struct Known<K, V>(VecDeque<(K, V)>);

/// Things of one kind that are known of a flow at a time.
const MOST_KNOWN: usize = 512;

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Known(VecDeque::new())
    }
}

impl<K: PartialEq, V> Known<K, V> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.0.iter()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        if self.0.len() >= MOST_KNOWN {
            self.0.pop_front();
        }
        self.0.push_back((key, value));
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.0.iter().rposition(|(known, _)| known == key)?;
        self.0.remove(place).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way() {
        let mut known = Known::default();
        (0..MOST_KNOWN + 2).for_each(|key| known.insert(key, key * 10));
        known.insert(5, 7);
        assert_eq!((known.get(&0), known.get(&1), known.get(&2), known.get(&5)), (None, None, Some(&20), Some(&7)));
        assert_eq!((known.iter().count(), known.remove(&5), known.remove(&5)), (MOST_KNOWN, Some(7), None));
    }
}
