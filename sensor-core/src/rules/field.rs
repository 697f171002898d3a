//! Keywords that compare one number of a packet, a flow or a transaction.

macro_rules! fields {
    ($($variant:ident $name:literal $max:expr, $names:expr;)*) => {
        /// A number that rules compare, named as its keyword.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Field {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Field] = &[$(Field::$variant,)*];

            /// The keyword.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Field::$variant => $name,)*
                }
            }

            /// The most the number can be.
            #[must_use]
            pub fn max(self) -> u64 {
                match self {
                    $(Field::$variant => $max as u64,)*
                }
            }

            /// Names that can stand for numbers, as the protocol's specification gives them.
            #[must_use]
            pub fn names(self) -> &'static [(&'static str, u64)] {
                match self {
                    $(Field::$variant => $names,)*
                }
            }
        }
    };
}

/// No names.
const NONE: &[(&str, u64)] = &[];

fields! {
    Dsize "dsize" u16::MAX, NONE;
    Ttl "ttl" u8::MAX, NONE;
    Tos "tos" u8::MAX, NONE;
    IpId "id" u16::MAX, NONE;
    FragOffset "fragoffset" u16::MAX, NONE;
    TcpSeq "tcp.seq" u32::MAX, NONE;
    TcpAck "tcp.ack" u32::MAX, NONE;
    TcpWindow "tcp.window" u16::MAX, NONE;
    TcpMss "tcp.mss" u16::MAX, NONE;
    TcpWscale "tcp.wscale" u8::MAX, NONE;
    IcmpType "itype" u8::MAX, NONE;
    IcmpCode "icode" u8::MAX, NONE;
    IcmpId "icmp_id" u16::MAX, NONE;
    IcmpSeq "icmp_seq" u16::MAX, NONE;
    Icmpv6Mtu "icmpv6.mtu" u32::MAX, NONE;
    IgmpType "igmp.type" u8::MAX, NONE;
    VlanId "vlan.id" 4095, NONE;
    VlanLayers "vlan.layers" u8::MAX, NONE;
    VxlanVni "vxlan_vni" 0xff_ffff, NONE;
    FlowAge "flow.age" u32::MAX, NONE;
    FlowPackets "flow.pkts" u32::MAX, NONE;
    FlowPacketsToServer "flow.pkts_toserver" u32::MAX, NONE;
    FlowPacketsToClient "flow.pkts_toclient" u32::MAX, NONE;
    FlowBytes "flow.bytes" u64::MAX, NONE;
    FlowBytesToServer "flow.bytes_toserver" u64::MAX, NONE;
    FlowBytesToClient "flow.bytes_toclient" u64::MAX, NONE;
    FileSize "filesize" u64::MAX, NONE;
    DnsOpcode "dns.opcode" u8::MAX, NONE;
    DnsRcode "dns.rcode" u16::MAX, RCODES;
    DnsRrtype "dns.rrtype" u16::MAX, RRTYPES;
    TlsChainLen "tls.cert_chain_len" u32::MAX, NONE;
    DceOpnum "dcerpc.opnum" u16::MAX, NONE;
    SmbVersion "smb.version" 3, NONE;
    NfsProcedure "nfs_procedure" u32::MAX, NONE;
    NfsVersion "nfs.version" u32::MAX, NONE;
    Krb5MsgType "krb5_msg_type" u32::MAX, KRB5_MESSAGES;
    Krb5ErrCode "krb5_err_code" i32::MAX, NONE;
    DhcpLeaseTime "dhcp.leasetime" u64::MAX, NONE;
    DhcpRebindingTime "dhcp.rebinding_time" u64::MAX, NONE;
    DhcpRenewalTime "dhcp.renewal_time" u64::MAX, NONE;
    FtpDynamicPort "ftp.dynamic_port" u16::MAX, NONE;
    IkeExchType "ike.exchtype" u8::MAX, NONE;
    IkeNonceLen "ike.nonce_payload_length" u32::MAX, NONE;
    IkeKeyExchangeLen "ike.key_exchange_payload_length" u32::MAX, NONE;
    SnmpVersion "snmp.version" u32::MAX, NONE;
    SnmpPduType "snmp.pdu_type" u32::MAX, SNMP_PDUS;
    SnmpTrapType "snmp.trap_type" u8::MAX, SNMP_TRAPS;
    NtpVersion "ntp.version" 7, NONE;
    NtpMode "ntp.mode" 7, NONE;
    NtpStratum "ntp.stratum" u8::MAX, NONE;
    RfbSecType "rfb.sectype" u32::MAX, NONE;
    RfbSecResult "rfb.secresult" u32::MAX, RFB_RESULTS;
    MqttType "mqtt.type" 15, MQTT_TYPES;
    MqttQos "mqtt.qos" 2, NONE;
    MqttProtocolVersion "mqtt.protocol_version" u8::MAX, NONE;
    MqttReasonCode "mqtt.reason_code" u8::MAX, NONE;
    Http2FrameType "http2.frametype" u8::MAX, HTTP2_FRAMES;
    Http2ErrorCode "http2.errorcode" u32::MAX, HTTP2_ERRORS;
    Http2Priority "http2.priority" u8::MAX, NONE;
    Http2Window "http2.window" u32::MAX, NONE;
    Http2SizeUpdate "http2.size_update" u64::MAX, NONE;
    WebsocketOpcode "websocket.opcode" 15, WEBSOCKET_OPCODES;
    WebsocketMask "websocket.mask" u32::MAX, NONE;
    LdapRequestOperation "ldap.request.operation" u8::MAX, LDAP_OPERATIONS;
    LdapResponsesOperation "ldap.responses.operation" u8::MAX, LDAP_OPERATIONS;
    LdapResponsesCount "ldap.responses.count" u32::MAX, NONE;
    LdapResponsesResultCode "ldap.responses.result_code" u32::MAX, LDAP_RESULTS;
    EnipCommand "enip_command" u16::MAX, ENIP_COMMANDS;
    EnipProtocolVersion "enip.protocol_version" u16::MAX, NONE;
    EnipStatus "enip.status" u32::MAX, ENIP_STATUS;
    EnipCapabilities "enip.capabilities" u16::MAX, NONE;
    EnipCipAttribute "enip.cip_attribute" u32::MAX, NONE;
    EnipCipClass "enip.cip_class" u32::MAX, NONE;
    EnipCipInstance "enip.cip_instance" u32::MAX, NONE;
    EnipCipStatus "enip.cip_status" u8::MAX, NONE;
    EnipCipExtendedStatus "enip.cip_extendedstatus" u16::MAX, NONE;
    EnipVendorId "enip.vendor_id" u16::MAX, NONE;
    EnipDeviceType "enip.device_type" u16::MAX, NONE;
    EnipProductCode "enip.product_code" u16::MAX, NONE;
    EnipIdentityStatus "enip.identity_status" u16::MAX, NONE;
    EnipState "enip.state" u8::MAX, NONE;
    EnipSerial "enip.serial" u32::MAX, NONE;
    EnipRevision "enip.revision" u16::MAX, NONE;
}

/// Other names of fields.
pub(super) const OLD_NAMES: [(&str, Field); 8] = [
    ("seq", Field::TcpSeq),
    ("ack", Field::TcpAck),
    ("window", Field::TcpWindow),
    ("dce_opnum", Field::DceOpnum),
    ("nfs_version", Field::NfsVersion),
    ("http2_frametype", Field::Http2FrameType),
    ("cip_class", Field::EnipCipClass),
    ("vxlan.vni", Field::VxlanVni),
];

// RFC 6895 section 2.3, RFC 1035 section 4.1.1.
const RCODES: &[(&str, u64)] = &[
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
    ("BADVERS", 16),
    ("BADSIG", 16),
    ("BADKEY", 17),
    ("BADTIME", 18),
    ("BADMODE", 19),
    ("BADNAME", 20),
    ("BADALG", 21),
    ("BADTRUNC", 22),
];

// IANA, Domain Name System Parameters.
const RRTYPES: &[(&str, u64)] = &[
    ("A", 1),
    ("NS", 2),
    ("MD", 3),
    ("MF", 4),
    ("CNAME", 5),
    ("SOA", 6),
    ("MB", 7),
    ("MG", 8),
    ("MR", 9),
    ("NULL", 10),
    ("WKS", 11),
    ("PTR", 12),
    ("HINFO", 13),
    ("MINFO", 14),
    ("MX", 15),
    ("TXT", 16),
    ("RP", 17),
    ("AFSDB", 18),
    ("X25", 19),
    ("ISDN", 20),
    ("RT", 21),
    ("NSAP", 22),
    ("SIG", 24),
    ("KEY", 25),
    ("PX", 26),
    ("GPOS", 27),
    ("AAAA", 28),
    ("LOC", 29),
    ("NXT", 30),
    ("SRV", 33),
    ("ATMA", 34),
    ("NAPTR", 35),
    ("KX", 36),
    ("CERT", 37),
    ("A6", 38),
    ("DNAME", 39),
    ("OPT", 41),
    ("APL", 42),
    ("DS", 43),
    ("SSHFP", 44),
    ("IPSECKEY", 45),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("DHCID", 49),
    ("NSEC3", 50),
    ("NSEC3PARAM", 51),
    ("TLSA", 52),
    ("HIP", 55),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("SPF", 99),
    ("TKEY", 249),
    ("TSIG", 250),
    ("IXFR", 251),
    ("AXFR", 252),
    ("MAILB", 253),
    ("MAILA", 254),
    ("ANY", 255),
    ("URI", 256),
];

// RFC 4120 section 7.5.7.
const KRB5_MESSAGES: &[(&str, u64)] = &[
    ("AS_REQ", 10),
    ("AS_REP", 11),
    ("TGS_REQ", 12),
    ("TGS_REP", 13),
    ("AP_REQ", 14),
    ("AP_REP", 15),
    ("KRB_SAFE", 20),
    ("KRB_PRIV", 21),
    ("KRB_CRED", 22),
    ("KRB_ERROR", 30),
];

// RFC 3416 section 3, by the number of the choice.
const SNMP_PDUS: &[(&str, u64)] = &[
    ("get_request", 0),
    ("get_next_request", 1),
    ("response", 2),
    ("set_request", 3),
    ("trap_v1", 4),
    ("get_bulk_request", 5),
    ("inform_request", 6),
    ("trap_v2", 7),
    ("report", 8),
];

// RFC 1157 section 4.1.6.
const SNMP_TRAPS: &[(&str, u64)] = &[
    ("cold_start", 0),
    ("warm_start", 1),
    ("link_down", 2),
    ("link_up", 3),
    ("authentication_failure", 4),
    ("egp_neighbor_loss", 5),
    ("enterprise_specific", 6),
];

// RFC 6143 section 7.1.3; the last is what stands for any other number.
const RFB_RESULTS: &[(&str, u64)] = &[("ok", 0), ("fail", 1), ("toomany", 2), ("unknown", u32::MAX as u64)];

// MQTT 5.0 section 2.1.2.
const MQTT_TYPES: &[(&str, u64)] = &[
    ("CONNECT", 1),
    ("CONNACK", 2),
    ("PUBLISH", 3),
    ("PUBACK", 4),
    ("PUBREC", 5),
    ("PUBREL", 6),
    ("PUBCOMP", 7),
    ("SUBSCRIBE", 8),
    ("SUBACK", 9),
    ("UNSUBSCRIBE", 10),
    ("UNSUBACK", 11),
    ("PINGREQ", 12),
    ("PINGRESP", 13),
    ("DISCONNECT", 14),
    ("AUTH", 15),
];

// RFC 9113 section 6.
const HTTP2_FRAMES: &[(&str, u64)] = &[
    ("DATA", 0),
    ("HEADERS", 1),
    ("PRIORITY", 2),
    ("RSTSTREAM", 3),
    ("RST_STREAM", 3),
    ("SETTINGS", 4),
    ("PUSHPROMISE", 5),
    ("PUSH_PROMISE", 5),
    ("PING", 6),
    ("GOAWAY", 7),
    ("WINDOWUPDATE", 8),
    ("WINDOW_UPDATE", 8),
    ("CONTINUATION", 9),
];

// RFC 9113 section 7.
const HTTP2_ERRORS: &[(&str, u64)] = &[
    ("NO_ERROR", 0),
    ("PROTOCOL_ERROR", 1),
    ("INTERNAL_ERROR", 2),
    ("FLOW_CONTROL_ERROR", 3),
    ("SETTINGS_TIMEOUT", 4),
    ("STREAM_CLOSED", 5),
    ("FRAME_SIZE_ERROR", 6),
    ("REFUSED_STREAM", 7),
    ("CANCEL", 8),
    ("COMPRESSION_ERROR", 9),
    ("CONNECT_ERROR", 10),
    ("ENHANCE_YOUR_CALM", 11),
    ("INADEQUATE_SECURITY", 12),
    ("HTTP_1_1_REQUIRED", 13),
    ("HTTP11_REQUIRED", 13),
];

// RFC 6455 section 11.8.
const WEBSOCKET_OPCODES: &[(&str, u64)] =
    &[("continuation", 0), ("text", 1), ("binary", 2), ("connection_close", 8), ("ping", 9), ("pong", 10)];

// RFC 4511 section 4.2 on, by application tag.
const LDAP_OPERATIONS: &[(&str, u64)] = &[
    ("bind_request", 0),
    ("bind_response", 1),
    ("unbind_request", 2),
    ("search_request", 3),
    ("search_result_entry", 4),
    ("search_result_done", 5),
    ("modify_request", 6),
    ("modify_response", 7),
    ("add_request", 8),
    ("add_response", 9),
    ("del_request", 10),
    ("del_response", 11),
    ("mod_dn_request", 12),
    ("mod_dn_response", 13),
    ("compare_request", 14),
    ("compare_response", 15),
    ("abandon_request", 16),
    ("search_result_reference", 19),
    ("extended_request", 23),
    ("extended_response", 24),
    ("intermediate_response", 25),
];

// RFC 4511 appendix A.
const LDAP_RESULTS: &[(&str, u64)] = &[
    ("success", 0),
    ("operations_error", 1),
    ("protocol_error", 2),
    ("time_limit_exceeded", 3),
    ("size_limit_exceeded", 4),
    ("compare_false", 5),
    ("compare_true", 6),
    ("auth_method_not_supported", 7),
    ("stronger_auth_required", 8),
    ("referral", 10),
    ("admin_limit_exceeded", 11),
    ("unavailable_critical_extension", 12),
    ("confidentiality_required", 13),
    ("sasl_bind_in_progress", 14),
    ("no_such_attribute", 16),
    ("undefined_attribute_type", 17),
    ("inappropriate_matching", 18),
    ("constraint_violation", 19),
    ("attribute_or_value_exists", 20),
    ("invalid_attribute_syntax", 21),
    ("no_such_object", 32),
    ("alias_problem", 33),
    ("invalid_dns_syntax", 34),
    ("alias_dereferencing_problem", 36),
    ("inappropriate_authentication", 48),
    ("invalid_credentials", 49),
    ("insufficient_access_rights", 50),
    ("busy", 51),
    ("unavailable", 52),
    ("unwilling_to_perform", 53),
    ("loop_detect", 54),
    ("naming_violation", 64),
    ("object_class_violation", 65),
    ("not_allowed_on_non_leaf", 66),
    ("not_allowed_on_rdn", 67),
    ("entry_already_exists", 68),
    ("object_class_mods_prohibited", 69),
    ("affects_multiple_dsas", 71),
    ("other", 80),
];

// CIP volume 2, table 2-3.2.
const ENIP_COMMANDS: &[(&str, u64)] = &[
    ("nop", 0x00),
    ("list_services", 0x04),
    ("list_identity", 0x63),
    ("list_interfaces", 0x64),
    ("register_session", 0x65),
    ("unregister_session", 0x66),
    ("send_rr_data", 0x6f),
    ("send_unit_data", 0x70),
    ("indicate_status", 0x72),
    ("cancel", 0x73),
];

// CIP volume 2, table 2-3.3.
const ENIP_STATUS: &[(&str, u64)] = &[
    ("success", 0x00),
    ("invalid_cmd", 0x01),
    ("no_resources", 0x02),
    ("invalid_data", 0x03),
    ("invalid_session", 0x64),
    ("invalid_length", 0x65),
    ("unsupported_protocol_revision", 0x69),
];
