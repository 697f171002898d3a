//! The line at the bottom: switches at the left, figures at the right.

use yew::html::Scope;
use yew::{Html, html};

use crate::app::{App, Msg};
use crate::format::{bytes, counted, grouped};
use crate::grid::keys::{self, Action};

/// Draws it.
pub fn view(app: &App, link: &Scope<App>) -> Html {
    let (status, meta) = (&app.status, &app.meta);
    let button = |id: &'static str, label: String, action: Action, on: bool| {
        html! {
            <button {id} aria-pressed={on.to_string()} onclick={link.callback(move |_| Msg::Act(action))}>
                { label }{ " " }<kbd>{ keys::hint(action) }</kbd>
            </button>
        }
    };
    let flow = if app.prefs.flow_events { "on" } else { "off" };
    let drops: u64 = status.sources.iter().map(|s| s.status.drops).sum();
    html! {
        <footer id="status">
            { button("pause", if status.paused { "Go on".into() } else { "Pause".into() }, Action::Pause, status.paused) }
            if status.paused { <span id="waiting">{ format!("{} waiting", grouped(status.waiting)) }</span> }
            { button("flow-events", format!("Flow events: {flow}"), Action::FlowEvents, app.prefs.flow_events) }
            { button("columns", "Columns".into(), Action::Columns, false) }
            { button("density", format!("{:?}", app.prefs.density), Action::Density, false) }
            <span class="space"></span>
            <span>{ format!("{} · {} · {}", bytes(meta.totals.bytes), counted(meta.totals.packets, "packet"),
                counted(meta.totals.flows, "flow")) }</span>
            <span>{ format!("{} shown of {}", grouped(meta.total), counted(meta.unfiltered, "row")) }</span>
            <span>{ format!("{} changes/s", grouped(status.changes_per_second.into())) }</span>
            <span>{ counted(drops, "drop") }</span>
            <span title={format!("{} gave way", counted(status.rows_evicted, "row"))}>
                { format!("cap {}", grouped(status.row_cap)) }</span>
        </footer>
    }
}
