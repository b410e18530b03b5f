//! DRF's `SessionAuthentication`: the user whom Django logged in, and proof that the request is
//! that user's own doing (CSRF).

use std::sync::Arc;

use super::{Building, Scheme, SchemeDef, Stop};
use crate::accounts::sessions::Sessions;
use crate::codec::cookies::cookie;
use crate::csrf::Csrf;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::Values;
use crate::request::Request;
use crate::verdict::{Auth, Effects, Identity, Visited};

pub(super) const DEF: SchemeDef = SchemeDef {
    name: "session",
    peer: "DRF",
    class: "SessionAuthentication",
    doc: "The session cookie of Django's login, with its CSRF checks on methods that change something. Its options are \
          the `session_*` and `csrf_*` keys at the top of the file.",
    options: &[],
    takes_passwords: false,
    writes: false,
    build,
};

struct Session {
    sessions: Arc<Sessions>,
    csrf: Arc<Csrf>,
}

fn build(_: &Values, building: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    Ok(Box::new(Session { sessions: building.sessions.clone(), csrf: building.csrf.clone() }))
}

impl Session {
    fn visit(&self, request: &Request<'_>, ctx: &Ctx<'_>, effects: &mut Effects) -> Result<(), Error> {
        let Some(header) = request.cookies() else { return Ok(()) };
        let Some(key) = cookie(&header, &self.sessions.cookie.name) else { return Ok(()) };
        let visit = self.sessions.visit(ctx, &key)?;
        let noted = effects.note();
        noted.cookies.extend(visit.set_cookie);
        noted.visited = Some(Visited {
            csrf_secret: visit.session.as_ref().and_then(|session| session.csrf_secret()).map(str::to_owned),
            identity: visit.user.map(|(user, proof)| Identity::new(user, proof, Auth::None)),
        });
        Ok(())
    }
}

impl Scheme for Session {
    fn authenticate(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Option<Identity>, Stop> {
        if effects.noted().is_none_or(|noted| noted.visited.is_none()) {
            self.visit(request, ctx, effects)?;
        }
        let Some(Visited { identity: Some(identity), csrf_secret }) =
            effects.noted().and_then(|noted| noted.visited.as_ref())
        else {
            return Ok(None);
        };
        self.csrf.check(request, ctx.site, csrf_secret.as_deref())?;
        Ok(Some(identity.clone()))
    }

    fn wants_body(&self, request: &Request<'_>) -> bool {
        let has_session = || {
            let header = request.cookies().unwrap_or_default();
            cookie(&header, &self.sessions.cookie.name).is_some()
        };
        self.csrf.wants_body(request) && has_session()
    }

    fn reads(&self) -> &'static str {
        "Cookie"
    }

    fn varies(&self) -> Vec<&str> {
        vec!["Cookie"]
    }
}
