//! The views of django-rest-durin that give, prolong and take tokens. Those that show them are in
//! `durin_sessions`.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::obtain_auth_token::validated;
use super::{Endpoint, EndpointDef, Parts, Served, Writes};
use crate::accounts::durin::Durin;
use crate::accounts::tokens::Tokens;
use crate::body::{self, Data, Member};
use crate::codec::datetime;
use crate::codec::form::PARSERS;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind as OptionKind, OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::store::{Client, DurinToken, Replace, User};
use crate::verdict::{
    About, Auth, Effects, Event, Identity, Kind, Refusal, Refused, Response, Verdict, detail_body, json_text,
};

pub(super) const LOGIN: EndpointDef = EndpointDef {
    name: "durin_login",
    view: "LoginView",
    path: "/api/auth/login/",
    doc: "Of durin. POST `username`, `password` and `client` (JSON, form or multipart), get `{\"expiry\": …, \"token\": …}`: \
          the user's token of that client, made if there is none. One that has expired is given, too, as durin does, and is \
          gone with the next request.",
    options: &[
        SCHEME,
        EXPIRY_FORMAT,
        OptionDef {
            name: "user_serializer",
            kind: OptionKind::Word(&["", USER_SERIALIZER]),
            default: "\"\"",
            doc: "Durin's own: the answer has a `user`, too, with the name. Another dotted path is Python code, which this \
                  library cannot run.",
        },
        OptionDef {
            name: "refresh_token_on_login",
            kind: OptionKind::Boolean,
            default: "false",
            doc: "Whether a login puts off the end of the token there is.",
        },
    ],
    takes_passwords: true,
    writes: Writes::Always,
    build: login,
};

pub(super) const REFRESH: EndpointDef = EndpointDef {
    name: "durin_refresh",
    view: "RefreshView",
    path: "/api/auth/refresh/",
    doc: "Of durin. POST puts off the end of the token of the request, `{\"expiry\": …}`. It needs a chain that asks the \
          scheme.",
    options: &[SCHEME, EXPIRY_FORMAT],
    takes_passwords: false,
    writes: Writes::Always,
    build: refresh,
};

pub(super) const LOGOUT: EndpointDef = EndpointDef {
    name: "durin_logout",
    view: "LogoutView",
    path: "/api/auth/logout/",
    doc: "Of durin. POST deletes the token of the request. It needs a chain that asks the scheme.",
    options: &[SCHEME],
    takes_passwords: false,
    writes: Writes::Always,
    build: logout,
};

pub(super) const LOGOUT_ALL: EndpointDef = EndpointDef {
    name: "durin_logoutall",
    view: "LogoutAllView",
    path: "/api/auth/logoutall/",
    doc: "Of durin. POST deletes every token of the user. It needs a chain.",
    options: &[SCHEME],
    takes_passwords: false,
    writes: Writes::Always,
    build: logout_all,
};

pub(super) const SCHEME: OptionDef = OptionDef {
    name: "scheme",
    kind: OptionKind::Text,
    default: "\"durin\"",
    doc: "The scheme whose tokens they are.",
};

const EXPIRY_FORMAT: OptionDef = OptionDef {
    name: "expiry_datetime_format",
    kind: OptionKind::Text,
    default: "\"iso-8601\"",
    doc: "How `expiry` is written, as in `knox_login`.",
};

const USER_SERIALIZER: &str = "durin.serializers.UserSerializer";

/// How a moment of the database is shown.
struct Clock {
    format: String,
    zone: Option<TimeZone>,
}

struct Login {
    tokens: Arc<Durin>,
    clock: Clock,
    shows_user: bool,
    refreshes: bool,
    /// The member of `user` that holds the name (USERNAME_FIELD).
    username_field: String,
}

struct Refresh {
    own: Own,
    clock: Clock,
}

struct Logout(Own);

struct LogoutAll(Arc<Durin>);

/// The tokens of one scheme, for endpoints that are about the token of the request.
pub(super) struct Own {
    pub(super) tokens: Arc<Durin>,
    scheme: String,
}

fn login(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(Login {
        tokens: tokens(options, parts)?,
        clock: Clock::new(options, parts)?,
        shows_user: options.text("user_serializer") == USER_SERIALIZER,
        refreshes: options.is("refresh_token_on_login"),
        username_field: parts.username_field.to_owned(),
    }))
}

fn refresh(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(Refresh { own: Own::new(options, parts)?, clock: Clock::new(options, parts)? }))
}

fn logout(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(Logout(Own::new(options, parts)?)))
}

fn logout_all(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(LogoutAll(tokens(options, parts)?)))
}

/// The tokens of the scheme that the options name.
pub(super) fn tokens(options: &Values, parts: &Parts<'_>) -> Result<Arc<Durin>, Error> {
    match parts.tokens.iter().find(|(name, _)| name == options.text("scheme")) {
        Some((_, Tokens::Durin(durin))) => Ok(durin.clone()),
        _ => Err(Error::Invalid("no scheme of that name keeps tokens of durin")),
    }
}

impl Own {
    pub(super) fn new(options: &Values, parts: &Parts<'_>) -> Result<Self, Error> {
        Ok(Self { tokens: tokens(options, parts)?, scheme: options.text("scheme").to_owned() })
    }

    /// The token that the request came with, if it is one of the scheme.
    pub(super) fn token<'i>(&self, identity: &'i Identity) -> Option<&'i DurinToken> {
        let is_own = identity.found_by.as_ref().is_some_and(|by| by.name == self.scheme);
        match &identity.auth {
            Auth::Durin(token) if is_own => Some(token),
            _ => None,
        }
    }

    /// The same for who has to have one: whoever came in another way is refused; durin's views raise.
    fn needed<'i>(&self, identity: &'i Identity) -> Result<&'i DurinToken, Refusal> {
        self.token(identity).ok_or_else(|| {
            let name = About::Name(identity.user.name().to_owned());
            Refusal::denied("durin.no_token", Refusal::NO_PERMISSION).about(name)
        })
    }
}

impl Clock {
    fn new(options: &Values, parts: &Parts<'_>) -> Result<Self, Error> {
        let clock = Self { format: options.text("expiry_datetime_format").to_owned(), zone: parts.zone.cloned() };
        // A moment stands for all: what a format may hold does not depend on it.
        datetime::shown(jiff::civil::DateTime::ZERO, None, &clock.format)
            .map_err(|_| Error::Invalid("expiry_datetime_format is iso-8601, or has a directive that is not known"))?;
        Ok(clock)
    }

    /// A text of the database in JSON.
    fn shown(&self, moment: &str) -> Result<String, Error> {
        shown(moment, self.zone.as_ref(), &self.format)
    }
}

/// A moment of the database in JSON.
pub(super) fn shown(moment: &str, zone: Option<&TimeZone>, format: &str) -> Result<String, Error> {
    let at = datetime::read(moment).ok_or_else(|| Error::Store("a moment is not in Django's form".to_owned()))?;
    let shown = datetime::shown(at, zone, format).map_err(|_| Error::Invalid("a time beyond the year 9999"))?;
    Ok(json_text(&shown))
}

impl Endpoint for Login {
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
        match self.client(ctx, &data)? {
            Ok(client) => self.let_in(ctx, effects, identity, &client),
            Err(text) => Ok(no_client(&identity.user, text)),
        }
    }
}

impl Login {
    /// durin's `get_client_obj`: the client, or what to say.
    fn client(&self, ctx: &Ctx<'_>, data: &Data) -> Result<Result<Client, &'static str>, Error> {
        let found = match body::member(data, "client") {
            Member::None => return Ok(Err("No client specified.")),
            Member::Text(name) => self.tokens.table.client(ctx.db, &name)?,
            Member::Other => None,
        };
        Ok(found.ok_or("No client with that name."))
    }

    fn let_in(
        &self,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
        identity: Identity,
        client: &Client,
    ) -> Result<Served, Stop> {
        let user = &identity.user;
        let (mut token, is_new) = self.tokens.give(ctx, &user.id, client, Replace::Never)?;
        if self.refreshes && !is_new {
            let renewed = self.tokens.renew(ctx, user, &token, effects)?;
            token.expiry = renewed.ok_or(Error::Store("a row that was just there is gone".to_owned()))?;
        }
        // What Django does when `user_logged_in` is sent (`update_last_login`).
        ctx.users.set_last_login(ctx.db, &user.id, &ctx.now_text()?)?;
        effects.note().events.push(Event::LoggedIn { username: user.name().to_owned() });
        let response = Response::json(200, self.body(&token, user)?);
        let identity = Identity { auth: Auth::Durin(Arc::new(token)), ..identity };
        Ok(Served { verdict: Verdict::Identified(Box::new(identity)), response })
    }

    fn body(&self, token: &DurinToken, user: &User) -> Result<String, Error> {
        let expiry = self.clock.shown(&token.expiry)?;
        let user = match self.shows_user {
            true => format!(",\"user\":{{{}:{}}}", json_text(&self.username_field), json_text(user.name())),
            false => String::new(),
        };
        let token = json_text(&String::from_utf8_lossy(token.token.reveal()));
        Ok(format!("{{\"expiry\":{expiry},\"token\":{token}{user}}}"))
    }
}

/// durin's `ValidationError`, after the password was right.
fn no_client(user: &User, text: &'static str) -> Served {
    let refusal = Refusal::of(Kind::Invalid, "durin.no_client", text).about(About::Name(user.name().to_owned()));
    let response = Response::json(400, detail_body(text));
    Served { verdict: Verdict::Refused(Refused::Made(Box::new(refusal))), response }
}

impl Endpoint for Refresh {
    fn methods(&self) -> &'static [&'static str] {
        &["POST"]
    }

    fn needs_user(&self) -> bool {
        true
    }

    fn serve(
        &self,
        _: &Request<'_>,
        by: Option<&Identity>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Served, Stop> {
        let identity = by.ok_or(Refusal::NOT_PROVIDED)?;
        let token = self.own.needed(identity)?;
        // Somebody else deleted it meanwhile.
        let Some(expiry) = self.own.tokens.renew(ctx, &identity.user, token, effects)? else { return Err(GONE.into()) };
        let response = Response::json(200, format!("{{\"expiry\":{}}}", self.clock.shown(&expiry)?));
        let token = DurinToken { expiry, ..token.clone() };
        let identity = Identity { auth: Auth::Durin(Arc::new(token)), ..identity.clone() };
        Ok(Served { verdict: Verdict::Identified(Box::new(identity)), response })
    }
}

impl Endpoint for Logout {
    fn methods(&self) -> &'static [&'static str] {
        &["POST"]
    }

    fn is_logout(&self) -> bool {
        true
    }

    fn needs_user(&self) -> bool {
        true
    }

    fn serve(
        &self,
        _: &Request<'_>,
        by: Option<&Identity>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Served, Stop> {
        let token = self.0.needed(by.ok_or(Refusal::NOT_PROVIDED)?)?;
        self.0.tokens.table.delete(ctx.db, token.id)?;
        Ok(logged_out(effects))
    }
}

impl Endpoint for LogoutAll {
    fn methods(&self) -> &'static [&'static str] {
        &["POST"]
    }

    fn is_logout(&self) -> bool {
        true
    }

    fn needs_user(&self) -> bool {
        true
    }

    fn serve(
        &self,
        _: &Request<'_>,
        by: Option<&Identity>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Served, Stop> {
        let identity = by.ok_or(Refusal::NOT_PROVIDED)?;
        self.0.table.delete_of(ctx.db, &identity.user.id)?;
        Ok(logged_out(effects))
    }
}

fn logged_out(effects: &mut Effects) -> Served {
    effects.note().events.push(Event::LoggedOut);
    Served { verdict: Verdict::Anonymous, response: nothing() }
}

/// 204.
pub(super) fn nothing() -> Response {
    let headers = vec![("Cache-Control", "no-store".to_owned())];
    Response { status: 204, headers, body: String::new() }
}

const GONE: Refusal = Refusal::failed("durin.unknown", "Invalid token.");
