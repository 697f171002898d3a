//! Tauri's IPC: one command for requests, one channel for ticks, both with raw bytes.

use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use sensor_wire::codec;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{Answer, Backend, Heard, bytes_of, words};

/// The desktop window's carrier.
pub struct Tauri {
    core: JsValue,
    invoke: Function,
}

impl Tauri {
    /// Finds it, if this page runs in the desktop window.
    pub fn find() -> Option<Tauri> {
        let core = part(&root()?, "core")?;
        let invoke = part(&core, "invoke")?.dyn_into().ok()?;
        Some(Tauri { core, invoke })
    }

    fn invoke(&self, command: &str, body: &JsValue) -> Result<Promise, JsValue> {
        self.invoke.call2(&self.core, &command.into(), body)?.dyn_into()
    }

    fn subscribe(&self, heard: Rc<dyn Fn(Heard)>) -> Result<Promise, JsValue> {
        let channel = part(&self.core, "Channel")
            .and_then(|class| class.dyn_into::<Function>().ok())
            .ok_or_else(|| JsValue::from_str("this Tauri has no channels"))?;
        let channel = Reflect::construct(&channel, &js_sys::Array::new())?;
        let on_message = Closure::<dyn Fn(JsValue)>::new(move |message: JsValue| {
            let tick = bytes_of(&message).ok_or("not bytes".to_owned());
            match tick.and_then(|bytes| codec::decode_compact(&bytes).map_err(|e| e.to_string())) {
                Ok(tick) => heard(Heard::Tick(tick)),
                Err(cause) => heard(Heard::Lost(cause)),
            }
        });
        // The channel lives as long as the page.
        Reflect::set(&channel, &"onmessage".into(), &on_message.into_js_value())?;
        let arguments = Object::new();
        Reflect::set(&arguments, &"channel".into(), &channel)?;
        self.invoke("subscribe", &arguments)
    }
}

impl Backend for Tauri {
    fn request(&self, body: Vec<u8>) -> Answer {
        let sent = self.invoke("request", &Uint8Array::from(body.as_slice()));
        Box::pin(async move {
            let answer = JsFuture::from(sent.map_err(|e| words(&e))?).await.map_err(|e| words(&e))?;
            bytes_of(&answer).ok_or_else(|| "the answer is not bytes".into())
        })
    }

    fn ticks(&self, heard: Rc<dyn Fn(Heard)>) {
        let lost = heard.clone();
        let subscribed = self.subscribe(heard);
        wasm_bindgen_futures::spawn_local(async move {
            let result = match subscribed {
                Ok(promise) => JsFuture::from(promise).await,
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                lost(Heard::Lost(words(&error)));
            }
        });
    }
}

/// Calls back on an event of the desktop window, such as `tauri://drag-enter`. Does nothing in a browser.
pub fn listen(event: &str, then: impl Fn() + 'static) {
    let Some(events) = root().and_then(|root| part(&root, "event")) else { return };
    let Some(listen) = part(&events, "listen").and_then(|f| f.dyn_into::<Function>().ok()) else { return };
    let heard = Closure::<dyn Fn(JsValue)>::new(move |_: JsValue| then()).into_js_value();
    if let Ok(promise) = listen.call2(&events, &event.into(), &heard)
        && let Ok(promise) = promise.dyn_into::<Promise>()
    {
        // A window that refuses to be listened to shows no drop overlay; drops work all the same.
        wasm_bindgen_futures::spawn_local(async move { drop(JsFuture::from(promise).await) });
    }
}

fn root() -> Option<JsValue> {
    part(web_sys::window()?.as_ref(), "__TAURI__")
}

fn part(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}
