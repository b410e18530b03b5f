//! `[assertion]`: what programs behind a host are told, signed.

use super::build::{place_of, section};
use super::node::{Key as Name, Node, Place};
use super::read::Source;
use crate::accounts::assertion::Assertion;
use crate::codec::jws::ASSERTION;
use crate::codec::key::{ALGORITHM_NAMES, Algorithm, BadKey, Key};
use crate::error::Report;
use crate::options::{Kind, OptionDef};

/// The keys of the table.
pub(crate) const OPTIONS: &[OptionDef] = &[
    OptionDef {
        name: "key",
        kind: Kind::Secret,
        default: "",
        doc: "What signs: PEM of a private key, or for HS256 to HS512 a secret as long as the hash. Not `secret_key`: programs \
              behind would get what makes sessions.",
    },
    OptionDef {
        name: "algorithm",
        kind: Kind::Word(ALGORITHM_NAMES),
        default: "\"EdDSA\"",
        doc: "How it signs (RFC 7518). With HS256 to HS512 whoever can check an assertion can make one.",
    },
    OptionDef {
        name: "kid",
        kind: Kind::HeaderText,
        default: "\"\"",
        doc: "The name of the key, which goes into the header of the token; none when empty.",
    },
    OptionDef { name: "issuer", kind: Kind::Text, default: "\"authchain\"", doc: "The claim `iss`." },
    OptionDef {
        name: "lifetime",
        kind: Kind::Integer(1, 3600),
        default: "60",
        doc: "Seconds from `iat` to `exp`. There is no leeway: clocks of the machines have to agree better than that.",
    },
    OptionDef {
        name: "header",
        kind: Kind::Token,
        default: "\"X-Auth-Assertion\"",
        doc: "The header that it is passed on in, which is taken away from every request as a client sent it. None that \
              has a meaning of its own, such as `Authorization` or `X-Forwarded-For`.",
    },
];

/// The checked table; `None` when there is none.
pub(super) fn read(
    source: &Source<'_>,
    members: &[(Name, Node)],
    otherwise: Place,
    django: &[&[u8]],
) -> Result<Option<Assertion>, Report> {
    if !members.iter().any(|(key, _)| key.text == "assertion") {
        return Ok(None);
    }
    let place = place_of(members, "assertion", otherwise);
    let own = section(source, members, "assertion")?;
    let values = source.values(&own, &[OPTIONS], &[], "[assertion]", place)?;
    let algorithm = Algorithm::named(values.text("algorithm")).unwrap_or(Algorithm::EdDsa);
    let wrong = |name: &str, why: String, remedy: &str| {
        source.report(place_of(&own, name, place), format!("[assertion]: {why}"), remedy)
    };
    if django.contains(&values.text("key").as_bytes()) {
        return Err(wrong("key", SECRET_KEY.to_owned(), "expected a key of its own, which makes no sessions"));
    }
    let key = key(algorithm, values.text("key")).map_err(|why| wrong("key", why, REMEDY))?;
    let header = values.text("header");
    if has_meaning(header) {
        return Err(wrong("header", format!("the header {header} has a meaning of its own"), HEADER_REMEDY));
    }
    let kid = values.text("kid");
    let key = key.with_typ(ASSERTION);
    Ok(Some(Assertion {
        header: header.to_owned(),
        key: if kid.is_empty() { key } else { key.with_kid(kid) },
        issuer: values.text("issuer").to_owned(),
        lifetime: values.integer("lifetime"),
    }))
}

/// Whether a header is one that says something else, in any spelling that programs behind take for it (CGI and
/// WSGI make `_` of `-`): it would be taken away from every request, and would say what it does not mean.
fn has_meaning(header: &str) -> bool {
    let name = header.to_ascii_lowercase().replace('_', "-");
    MEANT.contains(&name.as_str()) || MEANT_FAMILIES.iter().any(|family| name.starts_with(family))
}

const MEANT: &[&str] = &[
    "host",
    "authorization",
    "proxy-authorization",
    "cookie",
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "forwarded",
    "x-real-ip",
    "origin",
    "referer",
    "x-auth-user",
    "x-auth-user-id",
    "x-auth-scheme",
];
const MEANT_FAMILIES: &[&str] = &["content-", "x-forwarded-", "x-original-"];

const SECRET_KEY: &str = "the key is `secret_key`, or was: whoever checks an assertion could make sessions";
const HEADER_REMEDY: &str = "expected a header of its own, such as X-Auth-Assertion";
const REMEDY: &str = "openssl genpkey -algorithm ed25519 makes a key for EdDSA";

fn key(algorithm: Algorithm, text: &str) -> Result<Key, String> {
    let wrong = |why: BadKey| why.to_string();
    if !algorithm.is_symmetric() {
        return Key::private_pem(algorithm, text).map_err(wrong);
    }
    let key = Key::secret(algorithm, text.as_bytes()).map_err(wrong)?;
    if key.is_short() {
        return Err("the secret is shorter than the hash (RFC 7518 section 3.2)".to_owned());
    }
    Ok(key)
}
