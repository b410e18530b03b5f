//! Bytes ↔ values. No clock, no randomness of its own, no tables, no requests, no texts for
//! clients: every function here is a vector test and a fuzz target.

pub mod authorization;
pub mod base64;
pub mod claims;
pub mod cookies;
pub mod csrf;
pub(crate) mod datetime;
pub(crate) mod digest;
pub(crate) mod duration;
mod encoding;
pub(crate) mod fold;
pub mod form;
pub(crate) mod integer;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod key;
pub mod origin;
pub mod password;
pub(crate) mod rate;
#[cfg(test)]
mod recorded;
pub mod signing;
pub(crate) mod uuid;
mod zlib;

use aws_lc_rs::signature::ParsedPublicKey;
use zeroize::Zeroize;

/// Evidence that a secret or a signature was checked and found right. Only [`same`] and [`signed`] make
/// one, so an identity cannot be claimed without a check.
#[derive(Debug)]
pub struct Proof(());

/// The check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch;

/// Not in the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Compares two secrets in a time that depends on their lengths only.
///
/// # Errors
/// [`Mismatch`] when they differ.
pub fn same(a: &[u8], b: &[u8]) -> Result<Proof, Mismatch> {
    match aws_lc_rs::constant_time::verify_slices_are_equal(a, b) {
        Ok(()) => Ok(Proof(())),
        Err(_) => Err(Mismatch),
    }
}

/// Verifies a signature by a private key.
pub(crate) fn signed(key: &ParsedPublicKey, message: &[u8], signature: &[u8]) -> Result<Proof, Mismatch> {
    match key.verify_sig(message, signature) {
        Ok(()) => Ok(Proof(())),
        Err(_) => Err(Mismatch),
    }
}

/// The word of the host, which checked the client itself (a custom scheme): the one proof that no
/// comparison of ours backs.
pub(crate) fn vouched() -> Proof {
    Proof(())
}

/// Bytes that are never shown and are wiped when dropped. No `Debug`, no `==`.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes over the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves, for the one place that needs them.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // What `Zeroize` does for a `Vec` as well, but there with a call for each byte: on the way to every verdict.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_is_equality() {
        for (a, b, equal) in [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "ab", false), ("", "a", false)]
        {
            assert_eq!(same(a.as_bytes(), b.as_bytes()).is_ok(), equal, "{a:?} {b:?}");
        }
    }
}
