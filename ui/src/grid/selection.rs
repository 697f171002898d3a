//! Which row and which cell the user is at. A row is meant by its key, wherever it stands: rows that come above it never
//! make it another.

use sensor_wire::view::{Column, RowKey};

use crate::grid::keys::Action;
use crate::grid::scroll::Scroll;

/// The selected row and the cell in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The row; `None` when nothing is selected.
    pub key: Option<RowKey>,
    /// Where it stood when it was last seen.
    pub index: u64,
    /// The cell.
    pub column: Column,
}

impl Default for Selection {
    fn default() -> Self {
        Selection { key: None, index: 0, column: Column::Time }
    }
}

impl Selection {
    /// The row that a movement leads to; `None` when it leads nowhere (an empty list, or no movement at all).
    pub fn target(&self, action: Action, scroll: &Scroll) -> Option<u64> {
        let last = scroll.total().checked_sub(1)?;
        let Some(_) = self.key else {
            // The first movement selects what is in sight rather than what is far away.
            return match action {
                Action::Down | Action::PageDown | Action::PageUp | Action::Up => Some(scroll.first().min(last)),
                _ => None,
            };
        };
        let to = match action {
            Action::Down => self.index.saturating_add(1),
            Action::Up => self.index.saturating_sub(1),
            Action::PageDown => self.index.saturating_add(scroll.page()),
            Action::PageUp => self.index.saturating_sub(scroll.page()),
            Action::Home => 0,
            Action::End => last,
            _ => return None,
        };
        Some(to.min(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scroll(total: u64) -> Scroll {
        let mut scroll = Scroll::new(20.0);
        scroll.set_size(200.0, 20.0);
        scroll.set_total(total);
        scroll
    }

    fn at(index: u64) -> Selection {
        Selection { key: Some(RowKey { source: 1, row: index }), index, column: Column::Time }
    }

    #[test]
    fn movements_stay_in_the_list() {
        let scroll = scroll(50);
        assert_eq!(at(49).target(Action::Down, &scroll), Some(49));
        assert_eq!(at(0).target(Action::Up, &scroll), Some(0));
        assert_eq!(at(10).target(Action::PageDown, &scroll), Some(19));
        assert_eq!(at(45).target(Action::PageDown, &scroll), Some(49));
        assert_eq!(at(5).target(Action::PageUp, &scroll), Some(0));
        assert_eq!(at(5).target(Action::End, &scroll), Some(49));
        assert_eq!(at(5).target(Action::Pause, &scroll), None);
    }

    #[test]
    fn the_first_movement_starts_in_sight() {
        let mut scroll = scroll(500);
        scroll.to(100.0);
        assert_eq!(Selection::default().target(Action::Down, &scroll), Some(100));
        assert_eq!(Selection::default().target(Action::Home, &scroll), None, "to scroll is not to select");
    }

    #[test]
    fn an_empty_list_has_no_rows_to_move_to() {
        assert_eq!(at(3).target(Action::Down, &scroll(0)), None);
    }
}
