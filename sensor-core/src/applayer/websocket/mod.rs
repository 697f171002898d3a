//! WebSocket (RFC 6455), after HTTP's upgrade. Each frame is a transaction of its side, as in Suricata 8; the last of a
//! message in pieces has all of it.

#[cfg(test)]
mod tests;

use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use super::parser::{self, Context, EventSet, Live, Parsed, Parser, Protocol, Settings};
use super::{AppProto, Side};
use crate::json::Object;
use crate::rules::ast::{Body, WordField};
use crate::rules::{Buffer, Field};

/// WebSocket.
pub static PROTOCOL: Protocol = Protocol {
    app: AppProto::WebSocket,
    parser: |settings| Box::new(WebSocket::new(settings)),
    events: &["skip_end_of_payload", "reassembly_limit_reached"],
    ready,
    complete: [1, 1],
    eve: Some("websocket"),
};

/// Places in [`Protocol::events`].
const SKIP_END_OF_PAYLOAD: u8 = 0;
const REASSEMBLY_LIMIT_REACHED: u8 = 1;

/// Bytes of a payload that are kept (`app-layer.protocols.websocket.max-payload-size`), and of a message in pieces.
const MAX_PAYLOAD: usize = 64 << 10;
/// What ends the data of a compressed message (RFC 7692, section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// About what a decoder holds: its window and tables.
const WINDOW: usize = 48 << 10;

/// A frame is complete as soon as it is there.
fn ready(_: Buffer, _: Side) -> u8 {
    1
}

/// Reads a connection.
#[derive(Debug)]
struct WebSocket {
    live: Live<Frame>,
    halves: [Half; 2],
    bomb: u64,
}

/// One side.
#[derive(Debug, Default)]
struct Half {
    /// What came of a frame's head.
    open: Vec<u8>,
    frame: Option<(Frame, u64)>,
    /// A message in pieces: compressed or not, and what came of it.
    message: Option<(bool, Vec<u8>)>,
    decoder: Option<Box<Decompress>>,
    lost: bool,
}

/// See the module.
#[derive(Debug)]
struct Frame {
    side: Side,
    fin: bool,
    compressed: bool,
    opcode: u8,
    mask: Option<[u8; 4]>,
    payload: Vec<u8>,
    /// Bytes of the payload seen.
    seen: u64,
    events: EventSet,
}

/// A frame and its length, behind how many bytes (section 5.2); `None` if they are too few.
fn head(side: Side, bytes: &[u8]) -> Option<(Frame, u64, usize)> {
    let [first, second, ..] = *bytes else { return None };
    let (length, at) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
        short => (u64::from(short), 2),
    };
    let mask = if second & 0x80 != 0 { Some(*bytes.get(at..)?.first_chunk::<4>()?) } else { None };
    let frame = Frame {
        side,
        fin: first & 0x80 != 0,
        compressed: first & 0x40 != 0,
        opcode: first & 15,
        mask,
        payload: Vec::new(),
        seen: 0,
        events: EventSet::NONE,
    };
    Some((frame, length, at + if mask.is_some() { 4 } else { 0 }))
}

impl Frame {
    /// The next bytes of the payload, as they came.
    fn append(&mut self, bytes: &[u8]) {
        let room = bytes.len().min(MAX_PAYLOAD - self.payload.len().min(MAX_PAYLOAD));
        let start = self.payload.len();
        self.payload.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if let Some(mask) = self.mask {
            let places = mask.iter().cycle().skip((self.seen % 4) as usize);
            self.payload.iter_mut().skip(start).zip(places).for_each(|(byte, mask)| *byte ^= mask);
        }
        if room < bytes.len() {
            self.events.add(SKIP_END_OF_PAYLOAD);
        }
        self.seen += bytes.len() as u64;
    }

    fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }
}

/// Undoes the compression of a message (RFC 7692, section 7.2.2); `None` if it is none, or gives more than `bomb`.
fn inflate(decoder: &mut Decompress, payload: &[u8], bomb: u64) -> Option<Vec<u8>> {
    let (mut out, mut room, start) = (Vec::new(), vec![0; 4096], decoder.total_out());
    for mut input in [payload, &TAIL] {
        loop {
            let (came, gave) = (decoder.total_in(), decoder.total_out());
            let status = decoder.decompress(input, &mut room, FlushDecompress::Sync).ok()?;
            input = input.get((decoder.total_in() - came) as usize..)?;
            let fresh = room.get(..(decoder.total_out() - gave) as usize)?;
            let left = fresh.len().min(MAX_PAYLOAD.saturating_sub(out.len()));
            out.extend_from_slice(fresh.get(..left)?);
            if decoder.total_out() - start > bomb {
                return None;
            }
            if status == Status::StreamEnd {
                decoder.reset(false);
                return Some(out);
            }
            if fresh.len() < room.len() && (input.is_empty() || fresh.is_empty()) {
                break;
            }
        }
    }
    Some(out)
}

impl WebSocket {
    fn new(settings: &Settings) -> WebSocket {
        WebSocket { live: Live::default(), halves: Default::default(), bomb: settings.http.bomb }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        let [to_server, to_client] = &mut self.halves;
        if side == Side::ToServer { to_server } else { to_client }
    }

    /// A frame is whole. Control frames may stand between the pieces of a message (section 5.4).
    fn finish(&mut self, side: Side, mut frame: Frame, most: usize) {
        let bomb = self.bomb;
        let half = self.half(side);
        if !frame.is_control() {
            let mut compressed = frame.compressed;
            if frame.opcode == 0
                && let Some((was, message)) = &mut half.message
            {
                compressed |= *was;
                let room = frame.payload.len().min(MAX_PAYLOAD.saturating_sub(message.len()));
                if room < frame.payload.len() {
                    frame.events.add(REASSEMBLY_LIMIT_REACHED);
                }
                message.extend_from_slice(frame.payload.get(..room).unwrap_or_default());
                if frame.fin {
                    frame.payload = std::mem::take(message);
                }
            } else if !frame.fin {
                half.message = Some((compressed, frame.payload.clone()));
            }
            if frame.fin {
                half.message = None;
                if compressed {
                    // The window goes on from message to message, unless both agreed otherwise; then nothing refers back.
                    let decoder = half.decoder.get_or_insert_with(|| Box::new(Decompress::new(false)));
                    match inflate(decoder, &frame.payload, bomb) {
                        Some(payload) => frame.payload = payload,
                        // The next message's decoder lacks its window.
                        None => half.decoder = None,
                    }
                }
            }
        }
        let ids = self.live.ids();
        if ids.end - ids.start >= most.max(1) as u64 {
            self.live.remove(ids.start);
        }
        self.live.push(frame);
    }
}

impl Parser for WebSocket {
    fn data(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Parsed {
        let mut rest = bytes;
        while !rest.is_empty() {
            let half = self.half(side);
            if half.lost {
                return Parsed::Enough;
            }
            if let Some((mut frame, left)) = half.frame.take() {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                let (taken, behind) = rest.split_at(now);
                rest = behind;
                frame.append(taken);
                if left == now as u64 {
                    self.finish(side, frame, cx.settings.transactions);
                } else {
                    half.frame = Some((frame, left - now as u64));
                }
                continue;
            }
            let Some((byte, behind)) = rest.split_first() else { break };
            half.open.push(*byte);
            rest = behind;
            if let Some((frame, length, _)) = head(side, &half.open) {
                half.open.clear();
                if length == 0 {
                    self.finish(side, frame, cx.settings.transactions);
                } else {
                    half.frame = Some((frame, length));
                }
            }
        }
        Parsed::More
    }

    fn gap(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> Parsed {
        let most = cx.settings.transactions;
        let half = self.half(side);
        half.decoder = None;
        match half.frame.take() {
            Some((mut frame, left)) if len <= left => {
                frame.seen += len;
                frame.events.add(SKIP_END_OF_PAYLOAD);
                if len == left {
                    self.finish(side, frame, most);
                } else {
                    half.frame = Some((frame, left - len));
                }
                Parsed::More
            }
            // Where a frame begins is not known any more.
            _ => {
                *half = Half { lost: true, ..Half::default() };
                Parsed::Enough
            }
        }
    }

    fn end(&mut self, _: Side, _: &mut Context<'_>) {}

    fn ids(&self) -> Range<u64> {
        self.live.ids()
    }

    fn transaction(&self, id: u64) -> Option<&dyn parser::Transaction> {
        self.live.get(id).map(|frame| frame as _)
    }

    fn release(&mut self, id: u64) {
        self.live.remove(id);
    }

    fn bytes(&self) -> usize {
        let half = |half: &Half| {
            half.frame.as_ref().map_or(0, |(frame, _)| frame.payload.capacity())
                + half.message.as_ref().map_or(0, |(_, message)| message.capacity())
                + half.decoder.as_ref().map_or(0, |_| WINDOW)
        };
        self.halves.iter().map(half).sum::<usize>()
            + self.live.iter().map(|frame| size_of::<Frame>() + frame.payload.capacity()).sum::<usize>()
    }
}

impl parser::Transaction for Frame {
    fn progress(&self, _: Side) -> u8 {
        1
    }

    fn only(&self) -> Option<Side> {
        Some(self.side)
    }

    fn buffer<'a>(&'a self, buffer: Buffer, side: Side, index: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        (side == self.side && index == 0 && buffer == Buffer::WebsocketPayload).then_some(&self.payload)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most numbers are of other protocols")]
    fn number(&self, field: Field, side: Side, index: usize) -> Option<i64> {
        if side != self.side || index > 0 {
            return None;
        }
        match field {
            Field::WebsocketOpcode => Some(self.opcode.into()),
            Field::WebsocketMask => self.mask.map(|mask| u32::from_be_bytes(mask).into()),
            _ => None,
        }
    }

    fn holds(&self, test: &Body, side: Side) -> bool {
        let Body::Words(test) = test else { return false };
        let has = |word: &str| if word == "fin" { self.fin } else { self.compressed };
        side == self.side
            && test.field == WordField::WebsocketFlags
            && test.words.iter().all(|(negated, word)| has(word) != *negated)
    }

    fn events(&self) -> EventSet {
        self.events
    }

    fn eve(&self, object: &mut Object<'_>) {
        object.boolean("fin", self.fin).number_if("mask", self.mask.map(u32::from_be_bytes));
        match Field::WebsocketOpcode.names().iter().find(|(_, opcode)| *opcode == u64::from(self.opcode)) {
            Some((name, _)) => object.text("opcode", name),
            None => object.display("opcode", format_args!("unknown-{}", self.opcode)),
        };
    }
}
