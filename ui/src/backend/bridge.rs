//! Loopback HTTP, for a browser: debug builds of the app serve it, and the tests drive it.

use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use sensor_wire::codec;
use sensor_wire::view::Tick;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

use super::{Answer, Backend, Heard, bytes_of, words};

/// First and longest pause between attempts to reach an app that is gone, in milliseconds.
const RETRY: (u32, u32) = (250, 4_000);

/// The browser's carrier.
pub struct Bridge;

impl Backend for Bridge {
    fn request(&self, body: Vec<u8>) -> Answer {
        Box::pin(fetch("/request".into(), Some(body)))
    }

    fn ticks(&self, heard: Rc<dyn Fn(Heard)>) {
        wasm_bindgen_futures::spawn_local(async move {
            let mut last = Tick::default();
            let mut pause = RETRY.0;
            loop {
                match poll(last).await {
                    Ok(tick) => {
                        pause = RETRY.0;
                        last = tick;
                        heard(Heard::Tick(tick));
                    }
                    Err(cause) => {
                        heard(Heard::Lost(cause));
                        TimeoutFuture::new(pause).await;
                        pause = (pause * 2).min(RETRY.1);
                        // Whatever answers next may be another run of the app, which counts from anew.
                        last = Tick::default();
                    }
                }
            }
        });
    }
}

/// Waits until the app's tick differs from the last one, or for as long as it lets us wait.
async fn poll(last: Tick) -> Result<Tick, String> {
    let bytes = fetch(format!("/tick?rows={}&status={}&hosts={}", last.rows, last.status, last.hosts), None).await?;
    codec::decode_compact(&bytes).map_err(|e| e.to_string())
}

async fn fetch(path: String, body: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
    let window = web_sys::window().ok_or("no window")?;
    let init = RequestInit::new();
    if let Some(body) = body {
        init.set_method("POST");
        init.set_body(&Uint8Array::from(body.as_slice()));
    }
    let response = JsFuture::from(window.fetch_with_str_and_init(&path, &init)).await.map_err(|e| words(&e))?;
    let response: Response = response.dyn_into().map_err(|e| words(&e))?;
    if !response.ok() {
        return Err(format!("{path}: HTTP {}", response.status()));
    }
    let buffer = JsFuture::from(response.array_buffer().map_err(|e| words(&e))?).await.map_err(|e| words(&e))?;
    bytes_of(&buffer).ok_or_else(|| "the answer is not bytes".into())
}
