//! Keyed digests that stand for something without giving it away: a short one for a secret in logs,
//! a long one for a name in a table.

use std::fmt;

use aws_lc_rs::hmac;

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
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|n| char::from_digit(u32::from(n), 16).unwrap_or('0')).collect()
}

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
    fn hexadecimal_is_lower_case_and_padded() {
        assert_eq!(hex(&[0, 0x0f, 0xab]), "000fab");
    }
}
