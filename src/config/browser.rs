//! Django's settings of sessions, CSRF and forwarded headers → the objects that use them.

use std::path::PathBuf;
use std::sync::Arc;

use super::node::{Key, Node, Place};
use super::read::Source;
use crate::accounts::sessions::{self, CookieSettings, Engine, Sessions};
use crate::codec::cookies::{self, SameSite};
use crate::codec::origin::{AllowedHosts, TrustedOrigins};
use crate::codec::signing::Signer;
use crate::csrf::Csrf;
use crate::error::Report;
use crate::options::Values;
use crate::site::{Network, Site};
use crate::store::SessionsTable;
use crate::store::session_files::SessionFiles;
use crate::store::tables::Identifier;

/// The checked top of the file, with the places of its keys.
pub(super) struct Top<'a> {
    pub source: &'a Source<'a>,
    pub values: &'a Values,
    pub members: &'a [(Key, Node)],
    pub place: Place,
}

impl Top<'_> {
    pub(super) fn place_of(&self, name: &str) -> Place {
        self.members.iter().find(|(key, _)| key.text == name).map_or(self.place, |(key, _)| key.place)
    }

    fn wrong(&self, name: &str, text: impl Into<String>, remedy: &str) -> Report {
        self.source.report(self.place_of(name), text, remedy)
    }

    /// SECRET_KEY, then SECRET_KEY_FALLBACKS.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        let fallbacks = self.values.list("secret_key_fallbacks").iter().map(String::as_bytes);
        std::iter::once(self.values.text("secret_key").as_bytes()).chain(fallbacks)
    }

    pub(super) fn site(&self) -> Result<Site, Report> {
        let trusted_proxies = self.values.list("trusted_proxies").iter().map(|text| {
            let wrong =
                || self.wrong("trusted_proxies", format!("{text:?} is no address or network"), "expected 10.0.0.0/8");
            Network::parse(text).ok_or_else(wrong)
        });
        Ok(Site {
            allowed_hosts: AllowedHosts::new(self.values.list("allowed_hosts")),
            use_x_forwarded_host: self.values.is("use_x_forwarded_host"),
            use_x_forwarded_port: self.values.is("use_x_forwarded_port"),
            secure_proxy_ssl_header: self.secure_proxy_ssl_header()?,
            trusted_proxies: trusted_proxies.collect::<Result<_, _>>()?,
        })
    }

    fn secure_proxy_ssl_header(&self) -> Result<Option<(String, String)>, Report> {
        let name = "secure_proxy_ssl_header";
        match self.values.list(name) {
            [] => Ok(None),
            [header, value] if request_header(header).is_some() => {
                Ok(request_header(header).map(|header| (header, value.clone())))
            }
            _ => Err(self.wrong(
                name,
                format!("{name} is no name and value"),
                "expected [\"HTTP_X_FORWARDED_PROTO\", \"https\"]",
            )),
        }
    }

    pub(super) fn sessions(&self) -> Result<Arc<Sessions>, Report> {
        let cookie = self.cookie("session")?;
        let engine = self.engine(&cookie)?;
        // An empty secret was refused when it was read.
        let signer = Signer::new(sessions::salt(&engine), self.secrets())
            .map_err(|_| self.wrong("secret_key", "secret_key is empty", ""))?;
        Ok(Arc::new(Sessions {
            engine,
            cookie,
            signer,
            user_hashes: self.secrets().map(sessions::user_hash).collect(),
            backends: self.values.list("authentication_backends").iter().map(|name| dotted(name)).collect(),
            save_every_request: self.values.is("session_save_every_request"),
            expire_at_browser_close: self.values.is("session_expire_at_browser_close"),
        }))
    }

    fn engine(&self, cookie: &CookieSettings) -> Result<Engine, Report> {
        Ok(match self.values.text("session_engine") {
            "signed_cookies" => Engine::Cookies,
            "file" => {
                let folder = self.source.base.join(PathBuf::from(self.values.text("session_file_path")));
                Engine::Files(SessionFiles { folder, prefix: cookie.name.clone() })
            }
            "cache" => {
                let text = "the sessions of the cache engine are pickles, which only Python may read";
                return Err(self.wrong(
                    "session_engine",
                    text,
                    "use cached_db in Django, which also writes the database",
                ));
            }
            _ => {
                let table = Identifier::parse(self.values.text("session_table"));
                let table = table.map_err(|e| self.wrong("session_table", e.to_string(), ""))?;
                Engine::Rows(SessionsTable::new(table))
            }
        })
    }

    pub(super) fn csrf(&self) -> Result<Arc<Csrf>, Report> {
        let use_sessions = self.values.is("csrf_use_sessions");
        let trusted_origins = TrustedOrigins::new(self.values.list("csrf_trusted_origins")).map_err(|entry| {
            let text = format!("{entry:?} is no origin");
            self.wrong("csrf_trusted_origins", text, "expected https://example.com or https://*.example.com")
        })?;
        let header = self.values.text("csrf_header_name");
        let wrong_header = || {
            self.wrong(
                "csrf_header_name",
                format!("{header:?} is no request header"),
                "expected a name that starts with HTTP_",
            )
        };
        let domain = if use_sessions { "session_cookie_domain" } else { "csrf_cookie_domain" };
        Ok(Arc::new(Csrf {
            cookie: self.cookie("csrf")?,
            header: request_header(header).ok_or_else(wrong_header)?,
            use_sessions,
            trusted_origins,
            domain: self.values.text(domain).to_owned(),
        }))
    }

    /// The `PREFIX_cookie_*` settings.
    fn cookie(&self, prefix: &str) -> Result<CookieSettings, Report> {
        let of = |attribute: &str| format!("{prefix}_cookie_{attribute}");
        let name = self.values.text(&of("name"));
        cookies::legal_name(name)
            .map_err(|_| self.wrong(&of("name"), format!("{name:?} is no name of a cookie"), ""))?;
        Ok(CookieSettings {
            name: name.to_owned(),
            age: self.values.integer(&of("age")),
            domain: self.values.text(&of("domain")).to_owned(),
            path: self.values.text(&of("path")).to_owned(),
            secure: self.values.is(&of("secure")),
            httponly: self.values.is(&of("httponly")),
            samesite: match self.values.text(&of("samesite")) {
                "Lax" => Some(SameSite::Lax),
                "Strict" => Some(SameSite::Strict),
                "None" => Some(SameSite::None),
                _ => None,
            },
        })
    }
}

/// `HTTP_X_CSRFTOKEN` → `X-CSRFTOKEN`.
fn request_header(name: &str) -> Option<String> {
    name.strip_prefix("HTTP_").filter(|rest| !rest.is_empty()).map(|rest| rest.replace('_', "-"))
}

fn dotted(backend: &str) -> String {
    if backend.contains('.') { backend.to_owned() } else { format!("django.contrib.auth.backends.{backend}") }
}
