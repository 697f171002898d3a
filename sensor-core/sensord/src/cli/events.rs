//! Where a serving sensor keeps its events.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use sensor_core::rules::Ruleset;

use super::warn;
use crate::recorder::Recorder;
use crate::state::give_as_folder;
use crate::store::events::{EventLog, Settings, Writer, make_folder};

#[derive(Debug, Args)]
pub(super) struct EventArgs {
    /// Remove the oldest events once they take more than this.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    events_size: u64,
}

impl EventArgs {
    /// Makes the folder of the log in that of the state; it has to be written once rights are given up, so it is made
    /// for whoever the folder around it belongs to. `None` without state: then the newest events are kept in memory.
    pub(super) fn folder(&self, state: Option<&Path>) -> Result<Option<PathBuf>> {
        let Some(state) = state else { return Ok(None) };
        let folder = std::path::absolute(state).unwrap_or_else(|_| state.into()).join("events");
        make_folder(&folder).context("--state")?;
        give_as_folder(&folder, state).with_context(|| format!("--state {}", state.display()))?;
        Ok(Some(folder))
    }

    /// Opens the log and starts its thread, after rights were given up; what is damaged is told. A replay waits for the
    /// disk where a capture drops events.
    pub(super) fn recorder(&self, folder: Option<&Path>, live: bool, rules: Arc<Ruleset>) -> Result<Recorder> {
        let Some(folder) = folder else { return Ok(Recorder::memory(rules)) };
        let total = self.events_size << 20;
        // The newest segment always stays, so it is only a part of all.
        let segment = Settings::default().segment.min(total / 4);
        let (log, damage) = EventLog::open(folder, Settings { segment, total })
            .context("--state: the folder has to belong to the user that the sensor runs as")?;
        damage.iter().for_each(|damage| warn(&damage.to_string()));
        Ok(Recorder::disk(Writer::start(log), !live, rules))
    }
}

/// How long the last events may take to the disk.
pub(super) const LAST_EVENTS: Duration = Duration::from_secs(2);

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, chown, symlink};

    use super::*;

    #[test]
    fn root_gives_away_nothing_that_a_planted_link_leads_to() {
        if !nix::unistd::geteuid().is_root() {
            println!("skipped: not root");
            return;
        }
        let around = tempfile::tempdir().unwrap();
        let (state, roots) = (around.path().join("state"), around.path().join("roots"));
        std::fs::create_dir(&state).unwrap();
        std::fs::create_dir(&roots).unwrap();
        chown(&state, Some(1), Some(1)).unwrap();
        symlink(&roots, state.join("events")).unwrap();
        let _ = EventArgs { events_size: 1 }.folder(Some(&state));
        assert_eq!(std::fs::metadata(&roots).unwrap().uid(), 0);
        // A folder of its own is its owner's.
        std::fs::remove_file(state.join("events")).unwrap();
        let folder = EventArgs { events_size: 1 }.folder(Some(&state)).unwrap().unwrap();
        assert_eq!(std::fs::metadata(folder).unwrap().uid(), 1);
    }
}
