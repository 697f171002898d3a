//! FTP's data connections: a file a flow, with the name and the command that the control connection announced.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, File, Parsed, Parser, Protocol, Transaction};
use super::{AppProto, Side};
use crate::json::Object;
use crate::rules::Buffer;
use crate::rules::ast::{Body, WordField, WordTest};

/// FTP-DATA.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::FtpData,
    parser: |_| Box::new(FtpData::default()),
    events: &[],
    ready: |_, _| COMPLETE,
    complete: [COMPLETE; 2],
    eve: Some("ftp_data"),
};

/// The progress of a side that has ended.
const COMPLETE: u8 = 1;

/// Reads a connection.
#[derive(Debug, Default)]
struct FtpData {
    transfer: Option<Transfer>,
    is_told: bool,
    is_released: bool,
}

/// What a connection moves.
#[derive(Debug, Default)]
struct Transfer {
    command: Vec<u8>,
    /// Empty for lists of files.
    name: Vec<u8>,
    files: Vec<File>,
    ended: [bool; 2],
}

impl FtpData {
    /// Begins with what was announced: a command, a space and a file's name. Nothing is known of a flow that was not.
    fn begin(&mut self, cx: &mut Context<'_>) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let Some(about) = cx.announced.take().map(|announced| announced.about) else { return };
        let space = memchr::memchr(b' ', &about).unwrap_or(about.len());
        let (command, name) = about.split_at(space);
        let name = name.get(1..).unwrap_or_default();
        if command.is_empty() {
            return;
        }
        self.transfer = Some(Transfer { command: command.to_vec(), name: name.to_vec(), ..Transfer::default() });
    }

    fn end(&mut self, side: Side) {
        let Some(transfer) = &mut self.transfer else { return };
        match side {
            Side::ToServer => transfer.ended[0] = true,
            Side::ToClient => transfer.ended[1] = true,
        }
        for file in transfer.files.iter_mut().filter(|file| file.to_client == (side == Side::ToClient)) {
            file.close(true);
        }
    }
}

impl Parser for FtpData {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        self.begin(cx);
        let Some(transfer) = &mut self.transfer else { return Parsed::Failed };
        if self.is_released {
            return Parsed::Enough;
        }
        if transfer.name.is_empty() {
            return Parsed::More;
        }
        // A file goes one way.
        if transfer.files.is_empty() {
            transfer.files.push(File::new(transfer.name.clone(), side, cx.settings));
        }
        for file in transfer.files.iter_mut().filter(|file| file.to_client == (side == Side::ToClient)) {
            file.append(bytes, cx.settings);
        }
        Parsed::More
    }

    fn gap(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> Parsed {
        self.begin(cx);
        let Some(transfer) = &mut self.transfer else { return Parsed::Failed };
        for file in transfer.files.iter_mut().filter(|file| file.to_client == (side == Side::ToClient)) {
            file.gap(len);
        }
        Parsed::More
    }

    fn end(&mut self, side: Side, _: &mut Context<'_>) {
        FtpData::end(self, side);
    }

    fn ids(&self) -> Range<u64> {
        u64::from(self.is_released)..u64::from(self.transfer.is_some())
    }

    fn transaction(&self, id: u64) -> Option<&dyn Transaction> {
        self.transfer.as_ref().filter(|_| id == 0 && !self.is_released).map(|transfer| transfer as _)
    }

    fn release(&mut self, _: u64) {
        self.is_released = true;
        if let Some(transfer) = &mut self.transfer {
            transfer.files = Vec::new();
        }
    }

    fn bytes(&self) -> usize {
        let Some(transfer) = &self.transfer else { return 0 };
        let files: usize = transfer.files.iter().map(|file| file.head.capacity() + size_of::<File>()).sum();
        transfer.command.capacity() + 2 * transfer.name.capacity() + files
    }
}

impl Transaction for Transfer {
    fn progress(&self, side: Side) -> u8 {
        let [to_server, to_client] = self.ended;
        u8::from(if side == Side::ToServer { to_server } else { to_client })
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    fn holds(&self, test: &Body, _: Side) -> bool {
        let Body::Words(WordTest { field: WordField::FtpDataCommand, words }) = test else { return false };
        words.iter().all(|(negated, word)| self.command.eq_ignore_ascii_case(word.as_bytes()) != *negated)
    }

    fn files(&self) -> &[File] {
        &self.files
    }

    fn eve(&self, object: &mut Object<'_>) {
        if !self.name.is_empty() {
            object.text("filename", &self.name);
        }
        object.text("command", &self.command);
    }
}
