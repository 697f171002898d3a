//! Tests of numbers and of fixed words.

use crate::rules::buffer::Side;
use crate::rules::field::Field;
use crate::rules::number::Comparison;

/// A comparison of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberTest {
    /// Which number.
    pub field: Field,
    /// With what.
    pub comparison: Comparison,
    /// Which of several, where there can be more than one.
    pub which: Which,
    /// `filesize` only: of which direction.
    pub side: Option<Side>,
}

/// Which of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Any one of them.
    Any,
    /// All; of none it holds.
    All,
    /// All, and there is one.
    AllOfSome,
    /// Any, or there is none.
    AnyOrNone,
    /// The one of this index; from the end if negative.
    At(i32),
}

/// Keywords of fixed words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WordField {
    /// `ssl_version`
    SslVersion,
    /// `ssl_state`
    SslState,
    /// `krb5.ticket_encryption`
    Krb5TicketEncryption,
    /// `mqtt.flags`
    MqttFlags,
    /// `mqtt.connect.flags`
    MqttConnectFlags,
    /// `mqtt.connack.session_present`
    MqttSessionPresent,
    /// `websocket.flags`
    WebsocketFlags,
    /// `ftp.mode`
    FtpMode,
    /// `ftp.reply_received`
    FtpReplyReceived,
    /// `ftpdata_command`
    FtpDataCommand,
    /// `dnp3_ind`
    Dnp3Indicators,
    /// `http2.settings`
    Http2Settings,
}

/// A test for words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordTest {
    /// Of what.
    pub field: WordField,
    /// Negated, and the word in lower case.
    pub words: Box<[(bool, Box<str>)]>,
}
