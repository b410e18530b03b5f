//! An endpoint behind its chain: what DRF's `APIView.dispatch` does around a view.

use std::sync::Arc;

use crate::chain::{Anonymous, Chain, Judgement};
use crate::ctx::Ctx;
use crate::endpoints::{Endpoint, Served};
use crate::error::Error;
use crate::request::Request;
use crate::schemes::Stop;
use crate::verdict::{CLAIMED, Kind, NOBODY, Refusal, Refused, Response, Verdict};

/// One endpoint as it is configured.
pub(crate) struct Route {
    pub name: String,
    /// Where it is served, `/api-token-auth/`.
    pub path: String,
    chain: Option<Chain>,
    endpoint: Arc<dyn Endpoint>,
}

impl Route {
    /// An endpoint; without a chain nobody's credentials are looked at before it.
    pub(crate) fn new(name: &str, path: &str, chain: Option<&Chain>, endpoint: Box<dyn Endpoint>) -> Self {
        let chain = chain.map(|chain| chain.with_anonymous(Anonymous::Allow));
        Self { name: name.to_owned(), path: path.to_owned(), chain, endpoint: endpoint.into() }
    }

    /// The same endpoint behind another chain.
    pub(crate) fn behind(&self, chain: &Chain) -> Self {
        let chain = Some(chain.with_anonymous(Anonymous::Allow));
        Self { name: self.name.clone(), path: self.path.clone(), chain, endpoint: self.endpoint.clone() }
    }

    /// Serves a request: credentials first, then whether they are needed, then the method, then the
    /// endpoint, in DRF's order. So wrong credentials are refused by an endpoint that needs none.
    pub(crate) fn serve(&self, request: &Request<'_>, ctx: &Ctx<'_>, trace: bool) -> Result<Judgement, Error> {
        let mut judgement = match &self.chain {
            Some(chain) => chain.judge(request, ctx, trace)?,
            None => Judgement::of(Verdict::Anonymous),
        };
        if matches!(judgement.verdict, Verdict::Refused(_)) {
            return Ok(judgement);
        }
        let below = self.below(request.target.split(|b| *b == b'?').next().unwrap_or_default());
        let endpoint = below.as_deref().unwrap_or(&*self.endpoint);
        let Judgement { verdict, effects, .. } = &mut judgement;
        let by = if let Verdict::Identified(identity) = verdict { Some(&**identity) } else { None };
        let why_not = match by {
            None => Some(&NOBODY),
            Some(identity) if identity.user.is_claimed => Some(&CLAIMED),
            Some(_) => None,
        };
        if let Some(refusal) = why_not.filter(|_| endpoint.needs_user()) {
            *verdict = Verdict::Refused(Refused::Fixed(refusal));
            return Ok(judgement);
        }
        let served = if request.is_method(endpoint.methods()) {
            endpoint.serve(request, by, ctx, effects)
        } else {
            Err(not_allowed(request.method).into())
        };
        let Served { verdict, mut response } = match served {
            Ok(served) => served,
            Err(Stop::Broken(error)) => return Err(error),
            Err(Stop::Refused(refusal)) => {
                let response = self.refused(&refusal);
                Served { verdict: Verdict::Refused(Refused::Made(refusal)), response }
            }
        };
        response.headers.push(("Allow", [endpoint.methods(), &["OPTIONS"]].concat().join(", ")));
        judgement.verdict = verdict;
        judgement.response = Some(Box::new(response));
        Ok(judgement)
    }

    /// Whether the endpoint answers at a path: its own, or one below it.
    #[cfg(feature = "cli")]
    pub(crate) fn is_at(&self, path: &[u8]) -> bool {
        path == self.path.as_bytes() || self.below(path).is_some()
    }

    /// The endpoint of the last part of a path below our own. A router of DRF whose prefix ends with a slash
    /// puts a second one in front of the id.
    fn below(&self, path: &[u8]) -> Option<Box<dyn Endpoint>> {
        let id = path.strip_prefix(self.path.as_bytes())?;
        let id = std::str::from_utf8(id.strip_prefix(b"/").unwrap_or(id)).ok()?;
        if id.is_empty() || id.contains(['/', '.']) { None } else { self.endpoint.below(id) }
    }

    /// Whether requests in clear text from elsewhere are refused.
    #[cfg(feature = "cli")]
    pub(crate) fn requires_tls(&self) -> bool {
        self.chain.as_ref().is_some_and(Chain::requires_tls)
    }

    /// Whether the endpoint or its chain needs the body of this request.
    pub(crate) fn wants_body(&self, request: &Request<'_>) -> bool {
        request.is_method(&["POST"]) || self.chain.as_ref().is_some_and(|chain| chain.wants_body(request))
    }

    /// What to send for a verdict that the endpoint made no answer for.
    pub(crate) fn response(&self, verdict: &Verdict) -> Response {
        match (verdict, &self.chain) {
            (Verdict::Refused(refusal), _) => self.refused(refusal),
            (verdict, Some(chain)) => chain.response(verdict),
            (_, None) => Response { status: 200, headers: vec![], body: String::new() },
        }
    }

    fn refused(&self, refusal: &Refusal) -> Response {
        let own = self.endpoint.challenge().map(|challenge| vec![challenge.to_owned()]);
        match &self.chain {
            Some(chain) => chain.refused(refusal, own.as_deref()),
            None => Response::refused(refusal, &own.unwrap_or_default()),
        }
    }
}

/// DRF's `MethodNotAllowed`; its text quotes the method.
fn not_allowed(method: &[u8]) -> Refusal {
    let method = String::from_utf8_lossy(&method[..method.len().min(LONGEST_METHOD)]).to_uppercase();
    Refusal::of(Kind::MethodNotAllowed, "endpoint.method", format!("Method \"{method}\" not allowed."))
}

const LONGEST_METHOD: usize = 64;
