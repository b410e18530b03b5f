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
    assert_eq!(found.of_peers_crashes, 4 * VIEWS);
    assert!(found.others.is_empty(), "{:#?}", found.others);
    assert!(found.lines >= 3000);
}

#[test]
fn recorded_requests_in_default_mode_differ_by_the_documented_rows_only() {
    let found = differences("drf", "drf/requests.jsonl", &[]);
    assert_eq!(found.of_peers_crashes, 4 * VIEWS);
    for difference in &found.others {
        // The one row: a realm with a quote or backslash is escaped.
        assert!(difference.fields == ["www_authenticate"] && difference.ours.contains('\\'), "{difference:?}");
    }
    assert_eq!(found.others.len(), 33);
}

#[test]
fn attack_lines_get_drfs_verdict() {
    for flags in [&["--exact"][..], &[]] {
        let found = differences("attacks", "attacks/drf.jsonl", flags);
        assert_eq!((found.lines, found.of_peers_crashes), (177, 0));
        assert!(found.others.is_empty(), "{:#?}", found.others);
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

/// Each line is put to two views.
const VIEWS: usize = 2;

#[derive(Default)]
struct Found {
    lines: usize,
    /// Views in which the peer crashed and we refused.
    of_peers_crashes: usize,
    others: Vec<Difference>,
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
    let out = batch(&site, &input, &[flags, &["--reveal"]].concat());
    let lines: Vec<Map<String, Value>> = input.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), out.len());
    let mut found = Found { lines: lines.len(), ..Found::default() };
    for (line, ours) in lines.iter().zip(&out) {
        for (view, theirs) in line["drf"].as_object().unwrap() {
            let ours = ours.get(view).unwrap_or_else(|| panic!("{}: {ours:?}", line["id"]));
            compare(&line["id"], theirs, ours, &mut found);
        }
    }
    found
}

fn compare(id: &Value, theirs: &Value, ours: &Value, found: &mut Found) {
    if theirs["status"] == 500 {
        assert_eq!((&ours["status"], &ours["detail"]), (&401.into(), &"Invalid username/password.".into()), "{id}");
        found.of_peers_crashes += 1;
        return;
    }
    // A field that was not recorded is null.
    let differing: Vec<_> =
        FIELDS.iter().copied().filter(|f| theirs.get(f).is_some() && theirs[f] != ours[f]).collect();
    if !differing.is_empty() {
        let shown = |side: &Value| differing.iter().map(|f| side[f].to_string()).collect::<Vec<_>>().join(" ");
        found.others.push(Difference { id: id.clone(), theirs: shown(theirs), ours: shown(ours), fields: differing });
    }
}

fn batch(site: &Site, input: &str, flags: &[&str]) -> Vec<Map<String, Value>> {
    let config = site.folder.path().join("authchain.toml");
    fs::write(&config, USUAL).unwrap();
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
    let (basic, token) = (counts["BasicAuthentication"], counts["TokenAuthentication"]);
    assert!(basic >= 200 && token >= 200 && basic + token >= 1000, "{counts:#?}");
    assert!(counts.iter().all(|(text, count)| *count >= 20 || text == "crash"), "{counts:#?}");
}
