//! JSON as Python 3.11's `json` reads and writes it, with its error texts: what Django REST
//! framework's `JSONParser` makes of a body and Django's `JSONSerializer` of a session.
//!
//! A general parser would answer with other texts, and would lose what a session holds: texts with
//! lone surrogates, numbers as they were written, the order of members.
//!
//! Work and memory are linear in the input. How long a body may be is `form::MAX_BODY`; an empty
//! one is no JSON, and DRF does not come as far as parsing it.

mod decoder;

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::hash::Hash;
use std::ops::Deref;
use std::str;

use smallvec::SmallVec;

use decoder::Decoder;

/// A value of JSON. It has its texts for itself, or borrows them of what it was read from ([`Lent`]).
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Json<B = Short> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it was written: nothing of ours calculates with them, and a session is written
    /// back with the digits it had.
    Number(Digits<B>),
    /// A text.
    Text(Text<B>),
    /// The values of a list.
    List(Vec<Json<B>>),
    /// The members of an object, as in a Python `dict`: of equal names the first's place and the
    /// last's value.
    Object(Vec<(Text<B>, Json<B>)>),
}

/// A value that borrows the texts that stand in the input as they are: all but those with escapes.
pub type Lent<'a> = Json<Cow<'a, [u8]>>;

/// Bytes of a text of its own. Up to 32 of them stand in their place: most names and tokens' ids (32 digits) do.
pub type Short = SmallVec<[u8; 32]>;

/// What a value keeps the bytes of its texts in.
pub trait Bytes<'a>: Deref<Target = [u8]> + Clone + Eq + Hash {
    /// Keeps some.
    fn of(bytes: Cow<'a, [u8]>) -> Self;
}

impl<'a> Bytes<'a> for Cow<'a, [u8]> {
    fn of(bytes: Self) -> Self {
        bytes
    }
}

impl<'a> Bytes<'a> for Short {
    fn of(bytes: Cow<'a, [u8]>) -> Self {
        match bytes {
            Cow::Borrowed(bytes) => Self::from_slice(bytes),
            Cow::Owned(bytes) => Self::from_vec(bytes),
        }
    }
}

/// A Python `str`: code points, of which one may be a lone surrogate (`"\ud800"`). In WTF-8.
///
/// No `Debug`: passwords are among them.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(Debug))]
pub struct Text<B = Short>(B);

/// The digits of a number, with sign, point and exponent if it has them.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Digits<B = Short>(Text<B>);

/// What follows `JSON parse error - ` in DRF's detail; it quotes nothing of the input but one byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(String);

/// The code point of the first lone surrogate of a text: Python cannot encode it either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surrogate(pub u16);

/// What is read beyond the grammar.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How many lists and objects may hold each other.
    pub depth: usize,
    /// How many values there may be in all: each takes some hundred times the memory of its text.
    pub values: usize,
    /// `NaN`, `Infinity` and `-Infinity` are numbers.
    pub constants: bool,
    /// Of members of one name the last counts; else they are refused.
    pub duplicates: bool,
    /// A text may hold half of a surrogate pair.
    pub surrogates: bool,
}

/// DRF's. Python gives up between 900 and 1,000 levels, by what is on its stack already; no login and no
/// session is a tenth as deep, and a host's threads may have little stack.
const DRF: Rules = Rules { depth: 256, values: 100_000, constants: false, duplicates: true, surrogates: true };

/// Reads a value from UTF-8.
///
/// # Errors
/// [`Malformed`] with Python's text; with one of ours where Python runs out of stack and DRF
/// answers 500.
pub fn decode(bytes: &[u8]) -> Result<Json, Malformed> {
    let bytes = utf8(bytes)?.as_bytes();
    if bytes.starts_with("\u{feff}".as_bytes()) {
        return Err(Decoder::new(bytes, &DRF).wrong("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    decode_by(bytes, &DRF)
}

/// Reads a value from UTF-8, or from WTF-8 where the rules allow surrogates.
///
/// # Errors
/// [`Malformed`], with Python's text where Python refuses it, too.
pub(crate) fn decode_by<'a, B: Bytes<'a>>(text: &'a [u8], rules: &'a Rules) -> Result<Json<B>, Malformed> {
    Decoder::new(text, rules).whole()
}

/// Python's `json.dumps(value, separators=(",", ":"))`, but that numbers stay as they were written.
pub fn encode<B: Deref<Target = [u8]>>(value: &Json<B>) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

impl<B: Deref<Target = [u8]>> Json<B> {
    /// The member of an object; `None` for other values, too.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text, if the value is one.
    pub fn text(&self) -> Option<&Text<B>> {
        let Self::Text(text) = self else { return None };
        Some(text)
    }

    /// The same value with texts of its own.
    pub fn own(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => Json::Bool(*flag),
            Self::Number(digits) => Json::Number(Digits(digits.0.own())),
            Self::Text(text) => Json::Text(text.own()),
            Self::List(values) => Json::List(values.iter().map(Self::own).collect()),
            Self::Object(members) => {
                Json::Object(members.iter().map(|(name, value)| (name.own(), value.own())).collect())
            }
        }
    }
}

impl Json {
    /// Gives an object a member: in its place if there is one of that name, else at the end. Other
    /// values have no members and stay as they are.
    pub fn set(&mut self, name: &str, value: Self) {
        let Self::Object(members) = self else { return };
        match members.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => members.push((Text::from(name), value)),
        }
    }

    /// Takes a member out of an object.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        let Self::Object(members) = self else { return None };
        let place = members.iter().position(|(key, _)| key == name)?;
        Some(members.remove(place).1)
    }
}

impl<B: Deref<Target = [u8]>> Text<B> {
    /// The text, if it can be encoded.
    ///
    /// # Errors
    /// The first [`Surrogate`] of a text that cannot.
    pub fn as_str(&self) -> Result<&str, Surrogate> {
        str::from_utf8(&self.0).map_err(|why| Surrogate(surrogate(&self.0[why.valid_up_to()..])))
    }

    /// The text in WTF-8.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn own(&self) -> Text {
        Text(Short::from_slice(&self.0))
    }
}

impl<'a, B: Bytes<'a>> From<Cow<'a, [u8]>> for Text<B> {
    fn from(bytes: Cow<'a, [u8]>) -> Self {
        Self(B::of(bytes))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(SmallVec::from_slice(text.as_bytes()))
    }
}

impl<B: Deref<Target = [u8]>> Deref for Digits<B> {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_str().unwrap_or_default()
    }
}

impl<T: AsRef<str>> From<T> for Digits {
    fn from(digits: T) -> Self {
        Self(digits.as_ref().into())
    }
}

impl<B: Deref<Target = [u8]>> PartialEq<str> for Text<B> {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What Python's `codecs.StreamReader` reads: it waits for the rest of a sequence that the end cuts
/// short, and so drops it without a word; at the end, half a surrogate is such a one.
fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    let why = match str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(why) => why,
    };
    let at = why.valid_up_to();
    let is_half = matches!(bytes[at..], [0xed, 0xa0..=0xbf]);
    let Some(len) = why.error_len().filter(|_| !is_half) else {
        return Ok(str::from_utf8(&bytes[..at]).unwrap_or_default());
    };
    let reason = if matches!(bytes[at], 0xc2..=0xf4) { "invalid continuation byte" } else { "invalid start byte" };
    let place = match len {
        1 => format!("byte 0x{:02x} in position {at}", bytes[at]),
        _ => format!("bytes in position {at}-{}", at + len - 1),
    };
    Err(Malformed(format!("'utf-8' codec can't decode {place}: {reason}")))
}

/// Writes a code point in WTF-8: UTF-8's rule also for surrogates.
pub(super) fn push(text: &mut Vec<u8>, point: u32) {
    let low = |shift: u32| 0x80 | (point >> shift & 0x3f) as u8;
    if let Some(c) = char::from_u32(point) {
        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        text.extend_from_slice(&[0xe0 | (point >> 12 & 0x0f) as u8, low(6), low(0)]);
    }
}

/// The surrogate that [`push`] wrote at the start.
fn surrogate(bytes: &[u8]) -> u16 {
    bytes.iter().take(3).fold(0, |point, byte| point << 6 | u16::from(byte & 0x3f))
}

fn write<B: Deref<Target = [u8]>>(value: &Json<B>, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(digits) => out.push_str(digits),
        Json::Text(text) => write_text(text, out),
        Json::List(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write(value, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write_text(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_text<B: Deref<Target = [u8]>>(text: &Text<B>, out: &mut String) {
    out.push('"');
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let valid = str::from_utf8(rest).unwrap_or_else(|why| {
            // UTF-8 as far as it goes
            str::from_utf8(&rest[..why.valid_up_to()]).unwrap_or_default()
        });
        valid.chars().for_each(|c| write_char(c, out));
        rest = &rest[valid.len()..];
        if let Some((lone, after)) = rest.split_at_checked(3) {
            write_unit(surrogate(lone), out);
            rest = after;
        }
    }
    out.push('"');
}

/// Python's `ensure_ascii`.
fn write_char(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        ' '..='~' => out.push(c),
        _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write_unit(*unit, out)),
    }
}

fn write_unit(unit: u16, out: &mut String) {
    // A String takes any text.
    let _ = write!(out, "\\u{unit:04x}");
}

#[cfg(test)]
pub(super) mod tests {
    use super::decoder::last_wins;
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn reads_and_refuses_as_drf_does() {
        let lines = recorded("json.jsonl");
        assert!(lines.len() > 3000);
        for line in lines {
            let body = whole(&line["body"]);
            let read = decode(&body).map(|value| encode(&value)).map_err(|why| why.to_string());
            let shown = body[..body.len().min(300)].escape_ascii();
            let too_deep = read.as_ref().is_err_and(|why| why.starts_with("Nested too deeply: "));
            match (line["dump"].as_str(), line["error"].as_str()) {
                // Beyond our depth, Python may have stack left.
                _ if too_deep => assert!(body.iter().filter(|byte| b"[{".contains(byte)).count() > DRF.depth),
                (Some(dump), _) => assert_eq!(read.as_deref(), Ok(dump), "{shown}"),
                (_, Some(error)) => assert_eq!(read.err().as_deref(), Some(error), "{shown}"),
                _ => panic!("Python ran out of stack, and we did not: {shown}"),
            }
        }
    }

    #[test]
    fn the_depth_is_bounded() {
        let nested = |depth: usize| decode("[".repeat(depth).as_bytes()).map_err(|why| why.to_string());
        assert_eq!(nested(256).err().as_deref(), Some("Expecting value: line 1 column 257 (char 256)"));
        assert_eq!(nested(257).err().as_deref(), Some("Nested too deeply: line 1 column 257 (char 256)"));
        assert!(nested(2_000_000).is_err());
    }

    #[test]
    fn values_are_bounded_wherever_they_are() {
        let list = |count: usize| decode(format!("[{}0]", "[0],".repeat(count)).as_bytes());
        assert!(list(49_999).is_ok()); // each is two, with the list itself and the last one 100,000
        assert!(list(50_000).err().unwrap().to_string().starts_with("Too many values: line 1 column "));
        assert!(decode(format!("[{{\"\":0}}{}]", ",{\"\":0}".repeat(60_000)).as_bytes()).is_err());
    }

    #[test]
    fn many_members_of_one_name_are_one() {
        let members =
            |names: usize| (0..90_000).map(|i| format!("\"{}\":{i}", i % names)).collect::<Vec<_>>().join(",");
        let value = decode(format!("{{{}}}", members(100)).as_bytes()).unwrap();
        assert_eq!(value.get("7"), Some(&Json::Number("89907".into())));
        let Json::Object(kept) = value else { unreachable!() };
        assert_eq!(kept.len(), 100);
    }

    #[test]
    fn members_are_read_changed_and_removed_in_place() {
        let mut value = decode(br#"{"a":1,"b":2,"c":[]}"#).unwrap();
        value.set("b", Json::Text("x".into()));
        value.set("d", Json::Null);
        assert_eq!(value.remove("a"), Some(Json::Number("1".into())));
        assert_eq!(value.remove("a"), None);
        assert_eq!(encode(&value), r#"{"b":"x","c":[],"d":null}"#);
        assert_eq!(value.get("b").and_then(Json::text).map(Text::as_str), Some(Ok("x")));
        assert_eq!(value.get("a"), None);
        let mut list = Json::List(vec![]);
        list.set("a", Json::Null);
        assert_eq!(list.get("a"), None);
        assert_eq!(list.remove("a"), None);
        assert_eq!(list, Json::List(vec![]));
    }

    #[test]
    fn a_text_with_a_lone_surrogate_names_it() {
        for (json, expected) in [
            (r#""\ud83d\ude00""#, Ok("\u{1f600}")),
            (r#""\u20ac\ud83d!\udc00""#, Err(Surrogate(0xd83d))),
            (r#""\ude00""#, Err(Surrogate(0xde00))),
        ] {
            let value = decode(json.as_bytes()).unwrap();
            assert_eq!(value.text().unwrap().as_str(), expected, "{json}");
            assert_eq!(encode(&value), json);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in any_json()) {
            let text = encode(&value);
            prop_assert!(text.is_ascii());
            prop_assert_eq!(decode(text.as_bytes()).map_err(|why| why.to_string()), Ok(value));
        }

        #[test]
        fn decode_never_panics(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let text = || proptest::collection::vec(any::<u16>(), 0..6).prop_map(of_units);
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(|n| Json::Number(n.to_string().into())),
            "-?[1-9][0-9]{0,3}\\.[0-9]{1,3}(e[+-]?[0-9]{1,2})?".prop_map(|n| Json::Number(n.into())),
            text().prop_map(Json::Text),
        ];
        leaf.prop_recursive(4, 60, 20, move |inner| {
            let members = proptest::collection::vec((text(), inner.clone()), 0..20);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Json::List),
                members.prop_map(|members| Json::Object(last_wins(members))),
            ]
        })
    }

    fn of_units(units: Vec<u16>) -> Text {
        let mut text = Vec::new();
        for point in char::decode_utf16(units) {
            push(&mut text, point.map_or_else(|lone| lone.unpaired_surrogate().into(), u32::from));
        }
        Text(text.into())
    }

    /// The lines of a file that tests/peer/bodies.py has written.
    pub(in super::super) fn recorded(name: &str) -> Vec<Value> {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/bodies").join(name);
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The bytes of a recorded body.
    pub(in super::super) fn whole(body: &Value) -> Vec<u8> {
        let bytes = |text: &Value| text.as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<_>>();
        let Some(pieces) = body.as_array() else { return bytes(body) };
        pieces.iter().flat_map(|piece| bytes(&piece[0]).repeat(piece[1].as_u64().unwrap() as usize)).collect()
    }
}
