//! Events over the link are the ones of EVE, whatever happens to the line and to the sensor.

use sensor_wire::event::{EventBody, Events, LogId, gap};
use sensor_wire::row::RuleAction;
use serde_json::{Value, json};

use super::{Request, Sensor, in_time, sample};

/// Rules of the sensor in a file, so that all commands read the same ones.
struct Rules(tempfile::NamedTempFile);

impl Rules {
    fn new() -> Rules {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), sensord::rules::starter_rules()).unwrap();
        Rules(file)
    }

    fn args(&self) -> [&str; 4] {
        ["--rules", self.0.path().to_str().unwrap(), "--home-net", "any"]
    }
}

/// Alerts and discovery of the sample as EVE has them, in its order.
fn eve(rules: &Rules) -> Vec<Value> {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sensord"))
        .arg("replay")
        .arg(sample())
        .args(rules.args())
        .args(["--eve", "-", "--workers", "1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    lines.filter(|line| matches!(line["event_type"].as_str(), Some("alert" | "discovery"))).map(known).collect()
}

/// What both EVE and events tell.
fn known(line: Value) -> Value {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let time = text(&line["timestamp"]).get(11..26).unwrap_or_default().to_owned();
    if line["event_type"] == "discovery" {
        let told = &line["discovery"];
        return json!({
            "address": line["src_ip"], "change": told["change"], "mac": text(&told["mac"]),
            "maker": text(&told["mac_vendor"]), "port": number(&told["port"]), "product": text(&told["product"]),
            "os": text(&told["os"]), "name": text(&told["name"]), "time": time,
        });
    }
    let alert = &line["alert"];
    json!({
        "gid": alert["gid"], "sid": alert["signature_id"], "rev": alert["rev"], "message": alert["signature"],
        "category": alert["category"], "severity": alert["severity"], "frame": line["pcap_cnt"],
        "transaction": line["tx_id"], "flow": line["flow_id"], "from": line["src_ip"], "to": line["dest_ip"],
        "from_port": number(&line["src_port"]), "to_port": number(&line["dest_port"]),
        "app": text(&line["app_proto"]), "community": text(&line["community_id"]),
        "time": time, "proto": line["proto"], "blocked": alert["action"] == "blocked",
    })
}

/// The same of an event.
fn told(event: &sensor_wire::event::Event) -> Value {
    let (second, micros) = (event.time.div_euclid(1_000_000_000), event.time.rem_euclid(1_000_000_000) / 1000);
    let time = format!("{:02}:{:02}:{:02}.{micros:06}", second / 3600 % 24, second / 60 % 60, second % 60);
    match event.read().unwrap() {
        EventBody::Discovery(told) => json!({
            "address": told.address.to_string(), "change": told.change, "mac": told.mac, "maker": told.maker,
            "port": told.service.map_or(0, |(port, _)| port),
            "product": told.product.map(|product| product.product).unwrap_or_default(),
            "os": told.system.map(|system| system.family).unwrap_or_default(), "name": told.name, "time": time,
        }),
        EventBody::Alert(told) => {
            let address = |address: Option<sensor_wire::Addr>| address.map(|address| address.to_string());
            let client = (address(told.client), told.client_port);
            let server = (address(told.server), told.server_port);
            let (from, to) = if told.to_client { (server, client) } else { (client, server) };
            json!({
                "gid": told.gid, "sid": told.sid, "rev": told.rev, "message": told.message, "category": told.category,
                "severity": told.severity, "frame": told.frame, "transaction": told.transaction, "flow": told.flow,
                "from": from.0, "to": to.0, "from_port": from.1, "to_port": to.1, "app": told.app_proto,
                "community": told.community_id, "time": time, "proto": sensord::eve::proto_name(told.proto),
                "blocked": matches!(told.action, RuleAction::Drop | RuleAction::Reject),
            })
        }
        EventBody::Unknown => panic!("{event:?}"),
    }
}

/// A viewer's archive: what it was told, by its rule that a number it has is not new.
#[derive(Default)]
struct Archive {
    log: Option<LogId>,
    events: Vec<sensor_wire::event::Event>,
}

impl Archive {
    fn last(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq)
    }

    fn take(&mut self, part: Events, most: usize) {
        assert!(self.log.is_none_or(|log| log == part.log), "it is the same log");
        assert_eq!((part.gaps, part.unrecorded, part.fault), (Vec::new(), 0, String::new()));
        self.log = Some(part.log);
        for event in part.events {
            assert_eq!(event.seq, self.last() + 1, "nothing is lost or doubled");
            if self.events.len() < most {
                self.events.push(event);
            } else {
                return;
            }
        }
    }

    /// Goes on until it has so many.
    async fn follow(&mut self, sensor: &Sensor, most: usize) {
        let mut stream = sensor.ask(Request::Events { after: self.last(), log: self.log }).await;
        while self.events.len() < most {
            let part = in_time(stream.recv::<Events>()).await.unwrap().expect("the stream goes on");
            self.take(part, most);
        }
    }

    fn told(&self) -> Vec<Value> {
        self.events.iter().map(told).collect()
    }
}

#[tokio::test]
async fn events_are_the_alerts_and_discoveries_of_eve() {
    let rules = Rules::new();
    let expected = eve(&rules);
    let alerts = expected.iter().filter(|event| event["sid"].is_number()).count();
    assert!(alerts > 5 && alerts < expected.len(), "{alerts} of {}", expected.len());
    for (workers, on_disk) in [("1", false), ("1", true), ("2", false), ("2", true)] {
        let folder = tempfile::tempdir().unwrap();
        let mut args = rules.args().to_vec();
        args.extend(["--workers", workers]);
        if on_disk {
            args.extend(["--state", folder.path().to_str().unwrap()]);
        }
        let sensor = Sensor::start(&sample(), &args).await;
        let mut archive = Archive::default();
        archive.follow(&sensor, expected.len()).await;
        sensor.all().await;
        assert_eq!(archive.told(), expected, "{workers} workers, disk: {on_disk}");
        // There is no more, and it is said at once.
        let mut stream = sensor.ask(Request::Events { after: archive.last(), log: archive.log }).await;
        let part = in_time(stream.recv::<Events>()).await.unwrap().unwrap();
        assert!(part.caught_up && part.events.is_empty() && part.last == archive.last(), "{part:?}");
        // A viewer of another log gets all.
        let mut stream = sensor.ask(Request::Events { after: archive.last(), log: Some(LogId([1; 16])) }).await;
        let part = in_time(stream.recv::<Events>()).await.unwrap().unwrap();
        assert_eq!((part.log, part.events.first().map(|event| event.seq)), (archive.log.unwrap(), Some(1)));
        assert!(sensor.end().await.success());
        assert_eq!(folder.path().join("events").is_dir(), on_disk);
    }
}

#[tokio::test]
async fn asked_in_two_halves_over_two_sensors_no_event_is_lost_or_doubled() {
    let rules = Rules::new();
    let expected = eve(&rules);
    let folder = tempfile::tempdir().unwrap();
    let state = ["--state", folder.path().to_str().unwrap()];
    let sensor = Sensor::start(&sample(), &[&rules.args()[..], &state].concat()).await;
    let mut archive = Archive::default();
    archive.follow(&sensor, expected.len() / 2).await;
    sensor.all().await;
    assert!(sensor.end().await.success());
    let sensor = Sensor::idle(&state).await;
    archive.follow(&sensor, expected.len()).await;
    assert_eq!(archive.told(), expected);
    assert!(sensor.end().await.success());
}

#[tokio::test]
async fn a_sensor_that_is_killed_has_all_that_a_viewer_was_told() {
    let rules = Rules::new();
    let expected = eve(&rules);
    for half in [1, expected.len() / 2] {
        let folder = tempfile::tempdir().unwrap();
        let state = ["--state", folder.path().to_str().unwrap()];
        let mut sensor = Sensor::start(&sample(), &[&rules.args()[..], &state, &["--speed", "20"]].concat()).await;
        let mut archive = Archive::default();
        archive.follow(&sensor, half).await;
        sensor.child.start_kill().unwrap();
        in_time(sensor.child.wait()).await.unwrap();
        let sensor = Sensor::idle(&state).await;
        let mut stream = sensor.ask(Request::Events { after: archive.last(), log: archive.log }).await;
        let part = in_time(stream.recv::<Events>()).await.unwrap().unwrap();
        assert!(part.last >= archive.last() && part.caught_up);
        archive.take(part, usize::MAX);
        // Packets one by one give events in another order than packets by the dozen; each is there once still.
        let mut left = expected.clone();
        for told in archive.told() {
            let place = left.iter().position(|expected| *expected == told);
            left.remove(place.unwrap_or_else(|| panic!("{told} is told twice, or is none")));
        }
        drop(stream);
        assert!(sensor.end().await.success());
    }
}

#[tokio::test]
async fn two_sensors_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let state = ["--state", folder.path().to_str().unwrap()];
    let sensor = Sensor::idle(&state).await;
    let keys = sensor_link::KeyPair::generate().unwrap();
    let second = super::spawn_on(&["--idle".as_ref()], &keys, &state);
    let output = in_time(second.wait_with_output()).await.unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && words.contains("another process writes this log"), "{words}");
    assert!(sensor.end().await.success());
}

/// With the smallest log, and more events than it holds.
#[tokio::test]
async fn what_gave_way_is_told_as_a_gap() {
    use sensord::store::events::{EventLog, Settings};
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { segment: 256 << 10, total: 1 << 20 };
    let (mut log, _) = EventLog::open(&folder.path().join("events"), settings).unwrap();
    for _ in 0..3000 {
        log.append(7, 250, &[9; 1000]).unwrap();
        if log.waiting() == 100 {
            log.flush().unwrap();
        }
    }
    let last = log.flush().unwrap();
    drop(log);
    let sensor = Sensor::idle(&["--state", folder.path().to_str().unwrap(), "--events-size", "1"]).await;
    let mut stream = sensor.ask(Request::Events { after: 10, log: None }).await;
    let (mut next, mut messages) = (11, 0);
    loop {
        let part = in_time(stream.recv::<Events>()).await.unwrap().unwrap();
        let bytes = sensor_wire::codec::encode(&part).unwrap().len();
        assert!(bytes <= 256 << 10, "{bytes} bytes in a message");
        for gap in &part.gaps {
            assert_eq!((gap.first, gap.last, gap.reason.as_str()), (11, part.first_available - 1, gap::EXPIRED));
            next = part.first_available;
        }
        for event in &part.events {
            assert_eq!((event.seq, event.time, event.read().unwrap()), (next, 7, EventBody::Unknown));
            next += 1;
        }
        messages += 1;
        if part.caught_up {
            break;
        }
    }
    assert!(next == last + 1 && messages > 3, "{next} {messages}");
    drop(stream);
    assert!(sensor.end().await.success());
}
