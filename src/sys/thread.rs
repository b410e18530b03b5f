//! A number for the calling thread, without a thread-local of ours (their destructors outlive an
//! unloaded Apache module).

/// What no other living thread has; never 0. The same in the child of a fork.
pub(crate) fn id() -> usize {
    // SAFETY: always succeeds.
    (unsafe { libc::pthread_self() }) as usize
}

/// A well-spread number that is the same for one thread throughout its life.
pub(crate) fn number() -> usize {
    // glibc's ids are addresses of thread blocks: equal low bits, so multiply and take the high ones.
    id().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}
