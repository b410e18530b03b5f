//! One file per Django table; each owns all SQL on its table. `schema` makes them all. `requests` and
//! `throttle` are tables of ours.

pub(crate) mod durin;
pub(crate) mod groups;
pub(crate) mod jwt;
pub(crate) mod knox;
pub(crate) mod requests;
#[cfg(feature = "cli")]
pub(crate) mod schema;
pub(crate) mod sessions;
pub(crate) mod throttle;
pub(crate) mod tokens;
pub(crate) mod users;

use crate::error::Error;

/// A table or column name from the configuration: `[A-Za-z_][A-Za-z0-9_]*`, 63 characters at most,
/// always quoted. The only text from outside that becomes part of an SQL statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifier(String);

impl Identifier {
    /// Checks a name.
    pub(crate) fn parse(name: &str) -> Result<Self, Error> {
        let first_fits = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        let all_fit = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if first_fits && all_fit && name.len() <= 63 {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::Invalid("a table or column name"))
        }
    }

    /// The name without quotes.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_no_identifiers() {
        for name in ["", "1a", "a b", "a\"b", "a;b", "a-b", "\u{e9}", "a.b", "a\0", "main.auth_user", "sélect", "a'"] {
            assert!(Identifier::parse(name).is_err(), "{name:?}");
        }
        assert!(Identifier::parse(&"a".repeat(64)).is_err());
    }

    #[test]
    fn a_keyword_is_fine_because_names_are_quoted() {
        assert_eq!(Identifier::parse("select").map(|i| i.to_string()).ok(), Some("\"select\"".to_owned()));
    }
}
