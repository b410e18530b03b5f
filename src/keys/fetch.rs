//! One request for a set of keys. The address comes from the configuration and nowhere else; nothing that
//! an answer says leads to another (no redirects, no proxies of the environment).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout, time};
use ureq::{Agent, Error};

use crate::codec::jwk::MAX_SET;

/// An address that may be asked.
#[derive(PartialEq)]
pub(super) struct Url(Uri);

impl Url {
    /// Only `https`, or `http` on this machine; without a name and a password in it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let url: Uri = text.parse().map_err(|_| "is not an address".to_owned())?;
        let (Some(host), Some(authority)) = (url.host(), url.authority()) else {
            return Err("is not a whole address (https://…)".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("has a user in it".to_owned());
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_local = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        match url.scheme_str() {
            Some("https") => Ok(Self(url)),
            Some("http") if is_local => Ok(Self(url)),
            _ => Err("must begin with https:// (http:// only for this machine)".to_owned()),
        }
    }

    /// The address for logs, without what may be a secret in it.
    pub(super) fn shown(&self) -> String {
        format!(
            "{}://{}{}",
            self.0.scheme_str().unwrap_or_default(),
            self.0.authority().map_or("", |authority| authority.as_str()),
            self.0.path()
        )
    }

    /// The body of a plain 200.
    pub(super) fn fetch(&self) -> Result<Vec<u8>, String> {
        let answer = self.agent()?.get(&self.0).call().map_err(|why| format!("cannot be asked: {why}"))?;
        if answer.status() != 200 {
            return Err(format!("answers {}", answer.status().as_u16()));
        }
        let body = answer.into_body().into_with_config().limit(MAX_SET as u64 + 1).read_to_vec();
        body.map_err(|why| format!("cannot be read: {why}"))
    }

    /// Made for every request: a connection kept open would be inherited by a fork.
    fn agent(&self) -> Result<Agent, String> {
        let config = Agent::config_builder()
            .https_only(self.0.scheme_str() == Some("https"))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(MAX_HEADERS)
            .timeout_global(Some(TIMEOUT))
            .proxy(None)
            .user_agent("authchain");
        if self.0.scheme_str() != Some("https") {
            return Ok(agent(config.build()));
        }
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            return Err("cannot be trusted: the system has no certificates (ca-certificates)".to_owned());
        }
        let roots = found.certs.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(provider);
        Ok(agent(config.tls_config(tls.build()).build()))
    }
}

fn agent(config: Config) -> Agent {
    Agent::with_parts(config, DefaultConnector::default(), OnThisThread::default())
}

/// Looks names up without a thread: ureq itself starts one to be able to give up, and this library starts none, so
/// that a host may fork at any time. A name service that is silent thereby takes as long as the system lets it.
#[derive(Debug, Default)]
struct OnThisThread(DefaultResolver);

impl Resolver for OnThisThread {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        self.0.resolve(uri, config, NextTimeout { after: time::Duration::NotHappening, ..timeout })
    }
}

/// From the first byte to the last.
const TIMEOUT: Duration = Duration::from_secs(3);

const MAX_HEADERS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_on_the_thread_that_asks() {
        let uri = Uri::from_static("http://localhost/");
        // Given no time, ureq's own would fail and leave its thread behind.
        let none = NextTimeout {
            after: Duration::ZERO.into(),
            reason: ureq::Timeout::Resolve,
            per_read: None,
            per_write: None,
        };
        assert!(OnThisThread::default().resolve(&uri, &Config::default(), none).is_ok());
    }
}
