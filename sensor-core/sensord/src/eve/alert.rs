//! Alerts in EVE, under Suricata's keys.

use sensor_core::applayer::Side;
use sensor_core::decode::{TcpFlags, ip_proto};
use sensor_core::flow::{CLIENT, Flow, SERVER, community_id};
use sensor_core::json::Object;
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
        event.object("alert", |object| what(object, rule, rules, alert.action));
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

fn flow(object: &mut Object<'_>, flow: &Flow) {
    let [client, server] = [&flow.sides[CLIENT], &flow.sides[SERVER]];
    object.number("pkts_toserver", client.packets).number("pkts_toclient", server.packets);
    object.number("bytes_toserver", client.frame_bytes).number("bytes_toclient", server.frame_bytes);
    let out = object.raw("start");
    out.push(b'"');
    time(out, flow.first);
    out.push(b'"');
}
