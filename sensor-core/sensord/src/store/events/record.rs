//! A record: how an event lies in a segment.
//!
//! Little-endian: length of the body (4 bytes), checksum (4), sequence number (8), time (8), kind (1), body. The checksum
//! is CRC-32 over all else of the record.

use crc32fast::Hasher;
use sensor_wire::Timestamp;

/// Longest body in bytes.
pub const MAX_BODY: usize = 64 << 10;

/// Bytes before the body.
pub(super) const HEAD: usize = 25;

/// An event as it lies in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) seq: u64,
    pub(super) time: Timestamp,
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

/// Why there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The bytes end within it.
    Cut,
    /// It is not what was written.
    Wrong(&'static str),
}

impl Record<'_> {
    /// Appends it; the body is at most [`MAX_BODY`].
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let length = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        out.extend(length.to_le_bytes());
        out.extend(self.checksum(length).to_le_bytes());
        out.extend(self.seq.to_le_bytes());
        out.extend(self.time.to_le_bytes());
        out.push(self.kind);
        out.extend_from_slice(self.body);
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        HEAD + self.body.len()
    }

    fn checksum(&self, length: u32) -> u32 {
        let mut hasher = Hasher::new();
        hasher.update(&length.to_le_bytes());
        hasher.update(&self.seq.to_le_bytes());
        hasher.update(&self.time.to_le_bytes());
        hasher.update(&[self.kind]);
        hasher.update(self.body);
        hasher.finalize()
    }
}

/// The record at the beginning of the bytes.
///
/// # Errors
/// There is none, or not all of it.
pub(super) fn read(bytes: &[u8]) -> Result<Record<'_>, Flaw> {
    let mut rest = bytes;
    let length = u32::from_le_bytes(take(&mut rest)?);
    if length as usize > MAX_BODY {
        return Err(Flaw::Wrong("has an impossible length"));
    }
    let checksum = u32::from_le_bytes(take(&mut rest)?);
    let seq = u64::from_le_bytes(take(&mut rest)?);
    let time = i64::from_le_bytes(take(&mut rest)?);
    let [kind] = take(&mut rest)?;
    let body = rest.get(..length as usize).ok_or(Flaw::Cut)?;
    let record = Record { seq, time, kind, body };
    if record.checksum(length) == checksum { Ok(record) } else { Err(Flaw::Wrong("has a wrong checksum")) }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Flaw> {
    let (taken, behind) = rest.split_first_chunk().ok_or(Flaw::Cut)?;
    *rest = behind;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_is_written_field_by_field() {
        let record = Record { seq: 258, time: -2, kind: 7, body: b"ab" };
        let mut bytes = Vec::new();
        record.write(&mut bytes);
        let (length, rest) = bytes.split_at(4);
        let (checksum, rest) = rest.split_at(4);
        assert_eq!(length, [2, 0, 0, 0]);
        let covered = [length, rest].concat();
        assert_eq!(checksum, crc32fast::hash(&covered).to_le_bytes());
        let seq = [2, 1, 0, 0, 0, 0, 0, 0];
        let time = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(rest, [&seq[..], &time, &[7], b"ab"].concat());
        assert_eq!(bytes.len(), record.size());
    }

    #[test]
    fn a_body_may_be_so_long_and_no_longer() {
        let mut bytes = Vec::new();
        Record { seq: 1, time: 0, kind: 0, body: &vec![1; MAX_BODY] }.write(&mut bytes);
        assert_eq!(read(&bytes).unwrap().body.len(), MAX_BODY);
        bytes.clear();
        Record { seq: 1, time: 0, kind: 0, body: &vec![1; MAX_BODY + 1] }.write(&mut bytes);
        assert_eq!(read(&bytes), Err(Flaw::Wrong("has an impossible length")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seq: u64, time: i64, kind: u8, body in prop::collection::vec(any::<u8>(), 0..300), more: Vec<u8>) {
            let record = Record { seq, time, kind, body: &body };
            let mut bytes = Vec::new();
            record.write(&mut bytes);
            for end in 0..bytes.len() {
                prop_assert_eq!(read(&bytes[..end]), Err(Flaw::Cut));
            }
            bytes.extend(more);
            prop_assert_eq!(read(&bytes), Ok(record));
        }

        #[test]
        fn a_flipped_bit_is_no_record(seq: u64, time: i64, body in prop::collection::vec(any::<u8>(), 0..100), at: prop::sample::Index) {
            let mut bytes = Vec::new();
            Record { seq, time, kind: 1, body: &body }.write(&mut bytes);
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
