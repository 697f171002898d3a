//! What discovery is shown of a flow: its handshake, its first bytes, its datagrams.

use std::net::IpAddr;

use sensor_wire::Timestamp;
use slab::Slab;

use crate::applayer::{AppProto, Expectations, Side};
use crate::decode::{Arp, Packet, TcpFlags, ip_proto};
use crate::discover::extract::neighbour;
use crate::discover::os::Syn;
use crate::discover::read::{MAX_PREFIX, next_length};
use crate::discover::{DiscoverLimits, Discovery, HostKey, Seen};
use crate::flow::{CLIENT, Flow, SERVER, ip_of};

/// Shows packets to [`Discovery`], and keeps the beginnings of streams for it.
#[derive(Debug)]
pub(super) struct Observer {
    pub discovery: Discovery,
    kept: Slab<Kept>,
    /// Their bytes.
    held: usize,
    most: usize,
    refused: u64,
}

/// How far discovery has come with one side of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It has not heard of the side in this flow.
    Unheard,
    /// It knows that the side is there.
    Noted,
    /// It asks for more of its beginning, which is kept at this place.
    Kept(u32),
    /// Nothing more is read.
    Over,
}

/// The beginning of one side of a TCP connection, while discovery asks for more of it.
#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    /// It is read again when it has become so long.
    wanted: usize,
    /// How often it was read.
    calls: u8,
}

impl Observer {
    /// `most` bounds the beginnings that are kept, in bytes.
    pub fn new(limits: DiscoverLimits, most: usize) -> Observer {
        Observer { discovery: Discovery::new(limits), kept: Slab::new(), held: 0, most, refused: 0 }
    }

    /// Beginnings that were not read to their end because too many others were kept.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    pub fn arp(&mut self, arp: &Arp) {
        // A probe for an address that is to be taken has none yet (RFC 5227).
        if arp.sender_ip != [0; 4] {
            self.discovery.hardware(arp.time, arp.vlans[0], IpAddr::from(arp.sender_ip), arp.sender_mac);
        }
    }

    /// A packet of a flow after the flow table counted it: SYNs, datagrams, echoes and neighbour discovery are looked
    /// at here.
    #[inline]
    pub fn packet(&mut self, flow: &Flow, packet: &Packet<'_>, from_client: bool, expectations: &Expectations) {
        match packet.proto {
            ip_proto::TCP if packet.tcp.flags.has(TcpFlags::SYN) => self.syn(flow, packet, from_client, expectations),
            ip_proto::UDP => self.datagram(flow, packet, from_client),
            ip_proto::ICMP | ip_proto::ICMPV6 => self.icmp(flow, packet, from_client),
            _ => {}
        }
    }

    fn syn(&mut self, flow: &Flow, packet: &Packet<'_>, from_client: bool, expectations: &Expectations) {
        // One that is sent again tells nothing more.
        if flow.sides[if from_client { CLIENT } else { SERVER }].packets > 1 {
            return;
        }
        if packet.tcp.flags.any(TcpFlags::FIN | TcpFlags::RST) {
            return;
        }
        let answer = packet.tcp.flags.has(TcpFlags::ACK);
        let syn = Syn {
            answer,
            v6: packet.v6,
            ttl: packet.ttl,
            identification: packet.ip_id,
            dont_fragment: packet.dont_fragment,
            window: packet.tcp.window,
            options: packet.tcp_options,
        };
        // Where a file is fetched by FTP is no service.
        let asked = answer
            && !from_client
            && flow.sides[CLIENT].payload.flags().has(TcpFlags::SYN)
            && !expectations.announced(super::ends(flow), packet.time);
        self.discovery.syn(&seen(flow, packet.time, from_client, mac(packet)), &syn, asked);
    }

    /// The client's packet that ends a handshake.
    pub fn established(&mut self, flow: &Flow, packet: &Packet<'_>) {
        self.discovery.established(&seen(flow, packet.time, true, mac(packet)));
    }

    #[inline]
    fn datagram(&mut self, flow: &Flow, packet: &Packet<'_>, from_client: bool) {
        let sender = &flow.sides[if from_client { CLIENT } else { SERVER }];
        if packet.payload.is_empty()
            || sender.packets > DATAGRAMS && !names_others(packet)
            || flow.app.is_some_and(is_announced)
        {
            return;
        }
        let from_server = !from_client && flow.sides[CLIENT].packets > 0;
        let again = sender.packets > 1;
        let seen = Seen { again, ..seen(flow, packet.time, from_client, mac(packet)) };
        self.discovery.datagram(&seen, from_server, packet.payload);
        if from_server && !again {
            self.protocol(flow);
        }
    }

    /// The protocol of a flow whose server has sent something, if it is known.
    pub fn protocol(&mut self, flow: &Flow) {
        // A flow that was joined midway may have its ends the wrong way round.
        let Some(app) = flow.app.filter(|app| !flow.midstream && !is_announced(*app)) else { return };
        let (address, port) = flow.server();
        let server = HostKey { address, vlan: flow.key.vlans[0] };
        self.discovery.protocol(flow.last, server, port, flow.key.proto, app.name());
    }

    #[cold]
    fn icmp(&mut self, flow: &Flow, packet: &Packet<'_>, from_client: bool) {
        let (source, time) = (ip_of(packet.source, packet.v6), packet.time);
        if packet.v6
            && packet.ttl == neighbour::HOP_LIMIT
            && packet.tunnels == 0
            && let Some((address, mac)) = neighbour::read(packet.icmp, source, packet.payload)
        {
            self.discovery.hardware(time, packet.vlans[0], address, mac);
        } else if !from_client && flow.sides[CLIENT].packets > 0 {
            self.discovery.established(&seen(flow, time, false, mac(packet)));
        }
    }

    /// The next bytes of a side; true asks for more.
    pub fn stream(&mut self, opening: &mut Opening, flow: &Flow, time: Timestamp, from: Side, bytes: &[u8]) -> bool {
        let from_server = from == Side::ToClient;
        let place = match *opening {
            Opening::Over => return false,
            Opening::Kept(place) => place as usize,
            Opening::Unheard | Opening::Noted => {
                let again = *opening == Opening::Noted;
                let seen = Seen { again, ..seen(flow, time, !from_server, None) };
                *opening = Opening::Over;
                if self.discovery.stream(&seen, from_server, bytes) {
                    self.keep(opening, bytes);
                }
                return *opening != Opening::Over;
            }
        };
        let Some(kept) = self.kept.get_mut(place) else { return false };
        let bytes = bytes.get(..MAX_PREFIX.saturating_sub(kept.bytes.len())).unwrap_or(bytes);
        if self.held + bytes.len() > self.most {
            self.refused += 1;
            self.close(opening);
            return false;
        }
        self.held += bytes.len();
        kept.bytes.extend_from_slice(bytes);
        if kept.bytes.len() < kept.wanted {
            return true;
        }
        kept.calls += 1;
        let seen = Seen { again: true, ..seen(flow, time, !from_server, None) };
        let more = self.discovery.stream(&seen, from_server, &kept.bytes) && kept.calls < MOST_CALLS;
        kept.wanted = next_length(&kept.bytes);
        if !more {
            self.close(opening);
        }
        more
    }

    /// Bytes of a side are missing: what follows is not its beginning. True if that is still to come.
    pub fn gap(&mut self, opening: &mut Opening) -> bool {
        if matches!(opening, Opening::Kept(_)) {
            self.close(opening);
        }
        *opening != Opening::Over
    }

    /// Gives back what was kept of a beginning.
    pub fn close(&mut self, opening: &mut Opening) {
        if let Opening::Kept(place) = std::mem::replace(opening, Opening::Over)
            && let Some(kept) = self.kept.try_remove(place as usize)
        {
            self.held -= kept.bytes.len();
        }
    }

    /// Keeps the first bytes of a side, if there is room.
    fn keep(&mut self, opening: &mut Opening, bytes: &[u8]) {
        if self.held + bytes.len() > self.most {
            self.refused += 1;
            return;
        }
        self.held += bytes.len();
        let kept = Kept { bytes: bytes.to_vec(), wanted: next_length(bytes), calls: 1 };
        *opening = Opening::Kept(self.kept.insert(kept) as u32);
    }
}

/// Who sends what in a flow, as discovery names it.
fn seen(flow: &Flow, time: Timestamp, from_client: bool, mac: Option<[u8; 6]>) -> Seen {
    let (client, server) = (flow.client(), flow.server());
    let (source, destination) = if from_client { (client, server) } else { (server, client) };
    Seen {
        time,
        vlan: flow.key.vlans[0],
        source: source.0,
        source_port: source.1,
        destination: destination.0,
        destination_port: destination.1,
        mac,
        again: false,
    }
}

/// The sender's hardware address, where it is on this link: its time to live is one that systems begin with.
fn mac(packet: &Packet<'_>) -> Option<[u8; 6]> {
    let [source, _] = packet.macs;
    (packet.tunnels == 0 && source != [0; 6] && matches!(packet.ttl, 64 | 128 | 255)).then_some(source)
}

/// What other flows announce, on ports that are nobody's for long.
fn is_announced(app: AppProto) -> bool {
    matches!(app, AppProto::FtpData | AppProto::Rtp | AppProto::Rtcp)
}

/// Each message of these may name somebody.
fn names_others(packet: &Packet<'_>) -> bool {
    let on = |port| matches!(port, 53 | 67 | 137 | 5353 | 5355);
    on(packet.source_port) || on(packet.destination_port)
}

/// Datagrams of a direction that are read; the first ones tell what there is.
const DATAGRAMS: u64 = 8;

/// How often the beginning of a side is read, each time from its first byte.
const MOST_CALLS: u8 = 64;
