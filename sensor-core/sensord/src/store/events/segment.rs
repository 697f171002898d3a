//! A segment: its name and its header.
//!
//! Header: `NJEVENTS`, version (4 bytes, little-endian), log id (16), number of the first event (8), CRC-32 of these (4).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sensor_wire::event::LogId;

/// Bytes of a header.
pub(super) const HEADER: u64 = 40;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) log: LogId,
    pub(super) first: u64,
}

impl Header {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER as usize);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.log.0);
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Header, &'static str> {
        let (head, checksum) =
            bytes.get(..HEADER as usize).and_then(<[u8]>::split_last_chunk).ok_or("has no header")?;
        if crc32fast::hash(head).to_le_bytes() != *checksum {
            return Err("has a header with a wrong checksum");
        }
        let parts = || {
            let (version, rest) = head.strip_prefix(MAGIC)?.split_first_chunk()?;
            let (log, rest) = rest.split_first_chunk()?;
            Some((u32::from_le_bytes(*version), LogId(*log), u64::from_le_bytes(*rest.first_chunk()?)))
        };
        match parts() {
            Some((VERSION, log, first)) => Ok(Header { log, first }),
            Some(_) => Err("is of another version"),
            None => Err("is no segment"),
        }
    }
}

/// Where the segment lies that begins with this event.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{EXTENSION}"))
}

/// First events of all segments in a folder by their names, in order. Other files are left alone.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in fs::read_dir(folder)? {
        firsts.extend(entry?.file_name().to_str().and_then(first_of));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let first = digits.parse().ok().filter(|first| *first > 0)?;
    // One name a segment: no sign, all zeros.
    (format!("{first:020}") == digits).then_some(first)
}

const MAGIC: &[u8] = b"NJEVENTS";
const VERSION: u32 = 1;
const EXTENSION: &str = "events";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_written_field_by_field() {
        let header = Header { log: LogId([9; 16]), first: 513 };
        let bytes = header.bytes();
        let fields = [&b"NJEVENTS"[..], &[1, 0, 0, 0], &[9; 16], &[1, 2, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!(bytes, [&fields[..], &crc32fast::hash(&fields).to_le_bytes()].concat());
        assert_eq!(bytes.len() as u64, HEADER);
        assert_eq!(Header::read(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::read(&wrong).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert_eq!(Header::read(&bytes[..end]), Err("has no header"));
        }
    }

    #[test]
    fn names_tell_the_first_event() {
        assert_eq!(path(Path::new("a"), 7), Path::new("a/00000000000000000007.events"));
        assert_eq!(first_of("00000000000000000007.events"), Some(7));
        for other in ["7.events", "00000000000000000000.events", "+0000000000000000007.events", "lock", ".events"] {
            assert_eq!(first_of(other), None, "{other}");
        }
    }
}
