//! `durin_authtoken` and `durin_client` of django-rest-durin: one token in clear text for each user
//! and client, and what a client is allowed.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Identifier;
use super::tokens::StoredToken;
use super::users::{User, UserId, UsersTable, is_unique_violation};
use crate::codec::Secret;
use crate::error::Error;
use crate::store::{Db, Held};

/// The two tables with their statements. Their columns are those of durin's `AuthToken` and `Client`.
#[derive(Debug)]
pub(crate) struct DurinTable {
    pub tokens: Identifier,
    pub clients: Identifier,
    /// Number of the pair within the configuration: its held statement.
    number: usize,
    of_token_sql: String,
}

/// A row of the clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub id: i64,
    pub name: String,
    /// How long its tokens last, in microseconds.
    pub ttl_us: i64,
    /// How often it may ask, in DRF's form; empty: nothing of its own.
    pub throttle_rate: String,
}

/// A row of the tokens, and its client.
#[derive(Clone)]
pub(crate) struct DurinToken {
    pub id: i64,
    pub token: Secret,
    pub client: Client,
    /// Django's text of the moment of creation.
    pub created: String,
    /// Django's text of the moment it ends.
    pub expiry: String,
}

/// What a new row holds.
pub(crate) struct NewDurin<'a> {
    pub token: &'a str,
    pub user: &'a UserId,
    pub client: &'a Client,
    pub created: &'a str,
    pub expiry: &'a str,
}

/// What becomes of the token there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    /// It stays, also when it has expired.
    Never,
    /// It stays unless it has expired.
    Expired,
    /// It goes.
    Always,
}

impl DurinToken {
    /// Whether it has ended by a moment in Django's text, whose order is that of time.
    pub(crate) fn has_expired(&self, now: &str) -> bool {
        self.expiry.as_str() < now
    }
}

impl DurinTable {
    /// The tables with their statements; `number` is their place among the configuration's.
    pub(crate) fn new(tokens: Identifier, clients: Identifier, users: &UsersTable, number: usize) -> Self {
        let of_token_sql = format!(
            "SELECT {}, {OF_TOKEN} FROM {tokens} t JOIN {} u ON u.{} = t.user_id JOIN {clients} c ON c.id = t.client_id \
             WHERE t.token = ?1",
            users.columns("u"),
            users.table,
            users.id
        );
        Self { tokens, clients, number, of_token_sql }
    }

    /// A token as it is stored, with owner and client: all that a request needs in one statement.
    pub(crate) fn find(&self, db: &Db, users: &UsersTable, token: &str) -> Result<Option<(User, DurinToken)>, Error> {
        db.access()?.with_held(Held::DurinToken(self.number), &self.of_token_sql, |statement| {
            statement.query_row([token], |row| Ok((users.read(row)?, read(row, UsersTable::COLUMNS)?))).optional()
        })
    }

    /// The token of the pair: the one there is, or a new one. Found and added in one transaction, so
    /// that logins at once agree.
    pub(crate) fn give(&self, db: &Db, new: &NewDurin<'_>, replace: Replace) -> Result<(DurinToken, bool), Error> {
        let delete = format!("DELETE FROM {} WHERE id = ?1", self.tokens);
        let insert = format!(
            "INSERT INTO {} (token, user_id, client_id, created, expiry) VALUES (?1, ?2, ?3, ?4, ?5)",
            self.tokens
        );
        db.access()?.transaction(|connection| {
            if let Some(there) = self.of_pair_in(connection, new.user, &new.client.name)? {
                let stays = match replace {
                    Replace::Never => true,
                    Replace::Expired => !there.has_expired(new.created),
                    Replace::Always => false,
                };
                if stays {
                    return Ok((there, false));
                }
                connection.execute(&delete, [there.id])?;
            }
            let values = params![new.token, new.user.to_value(), new.client.id, new.created, new.expiry];
            match connection.execute(&insert, values) {
                Ok(_) => {}
                Err(e) if is_unique_violation(&e) => {
                    return Err(Error::Store("the fresh token exists already".to_owned()));
                }
                Err(e) => return Err(e.into()),
            }
            let made = DurinToken {
                id: connection.last_insert_rowid(),
                token: Secret::new(new.token),
                client: new.client.clone(),
                created: new.created.to_owned(),
                expiry: new.expiry.to_owned(),
            };
            Ok((made, true))
        })
    }

    /// The token of a user and a client.
    pub(crate) fn of_pair(&self, db: &Db, user: &UserId, client: &str) -> Result<Option<DurinToken>, Error> {
        self.of_pair_in(db.access()?.connection()?, user, client)
    }

    /// The tokens of a user in the order of their making; also those that have expired.
    pub(crate) fn of_user(&self, db: &Db, user: &UserId) -> Result<Vec<DurinToken>, Error> {
        let sql = format!(
            "SELECT {OF_TOKEN} FROM {} t JOIN {} c ON c.id = t.client_id WHERE t.user_id = ?1 ORDER BY t.id",
            self.tokens, self.clients
        );
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        let rows = statement.query_map([user.to_value()], |row| read(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Moves the end of a token. False: it is gone.
    pub(crate) fn renew(&self, db: &Db, id: i64, expiry: &str) -> Result<bool, Error> {
        let sql = format!("UPDATE {} SET expiry = ?2 WHERE id = ?1", self.tokens);
        self.change(db, &sql, params![id, expiry]).map(|changed| changed == 1)
    }

    /// Deletes a token if it has expired. False: it has not, or somebody else did.
    pub(crate) fn delete_expired(&self, db: &Db, id: i64, now: &str) -> Result<bool, Error> {
        let sql = format!("DELETE FROM {} WHERE id = ?1 AND expiry < ?2", self.tokens);
        self.change(db, &sql, params![id, now]).map(|deleted| deleted == 1)
    }

    /// Deletes at most `most` tokens that have expired; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn delete_ended(&self, db: &Db, now: &str, most: u32) -> Result<usize, Error> {
        let sql = format!("DELETE FROM {0} WHERE id IN (SELECT id FROM {0} WHERE expiry < ?1 LIMIT ?2)", self.tokens);
        self.change(db, &sql, params![now, most])
    }

    /// Deletes a token. False: there was none.
    pub(crate) fn delete(&self, db: &Db, id: i64) -> Result<bool, Error> {
        let sql = format!("DELETE FROM {} WHERE id = ?1", self.tokens);
        self.change(db, &sql, [id]).map(|deleted| deleted == 1)
    }

    /// Deletes a token by what it is. False: there was none.
    pub(crate) fn revoke(&self, db: &Db, token: &str) -> Result<bool, Error> {
        let sql = format!("DELETE FROM {} WHERE token = ?1", self.tokens);
        self.change(db, &sql, [token]).map(|deleted| deleted == 1)
    }

    /// Deletes the tokens of a user; how many there were.
    pub(crate) fn delete_of(&self, db: &Db, user: &UserId) -> Result<usize, Error> {
        let sql = format!("DELETE FROM {} WHERE user_id = ?1", self.tokens);
        self.change(db, &sql, [user.to_value()])
    }

    /// The tokens of one user, or of all, oldest first; also those that have expired.
    pub(crate) fn list(&self, db: &Db, users: &UsersTable, of: Option<&UserId>) -> Result<Vec<StoredToken>, Error> {
        let condition = if of.is_some() { "t.user_id = ?1" } else { "1" };
        let sql = format!(
            "SELECT {}, t.token, t.created, t.expiry, c.name FROM {} t JOIN {} u ON u.{} = t.user_id \
             LEFT JOIN {} c ON c.id = t.client_id WHERE {condition} ORDER BY t.created",
            users.columns("u"),
            self.tokens,
            users.table,
            users.id,
            self.clients,
        );
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(of.map(UserId::to_value)), |row| {
            let at = UsersTable::COLUMNS;
            Ok(StoredToken {
                key: Secret::new(row.get_ref(at)?.as_str()?),
                user: users.read(row)?,
                created: row.get(at + 1)?,
                expiry: row.get(at + 2)?,
                client: row.get(at + 3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The client of a name.
    pub(crate) fn client(&self, db: &Db, name: &str) -> Result<Option<Client>, Error> {
        let sql = format!("SELECT {OF_CLIENT} FROM {} c WHERE c.name = ?1", self.clients);
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        Ok(statement.query_row([name], |row| read_client(row, 0)).optional()?)
    }

    /// Every client, by name.
    #[cfg(feature = "cli")]
    pub(crate) fn all_clients(&self, db: &Db) -> Result<Vec<Client>, Error> {
        let sql = format!("SELECT {OF_CLIENT} FROM {} c ORDER BY c.name", self.clients);
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| read_client(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds a client, whose `id` does not count. False: the name is taken.
    #[cfg(feature = "cli")]
    pub(crate) fn add_client(&self, db: &Db, client: &Client) -> Result<bool, Error> {
        let sql = format!("INSERT INTO {} (name, token_ttl, throttle_rate) VALUES (?1, ?2, ?3)", self.clients);
        let values = params![client.name, client.ttl_us, client.throttle_rate];
        db.access()?.transaction(|connection| match connection.execute(&sql, values) {
            Ok(_) => Ok(true),
            Err(e) if is_unique_violation(&e) => Ok(false),
            Err(e) => Err(e.into()),
        })
    }

    /// Deletes a client and its tokens (Django's CASCADE); how many tokens. `None`: there is no such client.
    #[cfg(feature = "cli")]
    pub(crate) fn delete_client(&self, db: &Db, name: &str) -> Result<Option<usize>, Error> {
        let tokens =
            format!("DELETE FROM {} WHERE client_id = (SELECT id FROM {} WHERE name = ?1)", self.tokens, self.clients);
        let client = format!("DELETE FROM {} WHERE name = ?1", self.clients);
        db.access()?.transaction(|connection| {
            let deleted = connection.execute(&tokens, [name])?;
            Ok((connection.execute(&client, [name])? == 1).then_some(deleted))
        })
    }

    /// The columns of the tokens, and of the clients.
    #[cfg(feature = "cli")]
    pub(crate) fn names() -> Result<[Vec<Identifier>; 2], Error> {
        let all = |names: &[&str]| names.iter().map(|name| Identifier::parse(name)).collect::<Result<_, _>>();
        Ok([
            all(&["id", "token", "created", "expiry", "user_id", "client_id"])?,
            all(&["id", "name", "token_ttl", "throttle_rate"])?,
        ])
    }

    /// Django's text of the moment when the newest token was made.
    #[cfg(feature = "cli")]
    pub(crate) fn newest(&self, db: &Db) -> Result<Option<String>, Error> {
        let sql = format!("SELECT max(created) FROM {}", self.tokens);
        Ok(db.access()?.connection()?.query_row(&sql, [], |row| row.get(0))?)
    }

    fn of_pair_in(&self, connection: &Connection, user: &UserId, client: &str) -> Result<Option<DurinToken>, Error> {
        let sql = format!(
            "SELECT {OF_TOKEN} FROM {} t JOIN {} c ON c.id = t.client_id WHERE t.user_id = ?1 AND c.name = ?2",
            self.tokens, self.clients
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let pair = [user.to_value(), Value::from(client.to_owned())];
        Ok(statement.query_row(pair, |row| read(row, 0)).optional()?)
    }

    fn change(&self, db: &Db, sql: &str, values: impl rusqlite::Params) -> Result<usize, Error> {
        db.access()?.transaction(|connection| Ok(connection.execute(sql, values)?))
    }
}

/// What [`read`] reads.
const OF_TOKEN: &str = "t.id, t.token, t.created, t.expiry, c.id, c.name, c.token_ttl, c.throttle_rate";
/// What [`read_client`] reads.
const OF_CLIENT: &str = "c.id, c.name, c.token_ttl, c.throttle_rate";

fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<DurinToken> {
    Ok(DurinToken {
        id: row.get(at)?,
        token: Secret::new(row.get_ref(at + 1)?.as_str()?),
        created: row.get(at + 2)?,
        expiry: row.get(at + 3)?,
        client: read_client(row, at + 4)?,
    })
}

fn read_client(row: &Row<'_>, at: usize) -> rusqlite::Result<Client> {
    Ok(Client { id: row.get(at)?, name: row.get(at + 1)?, ttl_us: row.get(at + 2)?, throttle_rate: row.get(at + 3)? })
}
