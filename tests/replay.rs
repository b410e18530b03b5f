//! What real Django REST framework answered, line by line, through `explain --batch`: equal in
//! exact mode but for the peers' crashes, and in default mode but for docs/differences.md.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};
use support::{Site, USUAL, root};

const FIELDS: &[&str] = &[
    "status",
    "user",
    "user_id",
    "auth_kind",
    "auth_repr",
    "authenticator",
    "www_authenticate",
    "detail",
    "code",
    "body",
];

#[test]
fn recorded_requests_in_exact_mode_are_answered_as_drf_answers_them() {
    let found = differences("drf", "drf/requests.jsonl", &["--exact"]);
    found.assert_crashes();
    assert!(found.others.is_empty(), "{:#?}", found.others);
    assert!(found.lines >= 8000);
}

#[test]
fn recorded_requests_in_default_mode_differ_by_the_documented_rows_only() {
    let found = differences("drf", "drf/requests.jsonl", &[]);
    found.assert_crashes();
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for difference in &found.others {
        let row = documented(difference).unwrap_or_else(|| panic!("{difference:?}"));
        *rows.entry(row).or_default() += 1;
    }
    assert_eq!(Vec::from_iter(rows), [("realm", 34), ("remote_user.long", 3), ("remote_user.utf8", 26)]);
}

#[test]
fn sessions_of_every_engine_are_read_as_django_reads_them() {
    let found = differences("drf", "engines/requests.jsonl", &["--exact"]);
    // Django puts a new empty session in the place of a file or a cookie that ended or is broken;
    // nobody has a use for it, so here the cookie goes.
    let is_empty = |d: &Difference| d.theirs.contains("=<") && d.ours.contains("Max-Age=0");
    let others: Vec<_> = found.others.iter().filter(|d| d.fields != ["set_cookie"] || !is_empty(d)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(found.lines >= 500);
}

#[test]
fn recorded_requests_of_knox_in_exact_mode_are_answered_as_knox_answers_them() {
    let found = differences("knox", "knox/requests.jsonl", &["--exact"]);
    assert_eq!((found.of_knox, found.of_sessions, found.of_passwords), (KNOX_CRASHES, 0, 0));
    assert!(found.others.is_empty(), "{:#?}", found.others);
    assert!(found.lines >= 1000);
}

#[test]
fn recorded_requests_of_knox_in_default_mode_differ_in_what_fifteen_characters_may_write() {
    let found = differences("knox", "knox/requests.jsonl", &[]);
    assert_eq!((found.of_knox, found.of_sessions, found.of_passwords), (KNOX_CRASHES, 0, 0));
    // Knox deletes expired tokens, and announces it, for who has their first characters and not the rest.
    let events = |text: &str| serde_json::from_str::<Vec<Value>>(text).unwrap();
    let is_of_fifteen = |d: &&Difference| {
        let mut theirs = events(&d.theirs).into_iter();
        d.fields == ["events"] && events(&d.ours).iter().all(|event| theirs.any(|known| known == *event))
    };
    let others: Vec<_> = found.others.iter().filter(|d| !is_of_fifteen(d)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(found.others.len() >= 20, "{}", found.others.len());
}

#[test]
fn recorded_requests_of_durin_are_answered_as_durin_answers_them() {
    for flags in [&["--exact"][..], &[]] {
        let found = differences("durin", "durin/requests.jsonl", flags);
        assert_eq!((found.of_knox, found.of_sessions, found.of_passwords), (DURIN_CRASHES, 0, 0));
        assert!(found.others.is_empty(), "{:#?}", found.others);
        assert!(found.lines >= 3000);
    }
}

/// Views in which durin crashed, over a token that is not UTF-8 or a view without a token.
const DURIN_CRASHES: usize = 116;

/// Views in which knox crashed, over a token that is not UTF-8 or a logout without a token.
const KNOX_CRASHES: usize = 106;

#[test]
fn what_django_writes_on_the_way_is_written() {
    let input = fs::read_to_string(root().join("tests/vectors/drf/requests.jsonl")).unwrap();
    let mut count = 0;
    for text in input.lines() {
        let mut line: Map<String, Value> = serde_json::from_str(text).unwrap();
        let drf = line.remove("drf").unwrap();
        let answers = drf.as_object().unwrap().iter();
        let Some((view, answer)) = answers.clone().find(|(_, answer)| answer.get("after").is_some()) else { continue };
        if line["class"] == "session/not asked"
            || answer["status"] == 500
            || answer["after"].to_string().contains("\\u0000")
        {
            continue;
        }
        count += 1;
        if count % EVERY != 0 {
            continue;
        }
        line.insert("persist".to_owned(), true.into());
        if view != "endpoint" {
            line.insert("views".to_owned(), vec![view.as_str()].into());
        }
        let site = Site::of_vectors("drf");
        let before = Rows::of(&site);
        let out = batch(&site, &Value::Object(line.clone()).to_string(), &["--exact", "--reveal"]);
        assert!(out[0].contains_key(view), "{out:?}");
        Rows::of(&site).assert_after(&before, &answer["after"], &line["id"]);
    }
    assert!(count >= 500, "{count}");
}

#[test]
fn what_knox_writes_on_the_way_is_written() {
    let input = fs::read_to_string(root().join("tests/vectors/knox/requests.jsonl")).unwrap();
    let mut count = 0;
    for text in input.lines() {
        let mut line: Map<String, Value> = serde_json::from_str(text).unwrap();
        let drf = line.remove("drf").unwrap();
        let (view, answer) = drf.as_object().unwrap().iter().next().unwrap();
        let is_written = answer.get("after").is_some() || line["class"] == "refresh/min_refresh_interval";
        if !is_written || answer["status"] == 500 {
            continue;
        }
        count += 1;
        if count % EVERY != 0 {
            continue;
        }
        line.insert("persist".to_owned(), true.into());
        if view != "endpoint" {
            line.insert("views".to_owned(), vec![view.as_str()].into());
        }
        let site = Site::of_vectors("knox");
        let before = knox_rows(&site);
        batch_with(&format!("{USUAL}{KNOX}"), &site, &Value::Object(line.clone()).to_string(), &["--exact"]);
        assert_eq!(knox_written(&before, &knox_rows(&site)), answer["after"], "{}", line["id"]);
    }
    assert!(count >= 500, "{count}");
}

/// The end and the owner of every token by its digest; the last logins by name.
type KnoxRows = (BTreeMap<String, (Value, String)>, BTreeMap<String, Value>);

fn knox_rows(site: &Site) -> KnoxRows {
    let database = site.other();
    let rows = |sql: &str| -> Vec<(String, Option<String>, String)> {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let tokens = rows("SELECT digest, expiry, username FROM knox_authtoken t JOIN auth_user u ON u.id = t.user_id");
    let tokens = tokens.into_iter().map(|(digest, expiry, name)| (digest, (Value::from(expiry), name)));
    let logins = rows("SELECT username, last_login, '' FROM auth_user");
    (tokens.collect(), logins.into_iter().map(|(name, moment, _)| (name, Value::from(moment))).collect())
}

/// The difference as tests/peer/knox_peer.py tells it; null for none.
fn knox_written((old, old_logins): &KnoxRows, (new, logins): &KnoxRows) -> Value {
    let mut out = Map::new();
    let deleted: Vec<_> = old.keys().filter(|digest| !new.contains_key(*digest)).map(String::as_str).collect();
    if !deleted.is_empty() {
        out.insert("knox_deleted".to_owned(), deleted.into());
    }
    let renewed = new.iter().filter(|(digest, row)| old.get(*digest).is_some_and(|known| known != *row));
    let renewed: Map<_, _> = renewed.map(|(digest, (expiry, _))| (digest.clone(), expiry.clone())).collect();
    if !renewed.is_empty() {
        out.insert("knox_renewed".to_owned(), renewed.into());
    }
    for (digest, (expiry, user)) in new.iter().filter(|(digest, _)| !old.contains_key(*digest)) {
        let created = serde_json::json!({ "user": user, "expiry": expiry, "digits": digest.len() });
        out.insert("knox_created".to_owned(), created);
    }
    for (name, moment) in logins.iter().filter(|(name, moment)| old_logins[*name] != **moment) {
        out.insert("last_login".to_owned(), serde_json::json!({ name: moment }));
    }
    if out.is_empty() { Value::Null } else { out.into() }
}

#[test]
fn what_durin_writes_on_the_way_is_written() {
    let input = fs::read_to_string(root().join("tests/vectors/durin/requests.jsonl")).unwrap();
    let mut count = 0;
    for text in input.lines() {
        let mut line: Map<String, Value> = serde_json::from_str(text).unwrap();
        let drf = line.remove("drf").unwrap();
        let (view, answer) = drf.as_object().unwrap().iter().next().unwrap();
        if answer.get("after").is_none() || answer["status"] == 500 {
            continue;
        }
        count += 1;
        if count % EVERY != 0 {
            continue;
        }
        line.insert("persist".to_owned(), true.into());
        if view != "endpoint" {
            line.insert("views".to_owned(), vec![view.as_str()].into());
        }
        let site = Site::of_vectors("durin");
        let before = durin_rows(&site);
        batch_with(&format!("{USUAL}{DURIN}"), &site, &Value::Object(line.clone()).to_string(), &["--exact"]);
        assert_eq!(durin_written(&before, &durin_rows(&site)), answer["after"], "{}", line["id"]);
    }
    assert!(count >= 500, "{count}");
}

/// Rows of durin's tokens as texts in JSON, by the token, and the last logins by name.
fn durin_rows(site: &Site) -> [BTreeMap<String, Value>; 2] {
    let database = site.other();
    let rows = |sql: &str| -> BTreeMap<String, Value> {
        let mut statement = database.prepare(sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?));
        let rows = statement.query_map([], row).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        rows.into_iter().map(|(key, text)| (key, Value::from(text))).collect()
    };
    let tokens = rows(
        "SELECT token, json_array(expiry, username, c.name) FROM durin_authtoken t JOIN auth_user u ON u.id = t.user_id \
         JOIN durin_client c ON c.id = t.client_id",
    );
    let parsed = |text: Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    let tokens = tokens.into_iter().map(|(token, text)| (token, parsed(text))).collect();
    [tokens, rows("SELECT username, last_login FROM auth_user")]
}

/// The difference as tests/peer/durin_peer.py tells it; null for none.
fn durin_written(
    [old, old_logins]: &[BTreeMap<String, Value>; 2],
    [new, logins]: &[BTreeMap<String, Value>; 2],
) -> Value {
    let mut out = Map::new();
    let deleted: Vec<_> = old.keys().filter(|token| !new.contains_key(*token)).map(String::as_str).collect();
    if !deleted.is_empty() {
        out.insert("durin_deleted".to_owned(), deleted.into());
    }
    let renewed = new.iter().filter(|(token, row)| old.get(*token).is_some_and(|known| known != *row));
    let renewed: Map<_, _> = renewed.map(|(token, row)| (token.clone(), row[0].clone())).collect();
    if !renewed.is_empty() {
        out.insert("durin_renewed".to_owned(), renewed.into());
    }
    for (token, row) in new.iter().filter(|(token, _)| !old.contains_key(*token)) {
        let created = serde_json::json!({ "user": row[1], "client": row[2], "expiry": row[0], "digits": token.len() });
        out.insert("durin_created".to_owned(), created);
    }
    for (name, moment) in logins.iter().filter(|(name, moment)| old_logins[*name] != **moment) {
        out.insert("last_login".to_owned(), serde_json::json!({ name: moment }));
    }
    if out.is_empty() { Value::Null } else { out.into() }
}

/// A database and a process a line cost time: one in so many lines.
const EVERY: usize = 10;

/// The rows that a request may write.
struct Rows {
    sessions: BTreeMap<String, (String, String)>,
    users: Vec<String>,
    tokens: usize,
}

impl Rows {
    fn of(site: &Site) -> Self {
        let database = site.other();
        let pairs = |sql: &str| -> Vec<(String, String, String)> {
            let mut statement = database.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        };
        let sessions = pairs("SELECT session_key, session_data, expire_date FROM django_session");
        let users = pairs("SELECT username, '', '' FROM auth_user ORDER BY id");
        Self {
            sessions: sessions.into_iter().map(|(key, data, expires)| (key, (data, expires))).collect(),
            users: users.into_iter().map(|(name, ..)| name).collect(),
            tokens: pairs("SELECT key, '', '' FROM authtoken_token").len(),
        }
    }

    fn assert_after(&self, before: &Self, after: &Value, id: &Value) {
        let deleted: Vec<_> = before.sessions.keys().filter(|key| !self.sessions.contains_key(*key)).collect();
        let expected: Vec<_> =
            after["sessions_deleted"].as_array().map(Vec::as_slice).unwrap_or_default().iter().collect();
        assert_eq!(
            deleted.iter().map(|key| Value::from(key.as_str())).collect::<Vec<_>>().iter().collect::<Vec<_>>(),
            expected,
            "{id}"
        );
        let made: Vec<_> = self.sessions.iter().filter(|(key, _)| !before.sessions.contains_key(*key)).collect();
        let rewritten =
            self.sessions.iter().filter(|(key, row)| before.sessions.get(*key).is_some_and(|old| old != *row));
        for (what, rows) in [("session_created", made), ("session_rewritten", rewritten.collect())] {
            let expires: Vec<_> = rows.iter().map(|(_, (_, expires))| Value::from(expires.as_str())).collect();
            let expected: Vec<_> = after.get(what).map(|row| row["expires"].clone()).into_iter().collect();
            assert_eq!(expires, expected, "{id} {what}");
        }
        let users: Vec<_> = self.users[before.users.len()..].iter().map(|name| Value::from(name.as_str())).collect();
        let expected: Vec<_> = after.get("user_created").map(user_name).into_iter().collect();
        assert_eq!(users, expected, "{id}");
        assert_eq!(self.tokens - before.tokens, usize::from(after.get("token_created").is_some()), "{id}");
    }
}

fn user_name(created: &Value) -> Value {
    created.get("username").unwrap_or(created).clone()
}

#[test]
fn attack_lines_get_drfs_verdict() {
    for flags in [&["--exact"][..], &[]] {
        let found = differences("attacks", "attacks/drf.jsonl", flags);
        assert_eq!((found.lines, found.of_passwords, found.of_sessions, found.of_knox), (537, 0, 6, 4));
        let is_exact = !flags.is_empty();
        let others: Vec<_> = found.others.iter().filter(|d| is_exact || documented(d).is_none()).collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}

#[test]
fn a_line_that_is_no_request_gets_an_error_and_the_next_is_read() {
    let input = "[]\n{\n{\"chain\": \"nowhere\"}\n{\"id\": 7, \"chain\": [\"basic\"], \"views\": [\"optional\"]}\n";
    let out = batch(&Site::of_vectors("drf"), input, &[]);
    let errors: Vec<_> = out.iter().map(|line| line.contains_key("error")).collect();
    assert_eq!(errors, [true, true, true, false]);
    assert_eq!(out[3]["optional"]["outcome"], "anonymous");
    assert_eq!(out[3]["id"], 7);
}

#[test]
fn a_broken_store_is_broken_and_never_a_verdict() {
    let site = Site::of_vectors("drf");
    fs::remove_file(site.database()).unwrap();
    let line = r#"{"chain": ["token"], "headers": [["Authorization", "Token x"]]}"#;
    let out = batch(&site, line, &[]);
    assert_eq!((&out[0]["required"]["outcome"], &out[0]["required"]["status"]), (&"broken".into(), &503.into()));
}

#[test]
fn credentials_are_shown_only_when_told_to() {
    let site = Site::of_vectors("drf");
    let line = r#"{"chain": ["token"], "headers": [["Authorization", "Token abcd1234"]]}"#;
    assert_eq!(batch(&site, line, &["--reveal"])[0]["required"]["auth_repr"], "abcd1234");
    let digest = &batch(&site, line, &[])[0]["required"]["auth_repr"];
    assert!(digest.as_str().unwrap().starts_with('#'), "{digest}");
}

/// The row of docs/differences.md that a difference of the default mode belongs to.
fn documented(difference: &Difference) -> Option<&'static str> {
    // A realm with a quote or backslash is escaped.
    if difference.fields == ["www_authenticate"] && difference.ours.contains('\\') {
        return Some("realm");
    }
    // A remote user's name is read as UTF-8.
    if difference.fields.contains(&"user") && !(difference.theirs.is_ascii() && difference.ours.is_ascii()) {
        return Some("remote_user.utf8");
    }
    // A remote user's name that is longer than every column of names makes no user.
    let name = difference.theirs.split('"').nth(1).unwrap_or_default();
    (difference.fields.contains(&"user") && name.len() > 254).then_some("remote_user.long")
}

#[derive(Default)]
struct Found {
    lines: usize,
    /// Views in which the peer crashed and we refused.
    of_passwords: usize,
    /// Views in which the peer crashed over a session and we saw nobody's.
    of_sessions: usize,
    /// Views in which knox crashed and we refused.
    of_knox: usize,
    /// Views in which the peer made a user of a name with a NUL and we none.
    of_nuls: usize,
    others: Vec<Difference>,
}

impl Found {
    /// The peers' crashes in the corpus, and the names that cannot be told to a host in C.
    fn assert_crashes(&self) {
        assert_eq!((self.of_passwords, self.of_sessions, self.of_nuls), (8, 73, 7));
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "shown when a test fails")]
struct Difference {
    id: Value,
    fields: Vec<&'static str>,
    theirs: String,
    ours: String,
}

fn differences(seed: &str, requests: &str, flags: &[&str]) -> Found {
    let site = Site::of_vectors(seed);
    let input = fs::read_to_string(root().join("tests/vectors").join(requests)).unwrap();
    let flags = [flags, &["--reveal"]].concat();
    let out = match seed {
        "attacks" => batch_with(&config_of(seed), &site, &input, &flags),
        "knox" => batch_with(&format!("{USUAL}{KNOX}"), &site, &input, &flags),
        "durin" => batch_with(&format!("{USUAL}{DURIN}"), &site, &input, &flags),
        _ if requests.starts_with("engines") => engines(&site, &input, &flags),
        _ => batch(&site, &input, &flags),
    };
    let lines: Vec<Map<String, Value>> = input.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), out.len());
    let mut found = Found { lines: lines.len(), ..Found::default() };
    for (line, ours) in lines.iter().zip(&out) {
        for (view, theirs) in line["drf"].as_object().unwrap() {
            let ours = ours.get(view).unwrap_or_else(|| panic!("{}: {ours:?}", line["id"]));
            compare(line, theirs, ours, &mut found);
        }
    }
    found
}

fn compare(line: &Map<String, Value>, theirs: &Value, ours: &Value, found: &mut Found) {
    let id = &line["id"];
    let of_knox = [
        "UnicodeDecodeError: 'utf-8'",
        "AttributeError: 'NoneType' object has no attribute 'delete'",
        "AttributeError: 'NoneType' object has no attribute 'renew_token'",
    ];
    if theirs["exception"].as_str().is_some_and(|text| of_knox.iter().any(|crash| text.starts_with(crash))) {
        let is_logout = line["class"].as_str().unwrap().contains("without a token");
        let detail = if is_logout { "You do not have permission to perform this action." } else { "Invalid token." };
        assert!(ours["detail"] == detail && ours["outcome"] == "refused", "{id}: {ours}");
        found.of_knox += 1;
        return;
    }
    if theirs["status"] == 500 {
        // A hash that cannot be computed is a wrong password; a session that Django chokes on is nobody's,
        // and the schemes behind it are asked.
        let is_password =
            line["class"].as_str().unwrap().contains("bcrypt") || ours["detail"] == "Invalid username/password.";
        let (count, fits) = if is_password {
            (&mut found.of_passwords, ours["status"] == 401)
        } else {
            (&mut found.of_sessions, ours["authenticator"] != "SessionAuthentication" && ours["status"] != 503)
        };
        assert!(fits, "{id}: {ours}");
        *count += 1;
        return;
    }
    if theirs["user"].as_str().is_some_and(|name| name.contains('\0')) {
        assert!(ours["user"].is_null(), "{id}");
        found.of_nuls += 1;
        return;
    }
    // A field that was not recorded is null.
    let mut differing: Vec<_> =
        FIELDS.iter().copied().filter(|f| theirs.get(f).is_some() && !alike(f, &theirs[f], &ours[f])).collect();
    let recorded = theirs.get("exception").is_some(); // the attack lines have less
    if recorded
        && cookies(&theirs["set_cookie"]) != cookies(&ours["set_cookie"])
        && line["class"] != "session/not asked"
    {
        differing.push("set_cookie");
    }
    let none = Value::Array(vec![]);
    let has_events = ["knox", "durin"].iter().any(|name| line["id"].as_str().unwrap().starts_with(name));
    if has_events && theirs.get("events").unwrap_or(&none) != &ours["events"] {
        differing.push("events");
    }
    if !differing.is_empty() {
        let shown = |side: &Value| differing.iter().map(|f| side[f].to_string()).collect::<Vec<_>>().join(" ");
        found.others.push(Difference { id: id.clone(), theirs: shown(theirs), ours: shown(ours), fields: differing });
    }
}

/// The schemes and endpoints of the corpus of knox, as in tests/peer/knox_peer.py.
const KNOX: &str = r#"
[schemes.knox]
[schemes.short]
type = "knox"
token_limit_per_user = 3
token_prefix = "svc_"
auth_token_character_length = 48
token_ttl = 90
secure_hash_algorithm = "hashlib.sha256"
[schemes.endless]
type = "knox"
token_ttl = 0
token_prefix = "0123456789"
[endpoints.knox_login]
chain = "default"
[endpoints.short]
type = "knox_login"
path = "/short/login/"
chain = "default"
scheme = "short"
user_serializer = "knox.serializers.UserSerializer"
expiry_datetime_format = "%a %d.%m.%y %H:%M:%S.%f %z"
[endpoints.endless]
type = "knox_login"
path = "/endless/login/"
chain = "default"
scheme = "endless"
[endpoints.knox_logout]
chain = "default"
[endpoints.knox_logoutall]
chain = "default"
"#;

/// The schemes and endpoints of the corpus of durin, as in tests/peer/durin_peer.py.
const DURIN: &str = r#"
[schemes.durin]
[schemes.short]
type = "durin"
token_character_length = 48
[endpoints.durin_login]
[endpoints.short]
type = "durin_login"
path = "/short/login/"
scheme = "short"
refresh_token_on_login = true
user_serializer = "durin.serializers.UserSerializer"
expiry_datetime_format = "%a %d.%m.%y %H:%M:%S.%f %z"
[endpoints.durin_refresh]
chain = "default"
[endpoints.short_refresh]
type = "durin_refresh"
path = "/short/refresh/"
chain = "default"
expiry_datetime_format = "%a %d.%m.%y %H:%M:%S.%f %z"
[endpoints.durin_logout]
chain = "default"
[endpoints.durin_logoutall]
chain = "default"
[endpoints.durin_sessions]
chain = "default"
[endpoints.without]
type = "durin_sessions"
path = "/without/sessions/"
chain = "default"
api_access_client_name = "api"
api_access_exclude_from_sessions = true
[endpoints.durin_apiaccess]
chain = "default"
api_access_client_name = "api"
[endpoints.saying]
type = "durin_apiaccess"
path = "/saying/apiaccess/"
chain = "default"
api_access_client_name = "cli"
api_access_response_include_token = true
"#;

/// Equal, or random on both sides; the codes of a form's fields are in no answer of ours, its texts are.
fn alike(field: &str, theirs: &Value, ours: &Value) -> bool {
    let is_random = field == "body" && theirs["token"] == "<random>" && ours["token"].as_str().is_some_and(is_key);
    theirs == ours
        || is_random
        || (field == "body" && is_knox_login(theirs, ours))
        || (field == "code" && (theirs.is_object() || theirs.is_array()))
        // Of Django's exception, which DRF turns into its own, `get_codes` is not asked.
        || (field == "code" && theirs == "Http404" && ours == "not_found")
}

/// The same members, and a new token of the same form: `<svc_+48>` is a prefix and 48 digits.
fn is_knox_login(theirs: &Value, ours: &Value) -> bool {
    let form = theirs["token"].as_str().and_then(|form| form.strip_prefix('<')?.strip_suffix('>')?.split_once('+'));
    let (Some((prefix, digits)), Some(token)) = (form, ours["token"].as_str()) else { return false };
    let drawn = token.strip_prefix(prefix).unwrap_or_default();
    let is_fit = drawn.len() == digits.parse::<usize>().unwrap() && drawn.bytes().all(|b| b.is_ascii_hexdigit());
    let mut ours = ours.clone();
    ours["token"] = theirs["token"].clone();
    is_fit && ours == *theirs
}

fn is_key(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The cookies that are set, random session keys masked as they are in the recording.
fn cookies(answer: &Value) -> Vec<String> {
    let cookies = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    cookies.iter().map(|cookie| masked(cookie.as_str().unwrap())).collect()
}

fn masked(cookie: &str) -> String {
    let (name, rest) = cookie.split_once('=').unwrap();
    let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
    let random = value.len() == 32 || ["<random>", "<signed>"].contains(&value) || value.matches(':').count() == 2;
    let value = if random { "(a key)" } else { value };
    format!("{name}={value};{attributes}")
}

/// What is written into files is not taken back, so after a line that may have done that the next
/// one finds fresh ones.
fn engines(site: &Site, input: &str, flags: &[&str]) -> Vec<Map<String, Value>> {
    let (mut out, mut lines) = (Vec::new(), Vec::new());
    for line in input.lines().chain([""]) {
        lines.push(line);
        if line.is_empty() || (line.contains("backends.file") && line.contains("set_cookie")) {
            write_session_files(site);
            out.extend(batch(site, &lines.join("\n"), flags));
            lines.clear();
        }
    }
    out
}

/// The recorded session files, as old as they were.
fn write_session_files(site: &Site) {
    let manifest = fs::read_to_string(root().join("tests/vectors/engines/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    for file in manifest["files"].as_object().unwrap().values() {
        let Some(name) = file["name"].as_str() else { continue };
        let path = site.folder.path().join("sessions").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, file["content"].as_str().unwrap()).unwrap();
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs_f64(file["mtime"].as_f64().unwrap());
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }
}

fn batch(site: &Site, input: &str, flags: &[&str]) -> Vec<Map<String, Value>> {
    batch_with(USUAL, site, input, flags)
}

/// The usual configuration with the secrets of another seed.
fn config_of(seed: &str) -> String {
    let manifest = fs::read_to_string(root().join("tests/vectors").join(seed).join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let kept = USUAL.lines().filter(|line| !line.starts_with("secret_key"));
    let secrets = format!("secret_key = {}\nsecret_key_fallbacks = {}", manifest["secret"], manifest["fallbacks"]);
    format!("{secrets}\n{}\n", kept.collect::<Vec<_>>().join("\n"))
}

fn batch_with(config_text: &str, site: &Site, input: &str, flags: &[&str]) -> Vec<Map<String, Value>> {
    let config = site.folder.path().join("authchain.toml");
    fs::write(&config, config_text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_authchain"))
        .args(["--config", config.to_str().unwrap(), "explain", "--batch"])
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_corpus_is_large_and_varied_enough() {
    let input = fs::read_to_string(root().join("tests/vectors/drf/requests.jsonl")).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in input.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let answer = &line["drf"]["required"];
        let name = if answer["status"] == 200 { &answer["authenticator"] } else { &answer["detail"] };
        *counts.entry(name.as_str().unwrap_or("crash").to_owned()).or_default() += 1;
    }
    let each = ["Basic", "Token", "Session", "RemoteUser"].map(|scheme| counts[&format!("{scheme}Authentication")]);
    assert!(each.iter().all(|count| *count >= 200) && each.iter().sum::<usize>() >= 3000, "{counts:#?}");
    let refusals = counts.iter().filter(|(text, _)| text.starts_with("CSRF Failed") && !text.contains("Origin"));
    assert!(refusals.count() >= 15, "{counts:#?}");
}
