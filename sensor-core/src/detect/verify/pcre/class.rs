//! Classes of characters, and the escapes that mean the same within their brackets and without.

use super::set::{Set, is_space, is_word};
use super::syntax::{Flags, Read, Reader};

/// What an escape stands for.
pub(super) enum Escape {
    Byte(u8),
    Set(Set),
}

impl Reader<'_> {
    /// What means the same within brackets and without.
    pub(super) fn class_escape(&mut self, byte: u8) -> Read<Escape> {
        let set = |test: fn(u8) -> bool, inverted: bool| Escape::Set(Set::with(|byte| test(*byte) != inverted));
        Ok(match byte {
            b'd' => set(|byte| byte.is_ascii_digit(), false),
            b'D' => set(|byte| byte.is_ascii_digit(), true),
            b's' => set(is_space, false),
            b'S' => set(is_space, true),
            b'w' => set(is_word, false),
            b'W' => set(is_word, true),
            b'h' => set(|byte| matches!(byte, b'\t' | b' ' | 0xa0), false),
            b'H' => set(|byte| matches!(byte, b'\t' | b' ' | 0xa0), true),
            b'v' => set(|byte| matches!(byte, b'\n'..=b'\r' | 0x85), false),
            b'V' => set(|byte| matches!(byte, b'\n'..=b'\r' | 0x85), true),
            b'a' => Escape::Byte(7),
            b'e' => Escape::Byte(27),
            b'f' => Escape::Byte(12),
            b'n' => Escape::Byte(b'\n'),
            b'r' => Escape::Byte(b'\r'),
            b't' => Escape::Byte(b'\t'),
            b'0' => Escape::Byte(self.octal(b'0')),
            b'c' => match self.next() {
                Some(byte @ b' '..=b'~') => Escape::Byte(byte.to_ascii_uppercase() ^ 0x40),
                _ => return Err("\\c needs a character".into()),
            },
            b'x' => Escape::Byte(self.hexadecimal()?),
            b'o' => {
                let text = if self.take(b"{") { self.until(b'}')? } else { b"" };
                let number = std::str::from_utf8(text).ok().and_then(|text| u8::from_str_radix(text, 8).ok());
                Escape::Byte(number.ok_or("\\o{} needs a number up to 377")?)
            }
            _ if byte.is_ascii_alphanumeric() => return Err(format!("\\{} is not supported", char::from(byte))),
            _ => Escape::Byte(byte),
        })
    }

    fn hexadecimal(&mut self) -> Read<u8> {
        if self.take(b"{") {
            let text = self.until(b'}')?;
            let number = std::str::from_utf8(text).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
            return number.and_then(|number| u8::try_from(number).ok()).ok_or_else(|| "\\x{} is past a byte".into());
        }
        let mut number = 0;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else { break };
            number = number * 16 + digit;
            self.at += 1;
        }
        Ok(u8::try_from(number).unwrap_or(0))
    }

    /// Behind the opening bracket.
    pub(super) fn class(&mut self, flags: &Flags) -> Read<Set> {
        let negated = self.take(b"^");
        let mut set = Set::default();
        let mut first = true;
        let mut quoted = false;
        loop {
            if self.take(b"\\E") {
                quoted = false;
                continue;
            }
            if !quoted && self.take(b"\\Q") {
                quoted = true;
                continue;
            }
            let byte = self.next().ok_or("a bracket is not closed")?;
            if byte == b']' && !first && !quoted {
                break;
            }
            first = false;
            let low = if quoted { Escape::Byte(byte) } else { self.class_item(byte)? };
            let low = match low {
                Escape::Set(some) => {
                    set = set.join(some);
                    continue;
                }
                Escape::Byte(low) => low,
            };
            // A hyphen is a range unless it stands last, or before a set.
            let rest = self.text.get(self.at..).unwrap_or_default();
            if quoted || !matches!(rest, [b'-', next, ..] if *next != b']') {
                set.add(low);
                continue;
            }
            self.at += 1;
            let byte = self.next().ok_or("a bracket is not closed")?;
            match self.class_item(byte)? {
                Escape::Set(some) => {
                    set.add(low);
                    set.add(b'-');
                    set = set.join(some);
                }
                Escape::Byte(high) if high < low => return Err("a range's ends are the wrong way round".into()),
                Escape::Byte(high) => set = set.join(Set::of(low..=high)),
            }
        }
        let set = if flags.caseless { set.caseless() } else { set };
        Ok(if negated { set.inverted() } else { set })
    }

    fn class_item(&mut self, byte: u8) -> Read<Escape> {
        match byte {
            b'[' => Ok(self.posix()?.map_or(Escape::Byte(b'['), Escape::Set)),
            b'\\' => match self.next().ok_or("a bracket is not closed")? {
                b'b' => Ok(Escape::Byte(8)),
                digit @ b'1'..=b'7' => Ok(Escape::Byte(self.octal(digit))),
                byte => self.class_escape(byte),
            },
            _ => Ok(Escape::Byte(byte)),
        }
    }

    /// `[:alpha:]`, behind its bracket.
    fn posix(&mut self) -> Read<Option<Set>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(name) = rest.strip_prefix(b":") else { return Ok(None) };
        let Some(end) = name.windows(2).position(|pair| pair == b":]") else { return Ok(None) };
        let name = name.get(..end).unwrap_or_default();
        let (negated, word) = match name.strip_prefix(b"^") {
            Some(word) => (true, word),
            None => (false, name),
        };
        let test: fn(u8) -> bool = match word {
            b"alpha" => |byte| byte.is_ascii_alphabetic(),
            b"digit" => |byte| byte.is_ascii_digit(),
            b"alnum" => |byte| byte.is_ascii_alphanumeric(),
            b"upper" => |byte| byte.is_ascii_uppercase(),
            b"lower" => |byte| byte.is_ascii_lowercase(),
            b"space" => is_space,
            b"blank" => |byte| matches!(byte, b' ' | b'\t'),
            b"punct" => |byte| byte.is_ascii_punctuation(),
            b"print" => |byte| byte.is_ascii_graphic() || byte == b' ',
            b"graph" => |byte| byte.is_ascii_graphic(),
            b"cntrl" => |byte| byte.is_ascii_control(),
            b"xdigit" => |byte| byte.is_ascii_hexdigit(),
            b"word" => is_word,
            b"ascii" => |byte| byte.is_ascii(),
            word if word.iter().all(u8::is_ascii_lowercase) => return Err("an unknown class of characters".into()),
            _ => return Ok(None),
        };
        self.at += end + 3;
        Ok(Some(Set::with(|byte| test(*byte) != negated)))
    }
}
