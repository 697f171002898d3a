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

/// What a certificate says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The serial number's bytes as they are encoded.
    pub serial: Vec<u8>,
    /// The issuer's name: `C=US, O=Example, CN=Name`.
    pub issuer: Vec<u8>,
    /// The subject's name.
    pub subject: Vec<u8>,
    /// From when it is valid: seconds since 1970.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
    /// Alternative names as text, at most [`MAX_NAMES`] times four.
    pub alternative: Vec<Vec<u8>>,
}

/// Where a certificate could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its outer structure.
    Der,
    /// Its outer structure says that it is longer than what there is of it.
    Cut,
    /// The version.
    Version,
    /// The serial number.
    Serial,
    /// The algorithm.
    Algorithm,
    /// There is no issuer.
    Issuer,
    /// There are no dates.
    Validity,
    /// There is no subject.
    Subject,
    /// What stands in a name.
    Name,
    /// What stands in a date.
    Date,
    /// The extensions.
    Extensions,
}

/// Reads all of a DER certificate that is told.
///
/// # Errors
///
/// Says which part is none.
pub fn certificate(der: &[u8]) -> Result<Certificate, Fault> {
    let outer = expect(&mut Reader::new(der), SEQUENCE).ok_or_else(|| broken(der))?;
    let mut tbs = Reader::new(expect(&mut Reader::new(outer), SEQUENCE).ok_or_else(|| broken(outer))?);
    let mut first = element(&mut tbs).ok_or(Fault::Der)?;
    if first.0 == 0xa0 {
        let version = expect(&mut Reader::new(first.1), INTEGER).ok_or(Fault::Version)?;
        matches!(version, [0..=2]).then_some(()).ok_or(Fault::Version)?;
        first = element(&mut tbs).ok_or(Fault::Serial)?;
    }
    (first.0 == INTEGER && !first.1.is_empty()).then_some(()).ok_or(Fault::Serial)?;
    let serial = first.1.get(..MAX_SERIAL).unwrap_or(first.1).to_vec();
    expect(&mut tbs, SEQUENCE).ok_or(Fault::Algorithm)?;
    let issuer = distinguished(expect(&mut tbs, SEQUENCE).ok_or(Fault::Issuer)?).ok_or(Fault::Name)?;
    let mut dates = Reader::new(expect(&mut tbs, SEQUENCE).ok_or(Fault::Validity)?);
    let mut date = || element(&mut dates).and_then(|(tag, text)| seconds(tag, text)).ok_or(Fault::Date);
    let (not_before, not_after) = (date()?, date()?);
    let subject = distinguished(expect(&mut tbs, SEQUENCE).ok_or(Fault::Subject)?).ok_or(Fault::Name)?;
    let mut alternative = Vec::new();
    for _ in 0..MAX_ITEMS {
        let Some((tag, body)) = element(&mut tbs) else { break };
        if tag == 0xa3 {
            let list = expect(&mut Reader::new(body), SEQUENCE).ok_or(Fault::Extensions)?;
            extensions(list, &mut alternative).ok_or(Fault::Extensions)?;
        }
    }
    Ok(Certificate { serial, issuer, subject, not_before, not_after, alternative })
}

/// Why no sequence is read here: its length (X.690, section 8.1.3) goes past the end, or it is none.
fn broken(bytes: &[u8]) -> Fault {
    match bytes {
        [] | [SEQUENCE] | [SEQUENCE, ..=0x7f | 0x81..=0x84, ..] => Fault::Cut,
        _ => Fault::Der,
    }
}

/// A name as text: attributes in their order with commas between them, values as they are.
fn distinguished(name: &[u8]) -> Option<Vec<u8>> {
    let (mut sets, mut out) = (Reader::new(name), Vec::new());
    while !sets.is_empty() {
        let mut set = Reader::new(expect(&mut sets, SET)?);
        let mut between: &[u8] = if out.is_empty() { b"" } else { b", " };
        while !set.is_empty() {
            let mut pair = Reader::new(expect(&mut set, SEQUENCE)?);
            let oid = expect(&mut pair, OID)?;
            let (tag, value) = element(&mut pair)?;
            out.extend_from_slice(between);
            match ATTRIBUTES.iter().find(|(known, _)| *known == oid) {
                Some((_, short)) => out.extend_from_slice(short.as_bytes()),
                None => push_oid(&mut out, oid),
            }
            out.push(b'=');
            match tag {
                // BMPString.
                0x1e => {
                    let units = value.chunks_exact(2).map(|pair| match pair {
                        [high, low] => u16::from_be_bytes([*high, *low]),
                        _ => 0,
                    });
                    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or('?')).collect();
                    out.extend_from_slice(text.as_bytes());
                }
                _ => out.extend_from_slice(value),
            }
            between = b" + ";
        }
    }
    Some(out)
}

/// An object identifier in digits and dots (X.690, section 8.19).
fn push_oid(out: &mut Vec<u8>, oid: &[u8]) {
    let (mut number, mut first) = (0u64, true);
    for byte in oid {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if std::mem::take(&mut first) {
                let top = (number / 40).min(2);
                out.extend_from_slice(format!("{top}.{}", number - 40 * top).as_bytes());
            } else {
                out.extend_from_slice(format!(".{number}").as_bytes());
            }
            number = 0;
        }
    }
}

/// Seconds since 1970 of a UTCTime or a GeneralizedTime (RFC 5280, section 4.1.2.5).
fn seconds(tag: u8, text: &[u8]) -> Option<i64> {
    let digits = text.strip_suffix(b"Z")?;
    let mut pairs = digits.chunks_exact(2).map(|pair| match pair {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')),
        _ => None,
    });
    let mut next = || pairs.next().flatten();
    let year = match tag {
        0x17 => next().map(|year| if year < 50 { 2000 + year } else { 1900 + year })?,
        0x18 => next()? * 100 + next()?,
        _ => return None,
    };
    let (month, day, hour, minute) = (next()?, next()?, next()?, next()?);
    let second = next().unwrap_or(0);
    ((1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60).then_some(())?;
    // Days of the civil calendar, years counted from March so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Alternative names of all kinds that are text or an address.
fn extensions(list: &[u8], into: &mut Vec<Vec<u8>>) -> Option<()> {
    let mut list = Reader::new(list);
    while !list.is_empty() {
        let mut extension = Reader::new(expect(&mut list, SEQUENCE)?);
        let oid = expect(&mut extension, OID)?;
        let (mut tag, mut value) = element(&mut extension)?;
        if tag == 0x01 {
            (tag, value) = element(&mut extension)?;
        }
        if oid != SUBJECT_ALT_NAME || tag != OCTETS {
            continue;
        }
        let mut names = Reader::new(expect(&mut Reader::new(value), SEQUENCE)?);
        while let Some((tag, name)) = element(&mut names) {
            if into.len() >= 4 * MAX_NAMES {
                break;
            }
            match (tag, name) {
                (0x81 | 0x82 | 0x86, name) => into.push(name.to_vec()),
                (0x87, [a, b, c, d]) => into.push(format!("{a}.{b}.{c}.{d}").into_bytes()),
                (0x87, name) => {
                    if let Ok(bytes) = <[u8; 16]>::try_from(name) {
                        into.push(std::net::Ipv6Addr::from(bytes).to_string().into_bytes());
                    }
                }
                _ => {}
            }
        }
    }
    Some(())
}

const INTEGER: u8 = 0x02;
/// RFC 5280, section 4.1.2.2 allows 20.
const MAX_SERIAL: usize = 64;
/// Attributes and their short names (RFC 4519, RFC 2985, RFC 2247).
const ATTRIBUTES: [(&[u8], &str); 16] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 15], "businessCategory"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 46], "dnQualifier"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
];
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
