//! Option tables: what may stand in a table of the configuration. Parser, errors and
//! docs/config.md are made from them.

/// One option.
pub struct OptionDef {
    /// The key: the lower-case name of the Django or package setting where there is one.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The default as it would be written; empty when the option has to be given.
    pub default: &'static str,
    /// One sentence for docs/config.md.
    pub doc: &'static str,
}

/// The values an option takes.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that becomes part of a header value: visible ASCII and blanks.
    HeaderText,
    /// One word of a header: visible ASCII.
    HeaderWord,
    /// A cookie or header name: an RFC 9110 token.
    Token,
    /// An attribute of a cookie, perhaps empty: visible ASCII without `;` and `,`.
    CookieText,
    /// A table or column name.
    Identifier,
    /// A column name, or `""` for a column that the model does not have.
    Column,
    /// Column names.
    Columns,
    /// So many within a time: `5/5m`.
    Rate,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these words, not empty, none twice.
    Words(fn() -> Vec<&'static str>),
    /// A list of these words, perhaps empty, none twice.
    Set(fn() -> Vec<&'static str>),
    /// A list of texts, perhaps empty.
    Texts,
    /// A list of these words or of dotted Python paths, not empty, none twice.
    Paths(fn() -> Vec<&'static str>),
    /// A text, `{ file = "…" }` or `{ env = "…" }`; never printed. Empty only where that is the default.
    Secret,
    /// A text that everybody may know, or `{ file = "…" }`.
    Document,
    /// The path of a file, or an empty text; a relative one starts at the folder of the configuration.
    File,
    /// A list of header words, not empty.
    HeaderWords,
    /// A list of secrets, perhaps empty.
    Secrets,
    /// What the section on chains says.
    Schemes,
}

impl Kind {
    /// For docs and errors: what is expected.
    pub fn expected(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::HeaderText => "a text of visible ASCII and blanks".to_owned(),
            Self::HeaderWord => "one word of visible ASCII".to_owned(),
            Self::Token => "a name of letters, digits and !#$%&'*+-.^_`|~".to_owned(),
            Self::CookieText => "a text of visible ASCII without blanks, ; and ,".to_owned(),
            Self::Identifier => "a table or column name: letters, digits and _, at most 63".to_owned(),
            Self::Column => "a column name (letters, digits and _, at most 63) or \"\"".to_owned(),
            Self::Columns => "a list of column names".to_owned(),
            Self::Rate => "a rate N/TIME, such as \"5/5m\": N from 1 to 1000000, TIME a whole number of s, m, h or d, \
                           at most 366d"
                .to_owned(),
            Self::Integer(least, most) => format!("a whole number from {least} to {most}"),
            Self::Boolean => "true or false".to_owned(),
            Self::Word(words) => format!("one of: {}", words.join(", ")),
            Self::Words(words) => format!("a list without repetition of: {}", words().join(", ")),
            Self::Set(words) => format!("a list without repetition, perhaps empty, of: {}", words().join(", ")),
            Self::Texts => "a list of texts".to_owned(),
            Self::Paths(words) => format!("a list without repetition of dotted paths or of: {}", words().join(", ")),
            Self::Secrets => "a list of texts, { file = \"…\" } or { env = \"…\" }".to_owned(),
            Self::Document => "a text or { file = \"…\" }".to_owned(),
            Self::File => "a path".to_owned(),
            Self::HeaderWords => "a list of words of visible ASCII".to_owned(),
            Self::Secret => "a text, { file = \"…\" } or { env = \"…\" }".to_owned(),
            Self::Schemes => "a list of schemes, at least one: names or { scheme = \"…\" }".to_owned(),
        }
    }
}

/// The checked values of one table: every option of its table of options has one.
#[derive(Default, Clone)]
pub struct Values(Vec<(&'static str, Value)>);

/// A checked value.
#[derive(Clone)]
pub enum Value {
    /// Texts of every kind.
    Text(String),
    /// Whole numbers.
    Integer(i64),
    /// Booleans.
    Boolean(bool),
    /// Lists of texts.
    List(Vec<String>),
}

impl Values {
    /// Adds the value of an option.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.0.push((name, value));
    }

    /// The text of an option; empty for an option that is none, which a test of the tables excludes.
    pub fn text(&self, name: &str) -> &str {
        match self.find(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The number of an option.
    pub fn integer(&self, name: &str) -> i64 {
        match self.find(name) {
            Some(Value::Integer(number)) => *number,
            _ => 0,
        }
    }

    /// Whether an option is true.
    pub fn is(&self, name: &str) -> bool {
        matches!(self.find(name), Some(Value::Boolean(true)))
    }

    /// The texts of a list option.
    pub fn list(&self, name: &str) -> &[String] {
        match self.find(name) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}
