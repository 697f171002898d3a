//! Rules from where they lie to the sensor that runs them: files, what their rules name, and what is fetched.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use nightjar_app::controller::Options;
use sensor_wire::rules::{RuleState, RulesAsked};
use sensor_wire::view::{RuleFetch, RulePrefs, RuleSource, RuleWindow, ViewReply, ViewRequest};
use support::App;

async fn list(app: &App) -> RuleWindow {
    match app.ask(ViewRequest::RuleList(RulesAsked { limit: 100, ..RulesAsked::default() })).await {
        ViewReply::Rules(window) => *window,
        other => panic!("{other:?}"),
    }
}

/// Only these sources, without the starter rules.
async fn set(app: &App, paths: &[&str]) {
    let sources = paths.iter().map(|path| RuleSource { path: (*path).to_owned(), on: true }).collect();
    app.tell(ViewRequest::SetRules(Box::new(RulePrefs { starter: false, sources, ..RulePrefs::default() }))).await;
}

/// What is listed: sid and state.
fn states(window: &RuleWindow) -> Vec<(u32, RuleState)> {
    window.answer.rules.iter().map(|line| (line.sid, line.state)).collect()
}

#[tokio::test]
async fn a_list_beside_its_rules_travels_with_them() {
    let Some(app) = App::start(Options::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let rule = |sid: u32, list: &str| {
        format!("alert dns any any -> any any (dns.query; dataset:isset,s{sid},type string,load {list}; sid:{sid};)\n")
    };
    let text = [rule(1, "lists/bad.lst"), rule(2, "../outside.lst"), rule(3, "missing.lst")].concat();
    std::fs::create_dir_all(folder.path().join("rules/lists")).unwrap();
    std::fs::write(folder.path().join("rules/a.rules"), text).unwrap();
    for list in ["rules/lists/bad.lst", "outside.lst"] {
        std::fs::write(folder.path().join(list), "YmFk\n").unwrap();
    }
    set(&app, &[&folder.path().join("rules").to_string_lossy()]).await;
    let window = list(&app).await;
    assert_eq!(states(&window), [(1, RuleState::Running), (2, RuleState::Refused), (3, RuleState::Refused)]);
    assert!(window.answer.rules[1].message.contains("outside.lst"), "{:?}", window.answer.rules[1]);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn variables_are_checked_before_they_are_kept_and_decide_which_rules_can_be_read() {
    let Some(app) = App::start(Options::default()) else { return };
    let local = "alert ip $OFFICE any -> any $DOOR (sid:1;)".to_owned();
    let with = |office: &str, doors: &str| RulePrefs {
        starter: false,
        local: local.clone(),
        addresses: vec![("OFFICE".into(), office.into())],
        ports: vec![("DOOR".into(), doors.into())],
        ..RulePrefs::default()
    };
    let faults = |prefs: RulePrefs| async {
        let ViewReply::Variables(all) = app.ask(ViewRequest::CheckVariables(Box::new(prefs))).await else { panic!() };
        assert_eq!(all.len(), 29);
        all.into_iter().filter(|it| !it.fault.is_empty()).map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(faults(with("10.0.0.0/8, 192.0.2.1", "1,70000")).await, ["DOOR"]);
    assert_eq!(faults(with("10.0.0.0/8, 192.0.2.1", "22,!23")).await, Vec::<String>::new());
    app.tell(ViewRequest::SetRules(Box::new(RulePrefs { ports: Vec::new(), ..with("10.0.0.1", "") }))).await;
    assert_eq!(states(&list(&app).await), [(1, RuleState::Refused)]);
    app.tell(ViewRequest::SetRules(Box::new(with("10.0.0.1", "22")))).await;
    let window = list(&app).await;
    assert_eq!(states(&window), [(1, RuleState::Running)]);
    let office = window.answer.variables.iter().find(|it| it.name == "OFFICE").expect("it is told");
    assert_eq!((office.value.as_str(), office.default.as_str()), ("10.0.0.1", ""));
    app.handle.shut_down().await;
}

/// A server of one file. It answers with what `serves` says at the time: a status, and the rule's revision.
fn server(serves: Arc<AtomicU16>, asked: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}/new.rules?code=secret", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            asked.fetch_add(1, Ordering::SeqCst);
            let (status, body) = match (serves.load(Ordering::SeqCst), head.starts_with(b"GET /new.rules?code=secret "))
            {
                (0, _) => (503, String::new()),
                (_, false) => (404, String::new()),
                (rev, true) => (200, format!("alert ip any any -> any any (sid:7; rev:{rev};)\n")),
            };
            let head = format!("HTTP/1.1 {status} Word\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            // Who asked may have gone.
            drop(stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()));
        }
    });
    address
}

async fn fetched(app: &App, address: &str) -> RuleFetch {
    app.tell(ViewRequest::FetchRules(address.to_owned())).await;
    app.until("the fetch is over", || async {
        let fetch = list(app).await.fetches.into_iter().next().expect("it is a source");
        fetch.under_way.is_none().then_some(fetch)
    })
    .await
}

#[tokio::test]
async fn rules_are_fetched_when_it_is_said_and_kept_until_newer_ones_come() {
    let data = tempfile::tempdir().unwrap();
    let options = || Options { data: Some(data.path().to_owned()), ..Options::default() };
    let Some(app) = App::start(options()) else { return };
    let (serves, asked) = (Arc::new(AtomicU16::new(1)), Arc::new(AtomicUsize::new(0)));
    let address = server(Arc::clone(&serves), Arc::clone(&asked));
    let unknown = app.ask(ViewRequest::FetchRules(address.clone())).await;
    assert!(matches!(unknown, ViewReply::Error(error) if error.code == "fetch_failed"));
    set(&app, &[&address]).await;
    let window = list(&app).await;
    let never = RuleFetch { address: address.clone(), ..RuleFetch::default() };
    assert_eq!((window.fetches, window.answer.counts.unreadable), (vec![never], Vec::new()));
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nothing is fetched unasked");

    let first = fetched(&app, &address).await;
    let kept = first.kept.expect("it is kept");
    assert_eq!((kept.bytes, kept.verified, first.failed), (44, false, None));
    assert!(kept.fetched > 1_700_000_000_000_000_000 && kept.fetched == kept.looked);
    until_runs(&app, 1).await;
    assert!(list(&app).await.answer.rules[0].file.ends_with("/new.rules"), "what is secret is not told");

    serves.store(2, Ordering::SeqCst);
    fetched(&app, &address).await;
    until_runs(&app, 2).await;
    serves.store(0, Ordering::SeqCst);
    let failed = fetched(&app, &address).await;
    let error = failed.failed.expect("it failed");
    assert!(error.detail.contains("HTTP 503") && !error.detail.contains("secret"), "{error:?}");
    assert_eq!(failed.kept.expect("the old one stays").bytes, 44);
    until_runs(&app, 2).await;
    app.handle.shut_down().await;

    let before = asked.load(Ordering::SeqCst);
    let Some(app) = App::start(options()) else { return };
    until_runs(&app, 2).await;
    assert_eq!(asked.load(Ordering::SeqCst), before, "a start asks nobody");
    assert_eq!(files(data.path()), 2);
    set(&app, &[]).await;
    assert_eq!(files(data.path()), 0, "what is no source any more is taken away");
    app.handle.shut_down().await;
}

/// Until the rule runs in this revision.
async fn until_runs(app: &App, rev: u32) {
    let look = || async {
        let window = list(app).await;
        let line = window.answer.rules.iter().find(|line| line.sid == 7)?;
        (line.rev == rev && line.state == RuleState::Running).then_some(())
    };
    app.until("the rule runs", look).await;
}

fn files(data: &Path) -> usize {
    std::fs::read_dir(data.join("rules")).map_or(0, Iterator::count)
}
