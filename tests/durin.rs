//! `durin`: the whole chain, its endpoints, functions and commands over databases that Django made with
//! django-rest-durin, and both on one database. What durin answers in detail is replayed in tests/replay.rs.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::ptr;

use authchain::capi::status::auth_status::{self, *};
use authchain::capi::token::*;
use authchain::capi::user::{auth_user_free, auth_user_name};
use serde_json::{Value, json};
use support::{Host, Outcome, Site, USUAL, basic, django, root, string, text};

const DURIN: &str = r#"
[schemes.durin]
[chains.durin]
schemes = ["durin"]
[chains.both]
schemes = ["durin", "basic"]
[endpoints.durin_login]
[endpoints.durin_refresh]
chain = "both"
[endpoints.durin_logout]
chain = "both"
[endpoints.durin_logoutall]
chain = "both"
[endpoints.durin_sessions]
chain = "both"
[endpoints.durin_apiaccess]
chain = "both"
api_access_client_name = "api"
"#;

/// The configuration with more options of the scheme; it waits for others who write.
fn config(options: &str) -> String {
    let usual = USUAL.replace("timeout = 0", "timeout = 30");
    format!("{usual}{}", DURIN.replace("[schemes.durin]", &format!("[schemes.durin]\n{options}")))
}

fn config_file(site: &Site, options: &str) -> PathBuf {
    let path = site.folder.path().join("authchain.toml");
    std::fs::write(&path, config(options)).unwrap();
    path
}

/// A database of the corpus, whose tokens last ten years more.
fn recorded() -> Site {
    let site = Site::of_vectors("durin");
    let later = "UPDATE durin_authtoken SET expiry = '2099' || substr(expiry, 5) WHERE expiry > '2024-01-02 04'";
    site.other().execute(later, []).unwrap();
    site
}

/// The token that a label of the recorded database stands for.
fn token(label: &str) -> String {
    entry(label)["token"].as_str().unwrap_or_else(|| panic!("{label}")).to_owned()
}

fn entry(label: &str) -> Value {
    let manifest = std::fs::read_to_string(root().join("tests/vectors/durin/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["durin"][label].clone()
}

fn ask(host: &Host, token: &str) -> Outcome {
    host.ask_chain("durin", &[("Authorization", &format!("Token {token}"))])
}

fn post(host: &Host, endpoint: &str, authorization: &str) -> Outcome {
    host.send("POST", endpoint, &[("Authorization", authorization)], Some(""))
}

fn log_in(host: &Host, name: &str, password: &str, client: &str) -> Outcome {
    let body = json!({ "username": name, "password": password, "client": client }).to_string();
    host.send("POST", "durin_login", &[("Content-Type", "application/json")], Some(&body))
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
    let sql = format!("SELECT count(*) FROM durin_authtoken WHERE {condition}");
    site.other().query_row(&sql, [], |row| row.get(0)).unwrap()
}

// ---------------------------------------------------------------- the scheme

#[test]
fn who_gets_in_with_a_token_of_durin() {
    let site = recorded();
    let host = site.host(DURIN);
    let good = token("good/alice");
    for (header, expected) in [
        (format!("Token {good}"), "alice"),
        (format!("tOKEN\t{good} "), "alice"),
        (format!("Token {}", good.to_uppercase()), "durin.unknown"),
        ("Token".to_owned(), "durin.missing"),
        ("Token a b".to_owned(), "durin.spaces"),
        (format!("Token {}", token("expired/long ago")), "durin.expired"),
        (format!("Token {}", token("inactive/good")), "user.inactive"),
        (format!("Token {}", token("inactive/expired")), "durin.expired"),
        ("Bearer x".to_owned(), "chain.no_credentials"),
    ] {
        let outcome = host.ask_chain("durin", &[("Authorization", &header)]);
        assert_eq!(outcome.said(), expected, "{header:?}");
        assert!(!outcome.log.contains(&good[..15]), "{}", outcome.log);
    }
    let nobody = host.ask_chain("durin", &[]);
    assert_eq!((nobody.http, nobody.header("WWW-Authenticate")), (401, Some("Token")));
}

#[test]
fn an_expired_token_is_deleted_and_another_one_stays() {
    let site = recorded();
    let host = site.host(DURIN);
    let is_of_bob = "user_id = (SELECT id FROM auth_user WHERE username = 'bob')";
    let expired = token("expired/beside a good one");
    assert_eq!((ask(&host, &expired).said().as_str(), count(&site, is_of_bob)), ("durin.expired", 1));
    assert_eq!(ask(&host, &expired).said(), "durin.unknown");
    assert_eq!(ask(&host, &token("good/beside an expired one")).said(), "bob");
}

#[test]
fn a_database_that_cannot_be_written_lets_nobody_else_in() {
    let site = recorded();
    let host = site.host(DURIN);
    let other = site.other();
    other.execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE").unwrap();
    assert_eq!(ask(&host, &token("good/alice")).said(), "alice");
    assert_eq!(ask(&host, &token("expired/long ago")).said(), "durin.expired");
    for outcome in [
        log_in(&host, "alice", "wonderland-1", "web"),
        post(&host, "durin_logout", &format!("Token {}", token("good/alice"))),
        post(&host, "durin_refresh", &format!("Token {}", token("good/alice"))),
    ] {
        assert_eq!((outcome.status, outcome.http), (AUTH_ESTORE, 503));
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(count(&site, &format!("token = '{}'", token("expired/long ago"))), 1);
}

#[test]
fn clients_are_let_in_by_their_names() {
    let site = recorded();
    for (options, expected) in [
        ("allow_clients = [\"web\"]", ["alice", "durin.client"]),
        ("deny_clients = [\"web\"]", ["durin.client", "alice"]),
        ("allow_clients = [\"web\", \"cli\"]\ndeny_clients = [\"cli\"]", ["alice", "durin.client"]),
        ("", ["alice", "alice"]),
    ] {
        let host = site.try_host(&config(options)).unwrap();
        let said = ["good/alice", "client/cli"].map(|label| ask(&host, &token(label)).said());
        assert_eq!(said, expected, "{options}");
    }
    let host = site.try_host(&config("allow_clients = [\"web\"]")).unwrap();
    let refused = ask(&host, &token("client/cli"));
    assert_eq!((refused.http, refused.header("WWW-Authenticate")), (403, None));
    assert_eq!(refused.body, r#"{"detail":"You do not have permission to perform this action."}"#);
    let password = [("Authorization", basic("alice", "wonderland-1"))];
    let password = password.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(host.ask_chain("both", &password).said(), "alice", "a password has no client");
}

/// A chain that does not heed the scheme.
fn optional(option: &str) -> String {
    format!("[{{ scheme = \"durin\", control = \"optional\", {option} }}, \"basic\"]")
}

#[test]
fn what_cannot_work_is_a_fault_of_the_configuration() {
    let site = recorded();
    for (from, to, expected) in [
        ("[schemes.durin]", "[schemes.durin]\ntoken_character_length = 31", "a whole number from 32"),
        ("[schemes.durin]", "[schemes.durin]\nauth_header_prefix = \"My Token\"", "one word"),
        ("[schemes.durin]", "[schemes.durin]\ntoken_cache_timeout = 60", "unknown key \"token_cache_timeout\""),
        ("[schemes.durin]", "[schemes.durin]\nuser_per_client = \"often\"", "user_per_client is no rate of DRF"),
        ("durin_refresh]\nchain = \"both\"", "durin_refresh]", "[endpoints.durin_refresh] has no chain"),
        ("[endpoints.durin_login]", "[endpoints.durin_login]\nscheme = \"token\"", "keeps tokens of durin"),
        ("[endpoints.durin_login]", "[endpoints.durin_login]\nuser_serializer = \"own.X\"", "user_serializer does not"),
        ("[endpoints.durin_login]", "[endpoints.durin_login]\nexpiry_datetime_format = \"%Q\"", "is not known"),
        ("api_access_client_name = \"api\"", "", "has no api_access_client_name"),
        ("[\"durin\"]", &optional("user_per_client = \"none\""), ":32: user_per_client keeps nobody out"),
        ("[\"durin\"]", &optional("allow_clients = [\"web\"]"), "allow_clients keeps nobody out"),
        ("[\"durin\"]", &optional("deny_clients = [\"web\"]"), "expected another control, or no deny_clients"),
    ] {
        let fault = site.try_host(&format!("{USUAL}{}", DURIN.replacen(from, to, 1))).err().unwrap_or_default();
        assert!(fault.contains(expected), "{to}: {fault}");
    }
}

// ---------------------------------------------------------------- the throttle

/// durin's answers to requests at these moments of one user by a client with this rate, and ours.
#[test]
fn requests_of_a_client_are_throttled_as_by_durin() {
    let site = live();
    let durin = |args: &[&str], input: &str| django(&site.database(), &[&["--durin"], args].concat(), input);
    for (client, rate, usual) in
        [("own", "2/m", "9/s"), ("usual", "", "3/minute"), ("stopped", "0/h", ""), ("free", "", "")]
    {
        durin(&["addclient", client, "1 00:00:00", rate], "");
        let token = durin(&["adddurin", "alice", client], "");
        let begin = now() + 10; // a clock that runs ahead by seconds is no other clock
        let moments = [0, 1, 2, 30, 59, 60, 61, 61, 62, 90, 119, 121, 122, 200].map(|second| begin + second);
        let input: String = moments.iter().map(|moment| format!("{moment}\n")).collect();
        let usual_there: Vec<&str> = Some(usual).filter(|rate| !rate.is_empty()).into_iter().collect();
        let theirs = durin(&[&["throttled", &token], &usual_there[..]].concat(), &input);
        let word = if usual.is_empty() { "none" } else { usual };
        let path = config_file(&site, &format!("user_per_client = \"{word}\""));
        let line = |moment: &i64| {
            let headers = [["Authorization", &format!("Token {token}")]];
            json!({ "chain": "durin", "at": moment, "headers": headers, "persist": true }).to_string() + "\n"
        };
        let said = batch(&path, &moments.iter().map(line).collect::<String>());
        let ours: Vec<_> = said.iter().map(|answer| shown(&answer["verdict"])).collect();
        assert_eq!(ours.join("\n"), theirs.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"), "{client}");
        assert_eq!(theirs.contains("429"), client != "free", "{theirs}");
    }
}

/// As tests/peer/site.py says it.
fn shown(verdict: &Value) -> String {
    let headers = verdict["headers"].as_array().unwrap();
    let wait = headers.iter().find(|header| header[0] == "Retry-After").map_or("None", |h| h[1].as_str().unwrap());
    let body = if verdict["body"].is_null() { String::new() } else { format!(" {}", verdict["body"]) };
    format!("{} {wait}{body}", verdict["status"])
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[test]
fn a_throttle_of_durin_holds_across_threads_and_processes() {
    let site = recorded();
    let options = "user_per_client = \"40/d\"";
    let (host, path) = (site.try_host(&config(options)).unwrap(), config_file(&site, options));
    let header = format!("Token {}", token("good/alice"));
    let line = json!({ "chain": "durin", "headers": [["Authorization", header]], "persist": true }).to_string() + "\n";
    let in_process = || {
        let answers = batch(&path, &line.repeat(30));
        answers.iter().filter(|answer| answer["verdict"]["status"] == 200).count()
    };
    let good = token("good/alice");
    let in_thread = || (0..30).filter(|_| ask(&host, &good).status == AUTH_OK).count();
    let passed: usize = std::thread::scope(|scope| {
        let all = [(); 2].map(|()| scope.spawn(in_thread)).into_iter().chain([scope.spawn(in_process)]);
        all.map(|each| each.join().unwrap()).sum()
    });
    assert_eq!(passed, 40);
    let refused = ask(&host, &token("good/alice"));
    assert_eq!((refused.status, refused.http, refused.said().as_str()), (AUTH_THROTTLED, 429, "durin.throttled"));
    assert_eq!(ask(&host, &token("client/cli")).said(), "alice", "another client of the same user goes on");
    assert_eq!(said(&command(&site, &["throttle", "clear", "--requests"])), "cleared 41 requests\n");
    assert_eq!(ask(&host, &token("good/alice")).said(), "alice");
    assert_eq!(said(&command(&site, &["throttle", "clear", "--requests"])), "cleared 1 request\n");
}

#[test]
fn a_token_can_be_given_back_beyond_its_rate_but_in_exact_mode() {
    for (exact, passes) in [(false, true), (true, false)] {
        let site = recorded();
        let top = format!("exact = {exact}\n{}", config("user_per_client = \"1/d\""));
        let host = site.try_host(&top).unwrap();
        let header = format!("Token {}", token("good/alice"));
        assert_eq!(ask(&host, &token("good/alice")).said(), "alice");
        assert_eq!(ask(&host, &token("good/alice")).http, 429);
        assert_eq!(post(&host, "durin_refresh", &header).http, 429, "what is no logout stays under the rate");
        assert_eq!(post(&host, "durin_logout", &header).http, if passes { 204 } else { 429 }, "{exact}");
        let header = format!("Token {}", token("client/cli"));
        assert_eq!(ask(&host, &token("client/cli")).said(), "alice");
        assert_eq!(post(&host, "durin_logoutall", &header).http, if passes { 204 } else { 429 }, "{exact}");
        assert_eq!(ask(&host, &token("client/cli")).http, if passes { 401 } else { 429 }, "{exact}");
    }
}

#[test]
fn explaining_a_request_spends_nothing_of_a_rate() {
    let site = recorded();
    let path = config_file(&site, "user_per_client = \"1/d\"");
    let explained = |status: i64| {
        let header = format!("Authorization: Token {}", token("good/alice"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        command.arg("--config").arg(&path).args(["explain", "--chain", "durin", "--json", "-H", &header]);
        let answer: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        assert_eq!(answer["status"], status, "{answer}");
        let line = json!({ "chain": "durin", "headers": [["Authorization", &header[15..]]] }).to_string() + "\n";
        assert_eq!(batch(&path, &line)[0]["verdict"]["status"], status);
    };
    explained(200);
    let throttle = site.folder.path().join("throttle.sqlite3");
    assert!(!throttle.exists(), "a look makes no file");
    explained(200);
    let host = site.try_host(&config("user_per_client = \"1/d\"")).unwrap();
    assert_eq!(ask(&host, &token("good/alice")).said(), "alice");
    explained(429);
}

#[test]
fn a_rate_that_is_none_is_broken_and_no_free_passage() {
    let site = recorded();
    site.other().execute("UPDATE durin_client SET throttle_rate = 'often' WHERE name = 'web'", []).unwrap();
    let host = site.try_host(&config("user_per_client = \"none\"")).unwrap();
    assert_eq!(ask(&host, &token("good/alice")).http, 503);
    assert_eq!(ask(&host, &token("client/cli")).said(), "alice");
}

// ---------------------------------------------------------------- the endpoints

#[test]
fn a_login_gives_the_token_of_a_client_a_refresh_prolongs_it_and_a_logout_takes_it() {
    let site = recorded();
    let host = site.host(DURIN);
    let outcome = log_in(&host, "member24", "password of member24", "mobile");
    assert_eq!((outcome.status, outcome.http, outcome.user.as_str()), (AUTH_OK, 200, "member24"));
    assert_eq!(outcome.header("Cache-Control"), Some("no-store"));
    let (first, header) = (given(&outcome), format!("Token {}", given(&outcome)));
    assert_eq!(given(&log_in(&host, "member24", "password of member24", "mobile")), first, "one a client");
    assert_ne!(given(&log_in(&host, "member24", "password of member24", "cli")), first);
    site.other()
        .execute("UPDATE durin_authtoken SET expiry = '2098-01-01 00:00:00' WHERE token = ?1", [&first])
        .unwrap();
    let refreshed = post(&host, "durin_refresh", &header);
    assert!(refreshed.http == 200 && refreshed.body.starts_with("{\"expiry\":\"20"), "{refreshed:?}");
    let end: String = site
        .other()
        .query_row("SELECT expiry FROM durin_authtoken WHERE token = ?1", [&first], |row| row.get(0))
        .unwrap();
    assert!(end.as_str() < "2098", "{end} {refreshed:?}");
    let outcome = post(&host, "durin_logout", &header);
    assert_eq!((outcome.http, outcome.body.as_str(), outcome.header("Content-Type")), (204, "", None));
    assert_eq!(ask(&host, &first).said(), "durin.unknown");
    assert_eq!(post(&host, "durin_logout", &header).http, 401);
    assert_eq!(post(&host, "durin_logoutall", &basic("member24", "password of member24")).http, 204);
    assert_eq!(count(&site, "user_id = (SELECT id FROM auth_user WHERE username = 'member24')"), 0);
    assert_eq!(ask(&host, &token("good/alice")).said(), "alice");
}

#[test]
fn who_came_in_with_a_password_has_no_token_of_durin() {
    let site = recorded();
    let (host, header) = (site.host(DURIN), basic("alice", "wonderland-1"));
    for endpoint in ["durin_logout", "durin_refresh"] {
        let outcome = post(&host, endpoint, &header);
        assert_eq!((outcome.http, outcome.said().as_str()), (403, "durin.no_token"), "{endpoint}");
    }
    let sessions = host.send("GET", "durin_sessions", &[("Authorization", &header)], None);
    assert!(sessions.http == 200 && !sessions.body.contains("\"is_current\":true"), "{sessions:?}");
}

#[test]
fn a_session_below_the_list_is_deleted_with_one_slash_or_two() {
    let site = recorded();
    let path = config_file(&site, "");
    let header = format!("Token {}", token("good/alice"));
    let ask = |method: &str, below: &str| {
        let path_below = format!("/api/auth/sessions/{below}");
        let headers = [["Authorization", &header]];
        let line =
            json!({ "chain": "both", "method": method, "path": path_below, "headers": headers, "persist": true });
        let answer = batch(&path, &(line.to_string() + "\n")).remove(0);
        assert!(answer.get("endpoint").is_some() || answer.get("verdict").is_some(), "{answer}");
        answer["endpoint"]["status"].as_u64().unwrap_or(0)
    };
    let id = |label: &str| entry(label)["id"].to_string();
    assert_eq!(ask("DELETE", &id("client/cli")), 204);
    assert_eq!(ask("DELETE", &format!("/{}", id("client/mobile"))), 204);
    assert_eq!(ask("DELETE", &id("client/mobile")), 404);
    assert_eq!(ask("DELETE", &id("good/alice")), 400, "the token of the request");
    assert_eq!(ask("DELETE", &id("good/frank")), 404, "somebody else's");
    assert_eq!((ask("GET", &id("client/api")), ask("DELETE", ""), ask("GET", "")), (405, 405, 200));
    // Two segments are no place of ours, so that the line asks its chain.
    assert_eq!((ask("DELETE", "1/2"), ask("DELETE", "1.2"), ask("DELETE", "//1")), (0, 0, 0));
}

#[test]
fn a_token_for_the_api_is_said_when_it_is_made_and_never_again() {
    let site = recorded();
    let host = site.host(DURIN);
    let header = basic("frank", "sha1-pw");
    let ask_access = |method: &str| host.send(method, "durin_apiaccess", &[("Authorization", &header)], Some(""));
    assert_eq!(ask_access("GET").http, 404);
    let made = ask_access("POST");
    assert_eq!((made.http, ask(&host, &given(&made)).said().as_str()), (201, "frank"));
    assert_eq!(ask_access("POST").body, r#"["An API token was already issued to you."]"#);
    let seen = ask_access("GET");
    assert!(seen.http == 200 && !seen.body.contains("token") && seen.body.contains("\"a year\""), "{seen:?}");
    assert_eq!((ask_access("DELETE").http, ask_access("DELETE").http), (204, 404));
    assert_eq!(ask(&host, &given(&made)).said(), "durin.unknown");
}

// ---------------------------------------------------------------- functions and commands

fn create(host: &Host, user: &str, client: &str, flags: u32) -> (auth_status, String) {
    let mut options: auth_token_options = unsafe { std::mem::zeroed() };
    options.size = size_of::<auth_token_options>();
    (options.kind, options.user, options.client, options.flags) = (text("durin"), text(user), text(client), flags);
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
        let status = auth_token_verify(Some(host.context()), text("durin"), text(token), &raw mut user);
        let name = string(auth_user_name(user.as_ref()));
        if !user.is_null() {
            auth_user_free(Some(Box::from_raw(user)));
        }
        (status, name)
    }
}

#[test]
fn tokens_are_made_checked_and_revoked_by_functions() {
    let site = recorded();
    let host = site.try_host(&config("token_character_length = 48")).unwrap();
    let (status, first) = create(&host, "caseuser", "cli", 0);
    assert_eq!((status, first.len()), (AUTH_OK, 48));
    assert_eq!(create(&host, "caseuser", "cli", 0).1, first);
    assert_eq!(verify(&host, &first), (AUTH_OK, "caseuser".to_owned()));
    assert_eq!(ask(&host, &first).said(), "caseuser");
    let expired = token("expired/long ago");
    assert_eq!(verify(&host, &expired).0, AUTH_REFUSED);
    assert_eq!(count(&site, &format!("token = '{expired}'")), 1, "to check is not to use");
    let fresh = create(&host, "caseuser", "mobile", 0).1;
    assert_eq!(
        (count(&site, &format!("token = '{expired}'")), verify(&host, &fresh).0),
        (0, AUTH_OK),
        "one that has ended"
    );
    let second = create(&host, "caseuser", "cli", AUTH_TOKEN_RESET).1;
    assert_eq!((verify(&host, &first).0, verify(&host, &second).0), (AUTH_REFUSED, AUTH_OK));
    assert_eq!(create(&host, "caseuser", "nothing", 0).0, AUTH_REFUSED);
    assert_eq!(create(&host, "nobody", "cli", 0).0, AUTH_REFUSED);
    assert_eq!(create(&host, "caseuser", "", 0).0, AUTH_ENOTSUP);
    let revoke = |token: &str| unsafe { auth_token_revoke(Some(host.context()), text("durin"), text(token)) };
    assert_eq!((revoke(&second), revoke(&second)), (AUTH_OK, AUTH_REFUSED));
    assert_eq!(verify(&host, &token("inactive/good")).0, AUTH_REFUSED);
}

#[test]
fn a_program_that_knows_no_clients_yet_still_makes_other_tokens() {
    let site = recorded();
    let host = site.host(DURIN);
    let mut options: auth_token_options = unsafe { std::mem::zeroed() };
    options.size = std::mem::offset_of!(auth_token_options, client);
    (options.user, options.client) = (text("alice"), text("what stands behind the struct"));
    let mut token = ptr::null_mut();
    unsafe {
        assert_eq!(auth_token_create(Some(host.context()), &raw const options, &raw mut token), AUTH_OK);
        auth_token_free(Some(Box::from_raw(token)));
        options.size = size_of::<auth_token_options>();
        options.client = text("web");
        let status = auth_token_create(Some(host.context()), &raw const options, &raw mut token);
        assert_eq!(status, AUTH_ENOTSUP, "tokens of DRF have no client");
    }
}

/// Runs the command on the site's database.
fn command(site: &Site, args: &[&str]) -> Output {
    let path = config_file(site, "default_token_ttl = 7200");
    Command::new(env!("CARGO_BIN_EXE_authchain")).arg("--config").arg(path).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_command_makes_lists_and_deletes_clients() {
    let site = recorded();
    assert_eq!(said(&command(&site, &["client", "create", "new"])), "Client new created!\n");
    let long = ["client", "create", "long", "--token-ttl", "30 12:00:00.5", "--throttle-rate", "100/h"];
    assert_eq!(said(&command(&site, &long)), "Client long created!\n");
    let list: Value = serde_json::from_str(&said(&command(&site, &["client", "list", "--json"]))).unwrap();
    let row = |name: &str| list.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!((&row("new")["token_ttl"], &row("new")["throttle_rate"]), (&json!("02:00:00"), &json!("")));
    assert_eq!(
        (&row("long")["token_ttl"], &row("long")["throttle_rate"]),
        (&json!("30 12:00:00.500000"), &json!("100/h"))
    );
    for (args, why) in [
        (&["new"][..], "exists already"),
        (&["x", "--token-ttl", "soon"], "no time that a token could last"),
        (&["x", "--token-ttl", "0"], "no time that a token could last"),
        (&["x", "--token-ttl", "0 00:00:00.0"], "no time that a token could last"),
        (&["x", "--throttle-rate", "0/s"], "is no rate"),
        (&["tab\there"], "no control characters"),
        (&["\u{1b}[31mred"], "no control characters"),
        (&["x", "--throttle-rate", "5/fortnight"], "is no rate"),
        (&["x", "--throttle-rate", "5/min"], "is no rate"),
        (&[" x"], "no outer blanks"),
        (&["x", "--scheme", "token"], "have no client"),
    ] {
        let output = command(&site, &[&["client", "create"], args].concat());
        assert!(complaint(&output).contains(why), "{args:?}: {}", complaint(&output));
    }
    let web = count(&site, "client_id = 1");
    assert_eq!(said(&command(&site, &["client", "delete", "web"])), format!("deleted client web and {web} tokens\n"));
    assert_eq!((count(&site, "client_id = 1"), count(&site, "1") > 20), (0, true));
    assert!(complaint(&command(&site, &["client", "delete", "web"])).contains("no client web"));
}

#[test]
fn a_refresh_by_c_prolongs_a_token_of_durin_and_no_kind_that_cannot_be_renewed() {
    let site = recorded();
    let host = site.try_host(&config("[schemes.knox]")).unwrap();
    let refresh = |kind: &str, token: &str| unsafe {
        let mut fresh = ptr::null_mut();
        let status = auth_token_refresh(Some(host.context()), text(kind), text(token), &raw mut fresh);
        let made = fresh.as_ref().map(|fresh| (string(auth_token_key(Some(fresh))), auth_token_expires(Some(fresh))));
        if !fresh.is_null() {
            auth_token_free(Some(Box::from_raw(fresh)));
        }
        (status, made)
    };
    let good = token("good/alice");
    site.other()
        .execute("UPDATE durin_authtoken SET expiry = '2099-01-01 00:00:00' WHERE token = ?1", [&good])
        .unwrap();
    let (status, first) = refresh("durin", &good);
    let (key, first) = first.unwrap();
    assert_eq!((status, &key), (AUTH_OK, &good));
    site.other().execute("UPDATE durin_client SET token_ttl = token_ttl + 3600000000", []).unwrap();
    let (status, second) = refresh("durin", &good);
    let (key, second) = second.unwrap();
    assert_eq!((status, &key), (AUTH_OK, &good));
    assert!((3600..3660).contains(&((second - first) / 1_000_000)), "{first} {second}");
    assert_eq!(refresh("durin", "nonsense"), (AUTH_REFUSED, None));
    assert_eq!(refresh("token", &good), (AUTH_ENOTSUP, None));
    assert_eq!(refresh("knox", &good), (AUTH_ENOTSUP, None));
}

#[test]
fn the_command_makes_lists_revokes_and_purges_tokens_of_durin() {
    let site = recorded();
    let durin = |args: &[&str]| command(&site, &[&["token"], args, &["--scheme", "durin"]].concat());
    let made = said(&durin(&["create", "member24", "--client", "cli"]));
    let token = made.split(' ').nth(2).unwrap();
    assert_eq!(ask(&site.host(DURIN), token).said(), "member24");
    assert_eq!(said(&durin(&["create", "member24", "--client", "cli"])), made);
    let list = said(&durin(&["list", "member24", "--json"]));
    assert!(list.contains("expires") && !list.contains(&token[..15]), "{list}");
    let rows: Value = serde_json::from_str(&list).unwrap();
    assert!(rows.as_array().unwrap().iter().any(|row| row["client"] == "cli"), "{list}");
    let table = said(&durin(&["list", "member24"]));
    let heading: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heading, ["ID", "USER", "CLIENT", "CREATED", "EXPIRES"]);
    assert!(table.contains("  member24  cli "), "{table}");
    assert_eq!(said(&durin(&["revoke", token])), "revoked 1 token\n");
    assert!(complaint(&durin(&["create", "member24", "--client", "nothing"])).contains("no client nothing"));
    assert!(complaint(&durin(&["create", "member24"])).contains("one of a client"));
    let knows_none = command(&site, &["token", "create", "alice", "--client", "web"]);
    assert!(complaint(&knows_none).contains("have no client"));
    let expired = count(&site, "expiry < '2026-01-01'");
    assert!(expired > 10, "{expired}");
    assert_eq!(said(&command(&site, &["token", "purge"])), format!("removed {expired} tokens that had expired\n"));
    assert_eq!(count(&site, "expiry < '2026-01-01'"), 0);
}

// ---------------------------------------------------------------- many at once

/// 400 logins of one user with one client: two threads of this process, two processes of their own.
#[test]
fn logins_at_once_get_one_token() {
    let site = recorded();
    site.other().execute_batch("PRAGMA journal_mode = WAL; DELETE FROM durin_authtoken").unwrap();
    let (host, path) = (site.try_host(&config("")).unwrap(), config_file(&site, ""));
    let body = json!({ "username": "member01", "password": "password of member01", "client": "web" }).to_string();
    let line = json!({ "method": "POST", "path": "/api/auth/login/", "persist": true, "body": body,
                       "headers": [["Content-Type", "application/json"]] })
    .to_string()
        + "\n";
    let in_process = || {
        let answers = batch(&path, &line.repeat(100));
        answers.iter().map(|a| a["endpoint"]["body"]["token"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let in_thread =
        || (0..100).map(|_| given(&log_in(&host, "member01", "password of member01", "web"))).collect::<Vec<_>>();
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let all = [scope.spawn(in_thread), scope.spawn(in_thread), scope.spawn(in_process), scope.spawn(in_process)];
        all.into_iter().flat_map(|each| each.join().unwrap()).collect()
    });
    assert_eq!(tokens.len(), 400);
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(count(&site, "1"), 1);
}

// ---------------------------------------------------------------- beside the real durin

/// A database that Django made, with alice and with bob, who is switched off, and two clients.
fn live() -> Site {
    let site = Site { folder: tempfile::tempdir().unwrap() };
    let durin = |args: &[&str]| django(&site.database(), &[&["--durin"], args].concat(), "");
    durin(&["migrate", "--wal"]);
    durin(&["adduser", "alice", "pw", "--staff", "--superuser"]);
    durin(&["adduser", "bob", "pw", "--inactive"]);
    durin(&["addclient", "web"]);
    durin(&["addclient", "cli", "01:00:00"]);
    site
}

#[test]
fn tokens_of_durin_are_accepted_here() {
    let site = live();
    let host = site.try_host(&config("")).unwrap();
    let durin = |args: &[&str]| django(&site.database(), &[&["--durin"], args].concat(), "");
    let token = durin(&["adddurin", "alice", "web"]);
    assert_eq!(ask(&host, &token).said(), "alice");
    assert_eq!(verify(&host, &token), (AUTH_OK, "alice".to_owned()));
    assert_eq!(given(&log_in(&host, "alice", "pw", "web")), token, "the one there is");
    assert_eq!(ask(&host, &durin(&["adddurin", "bob", "web"])).said(), "user.inactive");
    assert_eq!(ask(&host, &durin(&["adddurin", "alice", "cli", "-1"])).said(), "durin.expired");
    assert_eq!(count(&site, "expiry < created"), 0);
    let login = json!({ "username": "alice", "password": "pw", "client": "cli" }).to_string();
    let answer = django(&site.database(), &["--durin", "durinview", "login", "-"], &login);
    let body: Value = serde_json::from_str(answer.strip_prefix("200 ").unwrap()).unwrap();
    let token = body["token"].as_str().unwrap();
    assert_eq!(ask(&host, token).said(), "alice");
    assert_eq!(post(&host, "durin_logout", &format!("Token {token}")).http, 204);
    assert_eq!(durin(&["checkdurin", token]), "refused: Invalid token.");
}

#[test]
fn tokens_and_clients_made_here_are_durin_s_too() {
    let site = live();
    let host = site.try_host(&config("")).unwrap();
    let durin = |args: &[&str]| django(&site.database(), &[&["--durin"], args].concat(), "");
    said(&command(&site, &["client", "create", "ours", "--token-ttl", "2 00:00:00", "--throttle-rate", "9/m"]));
    let login = given(&log_in(&host, "alice", "pw", "web"));
    let function = create(&host, "alice", "cli", 0).1;
    let made = said(&command(&site, &["token", "create", "alice", "--scheme", "durin", "--client", "ours"]));
    let command = made.split(' ').nth(2).unwrap();
    for (token, client) in [(login.as_str(), "web"), (&function, "cli"), (command, "ours")] {
        assert_eq!(durin(&["checkdurin", token]), format!("alice {client}"));
    }
    let sessions = durin(&["durinview", "sessions", command]);
    assert!(
        sessions.starts_with("200 ") && sessions.contains("\"2 days\"") && sessions.contains("\"an hour\""),
        "{sessions}"
    );
    assert_eq!(durin(&["checkdurin", &create(&host, "bob", "web", 0).1]), "refused: User inactive or deleted.");
    assert_eq!(durin(&["durinadmin", "alice", "pw"]), "200 4\n200 3", "the pages of Django's admin show them");
    assert_eq!(durin(&["pending"]), "Planned operations:\n  No planned migration operations.");
    assert!(durin(&["durinview", "refresh", command]).starts_with("200 {\"expiry\""));
    assert_eq!(durin(&["durinview", "logout", &login]), "204");
    assert_eq!(ask(&host, &login).said(), "durin.unknown");
    assert_eq!(durin(&["durinview", "logoutall", &function]), "204");
    assert_eq!(ask(&host, command).said(), "durin.unknown");
}

#[test]
fn local_times_and_other_users_are_durin_s_too() {
    let site = Site { folder: tempfile::tempdir().unwrap() };
    let options = ["--durin", "--no-tz", "--custom-user"];
    let durin = |args: &[&str]| django(&site.database(), &[&options, args].concat(), "");
    durin(&["migrate", "--wal"]);
    durin(&["adduser", "anna@example.com", "pw"]);
    durin(&["addclient", "web", "00:01:30"]);
    durin(&["addclient", "cli"]);
    let config = config("");
    let host = site.try_host(&format!("use_tz = false\ntime_zone = \"Europe/Berlin\"\n{config}{PEOPLE}")).unwrap();
    let theirs = durin(&["adddurin", "anna@example.com", "web", "90"]);
    assert_eq!(ask(&host, &theirs).said(), "anna@example.com");
    let ours = log_in(&host, "anna@example.com", "pw", "cli");
    assert_eq!(durin(&["checkdurin", &given(&ours)]), "anna@example.com cli");
    let body: Value = serde_json::from_str(&ours.body).unwrap();
    let end: String = site.other().query_row("SELECT max(expiry) FROM durin_authtoken", [], |row| row.get(0)).unwrap();
    assert_eq!(body["expiry"], end.replace(' ', "T"), "no offset");
    assert_eq!(durin(&["durinview", "logoutall", &given(&ours)]), "204");
    assert_eq!(ask(&host, &durin(&["adddurin", "anna@example.com", "web", "-1"])).said(), "durin.expired");
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
