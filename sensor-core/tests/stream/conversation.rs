//! Segments spelled out, and a reader that keeps what it is told.

use sensor_core::stream::{
    Connection, End, Event, Events, Policy, Reader, Segment, Settings, Side, Streams, Wants, flags,
};

pub const SYN: u8 = flags::SYN;
pub const ACK: u8 = flags::ACK;
pub const FIN: u8 = flags::FIN | flags::ACK;
pub const RST: u8 = flags::RST;

/// What a reader was told of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Data(Vec<u8>),
    Gap(u64),
    End(End),
}

/// Keeps all, joining data that follows data and gaps that follow gaps.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    pub sides: [Vec<Told>; 2],
    /// Calls of `data` by side.
    pub calls: [usize; 2],
    /// Bytes after which a side wants no more.
    pub enough: Option<usize>,
}

impl Keeper {
    pub fn data_of(&self, side: Side) -> Vec<u8> {
        let told = self.sides[side as usize].iter();
        told.filter_map(|told| if let Told::Data(bytes) = told { Some(bytes.as_slice()) } else { None })
            .flatten()
            .copied()
            .collect()
    }

    pub fn gaps_of(&self, side: Side) -> u64 {
        let told = self.sides[side as usize].iter();
        told.map(|told| if let Told::Gap(len) = told { *len } else { 0 }).sum()
    }

    pub fn ends_of(&self, side: Side) -> Vec<End> {
        let told = self.sides[side as usize].iter();
        told.filter_map(|told| if let Told::End(how) = told { Some(*how) } else { None }).collect()
    }
}

impl Reader for Keeper {
    fn data(&mut self, side: Side, bytes: &[u8]) -> Wants {
        assert!(!bytes.is_empty(), "data without bytes");
        assert!(self.ends_of(side).is_empty(), "data after the end");
        self.calls[side as usize] += 1;
        let told = &mut self.sides[side as usize];
        match told.last_mut() {
            Some(Told::Data(before)) => before.extend(bytes),
            _ => told.push(Told::Data(bytes.to_vec())),
        }
        match self.enough {
            Some(enough) if self.data_of(side).len() >= enough => Wants::Enough,
            _ => Wants::More,
        }
    }

    fn gap(&mut self, side: Side, len: u64) -> Wants {
        assert!(len > 0, "a gap of nothing");
        assert!(self.ends_of(side).is_empty(), "a gap after the end");
        let told = &mut self.sides[side as usize];
        match told.last_mut() {
            Some(Told::Gap(before)) => *before += len,
            _ => told.push(Told::Gap(len)),
        }
        Wants::More
    }

    fn end(&mut self, side: Side, how: End) {
        assert!(self.ends_of(side).is_empty(), "a second end");
        self.sides[side as usize].push(Told::End(how));
    }
}

/// A connection with all that it needs.
pub struct Talk {
    pub connection: Connection,
    pub streams: Streams,
    pub keeper: Keeper,
    /// Initial sequence numbers: added to all numbers, so that tests count from 0 (the SYN).
    pub isn: [u32; 2],
    pub window: u16,
    pub now: i64,
}

impl Talk {
    pub fn new(settings: Settings) -> Talk {
        let policy = settings.policy;
        Talk {
            connection: Connection::new(policy, policy),
            streams: Streams::new(settings),
            keeper: Keeper::default(),
            isn: [u32::MAX - 20, 7000],
            window: 65535,
            now: 1_700_000_000_000_000_000,
        }
    }

    /// After a handshake; the next numbers are 1.
    pub fn open(settings: Settings) -> Talk {
        let mut talk = Talk::new(settings);
        assert_eq!(talk.client(0, 0, SYN, b""), []);
        assert_eq!(talk.server(0, 1, SYN | ACK, b""), []);
        assert_eq!(talk.client(1, 1, ACK, b""), []);
        assert_eq!(talk.connection.state().name(), "established");
        talk
    }

    pub fn with_policy(policy: Policy) -> Talk {
        Talk::open(Settings { policy, ..Settings::default() })
    }

    pub fn client(&mut self, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<Event> {
        self.send(Side::Client, seq, ack, flags, payload)
    }

    pub fn server(&mut self, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<Event> {
        self.send(Side::Server, seq, ack, flags, payload)
    }

    pub fn send(&mut self, side: Side, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<Event> {
        let segment = self.segment(side, seq, ack, flags, payload);
        self.take(&segment)
    }

    pub fn segment<'a>(&self, side: Side, seq: u32, ack: u32, flags: u8, payload: &'a [u8]) -> Segment<'a> {
        let acks = flags & ACK != 0;
        Segment {
            time: self.now,
            side,
            seq: self.isn[side as usize].wrapping_add(seq),
            ack: if acks { self.isn[side.other() as usize].wrapping_add(ack) } else { 0 },
            flags,
            window: self.window,
            urgent: 0,
            scale: None,
            timestamp: None,
            fast_open: false,
            len: payload.len() as u32,
            payload,
        }
    }

    pub fn take(&mut self, segment: &Segment<'_>) -> Vec<Event> {
        self.now += 1_000_000;
        list(self.connection.segment(segment, &mut self.streams, &mut self.keeper))
    }

    /// Closes, and checks that nothing is left behind.
    pub fn close(&mut self) {
        self.connection.close(&mut self.streams, &mut self.keeper);
        assert_eq!(self.streams.used(), 0, "buffers not given back");
    }

    pub fn state(&self) -> &'static str {
        self.connection.state().name()
    }

    pub fn told(&self, side: Side) -> &[Told] {
        &self.keeper.sides[side as usize]
    }
}

pub fn list(events: Events) -> Vec<Event> {
    events.iter().collect()
}

pub fn data(bytes: &[u8]) -> Told {
    Told::Data(bytes.to_vec())
}
