//! Tokens and what is to be thought of them: hostile ones, published ones, and PyJWT's.
//! tests/vectors/jwt/README.md says where they come from.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use authchain::codec::claims::{Checks, Claims, Refused};
use authchain::codec::json::encode;
use authchain::codec::jwk;
use authchain::codec::jws::{Fault, Keys, sign, verify};
use authchain::codec::key::{ALGORITHMS, Algorithm, BadKey, Key};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn hostile_tokens_are_judged_as_expected() {
    let keys = json("attack-keys.json");
    let mut counts = [0; 2];
    for case in lines("attacks.jsonl") {
        let strict = judged(&case, &keys, false);
        let exact = judged(&case, &keys, true);
        let id = case["id"].as_str().unwrap();
        match case["expect"].as_str().unwrap() {
            "accept" => assert_eq!((&strict, &exact), (&Ok(()), &Ok(())), "{id}"),
            "reject" | "reject-strict" => {
                // What only a user or simplejwt's own claims decide is not decided here.
                let is_ours = case["oracles"]["pyjwt"] == "R" || case["expect"] == "reject-strict";
                let is_ours = is_ours && case["class"] != "user-id";
                assert!(strict.is_err() || !is_ours, "{id}: {}", case["why"]);
            }
            "either" => {}
            other => panic!("{other}"),
        }
        if let Some(theirs) = case["oracles"]["pyjwt"].as_str() {
            let alike = exact.is_ok() == theirs.starts_with('A');
            // `exp` after the year 9999: PyJWT takes it, simplejwt crashes on it.
            let crashes = case["oracles"]["simplejwt"].as_str().unwrap().starts_with('!') && case["class"] == "exp";
            assert!(alike || crashes, "{id}: {} ours {exact:?} theirs {theirs}", case["why"]);
            counts[usize::from(alike)] += 1;
        }
    }
    assert_eq!(counts, [10, 1682]);
}

/// Signature and claims.
fn judged(case: &Value, keys: &Value, exact: bool) -> Result<(), String> {
    let (name, with_audience) = match case["cfg"].as_str().unwrap().split_once('/') {
        Some((name, _)) => (name, true),
        None => (case["cfg"].as_str().unwrap(), false),
    };
    let algorithm = Algorithm::named(name).unwrap();
    let pem = |field: &str| Key::public_pem(algorithm, keys[field].as_str().unwrap()).unwrap();
    let key = match name {
        "HS256" | "HS384" | "HS512" => {
            Key::secret(algorithm, keys["secrets"][name].as_str().unwrap().as_bytes()).unwrap()
        }
        "EdDSA" => pem("ed25519_public_pem"),
        "ES256" | "ES384" | "ES512" => pem(&format!("{name}_public_pem")),
        _ => pem("rsa_public_pem"),
    };
    let only = |text: &str| with_audience.then(|| vec![text.to_owned()]);
    let checks = Checks { leeway: 0, audience: only("api"), issuer: only("https://issuer.example"), exact };
    let verified =
        verify(case["token"].as_str().unwrap().as_bytes(), &Keys::one(key), exact).map_err(|f| format!("{f:?}"))?;
    let claims = Claims::read(verified.payload, exact).map_err(|r| format!("{r:?}"))?;
    // When the peers were asked.
    let now = case["at"].as_i64().unwrap_or(1_790_000_000);
    claims.check(&checks, now).map_err(|r| format!("{r:?}"))
}

/// What PyJWT answers in exact mode; by default never more than that.
#[test]
fn tokens_are_judged_as_by_pyjwt() {
    let keys = Recorded::read();
    let (mut valid, mut strictly) = (0, 0);
    for (i, line) in lines("pyjwt.jsonl").iter().enumerate() {
        let (exact, strict) = (keys.answer(line, true), keys.answer(line, false));
        // `exp` after the year 9999: what simplejwt makes of it is a 500.
        let expected = if line["late"] == true { "invalid" } else { line["answer"].as_str().unwrap() };
        assert_eq!(exact.0, expected, "line {}: {line}", i + 1);
        if let (Some(theirs), Some(ours)) = (line["claims"].as_str(), &exact.1) {
            assert_eq!(ours, theirs, "line {}", i + 1);
        }
        if strict.0 == "valid" {
            assert_eq!(strict, exact, "line {}: {line}", i + 1);
            strictly += 1;
        }
        valid += usize::from(exact.0 == "valid");
    }
    assert_eq!((valid, strictly), (570, 324));
}

#[test]
fn pyjwt_believes_what_is_signed_here() {
    let keys = Recorded::read();
    let claims = json!({"exp": 1_800_000_300, "jti": "\u{20ac}", "n": 12345678901234567890_u64});
    let mut questions = String::new();
    for (name, _) in ALGORITHMS {
        for part in ["private", "private_old"] {
            let Some(key) = keys.private(name, part) else { continue };
            for key in [key, keys.private(name, part).unwrap().with_kid("k \" \u{e9}")] {
                let token = sign(&key, claims.to_string().as_bytes()).unwrap();
                assert!(verify(token.as_bytes(), &Keys::one(key), false).is_ok(), "{name}");
                questions += &format!("{}\n", json!({"alg": name, "token": token}));
            }
        }
    }
    let answers = peer("--ask", &questions);
    assert_eq!(answers.len(), 2 * (14 + 11 - 1));
    for answer in answers {
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["answer"], "valid", "{answer}");
        assert_eq!(serde_json::from_str::<Value>(answer["claims"].as_str().unwrap()).unwrap(), claims);
    }
}

#[test]
fn what_pyjwt_signs_is_believed_and_signed_alike() {
    let keys = Recorded::read();
    let claims = r#"{"exp":1800000300,"user_id":"1","x":"\u20ac"}"#;
    let headers = [json!(null), json!({"kid": "k \" \u{e9}"})];
    let questions: Vec<Value> = ALGORITHMS
        .iter()
        .flat_map(|(name, _)| headers.iter().map(move |headers| (name, headers)))
        .map(|(name, headers)| json!({"alg": name, "claims": {"exp": 1_800_000_300, "user_id": "1", "x": "\u{20ac}"}, "headers": headers}))
        .collect();
    let asked: String = questions.iter().map(|question| format!("{question}\n")).collect();
    for (question, token) in questions.iter().zip(peer("--sign", &asked)) {
        let name = question["alg"].as_str().unwrap();
        let key = keys.private(name, "private").unwrap();
        let key = if let Some(kid) = question["headers"]["kid"].as_str() { key.with_kid(kid) } else { key };
        let ours = sign(&key, claims.as_bytes()).unwrap();
        let unsigned = |token: &str| token.rsplit_once('.').unwrap().0.to_owned();
        assert_eq!(unsigned(&ours), unsigned(&token), "{name}");
        // ECDSA and PSS are random.
        if name.starts_with("HS") || name.starts_with("RS") || name == "EdDSA" {
            assert_eq!(ours, token, "{name}");
        }
        assert!(verify(token.as_bytes(), &keys.public(name, "public"), false).is_ok(), "{name}");
    }
}

#[test]
fn tokens_of_wycheproof_are_judged_as_it_says() {
    let mut judged = [0; 2];
    for name in ["json_web_signature", "json_web_crypto", "json_web_key"] {
        for (set, case) in wycheproof(name) {
            let Some(token) = case["jws"].as_str() else { continue };
            let found = keys_of(&set).is_ok_and(|keys| verify(token.as_bytes(), &keys, false).is_ok());
            let id = format!("{name} {} {}", case["tcId"], case["comment"]);
            let expected = case["result"] == "valid";
            match (name, case["comment"].as_str().unwrap()) {
                // The JWK says PS256 or has no business in a set, the token PS384: a key has one algorithm.
                ("json_web_signature", "Figure20") => assert!(!found, "{id}"),
                // Secrets in sets are refused.
                (_, "acceptsValid" | "long_key") if set["keys"][0]["kty"] == "oct" => assert!(!found, "{id}"),
                // Nothing in it is padded, it is a good token.
                (_, "invalidBase64PaddingInPayload") => assert!(found, "{id}"),
                // A key that can be factored; it would have to be looked for.
                (_, "rejectsKeyWithRocaVulnerability") => assert!(found, "{id}"),
                _ => assert_eq!(found, expected, "{id}"),
            }
            judged[usize::from(found)] += 1;
        }
    }
    assert_eq!(judged, [215, 22]);
}

#[test]
fn encrypted_tokens_are_refused() {
    let mut count = 0;
    for name in ["json_web_encryption", "json_web_crypto"] {
        for (_, case) in wycheproof(name) {
            let Some(token) = case["jwe"].as_str() else { continue };
            let key = || Key::secret(Algorithm::Hs256, &[7; 32]).unwrap();
            for exact in [false, true] {
                assert!(verify(token.as_bytes(), &Keys::one(key()), exact).is_err(), "{name} {}", case["tcId"]);
            }
            count += 1;
        }
    }
    assert_eq!(count, 85);
}

fn wycheproof(name: &str) -> Vec<(Value, Value)> {
    let file = json(&format!("wycheproof/{name}_test.json"));
    let groups = file["testGroups"].as_array().unwrap().iter();
    let cases = groups.flat_map(|group| {
        let key = group.get("public").unwrap_or(&group["private"]);
        group["tests"].as_array().unwrap().iter().map(move |case| (key.clone(), case.clone()))
    });
    cases.collect()
}

/// The keys of a JWK or of a set.
fn keys_of(jwk: &Value) -> Result<Keys, String> {
    if jwk["kty"] == "oct" {
        let secret = URL_SAFE_NO_PAD.decode(jwk["k"].as_str().unwrap()).unwrap();
        let algorithm = Algorithm::named(jwk["alg"].as_str().unwrap_or("HS256")).ok_or("algorithm")?;
        return Key::secret(algorithm, &secret).map(Keys::one).map_err(|why| why.to_string());
    }
    let set = if jwk.get("keys").is_some() { jwk.clone() } else { json!({"keys": [jwk]}) };
    let all: Vec<Algorithm> = ALGORITHMS.iter().map(|(_, algorithm)| *algorithm).collect();
    jwk::read(set.to_string().as_bytes(), &all).map(|set| set.keys).map_err(|why| why.to_string())
}

#[test]
fn tokens_of_the_standards_are_judged_as_they_say() {
    for case in json("rfc.json")["jws"].as_array().unwrap() {
        let name = &case["name"];
        let Some(algorithm) = Algorithm::named(case["alg"].as_str().unwrap()) else {
            assert_eq!(case["alg"], "none");
            continue;
        };
        let mut jwk = case["jwk"].clone();
        let (Some(token), true) = (case["jws"].as_str(), jwk.is_object()) else { panic!("{name}") };
        jwk["alg"] = json!(algorithm.name());
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        let keys = if algorithm.is_symmetric() && jwk["kty"] != "oct" {
            Keys::one(Key::secret(algorithm, b"another secret").unwrap())
        } else if algorithm.is_symmetric() {
            keys_of(&jwk).unwrap()
        } else {
            jwk["kid"] = header.get("kid").cloned().unwrap_or(json!("x"));
            keys_of(&jwk).unwrap()
        };
        let found = verify(token.as_bytes(), &keys, false);
        if header.get("kid").is_none() && !algorithm.is_symmetric() {
            assert_eq!(found.err(), Some(Fault::UnknownKey), "{name}");
            continue;
        }
        assert_eq!(found.is_ok(), case["signature_valid"] == true, "{name}");
        if let (Ok(verified), Some(payload)) = (found, case["payload"].as_str()) {
            assert_eq!(verified.payload, payload.as_bytes(), "{name}");
        }
    }
}

#[test]
fn keys_of_the_wrong_kind_are_refused_with_a_reason() {
    let keys = Recorded::read();
    let asymmetric = || ALGORITHMS.iter().filter(|(_, algorithm)| !algorithm.is_symmetric());
    // RS and PS take the same keys.
    let kind = |name: &str| if name.starts_with('E') { name.to_owned() } else { "RSA".to_owned() };
    for (name, algorithm) in asymmetric() {
        for (other, _) in asymmetric() {
            let (public, private) = (keys.text(other, "public").unwrap(), keys.text(other, "private").unwrap());
            let expected = (kind(name) != kind(other)).then_some(BadKey::Kind(*algorithm));
            assert_eq!(Key::public_pem(*algorithm, &public).err(), expected, "{name} {other}");
            assert_eq!(Key::private_pem(*algorithm, &private).err(), expected, "{name} {other}");
        }
    }
}

#[test]
fn what_is_no_key_is_refused_with_a_remedy() {
    let keys = Recorded::read();
    let (public, private) = (keys.text("RS256", "public").unwrap(), keys.text("RS256", "private").unwrap());
    let rs = Algorithm::Rs256;
    for (pem, as_public, as_private) in [
        ("", BadKey::Empty, BadKey::Empty),
        (" \n", BadKey::Empty, BadKey::Empty),
        ("secret", BadKey::NoPem, BadKey::NoPem),
        (&public[..200], BadKey::NoPem, BadKey::NoPem),
        (CERTIFICATE, BadKey::Certificate, BadKey::Certificate),
        (&CERTIFICATE.replace("CERTIFICATE", "ENCRYPTED PRIVATE KEY"), BadKey::Private, BadKey::Encrypted),
        (&CERTIFICATE.replace("CERTIFICATE", "OPENSSH PRIVATE KEY"), BadKey::Label, BadKey::Label),
        (&CERTIFICATE.replace("CERTIFICATE", "PUBLIC KEY"), BadKey::Kind(rs), BadKey::Public),
        (&CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY"), BadKey::Private, BadKey::Kind(rs)),
        (SMALL, BadKey::Size, BadKey::Public),
    ] {
        assert_eq!(Key::public_pem(rs, pem).err(), Some(as_public), "{pem}");
        assert_eq!(Key::private_pem(rs, pem).err(), Some(as_private), "{pem}");
    }
    assert_eq!(Key::public_pem(rs, &private).err(), Some(BadKey::Private));
    assert_eq!(Key::private_pem(rs, &public).err(), Some(BadKey::Public));
    assert_eq!(Key::secret(rs, &[1; 64]).err(), Some(BadKey::Kind(rs)));
    assert_eq!(Key::public_pem(Algorithm::Hs256, &public).err(), Some(BadKey::Kind(Algorithm::Hs256)));
    assert!(Key::public_pem(rs, &public).is_ok_and(|key| !key.can_sign() && sign(&key, b"{}").is_err()));
    // openssl ecparam -genkey writes two blocks
    let sec1 = keys.text("ES256", "private_old").unwrap();
    let two = format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{sec1}");
    assert!(Key::private_pem(Algorithm::Es256, &two).is_ok_and(|key| key.can_sign()));
    assert!(Key::public_pem(Algorithm::Rs256, &keys.text("RS256", "public_old").unwrap()).is_ok());
}

#[test]
fn a_public_key_is_no_secret() {
    let keys = Recorded::read();
    let hs = |secret: &[u8]| Key::secret(Algorithm::Hs256, secret).err();
    for (name, _) in ALGORITHMS {
        let Some(pem) = keys.text(name, "public") else { continue };
        assert_eq!(hs(pem.as_bytes()), Some(BadKey::NoSecret), "{name}");
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(
            hs(&base64::engine::general_purpose::STANDARD.decode(der).unwrap()),
            Some(BadKey::NoSecret),
            "{name}"
        );
    }
    for secret in
        ["ssh-rsa AAAA", "ecdsa-sha2-nistp256 AAAA", r#"{"kty":"oct","k":"AAAA"}"#, r#"{"keys":[{"kty":"EC"}]}"#]
    {
        assert_eq!(hs(secret.as_bytes()), Some(BadKey::NoSecret), "{secret}");
    }
    assert_eq!(hs(b""), Some(BadKey::Empty));
    for (secret, is_short) in [(&b"x"[..], true), (&[b'{'; 31], true), (&[b'0'; 32], false), (&[0; 300], false)] {
        assert_eq!(Key::secret(Algorithm::Hs256, secret).unwrap().is_short(), is_short);
    }
    assert!(Key::secret(Algorithm::Hs512, &[1; 63]).unwrap().is_short());
}

#[test]
fn a_key_never_verifies_what_another_algorithm_signed() {
    let keys = Recorded::read();
    for (name, _) in ALGORITHMS {
        let token = sign(&keys.private(name, "private").unwrap(), b"{}").unwrap();
        for (other, _) in ALGORITHMS {
            for exact in [false, true] {
                let found = verify(token.as_bytes(), &keys.public(other, "public"), exact);
                assert_eq!(found.err(), (name != other).then_some(Fault::Algorithm), "{name} {other}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_flipped_bit_is_refused(which in 0..ALGORITHMS.len(), at: prop::sample::Index, bit in 0..8_u8, payload in "\\{[ -~]{0,40}\\}") {
        let keys = Recorded::cached();
        let name = ALGORITHMS[which].0;
        let mut token = sign(&keys.private(name, "private").unwrap(), payload.as_bytes()).unwrap().into_bytes();
        prop_assert!(verify(&token, &keys.public(name, "public"), false).is_ok());
        let at = at.index(token.len());
        token[at] ^= 1 << bit;
        prop_assert!(verify(&token, &keys.public(name, "public"), false).is_err());
    }

    #[test]
    fn nothing_panics(token in prop_oneof![any::<Vec<u8>>(), "[A-Za-z0-9_.=-]{0,80}".prop_map(String::into_bytes)], payload: Vec<u8>) {
        let key = || Key::secret(Algorithm::Hs256, &[7; 32]).unwrap();
        for exact in [false, true] {
            prop_assert!(verify(&token, &Keys::one(key()), exact).is_err());
            if let Ok(claims) = Claims::read(&*payload, exact) {
                let _ = claims.check(&Checks::default(), 0);
            }
        }
    }
}

/// The keys of tests/peer/tokens.py.
struct Recorded(Value);

impl Recorded {
    fn read() -> Self {
        Self(json("pyjwt-keys.json"))
    }

    fn cached() -> &'static Self {
        static KEYS: std::sync::OnceLock<Recorded> = std::sync::OnceLock::new();
        KEYS.get_or_init(Self::read)
    }

    fn text(&self, name: &str, part: &str) -> Option<String> {
        self.0[name][0][part].as_str().map(str::to_owned)
    }

    fn private(&self, name: &str, part: &str) -> Option<Key> {
        let algorithm = Algorithm::named(name).unwrap();
        if algorithm.is_symmetric() {
            return (part == "private")
                .then(|| Key::secret(algorithm, self.text(name, "secret").unwrap().as_bytes()).unwrap());
        }
        Some(Key::private_pem(algorithm, &self.text(name, part)?).unwrap())
    }

    fn public(&self, name: &str, part: &str) -> Keys {
        let algorithm = Algorithm::named(name).unwrap();
        Keys::one(match algorithm.is_symmetric() {
            true => self.private(name, "private").unwrap(),
            false => Key::public_pem(algorithm, &self.text(name, part).unwrap()).unwrap(),
        })
    }

    /// As simplejwt's `TokenBackend` asks.
    fn answer(&self, line: &Value, exact: bool) -> (&'static str, Option<String>) {
        let token: Vec<u8> = line["token"].as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect();
        let keys = self.public(line["alg"].as_str().unwrap(), "public");
        let texts = |value: &Value| match value {
            Value::Null => None,
            Value::String(one) => Some(vec![one.clone()]),
            many => Some(serde_json::from_value(many.clone()).unwrap()),
        };
        let leeway = line["leeway"].as_i64().unwrap_or(0);
        let checks = Checks { leeway, audience: texts(&line["audience"]), issuer: texts(&line["issuer"]), exact };
        let Ok(verified) = verify(&token, &keys, exact) else { return ("invalid", None) };
        let Ok(claims) = Claims::read(verified.payload, exact) else { return ("invalid", None) };
        match claims.check(&checks, 1_800_000_000) {
            Ok(()) => ("valid", Some(encode(claims.object()))),
            Err(Refused::Expired) => ("expired", None),
            Err(Refused::Invalid) => ("invalid", None),
        }
    }
}

/// Lines of tests/peer/tokens.py, which is PyJWT.
fn peer(verb: &str, input: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("AUTHCHAIN_TEST_PYTHON").map_or(root.join(".venv/bin/python"), PathBuf::from);
    let mut child = Command::new(python)
        .arg(root.join("tests/peer/tokens.py"))
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(".venv/bin/python is missing: run scripts/setup");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "tokens.py {verb}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn lines(name: &str) -> Vec<Value> {
    text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/jwt").join(name)).unwrap()
}

/// 1024 bits.
const SMALL: &str = "-----BEGIN PUBLIC KEY-----\n\
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC6WvXSiSpuu+ja4JNSB7DtpsXI\n\
    jArKWAvvOAzoH0IsC0cS/No51+emOA4alHVTOHPpATU8xLNe6FWyslSkac8yfCCy\n\
    +LN6mL5LMuaR35OepjantUb6WZRDofy7Fe1Lad0wDAmBNgYAd82+tuA82dzOHdo2\n\
    37p5az2V8HuOxnCM8wIDAQAB\n\
    -----END PUBLIC KEY-----";

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
