//! A request and its response, as rules see them.

use super::event;
use super::message::{Data, Message, function};
use super::names::{self, Access};
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::json::Object;
use crate::rules::Buffer;
use crate::rules::ast::{Body, Modbus, ModbusOf};

/// A request and its response.
#[derive(Debug)]
pub struct Transaction {
    pub(super) id: u64,
    pub(super) request: Option<Message>,
    pub(super) response: Option<Message>,
    events: EventSet,
}

impl Transaction {
    pub(super) fn asked(id: u64, request: Message) -> Transaction {
        Transaction { id, events: request.events, request: Some(request), response: None }
    }

    /// A response that nobody asked for.
    pub(super) fn unasked(id: u64, response: Message) -> Transaction {
        let mut events = response.events;
        events.add(event::UNSOLICITED_RESPONSE);
        Transaction { id, events, request: None, response: Some(response) }
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    /// Whether a response is the one it waits for.
    pub(super) fn waits_for(&self, response: &Message) -> bool {
        self.response.is_none()
            && self.request.as_ref().is_some_and(|request| request.transaction == response.transaction)
    }

    pub(super) fn answer(&mut self, response: Message) {
        self.events.0 |= response.events.0;
        if self.request.as_ref().is_some_and(|request| !agree(request, &response)) {
            self.events.add(event::VALUE_MISMATCH);
        }
        self.response = Some(response);
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Transaction>() + self.request.iter().chain(&self.response).map(Message::bytes).sum::<usize>()
    }
}

/// Whether a response fits its request: unit, function, and what it repeats.
fn agree(request: &Message, response: &Message) -> bool {
    if (request.unit, request.function & 0x7f) != (response.unit, response.function & 0x7f) {
        return false;
    }
    match (&request.data, &response.data) {
        (
            Data::ReadRequest { quantity, .. } | Data::ReadWrite { read: (_, quantity), .. },
            Data::ReadResponse(data),
        ) => {
            let quantity = usize::from(*quantity);
            let bits = request.function <= function::READ_DISCRETES;
            data.len() == if bits { quantity.div_ceil(8) } else { 2 * quantity }
        }
        (Data::WriteMany { address, quantity, .. }, Data::Write { address: other, value }) => {
            (address, quantity) == (other, value)
        }
        (asked @ (Data::Write { .. } | Data::Mask { .. }), told @ (Data::Write { .. } | Data::Mask { .. })) => {
            asked == told
        }
        (Data::Diagnostic { code, .. }, Data::Diagnostic { code: other, .. }) => code == other,
        _ => true,
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        match side {
            Side::ToServer => 1,
            Side::ToClient => u8::from(self.response.is_some()),
        }
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    fn holds(&self, test: &Body, side: Side) -> bool {
        match (test, &self.request) {
            (Body::Modbus(test), Some(request)) => side == Side::ToServer && holds(request, test),
            _ => false,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        super::eve::write(self, object);
    }
}

fn holds(request: &Message, test: &Modbus) -> bool {
    if test.unit.as_ref().is_some_and(|unit| !unit.holds(request.unit.into())) {
        return false;
    }
    match &test.of {
        None => true,
        Some(ModbusOf::Function(code, sub)) => {
            request.function == *code && (sub.is_none() || *sub == request.subfunction())
        }
        Some(ModbusOf::Category(negated, word)) => names::category(request).is(word) != *negated,
        Some(ModbusOf::Access { write, table, address, value }) => {
            let access = names::access(request.function);
            let table = table.as_deref();
            let fits = |access: Access| {
                (if *write { access.writes() } else { access.reads() }) && table.is_none_or(|table| access.has(table))
            };
            let Some((first, count, data)) = span(request, *write).filter(|_| fits(access)) else { return false };
            // Rules count addresses from 1.
            let Some(address) = address else { return value.is_none() };
            (0..u64::from(count)).any(|place| {
                address.holds(u64::from(first) + place + 1)
                    && value.as_ref().is_none_or(|value| {
                        let written = usize::try_from(place).ok().and_then(|place| data.value(place));
                        written.is_some_and(|written| value.holds(written.into()))
                    })
            })
        }
    }
}

/// What a request writes.
enum Written<'a> {
    Nothing,
    One(u16),
    Coils(&'a [u8]),
    Registers(&'a [u8]),
}

impl Written<'_> {
    fn value(&self, place: usize) -> Option<u16> {
        match self {
            Written::Nothing => None,
            Written::One(value) => Some(*value),
            Written::Coils(bytes) => Some(u16::from(bytes.get(place / 8)? >> (place % 8) & 1)),
            Written::Registers(bytes) => bytes.get(2 * place..)?.first_chunk().map(|value| u16::from_be_bytes(*value)),
        }
    }
}

/// Where a request reads or writes, how many, and what.
fn span(request: &Message, write: bool) -> Option<(u16, u16, Written<'_>)> {
    match (&request.data, write) {
        (Data::ReadRequest { address, quantity }, false) => Some((*address, *quantity, Written::Nothing)),
        (Data::ReadWrite { read: (address, quantity), .. }, false) => Some((*address, *quantity, Written::Nothing)),
        (Data::Write { address, value }, true) => {
            let value = if request.function == function::WRITE_COIL { u16::from(*value != 0) } else { *value };
            Some((*address, 1, Written::One(value)))
        }
        (Data::Mask { address, .. }, true) => Some((*address, 1, Written::Nothing)),
        (Data::WriteMany { address, quantity, data }, true) => {
            let coils = request.function == function::WRITE_COILS;
            Some((*address, *quantity, if coils { Written::Coils(data) } else { Written::Registers(data) }))
        }
        (Data::ReadWrite { address, quantity, data, .. }, true) => {
            Some((*address, *quantity, Written::Registers(data)))
        }
        _ => None,
    }
}
