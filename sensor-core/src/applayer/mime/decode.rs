//! What transfer encodings hide (RFC 2045, sections 6.7 and 6.8).

use super::End;

/// Base64, over lines and whatever else stands between.
#[derive(Debug, Default)]
pub struct Base64 {
    bits: u32,
    digits: u8,
    /// What stands in the group's place of more digits.
    padding: u8,
}

impl Base64 {
    /// Appends what a line gives. What is no digit is passed over; a group that padding ends gives what it has.
    pub fn decode(&mut self, line: &[u8], out: &mut Vec<u8>) {
        out.reserve(line.len() / 4 * 3 + 3);
        for byte in line {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' if self.digits > 0 => {
                    self.padding += 1;
                    self.end_group(out);
                    continue;
                }
                _ => continue,
            };
            if self.padding > 0 {
                self.padding += 1;
            } else {
                self.bits = self.bits << 6 | u32::from(digit);
                self.digits += 1;
            }
            self.end_group(out);
        }
    }

    /// Appends what a group gives that nothing ended.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.digits > 0 {
            self.padding = 4 - self.digits;
            self.end_group(out);
        }
    }

    /// Appends what a group gives, if it is whole.
    fn end_group(&mut self, out: &mut Vec<u8>) {
        if self.digits + self.padding < 4 {
            return;
        }
        let [_, bytes @ ..] = (self.bits << (6 * (4 - u32::from(self.digits)))).to_be_bytes();
        out.extend(bytes.iter().take(usize::from(self.digits).saturating_sub(1)));
        *self = Base64::default();
    }
}

/// Appends what a line of quoted-printable gives, with its end. False if an escape is none: those are left out.
pub fn quoted_printable(line: &[u8], end: End, out: &mut Vec<u8>) -> bool {
    let mut valid = true;
    let mut rest = line;
    while let Some(at) = memchr::memchr(b'=', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        if rest.trim_ascii_end().is_empty() {
            // A soft line break.
            return valid;
        }
        match rest {
            [high, low, after @ ..] => {
                match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => out.push(high << 4 | low),
                    _ => valid = false,
                }
                rest = after;
            }
            _ => {
                valid = false;
                rest = &[];
            }
        }
    }
    out.extend_from_slice(rest);
    if end != End::Cut {
        out.extend_from_slice(b"\r\n");
    }
    valid
}

/// Digits are upper case (RFC 2045, section 6.7).
fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
