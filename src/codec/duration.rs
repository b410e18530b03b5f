//! Lengths of time in microseconds: as Django writes them, `[DAYS ]HH:MM:SS[.ffffff]`, and in words, as the
//! library humanize of which django-rest-durin's answers are made has them.

#[cfg(feature = "cli")]
use super::Malformed;

/// Reads Django's form, `parse_duration`: days before a blank, hours and minutes before colons, seconds
/// with up to six digits behind a point. No sign: nothing lasts less than no time.
///
/// # Errors
/// [`Malformed`] in any other form, and for more than a hundred years.
#[cfg(feature = "cli")]
pub(crate) fn read(text: &str) -> Result<i64, Malformed> {
    let (days, clock) = text.rsplit_once(' ').unwrap_or(("0", text));
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<_> = clock.split(':').collect();
    if parts.len() > 3 || fraction.len() > 6 {
        return Err(Malformed);
    }
    let mut seconds = 0;
    for part in parts {
        seconds = seconds * 60 + number(part)?;
    }
    let micros = number(&format!("{fraction:0<6}"))?;
    let us = (number(days)? * 86_400 + seconds) * 1_000_000 + micros;
    if us <= LONGEST_US { Ok(us) } else { Err(Malformed) }
}

/// Django's `duration_string`.
#[cfg(feature = "cli")]
pub(crate) fn written(us: i64) -> String {
    let (days, rest) = (us.div_euclid(DAY_US), us.rem_euclid(DAY_US));
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let days = if days == 0 { String::new() } else { format!("{days} ") };
    let micros = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{days}{:02}:{:02}:{:02}{micros}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// About how long, in English (humanize's `naturaldelta`).
pub(crate) fn in_words(us: i64) -> String {
    let us = us.unsigned_abs();
    let (days, seconds) = (us / DAY_US.unsigned_abs(), us / 1_000_000 % 86_400);
    let (years, rest) = (days / 365, days % 365);
    match (years, rest) {
        (0, 0) => within_a_day(seconds),
        (0, 1) => "a day".to_owned(),
        (0, _) => match months(rest) {
            0 => plural(rest, "day"),
            1 => "a month".to_owned(),
            12 => "a year".to_owned(),
            months => plural(months, "month"),
        },
        (1, 0) => "a year".to_owned(),
        (1, _) => match months(rest) {
            0 => format!("1 year, {}", plural(rest, "day")),
            12 => "2 years".to_owned(),
            months => format!("1 year, {}", plural(months, "month")),
        },
        _ => format!("{} years", with_commas(rounded(days, 365))),
    }
}

fn within_a_day(seconds: u64) -> String {
    match seconds {
        0 => "a moment".to_owned(),
        1 => "a second".to_owned(),
        2..60 => plural(seconds, "second"),
        60..3600 => match rounded(seconds, 60) {
            1 => "a minute".to_owned(),
            60 => "an hour".to_owned(),
            minutes => plural(minutes, "minute"),
        },
        _ => match rounded(seconds, 3600) {
            1 => "an hour".to_owned(),
            24 => "a day".to_owned(),
            hours => plural(hours, "hour"),
        },
    }
}

/// Months of 30.5 days.
fn months(days: u64) -> u64 {
    rounded(days * 2, 61)
}

/// The nearest whole number, of two the even one (Python's `round`).
fn rounded(n: u64, by: u64) -> u64 {
    let (whole, twice) = (n / by, n % by * 2);
    if twice > by || (twice == by && whole % 2 == 1) { whole + 1 } else { whole }
}

fn plural(n: u64, unit: &str) -> String {
    if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") }
}

fn with_commas(n: u64) -> String {
    if n < 1000 { n.to_string() } else { format!("{},{:03}", with_commas(n / 1000), n % 1000) }
}

/// Few enough digits that no sum overflows.
#[cfg(feature = "cli")]
fn number(text: &str) -> Result<i64, Malformed> {
    let is_plain = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or(Malformed)
}

const DAY_US: i64 = 86_400_000_000;
#[cfg(feature = "cli")]
const LONGEST_US: i64 = 36_525 * DAY_US;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_humanize() {
        // humanize 4.17.0: `naturaldelta(timedelta(seconds=…))`.
        for (seconds, words) in WORDS {
            assert_eq!(in_words(seconds * 1_000_000), *words, "{seconds}");
            assert_eq!(in_words(-seconds * 1_000_000), *words, "-{seconds}");
        }
        assert_eq!(in_words(999_999), "a moment");
        assert!(!in_words(i64::MIN).is_empty());
    }

    #[test]
    #[cfg(feature = "cli")]
    fn durations_are_read_and_written_as_by_django() {
        for (text, us, back) in [
            ("30", 30_000_000, "00:00:30"),
            ("5:00", 300_000_000, "00:05:00"),
            ("12:00:00", 43_200_000_000, "12:00:00"),
            ("1 00:00:00", DAY_US, "1 00:00:00"),
            ("365 0:0:0.5", 365 * DAY_US + 500_000, "365 00:00:00.500000"),
            ("90:00:00.000001", 324_000_000_001, "3 18:00:00.000001"),
            ("0", 0, "00:00:00"),
        ] {
            assert_eq!((read(text), written(us)), (Ok(us), back.to_owned()), "{text}");
        }
        let wrong = ["", " ", "1 ", "-1", "1:2:3:4", "1d", "1.5.5", "1.1234567", "1  00:00:00", "36526 0", "+1", ":"];
        for text in wrong.into_iter().chain(["99999999999", "9999999999 0", "9999999999:9999999999:9999999999"]) {
            assert_eq!(read(text), Err(Malformed), "{text:?}");
        }
    }

    const WORDS: &[(i64, &str)] = &[
        (0, "a moment"),
        (1, "a second"),
        (2, "2 seconds"),
        (59, "59 seconds"),
        (60, "a minute"),
        (61, "a minute"),
        (89, "a minute"),
        (90, "2 minutes"),
        (91, "2 minutes"),
        (149, "2 minutes"),
        (150, "2 minutes"),
        (151, "3 minutes"),
        (3569, "59 minutes"),
        (3570, "an hour"),
        (3599, "an hour"),
        (3600, "an hour"),
        (5399, "an hour"),
        (5400, "2 hours"),
        (9000, "2 hours"),
        (12_600, "4 hours"),
        (84_599, "23 hours"),
        (84_600, "a day"),
        (86_399, "a day"),
        (86_400, "a day"),
        (172_799, "a day"),
        (172_800, "2 days"),
        (518_400, "6 days"),
        (1_209_600, "14 days"),
        (1_296_000, "15 days"),
        (1_382_400, "a month"),
        (2_592_000, "a month"),
        (3_888_000, "a month"),
        (3_974_400, "2 months"),
        (4_060_800, "2 months"),
        (5_184_000, "2 months"),
        (6_566_400, "2 months"),
        (6_652_800, "3 months"),
        (8_640_000, "3 months"),
        (30_240_000, "11 months"),
        (30_326_400, "a year"),
        (31_449_600, "a year"),
        (31_536_000, "a year"),
        (31_622_400, "1 year, 1 day"),
        (32_832_000, "1 year, 15 days"),
        (32_918_400, "1 year, 1 month"),
        (34_560_000, "1 year, 1 month"),
        (35_424_000, "1 year, 1 month"),
        (35_510_400, "1 year, 2 months"),
        (60_480_000, "1 year, 11 months"),
        (61_862_400, "2 years"),
        (61_948_800, "2 years"),
        (62_985_600, "2 years"),
        (63_072_000, "2 years"),
        (77_760_000, "2 years"),
        (78_796_800, "2 years"),
        (78_883_200, "3 years"),
        (78_969_600, "3 years"),
        (86_400_000, "3 years"),
        (315_360_000, "10 years"),
        (31_536_000_000, "1,000 years"),
        (3_153_600_000, "100 years"),
        (389_311_920_000, "12,345 years"),
    ];
}
