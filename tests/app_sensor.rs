//! Sensors that die, were never there, or hold more than the app takes.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::unwrap_used, reason = "clippy allows it in the bodies of tests alone, not in what they call")]

mod support;

use std::path::Path;

use nightjar_app::controller::Options;
use nightjar_app::pause::MAX_WAITING;
use sensor_wire::live::SourceState;
use sensor_wire::request::ValueColumn;
use sensor_wire::view::{LinkState, RowKey, SourceId, ViewReply, ViewRequest};
use support::{App, sample, strangers};

/// Waits until the link is down; gives the words.
async fn down(app: &App, id: SourceId) -> String {
    app.until("the link is down", || async {
        match app.source(id).await.link {
            LinkState::Down(words) => Some(words),
            LinkState::Starting | LinkState::Up => None,
        }
    })
    .await
}

/// Processes of this machine whose command line names the path.
#[cfg(target_os = "linux")]
fn processes(path: &Path) -> Vec<u32> {
    let wanted = path.to_string_lossy().into_owned();
    let folders = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    folders
        .filter_map(|folder| folder.file_name().to_string_lossy().parse().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.split(|&byte| byte == 0).any(|argument| argument == wanted.as_bytes()))
        })
        .collect()
}

#[tokio::test]
async fn a_sensor_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("no-such-sensor");
    let app = App::with(Options { sensord: Some(program.clone()), ..Options::default() });
    let id = app.open(&sample()).await;
    let words = down(&app, id).await;
    assert!(words.contains(&*program.to_string_lossy()), "{words}");
    // The source can still be closed, and asking it says what is the matter.
    let key = RowKey { source: id, row: 1 };
    let reply = app.ask(ViewRequest::Values { key, column: ValueColumn::Server }).await;
    assert!(matches!(&reply, ViewReply::Error(error) if error.code == "sensor_gone"), "{reply:?}");
    app.tell(ViewRequest::Close(id)).await;
    assert!(app.status().await.sources.is_empty());
    app.handle.shut_down().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_is_no_sensor_is_quoted() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("other");
    std::fs::write(&program, "#!/bin/sh\necho 'the last words' >&2\necho 'I am something else'\n").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let app = App::with(Options { sensord: Some(program), ..Options::default() });
    let id = app.open(&sample()).await;
    let words = down(&app, id).await;
    assert!(words.contains("I am something else") && words.contains("the last words"), "{words}");
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_capture_that_is_not_there_fails_in_words() {
    let Some(app) = App::start(Options::default()) else { return };
    let id = app.open(Path::new("/no/such/capture.pcap")).await;
    let words = app
        .until("the capture fails", || async {
            let source = app.source(id).await;
            match (source.link, source.status.state) {
                (LinkState::Down(words), _) | (_, SourceState::Failed(words)) => Some(words),
                _ => None,
            }
        })
        .await;
    assert!(words.contains("/no/such/capture.pcap"), "{words}");
    assert_eq!(app.status().await.recent, [], "it is not worth remembering");
    app.handle.shut_down().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_sensor_leaves_its_rows() {
    let Some(app) = App::start(Options::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("killed.pcap");
    std::fs::copy(sample(), &path).unwrap();
    let id = app.open(&path).await;
    let rows = app.read(id).await.rows;
    for pid in processes(&path) {
        assert!(std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    }
    let words = down(&app, id).await;
    assert!(!words.is_empty());
    let window = app.rows().await;
    assert_eq!(window.total, rows);
    let key = window.rows[0].key;
    let reply = app.ask(ViewRequest::Flows { key, offset: 0, limit: 10 }).await;
    assert!(matches!(&reply, ViewReply::Error(error) if error.code == "sensor_gone"), "{reply:?}");
    app.handle.shut_down().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_sensor_outlives_its_source_or_the_app() {
    let Some(app) = App::start(Options::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let paths = ["closed.pcap", "open.pcap"].map(|name| folder.path().join(name));
    for path in &paths {
        std::fs::copy(sample(), path).unwrap();
    }
    let closed = app.open(&paths[0]).await;
    let open = app.open(&paths[1]).await;
    app.read(closed).await;
    app.read(open).await;
    assert_eq!((processes(&paths[0]).len(), processes(&paths[1]).len()), (1, 1));
    app.tell(ViewRequest::Close(closed)).await;
    app.handle.shut_down().await;
    assert!(processes(&paths[1]).is_empty());
    // The closed one ends by itself, within the time it has for its goodbye.
    let until = std::time::Instant::now() + support::PATIENCE;
    while !processes(&paths[0]).is_empty() {
        assert!(std::time::Instant::now() < until, "the sensor of a closed source runs on");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stop_keeps_what_was_read() {
    let Some(app) = App::start(Options::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.pcap");
    std::fs::write(&path, strangers(300_000)).unwrap();
    let id = app.open(&path).await;
    app.tell(ViewRequest::Stop(id)).await;
    let source = app
        .until("the sensor stops", || async {
            let source = app.source(id).await;
            let over = matches!(source.status.state, SourceState::Stopped | SourceState::Ended);
            (over && source.rows == source.status.rows).then_some(source)
        })
        .await;
    assert_eq!(app.rows().await.totals.packets, source.status.packets);
    assert_eq!(source.link, LinkState::Up, "its lists can still be opened");
    app.handle.shut_down().await;
}

#[tokio::test]
async fn the_row_cap_holds_and_says_what_gave_way() {
    let Some(app) = App::start(Options { row_cap: 40, ..Options::default() }) else { return };
    let id = app.open(&sample()).await;
    let source = app
        .until("the capture is read", || async {
            let source = app.source(id).await;
            (source.status.state == SourceState::Ended).then_some(source)
        })
        .await;
    // The last rows may arrive with the word that it ended, or after it.
    let status = app
        .until("rows give way", || async {
            let status = app.status().await;
            let all = status.rows_evicted + app.rows().await.total;
            (all >= source.status.rows).then_some(status)
        })
        .await;
    assert_eq!(status.row_cap, 40);
    assert!(status.rows_evicted > 0 && app.rows().await.total <= 40);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_pause_past_its_bound_leaves_the_rest_at_the_sensor_and_loses_nothing() {
    let Some(app) = App::start(Options::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.pcap");
    let rows = MAX_WAITING as u64 + 50_000;
    std::fs::write(&path, strangers(rows as u32)).unwrap();
    app.tell(ViewRequest::Pause(true)).await;
    let id = app.open(&path).await;
    app.until("the pause is full", || async { (app.status().await.waiting >= MAX_WAITING as u64).then_some(()) }).await;
    // The sensor goes on reading, but what it says is not taken.
    let held = app.status().await;
    assert!(held.waiting < rows, "{}", held.waiting);
    assert_eq!(app.rows().await.total, 0);
    app.tell(ViewRequest::Pause(false)).await;
    let source = app.read(id).await;
    assert_eq!((source.rows, app.rows().await.total, app.rows().await.totals.packets), (rows, rows, rows));
    app.handle.shut_down().await;
}

#[tokio::test]
async fn ticks_come_at_most_ten_a_second_and_the_first_at_once() {
    let Some(app) = App::start(Options::default()) else { return };
    let mut ticks = app.ticks();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.pcap");
    std::fs::write(&path, strangers(100_000)).unwrap();
    let start = tokio::time::Instant::now();
    let id = app.open(&path).await;
    let mut times = Vec::new();
    loop {
        ticks.changed().await.unwrap();
        times.push(start.elapsed().as_millis());
        ticks.borrow_and_update();
        if app.source(id).await.rows == 100_000 {
            break;
        }
    }
    assert!(times.len() > 2, "{times:?}");
    // A busy machine may tell late, never early: ten or eleven fall into any second.
    assert!(times.windows(12).all(|span| span[11] - span[0] > 900), "{times:?}");
    app.handle.shut_down().await;
}
