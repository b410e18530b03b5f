//! `authchain session`: list, end, purge.

use serde_json::{Value, json};

use super::output::{self, Failure, Outcome};
use super::user::named;
use crate::config::Origin;
use crate::context::{Context, KeptSession};

/// What to do with sessions.
#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// List the sessions that have not ended, by the digests that name them in logs; never the keys
    List(List),
    /// End a session, or those of a user: who has its cookie is logged out
    End(End),
    /// Remove the rows of sessions that have ended (Django's `clearsessions`)
    Purge,
}

/// Which sessions.
#[derive(clap::Args)]
pub(super) struct List {
    /// Only this user's
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which session.
#[derive(clap::Args)]
pub(super) struct End {
    /// Its digest, as `session list` shows it
    #[arg(required_unless_present = "user")]
    id: Option<String>,
    /// Every session of this user
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    user: Option<String>,
}

/// Runs a verb.
pub(super) fn run(verb: &Verb, origin: &Origin) -> Outcome {
    let context = super::open(origin)?;
    match verb {
        Verb::List(args) => list(&context, args),
        Verb::End(args) => end(&context, args),
        Verb::Purge => match context.purge_sessions()? {
            1 => output::print("removed 1 session that had ended"),
            many => output::print(&format!("removed {many} sessions that had ended")),
        },
    }
}

fn list(context: &Context, args: &List) -> Outcome {
    let sessions = of_user(context, args.name.as_deref())?;
    let id = |session: &KeptSession| context.digest(&session.key).to_string();
    if args.json {
        let shown = |session: &KeptSession| json!({ "id": id(session), "user_id": session.user_id, "expires": session.expires });
        return output::json(&sessions.iter().map(shown).collect::<Value>());
    }
    let row =
        |session: &KeptSession| [id(session), session.user_id.clone().unwrap_or_default(), session.expires.clone()];
    output::table(["ID", "USER ID", "EXPIRES"], sessions.iter().map(row).collect())
}

fn end(context: &Context, args: &End) -> Outcome {
    let mut sessions = of_user(context, args.user.as_deref())?;
    if let Some(id) = &args.id {
        sessions.retain(|session| context.digest(&session.key).to_string() == *id);
    }
    let mut ended = 0;
    for session in &sessions {
        ended += usize::from(context.end_session(&session.key)?);
    }
    match (ended, &args.user) {
        (0, Some(name)) => Err(format!("user {name} has no session").into()),
        (0, None) => Err("there is no such session (`authchain session list` shows which there are)".into()),
        (1, _) => output::print("ended 1 session"),
        (many, _) => output::print(&format!("ended {many} sessions")),
    }
}

fn of_user(context: &Context, name: Option<&str>) -> Result<Vec<KeptSession>, Failure> {
    let user = name.map(|name| named(context, name)).transpose()?;
    let mut sessions = context.sessions()?;
    if let Some(user) = user {
        let id = user.id.to_string();
        sessions.retain(|session| session.user_id.as_ref() == Some(&id));
    }
    Ok(sessions)
}
