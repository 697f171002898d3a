//! The rows as a table in a terminal.

use std::io::{self, Write};

use sensor_wire::{Few, Row};

use crate::eve::{civil, proto_name};

/// Writes rows as a table, oldest first.
pub fn write_table(out: &mut impl Write, rows: &mut [Row]) -> io::Result<()> {
    rows.sort_by_key(|row| (row.first, row.id));
    writeln!(
        out,
        "{:<15}{:>12}{:>10}{:>8}  {:<28}{:>10}  {:<28}{:>10}  {:<34}PROTO",
        "UTC TIME", "BYTES", "PACKETS", "FLOWS", "SERVER", "PORT", "CLIENT", "PORT", "EVENTS"
    )?;
    for row in rows {
        let (_, month, day, second) = civil(row.first);
        let bytes = format!("{}{}", if row.estimate { "~" } else { "" }, row.bytes);
        let states = ["new", "established", "closed"];
        let states: Vec<&str> =
            states.into_iter().zip(row.states).filter(|(_, count)| *count > 0).map(|(name, _)| name).collect();
        writeln!(
            out,
            "{month:02}/{day:02} {:02}:{:02}:{:02} {bytes:>12}{:>10}{:>8}  {:<28}{:>10}  {:<28}{:>10}  {:<34}{}{}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            row.packets,
            row.flows,
            few(&row.servers, "servers"),
            few(&row.server_ports, "ports"),
            few(&row.clients, "clients"),
            few(&row.client_ports, "ports"),
            format!("flow: {}", states.join(", ")),
            row.proto,
            proto_name(row.proto).map(|name| format!(" {name}")).unwrap_or_default(),
        )?;
    }
    Ok(())
}

fn few<T: std::fmt::Display>(few: &Few<T>, what: &str) -> String {
    match few {
        Few::None => "-".into(),
        Few::One(value) => value.to_string(),
        Few::Many(count) => format!("{count} {what}"),
    }
}
