//! The page in headless Chromium, on the app and its sensor: what an analyst does with the grid.

#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone")]

#[path = "support/driver.rs"]
mod driver;
mod support;

use driver::{BridgeProcess, Driver, Page, ROWS};
use sensor_wire::Few;
use sensor_wire::view::{RowWindow, ViewReply, ViewRequest};
use support::{PATIENCE, datagrams, sample, strangers, sweep};

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
    // Records about no flow have none.
    page.until(&format!("{ROWS}[0].querySelector('[data-col=packets]').textContent == '–'")).await;
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
    // Every other row has an event, of discovery or of a rule; the page says how many there are in all.
    page.until(&format!("{ROWS}.every((row) => row.querySelector('.badge:not(.none)'))")).await;
    assert!(page.value(&format!("{ROWS}.length")).await.as_u64().is_some_and(|shown| shown > 10));
    page.until(&format!("document.body.innerText.replace(/[^0-9 ]/g, '').includes('{}')", rows.total)).await;
    page.click("#flow-events").await;
    page.until(&format!("{ROWS}.some((row) => !row.querySelector('.badge:not(.none)'))")).await;
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

/// A capture of these bytes, in a folder that lasts as long as it is held.
fn file(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made.pcap");
    std::fs::write(&path, bytes).expect("the capture is written");
    (folder, path)
}

async fn pixels(page: &Page, expression: &str) -> f64 {
    page.value(expression).await.as_f64().unwrap_or_else(|| panic!("no number: {expression}"))
}

fn heading(column: &str) -> String {
    format!("[role=columnheader][data-col={column}]")
}

fn width(column: &str) -> String {
    format!("document.querySelector('{}').offsetWidth", heading(column))
}

#[tokio::test]
async fn tab_stays_in_what_lies_over_the_window() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    opened(&page).await;
    page.click("#grid [data-key] .link").await;
    page.until("document.querySelector('#copy-all') && document.activeElement.closest('#popup')").await;
    for _ in 0..12 {
        page.press("\u{e004}").await;
        assert_eq!(page.value("Boolean(document.activeElement.closest('#popup'))").await, true);
    }
    page.close().await;
}

#[tokio::test]
async fn the_scrollbars_thumb_follows_the_pointer_that_leaves_the_bar() {
    let (_folder, path) = file(&strangers(5_000));
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&path]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until("document.querySelector('#grid').getAttribute('aria-rowcount') == 5001").await;
    page.drag(".thumb", (-200.0, 250.0)).await;
    page.until(&format!("{ROWS}[0].getAttribute('aria-rowindex') > 1000")).await;
    page.drag(".thumb", (0.0, -250.0)).await;
    page.until(&format!("{ROWS}[0].getAttribute('aria-rowindex') == 2")).await;
    page.close().await;
}

#[tokio::test]
async fn an_open_detail_panel_leaves_the_grid_its_width_and_is_resized_at_its_edge() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    opened(&page).await;
    let events = pixels(&page, &width("events")).await;
    assert!(events >= 240.0, "{events} px for events before");
    page.click("#grid [role=row][data-key] [data-col=bytes]").await;
    page.press("\u{e007}").await;
    page.until("document.querySelector('#detail.below .flow')").await;
    assert_eq!(pixels(&page, &width("events")).await, events);
    let sideways = "document.querySelector('.sideways').scrollWidth - document.querySelector('.sideways').clientWidth";
    assert_eq!(pixels(&page, sideways).await, 0.0);

    let height = pixels(&page, "document.querySelector('#detail').offsetHeight").await;
    page.drag(".detail-edge", (0.0, -60.0)).await;
    page.until(&format!("document.querySelector('#detail').offsetHeight == {}", height + 60.0)).await;

    page.press("b").await;
    page.until("document.querySelector('#detail.beside .flow')").await;
    let before = pixels(&page, "document.querySelector('#detail').offsetWidth").await;
    page.drag(".detail-edge", (-80.0, 0.0)).await;
    page.until(&format!("document.querySelector('#detail').offsetWidth == {}", before + 80.0)).await;
    page.close().await;
}

#[tokio::test]
async fn a_double_click_fits_headings_and_events() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    opened(&page).await;
    for column in ["rank", "events", "client", "sensor"] {
        // First so narrow that everything in it is cut.
        let narrower = 20.0 - pixels(&page, &width(column)).await;
        page.drag(&format!("{} .edge", heading(column)), (narrower, 0.0)).await;
        page.until(&format!("{} == 36", width(column))).await;
        page.double_click(&format!("{} .edge", heading(column))).await;
        let cut = format!(
            "Array.from(document.querySelectorAll('#grid [data-col={column}], {} .label'))\
             .filter((e) => e.scrollWidth > e.clientWidth && e.clientWidth > 0).length",
            heading(column)
        );
        page.until(&format!("{} > 36 && {cut} == 0", width(column))).await;
        assert!(pixels(&page, &width(column)).await < 400.0, "{column}");
    }
    let sorted = "Array.from(document.querySelectorAll('[aria-sort]')).map((e) => e.dataset.col).join()";
    assert_eq!(page.value(sorted).await, "time", "an edge does not sort");
    page.close().await;
}

#[tokio::test]
async fn columns_are_moved_hidden_and_sorted_by_several() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    opened(&page).await;
    let order = "Array.from(document.querySelectorAll('[role=columnheader]')).sort((a, b) => a.offsetLeft - b.offsetLeft)\
        .map((e) => e.dataset.col).join()";
    let at = |column: &str| format!("document.querySelector('{}').offsetLeft", heading(column));
    let (proto, rank) = (pixels(&page, &at("proto")).await, pixels(&page, &at("rank")).await);
    page.drag(&format!("{} .label", heading("proto")), (rank - proto - 30.0, 0.0)).await;
    page.until(&format!("{order}.startsWith('time,sensor,proto,rank,')")).await;

    page.click(&format!("{} .label", heading("proto"))).await;
    page.shift_click(&format!("{} .label", heading("bytes"))).await;
    page.until(&format!("document.querySelector('{}').ariaSort == 'descending'", heading("bytes"))).await;
    page.until(&format!("document.querySelector('{} .arrow').textContent == '▲1'", heading("proto"))).await;
    // The heading answers at once, the app a request later.
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let ViewReply::Boot(boot) = page.ask(&ViewRequest::Boot).await else { panic!("no boot") };
        if boot.sort.len() == 2 {
            break;
        }
        assert!(std::time::Instant::now() < until, "{:?}", boot.sort);
    }
    let rows = window(&page).await.rows;
    page.until(&format!("{ROWS}[0].dataset.key == '{}:{}'", rows[0].key.source, rows[0].key.row)).await;
    assert!(rows.is_sorted_by(|a, b| (a.proto, std::cmp::Reverse(a.bytes)) <= (b.proto, std::cmp::Reverse(b.bytes))));
    // Records about no flow have none, and come first.
    let protos = page.column("proto").await;
    let first: Vec<u64> = protos.iter().map(|text| if text == "–" { 0 } else { number(text) }).collect();
    assert!(first.is_sorted(), "{first:?}");

    page.press("|").await;
    page.click("#column-menu [data-column=sensor]").await;
    page.until(&format!("{order}.startsWith('time,proto,rank,')")).await;
    page.click("#reset-columns").await;
    page.until(&format!("{order}.startsWith('time,sensor,rank,')")).await;
    page.close().await;
}

#[tokio::test]
async fn the_strip_follows_a_change_of_the_clocks() {
    // From an hour before to an hour after 2024-03-31T01:00:00Z, when Berlin's clocks go forward.
    let (_folder, path) = file(&datagrams(&[(1_711_843_200, 10), (1_711_850_400, 10)]));
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&path]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until("document.querySelector('#timeline .until')").await;
    page.press("z").await;
    page.until("document.activeElement.closest('#zone-picker')").await;
    page.press("berlin\u{e007}").await;
    page.until("document.querySelector('#timeline .from').textContent == '03/31 01:00:00'").await;
    let until = page.until("document.querySelector('#timeline .until').textContent").await;
    assert!(
        until.as_str().is_some_and(|text| text.starts_with("03/31 04:0")),
        "two hours later, on clocks that \
        went forward: {until}"
    );
    // The older row's own offset, not the newest's.
    page.press("\u{e010}").await;
    page.click("#grid [data-key] [data-col=bytes]").await;
    page.press("\u{e010}\u{e007}").await;
    page.until("document.querySelector('#detail .detail-head p').textContent.endsWith('03/31 01:00:00 UTC+1')").await;
    page.close().await;
}

#[tokio::test]
async fn a_fault_is_told_once_and_in_a_sentence() {
    let whole = std::fs::read(sample()).unwrap();
    // One packet of strangers, so that there is no row but its flow's; the other packet is cut.
    let udp = std::fs::read(sample().with_file_name("flows/udp.pcap")).unwrap();
    let (_cut_folder, cut) = file(&udp[..udp.len() - 20]);
    let (_bad_folder, bad) = file(&whole[..10]);
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&bad]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    let text = page.until("document.querySelector('#screen-failed .failure')?.innerText").await;
    let text = text.as_str().unwrap_or_default();
    assert_eq!(text.matches(bad.to_str().unwrap()).count(), 1, "{text}");
    assert_eq!(page.value("document.querySelector('#timeline svg')").await, serde_json::Value::Null);
    let strip = page.value("document.querySelector('#timeline').innerText").await;
    assert_eq!(strip, "No rows to show over time");

    assert_eq!(page.ask(&ViewRequest::Open(vec![cut.to_string_lossy().into_owned()])).await, ViewReply::Done);
    let banners = "Array.from(document.querySelectorAll('.banner.bad')).map((e) => e.innerText.trim())";
    page.until(&format!("{banners}.length == 2")).await;
    let banners: Vec<String> = serde_json::from_value(page.value(banners).await).unwrap();
    assert!(banners[0].ends_with(". Nothing of it is in the grid."), "{}", banners[0]);
    assert!(banners[1].contains(". What was read before the fault is shown: "), "{}", banners[1]);
    // Rows that are only hidden are rows still.
    page.press("v").await;
    page.until("document.querySelector('#screen-hidden') && document.querySelectorAll('.banner.bad').length == 2")
        .await;
    page.close().await;
}

#[tokio::test]
async fn esc_leaves_a_sources_name_and_enter_renames_its_rows() {
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&sample()]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    opened(&page).await;
    for (keys, name) in [("thrown away\u{e00c}", "sample"), ("hq core\u{e007}", "hq core")] {
        page.click("[data-source-id] .chip-name").await;
        page.until("document.activeElement.id == 'rename'").await;
        page.press(keys).await;
        page.until("!document.querySelector('#source')").await;
        page.until(&format!("{ROWS}[0].querySelector('[data-col=sensor]').textContent == '{name}'")).await;
        page.until(&format!("document.querySelector('[data-source-id] .name').textContent == '{name}'")).await;
    }
    page.click("[data-source-id] .chip-name").await;
    page.click("#close-source").await;
    page.until(&format!("document.querySelector('#screen-empty') && {ROWS}.length == 0")).await;
    page.until("!document.querySelector('#timeline')").await;
    page.close().await;
}

#[tokio::test]
async fn a_long_list_is_drawn_in_part_copied_whole_and_starts_again_in_another_order() {
    let (_folder, path) = file(&sweep(20_000));
    let (Some(bridge), Some(driver)) = (BridgeProcess::start(&[&path]), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until(&format!("{ROWS}[0].querySelector('[data-col=server]').textContent == '20,000 servers'")).await;
    page.value("void (navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); })")
        .await;
    page.click("#grid [data-key] [data-col=server]").await;
    let last = "Array.from(document.querySelectorAll('#popup .value')).at(-1).innerText";
    page.until("document.querySelector('#popup .value')").await;
    page.value("void (document.querySelector('#popup .values').scrollTop = 1e9)").await;
    page.until(&format!("{last}.includes('11.0.78.31')")).await;
    assert!(pixels(&page, "document.querySelectorAll('#popup .value').length").await < 30.0);
    page.click("#popup .sort:nth-child(4)").await;
    page.until("document.querySelector('#popup .values').scrollTop == 0").await;
    page.until("document.querySelector('#popup .value.on').innerText.includes('59 B')").await;
    page.press("\u{e00c}").await;
    page.until("!document.querySelector('#popup')").await;
    // The cell stands for 20,000 addresses: a copy of it is all of them.
    page.press("y").await;
    page.until("window.copied?.split('\\n').length == 20000").await;
    page.until("document.querySelector('#toast').textContent == 'Copied 20,000 servers'").await;
    page.close().await;
}
