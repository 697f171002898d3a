//! MessagePack, length-prefixed on streams.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest message accepted, in bytes. Bulk answers are cut in parts well below it.
pub const MAX_MESSAGE: usize = 4 << 20;

/// Bytes of the big-endian length before each message on a stream.
pub const PREFIX: usize = 4;

/// A message that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The peer announced more than [`MAX_MESSAGE`].
    #[error("message of {0} bytes is over the limit of {MAX_MESSAGE}")]
    TooLong(usize),
    /// Not the MessagePack that was expected.
    #[error("message is not readable: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// Cannot be written.
    #[error("message is not writable: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

/// Encodes with field names (maps), for the link between versions.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, CodecError> {
    let bytes = rmp_serde::to_vec_named(message)?;
    if bytes.len() > MAX_MESSAGE { Err(CodecError::TooLong(bytes.len())) } else { Ok(bytes) }
}

/// Decodes what [`encode`] or [`encode_compact`] wrote.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(CodecError::TooLong(bytes.len()));
    }
    Ok(rmp_serde::from_slice(bytes)?)
}

/// Encodes without field names (arrays), towards the UI, which is always built together with the app. No size limit:
/// it never crosses a machine.
pub fn encode_compact<T: Serialize>(message: &T) -> Result<Vec<u8>, CodecError> {
    Ok(rmp_serde::to_vec(message)?)
}

/// Decodes what [`encode_compact`] wrote.
pub fn decode_compact<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    Ok(rmp_serde::from_slice(bytes)?)
}
