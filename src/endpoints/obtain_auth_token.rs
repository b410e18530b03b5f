//! DRF's `obtain_auth_token`: name and password in, the user's token out.

use std::fmt::Write;
use std::sync::Arc;

use super::{Endpoint, EndpointDef, Parts, Served, Writes, invalid};
use crate::accounts::passwords::{self, Login};
use crate::accounts::tokens::{self, Tokens};
use crate::body::{self, Data, Field};
use crate::codec::Proof;
use crate::codec::form::MediaType;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind as OptionKind, OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::store::{TokensTable, User, UserId};
use crate::verdict::{
    About, ActiveUser, Auth, Effects, Identity, Kind, Refusal, Refused, Response, Verdict, json_text,
};

pub(super) const DEF: EndpointDef = EndpointDef {
    name: "obtain_auth_token",
    view: "obtain_auth_token",
    path: "/api-token-auth/",
    doc: "POST `username` and `password` (JSON, form or multipart), get `{\"token\": …}`: the user's token, made if there \
          is none.",
    options: &[
        OptionDef {
            name: "scheme",
            kind: OptionKind::Text,
            default: "\"token\"",
            doc: "The scheme whose tokens it gives.",
        },
        OptionDef {
            name: "extra",
            kind: OptionKind::Set(extras),
            default: "[]",
            doc: "What stands beside the token, as in the guide's `CustomAuthToken`.",
        },
    ],
    takes_passwords: true,
    writes: Writes::Always,
    build,
};

fn extras() -> Vec<&'static str> {
    EXTRAS.iter().map(|(name, _)| *name).collect()
}

/// A member of the answer that tells of the user.
type Extra = (&'static str, fn(&User) -> String);

const EXTRAS: &[Extra] = &[
    ("user_id", |user| match &user.id {
        UserId::Integer(id) => id.to_string(),
        id => json_text(&id.to_string()),
    }),
    ("username", |user| json_text(user.name())),
    ("email", |user| json_text(user.email())),
    ("is_staff", |user| user.is_staff.to_string()),
    ("is_superuser", |user| user.is_superuser.to_string()),
];

struct ObtainAuthToken {
    table: Arc<TokensTable>,
    extra: Vec<Extra>,
}

fn build(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    let scheme = options.text("scheme");
    let Some((_, Tokens::Authtoken(table))) = parts.tokens.iter().find(|(name, _)| name == scheme) else {
        return Err(Error::Invalid("no scheme of that name keeps tokens of DRF in a table"));
    };
    let wanted = options.list("extra");
    let extra = EXTRAS.iter().filter(|(name, _)| wanted.iter().any(|w| w == name)).copied().collect();
    Ok(Box::new(ObtainAuthToken { table: table.clone(), extra }))
}

impl Endpoint for ObtainAuthToken {
    fn methods(&self) -> &'static [&'static str] {
        &["POST"]
    }

    fn serve(
        &self,
        request: &Request<'_>,
        _: Option<&Identity>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Served, Stop> {
        let data = body::data(request, PARSERS)?;
        let (user, proof) = match validated(&data, request, ctx, effects)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        let identity = Identity::new(user, proof, Auth::None);
        let key = tokens::create(ctx, &self.table, &identity.user.id, false)?;
        let body = self.body(&String::from_utf8_lossy(key.reveal()), &identity.user);
        let identity = Identity { auth: Auth::Token(key), ..identity };
        Ok(Served { verdict: Verdict::Identified(Box::new(identity)), response: Response::json(200, body) })
    }
}

impl ObtainAuthToken {
    fn body(&self, key: &str, user: &User) -> String {
        let mut body = format!("{{\"token\":{}", json_text(key));
        for (name, of) in &self.extra {
            let _ = write!(body, ",\"{name}\":{}", of(user)); // a String takes everything
        }
        body + "}"
    }
}

/// DRF's `AuthTokenSerializer`: whose name and password a body has, or what to answer.
pub(super) fn validated(
    data: &Data,
    request: &Request<'_>,
    ctx: &Ctx<'_>,
    effects: &mut Effects,
) -> Result<Result<(ActiveUser, Proof), Served>, Stop> {
    let values = match body::fields(data, &[Field::trimmed("username"), Field::as_is("password")]) {
        Ok(values) => values,
        Err(problems) => return Ok(Err(invalid(&problems))),
    };
    let [name, password] = values.as_slice() else { return Ok(Err(invalid(&[]))) };
    match passwords::log_in(ctx, name, password.as_bytes(), ctx.site.client(request))? {
        Login::User(user, proof) => Ok(Ok((user, proof))),
        Login::Throttled(seconds) => Err(Refusal::throttled(seconds).about(About::Name(name.clone())).into()),
        Login::Inactive(..) => Ok(Err(wrong(name, "inactive", effects))),
        Login::Wrong(why) => Ok(Err(wrong(name, why, effects))),
    }
}

/// Nobody is told why.
fn wrong(name: &str, why: &'static str, effects: &mut Effects) -> Served {
    effects.login_failed(name);
    let refusal = Refusal::of(Kind::Invalid, "password.wrong", UNABLE).about(About::Attempt(name.to_owned(), why));
    let response = Response::json(400, format!("{{\"non_field_errors\":[{}]}}", json_text(UNABLE)));
    Served { verdict: Verdict::Refused(Refused::Made(Box::new(refusal))), response }
}

/// DRF's `ObtainAuthToken.parser_classes`.
const PARSERS: &[MediaType] = &[MediaType::Form, MediaType::Multipart, MediaType::Json];
const UNABLE: &str = "Unable to log in with provided credentials.";
