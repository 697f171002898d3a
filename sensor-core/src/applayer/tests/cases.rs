//! First messages of each protocol, spelt field by field.

use super::super::{AppProto, Side, Transport};
use Side::{ToClient, ToServer};

/// A flow's first messages and what they are.
pub struct Case {
    pub what: &'static str,
    pub proto: AppProto,
    pub transport: Transport,
    /// Ports that say nothing, unless the protocol cannot be told without.
    pub ports: (u16, u16),
    pub messages: Vec<(Side, Vec<u8>)>,
    /// It is told from single bytes too. Not where only the length of a whole message tells.
    pub in_bytes: bool,
}

fn case(what: &'static str, proto: AppProto, transport: Transport, messages: Vec<(Side, Vec<u8>)>) -> Case {
    Case { what, proto, transport, ports: (40000, 50000), messages, in_bytes: true }
}

fn tcp(what: &'static str, proto: AppProto, parts: &[&[u8]]) -> Case {
    case(what, proto, Transport::Tcp, vec![(ToServer, parts.concat())])
}

fn tcp_server(what: &'static str, proto: AppProto, parts: &[&[u8]]) -> Case {
    case(what, proto, Transport::Tcp, vec![(ToClient, parts.concat())])
}

fn udp(what: &'static str, proto: AppProto, parts: &[&[u8]]) -> Case {
    case(what, proto, Transport::Udp, vec![(ToServer, parts.concat())])
}

impl Case {
    fn on(self, port: u16) -> Case {
        Case { ports: (40000, port), ..self }
    }

    fn then(mut self, side: Side, parts: &[&[u8]]) -> Case {
        self.messages.push((side, parts.concat()));
        self
    }

    fn whole(self) -> Case {
        Case { in_bytes: false, ..self }
    }
}

pub fn cases() -> Vec<Case> {
    [web(), text(), windows(), datagrams(), plants(), stores(), tunnels()].into_iter().flatten().collect()
}

fn web() -> Vec<Case> {
    use AppProto::*;
    vec![
        tcp("http request", Http, &[b"GET /index.html?a=1 HTTP/1.1\r\n", b"Host: a\r\n\r\n"]),
        tcp("http 0.9", Http, &[b"GET /index.html\r\n"]),
        tcp("http to a proxy", Http, &[b"GET http://a/ HTTP/1.0\r\n\r\n"]),
        tcp("http of an unknown method", Http, &[b"BREW /pot HTCPCP\r\n"]).then(ToClient, &[b"HTTP/1.1 418 no\r\n"]),
        tcp("http after an empty line", Http, &[b"\r\n", b"POST /a HTTP/1.1\r\n\r\n"]),
        tcp_server("http response", Http, &[b"HTTP/1.1 200 OK\r\n", b"Server: x\r\n\r\n"]),
        tcp("http2 preface", Http2, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]),
        tcp_server(
            "http2 settings",
            Http2,
            &[
                b"\x00\x00\x06", // length
                b"\x04",         // SETTINGS
                b"\x00",         // flags
                b"\0\0\0\0",     // stream
                b"\x00\x03",     // MAX_CONCURRENT_STREAMS
                b"\0\0\0\x64",
            ],
        ),
        tcp(
            "tls client hello",
            Tls,
            &[
                b"\x16",         // handshake
                b"\x03\x01",     // record version
                b"\x00\x31",     // length
                b"\x01",         // client hello
                b"\x00\x00\x2d", // length
                b"\x03\x03",     // version
                &[0x5a; 32],     // random
                b"\x00",         // session id
                b"\x00\x02\x13\x01",
                b"\x01\x00", // compression
                b"\x00\x00",
            ],
        ),
        tcp_server(
            "tls server hello",
            Tls,
            &[b"\x16\x03\x03\x00\x2a", b"\x02\x00\x00\x26", b"\x03\x03", &[7; 32], b"\0\x13\x01\0"],
        ),
        tcp_server("tls alert", Tls, &[b"\x15\x03\x03", b"\x00\x02", b"\x02", b"\x28"]),
        tcp(
            "ssl 2 client hello",
            Tls,
            &[
                b"\x80\x1c", // length
                b"\x01",     // client hello
                b"\x03\x01", // version
                b"\x00\x03", // cipher specs
                b"\x00\x00", // session id
                b"\x00\x10", // challenge
                b"\x00\x00\x2f",
                &[9; 16],
            ],
        ),
        tcp_server("ssh banner", Ssh, &[b"SSH-2.0-OpenSSH_9.6\r\n"]),
        udp("ssdp search", Ssdp, &[b"M-SEARCH * HTTP/1.1\r\nHOST:239.255.255.250:1900\r\n\r\n"]),
        udp(
            "quic initial",
            Quic,
            &[
                b"\xc3",             // long header, fixed bit, initial
                b"\x00\x00\x00\x01", // version 1
                b"\x08\x01\x02\x03\x04\x05\x06\x07\x08",
                b"\x00",     // source id
                b"\x00",     // token
                b"\x44\x9e", // length
                &[0x77; 64],
            ],
        ),
        udp("gquic", Quic, &[b"\x0d", &[1; 8], b"Q043", b"\x01", &[3; 30]]),
        udp(
            "dtls client hello",
            Dtls,
            &[
                b"\x16\xfe\xfd",
                b"\0\0",
                b"\0\0\0\0\0\0",
                b"\0\x2a",
                b"\x01\0\0\x1e",
                b"\0\0",
                b"\0\0\0",
                b"\0\0\x1e",
                &[3; 30],
            ],
        ),
    ]
}

fn text() -> Vec<Case> {
    use AppProto::*;
    vec![
        tcp_server("smtp greeting", Smtp, &[b"220 mail.example.com ESMTP Postfix\r\n"]),
        tcp("smtp client", Smtp, &[b"EHLO a\r\n"]),
        tcp_server("smtp on its port", Smtp, &[b"220 ready\r\n"]).on(25),
        tcp_server("imap greeting", Imap, &[b"* OK [CAPABILITY IMAP4rev1] ready\r\n"]),
        tcp("imap client", Imap, &[b"a001 LOGIN joe pw\r\n"]),
        tcp_server("pop3 greeting", Pop3, &[b"+OK POP3 server ready <1896.69@a.example>\r\n"]),
        tcp("pop3 client", Pop3, &[b"CAPA\r\n"]),
        tcp_server("ftp greeting", Ftp, &[b"220 (vsFTPd 3.0.5)\r\n"]),
        tcp("ftp auth", Ftp, &[b"AUTH TLS\r\n"]),
        tcp_server("ftp on its port", Ftp, &[b"220 hello\r\n"]).on(21),
        tcp("irc client", Irc, &[b"NICK joe\r\nUSER joe 0 * :Joe\r\n"]),
        tcp_server("irc server", Irc, &[b":irc.example.net NOTICE * :*** Looking up your hostname\r\n"]),
        tcp("nntp client", Nntp, &[b"MODE READER\r\n"]),
        tcp("xmpp", Xmpp, &[b"<?xml version='1.0'?>", b"<stream:stream to='a' xmlns='jabber:client'>"]),
        tcp("sip over tcp", Sip, &[b"REGISTER sip:a SIP/2.0\r\nVia: x\r\n"]),
        udp("sip request", Sip, &[b"INVITE sip:bob@example.com SIP/2.0\r\nVia: x\r\n"]),
        udp("sip response", Sip, &[b"SIP/2.0 100 Trying\r\n"]),
        udp("sip after a keepalive", Sip, &[b"\r\n\r\n"]).then(ToServer, &[b"OPTIONS sip:a SIP/2.0\r\n"]),
        tcp("rtsp", Rtsp, &[b"OPTIONS rtsp://a/ RTSP/1.0\r\n"]),
        udp("mgcp", Mgcp, &[b"CRCX 1204 aaln/1@a MGCP 1.0\r\n"]),
        udp("syslog", Syslog, &[b"<34>", b"Oct 11 22:14:15 ", b"host su: failed"]),
        udp("syslog of RFC 5424", Syslog, &[b"<165>", b"1 ", b"2003-10-11T22:14:15.003Z h a - - - x"]),
        udp("syslog without a time, on its port", Syslog, &[b"<13>", b"something"]).on(514),
        tcp("syslog over tcp, counted", Syslog, &[b"33 ", b"<34>1 2003-10-11T22:14:15Z h a - - - x"]),
        tcp_server("telnet", Telnet, &[b"\xff\xfd\x18", b"\xff\xfd\x20", b"\xff\xfd\x23"]),
        tcp_server("rfb", Rfb, &[b"RFB 003.008\n"]),
        tcp("git", Git, &[b"0033", b"git-upload-pack /project.git\0host=a\0"]),
        tcp_server("rsync", Rsync, &[b"@RSYNCD: 31.0\n"]),
        tcp("rlogin", Rlogin, &[b"\0", b"joe\0", b"joe\0", b"xterm/38400\0"]),
        tcp("x11", X11, &[b"l\0", b"\x0b\x00", b"\0\0", b"\0\0", b"\0\0", b"\0\0"]),
    ]
}

fn windows() -> Vec<Case> {
    use AppProto::*;
    let as_req: &[u8] = &[0x6a, 0x0c, 0x30, 0x0a, 0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 10];
    vec![
        tcp("smb1 negotiate", Smb, &[b"\0\0\0\x2f", b"\xffSMB", b"\x72", &[0; 42]]),
        tcp("smb2 negotiate", Smb, &[b"\0\0\0\x66", b"\xfeSMB", b"\x40\0", &[0; 96]]),
        tcp("smb3 encrypted", Smb, &[b"\0\0\0\x66", b"\xfdSMB", &[5; 98]]),
        tcp(
            "smb after a session request",
            Smb,
            &[b"\x81\0\0\x44", b"\x20", &[b'C'; 32], b"\0\x20", &[b'D'; 32], b"\0"],
        )
        .then(ToClient, &[b"\x82\0\0\0"])
        .then(ToServer, &[b"\0\0\0\x2f\xffSMB\x72", &[0; 42]]),
        tcp(
            "dcerpc bind",
            Dcerpc,
            &[
                b"\x05\x00",         // version 5.0
                b"\x0b",             // bind
                b"\x03",             // flags
                b"\x10\0\0\0",       // little-endian, ASCII, IEEE
                b"\x48\0",           // fragment
                b"\0\0",             // auth
                b"\x01\0\0\0",       // call id
                b"\xb8\x10\xb8\x10", // fragment sizes
                &[0; 52],
            ],
        ),
        udp("krb5 as-req", Krb5, &[as_req]),
        tcp("krb5 over tcp", Krb5, &[b"\0\0\0\x0e", as_req]),
        tcp("ldap bind", Ldap, &[b"\x30\x0c", b"\x02\x01\x01", b"\x60\x07", b"\x02\x01\x03", b"\x04\0", b"\x80\0"]),
        tcp(
            "ldap search with long lengths",
            Ldap,
            &[
                b"\x30\x84\0\0\0\x2d",
                b"\x02\x01\x02",
                b"\x63\x84\0\0\0\x24",
                b"\x04\0",
                b"\x0a\x01\0",
                b"\x0a\x01\0",
                &[0; 28],
            ],
        ),
        tcp_server(
            "ldap bind response",
            Ldap,
            &[b"\x30\x0c", b"\x02\x01\x01", b"\x61\x07", b"\x0a\x01\0", b"\x04\0", b"\x04\0"],
        ),
        udp("cldap", Ldap, &[b"\x30\x25", b"\x02\x01\x01", b"\x63\x20", b"\x04\0", b"\x0a\x01\0", &[0; 27]]),
        tcp(
            "rdp with a cookie",
            Rdp,
            &[
                b"\x03\0\0\x2a",
                b"\x25\xe0",
                b"\0\0\0\0\0",
                b"Cookie: mstshash=a\r\n",
                b"\x01\0\x08\0\x03\0\0\0",
                b"\0\0\0",
            ],
        )
        .whole(),
        tcp("rdp with a negotiation", Rdp, &[b"\x03\0\0\x13", b"\x0e\xe0", b"\0\0\0\0\0", b"\x01\0\x08\0\x0b\0\0\0"]),
        tcp_server(
            "rdp negotiated",
            Rdp,
            &[b"\x03\0\0\x13", b"\x0e\xd0", b"\0\0\x12\x34\0", b"\x02\x1f\x08\0\x02\0\0\0"],
        ),
        udp(
            "rdp over udp",
            RdpUdp,
            &[b"\xff\xff\xff\xff", b"\0\x40", b"\x18\x01", b"\x01\x02\x03\x04", b"\x04\xd0\x04\xd0", &[0; 1216]],
        ),
        udp(
            "nbns",
            Nbns,
            &[b"\x12\x34", b"\x01\x10", b"\0\x01\0\0\0\0\0\0", b"\x20", &[b'C'; 32], b"\0", b"\0\x20\0\x01"],
        ),
    ]
}

fn datagrams() -> Vec<Case> {
    use AppProto::*;
    let query: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
    let rtp = |sequence: u8| {
        [&[0x80_u8, 0, 0, sequence][..], b"\0\0\x10", &[sequence], b"\xca\xfe\x00\x01", &[0xd5; 40]].concat()
    };
    vec![
        udp("dns query", Dns, &[query]),
        udp(
            "dns response",
            Dns,
            &[
                b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x01a\x02de\0\0\x01\0\x01",
                b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01",
            ],
        ),
        tcp("dns over tcp", Dns, &[b"\0\x21", query]),
        udp("mdns", Mdns, &[b"\0\0\0\0\0\x01\0\0\0\0\0\0\x05_http\x04_tcp\x05local\0\0\x0c\0\x01"]).on(5353),
        udp(
            "mdns announcement",
            Mdns,
            &[b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x01a\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x01"],
        )
        .on(5353),
        udp("llmnr", Llmnr, &[b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04host\0\0\x01\0\x01"]).on(5355),
        udp("dhcp discover", Dhcp, &[b"\x01\x01\x06\x00", &[0; 232], b"\x63\x82\x53\x63", b"\x35\x01\x01\xff"]),
        udp("dhcpv6 solicit", Dhcpv6, &[b"\x01\x11\x22\x33", b"\0\x08\0\x02\0\0", b"\0\x06\0\x02\0\x17"]).on(547),
        udp(
            "ntp client",
            Ntp,
            &[
                b"\x23",             // version 4, client
                b"\0\x06\xec",       // stratum, poll, precision
                b"\0\0\0\0\0\0\0\0", // delay, dispersion
                &[0; 28],
                b"\xe5\x01\x02\x03\x04\x05\x06\x07",
            ],
        ),
        udp("ntp monlist", Ntp, &[b"\x17\0\x03\x2a", &[0; 4]]).on(123),
        udp(
            "snmp v2c get",
            Snmp,
            &[
                b"\x30\x1a",
                b"\x02\x01\x01",
                b"\x04\x06public",
                b"\xa0\x0d",
                b"\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x02\x30\0",
            ],
        ),
        udp(
            "snmp v3",
            Snmp,
            &[
                b"\x30\x3e",
                b"\x02\x01\x03",
                b"\x30\x0f",
                b"\x02\x02\x4a\x69",
                b"\x02\x03\0\xff\xe3",
                b"\x04\x01\x04",
                b"\x02\x01\x03",
                &[4; 40],
            ],
        ),
        udp("tftp read", Tftp, &[b"\0\x01", b"boot.img\0", b"octet\0"]),
        udp("radius request", Radius, &[b"\x01\x05", b"\0\x1b", &[0x77; 16], b"\x01\x07joe..", b""]),
        udp("rtp", Rtp, &[&rtp(1)]).then(ToServer, &[&rtp(2)]),
        udp("rtcp sender report", Rtcp, &[b"\x80\xc8\0\x06", &[1; 24], b"\x81\xca\0\x02", b"\0\0\0\x01\x01\x01a\0"]),
        udp("stun binding", Stun, &[b"\0\x01\0\0", b"\x21\x12\xa4\x42", &[9; 12]]),
        udp("stun of RFC 3489", Stun, &[b"\0\x01\0\x08", &[9; 16], b"\0\x03\0\x04\0\0\0\0"]),
        udp("bittorrent dht", BittorrentDht, &[b"d1:ad2:id20:", &[b'x'; 20], b"e1:q4:ping1:t2:aa1:y1:qe"]),
        udp("bittorrent tracker", Bittorrent, &[b"\0\0\x04\x17\x27\x10\x19\x80", b"\0\0\0\0", b"\x01\x02\x03\x04"]),
        udp("coap", Coap, &[b"\x40\x01\x12\x34", b"\xb4time"]).on(5683),
        udp("netflow 5", Netflow, &[b"\0\x05", b"\0\x01", &[0; 20], &[1; 48]]),
        udp(
            "sflow",
            Sflow,
            &[
                b"\0\0\0\x05",
                b"\0\0\0\x01",
                b"\x0a\0\0\x01",
                b"\0\0\0\0",
                b"\0\0\0\x09",
                b"\0\0\0\x09",
                b"\0\0\0\x01",
                &[0; 40],
            ],
        ),
        udp("rip", Rip, &[b"\x02\x02\0\0", b"\0\x02\0\0\x0a\0\0\0\xff\0\0\0\0\0\0\0\0\0\0\x01"]),
        udp("hsrp", Hsrp, &[b"\0\0\x10\x03\x0a\x5a\x01\0", b"cisco\0\0\0", b"\x0a\0\0\x01"]),
        tcp("bgp open", Bgp, &[&[0xff; 16], b"\0\x1d", b"\x01", b"\x04\xfd\xe9\0\xb4\x0a\0\0\x01\0"]),
        tcp("skinny", Skinny, &[b"\x04\0\0\0", b"\0\0\0\0", b"\0\0\0\0", b"\0\0\0\0"]).on(2000).whole(),
    ]
}

fn plants() -> Vec<Case> {
    use AppProto::*;
    vec![
        tcp("modbus read", Modbus, &[b"\0\x01", b"\0\0", b"\0\x06", b"\x01", b"\x03", b"\0\0", b"\0\x0a"]),
        tcp("modbus response to a question", Modbus, &[b"\0\x01\0\0\0\x05\x01\x2b\x0e\x01\0"])
            .then(ToClient, &[b"\0\x01\0\0\0\x07\x01\x2b\x0e\x01\x81\0\0"])
            .whole(),
        tcp("dnp3", Dnp3, &[b"\x05\x64", b"\x08\xc4", b"\x28\x2e", b"\xb7\xe6", b"\x31\x83", b"\xc0\xc0\x18\xd1\xdb"]),
        tcp("enip register session", Enip, &[b"\x65\0", b"\x04\0", &[0; 4], &[0; 4], &[7; 8], &[0; 4], b"\x01\0\0\0"]),
        udp("enip list identity", Enip, &[b"\x63\0", b"\0\0", &[0; 4], &[0; 4], &[7; 8], &[0; 4]]),
        tcp("s7comm", S7comm, &[b"\x03\0\0\x19", b"\x02\xf0\x80", b"\x32\x01", &[0; 16]]),
        tcp("iec104 startdt", Iec104, &[b"\x68\x04\x07\0\0\0"]),
        udp("bacnet who-is", Bacnet, &[b"\x81\x0b\0\x0c", b"\x01\x20\xff\xff\0\xff", b"\x10\x08"]),
        tcp("opc-ua hello", Opcua, &[b"HELF", b"\x20\0\0\0", &[0; 24]]),
        tcp("mqtt connect", Mqtt, &[b"\x10\x10", b"\0\x04MQTT", b"\x04\x02\0\x3c", b"\0\x04test"]),
        tcp("mqtt ping", Mqtt, &[b"\xc0\0"]).then(ToClient, &[b"\xd0\0"]),
        tcp("mqtt publish", Mqtt, &[b"\x30\x09\0\x04a/b/", b"hi!"]).then(ToClient, &[b"\xd0\0"]),
        tcp("mqtt 3.1", Mqtt, &[b"\x10\x12", b"\0\x06MQIsdp", b"\x03\x02\0\x3c", b"\0\x04test"]),
        tcp("amqp", Amqp, &[b"AMQP", b"\0\0\x09\x01"]),
        tcp("kafka", Kafka, &[b"\0\0\0\x11", b"\0\x12", b"\0\0", b"\0\0\0\x01", b"\0\x07rdkafka"]),
        tcp("bittorrent", Bittorrent, &[b"\x13BitTorrent protocol", &[0; 8], &[5; 40]]),
        tcp("zabbix", Zabbix, &[b"ZBXD\x01", b"\x0a\0\0\0\0\0\0\0", b"agent.ping"]),
    ]
}

fn stores() -> Vec<Case> {
    use AppProto::*;
    let call = |program: &'static [u8]| {
        [b"\0\0\0\x01", b"\0\0\0\0", b"\0\0\0\x02", program, b"\0\0\0\x03", b"\0\0\0\0", &[0; 16]].concat()
    };
    vec![
        tcp_server("mysql greeting", Mysql, &[b"\x4a\0\0", b"\0", b"\x0a", b"8.0.36\0", &[7; 66]]),
        tcp(
            "mysql login",
            Mysql,
            &[b"\x30\0\0", b"\x01", b"\x85\xa6\xff\x01", b"\0\0\0\x01", b"\x2d", &[0; 23], b"root\0", &[1; 11]],
        ),
        tcp("pgsql startup", Pgsql, &[b"\0\0\0\x11", b"\0\x03\0\0", b"user\0joe\0\0"]),
        tcp("pgsql ssl request", Pgsql, &[b"\0\0\0\x08", b"\x04\xd2\x16\x2f"]),
        tcp_server("pgsql authentication", Pgsql, &[b"R", b"\0\0\0\x0c", b"\0\0\0\x05", b"salt"]),
        tcp(
            "mssql prelogin",
            Mssql,
            &[
                b"\x12\x01",
                b"\0\x1a",
                b"\0\0\0\0",
                b"\0\0\x0b\0\x06",
                b"\x01\0\x11\0\x01",
                b"\xff",
                b"\x09\0\0\0\0\0",
                b"\0",
            ],
        ),
        tcp("redis", Redis, &[b"*1\r\n", b"$4\r\n", b"PING\r\n"]),
        tcp_server("redis pong", Redis, &[b"+PONG\r\n"]),
        tcp("memcached set", Memcached, &[b"set key 0 900 4\r\n", b"data\r\n"]),
        tcp("mongodb", Mongodb, &[b"\x3a\0\0\0", b"\x01\0\0\0", b"\0\0\0\0", b"\xd4\x07\0\0", &[0; 42]]),
        tcp(
            "cassandra startup",
            Cassandra,
            &[b"\x04\0\0\0", b"\x01", b"\0\0\0\x16", b"\0\x01\0\x0bCQL_VERSION\0\x053.0.0"],
        ),
        udp("nfs", Nfs, &[&call(b"\0\x01\x86\xa3")]),
        udp("portmapper", Rpc, &[&call(b"\0\x01\x86\xa0")]),
        tcp("nfs over tcp", Nfs, &[b"\x80\0\0\x28", &call(b"\0\x01\x86\xa3")]),
        tcp("mountd over tcp", Rpc, &[b"\x80\0\0\x28", &call(b"\0\x01\x86\xa5")]),
        tcp("afp", Afp, &[b"\0\x03", b"\0\x01", b"\0\0\0\0", b"\0\0\0\0", b"\0\0\0\0"]),
    ]
}

fn tunnels() -> Vec<Case> {
    use AppProto::*;
    let ipv6 = [&b"\x60\0\0\0"[..], b"\0\x08\x11\x40", b"\x20\x01\0\0", &[1; 12], &[2; 16], &[3; 8]].concat();
    vec![
        udp("wireguard initiation", Wireguard, &[b"\x01\0\0\0", &[0x9c; 144]]),
        udp("wireguard response", Wireguard, &[b"\x02\0\0\0", &[0x9c; 88]]),
        udp("wireguard data", Wireguard, &[b"\x04\0\0\0", b"abcd", b"\x01\0\0\0\0\0\0\0", &[0x9c; 32]])
            .then(ToServer, &[b"\x04\0\0\0", b"abcd", b"\x02\0\0\0\0\0\0\0", &[0x31; 32]]),
        udp("openvpn reset", Openvpn, &[b"\x38", &[0x9c; 8], b"\0", b"\0\0\0\0"]),
        udp(
            "openvpn with tls-auth",
            Openvpn,
            &[b"\x38", &[0x9c; 8], &[0x51; 20], b"\0\0\0\x01", b"\x5e\x3e\x7b\x98", b"\0", b"\0\0\0\0"],
        ),
        tcp("openvpn over tcp", Openvpn, &[b"\0\x0e", b"\x38", &[0x9c; 8], b"\0", b"\0\0\0\0"]),
        udp("ike 2", Ike, &[&[7; 8], &[0; 8], b"\x21\x20\x22\x08", b"\0\0\0\0", b"\0\0\0\x24", &[0; 8]]),
        udp(
            "ike 1 behind the marker",
            Ike,
            &[b"\0\0\0\0", &[7; 8], &[0; 8], b"\x01\x10\x02\0", b"\0\0\0\0", b"\0\0\0\x1c"],
        ),
        udp("l2tp", L2tp, &[b"\xc8\x02", b"\0\x14", &[0; 8], b"\x80\x08\0\0\0\0\0\x01"]),
        tcp("pptp", Pptp, &[b"\0\x9c", b"\0\x01", b"\x1a\x2b\x3c\x4d", b"\0\x01", &[0; 146]]),
        udp("vxlan", Vxlan, &[b"\x08\0\0\0", b"\0\0\x64\0", &[0xaa; 12], b"\x08\0", &[0x45; 20]]),
        udp("geneve", Geneve, &[b"\0\0\x65\x58", b"\0\0\x64\0", &[0xaa; 12], b"\x08\0", &[0x45; 20]]),
        udp("gtp user plane", Gtpv1, &[b"\x30\xff\0\x14", b"\0\0\0\x01", b"\x45", &[0; 19]]),
        udp("teredo", Teredo, &[&ipv6]),
        tcp("socks 5", Socks, &[b"\x05\x01\0"]).then(ToClient, &[b"\x05\0"]),
        tcp("socks 4", Socks, &[b"\x04\x01", b"\x01\xbb", b"\x0a\0\0\x01", b"joe\0"])
            .then(ToClient, &[b"\0\x5a\0\0\0\0\0\0"]),
        tcp("tacacs+", Tacacs, &[b"\xc0\x01\x01\0", b"\x01\x02\x03\x04", b"\0\0\0\x10", &[0x5f; 16]]),
        tcp(
            "diameter",
            Diameter,
            &[b"\x01\0\0\x34", b"\x80\0\x01\x01", &[0; 12], b"\0\0\x01\x08\x40\0\0\x10", b"a.example.x\0", &[0; 12]],
        ),
    ]
}
