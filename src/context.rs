//! A loaded configuration with its database: what judges requests. Never changes; see `live`.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

#[cfg(feature = "cli")]
use crate::accounts::durin::Durin;
#[cfg(feature = "cli")]
use crate::accounts::sessions;
use crate::accounts::signing::{self, Signed, Way};
use crate::accounts::tokens::{Fresh, Tokens};
use crate::accounts::users::{By, Wanted};
use crate::accounts::{passwords, users};
use crate::codec::Secret;
use crate::codec::digest::Digest;
use crate::codec::signing::MaxAge;
use crate::config::{Config, Origin};
use crate::ctx::{Ctx, Rates};
use crate::error::{Error, Report};
use crate::keys::Refreshed;
use crate::log::{Log, Severity};
#[cfg(feature = "cli")]
use crate::store::Client;
use crate::store::{Db, StoredToken, User, UserId};
use crate::sys::turns::Turns;
use crate::sys::{clock, fork};
use crate::targets::Targets;

/// One generation of a configuration.
pub(crate) struct Context {
    config: Config,
    db: Db,
    turns: Arc<Turns>,
    host: Host,
    chains: Targets,
    endpoints: Targets,
    loaded_us: i64,
    /// Whether requests only ask what would become of them.
    is_rehearsal: AtomicBool,
}

/// A session as it is kept.
#[cfg(feature = "cli")]
pub(crate) struct KeptSession {
    pub key: Secret,
    /// Whose it is, as it says itself.
    pub user_id: Option<String>,
    /// Django's text of the moment it ends.
    pub expires: String,
}

/// Whom to log in, and how.
pub(crate) struct LogIn<'a> {
    pub user: &'a str,
    /// The value of the session cookie that the browser has; empty for none.
    pub cookie: &'a str,
    /// By which of `authentication_backends`; empty for the one that checks passwords.
    pub backend: &'a str,
}

/// A session that was just made.
pub(crate) struct FreshSession {
    pub key: Secret,
    /// The values of `Set-Cookie`.
    pub cookies: Vec<Zeroizing<String>>,
}

/// What the host brings along besides the configuration.
#[derive(Default, Clone)]
pub(crate) struct Host {
    /// Its name for logs.
    pub name: String,
    /// Where log lines go; where the configuration says when `None`.
    pub log: Option<Log>,
}

impl Context {
    /// Loads a configuration. Starts no thread, opens no connection.
    pub(crate) fn open(origin: &Origin, host: Host) -> Result<Arc<Self>, Report> {
        fork::without_fork(|| Self::open_inside(origin, host, None)).map(Arc::new)
    }

    /// The same inside [`fork::without_fork`]; the names that an earlier generation knows keep
    /// their numbers.
    pub(crate) fn open_inside(origin: &Origin, host: Host, before: Option<&Self>) -> Result<Self, Report> {
        let config = Config::load(origin)?;
        let former = before.map_or(&[][..], |before| &before.config.key_rings);
        config.key_rings.iter().for_each(|ring| former.iter().for_each(|former| ring.inherit(former)));
        let none = &Targets::default();
        let (chains, endpoints) = before.map_or((none, none), |before| (&before.chains, &before.endpoints));
        Ok(Self {
            chains: Targets::after(chains, config.chains.iter().map(|(name, _)| name.as_str())),
            endpoints: Targets::after(endpoints, config.endpoints.iter().map(|route| route.name.as_str())),
            db: Db::new(config.database.clone()),
            turns: Turns::new(config.hashes_at_once),
            config,
            host,
            loaded_us: clock::now_us(),
            is_rehearsal: AtomicBool::new(false),
        })
    }

    /// The checked configuration.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// What the host brought along.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Who takes log lines.
    pub(crate) fn log(&self) -> Option<&Log> {
        self.host.log.as_ref().or(self.config.log.as_ref())
    }

    /// The place of the chain of a name.
    pub(crate) fn chain(&self, name: &str) -> Option<usize> {
        self.config.chains.iter().position(|(known, _)| known == name)
    }

    /// The chains by number.
    pub(crate) fn chains(&self) -> &Targets {
        &self.chains
    }

    /// The endpoints by number.
    pub(crate) fn endpoints(&self) -> &Targets {
        &self.endpoints
    }

    /// What has been answered, in Prometheus' text format (0.0.4).
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::from(
            "# HELP authchain_verdicts_total Answers of chains and endpoints by outcome.\n\
             # TYPE authchain_verdicts_total counter\n",
        );
        self.chains.samples("chain", &mut text);
        self.endpoints.samples("endpoint", &mut text);
        let _ = write!(
            text,
            "# HELP authchain_config_loaded_timestamp_seconds When the configuration in use was loaded.\n\
             # TYPE authchain_config_loaded_timestamp_seconds gauge\n\
             authchain_config_loaded_timestamp_seconds {}\n",
            self.loaded_us / 1_000_000
        );
        text
    }

    /// Closes the connections that no call uses just now; they are opened again when needed.
    pub(crate) fn rest(&self) {
        self.db.rest();
    }

    /// Whether anybody has to call [`Self::tick`].
    pub(crate) fn wants_tick(&self) -> bool {
        self.config.key_rings.iter().any(|ring| ring.is_remote())
    }

    /// Whether [`Self::tick`] would do anything now.
    #[cfg(feature = "cli")]
    pub(crate) fn is_tick_due(&self) -> bool {
        let now = clock::now_us().div_euclid(1_000_000);
        self.config.key_rings.iter().any(|ring| ring.is_due(now))
    }

    /// Fetches the sets of public keys that are due at a moment (0 is now), every one whatever becomes of the
    /// others, and tells the log of it.
    ///
    /// # Errors
    /// The last thing that went wrong; of that set the last good one stays.
    pub(crate) fn tick(&self, at_us: i64) -> Result<(), Error> {
        let now = self.ctx(at_us).now_s();
        let mut done = Ok(());
        for ring in self.config.key_rings.iter().filter(|ring| ring.is_due(now)) {
            let from = ring.shown();
            match ring.refresh(now) {
                Ok(Refreshed::NotYet) => {} // another thread is at it
                Ok(Refreshed::Anew(skipped)) => {
                    self.note(Severity::Debug, &format!("keys.loaded {from}, {} of them not of use", skipped.len()));
                }
                Err(why) => {
                    self.note(Severity::Error, &format!("keys.refused {from} {why}"));
                    done = Err(Error::Keys(format!("{from} {why}")));
                }
            }
        }
        done
    }

    /// A line for the log; what is in it may come from elsewhere.
    fn note(&self, severity: Severity, line: &str) {
        if let Some(log) = self.log() {
            log.take(severity, &line.replace(|c: char| !(' '..='~').contains(&c), "?"));
        }
    }

    /// The surroundings of a call at a moment; 0 is now.
    pub(crate) fn ctx(&self, at_us: i64) -> Ctx<'_> {
        Ctx {
            db: &self.db,
            users: &self.config.users,
            hashers: &self.config.hashers,
            turns: &self.turns,
            patience: self.config.database.timeout,
            zone: &self.config.zone,
            at_us,
            site: &self.config.site,
            rehash: self.config.rehash,
            exact: self.config.exact,
            throttle: self.config.throttle.as_ref(),
            requests: &self.config.requests,
            rates: if self.is_rehearsal.load(Ordering::Relaxed) { Rates::Looked } else { Rates::Counted },
            auto_tokens: &self.config.auto_tokens,
            inactive_may_try: self.config.inactive_may_try,
        }
    }

    /// The name of a secret in logs.
    pub(crate) fn digest(&self, secret: &Secret) -> Digest {
        self.config.digest_key.of(secret.reveal())
    }

    /// Runs `f` and takes back what it wrote into the database. On a database that cannot be
    /// opened, `f` finds that out itself.
    #[cfg(feature = "cli")]
    pub(crate) fn undoing(&self, f: impl FnOnce()) {
        let begun = self.db.access().and_then(|access| Ok(access.connection()?.execute_batch("BEGIN")?)).is_ok();
        self.rehearsing(f);
        if begun && let Ok(access) = self.db.access() {
            // Fails when SQLite has rolled back already.
            let _ = access.connection().map(|connection| connection.execute_batch("ROLLBACK"));
        }
    }

    /// Runs `f`, whose requests are not counted under the rates of users.
    #[cfg(feature = "cli")]
    pub(crate) fn rehearsing(&self, f: impl FnOnce()) {
        self.is_rehearsal.store(true, Ordering::Relaxed);
        f();
        self.is_rehearsal.store(false, Ordering::Relaxed);
    }

    /// What keeps the tokens of a kind (the name of a scheme).
    fn kind(&self, kind: &str) -> Result<&Tokens, Error> {
        let found = self.config.tokens.iter().find(|(name, _)| name == kind);
        found.map(|(_, tokens)| tokens).ok_or(Error::Unsupported("no scheme of that name keeps tokens in a table"))
    }

    /// A user's token of a kind, for a client where the kind has them. `None`: the user has as many as may be, or
    /// there is no such client.
    pub(crate) fn create_token(
        &self,
        kind: &str,
        user: &User,
        client: &str,
        reset: bool,
    ) -> Result<Option<Fresh>, Error> {
        self.kind(kind)?.create(&self.ctx(0), &user.id, client, reset)
    }

    /// New tokens for one that can be renewed. `None`: it is none, or counts no more.
    pub(crate) fn refresh_token(&self, kind: &str, token: &str) -> Result<Option<Fresh>, Error> {
        self.kind(kind)?.refresh(&self.ctx(0), token)
    }

    /// The owner of a token, active or not. `None`: no such token.
    pub(crate) fn token_owner(&self, kind: &str, token: &str) -> Result<Option<User>, Error> {
        self.kind(kind)?.owner(&self.ctx(0), token)
    }

    /// Deletes a token. False: there was none.
    pub(crate) fn revoke_token(&self, kind: &str, token: &str) -> Result<bool, Error> {
        self.kind(kind)?.revoke(&self.ctx(0), token)
    }

    /// Deletes a user's tokens; how many there were.
    pub(crate) fn revoke_tokens_of(&self, kind: &str, user: &UserId) -> Result<usize, Error> {
        self.kind(kind)?.revoke_of(&self.ctx(0), user)
    }

    /// The tokens of one user or of all.
    pub(crate) fn tokens(&self, kind: &str, of: Option<&UserId>) -> Result<Vec<StoredToken>, Error> {
        self.kind(kind)?.list(&self.ctx(0), of)
    }

    /// The clients of a kind of token that has them (durin).
    #[cfg(feature = "cli")]
    pub(crate) fn clients(&self, kind: &str) -> Result<Vec<Client>, Error> {
        self.durin(kind)?.table.all_clients(&self.db)
    }

    /// Adds a client, of durin's own duration when `ttl_us` is `None`. False: the name is taken.
    #[cfg(feature = "cli")]
    pub(crate) fn create_client(&self, kind: &str, name: &str, ttl_us: Option<i64>, rate: &str) -> Result<bool, Error> {
        let durin = self.durin(kind)?;
        let usual = i64::try_from(durin.default_ttl.as_micros()).unwrap_or(i64::MAX);
        let (ttl_us, throttle_rate) = (ttl_us.unwrap_or(usual), rate.to_owned());
        durin.table.add_client(&self.db, &Client { id: 0, name: name.to_owned(), ttl_us, throttle_rate })
    }

    /// Deletes a client with its tokens; how many. `None`: there is no such client.
    #[cfg(feature = "cli")]
    pub(crate) fn delete_client(&self, kind: &str, name: &str) -> Result<Option<usize>, Error> {
        self.durin(kind)?.table.delete_client(&self.db, name)
    }

    #[cfg(feature = "cli")]
    fn durin(&self, kind: &str) -> Result<&Durin, Error> {
        match self.kind(kind)? {
            Tokens::Durin(durin) => Ok(durin),
            _ => Err(Error::Unsupported("tokens of this kind have no client")),
        }
    }

    /// Removes what is left of tokens that have expired; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn purge_tokens(&self, kind: &str) -> Result<usize, Error> {
        self.kind(kind)?.purge(&self.ctx(0))
    }

    /// The sessions that have not ended.
    #[cfg(feature = "cli")]
    pub(crate) fn sessions(&self) -> Result<Vec<KeptSession>, Error> {
        let kept = |(session, expires): (sessions::Session, String)| KeptSession {
            key: Secret::new(session.key()),
            user_id: session.user_id(),
            expires,
        };
        Ok(self.config.sessions.list(&self.ctx(0))?.into_iter().map(kept).collect())
    }

    /// Logs a user in (Django's `auth.login`). `None`: no such user, or one who may not log in.
    pub(crate) fn create_session(&self, wanted: &LogIn<'_>) -> Result<Option<FreshSession>, Error> {
        let Config { sessions, csrf, .. } = &self.config;
        let ctx = &self.ctx(0);
        let backend = sessions.backend(wanted.backend).ok_or(Error::Unsupported("no backend of that name logs in"))?;
        let Some(user) = users::find(ctx, &By::Name(wanted.user))?.filter(|user| user.is_active) else {
            return Ok(None);
        };
        let before = match wanted.cookie {
            "" => None,
            cookie => sessions.load(ctx, cookie)?.session(),
        };
        let (secret, set_csrf_cookie) = csrf.rotated(ctx)?;
        let in_session = set_csrf_cookie.is_none().then(|| secret.secret());
        let session = sessions.log_in(ctx, before, &user, backend, in_session)?;
        let cookies = std::iter::once(sessions.set_cookie(ctx, &session)).chain(set_csrf_cookie);
        Ok(Some(FreshSession { key: Secret::new(session.key()), cookies: cookies.map(Zeroizing::new).collect() }))
    }

    /// The `Set-Cookie` that takes the cookie of a session away.
    pub(crate) fn forget_session(&self) -> String {
        self.config.sessions.forget()
    }

    /// Signs a text with the secret key, at a moment; 0 is now.
    pub(crate) fn sign(&self, way: Way<'_>, salt: &str, value: &str, at_us: i64) -> Result<Signed, Error> {
        signing::sign(&self.config.secrets, way, salt, value, self.ctx(at_us).now_us())
    }

    /// Takes a signed text apart. `None`: it is not ours, or is too old.
    pub(crate) fn unsign(
        &self,
        way: Way<'_>,
        salt: &str,
        signed: &str,
        max_age: Option<i64>,
        at_us: i64,
    ) -> Option<Signed> {
        let now_us = self.ctx(at_us).now_us();
        let max_age = max_age.map(|seconds| MaxAge { seconds, now_us });
        signing::unsign(&self.config.secrets, way, salt, signed, max_age).ok()
    }

    /// Ends a session. False: there was none.
    pub(crate) fn end_session(&self, key: &Secret) -> Result<bool, Error> {
        self.config.sessions.end(&self.ctx(0), &String::from_utf8_lossy(key.reveal()))
    }

    /// Removes what is left of sessions that have ended; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn purge_sessions(&self) -> Result<usize, Error> {
        self.config.sessions.purge(&self.ctx(0))
    }

    /// The user of a name, key or address.
    pub(crate) fn find_user(&self, by: &By<'_>) -> Result<Option<User>, Error> {
        users::find(&self.ctx(0), by)
    }

    /// Every user.
    pub(crate) fn users(&self) -> Result<Vec<User>, Error> {
        self.config.users.all(&self.db)
    }

    /// The names of a user's groups.
    pub(crate) fn groups_of(&self, user: &User) -> Result<Vec<String>, Error> {
        self.config.groups.of(&self.db, &user.id)
    }

    /// Adds a user. `None`: the name is taken.
    pub(crate) fn create_user(&self, wanted: &Wanted<'_>) -> Result<Option<User>, Error> {
        users::create(&self.ctx(0), wanted)
    }

    /// Sets a password. False: no such user.
    pub(crate) fn set_password(&self, user: &User, password: &[u8]) -> Result<bool, Error> {
        passwords::set(&self.ctx(0), &user.id, password)
    }

    /// Switches a user on or off. False: no such user.
    pub(crate) fn set_active(&self, user: &User, active: bool) -> Result<bool, Error> {
        self.config.users.set_active(&self.db, &user.id, active)
    }

    /// Name and password → the user if the password is right and the user may log in.
    pub(crate) fn check_password(&self, name: &str, password: &[u8]) -> Result<Option<User>, Error> {
        Ok(match passwords::check(&self.ctx(0), name, password)? {
            passwords::Attempt::Right(user, _) if user.is_active => Some(*user),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A context over a database with users, of which one hash at a time is computed, and now.
    fn context(folder: &std::path::Path) -> Arc<Context> {
        let db = rusqlite::Connection::open(folder.join("db.sqlite3")).unwrap();
        db.execute_batch(include_str!("../tests/vectors/drf/seed.sql")).unwrap();
        let text = "database = \"sqlite:db.sqlite3\"\nsecret_key = \"s\"\ntimeout = 0\nhashes_at_once = 1\n\
                    password_hashers = [\"argon2\", \"pbkdf2_sha256\"]\n\
                    [hashers.argon2]\ntime_cost = 1\nmemory_cost = 512\nparallelism = 1\n";
        let origin = Origin { text: Some(text.to_owned()), base: Some(folder.to_owned()), ..Origin::default() };
        Context::open(&origin, Host::default()).unwrap()
    }

    #[test]
    fn a_memory_hard_hash_waits_for_its_turn_and_the_others_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path());
        let cheap = context.find_user(&By::Name("alice")).unwrap().unwrap();
        let held = context.turns.take(Duration::ZERO);
        assert!(matches!(context.check_password("nobody", b"x"), Err(Error::Busy)));
        assert!(matches!(context.set_password(&cheap, b"x"), Err(Error::Busy)));
        assert!(matches!(context.check_password("alice", b"wrong"), Ok(None)));
        drop(held);
        assert!(matches!(context.check_password("nobody", b"x"), Ok(None)));
        assert!(context.set_password(&cheap, b"x").unwrap());
        assert!(context.check_password("alice", b"x").unwrap().is_some());
    }

    #[test]
    fn an_attempt_that_could_not_be_hashed_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path());
        let log_in = || passwords::log_in(&context.ctx(0), "nobody", b"x", None);
        let held = context.turns.take(Duration::ZERO);
        assert!((0..10).all(|_| matches!(log_in(), Err(Error::Busy))));
        drop(held);
        assert!((0..5).all(|_| matches!(log_in(), Ok(passwords::Login::Wrong(_)))));
        assert!(matches!(log_in(), Ok(passwords::Login::Throttled(_))));
    }

    #[cfg(feature = "jwks-url")]
    mod keys {
        use std::io::{Read, Write};
        use std::net::TcpListener;
        use std::thread::{self, JoinHandle};

        use serde_json::{Value, json};

        use super::*;
        use crate::codec::jws;
        use crate::codec::key::{Algorithm, Key};

        const NOW: i64 = 1_800_000_000;

        /// Answers one request with a set of these keys.
        fn publish(listener: &TcpListener, kids: &[&str]) -> JoinHandle<()> {
            let listener = listener.try_clone().unwrap();
            let x = public(&pair());
            let keys = kids.iter().map(|kid| json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid }));
            let body = json!({ "keys": keys.collect::<Vec<_>>() }).to_string();
            thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).unwrap();
            })
        }

        fn pair() -> Value {
            let keys: Value = serde_json::from_str(include_str!("../tests/vectors/jwt/pyjwt-keys.json")).unwrap();
            keys["EdDSA"][0].clone()
        }

        /// The member `x` of the public key, the end of its PEM (RFC 8410 §4).
        fn public(pair: &Value) -> String {
            use base64::Engine;
            use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
            let pem = pair["public"].as_str().unwrap();
            let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let der = STANDARD.decode(der).unwrap();
            URL_SAFE_NO_PAD.encode(&der[der.len() - 32..])
        }

        /// A token of alice.
        fn token(kid: &str) -> String {
            let key = Key::private_pem(Algorithm::EdDsa, pair()["private"].as_str().unwrap()).unwrap();
            let claims = br#"{"token_type":"access","exp":4102444800,"jti":"a","user_id":"1"}"#;
            jws::sign(&key.with_kid(kid), claims).unwrap()
        }

        fn context(folder: &std::path::Path, listener: &TcpListener) -> Arc<Context> {
            let db = rusqlite::Connection::open(folder.join("db.sqlite3")).unwrap();
            db.execute_batch(include_str!("../tests/vectors/drf/seed.sql")).unwrap();
            let text = format!(
                "database = \"sqlite:db.sqlite3\"\nsecret_key = \"s\"\n[schemes.jwt]\nblacklist = false\n\
                 algorithm = \"EdDSA\"\njwk_url = \"http://{}/jwks.json?key=secret\"\n",
                listener.local_addr().unwrap()
            );
            let origin = Origin { text: Some(text), base: Some(folder.to_owned()), ..Origin::default() };
            Context::open(&origin, Host::default()).unwrap()
        }

        #[test]
        fn a_new_key_counts_after_a_tick_and_the_last_good_set_outlives_the_server() {
            let folder = tempfile::tempdir().unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let context = context(folder.path(), &listener);
            let owner = |kid| context.token_owner("jwt", &token(kid)).map(|user| user.is_some());
            let tick = |seconds: i64| context.tick((NOW + seconds) * 1_000_000);
            assert!(matches!(owner("a"), Err(Error::Keys(_))));
            let server = publish(&listener, &["a"]);
            assert!(tick(0).is_ok());
            server.join().unwrap();
            assert!(matches!((owner("a"), owner("b")), (Ok(true), Ok(false))));
            let server = publish(&listener, &["a", "b"]);
            assert!(tick(29).is_ok());
            assert!(matches!(owner("b"), Ok(false)), "it was asked less than 30 seconds ago");
            assert!(tick(30).is_ok());
            server.join().unwrap();
            assert!(matches!((owner("a"), owner("b")), (Ok(true), Ok(true))));
            drop(listener);
            let Err(Error::Keys(why)) = tick(400) else { panic!("nobody listens") };
            assert!(why.contains("/jwks.json cannot be asked") && !why.contains("secret"), "{why}");
            assert!(matches!((owner("a"), owner("b")), (Ok(true), Ok(true))));
        }
    }
}
