//! The tables of the file: `(name, sentence, options)`. docs/config.md is made from this list.

use crate::chain;
use crate::codec::password::HASHERS;
use crate::options::{Kind, OptionDef};

/// Keys at the top of the file: Django's settings, and ours.
pub(crate) const TOP: &[&[OptionDef]] = &[GENERAL, REQUESTS, SESSIONS, CSRF];

/// The database, the secrets, the passwords.
pub(crate) const GENERAL: &[OptionDef] = &[
    OptionDef {
        name: "database",
        kind: Kind::Text,
        default: "",
        doc: "The database: `sqlite:PATH`. A relative path starts at the folder of this file.",
    },
    OptionDef {
        name: "secret_key",
        kind: Kind::Secret,
        default: "",
        doc: "Django's SECRET_KEY. In a file of its own, readable by the owner and group only, or in the environment.",
    },
    OptionDef {
        name: "secret_key_fallbacks",
        kind: Kind::Secrets,
        default: "[]",
        doc: "Django's SECRET_KEY_FALLBACKS: former keys, whose signatures and sessions still count.",
    },
    OptionDef {
        name: "use_tz",
        kind: Kind::Boolean,
        default: "true",
        doc: "Django's USE_TZ: whether datetimes stand in the database in UTC.",
    },
    OptionDef {
        name: "time_zone",
        kind: Kind::Text,
        default: "\"UTC\"",
        doc: "Django's TIME_ZONE; matters when `use_tz` is false, and to what `knox_login` says of the end of a token.",
    },
    OptionDef {
        name: "timeout",
        kind: Kind::Integer(0, 600),
        default: "5",
        doc: "Seconds that a call waits for a lock of another process on the database (Django's default), or for its turn to \
              hash a password.",
    },
    OptionDef {
        name: "mmap_size",
        kind: Kind::Integer(0, 1 << 40),
        default: "0",
        doc: "Bytes of the database that SQLite may map into memory. Faster on large files; a file that somebody \
              truncates while it is mapped kills the host.",
    },
    OptionDef {
        name: "password_hashers",
        kind: Kind::Words(hasher_names),
        default: "[\"pbkdf2_sha256\", \"pbkdf2_sha1\", \"argon2\", \"bcrypt_sha256\", \"scrypt\"]",
        doc: "Django's PASSWORD_HASHERS by their short names. The first makes new hashes, and the \
              dummy that a login costs when there is no hash to compute; hashes of others are refused.",
    },
    OptionDef {
        name: "hashes_at_once",
        kind: Kind::Integer(0, 1024),
        default: "0",
        doc: "How many Argon2 and scrypt hashes are computed at once in a process, each of which takes its memory (100 MiB \
              with Django's Argon2); 0: one for each processor. Others wait for `timeout`, then the answer is 503.",
    },
    OptionDef {
        name: "authentication_backends",
        kind: Kind::Paths(backend_names),
        default: "[\"ModelBackend\", \"RemoteUserBackend\"]",
        doc: "Django's AUTHENTICATION_BACKENDS. Sessions of other backends are not believed. With `AllowAllUsersModelBackend` \
              an inactive user with the right password is told so. A backend of your own, a dotted path, counts for \
              sessions only.",
    },
    OptionDef {
        name: "rehash",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether a login with the right password replaces a hash that is not of the preferred kind, as Django does. It \
              logs the user's browsers out. Always on in exact mode.",
    },
    OptionDef {
        name: "log",
        kind: Kind::Text,
        default: "\"\"",
        doc: "Where log lines go when the host does not take them itself: `syslog` (facility authpriv), `stderr`, or the path \
              of a file of its own, with a `/` in it, which may be rotated at any time. Empty: nowhere.",
    },
    OptionDef {
        name: "log_level",
        kind: Kind::Word(&["error", "notice", "debug"]),
        default: "\"notice\"",
        doc: "The least that `log` takes: only verdicts that could not be given, refusals too, or every verdict.",
    },
    OptionDef {
        name: "exact",
        kind: Kind::Boolean,
        default: "false",
        doc: "Answer as the peers do where this library is stricter (docs/differences.md).",
    },
];

/// What is believed of a request.
pub(crate) const REQUESTS: &[OptionDef] = &[
    OptionDef {
        name: "trusted_proxies",
        kind: Kind::Texts,
        default: "[]",
        doc: "Addresses and networks (`10.0.0.0/8`) of the proxies whose `X-Forwarded-*` headers are believed. Nobody else's \
              are, whatever the next options say.",
    },
    OptionDef {
        name: "allowed_hosts",
        kind: Kind::Texts,
        default: "[\"*\"]",
        doc: "Django's ALLOWED_HOSTS. A request to another host has no origin of its own, so that CSRF checks refuse it.",
    },
    OptionDef {
        name: "use_x_forwarded_host",
        kind: Kind::Boolean,
        default: "false",
        doc: "Django's USE_X_FORWARDED_HOST.",
    },
    OptionDef {
        name: "use_x_forwarded_port",
        kind: Kind::Boolean,
        default: "false",
        doc: "Django's USE_X_FORWARDED_PORT.",
    },
    OptionDef {
        name: "secure_proxy_ssl_header",
        kind: Kind::Texts,
        default: "[]",
        doc: "Django's SECURE_PROXY_SSL_HEADER: name (`HTTP_X_FORWARDED_PROTO`) and value (`https`) of the header that says \
              that the client came over TLS.",
    },
];

/// Django's SESSION_* settings.
pub(crate) const SESSIONS: &[OptionDef] = &[
    OptionDef {
        name: "session_engine",
        kind: Kind::Word(&["db", "cached_db", "signed_cookies", "file", "cache"]),
        default: "\"db\"",
        doc: "Where sessions are kept. `cached_db` is read from its database. `cache` is refused: its sessions are \
              pickles, which only Python may read.",
    },
    OptionDef {
        name: "session_table",
        kind: Kind::Identifier,
        default: "\"django_session\"",
        doc: "The table of `db` and `cached_db`.",
    },
    OptionDef { name: "session_file_path", kind: Kind::Text, default: "\"/tmp\"", doc: "The folder of `file`." },
    OptionDef {
        name: "session_cookie_name",
        kind: Kind::Token,
        default: "\"sessionid\"",
        doc: "The name of the session cookie.",
    },
    OptionDef {
        name: "session_cookie_age",
        kind: Kind::Integer(0, 1 << 31),
        default: "1209600",
        doc: "Seconds that a session lasts.",
    },
    OptionDef {
        name: "session_cookie_domain",
        kind: Kind::CookieText,
        default: "\"\"",
        doc: "The cookie's `Domain`; none when empty.",
    },
    OptionDef { name: "session_cookie_path", kind: Kind::CookieText, default: "\"/\"", doc: "The cookie's `Path`." },
    OptionDef {
        name: "session_cookie_secure",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether the cookie is sent over TLS only.",
    },
    OptionDef {
        name: "session_cookie_httponly",
        kind: Kind::Boolean,
        default: "true",
        doc: "Whether scripts cannot read the cookie.",
    },
    OptionDef {
        name: "session_cookie_samesite",
        kind: Kind::Word(SAMESITE),
        default: "\"Lax\"",
        doc: "The cookie's `SameSite`; none when empty.",
    },
    OptionDef {
        name: "session_save_every_request",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether each request prolongs its session, with one write a request.",
    },
    OptionDef {
        name: "session_expire_at_browser_close",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether the cookie ends with the browser.",
    },
];

/// Django's CSRF_* settings.
pub(crate) const CSRF: &[OptionDef] = &[
    OptionDef {
        name: "csrf_trusted_origins",
        kind: Kind::Texts,
        default: "[]",
        doc: "Other origins whose forms are accepted: `https://example.com`, `https://*.example.com`.",
    },
    OptionDef {
        name: "csrf_use_sessions",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether the CSRF secret is kept in the session and not in a cookie.",
    },
    OptionDef {
        name: "csrf_header_name",
        kind: Kind::Token,
        default: "\"HTTP_X_CSRFTOKEN\"",
        doc: "The request header of the token, in Django's spelling.",
    },
    OptionDef {
        name: "csrf_cookie_name",
        kind: Kind::Token,
        default: "\"csrftoken\"",
        doc: "The name of the CSRF cookie.",
    },
    OptionDef {
        name: "csrf_cookie_age",
        kind: Kind::Integer(0, 1 << 31),
        default: "31449600",
        doc: "Seconds that the cookie lasts; 0: as long as the browser.",
    },
    OptionDef {
        name: "csrf_cookie_domain",
        kind: Kind::CookieText,
        default: "\"\"",
        doc: "The cookie's `Domain`, whose Referers are accepted too; none when empty.",
    },
    OptionDef { name: "csrf_cookie_path", kind: Kind::CookieText, default: "\"/\"", doc: "The cookie's `Path`." },
    OptionDef {
        name: "csrf_cookie_secure",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether the cookie is sent over TLS only.",
    },
    OptionDef {
        name: "csrf_cookie_httponly",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether scripts cannot read the cookie.",
    },
    OptionDef {
        name: "csrf_cookie_samesite",
        kind: Kind::Word(SAMESITE),
        default: "\"Lax\"",
        doc: "The cookie's `SameSite`; none when empty.",
    },
];

const SAMESITE: &[&str] = &["Lax", "Strict", "None", ""];

/// Keys of `[users]`.
pub(crate) const USERS: &[OptionDef] = &[
    OptionDef { name: "table", kind: Kind::Identifier, default: "\"auth_user\"", doc: "The table of AUTH_USER_MODEL." },
    OptionDef {
        name: "id_type",
        kind: Kind::Word(&["integer", "uuid"]),
        default: "\"integer\"",
        doc: "What its key is: a number (AutoField, BigAutoField) or a UUIDField.",
    },
    OptionDef { name: "id_column", kind: Kind::Identifier, default: "\"id\"", doc: "Its column of the key." },
    OptionDef {
        name: "username_column",
        kind: Kind::Identifier,
        default: "\"username\"",
        doc: "Its column of USERNAME_FIELD.",
    },
    OptionDef {
        name: "password_column",
        kind: Kind::Identifier,
        default: "\"password\"",
        doc: "Its column of Django's password hashes.",
    },
    OptionDef {
        name: "email_column",
        kind: Kind::Column,
        default: "\"email\"",
        doc: "Its column of e-mail addresses.",
    },
    OptionDef {
        name: "is_active_column",
        kind: Kind::Column,
        default: "\"is_active\"",
        doc: "Its column of `is_active`; without one every user is active.",
    },
    OptionDef {
        name: "is_staff_column",
        kind: Kind::Column,
        default: "\"is_staff\"",
        doc: "Its column of `is_staff`; without one nobody is staff.",
    },
    OptionDef {
        name: "is_superuser_column",
        kind: Kind::Column,
        default: "\"is_superuser\"",
        doc: "Its column of `is_superuser`; without one nobody is.",
    },
    OptionDef {
        name: "date_joined_column",
        kind: Kind::Column,
        default: "\"date_joined\"",
        doc: "Its column of the moment of creation, written for new users.",
    },
    OptionDef {
        name: "last_login_column",
        kind: Kind::Column,
        default: "\"last_login\"",
        doc: "Its column of the last login with a session, written by logins.",
    },
    OptionDef {
        name: "empty_columns",
        kind: Kind::Columns,
        default: "[\"first_name\", \"last_name\"]",
        doc: "Its text columns that a new user gets as empty texts.",
    },
    OptionDef {
        name: "groups_table",
        kind: Kind::Identifier,
        default: "\"auth_user_groups\"",
        doc: "The table that joins users and groups.",
    },
    OptionDef {
        name: "groups_user_column",
        kind: Kind::Identifier,
        default: "\"user_id\"",
        doc: "Its column of the user's key.",
    },
];

/// Keys of `[throttle]`.
pub(crate) const THROTTLE: &[OptionDef] = &[
    OptionDef {
        name: "enabled",
        kind: Kind::Boolean,
        default: "true",
        doc: "Whether attempts are counted. Never with `exact = true`: the peers count none.",
    },
    OptionDef {
        name: "account",
        kind: Kind::Rate,
        default: "\"5/5m\"",
        doc: "So many attempts at one user name, whether or not there is such a user.",
    },
    OptionDef {
        name: "address",
        kind: Kind::Rate,
        default: "\"50/5m\"",
        doc: "So many attempts from one address, an IPv6 network of 64 bits being one. Behind a proxy that hides its \
              clients all of them are one.",
    },
    OptionDef {
        name: "store",
        kind: Kind::Text,
        default: "\"file:throttle.sqlite3\"",
        doc: "Where the counters are: `file:PATH`, or `database`, a table `authchain_throttle` in the configured \
              database. A relative path starts at the folder of the database.",
    },
];

/// The names of the tables of the file, for errors and docs.
pub(crate) const TABLES: &[(&str, &str)] = &[
    ("chains", "`[chains.NAME]`: which schemes are asked, in which order, and what becomes of nobody."),
    ("schemes", "`[schemes.NAME]`: options of a scheme; which it is says the table's name, `type` or `plugin`."),
    (
        "endpoints",
        "`[endpoints.NAME]`: what gives or takes credentials; its type is the table's name unless `type` says otherwise.",
    ),
    ("users", "`[users]`: the names of the user table, for a custom AUTH_USER_MODEL."),
    (
        "assertion",
        "`[assertion]`: how programs behind a host are told who the user is, signed (`auth_request_assert`).",
    ),
    ("throttle", "`[throttle]`: how many wrong passwords are too many."),
    ("serve", "`[serve]`: where `authchain serve` listens, whom it believes and how much it takes on."),
    ("hashers", "`[hashers.NAME]`: costs of new hashes and ceilings for stored ones."),
];

/// Keys of every `[schemes.NAME]`, for docs: the builder reads them itself.
pub(crate) const SCHEMES: &[OptionDef] = &[
    OptionDef {
        name: "type",
        kind: Kind::Text,
        default: "\"\"",
        doc: "One of the schemes below, or of those of the plug-in; the table's name when absent, or a plug-in's only one.",
    },
    OptionDef {
        name: "plugin",
        kind: Kind::Text,
        default: "\"\"",
        doc: "The absolute path of a shared object that has the scheme; ours when absent.",
    },
];

/// Keys of every `[endpoints.NAME]`.
pub(crate) const ENDPOINTS: &[OptionDef] = &[
    OptionDef {
        name: "type",
        kind: Kind::Text,
        default: "\"\"",
        doc: "The kind of endpoint; the table's name when empty.",
    },
    OptionDef {
        name: "path",
        kind: Kind::Text,
        default: "\"\"",
        doc: "Where it is served; the usual place when empty.",
    },
    OptionDef {
        name: "chain",
        kind: Kind::Text,
        default: "\"\"",
        doc: "The chain in front of it. Wrong credentials in a request are refused before the endpoint is asked, as by DRF's \
              default schemes; none when empty.",
    },
];

/// Keys of `[chains.NAME]`.
pub(crate) const CHAINS: &[OptionDef] = chain::OPTIONS;

fn hasher_names() -> Vec<&'static str> {
    HASHERS.iter().map(|h| h.name).collect()
}

fn backend_names() -> Vec<&'static str> {
    vec!["ModelBackend", "AllowAllUsersModelBackend", "RemoteUserBackend", "AllowAllUsersRemoteUserBackend"]
}
