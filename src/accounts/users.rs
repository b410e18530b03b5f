//! Users: adding one, finding one.

use unicode_normalization::UnicodeNormalization;

use super::{passwords, tokens};
use crate::codec::password;
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::store::{NewUser, User};

/// What a new user is to be.
pub(crate) struct Wanted<'a> {
    pub name: &'a str,
    pub email: &'a str,
    /// `None`: no password can log in (Django's `set_unusable_password`).
    pub password: Option<&'a [u8]>,
    pub is_staff: bool,
    pub is_superuser: bool,
}

/// Adds a user as Django's `create_user` does. `None`: the name is taken.
pub(crate) fn create(ctx: &Ctx<'_>, wanted: &Wanted<'_>) -> Result<Option<User>, Error> {
    let name: String = wanted.name.nfkc().collect(); // Django's `normalize_username`
    check_name(&name)?;
    let encoded = match wanted.password {
        Some(password) => passwords::make(ctx, password)?,
        None => password::unusable(&random()?),
    };
    let now = ctx.now_text()?;
    let new = NewUser {
        name: &name,
        email: &normalized_email(wanted.email),
        encoded: &encoded,
        is_staff: wanted.is_staff,
        is_superuser: wanted.is_superuser,
        now: &now,
        random: random()?,
    };
    insert(ctx, &new)
}

/// Adds a user whom the server in front has verified, as Django's `RemoteUserBackend` does: the
/// name as it is, and a password that no login can have. `None`: the name is taken.
pub(crate) fn create_remote(ctx: &Ctx<'_>, name: &str) -> Result<Option<User>, Error> {
    let now = ctx.now_text()?;
    let (is_staff, is_superuser) = (false, false);
    let new = NewUser { name, email: "", encoded: "", is_staff, is_superuser, now: &now, random: random()? };
    insert(ctx, &new)
}

/// Adds the row, and the tokens that every new user gets: all of them or nothing.
fn insert(ctx: &Ctx<'_>, new: &NewUser<'_>) -> Result<Option<User>, Error> {
    let fresh = ctx.auto_tokens.iter().map(|_| tokens::fresh()).collect::<Result<Vec<_>, _>>()?;
    ctx.users.insert(ctx.db, new, |connection, user| {
        let each = ctx.auto_tokens.iter().zip(&fresh);
        each.map(|(table, key)| table.give(connection, &user.id, key, new.now, false))
            .try_for_each(|given| given.map(drop))
    })
}

/// How a user is named by a caller.
pub(crate) enum By<'a> {
    Name(&'a str),
    Id(&'a str),
    Email(&'a str),
}

/// The one user of a name, key or address. Two users of one address are nobody: picking one would
/// be a guess.
pub(crate) fn find(ctx: &Ctx<'_>, by: &By<'_>) -> Result<Option<User>, Error> {
    match by {
        By::Name(name) => ctx.users.by_name(ctx.db, name),
        By::Id(text) => match ctx.users.parse_id(text) {
            Some(id) => ctx.users.by_id(ctx.db, &id),
            None => Ok(None),
        },
        By::Email(address) => {
            let mut users = ctx.users.by_email(ctx.db, address)?;
            Ok(if users.len() == 1 { users.pop() } else { None })
        }
    }
}

/// Django's `normalize_email`: the domain in lower case.
fn normalized_email(email: &str) -> String {
    match email.trim().rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => email.to_owned(),
    }
}

/// The longest column that Django logs in with (`EmailField`) holds 254 characters; SQLite would not notice more.
fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Invalid("a user needs a name"));
    }
    if name.contains('\0') {
        return Err(Error::Invalid("a user name cannot hold a NUL"));
    }
    if name.chars().count() > 254 {
        return Err(Error::Invalid("a user name has 254 characters at most"));
    }
    Ok(())
}
