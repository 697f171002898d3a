//! The help: the key table, as it is.

use yew::{AttrValue, Callback, Html, MouseEvent, Properties, function_component, html};

use crate::dom;
use crate::grid::keys::{Action, Group, KEYS, shown};
use crate::parts::{Icon, Popover, icon};

/// The help's properties.
#[derive(Properties, PartialEq)]
pub struct HelpProps {
    /// The system's file dialog is there.
    pub has_dialog: bool,
    /// Version of the app.
    pub version: AttrValue,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The help.
#[function_component]
pub fn Help(props: &HelpProps) -> Html {
    let window = dom::size();
    // All keys at once where the window has the room.
    let (width, height) = (720.0, f64::min(600.0, window.1 - 32.0));
    let close = props.on_close.reform(|_: MouseEvent| ());
    yew::use_effect_with((), |()| dom::focus("help"));
    html! {
        <Popover id="help" label="Keys" x={(window.0 - width) / 2.0} y={(window.1 - height) / 2.0} {width} {height}
            on_close={props.on_close.clone()}>
            <div class="popover-head">
                <h2>{ "Keys" }</h2>
                <span class="faint">{ format!("Nightjar {}", props.version) }</span>
                <span class="grow"></span>
                <button class="bare" onclick={close} title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
            </div>
            <div class="keys">
                { for Group::ALL.iter().map(|group| html! {
                    <section>
                        <h3>{ group.title() }</h3>
                        { for KEYS.iter().filter(|b| b.group == *group)
                            .filter(|b| props.has_dialog || b.action != Action::OpenCapture)
                            .map(|binding| html! {
                                <div class="key">
                                    <span class="caps">
                                        { for binding.keys.iter().map(|key| html! { <kbd>{ shown(key) }</kbd> }) }
                                    </span>
                                    <span>{ binding.label }</span>
                                </div>
                            }) }
                    </section>
                }) }
                <section>
                    <h3>{ "With the pointer" }</h3>
                    <p class="mute">{ "Click a header to sort, Shift-click to add a key, drag it to move the column, drag \
                        its edge to resize, double-click the edge to fit. Double-click a row for its flows; click a \
                        count of servers, clients or ports for the list." }</p>
                </section>
            </div>
        </Popover>
    }
}
