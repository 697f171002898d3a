//! What the security tokens of a session setup say: NTLM's user (MS-NLMP, section 2.2.1.3) and Kerberos' ticket
//! (RFC 4121, section 4.1; RFC 4120, section 5.3).

use super::bytes::{plain, u16_at, u32_at};
use crate::discover::extract::reader::{Reader, find};
use crate::discover::extract::x509::element;

/// Who logs on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ntlm {
    pub domain: Vec<u8>,
    pub user: Vec<u8>,
    pub host: Vec<u8>,
    /// Major, minor, build, revision.
    pub version: Option<(u8, u8, u16, u8)>,
}

/// The ticket that a client shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ticket {
    pub realm: Vec<u8>,
    pub names: Vec<Vec<u8>>,
}

/// A token of a session setup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// NTLM's last message.
    Ntlm(Ntlm),
    /// NTLM's last message, whose fields lie outside of it.
    BadNtlm,
    Kerberos(Ticket),
    /// Something else.
    Other,
}

impl Token {
    /// Reads a token, also one in SPNEGO's wrapping (RFC 4178).
    pub(super) fn read(blob: &[u8]) -> Token {
        if let Some(at) = find(blob, b"NTLMSSP\0") {
            let message = blob.get(at..).unwrap_or_default();
            return match u32_at(message, 8) {
                Some(3) => ntlm(message).map_or(Token::BadNtlm, Token::Ntlm),
                _ => Token::Other,
            };
        }
        match find(blob, &KERBEROS_AP_REQ).and_then(|at| ticket(blob.get(at + KERBEROS_AP_REQ.len()..)?)) {
            Some(ticket) => Token::Kerberos(ticket),
            None => Token::Other,
        }
    }
}

/// The mechanism 1.2.840.113554.1.2.2 and the token's kind, before the AP-REQ.
const KERBEROS_AP_REQ: [u8; 13] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 1, 0];

/// Parts of a service's name that are kept.
const MOST_NAMES: usize = 8;

fn ntlm(message: &[u8]) -> Option<Ntlm> {
    let field = |at: usize| {
        let (length, offset) = (usize::from(u16_at(message, at)?), u32_at(message, at + 4)? as usize);
        if length == 0 { Some(Vec::new()) } else { Some(plain(message.get(offset..)?.get(..length)?)) }
    };
    let version = match (u32_at(message, 60), message.get(64..72)) {
        (Some(flags), Some([major, minor, a, b, _, _, _, revision])) if flags & 0x0200_0000 != 0 => {
            Some((*major, *minor, u16::from_le_bytes([*a, *b]), *revision))
        }
        _ => None,
    };
    Some(Ntlm { domain: field(28)?, user: field(36)?, host: field(44)?, version })
}

fn ticket(request: &[u8]) -> Option<Ticket> {
    let inside = |bytes, wanted: u8| element(&mut Reader::new(bytes)).filter(|(tag, _)| *tag == wanted);
    let (_, body) = inside(request, 0x6e)?;
    let mut fields = Reader::new(inside(body, 0x30)?.1);
    let ticket = loop {
        let (tag, value) = element(&mut fields)?;
        if tag == 0xa3 {
            break value;
        }
    };
    let mut fields = Reader::new(inside(inside(ticket, 0x61)?.1, 0x30)?.1);
    let mut found = Ticket::default();
    while let Some((tag, value)) = element(&mut fields) {
        match tag {
            0xa1 => found.realm = element(&mut Reader::new(value))?.1.to_vec(),
            0xa2 => {
                let mut name = Reader::new(inside(value, 0x30)?.1);
                element(&mut name)?;
                let mut parts = Reader::new(inside(element(&mut name)?.1, 0x30)?.1);
                while let (true, Some((_, part))) = (found.names.len() < MOST_NAMES, element(&mut parts)) {
                    found.names.push(part.to_vec());
                }
            }
            _ => {}
        }
    }
    Some(found)
}
