//! A rule's header: action, protocol, addresses, ports, direction.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::fault::{Fault, Parsed};
use super::lexer::negation;
use super::variables::{Kind, Variables};
use crate::applayer::AppProto;

/// Most entries of one address or port list, those within it counted.
pub const MAX_LIST: usize = 8192;
/// How deep lists may stand in each other.
pub const MAX_NESTING: usize = 16;

/// What a rule does when it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Tells.
    Alert,
    /// Ends inspection of the packet.
    Pass,
    /// Drops the packet and tells, where the sensor is in the path.
    Drop,
    /// Answers the sender with a reset or an unreachable error, drops and tells. Also written `rejectsrc`.
    Reject,
    /// Answers the receiver.
    RejectDestination,
    /// Answers both.
    RejectBoth,
    /// Settles how something is handled: see the option `config`.
    Config,
}

/// Actions by name.
const ACTIONS: [(&str, Action); 8] = [
    ("alert", Action::Alert),
    ("pass", Action::Pass),
    ("drop", Action::Drop),
    ("reject", Action::Reject),
    ("rejectsrc", Action::Reject),
    ("rejectdst", Action::RejectDestination),
    ("rejectboth", Action::RejectBoth),
    ("config", Action::Config),
];

/// The traffic a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Every IP packet.
    Ip,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// TCP, packets or stream as the rule's options ask for.
    Tcp,
    /// TCP, packet by packet.
    TcpPacket,
    /// TCP, the stream.
    TcpStream,
    /// UDP.
    Udp,
    /// ICMP and ICMPv6.
    Icmp,
    /// ICMP.
    Icmpv4,
    /// ICMPv6.
    Icmpv6,
    /// SCTP.
    Sctp,
    /// IGMP.
    Igmp,
    /// ARP.
    Arp,
    /// Any Ethernet frame.
    Ether,
    /// Every packet, those that cannot be decoded included.
    PacketHeader,
    /// HTTP of any version.
    Http,
    /// Any other application protocol; `http1` is [`AppProto::Http`].
    App(AppProto),
}

/// Names of what is no application protocol.
const PROTOCOLS: [(&str, Protocol); 19] = [
    ("ip", Protocol::Ip),
    ("ip4", Protocol::Ipv4),
    ("ipv4", Protocol::Ipv4),
    ("ip6", Protocol::Ipv6),
    ("ipv6", Protocol::Ipv6),
    ("tcp", Protocol::Tcp),
    ("tcp-pkt", Protocol::TcpPacket),
    ("tcp-stream", Protocol::TcpStream),
    ("udp", Protocol::Udp),
    ("icmp", Protocol::Icmp),
    ("icmpv4", Protocol::Icmpv4),
    ("icmpv6", Protocol::Icmpv6),
    ("sctp", Protocol::Sctp),
    ("igmp", Protocol::Igmp),
    ("arp", Protocol::Arp),
    ("ether", Protocol::Ether),
    ("pkthdr", Protocol::PacketHeader),
    ("http", Protocol::Http),
    ("http1", Protocol::App(AppProto::Http)),
];

/// Application protocols a rule can name, beside `http` and `http1`.
const APP_PROTOCOLS: [&str; 36] = [
    "http2",
    "ftp",
    "ftp-data",
    "smtp",
    "tls",
    "ssh",
    "imap",
    "pop3",
    "smb",
    "dcerpc",
    "dns",
    "mdns",
    "llmnr",
    "nfs",
    "ntp",
    "tftp",
    "ike",
    "krb5",
    "quic",
    "dhcp",
    "sip",
    "rfb",
    "mqtt",
    "telnet",
    "websocket",
    "ldap",
    "doh2",
    "rdp",
    "bittorrent-dht",
    "snmp",
    "modbus",
    "dnp3",
    "enip",
    "pgsql",
    "rpc",
    "irc",
];

impl Protocol {
    /// The protocol of that name, in a rule's header or in `app-layer-protocol`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some((_, protocol)) = PROTOCOLS.iter().find(|(known, _)| *known == name) {
            return Some(*protocol);
        }
        let name = match name {
            "ssl" => "tls",
            "dhcpv4" => "dhcp",
            "ikev2" => "ike",
            _ => name,
        };
        APP_PROTOCOLS.contains(&name).then(|| AppProto::from_name(name)).flatten().map(Protocol::App)
    }

    /// The name in a rule.
    #[must_use]
    pub fn name(self) -> &'static str {
        if let Some((name, _)) = PROTOCOLS.iter().find(|(_, known)| *known == self) {
            return name;
        }
        if let Protocol::App(app) = self { app.name() } else { "ip" }
    }

    /// Whether it is one that is told by content.
    #[must_use]
    pub fn is_app(self) -> bool {
        matches!(self, Protocol::Http | Protocol::App(_))
    }
}

/// Which packets of a flow a rule's addresses are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `->`
    Forward,
    /// `<>`: also with source and destination exchanged.
    Both,
    /// `=>`: one alert for a transaction whose two sides both have to match.
    Transaction,
}

/// Action, protocol, addresses, ports and direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What to do.
    pub action: Action,
    /// For which traffic.
    pub protocol: Protocol,
    /// Source addresses.
    pub source: List<Address>,
    /// Source ports.
    pub source_ports: List<PortRange>,
    /// Direction.
    pub direction: Direction,
    /// Destination addresses.
    pub destination: List<Address>,
    /// Destination ports.
    pub destination_ports: List<PortRange>,
}

/// A set, as written: entries, each of which may be negated, a variable or a list itself.
///
/// A value is in it if an entry that is not negated holds (or there is none such), and no negated one does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List<T> {
    /// Everything.
    Any,
    /// These.
    Entries(Box<[Entry<T>]>),
}

/// An entry of a [`List`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T> {
    /// Whether `!` stands before it.
    pub negated: bool,
    /// What it is.
    pub item: Item<T>,
}

/// What stands in a [`List`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<T> {
    /// A value, or a range.
    One(T),
    /// `$NAME`, without the sign; defined, as the parser has looked it up.
    Variable(Box<str>),
    /// A list in brackets.
    List(List<T>),
}

/// Addresses from the first to the last, both in, of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// First.
    pub first: IpAddr,
    /// Last.
    pub last: IpAddr,
}

/// Ports from the first to the last, both in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// First.
    pub first: u16,
    /// Last.
    pub last: u16,
}

impl Header {
    pub(super) fn parse(text: &str, variables: &Variables) -> Parsed<Self> {
        let mut rest = text.trim_start();
        let mut next = |what: &str| -> Parsed<&str> {
            let (word, after) = word(rest);
            rest = after;
            if word.is_empty() { Err(Fault::at(after, format!("the header has no {what}"))) } else { Ok(word) }
        };
        let word = next("action")?;
        let action = ACTIONS.iter().find(|(name, _)| *name == word);
        let action = action.ok_or_else(|| Fault::at(word, format!("{word} is no action")))?.1;
        let word = next("protocol")?;
        let protocol = Protocol::from_name(&word.to_ascii_lowercase())
            .ok_or_else(|| Fault::at(word, format!("{word} is no protocol that rules can name")))?;
        let source = List::parse(next("source address")?, variables)?;
        let source_ports = List::parse(next("source port")?, variables)?;
        let word = next("direction")?;
        let direction = match word {
            "->" => Direction::Forward,
            "<>" => Direction::Both,
            "=>" => Direction::Transaction,
            _ => return Err(Fault::at(word, format!("{word} is no direction; -> <> and => are"))),
        };
        let destination = List::parse(next("destination address")?, variables)?;
        let destination_ports = List::parse(next("destination port")?, variables)?;
        let rest = rest.trim_start();
        if !rest.is_empty() {
            return Err(Fault::at(rest, "text after the destination port"));
        }
        Ok(Self { action, protocol, source, source_ports, direction, destination, destination_ports })
    }
}

/// Up to the next blank that is not within brackets, and what follows.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut depth = 0usize;
    let end = text.bytes().position(|byte| {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte.is_ascii_whitespace() && depth == 0
    });
    text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""))
}

/// What lists are of; not to be named from outside.
pub trait Element: Sized {
    /// Which variables can stand for it.
    const KIND: Kind;

    /// Reads one value or range; `None` if it is none.
    fn read(text: &str) -> Option<Self>;
}

impl<T: Element> List<T> {
    pub(crate) fn parse(text: &str, variables: &Variables) -> Parsed<Self> {
        let mut room = MAX_LIST;
        let list = Self::nested(text, variables, 0, &mut room)?;
        if list.is_nothing() {
            return Err(Fault::at(text, "everything is excluded, so this can never match"));
        }
        Ok(list)
    }

    fn nested(text: &str, variables: &Variables, depth: usize, room: &mut usize) -> Parsed<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("any") {
            return Ok(List::Any);
        }
        if depth > MAX_NESTING {
            return Err(Fault::at(text, "lists stand too deep in each other"));
        }
        let inner = match text.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or_else(|| Fault::at(text, "the list's ] is missing"))?,
            None => text,
        };
        let mut entries = Vec::new();
        for part in (Parts { rest: Some(inner) }) {
            let part = part?.trim();
            *room = room.checked_sub(1).ok_or_else(|| Fault::at(part, "a list with too many entries"))?;
            let (negated, value) = negation(part);
            let item = if value.is_empty() {
                return Err(Fault::at(part, "an empty entry"));
            } else if let Some(name) = value.strip_prefix('$') {
                if !variables.defines(T::KIND, name) {
                    return Err(Fault::at(value, format!("the variable {name} is not defined")));
                }
                Item::Variable(name.into())
            } else if value.starts_with('[') || value.eq_ignore_ascii_case("any") {
                Item::List(Self::nested(value, variables, depth + 1, room)?)
            } else {
                Item::One(T::read(value).ok_or_else(|| Fault::at(value, format!("{value} is no {}", T::KIND.name())))?)
            };
            entries.push(Entry { negated, item });
        }
        Ok(List::Entries(entries.into()))
    }

    fn is_nothing(&self) -> bool {
        match self {
            List::Any => false,
            List::Entries(entries) => entries.iter().any(|entry| match &entry.item {
                Item::List(list) if entry.negated => matches!(list, List::Any),
                Item::List(list) => entries.len() == 1 && list.is_nothing(),
                Item::One(_) | Item::Variable(_) => false,
            }),
        }
    }
}

/// The parts between commas, those within brackets left whole.
struct Parts<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Parsed<&'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let mut depth = 0usize;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'[' => depth += 1,
                b']' if depth == 0 => {
                    return Some(Err(Fault::at(rest.get(at..).unwrap_or_default(), "a ] without its [")));
                }
                b']' => depth -= 1,
                b',' if depth == 0 => {
                    self.rest = rest.get(at + 1..);
                    return rest.get(..at).map(Ok);
                }
                _ => {}
            }
        }
        if depth > 0 {
            return Some(Err(Fault::at(rest, "a [ without its ]")));
        }
        Some(Ok(rest))
    }
}

impl Element for Address {
    const KIND: Kind = Kind::Address;

    fn read(text: &str) -> Option<Self> {
        if let Some((address, mask)) = text.split_once('/') {
            return network(address.trim().parse().ok()?, mask.trim());
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self { first: address, last: address });
        }
        let (first, last) = text.split_once('-')?;
        let first: IpAddr = first.trim().parse().ok()?;
        let last: IpAddr = last.trim().parse().ok()?;
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }
}

fn network(address: IpAddr, mask: &str) -> Option<Address> {
    match address {
        IpAddr::V4(address) => {
            let mask = match mask.parse::<u32>() {
                Ok(bits) if bits <= 32 => u32::MAX.checked_shl(32 - bits).unwrap_or(0),
                Ok(_) => return None,
                Err(_) => mask.parse::<Ipv4Addr>().ok()?.to_bits(),
            };
            let first = address.to_bits() & mask;
            // Holes in a mask would make it more than one range.
            if mask.leading_ones() + mask.trailing_zeros() < 32 {
                return None;
            }
            Some(Address { first: Ipv4Addr::from_bits(first).into(), last: Ipv4Addr::from_bits(first | !mask).into() })
        }
        IpAddr::V6(address) => {
            let bits = mask.parse::<u32>().ok().filter(|bits| *bits <= 128)?;
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            let first = address.to_bits() & mask;
            Some(Address { first: Ipv6Addr::from_bits(first).into(), last: Ipv6Addr::from_bits(first | !mask).into() })
        }
    }
}

impl Element for PortRange {
    const KIND: Kind = Kind::Port;

    fn read(text: &str) -> Option<Self> {
        let range = match text.split_once(':') {
            None => {
                let port = text.parse().ok()?;
                Self { first: port, last: port }
            }
            Some((first, last)) => match (first.trim(), last.trim()) {
                ("", "") => return None,
                ("", last) => Self { first: 0, last: last.parse().ok()? },
                (first, "") => Self { first: first.parse().ok()?, last: u16::MAX },
                (first, last) => Self { first: first.parse().ok()?, last: last.parse().ok()? },
            },
        };
        (range.first <= range.last).then_some(range)
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = ACTIONS.iter().find(|(_, action)| *action == self.action).map_or("alert", |(name, _)| name);
        let direction = match self.direction {
            Direction::Forward => "->",
            Direction::Both => "<>",
            Direction::Transaction => "=>",
        };
        let Self { protocol, source, source_ports, destination, destination_ports, .. } = self;
        let protocol = protocol.name();
        write!(f, "{action} {protocol} {source} {source_ports} {direction} {destination} {destination_ports}")
    }
}

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let List::Entries(entries) = self else { return f.write_str("any") };
        f.write_str("[")?;
        for (number, entry) in entries.iter().enumerate() {
            let (comma, not) = (if number > 0 { "," } else { "" }, if entry.negated { "!" } else { "" });
            write!(f, "{comma}{not}")?;
            match &entry.item {
                Item::One(one) => write!(f, "{one}")?,
                Item::Variable(name) => write!(f, "${name}")?,
                Item::List(list) => write!(f, "{list}")?,
            }
        }
        f.write_str("]")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}:{}", self.first, self.last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Header, (Option<usize>, String)> {
        Header::parse(text, &Variables::default()).map_err(|fault| (fault.offset_in(text), fault.reason))
    }

    #[test]
    fn lists_negations_ranges_and_variables() {
        let text = "alert tcp [$HOME_NET, !10.0.0.0/8,[1.2.3.4,::1-::5]] ![80,443,1024:] <> any !$HTTP_PORTS ";
        let read = header(text).unwrap();
        assert_eq!(
            read.to_string(),
            "alert tcp [$HOME_NET,!10.0.0.0-10.255.255.255,[1.2.3.4,::1-::5]] [![80,443,1024:65535]] <> any [!$HTTP_PORTS]"
        );
        assert_eq!(header(&read.to_string()).unwrap(), read);
        assert_eq!(header("drop http1 any any => any any").unwrap().protocol, Protocol::App(AppProto::Http));
    }

    #[test]
    fn faults_have_their_place() {
        for (text, at) in [
            ("alarm tcp any any -> any any", 0),
            ("alert foo any any -> any any", 6),
            ("alert tcp $NOPE any -> any any", 10),
            ("alert tcp [1.2.3.4,$HTTP_PORTS] any -> any any", 19),
            ("alert tcp 1.2.3.4/33 any -> any any", 10),
            ("alert tcp 1.2.3.4/255.0.255.0 any -> any any", 10),
            ("alert tcp !any any -> any any", 10),
            ("alert tcp any 70000 -> any any", 14),
            ("alert tcp any 90:80 -> any any", 14),
            ("alert tcp any : -> any any", 14),
            ("alert tcp any any <- any any", 18),
            ("alert tcp any any -> any [80,]", 29),
            ("alert tcp any any -> any [80,[90]", 29),
            ("alert tcp any any -> any", 24),
            ("alert tcp any any -> any any 5", 29),
        ] {
            assert_eq!(header(text).unwrap_err().0, Some(at), "{text}");
        }
    }

    #[test]
    fn app_protocols_are_known_to_the_probers_or_left_out() {
        let unknown: Vec<_> =
            APP_PROTOCOLS.iter().filter(|name| Protocol::from_name(name).is_none()).copied().collect();
        assert_eq!(unknown, [] as [&str; 0]);
    }

    #[test]
    fn lists_are_bounded() {
        let deep = format!("alert tcp {}1.1.1.1{} any -> any any", "[".repeat(20), "]".repeat(20));
        assert!(header(&deep).unwrap_err().1.contains("too deep"));
        let long = format!("alert tcp any [{}] -> any any", vec!["80"; MAX_LIST + 1].join(","));
        assert!(header(&long).unwrap_err().1.contains("too many"));
    }
}
