//! What must be closed before the host forks, and opened again on both sides.
//!
//! A SQLite connection that crosses a fork loses rows: SQLite's table of POSIX locks is inherited,
//! the locks are not, so a *fresh* connection of the child is invisible to other processes. Closing
//! every connection before the fork cures it (shown by c-tests/fork.c).

use std::sync::{Arc, Once, OnceLock, Weak};

use super::latch::Latch;

/// Something that shuts before a fork and opens afterwards, in parent and child.
pub(crate) trait AcrossFork: Send + Sync {
    /// Waits for work in flight, keeps new work out, closes what must not be inherited.
    fn shut(&self);
    /// Lets work in again.
    fn open(&self);
}

/// Registers for as long as the value lives.
pub(crate) fn register(member: Weak<dyn AcrossFork>) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: three functions of this library, which is never unloaded (`-z nodelete`; glibc
        // also drops the handlers of an unloaded library). The only failure is want of memory.
        unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
    });
    let mut members = members().lock();
    members.list.retain(|m| m.strong_count() > 0);
    members.list.push(member);
}

/// Keeps `f` from being interrupted by a fork of another thread: what it locks is never left
/// locked in a child. `f` must not register.
pub(crate) fn without_fork<R>(f: impl FnOnce() -> R) -> R {
    static OPENING: OnceLock<Arc<Door>> = OnceLock::new();
    let door = OPENING.get_or_init(|| {
        let door = Arc::new(Door(Latch::new(())));
        let member: Arc<dyn AcrossFork> = door.clone();
        register(Arc::downgrade(&member));
        door
    });
    let _guard = door.0.lock();
    f()
}

struct Door(Latch<()>);

impl AcrossFork for Door {
    fn shut(&self) {
        self.0.hold();
    }
    fn open(&self) {
        self.0.release();
    }
}

#[derive(Default)]
struct Members {
    list: Vec<Weak<dyn AcrossFork>>,
    /// The members shut by the fork under way, kept alive until they are opened again.
    shut: Vec<Arc<dyn AcrossFork>>,
}

fn members() -> &'static Latch<Members> {
    static MEMBERS: OnceLock<Latch<Members>> = OnceLock::new();
    MEMBERS.get_or_init(|| Latch::new(Members::default()))
}

// `members` stays locked from before the fork until after it: no context is born in between.
extern "C" fn before() {
    // A later member may be needed to open an earlier one's work (the door guards the opening of
    // contexts, whose stores register after it), so the doors are shut in order of registration.
    let alive: Vec<_> = {
        let members = members().lock();
        members.list.iter().filter_map(Weak::upgrade).collect()
    };
    for member in &alive {
        member.shut();
    }
    members().hold();
    members().while_held(|m| m.shut = alive);
}

extern "C" fn after() {
    let shut = members().while_held(|m| std::mem::take(&mut m.shut));
    members().release();
    for member in shut.iter().rev() {
        member.open();
    }
    // Dropped only now: a store whose last owner went away meanwhile closes nothing under a lock.
    drop(shut);
}
