//! What must hold for any bytes at all: one function a fuzz target. The targets call them with what
//! libFuzzer invents, tests/fuzz_seeds.rs with every seed.

use std::sync::OnceLock;

use authchain::codec::Malformed;
use authchain::codec::authorization::{Credentials, credentials, scheme};
use authchain::codec::base64 as python_base64;
use authchain::codec::password::{HASHERS, Hasher, HasherDef, Hashers, is_usable};
use authchain::request::{Header, Headers, Packed, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A property of any input.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its folder of seeds.
pub const TARGETS: &[(&str, Target)] =
    &[("authorization", authorization), ("password", password), ("request", request)];

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
