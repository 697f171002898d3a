//! The real window: the app opens a capture and its rows stand in the page.

#[path = "support/driver.rs"]
mod driver;
mod support;

use driver::{Driver, ROWS, page_is_built};
use sensor_wire::view::{ViewReply, ViewRequest};
use serde_json::json;
use support::{sample, sensord};

#[tokio::test]
async fn the_window_opens_a_capture_and_shows_its_rows() {
    let (Some(sensord), Some(()), Some(driver)) = (sensord(), page_is_built(), Driver::window()) else { return };
    let folder = tempfile::tempdir().unwrap();
    // The driver hands over arguments, but no environment: the program is started through a shell that sets it.
    let start = folder.path().join("start");
    let script = format!(
        "#!/bin/sh\nNIGHTJAR_SENSORD='{}' NIGHTJAR_DATA_DIR='{}' exec '{}' \"$@\"\n",
        sensord.display(),
        folder.path().join("data").display(),
        env!("CARGO_BIN_EXE_nightjar"),
    );
    std::fs::write(&start, script).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&start, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let options = json!({"application": start, "args": [sample()]});
    let page = driver.session(json!({"browserName": "wry", "tauri:options": options})).await;
    page.until(&format!("{ROWS}.length > 10")).await;
    // Rows of flows too: they have a detail.
    page.press("v").await;
    page.until(&format!("{ROWS}.some((row) => !row.querySelector('.badge:not(.none)'))")).await;
    assert_eq!(page.value("Boolean(window.__TAURI__)").await, true);
    let reply = page.ask(&ViewRequest::Rows { offset: 0, count: 10, anchor: None }).await;
    let ViewReply::Rows(window) = reply else { panic!("{reply:?}") };
    assert_eq!(window.rows.len(), 10);
    let first = format!("{}:{}", window.rows[0].key.source, window.rows[0].key.row);
    page.until(&format!("{ROWS}[0].dataset.key == '{first}'")).await;
    assert_eq!(page.column("sensor").await[0], "sample");

    // What hangs on the web view more than on the page: drags that capture the pointer, and the clipboard.
    page.drag(".thumb", (-100.0, 200.0)).await;
    page.until(&format!("{ROWS}[0].getAttribute('aria-rowindex') > 10")).await;
    // Not the first: the drag may have left it half under the headings, where it can't be clicked.
    page.click("#grid [role=row][data-key]:nth-child(5) [data-col=bytes]").await;
    page.press("\u{e007}").await;
    page.until("document.querySelector('#detail .flow')").await;
    let height = page.value("document.querySelector('#detail').offsetHeight").await.as_f64().expect("a height");
    page.drag(".detail-edge", (0.0, -50.0)).await;
    page.until(&format!("document.querySelector('#detail').offsetHeight == {}", height + 50.0)).await;
    page.press("y").await;
    page.until("document.querySelector('#toast').textContent == \"Copied the row's bytes\"").await;
    page.close().await;
}
