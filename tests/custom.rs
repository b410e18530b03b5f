//! Custom schemes through the C ABI, as a Rust host would write them: what C cannot do, panic.
//! The guide's example and the odd answers are c-tests/custom.c.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]

mod support;

use std::ffi::c_void;
use std::ptr;

use authchain::capi::scheme::*;
use authchain::capi::status::*;
use support::{Host, Site, USUAL, text};

unsafe extern "C-unwind" fn panics(_: *mut c_void, _: *const auth_view, _: *mut auth_answer) {
    panic!("a scheme fell over");
}

unsafe extern "C-unwind" fn says_yes_then_panics(_: *mut c_void, _: *const auth_view, answer: *mut auth_answer) {
    let status = unsafe { auth_answer_user(answer.as_ref(), text("alice")) };
    assert_eq!(status, auth_status::AUTH_OK);
    panic!("a scheme fell over");
}

unsafe extern "C-unwind" fn x_username(_: *mut c_void, view: *const auth_view, answer: *mut auth_answer) {
    let mut name = text("");
    let found = unsafe { auth_view_header(view.as_ref(), text("X-USERNAME"), &raw mut name) };
    let status = match found {
        auth_status::AUTH_OK => unsafe { auth_answer_user(answer.as_ref(), name) },
        _ => unsafe { auth_answer_pass(answer.as_ref()) },
    };
    assert_eq!(status, auth_status::AUTH_OK);
}

type Function = unsafe extern "C-unwind" fn(*mut c_void, *const auth_view, *mut auth_answer);

fn host(site: &Site, function: Function, challenge: &str, flags: u32) -> Host {
    try_host(site, function, challenge, flags, "").unwrap()
}

fn try_host(site: &Site, function: Function, challenge: &str, flags: u32, more: &str) -> Result<Host, String> {
    let scheme = auth_scheme {
        size: size_of::<auth_scheme>(),
        flags,
        reserved: 0,
        name: text("mine"),
        challenge: text(challenge),
        authenticate: Some(function),
        destroy: None,
        data: ptr::null_mut(),
        configure: None,
    };
    let config = USUAL.replace("[\"basic\", \"token\"]", "[\"mine\", \"basic\"]");
    Host::open(&format!("{config}{more}"), site.folder.path(), &[scheme])
}

#[test]
fn a_table_for_a_scheme_of_the_host_takes_no_options() {
    let site = Site::of_vectors("drf");
    assert!(try_host(&site, x_username, "", 0, "[schemes.mine]\n").is_ok());
    let report = try_host(&site, x_username, "", 0, "[schemes.mine]\nfoo = 1\n").err().unwrap();
    assert!(report.contains("unknown key \"foo\" in [schemes.mine]"), "{report}");
}

#[test]
fn a_panic_inside_a_scheme_is_a_failure_and_the_process_goes_on() {
    let site = Site::of_vectors("drf");
    for function in [panics as Function, says_yes_then_panics] {
        for flags in [0, AUTH_SCHEME_ONE_THREAD] {
            let host = host(&site, function, "", flags);
            for _ in 0..2 {
                let outcome = host.ask(&[]);
                assert_eq!((outcome.status, outcome.http, outcome.user.as_str()), (auth_status::AUTH_EPANIC, 503, ""));
            }
        }
    }
    assert_eq!(site.host("").authorization("Token abcd1234").said(), "bob");
}

#[test]
fn the_guides_example_finds_its_user() {
    let site = Site::of_vectors("drf");
    let host = host(&site, x_username, "", 0);
    assert_eq!(host.ask(&[("x-username", "alice")]).said(), "alice");
    let unknown = host.ask(&[("X-USERNAME", "nobody")]);
    assert_eq!((unknown.http, unknown.body.as_str()), (403, r#"{"detail":"No such user"}"#));
    let inactive = host.ask(&[("X-USERNAME", "inactive")]);
    assert_eq!((inactive.http, inactive.body.as_str()), (403, r#"{"detail":"User inactive or deleted."}"#));
    assert_eq!(host.authorization(&support::basic("alice", "wonderland-1")).said(), "alice");
}

#[test]
fn a_challenge_of_ones_own_turns_403_into_401() {
    let site = Site::of_vectors("drf");
    let outcome = host(&site, x_username, "Mine realm=\"x\"", 0).ask(&[("X-USERNAME", "nobody")]);
    assert_eq!((outcome.http, outcome.header("WWW-Authenticate")), (401, Some("Mine realm=\"x\"")));
}
