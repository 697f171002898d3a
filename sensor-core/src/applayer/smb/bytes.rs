//! Fields of messages by their place, little-endian.

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(super) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

pub(super) fn guid_at(bytes: &[u8], at: usize) -> Option<Guid> {
    array(bytes, at)
}

/// What names an open file: version 2's file id; of version 1 the file's number and its tree's.
pub(super) type Guid = [u8; 16];

/// A name without its zeros, as Suricata shows and matches names in UTF-16 too; at most [`MOST_NAME`] bytes.
pub(super) fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| *byte != 0).take(MOST_NAME).collect()
}

/// Bytes of a name that are kept.
pub(super) const MOST_NAME: usize = 2048;

/// A text up to its zero, or two in UTF-16, and what follows.
pub(super) fn ended(bytes: &[u8], wide: bool) -> (&[u8], &[u8]) {
    let (end, after) = if wide {
        let end = bytes.chunks_exact(2).position(|pair| pair == [0, 0]).map(|pairs| pairs * 2);
        (end.unwrap_or(bytes.len()), 2)
    } else {
        (bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()), 1)
    };
    (bytes.get(..end).unwrap_or_default(), bytes.get(end + after..).unwrap_or_default())
}
