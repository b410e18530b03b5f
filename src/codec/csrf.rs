//! The tokens of Django's CSRF protection: 32 characters, and a masked form of 64 that looks
//! different in every page (against BREACH).

use zeroize::Zeroizing;

use super::password::salt;
use super::{Mismatch, Proof, same};

/// Why a text is no token (Django `InvalidTokenFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadToken {
    /// Neither 32 nor 64 characters.
    Length,
    /// Characters other than ASCII letters and digits.
    Characters,
}

/// A token without its mask. No `Debug`, no `==`.
pub struct Token(Zeroizing<[u8; LENGTH]>);

impl Token {
    /// Reads a token, masked or plain (`_check_token_format`, then `_unmask_cipher_token`).
    ///
    /// # Errors
    /// [`BadToken`]; the length is looked at first.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let length = text.chars().count();
        if length != LENGTH && length != 2 * LENGTH {
            return Err(BadToken::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(BadToken::Characters);
        }
        let (mask, cipher) = text.as_bytes().split_at(length - LENGTH);
        let mut secret = Zeroizing::new([0; LENGTH]);
        for (i, (symbol, hidden)) in secret.iter_mut().zip(cipher).enumerate() {
            *symbol = mask.get(i).map_or(*hidden, |mask| combined(*hidden, COUNT - index(*mask)));
        }
        Ok(Self(secret))
    }

    /// A new secret, as one goes into the cookie (`_get_new_csrf_string`).
    pub fn fresh(random: &[u8; RANDOM]) -> Self {
        let mut secret = Zeroizing::new([0; LENGTH]);
        secret.copy_from_slice(Zeroizing::new(salt::characters(random, LENGTH)).as_bytes());
        Self(secret)
    }

    /// The plain form.
    pub fn secret(&self) -> &str {
        // It is ASCII by construction.
        std::str::from_utf8(&self.0[..]).unwrap_or_default()
    }

    /// The form for a page, under a mask of `random` (`_mask_cipher_secret`).
    pub fn masked(&self, random: &[u8; RANDOM]) -> String {
        self.under(salt::characters(random, LENGTH))
    }

    /// Whether this token, which came with a form or a header, has the secret of the cookie or the
    /// session (`_does_token_match`).
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn matches(&self, secret: &Token) -> Result<Proof, Mismatch> {
        same(&self.0[..], &secret.0[..])
    }

    fn under(&self, mask: String) -> String {
        let mut text = mask;
        for i in 0..LENGTH {
            let shift = index(text.as_bytes()[i]);
            text.push(char::from(combined(self.0[i], shift)));
        }
        text
    }
}

/// The symbol that stands `shift` places after another, round the alphabet.
fn combined(symbol: u8, shift: u8) -> u8 {
    salt::ALPHABET[usize::from((index(symbol) + shift) % COUNT)]
}

/// The place of a letter or digit in [`salt::ALPHABET`].
fn index(symbol: u8) -> u8 {
    match symbol {
        b'a'..=b'z' => symbol - b'a',
        b'A'..=b'Z' => symbol - b'A' + 26,
        _ => symbol.wrapping_sub(b'0') % 10 + 52,
    }
}

const LENGTH: usize = 32;
const COUNT: u8 = 62;
/// 320 bits for 32 characters of 5.95: 129 to spare, so that no character is visibly likelier.
const RANDOM: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn parsed(text: &str) -> Result<String, BadToken> {
        Token::parse(text).map(|token| token.secret().to_owned())
    }

    #[test]
    fn a_masked_token_is_unmasked_as_by_django() {
        let masked = format!("{}{}abcdefghijklmnopqrstuvwxyz012345", "a".repeat(16), "Z".repeat(16));
        assert_eq!(parsed(&masked).as_deref(), Ok("abcdefghijklmnopBCDEFGHIJKbcdefg"));
        let token = Token::parse(&masked).unwrap();
        assert_eq!(token.under(masked[..32].to_owned()), masked);
    }

    #[test]
    fn length_is_looked_at_before_characters() {
        for (text, expected) in [
            ("a".repeat(31), BadToken::Length),
            ("-".repeat(33), BadToken::Length),
            (String::new(), BadToken::Length),
            ("a".repeat(63), BadToken::Length),
            ("a".repeat(65), BadToken::Length),
            ("\u{e9}".repeat(16), BadToken::Length), // 32 bytes, 16 characters
            ("\u{e9}".repeat(32), BadToken::Characters),
            ("a".repeat(31) + "\n", BadToken::Characters),
            ("a".repeat(63) + "_", BadToken::Characters),
            ("a".repeat(31) + "\u{663}", BadToken::Characters), // a digit to Python's str.isdigit
        ] {
            assert_eq!(parsed(&text), Err(expected), "{text:?}");
        }
        assert_eq!(parsed(&"9".repeat(32)), Ok("9".repeat(32)));
    }

    #[test]
    fn characters_are_equally_likely() {
        let mut counts = [0_u32; 62];
        for n in 0_u32..2000 {
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &n.to_be_bytes());
            let token = Token::fresh(hash.as_ref()[..RANDOM].try_into().unwrap());
            token.secret().bytes().for_each(|symbol| counts[usize::from(index(symbol))] += 1);
        }
        // 64,000 characters: 1032 of each, with a standard deviation of 32.
        assert!(counts.iter().all(|count| (870..1200).contains(count)), "{counts:?}");
    }

    /// tests/vectors/attacks/signing.jsonl: masked tokens, with Django's answers.
    #[test]
    fn tokens_match_as_they_do_in_django() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/attacks/signing.jsonl");
        let mut count = 0;
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            if case["class"] == "csrf-mask" {
                count += 1;
                let text = |name: &str| case[name].as_str().unwrap();
                let (token, secret) = (Token::parse(text("token")).unwrap(), Token::parse(text("secret")).unwrap());
                assert_eq!(token.secret(), text("unmasked"));
                assert_eq!(token.matches(&secret).is_ok(), case["django"].as_bool().unwrap(), "{}", case["id"]);
            }
        }
        assert_eq!(count, 40);
    }

    proptest! {
        #[test]
        fn every_mask_of_a_secret_matches_it_and_no_other(
            a: [u8; RANDOM], b: [u8; RANDOM], mask_a: [u8; RANDOM], mask_b: [u8; RANDOM],
        ) {
            let (one, other) = (Token::fresh(&a), Token::fresh(&b));
            let (in_page, in_cookie) = (one.masked(&mask_a), one.masked(&mask_b));
            let read = parsed(&in_page);
            prop_assert_eq!(read.as_deref(), Ok(one.secret()));
            let page = Token::parse(&in_page).unwrap();
            prop_assert!(page.matches(&Token::parse(&in_cookie).unwrap()).is_ok());
            prop_assert!(page.matches(&one).is_ok());
            prop_assert_eq!(page.matches(&other).is_ok(), one.secret() == other.secret());
        }
    }
}
