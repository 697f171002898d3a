//! A DNS message taken apart (RFC 1035, section 4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::discover::extract::reader::Reader;

/// The bytes a name has at most as text; Suricata's limit, well above the 255 of RFC 1035, section 2.3.4.
pub const MAX_NAME: usize = 1025;
/// Labels of a name.
const MAX_LABELS: usize = 255;
/// Pointers that are followed for one name.
const MAX_POINTERS: usize = 255;
/// Bytes of all names of a message: pointers make names of hundreds of bytes out of two.
const MAX_NAMES: usize = 256 * 1024;

/// A message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The id.
    pub id: u16,
    /// The word of flags.
    pub flags: u16,
    /// What is asked.
    pub queries: Vec<Query>,
    /// Answers.
    pub answers: Vec<Record>,
    /// Who is in charge.
    pub authorities: Vec<Record>,
    /// What else may be of use.
    pub additionals: Vec<Record>,
    /// What was odd.
    pub odd: Odd,
}

/// What was odd in a message that could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Odd {
    /// A name had more than [`MAX_NAME`] bytes.
    pub long: bool,
    /// A name's pointers went round.
    pub looped: bool,
    /// A name had too many labels.
    pub labels: bool,
    /// The section of authorities could not be read.
    pub authorities: bool,
    /// The section of additional records could not be read.
    pub additionals: bool,
}

/// A name: labels with dots between them, bytes as they came.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// The text.
    pub text: Box<[u8]>,
    /// More would have followed.
    pub truncated: bool,
}

/// A question.
#[derive(Debug, PartialEq, Eq)]
pub struct Query {
    /// Of whom.
    pub name: Name,
    /// The type of records.
    pub kind: u16,
    /// Their class.
    pub class: u16,
}

/// A resource record.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub name: Name,
    /// Its type.
    pub kind: u16,
    /// Its class.
    pub class: u16,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
pub enum Data {
    /// A, AAAA.
    Address(IpAddr),
    /// CNAME, MX, NS, PTR.
    Name(Name),
    /// TXT: its strings.
    Text(Box<[Box<[u8]>]>),
    /// NULL.
    Bytes(Box<[u8]>),
    /// SOA.
    Soa(Box<Soa>),
    /// SRV.
    Srv(Box<Srv>),
    /// SSHFP: algorithm, type, fingerprint.
    Sshfp(u8, u8, Box<[u8]>),
    /// OPT: codes and data.
    Options(Box<[(u16, Box<[u8]>)]>),
    /// What isn't read.
    Other,
}

/// The start of a zone of authority.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Soa {
    /// The primary server.
    pub mname: Name,
    /// The mailbox of who is responsible.
    pub rname: Name,
    /// Serial, refresh, retry, expire, minimum.
    pub numbers: [u32; 5],
}

/// Where a service is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Srv {
    /// Lower is tried first.
    pub priority: u16,
    /// Among those of the same priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host.
    pub target: Name,
}

/// Types of records that are read (IANA, Domain Name System Parameters).
mod kind {
    pub(super) const A: u16 = 1;
    pub(super) const NS: u16 = 2;
    pub(super) const CNAME: u16 = 5;
    pub(super) const SOA: u16 = 6;
    pub(super) const NULL: u16 = 10;
    pub(super) const PTR: u16 = 12;
    pub(super) const MX: u16 = 15;
    pub(super) const TXT: u16 = 16;
    pub(super) const AAAA: u16 = 28;
    pub(super) const SRV: u16 = 33;
    pub(super) const OPT: u16 = 41;
    pub(super) const SSHFP: u16 = 44;
}

impl Message {
    /// Whether bytes can be a message: a header whose counts have room in what follows. Of a message that is cut,
    /// `whole` is its length.
    pub fn plausible(bytes: &[u8], whole: usize) -> bool {
        let mut reader = Reader::new(bytes);
        let counts = reader.skip(4).and_then(|()| Some([reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?]));
        // No question or record is shorter than its type.
        counts.is_some_and(|counts| 12 + counts.iter().map(|count| 2 * usize::from(*count)).sum::<usize>() <= whole)
    }

    /// Reads a message. `None` if questions or answers are malformed or cut.
    pub fn parse(bytes: &[u8]) -> Option<Message> {
        let mut reader = Reader::new(bytes);
        let mut message = Message { id: reader.u16()?, flags: reader.u16()?, ..Message::default() };
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let [queries, answers, authorities, additionals] = counts;
        let mut sections = Sections { bytes, reader, room: MAX_NAMES, odd: Odd::default() };
        for _ in 0..queries {
            let name = sections.name()?;
            let (kind, class) = (sections.reader.u16()?, sections.reader.u16()?);
            message.queries.push(Query { name, kind, class });
        }
        sections.records(answers, &mut message.answers)?;
        if sections.records(authorities, &mut message.authorities).is_none() {
            sections.odd.authorities = true;
        } else if sections.records(additionals, &mut message.additionals).is_none() {
            sections.odd.additionals = true;
        }
        message.odd = sections.odd;
        Some(message)
    }

    /// Whether it is a response.
    pub fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// OPCODE.
    pub fn opcode(&self) -> u8 {
        (self.flags >> 11 & 15) as u8
    }

    /// RCODE.
    pub fn rcode(&self) -> u8 {
        (self.flags & 15) as u8
    }

    /// Records of all sections, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.answers.iter().chain(&self.authorities).chain(&self.additionals)
    }

    /// Bytes on the heap, about.
    pub fn bytes(&self) -> usize {
        self.queries.iter().map(|query| size_of::<Query>() + query.name.text.len()).sum::<usize>()
            + self
                .records()
                .map(|record| size_of::<Record>() + record.name.text.len() + record.data.bytes())
                .sum::<usize>()
    }
}

impl Data {
    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let (first, second) = match self {
            Data::Name(name) => (Some(name), None),
            Data::Soa(soa) => (Some(&soa.mname), Some(&soa.rname)),
            Data::Srv(srv) => (Some(&srv.target), None),
            Data::Address(_) | Data::Text(_) | Data::Bytes(_) | Data::Sshfp(..) | Data::Options(_) | Data::Other => {
                (None, None)
            }
        };
        first.into_iter().chain(second)
    }

    fn bytes(&self) -> usize {
        let own = match self {
            Data::Text(texts) => texts.iter().map(|text| 16 + text.len()).sum(),
            Data::Bytes(bytes) | Data::Sshfp(_, _, bytes) => bytes.len(),
            Data::Options(options) => options.iter().map(|(_, data)| 24 + data.len()).sum(),
            Data::Address(_) | Data::Name(_) | Data::Soa(_) | Data::Srv(_) | Data::Other => 0,
        };
        own + self.names().map(|name| name.text.len()).sum::<usize>()
    }
}

struct Sections<'a> {
    bytes: &'a [u8],
    reader: Reader<'a>,
    room: usize,
    odd: Odd,
}

impl<'a> Sections<'a> {
    fn records(&mut self, count: u16, into: &mut Vec<Record>) -> Option<()> {
        for _ in 0..count {
            let name = self.name()?;
            let (kind, class, ttl) = (self.reader.u16()?, self.reader.u16()?, self.reader.u32()?);
            let body = self.reader.vec16()?;
            let data = self.data(kind, body)?;
            into.push(Record { name, kind, class, ttl, data });
        }
        Some(())
    }

    /// What a record's data say. Data of another length than its type has are passed over; a bad name in them is not.
    fn data(&mut self, kind: u16, body: &'a [u8]) -> Option<Data> {
        let mut reader = Reader::new(body);
        Some(match kind {
            kind::A => {
                <[u8; 4]>::try_from(body).map_or(Data::Other, |bytes| Data::Address(Ipv4Addr::from(bytes).into()))
            }
            kind::AAAA => {
                <[u8; 16]>::try_from(body).map_or(Data::Other, |bytes| Data::Address(Ipv6Addr::from(bytes).into()))
            }
            kind::NS | kind::CNAME | kind::PTR => Data::Name(self.name_at(&mut reader)?),
            kind::MX => {
                reader.u16()?;
                Data::Name(self.name_at(&mut reader)?)
            }
            kind::SOA => {
                let (mname, rname) = (self.name_at(&mut reader)?, self.name_at(&mut reader)?);
                let numbers = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
                Data::Soa(Box::new(Soa { mname, rname, numbers }))
            }
            kind::SRV => {
                let (priority, weight, port) = (reader.u16()?, reader.u16()?, reader.u16()?);
                let target = self.name_at(&mut reader)?;
                Data::Srv(Box::new(Srv { priority, weight, port, target }))
            }
            kind::TXT => {
                let mut texts = Vec::new();
                while !reader.is_empty() {
                    texts.push(Box::from(reader.vec8()?));
                }
                Data::Text(texts.into())
            }
            kind::NULL => Data::Bytes(body.into()),
            kind::SSHFP => Data::Sshfp(reader.u8()?, reader.u8()?, reader.rest().into()),
            kind::OPT => {
                let mut options = Vec::new();
                while let Some(code) = reader.u16() {
                    options.push((code, Box::from(reader.vec16()?)));
                }
                Data::Options(options.into())
            }
            _ => Data::Other,
        })
    }

    fn name(&mut self) -> Option<Name> {
        let mut reader = self.reader;
        let name = self.name_at(&mut reader);
        self.reader = reader;
        name
    }

    /// The name that `reader` stands at; behind it afterwards. Pointers may lead forward too, as Suricata takes them.
    fn name_at(&mut self, reader: &mut Reader<'a>) -> Option<Name> {
        let mut text = Vec::new();
        let (mut truncated, mut labels, mut pointers) = (false, 0, 0);
        let mut jumped: Option<Reader<'a>> = None;
        loop {
            let current = jumped.as_mut().unwrap_or(reader);
            let length = current.u8()?;
            match length {
                0 => break,
                1..=63 => {
                    let label = current.take(length.into())?;
                    labels += 1;
                    if labels > MAX_LABELS {
                        self.odd.labels = true;
                        truncated = true;
                    }
                    if truncated {
                        continue;
                    }
                    if !text.is_empty() {
                        text.push(b'.');
                    }
                    text.extend_from_slice(label);
                    if text.len() > MAX_NAME.min(self.room) {
                        self.odd.long = true;
                        truncated = true;
                        text.truncate(MAX_NAME.min(self.room));
                    }
                }
                0xc0..=0xff => {
                    let target = usize::from(length & 0x3f) << 8 | usize::from(current.u8()?);
                    pointers += 1;
                    if pointers > MAX_POINTERS {
                        self.odd.looped = true;
                        truncated = true;
                        break;
                    }
                    jumped = Some(Reader::new(self.bytes.get(target..)?));
                }
                _ => return None,
            }
        }
        self.room -= text.len().min(self.room);
        Some(Name { text: text.into(), truncated })
    }
}
