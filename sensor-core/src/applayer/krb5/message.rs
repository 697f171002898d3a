//! The messages of the exchanges with a key distribution centre (RFC 4120, section 5).

use crate::discover::extract::reader::Reader;
use crate::discover::extract::x509::element;

/// Numbers of messages (RFC 4120, section 7.5.7).
pub(super) mod kind {
    pub const AS_REQ: u8 = 10;
    pub const AS_REP: u8 = 11;
    pub const TGS_REQ: u8 = 12;
    pub const TGS_REP: u8 = 13;
    pub const AP_REQ: u8 = 14;
    pub const ERROR: u8 = 30;
}

/// What a message says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub kind: u8,
    /// Parts of the client's name.
    pub client: Option<Vec<Vec<u8>>>,
    /// The realm: of a request the one asked, of an answer the client's.
    pub realm: Option<Vec<u8>>,
    /// Parts of the service's name.
    pub service: Option<Vec<Vec<u8>>>,
    /// How an answer's own part is encrypted, and how its ticket.
    pub encryption: Option<i32>,
    pub ticket_encryption: Option<i32>,
    pub error: Option<i32>,
}

/// Parts of a name, and bytes of each and of a realm, that are kept.
const MOST_PARTS: usize = 16;
const MOST_TEXT: usize = 1024;

impl Message {
    /// Reads a message; `None` if it is none, or cut.
    pub(super) fn read(bytes: &[u8]) -> Option<Message> {
        let (tag, body) = element(&mut Reader::new(bytes))?;
        // An application's tag is the number of its message.
        let kind = match tag {
            0x6a..=0x6f | 0x74..=0x76 | 0x7e => tag & 0x1f,
            _ => return None,
        };
        let mut message = Message { kind, ..Message::default() };
        if !message.is_told() {
            return Some(message);
        }
        let fields = inner(body, 0x30)?;
        match kind {
            kind::AS_REQ | kind::TGS_REQ => message.request(fields),
            kind::AS_REP | kind::TGS_REP => message.reply(fields),
            _ => message.failure(fields),
        }?;
        Some(message)
    }

    /// Whether it is one of those that are transactions.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.kind, kind::AS_REQ..=kind::TGS_REP | kind::ERROR)
    }

    pub(super) fn bytes(&self) -> usize {
        let names = self.client.iter().chain(&self.service).flatten();
        names.map(|part| 24 + part.capacity()).sum::<usize>() + self.realm.as_ref().map_or(0, Vec::capacity)
    }

    /// KDC-REQ (section 5.4.1).
    fn request(&mut self, fields: &[u8]) -> Option<()> {
        let body = inner(field(fields, 0xa4)?, 0x30)?;
        self.client = field(body, 0xa1).and_then(principal);
        self.realm = Some(text(field(body, 0xa2)?)?);
        self.service = field(body, 0xa3).and_then(principal);
        Some(())
    }

    /// KDC-REP (section 5.4.2).
    fn reply(&mut self, fields: &[u8]) -> Option<()> {
        self.realm = Some(text(field(fields, 0xa3)?)?);
        self.client = Some(principal(field(fields, 0xa4)?)?);
        let ticket = inner(inner(field(fields, 0xa5)?, 0x61)?, 0x30)?;
        self.service = Some(principal(field(ticket, 0xa2)?)?);
        self.ticket_encryption = Some(encrypted(field(ticket, 0xa3)?)?);
        self.encryption = Some(encrypted(field(fields, 0xa6)?)?);
        Some(())
    }

    /// KRB-ERROR (section 5.9.1).
    fn failure(&mut self, fields: &[u8]) -> Option<()> {
        self.error = Some(number(field(fields, 0xa6)?)?);
        self.realm = field(fields, 0xa7).and_then(text);
        self.client = field(fields, 0xa8).and_then(principal);
        self.service = Some(principal(field(fields, 0xaa)?)?);
        Some(())
    }
}

/// The field of a sequence with that tag.
fn field(fields: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut reader = Reader::new(fields);
    loop {
        let (tag, value) = element(&mut reader)?;
        if tag == wanted {
            return Some(value);
        }
    }
}

/// PrincipalName (section 5.2.2).
fn principal(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parts = Reader::new(inner(field(inner(value, 0x30)?, 0xa1)?, 0x30)?);
    let mut names = Vec::new();
    while let (true, Some((_, part))) = (names.len() < MOST_PARTS, element(&mut parts)) {
        names.push(part.get(..MOST_TEXT).unwrap_or(part).to_vec());
    }
    Some(names)
}

/// The encryption of EncryptedData (section 5.2.9).
fn encrypted(value: &[u8]) -> Option<i32> {
    number(field(inner(value, 0x30)?, 0xa0)?)
}

fn text(value: &[u8]) -> Option<Vec<u8>> {
    let (_, text) = element(&mut Reader::new(value))?;
    Some(text.get(..MOST_TEXT).unwrap_or(text).to_vec())
}

fn number(value: &[u8]) -> Option<i32> {
    let digits = inner(value, 2).filter(|digits| (1..=4).contains(&digits.len()))?;
    let sign = if digits.first()? & 0x80 == 0 { 0 } else { -1 };
    Some(digits.iter().fold(sign, |value: i32, byte| value.wrapping_shl(8) | i32::from(*byte)))
}

fn inner(data: &[u8], wanted: u8) -> Option<&[u8]> {
    element(&mut Reader::new(data)).filter(|(tag, _)| *tag == wanted).map(|(_, body)| body)
}
