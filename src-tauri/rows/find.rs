//! What rows are searched for: a word of their messages, a rule's number or class, an address, a protocol.

use std::net::IpAddr;

use sensor_wire::{Addr, Few};

use super::columns::{Columns, Slot};

/// Characters of a search.
const LONGEST: usize = 200;

/// What rows are searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// In lower case.
    text: String,
    sid: Option<u32>,
    address: Option<IpAddr>,
}

impl Find {
    /// As it is typed; `None` where that is nothing.
    pub fn new(text: &str) -> Option<Find> {
        let text: String = text.trim().chars().take(LONGEST).collect::<String>().to_lowercase();
        let sid = text.strip_prefix("sid:").unwrap_or(&text).trim().parse().ok();
        let address = text.parse().ok();
        (!text.is_empty()).then_some(Find { text, sid, address })
    }

    /// The row is one of those.
    pub fn finds(&self, columns: &Columns, slot: Slot) -> bool {
        let at = slot as usize;
        let is = |few: Few<Addr>| matches!(few, Few::One(addr) if Some(addr.0) == self.address);
        if self.address.is_some() && (is(columns.servers[at]) || is(columns.clients[at])) {
            return true;
        }
        let event = columns.events[at].iter().any(|event| {
            let of_rule =
                event.rule.as_ref().is_some_and(|rule| Some(rule.sid) == self.sid || has(&rule.class, &self.text));
            of_rule || has(columns.text(event.message), &self.text)
        });
        event || columns.text(columns.protos[at]).split(super::columns::SEPARATOR).any(|name| name == self.text)
    }
}

/// Whatever the case; without an allocation where all is ASCII, as nearly all is.
fn has(text: &str, wanted: &str) -> bool {
    if wanted.is_ascii() {
        let mut places = text.as_bytes().windows(wanted.len());
        return places.any(|place| place.eq_ignore_ascii_case(wanted.as_bytes()));
    }
    text.to_lowercase().contains(wanted)
}

#[cfg(test)]
mod tests {
    use sensor_wire::row::{EventMessage, RuleNote};
    use sensor_wire::{Row, RowKind};

    use super::super::Rows;
    use super::super::testing::row;
    use crate::zone::Zone;

    fn alert(id: u64, message: &str, sid: u32, class: &str) -> Row {
        let note = RuleNote {
            gid: 1,
            sid,
            rev: 1,
            class: class.into(),
            action: sensor_wire::row::RuleAction::Alert,
            first: 0,
            last: 0,
        };
        let event = EventMessage { rule: Some(Box::new(note)), ..EventMessage::new(1, message.into()) };
        Row { kind: RowKind::Alert, events: vec![event], ..row(id) }
    }

    fn found(rows: &mut Rows, text: &str) -> Vec<u64> {
        rows.set_find(text);
        let mut ids: Vec<u64> = rows.window(0, 100, None, Zone::UTC, 0).rows.iter().map(|row| row.key.row).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn rows_are_found_by_what_their_cells_and_rules_say() {
        let mut rows = Rows::new(100);
        rows.set_names(&[(1, "lab")]);
        let one = sensor_wire::Few::One(sensor_wire::Addr("192.0.2.77".parse().unwrap()));
        let batch = vec![
            alert(1, "ET MALWARE Beacon über HTTP", 2_027_397, "trojan-activity"),
            alert(2, "ET SCAN sweep", 2_000_001, "attempted-recon"),
            Row { servers: one, app_protos: vec!["dns".into(), "tls".into()], ..row(3) },
        ];
        rows.apply(1, &[], batch);
        assert_eq!(found(&mut rows, " beaCON "), [1]);
        assert_eq!(found(&mut rows, "ÜBER"), [1]);
        assert_eq!(found(&mut rows, "2000001"), [2]);
        assert_eq!(found(&mut rows, "sid:2027397"), [1]);
        assert_eq!(found(&mut rows, "recon"), [2]);
        assert_eq!(found(&mut rows, "192.0.2.77"), [3]);
        assert_eq!(found(&mut rows, "tls"), [3]);
        assert!(found(&mut rows, "tl").is_empty());
        assert_eq!(found(&mut rows, ""), [1, 2, 3]);
    }

    #[test]
    fn rows_that_come_or_change_are_searched_too() {
        let mut rows = Rows::new(100);
        rows.set_names(&[(1, "lab")]);
        rows.set_find("sweep");
        rows.apply(1, &[], vec![alert(1, "ET SCAN sweep", 5, ""), alert(2, "other", 6, "")]);
        assert_eq!(found(&mut rows, "sweep"), [1]);
        rows.apply(1, &[], vec![Row { rev: 9, ..alert(2, "a Sweep too", 6, "") }]);
        rows.apply(1, &[], vec![Row { rev: 9, ..alert(1, "no longer", 5, "") }]);
        assert_eq!(found(&mut rows, "sweep"), [2]);
        assert_eq!(rows.window(0, 100, None, Zone::UTC, 0).unfiltered, 2);
        // With flow events off what is found has to have an event as well.
        rows.apply(1, &[], vec![Row { app_protos: vec!["sweep".into()], ..row(3) }]);
        assert_eq!(found(&mut rows, "sweep"), [2, 3]);
        rows.set_flow_events(false);
        assert_eq!(found(&mut rows, "sweep"), [2]);
    }
}
