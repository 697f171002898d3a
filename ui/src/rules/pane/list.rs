//! The list of rules: counts by state, which filter it, and its lines.

use sensor_wire::rules::{RuleLine, RuleState};
use web_sys::MouseEvent;
use yew::{Context, Html, html};

use super::{Msg, RulesPane, Side};
use crate::format;
use crate::grid::row::badge;
use crate::rules::state;
use crate::state::file_name;

impl RulesPane {
    pub(super) fn counts(&self, ctx: &Context<Self>) -> Html {
        let Some(window) = &self.window else { return Html::default() };
        let counts = &window.answer.counts;
        let all = [
            (RuleState::Running, counts.running, "running"),
            (RuleState::Refused, counts.refused, "refused"),
            (RuleState::Disabled, counts.disabled, "off"),
        ];
        html! {
            <span class="rule-counts" role="group" aria-label="By state">
                { for all.into_iter().map(|(of, count, word)| {
                    let on = self.asked.state == Some(of);
                    html! { <button class={yew::classes!("btn", on.then_some("on"))} aria-pressed={on.to_string()}
                        id={format!("rules-{word}")} onclick={ctx.link().callback(move |_: MouseEvent| Msg::State(Some(of)))}>
                        <span class={state(of).1}></span>{ format!("{} {word}", format::grouped(count.into())) }</button> }
                }) }
            </span>
        }
    }

    pub(super) fn list(&self, ctx: &Context<Self>) -> Html {
        let Some(window) = &self.window else { return html! { <p class="note">{ "Reading the rules…" }</p> } };
        let answer = &window.answer;
        if answer.rules.is_empty() {
            let words = if self.asked.search.is_empty() { "There are no such rules." } else { "No rule says this." };
            return html! { <p class="note">{ words }</p> };
        }
        let last = self.asked.offset + answer.rules.len() as u32;
        html! {
            <>
                { for answer.rules.iter().map(|line| self.line(ctx, line)) }
                <div class="rules-foot">
                    <span class="mute">{ format!("{} to {} of {}", format::grouped((self.asked.offset + 1).into()),
                        format::grouped(last.into()), format::counted(answer.total.into(), "rule")) }</span>
                    <span class="grow"></span>
                    <button class="btn" disabled={self.asked.offset == 0}
                        onclick={ctx.link().callback(|_: MouseEvent| Msg::Page(false))}>{ "Previous" }</button>
                    <button class="btn" disabled={last >= answer.total}
                        onclick={ctx.link().callback(|_: MouseEvent| Msg::Page(true))}>{ "Next" }</button>
                </div>
            </>
        }
    }

    fn line(&self, ctx: &Context<Self>, line: &RuleLine) -> Html {
        let (word, mark) = state(line.state);
        let shown = matches!(&self.side, Side::Rule(it, _) if (&it.file, it.line) == (&line.file, line.line));
        let chosen = Box::new(line.clone());
        let (letter, class) = badge(sensor_wire::RowKind::Alert, line.severity);
        html! {
            <button key={format!("{}:{}", line.file, line.line)} class={yew::classes!("rule-row", shown.then_some("on"))} data-sid={line.sid.to_string()}
                data-state={word} onclick={ctx.link().callback(move |_: MouseEvent| Msg::Shown(chosen.clone()))}>
                <span class={mark} title={word}></span>
                <span class="mono rule-sid">{ if line.sid == 0 { "–".to_owned() } else { line.sid.to_string() } }</span>
                if line.severity > 0 { <span class={class}>{ letter }</span> } else { <span class="badge none"></span> }
                <span class="rule-msg" title={line.message.clone()}>{ &line.message }</span>
                <span class="faint mono rule-file">{ format!("{}:{}", file_name(&line.file), line.line) }</span>
            </button>
        }
    }
}
