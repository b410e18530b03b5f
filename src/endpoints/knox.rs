//! The views of django-rest-knox: a token for whom the chain in front found, and its end.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Endpoint, EndpointDef, Parts, Served, Writes};
use crate::accounts::knox::{FreshKnox, Knox};
use crate::accounts::tokens::Tokens;
use crate::codec::datetime;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind as OptionKind, OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::store::User;
use crate::verdict::{About, Auth, Effects, Event, Identity, Kind, Refusal, Refused, Response, Verdict, json_text};

pub(super) const LOGIN: EndpointDef = EndpointDef {
    name: "knox_login",
    view: "LoginView",
    path: "/api/auth/login/",
    doc: "Of knox. POST gives whom its chain finds a new token, `{\"expiry\": …, \"token\": …}`. It needs a chain, such as \
          one of `basic`.",
    options: &[
        SCHEME,
        OptionDef {
            name: "user_serializer",
            kind: OptionKind::Word(&["", USER_SERIALIZER]),
            default: "\"\"",
            doc: "Knox's own: the answer has a `user`, too, with the name. Another dotted path is Python code, which this \
                  library cannot run.",
        },
        OptionDef {
            name: "expiry_datetime_format",
            kind: OptionKind::Text,
            default: "\"iso-8601\"",
            doc: "How `expiry` is written: `iso-8601`, or a format of `strftime` with %Y %m %d %H %M %S %f %y %j %I %p %a %A \
                  %b %B %z %Z; in `time_zone`, as by Django.",
        },
    ],
    takes_passwords: false,
    writes: Writes::Always,
    build: login,
};

pub(super) const LOGOUT: EndpointDef = EndpointDef {
    name: "knox_logout",
    view: "LogoutView",
    path: "/api/auth/logout/",
    doc: "Of knox. POST deletes the token of the request. It needs a chain that asks the scheme.",
    options: &[SCHEME],
    takes_passwords: false,
    writes: Writes::Always,
    build: logout,
};

pub(super) const LOGOUT_ALL: EndpointDef = EndpointDef {
    name: "knox_logoutall",
    view: "LogoutAllView",
    path: "/api/auth/logoutall/",
    doc: "Of knox. POST deletes every token of the user. It needs a chain.",
    options: &[SCHEME],
    takes_passwords: false,
    writes: Writes::Always,
    build: logout_all,
};

const SCHEME: OptionDef =
    OptionDef { name: "scheme", kind: OptionKind::Text, default: "\"knox\"", doc: "The scheme whose tokens they are." };

const USER_SERIALIZER: &str = "knox.serializers.UserSerializer";

struct Login {
    tokens: Arc<Knox>,
    shows_user: bool,
    format: String,
    zone: Option<TimeZone>,
    /// The member of `user` that holds the name (USERNAME_FIELD).
    username_field: String,
}

struct Logout {
    tokens: Arc<Knox>,
    scheme: String,
}

struct LogoutAll {
    tokens: Arc<Knox>,
}

fn login(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    let login = Login {
        tokens: tokens(options, parts)?,
        shows_user: options.text("user_serializer") == USER_SERIALIZER,
        format: options.text("expiry_datetime_format").to_owned(),
        zone: parts.zone.cloned(),
        username_field: parts.username_field.to_owned(),
    };
    // A moment stands for all: what a format may hold does not depend on it.
    datetime::shown(jiff::civil::DateTime::ZERO, None, &login.format)
        .map_err(|_| Error::Invalid("expiry_datetime_format is iso-8601, or has a directive that is not known"))?;
    Ok(Box::new(login))
}

fn logout(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(Logout { tokens: tokens(options, parts)?, scheme: options.text("scheme").to_owned() }))
}

fn logout_all(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(LogoutAll { tokens: tokens(options, parts)? }))
}

/// The tokens of the scheme that the options name.
fn tokens(options: &Values, parts: &Parts<'_>) -> Result<Arc<Knox>, Error> {
    match parts.tokens.iter().find(|(name, _)| name == options.text("scheme")) {
        Some((_, Tokens::Knox(knox))) => Ok(knox.clone()),
        _ => Err(Error::Invalid("no scheme of that name keeps tokens of knox")),
    }
}

impl Endpoint for Login {
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
        let Some(fresh) = self.tokens.create(ctx, &identity.user.id)? else { return Ok(too_many(&identity.user)) };
        // What Django does when `user_logged_in` is sent (`update_last_login`).
        ctx.users.set_last_login(ctx.db, &identity.user.id, &ctx.now_text()?)?;
        effects.note().events.push(Event::LoggedIn { username: identity.user.name().to_owned() });
        let response = Response::json(200, self.body(&fresh, &identity.user)?);
        let identity = Identity { auth: Auth::Knox(fresh.digest), ..identity.clone() };
        Ok(Served { verdict: Verdict::Identified(Box::new(identity)), response })
    }
}

impl Login {
    fn body(&self, fresh: &FreshKnox, user: &User) -> Result<String, Error> {
        let expiry = match fresh.expiry {
            None => "null".to_owned(),
            Some(expiry) => {
                let shown = datetime::shown(expiry, self.zone.as_ref(), &self.format);
                json_text(&shown.map_err(|_| Error::Invalid("a time beyond the year 9999"))?)
            }
        };
        let token = json_text(&String::from_utf8_lossy(fresh.token.reveal()));
        let user = match self.shows_user {
            true => format!(",\"user\":{{{}:{}}}", json_text(&self.username_field), json_text(user.name())),
            false => String::new(),
        };
        Ok(format!("{{\"expiry\":{expiry},\"token\":{token}{user}}}"))
    }
}

/// knox answers with a member `error` where DRF has `detail`.
fn too_many(user: &User) -> Served {
    let refusal = Refusal::of(Kind::TooManyTokens, "knox.limit", TOO_MANY).about(About::Name(user.name().to_owned()));
    let response = Response::json(refusal.kind.status(), format!("{{\"error\":{}}}", json_text(TOO_MANY)));
    Served { verdict: Verdict::Refused(Refused::Made(Box::new(refusal))), response }
}

impl Endpoint for Logout {
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
        let is_own = identity.found_by.as_ref().is_some_and(|by| by.name == self.scheme);
        // Who came in another way has no token to give back; knox's view raises.
        let Some(digest) = digest(identity).filter(|_| is_own) else {
            let name = About::Name(identity.user.name().to_owned());
            return Err(Refusal::denied("knox.no_token", Refusal::NO_PERMISSION).about(name).into());
        };
        self.tokens.table.delete(ctx.db, digest)?;
        Ok(logged_out(effects))
    }
}

impl Endpoint for LogoutAll {
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
        self.tokens.table.delete_of(ctx.db, &identity.user.id)?;
        Ok(logged_out(effects))
    }
}

/// The hash by which the table knows the token of a request.
fn digest(identity: &Identity) -> Option<&str> {
    match &identity.auth {
        Auth::Knox(digest) => std::str::from_utf8(digest.reveal()).ok(),
        _ => None,
    }
}

fn logged_out(effects: &mut Effects) -> Served {
    effects.note().events.push(Event::LoggedOut);
    let headers = vec![("Cache-Control", "no-store".to_owned())];
    Served { verdict: Verdict::Anonymous, response: Response { status: 204, headers, body: String::new() } }
}

const TOO_MANY: &str = "Maximum amount of tokens allowed per user exceeded.";
