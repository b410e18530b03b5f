//! UUID keys: Django's `UUIDField` is 32 hexadecimal digits on SQLite and hyphenated in `str()`.

use super::digest::hex;

/// `str(uuid)` of a stored value; `None` when it is not 32 hexadecimal digits.
pub(crate) fn hyphenated(stored: &str) -> Option<String> {
    if stored.len() != 32 || !stored.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some([&stored[..8], &stored[8..12], &stored[12..16], &stored[16..20], &stored[20..]].join("-"))
}

/// The stored form of a UUID written with or without hyphens; `None` when it is none.
pub(crate) fn stored(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    hyphenated(&digits)?;
    (text.len() == 32 || text.len() == 36).then_some(digits)
}

/// A version 4 UUID in its stored form (RFC 9562 §5.4).
pub(crate) fn random(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one_value() {
        let stored_form = "0123456789abcdef0123456789abcdef";
        let shown = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(hyphenated(stored_form).as_deref(), Some(shown));
        assert_eq!(stored(shown).as_deref(), Some(stored_form));
        assert_eq!(stored(&shown.to_uppercase()).as_deref(), Some(stored_form));
        assert_eq!(stored("x"), None);
        assert_eq!(hyphenated("\u{e9}123456789abcdef0123456789abcde"), None);
    }

    #[test]
    fn random_ones_are_version_4() {
        let text = random([0xff; 16]);
        assert_eq!((&text[12..13], &text[16..17]), ("4", "b"));
    }
}
