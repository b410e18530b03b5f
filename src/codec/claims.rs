//! What a token says: the claims of RFC 7519 §4.1, read once and checked as PyJWT 2.15 checks them.
//!
//! A claim of the wrong type is never taken for an absent one. By default a claim is also not
//! converted (`"exp": "1900000000"`); `exact` does what Python's `int()` does.

use super::json::{self, Json, Lent, Text};
use super::{integer, jws};

self_cell::self_cell!(
    struct Cell {
        owner: Vec<u8>,
        #[covariant]
        dependent: Lent,
    }
);

/// The claims of one token: its payload, and where in it they stand.
pub struct Claims(Cell);

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
    pub fn read(payload: impl Into<Vec<u8>>, exact: bool) -> Result<Self, Refused> {
        let text = jws::text(payload.into(), exact).map_err(|_| Refused::Invalid)?;
        let cell = Cell::try_new(text, |text| match json::decode_by(text, jws::rules(exact)) {
            Ok(object @ Json::Object(_)) => Ok(object),
            _ => Err(Refused::Invalid),
        });
        cell.map(Self)
    }

    /// A claim; `null` is one, too.
    pub fn get(&self, name: &str) -> Option<&Lent<'_>> {
        self.object().get(name)
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

    /// All of them.
    pub fn object(&self) -> &Lent<'_> {
        self.0.borrow_dependent()
    }

    /// What PyJWT's `_validate_claims` asks, in its order. No claim is required: `exp` is when it
    /// is there.
    ///
    /// # Errors
    /// [`Refused`] when the claims are not for us or not for now (`now`: seconds since 1970).
    pub fn check(&self, checks: &Checks, now: i64) -> Result<(), Refused> {
        let Registered { exp, nbf, iat, iss, aud, sub, jti } = self.registered();
        let moment = |claim: Option<&Lent<'_>>| claim.map(|value| seconds(value, checks.exact)).transpose();
        for from in [moment(iat)?, moment(nbf)?].into_iter().flatten() {
            if from > now.saturating_add(checks.leeway) {
                return Err(Refused::Invalid);
            }
        }
        match moment(exp)? {
            Some(until) if until <= now.saturating_sub(checks.leeway) => return Err(Refused::Expired),
            Some(until) if until > LAST_MOMENT => return Err(Refused::Invalid),
            _ => {}
        }
        check_issuer(iss, checks)?;
        check_audience(aud, checks)?;
        let are_texts = [sub, jti].into_iter().flatten().all(|claim| claim.text().is_some());
        if are_texts { Ok(()) } else { Err(Refused::Invalid) }
    }

    fn registered(&self) -> Registered<'_> {
        let mut found = Registered::default();
        let Json::Object(members) = self.object() else { return found };
        for (name, value) in members {
            let place = match name.as_bytes() {
                b"exp" => &mut found.exp,
                b"nbf" => &mut found.nbf,
                b"iat" => &mut found.iat,
                b"iss" => &mut found.iss,
                b"aud" => &mut found.aud,
                b"sub" => &mut found.sub,
                b"jti" => &mut found.jti,
                _ => continue,
            };
            *place = Some(value);
        }
        found
    }
}

/// The claims of RFC 7519 §4.1.
#[derive(Default)]
struct Registered<'a> {
    exp: Option<&'a Lent<'a>>,
    nbf: Option<&'a Lent<'a>>,
    iat: Option<&'a Lent<'a>>,
    iss: Option<&'a Lent<'a>>,
    aud: Option<&'a Lent<'a>>,
    sub: Option<&'a Lent<'a>>,
    jti: Option<&'a Lent<'a>>,
}

fn check_issuer(issuer: Option<&Lent<'_>>, checks: &Checks) -> Result<(), Refused> {
    let is = |text: &Text<_>, expected: &[String]| expected.iter().any(|one| *text == **one);
    match (issuer, &checks.issuer) {
        (None | Some(Json::Text(_)), None) => Ok(()),
        (Some(Json::Text(issuer)), Some(expected)) if is(issuer, expected) => Ok(()),
        (Some(_), None) if checks.exact => Ok(()),
        _ => Err(Refused::Invalid),
    }
}

fn check_audience(audience: Option<&Lent<'_>>, checks: &Checks) -> Result<(), Refused> {
    let theirs = match audience {
        None => [].as_slice(),
        // Python takes an empty text for none.
        Some(Json::Text(one)) if *one == *"" => &[],
        Some(one @ Json::Text(_)) => std::slice::from_ref(one),
        Some(Json::List(many)) if many.iter().all(|one| one.text().is_some()) => many.as_slice(),
        Some(_) if checks.audience.is_none() && checks.exact => &[],
        Some(_) => return Err(Refused::Invalid),
    };
    let Some(ours) = &checks.audience else { return Ok(()) };
    let is_ours = |one: &Lent<'_>| one.text().is_some_and(|text| ours.iter().any(|our| *text == **our));
    if theirs.iter().any(is_ours) { Ok(()) } else { Err(Refused::Invalid) }
}

/// The end of the year 9999. `exp` beyond it makes simplejwt answer 500 (Python's `datetime` ends
/// there), and in most cases it is a moment in milliseconds.
const LAST_MOMENT: i64 = 253_402_300_799;

/// Python's `int()`, cut to what an `i64` holds.
fn seconds(value: &Lent<'_>, exact: bool) -> Result<i64, Refused> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn moments_end_and_begin_to_the_second() {
        for (claims, leeway, expected) in [
            (r#"{"exp":1800000001}"#, 0, Ok(())),
            (r#"{"exp":1800000000}"#, 0, Err(Refused::Expired)),
            (r#"{"exp":1800000000.9}"#, 0, Err(Refused::Expired)),
            (r#"{"exp":1800000000}"#, 1, Ok(())),
            (r#"{"exp":1799999940}"#, 60, Err(Refused::Expired)),
            (r#"{"exp":-1}"#, 0, Err(Refused::Expired)),
            (r#"{"exp":1.8000003e9}"#, 0, Ok(())),
            (r#"{"exp":253402300799}"#, 0, Ok(())),
            (r#"{"exp":253402300800}"#, 0, Err(Refused::Invalid)),
            (r#"{"exp":99999999999999999999}"#, 0, Err(Refused::Invalid)),
            (r#"{"exp":-99999999999999999999}"#, 0, Err(Refused::Expired)),
            (r#"{"exp":1e999}"#, 0, Err(Refused::Invalid)),
            (r#"{"nbf":1800000000,"iat":1800000000}"#, 0, Ok(())),
            (r#"{"nbf":1800000001}"#, 0, Err(Refused::Invalid)),
            (r#"{"iat":1800000001}"#, 0, Err(Refused::Invalid)),
            (r#"{"iat":1800000060,"nbf":1800000060}"#, 60, Ok(())),
            (r#"{"iat":1e300}"#, i64::MAX, Ok(())),
            ("{}", 0, Ok(())),
        ] {
            let checks = Checks { leeway, ..Checks::default() };
            assert_eq!(read(claims, false).check(&checks, NOW), expected, "{claims}");
        }
    }

    #[test]
    fn a_claim_of_a_wrong_type_is_not_an_absent_one() {
        for name in ["exp", "nbf", "iat", "iss", "aud", "sub", "jti"] {
            for value in ["null", "[1]", "{}", "true", "[[\"a\"]]"] {
                let claims = format!("{{\"{name}\":{value}}}");
                assert_eq!(read(&claims, false).check(&Checks::default(), NOW), Err(Refused::Invalid), "{claims}");
            }
        }
        for name in ["exp", "nbf", "iat"] {
            let claims = format!("{{\"{name}\":\"1799999999\"}}");
            assert_eq!(read(&claims, false).check(&Checks::default(), NOW), Err(Refused::Invalid), "{claims}");
        }
    }

    #[test]
    fn only_exact_mode_converts() {
        let exact = Checks { exact: true, ..Checks::default() };
        for (claims, expected) in [
            (r#"{"exp":"1800000001"}"#, Ok(())),
            (r#"{"exp":" 1_800_000_000 "}"#, Err(Refused::Expired)),
            (r#"{"exp":true}"#, Err(Refused::Expired)),
            (r#"{"exp":null}"#, Err(Refused::Invalid)),
            (r#"{"exp":NaN}"#, Err(Refused::Invalid)),
            (r#"{"exp":Infinity}"#, Err(Refused::Invalid)),
            (r#"{"nbf":"1","nbf":false}"#, Ok(())),
            (r#"{"aud":1,"iss":1}"#, Ok(())),
            (r#"{"sub":1}"#, Err(Refused::Invalid)),
        ] {
            assert_eq!(read(claims, true).check(&exact, NOW), expected, "{claims}");
        }
        for payload in [&b"\xef\xbb\xbf{}"[..], b"{\"a\":1,\"a\":2}", b"{\"a\":NaN}", b"{\0}\0", br#"{"a":"\ud800"}"#] {
            assert!(Claims::read(payload, true).is_ok());
            assert!(Claims::read(payload, false).is_err(), "{payload:?}");
        }
    }

    #[test]
    fn audience_and_issuer_are_asked_for_when_they_are_configured() {
        let list = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let ours = Checks { audience: list(&["api", "web"]), issuer: list(&["me"]), ..Checks::default() };
        for (claims, is_ours) in [
            (r#"{"aud":"api","iss":"me"}"#, true),
            (r#"{"aud":["x","web"],"iss":"me"}"#, true),
            (r#"{"aud":["x"],"iss":"me"}"#, false),
            (r#"{"aud":[],"iss":"me"}"#, false),
            (r#"{"aud":["api",1],"iss":"me"}"#, false),
            (r#"{"aud":"API","iss":"me"}"#, false),
            (r#"{"aud":"api "  ,"iss":"me"}"#, false),
            (r#"{"aud":"api"}"#, false),
            (r#"{"iss":"me"}"#, false),
            (r#"{"aud":"api","iss":"Me"}"#, false),
            (r#"{"aud":"api","iss":["me"]}"#, false),
            ("{}", false),
        ] {
            let theirs = read(claims, false);
            assert_eq!(theirs.check(&ours, NOW).is_ok(), is_ours, "{claims}");
        }
        let nobody = Checks { audience: list(&[]), ..Checks::default() };
        assert_eq!(read(r#"{"aud":"api"}"#, false).check(&nobody, NOW), Err(Refused::Invalid));
    }

    #[test]
    fn nesting_ends_at_32() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Claims::read(nested(31).as_bytes(), false).is_ok());
        assert!(Claims::read(nested(32).as_bytes(), false).is_err());
    }

    #[test]
    fn what_is_no_object_has_no_claims() {
        for payload in ["", "[]", "null", "1", "\"x\"", "{", "{}x", "{}{}"] {
            for exact in [false, true] {
                assert_eq!(Claims::read(payload.as_bytes(), exact).err(), Some(Refused::Invalid), "{payload}");
            }
        }
    }

    #[test]
    fn claims_are_told_by_name() {
        let claims = read(r#"{"a":"x","n":12,"z":null,"exp":5.5}"#, false);
        assert_eq!(claims.text("a"), Some("x"));
        assert_eq!(claims.text("n"), None);
        assert!(claims.get("z") == Some(&Json::Null) && claims.get("b").is_none());
        assert_eq!(claims.seconds("exp", false), Ok(Some(5)));
        assert_eq!(claims.seconds("b", false), Ok(None));
        assert_eq!(claims.seconds("a", false), Err(Refused::Invalid));
    }

    fn read(claims: &str, exact: bool) -> Claims {
        Claims::read(claims.as_bytes(), exact).unwrap()
    }
}
