//! The protocol data units of DCE/RPC: the connection-oriented ones (C706, section 12.6) and datagrams (12.4).

use crate::applayer::frames::{Length, Rules};

/// A unit of a connection, or a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pdu<'a> {
    /// Its type, one of [`kind`].
    pub kind: u8,
    /// Its flags, those of [`flag`]; of a datagram what says the same.
    pub flags: u8,
    /// Numbers have their lowest byte first.
    pub little: bool,
    /// Version, major and minor.
    pub version: (u8, u8),
    /// Which call it is of.
    pub call: u32,
    /// What follows the header.
    pub body: &'a [u8],
}

/// Types (C706, section 12.6.4.1; MS-RPCE, section 2.2.2.10).
pub(crate) mod kind {
    pub const REQUEST: u8 = 0;
    pub const RESPONSE: u8 = 2;
    pub const FAULT: u8 = 3;
    pub const REJECT: u8 = 6;
    pub const BIND: u8 = 11;
    pub const BIND_ACK: u8 = 12;
    pub const BIND_NAK: u8 = 13;
    pub const ALTER_CONTEXT: u8 = 14;
    pub const ALTER_CONTEXT_RESPONSE: u8 = 15;
}

/// The name of a type.
pub(crate) fn name(kind: u8) -> &'static str {
    const NAMES: [&str; 20] = [
        "REQUEST",
        "PING",
        "RESPONSE",
        "FAULT",
        "WORKING",
        "NOCALL",
        "REJECT",
        "ACK",
        "CL_CANCEL",
        "FACK",
        "CANCEL_ACK",
        "BIND",
        "BINDACK",
        "BINDNAK",
        "ALTER_CONTEXT",
        "ALTER_CONTEXT_RESP",
        "AUTH3",
        "SHUTDOWN",
        "CO_CANCEL",
        "ORPHANED",
    ];
    NAMES.get(usize::from(kind)).copied().unwrap_or("UNKNOWN")
}

/// Flags of a unit (C706, section 12.6.3.1).
pub(crate) mod flag {
    pub const FIRST: u8 = 1;
    pub const LAST: u8 = 2;
}

/// Bytes of a unit's header.
const HEADER: usize = 16;

/// How units are told in a stream.
pub(crate) const FRAMING: Rules = Rules { length, most: 65_535, begins: |bytes| Pdu::begins(bytes), begins_in: HEADER };

/// How long the unit is that begins here.
fn length(bytes: &[u8]) -> Length {
    let Some(head) = bytes.first_chunk::<HEADER>() else { return Length::Needs(HEADER) };
    let [5, _, _, _, drep, _, _, _, a, b, ..] = *head else { return Length::Bad };
    let length = two(drep & 0x10 != 0, [a, b]);
    if usize::from(length) < HEADER { Length::Bad } else { Length::Is(length.into()) }
}

impl<'a> Pdu<'a> {
    /// Whether a unit seems to begin here.
    pub(crate) fn begins(bytes: &[u8]) -> bool {
        matches!(bytes, [5, 0 | 1, 0 | 2 | 3 | 11..=19, _, 0 | 1 | 0x10 | 0x11, 0..=3, 0, 0, ..])
            && matches!(length(bytes), Length::Is(_))
    }

    /// Reads a unit of a connection; what is cut is read as far as it goes.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Pdu<'a>> {
        let (head, body) = bytes.split_first_chunk::<HEADER>()?;
        let [5, minor, kind, flags, drep, _, _, _, a, b, _, _, call @ ..] = *head else { return None };
        let little = drep & 0x10 != 0;
        let body = body.get(..usize::from(two(little, [a, b])).checked_sub(HEADER)?).unwrap_or(body);
        Some(Pdu { kind, flags, little, version: (5, minor), call: four(little, call), body })
    }
}

/// A datagram: what it says beside the unit in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub pdu: Pdu<'a>,
    /// The activity, as it stands.
    pub activity: [u8; 16],
    /// Number of the call in its activity.
    pub sequence: u32,
    /// The interface, in the order of its text.
    pub interface: [u8; 16],
    /// The interface's version: major in the low half.
    pub version: u32,
    /// The operation.
    pub opnum: u16,
}

impl<'a> Datagram<'a> {
    /// Reads a datagram (C706, section 12.5.3.1); what follows its length is left out.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Datagram<'a>> {
        let (head, body) = bytes.split_first_chunk::<80>()?;
        let [4, kind, flags, _, drep, ..] = *head else { return None };
        let little = drep & 0x10 != 0;
        let at = |place: usize| -> [u8; 4] {
            head.get(place..).and_then(|tail| tail.first_chunk()).copied().unwrap_or_default()
        };
        let uuid = |place: usize| -> [u8; 16] {
            head.get(place..).and_then(|tail| tail.first_chunk()).copied().unwrap_or_default()
        };
        let half = |place: usize| {
            let [a, b, ..] = at(place);
            two(little, [a, b])
        };
        // Of a datagram bit 1 is the last fragment, bit 2 that there are several (12.5.3.2).
        let (last, several) = (flags & 2 != 0, flags & 4 != 0);
        let first = !several || half(76) == 0;
        let flags = (u8::from(first) * flag::FIRST) | (u8::from(last || !several) * flag::LAST);
        let sequence = four(little, at(64));
        let body = body.get(..half(74).into())?;
        Some(Datagram {
            pdu: Pdu { kind, flags, little, version: (4, 0), call: sequence, body },
            activity: text_order(uuid(40), little),
            sequence,
            interface: text_order(uuid(24), little),
            version: four(little, at(60)),
            opnum: half(68),
        })
    }
}

/// Reads numbers and identifiers in the order of a unit's sender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub rest: &'a [u8],
    pub little: bool,
}

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    pub(super) fn skip(&mut self, n: usize) -> Option<()> {
        self.rest = self.rest.get(n..)?;
        Some(())
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| two(self.little, bytes))
    }

    /// An identifier in the order of its text.
    pub(super) fn uuid(&mut self) -> Option<[u8; 16]> {
        self.array().map(|bytes| text_order(bytes, self.little))
    }
}

/// An identifier's bytes in the order of its text: its first three fields are numbers (C706, appendix A.1).
fn text_order(mut bytes: [u8; 16], little: bool) -> [u8; 16] {
    if little {
        let [a, b, c, d, e, f, g, h, ..] = bytes;
        for (to, from) in bytes.iter_mut().zip([d, c, b, a, f, e, h, g]) {
            *to = from;
        }
    }
    bytes
}

/// An identifier as it is written.
pub(crate) fn uuid_text(uuid: &[u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (place, byte) in uuid.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
    out
}

fn two(little: bool, bytes: [u8; 2]) -> u16 {
    if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
}

fn four(little: bool, bytes: [u8; 4]) -> u32 {
    if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
}
