//! ARP (RFC 826).

use super::packet::Arp;
use super::span::Span;
use super::walk::{Next, Walk};
use crate::Anomaly;

/// Reads an ARP message; those for other networks than IPv4 over Ethernet are counted and left alone.
pub fn decode<'a>(walk: &mut Walk<'_, 'a>, span: Span<'a>) -> Next<'a> {
    let fixed = span.head::<8>(Anomaly::ArpTooSmall)?;
    if fixed[..6] != [0, 1, 0x08, 0, 6, 4] {
        return Err(Anomaly::ArpUnsupported);
    }
    let all = span.head::<28>(Anomaly::ArpTooSmall)?;
    let [_, _, _, _, _, _, o0, o1, m0, m1, m2, m3, m4, m5, i0, i1, i2, i3, n0, n1, n2, n3, n4, n5, j0, j1, j2, j3] =
        *all;
    walk.packets.push_arp(Arp {
        time: walk.context.time,
        operation: u16::from_be_bytes([o0, o1]),
        sender_mac: [m0, m1, m2, m3, m4, m5],
        sender_ip: [i0, i1, i2, i3],
        target_mac: [n0, n1, n2, n3, n4, n5],
        target_ip: [j0, j1, j2, j3],
        vlans: walk.context.vlans,
        number: walk.context.number,
        macs: walk.context.macs,
    });
    Ok(None)
}
