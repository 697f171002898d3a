//! Kerberos requests in the clear (RFC 4120): realm, server principal, and the client's own NetBIOS name.

use super::reader::{Reader, text};
use super::x509::element;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// It comes from a KDC.
    pub reply: bool,
    /// The realm asked.
    pub realm: Option<String>,
    /// The service asked for, as in `cifs/fs1.corp.example`.
    pub service: Option<String>,
    /// The client's NetBIOS name in the request's host addresses.
    pub host: Option<String>,
}

const MAX_ITEMS: usize = 32;

/// Reads a message without the length that TCP puts before it.
pub fn message(data: &[u8]) -> Option<Message> {
    let (tag, body) = element(&mut Reader::new(data))?;
    let reply = match tag {
        // AS-REQ, TGS-REQ; AS-REP, TGS-REP, KRB-ERROR.
        0x6a | 0x6c => false,
        0x6b | 0x6d | 0x7e => true,
        _ => return None,
    };
    let mut reader = Reader::new(inner(body, 0x30)?);
    let mut found = Message { reply, ..Message::default() };
    let mut version = false;
    for _ in 0..MAX_ITEMS {
        let Some((tag, value)) = element(&mut reader) else { break };
        match (tag, value) {
            (0xa0 | 0xa1, [2, 1, 5]) => version = true,
            (0xa4, value) if !reply => {
                request_body(value, &mut found);
            }
            _ => {}
        }
    }
    version.then_some(found)
}

/// KDC-REQ-BODY (RFC 4120, section 5.4.1).
fn request_body(data: &[u8], found: &mut Message) -> Option<()> {
    let mut reader = Reader::new(inner(data, 0x30)?);
    for _ in 0..MAX_ITEMS {
        let (tag, value) = element(&mut reader)?;
        match tag {
            0xa2 => found.realm = inner_any(value).map(|realm| text(realm, 255)),
            0xa3 => found.service = principal(value),
            0xa9 => found.host = addresses(value),
            _ => {}
        }
    }
    Some(())
}

fn principal(data: &[u8]) -> Option<String> {
    let mut reader = Reader::new(inner(data, 0x30)?);
    let _kind = element(&mut reader)?;
    let (_, names) = element(&mut reader)?;
    let mut names = Reader::new(inner(names, 0x30)?);
    let mut parts = Vec::new();
    while let (true, Some((_, part))) = (parts.len() < 4, element(&mut names)) {
        parts.push(text(part, 255));
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The first address of type 20, NetBIOS (RFC 4120, section 7.5.3).
fn addresses(data: &[u8]) -> Option<String> {
    let mut list = Reader::new(inner(data, 0x30)?);
    for _ in 0..8 {
        let (_, entry) = element(&mut list)?;
        let mut entry = Reader::new(entry);
        let (_, kind) = element(&mut entry)?;
        let (_, value) = element(&mut entry)?;
        if kind == [2, 1, 20] {
            return inner_any(value).map(|name| text(name, 15)).filter(|name| !name.is_empty());
        }
    }
    None
}

fn inner(data: &[u8], wanted: u8) -> Option<&[u8]> {
    element(&mut Reader::new(data)).filter(|(tag, _)| *tag == wanted).map(|(_, body)| body)
}

fn inner_any(data: &[u8]) -> Option<&[u8]> {
    element(&mut Reader::new(data)).map(|(_, body)| body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, body: &[u8]) -> Vec<u8> {
        [&[tag, body.len() as u8][..], body].concat()
    }

    #[test]
    fn a_ticket_request_names_service_realm_and_host() {
        let names = der(0x30, &[der(0x1b, b"cifs"), der(0x1b, b"fs1")].concat());
        let service = der(0x30, &[der(0xa0, &[2, 1, 2]), der(0xa1, &names)].concat());
        let host = der(0x30, &der(0x30, &[der(0xa0, &[2, 1, 20]), der(0xa1, &der(4, b"PC1            "))].concat()));
        let body = der(
            0x30,
            &[der(0xa0, &der(3, &[0; 5])), der(0xa2, &der(0x1b, b"CORP")), der(0xa3, &service), der(0xa9, &host)]
                .concat(),
        );
        let request = der(0x30, &[der(0xa1, &[2, 1, 5]), der(0xa2, &[2, 1, 10]), der(0xa4, &body)].concat());
        let whole = der(0x6a, &request);
        let found = message(&whole).unwrap();
        assert_eq!(found.service.as_deref(), Some("cifs/fs1"));
        assert_eq!(found.realm.as_deref(), Some("CORP"));
        assert_eq!(found.host.as_deref(), Some("PC1"));
        for cut in 0..whole.len() {
            assert_eq!(message(&whole[..cut]), None);
        }
    }
}
