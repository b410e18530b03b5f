//! The database: does it open, is it whole, does it have the tables, whose clock wrote it?

use super::files::quoted;
use super::{Patient, Said, TOKEN, failure, now_us, ok, warning};
use crate::accounts::sessions::Engine;
use crate::accounts::tokens::Tokens;
use crate::codec::datetime;
use crate::codec::rate::Rate;
use crate::config::survey::Written;
use crate::error::Error;
use crate::store::examine::{self, Lacks};
use crate::store::tables::Identifier;
use crate::store::{Client, Db, DurinTable, KnoxTable, jwt};

/// The library that is linked.
pub(super) fn sqlite(_: &Patient<'_>) -> Vec<Said> {
    vec![judged(examine::version())]
}

fn judged((text, number): (&str, i32)) -> Said {
    if number >= OLDEST_SQLITE {
        return ok(format!("SQLite {text}"));
    }
    failure(format!("SQLite {text} cannot be told to distrust a schema (3.31 can)"), "update libsqlite3")
}

/// The first that knows SQLITE_DBCONFIG_TRUSTED_SCHEMA.
const OLDEST_SQLITE: i32 = 3_031_000;

/// Opened as hosts open it.
pub(super) fn opens(patient: &Patient<'_>) -> Vec<Said> {
    let path = &patient.config.database.path;
    match patient.db().try_read() {
        Err(error) if !path.exists() => vec![failure(
            format!("{}: {error}", path.display()),
            "see `database` in the configuration; `authchain init` or Django's `migrate` makes one",
        )],
        Err(error) => vec![failure(format!("{}: {error}", path.display()), "see the points of the host's rights")],
        Ok(mode) if mode == "wal" => vec![ok(format!("{}, journal mode wal", path.display()))],
        Ok(mode) => vec![warning(
            format!("{}, journal mode {mode}: who reads and who writes wait for each other", path.display()),
            format!("`sqlite3 {} 'PRAGMA journal_mode = WAL'`, once, for all", quoted(path)),
        )],
    }
}

/// Reads everything, so only when asked to.
pub(super) fn damage(patient: &Patient<'_>) -> Vec<Said> {
    if !patient.args.deep {
        return vec![];
    }
    super::output::progress("reading the whole database");
    let remedy = "restore it from a backup, or save what can be read with the sqlite3 shell's `.recover`";
    match patient.db().quick_check() {
        Ok(lines) if lines.is_empty() => vec![ok("none (quick_check)")],
        Ok(lines) => vec![failure(format!("the file is damaged: {}", lines.join("; ")), remedy)],
        Err(error) => vec![failure(format!("the file cannot be read: {error}"), remedy)],
    }
}

/// A table with its columns, and whose migration makes it.
struct Expected<'a> {
    table: &'a Identifier,
    columns: Vec<&'a Identifier>,
    /// Where the configuration names it.
    named: &'a str,
    /// Django's own name of the table, and the application that makes it.
    django: (&'a str, &'a str),
}

/// Every table that the configuration needs.
pub(super) fn tables(patient: &Patient<'_>) -> Vec<Said> {
    let config = &patient.config;
    let db = patient.db();
    let users = Expected {
        table: &config.users.table,
        columns: config.users.names(),
        named: "[users]",
        django: ("auth_user", "auth"),
    };
    let mut found = vec![users.judge(&db)];
    for (name, tokens) in used_tokens(patient) {
        let named = &format!("[schemes.{name}]");
        let judged = match tokens {
            Tokens::Jwt(jwt) => {
                found.extend(tables_of_jwt(&db, jwt.has_tables, named));
                continue;
            }
            Tokens::Authtoken(table) => {
                let django = ("authtoken_token", "authtoken");
                Expected { table: &table.table, columns: table.names(), named, django }.judge(&db)
            }
            Tokens::Knox(knox) => KnoxTable::names().and_then(|columns| {
                let (table, columns) = (&knox.table.table, columns.iter().collect());
                Expected { table, columns, named, django: ("knox_authtoken", "knox") }.judge(&db)
            }),
            Tokens::Durin(durin) => DurinTable::names().and_then(|[tokens, clients]| {
                let (table, columns) = (&durin.table.clients, clients.iter().collect());
                found.push(Expected { table, columns, named, django: ("durin_client", "durin") }.judge(&db));
                let (table, columns) = (&durin.table.tokens, tokens.iter().collect());
                Expected { table, columns, named, django: ("durin_authtoken", "durin") }.judge(&db)
            }),
        };
        found.push(judged);
    }
    if let Engine::Rows(table) = &config.sessions.engine
        && patient.has_sessions()
    {
        found.push(table.names().and_then(|(table, columns)| {
            let columns = columns.iter().collect();
            Expected { table, columns, named: "`session_table`", django: ("django_session", "sessions") }.judge(&db)
        }));
    }
    let groups = &config.groups;
    let columns = vec![&groups.user];
    let django = ("auth_user_groups", "auth");
    let groups = Expected { table: &groups.membership, columns, named: "[users]", django }.judge(&db);
    // Only who asks for a user's groups misses them.
    found.push(groups.map(|said| said.map(|said| warning(said.text, said.remedy))));
    let faults: Result<Vec<_>, Error> = found.into_iter().collect();
    match faults.map(|list| list.into_iter().flatten().collect::<Vec<_>>()) {
        Ok(faults) if faults.is_empty() => vec![ok("all there, with their columns")],
        Ok(faults) => faults,
        Err(_) => vec![], // the point `database` says so
    }
}

/// Both tables of simplejwt, unless they are said not to be there.
fn tables_of_jwt(db: &Db, are_there: bool, named: &str) -> Vec<Result<Option<Said>, Error>> {
    let wanted = if are_there { jwt::TABLES } else { &[] };
    let judged = wanted.iter().map(|(table, columns)| {
        let table = Identifier::parse(table)?;
        let columns: Vec<_> = columns.iter().map(|name| Identifier::parse(name)).collect::<Result<_, _>>()?;
        let (columns, django) = (columns.iter().collect(), (table.name(), "token_blacklist"));
        Expected { table: &table, columns, named, django }.judge(db)
    });
    judged.collect()
}

impl Expected<'_> {
    fn judge(&self, db: &Db) -> Result<Option<Said>, Error> {
        let (usual, application) = self.django;
        let remedy = |lacks: &str| match self.table.name() == usual {
            true => {
                format!("run Django's `python manage.py migrate {application}`, or name the {lacks} in {}", self.named)
            }
            false => format!("run Django's `python manage.py migrate`, or name the {lacks} in {}", self.named),
        };
        let table = self.table;
        Ok(match db.lacks(table, &self.columns)? {
            Lacks::Nothing => None,
            Lacks::All => Some(failure(format!("there is no table {table}"), remedy("right one"))),
            Lacks::Columns(names) => {
                Some(failure(format!("the table {table} has no {}", names.join(", ")), remedy("columns it has")))
            }
        })
    }
}

/// The tokens of the schemes that a chain or an endpoint uses, those of one table once.
fn used_tokens<'a>(patient: &'a Patient<'_>) -> Vec<(&'a str, &'a Tokens)> {
    let in_chains = patient.config.chains.iter().flat_map(|(_, chain)| chain.schemes());
    let mut used: Vec<&str> =
        in_chains.filter(|s| [TOKEN, "JWTAuthentication"].contains(&s.class)).map(|s| s.name.as_str()).collect();
    used.extend(patient.survey.endpoints.iter().filter_map(Written::scheme));
    let mut found: Vec<(&str, &Tokens)> = Vec::new();
    for (name, tokens) in &patient.config.tokens {
        if used.contains(&name.as_str()) && !found.iter().any(|(_, known)| known.shares_table(tokens)) {
            found.push((name, tokens));
        }
    }
    found
}

/// Nothing in the database can be newer than now.
pub(super) fn clock(patient: &Patient<'_>) -> Vec<Said> {
    let (now_us, zone) = (now_us(), &patient.config.zone);
    if now_us < YEAR_2025_US {
        return vec![failure("the clock stands before the year 2025", "set it (`timedatectl set-ntp true`)")];
    }
    let db = patient.db();
    let mut newest = vec![("the last login", patient.config.users.last_login_of_all(&db))];
    newest.extend(used_tokens(patient).into_iter().map(|(_, tokens)| ("the newest token", tokens.newest(&db))));
    let Ok(soon) = datetime::to_text(now_us + 300_000_000, zone) else { return vec![] };
    let ahead = newest.into_iter().filter_map(|(what, text)| Some((what, text.ok()??)));
    match ahead.filter(|(_, text)| *text > soon).max_by(|a, b| a.1.cmp(&b.1)) {
        None => vec![ok("nothing in the database is newer than now")],
        Some((what, text)) => {
            let now = datetime::to_text(now_us, zone).unwrap_or_default();
            let use_tz = patient.survey.top.is("use_tz");
            let remedy = format!(
                "set the clock; or, if it is right, set `use_tz` (now {use_tz}) and `time_zone` to Django's USE_TZ and \
                 TIME_ZONE"
            );
            vec![warning(format!("{what} is of {text}, but by the clock it is {now}"), remedy)]
        }
    }
}

const YEAR_2025_US: i64 = 1_735_689_600_000_000;

/// Where every user is to have a token, some may come by a way that gives none.
pub(super) fn tokens(patient: &Patient<'_>) -> Vec<Said> {
    let db = patient.db();
    let named = patient.config.auto_tokens.iter().filter_map(|table| {
        let is_it = |known: &Tokens| matches!(known, Tokens::Authtoken(known) if std::sync::Arc::ptr_eq(known, table));
        let (name, _) = patient.config.tokens.iter().find(|(_, known)| is_it(known))?;
        Some((name, table))
    });
    let judged = named.filter_map(|(name, table)| match table.count_without(&db, &patient.config.users).ok()? {
        0 => Some(ok(format!("every active user has one of the scheme {name}"))),
        count => {
            let remedy =
                format!("`authchain token create --all --scheme {name}`; for the users to come see docs/tokens.md");
            Some(warning(format!("{count} active users have no token of the scheme {name}"), remedy))
        }
    });
    judged.collect()
}

/// A request by a client whose rate cannot be read has no answer.
pub(super) fn clients(patient: &Patient<'_>) -> Vec<Said> {
    if !patient.has_rates() {
        return vec![];
    }
    let db = patient.db();
    let tables = used_tokens(patient).into_iter().filter_map(|(name, tokens)| match tokens {
        Tokens::Durin(durin) => Some((name, &durin.table)),
        _ => None,
    });
    let mut found = Vec::new();
    for (name, table) in tables {
        let Ok(clients) = table.all_clients(&db) else { continue }; // the point `tables` says so
        let rate = |client: &Client| client.throttle_rate.clone();
        let bad: Vec<_> = clients.iter().filter(|c| !rate(c).is_empty() && Rate::of_drf(&rate(c)).is_err()).collect();
        found.extend(bad.iter().map(|client| {
            let text =
                format!("the rate {:?} of the client {:?} of {name} cannot be read: 503", rate(client), client.name);
            failure(
                text,
                format!("write one such as 100/h into its throttle_rate in {}, or none", table.clients.name()),
            )
        }));
        if bad.is_empty() {
            found.push(ok(format!("the rates of all clients of {name} can be read")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_library_is_a_failure() {
        assert_eq!(judged(("3.30.1", 3_030_001)).state, super::super::State::Failure);
        assert_eq!(judged(("3.40.1", 3_040_001)).state, super::super::State::Ok);
    }
}
