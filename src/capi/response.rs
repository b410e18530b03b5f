//! What to answer.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::OnceLock;

use super::guard_or;
use super::output::Text;
use super::status::auth_status;
use crate::sys::fork::without_fork;
use crate::verdict::Response;

/// What to send verbatim: status, headers, body. After a success it has status
/// 200 and the headers to add.
///
/// Methods: auth_request_response, auth_user_response, auth_response_status,
/// auth_response_header, auth_response_lines, auth_response_body.
pub struct auth_response {
    status: u32,
    headers: Vec<(CString, CString)>,
    body: CString,
    lines: Text,
}

impl auth_response {
    pub(super) fn new(response: Response) -> Self {
        // Neither names nor checked texts hold a NUL; `detail` of a host could, and is cut off.
        let text = |t: String| CString::new(t).unwrap_or_default();
        Self {
            status: response.status.into(),
            headers: response.headers.into_iter().map(|(name, value)| (text(name.to_owned()), text(value))).collect(),
            body: text(response.body),
            lines: Text::default(),
        }
    }

    /// The answer to a failure.
    pub(super) fn broken() -> &'static Self {
        static BROKEN: OnceLock<auth_response> = OnceLock::new();
        let whole = || {
            let broken = Self::new(Response::broken());
            broken.lines();
            broken
        };
        // A fork while it is made would leave it unmade for ever in the child.
        BROKEN.get().unwrap_or_else(|| without_fork(|| BROKEN.get_or_init(whole)))
    }

    fn lines(&self) -> *const c_char {
        self.lines.of(|| {
            let parts = |(name, value): &(CString, CString)| [name.as_bytes(), b": ", value.as_bytes(), b"\n"].concat();
            self.headers.iter().flat_map(parts).collect::<Vec<u8>>()
        })
    }
}

/// The HTTP status.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: the status; 503 for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_response_status(response: Option<&auth_response>) -> u32 {
    response.map_or(503, |r| r.status)
}

/// Header number `i`, counted from 0; a name may come more than once.
///
/// Ownership: `*name` and `*value` are borrowed from the response. Threads:
/// any. Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (no such header; nothing is written),
/// AUTH_EINVAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_response_header(
    response: Option<&auth_response>,
    i: usize,
    name: *mut *const c_char,
    value: *mut *const c_char,
) -> auth_status {
    let (Some(response), false, false) = (response, name.is_null(), value.is_null()) else {
        return auth_status::AUTH_EINVAL;
    };
    let Some((n, v)) = response.headers.get(i) else { return auth_status::AUTH_REFUSED };
    // SAFETY: not NULL; writable by contract.
    unsafe {
        name.write(n.as_ptr());
        value.write(v.as_ptr());
    }
    auth_status::AUTH_OK
}

/// The headers as one text of `Name: value` lines, each of which ends with LF:
/// for hosts to which a call costs more than what it says.
///
/// Ownership: borrowed from the response. Threads: any. Blocks: never.
/// Returns: a text, "" when there are no headers, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_response_lines(response: Option<&auth_response>) -> *const c_char {
    guard_or(ptr::null(), || response.map_or(ptr::null(), auth_response::lines))
}

/// The body: JSON after a refusal, empty after a success.
///
/// Ownership: borrowed from the response. Threads: any. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_response_body(response: Option<&auth_response>) -> *const c_char {
    guard_or(ptr::null(), || response.map_or(ptr::null(), |r| r.body.as_ptr()))
}
