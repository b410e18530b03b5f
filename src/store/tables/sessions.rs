//! Django's `django_session`: one row a session.

use rusqlite::{Connection, OptionalExtension};

use super::Identifier;
use super::users::is_unique_violation;
use crate::error::Error;
use crate::store::{Db, Held};

/// The table's name and the statements made of it.
#[derive(Debug, Clone)]
pub(crate) struct SessionsTable {
    table: Identifier,
    by_key: String,
}

/// One row.
pub(crate) struct StoredSession {
    pub key: String,
    /// The signed payload.
    pub data: String,
    /// Django's text of the moment it ends.
    pub expires: String,
}

impl SessionsTable {
    /// The table of this name.
    pub(crate) fn new(table: Identifier) -> Self {
        let by_key = format!("SELECT session_data FROM {table} WHERE session_key = ?1 AND expire_date > ?2");
        Self { table, by_key }
    }

    /// The table and its columns, as Django names them.
    #[cfg(feature = "cli")]
    pub(crate) fn names(&self) -> Result<(&Identifier, Vec<Identifier>), Error> {
        let columns = ["session_key", "session_data", "expire_date"].map(Identifier::parse);
        Ok((&self.table, columns.into_iter().collect::<Result<_, _>>()?))
    }

    /// The payload of a session that has not ended.
    pub(crate) fn data(&self, db: &Db, key: &str, now: &str) -> Result<Option<String>, Error> {
        db.access()?.with_held(Held::Session, &self.by_key, |statement| {
            statement.query_row([key, now], |row| row.get(0)).optional()
        })
    }

    /// Adds a row, and removes the one it comes in place of. False: the key is taken.
    pub(crate) fn insert(&self, db: &Db, new: &StoredSession, in_place_of: Option<&str>) -> Result<bool, Error> {
        db.access()?.transaction(|connection| {
            let sql =
                format!("INSERT INTO {} (session_key, session_data, expire_date) VALUES (?1, ?2, ?3)", self.table);
            match connection.execute(&sql, [&new.key, &new.data, &new.expires]) {
                Ok(_) => {}
                Err(e) if is_unique_violation(&e) => return Ok(false),
                Err(e) => return Err(e.into()),
            }
            if let Some(old) = in_place_of {
                self.delete_in(connection, old)?;
            }
            Ok(true)
        })
    }

    /// Replaces the payload of a row. False: there is none, and none is made (a session that was
    /// ended meanwhile stays ended).
    pub(crate) fn update(&self, db: &Db, new: &StoredSession) -> Result<bool, Error> {
        let sql = format!("UPDATE {} SET session_data = ?2, expire_date = ?3 WHERE session_key = ?1", self.table);
        db.access()?.transaction(|connection| Ok(connection.execute(&sql, [&new.key, &new.data, &new.expires])? == 1))
    }

    /// Removes a row. False: there was none.
    pub(crate) fn delete(&self, db: &Db, key: &str) -> Result<bool, Error> {
        db.access()?.transaction(|connection| self.delete_in(connection, key))
    }

    /// Removes at most `most` rows that ended before `now` (Django's `clearsessions`); how many.
    pub(crate) fn delete_ended(&self, db: &Db, now: &str, most: u32) -> Result<usize, Error> {
        let sql = format!(
            "DELETE FROM {0} WHERE session_key IN (SELECT session_key FROM {0} WHERE expire_date < ?1 LIMIT ?2)",
            self.table
        );
        db.access()?.transaction(|connection| Ok(connection.execute(&sql, rusqlite::params![now, most])?))
    }

    /// Every session that has not ended, the last to end first.
    pub(crate) fn all(&self, db: &Db, now: &str) -> Result<Vec<StoredSession>, Error> {
        let sql = format!(
            "SELECT session_key, session_data, expire_date FROM {} WHERE expire_date > ?1 ORDER BY expire_date DESC",
            self.table
        );
        let access = db.access()?;
        let mut statement = access.connection()?.prepare(&sql)?;
        let row =
            |row: &rusqlite::Row<'_>| Ok(StoredSession { key: row.get(0)?, data: row.get(1)?, expires: row.get(2)? });
        let rows = statement.query_map([now], row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn delete_in(&self, connection: &Connection, key: &str) -> Result<bool, Error> {
        let sql = format!("DELETE FROM {} WHERE session_key = ?1", self.table);
        Ok(connection.execute(&sql, [key])? == 1)
    }
}
