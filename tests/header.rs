//! include/authchain.h says exactly what src/capi says. `BLESS=1` rewrites it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

const PREAMBLE: &str = include_str!("header/preamble.h");
const MACROS: &str = include_str!("header/macros.h");
const TRAILER: &str = include_str!("header/trailer.h");

const VERSION: &str = concat!(
    "\n#define AUTH_VERSION \"",
    env!("CARGO_PKG_VERSION"),
    "\"\n#define AUTH_VERSION_MAJOR ",
    env!("CARGO_PKG_VERSION_MAJOR"),
    "\n#define AUTH_VERSION_MINOR ",
    env!("CARGO_PKG_VERSION_MINOR"),
    "\n#define AUTH_VERSION_PATCH ",
    env!("CARGO_PKG_VERSION_PATCH"),
    "\n",
);

#[test]
fn header_is_up_to_date() {
    let made = made();
    let path = root().join("include/authchain.h");
    if env::var_os("BLESS").is_some() {
        fs::write(path, made).unwrap();
        return;
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(made == committed, "include/authchain.h is stale: run `make header` and commit it");
}

#[test]
fn every_function_says_who_owns_what_which_threads_what_blocks_and_what_it_returns() {
    let header = made();
    for (name, comment) in functions(&header) {
        for word in ["Ownership:", "Threads:", "Blocks:", "Returns:"] {
            // Words may be broken over lines, never inside.
            assert!(comment.contains(word), "{name} does not say {word}");
        }
    }
}

#[test]
fn statuses_in_comments_exist() {
    let header = made();
    let known: BTreeSet<_> =
        header.lines().filter_map(|line| line.trim().split_once(" = ").map(|(name, _)| name.to_owned())).collect();
    for (name, comment) in functions(&header) {
        for word in comment.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let is_status = word.starts_with("AUTH_E") && word != "AUTH_E";
            assert!(!is_status || known.contains(word), "{name} names {word}");
        }
    }
}

#[test]
fn every_type_lists_its_functions_and_every_function_stands_in_a_list() {
    let header = made();
    let declared: BTreeSet<_> = functions(&header).into_iter().map(|(name, _)| name).collect();
    let mut listed = BTreeSet::new();
    for list in header.split("Methods:").skip(1) {
        let list = list.split("*/").next().unwrap();
        for word in list.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| w.starts_with("auth_")) {
            assert!(declared.contains(word), "a list names {word}, which is no function");
            listed.insert(word.to_owned());
        }
    }
    let of_no_type = ["auth_version", "auth_abi_version", "auth_strerror", "auth_status_name"];
    let on_a_context = ["auth_config_check", "auth_token_revoke", "auth_token_revoke_all", "auth_password_set"];
    for name in declared {
        let expected = !of_no_type.contains(&&*name) && !on_a_context.contains(&&*name);
        assert_eq!(listed.contains(&name), expected, "{name}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn made() -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    config.header = Some(PREAMBLE.trim_end().to_owned());
    let mut made = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(root().join("src/capi/mod.rs"))
        .with_after_include(format!("{VERSION}{MACROS}"))
        .generate()
        .expect("cbindgen")
        .write(&mut made);
    // cbindgen's own trailer would come after the include guard.
    let made = String::from_utf8(made).unwrap();
    let (inside, guard) = made.rsplit_once("#endif").unwrap();
    format!("{inside}{}\n\n#endif{guard}", TRAILER.trim())
}

/// Name and comment of each prototype.
fn functions(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for block in header.split("/**").skip(1) {
        let Some((comment, code)) = block.split_once("*/") else { continue };
        let Some((before, _)) = code.trim_start().split_once('(') else { continue };
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        if name.starts_with("auth_") && code.contains(");") && code.trim_start().starts_with("AUTH_") {
            found.push((name.to_owned(), comment.to_owned()));
        }
        if code.trim_start().starts_with("AUTH_MUST_USE") {
            // The attribute stands on a line of its own in front of the prototype.
            let prototype = code.trim_start().trim_start_matches("AUTH_MUST_USE").trim_start();
            assert!(prototype.starts_with("AUTH_API"), "{prototype}");
        }
    }
    assert!(found.len() > 40, "only {} functions found", found.len());
    found
}
