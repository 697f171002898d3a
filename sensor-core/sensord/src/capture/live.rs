//! The live wire, through libpcap: TPACKET on Linux, BPF on macOS, Npcap on Windows.
//!
//! [`LiveCapture::open`] needs rights; nothing after it does. So a sensor opens, gives its rights up
//! ([`crate::sandbox`]), and then calls [`LiveCapture::start`], which starts the capture's thread.

mod error;
pub mod interfaces;
mod library;
mod pump;
mod tally;

use std::sync::Arc;

use pcap::{Active, Capture};

pub use error::LiveError;
pub use pump::{Feed, Message};
pub use tally::Tally;

/// What to capture.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Name of the interface, as [`interfaces::list`] tells it.
    pub interface: String,
    /// BPF filter; empty for everything.
    pub filter: String,
    /// Bytes captured of a frame at most.
    pub snaplen: u32,
    /// Captures what isn't addressed to this machine too.
    pub promiscuous: bool,
    /// Size of the kernel's buffer in MiB.
    pub buffer: u32,
}

impl LiveOptions {
    /// Everything on an interface, whole.
    pub fn new(interface: impl Into<String>) -> LiveOptions {
        LiveOptions {
            interface: interface.into(),
            filter: String::new(),
            snaplen: SNAPLEN,
            promiscuous: true,
            buffer: BUFFER,
        }
    }
}

/// An open capture that doesn't run yet.
pub struct LiveCapture {
    capture: Capture<Active>,
    options: LiveOptions,
    link: u16,
    tally: Arc<Tally>,
    interface: pump::Interface,
}

impl LiveCapture {
    /// Opens an interface; packets that come from now on wait in the kernel's buffer.
    ///
    /// # Errors
    /// [`LiveError`]; it says what to do on this system.
    pub fn open(options: LiveOptions) -> Result<LiveCapture, LiveError> {
        library::load()?;
        let failed = |error: pcap::Error| LiveError::of_open(&options.interface, &error);
        // "any" stands for all interfaces: it can't be switched to promiscuous, and libpcap takes the wish for an error.
        let promiscuous = options.promiscuous && options.interface != "any";
        let inactive = Capture::from_device(options.interface.as_str()).map_err(failed)?;
        let inactive = inactive
            .promisc(promiscuous)
            .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
            .timeout(HOLD_MS)
            .buffer_size(i32::try_from(u64::from(options.buffer) << 20).unwrap_or(i32::MAX));
        #[cfg(not(windows))]
        let inactive = inactive.precision(pcap::Precision::Nano);
        let mut capture = inactive.open().map_err(failed)?;
        if !options.filter.is_empty() {
            capture.filter(&options.filter, true).map_err(|error| LiveError::Filter {
                interface: options.interface.clone(),
                filter: options.filter.clone(),
                cause: error::words(&error),
            })?;
        }
        let link = linktype(capture.get_datalink().0);
        let capture = pump::nonblocking(capture).map_err(failed)?;
        let tally = Arc::new(Tally::new(&options.interface));
        let interface = pump::Interface::open(&options.interface);
        Ok(LiveCapture { capture, options, link, tally, interface })
    }

    /// What it was opened with.
    pub fn options(&self) -> &LiveOptions {
        &self.options
    }

    /// Starts the thread that takes packets out of the kernel's buffer.
    pub fn start(self) -> Feed {
        pump::start(self)
    }
}

/// Nanoseconds since 1970. A header's fraction is in nanoseconds, which were asked for (where the system has none,
/// libpcap multiplies); on Windows, where they can't be, in microseconds.
#[allow(clippy::unnecessary_cast, reason = "the fields have 32 bits on Windows, 64 elsewhere")]
fn time(header: &pcap::PacketHeader) -> i64 {
    const UNIT: i64 = if cfg!(windows) { 1_000 } else { 1 };
    let (seconds, rest) = (header.ts.tv_sec as i64, header.ts.tv_usec as i64);
    seconds.saturating_mul(1_000_000_000).saturating_add(rest.saturating_mul(UNIT))
}

/// The LINKTYPE of a DLT: equal but for raw IP, whose DLT differs from system to system
/// (<https://www.tcpdump.org/linktypes.html>).
fn linktype(datalink: i32) -> u16 {
    const DLT_RAW: i32 = if cfg!(target_os = "openbsd") { 14 } else { 12 };
    const LINKTYPE_RAW: u16 = 101;
    if datalink == DLT_RAW { LINKTYPE_RAW } else { u16::try_from(datalink).unwrap_or(u16::MAX) }
}

/// As much of a frame as captures hold (libpcap's MAXIMUM_SNAPLEN).
pub const SNAPLEN: u32 = 262_144;

/// Of the kernel's buffer, in MiB: a tenth of a second of 2.5 Gbit/s.
pub const BUFFER: u32 = 32;

/// How long the kernel may hold packets back to hand them over together, in milliseconds: well under the quarter of a
/// second from wire to screen, and few wake-ups on a quiet wire.
const HOLD_MS: i32 = 20;
