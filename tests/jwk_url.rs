//! `jwk_url` of the scheme `jwt`: keys from the address of an issuer, fetched by ticks and never by requests. When an
//! address is asked again is tested in src/keys and src/context.rs, where time can be chosen.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![cfg(feature = "jwks-url")]

#[path = "support/issuer.rs"]
mod issuer;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::ptr;

use authchain::capi::context::{auth_context_reload, auth_context_tick, auth_context_wants_tick};
use authchain::capi::status::auth_status::{self, *};
use issuer::Issuer;
use support::{Host, Outcome, Site, USUAL};

fn ask(host: &Host, token: &str) -> Outcome {
    host.ask_chain("jwt", &[("Authorization", &format!("Bearer {token}"))])
}

fn tick(host: &Host) -> auth_status {
    unsafe { auth_context_tick(Some(host.context())) }
}

/// Runs the command.
fn command(folder: &Path, config: &str, args: &[&str]) -> Output {
    let path = folder.join("authchain.toml");
    fs::write(&path, config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_authchain")).arg("--config").arg(path).args(args).output().unwrap()
}

#[test]
fn before_the_first_set_nobody_can_say_and_nobody_comes_in() {
    let (site, issuer) = (Site::of_vectors("simplejwt"), Issuer::start());
    let host = site.host(&issuer.config());
    for token in [issuer.token(0), "nonsense", ""] {
        let outcome = ask(&host, token);
        let expected = if token.is_empty() { ("jwt.header", 401) } else { ("AUTH_ESTORE", 503) };
        assert_eq!((outcome.said().as_str(), outcome.http), expected, "{outcome:?}");
    }
    let failure = ask(&host, issuer.token(0)).failure;
    assert_eq!(failure, format!("public keys: none have come from {} yet", issuer.url));
    assert_eq!(tick(&host), AUTH_ESTORE, "it answers 503");
    assert_eq!(ask(&host, issuer.token(0)).said(), "AUTH_ESTORE");
    assert_eq!((tick(&host), issuer.requests()), (AUTH_OK, 1), "it is left alone for 30 seconds");
    assert_eq!(ask(&host, issuer.token(0)).said(), "AUTH_ESTORE");
}

#[test]
fn keys_that_a_tick_fetched_count_in_every_chain() {
    let (site, issuer) = (Site::of_vectors("simplejwt"), Issuer::start());
    issuer.publishes(&[0, 1]);
    let host = site.host(&issuer.config());
    assert_eq!(issuer.requests(), 0, "opening asks nobody");
    assert_eq!(unsafe { auth_context_wants_tick(Some(host.context())) }, 1);
    assert_eq!((tick(&host), issuer.requests()), (AUTH_OK, 1), "two chains, one set");
    let said: Vec<_> = (0..3).map(|key| ask(&host, issuer.token(key)).said()).collect();
    assert_eq!(said, ["alice", "alice", "jwt.invalid"]);
    let other = host.ask_chain("other", &[("Authorization", &format!("Bearer {}", issuer.token(0)))]);
    assert_eq!(other.said(), "alice");
    let file = site.host("");
    assert_eq!((unsafe { auth_context_wants_tick(Some(file.context())) }, tick(&file)), (0, AUTH_OK));
}

#[test]
fn a_thousand_unknown_keys_make_no_second_request() {
    let (site, issuer) = (Site::of_vectors("simplejwt"), Issuer::start());
    issuer.publishes(&[0]);
    let host = site.host(&issuer.config());
    for _ in 0..1000 {
        assert_eq!(tick(&host), AUTH_OK);
        assert_eq!(ask(&host, issuer.token(1)).said(), "jwt.invalid");
    }
    assert!(issuer.requests() <= 2, "{}", issuer.requests());
}

#[test]
fn a_configuration_that_is_loaded_again_keeps_the_keys() {
    let (site, issuer) = (Site::of_vectors("simplejwt"), Issuer::start());
    issuer.publishes(&[0]);
    let host = site.host(&issuer.config());
    assert_eq!(tick(&host), AUTH_OK);
    assert_eq!(unsafe { auth_context_reload(Some(host.context()), ptr::null_mut()) }, AUTH_OK);
    assert_eq!(ask(&host, issuer.token(0)).said(), "alice");
    assert_eq!((tick(&host), issuer.requests()), (AUTH_OK, 1));
}

#[test]
fn a_command_fetches_the_keys_itself() {
    let (site, issuer) = (Site::of_vectors("simplejwt"), Issuer::start());
    let config = format!("{USUAL}{}", issuer.config());
    let header = format!("Authorization: Bearer {}", issuer.token(0));
    let explain = || command(site.folder.path(), &config, &["explain", "--chain", "jwt", "-H", &header]);
    let output = explain();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("public keys: {} answers 503", issuer.url)), "{said}");
    assert!(!output.status.success());
    issuer.publishes(&[0]);
    let output = explain();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("alice"), "{output:?}");
}

#[test]
fn an_address_that_must_not_be_asked_is_a_fault_of_the_configuration() {
    let site = Site::of_vectors("simplejwt");
    for (options, expected) in [
        (
            "algorithm = \"EdDSA\"\njwk_url = \"http://issuer.example/jwks\"",
            "jwk_url: must begin with https:// (http:// only for this machine) (or have a job store the set, and name it \
             as `jwks_file`)",
        ),
        ("algorithm = \"EdDSA\"\njwk_url = \"/etc/passwd\"", "jwk_url: is not a whole address"),
        ("jwk_url = \"https://issuer.example/\"", "jwk_url: HS256, HS384 and HS512 have no public keys"),
        (
            "algorithm = \"EdDSA\"\njwk_url = \"https://issuer.example/\"\njwks_file = \"x\"",
            "jwk_url: the keys come from somewhere else already",
        ),
    ] {
        let config = format!("{USUAL}[chains.jwt]\nschemes = [\"jwt\"]\n[schemes.jwt]\nblacklist = false\n{options}\n");
        let report = site.try_host(&config).err().unwrap_or_else(|| panic!("{options}"));
        assert!(report.contains(expected), "{options}: {report}");
        assert!(report.starts_with("(text):"), "{report}");
    }
    let https = "algorithm = \"EdDSA\"\nblacklist = false\njwk_url = \"https://issuer.example/jwks\"";
    assert!(site.try_host(&format!("{USUAL}[schemes.jwt]\n{https}\n")).is_ok(), "opening asks nobody");
}
