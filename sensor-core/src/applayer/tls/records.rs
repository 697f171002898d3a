//! Records of one side, and the handshake messages that they carry in pieces.

use super::transaction::Transaction;
use super::{event, progress};
use crate::applayer::Side;
use crate::applayer::parser::Parsed;

/// The type of a record of application data.
const APPLICATION_DATA: u8 = 23;
/// A record's content at most: RFC 5246, section 6.2.3 allows 2^14 and 2,048 for encryption.
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Bytes of a handshake message that is put together; chains of certificates are a tenth of it.
const MAX_MESSAGE: usize = 128 << 10;
/// Records that one piece of the stream may have, as Suricata has it.
const MAX_RECORDS: usize = 255;

/// What is open on one side.
#[derive(Debug, Default)]
pub(super) struct Half {
    begun: bool,
    header: [u8; 5],
    have: usize,
    /// Bytes left of the record whose header is read.
    left: usize,
    /// What the record has so far, where that is looked at whole: alerts and heartbeats, a few bytes of each.
    small: Vec<u8>,
    /// The handshake message that is open.
    message: Vec<u8>,
    /// Bytes left of a message that is too long.
    skip: usize,
    /// What follows is encrypted.
    sealed: bool,
}

impl Half {
    pub(super) fn bytes(&self) -> usize {
        self.message.capacity() + self.small.capacity()
    }

    /// A record has come.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// What comes is encrypted.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// What is read last is application data: nothing behind it is read.
    pub(super) fn carries_data(&self) -> bool {
        self.begun && self.kind() == APPLICATION_DATA
    }

    /// Steps over bytes that are missing, where they are content of a record that is not looked at.
    pub(super) fn gap(&mut self, len: u64) -> bool {
        let inside = usize::try_from(len).is_ok_and(|len| self.have == 5 && len <= self.left);
        if !inside || self.kind() == 22 && !self.sealed {
            return false;
        }
        self.left -= usize::try_from(len).unwrap_or(self.left);
        if self.left == 0 {
            self.have = 0;
        }
        true
    }

    fn kind(&self) -> u8 {
        let [kind, ..] = self.header;
        kind
    }

    pub(super) fn read(&mut self, side: Side, mut bytes: &[u8], transaction: &mut Transaction) -> Parsed {
        let mut records = 0;
        while !bytes.is_empty() {
            if self.have < 5 {
                for (to, from) in self.header.iter_mut().skip(self.have).zip(bytes) {
                    *to = *from;
                }
                let taken = (5 - self.have).min(bytes.len());
                self.have += taken;
                bytes = bytes.get(taken..).unwrap_or_default();
                if self.have < 5 {
                    break;
                }
                records += 1;
                if records > MAX_RECORDS {
                    transaction.odd(event::TOO_MANY_RECORDS_IN_PACKET);
                    return Parsed::Failed;
                }
                if let Some(parsed) = self.header(side, transaction) {
                    return parsed;
                }
                if self.left > 0 {
                    continue;
                }
            }
            let (content, rest) = bytes.split_at(self.left.min(bytes.len()));
            bytes = rest;
            self.left -= content.len();
            if let Some(parsed) = self.content(side, content, transaction) {
                return parsed;
            }
            if self.left == 0 {
                self.have = 0;
                if let Some(parsed) = self.record(side, transaction) {
                    return parsed;
                }
                self.small.clear();
            }
        }
        Parsed::More
    }

    /// Looks at a record's header.
    fn header(&mut self, side: Side, transaction: &mut Transaction) -> Option<Parsed> {
        let [kind, major, minor, high, low] = self.header;
        let first = !std::mem::replace(&mut self.begun, true);
        // Of version 2 the kind stands behind a length of two bytes.
        if first && kind & 0x80 != 0 && matches!(minor, 1 | 4) {
            return self.v2(side, transaction);
        }
        self.left = usize::from(u16::from_be_bytes([high, low]));
        if !(20..=24).contains(&kind) {
            transaction.odd(event::INVALID_RECORD_TYPE);
            return Some(Parsed::Failed);
        }
        if major != 3 {
            transaction.odd(if first { event::INVALID_TLS_HEADER } else { event::INVALID_RECORD_VERSION });
            return Some(Parsed::Failed);
        }
        if self.left > MAX_RECORD {
            transaction.odd(event::INVALID_RECORD_LENGTH);
            return Some(Parsed::Failed);
        }
        transaction.record_version(side, u16::from_be_bytes([major, minor]));
        // Application data are encrypted, whoever said so; after a hello they end what is read.
        (kind == APPLICATION_DATA).then(|| {
            self.sealed = true;
            Parsed::Enough
        })
    }

    /// An SSL 2 hello (RFC 5246, appendix E.2): only its version is told. A client's that offers TLS is followed by
    /// records of TLS.
    fn v2(&mut self, side: Side, transaction: &mut Transaction) -> Option<Parsed> {
        let [high, low, kind, major, minor] = self.header;
        let length = usize::from(u16::from_be_bytes([high & 0x7f, low]));
        if length < 9 {
            transaction.odd(event::INVALID_SSLV2_HEADER);
            return Some(Parsed::Failed);
        }
        let version = u16::from_be_bytes([major, minor]);
        transaction.v2(side, kind, if side == Side::ToServer && major == 3 { version } else { 2 });
        if side == Side::ToClient || major != 3 {
            return Some(Parsed::Enough);
        }
        // The rest is stepped over as an unread record.
        self.header = [0; 5];
        self.left = length - 3;
        None
    }

    /// Takes a piece of a record's content.
    fn content(&mut self, side: Side, content: &[u8], transaction: &mut Transaction) -> Option<Parsed> {
        match self.kind() {
            22 if !self.sealed => self.handshake(side, content, transaction),
            20 | 21 | 24 => {
                let room = 3_usize.saturating_sub(self.small.len()).min(content.len());
                self.small.extend_from_slice(content.get(..room).unwrap_or_default());
                None
            }
            _ => None,
        }
    }

    /// Looks at a record that is complete.
    fn record(&mut self, side: Side, transaction: &mut Transaction) -> Option<Parsed> {
        let [kind, _, _, high, low] = self.header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        match kind {
            20 => {
                // Of 1.3's middlebox mode (RFC 8446, appendix D.4) a client's may come before its second hello.
                if transaction.retry && side == Side::ToServer {
                    transaction.retry = false;
                    return None;
                }
                self.sealed = true;
                transaction.sealed(side);
                Some(Parsed::Enough)
            }
            21 if !self.sealed => {
                if length != 2 || !matches!(self.small.first(), Some(1 | 2)) {
                    transaction.odd(event::INVALID_ALERT_MESSAGE);
                }
                None
            }
            22 if !self.sealed && length == 0 => {
                transaction.odd(event::INVALID_HANDSHAKE_MESSAGE);
                None
            }
            24 => {
                transaction.heartbeat(side, &self.small, length);
                None
            }
            _ => None,
        }
    }

    fn handshake(&mut self, side: Side, mut content: &[u8], transaction: &mut Transaction) -> Option<Parsed> {
        while !content.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(content.len());
                self.skip -= skipped;
                content = content.get(skipped..).unwrap_or_default();
                continue;
            }
            let wanted = match self.message.first_chunk::<4>() {
                Some([_, a, b, c]) => 4 + u32::from_be_bytes([0, *a, *b, *c]) as usize,
                None => 4,
            };
            if wanted > MAX_MESSAGE {
                transaction.odd(event::HANDSHAKE_INVALID_LENGTH);
                self.skip = wanted - self.message.len();
                self.message = Vec::new();
                continue;
            }
            let taken = (wanted - self.message.len()).min(content.len());
            self.message.extend_from_slice(content.get(..taken).unwrap_or_default());
            content = content.get(taken..).unwrap_or_default();
            let whole = self
                .message
                .first_chunk::<4>()
                .is_some_and(|[_, a, b, c]| self.message.len() == 4 + u32::from_be_bytes([0, *a, *b, *c]) as usize);
            if whole {
                let message = std::mem::take(&mut self.message);
                if let Some((kind, body)) =
                    message.split_first().zip(message.get(4..)).map(|((kind, _), body)| (*kind, body))
                {
                    transaction.message(side, kind, body);
                }
                // From 1.3's ServerHello on the server is encrypted.
                if side == Side::ToClient && transaction.is_13() && !transaction.retry {
                    self.sealed = true;
                    transaction.advance(side, progress::CERTIFICATE);
                }
            }
        }
        None
    }
}
