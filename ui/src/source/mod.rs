//! One source in words: what it does, what it lost, why it gives no more. Decisions only; [`chip`] and [`card`] draw them.

pub mod card;
pub mod chip;

use sensor_wire::live::{CaptureFailure, CaptureStatus, SourceState};
use sensor_wire::view::{AppStatus, LinkState, Origin, SourceStatus, Wire};

use crate::format;

/// What a source captures from; `None` where it reads a file.
pub fn wire(source: &SourceStatus) -> Option<&Wire> {
    match &source.origin {
        Origin::Interface(wire) => Some(wire),
        Origin::File(_) => None,
    }
}

/// A file's path, or an interface's name.
pub fn place(source: &SourceStatus) -> &str {
    match &source.origin {
        Origin::Interface(wire) => &wire.interface,
        Origin::File(path) => path,
    }
}

/// The source may still give rows.
pub fn busy(source: &SourceStatus) -> bool {
    match source.link {
        LinkState::Down(_) => false,
        LinkState::Starting => true,
        LinkState::Up => matches!(source.status.state, SourceState::Starting | SourceState::Running),
    }
}

/// Why a source gives no more rows, if something went wrong.
pub fn fault(source: &SourceStatus) -> Option<&str> {
    match (&source.status.state, &source.link) {
        (SourceState::Failed(why), _) => Some(why),
        // A sensor that has read everything may go; its rows are the app's by then.
        (SourceState::Ended | SourceState::Stopped, _) => None,
        (_, LinkState::Down(why)) => Some(why),
        (_, LinkState::Starting | LinkState::Up) => None,
    }
}

/// Why an interface can't be captured from, as its sensor tells it.
pub fn failure(source: &SourceStatus) -> Option<&CaptureFailure> {
    source.status.capture.as_ref()?.failure.as_ref()
}

/// The state of a source in words, with the class of its mark.
pub fn state(source: &SourceStatus) -> (&'static str, &'static str) {
    if fault(source).is_some() {
        return ("failed", "mark-bad");
    }
    let live = wire(source).is_some();
    match (&source.link, &source.status.state) {
        (LinkState::Starting, _) | (_, SourceState::Starting) => ("starting", "mark-wait"),
        (_, SourceState::Running) if !live => ("reading", "mark-run"),
        (_, SourceState::Running) if is_idle(source) => ("idle", "mark-idle"),
        (_, SourceState::Running) => ("live", "mark-run"),
        (_, SourceState::Ended) if !live => ("replay ended", "mark-end"),
        (_, SourceState::Ended | SourceState::Stopped) => ("stopped", "mark-stop"),
        (_, SourceState::Failed(_)) => ("failed", "mark-bad"),
    }
}

/// What the status line says of the sources as a whole: whether something is captured, else what they have come to once
/// none of them reads any more.
pub fn all(status: &AppStatus) -> Option<&'static str> {
    let sources = &status.sources;
    let live = || sources.iter().filter(|source| wire(source).is_some() && busy(source));
    if live().any(|source| !is_idle(source)) {
        return Some("live");
    }
    if live().next().is_some() {
        return Some("idle");
    }
    if sources.is_empty() || sources.iter().any(busy) {
        None
    } else if sources.iter().all(|source| state(source).0 == "replay ended") {
        Some("replay ended")
    } else if sources.iter().any(|source| fault(source).is_some()) {
        Some("ended with a fault")
    } else {
        Some("stopped")
    }
}

/// No packet comes, or none ever came.
fn is_idle(source: &SourceStatus) -> bool {
    source.pace.idle || source.status.packets == 0
}

/// Packets lost before any sensor's engine saw them.
pub fn drops(status: &AppStatus) -> u64 {
    status.sources.iter().map(|s| s.status.drops).fold(0, u64::saturating_add)
}

/// Where a live capture lost packets: how many, by whom, and what that means. Only what was lost.
pub fn lost(capture: &CaptureStatus) -> Vec<(u64, &'static str, &'static str)> {
    let all = [
        (capture.kernel_drops, "by the kernel", "its buffer was full: they came faster than the sensor took them"),
        (
            capture.interface_drops,
            "by the interface",
            "the network card or its driver had no room; these passed no filter",
        ),
        (capture.queue_drops, "by the sensor", "its own queue was full: its engine was behind"),
    ];
    all.into_iter().filter(|(count, ..)| *count > 0).collect()
}

/// All losses of a source in a line each, for who points at their sum.
pub fn lost_lines(source: &SourceStatus) -> String {
    let lines = source.status.capture.iter().flat_map(lost);
    lines
        .map(|(count, by, why)| format!("{} dropped {by}: {why}", format::grouped(count)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// How fast packets come in.
pub fn pace(source: &SourceStatus) -> String {
    let pace = source.pace;
    format!("{} · {}", format::per_second(pace.packets), format::bit_rate(pace.bytes))
}

#[cfg(test)]
pub mod testing {
    use sensor_wire::live::Status;
    use sensor_wire::view::Pace;

    use super::*;

    /// A capture file.
    pub fn file(link: LinkState, state: SourceState) -> SourceStatus {
        SourceStatus {
            id: 1,
            name: "a".into(),
            origin: Origin::File("/captures/a.pcap".into()),
            link,
            status: Status { state, ..Status::default() },
            rows: 0,
            pace: Pace::default(),
        }
    }

    /// An interface.
    pub fn interface(link: LinkState, state: SourceState) -> SourceStatus {
        let wire = Wire { interface: "eth0".into(), filter: String::new() };
        SourceStatus { id: 2, name: "eth0".into(), origin: Origin::Interface(wire), ..file(link, state) }
    }

    /// A status of these sources.
    pub fn with(sources: Vec<SourceStatus>) -> AppStatus {
        AppStatus { sources, ..AppStatus::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{file, interface, with};
    use super::*;

    fn running(idle: bool) -> SourceStatus {
        let mut source = interface(LinkState::Up, SourceState::Running);
        source.status.packets = 1;
        source.pace.idle = idle;
        source
    }

    #[test]
    fn a_sensor_that_dies_while_reading_is_a_fault() {
        let died = file(LinkState::Down("signal 9".into()), SourceState::Running);
        assert_eq!(fault(&died), Some("signal 9"));
        assert_eq!(state(&died), ("failed", "mark-bad"));
        assert_eq!(fault(&file(LinkState::Down("exit 0".into()), SourceState::Ended)), None);
    }

    #[test]
    fn the_end_is_said_only_when_nothing_reads() {
        let ended = file(LinkState::Up, SourceState::Ended);
        assert_eq!(all(&with(vec![ended.clone()])), Some("replay ended"));
        assert_eq!(all(&with(vec![ended.clone(), file(LinkState::Up, SourceState::Running)])), None);
        assert_eq!(all(&with(vec![])), None);
        let failed = file(LinkState::Up, SourceState::Failed("cut".into()));
        assert_eq!(all(&with(vec![ended, failed])), Some("ended with a fault"));
    }

    #[test]
    fn a_wire_is_live_or_idle_and_never_a_replay() {
        assert_eq!((state(&running(false)).0, state(&running(true)).0), ("live", "idle"));
        assert_eq!(state(&interface(LinkState::Up, SourceState::Running)).0, "idle", "before the first packet");
        let ended = file(LinkState::Up, SourceState::Ended);
        assert_eq!(all(&with(vec![ended.clone(), running(true), running(false)])), Some("live"), "one of them is");
        assert_eq!(all(&with(vec![ended.clone(), running(true)])), Some("idle"));
        for over in [SourceState::Ended, SourceState::Stopped] {
            let over = interface(LinkState::Up, over);
            assert_eq!(state(&over).0, "stopped");
            assert_eq!(all(&with(vec![over.clone()])), Some("stopped"));
            assert_eq!(all(&with(vec![ended.clone(), over])), Some("stopped"));
        }
    }

    #[test]
    fn losses_say_where_and_what_was_not_lost_is_not_listed() {
        let mut source = running(false);
        let counted = CaptureStatus { kernel_drops: 1_200, queue_drops: 1, ..CaptureStatus::default() };
        source.status.capture = Some(counted);
        let lines = lost_lines(&source);
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.starts_with("1,200 dropped by the kernel: ") && lines.contains("\n1 dropped by the sensor: "));
        source.status.capture = Some(CaptureStatus::default());
        assert_eq!(lost_lines(&source), "");
    }
}
