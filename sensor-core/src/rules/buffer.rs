//! The buffers that rules look into.

use super::header::Protocol;
use crate::applayer::AppProto;

/// Which way data has to go for a buffer to be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// From the originator.
    ToServer,
    /// From the responder.
    ToClient,
    /// Either.
    Both,
}

macro_rules! buffers {
    ($($variant:ident $name:literal $side:ident $kind:ident;)*) => {
        /// A buffer of a packet, a stream or a transaction. What it holds is what Suricata's sticky buffer of the same
        /// name holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Buffer {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Buffer {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Buffer] = &[$(Buffer::$variant,)*];

            /// The name of the sticky buffer.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Buffer::$variant => $name,)*
                }
            }

            /// Which way data goes that is in it.
            #[must_use]
            pub fn side(self) -> Side {
                match self {
                    $(Buffer::$variant => Side::$side,)*
                }
            }

            /// Whether one transaction can have it several times: then each use of the keyword stands for one of them.
            #[must_use]
            pub fn is_multiple(self) -> bool {
                match self {
                    $(Buffer::$variant => buffers!(@multiple $kind),)*
                }
            }
        }
    };
    (@multiple one) => { false };
    (@multiple many) => { true };
}

buffers! {
    Payload "pkt_data" Both one;
    HttpUri "http.uri" ToServer one;
    HttpUriRaw "http.uri.raw" ToServer one;
    HttpMethod "http.method" ToServer one;
    HttpProtocol "http.protocol" Both one;
    HttpStart "http.start" Both one;
    HttpRequestBody "http.request_body" ToServer one;
    HttpResponseBody "http.response_body" ToClient one;
    HttpHeader "http.header" Both one;
    HttpHeaderRaw "http.header.raw" Both one;
    HttpHeaderNames "http.header_names" Both one;
    HttpAccept "http.accept" ToServer one;
    HttpAcceptLang "http.accept_lang" ToServer one;
    HttpAcceptEnc "http.accept_enc" ToServer one;
    HttpConnection "http.connection" Both one;
    HttpContentLen "http.content_len" Both one;
    HttpContentType "http.content_type" Both one;
    HttpCookie "http.cookie" Both one;
    HttpLocation "http.location" ToClient one;
    HttpServer "http.server" ToClient one;
    HttpReferer "http.referer" ToServer one;
    HttpUserAgent "http.user_agent" ToServer one;
    HttpHost "http.host" ToServer one;
    HttpHostRaw "http.host.raw" ToServer one;
    HttpStatCode "http.stat_code" ToClient one;
    HttpStatMsg "http.stat_msg" ToClient one;
    HttpRequestLine "http.request_line" ToServer one;
    HttpResponseLine "http.response_line" ToClient one;
    HttpRequestHeader "http.request_header" ToServer many;
    HttpResponseHeader "http.response_header" ToClient many;
    Http2HeaderName "http2.header_name" Both many;
    FileData "file.data" Both many;
    FileName "file.name" Both many;
    FileMagic "file.magic" Both many;
    Base64Data "base64_data" Both one;
    DnsQuery "dns.query" ToServer many;
    DnsQueryName "dns.query.name" Both many;
    DnsAnswerName "dns.answer.name" Both many;
    DnsQueriesRrname "dns.queries.rrname" Both many;
    DnsAnswersRrname "dns.answers.rrname" Both many;
    DnsAdditionalsRrname "dns.additionals.rrname" Both many;
    DnsAuthoritiesRrname "dns.authorities.rrname" Both many;
    DnsResponseRrname "dns.response.rrname" ToClient many;
    MdnsQueriesRrname "mdns.queries.rrname" Both many;
    MdnsAnswersRrname "mdns.answers.rrname" Both many;
    MdnsAdditionalsRrname "mdns.additionals.rrname" Both many;
    MdnsAuthoritiesRrname "mdns.authorities.rrname" Both many;
    MdnsResponseRrname "mdns.response.rrname" Both many;
    LlmnrQueriesRrname "llmnr.queries.rrname" Both many;
    LlmnrAnswersRrname "llmnr.answers.rrname" Both many;
    LlmnrAdditionalsRrname "llmnr.additionals.rrname" Both many;
    LlmnrAuthoritiesRrname "llmnr.authorities.rrname" Both many;
    LlmnrResponseRrname "llmnr.response.rrname" Both many;
    TlsSni "tls.sni" ToServer one;
    TlsCerts "tls.certs" Both many;
    TlsCertIssuer "tls.cert_issuer" Both one;
    TlsCertSubject "tls.cert_subject" Both one;
    TlsCertSerial "tls.cert_serial" Both one;
    TlsCertFingerprint "tls.cert_fingerprint" Both one;
    TlsSubjectAltName "tls.subjectaltname" Both many;
    TlsAlpn "tls.alpn" Both many;
    TlsRandom "tls.random" Both one;
    TlsRandomTime "tls.random_time" Both one;
    TlsRandomBytes "tls.random_bytes" Both one;
    Ja3Hash "ja3.hash" ToServer one;
    Ja3String "ja3.string" ToServer one;
    Ja3sHash "ja3s.hash" ToClient one;
    Ja3sString "ja3s.string" ToClient one;
    Ja4Hash "ja4.hash" ToServer one;
    QuicVersion "quic.version" Both one;
    QuicSni "quic.sni" ToServer one;
    QuicUa "quic.ua" ToServer one;
    QuicCyuHash "quic.cyu.hash" ToServer many;
    QuicCyuString "quic.cyu.string" ToServer many;
    SshProto "ssh.proto" Both one;
    SshSoftware "ssh.software" Both one;
    SshHassh "ssh.hassh" ToServer one;
    SshHasshString "ssh.hassh.string" ToServer one;
    SshHasshServer "ssh.hassh.server" ToClient one;
    SshHasshServerString "ssh.hassh.server.string" ToClient one;
    SmbNamedPipe "smb.named_pipe" ToServer one;
    SmbShare "smb.share" ToServer one;
    SmbNtlmsspUser "smb.ntlmssp_user" ToServer one;
    SmbNtlmsspDomain "smb.ntlmssp_domain" ToServer one;
    DceStubData "dcerpc.stub_data" Both one;
    FtpCommand "ftp.command" ToServer one;
    FtpCommandData "ftp.command_data" ToServer one;
    FtpReply "ftp.reply" ToClient many;
    FtpCompletionCode "ftp.completion_code" ToClient many;
    SmtpHelo "smtp.helo" ToServer one;
    SmtpMailFrom "smtp.mail_from" ToServer one;
    SmtpRcptTo "smtp.rcpt_to" ToServer many;
    EmailFrom "email.from" ToServer one;
    EmailSubject "email.subject" ToServer one;
    EmailTo "email.to" ToServer one;
    EmailCc "email.cc" ToServer one;
    EmailDate "email.date" ToServer one;
    EmailMessageId "email.message_id" ToServer one;
    EmailXMailer "email.x_mailer" ToServer one;
    EmailUrl "email.url" ToServer many;
    EmailReceived "email.received" ToServer many;
    Krb5Cname "krb5.cname" Both many;
    Krb5Sname "krb5.sname" Both many;
    SipMethod "sip.method" ToServer one;
    SipUri "sip.uri" ToServer one;
    SipProtocol "sip.protocol" Both one;
    SipStatCode "sip.stat_code" ToClient one;
    SipStatMsg "sip.stat_msg" ToClient one;
    SipRequestLine "sip.request_line" ToServer one;
    SipResponseLine "sip.response_line" ToClient one;
    SipFrom "sip.from" Both many;
    SipTo "sip.to" Both many;
    SipVia "sip.via" Both many;
    SipUserAgent "sip.user_agent" Both many;
    SipContentType "sip.content_type" Both many;
    SipContentLength "sip.content_length" Both many;
    SdpSessionName "sdp.session_name" Both one;
    SdpSessionInfo "sdp.session_info" Both one;
    SdpOrigin "sdp.origin" Both one;
    SdpUri "sdp.uri" Both one;
    SdpEmail "sdp.email" Both one;
    SdpPhoneNumber "sdp.phone_number" Both one;
    SdpConnectionData "sdp.connection_data" Both one;
    SdpBandwidth "sdp.bandwidth" Both many;
    SdpTime "sdp.time" Both many;
    SdpRepeatTime "sdp.repeat_time" Both many;
    SdpTimezone "sdp.timezone" Both one;
    SdpEncryptionKey "sdp.encryption_key" Both one;
    SdpAttribute "sdp.attribute" Both many;
    SdpMediaMedia "sdp.media.media" Both many;
    SdpMediaInfo "sdp.media.media_info" Both many;
    SdpMediaConnectionData "sdp.media.connection_data" Both many;
    SdpMediaEncryptionKey "sdp.media.encryption_key" Both many;
    IkeInitSpi "ike.init_spi" Both one;
    IkeRespSpi "ike.resp_spi" Both one;
    IkeVendor "ike.vendor" ToServer many;
    IkeNonce "ike.nonce_payload" Both one;
    IkeKeyExchange "ike.key_exchange_payload" Both one;
    MqttConnectClientId "mqtt.connect.clientid" ToServer one;
    MqttConnectUsername "mqtt.connect.username" ToServer one;
    MqttConnectPassword "mqtt.connect.password" ToServer one;
    MqttConnectWillTopic "mqtt.connect.willtopic" ToServer one;
    MqttConnectWillMessage "mqtt.connect.willmessage" ToServer one;
    MqttConnectProtocolString "mqtt.connect.protocol_string" ToServer one;
    MqttPublishTopic "mqtt.publish.topic" Both one;
    MqttPublishMessage "mqtt.publish.message" Both one;
    MqttSubscribeTopic "mqtt.subscribe.topic" ToServer many;
    MqttUnsubscribeTopic "mqtt.unsubscribe.topic" ToServer many;
    RfbName "rfb.name" ToClient one;
    SnmpCommunity "snmp.community" Both one;
    SnmpUsm "snmp.usm" Both one;
    PgsqlQuery "pgsql.query" ToServer one;
    WebsocketPayload "websocket.payload" Both one;
    LdapRequestDn "ldap.request.dn" ToServer one;
    LdapRequestAttributeType "ldap.request.attribute_type" ToServer many;
    LdapResponsesDn "ldap.responses.dn" ToClient many;
    LdapResponsesMessage "ldap.responses.message" ToClient many;
    LdapResponsesAttributeType "ldap.responses.attribute_type" ToClient many;
    EnipProductName "enip.product_name" ToClient one;
    EnipServiceName "enip.service_name" ToClient one;
    Dnp3Data "dnp3.data" Both one;
    NtpReferenceId "ntp.reference_id" Both one;
    EtherHeader "ether.hdr" Both one;
    IpSource "ip.src" Both one;
    IpDestination "ip.dst" Both one;
    Ipv4Header "ipv4.hdr" Both one;
    Ipv6Header "ipv6.hdr" Both one;
    TcpHeader "tcp.hdr" Both one;
    UdpHeader "udp.hdr" Both one;
    Icmpv4Header "icmpv4.hdr" Both one;
    Icmpv6Header "icmpv6.hdr" Both one;
    IgmpHeader "igmp.hdr" Both one;
    Frame "frame" Both one;
}

/// Old names that are not the new one with its dots made underscores.
const OLD_NAMES: [(&str, Buffer); 1] = [("dce_stub_data", Buffer::DceStubData)];

/// Content modifiers: Suricata's `http_server_body` is the body as `file.data` shows it. They move the content before them into a buffer.
pub(super) const MODIFIERS: [(&str, Buffer); 13] = [
    ("http_uri", Buffer::HttpUri),
    ("http_raw_uri", Buffer::HttpUriRaw),
    ("http_method", Buffer::HttpMethod),
    ("http_client_body", Buffer::HttpRequestBody),
    ("http_server_body", Buffer::FileData),
    ("http_header", Buffer::HttpHeader),
    ("http_raw_header", Buffer::HttpHeaderRaw),
    ("http_cookie", Buffer::HttpCookie),
    ("http_user_agent", Buffer::HttpUserAgent),
    ("http_host", Buffer::HttpHost),
    ("http_raw_host", Buffer::HttpHostRaw),
    ("http_stat_code", Buffer::HttpStatCode),
    ("http_stat_msg", Buffer::HttpStatMsg),
];

impl Buffer {
    /// All names of sticky buffers, old ones included.
    pub(super) fn names() -> impl Iterator<Item = (String, Buffer)> {
        let new = Self::ALL.iter().map(|buffer| (buffer.name().to_owned(), *buffer));
        let old = Self::ALL.iter().map(|buffer| (buffer.name().replace('.', "_"), *buffer));
        let other = OLD_NAMES.iter().map(|(name, buffer)| ((*name).to_owned(), *buffer));
        new.chain(old.filter(|(name, _)| !MODIFIERS.iter().any(|(modifier, _)| modifier == name))).chain(other)
    }

    /// Whether traffic of a protocol can fill the buffer, as the name of its keyword says.
    #[must_use]
    pub fn is_of(self, protocol: Protocol) -> bool {
        let Some(owner) = self.owner() else { return true };
        if let Protocol::Http | Protocol::App(AppProto::Http2) = protocol {
            return owner.contains(&"http");
        }
        if let Protocol::App(app) = protocol { owner.contains(&app.name()) } else { true }
    }

    /// The application protocols of the buffer; none if it is of packets, or of files whatever carried them.
    #[must_use]
    pub fn owner(self) -> Option<&'static [&'static str]> {
        let (family, _) = self.name().split_once('.')?;
        Some(match family {
            "http" => &["http", "http2", "doh2"],
            "http2" => &["http", "http2", "doh2"],
            "dns" => &["dns", "http2", "doh2", "mdns"],
            "mdns" => &["mdns"],
            "llmnr" => &["llmnr"],
            "tls" => &["tls"],
            "ja3" | "ja3s" | "ja4" => &["tls", "quic"],
            "quic" => &["quic"],
            "ssh" => &["ssh"],
            "smb" => &["smb", "dcerpc"],
            "dcerpc" => &["dcerpc", "smb"],
            "ftp" => &["ftp"],
            "smtp" | "email" => &["smtp"],
            "krb5" => &["krb5"],
            "sip" | "sdp" => &["sip"],
            "ike" => &["ike"],
            "mqtt" => &["mqtt"],
            "rfb" => &["rfb"],
            "snmp" => &["snmp"],
            "pgsql" => &["pgsql"],
            "websocket" => &["websocket"],
            "ldap" => &["ldap"],
            "enip" => &["enip"],
            "dnp3" => &["dnp3"],
            "ntp" => &["ntp"],
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_modifier_is_no_sticky_buffer() {
        assert!(Buffer::names().all(|(name, _)| name != "http_uri"));
        assert!(Buffer::names().any(|(name, buffer)| name == "tls_sni" && buffer == Buffer::TlsSni));
    }

    #[test]
    fn buffers_belong_to_protocols() {
        assert!(Buffer::HttpUri.is_of(Protocol::Http) && Buffer::HttpUri.is_of(Protocol::Tcp));
        assert!(!Buffer::HttpUri.is_of(Protocol::App(AppProto::Dns)));
        assert!(Buffer::Ja3Hash.is_of(Protocol::App(AppProto::Quic)));
        assert!(Buffer::FileData.is_of(Protocol::App(AppProto::Smtp)));
    }
}
