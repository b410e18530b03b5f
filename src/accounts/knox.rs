//! Tokens of django-rest-knox: many a user, each with its end, stored as hashes only.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use zeroize::Zeroizing;

#[cfg(feature = "cli")]
use super::in_parts;
use crate::codec::digest::{Hash, hex};
use crate::codec::{Mismatch, Proof, Secret, datetime, same};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::store::{KnoxRow, KnoxTable, NewKnox, User, UserId};
use crate::verdict::{Effects, Event};

/// The tokens of one knox scheme: knox's settings.
pub(crate) struct Knox {
    pub table: Arc<KnoxTable>,
    /// SECURE_HASH_ALGORITHM.
    pub hash: Hash,
    /// AUTH_TOKEN_CHARACTER_LENGTH, at most [`MOST_CHARACTERS`].
    pub characters: usize,
    /// TOKEN_PREFIX.
    pub prefix: String,
    /// TOKEN_TTL; `None`: new tokens do not end.
    pub ttl: Option<SignedDuration>,
    /// TOKEN_LIMIT_PER_USER.
    pub limit: Option<i64>,
    /// AUTO_REFRESH.
    pub refresh: Option<Refresh>,
}

/// How the use of a token puts off its end.
pub(crate) struct Refresh {
    /// MIN_REFRESH_INTERVAL: nothing is written to put it off by less.
    pub least: SignedDuration,
    /// AUTO_REFRESH_MAX_TTL: never later than so long after its creation.
    pub max_ttl: Option<SignedDuration>,
}

/// A token that was just made. The token itself can be seen here only.
pub(crate) struct FreshKnox {
    pub token: Secret,
    /// The hash that it is stored as, which names it.
    pub digest: Secret,
    /// When it ends, as the database has it.
    pub expiry: Option<DateTime>,
}

/// The longest random part of a token.
pub(crate) const MOST_CHARACTERS: i64 = 512;

/// knox's MAXIMUM_TOKEN_PREFIX_LENGTH.
pub(crate) const MOST_PREFIX: usize = 10;

impl Knox {
    /// Makes a token (knox's `AuthTokenManager.create`). `None`: the user has as many as may be.
    pub(crate) fn create(&self, ctx: &Ctx<'_>, user: &UserId) -> Result<Option<FreshKnox>, Error> {
        const BYTES: usize = MOST_CHARACTERS as usize / 2;
        let bytes = Zeroizing::new(random::<BYTES>()?);
        let drawn = Zeroizing::new(hex(&bytes[..self.characters / 2]));
        let token = Zeroizing::new(format!("{}{}", self.prefix, &*drawn));
        let now = ctx.now_civil()?;
        let expiry = self.ttl.map(|ttl| later(now, ttl)).transpose()?;
        let expiry_text = expiry.map(datetime::written);
        let digest = self.hash.hex(token.as_bytes());
        let new = NewKnox {
            digest: &digest,
            token_key: token_key(&token),
            user,
            created: &datetime::written(now),
            expiry: expiry_text.as_deref(),
        };
        let is_added = self.table.insert(ctx.db, &new, self.limit)?;
        let token = Secret::new(token.as_bytes());
        Ok(is_added.then(|| FreshKnox { token, digest: Secret::new(digest), expiry }))
    }

    /// The hash that a token is stored as.
    pub(crate) fn digest(&self, token: &str) -> Secret {
        Secret::new(self.hash.hex(token.as_bytes()))
    }

    /// Whose token it is, and the hash of it, if it is one that has not expired (knox's
    /// `authenticate_credentials`). Expired tokens are deleted on the way, of the owner too, and the
    /// end of this one may be put off.
    pub(crate) fn owner(
        &self,
        ctx: &Ctx<'_>,
        token: &str,
        effects: &mut Effects,
    ) -> Result<Option<(User, Secret, Proof)>, Error> {
        let now = ctx.now_civil()?;
        let text = datetime::written(now);
        let rows = self.table.of_key(ctx.db, ctx.users, token_key(token), &text)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let digest = self.digest(token);
        for row in rows {
            let proof = same(digest.reveal(), row.digest.reveal());
            // Who knows the first 15 characters of a token can have knox write.
            if proof.is_ok() || ctx.exact {
                let is_gone = self.clean_up(ctx, &row, &text, effects);
                if is_gone {
                    continue;
                }
            }
            let Ok(proof) = proof else { continue };
            self.renew(ctx, &row, now);
            return Ok(Some((row.user, row.digest, proof)));
        }
        Ok(None)
    }

    /// The same without a trace: nothing is written.
    pub(crate) fn peek(&self, ctx: &Ctx<'_>, token: &str) -> Result<Option<User>, Error> {
        let now = ctx.now_text()?;
        let digest = self.digest(token);
        let rows = self.table.of_key(ctx.db, ctx.users, token_key(token), &now)?;
        let is_it = |row: &KnoxRow| match same(digest.reveal(), row.digest.reveal()) {
            Ok(_) => !row.has_expired(&now),
            Err(Mismatch) => false,
        };
        Ok(rows.into_iter().find(is_it).map(|row| row.user))
    }

    /// Deletes a token. False: there was none.
    pub(crate) fn revoke(&self, ctx: &Ctx<'_>, token: &str) -> Result<bool, Error> {
        self.table.delete(ctx.db, text(&self.digest(token)))
    }

    /// Removes the tokens that have expired, a thousand rows a transaction, so that nobody waits long
    /// for the database; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn purge(&self, ctx: &Ctx<'_>) -> Result<usize, Error> {
        let now = ctx.now_text()?;
        in_parts(|most| self.table.delete_ended(ctx.db, &now, most))
    }

    /// knox's `_cleanup_token`: whether the token of the row has expired. The verdict does not depend
    /// on what is deleted: on a database that cannot be written the rows stay, and count no more.
    fn clean_up(&self, ctx: &Ctx<'_>, row: &KnoxRow, now: &str, effects: &mut Effects) -> bool {
        let username = || row.user.name().to_owned();
        if row.others_expired {
            let deleted = self.table.delete_expired_of(ctx.db, &row.user.id, text(&row.digest), now);
            for _ in 0..deleted.unwrap_or(0) {
                effects.note().events.push(Event::OtherTokenExpired { username: username() });
            }
        }
        let has_expired = row.has_expired(now);
        // Also where somebody else was quicker: each request is told of its own token.
        if has_expired && self.table.delete_expired(ctx.db, text(&row.digest), now).is_ok() {
            effects.note().events.push(Event::TokenExpired { username: username() });
        }
        has_expired
    }

    /// knox's `renew_token`. The verdict does not depend on it, either.
    fn renew(&self, ctx: &Ctx<'_>, row: &KnoxRow, now: DateTime) {
        let (Some(refresh), Some(ttl), Some(expiry)) = (&self.refresh, self.ttl, &row.expiry) else { return };
        let put_off = || {
            let mut wanted = later(now, ttl).ok()?;
            if let Some(max) = refresh.max_ttl {
                wanted = wanted.min(later(datetime::read(&row.created)?, max).ok()?);
            }
            let by = datetime::read(expiry)?.duration_until(wanted);
            (by > refresh.least).then(|| datetime::written(wanted))
        };
        if let Some(wanted) = put_off() {
            let _ = self.table.renew(ctx.db, text(&row.digest), &wanted);
        }
    }
}

impl KnoxRow {
    /// Whether the token has ended by a moment in Django's text, whose order is that of time.
    fn has_expired(&self, now: &str) -> bool {
        self.expiry.as_deref().is_some_and(|expiry| expiry < now)
    }
}

/// The part of a token that rows are looked up by: knox's TOKEN_KEY_LENGTH characters, the prefix
/// among them.
fn token_key(token: &str) -> &str {
    token.char_indices().nth(15).map_or(token, |(at, _)| &token[..at])
}

fn later(at: DateTime, by: SignedDuration) -> Result<DateTime, Error> {
    at.checked_add(by).map_err(|_| Error::Invalid("a time beyond the year 9999"))
}

/// A digest is ASCII, or a text of the database.
fn text(digest: &Secret) -> &str {
    std::str::from_utf8(digest.reveal()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_looked_up_by_fifteen_characters() {
        for (token, key) in [
            ("", ""),
            ("0123456789abcd", "0123456789abcd"),
            ("0123456789abcde", "0123456789abcde"),
            ("0123456789abcdef", "0123456789abcde"),
            ("\u{fc}123456789abcd\u{e9}f", "\u{fc}123456789abcd\u{e9}"),
        ] {
            assert_eq!(token_key(token), key);
        }
    }
}
