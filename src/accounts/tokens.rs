//! Tokens: what the C ABI, the command and endpoints do with those of any scheme, and the tokens of
//! Django REST framework's `authtoken`.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::durin::Durin;
use super::jwt::{Jwt, Pair, Renewal, Unfit};
use super::knox::Knox;
use crate::codec::{Mismatch, Proof, Secret, datetime, digest, same};
use crate::ctx::{Ctx, random};
use crate::error::Error;
#[cfg(feature = "cli")]
use crate::store::Db;
use crate::store::{DurinToken, Replace, StoredToken, TokensTable, User, UserId};

/// The tokens of one scheme. An operation that a kind does not have is [`Error::Unsupported`].
#[derive(Clone)]
pub(crate) enum Tokens {
    /// DRF's `authtoken`.
    Authtoken(Arc<TokensTable>),
    /// django-rest-knox.
    Knox(Arc<Knox>),
    /// simplejwt.
    Jwt(Arc<Jwt>),
    /// django-rest-durin.
    Durin(Arc<Durin>),
}

/// A token for its user, who has to be told: it may not be stored.
pub(crate) struct Fresh {
    pub token: Secret,
    /// What is named in logs and lists: the token itself, the hash that it is stored as, or its id.
    pub id: Secret,
    /// A second token that only gets new ones, where the kind has such.
    pub refresh: Option<Secret>,
    /// When the token ends, in seconds since 1970; `None`: never.
    pub expires: Option<i64>,
}

impl From<Pair> for Fresh {
    fn from(pair: Pair) -> Self {
        let id = Secret::new(pair.access.jti);
        let refresh = pair.refresh.map(|refresh| refresh.token);
        Self { token: pair.access.token, id, refresh, expires: Some(pair.access.exp) }
    }
}

impl Fresh {
    fn of_durin(ctx: &Ctx<'_>, row: DurinToken) -> Self {
        let expires = datetime::read(&row.expiry).and_then(|expiry| ctx.unix_s(expiry));
        Self { id: row.token.clone(), token: row.token, refresh: None, expires }
    }
}

impl Tokens {
    /// A user's token: DRF's is the one there is unless `reset`, knox's always a new one, durin's that of the
    /// client unless it has expired. `None`: the user has as many as may be, or there is no such client.
    pub(crate) fn create(
        &self,
        ctx: &Ctx<'_>,
        user: &UserId,
        client: &str,
        reset: bool,
    ) -> Result<Option<Fresh>, Error> {
        match self {
            Self::Durin(_) if client.is_empty() => Err(Error::Unsupported("a durin token is one of a client")),
            Self::Durin(durin) => {
                let Some(client) = durin.table.client(ctx.db, client)? else { return Ok(None) };
                let replace = if reset { Replace::Always } else { Replace::Expired };
                Ok(Some(Fresh::of_durin(ctx, durin.give(ctx, user, &client, replace)?.0)))
            }
            _ if !client.is_empty() => Err(Error::Unsupported("tokens of this kind have no client")),
            Self::Authtoken(table) => {
                let token = create(ctx, table, user, reset)?;
                Ok(Some(Fresh { id: token.clone(), token, refresh: None, expires: None }))
            }
            Self::Knox(_) if reset => Err(Error::Unsupported("a knox token cannot be replaced: users have many")),
            Self::Knox(knox) => Ok(knox.create(ctx, user)?.map(|fresh| Fresh {
                token: fresh.token,
                id: fresh.digest,
                refresh: None,
                expires: fresh.expiry.and_then(|expiry| ctx.unix_s(expiry)),
            })),
            Self::Jwt(_) if reset => {
                Err(Error::Unsupported("a token of simplejwt cannot be replaced: users have many"))
            }
            Self::Jwt(jwt) => {
                let user = ctx.users.by_id(ctx.db, user)?.ok_or(Error::Invalid("there is no such user"))?;
                Ok(Some(jwt.for_login(ctx, &user)?.into()))
            }
        }
    }

    /// New tokens for one that can be renewed. `None`: it is none, counts no more, or its owner may not log in.
    pub(crate) fn refresh(&self, ctx: &Ctx<'_>, token: &str) -> Result<Option<Fresh>, Error> {
        match self {
            Self::Authtoken(_) | Self::Knox(_) => Err(Error::Unsupported("tokens of this kind are not renewed")),
            Self::Durin(durin) => Ok(durin.refresh(ctx, token)?.map(|row| Fresh::of_durin(ctx, row))),
            Self::Jwt(jwt) => match jwt.renew(ctx, token) {
                Ok(pair) => Ok(Some(pair.into())),
                Err(Renewal::Unfit(Unfit::Broken(error))) => Err(error),
                Err(_) => Ok(None),
            },
        }
    }

    /// Who may come in with a token. `None`: no such token, it has expired, or its owner is inactive.
    pub(crate) fn owner(&self, ctx: &Ctx<'_>, token: &str) -> Result<Option<User>, Error> {
        let user = match self {
            Self::Authtoken(table) => owner(ctx, table, token)?.map(|(user, ..)| user),
            Self::Knox(knox) => knox.peek(ctx, token)?,
            Self::Durin(durin) => durin.peek(ctx, token)?,
            // Which may let in inactive users.
            Self::Jwt(jwt) => return jwt.peek(ctx, token),
        };
        Ok(user.filter(|user| user.is_active))
    }

    /// Deletes a token. False: there was none.
    pub(crate) fn revoke(&self, ctx: &Ctx<'_>, token: &str) -> Result<bool, Error> {
        match self {
            Self::Authtoken(table) => table.revoke(ctx.db, token),
            Self::Knox(knox) => knox.revoke(ctx, token),
            Self::Jwt(jwt) => jwt.revoke(ctx, token),
            Self::Durin(durin) => durin.table.revoke(ctx.db, token),
        }
    }

    /// Deletes a user's tokens; how many there were.
    pub(crate) fn revoke_of(&self, ctx: &Ctx<'_>, user: &UserId) -> Result<usize, Error> {
        match self {
            Self::Authtoken(table) => table.revoke_of(ctx.db, user),
            Self::Knox(knox) => knox.table.delete_of(ctx.db, user),
            Self::Jwt(jwt) => jwt.revoke_of(ctx, user),
            Self::Durin(durin) => durin.table.delete_of(ctx.db, user),
        }
    }

    /// The tokens of one user, or of all, oldest first.
    pub(crate) fn list(&self, ctx: &Ctx<'_>, of: Option<&UserId>) -> Result<Vec<StoredToken>, Error> {
        match self {
            Self::Authtoken(table) => table.list(ctx.db, ctx.users, of),
            Self::Knox(knox) => knox.table.list(ctx.db, ctx.users, of),
            Self::Jwt(jwt) => jwt.list(ctx, of),
            Self::Durin(durin) => durin.table.list(ctx.db, ctx.users, of),
        }
    }

    /// Whether there are any that come to an end.
    #[cfg(feature = "cli")]
    pub(crate) fn expire(&self) -> bool {
        match self {
            Self::Authtoken(_) => false,
            Self::Knox(_) | Self::Durin(_) => true,
            Self::Jwt(jwt) => jwt.has_tables,
        }
    }

    /// Whether both stand in one table.
    #[cfg(feature = "cli")]
    pub(crate) fn shares_table(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Authtoken(a), Self::Authtoken(b)) => Arc::ptr_eq(a, b),
            (Self::Knox(a), Self::Knox(b)) => Arc::ptr_eq(&a.table, &b.table),
            (Self::Jwt(a), Self::Jwt(b)) => a.has_tables && b.has_tables,
            (Self::Durin(a), Self::Durin(b)) => Arc::ptr_eq(&a.table, &b.table),
            _ => false,
        }
    }

    /// Django's text of the moment when the newest was made.
    #[cfg(feature = "cli")]
    pub(crate) fn newest(&self, db: &Db) -> Result<Option<String>, Error> {
        match self {
            Self::Authtoken(table) => table.newest(db),
            Self::Knox(knox) => knox.table.newest(db),
            Self::Jwt(jwt) if jwt.has_tables => crate::store::jwt::newest(db),
            Self::Jwt(_) => Ok(None),
            Self::Durin(durin) => durin.table.newest(db),
        }
    }

    /// Removes the rows of tokens that have expired; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn purge(&self, ctx: &Ctx<'_>) -> Result<usize, Error> {
        match self {
            Self::Authtoken(_) => Err(Error::Unsupported("tokens of this kind do not expire")),
            Self::Knox(knox) => knox.purge(ctx),
            Self::Jwt(jwt) => jwt.purge(ctx),
            Self::Durin(durin) => durin.purge(ctx),
        }
    }
}

/// The user's token: the one there is, or a new one; with `reset` always a new one
/// (`drf_create_token --reset`).
pub(crate) fn create(ctx: &Ctx<'_>, table: &TokensTable, user: &UserId, reset: bool) -> Result<Secret, Error> {
    table.get_or_create(ctx.db, user, &fresh()?, &ctx.now_text()?, reset)
}

/// A new key: DRF's `generate_key`.
pub(super) fn fresh() -> Result<Zeroizing<String>, Error> {
    Ok(Zeroizing::new(digest::hex(&random::<20>()?)))
}

/// The owner of a key and the key as stored, with the proof that they are one. `None`: no such key.
pub(crate) fn owner(ctx: &Ctx<'_>, table: &TokensTable, key: &str) -> Result<Option<(User, Secret, Proof)>, Error> {
    let Some((user, stored)) = table.owner(ctx.db, ctx.users, key)? else { return Ok(None) };
    // The look-up compared already; this comparison is what makes the proof, and it guards against
    // a column whose collation finds more than what is equal.
    Ok(match same(key.as_bytes(), stored.reveal()) {
        Ok(proof) => Some((user, stored, proof)),
        Err(Mismatch) => None,
    })
}
