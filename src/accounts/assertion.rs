//! What a host says of a user to a program behind it: a short-lived JSON Web Token (RFC 7519) that only that program
//! should believe. Unlike a plain header it cannot be made by whoever reaches the program past the host.
//!
//! Whom only a token vouches for is `SCHEME:KEY` in `sub`, so that nobody takes his key for one of the database.

use crate::codec::json::{self, Json};
use crate::codec::key::Key;
use crate::codec::{digest, jws};
use crate::ctx::{Ctx, random};
use crate::error::Error;
use crate::verdict::Identity;

/// How assertions are made.
pub(crate) struct Assertion {
    /// The header that they are passed on in.
    pub header: String,
    /// Signs; of an algorithm with two keys, only the public one has to be behind.
    pub key: Key,
    /// `iss`.
    pub issuer: String,
    /// Seconds that one is good for.
    pub lifetime: i64,
}

impl Assertion {
    /// That it is this user who asks `audience`, from now on for a short time. The names of claims are RFC 7519's
    /// and OpenID Connect's where they have one, else Django's.
    pub(crate) fn sign(&self, ctx: &Ctx<'_>, identity: &Identity, audience: &str) -> Result<String, Error> {
        let now = ctx.now_s();
        let user = &identity.user;
        let mut claims = vec![
            text("iss", &self.issuer),
            text("aud", audience),
            text("sub", &subject(identity)),
            number("iat", now),
            number("exp", now.saturating_add(self.lifetime)),
            text("jti", &digest::hex(&random::<16>()?)),
            text("preferred_username", user.name()),
        ];
        if !user.email().is_empty() {
            claims.push(text("email", user.email()));
        }
        if let Some(by) = &identity.found_by {
            claims.push(text("scheme", &by.name));
        }
        claims.push(flag("is_staff", user.is_staff));
        claims.push(flag("is_superuser", user.is_superuser));
        let claims = Json::Object(claims.into_iter().map(|(name, value)| (name.into(), value)).collect());
        jws::sign(&self.key, json::encode(&claims).as_bytes())
    }
}

/// Who it is, for good: the key in the database, or whom a scheme's tokens call so.
fn subject(identity: &Identity) -> String {
    let user = &identity.user;
    match &identity.found_by {
        Some(by) if user.is_claimed => format!("{}:{}", by.name, user.id),
        _ => user.id.to_string(),
    }
}

type Claim = (&'static str, Json);

fn text(name: &'static str, value: &str) -> Claim {
    (name, Json::Text(value.into()))
}

fn number(name: &'static str, value: i64) -> Claim {
    (name, Json::Number(value.to_string().into()))
}

fn flag(name: &'static str, value: bool) -> Claim {
    (name, Json::Bool(value))
}
