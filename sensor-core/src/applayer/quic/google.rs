//! The CHLO of Google's QUIC (its crypto document, section "Handshake messages"): tags, each with where its value ends.

use crate::discover::extract::reader::{Reader, find};

/// Tags of a message: Google's parser takes no more.
const MAX_TAGS: u16 = 128;

/// What a CHLO says.
#[derive(Debug, Default)]
pub(super) struct Hello {
    /// Server name.
    pub sni: Option<Vec<u8>>,
    /// User agent.
    pub ua: Option<Vec<u8>>,
    /// Version and tags, as CYU writes them.
    pub cyu: String,
}

/// The version of a packet, if it is one of Google's: behind a long header's first byte, before Q046 behind the
/// public flags and the connection's id.
pub(super) fn version(packet: &[u8]) -> Option<u32> {
    let at = match packet.first()? {
        0x80..=0xff => 1,
        flags if flags & 0x09 == 0x09 => 9,
        _ => return None,
    };
    let version = Reader::new(packet.get(at..)?).array()?;
    matches!(version, [b'Q', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9']).then(|| u32::from_be_bytes(version))
}

/// The CHLO in a packet that is in the clear.
pub(super) fn hello(packet: &[u8], version: u32) -> Option<Hello> {
    let [b'Q', digits @ ..] = version.to_be_bytes() else { return None };
    let mut reader = Reader::new(packet.get(find(packet, b"CHLO")? + 4..)?);
    let count = reader.le16().filter(|count| *count <= MAX_TAGS)?;
    reader.skip(2)?;
    let mut tags = Vec::new();
    for _ in 0..count {
        let tag: [u8; 4] = reader.array()?;
        tags.push((tag, reader.le32()? as usize));
    }
    let (values, mut from) = (reader.rest(), 0);
    let digits = String::from_utf8_lossy(&digits).into_owned();
    let mut found = Hello { cyu: format!("{},", digits.trim_start_matches('0')), ..Hello::default() };
    for (at, (tag, end)) in tags.into_iter().enumerate() {
        if at > 0 {
            found.cyu.push('-');
        }
        found.cyu.extend(tag.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)));
        let value = values.get(from..end).filter(|value| !value.is_empty()).map(<[u8]>::to_vec);
        match &tag {
            b"SNI\0" => found.sni = value,
            b"UAID" => found.ua = value,
            _ => {}
        }
        from = end;
    }
    Some(found)
}
