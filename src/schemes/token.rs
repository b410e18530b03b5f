//! DRF's `TokenAuthentication`: a keyword and a key that stands in a table.

use std::sync::Arc;

use super::{Building, Scheme, SchemeDef, Stop};
use crate::accounts::tokens::{self, Tokens};
use crate::codec::Secret;
use crate::codec::authorization::{Credentials, credentials};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind, OptionDef, Values};
use crate::request::Request;
use crate::store::tables::Identifier;
use crate::store::{MOST_TOKEN_TABLES, TokensTable};
use crate::verdict::{About, Auth, Effects, Identity, Refusal, active};

pub(super) const DEF: SchemeDef = SchemeDef {
    name: "token",
    peer: "DRF",
    class: "TokenAuthentication",
    doc: "One key per user in the table of DRF's `rest_framework.authtoken`.",
    options: &[
        OptionDef {
            name: "keyword",
            kind: Kind::HeaderWord,
            default: "\"Token\"",
            doc: "The word before the key in `Authorization`, in any case of letters, and the challenge.",
        },
        OptionDef {
            name: "table",
            kind: Kind::Identifier,
            default: "\"authtoken_token\"",
            doc: "The table of the tokens.",
        },
        OptionDef { name: "key_column", kind: Kind::Identifier, default: "\"key\"", doc: "Its column of the keys." },
        OptionDef {
            name: "user_column",
            kind: Kind::Identifier,
            default: "\"user_id\"",
            doc: "Its column of the owner's key.",
        },
        OptionDef {
            name: "created_column",
            kind: Kind::Identifier,
            default: "\"created\"",
            doc: "Its column of the moment of creation.",
        },
        OptionDef {
            name: "auto_create",
            kind: Kind::Boolean,
            default: "false",
            doc: "Whether every user made here (by the command, the C function or `remote_user`) gets a token at once, as by the \
                  guide's signal. For users whom Django makes see docs/tokens.md.",
        },
    ],
    takes_passwords: false,
    writes: false,
    build,
};

struct Token {
    keyword: String,
    table: Arc<TokensTable>,
}

fn build(options: &Values, building: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let table = table(options, building)?;
    building.tokens = Some(Tokens::Authtoken(table.clone()));
    Ok(Box::new(Token { keyword: options.text("keyword").to_owned(), table }))
}

/// The table that the options name; one object for every scheme that names it alike.
fn table(options: &Values, building: &mut Building<'_>) -> Result<Arc<TokensTable>, Error> {
    let name = |option| Identifier::parse(options.text(option));
    let names = [name("table")?, name("key_column")?, name("user_column")?, name("created_column")?];
    let known = |t: &&Arc<TokensTable>| [&t.table, &t.key, &t.user, &t.created] == names.each_ref();
    if let Some(table) = building.token_tables.iter().find(known) {
        return Ok(table.clone());
    }
    let number = building.token_tables.len();
    if number == MOST_TOKEN_TABLES {
        return Err(Error::Unsupported("more than 16 token tables"));
    }
    let table = Arc::new(TokensTable::new(names, building.users, number));
    building.token_tables.push(table.clone());
    Ok(table)
}

impl Scheme for Token {
    fn authenticate(&self, request: &Request<'_>, ctx: &Ctx<'_>, _: &mut Effects) -> Result<Option<Identity>, Stop> {
        let Some(header) = request.authorization() else { return Ok(None) };
        let key = match credentials(header, &self.keyword) {
            None => return Ok(None),
            Some(Credentials::Missing) => return Err(MISSING.into()),
            Some(Credentials::Spaces) => return Err(SPACES.into()),
            Some(Credentials::One(word)) => std::str::from_utf8(word).map_err(|_| CHARACTERS)?,
        };
        let Some((user, stored, proof)) = tokens::owner(ctx, &self.table, key)? else {
            return Err(UNKNOWN.about(About::Credential(Secret::new(key))).into());
        };
        match active(user) {
            Ok(user) => Ok(Some(Identity::new(user, proof, Auth::Token(stored)))),
            Err(inactive) => Err(inactive.about(About::Credential(stored)).into()),
        }
    }

    fn challenge(&self) -> Option<&str> {
        Some(&self.keyword)
    }
}

const MISSING: Refusal = Refusal::failed("token.missing", "Invalid token header. No credentials provided.");
const SPACES: Refusal =
    Refusal::failed("token.spaces", "Invalid token header. Token string should not contain spaces.");
const CHARACTERS: Refusal =
    Refusal::failed("token.characters", "Invalid token header. Token string should not contain invalid characters.");
const UNKNOWN: Refusal = Refusal::failed("token.unknown", "Invalid token.");
