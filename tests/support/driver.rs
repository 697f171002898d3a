//! A browser, or the app's own window, driven through WebDriver.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "clippy allows them in the bodies of tests alone")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::actions::{
    ActionSequence, InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use fantoccini::error::NewSessionError;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use sensor_wire::codec;
use sensor_wire::view::{Prefs, ViewReply, ViewRequest};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use crate::support::{PATIENCE, sensord};

/// A program that drives: `chromedriver`, `tauri-driver`. Dropped, it ends, and with it what it started.
pub struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    /// Headless Chromium's, if it is installed.
    pub fn chromium() -> Option<Driver> {
        let program = found("chromedriver")?;
        Some(Driver::start(program, |port, command| {
            command.arg(format!("--port={port}"));
        }))
    }

    /// The app's window's, if it is installed and there is a display.
    pub fn window() -> Option<Driver> {
        let (program, native) = (found("tauri-driver")?, found("WebKitWebDriver")?);
        if std::env::var_os("DISPLAY").is_none() && std::env::var_os("WAYLAND_DISPLAY").is_none() {
            return missing("a display (run under xvfb-run)");
        }
        Some(Driver::start(program, |port, command| {
            command.args(["--port", &port.to_string(), "--native-port", &free_port().to_string()]);
            command.arg("--native-driver").arg(native);
        }))
    }

    fn start(program: PathBuf, arguments: impl FnOnce(u16, &mut Command)) -> Driver {
        let port = free_port();
        let mut command = Command::new(&program);
        arguments(port, &mut command);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Driver { process: process.unwrap_or_else(|error| panic!("{}: {error}", program.display())), port }
    }

    /// Opens a session. The driver may take a while to listen, and WebKit to start on a busy machine.
    pub async fn session(&self, capabilities: Value) -> Page {
        let capabilities: Map<String, Value> = capabilities.as_object().cloned().unwrap_or_default();
        let address = format!("http://127.0.0.1:{}", self.port);
        let until = Instant::now() + 2 * PATIENCE;
        loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let connect = builder.capabilities(capabilities.clone()).connect(&address);
            match timeout_at(until, connect).await {
                Ok(Ok(client)) => return Page(client),
                // It doesn't listen yet; nothing tells when it does.
                Ok(Err(NewSessionError::Failed(_) | NewSessionError::FailedC(_) | NewSessionError::Lost(_))) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok(Err(error)) => panic!("no session: {error}"),
                Err(_) => panic!("no session within {:?}", 2 * PATIENCE),
            }
        }
    }

    /// A session of headless Chromium on the page of a bridge.
    pub async fn browse(&self, bridge: &BridgeProcess) -> Page {
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1440,900",
        ];
        let page = self.session(json!({"browserName": "chrome", "goog:chromeOptions": {"args": arguments}})).await;
        page.0.goto(&bridge.url).await.expect("the page opens");
        page
    }
}

impl Drop for Driver {
    /// By the signal that lets it end its children, which a kill would leave behind.
    fn drop(&mut self) {
        let asked = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) && self.process.kill().is_err() {
            return;
        }
        if let Err(error) = self.process.wait() {
            eprintln!("the driver does not end: {error}");
        }
    }
}

/// The app's own program, which serves the page to a browser.
pub struct BridgeProcess {
    process: Child,
    /// Where it listens.
    pub url: String,
}

impl BridgeProcess {
    /// Starts it on captures; `None`, with a word, where the page or the sensor isn't built. It keeps nothing.
    pub fn start(captures: &[&Path]) -> Option<BridgeProcess> {
        BridgeProcess::with(captures, &sensord()?)
    }

    /// The same with other arguments too, and with this sensor.
    pub fn with(arguments: &[impl AsRef<OsStr>], sensord: &Path) -> Option<BridgeProcess> {
        page_is_built()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightjar"));
        command.args(["--bridge", "127.0.0.1:0"]).args(arguments).env("NIGHTJAR_SENSORD", sensord);
        command.env_remove("NIGHTJAR_DATA_DIR").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().expect("the app starts");
        let output = process.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("the app says where it listens");
        let url = line.trim().strip_prefix("bridge ").unwrap_or_else(|| panic!("not an address: {line:?}")).to_owned();
        let bridge = BridgeProcess { process, url };
        // Most tests look at rows of flows.
        let ViewReply::Boot(boot) = bridge.ask(&ViewRequest::Boot) else { panic!("no boot") };
        bridge.ask(&ViewRequest::SetPrefs(Prefs { flow_events: true, ..boot.prefs }));
        Some(bridge)
    }

    /// Asks the app for something without a page.
    pub fn ask(&self, request: &ViewRequest) -> ViewReply {
        let body = codec::encode_compact(request).expect("a request");
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("the bridge listens");
        let length = body.len();
        let head =
            format!("POST /request HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &body].concat()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
        codec::decode_compact(&answer[end..]).expect("an answer")
    }
}

impl Drop for BridgeProcess {
    fn drop(&mut self) {
        if self.process.kill().is_ok() && self.process.wait().is_err() {
            eprintln!("the app does not end");
        }
    }
}

/// The page in a browser or in the window.
pub struct Page(pub Client);

impl Page {
    /// Runs a script whose last argument is a function that takes its result.
    async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.0.execute_async(script, arguments).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Looks again and again in the page until the expression is neither null, false, 0 nor an error; gives its value.
    pub async fn until(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1], end = performance.now() + {};
             const look = () => {{
               let value = null;
               try {{ value = ({expression}); }} catch {{}}
               if (value) done(value);
               else if (performance.now() > end) done(null);
               else setTimeout(look, 20);
             }};
             look();",
            PATIENCE.as_millis() - 5_000
        );
        let value = self.run(&script, Vec::new()).await;
        if value.is_null() {
            let text = self.value("document.body.innerText").await;
            panic!("never true: {expression}\nthe page shows: {text}");
        }
        value
    }

    /// What the expression is now.
    pub async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.0.execute(&script, Vec::new()).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Clicks what a CSS selector finds, once it is there.
    pub async fn click(&self, selector: &str) {
        let wait = self.0.wait().at_most(PATIENCE).for_element(fantoccini::Locator::Css(selector));
        let element = wait.await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Presses at the middle of what a CSS selector finds, moves by so many pixels, and lets go there.
    pub async fn drag(&self, selector: &str, by: (f64, f64)) {
        let (x, y) = self.middle(selector).await;
        let to = |part: f64| PointerAction::MoveTo { duration: None, x: x + by.0 * part, y: y + by.1 * part };
        let way = [to(0.0), DOWN, to(0.3), to(0.7), to(1.0), UP];
        self.point(way.into_iter()).await;
    }

    /// Clicks twice at the middle of what a CSS selector finds.
    pub async fn double_click(&self, selector: &str) {
        let (x, y) = self.middle(selector).await;
        self.point([PointerAction::MoveTo { duration: None, x, y }, DOWN, UP, DOWN, UP].into_iter()).await;
    }

    /// Clicks with Shift held.
    pub async fn shift_click(&self, selector: &str) {
        let shift = |action| KeyActions::new("keys".into()).then(action);
        self.act(shift(KeyAction::Down { value: SHIFT })).await;
        self.click(selector).await;
        self.act(shift(KeyAction::Up { value: SHIFT })).await;
    }

    async fn middle(&self, selector: &str) -> (f64, f64) {
        self.until(&format!("document.querySelector(\"{selector}\")")).await;
        let middle = format!(
            "(() => {{ const r = document.querySelector(\"{selector}\").getBoundingClientRect();
             return [r.left + r.width / 2, r.top + r.height / 2]; }})()"
        );
        serde_json::from_value(self.value(&middle).await).expect("a place in the page")
    }

    async fn point(&self, way: impl Iterator<Item = PointerAction>) {
        self.act(way.fold(MouseActions::new("mouse".into()), MouseActions::then)).await;
    }

    async fn act(&self, actions: impl Into<ActionSequence>) {
        self.0.perform_actions(actions.into()).await.expect("the browser takes the actions");
    }

    /// Presses keys, one after another, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let focused = self.0.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.unwrap_or_else(|error| panic!("{keys:?}: {error}"));
    }

    /// The texts of a column's cells, from the top of the grid.
    pub async fn column(&self, column: &str) -> Vec<String> {
        let script = format!("{ROWS}.map((row) => row.querySelector('[data-col={column}]').textContent)");
        let texts = self.value(&script).await;
        texts.as_array().expect("a list").iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// Asks the app what the page could ask it, through the page.
    pub async fn ask(&self, request: &ViewRequest) -> ViewReply {
        let body = codec::encode_compact(request).expect("a request");
        let script = "const done = arguments[1], body = new Uint8Array(arguments[0]);
            const sent = window.__TAURI__
              ? window.__TAURI__.core.invoke('request', body)
              : fetch('/request', { method: 'POST', body }).then((answer) => answer.arrayBuffer());
            sent.then((answer) => done(Array.from(new Uint8Array(answer))), (error) => done(String(error)));";
        let answer = self.run(script, vec![json!(body)]).await;
        let bytes: Vec<u8> = serde_json::from_value(answer.clone()).unwrap_or_else(|_| panic!("no answer: {answer}"));
        codec::decode_compact(&bytes).expect("an answer")
    }

    /// Ends the session; without it a browser may stay behind.
    pub async fn close(self) {
        self.0.close().await.expect("the session ends");
    }
}

const SHIFT: char = '\u{e008}';
const DOWN: PointerAction = PointerAction::Down { button: MOUSE_BUTTON_LEFT };
const UP: PointerAction = PointerAction::Up { button: MOUSE_BUTTON_LEFT };

/// The rows that stand in the grid from its top, as a JavaScript expression. Their places on screen count, because
/// elements are used again and lie in the document in any order.
pub const ROWS: &str = "Array.from(document.querySelectorAll('#grid [role=row][data-key]'))\
    .filter((row) => row.dataset.key && row.getBoundingClientRect().height > 0)\
    .sort((a, b) => a.getAttribute('aria-rowindex') - b.getAttribute('aria-rowindex'))";

/// The page is built, and not the placeholder that lets the app compile without it.
pub fn page_is_built() -> Option<()> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/dist/index.html");
    let built = std::fs::read_to_string(page).is_ok_and(|text| text.contains("boot.js"));
    if built { Some(()) } else { missing("the page (cargo bundle-ui)") }
}

/// A program by its name, from the path or from where cargo installs.
fn found(name: &str) -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from)?;
        Some(home.join(".cargo"))
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(cargo.map(|cargo| cargo.join("bin")));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file()).or_else(|| missing(name))
}

/// In CI everything has to be there; elsewhere a test without its tools says so and passes.
fn missing<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "missing: {what}");
    eprintln!("skipped: missing {what}");
    None
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
