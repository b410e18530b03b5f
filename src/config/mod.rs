//! authchain.toml → [`Config`]. Nobody below knows the file format. One fault refuses the whole
//! file, with its place.

mod assertion;
mod browser;
mod build;
pub(crate) mod manual;
mod node;
mod offered;
mod read;
pub(crate) mod serve;
#[cfg(feature = "cli")]
pub(crate) mod survey;
pub(crate) mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

pub(crate) use node::Node;

use crate::accounts::assertion::Assertion;
use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::Tokens;
use crate::chain::Chain;
use crate::codec::Secret;
use crate::codec::digest::DigestKey;
use crate::codec::password::Hashers;
use crate::csrf::Csrf;
use crate::error::Report;
use crate::keys::KeyRing;
use crate::log::Log;
use crate::route::Route;
use crate::schemes::custom::{Loader, Offers};
use crate::site::Site;
use crate::store::{DurinTable, GroupsTable, KnoxTable, Requests, Settings, Throttle, TokensTable, UsersTable};
use crate::sys::environment;
use crate::sys::file::{Privacy, read_trusted};

/// Where the configuration is when nobody says.
pub(crate) const DEFAULT_PATH: &str = "/etc/authchain/authchain.toml";

/// A checked configuration. Never changes.
pub(crate) struct Config {
    pub database: Settings,
    pub users: UsersTable,
    pub groups: GroupsTable,
    pub hashers: Hashers,
    /// How many memory-hard hashes are computed at once; 0 is one for each processor.
    pub hashes_at_once: u32,
    pub zone: TimeZone,
    pub inactive_may_try: bool,
    /// Whether a login replaces a hash that is not of the preferred kind.
    pub rehash: bool,
    pub site: Site,
    /// What programs behind a host are told of users; `None` when the file does not say.
    pub assertion: Option<Assertion>,
    /// SECRET_KEY, then SECRET_KEY_FALLBACKS.
    pub secrets: Vec<Secret>,
    pub sessions: Arc<Sessions>,
    pub csrf: Arc<Csrf>,
    pub endpoints: Vec<Route>,
    remote_user_backend: bool,
    /// Answer as the peers do where we are stricter.
    pub exact: bool,
    pub digest_key: DigestKey,
    /// Where log lines go when the host does not take them; `None` is nowhere.
    pub log: Option<Log>,
    /// The brake on guessing passwords; `None` is off.
    pub throttle: Option<Throttle>,
    /// The requests that schemes put under a rate, where the attempts are counted.
    pub requests: Requests,
    pub chains: Vec<(String, Chain)>,
    /// What `authchain serve` needs to know.
    pub serve: serve::Serve,
    /// The token tables of which every user whom we make gets one.
    pub auto_tokens: Vec<Arc<TokensTable>>,
    /// What keeps tokens by the name of its scheme; `token` is always among them.
    pub tokens: Vec<(String, Tokens)>,
    /// Every table of tokens, by the number of its statement.
    token_tables: Vec<Arc<TokensTable>>,
    knox_tables: Vec<Arc<KnoxTable>>,
    durin_tables: Vec<Arc<DurinTable>>,
    /// The sets of public keys that may change.
    pub key_rings: Vec<Arc<KeyRing>>,
    /// The headers by which schemes of any chain are told who it is.
    pub identity_headers: Vec<String>,
    /// What inline chains are made with.
    parts: build::Parts,
}

/// Where a configuration comes from, and what the host adds to it.
#[derive(Default, Clone)]
pub(crate) struct Origin {
    /// The file; `None` with a text.
    pub path: Option<PathBuf>,
    /// The text itself.
    pub text: Option<String>,
    /// The folder that paths start from; the file's own when `None`.
    pub base: Option<PathBuf>,
    /// The host's own schemes by name.
    pub custom: Offers,
    /// Loads plug-ins; without one a file that names any is refused.
    pub plugins: Option<Loader>,
    /// The settings of one `--batch` line: options of the top of the file that replace the file's.
    pub overrides: Vec<(String, serde_json::Value)>,
}

impl Origin {
    /// The file that counts when nobody names one: `$AUTHCHAIN_CONFIG`, else the one in /etc.
    pub(crate) fn usual() -> Self {
        let path = environment::config_path().unwrap_or_else(|| PathBuf::from(DEFAULT_PATH));
        Self { path: Some(path), ..Self::default() }
    }
}

impl Config {
    /// Reads and checks a configuration. No I/O beyond its own files and the plug-ins it names, which
    /// are loaded.
    pub(crate) fn load(origin: &Origin) -> Result<Self, Report> {
        let (text, file) = match (&origin.text, &origin.path) {
            (Some(text), _) => (text.clone(), "(text)".to_owned()),
            (None, Some(path)) => (read(path)?, path.display().to_string()),
            (None, None) => return Err(Report::whole("(nothing)", "no configuration is named", "")),
        };
        let own_folder = origin.path.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let base = origin.base.as_deref().unwrap_or(own_folder);
        let root = with_overrides(Node::from_toml(&text, &file)?, &origin.overrides);
        build::config(&root, &read::Source { file: &file, base, inline: false }, origin)
    }

    /// A chain that stands in a `--batch` line; it also knows the test schemes. `anonymous`
    /// stands for the view's permission.
    pub(crate) fn inline_chain(&self, schemes: &Node, anonymous: crate::chain::Anonymous) -> Result<Chain, Report> {
        self.parts.inline_chain(self, schemes, anonymous)
    }
}

fn read(path: &Path) -> Result<String, Report> {
    read_trusted(path, Privacy::Guarded)
        .map_err(|why| Report::whole(&path.display().to_string(), format!("the configuration file {why}"), ""))
}

fn with_overrides(mut root: Node, overrides: &[(String, serde_json::Value)]) -> Node {
    if let node::Data::Table(members) = &mut root.data {
        for (name, value) in overrides {
            let name = name.to_ascii_lowercase(); // SESSION_COOKIE_NAME → session_cookie_name
            members.retain(|(key, _)| key.text != name);
            if value.is_null() {
                continue; // None in Python: the default, which is to have none
            }
            members.push((node::Key { text: name, place: node::Place::default() }, Node::from_json(value)));
        }
    }
    root
}
