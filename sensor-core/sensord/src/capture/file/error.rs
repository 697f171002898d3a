//! Why a capture can't be read, or not to its end.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A capture that can't be read, or not to its end. Every message names the file and the cause, and the offset where
/// there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file can't be opened.
    #[error("{}: cannot be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// The file is something else, or a version nobody knows.
    #[error("{}: not a capture that can be read: {cause} (at {place})", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Where that shows.
        place: Place,
        /// What it is.
        cause: String,
    },
    /// The file is truncated or corrupt from here on.
    #[error("{}: damaged at {place}: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged record or compressed piece starts.
        place: Place,
        /// What is wrong.
        cause: String,
    },
    /// The operating system failed to read.
    #[error("{}: cannot be read at {place}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// How far it was read.
        place: Place,
        /// The operating system's word.
        source: io::Error,
    },
}

/// An offset, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of the file as stored.
    File(u64),
    /// Of what decompressing the file gives.
    Decompressed(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(offset) => write!(f, "byte {offset} of the file"),
            Place::Decompressed(offset) => write!(f, "byte {offset} of the decompressed stream"),
        }
    }
}
