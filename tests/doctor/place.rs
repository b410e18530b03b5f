//! A place to be looked at, and what was found there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::django;

/// A folder with a database of Django's, a configuration that leaves nothing to say, and its secret.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        Self::with("", "schemes = [\"session\"]\n")
    }

    /// More keys at the top, and the table of the chain.
    pub fn with(top: &str, chain: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("db.sqlite3"), migrated()).unwrap();
        place.db().pragma_update(None, "journal_mode", "WAL").unwrap();
        mode(&place.path("db.sqlite3"), 0o660);
        fs::write(place.path("secret_key"), format!("{SECRET}\n")).unwrap();
        mode(&place.path("secret_key"), 0o600);
        place.configure(&format!("{GOOD}{top}[chains.default]\n{chain}"));
        place
    }

    pub fn configure(&self, text: &str) {
        fs::write(self.path("authchain.toml"), text).unwrap();
        mode(&self.path("authchain.toml"), 0o644);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn db(&self) -> Connection {
        Connection::open(self.path("db.sqlite3")).unwrap()
    }

    pub fn run(&self, args: &[&str]) -> Output {
        let config = self.path("authchain.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        let output = command.arg("--config").arg(config).arg("doctor").args(args).output().unwrap();
        assert!(output.stderr.is_empty(), "{output:?}"); // no progress where there is no terminal
        output
    }

    pub fn findings(&self, args: &[&str]) -> Vec<Finding> {
        let output = self.run(&[args, &["--json"]].concat());
        let Value::Array(list) = serde_json::from_slice(&output.stdout).unwrap() else { panic!("{output:?}") };
        let findings: Vec<_> = list.iter().map(Finding::of).collect();
        let failed = findings.iter().any(|finding| finding.state == "failure");
        assert_eq!(output.status.code(), Some(failed.into()), "{findings:#?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains(SECRET) && !said.contains("geheim"), "{said}");
        findings
    }

    /// What is found at a point that there is.
    pub fn point(&self, point: &str, args: &[&str]) -> Finding {
        let findings = self.findings(args);
        let found: Vec<_> = findings.iter().filter(|finding| finding.point == point).collect();
        assert!(!found.is_empty(), "{point}: {findings:#?}");
        found[0].clone()
    }

    /// The point is ill in this way, and well after its remedy was run as a command.
    pub fn is_mended(&self, point: &str, args: &[&str], state: &str, text: &str) {
        let ill = self.point(point, args);
        assert!(ill.state == state && ill.text.contains(text), "{ill:?}");
        let command = ill.remedy.split('`').nth(1).unwrap_or_else(|| panic!("{ill:?}"));
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        let well = self.findings(args);
        assert!(well.iter().all(|finding| finding.point != point || finding.state == "ok"), "{command}: {well:#?}");
    }
}

#[derive(Debug, Clone)]
pub struct Finding {
    pub point: String,
    pub state: String,
    pub text: String,
    pub remedy: String,
}

impl Finding {
    pub fn of(value: &Value) -> Self {
        let members = value.as_object().unwrap();
        assert_eq!(members.len(), 4, "{value}");
        let text = |name: &str| members[name].as_str().unwrap().to_owned();
        let finding = Self { point: text("point"), state: text("state"), text: text("text"), remedy: text("remedy") };
        assert!(["ok", "warning", "failure"].contains(&finding.state.as_str()) && !finding.text.is_empty(), "{value}");
        finding
    }
}

/// 50 characters.
pub const SECRET: &str = "0123456789abcdefghijklmnopqrstuvwxyz!@#$%^&*(-_=+)";

pub const GOOD: &str = r#"database = "sqlite:db.sqlite3"
secret_key = { file = "secret_key" }
allowed_hosts = ["example.com"]
session_cookie_secure = true
csrf_cookie_secure = true
"#;

pub const PASSWORDS: &str = "schemes = [\"basic\", \"token\"]\n[hashers.pbkdf2_sha256]\niterations = 1000\n";

/// A database that Django migrated, made once.
pub fn migrated() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        django(&dir.path().join("db"), &["migrate"], "");
        fs::read(dir.path().join("db")).unwrap()
    })
}

pub fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether there is another user to become.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The number of another user.
pub fn nobody() -> u32 {
    let output = Command::new("id").args(["-u", "nobody"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// As whom to look.
pub const NOBODY: &[&str] = &["--user", "nobody"];
