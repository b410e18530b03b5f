//! A SQLite connection together with the statements that stay prepared on it.
//!
//! Preparing costs more than a look-up (17 µs against 5 µs), and even a statement cache hashes the
//! SQL text each time; a held statement costs nothing. rusqlite's `Statement` borrows its
//! connection, so both live in one self-referential cell.

use rusqlite::{Connection, Statement};

type Held<'c> = Vec<Option<Statement<'c>>>;

self_cell::self_cell!(
    struct Cell {
        owner: Connection,
        #[covariant]
        dependent: Held,
    }
);

/// One connection and its held statements; moves between threads as one piece.
pub(crate) struct Session(Cell);

// SAFETY: `Connection` may be sent; `Statement` may not, only because it holds a reference to a
// connection that is not `Sync`. Here that connection is in the same cell, no reference to either
// leaves it longer than a borrow of `self`, and `Session` is not `Sync`: whoever has the one has
// both, so they always move together.
unsafe impl Send for Session {}

impl Session {
    /// Takes over a connection; room for `held` statements.
    pub(crate) fn new(connection: Connection, held: usize) -> Self {
        Self(Cell::new(connection, |_| std::iter::repeat_with(|| None).take(held).collect()))
    }

    /// The connection, for statements that are not held.
    pub(crate) fn connection(&self) -> &Connection {
        self.0.borrow_owner()
    }

    /// Runs `f` on statement number `which`, prepared from `sql` the first time.
    pub(crate) fn with_held<R>(
        &mut self,
        which: usize,
        sql: &str,
        f: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<R>,
    ) -> rusqlite::Result<R> {
        self.0.with_dependent_mut(|connection, held| {
            let place = &mut held[which];
            let statement = match place {
                Some(statement) => statement,
                None => place.insert(connection.prepare(sql)?),
            };
            f(statement)
        })
    }
}
