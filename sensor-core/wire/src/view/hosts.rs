//! Hosts as the UI asks for them: windows of the list, one host whole, and the lines under addresses.

use serde::{Deserialize, Serialize};

use super::SourceId;
use crate::host::{HostRecord, ProductRecord};
use crate::{Addr, Timestamp};

/// A host's identity across sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostKey {
    /// Which source.
    pub source: SourceId,
    /// Its address.
    pub address: Addr,
    /// Outer VLAN id, 0 for none.
    pub vlan: u16,
}

/// Which host is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAsked {
    /// Which source.
    pub source: SourceId,
    /// Its address.
    pub address: Addr,
    /// Outer VLAN id; `None` for the one on which the address was seen last.
    pub vlan: Option<u16>,
}

impl From<HostKey> for HostAsked {
    fn from(key: HostKey) -> Self {
        HostAsked { source: key.source, address: key.address, vlan: Some(key.vlan) }
    }
}

/// What is asked of the list of hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsAsked {
    /// Words that all have to stand somewhere in what is known of a host, in any case; empty for every host.
    pub search: String,
    /// Order.
    pub sort: HostSort,
    /// First host wanted (0 is the top).
    pub offset: u64,
    /// Hosts wanted; the app answers at most 200.
    pub count: u32,
    /// Hold still: if given, and the host is in the list, `offset` is replaced so that it stands this many hosts below
    /// the window's top.
    pub anchor: Option<(HostKey, u32)>,
}

/// Order of the list of hosts. Hosts of which the column says nothing come last either way; ties fall back to address,
/// VLAN and source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSort {
    /// By which column.
    pub column: HostColumn,
    /// Greatest first.
    pub descending: bool,
}

impl Default for HostSort {
    fn default() -> Self {
        HostSort { column: HostColumn::Address, descending: false }
    }
}

/// Columns of the list of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostColumn {
    /// Address, then VLAN.
    Address,
    /// Name of the sensor.
    Sensor,
    /// Best name.
    Name,
    /// Maker of the card, then its hardware address.
    Mac,
    /// Operating system.
    System,
    /// Number of services.
    Services,
    /// Number of client programs.
    Clients,
    /// When it was first seen.
    First,
    /// When it was last seen.
    Last,
}

/// A window of the list of hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostWindow {
    /// [`super::Tick::hosts`] when this was made.
    pub revision: u64,
    /// Hosts that the search found.
    pub total: u64,
    /// Hosts in all.
    pub unfiltered: u64,
    /// Index of the first host in `hosts`.
    pub offset: u64,
    /// Abbreviation of the zone at the host seen last.
    pub zone: String,
    /// The hosts.
    pub hosts: Vec<HostLine>,
}

/// A host as a line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostLine {
    /// Identity.
    pub key: HostKey,
    /// Name of the sensor.
    pub sensor: String,
    /// Best name; empty where none is known.
    pub name: String,
    /// How many other names there are; one that stood in several places counts once.
    pub more_names: u32,
    /// Latest hardware address; empty where none is known.
    pub mac: String,
    /// Who made the card.
    pub maker: String,
    /// Likeliest operating system.
    pub system: String,
    /// Services in all.
    pub services: u32,
    /// The first few: `22 OpenSSH 8.2p1, 80 http`.
    pub first_services: String,
    /// Client programs in all.
    pub clients: u32,
    /// The latest few.
    pub last_clients: String,
    /// When it was first seen, and the seconds to add to UTC for the zone of the preferences then.
    pub first: (Timestamp, i32),
    /// When it was last seen, likewise.
    pub last: (Timestamp, i32),
}

/// A host with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewHost {
    /// Identity.
    pub key: HostKey,
    /// Name of the sensor.
    pub sensor: String,
    /// The record.
    pub record: HostRecord,
    /// Seconds to add to UTC for the zone of the preferences, each from a time on; ascending. True for every time of
    /// the record.
    pub utc_offsets: Vec<(Timestamp, i32)>,
}

impl ViewHost {
    /// Seconds to add to UTC at a time of the record.
    pub fn utc_offset(&self, at: Timestamp) -> i32 {
        let until = self.utc_offsets.partition_point(|&(from, _)| from <= at);
        let step = until.checked_sub(1).and_then(|last| self.utc_offsets.get(last));
        step.or(self.utc_offsets.first()).map_or(0, |&(_, offset)| offset)
    }
}

/// What a service or a client is called: by its program and version; where no program is known by its protocol, with its
/// version if that is known (`smb 2.1`, `TLS 1.2`). Empty where nothing is known.
pub fn program(product: &ProductRecord) -> String {
    let (protocol, version) = (&product.protocol, &product.version);
    let named = version.get(..protocol.len()).is_some_and(|start| start.eq_ignore_ascii_case(protocol));
    match (product.product.is_empty(), version.is_empty()) {
        (true, false) if named => version.clone(),
        (true, false) => format!("{protocol} {version}"),
        (true, true) | (false, _) => product.title(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_or_else_a_protocol_is_told_with_its_version() {
        let told = |protocol: &str, product: &str, version: &str| {
            program(&ProductRecord {
                protocol: protocol.into(),
                product: product.into(),
                version: version.into(),
                ..ProductRecord::default()
            })
        };
        assert_eq!(told("ssh", "OpenSSH", "8.2p1"), "OpenSSH 8.2p1");
        assert_eq!((told("smb", "", "2.1"), told("tls", "", "TLS 1.2")), ("smb 2.1".into(), "TLS 1.2".into()));
        assert_eq!(
            (told("dns", "", ""), told("", "", ""), told("", "", "2")),
            ("dns".into(), String::new(), "2".into())
        );
    }

    #[test]
    fn a_time_has_the_offset_of_the_last_step_before_it() {
        let key = HostKey { source: 1, address: Addr::NONE, vlan: 0 };
        let host = |utc_offsets| ViewHost { key, sensor: String::new(), record: HostRecord::default(), utc_offsets };
        let two = host(vec![(10, 3_600), (20, 7_200)]);
        assert_eq!([10, 19, 20, 99].map(|at| two.utc_offset(at)), [3_600, 3_600, 7_200, 7_200]);
        assert_eq!((two.utc_offset(0), host(Vec::new()).utc_offset(0)), (3_600, 0));
    }
}
