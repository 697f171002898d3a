//! The window's UI. It draws what the app knows, and keeps nothing of its own but where the user is.

mod app;
mod backend;
mod detail;
mod dom;
mod format;
mod grid;
mod panels;
mod statusbar;
mod topbar;

fn main() {
    yew::Renderer::<app::App>::new().render();
}
