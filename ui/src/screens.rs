//! What stands where the rows would be while there are none: each state says what it is and what to do next.

use std::rc::Rc;

use sensor_wire::view::{AppStatus, SourceStatus};
use web_sys::MouseEvent;
use yew::{Callback, Html, Properties, function_component, html};

use crate::format;
use crate::grid::keys::{self, Action};
use crate::parts::{Icon, icon, mark};
use crate::state::{self, Screen};
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
    }
}

fn empty(props: &ScreenProps) -> Html {
    html! {
        <div class="screen" id="screen-empty">
            <div class="big-mark">{ mark() }</div>
            <h1>{ "Nothing is open" }</h1>
            <p>{ if props.has_dialog {
                "Open a packet capture, or drop one onto this window: pcap or pcapng, plain or compressed with gzip or zstd."
            } else {
                "Start Nightjar with the path of a packet capture: pcap or pcapng, plain or compressed with gzip or zstd."
            } }</p>
            { open_button(props) }
            if !props.status.recent.is_empty() {
                <h2>{ "Opened before" }</h2>
                { recent_list(&props.status.recent, &props.on) }
            }
        </div>
    }
}

fn loading(props: &ScreenProps) -> Html {
    html! {
        <div class="screen" id="screen-loading" role="status">
            <h1>{ "Reading" }</h1>
            <p>{ "The first row appears as soon as a flow can be told." }</p>
            { for props.status.sources.iter().filter(|s| state::busy(s)).map(|s| progress(s, &props.on)) }
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
                    None => state::source_state(source).0.to_owned(),
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
    html! {
        <div class="screen" id="screen-failed" role="alert">
            <h1>{ icon(Icon::Warning) }{ "No row could be read" }</h1>
            { for props.status.sources.iter().filter_map(|source| Some((source, state::fault(source)?)))
                .map(|(source, why)| {
                    let (id, path) = (source.id, source.path.clone());
                    html! {
                        <div class="failure" key={id}>
                            <b>{ &source.name }</b>
                            <p class="path">{ format::sentence(why) }</p>
                            // A fault of the file names it already.
                            if !why.contains(&source.path) { <p class="mono faint path">{ &source.path }</p> }
                            <div class="line">
                                <button class="btn" title="Closes it and opens the same path again"
                                    onclick={again(&props.on, id, path)}>{ "Try again" }</button>
                                <button class="btn" onclick={props.on.reform(move |_: MouseEvent| BarEvent::Close(id))}>
                                    { "Close it" }
                                </button>
                            </div>
                        </div>
                    }
                }) }
            { open_button(props) }
        </div>
    }
}

fn again(on: &Callback<BarEvent>, id: u32, path: String) -> Callback<MouseEvent> {
    let on = on.clone();
    Callback::from(move |_| {
        on.emit(BarEvent::Close(id));
        on.emit(BarEvent::Open(path.clone()));
    })
}

fn nothing(props: &ScreenProps) -> Html {
    let packets: u64 = props.status.sources.iter().map(|s| s.status.packets).sum();
    let anomalies: u64 = props.status.sources.iter().flat_map(|s| &s.status.anomalies).map(|(_, n)| n).sum();
    let stopped = state::at_rest(&props.status) == Some("stopped");
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
            { open_button(props) }
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

fn open_button(props: &ScreenProps) -> Html {
    if !props.has_dialog {
        return Html::default();
    }
    html! {
        <button class="btn primary" onclick={props.on.reform(|_: MouseEvent| BarEvent::Do(Action::OpenCapture))}>
            { icon(Icon::Open) }{ "Open capture…" }<kbd>{ keys::hint(Action::OpenCapture) }</kbd>
        </button>
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
