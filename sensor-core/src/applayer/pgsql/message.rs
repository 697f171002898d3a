//! Single messages ("Message Formats" of PostgreSQL's documentation).

use crate::applayer::framing::Length;
use crate::discover::extract::reader::Reader;

/// A message of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// SSLRequest.
    Ssl,
    /// GSSENCRequest.
    Gss,
    /// StartupMessage: the version's two halves, and parameters.
    Startup((u16, u16), Vec<(Vec<u8>, Vec<u8>)>),
    /// CancelRequest: process and key.
    Cancel(u32, u32),
    /// PasswordMessage. The password is not kept.
    Password,
    /// SASLInitialResponse: mechanism and response.
    SaslInitial(Vec<u8>, Vec<u8>),
    /// SASLResponse.
    SaslResponse(Vec<u8>),
    /// Query.
    Query(Vec<u8>),
    /// CopyData: bytes of it.
    CopyData(u64),
    /// CopyDone.
    CopyDone,
    /// CopyFail.
    CopyFail,
    /// Terminate.
    Terminate,
    /// A message of the extended query protocol; whether it is Sync, which ends one.
    Extended(bool),
}

/// A message of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Back {
    /// The answer to a request for encryption.
    Encryption(bool),
    /// One of the Authentication messages.
    Auth(Auth),
    /// AuthenticationMD5Password.
    Salt(Vec<u8>),
    /// AuthenticationSASLFinal.
    SaslFinal(Vec<u8>),
    /// ParameterStatus.
    Parameter(Vec<u8>, Vec<u8>),
    /// BackendKeyData: process and key.
    Key(u32, u32),
    /// ReadyForQuery.
    Ready,
    /// RowDescription: fields.
    Fields(u16),
    /// DataRow: bytes of its values.
    Row(u64),
    /// CommandComplete.
    Completed(Vec<u8>),
    /// ErrorResponse: kinds of fields, and fields.
    Error(Vec<(u8, Vec<u8>)>),
    /// NoticeResponse.
    Notice(Vec<(u8, Vec<u8>)>),
    /// NotificationResponse: process, channel, payload.
    Notification(u32, Vec<u8>, Vec<u8>),
    /// CopyInResponse: columns.
    CopyIn(u16),
    /// CopyOutResponse, CopyBothResponse: columns.
    CopyOut(u16),
    /// CopyData: bytes of it.
    CopyData(u64),
    /// CopyDone.
    CopyDone,
    /// What carries nothing that is told.
    Other,
}

/// What a server wants to see of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Auth {
    /// Nothing more.
    #[default]
    Ok,
    /// A Kerberos 5 exchange (no longer spoken).
    Kerberos,
    /// The password.
    Cleartext,
    /// The password, hashed with a salt.
    Md5,
    /// GSSAPI.
    Gss,
    /// More of it.
    GssContinue,
    /// SSPI.
    Sspi,
    /// A SASL mechanism's first message.
    Sasl,
    /// Its next.
    SaslContinue,
}

impl Auth {
    /// Its name in EVE.
    pub fn name(self) -> &'static str {
        match self {
            Auth::Ok => "authentication_ok",
            Auth::Kerberos => "authentication_kerberos_v5",
            Auth::Cleartext => "authentication_cleartext_password",
            Auth::Md5 => "authentication_md5_password",
            Auth::Gss => "authentication_gss",
            Auth::GssContinue => "authentication_gss_continue",
            Auth::Sspi => "authentication_sspi",
            Auth::Sasl => "authentication_sasl",
            Auth::SaslContinue => "authentication_sasl_continue",
        }
    }
}

/// The length of a client's message. Those that come first have no type: their length begins with a zero.
pub(super) fn front_length(bytes: &[u8]) -> Length {
    match bytes {
        [0, ..] => untyped(bytes),
        _ => typed(bytes),
    }
}

/// The length of a server's message; `asked` says that it may be the single byte that answers a request for encryption.
pub(super) fn back_length(bytes: &[u8], asked: bool) -> Length {
    match bytes {
        [b'S' | b'N' | b'G', ..] if asked => Length::Bytes(1),
        _ => typed(bytes),
    }
}

fn untyped(bytes: &[u8]) -> Length {
    match bytes.first_chunk().map(|length| u32::from_be_bytes(*length)) {
        None => Length::Short,
        Some(length) if length < 8 => Length::Wrong,
        Some(length) => Length::Bytes(length.into()),
    }
}

/// A type and a length that counts itself.
fn typed(bytes: &[u8]) -> Length {
    match bytes.get(1..).and_then(|bytes| bytes.first_chunk()).map(|length| u32::from_be_bytes(*length)) {
        None => Length::Short,
        Some(length) if length < 4 => Length::Wrong,
        Some(length) => Length::Bytes(u64::from(length) + 1),
    }
}

/// Pairs and fields of a message that are kept.
const MOST_FIELDS: usize = 64;

impl Front {
    /// Reads a message, of which `bytes` are the beginning and `total` the length.
    pub fn parse(bytes: &[u8], total: u64, auth: Auth) -> Option<Front> {
        let mut reader = Reader::new(bytes);
        if bytes.first() == Some(&0) {
            reader.skip(4)?;
            return match (reader.u16()?, reader.u16()?) {
                (1234, 5679) if total == 8 => Some(Front::Ssl),
                (1234, 5680) if total == 8 => Some(Front::Gss),
                (1234, 5678) if total == 16 => Some(Front::Cancel(reader.u32()?, reader.u32()?)),
                (major @ 2..=3, minor) => Some(Front::Startup((major, minor), pairs(&mut reader))),
                _ => None,
            };
        }
        let kind = reader.u8()?;
        reader.skip(4)?;
        let body = reader.rest();
        Some(match kind {
            b'p' => match auth {
                Auth::Sasl => {
                    let mechanism = string(&mut reader)?.to_vec();
                    let length = reader.u32()?;
                    let response = if length == u32::MAX { &[] } else { reader.rest() };
                    Front::SaslInitial(mechanism, response.to_vec())
                }
                Auth::SaslContinue => Front::SaslResponse(body.to_vec()),
                Auth::Ok
                | Auth::Kerberos
                | Auth::Cleartext
                | Auth::Md5
                | Auth::Gss
                | Auth::GssContinue
                | Auth::Sspi => Front::Password,
            },
            b'Q' => Front::Query(string(&mut Reader::new(body)).unwrap_or(body).to_vec()),
            b'd' => Front::CopyData(total.saturating_sub(5)),
            b'c' => Front::CopyDone,
            b'f' => Front::CopyFail,
            b'X' => Front::Terminate,
            b'B' | b'C' | b'D' | b'E' | b'F' | b'H' | b'P' | b'S' => Front::Extended(kind == b'S' || kind == b'F'),
            _ => return None,
        })
    }
}

impl Back {
    /// Reads a message, of which `bytes` are the beginning and `total` the length.
    pub fn parse(bytes: &[u8], total: u64) -> Option<Back> {
        if total == 1 {
            return Some(Back::Encryption(bytes != b"N"));
        }
        let mut reader = Reader::new(bytes);
        let kind = reader.u8()?;
        reader.skip(4)?;
        Some(match kind {
            b'R' => match reader.u32()? {
                0 => Back::Auth(Auth::Ok),
                2 => Back::Auth(Auth::Kerberos),
                3 => Back::Auth(Auth::Cleartext),
                5 => Back::Salt(reader.take(4)?.to_vec()),
                7 => Back::Auth(Auth::Gss),
                8 => Back::Auth(Auth::GssContinue),
                9 => Back::Auth(Auth::Sspi),
                10 => Back::Auth(Auth::Sasl),
                11 => Back::Auth(Auth::SaslContinue),
                12 => Back::SaslFinal(reader.rest().to_vec()),
                _ => return None,
            },
            b'S' => Back::Parameter(string(&mut reader)?.to_vec(), string(&mut reader)?.to_vec()),
            b'K' => Back::Key(reader.u32()?, reader.u32()?),
            b'Z' => Back::Ready,
            b'T' => Back::Fields(reader.u16()?),
            // A count of columns, and a length before each.
            b'D' => Back::Row(total.saturating_sub(7).saturating_sub(4 * u64::from(reader.u16()?))),
            b'C' => Back::Completed(string(&mut reader)?.to_vec()),
            b'E' => Back::Error(fields(&mut reader)),
            b'N' => Back::Notice(fields(&mut reader)),
            b'A' => Back::Notification(reader.u32()?, string(&mut reader)?.to_vec(), string(&mut reader)?.to_vec()),
            b'G' => Back::CopyIn(columns(&mut reader)?),
            b'H' | b'W' => Back::CopyOut(columns(&mut reader)?),
            b'd' => Back::CopyData(total.saturating_sub(5)),
            b'c' => Back::CopyDone,
            b'1' | b'2' | b'3' | b'I' | b'n' | b's' | b't' | b'V' | b'v' => Back::Other,
            _ => return None,
        })
    }

    /// It can come at any time, and answers nothing.
    pub fn is_aside(&self) -> bool {
        matches!(self, Back::Parameter(..) | Back::Notice(_) | Back::Ready | Back::Other)
    }
}

/// A text that ends with a NUL.
fn string<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let end = reader.rest().iter().position(|byte| *byte == 0)?;
    let text = reader.take(end)?;
    reader.skip(1)?;
    Some(text)
}

fn pairs(reader: &mut Reader<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs = Vec::new();
    while pairs.len() < MOST_FIELDS {
        let Some(name) = string(reader).filter(|name| !name.is_empty()) else { break };
        pairs.push((name.to_vec(), string(reader).unwrap_or_default().to_vec()));
    }
    pairs
}

fn fields(reader: &mut Reader<'_>) -> Vec<(u8, Vec<u8>)> {
    let mut fields = Vec::new();
    while fields.len() < MOST_FIELDS {
        let Some(kind) = reader.u8().filter(|kind| *kind != 0) else { break };
        fields.push((kind, string(reader).unwrap_or_default().to_vec()));
    }
    fields
}

/// How a copy goes: a format, then one for each column.
fn columns(reader: &mut Reader<'_>) -> Option<u16> {
    reader.skip(1)?;
    reader.u16()
}
