//! A configuration with one fault is refused whole, with the place of the fault and the remedy.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::Host;

const HEAD: &str = "database = \"sqlite:db.sqlite3\"\nsecret_key = \"s3cr3t-canary\"\n";
const CHAIN: &str = "[chains.default]\nschemes = [\"basic\", \"token\"]\n";

/// The report on a configuration, which has to be refused.
fn report(config: &str) -> String {
    match Host::open(config, std::path::Path::new("/nonexistent"), &[]) {
        Ok(_) => panic!("accepted:\n{config}"),
        Err(report) => report,
    }
}

/// Checks the place, and that the report never shows the secret.
fn refused_at(config: &str, line: usize, column: usize, words: &str) {
    let report = report(config);
    assert!(report.starts_with(&format!("(text):{line}:{column}: ")), "{report}\n{config}");
    assert!(report.contains(words), "{report} does not say {words:?}");
    assert!(!report.contains("canary"), "{report}");
}

#[test]
fn the_whole_is_accepted_when_nothing_is_wrong() {
    assert!(Host::open(&format!("{HEAD}{CHAIN}"), std::path::Path::new("."), &[]).is_ok());
}

#[test]
fn time_zones_of_the_system_are_known() {
    let config = format!("{HEAD}use_tz = false\ntime_zone = \"Europe/Berlin\"\n{CHAIN}");
    assert!(Host::open(&config, std::path::Path::new("."), &[]).is_ok());
}

#[test]
fn faults_of_the_file_are_placed() {
    for (config, line, column, words) in [
        ("\n", 1, 1, "has no database"),
        ("database = \"sqlite:x\"\n", 1, 1, "has no secret_key"),
        ("database = 1\nsecret_key = \"canary\"", 1, 12, "database does not take 1"),
        ("database = \"mysql:x\"\nsecret_key = \"canary\"", 1, 1, "expected \"sqlite:PATH\""),
        ("database = \"sqlite:\"\nsecret_key = \"canary\"", 1, 1, "expected \"sqlite:PATH\""),
        ("database = \"\"\nsecret_key = \"canary\"", 1, 1, "expected \"sqlite:PATH\""),
        ("database = \"sqlite:x\"\nsecret_key = 7", 2, 14, "secret_key does not take a whole number"),
        ("database = \"sqlite:x\"\nsecret_key = \"\"", 2, 14, "secret_key is empty"),
        ("database = \"sqlite:x\"\nsecret_key = { fil = \"x\" }", 2, 14, "{ file"),
        ("database = \"sqlite:x\"\nsecret_key = { file = \"no-such\" }", 2, 23, "cannot be opened"),
        ("database = \"sqlite:x\"\nsecret_key = { env = \"NO_SUCH_VARIABLE\" }", 2, 22, "the environment has no"),
        ("database = \"sqlite:x\"\nsecret_key = { file = 1 }", 2, 14, "{ file"),
        ("database = \"sqlite:x\"\nsecret_key = { file = \"a\", env = \"b\" }", 2, 14, "{ file"),
        ("database = \"sqlite:x\"\nsecret_key = [\"canary\"]", 2, 14, "does not take a list"),
        ("database = \"sqlite:x\"\ndatabase = \"sqlite:x\"\n", 2, 1, "not valid TOML"),
        ("database = \"sqlite:x\n", 1, 21, "not valid TOML"),
        ("database\n", 1, 9, "not valid TOML"),
        ("= 1\n", 1, 1, "not valid TOML"),
        ("[chains", 1, 8, "not valid TOML"),
    ] {
        refused_at(config, line, column, words);
    }
}

#[test]
fn faults_behind_a_good_head_are_placed() {
    for (more, line, column, words) in [
        ("colour = 1\n", 3, 1, "unknown key \"colour\" in the file (known: database, secret_key"),
        ("Database = \"sqlite:x\"\n", 3, 1, "unknown key"),
        ("timeout = -1\n", 3, 11, "expected a whole number from 0 to 600"),
        ("timeout = 601\n", 3, 11, "expected a whole number from 0 to 600"),
        ("timeout = 1.5\n", 3, 11, "does not take a fraction"),
        ("timeout = \"5\"\n", 3, 11, "does not take \"5\""),
        ("timeout = 99999999999999999999\n", 3, 11, "does not fit into 64 bits"),
        ("timeout = 2026-01-01\n", 3, 11, "does not take a date"),
        ("timeout = true\n", 3, 11, "does not take true"),
        ("timeout = []\n", 3, 11, "does not take a list"),
        ("timeout = {}\n", 3, 11, "does not take a table"),
        ("mmap_size = -1\n", 3, 13, "expected a whole number"),
        ("use_tz = 1\n", 3, 10, "expected true or false"),
        ("use_tz = \"true\"\n", 3, 10, "expected true or false"),
        ("exact = \"yes\"\n", 3, 9, "expected true or false"),
        ("time_zone = 1\n", 3, 13, "expected a text"),
        ("use_tz = false\ntime_zone = \"Mars/Olympus\"\n", 4, 1, "unknown time zone"),
        ("use_tz = false\ntime_zone = \"../../etc/passwd\"\n", 4, 1, "unknown time zone"),
        ("password_hashers = []\n", 3, 20, "pbkdf2_sha256"),
        ("password_hashers = \"argon2\"\n", 3, 20, "a list without repetition"),
        ("password_hashers = [\"rot13\"]\n", 3, 21, "does not take \"rot13\""),
        ("password_hashers = [\"argon2\", \"argon2\"]\n", 3, 31, "without repetition"),
        ("password_hashers = [\"argon2\",\n  7]\n", 4, 3, "does not take 7"),
        ("authentication_backends = []\n", 3, 27, "ModelBackend"),
        ("authentication_backends = [\"LdapBackend\"]\n", 3, 28, "ModelBackend"),
        ("chains = 1\n", 3, 10, "expected a table"),
        ("schemes = []\n", 3, 11, "expected a table"),
        ("users = \"auth_user\"\n", 3, 9, "expected a table"),
        ("hashers = true\n", 3, 11, "expected a table"),
        ("[hasher.argon2]\n", 3, 2, "unknown key \"hasher\""),
        ("[hashers.rot13]\n", 3, 10, "unknown hasher \"rot13\""),
        ("[hashers]\nargon2 = 1\n", 4, 10, "expected a table"),
        ("[hashers.argon2]\nmemory = 1\n", 4, 1, "unknown key \"memory\" in [hashers.argon2]"),
        ("[hashers.argon2]\nmemory_cost = 0\n", 4, 15, "expected a whole number from"),
        ("[hashers.argon2]\nmemory_cost = \"1\"\n", 4, 15, "expected a whole number from"),
        ("[hashers.argon2]\ntime_cost = -3\n", 4, 13, "expected a whole number from"),
        ("[hashers.pbkdf2_sha256]\niterations = 0\n", 4, 14, "expected a whole number from"),
        ("[hashers.pbkdf2_sha1]\niterations = 1e6\n", 4, 14, "expected a whole number from"),
        ("[hashers.bcrypt]\nrounds = 99\n", 4, 10, "expected a whole number from"),
        ("[hashers.bcrypt_sha256]\nrounds = 3\n", 4, 10, "expected a whole number from"),
        ("[hashers.scrypt]\nwork_factor = 1000\n", 3, 10, "[hashers.scrypt]"),
        ("[hashers.md5]\nsalt = 1\n", 4, 1, "unknown key \"salt\""),
        ("[chains.\"a/b\"]\nschemes = [\"basic\"]\n", 3, 9, "\"a/b\" is no name of a chain"),
        ("[chains.\"\"]\nschemes = [\"basic\"]\n", 3, 9, "\"\" is no name of a chain"),
        ("[endpoints.\"a b\"]\ntype = \"login\"\n", 3, 12, "\"a b\" is no name of a chain or endpoint"),
        (
            "[endpoints.a]\ntype = \"login\"\npath = \"/x\"\n[endpoints.b]\ntype = \"logout\"\npath = \"/x\"\n",
            6,
            12,
            "\"/x\" is the path of [endpoints.a] already",
        ),
        ("[endpoints.login]\npath = \"/healthz\"\n", 3, 12, "belongs to `authchain serve`"),
        (
            "[chains.web]\nschemes = [\"basic\"]\n[endpoints.login]\npath = \"/auth/web/login\"\n",
            5,
            12,
            "belongs to `authchain serve`",
        ),
        ("log = \"auth.log\"\n", 3, 1, "is no place for a log"),
        ("log = \"Syslog\"\n", 3, 1, "is no place for a log"),
        ("[chains.default]\n", 3, 9, "[chains.default] has no schemes"),
        ("[chains.default]\nschemes = []\n", 4, 11, "cannot find anybody"),
        ("[chains.default]\nschemes = \"basic\"\n", 4, 11, "expected a list of schemes"),
        ("[chains.default]\nschemes = [1]\n", 4, 12, "does not take 1"),
        ("[chains.default]\nschemes = [[\"basic\"]]\n", 4, 12, "does not take a list"),
        (
            "[chains.default]\nschemes = [\"basik\"]\n",
            4,
            12,
            "unknown scheme \"basik\" (known: basic, durin, jwt, knox, remote_user, session, token)",
        ),
        ("[chains.default]\nschemes = [\"\"]\n", 4, 12, "unknown scheme \"\""),
        ("[chains.default]\nschemes = [\"Basic\"]\n", 4, 12, "unknown scheme \"Basic\""),
        ("[chains.default]\nschemes = [\"never\"]\n", 4, 12, "unknown scheme \"never\""),
        ("[chains.default]\nschemes = [\"fail\"]\n", 4, 12, "unknown scheme \"fail\""),
        ("[chains.default]\nschemes = [\"deny\"]\n", 4, 12, "unknown scheme \"deny\""),
        ("[chains.default]\nschemes = [\"basic\",\n  \"tokn\"]\n", 5, 3, "unknown scheme \"tokn\""),
        ("[chains.default]\nschemes = [{ }]\n", 4, 12, "has no scheme"),
        ("[chains.default]\nschemes = [{ scheme = 1 }]\n", 4, 23, "scheme does not take 1"),
        ("[chains.default]\nschemes = [{ scheme = \"x\" }]\n", 4, 23, "unknown scheme \"x\""),
        (
            "[chains.default]\nschemes = [{ scheme = \"basic\", control = \"may\" }]\n",
            4,
            42,
            "first, try, sufficient, required",
        ),
        ("[chains.default]\nschemes = [{ scheme = \"basic\", control = 1 }]\n", 4, 42, "control does not take 1"),
        ("[chains.default]\nschemes = [{ scheme = \"basic\", control = \"First\" }]\n", 4, 42, "one of: first"),
        ("[chains.default]\nschemes = [{ scheme = \"basic\", realm = \"x\" }]\n", 4, 32, "unknown key \"realm\""),
        (
            "[chains.default]\nschemes = [{ scheme = \"basic\", control = \"optional\" }]\n",
            4,
            11,
            "cannot find anybody",
        ),
        (
            "[chains.default]\nschemes = [{ scheme = \"basic\", type = \"token\" }]\n",
            4,
            32,
            "unknown key \"type\" in the scheme \"basic\"",
        ),
        ("[chains.default]\nschemes = [\"basic\"]\nanonymous = \"maybe\"\n", 5, 13, "one of: refuse, allow"),
        ("[chains.default]\nschemes = [\"basic\"]\nanonymous = true\n", 5, 13, "one of: refuse, allow"),
        ("[chains.default]\nschemes = [\"basic\"]\nchallenge = \"last\"\n", 5, 13, "one of: first, all"),
        (
            "[chains.default]\nschemes = [\"basic\"]\nrequired = true\n",
            5,
            1,
            "unknown key \"required\" in [chains.default]",
        ),
        ("[chains]\ndefault = [\"basic\"]\n", 4, 11, "expected a table"),
        ("[schemes.basic]\nrealm = \"x\"\n", 4, 1, "unknown key \"realm\""),
        ("[schemes.basic]\nwww_authenticate_realm = 1\n", 4, 26, "visible ASCII"),
        ("[schemes.basic]\nwww_authenticate_realm = \"a\\nb\"\n", 4, 26, "visible ASCII"),
        ("[schemes.basic]\nwww_authenticate_realm = \"a\\u0000b\"\n", 4, 26, "visible ASCII"),
        ("[schemes.basic]\nwww_authenticate_realm = \"\u{e9}\"\n", 4, 26, "visible ASCII"),
        ("[schemes.token]\nkeyword = \"\"\n", 4, 11, "one word"),
        ("[schemes.token]\nkeyword = \"My Token\"\n", 4, 11, "one word"),
        ("[schemes.token]\nkeyword = \"a\\tb\"\n", 4, 11, "one word"),
        ("[schemes.token]\nkeyword = [\"Token\"]\n", 4, 11, "does not take a list"),
        ("[schemes.unused]\n", 3, 10, "unknown scheme \"unused\""),
        ("[schemes.mobile]\ntype = \"tokens\"\n", 4, 8, "unknown scheme \"tokens\""),
        ("[schemes.mobile]\ntype = 1\n", 4, 8, "type does not take 1"),
        ("[schemes.mobile]\ntype = \"mobile\"\n", 4, 8, "unknown scheme \"mobile\""),
        (
            "[schemes.mobile]\ntype = \"token\"\nkeywrd = \"x\"\n",
            5,
            1,
            "unknown key \"keywrd\" in the scheme \"mobile\"",
        ),
        ("[schemes]\nbasic = 1\n", 4, 9, "expected a table"),
        ("[users]\ntabel = \"x\"\n", 4, 1, "unknown key \"tabel\" in [users]"),
        ("[users]\nid_type = \"bigint\"\n", 4, 11, "one of: integer, uuid"),
        ("[users]\nempty_columns = \"first_name\"\n", 4, 17, "a list of column names"),
        ("[users]\nempty_columns = [\"a b\"]\n", 4, 18, "a list of column names"),
        ("[users]\nempty_columns = [\"a\", \"a\"]\n", 4, 23, "a list of column names"),
        ("[users]\ntable = \"\"\n", 4, 9, "a table or column name"),
        ("[users]\nid_column = \"\"\n", 4, 13, "a table or column name"),
        ("[users]\nusername_column = \"\"\n", 4, 19, "a table or column name"),
        ("[users]\npassword_column = \"\"\n", 4, 19, "a table or column name"),
    ] {
        // The faulty part goes where no chain of its own follows.
        refused_at(&format!("{HEAD}{more}"), line, column, words);
    }
}

#[test]
fn hostile_names_never_become_sql() {
    let names = hostile_names();
    assert!(names.len() >= 60);
    for name in &names {
        // TOML's basic strings are JSON's, but for the one control character that JSON leaves alone.
        let quoted = serde_json::Value::from(name.as_str()).to_string().replace('\u{7f}', "\\u007f");
        for (table, key) in [("users", "table"), ("users", "email_column"), ("schemes.token", "table")] {
            let config = format!("{HEAD}[{table}]\n{key} = {quoted}\n{CHAIN}");
            refused_at(&config, 4, key.len() + 4, "letters, digits and _");
        }
    }
}

/// Names that quote, end, comment or extend a statement, and names of other shapes.
fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "a b",
        "a\"b",
        "a'b",
        "a`b",
        "a;b",
        "a--b",
        "a/*b",
        "a)b",
        "a(b",
        "a,b",
        "a.b",
        "a=b",
        "a*b",
        "a%b",
        "a?b",
        "a:b",
        "a@b",
        "a#b",
        "a$b",
        "a&b",
        "a|b",
        "a\\b",
        "a[b",
        "a]b",
        "a{b",
        "a}b",
        "a<b",
        "a>b",
        "a+b",
        "a-b",
        "a~b",
        "a!b",
        "a^b",
        "\"",
        "\"\"",
        "\" OR 1=1 --",
        "auth_user\" u; DROP TABLE auth_user; --",
        "auth_user WHERE 1",
        "1",
        "1a",
        "9",
        " auth_user",
        "auth_user ",
        "\tauth_user",
        "auth_user\n",
        "main.auth_user",
        "x'; ATTACH 'y' AS z; --",
        "\u{e9}",
        "us\u{e9}r",
        "\u{ff55}ser",
        "user\u{200b}",
        "\u{202e}resu",
        "a\u{a0}b",
        "a\u{7f}b",
        "NULL--",
        "0x10",
        "$1",
        ":name",
        "@name",
        "?1",
        "[auth_user]",
        "`auth_user`",
        "'auth_user'",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("a".repeat(64));
    names
}

#[test]
fn files_that_others_can_change_or_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret_key");
    std::fs::write(&secret, "s3cr3t-canary\n").unwrap();
    let config = "database = \"sqlite:db.sqlite3\"\nsecret_key = { file = \"secret_key\" }\n";
    for (mode, good) in [
        (0o600, true),
        (0o640, true),
        (0o400, true),
        (0o644, false),
        (0o660, false),
        (0o602, false),
        (0o606, false),
        (0o666, false),
    ] {
        std::fs::set_permissions(&secret, PermissionsExt::from_mode(mode)).unwrap();
        let opened = Host::open(config, folder.path(), &[]);
        assert_eq!(opened.is_ok(), good, "{mode:o} {:?}", opened.err());
    }
    std::fs::remove_file(&secret).unwrap();
    std::fs::create_dir(&secret).unwrap();
    assert!(Host::open(config, folder.path(), &[]).is_err_and(|report| report.contains("is not a regular file")));
}

#[test]
fn the_log_is_no_file_that_is_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("secret_key"), "s".repeat(50)).unwrap();
    fs::set_permissions(path("secret_key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path("db.sqlite3"), "").unwrap();
    std::os::unix::fs::symlink("db.sqlite3", path("other")).unwrap();
    for log in ["db.sqlite3", "db.sqlite3-wal", "secret_key", "throttle.sqlite3", "throttle.sqlite3-journal", "other"] {
        let config = "database = \"sqlite:db.sqlite3\"\nsecret_key = { file = \"secret_key\" }\n";
        let chain = "[chains.default]\nschemes = [\"basic\"]\n";
        let refused = Host::open(&format!("{config}log = \"./{log}\"\n{chain}"), folder.path(), &[]).err();
        assert!(refused.as_ref().is_some_and(|text| text.contains(":3:1: the log is a file")), "{log}: {refused:?}");
        assert!(Host::open(&format!("{config}log = \"./{log}.log\"\n{chain}"), folder.path(), &[]).is_ok(), "{log}");
    }
}
