//! Decisions of the window that need no browser: what a click on a header does to the order, which screen is due.

use sensor_wire::request::ValueColumn;
use sensor_wire::view::{AppStatus, Column, Density, Prefs, RowKey, SortKey, SourceId, Theme};

use crate::grid::viewport::Meta;
use crate::source;

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
    /// The picker of interfaces.
    Capture,
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
    /// There are rows, none of which says what is searched for.
    NotFound(u64),
}

/// Which screen is due.
pub fn screen(meta: &Meta, status: &AppStatus, flow_events: bool, finding: bool) -> Screen {
    if meta.total > 0 {
        return Screen::Rows;
    }
    if status.sources.is_empty() {
        return Screen::Empty;
    }
    if finding && meta.unfiltered > 0 {
        return Screen::NotFound(meta.unfiltered);
    }
    if !flow_events && meta.unfiltered > 0 {
        return Screen::Hidden(meta.unfiltered);
    }
    if status.sources.iter().any(source::busy) {
        return Screen::Loading;
    }
    // Rows are announced in the status before the first window of them is here.
    if status.sources.iter().any(|s| s.rows > 0) {
        return Screen::Loading;
    }
    if status.sources.iter().any(|s| source::fault(s).is_some()) { Screen::Failed } else { Screen::Nothing }
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

/// Height of a row in CSS pixels. The line under an address takes its room in every row alike, so that rows stay
/// equally tall; in compact rows it stands beside the address instead.
pub fn row_height(prefs: &Prefs) -> u16 {
    match (prefs.density, prefs.annotations) {
        (Density::Medium, true) => 34,
        (Density::Roomy, true) => 40,
        (density, _) => density.px(),
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
    use sensor_wire::live::SourceState;
    use sensor_wire::view::LinkState;

    use super::*;
    use crate::source::testing::{file, with};

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
        assert_eq!(screen(&none, &with(vec![]), true, false), Screen::Empty);
        let reading = file(LinkState::Up, SourceState::Running);
        assert_eq!(screen(&none, &with(vec![reading.clone()]), true, false), Screen::Loading);
        let failed = file(LinkState::Up, SourceState::Failed("offset 24".into()));
        assert_eq!(screen(&none, &with(vec![failed.clone()]), true, false), Screen::Failed);
        assert_eq!(screen(&none, &with(vec![failed, reading]), true, false), Screen::Loading);
        let ended = file(LinkState::Down("exit 0".into()), SourceState::Ended);
        assert_eq!(screen(&none, &with(vec![ended.clone()]), true, false), Screen::Nothing);
        let hidden = Meta { unfiltered: 12, ..Meta::default() };
        assert_eq!(screen(&hidden, &with(vec![ended.clone()]), false, false), Screen::Hidden(12));
        assert_eq!(screen(&hidden, &with(vec![ended.clone()]), false, true), Screen::NotFound(12));
        let rows = Meta { total: 1, unfiltered: 1, ..Meta::default() };
        assert_eq!(screen(&rows, &with(vec![ended]), true, false), Screen::Rows);
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
