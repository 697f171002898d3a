//! `asn1`: BER that is made to hurt its reader.

use crate::rules::ast::Asn1;

/// Most frames that are looked at, and how deep (Suricata's `asn1-max-frames`).
const MAX_FRAMES: usize = 256;

/// Whether something in the data is as the option says. Offsets past the end match nothing.
pub(super) fn matches(asn1: &Asn1, data: &[u8], position: usize) -> bool {
    let offset = match (asn1.absolute_offset, asn1.relative_offset) {
        (Some(offset), _) => Some(usize::from(offset)),
        (None, Some(offset)) => {
            i64::try_from(position).ok().and_then(|position| usize::try_from(position + i64::from(offset)).ok())
        }
        (None, None) => Some(0),
    };
    let Some(data) = offset.and_then(|offset| data.get(offset..)) else { return false };
    // What is left of the frames around: the innermost last.
    let mut rest = data;
    for _ in 0..MAX_FRAMES {
        let Some(frame) = Frame::read(rest) else { return false };
        if frame.is_odd(asn1) {
            return true;
        }
        // Into what is constructed, over what is not: what is left of the data lies behind either.
        let skip = if frame.constructed { 0 } else { usize::try_from(frame.len.unwrap_or(0)).unwrap_or(usize::MAX) };
        match frame.content.get(skip..) {
            Some(next) if !next.is_empty() => rest = next,
            _ => return false,
        }
    }
    false
}

/// Identifier and length (X.690, sections 8.1.2 and 8.1.3).
struct Frame<'a> {
    universal: bool,
    constructed: bool,
    tag: u32,
    /// `None` where the end is marked by a frame of its own.
    len: Option<u64>,
    /// What follows.
    content: &'a [u8],
}

impl<'a> Frame<'a> {
    fn read(data: &'a [u8]) -> Option<Frame<'a>> {
        let (first, mut rest) = data.split_first()?;
        let mut tag = u32::from(first & 0x1f);
        if tag == 0x1f {
            tag = 0;
            loop {
                let (byte, behind) = rest.split_first()?;
                rest = behind;
                tag = tag.checked_mul(128)?.checked_add(u32::from(byte & 0x7f))?;
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let (byte, mut rest) = rest.split_first()?;
        let len = match byte {
            0x80 => None,
            0..0x80 => Some(u64::from(*byte)),
            _ => {
                let (bytes, behind) = rest.split_at_checked(usize::from(byte & 0x7f))?;
                rest = behind;
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                let digits = bytes.get(zeros..)?;
                Some(if digits.len() > 8 {
                    u64::MAX
                } else {
                    digits.iter().fold(0, |len, byte| len << 8 | u64::from(*byte))
                })
            }
        };
        Some(Frame { universal: first & 0xc0 == 0, constructed: first & 0x20 != 0, tag, len, content: rest })
    }

    fn is_odd(&self, asn1: &Asn1) -> bool {
        /// Bytes of a real in text that readers have room for.
        const DOUBLE: u64 = 256;
        let primitive = self.universal && !self.constructed;
        let first = self.content.first().copied();
        let oversize = asn1.oversize_length.is_some_and(|most| self.len.is_some_and(|len| len > u64::from(most)));
        // The first byte says how many bits of the last one are not used: at most 7 (X.690, section 8.6.2.2).
        let bitstring = asn1.bitstring_overflow
            && primitive
            && self.tag == 3
            && first.is_some_and(|unused| self.len.is_some_and(|len| len >= 1 && u64::from(unused >> 3) > len - 1));
        // Both upper bits are 0 where the real is text (X.690, section 8.5.6).
        let double = asn1.double_overflow
            && primitive
            && self.tag == 9
            && first.is_some_and(|kind| kind & 0xc0 == 0)
            && self.len.is_some_and(|len| len > DOUBLE);
        oversize || bitstring || double
    }
}
