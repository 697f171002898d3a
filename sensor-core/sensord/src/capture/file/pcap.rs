//! The pcap format: a header of 24 bytes, then records. <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-06.html>

use super::notice::{NoticeKind, Notices};
use super::{FrameMeta, Framed, MAX_CAPTURED, Stop};

/// Bytes of the file header.
pub(super) const HEAD: usize = 24;

const MICROSECOND: i64 = 1_000;
const NANOSECOND: i64 = 1;

/// What the first four bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Magic {
    big_endian: bool,
    /// Nanoseconds in a unit of the record's fraction.
    unit: i64,
    /// Bytes of a record's header.
    record: usize,
}

impl Magic {
    /// None if the file isn't pcap.
    pub(super) fn of(head: &[u8]) -> Option<Magic> {
        let magic = head.first_chunk::<4>()?;
        let known = |word| {
            Some(match word {
                0xa1b2_c3d4 => (MICROSECOND, RECORD),
                0xa1b2_3c4d => (NANOSECOND, RECORD),
                // Alexey Kuznetsov's patched libpcap: interface, protocol and packet type after the usual fields.
                0xa1b2_cd34 => (MICROSECOND, RECORD + KUZNETSOV),
                // Two more patched tcpdumps whose records libpcap reads as usual ones.
                0xa1b2_34cd | 0xa1e2_cb12 => (MICROSECOND, RECORD),
                _ => return None,
            })
        };
        let found = |big_endian, (unit, record)| Magic { big_endian, unit, record };
        known(u32::from_le_bytes(*magic))
            .map(|k| found(false, k))
            .or_else(|| known(u32::from_be_bytes(*magic)).map(|k| found(true, k)))
    }

    fn word(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn half(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }
}

/// Cuts records out of a pcap stream.
#[derive(Debug)]
pub(super) struct Framer {
    magic: Magic,
    lengths: Lengths,
    link: u16,
    /// Captured lengths above it are looked at twice.
    usual: u32,
}

impl Framer {
    /// From the file header. The error is the cause to refuse the file.
    pub(super) fn new(magic: Magic, head: &[u8], notices: &mut Notices) -> Result<Framer, String> {
        let Some(&[_, _, _, _, a0, a1, i0, i1, _, _, _, _, _, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3]) =
            head.first_chunk::<HEAD>()
        else {
            return Err(format!("truncated: a pcap header has {HEAD} bytes, the file ends after {}", head.len()));
        };
        let (major, minor) = (magic.half([a0, a1]), magic.half([i0, i1]));
        // libpcap's savefile.c knows the same versions and says which writers swapped the two lengths.
        let lengths = match (major, minor) {
            (2, 0..=2) | (543, 0) => Lengths::WireFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            (2, 4) => Lengths::CapturedFirst,
            _ => return Err(format!("pcap of version {major}.{minor}, which nobody knows (2.4 is usual)")),
        };
        let snaplen = magic.word([s0, s1, s2, s3]);
        let link_field = magic.word([l0, l1, l2, l3]);
        if link_field & LINK_RESERVED != 0 {
            notices.add(NoticeKind::LinkTypeBits, HEAD as u64 - 4);
        }
        // 0 and huge values mean "all of it"; many writers put them there.
        let usual = if snaplen == 0 { MAX_CAPTURED } else { snaplen.min(MAX_CAPTURED) };
        Ok(Framer { magic, lengths, link: (link_field & 0xffff) as u16, usual })
    }

    pub(super) fn frame(
        &mut self,
        arena: &[u8],
        position: u64,
        frames: &mut Vec<FrameMeta>,
        notices: &mut Notices,
    ) -> Framed {
        let magic = self.magic;
        let mut rest = arena;
        let stop = loop {
            let used = arena.len() - rest.len();
            let Some((head, body)) = self.split(rest) else { break Stop::Need(magic.record) };
            let Record { seconds, fraction, captured, mut wire } = head;
            if captured > self.usual {
                if captured > MAX_CAPTURED {
                    let cause = format!(
                        "record header says {captured} bytes were captured, the most possible is {MAX_CAPTURED}"
                    );
                    break Stop::Damage { before: 0, cause };
                }
                notices.add(NoticeKind::CapturedOverSnaplen, position + used as u64);
            }
            let Some((_, after)) = body.split_at_checked(captured as usize) else {
                break Stop::Need(magic.record + captured as usize);
            };
            if captured > wire {
                notices.add(NoticeKind::CapturedOverWire, position + used as u64);
                wire = captured;
            }
            let fraction = i64::from(fraction) * magic.unit;
            if fraction >= SECOND {
                notices.add(NoticeKind::FractionOutOfRange, position + used as u64);
            }
            frames.push(FrameMeta {
                // At most 2^32 seconds and 2^32 milliseconds: fits.
                time: i64::from(seconds) * SECOND + fraction,
                offset: (arena.len() - body.len()) as u32,
                captured,
                wire,
                link: self.link,
            });
            rest = after;
        };
        Framed { used: arena.len() - rest.len(), stop }
    }

    pub(super) fn unfinished(&self, rest: &[u8]) -> Option<Stop> {
        if rest.is_empty() {
            return None;
        }
        let cause = match self.split(rest) {
            None => {
                let (whole, left) = (self.magic.record, rest.len());
                format!("truncated: a record header has {whole} bytes, the file ends after {left}")
            }
            Some((head, body)) => {
                format!("truncated: record header says {} bytes, the file ends after {}", head.captured, body.len())
            }
        };
        Some(Stop::Damage { before: 0, cause })
    }

    /// The next record's header, and what follows it.
    #[inline(always)]
    fn split<'a>(&self, rest: &'a [u8]) -> Option<(Record, &'a [u8])> {
        let (&[s0, s1, s2, s3, f0, f1, f2, f3, a0, a1, a2, a3, b0, b1, b2, b3], _) =
            rest.split_first_chunk::<RECORD>()?;
        let (_, body) = rest.split_at_checked(self.magic.record)?;
        let word = |bytes| self.magic.word(bytes);
        let (first, second) = (word([a0, a1, a2, a3]), word([b0, b1, b2, b3]));
        let (captured, wire) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        Some((Record { seconds: word([s0, s1, s2, s3]), fraction: word([f0, f1, f2, f3]), captured, wire }, body))
    }
}

/// The fields of a record's header.
struct Record {
    seconds: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

/// In which order a record gives its two lengths.
#[derive(Clone, Copy, Debug)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    SmallerIsCaptured,
}

/// Bytes of a usual record's header.
const RECORD: usize = 16;
/// Bytes the patched libpcap adds to it.
const KUZNETSOV: usize = 8;
/// Bits of the link type field without a meaning; those above say whether and how long a frame check sequence is.
const LINK_RESERVED: u32 = 0x03ff_0000;
const SECOND: i64 = 1_000_000_000;
