//! `authchain explain --batch`: one door for tests, log replay and comparison. JSON lines in, JSON
//! lines out, in order; bytes travel as the characters 0–255.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::explain::{Args, Fields, Given};
use super::output;
use crate::capi::plugin;
use crate::chain::{Anonymous, Chain};
use crate::codec::{base64, json};
use crate::config::{Node, Origin};
use crate::context::{Context, Host};
use crate::error::Report;
use crate::exchange::{Asked, Exchange};
use crate::store::UserId;
use crate::verdict::{Auth, Event, Identity, Kind, Verdict};

/// Answers every line of standard input.
pub(super) fn run(args: &Args) -> ExitCode {
    let context = match open(args, vec![]) {
        Ok(context) => context,
        Err(report) => return output::fail(&report.to_string()),
    };
    for line in std::io::stdin().lock().lines() {
        let answer = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => answer(args, &context, &line),
            Err(e) => json!({ "error": format!("standard input: {e}") }),
        };
        if !output::line(&answer.to_string()) {
            return ExitCode::from(1); // nobody reads any more
        }
    }
    ExitCode::SUCCESS
}

/// The configuration of the flags, with some settings replaced.
pub(super) fn open(args: &Args, mut overrides: Vec<(String, Value)>) -> Result<Arc<Context>, Report> {
    if args.exact {
        overrides.push(("exact".to_owned(), Value::Bool(true)));
    }
    let origin = match &args.config {
        Some(path) => Origin { path: Some(path.clone()), ..Origin::default() },
        None => Origin::usual(),
    };
    let context = Context::open(&Origin { overrides, plugins: Some(plugin::load), ..origin }, Host::default())?;
    output::tick(&context);
    Ok(context)
}

fn answer(args: &Args, context: &Arc<Context>, line: &str) -> Value {
    let (id, answer) = match serde_json::from_str(line) {
        Ok(Value::Object(line)) => (line.get("id").cloned(), answer_object(args, context, &line)),
        Ok(_) => (None, Err("the line is no JSON object".to_owned())),
        Err(e) => (None, Err(format!("the line is no JSON: {e}"))),
    };
    let mut answer = answer.unwrap_or_else(|error| Map::from_iter([("error".to_owned(), Value::from(error))]));
    if let Some(id) = id {
        answer.insert("id".to_owned(), id);
    }
    Value::Object(answer)
}

fn answer_object(args: &Args, context: &Arc<Context>, line: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    if let Some(unknown) = line.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("unknown member {unknown:?} (known: {})", KEYS.join(", ")));
    }
    let context = &with_settings(args, context, line)?;
    let given = request(line)?;
    let now_us = moment(line)?;
    let persist = line.get("persist").and_then(Value::as_bool).unwrap_or(false);
    let mut answer = Map::new();
    for (name, target) in targets(context, line, &given)? {
        let mut exchange = Exchange::new(context.clone(), now_us, true);
        let mut judge = || given.with_request(|request| exchange.judge(&target, request));
        if persist {
            judge()
        } else {
            context.undoing(judge)
        }
        answer.insert(name, view(&exchange, args.reveal, given.method == b"HEAD"));
    }
    Ok(answer)
}

const KEYS: &[&str] = &[
    "id", "chain", "views", "method", "path", "headers", "cookies", "environ", "secure", "body", "body_b64",
    "settings", "at", "persist", "note", "class", "drf",
];

fn with_settings(args: &Args, context: &Arc<Context>, line: &Map<String, Value>) -> Result<Arc<Context>, String> {
    match line.get("settings") {
        None | Some(Value::Null) => Ok(context.clone()),
        Some(Value::Object(settings)) if settings.is_empty() => Ok(context.clone()),
        Some(Value::Object(settings)) => {
            let overrides = settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            open(args, overrides).map_err(|report| report.to_string())
        }
        Some(_) => Err("settings is no object".to_owned()),
    }
}

/// What to ask: the endpoint of the path behind the line's chain, else the chains.
fn targets(context: &Context, line: &Map<String, Value>, given: &Given) -> Result<Vec<(String, Asked)>, String> {
    let path = given.target.split(|b| *b == b'?').next().unwrap_or_default();
    let Some(number) = context.config().endpoints.iter().position(|route| route.is_at(path)) else {
        return chains(context, line);
    };
    let target = match line.get("chain") {
        None => Asked::Endpoint(number),
        Some(_) => {
            let chain = chain(context, line)?;
            Asked::InlineEndpoint(Arc::new(context.config().endpoints[number].behind(&chain)))
        }
    };
    Ok(vec![("endpoint".to_owned(), target)])
}

fn chain(context: &Context, line: &Map<String, Value>) -> Result<Chain, String> {
    match line.get("chain") {
        Some(Value::String(name)) => {
            let number = context.chain(name).ok_or_else(|| format!("no chain {name:?}"))?;
            Ok(context.config().chains[number].1.clone())
        }
        Some(list @ Value::Array(_)) => context
            .config()
            .inline_chain(&Node::from_json(list), Anonymous::Refuse)
            .map_err(|report| report.to_string()),
        _ => Err("the line names no chain: a name, or a list of schemes".to_owned()),
    }
}

/// The chains to ask, by the name of their answer: one per view of an inline chain (the oracle's
/// `IsAuthenticated` and `AllowAny`), a named chain as it is configured unless views are given.
fn chains(context: &Context, line: &Map<String, Value>) -> Result<Vec<(String, Asked)>, String> {
    let views: Option<Vec<&str>> = match line.get("views") {
        None => None,
        Some(Value::Array(views)) => Some(views.iter().filter_map(Value::as_str).collect()),
        Some(_) => return Err("views is no list".to_owned()),
    };
    let chain = chain(context, line)?;
    if let (Some(Value::String(name)), None) = (line.get("chain"), &views) {
        let number = context.chain(name).unwrap_or(usize::MAX); // it is there
        return Ok(vec![("verdict".to_owned(), Asked::Configured(number))]);
    }
    views
        .unwrap_or(vec!["required", "optional"])
        .into_iter()
        .map(|view| {
            let anonymous = match view {
                "required" => Anonymous::Refuse,
                "optional" => Anonymous::Allow,
                _ => return Err(format!("unknown view {view:?} (known: required, optional)")),
            };
            Ok((view.to_owned(), Asked::Inline(Arc::new(chain.with_anonymous(anonymous)))))
        })
        .collect()
}

fn request(line: &Map<String, Value>) -> Result<Given, String> {
    let text = |map: &Map<String, Value>, name: &str, otherwise: &str| match map.get(name) {
        None | Some(Value::Null) => bytes(otherwise),
        Some(Value::String(text)) => bytes(text),
        Some(_) => Err(format!("{name} is no text")),
    };
    let none = Map::new();
    let environ = line.get("environ").and_then(Value::as_object).unwrap_or(&none);
    let mut headers = fields(line.get("headers"))?;
    for (variable, value) in environ {
        // A header in the environment of a WSGI server.
        if let (Some(name), Value::String(value)) = (variable.strip_prefix("HTTP_"), value) {
            headers.push((name.replace('_', "-").into_bytes(), bytes(value)?));
        }
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"host")) {
        headers.push((b"Host".to_vec(), SERVER.as_bytes().to_vec()));
    }
    if let Some(Value::Object(cookies)) = line.get("cookies") {
        let pairs = cookies.iter().map(|(n, v)| format!("{n}={}", v.as_str().unwrap_or_default()));
        headers.push((b"Cookie".to_vec(), bytes(&pairs.collect::<Vec<_>>().join("; "))?));
    }
    Ok(Given {
        method: text(line, "method", "GET")?,
        target: text(line, "path", "/probe/")?,
        headers,
        peer: text(environ, "REMOTE_ADDR", "127.0.0.1")?,
        remote_user: text(environ, "REMOTE_USER", "")?,
        host: match environ.get("SERVER_PORT") {
            Some(Value::String(port)) => bytes(&format!("{SERVER}:{port}"))?,
            _ => SERVER.as_bytes().to_vec(),
        },
        tls: line.get("secure").and_then(Value::as_bool).unwrap_or(false),
        body: match (line.get("body"), line.get("body_b64")) {
            (Some(Value::String(text)), _) => bytes(text)?,
            (_, Some(Value::String(text))) => {
                base64::decode(text.as_bytes()).map_err(|_| "body_b64 is no base64".to_owned())?
            }
            _ => Vec::new(),
        },
    })
}

/// The oracle's name for the server.
const SERVER: &str = "testserver";

fn fields(headers: Option<&Value>) -> Result<Fields, String> {
    const FORM: &str = "headers is no list of [name, value]";
    let pair = |name: &str, value: &Value| Ok((bytes(name)?, bytes(value.as_str().ok_or(FORM)?)?));
    match headers {
        None | Some(Value::Null) => Ok(vec![]),
        Some(Value::Object(map)) => map.iter().map(|(name, value)| pair(name, value)).collect(),
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| match item.as_array().map(Vec::as_slice) {
                Some([Value::String(name), value]) => pair(name, value),
                _ => Err(FORM.to_owned()),
            })
            .collect(),
        Some(_) => Err(FORM.to_owned()),
    }
}

fn moment(line: &Map<String, Value>) -> Result<i64, String> {
    match line.get("at") {
        None | Some(Value::Null) => Ok(0),
        Some(at) => {
            let seconds = at.as_f64().filter(|s| s.is_finite() && s.abs() < 1e12).ok_or("at is no Unix time")?;
            #[allow(clippy::cast_possible_truncation)] // bounded above
            Ok((seconds * 1e6) as i64)
        }
    }
}

/// The answer of one view, with the oracle's meaning of its fields.
pub(super) fn view(exchange: &Exchange, reveal: bool, is_head: bool) -> Value {
    let response = exchange.response();
    let identity = exchange.identity();
    let body: Value = serde_json::from_str(&response.body).unwrap_or(Value::Null);
    let (outcome, detail, code, events, road) = match exchange.outcome() {
        Some(Ok(judgement)) => {
            let (outcome, detail, code) = match &judgement.verdict {
                Verdict::Identified(_) => ("ok", None, None),
                Verdict::Anonymous => ("anonymous", None, None),
                // Neither DRF's body of a `ValidationError` nor this one of knox has a detail; durin's have.
                Verdict::Refused(r) if matches!(r.kind, Kind::Invalid | Kind::TooManyTokens) => {
                    ("refused", body["detail"].as_str().map(str::to_owned), None)
                }
                Verdict::Refused(r) if matches!(r.kind, Kind::Throttled(_)) => {
                    ("throttled", Some(r.detail.to_string()), Some(r.kind.code()))
                }
                Verdict::Refused(r) => ("refused", Some(r.detail.to_string()), Some(r.kind.code())),
            };
            let road = judgement.road.iter();
            let road = road.map(|s| json!({ "scheme": s.scheme.name, "saw": s.reads, "said": s.said })).collect();
            (outcome, detail, code, judgement.effects.events().iter().map(event).collect::<Vec<_>>(), road)
        }
        Some(Err(error)) => ("broken", Some(error.to_string()), None, vec![], vec![]),
        None => ("broken", None, None, vec![], Vec::<Value>::new()),
    };
    let found_by = identity.and_then(|identity| identity.found_by.as_ref());
    let challenge = response.headers.iter().find(|(name, _)| *name == "WWW-Authenticate").map(|(_, value)| value);
    json!({
        "outcome": outcome,
        "status": response.status,
        "user": identity.map(|identity| identity.user.name()),
        "user_id": identity.map(|identity| id(&identity.user.id)),
        "auth_kind": identity.and_then(auth_kind),
        "auth_repr": identity.and_then(|identity| auth_repr(exchange, identity, reveal)),
        "authenticator": found_by.map(|by| by.class),
        "www_authenticate": challenge,
        "detail": detail,
        "code": code,
        "headers": response.headers,
        "body": if is_head { Value::Null } else { body },
        "set_cookie": response.headers.iter().filter(|(n, _)| *n == "Set-Cookie").map(|(_, v)| v).collect::<Vec<_>>(),
        "events": events,
        "road": road,
    })
}

fn id(id: &UserId) -> Value {
    match id {
        UserId::Integer(number) => Value::from(*number),
        UserId::Text(_) => Value::from(id.to_string()),
    }
}

fn auth_kind(identity: &Identity) -> Option<String> {
    match &identity.auth {
        Auth::None => None,
        Auth::Token(_) => Some("authtoken.Token".to_owned()),
        Auth::Knox(_) => Some("knox.AuthToken".to_owned()),
        Auth::Durin(_) => Some("durin.AuthToken".to_owned()),
        Auth::Jwt(bearer) => Some(format!("rest_framework_simplejwt.{}", bearer.class)),
    }
}

fn auth_repr(exchange: &Exchange, identity: &Identity, reveal: bool) -> Option<String> {
    match &identity.auth {
        Auth::None => None,
        Auth::Token(key) if reveal => Some(String::from_utf8_lossy(key.reveal()).into_owned()),
        // knox's `AuthToken.__str__`
        Auth::Knox(digest) if reveal => {
            Some(format!("{} : {}", String::from_utf8_lossy(digest.reveal()), identity.user.name()))
        }
        // simplejwt's `Token.__repr__`, but in JSON
        Auth::Jwt(bearer) if reveal => Some(json::encode(bearer.claims.object())),
        Auth::Jwt(bearer) => Some(exchange.context().digest(&bearer.id).to_string()),
        Auth::Durin(row) if reveal => Some(String::from_utf8_lossy(row.token.reveal()).into_owned()),
        Auth::Durin(row) => Some(exchange.context().digest(&row.token).to_string()),
        Auth::Token(key) | Auth::Knox(key) => Some(exchange.context().digest(key).to_string()),
    }
}

fn event(event: &Event) -> Value {
    let name = event.name().to_string_lossy();
    match event {
        Event::LoggedOut => json!({ "name": name }),
        _ => json!({ "name": name, "username": event.username() }),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    text.chars().map(|c| u8::try_from(c).map_err(|_| "a character above 255".to_owned())).collect()
}

/// Bytes as the characters 0–255.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}
