//! SMB 1 to 3 (MS-CIFS, MS-SMB, MS-SMB2) over the session service of port 139 or straight over TCP. A transaction is a
//! request with its answer, a call over a pipe, or a file from its first chunk until it is closed.

mod bytes;
mod eve;
mod names;
mod security;
mod smb1;
mod smb2;
mod state;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::frames::{Framing, Length, Piece, Rules};
use super::parser::{Context, EventSet, Parsed, Parser, Protocol};
use super::{AppProto, Side};
use state::State;

/// SMB.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Smb,
    parser: |_| Box::new(Smb::default()),
    events: &[
        "internal_error",
        "malformed_data",
        "malformed_ntlmssp_request",
        "negotiate_malformed_dialects",
        "file_overlap",
        "response_to_server",
        "request_to_client",
        "read_request_too_large",
        "read_response_too_large",
        "write_request_too_large",
        "negotiate_max_read_size_too_large",
        "negotiate_max_write_size_too_large",
        "write_queue_size_exceeded",
        "write_queue_cnt_exceeded",
        "read_queue_size_exceeded",
        "read_queue_cnt_exceeded",
        "too_many_transactions",
    ],
    ready: |_, _| 1,
    complete: [1, 1],
    eve: Some("smb"),
};

/// Places in [`Protocol::events`]; the first, and those of settings that there are none of, are never set.
mod event {
    pub(super) const MALFORMED_DATA: u8 = 1;
    pub(super) const MALFORMED_NTLMSSP_REQUEST: u8 = 2;
    pub(super) const NEGOTIATE_MALFORMED_DIALECTS: u8 = 3;
    pub(super) const FILE_OVERLAP: u8 = 4;
    pub(super) const RESPONSE_TO_SERVER: u8 = 5;
    pub(super) const REQUEST_TO_CLIENT: u8 = 6;
    pub(super) const READ_REQUEST_TOO_LARGE: u8 = 7;
    pub(super) const READ_RESPONSE_TOO_LARGE: u8 = 8;
    pub(super) const WRITE_REQUEST_TOO_LARGE: u8 = 9;
    pub(super) const WRITE_QUEUE_SIZE_EXCEEDED: u8 = 12;
    pub(super) const WRITE_QUEUE_CNT_EXCEEDED: u8 = 13;
    pub(super) const READ_QUEUE_SIZE_EXCEEDED: u8 = 14;
    pub(super) const READ_QUEUE_CNT_EXCEEDED: u8 = 15;
    pub(super) const TOO_MANY_TRANSACTIONS: u8 = 16;
}

/// Reads a connection.
#[derive(Debug, Default)]
struct Smb {
    framing: [Framing; 2],
    state: State,
}

/// Messages behind the session service's header (RFC 1002, section 4.3.1), of which SMB over TCP leaves the flags to
/// the length (MS-SMB2, section 2.1).
const FRAMING: Rules = Rules {
    length: |bytes| match bytes {
        [0 | 0x81..=0x85, a, b, c, ..] => Length::Is(4 + u32::from_be_bytes([0, *a, *b, *c]) as usize),
        [0 | 0x81..=0x85, ..] | [] => Length::Needs(4),
        _ => Length::Bad,
    },
    most: 64 << 10,
    begins: |bytes| matches!(bytes, [0, _, _, _, 0xfc..=0xff, b'S', b'M', b'B', ..]),
    begins_in: 8,
};

impl Smb {
    fn parts(&mut self, side: Side) -> (&mut Framing, &mut State) {
        let [client, server] = &mut self.framing;
        (if side == Side::ToServer { client } else { server }, &mut self.state)
    }
}

impl Parser for Smb {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let (framing, state) = self.parts(side);
        let fine = framing.feed(bytes, &FRAMING, &mut |piece| {
            match piece {
                Piece::Whole(message) | Piece::Head(message, _) => state.record(side, message, cx),
                Piece::Rest(part, left) => state.rest(side, part, left, cx),
                Piece::Missing(missing, left) => state.missing(side, missing, left),
            }
            true
        });
        if fine {
            return Parsed::More;
        }
        self.state.odd(event::MALFORMED_DATA);
        Parsed::Failed
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let (framing, state) = self.parts(side);
        let mut inside = 0;
        framing.gap(len, &mut |piece| {
            if let Piece::Missing(missing, left) = piece {
                inside = missing as u64;
                state.missing(side, missing, left);
            }
            true
        });
        if len > inside {
            state.lost(side);
        }
        Parsed::More
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.state.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.state.live.get(id).map(|transaction| transaction as _)
    }

    fn release(&mut self, id: u64) {
        self.state.live.remove(id);
    }

    fn events(&self) -> EventSet {
        self.state.events
    }

    fn bytes(&self) -> usize {
        self.framing.iter().map(Framing::bytes).sum::<usize>() + self.state.bytes()
    }
}
