//! The system's log.

use std::ffi::CString;

/// Sends a line with the facility `authpriv`. `openlog`, which would change the host's own lines, is
/// not called: the program's name stands in front, and then ours. May wait for a log that is full.
pub(crate) fn log(severity: i32, line: &str) {
    if let Ok(line) = CString::new(line) {
        // SAFETY: the format takes one text, which ends with a NUL and lives through the call.
        unsafe { libc::syslog(libc::LOG_AUTHPRIV | severity, c"authchain: %s".as_ptr(), line.as_ptr()) };
    }
}
