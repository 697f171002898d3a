//! TLS: the hellos and certificates that pass in the clear (RFC 5246, RFC 8446), whose hashes are in [`super::hashes`].

use sha2::{Digest, Sha256};

use super::reader::Reader;
use super::x509;

/// The bytes of a stream's start that are read at most. A ClientHello with a post-quantum key share is about 2 KiB, a
/// chain of certificates 3-6 KiB.
pub const MAX_PREFIX: usize = 16 * 1024;

const MAX_LIST: usize = 512;
const MAX_EXTENSIONS: usize = 128;

/// How the hello travelled; the first letter of a JA4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS over TCP.
    Tcp,
    /// QUIC.
    Quic,
    /// DTLS.
    Dtls,
}

/// A ClientHello. Slices point into the message; lists are read from them on demand.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// `legacy_version`.
    pub version: u16,
    /// Its random.
    pub random: &'a [u8],
    /// The session it would resume; empty for none.
    pub session: &'a [u8],
    ciphers: &'a [u8],
    extensions: &'a [u8],
}

/// A ServerHello.
#[derive(Clone, Copy, Debug)]
pub struct ServerHello<'a> {
    pub(super) legacy_version: u16,
    /// Its random.
    pub random: &'a [u8],
    /// The session's id.
    pub session: &'a [u8],
    /// The cipher suite chosen.
    pub cipher: u16,
    pub(super) extensions: &'a [u8],
}

/// A handshake message that was whole.
#[derive(Clone, Debug)]
pub enum Message {
    /// From the client.
    ClientHello(Client),
    /// From the server.
    ServerHello(Server),
    /// The server's own certificate.
    Certificate(x509::Names),
}

/// What a ClientHello says, owned and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Server name (SNI).
    pub server_name: Option<String>,
    /// The first ALPN protocol.
    pub alpn: Option<String>,
    /// The highest version offered.
    pub version: u16,
    /// JA4, 36 characters.
    pub ja4: String,
    /// JA3, the MD5 in hex.
    pub ja3: String,
}

/// What a ServerHello says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// The version chosen.
    pub version: u16,
    /// The cipher suite chosen.
    pub cipher: u16,
    /// The ALPN protocol chosen, where it is not encrypted.
    pub alpn: Option<String>,
    /// JA3S, the MD5 in hex.
    pub ja3s: String,
    /// It is a HelloRetryRequest: the client sends a second hello, whose JA4 may differ.
    pub retry: bool,
}

/// Reads the handshake messages at the start of one direction of a stream. The second value is whether more bytes
/// could tell more; bytes past [`MAX_PREFIX`] are not looked at.
pub fn messages(stream: &[u8]) -> (Vec<Message>, bool) {
    let stream = stream.get(..MAX_PREFIX).unwrap_or(stream);
    if let Some(hello) = ClientHello::v2(stream) {
        return (vec![hello], false);
    }
    if !first_is_whole(stream) {
        return (Vec::new(), stream.len() < MAX_PREFIX);
    }
    let (handshake, open) = handshake_bytes(stream);
    let mut reader = Reader::new(&handshake);
    let mut found = Vec::new();
    while let (Some(kind), Some(length)) = (reader.u8(), reader.u24()) {
        let Some(body) = reader.take(length as usize) else {
            return (found, open && stream.len() < MAX_PREFIX);
        };
        match kind {
            1 => found.extend(ClientHello::parse(body).map(|hello| Message::ClientHello(hello.facts(Transport::Tcp)))),
            2 => found.extend(ServerHello::parse(body).map(|hello| Message::ServerHello(hello.facts()))),
            11 => found.extend(first_certificate(body).map(Message::Certificate)),
            _ => {}
        }
        // A server's first flight ends with ServerHelloDone.
        if kind == 14 || found.len() >= 4 {
            return (found, false);
        }
    }
    // A client's first flight is its hello. A second one follows a HelloRetryRequest (`Server::retry`).
    let open = open && !found.iter().any(|message| matches!(message, Message::ClientHello(_)));
    (found, open && stream.len() < MAX_PREFIX)
}

/// What the handshake at a DTLS datagram's start says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dtls {
    /// A client's hello.
    Client(Client),
    /// A server's hello, or its request to repeat the client's.
    Server(Option<Server>),
}

/// Reads the first handshake message of a DTLS datagram (RFC 6347, section 4). A message whose fragments are spread
/// over datagrams is not put together.
pub fn dtls(datagram: &[u8]) -> Option<Dtls> {
    let mut records = Reader::new(datagram);
    let (mut message, mut first) = (Vec::new(), None);
    for _ in 0..8 {
        let (Some(22), Some(0xfeff | 0xfefd | 0x0100)) = (records.u8(), records.u16()) else { break };
        // Epoch zero, which is in the clear; the sequence number.
        (records.u16()? == 0).then_some(())?;
        records.skip(6)?;
        let mut fragments = Reader::new(records.vec16()?);
        while let Some(kind) = fragments.u8() {
            let (length, sequence) = (fragments.u24()? as usize, fragments.u16()?);
            let (offset, part) = (fragments.u24()? as usize, fragments.u24()? as usize);
            let part = fragments.take(part)?;
            if *first.get_or_insert((kind, length, sequence)) == (kind, length, sequence) && offset == message.len() {
                message.extend_from_slice(part);
            }
        }
    }
    let (kind, length, _) = first?;
    match kind {
        1 if message.len() == length => {
            ClientHello::parse_dtls(&message).map(|hello| Dtls::Client(hello.facts(Transport::Dtls)))
        }
        2 => Some(Dtls::Server(ServerHello::parse(&message).map(|hello| hello.facts()))),
        3 => Some(Dtls::Server(None)),
        _ => None,
    }
}

/// Whether a stream begins like TLS: a handshake record of a known version, or an SSL 2 ClientHello.
pub fn looks_like(stream: &[u8]) -> bool {
    matches!(stream, [22, 3, 0..=4, _, _, 1 | 2, ..])
        || matches!(stream, [0x80..=0xff, _, 1, 3, 0..=3, ..])
        || matches!(stream, [0x80..=0xff, _, 1, 0, 2, ..])
}

/// Whether a server answers with a TLS alert: it speaks TLS, whatever it refused (RFC 8446, section 6).
pub fn is_alert(stream: &[u8]) -> bool {
    matches!(stream, [21, 3, 0..=4, 0, 2, 1 | 2, ..])
}

/// Whether the first handshake message has come in whole, or never will. Copies nothing, so that a hello in segments
/// of a byte each costs little.
fn first_is_whole(stream: &[u8]) -> bool {
    let (mut reader, mut head, mut seen) = (Reader::new(stream), [0u8; 4], 0usize);
    while let (Some(kind), Some(_version), Some(length)) = (reader.u8(), reader.u16(), reader.u16()) {
        let body = reader.take_up_to(length.into());
        for (to, from) in head.iter_mut().skip(seen).zip(body) {
            *to = *from;
        }
        seen += body.len();
        let [_, high, middle, low] = head;
        let wanted = 4 + u32::from_be_bytes([0, high, middle, low]) as usize;
        if kind != 22 || (seen >= 4 && seen >= wanted) {
            return true;
        }
    }
    false
}

/// What the handshake records at the start of a stream carry, joined; and whether more may follow. Records that are
/// not handshake end it, but for the change of cipher before a second ClientHello (RFC 8446, appendix D.4).
fn handshake_bytes(stream: &[u8]) -> (Vec<u8>, bool) {
    let mut reader = Reader::new(stream);
    let mut joined = Vec::with_capacity(stream.len());
    loop {
        let (Some(kind), Some(_version), Some(length)) = (reader.u8(), reader.u16(), reader.u16()) else {
            return (joined, true);
        };
        if kind == 20 && length == 1 && matches!(reader.rest(), [1, 22, 3, _, _, _, 1, 0, ..]) {
            reader.take_up_to(1);
            continue;
        }
        if kind != 22 {
            return (joined, false);
        }
        let body = reader.take_up_to(length.into());
        joined.extend_from_slice(body);
        if body.len() < length.into() {
            return (joined, true);
        }
    }
}

/// Where the first record ends that is not whole yet: before that nothing more can be read.
pub fn record_end(stream: &[u8]) -> usize {
    let mut end = 0usize;
    loop {
        let header = stream.get(end..).and_then(|rest| rest.first_chunk::<5>());
        let Some([.., high, low]) = header else { return end + 5 };
        end += 5 + usize::from(u16::from_be_bytes([*high, *low]));
        if end > stream.len() {
            return end;
        }
    }
}

/// The first certificate of a Certificate message before TLS 1.3 (RFC 5246, section 7.4.2).
fn first_certificate(body: &[u8]) -> Option<x509::Names> {
    let mut reader = Reader::new(body);
    let _list = reader.u24()?;
    let length = reader.u24()?;
    x509::names(reader.take(length as usize)?)
}

impl<'a> ClientHello<'a> {
    /// Reads the body of a ClientHello (RFC 8446, section 4.1.2). `None` where it is cut or not one.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        Self::parse_with_cookie(body, false)
    }

    /// Reads the body of a DTLS ClientHello, which has a cookie (RFC 6347, section 4.2.1).
    pub fn parse_dtls(body: &'a [u8]) -> Option<Self> {
        Self::parse_with_cookie(body, true)
    }

    fn parse_with_cookie(body: &'a [u8], cookie: bool) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.take(32)?;
        let session = reader.vec8()?;
        if cookie {
            reader.vec8()?;
        }
        let ciphers = reader.vec16()?;
        reader.vec8()?;
        // Extensions may be left out altogether.
        let extensions = if reader.is_empty() { &[][..] } else { reader.vec16()? };
        (session.len() <= 32 && ciphers.len() >= 2 && ciphers.len() % 2 == 0).then_some(ClientHello {
            version,
            random,
            session,
            ciphers,
            extensions,
        })
    }

    /// An SSL 2 ClientHello that offers SSL 2 or later (RFC 5246, appendix E.2). It has no extensions, so no name.
    fn v2(stream: &[u8]) -> Option<Message> {
        let mut reader = Reader::new(stream);
        let length = reader.u16()?;
        if length & 0x8000 == 0 || reader.u8()? != 1 {
            return None;
        }
        let version = reader.u16()?;
        let (ciphers, session, challenge) = (reader.u16()?, reader.u16()?, reader.u16()?);
        let sane = matches!(version, 2 | 0x0300..=0x0303)
            && ciphers % 3 == 0
            && u32::from(length & 0x7fff) == 9 + u32::from(ciphers) + u32::from(session) + u32::from(challenge);
        sane.then(|| Message::ClientHello(Client { version, ..Client::default() }))
    }

    /// Cipher suites in order.
    pub fn ciphers(&self) -> impl Iterator<Item = u16> + use<'a> {
        pairs(self.ciphers)
    }

    /// Extensions in order: type and body.
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        extensions(self.extensions)
    }

    pub(crate) fn extension(&self, wanted: u16) -> Option<&'a [u8]> {
        self.extensions().find(|(kind, _)| *kind == wanted).map(|(_, body)| body)
    }

    /// The host name of the `server_name` extension (RFC 6066, section 3).
    pub fn server_name(&self) -> Option<&'a [u8]> {
        let mut list = Reader::new(Reader::new(self.extension(0)?).vec16()?);
        (list.u8()? == 0).then_some(())?;
        list.vec16().filter(|name| !name.is_empty())
    }

    /// The first protocol of the ALPN extension (RFC 7301).
    pub fn alpn(&self) -> Option<&'a [u8]> {
        first_alpn(self.extension(16)?)
    }

    /// All protocols of the ALPN extension.
    pub fn alpns(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        all_alpns(self.extension(16).unwrap_or_default())
    }

    /// Versions of `supported_versions`, or none.
    pub fn supported_versions(&self) -> impl Iterator<Item = u16> + use<'a> {
        pairs(self.extension(43).and_then(|body| Reader::new(body).vec8()).unwrap_or_default())
    }

    /// Signature algorithms in order.
    pub fn signature_algorithms(&self) -> impl Iterator<Item = u16> + use<'a> {
        pairs(self.extension(13).and_then(|body| Reader::new(body).vec16()).unwrap_or_default())
    }

    /// The highest version offered, GREASE aside.
    pub fn highest_version(&self) -> u16 {
        let versions = || self.supported_versions().filter(|version| !grease(*version));
        // DTLS counts downwards: 1.3 is fefc, 1.2 is fefd.
        let highest = if self.version >= 0xfe00 { versions().min() } else { versions().max() };
        highest.unwrap_or(self.version)
    }

    /// The facts in owned form.
    pub fn facts(&self, transport: Transport) -> Client {
        Client {
            server_name: self.server_name().map(|name| super::reader::text(name, 255)),
            alpn: self.alpn().map(|name| super::reader::text(name, 32)),
            version: self.highest_version(),
            ja4: self.ja4(transport),
            ja3: self.ja3(),
        }
    }
}

impl<'a> ServerHello<'a> {
    /// Reads the body of a ServerHello (RFC 8446, section 4.1.3).
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let legacy_version = reader.u16()?;
        let random = reader.take(32)?;
        let session = reader.vec8()?;
        let cipher = reader.u16()?;
        reader.u8()?;
        let extensions = if reader.is_empty() { &[][..] } else { reader.vec16()? };
        Some(ServerHello { legacy_version, random, session, cipher, extensions })
    }

    /// The version chosen: `supported_versions` where it is there.
    pub fn version(&self) -> u16 {
        extensions(self.extensions)
            .find(|(kind, _)| *kind == 43)
            .and_then(|(_, body)| Reader::new(body).u16())
            .unwrap_or(self.legacy_version)
    }

    /// The protocols of the ALPN extension: one, if the server keeps to RFC 7301.
    pub fn alpns(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let body = extensions(self.extensions).find(|(kind, _)| *kind == 16).map(|(_, body)| body);
        all_alpns(body.unwrap_or_default())
    }

    /// Types of extensions in order.
    pub fn extension_kinds(&self) -> impl Iterator<Item = u16> + use<'a> {
        extensions(self.extensions).map(|(kind, _)| kind)
    }

    /// It is a HelloRetryRequest (RFC 8446, section 4.1.3).
    pub fn is_retry(&self) -> bool {
        self.random == Sha256::digest(b"HelloRetryRequest").as_slice()
    }

    /// The facts in owned form.
    pub fn facts(&self) -> Server {
        Server {
            version: self.version(),
            cipher: self.cipher,
            alpn: extensions(self.extensions)
                .find(|(kind, _)| *kind == 16)
                .and_then(|(_, body)| first_alpn(body))
                .map(|name| super::reader::text(name, 32)),
            ja3s: self.ja3s(),
            retry: self.is_retry(),
        }
    }
}

/// `TLS 1.3` and the like.
pub fn version_name(version: u16) -> Option<&'static str> {
    Some(match version {
        0x0304 => "TLS 1.3",
        0x0303 => "TLS 1.2",
        0x0302 => "TLS 1.1",
        0x0301 => "TLS 1.0",
        0x0300 => "SSL 3.0",
        0x0002 => "SSL 2.0",
        0xfeff => "DTLS 1.0",
        0xfefd => "DTLS 1.2",
        0xfefc => "DTLS 1.3",
        _ => return None,
    })
}

/// Values reserved to keep servers tolerant (RFC 8701).
pub(super) fn grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

pub(super) fn pairs(list: &[u8]) -> impl Iterator<Item = u16> + use<'_> {
    let mut reader = Reader::new(list);
    std::iter::from_fn(move || reader.u16()).take(MAX_LIST)
}

pub(super) fn extensions(list: &[u8]) -> impl Iterator<Item = (u16, &[u8])> + use<'_> {
    let mut reader = Reader::new(list);
    std::iter::from_fn(move || Some((reader.u16()?, reader.vec16()?))).take(MAX_EXTENSIONS)
}

fn all_alpns(body: &[u8]) -> impl Iterator<Item = &[u8]> + use<'_> {
    let mut list = Reader::new(Reader::new(body).vec16().unwrap_or_default());
    std::iter::from_fn(move || list.vec8()).take(MAX_EXTENSIONS)
}

fn first_alpn(body: &[u8]) -> Option<&[u8]> {
    Reader::new(Reader::new(body).vec16()?).vec8().filter(|name| !name.is_empty())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A ClientHello's body: two ciphers (one GREASE), SNI, ALPN, versions and signature algorithms.
    pub(crate) fn hello_body() -> Vec<u8> {
        let mut body = vec![0x03, 0x03]; // legacy_version
        body.extend([7; 32]); // random
        body.push(0); // session id
        body.extend([0, 6, 0x1a, 0x1a, 0x13, 0x02, 0x13, 0x01]); // cipher suites
        body.extend([1, 0]); // compression
        let mut extensions = Vec::new();
        extensions.extend([0, 0, 0, 12, 0, 10, 0, 0, 7]); // server_name
        extensions.extend(b"a.local");
        extensions.extend([0, 16, 0, 5, 0, 3, 2]); // ALPN
        extensions.extend(b"h2");
        extensions.extend([0, 43, 0, 7, 6, 0x2a, 0x2a, 0x03, 0x04, 0x03, 0x03]); // supported_versions
        extensions.extend([0, 13, 0, 6, 0, 4, 0x08, 0x04, 0x04, 0x03]); // signature_algorithms
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    /// The body as handshake message in records of at most `size` bytes.
    pub(crate) fn records(body: &[u8], size: usize) -> Vec<u8> {
        let mut message = vec![1, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
        let mut stream = Vec::new();
        for part in message.chunks(size) {
            stream.extend([22, 3, 1]);
            stream.extend((part.len() as u16).to_be_bytes());
            stream.extend(part);
        }
        stream
    }

    #[test]
    fn a_client_hello_in_one_record_or_many_says_the_same() {
        let body = hello_body();
        let (whole, more) = messages(&records(&body, 4000));
        assert!(!more);
        let [Message::ClientHello(client)] = &whole[..] else { panic!("{whole:?}") };
        assert_eq!(client.server_name.as_deref(), Some("a.local"));
        assert_eq!(client.alpn.as_deref(), Some("h2"));
        assert_eq!(client.version, 0x0304);
        assert!(client.ja4.starts_with("t13d0204h2_"), "{}", client.ja4);
        // sha256("1301,1302") and sha256("000d,002b_0804,0403").
        assert_eq!(client.ja4.len(), 36);
        let (parts, more) = messages(&records(&body, 7));
        assert!(!more);
        let [Message::ClientHello(same)] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!(same, client);
    }

    #[test]
    fn the_hello_after_a_retry_is_read_and_sealed_records_are_not() {
        let body = hello_body();
        let twice = [records(&body, 4000), vec![20, 3, 3, 0, 1, 1], records(&body, 4000)].concat();
        assert_eq!(messages(&twice).0.len(), 2);
        let sealed = [records(&body, 4000), vec![20, 3, 3, 0, 1, 1], vec![22, 3, 3, 0, 4, 9, 9, 9, 9]].concat();
        let (found, more) = messages(&sealed);
        assert!(found.len() == 1 && !more);
    }

    #[test]
    fn a_dtls_hello_in_fragments_of_one_datagram_is_read() {
        let mut body = vec![0xfe, 0xfd]; // DTLS 1.2
        body.extend([7; 32]);
        body.extend([0, 0]); // session id, cookie
        body.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
        let mut datagram = Vec::new();
        for (i, part) in body.chunks(20).enumerate() {
            datagram.extend([22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, i as u8]);
            datagram.extend((12 + part.len() as u16).to_be_bytes());
            datagram.extend([1, 0, 0, body.len() as u8, 0, 0, 0, 0, 20 * i as u8, 0, 0, part.len() as u8]);
            datagram.extend(part);
        }
        let Some(Dtls::Client(client)) = dtls(&datagram) else { panic!() };
        assert!(client.ja4.starts_with("dd2i020000_"), "{}", client.ja4);
        for cut in 0..datagram.len() {
            assert_eq!(dtls(&datagram[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn every_cut_asks_for_more_and_none_panics() {
        let stream = records(&hello_body(), 50);
        for cut in 0..stream.len() {
            let (found, more) = messages(&stream[..cut]);
            assert!(found.is_empty() && more, "cut at {cut}");
        }
    }

    #[test]
    fn an_old_hello_has_no_hash_of_extensions() {
        let mut body = vec![0x03, 0x01];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0, 0x2f, 1, 0]);
        let hello = ClientHello::parse(&body).unwrap();
        assert!(hello.ja4(Transport::Tcp).starts_with("t10i010000_"));
        assert!(hello.ja4(Transport::Tcp).ends_with("_000000000000"));
    }

    #[test]
    fn a_server_hello_says_version_and_cipher() {
        let mut body = vec![0x03, 0x03];
        body.extend([9; 32]);
        body.extend([0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 0x03, 0x04]);
        let facts = ServerHello::parse(&body).unwrap().facts();
        assert_eq!((facts.version, facts.cipher), (0x0304, 0x1301));
        assert_eq!(facts.ja3s, crate::discover::extract::hashes::md5_hex(b"771,4865,43"));
        assert!(!facts.retry);
        body[2..34].copy_from_slice(&Sha256::digest(b"HelloRetryRequest"));
        assert!(ServerHello::parse(&body).unwrap().facts().retry);
    }
}
