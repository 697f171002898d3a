//! Events of SMTP.

use crate::applayer::mime::odd;

/// Their names; the place is the bit.
pub const NAMES: &[&str] = &[
    "invalid_reply",
    "unable_to_match_reply_with_request",
    "max_command_line_len_exceeded",
    "max_reply_line_len_exceeded",
    "invalid_pipelined_sequence",
    "bdat_chunk_len_exceeded",
    "no_server_welcome_message",
    "tls_rejected",
    "data_command_rejected",
    "failed_protocol_change",
    "duplicate_fields",
    "unparsable_content",
    "invalid_bdat",
    "truncated_line",
    "mime_parse_failed",
    "mime_malformed_msg",
    "mime_invalid_base64",
    "mime_invalid_qp",
    "mime_long_line",
    "mime_long_enc_line",
    "mime_long_header_name",
    "mime_long_header_value",
    "mime_long_boundary",
    "mime_long_filename",
];

pub const INVALID_REPLY: u8 = 0;
pub const INVALID_PIPELINED_SEQUENCE: u8 = 4;
pub const NO_SERVER_WELCOME_MESSAGE: u8 = 6;
pub const TLS_REJECTED: u8 = 7;
pub const DATA_COMMAND_REJECTED: u8 = 8;
pub const DUPLICATE_FIELDS: u8 = 10;
pub const UNPARSABLE_CONTENT: u8 = 11;
pub const INVALID_BDAT: u8 = 12;
pub const TRUNCATED_LINE: u8 = 13;

/// Events of a message, by what was odd in it.
pub const OF_MESSAGE: [(u8, u8); 7] = [
    (odd::INVALID_QP, 17),
    (odd::LONG_LINE, 18),
    (odd::LONG_ENCODED_LINE, 19),
    (odd::LONG_HEADER_NAME, 20),
    (odd::LONG_HEADER_VALUE, 21),
    (odd::LONG_BOUNDARY, 22),
    (odd::LONG_FILENAME, 23),
];
