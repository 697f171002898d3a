//! The bytes that options of a rule looked at: the excerpts of all of them put together, buffer by buffer.

use std::collections::BTreeMap;

use sensor_wire::explain::{Found, Step, StepState};

/// Most lines of a buffer; excerpts are short, but a rule may have hundreds of options.
const MOST_LINES: usize = 128;

/// A buffer, as far as its bytes are known.
#[derive(Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its name.
    pub name: String,
    /// Which of several of its kind, from 0.
    pub place: u32,
    /// Its bytes in all.
    pub size: u64,
    /// What is known of it, by place.
    pub bytes: BTreeMap<u64, Byte>,
}

/// A byte, and the options that it means something to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Byte {
    /// What it is.
    pub value: u8,
    /// Options that matched it, as places among the steps.
    pub of: Vec<usize>,
    /// Options that were looked for from here on, in vain.
    pub sought: Vec<usize>,
}

/// A line of a buffer, or what lies between two.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// So many bytes are not shown.
    Gap(u64),
    /// Where it begins, which is a multiple of its length, and its places: some may be unknown.
    Bytes(u64),
}

impl Buffer {
    /// Its lines of so many bytes.
    pub fn lines(&self, width: u64) -> Vec<Line> {
        let mut starts: Vec<u64> = self.bytes.keys().map(|at| at / width * width).collect();
        starts.dedup();
        let (mut lines, mut next) = (Vec::new(), 0);
        for start in starts.into_iter().take(MOST_LINES) {
            let first = self.bytes.range(start..).next().map_or(start, |(at, _)| *at);
            if first > next {
                lines.push(Line::Gap(first - next));
            }
            lines.push(Line::Bytes(start));
            next = self.bytes.range(start..start + width).next_back().map_or(start, |(at, _)| at + 1);
        }
        if self.size > next {
            lines.push(Line::Gap(self.size - next));
        }
        lines
    }

    /// The known byte that comes so many places behind this one, or before it; the last or first one at the end.
    pub fn step(&self, from: u64, by: i64) -> Option<u64> {
        if let Some(wanted) = from.checked_add_signed(by)
            && self.bytes.contains_key(&wanted)
        {
            return Some(wanted);
        }
        match by {
            1.. => self.bytes.range(from.saturating_add(1)..).next().map(|(at, _)| *at),
            _ => self.bytes.range(..from).next_back().map(|(at, _)| *at),
        }
    }

    /// Where an option matched, or was sought.
    pub fn place_of(&self, option: usize) -> Option<u64> {
        let is = |byte: &Byte| byte.of.contains(&option) || byte.sought.contains(&option);
        self.bytes.iter().find(|(_, byte)| is(byte)).map(|(at, _)| *at)
    }
}

/// The buffers of these steps, in the order in which they are first looked into.
pub fn buffers(steps: &[Step]) -> Vec<Buffer> {
    let mut all: Vec<Buffer> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let Some(found) = step.at.as_ref().filter(|found| !found.hex.is_empty()) else { continue };
        let known = all.iter().position(|buffer| buffer.name == found.buffer && buffer.place == found.place);
        let at = known.unwrap_or_else(|| {
            let (name, place) = (found.buffer.clone(), found.place);
            all.push(Buffer { name, place, size: 0, bytes: BTreeMap::new() });
            all.len() - 1
        });
        let Some(buffer) = all.get_mut(at) else { continue };
        buffer.size = buffer.size.max(found.size);
        for (at, value) in (found.from..).zip(unhex(&found.hex)) {
            let byte = buffer.bytes.entry(at).or_insert(Byte { value, of: Vec::new(), sought: Vec::new() });
            if step.state == StepState::Held && is_within(found, at) {
                byte.of.push(number);
            }
            if step.state == StepState::Failed && at == found.offset {
                byte.sought.push(number);
            }
        }
    }
    all
}

/// How many bytes of a match are in its excerpt.
pub fn shown(found: &Found) -> u64 {
    let ends = found.from.saturating_add(found.hex.len() as u64 / 2);
    ends.saturating_sub(found.offset).min(found.len)
}

/// A byte as a character, where it is one that can be seen.
pub fn character(value: u8) -> char {
    if value.is_ascii_graphic() || value == b' ' { char::from(value) } else { '·' }
}

fn is_within(found: &Found, at: u64) -> bool {
    at >= found.offset && at - found.offset < found.len
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map_while(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(state: StepState, buffer: &str, offset: u64, len: u64, from: u64, hex: &str) -> Step {
        let found = Found { buffer: buffer.into(), place: 0, size: 40, offset, len, from, hex: hex.into() };
        Step { state, at: Some(found), why: String::new() }
    }

    fn steps() -> [Step; 5] {
        [
            Step::default(),
            step(StepState::Held, "http.uri", 2, 2, 0, "61626364"),
            step(StepState::Held, "http.uri", 3, 1, 3, "6465"),
            step(StepState::Held, "http.host", 0, 1, 0, "78"),
            // Where something was looked for in vain is no match.
            step(StepState::Failed, "http.uri", 33, 0, 32, "7a7a"),
        ]
    }

    #[test]
    fn excerpts_of_a_buffer_are_put_together_and_each_byte_names_the_options_that_matched_it() {
        let all = buffers(&steps());
        assert_eq!(all.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["http.uri", "http.host"]);
        let uri = &all[0];
        assert_eq!(uri.size, 40);
        let known: Vec<_> = uri.bytes.iter().map(|(at, byte)| (*at, byte.value, byte.of.as_slice())).collect();
        let none: &[usize] = &[];
        let first = [(0, 0x61, none), (1, 0x62, none), (2, 0x63, &[1]), (3, 0x64, &[1, 2]), (4, 0x65, none)];
        assert_eq!(known[..5], first);
        assert_eq!(known[5..], [(32, 0x7a, none), (33, 0x7a, none)]);
        assert_eq!((&uri.bytes[&33].sought, uri.place_of(4), uri.place_of(2)), (&vec![4], Some(33), Some(3)));
        assert_eq!((uri.place_of(0), uri.place_of(3)), (None, None));
    }

    #[test]
    fn lines_say_how_much_lies_between_them() {
        let uri = &buffers(&steps())[0];
        assert_eq!(uri.lines(16), [Line::Bytes(0), Line::Gap(27), Line::Bytes(32), Line::Gap(6)]);
        assert_eq!(uri.lines(8), [Line::Bytes(0), Line::Gap(27), Line::Bytes(32), Line::Gap(6)]);
        assert_eq!(uri.lines(4), [Line::Bytes(0), Line::Bytes(4), Line::Gap(27), Line::Bytes(32), Line::Gap(6)]);
    }

    #[test]
    fn the_cursor_goes_over_what_is_not_known() {
        let uri = &buffers(&steps())[0];
        assert_eq!((uri.step(0, 1), uri.step(4, 1), uri.step(33, 1)), (Some(1), Some(32), None));
        assert_eq!((uri.step(32, -1), uri.step(0, -1), uri.step(33, -16)), (Some(4), None, Some(32)));
        assert_eq!((uri.step(1, 16), uri.step(32, 16)), (Some(2), Some(33)));
    }

    #[test]
    fn what_is_no_hexadecimal_ends_the_excerpt() {
        assert_eq!(unhex("41zz42"), [0x41]);
        assert_eq!(unhex("414"), [0x41]);
        assert_eq!(buffers(&[step(StepState::Held, "payload", 0, 1, 0, "")]), []);
        let long = Found { offset: 20, len: 300, from: 4, hex: "00".repeat(64), ..Found::default() };
        assert_eq!(shown(&long), 48);
    }
}
