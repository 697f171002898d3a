//! What lies over the grid: lists behind cells, pickers, the help, and the screens of a grid without rows.

use std::rc::Rc;

use sensor_wire::live::SourceState;
use sensor_wire::request::{Value, ValueColumn, ValueCount};
use sensor_wire::view::{Column, LinkState, SourceId, Values, ViewRequest};
use web_sys::{HtmlInputElement, InputEvent};
use yew::html::Scope;
use yew::{Html, TargetCast, html};

use crate::app::{App, Msg, Over};
use crate::format::{bytes, counted, grouped};
use crate::grid::columns;
use crate::grid::keys::{Action, Group, KEYS, shown};
use crate::grid::row;
use crate::bar;

/// Values on a page of a list.
const PAGE: usize = 200;

/// Draws what is open, and a failure that was not put away.
pub fn view(app: &App, link: &Scope<App>) -> Html {
    html! {
        <>
            if let Some(over) = &app.over {
                <div class="veil" onclick={link.callback(|_| Msg::Over(None))}></div>
                { panel(app, link, over) }
            }
            if let Some(error) = &app.error {
                <div class="notice" role="alert" title={error.detail.clone()}>{ &error.message }
                    <button onclick={link.callback(|_| Msg::Dismiss)}>{ "Dismiss" }</button></div>
            }
        </>
    }
}

/// What the grid says while it has no rows to show, and what a source that failed says above them.
pub fn screen(app: &App, link: &Scope<App>) -> Html {
    let (status, meta) = (&app.status, &app.meta);
    let failed = status.sources.iter().find_map(|s| match (&s.link, &s.status.state) {
        (LinkState::Down(cause), _) | (_, SourceState::Failed(cause)) => Some(format!("{}: {cause}", s.name)),
        _ => None,
    });
    let hidden = meta.unfiltered.saturating_sub(meta.total);
    let reading = status.sources.iter().any(|s| matches!(s.status.state, SourceState::Running | SourceState::Starting));
    let body = if app.boot.is_none() || meta.total > 0 {
        html! {}
    } else if status.sources.is_empty() {
        html! { <div class="screen"><h2>{ "No capture is open" }</h2>
        <p>{ "Drop a capture on the window, press o to open one, or start Nightjar with its path." }</p></div> }
    } else if hidden > 0 {
        html! { <div class="screen"><h2>{ format!("{} hidden", counted(hidden, "flow row")) }</h2>
        <p>{ "Flow events are off, and no row has an event." }</p>
        <button onclick={link.callback(|_| Msg::Act(Action::FlowEvents))}>{ "Show flow events" }</button></div> }
    } else if failed.is_some() {
        html! {}
    } else if reading {
        html! { <div class="screen"><h2>{ "Reading…" }</h2><p>{ "No row yet." }</p></div> }
    } else {
        html! { <div class="screen"><h2>{ "No rows" }</h2><p>{ "Nothing in the capture made one." }</p></div> }
    };
    html! {
        <>
            { body }
            if let Some(failed) = failed { <div class="banner" role="alert">{ failed }</div> }
            { for status.notices.iter().map(|n| html! { <div class="banner" title={n.detail.clone()}>{ &n.message }</div> }) }
        </>
    }
}

fn panel(app: &App, link: &Scope<App>, over: &Over) -> Html {
    let (id, title, body) = match over {
        Over::Values(column, values) => {
            let title = match values {
                Some(values) => counted(values.total.into(), row::noun(*column)),
                None => format!("{}s", row::noun(*column)),
            };
            let body = match values {
                Some(values) => list(app, link, *column, values),
                None => html! { <p>{ "Asking the sensor…" }</p> },
            };
            ("popup", title, body)
        }
        Over::Zone => ("zone-picker", "Time zone".into(), zones(app, link)),
        Over::Help => ("help", "Keys".into(), help()),
        Over::Columns => ("columns-menu", "Columns".into(), columns_menu(app, link)),
        Over::Recent => ("recent", "Recent captures".into(), recent(app, link)),
        Over::Source(source) => ("source", "Source".into(), source_panel(app, link, *source)),
    };
    html! {
        <div {id} class="panel" role="dialog" aria-modal="true" aria-label={title.clone()}>
            <button class="close" aria-label="Close" onclick={link.callback(|_| Msg::Over(None))}>{ "✕" }</button>
            <h2>{ title }</h2>
            { body }
        </div>
    }
}

fn search(app: &App, link: &Scope<App>) -> Html {
    let oninput = link.callback(|event: InputEvent| {
        Msg::Search(event.target_dyn_into::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default())
    });
    html! { <input type="search" placeholder="Search" aria-label="Search" value={app.search.clone()} {oninput} /> }
}

fn text(value: &ValueCount) -> String {
    match value.value {
        Value::Addr(addr) => addr.to_string(),
        Value::Port(port) => port.to_string(),
    }
}

fn list(app: &App, link: &Scope<App>, column: ValueColumn, values: &Rc<Values>) -> Html {
    if values.total == 0 {
        return html! { <p>{ "The sensor no longer keeps this row's values." }</p> };
    }
    let found: Vec<&ValueCount> = values.values.iter().filter(|v| text(v).contains(app.search.trim())).collect();
    let start = (app.page * PAGE).min(found.len());
    let end = (start + PAGE).min(found.len());
    let page = app.page;
    let all = values.clone();
    let copy = link.callback(move |_| Msg::Copy(all.values.iter().map(text).collect::<Vec<_>>().join("\n")));
    html! {
        <>
            { search(app, link) }
            <p>{ format!("{}–{} of {} found ", (start + 1).min(end), end, grouped(found.len() as u64)) }
                if values.values.len() < values.total as usize {
                    { format!("(the list holds the first {} only) ", grouped(values.values.len() as u64)) }
                }
                if page > 0 { <button onclick={link.callback(move |_| Msg::Page(page - 1))}>{ "Before" }</button> }
                if end < found.len() { <button onclick={link.callback(move |_| Msg::Page(page + 1))}>{ "Next" }</button> }
                <button onclick={copy}>{ "Copy all" }</button></p>
            <table><thead><tr><th>{ row::noun(column) }</th><th>{ "Flows" }</th><th>{ "Packets" }</th><th>{ "Bytes" }</th>
            </tr></thead><tbody>
                { for found[start..end].iter().map(|v| html! {
                    <tr><td>{ text(v) }</td><td>{ grouped(v.flows.into()) }</td><td>{ grouped(v.packets) }</td>
                        <td title={grouped(v.bytes)}>{ bytes(v.bytes) }</td></tr>
                }) }
            </tbody></table>
        </>
    }
}

fn zones(app: &App, link: &Scope<App>) -> Html {
    let Some(boot) = &app.boot else { return html! {} };
    let wanted = app.search.trim().to_lowercase().replace(' ', "_");
    let first = [boot.system_zone.as_str(), "UTC"];
    let rest = boot.zones.iter().map(String::as_str).filter(|z| !first.contains(z));
    let pick = |zone: &str| {
        let name = zone.to_owned();
        let onclick = link.batch_callback(move |_| {
            let name = name.clone();
            vec![Msg::Prefs(Box::new(move |p| p.zone = name)), Msg::Over(None)]
        });
        html! { <button class="line" aria-pressed={(app.prefs.zone == zone).to_string()} {onclick}>{ zone }</button> }
    };
    html! {
        <>
            { search(app, link) }
            { for first.into_iter().chain(rest).filter(|z| z.to_lowercase().contains(&wanted)).map(pick) }
        </>
    }
}

fn help() -> Html {
    html! {
        { for Group::ALL.into_iter().map(|group| html! {
            <><h3>{ group.title() }</h3>
            { for KEYS.iter().filter(|b| b.group == group).map(|b| html! {
                <div class="key"><span>{ for b.keys.iter().map(|&k| html! { <kbd>{ shown(k) }</kbd> }) }</span>{ b.label }</div>
            }) }</>
        }) }
    }
}

fn columns_menu(app: &App, link: &Scope<App>) -> Html {
    let toggle = |column: Column, on: bool| {
        let onclick = link.callback(move |_| Msg::Prefs(Box::new(move |p| columns::toggle(&mut p.columns, column))));
        let mark = if on { "✓ " } else { "– " };
        html! { <button class="line" aria-pressed={on.to_string()} {onclick}>{ mark }{ columns::full_title(column) }</button> }
    };
    html! {
        <>
            { for app.prefs.columns.iter().map(|c| toggle(c.column, c.shown)) }
            <button onclick={link.callback(|_| Msg::Prefs(Box::new(|p| p.columns = columns::first())))}>{ "Reset" }</button>
        </>
    }
}

fn recent(app: &App, link: &Scope<App>) -> Html {
    html! {
        <>
            { for app.status.recent.iter().map(|r| {
                let path = r.path.clone();
                let onclick = link.batch_callback(move |_| {
                    vec![Msg::Tell(ViewRequest::Open(vec![path.clone()])), Msg::Over(None)]
                });
                html! { <button class="line" {onclick}>{ &r.path }{ " · " }{ bytes(r.size) }</button> }
            }) }
            <button onclick={link.batch_callback(|_| vec![Msg::Tell(ViewRequest::ClearRecent), Msg::Over(None)])}>
                { "Forget these" }</button>
        </>
    }
}

fn source_panel(app: &App, link: &Scope<App>, id: SourceId) -> Html {
    let Some(source) = app.status.sources.iter().find(|s| s.id == id) else {
        return html! { <p>{ "This source is closed." }</p> };
    };
    let (mark, words, class) = bar::state(source);
    let s = &source.status;
    let rename = link.callback(move |event: yew::Event| {
        let name = event.target_dyn_into::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default();
        Msg::Tell(ViewRequest::Rename { source: id, name })
    });
    let close = link.batch_callback(move |_| vec![Msg::Tell(ViewRequest::Close(id)), Msg::Over(None)]);
    html! {
        <>
            <label>{ "Name " }<input value={source.name.clone()} onchange={rename} /></label>
            <p class="faint">{ &source.path }</p>
            <p><i {class}>{ mark }</i>{ " " }{ words }</p>
            <p>{ format!("{} · {}, {} open · {} · {} read", counted(s.packets, "packet"), counted(s.flows, "flow"),
                grouped(s.open_flows), counted(source.rows, "row"), bytes(s.bytes_read)) }</p>
            if !s.anomalies.is_empty() {
                <table><tbody>{ for s.anomalies.iter().map(|(name, count)| html! {
                    <tr><td>{ name }</td><td>{ grouped(*count) }</td></tr> }) }</tbody></table>
            }
            <button onclick={close}>{ "Close and take its rows away" }</button>
        </>
    }
}
