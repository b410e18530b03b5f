//! Giving or taking credentials: one file per endpoint, and the table that names them all.

pub(crate) mod durin;
pub(crate) mod durin_sessions;
pub(crate) mod jwt;
pub(crate) mod knox;
pub(crate) mod login;
pub(crate) mod obtain_auth_token;

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::Tokens;
use crate::body::Problem;
use crate::csrf::Csrf;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::verdict::{Effects, Identity, Kind, Refusal, Refused, Response, Verdict, json_text};

/// DRF's `APIView`, after authentication.
pub(crate) trait Endpoint: Send + Sync {
    /// The methods it answers, besides OPTIONS.
    fn methods(&self) -> &'static [&'static str];

    /// Whether it is for those only whom its chain finds (DRF's `IsAuthenticated`).
    fn needs_user(&self) -> bool {
        false
    }

    /// Whether all it does is to take credentials back, which nobody should be kept from.
    fn is_logout(&self) -> bool {
        false
    }

    /// What a 401 of it asks for, whatever its chain would (a view's own `get_authenticate_header`).
    fn challenge(&self) -> Option<&str> {
        None
    }

    /// The endpoint of what has this id below its own path (DRF's `detail` routes), if it has any.
    fn below(&self, _id: &str) -> Option<Box<dyn Endpoint>> {
        None
    }

    /// Answers a request of one of its methods. `by` is whom the chain in front found: somebody, where
    /// it needs a user.
    fn serve(
        &self,
        request: &Request<'_>,
        by: Option<&Identity>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Served, Stop>;
}

/// What an endpoint did.
pub(crate) struct Served {
    /// Who was found, or why nobody.
    pub verdict: Verdict,
    /// What to send.
    pub response: Response,
}

/// What an endpoint is made from: its row in the table.
pub(crate) struct EndpointDef {
    /// The name in the configuration.
    pub name: &'static str,
    /// The view of the peer, for docs.
    pub view: &'static str,
    /// Where it is served when nobody says.
    pub path: &'static str,
    /// One sentence for docs/config.md.
    pub doc: &'static str,
    /// Its options, besides those of every endpoint.
    pub options: &'static [OptionDef],
    /// Whether whoever asks can try passwords.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "doctor asks"))]
    pub takes_passwords: bool,
    /// Whether it needs a database that can be written.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "doctor asks"))]
    pub writes: Writes,
    /// Makes the endpoint from checked options.
    pub build: Build,
}

/// Whether an endpoint has no answer where the database cannot be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// It reads at most.
    Never,
    /// Where its scheme has tables of tokens, or it notes the last login: a token that is signed needs neither.
    Tokens,
    Always,
}

impl EndpointDef {
    /// The scheme of one that says none, where it is about a scheme's tokens.
    #[cfg(feature = "cli")]
    pub(crate) fn usual_scheme(&self) -> Option<&'static str> {
        let option = self.options.iter().find(|option| option.name == "scheme")?;
        Some(option.default.trim_matches('"'))
    }
}

/// Makes an endpoint of its checked options.
pub(crate) type Build = fn(&Values, &Parts<'_>) -> Result<Box<dyn Endpoint>, Error>;

/// What endpoints share while a configuration is built.
pub(crate) struct Parts<'a> {
    /// What keeps tokens by the name of its scheme.
    pub tokens: &'a [(String, Tokens)],
    /// The zone of times in answers; `None` without USE_TZ.
    pub zone: Option<&'a TimeZone>,
    /// The column of the users' names, which is what Django calls the field, too.
    pub username_field: &'a str,
    pub sessions: &'a Arc<Sessions>,
    pub csrf: &'a Arc<Csrf>,
}

/// Every endpoint that a configuration file can name.
pub(crate) const ENDPOINTS: &[EndpointDef] = &[
    obtain_auth_token::DEF,
    knox::LOGIN,
    knox::LOGOUT,
    knox::LOGOUT_ALL,
    jwt::OBTAIN_PAIR,
    jwt::REFRESH,
    jwt::VERIFY,
    jwt::BLACKLIST,
    jwt::OBTAIN_SLIDING,
    jwt::REFRESH_SLIDING,
    durin::LOGIN,
    durin::REFRESH,
    durin::LOGOUT,
    durin::LOGOUT_ALL,
    durin_sessions::SESSIONS,
    durin_sessions::API_ACCESS,
    login::LOGIN,
    login::LOGOUT,
];

/// DRF's `ValidationError`: one list of texts a field.
fn invalid(problems: &[Problem<'_>]) -> Served {
    let members: Vec<_> = problems.iter().map(|p| format!("{}:[{}]", json_text(p.field), json_text(&p.text))).collect();
    let refusal = Refusal::of(Kind::Invalid, "endpoint.invalid", problems.first().map_or("", |p| p.code));
    let response = Response::json(400, format!("{{{}}}", members.join(",")));
    Served { verdict: Verdict::Refused(Refused::Made(Box::new(refusal))), response }
}
