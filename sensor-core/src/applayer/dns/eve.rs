//! DNS in EVE: version 3 of Suricata's format for DNS, and that of mDNS and LLMNR, in which types name their values.

use super::message::{Data, Message, Name, Record, Soa, Srv};
use super::transaction::texts;
use super::{Kind, Transaction};
use crate::json::{Array, Object};
use crate::rules::Field;

pub(super) fn write(transaction: &Transaction, object: &mut Object<'_>) {
    let message = &transaction.message;
    let kind = if message.is_response() { "response" } else { "request" };
    match transaction.kind {
        Kind::Dns => {
            object.number("version", 3).text("type", kind).number("tx_id", transaction.id);
            object.number("id", message.id).display("flags", format_args!("{:x}", message.flags));
        }
        Kind::Mdns | Kind::Llmnr => {
            object.text("type", kind).number("id", message.id);
        }
    }
    let bits = [("qr", 15), ("aa", 10), ("tc", 9), ("rd", 8), ("ra", 7), ("z", 6)];
    for (name, _) in bits.iter().filter(|(_, bit)| message.flags >> bit & 1 != 0) {
        object.boolean(name, true);
    }
    object.number("opcode", message.opcode());
    named(object, "rcode", Field::DnsRcode, message.rcode().into(), false);
    let lower = transaction.kind != Kind::Dns;
    if !message.queries.is_empty() {
        object.array("queries", |array| {
            for query in &message.queries {
                array.object(|object| {
                    name(object, "rrname", &query.name);
                    named(object, "rrtype", Field::DnsRrtype, query.kind, lower);
                });
            }
        });
    }
    let sections =
        [("answers", &message.answers), ("authorities", &message.authorities), ("additionals", &message.additionals)];
    for (section, list) in sections.into_iter().filter(|(_, list)| !list.is_empty()) {
        object.array(section, |array| list.iter().for_each(|record| self::record(array, record, lower)));
    }
    if !lower && message.is_response() && !message.answers.is_empty() {
        object.object("grouped", |object| grouped(object, message));
    }
}

/// A name with what tells that it was cut.
fn name(object: &mut Object<'_>, key: &str, name: &Name) {
    object.text(key, &name.text);
    if name.truncated {
        object.boolean(if key == "rdata" { "rdata_truncated" } else { "rrname_truncated" }, true);
    }
}

/// The name of a number, else its digits.
fn named(object: &mut Object<'_>, key: &str, field: Field, number: u16, lower: bool) {
    match name_of(field, number) {
        Some(name) if lower => object.text(key, name.to_ascii_lowercase()),
        Some(name) => object.text(key, name),
        None => object.display(key, number),
    };
}

fn name_of(field: Field, number: u16) -> Option<&'static str> {
    field.names().iter().find(|(_, value)| *value == u64::from(number)).map(|(name, _)| *name)
}

/// A record; one with several strings stands once for each of them, but where types name their values.
fn record(array: &mut Array<'_>, record: &Record, lower: bool) {
    let head = |object: &mut Object<'_>| {
        name(object, "rrname", &record.name);
        named(object, "rrtype", Field::DnsRrtype, record.kind, lower);
        object.number("ttl", record.ttl);
    };
    if lower {
        array.object(|object| {
            head(object);
            let kind = name_of(Field::DnsRrtype, record.kind).unwrap_or_default().to_ascii_lowercase();
            if let Data::Text(texts) = &record.data {
                object.array("txt", |array| texts.iter().for_each(|text| _ = array.text(text)));
            }
            value(object, &kind, &record.data);
        });
        return;
    }
    for text in texts(&record.data) {
        array.object(|object| {
            head(object);
            object.text("rdata", text);
        });
    }
    if !matches!(record.data, Data::Text(_)) {
        array.object(|object| {
            head(object);
            value(object, "rdata", &record.data);
        });
    }
}

/// A record's value: under `key` where it is a text, else under its own name.
fn value(object: &mut Object<'_>, key: &str, data: &Data) {
    match data {
        Data::Address(address) => _ = object.display(key, address),
        Data::Name(name) => self::name(object, key, name),
        Data::Bytes(bytes) => _ = object.text(key, bytes),
        Data::Soa(soa) => _ = object.object("soa", |object| self::soa(object, soa)),
        Data::Srv(srv) => _ = object.object("srv", |object| self::srv(object, srv)),
        Data::Sshfp(algorithm, kind, print) => {
            object.object("sshfp", |object| sshfp(object, *algorithm, *kind, print));
        }
        Data::Options(options) => {
            object.array("opt", |array| {
                for (code, data) in options {
                    array.object(|object| _ = object.number("code", *code).hex("data", data));
                }
            });
        }
        Data::Text(_) | Data::Other => {}
    }
}

fn soa(object: &mut Object<'_>, soa: &Soa) {
    object.text("mname", &soa.mname.text).text("rname", &soa.rname.text);
    for (key, number) in ["serial", "refresh", "retry", "expire", "minimum"].iter().zip(soa.numbers) {
        object.number(key, number);
    }
}

fn srv(object: &mut Object<'_>, srv: &Srv) {
    object.number("priority", srv.priority).number("weight", srv.weight).number("port", srv.port);
    object.text("name", &srv.target.text);
}

fn sshfp(object: &mut Object<'_>, algorithm: u8, kind: u8, print: &[u8]) {
    object.display("fingerprint", Colons(print)).number("algo", algorithm).number("type", kind);
}

/// Hexadecimal bytes with colons between them.
pub(in crate::applayer) struct Colons<'a>(pub(in crate::applayer) &'a [u8]);

impl std::fmt::Display for Colons<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// Answers by type, in the order in which the types first come.
fn grouped(object: &mut Object<'_>, message: &Message) {
    let grouped = |record: &&Record| !matches!(record.data, Data::Other | Data::Options(_));
    let mut kinds: Vec<u16> = Vec::new();
    for record in message.answers.iter().filter(grouped) {
        if !kinds.contains(&record.kind) {
            kinds.push(record.kind);
        }
    }
    for kind in kinds {
        let Some(key) = name_of(Field::DnsRrtype, kind) else { continue };
        object.array(key, |array| {
            for record in message.answers.iter().filter(|record| record.kind == kind) {
                element(array, &record.data);
            }
        });
    }
}

fn element(array: &mut Array<'_>, data: &Data) {
    match data {
        Data::Address(address) => _ = array.display(address),
        Data::Name(name) => _ = array.text(&name.text),
        Data::Bytes(bytes) => _ = array.text(bytes),
        Data::Text(texts) => texts.iter().for_each(|text| _ = array.text(text)),
        Data::Soa(soa) => _ = array.object(|object| self::soa(object, soa)),
        Data::Srv(srv) => _ = array.object(|object| self::srv(object, srv)),
        Data::Sshfp(algorithm, kind, print) => _ = array.object(|object| sshfp(object, *algorithm, *kind, print)),
        Data::Options(_) | Data::Other => {}
    }
}
