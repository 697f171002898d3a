//! Files into rules' lines, a line into header and options.

use std::borrow::Cow;

use super::fault::{Fault, Parsed};

/// Longest rule in bytes, continuation lines joined. Suricata's own limit is 8 KiB a line; the longest of ET Open has 4.
pub const MAX_RULE_BYTES: usize = 64 << 10;
/// Most options of one rule. The longest of ET Open has 68.
pub const MAX_OPTIONS: usize = 1024;

/// One rule's text with its place, or a comment.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The text, continuation lines joined.
    pub(super) text: Cow<'a, str>,
    /// Line of the first byte, from 1.
    pub(super) line: u32,
    /// Where in `text` each further line of the file begins: offset, and the bytes cut off at its left.
    breaks: Vec<usize>,
}

impl Line<'_> {
    /// Line and column, both from 1, of a byte offset; columns count characters.
    pub(super) fn position(&self, offset: usize) -> (u32, u32) {
        let before = self.breaks.iter().filter(|start| **start <= offset);
        let (count, start) = before.fold((0u32, 0usize), |(count, _), start| (count + 1, *start));
        let within = self.text.get(start..offset).map_or(0, |part| part.chars().count());
        (self.line + count, u32::try_from(within).unwrap_or(u32::MAX - 1) + 1)
    }
}

/// A line that is no rule, with what is wrong.
#[derive(Debug)]
pub(super) struct BadLine {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) reason: &'static str,
}

/// The lines of a rule file, blank ones left out.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    line: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: &'a [u8]) -> Self {
        // A byte order mark is no part of the first rule.
        Self { rest: file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file), line: 0 }
    }

    fn physical(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.line = self.line.saturating_add(1);
        let mut parts = self.rest.splitn(2, |byte| *byte == b'\n');
        let line = parts.next().unwrap_or_default();
        self.rest = parts.next().unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, BadLine>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let first = self.physical()?;
            let line = self.line;
            let mut breaks = Vec::new();
            let bytes: Cow<'a, [u8]> = match first.strip_suffix(b"\\") {
                // A comment goes on only if it is a rule that was commented out, and those are written on one line.
                Some(start) if !first.trim_ascii_start().starts_with(b"#") => {
                    let mut joined = start.to_vec();
                    while let Some(next) = self.physical() {
                        let more = next.strip_suffix(b"\\");
                        if joined.len() <= MAX_RULE_BYTES {
                            breaks.push(joined.len());
                            joined.extend_from_slice(more.unwrap_or(next));
                        }
                        if more.is_none() {
                            break;
                        }
                    }
                    Cow::Owned(joined)
                }
                _ => Cow::Borrowed(first),
            };
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let comment = bytes.trim_ascii_start().starts_with(b"#");
            if bytes.len() > MAX_RULE_BYTES {
                if comment {
                    continue;
                }
                return Some(Err(BadLine { line, column: 1, reason: "longer than 64 KiB" }));
            }
            let text = match bytes {
                Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed),
                Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|error| error.utf8_error()),
            };
            return match text {
                Ok(text) => Some(Ok(Line { text, line, breaks })),
                Err(_) if comment => continue,
                Err(error) => {
                    let column = u32::try_from(error.valid_up_to()).unwrap_or(u32::MAX - 1) + 1;
                    Some(Err(BadLine { line, column, reason: "a byte that is not UTF-8; write it as |hex|" }))
                }
            };
        }
    }
}

/// An option as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawOption<'a> {
    pub(super) keyword: &'a str,
    pub(super) value: Option<&'a str>,
}

/// Header and body of a rule: what is before its first parenthesis, and between that and the last.
pub(super) fn split_rule(text: &str) -> Parsed<(&str, &str)> {
    let (header, body) = text.split_once('(').ok_or_else(|| Fault::at(text, "no options: ( is missing"))?;
    let body = body.trim_end();
    let end = body.get(body.len()..).unwrap_or_default();
    let body = body.strip_suffix(')').ok_or_else(|| Fault::at(end, "the options do not end with )"))?;
    Ok((header, body))
}

/// The options of a rule's body. A semicolon ends one unless a backslash stands before it, quotes or not.
pub(super) struct Options<'a> {
    rest: &'a str,
}

impl<'a> Options<'a> {
    pub(super) fn new(body: &'a str) -> Self {
        Self { rest: body }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Parsed<RawOption<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return None;
        }
        let Some(end) = end_of_option(self.rest) else {
            let rest = std::mem::take(&mut self.rest);
            return Some(Err(Fault::at(rest, "; is missing at the end of the option")));
        };
        let (option, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest.get(1..).unwrap_or_default();
        let (keyword, value) = match option.split_once(':') {
            Some((keyword, value)) => (keyword.trim(), Some(value.trim())),
            None => (option.trim(), None),
        };
        if keyword.is_empty() {
            return Some(Err(Fault::at(option, "an option without a name")));
        }
        Some(Ok(RawOption { keyword, value }))
    }
}

fn end_of_option(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b';' => return Some(at),
            _ => {}
        }
    }
    None
}

/// What stands between quotes, and whether `!` stands before them.
pub(super) fn quoted(value: &str) -> Parsed<(bool, &str)> {
    let (negated, rest) = negation(value);
    let inner = rest.strip_prefix('"').ok_or_else(|| Fault::at(rest, "the value has to stand in double quotes"))?;
    let close = closing_quote(inner).ok_or_else(|| Fault::at(rest, "the closing quote is missing"))?;
    let (inner, after) = inner.split_at_checked(close).unwrap_or((inner, ""));
    let after = after.get(1..).unwrap_or_default();
    if !after.trim().is_empty() {
        return Err(Fault::at(after, "text after the closing quote; is a ; missing?"));
    }
    Ok((negated, inner))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// Takes a leading `!` off.
pub(super) fn negation(value: &str) -> (bool, &str) {
    match value.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, value),
    }
}

/// Takes backslashes before `;`, `"`, `:` and `\` away.
pub(super) fn unescape(text: &str) -> Box<str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek().copied()) {
            ('\\', Some(next @ (';' | '"' | ':' | '\\'))) => {
                out.push(next);
                chars.next();
            }
            _ => out.push(char),
        }
    }
    out.into()
}

/// The bytes of a quoted pattern: `|41 42|` is hexadecimal, a backslash takes the meaning off `;`, `"`, `:` and `\`.
pub(super) fn pattern(text: &str) -> Parsed<Box<[u8]>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let after = rest.get(char.len_utf8()..).unwrap_or_default();
        match char {
            '|' => {
                let (hex, after) =
                    after.split_once('|').ok_or_else(|| Fault::at(rest, "the | that ends the bytes is missing"))?;
                hex_bytes(hex, &mut out)?;
                rest = after;
            }
            '\\' => {
                let Some(next @ (';' | '"' | ':' | '\\' | '\'')) = after.chars().next() else {
                    return Err(Fault::at(rest, "only ; : \" and \\ can be escaped"));
                };
                out.push(next as u8);
                rest = after.get(1..).unwrap_or_default();
            }
            '"' => return Err(Fault::at(rest, "a quote inside a pattern has to be escaped")),
            _ => {
                let (this, after) = rest.split_at_checked(char.len_utf8()).unwrap_or((rest, ""));
                out.extend_from_slice(this.as_bytes());
                rest = after;
            }
        }
    }
    if out.is_empty() {
        return Err(Fault::at(text, "an empty pattern"));
    }
    Ok(out.into())
}

fn hex_bytes(hex: &str, out: &mut Vec<u8>) -> Parsed<()> {
    let mut high: Option<u32> = None;
    for (at, char) in hex.char_indices() {
        if matches!(char, ' ' | '\t') {
            continue;
        }
        let digit = char
            .to_digit(16)
            .ok_or_else(|| Fault::at(hex.get(at..).unwrap_or_default(), format!("{char:?} is no hexadecimal digit")))?;
        match high.take() {
            None => high = Some(digit),
            // Two digits of four bits: fits.
            Some(high) => out.push((high << 4 | digit) as u8),
        }
    }
    match high {
        None => Ok(()),
        Some(_) => Err(Fault::at(hex, "an odd number of hexadecimal digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuation_lines_keep_their_places() {
        let lines: Vec<_> = Lines::new(b"\xef\xbb\xbf\r\nab \\\r\ncd\r\n# c \\\nef").filter_map(Result::ok).collect();
        let texts: Vec<_> = lines.iter().map(|line| (line.line, &*line.text)).collect();
        assert_eq!(texts, [(2, "ab cd"), (4, "# c \\"), (5, "ef")]);
        assert_eq!(lines[0].position(1), (2, 2));
        assert_eq!(lines[0].position(4), (3, 2));
    }

    #[test]
    fn lines_past_the_cap_and_bytes_that_are_not_text_are_told() {
        let mut file = vec![b'a'; MAX_RULE_BYTES + 1];
        file.extend_from_slice(b"\nab\xffcd\nok");
        let lines: Vec<_> = Lines::new(&file).collect();
        assert!(matches!(lines[0], Err(BadLine { line: 1, column: 1, .. })));
        assert!(matches!(lines[1], Err(BadLine { line: 2, column: 3, .. })));
        assert!(matches!(&lines[2], Ok(line) if line.text == "ok" && line.line == 3));
    }

    #[test]
    fn patterns() {
        assert_eq!(&*pattern(r#"a|20 0D0a|b\;\"\\\:"#).unwrap(), b"a \r\nb;\"\\:");
        let bad = |text: &str| pattern(text).unwrap_err().offset_in(text);
        assert_eq!(bad("ab|4g|"), Some(4));
        assert_eq!(bad("ab|414|"), Some(3));
        assert_eq!(bad("ab|41"), Some(2));
        assert_eq!(bad(r"ab\n"), Some(2));
        assert_eq!(bad(""), Some(0));
    }

    #[test]
    fn options_end_at_the_semicolon_that_is_not_escaped() {
        let all: Vec<_> = Options::new(r#" a:"x\;y" ; b;c: 1 ;"#).map(|option| option.unwrap()).collect();
        let all: Vec<_> = all.iter().map(|option| (option.keyword, option.value)).collect();
        assert_eq!(all, [("a", Some(r#""x\;y""#)), ("b", None), ("c", Some("1"))]);
        assert!(Options::new("a:1").next().unwrap().is_err());
    }
}
