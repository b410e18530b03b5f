//! JSON Web Signatures in compact form (RFC 7515 §7.1): `header.payload.signature`, as PyJWT 2.15
//! makes and believes them. What the payload says is `claims`' business.
//!
//! The header chooses nothing: its `alg` is compared with that of the key, its `kid` is looked up
//! among the names of a set, and keys or addresses of keys in it (`jwk`, `jku`, `x5c`, `x5u`) are not read.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::json::{self, Json, Lent, Rules};
use super::key::Key;
use super::{Proof, encoding};
use crate::error::Error;

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not in the form of a token, or with a header that asks for what is not done (`crit`, `b64`).
    Malformed,
    /// Of another algorithm than the key, or of none.
    Algorithm,
    /// Names no key, or none of the set: a fresher set may have it.
    UnknownKey,
    /// Not signed by the key.
    Signature,
}

/// The keys that may have signed.
pub struct Keys {
    keys: Vec<Key>,
    by_kid: bool,
}

/// A payload that was signed by one of the keys.
pub struct Verified {
    /// The bytes of the payload, decoded.
    pub payload: Vec<u8>,
    /// That they were signed.
    pub proof: Proof,
}

impl Keys {
    /// The one key, whatever `kid` says.
    pub fn one(key: Key) -> Self {
        Self { keys: vec![key], by_kid: false }
    }

    /// Keys with names: a token must say which, as for PyJWT's `PyJWKClient`. A key without a name is
    /// never chosen.
    pub fn named(keys: Vec<Key>) -> Self {
        Self { keys, by_kid: true }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The key of a header that is exactly the one the key itself writes.
    fn of_own_header(&self, header: &[u8]) -> Option<&Key> {
        let named = |key: &&Key| !self.by_kid || key.kid().is_some();
        self.keys.iter().filter(named).find(|key| key.header().as_bytes() == header)
    }

    fn of(&self, algorithm: &str, kid: Option<&str>) -> Result<&Key, Fault> {
        let mut fault = if self.by_kid { Fault::UnknownKey } else { Fault::Algorithm };
        for key in &self.keys {
            if self.by_kid && (kid.is_none() || key.kid() != kid) {
                continue;
            }
            if key.algorithm().name() == algorithm {
                return Ok(key);
            }
            fault = Fault::Algorithm;
        }
        Err(fault)
    }
}

/// The payload of a token that one of the keys has signed. `exact` is PyJWT's leniency: `=` after a
/// segment, of equal members of the header the last, a header with a BOM or in UTF-16.
///
/// # Errors
/// [`Fault`] when it is not to be believed.
pub fn verify(token: &[u8], keys: &Keys, exact: bool) -> Result<Verified, Fault> {
    if token.len() > MAX_TOKEN {
        return Err(Fault::Malformed);
    }
    let last = memchr::memrchr(b'.', token).ok_or(Fault::Malformed)?;
    let (message, signature) = (&token[..last], &token[last + 1..]);
    let first = memchr::memchr(b'.', message).ok_or(Fault::Malformed)?;
    let (header, payload) = (&message[..first], &message[first + 1..]);
    let key = match keys.of_own_header(header) {
        Some(key) => key,
        None => chosen(header, keys, exact)?,
    };
    let mut room = [0; MAX_SIGNATURE + 2];
    let signature = unpadded(signature, exact)?;
    let size = URL_SAFE_NO_PAD.decode_slice(signature, &mut room).map_err(|_| Fault::Malformed)?;
    let proof = key.verify(message, &room[..size]).map_err(|_| Fault::Signature)?;
    Ok(Verified { payload: decoded(payload, exact)?, proof })
}

/// A token with this payload.
///
/// # Errors
/// [`Error::Unsupported`] for a public key, [`Error::Random`] when the system gives no randomness.
pub fn sign(key: &Key, payload: &[u8]) -> Result<String, Error> {
    let mut token = String::with_capacity(key.header().len() + payload.len() * 4 / 3 + 100);
    token.push_str(key.header());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// The `typ` of what a host says of a user to a program behind it.
pub const ASSERTION: &str = "authchain-assertion+jwt";

/// The longest token; a header of a request can hardly be longer.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Of RSA with 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// The JSON of tokens: RFC 8725 §2.4 and RFC 7515 §4 wish for no second member of a name, RFC 7493
/// for no half pairs.
pub(super) const STRICT: Rules =
    Rules { depth: 32, values: 10_000, constants: false, duplicates: false, surrogates: false };

/// The JSON of Python's `json.loads`.
const EXACT: Rules = Rules { depth: 256, values: 10_000, constants: true, duplicates: true, surrogates: true };

/// What a header or a payload may have in it.
pub(super) fn rules(exact: bool) -> &'static Rules {
    if exact { &EXACT } else { &STRICT }
}

/// The text of a header or of a payload: UTF-8, or in exact mode WTF-8 of what Python takes for an encoding.
pub(super) fn text(bytes: Vec<u8>, exact: bool) -> Result<Vec<u8>, Fault> {
    if exact {
        return encoding::decode(&bytes).map(Cow::into_owned).map_err(|_| Fault::Malformed);
    }
    String::from_utf8(bytes).map(String::into_bytes).map_err(|_| Fault::Malformed)
}

/// The key that a header asks for.
fn chosen<'a>(header: &[u8], keys: &'a Keys, exact: bool) -> Result<&'a Key, Fault> {
    let text = text(decoded(header, exact)?, exact)?;
    let header: Lent<'_> = json::decode_by(&text, rules(exact)).map_err(|_| Fault::Malformed)?;
    let Json::Object(_) = header else { return Err(Fault::Malformed) };
    let kid = match header.get("kid") {
        None => None,
        Some(Json::Text(kid)) => kid.as_str().ok(),
        Some(_) => return Err(Fault::Malformed),
    };
    critical(&header, exact)?;
    // Nor does one that speaks of somebody to another program let anybody in, whatever the keys are (RFC 8725 §3.11).
    if header.get("typ").and_then(Json::text).is_some_and(|typ| *typ == *ASSERTION) {
        return Err(Fault::Malformed);
    }
    let algorithm = header.get("alg").and_then(Json::text).and_then(|name| name.as_str().ok());
    keys.of(algorithm.ok_or(Fault::Algorithm)?, kid)
}

/// Refuses a header with an extension that must be understood: none is (RFC 7515 §4.1.11). PyJWT
/// knows `b64`, but a token in one piece cannot have it false.
fn critical(header: &Lent<'_>, exact: bool) -> Result<(), Fault> {
    if !exact {
        let asks = header.get("crit").is_some() || header.get("b64").is_some();
        return if asks { Err(Fault::Malformed) } else { Ok(()) };
    }
    if header.get("b64") == Some(&Json::Bool(false)) {
        return Err(Fault::Malformed);
    }
    let is_b64 = |name: &Lent<'_>| name.text().is_some_and(|name| name == "b64");
    match header.get("crit") {
        None => Ok(()),
        Some(Json::List(names)) if !names.is_empty() && names.iter().all(is_b64) && header.get("b64").is_some() => {
            Ok(())
        }
        Some(_) => Err(Fault::Malformed),
    }
}

fn decoded(segment: &[u8], exact: bool) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(unpadded(segment, exact)?).map_err(|_| Fault::Malformed)
}

/// PyJWT takes `=` that makes a segment a multiple of four (`_decode_base64url_segment`).
fn unpadded(segment: &[u8], exact: bool) -> Result<&[u8], Fault> {
    if !exact || segment.last() != Some(&b'=') {
        return Ok(segment);
    }
    let pads = segment.iter().rev().take_while(|byte| **byte == b'=').count();
    if pads > 2 || !segment.len().is_multiple_of(4) {
        return Err(Fault::Malformed);
    }
    Ok(&segment[..segment.len() - pads])
}
