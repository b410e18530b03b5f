//! Keys of signatures. A key has exactly one algorithm (RFC 8725 §3.1) and is parsed once: no token
//! chooses an algorithm, and no bytes are taken for another kind of key than they are said to be.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, PublicKey as RsaPublicKey};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, Ed25519KeyPair, KeyPair, ParsedPublicKey,
    RsaEncoding, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::json::{self, Json};
use super::{Mismatch, Proof, same, signed};
use crate::error::Error;

/// The algorithms of RFC 7518 §3.1, RFC 8812 and RFC 8037 that sign; `none` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256
    Hs256,
    /// HMAC with SHA-384
    Hs384,
    /// HMAC with SHA-512
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512
    Rs512,
    /// RSASSA-PSS with SHA-256
    Ps256,
    /// RSASSA-PSS with SHA-384
    Ps384,
    /// RSASSA-PSS with SHA-512
    Ps512,
    /// ECDSA on P-256 with SHA-256
    Es256,
    /// ECDSA on P-384 with SHA-384
    Es384,
    /// ECDSA on P-521 with SHA-512
    Es512,
    /// ECDSA on secp256k1 with SHA-256
    Es256k,
    /// Ed25519
    EdDsa,
}

/// Every algorithm by the name it has in headers.
pub const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("HS256", Algorithm::Hs256),
    ("HS384", Algorithm::Hs384),
    ("HS512", Algorithm::Hs512),
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("PS256", Algorithm::Ps256),
    ("PS384", Algorithm::Ps384),
    ("PS512", Algorithm::Ps512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("ES512", Algorithm::Es512),
    ("ES256K", Algorithm::Es256k),
    ("EdDSA", Algorithm::EdDsa),
];

/// The names alone, for tables of options.
pub const ALGORITHM_NAMES: &[&str] = &{
    let mut names = [""; ALGORITHMS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = ALGORITHMS[i].0;
        i += 1;
    }
    names
};

/// What a key must be for an algorithm, and what does the work.
pub(super) enum Family {
    Hmac(hmac::Algorithm),
    Rsa(&'static RsaParameters, &'static dyn RsaEncoding),
    Ec(&'static EcdsaVerificationAlgorithm, &'static EcdsaSigningAlgorithm),
    Ed25519,
}

impl Algorithm {
    /// The algorithm of a name, which is compared exactly.
    pub fn named(name: &str) -> Option<Self> {
        ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// The name it has in headers.
    pub fn name(self) -> &'static str {
        ALGORITHMS.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// Whoever verifies can sign as well.
    pub fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac(_))
    }

    pub(super) fn family(self) -> Family {
        use signature as s;
        match self {
            Self::Hs256 => Family::Hmac(hmac::HMAC_SHA256),
            Self::Hs384 => Family::Hmac(hmac::HMAC_SHA384),
            Self::Hs512 => Family::Hmac(hmac::HMAC_SHA512),
            Self::Rs256 => Family::Rsa(&s::RSA_PKCS1_2048_8192_SHA256, &s::RSA_PKCS1_SHA256),
            Self::Rs384 => Family::Rsa(&s::RSA_PKCS1_2048_8192_SHA384, &s::RSA_PKCS1_SHA384),
            Self::Rs512 => Family::Rsa(&s::RSA_PKCS1_2048_8192_SHA512, &s::RSA_PKCS1_SHA512),
            Self::Ps256 => Family::Rsa(&s::RSA_PSS_2048_8192_SHA256, &s::RSA_PSS_SHA256),
            Self::Ps384 => Family::Rsa(&s::RSA_PSS_2048_8192_SHA384, &s::RSA_PSS_SHA384),
            Self::Ps512 => Family::Rsa(&s::RSA_PSS_2048_8192_SHA512, &s::RSA_PSS_SHA512),
            Self::Es256 => Family::Ec(&s::ECDSA_P256_SHA256_FIXED, &s::ECDSA_P256_SHA256_FIXED_SIGNING),
            Self::Es384 => Family::Ec(&s::ECDSA_P384_SHA384_FIXED, &s::ECDSA_P384_SHA384_FIXED_SIGNING),
            Self::Es512 => Family::Ec(&s::ECDSA_P521_SHA512_FIXED, &s::ECDSA_P521_SHA512_FIXED_SIGNING),
            Self::Es256k => Family::Ec(&s::ECDSA_P256K1_SHA256_FIXED, &s::ECDSA_P256K1_SHA256_FIXED_SIGNING),
            Self::EdDsa => Family::Ed25519,
        }
    }

    /// The kind of key it takes, for texts.
    fn takes(self) -> &'static str {
        match self {
            Self::Es256 => "an EC key on P-256",
            Self::Es384 => "an EC key on P-384",
            Self::Es512 => "an EC key on P-521",
            Self::Es256k => "an EC key on secp256k1",
            Self::EdDsa => "an Ed25519 key",
            _ if self.is_symmetric() => "a secret",
            _ => "an RSA key",
        }
    }
}

/// One algorithm and its key. No `Debug`.
pub struct Key {
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    /// `typ` of what it signs.
    typ: &'static str,
    material: Material,
    is_short: bool,
    /// The header of what this key signs, encoded: most tokens have exactly it.
    header: Box<str>,
}

enum Material {
    Secret(Box<hmac::Key>),
    Public(ParsedPublicKey),
    Pair(ParsedPublicKey, Private),
}

enum Private {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a key cannot be used. Shows nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadKey {
    /// There is nothing, or a secret of no bytes.
    Empty,
    /// The algorithm takes a secret, and this is PEM, SSH, DER or a JWK.
    NoSecret,
    /// Not one PEM block.
    NoPem,
    /// PEM of something that is no such key.
    Label,
    /// PEM of a private key where a public one belongs.
    Private,
    /// PEM of a public key where a private one is needed.
    Public,
    /// The private key needs a password.
    Encrypted,
    /// A certificate, not its key.
    Certificate,
    /// RSA with less than 2048 or more than 8192 bits.
    Size,
    /// Not a key that the algorithm takes, or a damaged one.
    Kind(Algorithm),
}

impl Key {
    /// A secret, of any length but none.
    ///
    /// # Errors
    /// [`BadKey`] when the algorithm is not symmetric, or when the secret looks like another kind of
    /// key: who signs with a public key as the secret signs with what everybody has (PyJWT refuses
    /// these, too: CVE-2022-29217).
    pub fn secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, BadKey> {
        let Family::Hmac(hash) = algorithm.family() else { return Err(BadKey::Kind(algorithm)) };
        if secret.is_empty() {
            return Err(BadKey::Empty);
        }
        if is_another_key(secret) {
            return Err(BadKey::NoSecret);
        }
        let is_short = secret.len() < hash.tag_len();
        Ok(Self { is_short, ..Self::new(algorithm, Material::Secret(Box::new(hmac::Key::new(hash, secret)))) })
    }

    /// A public key: `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY` (PKCS #1).
    ///
    /// # Errors
    /// [`BadKey`] when it is not PEM of a key that the algorithm takes.
    pub fn public_pem(algorithm: Algorithm, pem: &str) -> Result<Self, BadKey> {
        let (label, der) = unwrap_pem(pem)?;
        match label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Self::public_der(algorithm, &der),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => Err(BadKey::Private),
            "CERTIFICATE" => Err(BadKey::Certificate),
            _ => Err(BadKey::Label),
        }
    }

    /// A public key as DER; or, if the algorithm is on a curve, as its point.
    pub(super) fn public_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, BadKey> {
        let kind = |_| BadKey::Kind(algorithm);
        let verification: &'static dyn VerificationAlgorithm = match algorithm.family() {
            Family::Hmac(_) => return Err(BadKey::Kind(algorithm)),
            Family::Rsa(parameters, _) => {
                sized(RsaPublicKey::from_der(der).map_err(kind)?.as_ref())?;
                parameters
            }
            Family::Ec(verification, _) => verification,
            Family::Ed25519 => &signature::ED25519,
        };
        let public = ParsedPublicKey::new(verification, der).map_err(kind)?;
        Ok(Self::new(algorithm, Material::Public(public)))
    }

    /// A public key of RSA by its modulus and exponent, both without sign and big-endian.
    pub(super) fn rsa(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Result<Self, BadKey> {
        let Family::Rsa(parameters, _) = algorithm.family() else { return Err(BadKey::Kind(algorithm)) };
        let plain = |number: &[u8]| number.iter().position(|byte| *byte != 0).map(|first| number[first..].to_vec());
        let (n, e) = plain(modulus).zip(plain(exponent)).ok_or(BadKey::Kind(algorithm))?;
        // Before the library makes numbers of them.
        if !(256..=1024).contains(&n.len()) || e.len() > 8 {
            return Err(BadKey::Size);
        }
        let public = RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters);
        // By way of DER, where the numbers are looked at.
        Self::public_der(algorithm, public.map_err(|_| BadKey::Kind(algorithm))?.as_ref())
    }

    /// A private key, which signs and verifies: `PRIVATE KEY` (PKCS #8), `RSA PRIVATE KEY` (PKCS #1)
    /// or `EC PRIVATE KEY` (SEC 1), without a password.
    ///
    /// # Errors
    /// [`BadKey`] when it is not PEM of a key that the algorithm takes.
    pub fn private_pem(algorithm: Algorithm, pem: &str) -> Result<Self, BadKey> {
        let (label, der) = unwrap_pem(pem)?;
        match label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {}
            "ENCRYPTED PRIVATE KEY" => return Err(BadKey::Encrypted),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err(BadKey::Public),
            "CERTIFICATE" => return Err(BadKey::Certificate),
            _ => return Err(BadKey::Label),
        }
        let kind = |_| BadKey::Kind(algorithm);
        let is_pkcs8 = label == "PRIVATE KEY";
        let (public, private) = match algorithm.family() {
            Family::Rsa(_, encoding) if label != "EC PRIVATE KEY" => {
                let pair = if is_pkcs8 { RsaKeyPair::from_pkcs8(&der) } else { RsaKeyPair::from_der(&der) };
                let pair = pair.map_err(kind)?;
                (pair.public_key().as_ref().to_vec(), Private::Rsa(pair, encoding))
            }
            Family::Ec(_, signing) if label != "RSA PRIVATE KEY" => {
                let pair = EcdsaKeyPair::from_private_key_der(signing, &der).map_err(kind)?;
                (pair.public_key().as_ref().to_vec(), Private::Ec(pair))
            }
            Family::Ed25519 if is_pkcs8 => {
                let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(kind)?;
                (pair.public_key().as_ref().to_vec(), Private::Ed25519(pair))
            }
            _ => return Err(BadKey::Kind(algorithm)),
        };
        let Self { material: Material::Public(public), .. } = Self::public_der(algorithm, &public)? else {
            return Err(BadKey::Kind(algorithm));
        };
        Ok(Self::new(algorithm, Material::Pair(public, private)))
    }

    fn new(algorithm: Algorithm, material: Material) -> Self {
        Self { algorithm, kid: None, typ: JWT, material, is_short: false, header: header(algorithm, None, JWT) }
    }

    /// The key with a name, which goes into the headers of what it signs.
    #[must_use]
    pub fn with_kid(self, kid: &str) -> Self {
        Self { header: header(self.algorithm, Some(kid), self.typ), kid: Some(kid.into()), ..self }
    }

    /// The key that signs tokens of another kind than JWT's usual one (RFC 8725 section 3.11).
    #[must_use]
    pub fn with_typ(self, typ: &'static str) -> Self {
        Self { header: header(self.algorithm, self.kid.as_deref(), typ), typ, ..self }
    }

    /// The one algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name in a set of keys.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// A secret with fewer bytes than the hash has (RFC 7518 §3.2 forbids them; PyJWT warns).
    pub fn is_short(&self) -> bool {
        self.is_short
    }

    /// Whether [`sign`](super::jws::sign) can work with it.
    pub fn can_sign(&self) -> bool {
        !matches!(self.material, Material::Public(_))
    }

    pub(super) fn header(&self) -> &str {
        &self.header
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<Proof, Mismatch> {
        match &self.material {
            Material::Secret(key) => same(hmac::sign(key, message).as_ref(), signature),
            Material::Public(key) | Material::Pair(key, _) => signed(key, message, signature),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let private = match &self.material {
            Material::Secret(key) => return Ok(hmac::sign(key, message).as_ref().to_vec()),
            Material::Public(_) => return Err(Error::Unsupported("signing with a public key")),
            Material::Pair(_, private) => private,
        };
        // ECDSA and PSS need randomness; nothing else can go wrong with a key that was parsed.
        let random = SystemRandom::new();
        match private {
            Private::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map_err(|_| Error::Random)?;
                Ok(signature)
            }
            Private::Ec(pair) => Ok(pair.sign(&random, message).map_err(|_| Error::Random)?.as_ref().to_vec()),
            Private::Ed25519(pair) => Ok(pair.try_sign(message).map_err(|_| Error::Random)?.as_ref().to_vec()),
        }
    }
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the key is empty",
            Self::NoSecret => {
                "the secret is a key of another kind (PEM, SSH, DER or JWK), which others may have as well"
            }
            Self::NoPem => "the key is not one block of PEM (-----BEGIN … KEY-----)",
            Self::Label => "this PEM holds no key of a kind that is known: convert it with `openssl pkey`",
            Self::Private => "this is a private key: verifying needs the public one (`openssl pkey -pubout`)",
            Self::Public => "this is a public key: signing needs the private one",
            Self::Encrypted => "the private key has a password: store it without (`openssl pkey`)",
            Self::Certificate => "this is a certificate: take the key out of it (`openssl x509 -pubkey -noout`)",
            Self::Size => "an RSA key must have 2048 to 8192 bits",
            Self::Kind(algorithm) => {
                return write!(f, "the key does not fit {}, which takes {}", algorithm.name(), algorithm.takes());
            }
        })
    }
}

/// The usual `typ`.
const JWT: &str = "JWT";

/// What PyJWT writes: `json.dumps(…, sort_keys=True)`.
fn header(algorithm: Algorithm, kid: Option<&str>, typ: &str) -> Box<str> {
    let kid = kid.map(|kid| ("kid", kid));
    let members = [Some(("alg", algorithm.name())), kid, Some(("typ", typ))].into_iter().flatten();
    let members = members.map(|(name, value)| (name.into(), Json::Text(value.into()))).collect();
    URL_SAFE_NO_PAD.encode(json::encode(&Json::Object(members))).into()
}

/// The label and the bytes of the one block. `openssl ecparam -genkey` puts the name of the curve
/// into a block of its own before the key.
fn unwrap_pem(pem: &str) -> Result<(&str, Zeroizing<Vec<u8>>), BadKey> {
    if pem.trim().is_empty() {
        return Err(BadKey::Empty);
    }
    let pem = pem.split_once("-----END EC PARAMETERS-----").map_or(pem, |(_, rest)| rest).trim();
    let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes()).map_err(|_| BadKey::NoPem)?;
    Ok((label, Zeroizing::new(der)))
}

/// Refuses an RSA key (PKCS #1) out of bounds: too weak, or a burden.
fn sized(der: &[u8]) -> Result<(), BadKey> {
    match RsaParameters::public_modulus_len(der) {
        Ok(2048..=8192) => Ok(()),
        _ => Err(BadKey::Size),
    }
}

/// What PyJWT's `HMACAlgorithm.prepare_key` refuses as a secret.
fn is_another_key(secret: &[u8]) -> bool {
    let names_key = |object: &Json| object.get("kty").is_some();
    let is_jwk = json::decode(secret).is_ok_and(|value| match &value {
        Json::List(values) => values.iter().any(names_key),
        object => {
            names_key(object) || matches!(object.get("keys"), Some(Json::List(keys)) if keys.iter().any(names_key))
        }
    });
    let curves = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::Es256k, Algorithm::EdDsa];
    // Bytes of the length of a raw Ed25519 key are a secret; DER is longer.
    let is_der = secret.len() > 32
        && secret.starts_with(&[0x30])
        && (RsaPublicKey::from_der(secret).is_ok() || curves.iter().any(|alg| Key::public_der(*alg, secret).is_ok()));
    let starts = ["ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp"];
    is_jwk
        || is_der
        || memchr::memmem::find(secret, b"-----BEGIN ").is_some()
        || starts.iter().any(|s| secret.starts_with(s.as_bytes()))
}
