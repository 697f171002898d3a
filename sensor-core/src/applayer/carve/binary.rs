//! Protocols whose messages begin with their length.

use super::{Layout, Length};
use crate::applayer::{AppProto, Side};

/// TLS records (RFC 8446, section 5.1), and the hello of SSL 2.
pub(super) static TLS: Layout = Layout {
    app: AppProto::Tls,
    names: &["pdu", "hdr", "data", "alert", "heartbeat", "ssl2.hdr", "ssl2.pdu"],
    length: |_, bytes, _| match *bytes {
        [20..=24, 3, _, high, low, ..] => Length::Is(5 + two(high, low)),
        [high, low, 1, ..] if high & 0x80 != 0 => Length::Is(2 + two(high & 0x7f, low)),
        [20..=24 | 0x80.., ..] if bytes.len() < 5 => Length::Needs,
        _ => Length::Bad,
    },
    split: |_, bytes, total, _, tell| {
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            tell(5, 0, 2);
            tell(6, 0, total);
            return;
        }
        tell(0, 0, total);
        tell(1, 0, 5);
        tell(2, 5, total);
        match bytes.first() {
            Some(21) => tell(3, 5, total),
            Some(24) => tell(4, 5, total),
            _ => {}
        }
    },
    begins: None,
};

/// SMB behind the session service's header (RFC 1002, section 4.3.1; MS-SMB2, section 2.1).
pub(super) static SMB: Layout = Layout {
    app: AppProto::Smb,
    names: &[
        "nbss.pdu",
        "nbss.hdr",
        "nbss.data",
        "smb1.pdu",
        "smb1.hdr",
        "smb1.data",
        "smb2.pdu",
        "smb2.hdr",
        "smb2.data",
        "smb3.pdu",
        "smb3.hdr",
        "smb3.data",
    ],
    length: |_, bytes, _| match *bytes {
        [0 | 0x81..=0x85, a, b, c, ..] => Length::Is(4 + u64::from(u32::from_be_bytes([0, a, b, c]))),
        [0 | 0x81..=0x85, ..] => Length::Needs,
        _ => Length::Bad,
    },
    split: |_, bytes, total, _, tell| {
        tell(0, 0, total);
        tell(1, 0, 4);
        tell(2, 4, total);
        let mut at = 4;
        // Messages of version 2 can stand one behind the other, each with the distance to the next.
        while let Some(message) = bytes.get(at..) {
            let (kind, header, next) = match message {
                [0xff, b'S', b'M', b'B', ..] => (3, 32, None),
                [0xfe, b'S', b'M', b'B', ..] => {
                    let next =
                        message.get(20..).and_then(|rest| rest.first_chunk()).map(|next| u32::from_le_bytes(*next));
                    (6, 64, next.filter(|next| *next >= 64))
                }
                [0xfd, b'S', b'M', b'B', ..] => (9, 52, None),
                _ => return,
            };
            let begins = at as u64;
            let ends = next.map_or(total, |next| begins + u64::from(next)).min(total);
            let behind = (begins + header).min(ends);
            tell(kind, begins, ends);
            tell(kind + 1, begins, behind);
            tell(kind + 2, behind, ends);
            match next {
                Some(_) if ends < total => at = usize::try_from(ends).unwrap_or(usize::MAX),
                Some(_) | None => return,
            }
        }
    },
    begins: Some(|bytes| matches!(bytes, [0, _, _, _, 0xfd..=0xff, b'S', b'M', b'B', ..])),
};

/// DCE/RPC over TCP (C706, section 12.6.3.1).
pub(super) static DCERPC: Layout = Layout {
    app: AppProto::Dcerpc,
    names: &["pdu", "hdr", "data"],
    length: |_, bytes, _| match *bytes {
        [5, _, _, _, drep, _, _, _, a, b, ..] => {
            let length = if drep & 0x10 != 0 { two(b, a) } else { two(a, b) };
            if length < 16 { Length::Bad } else { Length::Is(length) }
        }
        [5, ..] => Length::Needs,
        _ => Length::Bad,
    },
    split: |_, _, total, _, tell| {
        tell(0, 0, total);
        tell(1, 0, 16.min(total));
        tell(2, 16.min(total), total);
    },
    begins: Some(|bytes| matches!(bytes, [5, 0 | 1, 0..=19, _, 0 | 1 | 0x10 | 0x11, 0..=3, 0, 0, ..])),
};

/// DNS; over TCP behind a length (RFC 1035, section 4.2.2).
pub(super) static DNS: Layout = Layout {
    app: AppProto::Dns,
    names: &["pdu"],
    length: |_, bytes, _| match *bytes {
        [high, low, ..] => Length::Is(2 + two(high, low)),
        _ => Length::Needs,
    },
    split: |_, bytes, total, _, tell| {
        // A datagram has no length before it, and no message is as long as its number and flags say.
        let prefixed = matches!(*bytes, [high, low, ..] if 2 + two(high, low) == total);
        tell(0, if prefixed { 2 } else { 0 }, total);
    },
    begins: None,
};

/// Multicast DNS (RFC 6762).
pub(super) static MDNS: Layout = Layout {
    app: AppProto::Mdns,
    names: &["pdu"],
    length: |_, _, _| Length::Bad,
    split: |_, _, total, _, tell| tell(0, 0, total),
    begins: None,
};

/// MQTT (version 5, section 2.1).
pub(super) static MQTT: Layout = Layout {
    app: AppProto::Mqtt,
    names: &["pdu", "header", "data"],
    length: |_, bytes, _| match (mqtt_length(bytes), bytes.len()) {
        (Some((header, length)), _) => Length::Is(header + length),
        (None, 0..5) => Length::Needs,
        (None, _) => Length::Bad,
    },
    split: |_, bytes, total, _, tell| {
        let header = mqtt_length(bytes).map_or(total, |(header, _)| header).min(total);
        tell(0, 0, total);
        tell(1, 0, header);
        tell(2, header, total);
    },
    begins: None,
};

/// Bytes of the fixed header, and of what follows.
fn mqtt_length(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut length = 0;
    for (place, byte) in (0..4).zip(bytes.iter().skip(1)) {
        length |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((place + 2, length));
        }
    }
    None
}

/// WebSocket (RFC 6455, section 5.2).
pub(super) static WEBSOCKET: Layout = Layout {
    app: AppProto::WebSocket,
    names: &["header", "pdu", "data"],
    length: |_, bytes, _| {
        websocket_length(bytes)
            .map_or(Length::Needs, |(header, data)| header.checked_add(data).map_or(Length::Bad, Length::Is))
    },
    split: |_, bytes, total, _, tell| {
        let header = websocket_length(bytes).map_or(total, |(header, _)| header).min(total);
        tell(0, 0, header);
        tell(1, 0, total);
        tell(2, header, total);
    },
    begins: None,
};

/// Bytes of the header with the mask, and of what follows.
fn websocket_length(bytes: &[u8]) -> Option<(u64, u64)> {
    let [_, second, ..] = *bytes else { return None };
    let mask = if second & 0x80 != 0 { 4 } else { 0 };
    Some(match second & 0x7f {
        126 => (4 + mask, u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10 + mask, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        short => (2 + mask, short.into()),
    })
}

/// HTTP/2's own frames (RFC 9113, section 4.1), behind the client's preface.
pub(super) static HTTP2: Layout = Layout {
    app: AppProto::Http2,
    names: &["hdr", "data", "pdu"],
    length: |side, bytes, _| match *bytes {
        [b'P', b'R', b'I', b' ', ..] if side == Side::ToServer => Length::Is(24),
        [a, b, c, ..] if bytes.len() >= 9 => Length::Is(9 + u64::from(u32::from_be_bytes([0, a, b, c]))),
        _ => Length::Needs,
    },
    split: |_, bytes, total, _, tell| {
        if !bytes.starts_with(b"PRI ") {
            tell(0, 0, 9.min(total));
            tell(1, 9.min(total), total);
            tell(2, 0, total);
        }
    },
    begins: None,
};

/// EtherNet/IP's encapsulation: 24 bytes, the length of the rest behind the command.
pub(super) static ENIP: Layout = Layout {
    app: AppProto::Enip,
    names: &["hdr", "data", "pdu"],
    length: |_, bytes, _| match *bytes {
        [_, _, low, high, ..] => Length::Is(24 + two(high, low)),
        _ => Length::Needs,
    },
    split: |_, _, total, _, tell| {
        tell(0, 0, 24.min(total));
        tell(1, 24.min(total), total);
        tell(2, 0, total);
    },
    begins: None,
};

/// LDAP: a sequence in BER (RFC 4511, section 5.1).
pub(super) static LDAP: Layout = Layout {
    app: AppProto::Ldap,
    names: &["pdu"],
    length: |_, bytes, _| match *bytes {
        [0x30, short @ 0..0x80, ..] => Length::Is(2 + u64::from(short)),
        [0x30, 0x81, a, ..] => Length::Is(3 + u64::from(a)),
        [0x30, 0x82, a, b, ..] => Length::Is(4 + two(a, b)),
        [0x30, 0x83, a, b, c, ..] => Length::Is(5 + u64::from(u32::from_be_bytes([0, a, b, c]))),
        [0x30, 0x84, a, b, c, d, ..] => Length::Is(6 + u64::from(u32::from_be_bytes([a, b, c, d]))),
        [0x30, 0x80 | 0x85.., ..] => Length::Bad,
        [0x30, ..] => Length::Needs,
        _ => Length::Bad,
    },
    split: |_, _, total, _, tell| tell(0, 0, total),
    begins: None,
};

fn two(high: u8, low: u8) -> u64 {
    u16::from_be_bytes([high, low]).into()
}
