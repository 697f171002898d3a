//! The most efficient invariant: which flows of a window belong into one row.
//!
//! For the flows of one protocol the keys {client, server, server port}, {client, server port}, {server, server port},
//! {client} and {server} compete. The group with the greatest (flows - 1) x fixed fields is taken, its flows leave all
//! other groups, and so on until nothing is worth more than standing alone. Ties go to more fixed fields, then to the
//! group whose first flow is older: the outcome depends on the flows and their order alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::HashMap;
use foldhash::quality::FixedState;

use crate::flow::Flow;

/// What a group's flows have in common. Fields that aren't fixed are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupKey {
    /// Which fields are fixed.
    pub pattern: Pattern,
    /// IP protocol; always fixed.
    pub proto: u8,
    client: u128,
    server: u128,
    port: u16,
}

/// The invariants, by their fixed fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// One conversation partner and service: client, server, server port.
    ClientServerPort,
    /// A sweep: client, server port.
    ClientPort,
    /// A busy service: server, server port.
    ServerPort,
    /// A busy client.
    Client,
    /// A scanned server.
    Server,
}

impl Pattern {
    const ALL: [Pattern; 5] =
        [Pattern::ClientServerPort, Pattern::ClientPort, Pattern::ServerPort, Pattern::Client, Pattern::Server];

    fn fixed(self) -> u64 {
        match self {
            Pattern::ClientServerPort => 3,
            Pattern::ClientPort | Pattern::ServerPort => 2,
            Pattern::Client | Pattern::Server => 1,
        }
    }
}

impl GroupKey {
    /// The key of a flow under a pattern.
    pub fn of(flow: &Flow, pattern: Pattern) -> GroupKey {
        use Pattern::*;
        let client = if matches!(pattern, ServerPort | Server) { 0 } else { flow.client_bits() };
        let server = if matches!(pattern, ClientPort | Client) { 0 } else { flow.server_bits() };
        let port = if matches!(pattern, Client | Server) { 0 } else { service(flow) };
        GroupKey { pattern, proto: flow.key.proto, client, server, port }
    }

    /// A row id that is the same on every run: from the window and the key.
    pub fn row_id(&self, window: i64) -> u64 {
        let mut hasher = FixedState::with_seed(ROW_ID_SEED).build_hasher();
        hasher.write_i64(window);
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// How the flows of a window fall into rows.
#[derive(Debug, Default)]
pub struct Grouping {
    /// Groups in the order in which they were taken, with their flows' positions in ascending order.
    pub groups: Vec<(GroupKey, Vec<u32>)>,
    /// Positions of the flows that stand alone, in ascending order.
    pub alone: Vec<u32>,
}

/// Groups flows, given in the order of their start. Takes O(n log n).
pub fn group<'a>(flows: impl ExactSizeIterator<Item = &'a Flow>) -> Grouping {
    let count = flows.len();
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut of_flow: Vec<[u32; 5]> = Vec::with_capacity(count);
    let mut ids: HashMap<GroupKey, u32> = HashMap::default();
    for (position, flow) in flows.enumerate() {
        let mine = Pattern::ALL.map(|pattern| {
            let key = GroupKey::of(flow, pattern);
            let id = *ids.entry(key).or_insert_with(|| {
                candidates.push(Candidate { key, members: Vec::new(), left: 0 });
                candidates.len() as u32 - 1
            });
            if let Some(candidate) = candidates.get_mut(id as usize) {
                candidate.members.push(position as u32);
                candidate.left += 1;
            }
            id
        });
        of_flow.push(mine);
    }
    drop(ids);

    let mut heap: BinaryHeap<(Score, u32)> =
        candidates.iter().enumerate().filter(|(_, c)| c.left > 1).map(|(i, c)| (c.score(), i as u32)).collect();
    let mut taken = vec![false; count];
    let mut grouping = Grouping::default();
    while let Some((score, id)) = heap.pop() {
        let Some(candidate) = candidates.get_mut(id as usize) else { continue };
        if candidate.left < 2 {
            continue;
        }
        if candidate.left as u64 != score.left {
            // Others took some of its flows since it was weighed.
            candidate.members.retain(|m| !taken.get(*m as usize).copied().unwrap_or(true));
            heap.push((candidate.score(), id));
            continue;
        }
        let key = candidate.key;
        let mut members = std::mem::take(&mut candidate.members);
        members.retain(|m| !taken.get(*m as usize).copied().unwrap_or(true));
        for member in &members {
            if let Some(flag) = taken.get_mut(*member as usize) {
                *flag = true;
            }
            for other in of_flow.get(*member as usize).into_iter().flatten() {
                if let Some(other) = candidates.get_mut(*other as usize) {
                    other.left -= 1;
                }
            }
        }
        grouping.groups.push((key, members));
    }
    grouping.alone = taken.iter().enumerate().filter(|(_, t)| !**t).map(|(i, _)| i as u32).collect();
    grouping
}

/// A group that might be taken.
struct Candidate {
    key: GroupKey,
    /// Positions in ascending order; may hold some that were taken by others.
    members: Vec<u32>,
    /// Members that nobody has taken.
    left: u32,
}

impl Candidate {
    fn score(&self) -> Score {
        let fixed = self.key.pattern.fixed();
        let left = u64::from(self.left);
        let first = self.members.first().copied().unwrap_or(u32::MAX);
        Score { worth: left.saturating_sub(1) * fixed, fixed, first: Reverse(first), left }
    }
}

/// Ordered by worth, then fixed fields, then the older first flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    worth: u64,
    fixed: u64,
    first: Reverse<u32>,
    left: u64,
}

/// The server port, or for ICMP its type and code.
fn service(flow: &Flow) -> u16 {
    if flow.is_icmp() { u16::from_be_bytes([flow.icmp.0, flow.icmp.1]) } else { flow.server_port() }
}

const ROW_ID_SEED: u64 = 0x726f_7773;
