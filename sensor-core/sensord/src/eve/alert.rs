//! Alerts in EVE, under Suricata's keys.

use sensor_core::applayer::Side;
use sensor_core::decode::{TcpFlags, ip_proto};
use sensor_core::detect::Kept;
use sensor_core::flow::{CLIENT, Flow, SERVER, community_id};
use sensor_core::json::Object;
use sensor_core::rules::ast::Scope;
use sensor_core::rules::{Action, Rule, Ruleset};
use sensor_core::{Alerted, Dropped};

use super::app::{header, packet_header};
use super::time;

/// Appends an alert's line.
pub(super) fn write(line: &mut Vec<u8>, alert: &Alerted<'_>, rule: &Rule, rules: &Ruleset) {
    Object::write(line, |event| {
        match alert.flow {
            Some(of) => header(event, of, alert.side, alert.time, "alert"),
            None => packet_header(event, alert.packet, alert.time, "alert"),
        }
        if let Some(packet) = alert.packet {
            event.number("pcap_cnt", packet.number);
        }
        if let Some((_, id, _)) = alert.transaction {
            event.number("tx_id", id);
        }
        event.object("alert", |object| {
            what(object, rule, rules, alert.action);
            let mut context = alert.kept.values(Scope::Alert).peekable();
            if context.peek().is_some() {
                object.object("context", |object| {
                    for (name, value) in context {
                        object.text(name, value);
                    }
                });
            }
        });
        if !alert.kept.is_empty() {
            kept(event, &alert.kept);
        }
        if let Some((protocol, _, transaction)) = alert.transaction
            && let Some(name) = protocol.eve.and_then(|usual| transaction.record(usual))
        {
            event.object(name, |object| transaction.eve(object));
            transaction.beside(event);
        }
        let Some(of) = alert.flow else { return };
        if let Some(app) = of.app {
            event.text("app_proto", app.name());
        }
        event.text("direction", if alert.side == Side::ToServer { "to_server" } else { "to_client" });
        event.object("flow", |object| flow(object, of));
        event.text("community_id", community_id(of));
    });
    line.push(b'\n');
}

/// Appends the line of a packet that is dropped.
pub(super) fn dropped(line: &mut Vec<u8>, dropped: &Dropped<'_>, rules: &Ruleset) {
    let Dropped { flow, packet, side, reason, rule } = dropped;
    Object::write(line, |event| {
        header(event, flow, *side, packet.time, "drop");
        event.number("pcap_cnt", packet.number);
        event.object("drop", |object| {
            object.number("len", packet.transport.len() + packet.ip_header.len());
            object.number("ttl", packet.ttl).number("ipid", packet.ip_id);
            if packet.proto == ip_proto::TCP {
                let tcp = &packet.tcp;
                object.number("tcpseq", tcp.seq).number("tcpack", tcp.ack).number("tcpwin", tcp.window);
                object.number("tcpurgp", tcp.urgent);
                for (name, flag) in DROP_FLAGS {
                    object.boolean(name, tcp.flags.has(flag));
                }
            }
            object.text("reason", reason.name());
        });
        if let Some(app) = flow.app {
            event.text("app_proto", app.name());
        }
        if let Some(compiled) = rule
            && let Some(rule) = rules.rules().get(compiled.rule as usize)
        {
            event.object("alert", |object| what(object, rule, rules, Action::Drop));
        }
        event.text("direction", if *side == Side::ToServer { "to_server" } else { "to_client" });
        event.text("community_id", community_id(flow));
    });
    line.push(b'\n');
}

/// The flags a dropped packet's record names.
const DROP_FLAGS: [(&str, u8); 6] = [
    ("syn", TcpFlags::SYN),
    ("ack", TcpFlags::ACK),
    ("psh", TcpFlags::PSH),
    ("rst", TcpFlags::RST),
    ("urg", TcpFlags::URG),
    ("fin", TcpFlags::FIN),
];

fn what(object: &mut Object<'_>, rule: &Rule, rules: &Ruleset, action: Action) {
    object.text("action", if matches!(action, Action::Alert | Action::Pass) { "allowed" } else { "blocked" });
    object.number("gid", rule.gid).number("signature_id", rule.sid).number("rev", rule.rev);
    object.text("signature", rule.msg.as_bytes());
    let class = rules.class(rule).map(|class| &*class.description).or(rule.classtype.as_deref());
    object.text("category", class.unwrap_or_default());
    object.number("severity", rules.priority(rule));
    if !rule.metadata.is_empty() {
        object.object("metadata", |object| {
            for (place, (key, _)) in rule.metadata.iter().enumerate() {
                // A key stands once, with all of its values.
                if rule.metadata.iter().take(place).any(|(before, _)| before == key) {
                    continue;
                }
                object.array(key, |array| {
                    for (_, value) in rule.metadata.iter().filter(|(other, _)| other == key) {
                        array.text(value.as_bytes());
                    }
                });
            }
        });
    }
}

/// What rules have kept of the flow and of the packet. A bit of the form `traffic/id/name` or `traffic/label/name` says
/// what the flow is.
fn kept(event: &mut Object<'_>, kept: &Kept<'_>) {
    let bits = || kept.bits().filter(|bit| !bit.starts_with(TRAFFIC));
    event.object("metadata", |object| {
        if bits().next().is_some() {
            object.array("flowbits", |array| {
                for bit in bits() {
                    array.text(bit);
                }
            });
        }
        for (key, scope) in [("flowvars", Scope::Flow), ("pktvars", Scope::Packet)] {
            if kept.values(scope).next().is_some() {
                object.array(key, |array| {
                    for (name, value) in kept.values(scope) {
                        array.object(|object| {
                            object.text(name, value);
                        });
                    }
                });
            }
        }
        if kept.ints().next().is_some() {
            object.object("flowints", |object| {
                for (name, value) in kept.ints() {
                    object.number(name, value);
                }
            });
        }
    });
    let of = |kind: &'static str| kept.bits().filter_map(move |bit| bit.strip_prefix(TRAFFIC)?.strip_prefix(kind));
    let is_told = of("id/").chain(of("label/")).next().is_some();
    if is_told {
        event.object("traffic", |object| {
            for (key, kind) in [("id", "id/"), ("label", "label/")] {
                if of(kind).next().is_some() {
                    object.array(key, |array| {
                        for name in of(kind) {
                            array.text(name);
                        }
                    });
                }
            }
        });
    }
}

/// How bits begin that say what a flow is.
const TRAFFIC: &str = "traffic/";

fn flow(object: &mut Object<'_>, flow: &Flow) {
    let [client, server] = [&flow.sides[CLIENT], &flow.sides[SERVER]];
    object.number("pkts_toserver", client.packets).number("pkts_toclient", server.packets);
    object.number("bytes_toserver", client.frame_bytes).number("bytes_toclient", server.frame_bytes);
    let out = object.raw("start");
    out.push(b'"');
    time(out, flow.first);
    out.push(b'"');
}
