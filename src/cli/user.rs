//! `authchain user`: create, list, passwd, disable, enable.

use std::io::{self, BufRead, Read};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::output::{self, Failure, Outcome, visible};
use crate::accounts::users::{By, Wanted};
use crate::config::Origin;
use crate::context::Context;
use crate::store::{User, UserId};
use crate::sys::file::reason;
use crate::sys::terminal;

/// What to do with users.
#[derive(clap::Subcommand)]
pub(super) enum Verb {
    /// Add a user; the password is asked for on the terminal
    Create(Create),
    /// List the users
    List(List),
    /// Set a user's password, asked for on the terminal
    Passwd(Passwd),
    /// Take a user's right to log in; tokens and password stay, and are refused
    Disable(Name),
    /// Give the right to log in back
    Enable(Name),
}

/// A new user.
#[derive(clap::Args)]
pub(super) struct Create {
    /// The user name; the e-mail address where users log in with one
    name: String,
    /// The e-mail address
    #[arg(long, default_value = "", hide_default_value = true)]
    email: String,
    /// May use Django's admin
    #[arg(long)]
    staff: bool,
    /// Has every permission and may use Django's admin, as Django's `createsuperuser` makes them
    #[arg(long)]
    superuser: bool,
    /// No password can log in, as Django's `set_unusable_password`
    #[arg(long, conflicts_with = "password_stdin")]
    no_password: bool,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Print the new user as JSON
    #[arg(long)]
    json: bool,
}

/// How to list.
#[derive(clap::Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Whose password.
#[derive(clap::Args)]
pub(super) struct Passwd {
    /// The user name
    name: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Which user.
#[derive(clap::Args)]
pub(super) struct Name {
    /// The user name
    name: String,
}

/// Runs a verb.
pub(super) fn run(verb: &Verb, origin: &Origin) -> Outcome {
    let context = super::open(origin)?;
    match verb {
        Verb::Create(args) => create(&context, args),
        Verb::List(args) => list(&context, args),
        Verb::Passwd(args) => passwd(&context, args),
        Verb::Disable(args) => switch(&context, &args.name, false),
        Verb::Enable(args) => switch(&context, &args.name, true),
    }
}

/// The user of a name, or the error that there is none.
pub(super) fn named(context: &Context, name: &str) -> Result<User, Failure> {
    match context.find_user(&By::Name(name))? {
        Some(user) => Ok(user),
        None => Err(unknown(name)),
    }
}

/// A user's key for JSON: a number where it is one.
pub(super) fn id(user: &User) -> Value {
    match &user.id {
        UserId::Integer(number) => json!(number),
        UserId::Text(_) => json!(user.id.to_string()),
    }
}

fn create(context: &Context, args: &Create) -> Outcome {
    let taken = || Failure::from(format!("user {} exists already (see `authchain user passwd`)", args.name));
    // Asked for before the password, so that nobody types one in vain; the insert decides.
    if context.find_user(&By::Name(&args.name))?.is_some() {
        return Err(taken());
    }
    let password = if args.no_password { None } else { Some(new_password(args.password_stdin)?) };
    let wanted = Wanted {
        name: &args.name,
        email: &args.email,
        password: password.as_ref().map(|password| password.as_bytes()),
        is_staff: args.staff || args.superuser,
        is_superuser: args.superuser,
    };
    let user = context.create_user(&wanted)?.ok_or_else(taken)?;
    if args.json {
        return output::json(&shown(&user));
    }
    output::print(&format!("created user {}, id {}", visible(user.name()), user.id))
}

fn list(context: &Context, args: &List) -> Outcome {
    let users = context.users()?;
    if args.json {
        return output::json(&users.iter().map(shown).collect());
    }
    let row = |user: User| {
        let flags = [(!user.is_active, "inactive"), (user.is_staff, "staff"), (user.is_superuser, "superuser")];
        let flags: Vec<_> = flags.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        [user.id.to_string(), user.name().to_owned(), user.email().to_owned(), flags.join(" ")]
    };
    output::table(["ID", "NAME", "EMAIL", "FLAGS"], users.into_iter().map(row).collect())
}

fn passwd(context: &Context, args: &Passwd) -> Outcome {
    let user = named(context, &args.name)?;
    let password = new_password(args.password_stdin)?;
    if !context.set_password(&user, password.as_bytes())? {
        return Err(unknown(&args.name));
    }
    output::print(&format!("changed the password of {}", visible(user.name())))
}

fn switch(context: &Context, name: &str, active: bool) -> Outcome {
    let user = named(context, name)?;
    if !context.set_active(&user, active)? {
        return Err(unknown(name));
    }
    output::print(&format!("{} {}", if active { "enabled" } else { "disabled" }, visible(user.name())))
}

fn unknown(name: &str) -> Failure {
    format!("user {name} does not exist (`authchain user list` shows who does)").into()
}

fn shown(user: &User) -> Value {
    json!({
        "id": id(user), "name": user.name(), "email": user.email(),
        "is_active": user.is_active, "is_staff": user.is_staff, "is_superuser": user.is_superuser,
    })
}

/// A password from the terminal, typed twice, or from the first line of standard input. Never from
/// the arguments, which every user of the machine can read.
fn new_password(from_stdin: bool) -> Result<Zeroizing<String>, Failure> {
    let password = if from_stdin { stdin_line("the password")? } else { typed_twice()? };
    if password.is_empty() {
        return Err("the password is empty (--no-password makes a user who cannot log in with one)".into());
    }
    Ok(password)
}

fn typed_twice() -> Result<Zeroizing<String>, Failure> {
    let ask = |prompt| {
        terminal::read_password(prompt).map(Zeroizing::new).map_err(|e| {
            let why = reason(&e);
            format!("no terminal to ask for the password: {why} (--password-stdin reads it from standard input)")
        })
    };
    let password = ask("Password: ")?;
    if *password != *ask("Password (again): ")? {
        return Err("the passwords differ".into());
    }
    Ok(password)
}

/// The first line of standard input, for what must not stand among the arguments.
pub(super) fn stdin_line(what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST)); // does not grow: nothing is left behind
    let mut input = io::stdin().lock().take(LONGEST as u64);
    input.read_until(b'\n', &mut line).map_err(|e| format!("standard input: {}", reason(&e)))?;
    if line.len() == LONGEST && line.last() != Some(&b'\n') {
        return Err(format!("{what} is longer than {} bytes", LONGEST - 1).into());
    }
    let text = std::str::from_utf8(&line).map_err(|_| format!("{what} is not UTF-8"))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

const LONGEST: usize = 4097;
