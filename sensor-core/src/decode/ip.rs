//! IPv4, and IPv6 with its extension headers.

use std::net::Ipv4Addr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice, err};

use super::defrag::{Datagram, Fragment, Key};
use super::options::Ipv6Options;
use super::span::Span;
use super::walk::{Next, Walk};
use super::{checksum, ip_proto, options, transport};
use crate::Anomaly;
use crate::anomaly::Counts;

/// What an IP header says about its packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ip {
    /// See [`super::Packet::source`].
    pub source: u128,
    /// See [`super::Packet::destination`].
    pub destination: u128,
    /// See [`super::Packet::ip_id`].
    pub id: u16,
    /// See [`super::Packet::ttl`].
    pub ttl: u8,
    /// See [`super::Packet::v6`].
    pub v6: bool,
    /// See [`super::Packet::dont_fragment`].
    pub dont_fragment: bool,
    /// See [`super::Packet::bad_checksum`].
    pub bad_checksum: bool,
    /// Only a part of a datagram that never became whole.
    pub partial: bool,
    /// A part without the start of the transport header.
    pub headless: bool,
}

/// Decodes an IPv4 packet.
#[inline]
pub fn v4<'a>(walk: &mut Walk<'_, 'a>, span: Span<'a>) -> Next<'a> {
    use err::ipv4::{HeaderError, HeaderSliceError};
    let header = Ipv4HeaderSlice::from_slice(span.data).map_err(|e| match e {
        HeaderSliceError::Len(_) => span.short(Anomaly::Ipv4TooSmall),
        HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. }) => Anomaly::Ipv4WrongVersion,
        HeaderSliceError::Content(HeaderError::HeaderLengthSmallerThanHeader { .. }) => Anomaly::Ipv4HeaderLength,
    })?;
    let header_len = header.slice().len();
    walk.ip_header = span.data.get(..header_len).unwrap_or_default();
    let total = match usize::from(header.total_len()) {
        // Segmentation offload leaves 0 on packets captured on the sending host.
        0 => span.len,
        n if n < header_len => return Err(Anomaly::Ipv4LengthBelowHeader),
        n if n > span.len => {
            walk.anomalies.add(Anomaly::Ipv4Truncated);
            n
        }
        n => n,
    };
    let mut ip = Ip {
        source: u128::from(Ipv4Addr::from(header.source()).to_ipv6_mapped()),
        destination: u128::from(Ipv4Addr::from(header.destination()).to_ipv6_mapped()),
        id: header.identification(),
        ttl: header.ttl(),
        dont_fragment: header.dont_fragment(),
        ..Ip::default()
    };
    if walk.settings.verify_checksums && !checksum::header_is_good(header.slice()) {
        walk.anomalies.add(Anomaly::Ipv4Checksum);
        ip.bad_checksum = true;
    }
    if header_len > IPV4_HEADER {
        options::ipv4(header.options(), walk.anomalies);
    }
    let whole = Span { data: span.data, len: total };
    let body = whole.past(header_len, Anomaly::Ipv4TooSmall)?;
    let body = Span { data: body.data.get(..body.len).unwrap_or(body.data), len: body.len };
    let proto = header.protocol().0;
    if header.is_fragmenting_payload() {
        let fragment = Fragment {
            ip,
            proto,
            offset: usize::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
            body,
            overhead: walk.context.wire.saturating_sub(body.len as u32),
        };
        return fragment_of(walk, Key::v4(&ip, proto, walk.context.vlans), fragment);
    }
    transport_of(walk, &ip, proto, body)
}

/// AH has the same place before a transport header in IPv4 as among IPv6's extension headers.
#[inline]
fn transport_of<'a>(walk: &mut Walk<'_, 'a>, ip: &Ip, proto: u8, body: Span<'a>) -> Next<'a> {
    if proto == ip_proto::AH && !ip.headless {
        return extensions(walk, ip, IpNumber::AUTHENTICATION_HEADER, body);
    }
    transport::decode(walk, ip, proto, body)
}

/// Decodes an IPv6 packet.
#[inline]
pub fn v6<'a>(walk: &mut Walk<'_, 'a>, span: Span<'a>) -> Next<'a> {
    use err::ipv6::{HeaderError, HeaderSliceError};
    let header = Ipv6HeaderSlice::from_slice(span.data).map_err(|e| match e {
        HeaderSliceError::Len(_) => span.short(Anomaly::Ipv6TooSmall),
        HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. }) => Anomaly::Ipv6WrongVersion,
    })?;
    let rest = span.past(IPV6_HEADER, Anomaly::Ipv6TooSmall)?;
    walk.ip_header = span.data.get(..IPV6_HEADER).unwrap_or_default();
    let len = match usize::from(header.payload_length()) {
        // A jumbogram, or segmentation offload: RFC 2675 section 3 puts the length into a hop-by-hop option.
        0 => rest.len,
        n if n > rest.len => {
            walk.anomalies.add(Anomaly::Ipv6Truncated);
            n
        }
        n => n,
    };
    let ip = Ip {
        v6: true,
        source: u128::from_be_bytes(header.source()),
        destination: u128::from_be_bytes(header.destination()),
        ttl: header.hop_limit(),
        ..Ip::default()
    };
    let body = Span { data: rest.data.get(..len).unwrap_or(rest.data), len };
    match header.next_header() {
        next @ (IpNumber::TCP | IpNumber::UDP) => transport::decode(walk, &ip, next.0, body),
        next => extensions(walk, &ip, next, body),
    }
}

/// Walks extension headers to the transport header.
fn extensions<'a>(walk: &mut Walk<'_, 'a>, ip: &Ip, mut next: IpNumber, mut rest: Span<'a>) -> Next<'a> {
    let mut depth = 0;
    let mut before = Before::default();
    loop {
        if ip.v6
            && let Some(twice) = before.add(next)
        {
            walk.anomalies.add(twice);
        }
        let len = match next {
            IpNumber::IPV6_FRAGMENTATION_HEADER if ip.v6 => {
                let ext = Ipv6FragmentHeaderSlice::from_slice(rest.data).map_err(|_| rest.short(EXT_TRUNCATED))?;
                next = ext.next_header();
                // RFC 8200 section 4.5: a byte, and two bits before the flag of more fragments.
                if let [_, reserved, _, flags, ..] = ext.slice()
                    && (*reserved != 0 || flags & 0x06 != 0)
                {
                    walk.anomalies.add(Anomaly::Ipv6FragmentReserved);
                }
                if ext.is_fragmenting_payload() {
                    let body = rest.past(ext.slice().len(), EXT_TRUNCATED)?;
                    let fragment = Fragment {
                        ip: *ip,
                        proto: next.0,
                        offset: usize::from(ext.fragment_offset().value()) * 8,
                        more: ext.more_fragments(),
                        body,
                        overhead: walk.context.wire.saturating_sub((ext.slice().len() + body.len) as u32),
                    };
                    return fragment_of(walk, Key::v6(ip, ext.identification(), walk.context.vlans), fragment);
                }
                // RFC 6946: a fragment that is the whole datagram is taken as it is.
                walk.anomalies.add(Anomaly::Ipv6UselessFragmentHeader);
                ext.slice().len()
            }
            IpNumber::AUTHENTICATION_HEADER => {
                // RFC 4302 section 2.2: the length counts 4-byte words, minus 2.
                let [following, words, r0, r1, ..] = *rest.head::<8>(EXT_TRUNCATED)?;
                if ip.v6 && (r0, r1) != (0, 0) {
                    walk.anomalies.add(Anomaly::Ipv6AuthenticationReserved);
                }
                next = IpNumber(following);
                (usize::from(words) + 2) * 4
            }
            n if ip.v6 && Ipv6RawExtHeaderSlice::header_type_supported(n) => {
                let ext = Ipv6RawExtHeaderSlice::from_slice(rest.data).map_err(|_| rest.short(EXT_TRUNCATED))?;
                extension(n, ext.slice(), walk.anomalies);
                next = ext.next_header();
                ext.slice().len()
            }
            _ => return transport::decode(walk, ip, next.0, rest),
        };
        depth += 1;
        if depth > walk.settings.depths.extensions {
            return Err(Anomaly::Ipv6ExtensionsTooDeep);
        }
        rest = rest.past(len, EXT_TRUNCATED)?;
        if rest.len == 0 && ip.v6 && next.0 != ip_proto::NONE {
            return Err(EXT_TRUNCATED);
        }
    }
}

/// Looks into a routing header or options.
fn extension(kind: IpNumber, header: &[u8], anomalies: &mut Counts) {
    let options = header.get(2..).unwrap_or_default();
    match kind {
        IpNumber::IPV6_HEADER_HOP_BY_HOP => options::ipv6(Ipv6Options::Hop, options, anomalies),
        IpNumber::IPV6_DESTINATION_OPTIONS => options::ipv6(Ipv6Options::Destination, options, anomalies),
        IpNumber::IPV6_ROUTE_HEADER if options.first() == Some(&0) => anomalies.add(Anomaly::Ipv6RoutingType0),
        _ => {}
    }
}

/// Extension headers that were there before, by how often.
#[derive(Default)]
struct Before {
    hop: bool,
    routing: bool,
    fragment: bool,
    authentication: bool,
    destination: u8,
}

impl Before {
    /// Notes one, and says whether it was there too often.
    #[inline]
    fn add(&mut self, kind: IpNumber) -> Option<Anomaly> {
        let (seen, anomaly) = match kind {
            IpNumber::IPV6_HEADER_HOP_BY_HOP => (&mut self.hop, Anomaly::Ipv6TwoHopOptions),
            IpNumber::IPV6_ROUTE_HEADER => (&mut self.routing, Anomaly::Ipv6TwoRoutingHeaders),
            IpNumber::IPV6_FRAGMENTATION_HEADER => (&mut self.fragment, Anomaly::Ipv6TwoFragmentHeaders),
            IpNumber::AUTHENTICATION_HEADER => (&mut self.authentication, Anomaly::Ipv6TwoAuthenticationHeaders),
            IpNumber::IPV6_DESTINATION_OPTIONS => {
                self.destination = self.destination.saturating_add(1);
                return (self.destination > 2).then_some(Anomaly::Ipv6TwoDestinationOptions);
            }
            _ => return None,
        };
        std::mem::replace(seen, true).then_some(anomaly)
    }
}

/// A fragment goes to reassembly, and the walk ends here: what it completes is walked as a datagram of its own.
#[cold]
fn fragment_of<'a>(walk: &mut Walk<'_, 'a>, key: Key, fragment: Fragment<'_>) -> Next<'a> {
    walk.defrag.fragment(key, &fragment, &walk.context, walk.anomalies);
    Ok(None)
}

/// What reassembly gave.
pub fn datagram<'a>(walk: &mut Walk<'_, 'a>, datagram: &'a Datagram) -> Next<'a> {
    let ip = datagram.ip();
    match ip.v6 && !ip.headless {
        true => extensions(walk, &ip, IpNumber(datagram.proto()), datagram.body()),
        false => transport_of(walk, &ip, datagram.proto(), datagram.body()),
    }
}

/// RFC 791 section 3.1: without options.
const IPV4_HEADER: usize = 20;

/// RFC 8200 section 3.
const IPV6_HEADER: usize = 40;

const EXT_TRUNCATED: Anomaly = Anomaly::Ipv6ExtensionTruncated;
