//! What must be closed before the host forks, and opened again on both sides.
//!
//! A SQLite connection that crosses a fork loses rows: SQLite's table of POSIX locks is inherited,
//! the locks are not, so a *fresh* connection of the child is invisible to other processes. Closing
//! every connection before the fork cures it (shown by c-tests/fork.c).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::latch::Latch;
use super::thread;

/// Something that a fork must not tear apart.
pub(crate) trait AcrossFork: Send + Sync {
    /// Before: waits for work in flight, keeps new work out, closes what must not be inherited.
    /// Must not wait for code of the host, which may itself wait for the library.
    fn shut(&self) {}
    /// After, on both sides: lets work in again.
    fn open(&self) {}
    /// After, in the child first: forgets the threads that are not there.
    fn be_alone(&self) {}
}

/// Registers for as long as the value lives. Only inside [`without_fork`].
pub(crate) fn register(member: Weak<dyn AcrossFork>) {
    install();
    let mut members = MEMBERS.lock();
    members.list.retain(|m| m.strong_count() > 0);
    members.list.push(member);
}

/// Keeps `f` from being interrupted by a fork of another thread: what it locks, opens or closes is
/// never half done in a child. Nests; when `f` itself forks (code of a plug-in may), both sides
/// go on inside.
pub(crate) fn without_fork<R>(f: impl FnOnce() -> R) -> R {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            INSIDE.store(0, Ordering::Relaxed);
        }
    }
    install();
    if is_inside() {
        return f();
    }
    let _guard = DOOR.lock();
    INSIDE.store(thread::id(), Ordering::Relaxed);
    let _inside = Inside;
    f()
}

fn is_inside() -> bool {
    // What another thread writes here is never this one's id.
    INSIDE.load(Ordering::Relaxed) == thread::id()
}

/// Held while contexts are made and unmade, and during a fork.
static DOOR: Latch<()> = Latch::new(());
/// The thread inside [`without_fork`]; 0 is nobody. A thread's id is the same in its forked child.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
static MEMBERS: Latch<Members> = Latch::new(Members { list: Vec::new(), shut: Vec::new() });

struct Members {
    list: Vec<Weak<dyn AcrossFork>>,
    /// The members shut by the fork under way, kept alive until they are opened again.
    shut: Vec<Arc<dyn AcrossFork>>,
}

/// When the library is loaded, so that no first use can be under way in another thread at a fork.
/// A linker that dropped this from an archive would leave it to the first use.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = install;

extern "C" fn install() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    // An atomic and not a `Once`, which a fork could leave half done for ever.
    if !INSTALLED.load(Ordering::Relaxed) && !INSTALLED.swap(true, Ordering::AcqRel) {
        // SAFETY: functions of this library, which is never unloaded (`-z nodelete`; glibc
        // also drops the handlers of an unloaded library). The only failure is want of memory.
        unsafe { libc::pthread_atfork(Some(before), Some(after), Some(in_child)) };
    }
}

// From here until `after` no context is made or unmade and no member registers.
extern "C" fn before() {
    if !is_inside() {
        DOOR.hold();
    }
    MEMBERS.hold();
    MEMBERS.while_held(|members| {
        members.shut = members.list.iter().filter_map(Weak::upgrade).collect();
        for member in &members.shut {
            member.shut();
        }
    });
}

extern "C" fn in_child() {
    MEMBERS.while_held(|members| members.shut.iter().for_each(|member| member.be_alone()));
    after();
}

extern "C" fn after() {
    let shut = MEMBERS.while_held(|members| std::mem::take(&mut members.shut));
    for member in shut.iter().rev() {
        member.open();
    }
    MEMBERS.release();
    if !is_inside() {
        DOOR.release();
    }
    // Only now: the last owner of a member may have gone meanwhile.
    drop(shut);
}
