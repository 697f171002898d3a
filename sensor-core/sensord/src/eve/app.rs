//! Records of application protocols: one line a transaction, under Suricata's event types.

use sensor_core::Told;
use sensor_core::applayer::Side;
use sensor_core::decode::ip_proto;
use sensor_core::flow::{Flow, community_id};
use sensor_core::json::Object;

use super::{address, proto_name, time};

/// Appends a transaction's line; `name` is its event type and the name of its object.
pub(super) fn transaction(line: &mut Vec<u8>, told: &Told<'_>, name: &str) {
    Object::write(line, |event| {
        header(event, told.flow, Side::ToServer, told.time, name);
        event.number("tx_id", told.id);
        event.object(name, |object| told.transaction.eve(object));
        event.text("community_id", community_id(told.flow));
    });
    line.push(b'\n');
}

/// What all events of a flow begin with; the source is who sent what goes to that side.
pub(super) fn header(event: &mut Object<'_>, flow: &Flow, side: Side, at: i64, name: &str) {
    let (client, server) = (flow.client(), flow.server());
    let ((source, source_port), (destination, destination_port)) =
        if side == Side::ToServer { (client, server) } else { (server, client) };
    quoted(event.raw("timestamp"), |out| time(out, at));
    event.number("flow_id", flow.id()).text("event_type", name);
    if flow.key.vlans.iter().any(|vlan| *vlan != 0) {
        event.array("vlan", |array| {
            for vlan in flow.key.vlans.iter().filter(|vlan| **vlan != 0) {
                array.number(*vlan);
            }
        });
    }
    quoted(event.raw("src_ip"), |out| address(out, source));
    if flow.has_ports() {
        event.number("src_port", source_port);
    }
    quoted(event.raw("dest_ip"), |out| address(out, destination));
    if flow.has_ports() {
        event.number("dest_port", destination_port);
    }
    event.number("ip_v", if flow.key.v6 { 6_u8 } else { 4 });
    match proto_name(flow.key.proto) {
        Some(proto) => event.text("proto", proto),
        None => event.display("proto", flow.key.proto),
    };
    if matches!(flow.key.proto, ip_proto::ICMP | ip_proto::ICMPV6) {
        event.number("icmp_type", flow.icmp.0).number("icmp_code", flow.icmp.1);
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}
