//! The grid's header: sorts on a click, resizes at its edges, reorders by dragging.

use sensor_wire::view::{Column, SortKey};
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent, PointerEvent};
use yew::{
    AttrValue, Callback, Html, Properties, TargetCast, function_component, html, use_mut_ref, use_node_ref, use_state,
};

use crate::dom;
use crate::grid::columns::{self, Layout, Placed};

/// A pointer that moves less than this between press and release has clicked.
const CLICK: f64 = 5.0;

/// What the user does at the header.
#[derive(Clone, Debug, PartialEq)]
pub enum HeaderEvent {
    /// Sort by a column, or turn its order round; added to the order there is, or instead of it.
    Sort {
        /// Which column.
        column: Column,
        /// Keep the keys before it.
        add: bool,
    },
    /// Another width.
    Resize(Column, f64),
    /// The width at which the content fits.
    Fit(Column),
    /// Another place: before a column, or last.
    Move(Column, Option<Column>),
    /// The menu of columns.
    Menu,
    /// The picker of time zones.
    Zone,
}

/// The header's properties.
#[derive(Properties, PartialEq)]
pub struct HeaderProps {
    /// Where the columns stand.
    pub layout: Layout,
    /// The sort order.
    pub sort: Vec<SortKey>,
    /// Abbreviation of the zone.
    pub zone: AttrValue,
    /// What the user does.
    pub on: Callback<HeaderEvent>,
}

/// What a pressed pointer is about.
enum Drag {
    Edge { column: Column, width: f64, from: f64 },
    Title { column: Column, from: f64, moving: bool },
}

/// The header.
#[function_component]
pub fn Header(props: &HeaderProps) -> Html {
    let root = use_node_ref();
    let drag = use_mut_ref(|| None::<Drag>);
    let marker = use_state(|| None::<f64>);

    let onpointerdown = {
        let (drag, layout) = (drag.clone(), props.layout.clone());
        Callback::from(move |event: PointerEvent| {
            if event.button() != 0 {
                return;
            }
            let Some((column, edge)) = hit(&event, &layout) else { return };
            // A pressed header must not take the keyboard from the rows: the next Space would sort instead of pausing.
            event.prevent_default();
            let from = f64::from(event.client_x());
            *drag.borrow_mut() = Some(if edge {
                Drag::Edge { column: column.column, width: column.width.into(), from }
            } else {
                Drag::Title { column: column.column, from, moving: false }
            });
            if let Some(target) = event.target_dyn_into::<Element>() {
                // Without the capture a drag ends at the header's border: a nuisance, not a fault.
                let _ = target.set_pointer_capture(event.pointer_id());
            }
        })
    };
    let onpointermove = {
        let (drag, marker, on, root, layout) =
            (drag.clone(), marker.clone(), props.on.clone(), root.clone(), props.layout.clone());
        Callback::from(move |event: PointerEvent| {
            let at = f64::from(event.client_x());
            match drag.borrow_mut().as_mut() {
                Some(Drag::Edge { column, width, from }) => on.emit(HeaderEvent::Resize(*column, *width + at - *from)),
                Some(Drag::Title { from, moving, .. }) => {
                    *moving |= (at - *from).abs() >= CLICK;
                    if *moving && let Some(x) = within(&root.cast::<HtmlElement>(), at) {
                        marker.set(Some(edge_before(&layout, x)));
                    }
                }
                None => {}
            }
        })
    };
    let onpointerup = {
        let (drag, marker, on, root, layout) =
            (drag.clone(), marker.clone(), props.on.clone(), root.clone(), props.layout.clone());
        Callback::from(move |event: PointerEvent| {
            marker.set(None);
            match drag.borrow_mut().take() {
                Some(Drag::Title { column, moving: false, .. }) => {
                    on.emit(HeaderEvent::Sort { column, add: event.shift_key() });
                }
                Some(Drag::Title { column, .. }) => {
                    if let Some(x) = within(&root.cast::<HtmlElement>(), event.client_x().into()) {
                        on.emit(HeaderEvent::Move(column, layout.drop_before(x)));
                    }
                }
                Some(Drag::Edge { .. }) | None => {}
            }
        })
    };
    let onpointercancel = {
        let (drag, marker) = (drag.clone(), marker.clone());
        Callback::from(move |_: PointerEvent| {
            drag.borrow_mut().take();
            marker.set(None);
        })
    };
    let oncontextmenu = {
        let on = props.on.clone();
        Callback::from(move |event: MouseEvent| {
            event.prevent_default();
            on.emit(HeaderEvent::Menu);
        })
    };

    html! {
        <div class="head" role="rowgroup" ref={root}>
            <div class="head-row" role="row" aria-rowindex="1" {onpointerdown} {onpointermove} {onpointerup}
                {onpointercancel} {oncontextmenu}>
                { for props.layout.placed.iter().enumerate().map(|(at, placed)| {
                    let left = at.checked_sub(1).and_then(|left| props.layout.placed.get(left)).map(|p| p.column);
                    title(props, placed.column, left)
                }) }
                if let Some(x) = *marker {
                    <div class="drop-marker" style={format!("left:{x}px")}></div>
                }
            </div>
        </div>
    }
}

fn title(props: &HeaderProps, column: Column, left: Option<Column>) -> Html {
    let sorted = props.sort.iter().enumerate().find(|(_, key)| key.column == column);
    let aria = sorted.map(|(_, key)| if key.descending { "descending" } else { "ascending" });
    let arrow = sorted.map(|(index, key)| {
        let arrow = if key.descending { "▼" } else { "▲" };
        if props.sort.len() > 1 { format!("{arrow}{}", index + 1) } else { arrow.to_owned() }
    });
    let onkeydown = {
        let on = props.on.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                event.stop_propagation();
                on.emit(HeaderEvent::Sort { column, add: event.shift_key() });
            }
        })
    };
    let fit = {
        let on = props.on.clone();
        Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            on.emit(HeaderEvent::Fit(column));
        })
    };
    let zone = {
        let on = props.on.clone();
        let pressed = Callback::from(|event: PointerEvent| event.stop_propagation());
        let clicked = Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            on.emit(HeaderEvent::Zone);
        });
        (column == Column::Time).then(|| {
            html! {
                <button class="zone" title="Choose the time zone (z)" tabindex="-1" onpointerdown={pressed}
                    onclick={clicked}>{ &props.zone }</button>
            }
        })
    };
    let right = columns::right_aligned(column).then_some("right");
    html! {
        <div key={columns::name(column)} role="columnheader" data-col={columns::name(column)}
            class={yew::classes!("th", right, sorted.is_some().then_some("sorted"))}
            aria-sort={aria} aria-label={columns::full_title(column)} tabindex="0" {onkeydown}
            title={format!("{}: click to sort, Shift-click to add, drag to move", columns::full_title(column))}>
            { zone }
            <span class="label">{ columns::title(column, left) }</span>
            if let Some(arrow) = arrow { <span class="arrow" aria-hidden="true">{ arrow }</span> }
            <span class="edge" data-edge="1" title="Drag to resize, double-click to fit" ondblclick={fit}></span>
        </div>
    }
}

/// How wide a heading's content is, in CSS pixels, with what it has on both sides.
pub fn natural_width(column: Column) -> i32 {
    const GAP: i32 = 4;
    const PADDING: i32 = 2 * 6 + 7;
    let heading = format!("#grid .th[data-col={}]", columns::name(column));
    let Some(heading) = dom::document().and_then(|d| d.query_selector(&heading).ok()?) else { return 0 };
    let parts = heading.children();
    let parts = (0..parts.length()).filter_map(|at| parts.item(at)).filter(|part| !part.has_attribute("data-edge"));
    parts.map(|part| part.scroll_width() + GAP).sum::<i32>() + PADDING - GAP
}

/// The column that was pressed, and whether at its edge.
fn hit<'a>(event: &PointerEvent, layout: &'a Layout) -> Option<(&'a Placed, bool)> {
    let target: Element = event.target_dyn_into()?;
    let edge = target.has_attribute("data-edge");
    let title = target.closest("[data-col]").ok()??;
    let column = columns::by_name(&title.get_attribute("data-col")?)?;
    layout.find(column).map(|placed| (placed, edge))
}

fn within(root: &Option<HtmlElement>, client_x: f64) -> Option<f64> {
    root.as_ref().map(|root| client_x - root.get_bounding_client_rect().left())
}

/// Where the marker stands for a drop at `x`.
fn edge_before(layout: &Layout, x: f64) -> f64 {
    let before = layout.drop_before(x).and_then(|column| layout.find(column));
    let at = before.map_or_else(|| layout.placed.last().map_or(0, |p| p.x + p.width), |p| p.x);
    f64::from(at)
}
