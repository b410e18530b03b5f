//! JSON as Python 3.11's `json` reads and writes it, with its error texts: what Django REST
//! framework's `JSONParser` makes of a body and Django's `JSONSerializer` of a session.
//!
//! A general parser would answer with other texts, and would lose what a session holds: texts with
//! lone surrogates, numbers as they were written, the order of members.
//!
//! Work and memory are linear in the input. How long a body may be is `form::MAX_BODY`; an empty
//! one is no JSON, and DRF does not come as far as parsing it.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::ops::Deref;
use std::str;

use smallvec::SmallVec;

/// A value of JSON.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it was written: nothing of ours calculates with them, and a session is written
    /// back with the digits it had.
    Number(Digits),
    /// A text.
    Text(Text),
    /// The values of a list.
    List(Vec<Json>),
    /// The members of an object, as in a Python `dict`: of equal names the first's place and the
    /// last's value.
    Object(Vec<(Text, Json)>),
}

/// A Python `str`: code points, of which one may be a lone surrogate (`"\ud800"`). In WTF-8.
///
/// No `Debug`: passwords are among them.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(Debug))]
pub struct Text(SmallVec<[u8; SHORT]>);

/// The digits of a number, with sign, point and exponent if it has them.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Digits(Text);

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
    /// `NaN`, `Infinity` and `-Infinity` are numbers.
    pub constants: bool,
    /// Of members of one name the last counts; else they are refused.
    pub duplicates: bool,
    /// A text may hold half of a surrogate pair.
    pub surrogates: bool,
}

/// DRF's. Python gives up between 900 and 1,000 levels, by what is on its stack already; no login and no
/// session is a tenth as deep, and a host's threads may have little stack.
const DRF: Rules = Rules { depth: 256, constants: false, duplicates: true, surrogates: true };

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
pub(crate) fn decode_by(text: &[u8], rules: &Rules) -> Result<Json, Malformed> {
    let bytes = text;
    let mut decoder = Decoder::new(bytes, rules);
    decoder.blanks();
    let value = decoder.value()?;
    decoder.blanks();
    if decoder.at < bytes.len() {
        return Err(decoder.wrong("Extra data", decoder.at));
    }
    Ok(value)
}

/// Python's `json.dumps(value, separators=(",", ":"))`, but that numbers stay as they were written.
pub fn encode(value: &Json) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

impl Json {
    /// The member of an object; `None` for other values, too.
    pub fn get(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Gives an object a member: in its place if there is one of that name, else at the end. Other
    /// values have no members and stay as they are.
    pub fn set(&mut self, name: &str, value: Json) {
        let Json::Object(members) = self else { return };
        match members.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => members.push((Text::from(name), value)),
        }
    }

    /// Takes a member out of an object.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let Json::Object(members) = self else { return None };
        let place = members.iter().position(|(key, _)| key == name)?;
        Some(members.remove(place).1)
    }

    /// The text, if the value is one.
    pub fn text(&self) -> Option<&Text> {
        let Json::Text(text) = self else { return None };
        Some(text)
    }
}

impl Text {
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
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(SmallVec::from_slice(text.as_bytes()))
    }
}

impl Deref for Digits {
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

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Texts of up to this length stand in their place: most names and tokens' ids (32 digits) do.
const SHORT: usize = 32;

/// The members that an object has room for at first; those of a session and of a token are about as many.
const USUAL: usize = 8;

/// Python's `sys.get_int_max_str_digits()`. It does not hold for fractions.
const MAX_DIGITS: usize = 4300;

/// The bytes that a text cannot hold as they are.
const ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    let mut control = 0;
    while control < 0x20 {
        ends[control] = true;
        control += 1;
    }
    ends
};

/// Up to here members are compared with each other, beyond by a hash.
const FEW: usize = 16;

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

/// The order of its checks is that of CPython's `_json.c`, for the sake of the texts.
struct Decoder<'a> {
    /// UTF-8, and cut at ASCII only.
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    rules: &'a Rules,
}

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8], rules: &'a Rules) -> Self {
        Self { bytes, at: 0, depth: 0, rules }
    }

    fn value(&mut self) -> Result<Json, Malformed> {
        let rest = &self.bytes[self.at..];
        let (word, value) = match rest.first() {
            Some(b'"') => return self.string().map(Json::Text),
            Some(b'{') => return self.nested(Self::object),
            Some(b'[') => return self.nested(Self::list),
            Some(b'n') => ("null", Json::Null),
            Some(b't') => ("true", Json::Bool(true)),
            Some(b'f') => ("false", Json::Bool(false)),
            Some(b'N') => ("NaN", Json::Number("NaN".into())),
            Some(b'I') => ("Infinity", Json::Number("Infinity".into())),
            Some(b'-') if rest.get(1) == Some(&b'I') => ("-Infinity", Json::Number("-Infinity".into())),
            _ => return self.number(),
        };
        if !rest.starts_with(word.as_bytes()) {
            return self.number();
        }
        if matches!(value, Json::Number(_)) && !self.rules.constants {
            // DRF's `strict_constant`
            return Err(Malformed(format!("Out of range float values are not JSON compliant: '{word}'")));
        }
        self.at += word.len();
        Ok(value)
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, Malformed>) -> Result<Json, Malformed> {
        if self.depth == self.rules.depth {
            return Err(self.wrong("Nested too deeply", self.at));
        }
        self.depth += 1;
        self.at += 1;
        self.blanks();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Json, Malformed> {
        if self.takes(b'}') {
            return Ok(Json::Object(Vec::new()));
        }
        let mut members = Vec::with_capacity(USUAL);
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.wrong("Expecting property name enclosed in double quotes", self.at));
            }
            let name = self.string()?;
            self.blanks();
            if !self.takes(b':') {
                return Err(self.wrong("Expecting ':' delimiter", self.at));
            }
            self.blanks();
            members.push((name, self.value()?));
            if self.ends_with(b'}')? {
                return self.distinct(members).map(Json::Object);
            }
        }
    }

    fn distinct(&self, members: Vec<(Text, Json)>) -> Result<Vec<(Text, Json)>, Malformed> {
        let count = members.len();
        let members = last_wins(members);
        if members.len() < count && !self.rules.duplicates {
            return Err(self.wrong("Two members of one name", self.at - 1));
        }
        Ok(members)
    }

    fn list(&mut self) -> Result<Json, Malformed> {
        let mut values = Vec::new();
        if self.takes(b']') {
            return Ok(Json::List(values));
        }
        loop {
            values.push(self.value()?);
            if self.ends_with(b']')? {
                return Ok(Json::List(values));
            }
        }
    }

    /// What follows a value: the end, or a comma.
    fn ends_with(&mut self, end: u8) -> Result<bool, Malformed> {
        self.blanks();
        if self.takes(end) {
            return Ok(true);
        }
        if !self.takes(b',') {
            return Err(self.wrong("Expecting ',' delimiter", self.at));
        }
        self.blanks();
        Ok(false)
    }

    fn string(&mut self) -> Result<Text, Malformed> {
        let begin = self.at;
        let mut text = Vec::new();
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let plain = rest.iter().position(|b| ENDS[usize::from(*b)]).unwrap_or(rest.len());
            self.at += plain;
            match rest.get(plain) {
                None => return Err(self.wrong("Unterminated string starting at", begin)),
                Some(b'"') => {
                    self.at += 1;
                    if text.is_empty() {
                        return Ok(Text(SmallVec::from_slice(&rest[..plain])));
                    }
                    text.extend_from_slice(&rest[..plain]);
                    return Ok(Text(text.into()));
                }
                Some(b'\\') => {
                    text.extend_from_slice(&rest[..plain]);
                    self.escape(begin, &mut text)?;
                }
                Some(_) => return Err(self.wrong("Invalid control character at", self.at)),
            }
        }
    }

    fn escape(&mut self, begin: usize, text: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(letter) = self.bytes.get(self.at + 1) else {
            return Err(self.wrong("Unterminated string starting at", begin));
        };
        text.push(match letter {
            b'"' | b'\\' | b'/' => *letter,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.code_point(text),
            _ => return Err(self.wrong("Invalid \\escape", self.at)),
        });
        self.at += 2;
        Ok(())
    }

    fn code_point(&mut self, text: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(unit) = self.unit() else {
            return Err(self.wrong("Invalid \\uXXXX escape", self.at + 1));
        };
        self.at += 6;
        if let 0xd800..0xdc00 = unit
            && let Some(low @ 0xdc00..0xe000) = self.unit()
        {
            self.at += 6;
            push(text, 0x1_0000 + ((unit - 0xd800) << 10 | (low - 0xdc00)));
            return Ok(());
        }
        if (0xd800..0xe000).contains(&unit) && !self.rules.surrogates {
            return Err(self.wrong("Half a surrogate pair", self.at - 6));
        }
        push(text, unit);
        Ok(())
    }

    /// The code unit of an escape that something follows, as `_json.c` insists.
    fn unit(&self) -> Option<u32> {
        let escape = self.bytes.get(self.at..self.at + 7)?;
        let digits = escape.strip_prefix(b"\\u")?;
        digits[..4].iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Result<Json, Malformed> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let digits = |from: usize| rest.get(from..).map_or(0, |r| r.iter().take_while(|b| b.is_ascii_digit()).count());
        let sign = usize::from(rest.first() == Some(&b'-'));
        let integer = if rest.get(sign) == Some(&b'0') { 1 } else { digits(sign) };
        if integer == 0 {
            return Err(self.wrong("Expecting value", start));
        }
        let mut end = sign + integer;
        if rest.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            end += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
        if end == sign + integer && integer > MAX_DIGITS {
            return Err(Malformed(format!(
                "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has {integer} digits; \
                 use sys.set_int_max_str_digits() to increase the limit"
            )));
        }
        self.at += end;
        Ok(Json::Number(str::from_utf8(&rest[..end]).unwrap_or_default().into()))
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Python's `JSONDecodeError`, which counts code points.
    fn wrong(&self, what: &str, at: usize) -> Malformed {
        let before = &self.bytes[..at];
        let points = |bytes: &[u8]| bytes.iter().filter(|b| **b & 0xc0 != 0x80).count();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = points(before.rsplit(|b| *b == b'\n').next().unwrap_or_default()) + 1;
        Malformed(format!("{what}: line {line} column {column} (char {})", points(before)))
    }
}

/// Of members of one name the first's place and the last's value.
fn last_wins(members: Vec<(Text, Json)>) -> Vec<(Text, Json)> {
    let differ = || members.iter().enumerate().all(|(i, (name, _))| members[..i].iter().all(|(n, _)| n != name));
    if members.len() <= FEW && differ() {
        return members;
    }
    let mut places = HashMap::with_capacity(members.len());
    let mut kept: Vec<(Text, Json)> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let place = *places.entry(name.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            Some((_, old)) => *old = value,
            None => kept.push((name, value)),
        }
    }
    kept
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

fn write(value: &Json, out: &mut String) {
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

fn write_text(text: &Text, out: &mut String) {
    out.push('"');
    let mut rest = &*text.0;
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
    fn many_members_of_one_name_are_one() {
        let members =
            |names: usize| (0..200_000).map(|i| format!("\"{}\":{i}", i % names)).collect::<Vec<_>>().join(",");
        let value = decode(format!("{{{}}}", members(100)).as_bytes()).unwrap();
        assert_eq!(value.get("7"), Some(&Json::Number("199907".into())));
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
