//! Bounds of the engine. Each has a policy when it is reached, named here, and a counter in
//! [`Stats`](crate::Stats) where something is lost.

/// Sizes. The defaults keep a sensor below about 600 MB at its worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open flows. Past it the flow that has been idle longest gives way (`flows_forced`).
    pub flows: usize,
    /// Flows kept for the rows' details, open or ended. Past it the oldest closed rows go (`rows_evicted`).
    pub kept_flows: usize,
    /// Rows kept. Past it the oldest closed rows go (`rows_evicted`).
    pub rows: usize,
    /// VLAN tags followed in one frame; a frame with more is an anomaly.
    pub vlans: usize,
    /// IPv6 extension headers followed in one packet; a packet with more is an anomaly.
    pub extensions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { flows: 1_000_000, kept_flows: 1_500_000, rows: 1_000_000, vlans: 4, extensions: 16 }
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
