//! Why an interface can't be captured from, and what to do about it on this system.

use sensor_wire::live::{CaptureFailure, failure};

/// Why an interface can't be captured from. Every message names the interface; [`LiveError::advice`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The process may not capture.
    #[error("{interface}: this process may not capture: {cause}")]
    Rights {
        /// The interface.
        interface: String,
        /// libpcap's word.
        cause: String,
        /// How this program gets the rights, as it stood when they were missing: it may have given up more since.
        advice: String,
    },
    /// The capture library is not installed.
    #[error("the capture library cannot be loaded: {cause}")]
    Library {
        /// The system's word.
        cause: String,
    },
    /// There is no such interface.
    #[error("{interface}: there is no such interface")]
    NoInterface {
        /// The name.
        interface: String,
    },
    /// The interface is switched off.
    #[error("{interface}: the interface is down")]
    Down {
        /// The interface.
        interface: String,
    },
    /// The interface went down or away while it was captured from.
    #[error("{interface}: the interface went down or away: {cause}")]
    Gone {
        /// The interface.
        interface: String,
        /// libpcap's word.
        cause: String,
    },
    /// The filter is not BPF, or not for this kind of interface.
    #[error("{interface}: the filter {filter:?} cannot be used: {cause}")]
    Filter {
        /// The interface.
        interface: String,
        /// The filter.
        filter: String,
        /// libpcap's word.
        cause: String,
    },
    /// Anything else.
    #[error("{interface}: cannot be captured from: {cause}")]
    Failed {
        /// The interface.
        interface: String,
        /// libpcap's word.
        cause: String,
    },
}

impl LiveError {
    /// What opening an interface failed with. libpcap tells its kinds of errors in words only, so the words are looked
    /// at where the system itself can't be asked.
    pub(super) fn of_open(interface: &str, error: &pcap::Error) -> LiveError {
        let (interface, cause) = (interface.to_owned(), words(error));
        let says = |words: &[&str]| words.iter().any(|word| cause.to_ascii_lowercase().contains(word));
        if says(&["no such device", "siocgifindex", "siocgifhwaddr", "bad device", "cannot find the device", "123)"]) {
            LiveError::NoInterface { interface }
        } else if says(&["not up", "is down", "network is down"]) {
            LiveError::Down { interface }
        } else if says(&["permission", "not permitted", "cap_net_raw", "access is denied", "access denied"]) {
            LiveError::Rights { interface, cause, advice: rights() }
        } else {
            LiveError::Failed { interface, cause }
        }
    }

    /// What a running capture ended with.
    pub(super) fn of_read(interface: &str, error: &pcap::Error) -> LiveError {
        let (interface, cause) = (interface.to_owned(), words(error));
        let lower = cause.to_ascii_lowercase();
        let gone =
            ["disappeared", "went down", "is down", "no such device", "device not configured", "not up", "removed"];
        if gone.iter().any(|word| lower.contains(word)) {
            LiveError::Gone { interface, cause }
        } else {
            LiveError::Failed { interface, cause }
        }
    }

    /// Stable over versions: one of [`failure`].
    pub fn code(&self) -> &'static str {
        match self {
            LiveError::Rights { .. } => failure::RIGHTS,
            LiveError::Library { .. } => failure::LIBRARY,
            LiveError::NoInterface { .. } => failure::NO_INTERFACE,
            LiveError::Down { .. } => failure::INTERFACE_DOWN,
            LiveError::Gone { .. } => failure::INTERFACE_GONE,
            LiveError::Filter { .. } => failure::FILTER,
            LiveError::Failed { .. } => failure::FAILED,
        }
    }

    /// What to do about it, a step a line; empty where there is nothing to advise.
    pub fn advice(&self) -> String {
        match self {
            LiveError::Rights { advice, .. } => advice.clone(),
            LiveError::Library { .. } if cfg!(windows) => NPCAP.into(),
            LiveError::NoInterface { .. } => "See what there is: sensord interfaces".into(),
            LiveError::Down { interface } if cfg!(target_os = "linux") => {
                format!("Switch it on: sudo ip link set dev {interface} up")
            }
            LiveError::Down { .. } => "Switch the interface on, then try again.".into(),
            LiveError::Gone { .. } => "Bring the interface back, then start the capture again.".into(),
            LiveError::Filter { .. } => "Filters are written as for tcpdump: man pcap-filter".into(),
            LiveError::Library { .. } | LiveError::Failed { .. } => String::new(),
        }
    }

    /// For viewers.
    pub fn failure(&self) -> CaptureFailure {
        CaptureFailure { code: self.code().into(), message: self.to_string(), advice: self.advice() }
    }
}

/// libpcap's words without the name of the crate around them.
pub(super) fn words(error: &pcap::Error) -> String {
    let words = if let pcap::Error::PcapError(words) = error { words.clone() } else { error.to_string() };
    words.trim().to_owned()
}

/// How this program gets the rights to capture.
#[cfg(target_os = "linux")]
fn rights() -> String {
    let program = std::env::current_exe().map_or_else(|_| "sensord".into(), |path| quoted(&path.to_string_lossy()));
    if nix::unistd::geteuid().is_root() {
        return "The process is root, but CAP_NET_RAW was taken from it: a container gets it with --cap-add=NET_RAW, \
                a systemd service with AmbientCapabilities=CAP_NET_RAW."
            .into();
    }
    format!(
        "Grant the sensor alone the right to capture, then start it again: sudo setcap cap_net_raw=ep {program}\n\
         Not possible where its file system is mounted nosuid; then start it as root: it gives all rights up once the \
         interface is open."
    )
}

/// How this program gets the rights to capture.
#[cfg(target_os = "macos")]
fn rights() -> String {
    "Install ChmodBPF, which comes with Wireshark: it lets the group access_bpf capture, with you in it. Then log out \
     and in.\n\
     Until the next restart this does too: sudo chgrp admin /dev/bpf* && sudo chmod g+rw /dev/bpf*"
        .into()
}

/// How this program gets the rights to capture.
#[cfg(windows)]
fn rights() -> String {
    format!(
        "Npcap lets administrators only capture: start Nightjar as administrator, or install Npcap again without that restriction. {NPCAP}"
    )
}

/// How this program gets the rights to capture.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn rights() -> String {
    "Grant read access to /dev/bpf*.".into()
}

/// A path as a shell takes it.
#[cfg(target_os = "linux")]
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

const NPCAP: &str = "Npcap is the capture library for Windows: https://npcap.com/#download";

#[cfg(test)]
mod tests {
    use super::*;

    fn open(words: &str) -> LiveError {
        LiveError::of_open("eth0", &pcap::Error::PcapError(words.into()))
    }

    /// The sentences are those of libpcap 1.10 on Linux and macOS and of Npcap.
    #[test]
    fn libpcaps_words_have_a_code() {
        for (words, code) in [
            ("socket: Operation not permitted", failure::RIGHTS),
            (
                "eth0: You don't have permission to capture on that device (socket: Operation not permitted)",
                failure::RIGHTS,
            ),
            (
                "eth0: You don't have permission to perform this capture on that device (Attempt to create packet \
                 socket failed - CAP_NET_RAW may be required)",
                failure::RIGHTS,
            ),
            ("(cannot open BPF device) /dev/bpf0: Permission denied", failure::RIGHTS),
            ("Error opening adapter: Access is denied.  (5)", failure::RIGHTS),
            ("eth0: No such device exists (SIOCGIFHWADDR: No such device)", failure::NO_INTERFACE),
            ("BIOCSETIF: eth0: No such device exists", failure::NO_INTERFACE),
            ("Error opening adapter: The system cannot find the device specified.  (20)", failure::NO_INTERFACE),
            ("eth0: That device is not up", failure::INTERFACE_DOWN),
            ("can't mmap rx ring: Cannot allocate memory", failure::FAILED),
        ] {
            assert_eq!(open(words).code(), code, "{words}");
        }
        let read = |words: &str| LiveError::of_read("eth0", &pcap::Error::PcapError(words.into())).code();
        assert_eq!(read("The interface disappeared"), failure::INTERFACE_GONE);
        assert_eq!(read("The interface went down"), failure::INTERFACE_GONE);
        assert_eq!(read("recv failed: Bad file descriptor"), failure::FAILED);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_advice_names_this_program_as_a_shell_takes_it() {
        assert_eq!(quoted("/usr/bin/sensord"), "/usr/bin/sensord");
        assert_eq!(quoted("/home/o'hara/my sensor"), r"'/home/o'\''hara/my sensor'");
        let advice = open("Operation not permitted").advice();
        let program = std::env::current_exe().unwrap();
        assert!(nix::unistd::geteuid().is_root() || advice.contains(&*program.to_string_lossy()), "{advice}");
        assert!(advice.contains("NET_RAW") || advice.contains("setcap cap_net_raw=ep"), "{advice}");
    }
}
