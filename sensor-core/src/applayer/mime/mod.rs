//! Messages of the Internet (RFC 5322) and their bodies (RFC 2045, RFC 2046): header fields, attachments as files, and
//! the URLs of texts. Read line by line, to what Suricata makes of them.

mod decode;
mod header;
mod url;

#[cfg(test)]
mod tests;

use super::Side;
pub use super::lines::End;
use super::parser::{File, Settings};
use decode::Base64;
use header::{Field, has_prefix, parameter};

/// A message that is being read.
#[derive(Debug)]
pub struct Mime {
    state: State,
    fields: Vec<(Field, Vec<u8>)>,
    /// The header line that may go on.
    open: Option<(Field, Vec<u8>)>,
    /// Of the multiparts that are open, the outermost first.
    boundaries: Vec<Vec<u8>>,
    /// How many parts deep the message is read; fields of the outermost are kept.
    depth: usize,
    part: Part,
    files: Vec<File>,
    attachments: Vec<Vec<u8>>,
    urls: Vec<Vec<u8>>,
    decoded: Vec<u8>,
    odd: u32,
    side: Side,
    /// The line before did not end: what comes belongs to it.
    cut: bool,
}

/// What was odd in a message: bits of [`Mime::odd`].
pub mod odd {
    /// A quoted-printable escape that is none.
    pub const INVALID_QP: u8 = 0;
    /// A line of more than 998 bytes (RFC 5322, section 2.1.1).
    pub const LONG_LINE: u8 = 1;
    /// An encoded line of more than 76 bytes (RFC 2045, sections 6.7 and 6.8).
    pub const LONG_ENCODED_LINE: u8 = 2;
    /// A field's name of more than 75 bytes.
    pub const LONG_HEADER_NAME: u8 = 3;
    /// A field's value that is cut.
    pub const LONG_HEADER_VALUE: u8 = 4;
    /// A boundary past the bound.
    pub const LONG_BOUNDARY: u8 = 5;
    /// A file's name that is cut.
    pub const LONG_FILENAME: u8 = 6;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Headers,
    Body,
    /// Before the first part of a multipart, or behind its last.
    Between,
}

/// The entity whose headers or body are read.
#[derive(Debug, Default)]
struct Part {
    encoding: Encoding,
    content: Content,
    boundary: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    file: Option<usize>,
    /// A line of a plain body was read: a line's end comes before the next.
    begun: bool,
    base64: Base64,
    /// A decoded line of text that may go on.
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Encoding {
    #[default]
    Plain,
    Base64,
    QuotedPrintable,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Content {
    /// Text that URLs are looked for in; what is not said is text.
    #[default]
    Text,
    Multipart,
    Message,
    Other,
}

impl Mime {
    /// A message that a side begins to send.
    #[must_use]
    pub fn new(side: Side) -> Mime {
        Mime {
            state: State::Headers,
            fields: Vec::new(),
            open: None,
            boundaries: Vec::new(),
            depth: 0,
            part: Part::default(),
            files: Vec::new(),
            attachments: Vec::new(),
            urls: Vec::new(),
            decoded: Vec::new(),
            odd: 0,
            side,
            cut: false,
        }
    }

    /// The next line, without its end, or a piece of one.
    pub fn line(&mut self, line: &[u8], end: End, settings: &Settings) {
        let goes_on = std::mem::replace(&mut self.cut, end == End::Cut);
        if line.len() > MAX_LINE {
            self.note(odd::LONG_LINE);
        }
        if !goes_on && self.delimits(line, settings) {
            return;
        }
        match self.state {
            State::Headers if !goes_on => self.header(line, settings),
            State::Headers | State::Between => {}
            State::Body => self.body(line, end, goes_on, settings),
        }
    }

    /// The message ends; `whole` says that its end was seen.
    pub fn end(&mut self, whole: bool, settings: &Settings) {
        self.end_field();
        self.end_part(whole, settings);
        self.state = State::Between;
        self.boundaries = Vec::new();
        self.decoded = Vec::new();
    }

    /// The value of a header field, without folds: the first of the name.
    pub fn field(&self, name: &str, index: usize) -> Option<&[u8]> {
        let field = Field::named(name.as_bytes());
        let mut values = self.fields.iter().filter(|(known, _)| *known == field).map(|(_, value)| value.as_slice());
        values.nth(index)
    }

    /// Its attachments: what has a name.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Names of attachments, empty ones too.
    pub fn attachments(&self) -> &[Vec<u8>] {
        &self.attachments
    }

    /// URLs of `http` in texts, without their scheme; the newest last.
    pub fn urls(&self) -> &[Vec<u8>] {
        &self.urls
    }

    /// What was odd: bits of [`odd`].
    pub fn odd(&self) -> u32 {
        self.odd
    }

    /// Bytes on the heap, about.
    pub fn bytes(&self) -> usize {
        let lists = [&self.attachments, &self.urls, &self.boundaries];
        let texts: usize = lists.into_iter().flatten().map(|text| text.capacity() + size_of::<Vec<u8>>()).sum();
        let fields: usize = self.fields.iter().map(|(_, value)| value.capacity() + size_of::<Vec<u8>>()).sum();
        let files: usize = self.files.iter().map(|file| file.head.capacity() + size_of::<File>()).sum();
        size_of::<Mime>() + texts + fields + files + self.decoded.capacity() + self.part.text.capacity()
    }

    fn note(&mut self, odd: u8) {
        self.odd |= 1 << odd;
    }

    /// Takes a line that ends a part. Like Suricata's, a delimiter may have more behind it.
    fn delimits(&mut self, line: &[u8], settings: &Settings) -> bool {
        let Some(rest) = line.strip_prefix(b"--") else { return false };
        let after = |boundary: &Vec<u8>| rest.strip_prefix(boundary.as_slice());
        let is_exact = |boundary: &Vec<u8>| {
            after(boundary).is_some_and(|after| after.strip_prefix(b"--").unwrap_or(after).trim_ascii().is_empty())
        };
        let boundaries = &self.boundaries;
        let place = boundaries.iter().rposition(is_exact).or(boundaries.iter().rposition(|one| after(one).is_some()));
        let Some(place) = place else { return false };
        let is_last = boundaries.get(place).and_then(after).is_some_and(|after| after.starts_with(b"--"));
        self.end_field();
        self.end_part(true, settings);
        // The last delimiter is kept, for a part that comes behind it all the same.
        self.boundaries.truncate(place + 1);
        self.depth = self.boundaries.len();
        self.state = if is_last { State::Between } else { State::Headers };
        true
    }

    fn header(&mut self, line: &[u8], settings: &Settings) {
        if line.is_empty() {
            self.end_field();
            return self.begin_body(settings);
        }
        if let ([b' ' | b'\t', more @ ..], Some((_, value))) = (line, &mut self.open) {
            let room = MAX_FOLDED.saturating_sub(value.len());
            value.extend_from_slice(more.get(..room.min(more.len())).unwrap_or_default());
            if more.len() > room {
                self.note(odd::LONG_HEADER_VALUE);
            }
            return;
        }
        self.end_field();
        let Some(colon) = memchr::memchr(b':', line) else { return };
        let (name, value) = line.split_at(colon);
        if name.len() > MAX_NAME {
            self.note(odd::LONG_HEADER_NAME);
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii_start();
        if value.len() > MAX_VALUE {
            self.note(odd::LONG_HEADER_VALUE);
        }
        let field = Field::named(name);
        if field != Field::Other {
            self.open = Some((field, value.get(..MAX_VALUE).unwrap_or(value).to_vec()));
        }
    }

    /// A field of the header is whole.
    fn end_field(&mut self) {
        let Some((field, value)) = self.open.take() else { return };
        match field {
            Field::ContentType => self.content_type(&value),
            Field::ContentDisposition => self.name(parameter(&value, b"filename")),
            Field::ContentTransferEncoding => {
                let value = value.trim_ascii_end();
                self.part.encoding = if value.eq_ignore_ascii_case(b"base64") {
                    Encoding::Base64
                } else if value.eq_ignore_ascii_case(b"quoted-printable") {
                    Encoding::QuotedPrintable
                } else {
                    Encoding::Plain
                };
            }
            Field::From
            | Field::To
            | Field::Cc
            | Field::Subject
            | Field::Date
            | Field::MessageId
            | Field::XMailer
            | Field::Received => {
                // Of a field that stands once the first counts.
                let is_first = field == Field::Received || self.fields.iter().all(|(known, _)| *known != field);
                if is_first && self.depth == 0 && self.fields.len() < MAX_FIELDS {
                    self.fields.push((field, value));
                }
            }
            Field::Other => {}
        }
    }

    fn content_type(&mut self, value: &[u8]) {
        self.part.content = if has_prefix(value, b"text/plain") || has_prefix(value, b"text/html") {
            Content::Text
        } else if has_prefix(value, b"multipart/") {
            Content::Multipart
        } else if has_prefix(value, b"message/rfc822") {
            Content::Message
        } else {
            Content::Other
        };
        if self.part.content == Content::Multipart {
            self.part.boundary = parameter(value, b"boundary").filter(|boundary| !boundary.is_empty());
            if self.part.boundary.as_ref().is_some_and(|boundary| boundary.len() > MAX_BOUNDARY) {
                self.part.boundary = None;
                self.note(odd::LONG_BOUNDARY);
            }
        }
        self.name(parameter(value, b"name"));
    }

    /// The name of a file; the first one counts.
    fn name(&mut self, name: Option<Vec<u8>>) {
        let Some(mut name) = name.filter(|_| self.part.name.is_none()) else { return };
        if name.len() > MAX_FILE_NAME {
            name.truncate(MAX_FILE_NAME);
            self.note(odd::LONG_FILENAME);
        }
        self.part.name = Some(name);
    }

    fn begin_body(&mut self, settings: &Settings) {
        match self.part.content {
            Content::Multipart => {
                if let Some(boundary) = self.part.boundary.take().filter(|_| self.boundaries.len() < MAX_DEPTH) {
                    self.boundaries.push(boundary);
                }
                self.state = State::Between;
            }
            // A message in the message: its headers follow.
            Content::Message if self.part.name.is_none() => {
                self.part = Part::default();
                self.depth += 1;
                self.state = State::Headers;
            }
            Content::Message | Content::Text | Content::Other => {
                self.state = State::Body;
                let Some(name) = self.part.name.take().filter(|_| self.attachments.len() < MAX_FILES) else { return };
                self.attachments.push(name.clone());
                if !name.is_empty() {
                    self.part.file = Some(self.files.len());
                    self.files.push(File::new(name, self.side, settings));
                }
            }
        }
    }

    fn body(&mut self, line: &[u8], end: End, goes_on: bool, settings: &Settings) {
        let Part { encoding, content, file, begun, base64, text, .. } = &mut self.part;
        let mut file = file.and_then(|place| self.files.get_mut(place));
        let is_text = *content == Content::Text;
        let too_long = *encoding != Encoding::Plain && line.len() > MAX_ENCODED_LINE && file.is_some();
        let mut broken = false;
        self.decoded.clear();
        match encoding {
            Encoding::Base64 => {
                base64.decode(line, &mut self.decoded);
                if is_text {
                    url::lines(text, &self.decoded, |line| url::find(line, b"", &mut self.urls));
                }
            }
            Encoding::QuotedPrintable => broken = !decode::quoted_printable(line, end, &mut self.decoded),
            Encoding::Plain => {
                // The line's end before a delimiter belongs to that.
                if *begun && !goes_on {
                    self.decoded.extend_from_slice(b"\r\n");
                }
                *begun = true;
                self.decoded.extend_from_slice(line);
            }
        }
        if is_text && *encoding != Encoding::Base64 {
            let end: &[u8] = match end {
                End::CrLf => b"\r\n",
                End::Lf => b"\n",
                End::Cut => b"",
            };
            url::find(line, end, &mut self.urls);
        }
        if let Some(file) = &mut file {
            file.append(&self.decoded, settings);
        }
        if too_long {
            self.note(odd::LONG_ENCODED_LINE);
        }
        if broken {
            self.note(odd::INVALID_QP);
        }
    }

    fn end_part(&mut self, whole: bool, settings: &Settings) {
        let mut part = std::mem::take(&mut self.part);
        self.decoded.clear();
        part.base64.finish(&mut self.decoded);
        if part.content == Content::Text {
            part.text.extend_from_slice(&self.decoded);
            url::find(&part.text, b"", &mut self.urls);
        }
        if let Some(file) = part.file.and_then(|place| self.files.get_mut(place)) {
            file.append(&self.decoded, settings);
            file.close(whole);
        }
    }
}

/// RFC 5322, section 2.1.1.
const MAX_LINE: usize = 998;
/// RFC 2045, sections 6.7 and 6.8.
const MAX_ENCODED_LINE: usize = 76;
/// Of a field's name; Suricata's.
const MAX_NAME: usize = 75;
/// Of one line of a field's value; Suricata's `header-value-depth` as shipped.
const MAX_VALUE: usize = 2000;
/// Of a field's value with all of its folds.
const MAX_FOLDED: usize = 16 << 10;
/// Suricata's; RFC 2046, section 5.1.1 allows 70.
const MAX_BOUNDARY: usize = 254;
/// Suricata's.
const MAX_FILE_NAME: usize = 255;
/// Fields that are kept.
const MAX_FIELDS: usize = 64;
/// Multiparts in each other.
const MAX_DEPTH: usize = 64;
/// Attachments of a message; what is past them is passed over.
const MAX_FILES: usize = 256;
