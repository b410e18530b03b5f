//! The environment variables that a library in a host may read: `AUTHCHAIN_CONFIG`, and those that
//! a configuration names for its secrets.

use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;

unsafe extern "C" {
    // Not in the libc crate. glibc: NULL in set-uid and set-gid processes (AT_SECURE).
    fn secure_getenv(name: *const c_char) -> *mut c_char;
}

/// The configuration's path, `$AUTHCHAIN_CONFIG`.
pub(crate) fn config_path() -> Option<PathBuf> {
    variable("AUTHCHAIN_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The value of a variable; `None` when there is none, it is not UTF-8, or the process runs with
/// borrowed rights.
pub(crate) fn variable(name: &str) -> Option<String> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name; the result is NULL or a NUL-terminated string, copied at once.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        if value.is_null() { None } else { CStr::from_ptr(value).to_str().ok().map(str::to_owned) }
    }
}
