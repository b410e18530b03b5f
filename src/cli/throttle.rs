//! `authchain throttle`: the counters of attempts to log in; list, clear.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{self, Failure, Outcome};
use crate::accounts::throttle::Whose;
use crate::config::{Config, Origin};
use crate::store::Throttle;
use crate::sys::clock;

/// What to do with the counters.
#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// List the counters whose time has not ended; accounts by digests of their names
    List(List),
    /// Forget attempts, so that logins are admitted again
    Clear(Clear),
}

/// How to list.
#[derive(clap::Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Whose attempts.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Clear {
    /// Those at this user name
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Those from this address; of an IPv6 address the /64 it is in
    #[arg(long, value_name = "ADDR")]
    address: Option<IpAddr>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Instead the requests that are counted for users and their clients (durin)
    #[arg(long)]
    requests: bool,
}

/// Runs a verb. Opens the counters only, so that it also works while the database does not.
pub(super) fn run(verb: &Verb, origin: &Origin) -> Outcome {
    let config = Config::load(origin)?;
    if let Verb::Clear(Clear { requests: true, .. }) = verb {
        return match config.requests.clear()? {
            1 => output::print("cleared 1 request"),
            many => output::print(&format!("cleared {many} requests")),
        };
    }
    let Some(throttle) = config.throttle else {
        return Err("the throttle is off (`enabled` of [throttle], or `exact`)".into());
    };
    match verb {
        Verb::List(args) => list(&throttle, args),
        Verb::Clear(args) => clear(&throttle, args),
    }
}

fn list(throttle: &Throttle, args: &List) -> Outcome {
    let counters = throttle.list(clock::now_us())?;
    if args.json {
        let shown = counters.iter().map(|(counter, refuses)| {
            let until = moment(counter.until_us)?;
            let (kind, count) = (counter.kind.name(), counter.count);
            Ok(json!({ "kind": kind, "id": counter.key, "count": count, "until": until, "refuses": refuses }))
        });
        return output::json(&shown.collect::<Result<Value, Failure>>()?);
    }
    let rows = counters.iter().map(|(counter, refuses)| {
        let refuses = if *refuses { "yes" } else { "no" }.to_owned();
        let (kind, until) = (counter.kind.name().to_owned(), moment(counter.until_us)?);
        Ok([kind, counter.key.clone(), counter.count.to_string(), until, refuses])
    });
    output::table(["KIND", "ID", "COUNT", "UNTIL", "REFUSES"], rows.collect::<Result<_, Failure>>()?)
}

fn clear(throttle: &Throttle, args: &Clear) -> Outcome {
    let whose = match (&args.account, args.address) {
        (Some(name), _) => Whose::Account(name),
        (None, Some(address)) => Whose::Address(address),
        (None, None) => Whose::Everybody, // clap insists on one of them
    };
    match throttle.clear(&whose)? {
        1 => output::print("cleared 1 counter"),
        many => output::print(&format!("cleared {many} counters")),
    }
}

/// A moment in UTC, whole seconds, rounded up: then it is over for sure (RFC 3339).
fn moment(unix_us: i64) -> Result<String, Failure> {
    let second = unix_us.div_euclid(1_000_000) + i64::from(unix_us.rem_euclid(1_000_000) > 0);
    let moment = Timestamp::from_second(second).map_err(|_| "a counter ends beyond the year 9999")?;
    Ok(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
