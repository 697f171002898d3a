//! Prepares what Tauri's macros read: the page, the permissions.

use std::path::Path;
use std::{fs, io};

const PLACEHOLDER: &str = "<!doctype html><meta charset=utf-8><title>Nightjar</title>\
    <p>The page is not built. Run <code>cargo bundle-ui</code>, then build Nightjar again.</p>\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=ui/dist");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    println!("cargo:rerun-if-changed=icons");
    placeholder(Path::new("ui/dist"))?;
    let manifest = tauri_build::AppManifest::new().permissions_path_pattern("src-tauri/permissions/*.toml");
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    // Schemas for editors, written beside the configuration: nothing reads them here.
    match fs::remove_dir_all("gen") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tauri's macros refuse a missing page, and the app must build before its page does.
fn placeholder(dist: &Path) -> io::Result<()> {
    let page = dist.join("index.html");
    if page.exists() {
        return Ok(());
    }
    fs::create_dir_all(dist)?;
    fs::write(page, PLACEHOLDER)
}
