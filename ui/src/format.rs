//! Numbers, times and names as they stand on screen. Pure, so that every rule here is tested without a browser.

use sensor_wire::Timestamp;

const NANOS: i64 = 1_000_000_000;

/// Bytes in decimal units with one digit after the point: `999 B`, `1.8 MB`.
pub fn bytes(n: u64) -> String {
    if n < 1_000 {
        return format!("{n} B");
    }
    let mut value = n as f64;
    for unit in ["KB", "MB", "GB", "TB", "PB"] {
        value /= 1_000.0;
        // 999.95 would round up to 1000.0: it belongs to the next unit.
        if value < 999.95 {
            return format!("{value:.1} {unit}");
        }
    }
    format!("{:.1} EB", value / 1_000.0)
}

/// A rate in bits, told in bytes a second: `640 bit/s`, `8.1 Mbit/s`.
pub fn bit_rate(bytes: u64) -> String {
    let bits = bytes.saturating_mul(8);
    if bits < 1_000 {
        return format!("{bits} bit/s");
    }
    let mut value = bits as f64;
    for unit in ["kbit/s", "Mbit/s", "Gbit/s"] {
        value /= 1_000.0;
        if value < 999.95 {
            return format!("{value:.1} {unit}");
        }
    }
    format!("{:.1} Tbit/s", value / 1_000.0)
}

/// Packets a second: `1,204 packets/s`.
pub fn per_second(packets: u64) -> String {
    format!("{}/s", counted(packets, "packet"))
}

/// A whole number with its thousands apart: `71,204`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun, `1 server`, `306 servers`. Good for nouns whose plural takes an `s`.
pub fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(n)) }
}

/// `MM/DD HH:MM:SS`, `utc_offset` seconds east of UTC.
pub fn time(at: Timestamp, utc_offset: i32) -> String {
    let civil = Civil::of(at, utc_offset);
    format!("{:02}/{:02} {:02}:{:02}:{:02}", civil.month, civil.day, civil.hour, civil.minute, civil.second)
}

/// `HH:MM:SS.mmm`, for flows, where the order within a second matters and the day is the row's.
pub fn clock_millis(at: Timestamp, utc_offset: i32) -> String {
    let civil = Civil::of(at, utc_offset);
    let millis = at.rem_euclid(NANOS) / 1_000_000;
    format!("{:02}:{:02}:{:02}.{millis:03}", civil.hour, civil.minute, civil.second)
}

/// `MM/DD HH:MM:SS.mmmmmm`, for a single frame.
pub fn time_micros(at: Timestamp, utc_offset: i32) -> String {
    format!("{}.{:06}", time(at, utc_offset), at.rem_euclid(NANOS) / 1_000)
}

/// `YYYY-MM-DD`, where a span is so long that months alone would mislead.
pub fn date(at: Timestamp, utc_offset: i32) -> String {
    let civil = Civil::of(at, utc_offset);
    format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
}

/// The full date in UTC with nanoseconds, as the packet carried it.
pub fn utc(at: Timestamp) -> String {
    let c = Civil::of(at, 0);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:09} UTC",
        c.year,
        c.month,
        c.day,
        c.hour,
        c.minute,
        c.second,
        at.rem_euclid(NANOS)
    )
}

/// A cause in words, as a sentence: it ends with a full stop, if not with a mark of its own.
pub fn sentence(words: &str) -> String {
    let words = words.trim_end();
    if words.is_empty() || words.ends_with(['.', '!', '?', '…', ':']) { words.into() } else { format!("{words}.") }
}

/// An offset from UTC in words: `UTC`, `UTC+1`, `UTC−3:30`.
pub fn offset(utc_offset: i32) -> String {
    let minutes = utc_offset.unsigned_abs() / 60;
    let sign = if utc_offset < 0 { '−' } else { '+' };
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".into(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// How long something took, in at most two units: `0.312 s`, `4 min 12 s`, `2 h 5 min`.
pub fn duration(nanos: i64) -> String {
    let nanos = nanos.max(0);
    if nanos < 60 * NANOS {
        return format!("{:.3} s", nanos as f64 / NANOS as f64);
    }
    let seconds = nanos / NANOS;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if hours > 0 {
        format!("{hours} h {minutes} min")
    } else {
        format!("{minutes} min {} s", seconds % 60)
    }
}

/// How far a capture has been read, in whole percent; `None` while its size is unknown. Never 100 before the end.
pub fn percent(read: u64, total: u64) -> Option<u8> {
    if total == 0 {
        return None;
    }
    let percent = u128::from(read) * 100 / u128::from(total);
    Some(if read >= total { 100 } else { percent.min(99) as u8 })
}

/// TCP flags by their names, in the order of their bits.
pub fn tcp_flags(flags: u8) -> String {
    let named: Vec<&str> = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
        .iter()
        .enumerate()
        .filter(|(bit, _)| flags & (1 << bit) != 0)
        .map(|(_, &name)| name)
        .collect();
    if named.is_empty() { "none".into() } else { named.join(" ") }
}

/// Name of an IP protocol: IANA, "Assigned Internet Protocol Numbers".
pub fn proto(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "HOPOPT, IPv6 hop-by-hop option",
        1 => "ICMP, Internet Control Message",
        2 => "IGMP, Internet Group Management",
        3 => "GGP, Gateway-to-Gateway",
        4 => "IPv4 encapsulation",
        6 => "TCP, Transmission Control",
        8 => "EGP, Exterior Gateway Protocol",
        9 => "IGP, private interior gateway",
        17 => "UDP, User Datagram",
        27 => "RDP, Reliable Data Protocol",
        33 => "DCCP, Datagram Congestion Control Protocol",
        41 => "IPv6 encapsulation",
        43 => "IPv6-Route, routing header for IPv6",
        44 => "IPv6-Frag, fragment header for IPv6",
        46 => "RSVP, Reservation Protocol",
        47 => "GRE, Generic Routing Encapsulation",
        50 => "ESP, Encap Security Payload",
        51 => "AH, Authentication Header",
        58 => "IPv6-ICMP, ICMP for IPv6",
        59 => "IPv6-NoNxt, no next header for IPv6",
        60 => "IPv6-Opts, destination options for IPv6",
        88 => "EIGRP",
        89 => "OSPFIGP, Open Shortest Path First",
        94 => "IPIP, IP-within-IP encapsulation",
        97 => "ETHERIP, Ethernet-within-IP encapsulation",
        103 => "PIM, Protocol Independent Multicast",
        108 => "IPComp, IP Payload Compression Protocol",
        112 => "VRRP, Virtual Router Redundancy Protocol",
        115 => "L2TP, Layer Two Tunneling Protocol",
        124 => "IS-IS over IPv4",
        132 => "SCTP, Stream Control Transmission Protocol",
        133 => "FC, Fibre Channel",
        136 => "UDPLite",
        137 => "MPLS-in-IP",
        143 => "Ethernet",
        _ => return None,
    })
}

/// The short name of a protocol in running text: `tcp`, or its number.
pub fn proto_short(number: u8) -> String {
    match number {
        1 => "icmp".into(),
        2 => "igmp".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        47 => "gre".into(),
        50 => "esp".into(),
        58 => "icmpv6".into(),
        132 => "sctp".into(),
        other => format!("ip proto {other}"),
    }
}

/// A moment as a calendar shows it.
struct Civil {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Civil {
    /// The proleptic Gregorian calendar by whole eras of 400 years, which begin on a 1st of March so that the leap day
    /// is a year's last.
    fn of(at: Timestamp, utc_offset: i32) -> Civil {
        let seconds = at.div_euclid(NANOS) + i64::from(utc_offset);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let since_era_zero = days + 719_468;
        let (era, day_of_era) = (since_era_zero.div_euclid(146_097), since_era_zero.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as u8,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8,
            hour: (of_day / 3_600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_the_unit_in_which_they_read_best() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_000), "1.0 KB");
        assert_eq!(bytes(412_600), "412.6 KB");
        assert_eq!(bytes(999_949), "999.9 KB");
        assert_eq!(bytes(999_950), "1.0 MB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
    }

    #[test]
    fn rates_are_in_bits_and_take_their_unit() {
        assert_eq!([0, 80, 125, 1_012_500].map(bit_rate), ["0 bit/s", "640 bit/s", "1.0 kbit/s", "8.1 Mbit/s"]);
        assert_eq!(bit_rate(124_994_000), "1.0 Gbit/s");
        assert_eq!((per_second(1), per_second(14_880_952)), ("1 packet/s".into(), "14,880,952 packets/s".into()));
    }

    #[test]
    fn a_cause_becomes_a_sentence() {
        assert_eq!(sentence("offset 24: too short"), "offset 24: too short.");
        assert_eq!(sentence("It is gone. "), "It is gone.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn offsets_are_whole_hours_or_not() {
        assert_eq!([0, 7_200, 20_700, -12_600].map(offset), ["UTC", "UTC+2", "UTC+5:45", "UTC−3:30"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(71_204), "71,204");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }

    #[test]
    fn one_has_no_plural() {
        assert_eq!(counted(1, "server"), "1 server");
        assert_eq!(counted(306, "server"), "306 servers");
        assert_eq!(counted(0, "port"), "0 ports");
    }

    #[test]
    fn times_cross_days_years_and_the_leap_day() {
        // 2024-02-29T23:59:59.5Z
        let leap = 1_709_251_199_500_000_000;
        assert_eq!(time(leap, 0), "02/29 23:59:59");
        assert_eq!(time(leap, 3_600), "03/01 00:59:59");
        assert_eq!(utc(leap), "2024-02-29 23:59:59.500000000 UTC");
        assert_eq!(clock_millis(leap, 0), "23:59:59.500");
        assert_eq!((date(leap, 0), date(leap, 1)), ("2024-02-29".into(), "2024-03-01".into()));
        // 1999-12-31T23:30:00Z, half an hour before a year that is divisible by 400.
        assert_eq!(time(946_683_000_000_000_000, 5 * 3_600 + 1_800), "01/01 05:00:00");
        assert_eq!(utc(0), "1970-01-01 00:00:00.000000000 UTC");
        assert_eq!(utc(-1), "1969-12-31 23:59:59.999999999 UTC");
    }

    #[test]
    fn durations_have_at_most_two_units() {
        assert_eq!(duration(312_000_000), "0.312 s");
        assert_eq!(duration(252 * NANOS), "4 min 12 s");
        assert_eq!(duration(7_500 * NANOS), "2 h 5 min");
        assert_eq!(duration(90_000 * NANOS), "1 d 1 h");
        assert_eq!(duration(-5), "0.000 s");
    }

    #[test]
    fn a_capture_is_not_read_to_the_end_before_its_end() {
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(999_999, 1_000_000), Some(99));
        assert_eq!(percent(1_000_000, 1_000_000), Some(100));
        assert_eq!(percent(u64::MAX, u64::MAX), Some(100));
    }

    #[test]
    fn flags_are_spelt_out() {
        assert_eq!(tcp_flags(0x12), "SYN ACK");
        assert_eq!(tcp_flags(0), "none");
    }

    #[test]
    fn protocols_of_the_product_have_names() {
        for number in [1, 6, 17, 58, 132] {
            assert!(proto(number).is_some(), "{number}");
        }
        assert_eq!(proto_short(200), "ip proto 200");
    }
}
