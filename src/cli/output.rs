//! What the command says: data on standard output, errors on standard error. The only file of the
//! command that writes to either.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::context::Context;
use crate::error::{Error, Report};
use crate::sys::file::reason;

/// Why a subcommand did not do what was asked.
pub(super) enum Failure {
    /// To be said.
    Said(String),
    /// Standard output is gone; what there was to say about it was said.
    Deaf,
}

/// What a subcommand comes to.
pub(super) type Outcome = Result<(), Failure>;

/// Writes a line. False: nobody reads any more, so going on is of no use.
pub(super) fn line(text: &str) -> bool {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(e) if e.kind() == ErrorKind::BrokenPipe => false, // `| head`: no error
        Err(e) => {
            fail(&format!("standard output: {}", reason(&e)));
            false
        }
    }
}

/// Writes an error; the exit code that goes with it.
pub(super) fn fail(text: &str) -> ExitCode {
    note(text);
    ExitCode::from(1)
}

/// Writes to standard error: what is no data.
pub(super) fn note(text: &str) {
    let text: Vec<_> = text.lines().map(visible).collect();
    // With standard error gone there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{}", text.join("\n"));
}

/// Writes a line, as a step that may fail.
pub(super) fn print(text: &str) -> Outcome {
    if line(text) { Ok(()) } else { Err(Failure::Deaf) }
}

/// Writes one JSON document on a line.
pub(super) fn json(value: &Value) -> Outcome {
    print(&value.to_string())
}

/// Shows on a terminal what is being done, in place of what was shown before; empty takes it away.
pub(super) fn progress(text: &str) {
    let mut err = io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K{}", visible(text)).and_then(|()| err.flush()); // only for the eye
    }
}

/// Writes rows under their headings, in columns.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> Outcome {
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows.into_iter().map(|row| row.map(|cell| visible(&cell))));
    let width = |i: usize| all.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..N).map(width).collect();
    for row in &all {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        print(cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// Fetches public keys: a command runs once, and nobody else does it.
pub(super) fn tick(context: &Context) {
    if let Err(error) = context.tick(0) {
        note(&error.to_string());
    }
}

/// The end of the process.
pub(super) fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Said(text)) => fail(&text),
        Err(Failure::Deaf) => ExitCode::from(1),
    }
}

/// A text from the database or the command line, so that it cannot start a line, colour a terminal
/// or turn the direction of what follows.
pub(super) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().flat_map(|c| if hidden(c) { c.escape_unicode().collect() } else { vec![c] }).collect()
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Said(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Said(text.to_owned())
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self::Said(report.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let remedy = REMEDIES.iter().find(|(part, _)| matches!(error, Error::Store(_)) && text.contains(part));
        Self::Said(remedy.map_or(text.clone(), |(_, remedy)| format!("{text} ({remedy})")))
    }
}

/// What to do about what SQLite says.
const REMEDIES: &[(&str, &str)] = &[
    (
        "unable to open",
        "see `database`, or `store` of [throttle], in the configuration, and the rights on the file and its folder",
    ),
    ("no such table", "run Django's migrate, or name the table in [users] or [schemes.…]"),
    ("no such column", "name the columns in [users] or [schemes.…]"),
    ("readonly", "the file and its folder must be writable for the user who runs this"),
    ("NOT NULL", "a text column goes into `empty_columns` of [users]; other columns need a default in the database"),
    ("locked", "another process is writing; try again, or raise `timeout`"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_play_with_the_terminal() {
        assert_eq!(visible("a\u{1b}[31m\n\u{202e}\u{e9}"), "a\\u{1b}[31m\\u{a}\\u{202e}\u{e9}");
    }

    #[test]
    fn what_sqlite_says_comes_with_a_remedy() {
        let said = |error: Error| match Failure::from(error) {
            Failure::Said(text) => text,
            Failure::Deaf => String::new(),
        };
        assert_eq!(
            said(Error::Store("no such column: u.x (SQLite code 1)".to_owned())),
            "database: no such column: u.x (SQLite code 1) (name the columns in [users] or [schemes.…])"
        );
        assert_eq!(said(Error::Invalid("a locked door")), "invalid argument: a locked door");
    }
}
