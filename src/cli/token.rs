//! `authchain token`: create (Django REST framework's `drf_create_token`), refresh, list, revoke, purge (simplejwt's
//! `flushexpiredtokens`).

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::output::{self, Failure, Outcome, visible};
use super::user::{id, named, stdin_line};
use crate::accounts::tokens::Fresh;
use crate::accounts::users::By;
use crate::codec::Secret;
use crate::config::Origin;
use crate::context::Context;
use crate::store::{StoredToken, User};

/// What to do with tokens.
#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// Print a user's token, made if there is none; of knox and of simplejwt always a new one, of durin one for a client
    Create(Create),
    /// Print new tokens for one that can be renewed, of simplejwt a refresh token
    Refresh(Refresh),
    /// List the tokens by the digests that name them in logs; never the keys
    List(List),
    /// Delete a token, or those of a user
    Revoke(Revoke),
    /// Remove the tokens that have expired
    Purge(Purge),
}

/// Whose token.
#[derive(clap::Args)]
pub(super) struct Create {
    /// The user name
    #[arg(required_unless_present = "all")]
    name: Option<String>,
    /// Make one for every active user who has none
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// The client that the token is for (durin)
    #[arg(long, value_name = "CLIENT", default_value = "", hide_default_value = true)]
    client: String,
    /// Replace the token there is
    #[arg(long)]
    reset: bool,
    #[command(flatten)]
    kind: Kind,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which token.
#[derive(clap::Args)]
pub(super) struct Refresh {
    /// The token; better `-`, which reads it from standard input, where nobody else sees it
    key: String,
    #[command(flatten)]
    kind: Kind,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which tokens.
#[derive(clap::Args)]
pub(super) struct List {
    /// Only this user's
    name: Option<String>,
    #[command(flatten)]
    kind: Kind,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which token.
#[derive(clap::Args)]
pub(super) struct Revoke {
    /// The key; better `-`, which reads it from standard input, where nobody else sees it
    #[arg(required_unless_present = "user")]
    key: Option<String>,
    /// Every token of this user
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    user: Option<String>,
    #[command(flatten)]
    kind: Kind,
}

/// Whose tokens to remove.
#[derive(clap::Args)]
pub(super) struct Purge {
    /// Of this token scheme only
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,
}

/// Which table of tokens.
#[derive(clap::Args)]
pub(super) struct Kind {
    /// The token scheme whose table is meant
    #[arg(long, default_value = "token", value_name = "NAME")]
    scheme: String,
}

/// Runs a verb.
pub(super) fn run(verb: &Verb, origin: &Origin) -> Outcome {
    let scheme = match verb {
        Verb::Create(Create { kind, .. })
        | Verb::Refresh(Refresh { kind, .. })
        | Verb::List(List { kind, .. })
        | Verb::Revoke(Revoke { kind, .. }) => Some(&kind.scheme),
        Verb::Purge(Purge { scheme }) => scheme.as_ref(),
    };
    let context = super::open(origin)?;
    let mut known: Vec<_> = context.config().tokens.iter().map(|(name, _)| name.as_str()).collect();
    known.sort_unstable();
    if let Some(scheme) = scheme.filter(|scheme| !known.contains(&scheme.as_str())) {
        return Err(format!("no token scheme {scheme:?} (known: {})", known.join(", ")).into());
    }
    match verb {
        Verb::Purge(args) => purge(&context, args),
        Verb::Create(args) => match &args.name {
            Some(name) => create(&context, args, &owner(&context, name)?),
            None => create_all(&context, args),
        },
        Verb::Refresh(args) => {
            output::tick(&context);
            refresh(&context, args)
        }
        Verb::List(args) => list(&context, args),
        Verb::Revoke(args) => {
            output::tick(&context);
            revoke(&context, args)
        }
    }
}

/// With the words of DRF's `drf_create_token`.
fn owner(context: &Context, name: &str) -> Result<User, Failure> {
    let found = context.find_user(&By::Name(name))?;
    found.ok_or_else(|| format!("Cannot create the Token: user {name} does not exist").into())
}

fn create(context: &Context, args: &Create, user: &User) -> Outcome {
    let Some(fresh) = context.create_token(&args.kind.scheme, user, &args.client, args.reset)? else {
        if !args.client.is_empty() {
            return Err(format!("there is no client {} (see `authchain client`)", visible(&args.client)).into());
        }
        let text = format!("user {} has as many tokens as token_limit_per_user allows", visible(user.name()));
        return Err(text.into());
    };
    if args.json {
        let mut made = members(&fresh);
        made.insert("user".to_owned(), user.name().into());
        made.insert("user_id".to_owned(), id(user));
        return output::json(&Value::Object(made));
    }
    let name = visible(user.name());
    output::print(&Zeroizing::new(format!("Generated token {} for user {name}", &*text(&fresh.token))))?;
    shown_refresh(&fresh)
}

/// The secrets of a new token for JSON.
fn members(fresh: &Fresh) -> Map<String, Value> {
    let mut made = Map::from_iter([("key".to_owned(), Value::from(&**text(&fresh.token)))]);
    if let Some(refresh) = &fresh.refresh {
        made.insert("refresh".to_owned(), Value::from(&**text(refresh)));
    }
    made
}

/// The second token on a line of its own.
fn shown_refresh(fresh: &Fresh) -> Outcome {
    match &fresh.refresh {
        Some(refresh) => output::print(&Zeroizing::new(format!("Refresh token {}", &*text(refresh)))),
        None => Ok(()),
    }
}

/// Tokens are ASCII.
fn text(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(secret.reveal()).into_owned())
}

fn refresh(context: &Context, args: &Refresh) -> Outcome {
    let key = key_of(&args.key)?;
    let Some(fresh) = context.refresh_token(&args.kind.scheme, &key)? else {
        return Err("the token cannot be renewed: it has ended, was used up, or its user may not log in".into());
    };
    if args.json {
        return output::json(&Value::Object(members(&fresh)));
    }
    output::print(&Zeroizing::new(format!("Generated token {}", &*text(&fresh.token))))?;
    shown_refresh(&fresh)
}

/// A key of the command line, or of standard input.
fn key_of(argument: &str) -> Result<Zeroizing<String>, Failure> {
    if argument == "-" { stdin_line("the key") } else { Ok(Zeroizing::new(argument.to_owned())) }
}

fn create_all(context: &Context, args: &Create) -> Outcome {
    let have: Vec<_> = context.tokens(&args.kind.scheme, None)?.into_iter().map(|token| token.user.id).collect();
    // A token of a client may have ended; who has a good one is shown it again.
    let lacks = |user: &User| args.reset || !args.client.is_empty() || !have.contains(&user.id);
    context
        .users()?
        .iter()
        .filter(|user| user.is_active && lacks(user))
        .try_for_each(|user| create(context, args, user))
}

fn list(context: &Context, args: &List) -> Outcome {
    let user = args.name.as_deref().map(|name| named(context, name)).transpose()?;
    let tokens = context.tokens(&args.kind.scheme, user.as_ref().map(|user| &user.id))?;
    let digest = |token: &StoredToken| context.digest(&token.key).to_string();
    if args.json {
        let shown = |token: &StoredToken| {
            json!({
                "id": digest(token), "user": token.user.name(), "user_id": id(&token.user), "created": token.created,
                "expires": token.expiry, "client": token.client,
            })
        };
        return output::json(&tokens.iter().map(shown).collect::<Value>());
    }
    let row = |token: &StoredToken| {
        let expires = token.expiry.clone().unwrap_or_else(|| "never".to_owned());
        [digest(token), token.user.name().to_owned(), token.created.clone(), expires]
    };
    let rows = tokens.iter().map(row);
    let headings = ["ID", "USER", "CREATED", "EXPIRES"];
    if tokens.iter().all(|token| token.client.is_none()) {
        return output::table(headings, rows.collect());
    }
    let [id, user, created, expires] = headings;
    let clients = tokens.iter().map(|token| token.client.clone().unwrap_or_default());
    let rows = rows.zip(clients).map(|([id, user, created, expires], client)| [id, user, client, created, expires]);
    output::table([id, user, "CLIENT", created, expires], rows.collect())
}

fn revoke(context: &Context, args: &Revoke) -> Outcome {
    let scheme = &args.kind.scheme;
    let Some(name) = &args.user else {
        let key = key_of(args.key.as_deref().unwrap_or("-"))?;
        return match context.revoke_token(scheme, &key)? {
            true => output::print("revoked 1 token"),
            false => Err("there is no token of that key (`authchain token list` shows whose there are)".into()),
        };
    };
    match context.revoke_tokens_of(scheme, &named(context, name)?.id)? {
        0 => Err(format!("user {name} has no token").into()),
        1 => output::print("revoked 1 token"),
        many => output::print(&format!("revoked {many} tokens")),
    }
}

/// Without a scheme, of every one whose tokens expire.
fn purge(context: &Context, args: &Purge) -> Outcome {
    let mut removed = 0;
    for (name, tokens) in &context.config().tokens {
        if args.scheme.as_ref().map_or(tokens.expire(), |scheme| scheme == name) {
            removed += context.purge_tokens(name)?;
        }
    }
    match removed {
        1 => output::print("removed 1 token that had expired"),
        many => output::print(&format!("removed {many} tokens that had expired")),
    }
}
