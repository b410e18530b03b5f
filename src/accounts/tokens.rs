//! Tokens of Django REST framework's `authtoken`.

use zeroize::Zeroizing;

use crate::codec::{Mismatch, Proof, Secret, digest, same};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::store::{TokensTable, User, UserId};

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
