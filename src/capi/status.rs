//! Statuses and the plain structs that both sides fill in.

use crate::error::Error;

/// What a call came to. Only `AUTH_OK` lets anyone in: answers are not
/// negative, failures are, and a failure is never an answer about the user
/// (send 503). Numbers are never reused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum auth_status {
    /// Authenticated; done; found.
    AUTH_OK = 0,
    /// Nobody, and the chain allows that.
    AUTH_ANONYMOUS = 1,
    /// Refused: send the response. Elsewhere: no such user, token or name.
    AUTH_REFUSED = 2,
    /// Too many attempts: send the response.
    AUTH_THROTTLED = 3,
    /// The verdict needs work that may block.
    AUTH_PENDING = 4,
    /// The call broke the contract of its function.
    AUTH_EINVAL = -1,
    /// The library caught a panic of its own or of a scheme.
    AUTH_EPANIC = -2,
    /// The configuration cannot be used.
    AUTH_ECONFIG = -3,
    /// The database, the address of public keys, or a custom scheme's back end
    /// cannot answer.
    AUTH_ESTORE = -4,
    /// Not in this build, or from a newer header than this library's.
    AUTH_ENOTSUP = -5,
    /// Short of something that will be there again: try later.
    AUTH_EBUSY = -6,
    /// Out of memory.
    AUTH_ENOMEM = -7,
}

impl auth_status {
    /// Every status, for the functions that name them.
    pub(super) const ALL: [(Self, &'static std::ffi::CStr, &'static std::ffi::CStr); 12] = [
        (Self::AUTH_OK, c"AUTH_OK", c"authenticated"),
        (Self::AUTH_ANONYMOUS, c"AUTH_ANONYMOUS", c"nobody, and that is allowed"),
        (Self::AUTH_REFUSED, c"AUTH_REFUSED", c"refused"),
        (Self::AUTH_THROTTLED, c"AUTH_THROTTLED", c"too many attempts"),
        (Self::AUTH_PENDING, c"AUTH_PENDING", c"the verdict needs work that may block"),
        (Self::AUTH_EINVAL, c"AUTH_EINVAL", c"invalid argument"),
        (Self::AUTH_EPANIC, c"AUTH_EPANIC", c"internal error, caught"),
        (Self::AUTH_ECONFIG, c"AUTH_ECONFIG", c"the configuration cannot be used"),
        (Self::AUTH_ESTORE, c"AUTH_ESTORE", c"the database cannot answer"),
        (Self::AUTH_ENOTSUP, c"AUTH_ENOTSUP", c"not supported"),
        (Self::AUTH_EBUSY, c"AUTH_EBUSY", c"busy, try later"),
        (Self::AUTH_ENOMEM, c"AUTH_ENOMEM", c"out of memory"),
    ];
}

impl From<&Error> for auth_status {
    fn from(error: &Error) -> Self {
        match error {
            Error::Invalid(_) => Self::AUTH_EINVAL,
            Error::Config(_) => Self::AUTH_ECONFIG,
            Error::Store(_) | Error::Keys(_) | Error::Scheme(_) => Self::AUTH_ESTORE,
            Error::Unsupported(_) => Self::AUTH_ENOTSUP,
            Error::Random | Error::Busy => Self::AUTH_EBUSY,
        }
    }
}

/// A piece of text with its length; no NUL is needed. With `len` 0 the pointer
/// is ignored. Make one with `AUTH_STR("literal")` or `auth_text(string)`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_str {
    /// The first byte.
    pub ptr: *const std::ffi::c_char,
    /// How many bytes.
    pub len: usize,
}

/// One header field as received.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct auth_header {
    /// The field name; its case does not matter.
    pub name: auth_str,
    /// The field value: any bytes.
    pub value: auth_str,
}

#[cfg(feature = "panic-switch")]
static PANIC: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Makes the next call panic: for the C tests, in a build of their own.
#[cfg(feature = "panic-switch")]
#[unsafe(no_mangle)]
pub extern "C" fn authchain_test_panic() {
    PANIC.store(true, std::sync::atomic::Ordering::SeqCst);
}

#[cfg(feature = "panic-switch")]
pub(super) fn panic_if_told() {
    assert!(!PANIC.swap(false, std::sync::atomic::Ordering::SeqCst), "the switch was set");
}
