//! Datetimes as Django writes them into SQLite: `YYYY-MM-DD HH:MM:SS[.ffffff]`, UTC with USE_TZ,
//! local time without. Comparisons in SQL are comparisons of these texts.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Malformed;

/// The text of a moment in a time zone. `unix_us` is Unix time in microseconds.
///
/// # Errors
/// [`Malformed`] outside the years that a datetime can hold.
pub(crate) fn to_text(unix_us: i64, zone: &TimeZone) -> Result<String, Malformed> {
    let moment = Timestamp::from_microsecond(unix_us).map_err(|_| Malformed)?;
    let civil = zone.to_datetime(moment);
    let micros = civil.subsec_nanosecond() / 1000;
    let whole = civil.strftime("%Y-%m-%d %H:%M:%S");
    Ok(if micros == 0 { whole.to_string() } else { format!("{whole}.{micros:06}") })
}

/// The moment of an ISO 8601 text, in Unix microseconds; one without a zone is in UTC.
pub(crate) fn from_iso(text: &str) -> Option<i64> {
    let moment = text.parse::<Timestamp>().ok();
    let moment = moment.or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok());
    moment.map(Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_is_absent_when_zero() {
        assert_eq!(to_text(1_700_000_000_000_000, &TimeZone::UTC).as_deref(), Ok("2023-11-14 22:13:20"));
        assert_eq!(to_text(1_700_000_000_000_001, &TimeZone::UTC).as_deref(), Ok("2023-11-14 22:13:20.000001"));
    }

    #[test]
    fn iso_texts_are_read_with_and_without_a_zone() {
        for text in ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14T22:13:20"] {
            assert_eq!(from_iso(text), Some(1_700_000_000_000_000), "{text}");
        }
        assert_eq!(from_iso("tomorrow"), None);
    }

    #[test]
    fn a_moment_out_of_range_is_an_error() {
        assert_eq!(to_text(i64::MAX, &TimeZone::UTC), Err(Malformed));
    }
}
