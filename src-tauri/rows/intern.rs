//! Texts that many rows share, each kept once for as long as a row uses it.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Names a kept text.
pub type TextId = u32;

/// Texts counted by use: bounded by the rows that use them.
#[derive(Default)]
pub struct Texts {
    entries: Vec<Entry>,
    free: Vec<TextId>,
    ids: HashTable<TextId>,
    hasher: RandomState,
}

impl Texts {
    /// Counts one more use of the text.
    pub fn take(&mut self, text: &str) -> TextId {
        let hash = self.hasher.hash_one(text);
        if let Some(&id) = self.ids.find(hash, |&id| &*self.entries[id as usize].text == text) {
            self.entries[id as usize].uses += 1;
            return id;
        }
        let entry = Entry { text: text.into(), uses: 1 };
        let id = match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = entry;
                id
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as TextId
            }
        };
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.ids.insert_unique(hash, id, |&id| hasher.hash_one(&*entries[id as usize].text));
        id
    }

    /// Counts one use less; the last one forgets the text.
    pub fn release(&mut self, id: TextId) {
        let entry = &mut self.entries[id as usize];
        entry.uses -= 1;
        if entry.uses > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&*entry.text);
        if let Ok(found) = self.ids.find_entry(hash, |&other| other == id) {
            found.remove();
        }
        self.entries[id as usize].text = Arc::default();
        self.free.push(id);
    }

    /// The text.
    pub fn get(&self, id: TextId) -> &str {
        &self.entries[id as usize].text
    }

    /// Texts kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.ids.len()
    }
}

struct Entry {
    text: Arc<str>,
    uses: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_forgotten_with_its_last_use() {
        let mut texts = Texts::default();
        let (dns, tls, again) = (texts.take("dns"), texts.take("tls"), texts.take("dns"));
        assert_eq!((dns, texts.len()), (again, 2));
        texts.release(dns);
        assert_eq!((texts.get(dns), texts.get(tls)), ("dns", "tls"));
        texts.release(again);
        assert_eq!(texts.len(), 1);
        assert_eq!(texts.take("http"), dns, "the place is used again");
        assert_eq!(texts.get(dns), "http");
    }
}
