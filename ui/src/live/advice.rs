//! Why an interface can't be captured from, in plain words, and what to do about it, as the sensor advises.

use sensor_wire::live::{CaptureFailure, failure};
use web_sys::MouseEvent;
use yew::{Callback, Html, html};

use crate::format;
use crate::parts::{Icon, icon};
use crate::topbar::BarEvent;

/// A failure as a heading, without a full stop.
pub fn title(failure: &CaptureFailure, interface: &str) -> String {
    match failure.code.as_str() {
        failure::RIGHTS => format!("The sensor lacks the right to capture from {interface}"),
        failure::LIBRARY => "The capture library is missing".into(),
        failure::NO_INTERFACE => format!("There is no interface {interface}"),
        failure::INTERFACE_DOWN => format!("{interface} is switched off"),
        failure::INTERFACE_GONE => format!("{interface} went down or away"),
        failure::FILTER => "The filter can't be used".into(),
        _ => format!("{interface} can't be captured from"),
    }
}

/// The same in the few words that a line of a list has room for.
pub fn short(failure: &CaptureFailure) -> &'static str {
    match failure.code.as_str() {
        failure::RIGHTS => "the right to capture is missing",
        failure::LIBRARY => "the capture library is missing",
        failure::NO_INTERFACE | failure::INTERFACE_GONE => "gone",
        failure::INTERFACE_DOWN => "switched off",
        failure::FILTER => "not with this filter",
        _ => "can't be captured from",
    }
}

/// The sensor's sentence and its advice, with what is to be typed or visited apart and ready to be copied.
pub fn block(failure: &CaptureFailure, on: &Callback<BarEvent>) -> Html {
    // The sensor's own way to the list is a command; here it is the picker.
    let advice = match failure.code.as_str() {
        failure::NO_INTERFACE => "Choose one of those there are, with Capture live.",
        _ => &failure.advice,
    };
    html! {
        <div class="advice" data-code={failure.code.clone()}>
            { for steps(advice).into_iter().map(|step| html! {
                <>
                    if !step.words.is_empty() { <p>{ step.words }</p> }
                    { for step.copied.into_iter().map(|text| copied(text, on)) }
                </>
            }) }
            if tells_more(failure) { <p class="faint cause">{ format::sentence(&failure.message) }</p> }
        </div>
    }
}

/// The sensor's sentence holds the system's own words, which the heading has not.
fn tells_more(failure: &CaptureFailure) -> bool {
    !matches!(failure.code.as_str(), failure::NO_INTERFACE | failure::INTERFACE_DOWN)
}

fn copied(text: String, on: &Callback<BarEvent>) -> Html {
    let what = if text.contains("://") { "the address" } else { "the command" };
    let copy = {
        let text = text.clone();
        on.reform(move |_: MouseEvent| BarEvent::Copy(text.clone(), what.into()))
    };
    html! {
        <div class="command">
            <code class="mono">{ text }</code>
            <button class="btn" onclick={copy} title={format!("Copy {what}")}>{ icon(Icon::Copy) }{ "Copy" }</button>
        </div>
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// In words; empty where the command says it all.
    words: String,
    /// A command or an address that stands at its end.
    copied: Option<String>,
}

/// How what is to be copied begins, behind a colon and a blank.
const COPIED: [&str; 2] = ["sudo ", "https://"];

/// The sensor's advice, a step a line.
fn steps(advice: &str) -> Vec<Step> {
    let step = |line: &str| {
        let at = COPIED.iter().filter_map(|begin| line.find(&format!(": {begin}"))).min();
        match at.and_then(|at| Some((line.get(..=at)?, line.get(at + 2..)?))) {
            Some((words, copied)) => Step { words: words.into(), copied: Some(copied.into()) },
            None => Step { words: line.into(), copied: None },
        }
    };
    advice.lines().map(str::trim).filter(|line| !line.is_empty()).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_at_the_end_of_a_step_stands_apart() {
        let advice = "Grant it, then start it again: sudo setcap cap_net_raw=ep '/opt/night jar/sensord'\n\
                      Not possible where its file system is mounted nosuid; then start it as root.\n";
        let steps = steps(advice);
        assert_eq!(steps[0].words, "Grant it, then start it again:");
        assert_eq!(steps[0].copied.as_deref(), Some("sudo setcap cap_net_raw=ep '/opt/night jar/sensord'"));
        assert_eq!(steps[1].copied, None);
        assert_eq!(steps.len(), 2);
    }

    #[test]
    fn a_command_of_several_parts_is_one_and_an_address_is_copied_too() {
        let mac = steps("Until the next restart: sudo chgrp admin /dev/bpf* && sudo chmod g+rw /dev/bpf*");
        assert_eq!(mac[0].copied.as_deref(), Some("sudo chgrp admin /dev/bpf* && sudo chmod g+rw /dev/bpf*"));
        let windows = steps("Start as administrator. Npcap is the library: https://npcap.com/#download");
        assert_eq!(windows[0].copied.as_deref(), Some("https://npcap.com/#download"));
        assert!(steps("").is_empty());
    }

    #[test]
    fn every_code_has_words_of_its_own() {
        let codes = [
            failure::RIGHTS,
            failure::LIBRARY,
            failure::NO_INTERFACE,
            failure::INTERFACE_DOWN,
            failure::INTERFACE_GONE,
            failure::FILTER,
            failure::FAILED,
        ];
        let of = |code: &str| CaptureFailure { code: code.into(), ..CaptureFailure::default() };
        let titles: std::collections::HashSet<_> = codes.iter().map(|code| title(&of(code), "eth0")).collect();
        assert_eq!(titles.len(), codes.len());
        assert_eq!(title(&of("capture_of_tomorrow"), "eth0"), "eth0 can't be captured from");
    }
}
