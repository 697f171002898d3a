//! What `$HOME_NET` and its like stand for.

use std::collections::BTreeMap;

/// Most characters of a variable's value.
const MAX_VALUE: usize = 1 << 20;

/// What a variable stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Addresses.
    Address,
    /// Ports.
    Port,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Address => "address",
            Kind::Port => "port",
        }
    }
}

/// Variables of rules' headers, with the defaults that Suricata ships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables {
    addresses: BTreeMap<Box<str>, Box<str>>,
    ports: BTreeMap<Box<str>, Box<str>>,
}

/// Defaults of addresses: those of `suricata.yaml`.
const ADDRESSES: [(&str, &str); 15] = [
    ("HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"),
    ("EXTERNAL_NET", "!$HOME_NET"),
    ("HTTP_SERVERS", "$HOME_NET"),
    ("SMTP_SERVERS", "$HOME_NET"),
    ("SQL_SERVERS", "$HOME_NET"),
    ("DNS_SERVERS", "$HOME_NET"),
    ("TELNET_SERVERS", "$HOME_NET"),
    ("AIM_SERVERS", "$EXTERNAL_NET"),
    ("DC_SERVERS", "$HOME_NET"),
    ("DNP3_SERVER", "$HOME_NET"),
    ("DNP3_CLIENT", "$HOME_NET"),
    ("MODBUS_CLIENT", "$HOME_NET"),
    ("MODBUS_SERVER", "$HOME_NET"),
    ("ENIP_CLIENT", "$HOME_NET"),
    ("ENIP_SERVER", "$HOME_NET"),
];

/// Defaults of ports.
const PORTS: [(&str, &str); 12] = [
    ("HTTP_PORTS", "80"),
    ("SHELLCODE_PORTS", "!80"),
    ("ORACLE_PORTS", "1521"),
    ("SSH_PORTS", "22"),
    ("DNP3_PORTS", "20000"),
    ("MODBUS_PORTS", "502"),
    ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
    ("FTP_PORTS", "21"),
    ("GENEVE_PORTS", "6081"),
    ("VXLAN_PORTS", "4789"),
    ("TEREDO_PORTS", "3544"),
    ("SIP_PORTS", "[5060,5061]"),
];

impl Default for Variables {
    fn default() -> Self {
        let of = |all: &[(&str, &str)]| all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { addresses: of(&ADDRESSES), ports: of(&PORTS) }
    }
}

impl Variables {
    /// Sets a variable; one with a value of more than a mebibyte is left as it was, and the answer is `false`.
    pub fn set(&mut self, kind: Kind, name: &str, value: &str) -> bool {
        if value.len() > MAX_VALUE {
            return false;
        }
        let values = match kind {
            Kind::Address => &mut self.addresses,
            Kind::Port => &mut self.ports,
        };
        values.insert(name.into(), value.into());
        true
    }

    /// What a variable stands for, as it was set.
    #[must_use]
    pub fn get(&self, kind: Kind, name: &str) -> Option<&str> {
        let values = match kind {
            Kind::Address => &self.addresses,
            Kind::Port => &self.ports,
        };
        values.get(name).map(|value| &**value)
    }

    /// All variables of a kind with what they stand for, by name.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        let values = match kind {
            Kind::Address => &self.addresses,
            Kind::Port => &self.ports,
        };
        values.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether there is such a variable.
    #[must_use]
    pub fn defines(&self, kind: Kind, name: &str) -> bool {
        self.get(kind, name).is_some()
    }
}
