//! DRF's `RemoteUserAuthentication`: the user whom the server in front has verified.

use super::{Building, Scheme, SchemeDef, Stop};
use crate::accounts::users::{self, By};
use crate::codec::vouched;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind, OptionDef, Values};
use crate::request::Request;
use crate::verdict::{Auth, Effects, Event, Identity, active};

pub(super) const DEF: SchemeDef = SchemeDef {
    name: "remote_user",
    peer: "DRF",
    class: "RemoteUserAuthentication",
    doc: "The name that the server in front has verified itself (`REMOTE_USER`).",
    options: &[
        OptionDef {
            name: "header",
            kind: Kind::Token,
            default: "\"REMOTE_USER\"",
            doc: "Where the name is: `REMOTE_USER`, what the host itself hands over; or a request header in Django's \
                  spelling (`HTTP_X_REMOTE_USER`), believed from `trusted_proxies` only.",
        },
        OptionDef {
            name: "create_unknown_user",
            kind: Kind::Boolean,
            default: "true",
            doc: "Whether a name without a user gets one (Django's `RemoteUserBackend.create_unknown_user`).",
        },
    ],
    takes_passwords: false,
    writes: true,
    build,
};

struct RemoteUser {
    source: Source,
    create_unknown_user: bool,
}

enum Source {
    /// What the host verified.
    Host,
    /// A request header, which only a proxy may set.
    Header(String),
    /// The backend is not among `authentication_backends`: nobody, as in Django.
    Nowhere,
}

fn build(options: &Values, building: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let source = match options.text("header") {
        _ if !building.remote_user_backend => Source::Nowhere,
        "REMOTE_USER" => Source::Host,
        name => match name.strip_prefix("HTTP_").filter(|rest| !rest.is_empty()) {
            Some(rest) => Source::Header(rest.replace('_', "-")),
            None => return Err(Error::Invalid("the header of remote_user is neither REMOTE_USER nor HTTP_…")),
        },
    };
    Ok(Box::new(RemoteUser { source, create_unknown_user: options.is("create_unknown_user") }))
}

impl RemoteUser {
    /// The name as a WSGI server hands it to Django: its bytes read as Latin-1. A name that is
    /// UTF-8 is taken for what it is, unless every answer is to be the peer's.
    fn name(&self, request: &Request<'_>, ctx: &Ctx<'_>) -> String {
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) if !ctx.exact => text.to_owned(),
            _ => bytes.iter().map(|b| char::from(*b)).collect(),
        };
        match &self.source {
            Source::Host => text(request.remote_user),
            Source::Header(name) if ctx.site.believes(request) => {
                request.header(name.as_bytes()).map_or_else(String::new, |value| text(&value))
            }
            Source::Header(_) | Source::Nowhere => String::new(),
        }
    }
}

impl Scheme for RemoteUser {
    fn authenticate(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Option<Identity>, Stop> {
        let name = self.name(request, ctx);
        if name.is_empty() || name.contains('\0') || (name.chars().count() > LONGEST && !ctx.exact) {
            return Ok(None);
        }
        let mut user = users::find(ctx, &By::Name(&name))?;
        if user.is_none() && self.create_unknown_user {
            user = match users::create_remote(ctx, &name)? {
                None => users::find(ctx, &By::Name(&name))?, // another request was faster
                created => {
                    effects.note().events.push(Event::UserCreated { username: name.clone() });
                    created
                }
            };
        }
        let Some(user) = user.and_then(|user| active(user).ok()) else {
            effects.login_failed(&name);
            return Ok(None);
        };
        Ok(Some(Identity::new(user, vouched(), Auth::None)))
    }

    fn reads(&self) -> &'static str {
        "REMOTE_USER"
    }

    fn varies(&self) -> Vec<&str> {
        vec![]
    }

    fn identity_header(&self) -> Option<&str> {
        match &self.source {
            Source::Header(name) => Some(name),
            Source::Host | Source::Nowhere => None,
        }
    }
}

/// No user name is longer (Django's longest column of names); SQLite would not notice.
const LONGEST: usize = 254;
