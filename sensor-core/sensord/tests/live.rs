//! The live wire: two ends of a cable in a network namespace of their own; tcpreplay sends at one, the sensor captures at
//! the other, and tcpdump beside it is the judge. Needs root, iproute2, tcpreplay and tcpdump; skipped without them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in tests alone")]
#![allow(clippy::disallowed_methods, reason = "deadlines are of the wall clock")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use sensor_link::{Connection, KeyPair, announce};
use sensor_wire::event::{Event, Events, kind};
use sensor_wire::hello::{Hello, Limits, PROTOCOL};
use sensor_wire::interface::Interfaces;
use sensor_wire::live::{Live, SourceState};
use sensor_wire::request::Request;
use serde_json::Value;

/// How long anything may take. Only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

const SENSORD: &str = env!("CARGO_BIN_EXE_sensord");

/// A cable whose ends are `s0`, to send at, and `r0`, to capture at. Nothing but what is sent is on it.
struct Wire {
    namespace: String,
    folder: tempfile::TempDir,
}

impl Wire {
    /// `None` where rights or tools are missing.
    fn new(name: &str) -> Option<Wire> {
        for tool in ["ip", "tcpreplay", "tcpdump", "setpriv"] {
            if Command::new(tool).arg("--version").output().is_err() && Command::new(tool).arg("-V").output().is_err() {
                eprintln!("skipped: {tool} is not installed");
                return None;
            }
        }
        let namespace = format!("nightjar-{name}-{}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &namespace]).output().unwrap();
        if !made.status.success() {
            eprintln!("skipped: no network namespace: {}", String::from_utf8_lossy(&made.stderr));
            return None;
        }
        let wire = Wire { namespace, folder: tempfile::tempdir().unwrap() };
        for setting in ["all", "default"] {
            // Else the kernel itself would say something on the cable.
            let _ = wire.inside("sysctl").arg("-qw").arg(format!("net.ipv6.conf.{setting}.disable_ipv6=1")).output();
        }
        wire.ip("link add s0 mtu 65535 type veth peer name r0 mtu 65535");
        wire.ip("link set s0 arp off up");
        wire.ip("link set r0 arp off up");
        Some(wire)
    }

    fn ip(&self, words: &str) {
        let done = Command::new("ip").args(["-n", &self.namespace]).args(words.split(' ')).output().unwrap();
        assert!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A program in the namespace; it keeps the process's number.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, program]);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sends a capture, and waits until all of it has reached the other end. Packets sent.
    fn send(&self, capture: &Path, options: &[&str]) -> u64 {
        let before = self.arrived();
        let done =
            self.inside("tcpreplay").args(["-i", "s0", "--preload-pcap"]).args(options).arg(capture).output().unwrap();
        let words = text(&done);
        assert!(done.status.success(), "{words}");
        let sent = number_before(&words.replace("Successful packets:", "\nSuccessful "), "Successful ");
        let deadline = Instant::now() + PATIENCE;
        while self.arrived() - before < sent {
            assert!(Instant::now() < deadline, "{sent} were sent, {} came", self.arrived() - before);
            thread::sleep(Duration::from_millis(5));
        }
        sent
    }

    fn arrived(&self) -> u64 {
        let output = self.inside("cat").arg("/sys/class/net/r0/statistics/rx_packets").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }

    /// A capturing sensor, once it captures.
    fn sensor(&self, options: &[&str]) -> Running {
        Running::start(self.inside(SENSORD).args(["run", "--interface", "r0"]).args(options), "capturing from r0")
    }

    /// tcpdump that writes to `file`, once it captures.
    fn tcpdump(&self, file: &Path) -> Running {
        let mut command = self.inside("tcpdump");
        command.args(["-i", "r0", "-n", "-U", "-Z", "root", "-B", "32768", "-w"]).arg(file);
        Running::start(&mut command, "listening on")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).output();
    }
}

/// A program that is told to end by a signal.
struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Running {
    fn start(command: &mut Command, until: &str) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = sync_channel(10_000);
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut running = Running { child, lines, said: String::new() };
        running.wait_for(until);
        running
    }

    fn wait_for(&mut self, words: &str) {
        while !self.said.contains(words) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said += &(line + "\n"),
                Err(_) => panic!("{words:?} was not said, but: {}", self.said),
            }
        }
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end: exit code, and all that it said on standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.said);
            thread::sleep(Duration::from_millis(5));
        };
        self.said.extend(self.lines.iter().map(|line| line + "\n"));
        (status.code(), std::mem::take(&mut self.said))
    }

    fn interrupt(self) -> (Option<i32>, String) {
        self.signal("-INT");
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The number in the line that holds `words`: the last one before them, or else the first behind.
fn number_before(text: &str, words: &str) -> u64 {
    let line = text.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words:?} in: {text}"));
    let (before, behind) = line.split_once(words).unwrap();
    let numbers =
        |part: &str| part.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect::<Vec<u64>>();
    *numbers(before).last().or(numbers(behind).first()).unwrap_or_else(|| panic!("no number in {line:?}"))
}

/// Where a run's packets went, from what the sensor says at its end.
#[derive(Debug, PartialEq)]
struct Sums {
    received: u64,
    kernel: u64,
    queue: u64,
    seen: u64,
}

fn sums(said: &str) -> Sums {
    Sums {
        received: number_before(said, " packets received"),
        kernel: number_before(said, " dropped by the kernel"),
        queue: number_before(said, " by the sensor"),
        seen: number_before(said, " packets, "),
    }
}

/// How often each flow record occurs, without what depends on when it was sent.
fn flows(eve: &Path) -> BTreeMap<String, u32> {
    let mut flows = BTreeMap::new();
    for line in fs::read_to_string(eve).unwrap().lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        if record["event_type"] != "flow" {
            continue;
        }
        let all = record.as_object_mut().unwrap();
        all.retain(|key, _| key != "timestamp" && key != "flow_id");
        let flow = all.get_mut("flow").unwrap().as_object_mut().unwrap();
        // Live capture runs the starter rules, a replay none.
        flow.retain(|key, _| !["start", "end", "age", "alerted"].contains(&key.as_str()));
        *flows.entry(record.to_string()).or_default() += 1;
    }
    flows
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sample() -> PathBuf {
    root().join("tests/data/sample.pcap")
}

/// Of a capture file.
const PCAP_HEAD: u64 = 24;

/// How often the sample is sent, so that it is more than the buffers' first pages.
const LOOPS: u64 = 10;

/// How long tcpdump may take for what it holds.
const PEERS_PATIENCE: Duration = Duration::from_secs(10);

/// At the highest of a few rates that tcpdump holds, the sensor beside it loses nothing either, and what it makes of the
/// packets is what a replay of tcpdump's file makes of them.
#[test]
fn live_flows_are_those_of_the_replay_and_nothing_is_lost_at_the_peers_rate() {
    let Some(wire) = Wire::new("same") else { return };
    for rate in ["--topspeed", "--mbps=400", "--mbps=100", "--mbps=20"] {
        let (eve, file) = (wire.path("live.json"), wire.path("peer.pcap"));
        let peer = wire.tcpdump(&file);
        let sensor = wire.sensor(&["--eve", eve.to_str().unwrap()]);
        let sent = wire.send(&sample(), &[rate, &format!("--loop={LOOPS}")]);
        let (code, said) = sensor.interrupt();
        // tcpdump gives up what it has not read when it is interrupted: only a whole file is one that it could hold.
        let whole = PCAP_HEAD + (sample().metadata().unwrap().len() - PCAP_HEAD) * LOOPS;
        let deadline = Instant::now() + PEERS_PATIENCE;
        while file.metadata().unwrap().len() < whole && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let (_, peers) = peer.interrupt();
        assert_eq!(code, Some(0), "{said}");
        let sums = sums(&said);
        assert_eq!(sums.received, sent, "{said}");
        assert_eq!(sums.seen + sums.kernel + sums.queue, sent, "{said}");
        if number_before(&peers, " packets captured") < sent {
            eprintln!("at {rate} tcpdump loses packets: {peers}");
            continue;
        }
        assert_eq!(sums, Sums { received: sent, kernel: 0, queue: 0, seen: sent }, "at {rate}, which tcpdump holds");
        let replayed = wire.path("replayed.json");
        let replay = Command::new(SENSORD).arg("replay").arg(&file).arg("--eve").arg(&replayed).output().unwrap();
        assert!(replay.status.success(), "{}", text(&replay));
        assert_eq!(number_before(&text(&replay), " packets, "), sent);
        let (live, replayed) = (flows(&eve), flows(&replayed));
        assert!(live.len() > 100, "{} flows", live.len());
        assert_eq!(live, replayed);
        eprintln!("{sent} packets at {rate}: {} kinds of flow records, equal to the replay's", live.len());
        return;
    }
    panic!("tcpdump loses packets at 20 Mbit/s: this machine is too busy to judge");
}

#[test]
fn at_overload_packets_are_lost_and_each_is_counted() {
    let Some(wire) = Wire::new("over") else { return };
    let sensor = wire.sensor(&["--buffer", "1"]);
    // However fast the sensor is: while it stands still, its kernel buffer has to overflow.
    sensor.signal("-STOP");
    let while_stopped = wire.send(&sample(), &["--topspeed", "--loop=10"]);
    sensor.signal("-CONT");
    let afterwards = wire.send(&sample(), &["--topspeed", "--loop=5"]);
    let (code, said) = sensor.interrupt();
    assert_eq!(code, Some(0), "{said}");
    let sums = sums(&said);
    assert_eq!(sums.received, while_stopped + afterwards, "{said}");
    assert!(sums.kernel > 0, "{said}");
    assert!(sums.seen > 0, "{said}");
    assert_eq!(sums.seen + sums.kernel + sums.queue, while_stopped + afterwards, "{said}");
}

#[test]
fn every_thread_is_without_rights() {
    let Some(wire) = Wire::new("rights") else { return };
    let sensor = wire.sensor(&[]);
    let tasks: Vec<_> =
        fs::read_dir(format!("/proc/{}/task", sensor.child.id())).unwrap().map(Result::unwrap).collect();
    assert!(tasks.len() > 1, "the capture's thread, and the one for signals");
    for task in tasks {
        let status = fs::read_to_string(task.path().join("status")).unwrap();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(field(set), "0000000000000000", "{status}");
        }
        assert_eq!(field("NoNewPrivs:"), "1", "{status}");
        assert!(
            field("Uid:").split_whitespace().chain(field("Gid:").split_whitespace()).all(|id| id != "0"),
            "{status}"
        );
    }
    assert_eq!(sensor.interrupt().0, Some(0));
}

/// A copy of the sensor that other users may start.
fn copy_for_all(wire: &Wire) -> PathBuf {
    fs::set_permissions(wire.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = wire.path("sensord");
    fs::copy(SENSORD, &copy).unwrap();
    copy
}

const AS_NOBODY: [&str; 5] = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];

#[test]
fn missing_rights_have_a_code_and_the_advice_helps() {
    let Some(wire) = Wire::new("advice") else { return };
    let copy = copy_for_all(&wire);
    let run = ["run", "--interface", "r0"];
    let refused = wire.inside("setpriv").args(AS_NOBODY).arg(&copy).args(run).output().unwrap();
    let words = text(&refused);
    assert_eq!(refused.status.code(), Some(2), "{words}");
    let advice = format!("sudo setcap cap_net_raw=ep {}", copy.display());
    assert!(words.contains("[capture_rights]") && words.contains(&advice), "{words}");
    // Each interface says so in the list for the window.
    let list = wire.inside("setpriv").args(AS_NOBODY).arg(&copy).args(["interfaces", "--json"]).output().unwrap();
    let list: Interfaces = serde_json::from_slice(&list.stdout).unwrap();
    let r0 = list.interfaces.iter().find(|interface| interface.name == "r0").unwrap();
    assert!(r0.mac.is_some() && r0.up, "{r0:?}");
    assert_eq!(r0.failure.as_ref().map(|failure| failure.code.as_str()), Some("capture_rights"));
    // Root from whom the right was taken gets another advice.
    let root = wire.inside("setpriv").args(["--bounding-set=-net_raw", SENSORD]).args(run).output().unwrap();
    assert!(text(&root).contains("[capture_rights]") && text(&root).contains("--cap-add=NET_RAW"), "{}", text(&root));

    let followed = advice.trim_start_matches("sudo ").replace("setcap ", "");
    match Command::new("setcap").args(followed.split(' ')).output() {
        Ok(done) if done.status.success() => {}
        other => return eprintln!("not tested further: setcap is not possible here: {other:?}"),
    }
    let mut command = wire.inside("setpriv");
    let sensor = Running::start(command.args(AS_NOBODY).arg(&copy).args(run), "capturing from r0");
    let sent = wire.send(&sample(), &["--topspeed"]);
    let (code, said) = sensor.interrupt();
    assert_eq!((code, sums(&said).received), (Some(0), sent), "{said}");
}

#[test]
fn what_cannot_be_captured_says_why() {
    let Some(wire) = Wire::new("why") else { return };
    for (options, code) in [
        (&["--interface", "nowhere"][..], "[capture_no_interface]"),
        (&["--interface", "lo"], "[capture_interface_down]"),
        (&["--interface", "r0", "--filter", "tcp prot 80"], "[capture_filter]"),
    ] {
        let refused = wire.inside(SENSORD).arg("run").args(options).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{options:?}");
        assert!(text(&refused).contains(code), "{options:?}: {}", text(&refused));
    }
}

#[test]
fn an_interface_that_goes_down_or_away_ends_the_capture() {
    for change in ["link set r0 down", "link del r0"] {
        let Some(wire) = Wire::new("gone") else { return };
        let eve = wire.path("live.json");
        let sensor = wire.sensor(&["--eve", eve.to_str().unwrap()]);
        let sent = wire.send(&sample(), &["--topspeed"]);
        wire.ip(change);
        let (code, said) = sensor.end();
        assert_eq!(code, Some(2), "{change}: {said}");
        assert!(said.contains("[capture_interface_gone]"), "{change}: {said}");
        assert_eq!(sums(&said).seen, sent, "{change}: {said}");
        assert!(flows(&eve).len() > 100, "{change}: what was seen is written");
    }
}

/// A capture of one UDP packet, from 10.0.0.1:5000 to 10.0.0.2:53.
fn one_datagram(path: &Path) {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
    file.extend([0, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0]);
    file.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    file.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x13, 0x88, 0, 53, 0, 8, 0, 0]);
    file.resize(24 + 16 + 60, 0);
    fs::write(path, file).unwrap();
}

#[test]
fn on_an_idle_wire_flows_end_and_are_written_while_it_runs() {
    let Some(wire) = Wire::new("idle") else { return };
    let capture = wire.path("one.pcap");
    one_datagram(&capture);
    let mut sensor = wire.sensor(&["--eve", "-", "--set", "flow-timeouts.udp.new=1", "--filter", "udp"]);
    let mut output = BufReader::new(sensor.child.stdout.take().unwrap());
    assert_eq!(wire.send(&capture, &[]), 1);
    let (line, read) = sync_channel(1);
    thread::spawn(move || {
        let flow = output.by_ref().lines().map_while(Result::ok).find(|record| record.contains("\"flow\""));
        let _ = line.send(flow.unwrap_or_default());
        let _ = output.read_to_string(&mut String::new());
    });
    // Nothing else is sent, and nothing stops the sensor.
    let record: Value = serde_json::from_str(&read.recv_timeout(PATIENCE).unwrap()).unwrap();
    assert_eq!((&record["flow"]["reason"], &record["dest_port"]), (&"timeout".into(), &53.into()));
    assert!(sensor.child.try_wait().unwrap().is_none());
    let (code, said) = sensor.interrupt();
    assert_eq!((code, sums(&said).seen), (Some(0), 1), "{said}");
}

/// The app's way: a viewer on standard input and output.
/// As whom a sensor captures that root started.
fn folder_of_nobody() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let nobody = Command::new("id").args(["-u", "nobody"]).output().unwrap();
    std::os::unix::fs::chown(folder.path(), text(&nobody).trim().parse().ok(), None).unwrap();
    folder
}

/// A sensor that can't write its events says so at once, and captures nothing.
#[test]
fn a_folder_of_another_user_is_refused_with_words() {
    let Some(wire) = Wire::new("state") else { return };
    let folder = tempfile::tempdir().unwrap();
    let viewer = KeyPair::generate().unwrap().public().to_string();
    let output = wire
        .inside(SENSORD)
        .args(["serve", "--stdio", "--viewer", &viewer, "--interface", "r0", "--user", "nobody", "--state"])
        .arg(folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && words.contains("--state: the folder has to belong to the user"), "{words}");
}

#[tokio::test]
async fn a_viewer_sees_the_wire_and_has_the_last_rows_when_the_sensor_is_told_to_end() {
    let Some(wire) = Wire::new("serve") else { return };
    let keys = KeyPair::generate().unwrap();
    let state = folder_of_nobody();
    let mut command = tokio::process::Command::from(wire.inside(SENSORD));
    command.args(["serve", "--stdio", "--viewer", &keys.public().to_string(), "--interface", "r0"]);
    command.arg("--state").arg(state.path()).args(["--user", "nobody", "--home-net", "any"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let key = announce::read(&mut output).await.unwrap();
    let connection =
        Connection::connect(tokio::io::join(output, child.stdin.take().unwrap()), &keys, &key).await.unwrap();
    let hello = Hello {
        protocol: PROTOCOL,
        name: "test".into(),
        version: "0".into(),
        time: 0,
        zone: String::new(),
        features: Vec::new(),
        limits: Limits::default(),
    };
    let mut stream = connection.open().await.unwrap();
    stream.send(&hello).await.unwrap();
    stream.recv::<Hello>().await.unwrap().unwrap();
    let mut live = connection.open().await.unwrap();
    live.send(&Request::Live { after: 0 }).await.unwrap();
    let mut recorded = connection.open().await.unwrap();
    recorded.send(&Request::Events { after: 0, log: None }).await.unwrap();
    let sent = wire.send(&sample(), &["--topspeed"]);
    let mut events = Vec::new();
    while !events.iter().any(|event: &Event| event.kind == kind::ALERT) {
        let part: Events = tokio::time::timeout(PATIENCE, recorded.recv()).await.expect("in time").unwrap().unwrap();
        assert_eq!((part.unrecorded, part.fault.as_str()), (0, ""));
        events.extend(part.events);
    }
    let mut told = false;
    let last = loop {
        let message = tokio::time::timeout(PATIENCE, live.recv::<Live>()).await.expect("in time").unwrap().unwrap();
        let status = message.status;
        let capture = status.capture.clone().unwrap();
        assert_eq!((capture.interface.as_str(), capture.failure.as_ref()), ("r0", None));
        assert!(status.drops == 0 && !capture.confinement.is_empty(), "{status:?}");
        if status.state == SourceState::Stopped && message.rows.iter().all(|row| row.open == 0) {
            break status;
        }
        if status.packets == sent && !told {
            assert_eq!(status.state, SourceState::Running);
            told = true;
            Command::new("kill").args(["-TERM", &child.id().unwrap().to_string()]).status().unwrap();
        }
    };
    assert_eq!((last.packets, last.open_flows), (sent, 0));
    assert_eq!(last.capture.unwrap().received, sent);
    assert!(tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());
}
