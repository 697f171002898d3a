//! The rules that matched a row: what each says, in whole for the one that is chosen.

use std::rc::Rc;

use sensor_wire::row::{EventMessage, RuleAction};
use sensor_wire::rules::RuleText;
use sensor_wire::view::{SourceId, ViewError, ViewReply, ViewRequest, ViewRow};
use wasm_bindgen_futures::spawn_local;
use web_sys::MouseEvent;
use yew::{Callback, Component, Context, Html, Properties, html};

use super::address;
use crate::backend::{Client, unexpected};
use crate::format;
use crate::grid::keys::{self, Action};
use crate::grid::row;
use crate::parts::{Icon, icon};

/// The card's properties.
#[derive(Properties, PartialEq)]
pub struct CardProps {
    /// The app.
    pub client: Client,
    /// The row, which has alerts.
    pub row: Rc<ViewRow>,
    /// Text for the clipboard, and what it is.
    pub on_copy: Callback<(String, String)>,
    /// A rule in the pane of rules.
    pub on_rule: Callback<(u32, u32)>,
    /// Why a rule told of the row.
    pub on_why: Callback<(u32, u32)>,
}

/// The card.
pub struct RuleCard {
    chosen: Option<(u32, u32)>,
    text: Option<Result<Option<Box<RuleText>>, ViewError>>,
}

/// What happens in the card.
pub enum Msg {
    /// A rule was clicked.
    Chosen(u32, u32),
    /// What a rule says came.
    Came(SourceId, (u32, u32), Result<Option<Box<RuleText>>, ViewError>),
}

impl Component for RuleCard {
    type Message = Msg;
    type Properties = CardProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut card = RuleCard { chosen: None, text: None };
        card.choose(ctx, first(&ctx.props().row));
        card
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &CardProps) -> bool {
        if ctx.props().row.key != old.row.key {
            self.choose(ctx, first(&ctx.props().row));
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Chosen(gid, sid) => self.choose(ctx, Some((gid, sid))),
            Msg::Came(source, rule, text) => {
                if self.chosen != Some(rule) || ctx.props().row.key.source != source {
                    return false;
                }
                self.text = Some(text);
            }
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let row = &ctx.props().row;
        html! {
            <section class="rule-card" id="row-rules" aria-label="Rules that matched">
                { for row.events.iter().map(|event| self.event(ctx, row, event)) }
            </section>
        }
    }
}

impl RuleCard {
    fn choose(&mut self, ctx: &Context<Self>, rule: Option<(u32, u32)>) {
        (self.chosen, self.text) = (rule, None);
        let Some((gid, sid)) = rule else { return };
        let (client, link, source) = (ctx.props().client.clone(), ctx.link().clone(), ctx.props().row.key.source);
        spawn_local(async move {
            let answer = match client.ask(ViewRequest::Rule { source, gid, sid }).await {
                Ok(ViewReply::Rule(text)) => Ok(text),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            };
            link.send_message(Msg::Came(source, (gid, sid), answer));
        });
    }

    fn event(&self, ctx: &Context<Self>, row: &ViewRow, event: &EventMessage) -> Html {
        let (letter, class) = row::badge(row.kind, event.severity);
        let Some(rule) = &event.rule else {
            return html! {
                <div class="rule-event"><span class={class}>{ letter }</span>{ &event.message }
                    <span class="count">{ format!("×{}", format::grouped(event.count.into())) }</span></div>
            };
        };
        let (gid, sid) = (rule.gid, rule.sid);
        let chosen = self.chosen == Some((gid, sid));
        let when =
            match (format::clock_millis(rule.first, row.utc_offset), format::clock_millis(rule.last, row.utc_offset)) {
                (first, _) if event.count == 1 => first,
                (first, last) => format!("{first} to {last}"),
            };
        let action = match rule.action {
            RuleAction::Alert => "",
            RuleAction::Pass => " · passed",
            RuleAction::Drop => " · dropped",
            RuleAction::Reject => " · rejected",
        };
        html! {
            <div class={yew::classes!("rule-event", chosen.then_some("on"))} data-sid={sid.to_string()}>
                <button class="rule-line" aria-expanded={chosen.to_string()}
                    onclick={ctx.link().callback(move |_: MouseEvent| Msg::Chosen(gid, sid))}>
                    <span class={class}>{ letter }</span><span class="rule-msg">{ &event.message }</span>
                    <span class="count">{ format!("×{}", format::grouped(event.count.into())) }</span>
                </button>
                <div class="rule-under">
                    <span class="faint mono rule-when">{ format!("{gid}:{sid}:{} · {when}{action}", rule.rev) }</span>
                    <button class="btn small" data-why-of={sid.to_string()}
                        title={format!("What each option of the rule matched ({})", keys::hint(Action::Why))}
                        onclick={ctx.props().on_why.reform(move |_: MouseEvent| (gid, sid))}>{ "Why" }</button>
                </div>
                if chosen { { self.whole(ctx) } }
            </div>
        }
    }

    fn whole(&self, ctx: &Context<Self>) -> Html {
        match &self.text {
            None => html! { <p class="note">{ "Asking the sensor for the rule…" }</p> },
            Some(Err(error)) => html! { <p class="note bad" role="alert">{ &error.message }</p> },
            Some(Ok(None)) => html! { <p class="note">{ "The sensor runs this rule no more." }</p> },
            Some(Ok(Some(text))) => {
                let rule = (text.line.gid, text.line.sid);
                html! {
                    <>
                        { whole(text, &ctx.props().on_copy) }
                        <button class="btn small" id="rule-in-pane" title="Where it is switched off and copied"
                            onclick={ctx.props().on_rule.reform(move |_: MouseEvent| rule)}>{ "In the pane of rules…" }</button>
                    </>
                }
            }
        }
    }
}

/// All that a rule says.
pub fn whole(text: &RuleText, on_copy: &Callback<(String, String)>) -> Html {
    let copy = |what: &'static str, text: String| on_copy.reform(move |_: MouseEvent| (text.clone(), what.to_owned()));
    html! {
        <div class="rule-whole">
            <dl class="facts">
                if !text.line.class.is_empty() {
                    <dt>{ "Class" }</dt><dd>{ if text.class.is_empty() { text.line.class.clone() } else { text.class.clone() } }
                        <span class="faint mono">{ format!(" {}", text.line.class) }</span></dd>
                }
                <dt>{ "Severity" }</dt><dd>{ text.line.severity }</dd>
                <dt>{ "From" }</dt><dd class="mono">{ format!("{}:{}", text.line.file, text.line.line) }</dd>
                if !text.references.is_empty() {
                    <dt>{ "References" }</dt>
                    <dd>{ for text.references.iter().map(|(system, id)| {
                        let address = address(system, id);
                        html! { <div><button class="link-button" title="Copy this address"
                            onclick={copy("the reference", address.clone())}>{ address }</button></div> }
                    }) }</dd>
                }
                if !text.without_effect.is_empty() {
                    <dt>{ "Without effect here" }</dt><dd class="mono">{ text.without_effect.join(", ") }</dd>
                }
                { for text.metadata.iter().map(|(key, value)| html! { <><dt>{ key.replace('_', " ") }</dt><dd>{ value }</dd></> }) }
            </dl>
            <div class="rule-text mono">{ &text.text }
                <button class="bare copy" title="Copy the rule" aria-label="Copy the rule"
                    onclick={copy("the rule", text.text.clone())}>{ icon(Icon::Copy) }</button></div>
        </div>
    }
}

/// The rule of the first message that has one.
fn first(row: &ViewRow) -> Option<(u32, u32)> {
    row.events.iter().find_map(|event| event.rule.as_ref()).map(|rule| (rule.gid, rule.sid))
}
