//! `nightjar`: the desktop app as a command.

// No console window beside the app on Windows; a debug build keeps it for its log.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    nightjar_app::ipc::main()
}
