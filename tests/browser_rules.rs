//! The pane of rules and rows with alerts in headless Chromium.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone")]

#[path = "support/driver.rs"]
mod driver;
mod support;

use driver::{BridgeProcess, Driver, Page, ROWS};
use sensor_wire::view::{RulePrefs, RuleWindow, ViewReply, ViewRequest};
use support::sample;

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

const RULES: &str = "alert udp any any -> any any (msg:\"ONE of udp\"; content:\"a\"; sid:2027397; rev:3;)
alert udp any any -> any any (msg:\"broken\"; contend:\"a\"; sid:2027398;)
# alert udp any any -> any any (msg:\"TWO is off\"; content:\"b\"; sid:2027399;)
";

async fn opened(bridge: &BridgeProcess, driver: &Driver) -> Page {
    let page = driver.browse(bridge).await;
    page.until("document.querySelector('#grid')").await;
    page.press("r").await;
    page.until("document.activeElement.id == 'rules-search'").await;
    page
}

async fn window(page: &Page) -> RuleWindow {
    match page.ask(&ViewRequest::RuleList(Default::default())).await {
        ViewReply::Rules(window) => *window,
        other => panic!("{other:?}"),
    }
}

/// Types into a field in place of what is there.
async fn fill(page: &Page, selector: &str, text: &str) {
    page.click(selector).await;
    page.press("\u{e009}a\u{e000}").await;
    page.press(text).await;
}

#[tokio::test]
async fn a_source_is_added_and_its_rules_are_searched_switched_and_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.rules");
    std::fs::write(&path, RULES).unwrap();
    let captures: &[&std::path::Path] = &[];
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(captures), Driver::chromium()) else { return };
    let page = opened(&bridge, &driver).await;
    fill(&page, "#rule-path", "mine.rules").await;
    page.press(ENTER).await;
    page.until("document.querySelector('#toast')?.textContent.includes('whole path')").await;
    fill(&page, "#rule-path", path.to_str().expect("a path")).await;
    page.press(ENTER).await;
    page.until("document.querySelector('#rules-refused').textContent.startsWith('1 ')").await;
    page.click("#rules-refused").await;
    page.until("document.querySelectorAll('.rule-row').length == 1").await;
    page.click(".rule-row[data-sid='2027398']").await;
    page.until("document.querySelector('#rule-shown').textContent.includes('contend')").await;
    page.until("document.querySelector('#rule-shown').textContent.includes('mine.rules:2:')").await;
    page.click("#rules-refused").await;
    page.until("document.querySelectorAll('.rule-row').length > 1").await;

    fill(&page, "#rules-search", "udp").await;
    page.until("document.querySelectorAll('.rule-row').length == 1").await;
    page.click(".rule-row[data-sid='2027397']").await;
    page.click("#rule-switch").await;
    page.until("document.querySelector(\".rule-row[data-sid='2027397']\").dataset.state == 'off'").await;
    assert_eq!(window(&page).await.prefs.off, [(1, 2_027_397)]);
    page.click("#rule-switch").await;
    page.until("document.querySelector(\".rule-row[data-sid='2027397']\").dataset.state == 'runs'").await;
    assert!(window(&page).await.prefs.off.is_empty());

    page.click("#rule-edit").await;
    page.until("document.querySelector('#rule-draft').value.includes('sid:1100000; rev:1;')").await;
    // What is written is not lost by a slip.
    page.press(ESCAPE).await;
    page.until("document.querySelector('.rules-side').textContent.includes('Keep or discard')").await;
    let written = page.value("document.querySelector('#rule-draft').value").await;
    let wrong = written.as_str().expect("a text").replace("content:", "contend:");
    fill(&page, "#rule-draft", wrong.trim_end()).await;
    page.click("#rule-save").await;
    page.until("document.querySelector('.rule-faults')?.textContent.includes('contend')").await;
    assert_eq!(window(&page).await.prefs.local, "");
    fill(&page, "#rule-draft", written.as_str().expect("a text").trim_end()).await;
    page.click("#rule-save").await;
    page.until("!document.querySelector('#rule-draft')").await;
    let kept = window(&page).await.prefs;
    assert!(kept.local.contains("sid:1100000"), "{kept:?}");
    assert_eq!(kept.off, [(1, 2_027_397)], "the copy stands for it");
    page.until("document.querySelectorAll(\".rule-row[data-state='runs']\").length == 1").await;
    page.close().await;
}

#[tokio::test]
async fn variables_are_looked_at_before_they_are_kept() {
    let captures: &[&std::path::Path] = &[];
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(captures), Driver::chromium()) else { return };
    let page = opened(&bridge, &driver).await;
    page.click("#rule-variables").await;
    page.until("document.querySelectorAll('.variable').length == 27").await;
    fill(&page, "#var-HTTP_PORTS", "80,8080,").await;
    page.click("#var-save").await;
    page.until("document.querySelector('.variable .fault')").await;
    fill(&page, "#var-HTTP_PORTS", "80,8080").await;
    fill(&page, "#var-name", "office").await;
    page.click("#var-add-address").await;
    fill(&page, "#var-OFFICE", "192.0.2.0/24").await;
    page.click("#var-save").await;
    page.until("!document.querySelector('#variables')").await;
    let RulePrefs { addresses, ports, home_net, .. } = window(&page).await.prefs;
    assert_eq!(addresses, [("OFFICE".to_owned(), "192.0.2.0/24".to_owned())]);
    assert_eq!((ports, home_net), (vec![("HTTP_PORTS".to_owned(), "80,8080".to_owned())], String::new()));
    fill(&page, "#home-net", "10.0.0.0/33").await;
    page.click("#home-set").await;
    page.until("document.querySelector('#rules [role=alert]')?.textContent.includes('HOME_NET')").await;
    assert_eq!(window(&page).await.prefs.home_net, "");
    page.close().await;
}

#[tokio::test]
async fn rows_with_alerts_are_found_by_their_signature_and_lead_to_its_rule() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    let alert = "!!row.querySelector('.badge.sev1, .badge.sev2, .badge.sev3')";
    page.press("/").await;
    page.until("document.activeElement.id == 'find'").await;
    page.press("nightjar").await;
    page.until(&format!("{ROWS}.length > 0 && {ROWS}.every((row) => {alert})")).await;
    page.press(ENTER).await;
    page.until("document.activeElement.id == 'grid'").await;
    page.press("j\u{e007}").await;
    page.until("document.querySelector('#row-rules .rule-text')").await;
    let sid = page.value("document.querySelector('.rule-event.on').dataset.sid").await;
    let sid = sid.as_str().expect("a number").to_owned();
    page.click("#rule-in-pane").await;
    page.until(&format!("document.querySelector('#rule-shown')?.textContent.includes('sid {sid}')")).await;
    page.until(&format!("document.querySelector('.rule-row')?.dataset.sid == '{sid}'")).await;
    page.click("#close-rules").await;
    page.click("#close-rules").await;
    page.press("/zzz").await;
    page.until("document.querySelector('#screen-not-found')").await;
    page.press(ESCAPE).await;
    page.until(&format!("{ROWS}.some((row) => !({alert}))")).await;
    page.close().await;
}
