//! The names in a certificate: subject's common name and the DNS names of its SAN (RFC 5280). A small reader of DER
//! that goes to these two places only; nothing is verified.

use super::reader::{Reader, text};

/// Most names kept of one certificate.
pub const MAX_NAMES: usize = 16;

/// Who a certificate speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Subject's common name.
    pub subject: Option<String>,
    /// Issuer's common name.
    pub issuer: Option<String>,
    /// DNS names of the subject alternative name, at most [`MAX_NAMES`].
    pub dns: Vec<String>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// Attributes of a name and extensions looked at: real certificates have about ten of each.
const MAX_ITEMS: usize = 64;

/// Reads a DER certificate. `None` where its outer structure is not one.
pub fn names(der: &[u8]) -> Option<Names> {
    let mut certificate = Reader::new(expect(&mut Reader::new(der), SEQUENCE)?);
    let mut tbs = Reader::new(expect(&mut certificate, SEQUENCE)?);
    let (mut tag, _) = element(&mut tbs)?;
    if tag == 0xa0 {
        // The version is optional, the serial number is not.
        (tag, _) = element(&mut tbs)?;
    }
    (tag == 0x02).then_some(())?;
    expect(&mut tbs, SEQUENCE)?;
    let issuer = common_name(expect(&mut tbs, SEQUENCE)?);
    expect(&mut tbs, SEQUENCE)?;
    let subject = common_name(expect(&mut tbs, SEQUENCE)?);
    let mut found = Names { subject, issuer, dns: Vec::new() };
    for _ in 0..MAX_ITEMS {
        let Some((tag, body)) = element(&mut tbs) else { break };
        if tag == 0xa3 {
            alternative_names(body, &mut found.dns);
        }
    }
    Some(found)
}

fn common_name(name: &[u8]) -> Option<String> {
    let mut sets = Reader::new(name);
    for _ in 0..MAX_ITEMS {
        let mut pair = Reader::new(expect(&mut Reader::new(expect(&mut sets, SET)?), SEQUENCE)?);
        if expect(&mut pair, OID)? == COMMON_NAME {
            return element(&mut pair).map(|(_, value)| text(value, 128));
        }
    }
    None
}

fn alternative_names(extensions: &[u8], into: &mut Vec<String>) -> Option<()> {
    let mut list = Reader::new(expect(&mut Reader::new(extensions), SEQUENCE)?);
    for _ in 0..MAX_ITEMS {
        let mut extension = Reader::new(expect(&mut list, SEQUENCE)?);
        if expect(&mut extension, OID)? != SUBJECT_ALT_NAME {
            continue;
        }
        let (mut tag, mut value) = element(&mut extension)?;
        if tag == 0x01 {
            (tag, value) = element(&mut extension)?;
        }
        (tag == OCTETS).then_some(())?;
        let mut names = Reader::new(expect(&mut Reader::new(value), SEQUENCE)?);
        while let Some((tag, name)) = element(&mut names) {
            if tag == 0x82 && into.len() < MAX_NAMES {
                into.push(text(name, 255));
            }
        }
        return Some(());
    }
    None
}

/// The next element's body where it has the tag.
fn expect<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    element(reader).filter(|(found, _)| *found == tag).map(|(_, body)| body)
}

/// The next element: tag (one byte; longer ones end the reading) and body. Used for Kerberos, LDAP and SNMP too.
pub(crate) fn element<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let tag = reader.u8().filter(|tag| tag & 0x1f != 0x1f)?;
    let first = reader.u8()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            reader.take(usize::from(first & 0x7f))?.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte))
        }
        _ => return None,
    };
    Some((tag, reader.take(length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match body.len() {
            n @ 0..=0x7f => out.push(n as u8),
            n => out.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        out.extend(body);
        out
    }

    fn name(common: &str) -> Vec<u8> {
        let pair = [der(OID, &COMMON_NAME), der(0x0c, common.as_bytes())].concat();
        der(SEQUENCE, &der(SET, &der(SEQUENCE, &pair)))
    }

    fn certificate(dns: usize) -> Vec<u8> {
        let sans: Vec<u8> = (0..dns).flat_map(|i| der(0x82, format!("h{i}.example").as_bytes())).collect();
        let extension = der(SEQUENCE, &[der(OID, &SUBJECT_ALT_NAME), der(OCTETS, &der(SEQUENCE, &sans))].concat());
        let tbs = [
            der(0xa0, &der(0x02, &[2])),
            der(0x02, &[1, 2, 3]),
            der(SEQUENCE, &[]),
            name("An Issuer"),
            der(SEQUENCE, &[]),
            name("www.example"),
            der(SEQUENCE, &[]),
            der(0xa3, &der(SEQUENCE, &extension)),
        ]
        .concat();
        der(SEQUENCE, &der(SEQUENCE, &tbs))
    }

    #[test]
    fn subject_issuer_and_names_are_read() {
        let found = names(&certificate(2)).unwrap();
        assert_eq!(found.subject.as_deref(), Some("www.example"));
        assert_eq!(found.issuer.as_deref(), Some("An Issuer"));
        assert_eq!(found.dns, ["h0.example", "h1.example"]);
    }

    #[test]
    fn names_are_capped_and_cuts_are_no_panic() {
        let whole = certificate(200);
        assert_eq!(names(&whole).unwrap().dns.len(), MAX_NAMES);
        for cut in 0..whole.len() {
            let _ = names(&whole[..cut]);
        }
    }
}
