//! `argon2$argon2id$v=19$m=…,t=…,p=…$salt$hash`, Django's `Argon2PasswordHasher` on argon2-cffi.

use ::argon2::{Algorithm as Variant, Argon2, Error, Params, Version};
use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::{ABOVE_CEILING, Algorithm, CostDef, HasherDef, MALFORMED, Malformed, NO_MEMORY, Wrong, number, salt};
use crate::codec::{Proof, same};

pub(super) const DEF: HasherDef = HasherDef {
    name: "argon2",
    django: "django.contrib.auth.hashers.Argon2PasswordHasher",
    doc: "Argon2 (RFC 9106); new hashes are Argon2id.",
    options: OPTIONS,
    build: |cost| Ok(Box::new(Hasher::new(cost))),
};

const OPTIONS: &[CostDef] = &[
    CostDef { name: "time_cost", default: 2, min: 1, max: 64, doc: "Passes of new hashes (Django's `time_cost`)." },
    CostDef {
        name: "memory_cost",
        default: 102_400,
        min: 8 * MOST_LANES, // Argon2 wants eight blocks for each lane
        max: 1_048_576,
        doc: "KiB of memory of new hashes (Django's `memory_cost`).",
    },
    CostDef {
        name: "parallelism",
        default: 8,
        min: 1,
        max: MOST_LANES,
        doc: "Lanes of new hashes (Django's `parallelism`); they are computed one after the other.",
    },
    CostDef {
        name: "max_time_cost",
        default: 16,
        min: 1,
        max: 64,
        doc: "A stored hash with more passes is not computed and never right.",
    },
    CostDef {
        name: "max_memory_cost",
        default: 1_048_576,
        min: 8,
        max: 1_048_576,
        doc: "A stored hash that needs more KiB is not computed and never right.",
    },
    CostDef {
        name: "max_parallelism",
        default: 16,
        min: 1,
        max: MOST_LANES,
        doc: "A stored hash with more lanes is not computed and never right.",
    },
];

struct Hasher {
    costs: Costs,
    ceilings: Costs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Costs {
    memory: u32,
    time: u32,
    lanes: u32,
}

impl Hasher {
    fn new(cost: &dyn Fn(&str) -> u32) -> Self {
        let costs = Costs { memory: cost("memory_cost"), time: cost("time_cost"), lanes: cost("parallelism") };
        let ceilings = Costs {
            memory: costs.memory.max(cost("max_memory_cost")),
            time: costs.time.max(cost("max_time_cost")),
            lanes: costs.lanes.max(cost("max_parallelism")),
        };
        Self { costs, ceilings }
    }
}

impl Algorithm for Hasher {
    fn verify(&self, password: &[u8], encoded: &str) -> Result<Proof, Wrong> {
        let stored = parse(encoded).ok_or(MALFORMED)?;
        if !stored.costs.are_within(self.ceilings) {
            return Err(ABOVE_CEILING);
        }
        let mut hash = Zeroizing::new(vec![0; stored.hash.len()]);
        derive(password, &stored.salt, stored.variant, stored.version, stored.costs, &mut hash)?;
        Ok(same(&hash, &stored.hash)?)
    }

    fn is_memory_hard(&self) -> bool {
        true
    }

    fn must_update(&self, encoded: &str) -> bool {
        parse(encoded).is_none_or(|stored| {
            stored.variant != Variant::Argon2id
                || stored.version != Version::V0x13
                || stored.costs != self.costs
                || stored.hash.len() != LENGTH
                || salt::is_short(stored.salt.len())
        })
    }

    fn make(&self, password: &[u8], random: &[u8; 32]) -> Result<String, Malformed> {
        let salt = salt::fresh(random);
        let mut hash = Zeroizing::new([0; LENGTH]);
        derive(password, salt.as_bytes(), Variant::Argon2id, Version::V0x13, self.costs, hash.as_mut())
            .map_err(|_| Malformed)?;
        let Costs { memory, time, lanes } = self.costs;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash.as_ref()));
        Ok(format!("argon2$argon2id$v=19$m={memory},t={time},p={lanes}${salt}${hash}"))
    }
}

impl Costs {
    fn are_within(self, ceilings: Self) -> bool {
        self.memory <= ceilings.memory && self.time <= ceilings.time && self.lanes <= ceilings.lanes
    }

    /// The bounds of libargon2's `validate_inputs`.
    fn are_valid(self) -> bool {
        let lanes = 1..=0xff_ffff;
        self.time >= 1 && lanes.contains(&self.lanes) && u64::from(self.memory) >= 8 * u64::from(self.lanes)
    }
}

/// The crate allocates the memory in a way that can fail, and only here.
fn derive(
    password: &[u8],
    salt: &[u8],
    variant: Variant,
    version: Version,
    costs: Costs,
    hash: &mut [u8],
) -> Result<(), Wrong> {
    let params = Params::new(costs.memory, costs.time, costs.lanes, None).map_err(|_| MALFORMED)?;
    Argon2::new(variant, version, params).hash_password_into(password, salt, hash).map_err(|error| match error {
        Error::OutOfMemory => NO_MEMORY,
        _ => MALFORMED,
    })
}

struct Stored {
    variant: Variant,
    version: Version,
    costs: Costs,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// The form that libargon2's `decode_string` reads: one order of parameters, plain numbers,
/// base64 without padding. A hash without a version is of version 16.
fn parse(encoded: &str) -> Option<Stored> {
    let mut fields = encoded.splitn(7, '$').skip(1).peekable();
    let variant = match fields.next()? {
        "argon2id" => Variant::Argon2id,
        "argon2i" => Variant::Argon2i,
        "argon2d" => Variant::Argon2d,
        _ => return None,
    };
    let version = match fields.next_if(|field| field.starts_with("v=")) {
        None | Some("v=16") => Version::V0x10,
        Some("v=19") => Version::V0x13,
        // libargon2 computes other versions, too; none was ever published.
        Some(_) => return None,
    };
    let costs = costs(fields.next()?)?;
    let salt = STANDARD_NO_PAD.decode(fields.next()?).ok().filter(|salt| salt.len() >= 8)?;
    let hash = STANDARD_NO_PAD.decode(fields.next()?).ok().filter(|hash| hash.len() >= 4)?;
    fields.next().is_none().then_some(Stored { variant, version, costs, salt, hash })
}

fn costs(field: &str) -> Option<Costs> {
    let (memory, rest) = field.strip_prefix("m=")?.split_once(",t=")?;
    let (time, lanes) = rest.split_once(",p=")?;
    let costs = Costs { memory: number(memory)?, time: number(time)?, lanes: number(lanes)? };
    costs.are_valid().then_some(costs)
}

const LENGTH: usize = 32;
const MOST_LANES: u32 = 64;

#[cfg(test)]
mod tests {
    use super::super::tests::with;
    use super::super::{Hashers, Wrong};
    use super::*;

    fn hashers(costs: &[(&str, u32)]) -> Hashers {
        Hashers::new(vec![with(&DEF, costs)]).unwrap()
    }

    #[test]
    fn verifies_every_variant_and_version() {
        let salt = "c2FsdHNhbHRzYWx0c2FsdHNhbHRzYQ";
        for (variant, version, hash) in [
            ("argon2i", "v=16$", "N4PtZbXRzw7p+URVVEKmugliQxHWGZI9Tf/jjFvJSUU"),
            ("argon2d", "v=16$", "sWmiZJQEQHPmmf0RCcOqIwAA7dBvjNKhnGTr5IO+2UM"),
            ("argon2id", "v=16$", "RxCV7DUTE6b8m1w0wn3zM73HxeSz11OBRoJTtLRRbQE"),
            ("argon2id", "", "RxCV7DUTE6b8m1w0wn3zM73HxeSz11OBRoJTtLRRbQE"),
            ("argon2i", "v=19$", "BTUUU7RJgALO64Tctiz3zOKfduMflpr2iR+cQcSqw98"),
            ("argon2d", "v=19$", "+xUWUm+nVYtpuGE5TDNSLdb/XOZpYiOcxerOOoU5GZM"),
            ("argon2id", "v=19$", "O/5R+b3xFjjKC5n9p492sYYFufiZCMI5gnLCTdYJxBE"),
        ] {
            let encoded = format!("argon2${variant}${version}m=64,t=2,p=2${salt}${hash}");
            assert!(hashers(&[]).verify(b"wonderland", &encoded).is_ok(), "{encoded}");
        }
    }

    #[test]
    fn must_update_is_django_s() {
        let hashers = hashers(&[("time_cost", 1), ("memory_cost", 1024), ("parallelism", 2)]);
        let salt = STANDARD_NO_PAD.encode([b's'; 22]);
        let short = STANDARD_NO_PAD.encode([b's'; 21]);
        let (hash, longer) = (STANDARD_NO_PAD.encode([0; 32]), STANDARD_NO_PAD.encode([0; 33]));
        for (encoded, expected) in [
            (format!("argon2$argon2id$v=19$m=1024,t=1,p=2${salt}${hash}"), false),
            (format!("argon2$argon2i$v=19$m=1024,t=1,p=2${salt}${hash}"), true),
            (format!("argon2$argon2id$v=16$m=1024,t=1,p=2${salt}${hash}"), true),
            (format!("argon2$argon2id$m=1024,t=1,p=2${salt}${hash}"), true),
            (format!("argon2$argon2id$v=19$m=1025,t=1,p=2${salt}${hash}"), true),
            (format!("argon2$argon2id$v=19$m=1024,t=2,p=2${salt}${hash}"), true),
            (format!("argon2$argon2id$v=19$m=1024,t=1,p=1${salt}${hash}"), true),
            (format!("argon2$argon2id$v=19$m=1024,t=1,p=2${short}${hash}"), true),
            (format!("argon2$argon2id$v=19$m=1024,t=1,p=2${salt}${longer}"), true),
            ("argon2$argon2id".to_owned(), true),
        ] {
            assert_eq!(hashers.must_update(&encoded), expected, "{encoded}");
        }
    }

    #[test]
    fn any_other_form_is_malformed() {
        let (salt, hash) = ("c2FsdHNhbHRzYWx0", "OkxS2YDq1fiVwBCytKLr2tCeQAk5Uh8Lms6+znhc4/0");
        let hashers = hashers(&[]);
        for parameters in [
            "v=18$m=1024,t=1,p=2",
            "v=019$m=1024,t=1,p=2",
            "v=19$t=1,m=1024,p=2",
            "v=19$m=1024,t=1,p=2,x=1",
            "v=19$m=1024,t=1",
            "v=19$m=+1024,t=1,p=2",
            "v=19$m=01024,t=1,p=2",
            "v=19$m=15,t=1,p=2",
            "v=19$m=1024,t=0,p=2",
            "v=19$m=1024,t=1,p=0",
            "v=19$m=4294967295,t=1,p=16777216",
            "v=19$m=4294967296,t=1,p=1",
            "v=19",
        ] {
            let encoded = format!("argon2$argon2id${parameters}${salt}${hash}");
            assert_eq!(hashers.verify(b"wonderland", &encoded).err(), Some(MALFORMED), "{encoded}");
        }
        for rest in ["c2FsdHNhbHQ=$OkxS2Y", "c2FsdHNhbA$OkxS2Q", "c2FsdHNhbHQ$OkxS", "c2FsdHNhbHR$OkxS2Q", "$OkxS2Q"] {
            let encoded = format!("argon2$argon2id$v=19$m=1024,t=1,p=2${rest}");
            assert_eq!(hashers.verify(b"wonderland", &encoded).err(), Some(MALFORMED), "{encoded}");
        }
    }

    #[test]
    fn the_ceilings_hold_before_the_work() {
        let hashers = hashers(&[("max_memory_cost", 512), ("max_time_cost", 2), ("max_parallelism", 3)]);
        for (costs, expected) in [
            ("m=512,t=2,p=3", Wrong::Different),
            ("m=513,t=2,p=3", ABOVE_CEILING),
            ("m=512,t=3,p=3", ABOVE_CEILING),
            ("m=512,t=2,p=4", ABOVE_CEILING),
            ("m=4294967295,t=4294967295,p=16777215", ABOVE_CEILING),
        ] {
            let encoded = format!("argon2$argon2id$v=19${costs}$c2FsdHNhbHQ$OkxS2Q");
            assert_eq!(hashers.verify(b"x", &encoded).err(), Some(expected), "{encoded}");
        }
    }
}
