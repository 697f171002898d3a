//! What is wrong with a packet, or not decoded yet: counted by a stable name, never an error.

/// Declares the enum together with its names, so that neither can be forgotten.
macro_rules! anomalies {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// A decode anomaly. Names follow Suricata's decoder events where it has one of the same meaning; those under
        /// `not_decoded` are protocols that this version counts and leaves alone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Anomaly {
            $($(#[$doc])* $variant,)+
        }

        impl Anomaly {
            /// Every anomaly, in the order of its discriminant.
            pub const ALL: &'static [Anomaly] = &[$(Anomaly::$variant,)+];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Anomaly::$variant => $name,)+
                }
            }
        }
    };
}

anomalies! {
    /// The frame ends inside the Ethernet header.
    EthernetTooSmall = "ethernet.pkt_too_small",
    /// The frame ends inside a Linux cooked header.
    SllTooSmall = "sll.pkt_too_small",
    /// The frame ends inside a null/loop header.
    NullTooSmall = "ltnull.pkt_too_small",
    /// A null/loop header with an address family that is neither IPv4 nor IPv6.
    NullUnknownFamily = "ltnull.unsupported_type",
    /// The frame ends inside a VLAN tag.
    VlanTooSmall = "vlan.header_too_small",
    /// More VLAN tags than the decoder follows.
    VlanTooDeep = "vlan.too_many_layers",
    /// A raw IP packet whose first nibble is neither 4 nor 6.
    RawUnknownVersion = "ipraw.invalid_ip_version",
    /// The packet ends inside the IPv4 header.
    Ipv4TooSmall = "ipv4.pkt_too_small",
    /// EtherType says IPv4, the version field does not.
    Ipv4WrongVersion = "ipv4.wrong_ip_version",
    /// IPv4 header length below 20 bytes.
    Ipv4HeaderLength = "ipv4.hlen_too_small",
    /// IPv4 total length smaller than its header.
    Ipv4LengthBelowHeader = "ipv4.iplen_smaller_than_hlen",
    /// IPv4 total length larger than what was on the wire.
    Ipv4Truncated = "ipv4.trunc_pkt",
    /// The packet ends inside the IPv6 header.
    Ipv6TooSmall = "ipv6.pkt_too_small",
    /// EtherType says IPv6, the version field does not.
    Ipv6WrongVersion = "ipv6.wrong_ip_version",
    /// IPv6 payload length larger than what was on the wire.
    Ipv6Truncated = "ipv6.trunc_pkt",
    /// The packet ends inside an IPv6 extension header.
    Ipv6ExtensionTruncated = "ipv6.trunc_exthdr",
    /// More IPv6 extension headers than the decoder follows.
    Ipv6ExtensionsTooDeep = "ipv6.exthdr_too_many",
    /// The packet ends inside the TCP header.
    TcpTooSmall = "tcp.pkt_too_small",
    /// TCP data offset below 5.
    TcpHeaderLength = "tcp.hlen_too_small",
    /// TCP data offset past the end of the packet.
    TcpOptionsTruncated = "tcp.invalid_optlen",
    /// The packet ends inside the UDP header.
    UdpTooSmall = "udp.pkt_too_small",
    /// UDP length below 8, or past the end of its IP packet.
    UdpLength = "udp.len_invalid",
    /// The packet ends inside the ICMP header.
    Icmp4TooSmall = "icmpv4.pkt_too_small",
    /// The packet ends inside the ICMPv6 header.
    Icmp6TooSmall = "icmpv6.pkt_too_small",
    /// The capture kept less of the frame than its headers need (snap length).
    SnapLength = "capture.headers_cut_by_snap_length",
    /// Link type of the capture that is not decoded.
    LinkType = "not_decoded.link_type",
    /// 802.3 frame with an LLC header.
    Llc = "not_decoded.llc",
    /// ARP.
    Arp = "not_decoded.arp",
    /// LLDP.
    Lldp = "not_decoded.lldp",
    /// MPLS.
    Mpls = "not_decoded.mpls",
    /// PPPoE, discovery or session.
    Pppoe = "not_decoded.pppoe",
    /// MACsec.
    Macsec = "not_decoded.macsec",
    /// 802.1ah provider backbone bridging.
    Pbb = "not_decoded.802_1ah",
    /// Any other EtherType.
    EtherType = "not_decoded.ethertype",
    /// A fragment after the first: its ports are in another packet; it counts to a flow without ports.
    Fragment = "not_decoded.ip_fragment",
    /// GRE: the packets inside are not looked at.
    Gre = "not_decoded.gre",
    /// IP inside IP: the packets inside are not looked at.
    IpInIp = "not_decoded.ip_in_ip",
    /// ESP.
    Esp = "not_decoded.esp",
    /// IP protocol without a decoder: tracked by its addresses.
    IpProtocol = "not_decoded.ip_protocol",
}

/// How often each anomaly came.
#[derive(Clone, Debug)]
pub struct Counts([u64; Anomaly::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Counts([0; Anomaly::ALL.len()])
    }
}

impl Counts {
    /// Counts one.
    #[inline]
    pub fn add(&mut self, anomaly: Anomaly) {
        if let Some(n) = self.0.get_mut(anomaly as usize) {
            *n += 1;
        }
    }

    /// How often this one came.
    pub fn get(&self, anomaly: Anomaly) -> u64 {
        self.0.get(anomaly as usize).copied().unwrap_or(0)
    }

    /// Those that came at all, most frequent first, then by name.
    pub fn ranked(&self) -> Vec<(&'static str, u64)> {
        let mut list: Vec<_> = Anomaly::ALL.iter().map(|a| (a.name(), self.get(*a))).filter(|(_, n)| *n > 0).collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_counted_apart() {
        let mut names: Vec<_> = Anomaly::ALL.iter().map(|a| a.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Anomaly::ALL.len());
        let mut counts = Counts::default();
        counts.add(Anomaly::Arp);
        counts.add(Anomaly::Arp);
        counts.add(Anomaly::IpProtocol);
        assert_eq!(counts.ranked(), [("not_decoded.arp", 2), ("not_decoded.ip_protocol", 1)]);
    }
}
