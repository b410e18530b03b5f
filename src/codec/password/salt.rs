//! Salts of Django's alphabet, which are text: the characters themselves are hashed.

/// `count` characters of Django's `RANDOM_STRING_CHARS`: the random bytes read as one number and
/// written to base 62. With 128 bits to spare or 80 (22 characters of 32 bytes, 40 of 40) no
/// character is visibly likelier than another.
pub(in crate::codec) fn characters(random: &[u8], count: usize) -> String {
    let mut number = random.to_vec();
    (0..count).map(|_| char::from(ALPHABET[usize::from(divide(&mut number))])).collect()
}

/// A fresh salt of Django's length.
pub(super) fn fresh(random: &[u8; 32]) -> String {
    characters(random, LENGTH)
}

/// Whether Django finds that a salt has too little entropy (`must_update_salt` with 128 bits):
/// fewer characters than a fresh one has.
pub(super) fn is_short(characters: usize) -> bool {
    characters < LENGTH
}

/// Divides a big-endian number by 62 and returns the remainder.
fn divide(number: &mut [u8]) -> u8 {
    let mut rest = 0_u16;
    for byte in number {
        let value = rest << 8 | u16::from(*byte);
        *byte = (value / 62) as u8; // fits: rest < 62
        rest = value % 62;
    }
    rest as u8
}

/// `RANDOM_STRING_CHARS`, which are those of CSRF tokens as well.
pub(in crate::codec) const ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LENGTH: usize = 22; // the least whose log2(62) per character make 128 bits

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_number_to_base_62() {
        let of = |number: u128, count| characters(&number.to_be_bytes(), count);
        assert_eq!(of(0, 3), "aaa");
        assert_eq!(of(61, 3), "9aa");
        assert_eq!(of(62, 3), "aba");
        assert_eq!(of(62 * 62 * 25 + 62 * 26 + 27, 3), "BAz");
        assert_eq!(of(62_u128.pow(21) - 1, 21), "9".repeat(21));
    }

    #[test]
    fn every_character_of_a_salt_comes_up() {
        let mut seen = std::collections::BTreeSet::new();
        for n in 0_u32..200 {
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &n.to_be_bytes());
            let salt = fresh(hash.as_ref().try_into().unwrap());
            assert_eq!(salt.len(), 22);
            seen.extend(salt.into_bytes().into_iter().enumerate());
        }
        assert!(seen.len() > 22 * 62 * 9 / 10, "{}", seen.len());
    }

    #[test]
    fn shortness_is_django_s() {
        for (length, short) in [(0, true), (21, true), (22, false), (40, false)] {
            assert_eq!(is_short(length), short);
            assert_eq!(is_short(length), length as f64 * 62_f64.log2() < 128.0);
        }
    }
}
