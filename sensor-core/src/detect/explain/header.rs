//! The first field of a rule's header that does not fit.

use std::net::Ipv6Addr;

use sensor_wire::explain::Excluding;

use super::asked::Asked;
use crate::applayer::{AppProto, Side};
use crate::decode::ip_proto;
use crate::detect::compile::Rules;
use crate::detect::compiled::Compiled;
use crate::detect::view::{FlowView, SIDES, Scene, index};
use crate::rules::{Direction, Protocol};

/// What does not fit, and how.
pub(super) type Fault = (Excluding, String);

/// Of the packet, or the direction, at hand.
pub(super) fn fault(rules: &Rules, asked: &Asked, rule: &Compiled, scene: &Scene<'_>) -> Option<Fault> {
    let v6 = scene.packet.map(|view| view.packet.v6);
    let protocol = protocol(rule, scene.flow, v6);
    protocol.or_else(|| ends(rules, asked, rule, scene.addresses(), scene.ports()).map(|(_, fault)| fault))
}

/// Of a flow as a whole: what fits one direction that the rule may be about will do.
pub(super) fn fault_of_flow(rules: &Rules, asked: &Asked, rule: &Compiled, flow: &FlowView, v6: bool) -> Option<Fault> {
    if let Some(fault) = protocol(rule, flow, Some(v6)) {
        return Some(fault);
    }
    let mut furthest: Option<(usize, Fault)> = None;
    let ways = SIDES.into_iter().filter(|side| rule.side.is_none_or(|of| of == *side));
    for side in ways {
        let scene = Scene { flow, side, time: flow.first, packet: None };
        let silent = flow.packets.get(index(side)).is_none_or(|packets| *packets == 0);
        let found = match ends(rules, asked, rule, scene.addresses(), scene.ports()) {
            None if silent => {
                let why = format!("nothing went {}", way(side));
                (4, (Excluding::Direction, why))
            }
            None => return None,
            Some(fault) => fault,
        };
        if furthest.as_ref().is_none_or(|(known, _)| *known < found.0) {
            furthest = Some(found);
        }
    }
    furthest.map(|(_, fault)| fault)
}

fn protocol(rule: &Compiled, flow: &FlowView, v6: Option<bool>) -> Option<Fault> {
    let asked = rule.head.protocol;
    let version = [(Protocol::Ipv4, false), (Protocol::Ipv6, true)].into_iter().find(|(of, _)| *of == asked);
    if rule.is_of_flow(flow) && version.is_none_or(|(_, wanted)| v6 == Some(wanted)) {
        return None;
    }
    let is = match (asked.is_app(), flow.app) {
        (false, _) => match v6 {
            Some(true) if asked == Protocol::Ipv4 => "is IPv6".into(),
            Some(false) if asked == Protocol::Ipv6 => "is IPv4".into(),
            _ => format!("is {}", ip_name(flow.proto)),
        },
        (true, Some(app)) => format!("carries {}", app.name()),
        (true, None) => "carries nothing that was recognised yet".into(),
    };
    Some((Excluding::Protocol, format!("the rule is about {}, the flow {is}", asked.name())))
}

/// How many fields fit before the one that does not, and that.
fn ends(
    rules: &Rules,
    asked: &Asked,
    rule: &Compiled,
    addresses: (u128, u128),
    ports: (u16, u16),
) -> Option<(usize, Fault)> {
    let header = &asked.rule.header;
    let one = |addresses: (u128, u128), ports: (u16, u16)| {
        let first = rules.fits(&rule.head, addresses, ports).into_iter().position(|fits| !fits)?;
        let (by, why) = match first {
            0 => (Excluding::Source, format!("source {} is not in {}", address(addresses.0), header.source)),
            1 => (Excluding::SourcePort, format!("source port {} is not in {}", ports.0, header.source_ports)),
            2 => {
                let why = format!("destination {} is not in {}", address(addresses.1), header.destination);
                (Excluding::Destination, why)
            }
            _ => {
                let why = format!("destination port {} is not in {}", ports.1, header.destination_ports);
                (Excluding::DestinationPort, why)
            }
        };
        Some((first, (by, why)))
    };
    let forward = one(addresses, ports)?;
    if header.direction != Direction::Both {
        return Some(forward);
    }
    let backward = one((addresses.1, addresses.0), (ports.1, ports.0))?;
    Some(if backward.0 > forward.0 { backward } else { forward })
}

/// The buffer that the protocol of a flow does not have.
pub(super) fn buffer_of_others(rule: &Compiled, app: Option<AppProto>) -> Option<Fault> {
    let carries = app.map_or("nothing that was recognised", AppProto::name);
    rule.looks.iter().find_map(|look| {
        let owners = look.buffer.buffer.owner()?;
        if app.is_some_and(|app| owners.contains(&app.name())) {
            return None;
        }
        let why =
            format!("{} is a buffer of {}, the flow carries {carries}", look.buffer.buffer.name(), owners.first()?);
        Some((Excluding::Buffers, why))
    })
}

/// An event that only another protocol has.
pub(super) fn event_of_others(rule: &Compiled, app: Option<AppProto>) -> Option<Fault> {
    let (of, _) = rule.events.iter().find(|(of, _)| Some(*of) != app)?;
    let carries = app.map_or("nothing that was recognised", AppProto::name);
    Some((Excluding::Buffers, format!("the event is one of {}, the flow carries {carries}", of.name())))
}

pub(super) fn way(side: Side) -> &'static str {
    match side {
        Side::ToServer => "to_server",
        Side::ToClient => "to_client",
    }
}

pub(super) fn address(bits: u128) -> String {
    Ipv6Addr::from_bits(bits).to_canonical().to_string()
}

pub(super) fn ip_name(proto: u8) -> String {
    match proto {
        ip_proto::TCP => "tcp".into(),
        ip_proto::UDP => "udp".into(),
        ip_proto::ICMP => "icmp".into(),
        ip_proto::ICMPV6 => "icmpv6".into(),
        ip_proto::SCTP => "sctp".into(),
        ip_proto::IGMP => "igmp".into(),
        other => format!("IP protocol {other}"),
    }
}
