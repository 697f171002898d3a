//! `content`: bytes, and where they may stand.

use memchr::memmem::Finder;

use super::{MAX_VARIABLES, Outcome, Span};
use crate::rules::ast::{self, Value};

/// One content.
#[derive(Debug)]
pub(super) struct Content {
    search: Search,
    /// Where it begins at the earliest: from the start, or from the last match.
    from: Option<Value>,
    /// Within how many bytes from there it ends.
    within: Option<Value>,
    relative: bool,
    negated: bool,
    at_end: bool,
}

impl Content {
    pub(super) fn new(content: &ast::Content) -> Content {
        let relative = content.is_relative();
        let len = content.bytes.len();
        let (from, within) = match (relative, content.startswith) {
            (true, _) => (content.distance, content.within),
            (false, true) => (None, Some(Value::Number(i64::try_from(len).unwrap_or(i64::MAX)))),
            (false, false) => (content.offset, content.depth),
        };
        // There is one place only: nothing is searched.
        let fixed = content.endswith
            || matches!(within, Some(Value::Number(within)) if usize::try_from(within).is_ok_and(|within| within <= len));
        let search = Search::new(&content.bytes, content.nocase, fixed);
        Content { search, from, within, relative, negated: content.negated, at_end: content.endswith }
    }

    pub(super) fn is_relative(&self) -> bool {
        self.relative
    }

    pub(super) fn is_negated(&self) -> bool {
        self.negated
    }

    pub(super) fn reads_variables(&self) -> bool {
        [self.from, self.within].iter().any(|value| matches!(value, Some(Value::Variable(_))))
    }

    /// Looks for it behind the last match, or on from where it was found before. Takes its steps from those that are
    /// `left`; without any it fails.
    pub(super) fn run(
        &self,
        data: &[u8],
        position: usize,
        resume: Option<usize>,
        start: u64,
        variables: &[u64; MAX_VARIABLES],
        left: &mut usize,
    ) -> Outcome {
        let len = self.search.len();
        if *left == 0 {
            return Outcome::Failed;
        }
        let found = self.window(data.len(), position, start, variables).and_then(|(low, high)| {
            let low = low.max(resume.unwrap_or(0));
            if self.at_end {
                let at = data.len().checked_sub(len)?;
                return (low <= at && high == data.len() && self.search.is_at(data, at)).then_some(at);
            }
            let part = data.get(low..high)?;
            let found = self.search.find(part);
            *left = left.saturating_sub(self.search.steps(found.unwrap_or(part.len())));
            found.map(|at| low + at)
        });
        match (found, self.negated) {
            (None, true) => Outcome::Matched { span: Span { offset: position, len: 0 }, position, resume: None },
            (Some(at), false) => {
                Outcome::Matched { span: Span { offset: at, len }, position: at + len, resume: Some(at + 1) }
            }
            (None, false) | (Some(_), true) => Outcome::Failed,
        }
    }

    /// The part of the data in which it has to lie; `None` if it can't.
    fn window(
        &self,
        len: usize,
        position: usize,
        start: u64,
        variables: &[u64; MAX_VARIABLES],
    ) -> Option<(usize, usize)> {
        let number = |value: Value| super::number::value(value, variables);
        let base = if self.relative { position as i128 } else { -i128::from(start) };
        let from = base + self.from.map_or(0, number);
        let low = usize::try_from(from.max(0)).ok()?;
        let high = match self.within {
            None => len,
            Some(within) => usize::try_from((from + number(within)).clamp(0, len as i128)).ok()?,
        };
        (low <= high && high - low >= self.search.len()).then_some((low, high))
    }
}

/// How bytes are found.
#[derive(Debug)]
enum Search {
    Byte(u8),
    Exact(Box<Finder<'static>>),
    /// At one place only.
    Here(Box<[u8]>),
    /// The bytes in lower case, and which of them is looked for first.
    Caseless(Box<[u8]>, usize),
}

impl Search {
    fn new(bytes: &[u8], nocase: bool, fixed: bool) -> Search {
        let caseless = nocase && bytes.iter().any(u8::is_ascii_alphabetic);
        match bytes {
            [byte] if !caseless => Search::Byte(*byte),
            _ if caseless => {
                let lower = bytes.to_ascii_lowercase();
                let rarest = lower.iter().enumerate().min_by_key(|(_, byte)| frequency(**byte));
                let rarest = rarest.map_or(0, |(at, _)| at);
                Search::Caseless(lower.into(), rarest)
            }
            _ if fixed => Search::Here(bytes.into()),
            _ => Search::Exact(Box::new(Finder::new(bytes).into_owned())),
        }
    }

    fn len(&self) -> usize {
        match self {
            Search::Byte(_) => 1,
            Search::Exact(finder) => finder.needle().len(),
            Search::Here(bytes) | Search::Caseless(bytes, _) => bytes.len(),
        }
    }

    /// What a search costs that went over so many bytes, in steps of expressions: without case each place may be
    /// compared with the whole.
    fn steps(&self, bytes: usize) -> usize {
        match self {
            Search::Byte(_) | Search::Exact(_) | Search::Here(_) => bytes / 32,
            Search::Caseless(lower, _) => bytes.saturating_mul(lower.len()) / 64,
        }
    }

    fn is_at(&self, data: &[u8], at: usize) -> bool {
        let Some(part) = at.checked_add(self.len()).and_then(|end| data.get(at..end)) else { return false };
        match self {
            Search::Byte(byte) => part == [*byte],
            Search::Exact(finder) => part == finder.needle(),
            Search::Here(bytes) => part == &**bytes,
            Search::Caseless(lower, _) => part.eq_ignore_ascii_case(lower),
        }
    }

    fn find(&self, data: &[u8]) -> Option<usize> {
        match self {
            Search::Byte(byte) => memchr::memchr(*byte, data),
            Search::Exact(finder) if data.len() == finder.needle().len() => (data == finder.needle()).then_some(0),
            Search::Exact(finder) => finder.find(data),
            Search::Here(bytes) if data.len() == bytes.len() => (data == &**bytes).then_some(0),
            Search::Here(bytes) => memchr::memmem::find(data, bytes),
            Search::Caseless(lower, rarest) => find_caseless(data, lower, *rarest),
        }
    }
}

fn find_caseless(data: &[u8], lower: &[u8], rarest: usize) -> Option<usize> {
    let last = data.len().checked_sub(lower.len())?;
    let byte = lower.get(rarest).copied()?;
    let upper = byte.to_ascii_uppercase();
    // Where the rarest byte may stand.
    let places = data.get(rarest..=last.checked_add(rarest)?)?;
    let matches =
        |at: &usize| data.get(*at..at.saturating_add(lower.len())).is_some_and(|it| it.eq_ignore_ascii_case(lower));
    if byte == upper {
        memchr::memchr_iter(byte, places).find(matches)
    } else {
        memchr::memchr2_iter(byte, upper, places).find(matches)
    }
}

/// How common a byte is in traffic, roughly: the lower the better to look for.
fn frequency(byte: u8) -> u8 {
    match byte {
        0 | b' ' | b'e' | b't' | b'a' | b'o' => 9,
        b'i' | b'n' | b's' | b'r' | b'/' | b'.' | b'0' | b'1' | b'\r' | b'\n' | b'-' => 8,
        b'h' | b'l' | b'd' | b'c' | b'u' | b'm' | b':' | b'=' | b'2' | b'3' => 7,
        b'p' | b'f' | b'g' | b'w' | b'y' | b'b' | b'4'..=b'9' | b'"' | b',' | b';' => 6,
        b'v' | b'k' | 0xff | b'<' | b'>' | b'&' | b'_' | b'%' => 5,
        b'x' | b'j' | b'q' | b'z' | 1..=8 => 4,
        _ => 3,
    }
}
