//! The key table. What dispatches a key and what the help shows are the same lines, so neither can lie about the other.

use sensor_wire::request::ValueColumn;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To the next row.
    Down,
    /// To the row before.
    Up,
    /// A page on.
    PageDown,
    /// A page back.
    PageUp,
    /// To the first row; the live tail follows again.
    Home,
    /// To the last row.
    End,
    /// To the cell at the left.
    Left,
    /// To the cell at the right.
    Right,
    /// The list behind the cell, or the row's detail panel.
    Enter,
    /// The list of a row's values.
    Values(ValueColumn),
    /// The cell's exact value to the clipboard.
    Copy,
    /// Closes what is topmost.
    Back,
    /// Freezes the view, or lets it go on.
    Pause,
    /// Shows or hides flow rows without an event.
    FlowEvents,
    /// The system's file dialog.
    OpenCapture,
    /// The picker of interfaces.
    Capture,
    /// The detail panel below the grid, or at its right.
    Dock,
    /// Shows or hides what is known of hosts under their addresses.
    Annotations,
    /// The pane of hosts, or back to the rows.
    Hosts,
    /// The pane of rules, or back to the rows.
    Rules,
    /// The host that the cell names.
    HostOf,
    /// Why a rule of the row told of it, or back to the row's details.
    Why,
    /// The next theme.
    Theme,
    /// The search for rows.
    Find,
    /// The picker of time zones.
    Zone,
    /// The next height of rows.
    Density,
    /// The menu of columns.
    Columns,
    /// The help.
    Help,
}

impl Action {
    /// It is about the rows of the grid, not about the view as a whole.
    pub fn is_for_rows(self) -> bool {
        let group = KEYS.iter().find(|binding| binding.action == self).map(|binding| binding.group);
        matches!(group, Some(Group::Move | Group::Row))
    }
}

/// Where the help lists a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Getting about.
    Move,
    /// The selected row.
    Row,
    /// The view as a whole.
    View,
}

impl Group {
    /// All groups in their order.
    pub const ALL: [Group; 3] = [Group::Move, Group::Row, Group::View];

    /// The group's heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Move => "Move",
            Group::Row => "The selected row",
            Group::View => "View",
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Binding {
    /// Keys as `KeyboardEvent.key` names them; any of them will do.
    pub keys: &'static [&'static str],
    /// What they do.
    pub action: Action,
    /// Where the help lists them.
    pub group: Group,
    /// What the help says.
    pub label: &'static str,
}

/// The table.
pub const KEYS: &[Binding] = &[
    bind(&["j", "ArrowDown"], Action::Down, Group::Move, "Next row"),
    bind(&["k", "ArrowUp"], Action::Up, Group::Move, "Row before"),
    bind(&["ArrowLeft"], Action::Left, Group::Move, "Cell at the left"),
    bind(&["ArrowRight"], Action::Right, Group::Move, "Cell at the right"),
    bind(&["PageDown"], Action::PageDown, Group::Move, "A page on"),
    bind(&["PageUp"], Action::PageUp, Group::Move, "A page back"),
    bind(&["Home"], Action::Home, Group::Move, "First row; follow new rows"),
    bind(&["End"], Action::End, Group::Move, "Last row"),
    bind(&["Enter"], Action::Enter, Group::Row, "List behind the cell, or detail panel"),
    bind(&["s"], Action::Values(ValueColumn::Server), Group::Row, "List its servers"),
    bind(&["S"], Action::Values(ValueColumn::ServerPort), Group::Row, "List its server ports"),
    bind(&["l"], Action::Values(ValueColumn::Client), Group::Row, "List its clients"),
    bind(&["L"], Action::Values(ValueColumn::ClientPort), Group::Row, "List its client ports"),
    bind(&["y"], Action::Copy, Group::Row, "Copy the cell's exact value, or its list"),
    bind(&["H"], Action::HostOf, Group::Row, "The host that the cell names"),
    bind(&["w"], Action::Why, Group::Row, "Why its rule matched, option by option; why another did not"),
    bind(&["b"], Action::Dock, Group::Row, "Detail panel below, or at the right"),
    bind(&["Escape"], Action::Back, Group::Row, "Close what is topmost; let go of the row"),
    bind(&["/"], Action::Find, Group::View, "Find rows by message, sid, class, address or protocol"),
    bind(&[" "], Action::Pause, Group::View, "Pause, or go on"),
    bind(&["v"], Action::FlowEvents, Group::View, "Flow events on or off"),
    bind(&["n"], Action::Annotations, Group::View, "Annotations under addresses on or off"),
    bind(&["h"], Action::Hosts, Group::View, "Hosts"),
    bind(&["r"], Action::Rules, Group::View, "Rules"),
    bind(&["o"], Action::OpenCapture, Group::View, "Open a capture"),
    bind(&["i"], Action::Capture, Group::View, "Capture live from an interface"),
    bind(&["z"], Action::Zone, Group::View, "Time zone"),
    bind(&["t"], Action::Theme, Group::View, "Theme: system, dark, light"),
    bind(&["d"], Action::Density, Group::View, "Density of rows"),
    bind(&["|"], Action::Columns, Group::View, "Columns"),
    bind(&["?"], Action::Help, Group::View, "This help"),
];

/// The action of a key pressed without Ctrl, Alt or Meta.
pub fn find(key: &str) -> Option<Action> {
    KEYS.iter().find(|binding| binding.keys.contains(&key)).map(|binding| binding.action)
}

/// The first key of an action as it stands on a button.
pub fn hint(action: Action) -> &'static str {
    KEYS.iter().find(|b| b.action == action).and_then(|b| b.keys.first()).map_or("", |key| shown(key))
}

/// A key as people name it.
pub fn shown(key: &'static str) -> &'static str {
    match key {
        " " => "Space",
        "ArrowDown" => "↓",
        "ArrowUp" => "↑",
        "ArrowLeft" => "←",
        "ArrowRight" => "→",
        "PageDown" => "PgDn",
        "PageUp" => "PgUp",
        "Escape" => "Esc",
        "H" => "Shift+H",
        "S" => "Shift+S",
        "L" => "Shift+L",
        other => other,
    }
}

const fn bind(keys: &'static [&'static str], action: Action, group: Group, label: &'static str) -> Binding {
    Binding { keys, action, group, label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let mut keys: Vec<&str> = KEYS.iter().flat_map(|b| b.keys.iter().copied()).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn no_action_is_listed_twice() {
        for binding in KEYS {
            assert_eq!(KEYS.iter().filter(|b| b.action == binding.action).count(), 1, "{:?}", binding.action);
        }
    }

    #[test]
    fn letters_tell_shift_apart() {
        assert_eq!(find("s"), Some(Action::Values(ValueColumn::Server)));
        assert_eq!(find("S"), Some(Action::Values(ValueColumn::ServerPort)));
        assert_eq!(find("F12"), None);
        assert_eq!(hint(Action::Pause), "Space");
    }
}
