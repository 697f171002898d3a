//! Alerts in EVE, under Suricata's keys.

use sensor_core::Alerted;
use sensor_core::applayer::Side;
use sensor_core::flow::{CLIENT, Flow, SERVER, community_id};
use sensor_core::json::Object;
use sensor_core::rules::{Action, Rule};

use super::app::header;
use super::time;

/// Appends an alert's line.
pub(super) fn write(line: &mut Vec<u8>, alert: &Alerted<'_>, rule: &Rule) {
    Object::write(line, |event| {
        header(event, alert.flow, alert.side, alert.time, "alert");
        if let Some((_, id, _)) = alert.transaction {
            event.number("tx_id", id);
        }
        event.object("alert", |object| what(object, rule));
        if let Some((protocol, _, transaction)) = alert.transaction
            && let Some(name) = protocol.eve.and_then(|usual| transaction.record(usual))
        {
            event.object(name, |object| transaction.eve(object));
        }
        if let Some(app) = alert.flow.app {
            event.text("app_proto", app.name());
        }
        event.text("direction", if alert.side == Side::ToServer { "to_server" } else { "to_client" });
        event.object("flow", |object| flow(object, alert.flow));
        event.text("community_id", community_id(alert.flow));
    });
    line.push(b'\n');
}

fn what(object: &mut Object<'_>, rule: &Rule) {
    // Nothing is dropped here, whatever the rule says.
    let action = if rule.header.action == Action::Pass { "pass" } else { "allowed" };
    object.text("action", action);
    object.number("gid", rule.gid).number("signature_id", rule.sid).number("rev", rule.rev);
    object.text("signature", rule.msg.as_bytes());
    object.text("category", rule.classtype.as_deref().unwrap_or_default());
    object.number("severity", rule.priority.unwrap_or(DEFAULT_SEVERITY));
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

/// Of rules without a priority of their own or of their class.
const DEFAULT_SEVERITY: u32 = 3;
