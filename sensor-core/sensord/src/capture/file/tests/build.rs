//! Writes captures with every field named.

/// Byte order of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

pub(super) use Order::{Big, Little};

impl Order {
    pub(super) fn half(self, value: u16) -> Vec<u8> {
        if self == Big { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    pub(super) fn word(self, value: u32) -> Vec<u8> {
        if self == Big { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    pub(super) fn long(self, value: u64) -> Vec<u8> {
        if self == Big { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }
}

/// The header of a pcap file.
#[derive(Clone, Copy)]
pub(super) struct PcapHead {
    pub(super) order: Order,
    pub(super) magic: u32,
    pub(super) version: (u16, u16),
    pub(super) snaplen: u32,
    pub(super) link: u32,
}

pub(super) const MICRO: u32 = 0xa1b2_c3d4;
pub(super) const NANO: u32 = 0xa1b2_3c4d;

impl Default for PcapHead {
    fn default() -> Self {
        PcapHead { order: Little, magic: MICRO, version: (2, 4), snaplen: 65_535, link: 1 }
    }
}

impl PcapHead {
    pub(super) fn bytes(self) -> Vec<u8> {
        let PcapHead { order, magic, version, snaplen, link } = self;
        [
            order.word(magic),
            order.half(version.0),
            order.half(version.1),
            order.word(0), // time zone
            order.word(0), // accuracy
            order.word(snaplen),
            order.word(link),
        ]
        .concat()
    }

    /// A record whose lengths agree with its data.
    pub(super) fn record(self, seconds: u32, fraction: u32, data: &[u8]) -> Vec<u8> {
        self.record_of(seconds, fraction, data.len() as u32, data.len() as u32, data)
    }

    pub(super) fn record_of(self, seconds: u32, fraction: u32, captured: u32, wire: u32, data: &[u8]) -> Vec<u8> {
        let word = |value| self.order.word(value);
        [word(seconds), word(fraction), word(captured), word(wire), data.to_vec()].concat()
    }
}

/// An option of a pcapng block, padded.
pub(super) fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    [order.half(code), order.half(value.len() as u16), padded(value)].concat()
}

pub(super) fn padded(value: &[u8]) -> Vec<u8> {
    let mut bytes = value.to_vec();
    bytes.resize(value.len().next_multiple_of(4), 0);
    bytes
}

/// A pcapng block with both lengths right.
pub(super) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let total = body.len() as u32 + 12;
    [order.word(kind), order.word(total), body.to_vec(), order.word(total)].concat()
}

pub(super) const UNKNOWN_LENGTH: u64 = u64::MAX;

pub(super) fn section(order: Order, version: (u16, u16), length: u64, options: &[u8]) -> Vec<u8> {
    let body =
        [order.word(0x1a2b_3c4d), order.half(version.0), order.half(version.1), order.long(length), options.to_vec()]
            .concat();
    block(order, 0x0a0d_0d0a, &body)
}

pub(super) fn interface(order: Order, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    block(order, 1, &[order.half(link), order.half(0), order.word(snaplen), options.to_vec()].concat())
}

/// An enhanced packet block whose lengths agree with its data.
pub(super) fn enhanced(order: Order, interface: u32, ticks: u64, data: &[u8]) -> Vec<u8> {
    enhanced_of(order, interface, ticks, data.len() as u32, data.len() as u32, data, &[])
}

pub(super) fn enhanced_of(
    order: Order,
    interface: u32,
    ticks: u64,
    captured: u32,
    wire: u32,
    data: &[u8],
    options: &[u8],
) -> Vec<u8> {
    let body = [
        order.word(interface),
        order.word((ticks >> 32) as u32),
        order.word(ticks as u32),
        order.word(captured),
        order.word(wire),
        padded(data),
        options.to_vec(),
    ]
    .concat();
    block(order, 6, &body)
}

pub(super) fn simple(order: Order, wire: u32, data: &[u8]) -> Vec<u8> {
    block(order, 3, &[order.word(wire), padded(data)].concat())
}

/// The packet block of the first drafts.
pub(super) fn old(order: Order, interface: u16, drops: u16, ticks: u64, data: &[u8]) -> Vec<u8> {
    let length = data.len() as u32;
    let body = [
        order.half(interface),
        order.half(drops),
        order.word((ticks >> 32) as u32),
        order.word(ticks as u32),
        order.word(length),
        order.word(length),
        padded(data),
    ]
    .concat();
    block(order, 2, &body)
}

/// A plain pcap file of frames that are told apart by their length and bytes.
pub(super) fn pcap_of(lengths: &[usize]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let head = PcapHead::default();
    let frames: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(i, &n)| vec![i as u8; n]).collect();
    let mut bytes = head.bytes();
    for (i, frame) in frames.iter().enumerate() {
        bytes.extend(head.record(i as u32, 0, frame));
    }
    (bytes, frames)
}
