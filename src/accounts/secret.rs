//! Texts that nobody can guess.

use zeroize::Zeroizing;

use crate::ctx::random;
use crate::error::Error;

/// Django's `get_random_secret_key`: 50 characters.
#[cfg(feature = "cli")]
pub(crate) fn secret_key() -> Result<Zeroizing<String>, Error> {
    text(SECRET_KEY, 50)
}

/// The key of a session: 32 characters (`_get_new_session_key`).
pub(crate) fn session_key() -> Result<Zeroizing<String>, Error> {
    text(SESSION_KEY, 32)
}

/// Random characters of an alphabet of at most 256, each as likely as the others.
fn text(alphabet: &[u8], length: usize) -> Result<Zeroizing<String>, Error> {
    // A byte above the last multiple of the alphabet would make its first characters likelier.
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        let bytes = Zeroizing::new(random::<64>()?);
        let drawn = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        let missing = length - text.len();
        text.extend(drawn.map(|byte| char::from(alphabet[byte % alphabet.len()])).take(missing));
    }
    Ok(text)
}

#[cfg(feature = "cli")]
const SECRET_KEY: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)";
const SESSION_KEY: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_django_s_and_differ() {
        let (a, b) = (text(b"ab01", 50).unwrap(), text(b"ab01", 50).unwrap());
        assert!(a.len() == 50 && *a != *b);
        assert!(a.bytes().all(|byte| b"ab01".contains(&byte)));
        assert_eq!(session_key().unwrap().len(), 32);
    }

    #[test]
    fn every_character_comes() {
        let many: String = (0..100).map(|_| session_key().unwrap().to_string()).collect();
        assert!(SESSION_KEY.iter().all(|byte| many.contains(char::from(*byte))));
    }
}
