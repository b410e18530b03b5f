//! Who it is.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::OnceLock;

use super::claims::Claims;
use super::guard_or;
use super::output::Text;
use super::response::auth_response;
use super::status::auth_status;
use crate::exchange::Exchange;
use crate::store::User;
use crate::verdict::{Auth, Bearer, Kind, Verdict};

/// Bits of auth_user_flags: `is_active`.
pub const AUTH_USER_ACTIVE: u32 = 1;
/// Bits of auth_user_flags: `is_staff`.
pub const AUTH_USER_STAFF: u32 = 2;
/// Bits of auth_user_flags: `is_superuser`.
pub const AUTH_USER_SUPERUSER: u32 = 4;
/// Bits of auth_user_flags: a token says so; the database was not asked. Its id
/// may be that of somebody else there.
pub const AUTH_USER_CLAIMED: u32 = 8;

/// A user, or the anonymous user: whoever a verdict or a look-up found.
/// Borrowed from a request (`const`), or owned.
///
/// Methods: auth_authenticate, auth_request_user, auth_user_id, auth_user_name,
/// auth_user_email, auth_user_scheme, auth_user_flags, auth_user_auth,
/// auth_user_claims_json, auth_user_claim, auth_user_has_claim, auth_user_scope,
/// auth_user_expires, auth_user_group, auth_user_response, auth_user_clone, auth_user_free,
/// auth_user_lookup, auth_user_create, auth_token_verify, auth_password_check.
pub struct auth_user {
    source: Source,
    /// What was asked for: most users are asked for little, and a refusal for its response only.
    lent: OnceLock<Box<Lent>>,
}

/// What was made of the source and lent out.
#[derive(Default)]
struct Lent {
    id: Text,
    scheme: Text,
    auth: Text,
    response: OnceLock<auth_response>,
    claims: OnceLock<Claims>,
}

/// Where the user comes from.
enum Source {
    /// A verdict.
    Judged(Exchange),
    /// A look-up; with the names of the groups.
    Found(User, Vec<CString>),
}

impl auth_user {
    /// The user of the current verdict.
    pub(super) fn judged(exchange: Exchange) -> Self {
        Self::from(Source::Judged(exchange))
    }

    /// A user of the database.
    pub(super) fn found(user: User, groups: Vec<String>) -> Self {
        let groups = groups.into_iter().map(|g| CString::new(g).unwrap_or_default()).collect();
        Self::from(Source::Found(user, groups))
    }

    fn from(source: Source) -> Self {
        Self { source, lent: OnceLock::new() }
    }

    fn lent(&self) -> &Lent {
        self.lent.get_or_init(Box::default)
    }

    /// What auth_request_authenticate returns for the current verdict.
    pub(super) fn status(&self) -> auth_status {
        match self.exchange().outcome() {
            None => auth_status::AUTH_EINVAL,
            Some(Err(error)) => error.into(),
            Some(Ok(judgement)) => match &judgement.verdict {
                Verdict::Identified(_) => auth_status::AUTH_OK,
                Verdict::Anonymous => auth_status::AUTH_ANONYMOUS,
                Verdict::Refused(refusal) if matches!(refusal.kind, Kind::Throttled(_)) => auth_status::AUTH_THROTTLED,
                Verdict::Refused(_) => auth_status::AUTH_REFUSED,
            },
        }
    }

    /// The exchange of a request's user.
    pub(super) fn exchange(&self) -> &Exchange {
        match &self.source {
            Source::Judged(exchange) => exchange,
            Source::Found(..) => unreachable!("a request's user is always a judged one"),
        }
    }

    /// The exchange of a request's user, to be changed; then call [`Self::forget_texts`].
    pub(super) fn exchange_mut(&mut self) -> &mut Exchange {
        match &mut self.source {
            Source::Judged(exchange) => exchange,
            Source::Found(..) => unreachable!("a request's user is always a judged one"),
        }
    }

    /// Forgets what was made of an earlier verdict.
    pub(super) fn forget_texts(&mut self) {
        self.lent = OnceLock::new();
    }

    /// The response of a user; 503 for none.
    pub(super) fn response_of(user: Option<&Self>) -> *const auth_response {
        match user {
            Some(user @ Self { source: Source::Judged(exchange), .. }) => {
                ptr::from_ref(user.lent().response.get_or_init(|| auth_response::new(exchange.response())))
            }
            Some(Self { source: Source::Found(..), .. }) => ptr::null(),
            None => ptr::from_ref(auth_response::broken()),
        }
    }

    fn user(&self) -> Option<&User> {
        match &self.source {
            Source::Judged(exchange) => exchange.identity().map(|identity| &identity.user),
            Source::Found(user, _) => Some(user),
        }
    }

    /// The name of the anonymous user.
    fn nobody(&self) -> &CStr {
        match &self.source {
            Source::Judged(exchange) => exchange.anonymous_user().unwrap_or(c""),
            Source::Found(..) => c"",
        }
    }

    fn scheme_name(&self) -> Option<String> {
        let Source::Judged(exchange) = &self.source else { return None };
        exchange.identity()?.found_by.as_ref().map(|by| by.name.clone())
    }

    /// The token that says itself who has it, if that is the credential of the verdict.
    pub(super) fn bearer(&self) -> Option<&Bearer> {
        let Source::Judged(exchange) = &self.source else { return None };
        if let Auth::Jwt(bearer) = &exchange.identity()?.auth { Some(bearer) } else { None }
    }

    /// What it says.
    pub(super) fn claims(&self) -> Option<&Claims> {
        let bearer = self.bearer()?;
        Some(self.lent().claims.get_or_init(|| Claims::of(bearer)))
    }

    fn auth_id(&self) -> Option<String> {
        let Source::Judged(exchange) = &self.source else { return None };
        match &exchange.identity()?.auth {
            Auth::None => None,
            Auth::Jwt(bearer) => Some(exchange.context().digest(&bearer.id).to_string()),
            Auth::Durin(row) => Some(exchange.context().digest(&row.token).to_string()),
            Auth::Token(key) | Auth::Knox(key) => Some(exchange.context().digest(key).to_string()),
        }
    }

    fn copy(&self) -> Self {
        Self::from(match &self.source {
            Source::Judged(exchange) => Source::Judged(exchange.current_only()),
            Source::Found(user, groups) => Source::Found(user.clone(), groups.clone()),
        })
    }
}

/// The user's key as text, Python's `str(user.pk)`: a number or a UUID.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text, or NULL for the anonymous user and NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_id(user: Option<&auth_user>) -> *const c_char {
    guard_or(ptr::null(), || {
        user.map_or(ptr::null(), |u| u.lent().id.of_option(|| u.user().map(|user| user.id.to_string())))
    })
}

/// The name, the value of USERNAME_FIELD.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text; for the anonymous user "" (as Django's), or with
/// AUTH_ANONYMOUS the chain's `anonymous_user`; NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_name(user: Option<&auth_user>) -> *const c_char {
    user.map_or(ptr::null(), |u| u.user().map_or_else(|| u.nobody().as_ptr(), |user| user.name_c()))
}

/// The e-mail address.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text; "" when there is none; NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_email(user: Option<&auth_user>) -> *const c_char {
    user.map_or(ptr::null(), |u| u.user().map_or(c"".as_ptr(), |user| user.email_c()))
}

/// The scheme that found the user, by its name in the configuration.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text, or NULL when no scheme did, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_scheme(user: Option<&auth_user>) -> *const c_char {
    guard_or(ptr::null(), || user.map_or(ptr::null(), |u| u.lent().scheme.of_option(|| u.scheme_name())))
}

/// AUTH_USER_ACTIVE, AUTH_USER_STAFF, AUTH_USER_SUPERUSER.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: the bits; 0 for the anonymous user and NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_flags(user: Option<&auth_user>) -> u32 {
    user.and_then(auth_user::user).map_or(0, |user| {
        let bits = [
            (user.is_active, AUTH_USER_ACTIVE),
            (user.is_staff, AUTH_USER_STAFF),
            (user.is_superuser, AUTH_USER_SUPERUSER),
            (user.is_claimed, AUTH_USER_CLAIMED),
        ];
        bits.iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum()
    })
}

/// Which credential it was: for a token its keyed digest as in the log, never
/// the token.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text, or NULL when the scheme has none (Basic), and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_auth(user: Option<&auth_user>) -> *const c_char {
    guard_or(ptr::null(), || user.map_or(ptr::null(), |u| u.lent().auth.of_option(|| u.auth_id())))
}

/// The name of group number `i`, counted from 0, of a user that
/// auth_user_lookup found. Verdicts do not read groups.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is no such group, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_group(user: Option<&auth_user>, i: usize) -> *const c_char {
    match user {
        Some(auth_user { source: Source::Found(_, groups), .. }) => groups.get(i).map_or(ptr::null(), |g| g.as_ptr()),
        _ => ptr::null(),
    }
}

/// What to answer, see auth_request_response.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: the response; a plain 503 for NULL, so that it can be called
/// whatever auth_authenticate returned; NULL for a user of a look-up.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_response(user: Option<&auth_user>) -> *const auth_response {
    guard_or(ptr::null(), || auth_user::response_of(user))
}

/// A copy that outlives the request.
///
/// Ownership: free the copy with auth_user_free. Threads: any. Blocks: never.
/// Returns: the copy, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_clone(user: Option<&auth_user>) -> *mut auth_user {
    guard_or(ptr::null_mut(), || user.map_or(ptr::null_mut(), |user| Box::into_raw(Box::new(user.copy()))))
}

/// Frees an owned user; NULL does nothing. Never a user borrowed from a
/// request, which is `const`.
///
/// Ownership: takes the user. Threads: any. Blocks: closes connections when it
/// was the last user of a context that was freed.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_free(user: Option<Box<auth_user>>) {
    guard_or((), || drop(user));
}
