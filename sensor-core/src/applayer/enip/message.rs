//! The encapsulation (volume 2, chapter 2): a header, then data by command.

use super::cip::Cip;
use super::event;
use crate::applayer::Side;
use crate::applayer::parser::EventSet;
use crate::discover::extract::reader::Reader;

/// Bytes of a header.
pub(super) const HEADER: usize = 24;

/// A request or a reply.
#[derive(Debug)]
pub struct Message {
    pub(super) command: u16,
    pub(super) session: u32,
    pub(super) status: u32,
    /// What a reply repeats of its request.
    pub(super) context: [u8; 8],
    pub(super) data: Data,
    pub(super) events: EventSet,
}

/// What a command carries.
#[derive(Debug)]
pub(super) enum Data {
    /// Nothing that is read.
    None,
    /// RegisterSession: protocol version and options.
    Register(u16, u16),
    Services(Services),
    Identity(Identity),
    /// CIP, of a connection with its sequence number.
    Cip(Option<u16>, Cip),
}

/// The first service that is listed.
#[derive(Debug)]
pub(super) struct Services {
    pub version: u16,
    pub capabilities: u16,
    pub name: Vec<u8>,
}

/// The identity that is listed.
#[derive(Debug)]
pub(super) struct Identity {
    pub version: u16,
    pub vendor: u16,
    pub device: u16,
    pub product: u16,
    pub revision: (u8, u8),
    pub status: u16,
    pub serial: u32,
    pub name: Vec<u8>,
    pub state: u8,
}

/// Commands.
pub(super) mod command {
    pub(in super::super) const LIST_SERVICES: u16 = 0x04;
    pub(in super::super) const LIST_IDENTITY: u16 = 0x63;
    pub(in super::super) const REGISTER_SESSION: u16 = 0x65;
    pub(in super::super) const SEND_RR_DATA: u16 = 0x6f;
    pub(in super::super) const SEND_UNIT_DATA: u16 = 0x70;
}

impl Message {
    /// Reads a message; `None` if there is no header.
    pub fn parse(bytes: &[u8], side: Side) -> Option<Message> {
        let mut reader = Reader::new(bytes);
        let (command, length, session, status) = (reader.le16()?, reader.le16()?, reader.le32()?, reader.le32()?);
        let context = reader.array()?;
        reader.skip(4)?;
        let mut events = EventSet::NONE;
        let body = reader.take_up_to(length.into());
        // A refusal, and most requests, carry nothing.
        let data = if status != 0 || body.is_empty() { Some(Data::None) } else { data(command, body, side) };
        if data.is_none() || body.len() < usize::from(length) {
            events.add(event::INVALID_PDU);
        }
        Some(Message { command, session, status, context, data: data.unwrap_or(Data::None), events })
    }

    pub fn cip(&self) -> Option<&Cip> {
        if let Data::Cip(_, cip) = &self.data { Some(cip) } else { None }
    }

    pub fn sequence(&self) -> Option<u16> {
        if let Data::Cip(sequence, _) = &self.data { *sequence } else { None }
    }

    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::None | Data::Register(..) => 0,
            Data::Services(services) => services.name.len(),
            Data::Identity(identity) => identity.name.len(),
            Data::Cip(_, cip) => cip.bytes(),
        }
    }
}

fn data(command: u16, body: &[u8], side: Side) -> Option<Data> {
    let mut reader = Reader::new(body);
    match command {
        command::REGISTER_SESSION => Some(Data::Register(reader.le16()?, reader.le16()?)),
        command::LIST_SERVICES if side == Side::ToClient => {
            let (_, mut item) = items(&mut reader)?.into_iter().next()?;
            let (version, capabilities) = (item.le16()?, item.le16()?);
            let name = item.take_up_to(16);
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            let name = name.get(..end).unwrap_or(name).to_vec();
            Some(Data::Services(Services { version, capabilities, name }))
        }
        command::LIST_IDENTITY if side == Side::ToClient => {
            let (_, mut item) = items(&mut reader)?.into_iter().next()?;
            let version = item.le16()?;
            // Its address, as a socket has it.
            item.skip(16)?;
            Some(Data::Identity(Identity {
                version,
                vendor: item.le16()?,
                device: item.le16()?,
                product: item.le16()?,
                revision: (item.u8()?, item.u8()?),
                status: item.le16()?,
                serial: item.le32()?,
                name: item.vec8()?.to_vec(),
                state: item.u8()?,
            }))
        }
        command::SEND_RR_DATA | command::SEND_UNIT_DATA => {
            // An interface, 0 for CIP, and a timeout.
            if reader.le32()? != 0 {
                return Some(Data::None);
            }
            reader.skip(2)?;
            for (kind, mut item) in items(&mut reader)? {
                let sequence = match kind {
                    CONNECTED => Some(item.le16()?),
                    UNCONNECTED => None,
                    _ => continue,
                };
                return Some(Data::Cip(sequence, Cip::parse(item.rest())?));
            }
            Some(Data::None)
        }
        _ => Some(Data::None),
    }
}

/// Items of the common packet format (volume 2, section 2-6): their types.
const CONNECTED: u16 = 0xb1;
const UNCONNECTED: u16 = 0xb2;

/// Items that are read: two or four are usual.
const MOST_ITEMS: usize = 16;

fn items<'a>(reader: &mut Reader<'a>) -> Option<Vec<(u16, Reader<'a>)>> {
    let count = usize::from(reader.le16()?).min(MOST_ITEMS);
    let item = |_| {
        let (kind, length) = (reader.le16()?, reader.le16()?);
        Some((kind, Reader::new(reader.take(length.into())?)))
    };
    (0..count).map(item).collect()
}
