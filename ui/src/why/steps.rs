//! The options of a rule, one a line, with what came of each.

use sensor_wire::explain::{Asked, Attempt, Explanation, Step};
use web_sys::{KeyboardEvent, MouseEvent};
use yew::{Callback, Html, Properties, classes, function_component, html};

use super::words;
use crate::dom;

/// What the list shows.
#[derive(Properties, PartialEq)]
pub struct StepsProps {
    /// The rule.
    pub told: std::rc::Rc<Explanation>,
    /// What came of it.
    pub attempt: Attempt,
    /// The option that is chosen.
    pub chosen: Option<usize>,
    /// An option is chosen.
    pub on_choose: Callback<usize>,
    /// The bytes of the one that is chosen are gone to.
    pub on_enter: Callback<()>,
}

/// The list.
#[function_component]
pub fn Steps(props: &StepsProps) -> Html {
    let StepsProps { told, attempt, chosen, .. } = props;
    let last = attempt.steps.len().saturating_sub(1);
    let (on_choose, on_enter, at) = (props.on_choose.clone(), props.on_enter.clone(), *chosen);
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let to = match event.key().as_str() {
            "ArrowDown" | "j" => at.map_or(0, |at| (at + 1).min(last)),
            "ArrowUp" | "k" => at.map_or(0, |at| at.saturating_sub(1)),
            "Home" => 0,
            "End" => last,
            "ArrowRight" | "Enter" => {
                event.prevent_default();
                event.stop_propagation();
                return on_enter.emit(());
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        on_choose.emit(to);
        dom::reveal(&id(to));
    });
    let options = told.options.iter().zip(&attempt.steps).enumerate();
    html! {
        <div class="why-steps">
            { line("why-header", None, &told.header, "", &attempt.header) }
            <div id="why-steps" role="listbox" tabindex="0" aria-label="Options of the rule, in order"
                aria-activedescendant={chosen.map(id)} {onkeydown}>
                { for options.map(|(at, (Asked { text, buffer }, step))| {
                    let on = *chosen == Some(at);
                    let pick = props.on_choose.reform(move |_: MouseEvent| at);
                    html! {
                        <div id={id(at)} key={at} role="option" aria-selected={on.to_string()} data-step={at.to_string()}
                            class={classes!("why-option", on.then_some("on"))} onclick={pick}>
                            { line("", Some(at), text, buffer, step) }
                        </div>
                    }
                }) }
            </div>
        </div>
    }
}

/// A mark (shape, sign, colour and a word), the option, where it matched and what was there.
fn line(class: &'static str, number: Option<usize>, text: &str, buffer: &str, step: &Step) -> Html {
    let (sign, state, word) = words::mark(step.state);
    let place = words::at(step, buffer);
    html! {
        <div class={classes!("why-line", class, state)} data-state={state}>
            <span class={classes!("why-mark", state)} title={word} role="img" aria-label={word}>{ sign }</span>
            <span class="why-number mono faint">{ number.map_or_else(String::new, |at| (at + 1).to_string()) }</span>
            <div>
                <div class="why-text mono">{ text.to_owned() }</div>
                if !place.is_empty() { <div class="why-at mono">{ place }</div> }
                if !step.why.is_empty() { <div class="why-reason">{ &step.why }</div> }
            </div>
        </div>
    }
}

/// The id of an option's line.
fn id(at: usize) -> String {
    format!("why-step-{at}")
}
