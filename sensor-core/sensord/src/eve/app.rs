//! Records of application protocols: one line a transaction, under Suricata's event types.

use sensor_core::Told;
use sensor_core::applayer::Side;
use sensor_core::applayer::parser::FileState;
use sensor_core::decode::{Packet, ip_proto};
use sensor_core::flow::{Flow, community_id, ip_of};
use sensor_core::json::Object;

use super::{address, proto_name, time};

/// Appends a transaction's line; `name` is its event type and the name of its object.
pub(super) fn transaction(line: &mut Vec<u8>, told: &Told<'_>, name: &str) {
    Object::write(line, |event| {
        header(event, told.flow, told.transaction.record_side(), told.time, name);
        event.number("tx_id", told.id);
        event.object(name, |object| told.transaction.eve(object));
        told.transaction.beside(event);
        event.text("community_id", community_id(told.flow));
    });
    line.push(b'\n');
}

/// Appends the line of each file of a transaction.
pub(super) fn files(line: &mut Vec<u8>, told: &Told<'_>, name: &str) {
    for (place, file) in told.transaction.files().iter().enumerate() {
        let side = if file.to_client { Side::ToClient } else { Side::ToServer };
        Object::write(line, |event| {
            header(event, told.flow, side, told.time, "fileinfo");
            event.object(name, |object| told.transaction.eve(object));
            event.text("app_proto", told.protocol.app.name());
            event.object("fileinfo", |object| {
                object.text("filename", file.name.as_slice()).boolean("gaps", file.gaps);
                object.text("state", if file.state == FileState::Closed { "CLOSED" } else { "TRUNCATED" });
                if let Some((md5, sha1, sha256)) = file.digests() {
                    object.hex("md5", &md5).hex("sha1", &sha1).hex("sha256", &sha256);
                }
                object.boolean("stored", false).number("size", file.size).number("tx_id", told.id);
                object.number("file_id", place + 1);
            });
            event.text("community_id", community_id(told.flow));
        });
        line.push(b'\n');
    }
}

/// Appends the line of each thing that was odd about a transaction.
pub(super) fn anomalies(line: &mut Vec<u8>, told: &Told<'_>) {
    for event_name in told.transaction.events().iter().filter_map(|event| told.protocol.events.get(usize::from(event)))
    {
        Object::write(line, |event| {
            header(event, told.flow, told.transaction.record_side(), told.time, "anomaly");
            event.number("tx_id", told.id);
            event.object("anomaly", |object| {
                object.text("app_proto", told.protocol.app.name()).text("type", "applayer");
                object.text("event", event_name.to_ascii_uppercase()).text("layer", "proto_parser");
            });
            event.text("community_id", community_id(told.flow));
        });
        line.push(b'\n');
    }
}

/// What an event of no flow begins with: of a packet, or of a frame that holds none.
pub(super) fn packet_header(event: &mut Object<'_>, packet: Option<&Packet<'_>>, at: i64, name: &str) {
    quoted(event.raw("timestamp"), |out| time(out, at));
    event.text("event_type", name);
    let Some(packet) = packet.filter(|packet| packet.proto != 0) else { return };
    quoted(event.raw("src_ip"), |out| address(out, ip_of(packet.source, packet.v6)));
    quoted(event.raw("dest_ip"), |out| address(out, ip_of(packet.destination, packet.v6)));
    if matches!(packet.proto, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP) {
        event.number("src_port", packet.source_port).number("dest_port", packet.destination_port);
    }
    event.number("ip_v", if packet.v6 { 6_u8 } else { 4 });
    match proto_name(packet.proto) {
        Some(proto) => event.text("proto", proto),
        None => event.display("proto", packet.proto),
    };
    if matches!(packet.proto, ip_proto::ICMP | ip_proto::ICMPV6) {
        event.number("icmp_type", packet.icmp.0).number("icmp_code", packet.icmp.1);
    }
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
