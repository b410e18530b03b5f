//! simplejwt's `JWTAuthentication`: a word of a header and a signed token, which says who has it; and its
//! `JWTStatelessUserAuthentication`, which believes that without a database.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::{AUTHORIZATION, Building, Scheme, SchemeDef, Stop};
use crate::accounts::jwt::{
    Believed, CLASSES, Class, Fault, Jwt as Kept, Lifetimes, Names, Owner, Token, Unfit, UserField,
};
use crate::accounts::tokens::Tokens;
use crate::codec::Secret;
use crate::codec::authorization::{Credentials, credentials_of};
use crate::codec::claims::Checks;
use crate::codec::json::Json;
use crate::codec::jws::Keys;
use crate::codec::key::{Algorithm, BadKey, Key};
use crate::ctx::Ctx;
use crate::error::{Error, Report};
use crate::keys::KeyRing;
use crate::options::{Kind, OptionDef, Values};
use crate::request::Request;
use crate::store::tables::Identifier;
use crate::store::{User, UserId};
use crate::verdict::{About, ActiveUser, Auth, Bearer, Effects, Identity, Refusal, active, active_or_not, json_text};

pub(super) const DEF: SchemeDef = SchemeDef {
    name: "jwt",
    peer: "simplejwt",
    class: CLASS,
    doc: "Signed tokens that say who has them. Its options are the members of SIMPLE_JWT, then ours; with `stateless` it is \
          `JWTStatelessUserAuthentication`. A setting that is the path of Python code can only be simplejwt's own.",
    options: OPTIONS,
    takes_passwords: false,
    writes: false,
    build,
};

const CLASS: &str = "JWTAuthentication";
const STATELESS_CLASS: &str = "JWTStatelessUserAuthentication";

const OPTIONS: &[OptionDef] = &[
    seconds("access_token_lifetime", "300", "Seconds that a new access token lasts."),
    seconds("refresh_token_lifetime", "86400", "Seconds that a new refresh token lasts."),
    flag("rotate_refresh_tokens", "false", "Whether `jwt_refresh` gives a new refresh token, too."),
    flag(
        "blacklist_after_rotation",
        "true",
        "Whether the old one then counts no more; simplejwt's default is false. When it comes again later than \
         `reuse_interval`, every refresh token that came of the same login counts no more, unless `exact`.",
    ),
    OptionDef {
        name: "algorithm",
        kind: Kind::Word(&[
            "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
            "ES256K", "EdDSA",
        ]),
        default: "\"HS256\"",
        doc: "The one algorithm of tokens, whatever their headers say.",
    },
    OptionDef {
        name: "signing_key",
        kind: Kind::Secret,
        default: "\"\"",
        doc: "The secret of HS…, `secret_key` when empty; else a private key in PEM, none when empty: then no tokens are made.",
    },
    OptionDef {
        name: "verifying_key",
        kind: Kind::Document,
        default: "\"\"",
        doc: "The public key in PEM of the other algorithms; that of `signing_key` when empty.",
    },
    OptionDef {
        name: "audience",
        kind: Kind::Texts,
        default: "[]",
        doc: "One of these must be in the claim `aud`, and new tokens are for all of them. None: `aud` is not asked for.",
    },
    text("issuer", "\"\"", "What the claim `iss` must be, and is in new tokens. Empty: it is not asked for."),
    OptionDef {
        name: "json_encoder",
        kind: Kind::Word(&[""]),
        default: "\"\"",
        doc: "Another one is Python code, which this library cannot run.",
    },
    text(
        "jwk_url",
        "\"\"",
        "The address of a set of public keys in the place of `verifying_key`: https, or http on this machine. The host \
         fetches it (`authchain serve` and Apache do; `auth_context_tick`), no request does: until it has come the answer is \
         503.",
    ),
    seconds("leeway", "0", "Seconds that clocks may differ."),
    OptionDef {
        name: "auth_header_types",
        kind: Kind::HeaderWords,
        default: "[\"Bearer\"]",
        doc: "The words before the token, in these letters exactly; the first is the challenge's.",
    },
    OptionDef {
        name: "auth_header_name",
        kind: Kind::Token,
        default: "\"HTTP_AUTHORIZATION\"",
        doc: "The request header, in Django's spelling.",
    },
    OptionDef {
        name: "user_id_field",
        kind: Kind::Identifier,
        default: "\"id\"",
        doc: "The column of the table of users that `user_id_claim` is compared with: `id` is the key, another one has to be \
              unique.",
    },
    text("user_id_claim", "\"user_id\"", "The claim that names the user."),
    OptionDef {
        name: "user_authentication_rule",
        kind: Kind::Word(&[RULE]),
        default: "\"rest_framework_simplejwt.authentication.default_user_authentication_rule\"",
        doc: "Another one is Python code.",
    },
    OptionDef {
        name: "auth_token_classes",
        kind: Kind::Words(class_names),
        default: "[\"AccessToken\"]",
        doc: "The kinds of tokens that let in, by the last parts of their paths. Classes of your own are Python code.",
    },
    text("token_type_claim", "\"token_type\"", "The claim of the kind; empty (None): kinds are not told apart."),
    text("jti_claim", "\"jti\"", "The claim of the id; empty (None): tokens have none. The tables need one."),
    OptionDef {
        name: "token_user_class",
        kind: Kind::Word(&["rest_framework_simplejwt.models.TokenUser"]),
        default: "\"rest_framework_simplejwt.models.TokenUser\"",
        doc: "Another one is Python code.",
    },
    text(
        "sliding_token_refresh_exp_claim",
        "\"refresh_exp\"",
        "The claim that says until when a sliding token is renewed.",
    ),
    seconds("sliding_token_lifetime", "300", "Seconds that a new sliding token lasts."),
    seconds("sliding_token_refresh_lifetime", "86400", "Seconds that it can be renewed."),
    flag(
        "check_revoke_token",
        "false",
        "Whether tokens end when the password is changed: each has the MD5 of its hash.",
    ),
    text("revoke_token_claim", "\"hash_password\"", "The claim of that."),
    flag("check_user_is_active", "true", "Whether the tokens of inactive users are refused."),
    flag(
        "stateless",
        "false",
        "Whether the claims are believed without a look at the users: who is inactive or deleted comes in until the token ends.",
    ),
    flag(
        "trust_flags",
        "false",
        "Whether `stateless` believes the claims `is_staff` and `is_superuser`, too. `exact` does.",
    ),
    flag(
        "blacklist",
        "true",
        "Whether the tables of simplejwt's application `token_blacklist` are there. Without them no refresh token can be taken \
         back.",
    ),
    flag(
        "revocable",
        "false",
        "Whether access tokens are in the tables, too, and are looked up for each request, so that they can be taken back. \
         simplejwt's never are.",
    ),
    OptionDef {
        name: "require",
        kind: Kind::Texts,
        default: "[]",
        doc: "Claims that a token must have besides, such as `aud`, `iss`, `iat`.",
    },
    seconds(
        "reuse_interval",
        "10",
        "Seconds after its rotation in which a refresh token that comes again is refused and nothing else: two pages may \
         have renewed it at once.",
    ),
    OptionDef {
        name: "jwks_file",
        kind: Kind::File,
        default: "\"\"",
        doc: "The path of a set of public keys (JSON, RFC 7517) in the place of `verifying_key`; the `kid` of a token says \
              which. A changed file counts within a second; while it is broken the last good set does.",
    },
];

const RULE: &str = "rest_framework_simplejwt.authentication.default_user_authentication_rule";

const fn seconds(name: &'static str, default: &'static str, doc: &'static str) -> OptionDef {
    OptionDef { name, kind: Kind::Integer(0, 3_153_600_000), default, doc }
}

const fn flag(name: &'static str, default: &'static str, doc: &'static str) -> OptionDef {
    OptionDef { name, kind: Kind::Boolean, default, doc }
}

const fn text(name: &'static str, default: &'static str, doc: &'static str) -> OptionDef {
    OptionDef { name, kind: Kind::Text, default, doc }
}

fn class_names() -> Vec<&'static str> {
    CLASSES.iter().map(|(name, _)| *name).collect()
}

struct Jwt {
    words: Vec<String>,
    /// The name of another header than `Authorization`.
    header: Option<String>,
    challenge: String,
    /// The claims are believed.
    stateless: Option<Stateless>,
    kept: Arc<Kept>,
}

/// How a token's word is taken.
struct Stateless {
    /// The name of the scheme, before the keys of users without a name.
    scheme: String,
    /// Whether `is_staff` and `is_superuser` count.
    trusts_flags: bool,
}

fn build(options: &Values, building: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let challenge = challenge(options);
    let kept = Arc::new(kept(options, building, &challenge)?);
    consistent(&kept)?;
    let trusts_flags = options.is("trust_flags") || building.exact;
    let stateless = || Stateless { scheme: building.name.to_owned(), trusts_flags };
    let stateless = options.is("stateless").then(stateless);
    building.class = stateless.as_ref().map(|_| STATELESS_CLASS);
    building.tokens = Some(Tokens::Jwt(kept.clone()));
    let (words, header) = (options.list("auth_header_types").to_vec(), header(options.text("auth_header_name"))?);
    Ok(Box::new(Jwt { words, header, challenge, stateless, kept }))
}

fn kept(options: &Values, building: &mut Building<'_>, challenge: &str) -> Result<Kept, Error> {
    let algorithm = Algorithm::named(options.text("algorithm")).ok_or(Error::Invalid("no such algorithm"))?;
    let (keys, signing_key) = keys(options, algorithm, building)?;
    let some = |name| Some(options.text(name).to_owned()).filter(|text| !text.is_empty());
    Ok(Kept {
        keys,
        signing_key,
        challenge: challenge.to_owned(),
        checks: Checks {
            leeway: options.integer("leeway"),
            audience: Some(options.list("audience").to_vec()).filter(|list| !list.is_empty()),
            issuer: some("issuer").map(|issuer| vec![issuer]),
            exact: building.exact,
        },
        required: options.list("require").to_vec(),
        classes: options.list("auth_token_classes").iter().filter_map(|name| Class::named(name)).collect(),
        names: Names {
            user_id: options.text("user_id_claim").to_owned(),
            token_type: some("token_type_claim"),
            jti: some("jti_claim"),
            refresh_exp: options.text("sliding_token_refresh_exp_claim").to_owned(),
            password: options.text("revoke_token_claim").to_owned(),
        },
        lifetimes: Lifetimes {
            access: options.integer("access_token_lifetime"),
            refresh: options.integer("refresh_token_lifetime"),
            sliding: options.integer("sliding_token_lifetime"),
            sliding_refresh: options.integer("sliding_token_refresh_lifetime"),
        },
        user_field: match options.text("user_id_field") {
            "id" | "pk" => UserField::Key,
            name if name == building.users.id.name() => UserField::Key,
            name => UserField::Column(Identifier::parse(name)?),
        },
        checks_password: options.is("check_revoke_token"),
        checks_active: options.is("check_user_is_active"),
        stateless: options.is("stateless"),
        has_tables: options.is("blacklist"),
        rotates: options.is("rotate_refresh_tokens"),
        blacklists_rotated: options.is("blacklist_after_rotation"),
        revocable: options.is("revocable"),
        reuse_interval: options.integer("reuse_interval"),
    })
}

/// What tokens are believed by, and what they are signed with.
fn keys(options: &Values, algorithm: Algorithm, building: &mut Building<'_>) -> Result<(Believed, Option<Key>), Error> {
    let own = options.text("signing_key");
    let public: Vec<_> = PUBLIC.iter().filter(|name| !options.text(name).is_empty()).collect();
    if algorithm.is_symmetric() {
        if let Some(name) = public.first() {
            return Err(fault(name, "HS256, HS384 and HS512 have no public keys", "set `algorithm`, or leave it out"));
        }
        let secret = if own.is_empty() { building.secret_key } else { own };
        let key = || Key::secret(algorithm, secret.as_bytes()).map_err(|why| bad("signing_key", why));
        return Ok((Believed::Key(Keys::one(key()?)), Some(key()?)));
    }
    let private = || Key::private_pem(algorithm, own).map_err(|why| bad("signing_key", why));
    let keys = match public[..] {
        [] if own.is_empty() => {
            let text = "there is no `verifying_key`, no `jwks_file`, no `jwk_url` and no `signing_key`";
            return Err(Error::Invalid(text));
        }
        [] => Believed::Key(Keys::one(private()?)),
        [name] => believed(name, options.text(name), algorithm, building)?,
        [_, name, ..] => {
            return Err(fault(name, "the keys come from somewhere else already", "leave one of the two out"));
        }
    };
    Ok((keys, if own.is_empty() { None } else { Some(private()?) }))
}

/// The public keys that an option names.
fn believed(option: &str, text: &str, algorithm: Algorithm, building: &mut Building<'_>) -> Result<Believed, Error> {
    let (ring, remedy) = match option {
        "jwks_file" => (KeyRing::of_file(PathBuf::from(text), vec![algorithm]), ""),
        "jwk_url" => {
            (KeyRing::of_url(text, vec![algorithm]), "or have a job store the set, and name it as `jwks_file`")
        }
        _ => {
            let key = Key::public_pem(algorithm, text).map_err(|why| bad(option, why))?;
            return Ok(Believed::Key(Keys::one(key)));
        }
    };
    Ok(Believed::Set(ring.map_err(|why| fault(option, why, remedy))?.among(building.key_rings)))
}

/// The options that public keys come from.
const PUBLIC: [&str; 3] = ["verifying_key", "jwks_file", "jwk_url"];

fn bad(option: &str, why: BadKey) -> Error {
    fault(option, why.to_string(), "")
}

/// A fault of one option.
fn fault(option: &str, text: impl Into<String>, remedy: &str) -> Error {
    Report::whole(option, text, remedy).into()
}

/// Refuses what cannot work together, before somebody finds out by a token that still counts.
fn consistent(kept: &Kept) -> Result<(), Error> {
    let refused = |option, why: &str| Err(fault(option, why, ""));
    let has = |class| kept.classes.contains(&class);
    if kept.has_tables && kept.names.jti.is_none() {
        return refused("jti_claim", "without `jti_claim` no token can be in the tables: say `blacklist = false`");
    }
    if kept.revocable && !kept.has_tables {
        return refused("revocable", "`revocable` needs the tables (`blacklist`)");
    }
    if kept.revocable && has(Class::Untyped) {
        return refused("revocable", "`UntypedToken` lets in tokens that are in no table");
    }
    if kept.has_tables && kept.names.token_type.is_none() && !kept.checks.exact {
        let why = "a token that is in the tables would do as one that is not: say `blacklist = false`";
        return refused("token_type_claim", why);
    }
    if kept.rotates && kept.blacklists_rotated && !kept.has_tables {
        let why = "`blacklist_after_rotation` needs the tables (`blacklist`)";
        return refused("blacklist_after_rotation", why);
    }
    distinct(&kept.names, kept.checks.exact)
}

/// Refuses names of claims of which one would be written over another. simplejwt takes any, as long as it
/// only reads them.
fn distinct(names: &Names, exact: bool) -> Result<(), Error> {
    let named = [
        ("user_id_claim", Some(&names.user_id)),
        ("token_type_claim", names.token_type.as_ref()),
        ("jti_claim", names.jti.as_ref()),
        ("sliding_token_refresh_exp_claim", Some(&names.refresh_exp)),
        ("revoke_token_claim", Some(&names.password)),
    ];
    let named = || named.iter().filter_map(|(option, name)| Some((*option, (*name)?.as_str())));
    for (i, (option, name)) in named().enumerate() {
        if name.is_empty() {
            return Err(fault(option, "a claim without a name", ""));
        }
        if exact {
            continue;
        }
        if RESERVED.contains(&name) || (name == "jti" && option != "jti_claim") {
            return Err(fault(option, format!("the claim {name:?} says something else"), ""));
        }
        if let Some((other, _)) = named().take(i).find(|(_, other)| *other == name) {
            return Err(fault(option, format!("{name:?} is the name of `{other}`, too"), ""));
        }
    }
    Ok(())
}

/// Claims of RFC 7519 that are always written, read, or both; `sub` is free for `user_id_claim`.
const RESERVED: &[&str] = &["exp", "iat", "nbf", "iss", "aud"];

/// The challenge of the scheme and of its endpoints.
fn challenge(options: &Values) -> String {
    format!("{} realm=\"api\"", options.list("auth_header_types").first().map_or("", String::as_str))
}

/// The header of a variable of WSGI; `None` is `Authorization`.
fn header(variable: &str) -> Result<Option<String>, Error> {
    let Some(name) = variable.strip_prefix("HTTP_").filter(|name| !name.is_empty()) else {
        return Err(fault("auth_header_name", "auth_header_name starts with HTTP_", ""));
    };
    let word = |word: &str| {
        format!(
            "{}{}",
            word[..word.len().min(1)].to_ascii_uppercase(),
            word.get(1..).unwrap_or("").to_ascii_lowercase()
        )
    };
    let name = name.split('_').map(word).collect::<Vec<_>>().join("-");
    Ok(Some(name).filter(|name| name != AUTHORIZATION))
}

impl Scheme for Jwt {
    fn authenticate(&self, request: &Request<'_>, ctx: &Ctx<'_>, _: &mut Effects) -> Result<Option<Identity>, Stop> {
        let other;
        let header = match &self.header {
            None => request.authorization(),
            Some(name) => {
                other = request.header(name.as_bytes());
                other.as_deref()
            }
        };
        let raw = match header.and_then(|header| credentials_of(header, &self.words)) {
            None => return Ok(None),
            Some(Credentials::One(raw)) => raw,
            Some(Credentials::Missing | Credentials::Spaces) => return Err(HEADER.with_more(HEADER_CODE).into()),
        };
        let (token, class) = self.token(ctx, raw)?;
        let user = match &self.stateless {
            Some(how) => said(ctx, &self.kept, how, &token),
            None => self.user(ctx, &token),
        };
        let user = user.map_err(|stop| match stop {
            Stop::Refused(refusal) => Stop::Refused(Box::new(refusal.about(About::Credential(self.kept.id(&token))))),
            broken @ Stop::Broken(_) => broken,
        })?;
        let id = self.kept.id(&token);
        let Token { claims, proof, .. } = token;
        let bearer = Bearer { id, class: class.name(), claims };
        Ok(Some(Identity::new(user, proof, Auth::Jwt(Arc::new(bearer)))))
    }

    fn challenge(&self) -> Option<&str> {
        Some(&self.challenge)
    }

    fn varies(&self) -> Vec<&str> {
        vec![self.header.as_deref().unwrap_or(AUTHORIZATION)]
    }
}

impl Jwt {
    /// The token, of the first class that it fits (`get_validated_token`).
    fn token<'t>(&self, ctx: &Ctx<'_>, raw: &'t [u8]) -> Result<(Token<'t>, Class), Stop> {
        let classes = &self.kept.classes;
        let mut faults = Vec::new();
        match self.kept.decode(ctx, raw) {
            Err(Unfit::Broken(error)) => return Err(error.into()),
            Err(Unfit::Fault(fault)) => faults.extend(classes.iter().map(|class| (*class, fault))),
            Ok(token) => {
                for class in classes {
                    match self.kept.admit(ctx, &token, *class) {
                        Ok(()) => return Ok((token, *class)),
                        Err(Unfit::Fault(fault)) => faults.push((*class, fault)),
                        Err(Unfit::Broken(error)) => return Err(error.into()),
                    }
                }
            }
        }
        let slug = faults.first().map_or("jwt.invalid", |(_, fault)| fault.slug());
        let messages: Vec<_> = faults.iter().map(|(class, fault)| message(*class, fault)).collect();
        let more = format!(",\"code\":\"token_not_valid\",\"messages\":[{}]", messages.join(","));
        Err(Refusal::failed(slug, NOT_VALID).with_more(more).about(About::Credential(Secret::new(raw))).into())
    }

    /// Whom the database knows (`get_user`).
    fn user(&self, ctx: &Ctx<'_>, token: &Token<'_>) -> Result<ActiveUser, Stop> {
        let row = match self.kept.owner(ctx, &token.claims)? {
            Owner::User(row) => row,
            Owner::Nobody => return Err(NO_USER.with_more(",\"code\":\"user_not_found\"").into()),
            Owner::NotNamed => return Err(NOT_NAMED.with_more(",\"code\":\"token_not_valid\"").into()),
        };
        if self.kept.checks_active && !row.user.is_active {
            return Err(INACTIVE.with_more(",\"code\":\"user_inactive\"").into());
        }
        if !self.kept.has_password(&token.claims, &row) {
            return Err(PASSWORD.with_more(",\"code\":\"password_changed\"").into());
        }
        Ok(if self.kept.checks_active { active(row.user)? } else { active_or_not(row.user) })
    }
}

fn message(class: Class, fault: &Fault<'_>) -> String {
    let (name, kind, text) = (class.name(), class.token_type(), json_text(&fault.text()));
    format!("{{\"token_class\":\"{name}\",\"token_type\":\"{kind}\",\"message\":{text}}}")
}

/// simplejwt's `TokenUser`. Who has no `username` gets the id for a name, as hosts take an empty one for nobody; with the
/// scheme before it, as the bare one can be the name of somebody else. Django's validator gives nobody a colon.
fn said(ctx: &Ctx<'_>, kept: &Kept, how: &Stateless, token: &Token<'_>) -> Result<ActiveUser, Stop> {
    let claim = kept.user_claim(&token.claims).ok_or_else(|| NOT_NAMED.with_more(",\"code\":\"token_not_valid\""))?;
    let id = match claim {
        Json::Text(text) => {
            let text = text.as_str().ok().filter(|text| !text.is_empty());
            text.map(|text| (UserId::Text(text.into()), Cow::Borrowed(text)))
        }
        Json::Number(digits) => digits.parse::<i64>().ok().map(|id| (UserId::Integer(id), id.to_string().into())),
        _ => None,
    };
    let nobody = || NO_USER.with_more(",\"code\":\"user_not_found\"");
    let (id, shown) = id.ok_or_else(nobody)?;
    let name = match token.claims.text("username").filter(|name| !name.is_empty()) {
        Some(name) => Cow::Borrowed(name),
        None if ctx.exact => shown,
        None => format!("{}:{shown}", how.scheme).into(),
    };
    let is = |name| how.trusts_flags && token.claims.get(name) == Some(&Json::Bool(true));
    let user = User::of_claims(id, &name, [is("is_staff"), is("is_superuser")]);
    Ok(active(user.ok_or_else(nobody)?)?)
}

const HEADER: Refusal = Refusal::failed("jwt.header", "Authorization header must contain two space-delimited values");
const HEADER_CODE: &str = ",\"code\":\"bad_authorization_header\"";
const NOT_VALID: &str = "Given token not valid for any token type";
const NOT_NAMED: Refusal = Refusal::failed("jwt.no_user", "Token contained no recognizable user identification");
const NO_USER: Refusal = Refusal::failed("jwt.unknown_user", "User not found");
const INACTIVE: Refusal = Refusal::failed("jwt.inactive", "User is inactive");
const PASSWORD: Refusal = Refusal::failed("jwt.password", "The user's password has been changed.");
