//! DRF's `request.data` and the checks of its serializers: the fields that an endpoint reads.

use crate::codec::form::{self, Form, MediaType};
use crate::codec::json::{self, Json};
use crate::request::{Body, Request};
use crate::verdict::{Kind, Refusal};

/// A member of a body that Python code looks at itself (`request.data.get`).
pub(crate) enum Member {
    /// There is none, or it is false: empty, or 0.
    None,
    /// Python's `str` of it.
    Text(String),
    /// Something that is no text.
    Other,
}

/// A parsed body.
pub(crate) enum Data {
    Json(Json),
    Form(Form),
}

/// A text field of a serializer (DRF's `CharField`).
pub(crate) struct Field<'a> {
    name: &'a str,
    trim: bool,
}

/// What is wrong with a field; its text is DRF's.
pub(crate) struct Problem<'a> {
    pub field: &'a str,
    pub code: &'static str,
    pub text: String,
}

impl<'a> Field<'a> {
    /// A field whose outer blanks do not count.
    pub(crate) const fn trimmed(name: &'a str) -> Self {
        Self { name, trim: true }
    }

    /// A field that is taken as it is, such as a password.
    pub(crate) const fn as_is(name: &'a str) -> Self {
        Self { name, trim: false }
    }
}

/// The body by its content type (`Request._parse`). No body is an empty form or object.
pub(crate) fn data(request: &Request<'_>, parsers: &[MediaType]) -> Result<Data, Refusal> {
    let content_type = request.header(b"content-type").unwrap_or_default();
    let body = match request.body {
        Body::Whole(body) => body,
        Body::Unread => b"",
        Body::TooLarge => return Err(Refusal::of(Kind::TooLarge, "body.too_large", "The request body is too large.")),
    };
    let media_type = form::media_type(&content_type, parsers);
    let malformed = |text: String| Refusal::of(Kind::ParseError, "body.malformed", text);
    match media_type {
        MediaType::Form => form::urlencoded(body).map(Data::Form).map_err(|e| malformed(e.to_string())),
        MediaType::Multipart if body.is_empty() => Ok(Data::Form(Form::default())),
        MediaType::Multipart => {
            form::multipart(body, &content_type).map(Data::Form).map_err(|e| malformed(e.to_string()))
        }
        _ if body.is_empty() => Ok(Data::Json(Json::Object(vec![]))),
        MediaType::Json => json::decode(body).map(Data::Json).map_err(|e| malformed(format!("JSON parse error - {e}"))),
        MediaType::Other => {
            let text = format!("Unsupported media type \"{}\" in request.", latin1(&content_type));
            Err(Refusal::of(Kind::UnsupportedMediaType, "body.media_type", text))
        }
    }
}

/// Whether the content type is one of a form (DRF's `is_form_media_type`).
pub(crate) fn is_form(request: &Request<'_>) -> bool {
    let content_type = request.header(b"content-type").unwrap_or_default();
    matches!(form::media_type(&content_type, form::PARSERS), MediaType::Form | MediaType::Multipart)
}

/// A field of a form; `None` when the body is no form or has no such field (Django's
/// `request.POST.get`).
pub(crate) fn form_field(request: &Request<'_>, name: &str) -> Result<Option<String>, Refusal> {
    Ok(match data(request, form::PARSERS)? {
        Data::Form(form) => form.last(name).map(str::to_owned),
        Data::Json(_) => None,
    })
}

/// The values of the fields, or all that is wrong with them (`Serializer.run_validation`).
pub(crate) fn fields<'a>(data: &Data, fields: &[Field<'a>]) -> Result<Vec<String>, Vec<Problem<'a>>> {
    if let Data::Json(json) = data
        && !matches!(json, Json::Object(_))
    {
        return Err(vec![no_object(json)]);
    }
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for field in fields {
        match value(data, field) {
            Ok(value) => values.push(value),
            Err((code, text)) => problems.push(Problem { field: field.name, code, text }),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// A member of the body. That of a body that is no object is none.
pub(crate) fn member(data: &Data, name: &str) -> Member {
    let text = match data {
        Data::Form(form) => form.last(name).unwrap_or_default().to_owned(),
        Data::Json(json) => match json.get(name) {
            None | Some(Json::Null | Json::Bool(false)) => return Member::None,
            Some(Json::Bool(true)) => "True".to_owned(),
            Some(Json::Number(digits)) if digits.parse() == Ok(0.0) => return Member::None,
            Some(Json::Number(digits)) => number(digits),
            Some(Json::Text(text)) => match text.as_str() {
                Ok(text) => text.to_owned(),
                Err(_) => return Member::Other,
            },
            Some(Json::List(items)) if items.is_empty() => return Member::None,
            Some(Json::Object(members)) if members.is_empty() => return Member::None,
            Some(Json::List(_) | Json::Object(_)) => return Member::Other,
        },
    };
    if text.is_empty() { Member::None } else { Member::Text(text) }
}

fn no_object(json: &Json) -> Problem<'static> {
    let (code, text) = match json {
        Json::Null => ("null", "No data provided".to_owned()),
        _ => ("invalid", format!("Invalid data. Expected a dictionary, but got {}.", type_name(json))),
    };
    Problem { field: "non_field_errors", code, text }
}

/// `CharField.run_validation`.
fn value(data: &Data, field: &Field<'_>) -> Result<String, (&'static str, String)> {
    let wrong = |code, text: &str| Err((code, text.to_owned()));
    let text = match data {
        Data::Form(form) => match form.last(field.name) {
            Some(text) => text.to_owned(),
            None => return wrong("required", "This field is required."),
        },
        Data::Json(json) => match json.get(field.name) {
            None => return wrong("required", "This field is required."),
            Some(Json::Null) => return wrong("null", "This field may not be null."),
            Some(Json::Number(digits)) => number(digits),
            Some(Json::Text(text)) => match text.as_str() {
                Ok(text) => text.to_owned(),
                Err(surrogate) => {
                    let text = format!("Surrogate characters are not allowed: U+{:X}.", surrogate.0);
                    return Err(("surrogate_characters_not_allowed", text));
                }
            },
            Some(_) => return wrong("invalid", "Not a valid string."),
        },
    };
    let text = if field.trim { strip(&text).to_owned() } else { text };
    if text.is_empty() {
        return wrong("blank", "This field may not be blank.");
    }
    if text.contains('\0') {
        return wrong("null_characters_not_allowed", "Null characters are not allowed.");
    }
    Ok(text)
}

/// Python's `str(number)` of a JSON number.
fn number(digits: &str) -> String {
    if !digits.contains(['.', 'e', 'E']) {
        return if digits == "-0" { "0".to_owned() } else { digits.to_owned() };
    }
    let value: f64 = digits.parse().unwrap_or(f64::NAN);
    if value.is_infinite() {
        return if value < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    // Python writes the shortest digits, too, and an exponent outside 1e-4 to 1e16.
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{value:?}")
}

/// Python's `str.strip`, which takes four control characters for blanks that Rust does not.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}

fn type_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(digits) if digits.contains(['.', 'e', 'E']) => "float",
        Json::Number(_) => "int",
        Json::Text(_) => "str",
        Json::List(_) => "list",
        Json::Object(_) => "dict",
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        for (digits, text) in [
            ("12", "12"),
            ("-0", "0"),
            ("1.0", "1.0"),
            ("1e5", "100000.0"),
            ("1e16", "1e+16"),
            ("123456789012345678", "123456789012345678"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("-0.0", "-0.0"),
            ("1.5e300", "1.5e+300"),
            ("1e999", "inf"),
        ] {
            assert_eq!(number(digits), text, "{digits}");
        }
    }
}
