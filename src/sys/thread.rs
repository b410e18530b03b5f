//! A number for the calling thread, without a thread-local of ours (their destructors outlive an
//! unloaded Apache module).

/// A well-spread number that is the same for one thread throughout its life.
pub(crate) fn number() -> usize {
    // SAFETY: always succeeds.
    let id = unsafe { libc::pthread_self() } as usize;
    // glibc's ids are addresses of thread blocks: equal low bits, so multiply and take the high ones.
    id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}
