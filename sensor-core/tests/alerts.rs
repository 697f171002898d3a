//! Rows of IDS events: what rules matched, in the grid.
#![allow(clippy::unwrap_used, reason = "what is not in a test's body is still for tests alone")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use sensor_core::detect::Rules;
use sensor_core::engine::Config;
use sensor_core::rules::ast::Scope;
use sensor_core::rules::reputation::Reputations;
use sensor_core::rules::{Ruleset, Variables};
use sensor_core::{Alerted, Engine, FlowSink, Frame, Limits};
use sensor_wire::row::{RuleAction, RuleNote};
use sensor_wire::{Few, Row, RowId, RowKind};

const START: i64 = 1_700_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

const RULES: &str = r#"
alert udp any any -> any any (msg:"first letter"; content:"a"; classtype:trojan-activity; priority:1; sid:1; rev:3;)
drop udp any any -> any any (msg:"second letter"; content:"b"; priority:2; sid:2;)
alert udp any any -> any any (content:"c"; sid:3;)
"#;

/// An Ethernet frame with IPv4, UDP and a payload.
fn udp(client: [u8; 4], client_port: u16, server: [u8; 4], server_port: u16, payload: &[u8]) -> Vec<u8> {
    let len = 8 + payload.len() as u16;
    let mut frame = vec![0u8; 12];
    frame.extend([0x08, 0x00, 0x45, 0]);
    frame.extend((20 + len).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    frame.extend(client);
    frame.extend(server);
    frame.extend(client_port.to_be_bytes());
    frame.extend(server_port.to_be_bytes());
    frame.extend(len.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

struct Bed {
    engine: Engine,
    told: Told,
}

/// Alerts, for the comparison, and what rules had kept of their flows.
#[derive(Default)]
struct Told(u64, Vec<String>);

impl FlowSink for Told {
    fn flow(&mut self, _: &sensor_core::flow::Flow) {}

    fn alert(&mut self, alert: &Alerted<'_>) {
        self.0 += 1;
        let values = [Scope::Flow, Scope::Packet, Scope::Alert].map(|scope| {
            let of = alert.kept.values(scope).map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)));
            of.collect::<Vec<_>>().join(",")
        });
        let bits: Vec<&str> = alert.kept.bits().collect();
        let ints: Vec<String> = alert.kept.ints().map(|(name, value)| format!("{name}={value}")).collect();
        let all = [bits.join(","), ints.join(",")].into_iter().chain(values).collect::<Vec<_>>().join(" ");
        self.1.push(format!("{}: {all}", alert.rule.sid));
    }
}

impl Bed {
    fn new(rules: &str, limits: Limits) -> Bed {
        Bed::knowing(Reputations::default(), rules, limits)
    }

    fn knowing(reputations: Reputations, rules: &str, limits: Limits) -> Bed {
        let mut set = Ruleset::new(Variables::default());
        set.set_reputations(reputations);
        set.read("t.rules", rules.as_bytes());
        assert_eq!(set.refusals(), []);
        let (rules, refusals) = Rules::compile(&set, &[]);
        assert_eq!(refusals, []);
        let (rules, ruleset) = (Some(Arc::new(rules)), Arc::new(set));
        let config = Config { rules, ruleset, limits, discover: None, ..Config::default() };
        Bed { engine: Engine::new(config), told: Told::default() }
    }

    fn packet(&mut self, at: i64, data: &[u8]) {
        let frame = Frame { time: START + at, link: 1, wire: data.len() as u32, data };
        self.engine.ingest([frame], &mut self.told);
    }

    fn rows(&mut self) -> Vec<Row> {
        let mut rows = self.engine.changed_after(0, usize::MAX).rows;
        rows.sort_by_key(|row| (row.first, row.id));
        rows
    }
}

fn messages(row: &Row) -> Vec<(u8, &str, u32)> {
    row.events.iter().map(|event| (event.severity, event.message.as_str(), event.count)).collect()
}

#[test]
fn groups_of_expressions_are_kept_of_flows_packets_and_alerts() {
    let rules = r#"
alert udp any any -> any any (content:"user"; pcre:"/user=(\w+).id=(\d+)/, flow:user, pkt:id"; sid:1;)
alert udp any any -> any any (content:"host"; pcre:"/(?P<alert_first>\w)(?P<flow_rest>\w+)\.example/"; flowbits:set,b; flowint:n,=,7; sid:2;)
alert udp any any -> any any (flowvar:user,"an"; content:"x"; sid:3;)
alert udp any any -> any any (pktvar:id,"42"; content:"user"; sid:4;)
alert udp any any -> any any (content:"cut"; pcre:"/user=(\w+)/, flow:user"; content:"never"; sid:5;)
"#;
    let mut bed = Bed::new(rules, Limits::default());
    for payload in ["x", "cut user=anna", "user=anna.id=42", "x", "host.example", "x"] {
        bed.packet(0, &udp([10, 0, 0, 1], 4000, [192, 0, 2, 1], 99, payload.as_bytes()));
    }
    bed.packet(0, &udp([10, 0, 0, 2], 4000, [192, 0, 2, 1], 99, b"x"));
    let expected = [
        "1:   user=anna id=42 ",
        "4:   user=anna id=42 ",
        "3:   user=anna  ",
        "2: b n=7 user=anna,rest=ost  first=h",
        "3: b n=7 user=anna,rest=ost  ",
        "3: b n=7 user=anna,rest=ost  ",
    ];
    assert_eq!(bed.told.1, expected);
}

/// An Ethernet frame with IPv4, ICMP and the packet that the error is about.
fn unreachable(from: [u8; 4], to: [u8; 4], about: &[u8]) -> Vec<u8> {
    let mut frame = vec![0u8; 12];
    frame.extend([0x08, 0x00, 0x45, 0]);
    frame.extend((28 + about.len() as u16).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 1, 0, 0]);
    frame.extend(from);
    frame.extend(to);
    frame.extend([3, 3, 0, 0, 0, 0, 0, 0]);
    frame.extend(about);
    frame
}

#[test]
fn errors_of_icmp_are_looked_at_by_rules() {
    let rules = r#"
alert icmp any any -> any any (itype:3; icode:3; sid:1;)
alert ip 192.0.2.1 any -> 10.0.0.1 any (content:"lost"; sid:2;)
alert icmp any any -> any any (itype:8; sid:3;)
alert udp any any -> any any (content:"lost"; sid:4;)
"#;
    let mut bed = Bed::new(rules, Limits::default());
    let asked = udp([10, 0, 0, 1], 4000, [192, 0, 2, 1], 99, b"lost");
    // One of a flow that is known, and one of a flow that is not.
    bed.packet(0, &asked);
    bed.packet(0, &unreachable([192, 0, 2, 1], [10, 0, 0, 1], &asked[14..]));
    let other = udp([10, 0, 0, 1], 4001, [192, 0, 2, 1], 99, b"gone");
    bed.packet(0, &unreachable([192, 0, 2, 1], [10, 0, 0, 1], &other[14..]));
    let sids: Vec<&str> = bed.told.1.iter().filter_map(|told| told.split(':').next()).collect();
    assert_eq!(sids, ["4", "1", "2", "1"]);
}

#[test]
fn reputations_are_asked_once_in_each_direction() {
    let rules = r#"
alert ip any any -> any any (iprep:src,CnC,>,30; sid:1;)
alert ip any any -> any any (iprep:dst,CnC,>,30; sid:2;)
alert ip any any -> any any (iprep:any,CnC,<,30; sid:3;)
alert ip any any -> any any (iprep:both,CnC,isset; sid:4;)
alert udp any any -> any any (iprep:dst,Bots,isset; content:"x"; sid:5;)
alert udp any any -> any any (iprep:src,CnC,isnotset; content:"x"; sid:6;)
"#;
    let mut known = Reputations::default();
    known.read_categories(b"1,CnC,x\n2,Bots,y\n").unwrap();
    known.read(b"192.0.2.0/24,1,40\n10.0.0.7,1,10\n192.0.2.1,2,1\n").unwrap();
    let mut bed = Bed::knowing(known, rules, Limits::default());
    for _ in 0..2 {
        bed.packet(0, &udp([10, 0, 0, 1], 4000, [192, 0, 2, 1], 99, b"x"));
        bed.packet(0, &udp([192, 0, 2, 1], 99, [10, 0, 0, 1], 4000, b"y"));
    }
    bed.packet(0, &udp([10, 0, 0, 7], 4000, [192, 0, 2, 1], 99, b"y"));
    let sids: Vec<&str> = bed.told.1.iter().filter_map(|told| told.split(':').next()).collect();
    assert_eq!(sids, ["2", "5", "6", "1", "5", "6", "2", "3", "4"]);
}

#[test]
fn a_flow_that_is_bypassed_is_counted_and_not_looked_into() {
    let rules = r#"
alert udp any any -> any any (content:"go"; bypass; sid:1;)
alert udp any any -> any any (content:"a"; sid:2;)
"#;
    let mut bed = Bed::new(rules, Limits::default());
    for payload in ["a", "go a", "a", "a"] {
        bed.packet(0, &udp([10, 0, 0, 1], 4000, [192, 0, 2, 1], 99, payload.as_bytes()));
    }
    bed.packet(0, &udp([10, 0, 0, 1], 4001, [192, 0, 2, 1], 99, b"a"));
    assert_eq!(bed.told.1, ["2:     ", "1:     ", "2:     ", "2:     "]);
    let packets: u64 = bed.rows().iter().map(|row| row.packets).sum();
    assert_eq!(packets, 5);
}

#[test]
fn alerts_of_a_flow_are_messages_of_one_row() {
    let mut bed = Bed::new(RULES, Limits::default());
    let mut talk = |at, payload: &[u8]| bed.packet(at, &udp([10, 0, 0, 1], 4000, [192, 0, 2, 1], 99, payload));
    talk(0, b"x");
    talk(SECOND, b"b");
    talk(2 * SECOND, b"ab");
    talk(3 * SECOND, b"b");
    talk(4 * SECOND, b"c");
    // The same ends, and nothing matched: not the same row.
    bed.packet(5 * SECOND, &udp([10, 0, 0, 1], 4001, [192, 0, 2, 1], 99, b"x"));
    let rows = bed.rows();
    assert_eq!(rows.iter().map(|row| row.kind).collect::<Vec<_>>(), [RowKind::Alert, RowKind::Flow]);
    let alert = &rows[0];
    assert_eq!(messages(alert), [(1, "first letter", 1), (2, "second letter", 3), (3, "rule 1:3", 1)]);
    assert_eq!((alert.flows, alert.packets, alert.proto), (1, 5, 17));
    assert_eq!(
        (alert.clients, alert.server_ports),
        (Few::One(std::net::IpAddr::from([10, 0, 0, 1]).into()), Few::One(99))
    );
    assert_eq!((alert.first, alert.last), (START + SECOND, START + 4 * SECOND));
    let note = |gid, sid, rev, class: &str, action, first, last| {
        let (class, first, last) = (class.to_owned(), START + first * SECOND, START + last * SECOND);
        Some(Box::new(RuleNote { gid, sid, rev, class, action, first, last }))
    };
    assert_eq!(alert.events[0].rule, note(1, 1, 3, "trojan-activity", RuleAction::Alert, 2, 2));
    // Nothing is dropped by a sensor that does not stand in the way, whatever the rule says.
    assert_eq!(alert.events[1].rule, note(1, 2, 0, "", RuleAction::Alert, 1, 3));
    assert_eq!(rows[1].events, []);
    assert_eq!(bed.told.0, 5);
}

#[test]
fn a_sweep_that_one_rule_tells_of_is_one_row_with_its_count() {
    let mut bed = Bed::new(RULES, Limits::default());
    for n in 0..300u16 {
        let [high, low] = n.to_be_bytes();
        bed.packet(i64::from(n) * 1000, &udp([10, 0, 0, 7], 4000 + n, [10, 1, high, low], 161, b"a"));
        if n % 3 == 0 {
            bed.packet(i64::from(n) * 1000, &udp([10, 0, 0, 7], 5000 + n, [10, 2, high, low], 161, b"-"));
        }
        if n % 50 == 0 {
            // Viewers that look change nothing.
            bed.rows();
        }
    }
    bed.engine.finish(&mut bed.told);
    let rows = bed.rows();
    let told: Vec<_> = rows.iter().map(|row| (row.kind, row.flows, row.servers, messages(row))).collect();
    let expected = (RowKind::Alert, 300, Few::Many(300), vec![(1, "first letter", 300)]);
    assert!(told.contains(&expected), "{told:?}");
    assert!(told.contains(&(RowKind::Flow, 100, Few::Many(100), vec![])), "{told:?}");
    assert_eq!(told.len(), 2);
    let alert = rows.iter().find(|row| row.kind == RowKind::Alert).unwrap();
    assert_eq!(bed.engine.flows(alert.id, 0, 1000).flows.len(), 300);
}

#[test]
fn an_alert_of_an_old_flow_stands_where_it_is_new() {
    let mut bed = Bed::new(RULES, Limits::default());
    let flow = |port, payload: &[u8]| udp([10, 0, 0, 1], port, [192, 0, 2, 1], 99, payload);
    for port in 4000..4004 {
        bed.packet(0, &flow(port, b"-"));
    }
    // Another window; the first one is closed.
    bed.packet(15 * SECOND, &flow(5000, b"-"));
    let before = bed.rows();
    assert_eq!(before.iter().map(|row| row.flows).collect::<Vec<_>>(), [4, 1]);
    let seq = bed.engine.changed_after(0, usize::MAX).seq;
    bed.packet(25 * SECOND, &flow(4002, b"a"));
    let delta = bed.engine.changed_after(seq, usize::MAX);
    let told: Vec<_> = delta.rows.iter().map(|row| (row.kind, row.flows, row.first - START)).collect();
    assert_eq!(told, [(RowKind::Flow, 3, 0), (RowKind::Alert, 1, 25 * SECOND)]);
    let id = delta.rows[1].id;

    // The rule is known of the flow: it is counted where it stands.
    bed.packet(45 * SECOND, &flow(4002, b"a"));
    let rows = bed.rows();
    let alert = rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!((alert.first - START, messages(alert)), (25 * SECOND, vec![(1, "first letter", 2)]));
    // A rule that is new for it: the row comes to where time stands, under its id.
    bed.packet(65 * SECOND, &flow(4002, b"b"));
    let rows = bed.rows();
    let alert = rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!(alert.first - START, 65 * SECOND);
    assert_eq!(messages(alert), [(1, "first letter", 2), (2, "second letter", 1)]);
    assert_eq!(rows.iter().map(|row| row.flows).sum::<u32>(), 5);
}

#[test]
fn rules_past_those_that_a_flow_can_name_are_counted() {
    // Ten for each letter: a packet has fifteen alerts at most.
    let rule = |sid: u8| {
        let letter = char::from(b'a' + sid / 10);
        format!("alert udp any any -> any any (msg:\"{sid}\"; content:\"{letter}\"; sid:{};)\n", 1 + u32::from(sid))
    };
    let mut bed = Bed::new(&(0..40).map(rule).collect::<String>(), Limits::default());
    for payload in [b"a", b"b", b"c", b"d", b"d"] {
        bed.packet(0, &udp([10, 0, 0, 1], 4000, [192, 0, 2, 1], 99, payload));
    }
    assert_eq!(bed.told.0, 50);
    let told: u32 = bed.rows()[0].events.iter().map(|event| event.count).sum();
    assert_eq!(bed.rows()[0].events.len(), 31);
    assert_eq!(bed.engine.alerts_refused(), 18);
    assert_eq!(u64::from(told) + bed.engine.alerts_refused(), bed.told.0);
}

#[test]
fn rows_without_an_alert_give_way_first() {
    let mut bed = Bed::new(RULES, Limits { rows: 20, ..Limits::default() });
    for n in 0..100u8 {
        // Each in a window of its own.
        let payload: &[u8] = if n < 5 { b"a" } else { b"-" };
        bed.packet(i64::from(n) * 10 * SECOND, &udp([10, 0, n, 1], 4000, [192, 0, 2, n], 99, payload));
    }
    bed.engine.finish(&mut bed.told);
    let rows = bed.rows();
    assert_eq!(rows.len(), 20);
    assert_eq!(rows.iter().filter(|row| row.kind == RowKind::Alert).count(), 5);
    assert_eq!(bed.engine.rows().1, 80);
    // Even they may not take everything.
    for n in 0..100u8 {
        let at = (1000 + i64::from(n) * 10) * SECOND;
        bed.packet(at, &udp([10, 0, n, 2], 4000, [192, 0, 2, n], 99, b"a"));
    }
    bed.engine.finish(&mut bed.told);
    assert_eq!(bed.rows().len(), 20);
}

#[test]
fn an_alert_of_a_flow_whose_row_gave_way_brings_it_back() {
    let mut bed = Bed::new(RULES, Limits { rows: 4, ..Limits::default() });
    let old = |payload: &[u8]| udp([10, 9, 9, 9], 4000, [192, 0, 2, 9], 99, payload);
    bed.packet(0, &old(b"-"));
    for n in 1..10u8 {
        bed.packet(i64::from(n) * 10 * SECOND, &udp([10, 0, n, 1], 4000, [192, 0, 2, n], 99, b"-"));
    }
    assert!(bed.rows().iter().all(|row| row.first > START));
    // A flow ends after 30 s without a packet, or 300 s where both sides spoke: this one is still open or anew.
    bed.packet(91 * SECOND, &old(b"a"));
    let rows = bed.rows();
    let alerts: Vec<_> = rows.iter().filter(|row| row.kind == RowKind::Alert).collect();
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].flows, alerts[0].events[0].count), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Rows add up to flows and messages to alerts, a viewer of deltas has what a late one gets, and looking changes
    /// nothing of what is there in the end.
    #[test]
    fn rows_add_up_and_looking_changes_nothing(
        packets in prop::collection::vec((0u8..4, 0u16..4, 0u8..4, "[abc-]{1,3}", 0i64..7, any::<bool>()), 1..120),
    ) {
        let mut looked = Bed::new(RULES, Limits::default());
        let mut unseen = Bed::new(RULES, Limits::default());
        let mut held: BTreeMap<RowId, Row> = BTreeMap::new();
        let (mut seq, mut at) = (0, 0);
        let mut apply = |bed: &mut Bed, held: &mut BTreeMap<RowId, Row>, budget| {
            let delta = bed.engine.changed_after(seq, budget);
            seq = delta.seq;
            delta.removed.iter().for_each(|id| drop(held.remove(id)));
            let some = !delta.rows.is_empty() || !delta.removed.is_empty();
            held.extend(delta.rows.into_iter().map(|row| (row.id, row)));
            some
        };
        for (client, port, server, payload, wait, look) in &packets {
            at += wait * SECOND;
            let frame = udp([10, 0, 0, *client], 4000 + port, [192, 0, 2, *server], 99, payload.as_bytes());
            looked.packet(at, &frame);
            unseen.packet(at, &frame);
            if *look {
                apply(&mut looked, &mut held, 3);
            }
        }
        looked.engine.finish(&mut looked.told);
        unseen.engine.finish(&mut unseen.told);
        while apply(&mut looked, &mut held, 3) {}
        let own = |rows: Vec<Row>| -> BTreeMap<RowId, Row> {
            rows.into_iter().map(|row| (row.id, Row { rev: 0, ..row })).collect()
        };
        let rows = own(looked.rows());
        prop_assert_eq!(&own(held.into_values().collect()), &rows);
        prop_assert_eq!(&own(unseen.rows()), &rows);
        let flows: u64 = rows.values().map(|row| u64::from(row.flows)).sum();
        prop_assert_eq!(flows, looked.engine.stats().flows);
        prop_assert_eq!(rows.values().map(|row| row.packets).sum::<u64>(), packets.len() as u64);
        let alerts: u64 = rows.values().flat_map(|row| &row.events).map(|event| u64::from(event.count)).sum();
        prop_assert_eq!(alerts, looked.told.0);
        for row in rows.values() {
            prop_assert_eq!(row.kind == RowKind::Alert, !row.events.is_empty());
            prop_assert_eq!(looked.engine.flows(row.id, 0, u32::MAX).flows.len(), row.flows as usize);
        }
    }
}
