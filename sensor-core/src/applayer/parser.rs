//! What the parser of a protocol gives: transactions, and in them what rules and EVE records ask for.
//!
//! A parser reads both directions of one flow, in order. It keeps the transactions that are not yet done with; whoever
//! reads them says when one is [released](Parser::release). All it keeps is bounded by its own limits: what goes past
//! one is an event of the transaction, and the rest is passed over.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use super::carve::Wanted;
use super::{AppProto, Side, Transport};
use crate::json::Object;
use crate::rules::ast::Body;
use crate::rules::{Buffer, Field};

/// What is known of a protocol that can be parsed.
#[derive(Clone, Copy)]
pub struct Protocol {
    /// Which.
    pub app: AppProto,
    /// Makes the parser of a new flow.
    pub parser: fn(&Settings) -> Box<dyn Parser>,
    /// Names of its events, without the protocol: the bit of an [`EventSet`] is the place in here. At most 128.
    pub events: &'static [&'static str],
    /// From which [progress](Transaction::progress) of a side on a buffer of it stays as it is. Asked when rules are
    /// compiled.
    pub ready: fn(Buffer, Side) -> u8,
    /// The progress of a side that is complete, `[to server, to client]`.
    pub complete: [u8; 2],
    /// EVE's event type of its transactions; `None` if they have no record of their own.
    pub eve: Option<&'static str>,
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Protocol").field(&self.app).finish()
    }
}

/// Reads one flow.
pub trait Parser: fmt::Debug + Send {
    /// The next bytes that a side sent (of a stream, in order and without holes) or its next datagram.
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed;

    /// The next `len` bytes of a side's stream were not captured.
    fn gap(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> Parsed;

    /// A side's stream has ended, or the flow has: what is open on that side is as complete as it will ever be.
    fn end(&mut self, side: Side, cx: &mut Context<'_>);

    /// Ids of the transactions that may still be there: from the oldest that is not released to the next one to come.
    /// Ids count from 0.
    fn ids(&self) -> Range<u64>;

    /// A transaction; `None` if it is released.
    fn transaction(&self, id: u64) -> Option<&dyn Transaction>;

    /// Nobody reads a transaction any more. One that is not complete goes on until it is, without keeping what it need
    /// not.
    fn release(&mut self, id: u64);

    /// Events of the flow that belong to no transaction.
    fn events(&self) -> EventSet {
        EventSet::NONE
    }

    /// What is left of the flow is encrypted: there is nothing for rules of payload to look into.
    fn is_encrypted(&self) -> bool {
        false
    }

    /// Bytes on the heap, about.
    fn bytes(&self) -> usize;
}

/// What came of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Go on.
    More,
    /// Nothing more of this side has to be read (it is encrypted, say).
    Enough,
    /// These bytes are not of the protocol, or past its bounds: nothing more of the flow is parsed.
    Failed,
}

/// What a parser is told beside the bytes, and what it says beside its transactions.
#[derive(Debug)]
pub struct Context<'a> {
    /// Packet time: nanoseconds since 1970, UTC.
    pub time: i64,
    /// What carries the bytes: pieces of a stream, or datagrams.
    pub transport: Transport,
    /// Client's and server's port.
    pub ports: (u16, u16),
    /// How protocols are read.
    pub settings: &'a Settings,
    /// What the flow carries from the next byte of both sides on: set by a parser for STARTTLS (`Next::Is`), CONNECT
    /// and upgrades (`Next::Probe`).
    pub next: Option<Next>,
    /// A flow that was announced: the port its client will connect to or listen on, and what it will carry. The first
    /// bytes of a flow that another announced find here what that said of it.
    pub announced: Option<Announced>,
}

/// What a flow carries from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This protocol.
    Is(AppProto),
    /// What its content tells.
    Probe,
}

/// A flow to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Who listens.
    pub listener: Side,
    /// Where; port 0 for any.
    pub port: u16,
    /// What it will carry.
    pub app: AppProto,
    /// What its parser has to know: for FTP's data the command and the file's name.
    pub about: Box<[u8]>,
}

/// A request and its answer, or what stands for that in a protocol.
pub trait Transaction: fmt::Debug {
    /// How far a side has come; only ever more. [`Protocol::complete`] is complete, also where its flow has ended.
    fn progress(&self, side: Side) -> u8;

    /// How often it changed though it had come as far before. What was looked into is looked into again.
    fn grown(&self) -> u16 {
        0
    }

    /// The one side it is of, where a single message is a transaction: there is nothing to look into on the other.
    fn only(&self) -> Option<Side> {
        None
    }

    /// Whose addresses its record begins with: the client's, but for single messages those of who sent it.
    fn record_side(&self) -> Side {
        self.only().unwrap_or(Side::ToServer)
    }

    /// A buffer of a side, the one of that index where there are several. `scratch` is room for what does not lie in
    /// the transaction as rules see it; it is empty.
    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]>;

    /// A number, the one of that index where there are several.
    fn number(&self, _field: Field, _side: Side, _index: usize) -> Option<i64> {
        None
    }

    /// Whether a keyword of the protocol's own holds, which is neither a buffer nor a number.
    fn holds(&self, _test: &Body, _side: Side) -> bool {
        false
    }

    /// Whether numbers in what a side sent have their lowest byte first, where the message says so (`dce` of
    /// `byte_test` and its like).
    fn little_endian(&self, _side: Side) -> bool {
        false
    }

    /// What was odd.
    fn events(&self) -> EventSet {
        EventSet::NONE
    }

    /// Files in it.
    fn files(&self) -> &[File] {
        &[]
    }

    /// The event type of its record in EVE and the name of its object, where that is not the protocol's `usual` one;
    /// `None` if there is nothing to record.
    fn record(&self, usual: &'static str) -> Option<&'static str> {
        Some(usual)
    }

    /// Writes the members of its object in EVE; both sides, as far as they have come.
    fn eve(&self, object: &mut Object<'_>);

    /// Writes objects that stand beside its own in EVE.
    fn beside(&self, _event: &mut Object<'_>) {}
}

/// A set of a protocol's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSet(pub u128);

impl EventSet {
    /// None.
    pub const NONE: EventSet = EventSet(0);

    /// Adds the event of that place in [`Protocol::events`].
    pub fn add(&mut self, event: u8) {
        self.0 |= 1_u128.checked_shl(u32::from(event)).unwrap_or(0);
    }

    /// Whether it is in.
    #[must_use]
    pub fn has(self, event: u8) -> bool {
        self.0.checked_shr(u32::from(event)).unwrap_or(0) & 1 != 0
    }

    /// Whether none is in.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Places of those that are in, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |event| self.has(*event))
    }
}

/// A file that a transaction carries.
#[derive(Debug, Default)]
pub struct File {
    /// Its name, as the protocol gives it; empty if it has none.
    pub name: Vec<u8>,
    /// Sent by the server.
    pub to_client: bool,
    /// Bytes seen of it, decoded.
    pub size: u64,
    /// Where it stands.
    pub state: FileState,
    /// Bytes of it are missing.
    pub gaps: bool,
    /// Its first bytes, as many as [`Settings::file_bytes`] says.
    pub head: Vec<u8>,
    /// Hashes; complete once the file is.
    pub hashes: Option<Box<Hashes>>,
}

/// Where a file stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileState {
    /// More comes.
    #[default]
    Open,
    /// It was seen to its end.
    Closed,
    /// It ended before its end.
    Truncated,
}

/// Hashes of a file while it comes.
#[derive(Debug, Default)]
pub struct Hashes {
    md5: md5::Md5,
    sha1: sha1::Sha1,
    sha256: sha2::Sha256,
}

impl File {
    /// A file that begins.
    #[must_use]
    pub fn new(name: Vec<u8>, side: Side, settings: &Settings) -> File {
        let hashes = settings.hash_files.then(Box::default);
        File { name, to_client: side == Side::ToClient, hashes, ..File::default() }
    }

    /// The next bytes of it.
    pub fn append(&mut self, bytes: &[u8], settings: &Settings) {
        self.size = self.size.saturating_add(bytes.len() as u64);
        let room = settings.file_bytes.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if let Some(hashes) = &mut self.hashes {
            md5::Digest::update(&mut hashes.md5, bytes);
            sha1::Digest::update(&mut hashes.sha1, bytes);
            sha2::Digest::update(&mut hashes.sha256, bytes);
        }
    }

    /// Bytes of it are missing: what comes after them is not kept.
    pub fn gap(&mut self, len: u64) {
        self.size = self.size.saturating_add(len);
        self.gaps = true;
        self.hashes = None;
    }

    /// It ends.
    pub fn close(&mut self, whole: bool) {
        if self.state == FileState::Open {
            self.state = if whole && !self.gaps { FileState::Closed } else { FileState::Truncated };
        }
    }

    /// MD5, SHA-1 and SHA-256 of a file that was seen whole.
    #[must_use]
    pub fn digests(&self) -> Option<([u8; 16], [u8; 20], [u8; 32])> {
        if self.state != FileState::Closed {
            return None;
        }
        let Hashes { md5, sha1, sha256 } = self.hashes.as_deref()?;
        Some((
            md5::Digest::finalize(md5.clone()).into(),
            sha1::Digest::finalize(sha1.clone()).into(),
            sha2::Digest::finalize(sha256.clone()).into(),
        ))
    }
}

/// How protocols are read; the defaults are Suricata's as shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes kept of a file for rules to look into.
    pub file_bytes: usize,
    /// Hash files: something asks for it.
    pub hash_files: bool,
    /// Transactions of a flow that are kept at a time; past it the oldest is complete as it is.
    pub transactions: usize,
    /// Rules of payload look into what TLS encrypted, too (`encryption-handling: full`).
    pub encrypted_tls: bool,
    /// The same of SSH.
    pub encrypted_ssh: bool,
    /// HTTP.
    pub http: Http,
    /// FTP.
    pub ftp: Ftp,
    /// Protocols whose messages are cut into what rules name with `frame`.
    pub frames: Wanted,
}

/// How FTP is read (`app-layer.protocols.ftp.*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ftp {
    /// Commands of a flow that may wait for their replies; past it a flow is not parsed further (`max-tx`).
    pub transactions: usize,
    /// Bytes of a line that are read (`max-line-length`).
    pub line: usize,
}

/// How HTTP is read (`app-layer.protocols.http.libhtp.default-config.*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Bytes of a request's body that are kept; 0 for all there is room for (`request-body-limit`).
    pub request_body: usize,
    /// Bytes of a response's body that are kept, after decompression (`response-body-limit`).
    pub response_body: usize,
    /// Layers of compression that are undone (`response-body-decompress-layer-limit`).
    pub decompress_layers: u8,
    /// Bytes that decompression of one body may give (`compression-bomb-limit`).
    pub bomb: u64,
    /// Paths are decoded twice (`double-decode-path`).
    pub double_decode_path: bool,
    /// Queries are decoded twice (`double-decode-query`).
    pub double_decode_query: bool,
    /// Bytes of a header that are read (`meta-field-limit`).
    pub field: usize,
    /// Headers of a message that are read (`headers-limit`).
    pub headers: usize,
    /// Multipart bodies are taken apart into files (`uri-include-all` and its like are not known).
    pub multipart: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            file_bytes: 100 << 10,
            hash_files: false,
            transactions: 500,
            encrypted_tls: false,
            encrypted_ssh: false,
            http: Http::default(),
            ftp: Ftp::default(),
            frames: Wanted::default(),
        }
    }
}

impl Default for Ftp {
    fn default() -> Ftp {
        Ftp { transactions: 1024, line: 4096 }
    }
}

impl Default for Http {
    fn default() -> Http {
        Http {
            request_body: 100 << 10,
            response_body: 100 << 10,
            decompress_layers: 2,
            bomb: 1 << 20,
            double_decode_path: false,
            double_decode_query: false,
            field: 18_432,
            headers: 1024,
            multipart: true,
        }
    }
}

/// The transactions of a flow that are not released, for parsers to keep theirs in.
#[derive(Debug)]
pub struct Live<T> {
    first: u64,
    list: VecDeque<Option<T>>,
}

impl<T> Default for Live<T> {
    fn default() -> Self {
        Live { first: 0, list: VecDeque::new() }
    }
}

impl<T> Live<T> {
    /// Adds the next one and tells its id.
    pub fn push(&mut self, transaction: T) -> u64 {
        let id = self.ids().end;
        self.list.push_back(Some(transaction));
        id
    }

    /// See [`Parser::ids`].
    #[must_use]
    pub fn ids(&self) -> Range<u64> {
        self.first..self.first + self.list.len() as u64
    }

    /// The one of that id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&T> {
        self.list.get(self.place(id)?)?.as_ref()
    }

    /// The one of that id.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let place = self.place(id)?;
        self.list.get_mut(place)?.as_mut()
    }

    /// The newest.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.list.back_mut()?.as_mut()
    }

    /// All that are there, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.list.iter().flatten()
    }

    /// All that are there, the oldest first.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.list.iter_mut().flatten()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Takes one out.
    pub fn remove(&mut self, id: u64) -> Option<T> {
        let place = self.place(id)?;
        let removed = self.list.get_mut(place)?.take();
        while let Some(None) = self.list.front() {
            self.list.pop_front();
            self.first += 1;
        }
        removed
    }

    fn place(&self, id: u64) -> Option<usize> {
        usize::try_from(id.checked_sub(self.first)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_when_others_go() {
        let mut live = Live::default();
        assert_eq!((live.push('a'), live.push('b'), live.push('c')), (0, 1, 2));
        assert_eq!(live.remove(1), Some('b'));
        assert_eq!((live.ids(), live.get(1), live.get(2)), (0..3, None, Some(&'c')));
        assert_eq!(live.remove(0), Some('a'));
        assert_eq!((live.ids(), live.len(), live.push('d')), (2..3, 1, 3));
        assert_eq!((live.remove(0), live.remove(9)), (None, None));
    }

    #[test]
    fn a_file_is_hashed_whole_or_not_at_all() {
        let settings = Settings { file_bytes: 4, hash_files: true, ..Settings::default() };
        let mut file = File::new(b"a.txt".to_vec(), Side::ToClient, &settings);
        file.append(b"abc", &settings);
        file.append(b"def", &settings);
        assert_eq!(file.digests(), None);
        file.close(true);
        assert_eq!((file.size, file.head.as_slice(), file.state), (6, &b"abcd"[..], FileState::Closed));
        let (md5, ..) = file.digests().unwrap();
        assert_eq!(md5[..4], [0xe8, 0x0b, 0x50, 0x17]);
        let mut file = File::new(Vec::new(), Side::ToServer, &settings);
        file.gap(3);
        file.close(true);
        assert_eq!((file.state, file.digests()), (FileState::Truncated, None));
    }
}
