//! TFTP (RFC 1350): a transaction is a request to read or to write a file. What is moved goes between other ports.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, Live, Parsed, Parser, Protocol, Transaction};
use super::{AppProto, Side};
use crate::json::Object;
use crate::rules::Buffer;

/// TFTP.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Tftp,
    parser: |_| Box::new(Tftp::default()),
    events: &[],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("tftp"),
};

/// Reads the datagrams of a flow.
#[derive(Debug, Default)]
struct Tftp {
    live: Live<Request>,
}

/// A request.
#[derive(Debug)]
struct Request {
    is_write: bool,
    file: Vec<u8>,
    mode: &'static str,
}

impl Request {
    /// Reads a datagram: an opcode, a name and a mode, each with a zero behind it (RFC 1350, section 5).
    fn parse(datagram: &[u8]) -> Option<Request> {
        let (is_write, rest) = match datagram {
            [0, 1, rest @ ..] => (false, rest),
            [0, 2, rest @ ..] => (true, rest),
            _ => return None,
        };
        let mut texts = rest.splitn(3, |byte| *byte == 0);
        let (file, mode, _) = (texts.next()?, texts.next()?, texts.next()?);
        let mode = MODES.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(mode))?;
        Some(Request { is_write, file: file.to_vec(), mode })
    }
}

impl Parser for Tftp {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        if side == Side::ToServer
            && let Some(request) = Request::parse(bytes)
        {
            // The oldest gives way where nobody reads them.
            let ids = self.live.ids();
            if ids.end - ids.start >= cx.settings.transactions.max(1) as u64 {
                self.live.remove(ids.start);
            }
            self.live.push(request);
        }
        Parsed::More
    }

    fn gap(&mut self, _: Side, _: u64, _: &mut Context<'_>) -> Parsed {
        Parsed::More
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn Transaction> {
        self.live.get(id).map(|request| request as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn bytes(&self) -> usize {
        self.live.iter().map(|request| size_of::<Request>() + request.file.capacity()).sum()
    }
}

impl Transaction for Request {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(Side::ToServer)
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.text("packet", if self.is_write { "write" } else { "read" });
        object.text("file", &self.file).text("mode", self.mode);
    }
}

/// RFC 1350, section 1.
const MODES: [&str; 3] = ["netascii", "mail", "octet"];
