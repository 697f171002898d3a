//! Sets of addresses, as `HOME_NET` names them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses inside some networks and outside others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks {
    inside: Vec<Network>,
    outside: Vec<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    v6: bool,
    bits: u128,
    mask: u128,
}

/// Why a list of networks is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworksError {
    /// Neither an address nor a CIDR nor `any`.
    Address(String),
    /// A prefix longer than the address.
    Prefix(String),
}

impl Networks {
    /// Every address.
    pub fn any() -> Networks {
        Networks { inside: vec![Network::all(false), Network::all(true)], outside: Vec::new() }
    }

    /// Addresses that are never routed on the Internet: RFC 1918, RFC 3927, RFC 4193, RFC 4291 link-local.
    pub fn private() -> Networks {
        let v4 = [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16), ([169, 254, 0, 0], 16)];
        let v6 = [(0xfc00, 7), (0xfe80, 10)];
        let v4 = v4.map(|(address, prefix)| Network::new(Ipv4Addr::from(address).into(), prefix));
        let v6 = v6.map(|(first, prefix)| Network::new(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0).into(), prefix));
        Networks { inside: v4.into_iter().chain(v6).collect(), outside: Vec::new() }
    }

    /// Reads `any`, an address, a CIDR, or a list of them with commas, each may be negated with `!`, in brackets or not:
    /// `[192.168.0.0/16,!192.168.7.0/24]`.
    ///
    /// # Errors
    /// Names the part that is no network.
    pub fn parse(text: &str) -> Result<Networks, NetworksError> {
        let text = text.trim();
        let (all_negated, list) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim_start()));
        let list = list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or(list);
        let mut networks = Networks { inside: Vec::new(), outside: Vec::new() };
        for part in list.split(',').map(str::trim) {
            let (negated, part) = part.strip_prefix('!').map_or((false, part), |part| (true, part.trim_start()));
            let side = if negated != all_negated { &mut networks.outside } else { &mut networks.inside };
            if part == "any" {
                side.extend([Network::all(false), Network::all(true)]);
                continue;
            }
            let (address, prefix) = part.split_once('/').map_or((part, None), |(a, p)| (a, Some(p)));
            let address: IpAddr = address.parse().map_err(|_| NetworksError::Address(part.to_owned()))?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Ok(most), str::parse);
            let prefix = prefix.ok().filter(|prefix| *prefix <= most);
            side.push(Network::new(address, prefix.ok_or_else(|| NetworksError::Prefix(part.to_owned()))?));
        }
        if networks.inside.is_empty() {
            networks.inside = Networks::any().inside;
        }
        Ok(networks)
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let holds = |network: &Network| network.contains(address);
        self.inside.iter().any(holds) && !self.outside.iter().any(holds)
    }
}

impl Network {
    fn all(v6: bool) -> Network {
        Network { v6, bits: 0, mask: 0 }
    }

    fn new(address: IpAddr, prefix: u8) -> Network {
        let v6 = address.is_ipv6();
        let host = u32::from(if v6 { 128 } else { 32 } - prefix);
        let mask = u128::MAX.checked_shl(host).unwrap_or_default();
        Network { v6, bits: bits(address) & mask, mask }
    }

    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv6() == self.v6 && bits(address) & self.mask == self.bits
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

impl std::fmt::Display for NetworksError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NetworksError::Address(part) => write!(f, "{part:?} is neither `any` nor an address or CIDR"),
            NetworksError::Prefix(part) => {
                let most = if part.contains(':') { 128 } else { 32 };
                write!(f, "{part:?}: the prefix is not within 0..{most}")
            }
        }
    }
}

impl std::error::Error for NetworksError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(list: &str, address: &str) -> bool {
        Networks::parse(list).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn lists_hold_what_they_name_and_not_what_they_exclude() {
        for (list, address, expected) in [
            ("any", "192.0.2.1", true),
            ("any", "2001:db8::1", true),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::a00:1", false),
            ("[10.0.0.0/8, !10.1.0.0/16]", "10.2.0.1", true),
            ("[10.0.0.0/8, !10.1.0.0/16]", "10.1.0.1", false),
            ("!10.0.0.0/8", "10.0.0.1", false),
            ("!10.0.0.0/8", "2001:db8::1", true),
            ("![10.0.0.1,10.0.0.2]", "10.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("2001:db8::/32", "2001:db8:1::", true),
            ("::1", "::2", false),
        ] {
            assert_eq!(holds(list, address), expected, "{address} in {list}");
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        for (list, words) in [
            ("10.0.0.0/33", "\"10.0.0.0/33\": the prefix is not within 0..32"),
            ("10.0.0.1,lan", "\"lan\" is neither `any` nor an address or CIDR"),
            ("", "\"\" is neither `any` nor an address or CIDR"),
            ("::1/129", "\"::1/129\": the prefix is not within 0..128"),
        ] {
            assert_eq!(Networks::parse(list).unwrap_err().to_string(), words);
        }
    }
}
