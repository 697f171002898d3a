//! The page in headless Chromium while the sensor captures from a cable.

#![cfg(target_os = "linux")]
#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]
#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone")]

#[path = "support/driver.rs"]
mod driver;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::process::Command;

use driver::{BridgeProcess, Driver, Page, ROWS};
use sensor_wire::live::SourceState;
use sensor_wire::view::{AppStatus, RowWindow, SourceStatus, ViewReply, ViewRequest};
use support::{PATIENCE, sample};
use wire::Cable;

const ENTER: &str = "\u{e007}";
const ESC: &str = "\u{e00c}";
const CLEAR: &str = "\u{e009}a\u{e000}\u{e003}";

const NO_CAPTURES: [&str; 0] = [];

/// The state of the only source, as its chip says it.
const CHIP: &str = "document.querySelector('.chip')?.dataset.state";

async fn status(page: &Page) -> AppStatus {
    match page.ask(&ViewRequest::Status).await {
        ViewReply::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

async fn window(page: &Page) -> RowWindow {
    match page.ask(&ViewRequest::Rows { offset: 0, count: 200, anchor: None }).await {
        ViewReply::Rows(window) => window,
        other => panic!("{other:?}"),
    }
}

/// The status once it is as it should be.
async fn until(page: &Page, what: &str, holds: impl Fn(&AppStatus) -> bool) -> AppStatus {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let status = status(page).await;
        if holds(&status) {
            return status;
        }
        assert!(std::time::Instant::now() < until, "{what}: {status:#?}");
    }
}

/// A live source has told of so many packets, and all its rows are here.
fn has(source: &SourceStatus, packets: u64) -> bool {
    source.status.packets == packets && source.rows == source.status.rows
}

/// Packets of the sample that pass a filter, by tcpdump's word.
fn passing(filter: &str) -> u64 {
    let counted = Command::new("tcpdump").arg("-r").arg(sample()).args(["--count", filter]).output();
    let counted = counted.expect("tcpdump runs");
    let words = String::from_utf8_lossy(&counted.stdout).into_owned() + &String::from_utf8_lossy(&counted.stderr);
    let count = words.lines().find_map(|line| line.strip_suffix(" packets")?.parse().ok());
    count.unwrap_or_else(|| panic!("{words}"))
}

async fn text(page: &Page, selector: &str) -> String {
    let text = page.until(&format!("document.querySelector('{selector}')?.innerText")).await;
    text.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_wire_is_picked_filtered_paused_and_stopped() {
    let Some(cable) = Cable::lay("picked") else { return };
    let sensor = cable.sensor("");
    let (Some(bridge), Some(driver)) = (BridgeProcess::with(&NO_CAPTURES, &sensor), Driver::chromium()) else { return };
    let page = driver.browse(&bridge).await;
    page.until("document.querySelector('#screen-empty')").await;
    page.press("i").await;
    page.until("document.activeElement.id == 'capture-filter'").await;
    let names = "Array.from(document.querySelectorAll('.interface')).map((line) => line.dataset.interface)";
    page.until(&format!("{names}.includes('r0')")).await;
    let names: Vec<String> = serde_json::from_value(page.value(names).await).unwrap();
    assert!(["r0", "s0"].contains(&names[0].as_str()), "those in use come first: {names:?}");
    // The namespace's loopback was never switched on, and its line says so.
    let lo = text(&page, "[data-interface=lo]").await;
    assert!(lo.contains("switched off") && lo.contains("loopback"), "{lo}");

    // Arrows choose while the filter is typed.
    while page.value("document.querySelector('.interface.on').dataset.interface").await != "r0" {
        let before = page.value("document.querySelector('.interface.on').id").await;
        assert_ne!(before, format!("interface-{}", names.len() - 1), "r0 is not reached");
        page.press("\u{e015}").await;
        page.until(&format!("document.querySelector('.interface.on').id != {before}")).await;
    }
    // A click on a line leaves the keys with the filter.
    page.click("[data-interface=r0]").await;
    assert_eq!(page.value("document.activeElement.id").await, "capture-filter");
    page.press("tcp prot 80").await;
    page.press(ENTER).await;
    let wrong = text(&page, "#filter-fault").await;
    assert!(wrong.contains("tcp prot 80") && wrong.contains("syntax error"), "{wrong}");
    assert_eq!(page.value("document.querySelector('#capture-filter').ariaInvalid").await, "true");
    assert_eq!(status(&page).await.sources, [], "a wrong filter leaves no source");
    page.press(CLEAR).await;
    page.until("!document.querySelector('#filter-fault')").await;
    page.press("udp or tcp").await;
    page.press(ENTER).await;
    page.until("!document.querySelector('#capture-picker')").await;
    page.until(&format!("{CHIP} == 'live' || {CHIP} == 'idle'")).await;
    assert!(text(&page, "#screen-loading").await.contains("Listening"));

    let passed = passing("udp or tcp");
    let sent = cable.send(&sample(), &[]);
    assert!(passed > 0 && passed < sent, "{passed} of {sent}");
    page.until(&format!("{ROWS}.length > 10")).await;
    let seen = until(&page, "what passed the filter is seen", |status| has(&status.sources[0], passed)).await;
    let capture = seen.sources[0].status.capture.clone().expect("it captures");
    assert_eq!((capture.interface.as_str(), capture.filter.as_str()), ("r0", "udp or tcp"));
    let (least, most) = (passed * 42, sample().metadata().expect("the sample").len());
    assert!((least..most).contains(&seen.sources[0].status.bytes_read), "the bytes of its frames: {seen:#?}");
    page.until("document.querySelector('#state').textContent == 'live'").await;
    page.until("/packets?\\/s · .*bit\\/s/.test(document.querySelector('.chip .pace').textContent)").await;
    // Nothing is sent any more: it says so, and it is no end.
    page.until("document.querySelector('#state').textContent == 'idle'").await;
    page.until(&format!("{CHIP} == 'idle'")).await;

    page.press(" ").await;
    page.until("document.querySelector('#waiting')").await;
    let held = window(&page).await.totals;
    cable.send(&sample(), &[]);
    until(&page, "the rest waits", |status| status.sources[0].status.packets == 2 * passed && status.waiting > 0).await;
    assert_eq!(window(&page).await.totals, held);
    page.press(" ").await;
    until(&page, "it comes in", |status| status.waiting == 0 && has(&status.sources[0], 2 * passed)).await;

    page.click(".chip [aria-label='Stop capturing']").await;
    page.until(&format!("{CHIP} == 'stopped'")).await;
    page.until("document.querySelector('#state').textContent == 'stopped'").await;
    let status = until(&page, "its last rows are here", |status| has(&status.sources[0], 2 * passed)).await;
    let totals = window(&page).await.totals;
    assert_eq!((totals.packets, totals.flows), (2 * passed, status.sources[0].status.flows));
    assert_eq!(status.sources[0].status.drops, 0);
    let words = page.value("document.body.innerText").await;
    assert!(!words.as_str().unwrap_or_default().contains("replay"), "{words}");

    // A capture file beside it: both in one grid.
    let file = sample().to_string_lossy().into_owned();
    assert_eq!(page.ask(&ViewRequest::Open(vec![file])).await, ViewReply::Done);
    let both = until(&page, "the file is read", |status| {
        status.sources.len() == 2
            && status.sources[1].status.state == SourceState::Ended
            && has(&status.sources[1], 2668)
    });
    let rows: u64 = both.await.sources.iter().map(|source| source.rows).sum();
    assert_eq!(window(&page).await.total, rows);
    page.close().await;
}

#[tokio::test]
async fn losses_stand_on_the_chip_and_say_where() {
    let Some(cable) = Cable::lay("losses") else { return };
    let sensor = cable.sensor("--buffer=1");
    let from_the_start = ["--interface", "r0"];
    let (Some(bridge), Some(driver)) = (BridgeProcess::with(&from_the_start, &sensor), Driver::chromium()) else {
        return;
    };
    let page = driver.browse(&bridge).await;
    until(&page, "it captures", |status| {
        status.sources.first().is_some_and(|source| source.status.state == SourceState::Running)
    })
    .await;
    assert_eq!(page.value("document.querySelector('.chip-drops')").await, serde_json::Value::Null);
    // While the sensor stands still its kernel buffer overflows, however fast it is.
    cable.signal("-STOP");
    let sent = cable.send(&sample(), &["--loop=10"]);
    cable.signal("-CONT");
    let status = until(&page, "all packets are accounted for", |status| {
        let status = &status.sources[0].status;
        let capture = status.capture.clone().unwrap_or_default();
        capture.kernel_drops > 0 && status.packets + capture.kernel_drops + capture.queue_drops == sent
    })
    .await;
    let capture = status.sources[0].status.capture.clone().expect("it captures");
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let drops = text(&page, ".chip-drops").await;
    assert_eq!(digits(&drops), status.sources[0].status.drops.to_string());
    assert!(drops.contains("dropped"), "{drops}");
    page.until("document.querySelector('#status .warn').textContent.endsWith(' drops')").await;
    page.click(".chip-drops").await;
    let by_the_kernel = text(&page, "#source .drops p").await;
    assert!(by_the_kernel.contains("by the kernel"), "{by_the_kernel}");
    assert_eq!(digits(&by_the_kernel), capture.kernel_drops.to_string());
    assert!(text(&page, "#source").await.contains(&capture.confinement), "its rights");
    page.press(ESC).await;

    // What goes away while it is captured from leaves its rows.
    cable.ip("link del r0");
    page.until(&format!("{CHIP} == 'failed'")).await;
    let banner = text(&page, ".banner.bad").await;
    assert!(banner.contains("r0 went down or away. What was captured before stays: "), "{banner}");
    let rows = window(&page).await.total;
    assert!(rows > 0);
    page.until(&format!("document.querySelector('.banner.bad').innerText.includes('stays: {rows} row')")).await;
    // It is tried again from the banner, twice in vain: what failed before its first row gives way to the next try.
    let mut last = status.sources[0].id;
    for _ in 0..2 {
        page.click(".banner.bad .btn:nth-of-type(2)").await;
        let tried = until(&page, "the next try has failed", |status| {
            let source = status.sources.last().filter(|source| source.id != last);
            source.is_some_and(|source| matches!(source.status.state, SourceState::Failed(_)))
        })
        .await;
        assert_eq!(tried.sources.len(), 2, "{tried:#?}");
        last = tried.sources[1].id;
        page.until(&format!(
            "document.querySelector('[data-banner=\"{last}\"]')?.innerText.includes('no interface r0')"
        ))
        .await;
        page.until("document.querySelectorAll('.banner.bad').length == 1").await;
    }
    assert_eq!(window(&page).await.total, rows);
    page.close().await;
}

#[tokio::test]
async fn missing_rights_say_what_to_do_and_doing_it_helps() {
    let Some(cable) = Cable::lay("rights") else { return };
    let (sensor, copy) = cable.powerless_sensor();
    let from_the_start = ["--interface", "r0"];
    let (Some(bridge), Some(driver)) = (BridgeProcess::with(&from_the_start, &sensor), Driver::chromium()) else {
        return;
    };
    let page = driver.browse(&bridge).await;
    let words = text(&page, "#screen-rights").await;
    assert!(words.contains("The sensor lacks the right to capture from r0"), "{words}");
    let command = text(&page, "#screen-rights .command code").await;
    assert_eq!(command, format!("sudo setcap cap_net_raw=ep {}", copy.display()));
    page.value("void (navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); })")
        .await;
    page.click("#screen-rights .command button").await;
    page.until("document.querySelector('#toast').textContent == 'Copied the command'").await;
    assert_eq!(page.value("window.copied").await, command);
    // The picker says the same of each interface, and what to do.
    page.press("i").await;
    let line = text(&page, "[data-interface=r0]").await;
    assert!(line.contains("the right to capture is missing"), "{line}");
    assert_eq!(text(&page, "#refusal .command code").await, command);
    page.press(ENTER).await;
    page.until("document.querySelector('#refusal') && !document.querySelector('#start-capture').disabled").await;
    assert_eq!(status(&page).await.sources.len(), 1, "what is refused leaves no source");
    page.press(ESC).await;
    page.until("!document.querySelector('#capture-picker')").await;

    let words: Vec<&str> = command.split(' ').skip(1).collect();
    match Command::new(words[0]).args(&words[1..]).output() {
        Ok(done) if done.status.success() => {}
        other => {
            eprintln!("not tested further: setcap is not possible here: {other:?}");
            return page.close().await;
        }
    }
    page.click("#screen-rights .failure .btn:not(.command .btn)").await;
    page.until(&format!("{CHIP} == 'live' || {CHIP} == 'idle'")).await;
    let sent = cable.send(&sample(), &[]);
    until(&page, "the sample is seen", |status| status.sources.len() == 1 && has(&status.sources[0], sent)).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    page.close().await;
}
