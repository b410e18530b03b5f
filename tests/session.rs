//! `session`: cookies of Django's logins, and CSRF, over a database that Django made. What DRF
//! answers in detail is replayed in tests/replay.rs.

mod support;

use serde_json::Value;
use support::{Host, Outcome, Site, root};

const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";
const CHAIN: &str = "[chains.site]\nschemes = [\"session\", \"token\"]\n";

/// The key of a recorded session. They end in 2034; the clock of these tests is the real one.
fn session(label: &str) -> String {
    let manifest = std::fs::read_to_string(root().join("tests/vectors/drf/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["sessions"][label].as_str().unwrap_or_else(|| panic!("{label}")).to_owned()
}

/// A site whose sessions do not end.
fn site() -> Site {
    let site = Site::of_vectors("drf");
    site.other().execute("UPDATE django_session SET expire_date = '2999-01-01 00:00:00'", []).unwrap();
    site
}

fn send(host: &Host, method: &str, cookie: &str, more: &[(&str, &str)], body: Option<&str>) -> Outcome {
    host.send(method, "site", &[&[("Host", "testserver"), ("Cookie", cookie)], more].concat(), body)
}

#[test]
fn a_session_of_django_says_who_it_is_and_the_answer_varies_with_the_cookie() {
    let site = site();
    let host = site.host(CHAIN);
    let outcome = send(&host, "GET", &format!("sessionid={}", session("good/alice")), &[], None);
    assert_eq!(outcome.said(), "alice");
    assert_eq!(outcome.header("Vary"), Some("Authorization, Cookie"));
    assert_eq!(outcome.header("Set-Cookie"), None);
}

#[test]
fn a_session_ends_with_the_password_and_the_cookie_is_taken_away() {
    let site = site();
    let host = site.host(CHAIN);
    let cookie = format!("sessionid={}", session("good/alice"));
    assert_eq!(send(&host, "GET", &cookie, &[], None).said(), "alice");
    site.other().execute("UPDATE auth_user SET password = 'other' WHERE username = 'alice'", []).unwrap();
    let outcome = send(&host, "GET", &cookie, &[], None);
    assert_eq!(outcome.said(), "chain.no_credentials");
    assert!(outcome.header("Set-Cookie").unwrap().starts_with("sessionid=\"\"; expires=Thu, 01 Jan 1970"));
    let rows = site.other().query_row(
        "SELECT count(*) FROM django_session WHERE session_key = ?1",
        [session("good/alice")],
        |row| row.get::<_, i64>(0),
    );
    assert_eq!(rows.unwrap(), 0);
}

#[test]
fn users_who_are_switched_off_or_gone_have_no_session() {
    let site = site();
    let host = site.host(CHAIN);
    let cookie = format!("sessionid={}", session("good/alice"));
    site.other().execute("UPDATE auth_user SET is_active = 0 WHERE username = 'alice'", []).unwrap();
    assert_eq!(send(&host, "GET", &cookie, &[], None).said(), "chain.no_credentials");
    site.other().execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM auth_user WHERE username = 'alice'").unwrap();
    assert_eq!(send(&host, "GET", &cookie, &[], None).said(), "chain.no_credentials");
}

#[test]
fn a_method_that_changes_something_needs_the_csrf_token() {
    let site = site();
    let host = site.host(CHAIN);
    let cookie = &format!("sessionid={}; csrftoken={SECRET}", session("good/alice"));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let field = &format!("csrfmiddlewaretoken={SECRET}");
    let long = &format!("{field}&x={}", "x".repeat(3 << 20));
    // Method, headers, body, verdict.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>, &'a str);
    let cases: &[Case<'_>] = &[
        ("GET", &[], None, "alice"),
        ("POST", &[], None, "session.csrf"),
        ("", &[], None, "session.csrf"), // a method that the host did not say
        ("POST", &[("X-CSRFToken", SECRET)], None, "alice"),
        ("POST", &[("X-CSRFToken", SECRET), ("Origin", "https://evil.example")], None, "session.csrf"),
        ("POST", &[form], Some(field), "alice"),
        ("POST", &[form], None, "session.csrf"), // a body that the host did not hand over
        ("POST", &[form], Some("csrfmiddlewaretoken=x"), "session.csrf"),
        ("POST", &[form], Some(long), "body.too_large"),
    ];
    for (method, headers, body, expected) in cases {
        let outcome = send(&host, method, cookie, headers, *body);
        assert_eq!(outcome.said(), *expected, "{method} {headers:?}");
        assert!(outcome.http == 200 || outcome.http == if *expected == "session.csrf" { 403 } else { 413 });
    }
}

#[test]
fn a_websocket_of_another_sites_page_is_refused() {
    let site = site();
    let trusting = format!("csrf_trusted_origins = [\"https://*.example.org\"]\n{}{CHAIN}", support::USUAL);
    let host = site.try_host(&trusting).unwrap();
    let cookie = &format!("sessionid={}", session("good/alice"));
    for (upgrade, origin, expected) in [
        (Some("websocket"), Some("https://evil.example"), "session.csrf"),
        (Some("h2c, WebSocket"), Some("null"), "session.csrf"),
        (Some("websocket"), Some("https://chat.example.org"), "alice"), // trusted
        (Some("websocket"), None, "alice"),                             // no browser
        (Some("h2c"), Some("https://evil.example"), "alice"),
        (None, Some("https://evil.example"), "alice"), // a link on the page
    ] {
        let headers: Vec<_> =
            [("Upgrade", upgrade), ("Origin", origin)].iter().filter_map(|(n, v)| Some((*n, (*v)?))).collect();
        let outcome = send(&host, "GET", cookie, &headers, None);
        assert_eq!(outcome.said(), expected, "{headers:?}");
    }
    let outcome = send(&host, "GET", "", &[("Upgrade", "websocket"), ("Origin", "https://evil.example")], None);
    assert_eq!(outcome.said(), "chain.no_credentials", "without a session there is nothing to speak for");
}

#[test]
fn ten_thousand_strangers_make_no_row() {
    let site = site();
    let host = site.host(CHAIN);
    let rows = || {
        let database = site.other();
        ["django_session", "auth_user", "authtoken_token"].map(|table| {
            let sql = format!("SELECT count(*) FROM {table}");
            database.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
        })
    };
    let before = rows();
    for i in 0..10_000 {
        let cookie = format!("sessionid=stranger{i:024}");
        let outcome =
            if i % 2 == 0 { send(&host, "GET", "", &[], None) } else { send(&host, "GET", &cookie, &[], None) };
        assert_eq!(outcome.said(), "chain.no_credentials");
    }
    assert_eq!(rows(), before);
}

#[test]
fn the_cache_engine_is_refused_with_what_to_use_instead() {
    let site = Site::of_vectors("drf");
    let config = "database = \"sqlite:db.sqlite3\"\nsecret_key = \"x\"\nsession_engine = \"django.contrib.sessions.backends.cache\"\n";
    let report = site.try_host(config).err().unwrap();
    assert!(report.contains(":3:") && report.contains("pickles") && report.contains("cached_db"), "{report}");
}

#[test]
fn a_login_of_ours_is_a_session_that_the_chain_and_the_command_know_until_logout() {
    let site = site();
    let host = site.host(&format!("{CHAIN}[endpoints.login]\n[endpoints.logout]\n"));
    let page = host.send("GET", "login", &[("Accept", "text/html")], None);
    let csrf = cookie(&page, "csrftoken");
    assert!(page.body.contains("csrfmiddlewaretoken"), "{}", page.body);

    let form = |more: &str| format!("username=alice&password=wonderland-1&csrfmiddlewaretoken={csrf}{more}");
    let send = |endpoint: &str, cookies: &str, body: &str| {
        let headers = [
            ("Accept", "text/html"),
            ("Host", "testserver"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", cookies),
        ];
        host.send("POST", endpoint, &headers, Some(body))
    };
    assert_eq!(send("login", "", &form("")).said(), "session.csrf");
    let browser = format!("csrftoken={csrf}");
    assert_eq!(send("login", &browser, &form("").replace("wonderland", "x")).said(), "password.wrong");
    let outcome = send("login", &browser, &form("&next=//evil.example"));
    assert_eq!((outcome.said().as_str(), outcome.http, outcome.header("Location")), ("alice", 302, Some("/")));
    let key = cookie(&outcome, "sessionid");
    let rotated = cookie(&outcome, "csrftoken");
    assert_ne!(rotated, csrf);

    let cookies = format!("sessionid={key}; csrftoken={rotated}");
    assert_eq!(send_get(&host, &cookies).said(), "alice");
    let again = send("login", &cookies, &form("&next=/admin/").replace(&csrf, &rotated));
    assert_eq!(again.header("Location"), Some("/admin/"));
    assert_ne!(cookie(&again, "sessionid"), key); // session fixation
    assert_eq!(send_get(&host, &cookies).said(), "chain.no_credentials");

    let cookies = format!("sessionid={}; csrftoken={rotated}", cookie(&again, "sessionid"));
    assert_eq!(send("logout", &cookies, "").said(), "session.csrf");
    let outcome = send("logout", &cookies, &format!("csrfmiddlewaretoken={rotated}"));
    assert_eq!((outcome.http, outcome.header("Set-Cookie").unwrap().starts_with("sessionid=\"\"")), (302, true));
    assert_eq!(send_get(&host, &cookies).said(), "chain.no_credentials");
}

#[test]
fn django_knows_who_logged_in_here() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site { folder };
    support::django(&site.database(), &["migrate"], "");
    support::django(&site.database(), &["adduser", "alice", "wonderland-1"], "");
    let usual = support::USUAL.replace(
        "peer-secret-key-0123456789-0123456789-0123456789",
        "site-secret-key-0123456789-0123456789-0123456789",
    );
    let host = site.try_host(&format!("{usual}{CHAIN}[endpoints.login]\n")).unwrap();
    let page = host.send("GET", "login", &[("Accept", "text/html")], None);
    let csrf = cookie(&page, "csrftoken");
    let headers = [
        ("Host", "testserver"),
        ("Cookie", &*format!("csrftoken={csrf}")),
        ("X-CSRFToken", &csrf),
        ("Content-Type", "application/json"),
    ];
    let outcome =
        host.send("POST", "login", &headers, Some("{\"username\": \"alice\", \"password\": \"wonderland-1\"}"));
    assert_eq!(outcome.said(), "alice", "{outcome:?}");
    let known = support::django(&site.database(), &["sessionuser", &cookie(&outcome, "sessionid")], "");
    assert_eq!(known, "alice");
    let ours = support::django(&site.database(), &["addsession", "alice"], "");
    assert_eq!(send_get(&host, &format!("sessionid={ours}")).said(), "alice");
    let last_login = site.other().query_row("SELECT last_login FROM auth_user WHERE username = 'alice'", [], |row| {
        row.get::<_, Option<String>>(0)
    });
    assert!(last_login.unwrap().is_some());
}

fn send_get(host: &Host, cookies: &str) -> Outcome {
    send(host, "GET", cookies, &[], None)
}

/// The value of a cookie that an answer sets.
fn cookie(outcome: &Outcome, name: &str) -> String {
    let cookies = outcome.headers.iter().filter(|(header, _)| header == "Set-Cookie");
    let value = cookies.filter_map(|(_, cookie)| cookie.strip_prefix(name)?.strip_prefix('=')).next();
    value.unwrap_or_else(|| panic!("{outcome:?} sets no {name}")).split(';').next().unwrap().to_owned()
}
