//! The database as it is found: other journals, other tables, other clocks, and every way in which
//! it can be missing. Broken is 503, never a verdict, and nothing is lost.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use authchain::capi::status::auth_status::AUTH_ESTORE;
use support::{Site, basic, django};

const ALICE: &str = "Token 0123456789abcdef0123456789abcdef01234567";

#[test]
fn a_missing_database_is_broken_and_comes_back() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    let elsewhere = site.folder.path().join("elsewhere");
    assert_eq!(host.authorization(ALICE).said(), "alice");
    fs::rename(site.database(), &elsewhere).unwrap();
    assert_eq!(eventually(&host, "AUTH_ESTORE"), "AUTH_ESTORE");
    let outcome = host.authorization(ALICE);
    assert_eq!((outcome.status, outcome.http, outcome.user.as_str()), (AUTH_ESTORE, 503, ""));
    assert!(outcome.failure.contains("db.sqlite3"), "{}", outcome.failure);
    assert!(!site.database().exists(), "a missing database must not be created");
    fs::rename(&elsewhere, site.database()).unwrap();
    assert_eq!(eventually(&host, "alice"), "alice");
}

#[test]
fn a_file_replaced_by_rename_is_noticed_within_a_second() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    assert_eq!(host.authorization(ALICE).said(), "alice");
    let next = site.folder.path().join("next");
    fs::copy(site.database(), &next).unwrap();
    rusqlite::Connection::open(&next).unwrap().execute("DELETE FROM authtoken_token", []).unwrap();
    fs::rename(&next, site.database()).unwrap();
    let replaced = Instant::now();
    assert_eq!(eventually(&host, "token.unknown"), "token.unknown");
    assert!(replaced.elapsed() < Duration::from_millis(1500), "{:?}", replaced.elapsed());
}

/// Asks until the expected word is said, for two seconds at most; the last word.
fn eventually(host: &support::Host, expected: &str) -> String {
    let start = Instant::now();
    loop {
        let said = host.authorization(ALICE).said();
        if said == expected || start.elapsed() > Duration::from_secs(2) {
            return said;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_locked_database_is_broken_and_not_a_refusal() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    let other = site.other();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let outcome = host.authorization(ALICE);
    assert_eq!((outcome.status, outcome.http), (AUTH_ESTORE, 503));
    assert!(outcome.failure.contains("locked"), "{}", outcome.failure);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(host.authorization(ALICE).said(), "alice");
}

#[test]
fn a_writer_does_not_stop_readers_in_wal() {
    let site = Site::of_vectors("drf");
    let other = site.other();
    other.pragma_update(None, "journal_mode", "wal").unwrap();
    let host = site.host("");
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM authtoken_token").unwrap();
    assert_eq!(host.authorization(ALICE).said(), "alice");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(host.authorization(ALICE).said(), "token.unknown");
}

#[test]
fn a_verdict_is_never_staler_than_the_database() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    let other = site.other();
    for _ in 0..50 {
        other.execute("UPDATE auth_user SET is_active = 0 WHERE username = 'alice'", []).unwrap();
        assert_eq!(host.authorization(ALICE).said(), "user.inactive");
        other.execute("UPDATE auth_user SET is_active = 1 WHERE username = 'alice'", []).unwrap();
        assert_eq!(host.authorization(ALICE).said(), "alice");
    }
}

#[test]
fn a_corrupt_database_never_lets_in_whom_the_intact_one_refuses() {
    let site = Site::of_vectors("drf");
    let intact = fs::read(site.database()).unwrap();
    let refused = "Token 0123456789abcdef0123456789abcdef01234568";
    // A fixed sequence, so that a failure can be found again.
    let mut place = 12_345_usize;
    let (mut broken, mut verdicts) = (0, 0);
    for _ in 0..400 {
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = intact.clone();
        let at = place % bytes.len();
        bytes[at] ^= 1 << (place % 8);
        fs::write(site.database(), &bytes).unwrap();
        let host = site.host("");
        let outcome = host.authorization(refused);
        match outcome.status {
            AUTH_ESTORE => broken += 1,
            _ => verdicts += 1,
        }
        assert!(
            ["token.unknown", "user.inactive", "AUTH_ESTORE"].contains(&outcome.said().as_str()),
            "byte {at}: {outcome:?}"
        );
    }
    for pages in 0..intact.len() / 4096 {
        fs::write(site.database(), &intact[..pages * 4096]).unwrap();
        let said = site.host("").authorization(refused).said();
        assert!(["token.unknown", "AUTH_ESTORE"].contains(&said.as_str()), "{pages} pages: {said}");
    }
    assert!(broken > 0 && verdicts > 0, "{broken} broken, {verdicts} verdicts");
}

#[test]
fn garbage_in_place_of_a_database_is_broken() {
    let site = Site::of_vectors("drf");
    for bytes in [&b""[..], b"x", b"SQLite format 3\0", &[0xff; 8192]] {
        fs::write(site.database(), bytes).unwrap();
        assert_eq!(site.host("").authorization(ALICE).said(), "AUTH_ESTORE", "{} bytes", bytes.len());
    }
}

#[test]
fn values_of_other_kinds_are_broken() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    let other = site.other();
    for (change, back) in [
        ("username = x'ff'", "username = 'alice'"),
        ("username = 'a' || char(0) || 'b'", "username = 'alice'"),
        ("is_active = 'yes'", "is_active = 1"),
    ] {
        other.execute(&format!("UPDATE auth_user SET {change} WHERE id = 1"), []).unwrap();
        assert_eq!(host.authorization(ALICE).status, AUTH_ESTORE, "{change}");
        other.execute(&format!("UPDATE auth_user SET {back} WHERE id = 1"), []).unwrap();
        assert_eq!(host.authorization(ALICE).said(), "alice");
    }
}

#[test]
fn tables_and_columns_that_are_not_there_are_broken() {
    let site = Site::of_vectors("drf");
    let users = site.host("[users]\ntable = \"people\"\n").authorization(ALICE);
    assert!(users.status == AUTH_ESTORE && users.failure.contains("no such table"), "{users:?}");
    let column = site.host("[users]\nemail_column = \"mail\"\n").authorization(ALICE);
    assert!(column.status == AUTH_ESTORE && column.failure.contains("no such column"), "{column:?}");
}

#[test]
fn databases_that_django_migrated_are_read_in_every_set_up() {
    for (name, flags, more) in SET_UPS {
        for wal in [false, true] {
            let site = Site { folder: tempfile::tempdir().unwrap() };
            let run = |verb: &[&str], input: &str| django(&site.database(), &[*flags, verb].concat(), input);
            run(if wal { &["migrate", "--wal"] } else { &["migrate"] }, "");
            let user = if name.contains("custom") { "zoe@example.com" } else { "zoe" };
            let id = run(&["adduser", user, "pässwörd"], "");
            run(&["adduser", "off@example.com", "pw", "--inactive"], "");
            let key = run(&["addtoken", user], "");
            let host = site.host(more);
            let outcome = host.authorization(&basic(user, "pässwörd"));
            assert_eq!(outcome.said(), user, "{name} wal={wal} {outcome:?}");
            assert_eq!(host.authorization(&format!("Token {key}")).said(), user, "{name} wal={wal}");
            assert_eq!(
                host.authorization(&basic("off@example.com", "pw")).said(),
                "password.wrong",
                "{name} wal={wal}"
            );
            assert_eq!(id.len(), if name.contains("custom") { 36 } else { 1 }, "{id}");
        }
    }
}

const SET_UPS: &[(&str, &[&str], &str)] = &[
    ("plain", &[], ""),
    ("local time", &["--no-tz"], ""),
    ("custom", &["--custom-user"], CUSTOM),
    ("custom in local time", &["--custom-user", "--no-tz"], CUSTOM),
];

const CUSTOM: &str = r#"
[users]
table = "people_person"
id_type = "uuid"
username_column = "email"
password_column = "pw_hash"
is_active_column = "enabled"
is_staff_column = "staff"
is_superuser_column = "superuser"
date_joined_column = ""
empty_columns = []
groups_table = "people_person_groups"
groups_user_column = "person_id"
"#;

#[test]
fn a_read_only_database_still_answers() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::of_vectors("drf");
    fs::set_permissions(site.database(), PermissionsExt::from_mode(0o444)).unwrap();
    assert_eq!(site.host("").authorization(ALICE).said(), "alice");
}
