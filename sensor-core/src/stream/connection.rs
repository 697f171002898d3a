//! A TCP connection: its state, and what each packet means for it.

use super::event::{Event, Events};
use super::half::{ACKED, ASIDE, DONE, EDGE, FIN, Half, KNOWN, Pass, RST, SEEN, STAMP, ZERO_WINDOW};
use super::policy::Policy;
use super::settings::Streams;
use super::state::State;
use super::window::Place;
use super::{End, Reader, Segment, Side, behind, flags};

/// Both sides of a TCP connection.
///
/// Small while nothing waits: the numbers of both sides, and no allocation. It must be [closed](Connection::close), so
/// that the buffers of what waits go back.
#[derive(Debug)]
pub struct Connection {
    sides: [Half; 2],
    pub(super) state: State,
    /// Where it stood before a RST.
    pub(super) before_reset: State,
    pub(super) marks: u8,
    took: bool,
    /// Different SYNs, later different SYN-ACKs, that came.
    pub(super) tries: u8,
}

/// The server sent the first SYN.
pub(super) const SERVER_OPENED: u8 = 1;
/// Both sent a SYN before any was answered: split handshake or simultaneous open.
pub(super) const SPLIT: u8 = 1 << 1;
/// Taken up without its handshake.
pub(super) const MIDSTREAM: u8 = 1 << 2;
/// The server closed first.
const SERVER_CLOSED: u8 = 1 << 3;

impl Connection {
    /// A connection without packets. The policies are those of the client's host and the server's: each decides how
    /// what is sent to it overlaps.
    pub fn new(client: Policy, server: Policy) -> Connection {
        let to = |policy| Half { policy, ..Half::default() };
        Connection {
            sides: [to(server), to(client)],
            state: State::None,
            before_reset: State::None,
            marks: 0,
            took: false,
            tries: 0,
        }
    }

    /// Where it stands.
    #[inline]
    pub fn state(&self) -> State {
        self.state
    }

    /// Its handshake was not seen.
    pub fn is_midstream(&self) -> bool {
        self.marks & MIDSTREAM != 0
    }

    /// Bytes of a side that were handed on, told as gaps, or passed over because nobody wanted them.
    pub fn told(&self, side: Side) -> u64 {
        self.half(side).told
    }

    /// Nobody reads that side any more.
    pub fn is_done(&self, side: Side) -> bool {
        self.half(side).is(DONE)
    }

    /// True if the segment opens a new connection with the ports of this one, which is over: the caller closes this one
    /// and begins another.
    pub fn reopens(&self, segment: &Segment<'_>) -> bool {
        let syn = segment.flags & (flags::SYN | flags::ACK | flags::RST) == flags::SYN;
        let over = matches!(self.state, State::TimeWait | State::LastAck | State::Closed);
        syn && over && self.half(segment.side).isn != segment.seq
    }

    /// Takes a packet of the connection, hands on what is in order, and tells what is odd.
    #[inline]
    pub fn segment<R: Reader>(&mut self, segment: &Segment<'_>, streams: &mut Streams, reader: &mut R) -> Events {
        let mut pass = Pass { streams, reader, events: Events::NONE, took: false };
        if !self.in_order(segment, &mut pass) {
            self.otherwise(segment, &mut pass);
        }
        if !pass.events.is_empty() {
            pass.streams.stats.events.add(pass.events);
        }
        self.took = pass.took;
        pass.events
    }

    /// Whether the last packet's data became part of its stream; what came before the stream's place counts too.
    pub fn took(&self) -> bool {
        self.took
    }

    /// Gives the connection up: what waits is handed on with its gaps, both ends are told, buffers go back. Nothing
    /// comes after it.
    pub fn close<R: Reader>(&mut self, streams: &mut Streams, reader: &mut R) {
        let mut pass = Pass { streams, reader, events: Events::NONE, took: false };
        let reset = self.sides.iter().any(|half| half.is(RST));
        for side in [Side::Client, Side::Server] {
            let how = if reset { End::Reset } else { End::Open };
            let (half, _) = self.pair(side);
            half.finish(&mut pass, side, how);
        }
        pass.streams.stats.events.add(pass.events);
        self.state = State::Closed;
    }

    /// The way of nearly all packets: the next data, or an acknowledgement, and nothing odd. False if it is not one.
    #[inline]
    fn in_order<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) -> bool {
        if self.state != State::Established || segment.flags & OUT_OF_THE_WAY != flags::ACK || segment.window == 0 {
            return false;
        }
        let side = segment.side;
        let (me, peer) = self.pair(side);
        let end = segment.seq.wrapping_add(segment.len);
        let Some(payload) = segment.payload.get(..segment.len as usize) else { return false };
        let plain = segment.seq == me.next
            && me.top == me.next
            && me.store.is_none()
            && peer.store.is_none()
            && me.flags & (SEEN | ZERO_WINDOW) == SEEN
            && peer.is(ACKED)
            && !behind(segment.ack, peer.acked)
            && !behind(peer.top, segment.ack)
            && (!me.is(EDGE) || !behind(me.edge, end))
            && me.stamp_is_fresh(segment);
        if !plain {
            return false;
        }
        peer.acked = segment.ack;
        peer.clear(ZERO_WINDOW);
        peer.grant(segment.ack, u32::from(segment.window) << me.scale);
        me.note_stamp(segment);
        me.top = end;
        if !payload.is_empty() {
            pass.took = true;
            me.hand_captured(pass, side, payload);
        }
        true
    }

    #[inline(never)]
    fn otherwise<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        if segment.ack != 0 && !segment.has(flags::ACK) {
            pass.events.add(Event::BrokenAck);
        }
        if self.state == State::Closed && !segment.has(flags::RST) && !segment.has(flags::SYN) {
            if matches!(self.before_reset, State::SynSent | State::SynRecv) {
                return;
            }
            self.after_reset(segment, pass);
        }
        match self.state {
            State::None => self.first(segment, pass),
            State::SynSent => self.syn_sent(segment, pass),
            State::SynRecv => self.syn_received(segment, pass),
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::TimeWait
            | State::CloseWait
            | State::LastAck
            | State::Closed => self.synchronized(segment, pass),
        }
    }

    /// A packet after the handshake (RFC 9293 section 3.10.7.4, in its order but for the timestamp).
    pub(super) fn synchronized<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let side = segment.side;
        if segment.has(flags::RST) {
            return self.reset(segment, pass);
        }
        if segment.has(flags::SYN) {
            return self.late_syn(segment, pass);
        }
        let oddities = self.state.oddities();
        let established = self.state <= State::Established;
        let (me, peer) = self.pair(side);
        if !me.stamp_is_fresh(segment) {
            return pass.events.add(Event::InvalidTimestamp);
        }
        if !segment.has(flags::ACK) {
            return;
        }
        let fin = segment.has(flags::FIN);
        if !peer.may_acknowledge(segment.ack) {
            pass.events.add(if fin && established { Event::FinInvalidAck } else { oddities.invalid_ack });
            return pass.events.add(Event::InvalidAck);
        }
        me.meet(segment);
        peer.acknowledged_first(segment.ack);
        let end = segment.seq.wrapping_add(segment.len);
        // RFC 9293 section 3.8.4: one byte, or none, below the next number.
        let keep_alive = segment.len <= 1 && !fin && segment.seq == me.top.wrapping_sub(1);
        if segment.len > 0 && !keep_alive {
            let acked = me.is(ACKED) && behind(segment.seq, me.acked);
            if acked || !behind(me.next, end) {
                pass.events.add(Event::Retransmission);
            }
            if acked && !behind(me.acked, end) {
                pass.events.add(Event::SpuriousRetransmission);
            }
        }
        if !keep_alive && me.is(ACKED) && behind(end.wrapping_add(u32::from(fin)), me.acked) {
            if let Some(event) = oddities.before_last_ack {
                pass.events.add(event);
            }
            // Hosts drop it. But what wasn't seen yet is what they acknowledged: the capture has the two in the wrong
            // order.
            if !behind(me.next, end) {
                if segment.len > 0 {
                    pass.events.add(Event::BeforeBase);
                }
                return;
            }
        }
        let probe = segment.len == 1 && me.is(ZERO_WINDOW) && segment.seq == me.next && !fin;
        if !probe {
            let place = me.window(segment.seq, end);
            if place != Place::Inside {
                pass.events.add(if fin { oddities.fin_out_of_window } else { oddities.out_of_window });
            }
            if place == Place::Outside {
                return;
            }
        }
        if peer.is(ASIDE) && behind(peer.next, segment.ack) {
            pass.events.add(Event::EstAckOfProbe);
        }
        peer.grant(segment.ack, u32::from(segment.window) << me.scale);
        peer.acknowledge(pass, side.other(), segment.ack);
        if segment.window == 0 {
            peer.set(ZERO_WINDOW);
        } else {
            peer.clear(ZERO_WINDOW);
        }
        me.note_stamp(segment);
        if probe {
            me.put_aside(pass, segment.seq, segment.len, segment.payload);
            me.top = if behind(me.top, end) { end } else { me.top };
        } else if !keep_alive && segment.len > 0 {
            take_payload(me, pass, segment, segment.seq);
        }
        if fin {
            self.take_fin(side, end);
        }
        for side in [Side::Client, Side::Server] {
            self.pair(side).0.end_at_fin(pass, side);
        }
        self.move_on();
    }

    /// Notes where a side's data ends.
    fn take_fin(&mut self, side: Side, at: u32) {
        let first = self.sides.iter().all(|half| !half.is(FIN));
        let (me, _) = self.pair(side);
        // A FIN is where the first one was, and not below what was told.
        if me.is(FIN) || behind(at, me.next) {
            return;
        }
        me.fin = at;
        me.set(FIN);
        if !behind(at, me.top) {
            me.top = at.wrapping_add(1);
        }
        if first && side == Side::Server {
            self.marks |= SERVER_CLOSED;
        }
    }

    /// The state that follows from both sides' FINs.
    fn move_on(&mut self) {
        if self.state == State::Closed {
            return;
        }
        let [client, server] = &self.sides;
        let acked = (client.fin_acked(), server.fin_acked());
        self.state = match (client.is(FIN), server.is(FIN)) {
            (false, false) => State::Established,
            (true, false) => State::CloseWait,
            (false, true) if acked.1 => State::FinWait2,
            (false, true) => State::FinWait1,
            (true, true) if acked == (true, true) => State::Closed,
            (true, true) if self.marks & SERVER_CLOSED == 0 => State::LastAck,
            (true, true) if acked.1 => State::TimeWait,
            (true, true) => State::Closing,
        };
    }

    /// A RST of a connection whose numbers are known (RFC 9293 section 3.5.3, RFC 5961 section 3.2).
    pub(super) fn reset<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let (me, peer) = self.pair(segment.side);
        if !me.stamp_is_fresh(segment) {
            // RFC 7323 section 5.2: it counts nonetheless.
            pass.events.add(Event::InvalidTimestamp);
        }
        if segment.has(flags::ACK) && !peer.may_acknowledge(segment.ack) {
            // Hosts don't look at it once they know each other's numbers.
            pass.events.add(Event::RstInvalidAck);
            pass.events.add(Event::InvalidAck);
        }
        let seq = segment.seq;
        let exact = seq == me.next
            || seq == me.top
            || (me.is(ACKED) && seq == me.acked)
            || (me.is(FIN) && (seq == me.fin || seq == me.fin.wrapping_add(1)));
        let low = if me.is(ACKED) { me.acked } else { me.next };
        if !exact && (behind(seq, low) || me.window(seq, seq) != Place::Inside) {
            return pass.events.add(Event::RstOutOfWindow);
        }
        if !exact && peer.is(SEEN) && !me.policy.takes_reset_in_window() {
            return pass.events.add(Event::RstChallenged);
        }
        if self.state != State::Closed {
            self.before_reset = self.state;
            self.state = State::Closed;
        } else if self.before_reset == State::None {
            // Both closed and were acknowledged: there is nothing to reset.
            return;
        }
        self.pair(segment.side).0.set(RST);
    }

    /// Who resets and then goes on didn't reset: somebody else sent the RST, and the hosts didn't believe it.
    fn after_reset<R>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let (me, _) = self.pair(segment.side);
        if !me.is(RST) {
            return;
        }
        me.clear(RST);
        pass.events.add(Event::SuspectedRstInject);
        if self.sides.iter().all(|half| !half.is(RST)) {
            self.state = self.before_reset;
        }
    }

    /// A SYN after the handshake: hosts answer with an ACK and go on (RFC 5961 section 4.2).
    fn late_syn<R>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let opener = self.opener();
        let (me, peer) = self.pair(segment.side);
        let event = if segment.has(flags::ACK) {
            if segment.side == opener {
                Event::EstSynAckToServer
            } else if segment.ack != peer.isn.wrapping_add(1) {
                Event::EstSynAckOtherAck
            } else if segment.seq != me.isn {
                Event::EstSynAckOtherSeq
            } else if me.top == me.isn.wrapping_add(1) && peer.acked == peer.isn.wrapping_add(1) {
                // It has not heard of the handshake's end.
                return;
            } else {
                Event::EstSynAckResend
            }
        } else if segment.side != opener {
            Event::EstSynToClient
        } else if segment.seq != me.isn {
            Event::EstSynOtherSeq
        } else {
            Event::EstSynResend
        };
        pass.events.add(if self.state.is_closing() { Event::ShutdownSynResend } else { event });
    }

    /// Who sent the first SYN.
    pub(super) fn opener(&self) -> Side {
        if self.marks & SERVER_OPENED != 0 { Side::Server } else { Side::Client }
    }

    /// A side as the sender, and its peer.
    #[inline]
    pub(super) fn pair(&mut self, side: Side) -> (&mut Half, &mut Half) {
        let [client, server] = &mut self.sides;
        match side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        }
    }

    fn half(&self, side: Side) -> &Half {
        let [client, server] = &self.sides;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }
}

impl Half {
    /// The first packet of a side whose SYN wasn't seen.
    fn meet(&mut self, segment: &Segment<'_>) {
        if self.is(SEEN) {
            return;
        }
        self.set(SEEN);
        if !self.is(KNOWN) || (self.told == 0 && self.store.is_none() && behind(segment.seq, self.next)) {
            self.start(segment.seq.wrapping_sub(1));
        }
        if let Some(stamp) = segment.timestamp {
            self.stamp = stamp;
            self.set(STAMP);
        }
    }

    /// The first acknowledgement of a side of which nothing was seen.
    fn acknowledged_first(&mut self, ack: u32) {
        if !self.is(KNOWN) {
            self.start(ack.wrapping_sub(1));
        }
    }
}

/// Takes a segment's payload, which starts at `seq`, and the urgent byte out of it.
pub(super) fn take_payload<R: Reader>(me: &mut Half, pass: &mut Pass<'_, R>, segment: &Segment<'_>, seq: u32) {
    let (side, len) = (segment.side, segment.len);
    let urgent = u32::from(segment.urgent);
    // RFC 6093 section 2.1: hosts take the pointer for the byte after the urgent one.
    if !segment.has(flags::URG) || !pass.streams.settings.urgent_out_of_band || urgent == 0 || urgent > len {
        return me.take(pass, side, seq, len, segment.payload);
    }
    let at = (urgent - 1) as usize;
    let (before, rest) = segment.payload.split_at_checked(at).unwrap_or((segment.payload, &[]));
    me.take(pass, side, seq, urgent - 1, before);
    me.take_out_of_band(pass, side, seq.wrapping_add(urgent - 1));
    me.take(pass, side, seq.wrapping_add(urgent), len - urgent, rest.get(1..).unwrap_or(&[]));
}

/// Flags that keep a segment from the short way, and ACK, without which none takes it.
const OUT_OF_THE_WAY: u8 = flags::FIN | flags::SYN | flags::RST | flags::URG | flags::ACK;

/// At most two cache lines, since millions are held.
const _: () = assert!(size_of::<Connection>() <= 128);
