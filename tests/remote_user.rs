//! `remote_user`: the name that the server in front has verified, through a header of a proxy here.
//! What DRF answers to REMOTE_USER itself is replayed in tests/replay.rs.

mod support;

use support::Site;

fn config(options: &str) -> String {
    format!(
        "[schemes.remote_user]\nheader = \"HTTP_X_REMOTE_USER\"\n{options}[chains.proxy]\nschemes = [\"remote_user\"]\n"
    )
}

#[test]
fn a_proxy_that_is_trusted_says_who_it_is() {
    let site = Site::of_vectors("drf");
    let host = site.host(&config(""));
    assert_eq!(host.ask_chain("proxy", &[("X-Remote-User", "alice")]).said(), "alice");
    assert_eq!(host.ask_chain("proxy", &[("X_Remote_User", "alice")]).said(), "chain.no_credentials");
    assert_eq!(host.ask_chain("proxy", &[]).http, 403); // there is no challenge
}

#[test]
fn nobody_else_is_believed() {
    let site = Site::of_vectors("drf");
    let usual = support::USUAL.replace("trusted_proxies = [\"127.0.0.1\"]", "trusted_proxies = [\"192.0.2.1\"]");
    let host = site.try_host(&(usual + &config(""))).unwrap();
    assert_eq!(host.ask_chain("proxy", &[("X-Remote-User", "alice")]).said(), "chain.no_credentials");
}

#[test]
fn an_unknown_name_becomes_a_user_that_no_password_logs_in() {
    let site = Site::of_vectors("drf");
    let host = site.host(&config(""));
    assert_eq!(host.ask_chain("proxy", &[("X-Remote-User", "newcomer")]).said(), "newcomer");
    let row = site.other().query_row(
        "SELECT password, is_active, is_staff, last_login IS NULL FROM auth_user WHERE username = 'newcomer'",
        [],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, bool>(2)?, row.get::<_, bool>(3)?)),
    );
    assert_eq!(row.unwrap(), (String::new(), true, false, true));
    assert_eq!(host.authorization(&support::basic("newcomer", "")).said(), "password.wrong");
}

#[test]
fn an_unknown_name_is_nobody_when_users_are_not_made() {
    let site = Site::of_vectors("drf");
    let host = site.host(&config("create_unknown_user = false\n"));
    assert_eq!(host.ask_chain("proxy", &[("X-Remote-User", "newcomer")]).said(), "chain.no_credentials");
    assert_eq!(host.ask_chain("proxy", &[("X-Remote-User", "inactive")]).said(), "chain.no_credentials");
}
