//! A signed word about the user, for a program behind the host.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use super::input::text;
use super::output::Wiped;
use super::request::auth_request;
use super::status::{auth_status, auth_str};
use super::token::give_option;
use super::{guard, guard_or};

/// A signed word about a user. Wiped when it is freed.
///
/// Methods: auth_request_assert, auth_assertion_header, auth_assertion_text,
/// auth_assertion_free.
pub struct auth_assertion {
    header: CString,
    text: Wiped,
}

/// Makes a short-lived JSON Web Token (RFC 7519) that says to `audience`, a
/// program that the request is passed on to, who the user is: `iss`, `aud`,
/// `sub` (the user's key), `iat`, `exp`, `jti`, `preferred_username`, `email`,
/// `scheme`, `is_staff` and `is_superuser`. The table `[assertion]` of the
/// configuration says how it is signed and for how long it is good. Its
/// header has the `typ` `authchain-assertion+jwt` (RFC 8725 section 3.11).
///
/// Ownership: free `*out` with auth_assertion_free. Threads: one at a time.
/// Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (there is no user to speak of; `*out` is NULL),
/// AUTH_ENOTSUP (the configuration has no such table, whatever the verdict),
/// AUTH_EINVAL (also an empty audience), AUTH_EBUSY (no random bytes),
/// AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_request_assert(
    request: Option<&auth_request>,
    audience: auth_str,
    out: *mut *mut auth_assertion,
) -> auth_status {
    guard(|| {
        // SAFETY: the text is readable, by contract.
        let (Some(request), false, Ok(audience)) = (request, out.is_null(), unsafe { text(audience) }) else {
            return auth_status::AUTH_EINVAL;
        };
        let made = request.assertion(audience).map(|made| {
            made.map(|(header, text)| auth_assertion {
                header: CString::new(header).unwrap_or_default(), // a token (RFC 9110), checked when it was read
                text: Wiped::new(text.as_bytes()),
            })
        });
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, made) }
    })
}

/// The name of the header that it is passed on in. auth_request_edits takes it
/// away as a client sent it.
///
/// Ownership: borrowed from the assertion. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_assertion_header(assertion: Option<&auth_assertion>) -> *const c_char {
    assertion.map_or(ptr::null(), |assertion| assertion.header.as_ptr())
}

/// The token, which is the value of the header.
///
/// Ownership: borrowed from the assertion. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_assertion_text(assertion: Option<&auth_assertion>) -> *const c_char {
    assertion.map_or(ptr::null(), |assertion| CStr::as_ptr(&assertion.text))
}

/// Frees an assertion and wipes it; NULL does nothing.
///
/// Ownership: takes the assertion. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_assertion_free(assertion: Option<Box<auth_assertion>>) {
    guard_or((), || drop(assertion));
}
