//! HTTP Basic (RFC 7617) as DRF's `BasicAuthentication` reads it.

use super::{Building, Scheme, SchemeDef, Stop};
use crate::accounts::passwords::{self, Login};
use crate::codec::authorization::{Credentials, credentials};
use crate::codec::base64;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind, OptionDef, Values};
use crate::request::Request;
use crate::verdict::{About, Auth, Effects, Identity, Refusal};
use zeroize::Zeroizing;

pub(super) const DEF: SchemeDef = SchemeDef {
    name: "basic",
    peer: "DRF",
    class: "BasicAuthentication",
    doc: "User name and password in every request (RFC 7617), checked against Django's password hashes.",
    options: &[OptionDef {
        name: "www_authenticate_realm",
        kind: Kind::HeaderText,
        default: "\"api\"",
        doc: "The realm of the challenge, `Basic realm=\"…\"`.",
    }],
    takes_passwords: true,
    writes: false,
    build,
};

struct Basic {
    challenge: String,
}

fn build(options: &Values, building: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let realm = options.text("www_authenticate_realm");
    // DRF inserts the realm raw, so that one with a quote breaks the header apart; a quoted-string
    // escapes it (RFC 9110 §5.6.4).
    let realm = if building.exact { realm.to_owned() } else { realm.replace('\\', "\\\\").replace('"', "\\\"") };
    Ok(Box::new(Basic { challenge: format!("Basic realm=\"{realm}\"") }))
}

impl Scheme for Basic {
    fn authenticate(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Option<Identity>, Stop> {
        let Some(header) = request.authorization() else { return Ok(None) };
        let encoded = match credentials(header, "Basic") {
            None => return Ok(None),
            Some(Credentials::Missing) => return Err(MISSING.into()),
            Some(Credentials::Spaces) => return Err(SPACES.into()),
            Some(Credentials::One(word)) => word,
        };
        let decoded = Zeroizing::new(base64::decode(encoded).map_err(|_| NOT_BASE64)?);
        let pair = text(&decoded);
        let (name, password) = pair.split_once(':').ok_or(NOT_BASE64)?;
        match passwords::log_in(ctx, name, password.as_bytes(), ctx.site.client(request))? {
            Login::User(user, proof) => Ok(Some(Identity::new(user, proof, Auth::None))),
            // DRF sees this user only with `AllowAllUsersModelBackend`, which lets every user log in.
            Login::Inactive(..) => Err(Refusal::INACTIVE.into()),
            Login::Throttled(seconds) => Err(Refusal::throttled(seconds).about(About::Name(name.to_owned())).into()),
            Login::Wrong(why) => {
                effects.login_failed(name);
                Err(WRONG.about(About::Attempt(name.to_owned(), why)).into())
            }
        }
    }

    fn challenge(&self) -> Option<&str> {
        Some(&self.challenge)
    }
}

/// UTF-8, else Latin-1, as DRF decodes.
fn text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    })
}

const MISSING: Refusal = Refusal::failed("basic.missing", "Invalid basic header. No credentials provided.");
const SPACES: Refusal =
    Refusal::failed("basic.spaces", "Invalid basic header. Credentials string should not contain spaces.");
const NOT_BASE64: Refusal =
    Refusal::failed("basic.base64", "Invalid basic header. Credentials not correctly base64 encoded.");
const WRONG: Refusal = Refusal::failed("password.wrong", "Invalid username/password.");
