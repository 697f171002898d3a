//! The layout of the grid's columns: order, widths, what is hidden, and where that puts each cell.

use std::fmt::Write;

use sensor_wire::view::{Column, ColumnPref};

/// Narrowest column that can still be caught at its edge.
pub const NARROWEST: u16 = 36;
/// Widest column.
pub const WIDEST: u16 = 1_200;
/// Blank space on each side of the row.
pub const EDGE: u16 = 12;
/// What the events column takes before addresses get more than their least: a flow's line in full.
const EVENTS_COMFORT: u16 = 240;
/// An address needs no more: the longest of IPv6, 39 characters.
const ADDRESS_MOST: u16 = 296;

/// Where a shown column stands, in CSS pixels from the row's left edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Which column.
    pub column: Column,
    /// Its left edge.
    pub x: u16,
    /// Its width.
    pub width: u16,
}

/// The shown columns from left to right, and the width of the row they make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Shown columns.
    pub placed: Vec<Placed>,
    /// Width of a row: at least what was available.
    pub width: u16,
}

impl Layout {
    /// Lays the columns out in `available` pixels. What is left over by columns of fixed width goes to those that nobody
    /// gave a width: to `Events` until it reads well, then half to `Events` and half to the addresses.
    pub fn new(columns: &[ColumnPref], available: u16) -> Layout {
        let shown = || columns.iter().filter(|c| c.shown);
        let needed = shown().fold(2 * EDGE, |sum, c| sum.saturating_add(least(c)));
        let mut spare = available.saturating_sub(needed);
        let free = |column: Column| shown().any(|c| c.column == column && c.width.is_none());
        let mut events = 0;
        if free(Column::Events) {
            events = spare.min(EVENTS_COMFORT - Column::Events.width());
            spare -= events;
        }
        let addresses = [Column::Server, Column::Client].into_iter().filter(|&column| free(column)).count() as u16;
        let share = match (addresses, free(Column::Events)) {
            (0, _) => 0,
            (n, true) => (spare / 2 / n).min(ADDRESS_MOST - Column::Server.width()),
            (n, false) => (spare / n).min(ADDRESS_MOST - Column::Server.width()),
        };
        events += spare - share * addresses;
        let mut x = EDGE;
        let mut placed = Vec::with_capacity(columns.len());
        for pref in shown() {
            let more = match pref.column {
                _ if pref.width.is_some() => 0,
                Column::Events => events,
                Column::Server | Column::Client => share,
                _ => 0,
            };
            let width = least(pref).saturating_add(more);
            placed.push(Placed { column: pref.column, x, width });
            x = x.saturating_add(width);
        }
        Layout { placed, width: x.saturating_add(EDGE).max(available) }
    }

    /// Pixels that the columns need to read well.
    pub fn comfort(columns: &[ColumnPref]) -> u16 {
        let wanted = |c: &ColumnPref| match (c.column, c.width) {
            (Column::Events, None) => EVENTS_COMFORT,
            _ => least(c),
        };
        columns.iter().filter(|c| c.shown).fold(2 * EDGE, |sum, c| sum.saturating_add(wanted(c)))
    }

    /// The rules that put header and cells in their places: one change of this text moves a whole column.
    pub fn css(&self) -> String {
        let mut css = format!("#grid .wide{{width:{}px}}", self.width);
        for column in Column::ALL {
            let name = name(column);
            // Writing to a String cannot fail.
            let _ = match self.find(column) {
                Some(p) => write!(css, "#grid [data-col={name}]{{left:{}px;width:{}px}}", p.x, p.width),
                None => write!(css, "#grid [data-col={name}]{{display:none}}"),
            };
        }
        css
    }

    /// Where a column stands, if it is shown.
    pub fn find(&self, column: Column) -> Option<&Placed> {
        self.placed.iter().find(|p| p.column == column)
    }

    /// The neighbour of a column among those shown; the column itself at either end.
    pub fn beside(&self, column: Column, right: bool) -> Column {
        let at = self.placed.iter().position(|p| p.column == column);
        let to = match (at, right) {
            (Some(at), true) => at + 1,
            (Some(at), false) => at.saturating_sub(1),
            (None, _) => 0,
        };
        self.placed.get(to).map_or(column, |p| p.column)
    }

    /// Before which column a header that is dropped at `x` lands; `None` is after the last.
    pub fn drop_before(&self, x: f64) -> Option<Column> {
        self.placed.iter().find(|p| x < f64::from(p.x) + f64::from(p.width) / 2.0).map(|p| p.column)
    }
}

fn least(pref: &ColumnPref) -> u16 {
    pref.width.unwrap_or(pref.column.width())
}

/// Makes what was stored fit for use: each column once, widths within bounds, at least one column shown.
pub fn repaired(stored: &[ColumnPref]) -> Vec<ColumnPref> {
    let mut out: Vec<ColumnPref> = Vec::with_capacity(Column::ALL.len());
    for pref in stored {
        if out.iter().all(|c| c.column != pref.column) {
            out.push(ColumnPref { width: pref.width.map(|width| width.clamp(NARROWEST, WIDEST)), ..*pref });
        }
    }
    for column in Column::ALL {
        if out.iter().all(|c| c.column != column) {
            out.push(ColumnPref { column, width: None, shown: true });
        }
    }
    if out.iter().all(|c| !c.shown) {
        out.iter_mut().for_each(|c| c.shown = true);
    }
    out
}

/// The columns as they are before anybody touched them.
pub fn first() -> Vec<ColumnPref> {
    repaired(&[])
}

/// Gives a column another width.
pub fn resize(columns: &mut [ColumnPref], column: Column, width: f64) {
    if let Some(pref) = columns.iter_mut().find(|c| c.column == column) {
        pref.width = Some(width.clamp(f64::from(NARROWEST), f64::from(WIDEST)) as u16);
    }
}

/// Shows or hides a column; the last one shown stays.
pub fn toggle(columns: &mut [ColumnPref], column: Column) {
    let shown = columns.iter().filter(|c| c.shown).count();
    if let Some(pref) = columns.iter_mut().find(|c| c.column == column)
        && !(pref.shown && shown == 1)
    {
        pref.shown = !pref.shown;
    }
}

/// Moves a column so that it stands before another, or last.
pub fn move_before(columns: &mut Vec<ColumnPref>, column: Column, before: Option<Column>) {
    if before == Some(column) {
        return;
    }
    let Some(from) = columns.iter().position(|c| c.column == column) else { return };
    let pref = columns.remove(from);
    let to = before.and_then(|b| columns.iter().position(|c| c.column == b)).unwrap_or(columns.len());
    columns.insert(to, pref);
}

/// A column's name in the DOM.
pub fn name(column: Column) -> &'static str {
    match column {
        Column::Time => "time",
        Column::Sensor => "sensor",
        Column::Rank => "rank",
        Column::Bytes => "bytes",
        Column::Packets => "packets",
        Column::Flows => "flows",
        Column::Server => "server",
        Column::ServerPort => "server_port",
        Column::Client => "client",
        Column::ClientPort => "client_port",
        Column::Events => "events",
        Column::Proto => "proto",
    }
}

/// The column of a name in the DOM.
pub fn by_name(wanted: &str) -> Option<Column> {
    Column::ALL.into_iter().find(|&column| name(column) == wanted)
}

/// What the header says beside the column at the left. The time column's is made with the zone's abbreviation.
pub fn title(column: Column, left: Option<Column>) -> &'static str {
    match (column, left) {
        // Beside its addresses it is plain whose port it is.
        (Column::ServerPort, Some(Column::Server)) | (Column::ClientPort, Some(Column::Client)) => "Port",
        _ => full_title(column),
    }
}

/// The title where it stands alone.
pub fn full_title(column: Column) -> &'static str {
    match column {
        Column::Time => "Time",
        Column::Sensor => "Sensor",
        Column::Rank => "Rank",
        Column::Bytes => "Bytes",
        Column::Packets => "Packets",
        Column::Flows => "Flows",
        Column::Server => "Server",
        Column::ServerPort => "Server port",
        Column::Client => "Client",
        Column::ClientPort => "Client port",
        Column::Events => "Events",
        Column::Proto => "Proto",
    }
}

/// Numbers stand at the right, digit under digit.
pub fn right_aligned(column: Column) -> bool {
    matches!(column, Column::Rank | Column::Bytes | Column::Packets | Column::Flows | Column::Proto)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_addresses_take_what_is_left() {
        let columns = first();
        let wide = Layout::new(&columns, 2_000);
        let used: u16 = wide.placed.iter().map(|p| p.width).sum();
        assert_eq!((used + 2 * EDGE, wide.width), (2_000, 2_000));
        let narrow = Layout::new(&columns, 600);
        assert_eq!(narrow.find(Column::Events).map(|p| p.width), Some(Column::Events.width()));
        assert!(narrow.width > 600, "past the window's width the row is wider than it, and scrolls");
    }

    #[test]
    fn addresses_grow_once_events_read_well_and_no_further_than_they_need() {
        let columns = first();
        let comfort = Layout::comfort(&columns);
        let width = |available, column| Layout::new(&columns, available).find(column).map(|p| p.width);
        assert_eq!(width(comfort, Column::Events), Some(EVENTS_COMFORT));
        assert_eq!(width(comfort, Column::Server), Some(Column::Server.width()));
        assert_eq!(width(comfort + 100, Column::Server), Some(Column::Server.width() + 25));
        assert_eq!(width(comfort + 100, Column::Events), Some(EVENTS_COMFORT + 50));
        assert_eq!(width(4_000, Column::Client), Some(ADDRESS_MOST));
        let mut columns = first();
        resize(&mut columns, Column::Server, 100.0);
        assert_eq!(Layout::new(&columns, 4_000).find(Column::Server).map(|p| p.width), Some(100));
    }

    #[test]
    fn a_width_given_to_events_is_kept() {
        let mut columns = first();
        resize(&mut columns, Column::Events, 500.0);
        let layout = Layout::new(&columns, 600);
        assert_eq!(layout.find(Column::Events).map(|p| p.width), Some(500));
    }

    #[test]
    fn stored_layouts_are_repaired() {
        let twice = ColumnPref { column: Column::Rank, width: Some(2), shown: false };
        let columns = repaired(&[twice, twice]);
        assert_eq!(columns.len(), 12);
        assert_eq!(columns[0], ColumnPref { width: Some(NARROWEST), ..twice });
        let hidden: Vec<ColumnPref> = first().into_iter().map(|c| ColumnPref { shown: false, ..c }).collect();
        assert!(repaired(&hidden).iter().all(|c| c.shown));
    }

    #[test]
    fn the_last_column_cannot_be_hidden() {
        let mut columns = first();
        for column in Column::ALL {
            toggle(&mut columns, column);
        }
        assert_eq!(columns.iter().filter(|c| c.shown).count(), 1);
        toggle(&mut columns, Column::Time);
        assert_eq!(columns.iter().filter(|c| c.shown).count(), 2);
    }

    #[test]
    fn columns_move_before_another_and_to_the_end() {
        let mut columns = first();
        move_before(&mut columns, Column::Proto, Some(Column::Time));
        assert_eq!((columns[0].column, columns[1].column), (Column::Proto, Column::Time));
        move_before(&mut columns, Column::Proto, None);
        assert_eq!(columns[11].column, Column::Proto);
        let before = columns.clone();
        move_before(&mut columns, Column::Proto, Some(Column::Proto));
        assert_eq!(columns, before);
    }

    #[test]
    fn a_drop_lands_on_the_nearer_side() {
        let layout = Layout::new(&first(), 1_400);
        let rank = layout.find(Column::Rank).copied().unwrap();
        assert_eq!(layout.drop_before(f64::from(rank.x + 5)), Some(Column::Rank));
        assert_eq!(layout.drop_before(f64::from(rank.x + rank.width - 5)), Some(Column::Bytes));
        assert_eq!(layout.drop_before(9_999.0), None);
    }

    #[test]
    fn neighbours_pass_over_hidden_columns() {
        let mut columns = first();
        toggle(&mut columns, Column::Sensor);
        let layout = Layout::new(&columns, 1_400);
        assert_eq!(layout.beside(Column::Time, true), Column::Rank);
        assert_eq!(layout.beside(Column::Time, false), Column::Time);
        assert_eq!(layout.beside(Column::Proto, true), Column::Proto);
        assert!(layout.css().contains("[data-col=sensor]{display:none}"));
    }

    #[test]
    fn a_port_says_whose_it_is_unless_it_stands_beside_it() {
        assert_eq!(title(Column::ServerPort, Some(Column::Server)), "Port");
        assert_eq!(title(Column::ServerPort, Some(Column::Client)), "Server port");
        assert_eq!(title(Column::ClientPort, None), "Client port");
    }

    #[test]
    fn names_lead_back_to_their_columns() {
        for column in Column::ALL {
            assert_eq!(by_name(name(column)), Some(column));
        }
        assert_eq!(by_name("speed"), None);
    }
}
