//! HTTP/2 in the clear (RFC 9113). A stream is a transaction, and so is each frame of stream 0, as in Suricata 8; DNS in
//! bodies (RFC 8484) is read too.

mod eve;
mod event;
mod frame;
mod hpack;
mod huffman;
mod stream;
mod transaction;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::parser::{Context, EventSet, Live, Parsed, Parser, Protocol, Settings};
use super::{AppProto, Side};
use event::Event;
use frame::{Head, kind};
use hpack::Table;
use transaction::Stream;

/// HTTP/2.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::Http2,
    parser: |settings| Box::new(Http2::new(settings)),
    events: event::NAMES,
    ready: transaction::ready,
    complete: [transaction::COMPLETE; 2],
    eve: Some("http"),
};

/// What a client begins with (RFC 9113, section 3.4).
const MAGIC: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frames other than DATA that are longer are passed over.
const MAX_FRAME: u32 = 64 << 10;
/// Bytes of a header block with its continuations.
const MAX_BLOCK: usize = 100 << 10;

/// Reads a connection.
#[derive(Debug)]
struct Http2 {
    live: Live<Stream>,
    to_server: Half,
    to_client: Half,
    events: EventSet,
    /// The highest streams that were opened: by the server, by the client.
    opened: [u32; 2],
    /// As the flow's, but files keep what rules see of bodies.
    settings: Settings,
}

/// One side.
#[derive(Debug, Default)]
struct Half {
    state: State,
    /// What came of what is read next.
    open: Vec<u8>,
    table: Table,
    /// A header block that has not ended.
    block: Option<Block>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the client's magic, or the first frame.
    #[default]
    Start,
    /// Before a frame.
    Frame,
    /// In a frame that is read whole.
    Payload(Head),
    /// In DATA: bytes to come of the data, and of the padding.
    Data(Head, u32, u32),
    /// Before DATA's length of padding.
    Padded(Head),
    /// So many bytes are passed over.
    Skip(u32),
    /// Lost.
    Lost,
}

/// A header block in pieces (RFC 9113, section 4.3).
#[derive(Debug)]
struct Block {
    /// Whose the fields are.
    stream: u32,
    /// What CONTINUATION has to name.
    carrier: u32,
    promised: bool,
    ends: bool,
    bytes: Vec<u8>,
    cut: bool,
}

impl Http2 {
    fn new(settings: &Settings) -> Http2 {
        let mut settings = settings.clone();
        settings.file_bytes = settings.file_bytes.max(settings.http.request_body).max(settings.http.response_body);
        Http2 {
            live: Live::default(),
            to_server: Half::default(),
            to_client: Half::default(),
            events: EventSet::NONE,
            opened: [0; 2],
            settings,
        }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        if side == Side::ToServer { &mut self.to_server } else { &mut self.to_client }
    }

    /// Reads one thing; returns what it took.
    fn step<'a>(&mut self, side: Side, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let half = self.half(side);
        match half.state {
            State::Start => {
                let known = half.open.len();
                let is_magic = side == Side::ToServer && (known > 0 || bytes.first() == MAGIC.first());
                if !is_magic {
                    half.state = State::Frame;
                    return Some(bytes);
                }
                let (taken, rest) = bytes.split_at(bytes.len().min(MAGIC.len() - known));
                if MAGIC.get(known..known + taken.len()) != Some(taken) {
                    self.events.add(Event::InvalidClientMagic as u8);
                    return None;
                }
                half.open.extend_from_slice(taken);
                if half.open.len() == MAGIC.len() {
                    half.open.clear();
                    half.state = State::Frame;
                }
                Some(rest)
            }
            State::Frame => {
                let (taken, rest) = bytes.split_at(bytes.len().min(frame::HEAD - half.open.len()));
                half.open.extend_from_slice(taken);
                if let Some(head) = Head::parse(&half.open) {
                    half.open.clear();
                    self.begin(side, head);
                }
                Some(rest)
            }
            State::Payload(head) => {
                let wanted = (head.len as usize).saturating_sub(half.open.len());
                let (taken, rest) = bytes.split_at(bytes.len().min(wanted));
                half.open.extend_from_slice(taken);
                if taken.len() == wanted {
                    let payload = std::mem::take(&mut half.open);
                    half.state = State::Frame;
                    self.frame(side, head, &payload);
                }
                Some(rest)
            }
            State::Padded(head) => {
                let (pad, rest) = bytes.split_first()?;
                let left = head.len.saturating_sub(1);
                let pad = u32::from(*pad);
                if pad > left {
                    self.odd(head.stream, Event::InvalidFrameData);
                }
                let pad = pad.min(left);
                self.half(side).state = State::Data(head, left - pad, pad);
                self.data_over(side);
                Some(rest)
            }
            State::Data(head, left, pad) => {
                let now = bytes.len().min(left as usize);
                let (taken, rest) = bytes.split_at(now);
                half.state = State::Data(head, left - now as u32, pad);
                self.body(side, head.stream, taken);
                self.data_over(side);
                Some(rest)
            }
            State::Skip(left) => {
                let now = bytes.len().min(left as usize);
                half.state = if now as u32 == left { State::Frame } else { State::Skip(left - now as u32) };
                bytes.get(now..)
            }
            State::Lost => None,
        }
    }

    /// A frame's head was read.
    fn begin(&mut self, side: Side, head: Head) {
        let next = if head.kind == kind::DATA {
            self.open_data(side, head);
            if head.flags & frame::PADDED != 0 && head.len > 0 {
                State::Padded(head)
            } else {
                State::Data(head, head.len, 0)
            }
        } else if head.len > MAX_FRAME {
            self.odd(head.stream, Event::LongFrameData);
            State::Skip(head.len)
        } else {
            State::Payload(head)
        };
        self.half(side).state = next;
        if let State::Payload(head) = next
            && head.len == 0
        {
            self.half(side).state = State::Frame;
            self.frame(side, head, &[]);
        }
        self.data_over(side);
    }

    /// Goes on behind DATA whose data has ended.
    fn data_over(&mut self, side: Side) {
        if let State::Data(head, 0, pad) = self.half(side).state {
            self.half(side).state = if pad == 0 { State::Frame } else { State::Skip(pad) };
            self.end_data(side, head);
        }
    }
}

impl Parser for Http2 {
    fn data(&mut self, side: Side, bytes: &[u8], _: &mut Context<'_>) -> Parsed {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.step(side, rest) {
                Some(left) => rest = left,
                None => {
                    self.half(side).state = State::Lost;
                    return Parsed::Failed;
                }
            }
        }
        Parsed::More
    }

    fn gap(&mut self, side: Side, len: u64, _: &mut Context<'_>) -> Parsed {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        match self.half(side).state {
            State::Data(head, left, pad) if len <= left => {
                self.half(side).state = State::Data(head, left - len, pad);
                self.body_gap(side, head.stream, len.into());
                self.data_over(side);
                Parsed::More
            }
            State::Skip(left) if len <= left => {
                self.half(side).state = if len == left { State::Frame } else { State::Skip(left - len) };
                Parsed::More
            }
            // Where a frame begins is not known any more, nor what the table of fields holds.
            State::Start
            | State::Frame
            | State::Payload(_)
            | State::Data(..)
            | State::Padded(_)
            | State::Skip(_)
            | State::Lost => {
                self.half(side).state = State::Lost;
                self.finish_side(side, false);
                Parsed::Enough
            }
        }
    }

    fn end(&mut self, side: Side, _: &mut Context<'_>) {
        self.finish_side(side, false);
    }

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn super::parser::Transaction> {
        self.live.get(id).filter(|stream| !stream.is_released).map(|stream| stream as _)
    }

    fn release(&mut self, id: u64) {
        let Some(stream) = self.live.get_mut(id) else { return };
        stream.release();
        if stream.is_complete() {
            self.live.remove(id);
        }
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn bytes(&self) -> usize {
        let half = |half: &Half| {
            half.open.capacity() + half.table.bytes() + half.block.as_ref().map_or(0, |block| block.bytes.capacity())
        };
        half(&self.to_server) + half(&self.to_client) + self.live.iter().map(Stream::bytes).sum::<usize>()
    }
}
