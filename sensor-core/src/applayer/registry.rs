//! Which probers there are, and which a first byte leaves possible.

use std::sync::LazyLock;

use super::AppProto;
use super::probers::{
    crypto, database, industrial, mail, media, names, network, p2p, queue, remote, routing, tunnel, web, windows,
};
use super::view::{Answer, Told, View};

/// A prober of one protocol over one transport.
#[derive(Clone, Copy)]
pub struct Prober {
    /// What it finds.
    pub proto: AppProto,
    /// Looks at one side's beginning.
    pub check: fn(&View<'_>) -> Told,
    /// Ports on which one likely answer is enough.
    pub ports: &'static [u16],
}

/// The probers of a transport, and per first byte those that may want it.
pub struct Table {
    /// At most 128; where two are certain the first wins.
    pub probers: &'static [Prober],
    possible: Box<[u128; 256]>,
}

impl Table {
    /// A bit for each prober, by place, that does not rule out bytes that begin so.
    #[inline]
    pub fn possible(&self, first: u8) -> u128 {
        self.possible.get(usize::from(first)).copied().unwrap_or(u128::MAX)
    }

    /// Asks each prober about each byte alone. So a prober may say no for a datagram's length or its ports only after it
    /// has read past the first byte.
    fn new(probers: &'static [Prober]) -> Self {
        let mut possible = Box::new([0; 256]);
        for (first, bits) in (0..=255_u8).zip(possible.iter_mut()) {
            let bytes = [first];
            for (index, prober) in probers.iter().enumerate() {
                let view = View { bytes: &bytes, previous: &[], ports: (0, 0) };
                if (prober.check)(&view) != Some(Answer::NotForUs) {
                    *bits |= 1 << index;
                }
            }
        }
        Table { probers, possible }
    }
}

/// The table of a transport.
#[inline]
pub fn table(datagrams: bool) -> &'static Table {
    static TCP_TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(TCP));
    static UDP_TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(UDP));
    if datagrams { &UDP_TABLE } else { &TCP_TABLE }
}

const fn prober(proto: AppProto, check: fn(&View<'_>) -> Told, ports: &'static [u16]) -> Prober {
    Prober { proto, check, ports }
}

/// Over TCP. The order matters only where two are certain of the same bytes.
pub const TCP: &[Prober] = &[
    prober(AppProto::Tls, crypto::tls, &[443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 3269, 5061, 8443]),
    prober(AppProto::Rtsp, media::rtsp, &[]),
    prober(AppProto::Sip, media::sip, &[]),
    prober(AppProto::Http, web::http, &[]),
    prober(AppProto::Http2, web::http2, &[80, 443, 8080, 50051]),
    prober(AppProto::Ssh, crypto::ssh, &[]),
    prober(AppProto::Smb, windows::smb, &[139, 445]),
    prober(AppProto::Dns, names::dns_tcp, &[53]),
    prober(AppProto::Llmnr, names::llmnr_tcp, &[5355]),
    prober(AppProto::Smtp, mail::smtp, &[25, 587, 465, 2525]),
    prober(AppProto::Ftp, mail::ftp, &[21, 2121]),
    prober(AppProto::Pop3, mail::pop3, &[110]),
    prober(AppProto::Imap, mail::imap, &[143]),
    prober(AppProto::Irc, mail::irc, &[194, 6665, 6666, 6667, 6668, 6669, 7000]),
    prober(AppProto::Nntp, mail::nntp, &[119, 433]),
    prober(AppProto::Xmpp, mail::xmpp, &[]),
    prober(AppProto::Dcerpc, windows::dcerpc, &[]),
    prober(AppProto::Krb5, windows::krb5_tcp, &[]),
    prober(AppProto::Ldap, windows::ldap, &[389, 3268]),
    prober(AppProto::Rdp, windows::rdp, &[3389]),
    prober(AppProto::S7comm, industrial::s7comm, &[102]),
    prober(AppProto::Telnet, remote::telnet, &[23, 992, 2323]),
    prober(AppProto::Rfb, remote::rfb, &[]),
    prober(AppProto::X11, remote::x11, &[6000, 6001, 6002, 6003]),
    prober(AppProto::Rlogin, remote::rlogin, &[513]),
    prober(AppProto::Rsh, remote::rsh, &[514]),
    prober(AppProto::Mqtt, queue::mqtt, &[1883]),
    prober(AppProto::Amqp, queue::amqp, &[]),
    prober(AppProto::Stomp, queue::stomp, &[]),
    prober(AppProto::OpenWire, queue::openwire, &[]),
    prober(AppProto::Mysql, database::mysql, &[]),
    prober(AppProto::Pgsql, database::pgsql, &[5432]),
    prober(AppProto::Mssql, database::mssql, &[1433]),
    prober(AppProto::Redis, database::redis, &[6379]),
    prober(AppProto::Memcached, database::memcached, &[11211]),
    prober(AppProto::Mongodb, database::mongodb, &[]),
    prober(AppProto::Cassandra, database::cassandra, &[9042]),
    prober(AppProto::Dnp3, industrial::dnp3, &[]),
    prober(AppProto::Enip, industrial::enip, &[44818]),
    prober(AppProto::Modbus, industrial::modbus, &[502]),
    prober(AppProto::Iec104, industrial::iec104, &[2404]),
    prober(AppProto::Opcua, industrial::opcua, &[]),
    prober(AppProto::Fins, industrial::fins_tcp, &[]),
    prober(AppProto::Synchrophasor, industrial::synchrophasor, &[]),
    prober(AppProto::Nfs, queue::nfs_tcp, &[2049]),
    prober(AppProto::Rpc, queue::rpc_tcp, &[111]),
    prober(AppProto::Bittorrent, p2p::bittorrent, &[]),
    prober(AppProto::Gnutella, p2p::gnutella, &[]),
    prober(AppProto::Edonkey, p2p::edonkey, &[4661, 4662]),
    prober(AppProto::Whatsapp, p2p::whatsapp, &[]),
    prober(AppProto::Skinny, media::skinny, &[2000]),
    prober(AppProto::Rtmp, media::rtmp, &[1935]),
    prober(AppProto::Stun, media::stun, &[3478]),
    prober(AppProto::Bgp, routing::bgp, &[]),
    prober(AppProto::Ldp, routing::ldp, &[]),
    prober(AppProto::Pptp, tunnel::pptp, &[]),
    prober(AppProto::Openvpn, tunnel::openvpn_tcp, &[1194]),
    prober(AppProto::Socks, tunnel::socks, &[1080]),
    prober(AppProto::Tacacs, network::tacacs, &[]),
    prober(AppProto::Diameter, network::diameter, &[]),
    prober(AppProto::Smpp, queue::smpp, &[]),
    prober(AppProto::Zabbix, network::zabbix, &[]),
    prober(AppProto::Thrift, queue::thrift, &[]),
    prober(AppProto::Gearman, queue::gearman, &[]),
    prober(AppProto::Kafka, queue::kafka, &[9092]),
    prober(AppProto::Git, queue::git, &[]),
    prober(AppProto::Rsync, queue::rsync, &[]),
    prober(AppProto::Afp, queue::afp, &[]),
    prober(AppProto::Syslog, network::syslog, &[514, 601, 1514]),
];

/// Over UDP.
pub const UDP: &[Prober] = &[
    prober(AppProto::Nbns, names::nbns, &[137]),
    prober(AppProto::Mdns, names::mdns, &[5353]),
    prober(AppProto::Llmnr, names::llmnr, &[5355]),
    prober(AppProto::Dns, names::dns, &[53]),
    prober(AppProto::Stun, media::stun, &[3478]),
    prober(AppProto::Dtls, crypto::dtls, &[]),
    prober(AppProto::Quic, crypto::quic, &[]),
    prober(AppProto::Ntp, network::ntp, &[123]),
    prober(AppProto::Dhcp, network::dhcp, &[67, 68]),
    prober(AppProto::Dhcpv6, network::dhcpv6, &[546, 547]),
    prober(AppProto::Snmp, network::snmp, &[]),
    prober(AppProto::Krb5, windows::krb5, &[]),
    prober(AppProto::Ldap, windows::ldap, &[389]),
    prober(AppProto::Tftp, network::tftp, &[69]),
    prober(AppProto::Sip, media::sip, &[]),
    prober(AppProto::Ssdp, web::ssdp, &[1900]),
    prober(AppProto::WsDiscovery, web::ws_discovery, &[]),
    prober(AppProto::Nbdgm, names::nbdgm, &[]),
    prober(AppProto::Ike, tunnel::ike, &[]),
    prober(AppProto::Wireguard, tunnel::wireguard, &[51820]),
    prober(AppProto::Openvpn, tunnel::openvpn, &[1194]),
    prober(AppProto::L2tp, tunnel::l2tp, &[1701]),
    prober(AppProto::Radius, network::radius, &[1645, 1646, 1812, 1813, 3799]),
    prober(AppProto::BittorrentDht, p2p::bittorrent_dht, &[]),
    prober(AppProto::Bittorrent, p2p::bittorrent_udp, &[]),
    prober(AppProto::Bacnet, industrial::bacnet, &[47808]),
    prober(AppProto::Dnp3, industrial::dnp3, &[]),
    prober(AppProto::Enip, industrial::enip, &[44818]),
    prober(AppProto::Synchrophasor, industrial::synchrophasor, &[]),
    prober(AppProto::Dcerpc, windows::dcerpc_udp, &[]),
    prober(AppProto::RdpUdp, windows::rdp_udp, &[]),
    prober(AppProto::Nfs, queue::nfs, &[2049]),
    prober(AppProto::Rpc, queue::rpc, &[111]),
    prober(AppProto::Syslog, network::syslog, &[514]),
    prober(AppProto::Memcached, database::memcached_udp, &[11211]),
    prober(AppProto::Mssql, database::mssql_browser, &[1434]),
    prober(AppProto::Vxlan, tunnel::vxlan, &[4789, 8472]),
    prober(AppProto::Geneve, tunnel::geneve, &[6081]),
    prober(AppProto::Teredo, tunnel::teredo, &[3544]),
    prober(AppProto::Gtpv1, tunnel::gtpv1, &[2123, 2152]),
    prober(AppProto::Gtpv2, tunnel::gtpv2, &[]),
    prober(AppProto::GtpPrime, tunnel::gtp_prime, &[3386]),
    prober(AppProto::Ayiya, tunnel::ayiya, &[5072]),
    prober(AppProto::Lisp, tunnel::lisp, &[4341, 4342]),
    prober(AppProto::Ldp, routing::ldp, &[]),
    prober(AppProto::Hsrp, routing::hsrp, &[1985, 2029]),
    prober(AppProto::Rip, routing::rip, &[520]),
    prober(AppProto::Bfd, routing::bfd, &[3784, 3785, 4784]),
    prober(AppProto::Netflow, network::netflow, &[]),
    prober(AppProto::Sflow, network::sflow, &[]),
    prober(AppProto::Collectd, network::collectd, &[25826]),
    prober(AppProto::Xdmcp, remote::xdmcp, &[]),
    prober(AppProto::Mgcp, media::mgcp, &[2427, 2727]),
    prober(AppProto::Rtcp, media::rtcp, &[]),
    prober(AppProto::Rtp, media::rtp, &[]),
    prober(AppProto::Ptp, network::ptp, &[319, 320]),
    prober(AppProto::NatPmp, network::nat_pmp, &[5350, 5351]),
    prober(AppProto::Coap, industrial::coap, &[5683]),
    prober(AppProto::SomeIp, industrial::someip, &[30490]),
    prober(AppProto::Fins, industrial::fins, &[9600]),
    prober(AppProto::Gnutella, p2p::gnutella_udp, &[]),
    prober(AppProto::Oicq, p2p::oicq, &[8000]),
    prober(AppProto::Thrift, queue::thrift, &[]),
];

const _: () = assert!(TCP.len() <= 127 && UDP.len() <= 127, "a place and a side share a byte");
