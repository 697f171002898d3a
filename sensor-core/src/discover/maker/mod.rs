//! Who made a network card, by its hardware address.
//!
//! `makers.bin` holds IEEE's public assignments (MA-L, MA-M, MA-S; in Debian's ieee-data 20220827), written by
//! `examples/makers.rs` from a table of prefix, bits and name. All numbers are big-endian:
//!
//! - four `u32`: prefixes of 24, 28 and 36 bits, and names;
//! - the prefixes of each length, sorted: 3, 4 or 5 bytes with the prefix's bits on the left, then a `u16`, the name;
//! - a `u32` for each block of [`BLOCK`] names: where it begins behind these;
//! - the names, sorted: a byte that tells how many bytes are the previous name's (0 where a block begins), a byte that
//!   tells how many follow, and these.

/// Names that are told by their difference from the one before.
pub const BLOCK: usize = 16;

const TABLE: &[u8] = include_bytes!("makers.bin");

/// Bytes and bits of each kind of prefix, the longest last.
const KINDS: [(usize, u32); 3] = [(3, 24), (4, 28), (5, 36)];

/// The maker of a card, with legal forms left out; `None` for addresses that were made up (locally administered), for
/// groups, and for prefixes that are not assigned.
pub fn maker(mac: [u8; 6]) -> Option<String> {
    if mac.first()? & 3 != 0 {
        return None;
    }
    let value = mac.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let mut rest = TABLE;
    let counts: [usize; 4] = [take_u32(&mut rest)?, take_u32(&mut rest)?, take_u32(&mut rest)?, take_u32(&mut rest)?];
    let mut found = None;
    for ((width, bits), count) in KINDS.into_iter().zip(counts) {
        let (table, tail) = rest.split_at_checked(count * (width + 2))?;
        rest = tail;
        let wanted = value >> (48 - bits) << (8 * width as u32 - bits);
        found = search(table, width, wanted).or(found);
    }
    let [_, _, _, names] = counts;
    let (blocks, names) = rest.split_at_checked(names.div_ceil(BLOCK) * 4)?;
    name(blocks, names, found?)
}

/// `02:00:00:00:00:01`.
pub fn format_mac(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// Binary search for a prefix; its name's number.
fn search(table: &[u8], width: usize, wanted: u64) -> Option<usize> {
    let (mut low, mut high) = (0, table.len() / (width + 2));
    while low < high {
        let middle = (low + high) / 2;
        let entry = table.get(middle * (width + 2)..)?.get(..width + 2)?;
        let (prefix, number) = entry.split_at_checked(width)?;
        let prefix = prefix.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        match prefix.cmp(&wanted) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return number.first_chunk().map(|n| usize::from(u16::from_be_bytes(*n))),
        }
    }
    None
}

fn name(blocks: &[u8], names: &[u8], number: usize) -> Option<String> {
    let mut start = blocks.get(number / BLOCK * 4..)?;
    let mut rest = names.get(take_u32(&mut start)?..)?;
    let mut text: Vec<u8> = Vec::new();
    for _ in 0..=number % BLOCK {
        let [shared, own, tail @ ..] = rest else { return None };
        let (own, tail) = tail.split_at_checked(usize::from(*own))?;
        text.truncate(usize::from(*shared));
        text.extend(own);
        rest = tail;
    }
    String::from_utf8(text).ok()
}

fn take_u32(rest: &mut &[u8]) -> Option<usize> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    usize::try_from(u32::from_be_bytes(*head)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_of_each_length_of_prefix_are_found() {
        assert_eq!(maker([0x00, 0x00, 0x00, 1, 2, 3]).as_deref(), Some("XEROX"));
        assert_eq!(maker([0x00, 0x50, 0x56, 1, 2, 3]).as_deref(), Some("VMware"));
        // Locally administered, group, not assigned.
        assert_eq!(maker([0x02, 0, 0, 0, 0, 1]), None);
        assert_eq!(maker([0xff; 6]), None);
    }

    #[test]
    fn every_line_of_the_list_is_found_under_its_prefix() {
        let list = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/fingerprints/oui.tsv");
        let Ok(list) = std::fs::read_to_string(list) else {
            println!("skipped: no corpus beside the repository");
            return;
        };
        let (mut equal, mut different) = (0, Vec::new());
        for line in list.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let prefix = u64::from_str_radix(fields[0], 16).unwrap() << (48 - 4 * fields[0].len());
            // A card at the prefix's end, which is not a longer prefix's beginning.
            let bytes = (prefix | 0xfff).to_be_bytes();
            let mac: [u8; 6] = bytes[2..].try_into().unwrap();
            let found = maker(mac);
            if found.as_deref().is_some_and(|found| fields[2].starts_with(found.split(' ').next().unwrap())) {
                equal += 1;
            } else if mac[0] & 3 == 0 {
                different.push((line.to_owned(), found));
            }
        }
        // Prefixes whose space was divided further belong to the finer holders.
        println!("{equal} equal, {} different", different.len());
        assert!(equal > 41_000, "{equal}; {:?}", &different[..different.len().min(20)]);
    }
}
