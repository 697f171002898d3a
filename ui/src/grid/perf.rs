//! The measuring hook: how long from a tick until the frame after the one that shows its rows. Two animation frames,
//! because the first runs before its own painting.

use gloo_render::request_animation_frame;
use js_sys::{Array, Reflect};
use wasm_bindgen::JsCast;

use crate::dom;

/// Durations kept; the oldest give way.
const KEPT: u32 = 2_000;
/// The setting that switches measuring on, and the array it fills.
const SETTING: &str = "nightjar_perf";
const RESULT: &str = "nightjarPerf";

/// Whether this page measures.
pub fn wanted() -> bool {
    let wanted = dom::flag(SETTING);
    if wanted {
        let _ = Reflect::set(&js_sys::global(), &RESULT.into(), &Array::new());
    }
    wanted
}

/// The rows of a tick heard at `since` stand in the DOM: the duration follows with the second frame from now.
pub fn measure(since: f64) {
    let second = move |_| record(dom::now() - since);
    let first = move |_| keep(request_animation_frame(second));
    keep(request_animation_frame(first));
}

/// The frame's handle would cancel it when dropped. It is one small object, and only while measuring.
fn keep(frame: gloo_render::AnimationFrame) {
    std::mem::forget(frame);
}

fn record(milliseconds: f64) {
    if let Ok(result) = Reflect::get(&js_sys::global(), &RESULT.into())
        && let Some(result) = result.dyn_ref::<Array>()
    {
        result.push(&milliseconds.into());
        if result.length() > KEPT {
            result.shift();
        }
    }
}
