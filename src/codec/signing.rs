//! Django's `django.core.signing`: texts that carry their own HMAC, as sessions, signed cookies and
//! `signing.dumps` have them. The payload is bytes; what they say (JSON) is another module's.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::digest::hex;
use super::{Malformed, Mismatch, Proof, same, zlib};

/// Why a signed text is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// No signature, or one by none of the keys (Django `BadSignature`).
    Signature,
    /// Signed, but without a moment where one must be (Django crashes with another exception).
    Timestamp,
    /// Signed longer ago than allowed (Django `SignatureExpired`).
    Expired,
    /// Signed, but the payload is no base64 or no zlib, or too large when inflated.
    Payload,
}

/// How old a signature may be, and when that is asked.
#[derive(Debug, Clone, Copy)]
pub struct MaxAge {
    /// The greatest age in seconds that is still good.
    pub seconds: i64,
    /// Unix time in microseconds.
    pub now_us: i64,
}

/// There is no secret to sign with: none given, or an empty one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoKey;

/// Django's `Signer`, `TimestampSigner`, `dumps` and `loads` for one salt, with the separator `:`
/// and SHA-256. Making one derives the keys; using one does not.
pub struct Signer {
    first: SaltedHmac,
    fallbacks: Vec<SaltedHmac>,
}

impl Signer {
    /// The salt is not to be empty: Django puts the name of its class in such a one's place. The first
    /// secret signs (`SECRET_KEY`); every secret verifies (`SECRET_KEY_FALLBACKS`). An
    /// empty fallback is passed over, as Django's `key or self.key` does.
    ///
    /// # Errors
    /// [`NoKey`] when the first secret is missing or empty.
    pub fn new<'a>(salt: &str, secrets: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NoKey> {
        let key_salt = format!("{salt}signer");
        let mut secrets = secrets.into_iter();
        let first = secrets.next().filter(|secret| !secret.is_empty()).ok_or(NoKey)?;
        let of = |secret| SaltedHmac::new(&key_salt, secret, Algorithm::Sha256);
        Ok(Self { first: of(first), fallbacks: secrets.filter(|secret| !secret.is_empty()).map(of).collect() })
    }

    /// The value with its signature (`Signer.sign`).
    pub fn sign(&self, value: &str) -> String {
        self.signed(value.to_owned())
    }

    /// The value without its signature (`Signer.unsign`). A value may hold `:` itself.
    ///
    /// # Errors
    /// [`Bad::Signature`].
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<(&'a str, Proof), Bad> {
        let (value, signature) = signed.rsplit_once(SEPARATOR).ok_or(Bad::Signature)?;
        for key in std::iter::once(&self.first).chain(&self.fallbacks) {
            if let Ok(proof) = same(signature.as_bytes(), &key.signature(value)) {
                return Ok((value, proof));
            }
        }
        Err(Bad::Signature)
    }

    /// The value with a moment and a signature over both (`TimestampSigner.sign`).
    pub fn sign_at(&self, value: &str, unix_seconds: i64) -> String {
        let mut text = String::with_capacity(value.len() + STAMP_LENGTH + SIGNATURE_LENGTH + 2);
        text.push_str(value);
        self.stamped(text, unix_seconds)
    }

    /// The value and when it was signed, in Unix seconds (`TimestampSigner.unsign`). A moment that
    /// an `i64` cannot hold becomes its nearest.
    ///
    /// # Errors
    /// [`Bad::Signature`], [`Bad::Timestamp`] or [`Bad::Expired`], tried in this order.
    pub fn unsign_at<'a>(&self, signed: &'a str, max_age: Option<MaxAge>) -> Result<(&'a str, i64, Proof), Bad> {
        let (stamped, proof) = self.unsign(signed)?;
        let (value, stamp) = stamped.rsplit_once(SEPARATOR).ok_or(Bad::Timestamp)?;
        let signed_at = from_base62(stamp).map_err(|Malformed| Bad::Timestamp)?;
        if let Some(MaxAge { seconds, now_us }) = max_age {
            if signed_at.is_infinite() {
                return Err(Bad::Timestamp); // Python's OverflowError
            }
            if now_us as f64 / 1e6 - signed_at > seconds as f64 {
                return Err(Bad::Expired);
            }
        }
        Ok((value, signed_at as i64, proof))
    }

    /// The payload as a signed text (`signing.dumps`): base64url, after zlib and with a leading `.`
    /// when `compress` saves more than one byte.
    pub fn dumps(&self, payload: &[u8], unix_seconds: i64, compress: bool) -> String {
        let deflated = compress.then(|| zlib::deflate(payload)).flatten();
        let deflated = deflated.filter(|deflated| deflated.len() + 1 < payload.len());
        let shrinks = deflated.is_some();
        let payload = deflated.as_deref().unwrap_or(payload);
        let length = payload.len().div_ceil(3) * 4 + STAMP_LENGTH + SIGNATURE_LENGTH + 3;
        let mut text = String::with_capacity(length);
        if shrinks {
            text.push('.');
        }
        URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        self.stamped(text, unix_seconds)
    }

    /// The payload of a signed text (`signing.loads`). Python reads the bytes as Latin-1.
    ///
    /// # Errors
    /// As [`unsign_at`](Self::unsign_at), and [`Bad::Payload`].
    pub fn loads(&self, signed: &str, max_age: Option<MaxAge>) -> Result<(Vec<u8>, Proof), Bad> {
        let (text, _, proof) = self.unsign_at(signed, max_age)?;
        let payload = match text.strip_prefix('.') {
            None => from_base64url(text.as_bytes()).map_err(|Malformed| Bad::Payload)?,
            Some(text) => {
                let deflated = from_base64url(text.as_bytes()).map_err(|Malformed| Bad::Payload)?;
                zlib::inflate(&deflated, MAX_INFLATED).map_err(|Malformed| Bad::Payload)?
            }
        };
        Ok((payload, proof))
    }

    fn stamped(&self, mut text: String, unix_seconds: i64) -> String {
        text.push(SEPARATOR);
        push_base62(&mut text, unix_seconds);
        self.signed(text)
    }

    fn signed(&self, mut text: String) -> String {
        let signature = self.first.signature(&text);
        text.push(SEPARATOR);
        text.extend(signature.map(char::from));
        text
    }
}

/// The hash that an HMAC is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Django's default of `salted_hmac`, kept for what older versions wrote.
    Sha1,
    /// What Django uses today.
    Sha256,
}

/// Django's `salted_hmac` with its key derived once: the key is the hash of salt and secret.
pub struct SaltedHmac(hmac::Key);

impl SaltedHmac {
    /// Derives the key.
    pub fn new(key_salt: &str, secret: &[u8], algorithm: Algorithm) -> Self {
        let (hash, mac) = match algorithm {
            Algorithm::Sha1 => (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            Algorithm::Sha256 => (&digest::SHA256, hmac::HMAC_SHA256),
        };
        let mut context = digest::Context::new(hash);
        context.update(key_salt.as_bytes());
        context.update(secret);
        Self(hmac::Key::new(mac, context.finish().as_ref()))
    }

    /// The HMAC in lower-case hexadecimal (`salted_hmac(…).hexdigest()`).
    pub fn hex(&self, value: &[u8]) -> String {
        hex(hmac::sign(&self.0, value).as_ref())
    }

    /// Whether `text` is the hexadecimal HMAC of the value, as `_auth_user_hash` is of the password
    /// column.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn check(&self, text: &str, value: &[u8]) -> Result<Proof, Mismatch> {
        same(text.as_bytes(), self.hex(value).as_bytes())
    }

    /// `base64_hmac`, with SHA-256 only.
    fn signature(&self, value: &str) -> [u8; SIGNATURE_LENGTH] {
        let mut text = [0; SIGNATURE_LENGTH];
        // Cannot fail: 32 bytes are 43 symbols. If it did, nothing would match.
        let _ = URL_SAFE_NO_PAD.encode_slice(hmac::sign(&self.0, value.as_bytes()), &mut text);
        text
    }
}

/// Django's signed cookies (`set_signed_cookie`, `get_signed_cookie`) of one name and salt.
pub struct CookieSigner {
    current: Signer,
    legacy: Option<Signer>,
}

impl CookieSigner {
    /// `legacy`: whether the salt of Django before 5.2.15 is believed, too
    /// (`SIGNED_COOKIE_LEGACY_SALT_FALLBACK`).
    ///
    /// # Errors
    /// [`NoKey`] when the first secret is missing or empty.
    pub fn new<'a>(
        name: &str,
        salt: &str,
        secrets: impl IntoIterator<Item = &'a [u8]>,
        legacy: bool,
    ) -> Result<Self, NoKey> {
        let mut secrets = secrets.into_iter();
        let first = secrets.next().filter(|secret| !secret.is_empty()).ok_or(NoKey)?;
        // Django puts its label before an empty fallback as well, which then is no secret.
        let rest = secrets.filter(|secret| !secret.is_empty());
        let keys: Vec<Zeroizing<Vec<u8>>> =
            std::iter::once(first).chain(rest).map(|secret| Zeroizing::new([COOKIE_KEY, secret].concat())).collect();
        let signer = |salt: &str| Signer::new(salt, keys.iter().map(|key| key.as_slice()));
        let current = signer(&format!("{COOKIE_SALT}{}:{salt}{name}", salt.chars().count()))?;
        let legacy = if legacy { Some(signer(&format!("{name}{salt}"))?) } else { None };
        Ok(Self { current, legacy })
    }

    /// The value of the cookie to set.
    pub fn sign(&self, value: &str, unix_seconds: i64) -> String {
        self.current.sign_at(value, unix_seconds)
    }

    /// What the cookie holds, and when it was signed.
    ///
    /// # Errors
    /// As [`Signer::unsign_at`].
    pub fn unsign<'a>(&self, cookie: &'a str, max_age: Option<MaxAge>) -> Result<(&'a str, i64, Proof), Bad> {
        match (self.current.unsign_at(cookie, max_age), &self.legacy) {
            (Err(Bad::Signature), Some(legacy)) => legacy.unsign_at(cookie, max_age),
            (answer, _) => answer,
        }
    }
}

/// The HMAC of a value in hexadecimal, for one use of a key (`salted_hmac(…).hexdigest()`).
pub fn salted_hmac_hex(key_salt: &str, value: &[u8], secret: &[u8], algorithm: Algorithm) -> String {
    SaltedHmac::new(key_salt, secret, algorithm).hex(value)
}

/// Django's `b64_decode`: pads what is not padded, then decodes as leniently as Python does.
fn from_base64url(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    if let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) {
        return Ok(bytes);
    }
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let mut padded: Vec<u8> = text.iter().map(standard).collect();
    padded.resize(text.len().next_multiple_of(4), b'=');
    super::base64::decode(&padded)
}

/// Django's `b62_encode`.
fn push_base62(text: &mut String, number: i64) {
    let mut digits = [0; STAMP_LENGTH];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    while rest > 0 || at == digits.len() {
        at -= 1;
        digits[at] = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    if number < 0 {
        text.push('-');
    }
    text.extend(digits[at..].iter().copied().map(char::from));
}

/// Django's `b62_decode`: `-` alone is zero. A float, since Python compares with one and its numbers
/// have no end.
fn from_base62(text: &str) -> Result<f64, Malformed> {
    if text.is_empty() {
        return Err(Malformed);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text),
    };
    let number = digits.bytes().try_fold(0.0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return Err(Malformed),
        };
        Ok(number * 62.0 + f64::from(digit))
    })?;
    Ok(sign * number)
}

const SEPARATOR: char = ':';
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SIGNATURE_LENGTH: usize = 43; // 32 bytes in base64
const STAMP_LENGTH: usize = 11; // 2^63 in base 62
/// A thousandfold inflated payload would be a bomb; sessions are a few hundred bytes.
const MAX_INFLATED: usize = 4 << 20;
const COOKIE_KEY: &[u8] = b"django.http.cookies";
const COOKIE_SALT: &str = "django.http.cookies.v2:";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const SECRET: &[u8] = b"vector-secret-key";
    const AT: i64 = 1_700_000_000;
    const SESSION: &str = "eyJhIjoxfQ:1r31eq:X19-0GnnaeDGpUHNcotkTABDki1dZT_QQnOTJD20mz0";

    fn signer(salt: &str) -> Signer {
        Signer::new(salt, [SECRET]).unwrap()
    }

    fn sessions() -> Signer {
        signer("django.contrib.sessions.SessionStore")
    }

    fn loaded(signer: &Signer, signed: &str, max_age: Option<MaxAge>) -> Result<Vec<u8>, Bad> {
        signer.loads(signed, max_age).map(|(payload, _)| payload)
    }

    #[test]
    fn signs_what_django_signs() {
        assert_eq!(sessions().dumps(br#"{"a":1}"#, AT, false), SESSION);
        let stamped = "hello:1r31eq:E3GzW5cCH88EOxhqUMyo1wlPGIQgW8p557CrJSSMPhw";
        assert_eq!(signer("django.core.signing.TimestampSigner").sign_at("hello", AT), stamped);
        let plain = "hello:59_RllVKes4v6JwVfHXSwMAbqKRNPc42f82-X65JINg";
        assert_eq!(signer("django.core.signing.Signer").sign("hello"), plain);
    }

    #[test]
    fn the_session_hash_is_django_s() {
        let salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";
        let column = b"pbkdf2_sha256$1$salt$hash";
        for (secret, hash) in [
            (SECRET, "aced17b2d6311ca923a340f49a0e0fb1c4670c927badb75bddb1eb1f0ac3195f"),
            (b"old-key", "12db8e18374456fe55d7081c2ec5892c2f9ee6577d23955f8eede41bbcaf95e6"),
        ] {
            assert_eq!(salted_hmac_hex(salt, column, secret, Algorithm::Sha256), hash);
            let key = SaltedHmac::new(salt, secret, Algorithm::Sha256);
            assert!(key.check(hash, column).is_ok());
            assert!(key.check(&hash.to_uppercase(), column).is_err());
            assert!(key.check(hash, b"pbkdf2_sha256$1$salt$hasi").is_err());
            assert!(key.check("", column).is_err());
        }
        // Python: salted_hmac("salt", "value", "secret").hexdigest()
        let sha1 = "a82be9ba6efe61405ee8d2e8a3781c37e103360a";
        assert_eq!(salted_hmac_hex("salt", b"value", b"secret", Algorithm::Sha1), sha1);
    }

    #[test]
    fn a_changed_text_is_refused() {
        assert_eq!(loaded(&sessions(), SESSION, None), Ok(br#"{"a":1}"#.to_vec()));
        for at in 0..SESSION.len() {
            for put in ["A", ".", ":", "="] {
                let changed = format!("{}{put}{}", &SESSION[..at], &SESSION[at + 1..]);
                if changed != SESSION {
                    assert_eq!(loaded(&sessions(), &changed, None), Err(Bad::Signature), "{changed}");
                }
            }
        }
        assert_eq!(loaded(&signer("another salt"), SESSION, None), Err(Bad::Signature));
    }

    #[test]
    fn every_secret_verifies_and_the_first_signs() {
        let both = Signer::new("salt", [b"new".as_slice(), b"old"]).unwrap();
        let new = Signer::new("salt", [b"new".as_slice()]).unwrap();
        let old = Signer::new("salt", [b"old".as_slice()]).unwrap();
        assert_eq!(both.sign("x"), new.sign("x"));
        assert!(both.unsign(&old.sign("x")).is_ok());
        assert!(new.unsign(&old.sign("x")).is_err());
    }

    #[test]
    fn an_empty_secret_is_none() {
        assert_eq!(Signer::new("salt", []).err(), Some(NoKey));
        assert_eq!(Signer::new("salt", [b"".as_slice(), b"old"]).err(), Some(NoKey));
        assert_eq!(CookieSigner::new("name", "", [b"".as_slice(), b"old"], true).err(), Some(NoKey));
        // What anybody can sign who knows that a fallback is empty.
        let forged = signer("salt").signed("x".to_owned());
        let nobody = SaltedHmac::new("saltsigner", b"", Algorithm::Sha256).signature("x");
        let forged_with_nothing = format!("x:{}", String::from_utf8_lossy(&nobody));
        let lax = Signer::new("salt", [SECRET, b""]).unwrap();
        assert!(lax.unsign(&forged).is_ok());
        assert!(lax.unsign(&forged_with_nothing).is_err());
    }

    #[test]
    fn age_counts_in_fractions_of_a_second() {
        let signed = signer("salt").sign_at("x", AT);
        let at = |seconds, now_us| signer("salt").unsign_at(&signed, Some(MaxAge { seconds, now_us })).map(|x| x.1);
        assert_eq!(at(10, (AT + 10) * 1_000_000), Ok(AT));
        assert_eq!(at(10, (AT + 10) * 1_000_000 + 1), Err(Bad::Expired));
        assert_eq!(at(10, 0), Ok(AT)); // a clock before the stamp
        assert_eq!(at(-1, AT * 1_000_000), Err(Bad::Expired));
    }

    #[test]
    fn stamps_are_read_as_python_reads_them() {
        let at = |text: &str| signer("salt").unsign_at(&signer("salt").sign(text), None).map(|x| x.1);
        for (text, expected) in [
            ("x:-", Ok(0)),
            ("x:-1", Ok(-1)),
            ("x:0001r31eq", Ok(AT)),
            ("x:zzzzzzzzzzzz", Ok(i64::MAX)),
            ("x:", Err(Bad::Timestamp)),
            ("x:--1", Err(Bad::Timestamp)),
            ("x:+1", Err(Bad::Timestamp)),
            ("x:1 ", Err(Bad::Timestamp)),
            ("x:\u{e9}", Err(Bad::Timestamp)),
            ("x", Err(Bad::Timestamp)),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_come_back_from_base_62() {
        for (number, text) in [(0, "0"), (61, "z"), (62, "10"), (AT, "1r31eq"), (-62, "-10")] {
            let mut written = String::new();
            push_base62(&mut written, number);
            assert_eq!(written, text);
            assert_eq!(from_base62(text), Ok(number as f64));
        }
        for number in [i64::MAX, i64::MIN] {
            let mut written = String::new();
            push_base62(&mut written, number);
            assert_eq!(written.trim_start_matches('-').len(), STAMP_LENGTH);
        }
    }

    #[test]
    fn compression_is_used_when_it_saves_more_than_a_byte() {
        let repeated = format!(r#"{{"k":"{}"}}"#, "v".repeat(500));
        let signed = sessions().dumps(repeated.as_bytes(), AT, true);
        assert!(signed.starts_with('.') && signed.len() < 120, "{signed}");
        assert_eq!(loaded(&sessions(), &signed, None), Ok(repeated.into_bytes()));
        assert_eq!(sessions().dumps(br#"{"a":1}"#, AT, true), SESSION);
    }

    #[test]
    fn a_payload_that_inflates_without_end_is_refused() {
        let most = vec![b'a'; MAX_INFLATED];
        assert_eq!(loaded(&sessions(), &sessions().dumps(&most, AT, true), None), Ok(most.clone()));
        let over = [most.as_slice(), b"a"].concat();
        assert_eq!(loaded(&sessions(), &sessions().dumps(&over, AT, true), None), Err(Bad::Payload));
    }

    #[test]
    fn signed_cookies_keep_their_salts_apart() {
        let keys = || [SECRET];
        let of = |name, salt, legacy| CookieSigner::new(name, salt, keys(), legacy).unwrap();
        let signed = of("ab", "c", true).sign("x", AT);
        assert_eq!(of("ab", "c", false).unsign(&signed, None).map(|x| x.0), Ok("x"));
        assert_eq!(of("a", "bc", true).unsign(&signed, None).map(|x| x.0), Err(Bad::Signature));
        // Django before 5.2.15 could not tell these two apart.
        let older = Signer::new("abc", [[COOKIE_KEY, SECRET].concat().as_slice()]).unwrap().sign_at("x", AT);
        for (name, salt) in [("ab", "c"), ("a", "bc")] {
            assert_eq!(of(name, salt, true).unsign(&older, None).map(|x| x.0), Ok("x"));
            assert_eq!(of(name, salt, false).unsign(&older, None).map(|x| x.0), Err(Bad::Signature));
        }
        let late = Some(MaxAge { seconds: 1, now_us: i64::MAX });
        assert_eq!(of("ab", "c", true).unsign(&signed, late).map(|x| x.0), Err(Bad::Expired));
    }

    /// tests/vectors/attacks/signing.jsonl: hostile texts, with Django's answers.
    #[test]
    fn hostile_texts_are_answered_as_by_django() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/attacks");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        let keys: Value = serde_json::from_str(&read("signing-keys.json")).unwrap();
        let keys = ["secret_key", "fallback"].map(|name| keys[name].as_str().unwrap().as_bytes());
        let mut count = 0;
        for line in read("signing.jsonl").lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            if case["class"] == "signing" {
                count += 1;
                answers_alike(&case, keys);
            }
        }
        assert_eq!(count, 85);
    }

    fn answers_alike(case: &Value, keys: [&[u8]; 2]) {
        let signer = Signer::new(case["salt"].as_str().unwrap(), keys).unwrap();
        let text = case["value"].as_str().unwrap();
        let now_us = case["at"].as_i64().unwrap() * 1_000_000;
        let max_age = case["max_age"].as_i64().map(|seconds| MaxAge { seconds, now_us });
        let answer = match case["kind"].as_str().unwrap() {
            "Signer" => signer.unsign(text).map(|x| Value::from(x.0)),
            "TimestampSigner" => signer.unsign_at(text, max_age).map(|x| Value::from(x.0)),
            // What is no JSON is the next module's to refuse.
            _ => signer.loads(text, max_age).map(|x| serde_json::from_slice(&x.0).unwrap_or("no JSON".into())),
        };
        let expected = match (case["expect"].as_str(), case["django"]["exception"].as_str()) {
            (Some("refuse"), _) => Err(Bad::Payload),
            (_, Some("BadSignature")) => Err(Bad::Signature),
            (_, Some("SignatureExpired")) => Err(Bad::Expired),
            (_, Some("JSONDecodeError")) => Ok("no JSON".into()),
            (_, Some(_)) => Err(Bad::Timestamp),
            (_, None) => Ok(case["django"]["value"].clone()),
        };
        assert_eq!(answer, expected, "{}", case["id"]);
    }
}
