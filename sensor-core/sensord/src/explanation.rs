//! An explanation as text: a rule's options one a line, with what came of each.

use std::io::{self, Write};

use sensor_wire::explain::{Asked, Attempt, Beside, Explanation, FlowTried, Found, Outcome, Place, Step, StepState};

use crate::eve::{civil, proto_name};

/// Writes it.
pub fn write(out: &mut impl Write, told: &Explanation) -> io::Result<()> {
    let Explanation { gid, sid, rev, message, file, line, counts, .. } = told;
    writeln!(out, "rule {gid}:{sid} rev {rev}  {message}")?;
    writeln!(out, "  {file}:{line}{}", if told.off { ", switched off there; it was run all the same" } else { "" })?;
    beside(out, &told.beside)?;
    writeln!(
        out,
        "{}: the header fits {}, everything held in {}, told of {} ({})",
        count(counts.flows, "flow"),
        counts.met,
        counts.matched,
        counts.told,
        count(counts.alerts, "alert")
    )?;
    for excluded in told.excluded.iter().take(MOST_REASONS) {
        let such = if excluded.flows > 1 { ", for example" } else { "" };
        writeln!(out, "  {:>8} not looked at closer{such}: {}", excluded.flows, excluded.why)?;
    }
    for flow in &told.flows {
        writeln!(out)?;
        write_flow(out, told, flow)?;
    }
    if counts.left_out > 0 {
        writeln!(out, "\n{} not listed", count(counts.left_out, "flow"))?;
    }
    Ok(())
}

fn beside(out: &mut impl Write, beside: &[Beside]) -> io::Result<()> {
    let named = |it: &Beside| {
        let refused = if it.refused.is_empty() { String::new() } else { format!("; could not run: {}", it.refused) };
        format!("{}:{} ({}{refused})", it.gid, it.sid, it.why)
    };
    let shown: Vec<_> = beside.iter().take(MOST_BESIDE).map(named).collect();
    if !shown.is_empty() {
        let rest = beside.len() - shown.len();
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        writeln!(out, "  beside it ran {}{rest}", shown.join(", "))?;
    }
    Ok(())
}

fn write_flow(out: &mut impl Write, told: &Explanation, flow: &FlowTried) -> io::Result<()> {
    if flow.id == 0 {
        write!(out, "packets of no flow")?;
    } else {
        let proto = proto_name(flow.proto).map_or_else(|| flow.proto.to_string(), str::to_lowercase);
        let (client, server) = (end(&flow.client, flow.client_port), end(&flow.server, flow.server_port));
        write!(out, "flow {}  {proto} {client} -> {server}  {}", flow.id, flow.app)?;
    }
    match (&flow.excluded, flow.attempts) {
        (Some(excluded), _) => return writeln!(out, "\n  ✗ {}", excluded.why),
        (None, attempts) => {
            let (tried, held) = (count(attempts, "attempt"), flow.matched);
            writeln!(out, "  {tried}, {held} held, {}", count(flow.alerts, "alert"))?;
        }
    }
    match &flow.best {
        None => writeln!(out, "  too many flows were open to keep how far it got"),
        Some(attempt) => write_attempt(out, told, attempt),
    }
}

fn write_attempt(out: &mut impl Write, told: &Explanation, attempt: &Attempt) -> io::Result<()> {
    let what = match attempt.place {
        Place::Packet => "packet".to_owned(),
        Place::Stream => "stream".to_owned(),
        Place::Frame(id) => format!("frame {id}"),
        Place::Transaction(id) => format!("transaction {id}"),
    };
    let when = match attempt.frame {
        Some(frame) => format!("frame {frame}, {}", time(attempt.time)),
        None => "the capture's end".to_owned(),
    };
    let way = if attempt.to_client { "to_client" } else { "to_server" };
    let outcome = match attempt.outcome {
        Outcome::Told => "alert",
        Outcome::Silent => "held, not told",
        Outcome::Failed => "furthest attempt",
    };
    write!(out, "  {outcome} at {when}: {what}, {way}")?;
    writeln!(out, "{}{}", if attempt.why.is_empty() { "" } else { ": " }, attempt.why)?;
    line(out, &attempt.header, &told.header)?;
    let mut buffer = "";
    for (Asked { text, buffer: of }, step) in told.options.iter().zip(&attempt.steps) {
        if *of != buffer && !of.is_empty() {
            writeln!(out, "      {of};")?;
            buffer = of;
        }
        line(out, step, &format!("{text};"))?;
    }
    Ok(())
}

/// An option, what came of it, and the bytes.
fn line(out: &mut impl Write, step: &Step, text: &str) -> io::Result<()> {
    let mark = match step.state {
        StepState::Held => '✓',
        StepState::Failed => '✗',
        StepState::Waiting => '…',
        StepState::Untried | StepState::Aside => '·',
    };
    let at = step.at.as_ref().filter(|_| step.state == StepState::Held).map(place).unwrap_or_default();
    let (dash, comma) = (
        if at.is_empty() && step.why.is_empty() { "" } else { "  -- " },
        if at.is_empty() || step.why.is_empty() { "" } else { ", " },
    );
    writeln!(out, "    {mark} {text}{dash}{at}{comma}{}", step.why)?;
    match &step.at {
        Some(found) if found.len > 0 || step.state == StepState::Failed => excerpt(out, found),
        _ => Ok(()),
    }
}

fn place(found: &Found) -> String {
    let Found { buffer, place, offset, len, .. } = found;
    let place = if *place > 0 { format!(" ({})", place + 1) } else { String::new() };
    if *len == 0 { format!("{buffer}{place}") } else { format!("{buffer}{place}, offset {offset}, length {len}") }
}

/// A row of bytes, those that matched in brackets.
fn excerpt(out: &mut impl Write, found: &Found) -> io::Result<()> {
    let bytes: Vec<u8> = found
        .hex
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    // The match has to be seen: so many bytes before it, at most.
    let before = usize::try_from(found.offset.saturating_sub(found.from)).unwrap_or(0).min(bytes.len());
    let first = before.saturating_sub(if found.len == 0 { 0 } else { BEFORE });
    let row = bytes.get(first..).unwrap_or_default();
    let row = row.get(..ROW).unwrap_or(row);
    if row.is_empty() {
        return Ok(());
    }
    let from = before - first;
    let until = from.saturating_add(usize::try_from(found.len).unwrap_or(usize::MAX));
    let (mut hex, mut text) = (String::new(), String::new());
    for (at, byte) in row.iter().enumerate() {
        let (opens, closes) = (at == from && found.len > 0, at + 1 == until && found.len > 0);
        hex.push_str(match (opens, at > 0 && at == until && found.len > 0) {
            (true, _) => "[",
            (false, true) => "",
            (false, false) => " ",
        });
        hex.push_str(&format!("{byte:02x}"));
        if opens {
            text.push('[');
        }
        text.push(if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' });
        if closes {
            hex.push(']');
            text.push(']');
        }
    }
    let start = found.from.saturating_add(first as u64);
    let more = if start.saturating_add(row.len() as u64) < found.size { "..." } else { "" };
    writeln!(out, "        {start:>6} {hex}  |{text}|{more}")
}

fn end(address: &str, port: u16) -> String {
    match (port, address.contains(':')) {
        (0, _) => address.to_owned(),
        (port, true) => format!("[{address}]:{port}"),
        (port, false) => format!("{address}:{port}"),
    }
}

fn time(ns: i64) -> String {
    let (year, month, day, second) = civil(ns);
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    let micros = ns.rem_euclid(1_000_000_000) / 1000;
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{micros:06}Z")
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Reasons why flows were not tried that are told.
const MOST_REASONS: usize = 6;
/// Rules that ran beside it that are named.
const MOST_BESIDE: usize = 5;
/// Bytes of a row, and of these before a match.
const ROW: usize = 24;
const BEFORE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(found: &Found) -> String {
        let mut out = Vec::new();
        excerpt(&mut out, found).unwrap();
        String::from_utf8(out).unwrap().trim().to_owned()
    }

    #[test]
    fn bytes_that_matched_stand_in_brackets() {
        let hex: String = b"USER a\r\nPASS b\r\n".iter().map(|byte| format!("{byte:02x}")).collect();
        let found = Found { size: 116, offset: 108, len: 5, from: 100, hex, ..Found::default() };
        assert_eq!(row(&found), "100  55 53 45 52 20 61 0d 0a[50 41 53 53 20]62 0d 0a  |USER a..[PASS ]b..|");
        let failed = Found { len: 0, ..found };
        assert_eq!(row(&failed), "108  50 41 53 53 20 62 0d 0a  |PASS b..|");
        assert_eq!(row(&Found::default()), "");
    }
}
