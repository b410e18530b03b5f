//! Rates as a configuration writes them: `5/5m` is five in five minutes.

use super::Malformed;

/// So many within a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// At least 1 in a configuration: none at all would be a way to lock everybody out.
    pub most: u32,
    /// In microseconds; at least a second.
    pub window_us: i64,
}

impl Rate {
    /// Reads `N/duration`: two whole numbers in plain digits, and s, m, h or d.
    ///
    /// # Errors
    /// [`Malformed`] in any other form, for zeros, and beyond a million or a year.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let (most, duration) = text.split_once('/').ok_or(Malformed)?;
        let unit = duration.find(|c: char| !c.is_ascii_digit()).ok_or(Malformed)?;
        let (length, unit) = duration.split_at(unit);
        let (_, unit_s) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(Malformed)?;
        let window_s = number(length)?.checked_mul(*unit_s).filter(|s| *s <= LONGEST_S).ok_or(Malformed)?;
        let most = u32::try_from(number(most)?).ok().filter(|n| *n <= MOST).ok_or(Malformed)?;
        Ok(Self { most, window_us: window_s * 1_000_000 })
    }

    /// Reads DRF's `N/period`, of which the first letter counts (`parse_rate`). N may be 0: nobody passes.
    ///
    /// # Errors
    /// [`Malformed`] in any other form, where DRF raises, and beyond a million.
    pub(crate) fn of_drf(text: &str) -> Result<Self, Malformed> {
        let (most, period) = text.split_once('/').ok_or(Malformed)?;
        let (_, unit_s) = UNITS.iter().find(|(name, _)| period.starts_with(name)).ok_or(Malformed)?;
        let is_plain = !most.is_empty() && most.bytes().all(|b| b.is_ascii_digit());
        let most = most.parse().ok().filter(|n| is_plain && *n <= MOST).ok_or(Malformed)?;
        Ok(Self { most, window_us: unit_s * 1_000_000 })
    }
}

/// `parse` of std also takes a sign.
fn number(text: &str) -> Result<i64, Malformed> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| is_plain && *n > 0).ok_or(Malformed)
}

const UNITS: &[(&str, i64)] = &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
const LONGEST_S: i64 = 366 * 86_400;
const MOST: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, most, seconds) in [
            ("5/5m", 5, 300),
            ("50/1s", 50, 1),
            ("1/2h", 1, 7200),
            ("1000000/366d", 1_000_000, 366 * 86_400),
            ("007/08m", 7, 480),
        ] {
            assert_eq!(Rate::parse(text), Ok(Rate { most, window_us: seconds * 1_000_000 }), "{text}");
        }
    }

    #[test]
    fn everything_else_is_no_rate() {
        for text in [
            "",
            "/",
            "5",
            "5/",
            "/5m",
            "5/m",
            "5/5",
            "5m",
            "0/5m",
            "5/0m",
            "-5/5m",
            "+5/5m",
            "5/-5m",
            "5/+5m",
            "5/5M",
            "5/5min",
            " 5/5m",
            "5 / 5m",
            "5/5m ",
            "5/5m/5m",
            "5.5/5m",
            "5/5.5m",
            "\u{665}/5m",
            "5/\u{665}m",
            "5/5µ",
            "1000001/1s",
            "1/367d",
            "1/9999999999999999999d",
            "99999999999999999999/1s",
            "1/9223372036854775807d",
        ] {
            assert_eq!(Rate::parse(text), Err(Malformed), "{text:?}");
        }
    }

    #[test]
    fn rates_of_drf_are_read_by_their_first_letter() {
        for (text, most, seconds) in
            [("100/h", 100, 3600), ("0/s", 0, 1), ("5/minute", 5, 60), ("007/day", 7, 86_400), ("1/sec/x", 1, 1)]
        {
            assert_eq!(Rate::of_drf(text), Ok(Rate { most, window_us: seconds * 1_000_000 }), "{text}");
        }
        for text in ["", "/", "5", "5/", "/m", "5/5m", "-1/s", "+1/s", " 1/s", "1/ s", "1/H", "1000001/s", "1_0/s"] {
            assert_eq!(Rate::of_drf(text), Err(Malformed), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_read_is_within_bounds(text in "[0-9]{0,22}/?[0-9]{0,22}[smhd]?\\PC?") {
            if let Ok(Rate { most, window_us }) = Rate::parse(&text) {
                prop_assert!((1..=MOST).contains(&most) && (1_000_000..=LONGEST_S * 1_000_000).contains(&window_us));
            }
        }
    }
}
