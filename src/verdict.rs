//! What can be said about a request, in types that cannot be reached by accident: an identity
//! needs an active user and a proof, a refusal has one text for the client and another for the log.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use crate::codec::{Proof, Secret};
use crate::store::User;

/// A user who may log in. [`active`] is the only way to one.
pub(crate) struct ActiveUser(User);

/// The user, if `is_active` says so.
pub(crate) fn active(user: User) -> Result<ActiveUser, Refusal> {
    if user.is_active { Ok(ActiveUser(user)) } else { Err(Refusal::INACTIVE) }
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
}

impl Identity {
    /// The only way to an identity: an active user, and the proof that a check succeeded.
    pub(crate) fn new(user: ActiveUser, _proof: Proof, auth: Auth) -> Self {
        Self { user: user.0, auth, found_by: None }
    }
}

/// What a refusal says about the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// DRF's `NotAuthenticated`: nobody tried. 401, or 403 without a challenge.
    NotAuthenticated,
    /// DRF's `AuthenticationFailed`: somebody tried and failed. 401, or 403 without a challenge.
    AuthenticationFailed,
    /// DRF's `PermissionDenied`: always 403.
    PermissionDenied,
}

impl Kind {
    /// DRF's `default_code`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotAuthenticated => "not_authenticated",
            Self::AuthenticationFailed => "authentication_failed",
            Self::PermissionDenied => "permission_denied",
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
    /// What the log may know besides; never a secret.
    pub about: About,
    /// What a host may want to announce (Django's signals).
    pub event: Option<Event>,
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
        Self { kind, slug, detail: Cow::Borrowed(detail), about: About::Nothing, event: None }
    }

    /// A host's own decision about somebody who is known (DRF's permission check).
    pub(crate) fn denied(slug: &'static str, detail: Cow<'static, str>) -> Self {
        Self { kind: Kind::PermissionDenied, slug, detail, about: About::Nothing, event: None }
    }

    /// The same refusal with what the log may know.
    pub(crate) fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }

    /// The same refusal with an event for the host.
    pub(crate) fn announcing(mut self, event: Event) -> Self {
        self.event = Some(event);
        self
    }

    pub(crate) const INACTIVE: Self = Self::failed("user.inactive", "User inactive or deleted.");
    pub(crate) const NOT_PROVIDED: Self =
        Self::fixed(Kind::NotAuthenticated, "chain.no_credentials", "Authentication credentials were not provided.");
    pub(crate) const DISAGREE: Self = Self::failed("chain.disagree", "Incorrect authentication credentials.");
    /// DRF's text for a permission that says no without words of its own.
    pub(crate) const NO_PERMISSION: &'static str = "You do not have permission to perform this action.";
}

/// Nobody tried.
pub(crate) static NOBODY: Refusal = Refusal::NOT_PROVIDED;

/// Something that happened on the way to the verdict: Django's signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// `user_login_failed` with the name that was tried.
    LoginFailed { username: String },
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
    /// A plain 503: a failure says nothing about the user, and the client may try again.
    pub(crate) fn broken() -> Self {
        Self {
            status: 503,
            headers: vec![
                ("Content-Type", "application/json".to_owned()),
                ("Cache-Control", "no-store".to_owned()),
                ("Retry-After", "1".to_owned()),
            ],
            body: detail_body("Service temporarily unavailable, try again later."),
        }
    }
}

/// `{"detail": …}` as DRF's `JSONRenderer` writes it: compact, not ASCII-only, and the two line
/// separators that JavaScript would choke on escaped.
pub(crate) fn detail_body(detail: &str) -> String {
    let text = serde_json::Value::from(detail).to_string();
    let text = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("{{\"detail\":{text}}}")
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
