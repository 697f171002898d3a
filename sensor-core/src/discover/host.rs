//! A host, and what is known of it.

use std::net::IpAddr;

use super::fact::{Evidence, Product};
use super::os::System;

/// Which host: an address on a VLAN (0 where there is none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostKey {
    /// The address.
    pub address: IpAddr,
    /// The outer VLAN id.
    pub vlan: u16,
}

/// A host.
#[derive(Clone, Debug)]
pub struct Host {
    /// First and last time seen, nanoseconds since 1970.
    pub first: i64,
    /// Last time seen.
    pub last: i64,
    /// Hardware addresses, the latest last; at most [`MAX_MACS`](super::assets::MAX_MACS).
    pub macs: Vec<Mac>,
    /// The system by each kind of evidence, at most one each.
    pub systems: Vec<SystemSeen>,
    /// Services offered.
    pub services: Vec<Service>,
    /// Client programs seen.
    pub clients: Vec<Client>,
    pub(super) bytes: usize,
    /// Its place in the order of changes; 0 on trial.
    pub(super) changed: u64,
    /// `last` as it was when that place was given.
    pub(super) told: i64,
}

/// A hardware address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac {
    /// The address; [`super::maker`] knows who made it.
    pub address: [u8; 6],
    /// First time seen.
    pub first: i64,
    /// Last time seen.
    pub last: i64,
}

/// An operating system as one kind of evidence has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemSeen {
    /// The system.
    pub system: System,
    /// What it was seen by.
    pub evidence: Evidence,
    /// Last time seen.
    pub last: i64,
}

/// A service of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Port.
    pub port: u16,
    /// IP protocol.
    pub proto: u8,
    /// Protocol, program, version, banner.
    pub product: Product,
    /// First time seen.
    pub first: i64,
    /// Last time seen.
    pub last: i64,
}

/// A client program of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Protocol, program, version, user agent, JA4 or HASSH.
    pub product: Product,
    /// First time seen.
    pub first: i64,
    /// Last time seen.
    pub last: i64,
}

impl Host {
    pub(super) fn new(time: i64) -> Self {
        Host {
            first: time,
            last: time,
            macs: Vec::new(),
            systems: Vec::new(),
            services: Vec::new(),
            clients: Vec::new(),
            bytes: 0,
            changed: 0,
            told: time,
        }
    }

    /// The likeliest system: families are weighed by their surest evidence, twice as sure evidence of two kinds.
    pub fn system(&self) -> Option<&SystemSeen> {
        self.systems.iter().max_by_key(|seen| {
            let others = self
                .systems
                .iter()
                .filter(|other| other.system.family == seen.system.family && other.evidence != seen.evidence);
            let support: u32 = others.map(|other| u32::from(other.system.confidence) / 4).sum();
            (u32::from(seen.system.confidence) + support, seen.last)
        })
    }

    /// Bytes by estimate: the entry, the lists' elements and their texts.
    pub(super) fn measure(&self) -> usize {
        let texts = self.services.iter().map(|service| &service.product);
        let texts = texts.chain(self.clients.iter().map(|client| &client.product));
        ENTRY
            + size_of::<Host>()
            + self.macs.capacity() * size_of::<Mac>()
            + self.systems.capacity() * size_of::<SystemSeen>()
            + self.services.capacity() * size_of::<Service>()
            + self.clients.capacity() * size_of::<Client>()
            + texts.map(Product::text_bytes).sum::<usize>()
    }
}

/// A host's entry in map, slot and the two orders.
const ENTRY: usize = 160;
