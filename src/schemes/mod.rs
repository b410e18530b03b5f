//! Who is asking? One file per scheme, and the table that names them all.

pub(crate) mod basic;
pub(crate) mod custom;
pub(crate) mod durin;
pub(crate) mod jwt;
pub(crate) mod knox;
pub(crate) mod probe;
pub(crate) mod remote_user;
pub(crate) mod session;
pub(crate) mod token;

use std::sync::Arc;

use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::Tokens;
use crate::csrf::Csrf;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::KeyRing;
use crate::options::{OptionDef, Values};
use crate::request::Request;
use crate::store::{DurinTable, KnoxTable, TokensTable, UsersTable};
use crate::verdict::{Effects, Identity, Refusal};

/// DRF's `BaseAuthentication`.
pub(crate) trait Scheme: Send + Sync {
    /// `Ok(None)`: these credentials are not mine, ask the next.
    fn authenticate(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Option<Identity>, Stop>;

    /// The value of `WWW-Authenticate` (DRF's `authenticate_header`); `None` turns a 401 into 403.
    fn challenge(&self) -> Option<&str> {
        None
    }

    /// Whether it needs the body of this request (a form with a CSRF token).
    fn wants_body(&self, _request: &Request<'_>) -> bool {
        false
    }

    /// The option by which it refuses users whose credentials are right, if one is set: a chain that asks it
    /// without heeding it would let them through as nobody.
    fn limit(&self) -> Option<&'static str> {
        None
    }

    /// What the scheme looks at, for `explain`; never a secret.
    fn reads(&self) -> &'static str {
        AUTHORIZATION
    }

    /// The header that says who it is, which must not reach an application as a client wrote it.
    fn identity_header(&self) -> Option<&str> {
        None
    }

    /// The headers that its answer depends on, for `Vary` (RFC 9110 §12.5.5).
    fn varies(&self) -> Vec<&str> {
        vec![AUTHORIZATION]
    }
}

/// The header that most schemes read.
pub(crate) const AUTHORIZATION: &str = "Authorization";

/// Why a scheme did not say yes or "not mine".
pub(crate) enum Stop {
    /// An answer: no.
    Refused(Box<Refusal>),
    /// No answer.
    Broken(Error),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// What a scheme is made from: its row in the table.
pub(crate) struct SchemeDef {
    /// The name in the configuration.
    pub name: &'static str,
    /// Whose scheme it is, for docs/config.md.
    pub peer: &'static str,
    /// The class of the peer, shown by `explain`.
    pub class: &'static str,
    /// One sentence for docs/config.md.
    pub doc: &'static str,
    /// Its options.
    pub options: &'static [OptionDef],
    /// Whether whoever asks can try passwords.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "doctor asks"))]
    pub takes_passwords: bool,
    /// Whether it has no answer where the database cannot be written.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "doctor asks"))]
    pub writes: bool,
    /// Makes the scheme from checked options.
    pub build: Build,
}

/// Makes a scheme of its checked options.
pub(crate) type Build = fn(&Values, &mut Building<'_>) -> Result<Box<dyn Scheme>, Error>;

/// What schemes share while a configuration is built.
pub(crate) struct Building<'a> {
    /// The name of the scheme in the configuration.
    pub name: &'a str,
    pub users: &'a UsersTable,
    /// The token tables so far; schemes of one table share it.
    pub token_tables: &'a mut Vec<Arc<TokensTable>>,
    /// The tables of knox so far, likewise.
    pub knox_tables: &'a mut Vec<Arc<KnoxTable>>,
    /// Those of durin.
    pub durin_tables: &'a mut Vec<Arc<DurinTable>>,
    /// The sets of keys so far, likewise.
    pub key_rings: &'a mut Vec<Arc<KeyRing>>,
    /// The tokens of the scheme being built, which it leaves here if it keeps any.
    pub tokens: Option<Tokens>,
    /// The class of the peer, which the scheme leaves here if its options make it another one.
    pub class: Option<&'static str>,
    /// SECRET_KEY.
    pub secret_key: &'a str,
    pub sessions: &'a Arc<Sessions>,
    pub csrf: &'a Arc<Csrf>,
    /// Whether `authentication_backends` has one for `remote_user`.
    pub remote_user_backend: bool,
    /// Whether to answer as the peers do where we are stricter.
    pub exact: bool,
}

/// Every scheme that a configuration file can name; the host's custom schemes come on top.
pub(crate) const SCHEMES: &[SchemeDef] =
    &[basic::DEF, token::DEF, knox::DEF, jwt::DEF, durin::DEF, session::DEF, remote_user::DEF];

/// Schemes that only `explain --batch` knows: the test classes of the DRF oracle.
pub(crate) const PROBES: &[SchemeDef] = &[probe::NEVER, probe::FAIL, probe::DENY];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_has_its_own_name_its_documentation_and_a_test_file() {
        let names: Vec<_> = SCHEMES.iter().chain(PROBES).map(|d| d.name).collect();
        for (i, def) in SCHEMES.iter().enumerate() {
            assert!(!names[..i].contains(&def.name) && !def.doc.is_empty(), "{}", def.name);
            assert!(def.options.iter().all(|o| !o.doc.is_empty()), "{}", def.name);
            let test = format!("{}/tests/{}.rs", env!("CARGO_MANIFEST_DIR"), def.name);
            assert!(std::path::Path::new(&test).exists(), "{test}");
        }
    }
}
