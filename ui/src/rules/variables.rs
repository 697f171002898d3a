//! What `$HOME_NET` and its like stand for: all of them, looked at before they are kept.

use std::collections::BTreeMap;

use sensor_wire::rules::RuleVariable;
use sensor_wire::view::{RulePrefs, ViewError, ViewReply, ViewRequest};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlInputElement, KeyboardEvent, MouseEvent};
use yew::{Callback, Component, Context, Html, InputEvent, Properties, TargetCast, html};

use crate::backend::{Client, unexpected};
use crate::dom;

/// A variable: whether it stands for ports, and its name.
type Key = (bool, String);

/// The editor's properties.
#[derive(Properties, PartialEq)]
pub struct VariablesProps {
    /// The app.
    pub client: Client,
    /// What is set.
    pub prefs: RulePrefs,
    /// What all of them stand for.
    pub variables: Vec<RuleVariable>,
    /// There is something that would be lost, or no longer is.
    pub on_dirty: Callback<bool>,
    /// Keep this.
    pub on_keep: Callback<RulePrefs>,
    /// It is closed.
    pub on_close: Callback<()>,
}

/// The editor.
pub struct Variables {
    set: BTreeMap<Key, String>,
    /// Names that the user added.
    added: Vec<Key>,
    name: String,
    faults: BTreeMap<Key, String>,
    error: Option<ViewError>,
    held: bool,
}

/// What happens in the editor.
pub enum Msg {
    /// Typed.
    Typed(Key, String),
    /// The name of a new one is typed.
    Name(String),
    /// It is added, for ports or for addresses.
    Add(bool),
    /// Looked at, and kept if nothing is wrong.
    Keep,
    /// What was found.
    Checked(Box<RulePrefs>, Result<Vec<RuleVariable>, ViewError>),
    /// Esc.
    Back,
    /// Nothing of it is kept.
    Discard,
}

impl Component for Variables {
    type Message = Msg;
    type Properties = VariablesProps;

    fn create(ctx: &Context<Self>) -> Self {
        let set = of_prefs(&ctx.props().prefs);
        let known = |key: &&Key| ctx.props().variables.iter().any(|it| (it.port, &it.name) == (key.0, &key.1));
        let added = set.keys().filter(|key| !known(key)).cloned().collect();
        Variables { set, added, name: String::new(), faults: BTreeMap::new(), error: None, held: false }
    }

    fn rendered(&mut self, _: &Context<Self>, first: bool) {
        if first {
            dom::focus("var-HOME_NET");
        }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Typed(key, value) => {
                self.faults.remove(&key);
                self.held = false;
                if value.is_empty() {
                    self.set.remove(&key)
                } else {
                    self.set.insert(key, value)
                };
                ctx.props().on_dirty.emit(self.is_dirty(ctx));
            }
            Msg::Name(name) => self.name = name,
            Msg::Add(port) => {
                let name = std::mem::take(&mut self.name).trim().trim_start_matches('$').to_uppercase();
                let there = |it: &RuleVariable| it.name == name && it.port == port;
                if !name.is_empty() && !ctx.props().variables.iter().any(there) {
                    self.added.push((port, name));
                }
            }
            Msg::Keep => {
                let prefs = Box::new(to_prefs(&self.set, &ctx.props().prefs));
                let (client, link) = (ctx.props().client.clone(), ctx.link().clone());
                spawn_local(async move {
                    let answer = match client.ask(ViewRequest::CheckVariables(prefs.clone())).await {
                        Ok(ViewReply::Variables(variables)) => Ok(variables),
                        Ok(_) => Err(unexpected()),
                        Err(error) => Err(error),
                    };
                    link.send_message(Msg::Checked(prefs, answer));
                });
                return false;
            }
            Msg::Checked(prefs, Ok(variables)) => {
                // What was typed meanwhile was not looked at.
                if *prefs != to_prefs(&self.set, &ctx.props().prefs) {
                    return false;
                }
                let wrong = variables.into_iter().filter(|it| !it.fault.is_empty());
                self.faults = wrong.map(|it| ((it.port, it.name), it.fault)).collect();
                self.error = None;
                // To the one that was typed, not to those that hang on it.
                if let Some((_, name)) = self.faults.keys().find(|key| self.set.contains_key(key)) {
                    dom::focus(&format!("var-{name}"));
                }
                if self.faults.is_empty() {
                    ctx.props().on_dirty.emit(false);
                    ctx.props().on_keep.emit(*prefs);
                }
            }
            Msg::Checked(_, Err(error)) => self.error = Some(error),
            Msg::Back if self.is_dirty(ctx) => self.held = true,
            Msg::Back | Msg::Discard => {
                ctx.props().on_dirty.emit(false);
                ctx.props().on_close.emit(());
            }
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let onkeydown = link.batch_callback(|event: KeyboardEvent| {
            event.stop_propagation();
            match event.key().as_str() {
                "Escape" => Some(Msg::Back),
                "Enter" => Some(Msg::Keep),
                _ => None,
            }
        });
        let named = link
            .batch_callback(|event: InputEvent| Some(Msg::Name(event.target_dyn_into::<HtmlInputElement>()?.value())));
        html! {
            <aside class="rules-side" id="variables" aria-label="Variables" {onkeydown}>
                <h3>{ "Variables" }</h3>
                <p class="faint">{ "Addresses, networks and ports with commas between them; ! leaves out, $NAME stands for another. \
                    What is empty is as it is shipped." }</p>
                <div class="variables">
                    { self.group(ctx, false, "Addresses") }
                    { self.group(ctx, true, "Ports") }
                </div>
                <div class="rule-add">
                    <input type="text" id="var-name" spellcheck="false" placeholder="Another name" aria-label="Name of another variable"
                        value={self.name.clone()} oninput={named} />
                    <button class="btn" id="var-add-address" onclick={link.callback(|_: MouseEvent| Msg::Add(false))}>{ "Add addresses" }</button>
                    <button class="btn" id="var-add-port" onclick={link.callback(|_: MouseEvent| Msg::Add(true))}>{ "Add ports" }</button>
                </div>
                if let Some(error) = &self.error { <p class="note bad" role="alert">{ &error.message }</p> }
                if self.held { <p class="note warn" role="alert">{ "Keep or discard what you changed first." }</p> }
                <div class="popover-foot">
                    <span class="grow"></span>
                    <button class="btn" id="var-discard" onclick={link.callback(|_: MouseEvent| Msg::Discard)}>{ "Discard" }</button>
                    <button class="btn primary" id="var-save" onclick={link.callback(|_: MouseEvent| Msg::Keep)}>{ "Check and keep" }</button>
                </div>
            </aside>
        }
    }
}

impl Variables {
    fn is_dirty(&self, ctx: &Context<Self>) -> bool {
        self.set != of_prefs(&ctx.props().prefs)
    }

    fn group(&self, ctx: &Context<Self>, port: bool, title: &'static str) -> Html {
        let shipped = ctx.props().variables.iter().filter(|it| it.port == port);
        let mut lines: Vec<(String, String)> = shipped.map(|it| (it.name.clone(), it.default.clone())).collect();
        // What everything else hangs on comes first.
        lines.sort_by_key(|(name, _)| match name.as_str() {
            "HOME_NET" => 0,
            "EXTERNAL_NET" => 1,
            _ => 2,
        });
        let more =
            self.added.iter().filter(|(of_ports, name)| *of_ports == port && lines.iter().all(|(it, _)| it != name));
        let more: Vec<_> = more.map(|(_, name)| (name.clone(), String::new())).collect();
        lines.extend(more);
        html! {
            <>
                <h3>{ title }</h3>
                { for lines.into_iter().map(|(name, default)| self.line(ctx, (port, name), default)) }
            </>
        }
    }

    fn line(&self, ctx: &Context<Self>, key: Key, default: String) -> Html {
        let value = self.set.get(&key).cloned().unwrap_or_default();
        let fault = self.faults.get(&key);
        let (id, name) = (format!("var-{}", key.1), format!("${}", key.1));
        let oninput = ctx.link().batch_callback(move |event: InputEvent| {
            Some(Msg::Typed(key.clone(), event.target_dyn_into::<HtmlInputElement>()?.value()))
        });
        html! {
            <label class="variable" key={id.clone()}>
                <span class={yew::classes!("mono", (!value.is_empty()).then_some("set"))}>{ &name }</span>
                <input type="text" {id} class={yew::classes!("mono", fault.is_some().then_some("wrong"))} spellcheck="false"
                    autocomplete="off" placeholder={default} {value} {oninput} aria-invalid={fault.is_some().to_string()} />
                if let Some(fault) = fault { <span class="fault" role="alert">{ fault }</span> }
            </label>
        }
    }
}

fn of_prefs(prefs: &RulePrefs) -> BTreeMap<Key, String> {
    let home = std::iter::once((false, "HOME_NET", prefs.home_net.as_str()));
    let addresses = prefs.addresses.iter().map(|(name, value)| (false, name.as_str(), value.as_str()));
    let ports = prefs.ports.iter().map(|(name, value)| (true, name.as_str(), value.as_str()));
    let all = home.chain(addresses).chain(ports).filter(|(.., value)| !value.is_empty());
    all.map(|(port, name, value)| ((port, name.to_owned()), value.to_owned())).collect()
}

fn to_prefs(set: &BTreeMap<Key, String>, prefs: &RulePrefs) -> RulePrefs {
    let mut prefs = RulePrefs { home_net: String::new(), addresses: Vec::new(), ports: Vec::new(), ..prefs.clone() };
    for ((port, name), value) in set {
        match (port, name.as_str()) {
            (false, "HOME_NET") => prefs.home_net = value.clone(),
            (false, _) => prefs.addresses.push((name.clone(), value.clone())),
            (true, _) => prefs.ports.push((name.clone(), value.clone())),
        }
    }
    prefs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_shown_and_kept_as_it_was() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let prefs = RulePrefs {
            home_net: "10.0.0.0/8".into(),
            addresses: vec![pair("DNS_SERVERS", "10.0.0.53")],
            ports: vec![pair("HTTP_PORTS", "80,8080")],
            local: "kept".into(),
            ..RulePrefs::default()
        };
        let mut set = of_prefs(&prefs);
        assert_eq!(set.len(), 3);
        assert_eq!(to_prefs(&set, &prefs), prefs);
        set.remove(&(false, "HOME_NET".into()));
        assert_eq!(to_prefs(&set, &prefs), RulePrefs { home_net: String::new(), ..prefs });
    }
}
