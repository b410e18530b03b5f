//! Texts that a host signs with Django's secret key and believes when they come back: links that
//! reset a password, signed cookies. Django's `django.core.signing` and `set_signed_cookie`.

use zeroize::Zeroizing;

use crate::codec::Secret;
use crate::codec::signing::{Bad, CookieSigner, MaxAge, NoKey, Signer};
use crate::error::Error;

/// How a text is signed. `Plain` and `Timed` under one salt are one to Django, which takes the moment
/// for a part of the value; each purpose needs a salt of its own.
#[derive(Clone, Copy)]
pub(crate) enum Way<'a> {
    /// `Signer`.
    Plain,
    /// `TimestampSigner`, which also says when.
    Timed,
    /// `set_signed_cookie`, for the cookie of this name.
    Cookie(&'a str),
}

/// A signed text and what it says.
pub(crate) struct Signed {
    /// The whole.
    pub text: Zeroizing<String>,
    /// What was signed.
    pub value: Zeroizing<String>,
    /// When, in Unix seconds; `None` where the way does not say.
    pub signed_at: Option<i64>,
}

/// Signs a value; the first secret signs. The empty salt is the one of Django's class.
pub(crate) fn sign(secrets: &[Secret], way: Way<'_>, salt: &str, value: &str, now_us: i64) -> Result<Signed, Error> {
    let now = now_us.div_euclid(1_000_000);
    let no_key = |NoKey| Error::Unsupported("signing without a secret_key");
    let (text, signed_at) = match way {
        Way::Plain => (signer(secrets, way, salt).map_err(no_key)?.sign(value), None),
        Way::Timed => (signer(secrets, way, salt).map_err(no_key)?.sign_at(value, now), Some(now)),
        Way::Cookie(name) => (cookie_signer(secrets, name, salt).map_err(no_key)?.sign(value, now), Some(now)),
    };
    Ok(Signed { text: Zeroizing::new(text), value: Zeroizing::new(value.to_owned()), signed_at })
}

/// Takes a signed text apart; every secret verifies.
///
/// # Errors
/// [`Bad`]: why it is not believed.
pub(crate) fn unsign(
    secrets: &[Secret],
    way: Way<'_>,
    salt: &str,
    signed: &str,
    max_age: Option<MaxAge>,
) -> Result<Signed, Bad> {
    let no_key = |NoKey| Bad::Signature;
    let (value, signed_at) = match way {
        Way::Plain => (signer(secrets, way, salt).map_err(no_key)?.unsign(signed)?.0, None),
        Way::Timed => {
            let (value, at, _) = signer(secrets, way, salt).map_err(no_key)?.unsign_at(signed, max_age)?;
            (value, Some(at))
        }
        Way::Cookie(name) => {
            let (value, at, _) = cookie_signer(secrets, name, salt).map_err(no_key)?.unsign(signed, max_age)?;
            (value, Some(at))
        }
    };
    let text = Zeroizing::new(signed.to_owned());
    Ok(Signed { text, value: Zeroizing::new(value.to_owned()), signed_at })
}

fn signer(secrets: &[Secret], way: Way<'_>, salt: &str) -> Result<Signer, NoKey> {
    let usual = if matches!(way, Way::Plain) { PLAIN } else { TIMED };
    Signer::new(if salt.is_empty() { usual } else { salt }, secrets.iter().map(Secret::reveal))
}

/// Also believes what Django before 5.2.15 signed, as Django does unless told not to.
fn cookie_signer(secrets: &[Secret], name: &str, salt: &str) -> Result<CookieSigner, NoKey> {
    CookieSigner::new(name, salt, secrets.iter().map(Secret::reveal), true)
}

const PLAIN: &str = "django.core.signing.Signer";
const TIMED: &str = "django.core.signing.TimestampSigner";

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_700_000_000_000_000;
    const WAYS: [Way<'static>; 3] = [Way::Plain, Way::Timed, Way::Cookie("theme")];

    fn secrets(texts: &[&str]) -> Vec<Secret> {
        texts.iter().map(|text| Secret::new(*text)).collect()
    }

    #[test]
    fn a_signed_text_comes_back_under_its_own_salt_only() {
        let keys = secrets(&["new", "old"]);
        for (i, way) in WAYS.into_iter().enumerate() {
            let signed = sign(&keys, way, "salt", "a:b", NOW_US).unwrap();
            for (j, other) in WAYS.into_iter().enumerate() {
                let back = unsign(&keys, other, "salt", &signed.text, None);
                let same_to_django = i < 2 && j < 2;
                assert_eq!(back.is_ok(), i == j || same_to_django, "{i} {j}");
                assert!(i != j || *back.ok().unwrap().value == "a:b");
            }
            assert!(unsign(&keys, way, "other", &signed.text, None).is_err());
            assert!(unsign(&secrets(&["other"]), way, "salt", &signed.text, None).is_err());
            assert!(unsign(&secrets(&["newer", "new"]), way, "salt", &signed.text, None).is_ok());
        }
    }

    #[test]
    fn age_counts_where_there_is_a_moment() {
        let keys = secrets(&["key"]);
        for way in [Way::Timed, Way::Cookie("theme")] {
            let signed = sign(&keys, way, "", "x", NOW_US).unwrap();
            assert_eq!(signed.signed_at, Some(1_700_000_000));
            let at = |later: i64| Some(MaxAge { seconds: 60, now_us: NOW_US + later * 1_000_000 });
            assert!(unsign(&keys, way, "", &signed.text, at(60)).is_ok());
            assert_eq!(unsign(&keys, way, "", &signed.text, at(61)).err(), Some(Bad::Expired));
            assert!(unsign(&keys, way, "", &signed.text, None).is_ok());
        }
    }
}
