//! Rows for tests.

use sensor_wire::{Few, Row, RowId, RowKind};

/// A flow row with nothing in it.
pub fn row(id: RowId) -> Row {
    Row {
        id,
        rev: 1,
        kind: RowKind::Flow,
        first: 0,
        last: 0,
        proto: 6,
        bytes: 0,
        frame_bytes: 0,
        estimate: false,
        packets: 0,
        flows: 1,
        open: 0,
        servers: Few::None,
        clients: Few::None,
        server_ports: Few::None,
        client_ports: Few::None,
        app_protos: Vec::new(),
        states: [0; 3],
        events: Vec::new(),
        rank: None,
    }
}
