//! The open captures, files and interfaces, and their names.

use std::path::{Path, PathBuf};

use sensor_wire::live::Status;
use sensor_wire::view::{self, LinkState, SourceId, Wire};

use crate::error::AppError;
use crate::pace::Meter;
use crate::sensors::Sensor;

/// Captures that may be open at once: each has a sensor's process.
pub const MAX_SOURCES: usize = 32;

/// Longest name, in characters.
const MAX_NAME: usize = 60;

/// Where a source's packets come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A capture file.
    File(PathBuf),
    /// An interface of this machine.
    Interface(Wire),
}

impl Origin {
    /// What a source of it is called at first.
    pub fn name(&self) -> String {
        match self {
            Origin::File(path) => name_of(path),
            Origin::Interface(wire) => clean(&wire.interface).unwrap_or_else(|| "interface".into()),
        }
    }

    /// Under what the name that the user gave it is kept. Paths are whole and so never begin like this.
    pub fn key(&self) -> String {
        match self {
            Origin::File(path) => path.to_string_lossy().into_owned(),
            Origin::Interface(wire) => format!("interface:{}", wire.interface),
        }
    }

    /// As the page is told of it.
    pub fn view(&self) -> view::Origin {
        match self {
            Origin::File(path) => view::Origin::File(path.to_string_lossy().into_owned()),
            Origin::Interface(wire) => view::Origin::Interface(wire.clone()),
        }
    }
}

/// One open capture.
#[derive(Debug)]
pub(crate) struct Source {
    pub id: SourceId,
    pub name: String,
    pub origin: Origin,
    pub link: LinkState,
    pub status: Status,
    pub meter: Meter,
    /// `None` once it died.
    pub sensor: Option<Sensor>,
}

/// All open captures, in the order they were opened.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    list: Vec<Source>,
    last: SourceId,
}

impl Sources {
    /// An id that was never used, unless the house is full.
    pub fn next_id(&mut self) -> Result<SourceId, AppError> {
        if self.list.len() >= MAX_SOURCES {
            return Err(AppError::TooManySources(format!("{MAX_SOURCES} are open")));
        }
        self.last += 1;
        Ok(self.last)
    }

    pub fn add(&mut self, source: Source) {
        self.list.push(source);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Source> {
        self.list.iter_mut()
    }

    pub fn get(&self, id: SourceId) -> Result<&Source, AppError> {
        self.list.iter().find(|source| source.id == id).ok_or(AppError::UnknownSource)
    }

    pub fn get_mut(&mut self, id: SourceId) -> Result<&mut Source, AppError> {
        self.list.iter_mut().find(|source| source.id == id).ok_or(AppError::UnknownSource)
    }

    pub fn remove(&mut self, id: SourceId) -> Result<Source, AppError> {
        let at = self.list.iter().position(|source| source.id == id).ok_or(AppError::UnknownSource)?;
        Ok(self.list.remove(at))
    }

    pub fn take_all(&mut self) -> Vec<Source> {
        std::mem::take(&mut self.list)
    }

    /// The wanted name, with a number where another source has it already.
    pub fn unique(&self, wanted: &str, itself: Option<SourceId>) -> String {
        let taken = |name: &str| self.list.iter().any(|source| source.name == name && Some(source.id) != itself);
        if !taken(wanted) {
            return wanted.to_owned();
        }
        let mut number = 2u32;
        loop {
            let name = format!("{wanted} ({number})");
            if !taken(&name) {
                return name;
            }
            number += 1;
        }
    }
}

/// A source's first name: its file's, without what only says that it is a capture.
pub fn name_of(path: &Path) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut stem = file.as_str();
    for endings in [[".gz", ".zst", ""], [".pcapng", ".pcap", ".cap"]] {
        let ending = endings.iter().find(|ending| {
            let at = stem.len().checked_sub(ending.len()).filter(|&at| at > 0 && stem.is_char_boundary(at));
            !ending.is_empty() && at.is_some_and(|at| stem[at..].eq_ignore_ascii_case(ending))
        });
        if let Some(ending) = ending {
            stem = &stem[..stem.len() - ending.len()];
        }
    }
    clean(stem).unwrap_or_else(|| "capture".into())
}

/// A name without what would break a line or turn its direction; `None` if nothing is left.
pub fn clean(name: &str) -> Option<String> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let name: String = name.chars().filter(|&c| !hidden(c)).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn source(id: SourceId, name: &str) -> Source {
        let (link, status) = (LinkState::Starting, Status::default());
        let origin = Origin::File(PathBuf::new());
        Source { id, name: name.into(), origin, link, status, meter: Meter::new(Instant::now()), sensor: None }
    }

    #[test]
    fn names_come_from_files() {
        for (path, name) in [
            ("/a/office.pcap", "office"),
            ("office.PCAPNG.gz", "office"),
            ("x.cap.zst", "x"),
            ("notes.txt", "notes.txt"),
            (".pcap", ".pcap"),
            ("a\u{202e}b\n.pcap", "ab"),
            ("/", "capture"),
        ] {
            assert_eq!(name_of(Path::new(path)), name);
        }
    }

    #[test]
    fn an_interface_is_called_as_it_is_and_known_without_its_filter() {
        let origin = |filter: &str| Origin::Interface(Wire { interface: "eth0".into(), filter: filter.into() });
        assert_eq!(origin("tcp").name(), "eth0");
        assert_eq!(origin("tcp").key(), origin("").key());
        assert!(Path::new(&origin("").key()).is_relative());
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut sources = Sources::default();
        sources.add(source(1, "x"));
        sources.add(source(2, "x (2)"));
        assert_eq!(sources.unique("x", None), "x (3)");
        assert_eq!(sources.unique("x", Some(1)), "x");
        assert_eq!(sources.unique("y", None), "y");
    }

    #[test]
    fn ids_are_never_used_again_and_end() {
        let mut sources = Sources::default();
        for _ in 0..MAX_SOURCES {
            let id = sources.next_id().unwrap();
            sources.add(source(id, "x"));
        }
        assert_eq!(sources.next_id().map_err(|error| error.code()), Err("too_many_sources"));
        sources.remove(3).unwrap();
        assert_eq!(sources.next_id(), Ok(MAX_SOURCES as SourceId + 1));
        assert_eq!(sources.get(3).err(), Some(AppError::UnknownSource));
    }
}
