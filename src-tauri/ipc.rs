//! The window: Tauri's two commands, file drops, the file dialog, the command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use sensor_wire::codec;
use sensor_wire::view::{Tick, Wire};
use tauri::ipc::{Channel, InvokeBody, InvokeResponseBody, Response};
use tauri::{AppHandle, DragDropEvent, Manager, RunEvent, Runtime, State, WindowEvent};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use crate::controller::{self, Gui, Handle, Options};
use crate::error::AppError;
use crate::platform;
use crate::sources::Origin;

/// The real-time event view of a network security system, with the sensor bundled.
#[derive(Debug, Parser)]
#[command(name = "nightjar", version)]
struct Arguments {
    /// Serve the page to a browser on this loopback address in place of a window.
    #[cfg(all(debug_assertions, feature = "bridge"))]
    #[arg(long, value_name = "ADDRESS:PORT")]
    bridge: Option<std::net::SocketAddr>,
    /// Capture live from this interface; repeatable. `sensord interfaces` lists them.
    #[arg(long = "interface", value_name = "INTERFACE")]
    interfaces: Vec<String>,
    /// Capture only what this BPF filter lets pass, written as for tcpdump.
    #[arg(long, value_name = "BPF", requires = "interfaces")]
    filter: Option<String>,
    /// Captures to open.
    #[arg(value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

impl Arguments {
    /// What to open at the start: files first.
    fn origins(&self) -> Vec<Origin> {
        let files = self.captures.iter().cloned().map(Origin::File);
        let wire =
            |interface: &String| Wire { interface: interface.clone(), filter: self.filter.clone().unwrap_or_default() };
        files.chain(self.interfaces.iter().map(|interface| Origin::Interface(wire(interface)))).collect()
    }
}

/// Runs the app until its window is closed.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("NIGHTJAR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let outcome = run(arguments);
    if let Err(error) = &outcome {
        tracing::error!(%error, "Nightjar ends");
    }
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(all(debug_assertions, feature = "bridge"))]
    if let Some(address) = arguments.bridge {
        return Ok(crate::bridge::run(address, arguments.origins())?);
    }
    window(arguments.origins())
}

fn window(origins: Vec<Origin>) -> Result<(), Box<dyn std::error::Error>> {
    let ticker = Arc::new(Ticker::default());
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(tauri::generate_handler![request, subscribe])
        .manage(Arc::clone(&ticker))
        .setup(move |app| {
            let data = match platform::data_dir() {
                Some(folder) => folder,
                None => app.path().app_data_dir()?,
            };
            let gui = Window { app: app.handle().clone(), ticker };
            let options = Options { data: Some(data), ..Options::default() };
            let handle = tauri::async_runtime::block_on(async { controller::start(gui, options) })?;
            app.manage(handle.clone());
            open(handle, origins);
            Ok(())
        })
        .on_window_event(|window, event| {
            if let WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) = event {
                let files = paths.iter().cloned().map(Origin::File).collect();
                open(window.state::<Handle>().inner().clone(), files);
            }
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        if matches!(event, RunEvent::Exit) {
            let handle = app.state::<Handle>().inner().clone();
            tauri::async_runtime::block_on(async move { handle.shut_down().await });
        }
    });
    Ok(())
}

/// What the command line or a drop names. What fails shows in the status; only a full house is left to the log.
fn open(handle: Handle, origins: Vec<Origin>) {
    if origins.is_empty() {
        return;
    }
    tauri::async_runtime::spawn(async move {
        let reply = handle.open_all(origins).await;
        if let sensor_wire::view::ViewReply::Error(error) = reply {
            tracing::warn!(code = error.code, detail = error.detail, "captures were not opened");
        }
    });
}

/// A request of the page, both ways raw MessagePack.
#[tauri::command]
async fn request(request: tauri::ipc::Request<'_>, controller: State<'_, Handle>) -> Result<Response, String> {
    let bytes = match request.body() {
        InvokeBody::Raw(bytes) => bytes.clone(),
        // Where the system's web view cannot post bytes, Tauri carries them as numbers.
        InvokeBody::Json(numbers) => {
            serde_json::from_value(numbers.clone()).map_err(|error| AppError::BadRequest(error.to_string()).words())?
        }
    };
    controller.request_bytes(&bytes).await.map(Response::new).map_err(|error| error.words())
}

/// Sends ticks to the page from now on; a reloaded page replaces the old one.
#[tauri::command]
fn subscribe(channel: Channel<InvokeResponseBody>, ticker: State<'_, Arc<Ticker>>) {
    ticker.subscribe(channel);
}

/// The page's channel, and the last tick, which a page that subscribes late must not miss.
#[derive(Default)]
struct Ticker(Mutex<(Option<Channel<InvokeResponseBody>>, Tick)>);

impl Ticker {
    fn subscribe(&self, channel: Channel<InvokeResponseBody>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        push(&channel, state.1);
        state.0 = Some(channel);
    }

    fn tick(&self, tick: Tick) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = tick;
        if let Some(channel) = &state.0 {
            push(channel, tick);
        }
    }
}

fn push(channel: &Channel<InvokeResponseBody>, tick: Tick) {
    let sent = codec::encode_compact(&tick).map_err(|error| error.to_string());
    let sent = sent.and_then(|bytes| channel.send(InvokeResponseBody::Raw(bytes)).map_err(|error| error.to_string()));
    if let Err(error) = sent {
        tracing::debug!(error, "the page cannot be reached");
    }
}

struct Window<R: Runtime> {
    app: AppHandle<R>,
    ticker: Arc<Ticker>,
}

impl<R: Runtime> Gui for Window<R> {
    fn tick(&self, tick: Tick) {
        self.ticker.tick(tick);
    }

    fn has_dialog(&self) -> bool {
        true
    }

    fn pick(&self, picked: oneshot::Sender<Vec<PathBuf>>) {
        let dialog = self.app.dialog().file().set_title("Open captures");
        let dialog = dialog.add_filter("Captures", &["pcap", "pcapng", "cap", "gz", "zst"]);
        dialog.add_filter("All files", &["*"]).pick_files(move |files| {
            let paths = files.unwrap_or_default().into_iter().filter_map(|file| file.into_path().ok()).collect();
            if picked.send(paths).is_err() {
                tracing::debug!("the app closed before its dialog");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_and_their_filter_are_named_on_the_command_line() {
        let line = ["nightjar", "--interface", "eth0", "--interface=wlan0", "--filter", "tcp port 443", "a.pcap"];
        let wire =
            |interface: &str| Origin::Interface(Wire { interface: interface.into(), filter: "tcp port 443".into() });
        let origins = Arguments::try_parse_from(line).unwrap().origins();
        assert_eq!(origins, [Origin::File("a.pcap".into()), wire("eth0"), wire("wlan0")]);
        assert!(Arguments::try_parse_from(["nightjar", "--filter", "tcp", "a.pcap"]).is_err(), "of no interface");
    }
}
