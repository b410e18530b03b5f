//! `jwt`: the whole chain, its endpoints, functions and commands over databases that Django made with simplejwt and
//! its blacklist, and both on one database. What simplejwt answers in detail is replayed in tests/jwt_replay.rs.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::ptr;

use authchain::capi::status::auth_status::{self, *};
use authchain::capi::token::*;
use authchain::capi::user::{auth_user_free, auth_user_name};
use serde_json::{Value, json};
use support::{Host, Outcome, Site, USUAL, django, root, string, text};

/// The endpoints, and a chain of the scheme.
const JWT: &str = r#"
[schemes.jwt]
[chains.jwt]
schemes = ["jwt"]
[endpoints.jwt_obtain_pair]
[endpoints.jwt_refresh]
[endpoints.jwt_verify]
[endpoints.jwt_blacklist]
[endpoints.jwt_obtain_sliding]
[endpoints.jwt_refresh_sliding]
"#;

/// The configuration with more options of the scheme; it waits for others who write.
fn config(options: &str) -> String {
    let usual = USUAL.replace("timeout = 0", "timeout = 30");
    format!("{usual}{}", JWT.replace("[schemes.jwt]", &format!("[schemes.jwt]\n{options}")))
}

const ROTATES: &str = "rotate_refresh_tokens = true\n";

fn ask(host: &Host, token: &str) -> Outcome {
    host.ask_chain("jwt", &[("Authorization", &format!("Bearer {token}"))])
}

fn post(host: &Host, endpoint: &str, body: &Value) -> Outcome {
    host.send("POST", endpoint, &[("Content-Type", "application/json")], Some(&body.to_string()))
}

fn log_in(host: &Host, name: &str) -> (String, String) {
    let outcome =
        post(host, "jwt_obtain_pair", &json!({ "username": name, "password": format!("password of {name}") }));
    (member(&outcome, "access"), member(&outcome, "refresh"))
}

fn refresh(host: &Host, token: &str) -> Outcome {
    post(host, "jwt_refresh", &json!({ "refresh": token }))
}

/// A text in the body of an answer.
fn member(outcome: &Outcome, name: &str) -> String {
    let body: Value = serde_json::from_str(&outcome.body).unwrap_or_else(|_| panic!("{outcome:?}"));
    body[name].as_str().unwrap_or_else(|| panic!("{outcome:?}")).to_owned()
}

/// What a token says.
fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn count(site: &Site, sql: &str) -> i64 {
    site.other().query_row(&format!("SELECT count(*) FROM {sql}"), [], |row| row.get(0)).unwrap()
}

const BLACKLISTED: &str = "token_blacklist_blacklistedtoken";
const OUTSTANDING: &str = "token_blacklist_outstandingtoken";

// ---------------------------------------------------------------- the scheme

#[test]
fn who_gets_in_with_a_token_of_simplejwt() {
    let site = Site::of_vectors("simplejwt");
    let host = site.host(JWT);
    let (access, refresh) = log_in(&host, "member01");
    let [head, payload, signature] = access.split('.').collect::<Vec<_>>()[..] else { panic!("{access}") };
    for (header, expected) in [
        (format!("Bearer {access}"), "member01"),
        (format!("Bearer\t{access} "), "member01"),
        (format!("bearer {access}"), "chain.no_credentials"),
        (format!("Token {access}"), "chain.no_credentials"),
        ("Bearer".to_owned(), "jwt.header"),
        ("Bearer a b".to_owned(), "jwt.header"),
        (format!("Bearer {refresh}"), "jwt.wrong_type"),
        (format!("Bearer {head}.{payload}."), "jwt.invalid"),
        (format!("Bearer {head}.{payload}.{signature}="), "jwt.invalid"),
        ("Bearer x".to_owned(), "jwt.invalid"),
    ] {
        let outcome = host.ask_chain("jwt", &[("Authorization", &header)]);
        assert_eq!(outcome.said(), expected, "{header:?}");
    }
    let nobody = host.ask_chain("jwt", &[]);
    assert_eq!((nobody.http, nobody.header("WWW-Authenticate")), (401, Some("Bearer realm=\"api\"")));
    site.other().execute("UPDATE auth_user SET is_active = 0 WHERE username = 'member01'", []).unwrap();
    let inactive = ask(&host, &access);
    assert_eq!(inactive.body, r#"{"detail":"User is inactive","code":"user_inactive"}"#);
    site.other().execute_batch("PRAGMA foreign_keys = off; DELETE FROM auth_user WHERE username = 'member01'").unwrap();
    assert_eq!(ask(&host, &access).body, r#"{"detail":"User not found","code":"user_not_found"}"#);
    assert!(!inactive.log.contains(signature), "{}", inactive.log);
}

#[test]
fn a_token_without_what_is_required_is_refused() {
    let site = Site::of_vectors("simplejwt");
    let access = log_in(&site.host(JWT), "member01").0;
    let strict = site.try_host(&config("require = [\"iss\"]")).unwrap();
    let outcome = ask(&strict, &access);
    assert!(outcome.body.contains("Token has no 'iss' claim"), "{outcome:?}");
    let issuer = site.try_host(&config("require = [\"iss\"]\nissuer = \"here\"")).unwrap();
    assert_eq!(ask(&issuer, &access).said(), "jwt.invalid");
    assert_eq!(ask(&issuer, &log_in(&issuer, "member01").0).said(), "member01");
}

#[test]
fn tokens_end_with_the_password_when_told_to() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config("check_revoke_token = true")).unwrap();
    let (access, old) = log_in(&host, "member01");
    assert_eq!(ask(&host, &access).said(), "member01");
    site.other().execute("UPDATE auth_user SET password = 'another' WHERE username = 'member01'", []).unwrap();
    let outcome = ask(&host, &access);
    assert_eq!(outcome.body, r#"{"detail":"The user's password has been changed.","code":"password_changed"}"#);
    assert_eq!(refresh(&host, &old).said(), "jwt.password");
}

#[test]
fn every_algorithm_signs_and_verifies() {
    let site = Site::of_vectors("simplejwt");
    let manifest = fs::read_to_string(root().join("tests/vectors/simplejwt/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let secret = "signing_key = \"a secret for tests that is as long as the longest hash, which has 64 bytes\"";
    let mut options: Vec<_> =
        ["HS256", "HS384", "HS512"].map(|name| (name, format!("algorithm = \"{name}\"\n{secret}"))).into();
    for (name, of) in
        [("RS256", "RS256"), ("RS512", "RS256"), ("PS384", "RS256"), ("ES256", "ES256"), ("EdDSA", "EdDSA")]
    {
        fs::write(site.folder.path().join(format!("{of}.pem")), manifest["keys"][of][0].as_str().unwrap()).unwrap();
        private(&site.folder.path().join(format!("{of}.pem")));
        fs::write(site.folder.path().join(format!("{of}.pub")), manifest["keys"][of][1].as_str().unwrap()).unwrap();
        let line = format!("algorithm = \"{name}\"\nsigning_key = {{ file = \"{of}.pem\" }}");
        options.push((name, format!("{line}\nverifying_key = {{ file = \"{of}.pub\" }}")));
        options.push((name, line));
    }
    let mut other = String::new();
    for (name, options) in options {
        let host = site.try_host(&config(&options)).unwrap_or_else(|why| panic!("{name}: {why}"));
        let (access, old) = log_in(&host, "member01");
        assert_eq!(ask(&host, &access).said(), "member01", "{name}");
        assert_eq!(refresh(&host, &old).http, 200, "{name}");
        assert_eq!(ask(&host, &other).said(), if other.is_empty() { "jwt.header" } else { "jwt.invalid" }, "{name}");
        other = if options.contains("verifying_key") { String::new() } else { access };
    }
}

#[test]
fn of_a_set_the_key_is_asked_that_a_token_names() {
    let site = Site::of_vectors("simplejwt");
    let code = "import json, sys\n\
                from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey\n\
                from jwt import PyJWS\n\
                from jwt.algorithms import OKPAlgorithm\n\
                keys = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3)]\n\
                public = [{**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), 'kid': 'k%d' % n} for n, key in enumerate(keys[:2])]\n\
                json.dump({'keys': public}, open(sys.argv[1], 'w'))\n\
                claims = b'{\"token_type\":\"access\",\"exp\":4102444800,\"jti\":\"a\",\"user_id\":\"1\"}'\n\
                for n, kid in ((0, 'k0'), (1, 'k1'), (0, 'k1'), (2, 'k2'), (2, 'k0'), (0, None)):\n\
                \x20   print(PyJWS().encode(claims, keys[n], 'EdDSA', headers={'kid': kid} if kid else None))\n";
    let output =
        Command::new(support::python()).args(["-c", code]).arg(site.folder.path().join("jwks.json")).output().unwrap();
    let tokens = said(&output);
    let options = "algorithm = \"EdDSA\"\njwks_file = \"jwks.json\"";
    let config = config(options);
    let (verify_only, _) = config.split_once("[endpoints.jwt_obtain_pair]").unwrap();
    let host = site.try_host(verify_only).unwrap();
    let answers: Vec<_> = tokens.lines().map(|token| ask(&host, token).said()).collect();
    assert_eq!(answers, ["alice", "alice", "jwt.invalid", "jwt.invalid", "jwt.invalid", "jwt.invalid"]);
    assert_eq!(create(&host, "alice", 0).0, AUTH_ENOTSUP, "there is no key to sign with");
    let endpoint = site.try_host(&config).err().unwrap();
    assert!(endpoint.contains("no `signing_key` to make tokens with"), "{endpoint}");
}

/// Readable by the owner only, as a secret has to be.
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn what_cannot_work_is_a_fault_of_the_configuration() {
    let site = Site::of_vectors("simplejwt");
    for (options, expected) in [
        ("jti_claim = \"\"", "without `jti_claim`"),
        ("blacklist = false\nrevocable = true", "`revocable` needs"),
        ("blacklist = false\nrotate_refresh_tokens = true", "`blacklist_after_rotation` needs"),
        ("blacklist = false", "the scheme has no tables of tokens"),
        ("algorithm = \"none\"", "algorithm does not take"),
        ("algorithm = \"RS256\"", "there is no `verifying_key`"),
        ("algorithm = \"RS256\"\nverifying_key = \"nonsense\"", "not one block of PEM"),
        ("verifying_key = \"x\"", "verifying_key: HS256, HS384 and HS512 have no public keys"),
        ("signing_key = \"-----BEGIN PUBLIC KEY-----\"", "a key of another kind"),
        ("jwk_url = \"https://issuer.example/jwks\"", "jwk_url: HS256, HS384 and HS512 have no public keys"),
        ("user_authentication_rule = \"app.rule\"", "user_authentication_rule does not take"),
        ("auth_header_name = \"Authorization\"", "starts with HTTP_"),
        ("auth_header_types = []", "auth_header_types does not take"),
        ("auth_token_classes = [\"app.Token\"]", "auth_token_classes does not take"),
        ("user_id_claim = \"\"", "user_id_claim: a claim without a name"),
        ("user_id_claim = \"exp\"", "user_id_claim: the claim \"exp\" says something else"),
        ("user_id_claim = \"jti\"", "user_id_claim: the claim \"jti\" says something else"),
        ("token_type_claim = \"user_id\"", "token_type_claim: \"user_id\" is the name of `user_id_claim`, too"),
        ("jti_claim = \"refresh_exp\"", "\"refresh_exp\" is the name of `jti_claim`, too"),
        ("token_type_claim = \"\"", "token_type_claim: a token that is in the tables"),
        (
            "revocable = true\nauth_token_classes = [\"AccessToken\", \"UntypedToken\"]",
            "revocable: `UntypedToken` lets in",
        ),
    ] {
        let report = site.try_host(&config(options)).err().unwrap_or_else(|| panic!("{options}"));
        assert!(report.contains(expected), "{options}: {report}");
        assert!(!report.contains("BEGIN PUBLIC"), "{report}");
    }
}

#[test]
fn the_claims_of_a_token_are_told_to_the_host() {
    use authchain::capi::claims::*;
    use authchain::capi::request::*;
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config("stateless = true")).unwrap();
    let secret = "peer-secret-key-0123456789-0123456789-0123456789";
    let code = format!(
        "import jwt; print(jwt.encode({{'token_type': 'access', 'exp': 4102444800, 'jti': 'x', 'user_id': '7', \
         'username': 'someone', 'scope': 'read  write', 'n': 5, 'list': ['a', None], 'nul': 'a\\0b'}}, '{secret}'))"
    );
    let output = Command::new(support::python()).args(["-c", &code]).output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    let header = format!("Authorization: Bearer {}\r\n", token.trim());
    let mut http: auth_http = unsafe { std::mem::zeroed() };
    http.size = size_of::<auth_http>();
    http.header_block = text(&header);
    unsafe {
        let mut request = ptr::null_mut();
        assert_eq!(auth_request_new(Some(host.context()), &raw const http, &raw mut request), AUTH_OK);
        let mut number = 0;
        assert_eq!(
            authchain::capi::context::auth_context_chain(Some(host.context()), text("jwt"), &raw mut number),
            AUTH_OK
        );
        assert_eq!(auth_request_authenticate(request.as_mut(), number), AUTH_OK);
        let user = auth_request_user(request.as_ref()).as_ref();
        assert_eq!(string(auth_user_name(user)), "someone");
        let claim = |name: &str| string(auth_user_claim(user, text(name)));
        assert_eq!([claim("username"), claim("n"), claim("list")], ["someone", "5", "[\"a\",null]"]);
        assert!(auth_user_claim(user, text("nul")).is_null() && auth_user_claim(user, text("none")).is_null());
        let whole: Value = serde_json::from_str(&string(auth_user_claims_json(user))).unwrap();
        assert_eq!((&whole["user_id"], &whole["nul"]), (&json!("7"), &json!("a\0b")));
        let scope = |i| string(auth_user_scope(user, i));
        assert_eq!([scope(0), scope(1), scope(2)], ["read", "write", ""]);
        assert_eq!(auth_user_expires(user), 4_102_444_800_000_000);
        auth_request_free(Some(Box::from_raw(request)));
    }
}

/// A token that somebody else signed with the secret.
fn foreign(claims: &str) -> String {
    let code = format!(
        "import jwt; print(jwt.encode({{'token_type': 'access', 'exp': 4102444800, 'jti': 'x', {claims}}}, '{SECRET}'))"
    );
    said(&Command::new(support::python()).args(["-c", &code]).output().unwrap()).trim().to_owned()
}

/// Flags of the user of a token, and what an assertion calls it.
fn judged(host: &Host, token: &str) -> (u32, String) {
    use authchain::capi::assertion::*;
    use authchain::capi::request::*;
    use authchain::capi::user::auth_user_flags;
    let header = format!("Authorization: Bearer {token}\r\n");
    let mut http: auth_http = unsafe { std::mem::zeroed() };
    http.size = size_of::<auth_http>();
    http.header_block = text(&header);
    unsafe {
        let mut request = ptr::null_mut();
        assert_eq!(auth_request_new(Some(host.context()), &raw const http, &raw mut request), AUTH_OK);
        let mut number = 0;
        let chain = authchain::capi::context::auth_context_chain(Some(host.context()), text("jwt"), &raw mut number);
        assert_eq!((chain, auth_request_authenticate(request.as_mut(), number)), (AUTH_OK, AUTH_OK));
        let mut assertion = ptr::null_mut();
        assert_eq!(auth_request_assert(request.as_ref(), text("shop"), &raw mut assertion), AUTH_OK);
        let assertion = Box::from_raw(assertion);
        let sub = claims(&string(auth_assertion_text(Some(&assertion))))["sub"].as_str().unwrap().to_owned();
        let flags = auth_user_flags(auth_request_user(request.as_ref()).as_ref());
        auth_assertion_free(Some(assertion));
        auth_request_free(Some(Box::from_raw(request)));
        (flags, sub)
    }
}

#[test]
fn whom_a_token_claims_is_nobody_of_the_database() {
    let site = Site::of_vectors("simplejwt");
    let more = "[schemes.knox]\n[endpoints.knox_login]\nchain = \"jwt\"\n[assertion]\nalgorithm = \"HS256\"\n\
                key = \"a secret of two programs, of 32 bytes and more\"\n";
    let said = |options: &str| site.try_host(&format!("{}{more}", config(options))).unwrap();
    let host = said("stateless = true");
    let token = foreign("'user_id': '1', 'is_staff': True, 'is_superuser': True");
    assert_eq!(ask(&host, &token).said(), "jwt:1", "a name that no user has");
    assert_eq!(judged(&host, &token), (1 | 8, "jwt:1".to_owned()));
    let denied = host.send("POST", "knox_login", &[("Authorization", &format!("Bearer {token}"))], Some(""));
    assert_eq!(
        (denied.http, denied.body.as_str()),
        (403, r#"{"detail":"You do not have permission to perform this action."}"#)
    );
    assert_eq!(verify(&host, &token), "AUTH_ENOTSUP");
    assert_eq!(judged(&said("stateless = true\ntrust_flags = true"), &token).0, 1 | 2 | 4 | 8);
    assert_eq!(judged(&said(""), &log_in(&host, "member01").0).0 & 8, 0);
}

#[test]
fn a_claim_that_is_empty_or_names_two_names_nobody() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config("user_id_field = \"email\"")).unwrap();
    let set = |email: &str, name: &str| {
        site.other().execute("UPDATE auth_user SET email = ?1 WHERE username = ?2", [email, name]).unwrap();
    };
    site.other().execute_batch("UPDATE auth_user SET email = username || '@example.org'").unwrap();
    let (access, _) = log_in(&host, "member01");
    assert_eq!(ask(&host, &access).said(), "member01");
    set("", "member01");
    assert_eq!(ask(&host, &foreign("'user_id': ''")).said(), "jwt.unknown_user", "though only one has no address");
    assert_eq!(create(&host, "member01", 0), (AUTH_EINVAL, None));
    set("member02@example.org", "member01");
    assert_eq!(create(&host, "member01", 0), (AUTH_EINVAL, None), "it would let in nobody, or the other one");
    set("member01@example.org", "member01");
    assert_eq!(create(&host, "member01", 0).0, AUTH_OK);
}

#[test]
fn a_blacklisted_token_does_not_come_in_as_one_of_no_kind() {
    let site = Site::of_vectors("simplejwt");
    for classes in ["[\"UntypedToken\"]", "[\"SlidingToken\", \"UntypedToken\"]"] {
        let host = site.try_host(&config(&format!("auth_token_classes = {classes}"))).unwrap();
        let (access, old) = log_in(&host, "member01");
        assert_eq!([ask(&host, &access).said(), ask(&host, &old).said()], ["member01", "member01"]);
        assert_eq!(revoke(&host, &old), AUTH_OK);
        assert_eq!(ask(&host, &old).said(), "jwt.blacklisted");
        assert_eq!([verify(&host, &access), verify(&host, &old)], ["member01", "AUTH_REFUSED"]);
    }
}

#[test]
fn functions_let_in_whom_the_scheme_lets_in() {
    let site = Site::of_vectors("simplejwt");
    let (strict, lax) = (site.host(JWT), site.try_host(&config("check_user_is_active = false")).unwrap());
    let (access, _) = log_in(&strict, "member01");
    site.other().execute("UPDATE auth_user SET is_active = 0 WHERE username = 'member01'", []).unwrap();
    assert_eq!(
        [ask(&strict, &access).said().as_str(), verify(&strict, &access).as_str()],
        ["jwt.inactive", "AUTH_REFUSED"]
    );
    assert_eq!([ask(&lax, &access).said().as_str(), verify(&lax, &access).as_str()], ["member01", "member01"]);
}

// ---------------------------------------------------------------- the endpoints

#[test]
fn after_five_wrong_passwords_the_right_one_has_to_wait_too() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config("").replace("enabled = false", "enabled = true")).unwrap();
    let body = |password: &str| json!({ "username": "member01", "password": password });
    for _ in 0..5 {
        let outcome = post(&host, "jwt_obtain_pair", &body("wrong"));
        assert_eq!(outcome.body, r#"{"detail":"No active account found with the given credentials"}"#);
        assert_eq!((outcome.http, outcome.header("WWW-Authenticate")), (401, Some("Bearer realm=\"api\"")));
    }
    let outcome = post(&host, "jwt_obtain_sliding", &body("password of member01"));
    assert_eq!(outcome.http, 429, "{outcome:?}");
}

#[test]
fn a_refresh_token_is_rotated_once() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config(ROTATES)).unwrap();
    let (_, first) = log_in(&host, "member01");
    let second = member(&refresh(&host, &first), "refresh");
    assert_eq!(refresh(&host, &first).body, r#"{"detail":"Token is blacklisted","code":"token_not_valid"}"#);
    let verify = post(&host, "jwt_verify", &json!({ "token": first }));
    assert_eq!((verify.http, verify.body.as_str()), (400, r#"{"non_field_errors":["Token is blacklisted"]}"#));
    assert_eq!(refresh(&host, &second).http, 200, "two pages that renew at once log nobody out");
}

#[test]
fn a_rotated_token_that_comes_again_ends_its_whole_family() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config(&format!("{ROTATES}reuse_interval = 0"))).unwrap();
    let (_, first) = log_in(&host, "member01");
    let (_, other) = log_in(&host, "member01");
    let second = member(&refresh(&host, &first), "refresh");
    let third = member(&refresh(&host, &second), "refresh");
    let stolen = refresh(&host, &first);
    assert_eq!(stolen.body, r#"{"detail":"Token is blacklisted","code":"token_not_valid"}"#);
    assert_eq!(stolen.log, "jwt.reused user=member01 refused");
    assert_eq!(refresh(&host, &third).http, 401, "what came of the stolen token");
    assert_eq!(refresh(&host, &other).http, 200, "another login of the same user");
}

#[test]
fn a_rotated_token_that_comes_again_ends_access_tokens_that_can_be_taken_back() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config(&format!("{ROTATES}reuse_interval = 0\nrevocable = true"))).unwrap();
    let (access, first) = log_in(&host, "member01");
    let (other, _) = log_in(&host, "member01");
    let renewed = member(&refresh(&host, &first), "access");
    assert_eq!([ask(&host, &access).said(), ask(&host, &renewed).said()], ["member01", "member01"]);
    assert_eq!(refresh(&host, &first).said(), "jwt.reused");
    assert_eq!([ask(&host, &access).said(), ask(&host, &renewed).said()], ["jwt.blacklisted", "jwt.blacklisted"]);
    assert_eq!(ask(&host, &other).said(), "member01", "another login of the same user");
}

#[test]
fn a_rotated_token_that_comes_again_ends_nothing_in_exact_mode() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&format!("exact = true\n{}", config(&format!("{ROTATES}reuse_interval = 0")))).unwrap();
    let (_, first) = log_in(&host, "member01");
    let second = member(&refresh(&host, &first), "refresh");
    assert_eq!(refresh(&host, &first).said(), "jwt.blacklisted");
    assert_eq!(refresh(&host, &second).http, 200);
}

#[test]
fn inactive_users_get_nothing_new() {
    let site = Site::of_vectors("simplejwt");
    let host = site.host(JWT);
    let (_, old) = log_in(&host, "member01");
    let body = json!({ "username": "member01", "password": "password of member01" });
    let sliding = member(&post(&host, "jwt_obtain_sliding", &body), "token");
    site.other().execute("UPDATE auth_user SET is_active = 0 WHERE username = 'member01'", []).unwrap();
    for (endpoint, body) in
        [("jwt_refresh", json!({ "refresh": old })), ("jwt_refresh_sliding", json!({ "token": sliding }))]
    {
        let outcome = post(&host, endpoint, &body);
        assert_eq!(outcome.body, r#"{"detail":"No active account found for the given token."}"#, "{endpoint}");
    }
}

#[test]
fn access_tokens_can_be_taken_back_when_they_are_in_the_table() {
    let site = Site::of_vectors("simplejwt");
    let plain = site.host(JWT);
    let access = log_in(&plain, "member01").0;
    assert_eq!(revoke(&plain, &access), AUTH_ENOTSUP);
    let host = site.try_host(&config("revocable = true")).unwrap();
    let (first, _) = log_in(&host, "member02");
    let (second, old) = log_in(&host, "member02");
    let third = member(&refresh(&host, &old), "access");
    assert_eq!(revoke(&host, &first), AUTH_OK);
    assert_eq!(
        (ask(&host, &first).said().as_str(), ask(&host, &second).said().as_str()),
        ("jwt.blacklisted", "member02")
    );
    assert_eq!(revoke_all(&host, "member02"), (AUTH_OK, 4), "two pairs and an access token, less one");
    for token in [&second, &third] {
        assert_eq!(ask(&host, token).said(), "jwt.blacklisted", "logged out of every device");
    }
    assert_eq!(refresh(&host, &old).said(), "jwt.blacklisted");
}

// ---------------------------------------------------------------- functions and the command

fn made(token: *mut auth_token) -> Option<[String; 2]> {
    unsafe {
        let token = token.as_mut().map(|token| Box::from_raw(token))?;
        let keys = [string(auth_token_key(Some(&token))), string(auth_token_refresh_key(Some(&token)))];
        assert!(
            auth_token_expires(Some(&token)) > 1_700_000_000_000_000 && string(auth_token_id(Some(&token))).len() == 9
        );
        auth_token_free(Some(token));
        Some(keys)
    }
}

fn create(host: &Host, user: &str, flags: u32) -> (auth_status, Option<[String; 2]>) {
    let mut options: auth_token_options = unsafe { std::mem::zeroed() };
    options.size = size_of::<auth_token_options>();
    (options.kind, options.user, options.flags) = (text("jwt"), text(user), flags);
    let mut token = ptr::null_mut();
    let status = unsafe { auth_token_create(Some(host.context()), &raw const options, &raw mut token) };
    (status, made(token))
}

fn renew(host: &Host, kind: &str, key: &str) -> (auth_status, Option<[String; 2]>) {
    let mut token = ptr::null_mut();
    let status = unsafe { auth_token_refresh(Some(host.context()), text(kind), text(key), &raw mut token) };
    (status, made(token))
}

fn verify(host: &Host, key: &str) -> String {
    let mut user = ptr::null_mut();
    unsafe {
        let status = auth_token_verify(Some(host.context()), text("jwt"), text(key), &raw mut user);
        let name = string(auth_user_name(user.as_ref()));
        if !user.is_null() {
            auth_user_free(Some(Box::from_raw(user)));
        }
        if status == AUTH_OK { name } else { format!("{status:?}") }
    }
}

fn revoke(host: &Host, key: &str) -> auth_status {
    unsafe { auth_token_revoke(Some(host.context()), text("jwt"), text(key)) }
}

fn revoke_all(host: &Host, user: &str) -> (auth_status, usize) {
    let mut count = 0;
    let status = unsafe { auth_token_revoke_all(Some(host.context()), text("jwt"), text(user), &raw mut count) };
    (status, count)
}

#[test]
fn tokens_are_made_renewed_checked_and_revoked_by_functions() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config(ROTATES)).unwrap();
    let (status, keys) = create(&host, "member05", 0);
    let [access, old] = keys.unwrap();
    assert_eq!((status, ask(&host, &access).said().as_str()), (AUTH_OK, "member05"));
    assert_eq!(
        [verify(&host, &access), verify(&host, &old), verify(&host, "x")],
        ["member05", "AUTH_REFUSED", "AUTH_REFUSED"]
    );
    let (status, keys) = renew(&host, "jwt", &old);
    let [access, new] = keys.unwrap();
    assert_eq!((status, verify(&host, &access).as_str()), (AUTH_OK, "member05"));
    assert_eq!(renew(&host, "jwt", &old), (AUTH_REFUSED, None), "it was used up");
    assert_eq!(renew(&host, "token", &old), (AUTH_ENOTSUP, None));
    assert_eq!((revoke(&host, &new), revoke(&host, &new), revoke(&host, "x")), (AUTH_OK, AUTH_REFUSED, AUTH_REFUSED));
    assert_eq!(create(&host, "member05", AUTH_TOKEN_RESET), (AUTH_ENOTSUP, None));
    assert_eq!(create(&host, "nobody", 0), (AUTH_REFUSED, None));
    assert_eq!(revoke_all(&host, "nobody"), (AUTH_REFUSED, 0));
    assert_eq!(create(&host, "member05", 0).0, AUTH_OK);
    let list = unsafe {
        let mut list = ptr::null_mut();
        assert_eq!(auth_token_list(Some(host.context()), text("jwt"), text("member05"), &raw mut list), AUTH_OK);
        let list = Box::from_raw(list);
        let n = auth_tokens_count(Some(&list));
        let ends: Vec<_> = (0..n).map(|i| string(auth_tokens_expires(Some(&list), i))).collect();
        auth_tokens_free(Some(list));
        ends
    };
    assert_eq!((list.len(), list[0].as_str()), (2, "2024-01-03 04:00:00"), "a recorded one, and the last");
    assert_eq!(revoke_all(&host, "member05"), (AUTH_OK, 1), "the recorded one has ended");
}

#[test]
fn a_scheme_of_sliding_tokens_makes_those() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config("auth_token_classes = [\"SlidingToken\"]")).unwrap();
    let [sliding, none] = create(&host, "member05", 0).1.unwrap();
    assert_eq!((none.as_str(), ask(&host, &sliding).said().as_str()), ("", "member05"));
    let [renewed, _] = renew(&host, "jwt", &sliding).1.unwrap();
    assert_eq!(claims(&renewed)["jti"], claims(&sliding)["jti"]);
    assert_eq!(revoke(&host, &renewed), AUTH_OK);
    assert_eq!(ask(&host, &sliding).said(), "jwt.blacklisted", "both are one token");
}

/// The last moment in the table, in seconds from now.
fn ends_in(site: &Site) -> i64 {
    let sql = format!("SELECT unixepoch(max(expires_at)) - unixepoch() FROM {OUTSTANDING}");
    site.other().query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_row_of_a_sliding_token_lasts_as_long_as_what_comes_of_it() {
    let site = Site::of_vectors("simplejwt");
    let sliding = "auth_token_classes = [\"SlidingToken\"]\n";
    let host = site.try_host(&config(&format!("{sliding}sliding_token_refresh_lifetime = 5000"))).unwrap();
    let [token, _] = create(&host, "member01", 0).1.unwrap();
    assert!((4990..=5000).contains(&ends_in(&site)), "until it can be renewed, not only until it ends");
    let later = site.try_host(&config(&format!("{sliding}sliding_token_lifetime = 9000"))).unwrap();
    let [renewed, _] = renew(&later, "jwt", &token).1.unwrap();
    assert!((8990..=9000).contains(&ends_in(&site)), "the renewed one ends later");
    // As Django would have left it.
    site.other().execute_batch(&format!("UPDATE {OUTSTANDING} SET expires_at = '2020-01-01 00:00:00'")).unwrap();
    assert_eq!(revoke(&later, &renewed), AUTH_OK);
    said(&command(&site, &["token", "purge"]));
    assert_eq!(ask(&later, &renewed).said(), "jwt.blacklisted", "its row is there yet");
}

#[test]
fn a_token_that_counts_by_the_leeway_is_struck_and_its_row_stays() {
    let site = Site::of_vectors("simplejwt");
    let host = site.try_host(&config("leeway = 600\nrefresh_token_lifetime = 0")).unwrap();
    let (_, old) = log_in(&host, "member01");
    site.other().execute_batch(&format!("DELETE FROM {OUTSTANDING} WHERE expires_at < '2026-01-01'")).unwrap();
    assert_eq!(refresh(&host, &old).http, 200, "clocks may differ");
    assert_eq!(revoke_all(&host, "member01"), (AUTH_OK, 1));
    let path = site.folder.path().join("authchain.toml");
    fs::write(&path, config("leeway = 600")).unwrap();
    let purge =
        Command::new(env!("CARGO_BIN_EXE_authchain")).arg("--config").arg(path).args(["token", "purge"]).output();
    assert_eq!(said(&purge.unwrap()), "removed 0 tokens that had expired\n");
    assert_eq!(refresh(&host, &old).said(), "jwt.blacklisted");
}

/// Runs the command on the site's database.
fn command(site: &Site, args: &[&str]) -> Output {
    let path = site.folder.path().join("authchain.toml");
    fs::write(&path, config(ROTATES)).unwrap();
    Command::new(env!("CARGO_BIN_EXE_authchain")).arg("--config").arg(path).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_command_makes_renews_lists_revokes_and_purges_tokens_of_simplejwt() {
    let site = Site::of_vectors("simplejwt");
    let made: Value =
        serde_json::from_str(&said(&command(&site, &["token", "create", "member01", "--scheme", "jwt", "--json"])))
            .unwrap();
    let (access, old) = (made["key"].as_str().unwrap(), made["refresh"].as_str().unwrap());
    assert_eq!(ask(&site.host(JWT), access).said(), "member01");
    let plain = said(&command(&site, &["token", "refresh", old, "--scheme", "jwt"]));
    let words: Vec<_> = plain.split_whitespace().collect();
    assert!(words[..2] == ["Generated", "token"] && words[3..5] == ["Refresh", "token"], "{plain}");
    let again = command(&site, &["token", "refresh", old, "--scheme", "jwt"]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("was used up"));
    let list = said(&command(&site, &["token", "list", "member01", "--scheme", "jwt", "--json"]));
    let list: Value = serde_json::from_str(&list).unwrap();
    assert!(list.as_array().unwrap().iter().all(|token| token["expires"].is_string()), "{list}");
    assert!(!list.to_string().contains("eyJ"), "never the tokens");
    assert_eq!(said(&command(&site, &["token", "revoke", words[5], "--scheme", "jwt"])), "revoked 1 token\n");
    let output = command(&site, &["token", "revoke", access, "--scheme", "jwt"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("`revocable`"));
    let ended = count(&site, &format!("{OUTSTANDING} WHERE expires_at < '2026-01-01'"));
    assert!(ended > 20, "{ended}");
    let purged = said(&command(&site, &["token", "purge"]));
    assert_eq!(purged, format!("removed {ended} tokens that had expired\n"));
    assert_eq!(count(&site, &format!("{OUTSTANDING} WHERE expires_at < '2026-01-01'")), 0);
    assert_eq!(count(&site, &format!("{BLACKLISTED} WHERE token_id NOT IN (SELECT id FROM {OUTSTANDING})")), 0);
}

// ---------------------------------------------------------------- many at once, and none to the end

/// In threads of this process and in processes of their own.
#[test]
fn of_sixteen_who_renew_one_token_at_once_one_gets_another() {
    for mode in ["WAL", "DELETE"] {
        let site = Site::of_vectors("simplejwt");
        site.other().execute_batch(&format!("PRAGMA journal_mode = {mode}")).unwrap();
        let host = site.try_host(&config(ROTATES)).unwrap();
        for _ in 0..5 {
            let (_, token) = log_in(&host, "member01");
            let in_thread = || u8::from(refresh(&host, &token).http == 200);
            let in_process =
                || u8::from(command(&site, &["token", "refresh", &token, "--scheme", "jwt"]).status.success());
            let got: u8 = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..14).map(|_| scope.spawn(in_thread)).collect();
                let process = scope.spawn(in_process);
                threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u8>()
                    + process.join().unwrap()
                    + in_thread()
            });
            assert_eq!(got, 1, "{mode}");
        }
    }
}

/// The command is killed at its first write, its second, and so on (c-tests/killshim.c), until it lives.
#[test]
fn a_kill_in_the_middle_of_a_rotation_leaves_one_of_the_two_tokens() {
    let site = Site::of_vectors("simplejwt");
    let shim = site.folder.path().join("killshim.so");
    let source = root().join("c-tests/killshim.c");
    let built = Command::new("cc").args(["-D_GNU_SOURCE", "-fPIC", "-shared", "-o"]).arg(&shim).arg(source).status();
    assert!(built.unwrap().success());
    let mut kills = 0;
    for (mode, torn) in [("WAL", "0"), ("WAL", "1"), ("DELETE", "0"), ("DELETE", "1")] {
        site.other().execute_batch(&format!("PRAGMA journal_mode = {mode}")).unwrap();
        for n in 1.. {
            assert!(n < 200, "{mode}");
            let host = site.try_host(&config(ROTATES)).unwrap();
            let (_, old) = log_in(&host, "member01");
            drop(host);
            let before = live_tokens(&site);
            let mut child = Command::new(env!("CARGO_BIN_EXE_authchain"));
            child.arg("--config").arg(site.folder.path().join("authchain.toml"));
            fs::write(site.folder.path().join("authchain.toml"), config(ROTATES)).unwrap();
            child.args(["token", "refresh", &old, "--scheme", "jwt", "--json"]);
            child.env("LD_PRELOAD", &shim).env("KILL_AFTER", n.to_string()).env("KILL_TORN", torn);
            let output = child.env("KILL_FILES", site.database()).output().unwrap();
            one_is_left(&site, &old, &before, &output);
            if output.status.success() {
                assert!(n > 5, "the shim saw no writes");
                break;
            }
            kills += 1;
        }
    }
    assert!(kills > 30, "{kills}");
}

/// The ids of the tokens that count, of whomever.
fn live_tokens(site: &Site) -> BTreeSet<String> {
    let database = site.other();
    let sql = format!("SELECT jti FROM {OUTSTANDING} WHERE id NOT IN (SELECT token_id FROM {BLACKLISTED})");
    let mut statement = database.prepare(&sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Either the old token, or one in its place, which is the one that was shown if any was.
fn one_is_left(site: &Site, old: &str, before: &BTreeSet<String>, output: &Output) {
    // The library first: it has to cope with what the dead process left.
    let host = site.try_host(&config(ROTATES)).unwrap();
    assert_eq!(ask(&host, "x").said(), "jwt.invalid");
    let id = claims(old)["jti"].as_str().unwrap().to_owned();
    let after = live_tokens(site);
    let new: Vec<_> = after.difference(before).collect();
    let gone: Vec<_> = before.difference(&after).collect();
    assert!((new.len(), gone.len()) == (0, 0) || (new.len() == 1 && gone == [&id]), "{new:?} {gone:?}");
    if output.status.success() {
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(claims(shown["refresh"].as_str().unwrap())["jti"], **new[0]);
    }
    let expected = if new.is_empty() { 200 } else { 401 };
    assert_eq!(refresh(&host, old).http, expected);
    let whole: String = site.other().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
}

// ---------------------------------------------------------------- beside the real simplejwt

/// A database that Django made, with alice and with bob, who is switched off.
fn live() -> Site {
    let site = Site { folder: tempfile::tempdir().unwrap() };
    simplejwt(&site, &["migrate", "--wal"]);
    simplejwt(&site, &["adduser", "alice", "password of alice", "--staff", "--superuser"]);
    simplejwt(&site, &["adduser", "bob", "pw", "--inactive"]);
    site
}

/// Django's secret is the configuration's.
const SECRET: &str = "peer-secret-key-0123456789-0123456789-0123456789";

fn simplejwt(site: &Site, args: &[&str]) -> String {
    django(&site.database(), &[&["--jwt", "--secret", SECRET], args].concat(), "")
}

#[test]
fn tokens_of_simplejwt_are_accepted_here() {
    let site = live();
    let host = site.try_host(&config(ROTATES)).unwrap();
    assert_eq!(ask(&host, &simplejwt(&site, &["addjwt", "alice", "access"])).said(), "alice");
    assert_eq!(ask(&host, &simplejwt(&site, &["addjwt", "bob", "access"])).said(), "jwt.inactive");
    let old = simplejwt(&site, &["addjwt", "alice", "refresh"]);
    let new = member(&refresh(&host, &old), "refresh");
    let view = |name: &str, body: Value| simplejwt(&site, &["jwtview", name, &body.to_string()]);
    let blacklisted = r#"401 {"detail":"Token is blacklisted","code":"token_not_valid"}"#;
    assert_eq!(view("refresh", json!({ "refresh": old })), blacklisted, "rotated here");
    assert_eq!(view("blacklist", json!({ "refresh": new })), "200 {}");
    assert_eq!(refresh(&host, &new).said(), "jwt.blacklisted", "blacklisted there");
    let sliding = site.try_host(&config("auth_token_classes = [\"SlidingToken\"]")).unwrap();
    let token = simplejwt(&site, &["addjwt", "alice", "sliding"]);
    assert_eq!(ask(&sliding, &token).said(), "alice");
    assert_eq!(post(&sliding, "jwt_refresh_sliding", &json!({ "token": token })).http, 200);
}

#[test]
fn tokens_made_here_are_accepted_by_simplejwt() {
    let site = live();
    let host = site.try_host(&config(ROTATES)).unwrap();
    let (access, old) = log_in(&host, "alice");
    let [function, _] = create(&host, "alice", 0).1.unwrap();
    for token in [&access, &function] {
        assert_eq!(simplejwt(&site, &["checkjwt", token]), "alice");
    }
    assert_eq!(simplejwt(&site, &["checkjwt", &create(&host, "bob", 0).1.unwrap()[0]]), "refused: user_inactive");
    let view = |name: &str, body: Value| simplejwt(&site, &["jwtview", name, &body.to_string()]);
    let answer = view("refresh", json!({ "refresh": old }));
    let answer: Value =
        serde_json::from_str(answer.strip_prefix("200 ").unwrap_or_else(|| panic!("{answer}"))).unwrap();
    assert_eq!(refresh(&host, &old).said(), "jwt.blacklisted", "rotated there");
    assert_eq!(ask(&host, answer["access"].as_str().unwrap()).said(), "alice");
    assert_eq!(refresh(&host, answer["refresh"].as_str().unwrap()).http, 200);
    let body = json!({ "username": "alice", "password": "password of alice" });
    let sliding = member(&post(&host, "jwt_obtain_sliding", &body), "token");
    assert!(view("renew", json!({ "token": sliding })).starts_with("200 "));
    assert_eq!(view("verify", json!({ "token": sliding })), "200 {}");
    let (issued, black) = (count(&site, OUTSTANDING), count(&site, BLACKLISTED));
    let pages = simplejwt(&site, &["jwtadmin", "alice", "password of alice"]);
    assert_eq!(pages, format!("200 {issued} 200 {black}"), "the pages of Django's admin show them");
    assert_eq!((issued, black), (6, 2));
    site.other().execute_batch(&format!("UPDATE {OUTSTANDING} SET expires_at = '2020-01-01 00:00:00'")).unwrap();
    simplejwt(&site, &["jwtflush"]);
    assert_eq!((count(&site, OUTSTANDING), count(&site, BLACKLISTED)), (0, 0));
    assert_eq!(simplejwt(&site, &["pending"]), "Planned operations:\n  No planned migration operations.");
}

#[test]
fn local_times_and_other_users_are_simplejwt_s_too() {
    let site = Site { folder: tempfile::tempdir().unwrap() };
    let options = ["--jwt", "--secret", SECRET, "--no-tz", "--custom-user"];
    let simplejwt = |args: &[&str]| django(&site.database(), &[&options, args].concat(), "");
    simplejwt(&["migrate", "--wal"]);
    simplejwt(&["adduser", "anna@example.com", "pw"]);
    let config = config(ROTATES);
    let host = site.try_host(&format!("use_tz = false\ntime_zone = \"Europe/Berlin\"\n{config}{PEOPLE}")).unwrap();
    assert_eq!(ask(&host, &simplejwt(&["addjwt", "anna@example.com", "access"])).said(), "anna@example.com");
    let old = simplejwt(&["addjwt", "anna@example.com", "refresh"]);
    let outcome = post(&host, "jwt_obtain_pair", &json!({ "email": "anna@example.com", "password": "pw" }));
    assert_eq!(simplejwt(&["checkjwt", &member(&outcome, "access")]), "anna@example.com");
    let columns = format!(
        "SELECT max(created_at) - min(created_at), substr(min(expires_at), 1, 15), substr(max(expires_at), 1, 15) FROM {OUTSTANDING}"
    );
    let [years, first, last] = site
        .other()
        .query_row(&columns, [], |row| Ok([row.get::<_, i64>(0)?.to_string(), row.get(1)?, row.get(2)?]))
        .unwrap();
    assert_eq!((years.as_str(), &first), ("0", &last), "both write the table in UTC");
    let new = member(&refresh(&host, &old), "refresh");
    assert_eq!(simplejwt(&["jwtview", "blacklist", &json!({ "refresh": new }).to_string()]), "200 {}");
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
