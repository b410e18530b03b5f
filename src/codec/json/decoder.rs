//! Reading JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

use super::{Bytes, Digits, Json, Malformed, Rules, Text, push};

/// The order of its checks is that of CPython's `_json.c`, for the sake of the texts.
pub(super) struct Decoder<'a> {
    /// UTF-8, and cut at ASCII only.
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    values: usize,
    rules: &'a Rules,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8], rules: &'a Rules) -> Self {
        Self { bytes, at: 0, depth: 0, values: 0, rules }
    }

    /// The one value that the text is.
    pub(super) fn whole<B: Bytes<'a>>(mut self) -> Result<Json<B>, Malformed> {
        self.blanks();
        let value = self.value()?;
        self.blanks();
        if self.at < self.bytes.len() {
            return Err(self.wrong("Extra data", self.at));
        }
        Ok(value)
    }

    fn value<B: Bytes<'a>>(&mut self) -> Result<Json<B>, Malformed> {
        if self.values == self.rules.values {
            return Err(self.wrong("Too many values", self.at));
        }
        self.values += 1;
        let rest: &'a [u8] = &self.bytes[self.at..];
        let (word, value) = match rest.first() {
            Some(b'"') => return self.string().map(|text| Json::Text(text.into())),
            Some(b'{') => return self.nested(Self::object),
            Some(b'[') => return self.nested(Self::list),
            Some(b'n') => ("null", Json::Null),
            Some(b't') => ("true", Json::Bool(true)),
            Some(b'f') => ("false", Json::Bool(false)),
            Some(b'N') => ("NaN", number("NaN".as_bytes())),
            Some(b'I') => ("Infinity", number("Infinity".as_bytes())),
            Some(b'-') if rest.get(1) == Some(&b'I') => ("-Infinity", number("-Infinity".as_bytes())),
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

    fn nested<T>(&mut self, read: fn(&mut Self) -> Result<T, Malformed>) -> Result<T, Malformed> {
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

    fn object<B: Bytes<'a>>(&mut self) -> Result<Json<B>, Malformed> {
        if self.takes(b'}') {
            return Ok(Json::Object(Vec::new()));
        }
        // Only the outermost: a body may be a hundred thousand small ones.
        let mut members = if self.depth == 1 { Vec::with_capacity(USUAL) } else { Vec::new() };
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.wrong("Expecting property name enclosed in double quotes", self.at));
            }
            let name = Text::from(self.string()?);
            self.blanks();
            if !self.takes(b':') {
                return Err(self.wrong("Expecting ':' delimiter", self.at));
            }
            self.blanks();
            members.push((name, self.value()?));
            if self.ends_with(b'}')? {
                if self.depth > 1 {
                    members.shrink_to_fit();
                }
                return self.distinct(members).map(Json::Object);
            }
        }
    }

    fn distinct<B: Bytes<'a>>(&self, members: Members<B>) -> Result<Members<B>, Malformed> {
        let count = members.len();
        let members = last_wins(members);
        if members.len() < count && !self.rules.duplicates {
            return Err(self.wrong("Two members of one name", self.at - 1));
        }
        Ok(members)
    }

    fn list<B: Bytes<'a>>(&mut self) -> Result<Json<B>, Malformed> {
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

    fn string(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        let begin = self.at;
        let mut text = Vec::new();
        self.at += 1;
        loop {
            let rest: &'a [u8] = &self.bytes[self.at..];
            let plain = rest.iter().position(|b| ENDS[usize::from(*b)]).unwrap_or(rest.len());
            self.at += plain;
            match rest.get(plain) {
                None => return Err(self.wrong("Unterminated string starting at", begin)),
                Some(b'"') => {
                    self.at += 1;
                    if text.is_empty() {
                        return Ok(Cow::Borrowed(&rest[..plain]));
                    }
                    text.extend_from_slice(&rest[..plain]);
                    return Ok(Cow::Owned(text));
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

    fn number<B: Bytes<'a>>(&mut self) -> Result<Json<B>, Malformed> {
        let start = self.at;
        let rest: &'a [u8] = &self.bytes[start..];
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
        Ok(number(&rest[..end]))
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
    pub(super) fn wrong(&self, what: &str, at: usize) -> Malformed {
        let before = &self.bytes[..at];
        let points = |bytes: &[u8]| bytes.iter().filter(|b| **b & 0xc0 != 0x80).count();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = points(before.rsplit(|b| *b == b'\n').next().unwrap_or_default()) + 1;
        Malformed(format!("{what}: line {line} column {column} (char {})", points(before)))
    }
}

/// A number of digits that were looked at.
fn number<'a, B: Bytes<'a>>(digits: &'a [u8]) -> Json<B> {
    Json::Number(Digits(Cow::Borrowed(digits).into()))
}

/// Of members of one name the first's place and the last's value.
pub(super) fn last_wins<B: Clone + Eq + Hash>(members: Members<B>) -> Members<B> {
    let differ = || members.iter().enumerate().all(|(i, (name, _))| members[..i].iter().all(|(n, _)| n != name));
    if members.len() <= FEW && differ() {
        return members;
    }
    let mut places = HashMap::with_capacity(members.len());
    let mut kept: Members<B> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let place = *places.entry(name.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            Some((_, old)) => *old = value,
            None => kept.push((name, value)),
        }
    }
    kept
}

type Members<B> = Vec<(Text<B>, Json<B>)>;

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
