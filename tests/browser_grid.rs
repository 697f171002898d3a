//! The page in headless Chromium, on the app and its sensor: what an analyst does with the grid.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]

#[path = "support/driver.rs"]
mod driver;
mod support;

use driver::{BridgeProcess, Driver, Page, ROWS};
use sensor_wire::Few;
use sensor_wire::view::{RowWindow, ViewReply, ViewRequest};
use support::{PATIENCE, datagrams, sample};

/// A page whose capture is read whole, and its rows.
async fn opened(page: &Page) -> RowWindow {
    page.until(&format!("{ROWS}.length > 10")).await;
    let status = || async {
        match page.ask(&ViewRequest::Status).await {
            ViewReply::Status(status) => status,
            other => panic!("{other:?}"),
        }
    };
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let status = status().await;
        let over = |s: &sensor_wire::view::SourceStatus| {
            s.status.state == sensor_wire::live::SourceState::Ended && s.rows == s.status.rows
        };
        if status.sources.iter().all(over) {
            return window(page).await;
        }
        assert!(std::time::Instant::now() < until, "{status:?}");
    }
}

async fn window(page: &Page) -> RowWindow {
    match page.ask(&ViewRequest::Rows { offset: 0, count: 200, anchor: None }).await {
        ViewReply::Rows(window) => window,
        other => panic!("{other:?}"),
    }
}

fn number(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("not a number: {text:?}"))
}

#[tokio::test]
async fn rows_stand_in_the_grid_and_sort_by_a_click() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    let rows = opened(&page).await;
    let total = page.value("document.querySelector('#grid').getAttribute('aria-rowcount')").await;
    // The header is a row of the grid too.
    assert_eq!(number(total.as_str().expect("a count")), rows.total + 1);
    let shown = page.value(&format!("{ROWS}.length")).await.as_u64().expect("a number");
    assert!((10..=60).contains(&shown), "{shown} rows in the page for {} in the app", rows.total);

    page.click("[role=columnheader][data-col=packets] .label").await;
    page.until("document.querySelector('[role=columnheader][data-col=packets]').ariaSort == 'descending'").await;
    let most = rows.rows.iter().map(|row| row.packets).max().expect("rows");
    let first = format!("{ROWS}[0].querySelector('[data-col=packets]').textContent.replace(/\\D/g, '') == {most}");
    page.until(&first).await;
    let packets: Vec<u64> = page.column("packets").await.iter().map(|text| number(text)).collect();
    assert!(packets.is_sorted_by(|a, b| a >= b), "{packets:?}");

    page.click("[role=columnheader][data-col=packets] .label").await;
    page.until("document.querySelector('[role=columnheader][data-col=packets]').ariaSort == 'ascending'").await;
    page.until(&format!("{ROWS}[0].querySelector('[data-col=packets]').textContent == '1'")).await;
    page.close().await;
}

#[tokio::test]
async fn a_cell_of_many_opens_its_whole_list() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    let rows = opened(&page).await;
    // The rows with most flows are the ones that stand for many.
    page.click("[role=columnheader][data-col=flows] .label").await;
    page.until("document.querySelector('[role=columnheader][data-col=flows]').ariaSort == 'descending'").await;
    let many = rows.rows.iter().filter_map(|row| match row.servers {
        Few::Many(count) => Some((row.flows, row.key, count)),
        Few::None | Few::One(_) => None,
    });
    let (_, key, count) = many.max_by_key(|&(flows, ..)| flows).expect("a row with several servers");
    let cell = format!("#grid [data-key='{}:{}'] [data-col=server]", key.source, key.row);
    page.until(&format!("document.querySelector(\"{cell}\")?.textContent.includes('{count}')")).await;
    page.click(&cell).await;
    let text = page.until("document.querySelector('#popup h2')?.textContent").await;
    assert!(text.as_str().is_some_and(|text| number(text) == u64::from(count)), "{text}");
    page.press("\u{e00c}").await;
    page.until("!document.querySelector('#popup')").await;
    page.close().await;
}

#[tokio::test]
async fn a_zone_changes_every_time_over_a_change_of_the_clocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clocks.pcap");
    // An hour before and an hour after 2024-03-31T01:00:00Z, when Berlin's clocks go forward.
    std::fs::write(&path, datagrams(&[(1_711_843_200, 10), (1_711_850_400, 10)])).unwrap();
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&path]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}.length == 2")).await;
    for (query, name, times) in [
        ("utc", "UTC", ["03/31 02:00:00", "03/31 00:00:00"]),
        ("berlin", "CEST", ["03/31 04:00:00", "03/31 01:00:00"]),
        ("kathmandu", "+0545", ["03/31 07:45:00", "03/31 05:45:00"]),
    ] {
        page.click("[role=columnheader][data-col=time] .zone").await;
        page.until("document.activeElement.closest('#zone-picker')").await;
        page.press(query).await;
        page.until(&format!("document.querySelector('#zone-picker input').value == '{query}'")).await;
        page.press("\u{e007}").await;
        page.until("!document.querySelector('#zone-picker')").await;
        page.until(&format!("document.querySelector('[data-col=time] .zone').textContent == '{name}'")).await;
        page.until(&format!("{ROWS}[0].querySelector('[data-col=time]').textContent == '{}'", times[0])).await;
        assert_eq!(page.column("time").await, times, "{name}");
    }
    page.close().await;
}

#[tokio::test]
async fn a_pause_holds_the_grid_and_counts_what_waits() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    let before = opened(&page).await;
    let first = page.value(&format!("{ROWS}[0].dataset.key")).await;
    page.click("#pause").await;
    page.until("document.querySelector('#waiting')").await;
    let again = ViewRequest::Open(vec![sample().to_string_lossy().into_owned()]);
    assert_eq!(page.ask(&again).await, ViewReply::Done);
    let waits = format!("document.querySelector('#waiting').textContent.replace(/\\D/g, '') == {}", before.total);
    page.until(&waits).await;
    assert_eq!(page.value(&format!("{ROWS}[0].dataset.key")).await, first);
    assert_eq!(window(&page).await.total, before.total);
    page.click("#pause").await;
    let all = 2 * before.total;
    page.until(&format!("document.querySelector('#grid').getAttribute('aria-rowcount') == {}", all + 1)).await;
    page.until("!document.querySelector('#waiting')").await;
    page.close().await;
}

#[tokio::test]
async fn flow_events_go_and_come_back() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    let rows = opened(&page).await;
    page.click("#flow-events").await;
    // Without a rule every row is a flow row; the page says how many are hidden.
    page.until(&format!("{ROWS}.length == 0")).await;
    page.until(&format!("document.body.innerText.replace(/[^0-9 ]/g, '').includes('{}')", rows.total)).await;
    page.click("#flow-events").await;
    page.until(&format!("{ROWS}.length > 10")).await;
    page.close().await;
}

#[tokio::test]
async fn the_keyboard_opens_the_detail_of_a_row() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    opened(&page).await;
    page.click("#grid [role=row][data-key] [data-col=bytes]").await;
    page.press("j").await;
    page.press("\u{e007}").await;
    page.until("document.querySelector('#detail')").await;
    let community =
        page.until("document.querySelector('#detail').textContent.match(/1:[A-Za-z0-9+\\/]{27}=/)?.[0]").await;
    assert!(community.is_string());
    page.press("\u{e00c}").await;
    page.until("!document.querySelector('#detail')").await;
    page.close().await;
}
