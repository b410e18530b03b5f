//! Connections to one SQLite file: a fixed array of slots, each with its held statements.
//!
//! A thread takes the slot of its number, so threads do not meet and nothing is thread-local.
//! Connections are opened when first needed, closed before a fork, and opened anew when the file
//! was replaced by rename (looked for once a second at most).

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};

use super::{HELD, Held};
use crate::error::Error;
use crate::sys::fork::{self, AcrossFork};
use crate::sys::latch::{Guard, Latch};
use crate::sys::session::Session;
use crate::sys::{clock, file, thread};

/// How a file is opened.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The database file.
    pub path: PathBuf,
    /// How long a call waits for a lock of another process.
    pub timeout: Duration,
    /// `PRAGMA mmap_size` in bytes; 0 is off (a mapped file that is truncated kills the host).
    pub mmap_size: i64,
    /// What is made in the file, or the file itself, when it is missing.
    pub makes: Makes,
}

/// What opening a connection may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Makes {
    /// Nothing: a missing database is an error, never an empty one.
    Nothing,
    /// A table of ours in somebody else's database (`CREATE … IF NOT EXISTS`).
    Tables(&'static str),
    /// A file of ours with its tables, which only its owner can read.
    File(&'static str),
}

/// One database.
pub(crate) struct Db {
    slots: Arc<Slots>,
}

impl Db {
    /// Remembers where the database is. Opens nothing.
    pub(crate) fn new(settings: Settings) -> Self {
        let slots = Arc::new(Slots {
            settings,
            slots: std::iter::repeat_with(|| Latch::new(Slot::default())).take(SLOTS).collect(),
            looked_ms: AtomicU64::new(0),
            generation: AtomicU64::new(1),
            identity: Latch::new(None),
        });
        let member: Weak<Slots> = Arc::downgrade(&slots);
        fork::register(member);
        Self { slots }
    }

    /// A connection for this thread, until the access is dropped.
    pub(crate) fn access(&self) -> Result<Access<'_>, Error> {
        self.slots.notice_replacement();
        let mut slot = self.slots.take();
        let generation = self.slots.generation.load(Ordering::Acquire);
        if slot.session.is_none() || slot.generation != generation {
            slot.session = None;
            slot.session = Some(self.slots.connect()?);
            slot.generation = generation;
        }
        Ok(Access { slot })
    }
}

impl Db {
    /// Closes the connections that are not in use; they are opened again when needed.
    pub(crate) fn rest(&self) {
        fork::without_fork(|| {
            for mut slot in self.slots.slots.iter().filter_map(Latch::try_lock) {
                slot.session = None;
            }
        });
    }
}

impl Drop for Db {
    /// Closes the connections where no fork can come in between: a child would inherit one that is
    /// half closed, and SQLite's own locks with it.
    fn drop(&mut self) {
        fork::without_fork(|| {
            for slot in &self.slots.slots {
                slot.lock().session = None;
            }
        });
    }
}

/// The use of one connection.
pub(crate) struct Access<'a> {
    slot: Guard<'a, Slot>,
}

impl Access<'_> {
    /// Runs `f` on a statement that stays prepared.
    pub(crate) fn with_held<R>(
        &mut self,
        which: Held,
        sql: &str,
        f: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<R>,
    ) -> Result<R, Error> {
        match &mut self.slot.session {
            Some(session) => session.with_held(which.number(), sql, f).map_err(Error::from),
            None => Err(Error::Store("no connection".to_owned())),
        }
    }

    /// The bare connection, for what is not on the way to a verdict.
    pub(crate) fn connection(&self) -> Result<&Connection, Error> {
        match &self.slot.session {
            Some(session) => Ok(session.connection()),
            None => Err(Error::Store("no connection".to_owned())),
        }
    }

    /// Runs `f` in one transaction: all of its writes or none. Nests as a savepoint.
    pub(crate) fn transaction<R>(&self, f: impl FnOnce(&Connection) -> Result<R, Error>) -> Result<R, Error> {
        let connection = self.connection()?;
        // IMMEDIATE: a transaction that reads first and then cannot get the write lock would fail
        // at once, without the busy timeout.
        let (begin, commit, undo) = if connection.is_autocommit() {
            ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
        } else {
            ("SAVEPOINT authchain", "RELEASE authchain", "ROLLBACK TO authchain; RELEASE authchain")
        };
        connection.execute_batch(begin)?;
        match f(connection).and_then(|value| connection.execute_batch(commit).map(|()| value).map_err(Error::from)) {
            Ok(value) => Ok(value),
            Err(error) => {
                // The first error is the one to report; SQLite may have rolled back by itself.
                let _ = connection.execute_batch(undo);
                Err(error)
            }
        }
    }
}

/// Enough for the threads of a host process; a thread without a free slot waits for its own.
const SLOTS: usize = 32;

#[derive(Default)]
struct Slot {
    session: Option<Session>,
    generation: u64,
}

struct Slots {
    settings: Settings,
    slots: Box<[Latch<Slot>]>,
    /// When the file was last looked at.
    looked_ms: AtomicU64,
    /// Grows when the path names another file; slots of an older generation are reopened.
    generation: AtomicU64,
    /// Device and inode of the file that this generation uses.
    identity: Latch<Option<(u64, u64)>>,
}

impl Slots {
    fn take(&self) -> Guard<'_, Slot> {
        let mine = thread::number();
        (0..SLOTS)
            .find_map(|i| self.slots[mine.wrapping_add(i) % SLOTS].try_lock())
            .unwrap_or_else(|| self.slots[mine % SLOTS].lock())
    }

    /// One stat a second at most, by whichever thread comes first.
    fn notice_replacement(&self) {
        let now = clock::coarse_ms().max(1);
        let looked = self.looked_ms.load(Ordering::Relaxed);
        if now.saturating_sub(looked) < LOOK_EVERY_MS && looked != 0 {
            return;
        }
        if self.looked_ms.compare_exchange(looked, now, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return;
        }
        let now_there = file::identity(&self.settings.path);
        let mut known = self.identity.lock();
        if *known != now_there {
            *known = now_there;
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn connect(&self) -> Result<Session, Error> {
        let Settings { path, makes, .. } = &self.settings;
        if let Makes::File(_) = makes {
            // Not SQLite's CREATE, which would let everybody read it.
            file::make_if_missing(path, 0o600).map_err(|why| Error::Store(format!("{}: {why}", path.display())))?;
        }
        // No CREATE: what is missing now stays missing. NOMUTEX: a slot is used by one thread at a
        // time. A file without write permission is opened read-only by SQLite.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(self.settings.timeout)?;
        harden(&connection)?;
        makes.make(&connection)?;
        connection.pragma_update(None, "mmap_size", self.settings.mmap_size)?;
        connection.pragma_update(None, "foreign_keys", true)?; // as Django does
        Ok(Session::new(connection, HELD))
    }
}

impl Makes {
    fn make(self, connection: &Connection) -> rusqlite::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Tables(schema) => connection.execute_batch(schema),
            Self::File(schema) => {
                write_ahead(connection)?;
                connection.execute_batch(schema)
            }
        }
    }
}

/// For a file of ours: readers and the writer do not wait for each other, and NORMAL writes without
/// waiting for the disk but at a checkpoint. After a power cut the last rows may be missing, the file
/// is whole. Not OFF: that can leave a broken file behind, and then an error for ever.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    match connection.pragma_update(None, "journal_mode", "WAL") {
        // Two connections that switch a new file at once would wait for each other, so SQLite turns
        // one down without the timeout; the other one is switching the file for both.
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
        other => other?,
    }
    connection.pragma_update(None, "synchronous", "NORMAL")
}

/// The file may have been written by somebody else: its schema runs no functions or triggers that
/// reach outside, and nothing can rewrite the schema from here.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    use rusqlite::config::DbConfig;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

impl AcrossFork for Slots {
    fn shut(&self) {
        self.identity.hold();
        for slot in &self.slots {
            slot.hold();
            slot.while_held(|slot| slot.session = None);
        }
    }

    fn open(&self) {
        for slot in &self.slots {
            slot.release();
        }
        self.identity.release();
    }
}

const LOOK_EVERY_MS: u64 = 1000;
