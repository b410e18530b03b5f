//! Creating, checking and revoking tokens.

use std::ffi::{CString, c_char};
use std::ptr;

use super::context::auth_context;
use super::input::{Budget, Sized_, read_sized};
use super::output::{Wiped, give};
use super::status::{auth_status, auth_str};
use super::user::auth_user;
use super::{guard, guard_or};
use crate::accounts::tokens::Fresh;
use crate::accounts::users::By;
use crate::context::Context;
use crate::error::Error;
use crate::store::User;

/// auth_token_create: replace the user's token (`drf_create_token --reset`).
pub const AUTH_TOKEN_RESET: u32 = 1;

/// What token to create. Start with `AUTH_TOKEN_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_token_options {
    /// sizeof(auth_token_options); set by the initialiser.
    pub size: usize,
    /// AUTH_TOKEN_RESET; unknown bits are AUTH_EINVAL.
    pub flags: u32,
    /// Keeps the struct without holes; 0.
    pub reserved: u32,
    /// The name of a token scheme; empty for "token".
    pub kind: auth_str,
    /// The owner's name, active or not.
    pub user: auth_str,
    /// The name of the client that the token is for, where the kind has clients
    /// (durin); empty where it has none.
    pub client: auth_str,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_token_options {
    const LEAST: usize = std::mem::offset_of!(Self, client);
}

/// A fresh credential. Its secret is wiped when it is freed.
///
/// Methods: auth_token_create, auth_token_refresh, auth_token_key,
/// auth_token_refresh_key, auth_token_id, auth_token_expires, auth_token_free.
pub struct auth_token {
    key: Wiped,
    refresh_key: Option<Wiped>,
    id: CString,
    expires_us: i64,
}

/// The tokens of a user or of everybody, without their secrets.
///
/// Methods: auth_token_list, auth_tokens_count, auth_tokens_id,
/// auth_tokens_user, auth_tokens_created, auth_tokens_expires, auth_tokens_free.
pub struct auth_tokens {
    rows: Vec<[Option<CString>; 4]>,
}

/// Creates a token of the user. DRF keeps one a user: the one there is comes
/// back. knox keeps many: each call makes one, up to the limit of its scheme. Of
/// simplejwt each call makes an access token and a refresh token, or a sliding
/// token where the scheme takes those only. durin keeps one a user and client,
/// which comes back unless it has expired.
///
/// Ownership: free `*out` with auth_token_free. Threads: any. Blocks: database.
/// Returns: AUTH_OK, AUTH_REFUSED (no such user or client, or the user has as
/// many tokens as may be; `*out` is NULL), AUTH_EINVAL, AUTH_ENOTSUP (no such
/// kind, or it has no AUTH_TOKEN_RESET, or no clients, or needs one),
/// AUTH_ESTORE, AUTH_EBUSY (no random bytes), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_create(
    context: Option<&auth_context>,
    options: *const auth_token_options,
    out: *mut *mut auth_token,
) -> auth_status {
    guard(|| {
        let (Some(context), false) = (context, out.is_null()) else { return auth_status::AUTH_EINVAL };
        // SAFETY: `options` is NULL or a struct with its size, by contract.
        let options = match unsafe { read_sized(options) } {
            Ok(options) if options.flags & !AUTH_TOKEN_RESET == 0 && options.reserved == 0 => options,
            Ok(_) => return auth_status::AUTH_EINVAL,
            Err(status) => return status,
        };
        let mut budget = Budget::new();
        // SAFETY: the texts are readable, by contract.
        let (Ok(kind), Ok(name), Ok(client)) =
            (unsafe { (budget.text(options.kind), budget.text(options.user), budget.text(options.client)) })
        else {
            return auth_status::AUTH_EINVAL;
        };
        let context = context.context();
        let reset = options.flags & AUTH_TOKEN_RESET != 0;
        let made = context.find_user(&By::Name(name)).and_then(|user| match user {
            Some(user) => context.create_token(kind_or_token(kind), &user, client, reset),
            None => Ok(None),
        });
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, made.map(|made| made.map(|made| shown(&context, &made)))) }
    })
}

/// The secret itself. It can be read here only; the library never shows it
/// again.
///
/// Ownership: borrowed from the token. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_key(token: Option<&auth_token>) -> *const c_char {
    token.map_or(ptr::null(), |token| token.key.as_ptr())
}

/// The second secret, which only gets new tokens (auth_token_refresh): the
/// refresh token of simplejwt. It can be read here only.
///
/// Ownership: borrowed from the token. Threads: any. Blocks: never.
/// Returns: a text, or NULL when the kind has none, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_refresh_key(token: Option<&auth_token>) -> *const c_char {
    token.and_then(|token| token.refresh_key.as_ref()).map_or(ptr::null(), |key| key.as_ptr())
}

/// When the token that auth_token_key shows ends.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: Unix time in microseconds; 0 when it does not end, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_expires(token: Option<&auth_token>) -> i64 {
    token.map_or(0, |token| token.expires_us)
}

/// Which token it is: its keyed digest as in the log.
///
/// Ownership: borrowed from the token. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_id(token: Option<&auth_token>) -> *const c_char {
    token.map_or(ptr::null(), |token| token.id.as_ptr())
}

/// Frees a token and wipes its secret; NULL does nothing.
///
/// Ownership: takes the token. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_free(token: Option<Box<auth_token>>) {
    guard_or((), || drop(token));
}

/// New tokens for one that can be renewed: of simplejwt a refresh token, which is
/// replaced where the scheme rotates, or a sliding token; of durin the same token,
/// whose end is put off.
///
/// Ownership: free `*out` with auth_token_free. Threads: any. Blocks: database.
/// Returns: AUTH_OK, AUTH_REFUSED (no such token, it has ended, was used up, or
/// its owner may not log in; `*out` is NULL), AUTH_EINVAL, AUTH_ENOTSUP (no such
/// kind, or its tokens are not renewed), AUTH_ESTORE, AUTH_EBUSY (no random
/// bytes), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_refresh(
    context: Option<&auth_context>,
    kind: auth_str,
    key: auth_str,
    out: *mut *mut auth_token,
) -> auth_status {
    guard(|| {
        // SAFETY: the texts are readable, by contract.
        let (Some(context), Ok((kind, key)), false) = (context, unsafe { both(kind, key) }, out.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let context = context.context();
        let made = context.refresh_token(kind_or_token(kind), key);
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, made.map(|made| made.map(|made| shown(&context, &made)))) }
    })
}

/// Whose token a key is, without a request. `kind` is the name of a token
/// scheme, empty for "token".
///
/// Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database.
/// Returns: AUTH_OK, AUTH_REFUSED (no such key, it has expired, or its owner is
/// inactive and the scheme lets no such in; `*out` is NULL), AUTH_EINVAL,
/// AUTH_ENOTSUP (no such kind; `stateless`, which looks nobody up), AUTH_ESTORE,
/// AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_verify(
    context: Option<&auth_context>,
    kind: auth_str,
    key: auth_str,
    out: *mut *mut auth_user,
) -> auth_status {
    guard(|| {
        // SAFETY: the texts are readable, by contract.
        let (Some(context), Ok((kind, key)), false) = (context, unsafe { both(kind, key) }, out.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let owner = context.context().token_owner(kind_or_token(kind), key);
        let user = owner.map(|user| user.map(|user| auth_user::found(user, vec![])));
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, user) }
    })
}

/// Deletes a token by its key, or blacklists it (simplejwt). From the next
/// request on it is refused, in every process.
///
/// Ownership: none. Threads: any. Blocks: database.
/// Returns: AUTH_OK, AUTH_REFUSED (there was none), AUTH_EINVAL, AUTH_ENOTSUP
/// (no such kind; an access token of simplejwt without `revocable`),
/// AUTH_ESTORE, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_revoke(
    context: Option<&auth_context>,
    kind: auth_str,
    key: auth_str,
) -> auth_status {
    guard(|| {
        // SAFETY: the texts are readable, by contract.
        let (Some(context), Ok((kind, key))) = (context, unsafe { both(kind, key) }) else {
            return auth_status::AUTH_EINVAL;
        };
        match context.context().revoke_token(kind_or_token(kind), key) {
            Ok(true) => auth_status::AUTH_OK,
            Ok(false) => auth_status::AUTH_REFUSED,
            Err(error) => (&error).into(),
        }
    })
}

/// Deletes every token of the user of a name, or blacklists them (simplejwt: those
/// that are in its table, so access tokens with `revocable` only). `*count`, unless
/// NULL, is how many there were.
///
/// Ownership: none. Threads: any. Blocks: database.
/// Returns: AUTH_OK, AUTH_REFUSED (no such user), AUTH_EINVAL, AUTH_ENOTSUP (no
/// such kind, or its tokens are in no table), AUTH_ESTORE, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_revoke_all(
    context: Option<&auth_context>,
    kind: auth_str,
    user: auth_str,
    count: *mut usize,
) -> auth_status {
    guard(|| {
        // SAFETY: the texts are readable, by contract.
        let (Some(context), Ok((kind, name))) = (context, unsafe { both(kind, user) }) else {
            return auth_status::AUTH_EINVAL;
        };
        let context = context.context();
        let revoked = context
            .find_user(&By::Name(name))
            .and_then(|user| user.map(|user| context.revoke_tokens_of(kind_or_token(kind), &user.id)).transpose());
        match revoked {
            Ok(None) => auth_status::AUTH_REFUSED,
            Ok(Some(revoked)) => {
                if !count.is_null() {
                    // SAFETY: not NULL; writable by contract.
                    unsafe { count.write(revoked) };
                }
                auth_status::AUTH_OK
            }
            Err(error) => (&error).into(),
        }
    })
}

/// The tokens of the user of a name; of everybody when `user` is empty. Of
/// simplejwt those in its table that are not blacklisted.
///
/// Ownership: free `*out` with auth_tokens_free. Threads: any. Blocks:
/// database.
/// Returns: AUTH_OK, AUTH_REFUSED (no such user; `*out` is NULL), AUTH_EINVAL,
/// AUTH_ENOTSUP (no such kind), AUTH_ESTORE, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_token_list(
    context: Option<&auth_context>,
    kind: auth_str,
    user: auth_str,
    out: *mut *mut auth_tokens,
) -> auth_status {
    guard(|| {
        // SAFETY: the texts are readable, by contract.
        let (Some(context), Ok((kind, name)), false) = (context, unsafe { both(kind, user) }, out.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let list = listed(&context.context(), kind_or_token(kind), name);
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, list) }
    })
}

/// How many tokens the list has.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: the number; 0 for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_tokens_count(tokens: Option<&auth_tokens>) -> usize {
    tokens.map_or(0, |tokens| tokens.rows.len())
}

/// The keyed digest of token number `i`, counted from 0.
///
/// Ownership: borrowed from the list. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is no such token, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_tokens_id(tokens: Option<&auth_tokens>, i: usize) -> *const c_char {
    field(tokens, i, 0)
}

/// The name of the owner of token number `i`.
///
/// Ownership: borrowed from the list. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is no such token, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_tokens_user(tokens: Option<&auth_tokens>, i: usize) -> *const c_char {
    field(tokens, i, 1)
}

/// When token number `i` was created, as Django's text in the database.
///
/// Ownership: borrowed from the list. Threads: any. Blocks: never.
/// Returns: a text, or NULL when there is no such token, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_tokens_created(tokens: Option<&auth_tokens>, i: usize) -> *const c_char {
    field(tokens, i, 2)
}

/// When token number `i` ends, as Django's text in the database.
///
/// Ownership: borrowed from the list. Threads: any. Blocks: never.
/// Returns: a text, or NULL when it does not end, when there is no such token,
/// and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_tokens_expires(tokens: Option<&auth_tokens>, i: usize) -> *const c_char {
    field(tokens, i, 3)
}

/// Frees a list; NULL does nothing.
///
/// Ownership: takes the list. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_tokens_free(tokens: Option<Box<auth_tokens>>) {
    guard_or((), || drop(tokens));
}

/// Writes what was found, or NULL with AUTH_REFUSED.
///
/// # Safety
/// `out` is valid for a write.
pub(super) unsafe fn give_option<T>(out: *mut *mut T, found: Result<Option<T>, Error>) -> auth_status {
    match found {
        Ok(Some(value)) => {
            // SAFETY: by contract.
            unsafe { give(out, value) };
            auth_status::AUTH_OK
        }
        Ok(None) => {
            // SAFETY: by contract.
            unsafe { out.write(ptr::null_mut()) };
            auth_status::AUTH_REFUSED
        }
        Err(error) => (&error).into(),
    }
}

/// Two texts of one call.
///
/// # Safety
/// Both are readable and unchanged for `'a`.
unsafe fn both<'a>(first: auth_str, second: auth_str) -> Result<(&'a str, &'a str), auth_status> {
    let mut budget = Budget::new();
    // SAFETY: by contract.
    unsafe { Ok((budget.text(first)?, budget.text(second)?)) }
}

fn kind_or_token(kind: &str) -> &str {
    if kind.is_empty() { "token" } else { kind }
}

fn shown(context: &Context, fresh: &Fresh) -> auth_token {
    let id = CString::new(context.digest(&fresh.id).to_string()).unwrap_or_default();
    auth_token {
        key: Wiped::new(fresh.token.reveal()),
        refresh_key: fresh.refresh.as_ref().map(|key| Wiped::new(key.reveal())),
        id,
        expires_us: fresh.expires.unwrap_or(0).saturating_mul(1_000_000),
    }
}

fn listed(context: &Context, kind: &str, name: &str) -> Result<Option<auth_tokens>, Error> {
    let user: Option<User> = match name {
        "" => None,
        name => match context.find_user(&By::Name(name))? {
            Some(user) => Some(user),
            None => return Ok(None),
        },
    };
    let tokens = context.tokens(kind, user.as_ref().map(|user| &user.id))?;
    let text = |t: String| Some(CString::new(t).unwrap_or_default());
    let row = |t: crate::store::StoredToken| {
        let (id, user) = (context.digest(&t.key).to_string(), t.user.name().to_owned());
        [text(id), text(user), text(t.created), t.expiry.and_then(text)]
    };
    Ok(Some(auth_tokens { rows: tokens.into_iter().map(row).collect() }))
}

fn field(tokens: Option<&auth_tokens>, i: usize, which: usize) -> *const c_char {
    tokens.and_then(|tokens| tokens.rows.get(i)?[which].as_ref()).map_or(ptr::null(), |text| text.as_ptr())
}
