//! What the configuration says to a custom scheme.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use super::guard;
use super::guard_or;
use super::input::Budget;
use super::output::Wiped;
use super::status::{auth_status, auth_str};
use crate::schemes::custom::{Complaint, Setting, Settings};

/// The options of a `[schemes.NAME]` as `configure` of a custom scheme sees
/// them; valid during the call only. Whatever it does not ask for by name is an
/// unknown key, and refuses the configuration with its line and column, as does
/// a value of another kind than it asks for.
///
/// Methods: auth_settings_scheme, auth_settings_count, auth_settings_name,
/// auth_settings_text, auth_settings_integer, auth_settings_boolean,
/// auth_settings_refuse.
pub struct auth_settings {
    scheme: CString,
    list: Vec<(CString, Value)>,
    seen: RefCell<Seen>,
}

enum Value {
    Text(Wiped),
    Integer(i64),
    Boolean(bool),
    Other,
}

/// What the scheme has made of its settings so far.
#[derive(Default)]
struct Seen {
    /// The names that it asked for, in their order.
    asked: Vec<String>,
    /// The first thing that it does not like.
    complaint: Option<Complaint>,
}

/// The name that the configuration gives the scheme: NAME of `[schemes.NAME]`.
///
/// Ownership: borrowed for the call of `configure`. Threads: the caller's.
/// Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_settings_scheme(settings: Option<&auth_settings>) -> *const c_char {
    settings.map_or(ptr::null(), |settings| settings.scheme.as_ptr())
}

/// How many options there are.
///
/// Ownership: none. Threads: the caller's. Blocks: never.
/// Returns: the number; 0 for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_settings_count(settings: Option<&auth_settings>) -> usize {
    settings.map_or(0, |settings| settings.list.len())
}

/// The name of option number `i`, counted from 0, for a scheme that does not
/// know its options beforehand. It still has to ask for the value.
///
/// Ownership: borrowed for the call of `configure`. Threads: the caller's.
/// Blocks: never.
/// Returns: a text, or NULL when there is no such option, and for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_settings_name(settings: Option<&auth_settings>, i: usize) -> *const c_char {
    settings.and_then(|settings| settings.list.get(i)).map_or(ptr::null(), |(name, _)| name.as_ptr())
}

/// The text of an option. `{ file = "…" }` and `{ env = "…" }` are read for the
/// scheme, with the checks of `secret_key`.
///
/// Ownership: `*value` is borrowed for the call of `configure`. Threads: the
/// caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (no such option; nothing is written, so that
/// a default stays), AUTH_ECONFIG (no text: the configuration will be refused),
/// AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_settings_text(
    settings: Option<&auth_settings>,
    name: auth_str,
    value: *mut *const c_char,
) -> auth_status {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(CStr::as_ptr(text)),
        _ => None,
    };
    // SAFETY: the name is readable and `value` NULL or writable, by contract.
    unsafe { take(settings, name, value, text, || "a text".to_owned()) }
}

/// The whole number of an option, between `least` and `most`.
///
/// Ownership: none. Threads: the caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (no such option; nothing is written, so that
/// a default stays), AUTH_ECONFIG (no such number: the configuration will be
/// refused), AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_settings_integer(
    settings: Option<&auth_settings>,
    name: auth_str,
    least: i64,
    most: i64,
    value: *mut i64,
) -> auth_status {
    let integer = |value: &Value| match value {
        Value::Integer(number) => Some(*number).filter(|n| (least..=most).contains(n)),
        _ => None,
    };
    // SAFETY: the name is readable and `value` NULL or writable, by contract.
    unsafe { take(settings, name, value, integer, || format!("a whole number from {least} to {most}")) }
}

/// Whether an option is true: 1 or 0.
///
/// Ownership: none. Threads: the caller's. Blocks: never.
/// Returns: AUTH_OK, AUTH_REFUSED (no such option; nothing is written, so that
/// a default stays), AUTH_ECONFIG (neither true nor false: the configuration
/// will be refused), AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_settings_boolean(
    settings: Option<&auth_settings>,
    name: auth_str,
    value: *mut c_int,
) -> auth_status {
    let boolean = |value: &Value| match value {
        Value::Boolean(flag) => Some(c_int::from(*flag)),
        _ => None,
    };
    // SAFETY: the name is readable and `value` NULL or writable, by contract.
    unsafe { take(settings, name, value, boolean, || "true or false".to_owned()) }
}

/// Says what is wrong with an option, or with the whole table when `name` is
/// empty or that of no option. The first complaint counts, and the
/// configuration will be refused with it. The text must not show a secret.
///
/// Ownership: copies the text. Threads: the caller's. Blocks: never.
/// Returns: AUTH_ECONFIG, for `configure` to return; AUTH_EINVAL, AUTH_EPANIC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_settings_refuse(
    settings: Option<&auth_settings>,
    name: auth_str,
    text: auth_str,
) -> auth_status {
    guard(|| {
        let mut budget = Budget::new();
        // SAFETY: the texts are readable, by contract.
        let texts = unsafe { (budget.text(name), budget.text(text)) };
        let (Some(settings), (Ok(name), Ok(text))) = (settings, texts) else { return auth_status::AUTH_EINVAL };
        settings.complain(Complaint::Refused(settings.position(name), text.to_owned()));
        auth_status::AUTH_ECONFIG
    })
}

impl auth_settings {
    pub(super) fn new(settings: Settings) -> Self {
        // Only a key may hold a NUL here: it is then one that nobody asks for.
        let name = |name: String| CString::new(name).unwrap_or_default();
        let value = |setting| match setting {
            Setting::Text(text) => Value::Text(Wiped::new(text.as_bytes())),
            Setting::Integer(number) => Value::Integer(number),
            Setting::Boolean(flag) => Value::Boolean(flag),
            Setting::Other => Value::Other,
        };
        Self {
            scheme: name(settings.scheme),
            list: settings.list.into_iter().map(|(key, setting)| (name(key), value(setting))).collect(),
            seen: RefCell::default(),
        }
    }

    /// What the scheme said is wrong.
    pub(super) fn said(self) -> Option<Complaint> {
        self.seen.into_inner().complaint
    }

    /// What is wrong: what the scheme said, else the first option that it did not ask for.
    pub(super) fn complaint(self) -> Option<Complaint> {
        let Seen { asked, complaint } = self.seen.into_inner();
        let unknown = |(name, _): &(CString, Value)| !asked.iter().any(|known| known.as_bytes() == name.as_bytes());
        let unknown = self.list.iter().position(unknown);
        complaint.or_else(|| unknown.map(|i| Complaint::Unknown(i, asked)))
    }

    /// What does not take options makes of them.
    pub(super) fn refused(settings: &Settings) -> Option<Complaint> {
        (!settings.list.is_empty()).then(|| Complaint::Unknown(0, vec![]))
    }

    fn complain(&self, complaint: Complaint) {
        self.seen.borrow_mut().complaint.get_or_insert(complaint);
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|(known, _)| !name.is_empty() && known.as_bytes() == name.as_bytes())
    }
}

/// Reads the value of an option as `read` does.
///
/// # Safety
/// `name` is readable, and `value` NULL or valid for a write.
unsafe fn take<T>(
    settings: Option<&auth_settings>,
    name: auth_str,
    value: *mut T,
    read: impl FnOnce(&Value) -> Option<T>,
    expected: impl FnOnce() -> String,
) -> auth_status {
    guard_or(auth_status::AUTH_EPANIC, || {
        // SAFETY: by contract.
        let (Some(settings), Ok(name), false) = (settings, unsafe { Budget::new().text(name) }, value.is_null()) else {
            return auth_status::AUTH_EINVAL;
        };
        let mut seen = settings.seen.borrow_mut();
        if !seen.asked.iter().any(|known| known == name) {
            seen.asked.push(name.to_owned());
        }
        drop(seen);
        let Some(i) = settings.position(name) else { return auth_status::AUTH_REFUSED };
        match read(&settings.list[i].1) {
            Some(found) => {
                // SAFETY: not NULL; writable by contract.
                unsafe { value.write(found) };
                auth_status::AUTH_OK
            }
            None => {
                settings.complain(Complaint::Expected(i, expected()));
                auth_status::AUTH_ECONFIG
            }
        }
    })
}
