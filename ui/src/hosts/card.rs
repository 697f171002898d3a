//! The card beside an address that the pointer rests on.

use std::rc::Rc;

use sensor_wire::Addr;
use sensor_wire::host::NameRecord;
use sensor_wire::view::ViewHost;
use yew::{Html, Properties, function_component, html};

use crate::dom;
use crate::hosts::words;
use crate::state;

/// Most names, and most hardware addresses, systems, services of a card; the pane has them all.
const MOST: usize = 4;
const WIDTH: f64 = 430.0;
const HEIGHT: f64 = 300.0;

/// The card's properties.
#[derive(Properties, PartialEq)]
pub struct CardProps {
    /// The address.
    pub address: Addr,
    /// What is known of it.
    pub host: Option<Rc<ViewHost>>,
    /// The cell's left edge.
    pub x: f64,
    /// The cell's lower edge.
    pub y: f64,
    /// The cell's upper edge.
    pub above: f64,
}

/// The card.
#[function_component]
pub fn Card(props: &CardProps) -> Html {
    let (left, top) = state::placed(props.x, props.y + 2.0, WIDTH, 0.0, dom::size());
    let window = dom::size().1;
    // Never over the cell itself: it would take the pointer's place.
    let place = if props.y + HEIGHT > window {
        format!("left:{left}px;bottom:{}px;width:{WIDTH}px", window - props.above + 2.0)
    } else {
        format!("left:{left}px;top:{top}px;width:{WIDTH}px")
    };
    let Some(host) = &props.host else {
        return html! {
            <div id="host-card" class="card" role="tooltip" style={place}>
                <div class="card-head mono">{ props.address.to_string() }</div>
                <p class="note">{ "Nothing is known of it as a host." }</p>
            </div>
        };
    };
    let record = &host.record;
    let names = words::names(record);
    let more =
        |all: usize| (all > MOST).then(|| html! { <div class="faint">{ format!("and {} more", all - MOST) }</div> });
    let dated = |what: &'static str, at| {
        html! {
            <><dt>{ what }</dt><dd class="mono">{ words::time_in_zone(host, at) }</dd></>
        }
    };
    html! {
        <div id="host-card" class="card" role="tooltip" style={place}>
            <div class="card-head mono">{ words::address(&host.key) }<span class="faint">{ format!(" · {}", host.sensor) }</span></div>
            <dl class="facts">
                if !names.is_empty() {
                    <dt>{ "Names" }</dt>
                    <dd>{ for names.iter().take(MOST).filter_map(|places| Some((places.first()?, places))).map(|(name, places)| html! {
                        <div>{ &name.name }<span class="faint">{ format!(" {}", basis(host, places)) }</span></div>
                    }) }{ more(names.len()) }</dd>
                }
                if !record.macs.is_empty() {
                    <dt>{ "MAC" }</dt>
                    <dd>{ for record.macs.iter().take(MOST).map(|mac| html! {
                        <div><span class="mono">{ &mac.address }</span><span class="faint">{ format!(" {}", mac.maker) }</span></div>
                    }) }</dd>
                }
                if !record.systems.is_empty() {
                    <dt>{ "System" }</dt>
                    <dd>{ for record.systems.iter().take(MOST).map(|seen| html! {
                        <div>{ words::system(seen) }<span class="faint">{ format!(" {}", words::system_basis(seen)) }</span></div>
                    }) }{ more(record.systems.len()) }</dd>
                }
                if !record.services.is_empty() {
                    <dt>{ "Services" }</dt>
                    <dd>{ for record.services.iter().take(MOST).map(|service| html! {
                        <div><span class="mono">{ words::port(service) }</span>{ format!(" {}", words::program(&service.product)) }</div>
                    }) }{ more(record.services_total as usize) }</dd>
                }
                { dated("First seen", record.first) }
                { dated("Last seen", record.last) }
            </dl>
        </div>
    }
}

/// All places in which a name stood.
fn basis(host: &ViewHost, places: &[&NameRecord]) -> String {
    places.iter().map(|place| words::name_basis(host, place)).collect::<Vec<_>>().join("; ")
}
