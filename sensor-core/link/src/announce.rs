//! How a sensor started as a child tells its key: the first line of its output.
//!
//! `nightjar-sensor 2 <64 hexadecimal digits>\n`, where 2 is the version of the link. The app trusts this key because
//! it started the child itself and nobody else can write to that pipe.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::{LinkError, PublicKey};

/// Version of the link: handshake, frames, records, streams.
pub const LINK_VERSION: u32 = 2;

/// How long a sensor may take to start.
pub const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(30);

/// Writes the line.
pub async fn write<W: AsyncWrite + Unpin>(writer: &mut W, key: &PublicKey) -> Result<(), LinkError> {
    writer.write_all(format!("{WORD} {LINK_VERSION} {key}\n").as_bytes()).await?;
    Ok(writer.flush().await?)
}

/// Reads the line, and not a byte more. Gives up after [`ANNOUNCE_TIMEOUT`], and at the first line of something that
/// isn't a sensor.
pub async fn read<R: AsyncRead + Unpin>(reader: &mut R) -> Result<PublicKey, LinkError> {
    let line = timeout(ANNOUNCE_TIMEOUT, read_line(reader))
        .await
        .map_err(|_| LinkError::Timeout { what: "the sensor's first line", seconds: ANNOUNCE_TIMEOUT.as_secs() })??;
    parse(&line)
}

const WORD: &str = "nightjar-sensor";

/// A line is 83 bytes; this leaves room for a longer version number and for telling what came instead.
const MAX_LINE: usize = 200;

/// Byte by byte, because what follows the line belongs to the handshake.
async fn read_line<R: AsyncRead + Unpin>(reader: &mut R) -> Result<Vec<u8>, LinkError> {
    let mut line = Vec::new();
    while line.len() < MAX_LINE {
        let mut byte = [0];
        if reader.read(&mut byte).await? == 0 || byte == [b'\n'] {
            return Ok(line);
        }
        line.extend_from_slice(&byte);
    }
    Ok(line)
}

fn parse(line: &[u8]) -> Result<PublicKey, LinkError> {
    let text = String::from_utf8_lossy(line);
    let not_a_sensor = || LinkError::NotASensor { got: text.clone().into_owned() };
    let mut words = text.strip_suffix('\r').unwrap_or(&text).split(' ');
    if words.next() != Some(WORD) {
        return Err(not_a_sensor());
    }
    let version = words.next().ok_or_else(not_a_sensor)?;
    if version != LINK_VERSION.to_string() {
        return Err(LinkError::OtherVersion { got: version.into(), ours: LINK_VERSION });
    }
    match (words.next(), words.next()) {
        (Some(key), None) => key.parse().map_err(|_| not_a_sensor()),
        _ => Err(not_a_sensor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyPair;

    #[tokio::test]
    async fn what_was_written_is_read_and_nothing_after_it() {
        let key = KeyPair::generate().unwrap().public();
        let mut bytes = Vec::new();
        write(&mut bytes, &key).await.unwrap();
        assert_eq!(bytes.len(), 83);
        bytes.extend_from_slice(b"handshake");
        let mut reader = bytes.as_slice();
        assert_eq!(read(&mut reader).await.unwrap(), key);
        assert_eq!(reader, b"handshake");
    }

    #[tokio::test]
    async fn something_else_is_named() {
        let key = "0".repeat(64);
        let cases = ["", "sensord: no such file\n", "nightjar-sensor\n", "nightjar-sensor 2 00\n"];
        let long = "x".repeat(10_000);
        let trailing = format!("nightjar-sensor 2 {key} more\n");
        for text in cases.into_iter().chain([long.as_str(), trailing.as_str()]) {
            let error = read(&mut text.as_bytes()).await.unwrap_err();
            assert!(matches!(error, LinkError::NotASensor { .. }), "{text}: {error}");
            assert!(error.to_string().len() < 300);
        }
        let error = read(&mut format!("nightjar-sensor 1 {key}\n").as_bytes()).await.unwrap_err();
        assert!(matches!(&error, LinkError::OtherVersion { got, ours: 2 } if got == "1"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_child_is_given_up() {
        let (mut ours, _theirs) = tokio::io::duplex(64);
        assert!(matches!(read(&mut ours).await.unwrap_err(), LinkError::Timeout { .. }));
    }
}
