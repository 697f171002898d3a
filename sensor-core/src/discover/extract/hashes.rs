//! Hashes of TLS hellos: JA4 of clients, JA3 of clients and JA3S of servers.

use md5::{Digest, Md5};
use sha2::Sha256;

use super::reader::Reader;
use super::tls::{ClientHello, ServerHello, Transport, extensions, grease, pairs};

impl ClientHello<'_> {
    /// The JA4 client hash (FoxIO, BSD-3-Clause: the TLS client hash alone of that family).
    pub fn ja4(&self, transport: Transport) -> String {
        let mut ciphers: Vec<u16> = self.ciphers().filter(|c| !grease(*c)).collect();
        let mut kinds: Vec<u16> = self.extensions().map(|(kind, _)| kind).filter(|kind| !grease(*kind)).collect();
        let named = kinds.contains(&0);
        let mut out = String::with_capacity(36);
        out.push(match transport {
            Transport::Tcp => 't',
            Transport::Quic => 'q',
            Transport::Dtls => 'd',
        });
        out.push_str(match self.highest_version() {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            0xfeff => "d1",
            0xfefd => "d2",
            0xfefc => "d3",
            _ => "00",
        });
        out.push(if named { 'd' } else { 'i' });
        push_count(&mut out, ciphers.len());
        push_count(&mut out, kinds.len());
        push_alpn(&mut out, self.alpn());
        ciphers.sort_unstable();
        out.push('_');
        push_hash(&mut out, &ciphers, None);
        kinds.retain(|kind| !matches!(kind, 0 | 16));
        kinds.sort_unstable();
        let algorithms: Vec<u16> = self.signature_algorithms().filter(|a| !grease(*a)).collect();
        out.push('_');
        push_hash(&mut out, &kinds, Some(&algorithms));
        out
    }

    /// The JA3 client hash: the MD5 of its text in hex.
    pub fn ja3(&self) -> String {
        md5_hex(self.ja3_text().as_bytes())
    }

    /// What JA3 hashes: version, ciphers, extensions, groups and point formats.
    pub fn ja3_text(&self) -> String {
        let groups = self.extension(10).and_then(|body| Reader::new(body).vec16()).unwrap_or_default();
        let formats = self.extension(11).and_then(|body| Reader::new(body).vec8()).unwrap_or_default();
        let mut line = format!("{},", self.version);
        push_decimal(&mut line, self.ciphers().filter(|c| !grease(*c)));
        line.push(',');
        push_decimal(&mut line, self.extensions().map(|(kind, _)| kind).filter(|kind| !grease(*kind)));
        line.push(',');
        push_decimal(&mut line, pairs(groups).filter(|group| !grease(*group)));
        line.push(',');
        push_decimal(&mut line, formats.iter().map(|format| u16::from(*format)));
        line
    }
}

impl ServerHello<'_> {
    /// The JA3S hash: the MD5 of its text in hex.
    pub fn ja3s(&self) -> String {
        md5_hex(self.ja3s_text().as_bytes())
    }

    /// What JA3S hashes: version, cipher and extensions.
    pub fn ja3s_text(&self) -> String {
        let mut line = format!("{},{},", self.legacy_version, self.cipher);
        push_decimal(&mut line, extensions(self.extensions).map(|(kind, _)| kind));
        line
    }
}

fn push_count(out: &mut String, n: usize) {
    let n = n.min(99) as u8;
    out.push(char::from(b'0' + n / 10));
    out.push(char::from(b'0' + n % 10));
}

/// First and last character of the protocol; of its hex where either is not alphanumeric.
fn push_alpn(out: &mut String, alpn: Option<&[u8]>) {
    let (Some(first), Some(last)) = (alpn.and_then(|name| name.first()), alpn.and_then(|name| name.last())) else {
        out.push_str("00");
        return;
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        out.push(char::from(*first));
        out.push(char::from(*last));
    } else {
        out.push(hex_digit(first >> 4));
        out.push(hex_digit(last & 15));
    }
}

/// The first twelve hex digits of the SHA-256 of the values, comma-separated, and of the unsorted tail behind `_`.
fn push_hash(out: &mut String, values: &[u16], tail: Option<&[u16]>) {
    if values.is_empty() {
        out.push_str("000000000000");
        return;
    }
    let mut line = String::with_capacity(values.len() * 5 + tail.map_or(0, |tail| tail.len() * 5));
    push_hex_list(&mut line, values);
    if let Some(tail) = tail.filter(|tail| !tail.is_empty()) {
        line.push('_');
        push_hex_list(&mut line, tail);
    }
    for byte in Sha256::digest(line.as_bytes()).iter().take(6) {
        out.push(hex_digit(byte >> 4));
        out.push(hex_digit(byte & 15));
    }
}

fn push_hex_list(line: &mut String, values: &[u16]) {
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            line.push(',');
        }
        for byte in value.to_be_bytes() {
            line.push(hex_digit(byte >> 4));
            line.push(hex_digit(byte & 15));
        }
    }
}

fn push_decimal(line: &mut String, values: impl Iterator<Item = u16>) {
    for (i, value) in values.enumerate() {
        if i > 0 {
            line.push('-');
        }
        line.push_str(&value.to_string());
    }
}

pub(crate) fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

pub(crate) fn md5_hex(data: &[u8]) -> String {
    Md5::digest(data).iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpn_that_is_not_alphanumeric_is_told_in_hex() {
        let told = |alpn: Option<&[u8]>| {
            let mut out = String::new();
            push_alpn(&mut out, alpn);
            out
        };
        assert_eq!(told(Some(b"h3")), "h3");
        assert_eq!(told(Some(b"http/1.1")), "h1");
        assert_eq!(told(Some(b"h")), "hh");
        assert_eq!(told(Some(&[0xab, 0xcd])), "ad");
        assert_eq!(told(Some(&[b'0', 0xab])), "3b");
        assert_eq!(told(None), "00");
    }

    #[test]
    fn counts_stop_at_99() {
        let mut out = String::new();
        push_count(&mut out, 7);
        push_count(&mut out, 240);
        assert_eq!(out, "0799");
    }
}
