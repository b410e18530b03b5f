//! One request: what it asks for, and the answer.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use tokio::time::timeout;

use super::Server;
use super::body::{Kept, Read, Unread};
use super::forward::{Contradiction, Described, Peer};
use super::metrics::Class;
use super::pool::{Lost, Pool};
use crate::accounts::users::By;
use crate::context::Context;
use crate::edits::Edit;
use crate::exchange::{Asked, Exchange};
use crate::log::Severity;
use crate::request::Request;
use crate::verdict::{Response, Verdict, detail_body};

/// An answer as hyper sends it.
pub(super) type Answer = hyper::Response<Full<Bytes>>;

/// What a path stands for.
enum Wanted {
    /// The chain of this number, about a request that is described.
    Question(usize),
    /// The endpoint of this number.
    Endpoint(usize),
    Health,
    Metrics,
    Nothing,
}

/// Answers a request, whatever it is.
pub(super) async fn answer(server: &Server, request: hyper::Request<Incoming>, peer: Peer) -> Answer {
    let _in_flight = server.metrics.begin();
    let context = server.context();
    let wanted = Wanted::of(request.uri().path(), &context);
    let class = wanted.class();
    let answer = match wanted {
        Wanted::Question(chain) => judged(server, context, Asked::Configured(chain), request, peer).await,
        Wanted::Endpoint(route) => judged(server, context, Asked::Endpoint(route), request, peer).await,
        Wanted::Health => health(&server.health, context).await,
        Wanted::Metrics => plain(200, METRICS_TYPE, server.metrics_text()),
        Wanted::Nothing => http(detail(404, "Not found.")),
    };
    server.metrics.answered(class, answer.status().as_u16());
    answer
}

impl Wanted {
    /// An endpoint stands where the configuration says, which takes no path of ours.
    fn of(path: &str, context: &Context) -> Self {
        if let Some(number) = context.config().endpoints.iter().position(|route| route.is_at(path.as_bytes())) {
            return Self::Endpoint(number);
        }
        match path {
            "/healthz" => Self::Health,
            "/metrics" => Self::Metrics,
            _ => {
                // Envoy puts the client's path behind ours.
                let name = path.strip_prefix("/auth/").and_then(|name| name.split('/').next());
                let chain = name.and_then(|name| context.chain(name));
                chain.map_or(Self::Nothing, Self::Question)
            }
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Question(_) => Class::Auth,
            Self::Endpoint(_) => Class::Endpoint,
            Self::Health => Class::Health,
            Self::Metrics => Class::Metrics,
            Self::Nothing => Class::Other,
        }
    }
}

/// The verdict of a chain or an endpoint.
async fn judged(
    server: &Server,
    context: Arc<Context>,
    asked: Asked,
    request: hyper::Request<Incoming>,
    peer: Peer,
) -> Answer {
    let is_question = matches!(asked, Asked::Configured(_));
    let (head, body) = request.into_parts();
    let mut described = match describe(&context, Described::as_it_is(head, peer), peer, is_question) {
        Ok(described) => described,
        Err(contradiction) => return http(detail(400, &contradiction)),
    };
    let mut exchange = Exchange::new(context, 0, false);
    if !body.is_end_stream() && described.with_request(|request| exchange.wants_body(&asked, request)) {
        match received(server, body).await {
            Ok(read) => described.body = read,
            Err(response) => return closing(http(response)),
        }
    } else if !is_question {
        described.body = Read::Whole(Kept::default()); // there is none, or nobody looks at it
    }
    let is_cut = matches!(described.body, Read::TooLarge);
    let judge = move || {
        described.with_request(|request| {
            exchange.judge(&asked, request);
            if is_question { verdict(&exchange, request) } else { http(exchange.response()) }
        })
    };
    let answer = server.pool.run(judge).await.unwrap_or_else(lost);
    if is_cut { closing(answer) } else { answer }
}

async fn received(server: &Server, body: Incoming) -> Result<Read, Response> {
    match timeout(server.limits.body_timeout, server.bodies.read(body)).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(Unread::Cut)) => Err(detail(400, "The body cannot be read.")),
        Ok(Err(Unread::Full)) => Err(Response::broken()),
        Err(_) => Err(detail(408, "The body took too long.")),
    }
}

fn describe(context: &Context, request: Described, peer: Peer, is_question: bool) -> Result<Described, Contradiction> {
    let is_trusted = match peer {
        Peer::Address(address) => context.config().serve.trusts(address),
        Peer::Local => true,
    };
    match (is_question, is_trusted) {
        (true, true) => request.without_method().forwarded(context)?.in_question(),
        (true, false) => Ok(request.without_method()),
        (false, true) => request.forwarded(context),
        (false, false) => Ok(request),
    }
}

/// The answer to a question: who it is, nobody, or the refusal for the proxy to send on.
fn verdict(exchange: &Exchange, request: &Request<'_>) -> Answer {
    let mut response = exchange.response();
    let passed = matches!(exchange.outcome(), Some(Ok(judgement)) if !matches!(judgement.verdict, Verdict::Refused(_)));
    if !passed {
        return http(response);
    }
    response.status = 204;
    response.body.clear();
    response.headers.push(("Cache-Control", "no-store".to_owned()));
    // What would be added to the client's request; what would be taken from it is for the proxy to do.
    for edit in exchange.edits(request) {
        if let Edit::Add(name, value) = edit {
            response.headers.push((name, value));
        }
    }
    http(response)
}

/// Whether the database can be opened and read. Its own thread answers, so that many verdicts under
/// way are no failure.
async fn health(pool: &Pool, context: Arc<Context>) -> Answer {
    let read = move || match context.find_user(&By::Name("")) {
        Ok(_) => true,
        Err(error) => {
            if let Some(log) = context.log() {
                log.take(Severity::Error, &format!("healthz {error}"));
            }
            false
        }
    };
    match pool.run(read).await {
        Ok(true) => plain(200, TEXT, "ok\n".to_owned()),
        Ok(false) => plain(503, TEXT, "the database cannot be read\n".to_owned()),
        Err(_) => plain(503, TEXT, "no answer of the database\n".to_owned()),
    }
}

fn lost(_: Lost) -> Answer {
    http(Response::broken())
}

fn detail(status: u16, text: &str) -> Response {
    Response::json(status, detail_body(text))
}

fn plain(status: u16, content_type: &'static str, body: String) -> Answer {
    http(Response { status, headers: vec![("Content-Type", content_type.to_owned())], body })
}

/// As hyper sends it; 503 when a header is none.
fn http(response: Response) -> Answer {
    made(response).or_else(|| made(Response::broken())).unwrap_or_default()
}

fn made(response: Response) -> Option<Answer> {
    let mut answer = Answer::new(Full::new(Bytes::from(response.body)));
    *answer.status_mut() = hyper::StatusCode::from_u16(response.status).ok()?;
    for (name, value) in response.headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        answer.headers_mut().append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(answer)
}

/// With the rest of a body unread hyper closes the connection anyway; this tells the client so.
fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

const TEXT: &str = "text/plain; charset=utf-8";

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
