//! The command, run as a process, against databases of real Django (tests/peer/site.py): what we
//! make Django accepts, and back.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const CHEAP: &str = "\n[hashers.pbkdf2_sha256]\niterations = 1000\n";

/// What a process left behind.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// The output of a success.
    fn ok(self) -> String {
        assert!(self.code == 0 && self.err.is_empty(), "{self:?}");
        self.out
    }

    /// The error of a failure that said nothing else.
    fn failed(self) -> String {
        assert!(self.code == 1 && self.out.is_empty(), "{self:?}");
        self.err.trim_end().to_owned()
    }
}

/// A folder with a database and a configuration for it.
struct Place {
    dir: TempDir,
    site: Vec<&'static str>,
}

impl Place {
    /// Made by `authchain init`.
    fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), site: vec![] };
        authchain(&["init", place.text()], "").ok();
        place.add(CHEAP);
        place
    }

    /// Made by Django, configured by `authchain from-django`'s rules.
    fn django(config: &str, site: &[&'static str]) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), site: site.to_vec() };
        fs::write(
            place.path("authchain.toml"),
            format!("database = \"sqlite:db.sqlite3\"\nsecret_key = \"s\"\n{config}"),
        )
        .unwrap();
        place.django_says(&["migrate"], "");
        place.add(CHEAP);
        place
    }

    fn add(&self, text: &str) {
        let path = self.path("authchain.toml");
        fs::write(&path, fs::read_to_string(&path).unwrap() + text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    fn run(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
        let config = self.path("authchain.toml");
        authchain(&[&["--config", config.to_str().unwrap()], args].concat(), stdin)
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(args, "").ok()).unwrap()
    }

    /// What Django makes of the same database.
    fn django_says(&self, args: &[&str], stdin: &str) -> String {
        let database = self.path("db.sqlite3");
        let site = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/site.py");
        let options = ["-W", "ignore", site, "--db", database.to_str().unwrap()];
        run(Command::new(python()).args(options).args(&self.site).args(args), stdin).ok().trim_end().to_owned()
    }
}

fn authchain(args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    run(command.args(args).env_remove("AUTHCHAIN_CONFIG"), stdin)
}

fn run(command: &mut Command, stdin: impl AsRef<[u8]>) -> Ran {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    // A child that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_ref());
    let ended = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: ended.status.code().unwrap_or(-1), out: text(ended.stdout), err: text(ended.stderr) }
}

/// A Python with Django.
fn python() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    if own.exists() {
        return own;
    }
    std::env::var_os("AUTHCHAIN_TEST_PYTHON")
        .map(PathBuf::from)
        .expect(".venv/bin/python is missing: run scripts/setup, or set AUTHCHAIN_TEST_PYTHON to a Python with Django")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The key in the line of `token create`.
fn key(line: &str) -> String {
    let key = line.split(' ').nth(2).unwrap_or_default().to_owned();
    assert!(key.len() == 40 && key.bytes().all(|b| b.is_ascii_hexdigit()), "{line:?}");
    key
}

// ---------------------------------------------------------------- init

#[test]
fn django_takes_a_new_database_for_its_own() {
    let place = Place::new();
    let planned = place.django_says(&["pending"], "");
    assert_eq!(planned, "Planned operations:\n  No planned migration operations.");
    place.run(&["user", "create", "root", "--superuser", "--password-stdin"], "geheim\n").ok();
    let key = key(&place.run(&["token", "create", "root"], "").ok());
    place.django_says(&["migrate"], ""); // makes the rows of content types and permissions
    let admin = place.django_says(&["admin", "root", "geheim", &key], "");
    assert_eq!(admin, "login 302\ntokens 200\nkey yes");
}

#[test]
fn the_schema_is_the_one_that_django_makes() {
    let dump = "import sqlite3, sys\n\
                db = sqlite3.connect(sys.argv[1])\n\
                for row in db.execute('select type, name, tbl_name, sql from sqlite_master order by type, name'): print(row)\n\
                for row in db.execute('select app, name from django_migrations order by id'): print(row)\n\
                print(db.execute('pragma journal_mode').fetchone()[0] if len(sys.argv) > 2 else 'wal')";
    let schema = |place: &Place, more: &[&str]| {
        run(Command::new(python()).args(["-c", dump]).arg(place.path("db.sqlite3")).args(more), "").ok()
    };
    assert_eq!(schema(&Place::new(), &["mode"]), schema(&Place::django("", &["--jwt"]), &[]));
}

#[test]
fn the_tables_of_durin_are_those_that_its_migrations_make() {
    let dump = "import sqlite3, sys\n\
                db = sqlite3.connect(sys.argv[1])\n\
                for row in db.execute('select type, name, tbl_name, sql from sqlite_master order by type, name'): print(row)\n\
                for row in db.execute('select app, name from django_migrations order by app, name'): print(row)";
    let schema = |place: &Place| run(Command::new(python()).args(["-c", dump]).arg(place.path("db.sqlite3")), "").ok();
    let place = Place { dir: tempfile::tempdir().unwrap(), site: vec!["--jwt", "--durin"] };
    authchain(&["init", place.text(), "--durin"], "").ok();
    assert_eq!(schema(&place), schema(&Place::django("", &["--jwt", "--durin"])));
    assert_eq!(place.django_says(&["pending"], ""), "Planned operations:\n  No planned migration operations.");
    place.run(&["user", "create", "anna", "--password-stdin"], "pw\n").ok();
    place.run(&["client", "create", "web"], "").ok();
    let made = place.run(&["token", "create", "anna", "--scheme", "durin", "--client", "web"], "").ok();
    assert_eq!(place.django_says(&["checkdurin", made.split(' ').nth(2).unwrap()], ""), "anna web");
}

#[test]
fn migrations_are_applied_at_the_moment_of_init() {
    let place = Place::new();
    let dump = "import datetime, sqlite3, sys\n\
                at = sqlite3.connect(sys.argv[1]).execute('select distinct applied from django_migrations').fetchall()\n\
                (at,), = at\n\
                then = datetime.datetime.strptime(at, '%Y-%m-%d %H:%M:%S.%f')\n\
                now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)\n\
                print(abs((now - then).total_seconds()) < 60)";
    assert_eq!(run(Command::new(python()).args(["-c", dump]).arg(place.path("db.sqlite3")), "").ok(), "True\n");
}

#[test]
fn init_keeps_secrets_to_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("new");
    let said = authchain(&["init", new.to_str().unwrap()], "").ok();
    let modes = ["db.sqlite3", "secret_key", "authchain.toml"].map(|name| mode(&new.join(name)) & 0o077);
    assert_eq!(modes[..2], [0, 0]);
    assert_eq!(modes[2] & 0o022, 0);
    assert_eq!(fs::read_dir(&new).unwrap().count(), 3);
    let secret = fs::read_to_string(new.join("secret_key")).unwrap();
    assert_eq!(secret.trim_end().len(), 50);
    assert!(!said.contains(secret.trim_end()), "{said}");
    let config = new.join("authchain.toml");
    let checked = authchain(&["check", "--config", config.to_str().unwrap()], "").ok();
    assert_eq!(checked, format!("{}: ok\nchain default\n", config.display()));
}

#[test]
fn init_overwrites_nothing_and_leaves_nothing() {
    for name in ["db.sqlite3", "secret_key", "authchain.toml", "db.sqlite3-wal", "db.sqlite3-journal"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), "mine").unwrap();
        let said = authchain(&["init", dir.path().to_str().unwrap()], "").failed();
        assert!(said.contains(&format!("{name} exists already")), "{said}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{name}");
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), "mine");
    }
    let link = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/nonexistent/target", link.path().join("secret_key")).unwrap();
    assert!(authchain(&["init", link.path().to_str().unwrap()], "").failed().contains("secret_key exists already"));
    assert!(authchain(&["init", "/nonexistent/parent/dir"], "").failed().starts_with("/nonexistent/parent/dir: "));
}

// ---------------------------------------------------------------- user

#[test]
fn django_accepts_our_users() {
    let place = Place::new();
    let name = "j\u{f6}rg@example.com";
    let created =
        place.run(&["user", "create", name, "--email", "j@x.org", "--password-stdin"], "p\u{e4}ss w\u{f6}rd \r\n");
    assert_eq!(created.ok(), format!("created user {name}, id 1\n"));
    assert_eq!(place.django_says(&["checkpassword", name], "p\u{e4}ss w\u{f6}rd \n"), "ok");
    assert_eq!(place.django_says(&["checkpassword", name], "p\u{e4}ss w\u{f6}rd\n"), "no");
    place.run(&["user", "disable", name], "").ok();
    assert_eq!(place.django_says(&["checkpassword", name], "p\u{e4}ss w\u{f6}rd \n"), "no");
    place.run(&["user", "enable", name], "").ok();
    place.run(&["user", "passwd", name, "--password-stdin"], "anders").ok();
    assert_eq!(place.django_says(&["checkpassword", name], "anders\n"), "ok");
}

#[test]
fn we_take_over_users_of_django() {
    let place = Place::django("", &[]);
    let id = place.django_says(&["adduser", "anna", "alt", "--staff", "--hasher", "argon2"], "");
    place.django_says(&["adduser", "ben", "alt", "--inactive"], "");
    assert_eq!(
        place.run(&["user", "list"], "").ok(),
        format!("ID  NAME  EMAIL  FLAGS\n{id}   anna         staff\n2   ben          inactive\n")
    );
    assert_eq!(
        place.run(&["user", "passwd", "anna", "--password-stdin"], "neu\n").ok(),
        "changed the password of anna\n"
    );
    assert_eq!(place.django_says(&["checkpassword", "anna"], "neu\n"), "ok");
    assert_eq!(place.django_says(&["checkpassword", "anna"], "alt\n"), "no");
    let theirs = place.django_says(&["addtoken", "anna"], "");
    assert_eq!(place.run(&["token", "create", "anna"], "").ok(), format!("Generated token {theirs} for user anna\n"));
    let ours = key(&place.run(&["token", "create", "anna", "--reset"], "").ok());
    assert_eq!(place.django_says(&["checktoken", &ours], ""), "anna");
    assert_eq!(place.django_says(&["checktoken", &theirs], ""), "refused: Invalid token.");
}

#[test]
fn a_custom_user_model_works_like_django_s() {
    let place = Place::django(PEOPLE, &["--custom-user"]);
    let made = place.run(&["user", "create", "a@x.org", "--superuser", "--password-stdin", "--json"], "pw\n").ok();
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((&made["name"], &made["email"]), (&Value::from("a@x.org"), &Value::from("a@x.org")));
    assert_eq!(made["id"].as_str().map(str::len), Some(36), "{made}");
    assert_eq!(place.django_says(&["checkpassword", "a@x.org"], "pw\n"), "ok");
    let key = key(&place.run(&["token", "create", "a@x.org"], "").ok());
    assert_eq!(place.django_says(&["checktoken", &key], ""), "a@x.org");
    assert_eq!(place.django_says(&["admin", "a@x.org", "pw", &key], ""), "login 302\ntokens 200\nkey yes");
}

const PEOPLE: &str = "\n[users]\ntable = \"people_person\"\nid_type = \"uuid\"\nusername_column = \"email\"\n\
    password_column = \"pw_hash\"\nis_active_column = \"enabled\"\nis_staff_column = \"staff\"\n\
    is_superuser_column = \"superuser\"\ndate_joined_column = \"\"\nempty_columns = []\n\
    groups_table = \"people_person_groups\"\ngroups_user_column = \"person_id\"\n";

#[test]
fn users_that_cannot_be_made_or_found_are_refused() {
    let place = Place::new();
    place.run(&["user", "create", "anna", "--no-password"], "").ok();
    assert_eq!(place.django_says(&["checkpassword", "anna"], "\n"), "no");
    let stdin = "--password-stdin";
    let long = "x".repeat(4097);
    for (args, input, error) in [
        (&["user", "create", "anna", stdin][..], "x".as_bytes(), "user anna exists already"),
        (&["user", "create", "ben", stdin], b"", "the password is empty"),
        (&["user", "create", "ben", stdin], b"\nsecond line", "the password is empty"),
        (&["user", "create", "ben", stdin], b"\xff\n", "the password is not UTF-8"),
        (&["user", "create", "ben", stdin], long.as_bytes(), "the password is longer than 4096 bytes"),
        (&["user", "create", "", stdin], b"x", "invalid argument: a user needs a name"),
        (&["user", "passwd", "ben", stdin], b"x", "user ben does not exist"),
        (&["user", "disable", "ben"], b"", "user ben does not exist"),
        (&["user", "enable", "be\x1b[31mn"], b"", "user be\\u{1b}[31mn does not exist"),
    ] {
        let said = place.run(args, input).failed();
        assert!(said.starts_with(error), "{args:?}: {said}");
    }
    assert_eq!(place.json(&["user", "list", "--json"]).as_array().unwrap().len(), 1);
    place.run(&["user", "create", "ben", stdin], "x".repeat(4096)).ok();
}

#[test]
fn a_name_cannot_play_with_the_terminal() {
    let place = Place::new();
    let name = "be\x1b[31mn\n";
    let shown = "be\\u{1b}[31mn\\u{a}";
    let created = place.run(&["user", "create", name, "--no-password"], "").ok();
    assert_eq!(created, format!("created user {shown}, id 1\n"));
    for args in [&["user", "list"][..], &["token", "create", name], &["token", "list"], &["user", "disable", name]] {
        let said = place.run(args, "").ok();
        assert!(said.contains(shown) && !said.contains('\x1b'), "{args:?}: {said}");
    }
    assert_eq!(place.json(&["user", "list", "--json"])[0]["name"], name);
}

#[test]
fn a_password_is_never_an_argument() {
    let place = Place::new();
    for args in [
        &["user", "create", "a", "pw"][..],
        &["user", "create", "a", "--password", "pw"],
        &["user", "passwd", "a", "pw"],
    ] {
        assert_eq!(place.run(args, "").code, 2, "{args:?}");
    }
    let both = place.run(&["user", "create", "a", "--no-password", "--password-stdin"], "");
    assert_eq!(both.code, 2, "{both:?}");
}

/// Runs `user create anna` on a terminal of its own and types the rest of the arguments at the
/// prompts; prints what the terminal showed and the exit status. Types when the echo is off: what
/// comes before is thrown away.
const TERMINAL: &str = r#"
import os, pty, signal, sys, termios
signal.alarm(60)
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], [sys.argv[1], "--config", sys.argv[2], "user", "create", "anna"])
shown = b""
def wait_for(end):
    global shown
    while not shown.endswith(end):
        try:
            more = os.read(terminal, 1024)
        except OSError:
            return
        if not more:
            return
        shown += more
for prompt, typed in zip((b"Password: ", b"Password (again): "), sys.argv[3:]):
    wait_for(prompt)
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        pass
    os.write(terminal, typed.encode() + b"\n")
wait_for(b"never")
print(shown.decode().replace("\r\n", "|"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn a_password_is_asked_for_twice_without_echo() {
    let place = Place::new();
    let typed = |one, two| {
        let config = place.path("authchain.toml");
        let terminal = ["-c", TERMINAL, env!("CARGO_BIN_EXE_authchain"), config.to_str().unwrap(), one, two];
        run(Command::new(python()).args(terminal), "").ok()
    };
    assert_eq!(typed("geheim", "gehiem"), "Password: |Password (again): |the passwords differ| 1\n");
    assert_eq!(typed("geheim", "geheim"), "Password: |Password (again): |created user anna, id 1| 0\n");
    assert_eq!(place.django_says(&["checkpassword", "anna"], "geheim\n"), "ok");
}

#[test]
fn without_a_terminal_the_way_out_is_named() {
    let place = Place::new();
    let config = place.path("authchain.toml");
    let mut command = Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_authchain"), "--config", config.to_str().unwrap()]);
    let said = run(command.args(["user", "create", "anna"]), "").failed();
    assert!(said.starts_with("no terminal to ask for the password: ") && said.contains("--password-stdin"), "{said}");
}

// ---------------------------------------------------------------- token

#[test]
fn tokens_are_those_of_drf_create_token() {
    let place = Place::new();
    for name in ["anna", "ben", "carl"] {
        place.run(&["user", "create", name, "--no-password"], "").ok();
    }
    let line = place.run(&["token", "create", "anna"], "").ok();
    let first = key(&line);
    assert_eq!(line, format!("Generated token {first} for user anna\n"));
    assert_eq!(place.run(&["token", "create", "anna"], "").ok(), line);
    assert_eq!(place.django_says(&["checktoken", &first], ""), "anna");
    let second = key(&place.run(&["token", "create", "--reset", "anna"], "").ok());
    assert!(first != second);
    place.run(&["user", "disable", "carl"], "").ok();
    let all = place.run(&["token", "create", "--all"], "").ok();
    assert!(all.lines().count() == 1 && all.ends_with(" for user ben\n"), "{all}");
    assert_eq!(place.run(&["token", "create", "--all"], "").ok(), "");
    assert_eq!(place.run(&["token", "create", "--all", "--reset"], "").ok().lines().count(), 2);
    let json = place.json(&["token", "create", "anna", "--json"]);
    assert_eq!(json["key"].as_str(), Some(&*key(&place.run(&["token", "create", "anna"], "").ok())));
}

#[test]
fn tokens_that_cannot_be_made_are_refused() {
    let place = Place::new();
    let unknown = place.run(&["token", "create", "nobody"], "").failed();
    assert_eq!(unknown, "Cannot create the Token: user nobody does not exist");
    let scheme = place.run(&["token", "create", "nobody", "--scheme", "basic"], "").failed();
    assert_eq!(scheme, "no token scheme \"basic\" (known: token)");
    assert_eq!(place.run(&["token", "create"], "").code, 2);
    assert_eq!(place.run(&["token", "create", "a", "--all"], "").code, 2);
}

#[test]
fn tokens_are_listed_by_digest_and_revoked_unseen() {
    let place = Place::new();
    for name in ["anna", "ben"] {
        place.run(&["user", "create", name, "--no-password"], "").ok();
    }
    let key = key(&place.run(&["token", "create", "anna"], "").ok());
    place.run(&["token", "create", "ben"], "").ok();
    let text = place.run(&["token", "list"], "").ok();
    let json = place.json(&["token", "list", "anna", "--json"]);
    assert_eq!(text.lines().count(), 3);
    assert!(!text.contains(&key) && !json.to_string().contains(&key), "{text} {json}");
    assert_eq!((&json[0]["user"], &json[0]["user_id"]), (&Value::from("anna"), &Value::from(1)));
    let digest = json[0]["id"].as_str().unwrap();
    let explained = place.run(&["explain", "-H", &format!("Authorization: Token {key}")], "");
    assert!(text.contains(digest) && !explained.out.contains(&key), "{text} {explained:?}");
    assert_eq!(place.run(&["token", "revoke", "-"], format!("{key}\n")).ok(), "revoked 1 token\n");
    for said in [place.run(&["token", "revoke", "-"], &key), place.run(&["token", "revoke", &key], "")] {
        let said = said.failed();
        assert!(said.starts_with("there is no token of that key") && !said.contains(&key), "{said}");
    }
    assert_eq!(place.django_says(&["checktoken", &key], ""), "refused: Invalid token.");
    assert_eq!(place.run(&["token", "revoke", "--user", "ben"], "").ok(), "revoked 1 token\n");
    assert_eq!(place.run(&["token", "revoke", "--user", "ben"], "").failed(), "user ben has no token");
    assert_eq!(place.json(&["token", "list", "--json"]), Value::Array(vec![]));
    assert!(place.run(&["token", "list", "x"], "").failed().starts_with("user x does not exist"));
    assert_eq!(place.run(&["token", "revoke"], "").code, 2);
    assert_eq!(place.run(&["token", "revoke", "x", "--user", "ben"], "").code, 2);
}

// ---------------------------------------------------------------- check, and what is common

#[test]
fn check_names_the_place_of_an_error() {
    let place = Place::new();
    let file = place.path("authchain.toml");
    let file = file.to_str().unwrap();
    fs::write(file, "database = \"sqlite:x\"\nsecret_key = \"geheim\"\n[chains.default]\nschemes = [\"bsic\"]\n")
        .unwrap();
    let expected =
        format!("{file}:4:12: unknown scheme \"bsic\" (known: basic, durin, jwt, knox, remote_user, session, token)");
    assert_eq!(place.run(&["check"], "").failed(), expected);
    let json = place.run(&["check", "--json"], "");
    let said: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &said["ok"], &said["line"], &said["column"]), (1, &false.into(), &4.into(), &12.into()));
    assert!(!json.out.contains("geheim"));
    assert_eq!(place.run(&["user", "list"], "").failed(), expected);
}

#[test]
fn check_opens_no_database() {
    let place = Place::new();
    fs::remove_file(place.path("db.sqlite3")).unwrap();
    let json = place.json(&["check", "--json"]);
    assert_eq!((&json["ok"], &json["chains"]), (&true.into(), &serde_json::json!(["default"])));
    let said = place.run(&["user", "list"], "").failed();
    assert!(
        said.contains("db.sqlite3") && said.contains("unable to open") && said.contains("see `database`"),
        "{said}"
    );
}

#[test]
fn the_configuration_is_found_by_flag_then_variable() {
    let place = Place::new();
    let config = place.path("authchain.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    let by_variable = run(command.arg("check").env("AUTHCHAIN_CONFIG", &config), "").ok();
    assert!(by_variable.ends_with("authchain.toml: ok\nchain default\n"), "{by_variable}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    let by_flag = command.args(["check", "--config", "/nonexistent"]).env("AUTHCHAIN_CONFIG", &config);
    assert_eq!(
        run(by_flag, "").failed(),
        "/nonexistent: the configuration file cannot be opened: No such file or directory"
    );
    let default = authchain(&["check", "--config", "/etc/authchain/authchain.toml"], "");
    assert_eq!(format!("{:?}", authchain(&["check"], "")), format!("{default:?}"));
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    for (args, code) in [
        (&[][..], 2),
        (&["nonsense"], 2),
        (&["user"], 2),
        (&["check", "--nonsense"], 2),
        (&["--help"], 0),
        (&["token", "create", "--help"], 0),
        (&["--version"], 0),
    ] {
        assert_eq!(authchain(args, "").code, code, "{args:?}");
    }
    assert_eq!(authchain(&["--version"], "").ok(), format!("authchain {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let place = Place::new();
    let config = place.path("authchain.toml");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    command.args(["--config", config.to_str().unwrap(), "user", "list"]).stdout(writer).stderr(Stdio::piped());
    let ended = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(1), &b""[..]));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    let ended = command.args(["man"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(1) && said.starts_with("standard output: No space left"), "{said}");
}

#[test]
fn completions_and_manual_know_every_subcommand() {
    for shell in ["bash", "fish", "zsh"] {
        let made = authchain(&["completions", shell], "").ok();
        assert!(made.contains("password-stdin") && made.contains("from-django"), "{shell}");
    }
    assert!(authchain(&["man"], "").ok().contains("authchain\\-token(1)"));
    let dir = tempfile::tempdir().unwrap();
    authchain(&["man", dir.path().to_str().unwrap()], "").ok();
    for page in ["authchain.1", "authchain-user-create.1", "authchain-token-revoke.1", "authchain-from-django.1"] {
        assert!(fs::read_to_string(dir.path().join(page)).unwrap().contains(".TH authchain"), "{page}");
    }
    assert!(!dir.path().join("authchain-man.1").exists());
    assert!(authchain(&["man", "/nonexistent"], "").failed().starts_with("/nonexistent: "));
}

// ---------------------------------------------------------------- from-django

/// A Django project: its settings are `settings` in a folder of its own.
struct Project(TempDir);

impl Project {
    fn new(settings: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        let peer = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer");
        let text = format!(
            "import sys\nsys.path.append({peer:?})\nprint('settings are loaded')\nSECRET_KEY = 'do not show: geheim'\n\
             INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes', 'rest_framework', \
             'rest_framework.authtoken']\n\
             DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}}}\n\
             USE_TZ = True\nREST_FRAMEWORK = {{}}\n{settings}\n"
        );
        fs::write(project.path("settings.py"), text).unwrap();
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ask(&self, more: &[&str]) -> Ran {
        let python = python();
        let path = self.0.path().to_str().unwrap();
        authchain(
            &[&["from-django", "settings", "--python", python.to_str().unwrap(), "--path", path], more].concat(),
            "",
        )
    }

    /// The configuration, accepted by `authchain check`, in which no secret stands.
    fn config(&self) -> String {
        let made = self.ask(&[]);
        assert_eq!((made.code, made.err.as_str()), (0, "settings are loaded\n"), "{made:?}");
        assert!(!made.out.contains("geheim"), "{}", made.out);
        fs::write(self.path("authchain.toml"), &made.out).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        command.args(["check", "--config", self.path("authchain.toml").to_str().unwrap()]);
        run(command.env("AUTHCHAIN_SECRET_KEY", "x"), "").ok();
        made.out
    }

    /// The lines of the configuration without notes and empty ones.
    fn lines(&self) -> Vec<String> {
        self.config().lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    }
}

#[test]
fn a_plain_project_is_read() {
    let project = Project::new("");
    let database = fs::canonicalize(project.0.path()).unwrap().join("db.sqlite3");
    let config = project.config();
    assert_eq!(
        project.lines(),
        [
            &format!("database = \"sqlite:{}\"", database.display())[..],
            "use_tz = true",
            "secret_key = { env = \"AUTHCHAIN_SECRET_KEY\" }",
            "password_hashers = [\"pbkdf2_sha256\", \"pbkdf2_sha1\", \"argon2\", \"bcrypt_sha256\", \"scrypt\"]",
            "authentication_backends = [\"ModelBackend\"]",
            "allowed_hosts = []",
            "[chains.default]",
            "schemes = [\"basic\"]",
            "anonymous = \"allow\"",
        ]
    );
    assert!(config.contains("# rest_framework.authentication.SessionAuthentication is left out"), "{config}");
}

#[test]
fn a_custom_user_model_is_read() {
    let project = Project::new(
        "INSTALLED_APPS += ['people']\nAUTH_USER_MODEL = 'people.Person'\nUSE_TZ = False\nTIME_ZONE = 'Europe/Berlin'\n\
         DATABASES['default']['OPTIONS'] = {'timeout': 19.5}\n\
         REST_FRAMEWORK = {'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.TokenAuthentication', \
         'rest_framework.authentication.BasicAuthentication'], \
         'DEFAULT_PERMISSION_CLASSES': ['rest_framework.permissions.IsAuthenticated']}",
    );
    let lines = project.lines();
    for line in [
        "timeout = 20",
        "use_tz = false",
        "time_zone = \"Europe/Berlin\"",
        "[users]",
        "table = \"people_person\"",
        "id_type = \"uuid\"",
        "id_column = \"id\"",
        "username_column = \"email\"",
        "password_column = \"pw_hash\"",
        "email_column = \"email\"",
        "is_active_column = \"enabled\"",
        "is_staff_column = \"staff\"",
        "is_superuser_column = \"superuser\"",
        "date_joined_column = \"\"",
        "empty_columns = []",
        "groups_table = \"people_person_groups\"",
        "groups_user_column = \"person_id\"",
        "schemes = [\"token\", \"basic\"]",
        "anonymous = \"refuse\"",
    ] {
        assert!(lines.iter().any(|have| have == line), "{line}: {lines:#?}");
    }
}

#[test]
fn changed_hashers_and_schemes_are_read() {
    let project = Project::new(
        "PASSWORD_HASHERS = ['own.Cheap', 'own.Peppered', 'django.contrib.auth.hashers.Argon2PasswordHasher', \
         'django.contrib.auth.hashers.PBKDF2PasswordHasher']\n\
         AUTHENTICATION_BACKENDS = ['own.Backend', 'django.contrib.auth.backends.AllowAllUsersModelBackend']\n\
         REST_FRAMEWORK = {'DEFAULT_AUTHENTICATION_CLASSES': ['own.Realm', 'own.BearerAuthentication', \
         'own.OddToken', 'rest_framework.authentication.TokenAuthentication'], \
         'DEFAULT_PERMISSION_CLASSES': ['rest_framework.permissions.IsAdminUser']}",
    );
    let own = "from django.contrib.auth.hashers import PBKDF2PasswordHasher\n\
               class Cheap(PBKDF2PasswordHasher):\n    iterations = 4321\n\
               class Peppered(PBKDF2PasswordHasher):\n    algorithm = 'peppered'\n\
               class Backend:\n    pass\n\
               def __getattr__(name):\n\
               \x20   from rest_framework.authentication import BasicAuthentication, TokenAuthentication\n\
               \x20   class Realm(BasicAuthentication):\n        www_authenticate_realm = 'our \"own\"'\n\
               \x20   class BearerAuthentication(TokenAuthentication):\n        keyword = 'Bearer'\n\
               \x20   class OddToken(TokenAuthentication):\n        def authenticate_credentials(self, key): pass\n\
               \x20   return {'Realm': Realm, 'BearerAuthentication': BearerAuthentication, 'OddToken': OddToken}[name]\n";
    fs::write(project.path("own.py"), own).unwrap();
    let config = project.config();
    for line in [
        "password_hashers = [\"pbkdf2_sha256\", \"argon2\"]",
        "authentication_backends = [\"AllowAllUsersModelBackend\"]",
        "[hashers.pbkdf2_sha256]\niterations = 4321",
        "[schemes.basic]\nwww_authenticate_realm = \"our \\\"own\\\"\"",
        "[schemes.bearer]\ntype = \"token\"\nkeyword = \"Bearer\"",
        "schemes = [\"basic\", \"bearer\", \"token\"]\nanonymous = \"refuse\"",
        "# PASSWORD_HASHERS: own.Peppered is left out",
        "# AUTHENTICATION_BACKENDS: own.Backend is left out",
        "OddToken is left out",
        "IsAdminUser is not looked at",
    ] {
        assert!(config.contains(line), "{line}:\n{config}");
    }
}

#[test]
fn a_project_that_was_read_can_be_used() {
    let project = Project::new("INSTALLED_APPS += ['people']\nAUTH_USER_MODEL = 'people.Person'\n");
    let place = Place { dir: project.0, site: vec!["--custom-user"] };
    place.django_says(&["migrate"], "");
    let project = Project(place.dir);
    let config = project.ask(&["--print-secret"]);
    assert!(config.out.contains("secret_key = \"do not show: geheim\"\n"), "{config:?}");
    let place = Place { dir: project.0, site: vec!["--custom-user"] };
    fs::write(place.path("authchain.toml"), config.out + CHEAP).unwrap();
    place.run(&["user", "create", "a@x.org", "--password-stdin"], "pw").ok();
    assert_eq!(place.django_says(&["checkpassword", "a@x.org"], "pw\n"), "ok");
    let key = key(&place.run(&["token", "create", "a@x.org"], "").ok());
    assert_eq!(place.django_says(&["checktoken", &key], ""), "a@x.org");
}

#[test]
fn the_secret_goes_into_a_file_of_its_own() {
    let project = Project::new("");
    let file = project.path("secret_key");
    let made = project.ask(&["--secret-file", file.to_str().unwrap()]);
    assert!(made.code == 0 && !made.out.contains("geheim"), "{made:?}");
    assert!(made.out.contains(&format!("secret_key = {{ file = \"{}\" }}", file.display())), "{made:?}");
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("do not show: geheim\n", 0o600));
    fs::write(project.path("authchain.toml"), made.out).unwrap();
    authchain(&["check", "--config", project.path("authchain.toml").to_str().unwrap()], "").ok();
    let again = project.ask(&["--secret-file", file.to_str().unwrap()]);
    assert!(again.code == 1 && again.out.is_empty() && again.err.contains("secret_key exists already"), "{again:?}");
    assert_eq!(project.ask(&["--secret-file", "x", "--print-secret"]).code, 2);
}

#[test]
fn projects_that_do_not_fit_are_refused() {
    for (settings, error) in [
        ("DATABASES['default'] = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}", "is no file"),
        ("DATABASES['default']['ENGINE'] = 'django.db.backends.dummy'", "unknown database; this version"),
        ("PASSWORD_HASHERS = []", "PASSWORD_HASHERS has no hasher that authchain knows (argon2, "),
        ("AUTH_USER_MODEL = 'odd.Computed'\nINSTALLED_APPS += ['odd']", "odd.models.Computed.is_active is no field"),
        (
            "AUTH_USER_MODEL = 'odd.Child'\nINSTALLED_APPS += ['odd']",
            "odd.models.Child keeps its fields in several tables",
        ),
        ("AUTH_USER_MODEL = 'odd.Texts'\nINSTALLED_APPS += ['odd']", "the key of odd.models.Texts is a CharField"),
        ("import nothing_there", "ModuleNotFoundError: No module named 'nothing_there'"),
        ("sys.exit('bye')", "SystemExit: bye"),
        (
            "REST_FRAMEWORK = {'DEFAULT_AUTHENTICATION_CLASSES': ['odd.models.Wide']}",
            "keyword does not take \"two words\"",
        ),
    ] {
        let project = Project::new(settings);
        fs::create_dir(project.path("odd")).unwrap();
        fs::write(project.path("odd/__init__.py"), "").unwrap();
        fs::write(project.path("odd/models.py"), ODD).unwrap();
        let said = project.ask(&[]);
        assert!(said.code == 1 && said.out.is_empty() && said.err.contains(error), "{settings}: {said:?}");
        assert!(!said.err.contains("geheim"), "{said:?}");
    }
}

const ODD: &str = "
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from rest_framework.authentication import TokenAuthentication

class Wide(TokenAuthentication):
    keyword = 'two words'

if 'odd' in settings.INSTALLED_APPS:
    class Base(AbstractBaseUser):
        name = models.CharField(max_length=9, unique=True)
        USERNAME_FIELD = 'name'

    class Computed(AbstractBaseUser):
        name = models.CharField(max_length=9, unique=True)
        USERNAME_FIELD = 'name'
        is_active = property(lambda self: False)

    class Child(Base):
        more = models.IntegerField()

    class Texts(AbstractBaseUser):
        name = models.CharField(max_length=9, primary_key=True)
        USERNAME_FIELD = 'name'
";

#[test]
fn a_python_that_does_not_answer_is_named() {
    let missing = authchain(&["from-django", "s", "--python", "/nonexistent/python"], "").failed();
    assert!(missing.starts_with("cannot run /nonexistent/python: ") && missing.contains("--python"), "{missing}");
    let silent = authchain(&["from-django", "s", "--python", "/bin/true"], "").failed();
    assert!(silent.starts_with("/bin/true gave no answer: "), "{silent}");
    let nowhere = Project::new("").ask(&["--path", "/nonexistent"]);
    assert_eq!(nowhere.code, 2, "given twice: {nowhere:?}");
    let python = python();
    let no_module = authchain(&["from-django", "nothing_there", "--python", python.to_str().unwrap()], "").failed();
    assert_eq!(no_module, "nothing_there: ModuleNotFoundError: No module named 'nothing_there'");
}
