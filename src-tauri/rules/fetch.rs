//! Fetches rules by their address, when the user says so. What comes is bounded, compared with the sum that the server
//! offers beside it, and looked at only so far as to tell that it isn't a web page.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use md5::{Digest, Md5};
use sensor_wire::view::{RuleKept, shown_address};
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::error::AppError;

/// Most bytes of a file as it comes. The largest sets that are published have some 15 MB packed.
pub const MOST_BYTES: u64 = 64 << 20;

/// How long a server may take to be reached, and to begin its answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long all may take.
const LONGEST: Duration = Duration::from_secs(600);

/// Bytes that are read of a sum's file.
const LONGEST_SUM: u64 = 1024;

/// Redirections that are followed.
const REDIRECTS: u32 = 5;

/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;

/// What came of a fetch.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The server has nothing newer than what is known.
    Unchanged,
    /// A file.
    New(Vec<u8>, RuleKept),
}

/// Whom to believe that a server is who it says.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Whom the system believes.
    #[default]
    System,
    /// Only who was certified by this, in DER.
    #[cfg(test)]
    Only(Vec<u8>),
}

/// Fetches what is at `address`, unless it is what is `known` already. `progress` is told how many bytes came and how
/// many will, and says whether to go on. Blocks for as long as it takes.
pub fn fetch(
    address: &str,
    known: Option<&RuleKept>,
    trust: &Trust,
    mut progress: impl FnMut(u64, Option<u64>) -> bool,
) -> Result<Fetched, AppError> {
    let shown = shown_address(address);
    let fail = |why: String| AppError::RulesFetch(format!("{shown}: {why}"));
    let agent = agent(address, trust);
    let sum = offered_sum(&agent, address);
    if let (Some(sum), Some(known)) = (&sum, known)
        && *sum == known.md5
    {
        return Ok(Fetched::Unchanged);
    }
    let mut request = agent.get(address);
    if let Some(known) = known.filter(|known| !known.etag.is_empty() && sum.is_none()) {
        request = request.header("If-None-Match", &known.etag);
    }
    let response = request.call().map_err(|error| fail(words(&error)))?;
    if response.status() == StatusCode::NOT_MODIFIED && known.is_some() {
        return Ok(Fetched::Unchanged);
    }
    if response.status() != StatusCode::OK {
        return Err(fail(status_words(response.status())));
    }
    let etag = header(&response, "etag");
    let bytes = body(response, &mut progress).map_err(fail)?;
    if let Some(why) = no_rules(&bytes) {
        return Err(fail(why.to_owned()));
    }
    let md5 = hex(&Md5::digest(&bytes));
    if let Some(sum) = &sum
        && *sum != md5
    {
        return Err(fail(format!("its MD5 sum is {md5}, but the server tells {sum}; nothing of it is used")));
    }
    let kept = RuleKept { bytes: bytes.len() as u64, md5, verified: sum.is_some(), etag, ..RuleKept::default() };
    Ok(Fetched::New(bytes, kept))
}

fn agent(address: &str, trust: &Trust) -> Agent {
    let roots = match trust {
        Trust::System => RootCerts::PlatformVerifier,
        #[cfg(test)]
        Trust::Only(der) => RootCerts::new_with_certs(&[ureq::tls::Certificate::from_der(der).to_owned()]),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build();
    // Who asked for a protected way is not led to an open one.
    let protected = address.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let config = Agent::config_builder()
        .https_only(protected)
        .http_status_as_error(false)
        .max_redirects(REDIRECTS)
        .user_agent(concat!("Nightjar/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_global(Some(LONGEST))
        .tls_config(tls);
    config.build().into()
}

/// The MD5 sum that is published beside many rule sets, under their name and `.md5`; `None` where there is none.
fn offered_sum(agent: &Agent, address: &str) -> Option<String> {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (path, rest) = address.split_at(end);
    let response = agent.get(format!("{path}.md5{rest}")).call().ok()?;
    if response.status() != StatusCode::OK {
        return None;
    }
    let mut text = Vec::new();
    response.into_body().into_reader().take(LONGEST_SUM).read_to_end(&mut text).ok()?;
    // Some write the file's name behind it.
    let word = String::from_utf8_lossy(&text).split_whitespace().next()?.to_ascii_lowercase();
    (word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(word)
}

fn body(response: Response<Body>, progress: &mut impl FnMut(u64, Option<u64>) -> bool) -> Result<Vec<u8>, String> {
    let too_long = || format!("it has more than {} MiB", MOST_BYTES >> 20);
    let length = response.body().content_length();
    if length.is_some_and(|length| length > MOST_BYTES) {
        return Err(too_long());
    }
    let mut reader = response.into_body().into_reader();
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    loop {
        if !progress(bytes.len() as u64, length) {
            return Err("it was stopped".into());
        }
        let read = reader.read(&mut chunk).map_err(|error| format!("the connection broke: {error}"))?;
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&chunk[..read]);
        if bytes.len() as u64 > MOST_BYTES {
            return Err(too_long());
        }
    }
    match length {
        Some(length) if length != bytes.len() as u64 => {
            Err(format!("the connection broke after {} of {length} bytes", bytes.len()))
        }
        Some(_) | None => Ok(bytes),
    }
}

/// Why this can't be rules. More the app doesn't look: the sensor reads them.
fn no_rules(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
    match start.and_then(|start| bytes.get(start..)) {
        None => Some("the server sent nothing"),
        Some(text) if text.starts_with(b"<") => Some("the server sent a web page, not rules"),
        Some(text) if text.starts_with(b"PK\x03\x04") => Some("a ZIP archive is not read: use the .tar.gz"),
        Some(_) => None,
    }
}

fn header(response: &Response<Body>, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn status_words(status: StatusCode) -> String {
    let what = match status.as_u16() {
        401 | 403 => "the server refuses it: is the address right, and the code in it?",
        404 | 410 => "the server has no such file",
        429 => "the server was asked too often: try again later",
        500.. => "the server has a fault: try again later",
        _ => "the server gave no file",
    };
    format!("{what} (HTTP {})", status.as_u16())
}

fn words(error: &ureq::Error) -> String {
    if matches!(error, ureq::Error::HostNotFound) {
        return "there is no such server, or no network".into();
    }
    if let ureq::Error::Timeout(_) = error {
        return "the server does not answer".into();
    }
    if let ureq::Error::RequireHttpsOnly(_) = error {
        return "the server leads to an address without encryption".into();
    }
    if let ureq::Error::Io(cause) = error {
        return format!("no connection: {cause}");
    }
    error.to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a file is called by its address on disk.
pub fn file_name(address: &str) -> String {
    hex(&Md5::digest(address.as_bytes()))
}

#[cfg(test)]
#[path = "fetch/tests.rs"]
mod tests;
