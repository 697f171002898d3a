//! A message as BER writes it.

use super::event;
use crate::applayer::parser::EventSet;
use crate::applayer::{Side, datagrams};
use crate::discover::extract::reader::Reader;
use crate::discover::extract::x509::element;

/// An SNMP message.
#[derive(Debug)]
pub struct Message {
    pub(super) side: Side,
    /// 1, 2 (for 2c) or 3.
    pub(super) version: u8,
    pub(super) community: Option<Vec<u8>>,
    /// The user's name, of version 3.
    pub(super) usm: Option<Vec<u8>>,
    /// `None` where it is encrypted.
    pub(super) pdu: Option<Pdu>,
    pub(super) events: EventSet,
}

/// What is asked or told.
#[derive(Debug)]
pub(super) struct Pdu {
    /// Number of the choice: 0 to 8.
    pub kind: u8,
    pub error: u32,
    pub trap: Option<Trap>,
    /// Names of variables, as they are encoded.
    pub variables: Vec<Vec<u8>>,
}

/// A trap of version 1.
#[derive(Debug)]
pub(super) struct Trap {
    pub enterprise: Vec<u8>,
    pub agent: [u8; 4],
    pub generic: u8,
}

/// Variables of a message that are kept.
const MOST_VARIABLES: usize = 128;

/// ASN.1's tags.
mod tag {
    pub(super) const INTEGER: u8 = 2;
    pub(super) const OCTETS: u8 = 4;
    pub(super) const OID: u8 = 6;
    pub(super) const SEQUENCE: u8 = 0x30;
    /// IpAddress (RFC 2578 section 7.1.5).
    pub(super) const ADDRESS: u8 = 0x40;
}

impl datagrams::Message for Message {
    /// The version of the flow's first message.
    type Flow = Option<u8>;

    fn read(bytes: &[u8], side: Side, flow: &mut Option<u8>) -> Result<Message, u8> {
        let mut message = parse(bytes, side).ok_or(event::MALFORMED_DATA)?;
        if *flow.get_or_insert(message.version) != message.version {
            message.events.add(event::VERSION_MISMATCH);
        }
        Ok(message)
    }

    fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    fn bytes(&self) -> usize {
        let texts = self.community.iter().chain(&self.usm).map(Vec::len).sum::<usize>();
        let pdu = self.pdu.as_ref().map_or(0, |pdu| {
            let trap = pdu.trap.as_ref().map_or(0, |trap| trap.enterprise.len());
            pdu.variables.iter().map(|name| 24 + name.len()).sum::<usize>() + trap
        });
        texts + pdu
    }
}

fn parse(bytes: &[u8], side: Side) -> Option<Message> {
    let mut reader = Reader::new(expect(&mut Reader::new(bytes), tag::SEQUENCE)?);
    let version = integer(&mut reader)?;
    let mut message = Message { side, version: 0, community: None, usm: None, pdu: None, events: EventSet::NONE };
    match version {
        0 | 1 => {
            message.version = if version == 0 { 1 } else { 2 };
            message.community = Some(expect(&mut reader, tag::OCTETS)?.to_vec());
            message.pdu = Some(pdu(&mut reader)?);
        }
        3 => {
            message.version = 3;
            // RFC 3412 section 6: an id, the largest size, flags, the security model.
            let mut head = Reader::new(expect(&mut reader, tag::SEQUENCE)?);
            integer(&mut head)?;
            integer(&mut head)?;
            let flags = *expect(&mut head, tag::OCTETS)?.first()?;
            let model = integer(&mut head)?;
            let security = expect(&mut reader, tag::OCTETS)?;
            if model == USM {
                message.usm = Some(user(security)?.to_vec());
            } else {
                message.events.add(event::UNKNOWN_SECURITY_MODEL);
            }
            let (kind, body) = element(&mut reader)?;
            match kind {
                tag::OCTETS if flags & 2 != 0 => {}
                tag::SEQUENCE => {
                    // Engine and context, then the PDU.
                    let mut scoped = Reader::new(body);
                    expect(&mut scoped, tag::OCTETS)?;
                    expect(&mut scoped, tag::OCTETS)?;
                    message.pdu = Some(pdu(&mut scoped)?);
                }
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(message)
}

/// The user-based security model (RFC 3411 section 5).
const USM: u32 = 3;

/// The user's name (RFC 3414 section 2.4): behind the engine's id, boots and time.
fn user(security: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(expect(&mut Reader::new(security), tag::SEQUENCE)?);
    expect(&mut reader, tag::OCTETS)?;
    integer(&mut reader)?;
    integer(&mut reader)?;
    expect(&mut reader, tag::OCTETS)
}

fn pdu(reader: &mut Reader<'_>) -> Option<Pdu> {
    let (tag, body) = element(reader)?;
    let kind = tag.checked_sub(0xa0).filter(|kind| *kind <= 8)?;
    let mut body = Reader::new(body);
    let mut pdu = Pdu { kind, error: 0, trap: None, variables: Vec::new() };
    if kind == 4 {
        // RFC 1157 section 4.1.6: who, from where, which trap, the device's own number of it, when.
        let enterprise = expect(&mut body, tag::OID)?.to_vec();
        let agent = expect(&mut body, tag::ADDRESS)?.try_into().ok()?;
        let generic = u8::try_from(integer(&mut body)?).ok()?;
        integer(&mut body)?;
        element(&mut body)?;
        pdu.trap = Some(Trap { enterprise, agent, generic });
    } else {
        integer(&mut body)?;
        let status = integer(&mut body)?;
        integer(&mut body)?;
        // In a bulk request these are counts.
        pdu.error = if kind == 5 { 0 } else { status };
    }
    let mut list = Reader::new(expect(&mut body, tag::SEQUENCE)?);
    while !list.is_empty() && pdu.variables.len() < MOST_VARIABLES {
        let name = expect(&mut Reader::new(expect(&mut list, tag::SEQUENCE)?), tag::OID)?;
        pdu.variables.push(name.to_vec());
    }
    Some(pdu)
}

fn expect<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    element(reader).filter(|(found, _)| *found == tag).map(|(_, body)| body)
}

/// An integer, cut to its last four bytes.
fn integer(reader: &mut Reader<'_>) -> Option<u32> {
    let body = expect(reader, tag::INTEGER).filter(|body| !body.is_empty())?;
    Some(body.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}
