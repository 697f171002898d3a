//! What shells and `man` want to know of the command line.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// The folder, which has to be there.
    folder: PathBuf,
}

pub(super) fn completions(args: &Completions) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sensord", &mut script);
    match io::stdout().write_all(&script) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        written => written.map(|()| 0).context("standard output cannot be written"),
    }
}

pub(super) fn pages(args: &Man) -> Result<u8> {
    clap_mangen::generate_to(Cli::command(), &args.folder).with_context(|| args.folder.display().to_string())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_is_completed() {
        let folder = tempfile::tempdir().unwrap();
        pages(&Man { folder: folder.path().into() }).unwrap();
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), "sensord", &mut script);
        let script = String::from_utf8(script).unwrap();
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(page(&format!("sensord-{name}.1")).contains(&format!("sensord {name}")), "{name}");
            assert!(script.contains(&format!("sensord,{name})")), "{name}");
        }
        assert!(page("sensord-viewers-revoke.1").contains("revoke"));
        let nowhere = pages(&Man { folder: folder.path().join("nowhere") }).unwrap_err();
        assert!(nowhere.to_string().contains("nowhere"), "{nowhere}");
    }
}
