//! The views of django-rest-durin that show tokens: those of a user, and the one of a user for the API.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::durin::{Own, SCHEME, nothing, shown};
use super::{Endpoint, EndpointDef, Parts, Served, Writes};
use crate::accounts::durin::Durin;
use crate::codec::datetime::{self, ISO};
use crate::codec::duration;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind as OptionKind, OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::store::{DurinToken, Replace};
use crate::verdict::{About, Effects, Identity, Kind, Refusal, Refused, Response, Verdict, json_text};

pub(super) const SESSIONS: EndpointDef = EndpointDef {
    name: "durin_sessions",
    view: "TokenSessionsViewSet",
    path: "/api/auth/sessions/",
    doc: "Of durin. GET lists the tokens of the user without showing them; DELETE below it, `/api/auth/sessions/ID` (durin: \
          `sessions//ID`, which does, too), deletes another one than that of the request. Its `path` has to be where it is \
          served. It needs a chain.",
    options: &[
        SCHEME,
        CLIENT_NAME,
        OptionDef {
            name: "api_access_exclude_from_sessions",
            kind: OptionKind::Boolean,
            default: "false",
            doc: "Whether the token for the API is left out.",
        },
        OptionDef {
            name: "logout_url",
            kind: OptionKind::Text,
            default: "\"/api/auth/logout/\"",
            doc: "Where who wants to delete the token of the request is sent.",
        },
    ],
    takes_passwords: false,
    writes: Writes::Always,
    build: sessions,
};

pub(super) const API_ACCESS: EndpointDef = EndpointDef {
    name: "durin_apiaccess",
    view: "APIAccessTokenView",
    path: "/api/auth/apiaccess/",
    doc: "Of durin. GET shows the user's token for the API without saying it, POST makes it and says it, DELETE deletes it. \
          It needs a chain.",
    options: &[
        SCHEME,
        CLIENT_NAME,
        OptionDef {
            name: "api_access_response_include_token",
            kind: OptionKind::Boolean,
            default: "false",
            doc: "Whether GET says the token, too.",
        },
    ],
    takes_passwords: false,
    writes: Writes::Always,
    build: api_access,
};

const CLIENT_NAME: OptionDef = OptionDef {
    name: "api_access_client_name",
    kind: OptionKind::Text,
    default: "\"\"",
    doc: "The client of the tokens for the API; `durin_apiaccess` has to know one.",
};

struct Sessions(Arc<Shelf>);

struct Shelf {
    own: Own,
    /// The client whose token is left out.
    without: Option<String>,
    logout_url: String,
    zone: Option<TimeZone>,
}

/// One token below the list.
struct One {
    shelf: Arc<Shelf>,
    id: Option<i64>,
}

struct ApiAccess {
    tokens: Arc<Durin>,
    client: String,
    says_token: bool,
    zone: Option<TimeZone>,
}

fn sessions(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    let client = Some(options.text("api_access_client_name").to_owned());
    Ok(Box::new(Sessions(Arc::new(Shelf {
        own: Own::new(options, parts)?,
        without: client.filter(|name| options.is("api_access_exclude_from_sessions") && !name.is_empty()),
        logout_url: options.text("logout_url").to_owned(),
        zone: parts.zone.cloned(),
    }))))
}

fn api_access(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    let client = options.text("api_access_client_name").to_owned();
    if client.is_empty() {
        return Err(Error::Invalid("durin_apiaccess has no api_access_client_name"));
    }
    let says_token = options.is("api_access_response_include_token");
    Ok(Box::new(ApiAccess {
        tokens: super::durin::tokens(options, parts)?,
        client,
        says_token,
        zone: parts.zone.cloned(),
    }))
}

impl Endpoint for Sessions {
    fn methods(&self) -> &'static [&'static str] {
        &["GET", "HEAD"]
    }

    fn needs_user(&self) -> bool {
        true
    }

    fn below(&self, id: &str) -> Option<Box<dyn Endpoint>> {
        // What is no number is no token's, which is for who may ask to be told.
        Some(Box::new(One { shelf: self.0.clone(), id: id.parse().ok() }))
    }

    fn serve(&self, _: &Request<'_>, by: Option<&Identity>, ctx: &Ctx<'_>, _: &mut Effects) -> Result<Served, Stop> {
        let identity = by.ok_or(Refusal::NOT_PROVIDED)?;
        let own = self.0.own.token(identity).map(|token| token.id);
        let item = |token: &DurinToken| {
            let members = described(token, ctx, self.0.zone.as_ref(), Some(own == Some(token.id)))?;
            Ok::<_, Error>(format!("{{\"id\":{},{members}}}", token.id))
        };
        let items = self.0.tokens(ctx, identity)?.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        let response = Response::json(200, format!("[{}]", items.join(",")));
        Ok(Served { verdict: Verdict::Identified(Box::new(identity.clone())), response })
    }
}

impl Shelf {
    fn tokens(&self, ctx: &Ctx<'_>, identity: &Identity) -> Result<Vec<DurinToken>, Error> {
        let mut tokens = self.own.tokens.table.of_user(ctx.db, &identity.user.id)?;
        tokens.retain(|token| self.without.as_ref() != Some(&token.client.name));
        Ok(tokens)
    }
}

impl Endpoint for One {
    fn methods(&self) -> &'static [&'static str] {
        &["DELETE"]
    }

    fn needs_user(&self) -> bool {
        true
    }

    fn serve(&self, _: &Request<'_>, by: Option<&Identity>, ctx: &Ctx<'_>, _: &mut Effects) -> Result<Served, Stop> {
        let identity = by.ok_or(Refusal::NOT_PROVIDED)?;
        let Some(id) = self.id else { return Err(not_found("Not found.").into()) };
        if !self.shelf.tokens(ctx, identity)?.iter().any(|token| token.id == id) {
            return Err(not_found("No AuthToken matches the given query.").into());
        }
        if self.shelf.own.token(identity).is_some_and(|token| token.id == id) {
            let url = &self.shelf.logout_url;
            return Ok(invalid(identity, "durin.own_token", &format!("{OWN_TOKEN}{url} instead.")));
        }
        self.shelf.own.tokens.table.delete(ctx.db, id)?;
        Ok(Served { verdict: Verdict::Identified(Box::new(identity.clone())), response: nothing() })
    }
}

impl Endpoint for ApiAccess {
    fn methods(&self) -> &'static [&'static str] {
        &["GET", "POST", "DELETE", "HEAD"]
    }

    fn needs_user(&self) -> bool {
        true
    }

    fn serve(
        &self,
        request: &Request<'_>,
        by: Option<&Identity>,
        ctx: &Ctx<'_>,
        _: &mut Effects,
    ) -> Result<Served, Stop> {
        let identity = by.ok_or(Refusal::NOT_PROVIDED)?;
        let user = &identity.user.id;
        let response = if request.is_method(&["POST"]) {
            let client = self.tokens.table.client(ctx.db, &self.client)?.ok_or_else(|| not_found("Not found."))?;
            let (token, is_new) = self.tokens.give(ctx, user, &client, Replace::Never)?;
            if !is_new {
                return Ok(invalid(identity, "durin.issued", "An API token was already issued to you."));
            }
            Response::json(201, self.body(&token, ctx, true)?)
        } else {
            let token = self.tokens.table.of_pair(ctx.db, user, &self.client)?;
            let token = token.ok_or_else(|| not_found("Not found."))?;
            if request.is_method(&["DELETE"]) {
                self.tokens.table.delete(ctx.db, token.id)?;
                nothing()
            } else {
                Response::json(200, self.body(&token, ctx, self.says_token)?)
            }
        };
        Ok(Served { verdict: Verdict::Identified(Box::new(identity.clone())), response })
    }
}

impl ApiAccess {
    fn body(&self, token: &DurinToken, ctx: &Ctx<'_>, says_token: bool) -> Result<String, Error> {
        let members = described(token, ctx, self.zone.as_ref(), None)?;
        Ok(match says_token {
            true => {
                let token = json_text(&String::from_utf8_lossy(token.token.reveal()));
                format!("{{{members},\"token\":{token}}}")
            }
            false => format!("{{{members}}}"),
        })
    }
}

/// The members that both serializers of durin have.
fn described(
    token: &DurinToken,
    ctx: &Ctx<'_>,
    zone: Option<&TimeZone>,
    is_current: Option<bool>,
) -> Result<String, Error> {
    let between = match (datetime::read(&token.created), datetime::read(&token.expiry)) {
        (Some(created), Some(expiry)) => created.duration_until(expiry),
        _ => return Err(Error::Store("a moment is not in Django's form".to_owned())),
    };
    let us = i64::try_from(between.as_micros()).unwrap_or(i64::MAX);
    let is_current = is_current.map(|is| format!("\"is_current\":{is},")).unwrap_or_default();
    Ok(format!(
        "\"client\":{},\"created\":{},\"expiry\":{},\"has_expired\":{},{is_current}\"expires_in_str\":{}",
        json_text(&token.client.name),
        shown(&token.created, zone, ISO)?,
        shown(&token.expiry, zone, ISO)?,
        token.has_expired(&ctx.now_text()?),
        json_text(&duration::in_words(us)),
    ))
}

/// DRF's `ValidationError` of one text: a list.
fn invalid(identity: &Identity, slug: &'static str, text: &str) -> Served {
    let name = About::Name(identity.user.name().to_owned());
    let refusal = Refusal::of(Kind::Invalid, slug, text.to_owned()).about(name);
    let response = Response::json(400, format!("[{}]", json_text(text)));
    Served { verdict: Verdict::Refused(Refused::Made(Box::new(refusal))), response }
}

fn not_found(text: &'static str) -> Refusal {
    Refusal::of(Kind::NotFound, "durin.not_found", text)
}

/// The blank between the sentences is missing there, too.
const OWN_TOKEN: &str = "Can't delete token if the request is authed with it.Use ";
