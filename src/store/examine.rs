//! What a database is like, for those who judge it: asked of connections as every host opens them.

use super::Db;
use super::tables::Identifier;
use crate::error::Error;

/// What a table does not have of what is expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lacks {
    Nothing,
    /// There is no such table.
    All,
    /// The columns that are missing.
    Columns(Vec<String>),
}

/// SQLite as it is linked: its text, and `MAJOR * 1,000,000 + MINOR * 1,000 + PATCH`.
pub(crate) fn version() -> (&'static str, i32) {
    (rusqlite::version(), rusqlite::version_number())
}

impl Db {
    /// Reads a page, which takes every right that reading takes; the journal mode.
    pub(crate) fn try_read(&self) -> Result<String, Error> {
        let access = self.access()?;
        let connection = access.connection()?;
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        Ok(connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?)
    }

    /// Changes a page, which takes every right that writing takes, and takes it back.
    pub(crate) fn try_write(&self) -> Result<(), Error> {
        let access = self.access()?;
        let connection = access.connection()?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let written = connection.pragma_update(None, "user_version", version);
        let _ = connection.execute_batch("ROLLBACK"); // SQLite may have rolled back by itself
        Ok(written?)
    }

    /// What is broken in the file; reads all of it.
    pub(crate) fn quick_check(&self) -> Result<Vec<String>, Error> {
        let access = self.access()?;
        let mut statement = access.connection()?.prepare("PRAGMA quick_check(5)")?;
        let lines = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// What a table or view does not have of these columns.
    pub(crate) fn lacks(&self, table: &Identifier, columns: &[&Identifier]) -> Result<Lacks, Error> {
        let access = self.access()?;
        let mut statement = access.connection()?.prepare_cached("SELECT name FROM pragma_table_info(?1)")?;
        let there = statement.query_map([table.name()], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        if there.is_empty() {
            return Ok(Lacks::All);
        }
        let missing =
            columns.iter().filter(|column| !there.iter().any(|name| name.eq_ignore_ascii_case(column.name())));
        let missing: Vec<_> = missing.map(|column| column.name().to_owned()).collect();
        Ok(if missing.is_empty() { Lacks::Nothing } else { Lacks::Columns(missing) })
    }
}
