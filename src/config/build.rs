//! Building a [`Config`] from a checked tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::browser::Top;
use super::node::{Data, Key, Node, Place};
use super::read::Source;
use super::serve::Serve;
use super::{Config, Origin, assertion, tables};
use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::Tokens;
use crate::chain::{Anonymous, CONTROLS, Chain, Challenges, Control, Link};
use crate::codec::Secret;
use crate::codec::digest::DigestKey;
use crate::codec::password::{HASHERS, Hasher, HasherDef, Hashers};
use crate::codec::rate::Rate;
use crate::csrf::Csrf;
use crate::endpoints::{ENDPOINTS, EndpointDef, Parts as EndpointParts};
use crate::error::{Error, Report};
use crate::keys::KeyRing;
use crate::log::{Log, Severity};
use crate::options::{Kind, Values};
use crate::route::Route;
use crate::schemes::custom::{Host, Loader, Offers};
use crate::schemes::{Building, PROBES, SCHEMES, Scheme, SchemeDef};
use crate::store::tables::Identifier;
use crate::store::tables::{requests, throttle};
use crate::store::{
    DurinTable, GroupsTable, IdKind, KnoxTable, Makes, Requests, Settings, Throttle, TokensTable, UsersTable,
};
use crate::sys::file;
use crate::verdict::SchemeName;

/// What a scheme of a chain is made from, kept for inline chains.
pub(super) struct Parts {
    pub(super) schemes: Vec<(Key, Node)>,
    pub(super) custom: Offers,
    pub(super) plugins: Option<Loader>,
    /// Schemes of hosts and plug-ins with the settings of their tables.
    made: Made,
}

/// Schemes that are not ours, by the names that the configuration gives them.
pub(super) type Made = Vec<(String, Arc<dyn Host>)>;

/// The state of building chains.
pub(super) struct Builder<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) parts: &'a Parts,
    pub(super) made: Made,
    users: &'a UsersTable,
    token_tables: Vec<Arc<TokensTable>>,
    knox_tables: Vec<Arc<KnoxTable>>,
    durin_tables: Vec<Arc<DurinTable>>,
    key_rings: Vec<Arc<KeyRing>>,
    tokens: Vec<(String, Tokens)>,
    auto_tokens: Vec<Arc<TokensTable>>,
    sessions: Arc<Sessions>,
    csrf: Arc<Csrf>,
    /// SECRET_KEY.
    secret_key: &'a str,
    remote_user_backend: bool,
    /// The zone of times in answers; `None` without USE_TZ.
    shown_zone: Option<TimeZone>,
    exact: bool,
}

pub(super) fn config(root: &Node, source: &Source<'_>, origin: &Origin) -> Result<Config, Report> {
    let members = source.table(root, "the file")?;
    let names: Vec<_> = tables::TABLES.iter().map(|(name, _)| *name).collect();
    let top = source.values(members, tables::TOP, &names, "the file", root.place)?;
    let place_of = |name: &str| place_of(members, name, root.place);
    let users_node = section(source, members, "users")?;
    let users_values = source.values(&users_node, &[tables::USERS], &[], "[users]", place_of("users"))?;
    let users = users_table(&users_values).map_err(|e| source.report(place_of("users"), e.to_string(), ""))?;
    let mut parts = Parts {
        schemes: section(source, members, "schemes")?,
        custom: origin.custom.clone(),
        plugins: origin.plugins,
        made: vec![],
    };
    let settings = Top { source, values: &top, members, place: root.place };
    let has_backend = |name: &str| top.list("authentication_backends").iter().any(|backend| backend == name);
    let mut builder = Builder {
        source,
        parts: &parts,
        made: vec![],
        users: &users,
        token_tables: vec![],
        knox_tables: vec![],
        durin_tables: vec![],
        key_rings: vec![],
        tokens: vec![],
        auto_tokens: vec![],
        sessions: settings.sessions()?,
        csrf: settings.csrf()?,
        secret_key: top.text("secret_key"),
        remote_user_backend: has_backend("RemoteUserBackend") || has_backend("AllowAllUsersRemoteUserBackend"),
        shown_zone: top.is("use_tz").then(|| named_zone(source, &top, place_of("time_zone"))).transpose()?,
        exact: top.is("exact"),
    };
    builder.every_scheme()?;
    let chains = builder.chains(&section(source, members, "chains")?)?;
    let endpoints = builder.endpoints(&section(source, members, "endpoints")?, &chains)?;
    let Builder {
        token_tables,
        knox_tables,
        durin_tables,
        key_rings,
        tokens,
        auto_tokens,
        sessions,
        csrf,
        remote_user_backend,
        made,
        ..
    } = builder;
    parts.made = made;
    let database = database(source, &top, place_of("database"))?;
    let (throttle, requests) = throttles(source, &top, members, root.place)?;
    let own_files = [&database, requests.store()].map(|store| store.path.as_path());
    let log = log(source, root, &top, place_of("log"), &own_files)?;
    let mut identity_headers: Vec<_> =
        chains.iter().flat_map(|(_, chain)| chain.identity_headers()).map(str::to_owned).collect();
    let own: Vec<_> = settings.secrets().collect();
    let assertion = assertion::read(source, members, root.place, &own)?;
    identity_headers.extend(assertion.as_ref().map(|assertion| assertion.header.clone()));
    identity_headers.sort();
    identity_headers.dedup();
    Ok(Config {
        identity_headers,
        assertion,
        site: settings.site()?,
        secrets: settings.secrets().map(Secret::new).collect(),
        sessions,
        csrf,
        remote_user_backend,
        endpoints,
        database,
        groups: groups_table(&users_values).map_err(|e| source.report(place_of("users"), e.to_string(), ""))?,
        hashers: hashers(source, &top, &section(source, members, "hashers")?, place_of("hashers"))?,
        hashes_at_once: u32::try_from(top.integer("hashes_at_once")).unwrap_or(0),
        zone: zone(source, &top, place_of("time_zone"))?,
        inactive_may_try: has_backend("AllowAllUsersModelBackend"),
        rehash: top.is("rehash") || top.is("exact"),
        digest_key: DigestKey::new(top.text("secret_key").as_bytes()),
        log,
        exact: top.is("exact"),
        chains,
        serve: Serve::read(source, members, root.place)?,
        throttle,
        requests,
        token_tables,
        knox_tables,
        durin_tables,
        key_rings,
        tokens,
        auto_tokens,
        users,
        parts,
    })
}

impl Parts {
    /// See [`Config::inline_chain`].
    pub(super) fn inline_chain(&self, config: &Config, schemes: &Node, anonymous: Anonymous) -> Result<Chain, Report> {
        let base = std::path::Path::new(".");
        let source = &Source { file: "(line)", base, inline: true };
        let secret_key =
            config.secrets.first().map(|secret| String::from_utf8_lossy(secret.reveal())).unwrap_or_default();
        let mut builder = Builder {
            source,
            parts: self,
            made: self.made.clone(),
            users: &config.users,
            token_tables: config.token_tables.clone(),
            knox_tables: config.knox_tables.clone(),
            durin_tables: config.durin_tables.clone(),
            key_rings: config.key_rings.clone(),
            tokens: vec![],
            auto_tokens: vec![],
            sessions: config.sessions.clone(),
            csrf: config.csrf.clone(),
            secret_key: &secret_key,
            remote_user_backend: config.remote_user_backend,
            shown_zone: None,
            exact: config.exact,
        };
        builder.chain("the chain", schemes, anonymous, Challenges::First)
    }
}

impl Builder<'_> {
    /// Checks every `[schemes.NAME]`, also those that no chain uses.
    fn every_scheme(&mut self) -> Result<(), Report> {
        for (key, _) in &self.parts.schemes {
            self.scheme(&key.text, key.place, &[])?;
        }
        if !self.tokens.iter().any(|(name, _)| name == "token") {
            self.scheme("token", Place::default(), &[])?;
        }
        Ok(())
    }

    fn chains(&mut self, section: &[(Key, Node)]) -> Result<Vec<(String, Chain)>, Report> {
        let mut chains = Vec::new();
        for (key, node) in section {
            self.name_of_target(key)?;
            let table = format!("[chains.{}]", key.text);
            let members = self.source.table(node, &table)?;
            let values = self.source.values(members, &[tables::CHAINS], &[], &table, key.place)?;
            let Some((_, schemes)) = members.iter().find(|(key, _)| key.text == "schemes") else {
                let remedy = format!("expected {}", Kind::Schemes.expected());
                return Err(self.source.report(key.place, format!("{table} has no schemes"), remedy));
            };
            let anonymous = if values.text("anonymous") == "allow" { Anonymous::Allow } else { Anonymous::Refuse };
            let challenges = if values.text("challenge") == "all" { Challenges::All } else { Challenges::First };
            let chain = self.chain(&table, schemes, anonymous, challenges)?;
            let chain = chain.requiring_tls(values.is("require_tls")).naming_nobody(values.text("anonymous_user"));
            chains.push((key.text.clone(), chain));
        }
        Ok(chains)
    }

    /// Every `[endpoints.NAME]`.
    fn endpoints(&self, section: &[(Key, Node)], chains: &[(String, Chain)]) -> Result<Vec<Route>, Report> {
        let mut routes: Vec<Route> = Vec::new();
        for (key, node) in section {
            self.name_of_target(key)?;
            let route = self.endpoint(key, node, chains)?;
            let path = &route.path;
            if let Some(other) = routes.iter().find(|other| other.path == *path) {
                let text = format!("{path:?} is the path of [endpoints.{}] already", other.name);
                return Err(self.source.report(key.place, text, "give one of them another path"));
            }
            let asks = path.strip_prefix("/auth/").and_then(|rest| rest.split('/').next());
            let is_of_a_chain = chains.iter().any(|(name, _)| asks == Some(name));
            if OWN_PATHS.contains(&path.as_str()) || is_of_a_chain {
                let text = format!("{path:?} belongs to `authchain serve` itself");
                return Err(self.source.report(key.place, text, "give it another path"));
            }
            routes.push(route);
        }
        Ok(routes)
    }

    /// Names of chains and endpoints stand in URLs, logs and metrics.
    fn name_of_target(&self, key: &Key) -> Result<(), Report> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        if !key.text.is_empty() && key.text.bytes().all(is_plain) {
            return Ok(());
        }
        let text = format!("{:?} is no name of a chain or endpoint", key.text);
        Err(self.source.report(key.place, text, "expected letters of ASCII, digits, `_`, `-` and `.`"))
    }

    fn endpoint(&self, key: &Key, node: &Node, chains: &[(String, Chain)]) -> Result<Route, Report> {
        let table = format!("[endpoints.{}]", key.text);
        let members = self.source.table(node, &table)?;
        let def = self.endpoint_def(key, members)?;
        let values = self.source.values(members, &[tables::ENDPOINTS, def.options], &[], &table, key.place)?;
        let wrong = |name: &str, text: String, remedy: &str| {
            self.source.report(place_of(members, name, key.place), text, remedy)
        };
        let path = Some(values.text("path")).filter(|path| !path.is_empty()).unwrap_or(def.path);
        if !path.starts_with('/') {
            return Err(wrong("path", format!("{path:?} is no path"), "expected a text that starts with /"));
        }
        let name = values.text("chain");
        let chain = chains.iter().find(|(known, _)| known == name).map(|(_, chain)| chain);
        if chain.is_none() && !name.is_empty() {
            let known: Vec<_> = chains.iter().map(|(name, _)| name.as_str()).collect();
            return Err(wrong("chain", format!("no chain {name:?}"), &format!("known: {}", known.join(", "))));
        }
        let parts = EndpointParts {
            tokens: &self.tokens,
            zone: self.shown_zone.as_ref(),
            username_field: self.users.username.name(),
            sessions: &self.sessions,
            csrf: &self.csrf,
        };
        let endpoint = (def.build)(&values, &parts).map_err(|e| self.source.report(key.place, e.to_string(), ""))?;
        if chain.is_none() && endpoint.needs_user() {
            return Err(wrong(
                "chain",
                format!("{table} has no chain to find its users"),
                "expected the name of a chain",
            ));
        }
        // The peer's own views are under the rates of their project, too.
        let free = chain.filter(|_| endpoint.is_logout() && !self.exact).map(|chain| chain.clone().free_of_rates());
        Ok(Route::new(&key.text, path, free.as_ref().or(chain), endpoint))
    }

    fn endpoint_def(&self, key: &Key, members: &[(Key, Node)]) -> Result<&'static EndpointDef, Report> {
        let (wanted, place) = match members.iter().find(|(key, _)| key.text == "type") {
            Some((_, Node { data: Data::Text(text), place })) => (text.as_str(), *place),
            Some((_, node)) => return Err(self.source.expected(node, "type", "the name of an endpoint")),
            None => (key.text.as_str(), key.place),
        };
        ENDPOINTS.iter().find(|def| def.name == wanted).ok_or_else(|| {
            let known: Vec<_> = ENDPOINTS.iter().map(|def| def.name).collect();
            self.source.report(place, format!("unknown endpoint {wanted:?}"), format!("known: {}", known.join(", ")))
        })
    }

    fn chain(
        &mut self,
        table: &str,
        schemes: &Node,
        anonymous: Anonymous,
        challenges: Challenges,
    ) -> Result<Chain, Report> {
        let expected = Kind::Schemes.expected();
        let Data::List(items) = &schemes.data else { return Err(self.source.expected(schemes, "schemes", &expected)) };
        let links = items.iter().map(|item| self.link(item)).collect::<Result<Vec<_>, _>>()?;
        Chain::new(links, anonymous, challenges).ok_or_else(|| {
            let text = format!("{table} cannot find anybody");
            self.source.report(schemes.place, text, format!("expected {expected}, not all of them optional"))
        })
    }

    fn link(&mut self, item: &Node) -> Result<Link, Report> {
        let (name, control, members) = match &item.data {
            Data::Text(name) => (Node { data: Data::Text(name.clone()), place: item.place }, Control::First, &[][..]),
            Data::Table(members) => {
                let Some((_, name)) = members.iter().find(|(key, _)| key.text == "scheme") else {
                    return Err(self.source.report(
                        item.place,
                        "an item of schemes has no scheme",
                        "expected { scheme = \"…\" }",
                    ));
                };
                (name.clone(), self.control(members)?, members.as_slice())
            }
            _ => return Err(self.source.expected(item, "schemes", &Kind::Schemes.expected())),
        };
        let Data::Text(text) = &name.data else { return Err(self.source.expected(&name, "scheme", "a name")) };
        let (scheme, class) = self.scheme(text, name.place, members)?;
        if let Some(option) = scheme.limit().filter(|_| control == Control::Optional) {
            let place = place_of(members, "control", item.place);
            let fault = format!("{option} keeps nobody out of a chain in which the scheme {text:?} is optional");
            return Err(self.source.report(place, fault, format!("expected another control, or no {option}")));
        }
        Ok(Link { name: Arc::new(SchemeName { name: text.clone(), class }), control, scheme })
    }

    fn control(&self, members: &[(Key, Node)]) -> Result<Control, Report> {
        let Some((_, node)) = members.iter().find(|(key, _)| key.text == "control") else { return Ok(Control::First) };
        let word = if let Data::Text(word) = &node.data { word.as_str() } else { "" };
        CONTROLS.iter().find(|(known, _)| *known == word).map(|(_, control)| *control).ok_or_else(|| {
            let words: Vec<_> = CONTROLS.iter().map(|(word, _)| *word).collect();
            self.source.expected(node, "control", &format!("one of: {}", words.join(", ")))
        })
    }

    /// The scheme of a name: a host's own, a plug-in's, or a type with the options of `[schemes.NAME]`, over
    /// which those of the chain's item go.
    fn scheme(
        &mut self,
        name: &str,
        place: Place,
        item: &[(Key, Node)],
    ) -> Result<(Box<dyn Scheme>, &'static str), Report> {
        let own = self.parts.schemes.iter().find(|(key, _)| key.text == name);
        let mut members: Vec<(Key, Node)> = match own {
            Some((_, node)) => self.source.table(node, &format!("[schemes.{name}]"))?.to_vec(),
            None => vec![],
        };
        if let Some(scheme) = self.offered(name, place, &members, item)? {
            return Ok((scheme, "CustomAuthentication"));
        }
        let def = self.def(name, place, &members)?;
        members.retain(|(key, _)| key.text != "type");
        for (key, node) in item {
            members.retain(|(known, _)| known.text != key.text);
            members.push((key.clone(), node.clone()));
        }
        let also: &[&str] = if item.is_empty() { &[] } else { &["scheme", "control"] };
        let options = self.source.values(&members, &[def.options], also, &format!("the scheme {name:?}"), place)?;
        let mut building = Building {
            name,
            users: self.users,
            token_tables: &mut self.token_tables,
            knox_tables: &mut self.knox_tables,
            durin_tables: &mut self.durin_tables,
            key_rings: &mut self.key_rings,
            tokens: None,
            class: None,
            secret_key: self.secret_key,
            sessions: &self.sessions,
            csrf: &self.csrf,
            remote_user_backend: self.remote_user_backend,
            exact: self.exact,
        };
        let made = (def.build)(&options, &mut building);
        let (tokens, class) = (building.tokens, building.class.unwrap_or(def.class));
        let scheme = made.map_err(|e| self.source.report(place, e.to_string(), ""))?;
        if let Some(tokens) = tokens {
            self.keep(name, tokens, options.is("auto_create"), item.is_empty());
        }
        Ok((scheme, class))
    }

    /// Remembers the tokens of a scheme.
    fn keep(&mut self, name: &str, tokens: Tokens, auto_create: bool, is_named: bool) {
        if let Tokens::Authtoken(table) = &tokens
            && auto_create
            && !self.auto_tokens.iter().any(|known| Arc::ptr_eq(known, table))
        {
            self.auto_tokens.push(table.clone());
        }
        if is_named && !self.tokens.iter().any(|(known, _)| known == name) {
            self.tokens.push((name.to_owned(), tokens));
        }
    }

    fn def(&self, name: &str, place: Place, members: &[(Key, Node)]) -> Result<&'static SchemeDef, Report> {
        let (wanted, place) = match members.iter().find(|(key, _)| key.text == "type") {
            Some((_, Node { data: Data::Text(text), place })) => (text.as_str(), *place),
            Some((_, node)) => return Err(self.source.expected(node, "type", "the name of a scheme")),
            None => (name, place),
        };
        // The oracle's test schemes stand in inline chains only.
        let probes = if self.source.inline { PROBES } else { &[] };
        SCHEMES.iter().chain(probes).find(|def| def.name == wanted).ok_or_else(|| {
            let mut known: Vec<_> = SCHEMES.iter().chain(probes).map(|def| def.name.to_owned()).collect();
            known.extend(self.parts.custom.iter().map(|(name, _)| name.clone()));
            known.extend(self.parts.schemes.iter().map(|(key, _)| key.text.clone()).filter(|k| k != wanted));
            known.sort();
            known.dedup();
            self.source.report(place, format!("unknown scheme {wanted:?}"), format!("known: {}", known.join(", ")))
        })
    }
}

/// What `authchain serve` answers itself.
const OWN_PATHS: [&str; 2] = ["/healthz", "/metrics"];

/// The members of a table of the file; none when the file has no such table.
pub(super) fn section(source: &Source<'_>, members: &[(Key, Node)], name: &str) -> Result<Vec<(Key, Node)>, Report> {
    match members.iter().find(|(key, _)| key.text == name) {
        Some((_, node)) => source.table(node, name).map(<[_]>::to_vec),
        None => Ok(vec![]),
    }
}

/// Where a key of a table stands.
pub(super) fn place_of(members: &[(Key, Node)], name: &str, otherwise: Place) -> Place {
    members.iter().find(|(key, _)| key.text == name).map_or(otherwise, |(key, _)| key.place)
}

fn database(source: &Source<'_>, top: &Values, place: Place) -> Result<Settings, Report> {
    let Some(path) = top.text("database").strip_prefix("sqlite:").filter(|path| !path.is_empty()) else {
        return Err(source.report(place, "the database is of no known kind", "expected \"sqlite:PATH\""));
    };
    let seconds = u64::try_from(top.integer("timeout")).unwrap_or(0);
    Ok(Settings {
        path: source.base.join(path),
        timeout: Duration::from_secs(seconds),
        mmap_size: top.integer("mmap_size"),
        makes: Makes::Nothing,
    })
}

fn log(source: &Source<'_>, root: &Node, top: &Values, place: Place, own: &[&Path]) -> Result<Option<Log>, Report> {
    let level = match top.text("log_level") {
        "error" => Severity::Error,
        "debug" => Severity::Debug,
        _ => Severity::Notice,
    };
    let path = match top.text("log") {
        "" => return Ok(None),
        "syslog" => return Ok(Some(Log::syslog(level))),
        "stderr" => return Ok(Some(Log::stderr(level))),
        word if !word.contains('/') => {
            let remedy = "expected syslog, stderr or a path with a `/` in it";
            return Err(source.report(place, format!("{word:?} is no place for a log"), remedy));
        }
        path => source.base.join(path),
    };
    // Each line opens and closes the file, which for a database also drops SQLite's locks.
    let secrets = root.references("file").into_iter().map(|file| source.base.join(file));
    let databases = own.iter().flat_map(|path| ["", "-wal", "-shm", "-journal"].map(|end| with_ending(path, end)));
    let mut taken = databases.chain(secrets).chain([PathBuf::from(source.file)]);
    let identity = file::identity(&path);
    if taken.any(|taken| taken == path || (identity.is_some() && identity == file::identity(&taken))) {
        return Err(source.report(
            place,
            "the log is a file that is something else already",
            "give it a file of its own",
        ));
    }
    Ok(Some(Log::file(path, level)))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Read and checked also where it is off; requests under a rate are counted at the same place.
fn throttles(
    source: &Source<'_>,
    top: &Values,
    members: &[(Key, Node)],
    otherwise: Place,
) -> Result<(Option<Throttle>, Requests), Report> {
    let place = place_of(members, "throttle", otherwise);
    let own = section(source, members, "throttle")?;
    let values = source.values(&own, &[tables::THROTTLE], &[], "[throttle]", place)?;
    let rate =
        |name| Rate::parse(values.text(name)).map_err(|_| source.report(place, format!("{name} is no rate"), ""));
    let database = database(source, top, place)?;
    let store = throttle_store(source, database, values.text("store"), place_of(&own, "store", place))?;
    let names = DigestKey::labelled(top.text("secret_key").as_bytes(), b"authchain throttle account");
    let requests = Requests::new(making(&store, requests::SCHEMA));
    let store = making(&store, throttle::SCHEMA);
    let throttle = Throttle::new(store, rate("account")?, rate("address")?, names);
    Ok((Some(throttle).filter(|_| values.is("enabled") && !top.is("exact")), requests))
}

/// The same place, with another table.
fn making(store: &Settings, schema: &'static str) -> Settings {
    let makes = match store.makes {
        Makes::Tables(_) => Makes::Tables(schema),
        _ => Makes::File(schema),
    };
    Settings { makes, ..store.clone() }
}

fn throttle_store(source: &Source<'_>, database: Settings, store: &str, place: Place) -> Result<Settings, Report> {
    // Where every login writes, no waiting at all would refuse those that come together.
    let timeout = database.timeout.max(Duration::from_secs(1));
    if store == "database" {
        return Ok(Settings { timeout, makes: Makes::Tables(throttle::SCHEMA), ..database });
    }
    let Some(path) = store.strip_prefix("file:").filter(|path| !path.is_empty()) else {
        return Err(source.report(place, "the store is of no known kind", "expected \"file:PATH\" or \"database\""));
    };
    // Who writes the database may write beside it; who reads the configuration often may not there.
    let path = database.path.parent().unwrap_or(source.base).join(path);
    let identity = file::identity(&path);
    if path == database.path || (identity.is_some() && identity == file::identity(&database.path)) {
        // It would be made when it is missing, and its journal changed.
        return Err(source.report(place, "the store is the file of the database", "expected \"database\""));
    }
    Ok(Settings { path, timeout, mmap_size: 0, makes: Makes::File(throttle::SCHEMA) })
}

fn zone(source: &Source<'_>, top: &Values, place: Place) -> Result<TimeZone, Report> {
    if top.is("use_tz") { Ok(TimeZone::UTC) } else { named_zone(source, top, place) }
}

fn named_zone(source: &Source<'_>, top: &Values, place: Place) -> Result<TimeZone, Report> {
    if top.text("time_zone") == "UTC" {
        return Ok(TimeZone::UTC); // needs no tzdata
    }
    TimeZone::get(top.text("time_zone")).map_err(|_| {
        source.report(
            place,
            format!("unknown time zone {:?}", top.text("time_zone")),
            "expected a name such as Europe/Berlin",
        )
    })
}

fn hashers(source: &Source<'_>, top: &Values, section: &[(Key, Node)], place: Place) -> Result<Hashers, Report> {
    let mut made: BTreeMap<&str, Hasher> = BTreeMap::new();
    for def in HASHERS {
        let own = section.iter().find(|(key, _)| key.text == def.name);
        let (members, place) = match own {
            Some((key, node)) => (source.table(node, def.name)?, key.place),
            None => (&[][..], place),
        };
        let costs = costs(source, def, members)?;
        let cost = |name: &str| costs.iter().find(|(known, _)| *known == name).map_or(0, |(_, cost)| *cost);
        let hasher =
            def.build(&cost).map_err(|why| source.report(place, format!("[hashers.{}]: {why}", def.name), ""))?;
        made.insert(def.name, hasher);
    }
    if let Some((key, _)) = section.iter().find(|(key, _)| !made.contains_key(key.text.as_str())) {
        let known: Vec<_> = HASHERS.iter().map(|def| def.name).collect();
        return Err(source.report(
            key.place,
            format!("unknown hasher {:?}", key.text),
            format!("known: {}", known.join(", ")),
        ));
    }
    let list = top.list("password_hashers").iter().filter_map(|name| made.remove(name.as_str())).collect();
    Hashers::new(list).ok_or_else(|| source.report(place, "password_hashers is empty", ""))
}

/// Every cost of a hasher: its own, else the default.
fn costs(source: &Source<'_>, def: &HasherDef, members: &[(Key, Node)]) -> Result<Vec<(&'static str, i64)>, Report> {
    let mut costs: Vec<_> = def.options.iter().map(|option| (option.name, i64::from(option.default))).collect();
    for (key, node) in members {
        let Some(i) = def.options.iter().position(|option| option.name == key.text) else {
            let list: Vec<_> = def.options.iter().map(|option| option.name).collect();
            let text = format!("unknown key {:?} in [hashers.{}]", key.text, def.name);
            return Err(source.report(key.place, text, format!("known: {}", list.join(", "))));
        };
        let option = &def.options[i];
        match node.data {
            Data::Integer(n) if (i64::from(option.min)..=i64::from(option.max)).contains(&n) => costs[i].1 = n,
            _ => {
                let expected = format!("a whole number from {} to {}", option.min, option.max);
                return Err(source.expected(node, option.name, &expected));
            }
        }
    }
    Ok(costs)
}

fn users_table(values: &Values) -> Result<UsersTable, Error> {
    let name = |option| Identifier::parse(values.text(option));
    let column = |option| match values.text(option) {
        "" => Ok(None),
        text => Identifier::parse(text).map(Some),
    };
    let kind = if values.text("id_type") == "uuid" { IdKind::Uuid } else { IdKind::Integer };
    let required = [name("id_column")?, name("username_column")?, name("password_column")?];
    let mut table = UsersTable::named(name("table")?, kind, required);
    table.email = column("email_column")?;
    table.is_active = column("is_active_column")?;
    table.is_staff = column("is_staff_column")?;
    table.is_superuser = column("is_superuser_column")?;
    table.date_joined = column("date_joined_column")?;
    table.last_login = column("last_login_column")?;
    table.empty_texts = values.list("empty_columns").iter().map(|n| Identifier::parse(n)).collect::<Result<_, _>>()?;
    Ok(table.prepare())
}

fn groups_table(values: &Values) -> Result<GroupsTable, Error> {
    Ok(GroupsTable {
        membership: Identifier::parse(values.text("groups_table"))?,
        user: Identifier::parse(values.text("groups_user_column"))?,
    })
}
