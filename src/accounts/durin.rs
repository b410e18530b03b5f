//! Tokens of django-rest-durin: one for each user and client, in clear text, with an end that is as far
//! off as the client says.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span};
use zeroize::Zeroizing;

#[cfg(feature = "cli")]
use super::in_parts;
use crate::codec::digest::hex;
use crate::codec::{Mismatch, Proof, datetime, same};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::store::{Client, DurinTable, DurinToken, NewDurin, Replace, User, UserId};
use crate::verdict::{Effects, Event};

/// The tokens of one durin scheme: durin's settings.
pub(crate) struct Durin {
    pub table: Arc<DurinTable>,
    /// TOKEN_CHARACTER_LENGTH, at most [`MOST_CHARACTERS`].
    pub characters: usize,
    /// DEFAULT_TOKEN_TTL, for new clients.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "clients are made by the command"))]
    pub default_ttl: SignedDuration,
}

/// What a token led to.
pub(crate) enum Found {
    /// No such token.
    Nobody,
    /// It has ended, and its row is gone.
    Expired,
    /// Its owner, active or not.
    Owner(User, DurinToken, Proof),
}

/// The longest token.
pub(crate) const MOST_CHARACTERS: i64 = 512;

impl Durin {
    /// Whose token it is (durin's `authenticate_credentials`). One that has ended is deleted. The verdict
    /// does not depend on that: on a database that cannot be written the row stays, and counts no more.
    pub(crate) fn find(&self, ctx: &Ctx<'_>, token: &str, effects: &mut Effects) -> Result<Found, Error> {
        let Some((user, row, proof)) = self.of_token(ctx, token)? else { return Ok(Found::Nobody) };
        let now = ctx.now_text()?;
        if !row.has_expired(&now) {
            return Ok(Found::Owner(user, row, proof));
        }
        // Also where somebody else was quicker: each request is told of its own token.
        if self.table.delete_expired(ctx.db, row.id, &now).is_ok() {
            effects.note().events.push(Event::TokenExpired { username: user.name().to_owned() });
        }
        Ok(Found::Expired)
    }

    /// The same without a trace: nothing is written.
    pub(crate) fn peek(&self, ctx: &Ctx<'_>, token: &str) -> Result<Option<User>, Error> {
        let now = ctx.now_text()?;
        Ok(self.of_token(ctx, token)?.filter(|(_, row, _)| !row.has_expired(&now)).map(|(user, ..)| user))
    }

    /// The token of a user and a client, a new one unless there is one that may stay.
    pub(crate) fn give(
        &self,
        ctx: &Ctx<'_>,
        user: &UserId,
        client: &Client,
        replace: Replace,
    ) -> Result<(DurinToken, bool), Error> {
        const BYTES: usize = MOST_CHARACTERS as usize / 2;
        let bytes = Zeroizing::new(random::<BYTES>()?);
        let token = Zeroizing::new(hex(&bytes[..self.characters / 2]));
        let (created, expiry) = (ctx.now_text()?, datetime::written(end(ctx, client)?));
        let new = NewDurin { token: &token, user, client, created: &created, expiry: &expiry };
        self.table.give(ctx.db, &new, replace)
    }

    /// Puts the end of a token off (durin's `renew_token`); the new one. `None`: the token is gone.
    pub(crate) fn renew(
        &self,
        ctx: &Ctx<'_>,
        user: &User,
        token: &DurinToken,
        effects: &mut Effects,
    ) -> Result<Option<String>, Error> {
        let expiry = datetime::written(end(ctx, &token.client)?);
        if !self.table.renew(ctx.db, token.id, &expiry)? {
            return Ok(None);
        }
        effects.note().events.push(Event::TokenRenewed { username: user.name().to_owned() });
        Ok(Some(expiry))
    }

    /// The same of whoever has the token; the row with its new end. `None`: no such token, it has expired, or its
    /// owner is inactive.
    pub(crate) fn refresh(&self, ctx: &Ctx<'_>, token: &str) -> Result<Option<DurinToken>, Error> {
        let mut effects = Effects::default(); // whoever asks knows what was done
        let Found::Owner(user, row, _) = self.find(ctx, token, &mut effects)? else { return Ok(None) };
        if !user.is_active {
            return Ok(None);
        }
        let expiry = self.renew(ctx, &user, &row, &mut effects)?;
        Ok(expiry.map(|expiry| DurinToken { expiry, ..row }))
    }

    /// Removes the tokens that have expired, a thousand rows a transaction; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn purge(&self, ctx: &Ctx<'_>) -> Result<usize, Error> {
        let now = ctx.now_text()?;
        in_parts(|most| self.table.delete_ended(ctx.db, &now, most))
    }

    fn of_token(&self, ctx: &Ctx<'_>, token: &str) -> Result<Option<(User, DurinToken, Proof)>, Error> {
        let Some((user, row)) = self.table.find(ctx.db, ctx.users, token)? else { return Ok(None) };
        // The look-up compared already; this comparison is what makes the proof, and it guards against
        // a column whose collation finds more than what is equal.
        Ok(match same(token.as_bytes(), row.token.reveal()) {
            Ok(proof) => Some((user, row, proof)),
            Err(Mismatch) => None,
        })
    }
}

/// When a token of a client ends that begins now.
fn end(ctx: &Ctx<'_>, client: &Client) -> Result<DateTime, Error> {
    const BEYOND: Error = Error::Invalid("a time beyond the year 9999");
    let span = Span::new().try_microseconds(client.ttl_us).map_err(|_| BEYOND)?;
    ctx.now_civil()?.checked_add(span).map_err(|_| BEYOND)
}
