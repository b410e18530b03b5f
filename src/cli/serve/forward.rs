//! The request that a proxy describes. A proxy asks with a request of its own and says in headers what the client's
//! was; those headers are taken from it, and what is left is the client's request as it reached the proxy.

use std::net::{IpAddr, Ipv4Addr};

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;

use super::body::Read;
use crate::context::Context;
use crate::request::{Body, Header, Headers, Request};

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    /// Somebody with an address.
    Address(IpAddr),
    /// Somebody whom the mode of the Unix socket lets in.
    Local,
}

/// The client's request, owned.
pub(super) struct Described {
    method: Vec<u8>,
    target: Vec<u8>,
    host: Vec<u8>,
    peer: String,
    tls: bool,
    headers: HeaderMap,
    pub body: Read,
}

/// Why a description is not believed: a sentence for the answer, 400.
pub(super) type Contradiction = String;

impl Described {
    /// A request that is what it is.
    pub(super) fn as_it_is(head: Parts, peer: Peer) -> Self {
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        Self {
            method: head.method.as_str().into(),
            target: target.into(),
            host: head.headers.get(HOST).map(|host| host.as_bytes().to_vec()).unwrap_or_default(),
            peer: match peer {
                Peer::Address(address) => address.to_string(),
                Peer::Local => String::new(),
            },
            tls: false,
            headers: head.headers,
            body: Read::Nothing,
        }
    }

    /// The same request as seen by the proxy that sent it on: its client, host and protocol.
    pub(super) fn forwarded(mut self, context: &Context) -> Result<Self, Contradiction> {
        if let Some(host) = self.said(&["x-forwarded-host"], Form::Word)? {
            self.headers.insert(HOST, host.clone());
            self.host = host.as_bytes().to_vec();
        }
        if let Some(protocol) = self.said(&["x-forwarded-proto"], Form::Word)? {
            self.tls = match protocol.as_bytes() {
                b"https" | b"wss" => true,
                b"http" | b"ws" => false,
                _ => return Err("X-Forwarded-Proto is neither http nor https".to_owned()),
            };
        }
        self.find_client(context)?;
        Ok(self)
    }

    /// The same request with the method and target that the proxy's question is about.
    pub(super) fn in_question(mut self) -> Result<Self, Contradiction> {
        if let Some(method) = self.said(&["x-original-method", "x-forwarded-method"], Form::Word)? {
            self.method = method.as_bytes().to_vec();
        }
        if let Some(target) = self.said(&["x-original-uri", "x-forwarded-uri"], Form::Line)? {
            self.target = target.as_bytes().to_vec();
        }
        Ok(self)
    }

    /// The same request with a method that nobody has vouched for: unsafe, as far as CSRF goes.
    /// A proxy asks with GET, whatever its client sent.
    pub(super) fn without_method(mut self) -> Self {
        self.method.clear();
        self
    }

    /// The client's address: the last in X-Forwarded-For, which the proxy added; what stands before it
    /// came with the request, and `trusted_proxies` decides about it. Else X-Real-IP. With both, one could
    /// be the client's own forgery, so they have to agree.
    fn find_client(&mut self, context: &Context) -> Result<(), Contradiction> {
        let real = self.said(&["x-real-ip"], Form::Word)?;
        let real = real.map(|ip| address(ip.as_bytes()).ok_or("X-Real-IP is no address")).transpose()?;
        let Some(last) = self.last_hop()? else {
            self.peer = real.unwrap_or(UNKNOWN).to_string();
            return Ok(());
        };
        self.peer = last.to_string();
        let followed = self.with_request(|request| context.config().site.client(request));
        match real {
            Some(real) if real != last && Some(real) != followed => {
                Err("X-Real-IP and X-Forwarded-For name different clients".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Takes the last address off X-Forwarded-For.
    fn last_hop(&mut self) -> Result<Option<IpAddr>, Contradiction> {
        const NAME: &str = "x-forwarded-for";
        let all: Vec<_> = self.headers.get_all(NAME).iter().map(HeaderValue::as_bytes).collect();
        if all.is_empty() {
            return Ok(None);
        }
        let all = all.join(&b',');
        let (before, last) = match all.iter().rposition(|b| *b == b',') {
            Some(comma) => (Some(&all[..comma]), &all[comma + 1..]),
            None => (None, &all[..]),
        };
        let last = address(last).ok_or("X-Forwarded-For does not end with an address")?;
        self.headers.remove(NAME);
        if let Some(before) = before.and_then(|before| HeaderValue::from_bytes(before).ok()) {
            self.headers.insert(NAME, before);
        }
        Ok(Some(last))
    }

    /// Takes headers of one meaning; `None` when there is none. What a client sent and the proxy did not
    /// replace stands beside the proxy's own: then nobody knows which is which.
    fn said(&mut self, names: &[&'static str], form: Form) -> Result<Option<HeaderValue>, Contradiction> {
        let mut found: Option<HeaderValue> = None;
        for name in names {
            for line in &self.headers.get_all(*name) {
                let parts: Vec<_> = match form {
                    Form::Word => line.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii).collect(),
                    Form::Line => vec![line.as_bytes()],
                };
                for part in parts {
                    let same = found.as_ref().is_none_or(|found| found.as_bytes() == part);
                    found = Some(HeaderValue::from_bytes(part).map_err(|_| "a header cannot be read")?);
                    if !same {
                        return Err(format!("the request says {} more than once, differently", names.join(" or ")));
                    }
                }
            }
        }
        names.iter().for_each(|name| while self.headers.remove(*name).is_some() {});
        Ok(found)
    }

    /// Runs `f` on the request as the library sees it.
    pub(super) fn with_request<R>(&self, f: impl FnOnce(&Request<'_>) -> R) -> R {
        let fields = self.headers.iter().map(|(name, value)| Header { name: name.as_ref(), value: value.as_bytes() });
        let list: Vec<_> = fields.collect();
        let mut request = Request::new(Headers::List(&list));
        request.method = &self.method;
        request.target = &self.target;
        request.peer = self.peer.as_bytes();
        request.host = &self.host;
        request.tls = self.tls;
        request.body = match &self.body {
            Read::Nothing => Body::Unread,
            Read::Whole(kept) => Body::Whole(&kept.bytes),
            Read::TooLarge => Body::TooLarge,
        };
        f(&request)
    }
}

/// What a value looks like.
#[derive(Clone, Copy)]
enum Form {
    /// No comma can be in it, so one joins copies (RFC 9110 §5.3).
    Word,
    /// Anything.
    Line,
}

/// A client of whom the proxy says nothing: one address for all of them, which is not this machine's.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn address(text: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    Some(address.to_canonical())
}
