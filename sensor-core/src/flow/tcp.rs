//! TCP as the flow table needs it: payload bytes from sequence numbers, and connection states.

use crate::decode::{Tcp, TcpFlags};
use crate::stream::State;

/// Counts the payload bytes of one side.
///
/// TCP: the distance between the first and the highest sequence number seen, so that retransmits and reordering never
/// inflate it, and the 32-bit wrap is passed. Other protocols: the sum of the lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeqCounter {
    /// Sequence-space bytes between the first and the highest number, or the sum of lengths.
    bytes: u64,
    /// Sum of the segments' lengths, retransmits included: less than `bytes` means that some were not seen.
    segments: u64,
    /// The next sequence number expected.
    next: u32,
    /// Sequence number of the first payload byte.
    base: u32,
    /// Highest acknowledgement number of the peer.
    acked: u32,
    /// Union of the segments' flags.
    flags: TcpFlags,
    /// `STARTED` and what follows it.
    marks: u8,
}

/// `next` and `base` are known.
const STARTED: u8 = 1;
/// `base` comes from a SYN.
const SYN: u8 = 1 << 1;
/// `acked` is known.
const PEER_ACKS: u8 = 1 << 2;
/// Sequence numbers contradicted each other.
const INCONSISTENT: u8 = 1 << 3;

impl SeqCounter {
    /// Payload bytes.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Union of the flags of this side's segments.
    #[inline]
    pub fn flags(&self) -> TcpFlags {
        self.flags
    }

    /// True when `bytes` is not exact.
    pub fn is_estimate(&self) -> bool {
        // A FIN takes one number after the last byte.
        let acked_unseen = self.is(STARTED) && self.is(PEER_ACKS) && distance(self.next, self.acked) > 1;
        self.is(INCONSISTENT) || self.bytes > self.segments || acked_unseen
    }

    /// Adds a length, for protocols without sequence numbers.
    #[inline]
    pub fn add(&mut self, len: u32) {
        self.bytes += u64::from(len);
        self.segments += u64::from(len);
    }

    /// Takes in a segment of this side: its sequence number, flags and payload length.
    #[inline]
    pub fn segment(&mut self, tcp: Tcp, len: u32) {
        self.flags.0 |= tcp.flags.0;
        let mut seq = tcp.seq;
        if tcp.flags.has(TcpFlags::SYN) {
            self.synchronise(seq.wrapping_add(1));
            // Data on a SYN (fast open, RFC 7413) starts after the number that the SYN takes.
            seq = seq.wrapping_add(1);
        } else if !self.is(STARTED) {
            self.marks |= STARTED;
            self.base = seq;
            self.next = seq;
        }
        // A RST's text (RFC 9293 section 3.5.3) isn't part of the stream.
        if len == 0 || tcp.flags.has(TcpFlags::RST) {
            return;
        }
        let end = seq.wrapping_add(len);
        let ahead = distance(self.next, end);
        if !(-MAX_BEHIND..=MAX_JUMP).contains(&ahead) {
            self.marks |= INCONSISTENT;
            self.bytes += u64::from(len);
            self.segments += u64::from(len);
            return;
        }
        if ahead > 0 {
            self.bytes += ahead as u64;
            self.next = end;
        }
        self.before_base(seq, len);
        self.segments += u64::from(len);
    }

    /// Takes in an acknowledgement that the peer sent.
    #[inline]
    pub fn acknowledged(&mut self, ack: u32) {
        if !self.is(PEER_ACKS) {
            self.marks |= PEER_ACKS;
            self.acked = ack;
            if !self.is(STARTED) {
                // Nothing of this side was seen: its stream stands at least here.
                self.marks |= STARTED;
                self.base = ack;
                self.next = ack;
            }
        } else if distance(self.acked, ack) > 0 {
            self.acked = ack;
        }
    }

    #[inline]
    fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    fn synchronise(&mut self, first: u32) {
        if self.is(STARTED) && self.bytes > 0 && self.base != first {
            self.marks |= INCONSISTENT;
        } else if !self.is(STARTED) || self.bytes == 0 {
            self.base = first;
            self.next = first;
        }
        self.marks |= STARTED;
        self.marks |= SYN;
    }

    /// Data below the first number seen: reordering at a midstream start extends the range; below a SYN it is
    /// nonsense, but for a keep-alive's one garbage byte (RFC 9293 section 3.8.4).
    #[inline]
    fn before_base(&mut self, seq: u32, len: u32) {
        if self.bytes > BASE_LIVES {
            return;
        }
        let below = distance(seq, self.base);
        if below <= 0 || below > MAX_JUMP {
            return;
        }
        if !self.is(SYN) {
            self.bytes += below as u64;
            self.base = seq;
        } else if len > 1 {
            self.marks |= INCONSISTENT;
        }
    }
}

/// Signed distance from `from` to `to` in sequence space.
#[inline]
fn distance(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from) as i32)
}

/// A segment this far past the expected number is believed; beyond it, it is taken for nonsense and marks the count
/// as an estimate. Four times the largest window common in the field (16 MiB).
const MAX_JUMP: i64 = 64 << 20;

/// A retransmit may lie this far back: the largest window there can be (RFC 7323 section 2.3).
const MAX_BEHIND: i64 = 1 << 30;

/// Past this many bytes a sequence number below the base can't be told from one a wrap later.
const BASE_LIVES: u64 = 1 << 30;

/// The state after a packet of one side, told by flags alone: every flow has it, whether its stream is read or not.
#[inline]
pub fn next_state(state: State, from_client: bool, flags: TcpFlags) -> State {
    use State::*;
    if flags.has(TcpFlags::RST) {
        return Closed;
    }
    let (syn, ack, fin) = (flags.has(TcpFlags::SYN), flags.has(TcpFlags::ACK), flags.has(TcpFlags::FIN));
    match (state, from_client) {
        (None, true) if syn && !ack => SynSent,
        (None, false) if syn && ack => SynRecv,
        (None, _) => closing(Established, from_client, fin, ack),
        (SynSent, false) if syn && ack => SynRecv,
        // The SYN-ACK was not captured: an answer without SYN shows that there was one.
        (SynSent, _) if ack && !syn => closing(Established, from_client, fin, ack),
        (SynRecv, true) if ack && !syn => closing(Established, from_client, fin, ack),
        (SynRecv, false) if fin => FinWait1,
        (SynSent | SynRecv, _) => state,
        _ => closing(state, from_client, fin, ack),
    }
}

/// Flags don't say which FIN an ACK is for, so `State::Closing` is never reached: both FINs are `State::TimeWait`.
fn closing(state: State, from_client: bool, fin: bool, ack: bool) -> State {
    use State::*;
    match (state, from_client) {
        (Established, true) if fin => CloseWait,
        (Established, false) if fin => FinWait1,
        (FinWait1 | FinWait2, true) if fin => TimeWait,
        (FinWait1, true) if ack => FinWait2,
        (CloseWait, false) if fin => LastAck,
        (TimeWait, false) | (LastAck, true) if ack && !fin => Closed,
        _ => state,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(counter: &mut SeqCounter, seq: u32, flags: u8, len: u32) {
        counter.segment(Tcp { seq, flags: TcpFlags(flags), ..Tcp::default() }, len);
    }

    #[test]
    fn a_clean_stream_counts_its_payload_across_the_wrap() {
        let mut counter = SeqCounter::default();
        segment(&mut counter, u32::MAX - 99, TcpFlags::SYN, 0);
        segment(&mut counter, u32::MAX - 98, TcpFlags::ACK, 60);
        segment(&mut counter, u32::MAX - 38, TcpFlags::ACK, 60);
        segment(&mut counter, 21, TcpFlags::ACK | TcpFlags::FIN, 5);
        assert_eq!((counter.bytes(), counter.is_estimate()), (125, false));
    }

    #[test]
    fn retransmits_and_keepalives_add_nothing_and_holes_mark_an_estimate() {
        let mut counter = SeqCounter::default();
        segment(&mut counter, 1000, TcpFlags::SYN, 0);
        segment(&mut counter, 1001, TcpFlags::ACK, 10);
        segment(&mut counter, 1001, TcpFlags::ACK, 10);
        segment(&mut counter, 1010, TcpFlags::ACK, 1);
        assert_eq!((counter.bytes(), counter.is_estimate()), (10, false));
        segment(&mut counter, 1111, TcpFlags::ACK, 10);
        assert_eq!((counter.bytes(), counter.is_estimate()), (120, true));
    }

    #[test]
    fn acknowledged_but_unseen_data_marks_an_estimate() {
        let mut counter = SeqCounter::default();
        segment(&mut counter, 1000, TcpFlags::SYN, 0);
        counter.acknowledged(1001);
        assert!(!counter.is_estimate());
        counter.acknowledged(1500);
        assert!(counter.is_estimate());
    }

    /// EVE's readers know Suricata's names: they are those of the server's host.
    #[test]
    fn regression_closing_states_are_the_servers_as_in_suricata() {
        const ACK: u8 = TcpFlags::ACK;
        const FIN: u8 = TcpFlags::FIN | ACK;
        let open = [(true, TcpFlags::SYN), (false, TcpFlags::SYN | ACK), (true, ACK)];
        let after = |packets: &[(bool, u8)]| {
            let all = open.iter().chain(packets);
            all.fold(State::None, |state, &(client, flags)| next_state(state, client, TcpFlags(flags))).name()
        };
        assert_eq!(after(&[]), "established");
        assert_eq!(after(&[(true, FIN)]), "close_wait");
        assert_eq!(after(&[(true, FIN), (false, ACK), (false, FIN)]), "last_ack");
        assert_eq!(after(&[(true, FIN), (false, FIN), (true, ACK)]), "closed");
        assert_eq!(after(&[(false, FIN)]), "fin_wait1");
        assert_eq!(after(&[(false, FIN), (true, ACK)]), "fin_wait2");
        assert_eq!(after(&[(false, FIN), (true, FIN)]), "time_wait");
        assert_eq!(after(&[(false, FIN), (true, FIN), (false, ACK)]), "closed");
        assert_eq!(after(&[(true, TcpFlags::RST)]), "closed");
    }

    proptest! {
        /// Whatever the start, the cuts, the order and the repeats: the count is the stream's length.
        #[test]
        fn order_and_repeats_never_change_the_count(
            isn in any::<u32>(),
            lens in prop::collection::vec(1u32..1460, 1..40),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
            swaps in prop::collection::vec(any::<prop::sample::Index>(), 40),
        ) {
            let mut at = isn.wrapping_add(1);
            let mut segments: Vec<(u32, u32)> = lens.iter().map(|len| { let s = (at, *len); at = at.wrapping_add(*len); s }).collect();
            let total: u64 = lens.iter().map(|l| u64::from(*l)).sum();
            let repeats: Vec<_> = picks.iter().map(|p| *p.get(&segments)).collect();
            for (i, swap) in swaps.iter().enumerate().take(segments.len()) {
                let j = swap.index(segments.len());
                segments.swap(i, j);
            }
            let mut counter = SeqCounter::default();
            segment(&mut counter, isn, TcpFlags::SYN, 0);
            for (seq, len) in segments.into_iter().chain(repeats) {
                segment(&mut counter, seq, TcpFlags::ACK, len);
            }
            prop_assert_eq!(counter.bytes(), total);
            prop_assert!(!counter.is_estimate());
        }
    }
}
