//! The library as a whole.

use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;

use super::context::auth_context;
use super::output::give;
use super::plugin;
use super::report::{self, auth_report};
use super::status::auth_status;
use super::{guard, guard_or};
use crate::live;

/// The number of this ABI: grows when a program compiled for an older one
/// could break.
pub const AUTH_ABI_VERSION: u32 = 1;

/// The version of the library, such as "0.1.0".
///
/// Ownership: static. Threads: any. Blocks: never.
/// Returns: a text, never NULL.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn auth_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The number of the library's ABI; compare it with `AUTH_ABI_VERSION`.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: the number.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn auth_abi_version() -> u32 {
    AUTH_ABI_VERSION
}

/// What a status means, in words.
///
/// Ownership: static. Threads: any. Blocks: never.
/// Returns: a text, never NULL; "unknown status" for other numbers.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn auth_strerror(status: c_int) -> *const c_char {
    row(status).map_or(c"unknown status", |row| row.2).as_ptr()
}

/// The name of a status, such as "AUTH_OK".
///
/// Ownership: static. Threads: any. Blocks: never.
/// Returns: a text, or NULL for other numbers.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn auth_status_name(status: c_int) -> *const c_char {
    row(status).map_or(std::ptr::null(), |row| row.1.as_ptr())
}

/// The context that the one-call form uses: the file that `$AUTHCHAIN_CONFIG`
/// names (ignored in set-uid processes), else /etc/authchain/authchain.toml.
/// Opened on first use; after a failure tried again once a second at most. A
/// file that has changed is loaded when it has been still for a second; if it
/// is refused, the one in use stays.
///
/// Ownership: free `*out` with auth_context_free (the context itself stays
/// open), and `*why` with auth_report_free; `why` may be NULL. `*why` is
/// written on AUTH_ECONFIG only.
/// Threads: any. Blocks: reads the configuration on first use and when
/// it has changed.
/// Returns: AUTH_OK, AUTH_ECONFIG, AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_default_context(out: *mut *mut auth_context, why: *mut *mut auth_report) -> auth_status {
    guard(|| {
        if out.is_null() {
            return auth_status::AUTH_EINVAL;
        }
        match live::default_context(plugin::load) {
            Ok(live) => {
                // SAFETY: not NULL; writable by contract.
                unsafe { give(out, auth_context::new(Arc::clone(live))) };
                auth_status::AUTH_OK
            }
            // SAFETY: `why` is NULL or writable, by contract.
            Err(report) => unsafe { report::refuse(why, report) },
        }
    })
}

/// The name of a status, for reports.
pub(super) fn name_of(status: c_int) -> String {
    row(status).map_or_else(|| status.to_string(), |row| row.1.to_string_lossy().into_owned())
}

fn row(status: c_int) -> Option<&'static (auth_status, &'static CStr, &'static CStr)> {
    guard_or(None, || auth_status::ALL.iter().find(|row| row.0 as c_int == status))
}
