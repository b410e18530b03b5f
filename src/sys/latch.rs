//! A mutex that may stay locked across `fork`.
//!
//! std's mutex has no way to be unlocked without its guard, and a guard cannot be carried from a
//! `pthread_atfork` prepare handler to the parent and child handlers. pthread's can: the child's
//! only thread is the one that locked it.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

/// Mutual exclusion for a `T`. Not poisoned by panics: what it guards is dropped and remade on error.
pub(crate) struct Latch<T> {
    // A mutex must not be moved while it is in use, and cannot be: use borrows the latch.
    raw: UnsafeCell<libc::pthread_mutex_t>,
    value: UnsafeCell<T>,
}

/// Access to the value until dropped.
pub(crate) struct Guard<'a, T>(&'a Latch<T>);

// SAFETY: the mutex gives one thread at a time access to the value, which may move between threads.
unsafe impl<T: Send> Send for Latch<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Latch<T> {}

impl<T> Latch<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { raw: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER), value: UnsafeCell::new(value) }
    }

    /// Waits for the value.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        self.hold();
        Guard(self)
    }

    /// The value, unless another thread has it.
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        // SAFETY: an initialised mutex that lives as long as `self`.
        let locked = unsafe { libc::pthread_mutex_trylock(self.raw.get()) } == 0;
        // Not `then_some`: a guard that is made and dropped unlocks for somebody else.
        locked.then(|| Guard(self))
    }

    /// Locks without a guard. For fork handlers, which must call [`Self::release`].
    pub(crate) fn hold(&self) {
        // SAFETY: an initialised mutex; a default mutex cannot fail to lock.
        unsafe { libc::pthread_mutex_lock(self.raw.get()) };
    }

    /// Ends [`Self::hold`], in the thread that held or in the only thread of its forked child.
    pub(crate) fn release(&self) {
        // SAFETY: the caller holds the lock (`hold`, or the guard being dropped).
        unsafe { libc::pthread_mutex_unlock(self.raw.get()) };
    }

    /// Unlocks in the name of a thread that did not come along into the child of a fork, where only
    /// one thread is. What the latch guards is left as that thread had it.
    pub(crate) fn reset_in_child(&self) {
        // SAFETY: no other thread is there to use the mutex, and this one does not hold it.
        unsafe { self.raw.get().write(libc::PTHREAD_MUTEX_INITIALIZER) };
    }

    /// Runs `f` on the value of a latch that this thread holds.
    pub(crate) fn while_held<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        debug_assert!(self.try_lock().is_none(), "the latch is not held");
        // SAFETY: `hold` was called by this thread, so nobody else has the value.
        f(unsafe { &mut *self.value.get() })
    }
}

impl<T> Drop for Latch<T> {
    fn drop(&mut self) {
        // SAFETY: nobody can hold a borrow of `self` any more.
        unsafe { libc::pthread_mutex_destroy(self.raw.get()) };
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the guard exists only while the mutex is locked.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard exists only while the mutex is locked, and is borrowed mutably.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.0.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_never_hold_it_together() {
        let latch = Latch::new(0_u64);
        std::thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| (0..50_000).for_each(|_| *latch.try_lock().unwrap_or_else(|| latch.lock()) += 1));
            }
        });
        assert_eq!(*latch.lock(), 100_000);
    }

    #[test]
    fn try_lock_does_not_wait() {
        let latch = Latch::new(());
        let guard = latch.lock();
        for _ in 0..2 {
            assert!(latch.try_lock().is_none(), "a failed attempt must not unlock");
        }
        drop(guard);
        assert!(latch.try_lock().is_some());
    }
}
