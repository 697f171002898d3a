//! A source's popover: what is known of it and what can be done with it.

use sensor_wire::live::CaptureStatus;
use sensor_wire::view::SourceStatus;
use web_sys::{HtmlInputElement, KeyboardEvent, MouseEvent};
use yew::{Callback, Html, Properties, function_component, html, use_effect_with, use_node_ref};

use crate::format;
use crate::live::advice;
use crate::parts::{Icon, Popover, icon};
use crate::source;
use crate::topbar::BarEvent;

/// The card's properties.
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
        if source::busy(source) { "no packet yet".to_owned() } else { "no packet".to_owned() }
    } else {
        format!("{}, from {}", format::duration(s.packet_time - s.first_packet_time), format::utc(s.first_packet_time))
    };
    let (word, mark) = source::state(source);
    let live = source::wire(source);
    let over = [
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
            if let Some(why) = source::fault(source) {
                <div class="note bad" role="alert">
                    <p>{ match source::failure(source) {
                        Some(failure) => format!("{}.", advice::title(failure, source::place(source))),
                        None => format::sentence(why),
                    } }</p>
                    if source.rows > 0 { <p>{ "What came before the fault stays in the grid." }</p> }
                </div>
            }
            if let Some(failure) = source::failure(source) {
                <div class="advice-box">{ advice::block(failure, &props.on) }</div>
            }
            <dl class="facts">
                <dt>{ "State" }</dt><dd>{ word }</dd>
                if let Some(wire) = live {
                    <dt>{ "Interface" }</dt><dd class="mono path">{ &wire.interface }</dd>
                    <dt>{ "Filter" }</dt>
                    if wire.filter.is_empty() {
                        <dd class="mute">{ "none: every packet" }</dd>
                    } else {
                        <dd class="mono path">{ &wire.filter }</dd>
                    }
                    if source::busy(source) { <dt>{ "Now" }</dt><dd class="mono">{ source::pace(source) }</dd> }
                    <dt>{ "Bytes" }</dt><dd class="mono">{ format!("{} on the wire", format::bytes(s.bytes_read)) }</dd>
                } else {
                    <dt>{ "Path" }</dt><dd class="mono path">{ source::place(source) }</dd>
                    <dt>{ "Read" }</dt><dd class="mono">{ read }</dd>
                }
                <dt>{ "Covers" }</dt><dd class="mono">{ span }</dd>
                <dt>{ "Packets" }</dt><dd class="mono">{ format::grouped(s.packets) }</dd>
                <dt>{ "Flows" }</dt>
                <dd class="mono">{ format!("{}, {} open", format::grouped(s.flows), format::grouped(s.open_flows)) }</dd>
                <dt>{ "Rows" }</dt><dd class="mono">{ format::grouped(source.rows) }</dd>
                { for s.capture.iter().map(|capture| losses(capture, live.is_some() && source::busy(source))) }
            </dl>
            { for over.iter().filter(|(count, _)| *count > 0).map(|(count, what)| html! {
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
                if source::busy(source) {
                    <button class="btn" onclick={props.on.reform(move |_: MouseEvent| BarEvent::Stop(id))}>
                        { icon(Icon::Stop) }{ if live.is_some() { "Stop capturing" } else { "Stop reading" } }
                    </button>
                } else if live.is_some() {
                    <button class="btn" id="capture-again" onclick={props.on.reform(move |_: MouseEvent| BarEvent::Again(id))}
                        title="From the same interface, with the same filter">
                        { icon(Icon::Wire) }{ "Capture again" }
                    </button>
                }
                <span class="grow"></span>
                <button class="btn danger" id="close-source" title={if live.is_some() { "Ends it and takes its rows out of the view" } else { "Takes its rows out of the view; the file stays" }}
                    onclick={props.on.reform(move |_: MouseEvent| BarEvent::Close(id))}>
                    { icon(Icon::Close) }{ "Close source" }
                </button>
            </div>
        </Popover>
    }
}

/// Where packets were lost, or that none was, and with which rights the sensor works.
fn losses(capture: &CaptureStatus, running: bool) -> Html {
    let lost = source::lost(capture);
    html! {
        <>
            <dt>{ "Dropped" }</dt>
            if lost.is_empty() { <dd class="mono">{ "0" }</dd> } else {
                <dd class="drops">
                    { for lost.iter().map(|(count, by, why)| html! {
                        <p>
                            <b class="warn-text">{ format!("{} {by}", format::grouped(*count)) }</b>
                            <span class="mute">{ format!(": {why}.") }</span>
                        </p>
                    }) }
                </dd>
            }
            if running && !capture.confinement.is_empty() {
                <dt>{ "Sensor's rights" }</dt><dd>{ &capture.confinement }</dd>
            }
        </>
    }
}
