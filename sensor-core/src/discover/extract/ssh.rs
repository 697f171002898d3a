//! SSH: identification (RFC 4253, section 4.2) and the HASSH of its key exchange lists.

use super::hashes::md5_hex;
use super::reader::{Reader, line, text};

/// What one side says before encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Protocol version, `2.0` or `1.99`.
    pub protocol: String,
    /// Software and version as in `OpenSSH_9.2p1`.
    pub software: String,
    /// What follows it, as in `Debian-2`.
    pub comment: Option<String>,
    /// HASSH of a client (RFC 4253's lists towards the server), once its KEXINIT was seen.
    pub client_hash: Option<String>,
    /// HASSH of a server (the lists towards the client).
    pub server_hash: Option<String>,
}

/// KEXINIT is below this in all programs met; RFC 4253, section 6.1 asks for 35,000.
const MAX_PACKET: u32 = 35_000;

/// Reads one direction of an SSH connection. The second value is whether more bytes could tell more.
pub fn hello(stream: &[u8]) -> Option<(Hello, bool)> {
    let mut rest = stream;
    // Servers may say other lines first; few do.
    for _ in 0..16 {
        let (first, after) = line(rest)?;
        rest = after;
        let Some(identification) = first.strip_prefix(b"SSH-") else { continue };
        // With what was taken off, a text of 255 bytes.
        let identification = text(identification, 251);
        let (protocol, software) = identification.split_once('-')?;
        let (software, comment) = match software.split_once(' ') {
            Some((software, comment)) => (software, Some(comment.to_owned())),
            None => (software, None),
        };
        let mut found =
            Hello { protocol: protocol.to_owned(), software: software.to_owned(), comment, ..Hello::default() };
        let more = match key_exchange(rest) {
            KeyExchange::Lists(client, server) => {
                (found.client_hash, found.server_hash) = (Some(client), Some(server));
                false
            }
            KeyExchange::Cut => true,
            KeyExchange::Other => false,
        };
        return Some((found, more));
    }
    None
}

impl Hello {
    /// Program and version: `OpenSSH_9.2p1` is OpenSSH and 9.2p1.
    pub fn product(&self) -> (&str, Option<&str>) {
        let digits = self.software.char_indices().find(|(i, c)| {
            c.is_ascii_digit() && self.software.get(..*i).is_some_and(|head| head.ends_with(['_', '-', '/']))
        });
        match digits.and_then(|(i, _)| Some((self.software.get(..i - 1)?, self.software.get(i..)?))) {
            Some((name, version)) if !name.is_empty() => (name, Some(version)),
            _ => (&self.software, None),
        }
    }
}

enum KeyExchange {
    Lists(String, String),
    Cut,
    Other,
}

/// SSH_MSG_KEXINIT (RFC 4253, section 7.1).
fn key_exchange(packet: &[u8]) -> KeyExchange {
    let mut reader = Reader::new(packet);
    let (Some(length), Some(_padding), Some(kind)) = (reader.u32(), reader.u8(), reader.u8()) else {
        return KeyExchange::Cut;
    };
    if kind != 20 || length > MAX_PACKET {
        return KeyExchange::Other;
    }
    match texts(reader.rest()) {
        Some((client, server)) => KeyExchange::Lists(md5_hex(client.as_bytes()), md5_hex(server.as_bytes())),
        None if packet.len() < length as usize => KeyExchange::Cut,
        None => KeyExchange::Other,
    }
}

/// What HASSH hashes of a SSH_MSG_KEXINIT behind its number: of a client, and of a server.
pub(crate) fn texts(body: &[u8]) -> Option<(String, String)> {
    let [kex, _, cipher_up, cipher_down, mac_up, mac_down, compression_up, compression_down, ..] =
        lists(Reader::new(body))?;
    let client = format!("{kex};{cipher_up};{mac_up};{compression_up}");
    let server = format!("{kex};{cipher_down};{mac_down};{compression_down}");
    Some((client, server))
}

/// The ten lists behind the cookie.
fn lists<'a>(mut reader: Reader<'a>) -> Option<[&'a str; 10]> {
    reader.skip(16)?;
    let mut lists = [""; 10];
    for list in &mut lists {
        *list = std::str::from_utf8(reader.vec32()?).ok()?;
    }
    Some(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banner_and_lists_give_product_and_hash() {
        let mut stream = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec();
        let lists = ["kex", "key", "c-up", "c-down", "m-up", "m-down", "none", "zlib", "", ""];
        let mut body = vec![4, 20]; // padding, SSH_MSG_KEXINIT
        body.extend([7; 16]);
        for list in lists {
            body.extend((list.len() as u32).to_be_bytes());
            body.extend(list.as_bytes());
        }
        body.extend([0; 5]);
        stream.extend((body.len() as u32).to_be_bytes());
        stream.extend(body);
        let (found, more) = hello(&stream).unwrap();
        assert!(!more);
        assert_eq!(found.product(), ("OpenSSH", Some("9.2p1")));
        assert_eq!(found.comment.as_deref(), Some("Debian-2"));
        assert_eq!(found.client_hash.as_deref(), Some(md5_hex(b"kex;c-up;m-up;none").as_str()));
        assert_eq!(found.server_hash.as_deref(), Some(md5_hex(b"kex;c-down;m-down;zlib").as_str()));
        let (cut, more) = hello(&stream[..60]).unwrap();
        assert!(more && cut.client_hash.is_none());
        assert!(hello(&stream[..20]).is_none());
    }

    #[test]
    fn names_keep_their_dashes() {
        let product = |software: &str| {
            let hello = Hello { software: software.into(), ..Hello::default() };
            let (name, version) = hello.product();
            (name.to_owned(), version.map(str::to_owned))
        };
        assert_eq!(product("Cisco-1.25"), ("Cisco".into(), Some("1.25".into())));
        assert_eq!(product("PuTTY_Release_0.78"), ("PuTTY_Release".into(), Some("0.78".into())));
        assert_eq!(product("Go"), ("Go".into(), None));
    }
}
