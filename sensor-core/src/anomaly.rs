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
    /// What follows a VLAN tag is none of the network protocols that may.
    VlanUnknown = "vlan.unknown_type",
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
    /// An IPv4 option with a field that has a value it may not have.
    Ipv4OptionInvalid = "ipv4.opt_invalid",
    /// An IPv4 option longer than those that are there, or of another length than its kind has.
    Ipv4OptionLength = "ipv4.opt_invalid_len",
    /// An IPv4 option whose pointer or list does not fit its length.
    Ipv4OptionMalformed = "ipv4.opt_malformed",
    /// Something else than zeros after the end of the IPv4 options.
    Ipv4OptionPadding = "ipv4.opt_pad_required",
    /// IPv4 options that leave one byte in which no option fits and that is no end of list.
    Ipv4OptionEnd = "ipv4.opt_eol_required",
    /// An IPv4 option twice.
    Ipv4OptionTwice = "ipv4.opt_duplicate",
    /// An IPv4 option that is none of the known ones.
    Ipv4OptionUnknown = "ipv4.opt_unknown",
    /// ICMPv6 in IPv4.
    Ipv4Icmp6 = "ipv4.icmpv6",
    /// A protocol in IPv4 without a decoder: tracked by its addresses.
    Ipv4Protocol = "ipv4.unknown_protocol",
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
    /// An IPv6 fragment header twice.
    Ipv6TwoFragmentHeaders = "ipv6.exthdr_dupl_fh",
    /// An IPv6 routing header twice.
    Ipv6TwoRoutingHeaders = "ipv6.exthdr_dupl_rh",
    /// IPv6 hop-by-hop options twice.
    Ipv6TwoHopOptions = "ipv6.exthdr_dupl_hh",
    /// IPv6 destination options more than the two times that RFC 8200 section 4.1 allows.
    Ipv6TwoDestinationOptions = "ipv6.exthdr_dupl_dh",
    /// An authentication header twice.
    Ipv6TwoAuthenticationHeaders = "ipv6.exthdr_dupl_ah",
    /// ESP in ESP: never told, for what ESP carries is encrypted.
    Ipv6TwoEsp = "ipv6.exthdr_dupl_eh",
    /// An IPv6 option longer than its header, or of another length than its kind has.
    Ipv6OptionLength = "ipv6.exthdr_invalid_optlen",
    /// An authentication header whose reserved field is not 0.
    Ipv6AuthenticationReserved = "ipv6.exthdr_ah_res_not_null",
    /// An IPv6 fragment header whose reserved bits are not 0.
    Ipv6FragmentReserved = "ipv6.fh_non_zero_reserved_field",
    /// A hop-by-hop option that is none of the known ones.
    Ipv6HopOptionUnknown = "ipv6.hopopts_unknown_opt",
    /// Hop-by-hop options that are padding alone.
    Ipv6HopOptionsPadding = "ipv6.hopopts_only_padding",
    /// A destination option that is none of the known ones.
    Ipv6DestinationOptionUnknown = "ipv6.dstopts_unknown_opt",
    /// Destination options that are padding alone.
    Ipv6DestinationOptionsPadding = "ipv6.dstopts_only_padding",
    /// Padding of no length beside other padding.
    Ipv6EmptyPadding = "ipv6.zero_len_padn",
    /// A routing header of type 0, which RFC 5095 deprecates.
    Ipv6RoutingType0 = "ipv6.rh_type_0",
    /// Something after a header that says nothing follows.
    Ipv6DataAfterNone = "ipv6.data_after_none_header",
    /// A next header in IPv6 without a decoder: tracked by its addresses.
    Ipv6NextHeader = "ipv6.unknown_next_header",
    /// ICMP for IPv4 in IPv6.
    Ipv6Icmp4 = "ipv6.icmpv4",
    /// IPv4 in IPv6 that ends inside its header.
    Ipv4In6TooSmall = "ipv6.ipv4_in_ipv6_too_small",
    /// IPv4 in IPv6 of another version.
    Ipv4In6WrongVersion = "ipv6.ipv4_in_ipv6_wrong_version",
    /// IPv6 in IPv6 that ends inside its header.
    Ipv6In6TooSmall = "ipv6.ipv6_in_ipv6_too_small",
    /// IPv6 in IPv6 of another version.
    Ipv6In6WrongVersion = "ipv6.ipv6_in_ipv6_wrong_version",
    /// The packet ends inside the TCP header.
    TcpTooSmall = "tcp.pkt_too_small",
    /// TCP data offset below 5.
    TcpHeaderLength = "tcp.hlen_too_small",
    /// TCP data offset past the end of the packet.
    TcpOptionsTruncated = "tcp.invalid_optlen",
    /// A TCP option longer than those that are there, or of another length than its kind has.
    TcpOptionLength = "tcp.opt_invalid_len",
    /// A TCP option twice.
    TcpOptionTwice = "tcp.opt_duplicate",
    /// The datagram is longer than its packet; told as `udp.len_invalid`.
    UdpTooSmall = "udp.pkt_too_small",
    /// UDP length below the 8 bytes of its header.
    UdpHeaderLength = "udp.hlen_too_small",
    /// UDP length past the end of its IP packet.
    UdpLength = "udp.len_invalid",
    /// The packet ends inside the ICMP header.
    Icmp4TooSmall = "icmpv4.pkt_too_small",
    /// An ICMP type that is not in use.
    Icmp4Type = "icmpv4.unknown_type",
    /// A code that the ICMP type does not have.
    Icmp4Code = "icmpv4.unknown_code",
    /// An ICMP error that quotes less than an IPv4 header.
    Icmp4QuoteTooSmall = "icmpv4.ipv4_trunc_pkt",
    /// An ICMP error that quotes another version than IPv4.
    Icmp4QuoteVersion = "icmpv4.ipv4_unknown_ver",
    /// The packet ends inside the ICMPv6 header.
    Icmp6TooSmall = "icmpv6.pkt_too_small",
    /// A reserved ICMPv6 type.
    Icmp6Type = "icmpv6.unknown_type",
    /// An ICMPv6 type that is not assigned.
    Icmp6Unassigned = "icmpv6.unassigned_type",
    /// An ICMPv6 type for private experiments.
    Icmp6Experiment = "icmpv6.experimentation_type",
    /// A code that the ICMPv6 type does not have.
    Icmp6Code = "icmpv6.unknown_code",
    /// An ICMPv6 error that quotes less than an IPv6 header.
    Icmp6QuoteTooSmall = "icmpv6.ipv6_trunc_pkt",
    /// An ICMPv6 error that quotes another version than IPv6.
    Icmp6QuoteVersion = "icmpv6.ipv6_unknown_version",
    /// Multicast listener discovery from farther than the link: its hop limit is not 1.
    MldHopLimit = "icmpv6.mld_message_with_invalid_hl",
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
    /// What follows a VN-Tag is none of the network protocols that may.
    VnTagUnknown = "vntag.unknown_type",
    /// The frame ends inside an 802.1BR E-Tag.
    ETagTooSmall = "etag.header_too_small",
    /// What follows an E-Tag is none of the network protocols that may.
    ETagUnknown = "etag.unknown_type",
    /// The frame ends inside Cisco's data center Ethernet header.
    DceTooSmall = "dce.pkt_too_small",
    /// The packet ends inside a PPP header.
    PppTooSmall = "ppp.pkt_too_small",
    /// IPv4 in PPP that ends inside its header.
    PppIpv4TooSmall = "ppp.ip4_pkt_too_small",
    /// IPv6 in PPP that ends inside its header.
    PppIpv6TooSmall = "ppp.ip6_pkt_too_small",
    /// A packet that Van Jacobson's compression left whole and that ends inside its IP header.
    PppVjTooSmall = "ppp.vju_pkt_too_small",
    /// A protocol in PPP that is not decoded, control protocols among them.
    PppWrongType = "ppp.wrong_type",
    /// A number that is no PPP protocol.
    PppProtocol = "ppp.unsup_proto",
    /// PPP with Van Jacobson's header compression.
    PppCompressed = "not_decoded.ppp_vj",
    /// The packet ends inside a PPPoE header.
    PppoeTooSmall = "pppoe.pkt_too_small",
    /// PPPoE of another version or type than 1.
    PppoeWrongCode = "pppoe.wrong_code",
    /// Tags of PPPoE discovery that do not fit its length.
    PppoeTags = "pppoe.malformed_tags",
    /// PPPoE discovery.
    PppoeDiscovery = "not_decoded.pppoe_discovery",
    /// The frame ends inside a Cisco HDLC header.
    HdlcTooSmall = "chdlc.pkt_too_small",
    /// Cisco's keepalives and discovery on a serial line.
    HdlcControl = "not_decoded.chdlc_control",
    /// The packet ends inside an MPLS stack.
    MplsTooSmall = "mpls.header_too_small",
    /// Nothing follows an MPLS stack, or less than an IP header.
    MplsPacketTooSmall = "mpls.pkt_too_small",
    /// The router alert label at the bottom of an MPLS stack.
    MplsRouterAlert = "mpls.bad_label_router_alert",
    /// The implicit null label, which no packet carries.
    MplsImplicitNull = "mpls.bad_label_implicit_null",
    /// A reserved label at the bottom of an MPLS stack.
    MplsReserved = "mpls.bad_label_reserved",
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
    /// GRE version 0 with recursion control, which RFC 2784 took out.
    GreRecursion = "gre.version0_recur",
    /// GRE version 0 with reserved flags.
    GreFlags = "gre.version0_flags",
    /// A GRE header of version 0 longer than its packet.
    GreHeaderTooBig = "gre.version0_hdr_too_big",
    /// GRE version 1 with a checksum.
    GreVersion1Checksum = "gre.version1_chksum",
    /// GRE version 1 with source routes.
    GreVersion1Routing = "gre.version1_route",
    /// GRE version 1 with a strict source route.
    GreVersion1StrictRoute = "gre.version1_ssr",
    /// GRE version 1 with recursion control.
    GreVersion1Recursion = "gre.version1_recur",
    /// GRE version 1 with reserved flags.
    GreVersion1Flags = "gre.version1_flags",
    /// Source routes of GRE version 1: never told, for version 1 has none and says so before.
    GreVersion1Routes = "gre.version1_malformed_sre_hdr",
    /// A GRE header of version 1 longer than its packet.
    GreVersion1HeaderTooBig = "gre.version1_hdr_too_big",
    /// GRE version 1 that does not carry PPP.
    GreVersion1Protocol = "gre.version1_wrong_protocol",
    /// GRE version 1 without a call id.
    GreVersion1Key = "gre.version1_no_key",
    /// The packet ends inside an ERSPAN header.
    ErspanTooSmall = "erspan.header_too_small",
    /// ERSPAN of a version that its GRE header does not announce.
    ErspanVersion = "erspan.unsupported_version",
    /// ERSPAN's VLAN would be one more than the decoder follows.
    ErspanTooDeep = "erspan.too_many_vlan_layers",
    /// The packet ends inside an EtherIP header.
    EtherIpTooSmall = "etherip.header_too_small",
    /// The packet ends inside the SCTP or UDP-Lite header.
    SctpTooSmall = "sctp.pkt_too_small",
    /// An SCTP packet ends inside the header of a chunk.
    SctpChunkTooSmall = "sctp.chunk_too_small",
    /// An SCTP chunk shorter than its header, or longer than its packet.
    SctpChunkLength = "sctp.chunk_len_invalid",
    /// SCTP data without a verification tag.
    SctpDataTag = "sctp.data_with_zero_vtag",
    /// SCTP INIT among other chunks.
    SctpInitBundled = "sctp.init_chunk_bundled",
    /// SCTP INIT with a verification tag.
    SctpInitTag = "sctp.init_with_non_zero_vtag",
    /// More SCTP chunks in a packet than are looked at.
    SctpChunks = "sctp.too_many_chunks",
    /// More SCTP data chunks in a packet than are looked at.
    SctpDataChunks = "sctp.too_many_data_chunks",
    /// The packet ends inside the IGMP message.
    IgmpTooSmall = "igmp.pkt_too_small",
    /// An IGMPv3 message ends inside its header.
    IgmpV3TooSmall = "igmp.v3_pkt_too_small",
    /// An IGMPv3 message whose sources or records do not fit.
    IgmpMalformed = "igmp.malformed",
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
    /// An IGMP message whose checksum is wrong.
    IgmpChecksum = "igmp.invalid_checksum",
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
    /// The capture cut a packet short: never told, for the sensor asks the kernel for whole packets and tells a
    /// file's snap length apart.
    CaptureTruncated = "afpacket.trunc_pkt",
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
        counts.add(Anomaly::Ipv4Protocol);
        assert_eq!(counts.ranked(), [("not_decoded.lldp", 2), ("ipv4.unknown_protocol", 1)]);
    }
}
