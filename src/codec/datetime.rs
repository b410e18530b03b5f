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
    civil(unix_us, zone).map(written)
}

/// The moment as a clock in the time zone shows it. Django adds and compares such times: without
/// USE_TZ an hour more is an hour more on the clock.
///
/// # Errors
/// [`Malformed`] outside the years that a datetime can hold.
pub(crate) fn civil(unix_us: i64, zone: &TimeZone) -> Result<DateTime, Malformed> {
    Timestamp::from_microsecond(unix_us).map(|moment| zone.to_datetime(moment)).map_err(|_| Malformed)
}

/// The text of a time.
pub(crate) fn written(at: DateTime) -> String {
    let (date, time, micros) = (at.date(), at.time(), at.subsec_nanosecond() / 1000);
    let whole = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    if micros == 0 { whole } else { format!("{whole}.{micros:06}") }
}

/// The time of a text of Django's.
pub(crate) fn read(text: &str) -> Option<DateTime> {
    text.parse().ok()
}

/// A time of the database as DRF's `DateTimeField` shows it: `format` is [`ISO`], or one of Python's
/// `strftime`. `zone` is that of the answers where the database is in UTC; without one (USE_TZ is
/// false) there is no offset.
///
/// # Errors
/// [`Malformed`] for a format that Python has and this function does not.
pub(crate) fn shown(at: DateTime, zone: Option<&TimeZone>, format: &str) -> Result<String, Malformed> {
    let (mut at, mut offset, mut name) = (at, None, String::new());
    if let Some(zone) = zone {
        let moment = TimeZone::UTC.to_timestamp(at).map_err(|_| Malformed)?;
        let info = zone.to_offset_info(moment);
        (at, offset) = (info.offset().to_datetime(moment), Some(info.offset().seconds()));
        info.abbreviation().clone_into(&mut name);
    }
    if format == ISO {
        let end = match offset {
            Some(0) => "Z".to_owned(),
            Some(seconds) => offset_text(seconds, ":"),
            None => String::new(),
        };
        return Ok(format!("{}{end}", written(at).replacen(' ', "T", 1)));
    }
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        let directive = if character == '%' { rest.next().ok_or(Malformed)? } else { '\0' };
        match directive {
            '\0' => text.push(character),
            'f' => text.push_str(&format!("{:06}", at.subsec_nanosecond() / 1000)),
            'z' => text.push_str(&offset.map(|seconds| offset_text(seconds, "")).unwrap_or_default()),
            'Z' => text.push_str(&name),
            // Those that jiff writes as Python does.
            'Y' | 'm' | 'd' | 'H' | 'M' | 'S' | 'y' | 'j' | 'I' | 'p' | 'a' | 'A' | 'b' | 'B' | '%' => {
                text.push_str(&at.strftime(&format!("%{directive}")).to_string());
            }
            _ => return Err(Malformed),
        }
    }
    Ok(text)
}

/// `+01:00`; seconds, which no zone of today has, are left out.
fn offset_text(seconds: i32, between: &str) -> String {
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
    format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
}

/// DRF's `ISO_8601`.
pub(crate) const ISO: &str = "iso-8601";

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
    fn a_text_of_django_s_is_read_back() {
        for text in ["2023-11-14 22:13:20", "2023-11-14 22:13:20.000001", "0099-01-02 03:04:05.500000"] {
            assert_eq!(read(text).map(written).as_deref(), Some(text));
        }
        for text in ["", "soon", "2023-13-01 00:00:00", "1700000000"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_shown_as_drf_shows_it() {
        // Asked of DRF's `DateTimeField(format=…)` with TIME_ZONE UTC, with Europe/Berlin, without USE_TZ.
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let (utc, at) = (Some(&TimeZone::UTC), read("2024-07-02 21:04:05.000012").unwrap());
        for (zone, format, expected) in [
            (utc, ISO, "2024-07-02T21:04:05.000012Z"),
            (Some(&berlin), ISO, "2024-07-02T23:04:05.000012+02:00"),
            (None, ISO, "2024-07-02T21:04:05.000012"),
            (utc, "%d.%m.%y %H:%M:%S.%f", "02.07.24 21:04:05.000012"),
            (Some(&berlin), "%a %A %b %B %I %p %j %z %Z 100%%", "Tue Tuesday Jul July 11 PM 184 +0200 CEST 100%"),
            (None, "%Y%z%Z", "2024"),
            (utc, "%%z%%", "%z%"),
            (utc, "", ""),
        ] {
            assert_eq!(shown(at, zone, format).as_deref(), Ok(expected), "{format}");
        }
        assert_eq!(shown(read("2024-07-02 21:04:05").unwrap(), utc, ISO).as_deref(), Ok("2024-07-02T21:04:05Z"));
        for format in ["%", "%%%", "%Q", "%c", "%-d", "a%", "%s"] {
            assert_eq!(shown(at, utc, format), Err(Malformed), "{format}");
        }
    }

    #[test]
    fn a_moment_out_of_range_is_an_error() {
        assert_eq!(to_text(i64::MAX, &TimeZone::UTC), Err(Malformed));
    }
}
