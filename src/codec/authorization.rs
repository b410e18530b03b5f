//! The grammar of `Authorization` as Django REST framework reads it (`get_authorization_header`,
//! then `bytes.split()`), which is looser than RFC 9110 §11.4.

/// What follows the scheme's word.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// The word alone.
    Missing,
    /// Exactly one more word.
    One(&'a [u8]),
    /// Two or more further words.
    Spaces,
}

/// The credentials if the header's first word is `scheme`, in any case of letters; `None` is
/// another scheme's header, or a blank one.
pub fn credentials<'a>(header: &'a [u8], scheme: &str) -> Option<Credentials<'a>> {
    credentials_if(header, |word| word.eq_ignore_ascii_case(scheme.as_bytes()))
}

/// The credentials if the header's first word is one of `schemes` in exactly these letters, as for
/// simplejwt.
pub fn credentials_of<'a>(header: &'a [u8], schemes: &[String]) -> Option<Credentials<'a>> {
    credentials_if(header, |word| schemes.iter().any(|scheme| scheme.as_bytes() == word))
}

fn credentials_if(header: &[u8], is_scheme: impl Fn(&[u8]) -> bool) -> Option<Credentials<'_>> {
    let mut words = words(header);
    if !is_scheme(words.next()?) {
        return None;
    }
    Some(match (words.next(), words.next()) {
        (None, _) => Credentials::Missing,
        (Some(word), None) => Credentials::One(word),
        _ => Credentials::Spaces,
    })
}

/// The first word: which scheme the client meant.
pub fn scheme(header: &[u8]) -> Option<&[u8]> {
    words(header).next()
}

/// Python's `bytes.split()`: runs of space, HT, LF, CR, VT and FF separate; 0xA0 and 0x1C–0x1F do
/// not.
fn words(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let begin = rest.iter().position(|byte| !is_blank(*byte))?;
        let (word, after) = rest[begin..].split_at(end_of_word(&rest[begin..]));
        rest = after;
        Some(word)
    })
}

/// Where the first word ends. Mostly the rest is one long token, which is seen without a branch for each byte.
fn end_of_word(bytes: &[u8]) -> usize {
    let least = bytes.iter().fold(u8::MAX, |least, byte| least.min(*byte));
    let end = if least > b' ' { None } else { bytes.iter().position(|byte| is_blank(*byte)) };
    end.unwrap_or(bytes.len())
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::Credentials::{Missing, One, Spaces};
    use super::*;

    #[test]
    fn reads_as_django_rest_framework_does() {
        for (header, expected) in [
            (&b"Token abc"[..], Some(One(b"abc"))),
            (b"tOKEN\x0b\x0cabc\r\n", Some(One(b"abc"))),
            (b"  Token\t abc  ", Some(One(b"abc"))),
            (b"Token", Some(Missing)),
            (b"Token  ", Some(Missing)),
            (b"Token a b", Some(Spaces)),
            (b"Token a b c", Some(Spaces)),
            (b"Tokenx abc", None),
            (b"Token\xa0abc", None),
            (b"Token\x1cabc", None),
            (b"Basic abc", None),
            (b"", None),
            (b" \t", None),
        ] {
            assert_eq!(credentials(header, "Token"), expected, "{header:?}");
        }
    }

    #[test]
    fn letters_count_where_simplejwt_compares() {
        let words = ["Bearer".to_owned(), "JWT".to_owned()];
        for (header, expected) in [
            (&b"Bearer a"[..], Some(One(b"a"))),
            (b" JWT\ta", Some(One(b"a"))),
            (b"JWT", Some(Missing)),
            (b"JWT a b", Some(Spaces)),
            (b"bearer a", None),
            (b"", None),
        ] {
            assert_eq!(credentials_of(header, &words), expected, "{header:?}");
        }
    }

    #[test]
    fn a_word_of_any_length_ends_at_any_blank_and_nowhere_else() {
        for length in 1..70 {
            for byte in 0..=255 {
                let header = [b"T ".to_vec(), vec![b'a'; length], vec![byte], b"b".to_vec()].concat();
                let expected = if b" \t\n\r\x0b\x0c".contains(&byte) { Spaces } else { One(&header[2..]) };
                assert_eq!(credentials(&header, "T"), Some(expected), "{length} {byte}");
            }
        }
    }

    #[test]
    fn a_keyword_with_a_space_never_matches() {
        assert_eq!(credentials(b"My Token abc", "My Token"), None);
    }
}
