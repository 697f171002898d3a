//! The pane of rules: sources, counts by state, a searched list, one rule whole, the user's own rules, variables.

use sensor_wire::rules::{RuleChecked, RuleLine, RuleState, RuleText, RulesAsked};
use sensor_wire::view::{LOCAL, RulePrefs, RuleSource, RuleWindow, ViewError, ViewReply, ViewRequest};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlInputElement, HtmlTextAreaElement, KeyboardEvent, MouseEvent};
use yew::{Callback, Component, Context, Html, InputEvent, Properties, TargetCast, html};

use super::card::whole;
use super::state;
use crate::backend::{Client, unexpected};
use crate::dom;
use crate::format;
use crate::grid::row::badge;
use crate::parts::{Icon, icon};

/// Rules of one page of the list.
const PAGE: u32 = 200;

/// The pane's properties.
#[derive(Properties, PartialEq)]
pub struct PaneProps {
    /// The app.
    pub client: Client,
    /// The newest revision of the status: what runs may have changed with it.
    pub revision: u64,
    /// Text for the clipboard, and what it is.
    pub on_copy: Callback<(String, String)>,
    /// Something to say.
    pub on_say: Callback<String>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The pane.
pub struct RulesPane {
    asked: RulesAsked,
    window: Option<RuleWindow>,
    error: Option<ViewError>,
    pulling: bool,
    again: bool,
    shown: Option<RuleLine>,
    text: Option<Box<RuleText>>,
    /// The user's own rules while they are written, and what was last found of them.
    draft: Option<String>,
    checked: Option<RuleChecked>,
    /// A path that is typed.
    path: String,
    home: Option<String>,
}

/// What happens in the pane.
pub enum Msg {
    /// Rules came.
    Pulled(RulesAsked, Result<Box<RuleWindow>, ViewError>),
    /// Typed.
    Search(String),
    /// A count was clicked.
    State(Option<RuleState>),
    /// Another page.
    Page(bool),
    /// A rule was clicked.
    Shown(RuleLine),
    /// What it says came.
    Text(Option<Box<RuleText>>),
    /// The chosen rule goes on or off.
    Switch,
    /// The chosen rule is copied to the user's own.
    Edit,
    /// The user's own rules are written.
    Own,
    /// They were typed in.
    Draft(String),
    /// They are to be looked at, and kept if all could run.
    Save,
    /// What was found of them.
    Checked(Result<RuleChecked, ViewError>),
    /// Nothing of it is kept.
    Discard,
    /// A path was typed.
    Path(String),
    /// It becomes a source.
    AddSource,
    /// A source goes on or off, or away.
    Source(usize, bool),
    /// The sensor's own rules go on or off.
    Starter,
    /// Own networks were typed.
    Home(String),
    /// They are taken.
    KeepHome,
    /// All files are read anew.
    Reload,
    /// What was set is taken, or not.
    Set(Result<(), ViewError>),
    /// Closes what is topmost.
    Back,
}

impl Component for RulesPane {
    type Message = Msg;
    type Properties = PaneProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut pane = RulesPane {
            asked: RulesAsked { limit: PAGE, ..RulesAsked::default() },
            window: None,
            error: None,
            pulling: false,
            again: false,
            shown: None,
            text: None,
            draft: None,
            checked: None,
            path: String::new(),
            home: None,
        };
        pane.pull(ctx);
        pane
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &PaneProps) -> bool {
        if ctx.props().revision != old.revision {
            self.pull(ctx);
        }
        true
    }

    fn rendered(&mut self, _: &Context<Self>, first: bool) {
        if first {
            dom::focus("rules-search");
        }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Pulled(asked, answer) => {
                self.pulling = false;
                match answer {
                    Ok(window) if asked == self.asked => (self.window, self.error) = (Some(*window), None),
                    Ok(_) => self.again = true,
                    Err(error) => self.error = Some(error),
                }
                if std::mem::take(&mut self.again) {
                    self.pull(ctx);
                }
            }
            Msg::Search(search) => {
                self.asked = RulesAsked { search, offset: 0, ..self.asked.clone() };
                self.pull(ctx);
            }
            Msg::State(state) => {
                self.asked.state = if self.asked.state == state { None } else { state };
                self.asked.offset = 0;
                self.pull(ctx);
            }
            Msg::Page(on) => {
                let offset = self.asked.offset;
                self.asked.offset = if on { offset + PAGE } else { offset.saturating_sub(PAGE) };
                self.pull(ctx);
            }
            Msg::Shown(line) => {
                (self.text, self.draft) = (None, None);
                self.ask_text(ctx, &line);
                self.shown = Some(line);
            }
            Msg::Text(text) => self.text = text,
            Msg::Switch => return self.switch(ctx),
            Msg::Edit => {
                let Some(text) = &self.text else { return false };
                let mut draft = self.own();
                if !draft.is_empty() && !draft.ends_with('\n') {
                    draft.push('\n');
                }
                draft.push_str(text.text.trim_start_matches("# "));
                draft.push('\n');
                (self.draft, self.checked) = (Some(draft), None);
            }
            Msg::Own => (self.draft, self.checked) = (Some(self.own()), None),
            Msg::Draft(draft) => (self.draft, self.checked) = (Some(draft), None),
            Msg::Save => {
                let Some(draft) = self.draft.clone() else { return false };
                let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
                spawn_local(async move {
                    link.send_message(Msg::Checked(match client.ask(ViewRequest::CheckRules(draft)).await {
                        Ok(ViewReply::RulesChecked(checked)) => Ok(checked),
                        Ok(_) => Err(unexpected()),
                        Err(error) => Err(error),
                    }));
                });
                return false;
            }
            Msg::Checked(Ok(checked)) => {
                let good = checked.bad.is_empty();
                self.checked = Some(checked);
                if let (true, Some(local)) = (good, self.draft.clone()) {
                    self.draft = None;
                    self.set(ctx, |prefs| prefs.local = local);
                    ctx.props().on_say.emit("Kept; the sensors run them".to_owned());
                }
            }
            Msg::Checked(Err(error)) | Msg::Set(Err(error)) => self.error = Some(error),
            Msg::Discard => (self.draft, self.checked) = (None, None),
            Msg::Path(path) => self.path = path,
            Msg::AddSource => {
                let path = std::mem::take(&mut self.path).trim().to_owned();
                if path.is_empty() {
                    return false;
                }
                self.set(ctx, |prefs| {
                    prefs.sources.retain(|source| source.path != path);
                    prefs.sources.push(RuleSource { path, on: true });
                });
            }
            Msg::Source(at, away) => self.set(ctx, |prefs| {
                if away && at < prefs.sources.len() {
                    prefs.sources.remove(at);
                } else if let Some(source) = prefs.sources.get_mut(at) {
                    source.on = !source.on;
                }
            }),
            Msg::Starter => self.set(ctx, |prefs| prefs.starter = !prefs.starter),
            Msg::Home(home) => self.home = Some(home),
            Msg::KeepHome => {
                let Some(home) = self.home.take() else { return false };
                self.set(ctx, |prefs| prefs.home_net = home.trim().to_owned());
            }
            Msg::Reload => {
                self.set(ctx, |_| {});
                ctx.props().on_say.emit("The rules are read anew".to_owned());
            }
            Msg::Set(Ok(())) => self.pull(ctx),
            Msg::Back if self.draft.is_some() => (self.draft, self.checked) = (None, None),
            Msg::Back if self.shown.is_some() => (self.shown, self.text) = (None, None),
            Msg::Back => ctx.props().on_close.emit(()),
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let oninput = link.batch_callback(|event: InputEvent| {
            Some(Msg::Search(event.target_dyn_into::<HtmlInputElement>()?.value()))
        });
        let onkeydown = link.batch_callback(|event: KeyboardEvent| {
            // What is typed here is none of the grid's business.
            event.stop_propagation();
            (event.key() == "Escape").then_some(Msg::Back)
        });
        html! {
            <section id="rules" role="region" aria-label="Rules" {onkeydown}>
                <div class="hosts-head">
                    <h2>{ "Rules" }</h2>
                    <label class="search">{ icon(Icon::Search) }
                        <input id="rules-search" type="text" spellcheck="false" autocomplete="off" {oninput}
                            placeholder="Message, sid, class, file, reason…" aria-label="Search rules" />
                    </label>
                    { self.counts(ctx) }
                    <span class="grow"></span>
                    <button class="btn" id="own-rules" onclick={link.callback(|_: MouseEvent| Msg::Own)}>{ "Own rules…" }</button>
                    <button class="btn" id="reload-rules" onclick={link.callback(|_: MouseEvent| Msg::Reload)}
                        title="Read all files anew; no packet or flow is lost">{ icon(Icon::Reload) }{ "Reload" }</button>
                    <button class="bare" id="close-rules" onclick={link.callback(|_: MouseEvent| Msg::Back)}
                        title="Close (Esc)" aria-label="Close">{ icon(Icon::Close) }</button>
                </div>
                if let Some(error) = &self.error {
                    <p class="note bad" role="alert">{ format!("{} {}", error.message, error.detail) }</p>
                }
                <div class="rules-main">
                    { self.sources(ctx) }
                    <div class="rules-list" id="rules-list">{ self.list(ctx) }</div>
                    { self.side(ctx) }
                </div>
            </section>
        }
    }
}

impl RulesPane {
    fn pull(&mut self, ctx: &Context<Self>) {
        if std::mem::replace(&mut self.pulling, true) {
            self.again = true;
            return;
        }
        let (client, link, asked) = (ctx.props().client.clone(), ctx.link().clone(), self.asked.clone());
        spawn_local(async move {
            let answer = match client.ask(ViewRequest::RuleList(asked.clone())).await {
                Ok(ViewReply::Rules(window)) => Ok(window),
                Ok(_) => Err(unexpected()),
                Err(error) => Err(error),
            };
            link.send_message(Msg::Pulled(asked, answer));
        });
    }

    fn ask_text(&self, ctx: &Context<Self>, line: &RuleLine) {
        let (client, link, gid, sid) = (ctx.props().client.clone(), ctx.link().clone(), line.gid, line.sid);
        spawn_local(async move {
            // Without an answer the line says what is known.
            if let Ok(ViewReply::Rule(text)) = client.ask(ViewRequest::Rule { source: 0, gid, sid }).await {
                link.send_message(Msg::Text(text));
            }
        });
    }

    fn own(&self) -> String {
        self.window.as_ref().map(|window| window.prefs.local.clone()).unwrap_or_default()
    }

    /// Changes what is set, here at once, and tells the app.
    fn set(&mut self, ctx: &Context<Self>, change: impl FnOnce(&mut RulePrefs)) {
        let Some(window) = &mut self.window else { return };
        change(&mut window.prefs);
        let request = ViewRequest::SetRules(Box::new(window.prefs.clone()));
        let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
        spawn_local(async move { link.send_message(Msg::Set(client.ask(request).await.map(drop))) });
    }

    fn switch(&mut self, ctx: &Context<Self>) -> bool {
        let Some(line) = self.shown.clone() else { return false };
        let rule = (line.gid, line.sid);
        let on = line.state != RuleState::Running;
        self.set(ctx, |prefs| {
            prefs.off.retain(|known| *known != rule);
            prefs.on.retain(|known| *known != rule);
            if on { prefs.on.push(rule) } else { prefs.off.push(rule) }
        });
        let state = if on { RuleState::Running } else { RuleState::Disabled };
        self.shown = Some(RuleLine { state, ..line });
        true
    }

    fn counts(&self, ctx: &Context<Self>) -> Html {
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

    fn sources(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let Some(window) = &self.window else { return html! { <div class="rules-sources"></div> } };
        let prefs = &window.prefs;
        let typed = |msg: fn(String) -> Msg| {
            link.batch_callback(move |event: InputEvent| {
                Some(msg(event.target_dyn_into::<HtmlInputElement>()?.value()))
            })
        };
        let entered =
            |msg: fn() -> Msg| link.batch_callback(move |event: KeyboardEvent| (event.key() == "Enter").then(msg));
        html! {
            <div class="rules-sources">
                <h3>{ "Sources" }</h3>
                <label class="rule-source"><input type="checkbox" id="starter-rules" checked={prefs.starter}
                    onclick={link.callback(|_: MouseEvent| Msg::Starter)} />{ "Nightjar's starter rules" }</label>
                { for prefs.sources.iter().enumerate().map(|(at, source)| html! {
                    <div class="rule-source" key={source.path.clone()} title={source.path.clone()}>
                        <label><input type="checkbox" checked={source.on}
                            onclick={link.callback(move |_: MouseEvent| Msg::Source(at, false))} />
                            <span class="path">{ crate::state::file_name(&source.path) }</span></label>
                        <span class="grow"></span>
                        <button class="bare" title="Take this source away" aria-label="Take away"
                            onclick={link.callback(move |_: MouseEvent| Msg::Source(at, true))}>{ icon(Icon::Close) }</button>
                    </div>
                }) }
                { for window.answer.counts.unreadable.iter().map(|why| html! { <p class="note bad" role="alert">{ why }</p> }) }
                <div class="rule-add">
                    <input type="text" id="rule-path" spellcheck="false" placeholder="Path of a file, folder or .tar.gz"
                        aria-label="Path of rules" value={self.path.clone()} oninput={typed(Msg::Path)} onkeydown={entered(|| Msg::AddSource)} />
                    <button class="btn" id="rule-add" onclick={link.callback(|_: MouseEvent| Msg::AddSource)}>{ "Add" }</button>
                </div>
                <h3>{ "HOME_NET" }</h3>
                <div class="rule-add">
                    <input type="text" id="home-net" spellcheck="false" placeholder="private networks" aria-label="HOME_NET"
                        value={self.home.clone().unwrap_or_else(|| prefs.home_net.clone())}
                        oninput={typed(Msg::Home)} onkeydown={entered(|| Msg::KeepHome)} />
                    <button class="btn" disabled={self.home.is_none()} onclick={link.callback(|_: MouseEvent| Msg::KeepHome)}>{ "Set" }</button>
                </div>
                <p class="faint">{ "CIDRs with commas between them, or any. EXTERNAL_NET is everything else." }</p>
            </div>
        }
    }

    fn list(&self, ctx: &Context<Self>) -> Html {
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
                        onclick={ctx.link().callback(|_: MouseEvent| Msg::Page(false))}>{ "Back" }</button>
                    <button class="btn" disabled={last >= answer.total}
                        onclick={ctx.link().callback(|_: MouseEvent| Msg::Page(true))}>{ "On" }</button>
                </div>
            </>
        }
    }

    fn line(&self, ctx: &Context<Self>, line: &RuleLine) -> Html {
        let (word, mark) = state(line.state);
        let shown = self.shown.as_ref().is_some_and(|it| (&it.file, it.line) == (&line.file, line.line));
        let chosen = line.clone();
        let (letter, class) = badge(sensor_wire::RowKind::Alert, line.severity);
        html! {
            <button class={yew::classes!("rule-row", shown.then_some("on"))} data-sid={line.sid.to_string()}
                data-state={word} onclick={ctx.link().callback(move |_: MouseEvent| Msg::Shown(chosen.clone()))}>
                <span class={mark} title={word}></span>
                <span class="mono rule-sid">{ if line.sid == 0 { "–".to_owned() } else { line.sid.to_string() } }</span>
                if line.severity > 0 { <span class={class}>{ letter }</span> } else { <span class="badge none"></span> }
                <span class="rule-msg" title={line.message.clone()}>{ &line.message }</span>
                <span class="faint mono rule-file">{ format!("{}:{}", crate::state::file_name(&line.file), line.line) }</span>
            </button>
        }
    }

    fn side(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        if let Some(draft) = &self.draft {
            let oninput = link.batch_callback(|event: InputEvent| {
                Some(Msg::Draft(event.target_dyn_into::<HtmlTextAreaElement>()?.value()))
            });
            let bad = self.checked.as_ref().map(|checked| checked.bad.as_slice()).unwrap_or_default();
            return html! {
                <aside class="rules-side" aria-label="Own rules">
                    <h3>{ LOCAL }</h3>
                    <p class="faint">{ "A copy needs a sid of its own, from 1000000 on. The original stays as it is until it is switched off." }</p>
                    <textarea id="rule-draft" class="mono" spellcheck="false" value={draft.clone()} {oninput} />
                    { for bad.iter().map(|line| html! {
                        <p class="note bad" role="alert">{ format!("line {}, column {}: {}", line.line, line.column, line.message) }</p>
                    }) }
                    <div class="popover-foot">
                        <span class="grow"></span>
                        <button class="btn" onclick={link.callback(|_: MouseEvent| Msg::Discard)}>{ "Discard" }</button>
                        <button class="btn primary" id="rule-save" onclick={link.callback(|_: MouseEvent| Msg::Save)}>{ "Check and keep" }</button>
                    </div>
                </aside>
            };
        }
        let Some(line) = &self.shown else { return Html::default() };
        let (word, mark) = state(line.state);
        html! {
            <aside class="rules-side" id="rule-shown" aria-label="The chosen rule">
                <h3><span class={mark}></span>{ format!("{word} · sid {}", line.sid) }</h3>
                if line.state == RuleState::Refused {
                    <p class="note bad">{ &line.message }</p>
                    <p class="mono">{ format!("{}:{}:{}", line.file, line.line, line.column) }</p>
                } else {
                    <p>{ &line.message }</p>
                }
                if let Some(text) = &self.text {
                    { whole(text, &ctx.props().on_copy) }
                    <div class="popover-foot">
                        <button class="btn" id="rule-switch" onclick={link.callback(|_: MouseEvent| Msg::Switch)}>
                            { if line.state == RuleState::Running { "Switch off" } else { "Switch on" } }</button>
                        <button class="btn" id="rule-edit" onclick={link.callback(|_: MouseEvent| Msg::Edit)}>{ "Edit a copy…" }</button>
                    </div>
                }
            </aside>
        }
    }
}
