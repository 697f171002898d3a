//! The picker of interfaces: what there is, in which state, and the filter. Typing goes to the filter, arrows to the list.

use std::rc::Rc;

use sensor_wire::interface::{Interface, Interfaces};
use sensor_wire::live::{CaptureFailure, failure};
use sensor_wire::view::{ViewError, ViewReply, ViewRequest, Wire};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::{
    Callback, Html, KeyboardEvent, MouseEvent, Properties, UseStateHandle, function_component, hook, html,
    use_effect_with, use_node_ref, use_state,
};

use super::advice;
use crate::backend::{Client, unexpected};
use crate::dom;
use crate::grid::keys::Action;
use crate::parts::{Icon, Popover, icon};
use crate::topbar::BarEvent;

/// Linux's name for all interfaces together.
const ANY: &str = "any";

const WIDTH: f64 = 660.0;
const HEIGHT: f64 = 640.0;

/// The picker's properties.
#[derive(Properties, PartialEq)]
pub struct PickerProps {
    /// The app.
    pub client: Client,
    /// What was asked for last.
    pub last: Wire,
    /// It is being started.
    pub starting: bool,
    /// Why it could not be.
    pub refused: Option<Rc<CaptureFailure>>,
    /// The system's file dialog is there.
    pub has_dialog: bool,
    /// Capture this, under this name.
    pub on_start: Callback<(Wire, String)>,
    /// What was asked for is no longer what is wanted.
    pub on_change: Callback<()>,
    /// What the bar does too.
    pub on: Callback<BarEvent>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The picker.
#[function_component]
pub fn Picker(props: &PickerProps) -> Html {
    let (listed, listing, reload) = use_interfaces(&props.client);
    let chosen = use_state(|| props.last.interface.clone());
    let field = use_node_ref();
    {
        let (field, filter) = (field.clone(), props.last.filter.clone());
        use_effect_with((), move |()| {
            if let Some(field) = field.cast::<HtmlInputElement>() {
                field.set_value(&filter);
                let _ = field.focus();
            }
        });
    }
    let interfaces: Vec<Interface> = match &*listed {
        Some(Ok(list)) => ordered(&list.interfaces).into_iter().cloned().collect(),
        Some(Err(_)) | None => Vec::new(),
    };
    let at = interfaces.iter().position(|interface| interface.name == *chosen).unwrap_or(0);
    use_effect_with((at, interfaces.len()), |(at, _)| dom::reveal(&format!("interface-{at}")));

    let start = {
        let (field, on_start, current) = (field.clone(), props.on_start.clone(), interfaces.get(at).cloned());
        let starting = props.starting;
        move || {
            if let (Some(interface), Some(field), false) = (&current, field.cast::<HtmlInputElement>(), starting) {
                let wire = Wire { interface: interface.name.clone(), filter: field.value().trim().to_owned() };
                on_start.emit((wire, title(interface).to_owned()));
            }
        }
    };
    let choose = {
        let (chosen, on_change) = (chosen.clone(), props.on_change.clone());
        let names: Vec<String> = interfaces.iter().map(|interface| interface.name.clone()).collect();
        move |to: usize| {
            if let Some(name) = names.get(to.min(names.len().saturating_sub(1))) {
                chosen.set(name.clone());
                on_change.emit(());
            }
        }
    };
    let onkeydown = {
        let (choose, start, reload) = (choose.clone(), start.clone(), reload.clone());
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "ArrowDown" => choose(at + 1),
                "ArrowUp" => choose(at.saturating_sub(1)),
                "PageDown" => choose(at + 5),
                "PageUp" => choose(at.saturating_sub(5)),
                "Enter" => start(),
                "F5" => reload.emit(()),
                _ => return,
            }
            event.prevent_default();
        })
    };
    // A click on a line leaves the keys where they are: with the filter.
    let keep_focus = Callback::from(|event: MouseEvent| event.prevent_default());
    let refused = props.refused.as_deref();
    let wrong_filter = refused.filter(|refused| refused.code == failure::FILTER);
    // What the last try met tells more than what the list says of the same interface.
    let current = interfaces.get(at);
    let why = refused.filter(|refused| refused.code != failure::FILTER);
    let why = why.or_else(|| current.and_then(|interface| interface.failure.as_ref()));
    let lacks_rights = why.is_some_and(|why| why.code == failure::RIGHTS);
    let close = props.on_close.reform(|_: MouseEvent| ());
    let reload_click = reload.reform(|_: MouseEvent| ());
    html! {
        <Popover id="capture-picker" label="Capture live" x={(dom::size().0 - WIDTH) / 2.0} y={56.0} width={WIDTH}
            height={HEIGHT} on_close={props.on_close.clone()}>
            <div class="popover-head">
                <h2>{ "Capture live" }</h2>
                <span class="grow"></span>
                <button class="btn" id="reload-interfaces" onclick={reload_click} disabled={listing}
                    title="List the interfaces anew (F5)">
                    { icon(Icon::Reload) }{ if listing { "Listing…" } else { "Reload" } }
                </button>
                <button class="bare" onclick={close} title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
            </div>
            <label class={yew::classes!("search", wrong_filter.map(|_| "wrong"))}>
                <span>{ "Filter" }</span>
                <input ref={field} type="text" id="capture-filter" class="mono" spellcheck="false" autocomplete="off"
                    placeholder="everything; or BPF as for tcpdump: tcp port 443 and not host 192.0.2.1"
                    role="combobox" aria-expanded="true" aria-controls="interfaces"
                    aria-activedescendant={format!("interface-{at}")} aria-label="BPF filter" aria-invalid={wrong_filter.is_some().to_string()}
                    aria-describedby="filter-fault" oninput={props.on_change.reform(|_| ())} {onkeydown} />
            </label>
            if let Some(wrong) = wrong_filter {
                <p class="filter-fault" id="filter-fault" role="alert">{ icon(Icon::Warning) }{ &wrong.message }</p>
            }
            { match &*listed {
                None => html! { <p class="note" role="status">{ "Asking the sensor which interfaces there are…" }</p> },
                Some(Err(error)) => html! {
                    <div class="note bad" role="alert">
                        <p>{ &error.message }</p><p class="faint path">{ &error.detail }</p>
                    </div>
                },
                Some(Ok(list)) => html! {
                    <>
                        if let Some(failure) = &list.failure {
                            <div class="refusal" role="alert">
                                <h3>{ icon(Icon::Warning) }{ advice::title(failure, "This computer") }</h3>
                                { advice::block(failure, &props.on) }
                            </div>
                        } else if interfaces.is_empty() {
                            <p class="note">{ "This computer has no network interface." }</p>
                        }
                        <div class="interfaces" id="interfaces" role="listbox" aria-label="Interfaces" onmousedown={keep_focus}>
                            { for interfaces.iter().enumerate().map(|(i, interface)| line(i, interface, i == at, &choose, &start)) }
                        </div>
                    </>
                },
            } }
            if let (Some(why), Some(interface)) = (why, current) {
                <div class="refusal" id="refusal" role="alert">
                    <h3>{ icon(Icon::Warning) }{ advice::title(why, &interface.name) }</h3>
                    { advice::block(why, &props.on) }
                </div>
            }
            <div class="popover-foot">
                if lacks_rights && props.has_dialog {
                    <button class="btn" onclick={props.on.reform(|_: MouseEvent| BarEvent::Do(Action::OpenCapture))}>
                        { icon(Icon::Open) }{ "Open a capture instead…" }
                    </button>
                } else {
                    <span class="faint">{ "↑ ↓ choose" }</span>
                }
                <span class="grow"></span>
                if let Some(interface) = current {
                    <button class="btn primary" id="start-capture" disabled={props.starting}
                        onclick={Callback::from(move |_: MouseEvent| start())}>
                        { icon(Icon::Wire) }
                        { match (props.starting, why.is_some()) {
                            (true, _) => "Starting…".to_owned(),
                            (false, true) => "Try again".to_owned(),
                            (false, false) => format!("Capture from {}", title(interface)),
                        } }
                        <kbd>{ "Enter" }</kbd>
                    </button>
                }
            </div>
        </Popover>
    }
}

type Listed = UseStateHandle<Option<Result<Rc<Interfaces>, ViewError>>>;

/// The list, whether it is under way, and what asks for it anew. The old list stays until the new one is there.
#[hook]
fn use_interfaces(client: &Client) -> (Listed, bool, Callback<()>) {
    let listed = use_state(|| None);
    let listing = use_state(|| false);
    let reload = {
        let (listed, listing, client) = (listed.clone(), listing.clone(), client.clone());
        Callback::from(move |()| {
            if *listing {
                return;
            }
            listing.set(true);
            let (listed, listing, client) = (listed.clone(), listing.clone(), client.clone());
            spawn_local(async move {
                listed.set(Some(match client.ask(ViewRequest::Interfaces).await {
                    Ok(ViewReply::Interfaces(list)) => Ok(Rc::new(list)),
                    Ok(_) => Err(unexpected()),
                    Err(error) => Err(error),
                }));
                listing.set(false);
            });
        })
    };
    {
        let reload = reload.clone();
        use_effect_with((), move |()| reload.emit(()));
    }
    (listed, *listing, reload)
}

fn line(
    index: usize,
    interface: &Interface,
    chosen: bool,
    choose: &(impl Fn(usize) + Clone + 'static),
    start: &(impl Fn() + Clone + 'static),
) -> Html {
    let choose = {
        let choose = choose.clone();
        Callback::from(move |_: MouseEvent| choose(index))
    };
    let start = {
        let start = start.clone();
        Callback::from(move |_: MouseEvent| start())
    };
    let (word, mark) = carrier(interface);
    let about = if interface.name == title(interface) { interface.description.as_str() } else { &interface.name };
    html! {
        <div key={interface.name.clone()} id={format!("interface-{index}")} data-interface={interface.name.clone()}
            class={yew::classes!("interface", chosen.then_some("on"))} role="option" aria-selected={chosen.to_string()}
            onclick={choose} ondblclick={start}>
            <div class="line">
                <i class={yew::classes!("mark", mark)}></i>
                <b class="name">{ title(interface) }</b>
                <span class="mute about">{ about }</span>
                <span class="grow"></span>
                if interface.loopback { <span class="tag">{ "loopback" }</span> }
                if interface.wireless { <span class="tag">{ "wireless" }</span> }
                if let Some(failure) = &interface.failure { <span class="why">{ advice::short(failure) }</span> }
                if interface.failure.as_ref().is_none_or(|failure| failure.code != failure::INTERFACE_DOWN) {
                    <span class="mute">{ word }</span>
                }
            </div>
            <div class="line second">
                <span class="mono faint addresses" title={interface.addresses.join("\n")}>
                    { addresses(interface) }
                </span>
                <span class="grow"></span>
                if let Some(mac) = &interface.mac { <span class="mono faint">{ mac }</span> }
            </div>
        </div>
    }
}

/// What people call it: on Windows the name is a number that nobody knows.
fn title(interface: &Interface) -> &str {
    let numbered = interface.name.starts_with("\\Device\\NPF_") && !interface.description.is_empty();
    if numbered { &interface.description } else { &interface.name }
}

/// Its addresses, or that it has none: what stands for all interfaces has none of its own.
fn addresses(interface: &Interface) -> String {
    match interface.addresses.as_slice() {
        [] if interface.name == ANY => String::new(),
        [] => "no address".into(),
        addresses => addresses.join("  "),
    }
}

/// Whether it is switched on and has a carrier, in words, with the class of a mark.
fn carrier(interface: &Interface) -> (&'static str, &'static str) {
    match (interface.up, interface.running) {
        (false, _) => ("down", "mark-stop"),
        (true, false) => ("no carrier", "mark-wait"),
        (true, true) => ("up", "mark-run"),
    }
}

/// Interfaces in use first: those that carry something before those that could, the machine's own loopback and what
/// stands for all interfaces behind, and those that are switched off last. Else in the sensor's order.
fn ordered(interfaces: &[Interface]) -> Vec<&Interface> {
    let mut ordered: Vec<&Interface> = interfaces.iter().collect();
    ordered.sort_by_key(|interface| {
        let hopeless = interface.failure.as_ref().is_some_and(|failure| failure.code != failure::RIGHTS);
        let stands_for_all = interface.name == ANY;
        (!interface.up || hopeless, stands_for_all, interface.loopback, !interface.running)
    });
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, up: bool, running: bool) -> Interface {
        Interface { name: name.into(), up, running, ..Interface::default() }
    }

    #[test]
    fn interfaces_in_use_come_first_and_those_switched_off_last() {
        let lo = Interface { loopback: true, ..interface("lo", true, true) };
        let all = [
            interface("off", false, false),
            interface("any", true, true),
            lo,
            interface("unplugged", true, false),
            interface("eth1", true, true),
            interface("eth0", true, true),
        ];
        let names: Vec<&str> = ordered(&all).iter().map(|interface| interface.name.as_str()).collect();
        assert_eq!(names, ["eth1", "eth0", "unplugged", "lo", "any", "off"]);
    }

    #[test]
    fn missing_rights_leave_the_order_as_it_is() {
        let rights = CaptureFailure { code: failure::RIGHTS.into(), ..CaptureFailure::default() };
        let without = |name| Interface { failure: Some(rights.clone()), ..interface(name, true, true) };
        let all = [without("eth0"), interface("any", true, true)];
        assert_eq!(ordered(&all)[0].name, "eth0");
    }

    #[test]
    fn an_interface_is_called_what_people_call_it() {
        let windows = Interface { description: "Intel Ethernet".into(), ..interface("\\Device\\NPF_{0C}", true, true) };
        assert_eq!(title(&windows), "Intel Ethernet");
        assert_eq!(title(&Interface { description: "Ethernet".into(), ..interface("en0", true, true) }), "en0");
        assert_eq!(title(&interface("\\Device\\NPF_{0C}", true, true)), "\\Device\\NPF_{0C}");
    }

    #[test]
    fn the_carrier_has_a_word() {
        let word = |up, running| carrier(&interface("x", up, running)).0;
        assert_eq!([word(true, true), word(true, false), word(false, false)], ["up", "no carrier", "down"]);
    }
}
