//! What points hold, by group and variation (IEEE 1815 annex A), under EVE's names.

use super::fields::Field;
use super::fields::Kind::{Bits, Counted, F32, F64, I16, I32, Rest, U8, U16, U32, U48, U64};
use super::fields::Layout::{self, Fields, Octets, Packed};

/// The layout of a group and variation, if it is known and has points.
pub(super) fn layout(group: u8, variation: u8) -> Option<&'static Layout> {
    let mut known = ANALOG_EVENTS.iter().flatten().chain(REST);
    let found = known.find(|(known, variations, _)| *known == group && variations.contains(&variation));
    let octets = || OCTETS.iter().find(|(known, _)| *known == group).map(|(_, layout)| layout);
    found.map(|(.., layout)| layout).or_else(octets)
}

/// Flags of a point with three of its own, and its state.
macro_rules! flags {
    ($($own:literal $bits:literal),*) => {
        ("", Bits(&[
            ("online", 1), ("restart", 1), ("comm_lost", 1), ("remote_forced", 1), ("local_forced", 1), $(($own, $bits)),*
        ]))
    };
}

const BINARY: Field = flags!("chatter_filter" 1, "reserved" 1, "state" 1);
const DOUBLE: Field = flags!("chatter_filter" 1, "state" 2);
const OUTPUT: Field = flags!("reserved0" 1, "reserved1" 1, "state" 1);
const COUNTER: Field = flags!("rollover" 1, "discontinuity" 1, "reserved0" 1);
const ANALOG: Field = flags!("over_range" 1, "reference_err" 1, "reserved0" 1);
const TIME: Field = ("timestamp", U48);
const RELATIVE: Field = ("timestamp", U16);
const STATUS: Field = ("", Bits(&[("status_code", 7), ("reserved", 1)]));
const COMMANDED: Field = ("", Bits(&[("status_code", 7), ("commanded_state", 1)]));
const CONTROL: &[Field] = &[
    ("", Bits(&[("op_type", 4), ("qu", 1), ("cr", 1), ("tcc", 2)])),
    ("count", U8),
    // Suricata spells it so.
    ("onime", U32),
    ("offtime", U32),
    STATUS,
];

/// Analog values in the eight forms of events: with flags, then with times, then floating.
macro_rules! analog_events {
    ($group:literal) => {
        [
            ($group, &[1], Fields(&[ANALOG, ("value", I32)])),
            ($group, &[2], Fields(&[ANALOG, ("value", I16)])),
            ($group, &[3], Fields(&[ANALOG, ("value", I32), TIME])),
            ($group, &[4], Fields(&[ANALOG, ("value", I16), TIME])),
            ($group, &[5], Fields(&[ANALOG, ("value", F32)])),
            ($group, &[6], Fields(&[ANALOG, ("value", F64)])),
            ($group, &[7], Fields(&[ANALOG, ("value", F32), TIME])),
            ($group, &[8], Fields(&[ANALOG, ("value", F64), TIME])),
        ]
    };
}

/// A group, variations of it, and their layout.
type Known = (u8, &'static [u8], Layout);

static ANALOG_EVENTS: [[Known; 8]; 3] = [analog_events!(32), analog_events!(33), analog_events!(42)];

static REST: &[Known] = &[
    (1, &[1], Packed("state", 1)),
    (1, &[2], Fields(&[BINARY])),
    (2, &[1], Fields(&[BINARY])),
    (2, &[2], Fields(&[BINARY, TIME])),
    (2, &[3], Fields(&[BINARY, RELATIVE])),
    (3, &[1], Packed("state", 2)),
    (3, &[2], Fields(&[DOUBLE])),
    (4, &[1], Fields(&[DOUBLE])),
    (4, &[2], Fields(&[DOUBLE, TIME])),
    (4, &[3], Fields(&[DOUBLE, ("relative_time_ms", U16)])),
    (10, &[1], Packed("state", 1)),
    (10, &[2], Fields(&[OUTPUT])),
    (11, &[1], Fields(&[OUTPUT])),
    (11, &[2], Fields(&[OUTPUT, TIME])),
    (12, &[1, 2], Fields(CONTROL)),
    (12, &[3], Packed("point", 1)),
    (13, &[1], Fields(&[COMMANDED])),
    (13, &[2], Fields(&[COMMANDED, TIME])),
    (20, &[1, 3], Fields(&[COUNTER, ("count", U32)])),
    (20, &[2, 4], Fields(&[COUNTER, ("count", U16)])),
    (20, &[5, 7], Fields(&[("count", U32)])),
    (20, &[6, 8], Fields(&[("count", U16)])),
    (21, &[1, 3], Fields(&[COUNTER, ("count", U32)])),
    (21, &[2, 4], Fields(&[COUNTER, ("count", U16)])),
    (21, &[5, 7], Fields(&[COUNTER, ("count", U32), TIME])),
    (21, &[6, 8], Fields(&[COUNTER, ("count", U16), TIME])),
    (21, &[9, 11], Fields(&[("count", U32)])),
    (21, &[10, 12], Fields(&[("count", U16)])),
    (22, &[1, 3], Fields(&[COUNTER, ("count", U32)])),
    (22, &[2, 4], Fields(&[COUNTER, ("count", U16)])),
    (22, &[5, 7], Fields(&[COUNTER, ("count", U32), TIME])),
    (22, &[6, 8], Fields(&[COUNTER, ("count", U16), TIME])),
    (23, &[1, 3], Fields(&[COUNTER, ("count", U32)])),
    (23, &[2, 4], Fields(&[COUNTER, ("count", U16)])),
    (23, &[5, 7], Fields(&[COUNTER, ("count", U32), TIME])),
    (23, &[6, 8], Fields(&[COUNTER, ("count", U16), TIME])),
    (30, &[1], Fields(&[ANALOG, ("value", I32)])),
    (30, &[2], Fields(&[ANALOG, ("value", I16)])),
    (30, &[3], Fields(&[("value", I32)])),
    (30, &[4], Fields(&[("value", I16)])),
    (30, &[5], Fields(&[ANALOG, ("value", F32)])),
    (30, &[6], Fields(&[ANALOG, ("value", F64)])),
    (31, &[1], Fields(&[ANALOG, ("value", I32)])),
    (31, &[2], Fields(&[ANALOG, ("value", I16)])),
    (31, &[3], Fields(&[ANALOG, ("value", I32), TIME])),
    (31, &[4], Fields(&[ANALOG, ("value", I16), TIME])),
    (31, &[5], Fields(&[("value", I32)])),
    (31, &[6], Fields(&[("value", I16)])),
    (31, &[7], Fields(&[ANALOG, ("value", F32)])),
    (31, &[8], Fields(&[ANALOG, ("value", F64)])),
    (34, &[1], Fields(&[("deadband_value", U16)])),
    (34, &[2], Fields(&[("deadband_value", U32)])),
    (34, &[3], Fields(&[("deadband_value", F32)])),
    (40, &[1], Fields(&[ANALOG, ("value", I32)])),
    (40, &[2], Fields(&[ANALOG, ("value", I16)])),
    (40, &[3], Fields(&[ANALOG, ("value", F32)])),
    (40, &[4], Fields(&[ANALOG, ("value", F64)])),
    (41, &[1], Fields(&[("value", I32), ("control_status", U8)])),
    (41, &[2], Fields(&[("value", I16), ("control_status", U8)])),
    (41, &[3], Fields(&[("value", F32), ("control_status", U8)])),
    (41, &[4], Fields(&[("value", F64), ("control_status", U8)])),
    (43, &[1], Fields(&[STATUS, ("commanded_value", I32)])),
    (43, &[2], Fields(&[STATUS, ("commanded_value", I16)])),
    (43, &[3], Fields(&[STATUS, ("commanded_value", I32), TIME])),
    (43, &[4], Fields(&[STATUS, ("commanded_value", I16), TIME])),
    (43, &[5], Fields(&[STATUS, ("commanded_value", F32)])),
    (43, &[6], Fields(&[STATUS, ("commanded_value", F64)])),
    (43, &[7], Fields(&[STATUS, ("commanded_value", F32), TIME])),
    (43, &[8], Fields(&[STATUS, ("commanded_value", F64), TIME])),
    (50, &[1, 3], Fields(&[TIME])),
    (50, &[2], Fields(&[TIME, ("interval", U32)])),
    (50, &[4], Fields(&[TIME, ("interval_count", U32), ("interval_units", U8)])),
    (51, &[1, 2], Fields(&[TIME])),
    (52, &[1], Fields(&[("delay_secs", U16)])),
    (52, &[2], Fields(&[("delay_ms", U16)])),
    (60, &[1, 2, 3, 4], Fields(&[])),
    (
        70,
        &[2],
        Fields(&[
            ("username_offset", U16),
            ("username_size", U16),
            ("password_offset", U16),
            ("password_size", U16),
            ("authentication_key", U32),
            ("username", Counted(1)),
            ("password", Counted(3)),
        ]),
    ),
    (
        70,
        &[3],
        Fields(&[
            ("filename_offset", U16),
            ("filename_size", U16),
            ("created", U48),
            ("permissions", U16),
            ("authentication_key", U32),
            ("file_size", U32),
            ("operational_mode", U16),
            ("maximum_block_size", U16),
            ("request_id", U16),
            ("filename", Counted(1)),
        ]),
    ),
    (
        70,
        &[4],
        Fields(&[
            ("file_handle", U32),
            ("file_size", U32),
            ("maximum_block_size", U16),
            ("request_id", U16),
            ("status_code", U8),
            ("optional_text", Rest),
        ]),
    ),
    (70, &[5], Fields(&[("file_handle", U32), ("block_number", U32), ("file_data", Rest)])),
    (70, &[6], Fields(&[("file_handle", U32), ("block_number", U32), ("status_code", U8), ("optional_text", Rest)])),
    (
        70,
        &[7],
        Fields(&[
            ("filename_offset", U16),
            ("filename_size", U16),
            ("file_type", U16),
            ("file_size", U32),
            ("created_timestamp", U48),
            ("permissions", U16),
            ("request_id", U16),
            ("filename", Counted(1)),
        ]),
    ),
    (70, &[8], Fields(&[("file_specification", Rest)])),
    (80, &[1], Packed("state", 1)),
    (101, &[1], Fields(&[("value", U16)])),
    (101, &[2], Fields(&[("value", U32)])),
    (101, &[3], Fields(&[("value", U64)])),
    (102, &[1], Fields(&[("value", U8)])),
    (120, &[1], Fields(&[("csq", U32), ("usr", U16), ("mal", U8), ("reason", U8), ("challenge_data", Rest)])),
    (120, &[2], Fields(&[("csq", U32), ("usr", U16), ("mac_value", Rest)])),
    (120, &[3], Fields(&[("csq", U32), ("user_number", U16)])),
    (120, &[4], Fields(&[("user_number", U16)])),
];

/// Octet strings (110, 111) and virtual terminals (112, 113) of any variation.
static OCTETS: [(u8, Layout); 4] =
    [(110, Octets("data")), (111, Octets("data")), (112, Octets("data_point")), (113, Octets("data_point"))];
