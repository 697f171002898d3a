//! From the first bytes of one side of a connection to facts: which reader fits is told by the bytes themselves, ports only break ties.

use std::net::IpAddr;

use super::extract::reader::{find, line, text};
use super::extract::{carrier, dns, greeting, http, kerberos, smb, ssh, tls};
use super::fact::{Evidence, Fact, NameSource, Product, Whose};
use super::os;

/// What the start of a stream told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Facts, all of what the bytes tell; a longer prefix tells them again.
    pub facts: Vec<Fact>,
    /// A longer prefix may tell more, up to [`MAX_PREFIX`].
    pub more: bool,
}

/// Bytes of a direction's start that are read at most.
pub const MAX_PREFIX: usize = tls::MAX_PREFIX;

/// How far a dialogue in lines is read for its upgrade to TLS.
const MAX_DIALOGUE: usize = 1024;

/// How far RDP's negotiation is read for the TLS behind it.
const MAX_RDP: usize = 256;

/// How long a stream's start may stay unrecognised before it is given up: text may begin with lines of any kind, other
/// protocols show in their first header what they are.
fn may_be_known_later(prefix: &[u8]) -> bool {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    prefix.len() < if prefix.iter().all(is_text) { 256 } else { 16 }
}

/// Reads what one side of a TCP connection sent first: `from_server` tells which side, `port` is the server's. The
/// prefix starts with the side's first byte.
pub fn stream(prefix: &[u8], from_server: bool, port: u16) -> Reading {
    let prefix = prefix.get(..MAX_PREFIX).unwrap_or(prefix);
    let found = if from_server { server(prefix, port) } else { client(prefix, port) };
    let mut reading = found.unwrap_or(Reading { facts: Vec::new(), more: may_be_known_later(prefix) });
    if prefix.len() >= MAX_PREFIX {
        reading.more = false;
    }
    reading
}

/// How long a prefix that asked for more has to become until it can tell more.
pub fn next_length(prefix: &[u8]) -> usize {
    let at_least = if tls::looks_like(prefix) { tls::record_end(prefix) } else { prefix.len() + 1 };
    at_least.min(MAX_PREFIX)
}

fn whole(facts: Vec<Fact>) -> Option<Reading> {
    Some(Reading { facts, more: false })
}

fn server(prefix: &[u8], port: u16) -> Option<Reading> {
    if tls::looks_like(prefix) || tls::is_alert(prefix) {
        return Some(tls_server(prefix));
    }
    if let Some(protocol) = carrier::outer(prefix, true) {
        // What a proxy passes on is not its own service; certificates in it name another host.
        return whole(vec![Fact::Service(Product::of(protocol))]);
    }
    if let Some(inner) = carrier::upgraded(prefix)
        && let Some(mut reading) = server(prefix.get(..prefix.len() - inner.len())?, port)
    {
        let upgraded = tls_server(inner);
        reading.facts.extend(upgraded.facts.into_iter().filter(|fact| !matches!(fact, Fact::Service(_))));
        reading.more = upgraded.more;
        return Some(reading);
    }
    if let Some((response, more)) = http::response(prefix) {
        let mut facts = Vec::new();
        let product = response.server.as_deref().map_or(Product::of("http"), |server| Product::slashed("http", server));
        facts.extend(response.server.as_deref().and_then(os::server_product).map(banner_system));
        facts.push(Fact::Service(product));
        return Some(Reading { facts, more });
    }
    if prefix.starts_with(b"SSH-") {
        return Some(ssh_side(prefix, true));
    }
    if let Some((product, host)) = greeting::greeting_220(prefix, port) {
        let mut facts: Vec<Fact> =
            product.banner.as_deref().and_then(os::server_product).map(banner_system).into_iter().collect();
        facts.extend(host.map(|name| sender_name(name, NameSource::Smtp)));
        facts.push(Fact::Service(product));
        return Some(Reading { facts, more: prefix.len() < MAX_DIALOGUE });
    }
    if let Some(smb) = smb::smb(prefix) {
        return Some(smb_side(&smb, true, prefix.len()));
    }
    let product = greeting::line_server(prefix, port)
        .or_else(|| greeting::mysql(prefix))
        .or_else(|| greeting::mssql(prefix))
        .or_else(|| greeting::postgresql(prefix))
        .or_else(|| greeting::redis(prefix, port))
        .or_else(|| greeting::rdp(prefix, true))
        .or_else(|| binary_server(prefix, port));
    if let Some(product) = product {
        let more = upgrades(&product) && prefix.len() < MAX_DIALOGUE;
        return Some(Reading { facts: vec![Fact::Service(product)], more });
    }
    // Lines of a server's own may stand before its identification (RFC 4253, section 4.2).
    if find(prefix.get(..1024).unwrap_or(prefix), b"\nSSH-").is_some() {
        return Some(ssh_side(prefix, true));
    }
    let (body, is_whole) = length_framed(prefix)?;
    let message = dns::message(body).filter(|message| message.response && is_whole)?;
    whole(dns_answer(&message, NameSource::Dns))
}

fn client(prefix: &[u8], port: u16) -> Option<Reading> {
    if tls::looks_like(prefix) {
        return Some(tls_client(prefix));
    }
    if let Some(protocol) = carrier::outer(prefix, false) {
        let Some(inner) = carrier::carried(prefix).filter(|inner| !inner.is_empty()) else {
            return Some(Reading { facts: vec![Fact::Client(Product::of(protocol))], more: true });
        };
        // The proxy is called by none of the names that are asked of it.
        let mut reading = client(inner, 0).unwrap_or(Reading { facts: Vec::new(), more: may_be_known_later(inner) });
        reading.facts.retain(|fact| !matches!(fact, Fact::Name { whose: Whose::Receiver, .. }));
        reading.facts.push(Fact::Client(Product::of(protocol)));
        return Some(reading);
    }
    if let Some(inner) = carrier::upgraded(prefix)
        && let Some(mut reading) = client(prefix.get(..prefix.len() - inner.len())?, port)
    {
        let upgraded = tls_client(inner);
        reading.facts.extend(upgraded.facts);
        reading.more = upgraded.more;
        return Some(reading);
    }
    if let Some((request, more)) = http::request(prefix) {
        let mut facts = Vec::new();
        // A proxy is asked with CONNECT or a whole URI, and is not called by the host meant.
        let host = request.host.filter(|_| !request.connect && !request.proxied);
        facts.extend(host.and_then(|name| receiver_name(name, NameSource::HttpHost)));
        if let Some(agent) = request.user_agent {
            facts.extend(os::user_agent(&agent).map(|system| Fact::System { system, evidence: Evidence::UserAgent }));
            facts.push(Fact::Client(Product::of_agent(&agent)));
        } else if !more {
            facts.push(Fact::Client(Product::of("http")));
        }
        return Some(Reading { facts, more });
    }
    if prefix.starts_with(b"SSH-") {
        return Some(ssh_side(prefix, false));
    }
    if let Some(smb) = smb::smb(prefix) {
        return Some(smb_side(&smb, false, prefix.len()));
    }
    if let Some(product) = greeting::rdp(prefix, false) {
        return Some(Reading { facts: vec![Fact::Client(product)], more: prefix.len() < MAX_RDP });
    }
    if let Some(product) = line_client(prefix, port) {
        let mut facts = Vec::new();
        if product.protocol == Some("smtp") {
            let name = product.banner.clone().filter(|name| name.contains('.') && !name.starts_with('['));
            facts.extend(name.map(|name| sender_name(name, NameSource::Smtp)));
        }
        let more = upgrades(&product) && prefix.len() < MAX_DIALOGUE;
        facts.push(Fact::Client(product));
        return Some(Reading { facts, more });
    }
    if let Some(product) = binary_client(prefix, port) {
        return whole(vec![Fact::Client(product)]);
    }
    let (body, is_whole) = length_framed(prefix)?;
    dns::message(body).filter(|message| !message.response && is_whole)?;
    whole(vec![Fact::Client(Product::of("dns"))])
}

/// Protocols that may go on in TLS after some lines.
fn upgrades(product: &Product) -> bool {
    matches!(product.protocol, Some("smtp" | "imap" | "pop3" | "ftp"))
}

pub(super) fn side(answer: bool, product: Product) -> Fact {
    if answer { Fact::Service(product) } else { Fact::Client(product) }
}

fn banner_system(system: os::System) -> Fact {
    Fact::System { system, evidence: Evidence::Banner }
}

pub(super) fn sender_name(name: String, source: NameSource) -> Fact {
    Fact::Name { whose: Whose::Sender, name, source, ttl: None }
}

/// A name by which a client calls its server; an address is no name.
fn receiver_name(name: String, source: NameSource) -> Option<Fact> {
    let bare = name.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']');
    let plausible = !bare.is_empty() && bare.parse::<IpAddr>().is_err();
    plausible.then(|| Fact::Name { whose: Whose::Receiver, name: bare.to_owned(), source, ttl: None })
}

fn tls_client(stream: &[u8]) -> Reading {
    let (messages, more) = tls::messages(stream);
    let mut facts = Vec::new();
    for message in messages {
        if let tls::Message::ClientHello(hello) = message {
            facts.extend(tls_hello(hello, "tls"));
        }
    }
    Reading { facts, more }
}

/// Facts of a TLS or QUIC ClientHello.
pub fn tls_hello(hello: tls::Client, protocol: &'static str) -> Vec<Fact> {
    let mut facts: Vec<Fact> =
        hello.server_name.and_then(|name| receiver_name(name, NameSource::Sni)).into_iter().collect();
    facts.push(Fact::Client(Product {
        version: tls::version_name(hello.version).map(str::to_owned),
        ja4: Some(hello.ja4).filter(|ja4| !ja4.is_empty()),
        ..Product::of(protocol)
    }));
    facts
}

fn tls_server(stream: &[u8]) -> Reading {
    let (messages, more) = tls::messages(stream);
    let mut service = Product::of("tls");
    let mut facts = Vec::new();
    for message in messages {
        match message {
            tls::Message::ServerHello(hello) => {
                service.version = tls::version_name(hello.version).map(str::to_owned);
            }
            tls::Message::Certificate(names) => {
                let subject = names
                    .subject
                    .into_iter()
                    .chain(names.dns)
                    .find(|name| name.contains('.') && !name.contains(['*', ' ', '/']));
                facts.extend(subject.map(|name| sender_name(name, NameSource::Certificate)));
            }
            tls::Message::ClientHello(_) => {}
        }
    }
    facts.push(Fact::Service(service));
    Reading { facts, more: more && !tls::is_alert(stream) }
}

fn ssh_side(prefix: &[u8], server: bool) -> Reading {
    let Some((hello, more)) = ssh::hello(prefix) else {
        return Reading { facts: Vec::new(), more: line(prefix).is_none() };
    };
    let (name, version) = hello.product();
    let mut product = Product::of("ssh").named(name, version);
    let whole = match &hello.comment {
        Some(comment) => format!("{} {comment}", hello.software),
        None => hello.software.clone(),
    };
    let mut facts: Vec<Fact> = os::ssh_comment(&whole).map(banner_system).into_iter().collect();
    product.banner = Some(format!("SSH-{}-{whole}", hello.protocol));
    product.hassh = if server { hello.server_hash } else { hello.client_hash };
    facts.push(side(server, product));
    Reading { facts, more }
}

fn smb_side(smb: &smb::Smb, server: bool, length: usize) -> Reading {
    let mut product = Product { version: smb.dialect.map(str::to_owned), ..Product::of("smb") };
    let mut facts = Vec::new();
    if let Some(os) = &smb.native_os {
        facts.extend(native_system(os).map(|system| Fact::System { system, evidence: Evidence::Smb }));
        product = product.said(os.clone());
    }
    if let Some(ntlm) = smb.ntlm.as_ref().filter(|ntlm| ntlm.challenge == server) {
        let name = ntlm.dns_name.clone().or_else(|| ntlm.host.clone());
        facts.extend(name.map(|name| sender_name(name, NameSource::Smb)));
        facts.extend(ntlm.system.map(|system| Fact::System { system, evidence: Evidence::Smb }));
    }
    facts.push(side(server, product));
    Reading { facts, more: length < 4096 && smb.ntlm.as_ref().is_none_or(|ntlm| ntlm.challenge != server) }
}

/// The system by the native OS text of SMB 1.
fn native_system(text: &str) -> Option<os::System> {
    const VERSIONS: [(&str, &str); 9] = [
        ("Windows 5.0", "2000"),
        ("Windows 5.1", "XP"),
        ("Windows XP", "XP"),
        ("Windows 2000", "2000"),
        ("Windows Server 2003", "Server 2003"),
        ("Windows Server (R) 2008", "Server 2008"),
        ("Windows Server 2008", "Server 2008"),
        ("Windows 7", "7"),
        ("Windows 10", "10"),
    ];
    let version = VERSIONS.iter().find(|(mark, _)| text.starts_with(mark)).map_or("", |(_, version)| version);
    Some(os::System { family: "Windows", version, confidence: 80 })
}

pub(super) fn dns_answer(message: &dns::Message, source: NameSource) -> Vec<Fact> {
    let mut facts = vec![Fact::Service(match &message.version {
        Some(version) => Product::of("dns").said(version.clone()),
        None => Product::of("dns"),
    })];
    facts.extend(message.named.iter().map(|named| Fact::Name {
        whose: Whose::Address(named.address),
        name: named.name.clone(),
        source: if named.pointer { NameSource::DnsPointer } else { source },
        ttl: Some(named.ttl),
    }));
    facts
}

/// A message behind a two-byte length, as DNS over TCP has it; and whether it is whole.
fn length_framed(prefix: &[u8]) -> Option<(&[u8], bool)> {
    let (length, body) = prefix.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    (length >= 12).then_some(())?;
    Some((body.get(..length).unwrap_or(body), body.len() >= length))
}

/// Clients that begin with a line.
fn line_client(prefix: &[u8], port: u16) -> Option<Product> {
    let (first, _) = line(prefix)?;
    let mut words = first.split(|byte| *byte == b' ');
    let command = words.next()?.to_ascii_uppercase();
    let word = || first.split(|byte| *byte == b' ').nth(1).map(|word| text(word, 255));
    let argument = || word().filter(|word| !word.is_empty());
    match command.as_slice() {
        b"EHLO" | b"HELO" | b"LHLO" => Some(Product::of("smtp").said(argument().unwrap_or_default())),
        b"NICK" | b"CAP" => Some(Product::of("irc")),
        b"USER" if first.split(|byte| *byte == b' ').count() >= 5 => Some(Product::of("irc")),
        b"USER" | b"CAPA" | b"AUTH" if matches!(port, 110 | 995) => Some(Product::of("pop3")),
        b"USER" | b"AUTH" => Some(Product::of("ftp")),
        b"RFB" => Some(Product { version: argument(), ..Product::of("vnc") }),
        _ if first.ends_with(b" SIP/2.0") => Some(greeting::header_product("sip", prefix, &[b"user-agent"])),
        _ if first.ends_with(b" RTSP/1.0") => Some(greeting::header_product("rtsp", prefix, &[b"user-agent"])),
        _ => match words.next().map(<[u8]>::to_ascii_uppercase).as_deref() {
            Some(b"CAPABILITY" | b"LOGIN" | b"ID" | b"AUTHENTICATE") => Some(Product::of("imap")),
            _ => None,
        },
    }
}

fn binary_server(prefix: &[u8], port: u16) -> Option<Product> {
    if prefix.starts_with(b"\x13BitTorrent protocol") {
        return Some(Product::of("bittorrent-dht").named("BitTorrent", None));
    }
    binary(prefix, port, true)
}

fn binary_client(prefix: &[u8], port: u16) -> Option<Product> {
    if prefix.starts_with(b"\x13BitTorrent protocol") {
        return Some(Product::of("bittorrent-dht").named("BitTorrent", None));
    }
    binary(prefix, port, false)
}

/// Protocols without a version in the clear: just that they are spoken.
fn binary(prefix: &[u8], port: u16, server: bool) -> Option<Product> {
    // LDAP: a sequence with a message id, then bind, search or extended operation (RFC 4511, section 4).
    if let Some((0x30, body)) = super::extract::x509::element(&mut super::extract::reader::Reader::new(prefix))
        && let [2, 1..=4, rest @ ..] = body
        && let Some(operation) = rest.get(usize::from(*body.get(1)?))
    {
        let known: &[u8] = if server { &[0x61, 0x64, 0x65, 0x73, 0x78] } else { &[0x60, 0x63, 0x42, 0x77] };
        if known.contains(operation) {
            return Some(Product::of("ldap"));
        }
    }
    // Kerberos behind a four-byte length (RFC 4120, section 7.2.2).
    if let Some(message) = prefix.get(4..).filter(|_| prefix.starts_with(&[0, 0])).and_then(kerberos::message)
        && message.reply == server
    {
        return Some(Product::of("krb5"));
    }
    match (prefix, server) {
        // DCE/RPC: version 5, then bind (11) or its answer (12).
        ([5, 0 | 1, 11, ..], false) | ([5, 0 | 1, 12 | 13, ..], true) => Some(Product::of("dcerpc")),
        // MQTT CONNECT and CONNACK.
        ([0x10, _, 0, 4, b'M', b'Q', b'T', b'T', version, ..], false) => {
            Some(Product::of("mqtt").named("", Some(mqtt(*version))))
        }
        ([0x20, 2, 0 | 1, 0..=5], true) => Some(Product::of("mqtt")),
        // SUN RPC over TCP: last fragment, then call (0) or reply (1).
        ([0x80, _, _, _, _, _, _, _, 0, 0, 0, 0, 0, 0, 0, 2, ..], false) => Some(Product::of("rpc")),
        ([0x80, _, _, _, _, _, _, _, 0, 0, 0, 1, ..], true) => Some(Product::of("rpc")),
        // Modbus: protocol id 0 and a short length.
        ([_, _, 0, 0, 0, 2..=253, _, 1..=0x2b | 0x81..=0xab, ..], _) if port == 502 => Some(Product::of("modbus")),
        ([5, 0x64, ..], _) if port == 20000 => Some(Product::of("dnp3")),
        ([0x16..=0x18, 0xfe, ..], _) => Some(Product::of("dtls")),
        _ => None,
    }
}

fn mqtt(version: u8) -> &'static str {
    match version {
        3 => "3.1",
        4 => "3.1.1",
        5 => "5.0",
        _ => "",
    }
}
