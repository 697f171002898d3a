//! Where rules come from, and how it stands with those that are fetched.

use sensor_wire::view::{RuleFetch, RuleSource, RuleWindow, shown_address};
use web_sys::{HtmlInputElement, KeyboardEvent, MouseEvent};
use yew::{Context, Html, InputEvent, TargetCast, html};

use super::{Msg, RulesPane};
use crate::format;
use crate::parts::{Icon, icon};

/// The free rules that most people have.
const EMERGING_THREATS: &str = "https://rules.emergingthreats.net/open/suricata-7.0.3/emerging.rules.tar.gz";

impl RulesPane {
    pub(super) fn sources(&self, ctx: &Context<Self>) -> Html {
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
                <div class="rule-source"><label><input type="checkbox" id="starter-rules" checked={prefs.starter}
                    onclick={link.callback(|_: MouseEvent| Msg::Starter)} />{ "Nightjar's starter rules" }</label></div>
                { for prefs.sources.iter().enumerate().map(|(at, source)| self.source(ctx, window, at, source)) }
                { for window.answer.counts.unreadable.iter().map(|why| html! { <p class="note bad" role="alert">{ why }</p> }) }
                <div class="rule-add">
                    <input type="text" id="rule-path" spellcheck="false" autocomplete="off" placeholder="Path, or https://…"
                        title="The whole path of a file, a folder or a .tar.gz, or the address of one: it is fetched when you say so"
                        aria-label="Path or address of rules" value={self.path.clone()} oninput={typed(Msg::Path)}
                        onkeydown={entered(|| Msg::AddSource)} />
                    <button class="btn" id="rule-add" onclick={link.callback(|_: MouseEvent| Msg::AddSource)}>{ "Add" }</button>
                </div>
                if prefs.sources.is_empty() {
                    <button class="link-button" id="rule-et" title={EMERGING_THREATS}
                        onclick={link.callback(|_: MouseEvent| Msg::Add(EMERGING_THREATS.to_owned()))}>
                        { "Add Emerging Threats Open" }</button>
                    <p class="faint">{ "Nothing is fetched until you say so." }</p>
                }
                <h3>{ "HOME_NET" }</h3>
                <div class="rule-add">
                    <input type="text" id="home-net" spellcheck="false" placeholder="private networks" aria-label="HOME_NET"
                        value={self.home.clone().unwrap_or_else(|| prefs.home_net.clone())}
                        oninput={typed(Msg::Home)} onkeydown={entered(|| Msg::KeepHome)} />
                    <button class="btn" id="home-set" disabled={self.home.is_none()}
                        onclick={link.callback(|_: MouseEvent| Msg::KeepHome)}>{ "Set" }</button>
                </div>
                <p class="faint">{ "Networks with commas between them, or any. EXTERNAL_NET is everything else, or any too; all others stand under Variables." }</p>
            </div>
        }
    }

    fn source(&self, ctx: &Context<Self>, window: &RuleWindow, at: usize, source: &RuleSource) -> Html {
        let link = ctx.link();
        let fetch = window.fetches.iter().find(|fetch| fetch.address == source.path);
        let shown = shown_address(&source.path);
        html! {
            <div class="rule-source-box" key={source.path.clone()} data-source={shown.clone()}>
                <div class="rule-source" title={shown.clone()}>
                    <label><input type="checkbox" checked={source.on}
                        onclick={link.callback(move |_: MouseEvent| Msg::Source(at, false))} />
                        <span class="path">{ short(&shown) }</span></label>
                    <span class="grow"></span>
                    <button class="bare" title="Take this source away" aria-label={format!("Take {shown} away")}
                        onclick={link.callback(move |_: MouseEvent| Msg::Source(at, true))}>{ icon(Icon::Close) }</button>
                </div>
                if let Some(fetch) = fetch { { self.fetched(ctx, fetch, window.utc_offset) } }
            </div>
        }
    }

    fn fetched(&self, ctx: &Context<Self>, fetch: &RuleFetch, utc_offset: i32) -> Html {
        let button = |on: bool, word: &'static str| {
            let address = fetch.address.clone();
            let onclick = ctx.link().callback(move |_: MouseEvent| Msg::Fetch(address.clone(), on));
            html! { <button class="btn small fetch" {onclick}>{ word }</button> }
        };
        if let Some((bytes, of)) = fetch.under_way {
            let done = of.and_then(|of| format::percent(bytes, of)).unwrap_or(0);
            return html! {
                <div class="fetch-line" role="status">
                    <span class="faint">{ format!("{} {}", format::bytes(bytes), of.map_or("so far".to_owned(), |of| format!("of {}", format::bytes(of)))) }</span>
                    <span class="grow"></span>{ button(false, "Stop") }
                    <span class="progress wide"><span style={format!("width:{done}%")}></span></span>
                </div>
            };
        }
        html! {
            <>
                <div class="fetch-line">
                    { self.age(fetch, utc_offset) }
                    <span class="grow"></span>
                    { button(true, if fetch.kept.is_some() { "Update" } else { "Fetch" }) }
                </div>
                if let Some(error) = &fetch.failed {
                    <p class="note bad" role="alert">{ format!("{} {}", error.message, error.detail) }</p>
                }
                if !fetch.address.to_ascii_lowercase().starts_with("https:") {
                    <p class="note warn">{ "Not encrypted: whoever stands in between can change these rules." }</p>
                }
            </>
        }
    }

    /// When it was fetched, and what came.
    fn age(&self, fetch: &RuleFetch, utc_offset: i32) -> Html {
        let Some(kept) = &fetch.kept else { return html! { <span class="faint">{ "not fetched yet" }</span> } };
        let sum = match kept.verified {
            true => format!("MD5 {}, as the server says", kept.md5),
            false => format!("MD5 {}; the server offers none to compare", kept.md5),
        };
        let looked =
            format!("Last looked for {} {}", format::time(kept.looked, utc_offset), format::offset(utc_offset));
        html! {
            <span class="faint" title={format!("{looked}\n{} bytes\n{sum}", format::grouped(kept.bytes))}>
                { format!("{} · {}{}", format::time(kept.fetched, utc_offset), format::bytes(kept.bytes),
                    if kept.verified { " · sum ✓" } else { "" }) }
            </span>
        }
    }
}

/// The last two parts of a path or an address: `rules` alone says little.
fn short(path: &str) -> &str {
    let mut ends = path.trim_end_matches(['/', '\\']).rmatch_indices(['/', '\\']);
    let second = ends.nth(1).map(|(at, _)| at + 1);
    second.and_then(|at| path.get(at..)).filter(|rest| !rest.starts_with(['/', '\\'])).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_by_their_last_two_parts() {
        assert_eq!(short("/etc/suricata/rules"), "suricata/rules");
        assert_eq!(short("C:\\ids\\mine.rules"), "ids\\mine.rules");
        assert_eq!(short("https://rules.example/open/emerging.rules.tar.gz"), "open/emerging.rules.tar.gz");
        assert_eq!(short("/a.rules"), "/a.rules");
        assert_eq!(short("https://rules.example/a.rules"), "rules.example/a.rules");
    }
}
