//! A borrowed view of one HTTP request: DRF's `Request`, as far as authentication looks at it.

use std::borrow::Cow;

/// One header field. Names are compared without regard to case; values are bytes.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The field name as received.
    pub name: &'a [u8],
    /// The field value as received.
    pub value: &'a [u8],
}

/// One request. Everything is borrowed from the host.
pub struct Request<'a> {
    /// `GET`, `POST` …; empty when the host did not say.
    pub method: &'a [u8],
    /// Path and query, as sent.
    pub target: &'a [u8],
    /// The `Host` as the host understood it.
    pub host: &'a [u8],
    /// The client's address; empty when unknown.
    pub peer: &'a [u8],
    /// The user whom the host verified itself (`REMOTE_USER`).
    pub remote_user: &'a [u8],
    /// Whether the request came over TLS.
    pub tls: bool,
    /// The host's test client: no CSRF check (Django's `_dont_enforce_csrf_checks`).
    pub skip_csrf: bool,
    /// The body, as far as the host handed it over.
    pub body: Body<'a>,
    headers: Headers<'a>,
    authorization: Option<Cow<'a, [u8]>>,
}

/// What is known of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// The host handed over nothing; there may be one.
    Unread,
    /// All of it.
    Whole(&'a [u8]),
    /// More than is read.
    TooLarge,
}

/// Header fields in order, as the host has them.
#[derive(Clone, Copy)]
pub enum Headers<'a> {
    /// One element a field.
    List(&'a [Header<'a>]),
    /// `Name: value` lines.
    Block(&'a [u8]),
    /// The fields of a copy.
    Packed(&'a Packed),
}

/// A copy of a request in one piece of memory, for hosts whose structs do not last.
#[derive(Default, Clone)]
pub struct Packed {
    bytes: Vec<u8>,
    /// Where each field's name and value end; the other texts stand in front.
    ends: Vec<(usize, usize)>,
    /// Where method, target, host, peer and remote user end.
    texts: [usize; 5],
    tls: bool,
    skip_csrf: bool,
}

impl Packed {
    /// Copies a request.
    pub fn of(request: &Request<'_>) -> Self {
        let texts = [request.method, request.target, request.host, request.peer, request.remote_user];
        let (mut fields, mut length) = (0, texts.iter().map(|t| t.len()).sum::<usize>());
        request.headers.each(|header| {
            fields += 1;
            length += header.name.len() + header.value.len();
        });
        let mut packed = Self { tls: request.tls, skip_csrf: request.skip_csrf, ..Self::default() };
        packed.bytes.reserve_exact(length);
        packed.ends.reserve_exact(fields);
        for (end, text) in packed.texts.iter_mut().zip(texts) {
            packed.bytes.extend_from_slice(text);
            *end = packed.bytes.len();
        }
        request.headers.each(|header| {
            packed.bytes.extend_from_slice(header.name);
            let name_end = packed.bytes.len();
            packed.bytes.extend_from_slice(header.value);
            packed.ends.push((name_end, packed.bytes.len()));
        });
        packed
    }

    /// The request again, borrowed from the copy.
    pub fn request(&self) -> Request<'_> {
        let text = |i: usize| {
            let start = if i == 0 { 0 } else { self.texts[i - 1] };
            &self.bytes[start..self.texts[i]]
        };
        let mut request = Request::new(Headers::Packed(self));
        request.method = text(0);
        request.target = text(1);
        request.host = text(2);
        request.peer = text(3);
        request.remote_user = text(4);
        request.tls = self.tls;
        request.skip_csrf = self.skip_csrf;
        request
    }

    fn fields(&self) -> impl Iterator<Item = Header<'_>> {
        let mut start = self.texts[4];
        self.ends.iter().map(move |&(name_end, value_end)| {
            let header = Header { name: &self.bytes[start..name_end], value: &self.bytes[name_end..value_end] };
            start = value_end;
            header
        })
    }
}

impl<'a> Headers<'a> {
    /// Calls `f` with every field in order.
    pub fn each(self, f: impl FnMut(Header<'a>)) {
        match self {
            Self::List(list) => list.iter().copied().for_each(f),
            Self::Block(block) => lines(block).filter_map(parse_line).for_each(f),
            Self::Packed(packed) => packed.fields().for_each(f),
        }
    }

    /// Whether every line of a block is a header field: it has a colon, and does not start with a
    /// blank (an obsolete folded line, RFC 9112 §5.2, would be read as part of nothing).
    pub fn is_well_formed(self) -> bool {
        match self {
            Self::List(_) | Self::Packed(_) => true,
            Self::Block(block) => lines(block).all(|line| parse_line(line).is_some()),
        }
    }
}

impl<'a> Request<'a> {
    /// A request of these headers; the rest is empty until set.
    pub fn new(headers: Headers<'a>) -> Self {
        Self {
            method: b"",
            target: b"",
            host: b"",
            peer: b"",
            remote_user: b"",
            tls: false,
            skip_csrf: false,
            body: Body::Unread,
            headers,
            authorization: joined(headers, b"authorization", b","),
        }
    }

    /// The value of `Authorization` as a WSGI server hands it to Django: blanks at the ends gone,
    /// duplicates joined with a comma (so that they are refused, never picked from). `None` when
    /// there is no such header.
    pub fn authorization(&self) -> Option<&[u8]> {
        self.authorization.as_deref()
    }

    /// The header fields.
    pub fn headers(&self) -> Headers<'a> {
        self.headers
    }

    /// Whether the method is one of these, in any case of letters: Django makes capitals of it.
    pub fn is_method(&self, methods: &[&str]) -> bool {
        methods.iter().any(|method| self.method.eq_ignore_ascii_case(method.as_bytes()))
    }

    /// Any header, joined in the same way.
    pub fn header(&self, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        joined(self.headers, name, b",")
    }

    /// All `Cookie` lines as one (RFC 9113 §8.2.3 lets a client split them).
    pub fn cookies(&self) -> Option<Cow<'a, [u8]>> {
        joined(self.headers, b"cookie", b"; ")
    }
}

#[inline(always)] // for `Authorization` it is most of a request without credentials
fn joined<'a>(headers: Headers<'a>, name: &[u8], by: &[u8]) -> Option<Cow<'a, [u8]>> {
    let mut found: Option<Cow<'a, [u8]>> = None;
    headers.each(|header| {
        // Length first: it decides for almost every header.
        if header.name.len() != name.len() || !header.name.eq_ignore_ascii_case(name) {
            return;
        }
        let value = trimmed(header.value);
        match &mut found {
            None => found = Some(Cow::Borrowed(value)),
            Some(joined) => {
                joined.to_mut().extend_from_slice(by);
                joined.to_mut().extend_from_slice(value);
            }
        }
    });
    found
}

fn trimmed(value: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value.iter().rposition(|b| !blank(b)).map_or(start, |i| i + 1);
    &value[start..end]
}

fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty())
}

fn parse_line(line: &[u8]) -> Option<Header<'_>> {
    let colon = line.iter().position(|b| *b == b':')?;
    let name = &line[..colon];
    let starts_blank = matches!(line.first(), Some(b' ' | b'\t'));
    (!name.is_empty() && !starts_blank).then_some(Header { name, value: &line[colon + 1..] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(fields: &[(&str, &str)]) -> Option<String> {
        let list: Vec<_> = fields.iter().map(|(n, v)| Header { name: n.as_bytes(), value: v.as_bytes() }).collect();
        let request = Request::new(Headers::List(&list));
        request.authorization().map(|v| String::from_utf8_lossy(v).into_owned())
    }

    #[test]
    fn authorization_is_found_in_any_case_and_only_under_its_name() {
        assert_eq!(authorization(&[("aUTHORIZATION", " a ")]).as_deref(), Some("a"));
        for name in ["HTTP_AUTHORIZATION", "Authorization_", "Proxy-Authorization", "Authorisation"] {
            assert_eq!(authorization(&[(name, "a")]), None, "{name}");
        }
    }

    #[test]
    fn duplicates_are_joined_as_a_wsgi_server_joins_them() {
        assert_eq!(authorization(&[("Authorization", "a "), ("authorization", " b")]).as_deref(), Some("a,b"));
    }

    #[test]
    fn a_block_is_the_same_as_a_list() {
        let request = Request::new(Headers::Block(b"Host: x\r\nAuthorization:  Token a\t\r\nX: \r\n"));
        assert_eq!(request.authorization(), Some(&b"Token a"[..]));
        assert_eq!(request.header(b"x").as_deref(), Some(&b""[..]));
    }

    #[test]
    fn cookie_lines_are_one_cookie_header() {
        let request = Request::new(Headers::Block(b"Cookie: a=1\r\ncookie: b=2\r\n"));
        assert_eq!(request.cookies().as_deref(), Some(&b"a=1; b=2"[..]));
    }

    #[test]
    fn a_copy_is_the_same_request() {
        let list = [Header { name: b"A", value: b"1\n" }, Header { name: b"Authorization", value: b"Token a" }];
        let mut request = Request::new(Headers::List(&list));
        request.method = b"GET";
        request.peer = b"::1";
        let copy = Packed::of(&request);
        let again = copy.request();
        assert_eq!((again.method, again.target, again.peer), (&b"GET"[..], &b""[..], &b"::1"[..]));
        assert_eq!(again.authorization(), Some(&b"Token a"[..]));
        assert_eq!(again.header(b"a").as_deref(), Some(&b"1\n"[..]));
    }

    #[test]
    fn a_folded_line_or_one_without_colon_is_not_well_formed() {
        for (block, good) in [
            ("A: b\r\n", true),
            ("A: b", true),
            ("", true),
            ("A: b\r\n c\r\n", false),
            ("A\r\n", false),
            (": b\r\n", false),
            ("\tA: b\r\n", false),
        ] {
            assert_eq!(Headers::Block(block.as_bytes()).is_well_formed(), good, "{block:?}");
        }
    }
}
