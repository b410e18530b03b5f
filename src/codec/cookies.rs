//! Cookies as Django reads them (`parse_cookie`, looser than RFC 6265 §5.4) and writes them
//! (`HttpResponse.set_cookie` over Python's `http.cookies`).

use std::borrow::Cow;
use std::fmt::{self, Write};

use jiff::Timestamp;

use super::Malformed;

/// The cookie's value in a `Cookie` header, as `HttpRequest.COOKIES` has it: the last one of several
/// wins, a chunk without `=` has the empty name, what is no UTF-8 becomes U+FFFD. Allocates only for
/// a value that has escapes or is no UTF-8.
pub fn cookie<'a>(header: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    header.rsplit(|byte| *byte == b';').find_map(|chunk| {
        let (key, value) = match chunk.iter().position(|byte| *byte == b'=') {
            Some(at) => (&chunk[..at], &chunk[at + 1..]),
            None => (&chunk[..0], chunk),
        };
        if stripped(key) != name {
            return None;
        }
        let value = stripped(value);
        if name.is_empty() && value.is_empty() {
            return None;
        }
        Some(unquoted(value))
    })
}

/// A cookie to set; shown as the value of a `Set-Cookie` header.
#[derive(Clone)]
pub struct SetCookie<'a> {
    /// Must be a [`legal_name`].
    pub name: &'a str,
    /// Any text: it is quoted where it needs to be.
    pub value: &'a str,
    /// Seconds to live.
    pub max_age: Option<i64>,
    /// Unix seconds of its end.
    pub expires: Option<i64>,
    /// Not written when empty, as is the path.
    pub domain: Option<&'a str>,
    /// Where below it is sent.
    pub path: &'a str,
    /// Over TLS only.
    pub secure: bool,
    /// Not for scripts.
    pub httponly: bool,
    /// With requests from other sites?
    pub samesite: Option<SameSite>,
}

/// With which requests from other sites a cookie is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Those that go to a new page.
    Lax,
    /// None.
    Strict,
    /// All.
    None,
}

impl<'a> SetCookie<'a> {
    /// A cookie for `/` that lives as long as the browser (`set_cookie(name, value)`).
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self {
            name,
            value,
            max_age: None,
            expires: None,
            domain: None,
            path: "/",
            secure: false,
            httponly: false,
            samesite: None,
        }
    }

    /// The same, for so many seconds from now (`max_age`, to which Django adds `expires`).
    pub fn lasting(self, seconds: i64, now_seconds: i64) -> Self {
        Self { max_age: Some(seconds), expires: Some(now_seconds.saturating_add(seconds)), ..self }
    }

    /// Takes a cookie away (`delete_cookie`). Path, domain and `samesite` must be what it was set
    /// with; browsers drop it only when it is secure where that is demanded.
    pub fn deletion(name: &'a str, path: &'a str, domain: Option<&'a str>, samesite: Option<SameSite>) -> Self {
        let prefixed = name.starts_with("__Secure-") || name.starts_with("__Host-");
        let secure = prefixed || samesite == Some(SameSite::None);
        Self { path, domain, secure, samesite, ..Self::new(name, "").lasting(0, 0) }
    }
}

/// In the order of `Morsel.OutputString`, which sorts the attributes.
impl fmt::Display for SetCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.name)?;
        write_quoted(f, self.value)?;
        if let Some(domain) = self.domain.filter(|domain| !domain.is_empty()) {
            write!(f, "; Domain={domain}")?;
        }
        if let Some(expires) = self.expires {
            write!(f, "; expires={}", moment(expires).strftime("%a, %d %b %Y %H:%M:%S GMT"))?;
        }
        f.write_str(if self.httponly { "; HttpOnly" } else { "" })?;
        if let Some(max_age) = self.max_age {
            write!(f, "; Max-Age={max_age}")?;
        }
        if !self.path.is_empty() {
            write!(f, "; Path={}", self.path)?;
        }
        if let Some(samesite) = self.samesite {
            write!(f, "; SameSite={samesite:?}")?;
        }
        f.write_str(if self.secure { "; Secure" } else { "" })
    }
}

/// A name that `http.cookies` sets: `Morsel.set` raises on others.
///
/// # Errors
/// [`Malformed`] for no token of RFC 2109, and for the names of attributes.
pub fn legal_name(name: &str) -> Result<&str, Malformed> {
    let reserved = RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name));
    if reserved || name.is_empty() || !name.bytes().all(is_legal) { Err(Malformed) } else { Ok(name) }
}

/// Decoded as WSGI and Django decode together, without the blanks around (`str.strip`).
fn stripped(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_space)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(is_space).to_owned()),
    }
}

/// Python's `str.isspace`: Unicode's white space and the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Python's `http.cookies._unquote`.
fn unquoted(text: Cow<'_, str>) -> Cow<'_, str> {
    fn between(text: &str) -> Option<&str> {
        text.strip_prefix('"')?.strip_suffix('"')
    }
    match (between(&text), &text) {
        (None, _) => text,
        (Some(inner), _) if inner.contains('\\') => Cow::Owned(unescaped(inner)),
        (Some(_), Cow::Borrowed(text)) => Cow::Borrowed(&text[1..text.len() - 1]),
        (Some(inner), Cow::Owned(_)) => Cow::Owned(inner.to_owned()),
    }
}

/// `\ooo` is the character of that number, a backslash before anything else but LF (Python's `.`)
/// goes away.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        rest = after;
        match *after.as_bytes() {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                out.push(char::from((a & 7) << 6 | (b & 7) << 3 | c & 7));
                rest = &after[3..];
            }
            [] | [b'\n', ..] => out.push('\\'),
            _ => {
                let mut chars = after.chars();
                out.extend(chars.next());
                rest = chars.as_str();
            }
        }
    }
    out + rest
}

/// Python's `http.cookies._quote`: the reverse, for what is no token.
fn write_quoted(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    if !value.is_empty() && value.bytes().all(is_legal) {
        return f.write_str(value);
    }
    f.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            ' ' | '(' | ')' | '/' | '<' | '=' | '>' | '?' | '@' | '[' | ']' | '{' | '}' => f.write_char(c)?,
            '\u{100}'.. => f.write_char(c)?,
            _ if c.is_ascii() && is_legal(c as u8) => f.write_char(c)?,
            _ => write!(f, "\\{:03o}", u32::from(c))?,
        }
    }
    f.write_char('"')
}

/// Python's `http.cookies._LegalChars`.
fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:".contains(&byte)
}

/// The nearest moment that a date can be written of.
fn moment(unix_seconds: i64) -> Timestamp {
    Timestamp::from_second(unix_seconds).unwrap_or(if unix_seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

const RESERVED: &[&str] =
    &["expires", "path", "comment", "domain", "max-age", "secure", "httponly", "version", "samesite"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cookie_of_a_name_wins() {
        for (header, expected) in [
            (&b"a=1; b=2"[..], Some("1")),
            (b"a=1; a=2", Some("2")),
            (b"a=1;a=", Some("")),
            (b"A=1", None),
            (b"aa=1; ba=2", None),
            (b"a", None),
            (b" \x1c a\xc2\xa0=\x1f 1 \xe3\x80\x80; b", Some("1")),
            (b"a=1,2 3=4", Some("1,2 3=4")),
            (b"a=\"x;y\"", Some("\"x")),
            (b"a=\xff\xe2\x82", Some("\u{fffd}\u{fffd}")),
            (b"", None),
        ] {
            assert_eq!(cookie(header, "a").as_deref(), expected, "{header:?}");
        }
    }

    #[test]
    fn a_chunk_without_a_name_is_the_empty_cookie() {
        for (header, expected) in [
            (&b"x"[..], Some("x")),
            (b"x;=y", Some("y")),
            (b"x; ; =", Some("x")), // neither name nor value: nothing
            (b"a=1", None),
        ] {
            assert_eq!(cookie(header, "").as_deref(), expected, "{header:?}");
        }
    }

    #[test]
    fn quotes_go_as_they_go_in_python() {
        for (header, expected) in [
            (r#"a="x y""#, "x y"),
            (r#"a="""#, ""),
            (r#"a=""#, "\""),
            (r#"a="x\"y\\z\q""#, r#"x"y\zq"#),
            (r#"a="\101\351\477\8""#, "A\u{e9}4778"),
            (r#"a="\\012""#, r"\012"),
            (r#"a="x\"#, r#""x\"#),
            (r#"a="\""#, r"\"),
            ("a=\"\\\n\"", "\\\n"),
            (r"a=\101", r"\101"),
            ("a=\"\\\u{e9}\u{5bc6}\"", "\u{e9}\u{5bc6}"),
        ] {
            assert_eq!(cookie(header.as_bytes(), "a").as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn plain_cookies_are_borrowed() {
        for header in [&b"b=\xff; a=plain; c=\"\\1\""[..], b"a=\"plain\""] {
            assert!(matches!(cookie(header, "a"), Some(Cow::Borrowed("plain"))));
        }
    }

    #[test]
    fn cookies_are_written_as_by_django() {
        let full = SetCookie {
            domain: Some("example.com"),
            path: "/app",
            secure: true,
            httponly: true,
            samesite: Some(SameSite::Lax),
            ..SetCookie::new("sessionid", "abc").lasting(1_209_600, 1_700_000_000)
        };
        let text = "sessionid=abc; Domain=example.com; expires=Tue, 28 Nov 2023 22:13:20 GMT; HttpOnly; \
                    Max-Age=1209600; Path=/app; SameSite=Lax; Secure";
        assert_eq!(full.to_string(), text);
        let gone = SetCookie::deletion("sessionid", "/", Some(""), Some(SameSite::Lax));
        let text = "sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax";
        assert_eq!(gone.to_string(), text);
        for (name, samesite) in [("__Host-s", None), ("__Secure-s", None), ("s", Some(SameSite::None))] {
            assert!(SetCookie::deletion(name, "/", None, samesite).to_string().ends_with("; Secure"));
        }
    }

    #[test]
    fn no_date_is_too_far() {
        for seconds in [i64::MIN, -1, i64::MAX] {
            assert!(SetCookie::new("a", "b").lasting(seconds, 0).to_string().contains("GMT"));
        }
    }

    #[test]
    fn values_are_quoted_where_they_must_be() {
        for (value, written) in [
            ("a:b-_.~", "a:b-_.~"),
            ("a b", "\"a b\""),
            ("a,b;c", r#""a\054b\073c""#),
            ("\"\\", r#""\"\\""#),
            ("\r\n\0", r#""\015\012\000""#),
            ("\u{e9}\u{5bc6}", "\"\\351\u{5bc6}\""),
        ] {
            assert_eq!(SetCookie::new("a", value).to_string(), format!("a={written}; Path=/"));
        }
    }

    #[test]
    fn illegal_names_are_refused() {
        for name in ["", "a b", "a=b", "a;b", "Path", "httponly", "\u{e9}", "a\n"] {
            assert_eq!(legal_name(name), Err(Malformed), "{name:?}");
        }
        assert_eq!(legal_name("__Host-session:id"), Ok("__Host-session:id"));
    }
}
