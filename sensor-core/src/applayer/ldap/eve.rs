//! LDAP in EVE.

use super::Transaction;
use super::message::{Attribute, Detail, Message, operation};
use crate::json::{Array, Object};
use crate::rules::Field;

pub(super) fn write(transaction: &Transaction, object: &mut Object<'_>) {
    if let Some(request) = &transaction.request {
        object.object("request", |object| {
            object.number("message_id", request.id);
            message(request, object);
        });
    }
    if transaction.responses.is_empty() {
        return;
    }
    object.array("responses", |array| {
        for response in &transaction.responses {
            array.object(|object| {
                if transaction.request.is_none() {
                    object.number("message_id", response.id);
                }
                message(response, object);
            });
        }
    });
}

fn message(message: &Message, object: &mut Object<'_>) {
    let name = name_of(Field::LdapRequestOperation, message.operation.into()).unwrap_or("unknown");
    object.text("operation", name);
    if message.detail != Detail::None {
        object.object(name, |object| detail(message, object));
    }
    if !message.controls.is_empty() {
        object.array("controls", |array| {
            for control in &message.controls {
                array.object(|object| {
                    object.text("control_type", &control.kind).boolean("criticality", control.critical);
                    object.text_if("control_value", control.value.as_ref());
                });
            }
        });
    }
}

fn detail(message: &Message, object: &mut Object<'_>) {
    match &message.detail {
        Detail::None => {}
        Detail::Bind { version, name, sasl } => {
            object.number("version", *version).text("name", name);
            if let Some((mechanism, credentials)) = sasl {
                object.object("sasl", |object| {
                    object.text("mechanism", mechanism).text_if("credentials", credentials.as_ref());
                });
            }
        }
        Detail::Search(search) => {
            object.text("base_object", &search.base).number("scope", search.scope);
            object.number("deref_alias", search.aliases).number("size_limit", search.size_limit);
            object.number("time_limit", search.time_limit).boolean("types_only", search.types_only);
            if let Some(name) = &search.present {
                object.object("filter", |object| _ = object.text("type", "present").text("value", name));
            }
            if !search.attributes.is_empty() {
                object.array("attributes", |array| search.attributes.iter().for_each(|name| _ = array.text(name)));
            }
        }
        Detail::Entry { name, attributes } => {
            let added = message.operation == operation::ADD_REQUEST;
            object.text(if added { "entry" } else { "base_object" }, name);
            if !attributes.is_empty() {
                let key = if added { "name" } else { "type" };
                object.array("attributes", |array| attributes.iter().for_each(|it| attribute(array, key, it)));
            }
        }
        Detail::Modify { name, changes } => {
            object.text("object", name);
            object.array("changes", |array| {
                for (kind, attribute) in changes {
                    array.object(|object| change(*kind, attribute, object));
                }
            });
        }
        Detail::Delete { name } => _ = object.text("dn", name),
        Detail::Rename { name, to, delete_old, superior } => {
            object.text("entry", name).text("new_rdn", to).boolean("delete_old_rdn", *delete_old);
            object.text_if("new_superior", superior.as_ref());
        }
        Detail::Compare { name, attribute, value } => {
            object.text("entry", name);
            object.object("attribute_value_assertion", |object| {
                object.text("description", attribute).text("value", value);
            });
        }
        Detail::Abandon(id) => _ = object.number("message_id", *id),
        Detail::Extended { name, value } => {
            object.text_if("name", name.as_ref()).text_if("value", value.as_ref());
        }
        Detail::Result(outcome) => {
            match name_of(Field::LdapResponsesResultCode, outcome.code) {
                Some(name) => object.text("result_code", name),
                None => object.display("result_code", format_args!("unknown-{}", outcome.code)),
            };
            object.text("matched_dn", &outcome.matched).text("message", &outcome.message);
            object.text_if("server_sasl_creds", outcome.credentials.as_ref());
            object.text_if("name", outcome.name.as_ref()).text_if("value", outcome.value.as_ref());
        }
    }
}

fn name_of(field: Field, number: u32) -> Option<&'static str> {
    field.names().iter().find(|(_, value)| *value == u64::from(number)).map(|(name, _)| *name)
}

fn attribute(array: &mut Array<'_>, key: &str, attribute: &Attribute) {
    array.object(|object| {
        object.text(key, &attribute.name);
        values(object, "values", attribute);
    });
}

/// A change (RFC 4511, section 4.6; RFC 4525).
fn change(kind: u32, attribute: &Attribute, object: &mut Object<'_>) {
    match kind {
        0 => object.text("operation", "add"),
        1 => object.text("operation", "delete"),
        2 => object.text("operation", "replace"),
        3 => object.text("operation", "increment"),
        _ => object.display("operation", kind),
    };
    object.object("modification", |object| {
        object.text("attribute_type", &attribute.name);
        values(object, "attribute_values", attribute);
    });
}

fn values(object: &mut Object<'_>, key: &str, attribute: &Attribute) {
    if !attribute.values.is_empty() {
        object.array(key, |array| attribute.values.iter().for_each(|value| _ = array.text(value)));
    }
}
