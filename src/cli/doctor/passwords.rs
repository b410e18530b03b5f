//! Password hashes: what a new one costs here, and what kinds are stored.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Patient, Said, ok, output, warning};
use crate::codec::password::{HASHERS, is_usable};
use crate::error::Error;

/// The time of one hash of the preferred kind.
pub(super) fn cost(patient: &Patient<'_>) -> Vec<Said> {
    if !patient.has_passwords() {
        return vec![];
    }
    let hashers = &patient.config.hashers;
    let name = hashers.preferred().name();
    output::progress(&format!("timing {name}"));
    // The least of some: what else the machine does can only add.
    let mut least = Duration::MAX;
    let begun = Instant::now();
    while begun.elapsed() < ENOUGH {
        let start = Instant::now();
        hashers.burn(b"a password");
        least = least.min(start.elapsed());
    }
    let table = format!("[hashers.{name}]");
    let text = format!("a hash of {name} takes {} ms here", least.as_millis());
    vec![match least {
        _ if least > SLOW => {
            warning(format!("{text}: so does every wrong password"), format!("lower its cost in {table}"))
        }
        _ if least < FAST => warning(
            format!("{text}: a thief of the database guesses as fast"),
            format!("raise its cost in {table}, and in Django"),
        ),
        _ => ok(text),
    }]
}

const SLOW: Duration = Duration::from_secs(1);
const FAST: Duration = Duration::from_millis(20);
const ENOUGH: Duration = Duration::from_millis(300);

/// The users of one kind of hash.
#[derive(Default)]
struct Kind {
    count: usize,
    /// The first few.
    names: Vec<String>,
}

/// How many users have which kind of hash, and who cannot log in for it.
pub(super) fn stored(patient: &Patient<'_>) -> Vec<Said> {
    match kinds(patient) {
        Ok([refused, weak, outdated]) => judge(patient, &refused, &weak, &outdated),
        Err(_) => vec![], // the points `database` and `tables` say so
    }
}

type Kinds = BTreeMap<&'static str, Kind>;

/// Refused; of an algorithm that hides nothing; not as a new one would be.
fn kinds(patient: &Patient<'_>) -> Result<[Kinds; 3], Error> {
    let hashers = &patient.config.hashers;
    let [mut refused, mut weak, mut outdated] = [Kinds::new(), Kinds::new(), Kinds::new()];
    let add = |kinds: &mut Kinds, algorithm, name: &str| {
        let kind = kinds.entry(algorithm).or_default();
        kind.count += 1;
        if kind.names.len() <= FEW {
            kind.names.push(name.to_owned());
        }
    };
    patient.config.users.each_password(&patient.db(), |name, encoded| {
        if encoded.is_empty() || !is_usable(encoded) {
            return; // nobody logs in with a password here, and is not meant to
        }
        let algorithm = algorithm(encoded);
        if !hashers.knows(encoded) {
            add(&mut refused, algorithm, name);
        } else if algorithm == "md5" {
            add(&mut weak, algorithm, name);
        } else if hashers.must_update(encoded) {
            add(&mut outdated, algorithm, name);
        }
    })?;
    Ok([refused, weak, outdated])
}

/// The algorithm's word, if it is one. What is none may be a part of a password in clear text.
fn algorithm(encoded: &str) -> &'static str {
    let word = encoded.split_once('$').map_or("", |(word, _)| word);
    let former = ["sha1", "crypt", "unsalted_sha1", "unsalted_md5"]; // hashers that Django has dropped
    let known = HASHERS.iter().map(|def| def.name).chain(former).find(|name| *name == word);
    known.unwrap_or("of no known form")
}

fn judge(patient: &Patient<'_>, refused: &Kinds, weak: &Kinds, outdated: &Kinds) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    for (algorithm, kind) in refused {
        let listed = HASHERS.iter().any(|def| def.name == *algorithm);
        let remedy = match listed {
            true => {
                format!("add \"{algorithm}\" to `password_hashers`, or set new passwords (`authchain user passwd`)")
            }
            false => "set new passwords (`authchain user passwd`)".to_owned(),
        };
        said.push(warning(format!("{} cannot log in: hash {algorithm}, which is not listed", users(kind)), remedy));
    }
    for (algorithm, kind) in weak {
        let remedy = "set new passwords; `rehash = true` replaces each hash when its user logs in";
        said.push(warning(format!("{}: hash {algorithm}, which hides no password", users(kind)), remedy));
    }
    let count: usize = outdated.values().map(|kind| kind.count).sum();
    if count > 0 {
        let rehash =
            if patient.config.rehash { "a login replaces it" } else { "`rehash = true` would replace it at a login" };
        said.push(ok(format!("{count} hashes are not as a new one would be; {rehash}")));
    }
    if said.is_empty() {
        said.push(ok("all of the preferred kind"));
    }
    said
}

/// How many, and who if they are few.
fn users(kind: &Kind) -> String {
    let word = if kind.count == 1 { "user" } else { "users" };
    if kind.count <= FEW {
        return format!("{} {word} ({})", kind.count, kind.names.join(", "));
    }
    format!("{} {word}", kind.count)
}

const FEW: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_clear_text_is_never_taken_for_an_algorithm() {
        for (encoded, word) in [
            ("pbkdf2_sha256$1$s$x", "pbkdf2_sha256"),
            ("sha1$s$x", "sha1"),
            ("geheim", "of no known form"),
            ("ge$heim", "of no known form"),
        ] {
            assert_eq!(algorithm(encoded), word, "{encoded}");
        }
    }
}
