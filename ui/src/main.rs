//! The window's UI. It draws what the app knows, and keeps nothing of its own but where the user is.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "most keys and columns share one treatment, those that differ are named"
)]

mod app;
mod backend;
mod bar;
mod bottom;
mod detail;
mod dom;
mod format;
mod grid;
mod panels;

fn main() {
    yew::Renderer::<app::App>::new().render();
}
