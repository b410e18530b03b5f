//! `authtoken_token` of Django REST framework: one clear-text key per user.

use rusqlite::{Connection, OptionalExtension};

use super::Identifier;
use super::users::{User, UserId, UsersTable, is_unique_violation};
use crate::codec::Secret;
use crate::error::Error;
use crate::store::{Db, Held};

/// The names of one token table.
#[derive(Debug, Clone)]
pub(crate) struct TokensTable {
    pub table: Identifier,
    pub key: Identifier,
    pub user: Identifier,
    pub created: Identifier,
    /// Number of the table within the configuration: its held statement.
    number: usize,
    owner_sql: String,
}

/// A row of a table of tokens, for lists.
pub(crate) struct StoredToken {
    /// What stands for the token: the key itself, or its hash.
    pub key: Secret,
    pub user: User,
    /// Django's text of the moment of creation.
    pub created: String,
    /// Django's text of the moment it ends; `None`: never.
    pub expiry: Option<String>,
    /// The name of the client that it is for, where tokens are.
    pub client: Option<String>,
}

impl TokensTable {
    /// The table with its statements; `number` is its place among the configuration's token tables.
    pub(crate) fn new(names: [Identifier; 4], users: &UsersTable, number: usize) -> Self {
        let [table, key, user, created] = names;
        let owner_sql = format!(
            "SELECT {}, t.{key} FROM {table} t JOIN {} u ON u.{} = t.{user} WHERE t.{key} = ?1",
            users.columns("u"),
            users.table,
            users.id
        );
        Self { table, key, user, created, number, owner_sql }
    }

    /// The owner of a key and the key as stored: one join, Django's `select_related("user")`.
    pub(crate) fn owner(&self, db: &Db, users: &UsersTable, key: &str) -> Result<Option<(User, Secret)>, Error> {
        db.access()?.with_held(Held::TokenOwner(self.number), &self.owner_sql, |statement| {
            statement
                .query_row([key], |row| {
                    let stored = Secret::new(row.get_ref(UsersTable::COLUMNS)?.as_str()?);
                    Ok((users.read(row)?, stored))
                })
                .optional()
        })
    }

    /// See [`Self::give`]; in a transaction of its own.
    pub(crate) fn get_or_create(
        &self,
        db: &Db,
        user: &UserId,
        fresh: &str,
        now: &str,
        replace: bool,
    ) -> Result<Secret, Error> {
        db.access()?.transaction(|connection| self.give(connection, user, fresh, now, replace))
    }

    /// Gives the user the key `fresh`, unless there is one and `replace` is false; the key that
    /// holds afterwards. Within a transaction.
    pub(crate) fn give(
        &self,
        connection: &Connection,
        user: &UserId,
        fresh: &str,
        now: &str,
        replace: bool,
    ) -> Result<Secret, Error> {
        let find = format!("SELECT {} FROM {} WHERE {} = ?1", self.key, self.table, self.user);
        let delete = format!("DELETE FROM {} WHERE {} = ?1", self.table, self.user);
        let insert =
            format!("INSERT INTO {} ({}, {}, {}) VALUES (?1, ?2, ?3)", self.table, self.key, self.created, self.user);
        let id = user.to_value();
        if replace {
            connection.execute(&delete, [&id])?;
        } else if let Some(key) = connection.query_row(&find, [&id], |row| row.get::<_, String>(0)).optional()? {
            return Ok(Secret::new(key));
        }
        match connection.execute(&insert, rusqlite::params![fresh, now, id]) {
            Ok(_) => Ok(Secret::new(fresh)),
            Err(e) if is_unique_violation(&e) => Err(Error::Store("the fresh token key exists already".to_owned())),
            Err(e) => Err(e.into()),
        }
    }

    /// Deletes a key. False: there was none.
    pub(crate) fn revoke(&self, db: &Db, key: &str) -> Result<bool, Error> {
        let sql = format!("DELETE FROM {} WHERE {} = ?1", self.table, self.key);
        let access = db.access()?;
        access.transaction(|connection| Ok(connection.execute(&sql, [key])? == 1))
    }

    /// Deletes the keys of a user; how many there were.
    pub(crate) fn revoke_of(&self, db: &Db, user: &UserId) -> Result<usize, Error> {
        let sql = format!("DELETE FROM {} WHERE {} = ?1", self.table, self.user);
        let access = db.access()?;
        access.transaction(|connection| Ok(connection.execute(&sql, [user.to_value()])?))
    }

    /// The tokens of one user, or of all, oldest first.
    pub(crate) fn list(&self, db: &Db, users: &UsersTable, of: Option<&UserId>) -> Result<Vec<StoredToken>, Error> {
        let condition = if of.is_some() { format!("t.{} = ?1", self.user) } else { "1".to_owned() };
        let sql = format!(
            "SELECT {}, t.{}, t.{created} FROM {} t JOIN {} u ON u.{} = t.{} WHERE {condition} ORDER BY t.{created}",
            users.columns("u"),
            self.key,
            self.table,
            users.table,
            users.id,
            self.user,
            created = self.created,
        );
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(of.map(UserId::to_value)), |row| {
            Ok(StoredToken {
                key: Secret::new(row.get_ref(UsersTable::COLUMNS)?.as_str()?),
                user: users.read(row)?,
                created: row.get(UsersTable::COLUMNS + 1)?,
                expiry: None,
                client: None,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The columns of the table.
    #[cfg(feature = "cli")]
    pub(crate) fn names(&self) -> Vec<&Identifier> {
        vec![&self.key, &self.user, &self.created]
    }

    /// Django's text of the moment when the newest token was made.
    #[cfg(feature = "cli")]
    pub(crate) fn newest(&self, db: &Db) -> Result<Option<String>, Error> {
        let sql = format!("SELECT max({}) FROM {}", self.created, self.table);
        Ok(db.access()?.connection()?.query_row(&sql, [], |row| row.get(0))?)
    }

    /// How many users who may log in have no token.
    #[cfg(feature = "cli")]
    pub(crate) fn count_without(&self, db: &Db, users: &UsersTable) -> Result<i64, Error> {
        let active = users.is_active.as_ref().map_or("1".to_owned(), |column| format!("u.{column}"));
        let sql = format!(
            "SELECT count(*) FROM {} u WHERE {active} AND NOT EXISTS (SELECT 1 FROM {} t WHERE t.{} = u.{})",
            users.table, self.table, self.user, users.id
        );
        Ok(db.access()?.connection()?.query_row(&sql, [], |row| row.get(0))?)
    }
}
