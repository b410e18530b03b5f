//! What the real simplejwt answered, line by line, through `explain --batch`: equal in exact mode but for its
//! crashes, and in default mode but for docs/differences.md; and what it writes.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use support::{Site, USUAL, root};

type Line = Map<String, Value>;

/// The schemes and endpoints of the corpus, as in tests/peer/jwt_peer.py.
const JWT: &str = r#"
[schemes.jwt]
blacklist_after_rotation = false
[schemes.rotating]
type = "jwt"
rotate_refresh_tokens = true
[schemes.rolling]
type = "jwt"
rotate_refresh_tokens = true
blacklist_after_rotation = false
[schemes.strict]
type = "jwt"
check_revoke_token = true
audience = ["api", "web"]
issuer = "https://issuer.example"
access_token_lifetime = 60
refresh_token_lifetime = 600
sliding_token_lifetime = 30
sliding_token_refresh_lifetime = 3000
algorithm = "HS512"
token_type_claim = "kind"
user_id_claim = "sub"
blacklist_after_rotation = false
[schemes.named]
type = "jwt"
user_id_field = "username"
audience = ["api"]
auth_header_types = ["JWT", "Bearer"]
jti_claim = "id"
leeway = 5
blacklist_after_rotation = false
[endpoints.jwt_obtain_pair]
[endpoints.jwt_refresh]
[endpoints.jwt_verify]
[endpoints.jwt_blacklist]
[endpoints.jwt_obtain_sliding]
[endpoints.jwt_refresh_sliding]
[endpoints.rotating]
type = "jwt_refresh"
path = "/rotating/refresh/"
scheme = "rotating"
[endpoints.rotating_verify]
type = "jwt_verify"
path = "/rotating/verify/"
scheme = "rotating"
[endpoints.rolling]
type = "jwt_refresh"
path = "/rolling/refresh/"
scheme = "rolling"
[endpoints.strict]
type = "jwt_obtain_pair"
path = "/strict/"
scheme = "strict"
update_last_login = true
[endpoints.strict_refresh]
type = "jwt_refresh"
path = "/strict/refresh/"
scheme = "strict"
[endpoints.strict_sliding]
type = "jwt_obtain_sliding"
path = "/strict/sliding/"
scheme = "strict"
update_last_login = true
[endpoints.named]
type = "jwt_obtain_pair"
path = "/named/"
scheme = "named"
[endpoints.named_refresh]
type = "jwt_refresh"
path = "/named/refresh/"
scheme = "named"
[endpoints.named_sliding]
type = "jwt_obtain_sliding"
path = "/named/sliding/"
scheme = "named"
"#;

const FIELDS: &[&str] = &[
    "status",
    "user",
    "user_id",
    "auth_kind",
    "auth_repr",
    "authenticator",
    "www_authenticate",
    "detail",
    "body",
    "events",
];

#[test]
fn recorded_requests_of_simplejwt_in_exact_mode_are_answered_as_simplejwt_answers_them() {
    let found = Found::of(&["--exact"]);
    assert!(found.lines >= 2000 && found.crashes >= 200, "{} {}", found.lines, found.crashes);
    assert_eq!(found.rows.keys().copied().collect::<Vec<_>>(), ["stateless.id", "stateless.name"], "{:?}", found.rows);
}

#[test]
fn recorded_requests_of_simplejwt_in_default_mode_differ_by_the_documented_rows_only() {
    let found = Found::of(&[]);
    let rows = ["claims", "configuration", "sliding", "stateless.id", "stateless.name", "untyped", "user_id", "verify"];
    assert_eq!(found.rows.keys().copied().collect::<Vec<_>>(), rows, "{:?}", found.rows);
}

#[test]
fn what_simplejwt_writes_on_the_way_is_written() {
    let mut count = 0;
    for mut line in lines() {
        let drf = line.remove("drf").unwrap();
        let Some((_, answer)) = drf.as_object().unwrap().iter().find(|(_, answer)| answer.get("after").is_some())
        else {
            continue;
        };
        count += 1;
        if answer["status"] == 500 || count % EVERY != 0 {
            continue;
        }
        line.insert("persist".to_owned(), true.into());
        let site = Site::of_vectors("simplejwt");
        let before = Rows::of(&site);
        batch(&site, &Value::Object(line.clone()).to_string(), &["--exact"]);
        assert_eq!(Rows::of(&site).since(&before), answer["after"], "{}", line["id"]);
    }
    assert!(count >= 300, "{count}");
}

#[test]
fn attack_tokens_get_the_expected_verdict_of_the_whole_chain() {
    let cases: Vec<Line> = text("jwt/attacks.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let keys: Value = serde_json::from_str(&text("jwt/attack-keys.json")).unwrap();
    let input: String = cases.iter().map(|case| format!("{}\n", request_of(case, &keys))).collect();
    let site = Site::of_vectors("simplejwt");
    site.other().execute("UPDATE auth_user SET is_active = (id <> 2)", []).unwrap();
    let mut count = BTreeMap::new();
    for flags in [&[][..], &["--exact"]] {
        for (case, answer) in cases.iter().zip(batch(&site, &input, flags)) {
            let answer = answer.get("required").unwrap_or_else(|| panic!("{case:?} {answer:?}"));
            let expect = case["expect"].as_str().unwrap();
            *count.entry(expect).or_insert(0) += 1;
            let simplejwt = case["oracles"]["simplejwt"].as_str().unwrap();
            let accepted = simplejwt.strip_prefix("A:").map(|id| id.parse::<i64>().unwrap());
            let expected = match expect {
                "accept" => accepted,
                "reject" => None,
                // An uncaught exception is a refusal here.
                "reject-strict" => accepted.filter(|_| !flags.is_empty()),
                _ => {
                    assert!([200, 401].map(Value::from).contains(&answer["status"]), "{case:?} {answer}");
                    continue;
                }
            };
            assert_eq!(answer["user_id"], Value::from(expected), "{flags:?} {case:?} {answer}");
            assert_eq!(answer["status"], if expected.is_some() { 200 } else { 401 }, "{case:?}");
        }
    }
    let count: Vec<_> = count.into_iter().collect();
    assert_eq!(count, [("accept", 258), ("either", 186), ("reject", 2554), ("reject-strict", 386)]);
}

/// A line for the batch, with the chain of the case's one key.
fn request_of(case: &Line, keys: &Value) -> Value {
    let cfg = case["cfg"].as_str().unwrap();
    let (algorithm, is_for_us) = cfg.split_once('/').map_or((cfg, false), |(algorithm, _)| (algorithm, true));
    let mut item = json!({ "scheme": "jwt", "algorithm": algorithm });
    match &keys["secrets"][algorithm] {
        Value::Null => {
            let name = match &algorithm[..2] {
                "ES" => format!("{algorithm}_public_pem"),
                "Ed" => "ed25519_public_pem".to_owned(),
                _ => "rsa_public_pem".to_owned(),
            };
            item["verifying_key"] = keys[name].clone();
        }
        secret => item["signing_key"] = secret.clone(),
    }
    if is_for_us {
        item["audience"] = json!(["api"]);
        item["issuer"] = "https://issuer.example".into();
    }
    // The bytes of the token, as a server hands them over.
    let bytes = case["token"].as_str().unwrap().bytes().map(char::from).collect::<String>();
    let mut line = json!({ "chain": [item], "headers": [["Authorization", format!("Bearer {bytes}")]] });
    if let Some(at) = case.get("at") {
        line["at"] = at.clone();
    }
    line
}

#[test]
fn attack_lines_with_tokens_get_drfs_verdict() {
    let site = Site::of_vectors("attacks");
    let manifest: Value = serde_json::from_str(&text("attacks/manifest.json")).unwrap();
    let usual = USUAL.replace("peer-secret-key-0123456789-0123456789-0123456789", manifest["secret"].as_str().unwrap());
    let lines: Vec<Line> = text("attacks/jwt.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for flags in [&["--exact"][..], &[]] {
        let out = batch_with(&format!("{usual}[schemes.jwt]\n"), &site, &text("attacks/jwt.jsonl"), flags);
        let mut differing = 0;
        for (line, ours) in lines.iter().zip(&out) {
            for (view, theirs) in line["drf"].as_object().unwrap() {
                let ours = &ours.get(view).unwrap_or_else(|| panic!("{ours:?}"));
                if theirs["status"] == 500 {
                    assert!([401, 403].map(Value::from).contains(&ours["status"]), "{}", line["id"]);
                    continue;
                }
                // A field that was not recorded is null; who has no name in the token has the id.
                let fields = ["status", "auth_kind", "authenticator", "www_authenticate", "detail"];
                let is_odd = fields.iter().any(|field| shown_kind(&theirs[*field]) != ours[*field]);
                let names = (theirs["user"].as_str().unwrap_or_default(), ours["user"].as_str().unwrap_or_default());
                let id = &ours["user_id"];
                let own_name =
                    if flags.is_empty() { names.1.split_once(':').map_or(names.1, |(_, id)| id) } else { names.1 };
                let is_other = names.0 != names.1 && (!names.0.is_empty() || *id != own_name);
                // An id that is no text or whole number is nobody's.
                let is_id =
                    theirs["authenticator"] == "JWTStatelessUserAuthentication" && ours["detail"] == "User not found";
                assert!(flags.is_empty() || is_id || !(is_odd || is_other), "{} {theirs} {ours}", line["id"]);
                assert!(!is_odd && !is_other || ours["status"] == 401, "{} {theirs} {ours}", line["id"]);
                differing += usize::from(is_odd || is_other);
            }
        }
        assert_eq!((out.len(), differing), (89, if flags.is_empty() { STRICTER } else { EMPTY }));
    }
}

/// Views in which the default mode refuses what Python converts.
const STRICTER: usize = 8;
/// Views of the stateless class whose id is empty.
const EMPTY: usize = 2;

/// The name that the recording gave the package.
fn shown_kind(value: &Value) -> Value {
    match value.as_str().and_then(|text| text.strip_prefix("simplejwt.")) {
        Some(class) => format!("rest_framework_simplejwt.{class}").into(),
        None => value.clone(),
    }
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join("tests/vectors").join(name)).unwrap()
}

/// A database and a process a line cost time: one in so many lines.
const EVERY: usize = 6;

#[derive(Default)]
struct Found {
    lines: usize,
    /// Views in which the peer crashed and we refused.
    crashes: usize,
    /// How many differences there are of each row of docs/differences.md.
    rows: BTreeMap<&'static str, usize>,
}

impl Found {
    fn of(flags: &[&str]) -> Self {
        let site = Site::of_vectors("simplejwt");
        let input = requests();
        let out = batch(&site, &input, &[flags, &["--reveal"]].concat());
        let labels = labels();
        let mut found = Self::default();
        for (line, ours) in lines().zip(&out) {
            found.lines += 1;
            if let Some(error) = ours.get("error").and_then(Value::as_str).filter(|_| flags.is_empty()) {
                let is_known =
                    ["says something else", "would do as one that is not"].iter().any(|why| error.contains(why));
                assert!(is_known, "{}: {error}", line["id"]);
                *found.rows.entry("configuration").or_default() += 1;
                continue;
            }
            for (view, theirs) in line["drf"].as_object().unwrap() {
                let ours = ours.get(view).unwrap_or_else(|| panic!("{}: {ours:?}", line["id"]));
                found.compare(&line, theirs, ours, &labels);
            }
        }
        assert_eq!(found.lines, out.len());
        found
    }

    fn compare(&mut self, line: &Line, theirs: &Value, ours: &Value, labels: &BTreeMap<String, String>) {
        let id = &line["id"];
        if let Some(text) = theirs["exception"].as_str() {
            assert_ne!(ours["status"], 503, "{id}: {ours}");
            // The user is not asked for where a token is only blacklisted.
            let is_blacklist = line.get("path").is_some_and(|path| path == "/api/token/blacklist/");
            assert!(ours["status"] != 200 || is_blacklist || text.contains("got ''"), "{id}: {text}: {ours}");
            self.crashes += 1;
            return;
        }
        let differing: Vec<_> = FIELDS
            .iter()
            .copied()
            .filter(|field| theirs.get(field).is_some() && shown(field, &theirs[field]) != shown(field, &ours[field]))
            .collect();
        if !differing.is_empty() {
            let row = row(line, theirs, ours, &differing, labels);
            let row = row.unwrap_or_else(|| panic!("{id} {differing:?}\n{theirs}\n{ours}"));
            *self.rows.entry(row).or_default() += 1;
        }
    }
}

/// The row of docs/differences.md that a difference belongs to.
fn row(
    line: &Line,
    theirs: &Value,
    ours: &Value,
    differing: &[&str],
    labels: &BTreeMap<String, String>,
) -> Option<&'static str> {
    let is_stateless = theirs["authenticator"] == "JWTStatelessUserAuthentication";
    if is_stateless && differing == ["user"] && theirs["user"] == "" {
        return Some("stateless.name");
    }
    let text = format!("{} {}", line["headers"], line.get("body").unwrap_or(&Value::Null));
    // The longest: an odd token may hold a good one.
    let known = labels.iter().filter(|(token, _)| text.contains(token.as_str())).max_by_key(|(token, _)| token.len());
    let label = known.map(|(_, label)| label.as_str())?;
    let (part, rest) = label.split_once('/').unwrap_or((label, ""));
    let detail = ours["detail"].as_str().unwrap_or_default();
    let is_view = |end: &str| line.get("path").and_then(Value::as_str).is_some_and(|path| path.ends_with(end));
    if part == "user" && is_stateless {
        return (detail == "User not found").then_some("stateless.id");
    }
    let no_user = ["User not found", "No active account found for the given token."].contains(&detail);
    if part == "user" && no_user && !is_view("/sliding/refresh/") {
        return Some("user_id");
    }
    if is_view("/sliding/refresh/") && no_user {
        return Some("sliding");
    }
    if part.starts_with("black") && is_view("/verify/") {
        return (ours["body"] == json!({ "non_field_errors": ["Token is blacklisted"] })).then_some("verify");
    }
    if part.starts_with("black") && theirs["auth_kind"].as_str().is_some_and(|kind| kind.ends_with("UntypedToken")) {
        return (detail == "Given token not valid for any token type").then_some("untyped");
    }
    let is_odd = ["exp", "iat", "nbf", "aud", "iss", "json", "forged", "header"].contains(&part);
    let is_invalid = ["Given token not valid for any token type", "Token is invalid"].contains(&detail);
    (is_odd && is_invalid && !rest.is_empty()).then_some("claims")
}

/// A field as it is compared: fresh tokens as what they say, claims as JSON.
fn shown(field: &str, value: &Value) -> Value {
    match (field, value) {
        ("auth_repr", Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.replace(": ", ":").replace(", ", ",").into()) // NaN
        }
        ("events", Value::Null) => json!([]),
        ("body", Value::Object(members)) => {
            let opened = |value: &Value| match value {
                Value::String(token) if token.matches('.').count() == 2 => opened(token),
                other => masked(other.clone()),
            };
            members.iter().map(|(name, value)| (name.clone(), opened(value))).collect::<Map<_, _>>().into()
        }
        _ => value.clone(),
    }
}

/// What a token says.
fn opened(token: &str) -> Value {
    let part = |text: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
    let mut parts = token.split('.').map(part);
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(header), Some(payload)) => masked(json!({ "header": header, "payload": payload })),
        _ => token.into(),
    }
}

/// Ids are random.
fn masked(mut token: Value) -> Value {
    for name in ["jti", "id"] {
        if let Some(id) = token.get_mut("payload").and_then(|payload| payload.get_mut(name)) {
            *id = "<random>".into();
        }
    }
    token
}

/// The rows that a request may write.
#[derive(Default)]
struct Rows {
    issued: BTreeMap<String, [Value; 3]>,
    blacklisted: BTreeMap<String, Value>,
    logins: BTreeMap<String, Value>,
}

impl Rows {
    fn of(site: &Site) -> Self {
        let database = site.other();
        let rows = |sql: &str| -> Vec<(String, [Value; 3])> {
            let mut statement = database.prepare(sql).unwrap();
            let text = |row: &rusqlite::Row<'_>, i| -> Value { row.get::<_, Option<String>>(i).unwrap().into() };
            let rows = statement.query_map([], |row| Ok((row.get(0)?, [1, 2, 3].map(|i| text(row, i)))));
            rows.unwrap().collect::<Result<_, _>>().unwrap()
        };
        let first = |(key, [value, ..]): (String, [Value; 3])| (key, value);
        Self {
            issued: rows(
                "SELECT jti, username, created_at, expires_at FROM token_blacklist_outstandingtoken o \
                 LEFT JOIN auth_user u ON u.id = o.user_id",
            )
            .into_iter()
            .collect(),
            blacklisted: rows(
                "SELECT jti, blacklisted_at, NULL, NULL FROM token_blacklist_blacklistedtoken b \
                 JOIN token_blacklist_outstandingtoken o ON o.id = b.token_id",
            )
            .into_iter()
            .map(first)
            .collect(),
            logins: rows("SELECT username, last_login, NULL, NULL FROM auth_user").into_iter().map(first).collect(),
        }
    }

    /// The difference as tests/peer/jwt_peer.py tells it.
    fn since(&self, before: &Self) -> Value {
        let mut out = Map::new();
        let new = self.issued.iter().filter(|(jti, _)| !before.issued.contains_key(*jti));
        let mut new: Vec<Value> =
            new.map(|(_, [user, created, ends])| json!(["<random>", user, created, ends])).collect();
        new.sort_by_key(Value::to_string);
        let struck = self.blacklisted.iter().filter(|(jti, _)| !before.blacklisted.contains_key(*jti));
        let struck: Vec<_> = struck.map(|(jti, at)| json!([jti, at])).collect();
        for (name, rows) in [("jwt_outstanding", new), ("jwt_blacklisted", struck)] {
            if !rows.is_empty() {
                out.insert(name.to_owned(), rows.into());
            }
        }
        for (name, moment) in self.logins.iter().filter(|(name, moment)| before.logins[*name] != **moment) {
            out.insert("last_login".to_owned(), json!({ name: moment }));
        }
        out.into()
    }
}

fn requests() -> String {
    fs::read_to_string(root().join("tests/vectors/simplejwt/requests.jsonl")).unwrap()
}

fn lines() -> impl Iterator<Item = Line> {
    requests().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>().into_iter()
}

/// Labels by tokens.
fn labels() -> BTreeMap<String, String> {
    let manifest = fs::read_to_string(root().join("tests/vectors/simplejwt/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let tokens = manifest["jwt"].as_object().unwrap().iter();
    tokens.map(|(label, row)| (row["token"].as_str().unwrap().to_owned(), label.clone())).collect()
}

fn batch(site: &Site, input: &str, flags: &[&str]) -> Vec<Line> {
    batch_with(&format!("{USUAL}{JWT}"), site, input, flags)
}

fn batch_with(config_text: &str, site: &Site, input: &str, flags: &[&str]) -> Vec<Line> {
    let config = site.folder.path().join("authchain.toml");
    fs::write(&config, config_text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_authchain"));
    command.arg("--config").arg(config).args(["explain", "--batch"]).args(flags);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
