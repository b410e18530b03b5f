//! What the host changes in a request before it passes it on.

use std::ffi::{CString, c_char, c_int};
use std::ptr;

use super::guard_or;
use super::output::Text;
use super::status::auth_status;
use crate::edits::Edit;

/// auth_edits_at: take away every header of this name, in any case of letters.
pub const AUTH_HEADER_REMOVE: c_int = 1;
/// auth_edits_at: add this header.
pub const AUTH_HEADER_ADD: c_int = 2;

/// Changes of a request's headers, to be made in order before the request is
/// passed on to an application: what a client may not say about the user goes
/// (`X-Auth-User`, `X-Auth-User-Id`, `X-Auth-Scheme` and the header of
/// remote_user, in every spelling that a CGI or WSGI server takes for them);
/// after a success the user comes. Values are visible ASCII; other bytes, and
/// `%`, are percent-encoded.
///
/// Methods: auth_request_edits, auth_edits_count, auth_edits_at,
/// auth_edits_lines.
pub struct auth_edits {
    list: Vec<(c_int, CString, CString)>,
    removals: Text,
    additions: Text,
}

impl auth_edits {
    pub(super) fn new(edits: Vec<Edit>) -> Self {
        // Names may hold any bytes; one with a NUL is no header of any server.
        fn text(t: impl Into<Vec<u8>>) -> Option<CString> {
            CString::new(t).ok()
        }
        let list = edits.into_iter().filter_map(|edit| match edit {
            Edit::Remove(name) => Some((AUTH_HEADER_REMOVE, text(name)?, CString::default())),
            Edit::Add(name, value) => Some((AUTH_HEADER_ADD, text(name)?, text(value)?)),
        });
        Self { list: list.collect(), removals: Text::default(), additions: Text::default() }
    }

    /// The changes of one kind as lines; `None` when a name would be another one as a line.
    fn lines(&self, what: c_int) -> Option<Vec<u8>> {
        let mut lines = Vec::with_capacity(128);
        for (_, name, value) in self.list.iter().filter(|(of, ..)| *of == what) {
            if name.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | b':')) {
                return None;
            }
            lines.extend_from_slice(name.as_bytes());
            if what == AUTH_HEADER_ADD {
                lines.extend_from_slice(b": ");
                lines.extend_from_slice(value.as_bytes());
            }
            lines.push(b'\n');
        }
        Some(lines)
    }
}

/// How many changes there are.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: the number; 0 for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_edits_count(edits: Option<&auth_edits>) -> usize {
    edits.map_or(0, |edits| edits.list.len())
}

/// Change number `i`, counted from 0: AUTH_HEADER_REMOVE or AUTH_HEADER_ADD, the
/// name of the header, and its value ("" when it is taken away).
///
/// Ownership: `*name` and `*value` are borrowed from the edits. Threads: any.
/// Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (no such change; nothing is written),
/// AUTH_EINVAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_edits_at(
    edits: Option<&auth_edits>,
    i: usize,
    what: *mut c_int,
    name: *mut *const c_char,
    value: *mut *const c_char,
) -> auth_status {
    let (Some(edits), false, false, false) = (edits, what.is_null(), name.is_null(), value.is_null()) else {
        return auth_status::AUTH_EINVAL;
    };
    let Some((w, n, v)) = edits.list.get(i) else { return auth_status::AUTH_REFUSED };
    // SAFETY: not NULL; writable by contract.
    unsafe {
        what.write(*w);
        name.write(n.as_ptr());
        value.write(v.as_ptr());
    }
    auth_status::AUTH_OK
}

/// The changes of one kind, AUTH_HEADER_REMOVE (`Name`) or AUTH_HEADER_ADD
/// (`Name: value`), as one text in which each line ends with LF: for hosts to
/// which a call costs more than what it says.
///
/// Ownership: borrowed from the edits. Threads: any. Blocks: never.
/// Returns: a text, "" when there is no such change; NULL when a name has a line
/// break or a colon in it, which only auth_edits_at can say, for another `what`,
/// and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_edits_lines(edits: Option<&auth_edits>, what: c_int) -> *const c_char {
    guard_or(ptr::null(), || {
        let Some(edits) = edits else { return ptr::null() };
        let kept = match what {
            AUTH_HEADER_REMOVE => &edits.removals,
            AUTH_HEADER_ADD => &edits.additions,
            _ => return ptr::null(),
        };
        kept.of_option(|| edits.lines(what))
    })
}
