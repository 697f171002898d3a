//! The page in a browser: the window's requests and ticks over loopback HTTP. For tests and for work on the page; no
//! release has it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sensor_wire::codec;
use sensor_wire::view::Tick;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::controller::{self, Gui, Handle, Options};
use crate::error::AppError;
use crate::platform;
use crate::sources::Origin;

/// Names the folder of the built page.
pub const UI_DIST: &str = "NIGHTJAR_UI_DIST";

/// How long a browser may wait for a tick.
const LONG_POLL: Duration = Duration::from_secs(25);

/// Why the bridge does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// It would be open to other machines.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The socket or the terminal.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The app.
    #[error("{}", .0.words())]
    App(AppError),
}

/// Serves until the process ends. Its sensors end with it, because their input does.
pub fn run(address: SocketAddr, origins: Vec<Origin>) -> Result<(), BridgeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let bridge = Bridge::bind(address, Options { data: platform::data_dir(), ..Options::default() }).await?;
        bridge.handle.open_all(origins).await;
        writeln!(io::stdout(), "bridge http://{}", bridge.address)?;
        bridge.serve().await
    })
}

/// A bridge that is bound.
pub struct Bridge {
    /// Where it listens.
    pub address: SocketAddr,
    /// The app behind it.
    pub handle: Handle,
    listener: TcpListener,
    ticks: watch::Receiver<Tick>,
}

impl Bridge {
    /// Starts the app and binds the address, which must be of this machine alone.
    pub async fn bind(address: SocketAddr, options: Options) -> Result<Bridge, BridgeError> {
        if !address.ip().is_loopback() {
            return Err(BridgeError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address).await?;
        let (tell, ticks) = watch::channel(Tick::default());
        let handle = controller::start(Browser(tell), options).map_err(BridgeError::App)?;
        Ok(Bridge { address: listener.local_addr()?, handle, listener, ticks })
    }

    /// Answers browsers.
    pub async fn serve(self) -> Result<(), BridgeError> {
        let dist = std::env::var_os(UI_DIST).map(PathBuf::from);
        let dist = dist.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/dist"));
        let shared = Shared { handle: self.handle, ticks: self.ticks, dist: dist.into() };
        let router = Router::new()
            .route("/request", post(request))
            .route("/tick", get(tick))
            .fallback(file)
            .layer(middleware::from_fn(own_page_only))
            .with_state(shared);
        Ok(axum::serve(self.listener, router).await?)
    }
}

struct Browser(watch::Sender<Tick>);

impl Gui for Browser {
    fn tick(&self, tick: Tick) {
        self.0.send_replace(tick);
    }

    fn has_dialog(&self) -> bool {
        false
    }

    fn pick(&self, _picked: oneshot::Sender<Vec<PathBuf>>) {}
}

#[derive(Clone)]
struct Shared {
    handle: Handle,
    ticks: watch::Receiver<Tick>,
    dist: Arc<Path>,
}

/// Any page in the same browser can reach a loopback port: only one that this bridge served may. A foreign name that
/// resolves to this machine shows in `Host`, a foreign page in `Origin`.
async fn own_page_only(request: Request, next: Next) -> Response {
    if is_own(request.headers()) { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
}

fn is_own(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let origin = headers.get(header::ORIGIN).map(|origin| origin.as_bytes() == format!("http://{host}").as_bytes());
    matches!(name, "127.0.0.1" | "localhost" | "[::1]") && origin.unwrap_or(true)
}

async fn request(State(shared): State<Shared>, body: Bytes) -> Response {
    match shared.handle.request_bytes(&body).await {
        Ok(reply) => binary(reply),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.words()).into_response(),
    }
}

#[derive(serde::Deserialize)]
struct Known {
    rows: u64,
    status: u64,
    hosts: u64,
}

/// Answers when there is something the page does not know yet, or when it has waited for long enough.
async fn tick(State(mut shared): State<Shared>, Query(known): Query<Known>) -> Response {
    let known = Tick { rows: known.rows, status: known.status, hosts: known.hosts };
    let tick = match timeout(LONG_POLL, shared.ticks.wait_for(|tick| *tick != known)).await {
        Ok(Ok(tick)) => *tick,
        Ok(Err(_)) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => known,
    };
    match codec::encode_compact(&tick) {
        Ok(bytes) => binary(bytes),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn binary(bytes: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from(bytes)).into_response()
}

async fn file(State(shared): State<Shared>, uri: Uri) -> Response {
    let name = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = shared.dist.join(name);
    let read = tokio::task::spawn_blocking(move || std::fs::read(path));
    match read.await {
        Ok(Ok(bytes)) => {
            let headers = [(header::CONTENT_TYPE, media_type(name)), (header::CACHE_CONTROL, "no-store")];
            (headers, Body::from(bytes)).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        is_own(&headers)
    }

    #[test]
    fn foreign_pages_are_refused() {
        assert!(own("127.0.0.1:4000", None));
        assert!(own("localhost", Some("http://localhost")));
        assert!(own("[::1]:4000", Some("http://[::1]:4000")));
        assert!(!own("evil.example:4000", None), "a name that resolves to this machine");
        assert!(!own("127.0.0.1:4000", Some("http://evil.example")));
        assert!(!own("127.0.0.1:4000", Some("http://127.0.0.1:4001")), "another server of this machine");
        assert!(!own("127.0.0.1.evil.example", None));
        assert!(!is_own(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn other_machines_are_kept_out() {
        let bound = Bridge::bind("0.0.0.0:0".parse().unwrap(), Options::default()).await;
        assert!(matches!(bound, Err(BridgeError::NotLoopback(_))));
    }
}
