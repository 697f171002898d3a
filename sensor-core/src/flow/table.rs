//! The flow table: finds a packet's flow, opens, updates, ends it.

use foldhash::fast::FixedState;
use sensor_wire::Timestamp;
use sensor_wire::flow::{EndReason, FlowState};

use super::clock::Clock;
use super::flows::Flows;
use super::record::Side;
use super::slots::Slots;
use super::tcp::next_state;
use super::timer::{Entry, Wheel};
use super::yielding::Yielding;
use super::{Flow, FlowIndex, FlowKey};
use crate::decode::{Packet, TcpFlags, ip_proto};
use crate::inspect::{Detected, Inspection};
use crate::limits::{Limits, Timeouts};
use crate::stream::State;

/// All flows, open and ended. Ended flows stay until they are released: the summary shows them
/// in its rows' details.
#[derive(Debug)]
pub struct FlowTable {
    /// Of the open flows.
    slots: Slots,
    flows: Flows,
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

/// Where a packet's flow is to be looked for.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    hash: u32,
    /// The first flow with that hash, when [`FlowTable::touch`] looked.
    candidate: Option<FlowIndex>,
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
            slots: Slots::new(),
            flows: Flows::default(),
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

    /// Where a key's flow is to be looked for.
    #[inline]
    pub fn place(&self, key: &FlowKey) -> Place {
        Place { hash: self.hash(key), candidate: None }
    }

    /// Reads what packets with these places will read, so that their cache misses overlap: first slots, then the flows
    /// they lead to, then what `further` reads for a flow. Returns a number that depends on what was read, for the caller
    /// to keep: else the compiler leaves the reads out.
    #[inline]
    pub fn touch(&self, places: &mut [Place], further: impl Fn(&Flow) -> u64) -> u64 {
        // No step may branch on what it waits for, or the processor would not get ahead to the next.
        let mut seen = 0u64;
        for place in &*places {
            seen += u64::from(self.slots.touch(place.hash));
        }
        for place in &mut *places {
            place.candidate = self.slots.first(place.hash);
        }
        for place in &*places {
            if let Some(flow) = place.candidate.and_then(|index| self.flows.get(index)) {
                // A number of each cache line.
                let [client, server] = &flow.sides;
                seen = seen.wrapping_add(flow.last as u64 ^ client.packets ^ server.payload.bytes());
            }
        }
        for place in &*places {
            if let Some(flow) = place.candidate.and_then(|index| self.flows.get(index)) {
                seen = seen.wrapping_add(further(flow));
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
        place: Place,
        ended: &mut impl FnMut(FlowIndex, &mut Flow),
    ) -> Change {
        if self.clock.tick(packet.time) {
            self.serve_timers(ended);
        }
        let (index, opened) = match self.find(key, place) {
            Some(index) if self.is_new_connection(index, packet) => {
                self.close(index, EndReason::Forced, ended);
                (self.open(packet, key, upward, place.hash, ended), true)
            }
            Some(index) => (index, false),
            None => (self.open(packet, key, upward, place.hash, ended), true),
        };
        let from_client = self.update(index, packet, upward);
        Change { flow: index, opened, from_client }
    }

    /// Time goes on with a packet that is counted elsewhere.
    #[inline]
    pub fn pass(&mut self, packet: &Packet<'_>, ended: &mut impl FnMut(FlowIndex, &mut Flow)) {
        if self.clock.tick(packet.time) {
            self.serve_timers(ended);
        }
    }

    /// The open flow that an ICMP error is about, which it notes. `upward` is the direction of the packet that the error
    /// quotes.
    pub fn error_about(&mut self, key: &FlowKey, upward: bool) -> Option<FlowIndex> {
        let index = self.find(key, self.place(key))?;
        let flow = self.flows.get_mut(index)?;
        let [of_client, of_server] = &mut flow.icmp_errors;
        let errors = if upward == flow.client_low { of_client } else { of_server };
        *errors = errors.saturating_add(1);
        Some(index)
    }

    /// Ends every open flow: the source has ended.
    pub fn finish(&mut self, ended: &mut impl FnMut(FlowIndex, &mut Flow)) {
        for (index, flow) in self.flows.iter_mut().filter(|(_, flow)| flow.end.is_none()) {
            flow.end = Some(EndReason::Shutdown);
            ended(index, flow);
            if !flow.kept {
                self.free.push(index);
            }
        }
        self.slots.clear();
        self.open = 0;
    }

    /// A flow, open or ended and not yet released.
    #[inline]
    pub fn get(&self, index: FlowIndex) -> Option<&Flow> {
        self.flows.get(index)
    }

    /// A flow, to mark it.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: FlowIndex) -> Option<&mut Flow> {
        self.flows.get_mut(index)
    }

    /// Gives back the place of an ended flow. An open one only loses its mark of being kept: its place goes back
    /// when it ends.
    pub(crate) fn release(&mut self, index: FlowIndex) {
        if let Some(flow) = self.flows.get_mut(index)
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

    #[inline]
    fn hash(&self, key: &FlowKey) -> u32 {
        (key.hash(&self.seed) >> 32) as u32
    }

    #[inline]
    fn find(&self, key: &FlowKey, place: Place) -> Option<FlowIndex> {
        // What stood there may have ended since, and the place have been taken again.
        let is_it = |flow: &Flow| flow.key == *key && flow.end.is_none();
        place
            .candidate
            .filter(|index| self.flows.get(*index).is_some_and(is_it))
            .or_else(|| self.search(key, place.hash))
    }

    #[inline(never)]
    fn search(&self, key: &FlowKey, hash: u32) -> Option<FlowIndex> {
        self.slots.all(hash).find(|index| self.flows.get(*index).is_some_and(|flow| flow.key == *key))
    }

    fn open(
        &mut self,
        packet: &Packet<'_>,
        key: &FlowKey,
        upward: bool,
        hash: u32,
        ended: &mut impl FnMut(FlowIndex, &mut Flow),
    ) -> FlowIndex {
        if self.open >= self.emergency.begins {
            self.make_room(ended);
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
            icmp_errors: [0; 2],
            icmp: packet.icmp,
            client_low: upward == from_client,
            midstream,
            one_way: packet.one_way,
            tcp_state: State::None,
            state: FlowState::New,
            app: None,
            inspection: Inspection::Waiting,
            detection: Detected::default(),
            end: None,
            dirty: false,
            kept: false,
            timer_at: 0,
            seen: now as u32,
        };
        let index = self.free.pop().unwrap_or(self.flows.len() as FlowIndex);
        flow.timer_at = self.wheel.insert(index, now + i64::from(self.timeout(&flow)));
        match self.flows.get_mut(index) {
            Some(place) => *place = flow,
            None => self.flows.push(flow),
        }
        self.slots.insert(hash, index);
        self.open += 1;
        index
    }

    #[inline]
    fn update(&mut self, index: FlowIndex, packet: &Packet<'_>, upward: bool) -> bool {
        let now = self.clock.now();
        let Some(flow) = self.flows.get_mut(index) else { return upward };
        let from_client = upward == flow.client_low;
        flow.last = flow.last.max(packet.time);
        flow.seen = now as u32;
        let [client, server] = &mut flow.sides;
        let (sender, receiver) = if from_client { (client, server) } else { (server, client) };
        sender.packets += u64::from(packet.packets);
        sender.frame_bytes += u64::from(packet.wire);
        if packet.bad_checksum || (packet.partial && packet.proto == ip_proto::TCP) {
            // The receiver drops it, or never got it whole: it is traffic, but changes no state.
            return from_client;
        }
        let state = if packet.proto == ip_proto::TCP {
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
        let Some(flow) = self.flows.get(index) else { return };
        let at = i64::from(flow.seen) + i64::from(self.timeout(flow));
        if at < i64::from(flow.timer_at) {
            let at = self.wheel.insert(index, at);
            if let Some(flow) = self.flows.get_mut(index) {
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
            && self.flows.get(index).is_some_and(|f| f.state == FlowState::Closed)
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
                let Some(flow) = self.flows.get(entry.flow) else { continue };
                if flow.end.is_some() || flow.timer_at != entry.at {
                    continue;
                }
                let at = i64::from(flow.seen) + i64::from(self.timeout(flow));
                if at <= self.wheel.now() {
                    self.close(entry.flow, EndReason::Timeout, ended);
                } else {
                    let at = self.wheel.insert(entry.flow, at);
                    if let Some(flow) = self.flows.get_mut(entry.flow) {
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
            for index in 0..self.flows.len() as FlowIndex {
                let flow = self.flows.get(index).filter(|f| f.end.is_none());
                if flow.is_some_and(|f| i64::from(f.seen) + i64::from(self.timeout(f)) <= now) {
                    self.close(index, EndReason::Timeout, ended);
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
        let Some(flow) = self.flows.get_mut(index) else { return };
        flow.end = Some(reason);
        ended(index, flow);
        let (key, kept) = (flow.key, flow.kept);
        self.slots.remove(self.hash(&key), index);
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
}

/// Whether the sender of a flow's first packet opened it. TCP says so by its flags; where the start was not seen, and
/// for UDP, a well-known port on the sender's side alone means that a server answers; but clients of NFS call from such.
fn opens_as_client(packet: &Packet<'_>) -> bool {
    let flags = packet.tcp.flags;
    match packet.proto {
        ip_proto::TCP if flags.has(TcpFlags::SYN) => !flags.has(TcpFlags::ACK),
        ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP => {
            let answers = packet.source_port < WELL_KNOWN && packet.destination_port >= WELL_KNOWN;
            !answers || packet.destination_port == NFS
        }
        _ => true,
    }
}

/// Ports below this one are a system's services (RFC 6335 section 6).
const WELL_KNOWN: u16 = 1024;

/// Where NFS is served (RFC 7530, section 3.1).
const NFS: u16 = 2049;

/// Seconds between looks at all flows while the table is nearly full: as long as the shortest timeout then.
const SWEEP: i64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privileged_port_answers_unless_it_calls_nfs() {
        let opens = |source_port, destination_port| {
            opens_as_client(&Packet { proto: ip_proto::UDP, source_port, destination_port, ..Packet::default() })
        };
        assert!(opens(40_000, 53) && !opens(53, 40_000) && opens(53, 53));
        assert!(opens(1022, 2049));
    }
}
