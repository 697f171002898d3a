//! The top bar: what is open, and what can be opened.

use sensor_wire::live::SourceState;
use sensor_wire::view::{LinkState, SourceStatus, ViewRequest};
use yew::html::Scope;
use yew::{Html, html};

use crate::app::{App, Msg, Over};
use crate::format;
use crate::grid::keys::Action;

/// Draws it.
pub fn view(app: &App, link: &Scope<App>) -> Html {
    let dialog = app.boot.as_ref().is_some_and(|b| b.has_dialog);
    html! {
        <header class="top">
            <img src="mark.svg" alt="" width="20" height="20" /><strong>{ "Nightjar" }</strong>
            { for app.status.sources.iter().map(|s| chip(s, link)) }
            <span class="space"></span>
            if dialog {
                <button class="primary" onclick={link.callback(|_| Msg::Act(Action::OpenCapture))}>{ "Open capture…" }</button>
            }
            if !app.status.recent.is_empty() {
                <button onclick={link.callback(|_| Msg::Over(Some(Over::Recent)))}>{ "Recent" }</button>
            }
            <button onclick={link.callback(|_| Msg::Act(Action::Theme))}>{ format!("Theme: {:?}", app.prefs.theme) }</button>
            <button onclick={link.callback(|_| Msg::Act(Action::Zone))}>{ &app.prefs.zone }</button>
            <button onclick={link.callback(|_| Msg::Act(Action::Help))}>{ "Help ?" }</button>
        </header>
    }
}

/// A source's state: shape and word, and the class that colours it.
pub fn state(source: &SourceStatus) -> (&'static str, String, &'static str) {
    match (&source.link, &source.status.state) {
        (LinkState::Down(cause), _) => ("✕", cause.clone(), "bad"),
        (_, SourceState::Failed(cause)) => ("✕", cause.clone(), "bad"),
        (LinkState::Starting, _) | (_, SourceState::Starting) => ("○", "starting".into(), ""),
        (_, SourceState::Running) => ("●", "reading".into(), "good"),
        (_, SourceState::Ended) => ("■", "read to its end".into(), ""),
        (_, SourceState::Stopped) => ("◧", "stopped".into(), "warn"),
    }
}

fn chip(source: &SourceStatus, link: &Scope<App>) -> Html {
    let id = source.id;
    let (mark, words, class) = state(source);
    let reading = source.status.state == SourceState::Running;
    let percent = format::percent(source.status.bytes_read, source.status.bytes_total).filter(|_| reading);
    html! {
        <span class="chip" data-source-id={id.to_string()} key={id}>
            <button title={words} onclick={link.callback(move |_| Msg::Over(Some(Over::Source(id))))}>
                <i class={class}>{ mark }</i>{ " " }{ &source.name }
                if let Some(percent) = percent { { format!(" {percent} %") } }
            </button>
            if let Some(percent) = percent { <progress max="100" value={percent.to_string()}></progress> }
            if reading {
                <button title="Stop reading; rows stay" aria-label="Stop reading"
                    onclick={link.callback(move |_| Msg::Tell(ViewRequest::Stop(id)))}>{ "◼" }</button>
            }
        </span>
    }
}
