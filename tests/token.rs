//! `token`: the whole chain over a database that Django made. What DRF answers in detail is
//! replayed in tests/replay.rs.

mod support;

use support::Site;

const ALICE: &str = "Token 0123456789abcdef0123456789abcdef01234567";

#[test]
fn who_gets_in_with_a_token() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    for (header, expected) in [
        (ALICE, "alice"),
        ("tOKEN\t0123456789abcdef0123456789abcdef01234567 ", "alice"),
        ("Token 0123456789ABCDEF0123456789ABCDEF01234567", "token.unknown"),
        ("Token", "token.missing"),
        ("Token a b", "token.spaces"),
        ("Token nope", "token.unknown"),
        ("Token inactive-token", "user.inactive"),
        ("Bearer abcd1234", "chain.no_credentials"),
    ] {
        assert_eq!(host.authorization(header).said(), expected, "{header:?}");
    }
}

#[test]
fn two_authorization_headers_are_refused_as_the_joined_one() {
    let site = Site::of_vectors("drf");
    let outcome = site.host("").ask(&[("Authorization", ALICE), ("Authorization", ALICE)]);
    assert_eq!(outcome.said(), "token.spaces");
}

#[test]
fn a_keyword_of_ones_own_is_the_challenge_too() {
    let site = Site::of_vectors("drf");
    let more = "[schemes.mobile]\ntype = \"token\"\nkeyword = \"Bearer\"\n[chains.mobile]\nschemes = [\"mobile\"]\n";
    let host = site.host(more);
    let header = ALICE.replace("Token", "bearer");
    assert_eq!(host.ask_chain("mobile", &[("Authorization", &header)]).said(), "alice");
    let nobody = host.ask_chain("mobile", &[]);
    assert_eq!((nobody.http, nobody.header("WWW-Authenticate")), (401, Some("Bearer")));
}

#[test]
fn another_table_is_another_set_of_tokens() {
    let site = Site::of_vectors("drf");
    site.other()
        .execute_batch(
            "CREATE TABLE api_key (secret varchar(40) PRIMARY KEY, owner integer, made datetime);
             INSERT INTO api_key SELECT 'k1', id, '2026-01-01 00:00:00' FROM auth_user WHERE username = 'bob';",
        )
        .unwrap();
    let more = r#"
[schemes.key]
type = "token"
table = "api_key"
key_column = "secret"
user_column = "owner"
created_column = "made"
keyword = "Key"
[chains.key]
schemes = ["key", "token"]
"#;
    let host = site.host(more);
    assert_eq!(host.ask_chain("key", &[("Authorization", "Key k1")]).said(), "bob");
    assert_eq!(host.ask_chain("key", &[("Authorization", "Token k1")]).said(), "token.unknown");
}

#[test]
fn a_log_line_names_a_token_by_its_digest_only() {
    let site = Site::of_vectors("drf");
    let host = site.host("");
    let log = host.authorization("Token c4n4ry-c4n4ry").log;
    assert!(log.starts_with("token.unknown key=#") && !log.contains("c4n4ry"), "{log}");
    assert_eq!(log, host.authorization("Token c4n4ry-c4n4ry").log);
    assert_ne!(log, host.authorization("Token other").log);
}
