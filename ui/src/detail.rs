//! The panel at the right: the selected row and its flows, as many as the row says.

use std::rc::Rc;

use sensor_wire::request::ValueColumn;
use sensor_wire::view::{Column, Flows, HostAsked, ViewError, ViewFlow, ViewReply, ViewRequest, ViewRow};
use sensor_wire::{Few, FlowRecord, RowKind};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, KeyboardEvent, MouseEvent};
use yew::{Callback, Component, Context, Html, NodeRef, Properties, html};

use crate::backend::{Client, unexpected};
use crate::dom::{self, SizeWatch};
use crate::format;
use crate::grid::keys::{self, Action};
use crate::grid::row;
use crate::parts::{Icon, icon};
use crate::rules::card::RuleCard;
use crate::rules::own::RuleId;
use crate::why::panel::WhyPanel;

/// Height of a flow in the list, in CSS pixels.
const LINE: f64 = 46.0;
/// Browsers lay out nothing taller than some tens of millions of pixels: a list of more flows than fit scrolls in
/// proportion.
const TALLEST: f64 = 8_000_000.0;
/// Flows asked for at a time.
const PAGE: u32 = 120;

/// The panel's properties.
#[derive(Properties, PartialEq)]
pub struct DetailProps {
    /// The app.
    pub client: Client,
    /// The selected row, in its newest revision.
    pub row: Rc<ViewRow>,
    /// It lies at the right of the grid, not below it.
    pub right: bool,
    /// It is closed.
    pub on_close: Callback<()>,
    /// It is to lie at the other side.
    pub on_dock: Callback<()>,
    /// Text for the clipboard, and what it is.
    pub on_copy: Callback<(String, String)>,
    /// The host of a row's server or client.
    pub on_host: Callback<HostAsked>,
    /// A rule in the pane of rules: gid and sid.
    pub on_rule: Callback<(u32, u32)>,
    /// What is asked of a rule in place of the row's details, if anything is: the rule that is asked about first.
    pub why: Option<Option<RuleId>>,
    /// It is another question, or none.
    pub on_why: Callback<Option<Option<RuleId>>>,
    /// A list of values, near a point.
    pub on_values: Callback<(ValueColumn, u32, f64, f64)>,
}

/// The panel.
pub struct Detail {
    total: u32,
    offset: u32,
    flows: Vec<ViewFlow>,
    error: Option<ViewError>,
    /// A request is under way, and whether another must follow.
    loading: bool,
    again: bool,
    scrolled: f64,
    chosen: Option<u64>,
    /// Place of a flow that is chosen once it is here.
    awaited: Option<u32>,
    list: NodeRef,
    /// What the list lies in, and the watch over its size: how many lines are drawn hangs on it.
    frame: NodeRef,
    resized: Option<SizeWatch>,
}

/// What happens in the panel.
pub enum Msg {
    /// Flows came, for the row and revision they were asked for.
    Loaded(sensor_wire::view::RowKey, u32, Result<Flows, ViewError>),
    /// The list was scrolled.
    Scrolled,
    /// A flow was clicked.
    Chosen(u64),
    /// The list has another size.
    Resized,
    /// A key was pressed in the list.
    Moved(i32),
    /// A rule is asked about another flow: so many places on.
    OtherFlow(i32),
}

impl Component for Detail {
    type Message = Msg;
    type Properties = DetailProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut detail = Detail {
            total: ctx.props().row.flows,
            offset: 0,
            flows: Vec::new(),
            error: None,
            loading: false,
            again: false,
            scrolled: 0.0,
            chosen: None,
            awaited: None,
            list: NodeRef::default(),
            frame: NodeRef::default(),
            resized: None,
        };
        detail.load(ctx);
        detail
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &DetailProps) -> bool {
        let row = &ctx.props().row;
        if row.key != old.row.key {
            self.total = row.flows;
            self.offset = 0;
            self.flows.clear();
            self.error = None;
            (self.chosen, self.awaited) = (None, None);
            self.scrolled = 0.0;
            if let Some(list) = self.list.cast::<HtmlElement>() {
                list.set_scroll_top(0);
            }
            self.load(ctx);
        } else if row.rev != old.row.rev || row.utc_offset != old.row.utc_offset {
            self.load(ctx);
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Loaded(key, offset, answer) => {
                self.loading = false;
                if key == ctx.props().row.key {
                    match answer {
                        Ok(flows) => {
                            self.total = flows.total;
                            self.offset = offset;
                            self.flows = flows.flows;
                            self.error = None;
                            let first = (self.total == 1).then_some(0);
                            let wanted = self.awaited.take().and_then(|at| at.checked_sub(offset)).or(first);
                            if let Some(flow) = wanted.and_then(|at| self.flows.get(at as usize)) {
                                self.chosen = Some(flow.flow.id);
                            }
                        }
                        Err(error) => self.error = Some(error),
                    }
                } else {
                    self.again = true;
                }
                if std::mem::take(&mut self.again) {
                    self.load(ctx);
                }
                true
            }
            Msg::Scrolled | Msg::Resized => {
                self.scrolled = self.list.cast::<HtmlElement>().map_or(0.0, |list| list.scroll_top().into());
                let (first, last) = self.in_sight();
                let held = self.offset..self.offset + self.flows.len() as u32;
                if first < held.start || (last > held.end && held.end < self.total) {
                    self.load(ctx);
                }
                true
            }
            Msg::Chosen(id) => {
                self.chosen = if self.chosen == Some(id) { None } else { Some(id) };
                true
            }
            Msg::Moved(step) => {
                let at = self.flows.iter().position(|f| Some(f.flow.id) == self.chosen);
                let to = match at {
                    Some(at) => at.saturating_add_signed(step as isize).min(self.flows.len().saturating_sub(1)),
                    None => 0,
                };
                let Some(flow) = self.flows.get(to) else { return false };
                self.chosen = Some(flow.flow.id);
                dom::reveal(&format!("flow-{}", flow.flow.id));
                true
            }
            Msg::OtherFlow(step) => {
                let Some((at, _)) = self.asked_flow() else { return false };
                let to = at.saturating_add_signed(step).min(self.total.saturating_sub(1));
                match to.checked_sub(self.offset).and_then(|at| self.flows.get(at as usize)) {
                    Some(flow) => self.chosen = Some(flow.flow.id),
                    None => {
                        self.awaited = Some(to);
                        self.load(ctx);
                    }
                }
                true
            }
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first && let Some(frame) = self.frame.cast::<HtmlElement>() {
            let resized = ctx.link().callback(|()| Msg::Resized);
            self.resized = SizeWatch::new(&[&frame], move || resized.emit(()));
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let row = &*ctx.props().row;
        let events = row::events(row);
        let (other, dock) = if ctx.props().right {
            (Icon::DockBelow, "Below the grid")
        } else {
            (Icon::DockRight, "At the right of the grid")
        };
        let dock_title = format!("{dock} ({})", keys::hint(Action::Dock));
        html! {
            <>
                <div class="detail-head">
                    <div>
                        <h2>
                            <span class={events.badge_class}>{ events.badge }</span>
                            { if row.events.is_empty() { ends(row) } else { events.text } }
                        </h2>
                        <p class="mute">{ format!("{} · {} {}", row.sensor,
                            format::time(row.first, row.utc_offset), format::offset(row.utc_offset)) }</p>
                    </div>
                    <span class="grow"></span>
                    <button class="bare" id="dock" onclick={ctx.props().on_dock.reform(|_: MouseEvent| ())}
                        title={dock_title} aria-label={dock}>{ icon(other) }</button>
                    <button class="bare" id="close-detail" onclick={ctx.props().on_close.reform(|_: MouseEvent| ())}
                        title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
                </div>
                { self.why(ctx) }
                { self.summary(ctx, row) }
                if row.kind == RowKind::Alert {
                    <RuleCard client={ctx.props().client.clone()} row={ctx.props().row.clone()} on_copy={ctx.props().on_copy.clone()}
                        on_rule={ctx.props().on_rule.clone()} on_why={ctx.props().on_why.reform(|rule| Some(Some(rule)))} />
                }
                <div class="detail-flows" ref={self.frame.clone()}>{ self.list(ctx) }</div>
                { for self.chosen.and_then(|id| self.flows.iter().find(|f| f.flow.id == id)).map(|f| one(ctx, f)) }
            </>
        }
    }
}

impl Detail {
    fn load(&mut self, ctx: &Context<Self>) {
        if self.loading {
            self.again = true;
            return;
        }
        self.loading = true;
        let (first, last) = self.in_sight();
        let offset = self.awaited.unwrap_or((first + last) / 2).saturating_sub(PAGE / 2);
        let (client, key, link) = (ctx.props().client.clone(), ctx.props().row.key, ctx.link().clone());
        spawn_local(async move {
            let answer = match client.ask(ViewRequest::Flows { key, offset, limit: PAGE }).await {
                Ok(ViewReply::Flows(flows)) => Ok(flows),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            };
            link.send_message(Msg::Loaded(key, offset, answer));
        });
    }

    /// The flow that a rule is asked about, and its place: the one that is chosen, else the first.
    fn asked_flow(&self) -> Option<(u32, &ViewFlow)> {
        let mut all = (self.offset..).zip(&self.flows);
        let chosen = all.clone().find(|(_, view)| Some(view.flow.id) == self.chosen);
        chosen.or_else(|| all.next())
    }

    fn why(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let Some(rule) = props.why else { return Html::default() };
        let (at, flow) = self.asked_flow().map_or((0, None), |(at, view)| (at, Some(view.clone())));
        html! {
            <WhyPanel client={props.client.clone()} row={props.row.clone()} {rule} {flow} place={(at, self.total)}
                on_step={ctx.link().callback(Msg::OtherFlow)} on_back={props.on_why.reform(|()| None)}
                on_rule={props.on_rule.clone()} />
        }
    }

    fn height(&self) -> f64 {
        (f64::from(self.total) * LINE).min(TALLEST)
    }

    /// First flow in sight and the one after the last.
    fn in_sight(&self) -> (u32, u32) {
        let shown = self.list.cast::<HtmlElement>().map_or(400.0, |list| f64::from(list.client_height()));
        let room = (self.height() - shown).max(1.0);
        let most = (f64::from(self.total) - shown / LINE).max(0.0);
        let first = (self.scrolled / room * most).clamp(0.0, most) as u32;
        (first, (first + (shown / LINE) as u32 + 2).min(self.total))
    }

    fn summary(&self, ctx: &Context<Self>, row: &ViewRow) -> Html {
        let side = |column: Column| {
            let cell = row::cell(row, column);
            match row::values(row, column) {
                Some((values, count)) => {
                    let on = ctx.props().on_values.reform(move |event: MouseEvent| {
                        (values, count, f64::from(event.client_x()), f64::from(event.client_y()) + 12.0)
                    });
                    html! { <button class="link-button" onclick={on}>{ cell.text }</button> }
                }
                None => html! { <span>{ cell.text }</span> },
            }
        };
        let host = |few: Few<sensor_wire::Addr>, id: &'static str, note: &str| {
            let Few::One(address) = few else { return Html::default() };
            let asked = HostAsked { source: row.key.source, address, vlan: None };
            let on = ctx.props().on_host.reform(move |_: MouseEvent| asked);
            html! {
                <div class="host-of">
                    <button class="link-button" {id} onclick={on} title={format!("What is known of {address}")}>{ "Host" }</button>
                    if !note.is_empty() { <span class="mute">{ format!(" {note}") }</span> }
                </div>
            }
        };
        let rank = row::cell(row, Column::Rank);
        html! {
            <dl class="facts" id="row-facts">
                <dt>{ "Server" }</dt>
                <dd class="mono">{ side(Column::Server) }{ port_gap(row, Column::ServerPort) }{ side(Column::ServerPort) }
                    { host(row.servers, "server-host", &row.server_note) }</dd>
                <dt>{ "Client" }</dt>
                <dd class="mono">{ side(Column::Client) }{ port_gap(row, Column::ClientPort) }{ side(Column::ClientPort) }
                    { host(row.clients, "client-host", &row.client_note) }</dd>
                <dt>{ "Protocol" }</dt>
                <dd>{ row::hint(row, Column::Proto) }
                    if !row.app_protos.is_empty() { { format!(" · {}", row.app_protos.join(", ")) } }</dd>
                <dt>{ "Payload" }</dt>
                <dd class="mono">{ format!("{}{} bytes", if row.estimate { "~" } else { "" }, format::grouped(row.bytes)) }
                    <span class="faint">{ format!(" · {} in frames", format::bytes(row.frame_bytes)) }</span></dd>
                if row.estimate {
                    <dt></dt><dd class="warn-text">{ "An estimate: a flow began before the capture, or its sequence \
                        numbers have gaps." }</dd>
                }
                <dt>{ "Packets" }</dt><dd class="mono">{ format::grouped(row.packets) }</dd>
                <dt>{ "Lasted" }</dt><dd class="mono">{ format::duration(row.last - row.first) }</dd>
                <dt>{ "Rank" }</dt>
                <dd><span class={yew::classes!("mono", rank.class)}>{ rank.text }</span>{ " " }
                    <span class="mute">{ row::hint(row, Column::Rank) }</span></dd>
                if row.events.len() > 1 && row.kind != RowKind::Alert {
                    <dt>{ "Events" }</dt>
                    <dd>{ for row.events.iter().map(|event| {
                        let (letter, class) = row::badge(row.kind, event.severity);
                        html! { <div><span class={class}>{ letter }</span>{ &event.message }
                            <span class="count">{ format!("×{}", format::grouped(event.count.into())) }</span></div> }
                    }) }</dd>
                }
            </dl>
        }
    }

    fn list(&self, ctx: &Context<Self>) -> Html {
        let head = html! { <h3 class="flows-head">{ format::counted(self.total.into(), "flow") }</h3> };
        if let Some(error) = &self.error {
            return html! {
                <>{ head }<div class="note bad" role="alert">
                    <p>{ &error.message }</p><p class="faint">{ &error.detail }</p>
                </div></>
            };
        }
        let (first, last) = self.in_sight();
        // Where the list is taller than browsers bear, what is in sight stands where the scrollbar is.
        let squeezed = f64::from(self.total) * LINE > TALLEST;
        let base = if squeezed { self.scrolled - f64::from(first) * LINE } else { 0.0 };
        let lines = (first..last).filter_map(|at| {
            let flow = self.flows.get(at.checked_sub(self.offset)? as usize)?;
            Some((base + f64::from(at) * LINE, flow))
        });
        let onscroll = ctx.link().callback(|_: yew::Event| Msg::Scrolled);
        let onkeydown = ctx.link().batch_callback(|event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowDown" | "j" => 1,
                "ArrowUp" | "k" => -1,
                _ => return None,
            };
            event.prevent_default();
            event.stop_propagation();
            Some(Msg::Moved(step))
        });
        html! {
            <>
                { head }
                <div class="flows" style={format!("flex-basis:{}px", self.height() + 1.0)} ref={self.list.clone()} {onscroll} {onkeydown} tabindex="0" role="listbox"
                    aria-label="Flows of the row">
                    <div class="flows-all" style={format!("height:{}px", self.height())}>
                        { for lines.map(|(top, flow)| self.line(ctx, top, flow)) }
                    </div>
                    if self.loading && self.flows.is_empty() { <p class="note">{ "Asking the sensor for the flows…" }</p> }
                </div>
            </>
        }
    }

    fn line(&self, ctx: &Context<Self>, top: f64, view: &ViewFlow) -> Html {
        let f = &view.flow;
        let id = f.id;
        let chosen = self.chosen == Some(id);
        let estimate = if f.estimate { "~" } else { "" };
        let reason = f.end.map_or(String::new(), |end| format!(" · {}", end.name()));
        html! {
            <div key={id} id={format!("flow-{id}")} data-flow={id.to_string()} role="option"
                aria-selected={chosen.to_string()} class={yew::classes!("flow", chosen.then_some("on"))}
                style={format!("top:{top}px")} onclick={ctx.link().callback(move |_: MouseEvent| Msg::Chosen(id))}>
                <div class="line mono">
                    <span class="ends">{ tuple(f) }</span>
                    <span class="grow"></span>
                    <span>{ format!("{estimate}{}", format::bytes(f.to_server.payload_bytes + f.to_client.payload_bytes)) }</span>
                </div>
                <div class="line faint">
                    <span class="mono" title={format::utc(f.first)}>{ format::clock_millis(f.first, view.utc_offset) }</span>
                    <span>{ format!("{}{reason}", f.state.name()) }</span>
                    if f.midstream { <span class="tag" title="No SYN was seen: the flow began before the capture">{ "midstream" }</span> }
                    <span class="grow"></span>
                    <span class="mono">{ format!("{} ↑ {} ↓", format::grouped(f.to_server.packets),
                        format::grouped(f.to_client.packets)) }</span>
                </div>
            </div>
        }
    }
}

/// The chosen flow with everything that is known of it.
fn one(ctx: &Context<Detail>, view: &ViewFlow) -> Html {
    let f = &view.flow;
    let copy = |what: &'static str, text: String| {
        let on = ctx.props().on_copy.reform(move |_: MouseEvent| (text.clone(), what.to_owned()));
        html! {
            <button class="bare copy" title={format!("Copy {what}")} aria-label={format!("Copy {what}")} onclick={on}>
                { icon(Icon::Copy) }
            </button>
        }
    };
    let counters = |c: &sensor_wire::flow::Counters| {
        format!(
            "{} · {} payload · {} frames",
            format::counted(c.packets, "packet"),
            format::bytes(c.payload_bytes),
            format::bytes(c.frame_bytes)
        )
    };
    let tuple = tuple(f);
    let why = ctx.props().on_why.reform(|_: MouseEvent| Some(None));
    let state = match f.end {
        Some(reason) => format!("{}, ended by {}", f.state.name(), reason.name()),
        None => format!("{}, still open", f.state.name()),
    };
    html! {
        <div class="one-flow" id="flow-detail">
            <dl class="facts">
                <dt>{ "Flow" }</dt><dd class="mono">{ tuple.clone() }{ copy("the flow's addresses", tuple) }</dd>
                <dt>{ "First" }</dt><dd class="mono">{ format::utc(f.first) }</dd>
                <dt>{ "Last" }</dt>
                <dd class="mono">{ format::utc(f.last) }<span class="faint">{ format!(" · {}", format::duration(f.last - f.first)) }</span></dd>
                <dt>{ "To server" }</dt><dd class="mono">{ counters(&f.to_server) }</dd>
                <dt>{ "To client" }</dt><dd class="mono">{ counters(&f.to_client) }</dd>
                <dt>{ "State" }</dt><dd>{ state }</dd>
                if let Some((client, server)) = f.tcp_flags {
                    <dt>{ "TCP" }</dt>
                    <dd>{ if f.tcp_state.is_empty() { String::new() } else { format!("{}; ", f.tcp_state.replace('_', " ")) } }
                        { format!("client {}; server {}", format::tcp_flags(client), format::tcp_flags(server)) }</dd>
                }
                if let Some((kind, code)) = f.icmp {
                    <dt>{ "ICMP" }</dt><dd class="mono">{ format!("type {kind}, code {code}") }</dd>
                }
                if !f.app_proto.is_empty() { <dt>{ "Application" }</dt><dd>{ &f.app_proto }</dd> }
                if !f.vlans.is_empty() {
                    <dt>{ "VLAN" }</dt>
                    <dd class="mono">{ f.vlans.iter().map(u16::to_string).collect::<Vec<_>>().join(" in ") }</dd>
                }
                { marks(f) }
                <dt>{ "Community ID" }</dt>
                <dd class="mono path">{ &f.community_id }{ copy("the community id", f.community_id.clone()) }</dd>
                <dt>{ "Rules" }</dt>
                <dd><button class="btn small" id="why-not" onclick={why}
                    title="Try a rule on this flow: the first option that does not hold, and what was there">{ "Why not…" }</button></dd>
            </dl>
        </div>
    }
}

fn marks(f: &FlowRecord) -> Html {
    let mut words = Vec::new();
    if f.midstream {
        words.push("No SYN was seen: the flow began before the capture, and who opened it is a guess.");
    }
    if f.estimate {
        words.push("Payload bytes are an estimate: segments are missing or their sequence numbers disagree.");
    }
    if words.is_empty() {
        return Html::default();
    }
    html! { <><dt>{ "Note" }</dt><dd class="warn-text">{ words.join(" ") }</dd></> }
}

/// Both ends of a flow.
pub fn tuple(f: &FlowRecord) -> String {
    format!("{} → {}", end(f.client, f.client_port), end(f.server, f.server_port))
}

/// One end of a flow: `10.0.0.1:443`, `[fe80::1]:443`, or the address alone where there are no ports.
fn end(addr: sensor_wire::Addr, port: u16) -> String {
    match (addr.0, port) {
        (ip, 0) => ip.to_string(),
        (std::net::IpAddr::V4(ip), port) => format!("{ip}:{port}"),
        (std::net::IpAddr::V6(ip), port) => format!("[{ip}]:{port}"),
    }
}

/// What the row's flows go between, in a line.
fn ends(row: &ViewRow) -> String {
    format!("{} → {}", row::cell(row, Column::Client).text, row::cell(row, Column::Server).text)
}

fn port_gap(row: &ViewRow, column: Column) -> &'static str {
    if row::cell(row, column).class == "faint" { " ports " } else { " port " }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_a_flow_are_unambiguous() {
        let addr = |s: &str| sensor_wire::Addr(s.parse().unwrap());
        assert_eq!(end(addr("10.0.0.1"), 443), "10.0.0.1:443");
        assert_eq!(end(addr("fe80::1"), 443), "[fe80::1]:443");
        assert_eq!(end(addr("fe80::1"), 0), "fe80::1");
    }

    #[test]
    fn a_rows_heading_says_who_talks_to_whom() {
        assert_eq!(ends(&row::tests::sweep()), "10.0.9.77 → 306 servers");
    }
}
