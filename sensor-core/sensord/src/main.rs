//! `sensord`: the sensor as a command.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use sensord::cli::{Cli, run};
use tracing_subscriber::EnvFilter;

/// Less of a replay's time than with the C library's. It is built from C, so cross checks of other systems go without.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("NIGHTJAR_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // No colours for a file or a journal.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Exit code 2 is kept for damaged captures.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "sensord: {error:#}");
            ExitCode::from(1)
        }
    }
}
