//! A command and its replies as rules and EVE see them.

use super::event;
use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::json::Object;
use crate::rules::ast::{Body, WordField, WordTest};
use crate::rules::{Buffer, Field};

/// A command with its replies; or a reply that no command asked for.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The verb in upper case, and its arguments.
    pub(super) command: Option<(&'static str, Vec<u8>)>,
    pub(super) is_command_cut: bool,
    pub(super) codes: Vec<[u8; 3]>,
    pub(super) replies: Vec<Vec<u8>>,
    pub(super) is_reply_cut: bool,
    /// The port of a data connection to come.
    pub(super) port: Option<u16>,
    /// The client listens there.
    pub(super) is_active: bool,
    pub(super) is_answered: bool,
    /// Nothing more will come.
    pub(super) is_over: bool,
    pub(super) events: EventSet,
}

/// How far the client's side has come.
pub mod progress {
    /// The command is read.
    pub const COMMAND: u8 = 1;
    /// It is answered, and what the answer says of it is known.
    pub const COMPLETE: u8 = 2;
}

/// See [`Protocol::ready`](parser::Protocol::ready).
pub fn ready(_: Buffer, _: Side) -> u8 {
    progress::COMMAND
}

impl Exchange {
    pub(super) fn is_complete(&self) -> bool {
        self.is_answered || self.is_over
    }

    pub(super) fn bytes(&self) -> usize {
        let data = self.command.as_ref().map_or(0, |(_, data)| data.capacity());
        let replies: usize = self.replies.iter().map(|reply| reply.capacity() + size_of::<Vec<u8>>()).sum();
        size_of::<Exchange>() + data + replies + self.codes.capacity() * 3
    }

    /// Adds a line of a reply, within the bounds.
    pub(super) fn reply(&mut self, code: Option<[u8; 3]>, text: &[u8]) {
        if self.replies.len() >= MAX_REPLIES {
            self.is_reply_cut = true;
            return;
        }
        self.replies.push(text.to_vec());
        self.codes.extend(code);
    }

    /// The verbs that are about a data connection have a mode.
    fn mode(&self) -> Option<&'static str> {
        let (verb, _) = self.command.as_ref()?;
        let mode = if self.is_active { "active" } else { "passive" };
        matches!(*verb, "PORT" | "EPRT" | "PASV" | "EPSV").then_some(mode)
    }
}

impl parser::Transaction for Exchange {
    fn progress(&self, side: Side) -> u8 {
        match (side, self.is_complete()) {
            (Side::ToServer, false) => progress::COMMAND,
            (Side::ToServer, true) => progress::COMPLETE,
            (Side::ToClient, complete) => complete.into(),
        }
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        match (buffer, side, index) {
            (Buffer::FtpCommand, Side::ToServer, 0) => self.command.as_ref().map(|(verb, _)| verb.as_bytes()),
            (Buffer::FtpCommandData, Side::ToServer, 0) => {
                let (_, data) = self.command.as_ref().filter(|(_, data)| !data.is_empty())?;
                // The buffer of Suricata 8 ends with a zero.
                scratch.extend_from_slice(data);
                scratch.push(0);
                Some(scratch)
            }
            (Buffer::FtpReply, Side::ToClient, _) => self.replies.get(index).map(Vec::as_slice),
            (Buffer::FtpCompletionCode, Side::ToClient, _) => self.codes.get(index).map(<[u8; 3]>::as_slice),
            _ => None,
        }
    }

    fn number(&self, field: Field, _: Side, index: usize) -> Option<i64> {
        (field == Field::FtpDynamicPort && index == 0).then_some(self.port?.into())
    }

    fn holds(&self, test: &Body, _: Side) -> bool {
        let Body::Words(WordTest { field, words }) = test else { return false };
        let replied = !self.replies.is_empty();
        words.iter().all(|(negated, word)| {
            let holds = match (field, &**word) {
                (WordField::FtpMode, word) => self.port.is_some() && self.mode() == Some(word),
                (WordField::FtpReplyReceived, "yes" | "true" | "1") => replied,
                (WordField::FtpReplyReceived, _) => !replied && self.is_over,
                _ => false,
            };
            holds != *negated
        })
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        if let Some((verb, data)) = &self.command {
            object.text("command", verb);
            if !data.is_empty() {
                object.text("command_data", data).boolean("command_truncated", self.is_command_cut);
            }
        }
        if !self.codes.is_empty() {
            object.array("completion_code", |array| {
                for code in &self.codes {
                    array.text(code);
                }
            });
        }
        if !self.replies.is_empty() {
            object.array("reply", |array| {
                for reply in &self.replies {
                    array.text(reply);
                }
            });
        }
        object.number_if("dynamic_port", self.port).text_if("mode", self.mode());
        object.text("reply_received", if self.replies.is_empty() { "no" } else { "yes" });
        object.boolean("reply_truncated", self.is_reply_cut);
    }
}

impl Exchange {
    pub(super) fn cut_command(&mut self) {
        self.is_command_cut = true;
        self.events.add(event::REQUEST_COMMAND_TOO_LONG);
    }

    pub(super) fn cut_reply(&mut self) {
        self.is_reply_cut = true;
        self.events.add(event::RESPONSE_COMMAND_TOO_LONG);
    }
}

/// Lines of a command's replies that are kept.
const MAX_REPLIES: usize = 256;
