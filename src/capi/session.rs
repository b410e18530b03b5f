//! Logging users in and out with Django's sessions, and the CSRF tokens of a host's own pages.

use std::ffi::{CStr, c_char};
use std::ptr;

use super::context::auth_context;
use super::input::{Budget, Sized_, read_sized};
use super::output::{Wiped, give};
use super::request::auth_request;
use super::status::{auth_status, auth_str};
use super::token::give_option;
use super::{guard, guard_or};
use crate::codec::Secret;
use crate::context::{FreshSession, LogIn};

/// Whom to log in. Start with `AUTH_SESSION_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_session_options {
    /// sizeof(auth_session_options); set by the initialiser.
    pub size: usize,
    /// 0; unknown bits are AUTH_EINVAL.
    pub flags: u32,
    /// Keeps the struct without holes; 0.
    pub reserved: u32,
    /// The user's name. That it is this user has been found out before: by a verdict, say, or
    /// auth_password_check.
    pub user: auth_str,
    /// The value of the session cookie as the browser sent it, empty for none: what that session
    /// holds is kept under a new key, unless it was another user's.
    pub cookie: auth_str,
    /// Which of `authentication_backends` vouches for the user: its dotted path, or the short name
    /// of one of Django's. Empty for the one that checks passwords, else the first.
    pub backend: auth_str,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_session_options {
    const LEAST: usize = std::mem::size_of::<Self>();
}

/// A session that was made or ended, and the cookies that tell the browser so.
/// Its key and cookies are wiped when it is freed.
///
/// Methods: auth_session_create, auth_session_end, auth_session_key,
/// auth_session_cookie, auth_session_free.
pub struct auth_session {
    key: Option<Wiped>,
    cookies: Vec<Wiped>,
}

/// A CSRF token for one page. Wiped when it is freed.
///
/// Methods: auth_csrf_token, auth_csrf_text, auth_csrf_cookie, auth_csrf_free.
pub struct auth_csrf {
    text: Wiped,
    cookie: Option<Wiped>,
}

/// Logs a user in as Django's `auth.login` does: a new session that Django
/// knows, too, under a new key, with a new CSRF secret; the moment goes into
/// `last_login`.
///
/// Ownership: free `*out` with auth_session_free. Threads: any. Blocks:
/// database, session files.
/// Returns: AUTH_OK, AUTH_REFUSED (no such user, or inactive; `*out` is NULL),
/// AUTH_EINVAL, AUTH_ENOTSUP (no such backend), AUTH_ESTORE, AUTH_EBUSY (no
/// random bytes), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_session_create(
    context: Option<&auth_context>,
    options: *const auth_session_options,
    out: *mut *mut auth_session,
) -> auth_status {
    guard(|| {
        let (Some(context), false) = (context, out.is_null()) else { return auth_status::AUTH_EINVAL };
        // SAFETY: `options` is NULL or a struct with its size, by contract.
        let options = match unsafe { read_sized(options) } {
            Ok(options) if options.flags == 0 && options.reserved == 0 => options,
            Ok(_) => return auth_status::AUTH_EINVAL,
            Err(status) => return status,
        };
        let mut budget = Budget::new();
        // SAFETY: the texts are readable, by contract.
        let texts =
            unsafe { (budget.text(options.user), budget.text(options.backend), budget.foreign(options.cookie)) };
        let (Ok(user), Ok(backend), Ok(cookie)) = texts else { return auth_status::AUTH_EINVAL };
        let log_in = LogIn { user, cookie: cookie.unwrap_or_default(), backend };
        let made = context.context().create_session(&log_in);
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, made.map(|session| session.map(fresh))) }
    })
}

/// Ends the session of a cookie, and says how to take the cookie away; that
/// also where there was no session. A session that is kept in the cookie itself
/// (`signed_cookies`) cannot be ended: whoever copied the cookie has it until
/// it is too old.
///
/// Ownership: free `*out` with auth_session_free; it has cookies, but no key.
/// Threads: any. Blocks: database, session files.
/// Returns: AUTH_OK, AUTH_REFUSED (there was none to end; `*out` is written all
/// the same), AUTH_EINVAL, AUTH_ESTORE, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_session_end(
    context: Option<&auth_context>,
    cookie: auth_str,
    out: *mut *mut auth_session,
) -> auth_status {
    guard(|| {
        // SAFETY: the text is readable, by contract.
        let cookie = unsafe { Budget::new().foreign(cookie) };
        let (Some(context), Ok(cookie), false) = (context, cookie, out.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let context = context.context();
        let status = match cookie.map_or(Ok(false), |cookie| context.end_session(&Secret::new(cookie))) {
            Ok(true) => auth_status::AUTH_OK,
            Ok(false) => auth_status::AUTH_REFUSED,
            Err(error) => return (&error).into(),
        };
        let session = auth_session { key: None, cookies: vec![Wiped::new(context.forget_session().as_bytes())] };
        // SAFETY: not NULL; writable by contract.
        unsafe { give(out, session) };
        status
    })
}

/// The key, which is the value of the session cookie: a secret.
///
/// Ownership: borrowed from the session. Threads: any. Blocks: never.
/// Returns: a text, or NULL for a session that was ended, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_session_key(session: Option<&auth_session>) -> *const c_char {
    pointer(session.and_then(|session| session.key.as_ref()))
}

/// The value of `Set-Cookie` number `i`, counted from 0: send each of them in a
/// header of its own.
///
/// Ownership: borrowed from the session. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is no such cookie, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_session_cookie(session: Option<&auth_session>, i: usize) -> *const c_char {
    pointer(session.and_then(|session| session.cookies.get(i)))
}

/// Frees a session and wipes its secrets; NULL does nothing. The user stays
/// logged in.
///
/// Ownership: takes the session. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_session_free(session: Option<Box<auth_session>>) {
    guard_or((), || drop(session));
}

/// A CSRF token for a page that the host makes itself, as Django's `get_token`
/// gives one: for the secret of the request's cookie, or of its session with
/// `csrf_use_sessions`; where there is none, a new one is made. Put the text
/// into a field `csrfmiddlewaretoken` of each form, send the cookie, and
/// `Vary: Cookie`.
///
/// Ownership: free `*out` with auth_csrf_free. Threads: one at a time. Blocks:
/// database and session files, with `csrf_use_sessions` only.
/// Returns: AUTH_OK, AUTH_REFUSED (sessions hold the secrets, and the request
/// has none; `*out` is NULL), AUTH_EINVAL, AUTH_ESTORE, AUTH_EBUSY (no random
/// bytes), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_csrf_token(request: Option<&auth_request>, out: *mut *mut auth_csrf) -> auth_status {
    guard(|| {
        let (Some(request), false) = (request, out.is_null()) else { return auth_status::AUTH_EINVAL };
        let token = request.csrf_token().map(|token| {
            token.map(|token| auth_csrf {
                text: Wiped::new(token.token.as_bytes()),
                cookie: token.set_cookie.map(|cookie| Wiped::new(cookie.as_bytes())),
            })
        });
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, token) }
    })
}

/// The token as it goes into a page, another text in each. A script may send it
/// in the header of `csrf_header_name` instead (X-CSRFToken).
///
/// Ownership: borrowed from the token. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_csrf_text(csrf: Option<&auth_csrf>) -> *const c_char {
    pointer(csrf.map(|csrf| &csrf.text))
}

/// The value of the `Set-Cookie` to send with the page: of the CSRF cookie,
/// whose time begins anew, or of the session that has just got a secret.
///
/// Ownership: borrowed from the token. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is nothing to send, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_csrf_cookie(csrf: Option<&auth_csrf>) -> *const c_char {
    pointer(csrf.and_then(|csrf| csrf.cookie.as_ref()))
}

/// Frees a token and wipes it; NULL does nothing.
///
/// Ownership: takes the token. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_csrf_free(csrf: Option<Box<auth_csrf>>) {
    guard_or((), || drop(csrf));
}

fn fresh(session: FreshSession) -> auth_session {
    auth_session {
        key: Some(Wiped::new(session.key.reveal())),
        cookies: session.cookies.iter().map(|cookie| Wiped::new(cookie.as_bytes())).collect(),
    }
}

fn pointer(text: Option<&Wiped>) -> *const c_char {
    text.map_or(ptr::null(), |text| CStr::as_ptr(text))
}
