//! `authchain doctor`: opens everything that the configuration names, and says of each point whether
//! it is right, with what to do if it is not. It changes nothing and makes no file.

mod apache;
mod database;
mod files;
mod httpd;
mod keys;
mod passwords;
mod policy;
mod rights;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::output::{self, visible};
use crate::config::survey::{Survey, Written};
use crate::config::{Config, Origin};
use crate::store::Db;
use crate::sys::clock;

/// What to look at, and how to say it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The user that hosts run as, with whose rights the files are tried; only root can be another one
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Also read the whole database for damage
    #[arg(long)]
    deep: bool,
    /// Count warnings as failures
    #[arg(long)]
    strict: bool,
    /// The configuration of Apache, or its folder [default: /etc/apache2 if there is one]
    #[arg(long, value_name = "FILE")]
    apache: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Answer only what depends on the user who runs this
    #[arg(long, hide = true)]
    as_host: bool,
}

/// What is looked at.
struct Patient<'a> {
    args: &'a Args,
    origin: &'a Origin,
    config: Config,
    survey: Survey,
}

/// What was found at a point.
struct Said {
    state: State,
    text: String,
    remedy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Failure,
}

/// A point: its name and how it is looked at.
type Point = (&'static str, fn(&Patient<'_>) -> Vec<Said>);

/// What is looked at once, in the order of the report.
const POINTS: &[Point] = &[
    ("configuration.rights", files::configuration),
    ("secret_key.rights", files::secrets),
    ("secret_key", files::secret_key),
    ("secret_key_fallbacks", files::fallbacks),
    ("signing_key", files::signing_keys),
    ("sqlite", database::sqlite),
    ("database", database::opens),
    ("database.private", files::database),
    ("database.damage", database::damage),
    ("tables", database::tables),
    ("clock", database::clock),
    ("tokens", database::tokens),
    ("public_keys", keys::fetched),
    ("clients", database::clients),
    ("hash_cost", passwords::cost),
    ("hashes", passwords::stored),
    ("throttle", policy::throttle),
    ("chains", policy::chains),
    ("allowed_hosts", policy::hosts),
    ("trusted_proxies", policy::proxies),
    ("tls", policy::tls),
    ("serve", policy::serve),
    ("cookies", policy::cookies),
    ("session_files", files::sessions),
    ("apache", apache::applications),
];

/// What is looked at with the rights of the host.
const AS_HOST: &[Point] = &[
    ("host.configuration", rights::configuration),
    ("host.database", rights::database),
    ("host.throttle", rights::throttle),
    ("host.session_files", rights::sessions),
    ("host.log", rights::log),
];

/// Looks at all points. The exit code is 1 when there is a failure.
pub(super) fn run(args: &Args, origin: &Origin) -> ExitCode {
    let findings = findings(args, origin);
    output::progress("");
    let written = if args.json { output::json(&Value::from(findings.clone())) } else { report(&findings) };
    let is = |state: State| findings.iter().any(|finding| finding["state"] == state.word());
    if written.is_err() || is(State::Failure) || (args.strict && is(State::Warning)) {
        return ExitCode::from(1);
    }
    ExitCode::SUCCESS
}

fn findings(args: &Args, origin: &Origin) -> Vec<Value> {
    if args.as_host {
        return rights::as_host(args, origin);
    }
    let (config, survey) = match Config::load(origin).and_then(|config| Ok((config, Survey::of(origin)?))) {
        Ok(loaded) => loaded,
        Err(report) => return vec![shown("configuration", &files::unusable(origin, &report))],
    };
    let chains: Vec<_> = config.chains.iter().map(|(name, _)| name.as_str()).collect();
    let mut findings = vec![shown("configuration", &ok(format!("accepted; chains: {}", chains.join(", "))))];
    let patient = Patient { args, origin, config, survey };
    findings.extend(look(POINTS, &patient));
    findings.extend(rights::of_hosts(&patient));
    findings
}

fn look(points: &[Point], patient: &Patient<'_>) -> Vec<Value> {
    points.iter().flat_map(|(name, point)| point(patient).into_iter().map(|said| shown(name, &said))).collect()
}

fn shown(point: &str, said: &Said) -> Value {
    json!({ "point": point, "state": said.state.word(), "text": said.text, "remedy": said.remedy })
}

fn report(findings: &[Value]) -> output::Outcome {
    let text = |finding: &Value, name: &str| visible(finding[name].as_str().unwrap_or_default());
    for finding in findings {
        let (state, point) = (text(finding, "state"), text(finding, "point"));
        output::print(&format!("{state:7}  {point}: {}", text(finding, "text")))?;
        let remedy = text(finding, "remedy");
        if !remedy.is_empty() {
            output::print(&format!("{:7}  -> {remedy}", ""))?;
        }
    }
    let count = |state: State| findings.iter().filter(|finding| finding["state"] == state.word()).count();
    let (failures, warnings) = (count(State::Failure), count(State::Warning));
    output::print(&format!("{} points: {failures} failed, {warnings} with a warning", findings.len()))
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

fn ok(text: impl Into<String>) -> Said {
    Said { state: State::Ok, text: text.into(), remedy: String::new() }
}

fn warning(text: impl Into<String>, remedy: impl Into<String>) -> Said {
    Said { state: State::Warning, text: text.into(), remedy: remedy.into() }
}

fn failure(text: impl Into<String>, remedy: impl Into<String>) -> Said {
    Said { state: State::Failure, text: text.into(), remedy: remedy.into() }
}

impl Patient<'_> {
    /// A connection of its own for each point, closed afterwards: one that stays open would hide what
    /// a host meets that comes first.
    fn db(&self) -> Db {
        Db::new(self.config.database.clone())
    }

    /// Whether a chain asks a scheme of this class.
    fn asks(&self, class: &str) -> bool {
        self.config.chains.iter().any(|(_, chain)| chain.schemes().any(|scheme| scheme.class == class))
    }

    /// Whether there is an endpoint of one of these kinds.
    fn serves(&self, kinds: &[&str]) -> bool {
        self.survey.endpoints.iter().any(|endpoint| kinds.contains(&endpoint.kind()))
    }

    /// Whether there are sessions to find or to make.
    fn has_sessions(&self) -> bool {
        self.asks(SESSION) || self.serves(&["login", "logout"])
    }

    /// The names of the schemes that chains ask.
    fn asked(&self) -> impl Iterator<Item = &str> {
        self.config.chains.iter().flat_map(|(_, chain)| chain.schemes()).map(|scheme| scheme.name.as_str())
    }

    /// Whether somebody can try passwords.
    fn has_passwords(&self) -> bool {
        self.asked().any(|name| self.survey.scheme(name).is_some_and(|def| def.takes_passwords))
            || self.survey.endpoints.iter().any(Written::takes_passwords)
    }

    /// Whether a scheme puts requests under a rate.
    fn has_rates(&self) -> bool {
        self.survey.schemes.iter().any(|scheme| scheme.text("user_per_client").is_some_and(|rate| !rate.is_empty()))
    }

    /// Whether requests write into the database.
    fn writes(&self) -> bool {
        let in_rows = matches!(self.config.sessions.engine, crate::accounts::sessions::Engine::Rows(_));
        let counts_there = self.config.requests.store().path == self.config.database.path;
        let in_database = counts_there && self.config.throttle.is_some();
        self.survey.endpoints.iter().any(|endpoint| endpoint.needs_writing(&self.config.tokens))
            || self.asked().any(|name| self.survey.scheme(name).is_some_and(|def| def.writes))
            || (self.has_rates() && counts_there)
            || (self.has_sessions() && in_rows)
            || (self.has_passwords() && (self.config.rehash || in_database))
    }
}

// The classes of the peer, which are the schemes' types.
const BASIC: &str = "BasicAuthentication";
const TOKEN: &str = "TokenAuthentication";
const SESSION: &str = "SessionAuthentication";
const REMOTE_USER: &str = "RemoteUserAuthentication";

/// The present moment in Unix microseconds.
fn now_us() -> i64 {
    clock::now_us()
}
