//! What a token says: the claims of RFC 7519 §4.1, read once and checked as PyJWT 2.15 checks them.
//!
//! A claim of the wrong type is never taken for an absent one. By default a claim is also not
//! converted (`"exp": "1900000000"`); `exact` does what Python's `int()` does.

use super::integer;
use super::json::{Json, Text};
use super::jws::json;

/// The claims of one token.
pub struct Claims(Json);

/// What is asked of claims beyond their types.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// Seconds that clocks may differ.
    pub leeway: i64,
    /// One of these must be among the token's; `None` asks nothing of them.
    pub audience: Option<Vec<String>>,
    /// The token must be of one of these; `None` asks nothing.
    pub issuer: Option<Vec<String>>,
    /// PyJWT's conversions.
    pub exact: bool,
}

/// Why claims do not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// All was well until `exp`.
    Expired,
    /// Anything else: not an object, of a wrong type, too early, for or from somebody else.
    Invalid,
}

impl Claims {
    /// Reads the payload of a token.
    ///
    /// # Errors
    /// [`Refused::Invalid`] when it is not an object of JSON.
    pub fn read(payload: &[u8], exact: bool) -> Result<Self, Refused> {
        match json(payload, exact) {
            Ok(object @ Json::Object(_)) => Ok(Self(object)),
            _ => Err(Refused::Invalid),
        }
    }

    /// A claim; `null` is one, too.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()?.as_str().ok()
    }

    /// A claim that is a moment, in seconds since 1970: `exp` and what is like it.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for everything that is no number.
    pub fn seconds(&self, name: &str, exact: bool) -> Result<Option<i64>, Refused> {
        self.get(name).map(|value| seconds(value, exact)).transpose()
    }

    /// All of them, to make another token of.
    pub fn object(&self) -> &Json {
        &self.0
    }

    /// What PyJWT's `_validate_claims` asks, in its order. No claim is required: `exp` is when it
    /// is there.
    ///
    /// # Errors
    /// [`Refused`] when the claims are not for us or not for now (`now`: seconds since 1970).
    pub fn check(&self, checks: &Checks, now: i64) -> Result<(), Refused> {
        for name in ["iat", "nbf"] {
            if self.seconds(name, checks.exact)?.is_some_and(|from| from > now.saturating_add(checks.leeway)) {
                return Err(Refused::Invalid);
            }
        }
        match self.seconds("exp", checks.exact)? {
            Some(until) if until <= now.saturating_sub(checks.leeway) => return Err(Refused::Expired),
            Some(until) if until > LAST_MOMENT => return Err(Refused::Invalid),
            _ => {}
        }
        self.check_issuer(checks)?;
        self.check_audience(checks)?;
        match ["sub", "jti"].iter().all(|name| matches!(self.get(name), None | Some(Json::Text(_)))) {
            true => Ok(()),
            false => Err(Refused::Invalid),
        }
    }

    fn check_issuer(&self, checks: &Checks) -> Result<(), Refused> {
        let is =
            |text: &Text| checks.issuer.as_ref().is_none_or(|expected| expected.iter().any(|one| text == one.as_str()));
        match self.get("iss") {
            None if checks.issuer.is_none() => Ok(()),
            Some(Json::Text(issuer)) if is(issuer) => Ok(()),
            Some(_) if checks.issuer.is_none() && checks.exact => Ok(()),
            _ => Err(Refused::Invalid),
        }
    }

    fn check_audience(&self, checks: &Checks) -> Result<(), Refused> {
        let theirs = match self.get("aud") {
            None => None,
            Some(one @ Json::Text(_)) => Some(std::slice::from_ref(one)),
            Some(Json::List(many)) if many.iter().all(|one| one.text().is_some()) => Some(many.as_slice()),
            Some(_) if checks.audience.is_none() && checks.exact => None,
            Some(_) => return Err(Refused::Invalid),
        };
        let Some(ours) = &checks.audience else { return Ok(()) };
        let is_ours = |one: &Json| one.text().is_some_and(|text| ours.iter().any(|our| text == our.as_str()));
        match theirs {
            // Python takes an empty text for none.
            Some(theirs) if theirs.iter().any(is_ours) && self.text("aud") != Some("") => Ok(()),
            _ => Err(Refused::Invalid),
        }
    }
}

/// The end of the year 9999. `exp` beyond it makes simplejwt answer 500 (Python's `datetime` ends
/// there), and in most cases it is a moment in milliseconds.
const LAST_MOMENT: i64 = 253_402_300_799;

/// Python's `int()`, cut to what an `i64` holds.
fn seconds(value: &Json, exact: bool) -> Result<i64, Refused> {
    match value {
        Json::Number(digits) => whole(digits).ok_or(Refused::Invalid),
        Json::Bool(flag) if exact => Ok(i64::from(*flag)),
        Json::Text(text) if exact => text.as_str().ok().and_then(integer::parse).ok_or(Refused::Invalid),
        _ => Err(Refused::Invalid),
    }
}

fn whole(digits: &str) -> Option<i64> {
    if let Ok(number) = digits.parse() {
        return Some(number);
    }
    let number: f64 = digits.parse().ok()?;
    let is_whole = digits.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    // `as` saturates: whatever does not fit is beyond every clock.
    if number.is_finite() || is_whole { Some(number as i64) } else { None }
}
