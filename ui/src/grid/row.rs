//! What a row says in each of its cells, and what it adds when one points at them.

use std::fmt::Display;

use sensor_wire::request::ValueColumn;
use sensor_wire::view::{Column, ViewRow};
use sensor_wire::{Few, RowKind};

use crate::format;

/// A cell's text and the classes that colour it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// CSS classes beside `cell`.
    pub class: &'static str,
}

/// The events cell: a badge, a line, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// Letter of the severity, or the kind of record; empty for a flow without an event.
    pub badge: &'static str,
    /// Class of the badge: its colour and its shape.
    pub badge_class: &'static str,
    /// The worst message, or what the flow is.
    pub text: String,
    /// `×306`, and how many more messages there are.
    pub count: String,
}

/// What stands in a cell. The events cell has its own form: [`events`].
pub fn cell(row: &ViewRow, column: Column) -> Cell {
    match column {
        Column::Time => plain(format::time(row.first, row.utc_offset)),
        Column::Sensor => plain(row.sensor.clone()),
        Column::Rank => rank(row.rank),
        // Discovery, syslog and the like are about no flows of their own.
        Column::Bytes | Column::Packets | Column::Flows if row.flows == 0 => none(),
        Column::Bytes => {
            let estimate = if row.estimate { "~" } else { "" };
            plain(format!("{estimate}{}", format::bytes(row.bytes)))
        }
        Column::Packets => plain(format::grouped(row.packets)),
        Column::Flows => plain(format::grouped(row.flows.into())),
        Column::Server => few(&row.servers, "server"),
        Column::ServerPort => few(&row.server_ports, "port"),
        Column::Client => few(&row.clients, "client"),
        Column::ClientPort => few(&row.client_ports, "port"),
        Column::Events => plain(events(row).text),
        Column::Proto if row.proto == 0 && row.flows == 0 => none(),
        Column::Proto => plain(row.proto.to_string()),
    }
}

/// The line under an address; empty where there is none.
pub fn note(row: &ViewRow, column: Column) -> &str {
    match column {
        Column::Server => &row.server_note,
        Column::Client => &row.client_note,
        _ => "",
    }
}

/// What the events cell says.
pub fn events(row: &ViewRow) -> Events {
    let Some(worst) = row.events.iter().min_by_key(|e| e.severity) else {
        return Events { badge: "", badge_class: "badge none", text: flow_line(row), count: String::new() };
    };
    let (badge, badge_class) = badge(row.kind, worst.severity);
    let mut count = if worst.count > 1 { format!("×{}", format::grouped(worst.count.into())) } else { String::new() };
    let more = row.events.len() - 1;
    if more > 0 {
        if !count.is_empty() {
            count.push(' ');
        }
        count.push_str(&format!("+{more} more"));
    }
    Events { badge, badge_class, text: worst.message.clone(), count }
}

/// Letter and class of a message's badge: severity is a letter, a shape and a colour.
pub fn badge(kind: RowKind, severity: u8) -> (&'static str, &'static str) {
    match (kind, severity) {
        (RowKind::Incident, _) => ("INC", "badge sev1"),
        (RowKind::Discovery, _) => ("SVC", "badge svc"),
        (RowKind::Syslog, _) => ("LOG", "badge log"),
        (RowKind::Flow | RowKind::Alert, 0 | 1) => ("H", "badge sev1"),
        (RowKind::Flow | RowKind::Alert, 2) => ("M", "badge sev2"),
        (RowKind::Flow | RowKind::Alert, 3) => ("L", "badge sev3"),
        (RowKind::Flow | RowKind::Alert, _) => ("I", "badge sev4"),
    }
}

/// The row's class: what marks its left edge.
pub fn class(row: &ViewRow) -> &'static str {
    let worst = row.events.iter().map(|e| e.severity).min();
    match (row.kind, worst) {
        (RowKind::Incident, _) => "row edge1",
        (_, Some(0 | 1)) => "row edge1",
        (_, Some(2)) => "row edge2",
        (_, Some(_) | None) => "row",
    }
}

/// What a pointer that rests on a cell is told.
pub fn hint(row: &ViewRow, column: Column) -> String {
    match column {
        Column::Time => format!(
            "first packet {}\nlast packet {}\nshown at {}",
            format::utc(row.first),
            format::utc(row.last),
            format::offset(row.utc_offset)
        ),
        Column::Sensor => format!("Seen by {}", row.sensor),
        Column::Rank => match row.rank {
            None => "No information about this row's addresses".into(),
            Some(0) => "0: evidence for and against cancels out".into(),
            Some(rank) if rank > 0 => format!("+{rank} of 100: evidence against these addresses"),
            Some(rank) => format!("−{} of 100: evidence in favour of these addresses", rank.unsigned_abs()),
        },
        Column::Bytes | Column::Packets | Column::Flows | Column::Proto if cell(row, column) == none() => {
            "This record is about no flow".into()
        }
        Column::Bytes => {
            let mut hint = format!(
                "{} bytes of payload\n{} bytes in whole frames",
                format::grouped(row.bytes),
                format::grouped(row.frame_bytes)
            );
            if row.estimate {
                hint.push_str("\nAn estimate: a flow began before the capture, or its sequence numbers have gaps");
            }
            hint
        }
        Column::Packets => format!("{} in both directions", format::counted(row.packets, "packet")),
        Column::Flows => match row.open {
            0 => format!("{}, none open", format::counted(row.flows.into(), "flow")),
            open => format!("{}, {} open", format::counted(row.flows.into(), "flow"), format::grouped(open.into())),
        },
        Column::Server | Column::ServerPort | Column::Client | Column::ClientPort => match cell(row, column) {
            Cell { text, class: "link" } => format!("Show the {text}"),
            Cell { class: "faint", .. } if row.flows == 0 => "This record names none".into(),
            Cell { class: "faint", .. } => format!("{} has no ports", format::proto_short(row.proto)),
            Cell { text, .. } => text,
        },
        Column::Events if row.events.is_empty() => flow_line(row),
        Column::Events => row
            .events
            .iter()
            .map(|e| format!("severity {}: {} ×{}", e.severity, e.message, format::grouped(e.count.into())))
            .collect::<Vec<_>>()
            .join("\n"),
        Column::Proto => format::proto(row.proto).map_or_else(|| format!("IP protocol {}", row.proto), Into::into),
    }
}

/// What a copy of a cell puts on the clipboard: the exact value, not its short form.
pub fn copied(row: &ViewRow, column: Column) -> String {
    match column {
        Column::Time => format::utc(row.first),
        Column::Bytes => row.bytes.to_string(),
        Column::Packets => row.packets.to_string(),
        Column::Flows => row.flows.to_string(),
        Column::Rank => row.rank.map(|r| r.to_string()).unwrap_or_default(),
        Column::Events if !row.events.is_empty() => {
            row.events.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join("\n")
        }
        Column::Sensor
        | Column::Server
        | Column::ServerPort
        | Column::Client
        | Column::ClientPort
        | Column::Events
        | Column::Proto => cell(row, column).text,
    }
}

/// The list behind a cell, where it stands for several values: which, and how many.
pub fn values(row: &ViewRow, column: Column) -> Option<(ValueColumn, u32)> {
    let (values, count) = match column {
        Column::Server => (ValueColumn::Server, many(&row.servers)),
        Column::ServerPort => (ValueColumn::ServerPort, many(&row.server_ports)),
        Column::Client => (ValueColumn::Client, many(&row.clients)),
        Column::ClientPort => (ValueColumn::ClientPort, many(&row.client_ports)),
        Column::Time
        | Column::Sensor
        | Column::Rank
        | Column::Bytes
        | Column::Packets
        | Column::Flows
        | Column::Events
        | Column::Proto => return None,
    };
    count.map(|count| (values, count))
}

/// The noun a list's values go by.
pub fn noun(column: ValueColumn) -> &'static str {
    match column {
        ValueColumn::Server => "server",
        ValueColumn::Client => "client",
        ValueColumn::ServerPort => "server port",
        ValueColumn::ClientPort => "client port",
    }
}

fn none() -> Cell {
    Cell { text: "–".into(), class: "faint" }
}

fn plain(text: String) -> Cell {
    Cell { text, class: "" }
}

fn rank(rank: Option<i8>) -> Cell {
    match rank {
        None => Cell { text: "·".into(), class: "rank-none" },
        Some(0) => Cell { text: "◇ 0".into(), class: "rank-zero" },
        Some(rank) if rank > 0 => Cell { text: format!("▲ +{rank}"), class: "rank-up" },
        Some(rank) => Cell { text: format!("▼ −{}", rank.unsigned_abs()), class: "rank-down" },
    }
}

fn few<T: Display>(few: &Few<T>, noun: &str) -> Cell {
    match few {
        Few::None => Cell { text: "–".into(), class: "faint" },
        Few::One(value) => plain(value.to_string()),
        Few::Many(n) => Cell { text: format::counted((*n).into(), noun), class: "link" },
    }
}

fn many<T>(few: &Few<T>) -> Option<u32> {
    match few {
        Few::Many(n) => Some(*n),
        Few::None | Few::One(_) => None,
    }
}

/// `flow · dns · established`: what a flow without an event is.
fn flow_line(row: &ViewRow) -> String {
    let what = if row.app_protos.is_empty() { format::proto_short(row.proto) } else { row.app_protos.join(", ") };
    let named: Vec<(u32, &str)> =
        row.states.into_iter().zip(["new", "established", "closed"]).filter(|(count, _)| *count > 0).collect();
    let states = match named.as_slice() {
        [] => return format!("flow · {what}"),
        [(_, name)] => (*name).to_owned(),
        several => several
            .iter()
            .map(|(count, name)| format!("{} {name}", format::grouped((*count).into())))
            .collect::<Vec<_>>()
            .join(", "),
    };
    format!("flow · {what} · {states}")
}

#[cfg(test)]
pub(crate) mod tests {
    use sensor_wire::row::EventMessage;
    use sensor_wire::view::RowKey;

    use super::*;

    pub(crate) fn sweep() -> ViewRow {
        ViewRow {
            key: RowKey { source: 1, row: 7 },
            rev: 1,
            kind: RowKind::Flow,
            sensor: "hq-core".into(),
            first: 1_700_000_000_000_000_001,
            last: 1_700_000_009_000_000_000,
            utc_offset: 3_600,
            rank: None,
            bytes: 18_200,
            frame_bytes: 60_000,
            estimate: false,
            packets: 1_612,
            flows: 306,
            open: 2,
            servers: Few::Many(306),
            clients: Few::One("10.0.9.77".parse::<std::net::IpAddr>().unwrap().into()),
            server_ports: Few::One(445),
            client_ports: Few::Many(300),
            app_protos: vec!["smb".into()],
            states: [300, 0, 6],
            events: Vec::new(),
            proto: 6,
            server_note: String::new(),
            client_note: String::new(),
        }
    }

    fn text(row: &ViewRow, column: Column) -> String {
        cell(row, column).text
    }

    #[test]
    fn a_sweep_reads_as_one() {
        let row = sweep();
        assert_eq!(text(&row, Column::Time), "11/14 23:13:20");
        assert_eq!(text(&row, Column::Server), "306 servers");
        assert_eq!(text(&row, Column::ServerPort), "445");
        assert_eq!(text(&row, Column::Client), "10.0.9.77");
        assert_eq!(text(&row, Column::ClientPort), "300 ports");
        assert_eq!(text(&row, Column::Packets), "1,612");
        assert_eq!(events(&row).text, "flow · smb · 300 new, 6 closed");
        assert_eq!(values(&row, Column::Server), Some((ValueColumn::Server, 306)));
        assert_eq!(values(&row, Column::Client), None);
    }

    #[test]
    fn an_estimate_is_marked_and_explained() {
        let mut row = sweep();
        assert_eq!(text(&row, Column::Bytes), "18.2 KB");
        row.estimate = true;
        assert_eq!(text(&row, Column::Bytes), "~18.2 KB");
        assert!(hint(&row, Column::Bytes).contains("18,200 bytes of payload"));
        assert!(hint(&row, Column::Bytes).contains("estimate"));
        assert_eq!(copied(&row, Column::Bytes), "18200");
    }

    #[test]
    fn the_four_kinds_of_rank_differ_without_colour() {
        let ranks = [None, Some(0), Some(84), Some(-40)].map(|r| rank(r).text);
        assert_eq!(ranks, ["·", "◇ 0", "▲ +84", "▼ −40"]);
    }

    #[test]
    fn icmp_has_no_ports() {
        let mut row = sweep();
        row.proto = 1;
        row.server_ports = Few::None;
        assert_eq!(text(&row, Column::ServerPort), "–");
        assert_eq!(hint(&row, Column::ServerPort), "icmp has no ports");
        assert!(hint(&row, Column::Proto).starts_with("ICMP"));
    }

    #[test]
    fn the_worst_message_leads() {
        let mut row = sweep();
        let message =
            |severity, message: &str, count| EventMessage { count, ..EventMessage::new(severity, message.into()) };
        row.kind = RowKind::Alert;
        row.events = vec![message(3, "minor", 1), message(1, "major", 306)];
        let events = events(&row);
        assert_eq!((events.badge, events.text.as_str(), events.count.as_str()), ("H", "major", "×306 +1 more"));
        assert_eq!(class(&row), "row edge1");
        row.events.truncate(1);
        assert_eq!(class(&row), "row");
        assert_eq!(self::events(&row).count, "");
    }

    #[test]
    fn a_single_state_needs_no_count() {
        let mut row = sweep();
        row.states = [0, 1, 0];
        row.app_protos.clear();
        assert_eq!(flow_line(&row), "flow · tcp · established");
        row.states = [0; 3];
        assert_eq!(flow_line(&row), "flow · tcp");
    }
}
