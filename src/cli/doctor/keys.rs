//! Whether the addresses of public keys answer.

use super::{Patient, Said, failure, now_us, ok};

/// What hosts will fetch. One that is silent takes three seconds.
pub(super) fn fetched(patient: &Patient<'_>) -> Vec<Said> {
    let rings = patient.config.key_rings.iter().filter(|ring| ring.is_remote());
    let asked = rings.map(|ring| (ring.shown(), ring.refresh(now_us().div_euclid(1_000_000))));
    asked
        .map(|(address, answer)| match answer {
            Ok(_) => ok(format!("{address} answers with keys that can be used")),
            Err(why) => failure(
                format!("{address} {why}"),
                "let this machine reach the address, or have a job store the set, and name it as `jwks_file`",
            ),
        })
        .collect()
}
