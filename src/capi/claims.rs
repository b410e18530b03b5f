//! What the credential itself says of the user: the claims of a signed token.

use std::ffi::{CString, c_char, c_int};
use std::ptr;

use super::guard_or;
use super::input::Budget;
use super::status::auth_str;
use super::user::auth_user;
use crate::codec::json::{self, Json, Lent};
use crate::verdict::Bearer;

/// What was made of the claims and lent out.
pub(super) struct Claims {
    whole: CString,
    each: Vec<(String, CString)>,
    scopes: Vec<CString>,
}

impl Claims {
    pub(super) fn of(bearer: &Bearer) -> Self {
        let object = bearer.claims.object();
        let members = if let Json::Object(members) = object { members.as_slice() } else { &[] };
        let each = members.iter().filter_map(|(name, value)| {
            Some((name.as_str().ok()?.to_owned(), CString::new(shown(value)).ok()?)) // none with a NUL inside
        });
        let scopes = bearer.scopes().into_iter().filter_map(|scope| CString::new(scope).ok());
        Self {
            whole: CString::new(json::encode(object)).unwrap_or_default(),
            each: each.collect(),
            scopes: scopes.collect(),
        }
    }
}

/// A text as it is, anything else as JSON.
fn shown(value: &Lent<'_>) -> String {
    match value {
        Json::Text(text) => text.as_str().map_or_else(|_| json::encode(value), str::to_owned),
        other => json::encode(other),
    }
}

/// Everything that the credential of a verdict says, as a JSON object: the
/// claims of a signed token.
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text, or NULL when the credential says nothing (a password, a
/// token that is a row of a table), and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_claims_json(user: Option<&auth_user>) -> *const c_char {
    guard_or(ptr::null(), || claims(user).map_or(ptr::null(), |claims| claims.whole.as_ptr()))
}

/// One claim: a text as it is, anything else as JSON (`5`, `["a"]`).
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is no such claim, when it is a text with
/// a NUL inside, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_claim(user: Option<&auth_user>, name: auth_str) -> *const c_char {
    guard_or(ptr::null(), || {
        let mut budget = Budget::new();
        // SAFETY: the text is readable, by contract.
        let Ok(name) = (unsafe { budget.text(name) }) else { return ptr::null() };
        let each = claims(user).map_or(&[][..], |claims| &claims.each);
        each.iter().find(|(known, _)| known == name).map_or(ptr::null(), |(_, value)| value.as_ptr())
    })
}

/// Whether a claim has this value, or is a list with it: a text as it is,
/// anything else as JSON (`5`, `true`).
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: 1 when it has; 0 when it has not, when there is no such claim, and
/// for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_has_claim(user: Option<&auth_user>, name: auth_str, value: auth_str) -> c_int {
    guard_or(0, || {
        let mut budget = Budget::new();
        // SAFETY: the texts are readable, by contract.
        let (Ok(name), Ok(value)) = (unsafe { (budget.text(name), budget.text(value)) }) else { return 0 };
        let claim = user.and_then(auth_user::bearer).and_then(|bearer| bearer.claims.get(name));
        c_int::from(match claim {
            Some(Json::List(list)) => list.iter().any(|element| shown(element) == value),
            Some(one) => shown(one) == value,
            None => false,
        })
    })
}

/// Scope number `i`, counted from 0, of a token: of the claim "scope", a text
/// with blanks between them (RFC 8693) or a list, else of "scp".
///
/// Ownership: borrowed from the user. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is no such scope, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_scope(user: Option<&auth_user>, i: usize) -> *const c_char {
    guard_or(ptr::null(), || {
        claims(user).and_then(|claims| claims.scopes.get(i)).map_or(ptr::null(), |scope| scope.as_ptr())
    })
}

/// When the credential ends, as a token itself says (the claim "exp").
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: Unix time in microseconds; 0 when it does not say, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_expires(user: Option<&auth_user>) -> i64 {
    guard_or(0, || {
        let exp = user.and_then(auth_user::bearer).and_then(|bearer| bearer.claims.seconds("exp", false).ok()?);
        exp.unwrap_or(0).saturating_mul(1_000_000)
    })
}

fn claims(user: Option<&auth_user>) -> Option<&Claims> {
    user.and_then(auth_user::claims)
}
