//! Tokens and what is to be thought of them: hostile ones, published ones, and PyJWT's.
//! tests/vectors/jwt/README.md says where they come from.

use std::fs;
use std::path::Path;

use authchain::codec::claims::{Checks, Claims};
use authchain::codec::jws::{Keys, verify};
use authchain::codec::key::{Algorithm, Key};
use serde_json::Value;

#[test]
fn hostile_tokens_are_judged_as_expected() {
    let keys = json("attack-keys.json");
    let mut counts = [0; 2];
    for case in lines("attacks.jsonl") {
        let strict = judged(&case, &keys, false);
        let exact = judged(&case, &keys, true);
        let id = case["id"].as_str().unwrap();
        match case["expect"].as_str().unwrap() {
            "accept" => assert_eq!((&strict, &exact), (&Ok(()), &Ok(())), "{id}"),
            "reject" | "reject-strict" => {
                // What only a user or simplejwt's own claims decide is not decided here.
                let is_ours = case["oracles"]["pyjwt"] == "R" || case["expect"] == "reject-strict";
                let is_ours = is_ours && case["class"] != "user-id";
                assert!(strict.is_err() || !is_ours, "{id}: {}", case["why"]);
            }
            "either" => {}
            other => panic!("{other}"),
        }
        if let Some(theirs) = case["oracles"]["pyjwt"].as_str() {
            let alike = exact.is_ok() == theirs.starts_with('A');
            // `exp` after the year 9999: PyJWT takes it, simplejwt crashes on it.
            let crashes = case["oracles"]["simplejwt"].as_str().unwrap().starts_with('!') && case["class"] == "exp";
            assert!(alike || crashes, "{id}: {} ours {exact:?} theirs {theirs}", case["why"]);
            counts[usize::from(alike)] += 1;
        }
    }
    assert_eq!(counts, [10, 1682]);
}

/// Signature and claims.
fn judged(case: &Value, keys: &Value, exact: bool) -> Result<(), String> {
    let (name, with_audience) = match case["cfg"].as_str().unwrap().split_once('/') {
        Some((name, _)) => (name, true),
        None => (case["cfg"].as_str().unwrap(), false),
    };
    let algorithm = Algorithm::named(name).unwrap();
    let pem = |field: &str| Key::public_pem(algorithm, keys[field].as_str().unwrap()).unwrap();
    let key = match name {
        "HS256" | "HS384" | "HS512" => {
            Key::secret(algorithm, keys["secrets"][name].as_str().unwrap().as_bytes()).unwrap()
        }
        "EdDSA" => pem("ed25519_public_pem"),
        "ES256" | "ES384" | "ES512" => pem(&format!("{name}_public_pem")),
        _ => pem("rsa_public_pem"),
    };
    let only = |text: &str| with_audience.then(|| vec![text.to_owned()]);
    let checks = Checks { leeway: 0, audience: only("api"), issuer: only("https://issuer.example"), exact };
    let verified =
        verify(case["token"].as_str().unwrap().as_bytes(), &Keys::one(key), exact).map_err(|f| format!("{f:?}"))?;
    let claims = Claims::read(&verified.payload, exact).map_err(|r| format!("{r:?}"))?;
    // When the peers were asked.
    let now = case["at"].as_i64().unwrap_or(1_790_000_000);
    claims.check(&checks, now).map_err(|r| format!("{r:?}"))
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn lines(name: &str) -> Vec<Value> {
    text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/jwt").join(name)).unwrap()
}
