//! `authchain serve`: the real process on real sockets, over databases that Django made.

#[cfg(feature = "jwks-url")]
#[path = "../support/issuer.rs"]
mod issuer;
mod nginx;
mod process;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use process::{Reply, Served, command, configure, connect, request};
use serde_json::Value;
use support::{Site, basic, root};

const ALICE: &str = "Token 0123456789abcdef0123456789abcdef01234567";
const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";
const SESSION: &str = "[chains.site]\nschemes = [\"session\", \"token\"]\n";
const ENDPOINTS: &str = "[endpoints.login]\n[endpoints.logout]\n";

fn served(more: &str, serve: &str) -> (Site, Served) {
    let site = Site::of_vectors("drf");
    let served = Served::start(&site, more, serve);
    (site, served)
}

/// The cookies of a browser that alice logged in with.
fn cookies(site: &Site) -> String {
    site.other().execute("UPDATE django_session SET expire_date = '2999-01-01 00:00:00'", []).unwrap();
    let manifest = fs::read_to_string(root().join("tests/vectors/drf/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    format!("sessionid={}; csrftoken={SECRET}", manifest["sessions"]["good/alice"].as_str().unwrap())
}

fn user(reply: &Reply) -> Option<&str> {
    reply.header("x-auth-user")
}

// ---------------------------------------------------------------- answers to questions

#[test]
fn who_it_is_stands_in_headers_of_an_empty_answer() {
    let (_site, served) = served("", "");
    for method in ["GET", "POST", "HEAD", "PURGE"] {
        let reply = served.send(method, "/auth/default", &[("Authorization", ALICE)], "");
        assert_eq!(reply.status, 204, "{method}");
        assert_eq!((user(&reply), reply.header("x-auth-user-id")), (Some("alice"), Some("1")));
        assert_eq!(reply.header("x-auth-scheme"), Some("token"));
        assert_eq!(reply.header("vary"), Some("Authorization"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!((reply.header("content-length"), reply.header("transfer-encoding")), (None, None));
    }
}

#[cfg(feature = "jwks-url")]
#[test]
fn keys_of_an_address_are_fetched_before_anybody_asks() {
    let (site, issuer) = (Site::of_vectors("simplejwt"), issuer::Issuer::start());
    issuer.publishes(&[0]);
    configure(&site, &issuer.config(), "");
    let served = Served::run(command(&site, "127.0.0.1:0").arg("--verbose"));
    let loaded = served.said.iter().next().unwrap();
    assert_eq!(loaded, format!("keys.loaded {}, 0 of them not of use", issuer.url));
    let reply = served.get("/auth/jwt", &[("Authorization", &format!("Bearer {}", issuer.token(0)))]);
    assert_eq!((reply.status, user(&reply)), (204, Some("alice")));
    let reply = served.get("/auth/jwt", &[("Authorization", &format!("Bearer {}", issuer.token(1)))]);
    assert_eq!((reply.status, issuer.requests()), (401, 1));
}

#[test]
fn a_name_beyond_ascii_is_percent_encoded() {
    let (site, served) = served("", "");
    let reply = served.get("/auth/default", &[("Authorization", "Token t\u{c3}\u{b6}k\u{c3}\u{a9}n")]);
    assert_eq!(user(&reply), Some("%C3%BCn%C3%AFcode"));
    site.other().execute("UPDATE auth_user SET username = 'a%b c' WHERE username = 'alice'", []).unwrap();
    assert_eq!(user(&served.get("/auth/default", &[("Authorization", ALICE)])), Some("a%25b%20c"));
}

#[test]
fn a_refusal_is_handed_on_as_it_is() {
    let (_site, served) = served("", "");
    let reply = served.get("/auth/default", &[("Authorization", "Token wrong")]);
    assert_eq!((reply.status, reply.body.as_str()), (401, r#"{"detail":"Invalid token."}"#));
    assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"api\""));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(user(&reply), None);
    let head = served.send("HEAD", "/auth/default", &[("Authorization", "Token wrong")], "");
    assert_eq!((head.status, head.header("www-authenticate")), (401, Some("Basic realm=\"api\"")));
}

#[test]
fn nobody_passes_without_a_name_where_that_is_allowed() {
    let (_site, served) = served("[chains.open]\nschemes = [\"token\"]\nanonymous = \"allow\"\n", "");
    let forged = [("X-Auth-User", "root"), ("X-Auth-User-Id", "1"), ("X-Auth-Scheme", "token")];
    let reply = served.get("/auth/open", &forged);
    assert_eq!((reply.status, user(&reply), reply.header("x-auth-user-id")), (204, None, None));
    assert_eq!(served.get("/auth/default", &forged).status, 401);
}

#[test]
fn what_is_not_there_is_not_found() {
    let (_site, served) = served("", "");
    for path in ["/", "/auth", "/auth/", "/auth/other", "/auth//default", "/auth/DEFAULT", "/api-token-auth", "*"] {
        let method = if path == "*" { "OPTIONS" } else { "GET" };
        let reply = served.send(method, path, &[("Authorization", ALICE)], "");
        assert_eq!((reply.status, reply.body.as_str()), (404, r#"{"detail":"Not found."}"#), "{path}");
    }
    for path in ["/auth/default?a=b", "/auth/default/", "/auth/default/the/client's/path?a=b"] {
        assert_eq!(served.get(path, &[("Authorization", ALICE)]).status, 204, "{path}");
    }
}

#[test]
fn a_broken_store_is_503_and_says_nothing_about_the_user() {
    let (site, served) = served("", "");
    fs::remove_file(site.database()).unwrap();
    let reply = served.get("/auth/default", &[("Authorization", ALICE)]);
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert!(!reply.body.contains("sqlite"), "{}", reply.body);
    let said = served.said.recv().unwrap();
    assert!(said.starts_with("broken database: ") && said.ends_with(" host=serve"), "{said}");
}

#[test]
fn refusals_are_logged_and_passes_only_when_asked_for() {
    let (site, served) = served("", "");
    served.get("/auth/default", &[("Authorization", ALICE)]);
    served.get("/auth/default", &[("Authorization", "Token secret-of-mine")]);
    let said = served.said.recv().unwrap();
    assert!(said.starts_with("token.unknown key=") && !said.contains("secret-of-mine"), "{said}");
    let served = Served::run(command(&site, "127.0.0.1:0").arg("--verbose"));
    served.get("/auth/default", &[("Authorization", ALICE)]);
    assert_eq!(served.said.recv().unwrap(), "ok user=alice scheme=token host=serve");
}

// ---------------------------------------------------------------- what the proxy says

#[test]
fn the_method_of_the_client_decides_about_csrf_and_only_the_proxy_may_say_it() {
    let (site, served) = served(SESSION, "");
    let cookies = &cookies(&site);
    let strangers = Served::start(&site, SESSION, "trusted = [\"192.0.2.0/24\"]");
    let token = ("X-CSRFToken", SECRET);
    // Headers, whether the proxy is believed, status.
    type Case<'a> = (&'a [(&'a str, &'a str)], u16, u16);
    let cases: &[Case<'_>] = &[
        (&[("X-Original-Method", "GET")], 204, 403),
        (&[("X-Forwarded-Method", "HEAD")], 204, 403),
        (&[("X-Original-Method", "POST")], 403, 403),
        (&[("X-Original-Method", "POST"), token], 204, 204),
        (&[("X-Original-Method", "PURGE")], 403, 403),
        (&[], 403, 403), // the GET is the proxy's own
        (&[token], 204, 204),
    ];
    for (headers, trusted, stranger) in cases {
        let headers = [&[("Cookie", cookies.as_str())], *headers].concat();
        assert_eq!(served.get("/auth/site", &headers).status, *trusted, "{headers:?}");
        assert_eq!(strangers.get("/auth/site", &headers).status, *stranger, "{headers:?}");
    }
    let reply = served.get("/auth/site", &[("Cookie", cookies)]);
    assert_eq!(reply.body, r#"{"detail":"CSRF Failed: CSRF token missing."}"#);
}

#[test]
fn a_body_that_the_proxy_hands_on_may_hold_the_csrf_token() {
    let (site, served) = served(SESSION, "");
    let cookies = cookies(&site);
    let headers = [
        ("Cookie", cookies.as_str()),
        ("X-Original-Method", "POST"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let right = format!("csrfmiddlewaretoken={SECRET}");
    let long = format!("{right}&x={}", "x".repeat(2_621_440));
    for (body, status) in [(right.as_str(), 204), ("csrfmiddlewaretoken=x", 403), ("", 403), (long.as_str(), 413)] {
        assert_eq!(served.send("POST", "/auth/site", &headers, body).status, status, "{:.40}", body);
    }
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    let (_site, served) = served("", "");
    for (headers, status) in [
        (&[("X-Original-Method", "GET"), ("X-Original-Method", "GET")][..], 204),
        (&[("X-Original-Method", "GET"), ("X-Forwarded-Method", "GET")], 204),
        (&[("X-Original-Method", "POST"), ("X-Original-Method", "GET")], 400),
        (&[("X-Original-Method", "POST"), ("X-Forwarded-Method", "GET")], 400),
        (&[("X-Original-URI", "/a"), ("X-Forwarded-Uri", "/b")], 400),
        (&[("X-Original-URI", "/a,b")], 204),
        (&[("X-Forwarded-Host", "a"), ("X-Forwarded-Host", "b")], 400),
        (&[("X-Forwarded-Host", "a, b")], 400),
        (&[("X-Forwarded-Proto", "https, http")], 400),
        (&[("X-Forwarded-Proto", "gopher")], 400),
        (&[("X-Forwarded-For", "192.0.2.1"), ("X-Real-IP", "192.0.2.1")], 204),
        (&[("X-Forwarded-For", "192.0.2.1"), ("X-Real-IP", "192.0.2.2")], 400),
        (&[("X-Forwarded-For", "192.0.2.2, 127.0.0.1"), ("X-Real-IP", "192.0.2.2")], 204), // by trusted_proxies
        (&[("X-Forwarded-For", "192.0.2.1, unknown")], 400),
        (&[("X-Real-IP", "unknown")], 400),
    ] {
        let reply = served.get("/auth/default", &[&[("Authorization", ALICE)], headers].concat());
        assert_eq!(reply.status, status, "{headers:?} {}", reply.body);
    }
    let (_site, strangers) = self::served("", "trusted = []");
    let headers = [("Authorization", ALICE), ("X-Original-Method", "POST"), ("X-Forwarded-Method", "GET")];
    assert_eq!(strangers.get("/auth/default", &headers).status, 204, "nobody looks at them");
}

#[test]
fn host_and_protocol_of_the_client_are_what_the_proxy_says() {
    let (site, served) = served(SESSION, "");
    let cookies = &cookies(&site);
    let strangers = Served::start(&site, SESSION, "trusted = []");
    let https = [
        ("Cookie", cookies.as_str()),
        ("X-CSRFToken", SECRET),
        ("X-Original-Method", "POST"),
        ("X-Forwarded-Host", "shop.example.com"),
        ("X-Forwarded-Proto", "https"),
        ("Origin", "https://shop.example.com"),
    ];
    assert_eq!(served.get("/auth/site", &https).status, 204);
    assert_eq!(strangers.get("/auth/site", &https).status, 403);
    let without_origin = &https[..5];
    let reply = served.get("/auth/site", without_origin);
    assert!(reply.body.contains("Referer checking failed - no Referer."), "{}", reply.body);
}

#[test]
fn attempts_are_counted_for_the_address_that_the_proxy_names() {
    let throttle = |config: &str| config.replace("enabled = false", "address = \"1/5m\"\naccount = \"100/5m\"");
    let site = Site::of_vectors("drf");
    let start = |serve: &str| {
        configure(&site, "", serve);
        let path = site.folder.path().join("authchain.toml");
        fs::write(&path, throttle(&fs::read_to_string(&path).unwrap())).unwrap();
        Served::run(&mut command(&site, "127.0.0.1:0"))
    };
    let served = start("");
    let attempt = |served: &Served, header: (&str, &str)| {
        served.get("/auth/default", &[("Authorization", &basic("alice", "wrong")), header]).status
    };
    assert_eq!(attempt(&served, ("X-Forwarded-For", "192.0.2.1")), 401);
    assert_eq!(
        attempt(&served, ("X-Forwarded-For", "203.0.113.1, 203.0.113.2, 192.0.2.1")),
        429,
        "what the client wrote counts nothing"
    );
    assert_eq!(attempt(&served, ("X-Real-IP", "192.0.2.1")), 429);
    assert_eq!(attempt(&served, ("X-Real-IP", "192.0.2.2")), 401);
    let strangers = start("trusted = [\"::1\"]");
    assert_eq!(attempt(&strangers, ("X-Real-IP", "192.0.2.3")), 401, "127.0.0.1 has one, too");
    assert_eq!(attempt(&strangers, ("X-Real-IP", "192.0.2.4")), 429);
}

#[test]
fn a_client_of_whom_nothing_is_said_is_not_taken_for_one_on_this_machine() {
    let (_site, served) = served("[chains.private]\nschemes = [\"token\"]\nrequire_tls = true\n", "");
    for (header, status) in [
        (("X-Nothing", ""), 403),
        (("X-Forwarded-For", "192.0.2.1"), 403),
        (("X-Forwarded-For", "127.0.0.1"), 204),
        (("X-Real-IP", "::1"), 204),
        (("X-Forwarded-Proto", "https"), 204),
        (("X-Forwarded-Proto", "http"), 403),
    ] {
        let reply = served.get("/auth/private", &[("Authorization", ALICE), header]);
        assert_eq!(reply.status, status, "{header:?} {}", reply.body);
    }
}

// ---------------------------------------------------------------- endpoints

#[test]
fn a_path_of_an_endpoint_runs_it() {
    let (_site, served) = served("", "");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let reply = served.send("POST", "/api-token-auth/", &[form], "username=alice&password=wonderland-1");
    assert_eq!((reply.status, reply.body.as_str()), (200, &*format!("{{\"token\":\"{}\"}}", &ALICE[6..])));
    let reply = served.send("POST", "/api-token-auth/", &[form], "username=alice&password=wrong");
    assert_eq!(reply.status, 400);
    let reply = served.get("/api-token-auth/", &[("X-Original-Method", "POST")]);
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST, OPTIONS")));
    assert_eq!(served.send("POST", "/api-token-auth/", &[], "").status, 400);
}

#[test]
fn a_session_begins_at_login_and_ends_at_logout() {
    let (_site, served) = served(&format!("{SESSION}{ENDPOINTS}"), "");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let page = served.get("/accounts/login/?next=/there/", &[("Accept", "text/html")]);
    let csrf = page.cookie("csrftoken").unwrap();
    assert!(page.body.contains("/there/"), "{}", page.body);
    let browser = format!("csrftoken={csrf}");
    let body = format!("username=alice&password=wonderland-1&csrfmiddlewaretoken={csrf}");
    let reply = served.send("POST", "/accounts/login/", &[form, ("Accept", "text/html"), ("Cookie", &browser)], &body);
    assert_eq!((reply.status, reply.header("location")), (302, Some("/")));
    let (key, csrf) = (reply.cookie("sessionid").unwrap(), reply.cookie("csrftoken").unwrap());
    let browser = format!("sessionid={key}; csrftoken={csrf}");
    let question = [("Cookie", browser.as_str()), ("X-Original-Method", "GET")];
    assert_eq!(user(&served.get("/auth/site", &question)), Some("alice"));
    assert_eq!(served.send("POST", "/accounts/logout/", &[("Cookie", &browser)], "").status, 403);
    assert_eq!(user(&served.get("/auth/site", &question)), Some("alice"));
    let headers = [("Cookie", browser.as_str()), ("X-CSRFToken", csrf)];
    let reply = served.send("POST", "/accounts/logout/", &headers, "");
    assert_eq!((reply.status, reply.cookie("sessionid")), (200, Some("\"\"")));
    let reply = served.get("/auth/site", &question);
    assert_eq!((reply.status, user(&reply)), (403, None));
}

#[test]
fn a_body_beyond_the_cap_is_refused_and_the_connection_closed() {
    let (_site, served) = served("", "");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let credentials = "username=alice&password=wonderland-1&x=";
    let most = 2_621_440 - credentials.len();
    let fits = served.send("POST", "/api-token-auth/", &[form], &format!("{credentials}{}", "x".repeat(most)));
    assert_eq!(fits.status, 200);
    // Whether it says so, or only turns out to be.
    let length = &(2_621_440 + 1).to_string();
    for head in [("Content-Length", length.as_str()), ("Transfer-Encoding", "chunked")] {
        let mut connection = served.connect();
        connection.write(&request("POST", "/api-token-auth/", &[form, head], ""));
        if head.0 == "Transfer-Encoding" {
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            (0..41).for_each(|_| connection.write(chunk.as_bytes()));
        }
        let reply = connection.read(true).unwrap();
        assert_eq!((reply.status, reply.header("connection")), (413, Some("close")), "{head:?}");
        assert_eq!(reply.body, r#"{"detail":"The request body is too large."}"#);
    }
}

#[test]
fn bodies_of_many_clients_do_not_fill_the_memory() {
    let (_site, served) = served("", "body_timeout = 3600");
    let json = ("Content-Type", "application/json");
    let part = vec![b' '; 2_500_000];
    let hold = || {
        let mut connection = served.connect();
        connection.write(&request("POST", "/api-token-auth/", &[json, ("Content-Length", "2500001")], ""));
        connection.write(&part); // all but the last byte
        connection
    };
    let mut held: Vec<_> = (0..26).map(|_| hold()).collect(); // 65,000,000 bytes; the cap is 67,108,864
    while served.metric("authchain_serve_body_bytes") != 65_000_000 {}
    let refused = hold().read(true).unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    held.iter_mut().for_each(|connection| connection.write(b"x"));
    assert!(held.iter_mut().all(|connection| connection.read(true).unwrap().status == 400), "no JSON, but read");
    assert_eq!(served.metric("authchain_serve_body_bytes"), 0);
}

// ---------------------------------------------------------------- the protocol

#[test]
fn a_connection_serves_many_requests_also_those_sent_ahead() {
    let (_site, served) = served("", "");
    let mut connection = served.connect();
    let good = request("GET", "/auth/default", &[("Authorization", ALICE)], "");
    let bad = request("GET", "/auth/default", &[], "");
    connection.write(&[good.clone(), bad, good].concat());
    let replies: Vec<_> = (0..3).map(|_| connection.read(true).unwrap().status).collect();
    assert_eq!(replies, [204, 401, 204]);
    connection.write(&request("GET", "/healthz", &[], ""));
    assert_eq!(connection.read(true).unwrap().body, "ok\n");
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let (_site, served) = served("", "");
    let mut connection = served.connect();
    connection.write(format!("GET /auth/default HTTP/1.0\r\nAuthorization: {ALICE}\r\n\r\n").as_bytes());
    let reply = connection.read(true).unwrap();
    assert_eq!((reply.status, user(&reply)), (204, Some("alice")));
    assert!(connection.is_closed());
}

#[test]
fn what_is_no_request_is_refused() {
    let (_site, served) = served("", "");
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(200));
    for (text, status) in [("nonsense\r\n\r\n", 400), (long.as_str(), 431), (many.as_str(), 431)] {
        let mut connection = served.connect();
        connection.write(text.as_bytes());
        assert_eq!(connection.read(true).map(|reply| reply.status), Some(status), "{}", &text[..8]);
    }
    assert_eq!(served.get("/healthz", &[]).status, 200);
}

#[test]
fn who_dawdles_is_cut_off() {
    let (_site, served) = served("", "header_timeout = 1\nbody_timeout = 1\nidle_timeout = 1");
    let mut silent = served.connect();
    let mut slow = served.connect();
    slow.write(b"GET /auth/default HTTP/1.1\r\nX: ");
    let mut idle = served.connect();
    idle.write(&request("GET", "/healthz", &[], ""));
    assert_eq!(idle.read(true).unwrap().status, 200);
    assert!(silent.is_closed() && slow.is_closed() && idle.is_closed());
    let mut body = served.connect();
    body.write(&request("POST", "/api-token-auth/", &[("Content-Length", "9")], ""));
    body.write(b"half");
    let reply = body.read(true).unwrap();
    assert_eq!((reply.status, reply.header("connection")), (408, Some("close")));
    assert!(body.is_closed());
}

#[test]
fn the_wait_between_requests_is_longer_than_that_for_a_head() {
    let (_site, served) = served("", "header_timeout = 1\nidle_timeout = 60");
    let mut idle = served.connect();
    idle.write(&request("GET", "/healthz", &[], ""));
    assert_eq!(idle.read(true).unwrap().status, 200);
    assert!(served.connect().is_closed(), "a second that another connection measures");
    idle.write(&request("GET", "/healthz", &[], ""));
    assert_eq!(idle.read(true).unwrap().status, 200);
    idle.write(b"GET /healthz HTTP/1.1\r\n");
    assert!(idle.is_closed());
}

#[test]
fn connections_beyond_the_limit_wait() {
    let (_site, served) = served("", "connections = 1");
    let mut first = served.connect();
    first.write(&request("GET", "/healthz", &[], ""));
    assert_eq!(first.read(true).unwrap().status, 200);
    let mut second = served.connect();
    second.write(&request("GET", "/metrics", &[], ""));
    first.write(&request("GET", "/metrics", &[], ""));
    assert!(first.read(true).unwrap().body.contains("\nauthchain_serve_connections 1\n"));
    drop(first);
    assert_eq!(second.read(true).unwrap().status, 200);
}

// ---------------------------------------------------------------- load and end

#[test]
fn beyond_what_may_wait_the_answer_is_503_at_once() {
    let (site, served) = served("", "threads = 1");
    let locked = lock(&site);
    let mut waiting: Vec<_> = (0..9).map(|_| served.connect()).collect();
    for connection in &mut waiting {
        connection.write(&request("GET", "/auth/default", &[("Authorization", ALICE)], ""));
    }
    served.wait_for_requests(9);
    let reply = served.get("/auth/default", &[("Authorization", ALICE)]);
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    locked.execute_batch("COMMIT").unwrap();
    assert!(waiting.iter_mut().all(|connection| connection.read(true).unwrap().status == 204));
    assert_eq!(served.get("/auth/default", &[("Authorization", ALICE)]).status, 204);
}

#[test]
fn as_many_verdicts_are_made_at_once_as_the_option_says() {
    let (site, served) = served("", "threads = 3");
    let locked = lock(&site);
    let mut waiting: Vec<_> = (0..5).map(|_| served.connect()).collect();
    for connection in &mut waiting {
        connection.write(&request("GET", "/auth/default", &[("Authorization", ALICE)], ""));
    }
    served.wait_for_requests(5);
    assert_eq!(served.threads(), 1 + 3, "one for all input and output");
    locked.execute_batch("COMMIT").unwrap();
    assert!(waiting.iter_mut().all(|connection| connection.read(true).unwrap().status == 204));
}

/// Keeps everybody from reading.
fn lock(site: &Site) -> rusqlite::Connection {
    let other = site.other();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    other
}

#[test]
fn a_signal_ends_it_after_what_is_under_way() {
    for signal in ["TERM", "INT"] {
        let (site, mut served) = served("", "");
        let mut idle = served.connect();
        idle.write(&request("GET", "/metrics", &[], ""));
        assert_eq!(idle.read(true).unwrap().status, 200);
        let locked = lock(&site);
        let mut busy = served.connect();
        busy.write(&request("GET", "/auth/default", &[("Authorization", ALICE)], ""));
        served.wait_for_requests(1);
        served.signal(signal);
        assert!(idle.is_closed(), "who asks nothing is not waited for");
        assert!(connect(&served.place).is_err(), "nobody new is let in");
        locked.execute_batch("COMMIT").unwrap();
        let reply = busy.read(true).unwrap();
        assert_eq!((reply.status, user(&reply)), (204, Some("alice")));
        assert!(busy.is_closed());
        assert_eq!(served.wait().code(), Some(0));
    }
}

#[test]
fn a_hang_up_loads_the_configuration_again_or_keeps_the_one_in_use() {
    let (site, served) = served("", "");
    let reloaded = |more: &str, serve: &str| {
        configure(&site, more, serve);
        served.signal("HUP");
        served.said.recv().unwrap()
    };
    assert_eq!(served.get("/auth/site", &[("Authorization", ALICE)]).status, 404);
    assert_eq!(reloaded(SESSION, ""), "config.loaded");
    assert_eq!(served.get("/auth/site", &[("Authorization", ALICE)]).status, 204);
    let said = reloaded("[chains.other]\nschemes = [\"tokn\"]\n", "");
    assert!(said.starts_with("config.refused ") && said.contains("unknown scheme \"tokn\""), "{said}");
    assert_eq!(served.get("/auth/site", &[("Authorization", ALICE)]).status, 204);
    let contradiction = [("Authorization", ALICE), ("X-Forwarded-Proto", "gopher")];
    assert_eq!(served.get("/auth/site", &contradiction).status, 400);
    assert_eq!(reloaded(SESSION, "trusted = []"), "config.loaded");
    assert_eq!(served.get("/auth/site", &contradiction).status, 204, "nobody is believed any more");
    assert_eq!(served.metric("authchain_config_reloads_total{result=\"refused\"}"), 1);
}

#[test]
fn health_is_the_database_s() {
    let (site, served) = served("", "");
    let away = site.folder.path().join("away");
    fs::rename(site.database(), &away).unwrap();
    let reply = served.get("/healthz", &[]);
    assert_eq!((reply.status, reply.body.as_str()), (503, "the database cannot be read\n"));
    fs::rename(&away, site.database()).unwrap();
    let reply = served.get("/healthz", &[]);
    assert_eq!((reply.status, reply.body.as_str()), (200, "ok\n"));
    assert_eq!(served.send("HEAD", "/healthz", &[], "").status, 200);
}

#[test]
fn what_happened_can_be_counted() {
    let (_site, served) = served("", "");
    served.get("/auth/default", &[("Authorization", ALICE)]);
    served.get("/auth/default", &[("Authorization", ALICE)]);
    served.get("/auth/default", &[]);
    served.get("/api-token-auth/", &[]);
    served.get("/nowhere/\"{}", &[]);
    let reply = served.get("/metrics", &[]);
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "# TYPE authchain_serve_requests_total counter",
        "authchain_serve_requests_total{path=\"auth\",status=\"204\"} 2",
        "authchain_serve_requests_total{path=\"auth\",status=\"401\"} 1",
        "authchain_serve_requests_total{path=\"endpoint\",status=\"405\"} 1",
        "authchain_serve_requests_total{path=\"other\",status=\"404\"} 1",
        "authchain_serve_requests_in_flight 1",
        "authchain_verdicts_total{chain=\"default\",outcome=\"ok\"} 2",
        "authchain_verdicts_total{endpoint=\"obtain_auth_token\",outcome=\"method_not_allowed\"} 1",
    ] {
        assert!(reply.body.lines().any(|l| l == line), "{line} is not in {}", reply.body);
    }
    assert_eq!(served.metric("authchain_serve_requests_total{path=\"metrics\",status=\"200\"}"), 1);
}

// ---------------------------------------------------------------- sockets

#[test]
fn a_unix_socket_has_its_mode_and_goes_with_the_process() {
    let site = Site::of_vectors("drf");
    configure(&site, SESSION, "listen = \"unix:socket\"\nsocket_mode = \"0600\"\ntrusted = []");
    let mut served = Served::run(&mut command(&site, ""));
    let path = site.folder.path().join("socket");
    assert_eq!(served.place, format!("unix:{}", path.display()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // Who may write to the socket is believed.
    let headers = [("Cookie", &*cookies(&site)), ("X-Original-Method", "GET"), ("X-Forwarded-For", "192.0.2.1")];
    assert_eq!(user(&served.get("/auth/site", &headers)), Some("alice"));
    served.signal("TERM");
    assert_eq!(served.wait().code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_socket_of_nobody_is_replaced_and_nothing_else() {
    let site = Site::of_vectors("drf");
    configure(&site, "", "listen = \"unix:socket\"");
    let path = site.folder.path().join("socket");
    let fails = |why: &str| {
        let output = command(&site, "").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.trim_end(), format!("{}: {why}", path.display()));
        assert_eq!(output.status.code(), Some(1));
    };
    fs::write(&path, "mine").unwrap();
    fails("something that is no socket has this name");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    fails("another process answers on this socket");
    drop(other);
    fs::remove_file(&path).unwrap();
    // Also when it takes nobody: a queue for one, and somebody in it.
    let code = "import socket, sys\n\
                s, c = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)\n\
                s.bind(sys.argv[1]), s.listen(0), c.connect(sys.argv[1]), print(flush=True), sys.stdin.read()";
    let mut busy = Command::new(support::python());
    let busy = busy.args(["-c", code, path.to_str().unwrap()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut busy = busy.spawn().unwrap();
    busy.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    fails("another process answers on this socket");
    drop(busy.stdin.take());
    assert!(busy.wait().unwrap().success());
    let served = Served::run(&mut command(&site, ""));
    assert_eq!(served.get("/healthz", &[]).status, 200);
}

#[test]
fn a_socket_of_systemd_goes_before_the_configuration() {
    let site = Site::of_vectors("drf");
    configure(&site, "", "listen = \"127.0.0.1:1\"");
    let handed = |socket: OwnedFd| {
        let mut command = Command::new("sh");
        let script = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" \"$@\"";
        let own = self::command(&site, "");
        command.args(["-c", script]).arg(own.get_program()).args(own.get_args()).stdin(Stdio::from(socket));
        command
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let served = Served::run(&mut handed(listener.into()));
    assert_eq!(served.place, place);
    assert_eq!(served.get("/healthz", &[]).status, 200);
    let path = site.folder.path().join("systemd");
    let mut served = Served::run(&mut handed(UnixListener::bind(&path).unwrap().into()));
    assert_eq!(served.get("/healthz", &[]).status, 200);
    served.signal("TERM");
    served.wait();
    assert!(path.exists(), "it is systemd's to remove");
    let output = handed(fs::File::open("/dev/null").unwrap().into()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "descriptor 3 is no listening stream socket\n");
}

#[test]
fn a_wrong_option_is_refused_with_its_place() {
    let site = Site::of_vectors("drf");
    for (serve, column, said) in [
        ("listen = \"localhost\"", 1, "\"localhost\" is no place to listen"),
        ("trusted = [\"10.0.0.0/33\"]", 1, "\"10.0.0.0/33\" is no address or network"),
        ("socket_mode = \"rw\"", 1, "\"rw\" is no mode"),
        ("threads = 513", 11, "threads does not take 513"),
        ("port = 1", 1, "unknown key \"port\" in [serve]"),
    ] {
        configure(&site, "", serve);
        let output = command(&site, "").output().unwrap();
        let report = String::from_utf8_lossy(&output.stderr);
        let line = support::USUAL.lines().count() + 2;
        assert!(report.contains(&format!("authchain.toml:{line}:{column}: {said} (")), "{report}");
    }
    configure(&site, "", "");
    let output = command(&site, "nowhere").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("\"nowhere\" is no place to listen (expected "));
}

// ---------------------------------------------------------------- units of systemd

#[test]
fn systemd_accepts_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let binaries = std::path::Path::new(env!("CARGO_BIN_EXE_authchain")).parent().unwrap().to_str().unwrap();
    let units = ["authchain.service", "authchain.socket"].map(|name| {
        let text = fs::read_to_string(root().join("packaging/systemd").join(name)).unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text.replace("@BINDIR@", binaries)).unwrap();
        (path, text)
    });
    let service = &units[0].1;
    for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "User=authchain"] {
        assert!(service.lines().any(|l| l == line), "{line}");
    }
    let start = service.lines().find_map(|line| line.strip_prefix("ExecStart=@BINDIR@/authchain ")).unwrap();
    let help = Command::new(env!("CARGO_BIN_EXE_authchain")).args(start.split(' ')).arg("--help").output().unwrap();
    assert!(help.status.success(), "{start}");
    // Where there is no systemd, what stands above has to do.
    let Ok(output) =
        Command::new("systemd-analyze").args(["verify", "--man=no"]).args(units.iter().map(|(path, _)| path)).output()
    else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}
