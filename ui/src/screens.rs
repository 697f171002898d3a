//! What stands where the rows would be while there are none: each state says what it is and what to do next.

use std::rc::Rc;

use sensor_wire::live::failure;
use sensor_wire::view::{AppStatus, SourceStatus};
use web_sys::MouseEvent;
use yew::{Callback, Html, Properties, function_component, html};

use crate::format;
use crate::grid::keys::{self, Action};
use crate::live::advice;
use crate::parts::{Icon, icon, mark};
use crate::source;
use crate::state::Screen;
use crate::topbar::{BarEvent, recent_list};

/// The screen's properties.
#[derive(Properties, PartialEq)]
pub struct ScreenProps {
    /// Which one.
    pub screen: Screen,
    /// Sources and recent captures.
    pub status: Rc<AppStatus>,
    /// The system's file dialog is there.
    pub has_dialog: bool,
    /// What the user does.
    pub on: Callback<BarEvent>,
}

/// A screen.
#[function_component]
pub fn ScreenView(props: &ScreenProps) -> Html {
    match &props.screen {
        Screen::Rows => Html::default(),
        Screen::Empty => empty(props),
        Screen::Loading => loading(props),
        Screen::Failed => failed(props),
        Screen::Nothing => nothing(props),
        Screen::Hidden(count) => hidden(props, *count),
        Screen::NotFound(count) => not_found(props, *count),
    }
}

fn empty(props: &ScreenProps) -> Html {
    html! {
        <div class="screen" id="screen-empty">
            <div class="big-mark">{ mark() }</div>
            <h1>{ "Nothing is open" }</h1>
            <p>{ if props.has_dialog {
                "Open a packet capture, or drop one onto this window: pcap or pcapng, plain or compressed with gzip or \
                 zstd. Or capture live from an interface of this computer."
            } else {
                "Start Nightjar with the path of a packet capture: pcap or pcapng, plain or compressed with gzip or zstd. \
                 Or capture live from an interface of this computer."
            } }</p>
            { ways_in(props, OPEN) }
            if !props.status.recent.is_empty() {
                <h2>{ "Opened before" }</h2>
                { recent_list(&props.status.recent, &props.on) }
            }
        </div>
    }
}

fn loading(props: &ScreenProps) -> Html {
    let busy = || props.status.sources.iter().filter(|s| source::busy(s));
    let listens = busy().next().is_some() && busy().all(|s| source::wire(s).is_some());
    html! {
        <div class="screen" id="screen-loading" role="status">
            <h1>{ if listens { "Listening" } else { "Reading" } }</h1>
            <p>{ "The first row appears as soon as a flow can be told." }</p>
            { for busy().map(|s| match source::wire(s) {
                Some(wire) => listening(s, &wire.filter, &props.on),
                None => progress(s, &props.on),
            }) }
        </div>
    }
}

fn listening(source: &SourceStatus, filter: &str, on: &Callback<BarEvent>) -> Html {
    let id = source.id;
    let (word, mark) = source::state(source);
    html! {
        <div class="loading" key={id}>
            <div class="line">
                <i class={yew::classes!("mark", mark)}></i>
                <b>{ &source.name }</b>
                <span class="grow"></span>
                <span class="mono mute">{ word }</span>
            </div>
            if !filter.is_empty() { <p class="mono faint path">{ filter.to_owned() }</p> }
            <div class="line">
                <span class="mono faint">{ match source.status.packets {
                    0 => "no packet yet".to_owned(),
                    n => format!("{}, no flow yet", format::counted(n, "packet")),
                } }</span>
                <span class="grow"></span>
                <button class="btn" onclick={on.reform(move |_: MouseEvent| BarEvent::Stop(id))}>
                    { icon(Icon::Stop) }{ "Stop" }
                </button>
            </div>
        </div>
    }
}

fn progress(source: &SourceStatus, on: &Callback<BarEvent>) -> Html {
    let id = source.id;
    let s = &source.status;
    let percent = format::percent(s.bytes_read, s.bytes_total);
    html! {
        <div class="loading" key={id}>
            <div class="line">
                <b>{ &source.name }</b>
                <span class="grow"></span>
                <span class="mono mute">{ match percent {
                    Some(percent) => format!("{percent} % of {}", format::bytes(s.bytes_total)),
                    None => source::state(source).0.to_owned(),
                } }</span>
            </div>
            <span class="progress wide"><span style={format!("width:{}%", percent.unwrap_or(0))}></span></span>
            <div class="line">
                <span class="mono faint">{ format::counted(s.packets, "packet") }</span>
                <span class="grow"></span>
                <button class="btn" onclick={on.reform(move |_: MouseEvent| BarEvent::Stop(id))}>
                    { icon(Icon::Stop) }{ "Cancel" }
                </button>
            </div>
        </div>
    }
}

fn failed(props: &ScreenProps) -> Html {
    let faults = || props.status.sources.iter().filter_map(|s| Some((s, source::fault(s)?)));
    // What holds for the sensor as a whole is the heading, even where something else is wrong too.
    let lacks_rights = faults().any(|(s, _)| source::failure(s).is_some_and(|failure| failure.code == failure::RIGHTS));
    let only_live = faults().all(|(s, _)| source::wire(s).is_some());
    let (id, heading) = match (lacks_rights, only_live) {
        (true, _) => ("screen-rights", "The sensor may not capture yet"),
        (false, true) => ("screen-failed", "Nothing could be captured"),
        (false, false) => ("screen-failed", "No row could be read"),
    };
    html! {
        <div class="screen" {id} role="alert">
            <h1>{ icon(Icon::Warning) }{ heading }</h1>
            if lacks_rights {
                <p>{ "Capturing needs a right that the system has not granted. The sensor gives it up as soon as the \
                    interface is open, before it looks at a packet." }</p>
            }
            { for faults().map(|(s, why)| fault(s, why, &props.on)) }
            { ways_in(props, if lacks_rights { "Open a capture instead…" } else { OPEN }) }
            if lacks_rights && !props.status.recent.is_empty() {
                <h2>{ "Captures need no right. Opened before" }</h2>
                { recent_list(&props.status.recent, &props.on) }
            }
        </div>
    }
}

fn fault(source: &SourceStatus, why: &str, on: &Callback<BarEvent>) -> Html {
    let (id, place, failure) = (source.id, source::place(source), source::failure(source));
    html! {
        <div class={yew::classes!("failure", failure.map(|_| "advised"))} key={id}>
            if let Some(failure) = failure {
                <b>{ advice::title(failure, place) }</b>
                { advice::block(failure, on) }
            } else {
                <b>{ &source.name }</b>
                <p class="path">{ format::sentence(why) }</p>
                // A fault of the file names it already.
                if !why.contains(place) { <p class="mono faint path">{ place.to_owned() }</p> }
            }
            <div class="line">
                <button class={yew::classes!("btn", failure.map(|_| "primary"))} title="Closes it and opens the same again"
                    onclick={on.reform(move |_: MouseEvent| BarEvent::Again(id))}>{ "Try again" }</button>
                <button class="btn" onclick={on.reform(move |_: MouseEvent| BarEvent::Close(id))}>{ "Close it" }</button>
            </div>
        </div>
    }
}

fn nothing(props: &ScreenProps) -> Html {
    let packets: u64 = props.status.sources.iter().map(|s| s.status.packets).sum();
    let anomalies: u64 = props.status.sources.iter().flat_map(|s| &s.status.anomalies).map(|(_, n)| n).sum();
    let stopped = source::all(&props.status) == Some("stopped");
    html! {
        <div class="screen" id="screen-nothing">
            <h1>{ if stopped { "Stopped before the first flow" } else { "No flow in what was read" } }</h1>
            <p>{ match packets {
                0 => "Not a single packet was read.".to_owned(),
                n => format!("{} read, none of them made a flow.", format::counted(n, "packet")),
            } }</p>
            if anomalies > 0 {
                <p>{ "The source's chip above lists what was odd about them, by name." }</p>
            }
            { ways_in(props, OPEN) }
        </div>
    }
}

fn not_found(props: &ScreenProps, count: u64) -> Html {
    html! {
        <div class="screen" id="screen-not-found">
            <h1>{ "No row says this" }</h1>
            <p>{ format!("Searched are the messages of {}, the numbers and classes of their rules, their addresses and protocols.",
                format::counted(count, "row")) }</p>
            <button class="btn primary" onclick={props.on.reform(|_: MouseEvent| BarEvent::Find(String::new()))}>
                { "Show all rows" }</button>
        </div>
    }
}

fn hidden(props: &ScreenProps, count: u64) -> Html {
    html! {
        <div class="screen" id="screen-hidden">
            <h1>{ format!("{} hidden", format::counted(count, "flow row")) }</h1>
            <p>{ "Flow events are off, so only rows with an IDS, service, syslog or incident event are shown, and none of \
                the rows has one." }</p>
            <button class="btn primary" onclick={props.on.reform(|_: MouseEvent| BarEvent::Do(Action::FlowEvents))}>
                { icon(Icon::Flow) }{ "Show flow events" }<kbd>{ keys::hint(Action::FlowEvents) }</kbd>
            </button>
        </div>
    }
}

const OPEN: &str = "Open capture…";

/// What opens something else.
fn ways_in(props: &ScreenProps, open: &'static str) -> Html {
    let act = |action: Action| props.on.reform(move |_: MouseEvent| BarEvent::Do(action));
    html! {
        <div class="line ways">
            if props.has_dialog {
                <button class="btn primary" onclick={act(Action::OpenCapture)}>
                    { icon(Icon::Open) }{ open }<kbd>{ keys::hint(Action::OpenCapture) }</kbd>
                </button>
            }
            <button class="btn" onclick={act(Action::Capture)}>
                { icon(Icon::Wire) }{ "Capture live…" }<kbd>{ keys::hint(Action::Capture) }</kbd>
            </button>
        </div>
    }
}

/// The app does not answer.
pub fn disconnected(cause: &str) -> Html {
    html! {
        <div class="curtain" id="disconnected" role="alertdialog" aria-label="Disconnected">
            <div class="screen">
                <h1>{ icon(Icon::Warning) }{ "Nightjar does not answer" }</h1>
                <p>{ "The window has lost its app. It goes on trying and comes back by itself; if it does not, start \
                    Nightjar again." }</p>
                <p class="mono faint">{ cause.to_owned() }</p>
            </div>
        </div>
    }
}

/// A file hangs over the window.
pub fn drop_here() -> Html {
    html! {
        <div class="curtain drop" id="drop">
            <div class="screen"><h1>{ icon(Icon::Open) }{ "Drop to open" }</h1>
                <p>{ "pcap or pcapng, plain or compressed; several at once merge in one grid." }</p></div>
        </div>
    }
}
