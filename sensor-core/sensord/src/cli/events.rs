//! Where a serving sensor keeps its events.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use sensor_core::rules::Ruleset;

use super::warn;
use crate::recorder::Recorder;
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
        #[cfg(unix)]
        give_to_owner(state, &folder).with_context(|| format!("--state {}", state.display()))?;
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

/// What root makes in another user's folder is that user's.
#[cfg(unix)]
fn give_to_owner(state: &Path, folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let (owner, made) = (state.metadata()?, folder.metadata()?);
    if made.uid() == owner.uid() {
        return Ok(());
    }
    chown(folder, Some(owner.uid()), Some(owner.gid()))
}

/// How long the last events may take to the disk.
pub(super) const LAST_EVENTS: Duration = Duration::from_secs(2);
