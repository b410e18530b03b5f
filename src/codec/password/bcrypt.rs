//! `bcrypt_sha256$$2b$rounds$…` and `bcrypt`, Django's `BCryptSHA256PasswordHasher` and
//! `BCryptPasswordHasher` on the Python package bcrypt 5.

use std::hint::black_box;

use ::base64::Engine;
use ::base64::alphabet::BCRYPT;
use ::base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use zeroize::Zeroizing;

use super::{ABOVE_CEILING, Algorithm, CostDef, HasherDef, MALFORMED, Malformed, Wrong, fields, number};
use crate::codec::digest::sha256_hex;
use crate::codec::{Proof, same};

pub(super) const SHA256: HasherDef = HasherDef {
    name: "bcrypt_sha256",
    django: "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    doc: "bcrypt of the SHA-256 of the password.",
    options: OPTIONS,
    build: |cost| Ok(Box::new(Bcrypt::new("bcrypt_sha256", Input::Sha256, cost))),
};

pub(super) const PLAIN: HasherDef = HasherDef {
    name: "bcrypt",
    django: "django.contrib.auth.hashers.BCryptPasswordHasher",
    doc: "bcrypt of the password itself, which may have 72 bytes at most.",
    options: OPTIONS,
    build: |cost| Ok(Box::new(Bcrypt::new("bcrypt", Input::Password, cost))),
};

const OPTIONS: &[CostDef] = &[
    CostDef {
        name: "rounds",
        default: 12,
        min: 4,
        max: 20,
        doc: "Logarithm of the rounds of new hashes (Django's `rounds`).",
    },
    CostDef {
        name: "max_rounds",
        default: 16,
        min: 4,
        max: 20,
        doc: "A stored hash with more rounds is not computed and never right.",
    },
];

struct Bcrypt {
    name: &'static str,
    input: Input,
    rounds: u32,
    ceiling: u32,
}

/// What bcrypt is given.
#[derive(Clone, Copy)]
enum Input {
    Password,
    Sha256,
}

impl Algorithm for Bcrypt {
    fn verify(&self, password: &[u8], encoded: &str) -> Result<Proof, Wrong> {
        let stored = parse(encoded).ok_or(MALFORMED)?;
        if stored.rounds > self.ceiling {
            return Err(ABOVE_CEILING);
        }
        let key = self.key(password).ok_or(TOO_LONG)?;
        Ok(same(hash(&key, stored.rounds, stored.salt).as_bytes(), stored.hash.as_bytes())?)
    }

    fn must_update(&self, encoded: &str) -> bool {
        parse(encoded).is_none_or(|stored| stored.rounds != self.rounds)
    }

    fn make(&self, password: &[u8], random: &[u8; 32]) -> Result<String, Malformed> {
        let key = self.key(password).ok_or(Malformed)?;
        let mut salt = [0; 16];
        salt.copy_from_slice(&random[..16]);
        let hash = hash(&key, self.rounds, salt);
        Ok(format!("{}$$2b${:02}${}{}", self.name, self.rounds, BASE64.encode(salt), *hash))
    }

    fn harden(&self, password: &[u8], encoded: &str) {
        let (Some(stored), Some(key)) = (parse(encoded), self.key(password)) else { return };
        // One more in the logarithm doubles the work.
        let missing = (1_u32 << self.rounds.saturating_sub(stored.rounds)) - 1;
        for _ in 0..missing {
            drop(black_box(hash(&key, stored.rounds, stored.salt)));
        }
    }

    /// A password that bcrypt cannot take costs as much as any other.
    fn burn(&self, password: &[u8]) {
        let start = &password[..password.len().min(LONGEST)];
        drop(black_box(self.make(start, &[0; 32])));
    }
}

impl Bcrypt {
    fn new(name: &'static str, input: Input, cost: &dyn Fn(&str) -> u32) -> Self {
        let rounds = cost("rounds");
        Self { name, input, rounds, ceiling: cost("max_rounds").max(rounds) }
    }

    /// bcrypt's key. Since bcrypt 5 the Python package refuses what it cut off before.
    fn key(&self, password: &[u8]) -> Option<Key> {
        match self.input {
            Input::Sha256 => Key::new(Zeroizing::new(sha256_hex(password)).as_bytes()),
            Input::Password => Key::new(password),
        }
    }
}

/// 72 bytes at most: a password and the NUL after it, where there is room for one. A NUL within
/// the password is data.
struct Key {
    bytes: Zeroizing<[u8; LONGEST]>,
    length: usize,
}

impl Key {
    fn new(password: &[u8]) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; LONGEST]);
        bytes.get_mut(..password.len())?.copy_from_slice(password);
        Some(Self { bytes, length: LONGEST.min(password.len() + 1) })
    }
}

fn hash(key: &Key, rounds: u32, salt: [u8; 16]) -> Zeroizing<String> {
    let hash = Zeroizing::new(bcrypt::bcrypt(rounds, salt, &key.bytes[..key.length]));
    Zeroizing::new(BASE64.encode(&hash[..23])) // of 24: bcrypt's classical slip
}

struct Stored<'a> {
    rounds: u32,
    salt: [u8; 16],
    hash: &'a str,
}

/// The Python package takes the four revisions for one (without the old faults of 2a and 2x) and
/// writes back the one it read. It reads looser forms, too, but what it writes back then differs.
fn parse(encoded: &str) -> Option<Stored<'_>> {
    let [_, "", "2a" | "2b" | "2x" | "2y", rounds, rest] = fields(encoded)? else { return None };
    let digits = Some(rounds).filter(|digits| digits.len() == 2)?;
    let rounds = number(digits.strip_prefix('0').unwrap_or(digits))?;
    let (salt, hash) = rest.split_at_checked(22)?;
    let salt = BASE64.decode(salt).ok()?.try_into().ok()?;
    if (4..=31).contains(&rounds) && hash.len() == 31 { Some(Stored { rounds, salt, hash }) } else { None }
}

/// Bits of the last character that stand for nothing have to be 0, as in the Python package.
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);
const LONGEST: usize = 72;
const TOO_LONG: Wrong = Wrong::NoHash("password longer than bcrypt's 72 bytes");

#[cfg(test)]
mod tests {
    use super::super::tests::with;
    use super::super::{Hashers, Wrong};
    use super::*;

    fn hashers(def: &HasherDef, rounds: u32) -> Hashers {
        Hashers::new(vec![with(def, &[("rounds", rounds)])]).unwrap()
    }

    #[test]
    fn the_four_revisions_are_one() {
        for (revision, expected) in
            [("2a", true), ("2b", true), ("2x", true), ("2y", true), ("2", false), ("2c", false)]
        {
            let encoded = format!("bcrypt_sha256$${revision}$04$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2");
            assert_eq!(hashers(&SHA256, 4).verify(b"wonderland", &encoded).is_ok(), expected, "{encoded}");
        }
    }

    #[test]
    fn plain_bcrypt_takes_72_bytes() {
        let hashers = hashers(&PLAIN, 4);
        let encoded = hashers.make(&[b'q'; 72], &[1; 32]).unwrap();
        assert!(hashers.verify(&[b'q'; 72], &encoded).is_ok());
        assert_eq!(hashers.verify(&[b'q'; 71], &encoded).err(), Some(Wrong::Different));
        assert_eq!(hashers.verify(&[b'q'; 73], &encoded).err(), Some(TOO_LONG));
        assert_eq!(hashers.make(&[b'q'; 73], &[1; 32]), Err(Malformed));
    }

    #[test]
    fn any_other_form_is_malformed() {
        let hashers = hashers(&SHA256, 4);
        for rest in [
            "",
            "$2b",
            "$2b$04$",
            "$2b$4$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2",
            "$2b$004$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2",
            "$2b$+4$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2",
            "$2b$03$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2",
            "$2b$32$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2",
            "$2b$04$qjSHGqLUq7zJsDPALy96MUVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2",
            "$2b$04$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G",
            "$2b$04$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2a",
            "$2b$04$qjSHGqLUq7zJsDPALy96é",
            "x$2b$04$qjSHGqLUq7zJsDPALy96MuVgjm.ZVT2i0x5kkHfgt.hmxbXh.04G2",
        ] {
            let encoded = format!("bcrypt_sha256${rest}");
            assert_eq!(hashers.verify(b"wonderland", &encoded).err(), Some(MALFORMED), "{encoded}");
            assert!(hashers.must_update(&encoded), "{encoded}");
        }
    }

    #[test]
    fn rounds_above_the_ceiling_are_refused() {
        let encoded = |rounds| format!("bcrypt$$2b${rounds}$tFJrVM9ipOnbUA.YtN64neXDYIV6/g2v9K6pPxy6Wq5SnvVWJHIly");
        let hashers = Hashers::new(vec![with(&PLAIN, &[("max_rounds", 5)])]).unwrap();
        assert_eq!(hashers.verify(b"x", &encoded("05")).err(), Some(Wrong::Different));
        assert_eq!(hashers.verify(b"x", &encoded("06")).err(), Some(ABOVE_CEILING));
        assert_eq!(hashers.verify(b"x", &encoded("31")).err(), Some(ABOVE_CEILING));
    }

    #[test]
    fn must_update_asks_for_the_rounds() {
        let encoded = "bcrypt$$2b$05$tFJrVM9ipOnbUA.YtN64neXDYIV6/g2v9K6pPxy6Wq5SnvVWJHIly";
        for (rounds, expected) in [(4, true), (5, false), (6, true)] {
            assert_eq!(hashers(&PLAIN, rounds).must_update(encoded), expected, "{rounds}");
        }
    }
}
