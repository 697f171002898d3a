//! What can be odd in HTTP/2, by the names of Suricata's events.

macro_rules! events {
    ($($variant:ident $name:literal,)*) => {
        /// An event; its number is its place in [`NAMES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(dead_code, reason = "rules name them; three are not told apart yet")]
        pub enum Event {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        /// Names, in the order of their numbers.
        pub const NAMES: &[&str] = &[$($name,)*];
    };
}

events! {
    InvalidFrameHeader "invalid_frame_header",
    InvalidClientMagic "invalid_client_magic",
    InvalidFrameData "invalid_frame_data",
    InvalidHeader "invalid_header",
    InvalidFrameLength "invalid_frame_length",
    ExtraHeaderData "extra_header_data",
    LongFrameData "long_frame_data",
    StreamIdReuse "stream_id_reuse",
    InvalidHttp1Settings "invalid_http1_settings",
    FailedDecompression "failed_decompression",
    InvalidRange "invalid_range",
    HeaderIntegerOverflow "header_integer_overflow",
    TooManyStreams "too_many_streams",
    AuthorityHostMismatch "authority_host_mismatch",
    UserinfoInUri "userinfo_in_uri",
    ReassemblyLimitReached "reassembly_limit_reached",
    DnsRequestTooLong "dns_request_too_long",
    DnsResponseTooLong "dns_response_too_long",
    DataStreamZero "data_stream_zero",
    TooManyFrames "too_many_frames",
    CompressionBomb "compression_bomb",
}
