//! Which numbers of a side can be believed: windows, acknowledgements, timestamps.

use super::half::{ACKED, EDGE, Half, SEEN, STAMP};
use super::{Segment, behind, distance};

/// How a segment lies to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It ends inside, or below.
    Inside,
    /// It begins inside and ends past the edge.
    Across,
    /// It begins past the edge.
    Outside,
}

impl Half {
    /// An acknowledgement of `ack` is believable: not of what was never sent, as far as that is known, and not older
    /// than a window (RFC 5961 section 5.2).
    pub fn may_acknowledge(&self, ack: u32) -> bool {
        if !self.is(SEEN) {
            return !self.is(ACKED) || distance(self.acked, ack).abs() <= MAX_AHEAD;
        }
        if !self.is(EDGE) {
            return distance(self.top, ack).abs() <= MAX_AHEAD;
        }
        // The sensor may have missed what was sent, but a sender keeps to the window.
        let limit = if behind(self.top, self.edge) { self.edge } else { self.top };
        let oldest = distance(self.acked, limit).max(SMALL_WINDOW);
        !behind(limit, ack) && (!self.is(ACKED) || distance(ack, self.acked) <= oldest)
    }

    /// The peer lets it send up to here.
    #[inline]
    pub fn grant(&mut self, ack: u32, window: u32) {
        let edge = ack.wrapping_add(window);
        if self.is(EDGE) && behind(self.edge, edge) {
            self.edge = edge;
        }
    }

    /// How a segment lies to the window.
    pub fn window(&self, seq: u32, end: u32) -> Place {
        if self.is(EDGE) {
            match (behind(self.edge, end), behind(seq, self.edge) || (seq == end && seq == self.edge)) {
                (false, _) => Place::Inside,
                (true, true) => Place::Across,
                (true, false) => Place::Outside,
            }
        } else if distance(self.next, end) > MAX_AHEAD || (self.is(SEEN) && distance(end, self.next) > MAX_BEHIND) {
            Place::Outside
        } else {
            Place::Inside
        }
    }

    /// Takes note of its timestamp (RFC 7323 section 4.3: only of a segment that isn't ahead).
    #[inline]
    pub fn note_stamp(&mut self, segment: &Segment<'_>) {
        if let Some(stamp) = segment.timestamp
            && self.is(STAMP)
            && !behind(self.next, segment.seq)
        {
            self.stamp = stamp;
            self.stamped = seconds(segment.time);
        }
    }

    /// The segment's timestamp isn't older than the last one (PAWS, RFC 7323 section 5.3).
    #[inline]
    pub fn stamp_is_fresh(&self, segment: &Segment<'_>) -> bool {
        match segment.timestamp {
            Some(stamp) if self.is(STAMP) && behind(stamp, self.stamp) => {
                // RFC 7323 section 5.5: a clock that stood for so long says nothing.
                seconds(segment.time).wrapping_sub(self.stamped) > STAMP_LIVES
            }
            _ => true,
        }
    }
}

/// Seconds of a packet's time, wrapping after 136 years.
#[inline]
fn seconds(time: i64) -> u32 {
    time.div_euclid(1_000_000_000) as u32
}

/// Where no window is known, a number this far ahead is believed: four times the largest window common in the field.
const MAX_AHEAD: i64 = 64 << 20;

/// A retransmit may lie this far back: the largest window there can be (RFC 7323 section 2.3).
const MAX_BEHIND: i64 = 1 << 30;

/// The largest window without scaling.
const SMALL_WINDOW: i64 = 65535;

/// 24 days: RFC 7323 section 5.5.
const STAMP_LIVES: u32 = 24 * 24 * 3600;
