//! The list of viewers, as `authorized_keys` is one: a line for each, to be read and edited by people too.
//!
//! ```text
//! KEY RIGHTS ADDED NAME        may look
//! KEY revoked WHEN NAME        was taken away: kept so that it can be named when it knocks
//! ```
//!
//! Lines that are none of these stay as they are and accept nobody.

use std::fmt;

use sensor_link::PublicKey;

use super::{Rights, StateError, printable};

/// Viewers on the list at most; as many that were revoked, of which the oldest give way.
pub const MAX_VIEWERS: usize = 1_000;

/// A viewer that the sensor accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who it is.
    pub key: PublicKey,
    /// What it may do.
    pub rights: Rights,
    /// When it was put on the list, in UTC.
    pub added: String,
    /// For people; may be empty.
    pub name: String,
}

/// What the list says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// It may look.
    Accepted(&'a Viewer),
    /// It was taken away.
    Revoked,
    /// Nothing.
    Stranger,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct Viewers {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
enum Line {
    Viewer(Viewer),
    Revoked { key: PublicKey, when: String, name: String },
    Other(String),
}

impl Viewers {
    pub(super) fn parse(text: &str) -> Viewers {
        Viewers { lines: text.lines().map(Line::parse).collect() }
    }

    /// Those accepted, in order of the file.
    pub fn accepted(&self) -> impl Iterator<Item = &Viewer> {
        self.lines.iter().filter_map(|line| if let Line::Viewer(viewer) = line { Some(viewer) } else { None })
    }

    /// What it says of a key. A key that was taken away anywhere in the list is not accepted elsewhere in it.
    pub fn find(&self, wanted: &PublicKey) -> Known<'_> {
        if self.lines.iter().any(|line| matches!(line, Line::Revoked { key, .. } if key == wanted)) {
            return Known::Revoked;
        }
        self.accepted().find(|viewer| viewer.key == *wanted).map_or(Known::Stranger, Known::Accepted)
    }

    /// Puts a viewer on the list, in place of what it says of the key so far.
    pub fn put(&mut self, viewer: Viewer) -> Result<(), StateError> {
        self.lines.retain(|line| line.key() != Some(&viewer.key));
        if self.accepted().count() >= MAX_VIEWERS {
            return Err(StateError::Full);
        }
        self.lines.push(Line::Viewer(Viewer { name: printable(&viewer.name), ..viewer }));
        Ok(())
    }

    /// Takes away the viewers that `whom` chooses, at the time `when`; those that were.
    pub fn revoke(&mut self, when: &str, whom: impl Fn(&Viewer) -> bool) -> Vec<Viewer> {
        let gone: Vec<Viewer> = self.accepted().filter(|viewer| whom(viewer)).cloned().collect();
        self.lines.retain(|line| line.key().is_none_or(|key| gone.iter().all(|viewer| viewer.key != *key)));
        let line =
            |viewer: &Viewer| Line::Revoked { key: viewer.key, when: when.to_owned(), name: viewer.name.clone() };
        self.lines.extend(gone.iter().map(line));
        let revoked = self.lines.iter().filter(|line| matches!(line, Line::Revoked { .. })).count();
        let mut surplus = revoked.saturating_sub(MAX_VIEWERS);
        self.lines.retain(|line| {
            let goes = surplus > 0 && matches!(line, Line::Revoked { .. });
            surplus -= usize::from(goes);
            !goes
        });
        gone
    }
}

/// The text of the file.
impl fmt::Display for Viewers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.lines.iter().any(|line| matches!(line, Line::Other(text) if text == HEADING)) {
            writeln!(f, "{HEADING}")?;
        }
        self.lines.iter().try_for_each(|line| match line {
            Line::Viewer(Viewer { key, rights, added, name }) => writeln!(f, "{key} {rights} {added} {name}"),
            Line::Revoked { key, when, name } => writeln!(f, "{key} {REVOKED} {when} {name}"),
            Line::Other(text) => writeln!(f, "{text}"),
        })
    }
}

impl Line {
    fn parse(line: &str) -> Line {
        let mut words = line.trim().splitn(4, ' ');
        let key = words.next().and_then(|key| key.parse().ok());
        let (Some(key), Some(rights), Some(when)) = (key, words.next(), words.next()) else {
            return Line::Other(line.to_owned());
        };
        let (when, name) = (when.to_owned(), printable(words.next().unwrap_or_default()));
        match rights.parse() {
            Ok(rights) => Line::Viewer(Viewer { key, rights, added: when, name }),
            Err(_) if rights == REVOKED => Line::Revoked { key, when, name },
            Err(_) => Line::Other(line.to_owned()),
        }
    }

    fn key(&self) -> Option<&PublicKey> {
        match self {
            Line::Viewer(viewer) => Some(&viewer.key),
            Line::Revoked { key, .. } => Some(key),
            Line::Other(_) => None,
        }
    }
}

const REVOKED: &str = "revoked";
const HEADING: &str = "# Who may look: key, rights, when, name. A line taken away ends that viewer's session.";

#[cfg(test)]
mod tests {
    use sensor_link::KeyPair;

    use super::*;

    fn viewer(name: &str) -> Viewer {
        let key = KeyPair::generate().unwrap().public();
        Viewer { key, rights: Rights::WATCH, added: "2026-12-01T00:00:00Z".into(), name: name.into() }
    }

    #[test]
    fn what_is_written_is_read_and_foreign_lines_stay() {
        let mut viewers = Viewers::parse("# mine\n\nnot a line\n");
        let (anna, bob) = (viewer("Anna's desk"), viewer(""));
        viewers.put(anna.clone()).unwrap();
        viewers.put(bob.clone()).unwrap();
        let text = viewers.to_string();
        let mut again = Viewers::parse(&text);
        assert_eq!(again.accepted().cloned().collect::<Vec<_>>(), [anna.clone(), bob.clone()]);
        assert!(text.contains("# mine\n\nnot a line\n"), "{text}");
        assert_eq!(again.to_string(), text, "the heading comes once");
        assert_eq!(again.revoke("now", |viewer| viewer.name.starts_with("Anna")).len(), 1);
        let last = Viewers::parse(&again.to_string());
        assert_eq!(last.find(&anna.key), Known::Revoked);
        assert_eq!(last.find(&bob.key), Known::Accepted(&bob));
        assert_eq!(last.find(&viewer("").key), Known::Stranger);
    }

    #[test]
    fn a_line_by_hand_cannot_undo_a_revocation_and_pairing_anew_can() {
        let anna = viewer("anna");
        let mut viewers = Viewers::parse(&format!("{} revoked then\n{} watch now anna\n", anna.key, anna.key));
        assert_eq!(viewers.find(&anna.key), Known::Revoked);
        viewers.put(anna.clone()).unwrap();
        assert_eq!(viewers.find(&anna.key), Known::Accepted(&anna));
    }

    #[test]
    fn lines_that_are_damaged_accept_nobody() {
        let key = viewer("").key;
        for line in [format!("{key}"), format!("{key} watch"), format!("{key} all now"), format!("x{key} watch now")] {
            let viewers = Viewers::parse(&line);
            assert_eq!(viewers.find(&key), Known::Stranger, "{line}");
            assert!(viewers.to_string().contains(&line));
        }
    }

    #[test]
    fn a_name_cannot_make_a_line() {
        let mut viewers = Viewers::default();
        let strange = Viewer { name: "a\nb\x1b[2J".into(), ..viewer("") };
        viewers.put(strange).unwrap();
        assert_eq!(Viewers::parse(&viewers.to_string()).accepted().next().unwrap().name, "ab[2J");
    }

    #[test]
    fn the_list_has_an_end() {
        let mut viewers = Viewers::default();
        for _ in 0..MAX_VIEWERS {
            viewers.lines.push(Line::Viewer(viewer("")));
        }
        assert!(matches!(viewers.put(viewer("")), Err(StateError::Full)));
        let first = viewers.accepted().next().unwrap().key;
        assert!(viewers.put(Viewer { key: first, ..viewer("again") }).is_ok());
        assert_eq!(viewers.revoke("now", |_| true).len(), MAX_VIEWERS);
        viewers.put(viewer("one")).unwrap();
        viewers.revoke("later", |_| true);
        assert_eq!(viewers.lines.len(), MAX_VIEWERS, "the oldest revoked line gave way");
    }
}
