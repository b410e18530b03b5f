//! `knox_authtoken` of django-rest-knox: the hashes of any number of tokens a user, each with its end.

use rusqlite::Row;

use super::Identifier;
use super::tokens::StoredToken;
use super::users::{User, UserId, UsersTable, is_unique_violation};
use crate::codec::Secret;
use crate::error::Error;
use crate::store::{Db, Held};

/// One table of tokens with its statements. Its columns are those of knox's `AbstractAuthToken`.
#[derive(Debug)]
pub(crate) struct KnoxTable {
    pub table: Identifier,
    /// Number of the table within the configuration: its held statement.
    number: usize,
    of_key_sql: String,
}

/// A row that a token may be, by its first characters.
pub(crate) struct KnoxRow {
    pub user: User,
    /// The hash of the whole token, as hexadecimal text.
    pub digest: Secret,
    /// Django's text of the moment of creation.
    pub created: String,
    /// Django's text of the moment it ends; `None`: never.
    pub expiry: Option<String>,
    /// Whether other tokens of the owner have expired.
    pub others_expired: bool,
}

/// What a new row holds.
pub(crate) struct NewKnox<'a> {
    pub digest: &'a str,
    pub token_key: &'a str,
    pub user: &'a UserId,
    pub created: &'a str,
    pub expiry: Option<&'a str>,
}

impl KnoxTable {
    /// The table with its statements; `number` is its place among the configuration's knox tables.
    pub(crate) fn new(table: Identifier, users: &UsersTable, number: usize) -> Self {
        let of_key_sql = format!(
            "SELECT {}, t.digest, t.created, t.expiry, EXISTS (SELECT 1 FROM {table} o WHERE o.user_id = t.user_id \
             AND o.expiry < ?2 AND o.digest <> t.digest) \
             FROM {table} t JOIN {} u ON u.{} = t.user_id WHERE t.token_key = ?1",
            users.columns("u"),
            users.table,
            users.id
        );
        Self { table, number, of_key_sql }
    }

    /// The rows whose tokens begin with `token_key`, hardly ever more than one, and their owners:
    /// all that a request needs in one statement.
    pub(crate) fn of_key(
        &self,
        db: &Db,
        users: &UsersTable,
        token_key: &str,
        now: &str,
    ) -> Result<Vec<KnoxRow>, Error> {
        db.access()?.with_held(Held::KnoxKey(self.number), &self.of_key_sql, |statement| {
            let rows = statement.query_map([token_key, now], |row| {
                let at = UsersTable::COLUMNS;
                Ok(KnoxRow {
                    user: users.read(row)?,
                    digest: digest(row, at)?,
                    created: row.get(at + 1)?,
                    expiry: row.get(at + 2)?,
                    others_expired: row.get(at + 3)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Adds a row, unless the user has `limit` tokens that have not ended: counted and added in one
    /// transaction, so that no two logins at once go beyond it. False: there are so many.
    pub(crate) fn insert(&self, db: &Db, new: &NewKnox<'_>, limit: Option<i64>) -> Result<bool, Error> {
        let count =
            format!("SELECT count(*) FROM {} WHERE user_id = ?1 AND (expiry > ?2 OR expiry IS NULL)", self.table);
        let insert = format!(
            "INSERT INTO {} (digest, token_key, created, expiry, user_id) VALUES (?1, ?2, ?3, ?4, ?5)",
            self.table
        );
        let id = new.user.to_value();
        db.access()?.transaction(|connection| {
            if let Some(limit) = limit {
                let count: i64 = connection.query_row(&count, rusqlite::params![id, new.created], |row| row.get(0))?;
                if count >= limit {
                    return Ok(false);
                }
            }
            let values = rusqlite::params![new.digest, new.token_key, new.created, new.expiry, id];
            match connection.execute(&insert, values) {
                Ok(_) => Ok(true),
                Err(e) if is_unique_violation(&e) => Err(Error::Store("the fresh token exists already".to_owned())),
                Err(e) => Err(e.into()),
            }
        })
    }

    /// Moves the end of a token forward; one that was put off further meanwhile, or deleted, stays so.
    pub(crate) fn renew(&self, db: &Db, digest: &str, expiry: &str) -> Result<bool, Error> {
        let sql = format!("UPDATE {} SET expiry = ?2 WHERE digest = ?1 AND expiry < ?2", self.table);
        self.change(db, &sql, [digest, expiry]).map(|changed| changed == 1)
    }

    /// Deletes a token if it has expired. False: it has not, or somebody else did.
    pub(crate) fn delete_expired(&self, db: &Db, digest: &str, now: &str) -> Result<bool, Error> {
        let sql = format!("DELETE FROM {} WHERE digest = ?1 AND expiry < ?2", self.table);
        self.change(db, &sql, [digest, now]).map(|deleted| deleted == 1)
    }

    /// Deletes the expired tokens of a user but for one; how many there were.
    pub(crate) fn delete_expired_of(&self, db: &Db, user: &UserId, but: &str, now: &str) -> Result<usize, Error> {
        let sql = format!("DELETE FROM {} WHERE user_id = ?1 AND digest <> ?2 AND expiry < ?3", self.table);
        self.change(db, &sql, rusqlite::params![user.to_value(), but, now])
    }

    /// Deletes at most `most` tokens that have expired; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn delete_ended(&self, db: &Db, now: &str, most: u32) -> Result<usize, Error> {
        let sql =
            format!("DELETE FROM {0} WHERE digest IN (SELECT digest FROM {0} WHERE expiry < ?1 LIMIT ?2)", self.table);
        self.change(db, &sql, rusqlite::params![now, most])
    }

    /// Deletes a token. False: there was none.
    pub(crate) fn delete(&self, db: &Db, digest: &str) -> Result<bool, Error> {
        let sql = format!("DELETE FROM {} WHERE digest = ?1", self.table);
        self.change(db, &sql, [digest]).map(|deleted| deleted == 1)
    }

    /// Deletes the tokens of a user; how many there were.
    pub(crate) fn delete_of(&self, db: &Db, user: &UserId) -> Result<usize, Error> {
        let sql = format!("DELETE FROM {} WHERE user_id = ?1", self.table);
        self.change(db, &sql, [user.to_value()])
    }

    /// The tokens of one user, or of all, oldest first; also those that have expired.
    pub(crate) fn list(&self, db: &Db, users: &UsersTable, of: Option<&UserId>) -> Result<Vec<StoredToken>, Error> {
        let condition = if of.is_some() { "t.user_id = ?1" } else { "1" };
        let sql = format!(
            "SELECT {}, t.digest, t.created, t.expiry FROM {} t JOIN {} u ON u.{} = t.user_id WHERE {condition} \
             ORDER BY t.created",
            users.columns("u"),
            self.table,
            users.table,
            users.id,
        );
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(of.map(UserId::to_value)), |row| {
            let at = UsersTable::COLUMNS;
            Ok(StoredToken {
                key: digest(row, at)?,
                user: users.read(row)?,
                created: row.get(at + 1)?,
                expiry: row.get(at + 2)?,
                client: None,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The columns of the table.
    #[cfg(feature = "cli")]
    pub(crate) fn names() -> Result<Vec<Identifier>, Error> {
        ["digest", "token_key", "created", "expiry", "user_id"].into_iter().map(Identifier::parse).collect()
    }

    /// Django's text of the moment when the newest token was made.
    #[cfg(feature = "cli")]
    pub(crate) fn newest(&self, db: &Db) -> Result<Option<String>, Error> {
        let sql = format!("SELECT max(created) FROM {}", self.table);
        Ok(db.access()?.connection()?.query_row(&sql, [], |row| row.get(0))?)
    }

    fn change(&self, db: &Db, sql: &str, values: impl rusqlite::Params) -> Result<usize, Error> {
        db.access()?.transaction(|connection| Ok(connection.execute(sql, values)?))
    }
}

fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Secret> {
    Ok(Secret::new(row.get_ref(column)?.as_str()?))
}
