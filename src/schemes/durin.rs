//! django-rest-durin's `TokenAuthentication`: a prefix and a token that a table has for a user and a
//! client; and what a client is allowed, which durin has permissions and a throttle for.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Building, Scheme, SchemeDef, Stop};
use crate::accounts::durin::{Durin as Kept, Found, MOST_CHARACTERS};
use crate::accounts::tokens::Tokens;
use crate::codec::Secret;
use crate::codec::authorization::{Credentials, credentials};
use crate::codec::rate::Rate;
use crate::ctx::{Ctx, Rates};
use crate::error::Error;
use crate::options::{Kind, OptionDef, Values};
use crate::request::Request;
use crate::store::tables::Identifier;
use crate::store::{Client, DurinTable, MOST_DURIN_TABLES, User};
use crate::verdict::{About, Auth, Effects, Identity, Refusal, active};

pub(super) const DEF: SchemeDef = SchemeDef {
    name: "durin",
    peer: "durin",
    class: "TokenAuthentication",
    doc: "One token for each user and client, with an end, of the tables of django-rest-durin. Its options are the members \
          of REST_DURIN; those that only an endpoint has a use for are there. AUTHTOKEN_SELECT_RELATED_LIST and \
          TOKEN_CACHE_TIMEOUT are none: a request is one statement, and is never answered from a cache, which would let a \
          deleted token in.",
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
        name: "token_character_length",
        kind: Kind::Integer(32, MOST_CHARACTERS),
        default: "64",
        doc: "Characters of a new token, four random bits each; fewer than 32 could be guessed.",
    },
    OptionDef {
        name: "default_token_ttl",
        kind: Kind::Integer(1, MOST_SECONDS),
        default: "86400",
        doc: "Seconds that tokens of a client last that `authchain client create` makes without `--token-ttl`.",
    },
    OptionDef {
        name: "allow_clients",
        kind: Kind::Texts,
        default: "[]",
        doc: "The names of the clients that may ask (durin's `AllowSpecificClients`), others get 403; every one when empty. Not \
              where the `control` of a chain is optional, which keeps nobody out: the file is refused.",
    },
    OptionDef {
        name: "deny_clients",
        kind: Kind::Texts,
        default: "[]",
        doc: "The names of clients that may not (`DisallowSpecificClients`). Not where `control` is optional.",
    },
    OptionDef {
        name: "user_per_client",
        kind: Kind::Text,
        default: "\"\"",
        doc: "How often a user may ask by a client (`UserClientRateThrottle`): a rate of DRF, `100/h`, that holds for clients \
              without one of their own, or `none`: only those of the clients hold. Not at all when empty. Beyond it: 429. \
              Requests are counted where `[throttle]` says. Logging out is always possible, but in exact mode. Not where `control` is optional.",
    },
    OptionDef {
        name: "table",
        kind: Kind::Identifier,
        default: "\"durin_authtoken\"",
        doc: "The table of the tokens.",
    },
    OptionDef {
        name: "client_table",
        kind: Kind::Identifier,
        default: "\"durin_client\"",
        doc: "The table of the clients.",
    },
];

/// A hundred years.
const MOST_SECONDS: i64 = 3_153_600_000;

struct Durin {
    prefix: String,
    kept: Arc<Kept>,
    allowed: Vec<String>,
    denied: Vec<String>,
    limit: Limit,
}

/// How often users may ask by their clients.
enum Limit {
    /// As often as they like.
    Any,
    /// By the rate of the client; by this one where it has none.
    OfClients(Option<Rate>),
}

fn build(options: &Values, building: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let limit =
        match options.text("user_per_client") {
            "" => Limit::Any,
            "none" => Limit::OfClients(None),
            rate => Limit::OfClients(Some(Rate::of_drf(rate).map_err(|_| {
                Error::Invalid("user_per_client is no rate of DRF, such as \"100/h\", and not \"none\"")
            })?)),
        };
    let kept = Arc::new(Kept {
        table: table(options, building)?,
        characters: usize::try_from(options.integer("token_character_length")).unwrap_or(64),
        default_ttl: SignedDuration::from_secs(options.integer("default_token_ttl")),
    });
    building.tokens = Some(Tokens::Durin(kept.clone()));
    Ok(Box::new(Durin {
        prefix: options.text("auth_header_prefix").to_owned(),
        kept,
        allowed: options.list("allow_clients").to_vec(),
        denied: options.list("deny_clients").to_vec(),
        limit,
    }))
}

/// The tables that the options name; one object, with one statement, for every scheme that names them.
fn table(options: &Values, building: &mut Building<'_>) -> Result<Arc<DurinTable>, Error> {
    let tokens = Identifier::parse(options.text("table"))?;
    let clients = Identifier::parse(options.text("client_table"))?;
    if let Some(known) = building.durin_tables.iter().find(|t| t.tokens == tokens && t.clients == clients) {
        return Ok(known.clone());
    }
    let number = building.durin_tables.len();
    if number == MOST_DURIN_TABLES {
        return Err(Error::Unsupported("more than 4 tables of durin"));
    }
    let table = Arc::new(DurinTable::new(tokens, clients, building.users, number));
    building.durin_tables.push(table.clone());
    Ok(table)
}

impl Scheme for Durin {
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
            // durin raises here, and a server answers 500.
            Some(Credentials::One(word)) => std::str::from_utf8(word).map_err(|_| CHARACTERS)?,
        };
        let about = || About::Credential(Secret::new(token));
        match self.kept.find(ctx, token, effects)? {
            Found::Nobody => Err(UNKNOWN.about(about()).into()),
            Found::Expired => Err(EXPIRED.about(about()).into()),
            Found::Owner(user, row, proof) => {
                let user = active(user).map_err(|inactive| inactive.about(about()))?;
                let row = Arc::new(row);
                let identity = Identity::new(user, proof, Auth::Durin(row.clone()));
                self.permit(&identity.user, &row.client)?;
                self.admit(ctx, &identity.user, &row.client)?;
                Ok(Some(identity))
            }
        }
    }

    fn challenge(&self) -> Option<&str> {
        Some(&self.prefix)
    }

    fn limit(&self) -> Option<&'static str> {
        let has_rates = matches!(self.limit, Limit::OfClients(_));
        let set = [("user_per_client", has_rates), ("allow_clients", !self.allowed.is_empty())];
        let set = set.into_iter().chain([("deny_clients", !self.denied.is_empty())]);
        set.filter(|(_, is_set)| *is_set).map(|(name, _)| name).next()
    }
}

impl Durin {
    /// durin's two permissions, by the name of the client.
    fn permit(&self, user: &User, client: &Client) -> Result<(), Refusal> {
        let is_allowed = self.allowed.is_empty() || self.allowed.contains(&client.name);
        if is_allowed && !self.denied.contains(&client.name) {
            return Ok(());
        }
        Err(Refusal::denied("durin.client", Refusal::NO_PERMISSION).about(About::Name(user.name().to_owned())))
    }

    /// durin's throttle.
    fn admit(&self, ctx: &Ctx<'_>, user: &User, client: &Client) -> Result<(), Stop> {
        let Limit::OfClients(usual) = &self.limit else { return Ok(()) };
        let own = Some(client.throttle_rate.as_str()).filter(|rate| !rate.is_empty()).map(Rate::of_drf).transpose();
        let own = own.map_err(|_| Error::Invalid("the throttle_rate of a client of durin is no rate of DRF"))?;
        let Some(rate) = own.or(*usual) else { return Ok(()) };
        let key = format!("{} user {} client {}", self.kept.table.tokens.name(), user.id, client.id);
        let admitted = match ctx.rates {
            Rates::Counted => ctx.requests.admit(&key, rate, ctx.now_us())?,
            Rates::Looked => ctx.requests.look(&key, rate, ctx.now_us())?,
            Rates::Off => Ok(()),
        };
        match admitted {
            Ok(()) => Ok(()),
            Err(seconds) => {
                let refusal = Refusal { slug: "durin.throttled", ..Refusal::throttled(seconds) };
                Err(refusal.about(About::Name(user.name().to_owned())).into())
            }
        }
    }
}

const MISSING: Refusal = Refusal::failed("durin.missing", "Invalid token header. No credentials provided.");
const SPACES: Refusal =
    Refusal::failed("durin.spaces", "Invalid token header. Token string should not contain spaces.");
const CHARACTERS: Refusal = Refusal::failed("durin.characters", "Invalid token.");
const UNKNOWN: Refusal = Refusal::failed("durin.unknown", "Invalid token.");
const EXPIRED: Refusal = Refusal::failed("durin.expired", "The given token has expired.");
