//! Python's `int(text)`, by which Django reads the key of a user.

/// The number of a text: blanks around it, a sign, digits of any script with single `_` between
/// them. `None` for everything else, and for what an `i64` cannot hold.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c));
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number: i64 = 0;
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        number = number.checked_mul(10)?.checked_add(sign * digit(c)?)?;
        after_digit = true;
    }
    after_digit.then_some(number)
}

/// The value of a decimal digit (Unicode's general category Nd).
fn digit(c: char) -> Option<i64> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    Some(i64::from(code - zero)).filter(|value| *value < 10)
}

/// The zero of every script; its nine other digits follow it (Unicode 14, that of Python 3.11).
#[rustfmt::skip]
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_python_reads_them() {
        for (text, number) in [
            ("1", Some(1)),
            (" +1_0\n", Some(10)),
            ("-007", Some(-7)),
            ("\u{661}\u{662}", Some(12)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("", None),
            ("_1", None),
            ("1_", None),
            ("1__0", None),
            ("1 0", None),
            ("1.0", None),
            ("0x1", None),
            ("\u{b2}", None),
        ] {
            assert_eq!(parse(text), number, "{text:?}");
        }
    }
}
