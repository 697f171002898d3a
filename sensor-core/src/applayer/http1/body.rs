//! Bodies: where they end, how they are coded, which file they are.

use super::event::Event;
use super::head::{Headers, has_word, is_space, line, trim};
use super::multipart::Multipart;
use super::transaction::Http;
use super::{Http1, Side, State};
use crate::applayer::inflate::{Coding, Decoder};
use crate::applayer::parser::{File, Settings};

/// Of a chunk's size with its extensions.
const MAX_SIZE_LINE: usize = 8 << 10;
/// Digits of a chunk's size.
const MAX_DIGITS: usize = 16;
/// Of a file's name.
const MAX_NAME: usize = 4096;

impl Http1 {
    pub fn step_body(&mut self, side: Side, bytes: &[u8], eof: bool) -> Option<usize> {
        let half = self.halves.of(side);
        match half.state {
            State::Length(left) => {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                half.state = State::Length(left - now as u64);
                self.push(side, bytes.get(..now).unwrap_or_default());
                if left == now as u64 {
                    self.finish(side, true);
                }
                Some(now)
            }
            State::Chunk(left) => {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                half.state = if left == now as u64 { State::ChunkSize } else { State::Chunk(left - now as u64) };
                self.push(side, bytes.get(..now).unwrap_or_default());
                Some(now)
            }
            State::Close => {
                self.push(side, bytes);
                Some(bytes.len())
            }
            State::Extra => {
                let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
                self.push(side, bytes.get(..end).unwrap_or_default());
                if bytes.get(end.wrapping_sub(1)) == Some(&b'\n') {
                    self.half(side).state = State::Line;
                }
                Some(end)
            }
            State::ChunkSize => self.chunk_size(side, bytes, eof),
            State::Line | State::Headers | State::Trailers | State::Wait | State::Tunnel | State::Dead => {
                let scanned = half.scanned;
                if bytes.len() < 5 && b"HTTP/".starts_with(bytes) && !eof {
                    return None;
                }
                if bytes.starts_with(b"HTTP/") {
                    self.finish(side, true);
                    return Some(0);
                }
                let line = line(bytes, false, scanned, eof)?;
                if trim(line.text).is_empty() {
                    self.finish(side, true);
                }
                Some(line.len)
            }
        }
    }

    fn chunk_size(&mut self, side: Side, bytes: &[u8], eof: bool) -> Option<usize> {
        let is_request = side == Side::ToServer;
        // The end of the chunk before, and what browsers overlook.
        let lead = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
        let rest = bytes.get(lead..).unwrap_or_default();
        if lead > 0 {
            return Some(lead);
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let end = memchr::memchr(b'\n', rest);
        if end.is_none() && digits > 0 && digits <= MAX_DIGITS && rest.len() < MAX_SIZE_LINE && !eof {
            return None;
        }
        let size = (digits > 0 && digits <= MAX_DIGITS)
            .then(|| rest.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .filter(|_| end.is_some() || eof);
        let Some(size) = size else {
            // Not chunked at all: a body until the end.
            self.event(side, if is_request { Event::InvalidRequestChunkLen } else { Event::InvalidResponseChunkLen });
            self.half(side).state = State::Close;
            return Some(0);
        };
        let len = end.map_or(rest.len(), |end| end + 1);
        if !trim(rest.get(digits..len).unwrap_or_default()).is_empty() {
            self.event(side, if is_request { Event::RequestChunkExtension } else { Event::ResponseChunkExtension });
        }
        self.half(side).state = if size == 0 { State::Trailers } else { State::Chunk(size) };
        Some(len)
    }

    /// The next bytes of a side's body.
    fn push(&mut self, side: Side, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Http1 { live, halves, settings, .. } = self;
        let half = halves.of(side);
        let Some(transaction) = live.get_mut(half.id) else { return };
        if half.multipart.is_none() {
            name_file(transaction, side, settings);
        }
        match &mut half.decoder {
            Some(decoder) => {
                let multipart = &mut half.multipart;
                decoder.data(bytes, &mut |bytes| decoded(transaction, side, bytes, multipart, settings));
                if decoder.is_bomb() {
                    transaction.event(Event::CompressionBomb);
                }
            }
            None => decoded(transaction, side, bytes, &mut half.multipart, settings),
        }
    }

    /// How a body is framed; `None` if nothing says so. Sets the decoder.
    pub fn framing(&mut self, side: Side) -> Option<State> {
        let is_request = side == Side::ToServer;
        let Http1 { live, halves, settings, .. } = self;
        let half = halves.of(side);
        let transaction = live.get_mut(half.id)?;
        let headers = &transaction.side(side).headers;
        let mut events = Vec::new();
        let layers = usize::from(settings.http.decompress_layers);
        let codings = codings(headers, layers, &mut events);
        let mut state = None;
        if let Some(value) = headers.get(b"transfer-encoding") {
            let is_plain = value.eq_ignore_ascii_case(b"chunked");
            if has_word(value, b"chunked") {
                state = Some(State::ChunkSize);
                if !is_plain && !is_request {
                    events.push(Event::AbnormalTransferEncoding);
                }
            } else {
                events.push(if is_request {
                    Event::InvalidTransferEncodingInRequest
                } else {
                    Event::InvalidTransferEncodingInResponse
                });
            }
        }
        if state.is_none()
            && let Some(value) = headers.get(b"content-length")
        {
            let (length, is_odd) = content_length(value);
            if is_odd {
                events.push(if is_request {
                    Event::InvalidContentLengthInRequest
                } else {
                    Event::InvalidContentLengthInResponse
                });
            }
            state = length.map(State::Length);
        }
        half.decoder = (!codings.is_empty()).then(|| Box::new(Decoder::new(&codings, settings.http.bomb)));
        let content_type = headers.get(b"content-type").filter(|_| is_request && settings.http.multipart);
        half.multipart = content_type.and_then(Multipart::new).map(Box::new);
        for event in events {
            transaction.event(event);
        }
        state
    }
}

/// The first number in it, and whether there is anything else.
fn content_length(value: &[u8]) -> (Option<u64>, bool) {
    let start = value.iter().position(u8::is_ascii_digit).unwrap_or(value.len());
    let digits = value.get(start..).unwrap_or_default();
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (super::transaction::number(digits.get(..len).unwrap_or_default()), len != value.len())
}

/// The codings that `Content-Encoding` names, in its order: the outermost `layers` of them.
fn codings(headers: &Headers, layers: usize, events: &mut Vec<Event>) -> Vec<Coding> {
    let Some(value) = headers.get(b"content-encoding") else { return Vec::new() };
    named_codings(value, layers, events)
}

/// The same of a value.
pub fn codings_of(value: &[u8], layers: usize) -> Vec<Coding> {
    named_codings(value, layers, &mut Vec::new())
}

fn named_codings(value: &[u8], layers: usize, events: &mut Vec<Event>) -> Vec<Coding> {
    let mut found = Vec::new();
    for name in value.split(|byte| *byte == b',').map(trim).filter(|name| !name.is_empty()) {
        let is = |names: &[&[u8]]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        let (coding, is_odd) = if has_word(name, b"gzip") {
            (Some(Coding::Gzip), !is(&[b"gzip", b"x-gzip"]))
        } else if has_word(name, b"deflate") {
            (Some(Coding::Deflate), !is(&[b"deflate", b"x-deflate"]))
        } else if is(&[b"br"]) {
            (Some(Coding::Brotli), false)
        } else {
            (None, !is(&[b"identity", b"none", b"inflate"]))
        };
        if is_odd {
            events.push(Event::AbnormalContentEncoding);
        }
        found.extend(coding);
    }
    if found.len() > layers {
        events.push(Event::TooManyLayers);
        found.drain(..found.len() - layers);
    }
    found
}

/// The next bytes of a body, decoded.
pub fn decoded(
    transaction: &mut Http,
    side: Side,
    bytes: &[u8],
    multipart: &mut Option<Box<Multipart>>,
    settings: &Settings,
) {
    transaction.body(side, bytes, settings);
    if let Some(multipart) = multipart
        && !transaction.is_released
    {
        multipart.data(bytes, transaction, settings);
    }
}

/// Makes the file that a body is, once there is one.
fn name_file(transaction: &mut Http, side: Side, settings: &Settings) {
    let is_response = side == Side::ToClient;
    let message = transaction.side(side);
    let is_upload = transaction.request.word(0).is_some_and(|method| matches!(method, b"POST" | b"PUT"));
    if message.file.is_some() || !is_response && !is_upload {
        return;
    }
    let said = message.headers.get(b"content-disposition").and_then(file_name);
    let path = || transaction.uri.split(|byte| *byte == b'?').next().unwrap_or_default();
    let mut name = said.unwrap_or_else(path).to_vec();
    let file = transaction.files.len();
    if name.len() > MAX_NAME {
        name.truncate(MAX_NAME);
        transaction.event(Event::FileNameTooLong);
    }
    transaction.files.push(File::new(name, side, settings));
    transaction.side_mut(side).file = Some(file);
}

/// `filename` of a `Content-Disposition` (RFC 6266).
pub fn file_name(value: &[u8]) -> Option<&[u8]> {
    for part in value.split(|byte| *byte == b';').map(trim) {
        let Some(equals) = memchr::memchr(b'=', part) else { continue };
        let (name, value) = (trim(part.get(..equals)?), trim(part.get(equals + 1..)?));
        if name.eq_ignore_ascii_case(b"filename") {
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            let value = value.strip_suffix(b"\"").unwrap_or(value);
            return Some(value).filter(|value| !value.is_empty());
        }
    }
    None
}
