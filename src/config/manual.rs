//! docs/config.md, made from the option tables so that it cannot fall behind them. tests/docs.rs
//! compares it with the committed file and puts its examples to `authchain check`.

use super::{DEFAULT_PATH, tables};
use crate::chain::{CONTROLS, Control};
use crate::codec::password::{HASHERS, HasherDef};
use crate::endpoints::{ENDPOINTS, EndpointDef};
use crate::options::OptionDef;
use crate::schemes::{SCHEMES, SchemeDef};

/// The whole document.
pub(crate) fn markdown() -> String {
    let sections = [
        INTRODUCTION.replace("DEFAULT_PATH", DEFAULT_PATH),
        top(),
        chains(),
        schemes(),
        endpoints(),
        users(),
        assertion(),
        throttle(),
        serve(),
        hashers(),
        EXAMPLE.to_owned(),
    ];
    let text = sections.map(|section| section.trim().to_owned()).join("\n\n");
    format!("{text}\n")
}

fn top() -> String {
    let section = |title: &str, of: &[OptionDef]| format!("### {title}\n\n{}", options(of));
    [
        format!("## Top of the file\n\n{}", options(tables::GENERAL)),
        section("What is believed of a request", tables::REQUESTS),
        section("Sessions", tables::SESSIONS),
        section("CSRF", tables::CSRF),
    ]
    .join("\n\n")
}

fn chains() -> String {
    format!("{}\n\n{}\n\n{CONTROL_WORDS}\n\n{}\n\n{END_OF_CHAIN}", heading("chains"), options(tables::CHAINS), words())
}

fn schemes() -> String {
    let each: Vec<_> = SCHEMES.iter().map(scheme).collect();
    let own = options(tables::SCHEMES);
    format!("{}\n\n{own}\n\n{SCHEME_TABLES}\n\n{}", heading("schemes"), each.join("\n\n"))
}

fn endpoints() -> String {
    let each: Vec<_> = ENDPOINTS.iter().map(endpoint).collect();
    format!("{}\n\n{}\n\n{}", heading("endpoints"), options(tables::ENDPOINTS), each.join("\n\n"))
}

fn endpoint(def: &EndpointDef) -> String {
    let EndpointDef { name, view, path, doc, options: own, .. } = def;
    let own = if own.is_empty() { "It has no options of its own.".to_owned() } else { options(own) };
    format!("### `{name}`\n\n`{view}`, at `{path}`. {doc}\n\n{own}")
}

fn users() -> String {
    format!("{}\n\n{}", heading("users"), options(tables::USERS))
}

fn assertion() -> String {
    format!("{}\n\n{ASSERTIONS}\n\n{}", heading("assertion"), options(super::assertion::OPTIONS))
}

fn throttle() -> String {
    format!("{}\n\n{ATTEMPTS}\n\n{}", heading("throttle"), options(tables::THROTTLE))
}

fn serve() -> String {
    format!(
        "{}\n\nWhat it does stands in [serve.md](serve.md).\n\n{}",
        heading("serve"),
        options(super::serve::OPTIONS)
    )
}

fn hashers() -> String {
    let each: Vec<_> = HASHERS.iter().map(hasher).collect();
    format!("{}\n\n{CEILINGS}\n\n{}", heading("hashers"), each.join("\n\n"))
}

/// A section of one of [`tables::TABLES`]: its sentence starts with the table's name.
fn heading(name: &str) -> String {
    let sentence = tables::TABLES.iter().find(|(known, _)| *known == name).map_or("", |(_, sentence)| sentence);
    let (title, rest) = sentence.split_once(": ").unwrap_or((name, sentence));
    format!("## {title}\n\n{}", capital(rest))
}

fn scheme(def: &SchemeDef) -> String {
    let SchemeDef { name, peer, class, doc, options: own, .. } = def;
    let own = if own.is_empty() { "It has no options of its own.".to_owned() } else { options(own) };
    format!("### `{name}`\n\n{peer}'s `{class}`. {doc}\n\n{own}")
}

fn hasher(def: &HasherDef) -> String {
    let HasherDef { name, django, doc, options, .. } = def;
    let class = django.rsplit('.').next().unwrap_or(django);
    let head = format!("### `{name}`\n\nDjango's `{class}`. {doc}");
    if options.is_empty() {
        return format!("{head} It has no options.");
    }
    let row = |o: &crate::codec::password::CostDef| {
        [format!("`{}`", o.name), format!("{} to {}", o.min, o.max), format!("`{}`", o.default), o.doc.to_owned()]
    };
    format!("{head}\n\n{}", table(["option", "values", "default", "meaning"], options.iter().map(row)))
}

fn options(options: &[OptionDef]) -> String {
    let row = |o: &OptionDef| {
        let default = if o.default.is_empty() { "(has to be given)".to_owned() } else { format!("`{}`", o.default) };
        [format!("`{}`", o.name), o.kind.expected(), default, o.doc.to_owned()]
    };
    table(["option", "values", "default", "meaning"], options.iter().map(row))
}

/// One row a control; a control of two names shows both.
fn words() -> String {
    let names = |control: Control| {
        let of_it = CONTROLS.iter().filter(|(_, known)| *known == control);
        of_it.map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    };
    let is_first = |i: usize| !CONTROLS[..i].iter().any(|(_, known)| *known == CONTROLS[i].1);
    let rows = (0..CONTROLS.len()).filter(|i| is_first(*i)).map(|i| {
        let control = CONTROLS[i].1;
        let [user, passed, refused] = meaning(control).map(str::to_owned);
        [names(control), user, passed, refused, "stop: 503".to_owned()]
    });
    table(["word", "user found", "passed (not mine)", "refused", "broken"], rows)
}

/// What becomes of a scheme's answer: a user, not mine, refused. The code is `Decision` in chain.rs.
fn meaning(control: Control) -> [&'static str; 3] {
    match control {
        Control::First => ["stop: this user", "next", "stop: refused"],
        Control::Try => ["stop: this user", "next", "next; the first such refusal is the answer if nobody is found"],
        Control::Required => ["next", "refused, but the rest still runs", "refused, but the rest still runs"],
        Control::Requisite => ["next", "stop: refused", "stop: refused"],
        Control::Optional => ["next", "next", "next"],
    }
}

fn table<const N: usize>(headings: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | ").replace('\n', " "));
    let mut lines = vec![line(&headings.map(str::to_owned)), line(&[(); N].map(|()| "---".to_owned()))];
    lines.extend(rows.map(|row| line(&row.map(|cell| cell.replace('|', "\\|")))));
    lines.join("\n")
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

const INTRODUCTION: &str = r#"# Configuration

This file is made from the option tables of the source (`BLESS=1 cargo test --test docs`), so it lists every option there
is. The format is TOML. Three lines are enough:

```toml
database = "sqlite:db.sqlite3"
secret_key = { file = "secret_key" }
chains.default.schemes = ["basic", "token"]
```

`authchain init` writes such a file with a new database and a new secret. `authchain from-django SETTINGS_MODULE` prints
one made from the settings of a Django project. `authchain check` says whether a file is right, without opening the database; plug-ins that it names are loaded.

## Where the file is looked for

1. The path that the host gives (`path` of `auth_options`, `Context(path)` in Python, `--config` of the command).
2. Else the file that the environment variable `AUTHCHAIN_CONFIG` names; the variable is ignored in set-uid and set-gid processes.
3. Else `DEFAULT_PATH`.

The configuration decides who gets in, so its file must be a regular file of at most 1 MiB that belongs to root or to the
user of the process, and that neither group nor others can write (mode 0644 or less). Relative paths in it start at its own folder, or
at the folder that the host gives (`base_dir`).

## Errors

One fault refuses the whole file. The report names the file, line, column (both from 1, columns in characters), what is
wrong, and what was expected or is known:

    authchain.toml:4:12: unknown scheme "bsic" (known: basic, remote_user, session, token)

Unknown keys, schemes, hashers and control words are faults. A report never shows a secret.

## Secrets

A secret is written in one of three ways:

| form | where the secret is |
| --- | --- |
| `{ file = "secret_key" }` | in a file of its own; as the configuration file, and not readable by others (mode 0640 or less). Line breaks at its end do not count |
| `{ env = "AUTHCHAIN_SECRET_KEY" }` | in this variable of the host's environment; ignored in set-uid and set-gid processes |
| `"…"` | in the configuration itself, which others may then not read; `authchain doctor` looks |

`secret_key` signs sessions and what hosts have signed (`auth_sign`), and makes the digests of tokens in logs and listings, and
of user names in the counters of the throttle. With another key those counters start anew; what the former one signed counts
as long as it stands in `secret_key_fallbacks`."#;

const CONTROL_WORDS: &str = r#"An item of `schemes` is the name of a scheme, or a table: `scheme`, optionally `control`, and options of the scheme that
replace those of `[schemes.NAME]` here. A host can add schemes of its own through the C ABI (`auth_scheme`) or the Python
package; a chain names them like any other. `authchain check` does not know a host's own schemes.

### Control words

`control` says what the answer of a scheme means for the chain. The default, `first`, is the rule of Django REST framework;
the others have PAM's names."#;

const END_OF_CHAIN: &str = r#"- A `required` or `requisite` that failed is never forgotten: its refusal is the answer, also when a later `first` or `try` finds a user.
- A `required` or `requisite` that passed has failed, with the text `Authentication credentials were not provided.`
- If a `required`, `requisite`, `first` or `try` finds another user than an earlier `required` or `requisite`, the answer is
  `Incorrect authentication credentials.`
- At the end of a chain the answer is, in this order: the refusal of a failed `required` or `requisite`; the user on whom they
  agreed; the first refusal of a `try`; nobody, and then `anonymous` decides.
- Broken (the database or a custom scheme cannot answer) always stops the chain. No word turns a failure into an answer.
- A chain whose schemes are all `optional`, or that has none, could not find anybody; it is a fault of the file.

A refusal is 401 with `WWW-Authenticate` when the first scheme of the chain has a challenge (with `challenge = "all"`: when any
has), else 403; this is Django REST framework's rule. A host's own `auth_request_deny` to a known user is always 403."#;

const SCHEME_TABLES: &str = r#"So `[schemes.token]` is a `token`, and a second kind of token is

```toml
database = "sqlite:db.sqlite3"
secret_key = { file = "secret_key" }

[schemes.mobile]
type = "token"
keyword = "Bearer"

[chains.default]
schemes = ["token", "mobile"]
```

Every table is checked, also one that no chain uses.

### Plug-ins

A plug-in is a shared object with schemes of somebody else's; how to write one is said in CONTRIBUTING.md, and an example is
examples/plugin_xusername.c.

    [schemes.badge]
    plugin = "/usr/lib/authchain/badge.so"
    header = "X-Badge"

- The file and every folder above it must belong to root or to the user of the process, and nobody else may write them; a sticky
  folder such as /tmp will not do. The path is absolute and has no symbolic links.
- All other keys of the table, and options in the items of chains, go to the plug-in. What it does not ask for is an unknown key. A
  text may also be `{ file = "…" }` or `{ env = "…" }`.
- It is loaded when the configuration is read, by `authchain check` as well, and its code runs then. It stays in the process: a
  new file under its name counts in the next process only, and until then a configuration that names it is refused.
- A host's own scheme (`auth_scheme`) takes options in its table in the same way, if it has a function `configure`."#;

const ASSERTIONS: &str = "An assertion is a JSON Web Token of one request's user for one program behind the host, its audience. The program checks \
the signature with its own key or the public one, the algorithm, `iss`, `aud` (itself) and `exp`, and need not trust the network \
between. Its claims are `sub` (the user's key, a text; of a `stateless` scheme `SCHEME:KEY`, as nobody\n\
has looked whether that is a user of the database), `preferred_username`, `email` when there is one, `scheme`, `is_staff`, \
`is_superuser`, `iss`, `aud`, `iat`, `exp` and `jti`.";

const ATTEMPTS: &str = r#"Attempts to log in with a password are counted for the name as it was typed (in any case of letters) and for the address of
the client, before the password is looked at. One that was right is taken back, so what stays counted has failed. Beyond either
limit an attempt is refused, with the right password, too, until the window that began with the first one ends. Attempts
under way count as well: a client that sends more requests at once than `account` says has some of them refused.

Failures write to the store, never to the tables of the users. The file is made at the first login, readable by the user of
that process only; its folder must be there and be writable. Where the counters cannot be read and written, logins with a
password are answered with 503, and everything else goes on. Names stand there as digests, addresses as they are. What is
past is removed by the attempts that follow. `authchain throttle` shows the counters and clears them.

With `store = "database"` every login is a write, which waits for the disk and for other writers; its connections, its backups
and Django's own writes share that."#;

const CEILINGS: &str = r#"Costs are those of new hashes, and of the dummy hash that a login costs when there is no stored hash to compute. A ceiling
(`max_…`) bounds what a stored hash may cost; Django has none but scrypt's memory. A stored hash above a ceiling is not
computed, and the password counts as wrong. A ceiling that is lower than the cost of new hashes counts as equal to it."#;

const EXAMPLE: &str = r#"## A larger example

```toml
database = "sqlite:/srv/shop/db.sqlite3"
secret_key = { env = "AUTHCHAIN_SECRET_KEY" }
timeout = 2
password_hashers = ["argon2", "pbkdf2_sha256"]

# A password or a token; who sends neither is refused.
[chains.default]
schemes = ["basic", "token"]

# Everybody may read; a credential that is sent has to be right.
[chains.public]
schemes = ["token"]
anonymous = "allow"

# Either kind of token, each with its own keyword; a 401 names both.
[chains.api]
schemes = [
  { scheme = "token", control = "try" },
  { scheme = "mobile", control = "try" },
]
challenge = "all"

[schemes.basic]
www_authenticate_realm = "shop"

[schemes.mobile]
type = "token"
keyword = "Bearer"
table = "mobile_token"

# A user model of the project's own, with e-mail addresses for names.
[users]
table = "people_person"
id_type = "uuid"
username_column = "email"
date_joined_column = ""
empty_columns = []
groups_table = "people_person_groups"
groups_user_column = "person_id"

[hashers.argon2]
memory_cost = 65536
```"#;
