//! Which protocols are parsed.

use std::sync::LazyLock;

use super::AppProto;
use super::parser::Protocol;

/// All that are parsed.
#[must_use]
pub fn all() -> &'static [&'static Protocol] {
    ALL
}

/// How a protocol is parsed; `None` if it is only told.
#[must_use]
#[inline]
pub fn protocol(app: AppProto) -> Option<&'static Protocol> {
    static BY_NUMBER: LazyLock<[Option<&'static Protocol>; 256]> = LazyLock::new(|| {
        let mut table = [None; 256];
        for protocol in ALL {
            if let Some(place) = table.get_mut(usize::from(protocol.app as u8)) {
                *place = Some(*protocol);
            }
        }
        table
    });
    BY_NUMBER.get(usize::from(app as u8)).copied().flatten()
}

const ALL: &[&Protocol] = &[];
