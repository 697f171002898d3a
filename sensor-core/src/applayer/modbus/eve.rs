//! Modbus in EVE.

use super::message::{Data, Message};
use super::names;
use super::{Transaction, event};
use crate::json::Object;

pub(super) fn write(transaction: &Transaction, object: &mut Object<'_>) {
    object.number("id", transaction.id + 1);
    for (key, message) in [("request", &transaction.request), ("response", &transaction.response)] {
        if let Some(message) = message {
            object.object(key, |object| self::message(object, message));
        }
    }
}

fn message(object: &mut Object<'_>, message: &Message) {
    object.number("transaction_id", message.transaction).number("protocol_id", message.protocol);
    object.number("unit_id", message.unit).number("function_raw", message.function);
    object.text("function_code", names::function_name(message.function));
    let code = message.function & 0x7f;
    object.display("access_type", names::access(code)).text("category", names::category(message).name());
    object.display("error_flags", Flags(message));
    match &message.data {
        Data::Empty => {}
        Data::Bytes(data) => _ = object.text("data", data),
        Data::Exception(code) => {
            let members = |object: &mut Object<'_>| {
                object.number("raw", *code).text("code", names::exception_name(*code));
            };
            object.object("exception", members);
        }
        Data::Diagnostic { code, data } => {
            let members = |object: &mut Object<'_>| {
                object.number("raw", *code).text("code", names::diagnostic_name(*code)).text("data", data);
            };
            object.object("diagnostic", members);
        }
        Data::Encapsulated { kind, data } => {
            let members = |object: &mut Object<'_>| {
                object.number("raw", *kind).text("code", names::encapsulated_name(*kind)).text("data", data);
            };
            object.object("mei", members);
        }
        Data::ReadRequest { address, quantity } => read(object, *address, *quantity),
        Data::ReadResponse(data) => _ = object.object("read", |object| _ = object.text("data", data)),
        Data::Write { address, value } => {
            object.object("write", |object| _ = object.number("address", *address).number("data", *value));
        }
        Data::WriteMany { address, quantity, data } => write_many(object, *address, *quantity, data),
        Data::Mask { address, and, or } => {
            let members = |object: &mut Object<'_>| {
                object.number("address", *address).number("and_mask", *and).number("or_mask", *or);
            };
            object.object("write", members);
        }
        Data::ReadWrite { read: (from, count), address, quantity, data } => {
            read(object, *from, *count);
            write_many(object, *address, *quantity, data);
        }
    }
}

fn read(object: &mut Object<'_>, address: u16, quantity: u16) {
    object.object("read", |object| _ = object.number("address", address).number("quantity", quantity));
}

fn write_many(object: &mut Object<'_>, address: u16, quantity: u16, data: &[u8]) {
    let members = |object: &mut Object<'_>| {
        object.number("address", address).number("quantity", quantity).text("data", data);
    };
    object.object("write", members);
}

/// What is wrong with a message, under EVE's names.
struct Flags<'a>(&'a Message);

impl std::fmt::Display for Flags<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [(u8, &str); 5] = [
            (event::INVALID_LENGTH, "DATA_LENGTH"),
            (event::INVALID_VALUE, "DATA_VALUE"),
            (event::INVALID_EXCEPTION_CODE, "EXC_CODE"),
            (event::INVALID_FUNCTION_CODE, "FUNC_CODE"),
            (event::INVALID_PROTOCOL_ID, "PROTO_ID"),
        ];
        let mut first = true;
        for (_, name) in NAMES.iter().filter(|(event, _)| self.0.events.has(*event)) {
            if !std::mem::take(&mut first) {
                f.write_str(" | ")?;
            }
            f.write_str(name)?;
        }
        if first { f.write_str("NONE") } else { Ok(()) }
    }
}
