//! The tables of a new database, as Django's migrations and those of packages leave them: schema.sql and its
//! kin, made by scripts/make-schema from databases that Django itself migrated.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::Error;

/// Fills an empty file, in WAL mode. Django then finds nothing to migrate.
pub(crate) fn create(path: &Path) -> Result<(), Error> {
    // The file is there already: whoever made it has decided who may read it.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::Store(format!("{}: no WAL on this file system, mode {mode}", path.display())));
    }
    connection.execute_batch(SCHEMA)?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Adds what a script of this file says.
pub(crate) fn add(path: &Path, script: &str) -> Result<(), Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(script)?;
    connection.close().map_err(|(_, error)| error.into())
}

const SCHEMA: &str = include_str!("schema.sql");
/// The tables of django-rest-knox.
pub(crate) const KNOX: &str = include_str!("schema_knox.sql");
/// The tables of simplejwt's blacklist.
pub(crate) const JWT: &str = include_str!("schema_jwt.sql");
/// The tables of django-rest-durin.
pub(crate) const DURIN: &str = include_str!("schema_durin.sql");

/// Gives every user who is added from now on a token, whoever adds them. SQLite's generator is seeded by the system, and anew where a connection is opened after a fork. The
/// moment is Django's text, in UTC. Also in docs/tokens.md, for databases that are there already.
pub(crate) const TOKEN_TRIGGER: &str = "\
CREATE TRIGGER authchain_auto_token AFTER INSERT ON auth_user
BEGIN
    INSERT INTO authtoken_token (key, created, user_id)
    VALUES (lower(hex(randomblob(20))), strftime('%Y-%m-%d %H:%M:%f000', 'now'), NEW.id);
END;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_database_is_in_wal_mode_and_keeps_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        std::fs::write(&path, "").unwrap();
        create(&path).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let connection = Connection::open(&path).unwrap();
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn a_file_that_is_no_database_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        std::fs::write(&path, "x".repeat(5000)).unwrap();
        assert!(create(&path).is_err());
        assert!(create(&dir.path().join("missing")).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), "x".repeat(5000).into_bytes());
    }
}
