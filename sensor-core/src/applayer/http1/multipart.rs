//! Multipart bodies (RFC 2046 section 5.1, RFC 7578): the files in them.

use super::Side;
use super::body::file_name;
use super::event::Event;
use super::head::{has_word, is_name, trim};
use super::transaction::Http;
use crate::applayer::parser::{File, Settings};

/// Takes a body apart.
#[derive(Debug)]
pub struct Multipart {
    /// Line feed, two dashes and the boundary.
    delimiter: Vec<u8>,
    state: State,
    /// What is not told yet.
    held: Vec<u8>,
    /// The file that the part's headers named.
    named: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary.
    Boundary,
    Headers,
    /// A part's content, and the place of the file that it is.
    Content(Option<usize>),
    /// Behind the last boundary.
    Over,
}

/// RFC 2046 section 5.1.1.
const MAX_BOUNDARY: usize = 70;
/// Of a part's header line.
const MAX_LINE: usize = 4096;
/// Files of a body; parts past them are not told apart.
const MAX_FILES: usize = 64;

impl Multipart {
    /// For a body of that `Content-Type`; `None` if it is no form.
    pub fn new(content_type: &[u8]) -> Option<Multipart> {
        if !has_word(content_type, b"multipart/form-data") {
            return None;
        }
        let boundary = content_type.split(|byte| *byte == b';').map(trim).find_map(|part| {
            let (name, value) = part.split_at_checked(9)?;
            name.eq_ignore_ascii_case(b"boundary=").then_some(value)
        })?;
        let boundary = boundary.strip_prefix(b"\"").unwrap_or(boundary);
        let boundary = boundary.strip_suffix(b"\"").unwrap_or(boundary);
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            return None;
        }
        // The first boundary has no line before it.
        Some(Multipart {
            delimiter: [b"\n--", boundary].concat(),
            state: State::Preamble,
            held: b"\n".to_vec(),
            named: None,
        })
    }

    /// The next bytes of the body.
    pub fn data(&mut self, bytes: &[u8], transaction: &mut Http, settings: &Settings) {
        if self.state == State::Over {
            return;
        }
        self.held.extend_from_slice(bytes);
        let mut held = std::mem::take(&mut self.held);
        let mut at = 0;
        while let Some(used) = self.step(held.get(at..).unwrap_or_default(), transaction, settings) {
            at += used;
        }
        held.drain(..at.min(held.len()));
        if self.state == State::Over {
            held = Vec::new();
        }
        self.held = held;
    }

    /// The body has ended.
    pub fn end(&mut self, transaction: &mut Http, settings: &Settings) {
        match self.state {
            State::Content(file) => {
                let held = std::mem::take(&mut self.held);
                append(file, &held, transaction, settings);
            }
            State::Preamble => transaction.event(Event::MultipartNoFile),
            State::Boundary | State::Headers | State::Over => {}
        }
        self.state = State::Over;
    }

    /// Reads one thing; `None` if it is not whole.
    fn step(&mut self, bytes: &[u8], transaction: &mut Http, settings: &Settings) -> Option<usize> {
        match self.state {
            State::Over => None,
            State::Preamble | State::Content(_) => {
                let file = if let State::Content(file) = self.state { file } else { None };
                if let Some(end) = memchr::memmem::find(bytes, &self.delimiter) {
                    let content = bytes.get(..end)?;
                    append(file, content.strip_suffix(b"\r").unwrap_or(content), transaction, settings);
                    if let Some(file) = file.and_then(|file| transaction.files.get_mut(file)) {
                        file.close(true);
                    }
                    self.state = State::Boundary;
                    return Some(end + self.delimiter.len());
                }
                // A delimiter may have begun, behind its carriage return.
                let sure = bytes.len().checked_sub(self.delimiter.len() + 1).filter(|sure| *sure > 0)?;
                append(file, bytes.get(..sure)?, transaction, settings);
                Some(sure)
            }
            State::Boundary => {
                if bytes.get(..2)? == b"--" {
                    self.state = State::Over;
                    return None;
                }
                let used = self.line(bytes, transaction)?.len() + 1;
                self.state = State::Headers;
                Some(used)
            }
            State::Headers => {
                let line = self.line(bytes, transaction)?;
                let used = line.len() + 1;
                let text = trim(line);
                if text.is_empty() {
                    self.state = State::Content(self.named.take());
                    return Some(used);
                }
                let Some(colon) = memchr::memchr(b':', text) else {
                    transaction.event(Event::MultipartInvalidHeader);
                    return Some(used);
                };
                let (name, value) = (trim(text.get(..colon)?), trim(text.get(colon + 1..)?));
                if is_name(name, b"content-disposition")
                    && let Some(name) = file_name(value)
                    && transaction.files.len() < MAX_FILES
                {
                    self.named = Some(transaction.files.len());
                    transaction.files.push(File::new(name.to_vec(), Side::ToServer, settings));
                }
                Some(used)
            }
        }
    }

    /// A line without its line feed.
    fn line<'a>(&mut self, bytes: &'a [u8], transaction: &mut Http) -> Option<&'a [u8]> {
        let line = memchr::memchr(b'\n', bytes).and_then(|end| bytes.get(..end));
        if line.map_or(bytes.len(), <[u8]>::len) > MAX_LINE {
            transaction.event(Event::MultipartError);
            self.state = State::Over;
            return None;
        }
        line
    }
}

fn append(file: Option<usize>, bytes: &[u8], transaction: &mut Http, settings: &Settings) {
    if let Some(file) = file.and_then(|file| transaction.files.get_mut(file)) {
        file.append(bytes, settings);
    }
}
