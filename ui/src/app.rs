//! The window: one component owns what is known and what is open, and hands each part what it shows.

use std::collections::BTreeSet;
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::{Interval, Timeout};
use sensor_wire::request::ValueColumn;
use sensor_wire::view::{
    AppStatus, Boot, Column, Prefs, SortKey, SourceId, Tick, Timeline, ViewError, ViewReply, ViewRequest, ViewRow,
};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, KeyboardEvent, MouseEvent, PointerEvent, ResizeObserver, WheelEvent};
use yew::{Component, Context, Html, NodeRef, html};

use crate::backend::{self, Client, Heard, unexpected};
use crate::detail::Detail;
use crate::dom;
use crate::format;
use crate::grid::columns::{self, Layout};
use crate::grid::header::{Header, HeaderEvent};
use crate::grid::keys::{self, Action};
use crate::grid::row;
use crate::grid::viewport::{GridEvent, Meta, Viewport};
use crate::help::Help;
use crate::parts::{Icon, icon};
use crate::popup::Popup;
use crate::screens::{self, ScreenView};
use crate::state::{self, Overlay, Screen, ValuesAsked};
use crate::statusbar::{ColumnMenu, StatusBar};
use crate::theme;
use crate::timeline::Strip;
use crate::topbar::{BarEvent, RecentMenu, SourceCard, TopBar};
use crate::zone::ZonePicker;

/// Buckets of the strip above the grid.
const BUCKETS: u16 = 240;
/// The strip is drawn anew at most this often, in milliseconds.
const STRIP_EVERY: u32 = 1_000;
/// Preferences that change in small steps (a width being dragged) are kept once they rest, in milliseconds.
const PREFS_REST: u32 = 400;
/// How long a word at the bottom stays, in milliseconds.
const TOAST: u32 = 3_500;
/// Narrowest and widest detail panel.
const DETAIL: (f64, f64) = (320.0, 900.0);
/// Pixels of a line, where a wheel counts in lines.
const WHEEL_LINE: f64 = 28.0;

/// The window.
pub struct App {
    client: Client,
    grid: Rc<Viewport>,
    boot: Option<Rc<Boot>>,
    prefs: Prefs,
    sort: Vec<SortKey>,
    status: Rc<AppStatus>,
    meta: Meta,
    timeline: Rc<Timeline>,
    selected: Option<Rc<ViewRow>>,
    overlay: Option<Overlay>,
    detail: bool,
    lost: Option<String>,
    dropping: bool,
    toast: Option<String>,
    dismissed: BTreeSet<SourceId>,
    width: u16,
    pulls: Pulls,
    timers: Timers,
    nodes: Nodes,
    listeners: Vec<EventListener>,
    resized: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
    wide_from: Option<(f64, u16)>,
    thumb_from: Option<f64>,
    mounted: bool,
}

/// Requests of which one at most is under way, and whether another must follow.
#[derive(Default)]
struct Pulls {
    status: bool,
    status_again: bool,
    strip: bool,
    strip_stale: bool,
}

#[derive(Default)]
struct Timers {
    prefs: Option<Timeout>,
    toast: Option<Timeout>,
    /// Beats once a second for as long as the window lives.
    _second: Option<Interval>,
}

#[derive(Default)]
struct Nodes {
    body: NodeRef,
    wide: NodeRef,
    bar: NodeRef,
    thumb: NodeRef,
}

/// What happens in the window.
pub enum Msg {
    /// The app's first answer.
    Booted(Result<Rc<Boot>, ViewError>),
    /// The carrier reports.
    Heard(Heard),
    /// Sources and counters.
    Status(Result<AppStatus, ViewError>),
    /// Rows over time.
    Strip(Result<Timeline, ViewError>),
    /// A second has gone by.
    Second,
    /// The grid reports.
    Grid(GridEvent),
    /// A key, or a button that does the same.
    Do(Action),
    /// At the header.
    Header(HeaderEvent),
    /// At the top bar.
    Bar(BarEvent),
    /// What lies over the window was closed.
    Close,
    /// The detail panel was closed.
    CloseDetail,
    /// The list behind a cell of the selected row, near a point.
    Values(ValueColumn, u32, f64, f64),
    /// A zone was chosen.
    Zone(String),
    /// A column was shown or hidden.
    Toggle(Column),
    /// The columns go back to their first layout.
    ResetColumns,
    /// Text for the clipboard, and what it is.
    Copy(String, String),
    /// Something to say.
    Toast(String),
    /// The word at the bottom goes.
    Toasted,
    /// A fault's banner was closed.
    Dismiss(SourceId),
    /// The app refused something.
    Failed(ViewError),
    /// The grid has another size.
    Resized,
    /// The preferences rest.
    KeepPrefs,
    /// The preferences are kept: what is shown may have changed with them.
    PrefsKept,
    /// A file hangs over the window, or no longer does.
    Dropping(bool),
    /// The pointer is pressed, moved or released at the detail panel's edge.
    Wide(Drag, f64),
    /// The same at the scrollbar.
    Thumb(Drag, f64),
    /// A click on a row.
    Pressed(f64, Option<Column>, (f64, f64)),
    /// A double click on a row.
    Opened,
    /// The strip was clicked.
    Jump(u64),
    /// The system's own theme changed.
    SystemTheme,
}

/// A pointer's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drag {
    /// Pressed.
    Down,
    /// Moved while pressed.
    Move,
    /// Released.
    Up,
}

impl Component for App {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let client = Client::connect();
        let prefs = Prefs::default();
        let grid = Viewport::new(client.clone(), ctx.link().callback(Msg::Grid), prefs.density.px());
        theme::apply(prefs.theme);
        boot(ctx, &client);
        let heard = ctx.link().callback(Msg::Heard);
        client.ticks(Rc::new(move |h| heard.emit(h)));
        let second = ctx.link().callback(|()| Msg::Second);
        let timers = Timers { _second: Some(Interval::new(STRIP_EVERY, move || second.emit(()))), ..Timers::default() };
        App {
            client,
            grid,
            boot: None,
            prefs,
            sort: Vec::new(),
            status: Rc::default(),
            meta: Meta::default(),
            timeline: Rc::default(),
            selected: None,
            overlay: None,
            detail: false,
            lost: None,
            dropping: false,
            toast: None,
            dismissed: BTreeSet::new(),
            width: 0,
            pulls: Pulls { strip_stale: true, ..Pulls::default() },
            timers,
            nodes: Nodes::default(),
            listeners: listeners(ctx),
            resized: None,
            wide_from: None,
            thumb_from: None,
            mounted: false,
        }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Booted(answer) => self.booted(ctx, answer),
            Msg::Heard(heard) => self.heard(ctx, heard),
            Msg::Status(answer) => self.status(ctx, answer),
            Msg::Strip(answer) => {
                self.pulls.strip = false;
                match answer {
                    Ok(timeline) if *self.timeline != timeline => self.timeline = Rc::new(timeline),
                    Ok(_) | Err(_) => return false,
                }
                true
            }
            Msg::Second => {
                self.pull_strip(ctx);
                if self.detail {
                    self.grid.refresh_selected();
                }
                false
            }
            Msg::Grid(event) => self.grid_event(ctx, event),
            Msg::Do(action) => self.act(ctx, action),
            Msg::Header(event) => self.header(ctx, event),
            Msg::Bar(event) => self.bar(ctx, event),
            Msg::Close => self.close_overlay(),
            Msg::CloseDetail => {
                self.detail = false;
                dom::focus("grid");
                true
            }
            Msg::Values(column, count, x, y) => {
                let Some(row) = &self.selected else { return false };
                self.overlay = Some(Overlay::Values(ValuesAsked { key: row.key, column, count, x, y }));
                true
            }
            Msg::Zone(zone) => {
                self.prefs.zone = zone;
                self.keep_prefs(ctx);
                self.close_overlay()
            }
            Msg::Toggle(column) => {
                columns::toggle(&mut self.prefs.columns, column);
                self.laid_out(ctx)
            }
            Msg::ResetColumns => {
                self.prefs.columns = columns::first();
                self.laid_out(ctx)
            }
            Msg::Copy(text, what) => {
                let link = ctx.link().clone();
                spawn_local(async move {
                    link.send_message(Msg::Toast(match dom::copy(text).await {
                        Ok(()) => format!("Copied {what}"),
                        Err(why) => why,
                    }));
                });
                false
            }
            Msg::Toast(text) => self.say(ctx, text),
            Msg::Toasted => self.toast.take().is_some(),
            Msg::Dismiss(id) => self.dismissed.insert(id),
            Msg::Failed(error) => self.failed(ctx, error),
            Msg::Resized => self.resized(),
            Msg::KeepPrefs => {
                self.keep_prefs(ctx);
                false
            }
            Msg::PrefsKept => {
                self.grid.pull();
                self.pulls.strip_stale = true;
                self.pull_strip(ctx);
                false
            }
            Msg::Dropping(dropping) => std::mem::replace(&mut self.dropping, dropping) != dropping,
            Msg::Wide(drag, x) => self.widen(ctx, drag, x),
            Msg::Thumb(drag, y) => self.thumb(drag, y),
            Msg::Pressed(y, column, at) => self.pressed(y, column, at),
            Msg::Opened => {
                self.detail = self.selected.is_some();
                true
            }
            Msg::Jump(row) => {
                self.grid.scroll_to(row as f64);
                false
            }
            Msg::SystemTheme => {
                theme::apply(self.prefs.theme);
                false
            }
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let Some(boot) = &self.boot else {
            return match &self.lost {
                Some(cause) => screens::disconnected(cause),
                None => html! { <div class="curtain quiet" role="status" aria-label="Starting"></div> },
            };
        };
        html! {
            <div id="window">
                <TopBar status={self.status.clone()} has_dialog={boot.has_dialog} theme={self.prefs.theme}
                    zone={self.prefs.zone.clone()} abbreviation={self.meta.zone.clone()} on={link.callback(Msg::Bar)} />
                { self.banners(ctx) }
                <Strip timeline={self.timeline.clone()} total={self.meta.total} newest_first={self.by_time()}
                    on_jump={link.callback(Msg::Jump)} />
                <main>
                    { self.view_grid(ctx, boot) }
                    { self.view_detail(ctx) }
                </main>
                <StatusBar status={self.status.clone()} meta={self.meta.clone()} flow_events={self.prefs.flow_events}
                    density={self.prefs.density} on={link.callback(Msg::Do)} />
                { self.view_overlay(ctx, boot) }
                if let Some(toast) = &self.toast { <div id="toast" role="status">{ toast }</div> }
                if self.dropping { { screens::drop_here() } }
                if let Some(cause) = &self.lost { { screens::disconnected(cause) } }
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _first: bool) {
        if self.mounted {
            return;
        }
        let nodes = &self.nodes;
        let (Some(body), Some(thumb), Some(wide)) =
            (nodes.body.cast::<HtmlElement>(), nodes.thumb.cast::<HtmlElement>(), nodes.wide.cast::<HtmlElement>())
        else {
            return;
        };
        self.mounted = true;
        let resized = ctx.link().callback(|()| Msg::Resized);
        let closure = Closure::<dyn FnMut()>::new(move || resized.emit(()));
        if let Ok(observer) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
            observer.observe(&wide);
            observer.observe(&body);
            self.resized = Some((observer, closure));
        }
        self.listeners.push(wheel(self.grid.clone(), &body));
        if let Err(error) = self.grid.mount(body, thumb) {
            dom::report(&format!("the grid found no place in the page: {error:?}"));
        }
        ctx.link().send_message(Msg::Resized);
        self.grid.pull();
        dom::focus("grid");
    }
}

/// What happens outside this window's code.
impl App {
    fn booted(&mut self, ctx: &Context<Self>, answer: Result<Rc<Boot>, ViewError>) -> bool {
        match answer {
            Ok(boot) => {
                self.prefs = boot.prefs.clone();
                self.prefs.columns = columns::repaired(&self.prefs.columns);
                self.sort = boot.sort.clone();
                self.boot = Some(boot);
                self.lost = None;
                theme::apply(self.prefs.theme);
                self.grid.set_row_height(self.prefs.density.px());
                self.lay_out();
                self.pull_status(ctx);
                self.pulls.strip_stale = true;
                self.pull_strip(ctx);
            }
            Err(error) => self.lost = Some(error.detail),
        }
        true
    }

    fn heard(&mut self, ctx: &Context<Self>, heard: Heard) -> bool {
        match heard {
            Heard::Tick(Tick { rows, status }) => {
                if self.boot.is_none() || self.lost.is_some() {
                    // The app is back, perhaps as another run of itself.
                    boot(ctx, &self.client);
                    self.grid.pull();
                }
                self.grid.tick(rows);
                self.pulls.strip_stale = true;
                if self.status.revision != status {
                    self.pull_status(ctx);
                }
                false
            }
            Heard::Lost(cause) => {
                let changed = self.lost.as_ref() != Some(&cause);
                self.lost = Some(cause);
                changed
            }
        }
    }

    fn status(&mut self, ctx: &Context<Self>, answer: Result<AppStatus, ViewError>) -> bool {
        self.pulls.status = false;
        if std::mem::take(&mut self.pulls.status_again) {
            self.pull_status(ctx);
        }
        match answer {
            Ok(status) if *self.status != status => {
                self.dismissed.retain(|id| status.sources.iter().any(|s| s.id == *id));
                if let Some(Overlay::Source(id)) = self.overlay
                    && status.sources.iter().all(|s| s.id != id)
                {
                    self.close_overlay();
                }
                self.status = Rc::new(status);
                true
            }
            Ok(_) => false,
            Err(error) => self.failed(ctx, error),
        }
    }

    fn grid_event(&mut self, ctx: &Context<Self>, event: GridEvent) -> bool {
        match event {
            GridEvent::Meta(meta) => {
                self.meta = meta;
                true
            }
            GridEvent::Selected(selected) => {
                let same = match (&self.selected, &selected) {
                    (Some(a), Some(b)) => Rc::ptr_eq(a, b),
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                };
                self.selected = selected;
                if self.selected.is_none() {
                    self.detail = false;
                }
                !same
            }
            GridEvent::Failed(error) => self.failed(ctx, error),
        }
    }

    fn failed(&mut self, ctx: &Context<Self>, error: ViewError) -> bool {
        // The carrier itself says when it is gone and when it is back: a request that fails meanwhile is no news.
        if error.code == backend::UNREACHABLE && self.lost.is_some() {
            return false;
        }
        let text = if error.detail.is_empty() || error.detail == error.message {
            error.message
        } else {
            format!("{} ({})", error.message, error.detail)
        };
        self.say(ctx, text)
    }

    fn say(&mut self, ctx: &Context<Self>, text: String) -> bool {
        self.toast = Some(text);
        let link = ctx.link().clone();
        self.timers.toast = Some(Timeout::new(TOAST, move || link.send_message(Msg::Toasted)));
        true
    }

    fn pull_status(&mut self, ctx: &Context<Self>) {
        if std::mem::replace(&mut self.pulls.status, true) {
            self.pulls.status_again = true;
            return;
        }
        let (client, link) = (self.client.clone(), ctx.link().clone());
        spawn_local(async move {
            link.send_message(Msg::Status(match client.ask(ViewRequest::Status).await {
                Ok(ViewReply::Status(status)) => Ok(status),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            }));
        });
    }

    fn pull_strip(&mut self, ctx: &Context<Self>) {
        if self.boot.is_none() || self.pulls.strip || !std::mem::take(&mut self.pulls.strip_stale) {
            return;
        }
        self.pulls.strip = true;
        let (client, link) = (self.client.clone(), ctx.link().clone());
        spawn_local(async move {
            link.send_message(Msg::Strip(match client.ask(ViewRequest::Timeline { buckets: BUCKETS }).await {
                Ok(ViewReply::Timeline(timeline)) => Ok(timeline),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            }));
        });
    }
}

/// What the user does.
impl App {
    fn act(&mut self, ctx: &Context<Self>, action: Action) -> bool {
        if self.grid.act(action) {
            return false;
        }
        match action {
            Action::Enter => {
                let column = self.grid.column();
                if let Some(row) = &self.selected
                    && let Some((values, _)) = row::values(row, column)
                {
                    return self.show_values(ctx, values);
                }
                self.detail = self.selected.is_some();
            }
            Action::Values(column) => return self.show_values(ctx, column),
            Action::Copy => {
                if let Some(row) = &self.selected {
                    let column = self.grid.column();
                    let what = format!("the row's {}", columns::full_title(column).to_lowercase());
                    ctx.link().send_message(Msg::Copy(row::copied(row, column), what));
                }
                return false;
            }
            Action::Back => {
                if self.overlay.is_some() {
                    return self.close_overlay();
                }
                if self.detail {
                    self.detail = false;
                    dom::focus("grid");
                } else {
                    self.grid.deselect();
                }
            }
            Action::Pause => {
                let paused = !self.status.paused;
                self.tell_then(ctx, ViewRequest::Pause(paused));
                // The button answers at once; the app's own word follows with its next status.
                Rc::make_mut(&mut self.status).paused = paused;
            }
            Action::FlowEvents => {
                self.prefs.flow_events = !self.prefs.flow_events;
                self.keep_prefs(ctx);
            }
            Action::OpenCapture => {
                if self.boot.as_ref().is_some_and(|boot| boot.has_dialog) {
                    self.tell(ctx, ViewRequest::OpenDialog);
                }
            }
            Action::Theme => {
                self.prefs.theme = state::next_theme(self.prefs.theme);
                theme::apply(self.prefs.theme);
                self.keep_prefs_later(ctx);
            }
            Action::Density => {
                self.prefs.density = state::next_density(self.prefs.density);
                self.grid.set_row_height(self.prefs.density.px());
                self.keep_prefs_later(ctx);
            }
            Action::Zone => self.overlay = Some(Overlay::Zone),
            Action::Columns => self.overlay = Some(Overlay::Columns),
            Action::Help => self.overlay = Some(Overlay::Help),
            Action::Down
            | Action::Up
            | Action::PageDown
            | Action::PageUp
            | Action::Home
            | Action::End
            | Action::Left
            | Action::Right => return false,
        }
        true
    }

    fn show_values(&mut self, ctx: &Context<Self>, values: ValueColumn) -> bool {
        let column = match values {
            ValueColumn::Server => Column::Server,
            ValueColumn::ServerPort => Column::ServerPort,
            ValueColumn::Client => Column::Client,
            ValueColumn::ClientPort => Column::ClientPort,
        };
        let Some(row) = &self.selected else { return false };
        let Some((_, count)) = row::values(row, column) else {
            let cell = row::cell(row, column).text;
            return self.say(ctx, format!("This row has one {}: {cell}", row::noun(values)));
        };
        let at = self.grid.cell_element(column).map(|cell| cell.get_bounding_client_rect());
        let (x, y) = at.map_or((200.0, 200.0), |rect| (rect.left(), rect.bottom()));
        self.overlay = Some(Overlay::Values(ValuesAsked { key: row.key, column: values, count, x, y }));
        true
    }

    fn header(&mut self, ctx: &Context<Self>, event: HeaderEvent) -> bool {
        match event {
            HeaderEvent::Sort { column, add } => {
                self.sort = state::sorted(&self.sort, column, add);
                let (client, grid, link, sort) =
                    (self.client.clone(), self.grid.clone(), ctx.link().clone(), self.sort.clone());
                spawn_local(async move {
                    match client.ask(ViewRequest::Sort(sort)).await {
                        Ok(_) => grid.reordered(),
                        Err(error) => link.send_message(Msg::Failed(error)),
                    }
                });
                true
            }
            HeaderEvent::Resize(column, width) => {
                columns::resize(&mut self.prefs.columns, column, width);
                self.laid_out(ctx)
            }
            HeaderEvent::Fit(column) => {
                let width = self.grid.fit(column);
                columns::resize(&mut self.prefs.columns, column, f64::from(width) + 18.0);
                self.laid_out(ctx)
            }
            HeaderEvent::Move(column, before) => {
                columns::move_before(&mut self.prefs.columns, column, before);
                self.laid_out(ctx)
            }
            HeaderEvent::Menu => {
                self.overlay = Some(Overlay::Columns);
                true
            }
            HeaderEvent::Zone => {
                self.overlay = Some(Overlay::Zone);
                true
            }
        }
    }

    fn bar(&mut self, ctx: &Context<Self>, event: BarEvent) -> bool {
        match event {
            BarEvent::Do(action) => return self.act(ctx, action),
            BarEvent::Recent => self.overlay = Some(Overlay::Recent),
            BarEvent::Source(id) => self.overlay = Some(Overlay::Source(id)),
            BarEvent::Stop(id) => self.tell(ctx, ViewRequest::Stop(id)),
            BarEvent::Close(id) => {
                self.close_overlay();
                self.tell_then(ctx, ViewRequest::Close(id));
            }
            BarEvent::Rename(source, name) => self.tell_then(ctx, ViewRequest::Rename { source, name }),
            BarEvent::Open(path) => {
                self.close_overlay();
                self.tell(ctx, ViewRequest::Open(vec![path]));
            }
            BarEvent::ClearRecent => {
                self.close_overlay();
                self.tell(ctx, ViewRequest::ClearRecent);
            }
        }
        true
    }

    fn pressed(&mut self, y: f64, column: Option<Column>, at: (f64, f64)) -> bool {
        dom::focus("grid");
        let Some(row) = self.grid.point(y, column) else { return false };
        if let Some((values, count)) = column.and_then(|column| row::values(&row, column)) {
            self.overlay = Some(Overlay::Values(ValuesAsked { key: row.key, column: values, count, x: at.0, y: at.1 }));
            return true;
        }
        false
    }

    fn close_overlay(&mut self) -> bool {
        let was = self.overlay.take().is_some();
        if was {
            dom::focus("grid");
        }
        was
    }

    fn tell(&self, ctx: &Context<Self>, request: ViewRequest) {
        let link = ctx.link().clone();
        self.client.tell(request, move |error| link.send_message(Msg::Failed(error)));
    }

    /// As [`App::tell`], and looks at rows and status when it is done.
    fn tell_then(&self, ctx: &Context<Self>, request: ViewRequest) {
        let (client, link) = (self.client.clone(), ctx.link().clone());
        spawn_local(async move {
            if let Err(error) = client.ask(request).await {
                link.send_message(Msg::Failed(error));
            }
            link.send_message(Msg::PrefsKept);
            link.send_message(Msg::Status(match client.ask(ViewRequest::Status).await {
                Ok(ViewReply::Status(status)) => Ok(status),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            }));
        });
    }

    fn keep_prefs(&mut self, ctx: &Context<Self>) {
        self.timers.prefs = None;
        self.tell_then(ctx, ViewRequest::SetPrefs(self.prefs.clone()));
    }

    fn keep_prefs_later(&mut self, ctx: &Context<Self>) {
        let link = ctx.link().clone();
        self.timers.prefs = Some(Timeout::new(PREFS_REST, move || link.send_message(Msg::KeepPrefs)));
    }

    fn widen(&mut self, ctx: &Context<Self>, drag: Drag, x: f64) -> bool {
        match (drag, self.wide_from) {
            (Drag::Down, _) => self.wide_from = Some((x, self.prefs.detail_width)),
            (Drag::Move, Some((from, width))) => {
                self.prefs.detail_width = (f64::from(width) + from - x).clamp(DETAIL.0, DETAIL.1) as u16;
                self.keep_prefs_later(ctx);
            }
            (Drag::Move, None) => return false,
            (Drag::Up, _) => self.wide_from = None,
        }
        true
    }

    fn thumb(&mut self, drag: Drag, y: f64) -> bool {
        let top = self.nodes.bar.cast::<HtmlElement>().map_or(0.0, |bar| bar.get_bounding_client_rect().top());
        let y = y - top;
        match (drag, self.thumb_from, self.grid.thumb()) {
            (Drag::Down, _, Some((top, height))) if (top..top + height).contains(&y) => self.thumb_from = Some(y - top),
            // Beside the thumb a press moves by a page, towards the pointer.
            (Drag::Down, _, Some((top, _))) => {
                let page = self.grid.page();
                self.grid.scroll_by(if y < top { -page } else { page });
            }
            (Drag::Move, Some(from), _) => self.grid.drag(y - from),
            (Drag::Up, _, _) => self.thumb_from = None,
            (Drag::Down, _, None) | (Drag::Move, None, _) => {}
        }
        false
    }
}

/// What is laid out and shown.
impl App {
    fn resized(&mut self) -> bool {
        self.grid.resized();
        let width = self.nodes.wide.cast::<HtmlElement>().map_or(0, |wide| wide.client_width().clamp(0, 20_000) as u16);
        if width == self.width {
            return false;
        }
        self.width = width;
        self.lay_out();
        true
    }

    fn laid_out(&mut self, ctx: &Context<Self>) -> bool {
        self.lay_out();
        self.keep_prefs_later(ctx);
        true
    }

    fn lay_out(&self) {
        self.grid.set_layout(self.layout());
    }

    fn layout(&self) -> Layout {
        Layout::new(&self.prefs.columns, self.width)
    }

    /// Newest first, oldest first, or `None` when something else than time decides.
    fn by_time(&self) -> Option<bool> {
        match self.sort.as_slice() {
            [] => Some(true),
            [key] if key.column == Column::Time => Some(key.descending),
            _ => None,
        }
    }

    fn view_grid(&self, ctx: &Context<Self>, boot: &Rc<Boot>) -> Html {
        let link = ctx.link();
        let layout = self.layout();
        let screen = if self.meta.known {
            state::screen(&self.meta, &self.status, self.prefs.flow_events)
        } else {
            Screen::Rows
        };
        let cell_of = |event: &MouseEvent| dom::attribute_around(event.target(), "data-col");
        let body = self.nodes.body.clone();
        let pressed = link.batch_callback(move |event: MouseEvent| {
            let body = body.cast::<HtmlElement>()?;
            let y = f64::from(event.client_y()) - body.get_bounding_client_rect().top();
            let cell = cell_of(&event);
            let at = cell.as_ref().map(|(cell, _)| cell.get_bounding_client_rect());
            let at = at.map_or((0.0, 0.0), |rect| (rect.left(), rect.bottom()));
            Some(Msg::Pressed(y, cell.and_then(|(_, name)| columns::by_name(&name)), at))
        });
        // What a cell says when pointed at is made when it is pointed at, not for every row and frame.
        let (body, grid) = (self.nodes.body.clone(), self.grid.clone());
        let pointed = yew::Callback::from(move |event: MouseEvent| {
            let (Some(body), Some((cell, name))) = (body.cast::<HtmlElement>(), cell_of(&event)) else { return };
            let y = f64::from(event.client_y()) - body.get_bounding_client_rect().top();
            if let Some(hint) = columns::by_name(&name).and_then(|column| grid.hint(y, column)) {
                // A cell without its hint is still readable.
                let _ = cell.set_attribute("title", &hint);
            }
        });
        let thumb = |drag: Drag| {
            link.batch_callback(move |event: PointerEvent| {
                capture(&event, drag);
                (drag != Drag::Move || event.buttons() != 0).then(|| Msg::Thumb(drag, event.client_y().into()))
            })
        };
        let label = format!("Rows, {}", format::grouped(self.meta.total));
        html! {
            <section id="grid" role="grid" aria-label={label} tabindex="0" aria-readonly="true"
                class={format!("density-{}", state::density_name(self.prefs.density))}>
                <style>{ layout.css() }</style>
                <div class="sideways" ref={self.nodes.wide.clone()}>
                    <div class="wide">
                        <Header {layout} sort={self.sort.clone()} zone={self.meta.zone.clone()}
                            on={link.callback(Msg::Header)} />
                        <div class="body" role="rowgroup" ref={self.nodes.body.clone()} onclick={pressed}
                            ondblclick={link.callback(|_: MouseEvent| Msg::Opened)} onmouseover={pointed}></div>
                    </div>
                </div>
                <div class="scrollbar" ref={self.nodes.bar.clone()} onpointerdown={thumb(Drag::Down)}
                    onpointermove={thumb(Drag::Move)} onpointerup={thumb(Drag::Up)} onpointercancel={thumb(Drag::Up)}>
                    <div class="thumb" ref={self.nodes.thumb.clone()}></div>
                </div>
                if self.meta.above > 0 {
                    <button id="new-rows" onclick={link.callback(|_: MouseEvent| Msg::Do(Action::Home))}
                        title="To the top (Home)">{ format!("{} new ↑", format::grouped(self.meta.above)) }</button>
                }
                if screen != Screen::Rows {
                    <ScreenView {screen} status={self.status.clone()} has_dialog={boot.has_dialog}
                        on={link.callback(Msg::Bar)} />
                }
            </section>
        }
    }

    fn view_detail(&self, ctx: &Context<Self>) -> Html {
        let (true, Some(row)) = (self.detail, &self.selected) else { return Html::default() };
        let link = ctx.link();
        let edge = |drag: Drag| {
            link.batch_callback(move |event: PointerEvent| {
                capture(&event, drag);
                (drag != Drag::Move || event.buttons() != 0).then(|| Msg::Wide(drag, event.client_x().into()))
            })
        };
        html! {
            <aside id="detail" aria-label="The selected row" style={format!("width:{}px", self.prefs.detail_width)}>
                <div class="detail-edge" title="Drag to resize" onpointerdown={edge(Drag::Down)}
                    onpointermove={edge(Drag::Move)} onpointerup={edge(Drag::Up)} onpointercancel={edge(Drag::Up)}></div>
                <Detail client={self.client.clone()} row={row.clone()} zone={self.meta.zone.clone()}
                    on_close={link.callback(|()| Msg::CloseDetail)}
                    on_copy={link.callback(|(text, what)| Msg::Copy(text, what))}
                    on_values={link.callback(|(column, count, x, y)| Msg::Values(column, count, x, y))} />
            </aside>
        }
    }

    fn view_overlay(&self, ctx: &Context<Self>, boot: &Rc<Boot>) -> Html {
        let link = ctx.link();
        let on_close = link.callback(|()| Msg::Close);
        match &self.overlay {
            None => Html::default(),
            Some(Overlay::Values(asked)) => html! {
                <Popup client={self.client.clone()} asked={asked.clone()} {on_close}
                    on_copy={link.callback(|(text, what)| Msg::Copy(text, what))} />
            },
            Some(Overlay::Zone) => html! {
                <ZonePicker zones={Rc::new(boot.zones.clone())} system={boot.system_zone.clone()}
                    current={self.prefs.zone.clone()} abbreviation={self.meta.zone.clone()}
                    on_pick={link.callback(Msg::Zone)} {on_close} />
            },
            Some(Overlay::Help) => html! {
                <Help has_dialog={boot.has_dialog} version={boot.version.clone()} {on_close} />
            },
            Some(Overlay::Columns) => html! {
                <ColumnMenu columns={self.prefs.columns.clone()} on_toggle={link.callback(Msg::Toggle)}
                    on_reset={link.callback(|()| Msg::ResetColumns)} {on_close} />
            },
            Some(Overlay::Recent) => html! {
                <RecentMenu recent={self.status.recent.clone()} on={link.callback(Msg::Bar)} {on_close} />
            },
            Some(Overlay::Source(id)) => {
                let Some(source) = self.status.sources.iter().find(|s| s.id == *id) else { return Html::default() };
                let chip = dom::document().and_then(|d| d.query_selector(&format!("[data-source-id='{id}']")).ok()?);
                let x = chip.map_or(100.0, |chip| chip.get_bounding_client_rect().left());
                html! { <SourceCard source={source.clone()} {x} on={link.callback(Msg::Bar)} {on_close} /> }
            }
        }
    }

    /// Faults of sources whose rows are in the grid, and the app's standing messages.
    fn banners(&self, ctx: &Context<Self>) -> Html {
        let faults = self.status.sources.iter().filter(|s| s.rows > 0 && !self.dismissed.contains(&s.id));
        let faults = faults.filter_map(|s| Some((s, state::fault(s)?)));
        html! {
            <>
                { for faults.map(|(source, why)| {
                    let id = source.id;
                    html! {
                        <div key={format!("source-{id}")} class="banner bad" role="alert" data-banner={id.to_string()}>
                            { icon(Icon::Warning) }
                            <span><b>{ &source.name }</b>{ format!(": {why} The {} read before the fault are shown.",
                                format::counted(source.rows, "row")) }</span>
                            <span class="grow"></span>
                            <button class="bare" title="Close" aria-label="Close"
                                onclick={ctx.link().callback(move |_: MouseEvent| Msg::Dismiss(id))}>
                                { icon(Icon::Close) }
                            </button>
                        </div>
                    }
                }) }
                { for self.status.notices.iter().map(|notice| html! {
                    <div key={format!("notice-{}", notice.code)} class="banner warn" role="status" title={notice.detail.clone()}>
                        { icon(Icon::Warning) }<span>{ &notice.message }</span>
                    </div>
                }) }
            </>
        }
    }
}

fn boot(ctx: &Context<App>, client: &Client) {
    let (client, link) = (client.clone(), ctx.link().clone());
    spawn_local(async move {
        link.send_message(Msg::Booted(match client.ask(ViewRequest::Boot).await {
            Ok(ViewReply::Boot(boot)) => Ok(boot.into()),
            Ok(_) => Err(unexpected()),
            Err(error) => Err(error),
        }));
    });
}

/// Keys of the whole window, files that hang over it, and the system's theme.
fn listeners(ctx: &Context<App>) -> Vec<EventListener> {
    let mut listeners = Vec::new();
    if let Some(window) = dom::window() {
        let action = ctx.link().callback(Msg::Do);
        let options = EventListenerOptions::enable_prevent_default();
        listeners.push(EventListener::new_with_options(&window, "keydown", options, move |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>()
                && let Some(wanted) = action_of(event)
            {
                event.prevent_default();
                action.emit(wanted);
            }
        }));
    }
    if let Some(query) = theme::system() {
        let changed = ctx.link().callback(|()| Msg::SystemTheme);
        listeners.push(EventListener::new(&query, "change", move |_| changed.emit(())));
    }
    for (event, dropping) in [("tauri://drag-enter", true), ("tauri://drag-leave", false), ("tauri://drag-drop", false)]
    {
        let heard = ctx.link().callback(move |()| Msg::Dropping(dropping));
        backend::listen_to_tauri(event, move || heard.emit(()));
    }
    listeners
}

/// The action of a key, unless somebody types or the key belongs to a button that has the focus.
fn action_of(event: &KeyboardEvent) -> Option<Action> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.default_prevented() {
        return None;
    }
    let (key, on) = (event.key(), event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok()));
    let tag = on.map(|element| element.tag_name()).unwrap_or_default();
    match tag.as_str() {
        "INPUT" | "TEXTAREA" if key != "Escape" => None,
        "BUTTON" if key == " " || key == "Enter" => None,
        _ => keys::find(&key),
    }
}

fn wheel(grid: Rc<Viewport>, body: &HtmlElement) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(body, "wheel", options, move |event| {
        let Some(event) = event.dyn_ref::<WheelEvent>() else { return };
        if event.ctrl_key() || event.shift_key() || event.delta_x().abs() > event.delta_y().abs() {
            return;
        }
        event.prevent_default();
        let unit = match event.delta_mode() {
            WheelEvent::DOM_DELTA_LINE => WHEEL_LINE,
            WheelEvent::DOM_DELTA_PAGE => WHEEL_LINE * grid.page(),
            _ => 1.0,
        };
        grid.scroll_pixels(event.delta_y() * unit);
    })
}

/// A drag that leaves its element goes on; a browser that refuses ends it at the border.
fn capture(event: &PointerEvent, drag: Drag) {
    if drag == Drag::Down {
        event.prevent_default();
        if let Some(element) = event.current_target().and_then(|t| t.dyn_into::<HtmlElement>().ok()) {
            let _ = element.set_pointer_capture(event.pointer_id());
        }
    }
}
