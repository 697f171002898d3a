//! Community ID v1: <https://github.com/corelight/community-id-spec>.

use std::net::IpAddr;

use sha1::{Digest, Sha1};

use super::Flow;

/// Length of an id in bytes: `1:` and 20 bytes in base64.
pub const LEN: usize = 30;

/// The flow's community id with seed 0, as ASCII.
pub fn community_id(flow: &Flow) -> [u8; LEN] {
    let key = &flow.key;
    let ports = flow.has_ports() || flow.is_icmp();
    // The specification sorts by the addresses' own bytes: mapped IPv4 sorts the same, as the prefix is equal.
    // One-way ICMP keeps its direction.
    let low_first = !flow.one_way || flow.client_low;
    let (first, second) = if low_first { (key.low, key.high) } else { (key.high, key.low) };
    let (first_port, second_port) =
        if low_first { (key.low_port, key.high_port) } else { (key.high_port, key.low_port) };
    let mut sha1 = Sha1::new();
    sha1.update(0u16.to_be_bytes());
    for address in [first, second] {
        match key.ip(address) {
            IpAddr::V4(a) => sha1.update(a.octets()),
            IpAddr::V6(a) => sha1.update(a.octets()),
        }
    }
    sha1.update([key.proto, 0]);
    if ports {
        sha1.update(first_port.to_be_bytes());
        sha1.update(second_port.to_be_bytes());
    }
    base64(&sha1.finalize())
}

/// `1:` and standard base64 of a SHA-1.
fn base64(digest: &[u8]) -> [u8; LEN] {
    let mut out = [b'='; LEN];
    out[0] = b'1';
    out[1] = b':';
    let mut at = 2;
    for chunk in digest.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0u32, |bits, (i, b)| bits | u32::from(*b) << (16 - 8 * i));
        for i in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * i)) as usize & 63;
            if let (Some(to), Some(letter)) = (out.get_mut(at + i), ALPHABET.get(index)) {
                *to = *letter;
            }
        }
        at += 4;
    }
    out
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
