//! A row of the DOM that is used again and again. It remembers what it shows and touches only what differs: in the
//! browser, text layout and painting are what a grid costs.

use sensor_wire::view::{Column, ViewRow};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlElement, Text};

use crate::grid::{columns, row};

/// Blank space in the events cell, in CSS pixels: its own at both sides, a badge's at its right, a count's at its left.
const EVENTS_BLANKS: i32 = 6 + 6 + 7 + 8;

/// Blank space of a cell at both sides of its note, in CSS pixels.
const NOTE_BLANKS: i32 = 6 + 6;

/// One recycled row.
pub struct Slot {
    root: HtmlElement,
    cells: Vec<CellSlot>,
    badge: TextSlot,
    message: TextSlot,
    count: TextSlot,
    shown: Shown,
}

/// What the row's own attributes say.
#[derive(Default, PartialEq)]
struct Shown {
    index: Option<u64>,
    key: String,
    class: String,
}

struct CellSlot {
    column: Column,
    text: TextSlot,
    /// The line under an address.
    note: Option<TextSlot>,
}

/// An element with one text, and what both last were.
struct TextSlot {
    element: Element,
    node: Text,
    text: String,
    class: String,
}

impl Slot {
    /// Makes an empty row at the end of `parent`.
    pub fn new(document: &Document, parent: &Element, number: usize) -> Result<Slot, JsValue> {
        let root: HtmlElement = document.create_element("div")?.dyn_into()?;
        root.set_attribute("role", "row")?;
        root.set_attribute("class", "row gone")?;
        root.set_id(&format!("slot-{number}"));
        let mut cells = Vec::with_capacity(Column::ALL.len() - 1);
        let mut events = None;
        for column in Column::ALL {
            let cell = document.create_element("div")?;
            cell.set_attribute("role", "gridcell")?;
            cell.set_attribute("data-col", columns::name(column))?;
            cell.set_id(&format!("slot-{number}-{}", columns::name(column)));
            root.append_child(&cell)?;
            if column == Column::Events {
                cell.set_class_name("cell");
                events = Some(cell);
            } else {
                let text = TextSlot::around(document, cell.clone())?;
                let note = matches!(column, Column::Server | Column::Client).then(|| {
                    let span = document.create_element("span")?;
                    span.set_class_name("note-line");
                    cell.append_child(&span)?;
                    TextSlot::around(document, span)
                });
                cells.push(CellSlot { column, text, note: note.transpose()? });
            }
        }
        let events = events.ok_or_else(|| JsValue::from_str("the grid has no events column"))?;
        let span = |name: &str| -> Result<TextSlot, JsValue> {
            let span = document.create_element("span")?;
            span.set_class_name(name);
            events.append_child(&span)?;
            TextSlot::around(document, span)
        };
        let (badge, message, count) = (span("badge none")?, span("message")?, span("count")?);
        parent.append_child(&root)?;
        Ok(Slot { root, cells, badge, message, count, shown: Shown::default() })
    }

    /// Shows a row, `cursor` being the cell the user is at if the row is the selected one.
    pub fn show(&mut self, row: &ViewRow, index: u64, cursor: Option<Column>) {
        for cell in &mut self.cells {
            let content = row::cell(row, cell.column);
            let cursor = if cursor == Some(cell.column) { " at" } else { "" };
            let right = if columns::right_aligned(cell.column) { " right" } else { "" };
            let note = row::note(row, cell.column);
            let noted = if note.is_empty() { "" } else { " noted" };
            cell.text.set(&content.text, &format!("cell{right} {}{noted}{cursor}", content.class));
            if let Some(slot) = &mut cell.note {
                slot.set(note, "note-line");
            }
        }
        let events = row::events(row);
        self.badge.set(events.badge, events.badge_class);
        let quiet = if row.events.is_empty() { " quiet" } else { "" };
        let at = if cursor == Some(Column::Events) { " at" } else { "" };
        self.message.set(&events.text, &format!("message{quiet}{at}"));
        self.count.set(&events.count, "count");
        let selected = cursor.is_some();
        let class = if selected { format!("{} sel", row::class(row)) } else { row::class(row).into() };
        let key = format!("{}:{}", row.key.source, row.key.row);
        self.mark(Shown { index: Some(index), key, class }, selected);
    }

    /// A row that is in the list but not here yet.
    pub fn wait(&mut self, index: u64) {
        self.clear();
        self.mark(Shown { index: Some(index), key: String::new(), class: "row wait".into() }, false);
    }

    /// No row stands here.
    pub fn hide(&mut self) {
        self.mark(Shown { index: None, key: String::new(), class: "row gone".into() }, false);
    }

    /// Takes the row out of the DOM.
    pub fn remove(&self) {
        self.root.remove();
    }

    /// How wide a column's content is, in CSS pixels.
    pub fn content_width(&self, column: Column) -> i32 {
        if column == Column::Events {
            let parts = [&self.badge, &self.message, &self.count];
            return parts.iter().map(|t| t.inline_width()).sum::<i32>() + EVENTS_BLANKS;
        }
        self.cells.iter().find(|c| c.column == column).map_or(0, |cell| {
            // In compact rows the note stands beside the address and is part of its width.
            let note = cell.note.as_ref().filter(|note| !note.text.is_empty()).map_or(0, |note| note.natural_width());
            cell.text.natural_width().max(note + NOTE_BLANKS)
        })
    }

    fn clear(&mut self) {
        for cell in &mut self.cells {
            cell.text.set("", "cell");
            if let Some(note) = &mut cell.note {
                note.set("", "note-line");
            }
        }
        self.badge.set("", "badge none");
        self.message.set("", "message");
        self.count.set("", "count");
    }

    /// Attributes that cannot be written leave the row without them; there is nobody to tell per row and frame.
    fn mark(&mut self, shown: Shown, selected: bool) {
        if self.shown == shown {
            return;
        }
        if self.shown.class != shown.class {
            self.root.set_class_name(&shown.class);
            let _ = self.root.set_attribute("aria-selected", if selected { "true" } else { "false" });
        }
        if self.shown.key != shown.key {
            let _ = match shown.key.as_str() {
                "" => self.root.remove_attribute("data-key"),
                key => self.root.set_attribute("data-key", key),
            };
        }
        if self.shown.index != shown.index {
            let _ = match shown.index {
                // The header is row 1.
                Some(index) => self.root.set_attribute("aria-rowindex", &(index + 2).to_string()),
                None => self.root.remove_attribute("aria-rowindex"),
            };
        }
        self.shown = shown;
    }
}

impl TextSlot {
    fn around(document: &Document, element: Element) -> Result<TextSlot, JsValue> {
        let node = document.create_text_node("");
        element.append_child(&node)?;
        let class = element.class_name();
        Ok(TextSlot { element, node, text: String::new(), class })
    }

    fn set(&mut self, text: &str, class: &str) {
        if self.text != text {
            self.node.set_data(text);
            text.clone_into(&mut self.text);
        }
        if self.class != class {
            self.element.set_class_name(class);
            class.clone_into(&mut self.class);
        }
    }

    /// An inline element is as wide as its content, whatever of it can be seen.
    fn inline_width(&self) -> i32 {
        // One that is cut still knows how wide its content is.
        self.element.dyn_ref::<HtmlElement>().map_or(0, |element| element.offset_width().max(element.scroll_width()))
    }

    /// An element that is squeezed to nothing still knows how wide its content would be.
    fn natural_width(&self) -> i32 {
        let Some(element) = self.element.dyn_ref::<HtmlElement>() else { return 0 };
        let style = element.style();
        if style.set_property("width", "0").is_err() {
            return 0;
        }
        let width = element.scroll_width();
        let _ = style.remove_property("width");
        width
    }
}
