//! The top bar: the name, a chip for each source, and what opens captures and sets the window up.

use std::rc::Rc;

use sensor_wire::live::SourceState;
use sensor_wire::view::{AppStatus, Recent, SourceId, SourceStatus, Theme};
use web_sys::{HtmlInputElement, KeyboardEvent, MouseEvent};
use yew::{AttrValue, Callback, Html, Properties, function_component, html, use_effect_with, use_node_ref};

use crate::dom;
use crate::format;
use crate::grid::keys::{self, Action};
use crate::parts::{Icon, Popover, arrow_keys, icon, mark};
use crate::state;

/// What the user does at the bar.
#[derive(Clone, Debug, PartialEq)]
pub enum BarEvent {
    /// What a key does too.
    Do(Action),
    /// The list of recent captures.
    Recent,
    /// A source's popover.
    Source(SourceId),
    /// Stop reading.
    Stop(SourceId),
    /// Close a source.
    Close(SourceId),
    /// Rename a source.
    Rename(SourceId, String),
    /// Open a capture.
    Open(String),
    /// Forget the recent list.
    ClearRecent,
}

/// The bar's properties.
#[derive(Properties, PartialEq)]
pub struct TopBarProps {
    /// Sources.
    pub status: Rc<AppStatus>,
    /// The system's file dialog is there.
    pub has_dialog: bool,
    /// Colours.
    pub theme: Theme,
    /// The zone that is set.
    pub zone: AttrValue,
    /// What it is called.
    pub abbreviation: AttrValue,
    /// What the user does.
    pub on: Callback<BarEvent>,
}

/// The bar.
#[function_component]
pub fn TopBar(props: &TopBarProps) -> Html {
    let act = |action: Action| props.on.reform(move |_: MouseEvent| BarEvent::Do(action));
    html! {
        <header id="topbar">
            <span class="brand">{ mark() }<b>{ "Nightjar" }</b></span>
            <div class="chips" role="list" aria-label="Sources">
                { for props.status.sources.iter().map(|source| chip(source, &props.on)) }
            </div>
            <span class="grow"></span>
            if props.has_dialog {
                <button class="btn primary" id="open" onclick={act(Action::OpenCapture)}
                    title={titled("Open a capture", Action::OpenCapture)}>{ icon(Icon::Open) }{ "Open capture…" }</button>
            }
            if !props.status.recent.is_empty() {
                <button class="btn" id="recent" onclick={props.on.reform(|_: MouseEvent| BarEvent::Recent)}
                    title="Captures opened before">{ icon(Icon::Recent) }{ "Recent" }</button>
            }
            <button class="btn" id="theme" onclick={act(Action::Theme)} title={titled("Theme", Action::Theme)}>
                { icon(Icon::Theme) }<span class="word">{ state::theme_name(props.theme) }</span>
            </button>
            <button class="btn" id="zone" onclick={act(Action::Zone)} title={titled("Time zone", Action::Zone)}>
                { icon(Icon::Zone) }
                if !props.abbreviation.is_empty() && props.abbreviation != props.zone {
                    <span class="mono">{ &props.abbreviation }</span>
                }
                <span class="word">{ props.zone.replace('_', " ") }</span>
            </button>
            <button class="btn" id="help-button" onclick={act(Action::Help)} title={titled("Keys", Action::Help)}
                aria-label="Keys">{ icon(Icon::Help) }</button>
        </header>
    }
}

fn titled(what: &str, action: Action) -> String {
    format!("{what} ({})", keys::hint(action))
}

fn chip(source: &SourceStatus, on: &Callback<BarEvent>) -> Html {
    let id = source.id;
    let (word, mark) = state::source_state(source);
    let reading = matches!(source.status.state, SourceState::Running) && state::busy(source);
    let percent = format::percent(source.status.bytes_read, source.status.bytes_total).filter(|_| reading);
    let open = on.reform(move |_: MouseEvent| BarEvent::Source(id));
    let stop = on.reform(move |event: MouseEvent| {
        event.stop_propagation();
        BarEvent::Stop(id)
    });
    html! {
        <span key={id} class="chip" role="listitem" data-source-id={id.to_string()} data-state={word}>
            <button class="chip-name" onclick={open} title={format!("{}\n{word}", source.path)}>
                <i class={yew::classes!("mark", mark)}></i>
                <span class="name">{ &source.name }</span>
                <span class="faint">{ match percent {
                    Some(percent) => format!("{percent} %"),
                    None => word.to_owned(),
                } }</span>
            </button>
            if reading {
                <button class="bare" onclick={stop} title="Stop reading; the rows stay" aria-label="Stop reading">
                    { icon(Icon::Stop) }
                </button>
            }
            if let Some(percent) = percent {
                <span class="progress" role="progressbar" aria-valuenow={percent.to_string()} aria-valuemin="0"
                    aria-valuemax="100" aria-label={format!("{} read", source.name)}>
                    <span style={format!("width:{percent}%")}></span>
                </span>
            }
        </span>
    }
}

/// A source's popover's properties.
#[derive(Properties, PartialEq)]
pub struct SourceCardProps {
    /// The source.
    pub source: SourceStatus,
    /// Left edge of its chip.
    pub x: f64,
    /// What the user does.
    pub on: Callback<BarEvent>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// One source: what is known of it and what can be done with it.
#[function_component]
pub fn SourceCard(props: &SourceCardProps) -> Html {
    let source = &props.source;
    let id = source.id;
    let s = &source.status;
    let name = use_node_ref();
    {
        let name = name.clone();
        use_effect_with(id, move |_| {
            if let Some(name) = name.cast::<HtmlInputElement>() {
                let _ = name.focus();
                name.select();
            }
        });
    }
    let rename = {
        let (name, on, old) = (name.clone(), props.on.clone(), source.name.clone());
        Callback::from(move |()| {
            if let Some(new) = name.cast::<HtmlInputElement>().map(|n| n.value().trim().to_owned())
                && !new.is_empty()
                && new != old
            {
                on.emit(BarEvent::Rename(id, new));
            }
        })
    };
    let entered = {
        let (rename, close, name, old) = (rename.clone(), props.on_close.clone(), name.clone(), source.name.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" => {
                event.prevent_default();
                rename.emit(());
                close.emit(());
            }
            // The popover closes, and the field that loses the focus has nothing to tell.
            "Escape" => {
                if let Some(name) = name.cast::<HtmlInputElement>() {
                    name.set_value(&old);
                }
            }
            _ => {}
        })
    };
    let read = match format::percent(s.bytes_read, s.bytes_total) {
        Some(percent) => {
            format!("{} of {} ({percent} %)", format::bytes(s.bytes_read), format::bytes(s.bytes_total))
        }
        None => format::bytes(s.bytes_read),
    };
    let span = if s.first_packet_time == 0 {
        if state::busy(source) { "no packet yet".to_owned() } else { "no packet".to_owned() }
    } else {
        format!("{}, from {}", format::duration(s.packet_time - s.first_packet_time), format::utc(s.first_packet_time))
    };
    let (word, mark) = state::source_state(source);
    let lost = [
        (s.drops, "packets were lost before the sensor saw them"),
        (s.flows_forced, "flows gave way because the sensor's flow table was full"),
        (s.rows_evicted, "rows gave way because the sensor keeps no more"),
    ];
    html! {
        <Popover id="source" label={source.name.clone()} x={props.x} y={48.0} width={460.0} height={620.0}
            on_close={props.on_close.clone()}>
            <div class="popover-head">
                <i class={yew::classes!("mark", mark)}></i>
                <label class="rename" title="Name; old rows get it too">
                    <input ref={name} type="text" id="rename" value={source.name.clone()} maxlength="80" spellcheck="false"
                        aria-label="Name" onkeydown={entered} onblur={rename.reform(|_| ())} />
                </label>
                <button class="bare" title="Close (Esc)" aria-label="Close"
                    onclick={props.on_close.reform(|_: MouseEvent| ())}>{ icon(Icon::Close) }</button>
            </div>
            if let Some(why) = state::fault(source) {
                <div class="note bad" role="alert">
                    <p>{ format::sentence(why) }</p>
                    if source.rows > 0 { <p>{ "What was read before the fault stays in the grid." }</p> }
                </div>
            }
            <dl class="facts">
                <dt>{ "State" }</dt><dd>{ word }</dd>
                <dt>{ "Path" }</dt><dd class="mono path">{ &source.path }</dd>
                <dt>{ "Read" }</dt><dd class="mono">{ read }</dd>
                <dt>{ "Covers" }</dt><dd class="mono">{ span }</dd>
                <dt>{ "Packets" }</dt><dd class="mono">{ format::grouped(s.packets) }</dd>
                <dt>{ "Flows" }</dt>
                <dd class="mono">{ format!("{}, {} open", format::grouped(s.flows), format::grouped(s.open_flows)) }</dd>
                <dt>{ "Rows" }</dt><dd class="mono">{ format::grouped(source.rows) }</dd>
            </dl>
            { for lost.iter().filter(|(count, _)| *count > 0).map(|(count, what)| html! {
                <p class="note warn">{ format!("{} {what}.", format::grouped(*count)) }</p>
            }) }
            if !s.anomalies.is_empty() {
                <h3>{ "Anomalies" }</h3>
                <div class="anomalies">
                    { for s.anomalies.iter().map(|(name, count)| html! {
                        <div key={name.clone()}>
                            <span>{ name.replace('_', " ") }</span>
                            <span class="mono">{ format::grouped(*count) }</span>
                        </div>
                    }) }
                </div>
            }
            <div class="popover-foot">
                if state::busy(source) {
                    <button class="btn" onclick={props.on.reform(move |_: MouseEvent| BarEvent::Stop(id))}>
                        { icon(Icon::Stop) }{ "Stop reading" }
                    </button>
                }
                <span class="grow"></span>
                <button class="btn danger" id="close-source" title="Takes its rows out of the view; the file stays"
                    onclick={props.on.reform(move |_: MouseEvent| BarEvent::Close(id))}>
                    { icon(Icon::Close) }{ "Close source" }
                </button>
            </div>
        </Popover>
    }
}

/// The recent list's properties.
#[derive(Properties, PartialEq)]
pub struct RecentProps {
    /// Captures, newest first.
    pub recent: Vec<Recent>,
    /// What the user does.
    pub on: Callback<BarEvent>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The captures opened before, as a menu.
#[function_component]
pub fn RecentMenu(props: &RecentProps) -> Html {
    use_effect_with((), |()| dom::focus("recent-0"));
    let button = dom::document().and_then(|d| d.get_element_by_id("recent"));
    let x = button.map_or(0.0, |button| button.get_bounding_client_rect().left());
    html! {
        <Popover id="recent-menu" label="Recent captures" {x} y={48.0} width={420.0} height={520.0}
            on_close={props.on_close.clone()}>
            { recent_list(&props.recent, &props.on) }
            <div class="popover-foot">
                <span class="grow"></span>
                <button class="btn" onclick={props.on.reform(|_: MouseEvent| BarEvent::ClearRecent)}>
                    { "Forget this list" }
                </button>
            </div>
        </Popover>
    }
}

/// The entries of the recent list; the empty screen shows them too.
pub fn recent_list(recent: &[Recent], on: &Callback<BarEvent>) -> Html {
    html! {
        <div class="recent-list" onkeydown={arrow_keys("recent")}>
            { for recent.iter().enumerate().map(|(at, entry)| {
                let path = entry.path.clone();
                html! {
                    <button key={at} id={format!("recent-{at}")} data-at={at.to_string()} class="recent"
                        title={entry.path.clone()} onclick={on.reform(move |_: MouseEvent| BarEvent::Open(path.clone()))}>
                        <span class="name">{ state::file_name(&entry.path) }</span>
                        <span class="mono faint">{ format::bytes(entry.size) }</span>
                        <span class="where faint">{ &entry.path }</span>
                    </button>
                }
            }) }
        </div>
    }
}
