//! A call and its reply as rules and EVE see them, or a file while parts of it are read or written.

#![expect(clippy::wildcard_enum_match_arm, reason = "most numbers are of other protocols")]

use super::calls::Handle;
use super::names;
use super::rpc::Credentials;
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet, File, Settings};
use crate::applayer::transfer::Transfer;
use crate::json::Object;
use crate::rules::{Buffer, Field};

/// A call and its reply.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Its number, from 1.
    pub id: u64,
    /// The call's number.
    pub call: u32,
    pub version: u32,
    /// Of version 4 the operation.
    pub procedure: u32,
    pub credentials: Credentials,
    /// Whether the server took the call.
    pub accepted: Option<bool>,
    /// What NFS says of it.
    pub status: Option<u32>,
    pub handle: Option<Handle>,
    pub name: Vec<u8>,
    /// The new name of a file that is renamed.
    pub to: Option<Vec<u8>>,
    pub file: Option<Box<OfFile>>,
    pub done: bool,
    pub events: EventSet,
}

/// A file that is read or written.
#[derive(Debug)]
pub(super) struct OfFile {
    /// Who sends it.
    pub side: Side,
    pub transfer: Transfer,
    pub chunks: u32,
    /// Its first bytes were seen, its last were.
    pub first: bool,
    pub last: bool,
    /// The last call for it.
    pub last_call: u32,
}

impl Transaction {
    /// Whether it is an open file that a side sends.
    pub(super) fn carries(&self, side: Side, handle: &Handle) -> bool {
        !self.done && self.handle.as_ref() == Some(handle) && self.file.as_ref().is_some_and(|file| file.side == side)
    }

    /// It is complete.
    pub(super) fn close(&mut self, settings: &Settings) {
        self.done = true;
        if let Some(file) = &mut self.file {
            file.last = true;
            file.transfer.close(settings);
        }
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let optional = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let machine = self.credentials.unix.as_ref().map_or(0, |(machine, ..)| machine.len());
        let file = self.file.as_ref().map_or(0, |file| size_of::<OfFile>() + file.transfer.bytes());
        size_of::<Transaction>() + self.name.len() + optional(&self.handle) + optional(&self.to) + machine + file
    }
}

impl parser::Transaction for Transaction {
    fn progress(&self, side: Side) -> u8 {
        let asked = side == Side::ToServer && self.file.is_none();
        u8::from(asked || self.done)
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        match field {
            _ if index > 0 || side == Side::ToClient => None,
            Field::NfsProcedure => Some(self.procedure.into()),
            Field::NfsVersion => Some(self.version.into()),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn files(&self) -> &[File] {
        self.file.as_ref().map_or(&[], |file| file.transfer.files())
    }

    fn record_side(&self) -> Side {
        Side::ToClient
    }

    fn record(&self, usual: &'static str) -> Option<&'static str> {
        // Attributes are asked for all the time; Suricata leaves these out too.
        let attributes = self.version < 4 && self.procedure == 1;
        (!attributes).then_some(usual)
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.number("version", self.version);
        match names::procedure(self.version, self.procedure) {
            Some(name) => object.text("procedure", name),
            None => object.display("procedure", self.procedure),
        };
        object.text("filename", &self.name);
        if let Some(handle) = &self.handle {
            object.display("hhash", format_args!("{:x}", crc32(handle)));
        }
        object.number("id", self.id).boolean("file_tx", self.file.is_some()).text("type", "response");
        if let Some(status) = self.status {
            match names::status(status) {
                Some(name) => object.text("status", name),
                None => object.display("status", status),
            };
        }
        if let Some(to) = &self.to {
            object.object("rename", |object| _ = object.text("from", &self.name).text("to", to));
        }
        if let Some(file) = &self.file {
            object.object(if file.side == Side::ToServer { "write" } else { "read" }, |object| {
                object.boolean("first", file.first).boolean("last", file.last);
                object.number("last_xid", file.last_call).number("chunks", file.chunks);
            });
        }
    }

    fn beside(&self, event: &mut Object<'_>) {
        event.object("rpc", |object| {
            object.number("xid", self.call);
            if let Some(accepted) = self.accepted {
                object.text("status", if accepted { "ACCEPTED" } else { "DENIED" });
            }
            match names::flavor(self.credentials.flavor) {
                Some(name) => object.text("auth_type", name),
                None => object.display("auth_type", self.credentials.flavor),
            };
            if let Some((machine, user, group)) = &self.credentials.unix {
                object.object("creds", |object| {
                    object.text("machine_name", machine).number("uid", *user).number("gid", *group);
                });
            }
        });
    }
}

/// The checksum of Ethernet and gzip, which stands for a handle in records (RFC 1952, section 8); handles are short.
fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0xedb8_8320 })
    });
    !sum
}
