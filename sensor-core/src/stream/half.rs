//! One side of a connection: its numbers, and its bytes on their way to the reader.

use super::event::{Event, Events};
use super::policy::Policy;
use super::pool::Pool;
use super::settings::Streams;
use super::store::Store;
use super::{End, Reader, Side, Wants, behind, distance};

/// What is known of one side as a sender.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// Segments that wait; `None` while there are none.
    pub store: Option<Box<Store>>,
    /// Bytes handed on or told as gaps: the place in the stream of `next`.
    pub told: u64,
    /// Initial sequence number.
    pub isn: u32,
    /// Next number to hand on.
    pub next: u32,
    /// After the highest number sent.
    pub top: u32,
    /// Highest acknowledgement by the peer.
    pub acked: u32,
    /// After the last number that the peer's window lets it send.
    pub edge: u32,
    /// Number of the FIN; before the handshake ended, another initial number that was tried.
    pub fin: u32,
    /// Last timestamp value, and the second of packet time when it came.
    pub stamp: u32,
    pub stamped: u32,
    /// Window scale shift that it announced: for the windows it sends.
    pub scale: u8,
    /// How its peer takes overlaps.
    pub policy: Policy,
    /// `KNOWN` and what follows it.
    pub flags: u16,
}

/// `isn`, `next` and `top` are known.
pub(super) const KNOWN: u16 = 1;
/// It sent a packet.
pub(super) const SEEN: u16 = 1 << 1;
/// The peer acknowledged something: `acked` is known.
pub(super) const ACKED: u16 = 1 << 2;
/// `edge` is known, and so are the peer's window scale and thereby the window.
pub(super) const EDGE: u16 = 1 << 3;
/// `stamp` is known and checked.
pub(super) const STAMP: u16 = 1 << 4;
/// It announced a window scale.
pub(super) const SCALE: u16 = 1 << 5;
/// A FIN was taken; `fin` is its number.
pub(super) const FIN: u16 = 1 << 6;
/// Before the handshake ended: `fin` is another initial number.
pub(super) const OTHER_ISN: u16 = 1 << 7;
/// Nobody reads it any more.
pub(super) const DONE: u16 = 1 << 8;
/// Its last window was zero.
pub(super) const ZERO_WINDOW: u16 = 1 << 9;
/// It sent a RST that was believed.
pub(super) const RST: u16 = 1 << 10;
/// It asked for fast open, or granted it.
pub(super) const FAST_OPEN: u16 = 1 << 11;
/// What waits is not sure to be taken by the peer: see [`Half::put_aside`].
pub(super) const ASIDE: u16 = 1 << 12;

/// What is at hand while one packet is worked on.
pub(super) struct Pass<'a, R> {
    pub streams: &'a mut Streams,
    pub reader: &'a mut R,
    pub events: Events,
    /// The packet's data is part of its stream.
    pub took: bool,
}

impl Half {
    #[inline]
    pub fn is(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    #[inline]
    pub fn set(&mut self, flag: u16) {
        self.flags |= flag;
    }

    #[inline]
    pub fn clear(&mut self, flag: u16) {
        self.flags &= !flag;
    }

    /// Its stream starts after `isn`.
    pub fn start(&mut self, isn: u32) {
        self.isn = isn;
        self.next = isn.wrapping_add(1);
        self.top = self.next;
        self.set(KNOWN);
    }

    /// Its FIN was acknowledged.
    pub fn fin_acked(&self) -> bool {
        self.is(FIN) && self.is(ACKED) && behind(self.fin, self.acked)
    }

    /// Takes a segment's data: its sequence number, its length on the wire, what of it was captured.
    pub fn take<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, seq: u32, len: u32, captured: &[u8]) {
        let mut len = len;
        if self.is(FIN) {
            // Nothing comes after a FIN (RFC 9293 section 3.10.4).
            len = len.min(distance(seq, self.fin).max(0) as u32);
        }
        let end = seq.wrapping_add(len);
        if behind(self.top, end) {
            self.top = end;
        }
        if len == 0 {
            return;
        }
        pass.took = true;
        if self.is(DONE) {
            self.pass_over(end);
            return;
        }
        if self.is(ASIDE) {
            self.decide_aside(pass, side, seq);
        }
        let below = distance(seq, self.next).max(0) as u32;
        if below >= len {
            pass.events.add(Event::BeforeBase);
            return;
        }
        let captured = captured.get(..(len as usize).min(captured.len())).unwrap_or(&[]);
        if below == 0 && self.store.is_none() && self.hole_is_sure(seq) && seq != self.next {
            self.skip_to(pass, side, seq);
        }
        if self.store.is_none() && !behind(self.next, seq) {
            self.hand(pass, side, captured.get(below as usize..).unwrap_or(&[]), len - below);
        } else {
            self.wait(pass, side, seq.wrapping_add(below), len - below, captured, below);
        }
    }

    /// Takes a byte out of the stream: it was sent as urgent.
    pub fn take_out_of_band<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, seq: u32) {
        let end = seq.wrapping_add(1);
        if behind(self.top, end) {
            self.top = end;
        }
        if self.is(DONE) {
            self.pass_over(end);
        } else if self.store.is_none() && seq == self.next {
            self.next = end;
        } else if !behind(seq, self.next) {
            let mut store = self.store.take().unwrap_or_else(|| pass.streams.pool.list());
            store.insert_out_of_band(seq);
            self.drain(pass, side, &mut store, &[]);
            self.keep(pass, store);
        }
    }

    /// Puts data aside that the peer may or may not have taken: it came on a SYN, or probed a closed window. It counts
    /// once it is acknowledged or the sender goes on after it; if the sender says it again, what it says then counts.
    pub fn put_aside<R>(&mut self, pass: &mut Pass<'_, R>, seq: u32, len: u32, captured: &[u8]) {
        if self.is(DONE) || (self.store.is_some() && !self.is(ASIDE)) {
            return;
        }
        pass.took = true;
        let mut store = self.store.take().unwrap_or_else(|| pass.streams.pool.list());
        let pool = &mut pass.streams.pool;
        empty(&mut store, pool);
        store.insert(Policy::Last, seq, len, captured, 0, pool);
        if store.settle(captured, pool) {
            self.set(ASIDE);
        } else {
            empty(&mut store, pool);
            self.clear(ASIDE);
            pass.events.add(Event::NoMemory);
        }
        self.keep(pass, store);
    }

    /// Decides about what was put aside, now that the sender goes on at `seq`.
    #[cold]
    fn decide_aside<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, seq: u32) {
        self.clear(ASIDE);
        let Some(mut store) = self.store.take() else { return };
        let taken = self.is(ACKED) && behind(self.next, self.acked);
        if taken || store.front().is_some_and(|aside| !behind(seq, aside.end())) {
            self.drain(pass, side, &mut store, &[]);
        } else {
            empty(&mut store, &mut pass.streams.pool);
        }
        self.keep(pass, store);
    }

    /// The peer acknowledges up to `ack`.
    pub fn acknowledge<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, ack: u32) {
        if !self.is(ACKED) || behind(self.acked, ack) {
            self.acked = ack;
            self.set(ACKED);
        }
        if behind(self.top, ack) {
            self.top = ack;
        }
        if self.is(DONE) {
            self.pass_over(ack);
        } else if self.store.is_some() && behind(self.next, ack) {
            self.clear(ASIDE);
            self.advance(pass, side);
        }
    }

    /// Hands on what waits and can go, after an acknowledgement moved.
    fn advance<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side) {
        if let Some(mut store) = self.store.take() {
            self.drain(pass, side, &mut store, &[]);
            self.keep(pass, store);
        }
    }

    /// Hands on all that waits, with its gaps, and ends the stream.
    pub fn finish<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, how: End) {
        if let Some(mut store) = self.store.take() {
            self.flush(pass, side, &mut store, &[]);
            pass.streams.pool.give_back_list(store);
        }
        if !self.is(DONE) && self.is(KNOWN) && self.is(ACKED) {
            let to = if self.is(FIN) && behind(self.fin, self.acked) { self.fin } else { self.acked };
            // One number more may be a FIN that wasn't captured.
            if distance(self.next, to) > i64::from(!self.is(FIN)) {
                self.skip_to(pass, side, to);
            }
        }
        self.end_at_fin(pass, side);
        if self.is(KNOWN) {
            self.end(pass, side, how);
        }
    }

    /// The FIN's place was reached.
    pub fn end_at_fin<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side) {
        if self.is(FIN) && self.next == self.fin {
            self.end(pass, side, End::Fin);
        }
    }

    /// Data that is out of order, or in order while other data waits.
    fn wait<R: Reader>(
        &mut self,
        pass: &mut Pass<'_, R>,
        side: Side,
        seq: u32,
        len: u32,
        captured: &[u8],
        offset: u32,
    ) {
        let mut store = self.store.take().unwrap_or_else(|| pass.streams.pool.list());
        pass.streams.stats.out_of_order += u64::from(seq != self.next);
        if store.insert(self.policy, seq, len, captured, offset, &mut pass.streams.pool) {
            pass.events.add(Event::OverlapDifferent);
        }
        self.drain(pass, side, &mut store, captured);
        let settings = pass.streams.settings;
        // Where the peer isn't seen, nothing tells that a hole won't be filled.
        let share = if self.is(ACKED) { 1 } else { ONE_SIDED_SHARE };
        if !store.settle(captured, &mut pass.streams.pool) {
            pass.streams.stats.forced_memcap += 1;
            pass.events.add(Event::NoMemory);
            self.flush(pass, side, &mut store, captured);
        } else if store.bytes() > settings.side_bytes / share || store.len() > settings.side_segments / share {
            pass.streams.stats.forced_side += 1;
            pass.events.add(Event::NoMemory);
            self.flush(pass, side, &mut store, captured);
        }
        self.keep(pass, store);
    }

    /// Hands on from the front of the list as far as nothing is missing, or what is missing is known to be lost.
    fn drain<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, store: &mut Store, packet: &[u8]) {
        while let Some(front) = store.front() {
            let ahead = distance(self.next, front.seq);
            if ahead > 0 && !self.hole_is_sure(front.seq) {
                break;
            }
            self.pop(pass, side, store, packet);
        }
    }

    /// Hands on the whole list.
    fn flush<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, store: &mut Store, packet: &[u8]) {
        while !store.is_empty() {
            self.pop(pass, side, store, packet);
        }
    }

    /// Hands on the first of the list, and the gap before it if there is one.
    fn pop<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, store: &mut Store, packet: &[u8]) {
        let Some(piece) = store.pop() else { return };
        if behind(self.next, piece.seq) {
            self.skip_to(pass, side, piece.seq);
        }
        // The list's first may have been overtaken by data that didn't wait.
        let known = distance(piece.seq, self.next).max(0);
        if piece.out_of_band() {
            self.next = if known == 0 { piece.end() } else { self.next };
        } else if let Ok(known) = u32::try_from(known)
            && known < piece.len
        {
            self.hand(pass, side, piece.data(packet).get(known as usize..).unwrap_or(&[]), piece.len - known);
        }
        piece.release(&mut pass.streams.pool);
    }

    /// The peer acknowledged all before `seq`: what wasn't seen of it won't come.
    ///
    /// An acknowledgement alone is not believed. Only together with data that was sent after the hole: a capture may
    /// hold an acknowledgement before its data, and a lying peer could hide data behind acknowledgements.
    #[inline]
    fn hole_is_sure(&self, seq: u32) -> bool {
        self.is(ACKED) && !behind(self.acked, seq)
    }

    /// Hands on the next bytes: `len` numbers, of which `bytes` were captured.
    #[inline]
    fn hand<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, bytes: &[u8], len: u32) {
        let missing = len - bytes.len() as u32;
        if !bytes.is_empty() {
            self.hand_captured(pass, side, bytes);
        }
        if missing > 0 {
            self.skip_to(pass, side, self.next.wrapping_add(missing));
        }
    }

    /// Hands on the next bytes, as far as they are wanted.
    #[inline]
    pub fn hand_captured<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, bytes: &[u8]) {
        let (at, depth) = (self.told, pass.streams.settings.depth);
        self.next = self.next.wrapping_add(bytes.len() as u32);
        self.told += bytes.len() as u64;
        if self.is(DONE) {
            return;
        }
        let deep = depth != 0 && self.told > depth;
        let wanted = if deep { bytes.get(..depth.saturating_sub(at) as usize).unwrap_or(&[]) } else { bytes };
        if !wanted.is_empty() {
            pass.streams.stats.bytes += wanted.len() as u64;
            if pass.reader.data(side, wanted) == Wants::Enough {
                self.set(DONE);
            }
        }
        if deep {
            self.reach_depth(pass, side);
        }
    }

    /// Tells the gap up to `seq`.
    #[cold]
    fn skip_to<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, seq: u32) {
        let len = u64::from(seq.wrapping_sub(self.next));
        let (at, depth) = (self.told, pass.streams.settings.depth);
        self.next = seq;
        self.told += len;
        if self.is(DONE) {
            return;
        }
        let deep = depth != 0 && self.told > depth;
        let wanted = if deep { depth.saturating_sub(at) } else { len };
        if wanted > 0 {
            pass.events.add(Event::Gap);
            pass.streams.stats.gaps += 1;
            pass.streams.stats.gap_bytes += wanted;
            if pass.reader.gap(side, wanted) == Wants::Enough {
                self.set(DONE);
            }
        }
        if deep {
            self.reach_depth(pass, side);
        }
    }

    #[cold]
    fn reach_depth<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side) {
        pass.events.add(Event::DepthReached);
        self.end(pass, side, End::Depth);
    }

    /// Tells the end, if it wasn't told and anyone listens.
    fn end<R: Reader>(&mut self, pass: &mut Pass<'_, R>, side: Side, how: End) {
        if !self.is(DONE) {
            self.set(DONE);
            pass.reader.end(side, how);
        }
    }

    /// Nobody reads: only the numbers go on.
    #[inline]
    fn pass_over(&mut self, end: u32) {
        let ahead = distance(self.next, end);
        if ahead > 0 {
            self.told += ahead as u64;
            self.next = end;
        }
    }

    /// Puts the list back, or gives it to the pool if nothing waits or nobody reads.
    fn keep<R>(&mut self, pass: &mut Pass<'_, R>, mut store: Box<Store>) {
        if self.is(DONE) {
            empty(&mut store, &mut pass.streams.pool);
        }
        if store.is_empty() {
            pass.streams.pool.give_back_list(store);
        } else {
            self.store = Some(store);
        }
    }
}

/// Gives all buffers back.
fn empty(store: &mut Store, pool: &mut Pool) {
    while let Some(piece) = store.pop() {
        piece.release(pool);
    }
}

/// Part of the bounds that a side has whose peer is not seen.
const ONE_SIDED_SHARE: usize = 16;
