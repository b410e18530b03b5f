//! The secret of a new site.

use zeroize::Zeroizing;

use crate::ctx::random;
use crate::error::Error;

/// Django's `get_random_secret_key`: 50 characters.
pub(crate) fn secret_key() -> Result<Zeroizing<String>, Error> {
    let mut key = Zeroizing::new(String::with_capacity(LENGTH));
    while key.len() < LENGTH {
        let bytes = Zeroizing::new(random::<64>()?);
        // 250 is a multiple of 50: the bytes above it would make the first characters likelier.
        let fair = bytes.iter().filter(|byte| **byte < 250).map(|byte| char::from(CHARACTERS[usize::from(byte % 50)]));
        let missing = LENGTH - key.len();
        key.extend(fair.take(missing));
    }
    Ok(key)
}

const LENGTH: usize = 50;
const CHARACTERS: &[u8; 50] = b"abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_django_s_and_differ() {
        let (a, b) = (secret_key().unwrap(), secret_key().unwrap());
        assert!(a.len() == LENGTH && *a != *b);
        assert!(a.bytes().all(|byte| CHARACTERS.contains(&byte)));
    }

    #[test]
    fn every_character_comes() {
        let many: String = (0..100).map(|_| secret_key().unwrap().to_string()).collect();
        assert!(CHARACTERS.iter().all(|byte| many.contains(char::from(*byte))));
    }
}
