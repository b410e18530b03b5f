//! `pbkdf2_sha256$iterations$salt$base64` and `pbkdf2_sha1`, Django's `PBKDF2PasswordHasher`s.

use std::hint::black_box;
use std::num::NonZeroU32;

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use super::{ABOVE_CEILING, Algorithm, CostDef, HasherDef, MALFORMED, Malformed, Wrong, fields, number, salt};
use crate::codec::{Proof, same};

pub(super) const SHA256: HasherDef = HasherDef {
    name: "pbkdf2_sha256",
    django: "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    doc: "PBKDF2 with HMAC-SHA-256, which Django prefers.",
    options: OPTIONS,
    build: |cost| build("pbkdf2_sha256", pbkdf2::PBKDF2_HMAC_SHA256, 32, cost),
};

pub(super) const SHA1: HasherDef = HasherDef {
    name: "pbkdf2_sha1",
    django: "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    doc: "PBKDF2 with HMAC-SHA-1.",
    options: OPTIONS,
    build: |cost| build("pbkdf2_sha1", pbkdf2::PBKDF2_HMAC_SHA1, 20, cost),
};

const OPTIONS: &[CostDef] = &[
    CostDef {
        name: "iterations",
        default: 1_000_000,
        min: 1,
        max: 100_000_000,
        doc: "Iterations of new hashes (Django's `iterations`).",
    },
    CostDef {
        name: "max_iterations",
        default: 10_000_000,
        min: 1,
        max: 100_000_000,
        doc: "A stored hash with more iterations is not computed and never right.",
    },
];

struct Pbkdf2 {
    name: &'static str,
    digest: pbkdf2::Algorithm,
    length: usize,
    iterations: NonZeroU32,
    ceiling: u32,
}

fn build(
    name: &'static str,
    digest: pbkdf2::Algorithm,
    length: usize,
    cost: &dyn Fn(&str) -> u32,
) -> Result<Box<dyn Algorithm>, &'static str> {
    let iterations = NonZeroU32::new(cost("iterations")).ok_or("iterations must not be 0")?;
    let ceiling = cost("max_iterations").max(iterations.get());
    Ok(Box::new(Pbkdf2 { name, digest, length, iterations, ceiling }))
}

impl Algorithm for Pbkdf2 {
    fn verify(&self, password: &[u8], encoded: &str) -> Result<Proof, Wrong> {
        let stored = parse(encoded).ok_or(MALFORMED)?;
        if stored.iterations.get() > self.ceiling {
            return Err(ABOVE_CEILING);
        }
        // The texts are compared, as in Django: only one spelling of a hash is right.
        let hash = self.derive(password, stored.salt, stored.iterations);
        Ok(same(hash.as_bytes(), stored.hash.as_bytes())?)
    }

    fn must_update(&self, encoded: &str) -> bool {
        parse(encoded)
            .is_none_or(|stored| stored.iterations != self.iterations || salt::is_short(stored.salt.chars().count()))
    }

    fn make(&self, password: &[u8], random: &[u8; 32]) -> Result<String, Malformed> {
        let salt = salt::fresh(random);
        let hash = self.derive(password, &salt, self.iterations);
        Ok(format!("{}${}${salt}${}", self.name, self.iterations, *hash))
    }

    fn harden(&self, password: &[u8], encoded: &str) {
        let Some(stored) = parse(encoded) else { return };
        let missing = self.iterations.get().saturating_sub(stored.iterations.get());
        if let Some(missing) = NonZeroU32::new(missing) {
            drop(black_box(self.derive(password, stored.salt, missing)));
        }
    }
}

impl Pbkdf2 {
    fn derive(&self, password: &[u8], salt: &str, iterations: NonZeroU32) -> Zeroizing<String> {
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..self.length];
        pbkdf2::derive(self.digest, iterations, salt.as_bytes(), password, key);
        Zeroizing::new(STANDARD.encode(key))
    }
}

struct Stored<'a> {
    iterations: NonZeroU32,
    salt: &'a str,
    hash: &'a str,
}

/// 0 iterations, which Django takes for its default count, never verify there either.
fn parse(encoded: &str) -> Option<Stored<'_>> {
    let [_, iterations, salt, hash] = fields(encoded)?;
    let iterations = NonZeroU32::new(number(iterations)?)?;
    if salt.is_empty() { None } else { Some(Stored { iterations, salt, hash }) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with;
    use super::super::{Hashers, Wrong};
    use super::*;

    #[test]
    fn must_update_is_django_s() {
        let hashers = Hashers::new(vec![with(&SHA256, &[("iterations", 1000)])]).unwrap();
        for (encoded, expected) in [
            ("pbkdf2_sha256$1000$1234567890123456789012$x", false),
            ("pbkdf2_sha256$1000$ä234567890123456789012$x", false),
            ("pbkdf2_sha256$1000$ä23456789012345678901$x", true),
            ("pbkdf2_sha256$1000$123456789012345678901$x", true),
            ("pbkdf2_sha256$999$1234567890123456789012$x", true),
            ("pbkdf2_sha256$1001$1234567890123456789012$x", true),
            ("pbkdf2_sha256$x$1234567890123456789012$x", true),
            ("pbkdf2_sha256", true),
        ] {
            assert_eq!(hashers.must_update(encoded), expected, "{encoded}");
        }
    }

    #[test]
    fn the_ceiling_holds_before_the_work() {
        let hashers = Hashers::new(vec![with(&SHA1, &[("iterations", 10), ("max_iterations", 5)])]).unwrap();
        for (iterations, expected) in [("10", Wrong::Different), ("11", ABOVE_CEILING), ("4294967295", ABOVE_CEILING)] {
            let encoded = format!("pbkdf2_sha1${iterations}$salt$aUm8bmXKw3su/qly5+7e1Ga05x4=");
            assert_eq!(hashers.verify(b"x", &encoded).err(), Some(expected), "{encoded}");
        }
    }

    #[test]
    fn other_spellings_are_malformed() {
        let hashers = Hashers::new(vec![with(&SHA256, &[])]).unwrap();
        for rest in ["0$s$h", "01$s$h", "-1$s$h", "1$$h", "1$s", "1$s$h$", "4294967296$s$h", "$s$h", ""] {
            let encoded = format!("pbkdf2_sha256${rest}");
            assert_eq!(hashers.verify(b"x", &encoded).err(), Some(MALFORMED), "{encoded}");
        }
    }
}
