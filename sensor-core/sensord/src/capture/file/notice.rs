//! What is odd in a capture and doesn't stop the reading.

use std::fmt;

/// Something odd that was read past: the first place, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// Offset in the (decompressed) stream of the first time.
    pub first: u64,
    /// How often.
    pub count: u64,
}

/// Kinds of oddities. One [`Notice`] a kind is kept, so their number bounds the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeKind {
    /// A pcap record's microseconds or nanoseconds are a second or more. They were added as they are.
    FractionOutOfRange,
    /// A time doesn't fit in nanoseconds since 1970. The nearest that does was taken.
    TimeOutOfRange,
    /// A record carries no time (pcapng simple packets). That of the packet before it was taken.
    NoTime,
    /// A record holds more bytes than it says were on the wire. The larger number was taken.
    CapturedOverWire,
    /// A record holds more bytes than the file says it keeps of a packet.
    CapturedOverSnaplen,
    /// Bits of a pcap header's link type that have no meaning are set. They were ignored.
    LinkTypeBits,
    /// A pcapng section isn't as long as its header says. The header's length was ignored.
    SectionLength,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            NoticeKind::FractionOutOfRange => "fraction of a second out of range",
            NoticeKind::TimeOutOfRange => "time out of range, nearest taken",
            NoticeKind::NoTime => "packet without a time, that of the packet before taken",
            NoticeKind::CapturedOverWire => "more bytes captured than on the wire",
            NoticeKind::CapturedOverSnaplen => "more bytes captured than the file's snap length",
            NoticeKind::LinkTypeBits => "reserved bits of the link type set, ignored",
            NoticeKind::SectionLength => "section length wrong, ignored",
        };
        write!(f, "{what}: {} times, first at byte {}", self.count, self.first)
    }
}

/// The notices of one file.
#[derive(Debug, Default)]
pub(super) struct Notices(Vec<Notice>);

impl Notices {
    #[cold]
    pub(super) fn add(&mut self, kind: NoticeKind, offset: u64) {
        match self.0.iter_mut().find(|notice| notice.kind == kind) {
            Some(notice) => notice.count += 1,
            None => self.0.push(Notice { kind, first: offset, count: 1 }),
        }
    }

    pub(super) fn all(&self) -> &[Notice] {
        &self.0
    }
}
