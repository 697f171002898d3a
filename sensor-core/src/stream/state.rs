//! Connection states, and the names of what is odd in each.

use super::event::Event;

/// Where a connection stands. As in Suricata, the closing states are those of the server's host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// No packet that belongs to a connection.
    #[default]
    None,
    /// A SYN.
    SynSent,
    /// Its SYN-ACK.
    SynRecv,
    /// The handshake ended, or the connection was picked up midstream.
    Established,
    /// The server closed.
    FinWait1,
    /// The server closed and was acknowledged.
    FinWait2,
    /// Both closed, the server first, which is not yet acknowledged.
    Closing,
    /// Both closed, the server first.
    TimeWait,
    /// The client closed.
    CloseWait,
    /// Both closed, the client first.
    LastAck,
    /// Both closed and acknowledged, or reset.
    Closed,
}

/// The names of what can be odd once both sides know each other's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Oddities {
    pub invalid_ack: Event,
    pub out_of_window: Event,
    pub fin_out_of_window: Event,
    pub before_last_ack: Option<Event>,
}

impl State {
    /// The name, as EVE spells it.
    pub fn name(self) -> &'static str {
        match self {
            State::None => "none",
            State::SynSent => "syn_sent",
            State::SynRecv => "syn_recv",
            State::Established => "established",
            State::FinWait1 => "fin_wait1",
            State::FinWait2 => "fin_wait2",
            State::Closing => "closing",
            State::TimeWait => "time_wait",
            State::CloseWait => "close_wait",
            State::LastAck => "last_ack",
            State::Closed => "closed",
        }
    }

    /// A FIN was seen, or a RST believed.
    pub fn is_closing(self) -> bool {
        self > State::Established
    }

    pub(super) fn oddities(self) -> Oddities {
        let of = |invalid_ack, out_of_window, fin_out_of_window, before_last_ack| Oddities {
            invalid_ack,
            out_of_window,
            fin_out_of_window,
            before_last_ack,
        };
        use Event::*;
        match self {
            State::None | State::SynSent | State::SynRecv | State::Established => {
                of(EstInvalidAck, OutOfWindow, FinOutOfWindow, Some(BeforeLastAck))
            }
            State::FinWait1 => of(Fin1InvalidAck, Fin1WrongSeq, Fin1FinWrongSeq, None),
            State::FinWait2 => of(Fin2InvalidAck, Fin2WrongSeq, Fin2FinWrongSeq, None),
            State::Closing => of(ClosingInvalidAck, ClosingWrongSeq, ClosingWrongSeq, None),
            State::CloseWait => {
                of(CloseWaitInvalidAck, CloseWaitOutOfWindow, CloseWaitFinOutOfWindow, Some(CloseWaitBeforeLastAck))
            }
            State::LastAck => of(LastAckInvalidAck, LastAckWrongSeq, LastAckWrongSeq, None),
            State::TimeWait | State::Closed => of(TimeWaitInvalidAck, TimeWaitWrongSeq, TimeWaitWrongSeq, None),
        }
    }
}
