//! The house rules that the compiler can't hold: which crate may see which, and what lies at the top of the repository.

#![allow(clippy::expect_used, reason = "clippy allows it in the bodies of tests alone, not in what they call")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Who may depend on whom inside the workspace. Arrows run downward only; a crate that isn't here has no place yet.
const ARROWS: &[(&str, &[&str])] = &[
    ("nightjar", &["sensor-correlate", "sensor-link", "sensor-wire"]),
    ("nightjar-ui", &["sensor-wire"]),
    ("ui-bundler", &[]),
    ("sensord", &["sensor-core", "sensor-correlate", "sensor-link", "sensor-wire"]),
    ("forwarder", &["sensor-link"]),
    ("sensor-core", &["sensor-wire"]),
    ("sensor-correlate", &["sensor-wire"]),
    ("sensor-link", &["sensor-wire"]),
    ("sensor-wire", &[]),
];

/// What must not be anywhere in a crate's tree, and why.
const STRANGERS: &[(&str, &[&str], &str)] = &[
    (
        "sensor-core",
        &[
            "tokio",
            "async-std",
            "smol",
            "mio",
            "crossbeam-channel",
            "rayon",
            "pcap",
            "sled",
            "tauri",
            "snow",
            "chrono",
            "time",
        ],
        "the engine is pure: no IO, no clock, no threads, no async",
    ),
    ("sensor-correlate", &["tokio", "mio", "pcap", "sled", "tauri", "snow"], "correlation is pure"),
    ("sensor-wire", &["tokio", "mio", "snow", "yamux", "pcap", "sled", "tauri"], "it is compiled to WebAssembly"),
    ("sensor-link", &["tauri", "sled", "pcap"], "the link knows neither the app nor the sensor"),
    ("nightjar-ui", &["tokio", "mio", "snow", "sled", "tauri"], "it is compiled to WebAssembly"),
    ("sensord", &["tauri", "wry", "sled", "yew"], "the sensor runs where there is no desktop"),
    ("nightjar", &["pcap", "etherparse"], "captures are parsed in the sensor's process only"),
];

fn metadata(options: &[&str]) -> Metadata {
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .other_options(options.iter().map(ToString::to_string).collect::<Vec<_>>())
        .exec()
        .expect("cargo metadata")
}

#[test]
fn arrows_between_the_crates_run_downward_only() {
    let metadata = metadata(&["--no-deps"]);
    let crates: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("{name} has no place in the house"));
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            let seen_in_tests_only = dependency.kind == DependencyKind::Development && name != "nightjar-ui";
            if crates.contains(to) && !seen_in_tests_only {
                assert!(allowed.contains(&to), "{name} must not depend on {to}");
            }
        }
    }
    for must in ["nightjar", "nightjar-ui", "sensord", "sensor-core", "sensor-link", "sensor-wire"] {
        assert!(crates.contains(must), "{must} is gone from the workspace");
    }
}

#[test]
fn no_crate_has_a_stranger_in_its_tree() {
    // Each for the platform it runs on, and of those only this machine's: others' crates need not have been fetched.
    let native = metadata(&["--filter-platform", &host()]);
    let web = metadata(&["--filter-platform", "wasm32-unknown-unknown"]);
    for (name, strangers, why) in STRANGERS {
        let metadata = if *name == "nightjar-ui" { &web } else { &native };
        let Some(package) = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == *name)
        else {
            continue;
        };
        let tree = tree(metadata, &package.id);
        assert!(!tree.contains("nightjar-ui") || *name == "nightjar-ui", "{name} has the window in its tree");
        for stranger in *strangers {
            assert!(!tree.contains(*stranger), "{name} has {stranger} in its tree: {why}");
        }
    }
}

/// Names of all packages that end up in `root`: normal dependencies, over any number of steps.
fn tree(metadata: &Metadata, root: &PackageId) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let (mut seen, mut names, mut next) = (BTreeSet::new(), BTreeSet::new(), vec![root]);
    while let Some(id) = next.pop() {
        if !seen.insert(id) {
            continue;
        }
        names.insert(metadata[id].name.to_string());
        let normal = |dep: &&cargo_metadata::NodeDep| dep.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal);
        next.extend(nodes[id].deps.iter().filter(normal).map(|dep| &dep.pkg));
    }
    names
}

fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc -vV");
    let text = String::from_utf8(output.stdout).expect("rustc's words");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc's host").to_owned()
}

/// Tools look for these at the top, and nothing else belongs there.
#[test]
fn the_top_level_holds_what_belongs_there() {
    const MANDATED: &[&str] = &[
        "Cargo.toml",
        "src-tauri",
        "ui",
        "sensor-core",
        "icons",
        "tests",
        "tauri.conf.json",
        "README.md",
        "ARCHITECTURE.md",
    ];
    const ALLOWED: &[&str] = &[
        "Cargo.lock",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "clippy.toml",
        "deny.toml",
        "dev",
        "rust-toolchain.toml",
        "rustfmt.toml",
        // Not tracked: what builds write.
        "target",
        "gen",
        "node_modules",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names: BTreeSet<String> = std::fs::read_dir(root)
        .expect("the repository")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let missing: Vec<_> = MANDATED.iter().filter(|name| !names.contains(**name)).collect();
    assert!(missing.is_empty(), "missing at the top: {missing:?}");
    let extra: Vec<_> = names
        .iter()
        .filter(|name| {
            !name.starts_with('.') && !MANDATED.contains(&name.as_str()) && !ALLOWED.contains(&name.as_str())
        })
        .collect();
    assert!(extra.is_empty(), "at the top level, where it doesn't belong: {extra:?}");
}
