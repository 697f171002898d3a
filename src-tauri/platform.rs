//! What differs between operating systems.

use std::path::PathBuf;

use crate::error::AppError;

/// Names the sensor's program where it does not stand beside the app.
pub const SENSORD: &str = "NIGHTJAR_SENSORD";

/// Names the folder of the app's data in place of the system's.
pub const DATA_DIR: &str = "NIGHTJAR_DATA_DIR";

/// The sensor's program: beside the app's, or where the environment says.
pub fn sensord() -> Result<PathBuf, AppError> {
    if let Some(path) = std::env::var_os(SENSORD) {
        return Ok(path.into());
    }
    let app = std::env::current_exe().map_err(|error| AppError::SensorMissing(error.to_string()))?;
    let path = app.with_file_name(format!("sensord{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() { Ok(path) } else { Err(AppError::SensorMissing(path.display().to_string())) }
}

/// The folder of the app's data, if the environment names one.
pub fn data_dir() -> Option<PathBuf> {
    std::env::var_os(DATA_DIR).map(PathBuf::from)
}

/// Keeps a child from opening a console window of its own.
#[cfg(windows)]
pub fn hide_console(command: &mut tokio::process::Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

/// Keeps a child from opening a console window of its own: only Windows would.
#[cfg(not(windows))]
pub fn hide_console(_command: &mut tokio::process::Command) {}
