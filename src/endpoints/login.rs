//! Django's `LoginView`: name and password in, a session out; and `LogoutView`, which ends it.
//! Browsers get pages and redirections, other clients JSON.

use std::sync::Arc;

use super::{Endpoint, EndpointDef, Parts, Served, Writes};
use crate::accounts::passwords::{self, Login as Outcome};
use crate::accounts::sessions::{Session, Sessions};
use crate::body::{self, Data, Field};
use crate::codec::form::PARSERS;
use crate::csrf::Csrf;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind as OptionKind, OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::verdict::{About, Auth, Effects, Event, Identity, Kind, Refusal, Refused, Response, Verdict, json_text};

pub(super) const LOGIN: EndpointDef = EndpointDef {
    name: "login",
    view: "LoginView",
    path: "/accounts/login/",
    doc: "GET a form, POST `username`, `password` and `next`, get a session that Django knows, too.",
    options: &[OptionDef {
        name: "redirect_url",
        kind: OptionKind::HeaderWord,
        default: "\"/\"",
        doc: "Where a browser goes after the login when `next` names no page of this site (LOGIN_REDIRECT_URL).",
    }],
    takes_passwords: true,
    writes: Writes::Always,
    build: login,
};

pub(super) const LOGOUT: EndpointDef = EndpointDef {
    name: "logout",
    view: "LogoutView",
    path: "/accounts/logout/",
    doc: "POST ends the session.",
    options: &[OptionDef {
        name: "redirect_url",
        kind: OptionKind::HeaderWord,
        default: "\"/\"",
        doc: "Where a browser goes after the logout (LOGOUT_REDIRECT_URL).",
    }],
    takes_passwords: false,
    writes: Writes::Never,
    build: logout,
};

/// What both have in common.
struct Site {
    sessions: Arc<Sessions>,
    csrf: Arc<Csrf>,
    redirect_url: String,
}

struct Login(Site);
struct Logout(Site);

fn login(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    if parts.csrf.use_sessions {
        return Err(Error::Unsupported("a login page with csrf_use_sessions (every visitor would get a session)"));
    }
    Ok(Box::new(Login(Site::new(options, parts))))
}

fn logout(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(Logout(Site::new(options, parts))))
}

impl Site {
    fn new(options: &Values, parts: &Parts<'_>) -> Self {
        let redirect_url = options.text("redirect_url").to_owned();
        Self { sessions: parts.sessions.clone(), csrf: parts.csrf.clone(), redirect_url }
    }

    /// The session that the request came with.
    fn session(&self, request: &Request<'_>, ctx: &Ctx<'_>) -> Result<Option<Session>, Error> {
        self.sessions.of_cookies(ctx, &request.cookies().unwrap_or_default())
    }

    fn check_csrf(&self, request: &Request<'_>, ctx: &Ctx<'_>, session: Option<&Session>) -> Result<(), Refusal> {
        self.csrf.check(request, ctx.site, session.and_then(Session::csrf_secret))
    }

    /// A page for browsers, nothing for others.
    fn done(&self, request: &Request<'_>, to: &str, json: String) -> Response {
        if !takes_html(request) {
            return Response::json(200, json);
        }
        let mut response = Response { status: 302, headers: vec![], body: String::new() };
        response.headers.push(("Location", to.to_owned()));
        response.headers.push(("Cache-Control", "no-store".to_owned()));
        response
    }
}

impl Endpoint for Login {
    fn methods(&self) -> &'static [&'static str] {
        &["GET", "POST"]
    }

    fn serve(
        &self,
        request: &Request<'_>,
        _: Option<&Identity>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Served, Stop> {
        if !request.is_method(&["POST"]) {
            let response = self.page(request, ctx, effects, query(request, "next").as_deref(), None)?;
            return Ok(Served { verdict: Verdict::Anonymous, response });
        }
        let session = self.0.session(request, ctx)?;
        self.0.check_csrf(request, ctx, session.as_ref())?;
        let data = body::data(request, PARSERS)?;
        let (Some(name), Some(password)) = (field(&data, "username"), field(&data, "password")) else {
            return self.refused(request, ctx, effects, Refusal::of(Kind::Invalid, "login.invalid", REQUIRED));
        };
        match passwords::log_in(ctx, &name, password.as_bytes(), ctx.site.client(request))? {
            Outcome::User(user, proof) => {
                let identity = Identity::new(user, proof, Auth::None);
                let next = field(&data, "next").or_else(|| query(request, "next"));
                self.let_in(request, ctx, effects, identity, session, next.as_deref())
            }
            Outcome::Throttled(seconds) => Err(Refusal::throttled(seconds).about(About::Name(name.clone())).into()),
            Outcome::Inactive(..) => self.wrong(request, ctx, effects, &name, "inactive"),
            Outcome::Wrong(why) => self.wrong(request, ctx, effects, &name, why),
        }
    }
}

impl Login {
    /// Django's `auth.login` and the redirection after it.
    fn let_in(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
        identity: Identity,
        before: Option<Session>,
        next: Option<&str>,
    ) -> Result<Served, Stop> {
        let Site { sessions, csrf, redirect_url } = &self.0;
        // Django believes the sessions of its own backends only.
        let backend = sessions.password_backend();
        let backend = backend.ok_or(Error::Unsupported("a login without a backend that checks passwords"))?;
        let (_, set_csrf_cookie) = csrf.rotated(ctx)?;
        let session = sessions.log_in(ctx, before, &identity.user, backend, None)?;
        effects.note().cookies.push(sessions.set_cookie(ctx, &session));
        effects.note().cookies.extend(set_csrf_cookie);
        effects.note().events.push(Event::LoggedIn { username: identity.user.name().to_owned() });
        let to = next.filter(|next| is_of_this_site(next)).unwrap_or(redirect_url);
        let json = format!("{{\"username\":{}}}", json_text(identity.user.name()));
        let response = self.0.done(request, to, json);
        Ok(Served { verdict: Verdict::Identified(Box::new(identity)), response })
    }

    fn wrong(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
        name: &str,
        why: &'static str,
    ) -> Result<Served, Stop> {
        effects.login_failed(name);
        let refusal = Refusal::of(Kind::Invalid, "password.wrong", UNABLE);
        self.refused(request, ctx, effects, refusal.about(About::Attempt(name.to_owned(), why)))
    }

    /// The form again with what was wrong; 200, as Django's view answers.
    fn refused(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
        refusal: Refusal,
    ) -> Result<Served, Stop> {
        let response = if takes_html(request) {
            self.page(request, ctx, effects, query(request, "next").as_deref(), Some(&refusal.detail))?
        } else {
            Response::json(400, format!("{{\"non_field_errors\":[{}]}}", json_text(&refusal.detail)))
        };
        Ok(Served { verdict: Verdict::Refused(Refused::Made(Box::new(refusal))), response })
    }

    /// The form, with a token for the secret that the browser has or gets with it.
    fn page(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
        next: Option<&str>,
        error: Option<&str>,
    ) -> Result<Response, Stop> {
        let token = self.0.csrf.cookie_token(request, ctx)?;
        effects.note().cookies.extend(token.set_cookie);
        let error = error.map_or_else(String::new, |text| format!("<p role=\"alert\">{}</p>\n", escaped(text)));
        let body = PAGE
            .replace("ERROR", &error)
            .replace("TOKEN", &token.token)
            .replace("NEXT", &escaped(next.unwrap_or_default()));
        let headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"),
            ("Vary", "Cookie"),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Ok(Response { status: 200, headers, body })
    }
}

impl Endpoint for Logout {
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
        let session = self.0.session(request, ctx)?;
        self.0.check_csrf(request, ctx, session.as_ref())?;
        if let Some(session) = &session {
            self.0.sessions.end(ctx, session.key())?;
            effects.note().cookies.push(self.0.sessions.forget());
        }
        effects.note().events.push(Event::LoggedOut);
        let response = self.0.done(request, &self.0.redirect_url, "{}".to_owned());
        Ok(Served { verdict: Verdict::Anonymous, response })
    }
}

fn takes_html(request: &Request<'_>) -> bool {
    let accept = request.header(b"accept").unwrap_or_default();
    accept.windows(9).any(|window| window == b"text/html")
}

/// A text of the body that may be absent.
fn field(data: &Data, name: &'static str) -> Option<String> {
    body::fields(data, &[Field::as_is(name)]).ok()?.pop()
}

/// A field of the query of the request's target.
fn query(request: &Request<'_>, name: &str) -> Option<String> {
    let at = request.target.iter().position(|b| *b == b'?')?;
    let form = crate::codec::form::urlencoded(&request.target[at + 1..]).ok()?;
    form.last(name).map(str::to_owned)
}

/// A path on this site and nothing that a browser could take for another one (Django's
/// `url_has_allowed_host_and_scheme`).
fn is_of_this_site(next: &str) -> bool {
    let plain = next.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    plain && next.starts_with('/') && !next.starts_with("//")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#x27;")
}

const REQUIRED: &str = "Please enter a user name and a password.";
const UNABLE: &str = "Please enter a correct user name and password. Note that both may be case-sensitive.";
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in</title>
<h1>Log in</h1>
ERROR<form method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="TOKEN">
<input type="hidden" name="next" value="NEXT">
<p><label>User name <input name="username" autocomplete="username" autofocus required></label>
<p><label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<p><button>Log in</button>
</form>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_site_is_gone_to() {
        for (next, good) in [
            ("/", true),
            ("/a/?b=c#d", true),
            ("", false),
            ("a", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("/\t/evil.example", false),
            ("https://evil.example", false),
            ("/a\r\nSet-Cookie: x", false),
            ("/\u{e9}", false),
        ] {
            assert_eq!(is_of_this_site(next), good, "{next:?}");
        }
    }
}
