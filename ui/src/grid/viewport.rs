//! The rows on screen. Holds the window of rows it was given, a little more than it shows, and puts it into recycled
//! slots; asks for another window when a tick says that rows changed, or when scrolling comes near the window's edge.
//! At most one request is under way; what happens meanwhile is one request more when it is answered.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_render::{AnimationFrame, request_animation_frame};
use sensor_wire::view::{Anchor, Column, RowKey, RowWindow, Totals, ViewError, ViewReply, ViewRequest, ViewRow};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};
use yew::Callback;

use crate::backend::{Client, unexpected};
use crate::dom;
use crate::grid::columns::Layout;
use crate::grid::header;
use crate::grid::keys::Action;
use crate::grid::perf;
use crate::grid::row;
use crate::grid::scroll::Scroll;
use crate::grid::selection::Selection;
use crate::grid::slot::Slot;

/// Rows asked for beyond each edge of what is shown, so that a turn of the wheel has them at hand.
const MARGIN: u64 = 30;
/// Most rows the app answers with.
const MOST: u64 = 200;
/// A scroll that comes this near to the window's edge asks for the next one.
const NEAR: u64 = 10;

/// What the grid tells the rest of the window.
#[derive(Clone, Debug)]
pub enum GridEvent {
    /// What is known about the list as a whole.
    Meta(Meta),
    /// A request for rows was answered, well or not.
    Pulled,
    /// The selected row, whenever it is another or says something else.
    Selected(Option<Rc<ViewRow>>),
    /// The app refused, or cannot be reached.
    Failed(ViewError),
}

/// The list as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// A window of rows has been there.
    pub known: bool,
    /// Rows that pass the filter.
    pub total: u64,
    /// Rows, filtered or not.
    pub unfiltered: u64,
    /// Abbreviation of the zone.
    pub zone: String,
    /// Rows that wait while the view is paused.
    pub waiting: u64,
    /// Sums over the rows that pass the filter.
    pub totals: Totals,
    /// Rows that came above the first row in sight since the view left the top.
    pub above: u64,
}

/// The rows on screen; shared between the grid's listeners and the window.
pub struct Viewport {
    client: Client,
    emit: Callback<GridEvent>,
    measuring: bool,
    state: RefCell<State>,
    frame: RefCell<Option<AnimationFrame>>,
    /// A request is under way, and whether another must follow.
    pulling: Cell<bool>,
    again: Cell<bool>,
}

struct State {
    dom: Option<Dom>,
    slots: Vec<Slot>,
    scroll: Scroll,
    window: RowWindow,
    meta: Meta,
    selection: Selection,
    selected: Option<Rc<ViewRow>>,
    /// A row to select as soon as it is here: where a movement led out of the window.
    wanted: Option<u64>,
    layout: Layout,
    /// When the tick was heard whose rows are still to be shown.
    heard: Option<f64>,
    /// Offset and count of the last request: the same one is not made twice for the same position.
    asked: (u64, u32),
}

struct Dom {
    body: HtmlElement,
    block: HtmlElement,
    thumb: HtmlElement,
}

/// The first row in sight when a request was made; it holds still.
struct Held {
    key: RowKey,
    index: u64,
}

impl Viewport {
    /// An empty grid that is not in the page yet.
    pub fn new(client: Client, emit: Callback<GridEvent>, row_height: u16) -> Rc<Viewport> {
        Rc::new(Viewport {
            client,
            emit,
            measuring: perf::wanted(),
            state: RefCell::new(State {
                dom: None,
                slots: Vec::new(),
                scroll: Scroll::new(row_height.into()),
                window: RowWindow::default(),
                meta: Meta::default(),
                selection: Selection::default(),
                selected: None,
                wanted: None,
                layout: Layout::default(),
                heard: None,
                asked: (0, 0),
            }),
            frame: RefCell::new(None),
            pulling: Cell::new(false),
            again: Cell::new(false),
        })
    }

    /// Takes its place in the page: rows go into `body`, `thumb` is the scrollbar's.
    pub fn mount(self: &Rc<Self>, body: HtmlElement, thumb: HtmlElement) -> Result<(), JsValue> {
        let document = dom::document().ok_or_else(|| JsValue::from_str("no page"))?;
        let block: HtmlElement = document.create_element("div")?.dyn_into()?;
        block.set_class_name("block");
        body.append_child(&block)?;
        {
            let mut state = self.state.borrow_mut();
            state.slots.clear();
            state.dom = Some(Dom { body, block, thumb });
        }
        self.resized();
        Ok(())
    }

    /// The body has another height.
    pub fn resized(self: &Rc<Self>) {
        {
            let mut state = self.state.borrow_mut();
            let row = state.scroll.row_height();
            state.set_size(row);
            state.render();
        }
        self.pull_if_near();
    }

    /// Rows have another height.
    pub fn set_row_height(self: &Rc<Self>, px: u16) {
        {
            let mut state = self.state.borrow_mut();
            state.set_size(px.into());
            state.render();
        }
        self.pull_if_near();
    }

    /// The columns stand otherwise; where they stand is CSS, which cell is beside which is not.
    pub fn set_layout(&self, layout: Layout) {
        self.state.borrow_mut().layout = layout;
    }

    /// The app says that rows changed. Answers whether they are asked for now.
    pub fn tick(self: &Rc<Self>, rows: u64) -> bool {
        {
            let mut state = self.state.borrow_mut();
            if state.meta.known && state.window.revision == rows {
                return false;
            }
            if self.measuring && state.heard.is_none() {
                state.heard = Some(dom::now());
            }
        }
        self.pull();
        true
    }

    /// The order is another: back to the top, where the new order begins.
    pub fn reordered(self: &Rc<Self>) {
        {
            let mut state = self.state.borrow_mut();
            state.scroll.to(0.0);
            state.meta.above = 0;
        }
        self.pull();
    }

    /// Asks for the rows to show; once more after the request under way, if there is one.
    pub fn pull(self: &Rc<Self>) {
        if self.pulling.replace(true) {
            self.again.set(true);
            return;
        }
        let (request, held, heard) = {
            let mut state = self.state.borrow_mut();
            let (request, held) = state.request();
            (request, held, state.heard.take())
        };
        let this = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let reply = this.client.ask(request).await;
            this.arrived(reply, held, heard);
            this.pulling.set(false);
            this.emit.emit(GridEvent::Pulled);
            if this.again.take() {
                this.pull();
            }
        });
    }

    /// Scrolls by rows; drawn with the next frame.
    pub fn scroll_by(self: &Rc<Self>, rows: f64) {
        if self.state.borrow_mut().scroll.by(rows) {
            self.scrolled();
        }
    }

    /// Scrolls by a wheel's pixels.
    pub fn scroll_pixels(self: &Rc<Self>, pixels: f64) {
        let row = self.state.borrow().scroll.row_height();
        self.scroll_by(pixels / row);
    }

    /// Scrolls to a row.
    pub fn scroll_to(self: &Rc<Self>, row: f64) {
        if self.state.borrow_mut().scroll.to(row) {
            self.scrolled();
        }
    }

    /// The scrollbar's thumb is dragged so that its top stands at `y`.
    pub fn drag(self: &Rc<Self>, y: f64) {
        if self.state.borrow_mut().scroll.drag(y) {
            self.scrolled();
        }
    }

    /// Top and height of the scrollbar's thumb.
    pub fn thumb(&self) -> Option<(f64, f64)> {
        self.state.borrow().scroll.thumb()
    }

    /// Rows that a page key moves by.
    pub fn page(&self) -> f64 {
        self.state.borrow().scroll.page() as f64
    }

    /// A movement by keyboard. Answers whether the action was one.
    pub fn act(self: &Rc<Self>, action: Action) -> bool {
        match action {
            Action::Left | Action::Right => {
                let mut state = self.state.borrow_mut();
                let column = state.layout.beside(state.selection.column, action == Action::Right);
                state.selection.column = column;
                state.render();
                drop(state);
                self.reveal_cell();
                true
            }
            Action::Down | Action::Up | Action::PageDown | Action::PageUp | Action::Home | Action::End => {
                self.moved(action);
                true
            }
            _ => false,
        }
    }

    /// Selects the row under a point of the body, and the cell. Answers the row.
    pub fn point(self: &Rc<Self>, y: f64, column: Option<Column>) -> Option<ViewRow> {
        let row = {
            let mut state = self.state.borrow_mut();
            let index = state.scroll.row_at(y)?;
            let row = state.row(index)?.clone();
            if let Some(column) = column {
                state.selection.column = column;
            }
            state.select(&row, index);
            state.render();
            row
        };
        self.tell_selected();
        Some(row)
    }

    /// What a pointer that rests on a cell is told.
    pub fn hint(&self, y: f64, column: Column) -> Option<String> {
        let state = self.state.borrow();
        let index = state.scroll.row_at(y)?;
        state.row(index).map(|row| row::hint(row, column))
    }

    /// The row under a height within the body.
    pub fn row_under(&self, y: f64) -> Option<ViewRow> {
        let state = self.state.borrow();
        state.row(state.scroll.row_at(y)?).cloned()
    }

    /// The selected row as it was last seen.
    pub fn selected(&self) -> Option<Rc<ViewRow>> {
        self.state.borrow().selected.clone()
    }

    /// The cell the user is at.
    pub fn column(&self) -> Column {
        self.state.borrow().selection.column
    }

    /// Lets go of the row. Answers whether one was selected.
    pub fn deselect(self: &Rc<Self>) -> bool {
        let was = {
            let mut state = self.state.borrow_mut();
            let was = state.selection.key.take().is_some();
            state.wanted = None;
            state.render();
            was
        };
        self.tell_selected();
        was
    }

    /// The element of the selected row's cell, while it is in sight.
    pub fn cell_element(&self, column: Column) -> Option<Element> {
        let state = self.state.borrow();
        let slot = state.selection.index.checked_sub(state.scroll.first())?;
        let id = format!("slot-{slot}-{}", super::columns::name(column));
        dom::document()?.get_element_by_id(&id)
    }

    /// The width at which a column's heading and its content fit, over the rows in sight and the one that comes next.
    pub fn fit(&self, column: Column) -> u16 {
        let state = self.state.borrow();
        let content = state.slots.iter().map(|slot| slot.content_width(column)).max().unwrap_or(0);
        // A cell that has just the width of its text would cut it where that is a fraction of a pixel more.
        (content.max(header::natural_width(column)) + 1).clamp(0, 2_000) as u16
    }

    /// Looks again at a selected row that is out of sight, so that whoever shows it shows its newest revision.
    pub fn refresh_selected(self: &Rc<Self>) {
        let key = {
            let state = self.state.borrow();
            let Some(key) = state.selection.key else { return };
            if state.window.rows.iter().any(|row| row.key == key) {
                return;
            }
            key
        };
        let this = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let request = ViewRequest::Rows { offset: 0, count: 1, anchor: Some(Anchor { key, at: 0 }) };
            let Ok(ViewReply::Rows(window)) = this.client.ask(request).await else { return };
            if let Some(row) = window.rows.into_iter().find(|row| row.key == key) {
                let mut state = this.state.borrow_mut();
                if state.selection.key == Some(key) {
                    state.selection.index = window.offset;
                    state.selected = Some(Rc::new(row));
                }
                drop(state);
                this.tell_selected();
            }
        });
    }

    fn arrived(self: &Rc<Self>, reply: Result<ViewReply, ViewError>, held: Option<Held>, heard: Option<f64>) {
        let window = match reply {
            Ok(ViewReply::Rows(window)) => window,
            Ok(_) => return self.emit.emit(GridEvent::Failed(unexpected())),
            Err(error) => return self.emit.emit(GridEvent::Failed(error)),
        };
        let (meta, selected_before) = {
            let mut state = self.state.borrow_mut();
            let before = state.meta.clone();
            let selected_before = state.selected.clone();
            state.take(window, held);
            state.render();
            ((state.meta != before).then(|| state.meta.clone()), selected_before)
        };
        if let Some(heard) = heard {
            perf::measure(heard);
        }
        if let Some(meta) = meta {
            self.emit.emit(GridEvent::Meta(meta));
        }
        if selected_before != self.selected() {
            self.tell_selected();
        }
        self.pull_if_near();
    }

    fn scrolled(self: &Rc<Self>) {
        if self.frame.borrow().is_none() {
            let this = self.clone();
            *self.frame.borrow_mut() = Some(request_animation_frame(move |_| {
                this.frame.borrow_mut().take();
                this.drawn_after_scroll();
            }));
        }
        self.pull_if_near();
    }

    fn drawn_after_scroll(self: &Rc<Self>) {
        let meta = {
            let mut state = self.state.borrow_mut();
            let above = if state.scroll.at_top() { 0 } else { state.meta.above.min(state.scroll.first()) };
            let changed = above != state.meta.above;
            state.meta.above = above;
            state.render();
            changed.then(|| state.meta.clone())
        };
        if let Some(meta) = meta {
            self.emit.emit(GridEvent::Meta(meta));
        }
    }

    fn pull_if_near(self: &Rc<Self>) {
        if self.state.borrow().near_edge() {
            self.pull();
        }
    }

    fn moved(self: &Rc<Self>, action: Action) {
        let lost = {
            let state = self.state.borrow();
            state.selection.key.filter(|key| state.window.rows.iter().all(|row| row.key != *key))
        };
        let Some(key) = lost else { return self.go(action) };
        // The selected row is out of sight, and others may have come above it: only the app knows where it stands now.
        let this = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            match this.client.ask(ViewRequest::Position(key)).await {
                Ok(ViewReply::Position(Some(index))) => this.state.borrow_mut().selection.index = index,
                // Filtered out or gone: the movement starts from what is in sight.
                Ok(ViewReply::Position(None)) => this.state.borrow_mut().selection.key = None,
                Ok(_) => return this.emit.emit(GridEvent::Failed(unexpected())),
                Err(error) => return this.emit.emit(GridEvent::Failed(error)),
            }
            this.go(action);
        });
    }

    fn go(self: &Rc<Self>, action: Action) {
        {
            let mut state = self.state.borrow_mut();
            let total = state.scroll.total();
            match action {
                Action::Home => state.scroll.to(0.0),
                Action::End => state.scroll.to(total as f64),
                _ => false,
            };
            if let Some(index) = state.selection.target(action, &state.scroll) {
                state.scroll.reveal(index);
                match state.row(index).cloned() {
                    Some(row) => state.select(&row, index),
                    None => state.wanted = Some(index),
                }
            }
        }
        self.tell_selected();
        self.drawn_after_scroll();
        self.pull_if_near();
    }

    /// Vertically the rows place themselves; sideways the browser scrolls.
    fn reveal_cell(&self) {
        if let Some(cell) = self.cell_element(self.column()) {
            dom::reveal(&cell.id());
        }
    }

    fn tell_selected(&self) {
        self.emit.emit(GridEvent::Selected(self.selected()));
    }
}

impl State {
    fn set_size(&mut self, row: f64) {
        let height = self.dom.as_ref().map_or(0.0, |dom| f64::from(dom.body.client_height()));
        self.scroll.set_size(height, row);
        if let Some(dom) = &self.dom {
            let _ = dom.block.style().set_property("--row", &format!("{row}px"));
        }
    }

    /// The window to ask for, and the row that holds still meanwhile. At the top there is no anchor: there the tail is
    /// followed.
    fn request(&mut self) -> (ViewRequest, Option<Held>) {
        let first = self.scroll.first();
        let (offset, count) = self.around();
        self.asked = (offset, count);
        let held = self.row(first).map(|row| Held { key: row.key, index: first });
        let anchored = held.as_ref().filter(|_| !self.scroll.at_top());
        let anchor = anchored.map(|h| Anchor { key: h.key, at: (first - offset) as u32 });
        (ViewRequest::Rows { offset, count, anchor }, held)
    }

    /// Offset and count of the window around what is shown.
    fn around(&self) -> (u64, u32) {
        let first = self.scroll.first();
        let offset = first.saturating_sub(MARGIN);
        let below = self.scroll.slots() as u64 + MARGIN;
        (offset, (first - offset + below).min(MOST) as u32)
    }

    fn take(&mut self, window: RowWindow, held: Option<Held>) {
        self.scroll.set_total(window.total);
        if let Some(held) = held.filter(|_| !self.scroll.at_top())
            && let Some(at) = window.rows.iter().position(|row| row.key == held.key)
        {
            // The user may have scrolled meanwhile: what the held row moved by, the view moves by.
            let moved = (window.offset + at as u64) as i64 - held.index as i64;
            let first = self.scroll.first().saturating_add_signed(moved);
            self.scroll.hold(first);
            self.meta.above = self.meta.above.saturating_add_signed(moved).min(first);
        }
        if self.scroll.at_top() {
            self.meta.above = 0;
        }
        self.meta = Meta {
            known: true,
            total: window.total,
            unfiltered: window.unfiltered,
            zone: window.zone.clone(),
            waiting: window.waiting,
            totals: window.totals,
            above: self.meta.above,
        };
        self.window = window;
        if let Some(index) = self.wanted
            && let Some(row) = self.row(index).cloned()
        {
            self.select(&row, index);
        } else if let Some(key) = self.selection.key
            && let Some(at) = self.window.rows.iter().position(|row| row.key == key)
        {
            let index = self.window.offset + at as u64;
            let row = self.window.rows.get(at).cloned();
            if let Some(row) = row {
                self.select(&row, index);
            }
        }
    }

    fn select(&mut self, row: &ViewRow, index: u64) {
        self.wanted = None;
        self.selection.key = Some(row.key);
        self.selection.index = index;
        if self.selected.as_deref() != Some(row) {
            self.selected = Some(Rc::new(row.clone()));
        }
    }

    fn row(&self, index: u64) -> Option<&ViewRow> {
        let at = index.checked_sub(self.window.offset)?;
        self.window.rows.get(usize::try_from(at).ok()?)
    }

    /// What is shown comes near an edge of the window beyond which there are more rows.
    fn near_edge(&self) -> bool {
        if self.dom.is_none() || !self.meta.known || self.around() == self.asked {
            return false;
        }
        let first = self.scroll.first();
        let last = first + self.scroll.visible();
        let (start, end) = (self.window.offset, self.window.offset + self.window.rows.len() as u64);
        (start > 0 && first < start + NEAR) || (end < self.scroll.total() && last + NEAR > end)
    }

    fn render(&mut self) {
        if self.selection.key.is_none() {
            self.selected = None;
        }
        let Some(dom) = &self.dom else { return };
        let wanted = self.scroll.slots();
        while self.slots.len() > wanted {
            if let Some(slot) = self.slots.pop() {
                slot.remove();
            }
        }
        if self.slots.len() < wanted
            && let Some(document) = dom::document()
        {
            while self.slots.len() < wanted {
                match Slot::new(&document, &dom.block, self.slots.len()) {
                    Ok(slot) => self.slots.push(slot),
                    Err(_) => break,
                }
            }
        }
        let first = self.scroll.first();
        let offset = self.window.offset;
        for (slot, index) in self.slots.iter_mut().zip(first..) {
            let row = index.checked_sub(offset).and_then(|at| self.window.rows.get(at as usize));
            match row {
                Some(row) => {
                    let selected = self.selection.key == Some(row.key);
                    slot.show(row, index, selected.then_some(self.selection.column));
                }
                None if index < self.scroll.total() => slot.wait(index),
                None => slot.hide(),
            }
        }
        dom.place(&self.scroll, &self.selection);
    }
}

impl Dom {
    /// Styles that cannot be set leave the last ones; there is nobody to tell per frame.
    fn place(&self, scroll: &Scroll, selection: &Selection) {
        let set = |element: &HtmlElement, name: &str, value: &str| {
            let style = element.style();
            if style.get_property_value(name).is_ok_and(|now| now != value) {
                let _ = style.set_property(name, value);
            }
        };
        set(&self.block, "top", &format!("{}px", -scroll.shift().round()));
        match scroll.thumb() {
            Some((top, height)) => {
                set(&self.thumb, "display", "block");
                set(&self.thumb, "top", &format!("{}px", top.round()));
                set(&self.thumb, "height", &format!("{}px", height.round()));
            }
            None => set(&self.thumb, "display", "none"),
        }
        if let Ok(Some(grid)) = self.body.closest("#grid") {
            let _ = grid.set_attribute("aria-rowcount", &(scroll.total() + 1).to_string());
            let slot = selection.key.and_then(|_| selection.index.checked_sub(scroll.first()));
            let _ = match slot.filter(|&slot| slot < scroll.visible()) {
                Some(slot) => {
                    let cell = format!("slot-{slot}-{}", super::columns::name(selection.column));
                    grid.set_attribute("aria-activedescendant", &cell)
                }
                None => grid.remove_attribute("aria-activedescendant"),
            };
        }
    }
}
