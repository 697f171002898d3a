//! Time zones: offsets and abbreviations at an instant, from the IANA data that chrono-tz carries.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};
use sensor_wire::Timestamp;

/// An IANA zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(Tz::UTC);

    /// The zone of that IANA name (`Europe/Berlin`), if there is one.
    pub fn parse(name: &str) -> Option<Zone> {
        name.parse().ok().map(Zone)
    }

    /// The IANA name.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Seconds to add to UTC at that instant.
    pub fn offset_at(&self, ns: Timestamp) -> i32 {
        self.0.offset_from_utc_datetime(&DateTime::from_timestamp_nanos(ns).naive_utc()).fix().local_minus_utc()
    }

    /// What the zone calls itself at that instant (`CET`, `CEST`); where it has no letters, its offset (`+03`).
    pub fn abbreviation_at(&self, ns: Timestamp) -> String {
        let offset = self.0.offset_from_utc_datetime(&DateTime::from_timestamp_nanos(ns).naive_utc());
        match offset.abbreviation() {
            Some(name) => name.to_owned(),
            None => digits(offset.fix().local_minus_utc()),
        }
    }
}

/// Every IANA name, sorted.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = TZ_VARIANTS.iter().map(|zone| zone.name().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The system's own zone; UTC where it tells none that the IANA data knows.
pub fn system() -> Zone {
    iana_time_zone::get_timezone().ok().and_then(|name| Zone::parse(&name)).unwrap_or(Zone::UTC)
}

/// An offset as the IANA data writes the names that have no letters: `+03`, `-0330`.
fn digits(seconds: i32) -> String {
    let minutes = seconds.unsigned_abs() / 60;
    let (sign, hours, rest) = (if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60);
    if rest == 0 { format!("{sign}{hours:02}") } else { format!("{sign}{hours:02}{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn an_hour_is_added_when_summer_time_starts() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        // 2024-03-31T01:00:00Z is the instant of change.
        let change = 1_711_846_800 * SECOND;
        assert_eq!((berlin.offset_at(change - 1), berlin.abbreviation_at(change - 1)), (3600, "CET".into()));
        assert_eq!((berlin.offset_at(change), berlin.abbreviation_at(change)), (7200, "CEST".into()));
    }

    #[test]
    fn zones_need_not_be_whole_hours() {
        assert_eq!(Zone::parse("Asia/Kathmandu").unwrap().offset_at(1_700_000_000 * SECOND), 20_700);
        assert_eq!(Zone::parse("Asia/Kathmandu").unwrap().abbreviation_at(1_700_000_000 * SECOND), "+0545");
        assert_eq!(Zone::parse("America/Sao_Paulo").unwrap().abbreviation_at(1_700_000_000 * SECOND), "-03");
        assert_eq!(digits(-12_600), "-0330");
    }

    #[test]
    fn unknown_names_are_none() {
        assert_eq!(Zone::parse("Mars/Olympus"), None);
        assert!(names().iter().all(|name| Zone::parse(name).is_some()));
    }
}
