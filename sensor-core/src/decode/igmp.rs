//! IGMP (RFC 2236, RFC 3376).

use super::checksum;
use super::span::Span;
use crate::Anomaly;
use crate::anomaly::Counts;

/// Looks at an IGMP message. A query is one of version 3 if it is longer than those before it (RFC 3376 section 7.1).
pub fn message(body: Span<'_>, verify: bool, anomalies: &mut Counts) {
    if body.len < HEADER {
        return anomalies.add(body.short(Anomaly::IgmpTooSmall));
    }
    if verify && !body.is_cut() && !checksum::sums_up(body.data) {
        anomalies.add(Anomaly::IgmpChecksum);
    }
    let complete = match body.byte(0) {
        Some(QUERY) if body.len > HEADER => match (body.len < QUERY_HEADER, body.be16(10)) {
            (true, _) => return anomalies.add(Anomaly::IgmpV3TooSmall),
            (false, Some(sources)) => QUERY_HEADER + usize::from(sources) * 4 <= body.len,
            (false, None) => true,
        },
        Some(REPORT) => records_fit(body),
        _ => true,
    };
    if !complete {
        anomalies.add(Anomaly::IgmpMalformed);
    }
}

/// The group records of a report (RFC 3376 section 4.2) end before it does, or past what was captured of it.
fn records_fit(body: Span<'_>) -> bool {
    let (Some(records), Some(mut rest)) = (body.be16(6), body.after(HEADER)) else { return true };
    for _ in 0..records {
        let Some([_, auxiliary, high, low]) = rest.data.first_chunk::<4>() else { return rest.is_cut() };
        let sources = usize::from(u16::from_be_bytes([*high, *low]));
        let len = RECORD_HEADER + sources * 4 + usize::from(*auxiliary) * 4;
        if len > rest.len {
            return false;
        }
        let Some(following) = rest.after(len) else { return true };
        rest = following;
    }
    true
}

const QUERY: u8 = 0x11;
const REPORT: u8 = 0x22;
const HEADER: usize = 8;
const QUERY_HEADER: usize = 12;
const RECORD_HEADER: usize = 8;
