//! Header fields and their parameters.

/// A field that something asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    From,
    To,
    Cc,
    Subject,
    Date,
    MessageId,
    XMailer,
    Received,
    ContentType,
    ContentDisposition,
    ContentTransferEncoding,
    Other,
}

impl Field {
    /// That of a name.
    pub fn named(name: &[u8]) -> Field {
        const NAMES: [(&[u8], Field); 11] = [
            (b"from", Field::From),
            (b"to", Field::To),
            (b"cc", Field::Cc),
            (b"subject", Field::Subject),
            (b"date", Field::Date),
            (b"message-id", Field::MessageId),
            (b"x-mailer", Field::XMailer),
            (b"received", Field::Received),
            (b"content-type", Field::ContentType),
            (b"content-disposition", Field::ContentDisposition),
            (b"content-transfer-encoding", Field::ContentTransferEncoding),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(Field::Other, |(_, field)| *field)
    }
}

/// Whether a value begins so, in any case.
pub fn has_prefix(value: &[u8], prefix: &[u8]) -> bool {
    value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// A parameter of a field (RFC 2045, section 5.1), put together where it comes in numbered parts (RFC 2231, section 3).
/// Values in a character set of their own (`name*=`) are not read, as Suricata does not.
pub fn parameter(value: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut joined: Option<Vec<u8>> = None;
    let mut parts = 0_usize;
    for (key, value) in Parameters(value) {
        let Some(rest) = key.get(name.len()..).filter(|_| has_prefix(key, name)) else { continue };
        if rest.is_empty() {
            return Some(value.to_vec());
        }
        let number = rest.strip_prefix(b"*").and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
        if number == Some(parts) {
            joined.get_or_insert_default().extend_from_slice(value);
            parts += 1;
        }
    }
    joined
}

/// Keys and values behind the first semicolon.
struct Parameters<'a>(&'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = memchr::memchr(b';', self.0)? + 1;
            let rest = self.0.get(start..)?.trim_ascii_start();
            self.0 = rest;
            let equals = rest.iter().position(|byte| matches!(byte, b'=' | b';'))?;
            if rest.get(equals) == Some(&b';') {
                continue;
            }
            let (key, value) = (rest.get(..equals)?, rest.get(equals + 1..)?);
            if let Some(quoted) = value.strip_prefix(b"\"") {
                let end = memchr::memchr(b'"', quoted).unwrap_or(quoted.len());
                self.0 = quoted.get(end..)?;
                return Some((key, quoted.get(..end)?));
            }
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            self.0 = value.get(end..)?;
            return Some((key, value.get(..end)?.trim_ascii_end()));
        }
    }
}
