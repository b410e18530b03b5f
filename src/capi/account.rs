//! Users and passwords, without a request.

use std::ffi::c_int;

use super::context::auth_context;
use super::guard;
use super::input::{Budget, Sized_, read_sized, text};
use super::status::{auth_status, auth_str};
use super::token::give_option;
use super::user::auth_user;
use crate::accounts::users::{By, Wanted};

/// auth_user_lookup: by the value of USERNAME_FIELD.
pub const AUTH_BY_NAME: c_int = 0;
/// auth_user_lookup: by the key, as auth_user_id shows it.
pub const AUTH_BY_ID: c_int = 1;
/// auth_user_lookup: by e-mail address, as stored; two users of one address are nobody.
pub const AUTH_BY_EMAIL: c_int = 2;

/// auth_user_create: the user is staff.
pub const AUTH_NEW_STAFF: u32 = 1;
/// auth_user_create: the user is a superuser.
pub const AUTH_NEW_SUPERUSER: u32 = 2;
/// auth_user_create: no password can log in (Django's `set_unusable_password`).
pub const AUTH_NEW_NO_PASSWORD: u32 = 4;

/// A user to create. Start with `AUTH_NEW_USER_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_new_user {
    /// sizeof(auth_new_user); set by the initialiser.
    pub size: usize,
    /// AUTH_NEW_STAFF and others; unknown bits are AUTH_EINVAL.
    pub flags: u32,
    /// Keeps the struct without holes; 0.
    pub reserved: u32,
    /// The value of USERNAME_FIELD.
    pub name: auth_str,
    /// The e-mail address; may be empty.
    pub email: auth_str,
    /// The password; any bytes.
    pub password: auth_str,
}

// SAFETY: repr(C), starts with its size, plain data.
unsafe impl Sized_ for auth_new_user {
    const LEAST: usize = std::mem::size_of::<Self>();
}

/// The user of a name, key or address, with groups, active or not. No
/// credential is asked for: this finds, it does not let in.
///
/// Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database.
/// Returns: AUTH_OK, AUTH_REFUSED (no such user; `*out` is NULL), AUTH_EINVAL,
/// AUTH_ESTORE, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_lookup(
    context: Option<&auth_context>,
    by: c_int,
    value: auth_str,
    out: *mut *mut auth_user,
) -> auth_status {
    guard(|| {
        // SAFETY: the text is readable, by contract.
        let (Some(context), Ok(value), false) = (context, unsafe { text(value) }, out.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let by = match by {
            AUTH_BY_NAME => By::Name(value),
            AUTH_BY_ID => By::Id(value),
            AUTH_BY_EMAIL => By::Email(value),
            _ => return auth_status::AUTH_EINVAL,
        };
        let context = context.context();
        let found = context.find_user(&by).and_then(|user| match user {
            Some(user) => context.groups_of(&user).map(|groups| Some(auth_user::found(user, groups))),
            None => Ok(None),
        });
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, found) }
    })
}

/// Creates a user as Django's `create_user` does: the name in NFKC, the domain of
/// the address in lower case.
///
/// Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database,
/// password hash.
/// Returns: AUTH_OK, AUTH_REFUSED (the name is taken; `*out` is NULL),
/// AUTH_EINVAL (also a name that is empty or longer than 254 characters),
/// AUTH_ENOTSUP, AUTH_ESTORE, AUTH_EBUSY (no random bytes, or no turn to hash,
/// see `hashes_at_once`), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_user_create(
    context: Option<&auth_context>,
    user: *const auth_new_user,
    out: *mut *mut auth_user,
) -> auth_status {
    guard(|| {
        let (Some(context), false) = (context, out.is_null()) else { return auth_status::AUTH_EINVAL };
        // SAFETY: `user` is NULL or a struct with its size, by contract.
        let new = match unsafe { read_sized(user) } {
            Ok(new) if new.flags & !KNOWN_FLAGS == 0 && new.reserved == 0 => new,
            Ok(_) => return auth_status::AUTH_EINVAL,
            Err(status) => return status,
        };
        let mut budget = Budget::new();
        // SAFETY: the texts are readable, by contract.
        let (Ok(name), Ok(email), Ok(password)) =
            (unsafe { budget.text(new.name) }, unsafe { budget.text(new.email) }, unsafe {
                budget.bytes(new.password)
            })
        else {
            return auth_status::AUTH_EINVAL;
        };
        let wanted = Wanted {
            name,
            email,
            password: (new.flags & AUTH_NEW_NO_PASSWORD == 0).then_some(password),
            is_staff: new.flags & AUTH_NEW_STAFF != 0,
            is_superuser: new.flags & AUTH_NEW_SUPERUSER != 0,
        };
        let made = context.context().create_user(&wanted);
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, made.map(|user| user.map(|user| auth_user::found(user, vec![])))) }
    })
}

/// Whether a name and a password belong to a user who may log in. Every failure
/// costs one hash of the preferred kind.
///
/// Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database,
/// password hash.
/// Returns: AUTH_OK, AUTH_REFUSED (wrong, unknown or inactive; `*out` is NULL),
/// AUTH_EINVAL, AUTH_ESTORE, AUTH_EBUSY (no turn to hash), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_password_check(
    context: Option<&auth_context>,
    name: auth_str,
    password: auth_str,
    out: *mut *mut auth_user,
) -> auth_status {
    guard(|| {
        let mut budget = Budget::new();
        // SAFETY: the texts are readable, by contract.
        let texts = unsafe { (budget.text(name), budget.bytes(password)) };
        let (Some(context), (Ok(name), Ok(password)), false) = (context, texts, out.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let checked = context.context().check_password(name, password);
        // SAFETY: not NULL; writable by contract.
        unsafe { give_option(out, checked.map(|user| user.map(|user| auth_user::found(user, vec![])))) }
    })
}

/// Sets the password of the user of a name.
///
/// Ownership: none. Threads: any. Blocks: database, password hash.
/// Returns: AUTH_OK, AUTH_REFUSED (no such user), AUTH_EINVAL (also a password
/// that the preferred hasher cannot take), AUTH_ESTORE, AUTH_EBUSY (no random
/// bytes, or no turn to hash), AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_password_set(
    context: Option<&auth_context>,
    name: auth_str,
    password: auth_str,
) -> auth_status {
    guard(|| {
        let mut budget = Budget::new();
        // SAFETY: the texts are readable, by contract.
        let texts = unsafe { (budget.text(name), budget.bytes(password)) };
        let (Some(context), (Ok(name), Ok(password))) = (context, texts) else {
            return auth_status::AUTH_EINVAL;
        };
        let context = context.context();
        let set = context.find_user(&By::Name(name)).and_then(|user| match user {
            Some(user) => context.set_password(&user, password),
            None => Ok(false),
        });
        match set {
            Ok(true) => auth_status::AUTH_OK,
            Ok(false) => auth_status::AUTH_REFUSED,
            Err(error) => (&error).into(),
        }
    })
}

const KNOWN_FLAGS: u32 = AUTH_NEW_STAFF | AUTH_NEW_SUPERUSER | AUTH_NEW_NO_PASSWORD;
