//! Files of rules: plain, packed, in folders and archives.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use sensor_core::rules::Ruleset;
use sensor_core::rules::reputation::Reputations;

use crate::settings;

/// Most bytes of one file, unpacked.
const MAX_FILE: u64 = 256 << 20;
/// Most bytes that an archive unpacks to; what is packed may be far smaller.
const MAX_ARCHIVE: u64 = 1 << 30;
/// How gzip begins.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// What stands in the first header of a tar file, and where.
const TAR: &[u8] = b"ustar";
const TAR_AT: usize = 257;
/// How deep folders are looked into.
const MAX_DEPTH: usize = 16;

/// Reads a file, a folder or an archive into a set.
pub fn read(set: &mut Ruleset, path: &Path) -> Result<()> {
    read_at(set, path, 0)
}

fn read_at(set: &mut Ruleset, path: &Path, depth: usize) -> Result<()> {
    let name = path.display().to_string();
    if path.is_dir() {
        if depth > MAX_DEPTH {
            bail!("{name}: folders stand too deep in each other");
        }
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .with_context(|| name.clone())?;
        entries.sort();
        for entry in entries {
            let is_rules = entry.extension().is_some_and(|extension| extension == "rules");
            // A link could lead back up.
            if is_rules || (entry.is_dir() && !entry.is_symlink()) {
                read_at(set, &entry, depth + 1)?;
            }
        }
        return Ok(());
    }
    let file = File::open(path).with_context(|| name.clone())?;
    read_packed(set, &name, file)
}

/// Reads what is called so into a set: packed as its name ends, or as it begins.
pub fn read_packed(set: &mut Ruleset, name: &str, file: impl Read) -> Result<()> {
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        return archive(set, name, MultiGzDecoder::new(file).take(MAX_ARCHIVE));
    }
    let mut bytes = limited(file).with_context(|| name.to_owned())?;
    if name.ends_with(".gz") || bytes.starts_with(GZIP) {
        bytes = limited(MultiGzDecoder::new(bytes.as_slice())).with_context(|| name.to_owned())?;
    }
    // Archives are also published under names that don't say so.
    if bytes.get(TAR_AT..).is_some_and(|rest| rest.starts_with(TAR)) {
        return archive(set, name, bytes.as_slice());
    }
    set.read(name, &bytes);
    Ok(())
}

/// Gives the rules the files they name: beside their own file, or where the program was started.
pub fn provide(set: &mut Ruleset) {
    let beside = |file: &str, name: &str| Path::new(file).parent().unwrap_or(Path::new("")).join(name);
    let wanted: Vec<(String, PathBuf)> =
        set.wanted().into_iter().map(|(name, file)| (name.to_owned(), beside(file, name))).collect();
    for (name, beside) in wanted {
        if set.provided(&name).is_some() {
            continue;
        }
        // A rule whose file is missing is refused with its name.
        if let Ok(bytes) = File::open(&beside).or_else(|_| File::open(&name)).and_then(limited) {
            set.provide(&name, bytes);
        }
    }
}

/// Gives the rules the files that settings name beside them: thresholds, classes, and what is known of addresses.
pub fn beside(set: &mut Ruleset, settings: &[String]) -> Result<()> {
    let read = |path: &Path| File::open(path).and_then(limited).with_context(|| path.display().to_string());
    for (key, path) in settings::files(settings) {
        let bytes = read(Path::new(path)).context(key.to_owned())?;
        if key == settings::THRESHOLDS { set.read_thresholds(path, &bytes) } else { set.read_classes(path, &bytes) }
    }
    if let Some((categories, lists)) = settings::reputations(settings) {
        let mut reputations = Reputations::default();
        reputations.read_categories(&read(&categories)?).with_context(|| categories.display().to_string())?;
        for list in lists {
            reputations.read(&read(&list)?).with_context(|| list.display().to_string())?;
        }
        set.set_reputations(reputations);
    }
    Ok(())
}

/// Rules of an archive, and of its other files those that rules name.
fn archive(set: &mut Ruleset, name: &str, packed: impl Read) -> Result<()> {
    let mut archive = tar::Archive::new(packed);
    let (mut files, mut others) = (Vec::new(), HashMap::new());
    for entry in archive.entries().with_context(|| name.to_owned())? {
        let entry = entry.with_context(|| name.to_owned())?;
        let path = entry.path().with_context(|| name.to_owned())?.into_owned();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let inner = format!("{name}/{}", path.display());
        let bytes = limited(entry).with_context(|| inner.clone())?;
        if path.extension().is_some_and(|extension| extension == "rules") {
            files.push((inner, bytes));
        } else {
            others.insert(inner, bytes);
        }
    }
    files.sort();
    files.iter().for_each(|(inner, bytes)| set.read(inner, bytes));
    let inside = |(wanted, file): (&str, &str)| {
        let folder = file.strip_prefix(name)?.strip_prefix('/')?.rsplit_once('/').map_or("", |(folder, _)| folder);
        let slash = if folder.is_empty() { "" } else { "/" };
        Some((wanted.to_owned(), format!("{name}/{folder}{slash}{wanted}")))
    };
    let wanted: Vec<_> = set.wanted().into_iter().filter_map(inside).collect();
    for (wanted, inner) in wanted {
        if let Some(bytes) = others.remove(&inner) {
            set.provide(&wanted, bytes);
        }
    }
    Ok(())
}

/// All bytes, if they are not too many.
fn limited(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 256 MiB"));
    }
    Ok(bytes)
}
