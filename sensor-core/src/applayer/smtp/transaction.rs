//! A mail as rules and EVE see it.

use super::event;
use crate::applayer::Side;
use crate::applayer::mime::Mime;
use crate::applayer::parser::{self, EventSet, File, Settings};
use crate::json::{Array, Object};
use crate::rules::Buffer;

/// A mail, from its envelope to the answer to its end; or commands that bring none.
#[derive(Debug, Default)]
pub struct Mail {
    pub(super) progress: u8,
    pub(super) is_answered: bool,
    /// As the flow's: each mail of it tells it.
    pub(super) helo: Option<Vec<u8>>,
    pub(super) mail_from: Option<Vec<u8>>,
    pub(super) rcpt_to: Vec<Vec<u8>>,
    pub(super) message: Option<Box<Mime>>,
    pub(super) events: EventSet,
}

/// How far the client has come.
pub mod progress {
    /// It said who it is.
    pub const HELO: u8 = 1;
    /// The sender is told.
    pub const SENDER: u8 = 2;
    /// The message begins.
    pub const MESSAGE: u8 = 3;
    /// Nothing more comes of the mail.
    pub const COMPLETE: u8 = 4;
}

/// See [`Protocol::ready`](parser::Protocol::ready).
#[expect(clippy::wildcard_enum_match_arm, reason = "most buffers are of other protocols")]
pub fn ready(buffer: Buffer, _: Side) -> u8 {
    match buffer {
        Buffer::SmtpHelo => progress::HELO,
        Buffer::SmtpMailFrom => progress::SENDER,
        Buffer::SmtpRcptTo => progress::MESSAGE,
        _ => progress::COMPLETE,
    }
}

impl Mail {
    pub(super) fn advance(&mut self, to: u8) {
        self.progress = self.progress.max(to);
    }

    pub(super) fn odd(&mut self, event: u8) {
        self.events.add(event);
    }

    pub(super) fn is_ended(&self) -> bool {
        self.progress == progress::COMPLETE
    }

    /// Nothing more comes of it; `whole` says that its message's end was seen.
    pub(super) fn end(&mut self, whole: bool, settings: &Settings) {
        if let Some(message) = self.message.as_mut().filter(|_| self.progress < progress::COMPLETE) {
            message.end(whole, settings);
        }
        self.progress = progress::COMPLETE;
    }

    pub(super) fn bytes(&self) -> usize {
        let texts = self.helo.iter().chain(&self.mail_from).chain(&self.rcpt_to);
        let texts: usize = texts.map(|text| text.capacity() + size_of::<Vec<u8>>()).sum();
        size_of::<Mail>() + texts + self.message.as_ref().map_or(0, |message| message.bytes())
    }

    fn field(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.message.as_ref()?.field(name, index)
    }
}

impl parser::Transaction for Mail {
    fn progress(&self, side: Side) -> u8 {
        match side {
            Side::ToServer => self.progress,
            Side::ToClient => self.is_answered.into(),
        }
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if side == Side::ToClient {
            return None;
        }
        match (buffer, index) {
            (Buffer::SmtpHelo, 0) => self.helo.as_deref(),
            (Buffer::SmtpMailFrom, 0) => self.mail_from.as_deref(),
            (Buffer::SmtpRcptTo, _) => self.rcpt_to.get(index).map(Vec::as_slice),
            (Buffer::EmailFrom, 0) => self.field("from", 0),
            (Buffer::EmailSubject, 0) => self.field("subject", 0),
            (Buffer::EmailTo, 0) => self.field("to", 0),
            (Buffer::EmailCc, 0) => self.field("cc", 0),
            (Buffer::EmailDate, 0) => self.field("date", 0),
            (Buffer::EmailMessageId, 0) => self.field("message-id", 0),
            (Buffer::EmailXMailer, 0) => self.field("x-mailer", 0),
            (Buffer::EmailReceived, _) => self.field("received", index),
            (Buffer::EmailUrl, _) => self.message.as_ref()?.urls().get(index).map(Vec::as_slice),
            _ => None,
        }
    }

    fn events(&self) -> EventSet {
        let mut events = self.events;
        let odd = self.message.as_ref().map_or(0, |message| message.odd());
        for (_, event) in event::OF_MESSAGE.iter().filter(|(bit, _)| odd & (1 << bit) != 0) {
            events.add(*event);
        }
        events
    }

    fn files(&self) -> &[File] {
        self.message.as_ref().map_or(&[], |message| message.files())
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.text_if("helo", self.helo.as_ref()).text_if("mail_from", self.mail_from.as_ref());
        if !self.rcpt_to.is_empty() {
            object.array("rcpt_to", |array| {
                for recipient in &self.rcpt_to {
                    array.text(recipient);
                }
            });
        }
    }

    fn beside(&self, event: &mut Object<'_>) {
        let Some(message) = &self.message else { return };
        event.object("email", |email| {
            email.text_if("from", self.field("from", 0));
            for name in ["to", "cc"] {
                if let Some(list) = self.field(name, 0) {
                    email.array(name, |array| addresses(list, array));
                }
            }
            // What was read is all there is, however it ended: so Suricata tells it.
            email.text("status", "PARSE_DONE");
            if !message.attachments().is_empty() {
                email.array("attachment", |array| {
                    for name in message.attachments() {
                        array.text(name);
                    }
                });
            }
            if !message.urls().is_empty() {
                email.array("url", |array| {
                    for url in message.urls().iter().rev() {
                        array.text(url);
                    }
                });
            }
        });
    }
}

/// The addresses of a list: commas in quotes part none.
fn addresses(list: &[u8], array: &mut Array<'_>) {
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in list.iter().enumerate() {
        quoted ^= *byte == b'"';
        if *byte == b',' && !quoted {
            array.text(list.get(start..at).unwrap_or_default().trim_ascii());
            start = at + 1;
        }
    }
    array.text(list.get(start..).unwrap_or_default().trim_ascii());
}
