//! The window: one component owns what is known and what is open, and hands each part what it shows.

mod acts;
mod capture;
mod hosts;
mod listeners;
mod news;
mod view;

use std::collections::BTreeSet;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::{Interval, Timeout};
use sensor_wire::live::CaptureFailure;
use sensor_wire::request::ValueColumn;
use sensor_wire::view::{
    AppStatus, Boot, Column, HostAsked, Prefs, SortKey, SourceId, Timeline, ViewError, ViewHost, ViewRow, Wire,
};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;
use yew::{Component, Context, Html, NodeRef};

use crate::backend::{Client, Heard};
use crate::dom::{self, SizeWatch};
use crate::grid::columns;
use crate::grid::header::HeaderEvent;
use crate::grid::keys::Action;
use crate::grid::viewport::{GridEvent, Meta, Viewport};
use crate::rules::own::RuleId;
use crate::state::{self, Overlay, ValuesAsked};
use crate::theme;
use crate::topbar::BarEvent;

/// The window looks once in this many milliseconds at what may have changed unasked.
const BEAT: u32 = 1_000;

/// The window.
pub struct App {
    client: Client,
    grid: Rc<Viewport>,
    boot: Option<Rc<Boot>>,
    prefs: Prefs,
    sort: Vec<SortKey>,
    find: String,
    status: Rc<AppStatus>,
    meta: Meta,
    timeline: Rc<Timeline>,
    selected: Option<Rc<ViewRow>>,
    overlay: Option<Overlay>,
    asked: capture::Asked,
    detail: bool,
    /// In the detail panel a rule is asked about: which first.
    why: Option<Option<RuleId>>,
    hosts: hosts::HostsPane,
    /// The pane of rules lies over the grid.
    rules: bool,
    /// The rule that it is to show.
    rule: Option<(u32, u32)>,
    pointed: Option<hosts::Pointed>,
    lost: Option<String>,
    dropping: bool,
    toast: Option<String>,
    dismissed: BTreeSet<SourceId>,
    /// Widths that the grid has, and that the grid and a panel beside it share.
    width: u16,
    room: u16,
    pulls: Pulls,
    timers: Timers,
    nodes: Nodes,
    listeners: Vec<EventListener>,
    resized: Option<SizeWatch>,
    wide_from: Option<(f64, u16)>,
    thumb_from: Option<f64>,
    mounted: bool,
}

/// Requests of which one at most is under way, and whether another must follow.
#[derive(Default)]
struct Pulls {
    status: bool,
    status_again: bool,
    /// It changed, and is asked for once the rows under way are here.
    status_due: bool,
    strip: bool,
    strip_stale: bool,
    sort: bool,
    sort_again: bool,
    find: bool,
    find_again: bool,
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
    main: NodeRef,
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
    /// The app took the order, or did not.
    Sorted(Result<(), ViewError>),
    /// The app took it, or did not.
    Found(Result<(), ViewError>),
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
    /// Capture this, under this name.
    Capture(Wire, String),
    /// It runs, or why it can't.
    Captured(Result<Option<CaptureFailure>, ViewError>),
    /// What is wanted of the picker of interfaces is another thing than what was refused.
    CaptureChanged,
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
    /// The pointer is pressed, moved or released at the detail panel's edge, which lies across this coordinate.
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
    /// The pane of hosts, with this one beside the list.
    Hosts(Option<HostAsked>),
    /// The pane of hosts was closed.
    CloseHosts,
    /// The pane of rules, with this one beside the list.
    Rule(u32, u32),
    /// The pane of rules was closed.
    CloseRules,
    /// A rule is asked about in the detail panel, or none any more.
    Why(Option<Option<RuleId>>),
    /// The pointer is over a cell that names one host, or no longer is.
    Point(Option<(HostAsked, hosts::Place)>),
    /// It rests there.
    PointRests,
    /// It went away.
    PointGone,
    /// What is known of the host under the pointer.
    Card(HostAsked, Option<Rc<ViewHost>>),
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
        let grid = Viewport::new(client.clone(), ctx.link().callback(Msg::Grid), state::row_height(&prefs));
        theme::apply(prefs.theme);
        news::boot(ctx, &client);
        let heard = ctx.link().callback(Msg::Heard);
        client.ticks(Rc::new(move |h| heard.emit(h)));
        let second = ctx.link().callback(|()| Msg::Second);
        let timers = Timers { _second: Some(Interval::new(BEAT, move || second.emit(()))), ..Timers::default() };
        App {
            client,
            grid,
            boot: None,
            prefs,
            sort: Vec::new(),
            find: String::new(),
            status: Rc::default(),
            meta: Meta::default(),
            timeline: Rc::default(),
            selected: None,
            overlay: None,
            asked: capture::Asked::default(),
            detail: false,
            why: None,
            hosts: hosts::HostsPane::default(),
            rules: false,
            rule: None,
            pointed: None,
            lost: None,
            dropping: false,
            toast: None,
            dismissed: BTreeSet::new(),
            width: 0,
            room: 0,
            pulls: Pulls { strip_stale: true, ..Pulls::default() },
            timers,
            nodes: Nodes::default(),
            listeners: listeners::listeners(ctx),
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
            Msg::Sorted(answer) => self.sorted(ctx, answer),
            Msg::Found(answer) => self.found(ctx, answer),
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
                (self.detail, self.why) = (false, None);
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
            Msg::Capture(wire, name) => self.capture(ctx, wire, name),
            Msg::Captured(answer) => self.captured(ctx, answer),
            Msg::CaptureChanged => self.asked.refused.take().is_some(),
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
            Msg::Hosts(host) => self.show_hosts(host),
            Msg::CloseHosts => self.close_hosts(),
            Msg::Rule(gid, sid) => {
                (self.overlay, self.hosts.open) = (None, false);
                (self.rules, self.rule) = (true, Some((gid, sid)));
                true
            }
            Msg::CloseRules => self.close_rules(),
            Msg::Why(asked) => {
                self.why = asked;
                if asked.is_none() {
                    dom::focus("grid");
                }
                true
            }
            Msg::Point(at) => self.point(ctx, at),
            Msg::PointRests => self.point_rests(ctx),
            Msg::PointGone => self.point_gone(),
            Msg::Card(asked, host) => self.card(asked, host),
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        self.window(ctx)
    }

    fn rendered(&mut self, ctx: &Context<Self>, _first: bool) {
        if self.mounted {
            return;
        }
        let nodes = &self.nodes;
        let element = |node: &NodeRef| node.cast::<HtmlElement>();
        let (Some(body), Some(thumb), Some(wide), Some(main)) =
            (element(&nodes.body), element(&nodes.thumb), element(&nodes.wide), element(&nodes.main))
        else {
            return;
        };
        self.mounted = true;
        let resized = ctx.link().callback(|()| Msg::Resized);
        self.resized = SizeWatch::new(&[&wide, &body, &main], move || resized.emit(()));
        self.listeners.push(listeners::wheel(self.grid.clone(), &body));
        if let Err(error) = self.grid.mount(body, thumb) {
            dom::report(&format!("the grid found no place in the page: {error:?}"));
        }
        ctx.link().send_message(Msg::Resized);
        self.grid.pull();
        dom::focus("grid");
    }
}
