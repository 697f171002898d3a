//! The selected row's flows, at the right.

use sensor_wire::view::ViewFlow;
use yew::html::Scope;
use yew::{Html, html};

use crate::app::{App, Msg, PAGE};
use crate::format::{self, bytes, grouped};
use crate::grid::row;

/// Draws the panel.
pub fn view(app: &App, link: &Scope<App>) -> Html {
    html! {
        <aside id="detail" style={format!("width:{}px", app.prefs.detail_width)}>
            <button class="close" aria-label="Close" onclick={link.callback(|_| Msg::Detail(false))}>{ "✕" }</button>
            if let Some(selected) = &app.selected {
                <h2>{ row::events(selected).text }</h2>
                <p>{ format!("{} · {} · {}", selected.sensor, format::counted(selected.flows.into(), "flow"),
                    format::duration(selected.last - selected.first)) }</p>
                { flows(app, link) }
            } else {
                <p>{ "Select a row to see its flows." }</p>
            }
        </aside>
    }
}

fn flows(app: &App, link: &Scope<App>) -> Html {
    let Some(flows) = &app.flows else { return html! { <p>{ "Asking the sensor…" }</p> } };
    let at = app.flow_offset;
    let end = at + flows.flows.len() as u32;
    html! {
        <>
            <p class="faint">{ format!("Flows {}–{} of {}", (at + 1).min(end), end, grouped(flows.total.into())) }
                if at > 0 {
                    <button onclick={link.callback(move |_| Msg::FlowPage(at.saturating_sub(PAGE)))}>{ "Before" }</button>
                }
                if end < flows.total { <button onclick={link.callback(move |_| Msg::FlowPage(end))}>{ "Next" }</button> }
            </p>
            { for flows.flows.iter().map(|f| flow(f, link)) }
        </>
    }
}

fn flow(view: &ViewFlow, link: &Scope<App>) -> Html {
    let f = &view.flow;
    let ports = f.icmp.is_none();
    let end = |address: String, port: u16| match (ports, address.contains(':')) {
        (false, _) => address,
        (true, true) => format!("[{address}]:{port}"),
        (true, false) => format!("{address}:{port}"),
    };
    let (client, server) = (end(f.client.to_string(), f.client_port), end(f.server.to_string(), f.server_port));
    let mut notes = vec![f.state.name().to_owned()];
    notes.extend(f.end.map(|e| e.name().to_owned()));
    notes.extend((!f.app_proto.is_empty()).then(|| f.app_proto.clone()));
    notes.extend(f.tcp_flags.map(|(c, s)| format!("{} / {}", format::tcp_flags(c), format::tcp_flags(s))));
    notes.extend(f.vlans.iter().map(|v| format!("VLAN {v}")));
    notes.extend(f.midstream.then(|| "began before the capture".to_owned()));
    notes.extend(f.estimate.then(|| "bytes are an estimate".to_owned()));
    let id = f.community_id.clone();
    html! {
        <div class="flow" key={f.id}>
            <div>{ server }{ " → " }{ client }</div>
            <div>{ format!("{} · {} ({})", format::time_millis(f.first, view.utc_offset), format::proto_short(f.proto),
                format::offset(view.utc_offset)) }</div>
            <div>{ format!("to server {} in {} · to client {} in {} packets", bytes(f.to_server.payload_bytes),
                grouped(f.to_server.packets), bytes(f.to_client.payload_bytes), grouped(f.to_client.packets)) }</div>
            <div class="faint">{ notes.join(" · ") }</div>
            if !id.is_empty() {
                <button title="Copy the community id"
                    onclick={link.callback(move |_| Msg::Copy(id.clone()))}>{ &f.community_id }</button>
            }
        </div>
    }
}
