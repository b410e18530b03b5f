//! Who may know whom. The arrow of knowledge, as a table and not as a diagram.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may name; `lib.rs` lists the rooms and names none.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("options", &[]),
    ("sys", &["error"]),
    ("codec", &["error"]),
    ("store", &["error", "codec", "sys"]),
    ("keys", &["codec", "sys"]),
    ("request", &["error", "codec"]),
    ("verdict", &["error", "codec", "store"]),
    ("edits", &["request", "verdict"]),
    ("site", &["request", "codec"]),
    ("ctx", &["site", "store", "codec", "sys", "error"]),
    ("accounts", &["keys", "ctx", "verdict", "store", "codec", "error"]),
    ("body", &["request", "verdict", "codec"]),
    ("csrf", &["body", "site", "ctx", "request", "verdict", "accounts", "codec", "error"]),
    ("schemes", &["keys", "csrf", "ctx", "request", "verdict", "accounts", "store", "codec", "options", "error"]),
    (
        "endpoints",
        &["schemes", "csrf", "body", "ctx", "request", "verdict", "accounts", "store", "codec", "options", "error"],
    ),
    ("chain", &["ctx", "site", "request", "verdict", "schemes", "options", "error"]),
    ("route", &["chain", "endpoints", "schemes", "ctx", "request", "verdict", "error"]),
    (
        "config",
        &[
            "keys",
            "route",
            "chain",
            "endpoints",
            "schemes",
            "accounts",
            "csrf",
            "site",
            "verdict",
            "store",
            "codec",
            "options",
            "log",
            "sys",
            "error",
        ],
    ),
    ("log", &["sys"]),
    ("targets", &["chain", "verdict", "error"]),
    (
        "context",
        &["keys", "config", "targets", "log", "chain", "schemes", "accounts", "ctx", "store", "codec", "sys", "error"],
    ),
    ("live", &["context", "config", "schemes", "log", "sys", "error"]),
    ("exchange", &["context", "route", "chain", "csrf", "edits", "request", "verdict", "log", "error"]),
    (
        "capi",
        &[
            "exchange", "live", "context", "targets", "config", "csrf", "edits", "log", "accounts", "schemes",
            "request", "verdict", "store", "codec", "sys", "error",
        ],
    ),
    (
        "cli",
        &[
            "capi", "exchange", "live", "context", "config", "edits", "log", "chain", "accounts", "request", "verdict",
            "store", "codec", "options", "sys", "error",
        ],
    ),
];

#[test]
fn every_room_is_in_the_table() {
    for room in rooms() {
        assert!(MAY_KNOW.iter().any(|(name, _)| *name == room), "{room} is in no row of the table");
    }
}

#[test]
fn no_room_knows_more_than_it_may() {
    for (room, may) in MAY_KNOW {
        for file in files(room) {
            let text = fs::read_to_string(&file).unwrap();
            // Unit tests may know what they need.
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for named in text.match_indices("crate::").map(|(i, _)| word(&text[i + 7..])) {
                let allowed = named == *room || may.contains(&named) || !rooms().iter().any(|r| r == named);
                assert!(allowed, "{}: `{room}` may not know `{named}`", file.display());
            }
            // `crate::{a, b}` would hide names from this test.
            assert!(!text.contains("crate::{"), "{}: one `use` a room", file.display());
        }
    }
}

#[test]
fn schemes_do_not_know_each_other() {
    for file in files("schemes") {
        let own = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        for other in files("schemes") {
            let name = other.file_stem().unwrap().to_str().unwrap().to_owned();
            let names_it = text.contains(&format!("super::{name}")) || text.contains(&format!("schemes::{name}"));
            assert!(own == "mod" || name == "mod" || !names_it, "`{own}` may not know `{name}`");
        }
    }
}

#[test]
fn unsafe_stands_in_two_rooms_only() {
    for (room, _) in MAY_KNOW.iter().filter(|(room, _)| !["capi", "sys"].contains(room)) {
        for file in files(room) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("unsafe {") && !text.contains("unsafe fn"), "{}", file.display());
        }
    }
}

#[test]
fn functions_and_files_stay_readable() {
    for (room, _) in MAY_KNOW {
        for file in files(room) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 700, "{} has {lines} lines", file.display());
        }
    }
}

fn rooms() -> Vec<String> {
    fs::read_dir(source())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("lib.rs") && !path.ends_with("bin"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn files(room: &str) -> Vec<PathBuf> {
    let file = source().join(format!("{room}.rs"));
    if file.exists() { vec![file] } else { below(&source().join(room)) }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
