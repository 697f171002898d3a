//! Names in DNS answers, and in its multicast kin: mDNS (RFC 6762) and LLMNR (RFC 4795), which share the format.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reader::{Reader, text};

/// Most names taken of one message.
pub const MAX_NAMES: usize = 64;
const MAX_RECORDS: usize = 128;
/// Follows of compression pointers in one name: 128 labels at most fit in 255 bytes (RFC 1035, section 3.1).
const MAX_LABELS: usize = 128;

/// A message's header and what it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// It is a response.
    pub response: bool,
    /// Response code.
    pub code: u8,
    /// Addresses and their names, at most [`MAX_NAMES`].
    pub named: Vec<Named>,
    /// Version of a `version.bind` answer.
    pub version: Option<String>,
}

/// An address and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The address.
    pub address: IpAddr,
    /// The name; for A and AAAA the one that was asked for, in front of any CNAME.
    pub name: String,
    /// It comes from a PTR record.
    pub pointer: bool,
    /// The shortest TTL on the way, in seconds.
    pub ttl: u32,
}

const A: u16 = 1;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// Reads a message without the length that TCP puts before it. `None` where it is not one; a cut answer gives what
/// came before.
pub fn message(data: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(data);
    reader.u16()?;
    let flags = reader.u16()?;
    // Opcode QUERY, and bits that are zero in what is met.
    let (opcode, zero) = (flags >> 11 & 15, flags & 0x0040);
    let [questions, answers, authorities, additions] = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
    let plausible = opcode == 0 && zero == 0 && questions <= 32 && answers <= 512 && authorities <= 256;
    (plausible && (questions > 0 || answers > 0)).then_some(())?;
    let mut found = Message { response: flags & 0x8000 != 0, code: (flags & 15) as u8, ..Message::default() };
    let mut asked = None;
    for _ in 0..questions {
        let name = name(data, &mut reader)?;
        let kind = reader.u16()?;
        reader.u16()?;
        (kind != 0).then_some(())?;
        asked.get_or_insert(name);
    }
    if found.response {
        records(
            data,
            reader,
            usize::from(answers) + usize::from(authorities) + usize::from(additions),
            asked,
            &mut found,
        );
    }
    Some(found)
}

fn records<'a>(
    data: &'a [u8],
    mut reader: Reader<'a>,
    count: usize,
    asked: Option<String>,
    found: &mut Message,
) -> Option<()> {
    // The alias at the chain's end and the shortest TTL on the way there.
    let (mut alias, mut shortest) = (asked.clone(), u32::MAX);
    for _ in 0..count.min(MAX_RECORDS) {
        let owner = name(data, &mut reader)?;
        let kind = reader.u16()?;
        reader.u16()?;
        let ttl = reader.u32()?;
        let body = reader.vec16()?;
        // RFC 2181, section 8: a TTL with the top bit is zero.
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        if found.named.len() >= MAX_NAMES {
            break;
        }
        let address = match (kind, body) {
            (A, body) => body.try_into().ok().map(|bytes: [u8; 4]| IpAddr::V4(Ipv4Addr::from(bytes))),
            (AAAA, body) => body.try_into().ok().map(|bytes: [u8; 16]| IpAddr::V6(Ipv6Addr::from(bytes))),
            (CNAME, body) if alias.as_deref() == Some(&owner) => {
                alias = name_in(data, body);
                shortest = shortest.min(ttl);
                None
            }
            (PTR, body) => {
                if let (Some(address), Some(name)) = (pointer(&owner), name_in(data, body)) {
                    found.named.push(Named { address, name, pointer: true, ttl });
                }
                None
            }
            (TXT, body) if owner.eq_ignore_ascii_case("version.bind") => {
                found.version = Reader::new(body).vec8().map(|value| text(value, 128));
                None
            }
            _ => None,
        };
        if let Some(address) = address.filter(plausible) {
            let chained = alias.as_deref() == Some(&owner);
            let name = if chained { asked.clone() } else { None }.unwrap_or(owner);
            let ttl = if chained { shortest.min(ttl) } else { ttl };
            if !name.is_empty() {
                found.named.push(Named { address, name, pointer: false, ttl });
            }
        }
    }
    Some(())
}

/// An address that can be a host's.
fn plausible(address: &IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && *address != IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// A name that stands in record data.
fn name_in<'a>(data: &'a [u8], body: &'a [u8]) -> Option<String> {
    name(data, &mut Reader::new(body)).filter(|name| !name.is_empty())
}

/// A name, its compression followed (RFC 1035, section 4.1.4): pointers go backwards only, so that each ends. The
/// reader stands behind it afterwards.
fn name<'a>(data: &'a [u8], reader: &mut Reader<'a>) -> Option<String> {
    let mut out = String::new();
    let mut jumped: Option<Reader<'a>> = None;
    let mut limit = data.len();
    for _ in 0..MAX_LABELS {
        let current = jumped.as_mut().unwrap_or(reader);
        let length = current.u8()?;
        match length {
            0 => return Some(out),
            1..=63 => {
                let label = current.take(length.into())?;
                if out.len() + label.len() > 254 {
                    return None;
                }
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(&text(label, 63));
            }
            0xc0..=0xff => {
                let target = usize::from(length & 0x3f) << 8 | usize::from(current.u8()?);
                (target < limit).then_some(())?;
                limit = target;
                jumped = Some(Reader::new(data.get(target..)?));
            }
            _ => return None,
        }
    }
    None
}

/// The address that a name under `in-addr.arpa` or `ip6.arpa` stands for.
fn pointer(name: &str) -> Option<IpAddr> {
    let lower = name.to_ascii_lowercase();
    if let Some(digits) = lower.strip_suffix(".in-addr.arpa") {
        let mut octets = [0u8; 4];
        let mut labels = digits.split('.');
        for octet in octets.iter_mut().rev() {
            *octet = labels.next()?.parse().ok()?;
        }
        return labels.next().is_none().then(|| IpAddr::V4(Ipv4Addr::from(octets))).filter(plausible);
    }
    let nibbles = lower.strip_suffix(".ip6.arpa")?;
    let mut value = 0u128;
    let mut count = 0;
    for (i, nibble) in nibbles.split('.').enumerate() {
        let digit = u128::from_str_radix(nibble, 16).ok().filter(|digit| *digit < 16 && i < 32)?;
        value |= digit << (4 * i);
        count = i + 1;
    }
    (count == 32).then(|| IpAddr::V6(Ipv6Addr::from(value))).filter(plausible)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn label(name: &str) -> Vec<u8> {
        let mut out: Vec<u8> =
            name.split('.').flat_map(|part| [vec![part.len() as u8], part.as_bytes().to_vec()].concat()).collect();
        out.push(0);
        out
    }

    fn record(owner: &[u8], kind: u16, ttl: u32, body: &[u8]) -> Vec<u8> {
        let mut out = owner.to_vec();
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out.extend(ttl.to_be_bytes());
        out.extend((body.len() as u16).to_be_bytes());
        out.extend(body);
        out
    }

    /// A response to a question for `asked` with these records.
    pub(crate) fn response(asked: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
        let mut out = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
        out.extend(label(asked));
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out.extend(records.concat());
        out
    }

    pub(crate) fn www() -> Vec<u8> {
        // c0 0c points to the question's name.
        let cname = record(&[0xc0, 12], CNAME, 30, &label("cdn.example.net"));
        response("www.example.com", A, &[cname, record(&label("cdn.example.net"), A, 300, &[192, 0, 2, 7])])
    }

    #[test]
    fn an_address_behind_an_alias_has_the_name_asked_for_and_the_shortest_ttl() {
        let found = message(&www()).unwrap();
        assert!(found.response && found.code == 0);
        let named =
            Named { address: "192.0.2.7".parse().unwrap(), name: "www.example.com".into(), pointer: false, ttl: 30 };
        assert_eq!(found.named, [named]);
    }

    #[test]
    fn pointers_name_addresses_of_both_families() {
        let v4 = record(&[0xc0, 12], PTR, 60, &label("a.example"));
        let found = message(&response("9.2.0.192.in-addr.arpa", PTR, &[v4])).unwrap();
        assert_eq!(found.named[0].address, "192.0.2.9".parse::<IpAddr>().unwrap());
        assert!(found.named[0].pointer);
        let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(pointer(nibbles), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(pointer("1.2.3.in-addr.arpa"), None);
    }

    #[test]
    fn names_that_point_at_themselves_end() {
        let mut looped = vec![0, 0, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
        looped.extend([0xc0, 12, 0, 1, 0, 1]);
        assert_eq!(message(&looped), None);
    }

    #[test]
    fn names_of_one_message_are_capped() {
        let records: Vec<_> = (0..100u8).map(|i| record(&[0xc0, 12], A, 5, &[192, 0, 2, i])).collect();
        assert_eq!(message(&response("many.example", A, &records)).unwrap().named.len(), MAX_NAMES);
    }

    #[test]
    fn a_cut_answer_gives_what_came_before() {
        let whole = www();
        for cut in 0..whole.len() {
            let found = message(&whole[..cut]);
            assert!(found.is_none_or(|found| found.named.is_empty()), "{cut}");
        }
    }
}
