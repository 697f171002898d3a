//! The rows as a table in a terminal.

use std::io::{self, Write};

use sensor_wire::{Few, Row, RowKind};

use crate::eve::{civil, proto_name};

/// Writes rows as a table, oldest first.
pub fn write_table(out: &mut impl Write, rows: &mut [Row]) -> io::Result<()> {
    rows.sort_by_key(|row| (row.first, row.id));
    writeln!(
        out,
        "{:<15}{:>12}{:>10}{:>8}  {:<28}{:>10}  {:<28}{:>10}  {:<50}PROTO",
        "UTC TIME", "BYTES", "PACKETS", "FLOWS", "SERVER", "PORT", "CLIENT", "PORT", "EVENTS"
    )?;
    for row in rows {
        let (_, month, day, second) = civil(row.first);
        let bytes = format!("{}{}", if row.estimate { "~" } else { "" }, row.bytes);
        writeln!(
            out,
            "{month:02}/{day:02} {:02}:{:02}:{:02} {bytes:>12}{:>10}{:>8}  {:<28}{:>10}  {:<28}{:>10}  {:<49.49} {}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            row.packets,
            row.flows,
            few(&row.servers, "servers"),
            few(&row.server_ports, "ports"),
            few(&row.clients, "clients"),
            few(&row.client_ports, "ports"),
            events(row),
            protocol(row.proto),
        )?;
    }
    Ok(())
}

/// The first of a record's messages with what it is of, how often it came and how many others there are; or the states
/// of the flows of a row that has none.
fn events(row: &Row) -> String {
    if let Some(first) = row.events.first() {
        let kind = match (row.kind, first.severity) {
            (RowKind::Discovery, _) => "SVC ",
            (RowKind::Alert, ..=1) => "[H] ",
            (RowKind::Alert, 2) => "[M] ",
            (RowKind::Alert, 3) => "[L] ",
            (RowKind::Alert, _) => "[I] ",
            (RowKind::Flow | RowKind::Syslog | RowKind::Incident, _) => "",
        };
        let count = if first.count > 1 { format!(" x{}", first.count) } else { String::new() };
        let more = match row.events.len() - 1 {
            0 => String::new(),
            more => format!(" (+{more})"),
        };
        // How often and how many more is not to be cut off.
        let room = EVENTS - (kind.len() + count.len() + more.len()).min(EVENTS);
        return format!("{kind}{:.room$}{count}{more}", first.message);
    }
    let states = ["new", "established", "closed"].into_iter().zip(row.states).filter(|(_, count)| *count > 0);
    format!("flow: {}", states.map(|(name, _)| name).collect::<Vec<_>>().join(", "))
}

/// Number and name; discovery may be about no protocol.
fn protocol(proto: u8) -> String {
    match (proto, proto_name(proto)) {
        (0, _) => "-".into(),
        (_, Some(name)) => format!("{proto} {name}"),
        (_, None) => proto.to_string(),
    }
}

fn few<T: std::fmt::Display>(few: &Few<T>, what: &str) -> String {
    match few {
        Few::None => "-".into(),
        Few::One(value) => value.to_string(),
        Few::Many(count) => format!("{count} {what}"),
    }
}

/// Characters of the events.
const EVENTS: usize = 49;
