//! The way to the app. The UI speaks one language (`sensor_wire::view`) over either of two carriers: Tauri's IPC in the
//! desktop window, loopback HTTP in a browser, where the tests run.

mod bridge;
mod tauri;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Uint8Array};
use sensor_wire::codec;
use sensor_wire::view::{Tick, ViewError, ViewReply, ViewRequest};
use wasm_bindgen::{JsCast, JsValue};

pub use tauri::listen as listen_to_tauri;

/// An answer that is still to come.
pub type Answer = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>>>>;

/// What a carrier reports unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something changed.
    Tick(Tick),
    /// The app does not answer; the carrier goes on trying.
    Lost(String),
}

/// A carrier of requests and ticks.
pub trait Backend {
    /// Sends a request and waits for its answer, both MessagePack.
    fn request(&self, body: Vec<u8>) -> Answer;
    /// Reports ticks from now on.
    fn ticks(&self, heard: Rc<dyn Fn(Heard)>);
}

/// The app, as the UI's code talks to it.
#[derive(Clone)]
pub struct Client {
    backend: Rc<dyn Backend>,
}

/// Two clients are the same when they share a carrier.
impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.backend, &other.backend)
    }
}

impl Client {
    /// Takes the carrier that is there.
    pub fn connect() -> Client {
        let backend: Rc<dyn Backend> = match tauri::Tauri::find() {
            Some(tauri) => Rc::new(tauri),
            None => Rc::new(bridge::Bridge),
        };
        Client { backend }
    }

    /// Asks the app. A refusal of the app and a carrier that fails are both errors in words.
    pub async fn ask(&self, request: ViewRequest) -> Result<ViewReply, ViewError> {
        let body = codec::encode_compact(&request).map_err(|e| fault("encode", &e.to_string()))?;
        let answer = self.backend.request(body).await.map_err(|cause| fault(UNREACHABLE, &cause))?;
        match codec::decode_compact(&answer).map_err(|e| fault("decode", &e.to_string()))? {
            ViewReply::Error(error) => Err(error),
            reply => Ok(reply),
        }
    }

    /// Asks for something that is only done; what fails goes to `failed`.
    pub fn tell(&self, request: ViewRequest, failed: impl FnOnce(ViewError) + 'static) {
        let client = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            if let Err(error) = client.ask(request).await {
                failed(error);
            }
        });
    }

    /// Reports ticks from now on.
    pub fn ticks(&self, heard: Rc<dyn Fn(Heard)>) {
        self.backend.ticks(heard);
    }
}

/// An answer of another kind than the request asks for: a fault of the app.
pub fn unexpected() -> ViewError {
    fault("decode", "the answer is of another kind")
}

/// Code of a carrier that fails.
pub const UNREACHABLE: &str = "app_unreachable";

fn fault(code: &str, detail: &str) -> ViewError {
    let message = match code {
        UNREACHABLE => "Nightjar does not answer.",
        "encode" => "A request could not be written.",
        _ => "An answer could not be read.",
    };
    ViewError { code: code.into(), message: message.into(), detail: detail.into() }
}

/// Bytes as a carrier hands them over: a buffer, a view of one, or (Tauri's fallback) an array of numbers.
fn bytes_of(value: &JsValue) -> Option<Vec<u8>> {
    if let Some(buffer) = value.dyn_ref::<ArrayBuffer>() {
        return Some(Uint8Array::new(buffer).to_vec());
    }
    if let Some(view) = value.dyn_ref::<Uint8Array>() {
        return Some(view.to_vec());
    }
    Array::is_array(value).then(|| Uint8Array::new(value).to_vec())
}

/// A JavaScript failure in words.
fn words(value: &JsValue) -> String {
    if let Some(error) = value.dyn_ref::<js_sys::Error>() {
        return String::from(error.message());
    }
    value.as_string().unwrap_or_else(|| format!("{value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's loader writes this request by hand: before the module runs there is nobody else to do it.
    #[test]
    fn the_loaders_log_request_is_readable() {
        let text = "init failed";
        let mut body = vec![0x81, 0xa3, b'L', b'o', b'g', 0xdb];
        body.extend((text.len() as u32).to_be_bytes());
        body.extend(text.as_bytes());
        let request: ViewRequest = codec::decode_compact(&body).unwrap();
        assert_eq!(request, ViewRequest::Log(text.into()));
        let loader = include_str!("../../static/boot.js");
        assert!(loader.contains("[0x81, 0xa3, 0x4c, 0x6f, 0x67, 0xdb]"), "the loader begins its request so");
    }
}
