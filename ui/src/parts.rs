//! Small parts that several places of the window share: icons, and the frame of what lies over it.

use yew::{
    AttrValue, Callback, Children, Html, KeyboardEvent, MouseEvent, Properties, function_component, html, use_node_ref,
};

use crate::dom;
use crate::state;

/// The window's icons, drawn on a grid of 16 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Two bars.
    Pause,
    /// A triangle.
    Play,
    /// A pulse.
    Flow,
    /// Three columns.
    Columns,
    /// Lines close together.
    Density,
    /// A folder.
    Open,
    /// Waves around a point.
    Wire,
    /// An arrow that goes round.
    Reload,
    /// A clock.
    Recent,
    /// A half disc.
    Theme,
    /// A globe.
    Zone,
    /// A window with its lower part apart.
    DockBelow,
    /// A window with its right part apart.
    DockRight,
    /// A cross.
    Close,
    /// A square.
    Stop,
    /// A screen on its foot.
    Hosts,
    /// A list with marks before its lines.
    Rules,
    /// A line with a smaller one under it.
    Note,
    /// Two sheets.
    Copy,
    /// A lens.
    Search,
    /// A triangle with a stroke.
    Warning,
    /// A question mark.
    Help,
}

/// Draws an icon.
pub fn icon(icon: Icon) -> Html {
    let path = match icon {
        Icon::Pause => "M5.5 3v10M10.5 3v10",
        Icon::Play => "M5 3l8 5-8 5z",
        Icon::Flow => "M1.5 8h3l2-5 3 10 2-5h3",
        Icon::Columns => "M2.5 3h11v10h-11zM6 3v10M10 3v10",
        Icon::Density => "M2.5 3.5h11M2.5 6.5h11M2.5 9.5h11M2.5 12.5h11",
        Icon::Open => "M2 12.5v-9h4l1.5 2H14v7z",
        Icon::Wire => {
            "M8 7.2a.8.8 0 1 1 0 1.6a.8.8 0 1 1 0-1.6M5.2 5.2a4 4 0 0 0 0 5.6M10.8 5.2a4 4 0 0 1 0 5.6M3 3a7 7 0 0 0 0 10M13 3a7 7 0 0 1 0 10"
        }
        Icon::Reload => "M13 8a5 5 0 1 1-1.5-3.6M13.2 2.2v3h-3",
        Icon::Recent => "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11M8 5v3l2 1.5",
        Icon::Theme => "M8 2.5a5.5 5.5 0 1 1 0 11zM8 2.5a5.5 5.5 0 0 0 0 11",
        Icon::Zone => "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11M2.5 8h11M8 2.5c-3 3-3 8 0 11M8 2.5c3 3 3 8 0 11",
        Icon::DockBelow => "M2.5 3h11v10h-11zM2.5 9h11",
        Icon::DockRight => "M2.5 3h11v10h-11zM9.5 3v10",
        Icon::Rules => "M6.5 4h7M6.5 8h7M6.5 12h7M2.5 4l1 1 1.5-2M2.5 8l1 1 1.5-2M2.5 12l1 1 1.5-2",
        Icon::Close => "M4 4l8 8M12 4l-8 8",
        Icon::Stop => "M4.5 4.5h7v7h-7z",
        Icon::Hosts => "M2.5 3h11v7.5h-11zM8 10.5v2.5M5.5 13.5h5",
        Icon::Note => "M2.5 5h11M2.5 8.5h7M2.5 11.5h5",
        Icon::Copy => "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
        Icon::Search => "M7 3a4 4 0 1 1 0 8a4 4 0 0 1 0-8M10 10l3.5 3.5",
        Icon::Warning => "M8 2.5l6 11H2zM8 6.5v3.2M8 11.3v.4",
        Icon::Help => "M5.8 6a2.3 2.3 0 1 1 3.3 2.1c-.8.4-1.1.8-1.1 1.6M8 12v.4",
    };
    html! {
        <svg class="icon" viewBox="0 0 16 16" width="15" height="15" aria-hidden="true" focusable="false">
            <path d={path} />
        </svg>
    }
}

/// Nightjar's mark: the bird's crescent and its eye.
pub fn mark() -> Html {
    html! {
        <svg class="brand-mark" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <path class="moon" d="M15.5 3.2a9 9 0 1 0 5.3 12.2A7.4 7.4 0 0 1 15.5 3.2z" />
            <circle class="eye" cx="16.6" cy="9.4" r="1.7" />
        </svg>
    }
}

/// What lies over the window near a point.
#[derive(Properties, PartialEq)]
pub struct PopoverProps {
    /// Its id in the DOM.
    pub id: AttrValue,
    /// What it is, for those who do not see it.
    pub label: AttrValue,
    /// Wanted left edge.
    pub x: f64,
    /// Wanted upper edge.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its greatest height.
    pub height: f64,
    /// It is closed.
    pub on_close: Callback<()>,
    /// What it holds.
    pub children: Children,
}

/// The frame of what lies over the window: closed by Esc or by a click beside it; Tab stays inside.
#[function_component]
pub fn Popover(props: &PopoverProps) -> Html {
    let window = dom::size();
    let (left, top) = state::placed(props.x, props.y, props.width, props.height, window);
    let close = props.on_close.clone();
    let beside = Callback::from(move |_: MouseEvent| close.emit(()));
    let inside = Callback::from(|event: MouseEvent| event.stop_propagation());
    let frame = use_node_ref();
    let onkeydown = {
        let (close, frame) = (props.on_close.clone(), frame.clone());
        Callback::from(move |event: KeyboardEvent| {
            // Keys that are meant for the popover are none of the grid's business.
            event.stop_propagation();
            match event.key().as_str() {
                "Escape" => {
                    event.prevent_default();
                    close.emit(());
                }
                // What lies beneath cannot be reached while the popover is open.
                "Tab" if frame.cast().is_some_and(|frame| dom::wrap_focus(&frame, event.shift_key())) => {
                    event.prevent_default();
                }
                _ => {}
            }
        })
    };
    html! {
        <div class="veil" onmousedown={beside}>
            <div id={props.id.clone()} class="popover" role="dialog" aria-label={props.label.clone()} aria-modal="true"
                tabindex="-1" ref={frame} onmousedown={inside} {onkeydown}
                style={format!("left:{left}px;top:{top}px;width:{}px;max-height:{}px", props.width, props.height)}>
                { for props.children.iter() }
            </div>
        </div>
    }
}

/// Up and down move the focus among entries whose ids are a prefix and the number in their `data-at`.
pub fn arrow_keys(prefix: &'static str) -> Callback<KeyboardEvent> {
    Callback::from(move |event: KeyboardEvent| {
        let step: i32 = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some((_, at)) = dom::attribute_around(event.target(), "data-at")
            && let Ok(at) = at.parse::<i32>()
        {
            dom::focus(&format!("{prefix}-{}", at + step));
        }
    })
}
