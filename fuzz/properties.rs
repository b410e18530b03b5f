//! What must hold for any bytes at all: one function a fuzz target. The targets call them with what
//! libFuzzer invents, tests/fuzz_seeds.rs with every seed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::OnceLock;

use authchain::codec::Malformed;
use authchain::codec::authorization::{Credentials, credentials, scheme};
use authchain::codec::base64 as python_base64;
use authchain::codec::claims::{Checks, Claims};
use authchain::codec::cookies::{SetCookie, cookie as cookie_value};
use authchain::codec::csrf::Token;
use authchain::codec::form::{Form, MediaType, PARSERS, media_type, multipart, urlencoded};
use authchain::codec::json;
use authchain::codec::jws::{Keys, verify};
use authchain::codec::key::{ALGORITHMS, Algorithm, Key};
use authchain::codec::origin::{AllowedHosts, TrustedOrigins, split as split_url};
use authchain::codec::password::{HASHERS, Hasher, HasherDef, Hashers, is_usable};
use authchain::codec::signing::{CookieSigner, MaxAge, Signer};
use authchain::codec::{jwk, jws as signed};
use authchain::request::{Header, Headers, Packed, Request};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A property of any input.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its folder of seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("authorization", authorization),
    ("body", body),
    ("cookie", cookie),
    ("jws", jws),
    ("origin", origin),
    ("password", password),
    ("request", request),
    ("signing", signing),
];

// --- authorization -----------------------------------------------------------------------------

/// The value of `Authorization`: its words are Python's, and so is the base64 of every word.
pub fn authorization(data: &[u8]) {
    let words = split(data);
    assert_eq!(scheme(data), words.first().copied());
    for keyword in ["Token", "Basic"] {
        let expected = match words.as_slice() {
            [first, rest @ ..] if first.eq_ignore_ascii_case(keyword.as_bytes()) => Some(match rest {
                [] => Credentials::Missing,
                [word] => Credentials::One(word),
                _ => Credentials::Spaces,
            }),
            _ => None,
        };
        assert_eq!(credentials(data, keyword), expected);
    }
    for word in words.into_iter().chain([data]) {
        let decoded = python_base64::decode(word);
        assert_eq!(decoded, a2b_base64(word));
        if let Ok(strictly) = STANDARD.decode(word) {
            assert_eq!(decoded, Ok(strictly), "a strict decoder reads something else");
        }
    }
}

/// Python's `bytes.split()`.
fn split(data: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut start = None;
    for (i, byte) in data.iter().enumerate() {
        let blank = b" \t\n\r\x0b\x0c".contains(byte);
        match start {
            None if !blank => start = Some(i),
            Some(from) if blank => {
                words.push(&data[from..i]);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| &data[from..]));
    words
}

/// Python's `binascii.a2b_base64`, in two steps: which symbols count, then their bits in a row.
fn a2b_base64(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut symbols: Vec<usize> = Vec::new();
    let mut pads = 0;
    let mut complete = false;
    for byte in text {
        if let Some(symbol) = ALPHABET.iter().position(|b| b == byte) {
            symbols.push(symbol);
            pads = 0;
        } else if *byte == b'=' && symbols.len() % 4 >= 2 {
            pads += 1;
            complete = symbols.len() % 4 + pads == 4;
        }
        if complete {
            break;
        }
    }
    if !complete && !symbols.len().is_multiple_of(4) {
        return Err(Malformed);
    }
    let bits: Vec<usize> = symbols.iter().flat_map(|symbol| (0..6).rev().map(move |i| symbol >> i & 1)).collect();
    Ok(bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | *bit as u8)).collect())
}

// --- body --------------------------------------------------------------------------------------

/// A content type, a line feed and a body: what is read of it is read again when it is written
/// plainly.
pub fn body(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (content_type, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    if media_type(content_type, PARSERS) == MediaType::Multipart {
        assert!(content_type.len() <= 256);
    }
    if let Ok(value) = json::decode(body) {
        assert!(json::decode(json::encode(&value).as_bytes()) == Ok(value), "JSON changes");
    } else if body.len() < 4000 {
        let strictly = serde_json::from_slice::<serde_json::Value>(body);
        assert!(strictly.is_err(), "a strict parser reads {strictly:?}");
    }
    if let Ok(form) = urlencoded(body) {
        let mut written = form_urlencoded::Serializer::new(String::new());
        written.extend_pairs(form.fields());
        assert!(urlencoded(written.finish().as_bytes()) == Ok(form), "a form changes");
    }
    if let Ok(form) = multipart(body, content_type)
        && let Some((body, content_type)) = written(&form)
    {
        assert!(multipart(&body, content_type.as_bytes()) == Ok(form), "a multipart form changes");
    }
}

/// The form with a boundary that is in none of its values; `None` when it is too large.
fn written(form: &Form) -> Option<(Vec<u8>, String)> {
    let fields = form.fields();
    let boundary = (0..).map(|n: u32| format!("b{n}e")).find(|b| !fields.iter().any(|(_, value)| value.contains(b)))?;
    let mut body = Vec::new();
    for (name, value) in fields {
        let octets = name.bytes().fold(String::new(), |mut octets, byte| {
            let _ = write!(octets, "%{byte:02X}");
            octets
        });
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name*=utf-8''{octets}\r\n\r\n{value}\r\n");
        body.extend(part.bytes());
    }
    body.extend(format!("--{boundary}--").bytes());
    let fits = fields.len() <= 1000 && body.len() < 1_000_000 && fields.iter().all(|(name, _)| name.len() <= 300);
    fits.then(|| (body, format!("multipart/form-data; boundary={boundary}")))
}

// --- cookie ------------------------------------------------------------------------------------

/// A `Cookie` header: read as `parse_cookie` reads it, and each value comes back when it was set.
pub fn cookie(data: &[u8]) {
    let all = parse_cookie(&String::from_utf8_lossy(data));
    for name in all.keys().map(String::as_str).chain(["", "a", "sessionid"]) {
        assert_eq!(cookie_value(data, name).as_deref(), all.get(name).map(String::as_str), "{name:?}");
    }
    for value in all.values() {
        let set = SetCookie::new("a", value).to_string();
        assert!(!set.contains(|c: char| c.is_ascii_control()), "{set:?}");
        let sent = set.strip_suffix("; Path=/").expect("the default path");
        assert!(!sent.contains(';'), "{sent:?}");
        assert_eq!(cookie_value(sent.as_bytes(), "a").as_deref(), Some(value.as_str()));
    }
}

/// Django's `parse_cookie`: every cookie, in the order of the header.
fn parse_cookie(header: &str) -> BTreeMap<String, String> {
    let strip = |text: &str| {
        let is_space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
        text.trim_matches(is_space).to_owned()
    };
    let mut all = BTreeMap::new();
    for chunk in header.split(';') {
        let (name, value) = chunk.split_once('=').unwrap_or(("", chunk));
        let (name, value) = (strip(name), strip(value));
        if !(name.is_empty() && value.is_empty()) {
            all.insert(name, unquote(&value));
        }
    }
    all
}

/// Python's `http.cookies._unquote`, character by character.
fn unquote(value: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    let ['"', inner @ .., '"'] = chars.as_slice() else { return value.to_owned() };
    let mut out = String::new();
    let mut rest = inner;
    while let [first, after @ ..] = rest {
        let code = match rest {
            ['\\', a @ '0'..='3', b @ '0'..='7', c @ '0'..='7', ..] => {
                [a, b, c].iter().try_fold(0, |code, digit| Some(code * 8 + digit.to_digit(8)?))
            }
            _ => None,
        };
        (out, rest) = match (code.and_then(char::from_u32), after) {
            (Some(c), _) => (out + &c.to_string(), &rest[4..]),
            (None, [escaped, behind @ ..]) if *first == '\\' && *escaped != '\n' => {
                (out + &escaped.to_string(), behind)
            }
            _ => (out + &first.to_string(), after),
        };
    }
    out
}

// --- jws ---------------------------------------------------------------------------------------

/// A header, a line feed and a payload, which are signed: what is believed by default means the same to
/// everybody. The whole as a token, unsigned, and as a set of keys.
pub fn jws(data: &[u8]) {
    let secret = [7; 32];
    let keys = Keys::one(Key::secret(Algorithm::Hs256, &secret).unwrap());
    for exact in [false, true] {
        assert!(verify(data, &keys, exact).is_err(), "nobody signed this");
    }
    if let Ok(set) = jwk::read(data, &ALGORITHMS.iter().map(|(_, algorithm)| *algorithm).collect::<Vec<_>>()) {
        assert!(set.keys.iter().all(|key| key.kid().is_some_and(|kid| (1..=256).contains(&kid.len()))));
        assert!((1..=64).contains(&set.keys.iter().count()));
    }
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, payload) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()));
    let (strict, exact) = (verify(token.as_bytes(), &keys, false), verify(token.as_bytes(), &keys, true));
    let Ok(strict) = strict else { return };
    // The other parser has no numbers beyond those of floats.
    let is_large = |why: &serde_json::Error| why.to_string().starts_with("number out of range");
    let members = match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(header) {
        Err(why) if is_large(&why) => return,
        read => read.expect("a header is JSON"),
    };
    assert_eq!(members["alg"], "HS256");
    assert!(!members.contains_key("crit") && !members.contains_key("b64") && token.len() <= signed::MAX_TOKEN);
    assert_eq!(strict.payload, payload);
    assert!(exact.is_ok_and(|exact| exact.payload == payload));
    let Ok(claims) = Claims::read(payload, false) else { return };
    let same = Claims::read(payload, true).expect("exact mode reads what is read by default");
    assert!(claims.object() == same.object(), "the claims differ");
    let strictly = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(payload);
    assert!(
        strictly.as_ref().is_ok_and(|all| all.len() == members_of(&claims))
            || strictly.is_err_and(|why| is_large(&why))
    );
    let default = Checks { audience: Some(vec!["api".into()]), ..Checks::default() };
    let lenient = Checks { exact: true, ..default.clone() };
    if claims.check(&default, 1_800_000_000).is_ok() {
        assert!(same.check(&lenient, 1_800_000_000).is_ok(), "exact mode refuses more");
    }
}

fn members_of(claims: &Claims) -> usize {
    match claims.object() {
        json::Json::Object(members) => members.len(),
        _ => 0,
    }
}

// --- origin ------------------------------------------------------------------------------------

/// An origin, a referer or a host: what is believed lies where the entries say.
pub fn origin(data: &[u8]) {
    let text: String = data.iter().map(|byte| char::from(*byte)).collect();
    if let Ok(url) = split_url(&text) {
        assert!(!url.netloc.contains(['/', '?', '#', '\t', '\r', '\n']));
        if !url.scheme.is_empty() && !url.netloc.is_empty() {
            let again = split_url(&url.url()).expect("a URL that was one");
            assert_eq!((&again.scheme, &again.netloc, again.url()), (&url.scheme, &url.netloc, url.url()));
        }
    }
    let allowed = |pattern: &str| AllowedHosts::new(&[pattern.to_owned()]).allow(&text).is_ok();
    if allowed("*") {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        assert!(text.chars().all(fits), "{text:?} is a host");
    }
    let host = text.split(':').next().unwrap_or_default().to_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    if allowed(".example.com") {
        assert!(host == "example.com" || host.ends_with(".example.com"), "{text:?} is allowed");
    }
    if allowed("example.com") {
        assert!(host == "example.com" && allowed(".example.com") && allowed("*"), "{text:?} is allowed");
    }
    let trusted = |entry: &str| TrustedOrigins::new(&[entry.to_owned()]).expect("an entry").admit_origin(&text);
    assert_eq!(trusted("https://example.com"), text == "https://example.com");
    if trusted("https://*.example.com") {
        let url = split_url(&text).expect("an origin");
        assert!(url.scheme == "https" && format!(".{}", url.netloc).ends_with(".example.com"), "{text:?} is trusted");
    }
}

// --- password ----------------------------------------------------------------------------------

/// A stored hash: whatever it looks like, only what was made from the password lets it in.
pub fn password(data: &[u8]) {
    static KNOWN: OnceLock<(Hashers, Vec<String>)> = OnceLock::new();
    let (hashers, made) = KNOWN.get_or_init(|| {
        let make = |def: &HasherDef| Hashers::new(vec![cheap(def)]).and_then(|h| h.make(PASSWORD, &[7; 32]).ok());
        // A preferred hasher that is never far from a stored hash, so that little is hardened.
        let mut all: Vec<_> = HASHERS.iter().collect();
        all.sort_by_key(|def| def.name != "md5");
        let hashers = Hashers::new(all.into_iter().map(cheap).collect()).expect("there are hashers");
        (hashers, HASHERS.iter().filter_map(make).collect())
    });
    let encoded = String::from_utf8_lossy(data);
    if hashers.verify(PASSWORD, &encoded).is_ok() {
        // bcrypt's revisions are one to Django.
        let alike = |text: &str| ["$2a$", "$2x$", "$2y$"].iter().fold(text.to_owned(), |t, r| t.replacen(r, "$2b$", 1));
        assert!(made.contains(&alike(&encoded)), "{encoded} lets in");
        assert!(is_usable(&encoded));
    }
    hashers.must_update(&encoded);
}

/// What the seeds' hashes were made from, with the random bytes `[7; 32]`.
pub const PASSWORD: &[u8] = b"correct horse";

/// The hasher at its least cost and with its lowest ceilings: a run takes a millisecond at most.
pub fn cheap(def: &HasherDef) -> Hasher {
    def.build(&|name| def.options.iter().find(|o| o.name == name).map_or(0, |o| o.min.into()))
        .unwrap_or_else(|why| panic!("{}: {why}", def.name))
}

// --- request -----------------------------------------------------------------------------------

/// A header block: read line by line, and alike in every form of headers.
pub fn request(data: &[u8]) {
    let block = Headers::Block(data);
    let lines: Vec<&[u8]> = data
        .split(|b| *b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .collect();
    let starts_badly = |line: &&[u8]| matches!(line[0], b' ' | b'\t' | b':') || !line.contains(&b':');
    assert_eq!(block.is_well_formed(), !lines.iter().any(starts_badly));

    let fields = collected(block);
    let values: Vec<&[u8]> = lines
        .iter()
        .filter(|line| !starts_badly(line))
        .filter_map(|line| {
            let (name, value) = line.split_at(line.iter().position(|b| *b == b':')?);
            name.eq_ignore_ascii_case(b"authorization").then(|| stripped(&value[1..]))
        })
        .collect();
    let expected = (!values.is_empty()).then(|| values.join(&b","[..]));
    let mut whole = Request::new(block);
    (whole.method, whole.peer, whole.target) = (b"GET", data, b"/");
    let packed = Packed::of(&whole);
    let copy = packed.request();
    assert_eq!((copy.method, copy.peer, copy.target, copy.host), (whole.method, whole.peer, whole.target, &b""[..]));
    for headers in [block, Headers::List(&fields), Headers::Packed(&packed)] {
        let request = Request::new(headers);
        assert_eq!(request.authorization(), expected.as_deref());
        assert_eq!(request.header(b"AUTHORIZATION").as_deref(), expected.as_deref());
        let again = collected(headers);
        assert_eq!(again.len(), fields.len());
        assert!(again.iter().zip(&fields).all(|(a, b)| (a.name, a.value) == (b.name, b.value)));
    }
}

fn collected(headers: Headers<'_>) -> Vec<Header<'_>> {
    let mut fields = Vec::new();
    headers.each(|header| fields.push(header));
    fields
}

fn stripped(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

// --- signing -----------------------------------------------------------------------------------

/// A signed text or a token: only what a key signed is believed, and all that it signed.
pub fn signing(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let of = |secrets: &[&'static [u8]]| Signer::new("salt", secrets.iter().copied()).expect("a key");
    let signers = KEYS.map(|key| of(&[key]));
    let both = of(&KEYS);
    if let Ok((value, _)) = both.unsign(&text) {
        assert!(signers.iter().any(|signer| signer.sign(value) == text), "{text} is believed");
    }
    for signer in &signers {
        assert_eq!(both.unsign(&signer.sign(&text)).map(|x| x.0), Ok(&*text));
        let stamped = signer.sign_at(&text, AT);
        let now_us = AT * 1_000_000;
        let unstamped = both.unsign_at(&stamped, Some(MaxAge { seconds: 0, now_us }));
        assert_eq!(unstamped.map(|x| (x.0, x.1)), Ok((&*text, AT)));
        assert!(both.unsign_at(&stamped, Some(MaxAge { seconds: 0, now_us: now_us + 1 })).is_err());
        for compress in [false, true] {
            let dumped = signer.dumps(data, AT, compress);
            assert_eq!(both.loads(&dumped, None).map(|x| x.0).as_deref(), Ok(data));
        }
    }
    payload(&text, &both);
    let cookies = CookieSigner::new("name", &text, KEYS, true).expect("a key");
    assert_eq!(cookies.unsign(&cookies.sign(&text, AT), None).map(|x| x.0), Ok(&*text));
    token(&text);
}

/// A payload is base64 or zlib, however it was signed.
fn payload(text: &str, signer: &Signer) {
    let loaded = signer.loads(&signer.sign(&format!("{text}:1r31eq")), None).map(|x| x.0);
    if !text.starts_with('.') {
        let mut standard = text.replace('-', "+").replace('_', "/");
        standard.extend(std::iter::repeat_n('=', standard.len().next_multiple_of(4) - standard.len()));
        // Python decodes ASCII only; what is none is junk between the symbols here.
        assert_eq!(loaded.ok(), a2b_base64(standard.as_bytes()).ok());
    }
    let _ = signer.unsign_at(&signer.sign(text), Some(MaxAge { seconds: 1, now_us: i64::MAX }));
}

/// A CSRF token: 32 or 64 letters and digits, which match themselves under any mask.
fn token(text: &str) {
    let is_token = matches!(text.len(), 32 | 64) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    assert_eq!(Token::parse(text).is_ok(), is_token);
    let Ok(token) = Token::parse(text) else { return };
    for mask in [[0; 40], [255; 40], [text.as_bytes()[0]; 40]] {
        let Ok(masked) = Token::parse(&token.masked(&mask)) else { panic!("a masked token is no token") };
        assert_eq!(masked.secret(), token.secret());
        assert!(masked.matches(&token).is_ok());
    }
    assert!(token.matches(&Token::fresh(&[7; 40])).is_err());
}

/// The keys and the moment of the seeds.
const KEYS: [&[u8]; 2] = [b"new", b"old"];
const AT: i64 = 1_700_000_000;
