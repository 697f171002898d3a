//! Listeners beside those of the components: keys of the whole window, files that hang over it, the wheel.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent, WheelEvent};
use yew::Context;

use super::{App, Drag, Msg};
use crate::backend;
use crate::dom;
use crate::grid::keys::{self, Action};
use crate::grid::viewport::Viewport;
use crate::theme;

/// Pixels of a line, where a wheel counts in lines.
const WHEEL_LINE: f64 = 28.0;

/// Keys of the whole window, files that hang over it, and the system's theme.
pub(super) fn listeners(ctx: &Context<App>) -> Vec<EventListener> {
    let mut listeners = Vec::new();
    if let Some(window) = dom::window() {
        let action = ctx.link().callback(Msg::Do);
        let options = EventListenerOptions::enable_prevent_default();
        listeners.push(EventListener::new_with_options(&window, "keydown", options, move |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>()
                && let Some(wanted) = action_of(event)
            {
                event.prevent_default();
                action.emit(wanted);
            }
        }));
    }
    if let Some(query) = theme::system() {
        let changed = ctx.link().callback(|()| Msg::SystemTheme);
        listeners.push(EventListener::new(&query, "change", move |_| changed.emit(())));
    }
    for (event, dropping) in [("tauri://drag-enter", true), ("tauri://drag-leave", false), ("tauri://drag-drop", false)]
    {
        let heard = ctx.link().callback(move |()| Msg::Dropping(dropping));
        backend::listen_to_tauri(event, move || heard.emit(()));
    }
    listeners
}

/// The action of a key, unless somebody types or the key belongs to a button that has the focus.
fn action_of(event: &KeyboardEvent) -> Option<Action> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.default_prevented() {
        return None;
    }
    let (key, on) = (event.key(), event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok()));
    let tag = on.map(|element| element.tag_name()).unwrap_or_default();
    match tag.as_str() {
        "INPUT" | "TEXTAREA" if key != "Escape" => None,
        "BUTTON" if key == " " || key == "Enter" => None,
        _ => keys::find(&key),
    }
}

pub(super) fn wheel(grid: Rc<Viewport>, body: &HtmlElement) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(body, "wheel", options, move |event| {
        let Some(event) = event.dyn_ref::<WheelEvent>() else { return };
        if event.ctrl_key() || event.shift_key() || event.delta_x().abs() > event.delta_y().abs() {
            return;
        }
        event.prevent_default();
        let unit = match event.delta_mode() {
            WheelEvent::DOM_DELTA_LINE => WHEEL_LINE,
            WheelEvent::DOM_DELTA_PAGE => WHEEL_LINE * grid.page(),
            _ => 1.0,
        };
        grid.scroll_pixels(event.delta_y() * unit);
    })
}

/// A drag that leaves its element goes on; a browser that refuses ends it at the border. What captures is the target:
/// `current_target` is the page's root, where Yew listens, and past it no element hears of the drag.
pub(super) fn capture(event: &PointerEvent, drag: Drag) {
    if drag == Drag::Down {
        event.prevent_default();
        if let Some(element) = event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok()) {
            let _ = element.set_pointer_capture(event.pointer_id());
        }
    }
}
