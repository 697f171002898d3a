//! The picker of the time zone in which everything is shown.

use web_sys::{HtmlElement, HtmlInputElement};
use yew::{
    AttrValue, Callback, Html, InputEvent, KeyboardEvent, MouseEvent, Properties, TargetCast, function_component, html,
    use_effect_with, use_node_ref, use_state,
};

use crate::dom;
use crate::parts::{Icon, Popover, icon};

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 460.0;

/// The picker's properties.
#[derive(Properties, PartialEq)]
pub struct ZonePickerProps {
    /// The whole list, sorted.
    pub zones: std::rc::Rc<Vec<String>>,
    /// The system's own zone.
    pub system: AttrValue,
    /// The zone that is set.
    pub current: AttrValue,
    /// What it is called now.
    pub abbreviation: AttrValue,
    /// A zone is chosen.
    pub on_pick: Callback<String>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The picker.
#[function_component]
pub fn ZonePicker(props: &ZonePickerProps) -> Html {
    let query = use_state(String::new);
    let cursor = use_state(|| None::<usize>);
    let search = use_node_ref();
    let found = found(&props.zones, &props.system, &query);
    // Until a key is pressed the cursor stands on the zone that is set, or on the first that was found.
    let at = cursor.unwrap_or_else(|| {
        if query.is_empty() { found.iter().position(|z| *z == props.current.as_str()).unwrap_or(0) } else { 0 }
    });

    {
        let search = search.clone();
        use_effect_with((), move |()| {
            if let Some(search) = search.cast::<HtmlElement>() {
                let _ = search.focus();
            }
        });
    }
    use_effect_with((at, found.len()), |(at, _)| dom::reveal(&format!("zone-{at}")));

    let oninput = {
        let (query, cursor) = (query.clone(), cursor.clone());
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                query.set(input.value());
                cursor.set(None);
            }
        })
    };
    let onkeydown = {
        let chosen = found.get(at).map(|zone| (*zone).to_owned());
        let (cursor, last, on_pick) = (cursor.clone(), found.len().saturating_sub(1), props.on_pick.clone());
        let (zones, system, drawn) = (props.zones.clone(), props.system.clone(), (*query).clone());
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "ArrowDown" => cursor.set(Some((at + 1).min(last))),
                "ArrowUp" => cursor.set(Some(at.saturating_sub(1))),
                "PageDown" => cursor.set(Some((at + 10).min(last))),
                "PageUp" => cursor.set(Some(at.saturating_sub(10))),
                "Enter" => {
                    // Who types fast is ahead of the list that is drawn: what counts is what was typed.
                    let typed = event.target_dyn_into::<HtmlInputElement>().map(|input| input.value());
                    let zone = match typed.filter(|typed| *typed != drawn) {
                        Some(typed) => self::found(&zones, &system, &typed).first().map(|zone| (*zone).to_owned()),
                        None => chosen.clone(),
                    };
                    if let Some(zone) = zone {
                        on_pick.emit(zone);
                    }
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let close = props.on_close.reform(|_: MouseEvent| ());
    html! {
        <Popover id="zone-picker" label="Time zone" x={dom::size().0} y={48.0} width={WIDTH} height={HEIGHT}
            on_close={props.on_close.clone()}>
            <div class="popover-head">
                <h2>{ "Time zone" }</h2>
                <button class="bare" onclick={close} title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
            </div>
            <label class="search">
                { icon(Icon::Search) }
                <input ref={search} type="text" placeholder="City or region" spellcheck="false" autocomplete="off"
                    aria-label="Search zones" {oninput} {onkeydown} />
            </label>
            <div class="zones" role="listbox" aria-label="Time zones">
                { for found.iter().enumerate().map(|(i, zone)| entry(props, i, zone, i == at)) }
                if found.is_empty() { <p class="note">{ format!("No zone matches “{}”.", *query) }</p> }
            </div>
        </Popover>
    }
}

fn entry(props: &ZonePickerProps, index: usize, zone: &str, chosen: bool) -> Html {
    let pick = {
        let (zone, on_pick) = (zone.to_owned(), props.on_pick.clone());
        Callback::from(move |_: MouseEvent| on_pick.emit(zone.clone()))
    };
    let set = zone == props.current.as_str();
    let system = zone == props.system.as_str();
    html! {
        <div key={zone.to_owned()} id={format!("zone-{index}")} class={yew::classes!("zone-entry", chosen.then_some("on"))}
            role="option" aria-selected={chosen.to_string()} data-zone={zone.to_owned()} onclick={pick}>
            <span class="tick">{ if set { "✓" } else { "" } }</span>
            <span>{ zone.replace('_', " ") }</span>
            <span class="grow"></span>
            if set { <span class="mono mute">{ &props.abbreviation }</span> }
            if system { <span class="tag">{ "this computer" }</span> }
        </div>
    }
}

/// The zones that hold every word of the query, the system's own and UTC first.
pub fn found<'a>(zones: &'a [String], system: &'a str, query: &str) -> Vec<&'a str> {
    let words: Vec<String> = query.to_lowercase().replace('_', " ").split_whitespace().map(str::to_owned).collect();
    let fits = |zone: &str| {
        let name = zone.to_lowercase().replace('_', " ");
        words.iter().all(|word| name.contains(word.as_str()))
    };
    let mut first = vec![system];
    if system != "UTC" {
        first.push("UTC");
    }
    let rest = zones.iter().map(String::as_str).filter(|zone| !first.contains(zone)).collect::<Vec<_>>();
    first.into_iter().filter(|zone| !zone.is_empty()).chain(rest).filter(|zone| fits(zone)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones() -> Vec<String> {
        ["America/New_York", "Asia/Kolkata", "Europe/Berlin", "UTC"].map(String::from).to_vec()
    }

    #[test]
    fn the_systems_zone_and_utc_stand_first_and_once() {
        assert_eq!(found(&zones(), "Europe/Berlin", ""), ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata"]);
        assert_eq!(found(&zones(), "UTC", "")[..2], ["UTC", "America/New_York"]);
    }

    #[test]
    fn a_city_is_found_with_blanks_and_in_any_case() {
        assert_eq!(found(&zones(), "UTC", "new york"), ["America/New_York"]);
        assert_eq!(found(&zones(), "UTC", "BERL"), ["Europe/Berlin"]);
        assert_eq!(found(&zones(), "UTC", "new_y"), ["America/New_York"]);
        assert!(found(&zones(), "UTC", "atlantis").is_empty());
    }
}
