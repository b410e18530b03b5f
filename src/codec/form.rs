//! Forms as Django REST framework reads them: which parser a `Content-Type` chooses
//! (`DefaultContentNegotiation.select_parser`), Django's `QueryDict` of a URL-encoded body and the
//! text fields of its `MultiPartParser`.
//!
//! Three differences, all on purpose. Every body is read as UTF-8, whatever its `charset` says, and
//! a parameter of RFC 2231 in UTF-8, ASCII or Latin-1 only. What Django does not read of a part
//! without a name is dropped as a whole, while Django goes on behind the 64 KiB it has in hand. And
//! where Django fails (status 500), the parameters are taken for wrong.
//!
//! Work and memory are linear in the input.

use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::mem;
use std::str;

use memchr::memmem;

use super::base64;

/// What reads a body; of DRF's default parsers the first that a content type matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `JSONParser`
    Json,
    /// `FormParser`
    Form,
    /// `MultiPartParser`
    Multipart,
    /// None: status 415. An absent or empty content type is among them.
    Other,
}

/// The text fields of a form in their order.
///
/// No `Debug`: passwords are among them.
#[derive(Default, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Form(Vec<(String, String)>);

/// DRF's detail; for one of Django's limits, which DRF leaves to Django, the text of its exception.
/// It quotes nothing of the body, and the content type as DRF does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(String);

/// Django's `DATA_UPLOAD_MAX_MEMORY_SIZE`: how long a body may be, of a multipart form all but the
/// files.
pub const MAX_BODY: usize = 2_621_440;

/// The parser of a body by the value of `Content-Type`, which is empty when there is none.
///
/// A content type may be a pattern, too (`_MediaType.match`): the first of `parsers` that it
/// matches is the one.
pub fn media_type(content_type: &[u8], parsers: &[MediaType]) -> MediaType {
    if content_type.len() > MAX_MEDIA_TYPE {
        return MediaType::Other;
    }
    let Some(header) = Header::parse(&latin1(content_type)) else { return MediaType::Other };
    let (kind, subkind) = header.value.split_once('/').unwrap_or((&header.value, ""));
    let matches = |wanted, given| given == "*" || given == wanted;
    let is_it = |parser: &&MediaType| {
        let (wanted, wanted_sub) = parser.names();
        matches(wanted, kind) && matches(wanted_sub, subkind)
    };
    parsers.iter().find(is_it).copied().unwrap_or(MediaType::Other)
}

/// DRF's DEFAULT_PARSER_CLASSES.
pub const PARSERS: &[MediaType] = &[MediaType::Json, MediaType::Form, MediaType::Multipart];

impl MediaType {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::Form => ("application", "x-www-form-urlencoded"),
            Self::Multipart => ("multipart", "form-data"),
            Self::Other => ("", ""),
        }
    }
}

/// Reads `application/x-www-form-urlencoded` (Django's `QueryDict`).
///
/// # Errors
/// [`Malformed`] beyond Django's limits; there is nothing else that a form cannot be.
pub fn urlencoded(body: &[u8]) -> Result<Form, Malformed> {
    if body.len() > MAX_BODY {
        return Err(Malformed(TOO_BIG.to_owned()));
    }
    // Separators are counted, not fields (`urllib.parse.parse_qsl`).
    if body.iter().filter(|byte| **byte == b'&').count() >= MAX_FIELDS {
        return Err(Malformed(TOO_MANY_FIELDS.to_owned()));
    }
    let text = str::from_utf8(body).map_or_else(|_| latin1(body).into(), Cow::Borrowed);
    Ok(Form(form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
}

/// Reads `multipart/form-data` (Django's `MultiPartParser`). Files are left out.
///
/// # Errors
/// [`Malformed`] with DRF's text.
pub fn multipart(body: &[u8], content_type: &[u8]) -> Result<Form, Malformed> {
    if body.is_empty() {
        return Ok(Form::default());
    }
    let separator = format!("--{}", boundary(content_type)?);
    let mut reader = Reader::default();
    for part in parts(body, separator.as_bytes()) {
        reader.read(part)?;
    }
    Ok(reader.form)
}

impl Form {
    /// The value of the last field of that name (`QueryDict.get`).
    pub fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Names and values.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `DefaultContentNegotiation.max_media_type_length`
const MAX_MEDIA_TYPE: usize = 256;

/// `MAX_TOTAL_HEADER_SIZE` of a part.
const MAX_HEADERS: usize = 1024;

/// `DATA_UPLOAD_MAX_NUMBER_FIELDS`
const MAX_FIELDS: usize = 1000;

/// `DATA_UPLOAD_MAX_NUMBER_FILES`
const MAX_FILES: usize = 100;

const TOO_BIG: &str = "Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE.";
const TOO_MANY_FIELDS: &str = "The number of GET/POST parameters exceeded settings.DATA_UPLOAD_MAX_NUMBER_FIELDS.";
const TOO_MANY_FILES: &str = "The number of files exceeded settings.DATA_UPLOAD_MAX_NUMBER_FILES.";

/// The boundary, of which `MultiPartParser.__init__` asks more than DRF did to choose it.
fn boundary(content_type: &[u8]) -> Result<String, Malformed> {
    let text = latin1(content_type);
    if !text.starts_with("multipart/") {
        return Err(wrong(&format!("Invalid Content-Type: {text}")));
    }
    if !text.is_ascii() {
        return Err(wrong(&format!("Invalid non-ASCII Content-Type in multipart: {text}")));
    }
    let header = Header::parse(&text);
    let boundary = header.as_ref().and_then(|header| header.get("boundary"));
    match boundary {
        Some(boundary) if is_boundary(boundary.as_bytes()) => Ok(boundary.to_owned()),
        _ => Err(wrong(&format!("Invalid boundary in multipart: {}", boundary.unwrap_or("None")))),
    }
}

/// `MultiPartParser.boundary_re`
fn is_boundary(boundary: &[u8]) -> bool {
    let [start @ .., last] = boundary else { return false };
    last.is_ascii_graphic() && start.len() <= 200 && start.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// What stands before, between and after the separators (`BoundaryIter`). The one that closes the
/// form is none to Django: its `--` begins another part.
fn parts<'a>(body: &'a [u8], separator: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let finder = memmem::Finder::new(separator);
    let mut rest = body;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(at) = finder.find(rest) else { return Some(mem::take(&mut rest)) };
        let part = &rest[..at];
        rest = &rest[at + separator.len()..];
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        Some(part.strip_suffix(b"\r").unwrap_or(part))
    })
}

/// `MultiPartParser._parse`
#[derive(Default)]
struct Reader {
    form: Form,
    parts: usize,
    files: usize,
    bytes: usize,
}

impl Reader {
    fn read(&mut self, part: &[u8]) -> Result<(), Malformed> {
        let part = Part::parse(part)?;
        if !part.is_file {
            self.parts += 1;
            // The two are what stands before the first separator and after the last.
            if self.parts > MAX_FIELDS + 2 {
                return Err(Malformed(TOO_MANY_FIELDS.to_owned()));
            }
        }
        let Some(name) = &part.name else { return Ok(()) };
        if part.is_file {
            return self.file(&part);
        }
        self.bytes += part.content.len() + name.chars().count() + 2;
        if self.bytes > MAX_BODY {
            return Err(Malformed(TOO_BIG.to_owned()));
        }
        let decoded = if part.is_base64 { base64::decode(part.content).ok() } else { None };
        let value = decoded.as_deref().unwrap_or(part.content);
        self.form.0.push((name.clone(), String::from_utf8_lossy(value).into_owned()));
        Ok(())
    }

    fn file(&mut self, part: &Part<'_>) -> Result<(), Malformed> {
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(Malformed(TOO_MANY_FILES.to_owned()));
        }
        if part.is_base64 && part.is_kept {
            let symbols: Vec<u8> = part.content.iter().copied().filter(|byte| !is_blank(*byte)).collect();
            if !symbols.len().is_multiple_of(4) || base64::decode(&symbols).is_err() {
                return Err(wrong("Could not decode base64 data."));
            }
        }
        Ok(())
    }
}

/// What counts of a part's headers.
struct Part<'a> {
    name: Option<String>,
    is_file: bool,
    /// A file with a name that Django drops is not read.
    is_kept: bool,
    is_base64: bool,
    content: &'a [u8],
}

impl<'a> Part<'a> {
    /// `parse_boundary_stream`
    fn parse(part: &'a [u8]) -> Result<Self, Malformed> {
        let start = &part[..part.len().min(MAX_HEADERS)];
        let (headers, content) = match memmem::find(start, b"\r\n\r\n") {
            Some(end) => (&part[..end], &part[end + 4..]),
            None if start.len() < MAX_HEADERS => (&part[..0], part),
            None => return Err(wrong("Request max total header size exceeded.")),
        };
        let mut read = Self { name: None, is_file: false, is_kept: false, is_base64: false, content };
        let mut lines = headers;
        while !lines.is_empty() {
            let end = memmem::find(lines, b"\r\n");
            let line = &lines[..end.unwrap_or(lines.len())];
            lines = end.map_or(&[], |end| &lines[end + 2..]);
            read.header(line);
        }
        Ok(read)
    }

    /// Takes in a line. One that is wrong does not count, and of two the last does.
    fn header(&mut self, line: &[u8]) {
        let Some(header) = str::from_utf8(line).ok().and_then(Header::parse) else { return };
        match header.value.split_once(':') {
            Some(("content-disposition", _)) => {
                self.name = header.get("name").map(|name| name.trim_matches(is_blank_char).to_owned());
                let file = header.get("filename").unwrap_or_default();
                self.is_file = !file.is_empty();
                self.is_kept = is_kept(file);
            }
            Some(("content-transfer-encoding", encoding)) => self.is_base64 = strip(encoding) == "base64",
            _ => {}
        }
    }
}

/// Whether a file's name is one after `MultiPartParser.sanitize_file_name`, but for HTML's references.
fn is_kept(file: &str) -> bool {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = name.chars().filter(|c| *c == ' ' || !c.is_control() && !c.is_whitespace()).collect();
    !matches!(visible.as_str(), "" | "." | "..")
}

/// A header with parameters, as Django's `parse_header_parameters` reads it by means of Python's
/// `email.message`.
struct Header {
    /// What stands before the parameters, in small letters.
    value: String,
    /// Of equal names the last counts.
    params: Vec<(String, String)>,
}

impl Header {
    /// `None` where Django raises `ValueError`, or fails.
    fn parse(line: &str) -> Option<Self> {
        if !line.contains(';') {
            return Some(Self { value: strip(line).to_ascii_lowercase(), params: vec![] });
        }
        let mut pieces = pieces(line).into_iter().map(pair);
        let value = pieces.next()?.0.to_ascii_lowercase();
        let mut params = Vec::new();
        let mut sections = Vec::new();
        for (name, value) in pieces {
            match Section::of(&name, unquoted(value)) {
                Some(section) => sections.push(section),
                None => params.push((name, unquoted(value))),
            }
        }
        // Stable: of one parameter the sections that Python could not order are one after another.
        sections.sort_by(|a, b| a.name.cmp(&b.name));
        for sections in sections.chunk_by_mut(|a, b| a.name == b.name) {
            params.push((sections[0].name.clone(), joined(sections)?));
        }
        Some(Self { value, params })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The text between semicolons that are in no quotes (`email.message._parseparam`).
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut is_quoted, mut before) = (0, false, b';');
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b';' if !is_quoted => {
                pieces.push(&line[start..at]);
                start = at + 1;
            }
            b'"' if before != b'\\' => is_quoted = !is_quoted,
            _ => {}
        }
        before = byte;
    }
    pieces.push(&line[start..]);
    pieces
}

/// Name and value; a name without a value keeps its capitals.
fn pair(piece: &str) -> (String, &str) {
    match piece.split_once('=') {
        Some((name, value)) => (strip(name).to_ascii_lowercase(), strip(value)),
        None => (strip(piece).to_owned(), ""),
    }
}

/// `email.utils.unquote`
fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return inner.replace("\\\\", "\\").replace("\\\"", "\"");
    }
    let inner = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    inner.unwrap_or(value).to_owned()
}

/// A parameter of RFC 2231, or a section of one: `name*=`, `name*0=`, `name*0*=`.
struct Section {
    name: String,
    number: Option<String>,
    value: String,
    is_encoded: bool,
}

impl Section {
    /// `email.utils.rfc2231_continuation`
    fn of(name: &str, value: String) -> Option<Self> {
        let (base, rest) = name.split_once('*')?;
        if base.is_empty() || !base.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let digits = rest.strip_suffix('*').unwrap_or(rest);
        if !rest.is_empty() && (digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
            return None;
        }
        let number = (!rest.is_empty()).then(|| digits.trim_start_matches('0').to_owned());
        Some(Self { name: base.to_owned(), number, value, is_encoded: name.ends_with('*') })
    }
}

/// The sections in their order (`email.utils.decode_params`); `None` when one has a number and
/// another none, which Python cannot order, or when the charset is unknown.
fn joined(sections: &mut [Section]) -> Option<String> {
    let unnumbered = sections.iter().filter(|section| section.number.is_none()).count();
    if unnumbered != 0 && unnumbered != sections.len() {
        return None;
    }
    let key = |s: &Section| (s.number.as_ref().map(String::len), s.number.clone(), s.value.clone(), s.is_encoded);
    sections.sort_by_cached_key(key);
    let values = sections.iter().map(|section| match section.is_encoded {
        true => percent_decoded(&section.value),
        false => section.value.clone(),
    });
    let text: String = values.collect();
    if sections.iter().any(|section| section.is_encoded) { in_charset(&text) } else { Some(text) }
}

/// `charset'language'text` (`email.utils.collapse_rfc2231_value`).
fn in_charset(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, text) = match (parts.next(), parts.next(), parts.next()) {
        (Some(""), Some(_), Some(text)) => return Some(unquoted(text)),
        (Some(charset), Some(_), Some(text)) => (codec(charset), text),
        _ => ("ascii".to_owned(), value),
    };
    let bytes = raw_bytes(text);
    let ascii = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
    match charset.as_str() {
        "utf_8" | "utf8" | "utf" | "u8" => Some(String::from_utf8_lossy(&bytes).into_owned()),
        "us_ascii" | "ascii" | "us" | "646" => Some(bytes.iter().map(ascii).collect()),
        "iso_8859_1" | "iso8859_1" | "latin_1" | "latin1" | "latin" | "l1" | "8859" => Some(latin1(&bytes)),
        _ => None,
    }
}

/// The name by which Python looks for a codec (`encodings.normalize_encoding`).
fn codec(charset: &str) -> String {
    let mut name = String::new();
    let mut is_apart = false;
    for c in charset.chars() {
        if !c.is_alphanumeric() && c != '.' {
            is_apart = true;
            continue;
        }
        if mem::take(&mut is_apart) && !name.is_empty() {
            name.push('_');
        }
        if c.is_ascii() {
            name.push(c.to_ascii_lowercase());
        }
    }
    // Python looks for no name with a NUL in it, and there is none without letters.
    if charset.contains('\0') { String::new() } else { name }
}

/// Python's codec `raw-unicode-escape`.
fn raw_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            point @ ..=0xff => bytes.push(point as u8),
            point @ ..=0xffff => bytes.extend(format!("\\u{point:04x}").bytes()),
            point => bytes.extend(format!("\\U{point:08x}").bytes()),
        }
    }
    bytes
}

/// `urllib.parse.unquote(text, encoding="latin-1")`: an octet becomes the character of its number,
/// which is why this cannot be done on bytes.
fn percent_decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let hex = after.get(..2).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let octet = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(octet.map_or('%', char::from));
        rest = if octet.is_some() { &after[2..] } else { after };
    }
    out + rest
}

/// Python's `str.strip`, which takes four control characters for blanks that Rust does not.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}

/// What Python's `bytes.strip` and `bytes.split` take for blanks.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn is_blank_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_blank)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn wrong(what: &str) -> Malformed {
    Malformed(format!("Multipart form parse error - {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::json::tests::{recorded, whole};
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn the_last_field_of_a_name_counts() {
        let form = urlencoded(b"a=1&b=+%20&a=2;b=3&c&=x&%ff=%C3%A9").unwrap();
        for (name, value) in [("a", "2;b=3"), ("b", "  "), ("c", ""), ("", "x"), ("\u{fffd}", "\u{e9}")] {
            assert_eq!(form.last(name), Some(value), "{name}");
        }
        assert_eq!(form.last("d"), None);
        assert_eq!(form.fields().len(), 6);
    }

    #[test]
    fn a_multipart_form_is_read() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nal\r\n--x--\r\n";
        let form = multipart(body, b"multipart/form-data; boundary=x").unwrap();
        assert_eq!(form.last("username"), Some("al"));
        let why = multipart(body, b"multipart/form-data").unwrap_err().to_string();
        assert_eq!(why, "Multipart form parse error - Invalid boundary in multipart: None");
    }

    #[test]
    fn reads_and_refuses_as_drf_does() {
        let lines = recorded("forms.jsonl");
        assert!(lines.len() > 3500);
        let differing: Vec<_> = lines.iter().filter_map(difference).collect();
        assert!(differing.is_empty(), "{} of {}\n{}", differing.len(), lines.len(), differing.join("\n"));
    }

    fn difference(line: &Value) -> Option<String> {
        let body = whole(&line["body"]);
        let content_type = whole(&line["type"]);
        let media_type = media_type(&content_type, PARSERS);
        // Where Django fails there is nothing to be like.
        if line.get("crash").is_some() || body.is_empty() && media_type != MediaType::Form {
            return None;
        }
        let read = match media_type {
            MediaType::Json => Ok(json!("JSON")),
            MediaType::Other => Err((json!(415), None)),
            MediaType::Form => urlencoded(&body).map(grouped).map_err(|why| (json!(400), Some(why.to_string()))),
            MediaType::Multipart => {
                multipart(&body, &content_type).map(grouped).map_err(|why| (json!(400), Some(why.to_string())))
            }
        };
        let text = line["detail"].as_str().or(line["django"].as_str());
        let expected = match (&line["status"], text) {
            (Value::Null, _) if line["data"].is_string() => Ok(json!("JSON")),
            (Value::Null, _) => Ok(line["fields"].clone()),
            (_, Some(text)) if text.starts_with("JSON parse error - ") => Ok(json!("JSON")),
            (status, _) if status == 415 => Err((json!(415), None)),
            (status, text) => Err((status.clone(), text.map(str::to_owned))),
        };
        let shown = |bytes: &[u8]| bytes[..bytes.len().min(300)].escape_ascii().to_string();
        (read != expected)
            .then(|| format!("{}\n  {}\n  read {read:?}\n  DRF  {expected:?}", shown(&content_type), shown(&body)))
    }

    /// The values by name, as `QueryDict.lists` has them.
    fn grouped(form: Form) -> Value {
        let short = |value: &str| match value.chars().count() {
            ..=300 => value.to_owned(),
            length => format!("{}... ({length})", value.chars().take(50).collect::<String>()),
        };
        let mut lists: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in form.fields() {
            let (name, value) = (short(name), short(value));
            match lists.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => lists.push((name, vec![value])),
            }
        }
        json!(lists)
    }

    proptest! {
        #[test]
        fn multipart_never_panics(body: Vec<u8>, content_type in "multipart/[a-z*\"'%\\\\;=0-9 ]{0,40};boundary=-") {
            let _ = multipart(&body, content_type.as_bytes());
            media_type(content_type.as_bytes(), PARSERS);
        }
    }
}
