//! HTTP/1 (RFC 9112), as tolerant as browsers and servers are, since what they make of a message is what counts.

mod body;
mod event;
mod head;
mod multipart;
mod request;
mod response;
mod transaction;
mod uri;

/// What HTTP/2 reads alike.
pub(super) mod shared {
    pub use super::body::{codings_of, file_name};
    pub use super::transaction::{content_range, number};
}

use std::ops::Range;

use event::Event;
use head::{Ending, is_space, trim};
use multipart::Multipart;
use transaction::{BODY, COMPLETE, HEADERS, Http};

use super::inflate::Decoder;
use super::parser::{Context, Live, Parsed, Parser, Protocol, Settings, Transaction};
use super::{AppProto, Side};

/// HTTP/1.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Http,
    parser: |settings| Box::new(Http1::new(settings)),
    events: event::NAMES,
    ready: transaction::ready,
    complete: [COMPLETE; 2],
    eve: Some("http"),
};

/// Bytes of a head in all.
const MAX_HEAD: usize = 512 << 10;

/// Reads a connection.
#[derive(Debug)]
struct Http1 {
    live: Live<Http>,
    halves: Sides,
    /// The transaction that the next response answers.
    next_response: u64,
    /// As the flow's, but files keep what rules see of bodies.
    settings: Settings,
}

/// Both of them.
#[derive(Debug, Default)]
struct Sides {
    to_server: Half,
    to_client: Half,
}

impl Sides {
    fn of(&mut self, side: Side) -> &mut Half {
        if side == Side::ToServer { &mut self.to_server } else { &mut self.to_client }
    }
}

/// One side.
#[derive(Debug, Default)]
struct Half {
    state: State,
    /// What came of a line that is not whole.
    pending: Vec<u8>,
    /// Bytes of it that are known not to end it.
    scanned: usize,
    /// The transaction that is being read, or was last.
    id: u64,
    had: bool,
    /// How the last line ended.
    ending: Ending,
    /// A request's line had no protocol: nothing follows, or it was forgotten.
    may_be_09: bool,
    had_interim: bool,
    /// Interim responses were seen for this transaction.
    had_continue: bool,
    decoder: Option<Box<Decoder>>,
    multipart: Option<Box<Multipart>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before a message.
    #[default]
    Line,
    Headers,
    /// So many bytes of a body are to come.
    Length(u64),
    /// So many bytes of a chunk are to come.
    Chunk(u64),
    ChunkSize,
    Trailers,
    /// A body until the connection closes.
    Close,
    /// A line behind a message that begins none: it belongs to the body before.
    Extra,
    /// Behind CONNECT, until it is answered.
    Wait,
    /// No longer HTTP.
    Tunnel,
    /// Lost.
    Dead,
}

impl Http1 {
    fn new(settings: &Settings) -> Http1 {
        let mut settings = settings.clone();
        settings.file_bytes = settings.file_bytes.max(settings.http.request_body).max(settings.http.response_body);
        Http1 { live: Live::default(), halves: Sides::default(), next_response: 0, settings }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        self.halves.of(side)
    }

    /// The transaction a side is in.
    fn current(&mut self, side: Side) -> Option<&mut Http> {
        let id = self.halves.of(side).id;
        self.live.get_mut(id)
    }

    fn event(&mut self, side: Side, event: Event) {
        if let Some(transaction) = self.current(side) {
            transaction.event(event);
        }
    }

    /// Adds a transaction, within the bounds.
    fn open(&mut self) -> u64 {
        let ids = self.live.ids();
        let most = self.settings.transactions.max(1) as u64;
        if ids.end - ids.start >= most {
            let old = ids.end - most;
            if let Some(transaction) = self.live.get_mut(old) {
                transaction.finish(Side::ToServer, false);
                transaction.finish(Side::ToClient, false);
            }
            // A reader that releases nothing does not make the flow grow.
            if ids.end - ids.start >= 2 * most {
                self.live.remove(ids.start);
            }
        }
        self.live.push(Http::new(&self.settings))
    }

    /// Reads on; what is left is kept.
    fn run(&mut self, side: Side, bytes: &[u8], eof: bool, cx: &mut Context<'_>) -> Parsed {
        let mut pending = std::mem::take(&mut self.half(side).pending);
        if pending.is_empty() {
            let used = self.consume(side, bytes, eof, cx);
            pending.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            pending.extend_from_slice(bytes);
            let used = self.consume(side, &pending, eof, cx);
            pending.drain(..used);
        }
        let most = self.settings.http.field.max(256);
        let half = self.half(side);
        if pending.len() > most && half.state != State::Wait || pending.len() > MAX_HEAD {
            self.event(
                side,
                if side == Side::ToServer { Event::RequestFieldTooLong } else { Event::ResponseFieldTooLong },
            );
            self.lose(side);
            return Parsed::Failed;
        }
        half.pending = pending;
        if matches!(half.state, State::Dead | State::Tunnel) {
            half.pending = Vec::new();
            return Parsed::Enough;
        }
        Parsed::More
    }

    fn consume(&mut self, side: Side, bytes: &[u8], eof: bool, cx: &mut Context<'_>) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let before = self.half(side).state;
            let Some(used) = self.step(side, rest, eof, cx) else {
                let half = self.half(side);
                let new = rest.get(half.scanned..).unwrap_or_default();
                half.scanned += memchr::memchr2(b'\n', b'\r', new).unwrap_or(new.len());
                break;
            };
            at += used;
            let half = self.half(side);
            half.scanned = 0;
            if used == 0 && half.state == before {
                break;
            }
        }
        at.min(bytes.len())
    }

    /// Reads one thing; returns what it took, or `None` if it is not whole.
    fn step(&mut self, side: Side, bytes: &[u8], eof: bool, cx: &mut Context<'_>) -> Option<usize> {
        let half = self.half(side);
        match half.state {
            State::Line if side == Side::ToServer => self.request_line(bytes, eof, cx),
            State::Line => self.response_line(bytes, eof),
            State::Headers => self.header(side, bytes, eof, cx),
            State::Length(_) | State::Chunk(_) | State::ChunkSize | State::Trailers | State::Close | State::Extra => {
                self.step_body(side, bytes, eof)
            }
            State::Wait => None,
            State::Tunnel | State::Dead => Some(bytes.len()),
        }
    }

    /// Reads a line of the headers.
    fn header(&mut self, side: Side, bytes: &[u8], eof: bool, cx: &mut Context<'_>) -> Option<usize> {
        let is_response = side == Side::ToClient;
        let most = self.settings.http.headers;
        let half = self.half(side);
        let line = head::line(bytes, is_response, half.scanned, eof)?;
        if std::mem::take(&mut half.may_be_09) {
            self.event(side, Event::RequestLineMissingProtocol);
        }
        let half = self.half(side);
        let before = half.ending;
        let is_blank = line.text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        let ends = if line.text.is_empty() {
            line.ending != Ending::Cr
        } else if is_blank && before == Ending::Lf {
            // Such a line ends the head, unless an empty one follows.
            match bytes.get(line.len) {
                Some(next) => !matches!(next, b'\r' | b'\n'),
                None if eof => true,
                None => return None,
            }
        } else {
            false
        };
        half.ending = line.ending;
        let Some(transaction) = self.current(side) else {
            self.lose(side);
            return Some(bytes.len());
        };
        let headers = &mut transaction.side_mut(side).headers;
        let start = headers.raw.len();
        headers.raw.extend_from_slice(bytes.get(..line.len).unwrap_or_default());
        let is_long = headers.raw.len() > MAX_HEAD;
        if ends {
            self.merge(side);
            if is_response {
                self.response_head(cx)
            } else {
                self.request_head(cx)
            }
            return Some(line.len);
        }
        if is_blank {
            return Some(line.len);
        }
        let name_end = memchr::memchr(b':', line.text);
        let (missing, invalid, folding, many, long) = if is_response {
            use Event::*;
            (
                ResponseFieldMissingColon,
                ResponseHeaderInvalid,
                InvalidResponseFolding,
                ResponseTooManyHeaders,
                ResponseFieldTooLong,
            )
        } else {
            use Event::*;
            (
                RequestFieldMissingColon,
                RequestHeaderInvalid,
                InvalidRequestFolding,
                RequestTooManyHeaders,
                RequestFieldTooLong,
            )
        };
        if is_long {
            transaction.event(long);
            self.lose(side);
            return Some(bytes.len());
        }
        if matches!(line.text.first(), Some(b' ' | b'\t' | 0)) {
            let headers = &mut transaction.side_mut(side).headers;
            // Indented, but a field: browsers take it for one.
            let is_field = is_response
                && name_end.is_some_and(|end| {
                    let name = line.text.get(..end).map(trim).unwrap_or_default();
                    head::is_token(name) && line.text.get(end + 1).is_none_or(|next| is_space(*next))
                });
            if !is_field && headers.fold(line.text) {
                return Some(line.len);
            }
            transaction.event(folding);
        }
        self.merge(side);
        let transaction = self.current(side)?;
        let headers = &mut transaction.side_mut(side).headers;
        if headers.len() >= most {
            transaction.event(many);
            return Some(line.len);
        }
        match headers.add(start, line.text.len()) {
            Some(true) => transaction.event(missing),
            _ if !head::is_token(name_end.and_then(|end| line.text.get(..end)).unwrap_or_default()) => {
                transaction.event(invalid);
            }
            _ => {}
        }
        Some(line.len)
    }

    /// Joins the field that was read last with one of its name.
    fn merge(&mut self, side: Side) {
        let Some(transaction) = self.current(side) else { return };
        let headers = &mut transaction.side_mut(side).headers;
        let Some(last) = headers.len().checked_sub(1).and_then(|last| headers.at(last)) else { return };
        let is_length = head::is_name(last.name, b"content-length");
        if !headers.merge(is_length || head::is_name(last.name, b"host")) {
            return;
        }
        transaction.event(match (side, is_length) {
            (Side::ToServer, true) => Event::DuplicateContentLengthInRequest,
            (Side::ToServer, false) => Event::RequestHeaderRepetition,
            (Side::ToClient, true) => Event::DuplicateContentLengthInResponse,
            (Side::ToClient, false) => Event::ResponseHeaderRepetition,
        });
    }

    /// A side's message has ended.
    fn finish(&mut self, side: Side, whole: bool) {
        self.flush(side);
        let half = self.half(side);
        half.state = State::Line;
        half.had = true;
        half.had_interim = false;
        half.may_be_09 = false;
        let id = half.id;
        if let Some(transaction) = self.live.get_mut(id) {
            transaction.finish(side, whole);
            if transaction.is_released && transaction.is_complete() {
                self.live.remove(id);
            }
        }
    }

    /// Nothing more can be made of a side.
    fn lose(&mut self, side: Side) {
        if !matches!(self.half(side).state, State::Line | State::Tunnel | State::Dead) {
            self.finish(side, false);
        }
        let half = self.half(side);
        half.state = State::Dead;
        half.pending = Vec::new();
    }
}

impl Parser for Http1 {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        self.run(side, bytes, false, cx)
    }

    fn gap(&mut self, side: Side, len: u64, _cx: &mut Context<'_>) -> Parsed {
        let half = self.half(side);
        let (skipped, left) = match half.state {
            State::Length(left) => (len.min(left), left.saturating_sub(len)),
            State::Chunk(left) if len <= left => (len, left - len),
            State::Close => (len, 0),
            State::Tunnel | State::Dead => return Parsed::Enough,
            State::Line
            | State::Headers
            | State::Chunk(_)
            | State::ChunkSize
            | State::Trailers
            | State::Extra
            | State::Wait => {
                self.lose(side);
                return Parsed::Enough;
            }
        };
        half.decoder = None;
        half.multipart = None;
        let state = half.state;
        if let Some(transaction) = self.current(side) {
            transaction.body_gap(side, skipped);
        }
        let next = if left == 0 { State::ChunkSize } else { State::Chunk(left) };
        if let State::Chunk(_) = state {
            self.half(side).state = next;
        } else if let State::Length(_) = state {
            self.half(side).state = State::Length(left);
            if left == 0 {
                self.finish(side, true);
            }
        }
        if len > skipped {
            // What it hides behind the body is not known.
            self.lose(side);
            return Parsed::Enough;
        }
        Parsed::More
    }

    fn end(&mut self, side: Side, cx: &mut Context<'_>) {
        self.run(side, &[], true, cx);
        let pending = std::mem::take(&mut self.half(side).pending);
        self.consume(side, &pending, true, cx);
        let half = self.halves.of(side);
        match half.state {
            State::Close => self.finish(side, true),
            State::Headers if half.may_be_09 => self.finish(side, true),
            State::Headers | State::Length(_) | State::Chunk(_) | State::ChunkSize | State::Trailers => {
                let is_whole = half.state == State::Trailers;
                self.finish(side, is_whole);
            }
            State::Line | State::Extra | State::Wait | State::Tunnel | State::Dead => {}
        }
        if side == Side::ToClient {
            // Nothing answers those that wait.
            for id in self.next_response.max(self.live.ids().start)..self.live.ids().end {
                if let Some(transaction) = self.live.get_mut(id) {
                    transaction.finish(side, false);
                }
            }
            self.next_response = self.live.ids().end;
        }
        self.half(side).state = State::Dead;
    }

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn Transaction> {
        let transaction = self.live.get(id).filter(|transaction| !transaction.is_released)?;
        Some(transaction)
    }

    fn release(&mut self, id: u64) {
        if let Some(transaction) = self.live.get_mut(id) {
            transaction.is_released = true;
            transaction.files.iter_mut().for_each(|file| file.head = Vec::new());
            transaction.request.body = Vec::new();
            transaction.response.body = Vec::new();
            if transaction.is_complete() {
                self.live.remove(id);
            }
        }
    }

    fn bytes(&self) -> usize {
        let half = |half: &Half| half.pending.capacity() + half.decoder.as_ref().map_or(0, |decoder| decoder.bytes());
        self.live.iter().map(Http::bytes).sum::<usize>() + half(&self.halves.to_server) + half(&self.halves.to_client)
    }
}

impl Http1 {
    /// The headers of a side were read, and a body follows or not.
    fn begin_body(&mut self, side: Side, state: State) {
        if let Some(transaction) = self.current(side) {
            transaction.reach(side, HEADERS);
        }
        if matches!(state, State::Line | State::Length(0)) {
            self.finish(side, true);
        } else {
            self.half(side).state = state;
        }
    }

    /// What a decoder still holds.
    fn flush(&mut self, side: Side) {
        let half = self.half(side);
        let (id, decoder, mut multipart) = (half.id, half.decoder.take(), half.multipart.take());
        let Http1 { live, settings, .. } = self;
        let Some(transaction) = live.get_mut(id) else { return };
        if let Some(mut decoder) = decoder {
            decoder.end(&mut |bytes| body::decoded(transaction, side, bytes, &mut multipart, settings));
            if decoder.has_failed() {
                transaction.event(Event::GzipDecompressionFailed);
            }
        }
        if let Some(mut multipart) = multipart {
            multipart.end(transaction, settings);
        }
        transaction.reach(side, BODY);
    }
}

#[cfg(test)]
mod tests;
