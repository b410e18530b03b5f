//! The counters of the throttle as the command sees them: the binary over files as they are found.
//! What is admitted and refused is tested in `accounts::throttle`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use rusqlite::Connection;
use serde_json::{Value, json};

const KEY: &[u8] = b"s";

/// A folder with a configuration; there is no database, which the counters do not need.
struct Place(tempfile::TempDir);

impl Place {
    fn new(throttle: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let config = format!("database = \"sqlite:db.sqlite3\"\nsecret_key = \"s\"\n{throttle}");
        fs::write(place.path("authchain.toml"), config).unwrap();
        place
    }

    /// With counters that end in an hour, and one that has ended.
    fn counting(rows: &[(&str, &str, u32)]) -> Self {
        let place = Self::new("");
        fs::write(place.store(), "").unwrap();
        assert_eq!(place.says(&["throttle", "list", "--json"]), "[]\n");
        for (kind, key, count) in rows {
            place.insert(kind, key, *count, now_us() + 3_600_000_000);
        }
        place.insert("address", "192.0.2.99", 50, now_us());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.path("throttle.sqlite3")
    }

    fn insert(&self, kind: &str, key: &str, count: u32, until_us: i64) {
        let row = (kind, key, count, until_us);
        let sql = "INSERT INTO authchain_throttle (kind, key, count, until) VALUES (?1, ?2, ?3, ?4)";
        Connection::open(self.store()).unwrap().execute(sql, row).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        command.arg("--config").arg(self.path("authchain.toml")).args(args).output().unwrap()
    }

    /// The output of a success.
    fn says(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(args);
        assert!(status.success() && stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// The error of a failure that said nothing else.
    fn complains(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(args);
        assert!(status.code() == Some(1) && stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
        String::from_utf8(stderr).unwrap()
    }

    /// The keys that still count.
    fn keys(&self) -> Vec<String> {
        let list: Value = serde_json::from_str(&self.says(&["throttle", "list", "--json"])).unwrap();
        list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn now_us() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

/// What stands for a folded name, written down a second time: other processes and releases must find
/// the same counter.
fn digest(folded: &str) -> String {
    let mac = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let name = mac(mac(KEY, b"authchain throttle account").as_ref(), folded.as_bytes());
    name.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_list_shows_what_counts_and_who_is_refused() {
    let place = Place::counting(&[("account", "aa", 5), ("account", "bb", 4), ("address", "2001:db8::/64", 50)]);
    let mut list: Value = serde_json::from_str(&place.says(&["throttle", "list", "--json"])).unwrap();
    let mut rows = list.as_array_mut().unwrap().clone();
    for row in &mut rows {
        let until = row.as_object_mut().unwrap().remove("until").unwrap();
        assert!(until.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond() > now_us());
    }
    rows.sort_by_key(|row| row["id"].to_string());
    let row = |kind, id, count, refuses| json!({ "kind": kind, "id": id, "count": count, "refuses": refuses });
    let network = row("address", "2001:db8::/64", 50, true);
    assert_eq!(rows, [network, row("account", "aa", 5, true), row("account", "bb", 4, false)]);
    let table = place.says(&["throttle", "list"]);
    let words: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["KIND", "ID", "COUNT", "UNTIL", "REFUSES"]);
    assert!(words.len() == 4 && words.iter().any(|row| row[1] == "bb" && row[4] == "no"), "{table}");
}

#[test]
fn clearing_takes_a_name_in_any_spelling_and_an_address_for_its_network() {
    let alice = digest("alice");
    let rows = [("account", alice.as_str(), 5), ("account", "bb", 5), ("address", "2001:db8::/64", 50)];
    let place = Place::counting(&[&rows[..], &[("address", "192.0.2.1", 50)]].concat());
    assert_eq!(place.says(&["throttle", "clear", "--account", "nobody"]), "cleared 0 counters\n");
    assert_eq!(place.says(&["throttle", "clear", "--account", "\u{ff21}LICE"]), "cleared 1 counter\n");
    assert!(place.keys().len() == 3 && !place.keys().contains(&alice));
    assert_eq!(place.says(&["throttle", "clear", "--address", "2001:db8::1:2:3"]), "cleared 1 counter\n");
    assert_eq!(place.says(&["throttle", "clear", "--address", "::ffff:192.0.2.1"]), "cleared 1 counter\n");
    assert_eq!(place.keys(), ["bb"]);
    assert_eq!(place.says(&["throttle", "clear", "--all"]), "cleared 2 counters\n");
    assert!(place.keys().is_empty());
}

#[test]
fn clearing_wants_to_know_whose() {
    let place = Place::counting(&[("account", "aa", 5)]);
    for args in [&["throttle", "clear"][..], &["throttle", "clear", "--all", "--account", "aa"]] {
        assert_eq!(place.run(args).status.code(), Some(2), "{args:?}");
    }
    assert_eq!(place.keys(), ["aa"]);
}

#[test]
fn looking_makes_no_file() {
    let place = Place::new("");
    assert_eq!(place.says(&["throttle", "list", "--json"]), "[]\n");
    assert_eq!(place.says(&["throttle", "clear", "--all"]), "cleared 0 counters\n");
    assert_eq!(place.says(&["check"]).lines().count(), 1);
    let files: Vec<_> = fs::read_dir(place.0.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["authchain.toml"]);
}

#[test]
fn in_the_database_the_table_is_made_and_the_database_never() {
    let place = Place::new("[throttle]\nstore = \"database\"\n");
    assert_eq!(place.says(&["throttle", "clear", "--all"]), "cleared 0 counters\n");
    assert!(!place.path("db.sqlite3").exists());
    let django = Connection::open(place.path("db.sqlite3")).unwrap();
    django.execute_batch("CREATE TABLE auth_user (id integer)").unwrap();
    assert_eq!(place.says(&["throttle", "list", "--json"]), "[]\n");
    let tables = "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table'";
    let tables: String = django.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(tables, "auth_user,authchain_throttle");
    let fresh = Connection::open(place.path("db.sqlite3")).unwrap();
    let mode: String = fresh.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete", "the journal of the database is its owner's");
    assert!(!place.store().exists());
}

#[test]
fn counters_that_cannot_be_used_are_an_error() {
    let corrupt = Place::new("");
    fs::write(corrupt.store(), [b'x'; 4096]).unwrap();
    for args in [&["throttle", "list"][..], &["throttle", "clear", "--all"]] {
        let said = corrupt.complains(args);
        assert!(said.contains("throttle: file is not a database"), "{said}");
    }
    let locked = Place::counting(&[("account", "aa", 5)]);
    let other = Connection::open(locked.store()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // A reader is not in the way of a writer; one who would write is.
    assert_eq!(locked.keys(), ["aa"]);
    let said = locked.complains(&["throttle", "clear", "--all"]);
    assert!(said.contains("throttle: database is locked"), "{said}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(locked.keys(), ["aa"]);
    let folder = Place::new("");
    fs::create_dir(folder.store()).unwrap();
    let said = folder.complains(&["throttle", "list"]);
    assert!(said.contains("unable to open") && said.contains("`store` of [throttle]"), "{said}");
}

#[test]
fn a_throttle_that_is_off_says_so() {
    for config in ["[throttle]\nenabled = false\n", "exact = true\n"] {
        let said = Place::new(config).complains(&["throttle", "list"]);
        assert!(said.contains("the throttle is off"), "{said}");
    }
}

#[test]
fn a_configuration_that_would_not_hold_is_refused_at_its_line() {
    for (line, said) in [
        ("account = \"0/5m\"", "a rate N/TIME"),
        ("address = \"5/5\"", "a rate N/TIME"),
        ("store = \"redis:\"", "the store is of no known kind"),
        ("store = \"file:\"", "the store is of no known kind"),
        ("store = \"file:./db.sqlite3\"", "the store is the file of the database"),
        ("window = \"5m\"", "window"),
    ] {
        // Also where it is off: who switches it on finds it right.
        let refused = Place::new(&format!("[throttle]\nenabled = false\n{line}\n")).complains(&["check"]);
        assert!(refused.contains(said) && refused.contains("authchain.toml:5"), "{line}: {refused}");
    }
}

#[test]
fn the_database_is_no_store_by_another_name_either() {
    let place = Place::new("[throttle]\nstore = \"file:other.sqlite3\"\n");
    fs::write(place.path("db.sqlite3"), "").unwrap();
    std::os::unix::fs::symlink("db.sqlite3", place.path("other.sqlite3")).unwrap();
    let said = place.complains(&["check"]);
    assert!(said.contains("authchain.toml:4") && said.contains("the store is the file of the database"), "{said}");
    fs::remove_file(place.path("other.sqlite3")).unwrap();
    fs::hard_link(place.path("db.sqlite3"), place.path("other.sqlite3")).unwrap();
    assert!(place.complains(&["check"]).contains("the store is the file of the database"));
}
