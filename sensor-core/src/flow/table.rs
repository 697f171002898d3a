//! The flow table: finds a packet's flow, opens, updates, ends it.

use foldhash::fast::FixedState;
use sensor_wire::Timestamp;
use sensor_wire::flow::{EndReason, FlowState};

use super::clock::Clock;
use super::record::{SERVER, Side};
use super::tcp::next_state;
use super::timer::{Entry, Wheel};
use super::yielding::Yielding;
use super::{Flow, FlowIndex, FlowKey};
use crate::decode::{Packet, TcpFlags, ip_proto};
use crate::inspect::Inspection;
use crate::limits::{Limits, Timeouts};
use crate::stream::State;

/// All flows, open and ended. Ended flows stay until they are released: the summary shows them
/// in its rows' details.
#[derive(Debug)]
pub struct FlowTable {
    /// Open addressing with linear probing; a power of two, at most half full.
    slots: Vec<Slot>,
    flows: Vec<Flow>,
    free: Vec<FlowIndex>,
    open: usize,
    clock: Clock,
    wheel: Wheel,
    due: Vec<Entry>,
    yielding: Yielding,
    seed: FixedState,
    timeouts: Timeouts,
    emergency: Emergency,
    max_open: usize,
    forced: u64,
}

/// What a packet did to its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The packet's flow.
    pub flow: FlowIndex,
    /// It was opened by this packet.
    pub opened: bool,
    /// The flow's client sent the packet.
    pub from_client: bool,
}

/// When the table is nearly full flows end after shorter idle times, until enough places are free again.
#[derive(Debug)]
struct Emergency {
    timeouts: Timeouts,
    /// Open flows at which it begins, and at which it ends.
    begins: usize,
    ends: usize,
    on: bool,
    /// The second at which all flows are looked at again.
    sweep: i64,
    /// How often it began.
    times: u64,
}

/// A place in the hash table. Eight bytes: eight candidates a cache line, and flows are looked at only on a match of
/// the hash's upper half.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u32,
    /// Index of the flow plus one; 0 is empty.
    flow: u32,
}

impl FlowTable {
    /// An empty table. `seed` makes the hash unpredictable to strangers; it never shows in any output.
    pub fn new(seed: u64, limits: &Limits, timeouts: Timeouts, emergency: Timeouts) -> FlowTable {
        let max_open = limits.flows;
        let free = max_open * usize::from(limits.emergency_recovery.min(99)) / 100;
        let emergency = Emergency {
            timeouts: emergency,
            begins: max_open - max_open / 10,
            ends: (max_open - free).min(max_open - max_open / 10),
            on: false,
            sweep: 0,
            times: 0,
        };
        FlowTable {
            slots: vec![Slot::default(); FIRST_SLOTS],
            flows: Vec::new(),
            free: Vec::new(),
            open: 0,
            clock: Clock::new(),
            wheel: Wheel::new(),
            due: Vec::new(),
            yielding: Yielding::default(),
            seed: FixedState::with_seed(seed),
            timeouts,
            emergency,
            max_open,
            forced: 0,
        }
    }

    /// Hash of a key in this table.
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        key.hash(&self.seed)
    }

    /// Looks at the places where packets with these hashes will look, so that their cache misses overlap. Returns a
    /// number that depends on what was read, for the caller to keep: else the compiler leaves the reads out.
    #[inline]
    pub fn touch(&self, hashes: &[u64]) -> u64 {
        let mut seen = 0u64;
        let mut candidates = [0u32; 32];
        for (hash, candidate) in hashes.iter().zip(candidates.iter_mut()) {
            *candidate = self.slots.get(self.home(*hash)).map_or(0, |slot| slot.flow);
        }
        for candidate in candidates.iter().take(hashes.len()) {
            if let Some(flow) = self.flows.get((*candidate as usize).wrapping_sub(1)) {
                seen = seen.wrapping_add(flow.hash ^ flow.last as u64 ^ flow.sides[SERVER].packets);
            }
        }
        seen
    }

    /// Counts a packet to its flow, which it opens if there is none. `ended` is called for each flow that ends on
    /// the way: by timeout before this packet, because its five-tuple is taken again, or because the table is full.
    #[inline]
    pub fn packet(
        &mut self,
        packet: &Packet<'_>,
        key: &FlowKey,
        upward: bool,
        hash: u64,
        ended: &mut impl FnMut(FlowIndex, &mut Flow),
    ) -> Change {
        if self.clock.tick(packet.time) {
            self.serve_timers(ended);
        }
        let (index, opened) = match self.find(key, hash) {
            Some(index) if self.is_new_connection(index, packet) => {
                self.close(index, EndReason::Forced, ended);
                (self.open(packet, key, upward, hash, ended), true)
            }
            Some(index) => (index, false),
            None => (self.open(packet, key, upward, hash, ended), true),
        };
        let from_client = self.update(index, packet, upward);
        Change { flow: index, opened, from_client }
    }

    /// The open flow that an ICMP error is about, which it notes. `upward` is the direction of the packet that the error
    /// quotes.
    pub fn error_about(&mut self, key: &FlowKey, upward: bool) -> Option<FlowIndex> {
        let index = self.find(key, self.hash(key))?;
        let flow = self.flows.get_mut(index as usize)?;
        let [client, server] = &mut flow.sides;
        let sender = if upward == flow.client_low { client } else { server };
        sender.icmp_errors = sender.icmp_errors.saturating_add(1);
        Some(index)
    }

    /// Ends every open flow: the source has ended.
    pub fn finish(&mut self, ended: &mut impl FnMut(FlowIndex, &mut Flow)) {
        for index in 0..self.flows.len() {
            if self.flows.get(index).is_some_and(|f| f.end.is_none()) {
                self.close(index as FlowIndex, EndReason::Shutdown, ended);
            }
        }
    }

    /// A flow, open or ended and not yet released.
    #[inline]
    pub fn get(&self, index: FlowIndex) -> Option<&Flow> {
        self.flows.get(index as usize)
    }

    /// A flow, to mark it.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: FlowIndex) -> Option<&mut Flow> {
        self.flows.get_mut(index as usize)
    }

    /// Gives back the place of an ended flow. An open one only loses its mark of being kept: its place goes back
    /// when it ends.
    pub(crate) fn release(&mut self, index: FlowIndex) {
        if let Some(flow) = self.flows.get_mut(index as usize)
            && std::mem::take(&mut flow.kept)
            && flow.end.is_some()
        {
            self.free.push(index);
        }
    }

    /// Flows that are open.
    pub fn open_flows(&self) -> usize {
        self.open
    }

    /// Flows that gave way because the table was full.
    pub fn forced(&self) -> u64 {
        self.forced
    }

    /// How often the table was so full that flows were given shorter timeouts.
    pub fn emergencies(&self) -> u64 {
        self.emergency.times
    }

    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    #[inline]
    fn find(&self, key: &FlowKey, hash: u64) -> Option<FlowIndex> {
        let mask = self.slots.len() - 1;
        let tag = (hash >> 32) as u32;
        let mut at = self.home(hash);
        loop {
            let slot = self.slots.get(at)?;
            if slot.flow == 0 {
                return None;
            }
            let index = slot.flow - 1;
            if slot.tag == tag && self.flows.get(index as usize).is_some_and(|f| f.key == *key) {
                return Some(index);
            }
            at = (at + 1) & mask;
        }
    }

    fn open(
        &mut self,
        packet: &Packet<'_>,
        key: &FlowKey,
        upward: bool,
        hash: u64,
        ended: &mut impl FnMut(FlowIndex, &mut Flow),
    ) -> FlowIndex {
        if self.open >= self.emergency.begins {
            self.make_room(ended);
        }
        if (self.open + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let from_client = opens_as_client(packet);
        let opening = packet.tcp.flags.has(TcpFlags::SYN) && !packet.tcp.flags.has(TcpFlags::ACK);
        let now = self.clock.now();
        let midstream = packet.proto == ip_proto::TCP && !opening;
        let mut flow = Flow {
            key: *key,
            first: packet.time,
            last: packet.time,
            sides: [Side::default(); 2],
            icmp: packet.icmp,
            client_low: upward == from_client,
            midstream,
            one_way: packet.one_way,
            tcp_state: State::None,
            state: FlowState::New,
            app: None,
            inspection: Inspection::Waiting,
            end: None,
            dirty: false,
            kept: false,
            hash,
            timer_at: 0,
            seen: now as u32,
        };
        let index = self.free.pop().unwrap_or(self.flows.len() as FlowIndex);
        flow.timer_at = self.wheel.insert(index, now + i64::from(self.timeout(&flow)));
        match self.flows.get_mut(index as usize) {
            Some(place) => *place = flow,
            None => self.flows.push(flow),
        }
        self.insert_slot(hash, index);
        self.open += 1;
        index
    }

    #[inline]
    fn update(&mut self, index: FlowIndex, packet: &Packet<'_>, upward: bool) -> bool {
        let now = self.clock.now();
        let Some(flow) = self.flows.get_mut(index as usize) else { return upward };
        let from_client = upward == flow.client_low;
        flow.last = flow.last.max(packet.time);
        flow.seen = now as u32;
        let [client, server] = &mut flow.sides;
        let (sender, receiver) = if from_client { (client, server) } else { (server, client) };
        sender.packets += u64::from(packet.packets);
        sender.frame_bytes += u64::from(packet.wire);
        if packet.bad_checksum {
            // The receiver drops it: it is traffic, but changes no state.
            return from_client;
        }
        let state = if packet.proto == ip_proto::TCP {
            sender.flags.0 |= packet.tcp.flags.0;
            sender.payload.segment(packet.tcp, packet.payload_len);
            if packet.tcp.flags.has(TcpFlags::ACK) {
                receiver.payload.acknowledged(packet.tcp.ack);
            }
            flow.tcp_state = next_state(flow.tcp_state, from_client, packet.tcp.flags);
            match flow.tcp_state {
                State::None | State::SynSent | State::SynRecv => FlowState::New,
                State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait => FlowState::Established,
                State::LastAck | State::Closing | State::TimeWait | State::Closed => FlowState::Closed,
            }
        } else {
            sender.payload.add(packet.payload_len);
            if receiver.packets > 0 { FlowState::Established } else { FlowState::New }
        };
        if state != flow.state {
            flow.state = state;
            self.state_changed(index, state);
        }
        from_client
    }

    /// A state with a shorter timeout needs an earlier entry; a longer one is found when the old entry comes due.
    #[cold]
    fn state_changed(&mut self, index: FlowIndex, state: FlowState) {
        if state == FlowState::Closed {
            self.yielding.closed(index, self.max_open);
        }
        let Some(flow) = self.flows.get(index as usize) else { return };
        let at = i64::from(flow.seen) + i64::from(self.timeout(flow));
        if at < i64::from(flow.timer_at) {
            let at = self.wheel.insert(index, at);
            if let Some(flow) = self.flows.get_mut(index as usize) {
                flow.timer_at = at;
            }
        }
    }

    /// A SYN on a flow that was closed opens another one with the same five-tuple. A SYN again while the handshake
    /// is on (a retransmit, or a scanner that tries again) does not.
    fn is_new_connection(&self, index: FlowIndex, packet: &Packet) -> bool {
        packet.proto == ip_proto::TCP
            && packet.tcp.flags.has(TcpFlags::SYN)
            && !packet.tcp.flags.any(TcpFlags::ACK | TcpFlags::RST)
            && self.flows.get(index as usize).is_some_and(|f| f.state == FlowState::Closed)
    }

    /// Time goes on without packets.
    pub(crate) fn advance(&mut self, time: Timestamp, ended: &mut impl FnMut(FlowIndex, &mut Flow)) {
        if self.clock.tick(time) {
            self.serve_timers(ended);
        }
    }

    /// Serves the timers up to the clock's second.
    #[cold]
    fn serve_timers(&mut self, ended: &mut impl FnMut(FlowIndex, &mut Flow)) {
        let now = self.clock.now();
        if self.wheel.now() == i64::MIN {
            self.wheel.start(now);
            return;
        }
        let mut due = std::mem::take(&mut self.due);
        while self.wheel.advance(now, &mut due) {
            for entry in &due {
                let Some(flow) = self.flows.get(entry.flow as usize) else { continue };
                if flow.end.is_some() || flow.timer_at != entry.at {
                    continue;
                }
                let at = i64::from(flow.seen) + i64::from(self.timeout(flow));
                if at <= self.wheel.now() {
                    self.close(entry.flow, EndReason::Timeout, ended);
                } else {
                    let at = self.wheel.insert(entry.flow, at);
                    if let Some(flow) = self.flows.get_mut(entry.flow as usize) {
                        flow.timer_at = at;
                    }
                }
            }
        }
        self.due = due;
        if self.emergency.on && self.open <= self.emergency.ends {
            self.emergency.on = false;
        }
    }

    /// The table is nearly full: shorter timeouts hold, and are applied to all flows at once every few seconds. At the
    /// full table one flow gives way.
    #[cold]
    fn make_room(&mut self, ended: &mut impl FnMut(FlowIndex, &mut Flow)) {
        let now = self.clock.now();
        if !self.emergency.on {
            self.emergency.on = true;
            self.emergency.times += 1;
            self.emergency.sweep = now;
        }
        if now >= self.emergency.sweep {
            self.emergency.sweep = now + SWEEP;
            for index in 0..self.flows.len() {
                let flow = self.flows.get(index).filter(|f| f.end.is_none());
                if flow.is_some_and(|f| i64::from(f.seen) + i64::from(self.timeout(f)) <= now) {
                    self.close(index as FlowIndex, EndReason::Timeout, ended);
                }
            }
        }
        if self.open >= self.max_open
            && let Some(index) = self.yielding.next(&self.flows)
        {
            self.forced += 1;
            self.close(index, EndReason::Forced, ended);
        }
    }

    fn close(&mut self, index: FlowIndex, reason: EndReason, ended: &mut impl FnMut(FlowIndex, &mut Flow)) {
        let Some(flow) = self.flows.get_mut(index as usize) else { return };
        flow.end = Some(reason);
        ended(index, flow);
        let (hash, kept) = (flow.hash, flow.kept);
        self.remove_slot(hash, index);
        self.open -= 1;
        if !kept {
            self.free.push(index);
        }
    }

    fn timeout(&self, flow: &Flow) -> u32 {
        let t = if self.emergency.on { &self.emergency.timeouts } else { &self.timeouts };
        let (new, established) = match flow.key.proto {
            ip_proto::TCP => (t.tcp_new, t.tcp_established),
            ip_proto::UDP => (t.udp_new, t.udp_established),
            ip_proto::ICMP | ip_proto::ICMPV6 => (t.icmp_new, t.icmp_established),
            _ => (t.other_new, t.other_established),
        };
        match flow.state {
            FlowState::New => new,
            FlowState::Established => established,
            FlowState::Closed => t.tcp_closed,
        }
    }

    fn insert_slot(&mut self, hash: u64, index: FlowIndex) {
        let mask = self.slots.len() - 1;
        let mut at = self.home(hash);
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.flow == 0 {
                *slot = Slot { tag: (hash >> 32) as u32, flow: index + 1 };
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Takes a slot out and moves the ones behind it forward, so that no tombstones are left (Knuth, vol. 3, 6.4 R).
    fn remove_slot(&mut self, hash: u64, index: FlowIndex) {
        let mask = self.slots.len() - 1;
        let mut hole = self.home(hash);
        while self.slots.get(hole).is_some_and(|s| s.flow != index + 1) {
            hole = (hole + 1) & mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(slot) = self.slots.get(at).copied() else { break };
            if slot.flow == 0 {
                break;
            }
            let home = self.flows.get(slot.flow as usize - 1).map_or(at, |f| self.home(f.hash));
            // Movable unless its home lies cyclically behind the hole.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                if let Some(place) = self.slots.get_mut(hole) {
                    *place = slot;
                }
                hole = at;
            }
        }
        if let Some(place) = self.slots.get_mut(hole) {
            *place = Slot::default();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 4;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|s| s.flow != 0) {
            let index = slot.flow - 1;
            if let Some(hash) = self.flows.get(index as usize).map(|f| f.hash) {
                self.insert_slot(hash, index);
            }
        }
    }
}

/// Whether the sender of a flow's first packet opened it. TCP says so by its flags; where the start was not seen, and
/// for UDP, a well-known port on the sender's side alone means that a server answers.
fn opens_as_client(packet: &Packet<'_>) -> bool {
    let flags = packet.tcp.flags;
    match packet.proto {
        ip_proto::TCP if flags.has(TcpFlags::SYN) => !flags.has(TcpFlags::ACK),
        ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP => {
            !(packet.source_port < WELL_KNOWN && packet.destination_port >= WELL_KNOWN)
        }
        _ => true,
    }
}

/// Ports below this one are a system's services (RFC 6335 section 6).
const WELL_KNOWN: u16 = 1024;

const FIRST_SLOTS: usize = 1 << 12;

/// Seconds between looks at all flows while the table is nearly full: as long as the shortest timeout then.
const SWEEP: i64 = 10;
