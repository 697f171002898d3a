//! SDP (RFC 8866), as SIP carries it.

use crate::json::Object;
use crate::rules::Buffer;

/// Lines that are kept.
const MAX_LINES: usize = 512;

/// A description: each line's letter and value, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Description {
    lines: Vec<(u8, Vec<u8>)>,
}

impl Description {
    /// Reads a description; `None` if it does not begin as one (section 5).
    pub fn parse(text: &[u8]) -> Option<Description> {
        let mut lines = Vec::new();
        for line in text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
            let Some(([kind, b'='], value)) = line.split_first_chunk::<2>() else { continue };
            if lines.len() < MAX_LINES {
                lines.push((*kind, value.to_vec()));
            }
        }
        lines.first().is_some_and(|(kind, _)| *kind == b'v').then_some(Description { lines })
    }

    /// Bytes on the heap, about.
    pub fn bytes(&self) -> usize {
        self.lines.iter().map(|(_, value)| 32 + value.len()).sum()
    }

    /// A buffer, the one of that index where there are several.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
    pub fn buffer(&self, buffer: Buffer, index: usize) -> Option<&[u8]> {
        let session = |kind| all(self.session(), kind).nth(index);
        let media = |kind| self.media().filter_map(|part| all(part, kind).next()).nth(index);
        match buffer {
            Buffer::SdpSessionName => session(b's'),
            Buffer::SdpSessionInfo => session(b'i'),
            Buffer::SdpOrigin => session(b'o'),
            Buffer::SdpUri => session(b'u'),
            Buffer::SdpEmail => session(b'e'),
            Buffer::SdpPhoneNumber => session(b'p'),
            Buffer::SdpConnectionData => session(b'c'),
            Buffer::SdpBandwidth => session(b'b'),
            Buffer::SdpTime => session(b't'),
            Buffer::SdpRepeatTime => session(b'r'),
            Buffer::SdpTimezone => session(b'z'),
            Buffer::SdpEncryptionKey => session(b'k'),
            Buffer::SdpAttribute => session(b'a'),
            Buffer::SdpMediaMedia => media(b'm'),
            Buffer::SdpMediaInfo => media(b'i'),
            Buffer::SdpMediaConnectionData => media(b'c'),
            Buffer::SdpMediaEncryptionKey => media(b'k'),
            _ => None,
        }
    }

    /// Writes the members of its object in EVE.
    pub fn eve(&self, object: &mut Object<'_>) {
        let session = self.session();
        object.number_if("version", all(session, b'v').next().and_then(number));
        for (kind, key) in SINGLE {
            object.text_if(key, all(session, kind).next());
        }
        list(object, "bandwidths", session, b'b');
        if all(session, b't').next().is_some() {
            object.array("time_descriptions", |array| {
                // Repetitions stand behind their time (section 5.10).
                let starts = session.iter().enumerate().filter(|(_, (kind, _))| *kind == b't');
                for (place, (_, time)) in starts {
                    let rest = session.get(place + 1..).unwrap_or_default();
                    let repeat = rest.first().filter(|(kind, _)| *kind == b'r').map(|(_, value)| value);
                    array.object(|object| _ = object.text("time", time).text_if("repeat_time", repeat));
                }
            });
        }
        object.text_if("timezone", all(session, b'z').next());
        object.text_if("encryption_key", all(session, b'k').next());
        list(object, "attributes", session, b'a');
        if self.media().next().is_some() {
            object.array("media_descriptions", |array| {
                for part in self.media() {
                    array.object(|object| {
                        let keys = [
                            (b'm', "media"),
                            (b'i', "media_info"),
                            (b'c', "connection_data"),
                            (b'k', "encryption_key"),
                        ];
                        for (kind, key) in keys {
                            object.text_if(key, all(part, kind).next());
                        }
                        list(object, "bandwidths", part, b'b');
                        list(object, "attributes", part, b'a');
                    });
                }
            });
        }
    }

    /// The lines before the first medium.
    fn session(&self) -> &[(u8, Vec<u8>)] {
        let end = self.lines.iter().position(|(kind, _)| *kind == b'm').unwrap_or(self.lines.len());
        self.lines.get(..end).unwrap_or_default()
    }

    /// The lines of each medium.
    fn media(&self) -> impl Iterator<Item = &[(u8, Vec<u8>)]> {
        let behind = self.lines.get(self.session().len()..).unwrap_or_default();
        behind.chunk_by(|_, (next, _)| *next != b'm').filter(|part| part.first().is_some_and(|(kind, _)| *kind == b'm'))
    }
}

const SINGLE: [(u8, &str); 7] = [
    (b'o', "origin"),
    (b's', "session_name"),
    (b'i', "session_info"),
    (b'u', "uri"),
    (b'e', "email"),
    (b'p', "phone_number"),
    (b'c', "connection_data"),
];

fn all(lines: &[(u8, Vec<u8>)], kind: u8) -> impl Iterator<Item = &[u8]> {
    lines.iter().filter(move |(known, _)| *known == kind).map(|(_, value)| value.as_slice())
}

fn list(object: &mut Object<'_>, key: &str, lines: &[(u8, Vec<u8>)], kind: u8) {
    if all(lines, kind).next().is_some() {
        object.array(key, |array| all(lines, kind).for_each(|value| _ = array.text(value)));
    }
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_to_the_session_or_to_a_medium() {
        let text = b"v=0\r\no=a 1 2\r\ns=x\r\nt=1 2\r\nr=7\r\na=s\r\nm=audio 1\r\ni=first\r\na=m\r\nm=video 2\nc=IN\n";
        let description = Description::parse(text).unwrap();
        let buffer = |buffer, index| description.buffer(buffer, index).map(String::from_utf8_lossy);
        assert_eq!(buffer(Buffer::SdpAttribute, 0).as_deref(), Some("s"));
        assert_eq!(buffer(Buffer::SdpAttribute, 1), None);
        assert_eq!(buffer(Buffer::SdpMediaMedia, 1).as_deref(), Some("video 2"));
        assert_eq!(buffer(Buffer::SdpMediaInfo, 0).as_deref(), Some("first"));
        assert_eq!(buffer(Buffer::SdpSessionInfo, 0), None);
        let mut line = Vec::new();
        Object::write(&mut line, |object| description.eve(object));
        let line = String::from_utf8(line).unwrap();
        assert!(line.contains(r#""time_descriptions":[{"time":"1 2","repeat_time":"7"}]"#), "{line}");
        assert!(line.ends_with(r#"{"media":"video 2","connection_data":"IN"}]}"#), "{line}");
        assert_eq!(Description::parse(b"s=x\n"), None);
        let many = [&b"v=0\n"[..], &b"a=x\n".repeat(9999)].concat();
        assert_eq!(Description::parse(&many).unwrap().lines.len(), MAX_LINES);
    }
}
