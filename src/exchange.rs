//! One request and its verdicts: what `auth_request` wraps and `explain` uses.

use std::ffi::CStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::chain::{Chain, Judgement};
use crate::context::Context;
use crate::csrf::PageToken;
use crate::edits::{self, Edit};
use crate::error::Error;
use crate::log::Severity;
use crate::request::Request;
use crate::route::Route;
use crate::verdict::{About, Event, Identity, Kind, Refusal, Refused, Response, Verdict};

/// What has been decided about one request. A chain asked again gives the same verdict, so an
/// internal redirect changes nothing.
pub(crate) struct Exchange {
    context: Arc<Context>,
    /// Unix microseconds of the request; 0 is the clock.
    now_us: i64,
    /// Whether to record the road.
    trace: bool,
    /// The verdict that the host sees.
    current: Option<Decided>,
    /// Verdicts of other chains.
    earlier: Vec<Decided>,
}

/// Which chain is asked.
#[derive(Clone)]
pub(crate) enum Asked {
    /// The chain at this place of the configuration, which costs no reference count.
    Configured(usize),
    /// A chain of a `--batch` line.
    Inline(Arc<Chain>),
    /// The endpoint at this place of the configuration.
    Endpoint(usize),
    /// An endpoint of a `--batch` line, behind the line's chain.
    InlineEndpoint(Arc<Route>),
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Configured(a), Self::Configured(b)) | (Self::Endpoint(a), Self::Endpoint(b)) => a == b,
            (Self::InlineEndpoint(a), Self::InlineEndpoint(b)) => Arc::ptr_eq(a, b),
            (Self::Inline(a), Self::Inline(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// What `Asked` names.
enum Target<'a> {
    Chain(&'a Chain),
    Route(&'a Route),
}

/// The verdict of one chain or endpoint.
#[derive(Clone)]
struct Decided {
    asked: Asked,
    outcome: Result<Judgement, Error>,
}

impl Exchange {
    /// Nothing is decided yet.
    pub(crate) fn new(context: Arc<Context>, now_us: i64, trace: bool) -> Self {
        Self { context, now_us, trace, current: None, earlier: Vec::new() }
    }

    /// The context that the request began with.
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Judges the request by a chain, or recalls the verdict. The chain becomes the current one.
    pub(crate) fn judge(&mut self, asked: &Asked, request: &Request<'_>) {
        let is_wanted = |d: &Decided| d.asked == *asked;
        if self.current.as_ref().is_some_and(is_wanted) {
            return;
        }
        // The old verdict goes first: if a scheme panics now, there is no verdict, not the old one.
        self.earlier.extend(self.current.take());
        self.current = Some(match self.earlier.iter().position(is_wanted) {
            Some(known) => self.earlier.swap_remove(known),
            None => {
                let ctx = &self.context.ctx(self.now_us);
                let outcome = match self.target(asked) {
                    Some(Target::Chain(chain)) => chain.judge(request, ctx, self.trace),
                    Some(Target::Route(route)) => route.serve(request, ctx, self.trace),
                    None => Err(Error::Invalid("no chain or endpoint has this place")),
                };
                self.count(asked, &outcome);
                Decided { asked: asked.clone(), outcome }
            }
        });
        self.log();
    }

    fn count(&self, asked: &Asked, outcome: &Result<Judgement, Error>) {
        match asked {
            Asked::Configured(place) => self.context.chains().count(*place, outcome),
            Asked::Endpoint(place) => self.context.endpoints().count(*place, outcome),
            Asked::Inline(_) | Asked::InlineEndpoint(_) => {}
        }
    }

    /// Tells the log, whose line is made only if somebody wants it.
    fn log(&self) {
        if let Some(log) = self.context.log() {
            let severity = self.severity();
            if log.wants(severity) {
                log.take(severity, &self.log_line());
            }
        }
    }

    /// The current verdict; `None` before the first.
    pub(crate) fn outcome(&self) -> Option<Result<&Judgement, &Error>> {
        self.current.as_ref().map(|d| d.outcome.as_ref())
    }

    fn target<'s>(&'s self, asked: &'s Asked) -> Option<Target<'s>> {
        let config = self.context.config();
        match asked {
            Asked::Configured(place) => config.chains.get(*place).map(|(_, chain)| Target::Chain(chain)),
            Asked::Endpoint(place) => config.endpoints.get(*place).map(Target::Route),
            Asked::Inline(chain) => Some(Target::Chain(chain)),
            Asked::InlineEndpoint(route) => Some(Target::Route(route)),
        }
    }

    /// Whether the target needs the body of this request.
    pub(crate) fn wants_body(&self, asked: &Asked, request: &Request<'_>) -> bool {
        match self.target(asked) {
            Some(Target::Chain(chain)) => chain.wants_body(request),
            Some(Target::Route(route)) => route.wants_body(request),
            None => false,
        }
    }

    /// A CSRF token for a page that the host makes itself. `None`: sessions hold the secrets, and
    /// the request has none.
    pub(crate) fn csrf_token(&self, request: &Request<'_>) -> Result<Option<PageToken>, Error> {
        let config = self.context.config();
        config.csrf.page_token(request, &self.context.ctx(self.now_us), &config.sessions)
    }

    fn severity(&self) -> Severity {
        match self.outcome() {
            Some(Ok(Judgement { verdict: Verdict::Refused(_), .. })) => Severity::Notice,
            Some(Ok(_)) => Severity::Debug,
            _ => Severity::Error,
        }
    }

    /// The current verdict alone, for an owner of its own.
    pub(crate) fn current_only(&self) -> Self {
        Self { context: self.context.clone(), current: self.current.clone(), earlier: Vec::new(), ..*self }
    }

    /// The user of the current verdict.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match self.outcome() {
            Some(Ok(Judgement { verdict: Verdict::Identified(identity), .. })) => Some(identity),
            _ => None,
        }
    }

    /// The name of nobody, where the chain lets nobody through under a name.
    pub(crate) fn anonymous_user(&self) -> Option<&CStr> {
        let Some(Decided { asked, outcome: Ok(Judgement { verdict: Verdict::Anonymous, .. }) }) = &self.current else {
            return None;
        };
        match self.target(asked)? {
            Target::Chain(chain) => chain.anonymous_user(),
            Target::Route(_) => None,
        }
    }

    /// The host's own no, by DRF's rule (`permission_denied`): nobody is asked to log in, somebody
    /// is told 403. A refusal stays what it is.
    pub(crate) fn deny(&mut self, detail: Option<&str>) -> bool {
        let Some(Decided { outcome: Ok(judgement), .. }) = &mut self.current else { return false };
        let refusal = match &judgement.verdict {
            Verdict::Refused(_) => return true,
            Verdict::Anonymous => Refusal::NOT_PROVIDED,
            Verdict::Identified(identity) => {
                let detail = detail.unwrap_or(Refusal::NO_PERMISSION).to_owned();
                Refusal::denied("host.denied", detail).about(About::Name(identity.user.name().to_owned()))
            }
        };
        judgement.verdict = Verdict::Refused(Refused::Made(Box::new(refusal)));
        judgement.response = None;
        self.log();
        true
    }

    /// What the host changes in the request before it passes it on. Before a verdict, after a
    /// refusal and for nobody only what a client may not say is taken away.
    pub(crate) fn edits(&self, request: &Request<'_>) -> Vec<Edit> {
        edits::edits(request, self.identity(), &self.context.config().identity_headers)
    }

    /// The header of assertions, and one to an audience. `None`: there is no user.
    pub(crate) fn assertion(&self, audience: &str) -> Result<Option<(&str, Zeroizing<String>)>, Error> {
        let made = self.context.config().assertion.as_ref().ok_or(Error::Unsupported("there is no [assertion]"))?;
        if audience.is_empty() {
            return Err(Error::Invalid("an assertion is for somebody"));
        }
        let Some(identity) = self.identity() else { return Ok(None) };
        let token = made.sign(&self.context.ctx(self.now_us), identity, audience)?;
        Ok(Some((&made.header, Zeroizing::new(token))))
    }

    /// What happened on the way to the verdict.
    pub(crate) fn events(&self) -> &[Event] {
        self.outcome().and_then(Result::ok).map_or(&[], |judgement| judgement.effects.events())
    }

    /// What to send, or to add on success.
    pub(crate) fn response(&self) -> Response {
        let Some(Decided { asked, outcome: Ok(judgement) }) = &self.current else { return Response::broken() };
        let made = match (&judgement.response, self.target(asked)) {
            (Some(response), _) => Response::clone(response),
            (None, Some(Target::Chain(chain))) => chain.response(&judgement.verdict),
            (None, Some(Target::Route(route))) => route.response(&judgement.verdict),
            (None, None) => return Response::broken(),
        };
        let cookies = judgement
            .effects
            .noted()
            .into_iter()
            .flat_map(|noted| &noted.cookies)
            .map(|cookie| ("Set-Cookie", cookie.clone()));
        Response { headers: made.headers.into_iter().chain(cookies).collect(), ..made }
    }

    /// One line for the log: slug first, every field escaped and cut, no secret.
    pub(crate) fn log_line(&self) -> String {
        let line = match self.outcome() {
            None => "chain.not_asked".to_owned(),
            Some(Err(error)) => format!("broken {}", escaped(&error.to_string(), 400)),
            Some(Ok(judgement)) => self.verdict_line(&judgement.verdict),
        };
        match self.context.host().name.as_str() {
            "" => line,
            host => format!("{line} host={}", escaped(host, FIELD)),
        }
    }

    fn verdict_line(&self, verdict: &Verdict) -> String {
        match verdict {
            Verdict::Anonymous => "anonymous".to_owned(),
            Verdict::Identified(identity) => {
                let scheme = identity.found_by.as_ref().map_or("", |by| &by.name);
                format!("ok user={} scheme={}", escaped(identity.user.name(), FIELD), escaped(scheme, FIELD))
            }
            Verdict::Refused(refusal) => {
                let about = match &refusal.about {
                    About::Nothing => String::new(),
                    About::Name(name) => format!(" user={}", escaped(name, FIELD)),
                    About::Attempt(name, why) => {
                        format!(" user={} why={}", escaped(name, FIELD), why.replace(' ', "-"))
                    }
                    About::Credential(secret) => format!(" key={}", self.context.digest(secret)),
                };
                let kind = if refusal.kind == Kind::PermissionDenied { "denied" } else { "refused" };
                format!("{}{about} {kind}", refusal.slug)
            }
        }
    }
}

/// A field for the log: visible ASCII, at most `most` characters of it; the rest as `\u{…}`.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= most {
            out.push_str("...");
            break;
        }
        match c {
            '!'..='~' if c != '\\' && c != '"' => out.push(c),
            ' ' if most > FIELD => out.push(c), // a sentence, not a field
            _ => out.extend(c.escape_unicode()),
        }
    }
    out
}

const FIELD: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_field_cannot_start_a_new_line_or_colour_a_terminal() {
        assert_eq!(escaped("a\nb\u{1b}[31m\u{e9}", FIELD), "a\\u{a}b\\u{1b}[31m\\u{e9}");
        assert!(escaped(&"x".repeat(1000), FIELD).len() <= FIELD + 3);
    }
}
