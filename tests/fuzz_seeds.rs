//! The fuzz targets' properties on every seed, and on every seed cut short or with a byte changed:
//! what `cargo fuzz` finds becomes a seed and stays found.

#[path = "../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

use authchain::codec::password::{HASHERS, Hashers};

#[test]
fn every_seed_keeps_the_properties_of_its_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, holds) in properties::TARGETS {
        let files = fs::read_dir(seeds.join(name)).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
        let seeds: Vec<Vec<u8>> = files.collect();
        assert!(seeds.len() >= 10, "{name} has {} seeds", seeds.len());
        for seed in &seeds {
            holds(seed);
        }
        // Hashing takes its time: the password's changes are fewer.
        let step = if *name == "password" { 7 } else { 1 };
        for seed in seeds.iter().filter(|seed| seed.len() < 400) {
            for at in (0..seed.len()).step_by(step) {
                holds(&seed[..at]);
                for byte in [b'=', b'$', b' ', b':', b'\n', 0, 0xff] {
                    let mut changed = seed.clone();
                    changed[at] = byte;
                    holds(&changed);
                }
            }
        }
    }
}

/// The password target asserts something only when the seeds have the hashes that let in.
#[test]
fn the_seeds_have_a_right_hash_of_every_hasher() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/password");
    for def in HASHERS {
        let file = seeds.join(format!("right-{}", def.name));
        let hashers = Hashers::new(vec![properties::cheap(def)]).unwrap();
        let made = hashers.make(properties::PASSWORD, &[7; 32]).unwrap();
        if std::env::var_os("BLESS").is_some() {
            fs::write(&file, &made).unwrap();
        }
        let seed = fs::read_to_string(&file).unwrap();
        assert_eq!(made, seed, "after a change of costs: BLESS=1 cargo test --test fuzz_seeds");
        assert!(hashers.verify(properties::PASSWORD, &seed).is_ok(), "{seed}");
    }
}
