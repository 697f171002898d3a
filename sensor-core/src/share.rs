//! Several engines share a capture.
//!
//! All get every frame. One keeps the books: flows, rows and hosts. The others run rules, each over the flows of its
//! [`Share`]; what they find goes to the first as [`Note`]s, ahead of the frames in which they found it, so that its flows and
//! rows come out as if it had run the rules itself.

use std::collections::VecDeque;

use sensor_wire::Timestamp;

use crate::applayer::AppProto;
use crate::decode::{self, Packet};
use crate::rules::Action;

/// A share of the flows of a capture: those of about one in `of` pairs of hosts. All flows between two hosts are of one
/// share, since one may announce the other (FTP), and rules may keep something of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which, from 0 on.
    pub nth: u32,
    /// How many there are.
    pub of: u32,
}

impl Share {
    /// Whether a packet's flow is of this share. An ICMP error goes where the packet it quotes went.
    #[inline]
    #[must_use]
    pub fn takes(self, packet: &Packet<'_>) -> bool {
        let ends = if packet.icmp_error {
            decode::quoted(packet).map(|quoted| (quoted.source, quoted.destination))
        } else {
            None
        };
        let (source, destination) = ends.unwrap_or((packet.source, packet.destination));
        let hash = mixed(source).wrapping_add(mixed(destination));
        (((hash >> 32) * u64::from(self.of)) >> 32) == u64::from(self.nth)
    }

    /// Whether what is of no flow goes here.
    #[must_use]
    pub fn takes_the_rest(self) -> bool {
        self.nth == 0
    }
}

/// An address whose bits all depend on each other: finalizer of `SplitMix64`.
fn mixed(address: u128) -> u64 {
    let mut bits = (address >> 64) as u64 ^ address as u64;
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// What another engine found about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Number of the frame that brought it, from 1.
    pub number: u64,
    /// Id of the flow.
    pub flow: u64,
    /// What.
    pub what: Noted,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// A rule alerted.
    Alert {
        /// Nanoseconds since 1970, UTC.
        time: Timestamp,
        /// Group of the rule.
        gid: u32,
        /// Number of the rule.
        sid: u32,
        /// What the sensor did.
        action: Action,
        /// Place of the rule in the rules as they were read.
        rule: u32,
    },
    /// What the flow carries.
    App(Option<AppProto>),
    /// Rules let it pass.
    Passed,
    /// Rules had it looked at no more.
    Bypassed,
}

/// Notes in the order of their frames.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    waiting: VecDeque<Note>,
    /// Alerts whose flow is not known.
    astray: u64,
}

impl Notes {
    pub(crate) fn extend(&mut self, notes: impl IntoIterator<Item = Note>) {
        self.waiting.extend(notes);
    }

    /// Whether there are any of frames up to that one.
    #[inline]
    pub(crate) fn are_due(&self, number: u64) -> bool {
        self.waiting.front().is_some_and(|note| note.number <= number)
    }

    /// Takes a flow's out of those of frames up to that one.
    #[cold]
    pub(crate) fn take(&mut self, number: u64, flow: u64, mut heed: impl FnMut(Noted)) {
        let due = self.waiting.partition_point(|note| note.number <= number);
        let mut at = 0;
        for _ in 0..due {
            match self.waiting.get(at) {
                Some(note) if note.flow == flow => {
                    heed(note.what);
                    self.waiting.remove(at);
                }
                _ => at += 1,
            }
        }
    }

    /// Forgets those of frames before that one: their flows are not known.
    #[inline]
    pub(crate) fn forget(&mut self, number: u64) {
        while let Some(note) = self.waiting.pop_front_if(|note| note.number < number) {
            self.astray += u64::from(matches!(note.what, Noted::Alert { .. }));
        }
    }

    /// Alerts of flows that were not known.
    pub(crate) fn astray(&self) -> u64 {
        self.astray
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(source: u128, destination: u128) -> Packet<'static> {
        Packet { source, destination, ..Packet::default() }
    }

    #[test]
    fn a_pair_is_of_one_share_both_ways_and_shares_are_about_equal() {
        let mut counts = [0_u32; 3];
        for source in 0..100 {
            for destination in 1000..1030 {
                let takes =
                    |packet: &Packet<'_>| (0..3).filter(|nth| Share { nth: *nth, of: 3 }.takes(packet)).collect();
                let there: Vec<u32> = takes(&packet(source, destination));
                assert_eq!(there, takes(&packet(destination, source)));
                assert_eq!(there.len(), 1);
                counts[there[0] as usize] += 1;
            }
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn notes_are_taken_by_flow_up_to_a_frame() {
        let mut notes = Notes::default();
        let note = |number, flow| Note { number, flow, what: Noted::Passed };
        notes.extend([note(1, 7), note(2, 8), note(2, 7), note(4, 7)]);
        let mut heeded = 0;
        assert!(!notes.are_due(0) && notes.are_due(2));
        notes.take(2, 7, |_| heeded += 1);
        assert_eq!((heeded, notes.waiting.len()), (2, 2));
        notes.forget(4);
        assert_eq!((notes.waiting.len(), notes.astray()), (1, 0));
    }
}
