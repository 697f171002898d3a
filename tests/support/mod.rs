//! What the tests of the whole app share: the sensor's program, small captures, an app without a window.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in the bodies of tests alone")]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nightjar_app::controller::{self, Gui, Handle, Options};
use sensor_wire::live::SourceState;
use sensor_wire::view::{AppStatus, LinkState, Prefs, RowWindow, SourceId, SourceStatus, Tick, ViewReply, ViewRequest};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// How long anything may take. Only a test that fails waits for so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The sensor's program: by `NIGHTJAR_SENSORD`, or beside the app's. `None`, with a word, where it isn't built.
pub fn sensord() -> Option<PathBuf> {
    let named = std::env::var_os("NIGHTJAR_SENSORD").map(PathBuf::from);
    let beside = || {
        let file = format!("sensord{}", std::env::consts::EXE_SUFFIX);
        Path::new(env!("CARGO_BIN_EXE_nightjar")).with_file_name(file)
    };
    let path = named.unwrap_or_else(beside);
    if path.is_file() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is not built: run `cargo build -p sensord`", path.display());
    eprintln!("skipped: {} is not built (cargo build -p sensord)", path.display());
    None
}

/// The sample that comes with Nightjar.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.pcap")
}

/// A running app without a window.
pub struct App {
    pub handle: Handle,
    ticks: watch::Receiver<Tick>,
}

impl App {
    /// Starts it; `None` where there is no sensor.
    pub fn start(options: Options) -> Option<App> {
        let sensord = Some(sensord()?);
        Some(App::with(Options { sensord, ..options }))
    }

    /// Starts it as the options say.
    pub fn with(options: Options) -> App {
        let (tell, ticks) = watch::channel(Tick::default());
        let handle = controller::start(Ticks(Arc::new(tell)), options).expect("the app starts");
        App { handle, ticks }
    }

    /// What the app tells the page.
    pub fn ticks(&self) -> watch::Receiver<Tick> {
        self.ticks.clone()
    }

    pub async fn ask(&self, request: ViewRequest) -> ViewReply {
        timeout(PATIENCE, self.handle.request(request)).await.expect("an answer in time")
    }

    /// Asks for something that is only done.
    pub async fn tell(&self, request: ViewRequest) {
        assert_eq!(self.ask(request.clone()).await, ViewReply::Done, "{request:?}");
    }

    /// Opens a capture; rows of flows are shown.
    pub async fn open(&self, path: &Path) -> SourceId {
        let ViewReply::Boot(boot) = self.ask(ViewRequest::Boot).await else { panic!("no boot") };
        self.tell(ViewRequest::SetPrefs(Prefs { flow_events: true, ..boot.prefs })).await;
        assert_eq!(self.handle.open(vec![path.to_owned()]).await, ViewReply::Done);
        self.status().await.sources.last().expect("the source is listed").id
    }

    pub async fn status(&self) -> AppStatus {
        match self.ask(ViewRequest::Status).await {
            ViewReply::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub async fn source(&self, id: SourceId) -> SourceStatus {
        self.status().await.sources.into_iter().find(|source| source.id == id).expect("the source is open")
    }

    pub async fn rows(&self) -> RowWindow {
        match self.ask(ViewRequest::Rows { offset: 0, count: 200, anchor: None }).await {
            ViewReply::Rows(rows) => rows,
            other => panic!("{other:?}"),
        }
    }

    /// Looks again at each tick, until what is looked for is there.
    pub async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, look: impl Fn() -> F) -> T {
        let mut ticks = self.ticks.clone();
        let search = async {
            loop {
                ticks.borrow_and_update();
                if let Some(found) = look().await {
                    return found;
                }
                ticks.changed().await.expect("the app runs");
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not within {PATIENCE:?}; status: {:#?}", self.status().await),
        }
    }

    /// Waits until a source has read all, or failed, and the rows it tells of are here.
    pub async fn read(&self, id: SourceId) -> SourceStatus {
        self.until("the capture is read", || async {
            let source = self.source(id).await;
            assert!(!matches!(source.link, LinkState::Down(_)), "{source:?}");
            let over = matches!(source.status.state, SourceState::Ended | SourceState::Failed(_));
            (over && source.rows == source.status.rows).then_some(source)
        })
        .await
    }
}

struct Ticks(Arc<watch::Sender<Tick>>);

impl Gui for Ticks {
    fn tick(&self, tick: Tick) {
        self.0.send_replace(tick);
    }

    fn has_dialog(&self) -> bool {
        false
    }

    fn pick(&self, _picked: oneshot::Sender<Vec<PathBuf>>) {}
}

/// A capture of UDP datagrams, each a flow of its own to another port: (seconds since 1970, payload bytes).
pub fn datagrams(packets: &[(u32, usize)]) -> Vec<u8> {
    let (client, server) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 7));
    let to_port = |(number, &(seconds, payload)): (usize, &(u32, usize))| {
        (seconds, datagram(client, server, [40_000, 1000_u16.wrapping_add(number as u16)], payload))
    };
    capture(packets.iter().enumerate().map(to_port))
}

/// A capture of one client that sends a datagram to each of many servers within seconds: one row.
pub fn sweep(servers: u32) -> Vec<u8> {
    let client = Ipv4Addr::new(192, 0, 2, 1);
    let to_server = |number: u32| {
        (
            1_700_000_000,
            datagram(client, Ipv4Addr::from(0x0b00_0000 + number), [40_000, 4450], 10 + number as usize % 50),
        )
    };
    capture((0..servers).map(to_server))
}

/// A capture of UDP datagrams that have nothing in common, 100 a second: each is a flow and a row of its own.
pub fn strangers(count: u32) -> Vec<u8> {
    strangers_at(count, |number| number / 100)
}

/// The same, with the second of each.
pub fn strangers_at(count: u32, second: impl Fn(u32) -> u32) -> Vec<u8> {
    let stranger = |number: u32| {
        let (client, server) = (Ipv4Addr::from(0x0a00_0000 + number), Ipv4Addr::from(0x6400_0000 + number));
        (1_700_000_000 + second(number), datagram(client, server, [40_000, 1000 + (number % 60_000) as u16], 10))
    };
    capture((0..count).map(stranger))
}

/// A capture of pairs that exchange a datagram each way, 100 a second: each server is a host of which a service is known.
pub fn exchanges(count: u32) -> Vec<u8> {
    let pair = |number: u32| {
        let (client, server) = (Ipv4Addr::from(0x0a00_0000 + number), Ipv4Addr::from(0x6400_0000 + number));
        let second = 1_700_000_000 + number / 100;
        [(second, datagram(client, server, [40_000, 7000], 10)), (second, datagram(server, client, [7000, 40_000], 20))]
    };
    capture((0..count).flat_map(pair))
}

/// A pcap file of Ethernet frames, each with its seconds since 1970.
fn capture(frames: impl Iterator<Item = (u32, Vec<u8>)>) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (seconds, frame) in frames {
        let length = frame.len() as u32;
        for word in [seconds, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

fn datagram(client: Ipv4Addr, server: Ipv4Addr, ports: [u16; 2], payload: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let mut ip = vec![0x45, 0];
    ip.extend((28 + payload as u16).to_be_bytes());
    ip.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    ip.extend(client.octets());
    ip.extend(server.octets());
    let sum = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u32>();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ip);
    for word in [ports[0], ports[1], 8 + payload as u16, 0] {
        frame.extend(word.to_be_bytes());
    }
    frame.extend(std::iter::repeat_n(0x41, payload));
    frame
}
