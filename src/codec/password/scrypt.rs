//! `scrypt$N$salt$r$p$base64`, Django's `ScryptPasswordHasher`.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use scrypt::Params;
use zeroize::Zeroizing;

use super::{
    ABOVE_CEILING, Algorithm, CostDef, HasherDef, MALFORMED, Malformed, NO_MEMORY, Wrong, fields, number, salt,
};
use crate::codec::{Proof, same};

pub(super) const DEF: HasherDef = HasherDef {
    name: "scrypt",
    django: "django.contrib.auth.hashers.ScryptPasswordHasher",
    doc: "scrypt (RFC 7914).",
    options: OPTIONS,
    build,
};

const OPTIONS: &[CostDef] = &[
    CostDef {
        name: "work_factor",
        default: 16_384,
        min: 2,
        max: 1_048_576,
        doc: "N of new hashes, a power of two (Django's `work_factor`).",
    },
    CostDef { name: "block_size", default: 8, min: 1, max: 64, doc: "r of new hashes (Django's `block_size`)." },
    CostDef { name: "parallelism", default: 5, min: 1, max: 64, doc: "p of new hashes (Django's `parallelism`)." },
    CostDef {
        name: "max_memory",
        default: 33_554_432,
        min: 1_048_576,
        max: MOST_MEMORY,
        doc: "A stored hash that needs more bytes is not computed and never right. Django stops at the default: its \
              `maxmem` of 0 means OpenSSL's 32 MiB.",
    },
    CostDef {
        name: "max_parallelism",
        default: 16,
        min: 1,
        max: 64,
        doc: "A stored hash with a greater p is not computed and never right.",
    },
];

struct Scrypt {
    costs: Costs,
    max_memory: u64,
    max_parallelism: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Costs {
    n: u32,
    r: u32,
    p: u32,
}

fn build(cost: &dyn Fn(&str) -> u32) -> Result<Box<dyn Algorithm>, &'static str> {
    let costs = Costs { n: cost("work_factor"), r: cost("block_size"), p: cost("parallelism") };
    if !costs.are_valid() {
        return Err("work_factor must be a power of two, and below 2^(16 * block_size)");
    }
    if costs.memory() > u64::from(MOST_MEMORY) {
        return Err("work_factor and block_size need more than 1 GiB");
    }
    Ok(Box::new(Scrypt {
        costs,
        max_memory: costs.memory().max(cost("max_memory").into()),
        max_parallelism: costs.p.max(cost("max_parallelism")),
    }))
}

impl Algorithm for Scrypt {
    fn verify(&self, password: &[u8], encoded: &str) -> Result<Proof, Wrong> {
        let stored = parse(encoded).ok_or(MALFORMED)?;
        if stored.costs.p > self.max_parallelism || stored.costs.memory() > self.max_memory {
            return Err(ABOVE_CEILING);
        }
        let hash = derive(password, stored.salt, stored.costs)?;
        Ok(same(hash.as_bytes(), stored.hash.as_bytes())?)
    }

    fn is_memory_hard(&self) -> bool {
        true
    }

    fn must_update(&self, encoded: &str) -> bool {
        parse(encoded).is_none_or(|stored| stored.costs != self.costs)
    }

    fn make(&self, password: &[u8], random: &[u8; 32]) -> Result<String, Malformed> {
        let salt = salt::fresh(random);
        let hash = derive(password, &salt, self.costs).map_err(|_| Malformed)?;
        let Costs { n, r, p } = self.costs;
        Ok(format!("scrypt${n}${salt}${r}${p}${}", *hash))
    }
}

impl Costs {
    /// What OpenSSL's `EVP_PBE_scrypt` accepts, which Django calls: it has RFC 7914's bound on N
    /// that is too low (erratum 5971).
    fn are_valid(self) -> bool {
        let below = self.r >= 2 || self.n < 1 << 16;
        self.n.is_power_of_two() && self.n > 1 && self.r > 0 && self.p > 0 && below
    }

    /// The bytes that OpenSSL's `EVP_PBE_scrypt` holds against `maxmem`.
    fn memory(self) -> u64 {
        let blocks = u64::from(self.n) + u64::from(self.p) + 2;
        blocks.saturating_mul(128).saturating_mul(u64::from(self.r))
    }
}

fn derive(password: &[u8], salt: &str, costs: Costs) -> Result<Zeroizing<String>, Wrong> {
    let params = Params::new(costs.n.ilog2() as u8, costs.r, costs.p).map_err(|_| MALFORMED)?;
    reserve(costs.memory())?;
    let mut key = Zeroizing::new([0; 64]);
    scrypt::scrypt(password, salt.as_bytes(), &params, key.as_mut()).map_err(|_| MALFORMED)?;
    Ok(Zeroizing::new(STANDARD.encode(key.as_ref())))
}

/// The crate aborts the process when it gets no memory, so it is asked for beforehand.
fn reserve(bytes: u64) -> Result<(), Wrong> {
    let bytes = usize::try_from(bytes).map_err(|_| NO_MEMORY)?;
    let mut probe = Vec::<u8>::new();
    std::hint::black_box(&mut probe).try_reserve_exact(bytes).map_err(|_| NO_MEMORY)
}

struct Stored<'a> {
    costs: Costs,
    salt: &'a str,
    hash: &'a str,
}

/// A cost of 0, which Django takes for its default, never verifies there either.
fn parse(encoded: &str) -> Option<Stored<'_>> {
    let [_, n, salt, r, p, hash] = fields(encoded)?;
    let costs = Costs { n: number(n)?, r: number(r)?, p: number(p)? };
    if salt.is_empty() || !costs.are_valid() { None } else { Some(Stored { costs, salt, hash }) }
}

const MOST_MEMORY: u32 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::super::tests::with;
    use super::super::{Hashers, Wrong};
    use super::*;

    fn verify(n: &str, r: &str, p: &str) -> Wrong {
        let hashers = Hashers::new(vec![with(&DEF, &[])]).unwrap();
        hashers.verify(b"x", &format!("scrypt${n}$salt${r}${p}$hash")).unwrap_err()
    }

    #[test]
    fn refuses_what_openssl_refuses() {
        for (n, r, p, expected) in [
            ("16384", "8", "5", Wrong::Different),
            ("16384", "16", "1", ABOVE_CEILING),
            ("32768", "8", "1", ABOVE_CEILING),
            ("32768", "7", "1", Wrong::Different),
            ("2", "1", "1", Wrong::Different),
            ("32768", "1", "1", Wrong::Different),
            ("65536", "1", "1", MALFORMED),
            ("1", "8", "1", MALFORMED),
            ("0", "8", "1", MALFORMED),
            ("3", "8", "1", MALFORMED),
            ("16384", "0", "1", MALFORMED),
            ("16384", "8", "0", MALFORMED),
            ("16384", "8", "05", MALFORMED),
            ("16384", "8", "1073741823", ABOVE_CEILING),
            ("16384", "8", "17", ABOVE_CEILING),
            ("2147483648", "4294967295", "16", ABOVE_CEILING),
        ] {
            assert_eq!(verify(n, r, p), expected, "{n} {r} {p}");
        }
    }

    #[test]
    fn must_update_is_django_s() {
        let hashers = Hashers::new(vec![DEF.with_defaults()]).unwrap();
        for (encoded, expected) in [
            ("scrypt$16384$s$8$5$x", false),
            ("scrypt$16384$s$8$1$x", true),
            ("scrypt$16384$s$4$5$x", true),
            ("scrypt$8192$s$8$5$x", true),
            ("scrypt$16384$s$8$x", true),
            ("scrypt$16384$s$8$5$x$y", true),
        ] {
            assert_eq!(hashers.must_update(encoded), expected, "{encoded}");
        }
    }

    #[test]
    fn costs_have_to_go_together() {
        let build = |n: i64, r: i64| {
            let cost = move |name: &str| match name {
                "work_factor" => n,
                "block_size" => r,
                "max_memory" => 1_048_576,
                _ => 1,
            };
            DEF.build(&cost).err()
        };
        assert_eq!(build(1 << 15, 8), None);
        assert!(build(1000, 8).is_some());
        assert!(build(1 << 16, 1).is_some());
        assert!(build(1 << 20, 8).is_some());
    }

    #[test]
    fn the_ceiling_can_be_raised_above_django_s() {
        let hashers = Hashers::new(vec![with(&DEF, &[("max_memory", 1 << 26)])]).unwrap();
        assert_eq!(hashers.verify(b"x", "scrypt$32768$s$8$1$x").err(), Some(Wrong::Different));
        assert_eq!(hashers.verify(b"x", "scrypt$65536$s$8$1$x").err(), Some(ABOVE_CEILING));
    }
}
