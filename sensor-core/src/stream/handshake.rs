//! How connections begin: handshakes of three and four packets, fast open, and those whose beginning wasn't seen.

use super::connection::{Connection, MIDSTREAM, SERVER_OPENED, SPLIT, take_payload};
use super::event::Event;
use super::half::{ACKED, ASIDE, EDGE, FAST_OPEN, Half, OTHER_ISN, Pass, RST, SCALE, SEEN, STAMP};
use super::state::State;
use super::{Reader, Segment, Side, behind, distance, flags};

impl Connection {
    /// The first packet.
    pub(super) fn first<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let side = segment.side;
        if segment.has(flags::RST) {
            return pass.events.add(Event::RstNoSession);
        }
        if segment.has(flags::SYN) && segment.has(flags::FIN) {
            pass.events.add(Event::FinSyn);
        } else if segment.has(flags::FIN) {
            pass.events.add(Event::FinNoSession);
        }
        let settings = pass.streams.settings;
        if segment.has(flags::SYN | flags::ACK) {
            if settings.midstream || settings.one_sided {
                self.pick_up_syn_ack(segment);
            }
        } else if segment.has(flags::SYN) {
            self.set_opener(side);
            self.tries = 1;
            self.take_syn(segment);
            self.keep_syn_data(segment, pass);
            self.state = State::SynSent;
        } else if segment.has(flags::ACK) && settings.midstream {
            self.marks |= MIDSTREAM;
            self.state = State::Established;
            self.synchronized(segment, pass);
        }
    }

    /// A SYN was seen.
    pub(super) fn syn_sent<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let from_opener = segment.side == self.opener();
        if segment.has(flags::RST) {
            self.refuse(segment, pass);
        } else if segment.has(flags::FIN) {
            // Nobody can close what nobody opened.
        } else if segment.has(flags::SYN | flags::ACK) {
            match (from_opener, self.marks & SPLIT != 0) {
                (true, true) => self.split_syn_ack(segment, pass),
                (true, false) => pass.events.add(Event::SynAckWrongDirection),
                (false, _) => self.syn_ack(segment, pass),
            }
        } else if segment.has(flags::SYN) {
            if from_opener {
                self.another_syn(segment, pass);
            } else {
                self.marks |= SPLIT;
                self.take_syn(segment);
            }
        } else if segment.has(flags::ACK) {
            self.answer_missed(segment, pass);
        }
    }

    /// A SYN and its SYN-ACK were seen.
    pub(super) fn syn_received<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let from_opener = segment.side == self.opener();
        let (me, peer) = self.pair(segment.side);
        if segment.has(flags::RST) {
            self.reset(segment, pass);
        } else if segment.has(flags::SYN | flags::ACK) {
            if from_opener {
                pass.events.add(Event::SynAckToServer);
            } else if segment.ack != peer.acked {
                pass.events.add(Event::SynAckOtherAck);
            } else if segment.seq != me.isn {
                self.another_syn_ack(segment, pass);
            }
        } else if segment.has(flags::SYN) {
            if !from_opener {
                pass.events.add(Event::SynToClient);
            } else if segment.seq != me.isn {
                pass.events.add(Event::SynOtherSeq);
            }
        } else if segment.has(flags::ACK) {
            if !me.stamp_is_fresh(segment) {
                pass.events.add(Event::InvalidTimestamp);
            } else if self.handshake_ends(segment, pass) {
                self.state = State::Established;
                self.synchronized(segment, pass);
            }
        }
    }

    /// Whether an ACK ends the handshake; tells why not.
    fn handshake_ends<R>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) -> bool {
        let from_opener = segment.side == self.opener();
        let split = self.marks & SPLIT != 0;
        let midstream = self.marks & MIDSTREAM != 0;
        let (me, peer) = self.pair(segment.side);
        if !from_opener && split {
            if segment.seq != me.next {
                pass.events.add(Event::SplitWrongSeq);
            } else if !peer.may_acknowledge(segment.ack) {
                pass.events.add(Event::SplitInvalidAck);
                pass.events.add(Event::InvalidAck);
            } else {
                return true;
            }
            return false;
        }
        if !from_opener {
            // With fast open the answering side may send at once (RFC 7413 section 3). Else the handshake's ACK was
            // missed if this continues what both said.
            let continues =
                segment.seq == me.next && !behind(segment.ack, peer.acked) && peer.may_acknowledge(segment.ack);
            if continues || peer.is(FAST_OPEN) || midstream {
                return true;
            }
            pass.events.add(Event::HandshakeAckWrongDirection);
            return false;
        }
        if peer.is(OTHER_ISN) && segment.ack == peer.fin.wrapping_add(1) {
            // The opener took the other SYN-ACK.
            let isn = peer.fin;
            peer.start(isn);
        }
        peer.clear(OTHER_ISN);
        let first = peer.isn.wrapping_add(1);
        let right_ack = segment.ack == first || (!behind(segment.ack, first) && !behind(peer.top, segment.ack));
        let ahead = distance(me.next, segment.seq);
        let right_seq = ahead == 0 || segment.seq == me.top || midstream;
        match (right_seq, right_ack) {
            (true, true) => true,
            (true, false) => {
                pass.events.add(Event::HandshakeWrongAck);
                false
            }
            // What lies between was missed.
            (false, true) if ahead > 0 && me.is(EDGE) && !behind(me.edge, segment.seq) => true,
            (false, _) => {
                pass.events.add(Event::HandshakeWrongSeqAndAck);
                false
            }
        }
    }

    /// The SYN-ACK.
    fn syn_ack<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let (me, opener) = self.pair(segment.side);
        let other = opener.fin.wrapping_add(1);
        if opener.is(OTHER_ISN) && segment.ack == other {
            let isn = opener.fin;
            opener.start(isn);
        }
        let first = opener.isn.wrapping_add(1);
        // It may acknowledge the SYN's data too (RFC 7413 section 4.2.2).
        if behind(segment.ack, first) || behind(opener.top, segment.ack) {
            return pass.events.add(Event::SynAckWrongAck);
        }
        opener.clear(OTHER_ISN);
        me.start_with(segment);
        if opener.is(ASIDE) && segment.ack == first {
            opener.top = first;
            if opener.is(FAST_OPEN) && me.is(FAST_OPEN) {
                pass.events.add(Event::FastOpenIgnored);
            }
        }
        opener.edge = segment.ack.wrapping_add(u32::from(segment.window));
        opener.set(EDGE);
        let side = segment.side;
        opener.acknowledge(pass, side.other(), segment.ack);
        self.agree(side);
        self.tries = 1;
        self.state = State::SynRecv;
        let (me, _) = self.pair(side);
        if segment.len > 0 {
            take_payload(me, pass, segment, segment.seq.wrapping_add(1));
        }
    }

    /// The SYN-ACK of a split handshake: from the side that sent the first SYN.
    fn split_syn_ack<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let side = segment.side;
        let (me, peer) = self.pair(side);
        if segment.ack != peer.isn.wrapping_add(1) {
            return pass.events.add(Event::SplitSynAckWrongAck);
        }
        if segment.seq != me.isn {
            return pass.events.add(Event::SplitSynAckWrongSyn);
        }
        peer.edge = segment.ack.wrapping_add(u32::from(segment.window));
        peer.set(EDGE);
        me.take_options(segment);
        peer.acknowledge(pass, side.other(), segment.ack);
        self.agree(side);
        self.state = State::SynRecv;
    }

    /// Options count if both offered them; the answer's SYN or SYN-ACK has now been taken.
    fn agree(&mut self, answered: Side) {
        let (me, opener) = self.pair(answered);
        if !(me.is(SCALE) && opener.is(SCALE)) {
            me.scale = 0;
            opener.scale = 0;
        }
        if !(me.is(STAMP) && opener.is(STAMP)) {
            me.clear(STAMP);
            opener.clear(STAMP);
        }
        // Until here `edge` is the window of the opener's SYN.
        me.edge = me.next.wrapping_add(me.edge);
        me.set(EDGE);
    }

    /// The SYN once more, perhaps another one.
    fn another_syn<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let max = pass.streams.settings.max_syns;
        let (me, _) = self.pair(segment.side);
        if segment.seq == me.isn {
            return;
        }
        // Either may be answered: the last one becomes the connection's, the one before it is kept in mind.
        let before = me.isn;
        self.take_syn(segment);
        let (me, _) = self.pair(segment.side);
        me.fin = before;
        me.set(OTHER_ISN);
        self.keep_syn_data(segment, pass);
        self.tries = self.tries.saturating_add(1);
        if self.tries > max {
            pass.events.add(Event::SynFlood);
        }
    }

    /// A SYN-ACK with another number: the opener's ACK will say which it took.
    fn another_syn_ack<R>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let (me, _) = self.pair(segment.side);
        if !me.is(OTHER_ISN) || me.fin != segment.seq {
            me.fin = segment.seq;
            me.set(OTHER_ISN);
            self.tries = self.tries.saturating_add(1);
        }
        pass.events.add(Event::SynAckOtherSeq);
        if self.tries > pass.streams.settings.max_syn_acks {
            pass.events.add(Event::SynAckFlood);
        }
    }

    /// Data after a SYN whose answer wasn't seen.
    fn answer_missed<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let settings = pass.streams.settings;
        if !(settings.one_sided || settings.midstream) {
            return;
        }
        let from_opener = segment.side == self.opener();
        let (me, peer) = self.pair(segment.side);
        if from_opener && segment.seq != me.next && segment.seq != me.top {
            return pass.events.add(Event::HandshakeOneSidedWrongSeq);
        }
        if !from_opener && (behind(segment.ack, peer.next) || behind(peer.top, segment.ack)) {
            return pass.events.add(Event::SynAckWrongAck);
        }
        // The windows of the side whose scale is unknown say nothing.
        me.clear(EDGE | STAMP | OTHER_ISN);
        peer.clear(EDGE | STAMP | OTHER_ISN);
        self.state = State::Established;
        self.synchronized(segment, pass);
    }

    /// A SYN-ACK without its SYN.
    fn pick_up_syn_ack(&mut self, segment: &Segment<'_>) {
        let side = segment.side;
        self.set_opener(side.other());
        self.marks |= MIDSTREAM;
        self.tries = 1;
        let (me, peer) = self.pair(side);
        me.start_with(segment);
        me.clear(STAMP);
        peer.start(segment.ack.wrapping_sub(1));
        peer.acked = segment.ack;
        peer.set(ACKED);
        self.state = State::SynRecv;
    }

    /// A RST that answers a SYN has to acknowledge it (RFC 9293 section 3.10.7.3).
    fn refuse<R>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        let from_opener = segment.side == self.opener();
        let (me, peer) = self.pair(segment.side);
        let meant = if from_opener {
            segment.seq == me.isn || segment.seq == me.next || segment.seq == me.top
        } else {
            let first = peer.isn.wrapping_add(1);
            segment.has(flags::ACK) && !behind(segment.ack, first) && !behind(peer.top, segment.ack)
        };
        if meant {
            me.set(RST);
            self.before_reset = self.state;
            self.state = State::Closed;
        } else if segment.has(flags::ACK) {
            pass.events.add(Event::RstInvalidAck);
            pass.events.add(Event::InvalidAck);
        }
    }

    /// Data on a SYN counts when the answer acknowledges it.
    fn keep_syn_data<R: Reader>(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_, R>) {
        if segment.len > 0 {
            let (me, _) = self.pair(segment.side);
            let first = me.next;
            me.put_aside(pass, first, segment.len, segment.payload);
            me.top = first.wrapping_add(segment.len);
        }
    }

    /// Starts a side with its SYN. Its window counts once the peer's numbers are known.
    fn take_syn(&mut self, segment: &Segment<'_>) {
        let (me, peer) = self.pair(segment.side);
        me.start_with(segment);
        peer.edge = u32::from(segment.window);
    }

    fn set_opener(&mut self, side: Side) {
        if side == Side::Server {
            self.marks |= SERVER_OPENED;
        }
    }
}

impl Half {
    /// Starts with a SYN or a SYN-ACK.
    fn start_with(&mut self, segment: &Segment<'_>) {
        self.start(segment.seq);
        self.take_options(segment);
        self.set(SEEN);
    }

    fn take_options(&mut self, segment: &Segment<'_>) {
        self.clear(SCALE | STAMP);
        if let Some(shift) = segment.scale {
            // RFC 7323 section 2.3: more than 14 is taken for 14.
            self.scale = shift.min(14);
            self.set(SCALE);
        }
        if let Some(stamp) = segment.timestamp {
            self.stamp = stamp;
            self.set(STAMP);
        }
        if segment.fast_open {
            self.set(FAST_OPEN);
        }
    }
}
