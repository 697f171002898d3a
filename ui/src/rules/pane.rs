//! The pane of rules: sources, counts by state, a searched list, one rule whole, the user's own rules, variables.

mod list;
mod side;
mod sources;

use sensor_wire::rules::{RuleLine, RuleState, RuleText, RulesAsked};
use sensor_wire::view::{RulePrefs, RuleSource, RuleWindow, ViewError, ViewReply, ViewRequest, is_address};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlInputElement, KeyboardEvent, MouseEvent};
use yew::{Callback, Component, Context, Html, InputEvent, Properties, TargetCast, html};

use super::own::{RuleId, with_copy};
use crate::backend::{Client, unexpected};
use crate::dom;
use crate::parts::{Icon, icon};

/// Rules of one page of the list.
const PAGE: u32 = 200;

/// The pane's properties.
#[derive(Properties, PartialEq)]
pub struct PaneProps {
    /// The app.
    pub client: Client,
    /// Changes with which rules run, and with what is fetched.
    pub revision: u64,
    /// A rule to show, as an event names it.
    pub rule: Option<RuleId>,
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
    side: Side,
    /// What stands at the side would be lost.
    dirty: bool,
    /// A path or an address that is typed.
    path: String,
    home: Option<String>,
}

/// What stands beside the list.
pub enum Side {
    /// Nothing.
    None,
    /// A rule, and all that it says once that is here.
    Rule(Box<RuleLine>, Option<Box<RuleText>>),
    /// The user's own rules: what to begin with, and the rule that was copied.
    Own(String, Option<RuleId>),
    /// All variables.
    Variables,
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
    Shown(Box<RuleLine>),
    /// What it says came.
    Text(RuleId, Option<Box<RuleText>>),
    /// The chosen rule goes on or off.
    Switch,
    /// The chosen rule is copied to the user's own.
    Edit,
    /// The user's own rules are written.
    Own,
    /// They could run and are kept; this one goes off.
    KeepOwn(String, Option<RuleId>),
    /// All variables are shown.
    Variables,
    /// They are kept like this.
    KeepVariables(Box<RulePrefs>),
    /// What stands at the side would be lost, or no longer.
    Dirty(bool),
    /// What stands at the side is closed.
    CloseSide,
    /// A path or an address was typed.
    Path(String),
    /// It becomes a source.
    AddSource,
    /// This becomes a source.
    Add(String),
    /// A source goes on or off, or away.
    Source(usize, bool),
    /// A source is fetched, or no further.
    Fetch(String, bool),
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
            side: Side::None,
            dirty: false,
            path: String::new(),
            home: None,
        };
        pane.jump(ctx);
        pane.pull(ctx);
        pane
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &PaneProps) -> bool {
        if ctx.props().rule != old.rule && !self.dirty {
            self.jump(ctx);
            self.pull(ctx);
        }
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
                    Ok(window) if asked == self.asked => {
                        (self.window, self.error) = (Some(*window), None);
                        self.refresh_shown();
                    }
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
                dom::scroll_up("rules-list");
            }
            Msg::Shown(line) => {
                self.ask_text(ctx, (line.gid, line.sid));
                self.turn(ctx, Side::Rule(line, None));
            }
            Msg::Text(asked, text) => match &mut self.side {
                Side::Rule(line, shown) if (line.gid, line.sid) == asked => {
                    if let Some(text) = &text {
                        **line = text.line.clone();
                    }
                    *shown = text;
                }
                Side::Rule(..) | Side::None | Side::Own(..) | Side::Variables => return false,
            },
            Msg::Switch => return self.switch(ctx),
            Msg::Edit => {
                let Side::Rule(line, Some(text)) = &self.side else { return false };
                let runs = (line.state == RuleState::Running).then_some((line.gid, line.sid));
                let side = Side::Own(with_copy(&self.own(), &text.text), runs);
                self.turn(ctx, side);
            }
            Msg::Own => self.turn(ctx, Side::Own(self.own(), None)),
            Msg::KeepOwn(local, replaced) => {
                (self.side, self.dirty) = (Side::None, false);
                self.set(ctx, |prefs| {
                    prefs.local = local;
                    if let Some(rule) = replaced {
                        switch(prefs, rule, false);
                    }
                });
                ctx.props().on_say.emit("Kept: they hold for packets from now on".to_owned());
            }
            Msg::Variables => self.turn(ctx, Side::Variables),
            Msg::KeepVariables(prefs) => {
                (self.side, self.dirty, self.home) = (Side::None, false, None);
                let RulePrefs { home_net, addresses, ports, .. } = *prefs;
                self.set(ctx, |prefs| (prefs.home_net, prefs.addresses, prefs.ports) = (home_net, addresses, ports));
                ctx.props().on_say.emit("Kept: they hold for packets from now on".to_owned());
            }
            Msg::Dirty(dirty) => {
                self.dirty = dirty;
                return false;
            }
            Msg::CloseSide => (self.side, self.dirty) = (Side::None, false),
            Msg::Path(path) => self.path = path,
            Msg::AddSource => {
                let path = self.path.trim().to_owned();
                if path.is_empty() {
                    return false;
                }
                if !is_address(&path) && !is_whole_path(&path) {
                    ctx.props().on_say.emit("Write the whole path, or an address that begins with https://".to_owned());
                    return false;
                }
                self.path.clear();
                self.add(ctx, path);
            }
            Msg::Add(path) => self.add(ctx, path),
            Msg::Source(at, away) => self.set(ctx, |prefs| {
                if away && at < prefs.sources.len() {
                    prefs.sources.remove(at);
                } else if let Some(source) = prefs.sources.get_mut(at) {
                    source.on = !source.on;
                }
            }),
            Msg::Fetch(address, on) => {
                let request = if on { ViewRequest::FetchRules(address) } else { ViewRequest::StopFetch(address) };
                let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
                spawn_local(async move { link.send_message(Msg::Set(client.ask(request).await.map(drop))) });
                return false;
            }
            Msg::Starter => self.set(ctx, |prefs| prefs.starter = !prefs.starter),
            Msg::Home(home) => self.home = Some(home),
            Msg::KeepHome => return self.keep_home(ctx),
            Msg::Reload => {
                self.set(ctx, |_| {});
                ctx.props().on_say.emit("Read anew: they hold for packets from now on".to_owned());
            }
            Msg::Set(Ok(())) => self.pull(ctx),
            Msg::Set(Err(error)) => self.error = Some(error),
            Msg::Back if self.dirty => self.turn(ctx, Side::None),
            Msg::Back if !matches!(self.side, Side::None) => self.side = Side::None,
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
                            placeholder="Message, sid, class, file, reason…" aria-label="Search rules" value={self.asked.search.clone()} />
                    </label>
                    { self.counts(ctx) }
                    <span class="grow"></span>
                    <button class="btn" id="own-rules" onclick={link.callback(|_: MouseEvent| Msg::Own)}>{ "Own rules…" }</button>
                    <button class="btn" id="rule-variables" onclick={link.callback(|_: MouseEvent| Msg::Variables)}>{ "Variables…" }</button>
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
    /// To the rule that is to be shown.
    fn jump(&mut self, ctx: &Context<Self>) {
        let Some((gid, sid)) = ctx.props().rule else { return };
        self.asked = RulesAsked { search: sid.to_string(), limit: PAGE, ..RulesAsked::default() };
        self.side = Side::Rule(Box::new(RuleLine { gid, sid, ..RuleLine::default() }), None);
        self.ask_text(ctx, (gid, sid));
    }

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

    fn ask_text(&self, ctx: &Context<Self>, rule: RuleId) {
        let (client, link, (gid, sid)) = (ctx.props().client.clone(), ctx.link().clone(), rule);
        spawn_local(async move {
            // Without an answer the line says what is known.
            if let Ok(ViewReply::Rule(text)) = client.ask(ViewRequest::Rule { source: 0, gid, sid }).await {
                link.send_message(Msg::Text(rule, text));
            }
        });
    }

    /// The list knows newer things of the rule at the side.
    fn refresh_shown(&mut self) {
        let (Side::Rule(shown, _), Some(window)) = (&mut self.side, &self.window) else { return };
        let same = |line: &&RuleLine| (&line.file, line.line) == (&shown.file, shown.line);
        if let Some(line) = window.answer.rules.iter().find(same) {
            **shown = line.clone();
        }
    }

    /// Shows another thing at the side, unless what stands there would be lost.
    fn turn(&mut self, ctx: &Context<Self>, side: Side) {
        if self.dirty {
            ctx.props().on_say.emit("Keep or discard what you wrote first".to_owned());
        } else {
            self.side = side;
        }
    }

    fn own(&self) -> String {
        self.window.as_ref().map(|window| window.prefs.local.clone()).unwrap_or_default()
    }

    fn add(&mut self, ctx: &Context<Self>, path: String) {
        self.set(ctx, |prefs| {
            prefs.sources.retain(|source| source.path != path);
            prefs.sources.push(RuleSource { path, on: true });
        });
    }

    /// Changes what is set, here at once, and tells the app.
    fn set(&mut self, ctx: &Context<Self>, change: impl FnOnce(&mut RulePrefs)) {
        let Some(window) = &mut self.window else { return };
        change(&mut window.prefs);
        let request = ViewRequest::SetRules(Box::new(window.prefs.clone()));
        let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
        spawn_local(async move { link.send_message(Msg::Set(client.ask(request).await.map(drop))) });
    }

    /// Own networks are looked at before they are kept, as all variables are.
    fn keep_home(&mut self, ctx: &Context<Self>) -> bool {
        let (Some(home), Some(window)) = (&self.home, &self.window) else { return false };
        let prefs = RulePrefs { home_net: home.trim().to_owned(), ..window.prefs.clone() };
        let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
        spawn_local(async move {
            let checked = client.ask(ViewRequest::CheckVariables(Box::new(prefs.clone()))).await;
            let fault = match checked {
                Ok(ViewReply::Variables(all)) => all
                    .into_iter()
                    .find(|it| it.name == "HOME_NET")
                    .map(|it| it.fault)
                    .filter(|fault| !fault.is_empty()),
                Ok(_) => Some(unexpected().message),
                Err(error) => Some(error.message),
            };
            link.send_message(match fault {
                None => Msg::KeepVariables(Box::new(prefs)),
                Some(fault) => Msg::Set(Err(ViewError {
                    code: "home_net".to_owned(),
                    message: format!("HOME_NET stays as it was: {fault}."),
                    detail: String::new(),
                })),
            });
        });
        false
    }

    fn switch(&mut self, ctx: &Context<Self>) -> bool {
        let Side::Rule(line, _) = &mut self.side else { return false };
        let (rule, on) = ((line.gid, line.sid), line.state != RuleState::Running);
        line.state = if on { RuleState::Running } else { RuleState::Disabled };
        self.set(ctx, |prefs| switch(prefs, rule, on));
        true
    }
}

/// Switches a rule on or off. One that only the user switched off, or on, is as its file says again.
fn switch(prefs: &mut RulePrefs, rule: RuleId, on: bool) {
    let (here, other) = if on { (&mut prefs.on, &mut prefs.off) } else { (&mut prefs.off, &mut prefs.on) };
    let known = other.len();
    other.retain(|it| *it != rule);
    if other.len() == known && !here.contains(&rule) {
        here.push(rule);
    }
}

/// A path from the root of a system on, of any kind.
fn is_whole_path(path: &str) -> bool {
    let drive =
        |path: &str| path.chars().next().is_some_and(|c| c.is_ascii_alphabetic()) && path.get(1..2) == Some(":");
    path.starts_with(['/', '\\']) || drive(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_switched_twice_is_as_its_file_says() {
        let mut prefs = RulePrefs::default();
        switch(&mut prefs, (1, 7), false);
        switch(&mut prefs, (1, 7), false);
        assert_eq!((prefs.off.as_slice(), prefs.on.as_slice()), ([(1, 7)].as_slice(), [].as_slice()));
        switch(&mut prefs, (1, 7), true);
        assert_eq!((prefs.off.len(), prefs.on.len()), (0, 0));
        switch(&mut prefs, (1, 8), true);
        assert_eq!(prefs.on, [(1, 8)]);
    }

    #[test]
    fn whole_paths_of_all_systems() {
        assert!(["/etc/rules", "C:\\rules", "\\\\server\\rules", "d:/rules"].into_iter().all(is_whole_path));
        assert!(!["rules", "./rules", "", "https", "é:"].into_iter().any(is_whole_path));
    }
}
