//! The real sensor over TCP: who gets in, who doesn't and why, and what a flood of strangers costs.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in tests alone")]

mod client;
mod pairing;
mod sessions;
mod strangers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sensor_link::{Connection, KeyPair, LinkError, MessageStream, PairingString, PublicKey};
use sensor_wire::hello::{Hello, Limits, PROTOCOL};
use sensor_wire::live::{Live, SourceState};
use sensor_wire::request::Request;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take. Only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(10);

/// A running sensor, and all that it has said on standard error.
struct Sensor {
    child: Child,
    state: PathBuf,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Sensor {
    async fn start(state: &Path) -> Sensor {
        Sensor::start_at(state, "127.0.0.1:0", &["--speed", "1000"]).await
    }

    async fn start_at(state: &Path, listen: &str, more: &[&str]) -> Sensor {
        let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/sample.pcap");
        let source = ["serve", "--replay", capture.to_str().unwrap()];
        Sensor::spawn(state, listen, &[&source[..], more].concat()).await
    }

    async fn spawn(state: &Path, listen: &str, words: &[&str]) -> Sensor {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sensord"))
            .args(words)
            .args(["--listen", listen, "--state"])
            .arg(state)
            .env("NIGHTJAR_LOG", "info")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("sensord starts");
        let log: Arc<Mutex<String>> = Arc::default();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let heard = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                heard.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        let mut sensor = Sensor { child, state: state.into(), address: "127.0.0.1:1".parse().unwrap(), log };
        sensor.said("listening on").await;
        let listening = std::fs::read_to_string(state.join("listening")).unwrap();
        sensor.address = listening.lines().next().unwrap().parse().unwrap();
        sensor
    }

    /// Waits until it has said `words`; what it had said by then.
    async fn said(&self, words: &str) -> String {
        let log = || self.log.lock().unwrap().clone();
        until(|| log().contains(words)).await.unwrap_or_else(|()| panic!("{words:?} is not in\n{}", log()));
        log()
    }

    async fn invite(&self, more: &[&str]) -> PairingString {
        let output = command(&self.state, "pair", more).await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().parse().unwrap()
    }

    async fn connect(&self, keys: &KeyPair, sensor: &PublicKey) -> Result<Connection, LinkError> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        in_time(Connection::connect(stream, keys, sensor)).await
    }

    async fn pair(&self, keys: &KeyPair, invitation: &PairingString) -> Result<Connection, LinkError> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        in_time(Connection::pair(stream, keys, &invitation.key, invitation.token.as_ref().unwrap())).await
    }

    /// A viewer with these rights, which is connected and has said hello.
    async fn viewer(&self, rights: &str) -> (KeyPair, PublicKey, Connection) {
        let invitation = self.invite(&["--rights", rights, "--name", "desk"]).await;
        let keys = keys();
        let connection = self.pair(&keys, &invitation).await.unwrap();
        greet(&connection).await;
        (keys, invitation.key, connection)
    }

    async fn end(mut self) -> String {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(id).status().await.unwrap().success());
        let status = in_time(self.child.wait()).await.unwrap();
        let log = self.log.lock().unwrap().clone();
        assert!(status.success(), "{status} {log}");
        log
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let around = tempfile::tempdir().unwrap();
    let state = around.path().join("state");
    (around, state)
}

fn keys() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// `sensord WORDS --state STATE MORE`
async fn command(state: &Path, words: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensord"));
    command.args(words.split(' ')).arg("--state").arg(state).args(more);
    in_time(command.output()).await.unwrap()
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("in time")
}

async fn until(condition: impl Fn() -> bool) -> Result<(), ()> {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return Err(());
        }
        sleep(LOOK).await;
    }
    Ok(())
}

fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        name: "test".into(),
        version: "0".into(),
        time: 0,
        zone: String::new(),
        features: Vec::new(),
        limits: Limits::default(),
    }
}

/// `Hello` both ways; what the sensor can do for this viewer.
async fn greet(connection: &Connection) -> Vec<String> {
    let mut stream = connection.open().await.unwrap();
    stream.send(&hello()).await.unwrap();
    in_time(stream.recv::<Hello>()).await.unwrap().expect("the sensor's hello").features
}

async fn ask(connection: &Connection, request: Request) -> MessageStream {
    let mut stream = connection.open().await.unwrap();
    stream.send(&request).await.unwrap();
    stream
}

/// Packets and rows at the end of the source.
async fn totals(connection: &Connection) -> (u64, u64) {
    let mut stream = ask(connection, Request::Live { after: 0 }).await;
    loop {
        let live: Live = in_time(stream.recv()).await.unwrap().expect("the stream goes on");
        if live.status.state == SourceState::Ended {
            return (live.status.packets, live.status.rows);
        }
    }
}

/// Everything a peer is answered until its connection ends, however that looks to it.
async fn answer(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = in_time(stream.read_to_end(&mut bytes)).await;
    bytes
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}
