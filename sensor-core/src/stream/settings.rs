//! What connections hold to, and what they share.

use super::event::Counts;
use super::policy::Policy;
use super::pool::Pool;

/// Behaviour and bounds of reassembly. The defaults are Suricata's where it has the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Take up connections whose handshake wasn't seen (`stream.midstream`).
    pub midstream: bool,
    /// Take up connections of which one direction is seen (`stream.async-oneside`).
    pub one_sided: bool,
    /// Bytes of each side after which its stream is left alone; 0 = never (`stream.reassembly.depth`).
    pub depth: u64,
    /// What hosts do with overlaps, unless the connection is told otherwise.
    pub policy: Policy,
    /// Bytes allocated for what waits, in all (`stream.reassembly.memcap`). Past it, a side that needs a buffer gives
    /// up its holes: gaps are told and what it holds is handed on (`Stats::forced_memcap`).
    pub memcap: usize,
    /// Bytes allocated for what waits, of one side. Past it the same is done (`Stats::forced_side`).
    pub side_bytes: usize,
    /// Segments that wait, of one side. Past it the same is done (`Stats::forced_side`).
    pub side_segments: usize,
    /// Urgent bytes are out of band, as hosts have it unless a program asks otherwise; else they stay in the stream.
    pub urgent_out_of_band: bool,
    /// Different SYNs in one handshake that are not odd yet (`stream.max-syn-queued`).
    pub max_syns: u8,
    /// Different SYN-ACKs in one handshake that are not odd yet (`stream.max-synack-queued`).
    pub max_syn_acks: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            midstream: false,
            one_sided: false,
            depth: 1 << 20,
            policy: Policy::default(),
            memcap: 256 << 20,
            side_bytes: 4 << 20,
            side_segments: 4096,
            urgent_out_of_band: true,
            max_syns: 10,
            max_syn_acks: 5,
        }
    }
}

/// What all connections of one worker share: settings, buffers, counters.
#[derive(Debug)]
pub struct Streams {
    pub(super) settings: Settings,
    pub(super) pool: Pool,
    pub(super) stats: Stats,
}

/// What connections did.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// How often each event came.
    pub events: Counts,
    /// Bytes handed to readers.
    pub bytes: u64,
    /// Bytes told as gaps.
    pub gap_bytes: u64,
    /// Gaps.
    pub gaps: u64,
    /// Segments that had to wait.
    pub out_of_order: u64,
    /// Sides that gave up their holes because of `Settings::memcap`.
    pub forced_memcap: u64,
    /// Sides that gave up their holes because of `Settings::side_bytes` or `Settings::side_segments`.
    pub forced_side: u64,
}

impl Streams {
    /// Nothing waits.
    pub fn new(settings: Settings) -> Streams {
        Streams { settings, pool: Pool::new(settings.memcap), stats: Stats::default() }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Bytes of buffers that exist; never more than `Settings::memcap`.
    pub fn allocated(&self) -> usize {
        self.pool.allocated()
    }

    /// Bytes of buffers in use. 0 once every connection is closed.
    pub fn used(&self) -> usize {
        self.pool.used()
    }
}
