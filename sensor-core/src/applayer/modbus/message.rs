//! A message: a header, a function, its data (MODBUS Application Protocol Specification V1.1b3, section 6).

use super::event;
use crate::applayer::Side;
use crate::applayer::parser::EventSet;
use crate::discover::extract::reader::Reader;

/// A request or a response.
#[derive(Debug)]
pub struct Message {
    pub(super) transaction: u16,
    pub(super) protocol: u16,
    pub(super) unit: u8,
    /// With the highest bit for an exception.
    pub(super) function: u8,
    pub(super) data: Data,
    pub(super) events: EventSet,
}

/// What a function carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Empty,
    /// Anything else.
    Bytes(Vec<u8>),
    Exception(u8),
    Diagnostic {
        code: u16,
        data: Vec<u8>,
    },
    /// Encapsulated transport.
    Encapsulated {
        kind: u8,
        data: Vec<u8>,
    },
    ReadRequest {
        address: u16,
        quantity: u16,
    },
    ReadResponse(Vec<u8>),
    /// A single write, or what answers several.
    Write {
        address: u16,
        value: u16,
    },
    WriteMany {
        address: u16,
        quantity: u16,
        data: Vec<u8>,
    },
    Mask {
        address: u16,
        and: u16,
        or: u16,
    },
    ReadWrite {
        read: (u16, u16),
        address: u16,
        quantity: u16,
        data: Vec<u8>,
    },
}

/// Functions.
pub(super) mod function {
    pub(in super::super) const READ_COILS: u8 = 1;
    pub(in super::super) const READ_DISCRETES: u8 = 2;
    pub(in super::super) const READ_HOLDING: u8 = 3;
    pub(in super::super) const READ_INPUT: u8 = 4;
    pub(in super::super) const WRITE_COIL: u8 = 5;
    pub(in super::super) const WRITE_REGISTER: u8 = 6;
    pub(in super::super) const DIAGNOSTIC: u8 = 8;
    pub(in super::super) const WRITE_COILS: u8 = 15;
    pub(in super::super) const WRITE_REGISTERS: u8 = 16;
    pub(in super::super) const MASK_WRITE: u8 = 22;
    pub(in super::super) const READ_WRITE: u8 = 23;
    pub(in super::super) const ENCAPSULATED: u8 = 43;
}

/// The longest PDU (section 4.1), with the unit before it.
const MOST_COUNTED: u64 = 254;

impl Message {
    /// Reads a message, of which `bytes` are the beginning and `total` the length. `None` if there is no header.
    pub fn parse(bytes: &[u8], total: u64, side: Side) -> Option<Message> {
        let mut reader = Reader::new(bytes);
        let (transaction, protocol, counted) = (reader.u16()?, reader.u16()?, reader.u16()?);
        let mut message = Message {
            transaction,
            protocol,
            unit: reader.u8().unwrap_or(0),
            function: reader.u8().unwrap_or(0),
            data: Data::Empty,
            events: EventSet::NONE,
        };
        if protocol != 0 {
            message.events.add(event::INVALID_PROTOCOL_ID);
        }
        if counted < 2 || total - 6 > MOST_COUNTED {
            message.events.add(event::INVALID_LENGTH);
        }
        let code = message.function & 0x7f;
        // 1 to 127 are functions, 128 to 255 exceptions of these (section 4.1).
        if code == 0 && counted >= 2 {
            message.events.add(event::INVALID_FUNCTION_CODE);
        }
        let rest = reader.rest();
        let data = if message.function & 0x80 != 0 {
            message.exception(&mut reader, side)
        } else if side == Side::ToServer {
            message.request(&mut reader)
        } else {
            message.response(&mut reader)
        };
        message.data = match data {
            Some(data) => data,
            None => {
                message.events.add(event::INVALID_LENGTH);
                if rest.is_empty() { Data::Empty } else { Data::Bytes(rest.to_vec()) }
            }
        };
        Some(message)
    }

    /// The diagnostic that is asked for, or what is encapsulated.
    pub fn subfunction(&self) -> Option<u16> {
        if let Data::Diagnostic { code, .. } = &self.data {
            Some(*code)
        } else if let Data::Encapsulated { kind, .. } = &self.data {
            Some((*kind).into())
        } else {
            None
        }
    }

    fn exception(&mut self, reader: &mut Reader<'_>, side: Side) -> Option<Data> {
        if side == Side::ToServer {
            self.events.add(event::INVALID_FUNCTION_CODE);
        }
        let code = reader.u8()?;
        // Section 7 knows these.
        if !matches!(code, 1..=6 | 8 | 10 | 11) {
            self.events.add(event::INVALID_EXCEPTION_CODE);
        }
        Some(Data::Exception(code))
    }

    fn request(&mut self, reader: &mut Reader<'_>) -> Option<Data> {
        match self.function {
            code @ function::READ_COILS..=function::READ_INPUT => {
                let (address, quantity) = (reader.u16()?, reader.u16()?);
                self.limit(quantity, if code <= function::READ_DISCRETES { 2000 } else { 125 });
                Some(Data::ReadRequest { address, quantity })
            }
            function::WRITE_COILS | function::WRITE_REGISTERS => {
                let (address, quantity, data) = (reader.u16()?, reader.u16()?, reader.vec8()?.to_vec());
                let bits = self.function == function::WRITE_COILS;
                self.limit(quantity, if bits { 1968 } else { 123 });
                self.fits(quantity, data.len(), bits);
                Some(Data::WriteMany { address, quantity, data })
            }
            function::READ_WRITE => {
                let read = (reader.u16()?, reader.u16()?);
                let (address, quantity, data) = (reader.u16()?, reader.u16()?, reader.vec8()?.to_vec());
                self.limit(read.1, 125);
                self.limit(quantity, 121);
                self.fits(quantity, data.len(), false);
                Some(Data::ReadWrite { read, address, quantity, data })
            }
            _ => self.either(reader),
        }
    }

    fn response(&mut self, reader: &mut Reader<'_>) -> Option<Data> {
        match self.function {
            function::READ_COILS..=function::READ_INPUT | function::READ_WRITE => {
                let data = reader.vec8()?.to_vec();
                if data.is_empty() {
                    self.events.add(event::INVALID_VALUE);
                }
                Some(Data::ReadResponse(data))
            }
            function::WRITE_COILS | function::WRITE_REGISTERS => {
                Some(Data::Write { address: reader.u16()?, value: reader.u16()? })
            }
            _ => self.either(reader),
        }
    }

    /// What is written alike in requests and responses.
    fn either(&mut self, reader: &mut Reader<'_>) -> Option<Data> {
        Some(match self.function {
            function::WRITE_COIL => {
                let (address, value) = (reader.u16()?, reader.u16()?);
                // Section 6.5: on, or off.
                if !matches!(value, 0 | 0xff00) {
                    self.events.add(event::INVALID_VALUE);
                }
                Data::Write { address, value }
            }
            function::WRITE_REGISTER => Data::Write { address: reader.u16()?, value: reader.u16()? },
            function::MASK_WRITE => Data::Mask { address: reader.u16()?, and: reader.u16()?, or: reader.u16()? },
            function::DIAGNOSTIC => Data::Diagnostic { code: reader.u16()?, data: reader.rest().to_vec() },
            function::ENCAPSULATED => Data::Encapsulated { kind: reader.u8()?, data: reader.rest().to_vec() },
            _ if reader.is_empty() => Data::Empty,
            _ => Data::Bytes(reader.rest().to_vec()),
        })
    }

    /// Quantities are from 1 to a bound.
    fn limit(&mut self, quantity: u16, most: u16) {
        if !(1..=most).contains(&quantity) {
            self.events.add(event::INVALID_VALUE);
        }
    }

    /// Whether so many coils, or registers, take so many bytes.
    fn fits(&mut self, quantity: u16, bytes: usize, bits: bool) {
        let quantity = usize::from(quantity);
        if bytes != (if bits { quantity.div_ceil(8) } else { 2 * quantity }) {
            self.events.add(event::INVALID_VALUE);
        }
    }

    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::Bytes(data)
            | Data::Diagnostic { data, .. }
            | Data::Encapsulated { data, .. }
            | Data::ReadResponse(data)
            | Data::WriteMany { data, .. }
            | Data::ReadWrite { data, .. } => data.len(),
            Data::Empty | Data::Exception(_) | Data::ReadRequest { .. } | Data::Write { .. } | Data::Mask { .. } => 0,
        }
    }
}
