//! CIP's messages (volume 1, section 2-4): a service and a path, or a service and a status.

use crate::discover::extract::reader::Reader;

/// A message; several where it is a multiple service packet.
#[derive(Debug)]
pub(super) struct Cip {
    /// Without the bit of replies.
    pub service: u8,
    pub reply: Option<Status>,
    pub path: Vec<Segment>,
    /// Attributes that are listed beside the path.
    pub attributes: Vec<u16>,
    pub inner: Vec<Cip>,
}

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub general: u8,
    /// The first of the further words.
    pub extended: Option<u16>,
}

/// A logical segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub kind: Kind,
    pub value: u32,
}

/// What a segment names (volume 1, table C-1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Class,
    Instance,
    Member,
    ConnectionPoint,
    Attribute,
}

/// Services.
pub(super) mod service {
    pub(in super::super) const GET_ATTRIBUTE_LIST: u8 = 0x03;
    pub(in super::super) const SET_ATTRIBUTE_LIST: u8 = 0x04;
    pub(in super::super) const MULTIPLE: u8 = 0x0a;
}

/// Messages in a message that are read, and attributes of one.
const MOST_INNER: usize = 64;

/// Segments of a path that are kept.
const MOST_SEGMENTS: usize = 32;

impl Cip {
    /// Reads a message; `None` if it ends early.
    pub fn parse(bytes: &[u8]) -> Option<Cip> {
        Cip::read(bytes, true)
    }

    fn read(bytes: &[u8], outer: bool) -> Option<Cip> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let mut cip =
            Cip { service: first & 0x7f, reply: None, path: Vec::new(), attributes: Vec::new(), inner: Vec::new() };
        if first & 0x80 != 0 {
            reader.skip(1)?;
            let (general, words) = (reader.u8()?, reader.u8()?);
            let mut further = Reader::new(reader.take(2 * usize::from(words))?);
            cip.reply = Some(Status { general, extended: further.le16() });
        } else {
            let words = usize::from(reader.u8()?);
            cip.path = path(reader.take(2 * words)?)?;
        }
        match cip.service {
            service::MULTIPLE if outer => cip.inner = inner(reader.rest())?,
            service::GET_ATTRIBUTE_LIST | service::SET_ATTRIBUTE_LIST if cip.reply.is_none() => {
                let count = reader.le16().unwrap_or(0);
                // What is set has values between, of unknown length.
                let most = if cip.service == service::SET_ATTRIBUTE_LIST { 1 } else { MOST_INNER };
                cip.attributes = (0..count).take(most).map_while(|_| reader.le16()).collect();
            }
            _ => {}
        }
        Some(cip)
    }

    /// The message and those in it.
    pub fn all(&self) -> impl Iterator<Item = &Cip> {
        std::iter::once(self).chain(&self.inner)
    }

    /// Values of segments of a kind.
    pub fn values(&self, kind: Kind) -> impl Iterator<Item = u32> {
        self.path.iter().filter(move |segment| segment.kind == kind).map(|segment| segment.value)
    }

    /// Attributes, of the path and beside it.
    pub fn all_attributes(&self) -> impl Iterator<Item = u32> {
        self.values(Kind::Attribute).chain(self.attributes.iter().map(|attribute| u32::from(*attribute)))
    }

    pub fn bytes(&self) -> usize {
        let own = self.path.len() * size_of::<Segment>() + self.attributes.len() * 2;
        own + self.inner.iter().map(|cip| size_of::<Cip>() + cip.bytes()).sum::<usize>()
    }
}

/// Messages behind a count and their offsets, which count from there (volume 1, appendix ).
fn inner(bytes: &[u8]) -> Option<Vec<Cip>> {
    let mut reader = Reader::new(bytes);
    let count = usize::from(reader.le16()?);
    let offsets: Vec<usize> =
        (0..count.min(MOST_INNER)).map(|_| reader.le16().map(usize::from)).collect::<Option<_>>()?;
    let ends = offsets.iter().skip(1).copied().chain([bytes.len()]);
    offsets.iter().zip(ends).map(|(start, end)| Cip::read(bytes.get(*start..end)?, false)).collect()
}

/// A path of padded segments (volume 1, appendix C).
fn path(bytes: &[u8]) -> Option<Vec<Segment>> {
    let mut reader = Reader::new(bytes);
    let mut path = Vec::new();
    while let Some(first) = reader.u8() {
        match first >> 5 {
            1 => {
                let value = match first & 3 {
                    0 => reader.u8()?.into(),
                    1 => {
                        reader.skip(1)?;
                        reader.le16()?.into()
                    }
                    2 => {
                        reader.skip(1)?;
                        reader.le32()?
                    }
                    _ => return None,
                };
                let kind = match first >> 2 & 7 {
                    0 => Kind::Class,
                    1 => Kind::Instance,
                    2 => Kind::Member,
                    3 => Kind::ConnectionPoint,
                    4 => Kind::Attribute,
                    _ => continue,
                };
                if path.len() < MOST_SEGMENTS {
                    path.push(Segment { kind, value });
                }
            }
            // A port and a link's address, padded; both may be longer.
            0 => {
                let long = first & 0x10 != 0;
                let length = if long { usize::from(reader.u8()?) } else { 1 };
                reader.skip(if first & 0x0f == 0x0f { 2 } else { 0 })?;
                reader.skip(length + if long { length % 2 } else { 0 })?;
            }
            // A symbol, padded.
            4 if first == 0x91 => {
                let length = usize::from(reader.u8()?);
                reader.skip(length + length % 2)?;
            }
            // Simple data, in words.
            4 => {
                let words = usize::from(reader.u8()?);
                reader.skip(2 * words)?;
            }
            _ => return Some(path),
        }
    }
    Some(path)
}
