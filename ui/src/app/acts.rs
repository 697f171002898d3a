//! What the user does: keys, header, bars, drags.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use sensor_wire::request::ValueColumn;
use sensor_wire::view::{Column, DETAIL_HEIGHT, DETAIL_WIDTH, Dock, ViewError, ViewReply, ViewRequest};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;
use yew::Context;

use super::{App, Drag, Msg, hosts};
use crate::backend::unexpected;
use crate::dom;
use crate::format;
use crate::grid::columns;
use crate::grid::header::HeaderEvent;
use crate::grid::keys::Action;
use crate::grid::row;
use crate::popup;
use crate::state::{self, Overlay, ValuesAsked};
use crate::theme;
use crate::topbar::BarEvent;

/// Preferences that change in small steps (a width being dragged) are kept once they rest, in milliseconds.
const PREFS_REST: u32 = 400;

impl App {
    pub(super) fn act(&mut self, ctx: &Context<Self>, action: Action) -> bool {
        self.pointed = None;
        if self.rules && self.overlay.is_none() && action.is_for_rows() {
            if action == Action::Back {
                return self.close_rules();
            }
            self.focus_home();
            return false;
        }
        if self.hosts.open && self.overlay.is_none() && action.is_for_rows() {
            // The rows lie under the pane: what is meant for them goes to it.
            if action == Action::Back {
                return self.close_hosts();
            }
            self.focus_home();
            return false;
        }
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
            Action::Why => return self.ask_why(ctx),
            Action::Copy => {
                self.copy_cell(ctx);
                return false;
            }
            Action::Back => {
                if self.overlay.is_some() {
                    return self.close_overlay();
                }
                if self.detail && self.why.take().is_some() {
                    dom::focus("grid");
                } else if self.detail {
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
                self.close_overlay();
                if self.boot.as_ref().is_some_and(|boot| boot.has_dialog) {
                    self.tell(ctx, ViewRequest::OpenDialog);
                }
            }
            Action::Capture => {
                self.asked.refused = None;
                self.overlay = Some(Overlay::Capture);
            }
            Action::Annotations => {
                self.prefs.annotations = !self.prefs.annotations;
                self.grid.set_row_height(state::row_height(&self.prefs));
                self.keep_prefs(ctx);
            }
            Action::Hosts => return if self.hosts.open { self.close_hosts() } else { self.show_hosts(None) },
            Action::Rules if self.rules => return self.close_rules(),
            Action::Rules => {
                (self.overlay, self.hosts.open) = (None, false);
                (self.rules, self.rule) = (true, None);
            }
            Action::HostOf => {
                let host = self.selected.as_ref().map(|row| hosts::host_of(row, self.grid.column()));
                return match host {
                    Some(Some(host)) => self.show_hosts(Some(host)),
                    Some(None) => self.say(ctx, "This cell names no single host: go to a server or client.".into()),
                    None => false,
                };
            }
            Action::Find => {
                (self.overlay, self.hosts.open) = (None, false);
                self.rules = false;
                dom::focus("find");
            }
            Action::Theme => {
                self.prefs.theme = state::next_theme(self.prefs.theme);
                theme::apply(self.prefs.theme);
                self.keep_prefs_later(ctx);
            }
            Action::Density => {
                self.prefs.density = state::next_density(self.prefs.density);
                self.grid.set_row_height(state::row_height(&self.prefs));
                self.keep_prefs_later(ctx);
            }
            Action::Dock => {
                if !self.detail {
                    return false;
                }
                let wanted = if self.docked_right() { Dock::Below } else { Dock::Right };
                // What the room alone would decide stays its decision, in a window of another size too.
                self.prefs.detail_dock = Dock::Auto;
                if self.docked_right() != (wanted == Dock::Right) {
                    self.prefs.detail_dock = wanted;
                }
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

    /// Of the selected row's first rule; of a row without one the question is which.
    fn ask_why(&mut self, ctx: &Context<Self>) -> bool {
        let Some(row) = &self.selected else { return self.say(ctx, "Select a row first".into()) };
        if self.detail && self.why.take().is_some() {
            dom::focus("grid");
            return true;
        }
        let rule = row.events.iter().find_map(|event| event.rule.as_ref());
        self.why = Some(rule.map(|rule| (rule.gid, rule.sid)));
        self.detail = true;
        true
    }

    /// The cell's value for the clipboard; of a cell that stands for many, all of them.
    fn copy_cell(&self, ctx: &Context<Self>) {
        let Some(row) = &self.selected else { return };
        let column = self.grid.column();
        let Some((values, _)) = row::values(row, column) else {
            let what = format!("the row's {}", columns::full_title(column).to_lowercase());
            ctx.link().send_message(Msg::Copy(row::copied(row, column), what));
            return;
        };
        let (client, link, key) = (self.client.clone(), ctx.link().clone(), row.key);
        spawn_local(async move {
            link.send_message(match client.ask(ViewRequest::Values { key, column: values }).await {
                Ok(ViewReply::Values(list)) => {
                    let (copied, total) = (list.values.len() as u64, u64::from(list.total));
                    let what = match format::counted(copied, row::noun(values)) {
                        part if copied < total => format!("{part} of {}", format::grouped(total)),
                        all => all,
                    };
                    Msg::Copy(popup::lines(list.values.iter()), what)
                }
                Ok(_) => Msg::Failed(unexpected()),
                Err(error) => Msg::Failed(error),
            });
        });
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

    pub(super) fn header(&mut self, ctx: &Context<Self>, event: HeaderEvent) -> bool {
        match event {
            HeaderEvent::Sort { column, add } => {
                self.sort = state::sorted(&self.sort, column, add);
                self.push_sort(ctx);
                true
            }
            HeaderEvent::Resize(column, width) => {
                columns::resize(&mut self.prefs.columns, column, width);
                self.laid_out(ctx)
            }
            HeaderEvent::Fit(column) => {
                let width = self.grid.fit(column);
                columns::resize(&mut self.prefs.columns, column, width.into());
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

    /// Tells the app what is searched for. As with the order, the newest word is the last one told.
    pub(super) fn find(&mut self, ctx: &Context<Self>, text: String) -> bool {
        self.find = text;
        self.push_find(ctx);
        true
    }

    fn push_find(&mut self, ctx: &Context<Self>) {
        if std::mem::replace(&mut self.pulls.find, true) {
            self.pulls.find_again = true;
            return;
        }
        let (client, link, text) = (self.client.clone(), ctx.link().clone(), self.find.clone());
        spawn_local(async move {
            link.send_message(Msg::Found(client.ask(ViewRequest::Find(text)).await.map(drop)));
        });
    }

    pub(super) fn found(&mut self, ctx: &Context<Self>, answer: Result<(), ViewError>) -> bool {
        self.pulls.find = false;
        if std::mem::take(&mut self.pulls.find_again) {
            self.push_find(ctx);
        }
        match answer {
            Ok(()) => {
                self.grid.reordered();
                false
            }
            Err(error) => self.failed(ctx, error),
        }
    }

    /// Tells the app the order. Two requests at once could overtake each other, and the older one would stay.
    fn push_sort(&mut self, ctx: &Context<Self>) {
        if std::mem::replace(&mut self.pulls.sort, true) {
            self.pulls.sort_again = true;
            return;
        }
        let (client, link, sort) = (self.client.clone(), ctx.link().clone(), self.sort.clone());
        spawn_local(async move {
            link.send_message(Msg::Sorted(client.ask(ViewRequest::Sort(sort)).await.map(drop)));
        });
    }

    pub(super) fn sorted(&mut self, ctx: &Context<Self>, answer: Result<(), ViewError>) -> bool {
        self.pulls.sort = false;
        if std::mem::take(&mut self.pulls.sort_again) {
            self.push_sort(ctx);
        }
        match answer {
            Ok(()) => {
                self.grid.reordered();
                false
            }
            Err(error) => self.failed(ctx, error),
        }
    }

    pub(super) fn bar(&mut self, ctx: &Context<Self>, event: BarEvent) -> bool {
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
            BarEvent::Again(id) => {
                self.close_overlay();
                // What comes of it is the new source's to tell.
                self.dismissed.insert(id);
                self.tell_then(ctx, ViewRequest::Again(id));
            }
            BarEvent::Copy(text, what) => {
                ctx.link().send_message(Msg::Copy(text, what));
                return false;
            }
            BarEvent::Find(text) => return self.find(ctx, text),
            BarEvent::LeaveFind => {
                dom::focus("grid");
                return false;
            }
            BarEvent::ClearRecent => {
                self.close_overlay();
                self.tell(ctx, ViewRequest::ClearRecent);
            }
        }
        true
    }

    pub(super) fn pressed(&mut self, y: f64, column: Option<Column>, at: (f64, f64)) -> bool {
        dom::focus("grid");
        self.pointed = None;
        let Some(row) = self.grid.point(y, column) else { return false };
        if let Some((values, count)) = column.and_then(|column| row::values(&row, column)) {
            self.overlay = Some(Overlay::Values(ValuesAsked { key: row.key, column: values, count, x: at.0, y: at.1 }));
            return true;
        }
        false
    }

    pub(super) fn close_overlay(&mut self) -> bool {
        let was = self.overlay.take().is_some();
        if was {
            self.focus_home();
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

    pub(super) fn keep_prefs(&mut self, ctx: &Context<Self>) {
        self.timers.prefs = None;
        self.tell_then(ctx, ViewRequest::SetPrefs(self.prefs.clone()));
    }

    pub(super) fn keep_prefs_later(&mut self, ctx: &Context<Self>) {
        let link = ctx.link().clone();
        self.timers.prefs = Some(Timeout::new(PREFS_REST, move || link.send_message(Msg::KeepPrefs)));
    }

    pub(super) fn widen(&mut self, ctx: &Context<Self>, drag: Drag, at: f64) -> bool {
        let right = self.docked_right();
        let size = if right { &mut self.prefs.detail_width } else { &mut self.prefs.detail_height };
        match (drag, self.wide_from) {
            (Drag::Down, _) => self.wide_from = Some((at, *size)),
            (Drag::Move, Some((from, before))) => {
                let (least, most) = if right { DETAIL_WIDTH } else { DETAIL_HEIGHT };
                *size = (f64::from(before) + from - at).clamp(least.into(), most.into()) as u16;
                self.keep_prefs_later(ctx);
            }
            (Drag::Move, None) => return false,
            (Drag::Up, _) => self.wide_from = None,
        }
        true
    }

    pub(super) fn thumb(&mut self, drag: Drag, y: f64) -> bool {
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
