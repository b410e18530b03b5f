//! From C: pointers become slices, sized structs become whole ones.

use std::mem::{MaybeUninit, size_of};

use super::status::{auth_status, auth_str};

/// All input of one call together.
pub(super) const MOST_INPUT: usize = 1 << 20;
/// No struct of ours grows beyond this.
pub(super) const LARGEST_STRUCT: usize = 4096;

/// A struct that starts with its own size and for which all-zero bytes are valid.
///
/// # Safety
/// `Self` is `repr(C)`, plain data, and its first field is `size: usize`.
pub(super) unsafe trait Sized_: Copy {
    /// The size of its first published version.
    const LEAST: usize;
}

/// Reads a struct whose caller may be older or newer than this library: missing fields are zero;
/// bytes beyond ours must be zero, because dropping a security field silently would open a hole.
///
/// # Safety
/// `pointer` is NULL or points to at least as many readable bytes as the size it starts with.
pub(super) unsafe fn read_sized<T: Sized_>(pointer: *const T) -> Result<T, auth_status> {
    if pointer.is_null() {
        return Err(auth_status::AUTH_EINVAL);
    }
    // SAFETY: the size comes first, by contract; the caller may have misaligned the struct.
    let size = unsafe { pointer.cast::<usize>().read_unaligned() };
    if !(T::LEAST..=LARGEST_STRUCT).contains(&size) {
        return Err(auth_status::AUTH_EINVAL);
    }
    if size == size_of::<T>() {
        // The usual caller, and a copy whose length the compiler knows.
        // SAFETY: the caller's struct is exactly ours.
        return Ok(unsafe { pointer.read_unaligned() });
    }
    let bytes = pointer.cast::<u8>();
    if size > size_of::<T>() {
        // SAFETY: the caller's struct has `size` readable bytes, by contract.
        let beyond = unsafe { std::slice::from_raw_parts(bytes.add(size_of::<T>()), size - size_of::<T>()) };
        if beyond.iter().any(|b| *b != 0) {
            return Err(auth_status::AUTH_ENOTSUP);
        }
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: that many bytes are readable by contract and fit into `copy`.
    unsafe { bytes.copy_to_nonoverlapping(copy.as_mut_ptr().cast(), size.min(size_of::<T>())) };
    // SAFETY: plain data, zeroed and then overwritten with the caller's fields.
    Ok(unsafe { copy.assume_init() })
}

/// Counts the input of one call, so that no caller can make us read for ever.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new() -> Self {
        Self(MOST_INPUT)
    }

    /// The bytes of a text.
    ///
    /// # Safety
    /// `text.ptr` points to `text.len` bytes that stay readable and unchanged for `'a`.
    #[inline]
    pub(super) unsafe fn bytes<'a>(&mut self, text: auth_str) -> Result<&'a [u8], auth_status> {
        if text.len == 0 {
            return Ok(&[]);
        }
        if text.ptr.is_null() || text.len > self.0 {
            return Err(auth_status::AUTH_EINVAL);
        }
        self.0 -= text.len;
        // SAFETY: not NULL, bounded, and readable by contract.
        Ok(unsafe { std::slice::from_raw_parts(text.ptr.cast(), text.len) })
    }

    /// The text, which has to be UTF-8 without NUL (it comes back as a C string).
    ///
    /// # Safety
    /// As for [`Self::bytes`].
    pub(super) unsafe fn text<'a>(&mut self, text: auth_str) -> Result<&'a str, auth_status> {
        // SAFETY: handed on.
        unsafe { self.foreign(text) }?.ok_or(auth_status::AUTH_EINVAL)
    }

    /// A text that a client sent: what is no text is `None`, as good as one that nobody knows.
    ///
    /// # Safety
    /// As for [`Self::bytes`].
    pub(super) unsafe fn foreign<'a>(&mut self, text: auth_str) -> Result<Option<&'a str>, auth_status> {
        // SAFETY: handed on.
        let bytes = unsafe { self.bytes(text) }?;
        Ok(std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
    }

    /// The elements of an array.
    ///
    /// # Safety
    /// `first` points to `count` elements that stay readable and unchanged for `'a`.
    pub(super) unsafe fn array<'a, T>(&mut self, first: *const T, count: usize) -> Result<&'a [T], auth_status> {
        if count == 0 {
            return Ok(&[]);
        }
        let size = count.checked_mul(size_of::<T>()).ok_or(auth_status::AUTH_EINVAL)?;
        if first.is_null() || size > self.0 || !first.is_aligned() {
            return Err(auth_status::AUTH_EINVAL);
        }
        self.0 -= size;
        // SAFETY: not NULL, aligned, bounded, and readable by contract.
        Ok(unsafe { std::slice::from_raw_parts(first, count) })
    }
}

/// One text of its own budget.
///
/// # Safety
/// As for [`Budget::bytes`].
pub(super) unsafe fn text<'a>(text: auth_str) -> Result<&'a str, auth_status> {
    // SAFETY: handed on.
    unsafe { Budget::new().text(text) }
}
