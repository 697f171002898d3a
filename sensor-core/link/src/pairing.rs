//! What a sensor tells an app so that it can be reached: its address, its key, and a token that is good once.
//!
//! `nightjar://HOST:PORT?key=KEY&token=TOKEN`: HOST is a name, an IPv4 address, or an IPv6 address in brackets; KEY and
//! TOKEN are 64 hexadecimal digits each. Without a token the string says where a sensor is that knows its viewer already.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use blake2::{Blake2s256, Digest};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use zeroize::Zeroizing;

use crate::keys::{hex, write_hex};
use crate::{KeyError, PublicKey};

/// Bytes of a token.
pub const TOKEN_LENGTH: usize = 32;

/// Most characters of a pairing string that is read: 253 of a name, and the rest three times over.
pub const MAX_PAIRING: usize = 1024;

/// What a viewer shows at its first contact, and the pre-shared key of that handshake. Wiped when it is dropped; the
/// Noise library keeps its own copy for as long as the handshake lasts and doesn't wipe it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<[u8; TOKEN_LENGTH]>);

impl Token {
    /// A new one from the system's randomness.
    pub fn generate() -> Result<Token, KeyError> {
        let mut bytes = Zeroizing::new([0; TOKEN_LENGTH]);
        DefaultResolver
            .resolve_rng()
            .ok_or_else(|| KeyError::Random("the Noise library has no random source".into()))?
            .try_fill_bytes(bytes.as_mut_slice())
            .map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Token(bytes))
    }

    /// One from its bytes.
    pub fn from_bytes(bytes: [u8; TOKEN_LENGTH]) -> Token {
        Token(Zeroizing::new(bytes))
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Token> {
        bytes.try_into().ok().map(Token::from_bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// What a sensor keeps in its place: the BLAKE2s-256 of its bytes, from which it can't be had back.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Blake2s256::digest(self.0.as_slice()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The digest of a [`Token`]; written and read as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; TOKEN_LENGTH]);

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for TokenDigest {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        hex(text).map(TokenDigest).ok_or_else(|| KeyError::not_hex(text))
    }
}

/// Where a sensor listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The machine.
    pub host: Host,
    /// The TCP port; never 0.
    pub port: u16,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// By its address.
    Ip(IpAddr),
    /// By a name of DNS, lower case.
    Name(String),
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address { host: Host::Ip(address.ip()), port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl FromStr for Address {
    type Err = PairingError;

    fn from_str(text: &str) -> Result<Self, PairingError> {
        address(text, 1)
    }
}

/// All that an app needs to reach a sensor. Its text is a secret as long as the token is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairingString {
    /// Where it listens.
    pub address: Address,
    /// Its key.
    pub key: PublicKey,
    /// For the first contact; `None` where the sensor has the viewer on its list.
    pub token: Option<Token>,
}

impl fmt::Display for PairingString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}?key={}", self.address, self.key)?;
        self.token.iter().try_for_each(|token| {
            f.write_str("&token=")?;
            write_hex(token.as_bytes(), f)
        })
    }
}

/// A text that is no pairing string. Places are counted in characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairingError {
    /// It begins with something else.
    #[error("it has to begin with nightjar://")]
    Scheme,
    /// It is far longer than any.
    #[error("it is longer than {MAX_PAIRING} characters")]
    TooLong,
    /// No host that can be.
    #[error("character {at}: {words}")]
    Host {
        /// Where.
        at: usize,
        /// What is wrong.
        words: &'static str,
    },
    /// No port, or none that can be.
    #[error("character {at}: a port from 1 to 65535 is expected behind the host and a colon")]
    Port {
        /// Where.
        at: usize,
    },
    /// A parameter that is neither `key` nor `token`: it would mean more than is understood here.
    #[error("character {at}: {name:?} is not known; known are key and token")]
    Unknown {
        /// Where.
        at: usize,
        /// What stands there.
        name: String,
    },
    /// A parameter that was there before.
    #[error("character {at}: {name} is given twice")]
    Twice {
        /// Where.
        at: usize,
        /// Which.
        name: &'static str,
    },
    /// A key or a token that is none.
    #[error("character {at}: {name} has to be 64 hexadecimal digits; {found}")]
    Digits {
        /// Where its value begins, or the first wrong character.
        at: usize,
        /// Which.
        name: &'static str,
        /// What is there.
        found: String,
    },
    /// There is no key.
    #[error("the sensor's key is missing: key=")]
    NoKey,
}

impl FromStr for PairingString {
    type Err = PairingError;

    fn from_str(text: &str) -> Result<Self, PairingError> {
        // Pasted text has ends of lines around it.
        let text = text.trim();
        if text.len() > MAX_PAIRING {
            return Err(PairingError::TooLong);
        }
        let begin = text.get(..SCHEME.len()).filter(|begin| begin.eq_ignore_ascii_case(SCHEME));
        let rest = begin.and_then(|begin| text.get(begin.len()..)).ok_or(PairingError::Scheme)?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        // Some programs put a slash behind the port of what looks like an address.
        let address = address(place.strip_suffix('/').unwrap_or(place), SCHEME.len() + 1)?;
        let (mut key, mut token) = (None, None);
        let mut at = SCHEME.len() + place.chars().count() + 2;
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value_at = at + name.chars().count() + 1;
            match name {
                "key" if key.is_none() => {
                    key = Some(PublicKey::from_bytes(*digits("key", value, value_at)?));
                }
                "token" if token.is_none() => token = Some(Token(digits("token", value, value_at)?)),
                "key" => return Err(PairingError::Twice { at, name: "key" }),
                "token" => return Err(PairingError::Twice { at, name: "token" }),
                _ => return Err(PairingError::Unknown { at, name: name.chars().take(20).collect() }),
            }
            at += parameter.chars().count() + 1;
        }
        Ok(PairingString { address, key: key.ok_or(PairingError::NoKey)?, token })
    }
}

const SCHEME: &str = "nightjar://";

/// Of RFC 1035, section 2.3.4, in text.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// `HOST:PORT`, which begins at character `at`.
fn address(text: &str, at: usize) -> Result<Address, PairingError> {
    let bad = |words| Err(PairingError::Host { at, words });
    let (host, port, port_at) = if let Some(inner) = text.strip_prefix('[') {
        let Some((ip, rest)) = inner.split_once(']') else {
            return bad("the bracket of the IPv6 address is not closed");
        };
        let Ok(ip) = ip.parse::<Ipv6Addr>() else { return bad("what stands in brackets is no IPv6 address") };
        let port_at = at + text.chars().count() - rest.chars().count();
        (Host::Ip(ip.into()), rest.strip_prefix(':'), port_at + 1)
    } else {
        let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        if host.contains(':') {
            return bad("an IPv6 address is written in brackets");
        }
        (name(host).map_err(|words| PairingError::Host { at, words })?, port, at + host.chars().count() + 1)
    };
    let digits = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = digits.and_then(|port| port.parse().ok()).filter(|port| *port != 0);
    Ok(Address { host, port: port.ok_or(PairingError::Port { at: port_at })? })
}

/// An IPv4 address or a name.
fn name(host: &str) -> Result<Host, &'static str> {
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(ip.into()));
    }
    if host.is_empty() {
        return Err("there is no host");
    }
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err("this is no IPv4 address");
    }
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > MAX_NAME || !name.split('.').all(label) {
        return Err("a host's name has letters, digits and hyphens, in parts between dots");
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

fn digits(name: &'static str, value: &str, at: usize) -> Result<Zeroizing<[u8; TOKEN_LENGTH]>, PairingError> {
    if let Some((index, wrong)) = value.chars().enumerate().find(|(_, digit)| !digit.is_ascii_hexdigit()) {
        return Err(PairingError::Digits { at: at + index, name, found: format!("{wrong:?} is none") });
    }
    let found = || format!("there are {}", value.len());
    hex(value).map(Zeroizing::new).ok_or_else(|| PairingError::Digits { at, name, found: found() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079";
    const TOKEN: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

    fn error(text: &str) -> PairingError {
        text.parse::<PairingString>().unwrap_err()
    }

    #[test]
    fn what_is_written_is_read() {
        for (host, expected) in [
            ("192.0.2.7:7723", Host::Ip("192.0.2.7".parse().unwrap())),
            ("[2001:db8::7]:1", Host::Ip("2001:db8::7".parse().unwrap())),
            ("sensor-3.example.net:65535", Host::Name("sensor-3.example.net".into())),
        ] {
            for token in [String::new(), format!("&token={TOKEN}")] {
                let text = format!("nightjar://{host}?key={KEY}{token}");
                let parsed: PairingString = text.parse().unwrap();
                assert_eq!(parsed.address.host, expected);
                assert_eq!(parsed.key.to_string(), KEY);
                assert_eq!(parsed.token.is_some(), !token.is_empty());
                assert_eq!(parsed.to_string(), text);
            }
        }
    }

    #[test]
    fn pasted_text_is_read_too() {
        let text = format!("  NIGHTJAR://Sensor.Example.:80/?token={}&key={}&\r\n", TOKEN.to_uppercase(), KEY);
        let parsed: PairingString = text.parse().unwrap();
        assert_eq!(parsed.to_string(), format!("nightjar://sensor.example:80?key={KEY}&token={TOKEN}"));
    }

    #[test]
    fn errors_say_what_is_wrong_and_where() {
        assert_eq!(error(""), PairingError::Scheme);
        assert_eq!(error("https://a:1"), PairingError::Scheme);
        assert_eq!(error("nightjar://a:1"), PairingError::NoKey);
        assert_eq!(error(&format!("nightjar://a:1?token={TOKEN}")), PairingError::NoKey);
        assert_eq!(error("nightjar://a"), PairingError::Port { at: 14 });
        assert_eq!(error("nightjar://a:?key=1"), PairingError::Port { at: 14 });
        for port in ["0", "65536", "+1", "x"] {
            assert_eq!(error(&format!("nightjar://[::1]:{port}")), PairingError::Port { at: 18 });
        }
        for host in ["", "1.2.3", "256.1.1.1", "a b", "-a", "a..b", "ä", "::1", "[::1", "[x]", &"a.".repeat(200)] {
            assert!(matches!(error(&format!("nightjar://{host}:1")), PairingError::Host { at: 12, .. }), "{host}");
        }
        let twice = format!("nightjar://a:1?key={KEY}&key={KEY}");
        assert_eq!(error(&twice), PairingError::Twice { at: 85, name: "key" });
        let unknown = format!("nightjar://a:1?key={KEY}&via=b");
        assert_eq!(error(&unknown), PairingError::Unknown { at: 85, name: "via".into() });
        let wrong = format!("nightjar://a:1?key={}x0", KEY.get(2..).unwrap());
        assert!(matches!(error(&wrong), PairingError::Digits { at: 82, name: "key", .. }));
        assert!(error(&wrong).to_string().starts_with("character 82: key has to be 64"));
        assert_eq!(
            error("nightjar://a:1?key=00").to_string(),
            "character 20: key has to be 64 hexadecimal digits; there are 2"
        );
        assert_eq!(error(&"nightjar://".repeat(100)), PairingError::TooLong);
    }

    #[test]
    fn nothing_but_the_string_itself_shows_the_token() {
        let parsed: PairingString = format!("nightjar://a:1?key={KEY}&token={TOKEN}").parse().unwrap();
        assert!(!format!("{parsed:?}").contains("1011121314"));
        let wrong = format!("nightjar://a:1?key={KEY}&token={TOKEN}00");
        assert!(!error(&wrong).to_string().contains("1011121314"));
    }

    /// RFC 7693, appendix B is of `abc`; this of 32 bytes of zeros comes from Python's `hashlib.blake2s`.
    #[test]
    fn the_digest_is_blake2s() {
        let digest = Token::from_bytes([0; TOKEN_LENGTH]).digest();
        assert_eq!(digest.to_string(), "320b5ea99e653bc2b593db4130d10a4efd3a0b4cc2e1a6672b678d71dfbd33ad");
        assert_eq!(digest.to_string().parse::<TokenDigest>().unwrap(), digest);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(nightjar://)?[\\[\\]:a-z0-9.?&=é]{0,80}") {
            if let Ok(parsed) = text.parse::<PairingString>() {
                prop_assert_eq!(parsed.to_string().parse::<PairingString>().unwrap(), parsed);
            }
        }
    }
}
