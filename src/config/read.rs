//! Option tables against a tree: every key known, every value of its kind, every default filled in.

use std::path::Path;

use super::node::{Data, Key, Node, Place, report};
use crate::codec::rate::Rate;
use crate::error::Report;
use crate::options::{Kind, OptionDef, Value, Values};
use crate::store::tables::Identifier;
use crate::sys::environment;
use crate::sys::file::{Privacy, read_trusted};

/// A file being read: its name for reports, and the folder that paths in it start from.
pub(crate) struct Source<'a> {
    pub file: &'a str,
    pub base: &'a Path,
    /// An inline chain: keywords that can never match are taken as DRF takes them.
    pub inline: bool,
}

impl Source<'_> {
    /// A report about one place of the file.
    pub(crate) fn report(&self, place: Place, text: impl Into<String>, remedy: impl Into<String>) -> Report {
        report(self.file, place, text, remedy)
    }

    /// The members of a table.
    pub(crate) fn table<'n>(&self, node: &'n Node, what: &str) -> Result<&'n [(Key, Node)], Report> {
        match &node.data {
            Data::Table(members) => Ok(members),
            _ => Err(self.expected(node, what, "a table")),
        }
    }

    /// Checks the members of a table against its options. `also` are keys that the caller reads.
    pub(crate) fn values(
        &self,
        members: &[(Key, Node)],
        options: &[&'static [OptionDef]],
        also: &[&str],
        table: &str,
        place: Place,
    ) -> Result<Values, Report> {
        for (key, _) in members {
            let known = || options.iter().copied().flatten().map(|o| o.name).chain(also.iter().copied());
            if !known().any(|name| name == key.text) {
                let list = known().collect::<Vec<_>>().join(", ");
                return Err(self.report(
                    key.place,
                    format!("unknown key {:?} in {table}", key.text),
                    if list.is_empty() { "no keys are known here".to_owned() } else { format!("known: {list}") },
                ));
            }
        }
        let mut values = Values::default();
        for option in options.iter().copied().flatten() {
            match members.iter().find(|(key, _)| key.text == option.name) {
                Some((_, node)) => self.take(&mut values, option, node)?,
                None => self.default(&mut values, option, table, place)?,
            }
        }
        Ok(values)
    }

    fn default(&self, values: &mut Values, option: &OptionDef, table: &str, place: Place) -> Result<(), Report> {
        if option.default.is_empty() {
            let text = format!("{table} has no {}", option.name);
            return Err(self.report(place, text, format!("expected {}", option.kind.expected())));
        }
        let text = format!("value = {}", option.default);
        match Node::from_toml(&text, "(default)")?.data {
            Data::Table(members) => members.iter().try_for_each(|(_, node)| self.take(values, option, node)),
            _ => Ok(()),
        }
    }

    fn take(&self, values: &mut Values, option: &OptionDef, node: &Node) -> Result<(), Report> {
        if matches!(option.kind, Kind::Schemes) {
            return Ok(()); // read by the chains
        }
        let unfit = || self.expected(node, option.name, &option.kind.expected());
        let value = match (&node.data, option.kind) {
            (_, Kind::Secret) => Value::Text(self.secret(node, option)?),
            (Data::Text(path), Kind::File) if path.is_empty() => Value::Text(String::new()),
            (Data::Text(path), Kind::File) if !path.contains('\0') => {
                Value::Text(self.base.join(path).to_string_lossy().into_owned())
            }
            (_, Kind::Document) => Value::Text(self.document(node, option)?),
            (Data::Text(text), Kind::HeaderWord) if self.inline && text_fits(text, Kind::HeaderText) => {
                Value::Text(text.clone())
            }
            (Data::Text(text), Kind::Word(words)) if words.contains(&short(text)) => {
                Value::Text(short(text).to_owned())
            }
            (Data::Text(text), kind) if text_fits(text, kind) => Value::Text(text.clone()),
            (Data::Integer(n), Kind::Integer(least, most)) if (least..=most).contains(n) => Value::Integer(*n),
            // Django's `SESSION_COOKIE_SAMESITE = False`.
            (Data::Boolean(false), Kind::Word(words)) if words.contains(&"") => Value::Text(String::new()),
            (Data::Boolean(flag), Kind::Boolean) => Value::Boolean(*flag),
            (Data::List(items), Kind::Secrets) => {
                Value::List(items.iter().map(|item| self.secret(item, option)).collect::<Result<_, _>>()?)
            }
            (_, Kind::Secrets) => return Err(self.no_secret(node, option)),
            (
                Data::List(items),
                Kind::Columns | Kind::Words(_) | Kind::Set(_) | Kind::Paths(_) | Kind::Texts | Kind::HeaderWords,
            ) => Value::List(self.list(items, option)?),
            _ => return Err(unfit()),
        };
        if matches!((&value, option.kind), (Value::List(list), Kind::Words(_) | Kind::Paths(_) | Kind::HeaderWords) if list.is_empty())
        {
            return Err(unfit());
        }
        values.set(option.name, value);
        Ok(())
    }

    fn list(&self, items: &[Node], option: &OptionDef) -> Result<Vec<String>, Report> {
        let mut list: Vec<String> = Vec::new();
        for item in items {
            let fits = |text: &str| match option.kind {
                Kind::Words(words) | Kind::Set(words) => words().contains(&text),
                Kind::Paths(words) => words().contains(&text) || is_dotted(text),
                Kind::Texts => !text.contains('\0'),
                Kind::HeaderWords => text_fits(text, Kind::HeaderWord),
                _ => Identifier::parse(text).is_ok(),
            };
            match &item.data {
                Data::Text(text) if matches!(option.kind, Kind::Texts) && fits(text) => list.push(text.clone()),
                Data::Text(text) if fits(short(text)) && !list.iter().any(|t| t == short(text)) => {
                    list.push(short(text).to_owned());
                }
                _ => return Err(self.expected(item, option.name, &option.kind.expected())),
            }
        }
        Ok(list)
    }

    /// A secret never appears in a report, not even when it is of the wrong kind.
    fn secret(&self, node: &Node, option: &OptionDef) -> Result<String, Report> {
        let secret = match &node.data {
            Data::Text(text) => text.clone(),
            Data::Table(members) => self.elsewhere(members)?.ok_or_else(|| self.no_secret(node, option))?,
            _ => return Err(self.no_secret(node, option)),
        };
        if secret.is_empty() && option.default != "\"\"" {
            return Err(self.report(
                node.place,
                format!("{} is empty", option.name),
                "Django's SECRET_KEY, or any long random text",
            ));
        }
        Ok(secret)
    }

    /// A text, or what stands in `{ file = "…" }`, which others may read.
    fn document(&self, node: &Node, option: &OptionDef) -> Result<String, Report> {
        match &node.data {
            Data::Text(text) => Ok(text.clone()),
            Data::Table(members) => match members.as_slice() {
                [(key, Node { data: Data::Text(path), place })] if key.text == "file" => {
                    read_trusted(&self.base.join(path), Privacy::Guarded)
                        .map_err(|why| self.report(*place, format!("the file {path:?} {why}"), ""))
                }
                _ => Err(self.expected(node, option.name, &option.kind.expected())),
            },
            _ => Err(self.expected(node, option.name, &option.kind.expected())),
        }
    }

    /// What stands in `{ file = "…" }` or `{ env = "…" }`; `None` for another table.
    pub(crate) fn elsewhere(&self, members: &[(Key, Node)]) -> Result<Option<String>, Report> {
        match members {
            [(key, Node { data: Data::Text(path), place })] if key.text == "file" => {
                let text = read_trusted(&self.base.join(path), Privacy::Secret)
                    .map_err(|why| self.report(*place, format!("the file {path:?} {why}"), ""))?;
                Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
            }
            [(key, Node { data: Data::Text(name), place })] if key.text == "env" => environment::variable(name)
                .map(Some)
                .ok_or_else(|| self.report(*place, format!("the environment has no {name:?}"), "")),
            _ => Ok(None),
        }
    }

    /// What was given may be the secret itself, in the wrong form: only its kind is shown.
    fn no_secret(&self, node: &Node, option: &OptionDef) -> Report {
        let text = format!("{} does not take {}", option.name, node.kind());
        self.report(node.place, text, format!("expected {}", option.kind.expected()))
    }

    pub(crate) fn expected(&self, node: &Node, name: &str, expected: &str) -> Report {
        self.report(node.place, format!("{name} does not take {}", shown(node)), format!("expected {expected}"))
    }
}

/// Django's dotted names are taken for their last part: a list can be copied from settings.py.
pub(crate) fn short(text: &str) -> &str {
    let prefixes =
        ["django.contrib.auth.backends.", "django.contrib.sessions.backends.", "rest_framework_simplejwt.tokens."];
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// Whether this may be the path of a Python class.
fn is_dotted(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.as_bytes()[0].is_ascii_digit()
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    text.contains('.') && text.split('.').all(is_name)
}

/// What was found; texts are quoted and cut, because a line may be long.
fn shown(node: &Node) -> String {
    match &node.data {
        Data::Text(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        Data::Integer(n) => n.to_string(),
        Data::Boolean(flag) => flag.to_string(),
        _ => node.kind().to_owned(),
    }
}

fn text_fits(text: &str, kind: Kind) -> bool {
    let visible = |b: u8| (0x21..0x7f).contains(&b);
    match kind {
        Kind::Text => !text.contains('\0'),
        Kind::HeaderText => text.bytes().all(|b| b == b' ' || visible(b)),
        Kind::HeaderWord => !text.is_empty() && text.bytes().all(visible),
        Kind::Token => !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || TOKEN.contains(&b)),
        Kind::CookieText => text.bytes().all(|b| visible(b) && b != b';' && b != b','),
        Kind::Identifier => Identifier::parse(text).is_ok(),
        Kind::Column => text.is_empty() || Identifier::parse(text).is_ok(),
        Kind::Rate => Rate::parse(text).is_ok(),
        _ => false,
    }
}

/// What an RFC 9110 token may hold besides letters and digits.
const TOKEN: &[u8] = b"!#$%&'*+-.^_`|~";
