//! To C: boxes become pointers, texts become C strings.

use std::ffi::{CStr, CString, c_char};
use std::ops::Deref;
use std::ptr;
use std::sync::OnceLock;

use zeroize::Zeroize;

/// Hands a value to C through an output parameter. Writes without dropping what was there: the
/// caller's variable may be uninitialised.
///
/// # Safety
/// `out` is valid for a write.
pub(super) unsafe fn give<T>(out: *mut *mut T, value: T) {
    // SAFETY: by contract.
    unsafe { out.write(Box::into_raw(Box::new(value))) };
}

/// A text as C sees it, made when first asked for. A NUL inside (which input checks exclude)
/// becomes an empty text rather than a shorter one.
#[derive(Default)]
pub(super) struct Text(OnceLock<CString>);

impl Text {
    /// The text, borrowed for as long as `self` lives.
    pub(super) fn of<T: Into<Vec<u8>>>(&self, make: impl FnOnce() -> T) -> *const c_char {
        self.0.get_or_init(|| CString::new(make()).unwrap_or_default()).as_ptr()
    }

    /// The text, or NULL when there is none.
    pub(super) fn of_option<T: Into<Vec<u8>>>(&self, make: impl FnOnce() -> Option<T>) -> *const c_char {
        match self.0.get() {
            Some(text) => text.as_ptr(),
            None => make().map_or(ptr::null(), |text| self.of(|| text)),
        }
    }
}

/// A secret as C sees it, wiped when dropped. A NUL inside becomes an empty text.
pub(super) struct Wiped(CString);

impl Wiped {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(CString::new(secret).unwrap_or_default())
    }
}

impl Deref for Wiped {
    type Target = CStr;
    fn deref(&self) -> &CStr {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).into_bytes().zeroize();
    }
}
