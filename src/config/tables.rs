//! The tables of the file: `(name, sentence, options)`. docs/config.md is made from this list.

use crate::chain;
use crate::codec::password::HASHERS;
use crate::options::{Kind, OptionDef};

/// Keys at the top of the file.
pub(crate) const TOP: &[OptionDef] = &[
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
        name: "use_tz",
        kind: Kind::Boolean,
        default: "true",
        doc: "Django's USE_TZ: whether datetimes stand in the database in UTC.",
    },
    OptionDef {
        name: "time_zone",
        kind: Kind::Text,
        default: "\"UTC\"",
        doc: "Django's TIME_ZONE; matters when `use_tz` is false.",
    },
    OptionDef {
        name: "timeout",
        kind: Kind::Integer(0, 600),
        default: "5",
        doc: "Seconds that a call waits for a lock of another process on the database (Django's default).",
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
        name: "authentication_backends",
        kind: Kind::Words(backend_names),
        default: "[\"ModelBackend\"]",
        doc: "Django's AUTHENTICATION_BACKENDS, as far as they check passwords. With `AllowAllUsersModelBackend` an \
              inactive user with the right password is told so.",
    },
    OptionDef {
        name: "exact",
        kind: Kind::Boolean,
        default: "false",
        doc: "Answer as the peers do where this library is stricter (docs/differences.md).",
    },
];

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

/// The names of the tables of the file, for errors and docs.
pub(crate) const TABLES: &[(&str, &str)] = &[
    ("chains", "`[chains.NAME]`: which schemes are asked, in which order, and what becomes of nobody."),
    ("schemes", "`[schemes.NAME]`: options of a scheme; its type is the table's name unless `type` says otherwise."),
    ("users", "`[users]`: the names of the user table, for a custom AUTH_USER_MODEL."),
    ("hashers", "`[hashers.NAME]`: costs of new hashes and ceilings for stored ones."),
];

/// Keys of `[chains.NAME]`.
pub(crate) const CHAINS: &[OptionDef] = chain::OPTIONS;

fn hasher_names() -> Vec<&'static str> {
    HASHERS.iter().map(|h| h.name).collect()
}

fn backend_names() -> Vec<&'static str> {
    vec!["ModelBackend", "AllowAllUsersModelBackend"]
}
