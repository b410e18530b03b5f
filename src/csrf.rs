//! Django's CSRF protection (`CsrfViewMiddleware`) as DRF's `SessionAuthentication` applies it:
//! only to who has a session, and 403 for every failure.

use zeroize::Zeroizing;

use crate::accounts::sessions::{CookieSettings, Sessions};
use crate::body;
use crate::codec::cookies::cookie;
use crate::codec::csrf::{BadToken, Token};
use crate::codec::origin::{self, TrustedOrigins, is_same_domain};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::request::{Body, Request};
use crate::site::Site;
use crate::verdict::Refusal;

/// Django's CSRF_* settings.
pub(crate) struct Csrf {
    pub cookie: CookieSettings,
    /// The request header of the token, `X-CSRFTOKEN`.
    pub header: String,
    pub use_sessions: bool,
    pub trusted_origins: TrustedOrigins,
    /// CSRF_COOKIE_DOMAIN, or SESSION_COOKIE_DOMAIN with sessions; empty for none.
    pub domain: String,
}

/// A token for a page, and what has to be sent with it.
pub(crate) struct PageToken {
    /// The masked form, another one in each page.
    pub token: Zeroizing<String>,
    /// The `Set-Cookie` of the secret or of the session that holds it.
    pub set_cookie: Option<String>,
}

/// What the tokens of a request must match; `None` matches nothing.
struct Secret(Option<Token>);

/// Why a request is not believed: Django's `RejectRequest`.
type Rejection = String;

impl Csrf {
    /// Checks a request. `in_session` is the secret that the session holds.
    pub(crate) fn check(&self, request: &Request<'_>, site: &Site, in_session: Option<&str>) -> Result<(), Refusal> {
        let rejected = |reason: Rejection| Refusal::denied("session.csrf", format!("CSRF Failed: {reason}"));
        // RFC 9110 §9.2.1; a method that is not known, or was not said, may change something.
        let is_safe = request.is_method(&["GET", "HEAD", "OPTIONS", "TRACE"]);
        if request.skip_csrf || (is_safe && !opens_websocket(request)) {
            return Ok(());
        }
        if is_safe {
            // RFC 6455 §4.1: browsers always say the origin; who says none has no cookies of others.
            return request.header(b"origin").map_or(Ok(()), |_| self.check_source(request, site).map_err(rejected));
        }
        self.check_source(request, site).map_err(rejected)?;
        let secret = self.secret(request, in_session).map_err(rejected)?;
        let in_form = match request.body {
            // Read even when it is no form, because DRF's parsers are asked and may refuse it.
            Body::Whole(_) | Body::TooLarge if request.is_method(&["POST"]) => {
                body::form_field(request, "csrfmiddlewaretoken")?
            }
            _ => None,
        };
        self.check_token(request, in_form.filter(|token| !token.is_empty()), &secret).map_err(rejected)
    }

    /// Whether the CSRF token may stand in this request's body.
    pub(crate) fn wants_body(&self, request: &Request<'_>) -> bool {
        request.is_method(&["POST"]) && body::is_form(request)
    }

    /// Where the request comes from (`process_view`): its Origin, or over TLS its Referer.
    fn check_source(&self, request: &Request<'_>, site: &Site) -> Result<(), Rejection> {
        if let Some(origin) = request.header(b"origin") {
            let origin = latin1(&origin);
            return if self.is_origin_good(&origin, request, site) {
                Ok(())
            } else {
                Err(format!("Origin checking failed - {origin} does not match any trusted origins."))
            };
        }
        if site.is_secure(request) { self.check_referer(request, site) } else { Ok(()) }
    }

    /// `_origin_verified`.
    fn is_origin_good(&self, origin: &str, request: &Request<'_>, site: &Site) -> bool {
        let scheme = if site.is_secure(request) { "https" } else { "http" };
        let is_same = site.host(request).is_ok_and(|host| origin == format!("{scheme}://{host}"));
        is_same || self.trusted_origins.admit_origin(origin)
    }

    /// `_check_referer`. Over TLS a page of another origin, even one in clear text on the same
    /// host, could have set the cookie.
    fn check_referer(&self, request: &Request<'_>, site: &Site) -> Result<(), Rejection> {
        let failed = |what: &str| Err(format!("Referer checking failed - {what}"));
        let Some(referer) = request.header(b"referer") else { return failed("no Referer.") };
        let Ok(url) = origin::split(&latin1(&referer)) else { return failed("Referer is malformed.") };
        if url.scheme.is_empty() || url.netloc.is_empty() {
            return failed("Referer is malformed.");
        }
        if url.scheme != "https" {
            return failed("Referer is insecure while host is secure.");
        }
        if self.trusted_origins.admit_referer(&url.netloc) {
            return Ok(());
        }
        let good = if self.domain.is_empty() {
            site.host(request).ok().map(std::borrow::Cow::into_owned)
        } else {
            match site.port(request).as_str() {
                "443" | "80" => Some(self.domain.clone()),
                port => Some(format!("{}:{port}", self.domain)),
            }
        };
        match good {
            Some(good) if is_same_domain(&url.netloc, &good) => Ok(()),
            _ => failed(&format!("{} does not match any trusted origins.", url.url())),
        }
    }

    /// `_get_secret`.
    fn secret(&self, request: &Request<'_>, in_session: Option<&str>) -> Result<Secret, Rejection> {
        const NOT_SET: &str = "CSRF cookie not set.";
        if self.use_sessions {
            // What the session holds is not checked; what is no token matches none.
            return Ok(Secret(Token::parse(in_session.ok_or(NOT_SET)?).ok()));
        }
        let header = request.cookies().unwrap_or_default();
        let text = cookie(&header, &self.cookie.name).ok_or(NOT_SET)?;
        Token::parse(&text).map(|token| Secret(Some(token))).map_err(|bad| format!("CSRF cookie {}.", reason(bad)))
    }

    /// `_check_token`: a field of the form goes before the header, even when it is wrong.
    fn check_token(&self, request: &Request<'_>, in_form: Option<String>, secret: &Secret) -> Result<(), Rejection> {
        let (token, place) = match in_form {
            Some(token) => (token, "POST".to_owned()),
            None => {
                let header = request.header(self.header.as_bytes()).ok_or("CSRF token missing.")?;
                (latin1(&header), format!("the '{}' HTTP header", title(&self.header)))
            }
        };
        let wrong = |what: &str| format!("CSRF token from {place} {what}.");
        let token = Token::parse(&token).map_err(|bad| wrong(reason(bad)))?;
        match &secret.0 {
            Some(secret) if token.matches(secret).is_ok() => Ok(()),
            _ => Err(wrong("incorrect")),
        }
    }

    /// A token for a page (`get_token`). `None`: sessions hold the secrets, and the request has no
    /// session; a stranger does not get one for looking at a page.
    pub(crate) fn page_token(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        sessions: &Sessions,
    ) -> Result<Option<PageToken>, Error> {
        if !self.use_sessions {
            return self.cookie_token(request, ctx).map(Some);
        }
        let header = request.cookies().unwrap_or_default();
        let Some(mut session) = sessions.of_cookies(ctx, &header)? else { return Ok(None) };
        if let Some(secret) = session.csrf_secret().and_then(|text| Token::parse(text).ok()) {
            return Ok(Some(PageToken { token: masked(&secret)?, set_cookie: None }));
        }
        let secret = fresh()?;
        session.set_csrf_secret(secret.secret());
        let kept = sessions.keep(ctx, &mut session)?; // `None`: it was ended meanwhile
        kept.map(|set_cookie| Ok(PageToken { token: masked(&secret)?, set_cookie: Some(set_cookie) })).transpose()
    }

    /// A token for the secret in the request's cookie or for a new one. The cookie is sent in either
    /// case, so that its time begins anew (`get_token`).
    pub(crate) fn cookie_token(&self, request: &Request<'_>, ctx: &Ctx<'_>) -> Result<PageToken, Error> {
        let secret = match self.secret(request, None) {
            Ok(Secret(Some(secret))) => secret,
            _ => fresh()?,
        };
        let set_cookie = Some(self.set_cookie(&secret, ctx.now_us()));
        Ok(PageToken { token: masked(&secret)?, set_cookie })
    }

    /// A new secret for a login, because one that somebody else knew before is of no use after it
    /// (`rotate_token`); and its `Set-Cookie`, unless it goes into the session.
    pub(crate) fn rotated(&self, ctx: &Ctx<'_>) -> Result<(Token, Option<String>), Error> {
        let secret = fresh()?;
        let set_cookie = (!self.use_sessions).then(|| self.set_cookie(&secret, ctx.now_us()));
        Ok((secret, set_cookie))
    }

    fn set_cookie(&self, secret: &Token, now_us: i64) -> String {
        let age = Some(self.cookie.age).filter(|age| *age > 0); // Django's None
        self.cookie.set(secret.secret(), age, now_us)
    }
}

/// Whether a page's script could speak for the user by the answer: pages of any site may open a WebSocket,
/// the browser sends the cookies with it, and looking at the origin is the server's affair (RFC 6455 §10.2).
fn opens_websocket(request: &Request<'_>) -> bool {
    let is_websocket = |protocol: &[u8]| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket");
    request.header(b"upgrade").is_some_and(|upgrade| upgrade.split(|byte| *byte == b',').any(is_websocket))
}

fn fresh() -> Result<Token, Error> {
    Ok(Token::fresh(&random()?))
}

fn masked(secret: &Token) -> Result<Zeroizing<String>, Error> {
    Ok(Zeroizing::new(secret.masked(&random()?)))
}

fn reason(bad: BadToken) -> &'static str {
    match bad {
        BadToken::Length => "has incorrect length",
        BadToken::Characters => "has invalid characters",
    }
}

/// `HttpHeaders.parse_header_name`: each word with a capital.
fn title(header: &str) -> String {
    let words = header.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    });
    words.collect::<Vec<_>>().join("-")
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}
