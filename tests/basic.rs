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

#[test]
fn every_failure_costs_a_hash() {
    let site = Site::of_vectors("drf");
    // Dear enough to be told from everything else.
    let config = support::USUAL.replace("iterations = 1000", "iterations = 200000");
    let host = site.try_host(&config).unwrap();
    let hash = cpu_seconds(|| drop(host.authorization(&basic("nobody", "x"))));
    assert!(hash > 0.005, "{hash} s");
    site.other()
        .execute_batch(
            "UPDATE auth_user SET password = 'pbkdf2_sha256$99999999$salt$x' WHERE username = 'bob';
             UPDATE auth_user SET password = 'gibberish' WHERE username = 'carol';
             UPDATE auth_user SET password = '' WHERE username = 'dave';",
        )
        .unwrap();
    for name in ["unusable", "inactive", "alice", "bob", "carol", "dave", "nobody else", ""] {
        let cost = cpu_seconds(|| assert_eq!(host.authorization(&basic(name, "wrong")).said(), "password.wrong"));
        // A lower bound: noise can only make it dearer. Half, because the yardstick was noisy too.
        assert!(cost > hash / 2.0, "{name:?} cost {cost} s, one hash {hash} s");
    }
}

/// The CPU time of this thread that `f` takes.
#[allow(unsafe_code, clippy::cast_precision_loss)]
fn cpu_seconds(f: impl FnOnce()) -> f64 {
    let clock = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a writable timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let before = clock();
    f();
    clock() - before
}
