//! The list behind a cell that stands for several values: all of them, searched, sorted, copied.

use std::rc::Rc;

use sensor_wire::request::{Value, ValueColumn, ValueCount};
use sensor_wire::view::{Values, ViewError, ViewReply, ViewRequest};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::{
    Callback, Event, Html, InputEvent, KeyboardEvent, MouseEvent, Properties, TargetCast, function_component, html,
    use_effect_with, use_memo, use_node_ref, use_state,
};

use crate::backend::{Client, unexpected};
use crate::format;
use crate::grid::row;
use crate::parts::{Icon, Popover, icon};
use crate::state::ValuesAsked;

/// Height of a line and of the list, in CSS pixels.
const LINE: f64 = 24.0;
const LIST: f64 = 312.0;
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 470.0;

/// The popup's properties.
#[derive(Properties, PartialEq)]
pub struct PopupProps {
    /// The app.
    pub client: Client,
    /// Which list.
    pub asked: ValuesAsked,
    /// It is closed.
    pub on_close: Callback<()>,
    /// Text for the clipboard, and what it is.
    pub on_copy: Callback<(String, String)>,
}

/// By what the list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The value itself.
    Value,
    /// Flows with it.
    Flows,
    /// Packets of these flows.
    Packets,
    /// Payload bytes of these flows.
    Bytes,
}

/// The popup.
#[function_component]
pub fn Popup(props: &PopupProps) -> Html {
    let loaded = use_state(|| None::<Result<Rc<Values>, ViewError>>);
    let query = use_state(String::new);
    let by = use_state(|| (By::Value, false));
    let cursor = use_state(|| 0_usize);
    let scrolled = use_state(|| 0.0_f64);
    let list = use_node_ref();
    let search = use_node_ref();

    {
        let (loaded, client) = (loaded.clone(), props.client.clone());
        use_effect_with((props.asked.key, props.asked.column), move |&(key, column)| {
            spawn_local(async move {
                let answer = match client.ask(ViewRequest::Values { key, column }).await {
                    Ok(ViewReply::Values(values)) => Ok(Rc::new(values)),
                    Ok(_) => Err(unexpected()),
                    Err(error) => Err(error),
                };
                loaded.set(Some(answer));
            });
        });
    }
    {
        let search = search.clone();
        use_effect_with((), move |()| {
            if let Some(search) = search.cast::<HtmlElement>() {
                let _ = search.focus();
            }
        });
    }

    {
        // Another order or another search begins at its top.
        let (list, cursor) = (list.clone(), cursor.clone());
        use_effect_with(((*query).clone(), *by), move |_| {
            cursor.set(0);
            if let Some(list) = list.cast::<HtmlElement>() {
                list.set_scroll_top(0);
            }
        });
    }

    let values = loaded.as_ref().and_then(|l| l.as_ref().ok()).cloned().unwrap_or_default();
    let listed = use_memo((Rc::as_ptr(&values) as usize, (*query).clone(), *by), |(_, query, (by, descending))| {
        listed(&values.values, query, *by, *descending)
    });

    let go = {
        let (cursor, list, listed) = (cursor.clone(), list.clone(), listed.clone());
        move |to: usize| {
            let to = to.min(listed.len().saturating_sub(1));
            cursor.set(to);
            if let Some(list) = list.cast::<HtmlElement>() {
                let (top, shown) = (to as f64 * LINE, f64::from(list.client_height()));
                let now = f64::from(list.scroll_top());
                if top < now {
                    list.set_scroll_top(top as i32);
                } else if top + LINE > now + shown {
                    list.set_scroll_top((top + LINE - shown) as i32);
                }
            }
        }
    };
    let copy_one = {
        let (values, listed, on_copy) = (values.clone(), listed.clone(), props.on_copy.clone());
        let (search, drawn, by) = (search.clone(), (*query).clone(), by.clone());
        move |at: usize| {
            // Who types fast is ahead of the list that is drawn: what counts is what was typed.
            let typed = search.cast::<HtmlInputElement>().map(|input| input.value()).filter(|typed| *typed != drawn);
            let (listed, at) = match typed {
                Some(typed) => (Rc::new(self::listed(&values.values, &typed, by.0, by.1)), 0),
                None => (listed.clone(), at),
            };
            if let Some(value) = listed.get(at).and_then(|&i| values.values.get(i as usize)) {
                let text = name(value.value);
                on_copy.emit((text.clone(), text));
            }
        }
    };
    let copy_all = {
        let (values, listed, on_copy, column) =
            (values.clone(), listed.clone(), props.on_copy.clone(), props.asked.column);
        Callback::from(move |_: MouseEvent| {
            let wanted = listed.iter().filter_map(|&i| values.values.get(i as usize));
            on_copy.emit((lines(wanted), format::counted(listed.len() as u64, row::noun(column))));
        })
    };
    let onkeydown = {
        let (go, copy_one, cursor) = (go.clone(), copy_one.clone(), cursor.clone());
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "ArrowDown" => go(*cursor + 1),
                "ArrowUp" => go(cursor.saturating_sub(1)),
                "PageDown" => go(*cursor + 12),
                "PageUp" => go(cursor.saturating_sub(12)),
                "Enter" => copy_one(*cursor),
                _ => return,
            }
            event.prevent_default();
        })
    };
    let oninput = {
        let query = query.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                query.set(input.value());
            }
        })
    };
    let onscroll = {
        let (scrolled, list) = (scrolled.clone(), list.clone());
        Callback::from(move |_: Event| {
            if let Some(list) = list.cast::<HtmlElement>() {
                scrolled.set(list.scroll_top().into());
            }
        })
    };
    let title_of = |column: By, text: &'static str, right: bool| {
        let by = by.clone();
        let active = by.0 == column;
        let arrow = if by.1 { " ▼" } else { " ▲" };
        let onclick = Callback::from(move |_: MouseEvent| {
            // What is counted begins with the most.
            by.set(if by.0 == column { (column, !by.1) } else { (column, column != By::Value) });
        });
        html! {
            <button class={yew::classes!("sort", right.then_some("right"), active.then_some("on"))} {onclick}
                aria-pressed={active.to_string()}>
                { text }{ if active { arrow } else { "" } }
            </button>
        }
    };

    let noun = row::noun(props.asked.column);
    let count = match &*loaded {
        Some(Ok(values)) => values.total,
        Some(Err(_)) | None => props.asked.count,
    };
    let title = format::counted(count.into(), noun);
    let body = match &*loaded {
        None => html! { <p class="note">{ format!("Asking the sensor for {title}…") }</p> },
        Some(Err(error)) => html! {
            <div class="note bad" role="alert"><p>{ &error.message }</p><p class="faint">{ &error.detail }</p></div>
        },
        Some(Ok(_)) => {
            let first = (*scrolled / LINE) as usize;
            let last = (first + (LIST / LINE) as usize + 2).min(listed.len());
            let lines = (first..last).filter_map(|at| Some((at, values.values.get(*listed.get(at)? as usize)?)));
            html! {
                <>
                    <div class="values-head">
                        { title_of(By::Value, if is_port(props.asked.column) { "Port" } else { "Address" }, false) }
                        { title_of(By::Flows, "Flows", true) }
                        { title_of(By::Packets, "Packets", true) }
                        { title_of(By::Bytes, "Bytes", true) }
                    </div>
                    <div class="values" ref={list} {onscroll} role="listbox" aria-label={title.clone()}>
                        <div class="values-all" style={format!("height:{}px", listed.len() as f64 * LINE)}>
                            { for lines.map(|(at, value)| line(at, value, at == *cursor, &go, &copy_one)) }
                        </div>
                        if listed.is_empty() {
                            <p class="note">{ format!("No {noun} matches “{}”.", *query) }</p>
                        }
                    </div>
                    if (values.values.len() as u32) < values.total {
                        <p class="note warn" role="note">{ format!(
                            "The list was cut: these are the first {} of {}.",
                            format::grouped(values.values.len() as u64), format::grouped(values.total.into())
                        ) }</p>
                    }
                    <div class="popover-foot">
                        <span class="faint">{ format!("{} shown", format::grouped(listed.len() as u64)) }</span>
                        <span class="grow"></span>
                        <span class="faint">{ "Enter copies one" }</span>
                        <button class="btn" id="copy-all" onclick={copy_all} disabled={listed.is_empty()}>
                            { icon(Icon::Copy) }{ "Copy all" }
                        </button>
                    </div>
                </>
            }
        }
    };
    let close = props.on_close.reform(|_: MouseEvent| ());
    html! {
        <Popover id="popup" label={title.clone()} x={props.asked.x} y={props.asked.y} width={WIDTH} height={HEIGHT}
            on_close={props.on_close.clone()}>
            <div class="popover-head">
                <h2>{ title.clone() }</h2>
                <button class="bare" onclick={close} title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
            </div>
            <label class="search">
                { icon(Icon::Search) }
                <input ref={search} type="text" placeholder={format!("Search {noun}s")} spellcheck="false"
                    autocomplete="off" aria-label="Search" {oninput} {onkeydown} />
            </label>
            { body }
        </Popover>
    }
}

fn line(
    at: usize,
    value: &ValueCount,
    chosen: bool,
    go: &(impl Fn(usize) + Clone + 'static),
    copy: &(impl Fn(usize) + Clone + 'static),
) -> Html {
    let choose = {
        let go = go.clone();
        Callback::from(move |_: MouseEvent| go(at))
    };
    let copy = {
        let copy = copy.clone();
        Callback::from(move |_: MouseEvent| copy(at))
    };
    html! {
        <div key={at} class={yew::classes!("value", chosen.then_some("on"))} role="option"
            aria-selected={chosen.to_string()} style={format!("top:{}px", at as f64 * LINE)} onclick={choose}
            ondblclick={copy.clone()}>
            <span class="mono">{ name(value.value) }</span>
            <span class="mono right">{ format::grouped(value.flows.into()) }</span>
            <span class="mono right">{ format::grouped(value.packets) }</span>
            <span class="mono right" title={format!("{} bytes", format::grouped(value.bytes))}>
                { format::bytes(value.bytes) }
            </span>
            <button class="bare copy" tabindex="-1" title="Copy" aria-label="Copy" onclick={copy}>
                { icon(Icon::Copy) }
            </button>
        </div>
    }
}

/// Which values are listed, in which order: indices into the list as the sensor gave it.
pub fn listed(values: &[ValueCount], query: &str, by: By, descending: bool) -> Vec<u32> {
    let query = query.trim().to_lowercase();
    let mut listed: Vec<u32> = (0..values.len() as u32)
        .filter(|&i| query.is_empty() || values.get(i as usize).is_some_and(|v| name(v.value).contains(&query)))
        .collect();
    let key = |i: &u32| {
        values.get(*i as usize).map_or(0, |v| match by {
            // The sensor's own order is ascending by value.
            By::Value => u64::from(*i),
            By::Flows => v.flows.into(),
            By::Packets => v.packets,
            By::Bytes => v.bytes,
        })
    };
    if descending {
        listed.sort_by_key(|i| std::cmp::Reverse(key(i)));
    } else {
        listed.sort_by_key(key);
    }
    listed
}

/// Values as they are copied: one a line.
pub fn lines<'a>(values: impl Iterator<Item = &'a ValueCount>) -> String {
    values.map(|v| name(v.value)).collect::<Vec<_>>().join("\n")
}

fn name(value: Value) -> String {
    match value {
        Value::Addr(addr) => addr.to_string(),
        Value::Port(port) => port.to_string(),
    }
}

fn is_port(column: ValueColumn) -> bool {
    matches!(column, ValueColumn::ServerPort | ValueColumn::ClientPort)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Vec<ValueCount> {
        [("10.0.0.9", 1, 500), ("10.0.0.10", 7, 20), ("192.168.1.9", 7, 900)]
            .map(|(addr, flows, bytes)| ValueCount {
                value: Value::Addr(addr.parse::<std::net::IpAddr>().unwrap().into()),
                flows,
                packets: 1,
                bytes,
            })
            .to_vec()
    }

    #[test]
    fn the_search_takes_any_part() {
        assert_eq!(listed(&values(), "0.9", By::Value, false), [0]);
        assert_eq!(listed(&values(), " 10.", By::Value, false), [0, 1]);
        assert!(listed(&values(), "fe80", By::Value, false).is_empty());
    }

    #[test]
    fn equal_counts_stay_in_the_order_of_their_values() {
        assert_eq!(listed(&values(), "", By::Flows, true), [1, 2, 0]);
        assert_eq!(listed(&values(), "", By::Bytes, false), [1, 0, 2]);
        assert_eq!(listed(&values(), "", By::Value, true), [2, 1, 0]);
    }
}
