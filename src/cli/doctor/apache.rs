//! mod_wsgi keeps `Authorization` from an application unless it is told to pass it on. So the question
//! for each application behind Apache is: what does it get to know a user by?

use std::path::{Path, PathBuf};

use super::httpd::{Directive, Section, directives};
use super::{Patient, Said, ok, output, warning};

/// What every WSGI application gets, and what to write when that is nothing.
pub(super) fn applications(patient: &Patient<'_>) -> Vec<Said> {
    let usual = Path::new("/etc/apache2");
    let named = match &patient.args.apache {
        Some(named) => named.as_path(),
        None if usual.join(MAIN).exists() => usual,
        None => return vec![],
    };
    let config = if named.is_dir() { named.join(MAIN) } else { named.to_owned() };
    output::progress("asking Apache for its configuration");
    let all = match directives(&config) {
        Ok(all) => all,
        Err(why) => return vec![warning(why, "see `apache2ctl configtest`; another file: `--apache FILE`")],
    };
    let places: Vec<_> = all.iter().filter_map(Place::of_application).flat_map(|place| place.and_below(&all)).collect();
    if places.is_empty() {
        return vec![ok(format!("{}: no WSGI application", config.display()))];
    }
    places.iter().map(|place| place.judged(&all)).collect()
}

/// A URL path at which an application answers.
#[derive(Clone)]
struct Place<'a> {
    url: String,
    script: PathBuf,
    host: Option<&'a Section>,
    alias: &'a Directive,
}

impl<'a> Place<'a> {
    fn of_application(alias: &'a Directive) -> Option<Self> {
        let is_alias = alias.name == "wsgiscriptalias" || alias.name == "wsgiscriptaliasmatch";
        let [url, script, ..] = alias.arguments.as_slice() else { return None };
        is_alias.then(|| Self {
            url: url.clone(),
            script: PathBuf::from(script),
            host: alias.sections.iter().find(|section| matches!(section, Section::Host(..))),
            alias,
        })
    }

    /// The place itself, and those below it that have rules of their own.
    fn and_below(self, all: &[Directive]) -> Vec<Self> {
        let mut urls = vec![self.url.clone()];
        for directive in all.iter().filter(|directive| MATTERS.contains(&directive.name.as_str())) {
            for section in &directive.sections {
                if let Section::Location(url) = section
                    && self.is_on_host_of(directive)
                    && covers(&self.url, url)
                    && !urls.contains(url)
                {
                    urls.push(url.clone());
                }
            }
        }
        urls.into_iter().map(|url| Self { url, ..self.clone() }).collect()
    }

    fn is_on_host_of(&self, directive: &Directive) -> bool {
        let host = directive.sections.iter().find(|section| matches!(section, Section::Host(..)));
        host.is_none() || host == self.host
    }

    /// The directive that holds here: what stands nearer wins, `<Location>` over `<Directory>`
    /// (httpd, "How the sections are merged").
    fn effective<'d>(&self, all: &'d [Directive], name: &str) -> Option<&'d Directive> {
        let ranked = all.iter().filter(|directive| directive.name == name);
        let ranked = ranked.filter_map(|directive| Some((self.rank(directive)?, directive)));
        // Of equals the last, as `max_by_key` does.
        ranked.max_by_key(|(rank, _)| *rank).map(|(_, directive)| directive)
    }

    fn rank(&self, directive: &Directive) -> Option<(u8, usize)> {
        if !self.is_on_host_of(directive) {
            return None;
        }
        let mut rank = (0, 0);
        for section in &directive.sections {
            rank = rank.max(match section {
                Section::Condition => rank,
                Section::Host(..) => (1, 0),
                Section::Directory(folder) if self.script.starts_with(folder) => (2, folder.as_os_str().len()),
                Section::Location(url) if covers(url, &self.url) => (3, 0),
                Section::Directory(_) | Section::Location(_) | Section::Unknown => return None,
            });
        }
        Some(rank)
    }

    fn is_on(&self, all: &[Directive], name: &str) -> bool {
        let value = self.effective(all, name).and_then(|directive| directive.arguments.first());
        value.is_some_and(|value| value.eq_ignore_ascii_case("on"))
    }

    fn judged(&self, all: &[Directive]) -> Said {
        let argument = |name: &str| self.effective(all, name).and_then(|d| d.arguments.first()).cloned();
        let passes = self.is_on(all, "wsgipassauthorization") && !self.is_on(all, "authchainstripcredentials");
        let kind = argument("authtype").filter(|kind| !kind.eq_ignore_ascii_case("none"));
        let required = self.effective(all, "require").map(|require| require.arguments.join(" "));
        let is_guarded = required.is_some_and(|words| !words.eq_ignore_ascii_case("all granted"));
        let chain = argument("authchain").unwrap_or_else(|| "default".to_owned());
        match kind {
            Some(kind) if kind.eq_ignore_ascii_case("authchain") && is_guarded => {
                let also = if passes { ", and Authorization as well" } else { "; Authorization stays with Apache" };
                ok(self.says(&format!("gets the user whom the chain {chain} finds, as REMOTE_USER{also}")))
            }
            Some(kind) if kind.eq_ignore_ascii_case("authchain") => warning(
                self.says("has AuthType authchain, but nothing that requires a user: nobody is asked"),
                "write `Require authchain-authenticated` there",
            ),
            _ if passes => ok(self.says("gets Authorization and decides by itself")),
            Some(kind) if is_guarded => warning(
                self.says(&format!(
                    "gets the user of AuthType {kind} and never sees Authorization: no token reaches it"
                )),
                REMEDY,
            ),
            _ => warning(self.says("gets neither Authorization nor a user"), REMEDY),
        }
    }

    fn says(&self, what: &str) -> String {
        let Directive { file, line, .. } = self.alias;
        let host = match self.host {
            Some(Section::Host(_, name)) => format!(" of <VirtualHost {name}>"),
            _ => String::new(),
        };
        format!("{}:{line}: the application at {}{host} {what}", file.display(), self.url)
    }
}

/// Whether a `<Location>` of one path holds for another: the same, or above it.
fn covers(above: &str, path: &str) -> bool {
    let above = above.trim_end_matches('/');
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The directives that decide.
const MATTERS: [&str; 4] = ["wsgipassauthorization", "authtype", "require", "authchainstripcredentials"];
const REMEDY: &str = "write `WSGIPassAuthorization On` to let it decide by itself, or `AuthType authchain` and \
                      `Require authchain-authenticated` to have the chain decide";
/// Debian's name of the file.
const MAIN: &str = "apache2.conf";
