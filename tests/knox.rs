//! `knox`: the whole chain, its endpoints, functions and commands over databases that Django made with
//! django-rest-knox, and both on one database. What knox answers in detail is replayed in tests/replay.rs.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::ptr;

use authchain::capi::status::auth_status::{self, *};
use authchain::capi::token::*;
use authchain::capi::user::{auth_user_free, auth_user_name};
use serde_json::Value;
use support::{Host, Outcome, Site, USUAL, basic, django, root, string, text};

/// Chains of both kinds, and the endpoints.
const KNOX: &str = r#"
[schemes.knox]
[chains.knox]
schemes = ["knox"]
[chains.both]
schemes = ["knox", "basic"]
[endpoints.knox_login]
chain = "default"
[endpoints.knox_logout]
chain = "both"
[endpoints.knox_logoutall]
chain = "both"
"#;

/// The configuration with more options of the scheme; it waits for others who write.
fn config(options: &str) -> String {
    let usual = USUAL.replace("timeout = 0", "timeout = 30");
    format!("{usual}{}", KNOX.replace("[schemes.knox]", &format!("[schemes.knox]\n{options}")))
}

/// The token that a label of the recorded database stands for. Those used here do not end.
fn token(label: &str) -> String {
    let manifest = std::fs::read_to_string(root().join("tests/vectors/knox/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["knox"][label]["token"].as_str().unwrap_or_else(|| panic!("{label}")).to_owned()
}

fn ask(host: &Host, token: &str) -> Outcome {
    host.ask_chain("knox", &[("Authorization", &format!("Token {token}"))])
}

fn post(host: &Host, endpoint: &str, authorization: &str) -> Outcome {
    host.send("POST", endpoint, &[("Authorization", authorization)], Some(""))
}

/// The token in the answer of a login.
fn given(outcome: &Outcome) -> String {
    let body: Value = serde_json::from_str(&outcome.body).unwrap_or_else(|_| panic!("{outcome:?}"));
    body["token"].as_str().unwrap_or_else(|| panic!("{outcome:?}")).to_owned()
}

/// What a process of its own says to these lines.
fn batch(config: &Path, lines: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    command.arg("--config").arg(config).args(["explain", "--batch"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(lines.as_bytes()));
        child.wait_with_output().unwrap()
    });
    let output = String::from_utf8(output.stdout).unwrap();
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn count(site: &Site, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM knox_authtoken WHERE {condition}");
    site.other().query_row(&sql, [], |row| row.get(0)).unwrap()
}

// ---------------------------------------------------------------- the scheme

#[test]
fn who_gets_in_with_a_token_of_knox() {
    let site = Site::of_vectors("knox");
    let host = site.host(KNOX);
    let good = token("good/member01");
    for (header, expected) in [
        (format!("Token {good}"), "member01"),
        (format!("tOKEN\t{good} "), "member01"),
        (format!("Token {}", good.to_uppercase()), "knox.unknown"),
        (format!("Token {}", &good[..15]), "knox.unknown"),
        ("Token".to_owned(), "knox.missing"),
        ("Token a b".to_owned(), "knox.spaces"),
        (format!("Token {}", token("expired/alone")), "knox.unknown"),
        (format!("Token {}", token("inactive/never")), "user.inactive"),
        ("Bearer x".to_owned(), "chain.no_credentials"),
    ] {
        let outcome = host.ask_chain("knox", &[("Authorization", &header)]);
        assert_eq!(outcome.said(), expected, "{header:?}");
    }
    let nobody = host.ask_chain("knox", &[]);
    assert_eq!((nobody.http, nobody.header("WWW-Authenticate")), (401, Some("Token")));
}

#[test]
fn an_expired_token_is_deleted_and_so_are_those_beside_a_good_one() {
    let site = Site::of_vectors("knox");
    let host = site.host(KNOX);
    assert_eq!(count(&site, "user_id = (SELECT id FROM auth_user WHERE username = 'carol')"), 2);
    assert_eq!(ask(&host, &token("siblings/never")).said(), "carol");
    assert_eq!(count(&site, "user_id = (SELECT id FROM auth_user WHERE username = 'carol')"), 1);
    let expired = token("expired/alone");
    let key = format!("token_key = '{}'", &expired[..15]);
    assert_eq!(ask(&host, &format!("{}{}", &expired[..15], "0".repeat(49))).said(), "knox.unknown");
    assert_eq!(count(&site, &key), 1, "fifteen characters are no proof");
    assert_eq!(ask(&host, &expired).said(), "knox.unknown");
    assert_eq!(count(&site, &key), 0);
}

#[test]
fn fifteen_characters_write_in_exact_mode_only() {
    let site = Site::of_vectors("knox");
    let host = site.try_host(&format!("exact = true\n{USUAL}{KNOX}")).unwrap();
    let expired = token("expired/alone");
    assert_eq!(ask(&host, &format!("{}{}", &expired[..15], "0".repeat(49))).said(), "knox.unknown");
    assert_eq!(count(&site, &format!("token_key = '{}'", &expired[..15])), 0);
}

#[test]
fn an_end_is_put_off_when_that_is_by_more_than_the_interval() {
    let site = Site::of_vectors("knox");
    let host = site.host(&KNOX.replace("[schemes.knox]", "[schemes.knox]\nauto_refresh = true"));
    let path = site.folder.path().join("authchain.toml");
    std::fs::write(&path, format!("{USUAL}{}", KNOX.replace("[schemes.knox]", "[schemes.knox]\nauto_refresh = true")))
        .unwrap();
    let ends = |label: &str| -> String {
        let sql = "SELECT expiry FROM knox_authtoken WHERE token_key = ?1";
        site.other().query_row(sql, [&token(label)[..15]], |row| row.get(0)).unwrap()
    };
    for (label, moves) in
        [("renew/59 s", false), ("renew/60 s", false), ("renew/60 s and more", true), ("renew/later", false)]
    {
        let before = ends(label);
        // 2024-01-02 04:00:00, the moment that the labels speak of.
        let line = format!(
            "{{\"chain\":\"knox\",\"at\":1704168000,\"persist\":true,\"headers\":[[\"Authorization\",\"Token {}\"]]}}",
            token(label)
        );
        let said = batch(&path, &line);
        assert_eq!(said[0]["verdict"]["user"], "short-salt", "{label}: {said:?}");
        let after = if moves { "2024-01-02 14:00:00".to_owned() } else { before };
        assert_eq!(ends(label), after, "{label}");
    }
    let never = token("renew/never");
    assert_eq!(ask(&host, &never).said(), "short-salt");
    assert_eq!(count(&site, &format!("token_key = '{}' AND expiry IS NULL", &never[..15])), 1);
}

#[test]
fn a_database_that_cannot_be_written_lets_nobody_else_in() {
    let site = Site::of_vectors("knox");
    let host = site.host(&KNOX.replace("[schemes.knox]", "[schemes.knox]\nauto_refresh = true"));
    let other = site.other();
    other.execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE").unwrap();
    assert_eq!(ask(&host, &token("siblings/never")).said(), "carol");
    assert_eq!(ask(&host, &token("expired/alone")).said(), "knox.unknown");
    let (status, http) = (AUTH_ESTORE, 503);
    let outcome = post(&host, "knox_login", &basic("alice", "wonderland-1"));
    assert_eq!((outcome.status, outcome.http), (status, http), "a login has to be written");
    let outcome = post(&host, "knox_logout", &format!("Token {}", token("siblings/never")));
    assert_eq!((outcome.status, outcome.http), (status, http), "a logout, too");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(count(&site, &format!("token_key = '{}'", &token("expired/alone")[..15])), 1);
}

#[test]
fn a_log_line_and_the_list_name_a_token_alike_and_never_show_it() {
    let site = Site::of_vectors("knox");
    let host = site.host(KNOX);
    let secret = token("inactive/never");
    let log = ask(&host, &secret).log;
    let name = log.split("key=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(log.starts_with("user.inactive key=#") && !log.contains(&secret[..15]), "{log}");
    let list = said(&command(&site, &["token", "list", "inactive", "--scheme", "knox"]));
    assert!(list.contains(name) && list.contains("never"), "{name} {list}");
}

#[test]
fn what_cannot_work_is_a_fault_of_the_configuration() {
    let site = Site::of_vectors("knox");
    for (from, to, expected) in [
        (
            "[schemes.knox]",
            "[schemes.knox]\ntoken_prefix = \"12345678901\"",
            "token_prefix has more than 10 characters",
        ),
        ("[schemes.knox]", "[schemes.knox]\ntoken_model = \"own.Token\"", "expected one of: knox.AuthToken"),
        (
            "[schemes.knox]",
            "[schemes.knox]\nsecure_hash_algorithm = \"hashlib.md5\"",
            "expected one of: hashlib.sha512",
        ),
        ("[schemes.knox]", "[schemes.knox]\nauth_token_character_length = 31", "a whole number from 32"),
        ("[schemes.knox]", "[schemes.knox]\nauth_header_prefix = \"My Token\"", "one word"),
        ("chain = \"default\"", "", "[endpoints.knox_login] has no chain"),
        (
            "chain = \"default\"",
            "chain = \"default\"\nscheme = \"token\"",
            "no scheme of that name keeps tokens of knox",
        ),
        (
            "chain = \"default\"",
            "chain = \"default\"\nuser_serializer = \"own.Serializer\"",
            "user_serializer does not take",
        ),
        (
            "chain = \"default\"",
            "chain = \"default\"\nexpiry_datetime_format = \"%Q\"",
            "has a directive that is not known",
        ),
    ] {
        let fault = site.try_host(&format!("{USUAL}{}", KNOX.replacen(from, to, 1))).err().unwrap_or_default();
        assert!(fault.contains(expected), "{to}: {fault}");
    }
    let obtain = "[schemes.knox]\n[chains.knox]\nschemes = [\"knox\"]\n";
    let usual = USUAL.replace("[endpoints.obtain_auth_token]", "[endpoints.obtain_auth_token]\nscheme = \"knox\"");
    let fault = site.try_host(&format!("{usual}{obtain}")).err().unwrap_or_default();
    assert!(fault.contains("keeps tokens of DRF"), "{fault}");
}

// ---------------------------------------------------------------- the endpoints

#[test]
fn a_login_gives_a_token_a_logout_takes_it_and_logoutall_takes_all() {
    let site = Site::of_vectors("knox");
    let host = site.host(KNOX);
    let outcome = post(&host, "knox_login", &basic("member01", "password of member01"));
    assert_eq!((outcome.status, outcome.http, outcome.user.as_str()), (AUTH_OK, 200, "member01"));
    assert_eq!(outcome.header("Cache-Control"), Some("no-store"));
    let (first, header) = (given(&outcome), format!("Token {}", given(&outcome)));
    assert_eq!(ask(&host, &first).said(), "member01");
    let outcome = post(&host, "knox_logout", &header);
    assert_eq!((outcome.http, outcome.body.as_str(), outcome.header("Content-Type")), (204, "", None));
    assert_eq!(ask(&host, &first).said(), "knox.unknown");
    assert_eq!(post(&host, "knox_logout", &header).http, 401);
    assert_eq!(ask(&host, &token("good/member01")).said(), "member01", "another token of the same user");
    assert_eq!(post(&host, "knox_logoutall", &basic("member01", "password of member01")).http, 204);
    assert_eq!(ask(&host, &token("good/member01")).said(), "knox.unknown");
    assert_eq!(ask(&host, &token("good/member02")).said(), "member02");
}

#[test]
fn who_came_in_with_a_password_has_no_token_to_give_back() {
    let site = Site::of_vectors("knox");
    let outcome = post(&site.host(KNOX), "knox_logout", &basic("member01", "password of member01"));
    assert_eq!((outcome.http, outcome.said().as_str()), (403, "knox.no_token"));
}

#[test]
fn a_logout_of_one_scheme_does_not_pretend_to_revoke_the_token_of_another() {
    let site = Site::of_vectors("knox");
    site.other()
        .execute_batch("CREATE TABLE other AS SELECT * FROM knox_authtoken; DELETE FROM knox_authtoken")
        .unwrap();
    let other = "[schemes.other]\ntype = \"knox\"\ntable = \"other\"\n[chains.other]\nschemes = [\"other\"]\n";
    let logout = "[endpoints.knox_logout]\nchain = \"other\"\n";
    let host = site.host(&format!("{}{other}", KNOX.replace("[endpoints.knox_logout]\nchain = \"both\"\n", logout)));
    let header = format!("Token {}", token("good/member01"));
    let outcome = post(&host, "knox_logout", &header);
    assert_eq!((outcome.http, outcome.said().as_str()), (403, "knox.no_token"));
    assert_eq!(host.ask_chain("other", &[("Authorization", &header)]).said(), "member01");
}

#[test]
fn an_endpoint_for_users_asks_who_it_is_before_the_method() {
    let site = Site::of_vectors("knox");
    let host = site.host(KNOX);
    let nobody = host.send("GET", "knox_login", &[], None);
    assert_eq!((nobody.http, nobody.header("WWW-Authenticate")), (401, Some("Basic realm=\"api\"")));
    let good = basic("member01", "password of member01");
    let outcome = host.send("GET", "knox_login", &[("Authorization", &good)], None);
    assert_eq!((outcome.http, outcome.header("Allow")), (405, Some("POST, OPTIONS")));
}

#[test]
fn the_end_of_a_token_is_told_in_the_zone_of_django() {
    let site = Site::of_vectors("knox");
    for (zone, end) in [("use_tz = true\ntime_zone = \"Asia/Kolkata\"", "+05:30\""), ("use_tz = false", "\"")] {
        let host = site.try_host(&format!("{zone}\n{USUAL}{KNOX}")).unwrap();
        let outcome = post(&host, "knox_login", &basic("member01", "password of member01"));
        let body: Value = serde_json::from_str(&outcome.body).unwrap();
        let expiry = body["expiry"].to_string();
        assert!(expiry.ends_with(end) && !expiry.contains('Z') && expiry.len() == 27 + end.len(), "{zone}: {expiry}");
    }
}

// ---------------------------------------------------------------- functions and commands

fn create(host: &Host, user: &str, flags: u32) -> (auth_status, String) {
    let mut options: auth_token_options = unsafe { std::mem::zeroed() };
    options.size = size_of::<auth_token_options>();
    (options.kind, options.user, options.flags) = (text("knox"), text(user), flags);
    let mut token = ptr::null_mut();
    unsafe {
        let status = auth_token_create(Some(host.context()), &raw const options, &raw mut token);
        let key = string(auth_token_key(token.as_ref()));
        if !token.is_null() {
            auth_token_free(Some(Box::from_raw(token)));
        }
        (status, key)
    }
}

fn verify(host: &Host, token: &str) -> (auth_status, String) {
    let mut user = ptr::null_mut();
    unsafe {
        let status = auth_token_verify(Some(host.context()), text("knox"), text(token), &raw mut user);
        let name = string(auth_user_name(user.as_ref()));
        if !user.is_null() {
            auth_user_free(Some(Box::from_raw(user)));
        }
        (status, name)
    }
}

#[test]
fn tokens_are_made_checked_and_revoked_by_functions() {
    let site = Site::of_vectors("knox");
    let host = site.try_host(&config("token_limit_per_user = 2\ntoken_prefix = \"svc_\"")).unwrap();
    let (status, first) = create(&host, "caseuser", 0);
    assert!(status == AUTH_OK && first.starts_with("svc_") && first.len() == 68, "{status:?} {}", first.len());
    assert_eq!(verify(&host, &first), (AUTH_OK, "caseuser".to_owned()));
    assert_eq!(ask(&host, &first).said(), "caseuser");
    assert_eq!(create(&host, "caseuser", 0).0, AUTH_OK);
    assert_eq!(create(&host, "caseuser", 0), (AUTH_REFUSED, String::new()), "two is the limit");
    assert_eq!(create(&host, "member09", AUTH_TOKEN_RESET).0, AUTH_ENOTSUP);
    assert_eq!(create(&host, "nobody", 0).0, AUTH_REFUSED);
    let revoke = |token: &str| unsafe { auth_token_revoke(Some(host.context()), text("knox"), text(token)) };
    assert_eq!((revoke(&first), revoke(&first)), (AUTH_OK, AUTH_REFUSED));
    assert_eq!(verify(&host, &first).0, AUTH_REFUSED);
    assert_eq!(verify(&host, &token("inactive/never")).0, AUTH_REFUSED);
    let expired = token("expired/alone");
    assert_eq!(verify(&host, &expired).0, AUTH_REFUSED);
    assert_eq!(count(&site, &format!("token_key = '{}'", &expired[..15])), 1, "to check is not to use");
}

/// Runs the command on the site's database.
fn command(site: &Site, args: &[&str]) -> Output {
    let path = site.folder.path().join("authchain.toml");
    std::fs::write(&path, config("token_limit_per_user = 6")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_authchain")).arg("--config").arg(path).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_command_makes_lists_revokes_and_purges_tokens_of_knox() {
    let site = Site::of_vectors("knox");
    let made = said(&command(&site, &["token", "create", "member01", "--scheme", "knox"]));
    let token = made.split(' ').nth(2).unwrap();
    assert_eq!(ask(&site.host(KNOX), token).said(), "member01");
    let list = said(&command(&site, &["token", "list", "member01", "--scheme", "knox", "--json"]));
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["expires"]), (2, &Value::Null));
    assert!(list[1]["expires"].is_string() && !list.to_string().contains(&token[..15]), "{list}");
    let revoked = said(&command(&site, &["token", "revoke", token, "--scheme", "knox"]));
    assert_eq!(revoked, "revoked 1 token\n");
    assert_eq!(ask(&site.host(KNOX), token).said(), "knox.unknown");
    let expired = count(&site, "expiry < '2026-01-01'");
    assert!(expired > 50, "{expired}");
    let purged = said(&command(&site, &["token", "purge"]));
    assert_eq!(purged, format!("removed {expired} tokens that had expired\n"));
    assert_eq!((count(&site, "expiry < '2026-01-01'"), count(&site, "expiry IS NULL") > 5), (0, true));
    let output = command(&site, &["token", "purge", "--scheme", "token"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("do not expire"));
    let output = command(&site, &["token", "create", "member01", "--scheme", "knox", "--reset"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("cannot be replaced"));
    for _ in 0..5 {
        said(&command(&site, &["token", "create", "member01", "--scheme", "knox"]));
    }
    let output = command(&site, &["token", "create", "member01", "--scheme", "knox"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("token_limit_per_user"));
    assert_eq!(
        said(&command(&site, &["token", "revoke", "--user", "member01", "--scheme", "knox"])),
        "revoked 6 tokens\n"
    );
}

// ---------------------------------------------------------------- many at once

const LIMIT: i64 = 10;

/// 1,000 logins of one user: two threads of this process, two processes of their own.
#[test]
fn logins_at_once_never_go_beyond_the_limit() {
    let site = Site::of_vectors("knox");
    site.other().execute_batch("PRAGMA journal_mode = WAL; DELETE FROM knox_authtoken").unwrap();
    let config = config(&format!("token_limit_per_user = {LIMIT}"));
    let (host, path) = (site.try_host(&config).unwrap(), site.folder.path().join("authchain.toml"));
    std::fs::write(&path, &config).unwrap();
    let header = basic("member01", "password of member01");
    let line = format!(
        "{{\"chain\":\"default\",\"method\":\"POST\",\"path\":\"/api/auth/login/\",\"persist\":true,\"headers\":[[\"Authorization\",\"{header}\"]]}}\n"
    );
    let in_process = || {
        let answers = batch(&path, &line.repeat(250));
        answers.iter().map(|answer| answer["endpoint"]["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let in_thread = || (0..250).map(|_| u64::from(post(&host, "knox_login", &header).http)).collect::<Vec<_>>();
    let answers: Vec<u64> = std::thread::scope(|scope| {
        let all = [scope.spawn(in_thread), scope.spawn(in_thread), scope.spawn(in_process), scope.spawn(in_process)];
        all.into_iter().flat_map(|each| each.join().unwrap()).collect()
    });
    let of = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((answers.len(), of(200), of(403)), (1000, 10, 990));
    assert_eq!(count(&site, "1"), LIMIT);
}

// ---------------------------------------------------------------- beside the real knox

/// A database that Django made, with alice and with bob, who is switched off.
fn live() -> Site {
    let site = Site { folder: tempfile::tempdir().unwrap() };
    let knox = |args: &[&str]| django(&site.database(), &[&["--knox"], args].concat(), "");
    knox(&["migrate", "--wal"]);
    knox(&["adduser", "alice", "pw", "--staff", "--superuser"]);
    knox(&["adduser", "bob", "pw", "--inactive"]);
    site
}

#[test]
fn tokens_of_knox_are_accepted_here() {
    let site = live();
    let host = site.try_host(&config("")).unwrap();
    let knox = |args: &[&str]| django(&site.database(), &[&["--knox"], args].concat(), "");
    for args in [&["addknox", "alice"][..], &["addknox", "alice", "60"], &["addknox", "alice", "never"]] {
        let token = knox(args);
        assert_eq!(ask(&host, &token).said(), "alice");
        assert_eq!(verify(&host, &token), (AUTH_OK, "alice".to_owned()));
    }
    assert_eq!(ask(&host, &knox(&["addknox", "bob"])).said(), "user.inactive");
    assert_eq!(ask(&host, &knox(&["addknox", "alice", "-1"])).said(), "knox.unknown");
    let answer = knox(&["knoxview", "login", "alice", "pw"]);
    let body: Value = serde_json::from_str(answer.strip_prefix("200 ").unwrap()).unwrap();
    let token = body["token"].as_str().unwrap();
    assert_eq!(ask(&host, token).said(), "alice");
    assert_eq!(post(&host, "knox_logout", &format!("Token {token}")).http, 204);
    assert_eq!(knox(&["checkknox", token]), "refused: Invalid token.");
}

#[test]
fn tokens_made_here_are_accepted_by_knox() {
    let site = live();
    let host = site.try_host(&config("token_prefix = \"svc_\"")).unwrap();
    let knox = |args: &[&str]| django(&site.database(), &[&["--knox"], args].concat(), "");
    let login = given(&post(&host, "knox_login", &basic("alice", "pw")));
    let function = create(&host, "alice", 0).1;
    let made = said(&command(&site, &["token", "create", "alice", "--scheme", "knox"]));
    let command = made.split(' ').nth(2).unwrap();
    for token in [&login, &function, command] {
        assert_eq!(knox(&["checkknox", token]), "alice");
    }
    assert_eq!(knox(&["checkknox", &create(&host, "bob", 0).1]), "refused: User inactive or deleted.");
    assert_eq!(knox(&["knoxadmin", "alice", "pw"]), "200 4", "the page of Django's admin shows them");
    assert_eq!(knox(&["pending"]), "Planned operations:\n  No planned migration operations.");
    assert_eq!(knox(&["knoxview", "logout", "alice", &login]), "204");
    assert_eq!(ask(&host, &login).said(), "knox.unknown");
    assert_eq!(knox(&["knoxview", "logoutall", "alice", &function]), "204");
    assert_eq!(ask(&host, command).said(), "knox.unknown");
}

#[test]
fn local_times_and_other_users_are_knox_s_too() {
    let site = Site { folder: tempfile::tempdir().unwrap() };
    let options = ["--knox", "--no-tz", "--custom-user"];
    let knox = |args: &[&str]| django(&site.database(), &[&options, args].concat(), "");
    knox(&["migrate", "--wal"]);
    knox(&["adduser", "anna@example.com", "pw"]);
    let config = config("auto_refresh = true\ntoken_limit_per_user = 4");
    let host = site.try_host(&format!("use_tz = false\ntime_zone = \"Europe/Berlin\"\n{config}{PEOPLE}")).unwrap();
    for seconds in ["never", "90"] {
        assert_eq!(ask(&host, &knox(&["addknox", "anna@example.com", seconds])).said(), "anna@example.com");
    }
    let end: String = site.other().query_row("SELECT max(expiry) FROM knox_authtoken", [], |row| row.get(0)).unwrap();
    let now: String =
        site.other().query_row("SELECT datetime('now', '+10 hours', '+30 minutes')", [], |row| row.get(0)).unwrap();
    assert!(end > now, "the end was put off to ten hours from now, on the clock of Berlin: {end} {now}");
    assert_eq!(ask(&host, &knox(&["addknox", "anna@example.com", "-1"])).said(), "knox.unknown");
    let outcome = post(&host, "knox_login", &basic("anna@example.com", "pw"));
    assert_eq!(knox(&["checkknox", &given(&outcome)]), "anna@example.com");
    let body: Value = serde_json::from_str(&outcome.body).unwrap();
    let end: String = site.other().query_row("SELECT max(expiry) FROM knox_authtoken", [], |row| row.get(0)).unwrap();
    assert_eq!(body["expiry"], end.replace(' ', "T"), "no offset");
    assert_eq!(create(&host, "anna@example.com", 0).0, AUTH_OK);
    assert_eq!(create(&host, "anna@example.com", 0).0, AUTH_REFUSED);
}

/// The users of tests/peer/people.
const PEOPLE: &str = r#"
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
"#;
