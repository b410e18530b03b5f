//! The text rules of Django's CSRF protection and of `HttpRequest.get_host`: origins, referers,
//! hosts. Texts in, decisions out.

/// A URL as far as its origin goes (Python's `urlsplit`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// In lower case.
    pub scheme: String,
    /// Host and port, with the user if there is one, as written.
    pub netloc: String,
    /// What follows, as written.
    rest: String,
}

/// Not a URL that Python would split (`ValueError`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoUrl;

/// Python's `urlsplit`.
///
/// # Errors
/// [`NoUrl`] for brackets that hold no address.
pub fn split(url: &str) -> Result<Split, NoUrl> {
    // Python strips these before it looks (WHATWG's rules, bpo-43882).
    let url = url.trim_start_matches(|c: char| c <= ' ').replace(['\t', '\r', '\n'], "");
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = match url.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), url.as_str()),
    };
    let (netloc, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    if netloc.contains('[') != netloc.contains(']') {
        return Err(NoUrl);
    }
    check_bracketed(netloc)?;
    Ok(Split { scheme, netloc: netloc.to_owned(), rest: rest.to_owned() })
}

/// Python's `_check_bracketed_netloc`, which came with 3.11.12 (CVE-2025-0938): before, anything could
/// stand around the brackets.
fn check_bracketed(netloc: &str) -> Result<(), NoUrl> {
    if !netloc.contains('[') {
        return Ok(());
    }
    let host_and_port = netloc.rsplit_once('@').map_or(netloc, |(_, host)| host);
    let bracketed = host_and_port.strip_prefix('[').ok_or(NoUrl)?;
    let (host, port) = bracketed.split_once(']').ok_or(NoUrl)?;
    let is_port = port.is_empty() || port.starts_with(':');
    if is_port && (is_future(host) || is_address(host)) { Ok(()) } else { Err(NoUrl) }
}

/// RFC 3986 §3.2.2 `IPvFuture`, as far as Python looks.
fn is_future(host: &str) -> bool {
    let version_and_address = host.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    version_and_address.is_some_and(|(version, address)| {
        !version.is_empty() && version.bytes().all(|b| b.is_ascii_hexdigit()) && !address.is_empty()
    })
}

/// An IPv6 address, perhaps with a zone (`ipaddress.IPv6Address`).
fn is_address(host: &str) -> bool {
    let (address, has_good_zone) = match host.split_once('%') {
        Some((address, zone)) => (address, !zone.is_empty() && !zone.contains('%')),
        None => (host, true),
    };
    has_good_zone && address.parse::<std::net::Ipv6Addr>().is_ok()
}

impl Split {
    /// The URL again, if it has a scheme and a host (Python's `geturl`): the scheme in lower case,
    /// an empty query and an empty fragment gone.
    pub fn url(&self) -> String {
        let (front, fragment) = self.rest.split_once('#').unwrap_or((&self.rest, ""));
        let (path, query) = front.split_once('?').unwrap_or((front, ""));
        let mut url = format!("{}://{}{path}", self.scheme, self.netloc);
        for (mark, part) in [('?', query), ('#', fragment)] {
            if !part.is_empty() {
                url.push(mark);
                url.push_str(part);
            }
        }
        url
    }
}

/// Whether a host is a pattern's: equal, or below it when the pattern starts with a dot (Django's
/// `is_same_domain`; the pattern is compared in lower case, the host as it is).
pub fn is_same_domain(host: &str, pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    match pattern.strip_prefix('.') {
        _ if pattern.is_empty() => false,
        Some(apex) => host == apex || host.ends_with(&pattern),
        None => host == pattern,
    }
}

/// Django's ALLOWED_HOSTS.
#[derive(Debug, Clone)]
pub struct AllowedHosts(Vec<String>);

/// A host that is none, or not allowed (Django's `DisallowedHost`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disallowed;

impl AllowedHosts {
    /// Patterns: `*`, `.example.com`, `example.com`.
    pub fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|pattern| pattern.to_lowercase()).collect())
    }

    /// The host, with its port, if it is one and allowed (`HttpRequest.get_host`).
    ///
    /// # Errors
    /// [`Disallowed`].
    pub fn allow<'h>(&self, host: &'h str) -> Result<&'h str, Disallowed> {
        let domain = domain(host).ok_or(Disallowed)?;
        let is_allowed = |pattern: &String| pattern == "*" || is_same_domain(&domain, pattern);
        if !domain.is_empty() && self.0.iter().any(is_allowed) { Ok(host) } else { Err(Disallowed) }
    }
}

/// The domain of `host[:port]` in lower case (`split_domain_port`); `None` for what is no host.
fn domain(host: &str) -> Option<String> {
    // Not even what is ASCII in lower case, as the Kelvin sign is: to Django each character of a
    // header is a byte.
    if !host.is_ascii() {
        return None;
    }
    let host = host.to_ascii_lowercase();
    let end = match host.find(']') {
        Some(end) => end + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (domain, port) = host.split_at(end);
    let is_domain = match domain.strip_prefix('[') {
        Some(rest) => is_bracketed_host(rest),
        None => domain.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b)),
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    };
    // One trailing dot is the root (RFC 1034 §3.1).
    (is_domain && is_port).then(|| domain.strip_suffix('.').unwrap_or(domain).to_owned())
}

/// What follows `[`: digits before the first colon, and more behind it (`host_validation_re`).
fn is_bracketed_host(rest: &str) -> bool {
    let parts = rest.strip_suffix(']').and_then(|address| address.split_once(':'));
    parts.is_some_and(|(first, others)| {
        let is_digits = |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_hexdigit() || more.contains(&b));
        is_digits(first, b"") && !others.is_empty() && is_digits(others, b".:")
    })
}

/// Django's CSRF_TRUSTED_ORIGINS.
#[derive(Debug, Clone, Default)]
pub struct TrustedOrigins {
    exact: Vec<String>,
    /// Scheme and `.domain` of the entries with a `*`.
    below: Vec<(String, String)>,
    /// Host and port of every entry, a leading `*` gone.
    hosts: Vec<String>,
}

impl TrustedOrigins {
    /// Entries `scheme://host[:port]`, or `scheme://*.domain[:port]` for a domain and all below it.
    ///
    /// # Errors
    /// The first entry without a scheme (Django's check 4_0.E001) or that is no URL.
    pub fn new(entries: &[String]) -> Result<Self, String> {
        let mut origins = Self::default();
        for entry in entries {
            let url = split(entry).ok().filter(|url| !url.scheme.is_empty() && !url.netloc.is_empty());
            let Some(url) = url else { return Err(entry.clone()) };
            let host = url.netloc.trim_start_matches('*').to_owned();
            if entry.contains('*') {
                origins.below.push((url.scheme, host.clone()));
            } else {
                origins.exact.push(entry.clone());
            }
            origins.hosts.push(host);
        }
        Ok(origins)
    }

    /// Whether the value of an `Origin` header is one of them.
    pub fn admit_origin(&self, origin: &str) -> bool {
        if self.exact.iter().any(|exact| exact == origin) {
            return true;
        }
        let Ok(url) = split(origin) else { return false };
        self.below.iter().any(|(scheme, domain)| *scheme == url.scheme && is_same_domain(&url.netloc, domain))
    }

    /// Whether the host and port of a `Referer` is one of them, of whatever scheme.
    pub fn admit_referer(&self, netloc: &str) -> bool {
        self.hosts.iter().any(|host| is_same_domain(netloc, host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_as_python_splits_them() {
        for (url, scheme, netloc) in [
            ("https://a.example:8/x?y#z", "https", "a.example:8"),
            ("HTTPS://A", "https", "A"),
            (" \x01https://a", "https", "a"),
            ("ht\ntps://a\t/b", "https", "a"),
            ("//a/b", "", "a"),
            ("a/b", "", ""),
            ("1a://b", "", ""),
            ("https:a", "https", ""),
            ("https://[::1]:80/", "https", "[::1]:80"),
            ("https://u@[::1]", "https", "u@[::1]"),
        ] {
            let split = split(url).unwrap();
            assert_eq!((split.scheme.as_str(), split.netloc.as_str()), (scheme, netloc), "{url:?}");
        }
        for url in [
            "https://[::1",
            "https://::1]",
            "https://[a]",
            "https://x[::1]",
            "https://[::1]x",
            "https://[::1]@a",
            "https://[::1%]",
            "https://[::1%a%b]",
            "https://[V1.a]",
        ] {
            assert_eq!(split(url), Err(NoUrl), "{url:?}");
        }
    }

    #[test]
    fn urls_are_put_together_again() {
        for (url, again) in [
            ("HTTP://A/b?c#d", "http://A/b?c#d"),
            ("http://a?", "http://a"),
            ("http://a/#", "http://a/"),
            ("http://a/?#x", "http://a/#x"),
            ("http://a/#b#", "http://a/#b#"),
            ("http://a/b?c?", "http://a/b?c?"),
        ] {
            assert_eq!(split(url).unwrap().url(), again);
        }
    }

    #[test]
    fn hosts_are_checked_before_they_are_believed() {
        let hosts = AllowedHosts::new(&["example.com".into(), ".Sub.example.com".into(), "[::1]".into()]);
        for host in
            ["example.com", "EXAMPLE.com:8000", "example.com.", "sub.example.com", "a.b.sub.example.com", "[::1]:1"]
        {
            assert_eq!(hosts.allow(host), Ok(host));
        }
        for host in [
            "",
            "a.example.com",
            "example.com/",
            "example.com:x",
            "example.com:",
            "exa mple.com",
            "x@example.com",
            "[::2]",
            ":80",
            "\u{e9}",
            "[:]",
            "[::1].",
            "example.com]",
        ] {
            assert_eq!(hosts.allow(host), Err(Disallowed), "{host:?}");
        }
        assert!(AllowedHosts::new(&["*".into()]).allow("a.b").is_ok());
        for host in ["a/b", "\u{212a}.example", "[1.2:3]", "[a:]", "."] {
            assert!(AllowedHosts::new(&["*".into()]).allow(host).is_err(), "{host}");
        }
    }

    #[test]
    fn trusted_origins_are_exact_or_below_a_domain() {
        let entries = ["https://a.example".to_owned(), "http://*.b.example:8".to_owned()];
        let trusted = TrustedOrigins::new(&entries).unwrap();
        for (origin, good) in [
            ("https://a.example", true),
            ("http://a.example", false),
            ("https://A.example", false),
            ("https://x.a.example", false),
            ("http://b.example:8", true),
            ("http://x.y.b.example:8", true),
            ("http://b.example", false),
            ("https://b.example:8", false),
            ("http://xb.example:8", false),
            ("null", false),
        ] {
            assert_eq!(trusted.admit_origin(origin), good, "{origin}");
        }
        assert!(trusted.admit_referer("a.example") && trusted.admit_referer("c.b.example:8"));
        assert!(!trusted.admit_referer("c.b.example"));
        assert_eq!(TrustedOrigins::new(&["a.example".to_owned()]).err(), Some("a.example".to_owned()));
    }
}
