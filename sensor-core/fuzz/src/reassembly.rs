//! TCP segments of both sides, in any order and overlap, under every policy and low bounds.

use sensor_core::stream::{Connection, End, Policy, Reader, Segment, Settings, Side, Streams, Wants, flags};

use crate::frames::BEGIN;
use crate::input::Input;

/// A side's stream comes in order, ends once, and holds no byte twice; buffers stay within their bound and come back.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let bits = input.u8();
    let settings = Settings {
        midstream: bits & 1 != 0,
        one_sided: bits & 2 != 0,
        urgent_out_of_band: bits & 4 != 0,
        depth: input.pick(&[0, 1 << 20, 1000, 1]),
        memcap: input.pick(&[256 << 20, 100_000, 3000, 0]),
        side_bytes: input.pick(&[4 << 20, 20_000, 1000]),
        side_segments: input.pick(&[4096, 100, 5, 0]),
        ..Settings::default()
    };
    let policies = [input.pick(&Policy::ALL), input.pick(&Policy::ALL)];
    let isn = [input.u32(), input.u32()];
    let mut streams = Streams::new(settings);
    let mut connection = Connection::new(policies[0], policies[1]);
    let mut reader = Checker { enough: [u64::MAX; 2], ..Checker::default() };
    let is_open = bits & 8 != 0;
    if bits & 0x10 != 0 {
        reader.enough = [u64::from(input.u8()) * 64, u64::from(input.u8()) * 64];
    }
    let mut time = BEGIN;
    if is_open {
        // The first bytes are then known, and so is what each place has to hold.
        reader.place = isn.map(|isn| Some(isn.wrapping_add(1)));
        for (side, flags) in [(0, flags::SYN), (1, flags::SYN | flags::ACK), (0, flags::ACK)] {
            let mut segment = plain(side, time);
            segment.seq = isn[side].wrapping_add(u32::from(flags == flags::ACK));
            segment.ack = if flags & flags::ACK != 0 { isn[1 - side].wrapping_add(1) } else { 0 };
            segment.flags = flags;
            connection.segment(&segment, &mut streams, &mut reader);
        }
    }
    // After the highest number of each side.
    let mut top = isn.map(|isn| isn.wrapping_add(1));
    let mut payload = Vec::new();
    while !input.is_empty() {
        let step = Step::read(&mut input);
        time = time.saturating_add(step.later);
        let side = usize::from(step.from_server);
        let seq = if step.wild { step.far } else { top[side].wrapping_add_signed(i32::from(step.ahead)) };
        payload.clear();
        // What a place holds depends on its number alone, unless the step lies.
        payload.extend((0..step.len).map(|i| content(side, seq.wrapping_add(i)) ^ step.lie));
        reader.lied |= step.lie != 0 && step.len > 0;
        reader.skipped |= step.flags & flags::URG != 0 && settings.urgent_out_of_band;
        let captured = payload.len() - usize::from(step.cut).min(payload.len());
        let segment = Segment {
            seq,
            ack: top[1 - side].wrapping_add_signed(i32::from(step.acked)),
            flags: step.flags,
            window: step.window,
            urgent: step.urgent,
            scale: step.scale,
            timestamp: step.timestamp,
            fast_open: step.fast_open,
            len: step.len,
            payload: &payload[..captured],
            ..plain(side, time)
        };
        if !step.wild && (step.ahead as u32) < 0x8000 {
            top[side] = seq.wrapping_add(step.len);
        }
        if step.flags & flags::SYN != 0 {
            // Another beginning may be taken for the stream's.
            reader.skipped = true;
        }
        if connection.reopens(&segment) {
            close(&mut connection, &mut streams, &mut reader, settings);
            connection = Connection::new(policies[0], policies[1]);
            reader = Checker { enough: reader.enough, skipped: true, ..Checker::default() };
        }
        connection.segment(&segment, &mut streams, &mut reader);
        assert!(streams.allocated() <= settings.memcap && streams.used() <= streams.allocated());
    }
    close(&mut connection, &mut streams, &mut reader, settings);
}

fn close(connection: &mut Connection, streams: &mut Streams, reader: &mut Checker, settings: Settings) {
    connection.close(streams, reader);
    assert_eq!(streams.used(), 0);
    for side in [Side::Client, Side::Server] {
        let told = reader.told[side as usize];
        assert!(settings.depth == 0 || told <= settings.depth);
        assert!(told <= connection.told(side), "{told} of {}", connection.told(side));
    }
}

/// A byte that its number alone decides.
fn content(side: usize, seq: u32) -> u8 {
    (seq.wrapping_add(side as u32).wrapping_mul(0x9e37_79b1) >> 24) as u8
}

fn plain(side: usize, time: i64) -> Segment<'static> {
    Segment {
        time,
        side: if side == 0 { Side::Client } else { Side::Server },
        seq: 0,
        ack: 0,
        flags: 0,
        window: 8192,
        urgent: 0,
        scale: None,
        timestamp: None,
        fast_open: false,
        len: 0,
        payload: &[],
    }
}

/// A segment as the input has it.
struct Step {
    from_server: bool,
    flags: u8,
    /// Relative to what the side sent last.
    ahead: i16,
    /// Relative to what the peer sent last.
    acked: i16,
    len: u32,
    /// Bytes at the end that were not captured.
    cut: u8,
    /// The bytes are not those of their place.
    lie: u8,
    window: u16,
    urgent: u16,
    scale: Option<u8>,
    timestamp: Option<u32>,
    fast_open: bool,
    wild: bool,
    far: u32,
    later: i64,
}

impl Step {
    fn read(input: &mut Input<'_>) -> Step {
        let (bits, more) = (input.u8(), input.u8());
        let mut step = Step {
            from_server: bits & 1 != 0,
            // Most segments are plain data.
            flags: if bits & 2 != 0 { input.u8() } else { flags::ACK },
            ahead: if bits & 4 != 0 { input.u16() as i16 } else { 0 },
            acked: if bits & 8 != 0 { input.u16() as i16 } else { 0 },
            len: if bits & 0x10 != 0 { u32::from(input.u16() & 0x1fff) } else { u32::from(input.u8()) },
            cut: if bits & 0x20 != 0 { input.u8() } else { 0 },
            lie: if bits & 0x40 != 0 { input.u8() } else { 0 },
            window: if bits & 0x80 != 0 { input.u16() } else { 8192 },
            urgent: 0,
            scale: None,
            timestamp: None,
            fast_open: more & 0x40 != 0,
            wild: more & 0x80 != 0,
            far: 0,
            later: i64::from(more & 7) * 1_000_000,
        };
        if step.flags & flags::URG != 0 {
            step.urgent = input.u16();
        }
        if more & 8 != 0 {
            step.scale = Some(input.u8() & 15);
        }
        if more & 0x10 != 0 {
            step.timestamp = Some(u32::from(input.u16()) << 8);
        }
        if more & 0x20 != 0 {
            step.later = i64::from(input.u16()) * 1_000_000_000_000;
        }
        if step.wild {
            step.far = input.u32();
        }
        step
    }
}

/// Checks what a reader may rely on.
#[derive(Default)]
struct Checker {
    /// The number of the next byte of a side, where it is known.
    place: [Option<u32>; 2],
    told: [u64; 2],
    ended: [bool; 2],
    /// Bytes after which a side is not wanted any more, and the sides of which that was said.
    enough: [u64; 2],
    said_enough: [bool; 2],
    /// Some segment did not carry what its place holds.
    lied: bool,
    /// Numbers without a byte: the place is no longer known.
    skipped: bool,
}

impl Checker {
    fn on(&mut self, side: usize, len: u64) -> Wants {
        assert!(!self.ended[side], "more after the end");
        assert!(!self.said_enough[side], "more after enough");
        self.told[side] += len;
        self.place[side] = self.place[side].map(|place| place.wrapping_add(len as u32));
        self.said_enough[side] = self.told[side] >= self.enough[side];
        if self.said_enough[side] { Wants::Enough } else { Wants::More }
    }
}

impl Reader for Checker {
    fn data(&mut self, side: Side, bytes: &[u8]) -> Wants {
        assert!(!bytes.is_empty(), "data of nothing");
        let side = side as usize;
        if let Some(place) = self.place[side]
            && !self.lied
            && !self.skipped
        {
            let expected = (0..bytes.len() as u32).map(|i| content(side, place.wrapping_add(i)));
            assert!(bytes.iter().copied().eq(expected), "side {side} at {place}");
        }
        self.on(side, bytes.len() as u64)
    }

    fn gap(&mut self, side: Side, len: u64) -> Wants {
        assert!(len > 0, "a gap of nothing");
        self.on(side as usize, len)
    }

    fn end(&mut self, side: Side, _: End) {
        assert!(!self.said_enough[side as usize], "an end after enough");
        assert!(!self.ended[side as usize], "a second end");
        self.ended[side as usize] = true;
    }
}
