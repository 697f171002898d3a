//! Requests.

use super::event::Event;
use super::head::{is_token, line, trim};
use super::transaction::{LINE, set_host};
use super::uri::Target;
use super::{Context, Http1, Side, State};

/// A longer first word behind a request begins no other.
const MAX_METHOD: usize = 32;
const SIDE: Side = Side::ToServer;

/// Schemes of `Authorization` that are known (RFC 9110 section 11.1).
const KNOWN_SCHEMES: [&[u8]; 2] = [b"basic", b"digest"];
/// Those whose content is not looked at.
const OPAQUE_SCHEMES: [&[u8]; 5] = [b"bearer", b"ntlm", b"negotiate", b"hoba", b"mutual"];

impl Http1 {
    pub fn request_line(&mut self, bytes: &[u8], eof: bool, cx: &Context<'_>) -> Option<usize> {
        if matches!(bytes.first(), Some(b'\r' | b'\n')) {
            return Some(1);
        }
        let half = self.half(SIDE);
        if half.had {
            let space = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let word = bytes.get(space..).unwrap_or_default();
            let end = word.iter().take(MAX_METHOD + 1).position(|byte| !is_token(&[*byte]));
            let begins = match end.and_then(|end| word.get(end)) {
                Some(byte) => matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && (end != Some(0) || space > 0),
                None if word.len() <= MAX_METHOD && !eof => return None,
                None => false,
            };
            if !begins {
                half.state = State::Extra;
                self.event(SIDE, Event::RequestBodyUnexpected);
                return Some(0);
            }
        }
        let line = line(bytes, false, half.scanned, eof)?;
        if trim(line.text).is_empty() {
            return Some(line.len);
        }
        half.ending = line.ending;
        let is_whole = bytes.get(line.len.wrapping_sub(1)) == Some(&b'\n');
        let id = self.open();
        let twice = [self.settings.http.double_decode_path, self.settings.http.double_decode_query];
        let half = self.half(SIDE);
        half.id = id;
        half.state = State::Headers;
        let transaction = self.live.get_mut(id)?;
        let text = line.text;
        let (words, has_protocol) = words(text);
        transaction.request.line = text.to_vec();
        transaction.request.words = words;
        let part = |(from, to): (usize, usize)| text.get(from..to).unwrap_or_default();
        let [method, target, _] = words.map(part);
        transaction.is_head = method == b"HEAD";
        transaction.is_connect = method == b"CONNECT";
        let read = if transaction.is_connect && !target.starts_with(b"/") {
            Target { authority: Some(target), path: target, query: None }
        } else {
            Target::read(target)
        };
        if read.normalise(twice, &mut transaction.uri) {
            transaction.event(Event::DoubleEncodedUri);
        }
        if let Some(authority) = read.authority {
            set_host(transaction, authority, Event::UriHostInvalid);
        }
        if words[0].0 > 0 {
            transaction.event(Event::RequestLineLeadingWhitespace);
        }
        if !is_token(method) {
            transaction.event(Event::RequestLineInvalid);
        }
        if text.get(words[0].1).is_some_and(|byte| *byte != b' ') {
            transaction.event(Event::MethodDelimiter);
        }
        if has_protocol && text.get(words[1].1).is_some_and(|byte| *byte != b' ') {
            transaction.event(Event::UriDelimiter);
        }
        if !is_whole {
            transaction.event(Event::RequestLineIncomplete);
        }
        if transaction.port.is_some_and(|port| port != cx.ports.1) {
            transaction.event(Event::PortMismatch);
        }
        transaction.reach(SIDE, LINE);
        self.half(SIDE).may_be_09 = !has_protocol;
        Some(line.len)
    }

    pub fn request_head(&mut self, cx: &Context<'_>) {
        let framing = self.framing(SIDE);
        let Some(transaction) = self.current(SIDE) else { return };
        let headers = &transaction.request.headers;
        let host = headers.get(b"host").map(<[u8]>::to_vec);
        let scheme = headers.get(b"authorization").and_then(|value| value.split(|byte| *byte == b' ').next());
        let is_known =
            |scheme: &[u8]| KNOWN_SCHEMES.iter().chain(&OPAQUE_SCHEMES).any(|known| scheme.eq_ignore_ascii_case(known));
        let is_strange = scheme.is_some_and(|scheme| !is_known(scheme));
        let needs_host = transaction.request.word(2).is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"HTTP/1.1"));
        if is_strange {
            transaction.event(Event::AuthUnrecognized);
        }
        match host {
            Some(host) if transaction.host_raw.is_empty() => {
                set_host(transaction, &host, Event::HeaderHostInvalid);
                if transaction.port.is_some_and(|port| port != cx.ports.1) {
                    transaction.event(Event::PortMismatch);
                }
            }
            Some(host) if !super::uri::host_and_port(&host).0.eq_ignore_ascii_case(&transaction.host) => {
                transaction.event(Event::HostAmbiguous);
            }
            Some(_) => {}
            None if needs_host => transaction.event(Event::MissingHost),
            None => {}
        }
        let is_connect = transaction.is_connect;
        self.begin_body(SIDE, framing.filter(|_| !is_connect).unwrap_or(State::Line));
        if is_connect {
            self.half(SIDE).state = State::Wait;
        }
    }
}

/// Where method, target and protocol stand; whether there is a protocol. Targets may hold spaces.
fn words(text: &[u8]) -> ([(usize, usize); 3], bool) {
    let is_space = |byte: &u8| super::head::is_space(*byte);
    let skip = |from: usize| text.iter().skip(from).take_while(|byte| is_space(byte)).count() + from;
    let start = skip(0);
    let method_end = text.iter().skip(start).position(is_space).map_or(text.len(), |at| start + at);
    let target = skip(method_end);
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(0, |at| at + 1).max(target);
    let last = text.get(target..end).unwrap_or_default().iter().rposition(is_space).map(|at| target + at + 1);
    let is_protocol = |from: usize| text.get(from..from + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"HTTP"));
    match last.filter(|last| is_protocol(*last)) {
        Some(last) => {
            let before = text.get(target..last).unwrap_or_default();
            let target_end = before.iter().rposition(|byte| !is_space(byte)).map_or(target, |at| target + at + 1);
            ([(start, method_end), (target, target_end), (last, end)], true)
        }
        None => ([(start, method_end), (target, end), (end, end)], false),
    }
}
