//! What is wrong with a file of a log.

use std::fmt;
use std::path::PathBuf;

/// A place of a file that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Bytes from there on that are given up.
    pub bytes: u64,
    /// What is wrong there: a sentence about the file.
    pub what: String,
    /// First and last of the events that are lost by it, where any were acknowledged.
    pub lost: Option<(u64, u64)>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { file, offset, bytes, what, lost } = self;
        write!(f, "{}: {what} at byte {offset}; {bytes} bytes from there on are given up", file.display())?;
        match lost {
            Some((first, last)) if first == last => write!(f, ", event {first} is lost"),
            Some((first, last)) => write!(f, ", events {first} to {last} are lost"),
            None => f.write_str(", no acknowledged event is lost"),
        }
    }
}
