//! New tokens of simplejwt: for a user, in the place of others, and what stands of them in the tables.

use super::{Class, Fault, Jwt, Owner, Token, Unfit, UserField, password_hash, text, utc};
use crate::codec::digest::{hex, sha256_hex};
use crate::codec::json::{self, Json, Lent, Text};
use crate::codec::{Secret, datetime, jws, uuid};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::store::jwt::{self as tables, Issued, Rotation};
use crate::store::{PasswordRow, User, UserId};

/// A token that was just made.
pub(crate) struct Minted {
    pub token: Secret,
    /// Its id, where tokens have one.
    pub jti: String,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// When nothing can come of it any more: a sliding one can be renewed until later.
    outlives: i64,
}

/// What a login gives, or a refresh: a token that lets in, and perhaps one that renews it.
pub(crate) struct Pair {
    /// An access token, or a sliding one, which renews itself.
    pub access: Minted,
    pub refresh: Option<Minted>,
}

/// Why there is no new token for an old one.
pub(crate) enum Renewal<'a> {
    /// The old one does not do.
    Unfit(Unfit<'a>),
    /// Its owner may not log in, or is gone.
    Inactive,
    /// Its owner has another password by now.
    PasswordChanged,
    /// It was rotated long ago, so that it or what came of it is stolen; the name of its owner.
    Reused(String),
}

impl<'a, T: Into<Unfit<'a>>> From<T> for Renewal<'a> {
    fn from(why: T) -> Self {
        Self::Unfit(why.into())
    }
}

/// The claims of a token to be.
struct Draft {
    claims: Json,
    jti: String,
    exp: i64,
    outlives: i64,
}

impl Jwt {
    /// What a login gives: an access token and a refresh token; of a scheme that takes sliding tokens
    /// only, such a one.
    pub(crate) fn for_login(&self, ctx: &Ctx<'_>, user: &User) -> Result<Pair, Error> {
        if self.classes.contains(&Class::Sliding) && !self.classes.contains(&Class::Access) {
            return Ok(Pair { access: self.sliding_for(ctx, user)?, refresh: None });
        }
        self.pair_for(ctx, user)
    }

    /// A refresh token and an access token of it (`TokenObtainPairSerializer`).
    pub(crate) fn pair_for(&self, ctx: &Ctx<'_>, user: &User) -> Result<Pair, Error> {
        let draft = self.for_user(ctx, Class::Refresh, user)?;
        let access = self.access_of(ctx, &draft.claims, Some(&draft.jti))?;
        let refresh = self.signed(draft)?;
        self.outstand(ctx, Some(&user.id), &[(&refresh, Class::Refresh), (&access, Class::Access)])?;
        Ok(Pair { access, refresh: Some(refresh) })
    }

    /// A sliding token (`TokenObtainSlidingSerializer`).
    pub(crate) fn sliding_for(&self, ctx: &Ctx<'_>, user: &User) -> Result<Minted, Error> {
        let token = self.signed(self.for_user(ctx, Class::Sliding, user)?)?;
        self.outstand(ctx, Some(&user.id), &[(&token, Class::Sliding)])?;
        Ok(token)
    }

    /// New tokens for a refresh token, or for a sliding one.
    pub(crate) fn renew(&self, ctx: &Ctx<'_>, raw: &str) -> Result<Pair, Renewal<'_>> {
        match self.refresh(ctx, raw) {
            Err(Renewal::Unfit(Unfit::Fault(Fault::WrongType))) => {
                Ok(Pair { access: self.refresh_sliding(ctx, raw)?, refresh: None })
            }
            other => other,
        }
    }

    /// simplejwt's `TokenRefreshSerializer`.
    pub(crate) fn refresh(&self, ctx: &Ctx<'_>, raw: &str) -> Result<Pair, Renewal<'_>> {
        let token = self.decode(ctx, raw.as_bytes())?;
        match self.check(ctx, &token, Class::Refresh) {
            Err(Unfit::Fault(Fault::Blacklisted)) => {
                return Err(match self.reused(ctx, &token)? {
                    true => Renewal::Reused(self.owner_name(ctx, &token)?),
                    false => Fault::Blacklisted.into(),
                });
            }
            other => other?,
        }
        let user = self.may_renew(ctx, &token)?;
        let claims = token.claims.object().own();
        let jti = self.jti(&token.claims);
        let access = self.access_of(ctx, &claims, jti.as_deref())?;
        if !self.rotates {
            self.outstand(ctx, user.as_ref(), &[(&access, Class::Access)])?;
            return Ok(Pair { access, refresh: None });
        }
        let refresh = self.signed(self.rotated(ctx, &claims, jti.as_deref())?)?;
        self.put_in_place(ctx, &token, user.as_ref(), &[(&refresh, Class::Refresh), (&access, Class::Access)])?;
        Ok(Pair { access, refresh: Some(refresh) })
    }

    /// simplejwt's `TokenRefreshSlidingSerializer`, which does not look at the user.
    pub(crate) fn refresh_sliding(&self, ctx: &Ctx<'_>, raw: &str) -> Result<Minted, Renewal<'_>> {
        let token = self.decode(ctx, raw.as_bytes())?;
        self.check(ctx, &token, Class::Sliding)?;
        self.check_moment(ctx, &token.claims, &self.names.refresh_exp)?;
        if !ctx.exact {
            self.may_renew(ctx, &token)?;
        }
        let mut claims = token.claims.object().own();
        let now = ctx.now_s();
        let exp = now + self.lifetimes.sliding;
        claims.set("exp", number(exp));
        claims.set("iat", number(now));
        let jti = self.jti(&token.claims).unwrap_or_default().into_owned();
        let renewed = self.signed(Draft { claims, jti, exp, outlives: exp })?;
        self.put_off(ctx, &token, exp)?;
        Ok(renewed)
    }

    /// Notes a later end in the row of a sliding token: by it rows are removed, and the tokens of a user struck.
    /// simplejwt leaves the first one.
    fn put_off(&self, ctx: &Ctx<'_>, token: &Token, exp: i64) -> Result<(), Error> {
        match self.jti(&token.claims).filter(|_| self.has_tables && !ctx.exact) {
            Some(jti) => {
                let expires = utc(exp.saturating_mul(1_000_000))?.max(self.expires_at(&token.claims)?);
                tables::put_off(ctx.db, &jti, &expires)
            }
            None => Ok(()),
        }
    }

    /// Whether the owner of a token may have another: his key. `None`: the token names nobody.
    fn may_renew(&self, ctx: &Ctx<'_>, token: &Token<'_>) -> Result<Option<UserId>, Renewal<'static>> {
        let claim = self.user_claim(&token.claims);
        // Python takes these for nothing, and simplejwt then asks for no user.
        let is_nothing = |claim: &Lent<'_>| match claim {
            Json::Null | Json::Bool(false) => true,
            Json::Text(text) => *text == *"",
            Json::Number(digits) => digits.parse() == Ok(0.0),
            _ => false,
        };
        if claim.is_none_or(is_nothing) {
            return Ok(None);
        }
        let Owner::User(row) = self.owner(ctx, &token.claims)? else { return Err(Renewal::Inactive) };
        if self.checks_active && !row.user.is_active {
            return Err(Renewal::Inactive);
        }
        // simplejwt 5.5.1 does not look at the password here.
        if !ctx.exact && !self.has_password(&token.claims, &row) {
            return Err(Renewal::PasswordChanged);
        }
        Ok(Some(row.user.id))
    }

    /// Writes what a rotation writes; a race with another one is lost here.
    fn put_in_place(
        &self,
        ctx: &Ctx<'_>,
        old: &Token<'_>,
        user: Option<&UserId>,
        new: &[(&Minted, Class)],
    ) -> Result<(), Renewal<'static>> {
        let jti = self.jti(&old.claims);
        let Some(jti) = jti.filter(|_| self.has_tables && self.blacklists_rotated) else {
            return Ok(self.outstand(ctx, user, new)?);
        };
        let created = utc(ctx.now_us())?;
        let expires = self.expires_at(&old.claims)?;
        let old_row = Issued { jti: &jti, token: &text(old.raw), user, created: &created, expires: &expires };
        let rows = self.rows(new)?;
        let new: Vec<_> = rows.iter().map(|row| row.issued(user, &created)).collect();
        match tables::rotate(ctx.db, &old_row, &new, &ctx.now_text()?)? {
            Rotation::Rotated => Ok(()),
            Rotation::Reused { .. } => Err(Fault::Blacklisted.into()),
        }
    }

    /// Somebody has a token that was rotated, and somebody has what came of it: one of them is a thief
    /// (RFC 9700 §4.14.2), so that everything that came of the same login counts no more. False: it may have been a race.
    fn reused(&self, ctx: &Ctx<'_>, token: &Token<'_>) -> Result<bool, Error> {
        let Some(jti) = self.jti(&token.claims).filter(|_| self.rotates && self.blacklists_rotated && !ctx.exact)
        else {
            return Ok(false);
        };
        let patience_us = ctx.now_us() - self.reuse_interval * 1_000_000;
        let recent = datetime::to_text(patience_us, ctx.zone).unwrap_or_default();
        if tables::since(ctx.db, &jti)?.is_some_and(|since| since > recent) {
            return Ok(false);
        }
        tables::blacklist_family(ctx.db, &family(&jti), &ctx.now_text()?, &self.ended(ctx)?)?;
        Ok(true)
    }

    /// The name of whom a token names, for the log; empty where nobody is.
    fn owner_name(&self, ctx: &Ctx<'_>, token: &Token) -> Result<String, Error> {
        Ok(match self.owner(ctx, &token.claims)? {
            Owner::User(row) => row.user.name().to_owned(),
            Owner::Nobody | Owner::NotNamed => String::new(),
        })
    }

    fn for_user(&self, ctx: &Ctx<'_>, class: Class, user: &User) -> Result<Draft, Error> {
        let mut draft = self.draft(ctx, class, fresh_jti()?);
        draft.claims.set(&self.names.user_id, Json::Text(self.said_of(ctx, user)?.as_str().into()));
        if self.checks_password {
            let row = ctx.users.password_by_id(ctx.db, &user.id)?;
            let row: PasswordRow = row.ok_or(Error::Invalid("there is no such user"))?;
            draft.claims.set(&self.names.password, Json::Text(password_hash(&row).as_str().into()));
        }
        Ok(draft)
    }

    /// What the claim says of a user: Python's `str(getattr(user, USER_ID_FIELD))`.
    fn said_of(&self, ctx: &Ctx<'_>, user: &User) -> Result<String, Error> {
        match &self.user_field {
            UserField::Key => Ok(user.id.to_string()),
            UserField::Column(column) => {
                let said = ctx.users.column_of(ctx.db, column, &user.id)?;
                let said = said.filter(|said| ctx.exact || !said.is_empty());
                let said = said.ok_or(Error::Invalid("the user has nothing in the column `user_id_field`"))?;
                if !ctx.exact {
                    // A token must not let in somebody else, and one of two lets in nobody.
                    let row = ctx.users.password_by_column(ctx.db, column, &said)?;
                    if !row.is_some_and(|row| row.user.is(user)) {
                        return Err(Error::Invalid("two users have the same in the column `user_id_field`"));
                    }
                }
                Ok(said)
            }
        }
    }

    /// The claims that a new token of simplejwt has.
    fn draft(&self, ctx: &Ctx<'_>, class: Class, jti: String) -> Draft {
        let now = ctx.now_s();
        let lasts = match class {
            Class::Refresh => self.lifetimes.refresh,
            Class::Sliding => self.lifetimes.sliding,
            Class::Access | Class::Untyped => self.lifetimes.access,
        };
        let mut claims = Json::Object(vec![]);
        if let Some(name) = &self.names.token_type {
            claims.set(name, Json::Text(class.token_type().into()));
        }
        claims.set("exp", number(now + lasts));
        claims.set("iat", number(now));
        if let Some(name) = &self.names.jti {
            claims.set(name, Json::Text(jti.as_str().into()));
        }
        let exp = now + lasts;
        let mut outlives = exp;
        if class == Class::Sliding {
            let refresh_exp = now + self.lifetimes.sliding_refresh;
            claims.set(&self.names.refresh_exp, number(refresh_exp));
            if !ctx.exact {
                outlives = exp.max(refresh_exp);
            }
        }
        Draft { claims, jti, exp, outlives }
    }

    /// simplejwt's `RefreshToken.access_token`. One that can be taken back is of the family of the token it comes of.
    fn access_of(&self, ctx: &Ctx<'_>, refresh: &Json, of: Option<&str>) -> Result<Minted, Error> {
        let jti = next_jti(of.filter(|_| self.revocable && !ctx.exact))?;
        let mut draft = self.draft(ctx, Class::Access, jti);
        let Json::Object(members) = refresh else { return self.signed(draft) };
        let own = |name: &Text| {
            ["exp", "jti", "iat"].iter().any(|own| *name == **own)
                || [&self.names.token_type, &self.names.jti].into_iter().flatten().any(|own| *name == **own)
        };
        for (name, value) in members.iter().filter(|(name, _)| !own(name)) {
            if let Ok(name) = name.as_str() {
                draft.claims.set(name, value.clone());
            }
        }
        self.signed(draft)
    }

    /// The refresh token that comes after one (`set_jti`, `set_exp`, `set_iat`).
    fn rotated(&self, ctx: &Ctx<'_>, claims: &Json, old: Option<&str>) -> Result<Draft, Error> {
        let mut claims = claims.clone();
        let now = ctx.now_s();
        let jti = next_jti(old.filter(|_| !ctx.exact))?;
        let exp = now + self.lifetimes.refresh;
        if let Some(name) = &self.names.jti {
            claims.set(name, Json::Text(jti.as_str().into()));
        }
        claims.set("exp", number(exp));
        claims.set("iat", number(now));
        Ok(Draft { claims, jti, exp, outlives: exp })
    }

    /// simplejwt's `TokenBackend.encode`.
    fn signed(&self, mut draft: Draft) -> Result<Minted, Error> {
        let key = self.signing_key.as_ref();
        let key = key.ok_or(Error::Unsupported("there is no `signing_key` to make tokens with"))?;
        if let Some(audience) = &self.checks.audience {
            let texts = || audience.iter().map(|one| Json::Text(one.as_str().into()));
            let one = if audience.len() == 1 { texts().next() } else { None };
            draft.claims.set("aud", one.unwrap_or_else(|| Json::List(texts().collect())));
        }
        if let Some(issuer) = self.checks.issuer.as_ref().and_then(|issuers| issuers.first()) {
            draft.claims.set("iss", Json::Text(issuer.as_str().into()));
        }
        let token = jws::sign(key, json::encode(&draft.claims).as_bytes())?;
        Ok(Minted { token: Secret::new(token), jti: draft.jti, exp: draft.exp, outlives: draft.outlives })
    }

    /// Notes new tokens in the table, as far as their classes are noted there.
    fn outstand(&self, ctx: &Ctx<'_>, user: Option<&UserId>, new: &[(&Minted, Class)]) -> Result<(), Error> {
        let created = utc(ctx.now_us())?;
        let rows = self.rows(new)?;
        if rows.is_empty() {
            return Ok(());
        }
        tables::outstand(ctx.db, &rows.iter().map(|row| row.issued(user, &created)).collect::<Vec<_>>())
    }

    fn rows(&self, new: &[(&Minted, Class)]) -> Result<Vec<NewRow>, Error> {
        let listed = new.iter().filter(|(_, class)| self.is_listed(*class));
        listed.map(|(minted, _)| NewRow::of(minted)).collect()
    }
}

/// A token that goes into the table.
struct NewRow {
    jti: String,
    token: Secret,
    expires: String,
}

impl NewRow {
    fn of(minted: &Minted) -> Result<Self, Error> {
        let expires = utc(minted.outlives.saturating_mul(1_000_000))?;
        Ok(Self { jti: minted.jti.clone(), token: minted.token.clone(), expires })
    }

    fn issued<'a>(&'a self, user: Option<&'a UserId>, created: &'a str) -> Issued<'a> {
        let token = std::str::from_utf8(self.token.reveal()).unwrap_or_default(); // ASCII
        Issued { jti: &self.jti, token, user, created, expires: &self.expires }
    }
}

/// What the ids of all tokens begin with that come of one login: half of the first one's.
fn family(jti: &str) -> String {
    let is_ours = jti.len() == 32 && jti.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    let digest;
    let digits = if is_ours {
        jti
    } else {
        digest = sha256_hex(jti.as_bytes());
        &digest
    };
    digits[..FAMILY].to_owned()
}

/// 64 of 128 bits.
const FAMILY: usize = 16;

/// The id of a token that comes of another one, or of none.
fn next_jti(old: Option<&str>) -> Result<String, Error> {
    match old {
        Some(old) => Ok(format!("{}{}", family(old), hex(&random::<8>()?))),
        None => fresh_jti(),
    }
}

/// Python's `uuid4().hex`.
fn fresh_jti() -> Result<String, Error> {
    Ok(uuid::random(random()?))
}

fn number(seconds: i64) -> Json {
    Json::Number(seconds.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_come_of_one_login_begin_alike() {
        let first = fresh_jti().unwrap();
        assert_eq!(family(&first), first[..16]);
        let next = format!("{}{}", family(&first), "0123456789abcdef");
        assert_eq!(family(&next), family(&first));
        assert_ne!(family(&fresh_jti().unwrap()), family(&first));
        // An id of somebody else's is no prefix, but what comes of it is one family again.
        assert_eq!(family("42").len(), 16);
        assert_eq!(family(&format!("{}0123456789abcdef", family("42"))), family("42"));
        assert_eq!(family(&"F".repeat(32)).len(), 16);
    }
}
