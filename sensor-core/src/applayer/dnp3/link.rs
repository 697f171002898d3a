//! Frames of the link layer (IEEE 1815 section 9.2): a header of ten bytes, then data in blocks of sixteen, each with a
//! check of its own.

use super::event;
pub(super) use crate::applayer::framing::Length;

/// A frame whose header is right.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Direction, primary, frame count bit and its validity, and a function.
    pub control: u8,
    pub destination: u16,
    pub source: u16,
    blocks: &'a [u8],
}

const HEADER: usize = 10;

/// The bytes that the length counts before the data: control and addresses.
const COUNTED: u8 = 5;

/// A frame's length, by its beginning.
pub(super) fn length(bytes: &[u8]) -> Length {
    match bytes {
        [] | [0x05] | [0x05, 0x64] => Length::Short,
        [0x05, 0x64, length, ..] if *length >= COUNTED => {
            let data = u64::from(length - COUNTED);
            Length::Bytes(HEADER as u64 + data + 2 * data.div_ceil(16))
        }
        _ => Length::Wrong,
    }
}

impl<'a> Frame<'a> {
    /// Reads a frame's header; the event of one that is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Frame<'a>, u8> {
        let (head, blocks) = bytes.split_first_chunk::<HEADER>().ok_or(event::LEN_TOO_SMALL)?;
        let [_, _, _, control, destination0, destination1, source0, source1, sum0, sum1] = *head;
        let (counted, _) = head.split_at(8);
        if u16::from_le_bytes([sum0, sum1]) != check(counted) {
            return Err(event::BAD_LINK_CRC);
        }
        Ok(Frame {
            control,
            destination: u16::from_le_bytes([destination0, destination1]),
            source: u16::from_le_bytes([source0, source1]),
            blocks,
        })
    }

    /// Whether it carries data, confirmed or not, from a primary station.
    pub fn is_data(&self) -> bool {
        self.control & 0x40 != 0 && matches!(self.control & 0x0f, 3 | 4)
    }

    /// Appends the data; false if a check is wrong.
    pub fn data(&self, out: &mut Vec<u8>) -> bool {
        self.blocks.chunks(18).all(|block| {
            let Some((data, sum)) = block.split_last_chunk::<2>() else { return false };
            out.extend_from_slice(data);
            u16::from_le_bytes(*sum) == check(data)
        })
    }
}

/// The CRC of IEEE 1815 section 9.2: reflected, inverted.
pub(super) fn check(bytes: &[u8]) -> u16 {
    let sum = bytes.iter().fold(0_u16, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte), |sum, _| if sum & 1 != 0 { sum >> 1 ^ 0xa6bc } else { sum >> 1 })
    });
    !sum
}
