//! A rule as it is run.

use std::sync::Arc;

use super::detector::Place;
use super::sets::Addresses;
use super::test::Test;
use super::verify::{Chain, Transforms};
use super::view::{FlowView, Scene};
use crate::applayer::{AppProto, Side};
use crate::decode::ip_proto;
use crate::rules::ast::{
    BitCommand, Body, BufferUse, FileText, FlowState, FlowintOperation, Hash, HostSide, NumberTest, RepSide, Tag,
    Threshold, Track,
};
use crate::rules::config::SuppressBy;
use crate::rules::{Action, Comparison, Direction, Protocol};

/// A rule that is run.
#[derive(Debug)]
pub struct Compiled {
    /// Place in [`Ruleset::rules`](crate::rules::Ruleset::rules).
    pub rule: u32,
    /// Group.
    pub gid: u32,
    /// Number.
    pub sid: u32,
    /// What it does.
    pub action: Action,
    /// The flow, or the hosts, that it marks for the packets to come.
    pub tag: Option<Tag>,
    /// Files of the flow are to be kept.
    pub filestore: bool,
    /// The flow need not be looked at after it.
    pub bypass: bool,
    /// It keeps what groups of its expressions took.
    pub(super) captures: bool,
    pub(super) quiet: bool,
    pub(super) head: Head,
    pub(super) direction: Direction,
    pub(super) side: Option<Side>,
    pub(super) state: Option<FlowState>,
    pub(super) tests: Box<[Test]>,
    pub(super) conditions: Box<[Condition]>,
    pub(super) effects: Box<[Effect]>,
    pub(super) payload: Option<Chain>,
    /// The payload of packets is looked into.
    pub(super) in_packets: bool,
    /// Windows of the stream are looked into.
    pub(super) in_stream: bool,
    pub(super) looks: Box<[Look]>,
    /// Headers of the packet that are looked into.
    pub(super) headers: Box<[Look]>,
    pub(super) numbers: Box<[NumberTest]>,
    pub(super) own: Box<[Body]>,
    pub(super) names: Box<[NameTest]>,
    /// Lists of hashes that a file's has to be in, or must not be in.
    pub(super) hashes: Box<[(Hash, bool, u32)]>,
    pub(super) events: Box<[(AppProto, u8)]>,
    pub(super) threshold: Option<Threshold>,
    pub(super) filter: Option<Threshold>,
    /// When another action takes the place of its own, and for how many seconds.
    pub(super) rate: Option<(Threshold, Action, u32)>,
    /// Whose matches are not told: what is said of the rule, of its group and of all.
    pub(super) suppress: [Option<Arc<[Suppression]>>; 4],
    pub(super) kind: Kind,
    /// Why one engine has to look at all flows where it runs.
    pub(super) obstacle: Option<&'static str>,
}

/// Addresses whose matches are not told, and which of a match's ends they are; of all, where none is given.
pub(super) type Suppression = (Option<SuppressBy>, Addresses);

/// A text of a file that is looked into, whether it must not have it, and what that is.
pub(super) type NameTest = (FileText, bool, Box<[u8]>);

/// When a rule is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With each packet, or each window of a stream.
    Data,
    /// Once for each direction of a flow: nothing but addresses is asked.
    Addresses,
    /// Once for each direction of a flow, when its protocol is known.
    Protocol,
    /// With each transaction.
    Transaction,
    /// With frames, whether they could be decoded or not.
    Frame,
    /// With each part of a message that is of that kind: see [`Layout`](crate::applayer::carve::Layout).
    Carved(AppProto, u8),
}

/// Protocol, addresses and ports: places in the sets of [`Rules`](super::Rules).
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) protocol: Protocol,
    pub(super) sources: u32,
    pub(super) source_ports: u32,
    pub(super) destinations: u32,
    pub(super) destination_ports: u32,
    pub(super) both: bool,
}

/// A buffer that a rule looks into, and what it asks of it.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) buffer: BufferUse,
    pub(super) transforms: Transforms,
    pub(super) chain: Chain,
}

/// What has to hold beside the packet.
#[derive(Debug)]
pub(super) enum Condition {
    /// Any of the flow's bits is, or is not, set.
    Bits(Box<[u32]>, bool),
    Int(u32, FlowintOperation, Operand),
    HostBits(Box<[u32]>, HostSide, bool),
    PairBit(u32, Track, bool),
    /// A variable has these bytes in it.
    Value(u32, Box<[u8]>),
    /// What lists say of the addresses.
    Reputation {
        which: RepSide,
        category: u8,
        test: Option<Comparison>,
        set: bool,
    },
    App {
        negated: bool,
        protocol: Option<Protocol>,
    },
}

/// What a match leaves behind.
#[derive(Debug)]
pub(super) enum Effect {
    Bit(u32, BitCommand),
    Int(u32, FlowintOperation, Operand),
    HostBit(u32, HostSide, BitCommand),
    PairBit(u32, Track, BitCommand, u32),
}

/// The right side of `flowint`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operand {
    None,
    Number(u32),
    Name(u32),
}

impl Compiled {
    /// Whether what it does holds for the rest of the flow, not for one packet alone.
    pub(super) fn acts_on_flow(&self, place: Place) -> bool {
        let asks_nothing = self.tests.is_empty() && self.conditions.is_empty() && self.state.is_none();
        match self.kind {
            Kind::Addresses | Kind::Protocol | Kind::Transaction | Kind::Carved(..) => true,
            Kind::Frame => false,
            Kind::Data => {
                place != Place::Packet
                    || (self.payload.is_none()
                        && (asks_nothing || (self.head.protocol.is_app() && self.tests.is_empty())))
            }
        }
    }

    /// Whether direction, state of the flow and what is asked of packets hold.
    pub(super) fn holds(&self, scene: &Scene<'_>) -> bool {
        if self.side.is_some_and(|side| side != scene.side) {
            return false;
        }
        let state = match self.state {
            Some(FlowState::Established) => scene.flow.established,
            Some(FlowState::NotEstablished) => !scene.flow.established,
            Some(FlowState::Stateless) | None => true,
        };
        state && self.is_of(scene) && self.tests.iter().all(|test| test.holds(scene))
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "only these ask for more than the flow")]
    fn is_of(&self, scene: &Scene<'_>) -> bool {
        let v6 = || scene.packet.map(|view| view.packet.v6);
        match self.head.protocol {
            Protocol::Ipv4 => v6() == Some(false),
            Protocol::Ipv6 => v6() == Some(true),
            // It has no IP header, and no frame but one of ARP comes here without.
            Protocol::Arp => scene.packet.is_some_and(|view| view.packet.ip_header.is_empty()),
            _ => self.is_of_flow(scene.flow),
        }
    }

    /// The same as far as a flow tells it: of both versions of IP.
    pub(super) fn is_of_flow(&self, flow: &FlowView) -> bool {
        let proto = flow.proto;
        match self.head.protocol {
            Protocol::Ip | Protocol::Ipv4 | Protocol::Ipv6 | Protocol::Ether | Protocol::PacketHeader => true,
            Protocol::Tcp | Protocol::TcpPacket | Protocol::TcpStream => proto == ip_proto::TCP,
            Protocol::Udp => proto == ip_proto::UDP,
            Protocol::Icmp => matches!(proto, ip_proto::ICMP | ip_proto::ICMPV6),
            Protocol::Icmpv4 => proto == ip_proto::ICMP,
            Protocol::Icmpv6 => proto == ip_proto::ICMPV6,
            Protocol::Sctp => proto == ip_proto::SCTP,
            Protocol::Igmp => proto == ip_proto::IGMP,
            Protocol::Arp => false,
            app @ (Protocol::Http | Protocol::App(_)) => {
                flow.app.is_some_and(|known| is_app(app, known) || self.is_of_carrier(known))
            }
        }
    }

    /// Whether it looks into DNS that `known` may carry.
    pub(super) fn is_of_carrier(&self, known: AppProto) -> bool {
        known == AppProto::Http2
            && self.head.protocol == Protocol::App(AppProto::Dns)
            && self.looks.iter().any(|look| look.buffer.buffer.name().starts_with("dns."))
    }
}

/// Whether a flow that carries `known` is one of what a rule names.
pub(super) fn is_app(named: Protocol, known: AppProto) -> bool {
    match named {
        Protocol::Http => matches!(known, AppProto::Http | AppProto::Http2),
        Protocol::App(AppProto::Dns) => matches!(known, AppProto::Dns | AppProto::Doh2),
        // A pipe of SMB carries the same calls.
        Protocol::App(AppProto::Dcerpc) => matches!(known, AppProto::Dcerpc | AppProto::Smb),
        Protocol::App(app) => app == known,
        Protocol::Ip
        | Protocol::Ipv4
        | Protocol::Ipv6
        | Protocol::Tcp
        | Protocol::TcpPacket
        | Protocol::TcpStream
        | Protocol::Udp
        | Protocol::Icmp
        | Protocol::Icmpv4
        | Protocol::Icmpv6
        | Protocol::Sctp
        | Protocol::Igmp
        | Protocol::Arp
        | Protocol::Ether
        | Protocol::PacketHeader => true,
    }
}
