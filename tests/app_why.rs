//! Why a rule told of a flow, or did not, through the whole app: from the question of the page to the packets and back.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone")]

mod support;

use nightjar_app::controller::Options;
use sensor_wire::explain::{Excluding, Outcome, StepState, unexplained};
use sensor_wire::view::{Prefs, SourceId, ViewReply, ViewRequest, Why, WhyAsked};
use support::{App, sample};

async fn why(app: &App, request: ViewRequest) -> Why {
    match app.ask(request).await {
        ViewReply::Why(why) => *why,
        other => panic!("{other:?}"),
    }
}

/// Asks until it is done, as the page does.
async fn explained(app: &App, asked: WhyAsked) -> Why {
    let mut told = why(app, ViewRequest::Explain(asked)).await;
    while !told.answer.done {
        told = why(app, ViewRequest::ExplainOn(told.number)).await;
    }
    told
}

/// What is refused, by its code.
async fn code(app: &App, request: ViewRequest) -> String {
    match app.ask(request).await {
        ViewReply::Error(error) => error.code,
        other => panic!("{other:?}"),
    }
}

/// The sample's flow of a clear-text IMAP login.
async fn imap(app: &App) -> WhyAsked {
    let source: SourceId = app.open(&sample()).await;
    app.read(source).await;
    let rows = app.rows().await.rows;
    let of = |sid: u32| {
        move |row: &&sensor_wire::view::ViewRow| {
            row.events.iter().filter_map(|event| event.rule.as_ref()).any(|rule| rule.sid == sid)
        }
    };
    let row = rows.iter().find(of(1_000_002)).expect("a row with the alert");
    let ViewReply::Flows(flows) = app.ask(ViewRequest::Flows { key: row.key, offset: 0, limit: 9 }).await else {
        panic!("no flows")
    };
    WhyAsked { source, gid: 1, sid: 1_000_002, flow: flows.flows[0].flow.id }
}

#[tokio::test]
async fn a_row_says_why_its_rule_told_of_it_and_why_another_did_not() {
    let Some(app) = App::start(Options::default()) else { return };
    let asked = imap(&app).await;
    let ViewReply::Boot(boot) = app.ask(ViewRequest::Boot).await else { panic!("no boot") };
    app.tell(ViewRequest::SetPrefs(Prefs { zone: "Asia/Kolkata".into(), ..boot.prefs })).await;
    let told = explained(&app, asked).await;
    assert_eq!(told.utc_offset, 19_800, "of the zone that is set");
    let rule = told.answer.told.expect("an explanation");
    let best = rule.flows[0].best.as_ref().expect("an attempt");
    assert_eq!((rule.flows[0].id, best.outcome, best.frame), (asked.flow, Outcome::Told, Some(2396)));
    assert!(best.steps.iter().all(|step| matches!(step.state, StepState::Held | StepState::Aside)), "{best:?}");

    let other = explained(&app, WhyAsked { sid: 1_000_001, ..asked }).await.answer.told.expect("an explanation");
    let excluded = other.flows[0].excluded.as_ref().expect("a reason");
    assert_eq!(excluded.by, Excluding::DestinationPort);
    let none = explained(&app, WhyAsked { sid: 7, ..asked }).await.answer.refused.expect("a refusal");
    assert_eq!(none.code, unexplained::UNKNOWN_RULE);
    app.handle.shut_down().await;
}

#[tokio::test]
async fn one_question_is_open_at_a_time_and_can_be_withdrawn() {
    let Some(app) = App::start(Options::default()) else { return };
    let asked = imap(&app).await;
    let first = why(&app, ViewRequest::Explain(asked)).await.number;
    let second = why(&app, ViewRequest::Explain(asked)).await.number;
    assert_ne!(first, second);
    assert_eq!(code(&app, ViewRequest::ExplainOn(first)).await, "withdrawn");
    // One that is not open leaves the other alone.
    app.tell(ViewRequest::StopExplain(first)).await;
    while !why(&app, ViewRequest::ExplainOn(second)).await.answer.done {}
    app.tell(ViewRequest::StopExplain(second)).await;
    assert_eq!(code(&app, ViewRequest::ExplainOn(second)).await, "withdrawn");
    app.tell(ViewRequest::Close(asked.source)).await;
    assert_eq!(code(&app, ViewRequest::Explain(asked)).await, "unknown_source");
    app.handle.shut_down().await;
}
