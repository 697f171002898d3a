//! How fast rows get from the app to the screen, in headless Chromium and in the real window: frames are WebKit's and
//! Chromium's own, so this is no criterion benchmark. Run under `xvfb-run` where there is no display:
//!
//! `WEBKIT_DISABLE_COMPOSITING_MODE=1 CARGO_PROFILE_BENCH_DEBUG_ASSERTIONS=true cargo bench --package nightjar --bench grid`
//!
//! Debug assertions bring the bridge that serves the page to Chromium. The sensor is the one `NIGHTJAR_SENSORD` names
//! (a release build), the page is the one in `ui/dist` (`cargo bundle-ui --release`). Without one of them, or without
//! the browsers' drivers, it says so and measures nothing.

#![allow(missing_docs, clippy::expect_used, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../../tests/support/driver.rs"]
mod driver;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use driver::{BridgeProcess, Driver, Page, page_is_built};
use sensor_wire::view::{Prefs, ViewReply, ViewRequest};
use serde_json::{Value, json};
use support::{sensord, strangers_at};

fn main() {
    // `cargo test --benches` starts it too, to see that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (Some(sensord), Some(())) = (sensord(), page_is_built()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let live = folder.path().join("live.pcap");
    fs::write(&live, strangers_at(LIVE_ROWS + LIVE_PER_SECOND * 60, live_second)).expect("a capture");
    let still = folder.path().join("still.pcap");
    fs::write(&still, strangers_at(STILL_ROWS, |_| 0)).expect("a capture");
    let paced = script(&folder.path().join("paced"), &format!("exec '{}' \"$@\" --speed 50\n", sensord.display()));

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        println!("{:<50} {:>6} {:>8} {:>8} {:>8}", "milliseconds", "count", "p50", "p95", "most");
        for (sensor, capture, what) in [(&paced, &live, Measure::Live), (&sensord, &still, Measure::Scroll)] {
            if let Some(driver) = Driver::chromium() {
                let bridge = BridgeProcess::with(&[capture], sensor).expect("what it needs is there");
                let page = driver.browse(&bridge).await;
                what.run("Chromium", &page).await;
                page.close().await;
            }
            if let Some(driver) = Driver::window() {
                let start = folder.path().join("start");
                let data = folder.path().join("data");
                let _ = fs::remove_dir_all(&data);
                script(
                    &start,
                    &format!(
                        "NIGHTJAR_SENSORD='{}' NIGHTJAR_DATA_DIR='{}' exec '{}' \"$@\"\n",
                        sensor.display(),
                        data.display(),
                        env!("CARGO_BIN_EXE_nightjar")
                    ),
                );
                let options = json!({"application": start, "args": [capture]});
                let page = driver.session(json!({"browserName": "wry", "tauri:options": options})).await;
                what.run("window", &page).await;
                page.close().await;
            }
        }
    });
}

/// What is measured.
#[derive(Clone, Copy)]
enum Measure {
    /// From hearing of new rows until the frame after the one that shows them, at the live top.
    Live,
    /// From a turn of the wheel until the frame after the one that shows other rows.
    Scroll,
}

impl Measure {
    async fn run(self, browser: &str, page: &Page) {
        let ViewReply::Boot(boot) = page.ask(&ViewRequest::Boot).await else { panic!("no boot") };
        page.ask(&ViewRequest::SetPrefs(Prefs { flow_events: true, ..boot.prefs })).await;
        let filled = format!("{ROW_COUNT} > {}", self.rows());
        while page.value(&filled).await != true {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let times = match self {
            Measure::Live => {
                // The page looks at the setting when it starts.
                page.value("localStorage.setItem('nightjar_perf', '1')").await;
                page.0.refresh().await.expect("the page loads again");
                page.until(&format!("{ROW_COUNT} > {} && window.nightjarPerf.length > 20", self.rows())).await;
                page.value("window.nightjarPerf.length = 0").await;
                let times =
                    page.until(&format!("window.nightjarPerf.length >= {SAMPLES} && window.nightjarPerf")).await;
                page.value("localStorage.removeItem('nightjar_perf')").await;
                times
            }
            Measure::Scroll => {
                page.value(SCROLL).await;
                page.until(&format!("window.scrolled.length >= {SAMPLES} && window.scrolled")).await
            }
        };
        let rows = page.value(ROW_COUNT).await;
        let words = match self {
            Measure::Live => "tick to second frame at the live top",
            Measure::Scroll => "wheel to second frame",
        };
        print(&format!("{browser}, {words}, {rows} rows"), &times);
    }

    fn rows(self) -> u32 {
        match self {
            Measure::Live => LIVE_ROWS,
            Measure::Scroll => STILL_ROWS - 1,
        }
    }
}

fn print(what: &str, times: &Value) {
    let mut times: Vec<f64> = times.as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{what:<50} {:>6} {:>8.1} {:>8.1} {:>8.1}", times.len(), at(0.5), at(0.95), at(1.0));
}

fn script(path: &Path, body: &str) -> PathBuf {
    fs::write(path, format!("#!/bin/sh\n{body}")).expect("a script");
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it may run");
    path.to_owned()
}

/// The first rows come at once, the others at a steady pace: 100 flows a second of their own time, replayed 50 times
/// as fast.
fn live_second(row: u32) -> u32 {
    row.saturating_sub(LIVE_ROWS) * 50 / LIVE_PER_SECOND
}

const LIVE_ROWS: u32 = 100_000;
const LIVE_PER_SECOND: u32 = 5_000;
const STILL_ROWS: u32 = 1_000_000;
const SAMPLES: u32 = 200;

/// Rows of the grid that the page knows of.
const ROW_COUNT: &str = "Number(document.querySelector('#grid')?.getAttribute('aria-rowcount'))";

/// Turns the wheel again and again, 100 ms after the last turn was shown.
const SCROLL: &str = "(() => {
    window.scrolled = [];
    const grid = document.querySelector('#grid');
    const first = () => Array.from(grid.querySelectorAll('[role=row][data-key]'))
        .map((row) => row.getAttribute('aria-rowindex') + row.dataset.key).sort().join();
    let turns = 0;
    const turn = () => {
        const from = performance.now(), before = first();
        const place = document.elementFromPoint(400, 400);
        place.dispatchEvent(new WheelEvent('wheel', { deltaY: turns++ % 20 < 15 ? 300 : -300, bubbles: true, cancelable: true }));
        const look = () => requestAnimationFrame(() => {
            if (first() === before) return look();
            requestAnimationFrame(() => {
                window.scrolled.push(performance.now() - from);
                setTimeout(turn, 100);
            });
        });
        look();
    };
    turn();
})()";
