//! The user's own rules while they are written: nothing is kept that could not run.

use sensor_wire::rules::RuleChecked;
use sensor_wire::view::{LOCAL, ViewError, ViewReply, ViewRequest};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlTextAreaElement, KeyboardEvent, MouseEvent};
use yew::{Callback, Component, Context, Html, InputEvent, Properties, TargetCast, html};

use crate::backend::{Client, unexpected};
use crate::dom;
use crate::format;

/// A rule by gid and sid.
pub type RuleId = (u32, u32);

/// The editor's properties.
#[derive(Properties, PartialEq)]
pub struct OwnProps {
    /// The app.
    pub client: Client,
    /// What is kept.
    pub kept: String,
    /// What to begin with: what is kept, or that and a copy of a rule.
    pub text: String,
    /// The rule that was copied.
    pub copied: Option<RuleId>,
    /// There is something that would be lost, or no longer is.
    pub on_dirty: Callback<bool>,
    /// Keep this, and switch that rule off.
    pub on_keep: Callback<(String, Option<RuleId>)>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The editor.
pub struct OwnRules {
    text: String,
    checked: Option<Result<RuleChecked, ViewError>>,
    checking: bool,
    replaces: bool,
    held: bool,
}

/// What happens in the editor.
pub enum Msg {
    /// Typed.
    Typed(String),
    /// Looked at, and kept if all could run and it is asked for.
    Check(bool),
    /// What was found of this text.
    Checked(String, bool, Result<RuleChecked, ViewError>),
    /// The copied rule goes off too, or stays.
    Replaces,
    /// Esc.
    Back,
    /// Nothing of it is kept.
    Discard,
}

impl Component for OwnRules {
    type Message = Msg;
    type Properties = OwnProps;

    fn create(ctx: &Context<Self>) -> Self {
        let props = ctx.props();
        props.on_dirty.emit(props.text != props.kept);
        OwnRules { text: props.text.clone(), checked: None, checking: false, replaces: true, held: false }
    }

    fn rendered(&mut self, _: &Context<Self>, first: bool) {
        if first {
            dom::focus("rule-draft");
        }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Typed(text) => {
                (self.text, self.checked, self.held) = (text, None, false);
                ctx.props().on_dirty.emit(self.text != ctx.props().kept);
            }
            Msg::Check(keep) => {
                self.checking = true;
                let (client, link, text) = (ctx.props().client.clone(), ctx.link().clone(), self.text.clone());
                spawn_local(async move {
                    let answer = match client.ask(ViewRequest::CheckRules(text.clone())).await {
                        Ok(ViewReply::RulesChecked(checked)) => Ok(checked),
                        Ok(_) => Err(unexpected()),
                        Err(error) => Err(error),
                    };
                    link.send_message(Msg::Checked(text, keep, answer));
                });
            }
            Msg::Checked(text, keep, answer) => {
                self.checking = false;
                // What was typed meanwhile was not looked at.
                if text != self.text {
                    return true;
                }
                let good = matches!(&answer, Ok(checked) if checked.bad.is_empty());
                self.checked = Some(answer);
                if good && keep {
                    ctx.props().on_dirty.emit(false);
                    ctx.props().on_keep.emit((text, ctx.props().copied.filter(|_| self.replaces)));
                }
            }
            Msg::Replaces => self.replaces = !self.replaces,
            Msg::Back if self.text == ctx.props().kept => ctx.props().on_close.emit(()),
            Msg::Back => self.held = true,
            Msg::Discard => {
                ctx.props().on_dirty.emit(false);
                ctx.props().on_close.emit(());
            }
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let oninput = link.batch_callback(|event: InputEvent| {
            Some(Msg::Typed(event.target_dyn_into::<HtmlTextAreaElement>()?.value()))
        });
        let onkeydown = link.batch_callback(|event: KeyboardEvent| {
            event.stop_propagation();
            match event.key().as_str() {
                "Escape" => Some(Msg::Back),
                "Enter" if event.ctrl_key() || event.meta_key() => Some(Msg::Check(true)),
                _ => None,
            }
        });
        html! {
            <aside class="rules-side" aria-label="Own rules" {onkeydown}>
                <h3>{ LOCAL }</h3>
                if let Some((_, sid)) = ctx.props().copied {
                    <label class="rule-source"><input type="checkbox" id="rule-replaces" checked={self.replaces}
                        onclick={link.callback(|_: MouseEvent| Msg::Replaces)} />
                        { format!("Switch {sid} off once its copy is kept") }</label>
                } else {
                    <p class="faint">{ "One rule a line, with sids of your own from 1000000 on. They run in every sensor." }</p>
                }
                <textarea id="rule-draft" class="mono" spellcheck="false" wrap="soft" value={self.text.clone()} {oninput} />
                { self.found() }
                if self.held { <p class="note warn" role="alert">{ "Keep or discard what you wrote first." }</p> }
                <div class="popover-foot">
                    <span class="grow"></span>
                    <button class="btn" id="rule-discard" onclick={link.callback(|_: MouseEvent| Msg::Discard)}>{ "Discard" }</button>
                    <button class="btn" id="rule-check" disabled={self.checking}
                        onclick={link.callback(|_: MouseEvent| Msg::Check(false))}>{ "Check" }</button>
                    <button class="btn primary" id="rule-save" disabled={self.checking} title="Ctrl+Enter"
                        onclick={link.callback(|_: MouseEvent| Msg::Check(true))}>{ "Check and keep" }</button>
                </div>
            </aside>
        }
    }
}

impl OwnRules {
    fn found(&self) -> Html {
        match &self.checked {
            None => Html::default(),
            Some(Err(error)) => html! { <p class="note bad" role="alert">{ &error.message }</p> },
            Some(Ok(checked)) if checked.bad.is_empty() => html! {
                <p class="note good" role="status">{ format!("{} can run.", format::counted(checked.good.len() as u64, "rule")) }</p>
            },
            Some(Ok(checked)) => html! {
                <div class="rule-faults" role="alert">
                    { for checked.bad.iter().map(|line| html! {
                        <p class="note bad">{ format!("line {}, column {}: {}", line.line, line.column, line.message) }</p>
                    }) }
                </div>
            },
        }
    }
}

/// The user's own rules with a copy of another behind them, under a number of its own.
pub fn with_copy(own: &str, rule: &str) -> String {
    let mut text = own.trim_end().to_owned();
    if !text.is_empty() {
        text.push('\n');
    }
    let rule = rule.trim_start_matches(['#', ' ']);
    text.push_str(&renumbered(&renumbered(rule, "sid:", free_sid(own)), "rev:", 1));
    text.push('\n');
    text
}

/// The number behind the highest one that copies have.
fn free_sid(own: &str) -> u64 {
    let of = |part: &str| part.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    let taken = own.split("sid:").skip(1).filter_map(of).filter(|sid| (FIRST_COPY..LAST_LOCAL).contains(sid));
    taken.max().map_or(FIRST_COPY, |highest| highest + 1)
}

/// The rule with another number in this option. Options are written behind `;`, so text in quotes isn't one.
fn renumbered(rule: &str, option: &str, number: u64) -> String {
    let found =
        ["; ", ";", "("].iter().find_map(|before| Some(rule.rfind(&format!("{before}{option}"))? + before.len()));
    let Some(start) = found.map(|at| at + option.len()) else { return rule.to_owned() };
    let (head, rest) = rule.split_at(start);
    let tail = rest.find(';').map_or("", |end| &rest[end..]);
    format!("{head}{number}{tail}")
}

/// Numbers from 1000000 to 1999999 are the user's own; the starter rules have the first ones.
const FIRST_COPY: u64 = 1_100_000;
const LAST_LOCAL: u64 = 2_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gets_a_number_of_its_own() {
        let rule = "# alert tcp any any -> any any (msg:\"sid:5; it says\"; content:\"a\"; sid:2027397; rev:4;)";
        let one = with_copy("", rule);
        assert_eq!(one, "alert tcp any any -> any any (msg:\"sid:5; it says\"; content:\"a\"; sid:1100000; rev:1;)\n");
        let two = with_copy(&one, rule);
        assert!(two.starts_with(&one) && two.ends_with("sid:1100001; rev:1;)\n"), "{two}");
        // Others' numbers say nothing about the next one.
        let own = "alert ip any any -> any any (sid:1000007;)\nalert ip any any -> any any (sid: 99999999;)";
        assert!(with_copy(own, rule).contains("sid:1100000;"));
        assert_eq!(
            with_copy("", "alert ip any any -> any any (sid:7;)"),
            "alert ip any any -> any any (sid:1100000;)\n"
        );
    }
}
