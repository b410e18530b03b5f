//! The directives of Apache's configuration, in the files that Apache itself says it reads
//! (`-D DUMP_INCLUDES`) and in their order, each with the sections around it. Conditions (`<If…>`) are
//! taken for true, variables for what they are written as.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One directive.
pub(super) struct Directive {
    /// In lower case.
    pub name: String,
    pub arguments: Vec<String>,
    pub sections: Vec<Section>,
    pub file: PathBuf,
    pub line: usize,
}

/// A section that a directive stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Section {
    /// `<VirtualHost>`, by the number of its appearance and what it is called there.
    Host(usize, String),
    Directory(PathBuf),
    Location(String),
    /// One that holds for what cannot be told here: patterns, `<If>`, macros.
    Unknown,
    /// `<IfModule>` and its like, which hold for all.
    Condition,
}

/// A file and the files that it includes, by the line that does.
struct Included {
    file: PathBuf,
    children: Vec<(usize, Included)>,
}

/// Every directive of the configuration that starts with a file. The error is what Apache says.
pub(super) fn directives(config: &Path) -> Result<Vec<Directive>, String> {
    let mut found = Found::default();
    found.read(&included(config)?);
    Ok(found.directives)
}

/// Asks Apache which files it reads.
fn included(config: &Path) -> Result<Included, String> {
    let asked = PROGRAMS.iter().find_map(|program| {
        let mut command = Command::new(program);
        command.args(["-t", "-D", "DUMP_INCLUDES", "-f"]).arg(config).stdin(Stdio::null());
        command.output().ok()
    });
    let Some(output) = asked else { return Err("there is no apache2ctl, apachectl or httpd to ask".to_owned()) };
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let why = complained.lines().filter(|line| !line.starts_with('[')).collect::<Vec<_>>().join(" ");
        return Err(format!("Apache does not take {}: {why}", config.display()));
    }
    tree(&mut said.lines().filter_map(entry).peekable(), 0)
        .pop()
        .map(|(_, root)| root)
        .ok_or_else(|| "Apache does not say which files it reads".to_owned())
}

/// `    (146) /etc/apache2/x.conf` → depth, line and file. The root's line is `*`.
fn entry(line: &str) -> Option<(usize, usize, PathBuf)> {
    let (number, file) = line.trim_start().strip_prefix('(')?.split_once(") ")?;
    let depth = (line.len() - line.trim_start().len()) / 2;
    Some((depth, number.parse().unwrap_or(0), PathBuf::from(file)))
}

/// The entries that are deeper than `above`, each with its own.
fn tree<I: Iterator<Item = (usize, usize, PathBuf)>>(
    entries: &mut std::iter::Peekable<I>,
    above: usize,
) -> Vec<(usize, Included)> {
    let mut found = Vec::new();
    while let Some((depth, line, file)) = entries.next_if(|(depth, ..)| *depth > above) {
        let children = if depth < DEEPEST { tree(entries, depth) } else { vec![] };
        found.push((line, Included { file, children }));
    }
    found
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    directives: Vec<Directive>,
    sections: Vec<Section>,
    hosts: usize,
}

impl Found {
    fn read(&mut self, included: &Included) {
        let mut text = Vec::new();
        let opened = fs::File::open(&included.file);
        if opened.and_then(|file| file.take(LARGEST).read_to_end(&mut text)).is_err() {
            return; // Apache has read it a moment ago
        }
        for (number, last, line) in joined(&String::from_utf8_lossy(&text)) {
            self.take(&included.file, number, &line);
            let here = included.children.iter().filter(|(at, _)| (number..=last).contains(at));
            here.for_each(|(_, child)| self.read(child));
        }
    }

    fn take(&mut self, file: &Path, line: usize, text: &str) {
        let text = text.trim();
        if text.starts_with("</") {
            self.sections.pop();
        } else if let Some(section) = text.strip_prefix('<') {
            let words = words(section.trim_end_matches('>'));
            let section = self.section(&words);
            self.sections.push(section);
        } else if !text.starts_with('#') {
            let mut words = words(text).into_iter();
            let Some(name) = words.next() else { return };
            self.directives.push(Directive {
                name: name.to_ascii_lowercase(),
                arguments: words.collect(),
                sections: self.sections.clone(),
                file: file.to_owned(),
                line,
            });
        }
    }

    fn section(&mut self, words: &[String]) -> Section {
        let name = words.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
        let argument = words.get(1).cloned().unwrap_or_default();
        let is_pattern = argument.contains(['*', '?', '[', '~']);
        match name.as_str() {
            "virtualhost" => {
                self.hosts += 1;
                Section::Host(self.hosts, argument)
            }
            "directory" if !is_pattern => Section::Directory(PathBuf::from(argument)),
            "location" if !is_pattern => Section::Location(argument),
            "ifmodule" | "ifdefine" | "ifversion" | "ifdirective" | "iffile" | "ifsection" | "requireall"
            | "requireany" => Section::Condition,
            _ => Section::Unknown,
        }
    }
}

/// The lines with the numbers of their first and last; one that ends with a backslash goes on.
fn joined(text: &str) -> Vec<(usize, usize, String)> {
    let mut lines: Vec<(usize, usize, String)> = Vec::new();
    let mut goes_on = false;
    for (i, line) in text.lines().enumerate() {
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut() {
            Some((_, last, whole)) if goes_on => {
                *last = i + 1;
                whole.push_str(part);
            }
            _ => lines.push((i + 1, i + 1, part.to_owned())),
        }
        goes_on = more;
    }
    lines
}

/// The words of a line; one in quotes may hold blanks.
fn words(line: &str) -> Vec<String> {
    let (mut found, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => found.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    found.extend(word);
    found
}

/// Debian's script knows the variables of Debian's files.
const PROGRAMS: [&str; 3] = ["apache2ctl", "apachectl", "httpd"];
const LARGEST: u64 = 1 << 20;
const DEEPEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apache_lists_becomes_a_tree() {
        let said = "Included configuration files:\n  (*) /a\n    (3) /b\n      (1) /c\n    (3) /d\n    (9) /e f\n";
        let mut roots = tree(&mut said.lines().filter_map(entry).peekable(), 0);
        let (_, root) = roots.pop().unwrap();
        let children: Vec<_> =
            root.children.iter().map(|(line, child)| (*line, child.file.to_str().unwrap())).collect();
        assert_eq!(children, [(3, "/b"), (3, "/d"), (9, "/e f")]);
        assert_eq!(root.children[0].1.children[0].1.file, Path::new("/c"));
        assert!(roots.is_empty());
    }

    #[test]
    fn lines_and_words_are_read_as_apache_reads_them() {
        assert_eq!(words("WSGIScriptAlias  / \"/srv/my app.py\" 'x'"), ["WSGIScriptAlias", "/", "/srv/my app.py", "x"]);
        assert_eq!(words("A \"\""), ["A", ""]);
        let lines = joined("a \\\n b\nc");
        assert_eq!(lines, [(1, 2, "a  b".to_owned()), (3, 3, "c".to_owned())]);
    }
}
