//! A command and its response as rules and EVE see them.

use crate::applayer::Side;
use crate::applayer::parser::{self, EventSet};
use crate::json::Object;
use crate::rules::Buffer;

/// A command with its response; or a response that no command asked for.
#[derive(Debug, Default)]
pub struct Exchange {
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    pub(super) is_complete: bool,
    pub(super) events: EventSet,
}

/// A command; what answers a challenge of AUTH is one without a name, and its content is not kept.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) command: Vec<u8>,
    pub(super) arguments: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Response {
    pub(super) is_ok: bool,
    /// What stands behind the status.
    pub(super) header: Vec<u8>,
    /// Lines that follow, within a bound; those of a message are not kept.
    pub(super) lines: Vec<Vec<u8>>,
    pub(super) bytes: usize,
}

impl Exchange {
    pub(super) fn bytes(&self) -> usize {
        let texts = self.request.iter().flat_map(|request| request.arguments.iter().chain([&request.command]));
        let lines = self.response.iter().flat_map(|response| response.lines.iter().chain([&response.header]));
        size_of::<Exchange>() + texts.chain(lines).map(|text| text.capacity() + size_of::<Vec<u8>>()).sum::<usize>()
    }
}

impl Response {
    /// Adds a line, within the bound.
    pub(super) fn line(&mut self, line: &[u8]) {
        self.bytes += line.len() + size_of::<Vec<u8>>();
        if self.bytes <= MAX_LINES {
            self.lines.push(line.to_vec());
        }
    }
}

impl parser::Transaction for Exchange {
    fn progress(&self, side: Side) -> u8 {
        match side {
            Side::ToServer => 1,
            Side::ToClient => self.is_complete.into(),
        }
    }

    fn buffer<'a>(&'a self, _: Buffer, _: Side, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        None
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        if let Some(Request { command, arguments }) = &self.request {
            object.object("request", |object| {
                object.text("command", command);
                object.array("args", |array| {
                    for argument in arguments {
                        array.text(argument);
                    }
                });
            });
        }
        if let Some(Response { is_ok, header, lines, .. }) = &self.response {
            object.object("response", |object| {
                object.boolean("success", *is_ok).text("status", if *is_ok { "OK" } else { "ERR" });
                object.text("header", header);
                object.array("data", |array| {
                    for line in lines {
                        array.text(line);
                    }
                });
            });
        }
    }
}

/// Bytes of a response's lines.
const MAX_LINES: usize = 32 << 10;
