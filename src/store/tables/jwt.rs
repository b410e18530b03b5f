//! `token_blacklist_outstandingtoken` and `token_blacklist_blacklistedtoken` of simplejwt: the tokens
//! that were given out and can be renewed, and those of them that count no more.
//!
//! Moments of the first table are in UTC, also without USE_TZ (simplejwt's `datetime_from_epoch`).

use rusqlite::{Connection, OptionalExtension};

use super::tokens::StoredToken;
use super::users::{UserId, UsersTable, is_unique_violation};
use crate::codec::Secret;
use crate::error::Error;
use crate::store::{Db, Held};

/// A token as the table of those given out has it.
pub(crate) struct Issued<'a> {
    pub jti: &'a str,
    /// The token itself, as simplejwt keeps it.
    pub token: &'a str,
    /// Its owner; `None` when there is no such user any more.
    pub user: Option<&'a UserId>,
    /// Django's text of the moment of creation.
    pub created: &'a str,
    /// Django's text of the moment it ends.
    pub expires: &'a str,
}

/// What became of an attempt to put one token in the place of another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// The old one counts no more, the new one does.
    Rotated,
    /// The old one counted no more before, since the moment in Django's text.
    Reused { since: String },
}

/// Whether a token is blacklisted.
pub(crate) fn is_blacklisted(db: &Db, jti: &str) -> Result<bool, Error> {
    db.access()?.with_held(Held::Jti, IS_BLACKLISTED, |statement| statement.exists([jti]))
}

/// Since when a token is blacklisted; `None`: it is not.
pub(crate) fn since(db: &Db, jti: &str) -> Result<Option<String>, Error> {
    struck_at(db.access()?.connection()?, jti)
}

/// Notes that tokens were given out: all of them or none.
pub(crate) fn outstand(db: &Db, issued: &[Issued<'_>]) -> Result<(), Error> {
    db.access()?.transaction(|connection| issued.iter().try_for_each(|token| insert(connection, token)))
}

/// Blacklists a token, noted or not. False: it was before.
pub(crate) fn blacklist(db: &Db, token: &Issued<'_>, now: &str) -> Result<bool, Error> {
    db.access()?.transaction(|connection| {
        // The row of a sliding token may be older than what its renewal says.
        set_later(connection, token.jti, token.expires)?;
        match struck_at(connection, token.jti)? {
            Some(_) => Ok(false),
            None => strike(connection, token, now).map(|()| true),
        }
    })
}

/// Notes that a token was renewed until a later moment.
pub(crate) fn put_off(db: &Db, jti: &str, expires: &str) -> Result<(), Error> {
    db.access()?.transaction(|connection| set_later(connection, jti, expires))
}

/// Blacklists a token and notes those in its place in one transaction, so that of two who try
/// at once only one gets them, and a crash leaves either the old one or the new ones.
pub(crate) fn rotate(db: &Db, old: &Issued<'_>, new: &[Issued<'_>], now: &str) -> Result<Rotation, Error> {
    db.access()?.transaction(|connection| {
        if let Some(since) = struck_at(connection, old.jti)? {
            return Ok(Rotation::Reused { since });
        }
        strike(connection, old, now)?;
        new.iter().try_for_each(|token| insert(connection, token))?;
        Ok(Rotation::Rotated)
    })
}

/// Blacklists the tokens whose jti begin with some characters and that have not ended; how many there were.
pub(crate) fn blacklist_family(db: &Db, start: &str, now: &str, ended: &str) -> Result<usize, Error> {
    // Behind every text that begins so; 'g' follows the last hexadecimal digit.
    let end = format!("{start}g");
    let sql = format!("{STRIKE_ALL} o.jti >= ?3 AND o.jti < ?4 {NOT_STRUCK}");
    db.access()?.transaction(|connection| Ok(connection.execute(&sql, [now, ended, start, &end])?))
}

/// Blacklists the tokens of a user that have not ended; how many there were.
pub(crate) fn blacklist_of(db: &Db, user: &UserId, now: &str, ended: &str) -> Result<usize, Error> {
    let sql = format!("{STRIKE_ALL} o.user_id = ?3 {NOT_STRUCK}");
    let values = rusqlite::params![now, ended, user.to_value()];
    db.access()?.transaction(|connection| Ok(connection.execute(&sql, values)?))
}

/// The tokens of one user, or of all, that are not blacklisted, oldest first; also those that have ended.
pub(crate) fn list(db: &Db, users: &UsersTable, of: Option<&UserId>) -> Result<Vec<StoredToken>, Error> {
    let condition = if of.is_some() { "o.user_id = ?1" } else { "1" };
    let sql = format!(
        "SELECT {}, o.jti, o.created_at, o.expires_at FROM {OUTSTANDING} o JOIN {} u ON u.{} = o.user_id \
         WHERE {condition} {NOT_STRUCK} ORDER BY o.created_at, o.id",
        users.columns("u"),
        users.table,
        users.id,
    );
    let access = db.access()?;
    let mut statement = access.connection()?.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(of.map(UserId::to_value)), |row| {
        let at = UsersTable::COLUMNS;
        Ok(StoredToken {
            key: Secret::new(row.get_ref(at)?.as_str()?),
            user: users.read(row)?,
            created: row.get::<_, Option<String>>(at + 1)?.unwrap_or_default(),
            expiry: Some(row.get(at + 2)?),
            client: None,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes at most `most` tokens that have ended, and what says that they count no more (simplejwt's
/// `flushexpiredtokens`); how many there were.
#[cfg(feature = "cli")]
pub(crate) fn delete_ended(db: &Db, ended: &str, most: u32) -> Result<usize, Error> {
    let gone = format!("SELECT id FROM {OUTSTANDING} WHERE expires_at <= ?1 ORDER BY id LIMIT ?2");
    // Django deletes in cascades itself: the tables say nothing of it.
    let struck = format!("DELETE FROM {BLACKLISTED} WHERE token_id IN ({gone})");
    let issued = format!("DELETE FROM {OUTSTANDING} WHERE id IN ({gone})");
    db.access()?.transaction(|connection| {
        connection.execute(&struck, rusqlite::params![ended, most])?;
        Ok(connection.execute(&issued, rusqlite::params![ended, most])?)
    })
}

/// Django's text, in UTC, of the moment when the newest token was made.
#[cfg(feature = "cli")]
pub(crate) fn newest(db: &Db) -> Result<Option<String>, Error> {
    let sql = format!("SELECT max(created_at) FROM {OUTSTANDING}");
    Ok(db.access()?.connection()?.query_row(&sql, [], |row| row.get(0))?)
}

/// The tables with their columns.
#[cfg(feature = "cli")]
pub(crate) const TABLES: &[(&str, &[&str])] = &[
    (OUTSTANDING, &["id", "jti", "token", "user_id", "created_at", "expires_at"]),
    (BLACKLISTED, &["id", "token_id", "blacklisted_at"]),
];

fn struck_at(connection: &Connection, jti: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT b.blacklisted_at FROM token_blacklist_outstandingtoken o \
               JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([jti], |row| row.get(0)).optional()?)
}

fn set_later(connection: &Connection, jti: &str, expires: &str) -> Result<(), Error> {
    let sql = format!("UPDATE {OUTSTANDING} SET expires_at = ?2 WHERE jti = ?1 AND expires_at < ?2");
    connection.prepare_cached(&sql)?.execute([jti, expires])?;
    Ok(())
}

/// Blacklists a token that is not yet.
fn strike(connection: &Connection, token: &Issued<'_>, now: &str) -> Result<(), Error> {
    let find = format!("SELECT id FROM {OUTSTANDING} WHERE jti = ?1");
    let mut find = connection.prepare_cached(&find)?;
    let known: Option<i64> = find.query_row([token.jti], |row| row.get(0)).optional()?;
    let id = match known {
        Some(id) => id,
        None => {
            insert(connection, token)?;
            connection.last_insert_rowid()
        }
    };
    let sql = format!("INSERT INTO {BLACKLISTED} (token_id, blacklisted_at) VALUES (?1, ?2)");
    connection.prepare_cached(&sql)?.execute(rusqlite::params![id, now])?;
    Ok(())
}

fn insert(connection: &Connection, new: &Issued<'_>) -> Result<(), Error> {
    let sql =
        format!("INSERT INTO {OUTSTANDING} (jti, token, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)");
    let user = new.user.map(UserId::to_value);
    let values = rusqlite::params![new.jti, new.token, user, new.created, new.expires];
    match connection.prepare_cached(&sql)?.execute(values) {
        Ok(_) => Ok(()),
        Err(e) if is_unique_violation(&e) => Err(Error::Store("the fresh token exists already".to_owned())),
        Err(e) => Err(e.into()),
    }
}

const OUTSTANDING: &str = "token_blacklist_outstandingtoken";
const BLACKLISTED: &str = "token_blacklist_blacklistedtoken";

const IS_BLACKLISTED: &str = "SELECT 1 FROM token_blacklist_outstandingtoken o \
                              JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = ?1";

/// What follows says which; of those that have not ended by ?2, at the moment ?1.
const STRIKE_ALL: &str = "INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) \
                          SELECT o.id, ?1 FROM token_blacklist_outstandingtoken o WHERE o.expires_at > ?2 AND";

const NOT_STRUCK: &str = "AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)";
