//! The views of simplejwt: tokens for a name and a password, new ones for old ones, and their end.

use std::sync::Arc;

use super::{Endpoint, EndpointDef, Parts, Served, Writes, invalid};
use crate::accounts::jwt::{Class, Fault, Jwt, Minted, Pair, Renewal, Unfit};
use crate::accounts::passwords::{self, Login};
use crate::accounts::tokens::Tokens;
use crate::body::{self, Field, Problem};
use crate::codec::form::PARSERS;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind as OptionKind, OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::verdict::{About, Auth, Effects, Identity, Kind, Refusal, Response, Verdict, active_or_not, json_text};

pub(super) const OBTAIN_PAIR: EndpointDef = EndpointDef {
    name: "jwt_obtain_pair",
    view: "TokenObtainPairView",
    path: "/api/token/",
    doc: "Of simplejwt. POST `username` and `password`, get `{\"refresh\": …, \"access\": …}`.",
    options: &[SCHEME, UPDATE_LAST_LOGIN, OBTAIN_SERIALIZER],
    takes_passwords: true,
    writes: Writes::Tokens,
    build: |options, parts| obtain(options, parts, false),
};

pub(super) const REFRESH: EndpointDef = EndpointDef {
    name: "jwt_refresh",
    view: "TokenRefreshView",
    path: "/api/token/refresh/",
    doc: "Of simplejwt. POST `refresh`, get `{\"access\": …}`, and a new `refresh` if the scheme rotates.",
    options: &[SCHEME, REFRESH_SERIALIZER],
    takes_passwords: false,
    writes: Writes::Tokens,
    build: |options, parts| of_token(options, parts, "refresh", refresh),
};

pub(super) const VERIFY: EndpointDef = EndpointDef {
    name: "jwt_verify",
    view: "TokenVerifyView",
    path: "/api/token/verify/",
    doc: "Of simplejwt. POST `token`, get `{}` if it is signed, has not ended and is not blacklisted.",
    options: &[SCHEME, VERIFY_SERIALIZER],
    takes_passwords: false,
    writes: Writes::Never,
    build: |options, parts| of_token(options, parts, "token", verify),
};

pub(super) const BLACKLIST: EndpointDef = EndpointDef {
    name: "jwt_blacklist",
    view: "TokenBlacklistView",
    path: "/api/token/blacklist/",
    doc: "Of simplejwt. POST `refresh`: it counts no more.",
    options: &[SCHEME, BLACKLIST_SERIALIZER],
    takes_passwords: false,
    writes: Writes::Tokens,
    build: of_blacklist,
};

pub(super) const OBTAIN_SLIDING: EndpointDef = EndpointDef {
    name: "jwt_obtain_sliding",
    view: "TokenObtainSlidingView",
    path: "/api/token/sliding/",
    doc: "Of simplejwt. POST `username` and `password`, get `{\"token\": …}`, a sliding token.",
    options: &[SCHEME, UPDATE_LAST_LOGIN, SLIDING_SERIALIZER],
    takes_passwords: true,
    writes: Writes::Tokens,
    build: |options, parts| obtain(options, parts, true),
};

pub(super) const REFRESH_SLIDING: EndpointDef = EndpointDef {
    name: "jwt_refresh_sliding",
    view: "TokenRefreshSlidingView",
    path: "/api/token/sliding/refresh/",
    doc: "Of simplejwt. POST `token`, get `{\"token\": …}`, the same with a later end.",
    options: &[SCHEME, SLIDING_REFRESH_SERIALIZER],
    takes_passwords: false,
    writes: Writes::Tokens,
    build: |options, parts| of_token(options, parts, "token", refresh_sliding),
};

const SCHEME: OptionDef =
    OptionDef { name: "scheme", kind: OptionKind::Text, default: "\"jwt\"", doc: "The scheme whose tokens they are." };

const UPDATE_LAST_LOGIN: OptionDef = OptionDef {
    name: "update_last_login",
    kind: OptionKind::Boolean,
    default: "false",
    doc: "Whether the moment is noted as the user's last login.",
};

/// A setting that is the path of Python code: simplejwt's own is what is done here.
const fn serializer(name: &'static str, own: &'static [&'static str], default: &'static str) -> OptionDef {
    OptionDef {
        name,
        kind: OptionKind::Word(own),
        default,
        doc: "Another one is Python code, which this library cannot run.",
    }
}

const OBTAIN_SERIALIZER: OptionDef = serializer(
    "token_obtain_serializer",
    &["rest_framework_simplejwt.serializers.TokenObtainPairSerializer"],
    "\"rest_framework_simplejwt.serializers.TokenObtainPairSerializer\"",
);
const REFRESH_SERIALIZER: OptionDef = serializer(
    "token_refresh_serializer",
    &["rest_framework_simplejwt.serializers.TokenRefreshSerializer"],
    "\"rest_framework_simplejwt.serializers.TokenRefreshSerializer\"",
);
const VERIFY_SERIALIZER: OptionDef = serializer(
    "token_verify_serializer",
    &["rest_framework_simplejwt.serializers.TokenVerifySerializer"],
    "\"rest_framework_simplejwt.serializers.TokenVerifySerializer\"",
);
const BLACKLIST_SERIALIZER: OptionDef = serializer(
    "token_blacklist_serializer",
    &["rest_framework_simplejwt.serializers.TokenBlacklistSerializer"],
    "\"rest_framework_simplejwt.serializers.TokenBlacklistSerializer\"",
);
const SLIDING_SERIALIZER: OptionDef = serializer(
    "sliding_token_obtain_serializer",
    &["rest_framework_simplejwt.serializers.TokenObtainSlidingSerializer"],
    "\"rest_framework_simplejwt.serializers.TokenObtainSlidingSerializer\"",
);
const SLIDING_REFRESH_SERIALIZER: OptionDef = serializer(
    "sliding_token_refresh_serializer",
    &["rest_framework_simplejwt.serializers.TokenRefreshSlidingSerializer"],
    "\"rest_framework_simplejwt.serializers.TokenRefreshSlidingSerializer\"",
);

struct Obtain {
    tokens: Arc<Jwt>,
    is_sliding: bool,
    update_last_login: bool,
    username_field: String,
}

/// The views that are about one token, which is all that the body has.
struct OfToken {
    tokens: Arc<Jwt>,
    field: &'static str,
    answer: fn(&Jwt, &Ctx<'_>, &str) -> Result<Served, Stop>,
}

fn obtain(options: &Values, parts: &Parts<'_>, is_sliding: bool) -> Result<Box<dyn Endpoint>, Error> {
    let tokens = tokens(options, parts)?;
    if tokens.signing_key.is_none() {
        return Err(Error::Invalid("the scheme has no `signing_key` to make tokens with"));
    }
    let (update_last_login, username_field) = (options.is("update_last_login"), parts.username_field.to_owned());
    Ok(Box::new(Obtain { tokens, is_sliding, update_last_login, username_field }))
}

fn of_token(
    options: &Values,
    parts: &Parts<'_>,
    field: &'static str,
    answer: fn(&Jwt, &Ctx<'_>, &str) -> Result<Served, Stop>,
) -> Result<Box<dyn Endpoint>, Error> {
    Ok(Box::new(OfToken { tokens: tokens(options, parts)?, field, answer }))
}

fn of_blacklist(options: &Values, parts: &Parts<'_>) -> Result<Box<dyn Endpoint>, Error> {
    let tokens = tokens(options, parts)?;
    if !tokens.has_tables {
        return Err(Error::Invalid("the scheme has no tables of tokens (`blacklist = false`)"));
    }
    Ok(Box::new(OfToken { tokens, field: "refresh", answer: blacklist }))
}

/// The tokens of the scheme that the options name.
fn tokens(options: &Values, parts: &Parts<'_>) -> Result<Arc<Jwt>, Error> {
    match parts.tokens.iter().find(|(name, _)| name == options.text("scheme")) {
        Some((_, Tokens::Jwt(jwt))) => Ok(jwt.clone()),
        _ => Err(Error::Invalid("no scheme of that name has tokens of simplejwt")),
    }
}

impl Endpoint for Obtain {
    fn methods(&self) -> &'static [&'static str] {
        &["POST"]
    }

    fn challenge(&self) -> Option<&str> {
        Some(&self.tokens.challenge)
    }

    fn serve(
        &self,
        request: &Request<'_>,
        _: Option<&Identity>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Served, Stop> {
        let data = body::data(request, PARSERS)?;
        // simplejwt takes blanks off the password, too.
        let values = match body::fields(&data, &[Field::trimmed(&self.username_field), Field::trimmed("password")]) {
            Ok(values) => values,
            Err(problems) => return Ok(invalid(&problems)),
        };
        let [name, password] = values.as_slice() else { return Ok(invalid(&[])) };
        let no = |why| NO_ACCOUNT.about(About::Attempt(name.clone(), why));
        let (user, proof) = match passwords::log_in(ctx, name, password.as_bytes(), ctx.site.client(request))? {
            Login::User(user, proof) => (user, proof),
            Login::Inactive(user, proof) if !self.tokens.checks_active => (active_or_not(*user), proof),
            Login::Inactive(..) => return Err(no("inactive").into()),
            Login::Throttled(seconds) => {
                return Err(Refusal::throttled(seconds).about(About::Name(name.clone())).into());
            }
            Login::Wrong(why) => {
                effects.login_failed(name);
                return Err(no(why).into());
            }
        };
        let identity = Identity::new(user, proof, Auth::None);
        let body = self.body(ctx, &identity)?;
        if self.update_last_login {
            ctx.users.set_last_login(ctx.db, &identity.user.id, &ctx.now_text()?)?;
        }
        Ok(Served { verdict: Verdict::Identified(Box::new(identity)), response: Response::json(200, body) })
    }
}

impl Obtain {
    fn body(&self, ctx: &Ctx<'_>, identity: &Identity) -> Result<String, Error> {
        if self.is_sliding {
            return Ok(format!("{{\"token\":{}}}", shown(&self.tokens.sliding_for(ctx, &identity.user)?)));
        }
        let Pair { access, refresh } = self.tokens.pair_for(ctx, &identity.user)?;
        let refresh = refresh.map(|refresh| format!("\"refresh\":{},", shown(&refresh))).unwrap_or_default();
        Ok(format!("{{{refresh}\"access\":{}}}", shown(&access)))
    }
}

impl Endpoint for OfToken {
    fn methods(&self) -> &'static [&'static str] {
        &["POST"]
    }

    fn challenge(&self) -> Option<&str> {
        Some(&self.tokens.challenge)
    }

    fn serve(
        &self,
        request: &Request<'_>,
        _: Option<&Identity>,
        ctx: &Ctx<'_>,
        _: &mut Effects,
    ) -> Result<Served, Stop> {
        let data = body::data(request, PARSERS)?;
        match body::fields(&data, &[Field::trimmed(self.field)]) {
            Ok(values) => (self.answer)(&self.tokens, ctx, values.first().map_or("", String::as_str)),
            Err(problems) => Ok(invalid(&problems)),
        }
    }
}

fn refresh(tokens: &Jwt, ctx: &Ctx<'_>, raw: &str) -> Result<Served, Stop> {
    let Pair { access, refresh } = tokens.refresh(ctx, raw).map_err(not_renewed)?;
    let refresh = refresh.map(|refresh| format!(",\"refresh\":{}", shown(&refresh))).unwrap_or_default();
    Ok(done(format!("{{\"access\":{}{refresh}}}", shown(&access))))
}

fn refresh_sliding(tokens: &Jwt, ctx: &Ctx<'_>, raw: &str) -> Result<Served, Stop> {
    let token = tokens.refresh_sliding(ctx, raw).map_err(not_renewed)?;
    Ok(done(format!("{{\"token\":{}}}", shown(&token))))
}

fn verify(tokens: &Jwt, ctx: &Ctx<'_>, raw: &str) -> Result<Served, Stop> {
    let token = tokens.decode(ctx, raw.as_bytes()).map_err(unfit)?;
    tokens.check(ctx, &token, Class::Untyped).map_err(unfit)?;
    // simplejwt looks only where rotated tokens are blacklisted.
    let is_looked_up = tokens.blacklists_rotated || !ctx.exact;
    if is_looked_up && tokens.is_blacklisted(ctx, &token.claims)? {
        let text = Fault::Blacklisted.text().into_owned();
        return Ok(invalid(&[Problem { field: "non_field_errors", code: "invalid", text }]));
    }
    Ok(done("{}".to_owned()))
}

fn blacklist(tokens: &Jwt, ctx: &Ctx<'_>, raw: &str) -> Result<Served, Stop> {
    let token = tokens.decode(ctx, raw.as_bytes()).map_err(unfit)?;
    tokens.check(ctx, &token, Class::Refresh).map_err(unfit)?;
    tokens.blacklist(ctx, &token)?;
    Ok(done("{}".to_owned()))
}

/// A token is ASCII.
fn shown(token: &Minted) -> String {
    json_text(&String::from_utf8_lossy(token.token.reveal()))
}

/// Nobody is logged in by it.
fn done(body: String) -> Served {
    Served { verdict: Verdict::Anonymous, response: Response::json(200, body) }
}

fn not_renewed(why: Renewal<'_>) -> Stop {
    match why {
        Renewal::Unfit(why) => unfit(why),
        Renewal::Inactive => NO_ACCOUNT_OF_TOKEN.into(),
        Renewal::Reused(name) => {
            let refusal = Refusal::of(Kind::AuthenticationFailed, "jwt.reused", Fault::Blacklisted.text());
            refusal.with_more(NOT_VALID).about(About::Name(name)).into()
        }
        Renewal::PasswordChanged => PASSWORD.with_more(",\"code\":\"password_changed\"").into(),
    }
}

fn unfit(why: Unfit<'_>) -> Stop {
    match why {
        Unfit::Fault(fault) => not_valid(fault),
        Unfit::Broken(error) => error.into(),
    }
}

/// simplejwt's `InvalidToken`.
fn not_valid(fault: Fault<'_>) -> Stop {
    let refusal = Refusal::of(Kind::AuthenticationFailed, fault.slug(), fault.text());
    refusal.with_more(NOT_VALID).into()
}

const NOT_VALID: &str = ",\"code\":\"token_not_valid\"";
const NO_ACCOUNT: Refusal = Refusal::failed("password.wrong", "No active account found with the given credentials");
const NO_ACCOUNT_OF_TOKEN: Refusal = Refusal::failed("jwt.inactive", "No active account found for the given token.");
const PASSWORD: Refusal = Refusal::failed("jwt.password", "The user's password has been changed.");
