//! What frames do to streams.

use super::event::Event;
use super::frame::{self, Frame, Head, be32, kind, unpadded};
use super::transaction::Stream;
use super::{Block, Http2, MAX_BLOCK};
use crate::applayer::Side;

const BOTH: [Side; 2] = [Side::ToServer, Side::ToClient];

impl Http2 {
    /// The newest transaction of a stream.
    fn find(&mut self, stream: u32) -> Option<&mut Stream> {
        self.live.iter_mut().rev().find(|known| stream != 0 && known.id == stream)
    }

    pub(super) fn odd(&mut self, stream: u32, event: Event) {
        match self.find(stream) {
            Some(known) => known.odd(event),
            None => self.events.add(event as u8),
        }
    }

    /// Adds a transaction, within the bounds.
    fn add(&mut self, stream: u32) -> Option<&mut Stream> {
        let ids = self.live.ids();
        let most = self.settings.transactions.max(1) as u64;
        if ids.end - ids.start >= most {
            if let Some(old) = self.live.get_mut(ids.end - most) {
                old.odd(Event::TooManyStreams);
                BOTH.into_iter().for_each(|side| old.finish(side, false));
            }
            // A reader that releases nothing does not make the flow grow.
            if ids.end - ids.start >= 2 * most {
                self.live.remove(ids.start);
            }
        }
        self.live.push(Stream::new(stream, &self.settings));
        self.live.last_mut()
    }

    /// The transaction that a frame belongs to; each of stream 0 has its own.
    fn of(&mut self, stream: u32) -> Option<&mut Stream> {
        if self.find(stream).is_none() {
            let added = self.add(stream)?;
            if stream == 0 {
                BOTH.into_iter().for_each(|side| added.finish(side, true));
            }
            return self.live.last_mut();
        }
        self.find(stream)
    }

    fn opened(&mut self, stream: u32) -> &mut u32 {
        let [even, odd] = &mut self.opened;
        if stream % 2 == 1 { odd } else { even }
    }

    /// Whether a stream was there before and is gone.
    fn is_over(&mut self, stream: u32) -> bool {
        stream != 0 && stream <= *self.opened(stream) && self.find(stream).is_none()
    }

    /// DATA begins.
    pub(super) fn open_data(&mut self, side: Side, head: Head) {
        if head.stream == 0 {
            self.events.add(Event::DataStreamZero as u8);
        } else if let Some(stream) = self.find(head.stream) {
            stream.frame(side, Frame { kind: kind::DATA, value: None });
        }
    }

    /// The next bytes of a body.
    pub(super) fn body(&mut self, side: Side, stream: u32, bytes: &[u8]) {
        if let Some(place) = self.place(stream)
            && let Some(known) = self.live.get_mut(place)
        {
            known.body(side, bytes, &self.settings);
        }
    }

    pub(super) fn body_gap(&mut self, side: Side, stream: u32, len: u64) {
        if let Some(known) = self.find(stream) {
            known.body_gap(side, len);
        }
    }

    pub(super) fn end_data(&mut self, side: Side, head: Head) {
        if head.flags & frame::END_STREAM != 0 {
            self.finish(side, head.stream, true);
        }
    }

    fn place(&self, stream: u32) -> Option<u64> {
        self.live.ids().rev().find(|id| self.live.get(*id).is_some_and(|known| stream != 0 && known.id == stream))
    }

    fn finish(&mut self, side: Side, stream: u32, whole: bool) {
        let Some(id) = self.place(stream) else { return };
        let Some(known) = self.live.get_mut(id) else { return };
        known.finish(side, whole);
        if known.is_released && known.is_complete() {
            self.live.remove(id);
        }
    }

    /// Nothing more comes from a side.
    pub(super) fn finish_side(&mut self, side: Side, whole: bool) {
        for id in self.live.ids() {
            let Some(known) = self.live.get_mut(id) else { continue };
            known.finish(side, whole);
            if known.is_released && known.is_complete() {
                self.live.remove(id);
            }
        }
    }

    /// A frame other than DATA is whole.
    pub(super) fn frame(&mut self, side: Side, head: Head, payload: &[u8]) {
        let length = match head.kind {
            kind::PRIORITY => payload.len() == 5,
            kind::RST_STREAM | kind::WINDOW_UPDATE => payload.len() == 4,
            kind::SETTINGS => payload.len().is_multiple_of(6) && (head.flags & frame::ACK == 0 || payload.is_empty()),
            kind::PING => payload.len() == 8,
            kind::GOAWAY => payload.len() >= 8,
            _ => true,
        };
        if !length {
            match self.of(head.stream) {
                Some(stream) => stream.odd(Event::InvalidFrameLength),
                None => self.events.add(Event::InvalidFrameLength as u8),
            }
            return;
        }
        match head.kind {
            kind::HEADERS => self.headers(side, head, payload),
            kind::PUSH_PROMISE => self.push_promise(side, head, payload),
            kind::CONTINUATION => self.continuation(side, head, payload),
            kind::SETTINGS => self.settings(side, head, payload),
            _ => {
                if head.kind != kind::RST_STREAM && self.is_over(head.stream) {
                    return;
                }
                let value = match head.kind {
                    kind::PRIORITY => payload.get(4).map(|weight| u32::from(*weight)),
                    kind::RST_STREAM => be32(payload).map(|(code, _)| code),
                    kind::GOAWAY => payload.get(4..).and_then(be32).map(|(code, _)| code),
                    kind::WINDOW_UPDATE => be32(payload).map(|(increment, _)| increment & 0x7fff_ffff),
                    _ => None,
                };
                if let Some(stream) = self.of(head.stream) {
                    stream.frame(side, Frame { kind: head.kind, value });
                }
                if head.kind == kind::RST_STREAM {
                    BOTH.into_iter().for_each(|side| self.finish(side, head.stream, false));
                }
            }
        }
    }

    fn settings(&mut self, side: Side, head: Head, payload: &[u8]) {
        let mut sizes = None;
        let list = payload.chunks_exact(6).filter_map(|entry| {
            let (id, value) = entry.split_first_chunk::<2>()?;
            Some((u16::from_be_bytes(*id), be32(value)?.0))
        });
        let Some(stream) = self.of(head.stream) else { return };
        stream.frame(side, Frame { kind: kind::SETTINGS, value: None });
        for (id, value) in list {
            stream.setting(side, id, value);
            if id == HEADER_TABLE_SIZE {
                sizes = Some(value);
            }
        }
        if let Some(size) = sizes {
            // It is about what the sender decodes.
            let other = if side == Side::ToServer { Side::ToClient } else { Side::ToServer };
            self.half(other).table.allow(size);
        }
    }

    fn headers(&mut self, side: Side, head: Head, payload: &[u8]) {
        let Some(mut fragment) = unpadded(head.flags, payload) else {
            self.odd(head.stream, Event::InvalidFrameData);
            return;
        };
        let mut value = None;
        if head.flags & frame::PRIORITY != 0 {
            let Some((priority, rest)) = fragment.split_first_chunk::<5>() else {
                self.odd(head.stream, Event::InvalidFrameData);
                return;
            };
            value = priority.last().map(|weight| u32::from(*weight));
            fragment = rest;
        }
        // A client's streams are odd, a server's even (RFC 9113, section 5.1.1).
        let is_opener = (side == Side::ToServer) == (head.stream % 2 == 1);
        let reused =
            is_opener && (self.is_over(head.stream) || self.find(head.stream).is_some_and(|s| s.is_complete()));
        if reused {
            self.add(head.stream);
        }
        let opened = self.opened(head.stream);
        *opened = (*opened).max(head.stream);
        if let Some(stream) = self.of(head.stream) {
            if reused {
                stream.odd(Event::StreamIdReuse);
            }
            stream.frame(side, Frame { kind: kind::HEADERS, value });
        }
        let ends = head.flags & frame::END_STREAM != 0;
        self.block(side, head, head.stream, ends, fragment);
    }

    fn push_promise(&mut self, side: Side, head: Head, payload: &[u8]) {
        let Some((promised, fragment)) = unpadded(head.flags, payload).and_then(be32) else {
            self.odd(head.stream, Event::InvalidFrameData);
            return;
        };
        if let Some(stream) = self.of(head.stream) {
            stream.frame(side, Frame { kind: kind::PUSH_PROMISE, value: None });
        }
        self.block(side, head, promised & 0x7fff_ffff, false, fragment);
    }

    fn continuation(&mut self, side: Side, head: Head, payload: &[u8]) {
        if let Some(stream) = self.find(head.stream) {
            stream.frame(side, Frame { kind: kind::CONTINUATION, value: None });
        }
        let Some(mut block) = self.half(side).block.take().filter(|block| block.carrier == head.stream) else {
            self.odd(head.stream, Event::InvalidFrameData);
            return;
        };
        if block.bytes.len() + payload.len() > MAX_BLOCK {
            block.cut = true;
            self.odd(head.stream, Event::ReassemblyLimitReached);
        } else {
            block.bytes.extend_from_slice(payload);
        }
        self.go_on(side, head, block);
    }

    fn block(&mut self, side: Side, head: Head, stream: u32, ends: bool, fragment: &[u8]) {
        let promised = head.kind == kind::PUSH_PROMISE;
        let block = Block { stream, carrier: head.stream, promised, ends, bytes: fragment.to_vec(), cut: false };
        self.go_on(side, head, block);
    }

    /// Reads a block if it has ended, else keeps it.
    fn go_on(&mut self, side: Side, head: Head, block: Block) {
        if head.flags & frame::END_HEADERS == 0 {
            self.half(side).block = Some(block);
            return;
        }
        let decoded = self.half(side).table.decode(&block.bytes);
        let settings = self.settings.clone();
        // A promise is a request that the server makes.
        let of = if block.promised { Side::ToServer } else { side };
        if let Some(stream) = self.of(block.stream) {
            for (is, event) in [
                (decoded.invalid && !block.cut, Event::InvalidHeader),
                (decoded.overflow, Event::HeaderIntegerOverflow),
                (decoded.cut, Event::ReassemblyLimitReached),
            ] {
                if is {
                    stream.odd(event);
                }
            }
            stream.fields(of, decoded, &settings);
        }
        if block.ends || block.promised {
            self.finish(of, block.stream, true);
        }
    }
}

/// RFC 9113, section 6.5.2.
const HEADER_TABLE_SIZE: u16 = 1;
