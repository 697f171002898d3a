//! The real sensor as a child process: what a viewer gets of a whole capture, and how the sensor ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in tests alone")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sensor_link::{Connection, KeyPair, LinkError, MessageStream, announce};
use sensor_wire::hello::{Hello, Limits, PROTOCOL};
use sensor_wire::host::{HostRecord, Hosts};
use sensor_wire::live::{Live, SourceState, Status};
use sensor_wire::request::{Done, FlowsAnswer, Request, Value, ValueColumn, ValueCount, ValuesAnswer};
use sensor_wire::{Few, FlowRecord, Row, RowId, RowKind};
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

#[path = "serve/events.rs"]
mod events;

/// How long anything may take. Only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running sensor and this viewer's connection to it.
struct Sensor {
    child: Child,
    connection: Connection,
}

impl Sensor {
    /// Starts a sensor for `capture` and says hello.
    async fn start(capture: &Path, more: &[&str]) -> Sensor {
        let keys = KeyPair::generate().unwrap();
        Sensor::greet(spawn(capture, &keys, more), keys).await
    }

    /// Starts one that reads no packets.
    async fn idle(more: &[&str]) -> Sensor {
        let keys = KeyPair::generate().unwrap();
        Sensor::greet(spawn_on(&["--idle".as_ref()], &keys, more), keys).await
    }

    async fn greet(mut child: Child, keys: KeyPair) -> Sensor {
        let mut output = child.stdout.take().unwrap();
        let key = announce::read(&mut output).await.expect("the announcement");
        let io = tokio::io::join(output, child.stdin.take().unwrap());
        let connection = Connection::connect(io, &keys, &key).await.expect("the handshake");
        let mut stream = connection.open().await.unwrap();
        let hello = Hello {
            protocol: PROTOCOL,
            name: "test".into(),
            version: "0".into(),
            time: 0,
            zone: String::new(),
            features: Vec::new(),
            limits: Limits::default(),
        };
        stream.send(&hello).await.unwrap();
        let theirs = stream.recv::<Hello>().await.unwrap().expect("the sensor's hello");
        assert_eq!((theirs.protocol, theirs.name.as_str()), (PROTOCOL, "local"));
        Sensor { child, connection }
    }

    async fn ask(&self, request: Request) -> MessageStream {
        let mut stream = self.connection.open().await.unwrap();
        stream.send(&request).await.unwrap();
        stream
    }

    /// All rows as they stand at the end of the source, and the last status.
    async fn all(&self) -> (BTreeMap<RowId, Row>, Status) {
        let mut stream = self.ask(Request::Live { after: 0 }).await;
        let (mut rows, mut seq) = (BTreeMap::new(), 0);
        loop {
            let live: Live = in_time(stream.recv()).await.unwrap().expect("the stream goes on");
            assert!(live.seq >= seq, "the order of changes goes forward");
            seq = live.seq;
            apply(&mut rows, live.removed, live.rows);
            let over = !matches!(live.status.state, SourceState::Starting | SourceState::Running);
            // The last counters may come before the last rows.
            if over && live.status.rows == rows.len() as u64 && rows.values().all(|row| row.open == 0) {
                return (rows, live.status);
            }
        }
    }

    async fn flows(&self, row: RowId, offset: u32, limit: u32) -> (Vec<FlowRecord>, u32) {
        let answers: Vec<FlowsAnswer> = answers(self.ask(Request::Flows { row, offset, limit }).await).await;
        assert!(answers.iter().rev().skip(1).all(|answer| !answer.done));
        let last = answers.last().expect("an answer");
        assert!(last.done && !last.gone);
        let total = last.total;
        (answers.into_iter().flat_map(|answer| answer.flows).collect(), total)
    }

    async fn values(&self, row: RowId, column: ValueColumn) -> Vec<ValueCount> {
        let answers: Vec<ValuesAnswer> = answers(self.ask(Request::Values { row, column }).await).await;
        let last = answers.last().expect("an answer");
        assert!(last.done && !last.gone);
        let total = last.total as usize;
        let values: Vec<_> = answers.into_iter().flat_map(|answer| answer.values).collect();
        assert_eq!(values.len(), total);
        values
    }

    /// Says goodbye and waits for the sensor to end.
    async fn end(mut self) -> ExitStatus {
        self.connection.close().await;
        in_time(self.child.wait()).await.unwrap()
    }
}

fn spawn(capture: &Path, viewer: &KeyPair, more: &[&str]) -> Child {
    spawn_on(&["--replay".as_ref(), capture.as_os_str()], viewer, more)
}

fn spawn_on(source: &[&OsStr], viewer: &KeyPair, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sensord"))
        .args(["serve", "--stdio", "--viewer", &viewer.public().to_string()])
        .args(source)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("sensord starts")
}

fn apply(rows: &mut BTreeMap<RowId, Row>, removed: Vec<RowId>, changed: Vec<Row>) {
    for id in removed {
        rows.remove(&id);
    }
    for row in changed {
        let (id, rev) = (row.id, row.rev);
        if let Some(old) = rows.insert(id, row) {
            assert!(rev > old.rev, "a row that comes again has changed");
        }
    }
}

async fn answers<T: DeserializeOwned>(mut stream: MessageStream) -> Vec<T> {
    let mut answers = Vec::new();
    while let Some(answer) = in_time(stream.recv()).await.expect("an answer") {
        answers.push(answer);
    }
    answers
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("in time")
}

/// The sample that comes with Nightjar.
fn sample() -> PathBuf {
    root().join("tests/data/sample.pcap")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::test]
async fn the_flows_of_each_row_add_up_to_it() {
    let sensor = Sensor::start(&sample(), &[]).await;
    let (rows, status) = sensor.all().await;
    assert_eq!(status.state, SourceState::Ended);
    assert!(rows.len() > 5, "{} rows", rows.len());
    check_rows(&sensor, &rows, &status).await;
    assert!(sensor.end().await.success());
}

/// Asks for the flows and values of each row and compares sums, counts and sets.
async fn check_rows(sensor: &Sensor, rows: &BTreeMap<RowId, Row>, status: &Status) {
    let mut all_flows = BTreeSet::new();
    for row in rows.values().filter(|row| matches!(row.kind, RowKind::Flow | RowKind::Alert)) {
        let (flows, total) = sensor.flows(row.id, 0, u32::MAX).await;
        assert_eq!((total, flows.len()), (row.flows, row.flows as usize), "{row:?}");
        let sum = |of: fn(&FlowRecord) -> u64| flows.iter().map(of).sum::<u64>();
        let packets = sum(|f| f.to_server.packets + f.to_client.packets);
        let frame_bytes = sum(|f| f.to_server.frame_bytes + f.to_client.frame_bytes);
        let bytes = sum(|f| f.to_server.payload_bytes + f.to_client.payload_bytes);
        assert_eq!((packets, frame_bytes, bytes), (row.packets, row.frame_bytes, row.bytes), "{row:?}");
        let first = flows.iter().map(|f| f.first).min();
        if row.kind == RowKind::Flow {
            assert_eq!(first, Some(row.first), "{row:?}");
        } else {
            assert!(first <= Some(row.first) && row.first <= row.last, "its time is that of an alert: {row:?}");
        }
        assert_eq!(flows.iter().map(|f| f.last).max(), Some(row.last), "{row:?}");
        assert_eq!(flows.iter().any(|f| f.estimate), row.estimate, "{row:?}");
        assert!(flows.iter().all(|f| f.proto == row.proto && f.end.is_some()), "{row:?}");
        assert!(flows.is_sorted_by_key(|f| f.first), "flows come in order of their start: {row:?}");
        assert!(flows.iter().all(|f| all_flows.insert(f.id)), "each flow is in one row only: {row:?}");
        check_values(sensor, row, &flows).await;
    }
    assert_eq!(all_flows.len() as u64, status.flows, "each flow is in a row");
}

async fn check_values(sensor: &Sensor, row: &Row, flows: &[FlowRecord]) {
    type Pick = fn(&FlowRecord) -> Value;
    let columns: [(ValueColumn, Few<Value>, Pick); 4] = [
        (ValueColumn::Server, few(row.servers, Value::Addr), |f| Value::Addr(f.server)),
        (ValueColumn::Client, few(row.clients, Value::Addr), |f| Value::Addr(f.client)),
        (ValueColumn::ServerPort, few(row.server_ports, Value::Port), |f| Value::Port(f.server_port)),
        (ValueColumn::ClientPort, few(row.client_ports, Value::Port), |f| Value::Port(f.client_port)),
    ];
    // A cell that has no such thing (ports of ICMP) has no list to open.
    for (column, cell, pick) in columns.into_iter().filter(|(_, cell, _)| *cell != Few::None) {
        let values = sensor.values(row.id, column).await;
        let mut expected: BTreeMap<Value, ValueCount> = BTreeMap::new();
        for flow in flows {
            let value = pick(flow);
            let count = expected.entry(value).or_insert(ValueCount { value, flows: 0, packets: 0, bytes: 0 });
            count.flows += 1;
            count.packets += flow.to_server.packets + flow.to_client.packets;
            count.bytes += flow.to_server.payload_bytes + flow.to_client.payload_bytes;
        }
        assert_eq!(values, expected.into_values().collect::<Vec<_>>(), "{column:?} of {row:?}");
        let shown = match (values.as_slice(), values.len() as u32) {
            ([one], _) => Few::One(one.value),
            (_, count) => Few::Many(count),
        };
        assert_eq!(shown, cell, "{column:?} of {row:?}");
    }
}

fn few<T>(cell: Few<T>, value: fn(T) -> Value) -> Few<Value> {
    match cell {
        Few::None => Few::None,
        Few::One(one) => Few::One(value(one)),
        Few::Many(count) => Few::Many(count),
    }
}

#[tokio::test]
async fn flows_can_be_asked_in_pages() {
    let sensor = Sensor::start(&sample(), &[]).await;
    let (rows, _) = sensor.all().await;
    let largest = rows.values().max_by_key(|row| row.flows).unwrap();
    assert!(largest.flows > 2, "{largest:?}");
    let (all, total) = sensor.flows(largest.id, 0, u32::MAX).await;
    let size = total.div_ceil(3);
    let mut pages = Vec::new();
    while pages.len() < all.len() {
        let (page, of) = sensor.flows(largest.id, pages.len() as u32, size).await;
        assert!(of == total && !page.is_empty() && page.len() <= size as usize);
        pages.extend(page);
    }
    assert_eq!(pages, all);
    assert_eq!(sensor.flows(largest.id, total, 9).await, (Vec::new(), total));
    let unknown: Vec<FlowsAnswer> =
        answers(sensor.ask(Request::Flows { row: RowId::MAX, offset: 0, limit: 9 }).await).await;
    assert!(matches!(unknown.as_slice(), [FlowsAnswer { gone: true, done: true, .. }]), "{unknown:?}");
}

#[tokio::test]
async fn two_views_of_one_sensor_see_the_same_rows() {
    let sensor = Sensor::start(&sample(), &[]).await;
    let (first, second) = tokio::join!(sensor.all(), sensor.all());
    assert_eq!(first, second);
}

#[tokio::test]
async fn another_viewer_gets_nothing() {
    let (expected, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut child = spawn(&sample(), &expected, &[]);
    let mut output = child.stdout.take().unwrap();
    let key = announce::read(&mut output).await.unwrap();
    let (silent, quiet) = tokio::io::duplex(4096);
    // Everything the sensor writes after its announcement comes past here, and then its end.
    let listening = tokio::spawn(async move {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).await.unwrap();
        drop(quiet);
        bytes
    });
    let io = tokio::io::join(silent, child.stdin.take().unwrap());
    let error = in_time(Connection::connect(io, &other, &key)).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    assert_eq!(listening.await.unwrap(), [0u8; 0]);
    let output = in_time(child.wait_with_output()).await.unwrap();
    assert!(!output.status.success());
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains(&other.public().to_string()), "{words}");
}

#[tokio::test]
async fn a_viewer_that_dies_takes_its_sensor_with_it() {
    let keys = KeyPair::generate().unwrap();
    // Paced so that it would go on for long.
    let mut child = spawn(&sample(), &keys, &["--speed", "1"]);
    let (mut output, mut input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let key = announce::read(&mut output).await.unwrap();
    // The viewer speaks through a relay whose end is as sudden as a killed process.
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let relay = tokio::spawn(async move {
        let (mut from_viewer, mut to_viewer) = tokio::io::split(theirs);
        let _ =
            tokio::join!(tokio::io::copy(&mut from_viewer, &mut input), tokio::io::copy(&mut output, &mut to_viewer));
    });
    let connection = Connection::connect(ours, &keys, &key).await.unwrap();
    relay.abort();
    assert!(matches!(connection.ended().await.unwrap_err(), LinkError::Cut));
    // It had not even said hello.
    assert!(!in_time(child.wait()).await.unwrap().success());

    let sensor = Sensor::start(&sample(), &["--speed", "1"]).await;
    let mut stream = sensor.ask(Request::Live { after: 0 }).await;
    stream.recv::<Live>().await.unwrap().expect("rows");
    let Sensor { mut child, connection } = sensor;
    drop((stream, connection));
    assert!(in_time(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn a_viewer_that_dies_before_the_handshake_leaves_no_sensor_behind() {
    let keys = KeyPair::generate().unwrap();
    let mut child = spawn(&sample(), &keys, &[]);
    drop(child.stdin.take());
    assert!(!in_time(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn the_death_of_the_sensor_is_told_from_its_goodbye() {
    let mut sensor = Sensor::start(&sample(), &["--speed", "1"]).await;
    let mut stream = sensor.ask(Request::Live { after: 0 }).await;
    stream.recv::<Live>().await.unwrap().expect("rows");
    sensor.child.start_kill().unwrap();
    let error = loop {
        match in_time(stream.recv::<Live>()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the sensor was killed, it did not say goodbye"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LinkError::Cut), "{error}");
    assert!(matches!(sensor.connection.ended().await.unwrap_err(), LinkError::Cut));
}

#[tokio::test]
async fn a_stopped_replay_keeps_what_it_has() {
    let sensor = Sensor::start(&sample(), &["--speed", "1"]).await;
    let done: Vec<Done> = answers(sensor.ask(Request::Stop).await).await;
    assert_eq!(done, [Done {}]);
    let (rows, status) = sensor.all().await;
    assert_eq!(status.state, SourceState::Stopped);
    check_rows(&sensor, &rows, &status).await;
}

#[tokio::test]
async fn a_capture_that_cannot_be_read_is_told_in_the_status() {
    let missing = root().join("tests/data/no-such-capture.pcap");
    let sensor = Sensor::start(&missing, &[]).await;
    let (rows, status) = sensor.all().await;
    assert!(rows.is_empty());
    let SourceState::Failed(words) = &status.state else { panic!("{status:?}") };
    assert!(words.contains("no-such-capture.pcap"), "{words}");
    assert!(sensor.end().await.success());
}

/// A wider look: captures of the shared corpus, if it lies beside the repository.
#[tokio::test]
async fn rows_add_up_over_the_corpus() {
    let corpus = root().join("../shared/corpus/pcap");
    if !corpus.is_dir() {
        eprintln!("skipped: no corpus beside the repository");
        return;
    }
    let mut count = 0;
    for folder in ["tcp", "dns", "icmp", "http", "tunnel", "frag", "corrupt"] {
        let mut captures: Vec<_> = std::fs::read_dir(corpus.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() < 200_000))
            .collect();
        captures.sort();
        for capture in captures.iter().take(6) {
            let sensor = Sensor::start(capture, &[]).await;
            let (rows, status) = sensor.all().await;
            check_rows(&sensor, &rows, &status).await;
            assert!(sensor.end().await.success(), "{}", capture.display());
            count += 1;
        }
    }
    assert!(count > 20, "{count} captures");
}
/// Hosts that change, as a viewer is told them.
#[tokio::test]
async fn hosts_are_told_each_whole_and_once() {
    let sensor = Sensor::start(&root().join("tests/data/flows/tcp-closed.pcap"), &[]).await;
    sensor.all().await;
    let mut stream = sensor.ask(Request::Hosts { after: 0 }).await;
    let all: Hosts = in_time(stream.recv()).await.unwrap().expect("hosts");
    let of = |hosts: &[HostRecord]| hosts.iter().map(|host| host.address.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(
        of(&all.hosts),
        ["172.16.133.132", "98.138.19.88", "98.139.161.29", "98.139.240.23"].map(String::from).into()
    );
    assert_eq!(all.hosts.len(), 4);
    let client = all.hosts.iter().find(|host| host.address.to_string() == "172.16.133.132").unwrap();
    assert_eq!(client.macs.iter().map(|mac| mac.address.as_str()).collect::<Vec<_>>(), ["00:50:43:01:4d:d4"]);
    assert_eq!(client.clients.iter().map(|c| c.product.title()).collect::<Vec<_>>(), ["Safari 5.1.3"]);
    let server = all.hosts.iter().find(|host| host.address.to_string() == "98.138.19.88").unwrap();
    assert_eq!((server.services.len(), server.services_total), (1, 1));
    let service = &server.services[0];
    assert_eq!((service.port, service.proto, service.product.title().as_str()), (80, 6, "YTS 1.19.11"));
    assert!(server.names.iter().any(|name| name.source == "http_host"), "{:?}", server.names);
    assert!(server.first <= service.first && service.last <= server.last);
    // Who has seen all is told nothing again; who has seen some is told the rest.
    let last = all.hosts.last().unwrap();
    let mut rest = sensor.ask(Request::Hosts { after: all.seq - 1 }).await;
    let rest: Hosts = in_time(rest.recv()).await.unwrap().expect("hosts");
    assert_eq!((rest.seq, rest.hosts.as_slice()), (all.seq, std::slice::from_ref(last)));
    assert!(sensor.end().await.success());
}

/// Rows of discovery stand beside those of flows.
#[tokio::test]
async fn what_discovery_finds_has_rows() {
    let sensor = Sensor::start(&root().join("tests/data/flows/tcp-closed.pcap"), &[]).await;
    let (rows, _) = sensor.all().await;
    let found: Vec<_> = rows.values().filter(|row| row.kind == RowKind::Discovery).collect();
    let [row] = *found else { panic!("the one host on the link: {found:#?}") };
    assert_eq!((row.flows, row.packets, row.bytes), (0, 0, 0));
    assert_eq!((row.servers, row.server_ports), (Few::None, Few::None));
    assert!(matches!(row.clients, Few::One(address) if address.to_string() == "172.16.133.132"));
    let messages: Vec<_> = row.events.iter().map(|event| (event.severity, event.message.as_str())).collect();
    assert_eq!(
        messages,
        [
            (4, "new host, 00:50:43:01:4d:d4 (MARVELL SEMICONDUCTOR)"),
            (4, "system Linux 2.6 (by syn)"),
            (4, "new client http: Safari 5.1.3"),
        ]
    );
    assert_eq!(sensor.values(row.id, ValueColumn::Client).await.len(), 1);
    assert_eq!(sensor.values(row.id, ValueColumn::Server).await.len(), 0);
    assert_eq!(sensor.flows(row.id, 0, 10).await, (Vec::new(), 0));
    assert!(sensor.end().await.success());
}
