//! SCTP's chunks (RFC 9260 section 3), looked at but not followed.

use super::span::Span;
use crate::Anomaly;
use crate::anomaly::Counts;

/// Looks at the chunks of a packet with this verification tag.
pub fn chunks(tag: u32, mut rest: Span<'_>, anomalies: &mut Counts) {
    let (mut all, mut data, mut init) = (0u32, 0u32, false);
    let mut tagless_data = false;
    while rest.len > 0 {
        let Some([kind, _, high, low]) = rest.data.first_chunk::<4>() else {
            if !rest.is_cut() {
                anomalies.add(Anomaly::SctpChunkTooSmall);
            }
            break;
        };
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        if len < 4 || len > rest.len {
            anomalies.add(Anomaly::SctpChunkLength);
            break;
        }
        all += 1;
        data += u32::from(*kind == DATA);
        init |= *kind == INIT;
        tagless_data |= *kind == DATA && tag == 0;
        // The last one may come without the bytes that fill it up.
        let Some(following) = rest.after(len.next_multiple_of(4).min(rest.len)) else { break };
        rest = following;
    }
    for (is, anomaly) in [
        (tagless_data, Anomaly::SctpDataTag),
        (init && all > 1, Anomaly::SctpInitBundled),
        (init && tag != 0, Anomaly::SctpInitTag),
        (all > MOST_CHUNKS, Anomaly::SctpChunks),
        (data > MOST_CHUNKS, Anomaly::SctpDataChunks),
    ] {
        if is {
            anomalies.add(anomaly);
        }
    }
}

const DATA: u8 = 0;
const INIT: u8 = 1;
/// Our own figure: a packet of 1500 bytes holds that many of data only if each carries less than 8 bytes.
const MOST_CHUNKS: u32 = 64;
