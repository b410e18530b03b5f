//! Plug-ins by way of the command, which has the library inside itself: the guide's example of
//! examples/, built as its first comment says. What may be loaded is c-tests/plugin.c.

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Site, USUAL, root};
use tempfile::TempDir;

/// A folder below which only root and this user can change anything, unlike /tmp.
fn safe_folder() -> TempDir {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let candidates = home.into_iter().chain(["/root", "/run", "/var/lib", "/opt"].map(PathBuf::from));
    let is_safe = |path: &Path| path.metadata().is_ok_and(|meta| meta.mode() & 0o022 == 0);
    let found = candidates.filter_map(|path| path.canonicalize().ok()).filter(|path| path.ancestors().all(is_safe));
    let made = found.map(|path| tempfile::Builder::new().prefix(".authchain-").tempdir_in(path)).find_map(Result::ok);
    made.expect("a folder that only root and this user can change")
}

/// The example, built into a folder.
fn example(folder: &Path) -> PathBuf {
    let path = folder.join("xusername.so");
    let built = Command::new("gcc")
        .args(["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-Wl,-z,defs", "-I"])
        .arg(root().join("include"))
        .arg(root().join("examples/plugin_xusername.c"))
        .arg("-o")
        .arg(&path)
        .status();
    assert!(built.unwrap().success());
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

/// What the command says: its exit status and both outputs.
fn authchain(config: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_authchain"))
        .arg("--config")
        .arg(config)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// A configuration with two plug-in schemes, and these lines behind it.
fn config(site: &Site, plugin: &Path, more: &str) -> PathBuf {
    let path = site.folder.path().join("authchain.toml");
    let plugin = plugin.display();
    let text = format!(
        "{USUAL}[chains.guide]\nschemes = [\"guide\", \"badge\"]\n[schemes.guide]\nplugin = \"{plugin}\"\n\
         [schemes.badge]\nplugin = \"{plugin}\"\nheader = \"X-Badge\"\n{more}"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    path
}

#[test]
fn explain_asks_the_schemes_of_a_plugin() {
    let (site, safe) = (Site::of_vectors("drf"), safe_folder());
    let config = &config(&site, &example(safe.path()), "");
    for (header, expected) in
        [("X-Username: alice", "alice"), ("X-Badge: bob", "bob"), ("X-Badge: nobody there", "custom.no_such_user")]
    {
        let (code, said) = authchain(config, &["explain", "--chain", "guide", "-H", header], "");
        assert!(said.contains(expected), "{header}: {said}");
        assert_eq!(code, i32::from(expected.contains('.')), "{said}");
    }
    let line = r#"{"chain": [{"scheme": "badge", "header": "X-Own"}, "guide"], "headers": [["X-Own", "bob"]]}"#;
    let (_, said) = authchain(config, &["explain", "--batch"], line);
    assert!(said.contains("\"bob\""), "{said}");
    let line = r#"{"chain": [{"scheme": "badge", "heade": "X-Own"}], "headers": []}"#;
    let (_, said) = authchain(config, &["explain", "--batch"], line);
    assert!(said.contains("unknown key \\\"heade\\\" in [schemes.badge] (known: header)"), "{said}");
}

#[test]
fn check_loads_a_plugin_and_says_where_its_fault_is() {
    let (site, safe) = (Site::of_vectors("drf"), safe_folder());
    let plugin = &example(safe.path());
    assert_eq!(authchain(&config(&site, plugin, ""), &["check"], "").0, 0);
    let (code, said) = authchain(&config(&site, plugin, "color = \"red\"\n"), &["check"], "");
    assert_eq!(code, 1);
    assert!(said.contains(":24:1: unknown key \"color\" in [schemes.badge] (known: header)"), "{said}");
    let copy = site.folder.path().join("xusername.so");
    fs::copy(plugin, &copy).unwrap();
    let (code, said) = authchain(&config(&site, &copy, ""), &["check"], "");
    assert_eq!(code, 1);
    assert!(said.contains("may be written by others"), "{said}");
}
