//! Decisions of the window that need no browser: what a click on a header does to the order, which screen is due, what
//! the status line counts.

use sensor_wire::live::SourceState;
use sensor_wire::request::ValueColumn;
use sensor_wire::view::{AppStatus, Column, Density, LinkState, RowKey, SortKey, SourceId, SourceStatus, Theme};

use crate::grid::viewport::Meta;

/// What lies over the window. Only one at a time; Esc closes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// The list behind a cell.
    Values(ValuesAsked),
    /// The picker of time zones.
    Zone,
    /// The key table.
    Help,
    /// The menu of columns.
    Columns,
    /// Captures opened before.
    Recent,
    /// One source and what can be done with it.
    Source(SourceId),
}

/// Which list is open, and near which point of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct ValuesAsked {
    /// Which row.
    pub key: RowKey,
    /// Which of its lists.
    pub column: ValueColumn,
    /// How many values the row announced.
    pub count: u32,
    /// The cell's left edge, in CSS pixels.
    pub x: f64,
    /// The cell's lower edge, in CSS pixels.
    pub y: f64,
}

/// What stands where the rows would be.
#[derive(Clone, Debug, PartialEq)]
pub enum Screen {
    /// The rows.
    Rows,
    /// Nothing is open.
    Empty,
    /// Something is open and gave no row yet.
    Loading,
    /// Everything that is open failed before its first row.
    Failed,
    /// Everything that is open was read and held no flow.
    Nothing,
    /// There are rows, all of them without an event, and those are switched off.
    Hidden(u64),
}

/// Which screen is due.
pub fn screen(meta: &Meta, status: &AppStatus, flow_events: bool) -> Screen {
    if meta.total > 0 {
        return Screen::Rows;
    }
    if status.sources.is_empty() {
        return Screen::Empty;
    }
    if !flow_events && meta.unfiltered > 0 {
        return Screen::Hidden(meta.unfiltered);
    }
    if status.sources.iter().any(busy) {
        return Screen::Loading;
    }
    // Rows are announced in the status before the first window of them is here.
    if status.sources.iter().any(|s| s.rows > 0) {
        return Screen::Loading;
    }
    if status.sources.iter().any(|s| fault(s).is_some()) { Screen::Failed } else { Screen::Nothing }
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

/// The state of a source in words, with the class of its mark.
pub fn source_state(source: &SourceStatus) -> (&'static str, &'static str) {
    if fault(source).is_some() {
        return ("failed", "mark-bad");
    }
    match (&source.link, &source.status.state) {
        (LinkState::Starting, _) => ("starting", "mark-wait"),
        (_, SourceState::Starting) => ("starting", "mark-wait"),
        (_, SourceState::Running) => ("reading", "mark-run"),
        (_, SourceState::Ended) => ("replay ended", "mark-end"),
        (_, SourceState::Stopped) => ("stopped", "mark-stop"),
        (_, SourceState::Failed(_)) => ("failed", "mark-bad"),
    }
}

/// What the status line says of the sources as a whole, once none of them reads any more.
pub fn at_rest(status: &AppStatus) -> Option<&'static str> {
    let states = || status.sources.iter().map(|s| &s.status.state);
    if status.sources.is_empty() || status.sources.iter().any(busy) {
        None
    } else if states().all(|s| *s == SourceState::Ended) {
        Some("replay ended")
    } else if states().any(|s| matches!(s, SourceState::Failed(_))) {
        Some("ended with a fault")
    } else {
        Some("stopped")
    }
}

/// Packets lost before any sensor's engine saw them.
pub fn drops(status: &AppStatus) -> u64 {
    status.sources.iter().map(|s| s.status.drops).fold(0, u64::saturating_add)
}

/// The order after a click on a column's header. A plain click sorts by that column alone, a second one turns it round;
/// with Shift the column becomes the last key, or turns round where it stands.
pub fn sorted(sort: &[SortKey], column: Column, add: bool) -> Vec<SortKey> {
    let turned = |key: &SortKey| SortKey { column, descending: !key.descending };
    let fresh = SortKey { column, descending: greatest_first(column) };
    if add {
        let mut sort = sort.to_vec();
        match sort.iter().position(|key| key.column == column) {
            Some(at) => sort[at] = turned(&sort[at]),
            None => sort.push(fresh),
        }
        return sort;
    }
    match sort {
        [only] if only.column == column => vec![turned(only)],
        _ => vec![fresh],
    }
}

/// Of what is counted the most comes first, of what is named the first by name.
fn greatest_first(column: Column) -> bool {
    match column {
        Column::Time | Column::Rank | Column::Bytes | Column::Packets | Column::Flows | Column::Events => true,
        Column::Sensor | Column::Server | Column::ServerPort | Column::Client | Column::ClientPort | Column::Proto => {
            false
        }
    }
}

/// The next theme round.
pub fn next_theme(theme: Theme) -> Theme {
    match theme {
        Theme::System => Theme::Dark,
        Theme::Dark => Theme::Light,
        Theme::Light => Theme::System,
    }
}

/// A theme by its name.
pub fn theme_name(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "system",
        Theme::Dark => "dark",
        Theme::Light => "light",
    }
}

/// The next density round.
pub fn next_density(density: Density) -> Density {
    match density {
        Density::Compact => Density::Medium,
        Density::Medium => Density::Roomy,
        Density::Roomy => Density::Compact,
    }
}

/// A density by its name.
pub fn density_name(density: Density) -> &'static str {
    match density {
        Density::Compact => "compact",
        Density::Medium => "medium",
        Density::Roomy => "roomy",
    }
}

/// Where something of a size stands so that it is near a point and wholly within the window.
pub fn placed(x: f64, y: f64, width: f64, height: f64, window: (f64, f64)) -> (f64, f64) {
    const GAP: f64 = 8.0;
    let left = x.min(window.0 - width - GAP).max(GAP);
    let top = y.min(window.1 - height - GAP).max(GAP);
    (left, top)
}

/// The last part of a path, of either system.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use sensor_wire::live::Status;

    use super::*;

    fn source(link: LinkState, state: SourceState) -> SourceStatus {
        SourceStatus {
            id: 1,
            name: "a".into(),
            path: "/captures/a.pcap".into(),
            link,
            status: Status { state, ..Status::default() },
            rows: 0,
        }
    }

    fn with(sources: Vec<SourceStatus>) -> AppStatus {
        AppStatus { sources, ..AppStatus::default() }
    }

    #[test]
    fn a_click_sorts_and_a_second_turns_round() {
        let time = vec![SortKey { column: Column::Time, descending: true }];
        let bytes = sorted(&time, Column::Bytes, false);
        assert_eq!(bytes, [SortKey { column: Column::Bytes, descending: true }]);
        assert_eq!(sorted(&bytes, Column::Bytes, false), [SortKey { column: Column::Bytes, descending: false }]);
        assert_eq!(sorted(&time, Column::Server, false), [SortKey { column: Column::Server, descending: false }]);
    }

    #[test]
    fn shift_adds_a_key_and_turns_it_where_it_stands() {
        let time = vec![SortKey { column: Column::Time, descending: true }];
        let two = sorted(&time, Column::Proto, true);
        assert_eq!(two.len(), 2);
        let turned = sorted(&two, Column::Time, true);
        assert_eq!(turned[0], SortKey { column: Column::Time, descending: false });
        assert_eq!(turned[1], two[1]);
        assert_eq!(sorted(&two, Column::Time, false).len(), 1, "a plain click leaves one key");
    }

    #[test]
    fn each_screen_has_its_moment() {
        let none = Meta::default();
        assert_eq!(screen(&none, &with(vec![]), true), Screen::Empty);
        let reading = source(LinkState::Up, SourceState::Running);
        assert_eq!(screen(&none, &with(vec![reading.clone()]), true), Screen::Loading);
        let failed = source(LinkState::Up, SourceState::Failed("offset 24".into()));
        assert_eq!(screen(&none, &with(vec![failed.clone()]), true), Screen::Failed);
        assert_eq!(screen(&none, &with(vec![failed, reading]), true), Screen::Loading);
        let ended = source(LinkState::Down("exit 0".into()), SourceState::Ended);
        assert_eq!(screen(&none, &with(vec![ended.clone()]), true), Screen::Nothing);
        let hidden = Meta { unfiltered: 12, ..Meta::default() };
        assert_eq!(screen(&hidden, &with(vec![ended.clone()]), false), Screen::Hidden(12));
        let rows = Meta { total: 1, unfiltered: 1, ..Meta::default() };
        assert_eq!(screen(&rows, &with(vec![ended]), true), Screen::Rows);
    }

    #[test]
    fn a_sensor_that_dies_while_reading_is_a_fault() {
        let died = source(LinkState::Down("signal 9".into()), SourceState::Running);
        assert_eq!(fault(&died), Some("signal 9"));
        assert_eq!(source_state(&died), ("failed", "mark-bad"));
        assert_eq!(fault(&source(LinkState::Down("exit 0".into()), SourceState::Ended)), None);
    }

    #[test]
    fn the_end_is_said_only_when_nothing_reads() {
        let ended = source(LinkState::Up, SourceState::Ended);
        assert_eq!(at_rest(&with(vec![ended.clone()])), Some("replay ended"));
        assert_eq!(at_rest(&with(vec![ended, source(LinkState::Up, SourceState::Running)])), None);
        assert_eq!(at_rest(&with(vec![])), None);
    }

    #[test]
    fn popups_stay_in_the_window() {
        assert_eq!(placed(10.0, 20.0, 300.0, 400.0, (1_000.0, 800.0)), (10.0, 20.0));
        assert_eq!(placed(900.0, 700.0, 300.0, 400.0, (1_000.0, 800.0)), (692.0, 392.0));
        assert_eq!(placed(0.0, 0.0, 3_000.0, 400.0, (1_000.0, 800.0)).0, 8.0);
    }

    #[test]
    fn file_names_of_both_systems() {
        assert_eq!(file_name("/captures/a.pcap"), "a.pcap");
        assert_eq!(file_name("C:\\captures\\b.pcapng"), "b.pcapng");
        assert_eq!(file_name("/"), "/");
    }
}
