//! A source's chip in the top bar.

use sensor_wire::live::SourceState;
use sensor_wire::view::SourceStatus;
use web_sys::MouseEvent;
use yew::{Callback, Html, html};

use crate::format;
use crate::parts::{Icon, icon};
use crate::source;
use crate::topbar::BarEvent;

/// The chip: state, name, how far or how fast, what was lost, and what stops it.
pub fn chip(source: &SourceStatus, on: &Callback<BarEvent>) -> Html {
    let id = source.id;
    let (word, mark) = source::state(source);
    let live = source::wire(source).is_some();
    let running = matches!(source.status.state, SourceState::Running) && source::busy(source);
    let percent = format::percent(source.status.bytes_read, source.status.bytes_total).filter(|_| running && !live);
    let open = on.reform(move |_: MouseEvent| BarEvent::Source(id));
    let stop = on.reform(move |event: MouseEvent| {
        event.stop_propagation();
        BarEvent::Stop(id)
    });
    let (stops, stop_title) = if live {
        ("Stop capturing", "Stop capturing; the rows stay")
    } else {
        ("Stop reading", "Stop reading; the rows stay")
    };
    let does = match percent {
        Some(percent) => format!("{percent} %"),
        None if word == "live" => source::pace(source),
        None => word.to_owned(),
    };
    html! {
        <span key={id} class="chip" role="listitem" data-source-id={id.to_string()} data-state={word}>
            <button class="chip-name" onclick={open.clone()} title={format!("{}\n{word}", source::place(source))}>
                <i class={yew::classes!("mark", mark)}></i>
                <span class="name">{ &source.name }</span>
                <span class={yew::classes!("faint", (word == "live").then_some("pace"))}>{ does }</span>
            </button>
            if source.status.drops > 0 {
                <button class="chip-drops" onclick={open} title={source::lost_lines(source)}>
                    { icon(Icon::Warning) }{ format!("{} dropped", format::grouped(source.status.drops)) }
                </button>
            }
            if running {
                <button class="bare" onclick={stop} title={stop_title} aria-label={stops}>{ icon(Icon::Stop) }</button>
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
