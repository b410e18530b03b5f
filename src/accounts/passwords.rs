//! Name and password → user: Django's `ModelBackend.authenticate`, at one cost for every failure.

use std::net::IpAddr;

use super::throttle::Admission;
use crate::codec::Proof;
use crate::codec::password::{Malformed, Wrong};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::store::{PasswordRow, User, UserId};
use crate::verdict::{ActiveUser, active};

/// What became of a login by name and password: Django's `authenticate`.
pub(crate) enum Login {
    /// This user, who may log in.
    User(ActiveUser, Proof),
    /// The password is right, but the user is switched off, and may be told so
    /// (`AllowAllUsersModelBackend`).
    Inactive(Box<User>, Proof),
    /// Nobody. The text is for the log.
    Wrong(&'static str),
    /// Too many have failed; the next may try in so many seconds. The password was not looked at.
    Throttled(u32),
}

/// Checks a password and whether its user may log in, unless too many attempts have failed.
/// `address` is the client's.
pub(crate) fn log_in(ctx: &Ctx<'_>, name: &str, password: &[u8], address: Option<IpAddr>) -> Result<Login, Error> {
    let Some(throttle) = ctx.throttle else { return log_in_now(ctx, name, password) };
    match throttle.admit(name, address, ctx.now_us())? {
        Admission::Refused { retry_after_s } => Ok(Login::Throttled(retry_after_s)),
        Admission::Admitted(attempt) => {
            let login = log_in_now(ctx, name, password);
            // Where the hash had to wait for too long, nobody has learnt anything about the password.
            if matches!(login, Ok(Login::User(..)) | Err(Error::Busy)) {
                attempt.take_back()?;
            }
            login
        }
    }
}

/// `ModelBackend` answers a right password of an inactive user like a wrong one.
fn log_in_now(ctx: &Ctx<'_>, name: &str, password: &[u8]) -> Result<Login, Error> {
    Ok(match check(ctx, name, password)? {
        Attempt::Wrong(why) => Login::Wrong(why),
        Attempt::Right(user, proof) if !user.is_active && ctx.inactive_may_try => Login::Inactive(user, proof),
        Attempt::Right(user, proof) => match active(*user) {
            Ok(user) => Login::User(user, proof),
            Err(_) => Login::Wrong("inactive"),
        },
    })
}

/// What became of an attempt.
pub(crate) enum Attempt {
    /// The password is right; whether the user may log in is not asked here.
    Right(Box<User>, Proof),
    /// Wrong password, no such user, no usable password. The text is for the log.
    Wrong(&'static str),
}

/// Checks a password. A failure has cost one hash: the user's own, or where there is none to compute
/// the preferred one, so that the time does not tell whether a name exists (Django CVE-2016-2513,
/// CVE-2024-39329). As in Django, a hash of another algorithm than the preferred costs what it costs.
pub(crate) fn check(ctx: &Ctx<'_>, name: &str, password: &[u8]) -> Result<Attempt, Error> {
    let Some(PasswordRow { user, encoded }) = ctx.users.password_by_name(ctx.db, name)? else {
        burn(ctx, password)?;
        return Ok(Attempt::Wrong("no such user"));
    };
    // A column that is not UTF-8 cannot be a hash of Django's.
    let encoded = std::str::from_utf8(encoded.reveal()).unwrap_or_default();
    let turn = ctx.turn_to_hash(Some(encoded))?;
    let result = ctx.hashers.verify(password, encoded);
    drop(turn);
    match result {
        Ok(proof) => {
            if ctx.rehash && ctx.hashers.must_update(encoded) {
                rehash(ctx, &user, encoded, password);
            }
            Ok(Attempt::Right(Box::new(user), proof))
        }
        Err(Wrong::Different) => Ok(Attempt::Wrong("wrong password")),
        Err(Wrong::NoHash(reason)) => {
            burn(ctx, password)?;
            Ok(Attempt::Wrong(reason))
        }
    }
}

/// Takes the time of a hash of the preferred kind.
fn burn(ctx: &Ctx<'_>, password: &[u8]) -> Result<(), Error> {
    let _turn = ctx.turn_to_hash(None)?;
    ctx.hashers.burn(password);
    Ok(())
}

/// Replaces a hash that is not of the preferred kind (Django's `setter` of `check_password`). The
/// login does not depend on it: on a database that cannot be written the old hash stays.
fn rehash(ctx: &Ctx<'_>, user: &User, old: &str, password: &[u8]) {
    if let Ok(new) = make(ctx, password) {
        let _ = ctx.users.swap_password(ctx.db, &user.id, old, &new);
    }
}

/// Replaces a user's password. False: no such user.
pub(crate) fn set(ctx: &Ctx<'_>, user: &UserId, password: &[u8]) -> Result<bool, Error> {
    let encoded = make(ctx, password)?;
    ctx.users.set_password(ctx.db, user, &encoded)
}

/// A fresh hash of the preferred kind.
pub(crate) fn make(ctx: &Ctx<'_>, password: &[u8]) -> Result<String, Error> {
    let salt = random()?;
    let _turn = ctx.turn_to_hash(None)?;
    ctx.hashers.make(password, &salt).map_err(|Malformed| {
        Error::Invalid("the preferred hasher cannot take this password (bcrypt: 72 bytes at most)")
    })
}
