//! Application protocols and their names.

macro_rules! protocols {
    ($($variant:ident $name:literal $what:literal,)*) => {
        /// An application protocol. [`AppProto::name`] is what EVE's `app_proto` says: Suricata's name where it knows
        /// the protocol, else the customary one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum AppProto {
            $(#[doc = $what] $variant,)*
        }

        impl AppProto {
            /// All protocols, in the order of their numbers.
            pub const ALL: &[AppProto] = &[$(AppProto::$variant,)*];

            /// The name in EVE's `app_proto`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(AppProto::$variant => $name,)*
                }
            }
        }
    };
}

impl AppProto {
    /// The protocol of that name, as [`AppProto::name`] spells it. For settings and rules, not for packets.
    #[must_use]
    pub fn from_name(name: &str) -> Option<AppProto> {
        Self::ALL.iter().copied().find(|proto| proto.name() == name)
    }

    /// The protocol of that number, the inverse of `as u8`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<AppProto> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

protocols! {
    Http "http" "HTTP/0.9 to 1.1.",
    Http2 "http2" "HTTP/2 in the clear, or after decryption.",
    WebSocket "websocket" "WebSocket, after the upgrade.",
    Doh2 "doh2" "DNS over HTTP/2.",
    Tls "tls" "TLS and SSL.",
    Dtls "dtls" "TLS over datagrams.",
    Quic "quic" "QUIC, IETF's and Google's.",
    Dns "dns" "DNS.",
    Mdns "mdns" "Multicast DNS.",
    Llmnr "llmnr" "Link-local multicast name resolution.",
    Nbns "nbns" "NetBIOS name service.",
    Nbdgm "nbdgm" "NetBIOS datagrams.",
    Ssh "ssh" "SSH.",
    Smtp "smtp" "SMTP and LMTP.",
    Imap "imap" "IMAP.",
    Pop3 "pop3" "POP3.",
    Ftp "ftp" "FTP's control connection.",
    FtpData "ftp-data" "FTP's data connection.",
    Smb "smb" "SMB 1 to 3.",
    Dcerpc "dcerpc" "DCE/RPC.",
    Krb5 "krb5" "Kerberos 5.",
    Ldap "ldap" "LDAP, also over UDP.",
    Rdp "rdp" "Remote Desktop.",
    RdpUdp "rdpeudp" "Remote Desktop over UDP.",
    Sip "sip" "SIP.",
    Rtp "rtp" "RTP.",
    Rtcp "rtcp" "RTCP.",
    Rtsp "rtsp" "RTSP.",
    Rtmp "rtmp" "RTMP.",
    Mgcp "mgcp" "MGCP.",
    Skinny "skinny" "Cisco's Skinny call control.",
    Stun "stun" "STUN and TURN.",
    Dhcp "dhcp" "DHCP and BOOTP.",
    Dhcpv6 "dhcpv6" "DHCP for IPv6.",
    Ntp "ntp" "NTP.",
    Ptp "ptp" "IEEE 1588 precision time.",
    Snmp "snmp" "SNMP.",
    Tftp "tftp" "TFTP.",
    Syslog "syslog" "Syslog.",
    Radius "radius" "RADIUS.",
    Diameter "diameter" "Diameter.",
    Tacacs "tacacs" "TACACS+.",
    Telnet "telnet" "Telnet.",
    Rlogin "rlogin" "Rlogin.",
    Rsh "rsh" "Remote shell.",
    Rfb "rfb" "RFB, as VNC speaks it.",
    X11 "x11" "The X window system.",
    Xdmcp "xdmcp" "X display manager control.",
    Irc "irc" "IRC.",
    Xmpp "xmpp" "XMPP.",
    Nntp "nntp" "NNTP.",
    Mqtt "mqtt" "MQTT.",
    Amqp "amqp" "AMQP.",
    Kafka "kafka" "Kafka.",
    Stomp "stomp" "STOMP.",
    OpenWire "openwire" "ActiveMQ's OpenWire.",
    Smpp "smpp" "SMPP.",
    Mysql "mysql" "MySQL and MariaDB.",
    Pgsql "pgsql" "PostgreSQL.",
    Mssql "mssql" "Microsoft SQL Server (TDS).",
    Redis "redis" "Redis.",
    Memcached "memcached" "Memcached.",
    Mongodb "mongodb" "MongoDB.",
    Cassandra "cassandra" "Cassandra's CQL.",
    Nfs "nfs" "NFS.",
    Rpc "rpc" "ONC RPC other than NFS.",
    Afp "afp" "Apple's file sharing.",
    Rsync "rsync" "Rsync's daemon.",
    Git "git" "Git's own transport.",
    Socks "socks" "SOCKS 4 and 5.",
    Bittorrent "bittorrent" "BitTorrent between peers.",
    BittorrentDht "bittorrent-dht" "BitTorrent's distributed table.",
    Gnutella "gnutella" "Gnutella.",
    Edonkey "edonkey" "eDonkey.",
    Ssdp "ssdp" "SSDP.",
    WsDiscovery "ws-discovery" "Web services discovery.",
    NatPmp "nat-pmp" "NAT port mapping.",
    Wireguard "wireguard" "WireGuard.",
    Openvpn "openvpn" "OpenVPN.",
    Ike "ike" "IKE 1 and 2.",
    L2tp "l2tp" "L2TP.",
    Pptp "pptp" "PPTP's control connection.",
    Vxlan "vxlan" "VXLAN.",
    Geneve "geneve" "Geneve.",
    Gtpv1 "gtpv1" "GTP version 1, control and user plane.",
    Gtpv2 "gtpv2" "GTP version 2.",
    GtpPrime "gtp-prime" "GTP'.",
    Teredo "teredo" "Teredo.",
    Ayiya "ayiya" "AYIYA.",
    Lisp "lisp" "LISP.",
    Bgp "bgp" "BGP.",
    Ldp "ldp" "Label distribution.",
    Hsrp "hsrp" "Cisco's hot standby.",
    Rip "rip" "RIP 1 and 2.",
    Bfd "bfd" "Bidirectional forwarding detection.",
    Netflow "netflow" "NetFlow and IPFIX.",
    Sflow "sflow" "sFlow.",
    Collectd "collectd" "Collectd.",
    Zabbix "zabbix" "Zabbix.",
    Modbus "modbus" "Modbus/TCP.",
    Dnp3 "dnp3" "DNP3.",
    Enip "enip" "EtherNet/IP.",
    S7comm "s7comm" "Siemens S7.",
    Iec104 "iec104" "IEC 60870-5-104.",
    Bacnet "bacnet" "BACnet/IP.",
    Opcua "opc-ua" "OPC UA.",
    Fins "fins" "Omron FINS.",
    Synchrophasor "synchrophasor" "IEEE C37.118.",
    SomeIp "someip" "SOME/IP.",
    Coap "coap" "CoAP.",
    Thrift "thrift" "Thrift.",
    Gearman "gearman" "Gearman.",
    Whatsapp "whatsapp" "WhatsApp's own transport.",
    Oicq "oicq" "Tencent OICQ.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unique_and_read_back() {
        let mut names = std::collections::HashSet::new();
        for &proto in AppProto::ALL {
            assert!(names.insert(proto.name()), "{}", proto.name());
            assert_eq!(AppProto::from_name(proto.name()), Some(proto));
            assert_eq!(AppProto::from_number(proto as u8), Some(proto));
        }
        assert_eq!(AppProto::from_name("failed"), None);
        assert_eq!(size_of::<Option<AppProto>>(), 1);
    }
}
