//! `cargo bundle-ui [--release]`: compiles the window's UI to WebAssembly and lays it, ready to serve, into `ui/dist`.
//!
//! The work is done by wasm-bindgen's own library, whose version `Cargo.lock` holds beside wasm-bindgen's: no tool has
//! to be installed and none can disagree with the code.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;
use clap::Parser;
use wasm_bindgen_cli_support::Bindgen;

const PACKAGE: &str = "nightjar-ui";
const TARGET: &str = "wasm32-unknown-unknown";

/// Compiles the window's UI and writes ui/dist.
#[derive(Parser)]
#[command(name = "bundle-ui")]
struct Args {
    /// Optimise: slower to build, several times faster to run.
    #[arg(long)]
    release: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let profile = if args.release { "wasm-release" } else { "wasm-dev" };

    // Where the caller's cargo puts its output (CARGO_TARGET_DIR, configuration) is cargo's to say.
    let metadata = MetadataCommand::new().no_deps().exec().context("run this inside the repository")?;
    let ui = metadata.workspace_root.as_std_path().join("ui");
    let target = metadata.target_directory.as_std_path();

    compile(metadata.workspace_root.as_std_path(), target, profile)?;
    let wasm = target.join(TARGET).join(profile).join(format!("{PACKAGE}.wasm"));

    // Built aside and moved in at the end: whoever serves ui/dist meanwhile never sees half a bundle.
    let fresh = ui.join(format!("dist.new-{}", std::process::id()));
    remove_if_there(&fresh)?;
    fs::create_dir_all(&fresh).with_context(|| format!("create {}", fresh.display()))?;
    let made = bind(&wasm, &fresh, args.release).and_then(|()| copy_static(&ui.join("static"), &fresh));
    if let Err(error) = made {
        remove_if_there(&fresh)?;
        return Err(error);
    }
    swap(&fresh, &ui.join("dist"))
}

fn compile(root: &Path, target: &Path, profile: &str) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--package", PACKAGE, "--target", TARGET, "--profile", profile, "--target-dir"])
        .arg(target)
        .status()
        .context("start cargo")?;
    if !status.success() {
        bail!("the UI does not compile for {TARGET} (is the target there? rustup target add {TARGET})");
    }
    Ok(())
}

fn bind(wasm: &Path, out: &Path, release: bool) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name("nightjar")
        .web(true)?
        .typescript(false)
        // Left true, init() is compiled without the address of its own wasm.
        .omit_default_module_path(false)
        // A debug build keeps its names: they are what a panic's stack trace shows.
        .remove_name_section(release)
        .remove_producers_section(true)
        .generate(out)
        .with_context(|| format!("bind {}", wasm.display()))
}

fn copy_static(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))
                .with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// A directory cannot be replaced by one rename: the old one steps aside first and is put back if the new one fails.
fn swap(fresh: &Path, dist: &Path) -> Result<()> {
    let old: PathBuf = dist.with_file_name(format!("dist.old-{}", std::process::id()));
    remove_if_there(&old)?;
    if dist.exists() {
        fs::rename(dist, &old).with_context(|| format!("move {} aside", dist.display()))?;
    }
    if let Err(error) = fs::rename(fresh, dist) {
        if old.exists() {
            fs::rename(&old, dist).context("put the old bundle back")?;
        }
        return Err(error).with_context(|| format!("move the new bundle to {}", dist.display()));
    }
    remove_if_there(&old)
}

fn remove_if_there(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("remove {}", dir.display()))?;
    }
    Ok(())
}
