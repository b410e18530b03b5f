//! Giving or taking credentials: one file per endpoint, and the table that names them all.

pub(crate) mod login;
pub(crate) mod obtain_auth_token;

use std::sync::Arc;

use crate::accounts::sessions::Sessions;
use crate::csrf::Csrf;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{OptionDef, Values};
use crate::request::Request;
use crate::schemes::Stop;
use crate::store::TokensTable;
use crate::verdict::{Effects, Response, Verdict};

/// DRF's `APIView`, after authentication.
pub(crate) trait Endpoint: Send + Sync {
    /// The methods it answers, besides OPTIONS.
    fn methods(&self) -> &'static [&'static str];

    /// Answers a request of one of its methods.
    fn serve(&self, request: &Request<'_>, ctx: &Ctx<'_>, effects: &mut Effects) -> Result<Served, Stop>;
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
    /// Makes the endpoint from checked options.
    pub build: Build,
}

/// Makes an endpoint of its checked options.
pub(crate) type Build = fn(&Values, &Parts<'_>) -> Result<Box<dyn Endpoint>, Error>;

/// What endpoints share while a configuration is built.
pub(crate) struct Parts<'a> {
    /// The token tables by the name of their scheme.
    pub tokens: &'a [(String, Arc<TokensTable>)],
    pub sessions: &'a Arc<Sessions>,
    pub csrf: &'a Arc<Csrf>,
}

/// Every endpoint that a configuration file can name.
pub(crate) const ENDPOINTS: &[EndpointDef] = &[obtain_auth_token::DEF, login::LOGIN, login::LOGOUT];
