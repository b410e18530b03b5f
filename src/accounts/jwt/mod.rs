//! Tokens of simplejwt: signed claims, of which two tables know those that can be renewed and those that count
//! no more. What is in a token is decided here; `mint` makes new ones.

mod mint;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::tz::TimeZone;

pub(crate) use mint::{Minted, Pair, Renewal};

#[cfg(feature = "cli")]
use super::in_parts;
use crate::codec::claims::{Checks, Claims, Refused};
use crate::codec::digest::md5_hex;
use crate::codec::json::{Json, Lent};
use crate::codec::jws::{self, Keys, Verified};
use crate::codec::key::Key;
use crate::codec::{Proof, Secret, datetime};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::KeyRing;
use crate::store::jwt::{self as tables, Issued};
use crate::store::tables::Identifier;
use crate::store::{PasswordRow, StoredToken, User, UserId};

/// The tokens of one scheme: the members of SIMPLE_JWT, and ours.
pub(crate) struct Jwt {
    /// What tokens are believed by.
    pub keys: Believed,
    /// SIGNING_KEY; `None`: somebody else makes the tokens. With HMAC it is the one of `keys` again.
    pub signing_key: Option<Key>,
    /// What a 401 of its endpoints asks for.
    pub challenge: String,
    /// LEEWAY, AUDIENCE and ISSUER.
    pub checks: Checks,
    /// Claims that must be there.
    pub required: Vec<String>,
    /// AUTH_TOKEN_CLASSES.
    pub classes: Vec<Class>,
    pub names: Names,
    pub lifetimes: Lifetimes,
    pub user_field: UserField,
    /// CHECK_REVOKE_TOKEN.
    pub checks_password: bool,
    /// CHECK_USER_IS_ACTIVE.
    pub checks_active: bool,
    /// Whether nobody is looked up whom a token names.
    pub stateless: bool,
    /// Whether the tables are there (the application `token_blacklist` is installed).
    pub has_tables: bool,
    /// ROTATE_REFRESH_TOKENS.
    pub rotates: bool,
    /// BLACKLIST_AFTER_ROTATION.
    pub blacklists_rotated: bool,
    /// Whether access tokens are in the tables, too.
    pub revocable: bool,
    /// Seconds in which a rotated token that comes again says nothing of a theft.
    pub reuse_interval: i64,
}

/// The keys that tokens are believed by.
pub(crate) enum Believed {
    /// VERIFYING_KEY, or with HMAC SIGNING_KEY.
    Key(Keys),
    /// A set in a file or at an address, which may change.
    Set(Arc<KeyRing>),
}

impl Believed {
    fn verify(&self, raw: &[u8], exact: bool, now: i64) -> Result<Verified, Unfit<'static>> {
        let verified = match self {
            Self::Key(keys) => jws::verify(raw, keys, exact),
            // Nobody can say yet whether the token is good.
            Self::Set(ring) if !ring.has_keys() => {
                return Err(Error::Keys(format!("none have come from {} yet", ring.shown())).into());
            }
            Self::Set(ring) => ring.verify(raw, exact, now),
        };
        verified.map_err(|_| Fault::Invalid.into())
    }
}

/// What claims are called; `None`: tokens have no such claim.
pub(crate) struct Names {
    /// USER_ID_CLAIM.
    pub user_id: String,
    /// TOKEN_TYPE_CLAIM.
    pub token_type: Option<String>,
    /// JTI_CLAIM.
    pub jti: Option<String>,
    /// SLIDING_TOKEN_REFRESH_EXP_CLAIM.
    pub refresh_exp: String,
    /// REVOKE_TOKEN_CLAIM.
    pub password: String,
}

/// How long tokens last, in seconds.
pub(crate) struct Lifetimes {
    pub access: i64,
    pub refresh: i64,
    pub sliding: i64,
    pub sliding_refresh: i64,
}

/// USER_ID_FIELD: what the claim says of a user.
pub(crate) enum UserField {
    /// The primary key.
    Key,
    /// Another column, of texts or numbers.
    Column(Identifier),
}

/// simplejwt's classes of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Access,
    Refresh,
    Sliding,
    Untyped,
}

impl Class {
    /// The class of a name in [`CLASSES`].
    pub(crate) fn named(name: &str) -> Option<Self> {
        CLASSES.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
    }

    /// The name of the class in Python.
    pub(crate) fn name(self) -> &'static str {
        CLASSES.iter().find(|(_, class)| *class == self).map_or("", |(name, _)| name)
    }

    /// The value of its claim.
    pub(crate) fn token_type(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Sliding => "sliding",
            Self::Untyped => "untyped",
        }
    }
}

/// The classes by their names.
pub(crate) const CLASSES: &[(&str, Class)] = &[
    ("AccessToken", Class::Access),
    ("SlidingToken", Class::Sliding),
    ("RefreshToken", Class::Refresh),
    ("UntypedToken", Class::Untyped),
];

/// What is wrong with a token: simplejwt's `TokenError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault<'a> {
    Invalid,
    Expired,
    /// The claim is not there.
    NoClaim(&'a str),
    /// The moment of the claim is past.
    Past(&'a str),
    NoId,
    NoType,
    WrongType,
    Blacklisted,
}

impl Fault<'_> {
    /// What the log calls it.
    pub(crate) fn slug(&self) -> &'static str {
        match self {
            Self::Invalid => "jwt.invalid",
            Self::Expired | Self::Past(_) => "jwt.expired",
            Self::NoClaim(_) | Self::NoId | Self::NoType => "jwt.incomplete",
            Self::WrongType => "jwt.wrong_type",
            Self::Blacklisted => "jwt.blacklisted",
        }
    }

    /// simplejwt's text.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Invalid => "Token is invalid".into(),
            Self::Expired => "Token is expired".into(),
            Self::NoClaim(name) => format!("Token has no '{name}' claim").into(),
            Self::Past(name) => format!("Token '{name}' claim has expired").into(),
            Self::NoId => "Token has no id".into(),
            Self::NoType => "Token has no type".into(),
            Self::WrongType => "Token has wrong type".into(),
            Self::Blacklisted => "Token is blacklisted".into(),
        }
    }
}

/// Why a token does not do.
pub(crate) enum Unfit<'a> {
    /// Because of itself.
    Fault(Fault<'a>),
    /// Nobody can say.
    Broken(Error),
}

impl<'a> From<Fault<'a>> for Unfit<'a> {
    fn from(fault: Fault<'a>) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Unfit<'_> {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// A token that was signed with our key, and whose registered claims are in order.
pub(crate) struct Token<'t> {
    raw: &'t [u8],
    pub claims: Claims,
    pub proof: Proof,
}

/// Whom the claim of a token names.
pub(crate) enum Owner {
    /// There is no such claim.
    NotNamed,
    /// There is no such user.
    Nobody,
    /// This one, active or not.
    User(Box<PasswordRow>),
}

impl Jwt {
    /// simplejwt's `TokenBackend.decode`.
    pub(crate) fn decode<'t>(&self, ctx: &Ctx<'_>, raw: &'t [u8]) -> Result<Token<'t>, Unfit<'_>> {
        let now = ctx.now_s();
        let verified = self.keys.verify(raw, ctx.exact, now)?;
        let claims = Claims::read(verified.payload, ctx.exact).map_err(|_| Fault::Invalid)?;
        claims.check(&self.checks, now).map_err(|why| match why {
            Refused::Expired => Fault::Expired,
            Refused::Invalid => Fault::Invalid,
        })?;
        if let Some(name) = self.required.iter().find(|name| claims.get(name).is_none()) {
            return Err(Fault::NoClaim(name).into());
        }
        Ok(Token { raw, claims, proof: verified.proof })
    }

    /// [`Self::decode`], where it does not matter why a token does not do.
    fn decoded<'t>(&self, ctx: &Ctx<'_>, raw: &'t str) -> Result<Option<Token<'t>>, Error> {
        match self.decode(ctx, raw.as_bytes()) {
            Ok(token) => Ok(Some(token)),
            Err(Unfit::Fault(_)) => Ok(None),
            Err(Unfit::Broken(error)) => Err(error),
        }
    }

    /// Whether a token is one of the class (`Token.verify`).
    pub(crate) fn check(&self, ctx: &Ctx<'_>, token: &Token<'_>, class: Class) -> Result<(), Unfit<'_>> {
        if self.is_listed(class) {
            // simplejwt raises where there is no id, and a server answers 500.
            let jti = self.jti(&token.claims).ok_or(Fault::NoId)?;
            if tables::is_blacklisted(ctx.db, &jti)? {
                return Err(Fault::Blacklisted.into());
            }
        }
        let exp = token.claims.get("exp").ok_or(Fault::NoClaim("exp"))?;
        moment(exp).ok_or(Fault::Invalid)?;
        if self.names.jti.as_ref().is_some_and(|name| token.claims.get(name).is_none()) {
            return Err(Fault::NoId.into());
        }
        match &self.names.token_type {
            Some(name) if class != Class::Untyped => match token.claims.get(name) {
                None => Err(Fault::NoType.into()),
                Some(Json::Text(text)) if *text == *class.token_type() => Ok(()),
                Some(_) => Err(Fault::WrongType.into()),
            },
            _ => Ok(()),
        }
    }

    /// Whether a token lets in as one of the class. A token of any kind may be in the tables, which simplejwt
    /// does not ask for its `UntypedToken`.
    pub(crate) fn admit(&self, ctx: &Ctx<'_>, token: &Token, class: Class) -> Result<(), Unfit<'_>> {
        self.check(ctx, token, class)?;
        if class == Class::Untyped && self.has_tables && !ctx.exact {
            let jti = self.jti(&token.claims).ok_or(Fault::NoId)?;
            if tables::is_blacklisted(ctx.db, &jti)? {
                return Err(Fault::Blacklisted.into());
            }
        }
        Ok(())
    }

    /// Whether tokens of the class are in the tables.
    fn is_listed(&self, class: Class) -> bool {
        match class {
            Class::Refresh | Class::Sliding => self.has_tables,
            Class::Access => self.revocable,
            Class::Untyped => false,
        }
    }

    /// simplejwt's `check_exp` of a claim that is not `exp`.
    pub(crate) fn check_moment<'a>(&self, ctx: &Ctx<'_>, claims: &Claims, name: &'a str) -> Result<(), Fault<'a>> {
        let claim = claims.get(name).ok_or(Fault::NoClaim(name))?;
        // simplejwt raises where it is no moment.
        let at = moment(claim).ok_or(Fault::Invalid)?;
        if at <= seconds(ctx.now_us() - self.checks.leeway * 1_000_000) { Err(Fault::Past(name)) } else { Ok(()) }
    }

    /// Whether a token of any class is blacklisted, as far as the tables tell.
    pub(crate) fn is_blacklisted(&self, ctx: &Ctx<'_>, claims: &Claims) -> Result<bool, Error> {
        match self.jti(claims) {
            Some(jti) if self.has_tables => tables::is_blacklisted(ctx.db, &jti),
            _ => Ok(false),
        }
    }

    /// The id of a token.
    pub(crate) fn jti<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        match claims.get(self.names.jti.as_ref()?)? {
            Json::Text(text) => text.as_str().ok().map(Cow::Borrowed),
            Json::Number(digits) => Some(Cow::Borrowed(digits)),
            _ => None,
        }
    }

    /// What names a token in logs and lists: its id, or itself where it has none.
    pub(crate) fn id(&self, token: &Token<'_>) -> Secret {
        self.jti(&token.claims).map_or_else(|| Secret::new(token.raw), |jti| Secret::new(jti.as_bytes()))
    }

    /// The claim that names the user.
    pub(crate) fn user_claim<'a>(&self, claims: &'a Claims) -> Option<&'a Lent<'a>> {
        claims.get(&self.names.user_id)
    }

    /// Whom a token names.
    pub(crate) fn owner(&self, ctx: &Ctx<'_>, claims: &Claims) -> Result<Owner, Error> {
        let Some(claim) = self.user_claim(claims) else { return Ok(Owner::NotNamed) };
        let row = match &self.user_field {
            UserField::Key => match key(ctx, claim) {
                Some(id) => ctx.users.password_by_id(ctx.db, &id)?,
                None => None,
            },
            UserField::Column(column) => match plain(claim) {
                // An empty text is what many may have who have no such name.
                Some(text) if !text.is_empty() => ctx.users.password_by_column(ctx.db, column, text)?,
                _ => None,
            },
        };
        Ok(row.map_or(Owner::Nobody, |row| Owner::User(Box::new(row))))
    }

    /// Whether the password is still the one of the token (CHECK_REVOKE_TOKEN).
    pub(crate) fn has_password(&self, claims: &Claims, row: &PasswordRow) -> bool {
        !self.checks_password
            || matches!(claims.get(&self.names.password), Some(Json::Text(text)) if *text == *password_hash(row))
    }

    /// Whose token it is, of any class that lets in; active, unless inactive users come in with theirs. Nothing is
    /// written.
    pub(crate) fn peek(&self, ctx: &Ctx<'_>, raw: &str) -> Result<Option<User>, Error> {
        if self.stateless {
            return Err(Error::Unsupported("whom a token of a `stateless` scheme names may be nobody here"));
        }
        let Some(token) = self.decoded(ctx, raw)? else { return Ok(None) };
        let mut fits = false;
        for class in &self.classes {
            match self.admit(ctx, &token, *class) {
                Ok(()) => fits = true,
                Err(Unfit::Fault(_)) => {}
                Err(Unfit::Broken(error)) => return Err(error),
            }
        }
        Ok(match self.owner(ctx, &token.claims)? {
            Owner::User(row) if self.checks_active && !row.user.is_active => None,
            Owner::User(row) if fits && self.has_password(&token.claims, &row) => Some(row.user),
            _ => None,
        })
    }

    /// Blacklists a token. False: it was before, or is none of ours.
    pub(crate) fn revoke(&self, ctx: &Ctx<'_>, raw: &str) -> Result<bool, Error> {
        let Some(token) = self.decoded(ctx, raw)? else { return Ok(false) };
        let class =
            [Class::Refresh, Class::Sliding, Class::Access].into_iter().find(|class| self.is_of(&token, *class));
        match class {
            Some(class) if self.is_listed(class) => self.blacklist(ctx, &token),
            Some(Class::Access) => Err(Error::Unsupported("access tokens are in no table unless `revocable` says so")),
            _ => Err(NO_TABLES),
        }
    }

    fn is_of(&self, token: &Token<'_>, class: Class) -> bool {
        let Some(name) = &self.names.token_type else { return true };
        matches!(token.claims.get(name), Some(Json::Text(text)) if *text == *class.token_type())
    }

    /// Blacklists a token that was checked (`BlacklistMixin.blacklist`). False: it was before.
    pub(crate) fn blacklist(&self, ctx: &Ctx<'_>, token: &Token<'_>) -> Result<bool, Error> {
        let Some(jti) = self.jti(&token.claims) else { return Ok(false) };
        let (user, expires) = (self.user_id(ctx, &token.claims)?, self.expires_at(&token.claims)?);
        let issued = Issued {
            jti: &jti,
            token: &text(token.raw),
            user: user.as_ref(),
            created: &utc(ctx.now_us())?,
            expires: &expires,
        };
        tables::blacklist(ctx.db, &issued, &ctx.now_text()?)
    }

    /// The end of a token for its row: the later one of a sliding token, which can be renewed. simplejwt writes `exp`.
    fn expires_at(&self, claims: &Claims) -> Result<String, Error> {
        let at = claims.get("exp").and_then(moment).ok_or(Error::Invalid("a token without an end"))?;
        let renewed = claims.get(&self.names.refresh_exp).and_then(moment).filter(|_| !self.checks.exact);
        #[expect(clippy::cast_possible_truncation, reason = "bounded by `moment`")]
        utc((renewed.map_or(at, |renewed| renewed.max(at)) * 1e6) as i64)
    }

    /// The moment before which tokens have ended, for their rows: clocks may differ by LEEWAY.
    fn ended(&self, ctx: &Ctx<'_>) -> Result<String, Error> {
        utc(ctx.now_us().saturating_sub(self.checks.leeway.saturating_mul(1_000_000)))
    }

    /// The key of whom a token names, if there is such a user.
    fn user_id(&self, ctx: &Ctx<'_>, claims: &Claims) -> Result<Option<UserId>, Error> {
        Ok(match self.owner(ctx, claims)? {
            Owner::User(row) => Some(row.user.id),
            Owner::Nobody | Owner::NotNamed => None,
        })
    }

    /// Blacklists the tokens of a user; how many there were.
    pub(crate) fn revoke_of(&self, ctx: &Ctx<'_>, user: &UserId) -> Result<usize, Error> {
        if !self.has_tables {
            return Err(NO_TABLES);
        }
        tables::blacklist_of(ctx.db, user, &ctx.now_text()?, &self.ended(ctx)?)
    }

    /// The tokens of one user, or of all, that are not blacklisted, oldest first.
    pub(crate) fn list(&self, ctx: &Ctx<'_>, of: Option<&UserId>) -> Result<Vec<StoredToken>, Error> {
        if !self.has_tables {
            return Err(NO_TABLES);
        }
        tables::list(ctx.db, ctx.users, of)
    }

    /// Removes the rows of tokens that have ended, a thousand a transaction; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn purge(&self, ctx: &Ctx<'_>) -> Result<usize, Error> {
        if !self.has_tables {
            return Ok(0);
        }
        let ended = self.ended(ctx)?;
        in_parts(|most| tables::delete_ended(ctx.db, &ended, most))
    }
}

const NO_TABLES: Error = Error::Unsupported("there are no tables of these tokens (`blacklist = false`)");

/// The key that a claim says, as Django reads it in exact mode; else only as simplejwt writes it, so that no two
/// claims name one user.
fn key(ctx: &Ctx<'_>, claim: &Lent<'_>) -> Option<UserId> {
    match claim {
        Json::Text(text) => {
            let text = text.as_str().ok()?;
            ctx.users.parse_id(text).filter(|id| ctx.exact || id.to_string() == text)
        }
        Json::Number(digits) if digits.bytes().all(|b| b.is_ascii_digit() || b == b'-') => ctx.users.parse_id(digits),
        // Python's `int(1.5)` and `int(True)`
        Json::Number(digits) if ctx.exact => {
            let number = digits.parse::<f64>().ok().filter(|n| n.abs() < MOST_WHOLE)?;
            ctx.users.parse_id(&format!("{:.0}", number.trunc()))
        }
        Json::Bool(is_one) if ctx.exact => ctx.users.parse_id(if *is_one { "1" } else { "0" }),
        _ => None,
    }
}

/// Beyond it not every whole number is an `f64`.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A claim that is a text or a number, as a text.
fn plain<'a>(claim: &'a Lent<'a>) -> Option<&'a str> {
    match claim {
        Json::Text(text) => text.as_str().ok(),
        Json::Number(digits) => Some(digits),
        _ => None,
    }
}

/// simplejwt's `get_md5_hash_password`: of the hash, not of the password.
fn password_hash(row: &PasswordRow) -> String {
    md5_hex(row.encoded.reveal()).to_ascii_uppercase()
}

/// The Unix time of a claim, if Python's `datetime` can hold it.
fn moment(claim: &Lent<'_>) -> Option<f64> {
    let Json::Number(digits) = claim else { return None };
    digits.parse().ok().filter(|at| (FIRST..END).contains(at))
}

/// The years 1 to 9999.
const FIRST: f64 = -62_135_596_800.0;
const END: f64 = 253_402_300_800.0;

#[expect(clippy::cast_precision_loss, reason = "microseconds of the years 1 to 9999 fit but for fractions")]
fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// A moment as simplejwt writes it.
fn utc(us: i64) -> Result<String, Error> {
    datetime::to_text(us, &TimeZone::UTC).map_err(|_| Error::Invalid("a time beyond the year 9999"))
}

/// A token is ASCII.
fn text(raw: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(raw)
}
