//! Responses.

use super::event::Event;
use super::head::{has_word, is_space, line, trim};
use super::transaction::{LINE, Message, content_range, number};
use super::{Context, Http1, Side, State};
use crate::applayer::AppProto;
use crate::applayer::parser::Next;

const SIDE: Side = Side::ToClient;

impl Http1 {
    pub fn response_line(&mut self, bytes: &[u8], eof: bool) -> Option<usize> {
        if self.halves.to_server.may_be_09 {
            self.finish(Side::ToServer, true);
        }
        let half = self.half(SIDE);
        let is_behind = half.had && !half.had_interim;
        match bytes {
            [b'\r'] if is_behind && !eof => return None,
            [b'\n', ..] | [b'\r', b'\n', ..] if is_behind => {
                half.state = State::Extra;
                return Some(0);
            }
            [b'\r' | b'\n', ..] => return Some(1),
            _ => {}
        }
        let begins = match begins(bytes) {
            Some(begins) => begins,
            None if !eof => return None,
            None => false,
        };
        let half = self.half(SIDE);
        if !begins && is_behind {
            half.state = State::Extra;
            return Some(0);
        }
        let line = line(bytes, true, half.scanned, eof)?;
        if trim(line.text).is_empty() {
            return Some(line.len);
        }
        if !begins {
            // Junk before a response is overlooked; else it is a body without head, as of HTTP/0.9.
            match bytes.get(line.len..).and_then(super::response::begins) {
                Some(true) => return Some(line.len),
                None if !eof => return None,
                _ => {}
            }
        }
        half.ending = line.ending;
        if !std::mem::take(&mut half.had_interim) || !self.live.ids().contains(&self.half(SIDE).id) {
            self.begin_response();
        }
        let Some(transaction) = self.current(SIDE) else {
            // It was given up, being past the bounds.
            self.lose(SIDE);
            return Some(bytes.len());
        };
        if !begins {
            transaction.event(Event::InvalidProtocol);
            self.begin_body(SIDE, State::Close);
            return Some(0);
        }
        let text = line.text;
        let words = words(text);
        transaction.response.line = text.to_vec();
        transaction.response.words = words;
        let part = |(from, to): (usize, usize)| text.get(from..to).unwrap_or_default();
        let [protocol, status, _] = words.map(part);
        if !matches!(protocol, b"HTTP/1.0" | b"HTTP/1.1" | b"HTTP/0.9") {
            transaction.event(Event::InvalidProtocol);
        }
        if !(status.len() == 3 && number(status).is_some_and(|status| (100..1000).contains(&status))) {
            transaction.event(Event::InvalidStatus);
        }
        // An interim response's line is not the one that counts.
        if status.first() != Some(&b'1') {
            transaction.reach(SIDE, LINE);
        }
        self.half(SIDE).state = State::Headers;
        Some(line.len)
    }

    /// Finds the transaction that is answered.
    fn begin_response(&mut self) {
        let id = self.next_response;
        self.next_response += 1;
        self.half(SIDE).id = id;
        if id < self.live.ids().end {
            return;
        }
        let id = self.open();
        self.next_response = id + 1;
        self.half(SIDE).id = id;
        if let Some(transaction) = self.live.get_mut(id) {
            transaction.is_unasked = true;
            transaction.event(Event::UnableToMatchResponse);
            transaction.finish(Side::ToServer, true);
        }
    }

    pub fn response_head(&mut self, cx: &mut Context<'_>) {
        let framing = self.framing(SIDE);
        let Some(transaction) = self.current(SIDE) else { return };
        let response = &transaction.response;
        let headers = &response.headers;
        let status = response.word(1).and_then(number).unwrap_or(0);
        let is_connect = transaction.is_connect;
        let is_old = response.word(0).is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"HTTP/1.0"));
        let upgrade = headers.get(b"upgrade");
        let ranges = headers.get(b"content-type").is_some_and(|value| has_word(value, b"multipart/byteranges"));
        let bad_range = headers.get(b"content-range").is_some_and(|value| content_range(value)[0].is_none());
        let has_body = framing.is_some_and(|framing| framing != State::Length(0));
        let next = match upgrade {
            Some(to) if has_word(to, b"h2c") => Next::Is(AppProto::Http2),
            Some(to) if has_word(to, b"websocket") => Next::Is(AppProto::WebSocket),
            _ => Next::Probe,
        };
        let is_head = transaction.is_head;
        if ranges {
            transaction.event(Event::ResponseByteranges);
        }
        if bad_range {
            transaction.event(Event::RangeInvalid);
        }
        if is_old && framing == Some(State::ChunkSize) {
            transaction.event(Event::ChunkedOldProtocol);
        }
        if status == 101 && !has_body || is_connect && (200..300).contains(&status) {
            self.half(SIDE).decoder = None;
            self.begin_body(SIDE, State::Line);
            if self.halves.to_server.state != State::Line && self.halves.to_server.state != State::Wait {
                self.finish(Side::ToServer, false);
            }
            cx.next = Some(next);
            self.halves.to_server.state = State::Tunnel;
            self.halves.to_client.state = State::Tunnel;
            return;
        }
        if (100..200).contains(&status) && !has_body {
            // The final response is to come.
            if self.halves.to_client.had_continue {
                self.event(SIDE, Event::ContinueAlreadySeen);
            }
            if let Some(transaction) = self.current(SIDE) {
                transaction.response = Message { progress: transaction.response.progress, ..Message::default() };
            }
            let half = self.half(SIDE);
            half.had_continue = true;
            half.had_interim = true;
            half.decoder = None;
            half.state = State::Line;
            return;
        }
        self.half(SIDE).had_continue = false;
        if self.halves.to_server.state == State::Wait {
            self.halves.to_server.state = State::Line;
        }
        let none = is_head || matches!(status, 204 | 304);
        self.begin_body(SIDE, if none { State::Line } else { framing.unwrap_or(State::Close) });
    }
}

/// Whether a response begins here, behind space; `None` if it is not to be told yet.
fn begins(bytes: &[u8]) -> Option<bool> {
    let mut name = b"HTTP".iter();
    for byte in bytes.iter().skip_while(|byte| is_space(**byte)).filter(|byte| **byte != 0) {
        match name.next() {
            Some(expected) if byte.eq_ignore_ascii_case(expected) => {}
            Some(_) => return Some(false),
            None => return Some(true),
        }
    }
    if name.len() == 0 { Some(true) } else { None }
}

/// Where protocol, status and message stand.
fn words(text: &[u8]) -> [(usize, usize); 3] {
    let skip = |from: usize| text.iter().skip(from).take_while(|byte| is_space(**byte)).count() + from;
    let word = |from: usize| text.iter().skip(from).position(|byte| is_space(*byte)).map_or(text.len(), |at| from + at);
    let start = skip(0);
    let protocol = word(start);
    let status = skip(protocol);
    let status_end = word(status);
    let message = skip(status_end);
    let end = text.iter().rposition(|byte| !is_space(*byte)).map_or(0, |at| at + 1).max(message);
    [(start, protocol), (status, status_end), (message, end)]
}
