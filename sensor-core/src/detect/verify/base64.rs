//! Base64 as rules read it: in messages that were not made for it.

use crate::rules::ast::Base64Mode;

/// Decodes and passes over what is not of the alphabet, up to the padding (RFC 2045, section 6.8). Stops at `most`
/// bytes. What stands at the end without being a whole group gives the bytes it has.
pub(super) fn decode_loosely(source: &[u8], most: usize, out: &mut Vec<u8>) {
    decode(source, most, true, out);
}

/// Decodes as the mode says; whether it could be.
pub(super) fn decode_as(mode: Base64Mode, source: &[u8], most: usize, out: &mut Vec<u8>) -> bool {
    match mode {
        Base64Mode::Rfc2045 => {
            decode(source, most, true, out);
        }
        Base64Mode::Rfc4648 => {
            decode(source, most, false, out);
        }
        Base64Mode::Strict => {
            let padding = source.iter().rev().take_while(|byte| **byte == b'=').count();
            let text = source.get(..source.len() - padding).unwrap_or_default();
            if padding > 2 || !source.len().is_multiple_of(4) || !text.iter().all(|byte| sextet(*byte).is_some()) {
                return false;
            }
            decode(text, most, false, out);
        }
    }
    !out.is_empty()
}

/// Decodes all of it or nothing.
pub(in crate::detect) fn decode_strictly(source: &[u8], out: &mut Vec<u8>) -> bool {
    decode_as(Base64Mode::Strict, source, source.len(), out)
}

fn decode(source: &[u8], most: usize, skip: bool, out: &mut Vec<u8>) {
    let (mut bits, mut count) = (0_u32, 0);
    for byte in source {
        let Some(sextet) = sextet(*byte) else {
            if skip && *byte != b'=' {
                continue;
            }
            break;
        };
        bits = bits << 6 | u32::from(sextet);
        count += 6;
        if count >= 8 {
            if out.len() >= most {
                return;
            }
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
