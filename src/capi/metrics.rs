//! What a context has answered, for monitoring.

use std::ffi::{CString, c_char};
use std::ptr;

use super::context::auth_context;
use super::output::give;
use super::status::auth_status;
use super::{guard, guard_or};

/// The counters of a context at one moment.
///
/// Methods: auth_context_metrics, auth_metrics_text, auth_metrics_free.
pub struct auth_metrics {
    text: CString,
}

/// What has been answered since the context was opened, by chain, endpoint and
/// outcome, and how often the configuration was loaded again.
///
/// Ownership: free `*out` with auth_metrics_free. Threads: any. Blocks: never.
/// Returns: AUTH_OK, AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_context_metrics(
    context: Option<&auth_context>,
    out: *mut *mut auth_metrics,
) -> auth_status {
    guard(|| {
        let (Some(context), false) = (context, out.is_null()) else { return auth_status::AUTH_EINVAL };
        let text = CString::new(context.live().metrics()).unwrap_or_default();
        // SAFETY: not NULL; writable by contract.
        unsafe { give(out, auth_metrics { text }) };
        auth_status::AUTH_OK
    })
}

/// The counters in Prometheus' text format (0.0.4).
///
/// Ownership: borrowed from the metrics. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_metrics_text(metrics: Option<&auth_metrics>) -> *const c_char {
    metrics.map_or(ptr::null(), |metrics| metrics.text.as_ptr())
}

/// Frees metrics; NULL does nothing.
///
/// Ownership: takes the metrics. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_metrics_free(metrics: Option<Box<auth_metrics>>) {
    guard_or((), || drop(metrics));
}
