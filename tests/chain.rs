//! What a chain's table says: control words, nobody, challenges. The table of control words as
//! properties is in src/chain.rs.

mod support;

use authchain::capi::status::auth_status::{AUTH_ANONYMOUS, AUTH_OK, AUTH_REFUSED};
use support::{Host, Site, USUAL, basic};

const BOB: &str = "Token abcd1234";

/// A host with one more chain, `it`.
fn host(site: &Site, chain: &str) -> Host {
    site.try_host(&format!("{USUAL}[chains.it]\n{chain}\n")).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn nobody_passes_only_where_that_is_allowed() {
    let site = Site::of_vectors("drf");
    for (anonymous, status, http) in [("refuse", AUTH_REFUSED, 401), ("allow", AUTH_ANONYMOUS, 200)] {
        let host = host(&site, &format!("schemes = [\"basic\", \"token\"]\nanonymous = \"{anonymous}\""));
        let outcome = host.ask_chain("it", &[]);
        assert_eq!((outcome.status, outcome.http, outcome.user.as_str()), (status, http, ""), "{anonymous}");
        // Bad credentials are never nobody.
        assert_eq!(host.ask_chain("it", &[("Authorization", "Token nope")]).status, AUTH_REFUSED);
    }
}

#[test]
fn a_401_carries_the_first_challenge_or_all() {
    let site = Site::of_vectors("drf");
    for (challenge, expected) in [("first", &["Token"][..]), ("all", &["Token", "Basic realm=\"api\""])] {
        let chain = format!("schemes = [\"token\", \"basic\"]\nchallenge = \"{challenge}\"");
        let outcome = host(&site, &chain).ask_chain("it", &[]);
        let challenges: Vec<_> =
            outcome.headers.iter().filter(|(n, _)| n == "WWW-Authenticate").map(|(_, v)| v.as_str()).collect();
        assert_eq!((outcome.http, &challenges[..]), (401, expected), "{challenge}");
    }
}

#[test]
fn the_first_scheme_that_refuses_ends_drfs_chain_and_not_one_of_tries() {
    let site = Site::of_vectors("drf");
    let keyword = "[schemes.other]\ntype = \"token\"\n[chains.it]\nschemes";
    for (first, expected) in
        [("\"other\"", "token.unknown"), ("{ scheme = \"other\", control = \"try\" }", "token.unknown")]
    {
        let config = format!("{USUAL}{keyword} = [{first}, \"token\"]\n");
        let host = site.try_host(&config).unwrap();
        assert_eq!(host.ask_chain("it", &[("Authorization", "Token nope")]).said(), expected);
        assert_eq!(host.ask_chain("it", &[("Authorization", BOB)]).said(), "bob");
    }
}

#[test]
fn required_schemes_have_to_agree() {
    let site = Site::of_vectors("drf");
    let twice = "[schemes.again]\ntype = \"token\"\n[chains.it]\nanonymous = \"allow\"\nschemes = [\
                 { scheme = \"token\", control = \"required\" }, { scheme = \"again\", control = \"requisite\" }]\n";
    let host = site.try_host(&format!("{USUAL}{twice}")).unwrap();
    assert_eq!(host.ask_chain("it", &[("Authorization", BOB)]).status, AUTH_OK);
    // Demanded, so nobody is refused whatever `anonymous` says.
    assert_eq!(host.ask_chain("it", &[]).said(), "chain.no_credentials");
    assert_eq!(host.ask_chain("it", &[("Authorization", &basic("alice", "wonderland-1"))]).status, AUTH_REFUSED);
}

#[test]
fn an_optional_scheme_never_decides() {
    let site = Site::of_vectors("drf");
    let host = host(&site, "schemes = [{ scheme = \"token\", control = \"optional\" }, \"basic\"]");
    assert_eq!(host.ask_chain("it", &[("Authorization", BOB)]).said(), "chain.no_credentials");
    assert_eq!(host.ask_chain("it", &[("Authorization", &basic("alice", "wonderland-1"))]).said(), "alice");
}
