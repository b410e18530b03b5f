//! mod_wsgi keeps `Authorization` from the application unless it is told to pass it on. Looks for that
//! in Apache's files, line by line: `Include`, `<If…>` and variables are not followed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Patient, Said, ok, output, warning};

/// Whether every site with a WSGI application passes `Authorization` on.
pub(super) fn passes_authorization(patient: &Patient<'_>) -> Vec<Said> {
    let usual = Path::new("/etc/apache2");
    let folder = match &patient.args.apache {
        Some(folder) => folder.as_path(),
        None if usual.is_dir() => usual,
        None => return vec![],
    };
    let mut files = Vec::new();
    find(folder, DEEPEST, &mut files);
    if files.is_empty() && patient.args.apache.is_none() {
        return vec![];
    }
    if files.is_empty() {
        return vec![warning(
            format!("{} has no configuration of Apache", folder.display()),
            "name its folder: `--apache DIR`",
        )];
    }
    output::progress("reading Apache's configuration");
    let mut seen = Seen::default();
    files.iter().for_each(|file| seen.read(file));
    let deaf: Vec<_> = seen.scopes.iter().filter(|scope| scope.has_application && !scope.passes).collect();
    if deaf.is_empty() || seen.everywhere {
        return vec![ok(format!("{} files below {}; Include was not followed", files.len(), folder.display()))];
    }
    let said = deaf.iter().map(|scope| {
        let text =
            format!("{}:{}: a WSGI application that never sees `Authorization`", scope.file.display(), scope.line);
        warning(text, "write `WSGIPassAuthorization On` beside its WSGIScriptAlias")
    });
    said.collect()
}

/// A `<VirtualHost>`, or a file outside of them.
struct Scope {
    file: PathBuf,
    /// Of the first application.
    line: usize,
    has_application: bool,
    passes: bool,
}

#[derive(Default)]
struct Seen {
    scopes: Vec<Scope>,
    /// Whether the directive stands outside every virtual host.
    everywhere: bool,
}

impl Seen {
    fn read(&mut self, file: &Path) {
        let mut text = Vec::new();
        let opened = fs::File::open(file);
        if opened.and_then(|file| file.take(LARGEST).read_to_end(&mut text)).is_err() {
            return;
        }
        let scope = || Scope { file: file.to_owned(), line: 0, has_application: false, passes: false };
        let (mut outside, mut inside): (Scope, Option<Scope>) = (scope(), None);
        for (i, line) in joined(&String::from_utf8_lossy(&text)) {
            let mut words = line.split_whitespace();
            let word = words.next().unwrap_or_default().to_ascii_lowercase();
            let current = inside.as_mut().unwrap_or(&mut outside);
            match word.as_str() {
                "<virtualhost" => inside = Some(scope()),
                "</virtualhost>" => self.scopes.extend(inside.take()),
                "wsgiscriptalias" | "wsgiscriptaliasmatch" if !current.has_application => {
                    current.has_application = true;
                    current.line = i;
                }
                "wsgipassauthorization" => {
                    current.passes =
                        words.next().is_some_and(|value| value.trim_matches('"').eq_ignore_ascii_case("on"));
                }
                _ => {}
            }
        }
        self.everywhere |= outside.passes;
        self.scopes.push(outside);
        self.scopes.extend(inside);
    }
}

/// The lines with their numbers; one that ends with a backslash goes on in the next.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (i, line) in text.lines().enumerate() {
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut() {
            Some((_, last)) if goes_on => last.push_str(part),
            _ => lines.push((i + 1, part.to_owned())),
        }
        goes_on = more;
    }
    lines
}

/// The files that Apache's packages make it read: what is only available is left out.
fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if files.len() == MOST_FILES {
            return;
        }
        if path.is_dir() && depth > 0 && !name.ends_with("-available") {
            find(&path, depth - 1, files);
        } else if path.is_file() && name.ends_with(".conf") {
            files.push(path);
        }
    }
}

const DEEPEST: usize = 3;
const MOST_FILES: usize = 2000;
const LARGEST: u64 = 1 << 20;
