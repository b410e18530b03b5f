//! The command `authchain`. One clap table: parser, help, shell completions and man pages are made
//! of it. Each subcommand has its file, with its arguments and `run`.

mod batch;
mod check;
mod client;
mod doctor;
mod explain;
mod from_django;
mod init;
mod made;
mod manual;
mod output;
mod serve;
mod session;
mod throttle;
mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use crate::capi::plugin;
use crate::config::Origin;
use crate::context::{Context, Host};
use output::Failure;

/// PAM for HTTP: decides who a request comes from, over Django's own accounts and tokens
#[derive(Parser)]
#[command(name = "authchain", version, max_term_width = 100, after_help = AFTER, disable_help_subcommand = true)]
struct Line {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every subcommand takes.
#[derive(clap::Args)]
struct Common {
    /// The configuration [default: $AUTHCHAIN_CONFIG, else /etc/authchain/authchain.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Make a database, a secret and a configuration, for those without Django
    Init(init::Args),
    /// Print a configuration made from the settings of a Django project
    FromDjango(from_django::Args),
    /// Read the configuration and say whether it is right; opens no database
    Check(check::Args),
    /// Open everything that the configuration names and say what is wrong, with the remedy
    Doctor(doctor::Args),
    /// Show what the chain says about a request, scheme by scheme
    Explain(explain::Args),
    /// Answer over HTTP: who a request comes from, for proxies; and the endpoints
    Serve(serve::Args),
    /// Users: create, list, passwd, disable, enable
    #[command(subcommand)]
    User(user::Verb),
    /// Clients of durin, each with how long its tokens last: create, list, delete
    #[command(subcommand)]
    Client(client::Verb),
    /// Tokens of Django REST framework, knox, simplejwt and durin: create, refresh, list, revoke, purge
    #[command(subcommand)]
    Token(token::Verb),
    /// Counted attempts to log in: list, clear
    #[command(subcommand)]
    Throttle(throttle::Verb),
    /// Sessions: list, end, purge
    #[command(subcommand)]
    Session(session::Verb),
    /// Print the completions for a shell
    #[command(hide = true)]
    Completions(manual::Completions),
    /// Print the manual page, or write the pages of all subcommands into a folder
    #[command(hide = true)]
    Man(manual::Man),
}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(asked) => {
            // Help and version too; who does not read them does not miss the error of printing.
            let _ = asked.print();
            return ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(2));
        }
    };
    let Common { config } = line.common;
    output::finish(match line.verb {
        Verb::Init(args) => init::run(&args),
        Verb::FromDjango(args) => from_django::run(&args),
        Verb::Check(args) => check::run(&args, &origin(config)),
        Verb::Doctor(args) => return doctor::run(&args, &origin(config)),
        Verb::Explain(mut args) => {
            args.config = config;
            return explain::run(&args);
        }
        Verb::Serve(args) => serve::run(&args, &origin(config)),
        Verb::User(verb) => user::run(&verb, &origin(config)),
        Verb::Client(verb) => client::run(&verb, &origin(config)),
        Verb::Token(verb) => token::run(&verb, &origin(config)),
        Verb::Session(verb) => session::run(&verb, &origin(config)),
        Verb::Throttle(verb) => throttle::run(&verb, &origin(config)),
        Verb::Completions(args) => manual::completions(&args),
        Verb::Man(args) => manual::man(&args),
    })
}

/// The table, for what is made of it.
fn table() -> clap::Command {
    Line::command()
}

fn origin(config: Option<PathBuf>) -> Origin {
    match config {
        Some(path) => Origin { path: Some(path), plugins: Some(plugin::load), ..Origin::default() },
        None => Origin { plugins: Some(plugin::load), ..Origin::usual() },
    }
}

fn open(origin: &Origin) -> Result<Arc<Context>, Failure> {
    Ok(Context::open(origin, Host::default())?)
}

const AFTER: &str = "Exit status: 0 done; 1 refused or failed, the reason stands on standard error; 2 usage.";

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_consistent_and_documented() {
        let mut table = super::table();
        table.clone().debug_assert();
        table.build();
        let mut open = vec![table];
        while let Some(command) = open.pop() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            open.extend(command.get_subcommands().cloned());
        }
    }
}
