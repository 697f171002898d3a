//! Hosts in headless Chromium: lines under addresses, the card, the pane.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone")]

#[path = "support/driver.rs"]
mod driver;
mod support;

use driver::{BridgeProcess, Driver, Page, ROWS};
use sensor_wire::view::{HostColumn, HostSort, HostWindow, HostsAsked, ViewReply, ViewRequest};
use support::{PATIENCE, exchanges, sample};

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const DOWN: &str = "\u{e015}";

/// The lines of the pane from its top, as a JavaScript expression.
const LINES: &str = "Array.from(document.querySelectorAll('.host-line'))\
    .sort((a, b) => a.getAttribute('aria-rowindex') - b.getAttribute('aria-rowindex'))";

fn asked(search: &str, column: HostColumn, descending: bool) -> HostsAsked {
    let sort = HostSort { column, descending };
    HostsAsked { search: search.into(), sort, offset: 0, count: 200, anchor: None }
}

async fn hosts(page: &Page, asked: HostsAsked) -> HostWindow {
    match page.ask(&ViewRequest::Hosts(asked)).await {
        ViewReply::Hosts(window) => window,
        other => panic!("{other:?}"),
    }
}

/// Waits until the sample's hosts are all here.
async fn told(page: &Page) -> HostWindow {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let window = hosts(page, asked("", HostColumn::Address, false)).await;
        let controller = window.hosts.iter().find(|line| line.key.address.to_string() == "192.168.10.10");
        if window.total >= 75 && controller.is_some_and(|line| line.services >= 3) {
            return window;
        }
        assert!(std::time::Instant::now() < until, "{} hosts", window.total);
    }
}

#[tokio::test]
async fn what_is_known_of_hosts_stands_under_their_addresses() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    told(&page).await;
    let note = |column: &str| {
        format!(
            "{ROWS}.find((row) => row.querySelector('[data-col={column}]').firstChild.data == '131.151.37.122')\
             ?.querySelector('[data-col={column}] .note-line').textContent"
        )
    };
    page.until(&format!("{}.includes('Windows')", note("client"))).await;
    page.until(&format!("{ROWS}[0].offsetHeight == 34")).await;
    let equal = format!("new Set({ROWS}.map((row) => row.offsetHeight)).size");
    assert_eq!(page.value(&equal).await, 1, "rows are equally tall");

    page.click("#annotations").await;
    page.until(&format!("{ROWS}[0].offsetHeight == 28")).await;
    page.until(&format!("{} === ''", note("client"))).await;
    page.press("n").await;
    page.until(&format!("{}.includes('Windows')", note("client"))).await;
    page.close().await;
}

#[tokio::test]
async fn a_pointer_that_rests_on_an_address_brings_what_is_known_of_it() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    told(&page).await;
    page.until("document.querySelector('#grid .note-line:not(:empty)')").await;
    let over = "document.querySelector('#grid .note-line:not(:empty)')";
    let address = page.value(&format!("{over}.parentElement.firstChild.data")).await;
    let point = |kind: &str| {
        format!(
            "void {over}.dispatchEvent(new MouseEvent('{kind}', {{ bubbles: true, clientX: {over}.getBoundingClientRect().x + 4, \
             clientY: {over}.getBoundingClientRect().y + 4 }}))"
        )
    };
    page.value(&point("mouseover")).await;
    let card = page.until("document.querySelector('#host-card')?.innerText").await;
    let (card, address) = (card.as_str().unwrap_or_default(), address.as_str().unwrap_or_default());
    assert!(card.starts_with(address) && card.contains("First seen") && card.contains("UTC"), "{card}");
    page.value(&point("mouseout")).await;
    page.until("!document.querySelector('#host-card')").await;
    page.close().await;
}

#[tokio::test]
async fn the_pane_lists_searches_sorts_and_opens_hosts() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    let all = told(&page).await;
    page.press("h").await;
    page.until("document.activeElement.id == 'hosts-search'").await;
    page.until(&format!("document.querySelector('#hosts-count').textContent == '{} hosts'", all.total)).await;
    page.until(&format!("{LINES}[0].dataset.host == '{}'", all.hosts[0].key.address)).await;
    assert!(page.value(&format!("{LINES}.length")).await.as_u64().is_some_and(|shown| shown < 60));

    page.press("dc1 SMB").await;
    page.until(&format!("{LINES}.length == 1 && {LINES}[0].dataset.host == '192.168.10.10'")).await;
    page.until(&format!("document.querySelector('#hosts-count').textContent == '1 of {} hosts'", all.total)).await;
    page.press("\u{e009}a\u{e000}\u{e017}").await;
    page.until(&format!("{LINES}.length > 10")).await;

    page.click("[data-sort=services]").await;
    page.until("document.querySelector('.hosts-titles .c-services').ariaSort == 'descending'").await;
    let most = hosts(&page, asked("", HostColumn::Services, true)).await;
    let (first, second) = (most.hosts[0].key.address, most.hosts[1].key.address);
    page.until(&format!("{LINES}[0].dataset.host == '{first}' && {LINES}[1].dataset.host == '{second}'")).await;
    page.click("[data-sort=services]").await;
    page.until("document.querySelector('.hosts-titles .c-services').ariaSort == 'ascending'").await;
    page.click("[data-sort=services]").await;
    page.until(&format!("{LINES}[0].dataset.host == '{first}'")).await;

    page.click("#hosts-search").await;
    page.press(DOWN).await;
    page.press(DOWN).await;
    page.until(&format!("{LINES}[1].classList.contains('on')")).await;
    page.press(ENTER).await;
    page.until(&format!("document.querySelector('#host h2')?.textContent == '{second}'")).await;
    let services = page.until("document.querySelectorAll('#host [data-service]').length").await;
    assert_eq!(services, most.hosts[1].services);
    page.value("void (navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); })")
        .await;
    page.click("#copy-host").await;
    page.until(&format!("window.copied?.startsWith('{second} ') && window.copied.includes('Service: ')")).await;
    page.click("#hosts-search").await;
    page.press(ESCAPE).await;
    page.until("document.querySelector('#hosts') && !document.querySelector('#host')").await;
    page.press(ESCAPE).await;
    page.until("!document.querySelector('#hosts') && document.activeElement.id == 'grid'").await;
    page.close().await;
}

#[tokio::test]
async fn another_zone_renders_the_panes_times_anew() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    told(&page).await;
    page.click("#hosts-button").await;
    page.click(".host-line").await;
    let utc = |query: &str| format!("{query}?.title.slice(0, 19)");
    let time = format!("{LINES}[0].querySelector('.c-last')");
    let exact = page.until(&utc(&time)).await;
    for (zone, name, offset) in [("utc", "UTC", 0), ("kathmandu", "+0545", 20_700)] {
        page.click("#zone").await;
        page.until("document.activeElement.closest('#zone-picker')").await;
        page.press(zone).await;
        page.until(&format!("document.querySelector('#zone-picker input').value == '{zone}'")).await;
        page.press(ENTER).await;
        page.until("!document.querySelector('#zone-picker')").await;
        page.until(&format!("document.querySelector('[data-sort=last]').textContent.startsWith('{name} ')")).await;
        // The same instant by the browser's own calendar.
        let shifted = format!(
            "new Date(Date.parse('{}Z'.replace(' ', 'T')) + {offset} * 1000).toISOString()",
            exact.as_str().unwrap_or_default()
        );
        let grid = format!("{shifted}.slice(5, 10).replace('-', '/') + ' ' + {shifted}.slice(11, 19)");
        page.until(&format!("{time}.textContent == {grid}")).await;
        let whole = format!("{shifted}.slice(0, 10) + ' ' + {shifted}.slice(11, 19)");
        page.until(&format!("document.querySelector('#host').innerText.includes({whole})")).await;
    }
    page.close().await;
}

#[tokio::test]
async fn a_row_leads_to_its_hosts() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    told(&page).await;
    page.until("document.querySelector('#grid [data-col=client] .note-line:not(:empty)')").await;
    let cell = "document.querySelector('#grid [data-col=client] .note-line:not(:empty)').parentElement";
    let address = page.value(&format!("{cell}.firstChild.data")).await;
    page.value(&format!("void {cell}.setAttribute('data-test', 'here')")).await;
    page.click("[data-test=here]").await;
    page.press("H").await;
    page.until(&format!("document.querySelector('#host h2')?.textContent == {address}")).await;
    page.until(&format!("document.querySelector('.host-line.on')?.dataset.host == {address}")).await;
    page.press(ESCAPE).await;
    page.press(ESCAPE).await;
    page.until("document.activeElement.id == 'grid'").await;
    page.press(ENTER).await;
    page.click("#client-host").await;
    page.until(&format!("document.querySelector('#host h2')?.textContent == {address}")).await;
    page.close().await;
}

#[tokio::test]
async fn a_long_list_is_drawn_in_part_and_holds_still_while_hosts_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("exchanges.pcap");
    std::fs::write(&path, exchanges(2_000)).expect("the capture is written");
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&path]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    page.press("h").await;
    page.until("document.querySelector('#hosts-count').textContent == '2,000 hosts'").await;
    let drawn = page.value(&format!("{LINES}.length")).await.as_u64().expect("a number");
    assert!((10..60).contains(&drawn), "{drawn} lines in the page");

    page.value("void document.querySelector('.hosts-list').focus()").await;
    page.press("\u{e010}").await;
    page.until(&format!("{LINES}.at(-1).dataset.host == '100.0.7.207' && {LINES}.at(-1).classList.contains('on')"))
        .await;
    page.press("\u{e011}").await;
    page.until(&format!("{LINES}[0].dataset.host == '100.0.0.0' && {LINES}[0].classList.contains('on')")).await;

    page.value("void (document.querySelector('.hosts-list').scrollTop = 28 * 1500 + 5)").await;
    // The first in sight.
    let host = "100.0.5.220";
    let top = format!("document.querySelector('.host-line[data-host=\"{host}\"]').getBoundingClientRect().top");
    let before = page.until(&top).await;
    let again = ViewRequest::Open(vec![path.to_string_lossy().into_owned()]);
    assert_eq!(page.ask(&again).await, ViewReply::Done);
    page.until("document.querySelector('#hosts-count').textContent == '4,000 hosts'").await;
    page.until(&format!("Math.abs({top} - {before}) <= 28")).await;
    page.until("document.querySelector('.hosts-list').scrollTop > 28 * 2900").await;
    page.close().await;
}

#[tokio::test]
async fn without_a_capture_the_pane_says_what_would_stand_there() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.click("#hosts-button").await;
    page.until("document.querySelector('.hosts-empty h3').textContent == 'No hosts yet'").await;
    page.press(ESCAPE).await;
    page.until("!document.querySelector('#hosts')").await;
    page.close().await;
}
