//! A connection as rules and EVE see it.

use sha1::{Digest, Sha1};

use super::{event, progress};
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::discover::extract::hashes::md5_hex;
use crate::discover::extract::reader::Reader;
use crate::discover::extract::tls::{ClientHello, ServerHello, Transport};
use crate::discover::extract::x509::{self, Certificate, Fault};
use crate::json::Object;
use crate::rules::ast::{Body, TlsDate, WordField};
use crate::rules::{Buffer, Field};

/// Certificates of a chain that are kept.
const MAX_CHAIN: usize = 16;
/// Bytes of an ALPN list that are kept.
const MAX_ALPNS: usize = 32;

/// A connection.
#[derive(Debug, Default)]
pub struct Transaction {
    client: Peer,
    server: Peer,
    sni: Option<Vec<u8>>,
    ja3: Option<Hash>,
    ja3s: Option<Hash>,
    ja4: Option<String>,
    /// The client named a session, or a ticket.
    resumable: bool,
    resumed: bool,
    /// A HelloRetryRequest was seen, and not yet the client's second hello.
    pub(super) retry: bool,
    heartbeat: Option<(Side, usize)>,
    events: EventSet,
    /// Packet time, for certificates' validity.
    pub(super) time: i64,
}

#[derive(Debug, Default)]
struct Peer {
    progress: u8,
    /// What its hello says; 0 before.
    version: u16,
    /// What its records say.
    record_version: u16,
    random: Option<[u8; 32]>,
    alpns: Vec<Vec<u8>>,
    chain: Vec<Vec<u8>>,
    chain_len: usize,
    own: Option<Box<Own>>,
    seen: States,
}

/// A peer's own certificate.
#[derive(Debug, Default)]
struct Own {
    certificate: Certificate,
    serial: String,
    fingerprint: String,
}

#[derive(Debug)]
struct Hash {
    text: String,
    hash: String,
}

/// Messages that were seen of a side, for `ssl_state`.
#[derive(Clone, Copy, Debug, Default)]
struct States {
    hello: bool,
    key_exchange: bool,
    unknown: bool,
}

impl Transaction {
    fn peer(&self, side: Side) -> &Peer {
        if side == Side::ToServer { &self.client } else { &self.server }
    }

    fn peer_mut(&mut self, side: Side) -> &mut Peer {
        if side == Side::ToServer { &mut self.client } else { &mut self.server }
    }

    pub(super) fn advance(&mut self, side: Side, to: u8) {
        let peer = self.peer_mut(side);
        peer.progress = peer.progress.max(to);
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    pub(super) fn bytes(&self) -> usize {
        let peer = |peer: &Peer| peer.chain.iter().map(|der| 2 * der.len()).sum::<usize>() + peer.alpns.len() * 32;
        size_of::<Transaction>() + peer(&self.client) + peer(&self.server) + 1024
    }

    /// The version of a record; the first of a side counts until its hello.
    pub(super) fn record_version(&mut self, side: Side, version: u16) {
        let peer = self.peer_mut(side);
        if peer.record_version == 0 {
            peer.record_version = version;
        }
    }

    /// An SSL 2 hello, or another first message of it.
    pub(super) fn v2(&mut self, side: Side, kind: u8, version: u16) {
        let peer = self.peer_mut(side);
        peer.version = version;
        peer.seen.hello |= kind == if side == Side::ToServer { 1 } else { 4 };
        if kind == 0 {
            self.events.add(event::ERROR_MESSAGE_ENCOUNTERED);
        }
        self.advance(side, progress::HELLO);
    }

    /// Whether the server chose 1.3 or a draft of it.
    pub(super) fn is_13(&self) -> bool {
        is_13(self.server.version)
    }

    /// A side goes over to encryption.
    pub(super) fn sealed(&mut self, side: Side) {
        if side == Side::ToClient && self.server.chain_len == 0 && self.resumable && !self.is_13() {
            self.resumed = true;
        }
    }

    /// A heartbeat (RFC 6520): its first three bytes, and its length in the record.
    pub(super) fn heartbeat(&mut self, side: Side, head: &[u8], length: usize) {
        match self.heartbeat {
            Some((asked, wanted)) if asked != side => {
                // An answer that is longer than the question carries what wasn't asked for.
                if length > wanted {
                    self.odd(event::DATALEAK_HEARTBEAT_MISMATCH);
                }
                self.heartbeat = None;
            }
            Some(_) => {}
            None => {
                self.heartbeat = Some((side, length));
                self.odd(event::HEARTBEAT_MESSAGE);
                match head {
                    [1 | 2, high, low, ..] => {
                        let payload = usize::from(u16::from_be_bytes([*high, *low]));
                        if payload + 3 > length {
                            self.odd(event::OVERFLOW_HEARTBEAT_MESSAGE);
                        }
                    }
                    _ => self.odd(event::INVALID_HEARTBEAT_MESSAGE),
                }
            }
        }
    }

    /// A whole handshake message.
    pub(super) fn message(&mut self, side: Side, kind: u8, body: &[u8]) {
        match (kind, side) {
            (1, Side::ToServer) => self.client_hello(body),
            (2, Side::ToClient) => self.server_hello(body),
            (11, _) => self.certificates(side, body),
            (12, Side::ToClient) | (16, Side::ToServer) => {
                self.peer_mut(side).seen.key_exchange = true;
                self.advance(side, progress::CERTIFICATE);
            }
            // ServerHelloDone: what follows is the client's.
            (14, Side::ToClient) => self.advance(side, progress::CERTIFICATE),
            (0 | 3..=10 | 13 | 15 | 20..=25 | 67 | 254, _) => {}
            _ => {
                self.odd(event::INVALID_HANDSHAKE_MESSAGE);
                self.peer_mut(side).seen.unknown = true;
            }
        }
    }

    fn client_hello(&mut self, body: &[u8]) {
        let Some(hello) = ClientHello::parse(body) else {
            self.odd(event::HANDSHAKE_INVALID_LENGTH);
            return;
        };
        // Of two hellos the first is told, as Suricata does.
        if self.client.seen.hello {
            return;
        }
        self.client.seen.hello = true;
        self.client.version = hello.highest_version();
        self.client.random = hello.random.try_into().ok();
        self.client.alpns = hello.alpns().take(MAX_ALPNS).map(<[u8]>::to_vec).collect();
        self.resumable = !hello.session.is_empty() || hello.extension(35).is_some_and(|ticket| !ticket.is_empty());
        self.server_name(&hello);
        let text = hello.ja3_text();
        self.ja3 = Some(Hash { hash: md5_hex(text.as_bytes()), text });
        self.ja4 = Some(hello.ja4(Transport::Tcp));
        self.advance(Side::ToServer, progress::HELLO);
    }

    /// RFC 6066, section 3.
    fn server_name(&mut self, hello: &ClientHello<'_>) {
        let mut lists = hello.extensions().filter(|(kind, _)| *kind == 0).map(|(_, body)| body);
        let Some(body) = lists.next() else { return };
        if lists.next().is_some() {
            self.odd(event::MULTIPLE_SNI_EXTENSIONS);
        }
        // A server's way to say yes, at the wrong side.
        if body.is_empty() {
            return;
        }
        let mut reader = Reader::new(body);
        let Some(mut list) = reader.vec16().map(Reader::new) else {
            self.odd(event::INVALID_SNI_LENGTH);
            return;
        };
        match (list.u8(), list.vec16()) {
            (Some(0), Some(name)) if !name.is_empty() => self.sni = Some(name.to_vec()),
            (Some(0), _) | (None, _) => self.odd(event::INVALID_SNI_LENGTH),
            (Some(_), _) => self.odd(event::INVALID_SNI_TYPE),
        }
    }

    fn server_hello(&mut self, body: &[u8]) {
        let Some(hello) = ServerHello::parse(body) else {
            self.odd(event::HANDSHAKE_INVALID_LENGTH);
            return;
        };
        self.retry = hello.is_retry();
        if self.retry {
            return;
        }
        self.server.seen.hello = true;
        self.server.version = hello.version();
        self.server.random = hello.random.try_into().ok();
        self.server.alpns = hello.alpns().take(MAX_ALPNS).map(<[u8]>::to_vec).collect();
        let text = hello.ja3s_text();
        self.ja3s = Some(Hash { hash: md5_hex(text.as_bytes()), text });
        self.advance(Side::ToClient, progress::HELLO);
    }

    /// RFC 5246, section 7.4.2.
    fn certificates(&mut self, side: Side, body: &[u8]) {
        if self.peer(side).chain_len > 0 {
            return;
        }
        let mut outer = Reader::new(body);
        let list = outer.u24().and_then(|length| outer.take(length as usize));
        let Some(mut list) = list.map(Reader::new) else {
            self.no_certificate();
            self.advance(side, progress::CERTIFICATE);
            return;
        };
        while !list.is_empty() {
            let Some(der) = list.u24().and_then(|length| list.take(length as usize)) else {
                self.odd(event::CERTIFICATE_INVALID_LENGTH);
                break;
            };
            let peer = self.peer_mut(side);
            peer.chain_len += 1;
            if peer.chain.len() < MAX_CHAIN {
                peer.chain.push(der.to_vec());
            }
            if peer.chain_len == 1 {
                match x509::certificate(der) {
                    Ok(certificate) => {
                        let serial = hex(&certificate.serial, true);
                        let fingerprint = hex(&Sha1::digest(der), false);
                        peer.own = Some(Box::new(Own { certificate, serial, fingerprint }));
                    }
                    Err(Fault::Cut) => self.no_certificate(),
                    Err(fault) => self.odd(fault_event(fault)),
                }
            }
        }
        self.advance(side, progress::CERTIFICATE);
    }

    /// A message of certificates has none that can be read.
    fn no_certificate(&mut self) {
        self.odd(event::INVALID_CERTIFICATE);
        self.odd(event::INVALID_HANDSHAKE_MESSAGE);
    }

    /// The certificate of a side, if rules ask for it there.
    fn own(&self, side: Side) -> Option<&Own> {
        self.peer(side).own.as_deref()
    }

    /// The version a side speaks: its hello's, else its records'.
    fn version(&self, side: Side) -> u16 {
        let peer = self.peer(side);
        if peer.version != 0 { peer.version } else { peer.record_version }
    }
}

fn is_13(version: u16) -> bool {
    version == 0x0304 || matches!(version >> 8, 0x7f | 0xfb)
}

fn fault_event(fault: Fault) -> u8 {
    match fault {
        Fault::Cut => event::INVALID_CERTIFICATE,
        Fault::Der => event::CERTIFICATE_INVALID_DER,
        Fault::Version => event::CERTIFICATE_INVALID_VERSION,
        Fault::Serial => event::CERTIFICATE_INVALID_SERIAL,
        Fault::Algorithm => event::CERTIFICATE_INVALID_ALGORITHM,
        Fault::Name => event::CERTIFICATE_INVALID_X509NAME,
        Fault::Date => event::CERTIFICATE_INVALID_DATE,
        Fault::Issuer => event::CERTIFICATE_INVALID_ISSUER,
        Fault::Validity => event::CERTIFICATE_INVALID_VALIDITY,
        Fault::Subject => event::CERTIFICATE_INVALID_SUBJECT,
        Fault::Extensions => event::CERTIFICATE_INVALID_EXTENSIONS,
    }
}

/// Hexadecimal bytes with colons between them.
fn hex(bytes: &[u8], upper: bool) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.push(':');
        }
        out.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
    }
    out
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        self.peer(side).progress
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let peer = self.peer(side);
        let own = self.own(side);
        match buffer {
            Buffer::TlsCerts => return peer.chain.get(index).map(Vec::as_slice),
            Buffer::TlsAlpn => return peer.alpns.get(index).map(Vec::as_slice),
            Buffer::TlsSubjectAltName => return own?.certificate.alternative.get(index).map(Vec::as_slice),
            _ if index > 0 => return None,
            Buffer::TlsCertIssuer => return Some(&own?.certificate.issuer),
            Buffer::TlsCertSubject => return Some(&own?.certificate.subject),
            Buffer::TlsCertSerial => return Some(own?.serial.as_bytes()),
            Buffer::TlsCertFingerprint => return Some(own?.fingerprint.as_bytes()),
            Buffer::TlsRandom => return Some(peer.random.as_ref()?),
            Buffer::TlsRandomTime => return peer.random.as_ref()?.get(..4),
            Buffer::TlsRandomBytes => return peer.random.as_ref()?.get(4..),
            _ => {}
        }
        match (buffer, side) {
            (Buffer::TlsSni, Side::ToServer) => self.sni.as_deref(),
            (Buffer::Ja3Hash, Side::ToServer) => Some(self.ja3.as_ref()?.hash.as_bytes()),
            (Buffer::Ja3String, Side::ToServer) => Some(self.ja3.as_ref()?.text.as_bytes()),
            (Buffer::Ja4Hash, Side::ToServer) => Some(self.ja4.as_ref()?.as_bytes()),
            (Buffer::Ja3sHash, Side::ToClient) => Some(self.ja3s.as_ref()?.hash.as_bytes()),
            (Buffer::Ja3sString, Side::ToClient) => Some(self.ja3s.as_ref()?.text.as_bytes()),
            _ => None,
        }
    }

    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        let length = self.peer(side).chain_len;
        if field == Field::TlsChainLen && index == 0 && length > 0 { i64::try_from(length).ok() } else { None }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most options are of other protocols")]
    fn holds(&self, test: &Body, side: Side) -> bool {
        let version = self.version(side);
        let now = self.time / 1_000_000_000;
        match test {
            Body::TlsVersion(negated, wanted) => version != 0 && (version == *wanted) != *negated,
            Body::TlsDate(which, comparison) => self.own(side).is_some_and(|own| {
                let date = match which {
                    TlsDate::NotBefore => own.certificate.not_before,
                    TlsDate::NotAfter => own.certificate.not_after,
                };
                u64::try_from(date).is_ok_and(|date| comparison.holds(date))
            }),
            Body::TlsExpired => self.own(side).is_some_and(|own| own.certificate.not_after < now),
            Body::TlsValid => {
                self.own(side).is_some_and(|own| own.certificate.not_before <= now && now <= own.certificate.not_after)
            }
            Body::TlsStore => self.peer(side).chain_len > 0,
            Body::Words(test) if test.field == WordField::SslVersion => test.words.iter().any(|(negated, word)| {
                let wanted = match &**word {
                    "sslv2" => version == 2,
                    "sslv3" => version == 0x0300,
                    "tls1.0" => version == 0x0301,
                    "tls1.1" => version == 0x0302,
                    "tls1.2" => version == 0x0303,
                    _ => is_13(version),
                };
                version != 0 && wanted != *negated
            }),
            Body::Words(test) if test.field == WordField::SslState => test.words.iter().any(|(negated, word)| {
                let seen = match &**word {
                    "client_hello" => self.client.seen.hello,
                    "server_hello" => self.server.seen.hello,
                    "client_keyx" => self.client.seen.key_exchange,
                    "server_keyx" => self.server.seen.key_exchange,
                    _ => self.client.seen.unknown || self.server.seen.unknown,
                };
                seen != *negated
            }),
            _ => false,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        if let Some(own) = self.own(Side::ToClient) {
            let certificate = &own.certificate;
            object.text("subject", &certificate.subject).text("issuerdn", &certificate.issuer);
            object.text("serial", &own.serial).text("fingerprint", &own.fingerprint);
        }
        if self.resumed {
            object.boolean("session_resumed", true);
        }
        object.text_if("sni", self.sni.as_deref());
        // What the server chose; where it never said, what the client offers.
        let version = Some(self.version(Side::ToClient)).filter(|version| *version != 0);
        match version.unwrap_or_else(|| self.version(Side::ToServer)) {
            0 => object.text("version", "UNDETERMINED"),
            version => object.display("version", Version(version)),
        };
        if let Some(own) = self.own(Side::ToClient) {
            object.display("notbefore", Date(own.certificate.not_before));
            object.display("notafter", Date(own.certificate.not_after));
            if !own.certificate.alternative.is_empty() {
                object.array("subjectaltname", |array| {
                    own.certificate.alternative.iter().for_each(|name| _ = array.text(name));
                });
            }
        }
        for (key, hash) in [("ja3", &self.ja3), ("ja3s", &self.ja3s)] {
            if let Some(hash) = hash {
                object.object(key, |object| _ = object.text("hash", &hash.hash).text("string", &hash.text));
            }
        }
        object.text_if("ja4", self.ja4.as_deref());
        for (key, alpns) in [("client_alpns", &self.client.alpns), ("server_alpns", &self.server.alpns)] {
            if !alpns.is_empty() {
                object.array(key, |array| alpns.iter().for_each(|name| _ = array.text(name)));
            }
        }
    }
}

/// A version as EVE spells it.
struct Version(u16);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0x0002 => f.write_str("SSLv2"),
            0x0300 => f.write_str("SSLv3"),
            0x0301 => f.write_str("TLSv1"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            draft @ 0x7f10..=0x7fff => write!(f, "TLS 1.3 draft-{}", draft & 0xff),
            0x7f00..=0x7f0f => f.write_str("TLS 1.3 draft-<16"),
            0xfb17 => f.write_str("TLS 1.3 draft-23-fb"),
            0xfb1a => f.write_str("TLS 1.3 draft-26-fb"),
            other => write!(f, "0x{other:04x}"),
        }
    }
}

/// Seconds since 1970 as `2015-02-12T18:07:27`.
struct Date(i64);

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (days, second) = (self.0.div_euclid(86_400) + 719_468, self.0.rem_euclid(86_400));
        // Years from March, in cycles of 400.
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, year) = if month < 10 { (month + 3, year) } else { (month - 9, year + 1) };
        let year = year + era * 400;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}
