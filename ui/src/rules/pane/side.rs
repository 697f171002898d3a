//! What stands beside the list: a rule whole, the user's own rules, or all variables.

use sensor_wire::rules::{RuleLine, RuleState, RuleText};
use sensor_wire::view::{LOCAL, RulePrefs};
use web_sys::MouseEvent;
use yew::{Context, Html, html};

use super::{Msg, RulesPane, Side};
use crate::rules::card::whole;
use crate::rules::own::OwnRules;
use crate::rules::state;
use crate::rules::variables::Variables;

impl RulesPane {
    pub(super) fn side(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let (on_dirty, on_close) = (link.callback(Msg::Dirty), link.callback(|()| Msg::CloseSide));
        match (&self.side, &self.window) {
            (Side::Rule(line, text), _) => self.rule(ctx, line, text.as_deref()),
            (Side::Own(text, copied), Some(window)) => html! {
                <OwnRules client={ctx.props().client.clone()} kept={window.prefs.local.clone()} text={text.clone()} copied={*copied}
                    on_keep={link.callback(|(text, rule)| Msg::KeepOwn(text, rule))} {on_dirty} {on_close} />
            },
            (Side::Variables, Some(window)) => html! {
                <Variables client={ctx.props().client.clone()} prefs={window.prefs.clone()} variables={window.answer.variables.clone()}
                    on_keep={link.callback(|prefs: RulePrefs| Msg::KeepVariables(Box::new(prefs)))} {on_dirty} {on_close} />
            },
            (Side::None, _) | (_, None) => Html::default(),
        }
    }

    fn rule(&self, ctx: &Context<Self>, line: &RuleLine, text: Option<&RuleText>) -> Html {
        let link = ctx.link();
        let (word, mark) = state(line.state);
        let message = (!line.message.is_empty()).then_some(&line.message);
        html! {
            <aside class="rules-side" id="rule-shown" aria-label="The chosen rule">
                <h3><span class={mark}></span>{ format!("{word} · sid {}", line.sid) }</h3>
                if line.state == RuleState::Refused {
                    <p class="note bad">{ &line.message }</p>
                    <p class="mono path">{ format!("{}:{}:{}", line.file, line.line, line.column) }</p>
                } else if let Some(message) = message {
                    <p class="rule-title">{ message }</p>
                }
                if let Some(text) = text {
                    <div class="rule-acts">
                        <button class="btn" id="rule-switch" onclick={link.callback(|_: MouseEvent| Msg::Switch)}>
                            { if line.state == RuleState::Running { "Switch off" } else { "Switch on" } }</button>
                        if line.file == LOCAL {
                            <button class="btn" onclick={link.callback(|_: MouseEvent| Msg::Own)}>{ "Edit own rules…" }</button>
                        } else {
                            <button class="btn" id="rule-edit" onclick={link.callback(|_: MouseEvent| Msg::Edit)}>{ "Edit a copy…" }</button>
                        }
                    </div>
                    { whole(text, &ctx.props().on_copy) }
                }
            </aside>
        }
    }
}
