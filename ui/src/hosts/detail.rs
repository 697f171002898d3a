//! One host with everything that is known of it.

use std::rc::Rc;

use sensor_wire::Timestamp;
use sensor_wire::host::{MOST_PRODUCTS, ProductRecord};
use sensor_wire::view::ViewHost;
use yew::{Callback, Html, MouseEvent, Properties, function_component, html};

use crate::format;
use crate::hosts::words;
use crate::parts::{Icon, icon};

/// The panel's properties.
#[derive(Properties, PartialEq)]
pub struct HostDetailProps {
    /// Which host.
    pub host: Rc<ViewHost>,
    /// Text for the clipboard, and what it is.
    pub on_copy: Callback<(String, String)>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The panel.
#[function_component]
pub fn HostDetail(props: &HostDetailProps) -> Html {
    let (host, record) = (&*props.host, &props.host.record);
    let all = {
        let (host, key) = (props.host.clone(), props.host.key);
        props.on_copy.reform(move |_: MouseEvent| (words::text(&host), format!("all about {}", key.address)))
    };
    let copy = |text: String, what: &'static str| {
        let on = props.on_copy.reform(move |_: MouseEvent| (text.clone(), what.to_owned()));
        html! {
            <button class="bare copy" title={format!("Copy {what}")} aria-label={format!("Copy {what}")} onclick={on}>
                { icon(Icon::Copy) }
            </button>
        }
    };
    let span = |first: Timestamp, last: Timestamp| span(host, first, last);
    let exact = |at: Timestamp| html! { <span title={format::utc(at)}>{ words::time_in_zone(host, at) }</span> };
    let evidence = |product: &ProductRecord| {
        let texts = [
            ("banner", product.banner.clone(), "the banner"),
            ("JA4", product.ja4.clone(), "the JA4 hash"),
            ("HASSH", product.hassh.clone(), "the HASSH hash"),
        ];
        texts.into_iter().filter(|(_, text, _)| !text.is_empty()).map(|(label, text, what)| html! {
            <div class="proof"><span class="faint">{ label }</span><span class="mono path">{ text.clone() }</span>{ copy(text, what) }</div>
        }).collect::<Html>()
    };
    let protocol = |product: &ProductRecord| {
        let told = !product.product.is_empty() && !product.protocol.is_empty();
        told.then(|| html! { <span class="tag">{ &product.protocol }</span> })
    };
    let names = words::names(record);
    let beyond = (record.services_total as usize).saturating_sub(record.services.len());
    html! {
        <aside id="host" aria-label="The host">
            <div class="detail-head">
                <div>
                    <h2 class="mono">{ host.key.address.to_string() }{ copy(host.key.address.to_string(), "the address") }</h2>
                    <p class="mute">{ subtitle(host) }</p>
                </div>
                <span class="grow"></span>
                <button class="btn" id="copy-host" onclick={all} title="Everything below, as text">{ icon(Icon::Copy) }{ "Copy all" }</button>
                <button class="bare" id="close-host" onclick={props.on_close.reform(|_: MouseEvent| ())}
                    title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
            </div>
            <div class="host-body">
                <dl class="facts">
                    <dt>{ "First seen" }</dt><dd class="mono">{ exact(record.first) }</dd>
                    <dt>{ "Last seen" }</dt><dd class="mono">{ exact(record.last) }</dd>
                </dl>
                { section("Names", names.len(), names.iter().filter_map(|places| Some((places.first()?, places))).map(|(name, places)| html! {
                    <li>
                        <div class="line"><b>{ &name.name }</b>{ copy(name.name.clone(), "the name") }</div>
                        { for places.iter().map(|place| html! {
                            <div class="line mute">{ words::name_basis(host, place) }<span class="grow"></span>{ span(place.first, place.last) }</div>
                        }) }
                    </li>
                }).collect()) }
                { section("Hardware addresses", record.macs.len(), record.macs.iter().map(|mac| html! {
                    <li>
                        <div class="line"><b class="mono">{ &mac.address }</b>{ copy(mac.address.clone(), "the hardware address") }<span class="grow"></span>{ span(mac.first, mac.last) }</div>
                        <div class="mute">{ if mac.maker.is_empty() { "Maker not known" } else { &mac.maker } }</div>
                    </li>
                }).collect()) }
                { section("System", record.systems.len(), record.systems.iter().map(|seen| html! {
                    <li><div class="line"><b>{ words::system(seen) }</b><span class="mute">{ words::system_basis(seen) }</span></div></li>
                }).collect()) }
                { section("Services", record.services_total as usize, record.services.iter().map(|service| html! {
                    <li data-service={words::port(service)}>
                        <div class="line">
                            <b class="mono port">{ words::port(service) }</b><b>{ words::program(&service.product) }</b>
                            { for protocol(&service.product) }<span class="grow"></span>{ span(service.first, service.last) }
                        </div>
                        { evidence(&service.product) }
                    </li>
                }).collect()) }
                if beyond > 0 {
                    <p class="note">{ format!("and {} that the sensor keeps to itself", format::counted(beyond as u64, "more service")) }</p>
                }
                { section(if record.clients.len() < MOST_PRODUCTS { "Client programs" } else { "Client programs, the latest" }, record.clients.len(), record.clients.iter().map(|client| html! {
                    <li>
                        <div class="line">
                            <b>{ words::program(&client.product) }</b>{ for protocol(&client.product) }
                            <span class="grow"></span>{ span(client.first, client.last) }
                        </div>
                        { evidence(&client.product) }
                    </li>
                }).collect()) }
            </div>
        </aside>
    }
}

fn subtitle(host: &ViewHost) -> String {
    let name = host.record.names.first().map(|name| name.name.clone());
    let vlan = (host.key.vlan != 0).then(|| format!("VLAN {}", host.key.vlan));
    let parts = [name, vlan, Some(format!("seen by {}", host.sensor))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn section(title: &'static str, count: usize, items: Html) -> Html {
    if count == 0 {
        return Html::default();
    }
    html! {
        <section>
            <h3>{ title }<span class="faint">{ format!(" {}", format::grouped(count as u64)) }</span></h3>
            <ul>{ items }</ul>
        </section>
    }
}

/// First and last time in short; in full on hover.
fn span(host: &ViewHost, first: Timestamp, last: Timestamp) -> Html {
    let full =
        format!("first seen {}\nlast seen {}", words::time_in_zone(host, first), words::time_in_zone(host, last));
    let short = |at: Timestamp| format::time(at, host.utc_offset(at));
    let text = match (short(first), short(last)) {
        (first, last) if first == last => first,
        (first, last) => match (first.split_once(' '), last.split_once(' ')) {
            (Some((day, _)), Some((same, clock))) if day == same => format!("{first} – {clock}"),
            _ => format!("{first} – {last}"),
        },
    };
    html! { <span class="mono faint span" title={full}>{ text }</span> }
}
