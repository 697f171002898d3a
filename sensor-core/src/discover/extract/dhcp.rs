//! DHCP (RFC 2131, RFC 2132, RFC 4702) and DHCPv6 (RFC 8415, RFC 4704): what a client tells of itself.

use std::net::Ipv4Addr;

use super::reader::{Reader, text};

const MAX_OPTIONS: usize = 128;

/// A DHCP message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// It comes from a server.
    pub reply: bool,
    /// Message type (option 53), 0 for BOOTP.
    pub kind: u8,
    /// The client's hardware address.
    pub mac: [u8; 6],
    /// The address the client has or is given, if there is one.
    pub address: Option<Ipv4Addr>,
    /// Host name (option 12) or FQDN (option 81).
    pub host_name: Option<String>,
    /// Domain (option 15).
    pub domain: Option<String>,
    /// Vendor class (option 60).
    pub vendor_class: Option<String>,
    /// Options asked for, in order (option 55).
    pub requested: Vec<u8>,
    /// Lease time in seconds (option 51).
    pub lease: Option<u32>,
}

/// Reads a DHCP or BOOTP message.
pub fn message(data: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(data);
    let op = reader.u8().filter(|op| matches!(op, 1 | 2))?;
    let (hardware, length) = (reader.u8()?, reader.u8()?);
    reader.skip(9)?;
    let [current, given] = [reader.u32()?, reader.u32()?];
    reader.skip(8)?;
    let mac = reader.array::<6>()?;
    reader.skip(10 + 64 + 128)?;
    (reader.u32()? == 0x6382_5363 && hardware == 1 && length == 6).then_some(())?;
    let mut found = Message { reply: op == 2, mac, ..Message::default() };
    let mut asked = None;
    for _ in 0..MAX_OPTIONS {
        let Some(code) = reader.u8().filter(|code| *code != 255) else { break };
        if code == 0 {
            continue;
        }
        let Some(value) = reader.vec8() else { break };
        match code {
            12 => found.host_name = Some(text(value, 255)),
            15 => found.domain = Some(text(value, 255)),
            50 => asked = Reader::new(value).u32(),
            51 => found.lease = Reader::new(value).u32(),
            53 => found.kind = value.first().copied().unwrap_or(0),
            55 => found.requested = value.get(..64).unwrap_or(value).to_vec(),
            60 => found.vendor_class = Some(text(value, 128)),
            81 => found.host_name = fqdn(value).or(found.host_name.take()),
            _ => {}
        }
    }
    found.host_name = found.host_name.filter(|name| !name.is_empty());
    // A request for an address is no proof of having it; one that is in use or was given is.
    let address = match found.kind {
        5 => Some(given).filter(|address| *address != 0).or(Some(current)),
        3 if current == 0 => asked,
        _ => Some(current),
    };
    found.address = address.filter(|address| *address != 0).map(Ipv4Addr::from);
    Some(found)
}

/// RFC 4702, section 2: flags, two codes, then the name in ASCII or in DNS labels.
fn fqdn(value: &[u8]) -> Option<String> {
    let mut reader = Reader::new(value);
    let flags = reader.u8()?;
    reader.skip(2)?;
    if flags & 4 == 0 { Some(text(reader.rest(), 255)) } else { labels(reader.rest()) }
}

/// What a DHCPv6 client tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message6 {
    /// Message type.
    pub kind: u8,
    /// FQDN (option 39).
    pub host_name: Option<String>,
    /// Vendor class (option 16).
    pub vendor_class: Option<String>,
    /// The hardware address in the client's DUID, where it has one.
    pub mac: Option<[u8; 6]>,
}

/// Reads a DHCPv6 message between client and server; relayed ones are left alone.
pub fn message6(data: &[u8]) -> Option<Message6> {
    let mut reader = Reader::new(data);
    let kind = reader.u8().filter(|kind| (1..=11).contains(kind))?;
    reader.skip(3)?;
    let mut found = Message6 { kind, ..Message6::default() };
    for _ in 0..MAX_OPTIONS {
        let (Some(code), Some(value)) = (reader.u16(), reader.vec16()) else { break };
        match code {
            // DUID-LLT and DUID-LL of Ethernet (RFC 8415, section 11).
            1 => {
                found.mac = match value {
                    [0, 1, 0, 1, _, _, _, _, mac @ ..] | [0, 3, 0, 1, mac @ ..] => mac.try_into().ok(),
                    _ => None,
                }
            }
            16 => {
                let mut class = Reader::new(value);
                found.vendor_class = class.u32().and_then(|_| class.vec16()).map(|class| text(class, 128));
            }
            39 => found.host_name = value.get(1..).and_then(labels),
            _ => {}
        }
    }
    Some(found)
}

fn labels(data: &[u8]) -> Option<String> {
    let mut reader = Reader::new(data);
    let mut out = String::new();
    while let Some(label) = reader.vec8().filter(|label| !label.is_empty() && out.len() + label.len() < 255) {
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(&text(label, 63));
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(options: &[u8]) -> Vec<u8> {
        let mut out = vec![1, 1, 6, 0]; // op, hardware, length, hops
        out.extend([0; 8]); // xid, secs, flags
        out.extend([0; 16]); // addresses
        out.extend([0x00, 0x1b, 0x21, 1, 2, 3]); // client's MAC
        out.extend([0; 10 + 64 + 128]);
        out.extend([0x63, 0x82, 0x53, 0x63]);
        out.extend(options);
        out
    }

    #[test]
    fn a_request_says_who_asks() {
        let mut options = vec![53, 1, 3, 50, 4, 192, 0, 2, 5, 12, 3];
        options.extend(b"pc1");
        options.extend([60, 8]);
        options.extend(b"MSFT 5.0");
        options.extend([55, 3, 1, 15, 3, 81, 11, 0, 0, 0]);
        options.extend(b"pc1.corp");
        options.push(255);
        let found = message(&request(&options)).unwrap();
        assert_eq!(found.kind, 3);
        assert_eq!(found.address, Some(Ipv4Addr::new(192, 0, 2, 5)));
        assert_eq!(found.host_name.as_deref(), Some("pc1.corp"));
        assert_eq!(found.vendor_class.as_deref(), Some("MSFT 5.0"));
        assert_eq!(found.requested, [1, 15, 3]);
        assert_eq!(found.mac, [0x00, 0x1b, 0x21, 1, 2, 3]);
    }

    #[test]
    fn version_6_names_come_from_labels() {
        let mut data = vec![1, 0, 0, 1, 0, 39, 0, 6, 0, 3];
        data.extend(b"pc6\0");
        data.extend([0, 1, 0, 10, 0, 3, 0, 1, 2, 3, 4, 5, 6, 7]);
        let found = message6(&data).unwrap();
        assert_eq!(found.host_name.as_deref(), Some("pc6"));
        assert_eq!(found.mac, Some([2, 3, 4, 5, 6, 7]));
    }

    #[test]
    fn cut_messages_give_nothing_or_less() {
        let whole = request(&[53, 1, 1, 12, 3, b'a', b'b', b'c', 255]);
        for cut in 0..whole.len() {
            message(&whole[..cut]);
        }
        assert_eq!(message(&whole[..whole.len() - 2]).unwrap().host_name, None);
    }
}
