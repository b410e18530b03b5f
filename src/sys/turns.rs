//! How many at once: a POSIX semaphore that a fork does not break.
//!
//! A semaphore and not a mutex with a condition: nobody holds a lock in it, so a child that is forked while
//! others wait has nothing to unlock.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::fork::{self, AcrossFork};

/// So many turns, of a thread each.
pub(crate) struct Turns {
    raw: UnsafeCell<libc::sem_t>,
    most: u32,
}

/// A turn, given back when dropped.
#[must_use]
pub(crate) struct Turn<'a>(&'a Turns);

// SAFETY: a semaphore is made to be used by several threads at a time.
unsafe impl Send for Turns {}
// SAFETY: as above.
unsafe impl Sync for Turns {}

impl Turns {
    /// `most` at once; 0 is one for each processor that this process may use. Only inside
    /// [`fork::without_fork`].
    pub(crate) fn new(most: u32) -> Arc<Self> {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let most = if most == 0 { u32::try_from(processors()).unwrap_or(1) } else { most };
        // SAFETY: any bytes are a `sem_t` until `fill` makes it one, before anybody can use it.
        let raw = UnsafeCell::new(unsafe { MaybeUninit::<libc::sem_t>::zeroed().assume_init() });
        let turns = Arc::new(Self { raw, most });
        turns.fill();
        let member: Weak<Self> = Arc::downgrade(&turns);
        fork::register(member);
        turns
    }

    /// Waits for a turn. `None`: there was none for so long.
    pub(crate) fn take(&self, at_most: Duration) -> Option<Turn<'_>> {
        let until = deadline(at_most);
        loop {
            // SAFETY: an initialised semaphore that lives as long as `self`, and a valid timespec.
            if unsafe { libc::sem_timedwait(self.raw.get(), &raw const until) } == 0 {
                return Some(Turn(self));
            }
            if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
                return None;
            }
        }
    }

    /// Makes all turns free. Nobody may be using the semaphore.
    fn fill(&self) {
        // SAFETY: memory of a `sem_t` that nobody uses; the value is below SEM_VALUE_MAX, else it fails
        // and no turn is ever free.
        unsafe { libc::sem_init(self.raw.get(), 0, self.most) };
    }
}

impl AcrossFork for Turns {
    /// The threads that had a turn are not here; this one has none, because it runs no code of the host in one.
    fn be_alone(&self) {
        self.fill();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // SAFETY: an initialised semaphore.
        unsafe { libc::sem_post(self.0.raw.get()) };
    }
}

/// The moment of the wall clock that `sem_timedwait` wants.
fn deadline(from_now: Duration) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a writable timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    time.tv_sec = time.tv_sec.saturating_add(i64::try_from(from_now.as_secs()).unwrap_or(i64::MAX));
    time.tv_nsec += i64::from(from_now.subsec_nanos());
    if time.tv_nsec >= 1_000_000_000 {
        time.tv_sec = time.tv_sec.saturating_add(1);
        time.tv_nsec -= 1_000_000_000;
    }
    time
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn turns(most: u32) -> Arc<Turns> {
        fork::without_fork(|| Turns::new(most))
    }

    #[test]
    fn never_more_than_that_many_have_a_turn() {
        let (turns, now, highest) = (turns(3), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let _turn = turns.take(Duration::from_secs(60)).unwrap();
                        highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((2..=3).contains(&highest.load(Ordering::SeqCst)), "{highest:?}");
    }

    #[test]
    fn a_turn_that_is_not_free_is_waited_for_no_longer_than_said() {
        let turns = turns(1);
        let turn = turns.take(Duration::ZERO);
        assert!(
            turn.is_some() && turns.take(Duration::ZERO).is_none() && turns.take(Duration::from_millis(1)).is_none()
        );
        drop(turn);
        assert!(turns.take(Duration::ZERO).is_some());
    }

    #[test]
    fn without_a_number_there_is_one_for_each_processor() {
        let most = std::thread::available_parallelism().unwrap().get();
        let turns = turns(0);
        let held: Vec<_> = (0..most).map(|_| turns.take(Duration::ZERO)).collect();
        assert!(held.iter().all(Option::is_some) && turns.take(Duration::ZERO).is_none());
    }

    #[test]
    fn a_forked_child_has_all_turns() {
        let turns = turns(1);
        let turn = turns.take(Duration::ZERO);
        turns.be_alone();
        assert!(turns.take(Duration::ZERO).is_some());
        drop(turn);
    }
}
