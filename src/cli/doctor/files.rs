//! Files and keys: who may read and write them, how long they are.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Patient, Said, failure, ok, warning};
use crate::accounts::sessions::Engine;
use crate::accounts::tokens::Tokens;
use crate::codec::key::Key;
use crate::config::Origin;
use crate::error::Report;
use crate::sys::user;

/// A configuration that was turned down.
pub(super) fn unusable(origin: &Origin, report: &Report) -> Said {
    let path = origin.path.as_deref().unwrap_or(Path::new(""));
    let remedy = if report.line == 0 { right_owner_and_mode(path, "go-w") } else { secret_remedy(origin, report) };
    let remedy = remedy.unwrap_or_else(|| report.remedy.clone());
    failure(Report { remedy: String::new(), ..report.clone() }.to_string(), remedy)
}

/// For a secret in a file of its own, which the report names as it is written.
fn secret_remedy(origin: &Origin, report: &Report) -> Option<String> {
    let named = report.text.strip_prefix("the file \"")?.split('"').next()?;
    let own_folder = origin.path.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
    right_owner_and_mode(&origin.base.as_deref().unwrap_or(own_folder).join(named), "g-w,o-rwx")
}

/// The command that makes a file acceptable, where owner or mode are not.
fn right_owner_and_mode(path: &Path, mode: &str) -> Option<String> {
    let meta = fs::metadata(path).ok()?;
    let me = user::Account::effective().ok()?;
    if meta.uid() != 0 && !me.owns(meta.uid()) {
        return Some(format!("`chown root {}`", quoted(path)));
    }
    let forbidden = if mode == "go-w" { 0o022 } else { 0o027 };
    (meta.mode() & forbidden != 0).then(|| format!("`chmod {mode} {}`", quoted(path)))
}

/// A path as one word of a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| format!("{text:?}"), std::borrow::Cow::into_owned)
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|meta| meta.mode() & 0o7777)
}

/// The file itself: owner and writers were checked when it was loaded.
pub(super) fn configuration(patient: &Patient<'_>) -> Vec<Said> {
    let path = patient.origin.path.as_deref().unwrap_or(Path::new(""));
    let Some(mode) = mode(path) else { return vec![] };
    let text = format!("{} (mode {mode:04o})", path.display());
    if patient.survey.has_inline_secret && mode & 0o007 != 0 {
        let remedy = format!("`chmod o-rwx {}`, or put the secret into a file of its own", quoted(path));
        return vec![warning(format!("{text} holds a secret and may be read by everybody"), remedy)];
    }
    vec![ok(text)]
}

/// Secrets in files of their own; modes that show them to everybody were refused when they were loaded.
pub(super) fn secrets(patient: &Patient<'_>) -> Vec<Said> {
    let shown = |path: &std::path::PathBuf| Some(format!("{} (mode {:04o})", path.display(), mode(path)?));
    match patient.survey.secret_files.iter().filter_map(shown).collect::<Vec<_>>() {
        files if files.is_empty() => vec![ok("no secret stands in a file of its own")],
        files => vec![ok(files.join(", "))],
    }
}

/// The key's strength, by Django's own check (`security.W009`).
pub(super) fn secret_key(patient: &Patient<'_>) -> Vec<Said> {
    let Some(weakness) = weakness(patient.survey.top.text("secret_key")) else {
        return vec![ok("long and mixed enough")];
    };
    let remedy =
        "make a new one (Django: `get_random_secret_key`), and move the old one to `secret_key_fallbacks` for a while";
    vec![warning(format!("secret_key {weakness}"), remedy)]
}

/// Former keys (`security.W025`).
pub(super) fn fallbacks(patient: &Patient<'_>) -> Vec<Said> {
    let keys = patient.survey.top.list("secret_key_fallbacks");
    let weak = keys.iter().enumerate().find_map(|(i, key)| Some((i + 1, weakness(key)?)));
    match weak {
        _ if keys.contains(&patient.survey.top.text("secret_key").to_owned()) => {
            vec![warning("the present key stands among the former ones", "take it out of `secret_key_fallbacks`")]
        }
        Some((number, weakness)) => {
            let text = format!("number {number} of secret_key_fallbacks {weakness}");
            vec![warning(text, "take it out as soon as the sessions that it signed have ended")]
        }
        None if keys.is_empty() => vec![ok("none")],
        None => vec![ok(format!("{}; each is a key that still opens", keys.len()))],
    }
}

/// Secrets of tokens that sign themselves: whoever has one token can try secrets without end (RFC 7518 §3.2).
pub(super) fn signing_keys(patient: &Patient<'_>) -> Vec<Said> {
    let is_short = |tokens: &Tokens| match tokens {
        Tokens::Jwt(jwt) => jwt.signing_key.as_ref().is_some_and(Key::is_short),
        _ => false,
    };
    let short = patient.config.tokens.iter().filter(|(_, tokens)| is_short(tokens)).map(|(name, _)| {
        let text = format!("the secret of the scheme {name} is shorter than the hash of its algorithm");
        warning(text, "make a longer one: 32 random bytes for HS256, 48 for HS384, 64 for HS512")
    });
    short.collect()
}

fn weakness(key: &str) -> Option<&'static str> {
    if key.chars().count() < 50 {
        return Some("is shorter than 50 characters");
    }
    if key.chars().collect::<BTreeSet<_>>().len() < 5 {
        return Some("has fewer than 5 different characters");
    }
    key.starts_with("django-insecure-").then_some("was made for development (django-insecure-)")
}

/// Password hashes, tokens and sessions are in there.
pub(super) fn database(patient: &Patient<'_>) -> Vec<Said> {
    let path = &patient.config.database.path;
    let Some(mode) = mode(path) else { return vec![] }; // the point `database` says so
    let text = format!("{} (mode {mode:04o})", path.display());
    if mode & 0o007 == 0 {
        return vec![ok(text)];
    }
    let remedy = format!("`chmod o-rwx {}`; its group needs the host's user then", quoted(path));
    vec![warning(format!("{text}: everybody on this machine may read hashes and tokens"), remedy)]
}

/// The keys of sessions are the names of the files: who may list the folder may be anybody.
pub(super) fn sessions(patient: &Patient<'_>) -> Vec<Said> {
    let Engine::Files(files) = &patient.config.sessions.engine else { return vec![] };
    let Some(mode) = mode(&files.folder) else {
        let remedy = format!("`mkdir -m 770 {}`", quoted(&files.folder));
        return vec![failure(format!("{} is not there", files.folder.display()), remedy)];
    };
    let text = format!("{} (mode {mode:04o})", files.folder.display());
    if mode & 0o007 == 0 {
        return vec![ok(text)];
    }
    let remedy = match files.folder == Path::new("/tmp") {
        true => "set `session_file_path` (and Django's SESSION_FILE_PATH) to a folder of its own".to_owned(),
        false => format!("`chmod o-rwx {}`", quoted(&files.folder)),
    };
    vec![warning(
        format!("{text}: everybody on this machine may list the sessions, whose names are their keys"),
        remedy,
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_judged_as_django_judges_them() {
        let long = "abcdefghij".repeat(5);
        assert_eq!(weakness(&long), None);
        assert_eq!(weakness(&long[1..]), Some("is shorter than 50 characters"));
        assert_eq!(weakness(&"abcd".repeat(20)), Some("has fewer than 5 different characters"));
        assert!(weakness(&format!("django-insecure-{long}")).is_some_and(|text| text.contains("development")));
    }
}
