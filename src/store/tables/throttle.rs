//! `authchain_throttle`, a table of ours: attempts to log in, counted for accounts and addresses. In a
//! file of its own, or beside Django's tables.

use std::sync::OnceLock;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::codec::digest::DigestKey;
use crate::codec::rate::Rate;
use crate::error::Error;
use crate::store::{Db, Settings};
use crate::sys::{file, fork};

/// The table with what the configuration says about it. What is counted, and who is refused, is
/// decided in `accounts::throttle`.
pub(crate) struct Throttle {
    /// Where the table is.
    store: Settings,
    /// Made at the first attempt: a configuration that is only checked registers nothing, and one that
    /// is turned down may be dropped where forks are kept out.
    db: OnceLock<Db>,
    pub account: Rate,
    pub address: Rate,
    /// The key of the digests that stand for account names.
    pub names: DigestKey,
}

impl Throttle {
    /// Opens nothing.
    pub(crate) fn new(store: Settings, account: Rate, address: Rate, names: DigestKey) -> Self {
        Self { store, db: OnceLock::new(), account, address, names }
    }

    /// Runs `f` in a transaction that may write: what it reads stays so until it has written.
    pub(crate) fn change<R>(&self, f: impl FnOnce(&Counters<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.db().access()?.transaction(|connection| f(&Counters(connection)))
    }

    /// The counters whose window has not ended; those that end last come first.
    pub(crate) fn all(&self, now_us: i64) -> Result<Vec<Counter>, Error> {
        let access = self.db().access()?;
        let mut statement = access.connection()?.prepare_cached(
            "SELECT kind, key, count, until FROM authchain_throttle WHERE until > ?1 ORDER BY until DESC, kind, key",
        )?;
        let rows = statement.query_map([now_us], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether there is a file, for those who only want to look and must not make one.
    pub(crate) fn is_there(&self) -> bool {
        file::identity(&self.store.path).is_some()
    }

    fn db(&self) -> &Db {
        // The door first: a child must not inherit a cell that another thread was filling.
        self.db.get().unwrap_or_else(|| fork::without_fork(|| self.db.get_or_init(|| Db::new(self.store.clone()))))
    }
}

/// What attempts are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    Address,
}

impl Kind {
    /// Its word in the table and in lists.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counter {
    pub kind: Kind,
    pub key: String,
    /// Attempts in the window that failed or are under way.
    pub count: u32,
    /// When the window ends, in Unix microseconds. It also tells one window of a key from the next.
    pub until_us: i64,
}

/// The table within one transaction. One writes at a time, in this process and in others.
pub(crate) struct Counters<'c>(&'c Connection);

impl Counters<'_> {
    /// The counter of a key, also one whose window has ended.
    pub(crate) fn find(&self, kind: Kind, key: &str) -> Result<Option<Counter>, Error> {
        let mut statement = self
            .0
            .prepare_cached("SELECT kind, key, count, until FROM authchain_throttle WHERE kind = ?1 AND key = ?2")?;
        Ok(statement.query_row(params![kind.name(), key], read).optional()?)
    }

    /// Writes a counter over the one of its key.
    pub(crate) fn put(&self, counter: &Counter) -> Result<(), Error> {
        let Counter { kind, key, count, until_us } = counter;
        let mut statement = self.0.prepare_cached(
            "INSERT INTO authchain_throttle (kind, key, count, until) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (kind, key) DO UPDATE SET count = excluded.count, until = excluded.until",
        )?;
        statement.execute(params![kind.name(), key, count, until_us])?;
        Ok(())
    }

    /// Takes one attempt back, if its window is still the one of its key. The last one takes the row
    /// along, so that who logs in leaves nothing behind.
    pub(crate) fn take_back(&self, counter: &Counter) -> Result<(), Error> {
        let these = params![counter.kind.name(), counter.key, counter.until_us];
        let last = "DELETE FROM authchain_throttle WHERE kind = ?1 AND key = ?2 AND until = ?3 AND count <= 1";
        if self.0.prepare_cached(last)?.execute(these)? == 0 {
            let one = "UPDATE authchain_throttle SET count = count - 1 WHERE kind = ?1 AND key = ?2 AND until = ?3";
            self.0.prepare_cached(one)?.execute(these)?;
        }
        Ok(())
    }

    /// Deletes some of the counters whose window has ended: more than one attempt can add, so they
    /// become fewer, and few enough to cost next to nothing.
    pub(crate) fn sweep(&self, now_us: i64) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(
            "DELETE FROM authchain_throttle WHERE (kind, key) IN \
             (SELECT kind, key FROM authchain_throttle WHERE until <= ?1 ORDER BY until LIMIT ?2)",
        )?;
        statement.execute(params![now_us, SWEPT_AT_ONCE])?;
        Ok(())
    }

    /// Deletes the counter of a key; how many there were.
    pub(crate) fn delete(&self, kind: Kind, key: &str) -> Result<usize, Error> {
        Ok(self.0.execute("DELETE FROM authchain_throttle WHERE kind = ?1 AND key = ?2", params![kind.name(), key])?)
    }

    /// Deletes every counter; how many there were.
    pub(crate) fn delete_all(&self) -> Result<usize, Error> {
        Ok(self.0.execute("DELETE FROM authchain_throttle", [])?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Counter> {
    Ok(Counter { kind: row.get(0)?, key: row.get(1)?, count: row.get(2)?, until_us: row.get(3)? })
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        [Self::Account, Self::Address].into_iter().find(|kind| kind.name() == name).ok_or(FromSqlError::InvalidType)
    }
}

/// Run on every new connection. WITHOUT ROWID: one tree that is searched, not two.
pub(crate) const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS authchain_throttle (
    kind text NOT NULL, key text NOT NULL, count integer NOT NULL, until integer NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS authchain_throttle_until ON authchain_throttle (until);";

const SWEPT_AT_ONCE: u32 = 8;
