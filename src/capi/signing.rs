//! Texts signed with Django's secret key.

use std::ffi::{CStr, c_char};
use std::ptr;

use super::context::auth_context;
use super::guard;
use super::guard_or;
use super::input::{Budget, Sized_, read_sized};
use super::output::Wiped;
use super::status::{auth_status, auth_str};
use super::token::give_option;
use crate::accounts::signing::{Signed, Way};

/// With the moment of signing, as Django's `TimestampSigner` does.
pub const AUTH_SIGN_TIMED: u32 = 1;
/// As the value of the cookie `cookie`, as Django's `set_signed_cookie` does;
/// has the moment, too.
pub const AUTH_SIGN_COOKIE: u32 = 2;
/// auth_unsign: however long ago it was signed, whatever `max_age` says.
pub const AUTH_SIGN_ANY_AGE: u32 = 4;

/// How to sign, and what to believe. Start with `AUTH_SIGN_OPTIONS_INIT`.
///
/// With no flag it is Django's `Signer`. `signing.dumps` and `loads` are not
/// for texts but for JSON, and not here.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_sign_options {
    /// sizeof(auth_sign_options); set by the initialiser.
    pub size: usize,
    /// AUTH_SIGN_TIMED and others; unknown bits are AUTH_EINVAL.
    pub flags: u32,
    /// Keeps the struct without holes; 0.
    pub reserved: u32,
    /// Unix time in microseconds, for tests; 0: the clock.
    pub now_us: i64,
    /// auth_unsign: the greatest age in seconds that is still good. It is always asked for where
    /// there is a moment, unless AUTH_SIGN_ANY_AGE says otherwise; elsewhere it has to be 0.
    pub max_age: i64,
    /// What is signed under one salt is not believed under another: name the purpose, and use a
    /// salt either with a moment or without, because Django takes the one for the other. Empty
    /// for the salt of Django's class; for a cookie Django's `salt` argument.
    pub salt: auth_str,
    /// The name of the cookie, with AUTH_SIGN_COOKIE only.
    pub cookie: auth_str,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_sign_options {
    const LEAST: usize = std::mem::size_of::<Self>();
}

/// A signed text and what it says. Wiped when it is freed.
///
/// Methods: auth_sign, auth_unsign, auth_signed_text, auth_signed_value,
/// auth_signed_time, auth_signed_free.
pub struct auth_signed {
    text: Wiped,
    value: Wiped,
    time: i64,
}

/// Signs a text with `secret_key`, so that Django and auth_unsign believe it.
/// It is signed, not hidden: everybody can read it.
///
/// Ownership: free `*out` with auth_signed_free. Threads: any. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_sign(
    context: Option<&auth_context>,
    options: *const auth_sign_options,
    value: auth_str,
    out: *mut *mut auth_signed,
) -> auth_status {
    guard(|| {
        let (Some(context), false) = (context, out.is_null()) else { return auth_status::AUTH_EINVAL };
        // SAFETY: `options` is NULL or a struct with its size and readable texts, as is the value.
        let (how, value) = match unsafe { asked(options, value) } {
            Ok((how, Some(value))) => (how, value),
            Ok((_, None)) => return auth_status::AUTH_EINVAL,
            Err(status) => return status,
        };
        let signed = context.context().sign(how.way, how.salt, value, how.now_us);
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, signed.map(|signed| Some(auth_signed::new(&signed)))) }
    })
}

/// Takes a signed text apart, if `secret_key` or one of `secret_key_fallbacks`
/// signed it under the same salt (and for the same cookie), and not too long ago.
/// The text may be any bytes.
///
/// Ownership: free `*out` with auth_signed_free. Threads: any. Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (not signed so, changed, or too old; `*out`
/// is NULL), AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_unsign(
    context: Option<&auth_context>,
    options: *const auth_sign_options,
    text: auth_str,
    out: *mut *mut auth_signed,
) -> auth_status {
    guard(|| {
        let (Some(context), false) = (context, out.is_null()) else { return auth_status::AUTH_EINVAL };
        // SAFETY: `options` is NULL or a struct with its size and readable texts, as is the text.
        let (how, text) = match unsafe { asked(options, text) } {
            Ok(asked) => asked,
            Err(status) => return status,
        };
        let context = context.context();
        let signed = text.and_then(|text| context.unsign(how.way, how.salt, text, how.max_age, how.now_us));
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, Ok(signed.map(|signed| auth_signed::new(&signed)))) }
    })
}

/// The whole signed text, to be sent.
///
/// Ownership: borrowed from the signed text. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_signed_text(signed: Option<&auth_signed>) -> *const c_char {
    signed.map_or(ptr::null(), |signed| CStr::as_ptr(&signed.text))
}

/// What was signed.
///
/// Ownership: borrowed from the signed text. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_signed_value(signed: Option<&auth_signed>) -> *const c_char {
    signed.map_or(ptr::null(), |signed| CStr::as_ptr(&signed.value))
}

/// When it was signed.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: Unix time in seconds; 0 where the way of signing does not say, and
/// for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_signed_time(signed: Option<&auth_signed>) -> i64 {
    signed.map_or(0, |signed| signed.time)
}

/// Frees a signed text and wipes it; NULL does nothing.
///
/// Ownership: takes the signed text. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_signed_free(signed: Option<Box<auth_signed>>) {
    guard_or((), || drop(signed));
}

const KNOWN_FLAGS: u32 = AUTH_SIGN_TIMED | AUTH_SIGN_COOKIE | AUTH_SIGN_ANY_AGE;

/// What a caller's struct says.
struct How<'a> {
    way: Way<'a>,
    salt: &'a str,
    max_age: Option<i64>,
    now_us: i64,
}

impl auth_signed {
    fn new(signed: &Signed) -> Self {
        Self {
            text: Wiped::new(signed.text.as_bytes()),
            value: Wiped::new(signed.value.as_bytes()),
            time: signed.signed_at.unwrap_or(0),
        }
    }
}

/// # Safety
/// `options` is NULL or points to a struct of the size it starts with; its texts and `text` are
/// readable for `'a`.
unsafe fn asked<'a>(
    options: *const auth_sign_options,
    text: auth_str,
) -> Result<(How<'a>, Option<&'a str>), auth_status> {
    // SAFETY: by contract.
    let options = unsafe { read_sized(options) }?;
    let mut budget = Budget::new();
    // SAFETY: the texts are readable, by contract.
    let (salt, cookie, text) =
        unsafe { (budget.text(options.salt)?, budget.text(options.cookie)?, budget.foreign(text)?) };
    let is = |flag: u32| options.flags & flag != 0;
    let way = match (is(AUTH_SIGN_COOKIE), is(AUTH_SIGN_TIMED), cookie.is_empty()) {
        (true, false, false) => Way::Cookie(cookie),
        (false, true, true) => Way::Timed,
        (false, false, true) => Way::Plain,
        _ => return Err(auth_status::AUTH_EINVAL),
    };
    let has_moment = !matches!(way, Way::Plain);
    // An age that cannot be measured must not look as if it were.
    let is_measured = has_moment || (options.max_age == 0 && !is(AUTH_SIGN_ANY_AGE));
    if options.flags & !KNOWN_FLAGS != 0 || options.reserved != 0 || options.max_age < 0 || !is_measured {
        return Err(auth_status::AUTH_EINVAL);
    }
    let max_age = (has_moment && !is(AUTH_SIGN_ANY_AGE)).then_some(options.max_age);
    Ok((How { way, salt, max_age, now_us: options.now_us }, text))
}
