//! Tunnels over UDP, by their ports, and Teredo by its content too. What does not look like the tunnel is left alone:
//! it may be something else on that port.

use super::ethernet;
use super::mpls::next_protocol;
use super::span::Span;
use super::walk::Layer;

/// What a UDP payload carries, if it is a tunnel.
#[inline]
pub fn inside<'a>(source: u16, destination: u16, payload: Span<'a>) -> Option<(Layer, Span<'a>)> {
    match destination {
        VXLAN | VXLAN_LINUX => vxlan(payload),
        VXLAN_GPE => vxlan_gpe(payload),
        GENEVE => geneve(payload),
        GTP => gtp(payload),
        L2TP => l2tp(payload),
        AYIYA => ayiya(payload),
        CAPWAP => capwap(payload),
        MPLS => Some((Layer::Mpls, payload)).filter(|_| payload.len > 8),
        TZSP => tzsp(payload),
        TEREDO => teredo(payload, true),
        _ => match source {
            GTP => gtp(payload),
            L2TP => l2tp(payload),
            AYIYA => ayiya(payload),
            CAPWAP => capwap(payload),
            TEREDO => teredo(payload, true),
            // Teredo's relays and clients take any port (RFC 4380 section 5.4.1).
            _ => match payload.byte(0) {
                Some(0x60 | 0x00) => teredo(payload, false),
                _ => None,
            },
        },
    }
}

/// RFC 7348 section 5: flags with the I bit, a network id, a zero byte. (Extensions use the bytes between.)
fn vxlan(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [flags, _, _, _, _, _, _, 0] = payload.data.first_chunk::<8>()? else { return None };
    let frame = payload.after(8)?;
    (flags & 0x08 != 0 && frame.len >= 14).then_some((Layer::Ethernet, frame))
}

/// draft-ietf-nvo3-vxlan-gpe: with the P bit the last byte of the first word names the next protocol.
fn vxlan_gpe(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [flags, _, _, protocol, ..] = payload.data.first_chunk::<8>()?;
    if flags & 0x08 == 0 {
        return None;
    }
    // Some senders name the protocol and leave the bit out.
    let layer = if flags & 0x04 == 0 && *protocol == 0 { Layer::Ethernet } else { next_protocol(*protocol)? };
    Some((layer, payload.after(8)?))
}

/// RFC 8926 section 3.4: version 0, length of the options in words, EtherType.
fn geneve(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [version, _, high, low, ..] = payload.data.first_chunk::<8>()?;
    if version >> 6 != 0 {
        return None;
    }
    let kind = u16::from_be_bytes([*high, *low]);
    Some((Layer::EtherType(kind), payload.after(8 + usize::from(version & 0x3f) * 4)?)).filter(|_| kind > 1500)
}

/// 3GPP TS 29.281 section 5.1: version 1, message type 255 (G-PDU), optional fields and extension headers.
fn gtp(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [flags, kind, high, low, ..] = payload.data.first_chunk::<8>()?;
    if flags & 0xf0 != 0x30 || *kind != 255 {
        return None;
    }
    let body = payload.after(8)?.first(usize::from(u16::from_be_bytes([*high, *low])));
    if flags & 0x07 == 0 {
        return ip(body);
    }
    let mut next = if flags & 0x04 != 0 { body.byte(3)? } else { 0 };
    let mut rest = body.after(4)?;
    for _ in 0..MOST_EXTENSIONS {
        if next == 0 {
            return ip(rest);
        }
        // The length counts 4-byte words, itself and the next type included.
        let len = usize::from(rest.byte(0)?) * 4;
        next = rest.byte(len.checked_sub(1)?)?;
        rest = rest.after(len)?;
    }
    None
}

/// L2TPv2 (RFC 2661 section 3.1) with PPP, or L2TPv3 over UDP (RFC 3931 section 4.1.2); data messages only.
fn l2tp(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [flags, version] = *payload.data.first_chunk::<2>()?;
    if flags & 0x80 != 0 {
        return None;
    }
    match version & 0x0f {
        2 => {
            let has = |bit: u8| usize::from(flags & bit != 0);
            let mut at = 2 + has(0x40) * 2 + 4 + has(0x08) * 4;
            if flags & 0x02 != 0 {
                at += 2 + usize::from(payload.be16(at)?);
            }
            let ppp = payload.after(at)?;
            matches!(ppp.data, [0xff, 0x03, ..] | [0x21 | 0x57, ..] | [0x00, 0x21 | 0x57, ..])
                .then_some((Layer::Ppp, ppp))
        }
        3 => l2tp_session(payload.after(4)?),
        _ => None,
    }
}

/// An L2TPv3 session's data, from its id on. The lengths of the cookie and of the sublayer before the frame are known
/// to the peers only: the first that gives an Ethernet frame is taken.
pub fn l2tp_session(data: Span<'_>) -> Option<(Layer, Span<'_>)> {
    // Session 0 is control (RFC 3931 section 4.1.1).
    if *data.data.first_chunk::<4>()? == [0; 4] {
        return None;
    }
    [4, 8, 12, 16].into_iter().find_map(|at| {
        let frame = data.after(at)?;
        ethernet::is_plausible(frame).then_some((Layer::Ethernet, frame))
    })
}

/// AYIYA (draft-massar-v6ops-ayiya-02 section 3): lengths of identity and signature, operation 1 forwards.
fn ayiya(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [identity, signature, operation, next, ..] = payload.data.first_chunk::<8>()?;
    let identity = 1usize << (identity >> 4);
    let body = payload.after(8 + identity + usize::from(signature >> 4) * 4)?;
    let layer = ip(body)?;
    (operation & 0x0f == 1 && matches!(*next, 4 | 41)).then_some(layer)
}

/// CAPWAP data (RFC 5415 section 4.3): preamble 0 (not encrypted), length of the header in words, binding. Fragments
/// are left alone. Cisco's controllers swap the two bytes of an 802.11 frame control.
fn capwap(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [preamble, a, b, c, ..] = *payload.data.first_chunk::<8>()?;
    let (native, fragment, keepalive) = (b & 0x01 != 0, c & 0x80 != 0, c & 0x08 != 0);
    if preamble != 0 || fragment || keepalive {
        return None;
    }
    let frame = payload.after(usize::from(a >> 3) * 4)?;
    if !native {
        return ethernet::is_plausible(frame).then_some((Layer::Ethernet, frame));
    }
    let [first, second] = *frame.data.first_chunk::<2>()?;
    if b >> 1 & 0x1f != 1 {
        return None;
    }
    if first & 0x0f == 0x08 {
        return Some((Layer::Wlan, frame));
    }
    // Swapped: the flags come first. The header's length does not depend on which flags, but for a QoS field.
    (second & 0x0f == 0x08).then_some((Layer::SwappedWlan, frame))
}

/// TaZmen Sniffer Protocol: version 1, received packet, encapsulation 1 (Ethernet) or 18 (802.11), tagged fields.
fn tzsp(payload: Span<'_>) -> Option<(Layer, Span<'_>)> {
    let [1, 0 | 1, 0, encapsulation] = *payload.data.first_chunk::<4>()? else { return None };
    let layer = match encapsulation {
        1 => Layer::Ethernet,
        18 => Layer::Wlan,
        _ => return None,
    };
    let mut rest = payload.after(4)?;
    for _ in 0..MOST_EXTENSIONS {
        match rest.byte(0)? {
            0 => rest = rest.after(1)?,
            1 => return Some((layer, rest.after(1)?)),
            _ => rest = rest.after(2 + usize::from(rest.byte(1)?))?,
        }
    }
    None
}

/// Teredo (RFC 4380 section 5.1.1): IPv6 after the optional authentication and origin indications. On other ports than
/// its own one address has to have Teredo's prefix.
fn teredo(mut payload: Span<'_>, own_port: bool) -> Option<(Layer, Span<'_>)> {
    if let [0, 1, client, auth, ..] = payload.data {
        payload = payload.after(13 + usize::from(*client) + usize::from(*auth))?;
    }
    if let [0, 0, ..] = payload.data {
        payload = payload.after(8)?;
    }
    let header = payload.data.first_chunk::<40>()?;
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let prefixed = [8, 24].iter().any(|at| header.get(*at..*at + 4) == Some(&TEREDO_PREFIX));
    (header[0] >> 4 == 6 && len + 40 <= payload.len && (own_port || (prefixed && len + 40 == payload.len)))
        .then_some((Layer::Ipv6, payload))
}

/// An IP packet whose length fits.
fn ip(span: Span<'_>) -> Option<(Layer, Span<'_>)> {
    match span.byte(0)? >> 4 {
        4 => (span.byte(0)? & 15 >= 5 && (20..=span.len).contains(&usize::from(span.be16(2)?)))
            .then_some((Layer::Ipv4, span)),
        6 => (usize::from(span.be16(4)?) + 40 <= span.len).then_some((Layer::Ipv6, span)),
        _ => None,
    }
}

/// Ports, from the IANA registry where nothing else is said.
const L2TP: u16 = 1701;
const GTP: u16 = 2152;
const TEREDO: u16 = 3544;
const VXLAN: u16 = 4789;
const VXLAN_GPE: u16 = 4790;
const AYIYA: u16 = 5072;
const CAPWAP: u16 = 5247;
const GENEVE: u16 = 6081;
const MPLS: u16 = 6635;
/// Linux's default before the port was assigned.
const VXLAN_LINUX: u16 = 8472;
/// Not registered.
const TZSP: u16 = 37008;

/// 2001::/32 (RFC 4380 section 2.6).
const TEREDO_PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];

/// Extension headers or tagged fields followed.
const MOST_EXTENSIONS: usize = 16;
