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
    /// The packet ends inside the ARP message.
    ArpTooSmall = "arp.pkt_too_small",
    /// ARP for another network than IPv4 over Ethernet.
    ArpUnsupported = "arp.unsupported_hardware",
    /// The frame ends inside an 802.1ah service tag.
    PbbTooSmall = "ieee8021ah.header_too_small",
    /// The frame ends inside a VN-Tag.
    VnTagTooSmall = "vntag.header_too_small",
    /// The frame ends inside an 802.1BR E-Tag.
    ETagTooSmall = "etag.header_too_small",
    /// The packet ends inside a PPP header.
    PppTooSmall = "ppp.pkt_too_small",
    /// A network protocol in PPP that is not decoded.
    PppProtocol = "ppp.unsup_proto",
    /// PPP with Van Jacobson's header compression.
    PppCompressed = "not_decoded.ppp_vj",
    /// PPP control protocols.
    PppControl = "not_decoded.ppp_control",
    /// The packet ends inside a PPPoE header.
    PppoeTooSmall = "pppoe.pkt_too_small",
    /// PPPoE of another version or type than 1.
    PppoeWrongCode = "pppoe.wrong_code",
    /// PPPoE discovery.
    PppoeDiscovery = "not_decoded.pppoe_discovery",
    /// The frame ends inside a Cisco HDLC header.
    HdlcTooSmall = "chdlc.pkt_too_small",
    /// Cisco's keepalives and discovery on a serial line.
    HdlcControl = "not_decoded.chdlc_control",
    /// The packet ends inside an MPLS stack.
    MplsTooSmall = "mpls.header_too_small",
    /// What follows an MPLS stack is neither IP nor Ethernet.
    MplsPayload = "mpls.unknown_payload_type",
    /// The packet ends inside a network service header.
    NshTooSmall = "nsh.header_too_small",
    /// A network service header shorter than its fixed part.
    NshLength = "nsh.bad_header_length",
    /// A network service header before a protocol that is not decoded.
    NshProtocol = "nsh.unknown_payload",
    /// The frame ends inside a netfilter log header.
    NflogTooSmall = "nflog.pkt_too_small",
    /// A netfilter log attribute shorter than its header.
    NflogLength = "nflog.bad_attribute_length",
    /// The frame ends inside an 802.11 header.
    WlanTooSmall = "ieee80211.pkt_too_small",
    /// 802.11 of another version than 0.
    WlanVersion = "ieee80211.unsupported_version",
    /// 802.11 management and control frames, and data frames without data.
    WlanControl = "not_decoded.ieee80211_management",
    /// 802.11 data that is encrypted.
    WlanEncrypted = "not_decoded.ieee80211_encrypted",
    /// The frame ends inside a radiotap header, or it has an unknown version.
    RadiotapTooSmall = "radiotap.header_too_small",
    /// The frame ends inside a Prism or AVS header.
    PrismTooSmall = "prism.header_too_small",
    /// The frame ends inside a per-packet information header.
    PpiTooSmall = "ppi.header_too_small",
    /// The packet ends inside a GRE header.
    GreTooSmall = "gre.pkt_too_small",
    /// GRE of another version than 0 and 1.
    GreVersion = "gre.wrong_version",
    /// GRE version 1 that does not carry PPP.
    GreVersion1Protocol = "gre.version1_wrong_protocol",
    /// GRE version 1 without a call id.
    GreVersion1Key = "gre.version1_no_key",
    /// The packet ends inside an ERSPAN header.
    ErspanTooSmall = "erspan.header_too_small",
    /// ERSPAN of a version that its GRE header does not announce.
    ErspanVersion = "erspan.unsupported_version",
    /// The packet ends inside an EtherIP header.
    EtherIpTooSmall = "etherip.header_too_small",
    /// The packet ends inside the SCTP or UDP-Lite header.
    SctpTooSmall = "sctp.pkt_too_small",
    /// The packet ends inside the IGMP message.
    IgmpTooSmall = "igmp.pkt_too_small",
    /// More layers, or more packets, in one frame than the decoder follows.
    TooManyLayers = "too_many_layers",
    /// More tunnels in each other than the decoder follows.
    TunnelsTooDeep = "tunnels.too_many_layers",
    /// An IPv6 fragment header on a packet that is no fragment.
    Ipv6UselessFragmentHeader = "ipv6.exthdr_useless_fh",
    /// An IPv4 fragment: no fault.
    Ipv4Fragment = "ipv4.fragment",
    /// An IPv6 fragment: no fault.
    Ipv6Fragment = "ipv6.fragment",
    /// An IPv4 fragment that overlaps another one.
    Ipv4FragmentOverlap = "ipv4.frag_overlap",
    /// An IPv6 fragment that overlaps another one, which RFC 5722 forbids.
    Ipv6FragmentOverlap = "ipv6.frag_overlap",
    /// An IPv4 fragment that ends past the longest datagram there can be.
    Ipv4FragmentTooLarge = "ipv4.frag_pkt_too_large",
    /// An IPv6 fragment that ends past the longest datagram there can be.
    Ipv6FragmentTooLarge = "ipv6.frag_pkt_too_large",
    /// An IPv4 fragment that is not the last and not a multiple of 8 bytes.
    Ipv4FragmentLength = "ipv4.frag_invalid_length",
    /// An IPv6 fragment that is not the last and not a multiple of 8 bytes.
    Ipv6FragmentLength = "ipv6.frag_invalid_length",
    /// An IPv4 fragment past the end that the last one set, or a last one before that.
    Ipv4FragmentBeyondEnd = "ipv4.frag_beyond_end",
    /// An IPv6 fragment past the end that the last one set, or a last one before that.
    Ipv6FragmentBeyondEnd = "ipv6.frag_beyond_end",
    /// A datagram whose fragments did not all come in time.
    DefragIncomplete = "defrag.incomplete",
    /// A datagram given up because too many waited.
    DefragTrackers = "defrag.max_trackers_reached",
    /// A datagram given up because those that waited took too many bytes.
    DefragMemory = "defrag.memcap_reached",
    /// An IPv4 header whose checksum is wrong.
    Ipv4Checksum = "ipv4.invalid_checksum",
    /// A TCP segment whose checksum is wrong.
    TcpChecksum = "tcp.invalid_checksum",
    /// A UDP datagram whose checksum is wrong.
    UdpChecksum = "udp.invalid_checksum",
    /// An ICMP message whose checksum is wrong.
    Icmp4Checksum = "icmpv4.invalid_checksum",
    /// An ICMPv6 message whose checksum is wrong.
    Icmp6Checksum = "icmpv6.invalid_checksum",
    /// Link type of the capture that is not decoded.
    LinkType = "not_decoded.link_type",
    /// IEEE 802.15.4 frames.
    Ieee802154 = "not_decoded.ieee802_15_4",
    /// 802.3 frame with an LLC header of another protocol than IP.
    Llc = "not_decoded.llc",
    /// RARP.
    Rarp = "not_decoded.rarp",
    /// LLDP.
    Lldp = "not_decoded.lldp",
    /// 802.1X.
    Eapol = "not_decoded.eapol",
    /// MACsec.
    Macsec = "not_decoded.macsec",
    /// Any other EtherType.
    EtherType = "ethernet.unknown_ethertype",
    /// ESP: tracked by its addresses.
    Esp = "not_decoded.esp",
    /// IP protocol without a decoder: tracked by its addresses.
    IpProtocol = "not_decoded.ip_protocol",
}

/// How often each anomaly came.
#[derive(Clone, Debug)]
pub struct Counts {
    counts: [u64; Anomaly::ALL.len()],
    /// Those since they were taken last; few, whatever a frame holds.
    fresh: Vec<Anomaly>,
}

impl Default for Counts {
    fn default() -> Self {
        Counts { counts: [0; Anomaly::ALL.len()], fresh: Vec::new() }
    }
}

impl Counts {
    /// Counts one.
    #[inline]
    pub fn add(&mut self, anomaly: Anomaly) {
        if let Some(n) = self.counts.get_mut(anomaly as usize) {
            *n += 1;
        }
        if self.fresh.len() < MOST_FRESH {
            self.fresh.push(anomaly);
        }
    }

    /// Those that came since the last time, at most eight.
    #[inline]
    pub(crate) fn fresh(&self) -> &[Anomaly] {
        &self.fresh
    }

    /// Forgets those that are [`Counts::fresh`].
    pub(crate) fn stale(&mut self) {
        self.fresh.clear();
    }

    /// How often this one came.
    pub fn get(&self, anomaly: Anomaly) -> u64 {
        self.counts.get(anomaly as usize).copied().unwrap_or(0)
    }

    /// Those that came at all, most frequent first, then by name.
    pub fn ranked(&self) -> Vec<(&'static str, u64)> {
        let mut list: Vec<_> = Anomaly::ALL.iter().map(|a| (a.name(), self.get(*a))).filter(|(_, n)| *n > 0).collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        list
    }
}

/// Anomalies of one frame that rules hear of.
const MOST_FRESH: usize = 8;

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
        counts.add(Anomaly::Lldp);
        counts.add(Anomaly::Lldp);
        counts.add(Anomaly::IpProtocol);
        assert_eq!(counts.ranked(), [("not_decoded.lldp", 2), ("not_decoded.ip_protocol", 1)]);
    }
}
