//! The app without a window, where it captures live, or can't.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]

mod support;

use nightjar_app::controller::Options;
use nightjar_app::sources::Origin;
use sensor_wire::live::{SourceState, failure};
use sensor_wire::view::{self, ViewReply, ViewRequest, Wire};
use support::{App, sample};

fn wire(interface: &str) -> Wire {
    Wire { interface: interface.into(), filter: String::new() }
}

fn capture(interface: &str) -> ViewRequest {
    ViewRequest::Capture { wire: wire(interface), name: String::new() }
}

#[tokio::test]
async fn the_loopback_is_listed_with_its_state() {
    let Some(app) = App::start(Options::default()) else { return };
    let list = match app.ask(ViewRequest::Interfaces).await {
        ViewReply::Interfaces(list) => list,
        other => panic!("{other:?}"),
    };
    assert_eq!(list.failure, None);
    assert!(list.interfaces.iter().any(|interface| interface.loopback), "{list:?}");
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_capture_that_is_refused_says_why_and_leaves_no_source() {
    let Some(app) = App::start(Options::default()) else { return };
    let refused = match app.ask(capture("no-such-if0")).await {
        ViewReply::Capturing(Some(refused)) => refused,
        other => panic!("{other:?}"),
    };
    // Without rights the system may not even say that there is none.
    assert!([failure::NO_INTERFACE, failure::RIGHTS].contains(&refused.code.as_str()), "{refused:?}");
    assert!(refused.message.contains("no-such-if0"), "{refused:?}");
    assert_eq!(app.status().await.sources, []);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn one_from_the_command_line_stays_until_it_is_tried_again_or_closed() {
    let Some(app) = App::start(Options::default()) else { return };
    let origins = vec![Origin::File(sample()), Origin::Interface(wire("no-such-if0"))];
    assert_eq!(app.handle.open_all(origins).await, ViewReply::Done);
    let failed = || async {
        let source = app.status().await.sources.into_iter().find(|s| s.name == "no-such-if0")?;
        matches!(source.status.state, SourceState::Failed(_)).then_some(source)
    };
    let first = app.until("it fails", failed).await;
    assert_eq!(first.origin, view::Origin::Interface(wire("no-such-if0")));
    assert!(first.status.capture.is_some_and(|capture| capture.failure.is_some()));
    app.tell(ViewRequest::Again(first.id)).await;
    let second = app.until("it fails again", || async { failed().await.filter(|s| s.id != first.id) }).await;
    let status = app.status().await;
    assert_eq!(status.sources.len(), 2, "what had no rows gave way to the second try");
    assert!(status.recent.iter().all(|recent| recent.path != "no-such-if0"), "only files are remembered");
    app.tell(ViewRequest::Close(second.id)).await;
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_capture_with_rows_stays_beside_its_second_reading() {
    let Some(app) = App::start(Options::default()) else { return };
    let first = app.open(&sample()).await;
    let rows = app.read(first).await.rows;
    app.tell(ViewRequest::Again(first)).await;
    let second = app.status().await.sources.last().map(|source| source.id).unwrap();
    assert_eq!(app.read(second).await.name, "sample (2)");
    assert_eq!(app.rows().await.total, rows * 2);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_sensor_that_does_not_start_is_no_capture() {
    let app = App::with(Options { sensord: Some("/no/such/sensord".into()), ..Options::default() });
    for request in [capture("eth0"), ViewRequest::Interfaces] {
        match app.ask(request).await {
            ViewReply::Error(error) => assert!(error.detail.contains("/no/such/sensord"), "{error:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(app.status().await.sources, []);
    app.handle.shut_down().await;
}

#[cfg(unix)]
#[tokio::test]
async fn closing_a_capture_that_has_not_started_answers_who_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let silent = folder.path().join("silent");
    std::fs::write(&silent, "#!/bin/sh\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(&silent, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let app = App::with(Options { sensord: Some(silent), ..Options::default() });
    let asked = tokio::spawn({
        let handle = app.handle.clone();
        async move { handle.request(capture("eth0")).await }
    });
    let id = app.until("it is listed", || async { app.status().await.sources.first().map(|source| source.id) }).await;
    app.tell(ViewRequest::Close(id)).await;
    let answer = asked.await.unwrap();
    assert!(matches!(&answer, ViewReply::Error(error) if error.code == "unknown_source"), "{answer:?}");
    app.handle.shut_down().await;
}

#[tokio::test]
async fn a_name_that_was_given_to_an_interface_is_kept_with_any_filter() {
    let Some(app) = App::start(Options::default()) else { return };
    assert_eq!(app.handle.open_all(vec![Origin::Interface(wire("no-such-if0"))]).await, ViewReply::Done);
    let id = app.status().await.sources[0].id;
    app.tell(ViewRequest::Rename { source: id, name: "Uplink".into() }).await;
    app.tell(ViewRequest::Close(id)).await;
    let filtered = Wire { filter: "tcp".into(), ..wire("no-such-if0") };
    assert_eq!(app.handle.open_all(vec![Origin::Interface(filtered)]).await, ViewReply::Done);
    assert_eq!(app.status().await.sources[0].name, "Uplink");
    app.handle.shut_down().await;
}
