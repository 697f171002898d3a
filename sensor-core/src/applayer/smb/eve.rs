//! SMB in EVE.

use super::bytes::Guid;
use super::names;
use super::transaction::{Create, Dialect, Kind, Negotiate, Session, Status, Transaction, Tree};
use crate::json::Object;

pub(super) fn write(transaction: &Transaction, object: &mut Object<'_>) {
    let head = &transaction.head;
    object.number("id", transaction.id);
    match &transaction.dialect {
        Dialect::Unknown => object.text("dialect", "unknown"),
        Dialect::Named(name) => object.text("dialect", name),
        Dialect::Number(number) => dialect(object, "dialect", *number),
    };
    match (head.version, names::command(head.version, head.command)) {
        (version, Some(name)) => object.display("command", format_args!("SMB{version}_COMMAND_{name}")),
        (version, None) => object.display("command", format_args!("SMB{version}_COMMAND_UNKNOWN_{:02}", head.command)),
    };
    match head.status {
        Status::None => {}
        Status::Nt(status) => {
            match names::nt_status(status) {
                Some(name) => object.display("status", format_args!("STATUS_{name}")),
                None => object.display("status", status),
            };
            object.display("status_code", format_args!("{status:#x}"));
        }
        Status::Dos(class, code) => {
            match names::dos_error(class, code) {
                Some((class, name)) => object.display("status", format_args!("{class}_{name}")),
                None => object.display("status", format_args!("UNKNOWN_{class:02x}_{code:04x}")),
            };
            object.display("status_code", format_args!("{code:#06x}"));
        }
    }
    object.number("session_id", head.session).number("tree_id", head.tree);
    match &transaction.kind {
        Kind::Other => {}
        Kind::Negotiate(it) => negotiate(it, head.version, object),
        Kind::Session(it) => session(it, object),
        Kind::Tree(it) => tree(it, head.version, object),
        Kind::Create(it) => create(it, object),
        Kind::File(it) => {
            let [file, ..] = it.transfer.files() else { return };
            object.text("filename", &file.name).text("share", &it.share);
            guid(object, "fuid", &it.guid);
        }
        Kind::Rename { guid: file, from, to } => {
            if head.version == 2 {
                set_info(object, "SMB2_FILE_RENAME_INFO");
            }
            object.object("rename", |object| _ = object.text("from", from).text("to", to));
            guid(object, "fuid", file);
        }
        Kind::SetInfo { name, delete, function, level } => {
            object.text("filename", name);
            object.text("access", if *delete { "delete on close" } else { "normal" });
            if head.version == 2 {
                set_info(object, level);
            } else {
                object.text("function", function).text("level_of_interest", level);
            }
        }
        Kind::Dcerpc { call, .. } => _ = object.object("dcerpc", |object| call.eve(object, true)),
        Kind::Ioctl(function) => {
            match names::control(*function) {
                Some(name) => object.text("function", name),
                None => object.display("function", format_args!("{function:#x}")),
            };
        }
    }
}

fn set_info(object: &mut Object<'_>, level: &str) {
    object.object("set_info", |object| _ = object.text("class", "FILE_INFO").text("info_level", level));
}

fn dialect<'o, 'b>(object: &'o mut Object<'b>, key: &str, number: u16) -> &'o mut Object<'b> {
    match names::dialect(number) {
        Some(name) => object.text(key, name),
        None => object.display(key, number),
    }
}

fn negotiate(it: &Negotiate, version: u8, object: &mut Object<'_>) {
    if !it.names.is_empty() || version == 1 {
        object.array("client_dialects", |array| it.names.iter().for_each(|name| _ = array.text(name)));
    } else if !it.numbers.is_empty() {
        object.array("client_dialects", |array| {
            for number in &it.numbers {
                match names::dialect(*number) {
                    Some(name) => array.text(name),
                    None => array.display(number),
                };
            }
        });
    }
    if let Some(client) = &it.client {
        guid(object, "client_guid", client);
    }
    guid(object, "server_guid", &it.server);
    if it.max_read > 0 {
        object.number("max_read_size", it.max_read);
    }
    if it.max_write > 0 {
        object.number("max_write_size", it.max_write);
    }
}

fn session(it: &Session, object: &mut Object<'_>) {
    if let Some(ticket) = &it.ticket {
        object.object("kerberos", |object| {
            object.text("realm", &ticket.realm);
            object.array("snames", |array| ticket.names.iter().for_each(|name| _ = array.text(name)));
        });
    }
    if let Some(ntlm) = &it.ntlm {
        object.object("ntlmssp", |object| {
            object.text("domain", &ntlm.domain).text("user", &ntlm.user).text("host", &ntlm.host);
            if let Some((major, minor, build, revision)) = ntlm.version {
                object.display("version", format_args!("{major}.{minor} build {build} rev {revision}"));
            }
        });
    }
    for (key, host) in ["request", "response"].into_iter().zip(&it.hosts) {
        if let Some((system, manager)) = host {
            object.object(key, |object| _ = object.text("native_os", system).text("native_lm", manager));
        }
    }
}

fn tree(it: &Tree, version: u8, object: &mut Object<'_>) {
    object.text(if it.pipe { "named_pipe" } else { "share" }, &it.name);
    if version == 1 {
        let [asked, told] = &it.services;
        object.object("service", |object| {
            if !asked.is_empty() {
                object.text("request", asked);
            }
            if !told.is_empty() {
                object.text("response", told);
            }
        });
    } else {
        let name = match it.share_type {
            1 => "FILE",
            2 => "PIPE",
            3 => "PRINT",
            _ => "UNKNOWN",
        };
        object.text("share_type", name);
    }
}

fn create(it: &Create, object: &mut Object<'_>) {
    match (it.name.is_empty(), it.directory) {
        (true, _) => object.text("filename", "<share_root>"),
        (false, true) => object.text("directory", &it.name),
        (false, false) => object.text("filename", &it.name),
    };
    object.text("disposition", names::disposition(it.disposition));
    object.text("access", if it.delete_on_close { "delete on close" } else { "normal" });
    for (key, time) in ["created", "accessed", "modified", "changed"].into_iter().zip(it.times) {
        object.number(key, time);
    }
    object.number("size", it.size);
    guid(object, "fuid", &it.guid);
}

/// An identifier as Windows writes it: its first three fields are numbers, little-endian.
fn guid(object: &mut Object<'_>, key: &str, guid: &Guid) {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *guid;
    let first = u32::from_le_bytes([a, b, c, d]);
    let (second, third) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
    let [i, j, rest @ ..] = rest;
    let last = rest.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    object.display(key, format_args!("{first:08x}-{second:04x}-{third:04x}-{i:02x}{j:02x}-{last:012x}"));
}
