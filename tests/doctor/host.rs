//! What the host's user may do: tried with the rights of a real one.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Command;

use crate::place::{NOBODY, Place, is_root, mode, nobody};
use crate::support::root;

#[test]
fn the_host_s_rights_are_tried_and_mended_one_by_one() {
    if !is_root() {
        return;
    }
    let place = Place::with(
        "session_engine = \"file\"\nsession_file_path = \"kept\"\n",
        "schemes = [\"session\", \"basic\"]\n",
    );
    fs::create_dir(place.path("kept")).unwrap();
    mode(&place.path("kept"), 0o770);
    mode(place.0.path(), 0o700);
    let shut = place.findings(NOBODY);
    let failures: Vec<_> = shut.iter().filter(|finding| finding.state == "failure").collect();
    assert!(failures.len() == 1 && failures[0].text.contains("nobody may not enter"), "{shut:#?}");
    for _ in 0..5 {
        for finding in place.findings(NOBODY).iter().filter(|finding| finding.state == "failure") {
            let command = finding.remedy.split('`').nth(1).unwrap();
            assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        }
    }
    let well: Vec<_> = place.findings(NOBODY).into_iter().filter(|f| f.point.starts_with("host")).collect();
    assert!(well.len() == 4 && well.iter().all(|finding| finding.state == "ok"), "{well:#?}");
    // And so it is: a login that nobody serves is counted in the throttle's file.
    let login = ["--config", place.path("authchain.toml").to_str().unwrap(), "explain", "--curl", "curl -u a:b /"]
        .map(str::to_owned);
    let mut served = Command::new("setpriv");
    served.args(["--reuid=nobody", "--regid=nogroup", "--init-groups", env!("CARGO_BIN_EXE_authchain")]).args(login);
    let output = served.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("password.wrong"), "{output:?}");
    assert_eq!(place.path("throttle.sqlite3").metadata().unwrap().uid(), nobody());
}

#[test]
fn a_secret_that_the_host_may_not_read_is_named_and_the_rest_is_still_tried() {
    if !is_root() {
        return;
    }
    let place = Place::with("", "schemes = [\"session\", \"basic\"]\n");
    mode(place.0.path(), 0o755);
    let findings = place.findings(NOBODY);
    let failures: Vec<_> = findings.iter().filter(|f| f.state == "failure").map(|f| f.point.as_str()).collect();
    assert_eq!(failures, ["host.configuration", "host.database", "host.throttle"]);
    place.is_mended("host.configuration", NOBODY, "failure", "nobody may not read");
    place.is_mended("host.database", NOBODY, "failure", "nobody may not write");
    assert!(place.findings(NOBODY).iter().all(|finding| finding.state != "failure"));
    // The throttle's file as root would have made it.
    let throttle = place.path("throttle.sqlite3");
    fs::write(&throttle, "").unwrap();
    mode(&throttle, 0o600);
    place.is_mended("host.throttle", NOBODY, "failure", "nobody may not write");
    assert_eq!(place.path("throttle.sqlite3").metadata().unwrap().uid(), 0);
}

#[test]
fn a_folder_that_the_host_may_not_write_shuts_a_wal_database() {
    if !is_root() {
        return;
    }
    // Sessions are read only: the host needs no right to write but the folder's.
    let place = Place::with("", "schemes = [\"token\"]\n");
    mode(place.0.path(), 0o755);
    mode(&place.path("secret_key"), 0o640);
    for file in ["db.sqlite3", "secret_key"] {
        chown(place.path(file), None, Some(fs::metadata("/proc/self").unwrap().gid())).unwrap();
    }
    let nogroup = Command::new("id").args(["-g", "nobody"]).output().unwrap();
    let nogroup: u32 = String::from_utf8(nogroup.stdout).unwrap().trim().parse().unwrap();
    for file in ["db.sqlite3", "secret_key"] {
        chown(place.path(file), None, Some(nogroup)).unwrap();
    }
    let shut = place.point("host.database", NOBODY);
    assert!(shut.state == "failure" && shut.text.contains("nobody cannot read"), "{shut:?}");
    // While another process has it open, it opens; the doctor is not taken in by that.
    let other = place.db();
    other.query_row("SELECT count(*) FROM auth_user", [], |_| Ok(())).unwrap();
    let lucky = place.point("host.database", NOBODY);
    assert!(lucky.state == "failure" && lucky.text.contains("only while another process has it open"), "{lucky:?}");
    drop(other);
    place.is_mended("host.database", NOBODY, "failure", "nobody cannot read");
    // Without WAL reading needs no more than the file.
    mode(place.0.path(), 0o755);
    place.db().pragma_update(None, "journal_mode", "DELETE").unwrap();
    mode(&place.path("db.sqlite3"), 0o640);
    let reads = place.point("host.database", NOBODY);
    assert!(reads.state == "ok" && reads.text.contains("all that the configuration needs"), "{reads:?}");
    let config = fs::read_to_string(place.path("authchain.toml")).unwrap();
    place.configure(&format!("{config}[endpoints.obtain_auth_token]\n"));
    place.is_mended("host.database", NOBODY, "failure", "nobody cannot write");
}

#[test]
fn sessions_in_files_need_their_folder() {
    if !is_root() {
        return;
    }
    let place = Place::with("session_engine = \"file\"\nsession_file_path = \"kept\"\n", "schemes = [\"session\"]\n");
    mode(place.0.path(), 0o755);
    fs::create_dir(place.path("kept")).unwrap();
    mode(&place.path("kept"), 0o770);
    place.is_mended("host.session_files", NOBODY, "failure", "nobody may not make files in");
}

#[test]
fn a_plugin_that_the_host_may_not_load_is_named() {
    if !is_root() {
        return;
    }
    let folder = tempfile::Builder::new().prefix(".authchain-").tempdir_in("/opt").unwrap();
    mode(folder.path(), 0o700);
    let (plugin, root) = (folder.path().join("x.so"), root());
    let mut built = Command::new("gcc");
    built.args(["-shared", "-fPIC", "-I"]).arg(root.join("include")).arg("-o").arg(&plugin);
    assert!(built.arg(root.join("examples/plugin_xusername.c")).status().unwrap().success());
    let place = Place::with("", &format!("schemes = [\"guide\"]\n[schemes.guide]\nplugin = {plugin:?}\n"));
    mode(place.0.path(), 0o755);
    mode(&place.path("secret_key"), 0o640);
    let said = || place.point("host.configuration", NOBODY);
    for _ in 0..2 {
        let ill = said(); // the secret, then the folder of the plug-in
        assert!(Command::new("sh").args(["-c", ill.remedy.split('`').nth(1).unwrap()]).status().unwrap().success());
    }
    assert_eq!(said().state, "ok");
    mode(&plugin, 0o750);
    place.is_mended("host.configuration", NOBODY, "failure", "x.so");
}

#[test]
fn a_log_that_cannot_be_written_is_noticed() {
    if !is_root() {
        return;
    }
    let place = Place::with("log = \"./auth.log\"\n", "schemes = [\"session\"]\n");
    mode(place.0.path(), 0o755);
    place.is_mended("host.log", NOBODY, "failure", "nobody may not make files in");
    fs::write(place.path("auth.log"), "").unwrap();
    mode(&place.path("auth.log"), 0o640);
    place.is_mended("host.log", NOBODY, "failure", "nobody may not write");
    fs::rename(place.path("auth.log"), place.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", place.path("auth.log")).unwrap();
    assert!(place.point("host.log", NOBODY).text.contains("is a link"));
    let place = Place::with("log = \"syslog\"\n", "schemes = [\"session\"]\n");
    assert!(place.findings(NOBODY).iter().all(|finding| finding.point != "host.log"));
}

#[test]
fn a_user_who_cannot_be_tried_is_a_failure() {
    let place = Place::new();
    let said = place.point("host", &["--user", "no-such-user"]);
    assert_eq!((said.state.as_str(), said.text.as_str()), ("failure", "there is no user no-such-user"));
    if is_root() {
        let said = place.point("host", &[]);
        assert!(said.state == "warning" && said.remedy.contains("--user"), "{said:?}");
    }
}

/// What gives tokens for passwords is told apart from what only reads, and its passwords are passwords.
#[test]
fn endpoints_of_tokens_need_a_database_that_can_be_written_and_a_brake() {
    if !is_root() {
        return;
    }
    let place = Place::with("", "schemes = [\"jwt\"]\n");
    place.db().execute_batch(include_str!("../../src/store/tables/schema_jwt.sql")).unwrap();
    mode(place.0.path(), 0o777);
    let nogroup = Command::new("id").args(["-g", "nobody"]).output().unwrap();
    let nogroup: u32 = String::from_utf8(nogroup.stdout).unwrap().trim().parse().unwrap();
    chown(place.path("secret_key"), None, Some(nogroup)).unwrap();
    mode(&place.path("secret_key"), 0o640);
    mode(&place.path("db.sqlite3"), 0o644);
    place.db().pragma_update(None, "journal_mode", "DELETE").unwrap();
    let head = format!("{}[throttle]\nenabled = false\n[chains.default]\nschemes = [\"jwt\"]\n", crate::place::GOOD);
    for (tables, must_write, takes_passwords) in [
        ("[endpoints.jwt_verify]\n", false, false),
        ("[endpoints.jwt_refresh]\n", true, false),
        ("[endpoints.jwt_refresh_sliding]\n", true, false), // it puts off the end of the row
        ("[endpoints.jwt_obtain_pair]\n", true, true),
        ("[schemes.jwt]\nblacklist = false\n[endpoints.jwt_obtain_pair]\n", false, true),
        ("[schemes.jwt]\nblacklist = false\n[endpoints.jwt_obtain_pair]\nupdate_last_login = true\n", true, true),
        ("[schemes.knox]\n[endpoints.knox_logout]\nchain = \"default\"\n", true, false),
        ("[schemes.durin]\n[endpoints.durin_login]\n", true, true),
    ] {
        place.configure(&format!("{head}{tables}"));
        let findings = place.findings(NOBODY);
        let at = |point: &str| findings.iter().find(|finding| finding.point == point);
        let database = at("host.database").unwrap_or_else(|| panic!("{tables}: {findings:#?}"));
        assert_eq!(database.state == "failure", must_write, "{tables}: {database:?}");
        assert_eq!(at("throttle").is_some_and(|found| found.state == "warning"), takes_passwords, "{tables}");
    }
}
