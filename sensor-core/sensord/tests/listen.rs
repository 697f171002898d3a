//! The real sensor over TCP: who gets in, who doesn't and why, and what a flood of strangers costs.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in tests alone")]

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use sensor_link::handshake::Initiator;
use sensor_link::{Connection, KeyPair, LinkError, MessageStream, PairingString, PublicKey, Token};
use sensor_wire::hello::{Hello, Limits, PROTOCOL};
use sensor_wire::live::{Live, SourceState};
use sensor_wire::request::{Done, Request};
use sensor_wire::rules::{RulesAnswer, RulesAsked};
use sensord::state::now;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
#[cfg(target_os = "linux")]
use tokio::net::TcpSocket;
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

#[tokio::test]
async fn a_viewer_pairs_once_and_comes_back_with_its_key() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&["--name", "Anna's desk"]).await;
    assert_eq!(invitation.address.to_string(), sensor.address.to_string());
    let keys = keys();
    let connection = sensor.pair(&keys, &invitation).await.unwrap();
    assert_eq!(greet(&connection).await, ["rules", "explain", "may.watch", "may.packets"]);
    let seen = totals(&connection).await;
    assert!(seen.0 > 100 && seen.1 > 5, "{seen:?}");
    connection.close().await;
    let list = String::from_utf8(command(&state, "viewers list", &[]).await.stdout).unwrap();
    let words = keys.public().fingerprint().to_string();
    assert!(
        list.contains(&keys.public().to_string()) && list.contains("Anna's desk") && list.contains(&words),
        "{list}"
    );
    let again = sensor.connect(&keys, &invitation.key).await.unwrap();
    greet(&again).await;
    assert_eq!(totals(&again).await, seen);
    // Beside it another one, which sees the same.
    let (_, _, other) = sensor.viewer("watch").await;
    assert_eq!(totals(&other).await, seen);
    let ended = tokio::spawn(async move { (again.ended().await, other.ended().await) });
    sensor.end().await;
    // It said goodbye to both.
    let (first, second) = in_time(ended).await.unwrap();
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert!(!state.join("listening").exists());

    // What it knows it knows after a restart: the viewer, and that the token is used.
    let sensor = Sensor::start(&state).await;
    greet(&sensor.connect(&keys, &invitation.key).await.unwrap()).await;
    let error = sensor.pair(&self::keys(), &invitation).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    sensor.said("reused token").await;
    sensor.end().await;
}

#[tokio::test]
async fn who_has_no_good_key_or_token_is_refused_and_named() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let key = invitation.key;

    let stream = TcpStream::connect(sensor.address).await.unwrap();
    let from = stream.local_addr().unwrap();
    let error = in_time(Connection::connect(stream, &keys(), &keys().public())).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    let log = sensor.said("wrong key").await;
    let line = log.lines().find(|line| line.contains("wrong key")).unwrap();
    assert!(line.contains(&from.to_string()), "{line}");

    let stranger = keys();
    let error = sensor.connect(&stranger, &key).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    assert!(sensor.said("not on the list").await.contains(&stranger.public().to_string()));

    let guess = PairingString { token: Some(Token::generate().unwrap()), ..invitation.clone() };
    assert!(matches!(sensor.pair(&keys(), &guess).await.unwrap_err(), LinkError::Refused));
    sensor.said("unknown token").await;

    let short = sensor.invite(&["--expires", "1s"]).await;
    let given = now();
    until(|| now() > given + 1).await.unwrap();
    assert!(matches!(sensor.pair(&keys(), &short).await.unwrap_err(), LinkError::Refused));
    sensor.said("expired token").await;

    // Nobody was put on the list, and the good invitation still is one.
    assert!(command(&state, "viewers list", &[]).await.stdout.is_empty());
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    assert!(matches!(sensor.pair(&keys(), &invitation).await.unwrap_err(), LinkError::Refused));
    sensor.said("reused token").await;
    sensor.end().await;
}

#[tokio::test]
async fn of_two_that_pair_at_once_with_one_token_one_is_let_in() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let (first, second) = (keys(), keys());
    let (one, other) = tokio::join!(sensor.pair(&first, &invitation), sensor.pair(&second, &invitation));
    // Both may get through the handshake; an answer gets the one whose token it was.
    let mut answered = 0;
    for connection in [one, other].into_iter().flatten() {
        let Ok(mut stream) = connection.open().await else { continue };
        let _ = stream.send(&hello()).await;
        answered += usize::from(matches!(in_time(stream.recv::<Hello>()).await, Ok(Some(_))));
    }
    assert_eq!(answered, 1);
    let list = String::from_utf8(command(&state, "viewers list", &[]).await.stdout).unwrap();
    assert_eq!(list.lines().count(), 2, "{list}");
    sensor.said("reused token").await;
    sensor.end().await;
}

/// A connection that keeps what was sent on it.
struct Recorded {
    io: TcpStream,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Recorded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = &result {
            self.sent.lock().unwrap().extend_from_slice(&buf[..*count]);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn what_was_recorded_opens_nothing() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let keys = keys();
    let mut recordings = Vec::new();
    for token in [invitation.token.as_ref(), None] {
        let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
        let io = Recorded { io: TcpStream::connect(sensor.address).await.unwrap(), sent: Arc::clone(&sent) };
        let connection = match token {
            Some(token) => in_time(Connection::pair(io, &keys, &invitation.key, token)).await.unwrap(),
            None => in_time(Connection::connect(io, &keys, &invitation.key)).await.unwrap(),
        };
        greet(&connection).await;
        connection.close().await;
        recordings.push(sent.lock().unwrap().clone());
    }
    // The token is used: not a byte.
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&recordings[0]).await.unwrap();
    assert_eq!(answer(stream).await, [0u8; 0]);
    sensor.said("reused token").await;
    // The key is on the list: the answer to the first message, which only the key's owner can read, and then nothing.
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&recordings[1]).await.unwrap();
    assert!(answer(stream).await.len() <= 2 + 48);
    sensor.said("replayed").await;
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&recordings[1][..2 + 97]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(answer(stream).await.len(), 2 + 48);
    sensor.said("reason=\"cut\"").await;
    sensor.end().await;
}

#[tokio::test]
async fn a_first_message_that_was_held_back_uses_no_token_up() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let keys = keys();
    // Somebody repeats the first message before its author gets through.
    let (_, first) = Initiator::begin(&keys, &invitation.key, invitation.token.as_ref()).unwrap();
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&frame(&first)).await.unwrap();
    stream.write_all(&frame(&[0; 17])).await.unwrap();
    assert!(answer(stream).await.len() <= 2 + 48);
    sensor.said("replayed").await;
    assert!(command(&state, "viewers list", &[]).await.stdout.is_empty());
    greet(&sensor.pair(&keys, &invitation).await.unwrap()).await;
    sensor.end().await;
}

#[tokio::test]
async fn damaged_bytes_get_no_answer() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let (_, first) = Initiator::begin(&keys(), &invitation.key, invitation.token.as_ref()).unwrap();
    let cases: [(&str, Vec<u8>); 6] = [
        ("garbage", b"GET / HTTP/1.1\r\nHost: sensor\r\n\r\n".to_vec()),
        ("garbage", vec![0xff; 70_000]),
        ("garbage", 1025u16.to_be_bytes().to_vec()),
        ("garbage", frame(&[])),
        ("garbage", frame(&[7; 97])),
        ("wrong key", frame(&[&[0][..], &[9; 96]].concat())),
    ];
    for (reason, bytes) in cases {
        let mut stream = TcpStream::connect(sensor.address).await.unwrap();
        // The sensor may have hung up before the last byte.
        let _ = stream.write_all(&bytes).await;
        assert_eq!(answer(stream).await, [0u8; 0]);
        sensor.said(reason).await;
    }
    // Cut in the middle of a good one.
    let mut stream = TcpStream::connect(sensor.address).await.unwrap();
    stream.write_all(&frame(&first)[..60]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(answer(stream).await, [0u8; 0]);
    sensor.said("reason=\"cut\"").await;
    // The sensor stands.
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    sensor.end().await;
}

#[tokio::test]
async fn a_revoked_viewer_is_out_at_once() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let (keys, key, connection) = sensor.viewer("watch").await;
    let (_, _, other) = sensor.viewer("watch").await;
    let mut rows = ask(&connection, Request::Live { after: 0 }).await;
    in_time(rows.recv::<Live>()).await.unwrap().expect("rows");
    let output = command(&state, "viewers revoke", &[&keys.public().to_string()]).await;
    assert!(output.status.success(), "{output:?}");
    let revoked = Instant::now();
    assert!(in_time(connection.ended()).await.is_ok(), "it was told goodbye");
    assert!(revoked.elapsed() < Duration::from_secs(1), "{:?}", revoked.elapsed());
    while let Ok(Some(_)) = rows.recv::<Live>().await {}
    let error = sensor.connect(&keys, &key).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    sensor.said("revoked").await;
    // The other one stays, and an invitation brings this one back.
    assert!(totals(&other).await.0 > 0);
    let invitation = sensor.invite(&[]).await;
    greet(&sensor.pair(&keys, &invitation).await.unwrap()).await;
    sensor.end().await;
}

#[tokio::test]
async fn a_line_that_is_taken_out_by_hand_revokes_too() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let (_, _, connection) = sensor.viewer("watch").await;
    std::fs::write(state.join("viewers"), "").unwrap();
    let ended = Instant::now();
    assert!(in_time(connection.ended()).await.is_ok());
    assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
    sensor.end().await;
}

#[tokio::test]
async fn rights_hold_for_each_request() {
    let (_around, state) = folder();
    // Slow enough to be stopped.
    let sensor = Sensor::start_at(&state, "127.0.0.1:0", &["--speed", "1"]).await;
    let (_, _, watching) = sensor.viewer("watch").await;
    let explain = || Request::Explain { gid: 1, sid: 1, flow: None };
    for request in [Request::Stop, explain()] {
        let mut refused = ask(&watching, request).await;
        assert!(matches!(in_time(refused.recv::<Done>()).await, Ok(None) | Err(_)));
    }
    let mut rules = ask(&watching, Request::Rules(RulesAsked::default())).await;
    assert!(in_time(rules.recv::<RulesAnswer>()).await.unwrap().is_some());
    let mut rows = ask(&watching, Request::Live { after: 0 }).await;
    let live = in_time(rows.recv::<Live>()).await.unwrap().unwrap();
    assert_eq!(live.status.state, SourceState::Running);
    let (_, _, acting) = sensor.viewer("act").await;
    let mut stop = ask(&acting, Request::Stop).await;
    assert!(in_time(stop.recv::<Done>()).await.unwrap().is_some());
    while in_time(rows.recv::<Live>()).await.unwrap().unwrap().status.state != SourceState::Stopped {}
    sensor.end().await;
}

/// Descriptors that the sensor has open.
#[cfg(target_os = "linux")]
fn descriptors(sensor: &Sensor) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", sensor.child.id().unwrap())).unwrap().count()
}

#[cfg(target_os = "linux")]
async fn stranger(address: SocketAddr, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    in_time(socket.connect(address)).await.unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_of_strangers_is_bounded_and_a_viewer_gets_in_behind_it() {
    const PLACES: usize = 64;
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let before = descriptors(&sensor);
    let mut strangers = Vec::new();
    for number in 0..PLACES + 6 {
        strangers.push(stranger(sensor.address, &format!("127.0.7.{}", 1 + number / 4)).await);
    }
    until(|| descriptors(&sensor) == before + PLACES).await.expect("as many as there are places");
    // A good viewer waits behind them, and costs the sensor nothing yet.
    let keys = keys();
    let stream = TcpStream::connect(sensor.address).await.unwrap();
    let token = invitation.token.unwrap();
    let pairing = Connection::pair(stream, &keys, &invitation.key, &token);
    let mut pairing = Box::pin(pairing);
    assert!(timeout(Duration::from_millis(300), &mut pairing).await.is_err());
    assert_eq!(descriptors(&sensor), before + PLACES);
    // Some of them go. The rest stays silent as before.
    drop(strangers.drain(..12));
    greet(&in_time(pairing).await.unwrap()).await;
    drop(strangers);
    sensor.end().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_has_four_handshakes_and_no_more() {
    let (_around, state) = folder();
    let sensor = Sensor::start(&state).await;
    let invitation = sensor.invite(&[]).await;
    let mut strangers = Vec::new();
    for _ in 0..4 {
        strangers.push(stranger(sensor.address, "127.0.8.1").await);
    }
    assert_eq!(answer(stranger(sensor.address, "127.0.8.1").await).await, [0u8; 0]);
    sensor.said("too many handshakes from this address").await;
    // Others are not concerned.
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    // Who says nothing for ten seconds makes room.
    sensor.said("time-out").await;
    drop(strangers);
    sensor.end().await;
}

#[tokio::test]
async fn ipv6_is_listened_on_too() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: there is no IPv6 here");
        return;
    }
    let (_around, state) = folder();
    let sensor = Sensor::start_at(&state, "[::1]:0", &[]).await;
    let invitation = sensor.invite(&[]).await;
    assert!(invitation.to_string().starts_with("nightjar://[::1]:"), "{:?}", invitation.address);
    greet(&sensor.pair(&keys(), &invitation).await.unwrap()).await;
    sensor.end().await;
}

/// As a service: started as root it becomes another user, whose the state folder is, and confines itself to it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_capture_lets_viewers_in_after_its_rights_are_gone() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: not root");
        return;
    }
    let (around, state) = folder();
    std::fs::set_permissions(around.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = receiver.local_addr().unwrap();
    let filter = format!("udp port {}", to.port());
    let words = ["run", "--interface", "lo", "--filter", &filter, "--user", "daemon"];
    let sensor = Sensor::spawn(&state, "127.0.0.1:0", &words).await;
    let daemon = nix::unistd::User::from_name("daemon").unwrap().unwrap().uid.as_raw();
    sensor.said("capturing from lo").await;
    let (keys, _, watching) = sensor.viewer("watch").await;
    let (_, _, acting) = sensor.viewer("act").await;
    for name in ["", "key", "tokens", "viewers"] {
        assert_eq!(std::fs::metadata(state.join(name)).unwrap().uid(), daemon, "{name}");
    }
    let mut rows = ask(&watching, Request::Live { after: 0 }).await;
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    loop {
        sender.send_to(b"datagram", to).unwrap();
        let live: Live = in_time(rows.recv()).await.unwrap().expect("the stream goes on");
        if live.status.packets > 0 {
            let about = live.status.capture.unwrap();
            assert!(about.confinement.contains("state folder"), "{about:?}");
            break;
        }
    }
    // What a viewer has stopped stays there to be looked at.
    let mut stop = ask(&acting, Request::Stop).await;
    assert!(in_time(stop.recv::<Done>()).await.unwrap().is_some());
    while in_time(rows.recv::<Live>()).await.unwrap().unwrap().status.state != SourceState::Stopped {}
    assert!(command(&state, "viewers revoke", &[&keys.public().to_string()]).await.status.success());
    assert!(in_time(watching.ended()).await.is_ok());
    let ended = tokio::spawn(async move { acting.ended().await });
    sensor.end().await;
    assert!(in_time(ended).await.unwrap().is_ok());
}

#[tokio::test]
async fn what_cannot_be_is_said_in_words() {
    let (_around, state) = folder();
    let output = command(&state, "pair", &[]).await;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--address"), "{output:?}");
    let output = command(&state, "pair", &["--address", "sensor.example:7723", "--qr"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, code) = text.split_once('\n').unwrap();
    assert_eq!(first.parse::<PairingString>().unwrap().address.to_string(), "sensor.example:7723");
    assert!(code.lines().count() > 20 && code.contains('▀'), "{code}");
    let output = command(&state, "viewers revoke", &["nobody"]).await;
    assert_eq!(output.status.code(), Some(2));
    let sensor = Sensor::start(&state).await;
    let taken = sensor.address.to_string();
    let (_around, other) = folder();
    let output = command(&other, "serve", &["--listen", &taken, "--idle"]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("{taken}: cannot be listened on")), "{output:?}");
    sensor.end().await;
}
