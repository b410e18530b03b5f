//! The recorded answers of Django 5.2.19: what its hashers say to right, wrong, malformed and
//! costly hashes. Where Django raises an exception the password must not be accepted.

use std::time::{Duration, Instant};

use authchain::codec::password::{HASHERS, Hashers, Wrong, find, is_usable};
use serde_json::Value;

#[test]
fn answers_as_django_does() {
    let hashers = all();
    let mut checked = 0;
    for case in cases().iter().filter(|case| case["django"].is_object() && case["encoded"].is_string()) {
        let (id, password, encoded, django) =
            (text(&case["id"]), password(case), text(&case["encoded"]), &case["django"]);
        assert_eq!(Value::Bool(is_usable(encoded)), django["usable"], "{id}");
        let accepted = hashers.verify(password.as_bytes(), encoded).is_ok();
        assert_eq!(accepted, django["ok"] == true, "{id}: {}", case["why"]);
        if let Some(expected) = django["must_update"].as_bool() {
            assert_eq!(hashers.must_update(encoded), expected, "{id}: {}", case["why"]);
        }
        checked += 1;
    }
    assert_eq!(checked, 482);
}

#[test]
fn costly_hashes_cost_nothing() {
    let hashers = all();
    let mut checked = 0;
    for case in cases().iter().filter(|case| case["expect"] == "refuse") {
        let started = Instant::now();
        let result = hashers.verify(password(case).as_bytes(), text(&case["encoded"]));
        assert!(matches!(result, Err(Wrong::NoHash(_))), "{}: {result:?}", case["id"]);
        assert!(started.elapsed() < Duration::from_secs(1), "{}: {:?}", case["id"], started.elapsed());
        checked += 1;
    }
    assert_eq!(checked, 12);
}

#[test]
fn what_django_cannot_hash_is_refused() {
    let mut checked = 0;
    for case in cases().iter().filter(|case| case["class"] == "encode") {
        let hasher = find(text(&case["hasher"])).expect("a hasher of ours").with_defaults();
        let hashers = Hashers::new(vec![hasher]).expect("not empty");
        assert!(hashers.make(password(case).as_bytes(), &[0; 32]).is_err(), "{}", case["id"]);
        checked += 1;
    }
    assert_eq!(checked, 7);
}

/// The list the answers were recorded with.
fn all() -> Hashers {
    Hashers::new(HASHERS.iter().map(|def| def.with_defaults()).collect()).expect("not empty")
}

fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/attacks/passwords.jsonl");
    let lines = std::fs::read_to_string(path).expect("the vectors");
    let cases: Vec<_> = lines.lines().map(|line| serde_json::from_str(line).expect("a case")).collect();
    assert_eq!(cases.len(), 501);
    cases
}

/// `repeat:C:N` is N times the character C.
fn password(case: &Value) -> String {
    let password = text(&case["password"]);
    let Some((character, count)) = password.strip_prefix("repeat:").and_then(|rest| rest.split_once(':')) else {
        return password.to_owned();
    };
    character.repeat(count.parse().expect("a count"))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
