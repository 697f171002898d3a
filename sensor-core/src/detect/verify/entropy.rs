//! `entropy`: how evenly bytes are spread.

/// Shannon's entropy in thousandths of a bit a byte, rounded: 0 to 8000.
pub(in crate::detect) fn thousandths(data: &[u8]) -> u64 {
    let mut counts = [0_u32; 256];
    for byte in data {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let len = data.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / len;
            -share * share.log2()
        })
        .sum();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let thousandths = (entropy * 1000.0).round() as u64;
    thousandths
}
