//! What one flow announces about another: FTP's data connections, TFTP's answers, the media of calls.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::parser::Announced;
use super::view::is_ascii;
use super::{AppProto, Side};

/// The two ends of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// UDP; else TCP.
    pub udp: bool,
    /// The originator's address (16 bytes in network order, IPv4 as `::ffff:a.b.c.d`) and port.
    pub originator: (u128, u16),
    /// The responder's.
    pub responder: (u128, u16),
}

/// Endpoints at which flows of a known protocol are expected, until a time. When the table is full the oldest entry
/// gives way ([`Expectations::forced`] counts).
#[derive(Debug)]
pub struct Expectations {
    entries: HashMap<Endpoint, Entry, foldhash::fast::RandomState>,
    /// Endpoints in the order of their entries' making, with the serial that tells an entry from its replacement.
    order: VecDeque<(Endpoint, u64)>,
    cap: usize,
    serial: u64,
    forced: u64,
    /// What was said of flows to come, the newest last: their listener, until when, and what.
    said: VecDeque<(Endpoint, i64, Announced)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Endpoint {
    udp: bool,
    address: u128,
    port: u16,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    proto: AppProto,
    until: i64,
    serial: u64,
    once: bool,
}

impl Expectations {
    /// A table of at most `cap` endpoints.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        let cap = cap.max(1);
        Expectations {
            entries: HashMap::default(),
            order: VecDeque::new(),
            cap,
            serial: 0,
            forced: 0,
            said: VecDeque::new(),
        }
    }

    /// Entries that gave way before their time because the table was full.
    #[must_use]
    pub fn forced(&self) -> u64 {
        self.forced
    }

    /// Endpoints in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// `proto` speaks about other flows, so that its bytes are worth [`Expectations::learn`].
    #[must_use]
    pub fn wants(proto: AppProto) -> bool {
        matches!(proto, AppProto::Ftp | AppProto::Tftp | AppProto::Sip | AppProto::Rtsp | AppProto::Mgcp)
    }

    /// Reads announcements from bytes of a flow of `proto`; `now` is packet time in nanoseconds. Lines cut between two
    /// calls are missed.
    pub fn learn(&mut self, proto: AppProto, flow: Flow, side: Side, bytes: &[u8], now: i64) {
        let (from, to) = match side {
            Side::ToServer => (flow.originator, flow.responder),
            Side::ToClient => (flow.responder, flow.originator),
        };
        if proto == AppProto::Tftp {
            // RFC 1350 section 4: the answer comes from a new port to the one that asked.
            if matches!(bytes, [0, 1 | 2, ..]) {
                self.add(Endpoint { udp: true, address: from.0, port: from.1 }, AppProto::Tftp, now, TFTP_WAIT, true);
            }
        } else if proto == AppProto::Ftp {
            for line in lines(bytes).take(MAX_LINES) {
                if let Some((address, port)) = ftp_endpoint(line) {
                    let address = address.unwrap_or(from.0);
                    self.add(Endpoint { udp: false, address, port }, AppProto::FtpData, now, FTP_WAIT, true);
                    // Behind NAT the announced address is not the one that is connected to.
                    if address != from.0 {
                        let seen = Endpoint { udp: false, address: from.0, port };
                        self.add(seen, AppProto::FtpData, now, FTP_WAIT, true);
                    }
                }
            }
        } else if matches!(proto, AppProto::Sip | AppProto::Mgcp) {
            self.session_description(bytes, from.0, now);
        } else if proto == AppProto::Rtsp {
            for line in lines(bytes).take(MAX_LINES) {
                if !starts_with(line, b"Transport:") {
                    continue;
                }
                let client = if side == Side::ToServer { from.0 } else { to.0 };
                let server = if side == Side::ToServer { to.0 } else { from.0 };
                for (key, address) in [(&b"client_port="[..], client), (b"server_port=", server)] {
                    if let Some(port) = value(line, key) {
                        self.media(address, port, None, now);
                    }
                }
            }
        }
    }

    /// Notes what a parser announced in a flow: a flow to come, or what one that is expected will be about.
    pub fn announce(&mut self, flow: Flow, announced: Announced, now: i64) {
        let (address, _) = if announced.listener == Side::ToServer { flow.originator } else { flow.responder };
        let endpoint = Endpoint { udp: flow.udp, address, port: announced.port };
        if announced.about.is_empty() {
            return self.add(endpoint, announced.app, now, FTP_WAIT, true);
        }
        if self.said.len() >= MAX_SAID {
            self.said.pop_front();
            self.forced += 1;
        }
        self.said.push_back((endpoint, now.saturating_add(FTP_WAIT), announced));
    }

    /// What was said of a flow, by its responder; asked when its first bytes come, since FTP tells a file's name after
    /// the connection may have been made.
    pub fn said(&mut self, flow: Flow, now: i64) -> Option<Announced> {
        let endpoint = Endpoint { udp: flow.udp, address: flow.responder.0, port: flow.responder.1 };
        while self.said.front().is_some_and(|(_, until, _)| *until < now) {
            self.said.pop_front();
        }
        let place = self.said.iter().rposition(|(of, until, _)| *of == endpoint && *until >= now)?;
        self.said.remove(place).map(|(.., announced)| announced)
    }

    /// The protocol expected of a new flow, by its responder and then by its originator. A data connection is expected
    /// once, media stay expected for their time.
    pub fn take(&mut self, flow: Flow, now: i64) -> Option<AppProto> {
        if self.entries.is_empty() {
            return None;
        }
        for (address, port) in [flow.responder, flow.originator] {
            let endpoint = Endpoint { udp: flow.udp, address, port };
            let Some(entry) = self.entries.get(&endpoint).copied() else { continue };
            if entry.until < now || entry.once {
                self.entries.remove(&endpoint);
            }
            if entry.until >= now {
                return Some(entry.proto);
            }
        }
        None
    }

    /// Whether another flow announced this one; it stays announced.
    pub fn announced(&self, flow: Flow, now: i64) -> bool {
        !self.entries.is_empty()
            && [flow.responder, flow.originator].into_iter().any(|(address, port)| {
                self.entries.get(&Endpoint { udp: flow.udp, address, port }).is_some_and(|entry| entry.until >= now)
            })
    }

    /// SDP: an address for the session or for each of its media, and their ports (RFC 8866 sections 5.7 and 5.14).
    fn session_description(&mut self, bytes: &[u8], sender: u128, now: i64) {
        let mut session = None;
        let mut open: Option<(u16, Option<u128>, Option<u16>)> = None;
        for line in lines(bytes).take(MAX_LINES) {
            if let Some(address) = line.strip_prefix(b"c=IN IP4 ").or(line.strip_prefix(b"c=IN IP6 ")) {
                let address = parse_address(address);
                match open.as_mut() {
                    Some((_, own, _)) => *own = address,
                    None => session = address,
                }
            } else if let Some(rest) = line.strip_prefix(b"m=") {
                if let Some((port, own, rtcp)) = open.take() {
                    self.media(own.or(session).unwrap_or(sender), port, rtcp, now);
                }
                let mut words = rest.split(|&byte| byte == b' ');
                let port = words.nth(1).and_then(number::<u16>);
                let rtp = words.next().is_some_and(|transport| transport.starts_with(b"RTP/"));
                open = port.filter(|&port| rtp && port != 0).map(|port| (port, None, None));
            } else if let (Some(rest), Some((_, _, rtcp))) = (line.strip_prefix(b"a=rtcp:"), open.as_mut()) {
                *rtcp = rest.split(|&byte| byte == b' ').next().and_then(number::<u16>);
            }
        }
        if let Some((port, own, rtcp)) = open {
            self.media(own.or(session).unwrap_or(sender), port, rtcp, now);
        }
    }

    /// RTP at a port and RTCP at the next, unless another is named (RFC 3550 section 11, RFC 3605).
    fn media(&mut self, address: u128, port: u16, rtcp: Option<u16>, now: i64) {
        self.add(Endpoint { udp: true, address, port }, AppProto::Rtp, now, MEDIA_WAIT, false);
        let rtcp = rtcp.unwrap_or(port.saturating_add(1));
        if rtcp != port {
            self.add(Endpoint { udp: true, address, port: rtcp }, AppProto::Rtcp, now, MEDIA_WAIT, false);
        }
    }

    fn add(&mut self, endpoint: Endpoint, proto: AppProto, now: i64, wait: i64, once: bool) {
        // An announcement cannot point at what hosts and networks are not.
        if endpoint.port == 0 || endpoint.address == UNSPECIFIED_V4 || endpoint.address == 0 {
            return;
        }
        self.serial += 1;
        let entry = Entry { proto, until: now.saturating_add(wait), serial: self.serial, once };
        if self.entries.insert(endpoint, entry).is_none() && self.entries.len() > self.cap {
            self.drop_oldest(now);
        }
        self.order.push_back((endpoint, self.serial));
        // Entries that were taken or renewed leave their place behind; it must not grow without end.
        while self.order.len() > 2 * self.cap {
            self.drop_place(now);
        }
    }

    fn drop_oldest(&mut self, now: i64) {
        while self.entries.len() > self.cap && !self.order.is_empty() {
            self.drop_place(now);
        }
    }

    fn drop_place(&mut self, now: i64) {
        let Some((endpoint, serial)) = self.order.pop_front() else { return };
        if let Some(entry) = self.entries.get(&endpoint).copied()
            && entry.serial == serial
        {
            self.entries.remove(&endpoint);
            self.forced += u64::from(entry.until >= now);
        }
    }
}

/// The endpoint a line of FTP announces; no address means the sender's own (RFC 959 sections 4.1.2 and 4.2, RFC 2428).
fn ftp_endpoint(line: &[u8]) -> Option<(Option<u128>, u16)> {
    if line.starts_with(b"227 ") || starts_with(line, b"PORT ") {
        let from = line.iter().skip(4).position(u8::is_ascii_digit)? + 4;
        let mut six = line.get(from..)?.split(|byte| !byte.is_ascii_digit()).map(number::<u8>);
        let mut next = || six.next().flatten();
        let (a, b, c, d, high, low) = (next()?, next()?, next()?, next()?, next()?, next()?);
        return Some((Some(v4([a, b, c, d])), u16::from_be_bytes([high, low])));
    }
    if line.starts_with(b"229 ") {
        let inside = line.split(|&byte| byte == b'(').nth(1)?;
        let delimiter = *inside.first()?;
        return Some((None, number(inside.split(|&byte| byte == delimiter).nth(3)?)?));
    }
    if starts_with(line, b"EPRT ") {
        let rest = line.get(5..)?;
        let delimiter = *rest.first()?;
        let mut parts = rest.split(|&byte| byte == delimiter).skip(2);
        return Some((Some(parse_address(parts.next()?)?), number(parts.next()?)?));
    }
    None
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn starts_with(line: &[u8], with: &[u8]) -> bool {
    line.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// The first port behind `key`.
fn value(line: &[u8], key: &[u8]) -> Option<u16> {
    let at = line.windows(key.len()).position(|window| window == key)? + key.len();
    number(line.get(at..)?.split(|byte| !byte.is_ascii_digit()).next()?)
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// An address in text; SDP may have a TTL behind it.
fn parse_address(text: &[u8]) -> Option<u128> {
    let text = text.split(|byte| matches!(byte, b'/' | b' ')).next().filter(|text| is_ascii(text))?;
    match std::str::from_utf8(text).ok()?.parse().ok()? {
        std::net::IpAddr::V4(address) => Some(v4(address.octets())),
        std::net::IpAddr::V6(address) => Some(u128::from(address)),
    }
}

fn v4(octets: [u8; 4]) -> u128 {
    UNSPECIFIED_V4 | u128::from(u32::from_be_bytes(octets))
}

const UNSPECIFIED_V4: u128 = 0xffff_0000_0000;

/// Flows to come of which something was said; the oldest gives way.
const MAX_SAID: usize = 1024;
/// Lines of one piece that are looked at.
const MAX_LINES: usize = 128;
/// A data connection is opened when its command is given, soon after the announcement.
const FTP_WAIT: i64 = 120_000_000_000;
const TFTP_WAIT: i64 = 60_000_000_000;
/// Media may start when the call is taken, minutes after the first offer.
const MEDIA_WAIT: i64 = 300_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: u128 = 0xffff_0a00_0001;
    const SERVER: u128 = 0xffff_0a00_0002;
    const SECOND: i64 = 1_000_000_000;

    fn control() -> Flow {
        Flow { udp: false, originator: (CLIENT, 40000), responder: (SERVER, 21) }
    }

    fn flow(udp: bool, originator: (u128, u16), responder: (u128, u16)) -> Flow {
        Flow { udp, originator, responder }
    }

    #[test]
    fn ftp_data_is_expected_where_any_of_the_four_forms_says() {
        for (side, line, originator, responder) in [
            (
                Side::ToClient,
                &b"227 Entering Passive Mode (10,0,0,2,195,80).\r\n"[..],
                (CLIENT, 40001),
                (SERVER, 50000),
            ),
            (Side::ToClient, b"227 Entering Passive Mode 192,168,7,9,195,80\r\n", (CLIENT, 40001), (SERVER, 50000)),
            (Side::ToClient, b"229 Entering Extended Passive Mode (|||50000|)\r\n", (CLIENT, 40001), (SERVER, 50000)),
            (Side::ToServer, b"TYPE I\r\nPORT 10,0,0,1,195,80\r\n", (SERVER, 20), (CLIENT, 50000)),
            (Side::ToServer, b"EPRT |1|10.0.0.1|50000|\r\n", (SERVER, 20), (CLIENT, 50000)),
        ] {
            let mut table = Expectations::new(16);
            table.learn(AppProto::Ftp, control(), side, line, 0);
            let data = flow(false, originator, responder);
            assert_eq!(table.take(data, 121 * SECOND), None, "too late");
            table.learn(AppProto::Ftp, control(), side, line, 0);
            assert_eq!(table.take(data, SECOND), Some(AppProto::FtpData), "{}", line.escape_ascii());
            assert_eq!(table.take(data, SECOND), None, "once");
        }
    }

    #[test]
    fn damaged_announcements_are_passed_over() {
        let mut table = Expectations::new(16);
        for line in [
            &b"227 Entering Passive Mode (10,0,0,2,195,300)\r\n"[..],
            b"227 nothing\r\n",
            b"227 (1,2,3,4,0,0)",
            b"229 (|||99999|)",
            b"229 (",
            b"EPRT ",
            b"EPRT |1|10.0.0.1",
            b"PORT 1,2,3",
            b"PORT 0,0,0,0,195,80",
        ] {
            table.learn(AppProto::Ftp, control(), Side::ToClient, line, 0);
            assert!(table.len() <= 1, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_call_announces_its_media_on_both_ports() {
        let mut table = Expectations::new(16);
        let sip = flow(true, (CLIENT, 5060), (SERVER, 5060));
        let body =
            b"INVITE sip:a@b SIP/2.0\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4009\r\n\
            m=video 4002 RTP/AVP 31\r\nc=IN IP4 10.0.0.7/127\r\nm=image 4004 udptl t38\r\nm=audio 0 RTP/AVP 8\r\n";
        table.learn(AppProto::Sip, sip, Side::ToServer, body, 0);
        let mut at = |address, port| table.take(flow(true, (SERVER, 9), (address, port)), SECOND);
        assert_eq!(at(CLIENT, 4000), Some(AppProto::Rtp));
        assert_eq!(at(CLIENT, 4000), Some(AppProto::Rtp), "media stay");
        assert_eq!(at(CLIENT, 4009), Some(AppProto::Rtcp));
        assert_eq!(at(CLIENT, 4001), None);
        assert_eq!(at(0xffff_0a00_0007, 4002), Some(AppProto::Rtp));
        assert_eq!(at(0xffff_0a00_0007, 4003), Some(AppProto::Rtcp));
        assert_eq!(at(CLIENT, 4004), None);
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn tftp_answers_from_another_port_and_rtsp_names_both() {
        let mut table = Expectations::new(16);
        let ask = flow(true, (CLIENT, 3000), (SERVER, 69));
        table.learn(AppProto::Tftp, ask, Side::ToServer, b"\0\x01file\0octet\0", 0);
        assert_eq!(table.take(flow(true, (SERVER, 33000), (CLIENT, 3000)), SECOND), Some(AppProto::Tftp));
        let rtsp = flow(false, (CLIENT, 3001), (SERVER, 554));
        let answer =
            b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001\r\n\r\n";
        table.learn(AppProto::Rtsp, rtsp, Side::ToClient, answer, 0);
        assert_eq!(table.take(flow(true, (SERVER, 6000), (CLIENT, 5000)), SECOND), Some(AppProto::Rtp));
        assert_eq!(table.take(flow(true, (CLIENT, 5001), (SERVER, 6001)), SECOND), Some(AppProto::Rtcp));
    }

    #[test]
    fn what_was_said_of_a_data_flow_is_told_once_and_in_time() {
        let mut table = Expectations::new(16);
        let said = |listener, port, about: &str| Announced {
            listener,
            port,
            app: AppProto::FtpData,
            about: about.as_bytes().into(),
        };
        let passive = flow(false, (CLIENT, 40001), (SERVER, 50000));
        let active = flow(false, (SERVER, 20), (CLIENT, 50000));
        table.announce(control(), said(Side::ToClient, 50000, ""), 0);
        assert_eq!(table.take(passive, SECOND), Some(AppProto::FtpData));
        table.announce(control(), said(Side::ToClient, 50000, "RETR a"), SECOND);
        table.announce(control(), said(Side::ToServer, 50000, "STOR b"), SECOND);
        assert_eq!(table.take(passive, 2 * SECOND), None, "the connection had begun");
        assert_eq!(table.said(active, 2 * SECOND).map(|said| said.about), Some(b"STOR b"[..].into()));
        assert_eq!(table.said(passive, 2 * SECOND).map(|said| said.about), Some(b"RETR a"[..].into()));
        assert_eq!(table.said(passive, 2 * SECOND), None);
        table.announce(control(), said(Side::ToClient, 50000, "RETR a"), 0);
        assert_eq!(table.said(passive, 121 * SECOND), None, "too late");
        for port in 0..2000 {
            table.announce(control(), said(Side::ToClient, port, "RETR a"), 0);
        }
        assert_eq!((table.said.len(), table.forced()), (MAX_SAID, 2000 - MAX_SAID as u64));
    }

    #[test]
    fn a_full_table_drops_the_oldest_and_counts_it() {
        let mut table = Expectations::new(8);
        for port in 1..=100_u16 {
            let line = format!("229 Entering Extended Passive Mode (|||{port}|)\r\n");
            table.learn(AppProto::Ftp, control(), Side::ToClient, line.as_bytes(), i64::from(port));
        }
        assert_eq!((table.len(), table.forced()), (8, 92));
        assert_eq!(table.take(flow(false, (CLIENT, 1), (SERVER, 92)), 0), None);
        assert_eq!(table.take(flow(false, (CLIENT, 1), (SERVER, 93)), 0), Some(AppProto::FtpData));
        for _ in 0..1000 {
            table.learn(AppProto::Ftp, control(), Side::ToClient, b"229 (|||7|)\r\n", 0);
        }
        assert!(table.order.len() <= 16);
    }
}
