//! EtherNet/IP in EVE.

use super::Transaction;
use super::cip::{Cip, Kind};
use super::message::{Data, Message};
use super::names;
use crate::json::Object;
use crate::rules::Field;

pub(super) fn write(transaction: &Transaction, object: &mut Object<'_>) {
    for (key, message) in [("request", &transaction.request), ("response", &transaction.response)] {
        if let Some(message) = message {
            object.object(key, |object| self::message(object, message));
        }
    }
}

fn message(object: &mut Object<'_>, message: &Message) {
    named(object, "command", Field::EnipCommand, message.command.into());
    named(object, "status", Field::EnipStatus, message.status);
    match &message.data {
        Data::None => {}
        Data::Register(version, options) => {
            let members = |object: &mut Object<'_>| {
                object.number("protocol_version", *version).number("options", *options);
            };
            object.object("register_session", members);
        }
        Data::Services(services) => {
            object.object("list_services", |object| {
                object.number("protocol_version", services.version).number("capabilities", services.capabilities);
                object.text("service_name", &services.name);
            });
        }
        Data::Identity(identity) => {
            object.object("identity", |object| {
                let (major, minor) = identity.revision;
                object.number("protocol_version", identity.version);
                object.display("revision", format_args!("{major}.{minor}"));
                object.number("vendor_id", identity.vendor).number("device_type", identity.device);
                object.number("product_code", identity.product).number("status", identity.status);
                object.number("serial", identity.serial).text("product_name", &identity.name);
                object.number("state", identity.state);
            });
        }
        Data::Cip(_, cip) => _ = object.object("cip", |object| self::cip(object, cip)),
    }
}

fn cip(object: &mut Object<'_>, cip: &Cip) {
    match names::service(cip.service) {
        Some(name) => object.text("service", name),
        None => object.display("service", format_args!("unknown-{}", cip.service)),
    };
    if let Some(status) = &cip.reply {
        match names::status(status.general) {
            Some(name) => object.text("status", name),
            None => object.display("status", format_args!("unknown-{}", status.general)),
        };
        object.number_if("status_extended", status.extended);
    }
    if !cip.path.is_empty() {
        object.array("path", |array| {
            for segment in &cip.path {
                let kind = match segment.kind {
                    Kind::Class => "class",
                    Kind::Instance => "instance",
                    Kind::Member => "member",
                    Kind::ConnectionPoint => "connection_point",
                    Kind::Attribute => "attribute",
                };
                array.object(|object| _ = object.text("segment_type", kind).number("value", segment.value));
            }
        });
        object.text_if("class_name", cip.values(Kind::Class).next().and_then(names::class));
    }
    if !cip.inner.is_empty() {
        object.array("multiple", |array| {
            for inner in &cip.inner {
                array.object(|object| self::cip(object, inner));
            }
        });
    }
}

/// The name that rules have for a number.
fn named(object: &mut Object<'_>, key: &str, field: Field, number: u32) {
    match field.names().iter().find(|(_, known)| *known == u64::from(number)) {
        Some((name, _)) => object.text(key, name),
        None => object.display(key, format_args!("unknown-{number}")),
    };
}
