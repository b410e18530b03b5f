//! What the documents say is so. docs/config.md is made here; `BLESS=1` rewrites it.

mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use support::{Site, USUAL, basic, root};

#[test]
fn the_reference_of_the_configuration_is_up_to_date() {
    let made = authchain::config_manual();
    let path = root().join("docs/config.md");
    if env::var_os("BLESS").is_some() {
        fs::write(path, made).unwrap();
        return;
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(made == committed, "docs/config.md is stale: run `BLESS=1 cargo test --test docs` and commit it");
}

#[test]
fn the_readme_is_short_and_names_the_two_commands() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 250, "{} lines", readme.lines().count());
    for command in ["demo", "test"] {
        assert!(readme.contains(&format!("make {command}")), "{command}");
        assert!(read("Makefile").contains(&format!("\n{command}:")), "{command}");
    }
}

#[test]
fn the_c_of_the_readme_compiles() {
    let blocks = blocks(&read("README.md"), "c");
    assert!(!blocks.is_empty());
    for block in blocks {
        let include = format!("-I{}", root().join("include").display());
        let mut child = Command::new("gcc")
            .args(["-std=c99", "-fsyntax-only", "-pedantic", "-Wall", "-Wextra", "-Werror", &include, "-x", "c", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(block.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{block}");
    }
}

#[test]
fn the_configurations_in_the_documents_are_accepted() {
    for file in documents() {
        for block in blocks(&fs::read_to_string(&file).unwrap(), "toml") {
            let said = check(&block);
            assert!(said.is_ok(), "{}: {}\n{block}", file.display(), said.unwrap_err());
        }
    }
    assert!(blocks(&read("README.md"), "toml").len() + blocks(&read("docs/config.md"), "toml").len() >= 3);
    assert!(check("database = 1").is_err());
}

#[test]
fn every_difference_has_a_reason_and_a_test() {
    let rows = rows(&read("docs/differences.md"));
    assert!((5..=15).contains(&rows.len()), "{} rows", rows.len());
    for row in rows {
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        assert!(!code_spans(row.last().unwrap()).is_empty(), "{row:?} names no test");
    }
}

#[test]
fn tests_that_the_documents_name_exist() {
    let (sources, makefile) = (sources(), read("Makefile"));
    for name in ["docs/differences.md", "SECURITY.md"] {
        for row in rows(&read(name)) {
            for test in code_spans(row.last().unwrap()) {
                let is_file = test.contains('/') && root().join(test).exists();
                let is_rule = test.strip_prefix("make ").is_some_and(|rule| makefile.contains(&format!("\n{rule}:")));
                let is_function = [format!("fn {test}("), format!("def {test}(")].iter().any(|f| sources.contains(f));
                assert!(is_file || is_rule || is_function, "{name} names the test {test}");
            }
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        for target in links(&text) {
            let path = file.parent().unwrap().join(target.split('#').next().unwrap());
            assert!(path.exists(), "{}: {target}", file.display());
        }
    }
}

// ---------------------------------------------------------------- a row of docs/differences.md

#[test]
fn a_login_rewrites_a_hash_in_exact_mode_only() {
    let site = Site::of_vectors("drf");
    let stored = || -> String {
        site.other().query_row("SELECT password FROM auth_user WHERE username = 'alice'", [], |row| row.get(0)).unwrap()
    };
    let before = stored();
    assert!(before.starts_with("pbkdf2_sha256$1000$"));
    for (exact, rewritten) in [("false", false), ("true", true)] {
        let config = format!("exact = {exact}\n{}", USUAL.replace("iterations = 1000", "iterations = 2000"));
        let host = site.try_host(&config).unwrap();
        assert_eq!(host.authorization(&basic("alice", "wonderland-1")).said(), "alice");
        assert_eq!(stored() != before, rewritten);
    }
}

// ---------------------------------------------------------------- reading documents

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Every document of the repository.
fn documents() -> Vec<PathBuf> {
    let found = below(&root(), "md");
    assert!(found.len() >= 8, "{found:?}");
    found
}

/// All that may hold a test, as one text.
fn sources() -> String {
    let python = ["python-bindings/tests", "tests/browser", "modules/apache/tests"].map(|folder| (folder, "py"));
    let folders = [("src", "rs"), ("tests", "rs")].into_iter().chain(python);
    let files = folders.flat_map(|(folder, extension)| below(&root().join(folder), extension));
    files.map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// The files of an extension, but for what is hidden or built.
fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| !name(path).starts_with('.') && !["target", "node_modules"].contains(&&*name(path)))
        .flat_map(|path| if path.is_dir() { below(&path, extension) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect()
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}");
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            if line == fence {
                found.push(block.join("\n") + "\n");
            }
        }
    }
    found
}

/// The cells of the rows of all tables, without headings.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<_> = text.lines().collect();
    let is_rule = |i: usize| lines.get(i).is_some_and(|line| line.starts_with("| ---"));
    let cells = |line: &str| {
        let inside = line.trim().trim_start_matches('|').trim_end_matches('|');
        inside.split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    let is_row = |(i, line): &(usize, &&str)| line.starts_with('|') && !is_rule(*i) && !is_rule(i + 1);
    lines.iter().enumerate().filter(is_row).map(|(_, line)| cells(line)).collect()
}

fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The targets of links into the repository.
fn links(text: &str) -> Vec<String> {
    let mut prose = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            // Code spans hold no links.
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let into_here =
        |target: &&str| !target.contains("://") && !target.starts_with('#') && !target.starts_with("mailto:");
    targets.filter(into_here).map(str::to_owned).collect()
}

/// What `authchain check` says to a configuration.
fn check(config: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path
    };
    write("secret_key", "a secret\n", 0o600);
    let path = write("authchain.toml", config, 0o644);
    let output = Command::new(env!("CARGO_BIN_EXE_authchain"))
        .env("AUTHCHAIN_SECRET_KEY", "another secret")
        .arg("check")
        .arg("--config")
        .arg(path)
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
