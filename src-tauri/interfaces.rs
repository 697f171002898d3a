//! The interfaces of this machine, as the sensor lists them: it is the one that has, or lacks, the right to capture.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sensor_wire::interface::Interfaces;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::error::AppError;
use crate::platform;

/// How long the sensor may take: it opens each interface for a moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes that are read of the list, and of what the sensor says beside it.
const LONGEST: u64 = 1 << 20;

/// Asks the sensor. `program` is the sensor's; `None` looks for it where it is installed.
pub async fn list(program: Option<PathBuf>) -> Result<Interfaces, AppError> {
    let program = program.map_or_else(platform::sensord, Ok)?;
    // A sensor that takes longer is killed with its handle.
    let late = |_| AppError::SensorTimeout(format!("waited {} s for the list of interfaces", PATIENCE.as_secs()));
    timeout(PATIENCE, ask(&program)).await.map_err(late)?
}

async fn ask(program: &Path) -> Result<Interfaces, AppError> {
    let mut command = Command::new(program);
    command.args(["interfaces", "--json"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    platform::hide_console(&mut command);
    let mut child =
        command.spawn().map_err(|error| AppError::SensorStart(format!("{}: {error}", program.display())))?;
    let (list, words) = tokio::join!(text(child.stdout.take()), text(child.stderr.take()));
    // Its exit code says no more than the list does.
    parsed(&list, &words)
}

async fn text(output: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(output) = output
        && let Err(error) = output.take(LONGEST).read_to_end(&mut text).await
    {
        tracing::debug!(%error, "the sensor's words were cut");
    }
    text
}

/// The list, or what the sensor said in its place.
fn parsed(list: &[u8], words: &[u8]) -> Result<Interfaces, AppError> {
    serde_json::from_slice(list).map_err(|error| {
        let words = String::from_utf8_lossy(words).trim().to_owned();
        AppError::Interfaces(if words.is_empty() { error.to_string() } else { words })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_in_a_list_is_passed_over() {
        let list = br#"{"interfaces": [{"name": "eth0", "up": true, "speed": 10}], "more": 1}"#;
        let list = parsed(list, b"a warning").unwrap();
        assert_eq!(list.interfaces.len(), 1);
        assert!(list.interfaces[0].up && !list.interfaces[0].running && list.failure.is_none());
    }

    #[tokio::test]
    async fn a_sensor_that_gives_no_list_is_quoted() {
        let quoted = Err(AppError::Interfaces("cannot load libpcap.so".into()));
        assert_eq!(parsed(b"", b"cannot load libpcap.so\n"), quoted);
        assert_eq!(parsed(b"", b"").map_err(|error| error.code()), Err("interfaces_failed"));
        let missing = list(Some("/no/such/sensord".into())).await.unwrap_err();
        assert!(missing.code() == "sensor_start" && missing.detail().contains("/no/such/sensord"), "{missing:?}");
    }
}
