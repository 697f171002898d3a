use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use sensor_wire::explain::{Excluding, ExplainAnswer, Outcome, StepState, unexplained};
use sensor_wire::live::{Live, SourceState, Status};
use sensor_wire::request::{Done, FlowsAnswer, Value, ValueColumn, ValueCount, ValuesAnswer};
use sensor_wire::rules::{
    RuleChecked, RuleCounts, RuleNeeds, RulePart, RuleSetup, RuleState, RuleText, RuleVariable, RulesAnswer, RulesAsked,
};
use sensor_wire::{Few, FlowRecord, Row, RowKind};
use tokio::io::duplex;
use tokio::task::JoinHandle;

use super::answer::{FLOWS_PART, LIVE_ROWS, VALUES_PART};
use super::*;
use crate::pipeline::Query;

/// A viewer that has said hello, the sensor's `Hello`, and the server behind it.
struct Served {
    viewer: Connection,
    hello: Hello,
    server: JoinHandle<Result<(), ServeError>>,
}

fn hello(protocol: u32) -> Hello {
    Hello {
        protocol,
        name: "viewer".into(),
        version: "0.0.1".into(),
        time: 0,
        zone: String::new(),
        features: vec!["unheard-of".into()],
        limits: Limits::default(),
    }
}

fn start(handle: Handle) -> (JoinHandle<Result<(), ServeError>>, impl Future<Output = Connection>) {
    let (ours, theirs) = duplex(64 << 10);
    let (app, sensor) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let identity = Identity { name: "alpha".into(), version: "0.1.0".into(), zone: "Europe/Berlin".into(), rows: 500 };
    let viewers = vec![app.public()];
    let (reader, writer) = tokio::io::split(theirs);
    let server = tokio::spawn(serve(reader, writer, sensor, viewers, identity, handle, std::future::pending()));
    let connect = async move {
        let mut ours = ours;
        let key = announce::read(&mut ours).await.unwrap();
        Connection::connect(ours, &app, &key).await.unwrap()
    };
    (server, connect)
}

/// Serves from a pipeline that is a function of the query, on a thread of its own as the real one.
async fn served(mut pipeline: impl FnMut(Query) + Send + 'static) -> Served {
    let (queries, received) = bounded(8);
    thread::spawn(move || received.iter().for_each(&mut pipeline));
    served_by(Handle::new(queries)).await
}

async fn served_by(handle: Handle) -> Served {
    let (server, connect) = start(handle);
    let viewer = connect.await;
    let mut first = viewer.open().await.unwrap();
    first.send(&hello(PROTOCOL)).await.unwrap();
    let hello = first.recv().await.unwrap().unwrap();
    Served { viewer, hello, server }
}

impl Served {
    async fn ask(&self, request: Request) -> MessageStream {
        let mut stream = self.viewer.open().await.unwrap();
        stream.send(&request).await.unwrap();
        stream
    }
}

fn row(id: u64) -> Row {
    Row {
        id,
        rev: 1,
        kind: RowKind::Flow,
        first: 1,
        last: 2,
        proto: 6,
        bytes: 3,
        frame_bytes: 4,
        estimate: false,
        packets: 5,
        flows: 1,
        open: 0,
        servers: Few::Many(2),
        clients: Few::Many(3),
        server_ports: Few::One(443),
        client_ports: Few::Many(4),
        app_protos: vec!["tls".into()],
        states: [0, 0, 1],
        events: Vec::new(),
        rank: None,
    }
}

/// As the engine would: the rows `after..total`, at most `budget`, numbered from 1.
fn rows_after(after: u64, budget: usize, total: u64) -> Live {
    let end = (after + budget as u64).min(total);
    let status = Status { packets: end, ..Status::default() };
    Live { seq: end, rows: (after + 1..=end).map(row).collect(), status, ..Live::default() }
}

#[tokio::test]
async fn rules_are_sent_in_parts_and_asked_for_once_they_run() {
    let set = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&set);
    let served = served(move |query| {
        if let Query::SetRules { book, reply } = query {
            seen.store(book.rules.rules().len(), Ordering::Relaxed);
            reply.send(()).unwrap();
        }
    })
    .await;
    // Asked before there are any: answered once there are.
    let mut early = served.ask(Request::Rules(RulesAsked { limit: 10, ..RulesAsked::default() })).await;
    let setup = RuleSetup { starter: false, off: vec![(1, 2)], ..RuleSetup::default() };
    let mut stream = served.ask(Request::SetRules(setup)).await;
    let text = "alert udp any any -> any any (msg:\"one\"; content:\"a\"; sid:1;)\n\
                alert udp any any -> any any (msg:\"two\"; content:\"b\"; sid:2;)\n\
                alert udp any any -> any any (msg:\"three\"; lua:a.lua; sid:3;)\n";
    let (first, second) = text.as_bytes().split_at(40);
    for bytes in [first, second] {
        stream.send(&RulePart { name: "a.rules".into(), bytes: bytes.to_vec(), last: false }).await.unwrap();
    }
    let packed = RulePart { name: "b.rules.gz".into(), bytes: b"no gzip".to_vec(), last: false };
    stream.send(&packed).await.unwrap();
    stream.send(&RulePart { last: true, ..RulePart::default() }).await.unwrap();
    let counts: RuleCounts = stream.recv().await.unwrap().unwrap();
    assert_eq!((counts.running, counts.refused, counts.disabled), (1, 1, 1));
    assert_eq!(counts.unreadable.len(), 1);
    assert!(counts.unreadable[0].starts_with("b.rules.gz"), "{counts:?}");
    assert_eq!(set.load(Ordering::Relaxed), 1);
    let answer: RulesAnswer = early.recv().await.unwrap().unwrap();
    assert_eq!(answer.counts, counts);
    let states: Vec<_> = answer.rules.iter().map(|line| (line.sid, line.line, line.state)).collect();
    assert_eq!(states, [(1, 1, RuleState::Running), (2, 2, RuleState::Disabled), (3, 3, RuleState::Refused)]);

    let mut stream = served.ask(Request::Rule { gid: 1, sid: 2 }).await;
    let rule: Vec<RuleText> = stream.recv().await.unwrap().unwrap();
    assert_eq!((rule[0].line.message.as_str(), rule[0].line.state), ("two", RuleState::Disabled));
    let mut stream = served.ask(Request::CheckRules { text: "alert udp any any -> any any (sid:9;".into() }).await;
    let checked: RuleChecked = stream.recv().await.unwrap().unwrap();
    assert_eq!((checked.good.len(), checked.bad.len()), (0, 1));
}

#[tokio::test]
async fn files_that_rules_name_are_asked_for_where_they_can_be_given() {
    let served = served(|query| {
        if let Query::SetRules { reply, .. } = query {
            reply.send(()).unwrap();
        }
    })
    .await;
    let setup = RuleSetup { starter: false, gives: true, ..RuleSetup::default() };
    let mut stream = served.ask(Request::SetRules(setup)).await;
    let rule = |sid: u32, list: &str| {
        format!("alert dns any any -> any any (dns.query; dataset:isset,s{sid},type string,load {list}; sid:{sid};)\n")
    };
    let last = || RulePart { last: true, ..RulePart::default() };
    let bytes = [rule(1, "here.lst"), rule(2, "gone.lst"), rule(3, "here.lst")].concat().into_bytes();
    stream.send(&RulePart { name: "/rules/a.rules".into(), bytes, last: false }).await.unwrap();
    stream.send(&last()).await.unwrap();
    let needs: RuleNeeds = stream.recv().await.unwrap().unwrap();
    let named: Vec<_> = needs.files.iter().map(|need| (need.name.as_str(), need.beside.as_str())).collect();
    assert_eq!(named, [("here.lst", "/rules/a.rules"), ("gone.lst", "/rules/a.rules")]);
    for name in ["here.lst", "unasked.lst"] {
        stream.send(&RulePart { name: name.into(), bytes: b"YQ==\n".to_vec(), last: false }).await.unwrap();
    }
    stream.send(&last()).await.unwrap();
    let counts: RuleCounts = stream.recv().await.unwrap().unwrap();
    assert_eq!((counts.running, counts.refused), (2, 1));

    let variables = Request::CheckVariables { addresses: vec![("HOME_NET".into(), "10/8".into())], ports: Vec::new() };
    let mut stream = served.ask(variables).await;
    let variables: Vec<RuleVariable> = stream.recv().await.unwrap().unwrap();
    let wrong: Vec<_> = variables.iter().filter(|it| !it.fault.is_empty()).map(|it| it.name.as_str()).collect();
    assert!(
        wrong.contains(&"HOME_NET") && wrong.contains(&"EXTERNAL_NET") && !wrong.contains(&"HTTP_PORTS"),
        "{wrong:?}"
    );
}

fn sample() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/sample.pcap")
}

/// Serves the packets of a capture and the rules that the sensor brings along.
async fn served_packets(capture: &std::path::Path) -> (Served, Arc<crate::packets::Packets>) {
    let (queries, _) = bounded(1);
    let mut handle = Handle::new(queries);
    let config = sensor_core::engine::Config { parse: Some(Default::default()), ..Default::default() };
    handle.packets = Arc::new(crate::packets::Packets::of(capture, &config));
    handle.set_book(Arc::new(rules::Book::load(&RuleSetup::default(), |_| Vec::new())));
    let packets = Arc::clone(&handle.packets);
    (served_by(handle).await, packets)
}

/// Its last part, which alone says what came of it.
async fn explained(served: &Served, gid: u32, sid: u32, flow: Option<u64>) -> ExplainAnswer {
    let mut parts: Vec<ExplainAnswer> = answers(&mut served.ask(Request::Explain { gid, sid, flow }).await).await;
    let last = parts.pop().unwrap();
    assert!(last.done && last.told.is_some() != last.refused.is_some());
    assert!(parts.iter().all(|part| !part.done && part.told.is_none() && part.refused.is_none()));
    last
}

#[tokio::test]
async fn a_rule_is_explained_from_the_packets_of_a_capture() {
    let (served, _) = served_packets(&sample()).await;
    let all = explained(&served, 1, 1_000_002, None).await;
    assert_eq!((all.read, all.cut.as_str()), (all.total, ""));
    let told = all.told.unwrap();
    assert_eq!((told.message.as_str(), told.counts.told), ("NIGHTJAR IMAP password sent in clear text", 1));
    assert!(told.counts.flows > 20, "{:?}", told.counts);
    let flow = told.flows[0].id;
    let one = explained(&served, 1, 1_000_002, Some(flow)).await.told.unwrap();
    let [tried] = one.flows.as_slice() else { panic!("{one:?}") };
    let best = tried.best.as_ref().unwrap();
    assert_eq!((tried.id, tried.server_port, tried.alerts, best.outcome), (flow, 143, 1, Outcome::Told));
    assert_eq!(one.counts.flows, 1, "no other is counted");
    let texts: Vec<_> = one.options.iter().map(|option| option.text.as_str()).collect();
    let pcre = texts.iter().position(|text| text.starts_with("pcre")).unwrap();
    let found = best.steps[pcre].at.as_ref().unwrap();
    assert_eq!(best.steps[pcre].state, StepState::Held);
    let at = ((found.offset - found.from) * 2) as usize;
    let hex = &found.hex[at..at + 11 * 2];
    assert_eq!((hex, found.buffer.as_str()), ("6130303031204c4f47494e", "stream"), "a0001 LOGIN");

    // The same flow, and a rule that is not about it.
    let other = explained(&served, 1, 1_000_001, Some(flow)).await.told.unwrap();
    let excluded = other.flows[0].excluded.as_ref().unwrap();
    assert_eq!(excluded.by, Excluding::DestinationPort);
    // A flow of another capture.
    let none = explained(&served, 1, 1_000_002, Some(1)).await.told.unwrap();
    assert_eq!((none.flows.len(), none.counts.flows), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused_in_words() {
    let refused = |answer: ExplainAnswer| answer.refused.unwrap();
    let (served, _) = served_packets(&sample()).await;
    let unknown = refused(explained(&served, 1, 999_999, None).await);
    assert_eq!(unknown.code, unexplained::UNKNOWN_RULE);
    assert!(unknown.message.contains("1:999999") && unknown.message.contains("1000001"), "{unknown:?}");

    let (gone, _) = served_packets(std::path::Path::new("/gone.pcap")).await;
    assert_eq!(refused(explained(&gone, 1, 1_000_002, None).await).code, unexplained::UNREADABLE);

    // A sensor of a live capture, or of none. It need not wait for rules to say so.
    let live = self::served(|_| {}).await;
    let refused = refused(explained(&live, 1, 1_000_002, None).await);
    assert_eq!(refused.code, unexplained::NO_PACKETS);
    assert!(refused.message.contains("keeps no packets"), "{refused:?}");
}

/// The sample so many times, an hour apart.
fn sample_again_and_again(times: u32) -> tempfile::NamedTempFile {
    let sample = std::fs::read(sample()).unwrap();
    let (head, records) = sample.split_at(24);
    let mut file = head.to_vec();
    for time in 0..times {
        let mut rest = records;
        while let Some((record, _)) = rest.split_first_chunk::<16>() {
            let word = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
            let (record, more) = rest.split_at(16 + word(8) as usize);
            file.extend((word(0) + 3600 * time).to_le_bytes());
            file.extend(&record[4..]);
            rest = more;
        }
    }
    let capture = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(capture.path(), file).unwrap();
    capture
}

#[tokio::test]
async fn a_capture_is_read_no_further_than_its_flow_goes() {
    let capture = sample_again_and_again(30);
    let (served, _) = served_packets(capture.path()).await;
    let all = explained(&served, 1, 1_000_002, None).await;
    let told = all.told.unwrap();
    assert_eq!((told.counts.told, all.read), (30, all.total));
    let flow = |at: usize| Some(told.flows[at].id);
    let early = explained(&served, 1, 1_000_002, flow(0)).await;
    assert_eq!(early.told.unwrap().counts.told, 1);
    assert!(early.read < all.total / 4, "{} of {}", early.read, all.total);
    let late = explained(&served, 1, 1_000_002, flow(29)).await;
    assert_eq!(late.told.unwrap().counts.told, 1);
    assert!(late.read > all.total / 4 * 3, "{} of {}", late.read, all.total);
}

#[tokio::test]
async fn one_explanation_runs_at_a_time_and_a_viewer_who_goes_ends_his() {
    let (served, packets) = served_packets(&sample()).await;
    let place = packets.one().acquire_owned().await.unwrap();
    let asked = Request::Explain { gid: 1, sid: 1_000_002, flow: None };
    let (left, mut waits) = (served.ask(asked.clone()).await, served.ask(asked).await);
    assert!(timeout(Duration::from_millis(50), waits.recv::<ExplainAnswer>()).await.is_err());
    drop(left);
    drop(place);
    assert!(waits.recv::<ExplainAnswer>().await.unwrap().is_some());
    let free = packets.one().acquire_owned().await;
    assert!(free.is_ok());
}

#[tokio::test]
async fn both_ends_say_hello() {
    let served = served(|_| {}).await;
    let hello = &served.hello;
    assert_eq!((hello.protocol, hello.name.as_str(), hello.version.as_str()), (PROTOCOL, "alpha", "0.1.0"));
    assert_eq!((hello.zone.as_str(), hello.limits.rows), ("Europe/Berlin", 500));
    assert!(hello.time > 1_700_000_000_000_000_000);
    served.viewer.close().await;
    assert!(served.server.await.unwrap().is_ok());
}

#[tokio::test]
async fn another_protocol_is_told_ours_and_closed() {
    let (queries, _received) = bounded(1);
    let (server, connect) = start(Handle::new(queries));
    let viewer = connect.await;
    let mut first = viewer.open().await.unwrap();
    first.send(&hello(PROTOCOL + 1)).await.unwrap();
    assert_eq!(first.recv::<Hello>().await.unwrap().unwrap().protocol, PROTOCOL);
    assert_eq!(first.recv::<Hello>().await.unwrap(), None);
    assert!(viewer.ended().await.is_ok());
    let error = server.await.unwrap().unwrap_err();
    assert!(matches!(error, ServeError::Protocol { theirs } if theirs == PROTOCOL + 1), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_says_nothing_is_let_go() {
    let (queries, _received) = bounded(1);
    let (server, connect) = start(Handle::new(queries));
    let viewer = connect.await;
    assert!(matches!(server.await.unwrap().unwrap_err(), ServeError::NoHello));
    assert!(viewer.ended().await.is_ok());
}

#[tokio::test]
async fn the_end_of_the_viewer_is_the_end_of_the_server() {
    let (queries, _received) = bounded(1);
    let (ours, theirs) = duplex(4096);
    let (app, sensor) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (reader, writer) = tokio::io::split(theirs);
    let viewers = vec![app.public()];
    let server = tokio::spawn(serve(
        reader,
        writer,
        sensor,
        viewers,
        Identity::default(),
        Handle::new(queries),
        std::future::pending(),
    ));
    let mut ours = ours;
    announce::read(&mut ours).await.unwrap();
    // Killed before its handshake: there never was a viewer.
    drop(ours);
    assert!(matches!(server.await.unwrap().unwrap_err(), ServeError::Link(LinkError::Cut)));
}

#[tokio::test(start_paused = true)]
async fn all_rows_come_at_once_and_then_only_what_changes() {
    let total = 2 * LIVE_ROWS as u64 + 10;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let (queries, received) = bounded(8);
    // A pipeline within the test's runtime, so that its clock and ours are the same one.
    tokio::spawn(async move {
        loop {
            while let Ok(Query::Live { after, budget, reply }) = received.try_recv() {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = reply.send(rows_after(after, budget, total));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let served = served_by(Handle::new(queries)).await;
    let mut stream = served.ask(Request::Live { after: 0 }).await;
    let started = tokio::time::Instant::now();
    let mut ids = Vec::new();
    let mut sizes = Vec::new();
    while (ids.len() as u64) < total {
        let live = stream.recv::<Live>().await.unwrap().unwrap();
        assert_eq!(live.seq, live.rows.last().unwrap().id);
        sizes.push(live.rows.len());
        ids.extend(live.rows.iter().map(|row| row.id));
    }
    assert!(started.elapsed() < LIVE_INTERVAL, "full answers follow each other without a pause");
    assert_eq!(ids, (1..=total).collect::<Vec<_>>());
    assert_eq!(sizes, [LIVE_ROWS, LIVE_ROWS, 10]);
    // The pipeline is asked on, ten times a second; nothing changes, so the viewer hears nothing.
    let before = asked.load(Ordering::SeqCst);
    let more = timeout(10 * LIVE_INTERVAL, stream.recv::<Live>()).await;
    assert!(more.is_err(), "{more:?}");
    let questions = asked.load(Ordering::SeqCst) - before;
    assert!((9..=11).contains(&questions), "{questions} questions in a second");
}

#[tokio::test]
async fn a_viewer_goes_on_where_it_was() {
    let served = served(|query| {
        if let Query::Live { after, budget, reply } = query {
            let _ = reply.send(rows_after(after, budget, 10));
        }
    })
    .await;
    let mut stream = served.ask(Request::Live { after: 7 }).await;
    let live = stream.recv::<Live>().await.unwrap().unwrap();
    assert_eq!(live.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [8, 9, 10]);
}

#[tokio::test]
async fn the_last_status_is_told_even_without_rows() {
    let mut questions = 0;
    let served = served(move |query| {
        if let Query::Live { reply, .. } = query {
            questions += 1;
            let state = if questions < 4 { SourceState::Running } else { SourceState::Ended };
            let status = Status { state, packets: questions.min(4), ..Status::default() };
            let _ = reply.send(Live { seq: 1, status, ..Live::default() });
        }
    })
    .await;
    let mut stream = served.ask(Request::Live { after: 0 }).await;
    loop {
        let live = stream.recv::<Live>().await.unwrap().unwrap();
        if live.status.state == SourceState::Ended {
            assert_eq!(live.status.packets, 4);
            return;
        }
    }
}

#[tokio::test]
async fn rows_that_would_make_too_long_a_message_come_in_smaller_ones() {
    let served = served(|query| {
        if let Query::Live { after, budget, reply } = query {
            let mut live = rows_after(after, budget, 100);
            for row in &mut live.rows {
                row.app_protos = vec!["x".repeat(100_000)];
            }
            let _ = reply.send(live);
        }
    })
    .await;
    let mut stream = served.ask(Request::Live { after: 0 }).await;
    let mut ids = Vec::new();
    while ids.len() < 100 {
        let live = stream.recv::<Live>().await.unwrap().unwrap();
        ids.extend(live.rows.iter().map(|row| row.id));
    }
    assert_eq!(ids, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn flows_come_in_parts_each_asked_by_itself() {
    const TOTAL: u32 = 3 * FLOWS_PART - 100;
    let served = served(|query| {
        if let Query::Flows { row, offset, limit, reply } = query {
            assert!(limit <= FLOWS_PART);
            let end = offset.saturating_add(limit).min(TOTAL);
            let flows = (offset..end).map(|id| FlowRecord { id: id.into(), ..FlowRecord::default() }).collect();
            let answer = if row == 1 { FlowsAnswer { total: TOTAL, flows, gone: false, done: true } } else { gone() };
            let _ = reply.send(answer);
        }
    })
    .await;
    let cases = [
        (0, u32::MAX, 0..TOTAL, 3),
        (TOTAL - 5, u32::MAX, TOTAL - 5..TOTAL, 1),
        (10, 2 * FLOWS_PART, 10..10 + 2 * FLOWS_PART, 2),
        (TOTAL + 1, 50, 0..0, 1),
        (0, 0, 0..0, 1),
    ];
    for (offset, limit, expected, parts) in cases {
        let answers = answers(&mut served.ask(Request::Flows { row: 1, offset, limit }).await).await;
        let ids: Vec<_> = answers.iter().flat_map(|a: &FlowsAnswer| &a.flows).map(|flow| flow.id as u32).collect();
        assert_eq!(ids, expected.collect::<Vec<_>>(), "from {offset}, {limit} at most");
        assert_eq!(answers.len(), parts, "from {offset}, {limit} at most");
        assert!(answers.iter().all(|a| a.total == TOTAL && !a.gone));
        assert_eq!(answers.iter().map(|a| a.done).collect::<Vec<_>>(), done_last(parts));
    }
    let answers: Vec<FlowsAnswer> =
        answers(&mut served.ask(Request::Flows { row: 2, offset: 0, limit: 9 }).await).await;
    assert_eq!(answers, [gone()]);
}

fn gone() -> FlowsAnswer {
    FlowsAnswer { gone: true, done: true, ..FlowsAnswer::default() }
}

fn done_last(parts: usize) -> Vec<bool> {
    (1..=parts).map(|n| n == parts).collect()
}

/// All messages until the stream ends.
async fn answers<T: serde::de::DeserializeOwned>(stream: &mut MessageStream) -> Vec<T> {
    let mut answers = Vec::new();
    while let Some(answer) = stream.recv().await.unwrap() {
        answers.push(answer);
    }
    answers
}

#[tokio::test]
async fn values_come_in_parts() {
    for (count, parts) in [(0, 1), (1, 1), (VALUES_PART, 1), (VALUES_PART + 1, 2), (3 * VALUES_PART, 3)] {
        let served = served(move |query| {
            if let Query::Values { column: ValueColumn::ServerPort, reply, .. } = query {
                let value = |n| ValueCount { value: Value::Port(n as u16), flows: 1, packets: 2, bytes: 3 };
                let values = (0..count).map(value).collect();
                let _ = reply.send(ValuesAnswer { total: count as u32, values, gone: false, done: true });
            }
        })
        .await;
        let mut stream = served.ask(Request::Values { row: 1, column: ValueColumn::ServerPort }).await;
        let answers: Vec<ValuesAnswer> = answers(&mut stream).await;
        assert_eq!(answers.iter().map(|a| a.values.len()).sum::<usize>(), count);
        assert!(answers.iter().all(|a| a.total == count as u32));
        assert_eq!(answers.iter().map(|a| a.done).collect::<Vec<_>>(), done_last(parts));
    }
}

#[tokio::test]
async fn stop_is_answered_when_it_is_done() {
    let served = served(|query| {
        if let Query::Stop { reply } = query {
            let _ = reply.send(());
        }
    })
    .await;
    let answers: Vec<Done> = answers(&mut served.ask(Request::Stop).await).await;
    assert_eq!(answers, [Done {}]);
}

#[tokio::test]
async fn a_full_queue_delays_and_loses_nothing() {
    let (queries, received): (_, Receiver<Query>) = bounded(1);
    let (filler, _answer) = tokio::sync::oneshot::channel();
    queries.send(Query::Stop { reply: filler }).unwrap();
    let served = served_by(Handle::new(queries)).await;
    let mut first = served.ask(Request::Stop).await;
    let mut second = served.ask(Request::Stop).await;
    // The queue is full, so neither can be answered; then the pipeline comes round.
    assert!(timeout(Duration::from_millis(50), first.recv::<Done>()).await.is_err());
    thread::spawn(move || {
        for query in received {
            if let Query::Stop { reply } = query {
                let _ = reply.send(());
            }
        }
    });
    assert_eq!(first.recv::<Done>().await.unwrap(), Some(Done {}));
    assert_eq!(second.recv::<Done>().await.unwrap(), Some(Done {}));
}

#[tokio::test]
async fn one_request_too_many_is_reset_and_a_place_comes_free() {
    // Holds every question back.
    let (held, questions) = bounded(2 * MAX_REQUESTS);
    let served = served(move |query| drop(held.send(query))).await;
    let mut streams = Vec::new();
    for _ in 0..MAX_REQUESTS {
        streams.push(served.ask(Request::Stop).await);
    }
    let mut one_more = served.ask(Request::Stop).await;
    assert_eq!(one_more.recv::<Done>().await.unwrap(), None);
    let answer = move |question| {
        let Query::Stop { reply } = question else { panic!("{question:?}") };
        reply.send(()).unwrap();
    };
    answer(questions.recv().unwrap());
    let mut waiting: Vec<_> = streams.iter_mut().map(|stream| Box::pin(stream.recv::<Done>())).collect();
    let (done, ..) = futures_select(&mut waiting).await;
    assert_eq!(done, Some(Done {}));
}

/// The first of the futures to be ready, by its output.
async fn futures_select<T>(
    waiting: &mut [std::pin::Pin<Box<impl Future<Output = Result<T, LinkError>>>>],
) -> (T, usize) {
    std::future::poll_fn(|cx| {
        for (place, future) in waiting.iter_mut().enumerate() {
            if let std::task::Poll::Ready(result) = future.as_mut().poll(cx) {
                return std::task::Poll::Ready((result.unwrap(), place));
            }
        }
        std::task::Poll::Pending
    })
    .await
}

#[tokio::test]
async fn a_closed_stream_cancels_its_request() {
    let (held, questions) = bounded(8);
    let served = served(move |query| drop(held.send(query))).await;
    let stream = served.ask(Request::Flows { row: 1, offset: 0, limit: 1 }).await;
    let Query::Flows { mut reply, .. } = tokio::task::spawn_blocking(move || questions.recv().unwrap()).await.unwrap()
    else {
        panic!("another question was asked")
    };
    drop(stream);
    reply.closed().await;
}

#[tokio::test]
async fn what_is_no_request_ends_its_stream_only() {
    let served = served(|query| {
        if let Query::Stop { reply } = query {
            let _ = reply.send(());
        }
    })
    .await;
    let mut stream = served.viewer.open().await.unwrap();
    stream.send(&"make coffee").await.unwrap();
    assert_eq!(stream.recv::<Done>().await.unwrap(), None);
    let mut stream = served.ask(Request::Stop).await;
    assert_eq!(stream.recv::<Done>().await.unwrap(), Some(Done {}));
}
