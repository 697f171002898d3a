//! The app without a window, on a real sensor that replays real captures.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]

mod support;

use std::collections::HashSet;

use nightjar_app::controller::Options;
use sensor_wire::live::SourceState;
use sensor_wire::request::ValueColumn;
use sensor_wire::view::{Boot, Column, Prefs, RowKey, SortKey, ViewReply, ViewRequest};
use sensor_wire::{Few, RowId, RowKind};
use support::{App, datagrams, sample};

async fn boot(app: &App) -> Boot {
    match app.ask(ViewRequest::Boot).await {
        ViewReply::Boot(boot) => *boot,
        other => panic!("{other:?}"),
    }
}

async fn set_prefs(app: &App, change: impl FnOnce(&mut Prefs)) {
    let mut prefs = boot(app).await.prefs;
    change(&mut prefs);
    app.tell(ViewRequest::SetPrefs(prefs)).await;
}

async fn keys(app: &App) -> Vec<RowKey> {
    app.rows().await.rows.iter().map(|row| row.key).collect()
}

#[tokio::test]
async fn a_capture_becomes_rows_that_sort_and_open() {
    let Some(app) = App::start(Options::default()) else { return };
    let id = app.open(&sample()).await;
    let source = app.read(id).await;
    assert_eq!(source.status.state, SourceState::Ended);
    assert_eq!((source.name.as_str(), source.status.packets), ("sample", 2668));
    let window = app.rows().await;
    assert_eq!(window.total, source.rows);
    assert_eq!(window.totals.flows, source.status.flows);

    app.tell(ViewRequest::Sort(vec![SortKey { column: Column::Bytes, descending: true }])).await;
    let rows = app.rows().await.rows;
    assert!(rows.is_sorted_by(|a, b| a.bytes >= b.bytes));
    assert!(rows[0].bytes > rows[rows.len() - 1].bytes);
    let position = app.ask(ViewRequest::Position(rows[3].key)).await;
    assert_eq!(position, ViewReply::Position(Some(3)));

    let row = rows.iter().find(|row| matches!(row.servers, Few::Many(_))).expect("a row with several servers");
    let Few::Many(count) = row.servers else { unreachable!() };
    match app.ask(ViewRequest::Values { key: row.key, column: ValueColumn::Server }).await {
        ViewReply::Values(values) => {
            assert_eq!((values.total, values.values.len()), (count, count as usize));
            assert!(values.values.is_sorted_by_key(|value| value.value));
        }
        other => panic!("{other:?}"),
    }
    match app.ask(ViewRequest::Flows { key: row.key, offset: 0, limit: 1000 }).await {
        ViewReply::Flows(flows) => {
            assert_eq!(flows.total, row.flows);
            assert_eq!(flows.flows.iter().map(|f| f.flow.first).min(), Some(row.first));
        }
        other => panic!("{other:?}"),
    }
    app.handle.shut_down().await;
}

#[tokio::test]
async fn the_zone_changes_offset_and_abbreviation_over_a_change_of_the_clocks() {
    let Some(app) = App::start(Options::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clocks.pcap");
    // An hour before and an hour after 2024-03-31T01:00:00Z, when Berlin's clocks go forward.
    std::fs::write(&path, datagrams(&[(1_711_843_200, 10), (1_711_850_400, 10)])).unwrap();
    let id = app.open(&path).await;
    app.read(id).await;
    app.tell(ViewRequest::Sort(vec![SortKey { column: Column::Time, descending: false }])).await;
    for (zone, offsets, abbreviation) in
        [("UTC", [0, 0], "UTC"), ("Europe/Berlin", [3600, 7200], "CEST"), ("Asia/Kathmandu", [20_700; 2], "+0545")]
    {
        let before = app.rows().await.revision;
        set_prefs(&app, |prefs| prefs.zone = zone.into()).await;
        let window = app.rows().await;
        assert_eq!(window.rows.iter().map(|row| row.utc_offset).collect::<Vec<_>>(), offsets, "{zone}");
        assert_eq!(window.zone, abbreviation);
        assert!(window.revision > before || boot(&app).await.system_zone == zone);
    }
    let refused = app.ask(ViewRequest::SetPrefs(Prefs { zone: "Mars/Olympus".into(), ..Prefs::default() })).await;
    assert!(matches!(refused, ViewReply::Error(error) if error.code == "unknown_zone"));
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_pause_holds_the_view_and_loses_nothing() {
    let Some(app) = App::start(Options::default()) else { return };
    app.tell(ViewRequest::Pause(true)).await;
    let id = app.open(&sample()).await;
    let source = app
        .until("the capture is read", || async {
            let source = app.source(id).await;
            (source.status.state == SourceState::Ended && app.status().await.waiting >= source.status.rows)
                .then_some(source)
        })
        .await;
    let held = app.rows().await;
    assert_eq!((held.total, held.waiting), (0, source.status.rows));
    app.tell(ViewRequest::Pause(false)).await;
    let window = app.rows().await;
    assert_eq!((window.total, window.waiting), (source.status.rows, 0));
    assert_eq!(window.totals.flows, source.status.flows);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn one_capture_twice_gives_two_sets_of_rows_and_a_close_takes_one_away() {
    let Some(app) = App::start(Options::default()) else { return };
    let first = app.open(&sample()).await;
    let second = app.open(&sample()).await;
    let (one, two) = (app.read(first).await, app.read(second).await);
    assert_eq!((one.name.as_str(), two.name.as_str()), ("sample", "sample (2)"));
    assert_eq!(one.rows, two.rows);
    assert_eq!(app.rows().await.total, one.rows * 2);

    app.tell(ViewRequest::Rename { source: first, name: "Lab\u{202e}".into() }).await;
    let names: HashSet<String> = app.rows().await.rows.into_iter().map(|row| row.sensor).collect();
    assert!(names.contains("Lab") && !names.contains("sample"), "{names:?}");

    app.tell(ViewRequest::Close(second)).await;
    assert_eq!(app.rows().await.total, one.rows);
    assert!(keys(&app).await.iter().all(|key| key.source == first));
    let gone = RowKey { source: second, row: RowId::default() };
    let reply = app.ask(ViewRequest::Values { key: gone, column: ValueColumn::Client }).await;
    assert!(matches!(reply, ViewReply::Error(error) if error.code == "unknown_source"));
    app.handle.shut_down().await;
}

#[tokio::test]
async fn flow_rows_can_be_hidden() {
    let Some(app) = App::start(Options::default()) else { return };
    let id = app.open(&sample()).await;
    let rows = app.read(id).await.rows;
    set_prefs(&app, |prefs| prefs.flow_events = false).await;
    let window = app.rows().await;
    assert_eq!(window.unfiltered, rows);
    assert!(window.total > 10 && window.total < rows, "{} of {rows}", window.total);
    assert!(window.rows.iter().all(|row| row.kind != RowKind::Flow));
    assert!(window.rows.iter().any(|row| row.kind == RowKind::Alert), "the starter rules alert on the sample");
    set_prefs(&app, |prefs| prefs.flow_events = true).await;
    assert_eq!(app.rows().await.total, rows);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_damaged_capture_gives_its_rows_and_says_what_is_wrong() {
    let Some(app) = App::start(Options::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pcap");
    let mut file = datagrams(&[(1_700_000_000, 10), (1_700_000_001, 10)]);
    // A record of 4 GB.
    file.extend([0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    std::fs::write(&path, file).unwrap();
    let id = app.open(&path).await;
    let source = app.read(id).await;
    assert!(matches!(&source.status.state, SourceState::Failed(words) if !words.is_empty()), "{source:?}");
    assert_eq!((source.status.packets, app.rows().await.totals.packets), (2, 2));
    app.handle.shut_down().await;
}

#[tokio::test]
async fn settings_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { data: Some(folder.path().to_owned()), ..Options::default() };
    let Some(app) = App::start(options.clone()) else { return };
    let id = app.open(&sample()).await;
    app.tell(ViewRequest::Rename { source: id, name: "Lab".into() }).await;
    set_prefs(&app, |prefs| prefs.zone = "Asia/Tokyo".into()).await;
    app.handle.shut_down().await;

    let app = App::start(options).unwrap();
    assert_eq!(boot(&app).await.prefs.zone, "Asia/Tokyo");
    let status = app.status().await;
    assert_eq!(status.notices, []);
    assert!(status.recent[0].path.ends_with("sample.pcap"));
    let id = app.open(&sample()).await;
    assert_eq!(app.source(id).await.name, "Lab");
    app.handle.shut_down().await;
}
