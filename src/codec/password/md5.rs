//! `md5$salt$hexadecimal`, Django's `MD5PasswordHasher`: for test settings and old tables.

use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::{Algorithm, HasherDef, MALFORMED, Malformed, Wrong, fields, salt};
use crate::codec::digest::hex;
use crate::codec::{Proof, same};

pub(super) const DEF: HasherDef = HasherDef {
    name: "md5",
    django: "django.contrib.auth.hashers.MD5PasswordHasher",
    doc: "Salted MD5: no protection, for tests and old tables only.",
    options: &[],
    build: |_| Ok(Box::new(SaltedMd5)),
};

struct SaltedMd5;

impl Algorithm for SaltedMd5 {
    fn verify(&self, password: &[u8], encoded: &str) -> Result<Proof, Wrong> {
        let (salt, hash) = parse(encoded).ok_or(MALFORMED)?;
        Ok(same(digest(password, salt).as_bytes(), hash.as_bytes())?)
    }

    fn must_update(&self, encoded: &str) -> bool {
        parse(encoded).is_none_or(|(salt, _)| salt::is_short(salt.chars().count()))
    }

    fn make(&self, password: &[u8], random: &[u8; 32]) -> Result<String, Malformed> {
        let salt = salt::fresh(random);
        Ok(format!("md5${salt}${}", *digest(password, &salt)))
    }
}

fn parse(encoded: &str) -> Option<(&str, &str)> {
    let [_, salt, hash] = fields(encoded)?;
    if salt.is_empty() { None } else { Some((salt, hash)) }
}

fn digest(password: &[u8], salt: &str) -> Zeroizing<String> {
    let hash = Md5::new().chain_update(salt).chain_update(password).finalize();
    Zeroizing::new(hex(&hash))
}

#[cfg(test)]
mod tests {
    use super::super::tests::with;
    use super::super::{Hashers, Wrong};
    use super::*;

    #[test]
    fn only_lower_case_hexadecimal_with_a_salt_is_right() {
        let hashers = Hashers::new(vec![with(&DEF, &[])]).unwrap();
        assert!(hashers.verify(b"wonderland", "md5$salt$3798b2d10ed4c5c3309df1dc66b6b76c").is_ok());
        for (encoded, expected) in [
            ("md5$salt$3798B2D10ED4C5C3309DF1DC66B6B76C", Wrong::Different),
            ("md5$salt$3798b2d10ed4c5c3309df1dc66b6b76", Wrong::Different),
            ("md5$salt", MALFORMED),
            ("md5$$3798b2d1", MALFORMED),
            ("md5$salt$x$y", MALFORMED),
        ] {
            assert_eq!(hashers.verify(b"wonderland", encoded).err(), Some(expected), "{encoded}");
        }
    }

    #[test]
    fn a_short_salt_must_be_updated() {
        let hashers = Hashers::new(vec![with(&DEF, &[])]).unwrap();
        for (encoded, expected) in
            [("md5$1234567890123456789012$x", false), ("md5$123456789012345678901$x", true), ("md5", true)]
        {
            assert_eq!(hashers.must_update(encoded), expected, "{encoded}");
        }
    }
}
