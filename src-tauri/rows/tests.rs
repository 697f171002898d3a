use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;
use sensor_wire::row::EventMessage;
use sensor_wire::view::{RowWindow, ViewRow};
use sensor_wire::{Addr, Few, RowKind};

use super::testing::row;
use super::*;
use crate::zone::Zone;

fn all(rows: &Rows) -> Vec<ViewRow> {
    let page = |offset| rows.window(offset, MAX_WINDOW, None, Zone::UTC, 0).rows;
    (0..rows.len() as u64).step_by(MAX_WINDOW as usize).flat_map(page).collect()
}

fn ids(rows: &Rows) -> Vec<RowId> {
    all(rows).iter().map(|row| row.key.row).collect()
}

fn window(rows: &Rows) -> RowWindow {
    rows.window(0, MAX_WINDOW, None, Zone::UTC, 0)
}

fn one(text: &str) -> Few<Addr> {
    Few::One(Addr(text.parse::<IpAddr>().unwrap()))
}

fn sorted(mut rows: Rows, column: Column) -> (Vec<RowId>, Vec<RowId>) {
    rows.sort_by(column, false);
    let ascending = ids(&rows);
    rows.sort_by(column, true);
    (ascending, ids(&rows))
}

fn with(batch: impl IntoIterator<Item = Row>) -> Rows {
    let mut rows = Rows::new(10_000);
    rows.set_names(&[(1, "lab"), (2, "Attic")]);
    rows.apply(1, &[], batch.into_iter().collect());
    rows
}

#[test]
fn an_older_revision_is_passed_over() {
    let mut rows = with([Row { rev: 5, bytes: 50, ..row(1) }]);
    assert_eq!(rows.apply(1, &[], vec![Row { rev: 4, bytes: 40, ..row(1) }]), 0);
    assert_eq!(rows.apply(1, &[], vec![Row { rev: 5, bytes: 51, ..row(1) }]), 0);
    assert_eq!(window(&rows).rows[0].bytes, 50);
    let twice = vec![Row { rev: 7, bytes: 70, ..row(1) }, Row { rev: 6, bytes: 60, ..row(1) }];
    assert_eq!(rows.apply(1, &[], twice), 1);
    assert_eq!((window(&rows).rows[0].bytes, window(&rows).totals.bytes), (70, 70));
}

#[test]
fn rows_of_two_sources_with_the_same_ids_stay_apart() {
    let mut rows = with([row(1), row(2)]);
    rows.apply(2, &[], vec![row(1), row(2)]);
    assert_eq!((rows.len(), rows.count_of(1), rows.count_of(2)), (4, 2, 2));
    let names: Vec<String> = all(&rows).into_iter().map(|row| row.sensor).collect();
    assert_eq!(names, ["lab", "lab", "Attic", "Attic"]);
    assert_eq!(rows.close(1), 2);
    assert!(all(&rows).iter().all(|row| row.key.source == 2));
    assert_eq!(window(&rows).totals.flows, 2);
}

#[test]
fn addresses_sort_by_number_then_counts_then_none() {
    let rows = with([
        Row { servers: one("10.0.0.10"), ..row(1) },
        Row { servers: one("9.0.0.1"), ..row(2) },
        Row { servers: Few::Many(3), ..row(3) },
        Row { servers: Few::None, ..row(4) },
        Row { servers: one("2001:db8::1"), ..row(5) },
        Row { servers: Few::Many(306), ..row(6) },
        Row { servers: one("2001:db8::2"), ..row(7) },
    ]);
    let (ascending, descending) = sorted(rows, Column::Server);
    assert_eq!(ascending, [2, 1, 5, 7, 3, 6, 4]);
    assert_eq!(descending, [6, 3, 7, 5, 1, 2, 4], "what has none stays last");
}

#[test]
fn ports_and_ranks_sort_by_number_and_none_comes_last() {
    let ports = [Few::One(443), Few::None, Few::Many(2), Few::One(80)];
    let rows = with((1..).zip(ports).map(|(id, server_ports)| Row { server_ports, ..row(id) }));
    assert_eq!(sorted(rows, Column::ServerPort), (vec![4, 1, 3, 2], vec![3, 1, 4, 2]));
    let ranks = [Some(7), None, Some(-100), Some(0)];
    let rows = with((1..).zip(ranks).map(|(id, rank)| Row { rank, ..row(id) }));
    assert_eq!(sorted(rows, Column::Rank), (vec![3, 4, 1, 2], vec![1, 4, 3, 2]));
}

#[test]
fn events_sort_by_severity_and_flows_without_by_protocol() {
    let event = |severity, count| EventMessage { count, ..EventMessage::new(severity, "m".into()) };
    let proto = |name: &str| vec![name.to_owned()];
    let rows = with([
        Row { events: vec![event(3, 9)], ..row(1) },
        Row { events: vec![event(2, 1), event(1, 1)], ..row(2) },
        Row { app_protos: proto("tls"), ..row(3) },
        Row { app_protos: proto("dns"), ..row(4) },
        row(5),
        Row { events: vec![event(3, 2)], ..row(6) },
    ]);
    let (ascending, descending) = sorted(rows, Column::Events);
    assert_eq!(ascending, [6, 1, 2, 4, 3, 5]);
    assert_eq!(descending, [2, 1, 6, 3, 4, 5]);
}

#[test]
fn a_renamed_source_moves_in_the_order_of_names() {
    let mut rows = with([row(1)]);
    rows.apply(2, &[], vec![row(2)]);
    rows.sort_by(Column::Sensor, false);
    assert_eq!(ids(&rows), [2, 1]);
    rows.set_names(&[(1, "lab"), (2, "zoo")]);
    assert_eq!(ids(&rows), [1, 2]);
    assert_eq!(window(&rows).rows[1].sensor, "zoo");
}

#[test]
fn rows_without_event_can_be_hidden() {
    let mut rows = with([
        Row { bytes: 1, ..row(1) },
        Row { bytes: 2, kind: RowKind::Alert, ..row(2) },
        Row { bytes: 4, events: vec![EventMessage::new(1, "m".into())], ..row(3) },
    ]);
    rows.set_flow_events(false);
    let shown = window(&rows);
    assert_eq!((ids(&rows), shown.total, shown.unfiltered, shown.totals.bytes), (vec![2, 3], 2, 3, 6));
    assert_eq!(rows.position(RowKey { source: 1, row: 1 }), None);
    // A row that gains an event comes into view, and one that loses it goes.
    let event = vec![EventMessage::new(2, "n".into())];
    rows.apply(1, &[], vec![Row { rev: 2, bytes: 8, events: event, ..row(1) }, Row { rev: 2, ..row(3) }]);
    assert_eq!((ids(&rows), window(&rows).totals.bytes), (vec![1, 2], 10));
    rows.set_flow_events(true);
    assert_eq!(ids(&rows), [1, 2, 3]);
}

#[test]
fn the_oldest_give_way_and_are_counted() {
    let mut rows = Rows::new(128);
    rows.apply(1, &[], (0..200).map(|id| Row { first: id as i64, flows: 1, ..row(id) }).collect());
    assert!(rows.len() <= 128, "{}", rows.len());
    assert_eq!(rows.len() as u64 + rows.evicted(), 200);
    assert_eq!(ids(&rows), (200 - rows.len() as u64..200).rev().collect::<Vec<_>>());
    assert_eq!(window(&rows).totals.flows, rows.len() as u64);
}

#[test]
fn the_bound_holds_when_the_oldest_change_in_the_same_batch() {
    let mut rows = Rows::new(128);
    rows.apply(1, &[], (0..128).map(|id| Row { first: id as i64, ..row(id) }).collect());
    let changed = (0..50).map(|id| Row { rev: 2, first: id as i64, ..row(id) });
    rows.apply(1, &[], changed.chain([Row { first: 1000, ..row(1000) }]).collect());
    assert!(rows.len() <= 128, "{}", rows.len());
    assert_eq!(rows.len() as u64 + rows.evicted(), 129);
}

#[test]
fn a_new_row_that_is_the_oldest_gives_way_itself() {
    let mut rows = Rows::new(64);
    rows.apply(1, &[], (100..164).map(|id| Row { first: id as i64, ..row(id) }).collect());
    rows.apply(1, &[], vec![Row { first: 1, ..row(1) }]);
    assert_eq!(rows.position(RowKey { source: 1, row: 1 }), None);
}

/// What a row cache is, without any cleverness.
#[derive(Default)]
struct Plain(BTreeMap<(SourceId, RowId), Row>);

#[derive(Clone, Debug)]
enum Step {
    Batch { source: SourceId, removed: Vec<RowId>, rows: Vec<Row> },
    Sort(Vec<SortKey>),
    FlowEvents(bool),
    Close(SourceId),
}

fn any_row() -> impl Strategy<Value = Row> {
    let addr = prop_oneof![
        any::<[u8; 4]>().prop_map(|bytes| Few::One(Addr(IpAddr::from(bytes)))),
        (0u8..4).prop_map(|n| Few::One(Addr(IpAddr::from([0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n])))),
        (2u32..5).prop_map(Few::Many),
        Just(Few::None),
    ];
    let port = prop_oneof![(0u16..3).prop_map(Few::One), (2u32..4).prop_map(Few::Many), Just(Few::None)];
    let events = prop::collection::vec(
        (1u8..4, "[ab]", 1u32..3)
            .prop_map(|(severity, message, count)| EventMessage { count, ..EventMessage::new(severity, message) }),
        0..3,
    );
    let numbers = (0u64..40, 1u32..4, -3i64..3, prop_oneof![Just(u64::MAX), 0u64..3], 0u64..3, 0u32..3);
    let texts = (prop::option::of(-2i8..2), events, prop::collection::vec("[xy]{1,9}", 0..2), 0u8..3);
    (numbers, (addr.clone(), addr), (port.clone(), port), texts).prop_map(|(numbers, addrs, ports, texts)| {
        let (id, rev, first, bytes, packets, flows) = numbers;
        let (rank, events, app_protos, proto) = texts;
        let (servers, clients) = addrs;
        let (server_ports, client_ports) = ports;
        Row {
            rev,
            first,
            bytes,
            packets,
            flows,
            servers,
            clients,
            server_ports,
            client_ports,
            rank,
            events,
            app_protos,
            proto,
            ..row(id)
        }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec(any_row(), 0..20);
    let keys = prop::collection::vec((0usize..12, any::<bool>()), 0..4);
    prop_oneof![
        6 => (1u32..3, prop::collection::vec(0u64..40, 0..4), rows)
            .prop_map(|(source, removed, rows)| Step::Batch { source, removed, rows }),
        2 => keys.prop_map(|keys| {
            Step::Sort(keys.into_iter().map(|(n, descending)| SortKey { column: Column::ALL[n], descending }).collect())
        }),
        1 => any::<bool>().prop_map(Step::FlowEvents),
        1 => (1u32..3).prop_map(Step::Close),
    ]
}

impl Plain {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Batch { source, removed, rows } => {
                self.0.retain(|&(of, id), _| of != *source || !removed.contains(&id));
                for row in rows {
                    let kept = self.0.entry((*source, row.id)).or_insert_with(|| row.clone());
                    if kept.rev < row.rev {
                        *kept = row.clone();
                    }
                }
            }
            Step::Close(source) => self.0.retain(|&(of, _), _| of != *source),
            Step::Sort(_) | Step::FlowEvents(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_order_kept_step_by_step_is_the_order_sorted_at_once(steps in prop::collection::vec(any_step(), 1..25)) {
        let mut rows = with([]);
        let mut plain = Plain::default();
        let (mut sort, mut flow_events) = (Vec::new(), true);
        for step in &steps {
            match step {
                Step::Batch { source, removed, rows: batch } => {
                    rows.apply(*source, removed, batch.clone());
                }
                Step::Sort(keys) => {
                    rows.set_sort(keys);
                    sort = keys.clone();
                }
                Step::FlowEvents(on) => {
                    rows.set_flow_events(*on);
                    flow_events = *on;
                }
                Step::Close(source) => {
                    rows.close(*source);
                }
            }
            plain.take(step);
        }
        let mut fresh = with([]);
        for (&(source, _), row) in &plain.0 {
            fresh.apply(source, &[], vec![row.clone()]);
        }
        fresh.set_flow_events(flow_events);
        fresh.set_sort(&sort);
        // Turning the filter sorts everything at once.
        fresh.set_flow_events(!flow_events);
        fresh.set_flow_events(flow_events);
        prop_assert_eq!(all(&rows), all(&fresh));
        prop_assert_eq!(window(&rows).totals, window(&fresh).totals);
        let shown = plain.0.values().filter(|row| flow_events || has_event(row)).count();
        prop_assert_eq!(all(&rows).len(), shown);
        for (at, row) in all(&rows).iter().enumerate() {
            prop_assert_eq!(rows.position(row.key), Some(at as u64));
        }
        prop_assert_eq!(rows.timeline(50, Zone::UTC), fresh.timeline(50, Zone::UTC));
    }
}
