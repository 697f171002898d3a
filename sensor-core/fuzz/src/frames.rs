//! Frames of an input, as the targets of decoder and engine read them.

use sensor_core::Frame;

use crate::input::Input;

/// Link types that the decoder knows, and one that it does not.
pub const LINKS: [u16; 24] =
    [1, 0, 108, 12, 14, 101, 228, 229, 113, 276, 9, 50, 166, 51, 104, 105, 127, 119, 163, 192, 239, 100, 195, 147];

/// A frame: link, time since the one before, what the capture cut off, length, bytes.
pub fn next<'a>(input: &mut Input<'a>, time: &mut i64) -> Frame<'a> {
    let link = input.pick(&LINKS);
    let later = input.u8();
    // Most frames follow each other fast, some after minutes; some clocks go back, some captures say any time.
    *time = match later {
        0xff => time.saturating_sub(20_000_000_000),
        0xfe if *time == i64::MAX => i64::MIN,
        0xfe => i64::MAX,
        0xf0..0xfe => time.saturating_add(i64::from(later & 15) * 20_000_000_000),
        _ => time.saturating_add(i64::from(later) * 1_000_000),
    };
    let cut = u32::from(input.u8());
    let data = input.block();
    Frame { time: *time, link, wire: data.len() as u32 + cut, data }
}

/// Writes a frame as [`next`] reads it. Link types that are not in the table can't be written.
#[allow(dead_code, reason = "the maker of seeds uses it, the replay of the corpus does not")]
pub fn write(out: &mut Vec<u8>, link: u16, milliseconds: i64, wire: u32, data: &[u8]) {
    let Some(index) = LINKS.iter().position(|l| *l == link) else { return };
    let cut = wire.saturating_sub(data.len() as u32).min(255);
    out.extend([index as u8, milliseconds.clamp(0, 200) as u8, cut as u8]);
    out.extend((data.len() as u16).to_be_bytes());
    out.extend(data);
}

/// Where time begins.
pub const BEGIN: i64 = 1_700_000_000_000_000_000;
