//! The panel that says why a rule told of a flow, or did not, in headless Chromium.

#[path = "support/driver.rs"]
mod driver;
mod support;

use driver::{BridgeProcess, Driver, Page, ROWS};
use support::sample;

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const DOWN: &str = "\u{e015}";
const RIGHT: &str = "\u{e014}";

/// The selected row is the one with this message, and nothing else is in the grid.
async fn row_of(page: &Page, message: &str) {
    page.until(&format!("{ROWS}.length > 10")).await;
    page.press("/").await;
    page.until("document.activeElement.id == 'find'").await;
    page.press(message).await;
    page.until(&format!("{ROWS}.length == 1")).await;
    page.press(ENTER).await;
    page.until("document.activeElement.id == 'grid'").await;
    page.press("j").await;
    page.until("document.querySelector('#grid .sel')").await;
}

/// The signs before the options, and the option that is chosen.
const STATES: &str = "[...document.querySelectorAll('#why-steps .why-line')].map((line) => line.dataset.state).join()";
const CHOSEN: &str = "document.querySelector('#why-steps [aria-selected=true]')?.dataset.step";
/// The bytes that the chosen option matched, as text.
const MARKED: &str = "[...document.querySelectorAll('.hex-text i.on')].map((byte) => byte.textContent).join('')";

async fn asks(page: &Page, sid: &str) {
    page.click("#why-sid").await;
    page.press("\u{e009}a\u{e000}").await;
    page.press(&format!("{sid}{ENTER}")).await;
}

#[tokio::test]
async fn an_alert_shows_what_each_option_of_its_rule_matched() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    row_of(&page, "IMAP password").await;
    page.press(ENTER).await;
    page.click("[data-why-of='1000002']").await;
    page.until("document.querySelector('#why-verdict')?.dataset.verdict == 'held'").await;
    page.until("document.querySelector('#why-where').textContent.includes('frame 2,396')").await;
    page.until(&format!("{STATES} == 'held,held,held'")).await;
    page.until(&format!("{CHOSEN} == '1' && {MARKED} == ' LOGIN '")).await;

    // From an option to its bytes, with the pointer and with keys.
    page.click("[data-step='2']").await;
    page.until(&format!("{MARKED}.startsWith('a0001 LOGIN ')")).await;
    page.click("[data-step='1'] .why-text").await;
    page.until(&format!("{MARKED} == ' LOGIN '")).await;
    page.click("#why-steps").await;
    page.press(&format!("{DOWN}{DOWN}")).await;
    page.until(&format!("{CHOSEN} == '2'")).await;
    // And from a byte to its option: the first letter of the tag belongs to the expression alone.
    page.click("[data-step='1'] .why-text").await;
    page.until(&format!("{CHOSEN} == '1'")).await;
    page.click("#why-byte-0-18").await;
    page.until(&format!("{CHOSEN} == '2'")).await;
    page.until("document.querySelector('#why-spot').textContent.includes('18 (0x12)')").await;
    page.press(RIGHT).await;
    page.until("document.querySelector('#why-spot').textContent.includes('19 (0x13)')").await;

    page.press(ESCAPE).await;
    page.until("!document.querySelector('#why') && document.querySelector('#row-rules')").await;
    page.press("w").await;
    page.until("document.querySelector('#why-verdict')").await;
    page.close().await;
}

#[tokio::test]
async fn a_flow_says_why_a_rule_did_not_tell_of_it() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    row_of(&page, "IMAP password").await;
    page.press("w").await;
    page.until("document.querySelector('#why-verdict')").await;
    asks(&page, "1000001").await;
    page.until("document.querySelector('#why-verdict').dataset.verdict == 'untried'").await;
    page.until("document.querySelector('#why-verdict').textContent.includes('143')").await;
    // It was tried, and stopped at the first content.
    asks(&page, "1000060").await;
    page.until("document.querySelector('#why-verdict')?.dataset.verdict == 'failed'").await;
    page.until(&format!("{STATES} == 'held,failed'")).await;
    page.until(&format!("{CHOSEN} == '1'")).await;
    asks(&page, "seven").await;
    page.until("document.querySelector('.why-ask .fault')").await;
    asks(&page, "999999").await;
    page.until("document.querySelector('#why-failed')?.dataset.code == 'unknown_rule'").await;
    page.until("document.querySelector('#why-failed').textContent.includes('1000001')").await;
    page.click("#why-back").await;
    page.until("!document.querySelector('#why') && document.querySelector('#flow-detail')").await;
    page.click("#why-not").await;
    page.until("document.activeElement.id == 'why-sid'").await;
    page.close().await;
}
