//! Digests that stand for something without giving it away: a short keyed one for a secret in logs,
//! a long one for a name in a table, and the plain hashes that tokens are stored as.

use std::fmt;

use aws_lc_rs::{digest, hmac};

/// The key of the digests: derived from the configuration's secret, so that all hosts of one
/// configuration name a credential alike and nobody else can compute the names.
#[derive(Clone)]
pub(crate) struct DigestKey(hmac::Key);

/// The first four bytes of an HMAC-SHA-256; shown as `#5e1f09aa`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 4]);

impl DigestKey {
    /// The key of what stands in logs.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self::labelled(secret, b"authchain log digest")
    }

    /// Derives a key; the label keeps it apart from every other use of the secret.
    pub(crate) fn labelled(secret: &[u8], label: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&root, label);
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The name of a secret.
    pub(crate) fn of(&self, secret: &[u8]) -> Digest {
        let mac = hmac::sign(&self.0, secret);
        let mut short = [0; 4];
        short.copy_from_slice(&mac.as_ref()[..4]);
        Digest(short)
    }

    /// Stands for a value in a table: 128 bits, as no two values may meet there.
    pub(crate) fn long(&self, value: &[u8]) -> String {
        hex(&hmac::sign(&self.0, value).as_ref()[..16])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:08x}", u32::from_be_bytes(self.0))
    }
}

/// SHA-256 as lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// MD5 as lower-case hexadecimal: not a protection of anything, but what simplejwt compares.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    use md5::Digest as _;
    hex(&md5::Md5::digest(bytes))
}

/// A hash function without a key: enough for what nobody can guess, and for nothing else.
#[derive(Clone, Copy)]
pub(crate) struct Hash(&'static digest::Algorithm);

impl Hash {
    /// The one of a name in [`HASHES`].
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(Self(match name {
            "hashlib.sha512" => &digest::SHA512,
            "hashlib.sha384" => &digest::SHA384,
            "hashlib.sha256" => &digest::SHA256,
            "hashlib.sha224" => &digest::SHA224,
            "hashlib.sha3_512" => &digest::SHA3_512,
            "hashlib.sha3_384" => &digest::SHA3_384,
            "hashlib.sha3_256" => &digest::SHA3_256,
            _ => return None,
        }))
    }

    /// The hash of some bytes, as lower-case hexadecimal.
    pub(crate) fn hex(self, bytes: &[u8]) -> String {
        hex(digest::digest(self.0, bytes).as_ref())
    }
}

/// The hash functions by the paths that Python knows them by.
pub(crate) const HASHES: &[&str] = &[
    "hashlib.sha512",
    "hashlib.sha384",
    "hashlib.sha256",
    "hashlib.sha224",
    "hashlib.sha3_512",
    "hashlib.sha3_384",
    "hashlib.sha3_256",
];

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(char::from(DIGITS[usize::from(nibble)]));
    }
    text
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_depend_on_key_and_secret() {
        let (a, b) = (DigestKey::new(b"a"), DigestKey::new(b"b"));
        assert!(a.of(b"x") == a.of(b"x"));
        assert!(a.of(b"x") != b.of(b"x"));
        assert!(a.of(b"x") != a.of(b"y"));
        assert_eq!(a.of(b"x").to_string().len(), 9);
    }

    #[test]
    fn digests_of_one_secret_and_two_labels_have_nothing_in_common() {
        let (a, b) = (DigestKey::labelled(b"s", b"a"), DigestKey::labelled(b"s", b"b"));
        assert_eq!(a.long(b"x"), a.clone().long(b"x"));
        assert_ne!(a.long(b"x"), b.long(b"x"));
        assert_ne!(a.long(b"x"), a.long(b"y"));
        assert_eq!(a.long(b"x").len(), 32);
    }

    #[test]
    fn every_hash_is_pythons() {
        // `getattr(hashlib, name)(b"abc").hexdigest()[:16]`
        let starts = [
            "ddaf35a193617aba",
            "cb00753f45a35e8b",
            "ba7816bf8f01cfea",
            "23097d223405d822",
            "b751850b1a57168a",
            "ec01498288516fc9",
            "3a985da74fe225b2",
        ];
        for (name, start) in HASHES.iter().zip(starts) {
            let hash = Hash::named(name).unwrap().hex(b"abc");
            assert!(hash.starts_with(start), "{name} {hash}");
        }
        assert!(Hash::named("hashlib.md5").is_none());
    }

    #[test]
    fn hexadecimal_is_lower_case_and_padded() {
        assert_eq!(hex(&[0, 0x0f, 0xab]), "000fab");
    }
}
