//! django-rest-knox's `TokenAuthentication`: a prefix and a token of which a table has the hash.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Building, Scheme, SchemeDef, Stop};
use crate::accounts::knox::{Knox as Kept, MOST_CHARACTERS, MOST_PREFIX, Refresh};
use crate::accounts::tokens::Tokens;
use crate::codec::authorization::{Credentials, credentials};
use crate::codec::digest::{HASHES, Hash};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind, OptionDef, Values};
use crate::request::Request;
use crate::store::tables::Identifier;
use crate::store::{KnoxTable, MOST_KNOX_TABLES};
use crate::verdict::{About, Auth, Effects, Identity, Refusal, active};

pub(super) const DEF: SchemeDef = SchemeDef {
    name: "knox",
    peer: "knox",
    class: "TokenAuthentication",
    doc: "Any number of tokens a user, with an end, of which the table of django-rest-knox has the hashes. Its options are \
          the members of REST_KNOX; those that only `knox_login` has a use for are there.",
    options: OPTIONS,
    takes_passwords: false,
    writes: false,
    build,
};

const OPTIONS: &[OptionDef] = &[
    OptionDef {
        name: "auth_header_prefix",
        kind: Kind::HeaderWord,
        default: "\"Token\"",
        doc: "The word before the token in `Authorization`, in any case of letters, and the challenge.",
    },
    OptionDef {
        name: "secure_hash_algorithm",
        kind: Kind::Word(HASHES),
        default: "\"hashlib.sha512\"",
        doc: "The hash of tokens in the table. Another dotted path is Python code, which this library cannot run, or too weak.",
    },
    OptionDef {
        name: "auth_token_character_length",
        kind: Kind::Integer(32, MOST_CHARACTERS),
        default: "64",
        doc: "Characters of a new token, four random bits each; fewer than 32 could be guessed.",
    },
    OptionDef {
        name: "token_prefix",
        kind: Kind::CookieText,
        default: "\"\"",
        doc: "What new tokens begin with, at most 10 characters.",
    },
    OptionDef {
        name: "token_ttl",
        kind: Kind::Integer(0, MOST_SECONDS),
        default: "36000",
        doc: "Seconds that a new token lasts; 0 (None): it does not end.",
    },
    OptionDef {
        name: "token_limit_per_user",
        kind: Kind::Integer(0, 1 << 31),
        default: "0",
        doc: "How many tokens that have not ended a user may have; 0 (None): any number. It holds for every way of making \
              one, where knox's holds for its view.",
    },
    OptionDef {
        name: "auto_refresh",
        kind: Kind::Boolean,
        default: "false",
        doc: "Whether the use of a token puts its end off to `token_ttl` from then.",
    },
    OptionDef {
        name: "auto_refresh_max_ttl",
        kind: Kind::Integer(0, MOST_SECONDS),
        default: "0",
        doc: "Seconds after its creation beyond which no end is put off; 0 (None): for ever.",
    },
    OptionDef {
        name: "min_refresh_interval",
        kind: Kind::Integer(0, MOST_SECONDS),
        default: "60",
        doc: "Seconds by which an end has to move for it to be written.",
    },
    OptionDef {
        name: "token_model",
        kind: Kind::Word(&["knox.AuthToken"]),
        default: "\"knox.AuthToken\"",
        doc: "Another TOKEN_MODEL is Python code: what counts is its `table`.",
    },
    OptionDef {
        name: "table",
        kind: Kind::Identifier,
        default: "\"knox_authtoken\"",
        doc: "The table of the tokens, with the columns of knox's `AbstractAuthToken`.",
    },
];

/// A hundred years.
const MOST_SECONDS: i64 = 3_153_600_000;

struct Knox {
    prefix: String,
    kept: Arc<Kept>,
}

fn build(options: &Values, building: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let prefix = options.text("token_prefix");
    if prefix.chars().count() > MOST_PREFIX {
        return Err(Error::Invalid("token_prefix has more than 10 characters"));
    }
    let hash = Hash::named(options.text("secure_hash_algorithm")).ok_or(Error::Invalid("no such hash"))?;
    let seconds = |name| Some(options.integer(name)).filter(|n| *n > 0).map(SignedDuration::from_secs);
    let kept = Arc::new(Kept {
        table: table(options, building)?,
        hash,
        characters: usize::try_from(options.integer("auth_token_character_length")).unwrap_or(64),
        prefix: prefix.to_owned(),
        ttl: seconds("token_ttl"),
        limit: Some(options.integer("token_limit_per_user")).filter(|n| *n > 0),
        refresh: options.is("auto_refresh").then(|| Refresh {
            least: SignedDuration::from_secs(options.integer("min_refresh_interval")),
            max_ttl: seconds("auto_refresh_max_ttl"),
        }),
    });
    building.tokens = Some(Tokens::Knox(kept.clone()));
    Ok(Box::new(Knox { prefix: options.text("auth_header_prefix").to_owned(), kept }))
}

/// The table that the options name; one object, with one statement, for every scheme that names it.
fn table(options: &Values, building: &mut Building<'_>) -> Result<Arc<KnoxTable>, Error> {
    let name = Identifier::parse(options.text("table"))?;
    if let Some(table) = building.knox_tables.iter().find(|known| known.table == name) {
        return Ok(table.clone());
    }
    let number = building.knox_tables.len();
    if number == MOST_KNOX_TABLES {
        return Err(Error::Unsupported("more than 4 tables of knox"));
    }
    let table = Arc::new(KnoxTable::new(name, building.users, number));
    building.knox_tables.push(table.clone());
    Ok(table)
}

impl Scheme for Knox {
    fn authenticate(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Option<Identity>, Stop> {
        let Some(header) = request.authorization() else { return Ok(None) };
        let token = match credentials(header, &self.prefix) {
            None => return Ok(None),
            Some(Credentials::Missing) => return Err(MISSING.into()),
            Some(Credentials::Spaces) => return Err(SPACES.into()),
            // knox raises here, and a server answers 500.
            Some(Credentials::One(word)) => std::str::from_utf8(word).map_err(|_| CHARACTERS)?,
        };
        let Some((user, digest, proof)) = self.kept.owner(ctx, token, effects)? else {
            return Err(UNKNOWN.about(About::Credential(self.kept.digest(token))).into());
        };
        match active(user) {
            Ok(user) => Ok(Some(Identity::new(user, proof, Auth::Knox(digest)))),
            Err(inactive) => Err(inactive.about(About::Credential(digest)).into()),
        }
    }

    fn challenge(&self) -> Option<&str> {
        Some(&self.prefix)
    }
}

const MISSING: Refusal = Refusal::failed("knox.missing", "Invalid token header. No credentials provided.");
const SPACES: Refusal = Refusal::failed("knox.spaces", "Invalid token header. Token string should not contain spaces.");
const CHARACTERS: Refusal = Refusal::failed("knox.characters", "Invalid token.");
const UNKNOWN: Refusal = Refusal::failed("knox.unknown", "Invalid token.");
