//! NetBIOS over UDP: names in the name service (RFC 1002, section 4.2) and in browser announcements.

use std::net::{IpAddr, Ipv4Addr};

use super::reader::{Reader, find, text};
use crate::discover::os::{System, ntlm};

/// A host's own NetBIOS name as a message gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name without its padding.
    pub name: String,
    /// The address it belongs to, where the message says.
    pub address: Option<IpAddr>,
    /// The system, where a browser announcement says.
    pub system: Option<System>,
}

/// Workstation, messenger and server: suffixes of a host's own name; others are groups' and users'.
const OWN: [u8; 2] = [0x00, 0x20];

/// Reads a name service packet: registrations and refreshes name the sender, positive answers the address.
pub fn name_service(data: &[u8]) -> Option<Named> {
    let mut reader = Reader::new(data);
    reader.u16()?;
    let flags = reader.u16()?;
    let [questions, answers, _, additions] = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
    let (response, opcode) = (flags & 0x8000 != 0, flags >> 11 & 15);
    let own = if response && opcode == 0 && answers > 0 && flags & 15 == 0 {
        encoded(&mut reader)?
    } else if !response && matches!(opcode, 5 | 8 | 9) && questions > 0 && additions > 0 {
        let own = encoded(&mut reader)?;
        reader.skip(4)?;
        // The record's name points back at the question's.
        reader.skip(2)?;
        own
    } else {
        return None;
    };
    let kind = reader.u16()?;
    reader.skip(2 + 4)?;
    let body = reader.vec16()?;
    if kind == 0x21 {
        return node_status(body);
    }
    // NB record: flags with the group bit, then the address.
    let mut body = Reader::new(body);
    let group = body.u16()? & 0x8000 != 0;
    let address = IpAddr::V4(Ipv4Addr::from(body.u32()?));
    (!group && OWN.contains(&own.1)).then_some(Named { name: own.0, address: Some(address), system: None })
}

/// The first unique name of a node status answer (RFC 1002, section 4.2.18).
fn node_status(body: &[u8]) -> Option<Named> {
    let mut reader = Reader::new(body);
    for _ in 0..reader.u8()?.min(32) {
        let name = reader.take(15)?;
        let suffix = reader.u8()?;
        let flags = reader.u16()?;
        if flags & 0x8000 == 0 && OWN.contains(&suffix) {
            return Some(Named { name: text(name, 15), address: None, system: None });
        }
    }
    None
}

/// Reads a datagram service packet: its source name is the sender's (RFC 1002, section 4.4), and a host announcement
/// in it ([MS-BRWS] 2.2.1) tells the system's version.
pub fn datagram(data: &[u8]) -> Option<Named> {
    let mut reader = Reader::new(data);
    reader.u8().filter(|kind| (0x10..=0x12).contains(kind))?;
    reader.skip(3)?;
    let address = IpAddr::V4(Ipv4Addr::from(reader.u32()?));
    reader.skip(2 + 2 + 2)?;
    let (name, suffix) = encoded(&mut reader)?;
    let system = announcement(reader.rest());
    OWN.contains(&suffix).then_some(Named { name, address: Some(address), system })
}

/// Host (1), local master (15) announcements: name at 6, then the version.
fn announcement(data: &[u8]) -> Option<System> {
    let mailslot = find(data.get(..300).unwrap_or(data), b"\\MAILSLOT\\BROWSE\0")?;
    let mut reader = Reader::new(data.get(mailslot + 17..)?);
    reader.u8().filter(|kind| matches!(kind, 1 | 15))?;
    reader.skip(5 + 16)?;
    let (major, minor) = (reader.u8()?, reader.u8()?);
    let _server_type = reader.le32()?;
    let (browser, _) = (reader.u8()?, reader.u8()?);
    // Samba announces itself as 6.1 or 4.9 with the same protocol version; only what Windows uses counts.
    (browser == 15).then_some(())?;
    ntlm(major, minor, 1).map(|system| System { confidence: 55, ..system })
}

/// A first-level encoded name (RFC 1001, section 14.1): 32 letters A-P behind a length, then the scope.
fn encoded(reader: &mut Reader<'_>) -> Option<(String, u8)> {
    let letters = reader.vec8().filter(|letters| letters.len() == 32)?;
    let mut bytes = [0u8; 16];
    for (byte, pair) in bytes.iter_mut().zip(letters.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let (high, low) = (high.checked_sub(b'A')?, low.checked_sub(b'A')?);
        (high < 16 && low < 16).then_some(())?;
        *byte = high << 4 | low;
    }
    // A scope is rare; its labels end with an empty one.
    for _ in 0..16 {
        if reader.vec8()?.is_empty() {
            break;
        }
    }
    let (suffix, name) = bytes.split_last()?;
    let name = text(name, 15);
    let printable = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic() || c == ' ') && name != "*";
    printable.then_some((name, *suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(name: &str, suffix: u8) -> Vec<u8> {
        let mut bytes = [b' '; 16];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        bytes[15] = suffix;
        let mut out = vec![32];
        out.extend(bytes.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]));
        out.push(0);
        out
    }

    #[test]
    fn a_registration_names_its_address() {
        let mut data = vec![0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1]; // opcode 5
        data.extend(encode("PC1", 0));
        data.extend([0, 0x20, 0, 1, 0xc0, 12, 0, 0x20, 0, 1, 0, 0, 0, 0, 0, 6, 0, 0, 192, 0, 2, 1]);
        let named = name_service(&data).unwrap();
        assert_eq!(named.name, "PC1");
        assert_eq!(named.address, Some("192.0.2.1".parse().unwrap()));
        for cut in 0..data.len() {
            assert_eq!(name_service(&data[..cut]), None);
        }
        // The group bit: a workgroup's name is no host's.
        let group = data.len() - 6;
        data[group] = 0x80;
        assert_eq!(name_service(&data), None);
    }

    #[test]
    fn queries_name_nobody() {
        let mut data = vec![0, 1, 0x01, 0x10, 0, 1, 0, 0, 0, 0, 0, 0];
        data.extend(encode("SOUGHT", 0x20));
        data.extend([0, 0x20, 0, 1]);
        assert_eq!(name_service(&data), None);
    }
}
