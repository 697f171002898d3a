//! Reassembly of IPv4 and IPv6 fragments, bounded by bytes, datagrams and packet time.
//!
//! Which of two overlapping fragments wins depends on the receiving system; the policies are those that Novak and
//! Sturges measured ("Target-Based Fragmentation Reassembly", 2005). They differ only in a rule over two extents, see
//! [`OverlapPolicy::newer_wins`].

mod pieces;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::ip::Ip;
use super::span::Span;
use super::walk::Context;
use crate::Anomaly;
use crate::anomaly::Counts;
use pieces::Pieces;

/// Bounds and policy of reassembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefragLimits {
    /// Which fragment wins where two overlap.
    pub policy: OverlapPolicy,
    /// Datagrams that may wait for fragments; past it the oldest gives way.
    pub datagrams: usize,
    /// Bytes that their buffers may take; past it the oldest gives way.
    pub bytes: usize,
    /// Seconds of packet time after a datagram's first fragment after which no more are waited for.
    pub timeout: u32,
}

impl Default for DefragLimits {
    /// As Suricata is shipped; it takes every host for Windows.
    fn default() -> Self {
        DefragLimits { policy: OverlapPolicy::Windows, datagrams: 65_535, bytes: 32 << 20, timeout: 60 }
    }
}

/// Which of two overlapping fragments wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlapPolicy {
    /// The one that came first.
    First,
    /// The one that came last.
    Last,
    /// The first, unless the later one starts before it.
    Bsd,
    /// The later one, unless it starts before the first.
    BsdRight,
    /// The first, unless the later one starts before it or where it does.
    Linux,
    /// The first, unless the later one starts before and ends after it.
    Windows,
    /// The first, unless the later one starts before it and reaches its end.
    Solaris,
}

impl OverlapPolicy {
    /// The policy with this name in Suricata's `host-os-policy`, or `first`, `last`.
    pub fn named(name: &str) -> Option<OverlapPolicy> {
        Some(match name {
            "first" => OverlapPolicy::First,
            "last" => OverlapPolicy::Last,
            "bsd" | "hpux11" | "irix" | "old-solaris" => OverlapPolicy::Bsd,
            "bsd-right" | "bsd_right" | "hpux10" => OverlapPolicy::BsdRight,
            "linux" | "old-linux" | "old_linux" => OverlapPolicy::Linux,
            "windows" | "windows2k3" | "vista" | "macos" => OverlapPolicy::Windows,
            "solaris" => OverlapPolicy::Solaris,
            _ => return None,
        })
    }

    /// The bytes that a newer fragment shares with an older one are the newer one's. Extents are start and end.
    fn newer_wins(self, newer: (usize, usize), older: (usize, usize)) -> bool {
        match self {
            OverlapPolicy::First => false,
            OverlapPolicy::Last => true,
            OverlapPolicy::Bsd => newer.0 < older.0,
            OverlapPolicy::BsdRight => newer.0 >= older.0,
            OverlapPolicy::Linux => newer.0 <= older.0,
            OverlapPolicy::Windows => newer.0 < older.0 && newer.1 > older.1,
            OverlapPolicy::Solaris => newer.0 < older.0 && newer.1 >= older.1,
        }
    }
}

/// What fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    source: u128,
    destination: u128,
    id: u32,
    vlans: [u16; 2],
    proto: u8,
    v6: bool,
}

impl Key {
    /// Of an IPv4 fragment.
    pub fn v4(ip: &Ip, proto: u8, vlans: [u16; 2]) -> Key {
        Key { source: ip.source, destination: ip.destination, id: u32::from(ip.id), vlans, proto, v6: false }
    }

    /// Of an IPv6 fragment: the next header may differ between fragments, the first one's counts.
    pub fn v6(ip: &Ip, id: u32, vlans: [u16; 2]) -> Key {
        Key { source: ip.source, destination: ip.destination, id, vlans, proto: 0, v6: true }
    }
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub struct Fragment<'a> {
    /// Its IP header.
    pub ip: Ip,
    /// What the datagram carries, by this fragment.
    pub proto: u8,
    /// Where its body stands in the datagram, in bytes.
    pub offset: usize,
    /// More fragments follow.
    pub more: bool,
    /// Its part of the datagram.
    pub body: Span<'a>,
    /// What the frame has beside that part.
    pub overhead: u32,
}

/// A reassembled datagram, or fragments that never became one.
#[derive(Debug)]
pub struct Datagram {
    context: Context,
    ip: Ip,
    proto: u8,
    buffer: Vec<u8>,
    captured: usize,
    len: usize,
}

impl Datagram {
    pub(super) fn context(&self) -> Context {
        self.context
    }

    pub(super) fn ip(&self) -> Ip {
        self.ip
    }

    pub(super) fn proto(&self) -> u8 {
        self.proto
    }

    pub(super) fn body(&self) -> Span<'_> {
        Span { data: self.buffer.get(..self.captured).unwrap_or(&self.buffer), len: self.len }
    }
}

/// Datagrams that wait for fragments, and those that are ready.
#[derive(Debug)]
pub struct Defrag {
    limits: DefragLimits,
    waiting: HashMap<Key, Waiting, FixedState>,
    /// In the order of their first fragment; entries of datagrams that are done stay until they are come to.
    order: VecDeque<Turn>,
    /// Time at which the oldest has waited long enough.
    due: i64,
    bytes: usize,
    serial: u64,
    ready: VecDeque<Datagram>,
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Waiting {
    serial: u64,
    context: Context,
    ip: Ip,
    proto: u8,
    overhead: u32,
    /// The first fragment came.
    head: bool,
    /// Length of the whole, once the last fragment came.
    total: Option<usize>,
    frames: u32,
    wire: u32,
    pieces: Pieces,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    key: Key,
    serial: u64,
    until: i64,
}

impl Defrag {
    /// Without any fragments.
    pub fn new(limits: DefragLimits, seed: u64) -> Defrag {
        Defrag {
            limits,
            waiting: HashMap::with_hasher(FixedState::with_seed(seed)),
            order: VecDeque::new(),
            due: i64::MAX,
            bytes: 0,
            serial: 0,
            ready: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// Takes in a fragment; a datagram that it completes is ready afterwards.
    pub fn fragment(&mut self, key: Key, fragment: &Fragment<'_>, context: &Context, anomalies: &mut Counts) {
        let v6 = fragment.ip.v6;
        let pick = |of_v4, of_v6| if v6 { of_v6 } else { of_v4 };
        anomalies.add(pick(Anomaly::Ipv4Fragment, Anomaly::Ipv6Fragment));
        let mut body = fragment.body;
        if fragment.more && !body.len.is_multiple_of(8) {
            // Only the last may end between two units of 8 bytes; receivers cut or drop such a one.
            anomalies.add(pick(Anomaly::Ipv4FragmentLength, Anomaly::Ipv6FragmentLength));
            body = body.first(body.len & !7);
        }
        if body.len == 0 {
            return;
        }
        let end = fragment.offset + body.len;
        if end > LONGEST {
            anomalies.add(pick(Anomaly::Ipv4FragmentTooLarge, Anomaly::Ipv6FragmentTooLarge));
            return;
        }
        if !self.waiting.contains_key(&key) {
            self.begin(key, fragment, context, anomalies);
        }
        let Some(waiting) = self.waiting.get_mut(&key) else { return };
        let contradicts = match waiting.total {
            Some(total) => end > total,
            None => !fragment.more && end < waiting.pieces.end(),
        };
        waiting.frames = waiting.frames.saturating_add(1);
        waiting.wire = waiting.wire.saturating_add(context.wire);
        if contradicts {
            anomalies.add(pick(Anomaly::Ipv4FragmentBeyondEnd, Anomaly::Ipv6FragmentBeyondEnd));
            return;
        }
        if !fragment.more && waiting.total.is_none() {
            waiting.total = Some(end);
        }
        if fragment.offset == 0 && !waiting.head {
            waiting.head = true;
            waiting.overhead = fragment.overhead;
            waiting.ip = Ip { bad_checksum: waiting.ip.bad_checksum, ..fragment.ip };
            waiting.proto = fragment.proto;
        }
        waiting.ip.bad_checksum |= fragment.ip.bad_checksum;
        waiting.context = *context;
        let held = waiting.pieces.bytes();
        if waiting.pieces.insert(fragment.offset, body, self.limits.policy) {
            anomalies.add(pick(Anomaly::Ipv4FragmentOverlap, Anomaly::Ipv6FragmentOverlap));
        }
        self.bytes += waiting.pieces.bytes() - held;
        if waiting.total == Some(waiting.pieces.filled())
            && let Some(whole) = self.waiting.remove(&key)
        {
            self.complete(whole);
        }
        while self.bytes > self.limits.bytes && self.give_up_oldest() {
            anomalies.add(Anomaly::DefragMemory);
        }
    }

    /// Gives up what has waited too long at this time.
    #[inline]
    pub fn expire(&mut self, now: i64, anomalies: &mut Counts) {
        if now >= self.due {
            self.expire_due(now, anomalies);
        }
    }

    /// What is ready.
    #[inline]
    pub fn take(&mut self) -> Option<Datagram> {
        self.ready.pop_front()
    }

    /// Datagrams that wait, and the bytes that their buffers take.
    pub fn waiting(&self) -> (usize, usize) {
        (self.waiting.len(), self.bytes)
    }

    /// Takes back a buffer.
    pub fn recycle(&mut self, datagram: Datagram) {
        if self.spare.len() < SPARE {
            let mut buffer = datagram.buffer;
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Gives up all.
    pub fn finish(&mut self, anomalies: &mut Counts) {
        while self.give_up_oldest() {
            anomalies.add(Anomaly::DefragIncomplete);
        }
    }

    fn begin(&mut self, key: Key, fragment: &Fragment<'_>, context: &Context, anomalies: &mut Counts) {
        while self.waiting.len() >= self.limits.datagrams && self.give_up_oldest() {
            anomalies.add(Anomaly::DefragTrackers);
        }
        if self.order.len() > 2 * self.waiting.len() + SPARE {
            let waiting = &self.waiting;
            self.order.retain(|turn| waiting.get(&turn.key).is_some_and(|w| w.serial == turn.serial));
        }
        self.serial += 1;
        let until = context.time.saturating_add(i64::from(self.limits.timeout) * 1_000_000_000);
        self.order.push_back(Turn { key, serial: self.serial, until });
        self.due = self.due.min(until);
        let pieces = Pieces::new(self.spare.pop().unwrap_or_default());
        self.bytes += pieces.bytes();
        self.waiting.insert(
            key,
            Waiting {
                serial: self.serial,
                context: *context,
                ip: fragment.ip,
                proto: fragment.proto,
                overhead: 0,
                head: false,
                total: None,
                frames: 0,
                wire: 0,
                pieces,
            },
        );
    }

    /// A whole datagram is one packet, as long as it would have been in one frame. The capture may have cut its
    /// fragments: then what lies before the first missing byte is what was captured of it.
    fn complete(&mut self, whole: Waiting) {
        self.bytes -= whole.pieces.bytes();
        let len = whole.pieces.filled();
        let wire = whole.overhead.saturating_add(len as u32);
        let captured = whole.pieces.captured().min(len);
        self.ready.push_back(Datagram {
            context: Context { wire, packets: 1, ..whole.context },
            ip: whole.ip,
            proto: whole.proto,
            buffer: whole.pieces.into_buffer(),
            captured,
            len,
        });
    }

    #[cold]
    fn expire_due(&mut self, now: i64, anomalies: &mut Counts) {
        while self.order.front().is_some_and(|turn| turn.until <= now) {
            if self.give_up_front() {
                anomalies.add(Anomaly::DefragIncomplete);
            }
        }
        self.due = self.order.front().map_or(i64::MAX, |turn| turn.until);
    }

    /// False when none waits.
    fn give_up_oldest(&mut self) -> bool {
        while !self.order.is_empty() {
            if self.give_up_front() {
                return true;
            }
        }
        false
    }

    /// Makes ready what there is of the datagram whose turn it is; false when it was done before.
    fn give_up_front(&mut self) -> bool {
        let Some(turn) = self.order.pop_front() else { return false };
        if self.waiting.get(&turn.key).is_none_or(|w| w.serial != turn.serial) {
            return false;
        }
        let Some(part) = self.waiting.remove(&turn.key) else { return false };
        self.bytes -= part.pieces.bytes();
        let captured = if part.head { part.pieces.captured().min(part.pieces.first_run()) } else { 0 };
        self.ready.push_back(Datagram {
            context: Context { wire: part.wire, packets: part.frames, ..part.context },
            ip: Ip { partial: true, headless: !part.head, ..part.ip },
            proto: part.proto,
            len: part.pieces.filled().max(captured),
            buffer: part.pieces.into_buffer(),
            captured,
        });
        true
    }
}

/// RFC 791 section 3.1: the longest an IP packet can be.
const LONGEST: usize = 65_535;

/// Buffers kept for use again.
const SPARE: usize = 64;
