//! Name and password → user: Django's `ModelBackend.authenticate`, at one cost for every failure.

use crate::codec::Proof;
use crate::codec::password::{Malformed, Wrong};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::store::{PasswordRow, User, UserId};

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
        ctx.hashers.burn(password);
        return Ok(Attempt::Wrong("no such user"));
    };
    // A column that is not UTF-8 cannot be a hash of Django's.
    let encoded = std::str::from_utf8(encoded.reveal()).unwrap_or_default();
    match ctx.hashers.verify(password, encoded) {
        Ok(proof) => Ok(Attempt::Right(Box::new(user), proof)),
        Err(Wrong::Different) => Ok(Attempt::Wrong("wrong password")),
        Err(Wrong::NoHash(reason)) => {
            ctx.hashers.burn(password);
            Ok(Attempt::Wrong(reason))
        }
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
    ctx.hashers.make(password, &salt).map_err(|Malformed| {
        Error::Invalid("the preferred hasher cannot take this password (bcrypt: 72 bytes at most)")
    })
}
