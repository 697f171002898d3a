//! Nightjar's window: Yew, compiled to WebAssembly. It shows what the app tells it and keeps nothing of its own: rows,
//! order, filter and preferences are the app's, behind the requests of `sensor_wire::view`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each part of the window answers to a few of the actions, and leaves the others to the rest"
)]

mod app;
mod backend;
mod detail;
mod dom;
mod format;
mod grid;
mod help;
mod hosts;
mod live;
mod parts;
mod popup;
mod rules;
mod screens;
mod source;
mod state;
mod statusbar;
mod theme;
mod timeline;
mod topbar;
mod why;
mod zone;

fn main() {
    // A panic's message reaches the app's log by the page's loader; the trap that follows it only says "unreachable".
    std::panic::set_hook(Box::new(|info| dom::report(&info.to_string())));
    yew::Renderer::<app::App>::new().render();
}
