//! SMB dialects, and the NTLM messages in SMB and others ([MS-NLMP]): host and domain names, Windows versions.

use super::reader::{Reader, find, utf16le};
use crate::discover::os::{System, ntlm};

/// What an NTLM message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ntlm {
    /// The challenge's side, which is the server: its NetBIOS name; an authentication's workstation.
    pub host: Option<String>,
    /// DNS name of the host.
    pub dns_name: Option<String>,
    /// The system by its version.
    pub system: Option<System>,
    /// It is the server's challenge.
    pub challenge: bool,
}

const SIGNATURE: &[u8] = b"NTLMSSP\0";
const MAX_PAIRS: usize = 16;

/// The first NTLM message in some bytes.
pub fn ntlm_message(data: &[u8]) -> Option<Ntlm> {
    let message = data.get(find(data, SIGNATURE)?..)?;
    let mut reader = Reader::new(message.get(SIGNATURE.len()..)?);
    let found = match reader.le32()? {
        2 => {
            let _target = field(&mut reader)?;
            let flags = reader.le32()?;
            reader.skip(8 + 8)?;
            let (at, length) = field(&mut reader)?;
            let mut found = Ntlm { challenge: true, system: version(&mut reader, flags), ..Ntlm::default() };
            target_info(message.get(at..)?.get(..length)?, &mut found);
            found
        }
        3 => {
            let _lm = field(&mut reader)?;
            let _nt = field(&mut reader)?;
            let _domain = field(&mut reader)?;
            let _user = field(&mut reader)?;
            let (at, length) = field(&mut reader)?;
            let _key = field(&mut reader)?;
            let flags = reader.le32()?;
            let host = message.get(at..).and_then(|tail| tail.get(..length)).map(|host| utf16le(host, 64));
            Ntlm { host: host.filter(|host| !host.is_empty()), system: version(&mut reader, flags), ..Ntlm::default() }
        }
        1 => {
            let flags = reader.le32()?;
            reader.skip(16)?;
            Ntlm { system: version(&mut reader, flags), ..Ntlm::default() }
        }
        _ => return None,
    };
    Some(found)
}

/// Offset and length of a payload field.
fn field(reader: &mut Reader<'_>) -> Option<(usize, usize)> {
    let length = reader.le16()?;
    reader.skip(2)?;
    Some((reader.le32()? as usize, length.into()))
}

/// Version follows where it was negotiated (flag V).
fn version(reader: &mut Reader<'_>, flags: u32) -> Option<System> {
    (flags & 0x0200_0000 != 0).then_some(())?;
    let (major, minor, build) = (reader.u8()?, reader.u8()?, reader.le16()?);
    ntlm(major, minor, build)
}

/// AV_PAIRs ([MS-NLMP] 2.2.2.1).
fn target_info(data: &[u8], found: &mut Ntlm) -> Option<()> {
    let mut reader = Reader::new(data);
    for _ in 0..MAX_PAIRS {
        let (id, length) = (reader.le16()?, reader.le16()?);
        let value = reader.take(length.into())?;
        match id {
            0 => break,
            1 => found.host = Some(utf16le(value, 64)).filter(|name| !name.is_empty()),
            3 => found.dns_name = Some(utf16le(value, 255)).filter(|name| !name.is_empty()),
            _ => {}
        }
    }
    Some(())
}

/// A side's SMB, behind the NetBIOS session header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Smb {
    /// Answers of a server.
    pub response: bool,
    /// Version 1.
    pub version1: bool,
    /// The dialect a version 2 or 3 server chose.
    pub dialect: Option<&'static str>,
    /// Native OS of a version 1 session setup.
    pub native_os: Option<String>,
    /// The NTLM message in it.
    pub ntlm: Option<Ntlm>,
}

/// Bytes of a direction that are searched.
const MAX_SEARCH: usize = 8 * 1024;

/// Reads the first SMB messages of one direction.
pub fn smb(stream: &[u8]) -> Option<Smb> {
    let stream = stream.get(..MAX_SEARCH).unwrap_or(stream);
    let mut rest = stream;
    // A NetBIOS session request or its answer may come first (RFC 1002, section 4.3).
    if matches!(rest.first(), Some(0x81..=0x85)) {
        let length = Reader::new(rest.get(2..)?).u16()?;
        rest = rest.get(4 + usize::from(length)..)?;
    }
    let body = rest.get(4..).filter(|_| rest.first() == Some(&0))?;
    let mut found = match body {
        [0xff, b'S', b'M', b'B', ..] => {
            let response = body.get(9)? & 0x80 != 0;
            Smb { response, version1: true, native_os: native_os(rest), ..Smb::default() }
        }
        [0xfe, b'S', b'M', b'B', ..] => {
            let response = body.get(16)? & 1 != 0;
            let dialect = match (Reader::new(body.get(12..)?).le16()?, response) {
                (0, true) => Reader::new(body.get(68..)?).le16(),
                _ => None,
            };
            let dialect = match dialect {
                Some(0x0202) => Some("2.0.2"),
                Some(0x0210) => Some("2.1"),
                Some(0x0300) => Some("3.0"),
                Some(0x0302) => Some("3.0.2"),
                Some(0x0311) => Some("3.1.1"),
                _ => None,
            };
            Smb { response, dialect, ..Smb::default() }
        }
        // Encrypted or compressed.
        [0xfd | 0xfc, b'S', b'M', b'B', ..] => Smb::default(),
        _ => return None,
    };
    found.ntlm = ntlm_message(stream);
    Some(found)
}

/// The text `Windows ...`, `Samba ...` or `Unix` of a session setup's native OS, in either encoding.
fn native_os(data: &[u8]) -> Option<String> {
    let wide: Vec<u8> = b"Windows ".iter().flat_map(|byte| [*byte, 0]).collect();
    if let Some(at) = find(data, &wide) {
        let tail = data.get(at..)?;
        let length = tail.chunks_exact(2).take(64).take_while(|pair| *pair != [0, 0]).count();
        return Some(utf16le(tail, length)).filter(|os| !os.contains("for Workgroups"));
    }
    // A list of dialects holds `Windows for Workgroups`, which is no system's name here.
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    pub(crate) fn challenge() -> Vec<u8> {
        let mut info = Vec::new();
        for (id, value) in [(1u16, "SRV1"), (3, "srv1.corp.example")] {
            let value = wide(value);
            info.extend(id.to_le_bytes());
            info.extend((value.len() as u16).to_le_bytes());
            info.extend(value);
        }
        info.extend([0, 0, 0, 0]);
        let mut out = SIGNATURE.to_vec();
        out.extend(2u32.to_le_bytes());
        out.extend([0; 8]); // target name
        out.extend(0x0200_0000u32.to_le_bytes()); // flags: version
        out.extend([0; 16]); // challenge, reserved
        out.extend((info.len() as u16).to_le_bytes());
        out.extend((info.len() as u16).to_le_bytes());
        out.extend(56u32.to_le_bytes());
        out.extend([10, 0, 0x63, 0x45, 0, 0, 0, 15]); // 10.0.17763
        out.extend(info);
        out
    }

    #[test]
    fn a_challenge_names_the_server_and_its_system() {
        let found = ntlm_message(&challenge()).unwrap();
        assert!(found.challenge);
        assert_eq!(found.host.as_deref(), Some("SRV1"));
        assert_eq!(found.dns_name.as_deref(), Some("srv1.corp.example"));
        assert_eq!(found.system.unwrap().version, "10, or Server 2016");
        let whole = challenge();
        for cut in 0..whole.len() {
            ntlm_message(&whole[..cut]);
        }
    }

    #[test]
    fn a_negotiate_answer_tells_the_dialect() {
        let mut packet = vec![0, 0, 0, 0x90, 0xfe, b'S', b'M', b'B', 64, 0];
        packet.resize(4 + 64, 0);
        packet[4 + 16] = 1; // flags: response
        packet.extend([65, 0, 1, 0, 0x11, 0x03, 0, 0]);
        let found = smb(&packet).unwrap();
        assert!(found.response && !found.version1);
        assert_eq!(found.dialect, Some("3.1.1"));
    }
}
