//! A token for every new user (the guide's "by using signals"): whoever makes the user, real Django and
//! real DRF find the token, and so do we.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use authchain::capi::account::{auth_new_user, auth_user_create};
use authchain::capi::status::auth_status;
use authchain::capi::user::auth_user_free;
use rusqlite::Connection;
use support::{Host, django, python, root, text};
use tempfile::TempDir;

/// A folder made by `authchain init`.
struct Place(TempDir, String);

impl Place {
    fn new(args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_authchain")).arg("init").arg(dir.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let place = Self(dir, String::from_utf8(output.stdout).unwrap());
        place.add("\n[hashers.pbkdf2_sha256]\niterations = 1000\n");
        place
    }

    fn add(&self, text: &str) {
        let path = self.path("authchain.toml");
        fs::write(&path, fs::read_to_string(&path).unwrap() + text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn db(&self) -> Connection {
        Connection::open(self.path("db.sqlite3")).unwrap()
    }

    /// What the command says, and whether it was a success.
    fn says(&self, args: &[&str], input: &str) -> (bool, String) {
        use std::io::Write;
        let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
        command.arg("--config").arg(self.path("authchain.toml")).args(args);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    fn does(&self, args: &[&str]) -> String {
        let (done, said) = self.says(args, "");
        assert!(done, "{args:?}: {said}");
        said
    }

    fn django(&self, args: &[&str]) -> String {
        django(&self.path("db.sqlite3"), args, "")
    }

    /// The keys of a user in a table of tokens.
    fn keys(&self, table: &str, user: &str) -> Vec<String> {
        let db = self.db();
        let sql = format!("SELECT key FROM {table} t JOIN auth_user u ON u.id = t.user_id WHERE u.username = ?1");
        let mut statement = db.prepare(&sql).unwrap();
        let keys = statement.query_map([user], |row| row.get(0)).unwrap();
        keys.collect::<Result<_, _>>().unwrap()
    }

    /// The user has one token, which our chain and real DRF take for the user's.
    fn has_a_token(&self, user: &str) -> String {
        let keys = self.keys("authtoken_token", user);
        let [key] = keys.as_slice() else { panic!("{user}: {keys:?}") };
        assert!(key.len() == 40 && key.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{key}");
        assert_eq!(self.django(&["checktoken", key]), user);
        let road = self.does(&["explain", "-H", &format!("Authorization: Token {key}")]);
        assert!(road.contains(&format!("user={user}")) || road.contains(&format!("user {user}")), "{road}");
        key.clone()
    }

    fn count(&self, what: &str) -> i64 {
        self.db().query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
    }
}

/// Runs code as a part of the Django project of tests/peer/site.py.
fn in_django(place: &Place, code: &str) -> String {
    let script = "import importlib.util, sys\n\
                  spec = importlib.util.spec_from_file_location('peer_site', sys.argv[3])\n\
                  peer = importlib.util.module_from_spec(spec)\n\
                  sys.modules['peer_site'] = peer\n\
                  spec.loader.exec_module(peer)\n\
                  code = sys.argv[2]\n\
                  sys.argv = ['site.py', '--db', sys.argv[1], 'pending']\n\
                  peer.configure(peer.parse())\n\
                  exec(code)\n";
    let mut command = Command::new(python());
    command.args(["-W", "ignore", "-c", script]).arg(place.path("db.sqlite3")).arg(code);
    let output = command.arg(root().join("tests/peer/site.py")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

// ---------------------------------------------------------------- users whom Django makes

#[test]
fn the_trigger_gives_a_token_to_whom_django_makes() {
    let place = Place::new(&["--auto-token=trigger"]);
    place.django(&["adduser", "anna", "pw"]);
    let anna = place.has_a_token("anna");
    assert_eq!(place.django(&["addtoken", "anna"]), anna); // Django takes it for its own
    let made = in_django(
        &place,
        "from datetime import timedelta\n\
         from django.contrib.auth.models import User\n\
         from django.utils import timezone\n\
         from rest_framework.authtoken.models import Token\n\
         User.objects.create_user('ben', password='pw')\n\
         User.objects.bulk_create([User(username='carl'), User(username='dora')])\n\
         print([abs(timezone.now() - token.created) < timedelta(minutes=1) for token in Token.objects.all()])",
    );
    assert_eq!(made, "[True, True, True, True]");
    let keys: std::collections::BTreeSet<_> =
        ["anna", "ben", "carl", "dora"].map(|user| place.has_a_token(user)).into();
    assert_eq!(keys.len(), 4);
    assert!(place.django(&["pending"]).contains("No planned migration operations."));
}

#[test]
fn with_the_trigger_our_own_users_have_one_token_too() {
    let place = Place::new(&["--auto-token=trigger"]);
    place.does(&["user", "create", "anna", "--no-password"]);
    place.has_a_token("anna");
    assert_eq!(place.count("authtoken_token"), 1);
    // Without the option, too: the trigger runs under a distrusted schema.
    let config = fs::read_to_string(place.path("authchain.toml")).unwrap().replace("auto_create = true", "");
    fs::write(place.path("authchain.toml"), config).unwrap();
    place.does(&["user", "create", "ben", "--no-password"]);
    place.has_a_token("ben");
}

#[test]
fn the_receiver_gives_a_token_to_whom_django_makes() {
    let place = Place::new(&["--auto-token=receiver"]);
    let code = &place.1[place.1.find("# In a module").unwrap()..];
    assert_eq!(place.count("sqlite_master WHERE type = 'trigger'"), 0);
    let dump = "[{\"model\": \"auth.user\", \"pk\": 9, \"fields\": {\"username\": \"erik\", \"password\": \"\"}},\
                 {\"model\": \"authtoken.token\", \"pk\": \"0123456789012345678901234567890123456789\", \
                 \"fields\": {\"user\": 9, \"created\": \"2020-01-01T00:00:00Z\"}}]";
    fs::write(place.path("dump.json"), dump).unwrap();
    in_django(
        &place,
        &format!(
            "{code}\n\
             from django.contrib.auth.models import User\n\
             from django.core.management import call_command\n\
             user = User.objects.create_user('anna')\n\
             user.save()\n\
             call_command('loaddata', {:?}, verbosity=0)\n",
            place.path("dump.json")
        ),
    );
    place.has_a_token("anna");
    assert_eq!(place.has_a_token("erik"), "0123456789012345678901234567890123456789");
    assert_eq!(place.count("authtoken_token"), 2);
}

#[test]
fn without_a_way_both_are_explained_and_none_is_taken() {
    let place = Place::new(&["--auto-token"]);
    assert!(place.1.contains("--auto-token=trigger") && place.1.contains("--auto-token=receiver"), "{}", place.1);
    assert_eq!(place.count("sqlite_master WHERE type = 'trigger'"), 0);
    place.django(&["adduser", "anna", "pw"]);
    place.does(&["user", "create", "ben", "--no-password"]);
    place.has_a_token("ben");
    assert_eq!(place.count("authtoken_token"), 1);
    let plain = Place::new(&[]);
    plain.does(&["user", "create", "anna", "--no-password"]);
    assert_eq!(plain.count("authtoken_token"), 0);
}

#[test]
fn the_document_says_what_the_command_does() {
    let document = fs::read_to_string(root().join("docs/tokens.md")).unwrap();
    let place = Place::new(&["--auto-token=receiver"]);
    assert!(document.contains(place.1[place.1.find("# In a module").unwrap()..].trim_end()));
    let sql = document.split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
    place.db().execute_batch(sql).unwrap();
    let trigger = |place: &Place| -> String {
        place.db().query_row("SELECT sql FROM sqlite_master WHERE type = 'trigger'", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(trigger(&place), trigger(&Place::new(&["--auto-token=trigger"])));
}

// ---------------------------------------------------------------- users whom we make

#[test]
fn every_way_of_ours_to_make_a_user_gives_a_token() {
    let place = Place::new(&[]);
    place.add("[schemes.token]\nauto_create = true\n[chains.remote]\nschemes = [\"remote_user\"]\n");
    place.does(&["user", "create", "anna", "--no-password"]);
    let line = r#"{"chain": "remote", "environ": {"REMOTE_USER": "ben"}, "persist": true}"#;
    let (_, said) = place.says(&["explain", "--batch"], line);
    assert!(said.contains(r#""user":"ben""#), "{said}");
    let config = fs::read_to_string(place.path("authchain.toml")).unwrap();
    let host = Host::open(&config, place.0.path(), &[]).unwrap();
    let mut new: auth_new_user = unsafe { std::mem::zeroed() };
    new.size = size_of::<auth_new_user>();
    (new.name, new.password) = (text("carl"), text("pw"));
    let mut user = std::ptr::null_mut();
    let status = unsafe { auth_user_create(Some(host.context()), &raw const new, &raw mut user) };
    assert_eq!(status, auth_status::AUTH_OK);
    unsafe { auth_user_free(Some(Box::from_raw(user))) };
    for user in ["anna", "ben", "carl"] {
        place.has_a_token(user);
    }
    // What is undone is undone whole.
    let (_, said) = place.says(&["explain", "--batch"], &line.replace("ben", "dora").replace("true", "false"));
    assert!(said.contains(r#""user":"dora""#), "{said}");
    assert_eq!((place.count("auth_user"), place.count("authtoken_token")), (3, 3));
}

#[test]
fn each_table_that_says_so_gives_one() {
    let place = Place::new(&[]);
    place.db().execute_batch("CREATE TABLE mobile AS SELECT * FROM authtoken_token").unwrap();
    let mobile = "type = \"token\"\ntable = \"mobile\"\n";
    place.add(&format!("[schemes.mobile]\n{mobile}auto_create = true\n[schemes.same]\n{mobile}keyword = \"Same\"\n"));
    place.does(&["user", "create", "anna", "--no-password"]);
    assert_eq!((place.count("mobile"), place.count("authtoken_token")), (1, 0));
    place.add("auto_create = true\n[schemes.token]\nauto_create = true\n");
    place.does(&["user", "create", "ben", "--no-password"]);
    assert_eq!((place.keys("mobile", "ben").len(), place.keys("authtoken_token", "ben").len()), (1, 1));
    // In an item of a chain as well.
    let place = Place::new(&[]);
    place.add("[chains.item]\nschemes = [{ scheme = \"token\", auto_create = true }]\n");
    place.does(&["user", "create", "anna", "--no-password"]);
    place.has_a_token("anna");
}

#[test]
fn there_is_no_user_without_the_token_and_no_token_without_the_user() {
    let place = Place::new(&[]);
    place.add("[schemes.token]\nauto_create = true\n");
    place.does(&["user", "create", "anna", "--no-password"]);
    let create = |name: &str| place.says(&["user", "create", name, "--no-password"], "");
    let counts = || (place.count("auth_user"), place.count("authtoken_token"));
    assert!(!create("anna").0);
    assert_eq!(counts(), (1, 1));
    // The token fails: there is no user.
    let refuse = |table: &str| {
        let sql = format!("CREATE TRIGGER no AFTER INSERT ON {table} BEGIN SELECT raise(ABORT, 'not today'); END");
        place.db().execute_batch(&sql).unwrap();
    };
    refuse("authtoken_token");
    let (done, said) = create("ben");
    assert!(!done && said.contains("not today"), "{said}");
    assert_eq!(counts(), (1, 1));
    // The user fails: there is no token.
    place.db().execute_batch("DROP TRIGGER no").unwrap();
    refuse("auth_user");
    assert!(!create("ben").0);
    assert_eq!(counts(), (1, 1));
    place.db().execute_batch("DROP TRIGGER no").unwrap();
    assert!(create("ben").0);
    assert_eq!(counts(), (2, 2));
    // No table, no user.
    place.db().execute_batch("DROP TABLE authtoken_token").unwrap();
    let (done, said) = create("carl");
    assert!(!done && said.contains("no such table"), "{said}");
    assert_eq!(place.count("auth_user"), 2);
}
