//! Sets of public keys (RFC 7517 §5), as an issuer publishes them. What a set may hold is bounded, and
//! what cannot be used is left out with a reason: one odd key must not shut the others out.
//!
//! Chains of certificates and their addresses (`x5c`, `x5u`) are not read.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::json::{self, Json};
use super::jws::{Keys, STRICT};
use super::key::{Algorithm, BadKey, Key};

/// A set that was read.
pub struct Set {
    /// The keys that can be used, by their names.
    pub keys: Keys,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

/// A key that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Which of the set, counted from 1.
    pub place: usize,
    /// Why.
    pub why: Unusable,
}

/// Why a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Not an object, or a member has another form than its standard gives it.
    Malformed,
    /// A secret: whoever can read the set could sign.
    Secret,
    /// It has no `kid`, so no token can name it; or a longer one than [`MAX_KID`].
    Nameless,
    /// Another key has its `kid` and algorithm; the first counts.
    Twice,
    /// `use` or `key_ops` say that it is not for verifying.
    Purpose,
    /// Its algorithm is not among the allowed, or it is of a kind that none of these takes.
    Algorithm,
    /// The key itself.
    Key(BadKey),
}

/// Why a set cannot be used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSet {
    /// More than [`MAX_SET`] bytes.
    Large,
    /// More than [`MAX_KEYS`] keys.
    Many,
    /// Not JSON, or not an object with a list of `keys`.
    Malformed,
    /// No key of it can be used; this is why the first cannot.
    Empty(Option<Skipped>),
}

/// Reads a set. A key that names no algorithm (`alg`) gets the first of the allowed that takes its kind.
///
/// # Errors
/// [`BadSet`] when nothing of it can be used.
pub fn read(set: &[u8], allowed: &[Algorithm]) -> Result<Set, BadSet> {
    if set.len() > MAX_SET {
        return Err(BadSet::Large);
    }
    let set = str::from_utf8(set).ok().and_then(|text| json::decode_by(text.as_bytes(), &STRICT).ok());
    let Some(Json::List(all)) = set.as_ref().and_then(|set| set.get("keys")) else { return Err(BadSet::Malformed) };
    if all.len() > MAX_KEYS {
        return Err(BadSet::Many);
    }
    let mut keys: Vec<Key> = Vec::new();
    let mut skipped = Vec::new();
    for (i, jwk) in all.iter().enumerate() {
        let is_there = |new: &Key| keys.iter().any(|key| key.kid() == new.kid() && key.algorithm() == new.algorithm());
        match key(jwk, allowed) {
            Ok(new) if is_there(&new) => skipped.push(Skipped { place: i + 1, why: Unusable::Twice }),
            Ok(new) => keys.push(new),
            Err(why) => skipped.push(Skipped { place: i + 1, why }),
        }
    }
    match keys.is_empty() {
        true => Err(BadSet::Empty(skipped.first().copied())),
        false => Ok(Set { keys: Keys::named(keys), skipped }),
    }
}

/// The largest set, in bytes.
pub const MAX_SET: usize = 256 * 1024;

/// The most keys of a set.
pub const MAX_KEYS: usize = 64;

/// The longest `kid`, in bytes.
pub const MAX_KID: usize = 256;

fn key(jwk: &Json, allowed: &[Algorithm]) -> Result<Key, Unusable> {
    if !matches!(jwk, Json::Object(_)) {
        return Err(Unusable::Malformed);
    }
    let kind = text(jwk, "kty")?.ok_or(Unusable::Malformed)?;
    if kind == "oct" {
        return Err(Unusable::Secret);
    }
    for_verifying(jwk)?;
    let kid = text(jwk, "kid")?.filter(|kid| !kid.is_empty() && kid.len() <= MAX_KID).ok_or(Unusable::Nameless)?;
    let curve = text(jwk, "crv")?;
    let takes = |algorithm: &&Algorithm| is_kind_of(**algorithm, kind, curve);
    let algorithm = *match text(jwk, "alg")? {
        Some(name) => allowed.iter().find(|algorithm| algorithm.name() == name).filter(takes),
        None => allowed.iter().find(takes),
    }
    .ok_or(Unusable::Algorithm)?;
    let key = match kind {
        "RSA" => Key::rsa(algorithm, &bytes(jwk, "n")?, &bytes(jwk, "e")?),
        "EC" => Key::public_der(algorithm, &point(algorithm, &bytes(jwk, "x")?, &bytes(jwk, "y")?)?),
        _ => Key::public_der(algorithm, sized(&bytes(jwk, "x")?, 32)?),
    };
    Ok(key.map_err(Unusable::Key)?.with_kid(kid))
}

/// RFC 7517 §4.2 and §4.3. PyJWT asks for `use` only.
fn for_verifying(jwk: &Json) -> Result<(), Unusable> {
    let is_signature = text(jwk, "use")?.is_none_or(|purpose| purpose == "sig");
    let verifies = match jwk.get("key_ops") {
        None => true,
        Some(Json::List(operations)) => operations.iter().any(|one| one.text().is_some_and(|name| name == "verify")),
        Some(_) => return Err(Unusable::Malformed),
    };
    if is_signature && verifies { Ok(()) } else { Err(Unusable::Purpose) }
}

fn is_kind_of(algorithm: Algorithm, kind: &str, curve: Option<&str>) -> bool {
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => false,
        Algorithm::Es256 => (kind, curve) == ("EC", Some("P-256")),
        Algorithm::Es384 => (kind, curve) == ("EC", Some("P-384")),
        Algorithm::Es512 => (kind, curve) == ("EC", Some("P-521")),
        Algorithm::Es256k => (kind, curve) == ("EC", Some("secp256k1")),
        Algorithm::EdDsa => (kind, curve) == ("OKP", Some("Ed25519")),
        _ => kind == "RSA",
    }
}

/// An uncompressed point (SEC 1 §2.3.3). RFC 7518 §6.2.1.2: coordinates have the width of the curve.
fn point(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Result<Vec<u8>, Unusable> {
    let width = match algorithm {
        Algorithm::Es384 => 48,
        Algorithm::Es512 => 66,
        _ => 32,
    };
    Ok([&[4], sized(x, width)?, sized(y, width)?].concat())
}

fn sized(bytes: &[u8], width: usize) -> Result<&[u8], Unusable> {
    if bytes.len() == width { Ok(bytes) } else { Err(Unusable::Malformed) }
}

fn text<'a>(jwk: &'a Json, name: &str) -> Result<Option<&'a str>, Unusable> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Json::Text(text)) => text.as_str().map(Some).map_err(|_| Unusable::Malformed),
        Some(_) => Err(Unusable::Malformed),
    }
}

fn bytes(jwk: &Json, name: &str) -> Result<Vec<u8>, Unusable> {
    let text = text(jwk, name)?.ok_or(Unusable::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Unusable::Malformed)
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}: {}", self.place, self.why)
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a key in the form of RFC 7517",
            Self::Secret => "a secret (kty \"oct\") has no place in a set",
            Self::Nameless => "it has no `kid`, or one of more than 256 bytes",
            Self::Twice => "another key has the same `kid`",
            Self::Purpose => "it is not for verifying (`use`, `key_ops`)",
            Self::Algorithm => "it is for none of the allowed algorithms",
            Self::Key(why) => return why.fmt(f),
        })
    }
}

impl fmt::Display for BadSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large => f.write_str("the set of keys has more than 256 KiB"),
            Self::Many => f.write_str("the set has more than 64 keys"),
            Self::Malformed => f.write_str("this is no set of keys: {\"keys\": […]}"),
            Self::Empty(None) => f.write_str("the set has no keys"),
            Self::Empty(Some(first)) => write!(f, "no key of the set can be used; {first}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::key::ALGORITHMS;
    use serde_json::{Value, json};

    #[test]
    fn every_kind_of_key_is_read() {
        let set = json!({"keys": published()});
        let Set { keys, skipped } = read_all(&set).unwrap();
        assert_eq!(skipped, []);
        let found: Vec<_> = keys.iter().map(|key| (key.kid().unwrap(), key.algorithm().name())).collect();
        let expected = [("rsa", "RS256"), ("ec256", "ES256"), ("ec384", "ES384"), ("ec521", "ES512"), ("ed", "EdDSA")];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_key_has_its_own_algorithm_or_the_first_allowed_of_its_kind() {
        let one = |alg: Value, allowed: &[Algorithm]| {
            let mut key = published()[0].clone();
            key["alg"] = alg;
            let set = read(json!({"keys": [key]}).to_string().as_bytes(), allowed);
            set.map(|set| set.keys.iter().next().unwrap().algorithm()).map_err(|why| match why {
                BadSet::Empty(Some(Skipped { why, .. })) => why,
                other => panic!("{other}"),
            })
        };
        let (rs, ps, es) = (Algorithm::Rs256, Algorithm::Ps384, Algorithm::Es256);
        assert_eq!(one(json!("PS384"), &[rs, ps]), Ok(ps));
        assert_eq!(one(json!("PS384"), &[rs]), Err(Unusable::Algorithm));
        assert_eq!(one(json!("ES256"), &[rs, es]), Err(Unusable::Algorithm));
        assert_eq!(one(json!("RSA-OAEP"), &[rs]), Err(Unusable::Algorithm));
        assert_eq!(one(json!("none"), &[rs]), Err(Unusable::Algorithm));
        assert_eq!(one(json!(null), &[rs]), Err(Unusable::Malformed));
        for (allowed, expected) in [([ps, rs], Ok(ps)), ([es, rs], Ok(rs)), ([es, es], Err(Unusable::Algorithm))] {
            let mut key = published()[0].clone();
            key.as_object_mut().unwrap().remove("alg");
            let set = read(json!({"keys": [key]}).to_string().as_bytes(), &allowed);
            let found = set.map(|set| set.keys.iter().next().unwrap().algorithm()).map_err(|_| Unusable::Algorithm);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_cannot_be_used_is_left_out_with_a_reason() {
        let (rsa, ec, ed) = (published()[0].clone(), published()[1].clone(), published()[4].clone());
        let with = |key: &Value, name: &str, value: Value| {
            let mut key = key.clone();
            key[name] = value;
            key
        };
        let small = "rJBIp6T1YK-RtPyvYqFFlcucqewSAA_IReSFchE8qyiQrbARqRlXWkB2DR8j_pJQnIpYELbQWZC5Cd0PTGAU8rMbar2AW6zpmBbi7aQf17lUBdt8XI9M9rq7FPVQ1dDdUXm1SVH_9qqWhvMPR422SbfHBEzCAtzK0ANDRo6qz78";
        let x = ec["x"].as_str().unwrap().to_owned();
        for (key, why) in [
            (json!("x"), Unusable::Malformed),
            (json!({}), Unusable::Malformed),
            (json!({"kty": "oct", "kid": "a", "k": "AAAA", "alg": "HS256"}), Unusable::Secret),
            (with(&rsa, "kty", json!("EC")), Unusable::Algorithm),
            (with(&ec, "kty", json!("RSA")), Unusable::Malformed),
            (with(&rsa, "kid", json!("")), Unusable::Nameless),
            (with(&rsa, "kid", json!("k".repeat(257))), Unusable::Nameless),
            (with(&rsa, "kid", json!(1)), Unusable::Malformed),
            (with(&rsa, "use", json!("enc")), Unusable::Purpose),
            (with(&rsa, "key_ops", json!(["sign"])), Unusable::Purpose),
            (with(&rsa, "key_ops", json!([])), Unusable::Purpose),
            (with(&rsa, "key_ops", json!("verify")), Unusable::Malformed),
            (with(&rsa, "n", json!(small)), Unusable::Key(BadKey::Size)),
            (with(&rsa, "n", json!("A".repeat(2000))), Unusable::Key(BadKey::Kind(Algorithm::Rs256))),
            (with(&rsa, "n", json!("_".repeat(2000))), Unusable::Key(BadKey::Size)),
            (with(&rsa, "e", json!("AA")), Unusable::Key(BadKey::Kind(Algorithm::Rs256))),
            (with(&rsa, "e", json!("AQ")), Unusable::Key(BadKey::Kind(Algorithm::Rs256))),
            (with(&rsa, "e", json!("AQAA")), Unusable::Key(BadKey::Kind(Algorithm::Rs256))),
            (with(&rsa, "e", json!("AQAB=")), Unusable::Malformed),
            (with(&ec, "crv", json!("P-384")), Unusable::Malformed),
            (with(&ec, "crv", json!("P-192")), Unusable::Algorithm),
            (with(&ec, "y", json!(x)), Unusable::Key(BadKey::Kind(Algorithm::Es256))),
            (with(&ec, "x", json!(&x[1..])), Unusable::Malformed),
            (with(&ed, "x", json!("AAAA")), Unusable::Malformed),
            (with(&ed, "crv", json!("Ed448")), Unusable::Algorithm),
            (with(&ed, "crv", json!("X25519")), Unusable::Algorithm),
        ] {
            let set = json!({"keys": [key, published()[3]]});
            let Set { keys, skipped } = read_all(&set).unwrap();
            assert_eq!(skipped, [Skipped { place: 1, why }], "{key}");
            assert_eq!(keys.iter().count(), 1);
        }
        let twice = json!({"keys": [rsa, with(&ec, "kid", json!("rsa")), rsa]});
        let Set { keys, skipped } = read_all(&twice).unwrap();
        assert_eq!(skipped, [Skipped { place: 3, why: Unusable::Twice }]);
        assert_eq!(keys.iter().count(), 2);
    }

    #[test]
    fn sets_are_bounded() {
        let ec = |kid: usize| {
            let mut key = published()[1].clone();
            key["kid"] = json!(format!("{kid}"));
            key
        };
        let many = |count| json!({"keys": (0..count).map(ec).collect::<Vec<_>>()});
        assert_eq!(read_all(&many(64)).unwrap().keys.iter().count(), 64);
        assert_eq!(read_all(&many(65)).err(), Some(BadSet::Many));
        let padded = |size: usize| {
            let mut text = many(1).to_string().into_bytes();
            text.resize(size, b' ');
            read(&text, &[Algorithm::Es256])
        };
        assert!(padded(256 * 1024).is_ok());
        assert_eq!(padded(256 * 1024 + 1).err(), Some(BadSet::Large));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let read = |text: &str| read(text.as_bytes(), &[Algorithm::Es256]).err();
        for text in
            ["", "{", "[]", "null", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, "\u{feff}{\"keys\":[]}", "<html>"]
        {
            assert_eq!(read(text), Some(BadSet::Malformed), "{text}");
        }
        assert_eq!(read(r#"{"keys":[],"keys":[]}"#), Some(BadSet::Malformed));
        assert_eq!(read(r#"{"keys":[]}"#), Some(BadSet::Empty(None)));
        let first = Skipped { place: 1, why: Unusable::Malformed };
        assert_eq!(read(r#"{"keys":[1,2]}"#), Some(BadSet::Empty(Some(first))));
        assert_eq!(
            BadSet::Empty(Some(first)).to_string(),
            "no key of the set can be used; key 1: not a key in the form of RFC 7517"
        );
    }

    fn read_all(set: &Value) -> Result<Set, BadSet> {
        let all: Vec<Algorithm> = ALGORITHMS.iter().map(|(_, algorithm)| *algorithm).collect();
        read(set.to_string().as_bytes(), &all)
    }

    fn published() -> Vec<Value> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/jwt/attack-keys.json");
        let keys: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        keys["jwks"]["keys"].as_array().unwrap().clone()
    }
}
