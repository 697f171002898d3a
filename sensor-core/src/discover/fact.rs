//! What a message tells of the hosts it passed between.

use std::net::IpAddr;

use super::os::System;

/// One thing learned. Of the sender, where it does not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The sender answers as a server.
    Service(Product),
    /// The sender asks as a client.
    Client(Product),
    /// A host has a name.
    Name {
        /// Whose it is.
        whose: Whose,
        /// The name, at most 255 bytes, without a final dot.
        name: String,
        /// Where it stood.
        source: NameSource,
        /// How long it holds, in seconds, where that was said.
        ttl: Option<u32>,
    },
    /// The sender's operating system.
    System {
        /// The system.
        system: System,
        /// What it was seen by.
        evidence: Evidence,
    },
    /// An address has this hardware address, the sender says.
    Hardware {
        /// The address.
        address: IpAddr,
        /// The hardware address.
        mac: [u8; 6],
    },
}

/// Whose name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The sender's.
    Sender,
    /// The receiver's, as the sender calls it.
    Receiver,
    /// That of the address told.
    Address(IpAddr),
}

/// A protocol and the program that speaks it. Texts are at most 255 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// The protocol by EVE's `app_proto` name; `None` where only the transport answered.
    pub protocol: Option<&'static str>,
    /// Program.
    pub product: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The text that it was read from: banner, `Server`, user agent.
    pub banner: Option<String>,
    /// JA4 of a TLS or QUIC client.
    pub ja4: Option<String>,
    /// HASSH of an SSH client or server.
    pub hassh: Option<String>,
}

impl Product {
    /// Just the protocol.
    pub fn of(protocol: &'static str) -> Self {
        Product { protocol: Some(protocol), ..Product::default() }
    }

    /// A product and version as in `nginx/1.18.0 (Ubuntu)`; the whole is the banner.
    pub fn slashed(protocol: &'static str, text: &str) -> Self {
        let first = text.split_once([' ', '(']).map_or(text, |(first, _)| first);
        let (name, version) = match first.split_once('/') {
            Some((name, version)) => (name, Some(version.trim_end_matches([';', ',']))),
            None => (first, None),
        };
        Product {
            protocol: Some(protocol),
            product: (!name.is_empty()).then(|| name.to_owned()),
            version: version.filter(|version| !version.is_empty()).map(str::to_owned),
            ..Product::default()
        }
        .said(text.to_owned())
    }

    /// The program of an HTTP user agent; the whole is the banner. Browsers claim to be each other: the one that the
    /// others don't claim to be is it.
    pub fn of_agent(agent: &str) -> Self {
        const BROWSERS: [(&str, &str); 14] = [
            ("Edg/", "Edge"),
            ("EdgA/", "Edge"),
            ("Edge/", "Edge"),
            ("OPR/", "Opera"),
            ("SamsungBrowser/", "Samsung Internet"),
            ("YaBrowser/", "Yandex Browser"),
            ("HeadlessChrome/", "Chrome, headless"),
            ("CriOS/", "Chrome"),
            ("FxiOS/", "Firefox"),
            ("Firefox/", "Firefox"),
            ("Chrome/", "Chrome"),
            ("MSIE ", "Internet Explorer"),
            ("Trident/", "Internet Explorer"),
            ("Safari/", "Safari"),
        ];
        let after = |mark: &str| agent.split_once(mark).map(|(_, rest)| rest);
        let version =
            |rest: &str| -> String { rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect() };
        let browser = || {
            let rest = after("Mozilla/")?;
            BROWSERS.iter().find_map(|(mark, name)| Some((*mark, *name, rest.split_once(mark)?.1)))
        };
        let Some((mark, name, rest)) = browser() else { return Product::slashed("http", agent) };
        let told = match mark {
            // Safari's number is its engine's.
            "Safari/" => after("Version/").map(version),
            "Trident/" => after("rv:").map(version),
            _ => Some(version(rest)),
        };
        Product::of("http").named(name, told.as_deref()).said(agent.to_owned())
    }

    /// With a product and a version, where there is one.
    pub fn named(mut self, product: &str, version: Option<&str>) -> Self {
        self.product = (!product.is_empty()).then(|| product.to_owned());
        self.version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        self
    }

    /// With the text it was read from, where there is one.
    pub fn said(mut self, banner: String) -> Self {
        self.banner = Some(banner).filter(|banner| !banner.is_empty());
        self
    }

    /// Whether a later sight adds or changes anything. The first protocol seen stays: what is spoken inside it later is
    /// not the service's own.
    pub(super) fn learns_from(&self, later: &Product) -> bool {
        let differs = |known: &Option<String>, later: &Option<String>| later.is_some() && known != later;
        later.protocol.is_some()
            && (self.protocol.is_none() || self.protocol == later.protocol)
            && (self.protocol.is_none()
                || differs(&self.product, &later.product)
                || differs(&self.version, &later.version)
                || differs(&self.banner, &later.banner)
                || differs(&self.ja4, &later.ja4)
                || differs(&self.hassh, &later.hassh))
    }

    /// Takes what a later sight adds or changes; tells whether that was protocol, program or version.
    pub(super) fn take_over(&mut self, later: Product) -> bool {
        if !self.learns_from(&later) {
            return false;
        }
        let before = (self.protocol, self.product.clone(), self.version.clone());
        self.protocol = later.protocol;
        for (known, later) in [
            (&mut self.product, later.product),
            (&mut self.version, later.version),
            (&mut self.banner, later.banner),
            (&mut self.ja4, later.ja4),
            (&mut self.hassh, later.hassh),
        ] {
            if later.is_some() {
                *known = later;
            }
        }
        before != (self.protocol, self.product.clone(), self.version.clone())
    }

    /// Whether another sight of a client is of the same program: it may have become known better.
    pub(super) fn is_same_client(&self, other: &Product) -> bool {
        let same = |one: &Option<String>, two: &Option<String>| one.is_none() || two.is_none() || one == two;
        self.protocol == other.protocol
            && self.banner == other.banner
            && self.version == other.version
            && same(&self.ja4, &other.ja4)
            && same(&self.hassh, &other.hassh)
    }

    pub(super) fn text_bytes(&self) -> usize {
        let texts = [&self.product, &self.version, &self.banner, &self.ja4, &self.hassh];
        texts.iter().filter_map(|text| text.as_ref()).map(String::capacity).sum()
    }
}

/// Where a name was seen. Later ones in this order say more about the host itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameSource {
    /// Answer of a PTR query.
    DnsPointer,
    /// Name of a certificate the server sent.
    Certificate,
    /// HTTP `Host` that a client asked for.
    HttpHost,
    /// TLS or QUIC server name that a client asked for.
    Sni,
    /// Answer of an A or AAAA query, by the name asked for.
    Dns,
    /// Greeting of a mail server or client.
    Smtp,
    /// The client's NetBIOS name in a Kerberos request.
    Kerberos,
    /// LLMNR.
    Llmnr,
    /// NetBIOS name service or datagram.
    NetBios,
    /// NTLM messages in SMB and others.
    Smb,
    /// Multicast DNS.
    Mdns,
    /// DHCP host name or FQDN option.
    Dhcp,
}

impl NameSource {
    /// The name used in exports.
    pub fn name(self) -> &'static str {
        match self {
            NameSource::Certificate => "certificate",
            NameSource::Sni => "sni",
            NameSource::HttpHost => "http_host",
            NameSource::Kerberos => "krb5",
            NameSource::DnsPointer => "dns_ptr",
            NameSource::Dns => "dns",
            NameSource::Smtp => "smtp",
            NameSource::Llmnr => "llmnr",
            NameSource::NetBios => "netbios",
            NameSource::Smb => "smb",
            NameSource::Mdns => "mdns",
            NameSource::Dhcp => "dhcp",
        }
    }
}

/// What an operating system was seen by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// A SYN's shape.
    Syn,
    /// A SYN-ACK's shape.
    SynAck,
    /// DHCP's vendor class or list of options.
    Dhcp,
    /// HTTP user agent.
    UserAgent,
    /// A server's or SSH's banner.
    Banner,
    /// NTLM, SMB or NetBIOS.
    Smb,
}

impl Evidence {
    /// The name used in exports.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Syn => "syn",
            Evidence::SynAck => "syn_ack",
            Evidence::Dhcp => "dhcp",
            Evidence::UserAgent => "user_agent",
            Evidence::Banner => "banner",
            Evidence::Smb => "smb",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_from_what_they_claim_to_be() {
        for (agent, product, version) in [
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_7_3) AppleWebKit/534.55.3 (KHTML, like Gecko) Version/5.1.3 Safari/534.53.10",
                "Safari",
                Some("5.1.3"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91",
                "Edge",
                Some("120.0.2210.91"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/72.0.3626.119 Safari/537.36",
                "Chrome",
                Some("72.0.3626.119"),
            ),
            ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)", "Internet Explorer", Some("7.0")),
            ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer", Some("11.0")),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0", "Firefox", Some("115.0")),
            ("Mozilla/5.0", "Mozilla", Some("5.0")),
            ("curl/7.88.1", "curl", Some("7.88.1")),
            ("Firefox/3", "Firefox", Some("3")),
            ("Microsoft NCSI", "Microsoft", None),
        ] {
            let read = Product::of_agent(agent);
            assert_eq!((read.product.as_deref(), read.version.as_deref()), (Some(product), version), "{agent}");
            assert_eq!(read.banner.as_deref(), Some(agent));
        }
    }
}
