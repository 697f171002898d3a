//! A request and its response.

#![allow(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]

use super::event::Event;
use super::head::{Headers, is_name};
use super::uri;
use crate::applayer::Side;
use crate::applayer::parser::{EventSet, File, FileState, Settings, Transaction};
use crate::json::Object;
use crate::rules::Buffer;

/// The side's first line was read; before that, its progress is 0.
pub const LINE: u8 = 1;
/// Its headers were.
pub const HEADERS: u8 = 2;
/// Its body is whole, or as long as it is kept.
pub const BODY: u8 = 3;
/// It is complete.
pub const COMPLETE: u8 = 4;

/// From which progress a buffer stays as it is.
pub fn ready(buffer: Buffer, _side: Side) -> u8 {
    match buffer {
        Buffer::HttpUri
        | Buffer::HttpUriRaw
        | Buffer::HttpMethod
        | Buffer::HttpProtocol
        | Buffer::HttpRequestLine
        | Buffer::HttpResponseLine
        | Buffer::HttpStatCode
        | Buffer::HttpStatMsg => LINE,
        // A body is a file once it has begun, and of several in it each has its name.
        Buffer::HttpRequestBody
        | Buffer::HttpResponseBody
        | Buffer::FileData
        | Buffer::FileMagic
        | Buffer::FileName => BODY,
        _ => HEADERS,
    }
}

/// One side of a transaction.
#[derive(Debug, Default)]
pub struct Message {
    pub progress: u8,
    /// The first line, without its end.
    pub line: Vec<u8>,
    /// Its three words: places in it.
    pub words: [(usize, usize); 3],
    pub headers: Headers,
    /// The body, where it is not a file.
    pub body: Vec<u8>,
    /// The file that is the body.
    pub file: Option<usize>,
    /// Bytes of the body, decoded.
    pub body_len: u64,
    /// How often more came of the body after it was complete.
    pub late: u16,
}

impl Message {
    pub fn word(&self, index: usize) -> Option<&[u8]> {
        let (from, to) = *self.words.get(index)?;
        self.line.get(from..to).filter(|word| !word.is_empty())
    }

    fn bytes(&self) -> usize {
        self.line.capacity() + self.headers.bytes() + self.body.capacity()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Http {
    pub request: Message,
    pub response: Message,
    /// The URI as rules see it.
    pub uri: Vec<u8>,
    /// Host in lower case, without a port.
    pub host: Vec<u8>,
    pub host_raw: Vec<u8>,
    pub port: Option<u16>,
    pub is_head: bool,
    pub is_connect: bool,
    /// No request was seen for the response.
    pub is_unasked: bool,
    pub events: EventSet,
    pub files: Vec<File>,
    pub is_released: bool,
    /// Bytes of bodies that rules see, `[request, response]`.
    pub limits: [usize; 2],
}

impl Http {
    pub fn new(settings: &Settings) -> Http {
        let limit = |limit: usize| if limit == 0 { settings.file_bytes } else { limit };
        Http { limits: [limit(settings.http.request_body), limit(settings.http.response_body)], ..Http::default() }
    }

    pub fn side(&self, side: Side) -> &Message {
        if side == Side::ToServer { &self.request } else { &self.response }
    }

    pub fn side_mut(&mut self, side: Side) -> &mut Message {
        if side == Side::ToServer { &mut self.request } else { &mut self.response }
    }

    pub fn event(&mut self, event: Event) {
        self.events.add(event as u8);
    }

    pub fn is_complete(&self) -> bool {
        self.request.progress == COMPLETE && self.response.progress == COMPLETE
    }

    pub fn reach(&mut self, side: Side, progress: u8) {
        let message = self.side_mut(side);
        message.progress = message.progress.max(progress);
    }

    /// The next bytes of a side's body, decoded.
    pub fn body(&mut self, side: Side, bytes: &[u8], settings: &Settings) {
        let limit = self.limit(side);
        let is_released = self.is_released;
        let message = if side == Side::ToServer { &mut self.request } else { &mut self.response };
        if message.progress == COMPLETE {
            message.late = message.late.wrapping_add(1);
        }
        message.body_len = message.body_len.saturating_add(bytes.len() as u64);
        let is_full = message.body_len >= limit as u64;
        match message.file.and_then(|file| self.files.get_mut(file)) {
            _ if is_released => return,
            Some(file) => file.append(bytes, settings),
            None => {
                let room = limit.saturating_sub(message.body.len()).min(bytes.len());
                message.body.extend_from_slice(bytes.get(..room).unwrap_or_default());
            }
        }
        if is_full && message.progress == HEADERS {
            message.progress = BODY;
        }
    }

    /// Bytes of a body are missing.
    pub fn body_gap(&mut self, side: Side, len: u64) {
        let message = self.side_mut(side);
        message.body_len = message.body_len.saturating_add(len);
        let to_client = side == Side::ToClient;
        let is_open = |file: &&mut File| file.to_client == to_client && file.state == FileState::Open;
        self.files.iter_mut().filter(is_open).for_each(|file| file.gap(len));
    }

    /// A side ends, whole or not.
    pub fn finish(&mut self, side: Side, whole: bool) {
        let to_client = side == Side::ToClient;
        for file in self.files.iter_mut().filter(|file| file.to_client == to_client) {
            file.close(whole);
        }
        self.reach(side, COMPLETE);
    }

    pub fn bytes(&self) -> usize {
        let files: usize = self.files.iter().map(|file| file.head.capacity() + file.name.capacity() + 300).sum();
        self.request.bytes() + self.response.bytes() + files + self.uri.capacity() + size_of::<Http>()
    }

    fn limit(&self, side: Side) -> usize {
        let [request, response] = self.limits;
        if side == Side::ToServer { request } else { response }
    }

    fn body_of(&self, side: Side) -> Option<&[u8]> {
        let message = self.side(side);
        let limit = self.limit(side);
        let body = match message.file {
            Some(file) => &self.files.get(file)?.head,
            None => &message.body,
        };
        body.get(..limit.min(body.len())).filter(|body| !body.is_empty())
    }
}

impl Transaction for Http {
    fn grown(&self) -> u16 {
        self.request.late.wrapping_add(self.response.late)
    }

    fn progress(&self, side: Side) -> u8 {
        self.side(side).progress
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let message = self.side(side);
        let to_server = side == Side::ToServer;
        if !matches!(
            buffer,
            Buffer::HttpRequestHeader | Buffer::HttpResponseHeader | Buffer::FileData | Buffer::FileName
        ) && index > 0
        {
            return None;
        }
        let ours = |name: &[u8]| message.headers.get(name).filter(|_| message.progress >= HEADERS);
        match buffer {
            Buffer::HttpMethod if to_server => self.request.word(0),
            Buffer::HttpUri if to_server => (!self.uri.is_empty()).then_some(&self.uri),
            Buffer::HttpUriRaw if to_server => self.request.word(1),
            Buffer::HttpProtocol => message.word(if to_server { 2 } else { 0 }),
            Buffer::HttpStatCode if !to_server => self.response.word(1),
            Buffer::HttpStatMsg if !to_server => self.response.word(2),
            Buffer::HttpRequestLine if to_server => (!message.line.is_empty()).then_some(&message.line),
            Buffer::HttpResponseLine if !to_server => (!message.line.is_empty()).then_some(&message.line),
            Buffer::HttpHost if to_server => (!self.host.is_empty()).then_some(&self.host),
            Buffer::HttpHostRaw if to_server => (!self.host_raw.is_empty()).then_some(&self.host_raw),
            Buffer::HttpUserAgent if to_server => ours(b"user-agent"),
            Buffer::HttpReferer if to_server => ours(b"referer"),
            Buffer::HttpAccept if to_server => ours(b"accept"),
            Buffer::HttpAcceptEnc if to_server => ours(b"accept-encoding"),
            Buffer::HttpAcceptLang if to_server => ours(b"accept-language"),
            Buffer::HttpConnection => ours(b"connection"),
            Buffer::HttpContentType => ours(b"content-type"),
            Buffer::HttpContentLen => ours(b"content-length"),
            Buffer::HttpLocation if !to_server => ours(b"location"),
            Buffer::HttpServer if !to_server => ours(b"server"),
            Buffer::HttpCookie => ours(cookie(to_server)),
            Buffer::HttpHeaderRaw if message.progress >= HEADERS => {
                (!message.headers.raw.is_empty()).then_some(&message.headers.raw)
            }
            Buffer::HttpHeader | Buffer::HttpHeaderNames | Buffer::HttpStart if message.progress >= HEADERS => {
                compose(message, buffer, to_server, scratch);
                (!scratch.is_empty()).then_some(scratch)
            }
            Buffer::HttpRequestHeader if to_server => one_header(message, index, scratch),
            Buffer::HttpResponseHeader if !to_server => one_header(message, index, scratch),
            Buffer::HttpRequestBody if to_server => self.body_of(side),
            Buffer::HttpResponseBody if !to_server => self.body_of(side),
            Buffer::FileData if !to_server => {
                if index == 0 {
                    self.body_of(side)
                } else {
                    None
                }
            }
            Buffer::FileData | Buffer::FileMagic => {
                let file = self.files.iter().filter(|file| file.to_client != to_server).nth(index)?;
                (!file.head.is_empty()).then_some(&file.head)
            }
            Buffer::FileName => {
                let file = self.files.iter().filter(|file| file.to_client != to_server).nth(index)?;
                (!file.name.is_empty()).then_some(&file.name)
            }
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn files(&self) -> &[File] {
        &self.files
    }

    fn eve(&self, object: &mut Object<'_>) {
        let (request, response) = (&self.request.headers, &self.response.headers);
        if !self.host.is_empty() {
            object.text("hostname", &self.host);
        }
        object.number_if("http_port", self.port.filter(|port| *port > 0));
        // The name that stands for it in Suricata's records.
        let unseen = self.is_unasked.then_some(&b"/libhtp::request_uri_not_seen"[..]);
        object.text_if("url", self.request.word(1).or(unseen));
        object.text_if("http_user_agent", request.get(b"user-agent"));
        object.text_if("xff", request.get(b"x-forwarded-for"));
        // Without parameters.
        let kind = response.get(b"content-type").and_then(|kind| kind.split(|byte| *byte == b';').next());
        object.text_if("http_content_type", kind);
        if let Some(range) = response.get(b"content-range") {
            object.object("content_range", |o| {
                o.text("raw", range);
                let [start, end, size] = content_range(range);
                o.number_if("start", start).number_if("end", end).number_if("size", size);
            });
        }
        object.text_if("http_refer", request.get(b"referer"));
        object.text_if("http_method", self.request.word(0));
        object.text_if("protocol", self.request.word(2).or(self.response.word(0)));
        let status = self.response.word(1).and_then(number);
        object.number_if("status", status);
        if status.is_some_and(|status| (300..400).contains(&status)) {
            object.text_if("redirect", response.get(b"location"));
        }
        object.number("length", self.response.body_len);
    }
}

fn cookie(to_server: bool) -> &'static [u8] {
    if to_server { b"cookie" } else { b"set-cookie" }
}

/// A decimal number.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = (*byte as char).to_digit(10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Start, end and size of `bytes start-end/size` (RFC 9110 section 14.4).
pub fn content_range(value: &[u8]) -> [Option<u64>; 3] {
    let Some(value) = value.strip_prefix(b"bytes") else { return [None; 3] };
    let mut parts = super::head::trim(value).splitn(2, |byte| *byte == b'/');
    let (range, size) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut ends = range.splitn(2, |byte| *byte == b'-');
    let mut end = || ends.next().and_then(number);
    [end(), end(), number(size)]
}

fn compose(message: &Message, buffer: Buffer, to_server: bool, out: &mut Vec<u8>) {
    match buffer {
        Buffer::HttpStart => {
            out.extend_from_slice(&message.line);
            out.extend_from_slice(b"\r\n");
        }
        Buffer::HttpHeaderNames => out.extend_from_slice(b"\r\n"),
        _ => {}
    }
    for field in message.headers.iter() {
        out.extend_from_slice(match buffer {
            Buffer::HttpHeader if is_name(field.name, cookie(to_server)) => continue,
            _ => field.name,
        });
        if buffer != Buffer::HttpHeaderNames {
            out.extend_from_slice(b": ");
            out.extend_from_slice(field.value);
        }
        out.extend_from_slice(b"\r\n");
    }
    if buffer != Buffer::HttpHeader {
        out.extend_from_slice(b"\r\n");
    }
}

fn one_header<'a>(message: &Message, index: usize, out: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let field = message.headers.at(index).filter(|_| message.progress >= HEADERS)?;
    out.extend_from_slice(field.name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(field.value);
    Some(out)
}

/// Splits `host` into what rules see, and notes what is odd.
pub fn set_host(transaction: &mut Http, authority: &[u8], invalid: Event) {
    let (host, port) = uri::host_and_port(authority);
    transaction.host = host.to_ascii_lowercase();
    transaction.host_raw = authority.to_vec();
    let port = port.map(|port| number(super::head::trim(port)).and_then(|port| u16::try_from(port).ok()));
    transaction.port = port.flatten();
    if !uri::is_host(host) || port == Some(None) {
        transaction.event(invalid);
    }
}
