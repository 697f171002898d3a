//! The window as a whole: what is known, what is open, and what each event changes.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Timeout;
use sensor_wire::request::ValueColumn;
use sensor_wire::view::{
    AppStatus, Boot, Column, Density, Flows, Prefs, SortKey, SourceId, Theme, Values, ViewError, ViewReply,
    ViewRequest, ViewRow,
};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};
use yew::html::Scope;
use yew::{Callback, Component, Context, Html, NodeRef, html};

use crate::backend::{Client, Heard, listen_to_tauri};
use crate::grid::columns::{self, Layout};
use crate::grid::header::{Header, HeaderEvent};
use crate::grid::keys::{self, Action};
use crate::grid::row;
use crate::grid::viewport::{GridEvent, Meta, Viewport};
use crate::{detail, dom, panels, bottom, bar};

/// Flows on a page of the detail panel.
pub const PAGE: u32 = 200;
/// Quiet time after which changed preferences are kept, in milliseconds.
const SETTLED: u32 = 200;

/// What lies over the grid.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// The values behind a cell.
    Values(ValueColumn, Option<Rc<Values>>),
    /// The picker of time zones.
    Zone,
    /// The keys.
    Help,
    /// Which columns are shown.
    Columns,
    /// Captures opened before.
    Recent,
    /// One source's counters.
    Source(SourceId),
}

/// What happens to the window.
pub enum Msg {
    Booted(Result<Box<Boot>, ViewError>),
    Heard(Heard),
    Status(AppStatus),
    Grid(GridEvent),
    Header(HeaderEvent),
    Resized,
    Width(u16),
    Key(KeyboardEvent),
    Act(Action),
    Over(Option<Over>),
    Values(ValueColumn, Rc<Values>),
    Search(String),
    Page(usize),
    Prefs(Box<dyn FnOnce(&mut Prefs)>),
    Tell(ViewRequest),
    Failed(ViewError),
    Dismiss,
    Flows(u32, Rc<ViewRow>, Flows),
    FlowPage(u32),
    Detail(bool),
    Drop(bool),
    Copy(String),
    Pointed(ViewRow, Column),
}

/// The window.
pub struct App {
    pub client: Client,
    pub boot: Option<Boot>,
    pub prefs: Prefs,
    pub sort: Vec<SortKey>,
    pub status: AppStatus,
    pub meta: Meta,
    pub viewport: Rc<Viewport>,
    pub selected: Option<Rc<ViewRow>>,
    pub over: Option<Over>,
    pub search: String,
    pub page: usize,
    pub error: Option<ViewError>,
    pub detail: bool,
    pub flows: Option<Flows>,
    pub flow_offset: u32,
    lost: Option<String>,
    dropping: bool,
    layout: Layout,
    width: u16,
    mounted: bool,
    asking_status: bool,
    status_again: bool,
    asked_flows: Option<(u64, u32, u32)>,
    saving: Option<Timeout>,
    grid: NodeRef,
    body: NodeRef,
    thumb: NodeRef,
    grab: Rc<std::cell::Cell<Option<f64>>>,
    _listeners: [EventListener; 2],
}

impl Component for App {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let link = ctx.link();
        let client = Client::connect();
        boot(&client, link);
        let heard = link.callback(Msg::Heard);
        client.ticks(Rc::new(move |h| heard.emit(h)));
        for (event, over) in [("tauri://drag-enter", true), ("tauri://drag-leave", false), ("tauri://drag-drop", false)]
        {
            let link = link.clone();
            listen_to_tauri(event, move || link.send_message(Msg::Drop(over)));
        }
        let viewport = Viewport::new(client.clone(), link.callback(Msg::Grid), Density::Medium.px());
        App {
            client,
            boot: None,
            prefs: Prefs::default(),
            sort: Vec::new(),
            status: AppStatus::default(),
            meta: Meta::default(),
            viewport,
            selected: None,
            over: None,
            search: String::new(),
            page: 0,
            error: None,
            detail: false,
            flows: None,
            flow_offset: 0,
            lost: None,
            dropping: false,
            layout: Layout::default(),
            width: 0,
            mounted: false,
            asking_status: false,
            status_again: false,
            asked_flows: None,
            saving: None,
            grid: NodeRef::default(),
            body: NodeRef::default(),
            thumb: NodeRef::default(),
            grab: Rc::default(),
            _listeners: listeners(link),
        }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        let link = ctx.link();
        match msg {
            Msg::Booted(Ok(boot)) => {
                self.prefs = boot.prefs.clone();
                self.prefs.columns = columns::repaired(&boot.prefs.columns);
                self.sort.clone_from(&boot.sort);
                self.boot = Some(*boot);
                self.apply_prefs();
                self.viewport.pull();
                self.ask_status(link);
            }
            Msg::Booted(Err(error)) => self.lost = Some(error.detail),
            Msg::Heard(Heard::Lost(cause)) => self.lost = Some(cause),
            Msg::Heard(Heard::Tick(tick)) => {
                if self.lost.take().is_some() || self.boot.is_none() {
                    boot(&self.client, link);
                }
                self.viewport.tick(tick.rows);
                if self.detail {
                    self.viewport.refresh_selected();
                }
                if tick.status != self.status.revision {
                    self.ask_status(link);
                }
                return false;
            }
            Msg::Status(status) => {
                self.status = status;
                self.asking_status = false;
                if std::mem::take(&mut self.status_again) {
                    self.ask_status(link);
                }
            }
            Msg::Grid(GridEvent::Meta(meta)) => self.meta = meta,
            Msg::Grid(GridEvent::Failed(error)) | Msg::Failed(error) => {
                self.asking_status = false;
                self.error = Some(error);
            }
            Msg::Grid(GridEvent::Selected(row)) => {
                if row.as_ref().map(|r| r.key) != self.selected.as_ref().map(|r| r.key) {
                    (self.flows, self.flow_offset) = (None, 0);
                }
                self.selected = row;
                self.ask_flows(link);
            }
            Msg::Header(event) => self.header(link, event),
            Msg::Resized => self.viewport.resized(),
            Msg::Width(width) => {
                self.width = width;
                self.place();
                self.viewport.resized();
            }
            Msg::Key(event) => return self.key(link, &event),
            Msg::Act(action) => self.act(link, action),
            Msg::Over(over) => {
                let closed = over.is_none();
                self.show(over);
                if closed {
                    dom::focus("grid");
                }
            }
            Msg::Values(column, values) => {
                if matches!(&self.over, Some(Over::Values(c, _)) if *c == column) {
                    self.over = Some(Over::Values(column, Some(values)));
                }
            }
            Msg::Search(text) => (self.search, self.page) = (text, 0),
            Msg::Page(page) => self.page = page,
            Msg::Prefs(change) => {
                change(&mut self.prefs);
                self.apply_prefs();
                self.save(link);
            }
            Msg::Tell(request) => {
                let failed = link.callback(Msg::Failed);
                self.client.tell(request, move |e| failed.emit(e));
                return false;
            }
            Msg::Dismiss => self.error = None,
            Msg::Flows(offset, row, flows) => {
                if self.flow_offset == offset && self.selected.as_ref().is_some_and(|s| s.key == row.key) {
                    self.flows = Some(flows);
                }
            }
            Msg::FlowPage(offset) => {
                self.flow_offset = offset;
                self.ask_flows(link);
            }
            Msg::Detail(open) => {
                self.detail = open;
                self.asked_flows = None;
                self.ask_flows(link);
            }
            Msg::Drop(over) => self.dropping = over,
            Msg::Copy(text) => {
                let failed = link.callback(Msg::Failed);
                wasm_bindgen_futures::spawn_local(async move {
                    if let Err(message) = dom::copy(text).await {
                        failed.emit(ViewError { code: "copy".into(), message, detail: String::new() });
                    }
                });
                return false;
            }
            Msg::Pointed(row, column) => {
                if let Some((values, _)) = row::values(&row, column) {
                    self.open_values(link, values);
                }
            }
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        html! {
            <div id="app">
                { bar::view(self, link) }
                <main>
                    { self.grid_view(link) }
                    if self.detail { { detail::view(self, link) } }
                </main>
                { bottom::view(self, link) }
                { panels::view(self, link) }
                if self.dropping { <div class="drop">{ "Drop captures to open them" }</div> }
                if let Some(cause) = &self.lost {
                    <div class="screen over" role="alert"><h2>{ "Nightjar does not answer" }</h2>
                        <p>{ "The window tries again by itself." }</p><p class="faint">{ cause }</p></div>
                }
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _first: bool) {
        if !self.mounted
            && let (Some(body), Some(thumb)) = (self.body.cast::<HtmlElement>(), self.thumb.cast::<HtmlElement>())
        {
            self.mounted = true;
            if let Err(error) = self.viewport.mount(body, thumb) {
                dom::report(&format!("{error:?}"));
            }
        }
        if let Some(grid) = self.grid.cast::<HtmlElement>() {
            let width = grid.client_width().clamp(0, 20_000) as u16;
            if width != self.width {
                ctx.link().send_message(Msg::Width(width));
            }
        }
    }
}

impl App {
    fn show(&mut self, over: Option<Over>) {
        self.over = over;
        self.search.clear();
        self.page = 0;
    }

    fn apply_prefs(&mut self) {
        let theme = match self.prefs.theme {
            Theme::System => "system",
            Theme::Dark => "dark",
            Theme::Light => "light",
        };
        if let Some(root) = dom::document().and_then(|d| d.document_element()) {
            // Without the attribute the colours stay as they were.
            let _ = root.set_attribute("data-theme", theme);
        }
        self.viewport.set_row_height(self.prefs.density.px());
        self.place();
    }

    fn place(&mut self) {
        self.layout = Layout::new(&self.prefs.columns, self.width);
        self.viewport.set_layout(self.layout.clone());
    }

    fn save(&mut self, link: &Scope<App>) {
        let (link, prefs) = (link.clone(), self.prefs.clone());
        self.saving = Some(Timeout::new(SETTLED, move || link.send_message(Msg::Tell(ViewRequest::SetPrefs(prefs)))));
    }

    /// At most one request is under way.
    fn ask_status(&mut self, link: &Scope<App>) {
        if std::mem::replace(&mut self.asking_status, true) {
            self.status_again = true;
            return;
        }
        let client = self.client.clone();
        link.send_future(async move {
            match client.ask(ViewRequest::Status).await {
                Ok(ViewReply::Status(status)) => Msg::Status(status),
                Ok(_) => Msg::Failed(crate::backend::unexpected()),
                Err(error) => Msg::Failed(error),
            }
        });
    }

    fn ask_flows(&mut self, link: &Scope<App>) {
        let Some(row) = self.selected.clone().filter(|_| self.detail) else { return };
        let wanted = (row.key.row, row.rev, self.flow_offset);
        if self.asked_flows.replace(wanted) == Some(wanted) {
            return;
        }
        let (client, offset) = (self.client.clone(), self.flow_offset);
        link.send_future(async move {
            match client.ask(ViewRequest::Flows { key: row.key, offset, limit: PAGE }).await {
                Ok(ViewReply::Flows(flows)) => Msg::Flows(offset, row, flows),
                Ok(_) => Msg::Failed(crate::backend::unexpected()),
                Err(error) => Msg::Failed(error),
            }
        });
    }

    fn open_values(&mut self, link: &Scope<App>, column: ValueColumn) {
        let Some(row) = self.viewport.selected() else { return };
        self.show(Some(Over::Values(column, None)));
        let client = self.client.clone();
        link.send_future(async move {
            match client.ask(ViewRequest::Values { key: row.key, column }).await {
                Ok(ViewReply::Values(values)) => Msg::Values(column, Rc::new(values)),
                Ok(_) => Msg::Failed(crate::backend::unexpected()),
                Err(error) => Msg::Failed(error),
            }
        });
    }

    fn header(&mut self, link: &Scope<App>, event: HeaderEvent) {
        match event {
            HeaderEvent::Sort { column, add } => {
                let before = self.sort.iter().position(|k| k.column == column);
                let descending = before.is_none_or(|at| !self.sort[at].descending);
                let key = SortKey { column, descending };
                match (add, before) {
                    (true, Some(at)) => self.sort[at] = key,
                    (true, None) => self.sort.push(key),
                    (false, _) => self.sort = vec![key],
                }
                let (client, request) = (self.client.clone(), ViewRequest::Sort(self.sort.clone()));
                let (viewport, link) = (self.viewport.clone(), link.clone());
                wasm_bindgen_futures::spawn_local(async move {
                    match client.ask(request).await {
                        Ok(_) => viewport.reordered(),
                        Err(error) => link.send_message(Msg::Failed(error)),
                    }
                });
                return;
            }
            HeaderEvent::Resize(column, width) => columns::resize(&mut self.prefs.columns, column, width),
            HeaderEvent::Fit(column) => {
                let width = self.viewport.fit(column) + 16;
                columns::resize(&mut self.prefs.columns, column, width.into());
            }
            HeaderEvent::Move(column, before) => columns::move_before(&mut self.prefs.columns, column, before),
            HeaderEvent::Menu => return self.show(Some(Over::Columns)),
            HeaderEvent::Zone => return self.show(Some(Over::Zone)),
        }
        self.place();
        self.save(link);
    }

    fn key(&mut self, link: &Scope<App>, event: &KeyboardEvent) -> bool {
        let target = event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok());
        let tag = target.map(|t| t.tag_name()).unwrap_or_default();
        let key = event.key();
        let own = tag == "INPUT" || (tag == "BUTTON" && matches!(key.as_str(), " " | "Enter"));
        if event.ctrl_key() || event.alt_key() || event.meta_key() || (own && key != "Escape") {
            return false;
        }
        let Some(action) = keys::find(&key).filter(|a| self.over.is_none() || *a == Action::Back) else {
            return false;
        };
        event.prevent_default();
        self.act(link, action);
        true
    }

    fn act(&mut self, link: &Scope<App>, action: Action) {
        if self.viewport.act(action) {
            return;
        }
        let cell = self.viewport.column();
        match action {
            Action::Enter => match self.viewport.selected().and_then(|r| row::values(&r, cell)) {
                Some((values, _)) => self.open_values(link, values),
                None if self.selected.is_some() => link.send_message(Msg::Detail(true)),
                None => {}
            },
            Action::Values(column) => self.open_values(link, column),
            Action::Copy => {
                if let Some(row) = self.viewport.selected() {
                    link.send_message(Msg::Copy(row::copied(&row, cell)));
                }
            }
            Action::Back => {
                if self.over.is_some() {
                    link.send_message(Msg::Over(None));
                } else if self.error.is_some() {
                    self.error = None;
                } else if self.detail {
                    self.detail = false;
                } else {
                    self.viewport.deselect();
                }
            }
            Action::Pause => link.send_message(Msg::Tell(ViewRequest::Pause(!self.status.paused))),
            Action::FlowEvents => link.send_message(Msg::Prefs(Box::new(|p| p.flow_events = !p.flow_events))),
            Action::OpenCapture if self.boot.as_ref().is_some_and(|b| b.has_dialog) => {
                link.send_message(Msg::Tell(ViewRequest::OpenDialog));
            }
            Action::Theme => link.send_message(Msg::Prefs(Box::new(|p| {
                p.theme = match p.theme {
                    Theme::System => Theme::Dark,
                    Theme::Dark => Theme::Light,
                    Theme::Light => Theme::System,
                }
            }))),
            Action::Density => link.send_message(Msg::Prefs(Box::new(|p| {
                p.density = match p.density {
                    Density::Compact => Density::Medium,
                    Density::Medium => Density::Roomy,
                    Density::Roomy => Density::Compact,
                }
            }))),
            Action::Zone => self.show(Some(Over::Zone)),
            Action::Columns => self.show(Some(Over::Columns)),
            Action::Help => self.show(Some(Over::Help)),
            _ => {}
        }
    }

    fn grid_view(&self, link: &Scope<App>) -> Html {
        let y = {
            let body = self.body.clone();
            move |event: &MouseEvent| {
                let top = body.cast::<HtmlElement>().map_or(0.0, |b| b.get_bounding_client_rect().top());
                f64::from(event.client_y()) - top
            }
        };
        let column = |event: &MouseEvent| {
            dom::attribute_around(event.target(), "data-col").and_then(|(_, name)| columns::by_name(&name))
        };
        let onclick = {
            let (v, link, y) = (self.viewport.clone(), link.clone(), y.clone());
            Callback::from(move |event: MouseEvent| {
                let at = column(&event);
                if let (Some(row), Some(at)) = (v.point(y(&event), at), at) {
                    link.send_message(Msg::Pointed(row, at));
                }
            })
        };
        let onpointerover = {
            let (v, y) = (self.viewport.clone(), y.clone());
            Callback::from(move |event: PointerEvent| {
                if let Some((cell, name)) = dom::attribute_around(event.target(), "data-col")
                    && let Some(hint) = columns::by_name(&name).and_then(|c| v.hint(y(&event), c))
                {
                    // A cell without its hint is still a cell.
                    let _ = cell.set_attribute("title", &hint);
                }
            })
        };
        let onwheel = {
            let v = self.viewport.clone();
            Callback::from(move |event: WheelEvent| match event.delta_mode() {
                0 => v.scroll_pixels(event.delta_y()),
                1 => v.scroll_by(event.delta_y()),
                _ => v.scroll_by(event.delta_y() * v.page()),
            })
        };
        let ondown = {
            let (v, grab, y) = (self.viewport.clone(), self.grab.clone(), y.clone());
            Callback::from(move |event: PointerEvent| {
                let Some((top, height)) = v.thumb() else { return };
                let at = y(&event);
                let within = if (top..top + height).contains(&at) { at - top } else { height / 2.0 };
                grab.set(Some(within));
                v.drag(at - within);
                if let Some(bar) = event.current_target().and_then(|t| t.dyn_into::<HtmlElement>().ok()) {
                    // Without the capture a drag ends at the bar's border.
                    let _ = bar.set_pointer_capture(event.pointer_id());
                }
            })
        };
        let onmove = {
            let (v, grab, y) = (self.viewport.clone(), self.grab.clone(), y.clone());
            Callback::from(move |event: PointerEvent| {
                if let Some(within) = grab.get() {
                    v.drag(y(&event) - within);
                }
            })
        };
        let onup = {
            let grab = self.grab.clone();
            Callback::from(move |_: PointerEvent| grab.set(None))
        };
        let top = {
            let v = self.viewport.clone();
            Callback::from(move |_: MouseEvent| v.scroll_to(0.0))
        };
        html! {
            <div class="grid-frame">
                <style>{ self.layout.css() }</style>
                <div id="grid" role="grid" tabindex="0" aria-label="Live events" ref={self.grid.clone()}>
                    <div class="wide">
                        <Header layout={self.layout.clone()} sort={self.sort.clone()} zone={self.meta.zone.clone()}
                            on={link.callback(Msg::Header)} />
                        <div class="body" role="rowgroup" ref={self.body.clone()} {onclick} {onpointerover} {onwheel}
                            ondblclick={link.callback(|_| Msg::Detail(true))}></div>
                    </div>
                </div>
                <div class="bar" onpointerdown={ondown} onpointermove={onmove} onpointerup={onup}>
                    <div class="thumb" ref={self.thumb.clone()}></div>
                </div>
                if self.meta.above > 0 {
                    <button id="new-rows" onclick={top}>{ format!("{} new ↑", self.meta.above) }</button>
                }
                { panels::screen(self, link) }
            </div>
        }
    }
}

fn boot(client: &Client, link: &Scope<App>) {
    let client = client.clone();
    link.send_future(async move {
        match client.ask(ViewRequest::Boot).await {
            Ok(ViewReply::Boot(boot)) => Msg::Booted(Ok(boot)),
            Ok(_) => Msg::Booted(Err(crate::backend::unexpected())),
            Err(error) => Msg::Booted(Err(error)),
        }
    });
}

fn listeners(link: &Scope<App>) -> [EventListener; 2] {
    let target: web_sys::EventTarget =
        dom::window().map_or_else(|| js_sys::global().unchecked_into(), |window| window.unchecked_into());
    let (keys, sizes) = (link.clone(), link.clone());
    let active = EventListenerOptions::enable_prevent_default();
    [
        EventListener::new_with_options(&target, "keydown", active, move |event| {
            if let Ok(event) = event.clone().dyn_into() {
                keys.send_message(Msg::Key(event));
            }
        }),
        EventListener::new(&target, "resize", move |_| sizes.send_message(Msg::Resized)),
    ]
}
