//! What can be odd in HTTP, by the names of Suricata's events.

macro_rules! events {
    ($($variant:ident $name:literal,)*) => {
        /// An event; its number is its place in [`NAMES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Event {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        /// Names, in the order of their numbers.
        pub const NAMES: &[&str] = &[$($name,)*];
    };
}

events! {
    GzipDecompressionFailed "gzip_decompression_failed",
    RequestFieldMissingColon "request_field_missing_colon",
    ResponseFieldMissingColon "response_field_missing_colon",
    InvalidRequestChunkLen "invalid_request_chunk_len",
    InvalidResponseChunkLen "invalid_response_chunk_len",
    InvalidTransferEncodingInRequest "invalid_transfer_encoding_value_in_request",
    InvalidTransferEncodingInResponse "invalid_transfer_encoding_value_in_response",
    InvalidContentLengthInRequest "invalid_content_length_field_in_request",
    InvalidContentLengthInResponse "invalid_content_length_field_in_response",
    DuplicateContentLengthInRequest "duplicate_content_length_field_in_request",
    DuplicateContentLengthInResponse "duplicate_content_length_field_in_response",
    ContinueAlreadySeen "100_continue_already_seen",
    UnableToMatchResponse "unable_to_match_response_to_request",
    RequestHeaderInvalid "request_header_invalid",
    ResponseHeaderInvalid "response_header_invalid",
    MissingHost "missing_host_header",
    HostAmbiguous "host_header_ambiguous",
    InvalidRequestFolding "invalid_request_field_folding",
    InvalidResponseFolding "invalid_response_field_folding",
    RequestFieldTooLong "request_field_too_long",
    ResponseFieldTooLong "response_field_too_long",
    PortMismatch "request_server_port_tcp_port_mismatch",
    UriHostInvalid "request_uri_host_invalid",
    HeaderHostInvalid "request_header_host_invalid",
    MethodDelimiter "method_delim_non_compliant",
    UriDelimiter "uri_delim_non_compliant",
    RequestLineLeadingWhitespace "request_line_leading_whitespace",
    TooManyLayers "too_many_encoding_layers",
    AbnormalContentEncoding "abnormal_ce_header",
    AuthUnrecognized "request_auth_unrecognized",
    RequestHeaderRepetition "request_header_repetition",
    ResponseHeaderRepetition "response_header_repetition",
    ResponseByteranges "response_multipart_byteranges",
    AbnormalTransferEncoding "response_abnormal_transfer_encoding",
    ChunkedOldProtocol "response_chunked_old_proto",
    InvalidProtocol "response_invalid_protocol",
    InvalidStatus "response_invalid_status",
    RequestLineIncomplete "request_line_incomplete",
    RequestLineMissingProtocol "request_line_missing_protocol",
    RequestLineInvalid "request_line_invalid",
    DoubleEncodedUri "double_encoded_uri",
    RequestBodyUnexpected "request_body_unexpected",
    CompressionBomb "compression_bomb",
    RangeInvalid "range_invalid",
    FileNameTooLong "file_name_too_long",
    RequestChunkExtension "request_chunk_extension",
    ResponseChunkExtension "response_chunk_extension",
    RequestTooManyHeaders "request_too_many_headers",
    ResponseTooManyHeaders "response_too_many_headers",
    MultipartNoFile "multipart_no_filedata",
    MultipartInvalidHeader "multipart_invalid_header",
    MultipartError "multipart_generic_error",
}
