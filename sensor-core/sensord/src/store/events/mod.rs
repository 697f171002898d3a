//! Events in the order in which they were made, each under a sequence number that is given once: on disk ([`EventLog`]),
//! or the newest ones in memory ([`Ring`]).
//!
//! The log is a folder of segments, files that are only appended to. A segment is named by the number of its first event
//! and begins with a header; then come records, each under a checksum. To flush is to acknowledge: readers are told only
//! what is on the disk, so nobody has seen what a crash takes away. How far that is stands in a file beside the segments
//! (`acknowledged`), because the end of a file doesn't tell what was cut off it.
//!
//! What can't be read is a gap: a range of numbers that a reader is told in place of the events.

mod damage;
mod folder;
mod log;
mod mark;
mod reader;
mod record;
mod recover;
mod ring;
mod segment;
mod source;
mod writer;

use std::path::PathBuf;

pub use damage::Damage;
pub use folder::make as make_folder;
pub use log::{EventLog, Settings};
pub use reader::Reader;
pub use record::MAX_BODY;
pub use ring::{RING_BYTES, RING_EVENTS, Ring};
pub use source::{Cursor, Events, Part};
pub use writer::Writer;

/// An event that could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// A file or folder of the log.
    #[error("{}: cannot be {what}: {source}", path.display())]
    Io {
        /// What was tried, as a participle.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The log could not be written for so long that no more events can wait.
    #[error("{}: cannot be written, and no more events can wait: {why}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What came of the last try.
        why: String,
    },
    /// Another process writes this log.
    #[error("{}: another process writes this log", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A body over [`MAX_BODY`].
    #[error("an event of {0} bytes is over the limit of {MAX_BODY}")]
    TooLong(usize),
}

/// With the path.
fn failed(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> EventsError {
    let path = path.into();
    move |source| EventsError::Io { what, path, source }
}

#[cfg(test)]
mod tests;
