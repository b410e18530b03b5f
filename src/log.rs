//! Where log lines go: to the host, or where the configuration says.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::sys::{clock, file, syslog};

/// How much a log line matters, with syslog's numbers (RFC 5424 §6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// No verdict could be given.
    Error = 3,
    /// A request was refused.
    Notice = 5,
    /// A request passed.
    Debug = 7,
}

/// Takes log lines.
#[derive(Clone)]
pub(crate) struct Log {
    target: Target,
    /// The least that matters.
    level: Severity,
}

/// Takes one log line. Called on the thread of the request; must not block.
pub(crate) type Take = dyn Fn(Severity, &str) + Send + Sync;

#[derive(Clone)]
enum Target {
    Host(Arc<Take>),
    Syslog,
    Stderr,
    File(PathBuf),
}

impl Log {
    /// The host takes every line itself.
    pub(crate) fn host(take: impl Fn(Severity, &str) + Send + Sync + 'static) -> Self {
        Self { target: Target::Host(Arc::new(take)), level: Severity::Debug }
    }

    /// The system's log, facility `authpriv`.
    pub(crate) fn syslog(level: Severity) -> Self {
        Self { target: Target::Syslog, level }
    }

    /// Standard error.
    pub(crate) fn stderr(level: Severity) -> Self {
        Self { target: Target::Stderr, level }
    }

    /// A file, made when it is missing and opened anew for each line: it may be rotated at any time.
    pub(crate) fn file(path: PathBuf, level: Severity) -> Self {
        Self { target: Target::File(path), level }
    }

    /// Whether lines of this severity are wanted.
    pub(crate) fn wants(&self, severity: Severity) -> bool {
        severity <= self.level
    }

    /// Takes a line, if it is wanted. A log that cannot be written stops no verdict.
    pub(crate) fn take(&self, severity: Severity, line: &str) {
        if !self.wants(severity) {
            return;
        }
        match &self.target {
            Target::Host(take) => take(severity, line),
            Target::Syslog => syslog::log(severity as i32, line),
            // One write, so that lines of many processes do not mix.
            Target::Stderr => drop(std::io::stderr().write_all(dated(line).as_bytes())),
            Target::File(path) => drop(file::append(path, 0o640, dated(line).as_bytes())),
        }
    }
}

/// A line as files want it, with its moment in UTC (RFC 3339).
fn dated(line: &str) -> String {
    let now = jiff::Timestamp::from_microsecond(clock::now_us()).unwrap_or_default();
    format!("{now:.3} authchain: {line}\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::{fs, sync::Mutex};

    use super::*;

    #[test]
    fn a_file_gets_dated_lines_that_matter_and_survives_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("auth.log");
        let log = Log::file(path.clone(), Severity::Notice);
        log.take(Severity::Debug, "passed");
        log.take(Severity::Notice, "first");
        fs::rename(&path, dir.path().join("auth.log.1")).unwrap();
        log.take(Severity::Error, "second");
        let (old, new) =
            (fs::read_to_string(dir.path().join("auth.log.1")).unwrap(), fs::read_to_string(&path).unwrap());
        assert!(old.ends_with("Z authchain: first\n") && old.lines().count() == 1, "{old}");
        assert!(new.ends_with("Z authchain: second\n") && new.lines().count() == 1, "{new}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    }

    #[test]
    fn a_file_that_cannot_be_written_stops_nothing() {
        Log::file(PathBuf::from("/nowhere/auth.log"), Severity::Notice).take(Severity::Error, "lost");
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join("auth.log")).unwrap();
        Log::file(dir.path().join("auth.log"), Severity::Notice).take(Severity::Error, "lost");
        assert!(!dir.path().join("elsewhere").exists(), "a link is not followed");
    }

    #[test]
    fn a_host_gets_every_line_as_it_is() {
        let got = Arc::new(Mutex::new(vec![]));
        let into = got.clone();
        let log = Log::host(move |severity, line| into.lock().unwrap().push((severity, line.to_owned())));
        log.take(Severity::Debug, "a");
        log.take(Severity::Error, "b");
        assert_eq!(*got.lock().unwrap(), [(Severity::Debug, "a".to_owned()), (Severity::Error, "b".to_owned())]);
    }
}
