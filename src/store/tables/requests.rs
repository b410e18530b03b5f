//! `authchain_requests`, a table of ours: when each of the last requests under a rate came. Beside the
//! counters of attempts, in the same file or database.

use std::sync::OnceLock;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Error;
use crate::store::{Db, Settings};
use crate::sys::{file, fork};

/// The table with its place. Who is refused is decided in `accounts::requests`.
pub(crate) struct Requests {
    store: Settings,
    /// Made at the first request, as that of the attempts is.
    db: OnceLock<Db>,
}

impl Requests {
    /// Opens nothing.
    pub(crate) fn new(store: Settings) -> Self {
        Self { store, db: OnceLock::new() }
    }

    /// Where the table is.
    pub(crate) fn store(&self) -> &Settings {
        &self.store
    }

    /// Runs `f` in a transaction that may write: what it reads stays so until it has written.
    pub(crate) fn change<R>(&self, f: impl FnOnce(&Kept<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.db().access()?.transaction(|connection| f(&Kept(connection)))
    }

    /// Forgets every request; how many there were. Makes no file.
    #[cfg(feature = "cli")]
    pub(crate) fn clear(&self) -> Result<usize, Error> {
        if !self.is_there() {
            return Ok(0);
        }
        self.change(|kept| Ok(kept.0.execute("DELETE FROM authchain_requests", [])?))
    }

    /// Runs `f`, which only reads.
    pub(crate) fn read<R>(&self, f: impl FnOnce(&Kept<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let access = self.db().access()?;
        f(&Kept(access.connection()?))
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

/// The table within one transaction.
pub(crate) struct Kept<'c>(&'c Connection);

impl Kept<'_> {
    /// The number of the last request of a key; 0: there is none.
    pub(crate) fn last(&self, key: &str) -> Result<i64, Error> {
        let mut statement = self.0.prepare_cached("SELECT max(n) FROM authchain_requests WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0))
    }

    /// When request number `n` of a key came, in Unix microseconds.
    pub(crate) fn at(&self, key: &str, n: i64) -> Result<Option<i64>, Error> {
        let mut statement = self.0.prepare_cached("SELECT at FROM authchain_requests WHERE key = ?1 AND n = ?2")?;
        Ok(statement.query_row(params![key, n], |row| row.get(0)).optional()?)
    }

    /// Adds request number `n`, which counts until `until_us`.
    pub(crate) fn add(&self, key: &str, n: i64, at_us: i64, until_us: i64) -> Result<(), Error> {
        let sql = "INSERT OR REPLACE INTO authchain_requests (key, n, at, until) VALUES (?1, ?2, ?3, ?4)";
        self.0.prepare_cached(sql)?.execute(params![key, n, at_us, until_us])?;
        Ok(())
    }

    /// Forgets the requests of a key up to number `n`.
    pub(crate) fn forget(&self, key: &str, n: i64) -> Result<(), Error> {
        let sql = "DELETE FROM authchain_requests WHERE key = ?1 AND n <= ?2";
        self.0.prepare_cached(sql)?.execute(params![key, n])?;
        Ok(())
    }

    /// Deletes some of the rows that no longer count: more than one request can add.
    pub(crate) fn sweep(&self, now_us: i64) -> Result<(), Error> {
        let sql = "DELETE FROM authchain_requests WHERE (key, n) IN \
                   (SELECT key, n FROM authchain_requests WHERE until <= ?1 ORDER BY until, n LIMIT ?2)";
        self.0.prepare_cached(sql)?.execute(params![now_us, SWEPT_AT_ONCE])?;
        Ok(())
    }
}

/// Run on every new connection. WITHOUT ROWID: one tree that is searched, not two.
pub(crate) const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS authchain_requests (
    key text NOT NULL, n integer NOT NULL, at integer NOT NULL, until integer NOT NULL,
    PRIMARY KEY (key, n)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS authchain_requests_until ON authchain_requests (until);";

const SWEPT_AT_ONCE: u32 = 4;
