//! A parsed file as a tree in which every value and key knows its place. Made from TOML for files
//! and from JSON for the inline chains of `explain --batch`.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::error::Report;

/// Line and column, counted from 1, columns in characters; 0 and 0 when there is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
}

/// One value.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub data: Data,
    pub place: Place,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
    /// Something that no option takes: a float, a date, null.
    Other(&'static str),
}

/// A key of a table.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub text: String,
    pub place: Place,
}

impl Node {
    /// What `{ file = "…" }` or `{ env = "…" }` name, by that word: only secrets are written so.
    pub(super) fn references(&self, word: &str) -> Vec<&str> {
        match &self.data {
            Data::Table(members) => match members.as_slice() {
                [(key, Node { data: Data::Text(text), .. })] if key.text == word => vec![text],
                members => members.iter().flat_map(|(_, node)| node.references(word)).collect(),
            },
            Data::List(items) => items.iter().flat_map(|item| item.references(word)).collect(),
            _ => vec![],
        }
    }

    /// What the value is, for errors.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Text(_) => "a text",
            Data::Integer(_) => "a whole number",
            Data::Boolean(_) => "a boolean",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
            Data::Other(kind) => kind,
        }
    }

    /// Parses TOML; the report names the place of the first fault.
    pub(crate) fn from_toml(text: &str, file: &str) -> Result<Self, Report> {
        let places = Places::of(text);
        let table = DeTable::parse(text).map_err(|e| {
            let place = e.span().map_or(Place { line: 1, column: 1 }, |span| places.at(span.start));
            report(file, place, format!("not valid TOML: {}", e.message()), "")
        })?;
        let root = Place { line: 1, column: 1 };
        Ok(Self { data: Data::Table(places.table(table.get_ref())), place: root })
    }

    /// Takes over JSON, which has no places.
    pub(crate) fn from_json(value: &serde_json::Value) -> Self {
        let data = match value {
            serde_json::Value::String(text) => Data::Text(text.clone()),
            serde_json::Value::Bool(flag) => Data::Boolean(*flag),
            serde_json::Value::Number(number) => number.as_i64().map_or(Data::Other("a number"), Data::Integer),
            serde_json::Value::Array(items) => Data::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(members) => Data::Table(
                members
                    .iter()
                    .map(|(name, value)| (Key { text: name.clone(), place: Place::default() }, Self::from_json(value)))
                    .collect(),
            ),
            serde_json::Value::Null => Data::Other("null"),
        };
        Self { data, place: Place::default() }
    }
}

/// A report about one place.
pub(crate) fn report(file: &str, place: Place, text: impl Into<String>, remedy: impl Into<String>) -> Report {
    Report { file: file.to_owned(), line: place.line, column: place.column, text: text.into(), remedy: remedy.into() }
}

/// Turns byte offsets into places.
struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { text, starts }
    }

    fn at(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Place { line: number(line), column: number(column) }
    }

    fn node(&self, value: &DeValue<'_>, span: &Range<usize>) -> Node {
        let data = match value {
            DeValue::String(text) => Data::Text(text.to_string()),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .map_or(Data::Other("a number that does not fit into 64 bits"), Data::Integer),
            DeValue::Boolean(flag) => Data::Boolean(*flag),
            DeValue::Array(items) => {
                Data::List(items.iter().map(|item| self.node(item.get_ref(), &item.span())).collect())
            }
            DeValue::Table(table) => Data::Table(self.table(table)),
            DeValue::Float(_) => Data::Other("a fraction"),
            DeValue::Datetime(_) => Data::Other("a date"),
        };
        Node { data, place: self.at(span.start) }
    }

    /// The members in the order of the text: the parser's map has lost it, the places have not.
    fn table(&self, table: &DeTable<'_>) -> Vec<(Key, Node)> {
        let mut members: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let key = Key { text: key.get_ref().to_string(), place: self.at(key.span().start) };
                (key, self.node(value.get_ref(), &value.span()))
            })
            .collect();
        members.sort_by_key(|(key, _)| (key.place.line, key.place.column));
        members
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_characters() {
        let node = Node::from_toml("a = 1\n\u{fc}\u{fc} = { b = \"x\" }\n", "f");
        assert_eq!(node.unwrap_err().line, 2); // a bare key is ASCII
        let node = Node::from_toml("\"\u{fc}\u{fc}\" = { b = \"x\" }\n", "f").unwrap();
        let Data::Table(members) = node.data else { panic!() };
        let Data::Table(inner) = &members[0].1.data else { panic!() };
        assert_eq!(inner[0].0.place, Place { line: 1, column: 10 });
    }
}
