//! `authchain client`: create (django-rest-durin's `create_client`), list, delete.

use serde_json::{Value, json};

use super::output::{self, Failure, Outcome, visible};
use crate::codec::duration;
use crate::codec::rate::Rate;
use crate::config::Origin;
use crate::context::Context;
use crate::store::Client;

/// What to do with clients.
#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// Add a client
    Create(Create),
    /// List the clients
    List(List),
    /// Delete a client and every token of it
    Delete(Delete),
}

/// Which client.
#[derive(clap::Args)]
pub(super) struct Create {
    /// Its name, of at most 64 characters
    name: String,
    /// How long its tokens last: "DAYS HH:MM:SS" or less of it [default: `default_token_ttl`]
    #[arg(long, value_name = "TIME")]
    token_ttl: Option<String>,
    /// How often a user may ask by it, N/s, N/m, N/h or N/d [default: what `user_per_client` says]
    #[arg(long, value_name = "RATE", default_value = "", hide_default_value = true)]
    throttle_rate: String,
    #[command(flatten)]
    kind: Kind,
}

/// How to list.
#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    kind: Kind,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which client.
#[derive(clap::Args)]
pub(super) struct Delete {
    /// Its name
    name: String,
    #[command(flatten)]
    kind: Kind,
}

/// Which table of clients.
#[derive(clap::Args)]
pub(super) struct Kind {
    /// The scheme whose clients are meant
    #[arg(long, default_value = "durin", value_name = "NAME")]
    scheme: String,
}

/// Runs a verb.
pub(super) fn run(verb: &Verb, origin: &Origin) -> Outcome {
    let context = super::open(origin)?;
    match verb {
        Verb::Create(args) => create(&context, args),
        Verb::List(args) => list(&context, args),
        Verb::Delete(args) => match context.delete_client(&args.kind.scheme, &args.name)? {
            None => Err(format!("there is no client {}", visible(&args.name)).into()),
            Some(tokens) => output::print(&format!("deleted client {} and {}", visible(&args.name), counted(tokens))),
        },
    }
}

fn create(context: &Context, args: &Create) -> Outcome {
    check_name(&args.name)?;
    let ttl = match &args.token_ttl {
        None => None,
        Some(text) => Some(duration::read(text).ok().filter(|us| *us > 0).ok_or_else(|| {
            format!(
                "{text:?} is no time that a token could last (expected such as \"30 12:00:00\", 30 days and a half)"
            )
        })?),
    };
    let rate = args.throttle_rate.as_str();
    // durin takes these only; a row may say `100/hour`, too.
    let has_short_period = rate.split_once('/').is_some_and(|(_, period)| ["s", "m", "h", "d"].contains(&period));
    if !rate.is_empty() && (!has_short_period || !Rate::of_drf(rate).is_ok_and(|rate| rate.most > 0)) {
        return Err(format!("{rate:?} is no rate (expected N/s, N/m, N/h or N/d, with N from 1)").into());
    }
    match context.create_client(&args.kind.scheme, &args.name, ttl, rate)? {
        true => output::print(&format!("Client {} created!", visible(&args.name))),
        false => Err(format!("client {} exists already", visible(&args.name)).into()),
    }
}

/// What durin's serializer takes, without what could play with a terminal.
fn check_name(name: &str) -> Result<(), Failure> {
    let is_fit =
        !name.is_empty() && name.trim() == name && name.chars().count() <= 64 && !name.contains(char::is_control);
    let expected = "a client's name has 1 to 64 characters, no control characters and no outer blanks";
    if is_fit { Ok(()) } else { Err(expected.into()) }
}

fn list(context: &Context, args: &List) -> Outcome {
    let clients = context.clients(&args.kind.scheme)?;
    if args.json {
        let shown = |client: &Client| {
            json!({
                "id": client.id, "name": client.name, "token_ttl": duration::written(client.ttl_us),
                "throttle_rate": client.throttle_rate,
            })
        };
        return output::json(&clients.iter().map(shown).collect::<Value>());
    }
    let row = |client: &Client| [client.name.clone(), duration::written(client.ttl_us), client.throttle_rate.clone()];
    output::table(["NAME", "TOKEN TTL", "THROTTLE RATE"], clients.iter().map(row).collect())
}

fn counted(tokens: usize) -> String {
    if tokens == 1 { "1 token".to_owned() } else { format!("{tokens} tokens") }
}
