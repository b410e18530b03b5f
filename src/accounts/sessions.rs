//! Django's sessions: who is logged in, logging in, logging out. Cookies come in and go out as
//! texts; no request here.

use zeroize::Zeroizing;

#[cfg(feature = "cli")]
use super::in_parts;
use super::secret;
use crate::codec::cookies::{SameSite, SetCookie, cookie};
use crate::codec::json::{self, Json};
use crate::codec::signing::{Algorithm, MaxAge, SaltedHmac, Signer};
use crate::codec::{Proof, datetime};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::store::session_files::SessionFiles;
use crate::store::{PasswordRow, SessionsTable, StoredSession, User};
use crate::verdict::{ActiveUser, active};

/// Where sessions are kept: Django's SESSION_ENGINE.
pub(crate) enum Engine {
    /// `db`, and `cached_db` behind its cache.
    Rows(SessionsTable),
    /// `file`.
    Files(SessionFiles),
    /// `signed_cookies`: the cookie is the session.
    Cookies,
}

/// Django's SESSION_COOKIE_* settings, or its CSRF_COOKIE_* settings.
#[derive(Debug, Clone)]
pub(crate) struct CookieSettings {
    pub name: String,
    /// Seconds.
    pub age: i64,
    pub domain: String,
    pub path: String,
    pub secure: bool,
    pub httponly: bool,
    pub samesite: Option<SameSite>,
}

/// How sessions are kept and believed.
pub(crate) struct Sessions {
    pub engine: Engine,
    pub cookie: CookieSettings,
    /// Signs the payload.
    pub signer: Signer,
    /// Make `_auth_user_hash`: the current key's first.
    pub user_hashes: Vec<SaltedHmac>,
    /// The dotted paths of the backends whose logins count.
    pub backends: Vec<String>,
    pub save_every_request: bool,
    pub expire_at_browser_close: bool,
}

/// One session: its key and what it holds.
pub(crate) struct Session {
    /// Empty until it is saved.
    key: String,
    data: Json,
}

/// What a cookie leads to.
pub(crate) enum Loaded {
    /// No session: Django takes the cookie away.
    Gone,
    /// This one.
    Here(Session),
}

impl Loaded {
    /// The session, if there is one.
    pub(crate) fn session(self) -> Option<Session> {
        match self {
            Self::Gone => None,
            Self::Here(session) => Some(session),
        }
    }
}

/// Whose session it is.
pub(crate) enum Owner {
    /// Nobody's, or of somebody who may not log in.
    Nobody,
    /// Of a user whose password has changed since: Django ends the session.
    Stale,
    /// Of this user. `renew`: the login was hashed with a former key.
    User { user: ActiveUser, proof: Proof, renew: bool },
}

/// What a visit with a cookie came to.
pub(crate) struct Visit {
    /// Who it is.
    pub user: Option<(ActiveUser, Proof)>,
    /// The session, if there is one.
    pub session: Option<Session>,
    /// The cookie to set or to take away.
    pub set_cookie: Option<String>,
}

impl Session {
    /// The CSRF secret of a session (Django's CSRF_USE_SESSIONS).
    pub(crate) fn csrf_secret(&self) -> Option<&str> {
        self.text(CSRF)
    }

    /// Gives the session another CSRF secret.
    pub(crate) fn set_csrf_secret(&mut self, secret: &str) {
        self.data.set(CSRF, Json::Text(secret.into()));
    }

    /// The key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.data.get(name)?.text()?.as_str().ok()
    }

    /// The user's key in the session, as its text.
    pub(crate) fn user_id(&self) -> Option<String> {
        match self.data.get(USER_ID)? {
            Json::Text(text) => text.as_str().ok().map(str::to_owned),
            // `int()` of Python's numbers: a fraction is cut off, True is 1.
            Json::Number(digits) => {
                let whole = digits.split(['.', 'e', 'E']).next().unwrap_or_default();
                #[allow(clippy::cast_possible_truncation)] // saturates, and no such key exists
                let cut = || digits.parse::<f64>().map_or_else(|_| String::new(), |n| (n as i64).to_string());
                Some(if whole.len() == digits.len() { whole.to_owned() } else { cut() })
            }
            Json::Bool(flag) => Some(i64::from(*flag).to_string()),
            _ => None,
        }
    }
}

impl Sessions {
    /// The backend that a login by this one's name is of: a dotted path, or the short name of one of
    /// Django's. The empty name is the one that checks passwords, else the first.
    pub(crate) fn backend(&self, name: &str) -> Option<&str> {
        let short = |path: &str| path.strip_prefix("django.contrib.auth.backends.") == Some(name);
        let found = match name {
            "" => self.password_backend().or(self.backends.first()),
            name => self.backends.iter().find(|path| *path == name || short(path)),
        };
        found.map(String::as_str)
    }

    /// The backend that checks passwords.
    pub(crate) fn password_backend(&self) -> Option<&String> {
        self.backends.iter().find(|path| path.ends_with("ModelBackend"))
    }

    /// Reads the session of a cookie, finds its user (Django's `auth.get_user`), and does what
    /// Django does then: ends a stale session, renews one of a former key, prolongs if told to.
    pub(crate) fn visit(&self, ctx: &Ctx<'_>, cookie: &str) -> Result<Visit, Error> {
        let mut session = match self.load(ctx, cookie)? {
            Loaded::Gone => return Ok(self.gone()),
            Loaded::Here(session) => session,
        };
        let mut set_cookie = None;
        let user = match self.owner(ctx, &session)? {
            Owner::Nobody => None,
            Owner::Stale => {
                self.end(ctx, session.key())?;
                return Ok(self.gone());
            }
            Owner::User { user, proof, renew: false } => Some((user, proof)),
            Owner::User { user, proof, renew: true } => {
                self.renew(ctx, &mut session)?;
                set_cookie = Some(self.set_cookie(ctx, &session));
                Some((user, proof))
            }
        };
        if set_cookie.is_none() && self.save_every_request {
            set_cookie = self.keep(ctx, &mut session)?;
        }
        Ok(Visit { user, session: Some(session), set_cookie })
    }

    fn gone(&self) -> Visit {
        Visit { user: None, session: None, set_cookie: Some(self.forget()) }
    }

    /// The session that a `Cookie` header names, if there is one.
    pub(crate) fn of_cookies(&self, ctx: &Ctx<'_>, header: &[u8]) -> Result<Option<Session>, Error> {
        cookie(header, &self.cookie.name).map_or(Ok(None), |key| Ok(self.load(ctx, &key)?.session()))
    }

    /// The session of a cookie. What is not signed by us is an empty session (Django's `decode`).
    pub(crate) fn load(&self, ctx: &Ctx<'_>, cookie: &str) -> Result<Loaded, Error> {
        let data = match &self.engine {
            Engine::Rows(table) if is_key(cookie) => table.data(ctx.db, cookie, &ctx.now_text()?)?,
            Engine::Files(files) if is_key(cookie) => self.in_file(ctx, files, cookie)?,
            Engine::Cookies => {
                let max_age = MaxAge { seconds: self.cookie.age, now_us: ctx.now_us() };
                let Ok((payload, _)) = self.signer.loads(cookie, Some(max_age)) else { return Ok(Loaded::Gone) };
                return Ok(Loaded::Here(Session { key: cookie.to_owned(), data: object(&payload) }));
            }
            Engine::Rows(_) | Engine::Files(_) => None,
        };
        let Some(data) = data else { return Ok(Loaded::Gone) };
        let payload = self.signer.loads(&data, None).map(|(payload, _)| payload).unwrap_or_default();
        Ok(Loaded::Here(Session { key: cookie.to_owned(), data: object(&payload) }))
    }

    fn in_file(&self, ctx: &Ctx<'_>, files: &SessionFiles, key: &str) -> Result<Option<String>, Error> {
        let Some(file) = files.read(key)? else { return Ok(None) };
        let payload = self.signer.loads(&file.data, None).map(|(payload, _)| payload).unwrap_or_default();
        let session = Session { key: key.to_owned(), data: object(&payload) };
        // As Django counts: whole seconds, and a session with a length of its own is as long as that
        // from now on, whenever the file was written.
        let left = match session.data.get(EXPIRY).and_then(seconds).filter(|length| *length != 0) {
            Some(length) => length,
            None => (self.ends_us(&session, file.modified_us) - ctx.now_us()).div_euclid(1_000_000),
        };
        Ok(Some(file.data).filter(|_| left > 0))
    }

    /// Whose session it is: Django's `auth.get_user`, which trusts a login only as long as the
    /// password is the one it was made with.
    pub(crate) fn owner(&self, ctx: &Ctx<'_>, session: &Session) -> Result<Owner, Error> {
        let (Some(id), Some(backend)) = (session.user_id(), session.text(BACKEND)) else { return Ok(Owner::Nobody) };
        let Some(id) = ctx.users.parse_id(&id).filter(|_| self.backends.iter().any(|known| known == backend)) else {
            return Ok(Owner::Nobody);
        };
        let Some(PasswordRow { user, encoded }) = ctx.users.password_by_id(ctx.db, &id)? else {
            return Ok(Owner::Nobody);
        };
        // `ModelBackend.get_user` does not see inactive users; the other does, up to the scheme.
        if !user.is_active && !backend.ends_with(".AllowAllUsersModelBackend") {
            return Ok(Owner::Nobody);
        }
        let hash = session.text(HASH).unwrap_or_default();
        for (i, key) in self.user_hashes.iter().enumerate() {
            if let Ok(proof) = key.check(hash, encoded.reveal()) {
                let Ok(user) = active(user) else { return Ok(Owner::Nobody) };
                return Ok(Owner::User { user, proof, renew: i > 0 });
            }
        }
        Ok(Owner::Stale)
    }

    /// A new key and a new hash for a session whose login was hashed with a former secret key.
    fn renew(&self, ctx: &Ctx<'_>, session: &mut Session) -> Result<(), Error> {
        let id = session.user_id().and_then(|id| ctx.users.parse_id(&id));
        if let Some(id) = id
            && let Some(row) = ctx.users.password_by_id(ctx.db, &id)?
        {
            session.data.set(HASH, Json::Text(self.user_hash(row.encoded.reveal()).as_str().into()));
        }
        self.cycle(ctx, session)
    }

    /// Logs a user in (Django's `auth.login`): the session gets a new key, so that nobody who knew
    /// the old one is logged in too (session fixation), and keeps what it held unless it was
    /// another user's or of another password. `csrf` is its new secret, where sessions hold it.
    pub(crate) fn log_in(
        &self,
        ctx: &Ctx<'_>,
        before: Option<Session>,
        user: &User,
        backend: &str,
        csrf: Option<&str>,
    ) -> Result<Session, Error> {
        let Some(row) = ctx.users.password_by_id(ctx.db, &user.id)? else {
            return Err(Error::Invalid("no such user"));
        };
        let hash = self.user_hash(row.encoded.reveal());
        let mut session = before.unwrap_or_else(|| Session { key: String::new(), data: Json::Object(vec![]) });
        let is_of_another = session.user_id().is_some_and(|id| id != user.id.to_string())
            || session.user_id().is_some() && session.text(HASH) != Some(&hash);
        if is_of_another {
            session.data = Json::Object(vec![]);
        }
        session.data.set(USER_ID, Json::Text(user.id.to_string().as_str().into()));
        session.data.set(BACKEND, Json::Text(backend.into()));
        session.data.set(HASH, Json::Text(hash.as_str().into()));
        if let Some(secret) = csrf {
            session.set_csrf_secret(secret);
        }
        self.cycle(ctx, &mut session)?;
        ctx.users.set_last_login(ctx.db, &user.id, &ctx.now_text()?)?;
        Ok(session)
    }

    /// Ends a session (Django's `flush`). False: there was none.
    pub(crate) fn end(&self, ctx: &Ctx<'_>, key: &str) -> Result<bool, Error> {
        match &self.engine {
            Engine::Rows(table) => table.delete(ctx.db, key),
            Engine::Files(files) => files.delete(key),
            // It lives until it is too old: the one weakness of this engine.
            Engine::Cookies => Ok(false),
        }
    }

    /// Saves the session under a new key; the old one ends (Django's `cycle_key`).
    pub(crate) fn cycle(&self, ctx: &Ctx<'_>, session: &mut Session) -> Result<(), Error> {
        if matches!(self.engine, Engine::Cookies) {
            session.key = self.payload(ctx, session);
            return Ok(());
        }
        let old = std::mem::take(&mut session.key);
        let old = Some(old.as_str()).filter(|key| !key.is_empty());
        // Twice the same key of 165 bits does not happen; a loop without end must not either.
        for _ in 0..MOST_KEYS {
            let key = secret::session_key()?;
            if self.create(ctx, &key, session, old)? {
                session.key.clone_from(&key);
                return Ok(());
            }
        }
        Err(Error::Store("no session key is free".to_owned()))
    }

    fn create(
        &self,
        ctx: &Ctx<'_>,
        key: &Zeroizing<String>,
        session: &Session,
        old: Option<&str>,
    ) -> Result<bool, Error> {
        match &self.engine {
            Engine::Rows(table) => table.insert(ctx.db, &self.stored(ctx, key, session)?, old),
            Engine::Files(files) => {
                let made = files.create(key, &self.payload(ctx, session))?;
                if made && let Some(old) = old {
                    files.delete(old)?;
                }
                Ok(made)
            }
            Engine::Cookies => Ok(true), // nothing is kept
        }
    }

    /// Saves what changed, and the cookie for it; `None` when the session was ended meanwhile.
    pub(crate) fn keep(&self, ctx: &Ctx<'_>, session: &mut Session) -> Result<Option<String>, Error> {
        let is_there = match &self.engine {
            Engine::Rows(table) => table.update(ctx.db, &self.stored(ctx, &session.key, session)?)?,
            Engine::Files(files) => {
                files.replace(&session.key, &self.payload(ctx, session), &secret::session_key()?)?
            }
            Engine::Cookies => {
                session.key = self.payload(ctx, session);
                true
            }
        };
        Ok(is_there.then(|| self.set_cookie(ctx, session)))
    }

    /// Every session that has not ended, with its owner's key as it stands there.
    pub(crate) fn list(&self, ctx: &Ctx<'_>) -> Result<Vec<(Session, String)>, Error> {
        let read = |key: String, data: &str| {
            let payload = self.signer.loads(data, None).map(|(payload, _)| payload).unwrap_or_default();
            Session { key, data: object(&payload) }
        };
        match &self.engine {
            Engine::Rows(table) => {
                let rows = table.all(ctx.db, &ctx.now_text()?)?;
                Ok(rows.into_iter().map(|row| (read(row.key, &row.data), row.expires)).collect())
            }
            Engine::Files(files) => {
                let mut found = Vec::new();
                for key in files.keys()? {
                    if let Some(file) = files.read(&key)? {
                        let session = read(key, &file.data);
                        let ends_us = self.ends_us(&session, file.modified_us);
                        if ends_us > ctx.now_us() {
                            found.push((session, text_of(ends_us, ctx)?));
                        }
                    }
                }
                Ok(found)
            }
            Engine::Cookies => Err(Error::Unsupported("sessions in cookies are kept by the browsers")),
        }
    }

    /// Removes what is left of sessions that have ended, a thousand rows a transaction, so that
    /// nobody waits long for the database; how many there were.
    #[cfg(feature = "cli")]
    pub(crate) fn purge(&self, ctx: &Ctx<'_>) -> Result<usize, Error> {
        let Engine::Rows(table) = &self.engine else {
            return Err(Error::Unsupported("only sessions in the database leave rows behind"));
        };
        let now = ctx.now_text()?;
        in_parts(|most| table.delete_ended(ctx.db, &now, most))
    }

    /// The `Set-Cookie` of a session.
    pub(crate) fn set_cookie(&self, ctx: &Ctx<'_>, session: &Session) -> String {
        let now_us = ctx.now_us();
        let ends_with_browser = match session.data.get(EXPIRY) {
            None | Some(Json::Null) => self.expire_at_browser_close,
            Some(expiry) => seconds(expiry) == Some(0),
        };
        let age = (!ends_with_browser).then(|| (self.ends_us(session, now_us) - now_us).div_euclid(1_000_000));
        self.cookie.set(&session.key, age, now_us)
    }

    /// The `Set-Cookie` that takes the cookie away.
    pub(crate) fn forget(&self) -> String {
        self.cookie.forget()
    }

    /// When a session ends that was saved at `saved_us` (Django's `get_expiry_date`).
    fn ends_us(&self, session: &Session, saved_us: i64) -> i64 {
        let after = |seconds: i64| saved_us.saturating_add(seconds.saturating_mul(1_000_000));
        match session.data.get(EXPIRY) {
            Some(Json::Text(text)) => {
                text.as_str().ok().and_then(datetime::from_iso).unwrap_or_else(|| after(self.cookie.age))
            }
            Some(expiry) => after(seconds(expiry).filter(|s| *s != 0).unwrap_or(self.cookie.age)),
            None => after(self.cookie.age),
        }
    }

    fn stored(&self, ctx: &Ctx<'_>, key: &str, session: &Session) -> Result<StoredSession, Error> {
        let expires = text_of(self.ends_us(session, ctx.now_us()), ctx)?;
        Ok(StoredSession { key: key.to_owned(), data: self.payload(ctx, session), expires })
    }

    fn payload(&self, ctx: &Ctx<'_>, session: &Session) -> String {
        self.signer.dumps(json::encode(&session.data).as_bytes(), ctx.now_us() / 1_000_000, true)
    }

    fn user_hash(&self, encoded: &[u8]) -> String {
        self.user_hashes.first().map(|key| key.hex(encoded)).unwrap_or_default()
    }
}

impl CookieSettings {
    /// A `Set-Cookie` with this value. `age` in seconds; `None` is as long as the browser.
    pub(crate) fn set(&self, value: &str, age: Option<i64>, now_us: i64) -> String {
        let cookie = SetCookie {
            domain: Some(self.domain.as_str()),
            path: &self.path,
            secure: self.secure,
            httponly: self.httponly,
            samesite: self.samesite,
            ..SetCookie::new(&self.name, value)
        };
        let now = now_us.div_euclid(1_000_000);
        age.map_or(cookie.clone(), |age| cookie.lasting(age, now)).to_string()
    }

    /// The `Set-Cookie` that takes it away.
    pub(crate) fn forget(&self) -> String {
        SetCookie::deletion(&self.name, &self.path, Some(self.domain.as_str()), self.samesite).to_string()
    }
}

/// The salts of the signatures, which Django makes of the names of its classes.
pub(crate) fn salt(engine: &Engine) -> &'static str {
    match engine {
        Engine::Rows(_) | Engine::Files(_) => "django.contrib.sessions.SessionStore",
        Engine::Cookies => "django.contrib.sessions.backends.signed_cookies",
    }
}

/// Makes `_auth_user_hash` with one secret key.
pub(crate) fn user_hash(secret: &[u8]) -> SaltedHmac {
    SaltedHmac::new("django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash", secret, Algorithm::Sha256)
}

fn text_of(us: i64, ctx: &Ctx<'_>) -> Result<String, Error> {
    datetime::to_text(us, ctx.zone).map_err(|_| Error::Invalid("a session beyond the year 9999"))
}

/// Django's `_validate_session_key`.
fn is_key(key: &str) -> bool {
    key.chars().count() >= 8
}

/// What is no object holds nothing.
fn object(payload: &[u8]) -> Json {
    match json::decode(payload) {
        Ok(object @ Json::Object(_)) => object,
        _ => Json::Object(vec![]),
    }
}

fn seconds(expiry: &Json) -> Option<i64> {
    match expiry {
        Json::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

const USER_ID: &str = "_auth_user_id";
const BACKEND: &str = "_auth_user_backend";
const HASH: &str = "_auth_user_hash";
const EXPIRY: &str = "_session_expiry";
const CSRF: &str = "_csrftoken";
const MOST_KEYS: usize = 8;
