//! The one error of the crate: our fault, the host's, or the world's; never the client's (that is
//! a `Refusal`, see `verdict`). No other file makes an HTTP answer of it.

use std::fmt;

/// Why no verdict could be given. The host answers 503; nobody is let in.
#[derive(Debug, Clone)]
pub enum Error {
    /// The caller broke the contract of the function it called.
    Invalid(&'static str),
    /// The configuration cannot be used; the report names the place.
    Config(Box<Report>),
    /// The database cannot answer: locked, missing, corrupt, read-only, another schema.
    Store(String),
    /// What was asked for is not in this build or not for this kind.
    Unsupported(&'static str),
    /// The system gave no random bytes.
    Random,
    /// As many as may do so are hashing passwords, and went on for too long.
    Busy,
    /// Public keys are not there: what they come from did not answer yet, or not well.
    Keys(String),
    /// A custom scheme broke its contract: no answer, or one that does not fit.
    Scheme(String),
}

/// One problem of a configuration file, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The file as it was named, or `(text)`.
    pub file: String,
    /// Line, counted from 1; 0 when the problem has no line (the file cannot be read).
    pub line: u32,
    /// Column in characters, counted from 1; 0 without a line.
    pub column: u32,
    /// What is wrong.
    pub text: String,
    /// What to do about it: what was expected, what is known.
    pub remedy: String,
}

impl Report {
    /// A problem of the file as a whole.
    pub fn whole(file: &str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, text: text.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.text)?;
        if !self.remedy.is_empty() {
            write!(f, " ({})", self.remedy)?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => write!(f, "invalid argument: {text}"),
            Self::Config(report) => report.fmt(f),
            Self::Store(text) => write!(f, "database: {text}"),
            Self::Unsupported(text) => write!(f, "not supported: {text}"),
            Self::Busy => f.write_str("too many passwords are being hashed (hashes_at_once)"),
            Self::Random => f.write_str("the system gave no random bytes"),
            Self::Keys(text) => write!(f, "public keys: {text}"),
            Self::Scheme(text) => write!(f, "custom scheme: {text}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Report> for Error {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}
