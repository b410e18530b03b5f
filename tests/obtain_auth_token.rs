//! `obtain_auth_token`: name and password in, a token out. What DRF answers in detail is replayed in
//! tests/replay.rs.

mod support;

use authchain::capi::status::auth_status;
use support::{Host, Outcome, Site, USUAL};

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

fn log_in(host: &Host, password: &str) -> Outcome {
    let body = format!("{{\"username\": \"alice\", \"password\": \"{password}\"}}");
    host.send("POST", "obtain_auth_token", JSON, Some(&body))
}

#[test]
fn the_token_that_it_gives_logs_in() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    let outcome = log_in(&host, "wonderland-1");
    assert_eq!((outcome.status, outcome.http, outcome.user.as_str()), (auth_status::AUTH_OK, 200, "alice"));
    let answer: serde_json::Value = serde_json::from_str(&outcome.body).unwrap();
    let header = format!("Token {}", answer["token"].as_str().unwrap());
    assert_eq!(host.authorization(&header).said(), "alice");
    assert_eq!(outcome.header("Cache-Control"), Some("no-store"));
}

#[test]
fn the_members_beside_the_token_are_those_of_the_guide() {
    let site = Site::of_vectors("drf");
    let usual = USUAL
        .replace("[endpoints.obtain_auth_token]", "[endpoints.obtain_auth_token]\nextra = [\"user_id\", \"email\"]");
    let outcome = log_in(&site.try_host(&usual).unwrap(), "wonderland-1");
    let answer: serde_json::Value = serde_json::from_str(&outcome.body).unwrap();
    assert_eq!(answer["user_id"], 1);
    assert!(answer["email"].is_string());
}

#[test]
fn a_wrong_password_gets_400_and_another_method_405() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    let outcome = log_in(&host, "wrong");
    assert_eq!((outcome.said().as_str(), outcome.http), ("password.wrong", 400));
    assert_eq!(outcome.body, "{\"non_field_errors\":[\"Unable to log in with provided credentials.\"]}");
    let outcome = host.send("GET", "obtain_auth_token", &[], None);
    assert_eq!((outcome.http, outcome.header("Allow")), (405, Some("POST, OPTIONS")));
}

#[test]
fn after_five_wrong_passwords_the_right_one_has_to_wait_too() {
    let site = Site::of_vectors("drf");
    let host = site.try_host(&USUAL.replace("enabled = false", "enabled = true")).unwrap();
    for _ in 0..3 {
        assert_eq!(log_in(&host, "wrong").http, 400);
    }
    for _ in 0..2 {
        // Basic counts with it.
        assert_eq!(host.authorization(&support::basic("alice", "wrong")).said(), "password.wrong");
    }
    let outcome = log_in(&host, "wonderland-1");
    assert_eq!((outcome.status, outcome.http), (auth_status::AUTH_THROTTLED, 429));
    let seconds: u32 = outcome.header("Retry-After").unwrap().parse().unwrap();
    assert!((290..=300).contains(&seconds));
    assert_eq!(
        outcome.body,
        format!("{{\"detail\":\"Request was throttled. Expected available in {seconds} seconds.\"}}")
    );
    let outcome = host.authorization(&support::basic("alice", "wonderland-1"));
    assert_eq!((outcome.status, outcome.said().as_str()), (auth_status::AUTH_THROTTLED, "password.throttled"));
    let bob = host.authorization(&support::basic("bob", "nothing"));
    assert_eq!(bob.said(), "password.wrong"); // another account
}

#[test]
fn a_throttle_that_cannot_be_asked_lets_nobody_log_in_and_tokens_go_on() {
    let site = Site::of_vectors("drf");
    std::fs::write(site.folder.path().join("throttle.sqlite3"), "no database at all, but long enough to be one")
        .unwrap();
    let host = site.try_host(&USUAL.replace("enabled = false", "enabled = true")).unwrap();
    let outcome = log_in(&host, "wonderland-1");
    assert_eq!((outcome.status, outcome.http), (auth_status::AUTH_ESTORE, 503));
    assert_eq!(host.authorization("Token 0123456789abcdef0123456789abcdef01234567").said(), "alice");
}

#[test]
fn a_login_replaces_an_old_hash_when_told_to() {
    let site = Site::of_vectors("drf");
    let hash = || {
        let sql = "SELECT password FROM auth_user WHERE username = 'alice'";
        site.other().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let before = hash();
    let better = USUAL.replace("iterations = 1000", "iterations = 1001");
    assert_eq!(log_in(&site.try_host(&better).unwrap(), "wonderland-1").http, 200);
    assert_eq!(hash(), before);
    let host = site.try_host(&better.replace("timeout = 0", "timeout = 0\nrehash = true")).unwrap();
    assert_eq!(log_in(&host, "wrong").http, 400);
    assert_eq!(hash(), before);
    assert_eq!(log_in(&host, "wonderland-1").http, 200);
    assert!(hash().starts_with("pbkdf2_sha256$1001$"), "{}", hash());
    assert_eq!(log_in(&host, "wonderland-1").http, 200);
}
