//! What can be said about a request, in types that cannot be reached by accident: an identity
//! needs an active user and a proof, a refusal has one text for the client and another for the log.

use std::borrow::Cow;
use std::ffi::CStr;
use std::ops::Deref;
use std::sync::Arc;

use crate::codec::claims::Claims;
use crate::codec::json::Json;
use crate::codec::{Proof, Secret};
use crate::store::{DurinToken, User};

/// A user who may log in. [`active`] is the usual way to one.
pub(crate) struct ActiveUser(User);

/// The user, if `is_active` says so.
pub(crate) fn active(user: User) -> Result<ActiveUser, Refusal> {
    if user.is_active { Ok(ActiveUser(user)) } else { Err(Refusal::INACTIVE) }
}

/// The user, active or not, where the deployment lets inactive ones in (simplejwt's CHECK_USER_IS_ACTIVE).
pub(crate) fn active_or_not(user: User) -> ActiveUser {
    ActiveUser(user)
}

/// Who it is and how that was found: DRF's `request.user` and `request.auth`.
#[derive(Clone)]
pub(crate) struct Identity {
    pub user: User,
    pub auth: Auth,
    /// The scheme that found the user; filled in by the chain.
    pub found_by: Option<Arc<SchemeName>>,
}

/// A scheme as configuration and DRF know it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SchemeName {
    /// The name in the configuration.
    pub name: String,
    /// The class of the peer, `TokenAuthentication`.
    pub class: &'static str,
}

/// DRF's `request.auth`: the credential behind the identity.
#[derive(Clone)]
pub(crate) enum Auth {
    /// Nothing that lasts (Basic).
    None,
    /// A row of a token table; its key is never shown, only its keyed digest.
    Token(Secret),
    /// A row of a knox table, by the hash that the token is stored as.
    Knox(Secret),
    /// A token of simplejwt.
    Jwt(Arc<Bearer>),
    /// A row of a durin table, and its client; the token is never shown, only its keyed digest.
    Durin(Arc<DurinToken>),
}

/// A token that says itself who has it.
pub(crate) struct Bearer {
    /// What names it: its id, or itself.
    pub id: Secret,
    /// simplejwt's class, `AccessToken`.
    pub class: &'static str,
    /// What it says.
    pub claims: Claims,
}

impl Bearer {
    /// The scopes: of the claim `scope`, a text with blanks between them (RFC 8693 §4.2) or a list, else of `scp`.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        let claim = ["scope", "scp"].into_iter().find_map(|name| self.claims.get(name));
        match claim {
            Some(Json::Text(text)) => {
                text.as_str().map(|text| text.split_ascii_whitespace().collect()).unwrap_or_default()
            }
            Some(Json::List(list)) => list.iter().filter_map(|scope| scope.text()?.as_str().ok()).collect(),
            _ => vec![],
        }
    }
}

impl Identity {
    /// The only way to an identity: an active user, and the proof that a check succeeded.
    pub(crate) fn new(user: ActiveUser, _proof: Proof, auth: Auth) -> Self {
        Self { user: user.0, auth, found_by: None }
    }
}

/// What a refusal says about the status: DRF's exception classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// DRF's `NotAuthenticated`: nobody tried. 401, or 403 without a challenge.
    NotAuthenticated,
    /// DRF's `AuthenticationFailed`: somebody tried and failed. 401, or 403 without a challenge.
    AuthenticationFailed,
    /// DRF's `PermissionDenied`: always 403.
    PermissionDenied,
    /// A user who may have no more tokens, in an answer of knox's own form.
    TooManyTokens,
    /// DRF's `ParseError`: the body is not what its type says.
    ParseError,
    /// DRF's `ValidationError`: a field is missing or wrong.
    Invalid,
    /// DRF's `NotFound`.
    NotFound,
    /// DRF's `UnsupportedMediaType`.
    UnsupportedMediaType,
    /// DRF's `MethodNotAllowed`.
    MethodNotAllowed,
    /// DRF's `Throttled`, with the seconds to wait.
    Throttled(u32),
    /// The body is larger than what is read.
    TooLarge,
}

impl Kind {
    /// DRF's `default_code`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotAuthenticated => "not_authenticated",
            Self::AuthenticationFailed => "authentication_failed",
            Self::PermissionDenied => "permission_denied",
            Self::TooManyTokens => "too_many_tokens",
            Self::ParseError => "parse_error",
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Throttled(_) => "throttled",
            Self::TooLarge => "too_large",
        }
    }

    /// DRF's `status_code`; 401 becomes 403 where there is no challenge.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::NotAuthenticated | Self::AuthenticationFailed => 401,
            Self::PermissionDenied | Self::TooManyTokens => 403,
            Self::ParseError | Self::Invalid => 400,
            Self::NotFound => 404,
            Self::UnsupportedMediaType => 415,
            Self::MethodNotAllowed => 405,
            Self::Throttled(_) => 429,
            Self::TooLarge => 413,
        }
    }
}

/// Why a request is refused.
#[derive(Clone)]
pub(crate) struct Refusal {
    pub kind: Kind,
    /// Stable name for logs and tests.
    pub slug: &'static str,
    /// What the client may know: DRF's literal.
    pub detail: Cow<'static, str>,
    /// Members of the answer behind `detail`, for simplejwt: JSON that starts with a comma; mostly none.
    pub more: Cow<'static, str>,
    /// What the log may know besides; never a secret.
    pub about: About,
}

/// Whom or what a refusal is about, for the log.
#[derive(Clone)]
pub(crate) enum About {
    /// Nothing is known.
    Nothing,
    /// A name that the client claimed.
    Name(String),
    /// A name that the client claimed, and why it was not believed.
    Attempt(String, &'static str),
    /// A credential; the log shows its keyed digest.
    Credential(Secret),
}

impl Refusal {
    /// A failed attempt with a fixed text.
    pub(crate) const fn failed(slug: &'static str, detail: &'static str) -> Self {
        Self::fixed(Kind::AuthenticationFailed, slug, detail)
    }

    const fn fixed(kind: Kind, slug: &'static str, detail: &'static str) -> Self {
        Self { kind, slug, detail: Cow::Borrowed(detail), more: Cow::Borrowed(""), about: About::Nothing }
    }

    /// A decision about somebody who is known (DRF's permission check), or whose body is looked at.
    pub(crate) fn of(kind: Kind, slug: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, slug, detail: detail.into(), more: Cow::Borrowed(""), about: About::Nothing }
    }

    /// DRF's `PermissionDenied`.
    pub(crate) fn denied(slug: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::PermissionDenied, slug, detail)
    }

    /// DRF's `Throttled`.
    pub(crate) fn throttled(seconds: u32) -> Self {
        let plural = if seconds == 1 { "" } else { "s" };
        let text = format!("Request was throttled. Expected available in {seconds} second{plural}.");
        Self::of(Kind::Throttled(seconds), "password.throttled", text)
    }

    /// The same refusal with more members of the answer (see `more`).
    pub(crate) fn with_more(mut self, more: impl Into<Cow<'static, str>>) -> Self {
        self.more = more.into();
        self
    }

    /// The same refusal with what the log may know.
    pub(crate) fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }

    pub(crate) const INACTIVE: Self = Self::failed("user.inactive", "User inactive or deleted.");
    pub(crate) const NOT_PROVIDED: Self =
        Self::fixed(Kind::NotAuthenticated, "chain.no_credentials", "Authentication credentials were not provided.");
    pub(crate) const DISAGREE: Self = Self::failed("chain.disagree", "Incorrect authentication credentials.");
    /// DRF's text for a permission that says no without words of its own.
    pub(crate) const NO_PERMISSION: &'static str = "You do not have permission to perform this action.";
}

/// Whoever sees the challenge of a 401 answers with a password.
pub(crate) static CLEAR_TEXT: Refusal =
    Refusal::fixed(Kind::PermissionDenied, "chain.clear_text", "A secure connection is required.");

/// Whom no table knows can have nothing in one (see `User::is_claimed`).
pub(crate) static CLAIMED: Refusal =
    Refusal::fixed(Kind::PermissionDenied, "endpoint.claimed_user", Refusal::NO_PERMISSION);

/// Nobody tried.
pub(crate) static NOBODY: Refusal = Refusal::NOT_PROVIDED;

/// Something that happened on the way to the verdict: Django's signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// `user_login_failed` with the name that was tried, if there was one.
    LoginFailed { username: Option<String> },
    /// `user_logged_in`.
    LoggedIn { username: String },
    /// `user_logged_out`.
    LoggedOut,
    /// A user row was made (`post_save` with `created`).
    UserCreated { username: String },
    /// knox's `token_expired` with the source `auth_token`: the token of the request was deleted.
    TokenExpired { username: String },
    /// The same with the source `other_token`: another one of its owner.
    OtherTokenExpired { username: String },
    /// durin's `token_renewed`: the end of a token was put off.
    TokenRenewed { username: String },
}

impl Event {
    /// The name of Django's signal, without `user_` where that is in front.
    pub(crate) fn name(&self) -> &'static CStr {
        match self {
            Self::LoginFailed { .. } => c"login_failed",
            Self::LoggedIn { .. } => c"logged_in",
            Self::LoggedOut => c"logged_out",
            Self::UserCreated { .. } => c"user_created",
            Self::TokenExpired { .. } => c"token_expired",
            Self::OtherTokenExpired { .. } => c"other_token_expired",
            Self::TokenRenewed { .. } => c"token_renewed",
        }
    }

    /// Whom it is about, where that is known.
    pub(crate) fn username(&self) -> Option<&str> {
        match self {
            Self::LoginFailed { username } => username.as_deref(),
            Self::LoggedIn { username }
            | Self::UserCreated { username }
            | Self::TokenExpired { username }
            | Self::OtherTokenExpired { username }
            | Self::TokenRenewed { username } => Some(username),
            Self::LoggedOut => None,
        }
    }
}

/// What happened beside the verdict: schemes add to it whatever they answer. Mostly nothing, which
/// costs nothing.
#[derive(Default, Clone)]
pub(crate) struct Effects(Option<Box<Noted>>);

/// What schemes noted.
#[derive(Default, Clone)]
pub(crate) struct Noted {
    /// What a host may want to announce (Django's signals).
    pub events: Vec<Event>,
    /// Values of `Set-Cookie`, on refusals too (Django's `SessionMiddleware` answers every request).
    pub cookies: Vec<String>,
    /// What the session cookie led to: a request has one session, however many schemes ask for it.
    pub visited: Option<Visited>,
}

/// What a session cookie led to.
#[derive(Clone)]
pub(crate) struct Visited {
    /// Who it is.
    pub identity: Option<Identity>,
    /// The CSRF secret that the session holds.
    pub csrf_secret: Option<String>,
}

impl Effects {
    /// What was noted, if anything.
    pub(crate) fn noted(&self) -> Option<&Noted> {
        self.0.as_deref()
    }

    /// What happened, in order.
    pub(crate) fn events(&self) -> &[Event] {
        self.0.as_deref().map_or(&[], |noted| &noted.events)
    }

    /// A place for notes.
    pub(crate) fn note(&mut self) -> &mut Noted {
        self.0.get_or_insert_default()
    }

    /// Notes that a login failed.
    pub(crate) fn login_failed(&mut self, username: &str) {
        self.note().events.push(Event::LoginFailed { username: Some(username.to_owned()) });
    }
}

/// What the chain decided.
#[derive(Clone)]
pub(crate) enum Verdict {
    /// This user.
    Identified(Box<Identity>),
    /// Nobody, and that is allowed.
    Anonymous,
    /// The request is refused.
    Refused(Refused),
}

/// A refusal, small enough to be handed about.
#[derive(Clone)]
pub(crate) enum Refused {
    /// The most common one, nobody tried, costs no memory.
    Fixed(&'static Refusal),
    /// Every other.
    Made(Box<Refusal>),
}

impl Deref for Refused {
    type Target = Refusal;
    fn deref(&self) -> &Refusal {
        match self {
            Self::Fixed(refusal) => refusal,
            Self::Made(refusal) => refusal,
        }
    }
}

/// What the host sends, verbatim; on success the headers it adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Response {
    /// DRF's answer to an exception (`handle_exception`): 401 with a challenge when there is one,
    /// else 403; every other status is the exception's own.
    pub(crate) fn refused(refusal: &Refusal, challenges: &[String]) -> Self {
        let mut headers = Vec::new();
        let status = match refusal.kind.status() {
            401 if challenges.is_empty() => 403,
            401 => {
                headers.extend(challenges.iter().map(|c| ("WWW-Authenticate", c.clone())));
                401
            }
            other => other,
        };
        if let Kind::Throttled(seconds) = refusal.kind {
            headers.push(("Retry-After", seconds.to_string()));
        }
        let body = format!("{{\"detail\":{}{}}}", json_text(&refusal.detail), refusal.more);
        let mut response = Self::json(status, body);
        response.headers.splice(0..0, headers);
        response
    }

    /// An answer in JSON that no cache may keep.
    pub(crate) fn json(status: u16, body: String) -> Self {
        let headers = vec![("Content-Type", "application/json".to_owned()), ("Cache-Control", "no-store".to_owned())];
        Self { status, headers, body }
    }

    /// A plain 503: a failure says nothing about the user, and the client may try again.
    pub(crate) fn broken() -> Self {
        let mut response = Self::json(503, detail_body("Service temporarily unavailable, try again later."));
        response.headers.push(("Retry-After", "1".to_owned()));
        response
    }
}

/// `{"detail": …}`.
pub(crate) fn detail_body(detail: &str) -> String {
    format!("{{\"detail\":{}}}", json_text(detail))
}

/// A text as DRF's `JSONRenderer` writes it: not ASCII-only, and the two line separators that
/// JavaScript would choke on escaped.
pub(crate) fn json_text(text: &str) -> String {
    let text = serde_json::Value::from(text).to_string();
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inactive_user_is_no_active_user() {
        let mut user = User::foreign("1", "alice").unwrap();
        assert!(active(user.clone()).is_ok());
        user.is_active = false;
        assert_eq!(active(user).err().map(|r| r.slug), Some("user.inactive"));
    }

    #[test]
    fn the_body_is_written_as_drf_writes_it() {
        assert_eq!(detail_body("Invalid token."), r#"{"detail":"Invalid token."}"#);
        assert_eq!(detail_body("a\"\u{e9}\u{2028}"), "{\"detail\":\"a\\\"\u{e9}\\u2028\"}");
    }
}
