//! The pane of hosts: a list of any length of which it holds the window in sight, and the chosen host beside it.

mod table;

use std::rc::Rc;

use sensor_wire::view::{
    HostAsked, HostColumn, HostKey, HostSort, HostWindow, HostsAsked, ViewError, ViewHost, ViewReply, ViewRequest,
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::{
    Callback, Component, Context, Html, InputEvent, KeyboardEvent, MouseEvent, NodeRef, Properties, TargetCast, html,
};

use crate::backend::{Client, unexpected};
use crate::dom::SizeWatch;
use crate::format;
use crate::hosts::detail::HostDetail;
use crate::parts::{Icon, icon};

/// Height of a line, in CSS pixels. The longest list, 100,000 hosts, is 2.8 million high: browsers lay that out.
const LINE: f64 = 28.0;
/// Lines asked for beyond each edge of what is shown.
const MARGIN: u64 = 40;
/// Most hosts the app answers with.
const MOST: u64 = 200;
/// Lines above a host that is looked up.
const ABOVE: u32 = 4;

/// The pane's properties.
#[derive(Properties, PartialEq)]
pub struct PaneProps {
    /// The app.
    pub client: Client,
    /// The newest revision of the hosts.
    pub revision: u64,
    /// More than one sensor tells of hosts.
    pub several: bool,
    /// A capture is open.
    pub open: bool,
    /// A host to show, and which request for one this is.
    pub wanted: Option<(u32, HostAsked)>,
    /// Text for the clipboard, and what it is.
    pub on_copy: Callback<(String, String)>,
    /// Something to say.
    pub on_say: Callback<String>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The pane.
pub struct Pane {
    search: String,
    sort: HostSort,
    window: HostWindow,
    known: bool,
    error: Option<ViewError>,
    pulling: bool,
    again: bool,
    scrolled: f64,
    /// Where the list is to be scrolled once it is drawn.
    scroll_to: Option<f64>,
    cursor: Option<(HostKey, u64)>,
    /// A line to stand at as soon as it is here.
    wanted: Option<u64>,
    /// A host to bring into sight.
    reveal: Option<HostKey>,
    shown: Option<Rc<ViewHost>>,
    list: NodeRef,
    field: NodeRef,
    resized: Option<SizeWatch>,
}

/// What happens in the pane.
pub enum Msg {
    /// A window of hosts came.
    Pulled(Box<Pulled>),
    /// A host came; whether the list is to go there.
    Host(HostAsked, bool, Result<Option<Box<ViewHost>>, ViewError>),
    /// Typed.
    Search(String),
    /// A heading was clicked.
    Sort(HostColumn),
    /// The list was scrolled, or has another size.
    Scrolled,
    /// The cursor moves by so many lines.
    Move(i64),
    /// The cursor goes to the first or last line.
    Edge(bool),
    /// A line was clicked.
    Choose(HostKey, u64),
    /// The host at the cursor.
    Open,
    /// The address at the cursor to the clipboard.
    Copy,
    /// Closes the host, or else the pane.
    Back,
    /// Closes the host.
    CloseHost,
}

/// An answer with what it was asked for.
pub struct Pulled {
    asked: HostsAsked,
    /// The line that held still, and where it stood.
    held: Option<(HostKey, u64)>,
    revealing: bool,
    answer: Result<HostWindow, ViewError>,
}

impl Component for Pane {
    type Message = Msg;
    type Properties = PaneProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut pane = Pane {
            search: String::new(),
            sort: HostSort::default(),
            window: HostWindow::default(),
            known: false,
            error: None,
            pulling: false,
            again: false,
            scrolled: 0.0,
            scroll_to: None,
            cursor: None,
            wanted: None,
            reveal: None,
            shown: None,
            list: NodeRef::default(),
            field: NodeRef::default(),
            resized: None,
        };
        if let Some((_, asked)) = ctx.props().wanted {
            look_up(ctx, asked, true);
        }
        pane.pull(ctx);
        pane
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &PaneProps) -> bool {
        let props = ctx.props();
        if props.wanted != old.wanted
            && let Some((_, asked)) = props.wanted
        {
            look_up(ctx, asked, true);
        }
        if props.revision != old.revision {
            self.pull(ctx);
            if let Some(shown) = &self.shown {
                look_up(ctx, shown.key.into(), false);
            }
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Pulled(pulled) => self.pulled(ctx, *pulled),
            Msg::Host(asked, go, answer) => self.host(ctx, asked, go, answer),
            Msg::Search(search) => {
                self.search = search;
                self.start_at_top(ctx);
                true
            }
            Msg::Sort(column) => {
                let same = self.sort.column == column;
                let descending = if same { !self.sort.descending } else { greatest_first(column) };
                self.sort = HostSort { column, descending };
                self.start_at_top(ctx);
                true
            }
            Msg::Scrolled => {
                self.scrolled = self.list.cast::<HtmlElement>().map_or(0.0, |list| list.scroll_top().into());
                let (first, last) = self.in_sight();
                let held = self.window.offset..self.window.offset + self.window.hosts.len() as u64;
                if first < held.start || (last > held.end && held.end < self.window.total) {
                    self.pull(ctx);
                }
                true
            }
            Msg::Move(by) => {
                let to = match self.cursor {
                    Some((_, at)) => at.saturating_add_signed(by),
                    None => self.in_sight().0,
                };
                self.go(ctx, to)
            }
            Msg::Edge(last) => self.go(ctx, if last { u64::MAX } else { 0 }),
            Msg::Choose(key, at) => {
                self.cursor = Some((key, at));
                look_up(ctx, key.into(), false);
                true
            }
            Msg::Open => {
                let key = self.cursor.map(|(key, _)| key).or_else(|| self.window.hosts.first().map(|line| line.key));
                let Some(key) = key else { return false };
                if self.cursor.is_none() {
                    self.cursor = Some((key, self.window.offset));
                }
                look_up(ctx, key.into(), false);
                true
            }
            Msg::Copy => {
                let key = self.cursor.map(|(key, _)| key).or(self.shown.as_ref().map(|host| host.key));
                if let Some(key) = key {
                    ctx.props().on_copy.emit((key.address.to_string(), key.address.to_string()));
                }
                false
            }
            Msg::Back => {
                if self.shown.take().is_none() {
                    ctx.props().on_close.emit(());
                }
                true
            }
            Msg::CloseHost => {
                self.shown = None;
                self.focus();
                true
            }
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            self.focus();
            if let Some(list) = self.list.cast::<HtmlElement>() {
                let resized = ctx.link().callback(|()| Msg::Scrolled);
                self.resized = SizeWatch::new(&[&list], move || resized.emit(()));
            }
        }
        if let Some(to) = self.scroll_to.take()
            && let Some(list) = self.list.cast::<HtmlElement>()
        {
            list.set_scroll_top(to as i32);
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let oninput = link.batch_callback(|event: InputEvent| {
            Some(Msg::Search(event.target_dyn_into::<HtmlInputElement>()?.value()))
        });
        let onkeydown = link.batch_callback(|event: KeyboardEvent| {
            let msg = key(&event)?;
            event.prevent_default();
            // Keys that are meant for the pane are none of the grid's business.
            event.stop_propagation();
            Some(msg)
        });
        let close = ctx.props().on_close.reform(|_: MouseEvent| ());
        html! {
            <section id="hosts" role="region" aria-label="Hosts" {onkeydown}
                class={yew::classes!(self.shown.is_some().then_some("with-host"), ctx.props().several.then_some("several"))}>
                <div class="hosts-head">
                    <h2>{ "Hosts" }</h2>
                    <label class="search">
                        { icon(Icon::Search) }
                        <input ref={self.field.clone()} id="hosts-search" type="text" spellcheck="false" autocomplete="off"
                            placeholder="Address, name, MAC, maker, system, service, program, JA4…" aria-label="Search hosts" {oninput} />
                    </label>
                    <span class="mute" id="hosts-count" role="status">{ self.count() }</span>
                    <span class="grow"></span>
                    <span class="faint keys-hint">{ "↑ ↓ choose · Enter opens · Esc closes" }</span>
                    <button class="bare" id="close-hosts" onclick={close} title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
                </div>
                <div class="hosts-main">
                    <div class="hosts-table" role="grid" aria-label="Hosts" aria-rowcount={(self.window.total + 1).to_string()}>
                        { self.titles(ctx) }
                        { self.lines(ctx) }
                    </div>
                    if let Some(host) = &self.shown {
                        <HostDetail host={host.clone()} on_copy={ctx.props().on_copy.clone()}
                            on_close={link.callback(|()| Msg::CloseHost)} />
                    }
                </div>
            </section>
        }
    }
}

impl Pane {
    fn pull(&mut self, ctx: &Context<Self>) {
        if self.pulling {
            self.again = true;
            return;
        }
        self.pulling = true;
        let (first, last) = self.in_sight();
        let offset = first.saturating_sub(MARGIN);
        let count = (last - offset + MARGIN).min(MOST) as u32;
        let revealing = self.reveal.is_some();
        let top = first.checked_sub(self.window.offset).and_then(|at| self.window.hosts.get(at as usize));
        // At the top nothing holds still: there the head of the list is looked at.
        let held = top.filter(|_| self.scrolled > 0.0 && !revealing).map(|line| (line.key, first));
        let anchor = match self.reveal.take() {
            Some(key) => Some((key, ABOVE)),
            None => held.map(|(key, at)| (key, (at - offset) as u32)),
        };
        let asked = HostsAsked { search: self.search.clone(), sort: self.sort, offset, count, anchor };
        let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
        spawn_local(async move {
            let answer = match client.ask(ViewRequest::Hosts(asked.clone())).await {
                Ok(ViewReply::Hosts(window)) => Ok(window),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            };
            link.send_message(Msg::Pulled(Box::new(Pulled { asked, held, revealing, answer })));
        });
    }

    fn pulled(&mut self, ctx: &Context<Self>, pulled: Pulled) -> bool {
        self.pulling = false;
        let current = pulled.asked.search == self.search && pulled.asked.sort == self.sort;
        match pulled.answer {
            Ok(window) if current => {
                self.error = None;
                self.known = true;
                let place = |key: HostKey| {
                    let at = window.hosts.iter().position(|line| line.key == key)?;
                    Some(window.offset + at as u64)
                };
                if pulled.revealing
                    && let Some((key, _)) = pulled.asked.anchor
                    && let Some(at) = place(key)
                {
                    self.cursor = Some((key, at));
                    self.scroll(at.saturating_sub(ABOVE.into()) as f64 * LINE);
                } else if let Some((key, before)) = pulled.held
                    && let Some(at) = place(key)
                    && at != before
                {
                    // What the held line moved by, the list moves by.
                    self.scroll((self.scrolled + (at as f64 - before as f64) * LINE).max(0.0));
                }
                if let Some((key, at)) = &mut self.cursor
                    && let Some(now) = place(*key)
                {
                    *at = now;
                }
                self.window = window;
                if let Some(at) = self.wanted.take() {
                    self.go(ctx, at);
                }
            }
            // Something else was typed meanwhile; its answer follows.
            Ok(_) => self.again = true,
            Err(error) => self.error = Some(error),
        }
        if std::mem::take(&mut self.again) {
            self.pull(ctx);
        }
        true
    }

    fn host(
        &mut self,
        ctx: &Context<Self>,
        asked: HostAsked,
        go: bool,
        answer: Result<Option<Box<ViewHost>>, ViewError>,
    ) -> bool {
        match answer {
            Ok(Some(host)) => {
                if go {
                    // It has to be in the list to be shown there.
                    self.search.clear();
                    if let Some(field) = self.field.cast::<HtmlInputElement>() {
                        field.set_value("");
                    }
                    self.reveal = Some(host.key);
                    self.pull(ctx);
                }
                self.shown = Some(Rc::new(*host));
            }
            Ok(None) if go => ctx.props().on_say.emit(format!("Nothing is known of {} as a host.", asked.address)),
            // It gave way, or its capture was closed.
            Ok(None) => self.shown = None,
            Err(error) => self.error = Some(error),
        }
        true
    }

    fn start_at_top(&mut self, ctx: &Context<Self>) {
        self.scroll(0.0);
        self.cursor = None;
        self.wanted = None;
        self.pull(ctx);
    }

    fn scroll(&mut self, to: f64) {
        self.scrolled = to;
        self.scroll_to = Some(to);
    }

    /// Stands at a line, in sight; where it is not here yet once it is.
    fn go(&mut self, ctx: &Context<Self>, to: u64) -> bool {
        let to = to.min(self.window.total.saturating_sub(1));
        let top = to as f64 * LINE;
        let height = self.height();
        if top < self.scrolled {
            self.scroll(top);
        } else if top + LINE > self.scrolled + height {
            self.scroll(top + LINE - height);
        }
        let line = to.checked_sub(self.window.offset).and_then(|at| self.window.hosts.get(at as usize));
        match line.map(|line| line.key) {
            Some(key) => {
                self.cursor = Some((key, to));
                if self.shown.is_some() {
                    look_up(ctx, key.into(), false);
                }
            }
            None if self.window.total > 0 && !self.pulling => {
                self.wanted = Some(to);
                self.pull(ctx);
            }
            None => {}
        }
        true
    }

    fn focus(&self) {
        if let Some(field) = self.field.cast::<HtmlElement>() {
            // A field that cannot take the focus leaves it where it is.
            let _ = field.focus();
        }
    }

    fn height(&self) -> f64 {
        self.list.cast::<HtmlElement>().map_or(600.0, |list| f64::from(list.client_height()))
    }

    /// First line in sight and the one after the last.
    fn in_sight(&self) -> (u64, u64) {
        let first = (self.scrolled / LINE) as u64;
        (first, first + (self.height() / LINE) as u64 + 2)
    }

    fn count(&self) -> String {
        let all = format::counted(self.window.unfiltered, "host");
        match (self.known, self.search.trim().is_empty()) {
            (false, _) => String::new(),
            (true, true) => all,
            (true, false) => format!("{} of {all}", format::grouped(self.window.total)),
        }
    }
}

fn look_up(ctx: &Context<Pane>, asked: HostAsked, go: bool) {
    let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
    spawn_local(async move {
        let answer = match client.ask(ViewRequest::Host(asked)).await {
            Ok(ViewReply::Host(host)) => Ok(host),
            Ok(_) => Err(unexpected()),
            Err(error) => Err(error),
        };
        link.send_message(Msg::Host(asked, go, answer));
    });
}

/// What a key does in the pane; `None` leaves it to the window.
fn key(event: &KeyboardEvent) -> Option<Msg> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return None;
    }
    let on = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    let tag = on.map(|element| element.tag_name()).unwrap_or_default();
    let typing = tag == "INPUT";
    Some(match event.key().as_str() {
        "ArrowDown" => Msg::Move(1),
        "ArrowUp" => Msg::Move(-1),
        "PageDown" => Msg::Move(20),
        "PageUp" => Msg::Move(-20),
        "Escape" => Msg::Back,
        "Enter" if tag != "BUTTON" => Msg::Open,
        "j" if !typing => Msg::Move(1),
        "k" if !typing => Msg::Move(-1),
        "Home" if !typing => Msg::Edge(false),
        "End" if !typing => Msg::Edge(true),
        "y" if !typing => Msg::Copy,
        _ => return None,
    })
}

/// Of what is counted the most comes first, and the latest; of what is named the first by name.
fn greatest_first(column: HostColumn) -> bool {
    match column {
        HostColumn::Services | HostColumn::Clients | HostColumn::First | HostColumn::Last => true,
        HostColumn::Address | HostColumn::Sensor | HostColumn::Name | HostColumn::Mac | HostColumn::System => false,
    }
}
