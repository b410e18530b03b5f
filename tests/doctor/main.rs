//! `authchain doctor`, each point once well and once ill, on databases of real Django, with real modes
//! and a real other user. Where a remedy is a command, it is run, and the point is well afterwards.

mod apache;
mod host;
#[cfg(feature = "jwks-url")]
#[path = "../support/issuer.rs"]
mod issuer;
mod place;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;

use apache::Apache;
use place::{Finding, GOOD, NOBODY, PASSWORDS, Place, SECRET, is_root, mode, nobody};
use support::{django, python};

// ---------------------------------------------------------------- as a whole

#[test]
fn a_good_site_is_well_even_strictly() {
    let place = Place::new();
    let user = if is_root() { &["--user", "root"][..] } else { &[] };
    let well = Apache::new("WSGIPassAuthorization On", "");
    let apache = ["--apache", well.path()];
    let args = [user, &apache, &["--strict", "--deep"]].concat();
    let findings = place.findings(&args);
    assert!(findings.iter().all(|finding| finding.state == "ok" && finding.remedy.is_empty()), "{findings:#?}");
    let output = place.run(&args);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.ends_with(" points: 0 failed, 0 with a warning\n"), "{said}");
    assert_eq!(said.lines().count(), findings.len() + 1);
}

#[test]
fn warnings_fail_only_strictly() {
    let place = Place::with("", PASSWORDS);
    assert_eq!(place.point("tls", &[]).state, "warning");
    assert_eq!(place.run(&[]).status.code(), Some(0));
    assert_eq!(place.run(&["--strict"]).status.code(), Some(1));
}

#[test]
fn nothing_is_made_or_changed() {
    let place = Place::with("", PASSWORDS);
    let listed = || -> Vec<_> {
        let entries = fs::read_dir(place.0.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.map(|path| (fs::read(&path).unwrap(), path)).collect();
        files.sort_by(|a, b| a.1.cmp(&b.1));
        files
    };
    // Without WAL each transaction that writes is counted in the file.
    for journal in ["WAL", "DELETE"] {
        place.db().pragma_update(None, "journal_mode", journal).unwrap();
        let before = listed();
        let me = if is_root() { &["--deep", "--user", "root"][..] } else { &["--deep"] };
        assert!(place.point("host.database", me).text.contains("may read and write"));
        assert!(before == listed(), "{journal}");
    }
    if is_root() {
        mode(place.0.path(), 0o777);
        chown(place.path("db.sqlite3"), Some(nobody()), None).unwrap();
        let before = listed();
        assert!(place.point("host.throttle", NOBODY).text.starts_with("nobody may make"));
        assert!(before == listed());
    }
}

/// Runs a command on a terminal of its own; prints what it showed.
const TERMINAL: &str = r#"
import os, pty, signal, sys
signal.alarm(60)
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
while True:
    try:
        more = os.read(terminal, 1024)
    except OSError:
        break
    if not more:
        break
    shown += more
sys.stdout.buffer.write(shown)
"#;

#[test]
fn on_a_terminal_the_wait_is_explained_and_the_line_taken_away() {
    let place = Place::with("", PASSWORDS);
    let config = place.path("authchain.toml");
    let line = [env!("CARGO_BIN_EXE_authchain"), "doctor", "--config", config.to_str().unwrap()];
    let output = Command::new(python()).args(["-c", TERMINAL]).args(line).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let waits = shown.find("\r\x1b[Ktiming pbkdf2_sha256");
    let report = shown.find("\r\x1b[Kok       configuration: ");
    assert!(waits.is_some() && report.is_some() && waits < report, "{shown:?}");
}

#[test]
fn every_point_is_in_the_document() {
    let document = fs::read_to_string(support::root().join("docs/doctor.md")).unwrap();
    let source = fs::read_to_string(support::root().join("src/cli/doctor/mod.rs")).unwrap();
    let rows: Vec<_> = source.lines().filter_map(|line| line.strip_prefix("    (\"")?.split('"').next()).collect();
    assert!(rows.len() > 20, "{rows:?}");
    for point in rows.iter().chain(&["configuration", "host"]) {
        assert!(document.contains(&format!("\n| `{point}` | ")), "{point}");
    }
    assert_eq!(document.matches("\n| `").count(), rows.len() + 2);
}

#[test]
fn a_configuration_that_is_refused_is_a_failure_with_its_place() {
    let place = Place::new();
    place.configure("database = \"sqlite:db.sqlite3\"\nsecret_key = \"geheim\"\nnonsense = 1\n");
    let findings = place.findings(&[]);
    assert_eq!(findings.len(), 1);
    let Finding { point, state, text, remedy } = &findings[0];
    assert_eq!((point.as_str(), state.as_str()), ("configuration", "failure"));
    assert!(text.contains("authchain.toml:3:1: unknown key \"nonsense\"") && remedy.starts_with("known: "), "{text}");
}

// ---------------------------------------------------------------- files and keys

#[cfg(feature = "jwks-url")]
#[test]
fn an_address_of_keys_answers_or_the_remedy_is_told() {
    let issuer = issuer::Issuer::start();
    let scheme = format!("[schemes.jwt]\nalgorithm = \"EdDSA\"\nblacklist = false\njwk_url = \"{}\"\n", issuer.url);
    let place = Place::with("", &format!("schemes = [\"jwt\"]\n{scheme}"));
    let ill = place.point("public_keys", &[]);
    assert_eq!((ill.state.as_str(), ill.text), ("failure", format!("{} answers 503", issuer.url)));
    assert!(ill.remedy.contains("jwks_file"), "{}", ill.remedy);
    issuer.publishes(&[0]);
    let well = place.point("public_keys", &[]);
    assert_eq!((well.state.as_str(), well.text), ("ok", format!("{} answers with keys that can be used", issuer.url)));
    assert_eq!(issuer.requests(), 2);
}

#[test]
fn modes_and_owners_come_with_the_command_that_mends_them() {
    let place = Place::new();
    let (config, secret) = (place.path("authchain.toml"), place.path("secret_key"));
    mode(&config, 0o666);
    place.is_mended("configuration", &[], "failure", "may be written by others");
    mode(&secret, 0o644);
    place.is_mended("configuration", &[], "failure", "may be read by everybody");
    mode(&secret, 0o660);
    place.is_mended("configuration", &[], "failure", "may be written by others");
    if is_root() {
        for file in [&config, &secret] {
            chown(file, Some(nobody()), None).unwrap();
            place.is_mended("configuration", &[], "failure", "belongs to user");
        }
    }
    mode(&place.path("db.sqlite3"), 0o644);
    place.is_mended("database.private", &[], "warning", "may read hashes and tokens");
    place.configure(&format!(
        "{}[chains.default]\nschemes = [\"session\"]\n",
        GOOD.replace("{ file = \"secret_key\" }", &format!("{SECRET:?}"))
    ));
    place.is_mended("configuration.rights", &[], "warning", "holds a secret");
}

#[test]
fn keys_are_weighed_as_by_django() {
    let keys = [
        SECRET.to_owned(),
        SECRET[1..].to_owned(),
        "\u{e4}\u{f6}\u{fc}\u{df}x".repeat(10),
        "\u{e4}\u{f6}\u{fc}\u{df}x".repeat(9), // characters count, not bytes
        "\u{e4}\u{f6}\u{fc}\u{df}".repeat(13),
        format!("django-insecure-{SECRET}"),
        format!("insecure-django-{SECRET}"),
    ];
    let script = "import sys\n\
                  from django.core.checks.security import base\n\
                  print(*(base._check_secret_key(key) for key in sys.argv[1:]))";
    let output = Command::new(python()).args(["-c", script]).args(&keys).output().unwrap();
    let theirs: Vec<bool> = String::from_utf8(output.stdout).unwrap().split_whitespace().map(|w| w == "True").collect();
    let place = Place::new();
    let ours = |key: &String| {
        fs::write(place.path("secret_key"), key).unwrap();
        place.point("secret_key", &[]).state == "ok"
    };
    assert_eq!(keys.iter().map(ours).collect::<Vec<_>>(), theirs);
    assert_eq!(theirs, [true, false, true, false, false, false, true]);
}

#[test]
fn former_keys_are_weighed_too() {
    for (keys, state, text) in [
        (format!("[{:?}]", SECRET.to_uppercase()), "ok", "1; each is a key that still opens"),
        (
            format!("[{:?}, \"geheim\"]", SECRET.to_uppercase()),
            "warning",
            "number 2 of secret_key_fallbacks is shorter",
        ),
        (format!("[{SECRET:?}]"), "warning", "the present key stands among the former"),
    ] {
        let place = Place::with(&format!("secret_key_fallbacks = {keys}\n"), "schemes = [\"session\"]\n");
        let said = place.point("secret_key_fallbacks", &[]);
        assert!(said.state == state && said.text.contains(text), "{said:?}");
    }
}

#[test]
fn a_secret_of_tokens_that_is_shorter_than_the_hash_is_told() {
    let place = Place::with(
        "",
        "schemes = [\"jwt\"]\n[schemes.jwt]\nblacklist = false\nalgorithm = \"HS512\"\nsigning_key = \"of 32 bytes, which is not enough.\"\n",
    );
    let said = place.point("signing_key", &[]);
    assert!(said.state == "warning" && said.text.contains("scheme jwt is shorter"), "{said:?}");
}

// ---------------------------------------------------------------- database

#[test]
fn a_database_that_is_not_there_is_a_failure() {
    let place = Place::new();
    fs::remove_file(place.path("db.sqlite3")).unwrap();
    let said = place.point("database", &[]);
    assert!(said.state == "failure" && said.remedy.contains("authchain init"), "{said:?}");
    assert!(!place.path("db.sqlite3").exists());
    fs::write(place.path("db.sqlite3"), "no database at all, but long enough to be looked at".repeat(50)).unwrap();
    let said = place.point("database", &[]);
    assert!(said.state == "failure" && said.text.contains("not a database"), "{said:?}");
}

#[test]
fn a_rollback_journal_is_a_warning() {
    let place = Place::new();
    place.db().pragma_update(None, "journal_mode", "DELETE").unwrap();
    let said = place.point("database", &[]);
    assert!(said.state == "warning" && said.text.contains("journal mode delete"), "{said:?}");
    let sql = said.remedy.split('\'').nth(1).unwrap();
    place.db().query_row(sql, [], |_| Ok(())).unwrap();
    assert_eq!(place.point("database", &[]).state, "ok");
}

#[test]
fn damage_is_found_when_the_whole_file_is_read() {
    let place = Place::new();
    let page: u32 = place
        .db()
        .query_row("SELECT rootpage FROM sqlite_master WHERE name = 'authtoken_token'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(place.point("database.damage", &["--deep"]).state, "ok");
    let mut bytes = fs::read(place.path("db.sqlite3")).unwrap();
    bytes[(page as usize - 1) * 4096..][..100].fill(0xff);
    fs::write(place.path("db.sqlite3"), bytes).unwrap();
    assert!(place.findings(&[]).iter().all(|finding| finding.point != "database.damage"));
    let said = place.point("database.damage", &["--deep"]);
    assert!(said.state == "failure" && said.text.contains("cannot be read"), "{said:?}");
    let place = Place::new();
    django(&place.path("db.sqlite3"), &["adduser", "anna", "pw"], ""); // who never logged in
    let sql = "PRAGMA writable_schema = ON;
               UPDATE sqlite_master SET sql = replace(sql, 'last_login\" datetime NULL', 'last_login\" datetime NOT NULL')";
    place.db().execute_batch(sql).unwrap();
    let said = place.point("database.damage", &["--deep"]);
    assert!(said.state == "failure" && said.text.contains("damaged: NULL value in auth_user.last_login"), "{said:?}");
}

#[test]
fn tables_that_are_missing_name_their_migration() {
    let chain = "schemes = [\"session\", \"token\"]\n";
    for (sql, state, text, migration) in [
        ("DROP TABLE authtoken_token", "failure", "there is no table \"authtoken_token\"", "migrate authtoken`"),
        ("DROP TABLE django_session", "failure", "there is no table \"django_session\"", "migrate sessions`"),
        ("DROP TABLE auth_user", "failure", "there is no table \"auth_user\"", "migrate auth`"),
        ("DROP TABLE auth_user_groups", "warning", "there is no table \"auth_user_groups\"", "migrate auth`"),
        ("ALTER TABLE auth_user RENAME is_active TO active", "failure", "has no is_active", "migrate auth`"),
        ("ALTER TABLE authtoken_token RENAME created TO made", "failure", "has no created", "[schemes.token]"),
        ("ALTER TABLE django_session RENAME expire_date TO x", "failure", "has no expire_date", "`session_table`"),
    ] {
        let place = Place::with("", chain);
        assert_eq!(place.point("tables", &[]).state, "ok");
        place.db().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        let said = place.point("tables", &[]);
        assert!(said.state == state && said.text.contains(text) && said.remedy.contains(migration), "{sql}: {said:?}");
    }
    // What the chain does not need is not missed.
    let place = Place::with("", "schemes = [\"session\"]\n");
    place.db().execute_batch("DROP TABLE authtoken_token").unwrap();
    assert_eq!(place.point("tables", &[]).state, "ok");
}

#[test]
fn the_table_of_knox_is_missed_where_a_chain_or_an_endpoint_needs_it() {
    let endpoint = "schemes = [\"session\"]\n[schemes.knox]\n[endpoints.knox_login]\nchain = \"default\"\n";
    for chain in ["schemes = [\"knox\", \"session\"]\n", endpoint] {
        let place = Place::with("", chain);
        let said = place.point("tables", &[]);
        let expected = ("failure", "there is no table \"knox_authtoken\"");
        assert_eq!((said.state.as_str(), said.text.as_str()), expected, "{chain}");
        assert!(said.remedy.contains("migrate knox`"), "{said:?}");
        django(&place.path("db.sqlite3"), &["--knox", "migrate"], "");
        assert_eq!(place.point("tables", &[]).state, "ok", "{chain}");
    }
    let place = Place::with("", "schemes = [\"session\"]\n[schemes.knox]\n");
    assert_eq!(place.point("tables", &[]).state, "ok", "nobody asks it");
}

#[test]
fn the_tables_of_durin_are_missed_and_so_is_a_place_to_count_its_requests() {
    let place = Place::with("", "schemes = [\"durin\"]\n[schemes.durin]\nuser_per_client = \"5/m\"\n");
    let missed: Vec<_> = place.findings(&[]).into_iter().filter(|f| f.point == "tables").map(|f| f.text).collect();
    assert_eq!(missed, ["there is no table \"durin_client\"", "there is no table \"durin_authtoken\""]);
    let counts = |place: &Place| place.findings(ME).iter().any(|finding| finding.point == "host.throttle");
    assert_eq!(counts(&place), is_root());
    django(&place.path("db.sqlite3"), &["--durin", "migrate"], "");
    assert_eq!(place.point("tables", &[]).state, "ok");
    let place = Place::with("", "schemes = [\"durin\"]\n");
    assert!(!counts(&place), "nothing is counted");
}

const ME: &[&str] = &["--user", "root"];

#[test]
fn the_migration_mends_it() {
    let place = Place::with("", "schemes = [\"session\", \"token\"]\n");
    fs::write(place.path("db.sqlite3"), "").unwrap();
    assert_eq!(place.findings(&[]).iter().filter(|f| f.point == "tables" && f.state == "failure").count(), 3);
    django(&place.path("db.sqlite3"), &["migrate"], "");
    assert_eq!(place.point("tables", &[]).state, "ok");
}

#[test]
fn the_clock_is_held_against_the_database() {
    let place = Place::with("", "schemes = [\"session\", \"token\"]\n");
    django(&place.path("db.sqlite3"), &["adduser", "anna", "pw"], "");
    django(&place.path("db.sqlite3"), &["addtoken", "anna"], "");
    assert_eq!(place.point("clock", &[]).state, "ok");
    for (sql, what) in [
        ("UPDATE auth_user SET last_login = strftime('%Y-%m-%d %H:%M:%S', 'now', '+400 seconds')", "the last login"),
        ("UPDATE authtoken_token SET created = strftime('%Y-%m-%d %H:%M:%S', 'now', '+1 hour')", "the newest token"),
    ] {
        place.db().execute(sql, []).unwrap();
        let said = place.point("clock", &[]);
        assert!(said.state == "warning" && said.text.starts_with(what) && said.remedy.contains("use_tz"), "{said:?}");
    }
    place.db().execute("UPDATE auth_user SET last_login = NULL", []).unwrap();
    place
        .db()
        .execute("UPDATE authtoken_token SET created = strftime('%Y-%m-%d %H:%M:%S', 'now', '+200 seconds')", [])
        .unwrap();
    assert_eq!(place.point("clock", &[]).state, "ok");
}

#[test]
fn a_use_tz_that_is_not_django_s_is_noticed_and_mended() {
    let place = Place::with("", "schemes = [\"session\", \"token\"]\n");
    let site = |verb: &[&str]| django(&place.path("db.sqlite3"), &[&["--no-tz"], verb].concat(), "");
    site(&["adduser", "anna", "pw"]);
    site(&["addtoken", "anna"]); // in Berlin's time, which is ahead of UTC
    assert_eq!(place.point("clock", &[]).state, "warning");
    place.configure(&format!(
        "use_tz = false\ntime_zone = \"Europe/Berlin\"\n{GOOD}[chains.default]\nschemes = [\"session\", \"token\"]\n"
    ));
    assert_eq!(place.point("clock", &[]).state, "ok");
}

#[test]
fn users_without_a_token_are_counted_where_each_is_to_have_one() {
    let chain = "schemes = [\"token\"]\n[schemes.token]\nauto_create = true\n";
    let place = Place::with("", chain);
    django(&place.path("db.sqlite3"), &["adduser", "anna", "pw"], "");
    django(&place.path("db.sqlite3"), &["adduser", "ben", "pw", "--inactive"], "");
    let said = place.point("tokens", &[]);
    assert!(said.state == "warning" && said.text == "1 active users have no token of the scheme token", "{said:?}");
    django(&place.path("db.sqlite3"), &["addtoken", "anna"], "");
    assert_eq!(place.point("tokens", &[]).state, "ok");
    assert!(Place::new().findings(&[]).iter().all(|finding| finding.point != "tokens"));
}

#[test]
fn clients_whose_rate_cannot_be_read_are_named() {
    let chain = "schemes = [\"durin\"]\n[schemes.durin]\nuser_per_client = \"none\"\n";
    let place = Place::with("", chain);
    place.db().execute_batch(include_str!("../../src/store/tables/schema_durin.sql")).unwrap();
    let client = |name: &str, rate: &str| {
        let sql = "INSERT INTO durin_client (name, token_ttl, throttle_rate) VALUES (?1, 86400000000, ?2)";
        place.db().execute(sql, [name, rate]).unwrap();
    };
    client("web", "");
    client("cli", "0/h");
    assert_eq!(place.point("clients", &[]).state, "ok");
    client("bad", "often");
    let said = place.point("clients", &[]);
    assert!(said.state == "failure" && said.text.contains("\"often\" of the client \"bad\""), "{said:?}");
    assert!(said.remedy.contains("throttle_rate in durin_client"), "{said:?}");
    place.configure(&format!("{GOOD}[chains.default]\nschemes = [\"durin\"]\n"));
    assert!(place.findings(&[]).iter().all(|finding| finding.point != "clients"), "nobody reads a rate");
}

// ---------------------------------------------------------------- passwords

#[test]
fn the_cost_of_a_hash_is_measured() {
    let place = Place::with("", PASSWORDS);
    let said = place.point("hash_cost", &[]);
    assert!(said.state == "warning" && said.remedy.contains("[hashers.pbkdf2_sha256]"), "{said:?}");
    let place = Place::with("", "schemes = [\"basic\"]\n");
    assert_eq!(place.point("hash_cost", &[]).state, "ok");
    let slow = "schemes = [\"basic\"]\n[hashers.pbkdf2_sha256]\niterations = 15000000\n";
    let said = Place::with("", slow).point("hash_cost", &[]);
    assert!(said.state == "warning" && said.remedy.starts_with("lower"), "{said:?}");
    assert!(Place::new().findings(&[]).iter().all(|finding| finding.point != "hash_cost"));
}

#[test]
fn stored_hashes_are_counted_by_kind_and_never_shown() {
    let place = Place::with("password_hashers = [\"pbkdf2_sha256\", \"md5\"]\n", PASSWORDS);
    let add = |name: &str, hasher: &str| {
        django(&place.path("db.sqlite3"), &["adduser", name, "geheim", "--hasher", hasher], "");
    };
    let hashes = || -> Vec<_> {
        let findings = place.findings(&[]).into_iter().filter(|finding| finding.point == "hashes");
        findings.map(|finding| (finding.state, finding.text, finding.remedy)).collect()
    };
    add("anna", "default");
    assert_eq!(hashes()[0].1, "all of the preferred kind");
    add("ben", "argon2");
    add("carl", "md5");
    let set = |name: &str, encoded: &str| {
        let sql = "INSERT INTO auth_user (username, password, first_name, last_name, email, is_active, is_staff, \
                   is_superuser, date_joined) VALUES (?1, ?2, '', '', '', 1, 0, 0, '2020-01-01')";
        place.db().execute(sql, [name, encoded]).unwrap();
    };
    for number in 0..5 {
        set(&format!("user{number}"), "ge$heim");
    }
    set("dora", "pbkdf2_sha256$900$salt$x");
    set("nobody", "!unusable");
    set("remote", "");
    let expected = [
        (
            "warning",
            "1 user (ben) cannot log in: hash argon2, which is not listed",
            "add \"argon2\" to `password_hashers`",
        ),
        ("warning", "5 users cannot log in: hash of no known form, which is not listed", "set new passwords"),
        ("warning", "1 user (carl): hash md5, which hides no password", "set new passwords; `rehash = true`"),
        ("ok", "1 hashes are not as a new one would be; `rehash = true` would replace it at a login", ""),
    ];
    let found = hashes();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((state, text, remedy), expected) in found.iter().zip(expected) {
        assert_eq!((state.as_str(), text.as_str()), (expected.0, expected.1));
        assert!(remedy.starts_with(expected.2), "{remedy}");
    }
}

// ---------------------------------------------------------------- policy

#[test]
fn what_had_better_not_be_allowed_is_named() {
    let session = "schemes = [\"session\"]\n";
    let remote = "schemes = [\"remote_user\"]\n[schemes.remote_user]\nheader = \"HTTP_X_USER\"\n";
    for (top, chain, point, state, text) in [
        ("", PASSWORDS, "throttle", "ok", "failed logins are counted"),
        ("throttle.enabled = false\n", PASSWORDS, "throttle", "warning", "without end"),
        ("exact = true\n", PASSWORDS, "throttle", "warning", "without end"),
        ("throttle.enabled = false\nendpoints.login = {}\n", session, "throttle", "warning", "without end"),
        ("", session, "chains", "ok", "every scheme is asked"),
        ("schemes.bearer = { type = \"token\" }\n", session, "chains", "warning", "no chain asks the scheme bearer"),
        ("", session, "allowed_hosts", "ok", "example.com"),
        ("", session, "trusted_proxies", "ok", "none"),
        (
            "trusted_proxies = [\"10.0.0.1\"]\nuse_x_forwarded_host = true\n",
            session,
            "trusted_proxies",
            "ok",
            "10.0.0.1",
        ),
        ("use_x_forwarded_host = true\n", session, "trusted_proxies", "warning", "in vain: use_x_forwarded_host"),
        ("trusted_proxies = [\"0.0.0.0/0\"]\n", session, "trusted_proxies", "warning", "0.0.0.0/0 is everybody"),
        ("", remote, "trusted_proxies", "warning", "in vain: header of remote_user"),
        ("", session, "tls", "ok", "nothing takes passwords or tokens in clear text"),
        ("", PASSWORDS, "tls", "warning", "in clear text: default"),
        (
            "",
            &format!("require_tls = true\n{PASSWORDS}"),
            "tls",
            "ok",
            "nothing takes passwords or tokens in clear text",
        ),
        ("", "schemes = [\"session\"]\n[endpoints.login]\n", "tls", "warning", "by endpoints: login"),
        (
            "",
            "schemes = [\"session\"]\nrequire_tls = true\n[endpoints.login]\nchain = \"default\"\n",
            "tls",
            "ok",
            "nothing takes passwords or tokens in clear text",
        ),
        ("", "schemes = [\"session\"]\n[serve]\ntrusted = [\"::/0\"]\n", "serve", "warning", "::/0 is everybody"),
        ("", "schemes = [\"session\"]\n[serve]\nlisten = \"0.0.0.0:1\"\n", "serve", "warning", "without encryption"),
        ("", session, "cookies", "ok", "sent over TLS only"),
        ("session_cookie_httponly = false\n", session, "cookies", "warning", "scripts of the page"),
    ] {
        let said = Place::with(top, chain).point(point, &[]);
        assert!(said.state == state && said.text.contains(text), "{top}{chain}: {said:?}");
        assert_eq!(said.remedy.is_empty(), state == "ok", "{said:?}");
    }
}

#[test]
fn cookies_and_hosts_without_their_settings_are_named() {
    let place = Place::new();
    let bare = "database = \"sqlite:db.sqlite3\"\nsecret_key = { file = \"secret_key\" }\n";
    place.configure(&format!("{bare}[chains.default]\nschemes = [\"session\"]\n"));
    let findings = place.findings(&[]);
    for text in ["the session cookie is also sent", "the csrf cookie is also sent", "accepted under any host name"] {
        let found = findings.iter().find(|finding| finding.text.contains(text));
        assert!(found.is_some_and(|finding| finding.state == "warning"), "{text}: {findings:#?}");
    }
    place.configure(&format!("{bare}session_cookie_samesite = \"None\"\n[chains.api]\nschemes = [\"session\"]\n"));
    assert!(place.point("cookies", &[]).text.contains("browsers drop the session cookie"));
    assert!(place.point("chains", &[]).text.contains("no chain `default`"));
}

#[test]
fn session_files_are_kept_from_others() {
    let place = Place::with("session_engine = \"file\"\nsession_file_path = \"kept\"\n", "schemes = [\"session\"]\n");
    place.is_mended("session_files", &[], "failure", "is not there");
    mode(&place.path("kept"), 0o755);
    place.is_mended("session_files", &[], "warning", "whose names are their keys");
}
