//! A stream as rules and EVE see it.

#![allow(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]

use super::eve::{self, setting_name};
use super::event::Event;
use super::frame::{Frame, kind};
use super::hpack::{self, Field};
use crate::applayer::Side;
use crate::applayer::dns;
use crate::applayer::http1::shared::{codings_of, content_range, file_name};
use crate::applayer::inflate::Decoder;
use crate::applayer::parser::{EventSet, File, FileState, Settings, Transaction};
use crate::json::Object;
use crate::rules::ast::{Body, WordField};
use crate::rules::{self, Buffer, Comparison};

/// The side's headers were read; before that, its progress is 0.
pub const HEADERS: u8 = 1;
/// Its body is as long as it is kept.
pub const BODY: u8 = 2;
/// It is complete.
pub const COMPLETE: u8 = 3;

/// Frames of a side that are kept: rules look at no more values.
const MAX_FRAMES: u32 = 1024;
/// Frames of a stream that are no event (`app-layer.protocols.http2.max-frames`).
const MANY_FRAMES: u32 = 65_536;
/// Settings of a frame that are kept.
const MAX_SETTINGS: usize = 64;
/// A DNS message (RFC 8484, section 6).
const MAX_DNS: usize = 65_535;
/// Of a file's name.
const MAX_NAME: usize = 4096;

/// From which progress a buffer stays as it is.
pub fn ready(buffer: Buffer, _: Side) -> u8 {
    match buffer {
        Buffer::HttpRequestBody
        | Buffer::HttpResponseBody
        | Buffer::FileData
        | Buffer::FileMagic
        | Buffer::FileName => BODY,
        _ if buffer.name().starts_with("dns.") => COMPLETE,
        _ => HEADERS,
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Stream {
    pub id: u32,
    pub is_released: bool,
    pub sides: [Message; 2],
    pub host: Vec<u8>,
    host_raw: Vec<u8>,
    events: EventSet,
    files: Vec<File>,
    /// Bytes of bodies that rules see, of request and response.
    limits: [usize; 2],
}

/// One side.
#[derive(Debug, Default)]
pub struct Message {
    progress: u8,
    pub fields: Vec<Field>,
    pub frames: Vec<Frame>,
    count: u32,
    pub settings: Vec<(u16, u32)>,
    updates: Vec<u32>,
    decoder: Option<Box<Decoder>>,
    file: Option<usize>,
    body_len: u64,
    /// A DNS message that is collected.
    collected: Option<Vec<u8>>,
    dns: Option<Box<dns::Transaction>>,
}

impl Message {
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }
}

impl Stream {
    pub fn new(id: u32, settings: &Settings) -> Stream {
        let limit = |limit: usize| if limit == 0 { settings.file_bytes } else { limit };
        Stream {
            id,
            limits: [limit(settings.http.request_body), limit(settings.http.response_body)],
            ..Stream::default()
        }
    }

    pub fn odd(&mut self, event: Event) {
        self.events.add(event as u8);
    }

    pub fn is_complete(&self) -> bool {
        self.sides.iter().all(|side| side.progress == COMPLETE)
    }

    /// Nobody reads it any more.
    pub fn release(&mut self) {
        self.is_released = true;
        self.files = Vec::new();
        for side in &mut self.sides {
            *side = Message { progress: side.progress, ..Message::default() };
        }
    }

    pub fn bytes(&self) -> usize {
        let of = |message: &Message| {
            message.fields.iter().map(|(name, value)| 48 + name.capacity() + value.capacity()).sum::<usize>()
                + message.frames.capacity() * size_of::<Frame>()
                + message.decoder.as_ref().map_or(0, |decoder| decoder.bytes())
                + message.collected.as_ref().map_or(0, Vec::capacity)
        };
        let files: usize = self.files.iter().map(|file| file.head.capacity() + file.name.capacity() + 300).sum();
        size_of::<Stream>() + self.sides.iter().map(of).sum::<usize>() + files
    }

    fn side(&self, side: Side) -> &Message {
        let [to_server, to_client] = &self.sides;
        if side == Side::ToServer { to_server } else { to_client }
    }

    fn side_mut(&mut self, side: Side) -> &mut Message {
        let [to_server, to_client] = &mut self.sides;
        if side == Side::ToServer { to_server } else { to_client }
    }

    pub fn frame(&mut self, side: Side, frame: Frame) {
        let released = self.is_released;
        let message = self.side_mut(side);
        message.count = message.count.saturating_add(1);
        if message.count > MANY_FRAMES {
            self.odd(Event::TooManyFrames);
        } else if message.count <= MAX_FRAMES && !released {
            message.frames.push(frame);
        }
    }

    pub fn setting(&mut self, side: Side, id: u16, value: u32) {
        let settings = &mut self.side_mut(side).settings;
        if settings.len() < MAX_SETTINGS {
            settings.push((id, value));
        }
    }

    /// A header block of a side.
    pub fn fields(&mut self, side: Side, block: hpack::Block, settings: &Settings) {
        if self.is_released || self.side(side).progress == COMPLETE {
            return;
        }
        let message = self.side_mut(side);
        if message.get(b":status").is_some_and(|status| status.starts_with(b"1")) {
            // What follows is the response (RFC 9113, section 8.1).
            message.fields.clear();
        }
        let first = message.progress < HEADERS || message.fields.is_empty();
        let room = hpack::MAX_FIELDS.saturating_sub(message.fields.len());
        message.fields.extend(block.fields.into_iter().take(room));
        message.updates.extend(block.updates);
        message.updates.truncate(hpack::MAX_FIELDS);
        message.progress = message.progress.max(HEADERS);
        if !first {
            return;
        }
        let encoding = message.get(b"content-encoding").unwrap_or_default();
        let codings = codings_of(encoding, usize::from(settings.http.decompress_layers));
        message.decoder = (!codings.is_empty()).then(|| Box::new(Decoder::new(&codings, settings.http.bomb)));
        let is_dns = |message: &Message| message.get(b"content-type") == Some(b"application/dns-message");
        if is_dns(message) {
            message.collected = Some(Vec::new());
        }
        let bad_range = message.get(b"content-range").is_some_and(|value| content_range(value)[0].is_none());
        if bad_range {
            self.odd(Event::InvalidRange);
        }
        if side == Side::ToServer {
            self.request();
        }
    }

    /// The request's headers are there.
    fn request(&mut self) {
        let [request, _] = &mut self.sides;
        let authority = request.get(b":authority");
        let host = request.get(b"host");
        let differs = authority.zip(host).is_some_and(|(authority, host)| !authority.eq_ignore_ascii_case(host));
        let raw = authority.or(host).unwrap_or_default();
        let user = memchr::memchr(b'@', raw);
        let behind = user.and_then(|at| raw.get(at + 1..)).unwrap_or(raw);
        // A port follows the last colon that is not within brackets.
        let bracket = memchr::memrchr(b']', behind).unwrap_or(0);
        let end = memchr::memrchr(b':', behind).filter(|at| *at >= bracket).unwrap_or(behind.len());
        self.host = behind.get(..end).unwrap_or_default().to_ascii_lowercase();
        self.host_raw = raw.to_vec();
        if request.get(b":method") == Some(b"GET")
            && let Some(question) = request.get(b":path").and_then(dns_parameter)
        {
            request.dns = dns::read(Side::ToServer, &question, self.id.into()).map(Box::new);
        }
        if differs {
            self.odd(Event::AuthorityHostMismatch);
        }
        if user.is_some() {
            self.odd(Event::UserinfoInUri);
        }
    }

    /// The next bytes of a side's body, as they came.
    pub fn body(&mut self, side: Side, bytes: &[u8], settings: &Settings) {
        if bytes.is_empty() || self.is_released || self.side(side).progress == COMPLETE {
            return;
        }
        match self.side_mut(side).decoder.take() {
            Some(mut decoder) => {
                decoder.data(bytes, &mut |bytes| self.decoded(side, bytes, settings));
                if decoder.is_bomb() {
                    self.odd(Event::CompressionBomb);
                }
                if decoder.has_failed() {
                    self.odd(Event::FailedDecompression);
                }
                self.side_mut(side).decoder = Some(decoder);
            }
            None => self.decoded(side, bytes, settings),
        }
    }

    fn decoded(&mut self, side: Side, bytes: &[u8], settings: &Settings) {
        if self.side(side).file.is_none() {
            let [request, _] = &self.sides;
            let said = self.side(side).get(b"content-disposition").and_then(file_name);
            let path = request.get(b":path").and_then(|path| path.split(|byte| *byte == b'?').next());
            let name = said.or(path).unwrap_or_default();
            let name = name.get(..MAX_NAME).unwrap_or(name).to_vec();
            let place = self.files.len();
            self.files.push(File::new(name, side, settings));
            self.side_mut(side).file = Some(place);
        }
        let limit = self.limit(side);
        let message = self.side_mut(side);
        message.body_len = message.body_len.saturating_add(bytes.len() as u64);
        if message.body_len >= limit as u64 {
            message.progress = message.progress.max(BODY);
        }
        let mut long = false;
        if let Some(collected) = &mut message.collected {
            long = collected.len() + bytes.len() > MAX_DNS;
            if !long {
                collected.extend_from_slice(bytes);
            }
        }
        if long {
            message.collected = None;
        }
        if let Some(file) = message.file
            && let Some(file) = self.files.get_mut(file)
        {
            file.append(bytes, settings);
        }
        if long {
            self.odd(if side == Side::ToServer { Event::DnsRequestTooLong } else { Event::DnsResponseTooLong });
        }
    }

    pub fn body_gap(&mut self, side: Side, len: u64) {
        let message = self.side_mut(side);
        message.decoder = None;
        message.collected = None;
        if let Some(file) = message.file
            && let Some(file) = self.files.get_mut(file)
        {
            file.gap(len);
        }
    }

    /// A side ends, whole or not.
    pub fn finish(&mut self, side: Side, whole: bool) {
        if self.side(side).progress == COMPLETE {
            return;
        }
        if let Some(mut decoder) = self.side_mut(side).decoder.take() {
            let settings = Settings { file_bytes: self.limit(side), ..Settings::default() };
            decoder.end(&mut |bytes| self.decoded(side, bytes, &settings));
        }
        let id = self.id;
        let message = self.side_mut(side);
        message.progress = COMPLETE;
        if let Some(collected) = message.collected.take() {
            message.dns = dns::read(side, &collected, id.into()).map(Box::new);
        }
        let file = message.file;
        if let Some(file) = file.and_then(|file| self.files.get_mut(file))
            && file.state == FileState::Open
        {
            file.close(whole);
        }
    }

    fn limit(&self, side: Side) -> usize {
        let [request, response] = self.limits;
        if side == Side::ToServer { request } else { response }
    }

    fn body_of(&self, side: Side) -> Option<&[u8]> {
        let body = &self.files.get(self.side(side).file?)?.head;
        body.get(..self.limit(side).min(body.len())).filter(|body| !body.is_empty())
    }

    /// DNS over HTTP: what was answered, else asked.
    fn dns(&self) -> Option<&dns::Transaction> {
        let [request, response] = &self.sides;
        response.dns.as_deref().or(request.dns.as_deref())
    }
}

impl Transaction for Stream {
    fn progress(&self, side: Side) -> u8 {
        self.side(side).progress
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let message = self.side(side);
        let to_server = side == Side::ToServer;
        if !buffer.is_multiple() && index > 0 {
            return None;
        }
        let name: &[u8] = match buffer {
            Buffer::HttpUri | Buffer::HttpUriRaw if to_server => b":path",
            Buffer::HttpMethod if to_server => b":method",
            Buffer::HttpUserAgent if to_server => b"user-agent",
            Buffer::HttpReferer if to_server => b"referer",
            Buffer::HttpAccept if to_server => b"accept",
            Buffer::HttpAcceptEnc if to_server => b"accept-encoding",
            Buffer::HttpAcceptLang if to_server => b"accept-language",
            Buffer::HttpConnection => b"connection",
            Buffer::HttpContentType => b"content-type",
            Buffer::HttpContentLen => b"content-length",
            Buffer::HttpCookie if to_server => b"cookie",
            Buffer::HttpCookie => b"set-cookie",
            Buffer::HttpStatCode if !to_server => b":status",
            Buffer::HttpLocation if !to_server => b"location",
            Buffer::HttpServer if !to_server => b"server",
            Buffer::HttpHost if to_server => {
                return Some(&self.host).filter(|host| !host.is_empty()).map(|host| &**host);
            }
            Buffer::HttpHostRaw if to_server => {
                return Some(&self.host_raw).filter(|host| !host.is_empty()).map(|host| &**host);
            }
            Buffer::HttpProtocol if message.progress >= HEADERS && !message.fields.is_empty() => {
                return Some(b"HTTP/2");
            }
            Buffer::HttpStatMsg if !to_server && message.get(b":status").is_some() => return Some(b""),
            Buffer::HttpHeader | Buffer::HttpHeaderRaw => {
                for field in &message.fields {
                    line(field, scratch);
                    scratch.extend_from_slice(b"\r\n");
                }
                return Some(scratch).filter(|text| !text.is_empty()).map(|text| &**text);
            }
            Buffer::HttpHeaderNames if !message.fields.is_empty() => {
                scratch.extend_from_slice(b"\r\n");
                for (name, _) in &message.fields {
                    scratch.extend_from_slice(name);
                    scratch.extend_from_slice(b"\r\n");
                }
                scratch.extend_from_slice(b"\r\n");
                return Some(scratch);
            }
            Buffer::HttpRequestHeader if to_server => {
                line(message.fields.get(index)?, scratch);
                return Some(scratch);
            }
            Buffer::HttpResponseHeader if !to_server => {
                line(message.fields.get(index)?, scratch);
                return Some(scratch);
            }
            Buffer::Http2HeaderName => return message.fields.get(index).map(|(name, _)| name.as_slice()),
            Buffer::HttpRequestBody if to_server => return self.body_of(side),
            Buffer::HttpResponseBody if !to_server => return self.body_of(side),
            Buffer::FileData | Buffer::FileMagic => return self.body_of(side).filter(|_| index == 0),
            Buffer::FileName => {
                let file = self.files.get(message.file?).filter(|_| index == 0)?;
                return (!file.name.is_empty()).then_some(&file.name);
            }
            _ => return message.dns.as_deref()?.buffer(buffer, side, index, scratch),
        };
        let mut values = message.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, first) = values.next()?;
        let Some((_, second)) = values.next() else { return Some(first) };
        scratch.extend_from_slice(first);
        for value in std::iter::once(second).chain(values.map(|(_, value)| value)) {
            scratch.extend_from_slice(b", ");
            scratch.extend_from_slice(value);
        }
        Some(scratch)
    }

    fn number(&self, field: rules::Field, side: Side, index: usize) -> Option<i64> {
        let message = self.side(side);
        let value = |kinds: &[u8]| {
            let mut frames = message.frames.iter().filter(|frame| kinds.contains(&frame.kind));
            frames.by_ref().filter_map(|frame| frame.value).nth(index).map(i64::from)
        };
        match field {
            rules::Field::Http2FrameType => message.frames.get(index).map(|frame| frame.kind.into()),
            rules::Field::Http2ErrorCode => value(&[kind::RST_STREAM, kind::GOAWAY]),
            rules::Field::Http2Priority => value(&[kind::HEADERS, kind::PRIORITY]),
            rules::Field::Http2Window => value(&[kind::WINDOW_UPDATE]),
            rules::Field::Http2SizeUpdate => message.updates.get(index).map(|size| (*size).into()),
            _ => message.dns.as_deref()?.number(field, side, index),
        }
    }

    fn holds(&self, test: &Body, side: Side) -> bool {
        let Body::Words(test) = test else { return false };
        let (WordField::Http2Settings, [(_, name), rest @ ..]) = (test.field, &*test.words) else { return false };
        let name = name.strip_prefix("settings_").unwrap_or(name).replace('_', "");
        let comparison = match rest.first() {
            Some((_, text)) => Comparison::of(text),
            None => None,
        };
        let mut settings = self.side(side).settings.iter();
        settings.any(|(id, value)| {
            setting_name(*id).is_some_and(|known| {
                known.strip_prefix("SETTINGS").is_some_and(|known| known.eq_ignore_ascii_case(&name))
            }) && match comparison {
                Some(comparison) => comparison.holds((*value).into()),
                None => rest.is_empty(),
            }
        })
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn files(&self) -> &[File] {
        &self.files
    }

    fn record(&self, usual: &'static str) -> Option<&'static str> {
        if self.dns().is_some() {
            return Some("dns");
        }
        let logged = |message: &Message| {
            let codes = |frame: &Frame| frame.value.is_some() && frame.kind != kind::WINDOW_UPDATE;
            !message.fields.is_empty() || !message.settings.is_empty() || message.frames.iter().any(codes)
        };
        self.sides.iter().any(logged).then_some(usual)
    }

    fn eve(&self, object: &mut Object<'_>) {
        match self.dns() {
            Some(dns) => dns.eve(object),
            None => eve::write(self, object),
        }
    }
}

fn line((name, value): &Field, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
}

/// The message in a target's parameter `dns` (RFC 8484, section 4.1.1).
fn dns_parameter(path: &[u8]) -> Option<Vec<u8>> {
    let query = path.get(memchr::memchr(b'?', path)? + 1..)?;
    let coded = query.split(|byte| *byte == b'&').find_map(|part| part.strip_prefix(b"dns="))?;
    let (mut out, mut bits, mut held) = (Vec::with_capacity(coded.len() * 3 / 4), 0_u32, 0);
    for byte in coded.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    Some(out)
}
