//! IPv6 neighbour discovery (RFC 4861): which hardware address an address has.

use std::net::{IpAddr, Ipv6Addr};

use super::reader::Reader;

/// Messages with another hop limit were not sent on this link (section 7.1).
pub const HOP_LIMIT: u8 = 255;

/// The address and hardware address that a message tells; `body` follows the 8 bytes of the ICMPv6 header.
pub fn read((kind, code): (u8, u8), source: IpAddr, body: &[u8]) -> Option<(IpAddr, [u8; 6])> {
    let mut reader = Reader::new(body);
    let (address, wanted) = match kind {
        _ if code != 0 => return None,
        ROUTER_SOLICITATION => (source, SOURCE_ADDRESS),
        ROUTER_ADVERTISEMENT => {
            reader.skip(8)?;
            (source, SOURCE_ADDRESS)
        }
        NEIGHBOUR_SOLICITATION => {
            reader.skip(16)?;
            (source, SOURCE_ADDRESS)
        }
        NEIGHBOUR_ADVERTISEMENT => (IpAddr::V6(Ipv6Addr::from(reader.array::<16>()?)), TARGET_ADDRESS),
        _ => return None,
    };
    // Whoever looks for an address of its own has none yet.
    if address.is_unspecified() || address.is_multicast() {
        return None;
    }
    loop {
        let (option, words) = (reader.u8()?, reader.u8()?);
        let rest = (usize::from(words) * 8).checked_sub(2)?;
        let value = reader.take(rest)?;
        if option == wanted {
            return value.first_chunk().map(|mac| (address, *mac));
        }
    }
}

const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const SOURCE_ADDRESS: u8 = 1;
const TARGET_ADDRESS: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 7];

    fn ip(last: u16) -> Ipv6Addr {
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last)
    }

    fn option(kind: u8) -> Vec<u8> {
        [&[kind, 1][..], &MAC].concat()
    }

    #[test]
    fn solicitations_tell_of_their_sender_and_advertisements_of_their_target() {
        let target = ip(2).octets();
        let nonce = [14, 1, 1, 2, 3, 4, 5, 6];
        let asks = [&target[..], &nonce, &option(1)].concat();
        assert_eq!(read((135, 0), ip(1).into(), &asks), Some((ip(1).into(), MAC)));
        let tells = [&target[..], &option(2)].concat();
        assert_eq!(read((136, 0), ip(1).into(), &tells), Some((ip(2).into(), MAC)));
        let router = [&[0; 8][..], &option(1)].concat();
        assert_eq!(read((134, 0), ip(9).into(), &router), Some((ip(9).into(), MAC)));
        assert_eq!(read((133, 0), ip(9).into(), &option(1)), Some((ip(9).into(), MAC)));
    }

    #[test]
    fn what_is_cut_or_has_no_sender_tells_nothing() {
        let asks = [&ip(2).octets()[..], &option(1)].concat();
        assert_eq!(read((135, 0), Ipv6Addr::UNSPECIFIED.into(), &asks), None);
        assert_eq!(read((135, 1), ip(1).into(), &asks), None);
        for cut in 0..asks.len() {
            assert_eq!(read((135, 0), ip(1).into(), &asks[..cut]), None, "cut at {cut}");
        }
        // An option of no length would go round for ever.
        assert_eq!(read((133, 0), ip(1).into(), &[9, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
