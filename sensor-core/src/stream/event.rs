//! What is odd about a TCP packet in its connection: told by a stable name, never an error.

/// Declares the enum together with its names, so that neither can be forgotten.
macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// An oddity of a TCP packet. Names are `stream.` and the `stream-event` of Suricata where it has one of the
        /// same meaning, so that its rules say what they said.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[$doc])* $variant,)+
        }

        impl Event {
            /// Every event, in the order of its discriminant.
            pub const ALL: &'static [Event] = &[$(Event::$variant,)+];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Event::$variant => $name,)+
                }
            }
        }
    };
}

events! {
    /// After SYN and SYN-ACK, an ACK from the side that answered.
    HandshakeAckWrongDirection = "stream.3whs_ack_in_wrong_dir",
    /// One direction seen: the first segment after the SYN doesn't follow it.
    HandshakeOneSidedWrongSeq = "stream.3whs_async_wrong_seq",
    /// The handshake's ACK has the right sequence number and acknowledges nothing that was sent.
    HandshakeWrongAck = "stream.3whs_right_seq_wrong_ack_evasion",
    /// A SYN-ACK from the side that sent the SYN.
    SynAckWrongDirection = "stream.3whs_synack_in_wrong_direction",
    /// A second SYN-ACK that acknowledges something else.
    SynAckOtherAck = "stream.3whs_synack_resend_with_different_ack",
    /// A second SYN-ACK with another initial sequence number.
    SynAckOtherSeq = "stream.3whs_synack_resend_with_diff_seq",
    /// A SYN-ACK from the side that sent the SYN, after the answer's SYN-ACK.
    SynAckToServer = "stream.3whs_synack_toserver_on_syn_recv",
    /// A SYN-ACK that doesn't acknowledge the SYN.
    SynAckWrongAck = "stream.3whs_synack_with_wrong_ack",
    /// Too many different SYN-ACKs.
    SynAckFlood = "stream.3whs_synack_flood",
    /// The SYN's data (TCP Fast Open, RFC 7413) was not acknowledged.
    FastOpenIgnored = "stream.3whs_synack_tfo_data_ignored",
    /// Too many different SYNs.
    SynFlood = "stream.3whs_syn_flood",
    /// After the SYN-ACK, a SYN with another sequence number.
    SynOtherSeq = "stream.3whs_syn_resend_diff_seq_on_syn_recv",
    /// After the SYN-ACK, a SYN from the side that answered.
    SynToClient = "stream.3whs_syn_toclient_on_syn_recv",
    /// The handshake's ACK is wrong in both numbers.
    HandshakeWrongSeqAndAck = "stream.3whs_wrong_seq_wrong_ack",
    /// Data from the answering side before the handshake ended. Only an inline sensor tells it; here for the rules.
    HandshakeDataInjected = "stream.3whs_ack_data_inject",
    /// Split handshake: the SYN-ACK doesn't acknowledge the other SYN.
    SplitSynAckWrongAck = "stream.4whs_synack_with_wrong_ack",
    /// Split handshake: the SYN-ACK has not the number of the first SYN.
    SplitSynAckWrongSyn = "stream.4whs_synack_with_wrong_syn",
    /// Split handshake: the last ACK has a wrong sequence number.
    SplitWrongSeq = "stream.4whs_wrong_seq",
    /// Split handshake: the last ACK acknowledges nothing that was sent.
    SplitInvalidAck = "stream.4whs_invalid_ack",
    /// After the client's FIN: a segment past the window.
    CloseWaitOutOfWindow = "stream.closewait_ack_out_of_window",
    /// After the client's FIN: a FIN outside of the window.
    CloseWaitFinOutOfWindow = "stream.closewait_fin_out_of_window",
    /// After the client's FIN: a segment below what was acknowledged.
    CloseWaitBeforeLastAck = "stream.closewait_pkt_before_last_ack",
    /// After the client's FIN: an acknowledgement of nothing that was sent.
    CloseWaitInvalidAck = "stream.closewait_invalid_ack",
    /// Both sides closed at once: a segment past the window.
    ClosingWrongSeq = "stream.closing_ack_wrong_seq",
    /// Both sides closed at once: an acknowledgement of nothing that was sent.
    ClosingInvalidAck = "stream.closing_invalid_ack",
    /// A segment past the receiver's window.
    OutOfWindow = "stream.est_packet_out_of_window",
    /// A segment below what was acknowledged.
    BeforeLastAck = "stream.est_pkt_before_last_ack",
    /// A SYN-ACK once more.
    EstSynAckResend = "stream.est_synack_resend",
    /// A SYN-ACK once more, that acknowledges something else.
    EstSynAckOtherAck = "stream.est_synack_resend_with_different_ack",
    /// A SYN-ACK once more, with another sequence number.
    EstSynAckOtherSeq = "stream.est_synack_resend_with_diff_seq",
    /// A SYN-ACK from the side that opened.
    EstSynAckToServer = "stream.est_synack_toserver",
    /// A SYN once more.
    EstSynResend = "stream.est_syn_resend",
    /// A SYN once more, with another sequence number.
    EstSynOtherSeq = "stream.est_syn_resend_diff_seq",
    /// A SYN from the side that answered.
    EstSynToClient = "stream.est_syn_toclient",
    /// An acknowledgement of nothing that was sent.
    EstInvalidAck = "stream.est_invalid_ack",
    /// The acknowledgement of a zero-window probe's byte.
    EstAckOfProbe = "stream.est_ack_zwp_data",
    /// The first FIN acknowledges nothing that was sent.
    FinInvalidAck = "stream.fin_invalid_ack",
    /// After the server's FIN: a segment past the window.
    Fin1WrongSeq = "stream.fin1_ack_wrong_seq",
    /// After the server's FIN: a FIN outside of the window.
    Fin1FinWrongSeq = "stream.fin1_fin_wrong_seq",
    /// After the server's FIN: an acknowledgement of nothing that was sent.
    Fin1InvalidAck = "stream.fin1_invalid_ack",
    /// After the server's acknowledged FIN: a segment past the window.
    Fin2WrongSeq = "stream.fin2_ack_wrong_seq",
    /// After the server's acknowledged FIN: a FIN outside of the window.
    Fin2FinWrongSeq = "stream.fin2_fin_wrong_seq",
    /// After the server's acknowledged FIN: an acknowledgement of nothing that was sent.
    Fin2InvalidAck = "stream.fin2_invalid_ack",
    /// A FIN that belongs to no connection.
    FinNoSession = "stream.fin_but_no_session",
    /// The first FIN is outside of the window.
    FinOutOfWindow = "stream.fin_out_of_window",
    /// FIN and SYN in one packet.
    FinSyn = "stream.fin_syn",
    /// After both FINs, the client's first: a segment past the window.
    LastAckWrongSeq = "stream.lastack_ack_wrong_seq",
    /// After both FINs, the client's first: an acknowledgement of nothing that was sent.
    LastAckInvalidAck = "stream.lastack_invalid_ack",
    /// A RST that belongs to no connection.
    RstNoSession = "stream.rst_but_no_session",
    /// A RST whose acknowledgement is of nothing that was sent.
    RstInvalidAck = "stream.rst_invalid_ack",
    /// A RST inside the window but not at the next number: the host asks back (RFC 5961 section 3.2).
    RstChallenged = "stream.rst_challenged",
    /// A RST outside of the window.
    RstOutOfWindow = "stream.rst_out_of_window",
    /// The alleged sender of a RST goes on sending.
    SuspectedRstInject = "stream.suspected_rst_inject",
    /// After both FINs, the server's first: a segment past the window.
    TimeWaitWrongSeq = "stream.timewait_ack_wrong_seq",
    /// After both FINs, the server's first: an acknowledgement of nothing that was sent.
    TimeWaitInvalidAck = "stream.timewait_invalid_ack",
    /// A SYN while the connection closes.
    ShutdownSynResend = "stream.shutdown_syn_resend",
    /// A timestamp older than the last one (PAWS, RFC 7323 section 5).
    InvalidTimestamp = "stream.pkt_invalid_timestamp",
    /// An acknowledgement of nothing that was sent.
    InvalidAck = "stream.pkt_invalid_ack",
    /// An acknowledgement number without the ACK flag.
    BrokenAck = "stream.pkt_broken_ack",
    /// A window that shrinks in a segment ahead of everything seen. Never told: a window that was granted is not taken
    /// back here, so that such a segment does no harm.
    BadWindowUpdate = "stream.pkt_bad_window_update",
    /// Data that was sent before.
    Retransmission = "stream.pkt_retransmission",
    /// Data that was acknowledged before.
    SpuriousRetransmission = "stream.pkt_spurious_retransmission",
    /// Data wholly below what was handed to the reader.
    BeforeBase = "stream.reassembly_segment_before_base_seq",
    /// Missing data.
    Gap = "stream.reassembly_seq_gap",
    /// Two segments say different things of the same numbers.
    OverlapDifferent = "stream.reassembly_overlap_different_data",
    /// A side reached its depth.
    DepthReached = "stream.reassembly_depth_reached",
    /// More urgent bytes than are taken out of band.
    UrgentLimit = "stream.reassembly_urgent_oob_limit_reached",
    /// A segment wasn't kept because a bound was reached: the stream went on after a gap.
    NoMemory = "stream.reassembly_no_segment",
    /// Never told: one connection is always with one worker. Here for the rules.
    WrongThread = "stream.wrong_thread",
}

/// The events of one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(u128);

const _: () = assert!(Event::ALL.len() <= 128);

impl Events {
    /// None.
    pub const NONE: Events = Events(0);

    /// Adds one.
    #[inline]
    pub fn add(&mut self, event: Event) {
        self.0 |= 1 << event as u8;
    }

    /// True if it is among them.
    #[inline]
    pub fn has(self, event: Event) -> bool {
        self.0 >> event as u8 & 1 == 1
    }

    /// True if there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Event> {
        Event::ALL.iter().copied().filter(move |event| self.has(*event))
    }
}

/// How often each event came.
#[derive(Clone, Debug)]
pub struct Counts([u64; Event::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Counts([0; Event::ALL.len()])
    }
}

impl Counts {
    /// Counts a packet's events.
    #[inline]
    pub fn add(&mut self, events: Events) {
        let mut rest = events.0;
        while rest != 0 {
            if let Some(n) = self.0.get_mut(rest.trailing_zeros() as usize) {
                *n += 1;
            }
            rest &= rest - 1;
        }
    }

    /// How often this one came.
    pub fn get(&self, event: Event) -> u64 {
        self.0.get(event as usize).copied().unwrap_or(0)
    }

    /// Those that came at all, most frequent first, then by name.
    pub fn ranked(&self) -> Vec<(&'static str, u64)> {
        let mut list: Vec<_> = Event::ALL.iter().map(|e| (e.name(), self.get(*e))).filter(|(_, n)| *n > 0).collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_events_counted_apart() {
        let mut names: Vec<_> = Event::ALL.iter().map(|e| e.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Event::ALL.len());
        let mut events = Events::NONE;
        events.add(Event::Gap);
        events.add(Event::WrongThread);
        assert_eq!(events.iter().collect::<Vec<_>>(), [Event::Gap, Event::WrongThread]);
        let mut counts = Counts::default();
        counts.add(events);
        events = Events::NONE;
        events.add(Event::Gap);
        counts.add(events);
        assert_eq!(counts.ranked(), [("stream.reassembly_seq_gap", 2), ("stream.wrong_thread", 1)]);
    }
}
