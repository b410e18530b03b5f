//! The encodings that Python's `json.loads` finds in bytes: UTF-8, UTF-16 and UTF-32, with a mark or
//! by where the zeros are (RFC 4627 §3).

use std::borrow::Cow;

use super::Malformed;
use super::json::push;

/// The text as WTF-8; Python decodes with `surrogatepass`.
///
/// # Errors
/// [`Malformed`] when the bytes are not in the encoding that they seem to be in.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    let big = |width: usize, skip: usize| {
        wide(&bytes[skip..], width, |unit| unit.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
    };
    let little = |width: usize, skip: usize| {
        wide(&bytes[skip..], width, |unit| unit.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)))
    };
    match bytes {
        [0, 0, 0xfe, 0xff, ..] => big(4, 4),
        [0xff, 0xfe, 0, 0, ..] => little(4, 4),
        [0xfe, 0xff, ..] => big(2, 2),
        [0xff, 0xfe, ..] => little(2, 2),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest).map(Cow::Borrowed),
        [0, 1..=255, _, _, ..] | [0, _] => big(2, 0),
        [0, 0, _, _, ..] => big(4, 0),
        [1..=255, 0, 0, 0, ..] => little(4, 0),
        [1..=255, 0, _, _, ..] | [1..=255, 0] => little(2, 0),
        _ => utf8(bytes).map(Cow::Borrowed),
    }
}

/// UTF-8 that may have surrogates.
fn utf8(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut rest = bytes;
    while let Err(why) = str::from_utf8(rest) {
        let [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] = &rest[why.valid_up_to()..] else { return Err(Malformed) };
        rest = after;
    }
    Ok(bytes)
}

fn wide(bytes: &[u8], width: usize, value: impl Fn(&[u8]) -> u32) -> Result<Cow<'_, [u8]>, Malformed> {
    if !bytes.len().is_multiple_of(width) {
        return Err(Malformed);
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut units = bytes.chunks_exact(width).map(value).peekable();
    while let Some(unit) = units.next() {
        let low = units.peek().copied().filter(|low| width == 2 && (0xdc00..0xe000).contains(low));
        match (unit, low) {
            (0xd800..0xdc00, Some(low)) => {
                units.next();
                push(&mut text, 0x1_0000 + ((unit - 0xd800) << 10 | (low - 0xdc00)));
            }
            (0x11_0000.., _) => return Err(Malformed),
            _ => push(&mut text, unit),
        }
    }
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found_as_python_finds_them() {
        // json.loads(bytes) of Python 3.11
        for (bytes, text) in [
            (&b"{}"[..], Some("{}")),
            (b"", Some("")),
            (b"\xef\xbb\xbf{}", Some("{}")),
            (b"\xff\xfe{\0}\0", Some("{}")),
            (b"\xfe\xff\0{\0}", Some("{}")),
            (b"{\0}\0", Some("{}")),
            (b"\0{\0}", Some("{}")),
            (b"{\0", Some("{")),
            (b"\0{", Some("{")),
            (b"\0\0\xfe\xff\0\0\0{", Some("{")),
            (b"\xff\xfe\0\0{\0\0\0", Some("{")),
            (b"{\0\0\0", Some("{")),
            (b"\0\0\0{", Some("{")),
            (b"\xff\xfe{\0}", None),
            (b"\xff\xfe\x3d\xd8\0\xde", Some("\u{1f600}")),
            (b"\0\0\xfe\xff\0\x11\0\0", None),
            (b"\xc3", None),
            (b"\xff{}", None),
            (b"\"\xed\xa0\x80", Some("\"\u{fffd}\u{fffd}\u{fffd}")),
            (b"\xff\xfe\0\xd8{\0", Some("\u{fffd}\u{fffd}\u{fffd}{")),
        ] {
            let found = decode(bytes).ok();
            assert_eq!(found.as_deref().map(String::from_utf8_lossy).as_deref(), text, "{bytes:?}");
        }
    }
}
