//! What the app keeps, when its files are damaged or held by another.

#![allow(clippy::unwrap_used, reason = "clippy allows it in the bodies of tests alone, not in what they call")]
#![allow(clippy::wildcard_enum_match_arm, reason = "any other answer fails the test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use nightjar_app::controller::Options;
use sensor_wire::view::{Prefs, ViewReply, ViewRequest};
use support::App;

fn options(folder: &Path) -> Options {
    Options { data: Some(folder.to_owned()), ..Options::default() }
}

async fn prefs(app: &App) -> Prefs {
    match app.ask(ViewRequest::Boot).await {
        ViewReply::Boot(boot) => boot.prefs,
        other => panic!("{other:?}"),
    }
}

async fn codes(app: &App) -> Vec<String> {
    app.status().await.notices.into_iter().map(|notice| notice.code).collect()
}

/// A folder in which an app kept its settings and ended.
async fn kept() -> (tempfile::TempDir, Prefs) {
    let folder = tempfile::tempdir().unwrap();
    let app = App::with(options(folder.path()));
    let prefs = Prefs { zone: "Asia/Tokyo".into(), detail_width: 512, ..prefs(&app).await };
    app.tell(ViewRequest::SetPrefs(prefs.clone())).await;
    app.handle.shut_down().await;
    (folder, prefs)
}

/// All files under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn damage_anywhere_in_the_store_costs_no_setting() {
    for place in [0.0, 0.001, 0.01, 0.1, 0.5, 1.0] {
        let (folder, wanted) = kept().await;
        for file in files(&folder.path().join("store")) {
            let mut bytes = fs::read(&file).unwrap();
            let start = ((bytes.len() as f64 * place) as usize).min(bytes.len().saturating_sub(64));
            bytes.iter_mut().skip(start).take(64).for_each(|byte| *byte ^= 0x5a);
            fs::write(&file, bytes).unwrap();
        }
        let app = App::with(options(folder.path()));
        assert_eq!(prefs(&app).await, wanted, "damaged at {place}");
        let codes = codes(&app).await;
        let aside = files(folder.path()).iter().any(|file| file.to_string_lossy().contains("store-damaged-"));
        assert_eq!(aside, codes == ["store_moved"], "damaged at {place}: {codes:?}");
        assert!(aside || codes.is_empty() || codes == ["store_empty"], "damaged at {place}: {codes:?}");
        app.handle.shut_down().await;
    }
}

#[tokio::test]
async fn a_store_cut_short_costs_no_setting() {
    for length in [0, 1, 100] {
        let (folder, wanted) = kept().await;
        for file in files(&folder.path().join("store")) {
            fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length).unwrap();
        }
        let app = App::with(options(folder.path()));
        assert_eq!(prefs(&app).await, wanted, "cut to {length} bytes");
        assert_eq!(codes(&app).await.len(), 1, "and it is said");
        app.handle.shut_down().await;
    }
}

#[tokio::test]
async fn a_second_app_shows_the_settings_and_keeps_none() {
    let (folder, wanted) = kept().await;
    let first = App::with(options(folder.path()));
    let second = App::with(options(folder.path()));
    assert_eq!(prefs(&second).await, wanted);
    assert_eq!((codes(&first).await, codes(&second).await), (vec![], vec!["store_locked".to_owned()]));
    second.tell(ViewRequest::SetPrefs(Prefs { zone: "UTC".into(), ..wanted.clone() })).await;
    assert_eq!(prefs(&second).await.zone, "UTC", "for this run");
    second.handle.shut_down().await;
    first.handle.shut_down().await;
    let third = App::with(options(folder.path()));
    assert_eq!((prefs(&third).await, codes(&third).await), (wanted, vec![]));
    third.handle.shut_down().await;
}
