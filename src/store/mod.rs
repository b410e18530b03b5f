//! The database: answers questions ("who owns this token?") with rows it owns, decides nothing.
//! SQL stands in `tables`, one file per Django table; connections in `sqlite`.

#[cfg(feature = "cli")]
pub(crate) mod examine;
pub(crate) mod session_files;
pub(crate) mod sqlite;
pub(crate) mod tables;

pub(crate) use sqlite::{Db, Makes, Settings};
pub(crate) use tables::durin::{Client, DurinTable, DurinToken, NewDurin, Replace};
pub(crate) use tables::groups::GroupsTable;
pub(crate) use tables::jwt;
pub(crate) use tables::knox::{KnoxRow, KnoxTable, NewKnox};
pub(crate) use tables::requests::Requests;
pub(crate) use tables::sessions::{SessionsTable, StoredSession};
pub(crate) use tables::throttle::Throttle;
pub(crate) use tables::tokens::{StoredToken, TokensTable};
pub(crate) use tables::users::{IdKind, NewUser, PasswordRow, User, UserId, UsersTable};

use crate::error::Error;

/// The statements that every connection keeps prepared: those on the way to a verdict.
#[derive(Clone, Copy)]
pub(crate) enum Held {
    /// Token → its owner.
    TokenOwner(usize),
    /// First characters of a knox token → its rows and their owners.
    KnoxKey(usize),
    /// Token of durin → its row, owner and client.
    DurinToken(usize),
    /// User name → password and flags.
    Password,
    /// User key → password and flags.
    PasswordById,
    /// Session key → payload.
    Session,
    /// Id of a token of simplejwt → whether it is blacklisted.
    Jti,
}

impl Held {
    const fn number(self) -> usize {
        match self {
            Self::Password => 0,
            Self::PasswordById => 1,
            Self::Session => 2,
            Self::Jti => 3,
            Self::TokenOwner(table) => 4 + table,
            Self::KnoxKey(table) => 4 + MOST_TOKEN_TABLES + table,
            Self::DurinToken(table) => 4 + MOST_TOKEN_TABLES + MOST_KNOX_TABLES + table,
        }
    }
}

/// How many token tables one configuration may name.
pub(crate) const MOST_TOKEN_TABLES: usize = 16;

/// How many of knox.
pub(crate) const MOST_KNOX_TABLES: usize = 4;

/// How many of durin.
pub(crate) const MOST_DURIN_TABLES: usize = 4;

const HELD: usize = 4 + MOST_TOKEN_TABLES + MOST_KNOX_TABLES + MOST_DURIN_TABLES;

impl From<rusqlite::Error> for Error {
    /// SQLite's texts name tables, columns and files, never values.
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(code, Some(text)) => {
                Self::Store(format!("{text} (SQLite code {})", code.extended_code))
            }
            rusqlite::Error::SqliteFailure(code, None) => Self::Store(code.to_string()),
            rusqlite::Error::QueryReturnedNoRows => Self::Store("a row that was just there is gone".to_owned()),
            // The value itself may be a secret: name the column only.
            rusqlite::Error::FromSqlConversionFailure(column, found, _)
            | rusqlite::Error::InvalidColumnType(column, _, found) => {
                Self::Store(format!("column {column} of the result holds an unexpected {found} value"))
            }
            _ => Self::Store("a row is not in Django's form".to_owned()),
        }
    }
}
