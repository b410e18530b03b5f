//! What the host's user may do, tried out with that user's rights. In WAL mode somebody who cannot
//! write the folder cannot even read, but only while nobody else has the database open; so nothing
//! less than opening it tells, and nobody here may have it open meanwhile.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::files::{quoted, unusable};
use super::{AS_HOST, Args, Patient, Said, failure, look, ok, shown, warning};
use crate::accounts::sessions::Engine;
use crate::config::survey::Survey;
use crate::config::{Config, Origin};
use crate::store::Db;
use crate::sys::file::{may, reason};
use crate::sys::user::{self, Account};

/// The points of [`AS_HOST`], looked at as the user that the arguments name.
pub(super) fn of_hosts(patient: &Patient<'_>) -> Vec<Value> {
    let Some(name) = &patient.args.user else {
        if user::is_root() {
            let text = "root may do everything: what the host's user may do was not tried";
            return vec![shown("host", &warning(text, "name it: `--user www-data`"))];
        }
        return look(AS_HOST, patient);
    };
    match Account::named(name) {
        Err(e) => vec![shown("host", &failure(format!("the user {name} cannot be looked up: {}", reason(&e)), ""))],
        Ok(None) => {
            vec![shown("host", &failure(format!("there is no user {name}"), "name the one that the host runs as"))]
        }
        Ok(Some(account)) if account.is_effective() => look(AS_HOST, patient),
        Ok(Some(_)) if !user::is_root() => {
            let text = format!("only root can try what {name} may do");
            vec![shown("host", &failure(text, "run this as root, or as that user without `--user`"))]
        }
        Ok(Some(account)) => ask(&account, patient),
    }
}

/// Runs this command again as somebody else.
fn ask(account: &Account, patient: &Patient<'_>) -> Vec<Value> {
    let failed = |why: String| vec![shown("host", &failure(format!("{} cannot run this: {why}", account.name), ""))];
    // The kernel's own link: the way to the program may be shut for that user.
    let mut command = Command::new("/proc/self/exe");
    if let Some(path) = &patient.origin.path {
        command.arg("--config").arg(absolute(path).unwrap_or(path.clone()));
    }
    command.args(["doctor", "--as-host", "--json"]).stdin(Stdio::null());
    // Root's environment is not for that user, but for what the configuration reads there.
    command.env_clear();
    let kept = patient.survey.variables.iter().map(String::as_str).chain(["PATH", "LANG", "LC_ALL", "TZ"]);
    command.envs(kept.filter_map(|name| Some((name, std::env::var_os(name)?))));
    account.run(&mut command);
    match command.output() {
        Err(e) => failed(reason(&e)),
        Ok(output) => match serde_json::from_slice(&output.stdout) {
            Ok(Value::Array(findings)) => findings,
            _ => failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        },
    }
}

/// The points of [`AS_HOST`], looked at as whoever this is. Also without the secrets, so that who
/// may not read them hears of the rest, too.
pub(super) fn as_host(args: &Args, origin: &Origin) -> Vec<Value> {
    let refused = Config::load(origin).err();
    let mut origin = origin.clone();
    let mut findings = Vec::new();
    let mut points = AS_HOST;
    if let Some(report) = refused {
        let without_secrets = [("secret_key", Value::from("unread")), ("secret_key_fallbacks", Value::Array(vec![]))];
        findings.push(shown(AS_HOST[0].0, &unreadable(&origin, &report)));
        origin.overrides = without_secrets.map(|(name, value)| (name.to_owned(), value)).into();
        points = &AS_HOST[1..];
    }
    if let (Ok(config), Ok(survey)) = (Config::load(&origin), Survey::of(&origin)) {
        findings.extend(look(points, &Patient { args, origin: &origin, config, survey }));
    }
    findings
}

/// The configuration was accepted from another user, so this one may not read something.
fn unreadable(origin: &Origin, report: &crate::error::Report) -> Said {
    let path = origin.path.clone().unwrap_or_default();
    let secrets = Survey::secret_files(origin).unwrap_or_default();
    let plugins = Survey::plugins(origin).unwrap_or_default();
    let files = std::iter::once(path).chain(secrets).chain(plugins);
    match files.filter_map(|file| obstacle(&file, Need::Read)).next() {
        Some(obstacle) => obstacle.failure(),
        None => unusable(origin, report),
    }
}

/// Whether it can be loaded.
pub(super) fn configuration(_: &Patient<'_>) -> Vec<Said> {
    vec![ok(format!("{} may read it, with its secrets", me()))]
}

/// Whether it can be read, and written where requests write.
pub(super) fn database(patient: &Patient<'_>) -> Vec<Said> {
    vec![open(&patient.config.database.path, &patient.db(), patient.writes())]
}

/// Whether attempts, and requests under a rate, can be counted: without that none is admitted.
pub(super) fn throttle(patient: &Patient<'_>) -> Vec<Said> {
    let store = patient.config.requests.store();
    let counts = patient.has_rates() || (patient.config.throttle.is_some() && patient.has_passwords());
    if !counts || store.path == patient.config.database.path {
        return vec![];
    }
    if store.path.exists() {
        return vec![open(&store.path, &Db::new(store.clone()), true)];
    }
    match obstacle(&folder(&store.path), Need::Folder) {
        Some(obstacle) => vec![obstacle.failure()],
        None => vec![ok(format!("{} may make {}, at the first attempt", me(), store.path.display()))],
    }
}

/// Whether sessions can be kept.
pub(super) fn sessions(patient: &Patient<'_>) -> Vec<Said> {
    let Engine::Files(files) = &patient.config.sessions.engine else { return vec![] };
    match obstacle(&files.folder, Need::Folder) {
        Some(obstacle) => vec![obstacle.failure()],
        None => vec![ok(format!("{} may read and write {}", me(), files.folder.display()))],
    }
}

/// Whether log lines can be written: one that cannot is lost without a word.
pub(super) fn log(patient: &Patient<'_>) -> Vec<Said> {
    let named = patient.survey.top.text("log");
    if ["", "syslog", "stderr"].contains(&named) {
        return vec![];
    }
    let path = patient.survey.path(named);
    let is_link = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink());
    if is_link {
        return vec![failure(
            format!("{} is a link, which is not followed", path.display()),
            "name the file itself in `log`",
        )];
    }
    let obstacle = if path.exists() { obstacle(&path, Need::Append) } else { obstacle(&folder(&path), Need::Folder) };
    match obstacle {
        Some(obstacle) => vec![obstacle.failure()],
        None => vec![ok(format!("{} may write {}", me(), path.display()))],
    }
}

/// Opens a SQLite file, reads and writes. What is written is taken back.
fn open(path: &Path, db: &Db, must_write: bool) -> Said {
    let (me, shown) = (me(), path.display());
    let beside = ["-wal", "-shm", "-journal"].map(|end| PathBuf::from(format!("{shown}{end}")));
    let left_over = beside.iter().filter(|file| file.exists()).find_map(|file| obstacle(file, Need::Write));
    let own = obstacle(path, if must_write { Need::Write } else { Need::Read });
    let no_folder = obstacle(&folder(path), Need::Folder);
    let remedy = || remedy([&own, &no_folder, &left_over]);
    let mode = match (db.try_read(), &own) {
        (Ok(mode), _) => mode,
        (Err(_), Some(obstacle)) => return failure(obstacle.text.clone(), remedy()),
        (Err(error), None) => return failure(format!("{me} cannot read {shown}: {error}"), remedy()),
    };
    if let (Some(Obstacle { text, .. }), "wal") = (&no_folder, mode.as_str()) {
        let text = format!("{text}: {shown} can be opened only while another process has it open (WAL mode)");
        return failure(text, remedy());
    }
    match db.try_write() {
        Ok(()) => ok(format!("{me} may read and write {shown}")),
        Err(error) if must_write => failure(format!("{me} cannot write {shown}: {error}"), remedy()),
        Err(_) => ok(format!("{me} may read {shown}, which is all that the configuration needs")),
    }
}

/// One command of several.
fn remedy(obstacles: [&Option<Obstacle>; 3]) -> String {
    let mut commands: Vec<&str> = obstacles.into_iter().flatten().map(|obstacle| obstacle.command.as_str()).collect();
    commands.dedup(); // one folder may be in the way of them all
    commands.retain(|command| !command.is_empty());
    if commands.is_empty() { String::new() } else { format!("`{}`", commands.join(" && ")) }
}

/// What a user may have to do with a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Read,
    Write,
    Append,
    /// Make files in it, and list it.
    Folder,
}

/// What is in the way, and the command that takes it away.
struct Obstacle {
    text: String,
    command: String,
}

impl Obstacle {
    fn failure(self) -> Said {
        failure(self.text.clone(), remedy([&Some(self), &None, &None]))
    }
}

/// The first step on the way to a file that the user of this process may not take.
fn obstacle(path: &Path, need: Need) -> Option<Obstacle> {
    let path = absolute(path).unwrap_or(path.to_owned());
    let me = Account::effective().ok()?;
    let mut folders: Vec<_> = path.ancestors().skip(1).collect();
    folders.reverse();
    if let Some(shut) = folders.into_iter().find(|folder| !may(folder, libc::X_OK)) {
        let text = format!("{} may not enter {}", me.name, shut.display());
        return Some(Obstacle { text, command: format!("chmod a+x {}", quoted(shut)) });
    }
    let Ok(meta) = fs::metadata(&path) else {
        return Some(Obstacle { text: format!("{} is not there", path.display()), command: String::new() });
    };
    let (rights, letters, verb) = match need {
        Need::Read => (libc::R_OK, "r", "read"),
        Need::Write => (libc::R_OK | libc::W_OK, "rw", "write"),
        Need::Append => (libc::W_OK, "w", "write"),
        Need::Folder => (libc::R_OK | libc::W_OK | libc::X_OK, "rwx", "make files in"),
    };
    if may(&path, rights) {
        return None;
    }
    let word = quoted(&path);
    let command = match me.owns(meta.uid()) {
        true => format!("chmod u+{letters} {word}"),
        false => format!("chgrp {} {word} && chmod g+{letters} {word}", me.group),
    };
    Some(Obstacle { text: format!("{} may not {verb} {}", me.name, path.display()), command })
}

fn folder(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or(path.to_owned());
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

fn me() -> String {
    Account::effective().map_or_else(|_| "this user".to_owned(), |account| account.name)
}
