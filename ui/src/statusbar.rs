//! The line at the bottom: at the left the menu of what can be switched, at the right what is counted.

use std::rc::Rc;

use sensor_wire::view::{AppStatus, Column, ColumnPref, Density};
use web_sys::MouseEvent;
use yew::{Callback, Html, Properties, function_component, html, use_effect_with};

use crate::dom;
use crate::format;
use crate::grid::columns;
use crate::grid::keys::{self, Action};
use crate::grid::viewport::Meta;
use crate::parts::{Icon, Popover, arrow_keys, icon};
use crate::source;
use crate::state;

/// The line's properties.
#[derive(Properties, PartialEq)]
pub struct StatusBarProps {
    /// Sources and counters.
    pub status: Rc<AppStatus>,
    /// The list as a whole.
    pub meta: Meta,
    /// Flow rows without an event are shown.
    pub flow_events: bool,
    /// What is known of hosts stands under their addresses.
    pub annotations: bool,
    /// Height of rows.
    pub density: Density,
    /// What a key does too.
    pub on: Callback<Action>,
}

/// The line.
#[function_component]
pub fn StatusBar(props: &StatusBarProps) -> Html {
    let act = |action: Action| props.on.reform(move |_: MouseEvent| action);
    let (status, meta) = (&props.status, &props.meta);
    let waiting = status.waiting.max(meta.waiting);
    let switch = if props.flow_events { "on" } else { "off" };
    let drops = source::drops(status);
    let lost = status.sources.iter().filter(|s| s.status.drops > 0);
    let lost = lost.map(|s| format!("{}: {}", s.name, source::lost_lines(s)));
    let lost: Vec<String> = std::iter::once("Packets lost before a sensor saw them".to_owned()).chain(lost).collect();
    let hidden = meta.unfiltered.saturating_sub(meta.total);
    html! {
        <footer id="statusbar">
            <div class="menu" role="toolbar" aria-label="View">
                <button id="pause" class={yew::classes!("item", status.paused.then_some("on"))}
                    aria-pressed={status.paused.to_string()} onclick={act(Action::Pause)}
                    title={if status.paused { "Go on: what waits comes in" } else { "New rows wait until you go on" }}>
                    { icon(if status.paused { Icon::Play } else { Icon::Pause }) }
                    { if status.paused { "Go on" } else { "Pause" } }
                    <kbd>{ keys::hint(Action::Pause) }</kbd>
                </button>
                if status.paused {
                    <span id="waiting" class="waiting" role="status">
                        { format!("{} waiting", format::grouped(waiting)) }
                    </span>
                }
                <button id="flow-events" class="item" role="switch" aria-checked={props.flow_events.to_string()}
                    onclick={act(Action::FlowEvents)}
                    title="Whether rows of flows without an event are shown">
                    { icon(Icon::Flow) }{ format!("Flow events: {switch}") }<kbd>{ keys::hint(Action::FlowEvents) }</kbd>
                </button>
                <button id="annotations" class="item" role="switch" aria-checked={props.annotations.to_string()}
                    onclick={act(Action::Annotations)}
                    title="Whether names, systems and programs of hosts stand under their addresses">
                    { icon(Icon::Note) }{ format!("Annotations: {}", if props.annotations { "on" } else { "off" }) }
                    <kbd>{ keys::hint(Action::Annotations) }</kbd>
                </button>
                <button id="columns" class="item" onclick={act(Action::Columns)} title="Show, hide and reset columns">
                    { icon(Icon::Columns) }{ "Columns" }<kbd>{ keys::hint(Action::Columns) }</kbd>
                </button>
                <button id="density" class="item" onclick={act(Action::Density)} title="Height of rows">
                    { icon(Icon::Density) }{ format!("Rows: {}", state::density_name(props.density)) }
                    <kbd>{ keys::hint(Action::Density) }</kbd>
                </button>
            </div>
            <div id="status" class="mono">
                if let Some(rest) = source::all(status) { <span class="rest" id="state">{ rest }</span> }
                <span title="Payload, packets and flows of the rows shown">
                    { format!("{} · {} packets · {}", format::bytes(meta.totals.bytes),
                        format::grouped(meta.totals.packets), format::counted(meta.totals.flows, "flow")) }
                </span>
                <span title={format!("At most {} rows are kept; the oldest give way", format::grouped(status.row_cap))}>
                    { format!("{} rows", format::grouped(meta.unfiltered)) }
                </span>
                if hidden > 0 { <span>{ format!("{} shown", format::grouped(meta.total)) }</span> }
                if status.changes_per_second > 0 {
                    <span title="Row changes taken in during the last second">
                        { format!("{}/s", format::grouped(status.changes_per_second.into())) }
                    </span>
                }
                <span class={yew::classes!((drops > 0).then_some("warn"))}
                    title={lost.join("\n")}>
                    { format!("{} drops", format::grouped(drops)) }
                </span>
                if status.hosts_evicted > 0 {
                    <span class="warn" title="The hosts that had not changed for the longest">
                        { format!("{} hosts gave way", format::grouped(status.hosts_evicted)) }
                    </span>
                }
                if status.rows_evicted > 0 {
                    <span class="warn" title={format!("The cap is {} rows", format::grouped(status.row_cap))}>
                        { format!("{} gave way", format::grouped(status.rows_evicted)) }
                    </span>
                }
            </div>
        </footer>
    }
}

/// The column menu's properties.
#[derive(Properties, PartialEq)]
pub struct ColumnMenuProps {
    /// The layout.
    pub columns: Vec<ColumnPref>,
    /// Show or hide a column.
    pub on_toggle: Callback<Column>,
    /// Back to the first layout.
    pub on_reset: Callback<()>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The menu of columns.
#[function_component]
pub fn ColumnMenu(props: &ColumnMenuProps) -> Html {
    use_effect_with((), |()| dom::focus("column-0"));
    let shown = props.columns.iter().filter(|c| c.shown).count();
    let height = 468.0;
    html! {
        <Popover id="column-menu" label="Columns" x={250.0} y={dom::size().1 - height - 44.0} width={240.0} {height}
            on_close={props.on_close.clone()}>
            <div class="popover-head"><h2>{ "Columns" }</h2></div>
            <div class="checks" onkeydown={arrow_keys("column")}>
                { for props.columns.iter().enumerate().map(|(at, pref)| {
                    let column = pref.column;
                    html! {
                        <button key={columns::name(column)} id={format!("column-{at}")} data-at={at.to_string()}
                            data-column={columns::name(column)} class="check" role="menuitemcheckbox"
                            aria-checked={pref.shown.to_string()} disabled={pref.shown && shown == 1}
                            onclick={props.on_toggle.reform(move |_: MouseEvent| column)}>
                            <span class="tick">{ if pref.shown { "✓" } else { "" } }</span>
                            { columns::full_title(column) }
                        </button>
                    }
                }) }
            </div>
            <div class="popover-foot">
                <span class="grow"></span>
                <button class="btn" id="reset-columns" onclick={props.on_reset.reform(|_: MouseEvent| ())}>
                    { "Reset columns" }
                </button>
            </div>
        </Popover>
    }
}
