//! Cuts what a flow carries into what rules name with `frame`: messages of a protocol and their parts, as they lie in
//! the stream. Only lengths are understood here; what messages say is the parsers' affair, and they know nothing of this.
//!
//! A message is handed over once it is whole. One that is too long, or that a gap or the stream's end cuts, is handed
//! over in pieces: its beginning, then what follows as it comes.

mod binary;
mod text;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;

use super::{AppProto, Side, Transport};

/// Tells parts of a message: their kind, and where they begin and end.
type Split = fn(Side, &[u8], u64, &mut Memory, &mut dyn FnMut(u8, u64, u64));

/// What is known of a protocol's messages.
pub struct Layout {
    /// The protocol.
    pub app: AppProto,
    /// What can be cut out, by Suricata's names: the place of one in here is its number.
    pub names: &'static [&'static str],
    /// How long the message is that begins here.
    length: fn(Side, &[u8], &Memory) -> Length,
    /// Tells the parts of a message of which that much is there, with where they begin and end in it.
    split: Split,
    /// Whether a message seems to begin here; asked where the beginning was not seen. Without it the side is given up.
    begins: Option<fn(&[u8]) -> bool>,
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layout").field(&self.app).finish()
    }
}

/// Of all protocols whose messages can be cut.
const LAYOUTS: &[&Layout] = &[
    &text::HTTP,
    &text::SIP,
    &text::SMTP,
    &text::FTP,
    &binary::TLS,
    &binary::SMB,
    &binary::DCERPC,
    &binary::DNS,
    &binary::MDNS,
    &binary::MQTT,
    &binary::WEBSOCKET,
    &binary::HTTP2,
    &binary::ENIP,
    &binary::LDAP,
];

/// How a protocol's messages are cut; `None` if they are not.
#[must_use]
pub fn layout(app: AppProto) -> Option<&'static Layout> {
    LAYOUTS.iter().copied().find(|layout| layout.app == app)
}

/// What the beginning of a message tells of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// More is needed to tell.
    Needs,
    /// All of it.
    Is(u64),
    /// It goes to the stream's end.
    Open,
    /// No message begins so.
    Bad,
}

/// What messages before tell of those that follow.
#[derive(Debug, Default)]
struct Memory {
    /// HTTP: which requests that are not answered yet were for a head alone.
    heads: VecDeque<bool>,
    mail: Mail,
}

/// What a mail's client sends next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mail {
    #[default]
    Commands,
    /// Data, once the server agrees.
    Asked,
    /// Data up to a lone dot.
    Data,
    /// So many bytes of data.
    Chunk(u64),
}

/// Protocols whose messages are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted(u128);

impl Wanted {
    /// Adds one.
    pub fn add(&mut self, app: AppProto) {
        self.0 |= bit(app);
    }

    /// Whether one is asked for.
    #[must_use]
    pub fn has(self, app: AppProto) -> bool {
        self.0 & bit(app) != 0
    }
}

fn bit(app: AppProto) -> u128 {
    1_u128.checked_shl(u32::from(app as u8)).unwrap_or(0)
}

/// A part of a message, or what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its number in [`Layout::names`].
    pub kind: u8,
    /// Who sent it.
    pub side: Side,
    /// Counts all parts of the flow's messages, from 0; the same for all pieces of one.
    pub id: u64,
    /// How far behind the part's beginning this begins.
    pub start: u64,
    /// It goes to the part's end.
    pub ends: bool,
    /// Where its bytes lie in what the carver holds.
    bytes: (usize, usize),
}

/// Cuts one flow.
#[derive(Debug)]
pub struct Carver {
    layout: &'static Layout,
    halves: [Half; 2],
    memory: Memory,
    next: u64,
    pieces: Vec<Piece>,
    /// The bytes of `pieces`: no more than what was given since they were cleared, and what was open before.
    room: Vec<u8>,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    /// A message that is not whole: less than [`MOST_OPEN`].
    open: Vec<u8>,
    /// How much of a message is to come whose beginning was handed over.
    left: Option<Left>,
    running: Vec<Running>,
    /// Where a message begins is not known.
    lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Bytes(u64),
    /// All of the stream.
    All,
}

/// A part that goes on.
#[derive(Clone, Copy, Debug)]
struct Running {
    kind: u8,
    id: u64,
    /// Bytes until it begins, if it has not.
    before: u64,
    done: u64,
    /// Bytes in all, if it ends before the stream.
    length: Option<u64>,
}

impl Carver {
    /// Of a flow of that protocol.
    #[must_use]
    pub fn new(layout: &'static Layout) -> Carver {
        let halves = [Half::default(), Half::default()];
        Carver { layout, halves, memory: Memory::default(), next: 0, pieces: Vec::new(), room: Vec::new() }
    }

    /// The protocol.
    #[must_use]
    pub fn app(&self) -> AppProto {
        self.layout.app
    }

    /// What was cut since [`Carver::clear`], with its bytes.
    pub fn pieces(&self) -> impl Iterator<Item = (Piece, &[u8])> {
        self.pieces.iter().map(|piece| {
            let (from, to) = piece.bytes;
            (*piece, self.room.get(from..to).unwrap_or_default())
        })
    }

    /// Nothing was cut since [`Carver::clear`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Forgets what was cut.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.room.clear();
    }

    /// Bytes on the heap, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.room.capacity()
            + self.pieces.capacity() * size_of::<Piece>()
            + self.halves.iter().map(|half| half.open.capacity()).sum::<usize>()
    }

    /// The next bytes of a side's stream, or its next datagram.
    pub fn data(&mut self, side: Side, bytes: &[u8], transport: Transport) {
        if transport == Transport::Udp {
            self.begin(side, bytes, Some(bytes.len() as u64));
            *self.half(side) = Half::default();
            return;
        }
        let open = std::mem::take(&mut self.half(side).open);
        if open.is_empty() {
            let used = self.cut(side, bytes);
            self.half(side).open = bytes.get(used..).unwrap_or_default().to_vec();
            return;
        }
        let mut joined = open;
        joined.extend_from_slice(bytes);
        let used = self.cut(side, &joined);
        joined.drain(..used);
        self.half(side).open = joined;
    }

    /// Bytes of a side's stream are missing.
    pub fn gap(&mut self, side: Side, len: u64) {
        self.close(side, false);
        let half = self.half(side);
        match &mut half.left {
            Some(Left::All) => {}
            Some(Left::Bytes(left)) if len <= *left => *left -= len,
            Some(Left::Bytes(_)) | None => {
                *half = Half { lost: true, ..Half::default() };
                return;
            }
        }
        for part in &mut half.running {
            let before = part.before.min(len);
            part.before -= before;
            part.done += len - before;
        }
        if half.left == Some(Left::Bytes(0)) {
            (half.left, half.running) = (None, Vec::new());
        }
    }

    /// A side's stream has ended.
    pub fn end(&mut self, side: Side) {
        self.close(side, true);
        *self.half(side) = Half { lost: true, ..Half::default() };
    }

    /// Hands over what is open; with the stream's end ends what has no other.
    fn close(&mut self, side: Side, ended: bool) {
        let open = std::mem::take(&mut self.half(side).open);
        if open.is_empty() {
            return;
        }
        match (self.layout.length)(side, &open, &self.memory) {
            Length::Is(total) => self.begin(side, &open, Some(total)),
            Length::Open if ended => self.begin(side, &open, Some(open.len() as u64)),
            Length::Open => self.begin(side, &open, None),
            // Where it ends will not be known.
            Length::Needs | Length::Bad => {
                self.begin(side, &open, None);
                *self.half(side) = Half { lost: true, ..Half::default() };
            }
        }
    }

    /// Cuts what can be; tells how much that was.
    fn cut(&mut self, side: Side, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            let half = self.half(side);
            if half.lost {
                let begins = self.layout.begins;
                let Some(at) = begins.and_then(|begins| (0..rest.len()).find(|at| rest.get(*at..).is_some_and(begins)))
                else {
                    return bytes.len();
                };
                self.half(side).lost = false;
                rest = rest.get(at..).unwrap_or_default();
                continue;
            }
            if let Some(left) = half.left {
                let most = if let Left::Bytes(left) = left { fits(left) } else { usize::MAX };
                let (now, later) = rest.split_at(most.min(rest.len()));
                self.go_on(side, now);
                rest = later;
                continue;
            }
            let total = match (self.layout.length)(side, rest, &self.memory) {
                Length::Is(0) | Length::Bad => {
                    half_of(&mut self.halves, side).lost = true;
                    // What is no beginning here is none the second time.
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                Length::Is(total) => Some(total),
                Length::Needs | Length::Open => None,
            };
            let is_whole = total.is_some_and(|total| total <= rest.len() as u64);
            if !is_whole && rest.len() < MOST_OPEN {
                break;
            }
            let here = total.map_or(usize::MAX, fits).min(rest.len());
            let (message, later) = rest.split_at(here);
            self.begin(side, message, total);
            rest = later;
        }
        bytes.len() - rest.len()
    }

    /// Hands over a message, or its beginning.
    fn begin(&mut self, side: Side, have: &[u8], total: Option<u64>) {
        let Carver { layout, halves, memory, next, pieces, room } = self;
        let (half, base, len) = (half_of(halves, side), room.len(), have.len() as u64);
        room.extend_from_slice(have);
        half.running.clear();
        (layout.split)(side, have, total.unwrap_or(u64::MAX), memory, &mut |kind, from, to| {
            if pieces.len() >= MOST_PIECES || from > to {
                return;
            }
            let (id, end) = (*next, to.min(len));
            *next += 1;
            let length = (to != u64::MAX).then(|| to - from);
            if from <= end && (from < len || to <= len) {
                let bytes = (base + fits(from), base + fits(end));
                pieces.push(Piece { kind, side, id, start: 0, ends: to <= len, bytes });
            }
            if to > len {
                let (before, done) = (from.saturating_sub(len), end.saturating_sub(from));
                half.running.push(Running { kind, id, before, done, length });
            }
        });
        half.left = match total {
            Some(total) => Some(total.saturating_sub(len)).filter(|left| *left > 0).map(Left::Bytes),
            None => Some(Left::All),
        };
    }

    /// Hands over what follows the beginning of a message.
    fn go_on(&mut self, side: Side, part: &[u8]) {
        let Carver { halves, pieces, room, .. } = self;
        let (half, base, len) = (half_of(halves, side), room.len(), part.len() as u64);
        room.extend_from_slice(part);
        for running in &mut half.running {
            let from = running.before.min(len);
            running.before -= from;
            let left = running.length.map_or(u64::MAX, |length| length.saturating_sub(running.done));
            let now = left.min(len - from);
            if now > 0 && pieces.len() < MOST_PIECES {
                let bytes = (base + fits(from), base + fits(from + now));
                let (kind, id, start) = (running.kind, running.id, running.done);
                pieces.push(Piece { kind, side, id, start, ends: now == left, bytes });
            }
            running.done += now;
        }
        if let Some(Left::Bytes(left)) = &mut half.left {
            *left = left.saturating_sub(len);
        }
        if half.left == Some(Left::Bytes(0)) {
            (half.left, half.running) = (None, Vec::new());
        }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        half_of(&mut self.halves, side)
    }
}

fn half_of(halves: &mut [Half; 2], side: Side) -> &mut Half {
    let [client, server] = halves;
    if side == Side::ToServer { client } else { server }
}

fn fits(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// Bytes of a message that are waited for until it is whole.
const MOST_OPEN: usize = 68 << 10;

/// Parts that one call gives.
const MOST_PIECES: usize = 4096;
