//! The top bar: the name, a chip for each source, and what opens captures and sets the window up.

use std::rc::Rc;

use sensor_wire::view::{AppStatus, Recent, SourceId, Theme};
use web_sys::{HtmlInputElement, KeyboardEvent, MouseEvent};
use yew::{
    AttrValue, Callback, Html, InputEvent, Properties, TargetCast, classes, function_component, html, use_effect_with,
};

use crate::dom;
use crate::format;
use crate::grid::keys::{self, Action};
use crate::parts::{Icon, Popover, arrow_keys, icon, mark};
use crate::source::chip::chip;
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
    /// Open or capture anew what a source read or captured from.
    Again(SourceId),
    /// Text for the clipboard, and what it is.
    Copy(String, String),
    /// Forget the recent list.
    ClearRecent,
    /// Show only rows that say this.
    Find(String),
    /// The search is left for the rows.
    LeaveFind,
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
    /// The pane of hosts is open.
    pub hosts: bool,
    /// The pane of rules is open.
    pub rules: bool,
    /// What rows are searched for.
    pub find: AttrValue,
    /// What the user does.
    pub on: Callback<BarEvent>,
}

/// The bar.
#[function_component]
pub fn TopBar(props: &TopBarProps) -> Html {
    let act = |action: Action| props.on.reform(move |_: MouseEvent| BarEvent::Do(action));
    let counts = &props.status.rule_counts;
    html! {
        <header id="topbar">
            <span class="brand">{ mark() }<b>{ "Nightjar" }</b></span>
            <div class="chips" role="list" aria-label="Sources">
                { for props.status.sources.iter().map(|source| chip(source, &props.on)) }
            </div>
            <span class="grow"></span>
            if !props.status.sources.is_empty() { { find(props) } }
            if props.has_dialog {
                <button class="btn primary" id="open" onclick={act(Action::OpenCapture)}
                    title={titled("Open a capture", Action::OpenCapture)}>{ icon(Icon::Open) }{ "Open capture…" }</button>
            }
            <button class="btn" id="capture" onclick={act(Action::Capture)}
                title={titled("Capture live from an interface", Action::Capture)}>
                { icon(Icon::Wire) }{ "Capture live…" }
            </button>
            if !props.status.recent.is_empty() {
                <button class="btn" id="recent" onclick={props.on.reform(|_: MouseEvent| BarEvent::Recent)}
                    title="Captures opened before">{ icon(Icon::Recent) }{ "Recent" }</button>
            }
            <button class={yew::classes!("btn", props.hosts.then_some("on"))} id="hosts-button" onclick={act(Action::Hosts)}
                aria-pressed={props.hosts.to_string()} title={titled("Hosts", Action::Hosts)}>
                { icon(Icon::Hosts) }{ "Hosts" }
                if props.status.hosts > 0 { <span class="faint number">{ format::grouped(props.status.hosts) }</span> }
            </button>
            <button class={yew::classes!("btn", props.rules.then_some("on"))} id="rules-button" onclick={act(Action::Rules)}
                aria-pressed={props.rules.to_string()} title={titled("Rules", Action::Rules)}>
                { icon(Icon::Rules) }{ "Rules" }
                if counts.running > 0 { <span class="faint number">{ format::grouped(counts.running.into()) }</span> }
                if counts.refused > 0 {
                    <span class="number refused" title={format!("{} can't be run", format::counted(counts.refused.into(), "rule"))}>
                        <span class="mark bad"></span>{ format::grouped(counts.refused.into()) }</span>
                }
            </button>
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

fn find(props: &TopBarProps) -> Html {
    let oninput = props.on.clone();
    let oninput = Callback::from(move |event: InputEvent| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            oninput.emit(BarEvent::Find(input.value()));
        }
    });
    let on = props.on.clone();
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        // What is typed here is none of the grid's business.
        event.stop_propagation();
        let empty = event.target_dyn_into::<HtmlInputElement>().is_none_or(|input| input.value().is_empty());
        match event.key().as_str() {
            "Escape" if !empty => on.emit(BarEvent::Find(String::new())),
            "Escape" | "Enter" => on.emit(BarEvent::LeaveFind),
            _ => {}
        }
    });
    html! {
        <label class={classes!("search", "find", (!props.find.is_empty()).then_some("on"))}
            title={titled("Only rows with this in a message, or with this sid, class, address or protocol", Action::Find)}>
            { icon(Icon::Search) }
            <input id="find" type="text" spellcheck="false" autocomplete="off" placeholder="Find rows" aria-label="Find rows"
                value={props.find.clone()} {oninput} {onkeydown} />
            if props.find.is_empty() {
                <kbd>{ keys::hint(Action::Find) }</kbd>
            } else {
                <button class="bare" id="find-clear" title="Show all rows (Esc)" aria-label="Show all rows"
                    onclick={props.on.reform(|_: MouseEvent| BarEvent::Find(String::new()))}>{ icon(Icon::Close) }</button>
            }
        </label>
    }
}

fn titled(what: &str, action: Action) -> String {
    format!("{what} ({})", keys::hint(action))
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
