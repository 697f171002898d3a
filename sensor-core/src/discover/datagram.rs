//! From a UDP payload to facts. Most of its protocols are known by their port; the bytes have to agree.

use std::net::IpAddr;

use super::extract::reader::line;
use super::extract::{dhcp, dns, greeting, kerberos, netbios, tls};
use super::fact::{Evidence, Fact, NameSource, Product, Whose};
use super::os;
use super::read::{dns_answer, sender_name, side, tls_hello};

/// Reads a UDP payload. `from_server`: the sender answers a side that spoke first; `source` is the sender's address.
pub fn read(data: &[u8], from_server: bool, source: IpAddr, ports: (u16, u16)) -> Vec<Fact> {
    let (source_port, destination_port) = ports;
    let on = |port: u16| source_port == port || destination_port == port;
    if on(5353) || on(5355) {
        return multicast_name(data, source, if on(5353) { NameSource::Mdns } else { NameSource::Llmnr });
    }
    if on(137)
        && let Some(named) = netbios::name_service(data)
    {
        return netbios_facts(named, source);
    }
    if on(138)
        && let Some(named) = netbios::datagram(data)
    {
        return netbios_facts(named, source);
    }
    if (on(67) || on(68))
        && let Some(message) = dhcp::message(data)
    {
        return dhcp_facts(&message, source);
    }
    if (on(546) || on(547))
        && let Some(message) = dhcp::message6(data)
    {
        return dhcp6_facts(message, source);
    }
    if on(88)
        && let Some(message) = kerberos::message(data)
    {
        return kerberos_facts(message);
    }
    if on(123)
        && let Some((product, answer)) = greeting::ntp(data)
    {
        return vec![side(answer, product)];
    }
    if (on(161) || on(162))
        && let Some((answer, product)) = greeting::snmp(data)
    {
        return vec![side(answer, product)];
    }
    if data.starts_with(b"M-SEARCH * HTTP/1.1") {
        return vec![Fact::Client(greeting::header_product("ssdp", data, &[b"user-agent"]))];
    }
    if on(1900) && (data.starts_with(b"HTTP/1.1 200") || data.starts_with(b"NOTIFY * HTTP/1.1")) {
        return vec![Fact::Service(greeting::header_product("ssdp", data, &[b"server"]))];
    }
    match tls::dtls(data) {
        Some(tls::Dtls::Client(hello)) => return tls_hello(hello, "dtls"),
        Some(tls::Dtls::Server(hello)) => {
            let version = hello.and_then(|hello| tls::version_name(hello.version)).map(str::to_owned);
            return vec![Fact::Service(Product { version, ..Product::of("dtls") })];
        }
        None => {}
    }
    if data.starts_with(b"SIP/2.0 ") {
        return vec![Fact::Service(greeting::header_product("sip", data, &[b"server", b"user-agent"]))];
    }
    if line(data).is_some_and(|(first, _)| first.ends_with(b" SIP/2.0")) {
        return vec![Fact::Client(greeting::header_product("sip", data, &[b"user-agent"]))];
    }
    // Elsewhere only an answer to one question is taken for DNS, and only if it names somebody.
    let like_answer = matches!(data, [_, _, 0x80..=0x87, _, 0, 1, ..]);
    if (on(53) || like_answer)
        && let Some(message) = dns::message(data).filter(|message| on(53) || !message.named.is_empty())
    {
        return match (message.response, from_server) {
            // Names count only where someone asked: else anybody could name anyone.
            (true, true) => dns_answer(&message, NameSource::Dns),
            (true, false) if source_port == 53 => vec![Fact::Service(Product::of("dns"))],
            (false, false) => vec![Fact::Client(Product::of("dns"))],
            (true, false) | (false, true) => Vec::new(),
        };
    }
    Vec::new()
}

/// Hosts name themselves in multicast answers; names of other addresses are not believed.
fn multicast_name(data: &[u8], source: IpAddr, by: NameSource) -> Vec<Fact> {
    let protocol = if by == NameSource::Mdns { "mdns" } else { "llmnr" };
    let Some(message) = dns::message(data) else { return Vec::new() };
    if !message.response {
        return vec![Fact::Client(Product::of(protocol))];
    }
    let own = message.named.into_iter().filter(|named| named.address == source);
    own.map(|named| Fact::Name { whose: Whose::Sender, name: named.name, source: by, ttl: Some(named.ttl) }).collect()
}

fn netbios_facts(named: netbios::Named, source: IpAddr) -> Vec<Fact> {
    if named.address.is_some_and(|address| address != source) {
        return Vec::new();
    }
    let mut facts = vec![sender_name(named.name, NameSource::NetBios)];
    facts.extend(named.system.map(|system| Fact::System { system, evidence: Evidence::Smb }));
    facts
}

fn dhcp_facts(message: &dhcp::Message, source: IpAddr) -> Vec<Fact> {
    let mut facts = Vec::new();
    if message.reply {
        facts.push(Fact::Service(Product::of("dhcp")));
        // Only an ACK says that the address is the client's now.
        if let (5, Some(address)) = (message.kind, message.address) {
            facts.push(Fact::Hardware { address: address.into(), mac: message.mac });
            if let Some(name) = &message.host_name {
                let (whose, name) = (Whose::Address(address.into()), name.clone());
                facts.push(Fact::Name { whose, name, source: NameSource::Dhcp, ttl: message.lease });
            }
        }
        return facts;
    }
    let class = message.vendor_class.as_deref();
    let system = class.and_then(os::vendor_class).or_else(|| os::dhcp(&message.requested));
    let own = message.address.map(IpAddr::from).or(Some(source)).filter(|address| !address.is_unspecified());
    if let (Some(address), Some(name)) = (own, &message.host_name) {
        let (whose, name) = (Whose::Address(address), name.clone());
        facts.push(Fact::Name { whose, name, source: NameSource::Dhcp, ttl: message.lease });
    }
    if let Some(address) = own {
        facts.push(Fact::Hardware { address, mac: message.mac });
    }
    facts.extend(system.map(|system| Fact::System { system, evidence: Evidence::Dhcp }));
    facts.push(Fact::Client(Product::of("dhcp").said(class.unwrap_or_default().to_owned())));
    facts
}

fn dhcp6_facts(message: dhcp::Message6, source: IpAddr) -> Vec<Fact> {
    // ADVERTISE (2), REPLY (7) and RECONFIGURE (10) come from servers (RFC 8415, section 7.3).
    if matches!(message.kind, 2 | 7 | 10) {
        return vec![Fact::Service(Product::of("dhcp"))];
    }
    let mut facts: Vec<Fact> = message.host_name.map(|name| sender_name(name, NameSource::Dhcp)).into_iter().collect();
    facts.extend(message.mac.map(|mac| Fact::Hardware { address: source, mac }));
    let system = message.vendor_class.as_deref().and_then(os::vendor_class);
    facts.extend(system.map(|system| Fact::System { system, evidence: Evidence::Dhcp }));
    facts.push(Fact::Client(Product::of("dhcp").said(message.vendor_class.unwrap_or_default())));
    facts
}

fn kerberos_facts(message: kerberos::Message) -> Vec<Fact> {
    let mut facts = vec![side(message.reply, Product::of("krb5"))];
    facts.extend(message.host.map(|name| sender_name(name, NameSource::Kerberos)));
    facts
}
