//! Bounds of the engine. Each has a policy when it is reached, named here, and a counter in
//! [`Stats`](crate::Stats) where something is lost.

use crate::decode::DefragLimits;

/// Sizes; those of discovery are [`DiscoverLimits`](crate::discover::DiscoverLimits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open flows. Past it the flow closed longest gives way, then the one idle longest (`flows_forced`).
    pub flows: usize,
    /// Per cent of `flows` that have to be free again before the shorter timeouts of a nearly full table end.
    pub emergency_recovery: u8,
    /// Flows kept for the rows' details, open or ended. Past it the oldest closed rows go (`rows_evicted`).
    pub kept_flows: usize,
    /// Rows kept. Past it the oldest closed rows go (`rows_evicted`).
    pub rows: usize,
    /// VLAN tags followed in one frame; a frame with more is an anomaly.
    pub vlans: usize,
    /// IPv6 extension headers followed in one packet; a packet with more is an anomaly.
    pub extensions: usize,
    /// Tunnels in each other that are followed; a frame with more is an anomaly.
    pub tunnels: usize,
    /// Fragments that wait to be put together: the oldest datagram gives way (`defrag.*` among the anomalies).
    pub defrag: DefragLimits,
    /// Flows whose payload is read at a time, 176 bytes each, beside what waits and is kept of them. Past it flows stay without their protocol
    /// (`inspections_refused`).
    pub inspections: usize,
    /// Bytes of TCP segments that wait for those before them. Past it a stream goes on behind its gap.
    pub stream_bytes: usize,
    /// Bytes that the messages of all flows take while they are read. Past it a flow is not parsed further
    /// (`flows_unparsed`).
    pub parser_bytes: usize,
    /// Bytes of streams' beginnings that discovery reads in pieces. Past it one is not read to its end
    /// (`openings_refused`).
    pub opening_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            flows: 1_000_000,
            emergency_recovery: 30,
            kept_flows: 1_500_000,
            rows: 1_000_000,
            vlans: 4,
            extensions: 16,
            tunnels: 8,
            defrag: DefragLimits::default(),
            inspections: 500_000,
            stream_bytes: 64 << 20,
            parser_bytes: 256 << 20,
            opening_bytes: 32 << 20,
        }
    }
}

/// Idle time after which a flow ends, in seconds of packet time. The defaults are Suricata's, so that flow records
/// split where people expect them to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP before the handshake ended.
    pub tcp_new: u32,
    /// TCP after the handshake.
    pub tcp_established: u32,
    /// TCP after FINs or a RST.
    pub tcp_closed: u32,
    /// UDP seen in one direction.
    pub udp_new: u32,
    /// UDP seen in both directions.
    pub udp_established: u32,
    /// ICMP seen in one direction.
    pub icmp_new: u32,
    /// ICMP seen in both directions.
    pub icmp_established: u32,
    /// Any other protocol seen in one direction.
    pub other_new: u32,
    /// Any other protocol seen in both directions.
    pub other_established: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            tcp_new: 60,
            tcp_established: 600,
            tcp_closed: 60,
            udp_new: 30,
            udp_established: 300,
            icmp_new: 30,
            icmp_established: 300,
            other_new: 30,
            other_established: 300,
        }
    }
}

impl Timeouts {
    /// Those that hold while the table is nearly full; Suricata's for its emergency mode.
    pub fn emergency() -> Timeouts {
        Timeouts {
            tcp_new: 10,
            tcp_established: 100,
            tcp_closed: 20,
            udp_new: 10,
            udp_established: 100,
            icmp_new: 10,
            icmp_established: 100,
            other_new: 10,
            other_established: 100,
        }
    }
}
