//! Threads for what blocks, bounded, and a bounded queue before them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// So many at once, eight times as many waiting.
pub(super) struct Pool {
    /// Who is in: at work or waiting.
    room: Arc<Semaphore>,
    slots: Arc<Semaphore>,
}

/// There is no result: too many were waiting, the wait was too long, or the work panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost;

impl Pool {
    pub(super) fn new(threads: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(threads * (1 + WAITING))), slots: Arc::new(Semaphore::new(threads)) }
    }

    /// Runs work on a thread. It keeps its place until it ends, also when nobody waits for it any more.
    pub(super) async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, Lost> {
        let held = self.enter().await.ok_or(Lost)?;
        let work = move || {
            let _held = held;
            work()
        };
        spawn_blocking(work).await.map_err(|_| Lost)
    }

    async fn enter(&self) -> Option<[OwnedSemaphorePermit; 2]> {
        let place = self.room.clone().try_acquire_owned().ok()?;
        let slot = timeout(PATIENCE, self.slots.clone().acquire_owned()).await.ok()?.ok()?;
        Some([place, slot])
    }
}

/// How many wait for each thread.
const WAITING: usize = 8;

/// How long they do; proxies give up later than this.
const PATIENCE: Duration = Duration::from_secs(10);
