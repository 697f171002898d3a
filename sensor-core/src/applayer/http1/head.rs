//! Lines of heads, and header fields.

/// How a line ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// CR LF.
    #[default]
    CrLf,
    /// LF alone (RFC 9112 section 2.2 allows it).
    Lf,
    /// CR alone, or LF CR: browsers take it in responses.
    Cr,
}

/// A line, and how many bytes it took with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub text: &'a [u8],
    pub len: usize,
    pub ending: Ending,
}

/// The first line of `bytes`; `None` if it has not ended yet. `cr` says that CR alone ends lines; `from` is how much of it
/// is known not to end one.
pub fn line(bytes: &[u8], cr: bool, from: usize, eof: bool) -> Option<Line<'_>> {
    let mut at = from;
    let found = loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let next = if cr { memchr::memchr2(b'\n', b'\r', rest) } else { memchr::memchr(b'\n', rest) };
        let Some(next) = next else { break None };
        let place = at + next;
        if bytes.get(place) == Some(&b'\n') {
            break Some((place, false));
        }
        match bytes.get(place + 1) {
            Some(b'\n') => break Some((place + 1, false)),
            // One that follows belongs to the line: `CR CR LF` is no empty line.
            Some(b'\r') => at = place + 1,
            Some(_) => break Some((place, true)),
            None => break None,
        }
    };
    match found {
        Some((end, true)) => Some(Line { text: bytes.get(..end)?, len: end + 1, ending: Ending::Cr }),
        Some((end, false)) => {
            let text = bytes.get(..end)?;
            let (text, ending) = text.strip_suffix(b"\r").map_or((text, Ending::Lf), |text| (text, Ending::CrLf));
            Some(Line { text, len: end + 1, ending })
        }
        None if eof && !bytes.is_empty() => {
            Some(Line { text: bytes.strip_suffix(b"\r").unwrap_or(bytes), len: bytes.len(), ending: Ending::CrLf })
        }
        None => None,
    }
}

/// Space as servers see it: also vertical tab, form feed and NUL.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | 0)
}

/// Without space at both ends.
pub fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(*byte)).map_or(start, |at| at + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// RFC 9110 section 5.6.2.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Equal, whatever the case and without minding NULs in `bytes`; `name` is in lower case.
pub fn is_name(bytes: &[u8], name: &[u8]) -> bool {
    if bytes.len() == name.len() {
        return bytes.eq_ignore_ascii_case(name);
    }
    bytes.len() > name.len()
        && bytes.iter().filter(|byte| **byte != 0).map(u8::to_ascii_lowercase).eq(name.iter().copied())
}

/// Whether a word is in it, whatever the case and without minding NULs; `word` is in lower case.
pub fn has_word(bytes: &[u8], word: &[u8]) -> bool {
    let plain: Vec<u8> = bytes.iter().filter(|byte| **byte != 0).map(u8::to_ascii_lowercase).collect();
    memchr::memmem::find(&plain, word).is_some()
}

/// Header fields, in the order in which they came.
#[derive(Debug, Default)]
pub struct Headers {
    /// The lines as they came, with the empty one at the end.
    pub raw: Vec<u8>,
    fields: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    /// Places in `raw`.
    name: (u32, u32),
    value: Value,
    /// How many of its name there were besides.
    merged: u8,
}

#[derive(Debug)]
enum Value {
    Raw(u32, u32),
    Joined(Vec<u8>),
}

/// A header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
}

/// Of one name whose values are joined; more are passed over.
const MAX_MERGED: u8 = 64;

impl Headers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().map(|stored| self.field(stored))
    }

    /// The one at that place.
    pub fn at(&self, index: usize) -> Option<Field<'_>> {
        Some(self.field(self.fields.get(index)?))
    }

    /// The value of a name in lower case.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|field| is_name(field.name, name)).map(|field| field.value)
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.raw.capacity() + self.fields.capacity() * size_of::<Stored>()
    }

    fn field<'a>(&'a self, stored: &'a Stored) -> Field<'a> {
        let raw = |from: u32, to: u32| self.raw.get(from as usize..to as usize).unwrap_or_default();
        let value = match &stored.value {
            Value::Raw(from, to) => raw(*from, *to),
            Value::Joined(value) => value,
        };
        Field { name: raw(stored.name.0, stored.name.1), value }
    }

    /// Adds a line that begins at `start` of `raw`; returns whether it had no colon.
    pub fn add(&mut self, start: usize, text_len: usize) -> Option<bool> {
        let text = self.raw.get(start..start + text_len)?;
        let colon = memchr::memchr(b':', text);
        let place = |part: &[u8]| {
            let from = start + (part.as_ptr() as usize - text.as_ptr() as usize);
            (from as u32, (from + part.len()) as u32)
        };
        let (name, value) = match colon {
            Some(colon) => (trim(text.get(..colon)?), trim(text.get(colon + 1..)?)),
            None => (text.get(..0)?, trim(text)),
        };
        let (name, value) = (place(name), place(value));
        self.fields.push(Stored { name, value: Value::Raw(value.0, value.1), merged: 0 });
        Some(colon.is_none())
    }

    /// Appends to the last field's value what a folded line holds.
    pub fn fold(&mut self, text: &[u8]) -> bool {
        let text = trim(text);
        if let Some(Stored { value: Value::Joined(value), .. }) = self.fields.last_mut() {
            // In place: there may be very many.
            if !value.is_empty() && !text.is_empty() {
                value.push(b' ');
            }
            value.extend_from_slice(text);
            return true;
        }
        let Some(last) = self.fields.last() else { return false };
        let field = self.field(last);
        // The colon may stand in the folded line.
        let (joined, renamed) = if field.name.is_empty() && text.first() == Some(&b':') {
            (trim(text.get(1..).unwrap_or_default()).to_vec(), true)
        } else {
            ([field.value, if field.value.is_empty() || text.is_empty() { b"" } else { b" " }, text].concat(), false)
        };
        let raw = match last.value {
            Value::Raw(from, to) => (from, to),
            Value::Joined(_) => (0, 0),
        };
        if let Some(last) = self.fields.last_mut() {
            if renamed && raw.1 > raw.0 {
                last.name = raw;
            }
            last.value = Value::Joined(joined);
        }
        true
    }

    /// Joins the last field with one before of the same name; tells whether there was one. `single` names are not
    /// joined: the first counts.
    pub fn merge(&mut self, single: bool) -> bool {
        let Some((last, before)) = self.fields.split_last() else { return false };
        let field = self.field(last);
        if field.name.is_empty() {
            return false;
        }
        let Some(at) = before.iter().position(|stored| {
            (stored.name.1 - stored.name.0) as usize == field.name.len()
                && self.field(stored).name.eq_ignore_ascii_case(field.name)
        }) else {
            return false;
        };
        let Some(first) = before.get(at) else { return false };
        let joined = [self.field(first).value, b", ", field.value].concat();
        self.fields.pop();
        if let Some(first) = self.fields.get_mut(at)
            && !single
            && first.merged < MAX_MERGED
        {
            first.merged += 1;
            first.value = Value::Joined(joined);
        }
        true
    }
}
