//! HPACK (RFC 7541): header blocks, and the table that both ends keep for one direction.

use std::collections::VecDeque;

use super::huffman;

/// The table of a direction.
#[derive(Debug)]
pub struct Table {
    entries: VecDeque<Entry>,
    /// Bytes of the entries as section 4.1 counts them.
    size: usize,
    /// As the encoder chose it.
    limit: usize,
    /// What the decoder's settings allow.
    allowed: usize,
}

/// A name and a value in the table.
type Entry = (Box<[u8]>, Box<[u8]>);

/// A header field.
pub type Field = (Vec<u8>, Vec<u8>);

/// What came of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Fields, in order.
    pub fields: Vec<Field>,
    /// Sizes that the encoder set for the table.
    pub updates: Vec<u32>,
    /// A field could not be decoded.
    pub invalid: bool,
    /// An integer was too large (section 5.1).
    pub overflow: bool,
    /// More than [`MAX_FIELDS`] or [`MAX_BYTES`]: the rest was not read, so the table lacks what it adds.
    pub cut: bool,
}

/// Fields of a block that are kept.
pub const MAX_FIELDS: usize = 1024;
/// Bytes of these: an index of one byte can stand for a field of 4 KiB.
pub const MAX_BYTES: usize = 64 << 10;
/// Of one string.
const MAX_STRING: usize = 64 << 10;
/// Section 6.5.2 of RFC 9113 has no bound; of larger tables no more is kept.
const MAX_TABLE: usize = 64 << 10;
/// RFC 9113, section 6.5.2.
const FIRST_LIMIT: usize = 4096;
/// Section 4.1: what an entry counts beside its strings.
const ENTRY: usize = 32;

impl Default for Table {
    fn default() -> Table {
        Table { entries: VecDeque::new(), size: 0, limit: FIRST_LIMIT, allowed: FIRST_LIMIT }
    }
}

impl Table {
    /// The decoder allows another size.
    pub fn allow(&mut self, size: u32) {
        self.allowed = (size as usize).min(MAX_TABLE);
        if self.limit > self.allowed {
            self.limit = self.allowed;
            self.evict();
        }
    }

    /// Bytes on the heap, about.
    pub fn bytes(&self) -> usize {
        self.size + self.entries.capacity() * size_of::<Entry>()
    }

    /// Decodes a whole block.
    pub fn decode(&mut self, mut bytes: &[u8]) -> Block {
        let mut block = Block::default();
        let mut kept = 0;
        while let Some(first) = bytes.first() {
            let taken = match first {
                0x80.. => self.indexed(&mut bytes),
                0x40.. => self.literal(&mut bytes, 6, true),
                0x20.. => {
                    let size = integer(&mut bytes, 5);
                    if let Ok(size) = size {
                        block.updates.push(size);
                        self.limit = (size as usize).min(self.allowed);
                        self.evict();
                    }
                    size.map(|_| None)
                }
                _ => self.literal(&mut bytes, 4, false),
            };
            match taken {
                Ok(Some(field)) => {
                    kept += field.0.len() + field.1.len();
                    // A byte can stand for a field of the table's size: what goes past the bound isn't even read.
                    if block.fields.len() >= MAX_FIELDS || kept > MAX_BYTES {
                        block.cut = true;
                        break;
                    }
                    block.fields.push(field);
                }
                Ok(None) if block.updates.len() > MAX_FIELDS => {
                    block.cut = true;
                    break;
                }
                Ok(None) => {}
                Err(fault) => {
                    block.invalid |= fault == Fault::Invalid;
                    block.overflow |= fault == Fault::Overflow;
                    break;
                }
            }
        }
        block
    }

    fn indexed(&self, bytes: &mut &[u8]) -> Result<Option<Field>, Fault> {
        let index = integer(bytes, 7)?;
        let (name, value) = self.at(index).ok_or(Fault::Invalid)?;
        Ok(Some((name.to_vec(), value.to_vec())))
    }

    fn literal(&mut self, bytes: &mut &[u8], prefix: u8, keep: bool) -> Result<Option<Field>, Fault> {
        let name = match integer(bytes, prefix)? {
            0 => string(bytes)?,
            index => self.at(index).ok_or(Fault::Invalid)?.0.to_vec(),
        };
        let value = string(bytes)?;
        if keep {
            self.size += ENTRY + name.len() + value.len();
            self.entries.push_front((name.as_slice().into(), value.as_slice().into()));
            self.evict();
        }
        Ok(Some((name, value)))
    }

    fn at(&self, index: u32) -> Option<(&[u8], &[u8])> {
        let place = usize::try_from(index).ok()?.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(place) {
            return Some((name.as_bytes(), value.as_bytes()));
        }
        let (name, value) = self.entries.get(place - STATIC.len())?;
        Some((name, value))
    }

    fn evict(&mut self) {
        while self.size > self.limit {
            let Some((name, value)) = self.entries.pop_back() else { break };
            self.size -= ENTRY + name.len() + value.len();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Invalid,
    Overflow,
}

/// Section 5.1.
fn integer(bytes: &mut &[u8], prefix: u8) -> Result<u32, Fault> {
    let (first, mut rest) = bytes.split_first().ok_or(Fault::Invalid)?;
    let most = (1_u32 << prefix) - 1;
    let mut value = u64::from(u32::from(*first) & most);
    if value == u64::from(most) {
        for shift in (0..).step_by(7) {
            let (byte, behind) = rest.split_first().ok_or(Fault::Invalid)?;
            rest = behind;
            if shift > 28 {
                return Err(Fault::Overflow);
            }
            value += u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *bytes = rest;
    u32::try_from(value).map_err(|_| Fault::Overflow)
}

/// Section 5.2.
fn string(bytes: &mut &[u8]) -> Result<Vec<u8>, Fault> {
    let coded = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let len = integer(bytes, 7)? as usize;
    let (text, rest) = bytes.split_at_checked(len).ok_or(Fault::Invalid)?;
    *bytes = rest;
    if coded { huffman::decode(text, MAX_STRING).ok_or(Fault::Invalid) } else { Ok(text.to_vec()) }
}

/// Appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(block: &Block) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        block.fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect()
    }

    #[test]
    fn requests_of_the_specification_are_read() {
        // RFC 7541, appendix C.3: without Huffman, with a table that grows.
        let mut table = Table::default();
        let first = table.decode(b"\x82\x86\x84\x41\x0fwww.example.com");
        assert_eq!(texts(&first), [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com"]);
        let second = table.decode(b"\x82\x86\x84\xbe\x58\x08no-cache");
        assert_eq!(texts(&second)[3..], [":authority=www.example.com", "cache-control=no-cache"]);
        let third = table.decode(b"\x82\x87\x85\xbf\x40\x0acustom-key\x0ccustom-value");
        assert_eq!(texts(&third)[3..], [":authority=www.example.com", "custom-key=custom-value"]);
        assert_eq!(table.size, 164);
    }

    #[test]
    fn the_table_is_bounded_and_faults_are_told() {
        let mut table = Table::default();
        let entry = [b"\x40\x01a\x7f\x85\x06".as_slice(), &[b'x'; 900]].concat();
        for _ in 0..20 {
            let block = table.decode(&entry);
            assert_eq!((block.fields.len(), block.invalid), (1, false));
        }
        assert_eq!(table.entries.len(), 4096 / (900 + 1 + 32));
        table.allow(0);
        assert_eq!((table.entries.len(), table.size), (0, 0));
        assert!(table.decode(b"\xbe").invalid && table.decode(b"\x80").invalid && table.decode(b"\x41\x09a").invalid);
        assert!(table.decode(b"\xff\xff\xff\xff\xff\xff\x01").overflow);
        assert_eq!(table.decode(b"\x3f\xe1\x1f").updates, [4096]);
        // One byte for each field of 4 KiB.
        let mut table = Table::default();
        table.decode(&[b"\x40\x01a\x7f\xa1\x1e".as_slice(), &[b'x'; 4000]].concat());
        let block = table.decode(&[0xbe; 5000]);
        assert!(block.cut && block.fields.len() == MAX_BYTES / 4001, "{}", block.fields.len());
    }
}
