//! `basic`: the whole chain over a database that Django made. What DRF answers in detail is
//! replayed in tests/replay.rs.

mod support;

use support::{Site, basic};

#[test]
fn who_gets_in_with_a_password() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    for (header, expected) in [
        (basic("alice", "wonderland-1"), "alice"),
        (basic("alice", "wonderland-2"), "password.wrong"),
        (basic("ALICE", "wonderland-1"), "password.wrong"),
        (basic("nobody", "x"), "password.wrong"),
        (basic("inactive", "inactive-pw"), "password.wrong"),
        (basic("unusable", ""), "password.wrong"),
        (basic("colon", "a:b:c"), "colon"),
        (basic("empty-password", ""), "empty-password"),
        ("Basic".to_owned(), "basic.missing"),
        ("Basic a b".to_owned(), "basic.spaces"),
        ("Basic YWw".to_owned(), "basic.base64"),
        ("Digest x".to_owned(), "chain.no_credentials"),
    ] {
        assert_eq!(host.authorization(&header).said(), expected, "{header:?}");
    }
}

#[test]
fn a_refusal_is_drfs_word_for_word() {
    let site = Site::of_vectors("drf");
    let outcome = site.host("").authorization(&basic("alice", "wrong"));
    assert_eq!(outcome.http, 401);
    assert_eq!(outcome.header("WWW-Authenticate"), Some("Basic realm=\"api\""));
    assert_eq!(outcome.header("Content-Type"), Some("application/json"));
    assert_eq!(outcome.header("Vary"), Some("Authorization"));
    assert_eq!(outcome.body, r#"{"detail":"Invalid username/password."}"#);
}

#[test]
fn a_realm_with_a_quote_does_not_break_the_header_apart() {
    let site = Site::of_vectors("drf");
    let realm = "[schemes.basic]\nwww_authenticate_realm = 'a \"b\" \\'\n";
    let outcome = site.host(realm).ask(&[]);
    assert_eq!(outcome.header("WWW-Authenticate"), Some(r#"Basic realm="a \"b\" \\""#));
}

#[test]
fn an_inactive_user_is_told_so_only_with_the_backend_for_all_users() {
    let site = Site::of_vectors("drf");
    let config = support::USUAL.replace("timeout = 0", "authentication_backends = [\"AllowAllUsersModelBackend\"]");
    let outcome = site.try_host(&config).unwrap().authorization(&basic("inactive", "inactive-pw"));
    assert_eq!((outcome.http, outcome.body.as_str()), (401, r#"{"detail":"User inactive or deleted."}"#));
}

#[test]
fn no_log_line_shows_a_password() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    for password in ["wonderland-1", "c4n4ry"] {
        let log = host.authorization(&basic("alice", password)).log;
        assert!(!log.contains(password) && log.contains("alice"), "{log}");
    }
}
